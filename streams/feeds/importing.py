"""The import from files to a sink: ledgers through two sorts, files of events line by line. Prints
nothing, opens no network.

A ledger's million rows pass as sorted runs on disk, so memory is bounded by the accounts, not by the rows; beside a
former list both are held.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from schemas.events import HISTORY_TYPES, BookReported, ClockTicked, Event, Invalid, PolicyAdopted, parse
from streams.errors import Refused
from streams.feeds.booking import Booking
from streams.feeds.gone import OpenItems, with_gone
from streams.feeds.history import Sink
from streams.feeds.ledger import read_rows
from streams.feeds.report import BadRow, Report
from streams.feeds.sorting import Sorter
from streams.feeds.telling import Choices, Told, tell
from streams.ticks import Ticks, has_ticks, with_ticks

_OFTEN = 4_000  # records between two moves of the bar


class Bar(Protocol):
    """What shows how far an import is."""

    def stage(self, name: str, total: int) -> None:
        """A new stage of so many units."""

    def advance(self, units: int) -> None:
        """So many more of them are done."""


def import_ledgers(
    paths: Sequence[Path], choices: Choices, zone: dt.tzinfo, sink: Sink, report: Report, bar: Bar
) -> list[Told]:
    """Ledger files as events, sorted by time, with ticks between. Returns what the files were told to be.

    Raises Refused when a file does not say enough or is written to meanwhile, when no row of them is good, when they
    hold negative amounts and no invoice, when what is gone since a former list can not be told, or when the sink fails.
    """
    former = None if choices.former is None else _items_of(choices.former, choices, zone, bar)
    with _read(paths, choices, zone, report, bar) as (files, booking, events):
        if report.by_sign and not report.invoiced:
            raise Refused(
                f"{', '.join(map(str, paths))}: no row is an invoice, as the amounts are negative, so they would be credit "
                "notes; if this ledger writes what is owed as negative amounts turn the signs round, "
                "and if it holds credit notes alone import it together with the file of their invoices"
            )
        bar.stage("sending", events.count)
        booked = booking.events(events)
        if former is not None:
            booked = with_gone(
                former,
                list(booked),
                choices.as_of,
                booking.event,
                report,
                tells_disputes=any({"disputed", "status"} & file.columns.at.keys() for file in files),
            )
        ticks = Ticks(zone)
        done = 0
        with sink:
            for one in booked:
                if one.day > ticks.day:
                    for raw in ticks.before(one.day):
                        sink.tick(raw)
                        report.events["clock.ticked"] += 1
                sink.event(one.account, one.raw)
                report.events[one.type] += 1
                done += 1
                if done == _OFTEN:
                    bar.advance(done)
                    done = 0
            for raw in ticks.last():
                sink.tick(raw)
                report.events["clock.ticked"] += 1
            bar.advance(done)
    return files


@contextmanager
def _read(
    paths: Sequence[Path], choices: Choices, zone: dt.tzinfo, report: Report, bar: Bar
) -> Iterator[tuple[list[Told], Booking, Sorter]]:
    """Files as the lines of their events, which are there while the block lasts."""
    stood = {path: _stat(path) for path in paths}
    size = sum(length for length, _ in stood.values())
    bar.stage("looking", size)
    files = tell(paths, choices, _Difference(bar))
    with Sorter() as events:
        with Sorter() as records:
            bar.stage("reading", size)
            read_rows(files, choices, records, report, _Difference(bar))
            for path in paths:
                if _stat(path) != stood[path]:
                    raise Refused(
                        f"{path}: it was written to while it was read; import it again when it is complete"
                    )
            if not records.count:
                raise Refused(_nothing(paths, report, "no rows below the header"))

            def where(place: str) -> tuple[str, int]:
                return str(files[int(place[:3])].shape.path), int(place[3:])

            booking = Booking(report, where, choices.currency or choices.base_currency, zone, choices.moment)
            bar.stage("booking", records.count)
            booking.book(records, report.last_day, events, bar.advance)
        if not events.count:
            raise Refused(_nothing(paths, report, "no rows below the header"))
        yield files, booking, events


def _items_of(former: Path, choices: Choices, zone: dt.tzinfo, bar: Bar) -> OpenItems:
    """What stood in the former list. Its bad rows were told when it was imported: what they name is never gone."""
    items = OpenItems()
    try:
        with _read([former], choices, zone, Report(), bar) as (_, booking, events):
            for booked in booking.events(events):
                items.take(booked)
    except Refused as error:
        raise Refused(
            f"--former {former}, which is read with the same options and layout as the new list: {error}"
        ) from error
    return items


def import_events(paths: Sequence[Path], zone: dt.tzinfo, sink: Sink, report: Report, bar: Bar) -> None:
    """Files of events in their order, each line validated and sent as it stands, with ticks where the files have none.

    Raises Refused when a file can not be read, when no line of them is good, or when the sink fails.
    """
    bar.stage("sending", sum(_stat(path)[0] for path in paths))
    accounts: set[str] = set()
    good = 0
    with sink:
        for raw, event in with_ticks(_lines(paths, report, bar), zone, has_ticks(paths)):
            report.events[event.type] += 1
            # Of these only the clock gets here
            if isinstance(event, ClockTicked | PolicyAdopted | BookReported):
                sink.tick(raw)
                continue
            account = event.account_id
            sink.event(account, raw)
            accounts.add(account)
            good += 1
            day = event.occurred_at.astimezone(zone).date().isoformat()
            report.first_day = min(report.first_day or day, day)
            report.last_day = max(report.last_day, day)
        report.accounts = len(accounts)
        if not good:
            raise Refused(_nothing(paths, report, "no events in it"))


def _lines(paths: Sequence[Path], report: Report, bar: Bar) -> Iterator[tuple[bytes, Event]]:
    for path in paths:
        read = 0
        try:
            with path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    read += len(line)
                    if not number % _OFTEN:
                        bar.advance(read)
                        read = 0
                    raw = line.strip()
                    if not raw:
                        continue
                    report.rows += 1
                    try:
                        event = parse(raw)
                        if event.type not in HISTORY_TYPES:
                            raise Invalid(
                                f"type: {event.type} does not belong in a backfill; it is for the control topic"
                            )
                    except Invalid as error:
                        field = error.reason.partition(":")[0]
                        kind = f"{field[:40]} is wrong" if field.replace("_", "").isalnum() else "no event"
                        report.refuse(kind, BadRow(str(path), number, "", error.reason))
                        continue
                    yield raw, event
        except OSError as error:
            raise Refused(f"cannot read {path}: {error.strerror}") from error
        bar.advance(read)


def _stat(path: Path) -> tuple[int, int]:
    """(bytes, when it was written last, in ns)."""
    try:
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from error


class _Difference:
    """Files tell how far they are read, from 0 again with each; a bar wants what is new."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._last = 0

    def __call__(self, position: int) -> None:
        if position < self._last:
            self._last = 0
        self._bar.advance(position - self._last)
        self._last = position


def _nothing(paths: Sequence[Path], report: Report, none: str) -> str:
    names = ", ".join(map(str, paths))
    if not report.rows:
        return f"{names}: {none}"
    first = f"; the first: {report.bad[0]}" if report.bad else ""
    reasons = ", ".join(f"{kind} ({count:,})" for kind, count in report.reasons.most_common(5))
    return f"{names}: none of the {report.rows:,} rows can be imported: {reasons}{first}"

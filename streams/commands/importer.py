"""`bellwether import`: a ledger or a file of events, onto the history topic or into a file; the summary of
what was taken.

How ledgers are read stands in streams/feeds; here are the flags, the bar, the bad rows and the summary.
"""

from __future__ import annotations

import datetime as dt
import os
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.progress import Progress, TaskID

from agents.policy import Policy
from schemas.money import EXPONENTS
from schemas.money import text as money
from schemas.topics import SOURCES
from streams.blocks import Kafka
from streams.commands.options import progress_bar, settings
from streams.commands.policies import policy_of
from streams.errors import Refused
from streams.feeds.dates import HOW, ORDERS, Order
from streams.feeds.history import Nowhere, Sink, ToFile, ToHistory
from streams.feeds.importing import import_events, import_ledgers
from streams.feeds.kinds import CREDIT, PAYMENT
from streams.feeds.layout import Layout, read_layout
from streams.feeds.report import Report
from streams.feeds.telling import Choices, Told
from streams.settings import Settings

_EVENTS = (".jsonl", ".ndjson")
_SHOWN = 5  # events of a dry run
_BAD_SHOWN = 100  # bad rows printed one by one


@click.command("import")
@click.argument(
    "files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False)
)
@click.option(
    "--dates", type=click.Choice(ORDERS), help="The order of day and month, where the file does not tell it."
)
@click.option(
    "--currency",
    metavar="CUR",
    help="The currency of a ledger without one. Default: the policy's base currency.",
)
@click.option(
    "--terms",
    metavar="DAYS",
    type=click.IntRange(0, 730),
    help="Days until due, where a ledger does not say.",
)
@click.option(
    "--layout",
    metavar="FILE.toml",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What the columns are.",
)
@click.option(
    "--former",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The former list of open items: what the new one has no more is settled on --as-of.",
)
@click.option(
    "--as-of",
    metavar="DAY",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of the new list, with --former.",
)
@click.option(
    "--to",
    metavar="FILE.jsonl",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Into a file, not onto Kafka.",
)
@click.option("--dry-run", is_flag=True, help="The summary and the first events; nothing is sent.")
def import_(
    files: tuple[Path, ...],
    dates: Order | None,
    currency: str | None,
    terms: int | None,
    layout: Path | None,
    former: Path | None,
    as_of: dt.datetime | None,
    to: Path | None,
    dry_run: bool,
) -> None:
    """A ledger (CSV, TSV; one file, or invoices and payments in two) or a .jsonl of events, onto credit.history.v1."""
    began = time.monotonic()
    config = settings()
    named = files if former is None else (*files, former)
    of_events = [path.suffix.lower() in _EVENTS for path in named]
    _check(named, of_events, to)
    if any(of_events) and (dates or currency or terms is not None or layout or former):
        raise Refused(
            "--dates, --currency, --terms, --layout and --former are for ledgers; a file of events says it all itself"
        )
    if (former is None) != (as_of is None):
        raise Refused(
            "--former FILE and --as-of DAY go together: what the new list has no more is settled on its day"
        )
    said, columns = _currency(currency), read_layout(layout) if layout is not None else Layout()
    sink, policy, no_clock = _sink(config, to, dry_run, not any(of_events))
    zone = ZoneInfo(policy.time_zone)
    now = dt.datetime.now(zone)
    if as_of is not None and as_of.date() > now.date():
        raise Refused(f"--as-of {as_of.date()}: is in the future; say the day of the new list")
    choices = Choices(
        base_currency=policy.base_currency,
        today=now.date().isoformat(),
        moment=now,
        currency=said,
        terms_days=terms,
        order=dates,
        layout=columns,
        former=former,
        as_of="" if as_of is None else as_of.date().isoformat(),
    )
    report = Report()
    told: list[Told] = []
    try:
        with progress_bar(transient=True) as progress:
            if any(of_events):
                import_events(files, zone, sink, report, _Bar(progress))
            else:
                told = import_ledgers(files, choices, zone, sink, report, _Bar(progress))
    except KeyboardInterrupt:
        if dry_run or to is not None:
            raise
        click.echo(
            f"stopped after {sink.sent:,} records, of which the last may not have been sent: the same command again "
            "completes the backfill, and what comes twice counts once",
            err=True,
        )
        raise
    except OSError as error:
        # Most likely a full disk: the sorted runs of a ledger are about as large as its events.
        where = error.filename or to or tempfile.gettempdir()
        raise Refused(
            f"{where}: {error.strerror}; an import sorts in {tempfile.gettempdir()} (TMPDIR)"
        ) from error
    finally:
        _print_bad(report)
    _print_summary(report, told, choices, time.monotonic() - began)
    where = "nowhere (a dry run)" if dry_run else str(to) if to else getattr(sink, "topic", "")
    click.echo(f"sent to      {where}: {sink.sent:,} records" if not dry_run else f"sent to      {where}")
    yesterday = dt.datetime.now(zone).date() - dt.timedelta(days=1)
    if no_clock and report.last_day and report.last_day < yesterday.isoformat():
        click.echo(
            "then         `bellwether tick`, once all is imported: until a later day than "
            f"{report.last_day} has ended, tonight at the earliest without it, live events count nowhere"
        )
    if isinstance(sink, _First):
        click.echo(f"the first {len(sink.first)} events would be:")
        for raw in sink.first:
            click.echo(raw.decode())


def _check(files: Sequence[Path], of_events: Sequence[bool], to: Path | None) -> None:
    """The files are there, all of one sort, each named once, and none is written to."""
    for path in files:
        if not path.is_file():
            if not path.exists():
                raise Refused(f"{path}: no such file")
            raise Refused(
                f"{path}: is no regular file; a ledger is read twice, so write it into a file first"
            )
    real = {os.path.realpath(path) for path in files}
    if len(real) < len(files):
        raise Refused("a file is named twice")
    if any(of_events) and not all(of_events):
        raise Refused(
            "files of events (.jsonl) and ledgers can not be imported together: a file of events keeps its order, "
            "a ledger is sorted by time"
        )
    if to is not None and to.exists() and not to.is_file():
        raise Refused(f"--to {to}: is there already and is no file; name a file to write")
    if to is not None and os.path.realpath(to) in real:
        raise Refused(f"{to} is one of the files to import; write into another")


class _Bar:
    """One task after the other on a rich progress bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, name: str, total: int) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(name, total=total)

    def advance(self, units: int) -> None:
        if self._task is not None:
            self._progress.advance(self._task, units)


class _First(Nowhere):
    """A dry run that keeps the first events to show them."""

    def __init__(self) -> None:
        super().__init__()
        self.first: list[bytes] = []

    def event(self, account: str, raw: bytes) -> None:
        super().event(account, raw)
        if len(self.first) < _SHOWN:
            self.first.append(raw)


_ADVICE = (
    "To have history judged as it happened, import it before the feeds are switched on, "
    "or into a namespace of its own (BELLWETHER_NAMESPACE)"
)

_TWICE = (
    "feeds have sent events already, and a ledger knows none of their numbers: a payment or a credit note that both tell "
    "counts twice, also where the ledger shows only that less is open. A name, terms or currency in the ledger take the place "
    "of those that a feed told before the customer's first day in it"
)


def _live_events_came(kafka: Kafka, config: Settings) -> bool:
    from streams.lag import Lag

    lag = Lag(kafka, config)
    try:
        return any(behind or done for behind, done in lag.of("intake", SOURCES).values())
    finally:
        lag.close()


def _sink(config: Settings, to: Path | None, dry_run: bool, ledgers: bool) -> tuple[Sink, Policy, bool]:
    """Where the events go; the policy whose base currency and time zone they are read by, on Kafka the one in force; and
    whether they go where the live clock has ended no day yet."""
    policy, _ = policy_of(config)
    if dry_run:
        return _First(), policy, False
    if to is not None:
        return ToFile(to), policy, False
    from streams.control import read_control
    from streams.dev.processes import kafka_servers
    from streams.topics_admin import refuse_grown

    kafka = Kafka(kafka_servers(config), config.kafka_config)
    refuse_grown(kafka, config)
    sink = ToHistory(kafka, config, lambda said: click.echo(f"bellwether: {said}", err=True))
    control = read_control(kafka, config)
    if control.policy is not None:
        ours, policy = policy, control.policy
        if (policy.base_currency, policy.time_zone) != (ours.base_currency, ours.time_zone):
            click.echo(
                f"policy {control.policy_hash} is in force: base currency {policy.base_currency}, time zone "
                f"{policy.time_zone}. It counts, not the settings' policy with {ours.base_currency} and {ours.time_zone}",
                err=True,
            )
    ended, live = control.last_tick, _live_events_came(kafka, config)
    if ended is not None:
        click.echo(
            f"the live clock has ended {ended} already: a backfill's days up to then are not judged one by one again; "
            f"its facts are judged by the next tick, as they stand in the end. {_ADVICE}",
            err=True,
        )
    elif live:
        click.echo(
            "live events have come already: an account that has any is not judged on a backfill's days before the newest of "
            f"them. {_ADVICE}",
            err=True,
        )
    if live and ledgers:
        click.echo(_TWICE, err=True)
    return sink, policy, ended is None


def _currency(code: str | None) -> str | None:
    if code is None:
        return None
    if code.upper() not in EXPONENTS:
        raise Refused(f"--currency {code}: no ISO 4217 code that is known, such as EUR")
    return code.upper()


def _print_bad(report: Report) -> None:
    for row in sorted(report.bad, key=lambda bad: (bad.file, bad.line))[:_BAD_SHOWN]:
        click.echo(str(row), err=True)
    if report.refused > _BAD_SHOWN:
        click.echo(f"… and {report.refused - _BAD_SHOWN:,} more rows that were refused", err=True)


def _read_as(types: Mapping[str, str]) -> str:
    """The types that a ledger writes, by what they were read as."""
    parts = []
    for kind, said in (
        ("", "invoice, or credit note where negative"),
        (CREDIT, "credit note"),
        (PAYMENT, "payment"),
    ):
        if names := [name or "(blank)" for name, read in types.items() if read == kind]:
            parts.append(f"{', '.join(names)} = {said}")
    return "; ".join(parts)


def _print_summary(report: Report, told: list[Told], choices: Choices, seconds: float) -> None:
    lines: deque[tuple[str, str]] = deque()
    for one in told:
        shape, columns = one.shape, one.columns
        lines.append(
            ("file", f"{shape.path}: {columns.kind}; {shape.said}; header in line {shape.header_line}")
        )
        taken = ", ".join(f"{field.replace('_', ' ')} = {name}" for field, name in columns.taken)
        lines.append(("columns", taken + (f"; not used: {', '.join(columns.left)}" if columns.left else "")))
        if columns.by_name:
            lines.append(("customers", "told by their names, as no column has their numbers"))
        if types := report.types.get(str(shape.path)):
            lines.append(("types", _read_as(types)))
        form = one.dates.form or HOW[one.dates.order]
        lines.append(("dates", f"{form}: {one.why_dates}"))
        sign = "point" if one.amounts.decimal == "." else "comma"
        flipped = "; payments are written as negative amounts" if one.flipped else ""
        lines.append(("decimals", f"{sign}: {one.why_decimal}{flipped}"))
    if report.assumed:
        lines.append(
            (
                "currency",
                f"{report.assumed}, the policy's base currency, where a row names none; --currency says another",
            )
        )
    rate = f", {report.rows / seconds:,.0f} rows a second" if report.rows >= 10_000 else ""
    lines.append(("rows", f"{report.rows:,}, {report.refused:,} of them refused ({seconds:.1f} s{rate})"))
    lines += [("refused", f"{count:,} {kind}") for kind, count in report.reasons.most_common()]
    for note, count in report.note_counts.most_common():
        lines.append(
            ("note", f"{count:,} {note} ({', '.join(report.notes[note])}{', …' if count > 3 else ''})")
        )
    lines.append(("accounts", f"{report.accounts:,}"))
    counted = ", ".join(f"{kind} {count:,}" for kind, count in sorted(report.events.items()))
    lines.append(("events", f"{report.events.total():,}: {counted}"))
    if report.first_day:
        lines.append(("period", f"{report.first_day} to {report.last_day}"))
    for name, sums in (("invoiced", report.invoiced), ("credited", report.credited), ("paid", report.paid)):
        if sums:
            lines.append(
                (name, ", ".join(f"{code} {money(total, code)}" for code, total in sorted(sums.items())))
            )
    if choices.former is not None:
        gone = f"{choices.former}: {report.stood:,} open items, of which {report.gone:,} are gone"
        lines.append(("former", f"{gone}: settled on {choices.as_of}"))
    if report.invoiced and not report.paid:
        lines.append(("paid", "nothing: the files tell of no payment, so every invoice stands as open"))
    if told:
        stays = "a later export corrects what it names again; what it leaves out stands as it is"
        if choices.former is not None:
            stays = "import the next list with --former and this one"
        elif report.invoiced and not report.settled:
            stays += ": an invoice that is missing in the next list stays open until its payment is imported or sent, or that "
            stays += "list is imported with --former and this one"
        lines.append(("next", stays))
    for name, text in lines:
        click.echo(f"{name:<12} {text}")

"""The clock of a file of events: a day's tick is made as `occurred_at` advances. Backtest and import share it.

Live ticks are written by streams/control.py; what a tick does is the monitor's business.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from schemas.events import ClockTicked, Event, parse
from streams.control import clock_ticked
from streams.errors import Refused


def has_ticks(paths: Iterable[Path]) -> bool:
    """Whether any line of the files is a `clock.ticked` record. Reads them to the end where there is none
    (about 1 GB/s).

    A file that says so inside a text of another event is looked at more closely. Raises Refused of one that can not be read,
    and of a pipe: who reads it after this would begin in its middle.
    """
    for path in paths:
        if path.is_fifo():
            raise Refused(f"{path} is a pipe, and is read more than once: write it to a file first")
        try:
            with path.open("rb") as file:
                if any(b"clock.ticked" in line and _is_tick(line) for line in file):
                    return True
        except OSError as error:
            raise Refused(f"cannot read {path}: {error.strerror}") from error
    return False


def _is_tick(line: bytes) -> bool:
    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return isinstance(event, dict) and event.get("type") == "clock.ticked"


class Ticks:
    """The day that a story has reached, in the policy's time zone `zone`, and the ticks that end the days before it."""

    def __init__(self, zone: dt.tzinfo) -> None:
        self._zone = zone
        self.day = 0  # the newest day seen, as date.toordinal(); 0 before the first event

    def before(self, day: int) -> list[bytes]:
        """The ticks due before an event of this day: one for each day from the newest seen to the day before it.

        None for the first event, and none when the day goes back.
        """
        if day <= self.day:
            return []
        due = [self._tick(ended) for ended in range(self.day, day)] if self.day else []
        self.day = day
        return due

    def last(self) -> list[bytes]:
        """The tick at the end of the last day; none when there was no event."""
        return [self._tick(self.day)] if self.day else []

    def _tick(self, ordinal: int) -> bytes:
        day = dt.date.fromordinal(ordinal)
        end = dt.datetime.combine(day, dt.time(23, 59, 59), self._zone)
        return orjson.dumps(clock_ticked(day, end))


def with_ticks(
    events: Iterable[tuple[bytes, Event]], zone: dt.tzinfo, given: bool
) -> Iterator[tuple[bytes, Event]]:
    """The events in their order, with ticks between. `given`: the file has ticks of its own (`has_ticks`),
    so none is made.

    A tick for a day comes before the first event of a later day, one a day, and one at the end for the last day. Their
    ids, bytes and source depend on the day and the zone alone, so that backtest and import make the same ones.
    """
    if given:
        yield from events
        return
    ticks = Ticks(zone)
    for raw, event in events:
        for tick in ticks.before(day_of(event, zone)):
            yield tick, parse(tick)
        yield raw, event
    for tick in ticks.last():
        yield tick, parse(tick)


def day_of(event: Event, zone: dt.tzinfo) -> int:
    """The day (date.toordinal()) of an event's `occurred_at` in `zone`; of a tick the day that it ends."""
    if isinstance(event, ClockTicked):
        return event.as_of.toordinal()
    return event.occurred_at.astimezone(zone).toordinal()

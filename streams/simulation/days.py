"""Days and seconds of the simulated book as text, and its business days. No randomness, no wall clock."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Final

DAY: Final = 86_400
CLOCK: Final = tuple(f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in range(DAY))
_TEXTS: Final[dict[int, str]] = {}


def text(day: int) -> str:
    """A date ordinal as YYYY-MM-DD."""
    try:
        return _TEXTS[day]
    except KeyError:
        return _TEXTS.setdefault(day, date.fromordinal(day).isoformat())


def instant(second: int) -> str:
    """Seconds since the start of day 0 as an RFC 3339 instant in UTC."""
    day, rest = divmod(second, DAY)
    return text(day) + CLOCK[rest]


def weekday(day: int) -> int:
    """Monday is 0."""
    return (day + 6) % 7


def business(day: int) -> int:
    """The day itself, or the Monday after it."""
    w = (day + 6) % 7
    return day if w < 5 else day + 7 - w


def business_before(day: int) -> int:
    """The day itself, or the Friday before it."""
    w = (day + 6) % 7
    return day if w < 5 else day + 4 - w


@cache
def monthly_run(day: int, of_month: int) -> int:
    """The first monthly payment run on or after `day`: the given day of the month, or the Monday after it."""
    at = date.fromordinal(day)
    run = business(at.replace(day=of_month).toordinal())
    if run >= day:
        return run
    after = date(at.year + at.month // 12, at.month % 12 + 1, of_month)
    return business(after.toordinal())


@cache
def monthly_run_before(day: int, of_month: int) -> int:
    """The last monthly payment run on or before `day`."""
    at = date.fromordinal(day)
    run = business(at.replace(day=of_month).toordinal())
    if run <= day:
        return run
    before = date(at.year - (at.month == 1), (at.month - 2) % 12 + 1, of_month)
    return business(before.toordinal())


@cache
def year_end(day: int) -> int:
    """The day, or for 21 December to 3 January the first business day from 4 January on."""
    at = date.fromordinal(day)
    if at.month == 12 and at.day >= 21:
        return business(date(at.year + 1, 1, 4).toordinal())
    if at.month == 1 and at.day <= 3:
        return business(date(at.year, 1, 4).toordinal())
    return day

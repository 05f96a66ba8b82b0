"""Days on the calendar, all of them date ordinals: so many business days or months after one.

Business days are Monday to Friday less holidays; which days are holidays is the policy's to say, by country.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import date
from functools import lru_cache


def add_business_days(day: int, count: int, holidays: Set[int]) -> int:
    """The date ordinal `count` business days after `day`; 0 gives `day` itself, also on a weekend or holiday."""
    while count:
        day += 1
        if (day - 1) % 7 < 5 and day not in holidays:  # ordinal 1 was a Monday
            count -= 1
    return day


@lru_cache(maxsize=65536)
def months_after(day: int, months: int) -> int:
    """The date so many calendar months after `day`, both ordinals; a month without that day: its last."""
    start = date.fromordinal(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for last in (start.day, 30, 29, 28):
        if last <= start.day:
            try:
                return date(year, month + 1, last).toordinal()
            except ValueError:
                continue
    raise ValueError("no such day")  # pragma: no cover: every month has 28 days

"""Business days: Monday to Friday less holidays. Which days are holidays is the policy's to say, by country."""

from __future__ import annotations

from collections.abc import Set


def add_business_days(day: int, count: int, holidays: Set[int]) -> int:
    """The date ordinal `count` business days after `day`; 0 gives `day` itself, also on a weekend or holiday."""
    while count:
        day += 1
        if (day - 1) % 7 < 5 and day not in holidays:  # ordinal 1 was a Monday
            count -= 1
    return day

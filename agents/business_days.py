"""Business days: Monday to Friday. Public holidays are not known here.

A table of holidays by country would come from a library; without one a deadline may fall a day or two too early.
"""

from __future__ import annotations


def add_business_days(day: int, count: int) -> int:
    """The date ordinal `count` business days after `day`; 0 gives `day` itself, also on a weekend."""
    while count:
        day += 1
        if (day - 1) % 7 < 5:  # ordinal 1 was a Monday
            count -= 1
    return day

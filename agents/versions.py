"""A fact in its versions, as signals keep it: which of them holds on a day, and which facts are the newest.

What the versions of each kind carry, and what is forgotten, is agents/signals.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# A version of a fact: [day, occurred_at in microseconds, event_id, …]. The day is the fact's own; as of a day that
# version holds which has the greatest (occurred_at, event_id) among those dated up to it.
Version = list[Any]
Table = dict[str, list[Version]]
DAY, AT, EVENT = 0, 1, 2


def version_order(version: Version) -> tuple[int, str]:
    """Which of two versions of one day holds: the greater."""
    return version[AT], version[EVENT]


def holding_on(table: Table, today: int) -> list[tuple[str, Version]]:
    """The version of each fact that holds as of today, in the order of their keys."""
    out = []
    for key in sorted(table):
        counting = [v for v in table[key] if v[DAY] <= today]
        if counting:
            out.append((key, counting[-1]))
    return out


def keep_newest(table: Table, count: int, today: int, rank: Callable[[Version], Any]) -> None:
    """Keeps the `count` facts that rank highest, and those whose day has not come."""
    held = [key for key, versions in table.items() if versions[-1][DAY] <= today]
    if len(held) > count:
        held.sort(key=lambda key: rank(table[key][-1]))
        for key in held[:-count]:
            del table[key]

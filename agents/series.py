"""A figure by day, kept as its dated changes: a late fact moves its history as if it had come in time.

Which figure it is, is the owner's affair.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

_LONG_AGO = 0


class Series:
    """Sum of dated changes. Days up to `horizon` are one sum, `base`: nothing asks for their history any more."""

    __slots__ = ("base", "changes", "horizon", "total", "view")

    def __init__(self) -> None:
        self.base = 0
        self.horizon = _LONG_AGO
        self.changes: dict[int, int] = {}
        self.total = 0  # of all days
        self.view: tuple[list[int], list[int]] | None = None

    def add(self, day: int, change: int) -> None:
        self.total += change
        self.view = None
        if day <= self.horizon:
            self.base += change
            return
        changes = self.changes
        value = changes.get(day, 0) + change
        if value:
            changes[day] = value
        else:
            changes.pop(day, None)

    def lines(self) -> tuple[list[int], list[int]]:
        """The days of change, ascending, and the figure at the end of each."""
        if self.view is None:
            days = sorted(self.changes)
            levels = list(accumulate(map(self.changes.__getitem__, days), initial=self.base))
            del levels[0]
            self.view = days, levels
        return self.view

    def at(self, day: int) -> int:
        """The figure at the end of `day`."""
        days, levels = self.lines()
        place = bisect_right(days, day)
        return levels[place - 1] if place else self.base

    def peak(self, first: int, last: int) -> int:
        """The greatest end-of-day figure of the days first..last."""
        days, levels = self.lines()
        start = bisect_right(days, first)
        end = bisect_right(days, last)
        top = levels[start - 1] if start else self.base
        if end > start:
            top = max(top, max(levels[start:end]))
        return top

    def forget(self, horizon: int) -> None:
        """Days up to `horizon` become one sum."""
        if horizon <= self.horizon:
            return
        self.horizon = horizon
        old = [day for day in self.changes if day <= horizon]
        for day in old:
            self.base += self.changes.pop(day)
        if old:
            self.view = None

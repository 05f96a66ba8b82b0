"""A figure by day, kept as its dated changes: a late fact moves its history as if it had come in time.

Which figure it is, is the owner's affair.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

from agents.facts import NEVER

_LONG_AGO = 0
_UNMOVED = NEVER
_PEAKS_KEPT = 8  # a handful is asked for at each measure, and the same ones again the day after


class Series:
    """Sum of dated changes. Days up to `horizon` are one sum, `base`: nothing asks for their history any more."""

    __slots__ = ("_days", "_levels", "_moved_from", "_peaks", "base", "changes", "horizon", "total")

    def __init__(self) -> None:
        self.base = 0
        self.horizon = _LONG_AGO
        self.changes: dict[int, int] = {}
        self.total = 0  # of all days
        # The days of change in order and the figure at the end of each, right up to `_moved_from`; and their peaks.
        self._days: list[int] = []
        self._levels: list[int] = []
        self._moved_from = _UNMOVED
        self._peaks: dict[tuple[int, int], int] = {}

    def add(self, day: int, change: int) -> None:
        self.total += change
        if day <= self.horizon:
            self.base += change
            self._moved_from = _LONG_AGO
            return
        if day < self._moved_from:
            self._moved_from = day
        changes = self.changes
        value = changes.get(day, 0) + change
        if value:
            changes[day] = value
        else:
            changes.pop(day, None)

    def lines(self) -> tuple[list[int], list[int]]:
        """The days of change, ascending, and the figure at the end of each. Not to be changed."""
        if self._moved_from != _UNMOVED:
            since, days, levels = self._moved_from, self._days, self._levels
            place = bisect_left(days, since)
            fresh = sorted([day for day in self.changes if day >= since])
            days[place:] = fresh
            before = levels[place - 1] if place else self.base
            levels[place:] = accumulate(map(self.changes.__getitem__, fresh), initial=before)
            del levels[place]
            self._moved_from = _UNMOVED
            self._peaks.clear()
        return self._days, self._levels

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
        top = self._peaks.get((start, end))
        if top is None:
            top = levels[start - 1] if start else self.base
            if end > start:
                top = max(top, max(levels[start:end]))
            if len(self._peaks) >= _PEAKS_KEPT:
                self._peaks.clear()
            self._peaks[start, end] = top
        return top

    def forget(self, horizon: int) -> None:
        """Days up to `horizon` become one sum."""
        if horizon <= self.horizon:
            return
        self.horizon = horizon
        days, _ = self.lines()
        old = days[: bisect_right(days, horizon)]
        for day in old:
            self.base += self.changes.pop(day)
        if old:
            self._moved_from = _LONG_AGO

"""Which accounts have something due on which day, so that a day's tick wakes those and no others.

An index in memory only, derived from the pulses of the accounts; its owner keeps it beside them.
"""

from __future__ import annotations


class Wakes:
    """account id -> wake-up day, and the other way round. Nothing is remembered of ids that were removed."""

    __slots__ = ("_by_day", "_day_of")

    def __init__(self) -> None:
        self._day_of: dict[str, int] = {}
        self._by_day: dict[int, set[str]] = {}

    def __len__(self) -> int:
        return len(self._day_of)

    def move(self, account_id: str, day: int) -> None:
        """The account now wakes at the tick of `day`, or at the first one after it."""
        old = self._day_of.get(account_id)
        if old == day:
            return
        if old is not None:
            self._leave(account_id, old)
        self._day_of[account_id] = day
        ids = self._by_day.get(day)
        if ids is None:
            self._by_day[day] = {account_id}
        else:
            ids.add(account_id)

    def due(self, day: int) -> list[str]:
        """Every account that wakes at `day` or should have woken before, in the order of their ids."""
        return sorted(a for d, ids in self._by_day.items() if d <= day for a in ids)

    def everyone(self) -> list[str]:
        return sorted(self._day_of)

    def _leave(self, account_id: str, day: int) -> None:
        ids = self._by_day[day]
        ids.discard(account_id)
        if not ids:
            del self._by_day[day]

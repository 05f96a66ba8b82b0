"""An order: its open part by day, as a pure function of its facts and of the invoices that name it.

In which currency they are counted is posting.py's.
"""

from __future__ import annotations

from typing import Any

from agents.facts import Register, register, row_of


class Order:
    """The facts of one order; without `booked` a shell. `closings` are keyed by (source, event_id): several may follow.
    `settled`: drawn by invoices that folded away, by currency."""

    __slots__ = ("booked", "closings", "draws", "fold_on", "id", "page", "posted", "settled")

    def __init__(self, order_id: str) -> None:
        self.id = order_id
        self.page = 0
        self.booked: Register | None = None
        self.closings: dict[tuple[str, str], Register] = {}
        self.settled: dict[str, int] = {}
        # Derived, never stored:
        self.draws: dict[tuple[int, str], int] = {}  # (invoice date, currency) -> invoiced
        self.posted: tuple[str, list[tuple[int, int]]] | None = None
        self.fold_on: int | None = None

    def row(self) -> list[Any]:
        closings = [[s, e, r.row()] for (s, e), r in sorted(self.closings.items())]
        return [self.id, row_of(self.booked), closings, self.settled]


def order_of(row: list[Any]) -> Order:
    """The inverse of Order.row()."""
    order = Order(row[0])
    order.booked, order.settled = register(row[1]), row[3]
    for source, event_id, row_of_fact in row[2]:
        fact = register(row_of_fact)
        assert fact is not None
        order.closings[source, event_id] = fact
    return order


def open_part(
    amount: int, booked_on: int, closed_on: int | None, draws: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """(day, change) of the open part: the amount less what is drawn (by the invoices that name the order, and by
    closings with an amount), at least 0. `closed_on`: the first closing without an amount, which closes the rest for
    good."""
    days = {booked_on, *(day if day > booked_on else booked_on for day, _ in draws)}
    if closed_on is not None:
        days.add(max(closed_on, booked_on))
    flows = []
    before = 0
    draws = sorted(draws)
    drawn = place = 0
    for day in sorted(days):
        while place < len(draws) and draws[place][0] <= day:
            drawn += draws[place][1]
            place += 1
        part = 0 if closed_on is not None and closed_on <= day else max(0, amount - drawn)
        if part != before:
            flows.append((day, part - before))
            before = part
    return flows

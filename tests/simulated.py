"""A slow, plain reading of a simulated book, for its tests: what was open when, and when an account first turned bad.

It reads the written events only; nothing here is the simulator's.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Event = dict[str, Any]
CROSSES = dt.timedelta(days=61)


@dataclass
class Paper:
    """One invoice: what moved it, on which day, and which part was disputed from when to when."""

    amount: Decimal
    issued: dt.date
    due: dt.date
    moves: list[tuple[dt.date, dt.date, Decimal]] = field(
        default_factory=list
    )  # paid on, counts on, by how much
    disputes: list[tuple[dt.date, dt.date, Decimal]] = field(default_factory=list)

    def moved(self, on: dt.date, by: Decimal) -> None:
        self.moves.append((on, on, by))

    def unpaid_at_end_of(self, day: dt.date) -> Decimal:
        """Cash that was applied later counts from the day on which it was paid."""
        return self.amount + sum((by for paid, _, by in self.moves if paid <= day), Decimal(0))

    def open_at_end_of(self, day: dt.date) -> Decimal:
        """Cash counts from the day on which it was applied."""
        return self.amount + sum((by for _, counts, by in self.moves if counts <= day), Decimal(0))

    def disputed_on(self, day: dt.date) -> Decimal:
        return sum((amount for start, end, amount in self.disputes if start <= day < end), Decimal(0))


class Books:
    """All invoices and filings by account, from events in time order. Facts count on their own dates."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.papers: dict[str, dict[str, Paper]] = defaultdict(dict)
        self.filed: dict[str, dt.date] = {}
        self.received: dict[str, Decimal] = {}
        self.applied: dict[str, list[tuple[str, Decimal, Decimal]]] = defaultdict(list)
        self._paid_on: dict[str, dt.date] = {}
        self.last = dt.date.min
        for event in events:
            self._read(event)

    def _read(self, event: Event) -> None:
        kind, day = event["type"], dt.date.fromisoformat(event["occurred_at"][:10])
        self.last = max(self.last, day)
        papers = self.papers[event["account_id"]] if "account_id" in event else {}
        if kind == "invoice.issued":
            issued, due = (dt.date.fromisoformat(event[name]) for name in ("invoice_date", "due_date"))
            papers[event["invoice_id"]] = Paper(Decimal(event["amount"]), issued, due)
        elif kind in ("payment.received", "payment.applied"):
            payment = event["payment_id"]
            if kind == "payment.received":
                self._paid_on[payment] = dt.date.fromisoformat(event["paid_on"])
                self.received[payment] = Decimal(event["amount"])
            for part in event.get("applications", ()):
                cash, granted = Decimal(part["amount"]), Decimal(part.get("discount", "0"))
                self.applied[payment].append((part["invoice_id"], cash, granted))
                paid_on = self._paid_on[payment]
                counts = paid_on if kind == "payment.received" else day
                papers[part["invoice_id"]].moves.append((paid_on, counts, -cash - granted))
        elif kind == "payment.reversed":
            on = dt.date.fromisoformat(event["reversed_on"])
            for invoice, cash, granted in self.applied[event["payment_id"]]:
                papers[invoice].moved(on, cash + granted)
        elif kind == "invoice.credited":
            papers[event["invoice_id"]].moved(day, -Decimal(event["amount"]))
        elif kind in ("invoice.voided", "invoice.written_off"):
            paper = papers[event["invoice_id"]]
            paper.moved(day, -paper.open_at_end_of(dt.date.max))
        elif kind == "invoice.disputed":
            papers[event["invoice_id"]].disputes.append((day, dt.date.max, Decimal(event["amount"])))
        elif kind == "dispute.resolved":
            start, _, amount = papers[event["invoice_id"]].disputes.pop()
            papers[event["invoice_id"]].disputes.append((start, day, amount))
        elif kind == "bureau.filed" and event["kind"] == "insolvency":
            self.filed.setdefault(event["account_id"], dt.date.fromisoformat(event["filed_on"]))

    def turned_bad(self, account: str) -> dt.date | None:
        """The first day on which a clean part of an invoice is 61 days past due, or of the insolvency filing."""
        days = [self.filed[account]] if account in self.filed else []
        for paper in self.papers[account].values():
            crossing = paper.due + CROSSES
            unpaid = paper.unpaid_at_end_of(crossing - dt.timedelta(days=1))
            if crossing <= self.last and unpaid - paper.disputed_on(crossing) > 0:
                days.append(crossing)
        return min(days, default=None)

    def open_balance(self, account: str, day: dt.date) -> Decimal:
        issued = (paper for paper in self.papers[account].values() if paper.issued <= day)
        return sum((paper.open_at_end_of(day) for paper in issued), Decimal(0))

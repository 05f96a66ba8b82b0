"""A payment: what was received, what of it is applied to which invoice, what was reversed, and what is left unapplied.

A pure function of the payment's own facts. How much of an application an invoice can take is invoices.py's.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from agents.facts import Register, register, row_of
from schemas.money import minor

DIRECT_DEBITS: Final = frozenset(
    {"direct_debit", "direct debit", "direct-debit", "directdebit", "sepa_direct_debit", "sdd", "dd"}
)
"""Methods, in lower case, whose cash the payer's bank may still take back."""


class Application(NamedTuple):
    """Cash of one payment for one invoice, in the payment's currency, before the invoice's own cap.

    `order` = (occurred_at in microseconds, event_id, place). `steps`: (day, amount that stands from then on), by day.
    """

    order: tuple[int, str, int]
    payment_id: str
    paid_on: int
    currency: str
    steps: tuple[tuple[int, int], ...]
    discount: int

    def at(self, day: int) -> int:
        """What stands at the end of `day`."""
        amount = 0
        for start, value in self.steps:
            if start > day:
                break
            amount = value
        return amount


class Payment:
    """The facts of one payment. `applied` and `reversed` are keyed by (source, event_id): several may follow."""

    __slots__ = (
        "applied",
        "id",
        "invoices",
        "page",
        "posted",
        "received",
        "reversal_days",
        "reversed",
        "settled",
        "worth",
    )

    def __init__(self, payment_id: str) -> None:
        self.id = payment_id
        self.page = 0
        self.received: Register | None = None
        self.applied: dict[tuple[str, str], Register] = {}
        self.reversed: dict[tuple[str, str], Register] = {}
        self.settled: dict[str, int] = {}  # invoices that folded away, and this payment's cash on them
        # Derived, never stored:
        self.invoices: tuple[str, ...] = ()  # named by the applications, as last posted
        self.posted: Receipt | None = None
        self.worth = (0, 0)  # what stands and what is provisional of it, in the account's currency
        self.reversal_days: list[int] = []  # as last posted

    def row(self) -> list[Any]:
        return [
            self.id,
            row_of(self.received),
            [[s, e, r.row()] for (s, e), r in sorted(self.applied.items())],
            [[s, e, r.row()] for (s, e), r in sorted(self.reversed.items())],
            self.settled,
        ]

    def direct_debit(self) -> bool:
        method = self.received.content[3] if self.received is not None else None
        return method is not None and method.strip().lower() in DIRECT_DEBITS


def payment_of(row: list[Any]) -> Payment:
    """The inverse of Payment.row()."""
    payment = Payment(row[0])
    payment.received = register(row[1])
    for source, event_id, fact in row[2]:
        payment.applied[source, event_id] = _known(fact)
    for source, event_id, fact in row[3]:
        payment.reversed[source, event_id] = _known(fact)
    payment.settled = row[4]
    return payment


def _known(row: list[Any]) -> Register:
    fact = register(row)
    assert fact is not None
    return fact


class Receipt(NamedTuple):
    """What a payment amounts to: `flows` (day, change of the cash received) in `currency`; `net` is what
    stands today."""

    paid_on: int
    currency: str
    flows: tuple[tuple[int, int], ...]
    net: int
    provisional: int


def _whole(text: str | None, currency: str) -> int:
    """An amount as written, in the payment's currency; 0 for one that the currency can not hold."""
    if text is None:
        return 0
    try:
        return minor(text, currency)
    except ValueError:
        return 0


def allocate(payment: Payment) -> tuple[Receipt | None, list[tuple[str, Application]]]:
    """The payment's receipt and its applications by invoice; nothing while payment.received is not known.

    Applications in the order (occurred_at, event_id, place) share what was received, each up to what is left. A reversal
    takes what is unapplied first, then the applications from last to first; several reversals add up to at most all of
    it. At every day the facts dated up to it decide, so that late facts move history as if they had come in time.
    """
    received = payment.received
    if received is None:
        return None, []
    amount, currency, paid_on, _, listed = received.content
    if not payment.applied and not payment.reversed:
        left = amount
        simple = []
        us, event_id = received.us, received.event_id
        for place, (invoice_id, cash, discount) in enumerate(listed):
            if cash > left:
                cash = left
            left -= cash
            simple.append(
                (
                    invoice_id,
                    Application(
                        (us, event_id, place), payment.id, paid_on, currency, ((paid_on, cash),), discount
                    ),
                )
            )
        provisional = amount if payment.direct_debit() else 0
        return Receipt(paid_on, currency, ((paid_on, amount),), amount, provisional), simple
    return _allocate_by_day(payment, amount, currency, paid_on, listed)


def _allocate_by_day(
    payment: Payment, amount: int, currency: str, paid_on: int, listed: list[list[Any]]
) -> tuple[Receipt, list[tuple[str, Application]]]:
    received = payment.received
    assert received is not None
    # (order, day it counts from, invoice, cash, discount)
    wanted = [
        ((received.us, received.event_id, place), paid_on, invoice_id, cash, discount)
        for place, (invoice_id, cash, discount) in enumerate(listed)
    ]
    for fact in payment.applied.values():
        wanted += [
            (
                (fact.us, fact.event_id, place),
                max(paid_on, fact.day),
                invoice_id,
                _whole(cash, currency),
                _whole(discount, currency),
            )
            for place, (invoice_id, cash, discount) in enumerate(fact.content)
        ]
    wanted.sort(key=lambda w: (w[0], w[2], w[3], w[4], w[1]))
    reversals = [
        (max(paid_on, fact.day), amount if fact.content[1] is None else _whole(fact.content[1], currency))
        for fact in payment.reversed.values()
    ]
    days = sorted({paid_on, *(w[1] for w in wanted), *(day for day, _ in reversals)})
    steps: list[list[tuple[int, int]]] = [[] for _ in wanted]
    flows: list[tuple[int, int]] = []
    before = 0
    net = amount
    for day in days:
        left = amount
        standing = []
        for _, start, _, cash, _ in wanted:
            cash = min(cash, left) if start <= day else 0
            left -= cash
            standing.append(cash)
        taken = min(amount, sum(a for d, a in reversals if d <= day))
        net = amount - taken
        taken -= min(taken, left)
        for place in range(len(wanted) - 1, -1, -1):
            if not taken:
                break
            part = min(taken, standing[place])
            standing[place] -= part
            taken -= part
        if net != before:
            flows.append((day, net - before))
            before = net
        for place, cash in enumerate(standing):
            if (steps[place][-1][1] if steps[place] else 0) != cash or (
                not steps[place] and wanted[place][1] <= day
            ):
                steps[place].append((day, cash))
    applications = [
        (
            invoice_id,
            Application(order, payment.id, paid_on, currency, tuple(steps[place]), discount),
        )
        for place, (order, _, invoice_id, _, discount) in enumerate(wanted)
    ]
    provisional = net if payment.direct_debit() else 0
    return Receipt(paid_on, currency, tuple(flows), net, provisional), applications

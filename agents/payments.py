"""A payment: what was received, what of it is applied to which invoice, what was reversed, and what is left unapplied.

A pure function of the payment's own facts and of what invoices took of it. How much of an application an invoice can
take is invoices.py's; that the two agree is posting.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from agents.facts import Register, register, row_of
from schemas.money import minor

DIRECT_DEBITS: Final = frozenset(
    {"direct_debit", "direct debit", "direct-debit", "directdebit", "sepa_direct_debit", "sdd", "dd"}
)
"""Methods, in lower case, whose cash the payer's bank may still take back."""


Steps = tuple[tuple[int, int], ...]
"""An amount by day: (day, what it is from then on), ascending; 0 before."""

Taken = Callable[[str], "Mapping[int, Steps] | None"]
"""Invoice -> what it takes of this payment's applications, by rank; None: not known yet."""


def level(steps: Steps, day: int) -> int:
    """The amount at the end of `day`."""
    amount = 0
    for start, value in steps:
        if start > day:
            break
        amount = value
    return amount


class Application(NamedTuple):
    """Cash of one payment offered to one invoice, in the payment's currency, before the invoice's own cap.

    `order` = (occurred_at in microseconds, event_id, place). `rank`: its place among the payment's applications in
    their order. (order, payment_id, rank) is the one order in which all applications of an account take their turn.
    """

    order: tuple[int, str, int]
    payment_id: str
    rank: int
    paid_on: int
    currency: str
    steps: Steps
    discount: int

    def at(self, day: int) -> int:
        """What is offered at the end of `day`."""
        return level(self.steps, day)


class Payment:
    """The facts of one payment. `applied` and `reversed` are keyed by (source, event_id): several may follow."""

    __slots__ = (
        "applied",
        "held",
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
        self.worth = 0  # what stands of it, in the account's currency
        self.reversal_days: list[int] = []  # as last posted
        self.held = 0  # facts whose amounts do not fit its currency, as last posted

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
    direct_debit: bool


def _whole(text: str | None, currency: str) -> int:
    return 0 if text is None else minor(text, currency)


def _fits(amounts: list[str | None], currency: str) -> bool:
    try:
        for amount in amounts:
            _whole(amount, currency)
    except ValueError:
        return False
    return True


def facts_that_fit(payment: Payment) -> tuple[list[Register], list[Register]]:
    """The applications and reversals whose amounts the payment's currency can hold; all while that is not known.

    Those that do not fit (12.345 of a payment in USD) are kept and ignored, for a correction of the payment may name
    the currency that they were written in. Refusing them would let the figures depend on the order of arrival: whether
    one does not fit can be seen only after payment.received.
    """
    applied, reversed_ = list(payment.applied.values()), list(payment.reversed.values())
    if payment.received is None:
        return applied, reversed_
    currency = payment.received.content[1]
    return (
        [f for f in applied if _fits([text for part in f.content for text in part[1:]], currency)],
        [f for f in reversed_ if _fits([f.content[1]], currency)],
    )


class Allocation(NamedTuple):
    """What a payment offers. `listed`: invoice and application, by rank. `tight`: what an invoice leaves changes what
    another one is offered."""

    receipt: Receipt | None
    listed: list[tuple[str, Application]]
    tight: bool


def allocate(
    payment: Payment, applied: list[Register], reversals: list[Register], taken: Taken
) -> Allocation:
    """The payment's receipt and its applications; nothing while payment.received is not known.

    What was received less what was reversed (at most all of it) goes to the applications in the order (occurred_at,
    event_id, place); each is offered what those before it did not take. So what an invoice does not take - void, already
    paid, not issued yet - stays unapplied until another application asks for it, and a reversal takes what is unapplied
    first, then the applications from last to first: less money ends earlier in the same order. At every day the facts
    dated up to it decide, so that late facts move history as if they had come in time.
    """
    received = payment.received
    if received is None:
        return Allocation(None, [], False)
    amount, currency, paid_on, _, listed = received.content
    if not applied and not reversals and (len(listed) < 2 or sum(part[1] for part in listed) <= amount):
        us, event_id = received.us, received.event_id
        simple = [
            (
                invoice_id,
                Application(
                    (us, event_id, place), payment.id, place, paid_on, currency,
                    ((paid_on, cash if cash < amount else amount),), discount,
                ),
            )
            for place, (invoice_id, cash, discount) in enumerate(listed)
        ]  # fmt: skip
        return Allocation(
            Receipt(paid_on, currency, ((paid_on, amount),), amount, payment.direct_debit()), simple, False
        )
    return _allocate_by_day(payment, applied, reversals, taken)


def _allocate_by_day(
    payment: Payment, applied: list[Register], reversals: list[Register], taken: Taken
) -> Allocation:
    received = payment.received
    assert received is not None
    amount, currency, paid_on, _, listed = received.content
    # (order, invoice, cash, discount, day it counts from)
    wanted = [
        ((received.us, received.event_id, place), invoice_id, cash, discount, paid_on)
        for place, (invoice_id, cash, discount) in enumerate(listed)
    ]
    for fact in applied:
        wanted += [
            (
                (fact.us, fact.event_id, place),
                invoice_id,
                _whole(cash, currency),
                _whole(discount, currency),
                max(paid_on, fact.day),
            )
            for place, (invoice_id, cash, discount) in enumerate(fact.content)
        ]
    wanted.sort()
    back = [
        (max(paid_on, f.day), amount if f.content[1] is None else _whole(f.content[1], currency))
        for f in reversals
    ]
    days = {paid_on, *(w[4] for w in wanted), *(day for day, _ in back)}
    money = {day: max(0, amount - sum(a for d, a in back if d <= day)) for day in days}
    tight = len(wanted) > 1 and any(
        0 < stands < sum(w[2] for w in wanted if w[4] <= day) for day, stands in money.items()
    )
    # What each application is known to take; None: as much as it is offered.
    takes: list[Steps | None] = [None] * len(wanted)
    if tight:
        for rank, (_, invoice_id, *_) in enumerate(wanted):
            known = None if invoice_id in payment.settled else taken(invoice_id)
            if known is not None:
                steps = takes[rank] = known.get(rank, ())
                days.update(day for day, _ in steps if day > paid_on)
    offers: list[list[tuple[int, int]]] = [[] for _ in wanted]
    flows: list[tuple[int, int]] = []
    before = 0
    for day in sorted(days):
        left = net = max(0, amount - sum(a for d, a in back if d <= day))
        if net != before:
            flows.append((day, net - before))
            before = net
        settled = payment.settled.copy()  # folded away: what such an invoice took is all that it takes
        for rank, (_, invoice_id, cash, _, start) in enumerate(wanted):
            offer = min(cash, left) if start <= day else 0
            part = offer
            if tight:
                steps_taken = takes[rank]
                if steps_taken is not None:
                    part = min(offer, level(steps_taken, day))
                elif invoice_id in settled:
                    part = min(offer, settled[invoice_id])
                    settled[invoice_id] -= part
            left -= part
            own = offers[rank]
            if offer != (own[-1][1] if own else 0):
                own.append((day, offer))
    applications = [
        (invoice_id, Application(order, payment.id, rank, paid_on, currency, tuple(offers[rank]), discount))
        for rank, (order, invoice_id, _, discount, _) in enumerate(wanted)
    ]
    receipt = Receipt(paid_on, currency, tuple(flows), before, payment.direct_debit())
    return Allocation(receipt, applications, tight)

"""Facts as registers: what an event says in a compact row, on which day it counts, and which of several versions wins.

What the facts together amount to is not decided here (invoices.py, payments.py, orders.py, posting.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

from schemas.events import (
    AccountClosed,
    AccountOpened,
    AccountUpdated,
    DisputeResolved,
    InvoiceCredited,
    InvoiceDisputed,
    InvoiceIssued,
    InvoiceVoided,
    InvoiceWrittenOff,
    LimitSet,
    OrderBooked,
    OrderClosed,
    PaymentApplied,
    PaymentPromised,
    PaymentReceived,
    PaymentReversed,
    PaymentScheduled,
    SecurityRecorded,
)
from schemas.money import minor

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY: Final = _EPOCH.toordinal()
_DAY_US: Final = 86_400_000_000

# What offer() answers.
NEW: Final = 2  # the winning version changed
SAME: Final = 1  # only the memory of versions changed
KNOWN: Final = 0  # nothing changed

APPLIED: Final = "applied"
REPEAT: Final = "repeat"
LATE: Final = "late"
Applied = str
"""What became of an event. APPLIED: taken. REPEAT: known already, nothing moves. LATE: beyond reach, nothing was taken."""

NEVER: Final = 4_000_000
"""A day after every date that we accept."""


def microseconds(instant: datetime) -> int:
    """Whole microseconds since 1970, UTC."""
    since = instant - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def local_day(us: int, zone: str) -> int:
    """The date ordinal of an instant in the policy's time zone."""
    if zone == "UTC":
        return us // _DAY_US + _EPOCH_DAY
    return datetime.fromtimestamp(us // 1_000_000, _zone(zone)).toordinal()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


class Register:
    """One fact under its natural id: of all versions that came, the one with the greatest (occurred_at, event_id).

    `us`, `event_id`, `day` are those of the *first* event that said so (by the same order): a repeat moves nothing.
    `versions` holds [content, first us, first event_id, first day, last us, last event_id] of every version, the one that
    won last, and what its record keeps with it (announced.py); it may be None while a single event is all there is. The
    state depends on the set of events, not on their order of arrival.
    """

    __slots__ = ("content", "day", "event_id", "us", "versions")

    def __init__(self, us: int, event_id: str, day: int, content: list[Any]) -> None:
        self.us = us
        self.event_id = event_id
        self.day = day
        self.content = content
        self.versions: list[list[Any]] | None = None

    def offer(self, said: Register) -> int:
        """Takes what one more event says of the same fact; NEW, SAME or KNOWN."""
        us, event_id, day, content = said.us, said.event_id, said.day, said.content
        if self.versions is None and content == self.content and us == self.us and event_id == self.event_id:
            return KNOWN
        versions = self.versions = self.all_versions()
        for version in versions:
            if version[0] == content:
                if (version[1], version[2]) <= (us, event_id) <= (version[4], version[5]):
                    return KNOWN
                if (us, event_id) < (version[1], version[2]):
                    version[1:4] = us, event_id, day
                else:
                    version[4:6] = us, event_id
                break
        else:
            versions.append([content, us, event_id, day, us, event_id])
        versions.sort(key=_version_order)
        won = versions[-1]
        before = self.content, self.us, self.event_id
        self.content, self.us, self.event_id, self.day = won[:4]
        return SAME if before == (self.content, self.us, self.event_id) else NEW

    def all_versions(self) -> list[list[Any]]:
        """`versions`, also of a fact that a single event told."""
        if self.versions is not None:
            return self.versions
        return [[self.content, self.us, self.event_id, self.day, self.us, self.event_id]]

    def row(self) -> list[Any]:
        row = [self.us, self.event_id, self.day, self.content]
        return row if self.versions is None else [*row, self.versions]


def _version_order(version: list[Any]) -> tuple[int, str, bytes]:
    return version[4], version[5], orjson.dumps(version[0])


def register(row: list[Any] | None) -> Register | None:
    """The inverse of Register.row()."""
    if row is None:
        return None
    fact = Register(row[0], row[1], row[2], row[3])
    if len(row) > 4:
        fact.versions = row[4]
    return fact


def row_of(fact: Register | None) -> list[Any] | None:
    return None if fact is None else fact.row()


def amount_of(amount: str | None, currency: str | None) -> int | None:
    """An amount that an event may leave out, in minor units; with one it names the currency. Raises ValueError as minor()."""
    if amount is None:
        return None
    assert currency is not None
    return minor(amount, currency)


# From an event to (its own day or None, its natural id, its content).
Row = tuple[int | None, str, list[Any]]


def _issued(event: InvoiceIssued) -> Row:
    currency = event.currency
    day = event.invoice_date.toordinal()
    discount_date = event.discount_date
    percent = event.discount_percent
    return (
        day,
        event.invoice_id,
        [
            minor(event.amount, currency),
            currency,
            day,
            event.due_date.toordinal(),
            event.order_id,
            None if percent is None else str(percent),
            None if discount_date is None else discount_date.toordinal(),
        ],
    )


def _credited(event: InvoiceCredited) -> Row:
    return None, event.memo_id, [event.invoice_id, minor(event.amount, event.currency), event.currency]


def _disputed(event: InvoiceDisputed) -> Row:
    return None, event.dispute_id, [event.invoice_id, minor(event.amount, event.currency), event.currency]


def _resolved(event: DisputeResolved) -> Row:
    return None, event.dispute_id, [event.invoice_id, event.outcome]


def _written_off(event: InvoiceWrittenOff) -> Row:
    return None, event.invoice_id, [amount_of(event.amount, event.currency), event.currency]


def _voided(event: InvoiceVoided) -> Row:
    return None, event.invoice_id, []


def _booked(event: OrderBooked) -> Row:
    return None, event.order_id, [amount_of(event.amount, event.currency), event.currency]


def _order_closed(event: OrderClosed) -> Row:
    return None, event.order_id, [amount_of(event.amount, event.currency), event.currency]


def _received(event: PaymentReceived) -> Row:
    currency = event.currency
    day = event.paid_on.toordinal()
    return (
        day,
        event.payment_id,
        [
            minor(event.amount, currency),
            currency,
            day,
            event.method,
            [
                [
                    a.invoice_id,
                    minor(a.amount, currency),
                    0 if a.discount is None else minor(a.discount, currency),
                ]
                for a in event.applications or ()
            ],
        ],
    )


def _applied(event: PaymentApplied) -> Row:
    # The currency is the payment's, which may not be known yet: the amounts stay as written.
    return None, event.payment_id, [[a.invoice_id, a.amount, a.discount] for a in event.applications]


def _reversed(event: PaymentReversed) -> Row:
    day = event.reversed_on.toordinal()
    return day, event.payment_id, [day, event.amount]


def _promised(event: PaymentPromised) -> Row:
    return (
        None,
        event.promise_id,
        [
            minor(event.amount, event.currency),
            event.currency,
            event.due_on.toordinal(),
            list(event.invoice_ids or ()),
        ],
    )


def _scheduled(event: PaymentScheduled) -> Row:
    day = event.scheduled_on.toordinal()
    return None, event.payment_id, [minor(event.amount, event.currency), event.currency, day]


def _profile(event: AccountOpened | AccountUpdated) -> Row:
    expected = event.expected_monthly_purchases
    # Who must say a name and knows none says the id, as an import does
    unnamed = event.type == "account.opened" and event.name == event.account_id
    return (
        None,
        event.account_id,
        [
            None if unnamed else event.name,
            event.currency,
            event.opened_on.toordinal(),
            event.country,
            event.terms_days,
            event.parent_id,
            event.industry,
            event.owner,
            None if expected is None else minor(expected, event.currency),
        ],
    )


def _limit_set(event: LimitSet) -> Row:
    return None, event.account_id, [minor(event.credit_limit, event.currency), event.currency]


def _account_closed(event: AccountClosed) -> Row:
    return None, event.account_id, []


def _security(event: SecurityRecorded) -> Row:
    expires = event.expires_on
    return (
        None,
        event.security_id,
        [
            event.kind,
            minor(event.amount, event.currency),
            event.currency,
            None if expires is None else expires.toordinal(),
        ],
    )


ROW_OF: Final[dict[str, Callable[[Any], Row]]] = {
    "invoice.issued": _issued,
    "invoice.credited": _credited,
    "invoice.disputed": _disputed,
    "dispute.resolved": _resolved,
    "invoice.written_off": _written_off,
    "invoice.voided": _voided,
    "order.booked": _booked,
    "order.closed": _order_closed,
    "payment.received": _received,
    "payment.applied": _applied,
    "payment.reversed": _reversed,
    "payment.promised": _promised,
    "payment.scheduled": _scheduled,
    "account.opened": _profile,
    "account.updated": _profile,
    "account.limit_set": _limit_set,
    "account.closed": _account_closed,
    "security.recorded": _security,
}
"""Event type -> what reads it. These are the types that the ledger takes."""

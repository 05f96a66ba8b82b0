"""What stood in the former list of open items and is missing in the new one, as events that settle it on the new list's day.

It works on the events that booking.py makes of each list alone. Reading the lists is importing.py's.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

import orjson

from schemas.money import minor
from schemas.money import text as money
from streams.errors import Refused
from streams.feeds.booking import CREDITED, PAID, RESOLVED, Booked
from streams.feeds.report import SETTLED, Report

Event = Callable[[str, str, str, str, dict[str, Any]], str]
"""(type, account, day, rank, fields) -> the JSON of an event, as `Booking.event` makes it."""

GONE: Final = "gone"
"""Behind an invoice's number: the id of the payment that its absence stands for."""

_OPEN_AGAIN: Final = (
    "invoices no newer than the former list's and not in it: entered late, or open again (or, where they are many, the "
    "lists are swapped); of those that an import settled "
    f"send payment.reversed, payment_id INVOICE/{GONE}, and later their payment, too, under a number of its own: what was "
    "reversed stays so"
)
_SOME: Final = 20  # items that a list has before its length says something
_SHORTER: Final = 3  # times as short as the former list: it may be cut
_OLD: Final = 31  # days since its newest invoice that a list may be old
_OLD_LIST: Final = (
    f"lists without an invoice of the {_OLD} days before --as-of, so that the settlements may be dated too late: is it the "
    "day of the new list? Its newest day is"
)
_OTHERWISE: Final = (
    "items of the former list that the new one writes otherwise (number, customer, currency or type): they are settled and "
    "open anew"
)
_FEW: Final = 10  # to one: items that both lists have, to those that they write differently
_UNUSED: Final = (
    "credits of the former list that are gone, and no invoice that they could have settled is gone with them: what is left "
    "of them stands unapplied, until an event says what became of it"
)


@dataclass(slots=True)
class _Item:
    """An invoice, or a credit note or payment that names none. Minor units."""

    number: str
    day: str
    currency: str
    open: int
    fields: dict[str, Any] = field(default_factory=dict)  # of a credit's event


class OpenItems:
    """What a list leaves open. Memory: its items."""

    def __init__(self) -> None:
        self.invoices: dict[str, dict[str, _Item]] = defaultdict(dict)  # account -> number -> item
        self.credits: dict[str, dict[tuple[str, str], _Item]] = defaultdict(dict)  # … -> (type, number)
        self.disputes: dict[
            tuple[str, str], dict[str, Any]
        ] = {}  # (account, invoice) -> fields of the open one
        self.newest = ""  # the newest day of an invoice
        self._named: set[tuple[str, str]] = set()  # (account, invoice) that rows name, void ones too
        self._paid: Counter[tuple[str, str]] = Counter()

    def take(self, booked: Booked) -> None:
        """One more event of the list, in any order."""
        account, kind = booked.account, booked.type
        if kind not in _TAKEN:
            return
        fields = orjson.loads(booked.raw)
        day = dt.date.fromordinal(booked.day).isoformat()
        if kind == "invoice.disputed":
            self.disputes[account, fields["invoice_id"]] = fields
            return
        if kind == "dispute.resolved":
            self.disputes.pop((account, fields["invoice_id"]), None)
            return
        if kind == "invoice.voided":
            self._named.add((account, fields["invoice_id"]))
            return
        currency = fields["currency"]
        left = minor(fields["amount"], currency)
        if kind == "invoice.issued":
            number = fields["invoice_id"]
            self._named.add((account, number))
            self.invoices[account][number] = _Item(number, day, currency, left)
            self.newest = max(self.newest, day)
            return
        applied = fields.get("applications", [])
        if "invoice_id" in fields:
            applied = [{"invoice_id": fields["invoice_id"], "amount": fields["amount"]}]
        for part in applied:
            amount = minor(part["amount"], currency)
            self._paid[account, part["invoice_id"]] += amount
            left -= amount
        if left > 0 and not applied:
            number = fields[_TAKEN[kind]]
            self.credits[account][kind, number] = _Item(number, day, currency, left, fields)

    @property
    def count(self) -> int:
        """How many items there are."""
        return sum(map(len, self.invoices.values())) + sum(map(len, self.credits.values()))

    def unheard_of(self, later: OpenItems) -> Iterator[tuple[str, _Item]]:
        """(account, invoice) that a later list has and this one has not, though this one has newer ones."""
        for account, items in later.invoices.items():
            for number, item in items.items():
                if item.day <= self.newest and (account, number) not in self._named:
                    yield account, item

    def gone(self, account: str, later: OpenItems) -> tuple[list[_Item], list[tuple[str, _Item]]]:
        """(invoices, (type, credit)) of an account that a later list has not, the oldest first."""
        invoices = [
            item for number, item in self.invoices[account].items() if (account, number) not in later._named
        ]
        for item in invoices:
            paid = self._paid[account, item.number] + later._paid[account, item.number]
            item.open = max(item.open - paid, 0)
        credits = [
            (kind, item)
            for (kind, number), item in self.credits[account].items()
            if (kind, number) not in later.credits[account]
        ]
        invoices.sort(key=lambda item: (item.day, item.number))
        credits.sort(key=lambda credit: (credit[1].day, credit[1].number))
        return invoices, credits


_TAKEN: Final = {
    "invoice.issued": "invoice_id",
    "invoice.voided": "invoice_id",
    "invoice.disputed": "dispute_id",
    "dispute.resolved": "dispute_id",
    "invoice.credited": "memo_id",
    "payment.received": "payment_id",
}
"""The types of which a list's items are, and the field with their number."""


def with_gone(
    former: OpenItems,
    booked: Sequence[Booked],
    day: str,
    event: Event,
    report: Report,
    *,
    tells_disputes: bool = True,
) -> Iterator[Booked]:
    """`booked`, the events of a list of `day` (ISO), and behind them those that settle what of the former list it has not.

    `tells_disputes`: whether the list has a column that says which invoices are disputed.

    Raises Refused, before the first event, where a row of the list was refused, as its invoice would look settled; where
    the list is much shorter than the former one, as if it were cut; where a list is newer than `day`; and where the two
    are no lists of the same book, one after the other.
    """
    later = OpenItems()
    for one in booked:
        later.take(one)
    unread = [kind for kind in report.reasons if kind not in SETTLED]
    if unread:
        raise Refused(
            f"{sum(report.reasons[kind] for kind in unread):,} rows of the new list were refused, and what they name would "
            f"look settled: mend them, or import without --former; the first: {report.first[unread[0]]}"
        )
    for name, newest in (("the former list", former.newest), ("the new list", report.last_day)):
        if newest > day:
            raise Refused(
                f"--as-of {day}: {name} has a day after that, {newest}; say the day of the new list"
            )
    if former.count >= _SOME and later.count * _SHORTER < former.count:
        raise Refused(
            f"the former list has {former.count:,} open items and the new one {later.count:,}: was it cut, or exported for "
            "some customers only? What is missing would be settled. If it is whole, import the payments instead of "
            "--former, or send them as events"
        )
    gone = {account: former.gone(account, later) for account in sorted({*former.invoices, *former.credits})}
    unheard_of = list(former.unheard_of(later))
    report.gone = sum(len(invoices) + len(credits) for invoices, credits in gone.values())
    otherwise = list(_otherwise(former, later, gone, unheard_of))
    if former.count >= _SOME:
        _check_pair(former, later, report.gone, unheard_of, otherwise)
    for account, item in unheard_of:
        report.note(_OPEN_AGAIN, f"{account} {item.number}")
    for place in otherwise:
        report.note(_OTHERWISE, place)
    if (dt.date.fromisoformat(day) - dt.date.fromisoformat(report.last_day)).days > _OLD:
        report.note(_OLD_LIST, report.last_day)
    report.stood = former.count
    report.last_day = day
    found = chain(booked, settled(gone, day, event, report))
    return chain(found, _resolved(former, later, day, event)) if tells_disputes else found


Gone = dict[str, tuple[list[_Item], list[tuple[str, _Item]]]]
"""Account -> its invoices, and its (type, credit), that are gone, the oldest first."""


def _check_pair(
    former: OpenItems,
    later: OpenItems,
    gone: int,
    unheard_of: Sequence[tuple[str, _Item]],
    otherwise: Sequence[str],
) -> None:
    """Raises Refused where two lists look like no pair of one book, the former one first."""
    if later.newest < former.newest and unheard_of:
        raise Refused(
            f"the newest invoice of the former list is of {former.newest}, that of the new one of {later.newest}, and the "
            f"new one has {len(unheard_of):,} older ones that the former has not: are the two swapped? If they are not, "
            "import the next list with this former one"
        )
    if len(otherwise) * _FEW > former.count:
        raise Refused(
            f"{len(otherwise):,} items of the former list are written otherwise in the new one (number, customer, "
            f"currency or type), so that they would be settled and open anew; the first: {otherwise[0]}. Export both lists "
            "in one way"
        )
    invoices = sum(map(len, later.invoices.values()))
    if gone * 2 > former.count and len(unheard_of) * 2 > invoices:
        raise Refused(
            f"{gone:,} of the {former.count:,} items of the former list are not in the new one, of whose {invoices:,} "
            f"invoices {len(unheard_of):,} are as old and not in the former: are they lists of one book, with its customers "
            "and invoices named alike?"
        )


def _otherwise(
    former: OpenItems, later: OpenItems, gone: Gone, unheard_of: Sequence[tuple[str, _Item]]
) -> Iterator[str]:
    """The items that both lists have, but not written alike, in words."""
    new = {(_plain(account), _plain(item.number)): f"{account} {item.number}" for account, item in unheard_of}
    for account, (invoices, credits) in gone.items():
        for item in invoices:
            if other := new.get((_plain(account), _plain(item.number))):
                yield f"{account} {item.number} and {other}"
        given = {number for _, number in later.credits.get(account, ())}
        for _, item in credits:
            if item.number in given:
                yield f"{account} {item.number}, a credit note in one and a payment in the other"
    for account, items in former.invoices.items():
        at = later.invoices.get(account, {})
        for number, item in items.items():
            if number in at and at[number].currency != item.currency:
                yield f"{account} {number}, in {item.currency} and {at[number].currency}"


def _plain(number: str) -> str:
    """A number without what exports add and drop: leading zeros, signs, the size of letters."""
    return "".join(filter(str.isalnum, number)).casefold().lstrip("0")


def settled(gone: Gone, day: str, event: Event, report: Report) -> Iterator[Booked]:
    """The events of `day` (ISO) that settle what is gone.

    Credits that are gone settled the invoices that went with them, as far as those were open: each is told once more with
    its own number, and the invoice that it went to. What is left of an invoice was paid: when, and whether it was not
    rather credited or written off, no list can say.
    """
    for account, (invoices, credits) in gone.items():
        for kind, credit in credits:
            parts = _used(credit, invoices, most=1 if kind == "invoice.credited" else len(invoices))
            left = credit.open - sum(amount for _, amount in parts)
            if left:
                report.note(_UNUSED, f"{account} {credit.number}")
            if not parts:
                continue
            fields = dict(credit.fields, amount=money(credit.open - left, credit.currency))
            if kind == "invoice.credited":
                fields["invoice_id"] = parts[0][0].number
                yield _booked(event, kind, account, day, CREDITED, fields)
            else:
                fields["applications"] = [
                    {"invoice_id": invoice.number, "amount": money(amount, credit.currency)}
                    for invoice, amount in parts
                ]
                yield _booked(event, kind, account, day, PAID, fields)
        for invoice in invoices:
            if not invoice.open:
                continue
            amount = money(invoice.open, invoice.currency)
            report.paid[invoice.currency] += invoice.open
            fields = {
                "payment_id": f"{invoice.number}/{GONE}",
                "amount": amount,
                "currency": invoice.currency,
                "paid_on": day,
                "applications": [{"invoice_id": invoice.number, "amount": amount}],
            }
            yield _booked(event, "payment.received", account, day, PAID, fields)


def _resolved(former: OpenItems, later: OpenItems, day: str, event: Event) -> Iterator[Booked]:
    """The ends, on `day`, of the disputes of invoices that the later list has undisputed: as they are still owed, the
    customer's claim was rejected."""
    for (account, invoice), dispute in former.disputes.items():
        if (account, invoice) not in later.disputes and invoice in later.invoices.get(account, {}):
            fields = {"invoice_id": invoice, "dispute_id": dispute["dispute_id"], "outcome": "rejected"}
            yield _booked(event, "dispute.resolved", account, day, RESOLVED, fields)


def _used(credit: _Item, invoices: list[_Item], most: int) -> list[tuple[_Item, int]]:
    """Which invoices, `most` of them, a credit settled, and with how much: one of its very amount, else the oldest; where
    it can be but one, one that is large enough before others. Takes it off them."""
    of_it = [item for item in invoices if item.open and item.currency == credit.currency]
    left = credit.open
    if most == 1:
        of_it.sort(key=lambda item: (item.open != left, item.open < left))
    else:
        of_it.sort(key=lambda item: item.open != left)
    parts = []
    for item in of_it[:most]:
        amount = min(left, item.open)
        if amount:
            item.open -= amount
            left -= amount
            parts.append((item, amount))
    return parts


_OF_EVERY: Final = frozenset({"event_id", "occurred_at", "type", "account_id", "source"})


def _booked(event: Event, kind: str, account: str, day: str, rank: str, fields: dict[str, Any]) -> Booked:
    own = {name: value for name, value in fields.items() if name not in _OF_EVERY}
    raw = event(kind, account, day, rank, own).encode()
    return Booked(dt.date.fromisoformat(day).toordinal(), account, kind, raw)

"""What stood in the former list of open items and is missing in the new one, as events that settle it on the new list's day.

It works on the events that booking.py makes of each list alone. Reading the lists is importing.py's.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import orjson

from schemas.money import minor
from schemas.money import text as money
from streams.errors import Refused
from streams.feeds.booking import CREDITED, PAID, Booked
from streams.feeds.report import NOTHING_OPEN, Report

Event = Callable[[str, str, str, str, dict[str, Any]], str]
"""(type, account, day, rank, fields) -> the JSON of an event, as `Booking.event` makes it."""

GONE: Final = "gone"
"""Behind an invoice's number: the id of the payment that its absence stands for."""

_OPEN_AGAIN: Final = (
    "invoices no newer than the former list's and not in it: entered late, or open again; of those that an import settled "
    f"send payment.reversed, payment_id INVOICE/{GONE}"
)
_SOME: Final = 20  # items that a list has before its length says something
_SHORTER: Final = 3  # times as short as the former list: it may be cut
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
    fields: dict[str, Any]  # of the event


class OpenItems:
    """What a list leaves open. Memory: its items."""

    def __init__(self) -> None:
        self.invoices: dict[str, dict[str, _Item]] = defaultdict(dict)  # account -> number -> item
        self.credits: dict[str, dict[tuple[str, str], _Item]] = defaultdict(dict)  # … -> (type, number)
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
        if kind == "invoice.voided":
            self._named.add((account, fields["invoice_id"]))
            return
        currency = fields["currency"]
        left = minor(fields["amount"], currency)
        if kind == "invoice.issued":
            number = fields["invoice_id"]
            self._named.add((account, number))
            self.invoices[account][number] = _Item(number, day, currency, left, fields)
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
    "invoice.credited": "memo_id",
    "payment.received": "payment_id",
}
"""The types of which a list's items are, and the field with their number."""


def with_gone(
    former: OpenItems, booked: Sequence[Booked], day: str, event: Event, report: Report
) -> Iterator[Booked]:
    """`booked`, the events of a list of `day` (ISO), and behind them those that settle what of the former list it has not.

    Raises Refused, before the first event, where a row of the list was refused, as its invoice would look settled; where
    the list is much shorter than the former one, as if it were cut; and where a list is newer than `day`.
    """
    later = OpenItems()
    for one in booked:
        later.take(one)
    unread = report.refused - report.reasons[NOTHING_OPEN]
    if unread:
        first = next((str(row) for row in report.bad if "is zero" not in row.reason), "")
        raise Refused(
            f"{unread:,} rows of the new list were refused, and what they name would look settled: mend them, or import "
            f"without --former; the first: {first}"
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
    report.stood = former.count
    report.last_day = day
    return chain(booked, settled(former, later, day, event, report))


def settled(former: OpenItems, later: OpenItems, day: str, event: Event, report: Report) -> Iterator[Booked]:
    """The events of `day` (ISO) that settle what of the former list the later one has not.

    Credits that are gone settled the invoices that went with them, as far as those were open: each is told once more with
    its own number, and the invoice that it went to. What is left of an invoice was paid: when, and whether it was not
    rather credited or written off, no list can say.
    """
    for account in sorted({*former.invoices, *former.credits}):
        invoices, credits = former.gone(account, later)
        report.gone += len(invoices) + len(credits)
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
    for account, items in later.invoices.items():
        for number, item in items.items():
            if item.day <= former.newest and (account, number) not in former._named:
                report.note(_OPEN_AGAIN, f"{account} {number}")


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

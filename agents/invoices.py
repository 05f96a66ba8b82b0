"""An invoice: its facts, and what they amount to as a pure function of them (open amount, days paid, its place
in every figure).

How invoices add up to an account is totals.py's; which facts are taken is takers.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from agents.facts import Register, register, row_of
from agents.payments import Application, Steps
from schemas.money import half_even

# What became of an invoice, for survival figures.
OPEN: Final = 0
PAID: Final = 1  # the policy's share of the amount came in cash
CLOSED: Final = 2  # nothing left, by memo or discount
WRITTEN_OFF: Final = 3

Factor = Callable[[str, str, int], "tuple[int, int] | None"]
"""(source, target, invoice's day) -> minor units of target for one of source as numerator, denominator; None:
no rate."""


_ORDER: Final = 4
_DISCOUNT: Final = 5  # its percentage, and behind it its day


def issued(issue: Register) -> list[Any]:
    """The content of an invoice.issued as it holds: what it leaves out of order and discount is as a version before it said.

    An import beside a feed knows neither, and would open the order that the invoice closed, and double the exposure.
    """
    content = issue.content
    if issue.versions is None or (content[_ORDER] is not None and content[_DISCOUNT] is not None):
        return content
    content = [*content]
    for version, *_ in reversed(issue.versions):
        if content[_ORDER] is None:
            content[_ORDER] = version[_ORDER]
        if content[_DISCOUNT] is None:
            content[_DISCOUNT:] = version[_DISCOUNT:]
    return content


class Memo:
    """A credit memo. Without an invoice it lowers the account's open balance only."""

    __slots__ = ("fact", "id", "page", "posted", "worth")

    def __init__(self, memo_id: str, fact: Register) -> None:
        self.id = memo_id
        self.fact = fact
        self.page = 0
        self.posted: str | None = None  # the invoice that holds it
        self.worth: int | None = None  # on account: in the account's currency; 0 while there is no rate

    def row(self) -> list[Any]:
        return ["memo", self.id, self.fact.row()]


class Dispute:
    """A dispute of an invoice and its resolution, in any order of arrival."""

    __slots__ = ("fact", "id", "page", "posted", "resolved")

    def __init__(self, dispute_id: str) -> None:
        self.id = dispute_id
        self.fact: Register | None = None
        self.resolved: Register | None = None
        self.page = 0
        self.posted: str | None = None

    def row(self) -> list[Any]:
        return ["dispute", self.id, row_of(self.fact), row_of(self.resolved)]


class Invoice:
    """The facts of one invoice; without `issue` it is a shell in which facts wait. Memos, disputes and applications are
    kept by their own records and only referred to here."""

    __slots__ = (
        "applications",
        "closed_on",
        "disputes",
        "drawn",
        "fold_on",
        "foreign",
        "id",
        "issue",
        "memos",
        "page",
        "posted",
        "takes",
        "void",
        "write_off",
    )

    def __init__(self, invoice_id: str) -> None:
        self.id = invoice_id
        self.page = 0
        self.issue: Register | None = None
        self.void: Register | None = None
        self.write_off: Register | None = None
        # Derived, never stored:
        self.applications: dict[str, list[Application]] = {}  # by payment
        # Tight payment -> rank -> its cash taken; None: unknown
        self.takes: dict[str, dict[int, Steps] | None] = {}
        self.memos: list[Memo] = []
        self.disputes: list[Dispute] = []
        self.posted: Posting | None = None
        self.drawn: tuple[str, int, str, int] | None = None  # order, invoice date, currency, amount it closes
        self.foreign: str | None = None  # the currency it is counted under, when foreign
        self.closed_on: int | None = None
        self.fold_on: int | None = None

    def row(self) -> list[Any]:
        return [self.id, row_of(self.issue), row_of(self.void), row_of(self.write_off)]


def invoice_of(row: list[Any]) -> Invoice:
    """The inverse of Invoice.row()."""
    invoice = Invoice(row[0])
    invoice.issue, invoice.void, invoice.write_off = register(row[1]), register(row[2]), register(row[3])
    return invoice


class Posting(NamedTuple):
    """What an invoice adds to its account's totals, today. Money in the account's minor units unless a
    currency is named.

    `balance`: (day, change of the open amount). `cash`: (day, currency of the payment, cash taken from it).
    `native`: (day, currency, change of the open amount) of an invoice in a foreign currency.
    `observations`: (paid_on, amount, days to pay), one an application. `open` is negative when more was
    credited than owed.
    `age`: days from invoice to PAID or CLOSED. `decided`: whether the discount offered was taken; None: not yet told.
    """

    day: int
    due: int
    gross: int
    open: int
    clean: int
    disputed: int
    balance: tuple[tuple[int, int], ...]
    cash: tuple[tuple[int, str, int], ...]
    native: tuple[tuple[int, str, int], ...]
    observations: tuple[tuple[int, int, int], ...]
    state: int
    age: int
    memos: tuple[tuple[int, int], ...]
    raised: tuple[tuple[int, int], ...]
    last_paid: int | None
    discount_date: int | None
    taken: bool
    last_day: int  # the newest date in it: no window reaches it for ever
    # (paid_on, amount) in the invoice's own currency, where that is foreign
    native_paid: tuple[tuple[int, int], ...]


def scaled(amount: int, factor: tuple[int, int]) -> int:
    """amount * factor, half to even."""
    return half_even(amount * factor[0], factor[1])


_SAME: Final = (1, 1)


def derive(invoice: Invoice, currency: str, factor: Factor, paid_share: tuple[int, int]) -> Posting | None:
    """What the invoice's facts amount to; None for a shell, a void, and one that waits for a rate.

    Open = amount - cash - discounts granted with it - memos - write-off. Cash is taken in the order (occurred_at,
    event_id, place) up to the invoice's amount, the rest stays the payment's; a discount up to what then remains, and
    while any of its cash stands. A write-off takes at most what is left; one without an amount all of it, on every day since.
    """
    issue = invoice.issue
    if issue is None or invoice.void is not None:
        return None
    gross, own, day, due, _, percent, discount_date = issued(issue)
    foreign = own != currency
    value = factor(own, currency, day) if foreign else _SAME
    if value is None:
        return None

    if (
        not foreign
        and not invoice.applications
        and not invoice.memos
        and not invoice.disputes
        and invoice.write_off is None
    ):
        newest = due if due > day else day
        offered = discount_date if percent is not None else None
        if offered is not None and offered > newest:
            newest = offered
        return Posting(
            day, due, gross, gross, gross, 0, ((day, gross),), (), (), (), OPEN, 0, (), (), None, offered, False, newest, (),
        )  # fmt: skip

    book = _Book(invoice, gross, own, day, factor)
    whole = scaled(gross, value)
    final = book.at(None)
    moves = book.plain_moves() if book.plain else book.moves()
    balance: list[tuple[int, int]] = []
    cash: list[tuple[int, str, int]] = []
    native: list[tuple[int, str, int]] = []
    if not foreign:
        balance = [(when, change) for when, change, _ in moves if change]
    else:
        standing = 0
        # By day: each level is rounded by itself
        for when, change, _ in sorted(moves, key=lambda move: move[0]):
            if change:
                before = scaled(standing * whole, (1, gross))
                standing += change
                balance.append((when, scaled(standing * whole, (1, gross)) - before))
                native.append((when, own, change))
    for when, _, taken in moves:
        cash += [(when, source, amount) for source, amount in taken]

    rest = final.rest
    left = rest if rest > 0 else 0
    disputed = 0
    raised: list[tuple[int, int]] = []
    newest = max(day, due, *(when for when, _, _ in moves))
    for dispute in invoice.disputes:
        fact = dispute.fact
        if fact is None:
            continue
        amount = book.inward(fact.content[1], fact.content[2])
        raised.append((fact.day, min(amount, gross)))
        newest = max(newest, fact.day)
        if dispute.resolved is None:
            disputed += amount
        else:
            newest = max(newest, dispute.resolved.day)
    disputed = min(disputed, left)

    observations = []
    paid = []
    granted = False
    by_discount_date = 0
    for paid_on, amount, discount in final.paid:
        if amount <= 0:
            continue
        observations.append((paid_on, amount, paid_on - day))
        paid.append((paid_on, amount))
        if paid_on > newest:
            newest = paid_on
        if discount:
            granted = True
        if discount_date is not None and paid_on <= discount_date:
            by_discount_date += amount
    state, age = OPEN, 0
    if paid:
        paid.sort()
        reached = 0
        for paid_on, amount in paid:
            reached += amount
            if reached * paid_share[1] >= gross * paid_share[0]:
                state, age = PAID, max(0, paid_on - day)
                break
    last_paid = paid[-1][0] if paid else None
    if state == OPEN and rest <= 0:
        closed_on = max([when for when, change, _ in moves if change], default=day)
        state, age = (WRITTEN_OFF if final.written_off else CLOSED), max(0, closed_on - day)
    offered = discount_date if percent is not None else None
    if offered is not None and offered > newest:
        newest = offered
    was_taken = granted
    if offered is not None and not was_taken:
        off = _percent(percent)  # the price with the discount, or the paid share of it
        was_taken = (
            by_discount_date * 100 * off[1] * paid_share[1] >= gross * (100 * off[1] - off[0]) * paid_share[0]
        )

    memos = [(when, amount) for when, amount in book.memos if amount]
    for when, _ in memos:
        newest = max(newest, when)
    if foreign:
        parts = (whole, gross)
        valued = [(p, scaled(a, parts), d) for p, a, d in observations]
        observations = [one for one in valued if one[1]]  # less than half a minor unit weighs nothing
        last_paid = max([one[0] for one in observations], default=None)
        memos = [(w, scaled(a, parts)) for w, a in memos]
        raised = [(w, scaled(a, parts)) for w, a in raised]
        disputed = scaled(disputed, parts)
        rest = scaled(rest, parts)
        left = rest if rest > 0 else 0
    return Posting(
        day, due, whole, rest, left - disputed, disputed, tuple(balance), tuple(cash), tuple(native),
        tuple(observations), state, age, tuple(memos), tuple(raised), last_paid, offered, was_taken, newest,
        tuple(paid) if foreign else (),
    )  # fmt: skip


def taken_by_payment(invoice: Invoice, factor: Factor) -> dict[str, tuple[str, int]]:
    """Payment -> (its currency, how much of its cash the invoice takes)."""
    issue = invoice.issue
    if issue is None or invoice.void is not None or not invoice.applications:
        return {}
    gross, own, day = issue.content[:3]
    out: dict[str, tuple[str, int]] = {}
    for (payment_id, _), (currency, cash) in _Book(invoice, gross, own, day, factor).at(None).taken.items():
        out[payment_id] = currency, cash + out.get(payment_id, ("", 0))[1]
    return out


def taken_by_day(invoice: Invoice, factor: Factor, payments: Collection[str]) -> dict[str, dict[int, Steps]]:
    """Payment -> rank of an application -> what the invoice takes of it by day, for the payments named.

    An application of which nothing is taken is left out. For an invoice that stands in the books (posted) only.
    """
    issue = invoice.issue
    assert issue is not None
    gross, own, start = issue.content[:3]
    book = _Book(invoice, gross, own, start, factor)
    steps: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for day in book.cash_days():
        taken = {key: cash for key, (_, cash) in book.at(day).taken.items() if key[0] in payments}
        for key in taken.keys() | steps.keys():
            own_steps = steps.setdefault(key, [])
            cash = taken.get(key, 0)
            if cash != (own_steps[-1][1] if own_steps else 0):
                own_steps.append((day, cash))
    out: dict[str, dict[int, Steps]] = {payment_id: {} for payment_id in payments}
    for (payment_id, rank), own_steps in steps.items():
        if own_steps:
            out[payment_id][rank] = tuple(own_steps)
    return out


def _percent(text: str) -> tuple[int, int]:
    """A percentage as written, as a fraction."""
    whole, _, decimals = text.partition(".")
    if "e" in text or "E" in text:
        numerator, denominator = float(text).as_integer_ratio()
        return numerator, denominator
    return int(whole + decimals), 10 ** len(decimals)


class _State(NamedTuple):
    rest: int
    written_off: int
    taken: dict[tuple[str, int], tuple[str, int]]  # payment, rank -> (currency, cash taken from the payment)
    paid: list[tuple[int, int, int]]  # (paid_on, cash, discount)


class _Book:
    """An invoice's books in its own currency, at any day."""

    __slots__ = ("applications", "day", "factor", "gross", "memos", "own", "plain", "write_off")

    def __init__(self, invoice: Invoice, gross: int, own: str, day: int, factor: Factor) -> None:
        self.gross = gross
        self.own = own
        self.day = day
        self.factor = factor
        groups = list(invoice.applications.values())
        applications = groups[0] if len(groups) == 1 else [a for group in groups for a in group]
        if len(applications) > 1:
            applications = sorted(applications)
        self.applications = applications
        self.memos = [(m.fact.day, self.inward(m.fact.content[1], m.fact.content[2])) for m in invoice.memos]
        self.write_off: tuple[int, int | None] | None = None
        fact = invoice.write_off
        if fact is not None:
            amount = fact.content[0]
            self.write_off = fact.day, (None if amount is None else self.inward(amount, fact.content[1]))
        # Plain: nothing is capped and everything in one currency, so that each fact moves the balance by itself.
        self.plain = False
        if self.write_off is None:
            most = 0
            for a in applications:
                if a.currency != own:
                    return
                most += a.discount
                for _, amount in a.steps:
                    most += amount
            self.plain = most <= gross

    def inward(self, amount: int, currency: str) -> int:
        """Money of another currency in the invoice's own, at the invoice's day; 0 while there is no rate."""
        if currency == self.own:
            return amount
        factor = self.factor(currency, self.own, self.day)
        return 0 if factor is None else scaled(amount, factor)

    def at(self, day: int | None) -> _State:
        """The books at the end of a day; None: with everything known."""
        left = self.gross
        taken: dict[tuple[str, int], tuple[str, int]] = {}
        paid: list[tuple[int, int, int]] = []
        for a in self.applications:
            amount = (a.steps[-1][1] if a.steps else 0) if day is None else a.at(day)
            if not amount:
                continue
            worth = amount if a.currency == self.own else self.inward(amount, a.currency)
            if not worth:
                continue
            cash = worth if worth < left else left
            left -= cash
            discount = a.discount
            if discount:
                if a.currency != self.own:
                    discount = self.inward(discount, a.currency)
                if discount > left:
                    discount = left
                left -= discount
            used = amount if cash == worth else (amount * cash * 2 + worth) // (worth * 2)
            taken[a.payment_id, a.rank] = a.currency, used
            paid.append((a.paid_on, cash, discount))
        for when, amount in self.memos:
            if day is None or when <= day:
                left -= amount
        written = 0
        if self.write_off is not None and (day is None or self.write_off[0] <= day) and left > 0:
            amount_off = self.write_off[1]
            written = left if amount_off is None else min(left, amount_off)
        return _State(left - written, written, taken, paid)

    def plain_moves(self) -> list[tuple[int, int, list[tuple[str, int]]]]:
        """(day, change of the open amount, cash taken from payments), not merged by day."""
        start = self.day
        own = self.own
        moves: list[tuple[int, int, list[tuple[str, int]]]] = [(start, self.gross, [])]
        for a in self.applications:
            before = 0
            for day, amount in a.steps:
                change = amount - before
                if not change:
                    continue
                settled = change
                if a.discount:
                    if not before:
                        settled += a.discount
                    elif not amount:
                        settled -= a.discount
                before = amount
                moves.append((day if day > start else start, -settled, [(own, change)]))
        for day, amount in self.memos:
            moves.append((day if day > start else start, -amount, []))
        return moves

    def cash_days(self) -> list[int]:
        """The days on which the cash that is taken may change, ascending."""
        days = {day for a in self.applications for day, _ in a.steps}
        return sorted({day if day > self.day else self.day for day in days})

    def moves(self) -> list[tuple[int, int, list[tuple[str, int]]]]:
        """The same as differences of the whole books from day to day: right for every case, slower."""
        start = self.day
        days = {start, *(when for when, _ in self.memos)}
        for a in self.applications:
            days.update(day for day, _ in a.steps)
        if self.write_off is not None:
            days.add(self.write_off[0])
        moves = []
        rest = 0
        taken: dict[tuple[str, int], tuple[str, int]] = {}
        for day in sorted(d if d > start else start for d in days):
            state = self.at(day)
            used = [
                (currency, amount - taken.get(key, (currency, 0))[1])
                for key, (currency, amount) in state.taken.items()
            ]
            used += [
                (currency, -amount) for key, (currency, amount) in taken.items() if key not in state.taken
            ]
            moves.append((day, state.rest - rest, [(c, n) for c, n in used if n]))
            rest, taken = state.rest, state.taken
        return moves

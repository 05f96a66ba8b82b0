"""What all invoices, payments and orders of an account add up to, kept by day so that no figure scans the open invoices.

Everything here is derived from the facts and can be rebuilt from them; nothing is stored. The figures themselves are
exposure.py's and behaviour.py's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agents.facts import NEVER
from agents.invoices import OPEN, PAID, WRITTEN_OFF, Invoice, Posting
from agents.payments import Receipt
from agents.series import Series

HISTORY_DAYS = 400
"""Days for which balances and exposures keep their history: beyond what any figure asks for (366)."""

UNCHANGED = NEVER
"""The first day of a table's changes, where there are none."""


class DueDay:
    """The invoices due on one day. `own_*`: of those that are open and clean, which the due-date cohorts keep
    for ever."""

    __slots__ = (
        "clean", "count", "disputed", "index", "late", "open_count", "own_days", "own_paid", "own_paid_on", "paid",
        "paid_days", "paid_on", "worst",
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = 0
        self.clean = 0
        self.disputed = 0
        self.open_count = 0  # invoices with a clean open part
        self.paid = 0
        self.paid_days = 0  # amount * days beyond terms
        self.paid_on: dict[int, int] = {}  # amounts by the day they were paid on
        self.own_paid = 0
        self.own_days = 0
        self.own_paid_on: dict[int, int] = {}
        # Computed by agents.lines when asked for: index is None while they are not.
        self.late = 0  # paid after the due date
        self.worst = 0  # the greatest days beyond terms of what was paid
        self.index: int | None = None  # amount * scaled pay index, computed when asked for


class Run:
    """A payment run: all applications with one paid_on. One observation for every statistical test."""

    __slots__ = ("amount", "count", "days", "spread", "weighted")

    def __init__(self) -> None:
        self.amount = 0
        self.weighted = 0  # amount * days to pay
        self.count = 0
        self.days = 0  # days to pay, summed
        self.spread: dict[int, int] = {}  # applications by days to pay


class Cohort:
    """The invoices issued on one day."""

    __slots__ = ("clean_due", "closed", "count", "gross", "open", "paid", "written_off")

    def __init__(self) -> None:
        self.count = 0
        self.gross = 0
        self.open = 0
        self.written_off = 0
        self.paid: dict[int, int] = {}  # by age
        self.closed: dict[int, int] = {}  # by age
        self.clean_due: dict[int, int] = {}  # unpaid invoices with a clean open part, by due date


def _count(table: dict[int, int], key: int, change: int) -> None:
    value = table.get(key, 0) + change
    if value:
        table[key] = value
    else:
        table.pop(key, None)


class Totals:
    """Sums of postings. post() with sign 1 and with -1 are exact inverses: all sums are whole numbers."""

    __slots__ = (
        "balance", "cash_days", "cohorts", "cohorts_from", "currency", "debits", "due", "due_from", "foreign_open",
        "last_paid", "lines", "native", "offers", "open_orders", "other", "raised", "receipts", "reversals", "runs",
        "runs_from", "sales", "sales_from", "unapplied", "uses", "version",
    )  # fmt: skip

    def __init__(self, currency: str, horizon: int) -> None:
        self.currency = currency
        self.version = 0
        self.lines: Any = None  # agents.lines keeps its sums here
        # The first day of each table that changed since the lines were made; UNCHANGED: none did.
        self.due_from = self.runs_from = self.sales_from = self.cohorts_from = UNCHANGED
        self.balance = Series()  # open balance, valued
        self.foreign_open = Series()  # of it, what is in foreign currencies
        self.other = Series()  # own currency: open orders less unapplied cash
        # Foreign: open invoices - memos on account + open orders - unapplied cash.
        self.native: dict[str, Series] = {}
        self.unapplied: dict[str, int] = {}
        self.open_orders: dict[str, int] = {}
        self.due: dict[int, DueDay] = {}
        self.runs: dict[int, Run] = {}
        self.cohorts: dict[int, Cohort] = {}
        self.sales: dict[int, int] = {}  # invoiced less memos, by their own dates
        self.raised: dict[int, int] = {}  # disputed amounts by the day of the dispute
        # Invoices by the newest day that cash came for them
        self.last_paid: dict[int, dict[str, Invoice]] = {}
        self.offers: dict[int, dict[str, Invoice]] = {}  # invoices by discount date
        self.reversals: dict[int, int] = {}  # how many, by day
        self.receipts: dict[int, int] = {}  # cash received and not reversed, by paid_on, valued
        self.cash_days: dict[int, int] = {}  # payments of which something stands, by paid_on
        self.debits: dict[int, int] = {}  # direct debits of which something stands, by paid_on
        self.uses: dict[str, int] = {}  # money facts by foreign currency
        self.balance.horizon = self.foreign_open.horizon = self.other.horizon = horizon

    def exposure_series(self, currency: str) -> Series:
        """Open orders less unapplied cash of a currency, with the open invoices where it is foreign."""
        if currency == self.currency:
            return self.other
        series = self.native.get(currency)
        if series is None:
            series = self.native[currency] = Series()
            series.horizon = self.balance.horizon
        return series

    def forget(self, today: int) -> None:
        horizon = today - HISTORY_DAYS
        if horizon > self.balance.horizon:
            for series in (self.balance, self.foreign_open, self.other, *self.native.values()):
                if series.changes:
                    series.forget(horizon)
                else:
                    series.horizon = horizon

    def use(self, currency: str, change: int) -> None:
        """Counts a money fact in its currency, if foreign."""
        if currency != self.currency:
            value = self.uses.get(currency, 0) + change
            if value:
                self.uses[currency] = value
            else:
                self.uses.pop(currency, None)

    def cash(self, day: int, currency: str, change: int) -> None:
        """Unapplied cash goes up by `change` on `day`."""
        value = self.unapplied.get(currency, 0) + change
        if value:
            self.unapplied[currency] = value
        else:
            self.unapplied.pop(currency, None)
        self.exposure_series(currency).add(day, -change)

    def orders(self, currency: str, flows: Iterable[tuple[int, int]], sign: int) -> None:
        self.version += 1
        series = self.exposure_series(currency)
        total = 0
        for day, change in flows:
            total += change
            series.add(day, sign * change)
        value = self.open_orders.get(currency, 0) + sign * total
        if value:
            self.open_orders[currency] = value
        else:
            self.open_orders.pop(currency, None)

    def receipt(self, receipt: Receipt, sign: int, worth: int) -> None:
        """A payment; `worth` is what stands of it, valued."""
        self.version += 1
        paid_on, currency, flows, net, direct_debit = receipt
        for day, change in flows:
            self.cash(day, currency, sign * change)
        if net:
            _count(self.receipts, paid_on, sign * worth)
            _count(self.cash_days, paid_on, sign)
            if direct_debit:
                _count(self.debits, paid_on, sign)

    def reverse(self, day: int, sign: int) -> None:
        """A reversal dated `day`."""
        self.version += 1
        _count(self.reversals, day, sign)

    def memo_on_account(self, day: int, worth: int, currency: str, amount: int, sign: int) -> None:
        """A memo on account over `amount` of its currency, which was worth `worth` on its day."""
        self.version += 1
        self.balance.add(day, -sign * worth)
        if currency != self.currency:
            self.foreign_open.add(day, -sign * worth)
            self.exposure_series(currency).add(day, -sign * amount)
        self._sale(day, -sign * worth)

    def _sale(self, day: int, amount: int) -> None:
        _count(self.sales, day, amount)
        if day < self.sales_from:
            self.sales_from = day

    def post(self, invoice: Invoice, posting: Posting, sign: int) -> None:
        """Adds an invoice's posting (sign 1) or takes it back (-1)."""
        self.version += 1
        (
            day, due, gross, _open, clean, disputed, balance, cash, native, observations, state, age, memos, raised,
            last_paid, discount_date, _taken, _last_day, _native_paid,
        ) = posting  # fmt: skip
        add = self.balance.add
        for when, change in balance:
            add(when, sign * change)
        for when, currency, amount in cash:
            self.cash(when, currency, -sign * amount)
        if native:
            for when, change in balance:
                self.foreign_open.add(when, sign * change)
            for when, currency, amount in native:
                self.exposure_series(currency).add(when, sign * amount)

        if due < self.due_from:
            self.due_from = due
        bucket = self.due.get(due)
        if bucket is None:
            bucket = self.due[due] = DueDay()
        bucket.count += sign
        bucket.clean += sign * clean
        bucket.disputed += sign * disputed
        if clean:
            bucket.open_count += sign
        if observations:
            bucket.index = None
            for paid_on, amount, days in observations:
                if paid_on < self.runs_from:
                    self.runs_from = paid_on
                run = self.runs.get(paid_on)
                if run is None:
                    run = self.runs[paid_on] = Run()
                signed = sign * amount
                run.amount += signed
                run.weighted += signed * days
                run.count += sign
                run.days += sign * days
                spread = run.spread
                number = spread.get(days, 0) + sign
                if number:
                    spread[days] = number
                else:
                    del spread[days]
                    if not run.count:
                        del self.runs[paid_on]
                bucket.paid += signed
                bucket.paid_days += signed * (paid_on - due)
                _count(bucket.paid_on, paid_on, signed)
                if clean:
                    bucket.own_paid += signed
                    bucket.own_days += signed * (paid_on - due)
                    _count(bucket.own_paid_on, paid_on, signed)
        if not bucket.count:
            del self.due[due]

        if day < self.cohorts_from:
            self.cohorts_from = day
        cohort = self.cohorts.get(day)
        if cohort is None:
            cohort = self.cohorts[day] = Cohort()
        cohort.count += sign
        cohort.gross += sign * gross
        if state == OPEN:
            cohort.open += sign
        elif state == PAID:
            _count(cohort.paid, age, sign)
        elif state == WRITTEN_OFF:
            cohort.written_off += sign
        else:
            _count(cohort.closed, age, sign)
        if clean and state == OPEN:
            _count(cohort.clean_due, due, sign)
        if not cohort.count:
            del self.cohorts[day]

        self._sale(day, sign * gross)
        if memos:
            for when, amount in memos:
                self._sale(when, -sign * amount)
        if raised:
            for when, amount in raised:
                _count(self.raised, when, sign * amount)
        if last_paid is not None:
            _list(self.last_paid, last_paid, invoice, sign)
        if discount_date is not None:
            _list(self.offers, discount_date, invoice, sign)


def _list(table: dict[int, dict[str, Invoice]], day: int, invoice: Invoice, sign: int) -> None:
    if sign > 0:
        table.setdefault(day, {})[invoice.id] = invoice
    else:
        invoices = table[day]
        del invoices[invoice.id]
        if not invoices:
            del table[day]

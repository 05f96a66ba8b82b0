"""The ledger of one account: takes facts in any order, any number of times, and keeps what they amount to.

What a single invoice, payment or order amounts to stands in invoices.py, payments.py and orders.py, what they add up
to in totals.py, the figures in measure.py. Alerts and proposals are no business of this room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from agents import orders
from agents.boundaries import next_day
from agents.facts import KNOWN, NEW, ROW_OF, Register, local_day, microseconds, register, row_of
from agents.invoices import Dispute, Invoice, Memo, derive, invoice_of, taken_by_day, taken_by_payment
from agents.orders import Order, order_of
from agents.pages import Pages
from agents.payments import Application, Payment, Steps, allocate, facts_that_fit, payment_of
from agents.rates import Rates
from agents.totals import HISTORY_DAYS, Totals

if TYPE_CHECKING:
    from agents.policy import Policy

APPLIED: Final = "applied"
REPEAT: Final = "repeat"
LATE: Final = "late"
Applied = str
"""APPLIED: taken. REPEAT: known already, nothing moves. LATE: beyond reach, nothing of it was taken."""

TYPES: Final = frozenset(ROW_OF)
"""The event types that apply() takes."""

NEVER: Final = 4_000_000
"""A day after every date that we accept."""

_VERSION: Final = 1
_HEAD: Final = "l.head"
_PARKED: Final = "l.parked"
_FX: Final = "l.fx"
_FOLDED: Final = "l.folded"
_NO_CURRENCY: Final = ""
_NO_FIT: Final = (
    "-"  # stands for a currency that nothing converts: facts held because their amounts do not fit
)
_REMEMBERED: Final = 2000  # ids of what folded away, newest


class UnfitAmount(ValueError):
    """An event whose amount its own currency can not hold; nothing of it was taken."""


class Promise:
    """A promise to pay: [amount, currency, due_on, invoice ids]."""

    __slots__ = ("fact", "id", "page")

    def __init__(self, promise_id: str, fact: Register) -> None:
        self.id = promise_id
        self.fact = fact
        self.page = 0

    def row(self) -> list[Any]:
        return ["promise", self.id, self.fact.row()]


class Scheduled:
    """An announced payment: no figure reads it yet, but a repeat must be known as one."""

    __slots__ = ("fact", "id", "page")

    def __init__(self, payment_id: str, fact: Register) -> None:
        self.id = payment_id
        self.fact = fact
        self.page = 0

    def row(self) -> list[Any]:
        return ["scheduled", self.id, self.fact.row()]


Extra = Memo | Dispute | Promise | Scheduled


class Ledger:
    """Mutable, owned by one account. The state after a set of facts is the same for every order of arrival and any
    number of repeats, as long as none of them is LATE.

    Not guaranteed: which page a record lies on (it depends on the order of arrival). Money is in minor units
    of `currency`.
    """

    __slots__ = (
        "_advancing", "_linking", "_new_invoices", "_new_orders", "_new_payments", "_policy", "_raised", "_rates",
        "_settling", "_stale", "_today", "_token", "_totals", "changed", "closed", "country", "currency", "disputes",
        "expected_monthly_purchases", "extras", "first_due",
        "first_invoice", "first_money", "fold_queue", "folded_balance", "folded_cash", "folded_changed",
        "folded_ids", "folded_list", "foreign_now", "fx", "fx_changed", "head_changed", "industry",
        "invoice_pages", "invoices", "issued_mark", "last_payment", "limit", "limits", "memos", "name",
        "next_fold", "next_parked", "opened_on", "order_pages", "orders", "owner", "paid_mark", "parent_id",
        "parked", "parked_changed", "payment_pages", "payments", "profile", "profile_closed",
        "profile_opened", "promises", "scheduled", "securities", "settings", "terms_days",
        "waiting",
    )  # fmt: skip

    # What other rooms read; see _profile_changed().
    name: str | None
    currency: str | None
    opened_on: int | None
    country: str | None
    terms_days: int | None
    parent_id: str | None
    industry: str | None
    owner: str | None
    expected_monthly_purchases: int | None
    closed: bool
    limit: int | None

    def __init__(self) -> None:
        self.changed = False
        self.head_changed = False
        self.parked_changed = False
        self.fx_changed = False
        self.folded_changed = False
        self._linking = False
        self._settling = False
        self._stale: dict[
            str, None
        ] = {}  # payments that what invoices took of them has moved, first come first
        # Taken, and not yet in the totals; see settle(). `_raised`: what they may add to the exposure at most.
        self._new_invoices: list[Invoice] = []
        self._new_payments: list[Payment] = []
        self._new_orders: list[Order] = []
        self._raised = 0
        self._policy: Policy | None = None
        self._rates: Rates | None = None
        self._today = 0
        self._advancing = False
        self._token = ""
        # Facts:
        self.profile: Register | None = None
        self.profile_opened: tuple[int, str] | None = None
        self.profile_closed: tuple[int, str] | None = None
        self.first_money: list[Any] | None = None  # [us, event_id, currency] of the earliest money fact
        self.limits: list[list[Any]] = []  # [us, event_id, day, amount, currency], ascending
        self.securities: dict[str, Register] = {}
        self.invoices: dict[str, Invoice] = {}
        self.payments: dict[str, Payment] = {}
        self.orders: dict[str, Order] = {}
        self.memos: dict[str, Memo] = {}
        self.disputes: dict[str, Dispute] = {}
        self.promises: dict[str, Promise] = {}
        self.scheduled: dict[str, Scheduled] = {}
        self.parked: dict[str, list[Any]] = {}
        self.next_parked = NEVER
        self.invoice_pages: Pages[Invoice] = Pages("l.i.", 16)
        self.payment_pages: Pages[Payment] = Pages("l.p.", 16)
        self.order_pages: Pages[Order] = Pages("l.o.", 32)
        self.extras: Pages[Extra] = Pages("l.x.", 32)
        # What is left of facts that folded away:
        self.folded_balance = 0
        self.folded_cash: dict[str, int] = {}
        self.folded_list: list[int] = []
        self.folded_ids: set[int] = set()
        self.issued_mark = 0
        self.paid_mark = 0
        self.first_invoice = NEVER
        self.first_due = NEVER
        self.last_payment = 0
        # Rates that facts were valued at: key -> [numerator, denominator, frozen]
        self.fx: dict[str, list[int]] = {}
        self.waiting: dict[str, set[str]] = {}
        # Derived:
        self.settings = [95, 100, 400, 455]  # paid share, reach, span: what postings were made with
        self._totals = Totals(_NO_CURRENCY, 0)
        self.fold_queue: dict[int, set[str]] = {}
        self.next_fold = NEVER
        self.foreign_now = 0
        self.limit = None
        self.closed = False
        self._profile_changed()

    # ---- facts in ---------------------------------------------------------------------------------------------------

    def apply(self, event: Any, today: int, policy: Policy, rates: Rates) -> Applied:
        """Takes one event of TYPES. `today` is D. Raises UnfitAmount, before anything moves, for an amount that the
        event's own currency can not hold (what came through schemas.events never does).

        Amounts of payment.applied and payment.reversed are in the payment's currency: one that does not fit it raises
        nothing. The fact is kept, ignored, and counted as unvalued; see payments.facts_that_fit().
        """
        kind = event.type
        us = microseconds(event.occurred_at)
        try:
            day, ident, content = ROW_OF[kind](event)
        except ValueError as error:
            raise UnfitAmount(str(error)) from error
        if day is None:
            day = local_day(us, policy.time_zone)
        if policy is not self._policy:
            self._adopt(policy)
        self._rates = rates
        self._today = today
        if self.next_parked <= today:
            self._unpark(today)
        if day > today:
            return self._park(kind, ident, us, event.event_id, event.source, day, content)
        answer = _TAKE[kind](self, ident, us, event.event_id, event.source, day, content)
        if answer is APPLIED and self._totals.native:
            self.settle()
            self._value_foreign(today, rates)
        return answer

    def set_limit(
        self,
        limit_minor: int,
        currency: str,
        order_key: tuple[int, str],
        day: int | None = None,
        today: int | None = None,
    ) -> Applied:
        """The limit of an approved proposal; `day` is the date of its occurred_at (absent: in UTC). Dated after
        `today` (D; absent: not told) it waits for its day like any fact."""
        us, event_id = order_key
        if day is None:
            day = local_day(us, "UTC")
        content = [limit_minor, currency]
        if today is not None:
            self._today = today
            if day > today:
                return self._park("account.limit_set", "", us, event_id, "", day, content)
        return self._take_limit("", us, event_id, "", day, content)

    def _park(
        self, kind: str, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        row = [day, kind, ident, us, event_id, source, content]
        key = orjson.dumps(row).decode()
        if key in self.parked:
            return REPEAT
        self.parked[key] = row
        self.next_parked = min(self.next_parked, day)
        self.changed = self.parked_changed = True
        return APPLIED

    def _unpark(self, today: int) -> None:
        """Parked facts whose day has come, in the order of the facts."""
        due = sorted((row[3], row[4], key) for key, row in self.parked.items() if row[0] <= today)
        for _, _, key in due:
            day, kind, ident, us, event_id, source, content = self.parked.pop(key)
            _TAKE[kind](self, ident, us, event_id, source, day, content)
        self.next_parked = min([row[0] for row in self.parked.values()], default=NEVER)
        self.changed = self.parked_changed = True

    def advance(self, today: int, policy: Policy, rates: Rates) -> None:
        """The tick of `today`: parked facts whose day has come, values that wait for a rate, what can no
        longer be reached."""
        if policy is not self._policy:
            self._adopt(policy)
        self._rates = rates
        self._today = today
        self.settle()
        self._advancing = True
        try:
            if self.next_parked <= today:
                self._unpark(today)
                self.settle()
            if self.waiting:
                self._revalue()
            if self.next_fold <= today:
                self._fold(today)
        finally:
            self._advancing = False
        self._totals.forget(today)
        self._value_foreign(today, rates)

    def _adopt(self, policy: Policy) -> None:
        """Postings hold numbers of the policy: another policy with other ones makes them anew."""
        self._policy = policy
        figures = policy.figures
        numerator, denominator = _fraction(figures.kaplan_meier_paid_share)
        settings = [numerator, denominator, figures.reach_days, figures.baseline_from_days]
        if settings != self.settings:
            self.settings = settings
            self.changed = self.head_changed = True
            self._rebuild()

    # ---- one taker a type: (ident, us, event_id, source, day, content) -> Applied -------------------------------------

    def _take_issued(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        invoice = self.invoices.get(ident)
        if invoice is None:
            if day <= self.issued_mark or self._folded("i" + ident):
                return LATE
            self._money(us, event_id, content[1])
            invoice = self._shell(ident)
            if self._waits(content[1]) and (content[4] is None or content[4] in self.orders):
                invoice.issue = Register(us, event_id, day, content)
                self._new_invoices.append(invoice)
                self._raised += content[0]
                return APPLIED
        self.settle()
        issue = invoice.issue
        if issue is None:
            self._money(us, event_id, content[1])
            invoice.issue = Register(us, event_id, day, content)
        else:
            if self._out_of_reach(invoice) and not _said(issue, content):
                return LATE
            self._money(us, event_id, content[1])
            answer = issue.offer(us, event_id, day, content)
            if answer != NEW:
                if answer != KNOWN:
                    self._touch_invoice(invoice)
                return REPEAT
        self._touch_invoice(invoice)
        self._refresh(invoice)
        return APPLIED

    def _take_voided(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        return self._take_on_invoice("void", ident, us, event_id, day, content)

    def _take_written_off(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        return self._take_on_invoice("write_off", ident, us, event_id, day, content)

    def _take_on_invoice(
        self, slot: str, ident: str, us: int, event_id: str, day: int, content: list[Any]
    ) -> Applied:
        self.settle()
        invoice = self.invoices.get(ident)
        if invoice is None:
            if self._folded("i" + ident):
                return LATE
            invoice = self._shell(ident)
        fact: Register | None = getattr(invoice, slot)
        if fact is None:
            if self._out_of_reach(invoice):
                return LATE
            setattr(invoice, slot, Register(us, event_id, day, content))
        else:
            if self._out_of_reach(invoice) and not _said(fact, content):
                return LATE
            answer = fact.offer(us, event_id, day, content)
            if answer != NEW:
                if answer != KNOWN:
                    self._touch_invoice(invoice)
                return REPEAT
        self._touch_invoice(invoice)
        self._refresh(invoice)
        return APPLIED

    def _take_credited(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        self.settle()
        memo = self.memos.get(ident)
        if memo is None:
            if self._folded("m" + ident) or (content[0] is not None and self._gone(content[0])):
                return LATE
            self._money(us, event_id, content[2])
            memo = self.memos[ident] = Memo(ident, Register(us, event_id, day, content))
            self.extras.add(memo)
        else:
            if not _said(memo.fact, content) and (
                (content[0] is not None and self._gone(content[0]))
                or (memo.posted is not None and self._gone(memo.posted))
            ):
                return LATE
            self._money(us, event_id, content[2])
            before = memo.fact.content, memo.fact.day
            answer = memo.fact.offer(us, event_id, day, content)
            if answer != KNOWN:
                self.extras.dirty.add(memo.page)
                self.changed = True
            if answer != NEW:
                return REPEAT
            self._unpost_memo(memo, *before)
        self.changed = True
        self._post_memo(memo)
        return APPLIED

    def _post_memo(self, memo: Memo) -> None:
        invoice_id, amount, currency = memo.fact.content
        if invoice_id is not None:
            invoice = self.invoices.get(invoice_id) or self._shell(invoice_id)
            invoice.memos.append(memo)
            memo.posted = invoice_id
            self._refresh(invoice)
            return
        memo.posted = None
        totals = self._totals
        totals.use(currency, 1)
        value = self._valued(amount, currency, memo.fact.day, "m" + memo.id)
        memo.worth = value
        if value:
            totals.memo_on_account(memo.fact.day, value, 1)
        self._queue("m" + memo.id, self._memo_fold(memo))

    def _memo_fold(self, memo: Memo) -> int:
        return memo.fact.day + max(self.settings[2], self.settings[3]) + 1

    def _unpost_memo(self, memo: Memo, content: list[Any], day: int) -> None:
        if memo.posted is not None:
            invoice = self.invoices[memo.posted]
            invoice.memos.remove(memo)
            self._refresh(invoice)
            return
        self._totals.use(content[2], -1)
        if memo.worth:
            self._totals.memo_on_account(day, memo.worth, -1)

    def _take_disputed(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        return self._take_dispute("fact", ident, us, event_id, day, content)

    def _take_resolved(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        return self._take_dispute("resolved", ident, us, event_id, day, content)

    def _take_dispute(
        self, slot: str, ident: str, us: int, event_id: str, day: int, content: list[Any]
    ) -> Applied:
        self.settle()
        dispute = self.disputes.get(ident)
        known: Register | None = None if dispute is None else getattr(dispute, slot)
        said = known is not None and _said(known, content)
        posted = None if dispute is None else dispute.posted
        if dispute is None and self._folded("d" + ident):
            return LATE
        if not said and (self._gone(content[0]) or (posted is not None and self._gone(posted))):
            return LATE
        if dispute is None:
            dispute = self.disputes[ident] = Dispute(ident)
            self.extras.add(dispute)
        if known is None:
            setattr(dispute, slot, Register(us, event_id, day, content))
        else:
            answer = known.offer(us, event_id, day, content)
            if answer != KNOWN:
                self.extras.dirty.add(dispute.page)
                self.changed = True
            if answer != NEW:
                return REPEAT
        self.extras.dirty.add(dispute.page)
        self.changed = True
        self._link_dispute(dispute)
        return APPLIED

    def _link_dispute(self, dispute: Dispute) -> None:
        fact = dispute.fact or dispute.resolved
        assert fact is not None
        target = fact.content[0]
        if dispute.posted is not None and dispute.posted != target:
            other = self.invoices[dispute.posted]
            other.disputes.remove(dispute)
            self._refresh(other)
        invoice = self.invoices.get(target) or self._shell(target)
        if dispute.posted != target:
            invoice.disputes.append(dispute)
            dispute.posted = target
        self._refresh(invoice)

    def _take_booked(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        if content[1] is not None:
            self._money(us, event_id, content[1])
        order = self.orders.get(ident)
        if order is None:
            if self._folded("o" + ident):
                return LATE
            order = self._order(ident)
            if content[0] is not None and self._waits(content[1]):
                order.booked = Register(us, event_id, day, content)
                self._new_orders.append(order)
                self._raised += content[0]
                return APPLIED
        if order.booked is None:
            order.booked = Register(us, event_id, day, content)
            return self._order_moved(order, NEW)
        return self._order_moved(order, order.booked.offer(us, event_id, day, content))

    def _take_order_closed(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        order = self.orders.get(ident)
        if order is None:
            if self._folded("o" + ident):
                return LATE
            order = self._order(ident)
        known = order.closings.get((source, event_id))
        if known is None:
            order.closings[source, event_id] = Register(us, event_id, day, content)
            return self._order_moved(order, NEW)
        return self._order_moved(order, known.offer(us, event_id, day, content))

    def _order_moved(self, order: Order, answer: int) -> Applied:
        if answer != KNOWN:
            self.order_pages.dirty.add(order.page)
            self.changed = True
        if answer != NEW:
            return REPEAT
        self._refresh_order(order)
        return APPLIED

    def _take_received(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        payment = self.payments.get(ident)
        is_new = payment is None
        if payment is None:
            if day <= self.paid_mark or self._folded("p" + ident):
                return LATE
            if content[4] and all(self._gone(part[0]) for part in content[4]):
                return LATE
            payment = self._new_payment(ident)
        self._money(us, event_id, content[1])
        if is_new and self._waits(content[1]) and all(part[0] in self.invoices for part in content[4] or ()):
            payment.received = Register(us, event_id, day, content)
            self._new_payments.append(payment)
            return APPLIED
        self.settle()
        received = payment.received
        if received is None:
            payment.received = Register(us, event_id, day, content)
        else:
            if not _said(received, content) and self._settled(payment):
                return LATE
            answer = received.offer(us, event_id, day, content)
            if answer != NEW:
                if answer != KNOWN:
                    self._touch_payment(payment)
                    self._refresh_payment(payment)
                return REPEAT
        self._touch_payment(payment)
        self._refresh_payment(payment)
        return APPLIED

    def _take_applied(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        self.settle()
        payment = self.payments.get(ident)
        known = None if payment is None else payment.applied.get((source, event_id))
        if known is None and (self._folded("p" + ident) or all(self._gone(part[0]) for part in content)):
            return LATE
        return self._take_on_payment("applied", ident, us, event_id, source, day, content)

    def _take_reversed(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        self.settle()
        payment = self.payments.get(ident)
        if payment is None:
            if self._folded("p" + ident):
                return LATE
        elif (source, event_id) not in payment.reversed and self._settled(payment):
            return LATE
        return self._take_on_payment("reversed", ident, us, event_id, source, day, content)

    def _take_on_payment(
        self, slot: str, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        payment = self.payments.get(ident) or self._new_payment(ident)
        facts: dict[tuple[str, str], Register] = getattr(payment, slot)
        known = facts.get((source, event_id))
        if known is None:
            facts[source, event_id] = Register(us, event_id, day, content)
        else:
            answer = known.offer(us, event_id, day, content)
            if answer != KNOWN:
                self._touch_payment(payment)
            if answer != NEW:
                return REPEAT
        self._touch_payment(payment)
        self._refresh_payment(payment)
        return APPLIED

    def _take_promised(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        promise = self.promises.get(ident)
        if promise is None:
            if self._folded("q" + ident):
                return LATE
            promise = self.promises[ident] = Promise(ident, Register(us, event_id, day, content))
            self.extras.add(promise)
        else:
            answer = promise.fact.offer(us, event_id, day, content)
            if answer != KNOWN:
                self.extras.dirty.add(promise.page)
                self.changed = True
            if answer != NEW:
                self._money(us, event_id, content[1])
                return REPEAT
        self.extras.dirty.add(promise.page)
        self.changed = True
        self._totals.version += 1
        self._money(us, event_id, content[1])
        self._queue("q" + ident, self._promise_fold(promise))
        return APPLIED

    def _promise_fold(self, promise: Promise) -> int:
        last: int = max(promise.fact.content[2], promise.fact.day)
        return last + max(self.settings[2], self.settings[3]) + 60

    def _take_scheduled(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        known = self.scheduled.get(ident)
        if known is None:
            if self._folded("s" + ident):
                return LATE
            known = self.scheduled[ident] = Scheduled(ident, Register(us, event_id, day, content))
            self.extras.add(known)
            answer = NEW
        else:
            answer = known.fact.offer(us, event_id, day, content)
        if answer != KNOWN:
            self.extras.dirty.add(known.page)
            self.changed = True
        if answer == NEW:
            self._queue("s" + ident, self._scheduled_fold(known))
        self._money(us, event_id, content[1])
        return APPLIED if answer == NEW else REPEAT

    def _scheduled_fold(self, known: Scheduled) -> int:
        day: int = max(known.fact.day, known.fact.content[2])
        return day + self.settings[2] + 1

    def _take_opened(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        if self.profile_opened is None or (us, event_id) > self.profile_opened:
            self.profile_opened = us, event_id
            self.changed = self.head_changed = True
        return self._take_updated(ident, us, event_id, source, day, content)

    def _take_updated(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        profile = self.profile
        if profile is None:
            self.profile = Register(us, event_id, day, content)
        else:
            order = us, event_id, orjson.dumps(content)
            if order <= (profile.us, profile.event_id, orjson.dumps(profile.content)):
                self._profile_changed()
                return REPEAT
            self.profile = Register(us, event_id, day, content)
        self.changed = self.head_changed = True
        self._profile_changed()
        self._settle_currency()
        self._settle_limit(self._today)
        return APPLIED

    def _take_closed(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        if self.profile_closed is not None and (us, event_id) <= self.profile_closed:
            return REPEAT
        self.profile_closed = us, event_id
        self.changed = self.head_changed = True
        self._profile_changed()
        return APPLIED

    def _take_limit(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        row = [us, event_id, day, *content]
        limits = self.limits
        if row in limits:
            return REPEAT
        self.limits = sorted([*limits, row], key=lambda r: (r[0], r[1], r[3], r[4]))
        self._money(us, event_id, content[1])
        self._trim_limits()
        if self.limits == limits:
            return REPEAT
        self.changed = self.head_changed = True
        self._totals.version += 1
        self._settle_limit(self._today)
        return APPLIED

    def _trim_limits(self) -> None:
        """Keeps the settings of the days that a figure may ask for, and the one that stood before them."""
        old = [row for row in self.limits if row[2] <= self._today - HISTORY_DAYS]
        if len(old) > 1:
            self.limits = self.limits[len(old) - 1 :]

    def _take_security(
        self, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
    ) -> Applied:
        known = self.securities.get(ident)
        if known is None:
            self.securities[ident] = Register(us, event_id, day, content)
            answer = NEW
        else:
            answer = known.offer(us, event_id, day, content)
        if answer != KNOWN:
            self.changed = self.head_changed = True
            self._totals.version += 1
        self._money(us, event_id, content[2])
        if answer == NEW and self._rates is not None:
            self._value_foreign(self._today, self._rates)
        return APPLIED if answer == NEW else REPEAT

    # ---- what follows from facts --------------------------------------------------------------------------------------

    @property
    def totals(self) -> Totals:
        """What all facts taken so far add up to."""
        self.settle()
        return self._totals

    def settle(self) -> None:
        """Puts what was newly taken into the totals.

        A new invoice, order or payment in the account's own currency waits for it until someone asks, so that an
        invoice that is issued and paid before the day's tick is worked out once. The totals are the same in the end.
        What refers to an order or invoice that is not known yet does not wait: the empty record that is made for it is
        part of the state, and its place must not depend on when somebody asked.
        """
        invoices, payments, booked = self._new_invoices, self._new_payments, self._new_orders
        if not (invoices or payments or booked):
            return
        self._forget_new()
        # As in _rebuild(): links first, then each invoice once.
        touched = {invoice.id: invoice for invoice in invoices}
        self._linking = self._settling = True
        for payment in payments:
            self._refresh_payment(payment)
            for invoice_id in payment.invoices:
                invoice = self.invoices.get(invoice_id)
                if invoice is not None:
                    touched[invoice_id] = invoice
        self._linking = False
        for invoice in touched.values():
            self._refresh(invoice)
        self._settling = False
        self._settle()
        for order in booked:
            self._refresh_order(order)
        if self._totals.native and self._rates is not None:
            self._value_foreign(self._today, self._rates)

    def _waits(self, currency: str) -> bool:
        """Whether a new fact in this currency may wait for settle(). None does while anything is foreign: its value
        is part of the state."""
        return currency == self.currency and not self._totals.uses and not self._totals.native

    def _forget_new(self) -> None:
        self._new_invoices, self._new_payments, self._new_orders = [], [], []
        self._raised = 0

    def _shell(self, invoice_id: str) -> Invoice:
        invoice = self.invoices[invoice_id] = Invoice(invoice_id)
        self.invoice_pages.add(invoice)
        self.changed = True
        return invoice

    def _new_payment(self, payment_id: str) -> Payment:
        payment = self.payments[payment_id] = Payment(payment_id)
        self.changed = True
        self.payment_pages.add(payment)
        return payment

    def _order(self, order_id: str) -> Order:
        order = self.orders[order_id] = Order(order_id)
        self.order_pages.add(order)
        self.changed = True
        return order

    def _touch_invoice(self, invoice: Invoice) -> None:
        self.invoice_pages.dirty.add(invoice.page)
        self.changed = True

    def _touch_payment(self, payment: Payment) -> None:
        self.payment_pages.dirty.add(payment.page)
        self.changed = True

    def _refresh(self, invoice: Invoice) -> None:
        """Takes the invoice's old posting out of the totals and puts the new one in. What it leaves of a payment's cash
        goes to the payment's other applications."""
        if self._linking:
            return
        self._post(invoice)
        if invoice.takes:
            self._feed(invoice)
            self._settle()

    def _feed(self, invoice: Invoice) -> None:
        """Notes what the invoice takes of each tight payment, and which of them that moves."""
        takes = invoice.takes
        if invoice.posted is None:
            now: dict[str, dict[int, Steps]] = {payment_id: {} for payment_id in takes}
        else:
            self._token = "i" + invoice.id
            now = taken_by_day(invoice, self._factor, takes)
        for payment_id, by_rank in now.items():
            if takes[payment_id] != by_rank:
                takes[payment_id] = by_rank
                self._stale[payment_id] = None

    def _settle(self) -> None:
        """Payments and invoices answer each other until nothing moves.

        Every application depends only on those before it in one order, (occurred_at, event_id, place, payment, rank):
        before it in its payment for what is left, before it at its invoice for the room. So there is one solution,
        whatever the order of the answers, and each round settles at least the first that was not settled: it ends.
        """
        if self._settling:
            return
        self._settling = True
        try:
            while self._stale:
                payment_id = next(iter(self._stale))
                del self._stale[payment_id]
                self._refresh_payment(self.payments[payment_id])
        finally:
            self._settling = False

    def _post(self, invoice: Invoice) -> None:
        totals = self._totals
        old = invoice.posted
        if old is not None:
            totals.post(invoice, old, -1)
        issue = invoice.issue
        if issue is None:
            if not (
                invoice.applications or invoice.memos or invoice.disputes or invoice.void or invoice.write_off
            ):
                del self.invoices[invoice.id]
                self.invoice_pages.remove(invoice)
                self.changed = True
            return
        currency = self.currency
        assert currency is not None
        self._token = "i" + invoice.id
        settings = self.settings
        new = invoice.posted = derive(invoice, currency, self._factor, (settings[0], settings[1]))
        if new is not None:
            totals.post(invoice, new, 1)
        if issue.content[1] != currency or invoice.foreign is not None:
            self._count_foreign(invoice)
        if issue.content[4] is not None or invoice.drawn is not None:
            self._draw(invoice)
        if invoice.void is not None:
            closed_on: int | None = max(invoice.void.day, issue.day)
            fold_on = closed_on + settings[2] + 1 if closed_on is not None else None
        elif new is not None and new.open <= 0:
            closed_on = max(day for day, _ in new.balance) if new.balance else new.day
            fold_on = max(closed_on + settings[2] + 1, new.last_day + settings[3])
        else:
            closed_on = fold_on = None
        invoice.closed_on = closed_on
        if fold_on != invoice.fold_on:
            token = "i" + invoice.id
            if invoice.fold_on is not None:
                self.fold_queue.get(invoice.fold_on, set()).discard(token)  # gone while that day is folded
            invoice.fold_on = fold_on
            if fold_on is not None:
                self._queue(token, fold_on)

    def _count_foreign(self, invoice: Invoice) -> None:
        issue = invoice.issue
        assert issue is not None
        currency = issue.content[1] if invoice.void is None and issue.content[1] != self.currency else None
        if currency != invoice.foreign:
            if invoice.foreign is not None:
                self._totals.use(invoice.foreign, -1)
            if currency is not None:
                self._totals.use(currency, 1)
            invoice.foreign = currency

    def _draw(self, invoice: Invoice) -> None:
        """Moves what the invoice closes of its order."""
        issue = invoice.issue
        assert issue is not None
        content = issue.content
        drawn = None
        if invoice.void is None and content[4] is not None:
            drawn = content[4], content[2], content[1], content[0]
        if drawn == invoice.drawn:
            return
        for side, sign in ((invoice.drawn, -1), (drawn, 1)):
            if side is None:
                continue
            order_id, day, currency, amount = side
            order = self.orders.get(order_id)
            if order is None:
                if self._folded("o" + order_id):
                    continue
                order = self._order(order_id)
            value = order.draws.get((day, currency), 0) + sign * amount
            if value:
                order.draws[day, currency] = value
            else:
                order.draws.pop((day, currency), None)
            self._refresh_order(order)
        invoice.drawn = drawn

    def _refresh_order(self, order: Order) -> None:
        if self._linking:
            return
        totals = self._totals
        if order.posted is not None:
            currency, flows = order.posted
            totals.orders(currency, flows, -1)
            totals.use(currency, -1)
            order.posted = None
        order.fold_on = None
        booked = order.booked
        if booked is None and not order.closings and not order.draws and not order.settled:
            del self.orders[order.id]
            self.order_pages.remove(order)
            self.changed = True
            return
        if booked is not None and booked.content[0] is not None:
            amount, currency = booked.content
            self._token = "o" + order.id
            parts = []
            for (day, source), drawn in order.draws.items():
                worth = self._inward(drawn, source, currency, day)
                parts.append((day, worth))
            parts += [
                (booked.day, self._inward(drawn, source, currency, booked.day))
                for source, drawn in order.settled.items()
            ]
            closed_on: int | None = None
            for fact in order.closings.values():
                some, of = fact.content
                if some is not None:
                    parts.append((fact.day, self._inward(some, of, currency, fact.day)))
                elif closed_on is None or fact.day < closed_on:
                    closed_on = fact.day
            flows = orders.open_part(amount, booked.day, closed_on, parts)
            totals.orders(currency, flows, 1)
            totals.use(currency, 1)
            order.posted = currency, flows
            if not sum(change for _, change in flows):
                last = max(
                    [booked.day, *(day for day, _ in flows), *(f.day for f in order.closings.values())]
                )
                order.fold_on = last + max(self.settings[2], self.settings[3]) + 1
                self._queue("o" + order.id, order.fold_on)

    def _refresh_payment(self, payment: Payment) -> None:
        """The same for a payment, and for the invoices to which it now offers something else."""
        totals = self._totals
        old = payment.posted
        if old is not None:
            totals.receipt(old, -1, payment.worth)
            totals.use(old.currency, -1)
        for day in payment.reversal_days:
            totals.reverse(day, -1)
        if payment.held:
            totals.use(_NO_FIT, -payment.held)
        applied: list[Register] = []
        reversals: list[Register] = []
        if payment.applied or payment.reversed:
            applied, reversals = facts_that_fit(payment)
            payment.held = len(payment.applied) + len(payment.reversed) - len(applied) - len(reversals)
            if payment.held:
                totals.use(_NO_FIT, payment.held)
            payment.reversal_days = [fact.day for fact in reversals]
            for day in payment.reversal_days:
                totals.reverse(day, 1)
        payment_id = payment.id

        def taken(invoice_id: str) -> Mapping[int, Steps] | None:
            invoice = self.invoices.get(invoice_id)
            if invoice is None:
                return {} if self._folded("i" + invoice_id) else None
            return invoice.takes.get(payment_id)

        receipt, listed, tight = allocate(payment, applied, reversals, taken)
        payment.posted = receipt
        if receipt is not None:
            if receipt.currency == self.currency:
                payment.worth = receipt.net, receipt.provisional
            else:
                token = "p" + payment_id
                payment.worth = (
                    self._valued(receipt.net, receipt.currency, receipt.paid_on, token),
                    self._valued(receipt.provisional, receipt.currency, receipt.paid_on, token),
                )
                totals.use(receipt.currency, 1)
            totals.receipt(receipt, 1, payment.worth)
        by_invoice: dict[str, list[Application]] = {}
        for invoice_id, application in listed:
            group = by_invoice.get(invoice_id)
            if group is None:
                by_invoice[invoice_id] = [application]
            else:
                group.append(application)
        settling, self._settling = self._settling, True  # all that it offers first, then the answers
        freed: list[Invoice] = []  # no longer held by what else the payment names; see _fold_group()
        for invoice_id in payment.invoices:
            if invoice_id not in by_invoice:
                invoice = self.invoices.get(invoice_id)
                if invoice is not None and invoice.applications.pop(payment_id, None) is not None:
                    if payment_id in invoice.takes:
                        del invoice.takes[payment_id]
                        freed.append(invoice)
                    self._refresh(invoice)
        for invoice_id, applications in by_invoice.items():
            invoice = self.invoices.get(invoice_id)
            if invoice is None:
                if invoice_id in payment.settled or self._folded("i" + invoice_id):
                    continue
                invoice = self._shell(invoice_id)
            moved = invoice.applications.get(payment_id) != applications
            if tight != (payment_id in invoice.takes):
                if tight:
                    invoice.takes[payment_id] = None
                    moved = True
                else:
                    del invoice.takes[payment_id]
                    freed.append(invoice)
            if moved:
                invoice.applications[payment_id] = applications
                self._refresh(invoice)
        if freed:
            freed += [self.invoices[i] for i in by_invoice if i in self.invoices]
            for invoice in freed:
                if invoice.fold_on is not None:
                    self._queue("i" + invoice.id, invoice.fold_on)
        payment.invoices = tuple(by_invoice)
        self._settling = settling
        if self._stale:
            self._settle()

    # ---- currency and rates -------------------------------------------------------------------------------------------

    def _money(self, us: int, event_id: str, currency: str) -> None:
        """Keeps the earliest money fact: its currency is the account's until account.opened names one."""
        first = self.first_money
        if first is None or [us, event_id, currency] < first:
            self.first_money = [us, event_id, currency]
            self.changed = self.head_changed = True
            if self.profile is None:
                self._settle_currency()
                self._settle_limit(self._today)
        if currency != self.currency:
            self.settle()

    def _settle_currency(self) -> None:
        if self.profile is not None:
            currency = self.profile.content[1]
        else:
            currency = None if self.first_money is None else self.first_money[2]
        if currency != self.currency:
            self.currency = currency
            self._rebuild()
        elif currency is not None and self._totals.currency != currency:
            self._rebuild()

    def _factor(self, source: str, target: str, day: int) -> tuple[int, int] | None:
        """The rate that a fact of `day` is valued at; provisional until that day's tick, then frozen."""
        key = f"{source}{target}{day}"
        known = self.fx.get(key)
        if known is not None and known[2]:
            return known[0], known[1]
        self.waiting.setdefault(key, set()).add(self._token)
        if self._rates is None:
            return None if known is None else (known[0], known[1])
        return self._rate(key, source, target, day)

    def _rate(self, key: str, source: str, target: str, day: int) -> tuple[int, int] | None:
        assert self._rates is not None
        factor = self._rates.cross_for_fact(source, target, day, self._today)
        if factor is None:
            return None
        frozen = day < self._today or (self._advancing and day <= self._today)
        row = [factor.numerator, factor.denominator, int(frozen)]
        if self.fx.get(key) != row:
            self.fx[key] = row
            self.changed = self.fx_changed = True
        return factor.numerator, factor.denominator

    def _inward(self, amount: int, source: str, target: str, day: int) -> int:
        if source == target:
            return amount
        factor = self._factor(source, target, day)
        return 0 if factor is None else _times(amount, factor)

    def _valued(self, amount: int, currency: str, day: int, token: str) -> int:
        """Money of the account's or another currency in the account's; 0 while there is no rate."""
        if currency == self.currency:
            return amount
        assert self.currency is not None
        self._token = token
        return self._inward(amount, currency, self.currency, day)

    def _revalue(self) -> None:
        """Facts whose rate came, moved or froze."""
        waiting, self.waiting = self.waiting, {}
        tokens: set[str] = set()
        for key, users in waiting.items():
            before = self.fx.get(key)
            self._rate(key, key[:3], key[3:6], int(key[6:]))
            after = self.fx.get(key)
            if after is None or not after[2]:
                self.waiting[key] = users
            if after is not None and (before is None or before[:2] != after[:2]):
                tokens |= users
        for token in sorted(tokens):
            self._refresh_token(token)

    def _refresh_token(self, token: str) -> None:
        kind, ident = token[0], token[1:]
        if kind == "i" and ident in self.invoices:
            self._refresh(self.invoices[ident])
        elif kind == "p" and ident in self.payments:
            self._refresh_payment(self.payments[ident])
        elif kind == "o" and ident in self.orders:
            self._refresh_order(self.orders[ident])
        elif kind == "m" and ident in self.memos:
            memo = self.memos[ident]
            if memo.posted is None:
                self._unpost_memo(memo, memo.fact.content, memo.fact.day)
                self._post_memo(memo)

    def _value_foreign(self, today: int, rates: Rates) -> None:
        """What foreign invoices, orders, cash and securities add to the exposure at the newest rates."""
        value = self.foreign_part(today, rates)
        if value != self.foreign_now:
            self.foreign_now = value
            self.changed = self.head_changed = True
        self._settle_limit(today)

    def foreign_part(self, day: int, rates: Rates) -> int:
        """Exposure in foreign currencies at the end of `day`, at the newest rates of that day; without a rate:
        none of it."""
        own = self.currency
        if own is None:
            return 0
        value = 0
        for currency, series in sorted(self._totals.native.items()):
            amount = series.at(day)
            if amount:
                value += rates.convert(amount, currency, own, day) or 0
        for fact in self.securities.values():
            kind, amount, currency, expires = fact.content
            if (
                currency != own
                and kind != "guarantee"
                and fact.day <= day
                and (expires is None or expires >= day)
            ):
                value -= rates.convert(amount, currency, own, day) or 0
        return value

    def _settle_limit(self, today: int) -> None:
        limit = None
        if self.limits:
            amount, currency = self.limits[-1][3:]
            if currency == self.currency:
                limit = amount
            elif self._rates is not None and self.currency is not None:
                limit = self._rates.convert(amount, currency, self.currency, today)
            else:
                limit = self.limit
        if limit != self.limit:
            self.limit = limit
            self.changed = self.head_changed = True

    # ---- reach --------------------------------------------------------------------------------------------------------

    def _out_of_reach(self, invoice: Invoice) -> bool:
        issue = invoice.issue
        if issue is not None and issue.day + self.settings[2] >= self._today:
            return False  # it closed no earlier than it was issued
        self.settle()
        closed_on = invoice.closed_on
        return closed_on is not None and closed_on + self.settings[2] < self._today

    def _gone(self, invoice_id: str) -> bool:
        invoice = self.invoices.get(invoice_id)
        if invoice is None:
            return self._folded("i" + invoice_id)
        return self._out_of_reach(invoice)

    def _settled(self, payment: Payment) -> bool:
        """Whether an invoice that the payment touches can no longer be reached."""
        return bool(payment.settled) or any(self._gone(invoice_id) for invoice_id in payment.invoices)

    def _folded(self, token: str) -> bool:
        return bool(self.folded_ids) and _short(token) in self.folded_ids

    def _queue(self, token: str, day: int) -> None:
        tokens = self.fold_queue.get(day)
        if tokens is None:
            self.fold_queue[day] = {token}
        else:
            tokens.add(token)
        if day < self.next_fold:
            self.next_fold = day

    def _fold(self, today: int) -> None:
        """Drops what no fact may reach and no figure asks for any more."""
        for day in sorted(day for day in self.fold_queue if day <= today):
            for token in sorted(self.fold_queue.pop(day)):
                _FOLD[token[0]](self, token[1:], today)
        self.next_fold = min(self.fold_queue, default=NEVER)
        oldest = min([*self._totals.cohorts, *self._totals.cash_days, today], default=today)
        kept = {key: row for key, row in self.fx.items() if int(key[6:]) >= oldest or key in self.waiting}
        if len(kept) < len(self.fx):
            self.fx = kept
            self.fx_changed = True
        self.changed = self.head_changed = self.folded_changed = True

    def _remember(self, token: str) -> None:
        short = _short(token)
        if short in self.folded_ids:
            return
        self.folded_list.append(short)
        self.folded_ids.add(short)
        if len(self.folded_list) > _REMEMBERED:
            self.folded_ids.discard(self.folded_list.pop(0))

    def _fold_invoice(self, ident: str, today: int) -> None:
        invoice = self.invoices.get(ident)
        if invoice is None:
            return
        for one in self._fold_group(invoice, today):
            self._drop_invoice(one, today)

    def _fold_group(self, invoice: Invoice, today: int) -> list[Invoice]:
        """The invoices that fold with this one; none while one of them can not fold yet.

        Invoices that compete for the cash of a tight payment fold together: what one of them leaves, even by a
        correction of its date, moves the history of the others. The last one to be ready takes all along.
        """
        group = {invoice.id: invoice}
        queue = [invoice]
        while queue:
            one = queue.pop()
            if one.fold_on is None or one.fold_on > today:
                return []
            for payment_id in one.takes:
                for other_id in self.payments[payment_id].invoices:
                    other = self.invoices.get(other_id)
                    if other is not None and other_id not in group:
                        group[other_id] = other
                        queue.append(other)
        return [group[ident] for ident in sorted(group)]

    def _drop_invoice(self, invoice: Invoice, today: int) -> None:
        ident = invoice.id
        issue = invoice.issue
        assert issue is not None
        totals = self._totals
        posted = invoice.posted
        if posted is not None:
            taken = taken_by_payment(invoice, self._factor)
            totals.post(invoice, posted, -1)
            self.folded_balance += posted.open
            totals.balance.add(0, posted.open)
            self.first_invoice = min(self.first_invoice, posted.day)
            self.first_due = min(self.first_due, posted.due)
        else:
            taken = {}
        if invoice.drawn is not None:
            order_id, day, currency, amount = invoice.drawn
            order = self.orders.get(order_id)
            if order is not None:
                order.draws[day, currency] -= amount
                if not order.draws[day, currency]:
                    del order.draws[day, currency]
                order.settled[currency] = order.settled.get(currency, 0) + amount
                self.order_pages.dirty.add(order.page)
                self._refresh_order(order)
        if invoice.foreign is not None:
            totals.use(invoice.foreign, -1)
        for memo in invoice.memos:
            self.extras.remove(memo)
            del self.memos[memo.id]
            self._remember("m" + memo.id)
        for dispute in invoice.disputes:
            self.extras.remove(dispute)
            del self.disputes[dispute.id]
            self._remember("d" + dispute.id)
        del self.invoices[ident]
        self.invoice_pages.remove(invoice)
        self._remember("i" + ident)
        self.issued_mark = max(self.issued_mark, issue.day)
        for payment_id in sorted(invoice.applications):
            payment = self.payments[payment_id]
            currency, cash = taken.get(payment_id, ("", 0))
            payment.settled[ident] = cash
            if cash:
                self.folded_cash[currency] = self.folded_cash.get(currency, 0) + cash
                totals.cash(0, currency, -cash)
            self.payment_pages.dirty.add(payment.page)
            self._fold_payment(payment_id, today)

    def _fold_payment(self, ident: str, today: int) -> None:
        payment = self.payments.get(ident)
        if payment is None or payment.posted is None:
            return
        receipt = payment.posted
        if any(i not in payment.settled for i in payment.invoices):
            return
        used = sum(payment.settled.values())
        if used != receipt.net:
            return
        last = max([receipt.paid_on, *(day for day, _ in receipt.flows), *payment.reversal_days])
        fold_on = last + max(self.settings[2] + 1, self.settings[3])
        if fold_on > today:
            self._queue("p" + ident, fold_on)
            return
        totals = self._totals
        totals.receipt(receipt, -1, payment.worth)
        totals.use(receipt.currency, -1)
        if payment.held:
            totals.use(_NO_FIT, -payment.held)
        for day in payment.reversal_days:
            totals.reverse(day, -1)
        if used:
            totals.cash(0, receipt.currency, used)
            left = self.folded_cash[receipt.currency] - used
            if left:
                self.folded_cash[receipt.currency] = left
            else:
                del self.folded_cash[receipt.currency]
        if receipt.net:
            self.last_payment = max(self.last_payment, receipt.paid_on)
        del self.payments[ident]
        self.payment_pages.remove(payment)
        self._remember("p" + ident)
        self.paid_mark = max(self.paid_mark, receipt.paid_on)

    def _fold_order(self, ident: str, today: int) -> None:
        order = self.orders.get(ident)
        if order is None or order.draws or order.fold_on is None or order.fold_on > today:
            return
        if order.posted is not None:
            currency, flows = order.posted
            self._totals.orders(currency, flows, -1)
            self._totals.use(currency, -1)
        del self.orders[ident]
        self.order_pages.remove(order)
        self._remember("o" + ident)

    def _fold_memo(self, ident: str, today: int) -> None:
        memo = self.memos.get(ident)
        if memo is None or memo.posted is not None or self._memo_fold(memo) > today:
            return  # corrected: queued for the later day
        if memo.worth is None or (memo.worth == 0 and memo.fact.content[1]):
            return  # waits for a rate
        self._totals.memo_on_account(memo.fact.day, memo.worth, -1)
        self._totals.use(memo.fact.content[2], -1)
        self.folded_balance -= memo.worth
        self._totals.balance.add(0, -memo.worth)
        del self.memos[ident]
        self.extras.remove(memo)
        self._remember("m" + ident)

    def _fold_promise(self, ident: str, today: int) -> None:
        promise = self.promises.get(ident)
        if promise is not None and self._promise_fold(promise) <= today:
            del self.promises[ident]
            self.extras.remove(promise)
            self._remember("q" + ident)

    def _fold_scheduled(self, ident: str, today: int) -> None:
        known = self.scheduled.get(ident)
        if known is not None and self._scheduled_fold(known) <= today:
            del self.scheduled[ident]
            self.extras.remove(known)
            self._remember("s" + ident)

    # ---- readers ------------------------------------------------------------------------------------------------------

    @property
    def open_balance(self) -> int:
        """Invoiced less cash applied, discounts, memos and write-offs, plus reversals; minor units. O(1)."""
        return self.totals.balance.total

    def exposure_now(self, today: int) -> int:
        """Exposure as the newest fact leaves it, at least 0; foreign money as last valued. O(1) in the number
        of invoices."""
        return max(0, self._exposure(self.totals, today))

    def exposure_at_most(self, today: int) -> int:
        """An upper bound of exposure_now() that settles nothing: what new payments and drawn orders take off is
        left out."""
        return max(0, self._exposure(self._totals, today) + self._raised)

    def _exposure(self, totals: Totals, today: int) -> int:
        value = totals.balance.total - totals.foreign_open.total + totals.other.total + self.foreign_now
        own = self.currency
        for fact in self.securities.values():
            kind, amount, currency, expires = fact.content
            if currency == own and kind != "guarantee" and (expires is None or expires >= today):
                value -= amount
        return value

    def reversals(self, first: int, last: int) -> list[tuple[int, str, str]]:
        """(reversed_on, payment_id, event_id) of the reversals dated first..last, oldest first. Scans: for
        evidence only."""
        self.settle()
        return sorted(
            (fact.day, payment.id, fact.event_id)
            for payment in self.payments.values()
            for fact in facts_that_fit(payment)[1]
            if first <= fact.day <= last
        )

    def past_due(self, today: int, days: int = 0) -> list[tuple[int, str, str, int]]:
        """(due date, invoice_id, event_id, clean open amount) of what is more than `days` past due. Scans: for
        evidence only."""
        self.settle()
        return sorted(
            (invoice.posted.due, invoice.id, invoice.issue.event_id, invoice.posted.clean)
            for invoice in self.invoices.values()
            if invoice.posted is not None and invoice.issue is not None
            if invoice.posted.clean and today - invoice.posted.due > days
        )

    def paid(self, first: int, last: int) -> list[tuple[int, str, str]]:
        """(paid_on, payment_id, event_id) of the payments dated first..last, oldest first. Scans: for evidence only."""
        self.settle()
        return sorted(
            (payment.received.day, payment.id, payment.received.event_id)
            for payment in self.payments.values()
            if payment.received is not None and first <= payment.received.day <= last
        )

    def _profile_changed(self) -> None:
        """The profile as plain attributes. Account.updated states the whole profile anew: what it leaves out
        is unknown."""
        content = [None] * 9 if self.profile is None else self.profile.content
        (
            self.name, _, self.opened_on, self.country, self.terms_days, self.parent_id, self.industry,
            self.owner, self.expected_monthly_purchases,
        ) = content  # fmt: skip
        if self.profile is None:
            self.currency = None if self.first_money is None else self.first_money[2]
        self.closed = self.profile_closed is not None and (
            self.profile_opened is None or self.profile_closed > self.profile_opened
        )

    def next_day(self, today: int) -> int:
        """The first day after `today` on which a figure can move by time alone; see boundaries.next_day()."""
        self.settle()
        return next_day(self, today, self._policy)

    # ---- pieces -------------------------------------------------------------------------------------------------------

    def _rebuild(self) -> None:
        """All totals from the facts: after a load, with another account currency, or with other numbers of the
        policy."""
        self._forget_new()
        horizon = self._totals.balance.horizon
        self._totals = Totals(self.currency or _NO_CURRENCY, horizon)
        self.fold_queue = {}
        self.next_fold = NEVER
        self.waiting = {}
        self._totals.balance.add(0, self.folded_balance)
        for currency, cash in self.folded_cash.items():
            self._totals.cash(0, currency, -cash)
        for invoice in self.invoices.values():
            invoice.posted = invoice.drawn = invoice.foreign = invoice.fold_on = None
            invoice.applications.clear()
            invoice.takes.clear()
            invoice.memos.clear()
            invoice.disputes.clear()
        for order in self.orders.values():
            order.posted = None
            order.draws.clear()
        # Links first, then each invoice and each order once.
        self._stale.clear()
        self._linking = self._settling = True
        for memo in self.memos.values():
            self._post_memo(memo)
        for dispute in self.disputes.values():
            dispute.posted = None
            self._link_dispute(dispute)
        for payment in self.payments.values():
            payment.posted = None
            payment.invoices = ()
            payment.reversal_days = []
            payment.held = 0
            self._refresh_payment(payment)
        for invoice in self.invoices.values():
            if invoice.issue is not None:
                self._draw(invoice)
        self._linking = False
        for invoice in list(self.invoices.values()):
            self._refresh(invoice)
        self._settling = False
        self._settle()
        for order in list(self.orders.values()):
            self._refresh_order(order)
        for promise in self.promises.values():
            self._queue("q" + promise.id, self._promise_fold(promise))
        for known in self.scheduled.values():
            self._queue("s" + known.id, self._scheduled_fold(known))
        for payment in self.payments.values():
            if payment.settled:
                self._queue("p" + payment.id, 0)

    def dump(self) -> dict[str, bytes | None]:
        """The pieces that changed since the last dump; None deletes one. load() of all pieces gives the same ledger."""
        out: dict[str, bytes | None] = {}
        if not self.changed:
            return out
        if self.head_changed:
            out[_HEAD] = orjson.dumps(self._head())
            self.head_changed = False
        if self.parked_changed:
            rows = [self.parked[key] for key in sorted(self.parked)]
            out[_PARKED] = orjson.dumps([_VERSION, *rows]) if rows else None
            self.parked_changed = False
        if self.fx_changed:
            out[_FX] = orjson.dumps([_VERSION, self.fx], option=orjson.OPT_SORT_KEYS) if self.fx else None
            self.fx_changed = False
        if self.folded_changed:
            out[_FOLDED] = orjson.dumps([_VERSION, *self.folded_list])
            self.folded_changed = False
        for pages in (self.invoice_pages, self.payment_pages, self.order_pages, self.extras):
            if pages.changed:
                pages.dump_into(out)
        self.changed = False
        return out

    def canonical(self) -> bytes:
        """The facts in one fixed order: equal for ledgers that took the same ones in whatever order.

        The rates that facts were valued at are left out: they follow from the facts and the rates' own days.
        """
        return orjson.dumps(
            [
                self._head(),
                sorted(self.parked),
                sorted(self.folded_list),
                *(
                    sorted(
                        orjson.dumps(record.row()).decode()
                        for page in pages.pages.values()
                        for record in page
                    )
                    for pages in (self.invoice_pages, self.payment_pages, self.order_pages, self.extras)
                ),
            ],
            option=orjson.OPT_SORT_KEYS,
        )

    def _head(self) -> list[Any]:
        return [
            _VERSION,
            row_of(self.profile),
            self.profile_opened,
            self.profile_closed,
            self.first_money,
            self.limits,
            [[ident, fact.row()] for ident, fact in sorted(self.securities.items())],
            self.folded_balance,
            sorted(self.folded_cash.items()),
            [self.issued_mark, self.paid_mark, self.first_invoice, self.first_due, self.last_payment],
            self.settings,
            self.foreign_now,
            self.limit,
        ]

    @classmethod
    def load(cls, pieces: Mapping[str, bytes]) -> Ledger:
        """A ledger from its pieces (others' pieces may be among them)."""
        ledger = cls()
        if any(key.startswith("l.") for key in pieces):
            ledger._read(pieces)
        return ledger

    def _read(self, pieces: Mapping[str, bytes]) -> None:
        """Raises ValueError for a version that this engine does not read."""
        for key in (_HEAD, _PARKED, _FX, _FOLDED):
            if key not in pieces:
                continue
            version, *rest = orjson.loads(pieces[key])
            if version != _VERSION:
                raise ValueError(f"{key} of version {version}: this engine reads version {_VERSION}")
            if key == _HEAD:
                (
                    profile, opened, closed, self.first_money, self.limits, securities, self.folded_balance, cash,
                    marks, self.settings, self.foreign_now, self.limit,
                ) = rest  # fmt: skip
                self.profile = register(profile)
                self.profile_opened = None if opened is None else (opened[0], opened[1])
                self.profile_closed = None if closed is None else (closed[0], closed[1])
                for ident, row in securities:
                    fact = register(row)
                    assert fact is not None
                    self.securities[ident] = fact
                self.folded_cash = dict(cash)
                self.issued_mark, self.paid_mark, self.first_invoice, self.first_due, self.last_payment = (
                    marks
                )
            elif key == _PARKED:
                self.parked = {orjson.dumps(row).decode(): row for row in rest}
                self.next_parked = min([row[0] for row in rest], default=NEVER)
            elif key == _FX:
                self.fx = rest[0]
            else:
                self.folded_list = rest
                self.folded_ids = set(rest)
        self.invoice_pages.load(pieces, invoice_of)
        self.payment_pages.load(pieces, payment_of)
        self.order_pages.load(pieces, order_of)
        self.extras.load(pieces, _extra_of)
        self.invoices = {r.id: r for page in self.invoice_pages.pages.values() for r in page}
        self.payments = {r.id: r for page in self.payment_pages.pages.values() for r in page}
        self.orders = {r.id: r for page in self.order_pages.pages.values() for r in page}
        for page in self.extras.pages.values():
            for extra in page:
                table: dict[str, Any] = (
                    self.memos if isinstance(extra, Memo)
                    else self.disputes if isinstance(extra, Dispute)
                    else self.promises if isinstance(extra, Promise)
                    else self.scheduled
                )  # fmt: skip
                table[extra.id] = extra
        limit = self.limit
        self._profile_changed()
        if self.profile is not None:
            self.currency = self.profile.content[1]
        self._rebuild()
        self.limit = limit
        self.changed = self.head_changed = False


def _extra_of(row: list[Any]) -> Extra:
    kind, ident, *facts = row
    if kind == "dispute":
        dispute = Dispute(ident)
        dispute.fact, dispute.resolved = register(facts[0]), register(facts[1])
        return dispute
    fact = register(facts[0])
    assert fact is not None
    if kind == "memo":
        return Memo(ident, fact)
    return Promise(ident, fact) if kind == "promise" else Scheduled(ident, fact)


def _said(fact: Register, content: list[Any]) -> bool:
    """Whether some event said the same of this fact before."""
    return fact.content == content or any(content == version[0] for version in fact.versions or ())


def _short(token: str) -> int:
    return int.from_bytes(blake2b(token.encode(), digest_size=6).digest(), "big")


def _times(amount: int, factor: tuple[int, int]) -> int:
    """amount * factor, half to even."""
    return round(Fraction(amount * factor[0], factor[1]))


@lru_cache(maxsize=64)
def _fraction(share: float) -> tuple[int, int]:
    exact = Fraction(str(share))
    return exact.numerator, exact.denominator


_Taker = Callable[[Ledger, str, int, str, str, int, list[Any]], Applied]

_TAKE: Final[dict[str, _Taker]] = {
    "invoice.issued": Ledger._take_issued,
    "invoice.credited": Ledger._take_credited,
    "invoice.disputed": Ledger._take_disputed,
    "dispute.resolved": Ledger._take_resolved,
    "invoice.written_off": Ledger._take_written_off,
    "invoice.voided": Ledger._take_voided,
    "order.booked": Ledger._take_booked,
    "order.closed": Ledger._take_order_closed,
    "payment.received": Ledger._take_received,
    "payment.applied": Ledger._take_applied,
    "payment.reversed": Ledger._take_reversed,
    "payment.promised": Ledger._take_promised,
    "payment.scheduled": Ledger._take_scheduled,
    "account.opened": Ledger._take_opened,
    "account.updated": Ledger._take_updated,
    "account.limit_set": Ledger._take_limit,
    "account.closed": Ledger._take_closed,
    "security.recorded": Ledger._take_security,
}

_FOLD: Final[dict[str, Callable[[Ledger, str, int], None]]] = {
    "i": Ledger._fold_invoice,
    "p": Ledger._fold_payment,
    "o": Ledger._fold_order,
    "m": Ledger._fold_memo,
    "q": Ledger._fold_promise,
    "s": Ledger._fold_scheduled,
}

"""The ledger of one account: takes facts in any order, any number of times, and keeps what they amount to. Read first.

Each type of event is taken in takers.py and posted into the totals in posting.py (many at once: settling.py); folding.py
drops what no fact can reach, valuation.py does rates, ledger_pieces.py bytes. Figures are measure.py's, alerts none of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import orjson

from agents import ledger_pieces
from agents.announced import Announced
from agents.boundaries import next_day
from agents.facts import APPLIED, NEVER, REPEAT, ROW_OF, Applied, Register, local_day, microseconds
from agents.folding import fold
from agents.invoices import Dispute, Invoice, Memo
from agents.orders import Order
from agents.pages import Pages
from agents.payments import Payment, facts_that_fit
from agents.policy import exact
from agents.settling import rebuild, revalue, settle
from agents.takers import TAKE
from agents.totals import Totals
from agents.valuation import value_foreign

if TYPE_CHECKING:
    from agents.policy import Policy
    from agents.rates import Rates

TYPES: Final = frozenset(ROW_OF)
"""The event types that apply() takes."""

_REMEMBERED: Final = 2000  # ids of what folded away, newest


class UnfitAmount(ValueError):
    """An event whose amount its own currency can not hold; nothing of it was taken."""


class Ledger:
    """Mutable, owned by one account. The state after a set of facts is the same for every order of arrival and any
    number of repeats, as long as none of them is LATE.

    Not guaranteed: which page a record lies on (it depends on the order of arrival). Money is in minor units
    of `currency`.
    """

    __slots__ = (
        "_policy", "advancing", "answers_held", "changed", "closed", "country", "currency",
        "disputes", "expected_monthly_purchases", "extras", "first_due", "first_invoice",
        "first_money", "fold_queue", "folded_balance", "folded_cash", "folded_changed",
        "folded_ids", "folded_list", "foreign_now", "fx", "fx_changed", "head_changed", "industry",
        "invoice_pages", "invoices", "issued_mark", "last_payment", "limit", "limits", "linking",
        "memos", "name", "new_exposure", "new_invoices", "new_orders", "new_payments", "next_fold",
        "next_parked", "opened_on", "order_pages", "orders", "owner", "paid_mark", "parent_id",
        "parked", "parked_changed", "payment_pages", "payments", "posted_totals", "profile",
        "profile_closed", "profile_opened", "promises", "rates", "scheduled", "securities",
        "settings", "stale", "terms_days", "today", "waiting",
    )  # fmt: skip

    # What other rooms read; see profile_changed().
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
        # The call at hand: D, its rates, and whether it is the tick of D.
        self.today = 0
        self.rates: Rates | None = None
        self.advancing = False
        self._policy: Policy | None = None
        # Posting under way: only links are made, the records are worked out after; answers wait for all that is offered.
        self.linking = False
        self.answers_held = False
        self.stale: dict[
            str, None
        ] = {}  # payments of which invoices now take something else, first come first
        # Taken, and not yet in the totals; see settling.settle(). What they may add to the exposure at most.
        self.new_invoices: list[Invoice] = []
        self.new_payments: list[Payment] = []
        self.new_orders: list[Order] = []
        self.new_exposure = 0
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
        self.promises: dict[str, Announced] = {}
        self.scheduled: dict[str, Announced] = {}
        self.parked: dict[str, list[Any]] = {}
        self.next_parked = NEVER
        self.invoice_pages: Pages[Invoice] = Pages("l.i.", 16)
        self.payment_pages: Pages[Payment] = Pages("l.p.", 16)
        self.order_pages: Pages[Order] = Pages("l.o.", 32)
        self.extras: Pages[Memo | Dispute | Announced] = Pages("l.x.", 32)
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
        # Rates that facts were valued at, by source + target + day: [numerator, denominator, frozen]; and the records
        # (tokens: the letter of their kind, their id) that wait for one that is not frozen.
        self.fx: dict[str, list[int]] = {}
        self.waiting: dict[str, set[str]] = {}
        # Derived:
        self.settings = [95, 100, 400, 455]  # paid share, reach, span: what postings were made with
        self.posted_totals = Totals("", 0)  # what is new is not in it; others ask for `totals`
        self.fold_queue: dict[int, set[str]] = {}
        self.next_fold = NEVER
        self.foreign_now = 0
        self.limit = None
        self.closed = False
        self.profile_changed()

    # ---- facts in -------------------------------------------------------------------------------------------

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
        self.rates = rates
        self.today = today
        if self.next_parked <= today:
            self._unpark(today)
        if day > today:
            return self._park(kind, ident, us, event.event_id, event.source, day, content)
        answer = TAKE[kind](self, ident, event.source, Register(us, event.event_id, day, content))
        if answer is APPLIED and self.posted_totals.native:
            settle(self)
            value_foreign(self, today, rates)
        return answer

    @property
    def stated_limit(self) -> list[Any] | None:
        """The newest limit as it was set: [minor units, currency]. None: none was, or none yet."""
        return self.limits[-1][3:] if self.limits else None

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
            self.today = today
            if day > today:
                return self._park("account.limit_set", "", us, event_id, "", day, content)
        return TAKE["account.limit_set"](self, "", "", Register(us, event_id, day, content))

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
            TAKE[kind](self, ident, source, Register(us, event_id, day, content))
        self.next_parked = min([row[0] for row in self.parked.values()], default=NEVER)
        self.changed = self.parked_changed = True

    def advance(self, today: int, policy: Policy, rates: Rates) -> None:
        """The tick of `today`: parked facts whose day has come, values that wait for a rate, what can no
        longer be reached."""
        if policy is not self._policy:
            self._adopt(policy)
        self.rates = rates
        self.today = today
        settle(self)
        self.advancing = True
        try:
            if self.next_parked <= today:
                self._unpark(today)
                settle(self)
            if self.waiting:
                revalue(self)
            if self.next_fold <= today:
                fold(self, today)
        finally:
            self.advancing = False
        self.posted_totals.forget(today)
        value_foreign(self, today, rates)

    def _adopt(self, policy: Policy) -> None:
        """Postings hold numbers of the policy: another policy with other ones makes them anew."""
        self._policy = policy
        figures = policy.figures
        numerator, denominator = exact(figures.kaplan_meier_paid_share).as_integer_ratio()
        settings = [numerator, denominator, figures.reach_days, figures.baseline_from_days]
        if settings != self.settings:
            self.settings = settings
            self.changed = self.head_changed = True
            rebuild(self)

    # ---- for the rooms that take, post and fold -------------------------------------------------------------

    def profile_changed(self) -> None:
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

    def fold_later(self, token: str, day: int) -> None:
        """Notes the first day on which the record of this token may fold away."""
        tokens = self.fold_queue.get(day)
        if tokens is None:
            self.fold_queue[day] = {token}
        else:
            tokens.add(token)
        if day < self.next_fold:
            self.next_fold = day

    def folded(self, token: str) -> bool:
        """Whether the record of this token (its kind's letter, its id) folded away not long ago."""
        return bool(self.folded_ids) and _short(token) in self.folded_ids

    def remember(self, token: str) -> None:
        """Notes that the record of this token folded away."""
        short = _short(token)
        if short in self.folded_ids:
            return
        self.folded_list.append(short)
        self.folded_ids.add(short)
        if len(self.folded_list) > _REMEMBERED:
            self.folded_ids.discard(self.folded_list.pop(0))

    # ---- readers --------------------------------------------------------------------------------------------

    @property
    def totals(self) -> Totals:
        """What all facts taken so far add up to."""
        settle(self)
        return self.posted_totals

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
        return max(0, self._exposure(self.posted_totals, today) + self.new_exposure)

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
        settle(self)
        return sorted(
            (fact.day, payment.id, fact.event_id)
            for payment in self.payments.values()
            for fact in facts_that_fit(payment)[1]
            if first <= fact.day <= last
        )

    def past_due(self, today: int, days: int = 0) -> list[tuple[int, str, str, int]]:
        """(due date, invoice_id, event_id, clean open amount) of what is more than `days` past due. Scans: for
        evidence only."""
        settle(self)
        return sorted(
            (invoice.posted.due, invoice.id, invoice.issue.event_id, invoice.posted.clean)
            for invoice in self.invoices.values()
            if invoice.posted is not None and invoice.issue is not None
            if invoice.posted.clean and today - invoice.posted.due > days
        )

    def unpaid_since(self, due: int) -> bool:
        """Whether an invoice that fell due on that day is unpaid, with a clean open part."""
        return any(due in cohort.clean_due for cohort in self.totals.cohorts.values())

    def next_day(self, today: int) -> int:
        """The first day after `today` on which a figure can move by time alone; see boundaries.next_day()."""
        settle(self)
        return next_day(self, today, self._policy)

    # ---- pieces ---------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, bytes | None]:
        """The pieces that changed since the last dump; None deletes one. load() of all pieces gives the same ledger."""
        return ledger_pieces.dump(self)

    @classmethod
    def load(cls, pieces: Mapping[str, bytes]) -> Ledger:
        """A ledger from its pieces (others' pieces may be among them). Raises ValueError for a version that this engine
        does not read."""
        ledger = cls()
        if any(key.startswith("l.") for key in pieces):
            ledger_pieces.read(ledger, pieces)
        return ledger


def _short(token: str) -> int:
    return int.from_bytes(blake2b(token.encode(), digest_size=6).digest(), "big")

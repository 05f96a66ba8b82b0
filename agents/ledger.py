"""The ledger of one account: what is kept of its facts, and the totals that they add up to. Read first.

Data alone: bookkeeping.py takes events into it and brings it to a day (by takers.py, posting.py, settling.py, folding.py and
valuation.py), balances.py reads it, ledger_pieces.py is its bytes. Figures are measure.py's, alerts none of ours.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, Final, NamedTuple

from agents.announced import Announced
from agents.facts import NEVER, Register
from agents.invoices import Dispute, Invoice, Memo
from agents.orders import Order
from agents.pages import Pages
from agents.payments import Payment
from agents.policy import Policy
from agents.profile import FIELDS, Told, content_of
from agents.rates import Rates
from agents.totals import Totals

_REMEMBERED: Final = 2000  # ids of what folded away, newest


class PostingRules(NamedTuple):
    """The policy's numbers that postings and folding days hold. A policy with other ones makes them anew."""

    paid_share: tuple[int, int]  # of an invoice that is as good as paid: numerator, denominator
    reach_days: int  # no fact older than this is taken of what closed
    span_days: int  # no figure asks for days before this many

    def row(self) -> list[int]:
        """Its stored form."""
        return [*self.paid_share, self.reach_days, self.span_days]


def posting_rules(row: list[int]) -> PostingRules:
    """The rules of this row()."""
    numerator, denominator, reach_days, span_days = row
    return PostingRules((numerator, denominator), reach_days, span_days)


class Ledger:
    """Mutable, owned by one account. The state after a set of facts is the same for every order of arrival and any
    number of repeats, as long as none of them is LATE.

    Not guaranteed: which page a record lies on (it depends on the order of arrival). Money is in minor units
    of `currency`.
    """

    __slots__ = (
        "advancing", "answers_held", "changed", "closed", "country", "currency",
        "disputes", "expected_monthly_purchases", "extras", "first_due", "first_invoice",
        "first_money", "fold_queue", "folded_balance", "folded_cash", "folded_changed",
        "folded_ids", "folded_list", "foreign_now", "fx", "fx_changed", "head_changed", "industry",
        "invoice_pages", "invoices", "issued_mark", "last_payment", "limit", "limits", "linking",
        "memos", "name", "new_exposure", "new_invoices", "new_orders", "new_payments", "next_fold",
        "next_parked", "opened_on", "order_pages", "orders", "owner", "paid_mark", "parent_id",
        "parked", "parked_changed", "payment_pages", "payments", "policy", "posted_totals",
        "posting_rules", "profile", "profile_closed", "profile_facts", "profile_opened", "promises",
        "rates", "scheduled", "securities", "stale", "terms_days", "today", "waiting",
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
        self.policy: Policy | None = None
        # Posting under way: only links are made, the records are worked out after; answers wait for all that is offered.
        self.linking = False
        self.answers_held = False
        # Payments of which invoices now take something else, first come first
        self.stale: dict[str, None] = {}
        # Taken, and not yet in the totals; see settling.settle(). What they may add to the exposure at most.
        self.new_invoices: list[Invoice] = []
        self.new_payments: list[Payment] = []
        self.new_orders: list[Order] = []
        self.new_exposure = 0
        # Facts:
        self.profile: Register | None = None  # as it holds, under the order of its newest fact
        self.profile_facts: tuple[Told, ...] = ()  # that it is made of, newest first
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
        self.posting_rules = PostingRules((95, 100), 400, 455)  # what postings were made with
        self.posted_totals = Totals("", 0)  # what is new is not in it; readers ask balances.totals_of()
        self.fold_queue: dict[int, set[str]] = {}
        self.next_fold = NEVER
        self.foreign_now = 0
        self.limit = None
        self.closed = False
        self.profile_changed()

    @property
    def stated_limit(self) -> list[Any] | None:
        """The newest limit as it was set: [minor units, currency]. None: none was, or none yet."""
        return self.limits[-1][3:] if self.limits else None

    def hold_profile(self, facts: tuple[Told, ...]) -> None:
        """Takes over the facts that hold the profile, newest first, at least one; see profile.merged()."""
        self.profile_facts = facts
        newest = facts[0]
        self.profile = Register(newest.us, newest.event_id, newest.day, content_of(facts))

    def profile_changed(self) -> None:
        """The profile as plain attributes; what is told of no field is unknown."""
        content = [None] * FIELDS if self.profile is None else self.profile.content
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

    def folded_once(self, token: str, day: int) -> bool:
        """Whether what is said of this token as of `day`, and is known no more, folded away or is too old to tell: its id may
        have been forgotten then."""
        forgets = len(self.folded_list) >= _REMEMBERED
        return self.folded(token) or (forgets and day + self.posting_rules.reach_days < self.today)

    def remember(self, token: str) -> None:
        """Notes that the record of this token folded away."""
        short = _short(token)
        if short in self.folded_ids:
            return
        self.folded_list.append(short)
        self.folded_ids.add(short)
        if len(self.folded_list) > _REMEMBERED:
            self.folded_ids.discard(self.folded_list.pop(0))


def _short(token: str) -> int:
    return int.from_bytes(blake2b(token.encode(), digest_size=6).digest(), "big")

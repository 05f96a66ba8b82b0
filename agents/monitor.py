"""The whole story: one journal partition, folded. An event changes one account; a day's tick wakes those with something due.

Nothing else decides. The order of records in the partition is the only order there is; what is emitted depends on it alone,
never on how records were batched, restored or repeated.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from agents import bookkeeping, boundaries, limits, relations, signals
from agents.account import Account, new
from agents.balances import exposure_at_most, exposure_now
from agents.book import Book
from agents.desk import ProposalChange, limit_in
from agents.evidence import behind
from agents.facts import LATE, REPEAT, local_day, microseconds
from agents.figures import NOT_EMITTED, Figures
from agents.ids import derived
from agents.measure import measure
from agents.policy import Policy
from agents.records import (
    Output,
    Refusal,
    alert_record,
    money_text,
    proposal_record,
    snapshot_record,
    standing,
    status_record,
)
from agents.view import BookTotals, View
from agents.wakes import Wakes
from agents.watch import AlertChange
from agents.wording import instant, iso
from schemas.events import (
    AccountEvent,
    AlertDecision,
    BookReported,
    ClockTicked,
    Event,
    PolicyAdopted,
    ProposalApproved,
    ProposalDecision,
    RelatedEvent,
)
from schemas.money import minor
from schemas.outputs import Tier, ce_type

ENGINE: Final = "1"
"""The version of the rules in agents/: it goes into every output, and a change of any figure or decision raises it, once
a release carried the rules of before. tests/golden/test_engine.py sees to it."""

MOVES_STATUS: Final = frozenset({"account.opened", "account.updated", "account.limit_set", "account.closed"})


def _turns(account: Account, today: int) -> bool:
    """Whether exposure has come over the limit, or under it, since the status was told: from the ledger's running totals."""
    ledger, told = account.ledger, account.pulse.status
    limit = ledger.limit
    if not limit or told is None:
        return False
    was_over = told.headroom is not None and told.headroom.startswith("-")
    if not was_over and exposure_at_most(ledger, today) <= limit:
        return False
    return (exposure_now(ledger, today) > limit) != was_over


def _never() -> bool:
    return False


def _none_failed(account_id: str) -> str | None:
    return None


_ALL: Final = 1 << 62  # accounts to wake, where no commit is to be kept short


class Accounts(Protocol):
    """Where the accounts of the partition are kept: a dict in a backtest, the states of a partition in a worker."""

    def get(self, account_id: str) -> Account | None: ...

    def put(self, account_id: str, account: Account) -> None: ...


class StepFailed(Exception):
    """A rule raised: a bug of ours, met on this account. The account may be half changed; its owner undoes it.

    `part`: what is passed over when the record comes again. Of a tick the account, of another record all of it: "".
    """

    def __init__(self, account_id: str, part: str, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.account_id = account_id
        self.part = part
        self.error = error


class Fold:
    """One journal partition. `book` and `accounts` are changed in place; the outputs are returned in their order.

    `observer`, where it is set, is shown each account that has alerts or proposals to emit, as the rules saw it; it must
    change nothing.
    """

    __slots__ = ("_totals", "accounts", "book", "ids", "observer", "partition", "wakes")

    def __init__(self, accounts: Accounts, wakes: Wakes, book: Book, partition: int, ids: UUID) -> None:
        self.accounts = accounts
        self.wakes = wakes
        self.book = book
        self.partition = partition
        self.ids = ids
        self.observer: Callable[[Account, View, list[AlertChange], list[ProposalChange]], None] | None = None
        # The book's totals, and what they were made of.
        self._totals: tuple[tuple[Any, ...], BookTotals | None] = ((), None)

    def take(
        self,
        event: Event,
        live: Callable[[], bool] = _never,
        budget: int = _ALL,
        failed: Callable[[str], str | None] = _none_failed,
    ) -> tuple[list[Output | Refusal], int, bool]:
        """The next record, whatever it is: what tick() returns of one, and as much of what adopt() and event() say.

        Raises StepFailed.
        """
        if isinstance(event, PolicyAdopted):
            return [*self.adopt(event)], 0, True
        if isinstance(event, BookReported):
            return [Refusal("refused", "", "type: book.reported is not for the journal")], 0, True
        if self.book.policy is None:  # intake lets nothing by before it: somebody else wrote this
            return [Refusal("refused", "", f"type: {event.type} came before the first policy")], 0, True
        if isinstance(event, ClockTicked):
            return self.tick(event, live(), budget, failed)
        return self.event(event, live), 0, True

    def adopt(self, event: PolicyAdopted) -> list[Refusal]:
        """A policy comes into force with the next record. A text that is no policy is refused; the old one stands."""
        try:
            live_from = None if event.live_from is None else event.live_from.toordinal()
            self.book.adopt(event.text, event.hash, live_from)
        except ValueError as error:
            return [Refusal("refused", "", f"policy {event.hash} is not adopted: {error}")]
        return []

    def event(self, event: AccountEvent, live: Callable[[], bool] = _never) -> list[Output | Refusal]:
        """One event of one account. `live`: whether it came by another way than history; only then are relatives told, and
        a fact of a day that has ended judged at once.

        Raises StepFailed.
        """
        policy = self._policy()
        account_id: str = event.account_id
        known = self.accounts.get(account_id)
        account = new(account_id) if known is None else known
        book = self.book
        today = _date_of(event, policy) if book.day is None else book.day + 1
        if account.pulse.not_before is not None:
            today = max(today, account.pulse.not_before)
        try:
            outputs = self._step(account, event, today, policy, live)
        except Exception as error:
            raise StepFailed(account_id, "", error) from error
        if outputs is None or (outputs and isinstance(outputs[0], Refusal)):
            if known is not None and known.changed:
                # A repeat says when it was said last, and with it the day of a parked fact may have come.
                self.accounts.put(account_id, known)
            return outputs or []
        if book.day is None:
            account.pulse.not_before = today
        self._sleep(account, today)
        self.accounts.put(account_id, account)
        return outputs

    def tick(
        self,
        event: ClockTicked,
        live: bool,
        budget: int,
        failed: Callable[[str], str | None] = _none_failed,
    ) -> tuple[list[Output | Refusal], int, bool]:
        """The end of day `as_of`: (outputs, accounts woken, whether the tick is complete).

        Wakes at most `budget` accounts; incomplete, it goes on with the same event, and later records wait for it. Days
        between the last tick and this one are stepped one by one; a day already ended does nothing. `failed` says what an
        account raised on this very record before: it is passed over, and refused with that reason. Raises StepFailed.
        """
        self._policy()
        book = self.book
        as_of = event.as_of.toordinal()
        if book.day is not None and as_of <= book.day:
            return [], 0, True
        if event.rates:
            book.add_rates(as_of, event.rates)
        if book.book_exposure is None and event.book_exposure is not None and book.sweep is None:
            # Who slept while there was no total holds an unknown share of it: all have a look.
            book.sweep = ""
        # What the tick carries is the book at the end of the day before: this very tick is judged by it.
        book.book_exposure, book.book_accounts, book.book_as_of = (
            event.book_exposure,
            event.book_accounts,
            as_of - 1,
        )
        book.changed = True
        outputs: list[Output | Refusal] = []
        at = instant(event.occurred_at)
        woken = 0
        for day in range(as_of if book.day is None else book.day + 1, as_of + 1):
            if book.policy is not None and book.policy.live_from == day and book.sweep is None:
                book.sweep = ""
                book.changed = True
            due = self._due(day)
            for account_id in due[: budget - woken]:
                woken += 1
                reason = failed(account_id)
                if reason is not None:
                    outputs.append(Refusal("failed", account_id, f"account {account_id}: {reason}"))
                    self.wakes.move(account_id, day + 1)
                else:
                    account = self.accounts.get(account_id)
                    assert account is not None
                    not_before = account.pulse.not_before
                    if not_before is not None and not_before > day:
                        self.wakes.move(account_id, not_before)
                    else:
                        try:
                            self._wake(account, day, at, live, outputs)
                        except Exception as error:
                            raise StepFailed(account_id, account_id, error) from error
                        self.accounts.put(account_id, account)
                if book.sweep is not None:
                    book.sweep = account_id
            if woken >= budget and self._due(day):
                book.changed = True
                return outputs, woken, False
            book.day, book.sweep = day, None
            book.changed = True
        if live:
            outputs.append(self._book_report(as_of, at))
        return outputs, woken, True

    def _due(self, day: int) -> list[str]:
        sweep = self.book.sweep
        if sweep is None:
            return self.wakes.due(day)
        return [account_id for account_id in self.wakes.everyone() if account_id > sweep]

    # -- one account -------------------------------------------------------------------------------------------

    def _step(
        self, account: Account, event: AccountEvent, today: int, policy: Policy, live: Callable[[], bool]
    ) -> list[Output | Refusal] | None:
        """Apply a fact or a decision, and what may be said of it at once; all judgement waits for the day's tick.

        None: a repeat, nothing of the account has changed.
        """
        kind: str = event.type
        own = policy.of(account.pulse.tier, account.ledger.industry)
        limit = account.ledger.limit
        if kind in bookkeeping.TYPES:
            try:
                applied = bookkeeping.apply(account.ledger, event, today, policy, self.book.rates)
            except bookkeeping.UnfitAmount as error:  # nothing of the account has changed
                return [Refusal("refused", account.account_id, str(error))]
        elif kind in signals.TYPES:
            applied = account.signals.apply(event, today, own)
        else:
            return self._decide(account, event, today, own, live)
        if applied == REPEAT:
            return None
        if applied == LATE:
            return [
                Refusal(
                    "late", account.account_id, "beyond reach: it belongs to what was closed and folded away"
                )
            ]
        relatives: list[Output] = []
        if isinstance(event, RelatedEvent) and live():
            relatives = self._relay(account, event, today, own)
        stirs = account.watch.stirs(account.ledger, kind, today, own)
        # With any event the day of a limit may have come that was told ahead.
        turns = kind in MOVES_STATUS or account.ledger.limit != limit or _turns(account, today)
        # A backfill's fact of a day that has ended says what was then, and others that it brings may have ended it: told at
        # once, a limit that was exceeded last year would be exceeded today. The tick judges what all of them come to.
        told_late = (stirs or turns) and not live() and _date_of(event, policy) < today
        if told_late or (not stirs and not turns):
            return [*relatives]
        view = self._view(account, own, today, event_id=event.event_id, tick=False)
        at = instant(event.occurred_at)
        alerts = account.watch.at_once(view, kind, at, self.ids) if stirs else []
        proposals = account.desk.at_once(view, account.watch, self.ids) if alerts else []
        outputs: list[Output | Refusal] = [*relatives]
        if alerts or proposals or turns:
            self._emit(account, view, alerts, proposals, at, outputs)
        if self._has_relatives(account) and live():
            outputs += self._tell_relatives(account, alerts, at, own)
        return outputs

    def _decide(
        self, account: Account, event: AccountEvent, today: int, policy: Policy, live: Callable[[], bool]
    ) -> list[Output | Refusal] | None:
        """What a person decided about an alert or a proposal. None: known already, nothing has changed."""
        kind: str = event.type
        view = self._view(account, policy, today, event_id=event.event_id, tick=False)
        alerts: list[AlertChange] = []
        proposals: list[ProposalChange] = []
        refused: str | None
        if isinstance(event, ProposalDecision):
            proposals, refused = account.desk.decide(event, view, self.ids)
            if event.type == "proposal.approved" and proposals:
                proposals = [self._approve(account, event, proposals[0], policy, today)]
                # The decision may have measured the account under its old limit.
                view = self._view(account, policy, today, event_id=event.event_id, tick=False)
        elif isinstance(event, AlertDecision):
            # Measured as at a tick: the record carries the alert's evidence on, and some of it no event measures.
            whole = self._view(account, policy, today, event_id=event.event_id, tick=True)
            alerts, refused = account.watch.decide(event, whole)
        else:
            refused = f"type: {kind} is not for an account"
        if refused is not None:
            return [Refusal("refused", account.account_id, refused)]
        if not alerts and not proposals:
            return None
        at = instant(event.occurred_at)
        if account.watch.stirs(account.ledger, kind, today, policy):
            alerts += account.watch.at_once(view, kind, at, self.ids)
        if alerts:
            proposals += account.desk.at_once(view, account.watch, self.ids)
        outputs: list[Output | Refusal] = []
        self._emit(account, view, alerts, proposals, at, outputs)
        if self._has_relatives(account) and live():
            outputs += self._tell_relatives(account, alerts, at, policy)
        return outputs

    def _wake(self, account: Account, day: int, at: str, live: bool, outputs: list[Output | Refusal]) -> None:
        """The account at the end of `day`: every figure, every trigger, the score and what follows from it."""
        policy = self._policy()
        if account.pulse.not_before is not None:
            account.pulse.not_before, account.pulse.changed = None, True
        bookkeeping.advance(account.ledger, day, policy, self.book.rates)
        judged_as = account.pulse.tier
        policy = policy.of(judged_as, account.ledger.industry)
        view = self._view(account, policy, day, event_id=None, tick=True)
        alerts = account.watch.tick(view, at, self.ids)
        scoring = limits.score(view)
        tier = limits.tier(view, scoring.grade, account.watch.conditions)
        proposals = account.desk.tick(view, account.watch, scoring, tier, self.ids)
        self._emit(account, view, alerts, proposals, at, outputs, scoring, tier)
        if live and self._has_relatives(account):
            outputs += self._tell_relatives(account, alerts, at, policy)
        self._count(account, view)
        # In another tier other numbers hold, and statements are demanded or are not.
        next_day = day + 1 if tier != judged_as else boundaries.next_day(account.ledger, day)
        if next_day > day + 1:  # the earliest there is
            next_day = min(
                next_day,
                account.signals.next_day(day, policy, self.book.rates),
                account.watch.next_day(view),
                account.desk.next_day(view, account.watch, scoring),
                limits.next_day(view, scoring),
            )
        self._sleep(account, next_day)

    def _emit(
        self,
        account: Account,
        view: View,
        alerts: list[AlertChange],
        proposals: list[ProposalChange],
        at: str,
        outputs: list[Output | Refusal],
        scoring: limits.Scoring | None = None,
        tier: Tier | None = None,
    ) -> None:
        """Alerts and proposals as they are, a snapshot beside them or when figures moved, the status when it moved."""
        tick = scoring is not None
        if scoring is None:
            scoring = limits.score(view)
        if tier is None:
            tier = limits.tier(view, scoring.grade, account.watch.conditions)
        policy_hash = self.book.policy_hash
        for change in alerts:
            body = alert_record(change, view, tier, policy_hash, ENGINE)
            ce_id = derived(self.ids, change.alert_id, change.number)
            outputs.append(Output("alerts", account.account_id, ce_id, ce_type("alerts", body), at, body))
        for proposal in proposals:
            body = proposal_record(proposal, view, policy_hash, ENGINE)
            ce_id = derived(self.ids, proposal.proposal_id, proposal.number)
            outputs.append(
                Output(
                    "limit-proposals", account.account_id, ce_id, ce_type("limit-proposals", body), at, body
                )
            )
        if self.observer is not None and (alerts or proposals):
            self.observer(account, view, alerts, proposals)
        pulse = account.pulse
        moved = zlib.crc32(_moving(view, scoring, tier))
        if alerts or proposals or (tick and moved != pulse.moved):
            if moved != pulse.moved:
                pulse.moved, pulse.changed = moved, True
            body = snapshot_record(view, scoring, tier)
            outputs.append(self._numbered("snapshots", account, view.today, body, at))
        status = limits.status(view, scoring.grade, tier, account.watch.worst_open())
        now, before = standing(view, tier, status, len(account.watch.open_alerts())), pulse.status
        if now != before and (tick or before is None or now._replace(headroom=before.headroom) != before):
            pulse.status, pulse.changed = now, True
            body = status_record(view, now)
            outputs.append(self._numbered("account-status", account, view.today, body, at))
        # An event moves what is told; the numbers of another tier hold from a tick on.
        if tick and pulse.tier != tier:
            pulse.tier, pulse.changed = tier, True

    def _has_relatives(self, account: Account) -> bool:
        return (
            account.ledger.parent_id is not None
            or account.pulse.linked is not None
            or account.signals.has_children
        )

    def _tell_relatives(
        self, account: Account, alerts: list[AlertChange], at: str, policy: Policy
    ) -> list[Output]:
        """A new parent is told of the child and of what is open there, the one before it that this is over; all
        relatives of the alerts that moved."""
        account_id, pulse, parent = account.account_id, account.pulse, account.ledger.parent_id
        least = policy.triggers.related_party_distress.their_severity
        known = pulse.linked
        out = relations.distress(
            self.ids, account_id, account.signals.children, known, alerts, least, at, pulse.left
        )
        if parent != known:
            still_open = account.watch.open_alerts()
            if known is not None:
                out += relations.parted(self.ids, account_id, known, still_open, least, at, pulse.left)
                pulse.left += 1
            if parent is not None:
                out.append(relations.link(self.ids, account_id, parent, at))
                out += relations.introduced(
                    self.ids, account_id, parent, parent, still_open, least, at, pulse.left
                )
            pulse.linked, pulse.changed = parent, True
        return out

    def _relay(self, account: Account, event: RelatedEvent, today: int, policy: Policy) -> list[Output]:
        """What a parent passes on: a child's distress to its siblings, and to a new child what it must know."""
        at = instant(event.occurred_at)
        if event.type != "related.linked":
            return relations.relayed(self.ids, event, account.signals, at)
        parent, child = account.account_id, event.related_account_id
        least = policy.triggers.related_party_distress.their_severity
        known = account.signals.distress_of_children(parent, today)
        return [
            *relations.introduced(self.ids, parent, child, parent, account.watch.open_alerts(), least, at),
            *relations.siblings(self.ids, parent, child, known, at),
        ]

    def _approve(
        self, account: Account, event: ProposalApproved, change: ProposalChange, policy: Policy, today: int
    ) -> ProposalChange:
        """A person's approval is a limit like one set by the seller, which waits for a rate where there is none; a hold
        leaves the limit where it is. Returns the change: where a later limit of the seller stands already, that one is
        effective."""
        if change.direction == "hold":
            return change
        ledger, us = account.ledger, microseconds(event.occurred_at)
        bookkeeping.set_limit(
            ledger,
            minor(event.limit, event.currency),
            event.currency,
            (us, event.event_id),
            today,
            policy,
            self.book.rates,
        )
        newest = ledger.limits[-1] if ledger.limits else None
        if newest is not None and (newest[0], newest[1]) > (us, event.event_id):
            return change._replace(effective_limit=limit_in(ledger, change.currency, self.book.rates, today))
        return change

    def _numbered(self, topic: str, account: Account, day: int, body: dict[str, Any], at: str) -> Output:
        """A record that repeats under one account and day: its id is made of both and a number."""
        ce_id = derived(self.ids, topic, account.account_id, day, account.pulse.next_number())
        return Output(topic, account.account_id, ce_id, ce_type(topic, body), at, body)

    def _view(
        self, account: Account, policy: Policy, today: int, *, event_id: str | None, tick: bool
    ) -> View:
        """What the rules may read; figures are measured when first asked for, which most events never do."""
        book = self.book
        return View(
            account.account_id,
            lambda: measure(account.ledger, today, policy, book.rates, tick),
            account.signals,
            account.ledger,
            policy,
            book.rates,
            today,
            event_id=event_id,
            book=self._book_totals(),
            tier=account.pulse.tier,
            events_behind=lambda figure: behind(account.ledger, today, policy, book.rates, figure),
        )

    def _book_totals(self) -> BookTotals | None:
        book = self.book
        made_of = book.book_exposure, book.book_accounts, book.book_as_of, book.policy_hash
        if self._totals[0] != made_of:
            self._totals = made_of, book.totals
        return self._totals[1]

    def _sleep(self, account: Account, day: int) -> None:
        if account.pulse.wake_on != day:
            account.pulse.wake_on, account.pulse.changed = day, True
        self.wakes.move(account.account_id, day)

    def _count(self, account: Account, view: View) -> None:
        """Keep the partition's part of the book's total: the account's exposure in base currency, 0 without a rate."""
        pulse, book = account.pulse, self.book
        exposure = view.figures.exposure_base or 0
        if exposure != pulse.counted:
            book.exposure += exposure - pulse.counted
            book.accounts += (exposure > 0) - (pulse.counted > 0)
            pulse.counted, pulse.changed = exposure, True

    def _book_report(self, as_of: int, at: str) -> Output:
        """What this partition owes the next tick: the sum that concentration is held against."""
        policy, book, day = self._policy(), self.book, iso(as_of)
        event_id = derived(self.ids, "book", self.partition, day)
        body = {
            "event_id": event_id,
            "type": "book.reported",
            "occurred_at": at,
            "source": "bellwether",
            "partition": self.partition,
            "as_of": day,
            "exposure": money_text(book.exposure, policy.base_currency),
            "accounts": book.accounts,
        }
        return Output("control", "", event_id, "book.reported", at, body)

    def _policy(self) -> Policy:
        policy = self.book.policy
        if policy is None:
            raise RuntimeError("no policy stands at the head of the journal partition")
        return policy

    def view(self, account: Account, day: int) -> View:
        """The account at the end of `day`, as a tick would judge it; of the first day that it is judged on, where `day` is
        before that. Changes nothing."""
        day = max(day, account.pulse.not_before or day)
        policy = self._policy().of(account.pulse.tier, account.ledger.industry)
        return self._view(account, policy, day, event_id=None, tick=True)

    def snapshot(self, account: Account, day: int) -> dict[str, Any]:
        """The account's snapshot as of the day of view(), as a tick would emit it. Changes nothing."""
        view = self.view(account, day)
        scoring = limits.score(view)
        return snapshot_record(view, scoring, limits.tier(view, scoring.grade, account.watch.conditions))


_EMITTED: Final = len(Figures._fields) - len(NOT_EMITTED)


def _moving(view: View, scoring: limits.Scoring, tier: str) -> bytes:
    """The figures of a snapshot without its day, as bytes to be compared: equal bytes, nothing moved."""
    return orjson.dumps((view.figures[1:_EMITTED], tuple(scoring), tier), default=tuple)


def _date_of(event: AccountEvent, policy: Policy) -> int:
    return local_day(microseconds(event.occurred_at), policy.time_zone)

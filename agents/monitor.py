"""The whole story: one journal partition, folded. An event changes one account; a day's tick wakes those with something due.

Nothing else decides. The order of records in the partition is the only order there is; what is emitted depends on it alone,
never on how records were batched, restored or repeated.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import UTC
from typing import Any, Final, Protocol
from uuid import UUID

import orjson

from agents import limits
from agents.account import Account, new
from agents.book import Book
from agents.desk import ProposalChange
from agents.ids import derived
from agents.ledger import LATE, REPEAT
from agents.measure import measure
from agents.policy import Policy
from agents.records import (
    Output,
    Refusal,
    alert_record,
    day_text,
    money_text,
    proposal_record,
    snapshot_record,
    status_record,
)
from agents.triggers import View
from agents.wakes import Wakes
from agents.watch import AlertChange
from schemas.events import ClockTicked, Event, PolicyAdopted

ENGINE: Final = "1"
"""The version of the rules in agents/: it goes into every output, and a change of any figure or decision raises it."""


class Accounts(Protocol):
    """Where the accounts of the partition are kept: a dict in a backtest, the states of a partition in a worker."""

    def get(self, account_id: str) -> Account | None: ...

    def put(self, account_id: str, account: Account) -> None: ...


class StepFailed(Exception):
    """A rule raised: a bug of ours, met on this account. The account may be half changed; its owner undoes it."""

    def __init__(self, account_id: str, error: Exception) -> None:
        super().__init__(f"{type(error).__name__}: {error}")
        self.account_id = account_id
        self.error = error


class Fold:
    """One journal partition. `book` and `accounts` are changed in place; the outputs are returned in their order."""

    __slots__ = ("accounts", "book", "ids", "partition", "wakes")

    def __init__(self, accounts: Accounts, wakes: Wakes, book: Book, partition: int, ids: UUID) -> None:
        self.accounts = accounts
        self.wakes = wakes
        self.book = book
        self.partition = partition
        self.ids = ids

    def adopt(self, event: PolicyAdopted) -> list[Refusal]:
        """A policy comes into force with the next record. A text that is no policy is refused; the old one stands."""
        try:
            self.book.adopt(event.text, event.hash)
        except ValueError as error:
            return [Refusal("dead-letters", "", f"policy {event.hash} is not adopted: {error}")]
        return []

    def event(self, event: Event) -> list[Output | Refusal]:
        """One event of one account. Raises StepFailed."""
        policy = self._policy()
        account_id: str = event.account_id
        account = self.accounts.get(account_id)
        fresh = account is None
        if account is None:
            account = new(account_id)
        book = self.book
        today = _date_of(event, policy) if book.day is None else book.day + 1
        try:
            outputs = self._step(account, event, today, policy)
        except Exception as error:
            raise StepFailed(account_id, error) from error
        if fresh and outputs and all(isinstance(output, Refusal) for output in outputs):
            return outputs
        self._sleep(account, 0 if book.day is None else today)
        self.accounts.put(account_id, account)
        return outputs

    def tick(
        self,
        event: ClockTicked,
        live: bool,
        budget: int,
        failed: Callable[[str], str | None] = lambda account_id: None,
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
            book.rates.add(as_of, event.rates)
            book.changed = True
        outputs: list[Output | Refusal] = []
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
                    self._wake(account_id, day, _instant(event), outputs)
                if book.sweep is not None:
                    book.sweep = account_id
            if woken >= budget and self._due(day):
                book.changed = True
                return outputs, woken, False
            book.day, book.sweep = day, None
            book.changed = True
        if live:
            outputs.append(self._book_report(as_of, _instant(event)))
        book.book_exposure, book.book_accounts = event.book_exposure, event.book_accounts
        return outputs, woken, True

    def _due(self, day: int) -> list[str]:
        sweep = self.book.sweep
        if sweep is None:
            return self.wakes.due(day)
        return [account_id for account_id in self.wakes.everyone() if account_id > sweep]

    # -- one account -------------------------------------------------------------------------------------------

    def _step(self, account: Account, event: Event, today: int, policy: Policy) -> list[Output | Refusal]:
        """Apply a fact or a decision, and what may be said of it at once; all judgement waits for the day's tick."""
        rates = self.book.rates
        kind: str = event.type
        at = _instant(event)
        alerts: list[AlertChange] = []
        proposals: list[ProposalChange] = []
        if kind in _LEDGER:
            applied = account.ledger.apply(event, today, policy, rates)
        elif kind in _SIGNALS:
            applied = account.signals.apply(event, today, policy)
        elif kind in _DECISIONS:
            alerts, proposals, refused = self._decide(account, event, today, policy)
            if refused:
                return [Refusal("dead-letters", account.account_id, refused)]
            applied = ""
        else:
            return [Refusal("dead-letters", account.account_id, f"type: {kind} is not for an account")]
        if applied == REPEAT:
            return []
        if applied == LATE:
            reason = "its invoice or payment was closed so long ago that it is folded into aggregates"
            return [Refusal("late", account.account_id, reason)]
        view = self._view(account, today, policy, at_tick=False)
        alerts += account.watch.at_once(view, kind, at, self.ids)
        if alerts or kind in _STATUS:
            proposals += account.desk.at_once(view, account.watch, at, self.ids)
        if not alerts and not proposals and kind not in _STATUS:
            return []
        outputs: list[Output | Refusal] = []
        self._emit(account, view, alerts, proposals, at, outputs, always=bool(alerts or proposals))
        return outputs

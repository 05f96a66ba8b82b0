"""The life of proposals: one at a time, escalated and expired by the clock, decided by people, never repeated blindly.

Source: domain section 5. What a limit should be is agents/limits.py; a decision's limit is set by agents/bookkeeping.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from agents import limits
from agents.facts import NEVER
from agents.ids import derived
from agents.ledger import Ledger
from agents.limits import APPROVERS, Draft, Scoring
from agents.policy import exact
from agents.rates import Rates
from agents.view import View
from agents.watch import OpenAlert, Watch
from schemas.events import ProposalDecision
from schemas.money import minor
from schemas.outputs import Tier

_PIECE: Final = "d.p"
_VERSION: Final = 2  # 1 knew nothing of the limit that a proposal was made for, nor of a decision's source
_REMEMBERED: Final = 20  # decisions that are remembered, the newest


class ProposalChange(NamedTuple):
    """One transition of one proposal: a record of credit.limit-proposals.v1. Money in minor units, days as ordinals.

    `number` counts the records of the proposal from 1. `effective_limit`: what was approved, else None; of a hold, and
    beside a later limit of the seller's, the limit as it stands.
    """

    proposal_id: str
    number: int
    as_of: int
    status: str  # proposed escalated approved rejected expired superseded
    direction: str
    current_limit: int | None
    proposed_limit: int
    currency: str | None
    score: float
    grade: str
    categories: dict[str, float | None]
    terms: dict[str, int | None]
    binding: str
    approver: str
    reasons: list[str]
    evidence: dict[str, Any]
    decided_by: str | None
    effective_limit: int | None
    expires_at: int


_PENDING: Final = (  # the fields of a waiting proposal, in the order in which they are kept
    "approver", "binding", "categories", "currency", "current", "direction", "escalated", "evidence", "grade",
    "number", "proposal_id", "proposed", "proposed_on", "reasons", "score", "terms", "stated",
)  # fmt: skip


class _Pending:
    """A proposal that waits for a person. `stated` is the limit that it was made for, as it was set: amount and currency."""

    __slots__ = _PENDING

    def __init__(self) -> None:
        self.proposal_id = ""
        self.number = 0
        self.direction = ""
        self.current: int | None = None
        self.proposed = 0
        self.currency: str | None = None
        self.score = 0.0
        self.grade = ""
        self.categories: dict[str, float | None] = {}
        self.terms: dict[str, int | None] = {}
        self.binding = ""
        self.approver = ""
        self.reasons: list[str] = []
        self.evidence: dict[str, Any] = {}
        self.proposed_on = 0
        self.escalated = False
        self.stated: list[Any] | None = None


class Desk:
    """The proposals of one account. Mutable, owned by it. Nothing is proposed before the policy goes live."""

    __slots__ = ("_decided", "_held", "_last", "_pending", "_rejected", "_sequence", "changed")

    def __init__(self) -> None:
        self._sequence = 0
        self._last = 0  # the day of the last proposal; 0 is long ago
        self._pending: _Pending | None = None
        # Direction -> what was rejected: grade, binding, proposed, grave alerts, current
        self._rejected: dict[str, list[Any]] = {}
        self._held: list[str] = []  # open alerts for which a hold waits, or was decided
        self._decided: list[list[str]] = []  # source and event id of decisions
        self.changed = False

    # --- proposing -----------------------------------------------------------------------------------------------

    def at_once(self, view: View, watch: Watch, ids: UUID) -> list[ProposalChange]:
        """With an event: a hold for an alert of severity 5 that has none yet. All else waits for the tick."""
        if view.history or watch.worst_open() < view.policy.limits.hold.severity:
            return []
        return self._hold(view, watch.open_alerts(), None, ids)

    def tick(self, view: View, watch: Watch, scoring: Scoring, tier: Tier, ids: UUID) -> list[ProposalChange]:
        """A day's tick: what waits grows older, and what the facts call for is proposed."""
        if view.history:
            return []
        alerts = watch.open_alerts()
        changes = self._age(view, alerts)
        rule = view.policy.limits
        if alerts and alerts[0].severity >= rule.hold.severity:
            return changes + self._hold(view, alerts, scoring, ids)
        today = view.today
        if self._pending is not None or today - self._last < rule.hysteresis_days:
            return changes
        draft = limits.propose(view, scoring, tier, alerts)
        if draft is None or _small(draft, rule.hysteresis_change) or self._was_rejected(draft, scoring, view):
            return changes
        return [*changes, self._propose(draft, scoring, view, ids)]

    def _hold(
        self, view: View, alerts: list[OpenAlert], scoring: Scoring | None, ids: UUID
    ) -> list[ProposalChange]:
        new = [
            alert
            for alert in alerts
            if alert.severity >= view.policy.limits.hold.severity and alert.alert_id not in self._held
        ]
        if not new:
            return []
        changes = []
        if self._pending is not None:
            if self._pending.direction == "hold":
                return []  # a person has a hold on the table already; rejected or expired, it answers nothing of these
            changes.append(self._end("superseded", view, None, None))
        held = [alert.alert_id for alert in alerts if alert.alert_id in self._held]
        self._held = [*held, *(alert.alert_id for alert in new)]
        scoring = scoring or limits.score(view)
        return [*changes, self._propose(limits.hold(view, scoring, new), scoring, view, ids)]

    def _propose(self, draft: Draft, scoring: Scoring, view: View, ids: UUID) -> ProposalChange:
        self._sequence += 1
        self._last = view.today
        pending = self._pending = _Pending()
        pending.proposal_id = derived(ids, "proposal", view.account_id, self._sequence)
        pending.direction = draft.direction
        pending.current = draft.current
        pending.proposed = draft.proposed
        pending.currency = view.figures.currency
        pending.score, pending.grade = scoring.score, scoring.grade
        pending.categories = scoring.categories
        pending.terms = draft.terms
        pending.binding = draft.binding
        pending.approver = draft.approver
        pending.reasons = draft.reasons
        pending.evidence = draft.evidence
        pending.proposed_on = view.today
        pending.stated = view.ledger.stated_limit
        if draft.approver == "auto":
            return self._end("approved", view, "policy", draft.proposed)
        return self._change("proposed", view, None, None)

    def _age(self, view: View, alerts: list[OpenAlert]) -> list[ProposalChange]:
        """Escalates after 14 days, expires after as many again; withdraws what no longer fits the facts."""
        pending, rule = self._pending, view.policy.limits
        if pending is None:
            return []
        generous = pending.proposed > (pending.current or 0)
        known = _grave(pending.evidence, view)
        if generous and any(a.severity >= rule.cut.severity and a.alert_id not in known for a in alerts):
            return [self._end("superseded", view, None, None)]
        if pending.direction == "hold" and not any(a.severity >= rule.hold.severity for a in alerts):
            return [self._end("superseded", view, None, None)]
        # Not by the limit in the account's currency: a limit set in another one moves with every rate.
        if pending.direction != "hold" and (
            view.ledger.closed
            or view.ledger.stated_limit != pending.stated
            or view.figures.currency != pending.currency
        ):
            return [self._end("superseded", view, None, None)]
        waited = view.today - pending.proposed_on
        if waited >= 2 * rule.escalate_days:
            if pending.direction == "hold":
                # Nobody has answered: while its alert is open it is proposed anew
                told = {alert["alert_id"] for alert in pending.evidence["alerts"]}
                self._held = [alert_id for alert_id in self._held if alert_id not in told]
            return [self._end("expired", view, None, None)]
        if waited >= rule.escalate_days and not pending.escalated:
            pending.escalated = True
            step = APPROVERS.index(pending.approver) + 1
            pending.approver = APPROVERS[min(step, len(APPROVERS) - 1)]
            return [self._change("escalated", view, None, None)]
        return []

    def _was_rejected(self, draft: Draft, scoring: Scoring, view: View) -> bool:
        """Whether a person rejected this before, and nothing new speaks for it.

        New evidence: another grade or binding term, a grave alert that was not open then, or by 10 % another limit that
        is proposed or that stands.
        """
        before = self._rejected.get(draft.direction)
        if before is None:
            return False
        grade, binding, proposed, alert_ids, current = before
        least = exact(view.policy.limits.hysteresis_change)
        return (
            not _moved(draft.proposed, proposed, least)
            and not _moved(draft.current or 0, current or 0, least)
            and grade == scoring.grade
            and binding == draft.binding
            and set(_grave(draft.evidence, view)) <= set(alert_ids)
        )

    def _end(self, status: str, view: View, by: str | None, effective: int | None) -> ProposalChange:
        change = self._change(status, view, by, effective)
        self._pending = None
        return change

    def _change(self, status: str, view: View, by: str | None, effective: int | None) -> ProposalChange:
        pending = self._pending
        assert pending is not None
        pending.number += 1
        self.changed = True
        return ProposalChange(
            proposal_id=pending.proposal_id,
            number=pending.number,
            as_of=view.today,
            status=status,
            direction=pending.direction,
            current_limit=pending.current,
            proposed_limit=pending.proposed,
            currency=pending.currency,
            score=pending.score,
            grade=pending.grade,
            categories=pending.categories,
            terms=pending.terms,
            binding=pending.binding,
            approver=pending.approver,
            reasons=pending.reasons,
            evidence=pending.evidence,
            decided_by=by,
            effective_limit=effective,
            expires_at=pending.proposed_on + 2 * view.policy.limits.escalate_days,
        )

    # --- what people decide --------------------------------------------------------------------------------------

    def decide(
        self, event: ProposalDecision, view: View, ids: UUID
    ) -> tuple[list[ProposalChange], str | None]:
        """proposal.approved or .rejected. Returns the change, or why it is refused, in one sentence.

        An approval needs a role at or above the proposal's approver, and at or above the one that the approved amount
        asks for where that is more than was proposed. Its limit is the caller's to set (bookkeeping.set_limit) when the
        change is `approved`. The same event again changes nothing and is not refused.
        """
        if [event.source, event.event_id] in self._decided:
            return [], None
        pending = self._pending
        if pending is None or pending.proposal_id != event.proposal_id:
            return [], self._not_waiting(event.proposal_id, view.account_id, ids)
        if event.type == "proposal.rejected":
            self._remember(event)
            grave = _grave(pending.evidence, view)
            self._rejected[pending.direction] = [
                pending.grade, pending.binding, pending.proposed, grave, pending.current,
            ]  # fmt: skip
            return [self._end("rejected", view, event.actor, None)], None
        stated = minor(event.limit, event.currency)
        amount = view.rates.convert(stated, event.currency, pending.currency or event.currency, view.today)
        needed = pending.approver
        if amount is None:
            needed = APPROVERS[-1]
        elif amount > pending.proposed:
            needed = max(needed, limits.approver_for(view, amount, pending.currency), key=_rank)
        if _rank(event.role) < _rank(needed):
            return [], f"role: {event.role} may not approve this limit; wanted {needed} or above"
        self._remember(event)
        # A hold leaves the limit where it stands, whatever the approval says: subscribers take over what is effective.
        if pending.direction == "hold":
            amount = limit_in(view.ledger, pending.currency, view.rates, view.today)
        return [self._end("approved", view, event.actor, amount)], None

    def _not_waiting(self, proposal_id: str, account_id: str, ids: UUID) -> str:
        once = any(
            proposal_id == derived(ids, "proposal", account_id, n) for n in range(1, self._sequence + 1)
        )
        why = "was decided already, superseded, or has expired" if once else "is none of this account's"
        now = "none waits" if self._pending is None else f"{self._pending.proposal_id} waits"
        return f"proposal_id: {proposal_id} {why}; {now} for a decision"

    def _remember(self, event: ProposalDecision) -> None:
        self._decided = [*self._decided, [event.source, event.event_id]][-_REMEMBERED:]

    # --- readers -------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> str | None:
        """The id of the proposal that waits for a person."""
        return None if self._pending is None else self._pending.proposal_id

    def next_day(self, view: View, watch: Watch, scoring: Scoring) -> int:
        """The next day on which the clock or a rate alone moves a proposal; NEVER when neither does."""
        rule, today = view.policy.limits, view.today
        days = [self._last + rule.hysteresis_days]
        if self._pending is not None:
            due = self._pending.proposed_on + rule.escalate_days
            days += [due, due + rule.escalate_days]
        elif not view.history and days[0] <= today:  # free to propose
            days.append(limits.next_draft(view, scoring, watch.open_alerts()))
        return min((day for day in days if day > today), default=NEVER)

    # --- pieces out and in ---------------------------------------------------------------------------------------

    def dump(self) -> dict[str, bytes | None]:
        """The piece, when it changed since the last dump."""
        if not self.changed:
            return {}
        self.changed = False
        pending = None if self._pending is None else [getattr(self._pending, n) for n in _PENDING]
        row = [_VERSION, self._sequence, self._last, self._rejected, self._held, self._decided, pending]
        return {_PIECE: orjson.dumps(row)}

    @classmethod
    def load(cls, pieces: Mapping[str, bytes]) -> Desk:
        """Raises ValueError for a version that this engine does not read."""
        desk = cls()
        if _PIECE in pieces:
            version, *rest = orjson.loads(pieces[_PIECE])
            if version not in (1, _VERSION):
                raise ValueError(f"{_PIECE} of version {version}: this engine reads versions 1 to {_VERSION}")
            desk._sequence, desk._last, desk._rejected, desk._held, desk._decided, pending = rest
            if version == 1:
                for row in [*desk._rejected.values(), *([] if pending is None else [pending])]:
                    row.append(None)
            if pending is not None:
                desk._pending = _Pending()
                for name, value in zip(_PENDING, pending, strict=True):
                    setattr(desk._pending, name, value)
        return desk


def limit_in(ledger: Ledger, currency: str | None, rates: Rates, today: int) -> int | None:
    """The newest limit in the currency of a proposal, which need not be the account's any more; None without a limit or a
    rate."""
    stated = ledger.stated_limit
    if stated is None or currency is None:
        return None
    amount, own = stated
    return rates.convert(amount, own, currency, today)


def _rank(role: str) -> int:
    return APPROVERS.index(role)


def _moved(now: int, then: int, least: Fraction) -> bool:
    return abs(now - then) >= least * max(then, 1)


def _small(draft: Draft, least: float) -> bool:
    current = draft.current
    return bool(current) and abs(draft.proposed - (current or 0)) < exact(least) * (current or 0)


def _grave(evidence: Mapping[str, Any], view: View) -> list[str]:
    """The alerts behind a proposal that are grave enough for a cut."""
    least = view.policy.limits.cut.severity
    return [alert["alert_id"] for alert in evidence["alerts"] if alert["severity"] >= least]

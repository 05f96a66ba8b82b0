"""The life of alerts: what holds becomes one open alert per trigger, escalates, clears, and rests before it returns.

Source: domain section 4. The conditions are in agents/triggers.py; what is proposed about them is agents/desk.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson

from agents.balances import exposure_at_most, exposure_now
from agents.facts import NEVER
from agents.ids import derived
from agents.ledger import Ledger
from agents.policy import Policy
from agents.policy_triggers import Alerts
from agents.rules_exposure import concentrates
from agents.rules_outside import filed_at_a_rate
from agents.triggers import AT_ONCE, BY_ID, TRIGGERS, Trigger, facts_on_file
from agents.view import NOTHING_KEPT, Firing, View
from schemas.events import AlertDecision

_PIECE: Final = "w.a"
_VERSION: Final = 1
_EVENTS_KEPT: Final = 50  # event ids that an alert's evidence carries at most, the newest
_DECISIONS_KEPT: Final = 20
_EXACT: Final = 1 - 1e-9  # 1.3 - 0.7 is 1.5 times 1.1 - 0.7, though not in floats
_FIELDS: Final = (  # of an alert, in the order in which they are kept
    "acknowledged_by", "alert_id", "cleared_on", "decisions", "distance", "episode", "event_ids", "first_tick",
    "history", "kept", "number", "open", "opened_at", "owner", "severity", "snoozed_until", "waits_until",
)  # fmt: skip


class AlertChange(NamedTuple):
    """One transition of one alert: a record of credit.alerts.v1. Days are ordinals; `opened_at` is RFC 3339.

    `number` counts the records of the alert from 1. `reason` says why it cleared, where the condition's end is not why.
    `kept`: the figures of its opening that it was held against; told to who explains it, in no record.
    """

    alert_id: str
    trigger: str
    number: int
    status: str  # opened escalated cleared acknowledged assigned snoozed
    severity: int
    title: str
    action: str
    as_of: int
    opened_at: str
    owner: str | None
    acknowledged_by: str | None
    snoozed_until: int | None
    history: bool
    metrics: dict[str, Any]
    thresholds: dict[str, Any]
    event_ids: list[str]
    reason: str | None = None
    kept: Mapping[str, float] = {}


class OpenAlert(NamedTuple):
    trigger: str
    alert_id: str
    severity: int


class Episode(NamedTuple):
    """Where one trigger of an account stands: its open alert, or what is remembered. Days are ordinals, 0 is none."""

    alert_id: str  # of the last alert, "" when there was none
    open: bool
    opened_at: str
    severity: int
    distance: float  # beyond the clear level, as last emitted
    first_tick: int  # of the ticks in a row at which the condition has held
    cleared_on: int
    waits_until: int
    snoozed_until: int | None
    kept: Mapping[str, float]
    superseded_by: str | None  # the open alert of a graver trigger, which takes this one's place


class _Alert:
    """One trigger of one account: the episode that is open, or what must be remembered of the last one."""

    __slots__ = _FIELDS

    def __init__(self) -> None:
        self.episode = 0
        self.alert_id = ""
        self.open = False
        self.severity = 0  # as last emitted
        self.distance = 0.0  # as last emitted
        self.number = 0
        self.opened_at = ""
        self.kept: dict[str, float] = {}
        self.owner: str | None = None
        self.acknowledged_by: str | None = None
        self.snoozed_until: int | None = None
        self.first_tick = 0  # of the ticks in a row at which the condition has held; 0: it does not hold
        self.cleared_on = 0
        self.waits_until = 0  # it holds, and the cooldown ends on this day; 0: it does not wait
        self.history = False  # opened before the policy went live, and not yet emitted again
        self.event_ids: list[str] = []
        self.decisions: list[list[str]] = []  # source and event id of what people decided about it

    def row(self) -> list[Any]:
        return [getattr(self, name) for name in _FIELDS]

    @classmethod
    def of(cls, row: list[Any]) -> _Alert:
        alert = cls()
        for name, value in zip(_FIELDS, row, strict=True):
            setattr(alert, name, value)
        return alert


def rests_until(cleared_on: int, severity: int, rule: Alerts) -> int:
    """The first day on which an alert of this severity, last cleared on that day (0: never), may open again."""
    if not cleared_on or severity == 5:
        return cleared_on
    return cleared_on + (rule.cooldown_days_low if severity <= 2 else rule.cooldown_days_mid)


class Watch:
    """The alerts of one account. Mutable, owned by it.

    `conditions`: the greatest severity among the judgement conditions that held at the last tick, by the figures of that
    day alone (no second tick asked for, no hysteresis, no kept baseline), so that it follows from the facts.
    """

    __slots__ = ("_alerts", "changed", "conditions")

    def __init__(self) -> None:
        self._alerts: dict[str, _Alert] = {}
        self.conditions = 0
        self.changed = False

    # --- evaluation ----------------------------------------------------------------------------------------------

    def tick(self, view: View, at: str, ids: UUID) -> list[AlertChange]:
        """A day's tick: every trigger is judged. `at` is the tick's instant, RFC 3339."""
        alerts = self._alerts
        silent = view.signals.empty
        facts = facts_on_file(view)
        changes: list[AlertChange] = []
        conditions = 0
        for trigger, trigger_id, fires, immediate, asks_signals, supersedes in _TABLE:
            alert = alerts.get(trigger_id)
            if alert is None and asks_signals and silent:
                continue
            kept = NOTHING_KEPT
            if immediate and asks_signals:
                firing = facts.get(trigger_id)
            else:
                if alert is not None or supersedes:
                    kept = self._kept_for(trigger, alert)
                if kept:
                    view.kept = kept
                    firing = fires(view)
                    view.kept = NOTHING_KEPT
                else:
                    firing = fires(view)
            if firing is None and alert is None:
                continue
            if not immediate:
                plain = fires(view) if kept else firing
                if plain is not None and plain.severity > conditions:
                    conditions = plain.severity
            changes += self._judge(trigger, firing, view, at, ids)
        if conditions != self.conditions:
            self.conditions = conditions
            self.changed = True
        if not view.history:
            changes += self._emit_again(changes, view)
        return changes

    def stirs(self, ledger: Ledger, kind: str, today: int, policy: Policy) -> bool:
        """Whether an event of type `kind`, which has been applied, gives at_once() anything to judge. Measures nothing."""
        triggers = AT_ONCE.get(kind)
        return triggers is not None and (bool(triggers) or self._over_limit_moves(ledger, today, policy))

    def at_once(self, view: View, kind: str, at: str, ids: UUID) -> list[AlertChange]:
        """An event of type `kind` has been applied: the facts (●) that it can have changed are judged.

        `at` is the event's occurred_at, RFC 3339. Measures nothing when nothing can have changed.
        """
        triggers = AT_ONCE.get(kind)
        if triggers is None:
            return []
        changes: list[AlertChange] = []
        if self._over_limit_moves(view.ledger, view.today, view.policy):
            trigger = BY_ID["over_limit"]
            changes += self._judge(trigger, trigger.fires(view), view, at, ids)
        for trigger in triggers:
            firing = trigger.fires(view)
            if firing is not None or trigger.id in self._alerts:
                changes += self._judge(trigger, firing, view, at, ids)
        return changes

    def _over_limit_moves(self, ledger: Ledger, today: int, policy: Policy) -> bool:
        """Whether over_limit can open, escalate or clear now: from the ledger's running totals, nothing measured."""
        limit = ledger.limit
        if not limit:
            return False
        rule = policy.triggers.over_limit
        alert = self._alerts.get("over_limit")
        if alert is None or not alert.open:
            if exposure_at_most(ledger, today) / limit <= rule.utilization:
                return False
            used = exposure_now(ledger, today) / limit
            return used > rule.utilization and (alert is None or today >= alert.waits_until)
        used = exposure_now(ledger, today) / limit
        growth = policy.alerts.escalation_growth
        return (
            used < rule.clear_utilization or used - rule.clear_utilization >= growth * alert.distance * _EXACT
        )

    def _kept_for(self, trigger: Trigger, alert: _Alert | None) -> Mapping[str, float]:
        """What the alert has kept; one that supersedes another starts from what that one keeps."""
        if not trigger.keeps:
            return NOTHING_KEPT
        if alert is not None and alert.kept:
            return alert.kept
        lesser = self._alerts.get(trigger.supersedes) if trigger.supersedes else None
        return lesser.kept if lesser is not None and lesser.open else NOTHING_KEPT

    def _judge(
        self, trigger: Trigger, firing: Firing | None, view: View, at: str, ids: UUID
    ) -> list[AlertChange]:
        """One trigger against what holds now: nothing, or its next transition."""
        alert = self._alerts.get(trigger.id)
        if alert is not None and alert.open:
            if firing is not None:
                return self._grow(trigger, alert, firing, view)
            view.kept = self._kept_for(trigger, alert)
            clear = trigger.clears(view)
            view.kept = NOTHING_KEPT
            return [self._clear(trigger, alert, view, None)] if clear else []
        if firing is None:
            if alert is not None and alert.first_tick:  # it waits only while it holds
                alert.first_tick = alert.waits_until = 0
                alert.kept = {}
                self.changed = True
                if not alert.episode:
                    del self._alerts[trigger.id]
            return []
        return self._hold(trigger, alert, firing, view, at, ids)

    def _hold(
        self, trigger: Trigger, alert: _Alert | None, firing: Firing, view: View, at: str, ids: UUID
    ) -> list[AlertChange]:
        """The condition holds and no alert is open: count the ticks, wait out the cooldown, or open."""
        if self._superseding(trigger) is not None:
            return []
        if alert is None:
            alert = self._alerts[trigger.id] = _Alert()
        today, rule = view.today, view.policy.alerts
        if not alert.first_tick:
            alert.first_tick = today
            if trigger.keeps_from_first_tick:
                self._keep(trigger, alert, view)
            self.changed = True
        if not trigger.immediate and today - alert.first_tick + 1 < rule.ticks_in_a_row:
            return []
        waits_until = rests_until(alert.cleared_on, firing.severity, rule)
        if today < waits_until:
            if alert.waits_until != waits_until:
                alert.waits_until = waits_until
                self.changed = True
            return []
        return self._open(trigger, alert, firing, view, at, ids)

    def _superseding(self, trigger: Trigger) -> str | None:
        """The trigger whose open alert takes the place of this one's."""
        for other in _SUPERSEDING:
            if other.supersedes == trigger.id:
                alert = self._alerts.get(other.id)
                if alert is not None and alert.open:
                    return other.id
        return None

    def _keep(self, trigger: Trigger, alert: _Alert, view: View) -> None:
        values = {name: getattr(view.figures, name) for name in trigger.keeps}
        alert.kept = {name: value for name, value in values.items() if value is not None} | {
            "today": view.today
        }

    def _open(
        self, trigger: Trigger, alert: _Alert, firing: Firing, view: View, at: str, ids: UUID
    ) -> list[AlertChange]:
        inherited = self._kept_for(trigger, None) if trigger.supersedes else NOTHING_KEPT
        alert.episode += 1
        alert.alert_id = derived(ids, "alert", view.account_id, trigger.id, alert.episode)
        alert.open = True
        alert.number = 0
        alert.opened_at = at
        alert.owner = view.ledger.owner
        alert.acknowledged_by = alert.snoozed_until = None
        alert.waits_until = alert.cleared_on = 0
        alert.history = view.history
        alert.event_ids = []
        alert.decisions = []
        if inherited:
            alert.kept = dict(inherited)
        elif trigger.keeps and not trigger.keeps_from_first_tick:
            self._keep(trigger, alert, view)
        alert.severity, alert.distance = firing
        changes = []
        if trigger.supersedes:
            lesser = self._alerts.get(trigger.supersedes)
            if lesser is not None and lesser.open:
                changes.append(self._clear(BY_ID[trigger.supersedes], lesser, view, "superseded"))
        changes.append(self._change(trigger, alert, view, "opened"))
        return changes

    def _grow(self, trigger: Trigger, alert: _Alert, firing: Firing, view: View) -> list[AlertChange]:
        """Escalates at a higher severity, or at 1.5 times the distance last emitted; that growth waits while snoozed."""
        graver = firing.severity > alert.severity
        grown = firing.distance > alert.distance and (
            firing.distance >= view.policy.alerts.escalation_growth * alert.distance * _EXACT
        )
        snoozed = alert.snoozed_until is not None and view.today <= alert.snoozed_until
        if not graver and (snoozed or not grown):
            return []
        alert.severity = max(alert.severity, firing.severity)
        alert.distance = firing.distance
        return [self._change(trigger, alert, view, "escalated")]

    def _clear(self, trigger: Trigger, alert: _Alert, view: View, reason: str | None) -> AlertChange:
        change = self._change(trigger, alert, view, "cleared", reason)
        alert.open = alert.history = False
        alert.cleared_on = view.today
        alert.first_tick = 0
        alert.kept = {}
        alert.event_ids = []
        return change

    def _emit_again(self, changes: list[AlertChange], view: View) -> list[AlertChange]:
        """The policy is live: what was opened before and is still open is emitted again as opened, once.

        An escalation of this very tick is told by that record.
        """
        again = []
        for trigger_id, alert in self._alerts.items():
            if alert.open and alert.history:
                alert.history = False
                told = [c for c in changes if c.alert_id == alert.alert_id]
                if told:
                    changes.remove(told[0])
                    alert.number -= 1
                again.append(self._change(BY_ID[trigger_id], alert, view, "opened"))
        return again

    def _change(
        self, trigger: Trigger, alert: _Alert, view: View, status: str, reason: str | None = None
    ) -> AlertChange:
        kept = view.kept = self._kept_for(trigger, alert)
        evidence = trigger.evidence(view)
        view.kept = NOTHING_KEPT
        new = [*evidence.event_ids, view.event_id] if view.event_id is not None else evidence.event_ids
        if status in _TOLD_BY_FACTS:
            alert.event_ids = list(dict.fromkeys([*alert.event_ids, *new]))[-_EVENTS_KEPT:]
        alert.number += 1
        self.changed = True
        return AlertChange(
            alert_id=alert.alert_id,
            trigger=trigger.id,
            number=alert.number,
            status=status,
            severity=alert.severity,
            title=trigger.title,
            action=trigger.action,
            as_of=view.today,
            opened_at=alert.opened_at,
            owner=alert.owner,
            acknowledged_by=alert.acknowledged_by,
            snoozed_until=alert.snoozed_until,
            history=view.history,
            metrics=evidence.metrics,
            thresholds=evidence.thresholds,
            event_ids=list(alert.event_ids),
            reason=reason,
            kept=kept,
        )

    # --- what people decide --------------------------------------------------------------------------------------

    def decide(self, event: AlertDecision, view: View) -> tuple[list[AlertChange], str | None]:
        """alert.acknowledged, .assigned or .snoozed. Returns the change, or why it is refused, in one sentence.

        Each may name an owner and a day until which the alert sleeps beside what it is for; both count.
        The same event again changes nothing and is not refused. The alert must be this account's, and open.
        """
        found = next((item for item in self._alerts.items() if item[1].alert_id == event.alert_id), None)
        if found is None:
            return (
                [],
                f"alert_id: this account has no alert {event.alert_id}, or has a newer one of its trigger",
            )
        trigger_id, alert = found
        if [event.source, event.event_id] in alert.decisions:
            return [], None
        if not alert.open:
            return [], f"alert_id: alert {event.alert_id} has cleared already"
        if event.type == "alert.acknowledged":
            alert.acknowledged_by = event.actor
        elif event.type == "alert.assigned":
            alert.owner = event.actor
        elif event.until is None:
            return [], "until: missing; a snooze needs the day until which it lasts"
        if event.owner is not None:
            alert.owner = event.owner
        if event.until is not None:
            alert.snoozed_until = event.until.toordinal()
        alert.decisions = [*alert.decisions, [event.source, event.event_id]][-_DECISIONS_KEPT:]
        return [self._change(BY_ID[trigger_id], alert, view, event.type.removeprefix("alert."))], None

    # --- readers -------------------------------------------------------------------------------------------------

    def open_alerts(self) -> list[OpenAlert]:
        """The open alerts, gravest first, then by trigger."""
        if not self._alerts:
            return []
        alerts = [
            OpenAlert(key, alert.alert_id, alert.severity)
            for key, alert in self._alerts.items()
            if alert.open
        ]
        alerts.sort(key=lambda alert: (-alert.severity, alert.trigger))
        return alerts

    def worst_open(self) -> int:
        """The greatest severity of an open alert; 0 without one."""
        worst = 0
        for alert in self._alerts.values():
            if alert.open and alert.severity > worst:
                worst = alert.severity
        return worst

    def episode(self, trigger: Trigger) -> Episode:
        """Where this trigger stands, for who explains it."""
        alert = self._alerts.get(trigger.id)
        superseding = self._superseding(trigger)
        kept = self._kept_for(trigger, alert)
        if alert is None:
            return Episode("", False, "", 0, 0.0, 0, 0, 0, None, kept, superseding)
        return Episode(
            alert.alert_id,
            alert.open,
            alert.opened_at,
            alert.severity,
            alert.distance,
            alert.first_tick,
            alert.cleared_on,
            alert.waits_until,
            alert.snoozed_until,
            kept,
            superseding,
        )

    def next_day(self, view: View) -> int:
        """The next day on which an alert can move although no figure does; NEVER when none can.

        Tomorrow where what others do moves it: the book's total a share of the book, a rate an amount in dispute or on
        file. A book that shrinks to a tenth within a day is noticed at the account's next look.
        """
        today = view.today
        if (
            concentrates(view)
            or (view.figures.disputed and view.ledger.currency != view.policy.base_currency)
            or filed_at_a_rate(view)
        ):
            return today + 1
        day = NEVER
        for trigger_id, alert in self._alerts.items():
            if not alert.open:
                if alert.waits_until > today:
                    day = min(day, alert.waits_until)
                elif alert.first_tick:
                    day = today + 1
            else:
                if alert.snoozed_until is not None and alert.snoozed_until >= today:
                    day = min(day, alert.snoozed_until + 1)
                if trigger_id == "concentration":
                    return today + 1
                if trigger_id == "statements_stale":
                    statement = view.signals.statement(today, view.policy)
                    if statement is not None:
                        growth = view.policy.alerts.escalation_growth
                        day = min(day, statement.period_end + ceil(growth * alert.distance * _EXACT))
                if trigger_id == "new_high_credit" and alert.kept:
                    day = min(day, int(alert.kept["today"]) + view.policy.figures.high_credit_days)
        first = view.figures.first_invoice_on
        if first is not None:
            history = first + view.policy.triggers.new_high_credit.history_days
            if history > today:
                day = min(day, history)
        return max(day, today + 1)

    # --- pieces out and in ---------------------------------------------------------------------------------------

    def dump(self) -> dict[str, bytes | None]:
        """The piece, when it changed since the last dump; None when there is nothing to remember."""
        if not self.changed:
            return {}
        self.changed = False
        if not self._alerts and not self.conditions:
            return {_PIECE: None}
        rows = {key: alert.row() for key, alert in self._alerts.items()}
        return {_PIECE: orjson.dumps([_VERSION, self.conditions, rows])}

    @classmethod
    def load(cls, pieces: Mapping[str, bytes]) -> Watch:
        """Raises ValueError for a version that this engine does not read."""
        watch = cls()
        if _PIECE in pieces:
            version, conditions, rows = orjson.loads(pieces[_PIECE])
            if version != _VERSION:
                raise ValueError(f"{_PIECE} of version {version}: this engine reads version {_VERSION}")
            watch.conditions = conditions
            watch._alerts = {key: _Alert.of(row) for key, row in rows.items()}
        return watch


_TABLE: Final = tuple((t, t.id, t.fires, t.immediate, t.asks_signals, t.supersedes) for t in TRIGGERS)
_SUPERSEDING: Final = tuple(trigger for trigger in TRIGGERS if trigger.supersedes)
_TOLD_BY_FACTS: Final = ("opened", "escalated", "cleared")

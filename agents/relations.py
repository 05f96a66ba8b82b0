"""What an account tells its relatives: a child links itself to its parent; distress goes to children and siblings.

Events of credit.accounts.v1, written live only (domain section 4). What relatives make of them: signals.py, rules_outside.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from agents.ids import derived
from agents.records import Output
from agents.signals import Distress, Signals
from agents.watch import AlertChange, OpenAlert
from schemas.events import RelatedEvent

SOURCE: Final = "bellwether"
RELAYED: Final = "bellwether/relay"
"""The source of what a parent passes on. It is never passed on again, whatever circles the links may form."""


def link(ids: UUID, child: str, parent: str, at: str) -> Output:
    """A child tells its parent. Told again, it is the same event."""
    return _message(ids, "related.linked", parent, child, at, SOURCE, {})


def distress(
    ids: UUID,
    account_id: str,
    children: Iterable[str],
    parent: str | None,
    changes: Iterable[AlertChange],
    least: int,
    at: str,
    stay: int,
) -> list[Output]:
    """What the alerts that moved say to the relatives: distress at severity `least` or above, and its end. `stay`: how
    many families the account had left before its parent's.

    A child that has moved away is told on, for it may come back; of another family's distress it takes no notice.
    """
    to = [(child, _family(account_id)) for child in children]
    if parent is not None:
        to.append((parent, _family(parent, stay)))
    messages = []
    for change in changes:
        if change.severity < least or change.history or change.status not in _SAYS:
            continue
        fields = {"alert_id": change.alert_id, "severity": change.severity}
        messages += [
            _message(
                ids, _SAYS[change.status], relative, account_id, at, SOURCE, fields | family, change.number,
            )
            for relative, family in to
        ]  # fmt: skip
    return messages


def introduced(
    ids: UUID,
    account_id: str,
    relative: str,
    parent: str,
    alerts: Iterable[OpenAlert],
    least: int,
    at: str,
    stay: int = 0,
) -> list[Output]:
    """What a relative that is new must be told: the alerts that are open already. `parent`: which of the two it is; `stay`:
    how many families a child had left before that one's."""
    return [
        _message(
            ids, "related.distressed", relative, account_id, at, SOURCE,
            {"alert_id": alert.alert_id, "severity": alert.severity} | _family(parent, stay), "introduced",
        )
        for alert in alerts
        if alert.severity >= least
    ]  # fmt: skip


def parted(
    ids: UUID, account_id: str, parent: str, alerts: Iterable[OpenAlert], least: int, at: str, stay: int
) -> list[Output]:
    """What a parent that is one no longer must be told, and passes on: that what is open there is not its family's.

    What has ended stays so: of a child that comes back, the next `stay` is told.
    """
    return [
        _message(
            ids, "related.recovered", parent, account_id, at, SOURCE,
            {"alert_id": alert.alert_id, "severity": alert.severity} | _family(parent, stay), "parted",
        )
        for alert in alerts
        if alert.severity >= least
    ]  # fmt: skip


def relayed(ids: UUID, event: RelatedEvent, signals: Signals, at: str) -> list[Output]:
    """What a parent passes on of a related.* event that came from a child: to the child's siblings."""
    parent, child = event.account_id, event.related_account_id
    if event.source == RELAYED or child not in signals.children:
        return []
    if event.type == "related.linked" or event.parent_id not in (parent, None):
        return []
    fields = {"alert_id": event.alert_id, "severity": event.severity} | _family(parent, event.stay)
    return [
        _message(ids, event.type, sibling, child, at, RELAYED, fields, event.event_id, parent)
        for sibling in signals.children
        if sibling != child
    ]


def siblings(ids: UUID, parent: str, child: str, distress: Iterable[Distress], at: str) -> list[Output]:
    """What a child that links itself must be told of its siblings."""
    return [
        _message(
            ids, "related.distressed", child, one.related_account_id, at, RELAYED,
            {"alert_id": one.alert_id, "severity": one.severity} | _family(parent, one.stay), "introduced",
        )
        for one in distress
        if one.related_account_id != child
    ]  # fmt: skip


def _family(parent: str, stay: int | None = None) -> dict[str, Any]:
    return {"parent_id": parent, "stay": stay} if stay else {"parent_id": parent}


def _message(
    ids: UUID, kind: str, to: str, about: str, at: str, source: str, fields: dict[str, Any], *parts: str | int
) -> Output:
    event_id = derived(ids, kind, to, about, *[str(value) for value in fields.values()], *parts)
    body = {
        "event_id": event_id,
        "type": kind,
        "account_id": to,
        "occurred_at": at,
        "source": source,
        "related_account_id": about,
    } | fields
    return Output("accounts", to, event_id, kind, at, body)


_SAYS: Final = {
    "opened": "related.distressed",
    "escalated": "related.distressed",
    "cleared": "related.recovered",
}

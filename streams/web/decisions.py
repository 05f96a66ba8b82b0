"""What people decide on the page, as events on credit.decisions.v1. The page judges form and role; the monitor decides.

Nothing is changed here: a limit counts when the monitor has taken the event from the journal.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import orjson

from agents.wording import instant
from schemas.events import Invalid, parse
from schemas.money import EXPONENTS
from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.errors import Refused
from streams.sending import NotTaken, Sender
from streams.settings import Settings
from streams.web.security import Person

SOURCE: Final = "bellwether-page"
PATIENCE: Final = 10.0  # seconds until Kafka must have taken it
KINDS: Final = {
    "approve": "proposal.approved",
    "reject": "proposal.rejected",
    "acknowledge": "alert.acknowledged",
    "assign": "alert.assigned",
    "snooze": "alert.snoozed",
}
"""What a person does -> the type of its event."""


def decision(
    kind: str, account_id: str, event_id: str, now: datetime, **fields: str | None
) -> dict[str, Any]:
    """One decision as an event, without the fields that are None. Raises schemas.events.Invalid, which names the field.

    `event_id` is the form's own: sent twice, it counts once.
    """
    event = {
        "event_id": event_id,
        "type": kind,
        "account_id": account_id,
        "occurred_at": instant(now),
        "source": SOURCE,
        **{name: value for name, value in fields.items() if value is not None},
    }
    parse(orjson.dumps(event))
    return event


class Decisions:
    """Writes decisions. Safe to call from many requests at once; the producer is made with the first of them."""

    def __init__(self, servers: Callable[[], str], settings: Settings) -> None:
        self._servers = servers
        self._settings = settings
        self._topic = settings.prefixed(TOPICS["decisions"].name)
        self._sender: Sender | None = None
        self._lock = threading.Lock()

    async def send(self, event: Mapping[str, Any]) -> None:
        """Returns once every in-sync replica has it. Raises Refused when Kafka does not take it; it may still come."""
        await asyncio.to_thread(self._send, event)

    def _send(self, event: Mapping[str, Any]) -> None:
        with self._lock:  # one at a time: people decide, and all_taken() waits for all that is under way
            if self._sender is None:
                self._sender = Sender(Kafka(self._servers(), self._settings.kafka_config), PATIENCE)
            try:
                self._sender.send(self._topic, orjson.dumps(event), str(event["account_id"]).encode())
                self._sender.all_taken()
            except NotTaken as why:
                self._sender = None  # it has ended for good: the next decision gets a new one
                raise Refused(f"Kafka did not take the decision ({why})") from why


class Declined(Exception):
    """A decision that the page does not pass on: an HTTP status and one sentence for the person."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def on_proposal(
    row: Mapping[str, Any],
    person: Person,
    action: str,
    event_id: str,
    now: datetime,
    limit: str | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    """The event for approve or reject of a proposal as the store has it. Raises Declined.

    Approving takes a role at or above the proposal's approver. That the proposal still waits, and that an amount above
    the proposed one needs no higher role, only the monitor knows for sure: it refuses with a reason.
    """
    if row["status"] not in ("proposed", "escalated"):
        raise Declined(409, f"This proposal is {row['status']} already.")
    fields: dict[str, str | None] = {
        "proposal_id": row["proposal_id"],
        "actor": person.name,
        "role": person.role,
    }
    if action == "approve":
        if not person.may(row["approver"]):
            raise Declined(
                403, f"Approving this takes the role {row['approver']} or above; yours is {person.role}."
            )
        if not row["currency"]:
            raise Declined(409, "The account's currency is not known yet, so no limit can be set.")
        given = _without_thousands((limit or "").strip(), row["currency"])
        amount = given or amount_text(row["proposed_limit"] or 0, row["currency"])
        fields |= {"limit": amount, "currency": row["currency"]}
    fields["note"] = (note or "").strip() or None
    return _event(KINDS[action], row["account_id"], event_id, now, fields)


def on_alert(
    row: Mapping[str, Any],
    person: Person,
    action: str,
    event_id: str,
    now: datetime,
    owner: str | None = None,
    until: str | None = None,
) -> dict[str, Any]:
    """The event for acknowledge, assign or snooze of an alert as the store has it. Raises Declined."""
    if row["status"] == "cleared":
        raise Declined(409, "This alert has cleared already.")
    fields: dict[str, str | None] = {"alert_id": row["alert_id"], "actor": person.name}
    if action == "assign":
        fields["owner"] = (owner or "").strip() or person.name
    elif action == "snooze":
        try:
            if date.fromisoformat(until or "") <= now.date():
                raise Declined(422, "Snooze until a day after today.")
        except ValueError:
            raise Declined(422, "Snooze until which day? Write it as YYYY-MM-DD.") from None
        fields["until"] = until
    return _event(KINDS[action], row["account_id"], event_id, now, fields)


_THOUSANDS: Final = re.compile(r"\d{1,3}(,\d{3})+(\.\d*)?")


def _without_thousands(limit: str, currency: str) -> str:
    """An amount as a person writes it, without commas between thousands. Raises Declined where a comma may be a decimal
    one: 7700,50 without its comma would be a hundred times as much."""
    if "," not in limit:
        return limit
    one_group = limit.count(",") == 1 and "." not in limit
    if not _THOUSANDS.fullmatch(limit) or (one_group and EXPONENTS.get(currency, 2) == 3):
        raise Declined(
            422, "Write the limit with a point before its decimals, for example 35000.00 or 35,000.00."
        )
    return limit.replace(",", "")


def _event(
    kind: str, account_id: str, event_id: str, now: datetime, fields: Mapping[str, str | None]
) -> dict[str, Any]:
    try:
        return decision(kind, account_id, event_id, now, **fields)
    except Invalid as error:
        raise Declined(422, f"That can not be sent: {error}") from error


def amount_text(value: Any, currency: str) -> str:
    """An amount of the store as the wire's decimal string, with the currency's decimals."""
    return f"{Decimal(str(value)):.{EXPONENTS.get(currency, 2)}f}"

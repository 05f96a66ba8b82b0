"""The control topic from outside the journal: reading what stands in it, writing ticks and policies. Decides nothing.

Whoever writes here (the intake worker that owns control, `bellwether tick`, `policy adopt`) uses these functions.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

import confluent_kafka as ck
import orjson

from agents.policy import Policy
from agents.policy_text import PolicyError, load_policy, policy_hash
from agents.wording import instant
from schemas.events import (
    CONTROL_TYPES,
    TOPIC_OF,
    BookReported,
    ClockTicked,
    Event,
    Invalid,
    PolicyAdopted,
    parse,
)
from schemas.topics import TOPICS
from streams.blocks import Kafka, patiently, watermarks
from streams.errors import Refused
from streams.sending import NotTaken, Sender
from streams.settings import Settings, policy_text

SOURCE = "bellwether"
AHEAD: Final = timedelta(days=2)  # contract: what is dated this far ahead of its Kafka timestamp is refused

_READ_SECONDS = 10.0  # until the topic's end must have been read
_TAKEN_SECONDS = 20.0  # until the broker must have taken what is written

_SILENT = (  # nobody is there, as opposed to a broker that says no
    ck.KafkaError._ALL_BROKERS_DOWN,
    ck.KafkaError._TRANSPORT,
    ck.KafkaError._RESOLVE,
    ck.KafkaError._TIMED_OUT,
)


def control_event(raw: bytes | None, sent_ms: int) -> Event:
    """The event of one control record, sent at so many milliseconds since 1970. Raises Invalid for what counts nowhere:
    intake makes it a dead letter, and whoever asks which day it is passes it over."""
    event = parse(raw)
    if event.type not in CONTROL_TYPES:
        raise Invalid(f"type: {event.type} belongs in {TOPICS[TOPIC_OF[event.type]].name}, not here")
    if isinstance(event, ClockTicked):
        sent = datetime.fromtimestamp(sent_ms / 1000, UTC).date()
        if event.as_of > sent + AHEAD:
            raise Invalid(
                f"as_of: {event.as_of} is more than 2 days after the record was sent; a day's tick is "
                "written when the day ends"
            )
    if isinstance(event, PolicyAdopted):
        try:
            _loaded(event.text)
        except PolicyError as error:
            raise Invalid(f"text: {error}") from None
    return event


@lru_cache(maxsize=2)
def _loaded(text: str) -> Policy:
    # The one in force is asked for each second, and a new one twice: when it is judged and when it is taken.
    return load_policy(text)


@dataclass(slots=True)
class Control:
    """What the control topic says so far; `offset` is the next one to read, `cut` whether some were gone before that."""

    offset: int = 0
    cut: bool = False
    policy_hash: str | None = None
    policy_text: str | None = None
    live_from: date | None = None  # as the adoption said it, in place of the policy's own
    first_policy_on: datetime | None = None
    last_tick: date | None = None
    reported_on: date | None = None  # the newest day of which a partition has reported its part of the book
    reported: dict[int, tuple[Decimal, int]] = field(default_factory=dict)  # its parts
    # Book totals up to this day are in the base currency of a policy before.
    in_other_base: date | None = None

    @property
    def policy(self) -> Policy | None:
        """The policy in force."""
        return None if self.policy_text is None else _loaded(self.policy_text)

    def take(self, raw: bytes | None, sent_ms: int) -> None:
        """Fold one control record; what is no valid one is left to intake, which makes it a dead letter."""
        try:
            event = control_event(raw, sent_ms)
        except Invalid:
            return
        if isinstance(event, PolicyAdopted):
            before = self.policy
            if before is not None and before.base_currency != _loaded(event.text).base_currency:
                # Reports up to the last tick are in the currency of before, also those that are still to come.
                self.reported_on, self.reported, self.in_other_base = None, {}, self.last_tick
            self.policy_hash, self.policy_text, self.live_from = event.hash, event.text, event.live_from
            if self.first_policy_on is None:
                self.first_policy_on = event.occurred_at
        elif isinstance(event, ClockTicked):
            self.last_tick = max(event.as_of, self.last_tick or event.as_of)
        elif isinstance(event, BookReported):
            day = event.as_of
            if self.reported_on is not None and day < self.reported_on:
                return
            if self.in_other_base is not None and day <= self.in_other_base:
                return
            if day != self.reported_on:
                self.reported_on, self.reported = day, {}
            self.reported[event.partition] = Decimal(event.exposure), event.accounts

    def book(self, partitions: int) -> tuple[str, int] | None:
        """(exposure in base currency, accounts) of the newest day that a partition has reported, once all have; else None."""
        if len(self.reported) != partitions:
            return None
        total = sum((exposure for exposure, _ in self.reported.values()), Decimal(0))
        return f"{total:f}", sum(accounts for _, accounts in self.reported.values())


class ControlReader:
    """Follows the control topic. `control` is what it said when it was last read."""

    def __init__(self, kafka: Kafka, settings: Settings) -> None:
        self.control = Control()
        self._servers = kafka.servers
        self._topic = settings.prefixed(TOPICS["control"].name)
        self._consumer = kafka.consumer(
            {
                "group.id": settings.prefixed("control-reader"),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
            }
        )

    def read(self) -> Control:
        """Everything up to the topic's end now. Raises Refused when it can not be read."""
        control, consumer, where = self.control, self._consumer, ck.TopicPartition(self._topic, 0)
        try:
            low, _ = patiently(watermarks, consumer, where, _READ_SECONDS)
            if low > control.offset:
                control.offset, control.cut = low, True
            consumer.assign([ck.TopicPartition(self._topic, 0, control.offset)])
            until = time.monotonic() + _READ_SECONDS
            while time.monotonic() < until:
                record: Any = consumer.poll(0.5)
                if record is None:
                    continue
                if record.error():
                    if record.error().code() == ck.KafkaError._PARTITION_EOF:
                        return control
                    raise Refused(f"cannot read {self._topic}: {record.error().str()}")
                control.take(record.value(), record.timestamp()[1])
                control.offset = record.offset() + 1
        except ck.KafkaException as error:
            if error.args[0].code() in _SILENT:
                raise Refused(
                    f"no Kafka answers at {self._servers} ({error.args[0].str()}): start it, or set BELLWETHER_BROKER"
                ) from error
            raise Refused(
                f"cannot read {self._topic} on {self._servers}: {error.args[0].str()}; "
                "run `bellwether topics --create`"
            ) from error
        raise Refused(
            f"{self._topic} was not read to its end within {_READ_SECONDS:.0f} s; is the broker {self._servers} well?"
        )

    def close(self) -> None:
        """Drop the connection."""
        self._consumer.close()


def read_control(kafka: Kafka, settings: Settings) -> Control:
    """What the control topic says now. Raises Refused when it can not be read."""
    kafka.partitions([settings.prefixed(TOPICS["control"].name)])
    reader = ControlReader(kafka, settings)
    try:
        return reader.read()
    finally:
        reader.close()


def not_in_force(control: Control, settings: Settings) -> str | None:
    """One sentence where the settings name a policy file and another policy stands: a file that was changed counts only
    once it is adopted. None where nothing is to be said, and before any policy stands."""
    if settings.policy is None or control.policy_hash is None:
        return None
    try:
        ours = policy_hash(policy_text(settings))
    except (Refused, PolicyError) as error:
        return f"policy {control.policy_hash} is in force, and the settings' file is no policy: {error}"
    if ours == control.policy_hash:
        return None
    return (
        f"policy {control.policy_hash} is in force, not {settings.policy} ({ours}): "
        f"`bellwether policy adopt {settings.policy}` puts that in force"
    )


def policy_adopted(text: str, policy_hash: str, engine: str, now: datetime) -> dict[str, Any]:
    """The event that puts a policy in force."""
    return {
        "event_id": f"policy-{policy_hash}-{now.strftime('%Y%m%dT%H%M%S')}",
        "type": "policy.adopted",
        "occurred_at": instant(now),
        "source": SOURCE,
        "hash": policy_hash,
        "text": text,
        "engine": engine,
    }


def clock_ticked(as_of: date, now: datetime, book: tuple[str, int] | None = None) -> dict[str, Any]:
    """The event that ends day `as_of`."""
    event: dict[str, Any] = {
        "event_id": f"tick-{as_of.isoformat()}",
        "type": "clock.ticked",
        "occurred_at": instant(now),
        "source": SOURCE,
        "as_of": as_of.isoformat(),
    }
    if book is not None:
        event["book_exposure"], event["book_accounts"] = book
    return event


def send_control(kafka: Kafka, settings: Settings, *events: Mapping[str, Any]) -> None:
    """Write control events, in order, and wait until the broker has them. Raises Refused when it does not."""
    topic = settings.prefixed(TOPICS["control"].name)
    sender = Sender(kafka, _TAKEN_SECONDS)
    try:
        for event in events:
            sender.send(topic, orjson.dumps(event), None, 0)
        sender.all_taken()
    except NotTaken as why:
        raise Refused(f"{topic} on {kafka.servers} did not take the record: {why}") from why


def day_to_tick(now: datetime, zone: ZoneInfo, control: Control) -> date | None:
    """The newest day that has ended in `zone` and has no tick yet; None while there is nothing to end.

    Before any tick the first day to end is the one on which the first policy was adopted: a live tick for an earlier day
    would shut out the backfill of that day and of all before it.
    """
    yesterday = now.astimezone(zone).date() - timedelta(days=1)
    if control.last_tick is not None:
        return yesterday if yesterday > control.last_tick else None
    if control.first_policy_on is None:
        return None
    return yesterday if yesterday >= control.first_policy_on.astimezone(zone).date() else None

"""The intake app: validates what sources send, keys it by account and appends it to the journal. Decides nothing.

What is not valid goes to dead-letters with its reason. Control records it copies to every journal partition, in order.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import confluent_kafka as ck
import faust
from structlog import get_logger

from agents.monitor import ENGINE
from agents.policy_text import PolicyError, policy_hash
from schemas.events import CONTROL_TYPES, TOPIC_OF, Invalid, parse
from schemas.topics import INPUTS, TOPICS
from streams.backlog import Backlog, Unread
from streams.blocks import Block, Kafka, patiently, watermarks
from streams.by_faust import app_when_asked
from streams.control import (
    AHEAD,
    ControlReader,
    clock_ticked,
    control_event,
    day_to_tick,
    not_in_force,
    policy_adopted,
    send_control,
)
from streams.dev.processes import kafka_servers
from streams.errors import Refused
from streams.health import AGAIN_SECONDS
from streams.letters import dead_letter
from streams.metrics import Key, Metrics, serve
from streams.murmur2 import partition_of
from streams.reading import beginning, read_topic
from streams.settings import Settings, policy_text, slot_name
from streams.transport import TOPIC, application
from streams.units import RelayUnit

OUTCOMES = ("accepted", "refused")
GROUP = "intake"
TRACE = 512  # bytes of a traceparent that is carried on; the standard's has 55
AGAIN = timedelta(seconds=AGAIN_SECONDS)
log = get_logger(__name__)


class Intake:
    """Copies blocks of source records to the journal. State: only what it takes to know whether control may go on.

    `standing()` tells whether a policy stands in every journal partition; `history_unread()` whether a backfill waits.
    Both ask the cluster, so they are called only while the answer can still change something.
    """

    def __init__(
        self,
        settings: Settings,
        partitions: int,
        standing: Callable[[], bool],
        history_unread: Callable[[], bool],
    ) -> None:
        self.partitions = partitions
        self.journal = settings.prefixed(TOPICS["journal"].name)
        self.dead_letters = settings.prefixed(TOPICS["dead-letters"].name)
        self.logical = {settings.prefixed(TOPICS[name].name): name for name in INPUTS}
        self._standing = standing
        self._history_unread = history_unread
        self._stands = False
        self._home = lru_cache(maxsize=200_000)(lambda key: partition_of(key, partitions))
        self.newest: dict[str, float] = {}  # feed -> seconds of the newest occurred_at that was accepted

    def take(self, block: Block) -> None:
        """Journal entries and dead letters for the records of one block; those that must wait are deferred."""
        source = self.logical[block.topic]
        if source == "control":
            self._take_control(block)
            return
        if not self._policy_stands():
            block.defer(0)
            return
        accepted = refused = 0
        last: Any = None  # event that was accepted
        history = source == "history"
        for record in block.records:
            try:
                event: Any = parse(record.value())
                kind = event.type
                if history:
                    if kind == "clock.ticked":
                        self._append(block, record, b"", block.partition)
                        accepted, last = accepted + 1, event
                        continue
                    if kind in CONTROL_TYPES:
                        raise Invalid(
                            f"type: {kind} does not belong in a backfill; send it to the control topic"
                        )
                    key = event.account_id.encode()
                    if self._home(key) != block.partition:
                        raise Invalid(
                            f"account {event.account_id} belongs in history partition {self._home(key)}, not "
                            f"{block.partition}: key the record by account_id with the murmur2 partitioner"
                        )
                    self._append(block, record, key, block.partition)
                else:
                    self._check(source, event, record)
                    self._append(block, record, event.account_id.encode(), -1)
                accepted, last = accepted + 1, event
            except Invalid as error:
                block.outputs.append((*dead_letter(self.dead_letters, record, str(error), "refused"), -1))
                refused += 1
        _count(block, source, accepted, refused)
        if last is not None:  # it stands for its block
            at = min(last.occurred_at.timestamp(), block.records[-1].timestamp()[1] / 1000)
            self.newest[source] = max(at, self.newest.get(source, at))

    def _check(self, source: str, event: Any, record: Any) -> None:
        if TOPIC_OF[event.type] != source:
            raise Invalid(f"type: {event.type} belongs in {TOPICS[TOPIC_OF[event.type]].name}, not here")
        sent = record.timestamp()[1] / 1000
        if event.occurred_at.timestamp() > sent + AHEAD.total_seconds():
            raise Invalid(
                f"occurred_at: {event.occurred_at.astimezone(UTC).isoformat()} is more than 2 days after the record was "
                "sent; check the clock and the time zone of the source"
            )

    def _take_control(self, block: Block) -> None:
        first = None if self._policy_stands() else _first_policy(block)
        if first is not None:  # whatever lies before it: in the journal the policy comes first
            self._to_all(block, block.records[first])
        for index, record in enumerate(block.records):
            if index == first:
                _count(block, "control", 1, 0)
                continue
            try:
                event = control_event(record.value(), record.timestamp()[1])
            except Invalid as error:
                block.outputs.append((*dead_letter(self.dead_letters, record, str(error), "refused"), -1))
                _count(block, "control", 0, 1)
                continue
            if event.type == "book.reported":
                continue  # the clock sums it up; it is no part of the journal
            stands = self._stands or first is not None
            waits = event.type == "clock.ticked" and (not stands or self._history_unread())
            if waits:
                block.defer(index)
                return
            self._to_all(block, record)
            _count(block, "control", 1, 0)

    def _to_all(self, block: Block, record: Any) -> None:
        for partition in range(self.partitions):
            self._append(block, record, b"", partition)

    def _append(self, block: Block, record: Any, key: bytes, partition: int) -> None:
        headers = [
            ("origin-topic", block.topic.encode()),
            ("origin-partition", b"%d" % record.partition()),
            ("origin-offset", b"%d" % record.offset()),
            ("origin-timestamp", b"%d" % record.timestamp()[1]),
        ]
        sent = record.headers()
        if sent:
            headers.extend(pair for pair in sent if pair[0] == "traceparent" and len(pair[1] or b"") <= TRACE)
        block.outputs.append((self.journal, key, record.value(), headers, partition))

    def _policy_stands(self) -> bool:
        if not self._stands:
            self._stands = self._standing()
        return self._stands


def _count(block: Block, source: str, accepted: int, refused: int) -> None:
    tally = block.tally
    for key, number in (
        (("bellwether_events_total", source, "accepted"), accepted),
        (("bellwether_events_total", source, "refused"), refused),
        (("bellwether_dead_letters_total", source, "refused"), refused),
    ):
        if number:
            tally[key] = tally.get(key, 0) + number


def _is_policy(record: Any) -> bool:
    try:
        return control_event(record.value(), record.timestamp()[1]).type == "policy.adopted"
    except Invalid:
        return False


def _first_policy(block: Block) -> int | None:
    """The place of the first policy in a block of control records."""
    for index, record in enumerate(block.records):
        if _is_policy(record):
            return index
    return None


# -- the app -------------------------------------------------------------------------------------------------------


class Cluster:
    """What intake asks of the cluster beside its own records: does a policy stand, is a backfill read, which day is it."""

    def __init__(self, kafka: Kafka, settings: Settings) -> None:
        self._kafka, self._settings = kafka, settings
        self._journal = settings.prefixed(TOPICS["journal"].name)
        self._history = settings.prefixed(TOPICS["history"].name)
        counts = kafka.partitions([self._journal, self._history])
        self.partitions = counts[self._journal]
        self._unread = Unread(kafka, settings.prefixed(GROUP), "reader")
        self._control: ControlReader | None = None
        self._backlog: Backlog | None = None
        self._waits_for: date | None = None  # the day whose end waits, once that is told
        self._told: tuple[str, datetime] | None = None  # why the clock waits, and when that was told last
        self._compared = False  # the settings' policy with the one in force, once
        self._asked = 0.0

    def standing(self) -> bool:
        """A policy is the first record of every journal partition, since nothing is copied before it.

        Offsets do not tell: a worker that died with the policy in its transaction leaves partitions that are not empty and
        hold no record that counts; and what somebody else wrote there is no policy. One whose beginning is gone had it.
        """
        parts = [ck.TopicPartition(self._journal, n, 0) for n in range(self.partitions)]
        ends = [(part, patiently(watermarks, self._unread.reader, part, 10)) for part in parts]
        return self._policy_in([part for part, (low, _) in ends if low == 0])

    def history_unread(self) -> bool:
        """Whether a backfill is under way: asked at most five times a second."""
        now = time.monotonic()
        if now < self._asked + 0.2:
            return True
        self._asked = now
        if self._unread.waits({(self._history, n): None for n in range(self.partitions)}):
            return True
        self._asked = 0.0
        return False

    def _adopted_before(self) -> bool:
        """Whether the journal shows that a policy was adopted. By a reader of its own: the clock has a thread of its own."""
        return beginning(self._kafka, self._journal, 0) > 0 or any(
            map(_is_policy, read_topic(self._kafka, self._journal, 0))
        )

    def _policy_in(self, parts: list[ck.TopicPartition]) -> bool:
        """Whether each of these partitions holds a committed policy. One that does not answer within 10 s is taken to
        hold none."""
        asked = {part.partition for part in parts}
        if not parts:
            return True
        reader = self._unread.reader
        reader.assign(parts)
        until = time.monotonic() + 10
        found = 0
        while asked and time.monotonic() < until:
            record: Any = reader.poll(0.5)
            if record is None or record.partition() not in asked:
                continue
            if record.error() is None:
                if not _is_policy(record):
                    continue
                found += 1
            elif record.error().code() != ck.KafkaError._PARTITION_EOF:
                continue
            asked.discard(record.partition())
        reader.unassign()
        return found == len(parts)

    def keep_time(self, now: datetime) -> None:
        """Adopt a policy where none stands, and end the days that are over. Called by the owner of control only.

        A day ends behind all that was sent before its end: after a pause it would overtake payments and approvals that came
        in time.
        """
        if self._control is None:
            self._control = ControlReader(self._kafka, self._settings)
        control = self._control.read()
        policy = control.policy
        if policy is None:
            gone = "the beginning of the control topic is gone" if control.cut else ""
            if not gone and self._adopted_before():
                gone = "the control topic was made anew, for the journal has a policy and it has none"
            if gone:
                raise Refused(
                    f"{gone}; the policy in force is gone with it: put it there again by `bellwether policy adopt FILE`; see "
                    "'Records are gone' in deploy/runbook.md"
                )
            text = policy_text(self._settings)
            event = policy_adopted(text, policy_hash(text), ENGINE, now)
            log.info("adopting the policy", hash=event["hash"])
            send_control(self._kafka, self._settings, event)
            return
        if not self._compared:
            self._compared = True
            if said := not_in_force(control, self._settings):
                log.warning("another policy", reason=said)
        zone = ZoneInfo(policy.time_zone)
        day = day_to_tick(now, zone, control)
        if day is None:
            return
        if self._backlog is None:
            self._backlog = Backlog(self._kafka, self._settings, GROUP)
        if self._backlog.of(datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)):
            if self._waits_for != day:
                self._waits_for = day
                log.warning(
                    "the clock waits", reason=f"what was sent before the end of {day} is not all read yet"
                )
            return
        log.info("the day is over", as_of=day.isoformat())
        send_control(self._kafka, self._settings, clock_ticked(day, now, control.book(self.partitions)))

    def clock_waits(self, reason: str | None, now: datetime) -> None:
        """Log why the clock waits, every five minutes while it is the same; None: it does not."""
        if reason is None:
            self._told = None
        elif self._told is None or self._told[0] != reason or now - self._told[1] >= AGAIN:
            self._told = reason, now
            log.warning("the clock waits", reason=reason)


def build(settings: Settings) -> faust.App:
    """The Faust app. Reads the cluster only when it is started."""
    kafka = Kafka(kafka_servers(settings), settings.kafka_config)
    topics = [settings.prefixed(TOPICS[name].name) for name in INPUTS]
    control = (settings.prefixed(TOPICS["control"].name), 0)
    held: list[RelayUnit] = []

    def unit() -> RelayUnit:
        held[:] = [
            RelayUnit(
                kafka,
                slot=slot_name(settings, "intake"),
                group=settings.prefixed(GROUP),
                topics=topics,
                marker=settings.prefixed(TOPICS["intake-marker"].name),
                outputs=[settings.prefixed(TOPICS[name].name) for name in ("journal", "dead-letters")],
            )
        ]
        return held[0]

    tools: list[tuple[Cluster, Intake]] = []

    def newest() -> Iterator[tuple[Key, float]]:
        for feed, days in settings.feed_days.items():
            yield ("bellwether_feed_limit_seconds", feed), days * 86_400
        for _, known in tools:
            for topic, at in known.newest.copy().items():
                yield ("bellwether_feed_newest_event_timestamp_seconds", topic), at

    metrics = Metrics("intake", settings, newest)
    metrics.expect(("bellwether_events_total", topic, said) for topic in INPUTS for said in OUTCOMES)
    metrics.expect(("bellwether_dead_letters_total", topic, "refused") for topic in INPUTS)
    serve(settings, metrics)
    app = application(settings.prefixed("intake"), unit, settings.data_dir / "faust" / "intake", metrics)
    inputs = app.topic(*topics, **TOPIC)

    def work() -> tuple[Cluster, Intake]:
        if not tools:
            cluster = Cluster(kafka, settings)
            tools.append(
                (cluster, Intake(settings, cluster.partitions, cluster.standing, cluster.history_unread))
            )
        return tools[0]

    @app.agent(inputs)
    async def intake(blocks: Any) -> None:
        async for block in blocks:
            with block:
                work()[1].take(block)

    keeping = asyncio.Lock()

    @app.timer(interval=1.0)  # type: ignore[untyped-decorator, unused-ignore]
    async def clock() -> None:
        if not held or control not in held[0].source.owned or keeping.locked():
            return
        async with keeping:
            now, reason = datetime.now(UTC), None
            try:
                await asyncio.get_running_loop().run_in_executor(None, work()[0].keep_time, now)
            except (Refused, PolicyError) as error:
                reason = str(error)
            except ck.KafkaException as error:
                reason = error.args[0].str()
            work()[0].clock_waits(reason, now)

    return app


__getattr__ = app_when_asked(globals(), build)  # for `faust -A streams.intake worker`

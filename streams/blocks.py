"""Blocks of records and the source they come from: groups, order, deferral and poison, the consumer's side of each unit.

Nothing here commits an offset, writes a record or keeps a state: that is for the units, which hold a `Source`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from types import TracebackType
from typing import Any, Protocol

import confluent_kafka as ck
import confluent_kafka.admin as ck_admin
import stamina
from structlog import get_logger

from streams.errors import Fatal, Refused

TP = tuple[str, int]  # topic and partition
Record = Any  # confluent_kafka.Message, whose stubs say that everything may be None
# Topic, key, value, headers, partition (-1: by key)
Outgoing = tuple[str, bytes | None, bytes | None, Any, int]

log = get_logger(__name__)

# A retry after CONCURRENT_TRANSACTIONS waits 100 ms by default, Nagle's algorithm 40: 42 ms a transaction, not 2. Who tries
# to connect again after 10 s alone, as by default, comes back too late for its session, and its commit is taken to hang.
QUICK = {
    "retry.backoff.ms": 2,
    "retry.backoff.max.ms": 10,
    "reconnect.backoff.max.ms": 1000,
    "socket.nagle.disable": True,
}
ANSWER_SECONDS = 10.0  # until a broker must have said which topics there are
PATIENCE_SECONDS = 60.0  # how long one thing may fail with a broker that answers before the process gives up
# How often librdkafka says how far the broker's logs reach, and when it last heard of it
STATISTICS_MS = 2000
REFRESH_MS = 30_000  # how often a consumer asks whether topics have more partitions
# Who does not poll for so long leaves the group, and comes back to what is still warm: after a restore or a commit that
# lasts. An agent may be at its blocks for 60 s, by the transport's watch. For as long the group waits for a member that is
# gone, where its broker has forgotten to watch it (one of 4.2 that was killed and starts again): so not much longer.
UNPOLLED_MS = 75_000
GIVE_UP_AFTER = 5  # a block that fails so often in a row, without a new poison, will never be applied


class Stopped(Exception):
    """Asked to stop while waiting for Kafka."""


class Unit(Protocol):
    """What the transport drives, in one thread: poll, apply, commit, poll, … until `stop`, then close."""

    source: Source
    # Seconds from `answered` on after which a commit hangs, and only the end of the process helps
    longest_answer: float

    @property
    def answered(self) -> float: ...

    def poll(self, timeout: float) -> list[Block]: ...

    def commit(self, blocks: list[Block]) -> bool: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def stats(self) -> dict[str, float]: ...


class _Log:
    """librdkafka's own messages, of each kind one in ten seconds: a broker that is away says so 20 times a second."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def log(self, level: int, _: str, facility: str, client: str, text: str) -> None:
        now = time.monotonic()
        if now - self._last.get(facility, -60.0) > 10:
            self._last[facility] = now
            (log.warning if level >= 30 else log.debug)("librdkafka", kind=facility, client=client, text=text)


@dataclass(frozen=True)
class Kafka:
    """Where Kafka is: host:port,host:port, and librdkafka settings (SASL, TLS) that all clients of ours are given."""

    servers: str
    config: Mapping[str, str] = field(default_factory=dict)

    def _settings(self, own: Mapping[str, object]) -> dict[str, Any]:
        return {"bootstrap.servers": self.servers, **QUICK, **self.config, **own, "logger": _Log()}

    def consumer(self, own: Mapping[str, object]) -> ck.Consumer:
        """A consumer; its own settings win over those passed through."""
        return ck.Consumer(self._settings(own))

    def reader(self, group: str) -> ck.Consumer:
        """A consumer for a look from outside, of the partitions that it is assigned: what is committed, up to their ends. It
        joins no group and commits nothing. Not to be left assigned: it fetches a hundred times a second."""
        return self.consumer(
            {
                "group.id": group,
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
                # By default a second without a fetch each time 100,000 records or 64 MB wait: a whole topic took seven times
                # as long, and a reader for each partition of a journal as many times 64 MB.
                "fetch.queue.backoff.ms": 5,
                "queued.max.messages.kbytes": 4096,
            }
        )

    def producer(self, own: Mapping[str, object]) -> ck.Producer:
        """A producer that sends a key where Java's producers send it (librdkafka's own default differs)."""
        # Copied input and dead letters are larger than what came by their headers: as much as their topics take.
        return ck.Producer(
            self._settings({"partitioner": "murmur2_random", "message.max.bytes": 2_097_152, **own})
        )

    def admin(self) -> ck_admin.AdminClient:
        """For questions about groups and topics."""
        return ck_admin.AdminClient(self._settings({}))

    def topics(self) -> dict[str, Any]:
        """What the cluster says of its topics. Refused when no broker answers, or it does not let us in."""
        heard: list[ck.KafkaError] = []
        probe = self.producer({"log_level": 0, "error_cb": heard.append})
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            try:
                return dict(probe.list_topics(timeout=1.0).topics)
            except ck.KafkaException as e:
                probe.poll(0)
                barred = [error for error in heard if error.code() in _BARRED]
                if barred:
                    raise Refused(
                        f"Kafka at {self.servers} does not let us in ({_said(barred[0])}): mend BELLWETHER_KAFKA_CONFIG"
                    ) from None
                if time.monotonic() > until:
                    why = _said(([error for error in heard if error.code() != _ALL_DOWN] or [e.args[0]])[-1])
                    raise Refused(
                        f"no Kafka answers at {self.servers} ({why}): start it, or set BELLWETHER_BROKER, and "
                        "BELLWETHER_KAFKA_CONFIG where it asks for TLS or a password"
                    ) from None

    def partitions(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions each topic has. Refused when no broker answers or a topic is missing."""
        known = self.topics()
        topics = list(topics)
        missing = sorted({t for t in topics if t not in known or known[t].error is not None})
        if missing:
            raise Refused(
                f"Kafka at {self.servers} has no topic {', '.join(missing)}: "
                "make what is missing with `bellwether topics --create`"
            )
        return {t: len(known[t].partitions) for t in topics}


_ALL_DOWN = ck.KafkaError._ALL_BROKERS_DOWN
_BARRED = (ck.KafkaError._AUTHENTICATION, ck.KafkaError._SSL)
# Which of librdkafka's connections said it, and when.
_THREAD = re.compile(r"^(?:\S+: )+|\s*\(after \d+ms.*\)$")


def _said(error: ck.KafkaError) -> str:
    return _THREAD.sub("", str(error.str()))


_CLOCK = tuple(
    str(ck.KafkaError(code).str()) for code in (ck.KafkaError.INVALID_TIMESTAMP, ck.KafkaError.INVALID_RECORD)
)


def not_taken(said: str) -> str:
    """Why Kafka did not take a record: its own words, and what they mostly mean where those do not tell what to mend."""
    if any(words in said for words in _CLOCK):
        return (
            f"{said}: mostly the clock of this machine is ahead of Kafka's, by more than the topic's "
            "message.timestamp.after.max.ms (an hour); set it right"
        )
    return said


def watermarks(consumer: Any, part: ck.TopicPartition, timeout: float) -> tuple[int, int]:
    """First offset and end of a partition, as `consumer` is told them: the last stable offset where it is read_committed.

    A broker that has just come may not know of a topic yet, and librdkafka believes it for minutes: then it asks anew.
    Raises KafkaException all the same, for whoever tries again.
    """
    try:
        low, high = consumer.get_watermark_offsets(part, timeout)
    except ck.KafkaException as error:
        if error.args[0].code() in _UNKNOWN:
            consumer.list_topics(part.topic, timeout)
        raise
    return low, high


_UNKNOWN = (ck.KafkaError._UNKNOWN_PARTITION, ck.KafkaError._UNKNOWN_TOPIC)


def patiently(call: Callable[..., Any], *args: Any) -> Any:
    """call(*args) from outside a unit, again while Kafka fails: a coordinator that moves or loads is no failure.

    Raises what Kafka said last when it goes on for longer than 15 seconds.
    """
    for attempt in stamina.retry_context(
        on=_passes, attempts=None, timeout=15.0, wait_initial=0.05, wait_max=1.0
    ):
        with attempt:
            return call(*args)
    raise AssertionError("not reached")


def _passes(error: Exception) -> bool:
    return isinstance(error, ck.KafkaException) and not error.args[0].fatal()


class Patience:
    """How long one thing may fail: `seconds` with a broker that answers `client`; while none does, as long as it takes."""

    def __init__(self, client: Any, seconds: float = PATIENCE_SECONDS) -> None:
        self._client, self._seconds = client, seconds
        self._until = time.monotonic() + seconds

    def over(self) -> bool:
        """Whether to give up now. Asks the broker, which may take two seconds, where the time is over."""
        if time.monotonic() <= self._until:
            return False
        try:
            self._client.list_topics(timeout=2)
        except ck.KafkaException as error:
            log.warning("waiting for a broker that answers", error=error.args[0].str())
            self._until = time.monotonic() + self._seconds
            return False
        return True


_look = methodcaller("headers")


def legible(record: Record) -> Record:
    """The record as it came, without its headers where a name among them is not UTF-8: to be asked before all else.

    confluent_kafka's first look at such headers returns something and raises, and what it gives at the second ends the
    interpreter. A plain call lets the error through, to break out anywhere later; methodcaller's is checked.
    """
    try:
        _look(record)
    except (SystemError, UnicodeDecodeError):
        record.set_headers([])
    return record


class Block:
    """Records of one topic and partition, in order, to be applied as a whole.

    `with block:` around what applies it says when it is past; what is raised in there undoes it, and it is read
    again. `states` is the `Partition` of a unit with states; `outputs` is for units without.

    What applying counts goes into `tally`, (metric, label values) -> number: it counts when the block is committed.

    Not guaranteed: that a record is applied once. After a doubt it is applied again; one application is committed.
    """

    __slots__ = (
        "_poisons",
        "again",
        "applied",
        "committed",
        "end",
        "error",
        "on_past",
        "outputs",
        "partition",
        "poisoned",
        "records",
        "states",
        "tally",
        "topic",
    )

    def __init__(
        self,
        topic: str,
        partition: int,
        records: list[Record],
        poisons: dict[tuple[int, str], str] | None = None,
    ) -> None:
        self.topic, self.partition, self.records = topic, partition, records
        self.end = len(records)  # records[end:] are deferred
        self.again = self.applied = self.committed = self.poisoned = False
        self.tally: dict[tuple[str, ...], int] = {}
        self.error: BaseException | None = None
        self.states: Any = None
        self.outputs: list[Outgoing] = []
        self.on_past: Callable[[], None] | None = None
        self._poisons = {} if poisons is None else poisons

    @property
    def next_offset(self) -> int:
        """The offset that a commit of this block writes: of the first deferred record, else past the last."""
        if self.end < len(self.records):
            return int(self.records[self.end].offset())
        return int(self.records[-1].offset()) + 1

    def defer(self, index: int, *, again: bool = False) -> None:
        """records[index:] are not part of this commit; they come first again at the next poll, before newer ones.

        again: at once (a tick that goes on in slices). Without it the next poll waits for its timeout or for other
        records, whichever is first (a record that must wait). States and outputs changed so far are committed.
        """
        if not 0 <= index <= len(self.records):
            raise IndexError(f"defer({index}) of a block of {len(self.records)} records")
        self.end, self.again = index, again

    def poison(self, offset: int, account_id: str, error: Exception) -> None:
        """Applying the record raised: this commit is undone, and `is_poison` knows the record when it comes again.

        The caller stops applying the block. account_id is "" where the record as a whole is at fault; a tick names
        the account, so that the others are still served by it in the second pass. Kept in memory only: another
        owner of the partition finds it out again.
        """
        if (offset, account_id) in self._poisons:
            self.error = error  # known, and applied all the same: a mistake of the caller
            return
        self._poisons[offset, account_id] = f"{type(error).__name__}: {error}"
        self.poisoned = True
        log.error("poison", topic=self.topic, partition=self.partition, offset=offset, exc_info=error)

    def is_poison(self, offset: int, account_id: str = "") -> str | None:
        """What this record raised (for this account) in an earlier pass: skip it, and write a dead letter."""
        return self._poisons.get((offset, account_id)) if self._poisons else None

    def __enter__(self) -> Block:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if exc is not None:
            self.error = exc
        self.applied = self.error is None and not self.poisoned
        if self.on_past:
            self.on_past()
        return isinstance(exc, Exception)  # the agent outlives it; unit and transport judge it


class Source:
    """One member of a consumer group: polls records into blocks, follows rebalances, keeps what was deferred.

    offsets_for(partitions) says where each of them goes on. It is called at an assignment and by `rewind`, in the
    polling thread, with what is ours from now on. A partition that it leaves out starts at the topic's first
    record. It may raise Fatal or Stopped, nothing else.

    A commit is the caller's: after each poll that returned blocks it calls `settle(blocks)` when all are committed,
    else `rewind()`, and they are read again from where offsets_for says. One thread calls everything but `stop`;
    rebalances happen inside `poll` only, so that they never meet a commit.
    """

    def __init__(
        self,
        kafka: Kafka,
        *,
        group: str,
        topics: Sequence[str],
        slot: str,
        offsets_for: Callable[[list[TP]], Mapping[TP, int]],
        session_ms: int = 6000,
        max_records: int = 5000,
    ) -> None:
        counts = kafka.partitions(topics)
        # Every partition of the topics, whoever owns it: those of the start, and what was ours since.
        self.inputs = frozenset((t, n) for t, count in counts.items() for n in range(count))
        self.owned: frozenset[TP] = frozenset()
        self.where: dict[TP, int] = {}  # offset of the next record to take from Kafka
        self.member: Any = None  # group metadata, pinned when partitions were assigned
        self.group, self.assignments = group, 0
        self.statistics = (
            time.monotonic(),
            "",
        )  # when librdkafka spoke of itself last, and what it said, as JSON
        self._offsets_for, self._max_records = offsets_for, max_records
        self._pending: dict[TP, list[Record]] = {}  # deferred, or beyond what a block holds
        self._poisons: dict[TP, dict[tuple[int, str], str]] = {}
        self._failures: dict[TP, int] = {}
        self._paused: set[TP] = set()
        self._again = self._handed_out = self._stopping = False
        self.consumer = kafka.consumer(
            {
                "group.id": group,
                "client.id": slot,
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "session.timeout.ms": session_ms,
                "heartbeat.interval.ms": max(300, session_ms // 5),
                "max.poll.interval.ms": UNPOLLED_MS,
                # range: partition n of every topic goes to one member, if all members subscribe to all topics
                "partition.assignment.strategy": "range",
                "queued.min.messages": 50_000,
                "fetch.queue.backoff.ms": 5,  # 1000 by default: a second without a fetch each time the queue was full
                # What comes is told at once. Only what is fetched anew after a seek or a pause waits for it; at 10 ms three
                # idle workers keep the broker busy with a thousand empty answers in three seconds.
                "fetch.wait.max.ms": 100,
                "fetch.error.backoff.ms": 20,
                "topic.metadata.refresh.interval.ms": REFRESH_MS,
                "statistics.interval.ms": STATISTICS_MS,
                "stats_cb": self._on_statistics,
            }
        )
        # Sees the high watermark; a read_committed handle is told the last stable offset instead.
        self.ends = kafka.consumer(
            {
                "group.id": group + "-ends",
                "isolation.level": "read_uncommitted",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
            }
        )
        self.consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def poll(self, timeout: float) -> list[Block]:
        """Blocks at hand, at most one a partition: what was deferred first, then what is new."""
        if self._handed_out:
            raise RuntimeError("poll before the blocks of the last poll were settled or rewound")
        self.check_stop()
        self._resume(self._paused - self._pending.keys())
        again, self._again = self._again, False
        first = self.consumer.poll(0 if again else timeout)
        if first is not None:
            self._take([first, *self.consumer.consume(self._max_records - 1, 0)])
        taken, self._pending = self._pending, {}
        blocks = []
        for tp, records in taken.items():
            if len(records) > self._max_records:
                self._pending[tp] = records[self._max_records :]
                records = records[: self._max_records]
                self._again = True
                if tp not in self._paused:
                    self._paused.add(tp)
                    self.consumer.pause([ck.TopicPartition(*tp)])
            blocks.append(Block(*tp, records, self._poisons.setdefault(tp, {})))
        self._handed_out = bool(blocks)
        return blocks

    def settle(self, blocks: list[Block]) -> None:
        """The blocks are committed, up to their next_offset: what was deferred comes first again."""
        self._handed_out = False
        for block in blocks:
            block.committed = True
            tp = (block.topic, block.partition)
            if block.end < len(block.records):
                self._pending[tp] = block.records[block.end :] + self._pending.get(tp, [])
                self._again |= block.again
            if poisons := self._poisons.get(tp):
                for key in [key for key in poisons if key[0] < block.next_offset]:
                    del poisons[key]
            self._failures.pop(tp, None)

    def rewind(self) -> None:
        """Some blocks are not committed: every owned partition goes back to where offsets_for says."""
        self._drop()
        self.where = self._positions()
        for (topic, partition), offset in self.where.items():
            there = ck.TopicPartition(topic, partition, offset)
            self.retry(f"seek in {topic}/{partition}", self.consumer.seek, there, seconds=10)

    def count_failures(self, blocks: list[Block]) -> None:
        """Fatal when a block has failed too often in a row, and not for a poison that was new, or at once by a Fatal."""
        for block in blocks:
            if isinstance(block.error, Fatal | Refused):
                raise block.error
            if block.applied or block.poisoned:
                continue
            tp = (block.topic, block.partition)
            failures = self._failures[tp] = self._failures.get(tp, 0) + 1
            trace = block.error if failures == 1 else None
            log.error(
                "block not applied", topic=tp[0], partition=tp[1], error=repr(block.error), exc_info=trace
            )
            if failures >= GIVE_UP_AFTER:
                raise Fatal(
                    f"records of {tp[0]}/{tp[1]} from offset {block.records[0].offset()} on failed {GIVE_UP_AFTER} "
                    f"times in a row, last with {type(block.error).__name__}: {block.error}"
                )

    def watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """First offset and high watermark; open transactions lie below the high watermark."""
        tp = ck.TopicPartition(topic, partition)
        low, high = self.retry(f"ends of {topic}/{partition}", watermarks, self.ends, tp, 5)
        return low, high

    def retry(
        self, what: str, call: Callable[..., Any], *args: Any, seconds: float = PATIENCE_SECONDS
    ) -> Any:
        """call(*args), again while Kafka fails; Fatal when it does so for too long, Stopped when asked to stop."""
        patience = Patience(self.ends, seconds)
        while True:
            try:
                return call(*args)
            except ck.KafkaException as e:
                if e.args[0].fatal() or patience.over():
                    raise Fatal(f"{what}: {e.args[0].str()}") from e
            self.check_stop()
            time.sleep(0.05)

    def check_stop(self) -> None:
        """Raises Stopped when asked to stop: called wherever Kafka is waited for."""
        if self._stopping:
            raise Stopped

    def stop(self) -> None:
        """From any thread: whatever waits for Kafka ends soon, with Stopped."""
        self._stopping = True

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self._stopping = True
        self.consumer.close()
        self.ends.close()

    def _take(self, fetched: list[Record]) -> None:
        where, pending = self.where, self._pending
        for m in fetched:
            if m.error() is not None:
                self._consumer_error(m)
                continue
            tp = (m.topic(), m.partition())
            offset = m.offset()
            if offset < where.get(tp, 1 << 62):  # not ours (any more), or taken before
                continue
            where[tp] = offset + 1
            if tp in pending:
                pending[tp].append(legible(m))
            else:
                pending[tp] = [legible(m)]

    def _positions(self) -> dict[TP, int]:
        tps = sorted(self.owned)
        known = self._offsets_for(tps) if tps else {}
        return {tp: known[tp] if tp in known else self.watermarks(*tp)[0] for tp in tps}

    def _drop(self) -> None:
        self._resume(self._paused)
        self._pending.clear()
        self._again = self._handed_out = False

    def _resume(self, tps: Iterable[TP]) -> None:
        for tp in list(tps):
            self.consumer.resume([ck.TopicPartition(*tp)])
            self._paused.discard(tp)

    def _on_assign(self, consumer: ck.Consumer, parts: list[ck.TopicPartition]) -> None:
        self.assignments += 1
        self._drop()
        self.owned = frozenset((p.topic, p.partition) for p in parts)
        self.inputs |= self.owned  # a topic may grow
        self._poisons = {tp: known for tp, known in self._poisons.items() if tp in self.owned}
        # Pinned: librdkafka's own view may move on (even to "no member", which an empty group lets commit) while we
        # still work on what this assignment gave us.
        self.member = consumer.consumer_group_metadata()
        self.where = self._positions()
        consumer.assign([ck.TopicPartition(*tp, offset) for tp, offset in self.where.items()])
        log.info("assigned", group=self.group, partitions=[f"{t}/{n}" for t, n in sorted(self.owned)])

    def _on_statistics(self, text: str) -> None:
        self.statistics = time.monotonic(), text

    def _on_revoke(self, consumer: ck.Consumer, _: list[ck.TopicPartition]) -> None:
        self._drop()
        self.owned, self.where = frozenset(), {}
        consumer.unassign()

    def _consumer_error(self, m: Record) -> None:
        error = m.error()
        if error.code() == ck.KafkaError._AUTO_OFFSET_RESET:
            raise Fatal(
                f"{m.topic()}/{m.partition()} does not reach back (or up) to the committed offset: its retention "
                f"deleted unread records, or the topic was made anew; see 'Records are gone' in deploy/runbook.md "
                f"({error.str()})"
            )
        if error.fatal() or error.code() == ck.KafkaError._FATAL:
            raise Fatal(f"consumer: {error.str()}")
        log.warning("consumer", error=error.str())  # librdkafka retries; _MAX_POLL_EXCEEDED ends in on_lost

"""A worker's slot: its transactional producer, and how it ends what the slot of a dead worker left open.

Exactly once as in Kafka Streams' v2: one producer a process, offsets and records in one transaction. No states here.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import confluent_kafka as ck
import confluent_kafka.admin as ck_admin
from structlog import get_logger

from streams.blocks import TP, Kafka, Patience, Source, Stopped, not_taken, watermarks
from streams.errors import Fatal

WHO = b"\0who"  # key of the record that names the slot: the first of a transaction in its marker partition
BEGUN = "begun"  # header beside the offsets there: of the next record a part is done, and its states are in this commit
STABLE_SECONDS = 0.4  # a healthy transaction is decided sooner; after that a dead worker is looked for
# For each of the three answers that a commit waits for: by then the broker has aborted the transaction.
ANSWER_SECONDS = 12.0
# From 2.10 on librdkafka may wait for ever for a group's coordinator that has died, whatever timeout it was given (its issues
# 5511 and 5456). Letting idle connections close wakes it, and makes commits of a quiet worker wait for seconds: worse than
# to leave the producer behind, in its thread, and to go on with another.
LEAVE_AFTER = ANSWER_SECONDS + 1
MOST_LEFT = 10  # producers that may be left behind at a time; a process with more begins anew
LONGEST_ANSWER = ANSWER_SECONDS + 8  # without any: something else hangs
LARGEST_RECORD = 64 << 20  # bytes before they are compressed; topics say how many may be left of them
TRIES = 3  # to end one transaction of a dead worker: more do not help
FENCES = 3  # how often in FENCE_SECONDS a worker that was taken for dead begins anew
FENCE_SECONDS = 600.0
DOUBTS = 20  # commits that fail in a row: about half a minute with a broker that answers

FENCED = {
    ck.KafkaError._FENCED,
    ck.KafkaError.PRODUCER_FENCED,
    ck.KafkaError.INVALID_PRODUCER_EPOCH,
}

Produce = Callable[..., None]  # (topic, value, key, partition=-1, headers=None)

log = get_logger(__name__)


class _LeftBehind(Exception):
    """The producer has not come back from a call, and is not waited for any longer."""


class Slot:
    """The transactional producer of one worker. Its name is unique among living processes.

    Who slept for longer than its transaction may last, or was cut off from the broker, finds itself fenced: it begins anew.
    Whoever finds that its name was taken by a process that lives gives up (Fatal): two namesakes that answered a fence with
    a new producer would fence each other for ever.
    """

    def __init__(self, kafka: Kafka, name: str, transaction_ms: int = 10_000) -> None:
        self.name, self._life = name, secrets.token_hex(4)
        self.broken = False  # the last commit is in doubt
        self._was_fenced = False  # … because the broker takes nothing more from this producer
        self._fences: list[float] = []  # when
        self.commits = self.doubts = self.fenced = 0
        self.commit_seconds = 0.0
        self.answered = 0.0  # when, on the monotonic clock, Kafka's client last came back within a commit
        self._kafka, self._transaction_ms = kafka, transaction_ms
        self._stopping, self._doubts_in_a_row = False, 0
        self._admin: ck_admin.AdminClient | None = None
        # Dead worker -> how often its transaction was ended since the offsets were stable.
        self._ended: dict[str, int] = {}
        self._caller = ThreadPoolExecutor(1, "transactions")
        self._left: list[Future[Any]] = []  # calls that have not come back
        self._producer: Any = None
        self.renew()

    def renew(self) -> None:
        """A new producer under the old name: what was open is aborted, what was being committed is finished."""
        self._producer = None  # the old handle goes first: one slot, one producer
        self._producer = self._new(self.name)
        patience = Patience(self._producer)
        while True:
            try:
                self._producer.init_transactions(2)
                break
            except ck.KafkaException as e:
                if not e.args[0].retriable() or patience.over():
                    raise Fatal(f"transactions of {self.name} can not begin: {e.args[0].str()}") from e
                if self._stopping:
                    raise Stopped from None
        self.broken = False

    def commit(
        self, write: Callable[[Produce], None], offsets: Mapping[TP, int], member: Any, token: str = ""
    ) -> bool:
        """One transaction: what write(produce) sends, and the offsets. False: in doubt, the slot is `broken`.

        Whatever is written, the offsets of the partitions it came from must be among `offsets`, moved or not: by them
        the broker checks the group's generation, so that a worker which lost a partition can not write for it.
        `token` is kept with them.

        The first thing that is written names the slot in the marker partition, so that another can end what we leave
        open. A broken slot needs `renew`; then the committed offsets tell what became of the transaction.
        """
        producer, began = self._producer, time.monotonic()

        def produce(
            topic: str, value: bytes | None, key: bytes | None, partition: int = -1, headers: Any = None
        ) -> None:
            try:
                producer.produce(topic, value, key, partition, headers=headers)
            except BufferError:
                self._answers()
                producer.flush(ANSWER_SECONDS)
                self._answers()
                producer.produce(topic, value, key, partition, headers=headers)

        try:
            producer.begin_transaction()
            write(produce)
            self._answers()
            producer.flush(ANSWER_SECONDS)  # so that whoever sees our offsets pending also sees who we are
            self._answers()
            if offsets:
                tps = [ck.TopicPartition(*tp, offset, token) for tp, offset in offsets.items()]
                self._call(producer.send_offsets_to_transaction, tps, member, ANSWER_SECONDS)
            self._answers()
            self._call(producer.commit_transaction, ANSWER_SECONDS)
        except (ck.KafkaException, BufferError, _LeftBehind) as e:
            error = self._reason(producer, e.args[0]) if isinstance(e, ck.KafkaException) else None
            self._was_fenced = error is not None and error.code() in FENCED
            self.broken = True
            self.doubts += 1
            self._doubts_in_a_row += 1
            said = not_taken(error.str()) if error else str(e)
            log.warning("commit in doubt", slot=self.name, error=said)
            if self._doubts_in_a_row >= DOUBTS:
                raise Fatal(f"{DOUBTS} commits failed in a row, the last with: {said}") from e
            time.sleep(min(1.0, 0.05 * (self._doubts_in_a_row - 1)))
            return False
        self._doubts_in_a_row = 0
        self.commits += 1
        self.commit_seconds += time.monotonic() - began
        return True

    def begin_anew(self, source: Source) -> None:
        """`renew`, after a commit in doubt. Fatal where the producer was fenced by a process that goes by its name, or is
        fenced again and again."""
        if self._was_fenced:
            now = time.monotonic()
            self._fences = [*(at for at in self._fences if now - at < FENCE_SECONDS), now]
            if len(self._fences) > FENCES or source.retry("namesakes", self._namesakes, source):
                raise Fatal(f"{self.name} was fenced: another process took its name, or its partitions")
            self._was_fenced = False
            log.warning("taken for dead, and its transaction ended: it begins anew", slot=self.name)
        self.renew()

    def _reason(self, producer: Any, error: Any) -> Any:
        """Why the broker takes nothing more: a producer that is asked to send after that says that it is so, and its
        transaction why."""
        if error.code() == ck.KafkaError._FATAL:
            try:
                self._call(producer.abort_transaction, ANSWER_SECONDS)
            except ck.KafkaException as e:
                return e.args[0]
            except _LeftBehind:
                pass
        return error

    def _answers(self) -> None:
        self.answered = time.monotonic()

    def _call(self, call: Callable[..., None], *args: Any) -> None:
        """A call of the producer that may hang, in a thread of its own.

        Raises _LeftBehind when it does: the producer must not be used again. What it still sends after that the broker
        refuses, because `renew` takes its name; its memory is given back when the call comes back, if ever.
        """
        done = self._caller.submit(call, *args)
        try:
            done.result(LEAVE_AFTER)
        except TimeoutError:
            self._caller.shutdown(wait=False)
            self._caller = ThreadPoolExecutor(1, "transactions")
            self._left = [one for one in (*self._left, done) if not one.done()]
            if len(self._left) > MOST_LEFT:
                raise Fatal(f"Kafka's client has not come back from {len(self._left)} commits") from None
            raise _LeftBehind(f"Kafka's client has not come back after {LEAVE_AFTER:g} s") from None

    def token(self) -> str:
        """A mark that no other commit bears, also not of an earlier life under this name: for the next commit."""
        return f"{self.name}/{self._life}/{self.commits + self.doubts}"

    def committed(self, source: Source, tps: list[TP], markers: Iterable[TP]) -> dict[TP, tuple[int, str]]:
        """The committed offsets of these partitions and the tokens kept with them (none where none is), once nothing
        that moves them is undecided.

        markers: the partitions in which writers of these offsets name themselves.
        """
        ask = [ck.TopicPartition(*tp) for tp in tps]
        patience = Patience(source.ends)
        while True:
            try:  # on a read_committed handle this asks for stable offsets, and waits while one is undecided
                got = source.consumer.committed(ask, STABLE_SECONDS)
                errors = [p.error for p in got if p.error is not None]
                if not errors:
                    self._ended.clear()
                    return {
                        (p.topic, p.partition): (p.offset, p.metadata or "") for p in got if p.offset >= 0
                    }
                log.warning("committed offsets", error=errors[0].str())
            except ck.KafkaException as e:
                if e.args[0].fatal() or patience.over():
                    raise Fatal(
                        f"committed offsets of {source.group}: {e.args[0].str()}{self._hanging()}"
                    ) from e
                self.end_dead(source, markers)
            source.check_stop()

    def end_dead(self, source: Source, markers: Iterable[TP]) -> None:
        """End the transactions that workers which are no longer in the group left open in these marker partitions.

        Without this all readers wait until the broker ends them: transaction.timeout.ms, and up to 10 s more. Never
        needed for correctness, and harmless to it: a writer that left the group and lives is a zombie, and begins anew.
        """
        names: set[str] = set()
        for topic, number in markers:
            here = ck.TopicPartition(topic, number)
            # The last stable offset: of the first record of the oldest open transaction.
            stable = source.retry(f"end of {topic}/{number}", watermarks, source.consumer, here, 5)[1]
            high = source.watermarks(topic, number)[1]
            if stable < high:
                names |= _writers(source.ends, ck.TopicPartition(topic, number, stable), high)
        names.discard(self.name)
        try:
            dead = names - set(self._members(source.group).values()) if names else names
        except ck.KafkaException as e:
            log.warning("members unknown", group=source.group, error=e.args[0].str())
            return
        for name in sorted(dead):
            if self._ended.get(name, 0) >= TRIES:
                continue
            try:
                self._new(name).init_transactions(5)
                self.fenced += 1
                self._ended[name] = self._ended.get(name, 0) + 1
                log.info("ended what a dead worker left open", dead=name, by=self.name)
            except ck.KafkaException as e:
                log.warning("could not end what a dead worker left open", dead=name, error=e.args[0].str())

    def _hanging(self) -> str:
        """What to say of transactions that stay open although the broker has ended them."""
        names = ", ".join(sorted(name for name, times in self._ended.items() if times >= TRIES))
        return (
            f"; the broker has ended the transaction of {names} and still holds it open (a hanging transaction, as Kafka "
            "4.3.0 and 4.3.1 make them when they start again): see BellwetherTransactionHangs in deploy/runbook.md"
            if names
            else ""
        )

    def stop(self) -> None:
        """From any thread: give up waiting for a broker that is away."""
        self._stopping = True

    def _new(self, name: str) -> ck.Producer:
        return self._kafka.producer(
            {
                "transactional.id": name,
                "transaction.timeout.ms": self._transaction_ms,
                "message.max.bytes": LARGEST_RECORD,
                "linger.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
                "compression.type": "lz4",
            }
        )

    def _namesakes(self, source: Source) -> bool:
        """Whether another process in the group has our slot."""
        ours = source.consumer.memberid()
        return any(
            slot == self.name and member != ours for member, slot in self._members(source.group).items()
        )

    def _members(self, group: str) -> dict[str, str]:
        """Member id -> slot of those that are in the group now: each member's client.id is its slot."""
        if self._admin is None:
            self._admin = self._kafka.admin()
        found = self._admin.describe_consumer_groups([group], request_timeout=5)[group].result()
        return {member.member_id: member.client_id for member in found.members}


def _writers(reader: ck.Consumer, start: ck.TopicPartition, high: int) -> set[str]:
    """The slots that named themselves from `start` up to the high watermark, committed or not."""
    names: set[str] = set()
    reader.assign([start])
    until = time.monotonic() + 2
    while time.monotonic() < until:
        m: Any = reader.poll(0.1)
        if m is None:
            continue
        if m.error() is not None:
            if m.error().code() == ck.KafkaError._PARTITION_EOF:
                break
            continue
        if m.key() == WHO:
            names.add(m.value().decode())
        if m.offset() >= high - 1:
            break
    reader.unassign()
    return names

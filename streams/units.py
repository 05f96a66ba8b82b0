"""The two commit units: with states (monitor), without (intake). Outputs, states and offsets leave in one transaction.

No Faust here, no meaning of a state or a record. At every return from `poll` and `commit` of the unit with states:

    the states of each partition == fold(step, its input up to partition.positions), and both are committed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import confluent_kafka as ck
from structlog import get_logger

from streams.blocks import TP, Block, Kafka, Source, watermarks
from streams.errors import Fatal, Refused
from streams.health import Waits
from streams.memory import at_hand
from streams.partition import Partition, Pieces
from streams.reading import read_topic
from streams.slot import BEGUN, LONGEST_ANSWER, STABLE_SECONDS, WHO, Produce, Slot

log = get_logger(__name__)


def lost(group: str) -> str:
    """What to say when the group has worked before, and its offsets are gone."""
    return (
        f"group {group} has no offsets any more, though it has worked before: Kafka drops them when no worker runs for longer "
        "than the cluster's offsets.retention.minutes, 7 days by default. Stop all workers; run `bellwether restore-offsets`"
    )


def moved(group: str, changelog: str, number: int, topic: str, offset: int, said: int | None) -> str:
    """What to say where the committed offset of a partition is not the one that its states belong to; `said`: theirs, None
    where no commit of them is left."""
    stands = f"group {group} stands at offset {offset} of {topic}/{number}"
    if said is None:
        return (
            f"{stands}, and of the states in {changelog}/{number} that belong to it nothing is left: the topic was emptied or "
            "made anew. Without them the fold would begin with empty accounts in the middle of the journal; stop all workers "
            "and fold it whole with `bellwether rebuild --into`, see 'States are gone' in deploy/runbook.md"
        )
    what = "folded twice" if offset < said else "left out"
    return (
        f"{stands}, and the states in {changelog}/{number} were committed at {said}: somebody has moved the offset, or Kafka "
        f"has lost a commit, and what lies between would be {what}. Stop all workers; "
        "`bellwether restore-offsets` puts it back"
    )


class _Seat:
    """A slot and its membership of the group: what both units stand on. After a commit that was undone, all starts again
    from what is committed."""

    __slots__ = ("_doubt", "slot", "source", "undone")

    def __init__(
        self,
        kafka: Kafka,
        slot: str,
        group: str,
        topics: Sequence[str],
        offsets_for: Callable[[list[TP]], Mapping[TP, int]],
        session_ms: int,
        transaction_ms: int,
        max_records: int,
    ) -> None:
        self.undone = 0
        self._doubt = False
        # Before joining: it ends what an earlier life of the slot left open.
        self.slot = Slot(kafka, slot, transaction_ms)
        self.source = Source(
            kafka,
            group=group,
            topics=topics,
            slot=slot,
            offsets_for=offsets_for,
            session_ms=session_ms,
            max_records=max_records,
        )

    def poll(self, timeout: float) -> list[Block]:
        if self._doubt:
            if self.slot.broken:
                self.slot.begin_anew(self.source)
            self.source.rewind()
            self._doubt = False
        return self.source.poll(timeout)

    def undo(self, blocks: list[Block]) -> None:
        self.undone += 1
        self._doubt = True
        self.source.count_failures(blocks)

    def stop(self) -> None:
        self.slot.stop()
        self.source.stop()

    def stats(self) -> dict[str, float]:
        return {
            "commits": self.slot.commits,
            "commit_seconds": self.slot.commit_seconds,
            "doubts": self.slot.doubts,
            "fenced": self.slot.fenced,
            "assignments": self.source.assignments,
            "undone": self.undone,
        }


class StatefulUnit:
    """States, outputs and offsets in one transaction: for an app that folds co-partitioned topics.

    load(account_id, pieces) -> state is called when the account is first touched. dump(state) -> {piece: bytes, or
    None to delete it} is called once a commit for each changed account, and tells what changed since the last call.
    on_restored(partition) is called in the polling thread with each partition that was restored (from nothing at the
    first start), before its first block.

    `memory`: bytes that the states may take; None is without a limit. Beyond it accounts are kept as their pieces alone. It
    is kept to between commits: what one commit touches comes on top.

    `outputs` names the topics that are written to, so that a missing one is refused at the start. Raises Refused at
    construction (no broker, topics missing or not co-partitioned), Fatal when this process can not go on, Stopped.
    """

    def __init__(
        self,
        kafka: Kafka,
        *,
        slot: str,
        group: str,
        topics: Sequence[str],
        changelog: str,
        load: Callable[[str, Pieces], Any],
        dump: Callable[[Any], Mapping[str, bytes | None]],
        outputs: Iterable[str] = (),
        on_restored: Callable[[Partition], None] | None = None,
        session_ms: int = 6000,
        transaction_ms: int = 10_000,
        max_records: int = 5000,
        memory: int | None = None,
    ) -> None:
        counts = kafka.partitions([*topics, changelog, *outputs])
        if len({counts[t] for t in (*topics, changelog)}) > 1:
            told = ", ".join(f"{t} has {counts[t]}" for t in (*topics, changelog))
            raise Refused(
                f"these topics of {kafka.servers} must have as many partitions as each other: {told}; "
                "see `bellwether topics`, and make the wrong one anew"
            )
        self.topics, self.changelog, self._count = tuple(topics), changelog, counts[changelog]
        self.partitions: dict[int, Partition] = {}  # owned, or owned until the last rebalance (kept warm)
        self.restored = self.warm = self.restoring = self.restored_records = 0
        self.restore_seconds = 0.0
        self._load, self._dump, self._on_restored = load, dump, on_restored
        self._memory = memory
        self._loads = 0  # of partitions that are ours no more
        self._seat = _Seat(
            kafka, slot, group, topics, self._offsets_for, session_ms, transaction_ms, max_records
        )
        self.slot, self.source = self._seat.slot, self._seat.source
        self.longest_answer = LONGEST_ANSWER
        self._restorer = kafka.consumer(
            {
                "group.id": group + "-restore",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 10,
                "fetch.error.backoff.ms": 20,
                "fetch.queue.backoff.ms": 5,
            }
        )
        # Connected now: a cold handle takes 0.5 to 1 s to its first record.
        self.source.retry("restore", watermarks, self._restorer, ck.TopicPartition(changelog, 0), 5)

    def poll(self, timeout: float) -> list[Block]:
        """Blocks at hand, with the states of their partition. Rebalances and restores happen in here."""
        blocks = self._seat.poll(timeout)
        for block in blocks:
            block.states = self.partitions[block.partition]
        return blocks

    def commit(self, blocks: list[Block]) -> bool:
        """Outputs, changed states and offsets of the blocks in one transaction. False: some are undone; poll again.

        A partition one of whose blocks was not applied is undone, and restored; the others are committed.
        """
        bad = {b.partition for b in blocks if not b.applied}
        good = [b for b in blocks if b.partition not in bad]
        touched = {b.partition: self.partitions[b.partition] for b in good}
        dirty = [part for part in touched.values() if part.changed or part.outputs]
        # A slice of a record moves states and no offset: the same offset is committed again, under a token of its own.
        offsets = {
            (b.topic, b.partition): b.next_offset for b in good if b.end or touched[b.partition] in dirty
        }
        token = self.slot.token()
        begun = {b.partition: [(BEGUN, "")] for b in good if b.again}

        def write(produce: Produce) -> None:
            for number, part in touched.items():
                # Beside the states, from where they go on: for streams/offsets.py and streams/audit.py.
                at = [(t, str(offsets.get((t, number), o))) for t, (o, _) in part.positions.items()]
                produce(self.changelog, self.slot.name.encode(), WHO, number, at + begun.get(number, []))
            for part in dirty:
                part.write(self.changelog, self._dump, produce)

        if offsets:
            if not self.slot.commit(write, offsets, self.source.member, token):
                bad |= touched.keys()
            else:
                for (topic, number), offset in offsets.items():
                    touched[number].positions[topic] = offset, token
                for part in dirty:
                    part.committed()
                self._keep_to_memory(dirty)
                for b in good:
                    b.committed = True
        if not bad:
            self.source.settle(blocks)
            return True
        for number in bad:
            self.partitions[number].positions = {}  # its states may be half changed: never take them for warm
        self._seat.undo(blocks)
        return False

    @property
    def answered(self) -> float:
        """When, on the monotonic clock, Kafka's client last came back within a commit."""
        return self.slot.answered

    def stop(self) -> None:
        """From any thread: whatever waits for Kafka ends soon, with Stopped."""
        self._seat.stop()

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self.source.close()
        self._restorer.close()

    def stats(self) -> dict[str, float]:
        """Counters since the start, for metrics."""
        parts = list(self.partitions.values())
        return {
            **self._seat.stats(),
            "restored": self.restored,
            "warm": self.warm,
            "restore_seconds": self.restore_seconds,
            "restoring": self.restoring,
            "restored_records": self.restored_records,
            "states": sum(part.held() for part in parts),
            "states_at_hand": sum(part.at_hand() for part in parts),
            "state_loads": self._loads + sum(part.loads for part in parts),
            "state_bytes": sum(part.bytes_held for part in parts),
        }

    def _offsets_for(self, tps: list[TP]) -> dict[TP, int]:
        """Brings the partitions to what is committed. The order is the proof: offsets, high watermark, then read."""
        numbers = sorted({n for _, n in tps})
        if numbers[-1] >= self._count:
            raise Fatal(
                f"{self.topics[0]} has more partitions than at the start, and may not: accounts would change their partition. "
                "Stop all workers; see 'More partitions' in deploy/runbook.md"
            )
        if len(tps) != len(numbers) * len(self.topics):
            raise Fatal(f"partitions of {', '.join(self.topics)} do not come together: {tps}")
        committed = self.slot.committed(self.source, tps, [(self.changelog, n) for n in numbers])  # 1.
        found = {tp: committed[tp] if tp in committed else (self.source.watermarks(*tp)[0], "") for tp in tps}
        cold = []
        for n in numbers:
            positions = {t: found[t, n] for t in self.topics}
            old = self.partitions.get(n)
            if old is not None and old.positions == positions and not old.changed:
                self.warm += 1  # nobody committed since, and nothing was left half done: as good as restored
            else:
                self._forget(n)
                self.partitions[n] = Partition(n, positions, self._load)
                cold.append(n)
        for n in self.partitions.keys() - set(numbers):
            self._forget(n)
        if cold:
            self._restore(cold)  # 2. and 3.
        if any(self.partitions[n].pieces and (t, n) not in committed for n in cold for t in self.topics):
            raise Fatal(lost(self.source.group))
        for (t, n), (offset, _) in committed.items():
            if n in cold:
                said = self.partitions[n].said
                named = None if said is None else said.get(t, offset)
                if named != offset:  # though one transaction wrote both
                    raise Fatal(moved(self.source.group, self.changelog, n, t, offset, named))
        return {tp: offset for tp, (offset, _) in found.items()}

    def _keep_to_memory(self, parts: Iterable[Partition]) -> None:
        if self._memory is not None:
            most = at_hand(self._memory, self.partitions.values())
            for part in parts:
                part.most = most
                part.lay_aside()

    def _forget(self, number: int) -> None:
        part = self.partitions.pop(number, None)
        if part is not None:
            self._loads += part.loads

    def _restore(self, numbers: list[int]) -> None:
        began = time.monotonic()
        self.restoring = len(numbers)
        missing = {}  # partition -> high watermark
        for n in numbers:
            low, high = self.source.watermarks(self.changelog, n)
            if high > low:
                missing[n] = high
        self._restorer.assign([ck.TopicPartition(self.changelog, n, ck.OFFSET_BEGINNING) for n in missing])
        read, waits = time.monotonic(), Waits()
        patience = read + STABLE_SECONDS
        count = 0
        while missing:
            self.source.check_stop()
            if time.monotonic() > patience:
                self.slot.end_dead(self.source, [(self.changelog, n) for n in missing])
                self.slot.answered = now = time.monotonic()  # it asked Kafka where the partitions end
                patience = now + 2
                if waits.due(now - read):
                    log.warning(
                        "a transaction is open among the states, waiting",
                        topic=self.changelog,
                        partitions=sorted(missing),
                        seconds=round(now - read),
                        look="BellwetherTransactionHangs in deploy/runbook.md",
                    )
            first: Any = self._restorer.poll(0.05)
            if first is None:
                continue
            for m in (first, *self._restorer.consume(10000, 0)):
                error = m.error()
                if error is None:
                    self.partitions[m.partition()].remember(m)
                    count += 1
                    self.restored_records += 1
                elif error.code() == ck.KafkaError._PARTITION_EOF:
                    # The end of the *stable* log: below the high watermark a transaction is open, so wait for it.
                    if m.offset() >= missing.get(m.partition(), 0):
                        missing.pop(m.partition(), None)
                    continue
                else:
                    log.warning("restore", error=error.str())
                    continue
                read = time.monotonic()
                patience = read + STABLE_SECONDS
        self._restorer.unassign()
        for n in numbers:
            if self._on_restored:
                self._on_restored(self.partitions[n])
        self._keep_to_memory(self.partitions[n] for n in numbers)
        self.restoring = 0
        seconds = time.monotonic() - began
        self.restored += len(numbers)
        self.restore_seconds += seconds
        log.info("restored", partitions=numbers, records=count, seconds=round(seconds, 3))


class RelayUnit:
    """Outputs and offsets in one transaction, no states: for an app that copies topics with any partition counts.

    Blocks carry their outputs. `marker` is a topic of one partition in which each transaction names its slot, so that
    another worker of the group can end at once what a dead one left open. Raises as `StatefulUnit` does.
    """

    def __init__(
        self,
        kafka: Kafka,
        *,
        slot: str,
        group: str,
        topics: Sequence[str],
        marker: str,
        outputs: Iterable[str] = (),
        session_ms: int = 6000,
        transaction_ms: int = 10_000,
        max_records: int = 5000,
    ) -> None:
        kafka.partitions([*topics, marker, *outputs])
        self.marker, self._kafka = marker, kafka
        self._seat = _Seat(
            kafka, slot, group, topics, self._offsets_for, session_ms, transaction_ms, max_records
        )
        self.slot, self.source = self._seat.slot, self._seat.source
        self.longest_answer = LONGEST_ANSWER

    def poll(self, timeout: float) -> list[Block]:
        """Blocks at hand. Rebalances happen in here."""
        return self._seat.poll(timeout)

    def commit(self, blocks: list[Block]) -> bool:
        """Outputs and offsets of the applied blocks in one transaction. False: some are undone; poll again."""
        good = [b for b in blocks if b.applied]
        offsets = {(b.topic, b.partition): b.next_offset for b in good if b.end or b.outputs}

        def write(produce: Produce) -> None:
            produce(self.marker, self.slot.name.encode(), WHO, 0)
            for block in good:
                for topic, key, value, headers, partition in block.outputs:
                    produce(topic, value, key, partition, headers)

        done = True
        if offsets:
            done = self.slot.commit(write, offsets, self.source.member)
            for b in good:
                b.committed = done
        if done and len(good) == len(blocks):
            self.source.settle(blocks)
            return True
        self._seat.undo(blocks)
        return False

    @property
    def answered(self) -> float:
        """When, on the monotonic clock, Kafka's client last came back within a commit."""
        return self.slot.answered

    def stop(self) -> None:
        """From any thread: whatever waits for Kafka ends soon, with Stopped."""
        self._seat.stop()

    def close(self) -> None:
        """Leave the group, so that others take over at once."""
        self.source.close()

    def stats(self) -> dict[str, float]:
        """Counters since the start, for metrics."""
        return self._seat.stats()

    def _offsets_for(self, tps: list[TP]) -> dict[TP, int]:
        """What is committed, once nobody who is dead holds up our outputs' readers or our offsets."""
        high = self.source.watermarks(self.marker, 0)[1]
        here = ck.TopicPartition(self.marker, 0)
        until = time.monotonic() + STABLE_SECONDS
        while self.source.retry("marker", watermarks, self.source.consumer, here, 5)[1] < high:
            if time.monotonic() > until:  # undecided for longer than a living worker's transaction takes
                self.slot.end_dead(self.source, [(self.marker, 0)])
                break
            self.source.check_stop()
            time.sleep(0.01)
        markers = [(self.marker, 0)]
        committed = self.slot.committed(self.source, tps, markers)
        # In this order: who has just begun writes the marker with its first offsets.
        worked = not committed and high > 0 and any(read_topic(self._kafka, self.marker, 0))
        if worked and not self.slot.committed(self.source, sorted(self.source.inputs), markers):
            raise Fatal(lost(self.source.group))
        return {tp: offset for tp, (offset, _) in committed.items()}

"""How far the groups are behind: records that a group has not committed yet. Read from outside, nothing is changed.

A transaction ends with a marker that is no record, so the difference of two offsets is not a count: near the end of a
topic the records are looked at.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import confluent_kafka as ck
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined, unused-ignore]

from schemas.topics import SOURCES, TOPICS
from streams.blocks import TP, Kafka, patiently, watermarks
from streams.settings import Settings

READS = {
    "intake": ("history", "control", *SOURCES),
    "monitor": ("journal",),
    "store": ("journal", "alerts", "limit-proposals", "account-status", "snapshots", "late", "dead-letters"),
}
_NEAR = 64  # offsets: less than this apart, it may be markers only


class Lag:
    """Asks one cluster again and again; keeps its connections. Raises confluent_kafka.KafkaException when it is away."""

    def __init__(self, kafka: Kafka, settings: Settings) -> None:
        self._settings = settings
        self._admin = kafka.admin()
        self._names = {name: settings.prefixed(topic.name) for name, topic in TOPICS.items()}
        self._counts = kafka.partitions(sorted({self._names[n] for names in READS.values() for n in names}))
        self._groups = {
            group: kafka.consumer({"group.id": settings.prefixed(group), "isolation.level": "read_committed"})
            for group in READS
        }
        self._reader = kafka.reader(settings.prefixed("lag"))
        # (topic, partition) -> offsets between which no record is
        self._empty: dict[TP, tuple[int, int]] = {}

    def of(self, group: str, topics: Sequence[str] | None = None) -> dict[str, tuple[int, int]]:
        """Logical topic -> (records behind, at most; offsets committed so far)."""
        out: dict[str, tuple[int, int]] = {}
        for name in READS[group] if topics is None else topics:
            topic = self._names[name]
            parts = [ck.TopicPartition(topic, n) for n in range(self._counts[topic])]
            behind = done = 0
            for part in patiently(self._groups[group].committed, parts, 10):
                low, high = patiently(watermarks, self._reader, part, 10)
                at = max(
                    part.offset, low
                )  # negative where it has none; what Kafka has dropped nobody waits for
                done += at - low
                behind += self._left(topic, part.partition, at, high)
            out[name] = (behind, done)
        return out

    def idle(self, group: str, topics: Sequence[str] | None = None) -> bool:
        """Whether nothing is left for the group to read, and nothing of a transaction that has not ended in each partition
        yet: a commit is told to them one after the other, the offsets of who wrote perhaps before what it wrote."""
        asked = READS[group] if topics is None else topics
        tps = [(self._names[name], n) for name in asked for n in range(self._counts[self._names[name]])]
        if _open(self._admin, tps):
            return False
        return all(behind == 0 for behind, _ in self.of(group, topics).values())

    def _left(self, topic: str, partition: int, at: int, high: int) -> int:
        first, last = self._empty.get((topic, partition), (0, -1))
        if high <= at or (first <= at and high == last):
            return 0
        if high - at > _NEAR:
            return high - at
        self._reader.assign([ck.TopicPartition(topic, partition, at)])
        found = 0
        try:
            while True:
                record: Any = self._reader.poll(5)
                if record is None:
                    return high - at  # the broker did not say: assume the worst
                if record.error() is None:
                    found += 1
                elif record.error().code() == ck.KafkaError._PARTITION_EOF:
                    break
        finally:
            self._reader.unassign()
        if not found:
            self._empty[topic, partition] = (at, high)
        return found

    def close(self) -> None:
        """Drop the connections."""
        for group in self._groups.values():
            group.close()
        self._reader.close()


def open_transactions(
    kafka: Kafka, settings: Settings, topics: Sequence[str], seconds: float = 1.0
) -> dict[TP, int]:
    """Partition of these logical topics -> where the oldest transaction begins that stays open there for so many seconds.

    Nobody who reads what is committed gets anything behind it, and no lag shows that. Raises confluent_kafka.KafkaException.
    """
    counts = kafka.partitions([settings.prefixed(TOPICS[name].name) for name in topics])
    admin = kafka.admin()
    first = _open(admin, [(topic, n) for topic, count in counts.items() for n in range(count)])
    if not first:
        return {}
    time.sleep(seconds)
    again = _open(admin, list(first))
    return {tp: offset for tp, offset in again.items() if first[tp] == offset}


def _open(admin: Any, tps: Sequence[TP]) -> dict[TP, int]:
    stable, ends = (
        patiently(_ends, admin, tps, level)
        for level in (ck.IsolationLevel.READ_COMMITTED, ck.IsolationLevel.READ_UNCOMMITTED)
    )
    return {tp: stable[tp] for tp in tps if stable[tp] < ends[tp]}


def _ends(admin: Any, tps: Sequence[TP], level: ck.IsolationLevel) -> dict[TP, int]:
    newest: Any = OffsetSpec
    asked = {ck.TopicPartition(*tp): newest.latest() for tp in tps}
    answers = admin.list_offsets(asked, isolation_level=level, request_timeout=10)
    return {(tp.topic, tp.partition): found.result().offset for tp, found in answers.items()}

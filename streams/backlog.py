"""What sources had sent before a day was over, and intake has not read yet: a day does not end before it.

Read from outside the group, nothing is changed. When a day is over, and who ends it, is streams/intake.py's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import confluent_kafka as ck

from schemas.topics import SOURCES, TOPICS
from streams.blocks import TP, Kafka, patiently, watermarks
from streams.settings import Settings


class Backlog:
    """Asks one cluster again and again; keeps its connections. Raises confluent_kafka.KafkaException when it is away.

    Not guaranteed: that a record is waited for which a source sends after a day's end under a timestamp of before it.
    """

    def __init__(self, kafka: Kafka, settings: Settings, group: str) -> None:
        self._topics = [settings.prefixed(TOPICS[name].name) for name in SOURCES]
        self._kafka = kafka
        self._group = kafka.consumer(
            {"group.id": settings.prefixed(group), "isolation.level": "read_committed"}
        )
        self._reader = kafka.reader(settings.prefixed(group) + "-backlog")
        self._end: datetime | None = None
        self._until: dict[TP, int] = {}  # where what was sent after the day's end begins; read so far: gone

    def of(self, end: datetime) -> bool:
        """Whether a record that Kafka had before `end` waits for the group."""
        if self._end != end:
            self._until, self._end = self._ends(end), end
        asked = [ck.TopicPartition(*tp) for tp in self._until]
        for part in patiently(self._group.committed, asked, 10) if asked else ():
            tp = part.topic, part.partition
            if part.offset < self._until[tp] and self._waits(tp, part.offset):
                return True
            del self._until[tp]
        return False

    def _ends(self, end: datetime) -> dict[TP, int]:
        at = int(end.timestamp() * 1000)
        known = self._kafka.topics()
        there = [topic for topic in self._topics if topic in known]  # where one is gone, nothing waits in it
        asked = [ck.TopicPartition(topic, n, at) for topic in there for n in known[topic].partitions]
        return {
            (part.topic, part.partition): part.offset
            if part.offset >= 0  # else nothing has come since
            else patiently(watermarks, self._reader, ck.TopicPartition(part.topic, part.partition), 10)[1]
            for part in patiently(self._group.offsets_for_times, asked, 10)
        }

    def _waits(self, tp: TP, committed: int) -> bool:
        """Whether a record is there, and not only the mark of a transaction's end."""
        low, _ = patiently(watermarks, self._reader, ck.TopicPartition(*tp), 10)
        if (first := max(low, committed)) >= self._until[tp]:
            return False
        self._reader.assign([ck.TopicPartition(*tp, first)])
        record: Any = self._reader.poll(5)
        self._reader.unassign()
        if record is None:
            return True  # the broker did not say: assume the worst
        if record.error() is not None and record.error().code() != ck.KafkaError._PARTITION_EOF:
            return True
        return bool(record.offset() < self._until[tp])

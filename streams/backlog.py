"""What waits for a group that works: records of a backfill, and of sources those that were sent before a day was over.

Read from outside the group, nothing is changed. When a day is over, and who ends it, is streams/intake.py's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import confluent_kafka as ck

from schemas.topics import SOURCES, TOPICS
from streams.blocks import TP, Kafka, patiently, watermarks
from streams.settings import Settings


class Unread:
    """Asks one cluster again and again whether records wait for a group, in one thread; keeps its connections. Raises
    confluent_kafka.KafkaException when it is away."""

    def __init__(self, kafka: Kafka, group: str, name: str) -> None:
        self.group = kafka.consumer({"group.id": group, "isolation.level": "read_committed"})
        self.reader = kafka.reader(f"{group}-{name}")

    def waits(self, until: dict[TP, int | None]) -> bool:
        """Whether a record waits that stands before the offset given, None: before the partition's end now. What the group
        has read so far is taken out of `until`."""
        asked = [ck.TopicPartition(*tp) for tp in until]
        for part in patiently(self.group.committed, asked, 10) if asked else ():
            tp = part.topic, part.partition
            if self._waits(tp, part.offset, until[tp]):
                return True
            del until[tp]
        return False

    def _waits(self, tp: TP, committed: int, until: int | None) -> bool:
        """Whether a record is there, and not only the mark of a transaction's end."""
        if until is not None and committed >= until:
            return False
        low, high = patiently(watermarks, self.reader, ck.TopicPartition(*tp), 10)
        end = high if until is None else until
        if (first := max(low, committed)) >= end:
            return False
        self.reader.assign([ck.TopicPartition(*tp, first)])
        record: Any = self.reader.poll(5)
        self.reader.unassign()
        if record is None:
            return True  # the broker did not say: assume the worst
        if record.error() is not None and record.error().code() != ck.KafkaError._PARTITION_EOF:
            return True
        return bool(record.offset() < end)


class Backlog:
    """What sources had sent before a day was over, and the group has not read yet: a day does not end before it. Asks as
    `Unread` does.

    Not guaranteed: that a record is waited for which a source sends after a day's end under a timestamp of before it.
    """

    def __init__(self, kafka: Kafka, settings: Settings, group: str) -> None:
        self._topics = [settings.prefixed(TOPICS[name].name) for name in SOURCES]
        self._kafka = kafka
        self._unread = Unread(kafka, settings.prefixed(group), "backlog")
        self._end: datetime | None = None
        self._until: dict[TP, int | None] = {}  # where what was sent after the day's end begins

    def of(self, end: datetime) -> bool:
        """Whether a record that Kafka had before `end` waits for the group."""
        if self._end != end:
            self._until, self._end = self._ends(end), end
        return self._unread.waits(self._until)

    def _ends(self, end: datetime) -> dict[TP, int | None]:
        at = int(end.timestamp() * 1000)
        known = self._kafka.topics()
        there = [topic for topic in self._topics if topic in known]  # where one is gone, nothing waits in it
        asked = [ck.TopicPartition(topic, n, at) for topic in there for n in known[topic].partitions]
        return {
            (part.topic, part.partition): part.offset
            if part.offset >= 0  # else nothing has come since
            else patiently(
                watermarks, self._unread.reader, ck.TopicPartition(part.topic, part.partition), 10
            )[1]
            for part in patiently(self._unread.group.offsets_for_times, asked, 10)
        }

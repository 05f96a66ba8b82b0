"""Reading committed records of partitions from the first to an end: for audits, counts, letters and explanations.

What is worked on under a group, with offsets that are committed, is not here: streams/blocks.py.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from typing import Any

import confluent_kafka as ck

from streams.blocks import TP, Kafka, legible, patiently, watermarks
from streams.errors import Refused

# Seconds in which hardly a log cleaner comes to what was written within them; twice as many each lap, for a slow reader of a
# topic that grows must come to an end.
LAP = 1.0

COPIED = (
    "rebuilt-from"  # header of each record that a rebuild copied: the offset that it has where it comes from
)


def read_topic(
    kafka: Kafka,
    topic: str,
    partition: int,
    until: int | None = None,
    seconds: float = 60.0,
    since: int = 0,
    whole: bool = False,
    newest: bool = False,
) -> Generator[Any, None, None]:
    """Committed records of one partition from `since` to `until` (offsets; none: its end now), in order.

    Raises Refused when no record comes for `seconds` before the end: an open transaction, a broker that is away. The time
    that the caller takes over a record does not count. `whole`: what Kafka has dropped since `since` is Refused, not passed
    over. `newest`, of a compacted topic: the newest record of each key is among them, though Kafka compacts it meanwhile;
    what was written after the call may be, too. Not guaranteed where a cleaner comes within the last lap, see LAP.
    """
    consumer = kafka.reader(f"{topic}-reader")
    ends = kafka.consumer({"group.id": f"{topic}-reader", "isolation.level": "read_uncommitted"})
    here = ck.TopicPartition(topic, partition)
    lap = LAP
    try:
        asked = time.monotonic()
        first, high = patiently(watermarks, ends, here, 10)
        if whole and first > since:
            raise Refused(
                f"{topic}/{partition} begins at offset {first}: what came before is gone, and without it nothing is folded "
                "anew from this topic; see 'Records are gone' in deploy/runbook.md"
            )
        low = max(first, since)
        end = high if until is None else min(high, until)
        if end <= low:
            return
        consumer.assign([ck.TopicPartition(topic, partition, low)])
        patience = time.monotonic() + seconds
        while True:
            # Not consume() alone: it waits until it has as many as it is asked for, or all of its time.
            polled = consumer.poll(0.2)
            records: list[Any] = [] if polled is None else [polled, *consumer.consume(5000, 0)]
            for record in records:
                error: Any = record.error()
                if error is not None and error.code() != ck.KafkaError._PARTITION_EOF:
                    raise Refused(f"cannot read {topic}/{partition}: {error.str()}")
                if record.offset() >= end:
                    if not newest or time.monotonic() - asked < lap:
                        return
                    asked, lap = time.monotonic(), 2 * lap
                    end = patiently(watermarks, ends, here, 10)[1]
                    if record.offset() >= end:
                        return
                if error is None:
                    yield legible(record)
                    # Only now: what was done with it may have taken longer than all our patience.
                    patience = time.monotonic() + seconds
            if time.monotonic() > patience:
                raise Refused(
                    f"{topic}/{partition} is not readable to offset {end}: a transaction is open there, or the broker is away"
                )
    finally:
        consumer.close()
        ends.close()


def read_partitions(kafka: Kafka, topic: str, seconds: float = 60.0) -> Iterator[Any]:
    """Committed records of all partitions, one after the other, each to its end now. Raises what read_topic() does."""
    for partition in range(kafka.partitions([topic])[topic]):
        yield from read_topic(kafka, topic, partition, seconds=seconds)


def bounds(
    kafka: Kafka, topic: str, partitions: Iterable[int], isolation: str = "read_committed"
) -> list[tuple[int, int]]:
    """First offset and end of each of the partitions now; read_committed: what is not decided yet lies behind the end.

    A commit is told to its partitions one after the other: of one transaction a part may lie behind the end, and a part not.
    """
    asked = kafka.consumer({"group.id": f"{topic}-reader", "isolation.level": isolation})
    try:
        return [patiently(watermarks, asked, ck.TopicPartition(topic, n), 10) for n in partitions]
    finally:
        asked.close()


def committed(kafka: Kafka, group: str, topics: Iterable[str]) -> dict[TP, int]:
    """The stable offset of the group in each partition of the topics; negative where it has none."""
    counts = kafka.partitions(list(topics))
    asked = kafka.consumer(
        {"group.id": group, "isolation.level": "read_committed", "enable.auto.commit": False}
    )
    try:
        parts = [ck.TopicPartition(topic, n) for topic, count in counts.items() for n in range(count)]
        return {(part.topic, part.partition): part.offset for part in patiently(asked.committed, parts, 20)}
    finally:
        asked.close()


def beginning(kafka: Kafka, topic: str, partition: int) -> int:
    """The first offset of the partition that Kafka still has: not 0 once it has dropped records, as it does by age."""
    ((first, _),) = bounds(kafka, topic, [partition])
    return first


def origin(record: Any) -> bytes | None:
    """The topic that intake read a record of the journal from. None: it does not say."""
    for name, value in record.headers() or ():
        if name == "origin-topic":
            topic: bytes = value
            return topic
    return None


def is_control(record: Any) -> bool:
    """Whether a record of the journal is a tick or a policy: of no account, in every partition, and written by intake."""
    return not record.key() and origin(record) is not None


def headed(kafka: Kafka, journal: str, partitions: int, seconds: float = 60.0) -> dict[int, bool]:
    """Partition -> whether the first record that intake wrote there is a control record, as it is in each that was there from
    the first. One whose beginning is gone had it; one in which intake wrote nothing is left out.

    Raises Refused when no record comes for `seconds`.
    """
    reader = kafka.reader(f"{journal}-reader")
    out: dict[int, bool] = {}
    asked: set[int] = set()
    try:
        for number in range(partitions):
            low, high = patiently(watermarks, reader, ck.TopicPartition(journal, number), 10)
            if low:
                out[number] = True
            elif high:
                asked.add(number)
        # By an offset, and not by a word for the beginning: so it has its first record five times sooner.
        reader.assign([ck.TopicPartition(journal, number, 0) for number in asked])
        until = time.monotonic() + seconds
        while asked:
            record: Any = reader.poll(0.2)
            error = None if record is None else record.error()
            ended = error is not None and error.code() == ck.KafkaError._PARTITION_EOF
            if record is None or (error is not None and not ended):  # the client itself tries again
                if time.monotonic() > until:
                    raise Refused(f"no record of {journal} came for {seconds:g} s: is a broker down?")
                continue
            until = time.monotonic() + seconds
            number = record.partition()
            if not ended:
                if number not in asked or origin(record) is None:
                    continue
                out[number] = is_control(record)
            asked.discard(number)
            reader.pause([ck.TopicPartition(journal, number)])
    finally:
        reader.close()
    return out

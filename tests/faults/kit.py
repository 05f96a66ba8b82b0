"""What tests of the units need of a real Kafka: topics, feeding, reading to the end as subscribers do. No assertions."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import confluent_kafka as ck
import confluent_kafka.admin as ck_admin
from confluent_kafka.cimpl import NewPartitions, NewTopic

from streams.blocks import Block, Kafka, Unit, patiently

WAIT = 90.0  # seconds until a test gives up; generous, for machines that are busy


def make_topics(servers: str, partitions: Mapping[str, int], compacted: Iterable[str] = ()) -> None:
    """Topics with these partition counts."""
    compacted = set(compacted)
    new = [
        NewTopic(name, count, 1, config={"cleanup.policy": "compact"} if name in compacted else {})
        for name, count in partitions.items()
    ]
    admin = ck_admin.AdminClient({"bootstrap.servers": servers})  # the futures fail when it is collected
    for future in admin.create_topics(new).values():
        future.result()
    until = time.monotonic() + WAIT
    while not partitions.keys() <= admin.list_topics(timeout=30).topics.keys():
        assert time.monotonic() < until, "the broker does not show the topics that were made"
        time.sleep(0.02)


def grow(servers: str, topic: str, partitions: int) -> None:
    """Give a topic more partitions."""
    admin = ck_admin.AdminClient({"bootstrap.servers": servers})
    admin.create_partitions([NewPartitions(topic, partitions)])[topic].result()
    _handle.cache_clear()  # they know the topic as it was
    _partitions.cache_clear()
    until = time.monotonic() + WAIT
    while len(admin.list_topics(timeout=30).topics[topic].partitions) < partitions:
        assert time.monotonic() < until, "the broker does not show the partitions that were made"
        time.sleep(0.02)


def send(servers: str, records: Iterable[tuple[str, bytes, bytes]], rate: float | None = None) -> int:
    """(topic, key, value) in order, by key, `rate` a second (none: as fast as it goes); how many."""
    return send_to(servers, ((topic, -1, key, value) for topic, key, value in records), rate)


def send_to(servers: str, records: Iterable[tuple[str, int, bytes, bytes]], rate: float | None = None) -> int:
    """(topic, partition or -1 for by key, key, value), as `send`."""
    producer = Kafka(servers).producer({"linger.ms": 5, "enable.idempotence": True})
    began, sent = time.time(), 0
    for topic, partition, key, value in records:
        while True:
            try:
                producer.produce(topic, value, key, partition)
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        if sent % 50 == 0:
            producer.poll(0)
            if rate and (ahead := began + sent / rate - time.time()) > 0:
                time.sleep(ahead)
    producer.flush()
    return sent


# Other languages' clients take any bytes for the name of a header; of Python's only aiokafka's own code can be talked into it.
_FOREIGN = """
import asyncio, sys
from aiokafka import AIOKafkaProducer

class Name(str):
    def encode(self, *_):
        return b"M\\xfcller"

async def main(servers, topic, count):
    async with AIOKafkaProducer(bootstrap_servers=servers) as producer:
        for n in range(count):
            await producer.send_and_wait(topic, b"%d" % n, b"k", headers=[(Name("x"), b"1")])

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def send_foreign(servers: str, topic: str, count: int) -> None:
    """So many records, the values 0, 1, …, with a header whose name is not UTF-8."""
    command = [sys.executable, "-c", _FOREIGN, servers, topic, str(count)]
    subprocess.run(command, env={**os.environ, "AIOKAFKA_NO_EXTENSIONS": "1"}, check=True, timeout=WAIT)


def read(servers: str, topic: str, isolation: str = "read_committed") -> Iterator[Any]:
    """All records of the topic, partition by partition in order, up to an end that nothing undecided holds back."""
    consumer = ck.Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": "reader",
            "isolation.level": isolation,
            "enable.partition.eof": True,
        }
    )
    ends = ck.Consumer(
        {"bootstrap.servers": servers, "group.id": "reader", "isolation.level": "read_uncommitted"}
    )
    numbers = consumer.list_topics(topic, timeout=30).topics[topic].partitions
    highs = {n: ends.get_watermark_offsets(ck.TopicPartition(topic, n), 10)[1] for n in numbers}
    consumer.assign([ck.TopicPartition(topic, n, ck.OFFSET_BEGINNING) for n in numbers])
    until = time.monotonic() + WAIT
    while highs:
        if time.monotonic() > until:
            raise TimeoutError(f"no stable end of {topic}: {highs}")
        m: Any
        first = consumer.poll(0.1)
        for m in [] if first is None else [first, *consumer.consume(10000, 0)]:
            if m.error() is None:
                yield m
            elif m.offset() >= highs.get(m.partition(), 0):
                highs.pop(m.partition(), None)
    consumer.close()
    ends.close()


def pieces(servers: str, changelog: str) -> dict[str, dict[str, bytes]]:
    """The states as they stand on the changelog: account -> piece -> bytes."""
    found: dict[str, dict[str, bytes]] = {}
    for m in read(servers, changelog):
        account, _, piece = m.key().decode().rpartition("\0")
        if not account:
            continue
        if m.value() is None:
            found.get(account, {}).pop(piece, None)
        else:
            found.setdefault(account, {})[piece] = m.value()
    return {account: kept for account, kept in found.items() if kept}


def unread(servers: str, group: str, topics: Iterable[str]) -> bool:
    """Whether there are records that the group has not committed, transactions that are still open included."""
    # Not read_committed: it would wait for offsets that are undecided.
    probe, reader = _handle(servers, group, "read_uncommitted"), _handle(servers, "unread", "read_committed")
    tps = [ck.TopicPartition(t, n) for t in topics for n in _partitions(servers, t)]
    highs = {(tp.topic, tp.partition): probe.get_watermark_offsets(tp, 10)[1] for tp in tps}
    committed = patiently(probe.committed, tps, 10)
    for tp in committed:
        tp.offset = max(tp.offset, 0)
    left = {(tp.topic, tp.partition) for tp in committed if tp.offset < highs[tp.topic, tp.partition]}
    if not left:
        return False
    reader.assign([tp for tp in committed if (tp.topic, tp.partition) in left])
    try:
        until = time.monotonic() + 10
        while left and time.monotonic() < until:
            m: Any = reader.poll(0.1)
            if m is None:
                continue
            if m.error() is None:
                return True
            if m.error().code() == ck.KafkaError._PARTITION_EOF:
                if m.offset() < highs[m.topic(), m.partition()]:
                    return True
                left.discard((m.topic(), m.partition()))
        return bool(left)
    finally:
        reader.unassign()


def committed(servers: str, group: str, topics: Iterable[str]) -> dict[tuple[str, int], int]:
    """The committed offset of every partition, 0 where there is none."""
    tps = [ck.TopicPartition(t, n) for t in topics for n in _partitions(servers, t)]
    got = patiently(_handle(servers, group, "read_committed").committed, tps, WAIT)
    return {(tp.topic, tp.partition): max(tp.offset, 0) for tp in got}


@functools.cache
def _handle(servers: str, group: str, isolation: str) -> ck.Consumer:
    """Kept: a new handle takes half a second to its first answer."""
    return ck.Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 10,
            "log_level": 0,  # it outlives its broker
        }
    )


@functools.cache
def _partitions(servers: str, topic: str) -> list[int]:
    return list(
        _handle(servers, "unread", "read_committed").list_topics(topic, timeout=30).topics[topic].partitions
    )


def drive(
    unit: Unit, apply: Callable[[Block], None], done: Callable[[], bool], seconds: float = WAIT
) -> None:
    """What the transport does, without Faust: poll, apply, commit, until done() after a commit or an empty poll."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise TimeoutError("not done in time")
        blocks = unit.poll(0.1)
        for block in blocks:
            with block:
                apply(block)
        if blocks:
            unit.commit(blocks)

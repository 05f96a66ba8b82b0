"""An import onto a real Kafka: events in their account's partition in the file's order, each tick in every one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import confluent_kafka as ck
import orjson
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from streams.blocks import Kafka
from streams.errors import Refused
from streams.feeds.history import ToHistory
from streams.feeds.importing import import_ledgers
from streams.feeds.layout import Layout
from streams.feeds.report import Report
from streams.feeds.telling import Choices
from streams.murmur2 import partition_of
from streams.settings import Settings
from tests.import_builders import MOMENT, TODAY, Silent, imported, written

PARTITIONS = 4
ACCOUNTS = 60


def ledger() -> str:
    rows = [
        f"Kunde-{i % ACCOUNTS}ü,I{i},2024-{1 + i % 3:02d}-{1 + i % 28:02d},2024-05-01,{i}.50,2024-04-{1 + i % 29:02d}"
        for i in range(1, 3_000)
    ]
    return "\n".join(["Customer,Invoice,Invoice Date,Due Date,Amount,Paid Date", *rows])


def send(folder: Path, servers: str, settings: Settings) -> Report:
    choices = Choices(base_currency="USD", today=TODAY, moment=MOMENT, layout=Layout())
    report = Report()
    path = written(folder, "ar.csv", ledger())
    import_ledgers([path], choices, dt.UTC, ToHistory(Kafka(servers), settings), report, Silent())
    return report


def create(servers: str, topic: str, **config: str) -> None:
    admin = AdminClient({"bootstrap.servers": servers})
    for future in admin.create_topics([NewTopic(topic, PARTITIONS, 1, config=config)]).values():
        future.result(30)


def read(servers: str, topic: str) -> dict[int, list[tuple[bytes | None, bytes]]]:
    """Every record of the topic by partition, in order: (key, value)."""
    consumer = ck.Consumer(
        {"bootstrap.servers": servers, "group.id": f"{topic}-reader", "enable.auto.commit": False}
    )
    try:
        ends = {
            p: consumer.get_watermark_offsets(ck.TopicPartition(topic, p), 30)[1] for p in range(PARTITIONS)
        }
        consumer.assign([ck.TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
        out: dict[int, list[tuple[bytes | None, bytes]]] = {p: [] for p in range(PARTITIONS)}
        while sum(map(len, out.values())) < sum(ends.values()):
            for record in consumer.consume(10_000, 0.5):
                assert record.error() is None
                value, partition = record.value(), record.partition()
                assert value is not None
                assert partition is not None
                out[partition].append((record.key(), value))
        return out
    finally:
        consumer.close()


def test_the_history_topic_holds_the_file_in_order_with_every_tick_everywhere(
    tmp_path: Path, kafka: str, namespace: str
) -> None:
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace, _env_file=None)
    topic = f"{namespace}.credit.history.v1"
    create(kafka, topic)
    report = send(tmp_path, kafka, settings)
    expected = imported(tmp_path, ledger()).raw
    by_partition: dict[int, list[bytes]] = {partition: [] for partition in range(PARTITIONS)}
    for raw in expected:
        account = orjson.loads(raw).get("account_id")
        homes = range(PARTITIONS) if account is None else [partition_of(account.encode(), PARTITIONS)]
        for home in homes:
            by_partition[home].append(raw)
    got = read(kafka, topic)
    assert {partition: [value for _, value in records] for partition, records in got.items()} == by_partition
    assert all(len(records) > 100 for records in by_partition.values())
    keys = {
        (orjson.loads(value).get("account_id") or "").encode() == (key or b"")
        for r in got.values()
        for key, value in r
    }
    assert keys == {True}
    assert report.events.total() == len(expected)


def test_the_partition_is_the_one_that_librdkafkas_murmur2_random_chooses(kafka: str, namespace: str) -> None:
    topic = f"{namespace}.partitioner"
    create(kafka, topic)
    producer = ck.Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    for number in range(500):
        producer.produce(topic, b"x", f"{'é' * (number % 7)}{number}".encode())
    assert producer.flush(30) == 0
    for partition, records in read(kafka, topic).items():
        assert {partition_of(key or b"", PARTITIONS) for key, _ in records} == {partition}


def test_without_its_topic_an_import_is_refused_with_the_command_that_makes_it(
    tmp_path: Path, kafka: str, namespace: str
) -> None:
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace, _env_file=None)
    with pytest.raises(Refused, match="topics --create"):
        send(tmp_path, kafka, settings)


def test_records_that_kafka_does_not_take_are_counted_and_end_the_import(
    tmp_path: Path, kafka: str, namespace: str
) -> None:
    create(
        kafka, f"{namespace}.credit.history.v1", **{"max.message.bytes": "100"}
    )  # no event of ours is that small
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace, _env_file=None)
    with pytest.raises(Refused, match=r"did not take .* records: .*import the same files again"):
        send(tmp_path, kafka, settings)

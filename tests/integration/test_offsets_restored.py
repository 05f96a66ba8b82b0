"""Kafka forgets where a group was when no worker runs for a week: it is noticed, and found again; nothing counts twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined, unused-ignore]

from schemas.topics import TOPICS
from streams import offsets
from streams.audit import audit
from streams.blocks import Kafka
from streams.commands.restore_offsets import restore_offsets
from streams.commands.worker import start_all
from streams.dev.processes import Crew, stop
from streams.errors import Refused
from streams.lag import Lag
from streams.reading import read_topic
from streams.rebuild import rebuild, switch
from streams.settings import Settings
from streams.simulate import generate
from streams.slot import WHO
from tests.integration.pipeline import backfill, emitted, prepare, workers

GROUPS = ("intake", "monitor")


def invoices(settings: Settings, kafka: str, numbers: Iterator[int] | range) -> None:
    """By the way of the source topics, each with a record beside it that intake refuses."""
    producer = Kafka(kafka).producer({"enable.idempotence": True})
    for number in numbers:
        body = {
            "event_id": f"live-{number}", "type": "invoice.issued", "occurred_at": "2026-11-01T10:00:00Z", "source": "erp",
            "account_id": f"L{number % 5}", "invoice_id": f"L-{number}", "amount": "10.00", "currency": "USD",
            "invoice_date": "2026-11-01", "due_date": "2026-12-01",
        }  # fmt: skip
        for value in (orjson.dumps(body), b"junk"):
            producer.produce(settings.prefixed("credit.invoices.v1"), value, body["account_id"].encode())
    assert producer.flush(20) == 0


def forgotten(settings: Settings, kafka: str) -> None:
    """As the broker does by itself after offsets.retention.minutes."""
    admin = AdminClient({"bootstrap.servers": kafka})
    for future in admin.delete_consumer_groups([settings.prefixed(name) for name in GROUPS]).values():
        future.result()


def finished(settings: Settings, kafka: str) -> None:
    """Wait until intake and the monitor have nothing left to read."""
    lag, until = Lag(Kafka(kafka), settings), time.monotonic() + 200
    while not all(lag.idle(name) for name in GROUPS):
        assert time.monotonic() < until, "records are still unread"
        time.sleep(0.2)
    lag.close()


def last_words(settings: Settings, name: str) -> str:
    """What a worker says that ends by itself."""
    (child,) = start_all([name], settings, quiet=True)
    until = time.monotonic() + 100
    try:
        while child.ended() is None:
            assert time.monotonic() < until, "it does not end"
            time.sleep(0.1)
    finally:
        stop([child])
    return (settings.data_dir / "logs" / f"{name}.log").read_text()


@pytest.mark.timeout(400)
def test_a_pause_longer_than_kafka_keeps_offsets_loses_nothing_and_doubles_nothing(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(
        _env_file=None, broker=f"kafka://{kafka}", store="clickhouse://nobody@127.0.0.1:1/none", namespace="pause",
        data_dir=tmp_path, journal_partitions=4,
    )  # fmt: skip
    for name, value in (
        ("BROKER", settings.broker),
        ("STORE", settings.store),
        ("NAMESPACE", "pause"),
        ("DATA_DIR", tmp_path),
    ):
        monkeypatch.setenv(f"BELLWETHER_{name}", str(value))
    prepare(settings.model_copy(update={"store": "dev"}), kafka)
    backfill(settings, kafka, generate(6, 5, 3))
    with workers(settings, *GROUPS):
        finished(settings, kafka)
        invoices(settings, kafka, range(40))
        finished(settings, kafka)
        told = CliRunner().invoke(restore_offsets)
        assert told.output.count("nothing to do") == 2
    before = emitted(settings, kafka, "alerts")
    assert before

    forgotten(settings, kafka)
    for name in GROUPS:
        said = last_words(settings, name)
        assert f"group pause.{name} has no offsets any more" in said
        assert "Traceback" not in said

    with monkeypatch.context() as broken_off:
        whole = offsets._commit
        broken_off.setattr(
            offsets, "_commit", lambda k, group, found: whole(k, group, dict([min(found.items())]))
        )
        begun = CliRunner().invoke(restore_offsets, catch_exceptions=False)
    told = CliRunner().invoke(restore_offsets, catch_exceptions=False)
    gone_on = [line for line in begun.output.splitlines() if line not in told.output]
    assert len(gone_on) == len(GROUPS), (
        "one partition a group was taken at first, and all others in the second run"
    )
    assert CliRunner().invoke(restore_offsets).output.count("nothing to do") == 2
    assert "group pause.monitor: pause.credit.journal.v1/0 goes on at " in begun.output
    assert "group pause.intake: pause.credit.invoices.v1/" in told.output
    invoices(settings, kafka, range(40, 80))
    with workers(settings, *GROUPS):
        finished(settings, kafka)
    journalled = Counter(
        body["event_id"]
        for _, body in emitted(settings, kafka, "journal")
        if body["type"] == "invoice.issued"
    )
    assert set(journalled.values()) == {1}
    assert {f"live-{number}" for number in range(80)} <= journalled.keys()
    assert len(emitted_raw(settings, kafka)) == 80
    assert audit(Kafka(kafka), settings).differences == []
    assert emitted(settings, kafka, "alerts") == before, "nothing was told again"

    right = offsets_of("pause.monitor", kafka)
    (here, offset) = max(right.items())
    until_gone(settings, kafka)
    offsets._commit(Kafka(kafka), "pause.monitor", {here: offset - 1})
    said = last_words(settings, "monitor")
    assert f"stands at offset {offset - 1} of {here[0]}/{here[1]}, and the states" in said
    assert f"were committed at {offset}: somebody has moved the offset" in said
    until_gone(settings, kafka)
    told = CliRunner().invoke(restore_offsets)
    assert f"group pause.monitor: {here[0]}/{here[1]} goes on at {offset}\n" in told.output
    assert offsets_of("pause.monitor", kafka) == right

    as_before_this_version(settings, kafka)
    forgotten(settings, kafka)
    told = CliRunner().invoke(restore_offsets)
    assert isinstance(told.exception, Refused)
    assert "pause.credit.account-state.v1/0 do not say from where they go on: an earlier version" in str(
        told.exception
    )


def offsets_of(group: str, kafka: str) -> dict[tuple[str, int], int]:
    """What Kafka holds of the group."""
    admin = AdminClient({"bootstrap.servers": kafka})  # it must outlive its answers
    done = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group].result(30)
    return {(part.topic, part.partition): part.offset for part in done.topic_partitions}


@pytest.mark.timeout(400)
def test_where_a_rebuilt_namespace_goes_on_is_not_told_by_the_records_copied_into_it(
    kafka: str, tmp_path: Path
) -> None:
    """They bear the offsets of the namespace that they come from."""
    settings = Settings(
        _env_file=None, broker=f"kafka://{kafka}", namespace="grown", data_dir=tmp_path, journal_partitions=2
    )
    prepare(settings.model_copy(update={"store": "dev"}), kafka)
    with workers(settings, *GROUPS):
        invoices(settings, kafka, range(40))
        finished(settings, kafka)
    client = Kafka(kafka)
    rebuild(
        client, settings, "smaller", lambda to: Crew(start_all(["monitor"], to, quiet=True)), lambda *_: None
    )
    until_gone(settings, kafka)
    switch(client, settings, "smaller", tmp_path / ".env")

    rebuilt = settings.model_copy(update={"namespace": "smaller"})
    with workers(rebuilt, *GROUPS):
        invoices(rebuilt, kafka, range(40, 45))
        finished(rebuilt, kafka)
    before = [offsets_of(rebuilt.prefixed(name), kafka) for name in GROUPS]
    assert before[0]["smaller.credit.control.v1", 0] == 1
    until_gone(rebuilt, kafka)
    forgotten(rebuilt, kafka)
    offsets.restore_offsets(client, rebuilt, lambda group, found: None)
    assert [offsets_of(rebuilt.prefixed(name), kafka) for name in GROUPS] == before


def until_gone(settings: Settings, kafka: str) -> None:
    """A worker that was stopped on a busy machine stays in its group until its session ends."""
    groups, until = [settings.prefixed(name) for name in GROUPS], time.monotonic() + 90
    admin = AdminClient({"bootstrap.servers": kafka})
    while any(future.result(30).members for future in admin.describe_consumer_groups(groups).values()):
        assert time.monotonic() < until
        time.sleep(0.1)


def as_before_this_version(settings: Settings, kafka: str) -> None:
    """States whose newest commit names no offsets."""
    producer = Kafka(kafka).producer({"enable.idempotence": True})
    for partition in range(settings.journal_partitions):
        producer.produce(settings.prefixed("credit.account-state.v1"), b"monitor-0", WHO, partition)
    assert producer.flush(20) == 0


def emitted_raw(settings: Settings, kafka: str) -> list[bytes]:
    """The dead letters as they are."""
    topic = settings.prefixed(TOPICS["dead-letters"].name)
    client = Kafka(kafka)
    return [
        record.value()
        for n in range(client.partitions([topic])[topic])
        for record in read_topic(client, topic, n)
    ]

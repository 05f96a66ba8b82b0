"""What intake asks of the cluster, where offsets alone would mislead: transactions given up, and marks of transactions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import confluent_kafka as ck
import orjson
import pytest

from agents.monitor import ENGINE
from agents.policy_text import policy_hash
from schemas.topics import TOPICS
from streams import topics_admin
from streams.backlog import Backlog
from streams.blocks import Kafka, watermarks
from streams.control import policy_adopted
from streams.errors import Refused
from streams.intake import GROUP, Cluster
from streams.reading import read_topic
from streams.settings import Settings
from tests.rules import POLICY_TEXT

PARTITIONS = 3


@pytest.fixture
def settings(kafka: str, namespace: str, tmp_path: Path) -> Settings:
    made = Settings(
        broker=f"kafka://{kafka}", namespace=namespace, journal_partitions=PARTITIONS, data_dir=tmp_path
    )
    topics_admin.create(Kafka(kafka), made)
    return made


def adopted() -> bytes:
    return orjson.dumps(policy_adopted(POLICY_TEXT, policy_hash(POLICY_TEXT), ENGINE, datetime.now(UTC)))


def write(kafka: str, topic: str, partitions: Sequence[int], *, commit: bool, value: bytes = b"{}") -> None:
    """One record into each partition, in one transaction, which is over when this returns."""
    producer = Kafka(kafka).producer({"transactional.id": f"{topic}-writer"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for partition in partitions:
        producer.produce(topic, value, partition=partition)
    producer.flush(30)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)
    # The broker answers before each partition bears the mark of the transaction's end.
    stable, high = (
        Kafka(kafka).consumer({"group.id": topic, "isolation.level": f"read_{level}"})
        for level in ("committed", "uncommitted")
    )
    for part in [ck.TopicPartition(topic, partition) for partition in partitions]:
        while watermarks(stable, part, 10) != watermarks(high, part, 10):
            time.sleep(0.01)
    stable.close()
    high.close()


def delete_first(kafka: str, topic: str, partitions: Sequence[int]) -> None:
    admin = Kafka(kafka).admin()  # it must outlive its answers
    for future in admin.delete_records([ck.TopicPartition(topic, n, 1) for n in partitions]).values():
        future.result()


def test_a_policy_of_which_only_a_given_up_transaction_is_left_does_not_stand(
    kafka: str, settings: Settings
) -> None:
    journal = settings.prefixed(TOPICS["journal"].name)
    cluster = Cluster(Kafka(kafka), settings)
    assert not cluster.standing(), "an empty journal"
    write(kafka, journal, range(PARTITIONS), commit=False, value=adopted())
    assert not cluster.standing(), "its offsets have moved, and nothing in it counts"
    write(kafka, journal, range(PARTITIONS), commit=True)
    assert not cluster.standing(), "what somebody else wrote there is no policy"
    write(kafka, journal, range(PARTITIONS - 1), commit=True, value=adopted())
    assert not cluster.standing(), "one partition has none"
    write(kafka, journal, [PARTITIONS - 1], commit=True, value=adopted())
    assert cluster.standing()


def test_a_policy_stands_where_the_journal_has_lost_its_beginning(kafka: str, settings: Settings) -> None:
    journal = settings.prefixed(TOPICS["journal"].name)
    write(kafka, journal, range(PARTITIONS), commit=True, value=adopted())
    write(kafka, journal, range(PARTITIONS), commit=True)
    delete_first(kafka, journal, range(PARTITIONS))
    assert Cluster(Kafka(kafka), settings).standing()


def test_no_policy_is_adopted_in_place_of_one_that_kafka_has_dropped(kafka: str, settings: Settings) -> None:
    control, now = settings.prefixed(TOPICS["control"].name), datetime.now(UTC)
    cluster = Cluster(Kafka(kafka), settings)
    cluster.keep_time(now)
    delete_first(kafka, control, [0])
    restarted = Cluster(Kafka(kafka), settings)
    with pytest.raises(Refused, match=r"beginning of .* is gone; the policy in force .*policy adopt"):
        restarted.keep_time(now)
    write(kafka, control, [0], commit=True, value=adopted())
    restarted.keep_time(now)
    cluster.keep_time(now)  # it has read what is gone


def test_no_policy_is_adopted_where_the_control_topic_was_made_anew(kafka: str, settings: Settings) -> None:
    journal, control = (settings.prefixed(TOPICS[name].name) for name in ("journal", "control"))
    write(kafka, journal, [0], commit=True)  # of somebody else
    write(kafka, journal, range(PARTITIONS), commit=True, value=adopted())
    cluster = Cluster(Kafka(kafka), settings)
    with pytest.raises(Refused, match=r"control topic was made anew, .*policy adopt"):
        cluster.keep_time(datetime.now(UTC))
    assert list(read_topic(Kafka(kafka), control, 0)) == []
    write(kafka, control, [0], commit=True, value=adopted())
    cluster.keep_time(datetime.now(UTC))


def test_a_backfill_sent_in_a_transaction_is_read_when_its_records_are(
    kafka: str, settings: Settings
) -> None:
    history = settings.prefixed(TOPICS["history"].name)
    cluster = Cluster(Kafka(kafka), settings)
    assert not cluster.history_unread(), "there is none"
    write(kafka, history, [1], commit=True)
    assert cluster.history_unread()
    group = ck.Consumer({"bootstrap.servers": kafka, "group.id": settings.prefixed(GROUP)})
    group.commit(offsets=[ck.TopicPartition(history, 1, 1)], asynchronous=False)
    group.close()
    cluster._asked = 0.0
    assert not cluster.history_unread(), "what lies behind it is the mark of its transaction"


def test_a_day_ends_behind_all_that_was_sent_before_its_end(kafka: str, settings: Settings) -> None:
    """Of two days' pause: an approval and a payment that came in time are not overtaken by the clock."""
    control, decisions, payments = (
        settings.prefixed(TOPICS[name].name) for name in ("control", "decisions", "payments")
    )
    write(kafka, control, [0], commit=True, value=adopted())
    write(kafka, decisions, [2], commit=True)
    write(kafka, payments, [0, 1], commit=True)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    cluster = Cluster(Kafka(kafka), settings)

    def ticks() -> int:
        cluster.keep_time(tomorrow)
        return sum(b"clock.ticked" in record.value() for record in read_topic(Kafka(kafka), control, 0))

    group = ck.Consumer({"bootstrap.servers": kafka, "group.id": settings.prefixed(GROUP)})
    assert ticks() == 0, "nothing of it is read"
    for topic, partition in ((payments, 0), (decisions, 2)):
        group.commit(offsets=[ck.TopicPartition(topic, partition, 1)], asynchronous=False)
    assert ticks() == 0, "a payment is left"
    write(kafka, payments, [0, 1], commit=True)
    group.commit(offsets=[ck.TopicPartition(payments, 1, 1)], asynchronous=False)
    assert ticks() == 1, "what came behind it while it waited is not waited for"
    group.close()


def test_what_was_sent_after_a_days_end_does_not_hold_it_up(kafka: str, settings: Settings) -> None:
    over = datetime.now(UTC) - timedelta(seconds=1)
    write(kafka, settings.prefixed(TOPICS["payments"].name), [0], commit=True)
    assert not Backlog(Kafka(kafka), settings, GROUP).of(over)

"""What a command sends stands in Kafka as it was sent, as far as it goes: nothing behind a record that was not taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import confluent_kafka as ck
import orjson
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.blocks import Kafka
from streams.errors import Refused
from streams.reading import read_topic
from streams.sending import NotTaken, Sender
from streams.settings import Settings
from streams.web.decisions import Decisions, decision

pytestmark = pytest.mark.kafka

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SMALL, LARGE = b"x", b"y" * 5000


def create(kafka: str, name: str, **config: str) -> str:
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(30)
    return name


@pytest.fixture
def topic(kafka: str, namespace: str) -> str:
    """One that takes no large records."""
    return create(kafka, f"{namespace}.sent", **{"max.message.bytes": "1000"})


def standing(kafka: str, topic: str) -> list[int]:
    return [int(record.key()) for record in read_topic(Kafka(kafka), topic, 0)]


def test_all_that_is_taken_stands_in_its_order(kafka: str, topic: str) -> None:
    sender = Sender(Kafka(kafka), own={"batch.num.messages": 10})
    for number in range(500):
        sender.send(topic, SMALL, b"%d" % number, 0)
    sender.all_taken()
    assert standing(kafka, topic) == list(range(500))


@pytest.mark.parametrize("refused", [0, 1, 57, 399])
def test_nothing_stands_behind_a_record_that_was_not_taken(kafka: str, topic: str, refused: int) -> None:
    sender = Sender(Kafka(kafka), own={"linger.ms": 0, "batch.num.messages": 10})

    def send_all() -> None:
        for number in range(400):
            sender.send(topic, LARGE if number == refused else SMALL, b"%d" % number, 0)
            sender.check()
        sender.all_taken()

    with pytest.raises(NotTaken) as refusal:
        send_all()
    # confluent_kafka may lose its reason where callbacks come behind the end of a producer
    assert str(refusal.value) in ("Broker: Message size too large", "Kafka's client gave it up")
    with pytest.raises(NotTaken):
        sender.check()
    stands = standing(kafka, topic)
    assert stands == list(range(len(stands)))
    assert len(stands) <= refused


def test_a_producer_as_it_comes_sends_what_stands_behind(kafka: str, topic: str) -> None:
    producer = ck.Producer({"bootstrap.servers": kafka, "enable.idempotence": True, "batch.num.messages": 1})
    for number in range(20):
        producer.produce(topic, LARGE if number == 5 else SMALL, b"%d" % number, 0)
    producer.flush(30)
    assert 19 in standing(kafka, topic)
    assert 5 not in standing(kafka, topic)


def test_a_broker_that_does_not_answer_is_waited_for_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.sending.TOLD_AFTER", 0.0)
    told: list[str] = []
    away = Kafka("127.0.0.1:1")
    sender = Sender(away, patience=0.2, own={"queue.buffering.max.messages": 2}, tell=told.append)
    sender.send("t", SMALL, b"0", 0)
    with pytest.raises(NotTaken, match=r"no answer within 1\.5 s"):
        sender.all_taken(1.5)
    full = Sender(away, patience=1.0, own={"queue.buffering.max.messages": 1}, tell=told.append)
    full.send("t", SMALL, b"0", 0)
    with pytest.raises(NotTaken, match=r"no answer within 1 s"):
        full.send("t", SMALL, b"1", 0)
    assert told == [
        f"Kafka at 127.0.0.1:1 has taken nothing for 0 s; waiting, for {patience} s in all"
        for patience in ("1.5", "1")
    ]


def test_a_decision_of_the_page_that_kafka_does_not_take_is_told_and_the_next_one_goes(
    kafka: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.web.decisions.PATIENCE", 0.2)
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace, _env_file=None)
    where = iter(["127.0.0.1:1", kafka])
    decisions = Decisions(lambda: next(where), settings)
    made = {
        number: decision("alert.acknowledged", "C-1", f"e{number}", NOW, alert_id=str(uuid4()), actor="ann")
        for number in range(2)
    }
    with pytest.raises(Refused, match=r"Kafka did not take the decision \(no answer within 0\.2 s\)"):
        asyncio.run(decisions.send(made[0]))
    monkeypatch.setattr("streams.web.decisions.PATIENCE", 60.0)
    name = create(kafka, f"{namespace}.credit.decisions.v1")
    asyncio.run(decisions.send(made[1]))
    (record,) = read_topic(Kafka(kafka), name, 0)
    assert (record.key(), orjson.loads(record.value())) == (b"C-1", made[1])

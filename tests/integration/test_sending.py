"""What a command sends stands in Kafka as it was sent, as far as it goes: nothing behind a record that was not taken."""

from __future__ import annotations

import confluent_kafka as ck
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from streams.blocks import Kafka
from streams.reading import read_topic
from streams.sending import NotTaken, Sender

pytestmark = pytest.mark.kafka

SMALL, LARGE = b"x", b"y" * 5000


@pytest.fixture
def topic(kafka: str, namespace: str) -> str:
    name = f"{namespace}.sent"
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(name, 1, 1, config={"max.message.bytes": "1000"})])[name].result(30)
    return name


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

    with pytest.raises(NotTaken, match=r"^Broker: Message size too large$"):
        send_all()
    with pytest.raises(NotTaken, match=r"^Broker: Message size too large$"):
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


def test_a_broker_that_does_not_answer_is_waited_for_and_told() -> None:
    sender = Sender(Kafka("127.0.0.1:1"), patience=0.2, own={"queue.buffering.max.messages": 2})
    sender.send("t", SMALL, b"0", 0)
    with pytest.raises(NotTaken, match=r"no answer within 0\.1 s"):
        sender.all_taken(0.1)
    full = Sender(Kafka("127.0.0.1:1"), patience=0.2, own={"queue.buffering.max.messages": 1})
    full.send("t", SMALL, b"0", 0)
    with pytest.raises(NotTaken, match=r"no answer within 0\.2 s"):
        full.send("t", SMALL, b"1", 0)

"""`bellwether status` on a real broker: what it counts are letters, not the marks that transactions leave."""

from __future__ import annotations

import confluent_kafka as ck
import pytest
from rich.console import Console

from schemas.topics import TOPICS
from streams import topics_admin
from streams.blocks import Kafka
from streams.commands import status
from streams.lag import open_transactions
from streams.settings import Settings


def letters(servers: str, topic: str, *, kept: int, given_up: int) -> None:
    """A transaction each."""
    producer = ck.Producer({"bootstrap.servers": servers, "transactional.id": topic})
    producer.init_transactions(30)
    for n in range(kept + given_up):
        producer.begin_transaction()
        producer.produce(topic, b"{}", partition=0)
        producer.flush(30)
        producer.commit_transaction(30) if n < kept else producer.abort_transaction(30)


def told(servers: str, settings: Settings) -> tuple[str, str]:
    """How many letters, and when the newest came."""
    console = Console(record=True, width=100)
    console.print(status._freshness(Kafka(servers), settings))
    row = next(line for line in console.export_text().splitlines() if "dead-letters" in line)
    _, _, count, newest, _, _ = (cell.strip() for cell in row.split("│"))
    return count, newest


@pytest.mark.parametrize(("kept", "given_up"), [(0, 0), (3, 0), (3, 5)])
def test_status_counts_letters_alone_and_finds_the_newest(
    kafka: str, namespace: str, kept: int, given_up: int
) -> None:
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace)
    topics_admin.create(Kafka(kafka), settings)
    letters(kafka, settings.prefixed(TOPICS["dead-letters"].name), kept=kept, given_up=given_up)
    count, newest = told(kafka, settings)
    assert int(count) == kept
    assert (newest == "never") == (kept == 0)


def test_more_letters_than_anybody_waits_for_are_told_by_their_offsets(
    kafka: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "COUNTED", 5)
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace)
    topics_admin.create(Kafka(kafka), settings)
    letters(kafka, settings.prefixed(TOPICS["dead-letters"].name), kept=3, given_up=0)
    assert told(kafka, settings)[0] == "at most 6", "a letter and a mark each"


def test_a_transaction_that_stays_open_is_found_where_it_begins_and_one_that_ends_is_not(
    kafka: str, namespace: str
) -> None:
    settings = Settings(broker=f"kafka://{kafka}", namespace=namespace)
    topics_admin.create(Kafka(kafka), settings)
    topic = settings.prefixed(TOPICS["payments"].name)
    assert open_transactions(Kafka(kafka), settings, ["payments", "news"], 0) == {}
    letters(kafka, topic, kept=1, given_up=0)
    producer = ck.Producer({"bootstrap.servers": kafka, "transactional.id": f"{topic}.open"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"{}", partition=0)
    producer.flush(30)
    assert open_transactions(Kafka(kafka), settings, ["payments", "news"], 0) == {(topic, 0): 2}
    producer.abort_transaction(30)
    assert open_transactions(Kafka(kafka), settings, ["payments", "news"], 0) == {}

"""The main job on real services: a book through history, and the same book in a backtest, held against each other."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from schemas.outputs import OUTPUT_OF
from streams.audit import audit
from streams.backtest import run
from streams.blocks import Kafka
from streams.demo import count
from streams.feeds.history import ToHistory
from streams.lag import Lag
from streams.reading import read_topic
from streams.settings import Settings, policy_text
from streams.simulate import generate
from streams.store.client import connect, database_name
from streams.store.held import held
from streams.topics_admin import create
from tests.integration.pipeline import backfill, deployment, emitted, finished, prepare, workers


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.jsonl"
    with path.open("wb") as file:
        for event in generate(12, 8, 21):
            file.write(orjson.dumps(event) + b"\n")
    return path


@pytest.mark.timeout(400)
def test_the_pipeline_says_what_a_backtest_says_and_stores_what_it_says(
    kafka: str, clickhouse: str, namespace: str, tmp_path: Path, book: Path
) -> None:
    settings = deployment(kafka, clickhouse, namespace, tmp_path)
    prepare(settings, kafka)
    backfill(settings, kafka, map(orjson.loads, book.read_bytes().splitlines()))
    with workers(settings, "intake", "monitor", "store") as crew:
        finished(settings, kafka, crew)
        outputs = {name: emitted(settings, kafka, name) for name in OUTPUT_OF}
        summary = count(Kafka(kafka), settings, connect(clickhouse, database_name(clickhouse, namespace)), 0)
        findings = audit(Kafka(kafka), settings)

    expected = run(book, policy_text(settings), namespace=namespace)
    assert expected.alerts, "a book without alerts would prove nothing"
    assert expected.proposals
    for name, theirs in (("alerts", expected.alerts), ("limit-proposals", expected.proposals)):
        key = "alert_id" if name == "alerts" else "proposal_id"
        ours = {(body[key], body["number"]): body for _, body in outputs[name]}
        assert ours == {(body[key], body["number"]): body for body in orjson.loads(orjson.dumps(theirs))}
        assert len(outputs[name]) == len(theirs), f"{name}: something was emitted twice"
    assert Counter({name: len(records) for name, records in outputs.items()}) == Counter(
        {name: expected.records[name] for name in OUTPUT_OF}
    )

    for name, records in outputs.items():
        for headers, body in records:
            OUTPUT_OF[name].model_validate_json(orjson.dumps(body))
            assert headers["ce_specversion"] == "1.0"
        ids = Counter(headers["ce_id"] for headers, _ in records)
        assert max(ids.values()) == 1

    assert summary.missing() == []
    assert summary.events == expected.events
    assert findings.differences == []
    assert findings.outputs["alerts"] == len(expected.alerts)


@pytest.mark.timeout(300)
def test_what_somebody_else_writes_into_our_own_topics_stops_nobody(
    kafka: str, clickhouse: str, namespace: str, tmp_path: Path
) -> None:
    settings = deployment(kafka, clickhouse, namespace, tmp_path)
    client = Kafka(kafka)
    create(Kafka(kafka), settings)
    strays = (b"{", b"\xff\xfe", None, b'{"type": "clock.ticked"}')
    producer = client.producer({"enable.idempotence": True})
    for partition in range(4):  # before any policy stands there
        for value in strays:
            producer.produce(settings.prefixed("credit.journal.v1"), value, b"\xff", partition)
        producer.produce(settings.prefixed("credit.account-state.v1"), b"x", None, partition)
        producer.produce(settings.prefixed("credit.account-state.v1"), b"x", b"\xff", partition)
    assert producer.flush(20) == 0
    prepare(settings, kafka)
    events = [
        {"type": "account.limit_set", "credit_limit": "100.00"},
        {"type": "invoice.issued", "invoice_id": "I1", "amount": "150.00",
         "invoice_date": "2026-01-05", "due_date": "2026-02-04"},
    ]  # fmt: skip
    for number, event in enumerate(events):
        event |= {"event_id": f"e{number}", "account_id": "C1", "source": "erp", "currency": "USD",
                  "occurred_at": f"2026-01-0{number + 5}T09:00:00Z"}  # fmt: skip
    backfill(settings, kafka, events)
    with workers(settings, "intake", "monitor", "store") as crew:
        finished(settings, kafka, crew)
        findings = audit(client, settings)
    (alert,) = [body for _, body in emitted(settings, kafka, "alerts")]
    assert (alert["trigger"], alert["status"]) == ("over_limit", "opened")
    topic = settings.prefixed("credit.dead-letters.v1")
    letters = [r for n in range(client.partitions([topic])[topic]) for r in read_topic(client, topic, n)]
    assert Counter(r.value() for r in letters) == dict.fromkeys(strays, 4), (
        "each of them, and nothing of ours"
    )
    assert findings.differences == []


@contextlib.contextmanager
def fed(settings: Settings, kafka: str) -> Iterator[None]:
    """A book that goes on for ten years, five of its days a second, for as long as the block lasts."""
    over = threading.Event()

    def feed() -> None:
        with ToHistory(Kafka(kafka), settings) as sink:
            for event in generate(120, 120, 21):
                if event["type"] != "clock.ticked":
                    sink.event(event["account_id"], orjson.dumps(event))
                    continue
                sink.tick(orjson.dumps(event))
                if over.wait(0.2):
                    return

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield
    finally:
        over.set()
        feeder.join()


@pytest.mark.timeout(400)
def test_an_audit_finds_no_difference_while_events_flow(
    kafka: str, clickhouse: str, namespace: str, tmp_path: Path
) -> None:
    # So little memory that ticks are committed in slices: an audit that comes in between sees half a tick.
    settings = deployment(kafka, clickhouse, namespace, tmp_path).model_copy(update={"memory_mb": 1})
    prepare(settings, kafka)
    client = Kafka(kafka)
    lag = Lag(client, settings)

    def decided() -> int:
        """Journal offsets that the monitor has gone past."""
        return lag.of("monitor", ("journal",))["journal"][1]

    while_they_worked = 0
    with fed(settings, kafka), workers(settings, "intake", "monitor", "store") as crew:
        while while_they_worked < 2:
            crew.check()
            if not (before := decided()):
                time.sleep(0.1)
                continue
            assert audit(client, settings).differences == []
            assert held(client, settings, settings.store).differences == []
            while_they_worked += before < decided()
    lag.close()

"""Records that Kafka no longer has: of outputs, by age, no difference; of the journal, said in one sentence."""

from __future__ import annotations

import time
from functools import partial

import confluent_kafka as ck
import pytest

from schemas.topics import TOPICS
from streams.audit import audit
from streams.blocks import Kafka
from streams.errors import Refused
from streams.explain import Journal, quiet
from streams.lag import Lag
from streams.rebuild import rebuild
from streams.settings import Settings
from streams.simulate import generate
from streams.store.client import connect, database_name
from streams.store.held import held
from streams.store.migrate import migrate
from tests.integration.pipeline import backfill, deployment, finished, prepare, workers


@pytest.fixture(scope="module")
def deployed(kafka: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small book that has gone through all workers, which have stopped. The tests take more and more from it."""
    settings = deployment(kafka, clickhouse, "aged", tmp_path_factory.mktemp("aged"))
    prepare(settings, kafka)
    producer = Kafka(kafka).producer({"enable.idempotence": True})
    producer.produce(settings.prefixed("credit.news.v1"), b"no event", b"key")
    assert producer.flush(20) == 0
    backfill(settings, kafka, generate(3, 3, 5))
    with workers(settings, "intake", "monitor", "store") as crew:
        finished(settings, kafka, crew)
    return settings


def dropped(settings: Settings, kafka: str, name: str, until: int = ck.OFFSET_END) -> None:
    """As Kafka does by age: each partition of the topic begins at `until`, at its end where none is given."""
    client = Kafka(kafka)
    topic = settings.prefixed(TOPICS[name].name)
    parts = [ck.TopicPartition(topic, n, until) for n in range(client.partitions([topic])[topic])]
    admin = client.admin()  # it must outlive its answers
    for future in admin.delete_records(parts).values():
        future.result()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["dead-letters", "alerts"])
def test_rows_whose_records_are_too_old_for_kafka_are_no_difference(
    kafka: str, deployed: Settings, name: str
) -> None:
    look = partial(held, Kafka(kafka), deployed, deployed.store)
    before = look()
    dropped(deployed, kafka, name)
    after = look()
    assert before.differences == after.differences == []
    assert after.rows < before.rows


def filled(settings: Settings, kafka: str) -> str:
    """What the store says until it has its partitions and nothing is left for it to read."""
    log = settings.data_dir / "logs" / "store.log"
    log.unlink()
    until = time.monotonic() + 200
    with workers(
        settings, "store"
    ) as crew:  # Kafka is told of its offsets later, and may be told of older ones
        while "assigned" not in log.read_text() or held(Kafka(kafka), settings, settings.store).waiting:
            crew.check()
            assert time.monotonic() < until, "records are still unread"
            time.sleep(0.2)
    return log.read_text()


@pytest.mark.timeout(300)
def test_a_store_that_had_read_all_before_it_became_too_old_has_lost_nothing(
    kafka: str, deployed: Settings
) -> None:
    lag = Lag(Kafka(kafka), deployed)
    behind = lag.of("store")
    lag.close()
    assert (behind["alerts"], behind["dead-letters"]) == ((0, 0), (0, 0))
    assert "lost" not in filled(deployed, kafka)


@pytest.mark.timeout(300)
def test_a_store_that_is_filled_anew_says_what_kafka_no_longer_has(kafka: str, deployed: Settings) -> None:
    client = connect(deployed.store, None)
    client.command(f"DROP DATABASE {database_name(deployed.store, deployed.namespace)} SYNC")
    client.close()
    migrate(deployed.store, deployed.namespace)
    said = [line for line in filled(deployed, kafka).splitlines() if "the store begins later" in line]
    topics = {line.partition("topic=")[2] for line in said}
    assert topics == {"aged.credit.alerts.v1", "aged.credit.dead-letters.v1"}
    assert held(Kafka(kafka), deployed, deployed.store).differences == []


@pytest.mark.timeout(300)
def test_nothing_is_folded_from_a_journal_whose_beginning_is_gone(kafka: str, deployed: Settings) -> None:
    client = Kafka(kafka)
    assert audit(client, deployed).differences == []
    dropped(deployed, kafka, "journal", 3)
    said = r"aged\.credit\.journal\.v1/\d begins at offset 3: what came before is gone, .*'Records are gone'"
    with pytest.raises(Refused, match=said):
        audit(client, deployed)
    with pytest.raises(Refused, match=said):
        quiet(Journal(client, deployed), "aged", "C000001", "payment_drift")
    with pytest.raises(Refused, match=said):
        rebuild(client, deployed, "aged-anew", lambda _: pytest.fail("folded"), lambda *_: None)

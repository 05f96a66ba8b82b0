"""Topics created and compared on a real broker; each test has a namespace of its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import (  # type: ignore[attr-defined, unused-ignore]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.errors import Refused
from streams.reading import read_topic
from streams.settings import Settings
from streams.slot import Slot
from streams.topics_admin import State, check, compare, create


def settings_of(namespace: str, servers: str, partitions: int = 3) -> Settings:
    return Settings(
        broker=f"kafka://{servers}",
        store="clickhouse://unused",
        namespace=namespace,
        journal_partitions=partitions,
    )


def state_of(states: list[State], logical: str) -> State:
    return next(state for state in states if state.topic is TOPICS[logical])


def until(fact: Callable[[], object]) -> None:
    """The broker learns of a change a moment after the controller has confirmed it."""
    deadline = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def make(kafka: str, name: str, partitions: int, **config: str) -> None:
    new = NewTopic(
        name, partitions, 1, config={key.replace("_", "."): value for key, value in config.items()}
    )
    admin = AdminClient({"bootstrap.servers": kafka})  # held: a client that is collected ends its requests
    admin.create_topics([new])[name].result(30)
    until(lambda: name in admin.list_topics(timeout=30).topics)


def set_config(kafka: str, name: str, key: str, value: str) -> None:
    entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.incremental_alter_configs([resource])[resource].result(30)
    shown = ConfigResource(ResourceType.TOPIC, name)
    until(lambda: admin.describe_configs([shown])[shown].result(30)[key].value == value)


def test_every_topic_of_the_table_is_created_as_the_table_says(kafka: str, namespace: str) -> None:
    settings = settings_of(namespace, kafka)
    created = create(Kafka(kafka), settings)
    assert created == [f"{namespace}.{topic.name}" for topic in TOPICS.values()]
    for state in compare(Kafka(kafka), settings):
        assert state.partitions == (state.topic.partitions or 3)
        assert (state.faults, state.differences) == ((), ())
    assert check(Kafka(kafka), settings) == 3
    assert create(Kafka(kafka), settings) == []


def test_missing_topics_are_named_with_the_command_that_creates_them(kafka: str, namespace: str) -> None:
    settings = settings_of(namespace, kafka)
    with pytest.raises(
        Refused, match=rf"{namespace}\.credit\.journal\.v1 is missing.*bellwether topics --create"
    ):
        check(Kafka(kafka), settings)
    assert all(state.missing for state in compare(Kafka(kafka), settings))


def test_a_piece_of_a_state_may_have_megabytes(kafka: str, namespace: str) -> None:
    """Of a payment on 50,000 invoices the application to each stands in one piece; ids are as good as random."""
    settings = settings_of(namespace, kafka, partitions=1)
    create(Kafka(kafka), settings)
    topic = settings.prefixed(TOPICS["account-state"].name)
    piece = random.Random(1).randbytes(5_000_000)
    slot = Slot(Kafka(kafka), f"{namespace}.slot")
    assert slot.commit(lambda produce: produce(topic, piece, b"C1\0l.p.0", 0), {}, None)
    assert [record.value() for record in read_topic(Kafka(kafka), topic, 0)] == [piece]


def test_the_clusters_journal_decides_how_many_partitions_there_are(kafka: str, namespace: str) -> None:
    make(kafka, f"{namespace}.credit.journal.v1", 5, retention_ms="-1", max_message_bytes="2097152")
    settings = settings_of(namespace, kafka, partitions=3)
    create(Kafka(kafka), settings)
    states = compare(Kafka(kafka), settings)
    assert state_of(states, "account-state").partitions == state_of(states, "history").partitions == 5
    assert state_of(states, "control").partitions == 1
    assert check(Kafka(kafka), settings) == 5


@pytest.mark.parametrize(
    ("logical", "key", "value", "harmful"),
    [
        ("journal", "retention.ms", "604800000", True),
        ("account-state", "cleanup.policy", "delete", True),
        ("alerts", "retention.ms", "1000", True),
        ("alerts", "retention.ms", "-1", False),
        ("dead-letters", "max.message.bytes", "1000", True),
        ("account-state", "segment.ms", "86400000", False),
        ("account-state", "max.message.bytes", "1048588", False),
    ],
)
def test_what_loses_records_stops_workers_and_what_is_merely_different_is_shown(
    kafka: str, namespace: str, logical: str, key: str, value: str, harmful: bool
) -> None:
    settings = settings_of(namespace, kafka, partitions=1)
    create(Kafka(kafka), settings)
    name = settings.prefixed(TOPICS[logical].name)
    set_config(kafka, name, key, value)
    state = state_of(compare(Kafka(kafka), settings), logical)
    [line] = state.faults or state.differences
    assert line.startswith(f"{name} has {key}={value}, the table says ")
    assert bool(state.faults) == harmful
    if harmful:
        with pytest.raises(Refused, match=f"has {key}={value}"):
            check(Kafka(kafka), settings)
    else:
        assert check(Kafka(kafka), settings) == 1
    assert create(Kafka(kafka), settings) == []  # and nothing is changed in silence
    assert state_of(compare(Kafka(kafka), settings), logical) == state


def test_state_and_history_must_have_as_many_partitions_as_the_journal_and_sources_need_not(
    kafka: str, namespace: str
) -> None:
    settings = settings_of(namespace, kafka, partitions=2)
    make(kafka, f"{namespace}.credit.invoices.v1", 7, retention_ms="-1")
    create(Kafka(kafka), settings)
    assert check(Kafka(kafka), settings) == 2
    admin = AdminClient({"bootstrap.servers": kafka})
    name = f"{namespace}.credit.account-state.v1"
    admin.create_partitions([NewPartitions(name, 3)])[name].result(30)
    until(lambda: len(admin.list_topics(timeout=30).topics[name].partitions) == 3)
    with pytest.raises(Refused, match="has 3 partitions and must have 2, as many as the journal"):
        check(Kafka(kafka), settings)


def test_a_journal_that_was_given_more_partitions_is_refused_also_where_all_its_companions_were(
    kafka: str, namespace: str
) -> None:
    settings = settings_of(namespace, kafka, partitions=2)
    client, admin = Kafka(kafka), AdminClient({"bootstrap.servers": kafka})
    create(client, settings)
    assert check(client, settings) == 2
    producer = client.producer({"transactional.id": f"{namespace}-first"})
    producer.init_transactions(20)
    producer.begin_transaction()
    journal = settings.prefixed(TOPICS["journal"].name)
    producer.produce(
        journal, b"a policy whose worker died", partition=0, headers={"origin-topic": b"control"}
    )
    producer.flush(30)
    assert check(client, settings) == 2, "what is not committed tells nothing"
    producer.abort_transaction(20)
    producer.begin_transaction()
    producer.produce(journal, b"somebody else's", partition=0)
    producer.commit_transaction(20)
    assert check(client, settings) == 2, "nor does what is not intake's"
    producer.begin_transaction()
    policy: list[tuple[str, str | bytes | None]] = [("origin-topic", b"control")]
    producer.produce(journal, b"a policy", partition=0, headers=policy)
    other = client.producer({"transactional.id": f"{namespace}-other"})
    other.init_transactions(20)
    other.begin_transaction()
    other.produce(journal, b"a policy", partition=1, headers=policy)
    other.flush(30)
    producer.commit_transaction(20)
    assert check(client, settings) == 2, (
        "so it looks while the mark of a commit is still on its way to partition 1"
    )
    other.commit_transaction(20)
    assert check(client, settings) == 2
    grown = [settings.prefixed(TOPICS[name].name) for name in ("journal", "history", "account-state")]
    for done in admin.create_partitions([NewPartitions(name, 3) for name in grown]).values():
        done.result(30)
    until(lambda: all(len(admin.list_topics(timeout=30).topics[name].partitions) == 3 for name in grown))
    told = r"was given more partitions after its first record.*rebuild --into NEW --switch"
    with pytest.raises(Refused, match=told):
        check(client, settings)
    by_chance = client.producer({})
    by_chance.produce(journal, b"an event", "C1", partition=2, headers=policy)
    assert by_chance.flush(30) == 0
    with pytest.raises(Refused, match=told):
        check(client, settings)


def test_two_may_create_at_once(kafka: str, namespace: str) -> None:
    settings = settings_of(namespace, kafka, partitions=1)
    with ThreadPoolExecutor(3) as pool:
        created = list(pool.map(lambda _: create(Kafka(kafka), settings), range(3)))
    assert sorted(name for names in created for name in names) == sorted(
        settings.prefixed(topic.name) for topic in TOPICS.values()
    )


def test_a_cluster_that_does_not_answer_is_one_sentence(
    namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.topics_admin.TIMEOUT", 0.5)
    servers = "127.0.0.1:9"
    with pytest.raises(Refused, match=r"no Kafka answers at 127\.0\.0\.1:9 .*BELLWETHER_BROKER"):
        check(Kafka(servers), settings_of(namespace, servers))


def test_the_command_shows_creates_and_says_what_is_wrong_by_its_exit_code(
    kafka: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from streams.commands.topics import topics

    monkeypatch.setenv("BELLWETHER_BROKER", f"kafka://{kafka}")
    monkeypatch.setenv("BELLWETHER_NAMESPACE", namespace)
    monkeypatch.setenv("BELLWETHER_JOURNAL_PARTITIONS", "2")
    run = CliRunner()
    before = run.invoke(topics)
    assert before.exit_code == 1
    assert f"{namespace}.credit.alerts.v1 is missing" in before.stdout
    assert "mend: bellwether topics --create" in before.stdout
    made = run.invoke(topics, ["--create"])
    assert made.exit_code == 0, made.output
    assert f"created {namespace}.credit.alerts.v1" in made.stdout
    after = run.invoke(topics)
    assert after.exit_code == 0
    [line] = [line for line in after.stdout.splitlines() if "credit.alerts.v1" in line]
    assert line.split()[1:6] == ["2", "400", "days", "delete", "ok"]
    set_config(kafka, f"{namespace}.credit.alerts.v1", "retention.ms", "1000")
    wrong = run.invoke(topics)
    assert wrong.exit_code == 1
    assert f"{namespace}.credit.alerts.v1 has retention.ms=1000, the table says 34560000000" in wrong.stdout

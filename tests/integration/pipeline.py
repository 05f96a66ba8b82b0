"""What the tests of the whole pipeline share: its topics, tables and workers on the services of the session."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.commands.worker import start_all
from streams.control import policy_adopted, send_control
from streams.demo import settle
from streams.dev.processes import Crew
from streams.feeds.history import ToHistory
from streams.reading import read_topic
from streams.settings import Settings, policy_text
from streams.store.migrate import migrate
from streams.topics_admin import create


def deployment(kafka: str, clickhouse: str, namespace: str, data_dir: Path) -> Settings:
    return Settings(
        _env_file=None,
        broker=f"kafka://{kafka}",
        store=clickhouse,
        namespace=namespace,
        data_dir=data_dir,
        journal_partitions=4,
    )


def prepare(settings: Settings, kafka: str, text: str | None = None) -> None:
    """Topics, tables and the policy in force."""
    from datetime import UTC, datetime

    from agents.monitor import ENGINE
    from agents.policy_text import policy_hash

    text = text or policy_text(settings)
    create(Kafka(kafka), settings)
    if settings.store != "dev":
        migrate(settings.store, settings.namespace)
    send_control(Kafka(kafka), settings, policy_adopted(text, policy_hash(text), ENGINE, datetime.now(UTC)))


@contextlib.contextmanager
def workers(settings: Settings, *names: str) -> Iterator[Crew]:
    """The apps as processes of their own, as `bellwether worker` starts them; stopped in the end."""
    crew = Crew(start_all(names, settings, {"BELLWETHER_SLOT": "test"}, quiet=True))
    try:
        yield crew
    finally:
        crew.stop()


def backfill(settings: Settings, kafka: str, events: Iterable[dict[str, Any]]) -> None:
    """A book onto credit.history.v1, in its order, ticks in line."""
    with ToHistory(Kafka(kafka), settings) as sink:
        for event in events:
            line = orjson.dumps(event)
            if event["type"] == "clock.ticked":
                sink.tick(line)
            else:
                sink.event(event["account_id"], line)


def silent(stage: str, done: int, total: int) -> None:
    pass


def finished(settings: Settings, kafka: str, crew: Crew, seconds: float = 240) -> None:
    """Wait until nothing is left to read; a worker that dies fails the test with the path of its log."""

    def check() -> None:
        crew.check()

    settle(Kafka(kafka), settings, silent, check, seconds)


def emitted(settings: Settings, kafka: str, name: str) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """(headers, body) of all committed records of a topic, partition by partition."""
    client = Kafka(kafka)
    topic = settings.prefixed(TOPICS[name].name)
    out = []
    for partition in range(client.partitions([topic])[topic]):
        for record in read_topic(client, topic, partition):
            headers = {k: (v or b"").decode() for k, v in record.headers() or ()}
            out.append((headers, orjson.loads(record.value())))
    return out

"""Store workers on a real Kafka and the real engine: killed, replaced, two at once; views equal topics, row for row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import confluent_kafka as ck
import orjson
import pytest

from schemas.topics import TOPICS
from streams.store.client import Client
from streams.store.queries import ask, counts
from streams.store.rows import TOPICS_READ
from tests.faults import kit
from tests.integration.store_kit import alert, event, made, proposal, snapshot, status

VIEWS = {
    "journal": "journal",
    "alerts": "alerts",
    "limit-proposals": "proposals",
    "account-status": "account_status",
    "snapshots": "snapshots",
    "dead-letters": "dead_letters",
    "late": "late",
}
PARTITIONS = {
    "journal": 4,
    "alerts": 3,
    "limit-proposals": 2,
    "account-status": 1,
    "snapshots": 4,
    "dead-letters": 2,
    "late": 1,
}
BODIES = {
    "journal": event,
    "alerts": alert,
    "limit-proposals": proposal,
    "account-status": status,
    "snapshots": snapshot,
}

# A worker with small rounds; `die` says where its own SIGKILL meets it.
WORKER = """
import os, signal, sys
from streams.store import sink, unit
unit.MOST, unit.FULL, unit.ROUND_SECONDS = 200, 100, 0.05
die, rounds = sys.argv[1], 0
insert = sink.Sink._insert

def dying(self, made):
    global rounds
    rounds += made.table == "ingested"
    if rounds == 4 and made.table == "ingested" and die == "before ingested":
        os.kill(os.getpid(), signal.SIGKILL)
    insert(self, made)
    if rounds == 4 and made.table == "ingested" and die == "behind ingested":
        os.kill(os.getpid(), signal.SIGKILL)
    if rounds == 3 and made.table != "ingested" and die == "between two tables":
        os.kill(os.getpid(), signal.SIGKILL)

write = sink.Sink.write

def offsets_first(self, batches, reached):
    write(self, {}, reached)
    if rounds >= 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(self, batches, {})

sink.Sink._insert = dying
if die == "mistake: offsets before rows":
    sink.Sink.write = offsets_first
from streams import logs, transport
from streams.settings import Settings
from streams.store.app import build
logs.configure("console")
transport.run(build(Settings()))
"""


class Deployment:
    """Topics and tables of one namespace, and the workers that a test starts on them."""

    def __init__(self, kafka: str, clickhouse: str, namespace: str, folder: Path) -> None:
        self.kafka, self.dsn, self.namespace, self.folder = kafka, clickhouse, namespace, folder
        self.client: Client = made(clickhouse, namespace)
        self.workers: list[subprocess.Popen[bytes]] = []
        partitions = {self.topic(name): count for name, count in PARTITIONS.items()}
        kit.make_topics(kafka, partitions, [self.topic("account-status")])

    def topic(self, logical: str) -> str:
        return f"{self.namespace}.{TOPICS[logical].name}"

    def send(self, numbers: Sequence[int]) -> None:
        kit.send(
            self.kafka,
            (
                (self.topic(name), b"A%d" % (n % 7), orjson.dumps(body(n)))
                for n in numbers
                for name, body in BODIES.items()
            ),
        )
        letters = [
            (self.topic(name), b"k", b"\xff%d" % n) for n in numbers for name in ("dead-letters", "late")
        ]
        kit.send(self.kafka, letters)

    def start(self, die: str = "") -> subprocess.Popen[bytes]:
        number = len(self.workers)
        env = {
            **os.environ,
            "BELLWETHER_BROKER": f"kafka://{self.kafka}",
            "BELLWETHER_STORE": self.dsn,
            "BELLWETHER_NAMESPACE": self.namespace,
            "BELLWETHER_DATA_DIR": str(self.folder),
        }
        with (self.folder / f"worker-{number}.log").open("wb") as log:
            worker = subprocess.Popen([sys.executable, "-c", WORKER, die], env=env, stdout=log, stderr=log)
        self.workers.append(worker)
        return worker

    def log(self, number: int) -> str:
        return (self.folder / f"worker-{number}.log").read_text()

    def wait_for(self, number: int, text: str) -> None:
        until = time.monotonic() + kit.WAIT
        while text not in self.log(number):
            assert time.monotonic() < until, self.log(number)
            assert self.workers[number].poll() is None, self.log(number)
            time.sleep(0.05)

    def read(self) -> dict[str, list[Any]]:
        """All committed records, by logical topic."""
        with ThreadPoolExecutor(len(VIEWS)) as pool:
            found = pool.map(lambda name: list(kit.read(self.kafka, self.topic(name))), VIEWS)
            return dict(zip(VIEWS, found, strict=True))

    def wait_for_all(self) -> dict[str, list[Any]]:
        """Until every committed record is counted in its view; these records."""
        records = self.read()
        wanted = {VIEWS[name]: len(found) for name, found in records.items()}
        until = time.monotonic() + kit.WAIT
        while (have := counts(self.client)) != wanted:
            last = len(self.workers) - 1
            assert time.monotonic() < until, (have, wanted, self.log(last))
            assert self.workers[last].poll() is None, self.log(last)
            time.sleep(0.2)
        return records

    def differences(self, records: dict[str, list[Any]]) -> list[str]:
        """Rows that the topics have and the views do not, and the other way round."""
        found = []
        for name, view in VIEWS.items():
            has_value = name not in ("account-status", "snapshots")
            content = "hex(value)" if has_value else "account_id"
            stored: Counter[tuple[Any, ...]] = Counter(
                tuple(row)
                for row in self.client.query(
                    f"SELECT topic, partition, offset, {content} FROM {view}"
                ).result_rows
            )
            sent: Counter[tuple[Any, ...]] = Counter(
                (
                    record.topic(),
                    record.partition(),
                    record.offset(),
                    record.value().hex().upper() if has_value else orjson.loads(record.value())["account_id"],
                )
                for record in records[name]
            )
            if lost := sent - stored:
                found.append(f"{view} lacks {len(lost)} rows, one is {min(lost)}")
            if more := stored - sent:
                found.append(f"{view} has {len(more)} rows too many, one is {min(more)}")
        return found

    def has_rows_beyond_ingested(self) -> bool:
        """Whether rows stand in the tables that the next worker will write again."""
        ingested = {(row["topic"], row["partition"]): row["next_offset"] for row in self.ingested()}
        return any(
            offset >= ingested.get((topic, partition), 0)
            for view in VIEWS.values()
            for topic, partition, offset in self.client.query(
                f"SELECT topic, partition, max(offset) FROM {view} GROUP BY topic, partition"
            ).result_rows
        )

    def ingested(self) -> list[dict[str, Any]]:
        return ask(self.client, "ingested", {"group": f"{self.namespace}.store"})

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.client.command(f"DROP DATABASE `{self.client.database}`")
        self.client.close()


@pytest.fixture
def deployment(kafka: str, clickhouse: str, namespace: str, tmp_path: Path) -> Iterator[Deployment]:
    built = Deployment(kafka, clickhouse, namespace, tmp_path)
    yield built
    built.close()


def test_workers_killed_in_their_commits_lose_nothing_and_repeat_nothing(deployment: Deployment) -> None:
    deployment.send(range(500))
    for number, die in enumerate(("between two tables", "before ingested", "behind ingested")):
        assert deployment.start(die).wait(kit.WAIT) == -signal.SIGKILL, deployment.log(number)
        if die == "behind ingested":  # rows of a larger round that died before may still lie beyond
            assert any(row["next_offset"] for row in deployment.ingested())
        else:
            assert deployment.has_rows_beyond_ingested()
    assert sum(counts(deployment.client).values()) < 7 * 500  # they died with work left
    deployment.start()
    deployment.send(range(500, 520))
    assert deployment.differences(deployment.wait_for_all()) == []


def test_the_comparison_notices_offsets_that_are_written_before_their_rows(deployment: Deployment) -> None:
    deployment.send(range(400))
    assert deployment.start("mistake: offsets before rows").wait(kit.WAIT) == -signal.SIGKILL
    deployment.start()
    deployment.wait_for(1, "assigned")
    deployment.send(range(400, 401))
    until = time.monotonic() + kit.WAIT
    newest = "SELECT max(occurred_at), count() FROM journal WHERE event_id = 'e400'"
    while not deployment.client.query(newest).result_rows[0][1]:
        assert time.monotonic() < until, deployment.log(1)
        time.sleep(0.1)
    assert any("lacks" in line for line in deployment.differences(deployment.read()))


def test_two_workers_share_the_partitions_and_hand_them_over(deployment: Deployment) -> None:
    first, _ = deployment.start(), deployment.start()
    deployment.wait_for(0, "assigned")
    deployment.wait_for(1, "assigned")
    deployment.send(range(300))
    first.send_signal(signal.SIGTERM)
    deployment.send(range(300, 500))
    assert first.wait(kit.WAIT) == 0, deployment.log(0)
    assert deployment.differences(deployment.wait_for_all()) == []


def test_kafka_s_own_offsets_decide_nothing_and_show_the_lag(deployment: Deployment) -> None:
    deployment.send(range(50))
    group = f"{deployment.namespace}.store"
    parts = [(deployment.topic(name), n) for name, count in PARTITIONS.items() for n in range(count)]
    somebody = ck.Consumer({"bootstrap.servers": deployment.kafka, "group.id": group})
    highs = {tp: somebody.get_watermark_offsets(ck.TopicPartition(*tp), 10)[1] for tp in parts}
    ends = [ck.TopicPartition(*tp, high + 5) for tp, high in highs.items() if high]
    somebody.commit(offsets=ends, asynchronous=False)
    somebody.close()
    deployment.start()
    assert deployment.differences(deployment.wait_for_all()) == []
    deployment.send(range(50, 60))
    until = time.monotonic() + kit.WAIT
    probe = ck.Consumer({"bootstrap.servers": deployment.kafka, "group.id": group})
    asked = [ck.TopicPartition(*tp) for tp in parts]
    while any(
        tp.offset != probe.get_watermark_offsets(tp, 10)[1]
        for tp in probe.committed(asked, 10)
        if tp.offset >= 0
    ):
        assert time.monotonic() < until, deployment.log(0)
        time.sleep(0.2)
    probe.close()
    assert deployment.differences(deployment.wait_for_all()) == []


def test_what_was_aborted_is_not_stored(deployment: Deployment) -> None:
    producer = ck.Producer({"bootstrap.servers": deployment.kafka, "transactional.id": deployment.namespace})
    producer.init_transactions()
    for end, number in ((producer.abort_transaction, 1), (producer.commit_transaction, 2)):
        producer.begin_transaction()
        producer.produce(deployment.topic("alerts"), orjson.dumps(alert(number)), b"A1", 0)
        producer.flush()
        end()
    deployment.start()
    deployment.wait_for_all()
    assert deployment.client.query("SELECT title FROM alerts").result_rows == [("transition 2",)]


def test_a_topic_that_was_made_anew_stops_the_worker_with_one_sentence(deployment: Deployment) -> None:
    deployment.client.command(
        "INSERT INTO ingested VALUES ({group:String}, {topic:String}, 0, 1000, now64(3))",
        parameters={"group": f"{deployment.namespace}.store", "topic": deployment.topic("late")},
    )
    assert deployment.start().wait(kit.WAIT) == 1
    assert "the topic was made anew" in deployment.log(0)
    assert "Traceback" not in deployment.log(0)


def test_a_worker_without_tables_says_how_to_make_them(deployment: Deployment) -> None:
    deployment.client.command("DROP TABLE migrations")
    assert deployment.start().wait(kit.WAIT) == 1
    assert "run `bellwether migrate`" in deployment.log(0)
    assert "Traceback" not in deployment.log(0)


def test_every_topic_that_the_store_reads_is_compared_here() -> None:
    assert set(VIEWS) == set(TOPICS_READ) == set(PARTITIONS)

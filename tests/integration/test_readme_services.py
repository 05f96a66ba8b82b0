"""What the README shows of a running deployment, on real services: its consumers, queries and commands."""

from __future__ import annotations

import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined, unused-ignore]

from schemas.outputs import OUTPUT_OF
from streams.blocks import Kafka
from streams.demo import settle
from streams.settings import Settings, environment
from streams.store.client import connect, database_name
from tests import readme
from tests.integration.pipeline import deployment, emitted, silent

TEXT = readme.README.read_text(encoding="utf-8")
ALERTS, PROPOSALS = readme.blocks(TEXT, "python")
EXAMPLES = readme.ROOT / "schemas" / "examples"


def until(fact: Callable[[], Any], what: str, seconds: float = 90) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < deadline, f"it did not come true: {what}"
        time.sleep(0.05)
    return found


# ---------------------------------------------------------------- the two consumers


def body(name: str, **changed: Any) -> dict[str, Any]:
    """A record as the contract's example shows it, with a field that no consumer knows."""
    value = {
        **orjson.loads((EXAMPLES / f"{name}.json").read_bytes()),
        "from_next_year": {"a": [1]},
        **changed,
    }
    OUTPUT_OF["alerts" if name == "alert" else "limit-proposals"].model_validate_json(orjson.dumps(value))
    return value


def produce(kafka: str, topic: str, *transactions: tuple[str, list[tuple[str, dict[str, Any]]]]) -> None:
    """Transactions in turn, each ("commit" or "abort", [(ce_id, body)])."""
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"{topic}-monitor"})
    producer.init_transactions(30)
    for end, records in transactions:
        producer.begin_transaction()
        for ce_id, value in records:
            producer.produce(topic, orjson.dumps(value), value["account_id"], headers={"ce_id": ce_id})
        producer.flush(30)  # what is aborted stands in the topic all the same
        producer.commit_transaction(30) if end == "commit" else producer.abort_transaction(30)


def make_topic(kafka: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    until(lambda: topic in admin.list_topics(timeout=30).topics, f"{topic} is there")


class Program:
    """A snippet of the README as a user's file, with names of its own for topic and group."""

    def __init__(self, code: str, folder: Path, kafka: str, namespace: str, topic: str, group: str) -> None:
        for name, own in ((f'"{topic}"', f'"{namespace}.{topic}"'), (f'"{group}"', f'"{namespace}.{group}"')):
            assert code.count(name) == 1
            code = code.replace(name, own)
        # The group lets a killed member go after this long; the default would cost the test 45 seconds.
        code = code.replace("Consumer({", 'Consumer({"session.timeout.ms": 6000, ')
        self.path = folder / "snippet.py"
        self.path.write_text(code)
        self.log = folder / "snippet.log"
        self.kafka = kafka
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, self.path.name, self.kafka], cwd=self.path.parent, stdout=log, stderr=log
            )

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            with sqlite3.connect(
                f"file:{self.path.parent / database}?mode=ro", uri=True, timeout=10
            ) as reader:
                return reader.execute(query).fetchall()
        except sqlite3.OperationalError:  # it has not made its tables yet
            return []

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


@pytest.fixture
def program(kafka: str, namespace: str, tmp_path: Path) -> Iterator[Callable[[str, str, str], Program]]:
    made: list[Program] = []

    def make(code: str, topic: str, group: str) -> Program:
        made.append(Program(code, tmp_path, kafka, namespace, topic, group))
        return made[-1]

    yield make
    for one in made:
        one.kill()


def some_alerts(kafka: str, topic: str) -> None:
    """Two that count, one in a transaction that is given up, the first once more, and a last one to wait for."""
    make_topic(kafka, topic)
    produce(
        kafka,
        topic,
        (
            "commit",
            [("a", body("alert", title="first")), ("b", body("alert", status="escalated", title="second"))],
        ),
        ("abort", [("x", body("alert", title="never said"))]),
        (
            "commit",
            [("a", body("alert", title="said again")), ("c", body("alert", status="cleared", title="last"))],
        ),
    )


ALERT_ROWS = "SELECT ce_id, title FROM alerts ORDER BY ce_id"


def test_the_consumer_of_alerts_keeps_each_committed_record_once(
    kafka: str, namespace: str, program: Callable[[str, str, str], Program]
) -> None:
    topic = f"{namespace}.credit.alerts.v1"
    some_alerts(kafka, topic)
    consumer = program(ALERTS, "credit.alerts.v1", "risk-desk")
    consumer.start()
    until(lambda: ("c", "last") in consumer.rows("desk.db", ALERT_ROWS), "the last alert is taken")
    assert consumer.rows("desk.db", ALERT_ROWS) == [("a", "first"), ("b", "second"), ("c", "last")]

    consumer.kill()  # wherever it stands: what it had taken comes again or not, and counts once
    produce(
        kafka, topic, ("commit", [("b", body("alert", title="again")), ("d", body("alert", title="new"))])
    )
    consumer.start()
    until(lambda: ("d", "new") in consumer.rows("desk.db", ALERT_ROWS), "the new alert is taken")
    assert [title for _, title in consumer.rows("desk.db", ALERT_ROWS)] == ["first", "second", "last", "new"]


@pytest.mark.parametrize(
    ("planted", "wrong"),
    [
        (
            ('"read_committed"', '"read_uncommitted"'),
            [("a", "first"), ("b", "second"), ("c", "last"), ("x", "never said")],
        ),
        (
            ("ce_id PRIMARY KEY", "ce_id"),
            [("a", "first"), ("a", "said again"), ("b", "second"), ("c", "last")],
        ),
    ],
)
def test_the_same_check_finds_a_planted_mistake(
    planted: tuple[str, str],
    wrong: list[tuple[str, str]],
    kafka: str,
    namespace: str,
    program: Callable[[str, str, str], Program],
) -> None:
    assert planted[0] in ALERTS
    some_alerts(kafka, f"{namespace}.credit.alerts.v1")
    consumer = program(ALERTS.replace(*planted), "credit.alerts.v1", "risk-desk")
    consumer.start()
    until(lambda: ("c", "last") in consumer.rows("desk.db", ALERT_ROWS), "the last alert is taken")
    assert consumer.rows("desk.db", f"{ALERT_ROWS}, title") == wrong


def test_the_consumer_of_proposals_takes_approved_limits_over_once(
    kafka: str, namespace: str, program: Callable[[str, str, str], Program]
) -> None:
    def proposal(account: str, status: str, limit: str | None) -> dict[str, Any]:
        return body("limit-proposal", account_id=account, status=status, effective_limit=limit)

    topic = f"{namespace}.credit.limit-proposals.v1"
    make_topic(kafka, topic)
    produce(
        kafka,
        topic,
        ("commit", [("1", proposal("A", "proposed", None)), ("2", proposal("A", "approved", "35000.00"))]),
        ("abort", [("9", proposal("A", "approved", "99.00"))]),
        ("commit", [("3", proposal("A", "approved", "20000.00")), ("4", proposal("B", "rejected", None))]),
        ("commit", [("2", proposal("A", "approved", "35000.00")), ("5", proposal("C", "approved", "5.00"))]),
    )
    consumer = program(PROPOSALS, "credit.limit-proposals.v1", "erp")
    consumer.start()
    wanted = [("A", "20000.00", "EUR"), ("C", "5.00", "EUR")]
    query = "SELECT * FROM limits ORDER BY account_id"
    until(lambda: len(consumer.rows("erp.db", query)) == 2, "the last approved limit is taken over")
    assert consumer.rows("erp.db", query) == wanted, (
        "the repeated approval must not come back over the newer one"
    )


# ---------------------------------------------------------------- the commands, on a deployment


WRITES = ("bellwether tick", "bellwether policy adopt stricter.toml", "bellwether dead-letters replay 0/0")


@pytest.mark.timeout(500)
def test_the_commands_and_queries_of_the_readme_in_turn(
    kafka: str,
    clickhouse: str,
    namespace: str,
    tmp_path: Path,
    program: Callable[[str, str, str], Program],
) -> None:
    settings = deployment(kafka, clickhouse, namespace, tmp_path / "data").model_copy(
        update={"journal_partitions": 1}
    )
    (tmp_path / "deploy").symlink_to(readme.ROOT / "deploy")
    (tmp_path / "ledger.csv").write_text(readme.blocks(TEXT, "csv")[0])
    stricter = next(command for command in readme.RUN_ALONE if command.startswith("sed "))
    subprocess.run(stricter, shell=True, cwd=tmp_path, check=True)
    env = {**os.environ, **environment(settings)}
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    said: dict[str, str] = {}

    def run(command: str) -> None:
        done = subprocess.run(
            shlex.split(command), cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == readme.RUN_ON_SERVICES[command], f"{command}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        said[command] = done.stdout

    in_turn = list(readme.RUN_ON_SERVICES)
    at = in_turn.index("bellwether worker")
    for command in in_turn[:at]:
        run(command)
    assert all(name in said["bellwether topics"] for name in (f"{namespace}.credit.alerts.v1", "ok"))

    log = (tmp_path / "worker.log").open("wb")
    worker = subprocess.Popen(shlex.split(in_turn[at]), cwd=tmp_path, env=env, stdout=log, stderr=log)
    try:

        def settled() -> None:
            settle(Kafka(kafka), settings, silent, lambda: _lives(worker, tmp_path / "worker.log"), 120)

        run("bellwether import ledger.csv")
        settled()
        _example_events(kafka, settings)
        settled()
        for command in in_turn[at + 2 :]:
            run(command)
            if command in WRITES:
                settled()
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(60)
        log.close()
    assert worker.returncode == 0, (tmp_path / "worker.log").read_text()

    assert "states and outputs equal the refold" in said["bellwether audit"]
    assert "Pays later than it used to" in said["bellwether explain --why-not C-1001 payment_drift"]
    assert "the rebuild says what was said" in said["bellwether rebuild --into anew"]
    assert "the rebuild says what was said" in said["bellwether rebuild --into wide --partitions 24"]
    assert "is ended" in said["bellwether tick"]
    assert "is adopted" in said["bellwether policy adopt stricter.toml"]
    assert "1 dead letters" in said["bellwether dead-letters list"]
    assert "amount" in said["bellwether dead-letters show 0/0"]
    assert "1 letter was sent again" in said["bellwether dead-letters replay 0/0"]
    assert "open alert" in said["bellwether status"]

    client = connect(clickhouse, database_name(clickhouse, namespace))
    open_alerts, story = (list(client.query(sql).named_results()) for sql in readme.blocks(TEXT, "sql"))
    assert open_alerts, "the ledger of the README turns somebody"
    newest = {b["alert_id"]: b for _, b in emitted(settings, kafka, "alerts")}
    wanted = [a for a in newest.values() if a["status"] != "cleared" and a["severity"] >= 3]
    assert sorted((r["account_id"], r["trigger"]) for r in open_alerts) == sorted(
        (a["account_id"], a["trigger"]) for a in wanted
    )
    wanted_ids = sorted(headers["ce_id"] for headers, _ in emitted(settings, kafka, "alerts"))
    consumer = program(ALERTS, "credit.alerts.v1", "risk-desk")
    consumer.start()
    until(
        lambda: len(consumer.rows("desk.db", ALERT_ROWS)) >= len(wanted_ids),
        "the monitor's own alerts are taken",
    )
    assert [ce_id for ce_id, _ in consumer.rows("desk.db", ALERT_ROWS)] == wanted_ids

    figures = [b for _, b in emitted(settings, kafka, "snapshots") if b["account_id"] == "C-1001"]
    assert [str(row["as_of"]) for row in story] == [b["as_of"] for b in figures]
    assert [row["dtp_90d"] for row in story] == [b["dtp_90d"] for b in figures]


def _lives(worker: subprocess.Popen[bytes], log: Path) -> None:
    assert worker.poll() is None, log.read_text()


def _example_events(kafka: str, settings: Settings) -> None:
    """The event that the README shows, and the same with a number as money, which must be refused."""
    producer = Producer({"bootstrap.servers": kafka})
    good = orjson.loads(readme.blocks(TEXT, "json")[0])
    for event in (good, {**good, "event_id": "erp-000012", "amount": 18450.5}):
        producer.produce(settings.prefixed("credit.invoices.v1"), orjson.dumps(event), b"any key")
    assert producer.flush(30) == 0

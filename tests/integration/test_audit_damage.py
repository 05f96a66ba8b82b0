"""`bellwether audit` on real services: clean after a book, and each kind of planted damage named by its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from agents.monitor import ENGINE
from schemas.topics import TOPICS
from streams.audit import audit
from streams.blocks import Kafka
from streams.commands.audit import audit as audit_command
from streams.offsets import _commit
from streams.passed_over import passed_over
from streams.reading import bounds, read_topic
from streams.settings import Settings
from streams.simulate import generate
from streams.store.client import Client, connect, database_name
from streams.store.held import Held, held
from tests.integration.pipeline import backfill, deployment, finished, prepare, workers

Deployment = tuple[Settings, Kafka, Client]

# On a proposal that there is none of: journalled, and refused by the monitor.
DECISION = {
    "event_id": "d1", "type": "proposal.rejected", "occurred_at": "2026-01-05T10:00:00Z", "source": "desk",
    "account_id": "C000001", "proposal_id": "none", "actor": "mo", "role": "manager",
}  # fmt: skip


@pytest.fixture(scope="module")
def deployed(kafka: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """A small book that has gone through all workers, which have stopped. The tests leave it as they find it."""
    settings = deployment(kafka, clickhouse, "damage", tmp_path_factory.mktemp("damage"))
    prepare(settings, kafka)
    backfill(settings, kafka, generate(6, 8, 21))
    producer = Kafka(kafka).producer({"enable.idempotence": True})
    producer.produce(settings.prefixed("credit.decisions.v1"), orjson.dumps(DECISION), b"C000001")
    producer.produce(
        settings.prefixed("credit.news.v1"), b"no JSON \xff\xfe", b"key \xff", headers=[("h", b"\xff")]
    )
    assert producer.flush(20) == 0
    with workers(settings, "intake", "monitor", "store") as crew:
        finished(settings, kafka, crew)
    client = connect(clickhouse, database_name(clickhouse, "damage"))
    yield settings, Kafka(kafka), client
    client.close()


def environment(settings: Settings) -> dict[str, str]:
    """What names this deployment to a command."""
    return {
        f"BELLWETHER_{name.upper()}": str(getattr(settings, name))
        for name in ("broker", "store", "namespace")
    }


def looked(deployed: Deployment) -> Held:
    settings, kafka, _ = deployed
    return held(kafka, settings, settings.store)


def changed(client: Client, statement: str) -> None:
    client.command(statement, settings={"mutations_sync": 2})


def read_all(kafka: Kafka, settings: Settings, logical: str) -> Iterator[Any]:
    topic = settings.prefixed(TOPICS[logical].name)
    for partition in range(kafka.partitions([topic])[topic]):
        yield from read_topic(kafka, topic, partition)


def some(client: Client, view: str, column: str = "offset") -> dict[str, Any]:
    """A row that has that column, in the middle: it is the newest of nothing."""
    which = {
        "dead_letters": "1",
        "journal": "account_id != ''",
    }.get(view, f"offset < (SELECT max(offset) FROM {view} AS b WHERE b.account_id = a.account_id)")
    found = client.query(
        f"SELECT * FROM {view} AS a WHERE {which} AND {column} IS NOT NULL ORDER BY partition, offset LIMIT 1"
    )
    return dict(next(iter(found.named_results())))


def place(row: dict[str, Any], view: str) -> str:
    return f"{view}: the row of {row['topic']}/{row['partition']} at {row['offset']}"


@pytest.mark.timeout(300)
def test_a_store_that_nobody_touched_holds_every_record(deployed: Deployment) -> None:
    settings, kafka, _ = deployed
    said = looked(deployed)
    assert (said.differences, said.waiting) == ([], 0)
    names = ("journal", "alerts", "limit-proposals", "account-status", "snapshots", "dead-letters", "late")
    topics = [settings.prefixed(TOPICS[name].name) for name in names]
    counts = kafka.partitions(topics)
    assert len(list(read_all(kafka, settings, "dead-letters"))) == 2
    assert said.rows == sum(1 for t in topics for n in range(counts[t]) for _ in read_topic(kafka, t, n))


@pytest.mark.timeout(300)
def test_an_audit_names_what_intake_was_made_to_pass_over(deployed: Deployment) -> None:
    settings, kafka, _ = deployed
    assert passed_over(kafka, settings) == []
    topic = settings.prefixed("credit.news.v1")
    producer = kafka.producer({"enable.idempotence": True})
    for number in range(3):
        producer.produce(topic, b"no JSON %d" % number, b"C000001", partition=0)
    assert producer.flush(20) == 0
    ((_, end),) = bounds(kafka, topic, [0])
    _commit(kafka, settings.prefixed("intake"), {(topic, 0): end})
    try:
        (said,) = passed_over(kafka, settings)
        assert said.startswith(f"{topic}/0: intake is past 3 records at {end - 3} to {end - 1}, and neither")
        told = CliRunner().invoke(audit_command, env=environment(settings))
        assert (told.exit_code, said in told.output) == (1, True)
        assert "states and outputs equal the refold" in told.output
    finally:
        _commit(kafka, settings.prefixed("intake"), {(topic, 0): end - 3})
    assert passed_over(kafka, settings) == [], "they wait"


@pytest.mark.timeout(300)
def test_what_a_partition_tells_that_begins_while_an_audit_runs_is_no_difference(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, kafka, _ = deployed
    whole = audit(kafka, settings)
    monkeypatch.setattr(
        "streams.audit._committed", lambda *_: {0: -1, 1: -1}
    )  # as if asked before the first commits
    begun_since = audit(kafka, settings)
    assert begun_since.differences == whole.differences == []
    assert (begun_since.journal, begun_since.accounts) == (whole.journal, whole.accounts)
    assert whole.accounts == 6


def at(row: dict[str, Any]) -> str:
    return f"topic = '{row['topic']}' AND partition = {row['partition']} AND offset = {row['offset']}"


@pytest.mark.timeout(300)
def test_what_another_engine_decided_is_not_refolded_and_the_store_is_compared_all_the_same(
    deployed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = deployed[0]
    monkeypatch.setattr("streams.audit.ENGINE", "99")
    told = CliRunner().invoke(audit_command, env=environment(settings))
    assert told.exit_code == 1
    first, *rest = told.output.splitlines()
    assert first.startswith(f"bellwether: outputs were made by engine {ENGINE}, and this is engine 99: ")
    assert [" rows of the store compared" in rest[0], *rest[1:]] == [True, "the store equals the topics"]


@pytest.mark.timeout(300)
def test_each_deleted_row_is_named(deployed: Deployment) -> None:
    client = deployed[2]
    gone = {
        view: some(client, view)
        for view in ("journal", "alerts", "snapshots", "account_status", "dead_letters")
    }
    for view, row in gone.items():
        changed(client, f"CREATE TABLE kept_{view} AS {view}_rows")
        changed(client, f"INSERT INTO kept_{view} SELECT * FROM {view}_rows WHERE {at(row)}")
        changed(client, f"ALTER TABLE {view}_rows DELETE WHERE {at(row)}")
    try:
        assert sorted(looked(deployed).differences) == sorted(
            f"{place(row, view)} is missing" for view, row in gone.items()
        )
    finally:
        for view in gone:
            client.command(f"INSERT INTO {view}_rows SELECT * FROM kept_{view}")
            client.command(f"DROP TABLE kept_{view} SYNC")


# By view: the column that is changed, how, and how that is taken back.
CHANGES = [
    ("journal", "type", "concat(type, '!')", "replaceOne(type, '!', '')"),
    ("alerts", "severity", "severity - 1", "severity + 1"),
    ("snapshots", "exposure", "exposure + toDecimal32('0.01', 2)", "exposure - toDecimal32('0.01', 2)"),
    ("account_status", "status", "concat(status, '!')", "replaceOne(status, '!', '')"),
    ("dead_letters", "reason", "concat(reason, '!')", "replaceOne(reason, '!', '')"),
]
OTHERS = [
    ("snapshots", "dtp_90d", "dtp_90d + 0.5", "dtp_90d - 0.5"),
    ("dead_letters", "value", "concat(value, '!')", "replaceOne(value, '!', '')"),
]  # fmt: skip


@pytest.mark.timeout(300)
@pytest.mark.parametrize("changes", [CHANGES, OTHERS], ids=["one of each view", "floats and bytes"])
def test_each_value_that_was_changed_is_named_with_its_column(
    deployed: Deployment, changes: list[tuple[str, str, str, str]]
) -> None:
    client = deployed[2]
    rows = [some(client, view, column) for view, column, _, _ in changes]
    for (view, column, wrong, _), row in zip(changes, rows, strict=True):
        changed(client, f"ALTER TABLE {view}_rows UPDATE {column} = {wrong} WHERE {at(row)}")
    try:
        said = [one for one in looked(deployed).differences if " missing or different, " not in one]
        assert sorted(said) == sorted(
            f"{place(row, view)} differs in {column}"
            for (view, column, _, _), row in zip(changes, rows, strict=True)
        )
    finally:
        for (view, column, _, right), row in zip(changes, rows, strict=True):
            changed(client, f"ALTER TABLE {view}_rows UPDATE {column} = {right} WHERE {at(row)}")


# What the store makes of its rows: how it is damaged, and how that is taken back.
MADE = {
    "decisions": ("actor = 'eve'", "actor = 'mo'"),
    "refused_decisions": ("reason = concat(reason, '!')", "reason = replaceOne(reason, '!', '')"),
    "account_weeks": ("past_due = past_due + 1", "past_due = past_due - 1"),
    "alerts_by_trigger": ("title = concat(title, '!')", "title = replaceOne(title, '!', '')"),
}
# Sets: what fills them anew when all of them are gone.
SETS = {
    "alerts_opened": "SELECT as_of AS day, trigger, severity, history, uniqExactState(alert_id), uniqExactState(account_id) "
    "FROM alerts WHERE status = 'opened' GROUP BY day, trigger, severity, history",
    "account_industries_named": "SELECT account_id, max(tuple(occurred_at, event_id, JSONExtractString(value, 'industry'))) "
    "FROM journal WHERE type = 'account.updated' OR (type = 'account.opened' AND value LIKE '%\"industry\"%') "
    "GROUP BY account_id",
}


@pytest.mark.timeout(300)
def test_what_the_store_makes_of_its_rows_is_held_against_them(deployed: Deployment) -> None:
    client = deployed[2]
    rows = {name: client.query(f"SELECT count() FROM {name}_rows FINAL").result_rows[0][0] for name in MADE}
    for name, (wrong, _) in MADE.items():
        changed(client, f"ALTER TABLE {name}_rows UPDATE {wrong} WHERE 1")
    for name in SETS:
        client.command(f"TRUNCATE TABLE {name}_rows")
    try:
        said = looked(deployed).differences
    finally:
        for name, (_, right) in MADE.items():
            changed(client, f"ALTER TABLE {name}_rows UPDATE {right} WHERE 1")
        for name, fill in SETS.items():
            client.command(f"INSERT INTO {name}_rows {fill}")
    assert [one.partition(" missing or different, one of them ")[0] for one in said[: len(MADE)]] == [
        f"{name}: {number} row{'' if number == 1 else 's'}" for name, number in rows.items()
    ]
    assert [one.partition(":")[0] for one in said[len(MADE) :]] == [
        "alerts_opened_daily",
        "account_industries",
    ]
    assert looked(deployed).differences == []


@pytest.mark.timeout(300)
def test_a_row_without_a_record_is_named(deployed: Deployment) -> None:
    client = deployed[2]
    row = some(client, "alerts")
    where = f"topic = '{row['topic']}' AND partition = {row['partition']}"
    client.command(
        "INSERT INTO alerts_rows SELECT * REPLACE (toInt64(1000000) AS offset) FROM "
        f"(SELECT * FROM alerts WHERE {where} AND offset = {row['offset']})"
    )
    try:
        said = looked(deployed).differences
    finally:
        changed(client, f"ALTER TABLE alerts_rows DELETE WHERE {where} AND offset = 1000000")
        changed(client, f"ALTER TABLE alerts_newest_rows DELETE WHERE {where} AND offset = 1000000")
        changed(client, f"ALTER TABLE alerts_by_trigger_rows DELETE WHERE {where} AND offset = 1000000")
        newest = "SELECT * FROM alerts ORDER BY offset DESC LIMIT 1 BY account_id"
        client.command(f"INSERT INTO alerts_newest_rows {newest}, alert_id")
        client.command(f"INSERT INTO alerts_by_trigger_rows {newest}, trigger")
    assert said == [
        f"alerts: a row says {row['topic']}/{row['partition']} at 1000000, where no such record is"
    ]


@pytest.mark.timeout(300)
def test_the_newest_row_of_an_account_must_be_the_newest_of_its_rows(deployed: Deployment) -> None:
    client = deployed[2]
    (account, offset, grade) = client.query(
        "SELECT account_id, offset, grade FROM snapshots_latest ORDER BY account_id LIMIT 1"
    ).result_rows[0]
    changed(client, f"ALTER TABLE snapshots_newest_rows UPDATE grade = 'Z' WHERE account_id = '{account}'")
    try:
        assert looked(deployed).differences == [
            f"snapshots_latest: of account {account} the row of offset {offset} is missing or differs"
        ]
    finally:
        changed(
            client,
            f"ALTER TABLE snapshots_newest_rows UPDATE grade = '{grade}' WHERE account_id = '{account}'",
        )


@pytest.mark.timeout(300)
def test_forged_records_of_outputs_are_named_and_stop_nothing(deployed: Deployment) -> None:
    settings, kafka, _ = deployed
    topic = settings.prefixed("credit.alerts.v1")
    partition = next(n for n in range(4) if any(read_topic(kafka, topic, n)))
    first = next(iter(read_topic(kafka, topic, partition)))
    last = max(record.offset() for record in read_topic(kafka, topic, partition))
    end = last + 2  # behind the transaction's marker
    body = orjson.dumps(orjson.loads(first.value()) | {"severity": 1, "title": "all is well"})
    assert audit(kafka, settings).differences == []
    producer = kafka.producer({"enable.idempotence": True})
    forged: list[tuple[bytes | None, Any]] = [
        (body, first.headers()), (b"junk", None), (b"{}", None), (b"[]", [("ce_id", b"x")]), (None, None),
    ]  # fmt: skip
    for value, headers in forged:
        producer.produce(topic, value, first.key(), partition, headers=headers)
    assert producer.flush(20) == 0
    ce_id = dict(first.headers())["ce_id"].decode()
    assert audit(kafka, settings).differences == [
        f"{topic}/{partition} at {end}: ce_id {ce_id} stands there a second time, and differs in severity, title",
        f"{topic}/{partition} at {end + 1}: no record of ours: no ce_id",
        f"{topic}/{partition} at {end + 2}: no record of ours: no ce_id",
        f"{topic}/{partition} at {end + 3}: no record of ours: no JSON object",
        f"{topic}/{partition} at {end + 4}: no record of ours: no ce_id",
    ]
    # As though the store had gone past them without a word.
    deployed[2].command(
        "INSERT INTO ingested (consumer_group, topic, partition, next_offset, updated_at) VALUES "
        f"('{settings.prefixed('store')}', '{topic}', {partition}, {end + 5}, now())"
    )
    assert looked(deployed).differences == [
        f"alerts: the row of {topic}/{partition} at {end} is missing",
        *(
            f"dead_letters: the record of {topic}/{partition} at {offset}, of which no row can be made, is missing"
            for offset in range(end + 1, end + 5)
        ),
    ]

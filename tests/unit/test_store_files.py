"""The files of the migrations: numbers without gaps, statements that bear a repetition; and the name of the database."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from streams.errors import Refused
from streams.store import client
from streams.store.client import connect, database_name, named
from streams.store.migrate import FILES, read_files, statements

GOOD = "CREATE TABLE IF NOT EXISTS t (a Int8) ENGINE = MergeTree ORDER BY a;\n"


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        (path / f"{name}.sql").write_text(text)
    return path


def test_the_files_that_we_ship_are_in_order() -> None:
    files = read_files()
    assert [migration.number for migration in files] == list(range(1, len(files) + 1))
    assert all(migration.statements for migration in files)
    assert FILES.name == "clickhouse"


def test_statements_end_with_a_semicolon_at_a_lines_end() -> None:
    sql = "-- one; two\nSELECT ';' AS a,\n  1;\n\n  -- comment;\nSELECT 2 ;\r\nSELECT 3"
    assert statements(sql) == ("SELECT ';' AS a,\n  1", "SELECT 2", "SELECT 3")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no migrations"),
        ({"0001_a": GOOD, "0003_c": GOOD}, "no file 0002 before 0003_c.sql"),
        ({"0002_b": GOOD}, "no file 0001"),
        (
            {"0001_a": GOOD, "0001_b": GOOD},
            "0001_b.sql and 0001_a.sql have the same number; give the newer one 0002",
        ),
        ({"1_a": GOOD}, "not named NNNN_name.sql"),
        ({"0001_a": "CREATE TABLE t (a Int8) ENGINE = Memory;"}, "cannot be run twice"),
        ({"0001_a": GOOD + "INSERT INTO t VALUES (1);"}, "cannot be run twice"),
        ({"0001_a": GOOD + "ALTER TABLE t ADD COLUMN b Int8;"}, "cannot be run twice"),
        ({"0001_a": GOOD + "DROP TABLE t;"}, "cannot be run twice"),
    ],
)
def test_a_folder_that_is_not_in_order_is_refused(tmp_path: Path, files: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        read_files(folder(tmp_path, **files))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS b Int8",
        "ALTER TABLE t DROP COLUMN IF EXISTS b",
        "ALTER TABLE t MODIFY TTL d + INTERVAL 1 DAY",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS v TO t AS SELECT 1",
        "DROP VIEW IF EXISTS v",
    ],
)
def test_what_bears_a_repetition_is_taken(tmp_path: Path, statement: str) -> None:
    [migration] = read_files(folder(tmp_path, **{"0001_a": statement + ";\n"}))
    assert migration.statements == (statement,)


@pytest.mark.parametrize(
    ("dsn", "namespace", "name"),
    [
        ("clickhouse://h", "", "bellwether"),
        ("clickhouse://h/", "acme", "acme_bellwether"),
        ("clickhouse://u:p@h:8123/credit", "", "credit"),
        ("clickhouse://u:p@h:8123/credit?x=1", "acme-eu", "acme-eu_credit"),
    ],
)
def test_the_namespace_stands_before_the_database(dsn: str, namespace: str, name: str) -> None:
    assert database_name(dsn, namespace) == name


@pytest.mark.parametrize(
    ("dsn", "shown"),
    [
        ("clickhouse://user:secret@db.example/x", "db.example:8123"),
        ("clickhouses://user:secret@db.example", "db.example:8443"),
        ("clickhouse://u:p%40ss@127.0.0.1:9/x", "127.0.0.1:9"),
    ],
)
def test_the_store_is_shown_without_its_password(dsn: str, shown: str) -> None:
    assert named(dsn) == shown


def test_a_port_that_is_no_number_is_refused() -> None:
    with pytest.raises(Refused, match="port"):
        named("clickhouse://h:eight/x")


def test_a_port_with_403_in_it_is_no_wrong_password() -> None:
    slow = OperationalError("Error HTTPConnectionPool(host='127.0.0.1', port=40329): Read timed out.")
    with pytest.raises(Refused, match="does not answer in time"), client.refusals("127.0.0.1:40329"):
        raise slow


def test_a_proxy_that_lets_nobody_in_asks_for_another_user_or_password() -> None:
    barred = DatabaseError("HTTP driver received HTTP status 403, server response: go away")
    with pytest.raises(Refused, match="does not accept the user"), client.refusals("db.example:8123"):
        raise barred


def test_a_store_that_takes_the_call_and_says_nothing_is_given_up_and_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a stopped ClickHouse does: five minutes for a statement are no five minutes for the first word."""
    monkeypatch.setattr(client, "FIRST_ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Refused, match=f"the store at {where} does not answer in time"):
            connect(f"clickhouse://{where}", None, timeout=300)

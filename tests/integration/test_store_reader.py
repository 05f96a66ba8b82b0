"""The user of dashboards: reads every view, and can change nothing, on the dev engine and by the file for a server."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from streams.settings import deploy_dir
from streams.store.client import Client
from streams.store.sink import Sink
from tests.integration.store_kit import Record, alert, count, made
from tests.integration.test_dev_clickhouse_front import http_call

BY_HEADER = {"X-ClickHouse-User": "dashboard", "X-ClickHouse-Key": "anything"}
BY_BASIC = {"Authorization": "Basic " + base64.b64encode(b"dashboard:anything").decode()}


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[Client]:
    client = made(clickhouse, "reader")
    sink = Sink(clickhouse, "reader", "store")
    sink.write({"alerts": [Record(alert(n), n) for n in range(5)]}, {})
    sink.close()
    yield client
    client.command(f"DROP DATABASE `{client.database}`")
    client.close()


@pytest.mark.parametrize("headers", [BY_HEADER, BY_BASIC], ids=["header", "basic"])
def test_the_reader_reads(clickhouse: str, store: Client, headers: dict[str, str]) -> None:
    path = f"/?database={store.database}&max_execution_time=20"
    assert http_call(clickhouse, "POST", path, "SELECT count() FROM alerts_current", headers)[:2] == (
        200,
        b"5\n",
    )


def test_the_reader_reads_as_a_user_in_the_url(clickhouse: str, store: Client) -> None:
    question = quote("SELECT count() FROM alerts")
    path = f"/?database={store.database}&user=dashboard&query={question}"
    assert http_call(clickhouse, "GET", path)[:2] == (200, b"5\n")


@pytest.mark.parametrize("headers", [BY_HEADER, BY_BASIC], ids=["header", "basic"])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO alerts_rows SELECT * FROM alerts_rows",
        "INSERT INTO ingested FORMAT TSV\ng\tt\t0\t7\t2026-01-01 00:00:00\n",
        "TRUNCATE TABLE alerts_rows",
        "ALTER TABLE alerts_rows DELETE WHERE 1",
        "ALTER TABLE alerts_rows ADD COLUMN mine Int8",
        "DROP TABLE alerts_rows",
        "CREATE TABLE mine (a Int8) ENGINE = Memory",
        "CREATE OR REPLACE VIEW alerts AS SELECT 1",
        "RENAME TABLE alerts_rows TO elsewhere",
        "OPTIMIZE TABLE alerts_rows FINAL",
        "SYSTEM STOP MERGES",
        "INSERT INTO FUNCTION file('out.tsv', 'TSV', 'a Int8') SELECT 1",
        "SELECT * FROM file('/etc/hostname', 'LineAsString')",
        "SET readonly = 0",
        "SELECT count() FROM alerts SETTINGS readonly = 0",
        "SELECT count() FROM alerts SETTINGS max_memory_usage = 12345",
    ],
)
def test_the_reader_changes_nothing(
    clickhouse: str, store: Client, statement: str, headers: dict[str, str]
) -> None:
    before = count(store, "alerts_rows")
    status, text, found = http_call(clickhouse, "POST", f"/?database={store.database}", statement, headers)
    assert (status, found["x-clickhouse-exception-code"]) == (403, "164"), text
    assert count(store, "alerts_rows") == before == 5
    assert count(store, "ingested") == 0


@pytest.mark.parametrize("setting", ["readonly=0", "readonly=2", "max_memory_usage=1"])
def test_the_reader_takes_no_right_by_the_url(clickhouse: str, store: Client, setting: str) -> None:
    path = f"/?database={store.database}&{setting}"
    status, _, found = http_call(clickhouse, "POST", path, "TRUNCATE TABLE alerts_rows", BY_HEADER)
    assert (status, found["x-clickhouse-exception-code"]) == (403, "164")


def test_another_user_may_write(clickhouse: str, store: Client) -> None:
    """The refusals above are the reader's, not the front's."""
    path = f"/?database={store.database}"
    named = {"X-ClickHouse-User": "bellwether"}
    assert http_call(clickhouse, "POST", path, "OPTIMIZE TABLE alerts_rows FINAL", named)[0] == 200


def test_the_file_for_a_server_says_the_same() -> None:
    root = ET.parse(deploy_dir() / "clickhouse" / "users.d" / "dashboard.xml").getroot()
    user = root.find("users/dashboard")
    assert user is not None
    profile = root.find(f"profiles/{user.findtext('profile')}")
    assert profile is not None
    assert profile.findtext("readonly") == "1"
    changeable = [
        e.tag for e in profile.findall("constraints/*") if e.find("changeable_in_readonly") is not None
    ]
    assert changeable == ["max_execution_time"]
    assert [e.text for e in user.findall("grants/query")] == ["GRANT SELECT ON bellwether.*"]
    password = user.find("password")
    assert password is not None
    assert password.attrib == {"from_env": "CLICKHOUSE_READONLY_PASSWORD"}
    assert not password.text

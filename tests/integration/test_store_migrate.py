"""Migrations on the real engine: applied once, tampering refused, differences named; and a store that cannot be used."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.commands.migrate import migrate as command
from streams.errors import Refused
from streams.store.client import Client, connect
from streams.store.migrate import FILES, differences, migrate, read_files, require_current
from streams.store.rows import REFUSED, TABLES, rows
from tests.integration.store_kit import made
from tests.ports import free_port


@pytest.fixture
def store(clickhouse: str, namespace: str) -> Iterator[Client]:
    """A client of a deployment of its own, migrated; its database is dropped afterwards."""
    client = made(clickhouse, namespace)
    yield client
    client.command(f"DROP DATABASE `{client.database}`")
    client.close()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The shipped files, to be changed."""
    return Path(shutil.copytree(FILES, tmp_path / "clickhouse"))


def test_the_first_run_applies_all_and_the_second_nothing(clickhouse: str, namespace: str) -> None:
    assert migrate(clickhouse, namespace) == [migration.name for migration in read_files()]
    assert migrate(clickhouse, namespace) == []
    assert differences(clickhouse, namespace) == []


def test_a_namespace_has_tables_of_its_own(store: Client, clickhouse: str, namespace: str) -> None:
    assert store.database == f"{namespace}_bellwether"
    with pytest.raises(Refused, match="has no database"):
        connect(clickhouse, f"{namespace}_other")


def test_a_file_that_was_changed_after_it_was_applied_is_refused(
    store: Client, clickhouse: str, namespace: str, files: Path
) -> None:
    with (files / "0002_alerts.sql").open("a") as file:
        file.write("-- a harmless remark\n")
    with pytest.raises(Refused, match=r"0002_alerts\.sql was changed after it was applied"):
        migrate(clickhouse, namespace, files)
    with pytest.raises(Refused, match=r"0002_alerts\.sql"):
        differences(clickhouse, namespace, files)


def test_a_database_newer_than_the_files_is_refused(
    store: Client, clickhouse: str, namespace: str, files: Path
) -> None:
    newest = max(files.glob("*.sql"))
    newest.unlink()
    with pytest.raises(Refused, match=f"newer than this program: it has {newest.name}"):
        migrate(clickhouse, namespace, files)


@pytest.mark.parametrize(
    ("kind", "name", "file"),
    [
        ("TABLE", "alerts_newest_rows", "0011_newest_rows.sql"),
        ("VIEW", "alerts_newest_feed", "0011_newest_rows.sql"),
        ("VIEW", "concentration", "0012_accounts_and_concentration.sql"),
    ],
)
def test_a_table_or_view_that_is_gone_is_named_by_the_store_and_by_migrate(
    store: Client, clickhouse: str, namespace: str, kind: str, name: str, file: str
) -> None:
    require_current(store, "here")
    store.command(f"DROP {kind} {name}")
    said = rf"{namespace}_bellwether has lost {name} \({file}\): rows"
    with pytest.raises(Refused, match=said):
        require_current(store, "here")
    with pytest.raises(Refused, match=said):
        migrate(clickhouse, namespace)


def test_a_file_that_failed_halfway_is_run_again_when_it_is_mended(
    store: Client, clickhouse: str, namespace: str, files: Path
) -> None:
    next_file = files / f"{len(read_files()) + 1:04}_more.sql"
    first = "CREATE TABLE IF NOT EXISTS more (a Int8) ENGINE = MergeTree ORDER BY a;\n"
    next_file.write_text(first + "CREATE TABLE IF NOT EXISTS bad (a Int8) ENGINE = NoSuchEngine;\n")
    with pytest.raises(Refused, match="NoSuchEngine"):
        migrate(clickhouse, namespace, files)
    with pytest.raises(Refused, match="lacks"):
        require_current(store, "here", files)
    next_file.write_text(first)
    assert migrate(clickhouse, namespace, files) == [next_file.name]


def test_migrators_at_once_do_no_harm(clickhouse: str, namespace: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(clickhouse, namespace), range(4)))
    assert differences(clickhouse, namespace) == []
    assert migrate(clickhouse, namespace) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("ALTER TABLE journal_rows DROP COLUMN amount", "journal_rows: column amount is missing"),
        ("ALTER TABLE alerts_rows MODIFY COLUMN severity Int32", "alerts_rows: column severity is Int32"),
        ("ALTER TABLE late_rows ADD COLUMN mine Int8", "late_rows: column mine is unknown to the files"),
        ("DROP TABLE ingested", "ingested: the table is missing"),
        (
            "CREATE OR REPLACE VIEW alerts AS SELECT * FROM alerts_rows",
            "alerts: the view was altered; it reads",
        ),
        ("DROP VIEW portfolio_weekly", "portfolio_weekly: the view is missing"),
        ("DROP VIEW decisions_feed", "decisions_feed: the view is missing"),
        (
            "ALTER TABLE alerts_opened_feed MODIFY QUERY SELECT as_of AS day, trigger, severity, history, "
            "uniqExactState(alert_id) AS opened, uniqExactState(account_id) AS accounts FROM alerts_rows "
            "GROUP BY day, trigger, severity, history",
            "alerts_opened_feed: the view was altered; it reads",
        ),
        (
            "ALTER TABLE portfolio_weekly_refresh MODIFY REFRESH EVERY 1 DAY",
            "portfolio_weekly_refresh: refresh is EVERY 1 DAY, the files have AFTER 30 SECOND",
        ),
        (
            "CREATE OR REPLACE TABLE ingested (consumer_group LowCardinality(String), topic LowCardinality(String), "
            "partition Int32, next_offset Int64, updated_at DateTime64(3, 'UTC')) "
            "ENGINE = ReplacingMergeTree(next_offset) ORDER BY (topic, partition)",
            "ingested: order key is topic, partition",
        ),
    ],
)
def test_check_names_what_differs(
    store: Client, clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch, change: str, found: str
) -> None:
    store.command(change)
    lines = differences(clickhouse, namespace)
    assert any(line.startswith(found) for line in lines), lines
    monkeypatch.setenv("BELLWETHER_STORE", clickhouse)
    monkeypatch.setenv("BELLWETHER_BROKER", "kafka://unused:9092")
    monkeypatch.setenv("BELLWETHER_NAMESPACE", namespace)
    said = CliRunner().invoke(command, ["--check"])
    assert said.exit_code == 1
    assert found in said.output


def test_check_leaves_nothing_behind_and_says_when_all_is_well(
    store: Client, clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLWETHER_STORE", clickhouse)
    monkeypatch.setenv("BELLWETHER_BROKER", "kafka://unused:9092")
    monkeypatch.setenv("BELLWETHER_NAMESPACE", namespace)
    said = CliRunner().invoke(command, ["--check"])
    assert (said.exit_code, "is as the files say" in said.output) == (0, True)
    databases = store.query("SELECT name FROM system.databases").result_columns[0]
    assert [name for name in databases if "_check_" in name] == []


def test_check_of_a_database_that_is_not_there_names_it(clickhouse: str, namespace: str) -> None:
    assert differences(clickhouse, namespace) == [f"the database {namespace}_bellwether does not exist"]


def test_rows_have_the_columns_of_the_tables(store: Client) -> None:
    for topic in (*(table.topic for table in TABLES), *REFUSED):
        built = rows(topic, [])
        names = store.query(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String}",
            parameters={"table": built.table},
        ).result_columns[0]
        assert set(built.names) == set(names), topic


def test_views_say_what_is_in_them_and_their_columns_what_those_of_their_table_say(store: Client) -> None:
    silent = store.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' AND comment = '' ORDER BY name"
    ).result_columns
    assert silent == [["account_weeks", "accounts_alerted"]], "views that only other views read"
    unsaid = store.query(
        """
        SELECT concat(view.table, '.', view.name) FROM system.columns AS view
        INNER JOIN system.columns AS rows ON rows.name = view.name AND rows.database = view.database
        WHERE view.database = currentDatabase() AND view.comment = '' AND rows.comment != ''
            AND rows.table = concat(view.table, '_rows') AND view.table NOT IN ('account_weeks', 'accounts_alerted')"""
    ).result_rows
    assert unsaid == []


def test_views_show_topic_partition_and_offset_of_every_row(store: Client) -> None:
    views = (
        "journal",
        "alerts",
        "alerts_current",
        "alerts_open",
        "proposals",
        "snapshots",
        "snapshots_latest",
        "late",
    )
    for view in views:
        assert store.query(f"SELECT topic, partition, offset FROM {view} ORDER BY offset").result_rows == []


# -- a store that cannot be used


@pytest.fixture
def refusing() -> Iterator[int]:
    """A server that knows no password."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = b"Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)"
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(403)
            self.send_header("X-ClickHouse-Exception-Code", "516")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("call", [migrate, differences, lambda dsn: connect(dsn, "x")])
def test_a_wrong_password_is_one_sentence_without_it(refusing: int, call: object) -> None:
    assert callable(call)
    with pytest.raises(
        Refused, match=rf"127\.0\.0\.1:{refusing} does not accept the user or the password"
    ) as refused:
        call(f"clickhouse://analyst:sw0rdf1sh@127.0.0.1:{refusing}/credit")
    assert "sw0rdf1sh" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_store_of_this_machine_is_asked_without_the_proxy_that_others_are_asked_through(
    clickhouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    here = connect(clickhouse, None)
    assert here.query("SELECT 1").result_rows == [(1,)]
    here.close()
    for dsn in ("clickhouse://analyst@store.example:8123", "clickhouses://analyst@store.example:8443"):
        with pytest.raises(Refused, match=r"cannot be reached through the proxy of http_proxy.*in no_proxy$"):
            connect(dsn, None)


@pytest.mark.parametrize("call", [migrate, differences, lambda dsn: connect(dsn, "x")])
def test_a_server_that_is_not_there_is_one_sentence(call: object) -> None:
    assert callable(call)
    port = free_port()
    with pytest.raises(Refused, match=rf"127\.0\.0\.1:{port} cannot be reached") as refused:
        call(f"clickhouse://analyst:sw0rdf1sh@127.0.0.1:{port}/credit")
    assert "sw0rdf1sh" not in str(refused.value)
    assert "\n" not in str(refused.value)

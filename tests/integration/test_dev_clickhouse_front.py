"""The ClickHouse front as its users see it: clickhouse-connect's network client, curl, Grafana."""

from __future__ import annotations

import datetime
import http.client
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError

from streams.dev.processes import Child, _start_clickhouse, dev_services, start, stop
from streams.settings import Settings

ROWS = 300_000
DAY = datetime.date(2024, 2, 29)


@pytest.fixture
def client(clickhouse: str, namespace: str) -> Iterator[Any]:
    """A client in a database of the test's own."""
    first = clickhouse_connect.get_client(dsn=clickhouse)
    first.command(f"CREATE DATABASE {namespace}")
    yield clickhouse_connect.get_client(dsn=clickhouse, database=namespace)
    first.command(f"DROP DATABASE {namespace}")


def http_call(
    dsn: str, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(dsn).port or 0, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()}
    finally:
        connection.close()


# ---------------------------------------------------------------- inserts and results


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", False])
def test_every_row_of_a_large_insert_arrives_whatever_the_compression(
    clickhouse: str, client: Any, compression: str | bool
) -> None:
    client.command(
        "CREATE TABLE t (a UInt64, b String, d Date, m Decimal(18, 2)) ENGINE = MergeTree ORDER BY a"
    )
    writer = clickhouse_connect.get_client(dsn=clickhouse, database=client.database, compress=compression)
    numbers = list(range(ROWS))
    columns: list[list[Any]] = [
        numbers,
        [f"n{i}" for i in numbers],
        [DAY] * ROWS,
        [Decimal(i) / 100 for i in numbers],
    ]
    summary = writer.insert("t", columns, column_names=["a", "b", "d", "m"], column_oriented=True)
    assert summary.written_rows == ROWS
    total = ROWS * (ROWS - 1) // 2
    [row] = client.query("SELECT count(), sum(a), sum(m), uniqExact(b), any(d) FROM t").result_rows
    assert row == (ROWS, total, Decimal(total) / 100, ROWS, DAY)
    assert [row[0] for row in client.query("SELECT a FROM t ORDER BY a").result_rows] == numbers


def test_a_torn_insert_writes_nothing_and_is_an_error(clickhouse: str, client: Any) -> None:
    import lz4.frame

    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    frame = lz4.frame.compress(b"".join(b"%d\n" % i for i in range(1000)))
    path = f"/?database={client.database}&query=" + quote("INSERT INTO t FORMAT CSV")
    status, text, headers = http_call(clickhouse, "POST", path, frame[:-8], {"Content-Encoding": "lz4"})
    assert (status, headers["x-clickhouse-exception-code"]) == (500, "354"), text
    assert client.command("SELECT count() FROM t") == 0


def test_a_bad_row_is_an_error_and_none_of_its_block_is_written(client: Any) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    with pytest.raises(DatabaseError) as info:
        client.raw_insert("t", ["a"], b"1\n2\nthree\n", fmt="CSV")
    assert info.value.code == 117
    assert client.command("SELECT count() FROM t") == 0


def test_what_the_engine_could_not_write_is_an_error(client: Any) -> None:
    """Too many parts stand for all that goes wrong after the rows were read: no space, a merge table that is read-only."""
    client.command(
        "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a "
        "SETTINGS parts_to_throw_insert = 1, parts_to_delay_insert = 1000"
    )
    client.command("SYSTEM STOP MERGES t")
    client.insert("t", [[1]], column_names=["a"])
    with pytest.raises(DatabaseError) as info:
        client.insert("t", [[2]], column_names=["a"])
    assert info.value.code == 252
    assert client.command("SELECT count() FROM t") == 1


def test_what_a_view_could_not_take_is_an_error(client: Any) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    client.command("CREATE TABLE small (a UInt64, CONSTRAINT c CHECK a < 2) ENGINE = MergeTree ORDER BY a")
    client.command("CREATE MATERIALIZED VIEW feed TO small AS SELECT a FROM t")
    with pytest.raises(DatabaseError) as info:
        client.insert("t", [[5]], column_names=["a"])
    assert info.value.code == 469


def test_settings_of_an_insert_hold(client: Any) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree PARTITION BY a ORDER BY a")
    client.raw_query("INSERT INTO t (a) SETTINGS max_partitions_per_insert_block = 9 FORMAT CSV\n1\n2\n")
    with pytest.raises(DatabaseError, match="Too many partitions"):
        client.raw_query("INSERT INTO t (a) SETTINGS max_partitions_per_insert_block = 1 FORMAT CSV\n1\n2\n")


def test_a_large_result_is_streamed_whole(client: Any) -> None:
    result = client.query("SELECT number, toString(number) FROM numbers(1000000)")
    assert result.row_count == 1_000_000
    assert result.result_rows[-1] == (999_999, "999999")
    with client.query_row_block_stream("SELECT number FROM numbers(3000000)") as stream:
        assert sum(row[0] for block in stream for row in block) == 3_000_000 * 2_999_999 // 2


def test_an_error_in_the_middle_of_a_result_is_never_taken_for_its_end(clickhouse: str, client: Any) -> None:
    statement = "SELECT number, throwIf(number = 4000000, 'enough') FROM numbers(5000000)"
    with pytest.raises(StreamFailureError, match="enough"):
        client.query(statement).result_rows  # noqa: B018 (rows are read when asked for)
    with pytest.raises(http.client.IncompleteRead):  # as curl sees it
        http_call(clickhouse, "POST", "/", statement)


def test_the_tables_of_several_databases_are_reached(clickhouse: str, client: Any, namespace: str) -> None:
    other = f"{namespace}_other"
    for _ in range(2):
        client.command(f"CREATE DATABASE IF NOT EXISTS {other}")
    client.command("CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
    client.command(f"CREATE TABLE {other}.t AS {namespace}.t")
    client.insert("t", [["here"]])
    client.insert("t", [["there"]], database=other)
    in_other = clickhouse_connect.get_client(dsn=clickhouse, database=other)
    assert in_other.command("SELECT a FROM t") == "there"
    assert client.command(f"SELECT concat(t.a, o.a) FROM t, {other}.t AS o") == "herethere"
    client.command(f"DROP DATABASE {other}")


# ---------------------------------------------------------------- parameters, settings, errors


def test_parameters_are_bound_by_the_engine_and_never_spliced(client: Any) -> None:
    values = {
        "n": -5,
        "s": "it's \\ \"quoted\"\t\n'; DROP TABLE t; --",
        "a": ["x'y", "ü"],
        "d": DAY,
        "t": datetime.datetime(2024, 1, 2, 3, 4, 5),
        "m": Decimal("12.50"),
        "e": None,
    }
    types = {
        "n": "Int32",
        "s": "String",
        "a": "Array(String)",
        "d": "Date",
        "t": "DateTime",
        "m": "Decimal(9,2)",
    }
    types["e"] = "Nullable(String)"
    statement = "SELECT " + ", ".join(f"{{{name}:{kind}}}" for name, kind in types.items())
    assert client.query(statement, parameters=values).result_rows == [tuple(values[name] for name in types)]


def test_a_statement_too_long_for_a_url_is_sent_as_a_form(clickhouse: str, client: Any) -> None:
    text = "x" * 200_000
    assert client.query("SELECT length({s:String})", parameters={"s": text}).result_rows == [(200_000,)]
    forms = clickhouse_connect.get_client(dsn=clickhouse, form_encode_query_params=True)
    assert forms.query("SELECT {s:String}, {n:Int8}", parameters={"s": "a&b=c", "n": 3}).result_rows == [
        ("a&b=c", 3)
    ]


def test_a_setting_holds_for_its_request_alone(client: Any) -> None:
    statement = "SELECT getSetting('max_threads')"
    assert client.query(statement, settings={"max_threads": 7}).result_rows == [(7,)]
    assert client.query(statement).result_rows != [(7,)]
    client.command("SET max_threads = 7")
    assert client.query(statement).result_rows != [(7,)]


def test_an_answered_insert_is_never_waiting_in_a_queue(client: Any) -> None:
    assert client.query("SELECT getSetting('async_insert')").result_rows in ([(False,)], [("0",)], [(0,)])


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT nope", 47),
        ("SELECT * FROM nope", 60),
        ("SELEC 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("INSERT INTO nope (a) VALUES (1)", 60),
        ("SELECT {missing:Int8}", 456),
        ("SELECT 1 INTO OUTFILE '/tmp/never-written'", 344),
        ("CREATE TABLE t (a Nope) ENGINE = Memory", 50),
    ],
)
def test_what_the_engine_refuses_comes_with_its_code_and_words(
    client: Any, statement: str, code: int
) -> None:
    with pytest.raises(DatabaseError) as info:
        client.command(statement)
    assert info.value.code == code
    assert f"Code: {code}" in str(info.value)


def test_an_unknown_database_or_setting_is_an_error(clickhouse: str) -> None:
    status, text, headers = http_call(clickhouse, "POST", "/?database=nope", "SELECT 1")
    assert (status, headers["x-clickhouse-exception-code"]) == (404, "81"), text
    status, text, headers = http_call(clickhouse, "POST", "/?no_such_setting=1", "SELECT 1")
    assert (status, headers["x-clickhouse-exception-code"]) == (404, "115"), text
    status, text, headers = http_call(clickhouse, "POST", "/?" + quote("a = 1, readonly") + "=1", "SELECT 1")
    assert (status, headers["x-clickhouse-exception-code"]) == (404, "115"), text


@pytest.mark.parametrize("level", [1, 2])
def test_a_user_who_asks_for_read_only_can_not_write(clickhouse: str, client: Any, level: int) -> None:
    client.command("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    path = f"/?database={client.database}&readonly={level}"
    for statement in (
        "INSERT INTO t VALUES (1)",
        "INSERT INTO t FORMAT CSV\n1\n",
        "DROP TABLE t",
        "CREATE DATABASE x",
    ):
        status, text, headers = http_call(clickhouse, "POST", path, statement)
        assert (status, headers["x-clickhouse-exception-code"]) == (403, "164"), text
    status, text, _ = http_call(clickhouse, "POST", path, "SELECT count() FROM t SETTINGS readonly = 0")
    assert status != 200, text
    assert http_call(clickhouse, "POST", path, "SELECT count() FROM t")[1] == b"0\n"


# ---------------------------------------------------------------- as on a server


def test_curl_and_grafana_are_served_as_by_a_server(clickhouse: str) -> None:
    status, body, headers = http_call(clickhouse, "GET", "/?query=" + quote("SELECT 1 AS one FORMAT JSON"))
    assert status == 200
    assert json.loads(body)["data"] == [{"one": 1}]
    assert headers["content-type"].startswith("application/json")
    assert http_call(clickhouse, "POST", "/", "SELECT 1, 'a'")[1] == b"1\ta\n"
    assert http_call(clickhouse, "POST", "/?query=SELECT", "2 + 2")[1] == b"4\n"
    assert http_call(clickhouse, "POST", "/?default_format=JSONEachRow", "SELECT 1 AS a")[1] == b'{"a":1}\n'
    form = {"Content-Type": "application/x-www-form-urlencoded"}  # what `curl -d 'SELECT 3'` sends
    assert http_call(clickhouse, "POST", "/", "SELECT 3", form)[1] == b"3\n"
    assert http_call(clickhouse, "GET", "/ping")[:2] == (200, b"Ok.\n")
    assert http_call(clickhouse, "GET", "/")[:2] == (200, b"Ok.\n")
    assert http_call(clickhouse, "POST", "/", "")[0] == 400


def test_statement_and_rows_may_share_the_body_or_not(clickhouse: str, client: Any) -> None:
    client.command("CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    base = f"/?database={client.database}"
    for path, body in (
        (base, b'INSERT INTO t FORMAT CSV\n1,"FORMAT CSV"\n'),
        (base, b"INSERT INTO t VALUES (2, 'INSERT INTO t FORMAT CSV')"),
        (base + "&query=" + quote("INSERT INTO t VALUES"), b"(3, 'c')"),
        (base + "&query=" + quote("INSERT INTO t FORMAT JSONEachRow"), b'{"a": 4, "b": "d"}'),
        (base + "&query=" + quote("INSERT INTO t SELECT 5, 'e'"), b""),
        (base + "&param_a=6&query=" + quote("INSERT INTO t SELECT {a:UInt64}, 'f'"), b""),
    ):
        status, text, _ = http_call(clickhouse, "POST", path, body)
        assert status == 200, text
    assert client.query("SELECT sum(a), groupArray(b) FROM (SELECT * FROM t ORDER BY a)").result_rows == [
        (21, ["FORMAT CSV", "INSERT INTO t FORMAT CSV", "c", "d", "e", "f"])
    ]


def test_a_link_can_not_change_anything(clickhouse: str) -> None:
    status, _, headers = http_call(clickhouse, "GET", "/?query=" + quote("CREATE DATABASE by_link"))
    assert (status, headers["x-clickhouse-exception-code"]) == (403, "164")


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}]
)
def test_a_web_page_can_not_reach_it_through_the_users_browser(
    clickhouse: str, headers: dict[str, str]
) -> None:
    assert http_call(clickhouse, "POST", "/", "SELECT 1", headers)[0] == 403


def test_a_body_beyond_the_limit_is_refused(clickhouse: str) -> None:
    from streams.dev.clickhouse import MAX_BODY

    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(clickhouse).port or 0, timeout=60)
    connection.putrequest("POST", "/?query=" + quote("SELECT"))
    connection.putheader("Content-Length", str(MAX_BODY + 1))
    connection.endheaders()
    piece = b" " * (8 << 20)
    try:
        for _ in range(MAX_BODY // len(piece) + 1):
            connection.send(piece)
    except OSError:
        pass  # it hangs up on us, which is as good
    else:
        assert connection.getresponse().status == 413
    connection.close()
    assert http_call(clickhouse, "POST", "/", "SELECT 1")[1] == b"1\n"


# ---------------------------------------------------------------- many at once


def until_runs(client: Any, statement: str) -> None:
    """Waits until the engine is at work on a statement that begins so."""
    running = "SELECT count() FROM system.processes WHERE startsWith(query, {statement:String})"
    deadline = time.monotonic() + 30
    while not client.query(running, parameters={"statement": statement}).result_rows[0][0]:
        assert time.monotonic() < deadline, "it did not start"
        time.sleep(0.02)


def test_writers_and_readers_at_once_lose_nothing_and_share_nothing(clickhouse: str, client: Any) -> None:
    client.command("CREATE TABLE t (who UInt8, a UInt64) ENGINE = MergeTree ORDER BY (who, a)")

    def work(who: int) -> int:
        own = clickhouse_connect.get_client(dsn=clickhouse, database=client.database)
        for batch in range(5):
            own.insert("t", [(who, batch * 1000 + i) for i in range(1000)], settings={"max_threads": who + 1})
            seen = own.query(
                "SELECT count(), uniqExact(a), getSetting('max_threads') FROM t WHERE who = {who:UInt8}",
                parameters={"who": who},
                settings={"max_threads": who + 1},
            ).result_rows
            assert seen == [((batch + 1) * 1000, (batch + 1) * 1000, who + 1)]
        return 5000

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(work, range(12))) == 60_000
    assert client.command("SELECT count() FROM t") == 60_000


def test_a_long_statement_does_not_hold_up_a_short_one(clickhouse: str, client: Any) -> None:
    long = threading.Thread(
        target=http_call,
        args=(clickhouse, "POST", "/", "SELECT sleepEachRow(0.5) FROM numbers(4) FORMAT Null"),
    )
    long.start()
    until_runs(client, "SELECT sleepEachRow")
    assert client.command("SELECT 1") == 1
    assert long.is_alive()
    long.join()


def test_a_reader_who_hangs_up_does_not_occupy_the_front(clickhouse: str) -> None:
    for _ in range(20):  # more than may run at once
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(clickhouse).port or 0, timeout=30)
        connection.request("POST", "/", "SELECT number FROM numbers(100000000) FORMAT TabSeparated")
        connection.getresponse().read(10)
        connection.close()
    assert http_call(clickhouse, "POST", "/", "SELECT 1")[1] == b"1\n"


# ---------------------------------------------------------------- the process


@pytest.fixture
def fronts(tmp_path: Path) -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    stop(made, grace=5)


def test_rows_that_were_answered_are_found_after_sigterm_and_after_sigkill(
    tmp_path: Path, fronts: list[Child]
) -> None:
    for round_number, number in enumerate((signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)):
        child, dsn = _start_clickhouse(tmp_path, 0)
        fronts.append(child)
        client = clickhouse_connect.get_client(dsn=dsn)
        client.command("CREATE TABLE IF NOT EXISTS t (a UInt64) ENGINE = MergeTree ORDER BY a")
        assert client.command("SELECT count() FROM t") == round_number * 1000
        client.insert("t", [[i] for i in range(1000)], column_names=["a"])
        client.close()
        os.kill(child.pid, number)
        child.process.wait(30)
        assert child.ended() == (0 if number == signal.SIGTERM else -signal.SIGKILL)


def test_a_statement_under_way_is_answered_before_sigterm_takes_effect(
    tmp_path: Path, fronts: list[Child]
) -> None:
    child, dsn = _start_clickhouse(tmp_path, 0)
    fronts.append(child)
    client = clickhouse_connect.get_client(dsn=dsn)
    answers: list[bytes] = []
    call = threading.Thread(
        target=lambda: answers.append(
            http_call(dsn, "POST", "/", "SELECT sleepEachRow(0.5) FROM numbers(3)")[1]
        )
    )
    call.start()
    until_runs(client, "SELECT sleepEachRow")
    child.process.terminate()
    call.join()
    assert answers == [b"0\n0\n0\n"]
    assert child.process.wait(30) == 0


def test_a_second_engine_on_the_same_path_is_refused_in_one_line(tmp_path: Path, fronts: list[Child]) -> None:
    child, dsn = _start_clickhouse(tmp_path, 0)
    fronts.append(child)
    clickhouse_connect.get_client(dsn=dsn).close()
    command = list(child.how.command)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command[-1] = str(listener.fileno())
        log = tmp_path / "second.log"
        second = start("second", command, log=log, pass_fds=[listener.fileno()])
        fronts.append(second)
        assert second.process.wait(30) == 1
    assert (
        log.read_text() == f"another process serves {tmp_path / 'clickhouse'}: one engine may open a path\n"
    )
    assert child.ended() is None


def test_an_engine_that_can_not_open_its_data_is_one_sentence(tmp_path: Path) -> None:
    from streams.errors import Refused

    (tmp_path / "clickhouse").mkdir()
    (tmp_path / "clickhouse" / "data").write_text("not a directory")
    settings = Settings(broker="kafka://unused:1", store="dev", data_dir=tmp_path)
    with (
        pytest.raises(Refused, match=r"ClickHouse engine did not start: .*its log: .*clickhouse.log"),
        dev_services(settings),
    ):
        pass
    assert not any("Traceback" in path.read_text() for path in tmp_path.glob("*.log"))

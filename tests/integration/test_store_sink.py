"""The sink on the real engine: repeats do not show, offsets follow rows, outages lose nothing, values stay unchanged."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from structlog.testing import capture_logs

from streams import health
from streams.blocks import Stopped
from streams.errors import Fatal, Refused
from streams.store import sink as module
from streams.store.client import Client
from streams.store.queries import ask, counts
from streams.store.sink import Sink
from tests.integration.conftest import Tables
from tests.integration.store_kit import Record, alert, count, event, made, proposal, snapshot, status


@pytest.fixture(scope="module")
def namespace(tables: Tables) -> str:
    return tables.namespace


@pytest.fixture
def to_break(clickhouse: str) -> Iterator[tuple[str, Client]]:
    """A namespace and a client of tables that no other test has."""
    own = f"t{uuid.uuid4().hex[:10]}"
    client = made(clickhouse, own)
    yield own, client
    client.command(f"DROP DATABASE `{client.database}`")
    client.close()


@pytest.fixture
def sink(store: Client, clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.05)
    built = Sink(clickhouse, namespace, "store")
    yield built
    built.close()


def failing(
    sink: Sink, failures: Callable[[str, int], Exception | None], *, after: bool = False
) -> list[str]:
    """Every insert asks `failures(table, number of the try)`; `after`: it fails when the server has taken the rows."""
    tries: list[str] = []
    real = sink.client.insert

    def insert(table: str, *args: Any, **options: Any) -> Any:
        tries.append(table)
        error = failures(table, len(tries))
        if error is None or after:
            real(table, *args, **options)
        if error is not None:
            raise error

    sink.client.insert = insert  # type: ignore[method-assign, assignment]
    return tries


def batch(start: int, end: int) -> dict[str, list[Record]]:
    numbers = range(start, end)
    bodies = {
        "journal": event,
        "alerts": alert,
        "limit-proposals": proposal,
        "account-status": status,
        "snapshots": snapshot,
    }
    made = {topic: [Record(body(n), n, of=topic) for n in numbers] for topic, body in bodies.items()}
    made["dead-letters"] = [Record(raw=b"\xff", at=n, of="dead-letters") for n in numbers]
    made["late"] = [Record(raw=b"{}", at=n, of="late") for n in numbers]
    return made


def all_counts(number: int) -> dict[str, int]:
    names = ("journal", "alerts", "proposals", "snapshots", "account_status", "dead_letters", "late")
    return dict.fromkeys(names, number)


def test_a_repeated_block_does_not_show(store: Client, sink: Sink) -> None:
    sink.write(batch(0, 60), {("t", 0): 60})
    sink.write(batch(0, 60), {("t", 0): 60})
    sink.write(batch(30, 90), {("t", 0): 90})  # another cut, as after a crash
    assert count(store, "journal_rows") > 90  # so the views have something to hide
    assert counts(store) == all_counts(90)
    assert count(store, "alerts_current") == 5
    assert count(store, "proposals_current") == 3
    assert count(store, "account_status_current") == count(store, "snapshots_latest") == 7
    assert store.query("SELECT sum(exposure) FROM snapshots").result_rows == [(sum(range(90)),)]


def test_repeats_do_not_show_after_a_merge_either(store: Client, sink: Sink) -> None:
    sink.write(batch(0, 40), {})
    sink.write(batch(20, 40), {})
    for table in ("journal_rows", "alerts_rows", "snapshots_newest_rows"):
        store.command(f"OPTIMIZE TABLE {table} FINAL")
    assert counts(store) == all_counts(40)


def test_the_current_views_show_the_newest_transition_even_when_an_old_block_is_repeated(
    store: Client, sink: Sink
) -> None:
    sink.write(batch(0, 10), {})
    sink.write(batch(10, 20), {})
    sink.write(batch(0, 10), {})
    titles = store.query("SELECT title FROM alerts_current ORDER BY alert_id").result_columns[0]
    assert list(titles) == [f"transition {n}" for n in range(15, 20)]
    newest = store.query("SELECT exposure FROM snapshots_latest WHERE account_id = 'A5'").result_rows
    assert newest == [(Decimal(19),)]


def test_a_lost_answer_repeats_nothing(store: Client, sink: Sink) -> None:
    tries = failing(sink, lambda _, n: OperationalError("lost") if n % 2 else None, after=True)
    sink.write({"journal": [Record(event(n), n) for n in range(50)]}, {("t", 3): 50})
    assert tries == ["journal_rows", "journal_rows", "ingested", "ingested"]
    assert count(store, "journal_rows") == 50  # the server knew the insert by its token
    assert sink.ingested([("t", 3)]) == {("t", 3): 50}


def test_what_an_insert_means_is_not_left_to_the_servers_version_or_settings(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 26.2 a repeat of what its table had taken never came to a view that lacked it. A server that takes inserts
    into a buffer of its own says yes to what it may lose."""
    asked: list[dict[str, Any]] = []
    for way in ("insert", "insert_arrow"):
        real = getattr(sink.client, way)

        def spying(*args: Any, real: Any = real, **more: Any) -> Any:
            asked.append(more["settings"])
            return real(*args, **more)

        monkeypatch.setattr(sink.client, way, spying)
    sink.write(batch(0, 3), {("t", 0): 3})
    assert len(asked) == 8  # seven tables, then how far they have come
    assert {settings["deduplicate_blocks_in_dependent_materialized_views"] for settings in asked} == {1}
    assert {settings["async_insert"] for settings in asked} == {0}
    assert len({settings["insert_deduplication_token"] for settings in asked}) == len(asked)


def test_how_long_the_store_was_away_counts_the_try_that_hung(sink: Sink) -> None:
    def hangs(_table: str, n: int) -> Exception | None:
        if n > 1:
            return None
        time.sleep(1.5)  # longer than the wait before the second try
        return OperationalError("read timed out")

    failing(sink, hangs)
    with capture_logs() as lines:
        sink.write({"journal": [Record(event(1), 1)]}, {("t", 3): 2})
    assert lines[-1]["event"] == "store back"
    assert lines[-1]["seconds"] >= 1.5


def test_a_store_that_does_not_answer_is_told_before_the_driver_gives_up(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.05)

    def hangs(_table: str, n: int) -> Exception | None:
        while n == 1 and not lines:
            time.sleep(0.01)
        return None

    failing(sink, hangs)
    with capture_logs() as lines:
        sink.write({"journal": [Record(event(1), 1)]}, {})
    assert [line["event"] for line in lines] == ["store does not answer, waiting", "store back"]
    assert lines[0]["table"] == "journal_rows"
    assert "BellwetherStoreBehind" in lines[0]["look"]


def test_an_outage_that_lasts_is_said_again_and_again(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "AGAIN_SECONDS", 0.0)
    failing(sink, lambda table, n: OperationalError("connection refused") if n < 4 else None)
    with capture_logs() as lines:
        sink.write({"journal": [Record(event(1), 1)]}, {})
    assert {line["event"] for line in lines[:-1]} == {"store away, trying again"}
    assert len(lines) > 3
    assert {line["error"] for line in lines[:-1]} == {"connection refused"}
    assert lines[-1]["event"] == "store back"


def test_an_outage_is_waited_for_and_said_in_two_lines(store: Client, sink: Sink) -> None:
    failing(sink, lambda table, n: OperationalError("connection refused") if n < 6 else None)
    with capture_logs() as lines:
        sink.write({"journal": [Record(event(1), 1)]}, {("t", 3): 2})
    assert [line["event"] for line in lines] == ["store away, trying again", "store back"]
    assert sink.failures == 5
    assert counts(store)["journal"] == 1


@pytest.mark.parametrize("code", [252, 241, 242])  # too many parts, memory limit, read only
def test_a_busy_server_is_waited_for(store: Client, sink: Sink, code: int) -> None:
    failing(sink, lambda _, n: DatabaseError("busy", code=code) if n == 1 else None)
    sink.write({"journal": [Record(event(1), 1)]}, {})
    assert counts(store)["journal"] == 1


def test_offsets_do_not_move_when_a_table_of_the_round_was_not_accepted(
    clickhouse: str, to_break: tuple[str, Client]
) -> None:
    own, store = to_break
    sink = Sink(clickhouse, own, "store")
    store.command("DROP VIEW snapshots_newest_feed")
    store.command("DROP TABLE snapshots_rows")
    with pytest.raises(Fatal, match=r"refused snapshots_rows: .*UNKNOWN_TABLE"):
        sink.write(batch(0, 5), {("t", 0): 5})
    assert sink.ingested([("t", 0)]) == {}


def test_a_stop_ends_the_waiting_and_moves_no_offset(
    store: Client, clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT", 0.05)
    asked: list[int] = []
    sink = Sink(clickhouse, namespace, "store", lambda: len(asked) > 3)
    failing(sink, lambda _, n: asked.append(n) or OperationalError("away"))  # type: ignore[func-returns-value]
    with pytest.raises(Stopped):
        sink.write({"journal": [Record(event(1), 1)]}, {("t", 0): 5})
    assert count(store, "ingested") == 0


def test_the_greatest_offset_stands_and_groups_keep_apart(
    store: Client, sink: Sink, clickhouse: str, namespace: str
) -> None:
    for offset in (10, 30, 20):
        sink.write({}, {("t", 0): offset, ("t", 1): 1})
    assert sink.ingested([("t", 0), ("t", 1), ("t", 2)]) == {("t", 0): 30, ("t", 1): 1}
    assert Sink(clickhouse, namespace, "other").ingested([("t", 0)]) == {}


def test_a_record_without_a_row_is_a_dead_letter_and_the_others_go_on(store: Client, sink: Sink) -> None:
    bad = Record(alert(1, severity="high"), 1, of="credit.alerts.v1")
    with capture_logs() as lines:
        sink.write({"alerts": [Record(alert(0), 0), bad, Record(alert(2), 2)]}, {("credit.alerts.v1", 3): 3})
    assert [line["offset"] for line in lines] == [1]
    assert counts(store)["alerts"] == 2
    [row] = store.query("SELECT * FROM dead_letters").named_results()
    assert (row["kind"], row["origin_topic"], row["origin_partition"], row["origin_offset"]) == (
        "unstorable",
        "credit.alerts.v1",
        3,
        1,
    )
    assert row["reason"].startswith("severity: 'high'")
    assert sink.ingested([("credit.alerts.v1", 3)]) == {("credit.alerts.v1", 3): 3}


def test_what_only_the_server_finds_unreadable_is_found_by_halves(
    store: Client, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sink.client.insert

    def insert(table: str, columns: Any, **options: Any) -> Any:
        if table == "journal_rows" and 13 in columns[options["column_names"].index("offset")]:
            raise DatabaseError("cannot parse", code=27)
        return real(table, columns, **options)

    monkeypatch.setattr(sink.client, "insert", insert)
    sink.write({"journal": [Record(event(n), n) for n in range(40)]}, {})
    assert counts(store) == {**all_counts(0), "journal": 39, "dead_letters": 1}


HOSTILE = [
    "Robert'); DROP TABLE alerts;--",
    'back\\slash "quotes" `ticks`',
    "nul\x00in\x00side",
    "\U0001f411 sheep, \U0001d518\U0001d52b\U0001d526, \u202eright to left",
    "\r\n\t\\N NULL {a:String}",
    "",
    "é" * 300_000,
]


def test_hostile_values_arrive_unchanged(store: Client, sink: Sink) -> None:
    alerts = [Record(alert(n, title=text, account_id=text, owner=None), n) for n, text in enumerate(HOSTILE)]
    letters = [
        Record(
            raw=bytes(range(256)),
            at=0,
            sent_key=b"\xff\x00",
            sent_headers=(("k'\"", b"\x00\xff"), ("k", None)),
        ),
        Record(raw=None, at=1, sent_key=None),
    ]
    sink.write({"alerts": alerts, "dead-letters": letters}, {})
    found = store.query("SELECT title, account_id, owner, value FROM alerts ORDER BY offset").result_rows
    assert found == [(text, text, None, r.value().decode()) for r, text in zip(alerts, HOSTILE, strict=True)]  # type: ignore[union-attr]
    for text in HOSTILE:
        [[n]] = (
            store.query(
                "SELECT count() FROM alerts WHERE account_id = {account_id:String}",
                parameters={"account_id": text},
            ).result_rows
            if len(text) < 1000
            else [[1]]
        )
        assert n == 1
    rows = store.query(
        "SELECT hex(key), hex(value), headers.name, arrayMap(v -> hex(v), headers.value) "
        "FROM dead_letters ORDER BY offset"
    ).result_rows
    assert rows == [
        ("FF00", bytes(range(256)).hex().upper(), ["k'\"", "k"], ["00FF", None]),
        (None, None, [], []),
    ]


def test_figures_arrive_typed_and_exact(store: Client, sink: Sink) -> None:
    figures = snapshot(
        0,
        open_balance="-12345678901234567890.1234",
        exposure=None,
        dtp_90d=None,
        pay_index=79.33333333333333,
        as_of="2099-12-31",
        worst_dbt_182d=-4,
        fx_rate="0.000000000000000001",
        mood={"new": 1},
    )
    sink.write({"snapshots": [Record(figures, 0, (("ce_id", b"c0ffee"),))]}, {})
    [row] = store.query("SELECT * FROM snapshots").named_results()
    assert row["open_balance"] == Decimal("-12345678901234567890.1234")
    assert (row["exposure"], row["dtp_90d"], row["ageing_d31_60"], row["grade"]) == (None, None, None, None)
    assert (row["pay_index"], row["worst_dbt_182d"]) == (79.33333333333333, -4)
    assert (row["as_of"], row["ageing_current"]) == (dt.date(2099, 12, 31), Decimal(0))
    assert (row["dtp_months"], row["discounts_taken"], row["rising"]) == ([None, 30.5], [True, False], True)
    assert (row["fx_rate"], row["ce_id"]) == (Decimal("0.000000000000000001"), "c0ffee")
    assert row["other"] == '{"mood":{"new":1}}'


def test_both_ways_into_the_tables_store_the_same(
    store: Client, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values of every kind: by Arrow, and by the slow way that judges each record."""
    plain = [Record(snapshot(n), n, (("ce_id", b"c%d" % n),)) for n in range(30)]
    edges = snapshot(
        0, account_id="e", account_name="nul\x00 'é' \U0001f411", open_balance="-12345678901234567890.1234",
        exposure=None, dtp_90d=None, pay_index=79.33333333333333, as_of="2099-12-31", worst_dbt_182d=-4,
        fx_rate="0.0000000000000000019", first_due_on="1970-01-01", dtp_months=[], discounts_taken=None,
    )  # fmt: skip
    records = [*plain, Record(edges, 30), Record({"account_id": "", "as_of": "1970-01-01"}, 31)]
    states = [Record(status(n, headroom="-0.01"), n) for n in range(5)]
    blocks = {"snapshots": records, "account-status": states}
    found = []
    for way in ("fast", "slow"):
        inserts = failing(sink, lambda *_: None)
        if way == "slow":
            monkeypatch.setattr(module, "batch", lambda *_: None)
        sink.write(blocks, {})
        assert inserts == ([] if way == "fast" else ["snapshots_rows", "account_status_rows"])
        found.append(
            [
                store.query(f"SELECT * FROM {view} ORDER BY offset").result_rows
                for view in ("snapshots", "account_status")
            ]
        )
        for table in ("snapshots_rows", "account_status_rows"):
            store.command(f"TRUNCATE TABLE {table}")
    assert found[0] == found[1]
    assert [len(rows) for rows in found[0]] == [32, 5]


def test_a_block_that_the_server_cannot_read_by_arrow_is_written_the_slow_way(
    store: Client, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(*_: Any, **__: Any) -> None:
        raise DatabaseError("cannot read", code=33)

    monkeypatch.setattr(sink.client, "insert_arrow", unreadable)
    with capture_logs() as lines:
        sink.write({"snapshots": [Record(snapshot(n), n) for n in range(9)]}, {})
    assert [line["event"] for line in lines] == ["a block is written again, record by record"]
    assert counts(store)["snapshots"] == 9


@pytest.mark.parametrize("after", [False, True])
def test_an_outage_or_a_lost_answer_in_a_block_by_arrow_repeats_and_loses_nothing(
    store: Client, sink: Sink, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    real, tries = sink.client.insert_arrow, []

    def insert(*args: Any, **options: Any) -> Any:
        tries.append(args[0])
        if after or len(tries) > 1:
            real(*args, **options)
        if len(tries) == 1:
            raise OperationalError("lost")

    monkeypatch.setattr(sink.client, "insert_arrow", insert)
    sink.write({"snapshots": [Record(snapshot(n), n) for n in range(9)]}, {})
    assert tries == ["snapshots_rows"] * 2
    assert count(store, "snapshots_rows") == 9


def test_a_backfill_of_a_century_is_one_insert(store: Client, sink: Sink) -> None:
    years = [Record(event(y, occurred_at=f"{y}-06-01T00:00:00Z"), y) for y in range(1970, 2101)]
    sink.write({"journal": years}, {})
    assert counts(store)["journal"] == 131


def test_a_store_without_tables_is_refused_at_the_start(
    clickhouse: str, to_break: tuple[str, Client]
) -> None:
    own, store = to_break
    with pytest.raises(Refused, match=r"has no database .*run `bellwether migrate`"):
        Sink(clickhouse, f"{own}x", "store")
    store.command("ALTER TABLE migrations DELETE WHERE number > 3 SETTINGS mutations_sync = 1")
    with pytest.raises(Refused, match=r"lacks 0004_snapshots\.sql.*run `bellwether migrate`"):
        Sink(clickhouse, own, "store")


def test_the_named_queries_answer(store: Client, sink: Sink) -> None:
    sink.write(batch(0, 20), {("t", 0): 20})
    severities = ask(store, "open_alerts_by_severity", {"history": False})
    assert [row["severity"] for row in severities] == [5, 4, 3, 2, 1]
    turned = ask(store, "turned", {"severity": 4, "limit": 10})
    assert [(row["account_id"], row["worst"], row["proposed_limit"]) for row in turned] == [
        ("A4", 5, None),
        ("A3", 4, None),
    ]
    assert ask(store, "turned", {"severity": 1, "limit": 10})[-1]["proposed_limit"] == Decimal(500)
    assert ask(store, "ingested", {"group": "store"})[0]["next_offset"] == 20
    assert ask(store, "accounts_of_id", {"prefix": "' OR 1=1 --"}) == []

"""Rollups on the real engine: they equal what plain Python counts, however often and in whatever order blocks are repeated."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams.backtest import run
from streams.settings import deploy_dir
from streams.simulate import write_book
from streams.store.client import Client, connect, database_name
from streams.store.migrate import FILES, differences, migrate
from streams.store.sink import Sink
from tests.integration.conftest import Tables
from tests.integration.store_kit import Record, alert, count, refreshed, snapshot

Rows = list[tuple[Any, ...]]
START = dt.date(2025, 12, 1)  # a Monday


@pytest.fixture
def sink(store: Client, tables: Tables, clickhouse: str) -> Iterator[Sink]:
    built = Sink(clickhouse, tables.namespace, "store")
    yield built
    built.close()


def figures(n: int, account: str, day: dt.date, tier: str | None, **changed: Any) -> Record:
    """Snapshot number n, with amounts in the account's currency of which one is worth two of the base."""
    body = {
        "account_id": account,
        "as_of": day.isoformat(),
        "tier": tier,
        "currency": "EUR",
        "base_currency": "USD",
        "fx_rate": "2",
        "exposure": f"{n}.25",
        "exposure_base": f"{2 * n}.50",
        "past_due": f"{n}.10",
        "ageing": {"current": f"{n}.00", "d1_30": f"{n}.01", "d31_60": "0.00", "d61_90": None, "d91": "7.00"},
        "paid_90d": f"{100 + n}.00",
        "dtp_90d": n / 4,
        **changed,
    }
    return Record(snapshot(0, **body), n, of="credit.snapshots.v1")


def book(seed: int, number: int = 120) -> list[Record]:
    """Snapshots of nine accounts over ten weeks, in the order of their days; some accounts are silent for weeks."""
    draw = random.Random(seed)
    days = sorted(draw.randrange(70) for _ in range(number))
    return [
        figures(
            n,
            f"A{draw.randrange(9)}",
            START + dt.timedelta(days=day),
            draw.choice(["low", "medium", "high", None]),
            **draw.choice([{}, {}, {}, {"dtp_90d": None}, {"fx_rate": None, "exposure_base": None}]),
        )
        for n, day in enumerate(days)
    ]


def expected_weeks(records: Sequence[Record]) -> dict[tuple[dt.date, str], list[Any]]:
    """(week, tier) -> accounts, without rate, exposure, current, past 91, days to pay: by hand, from the records."""
    bodies = [record.body for record in sorted(records, key=lambda record: record.at)]
    last = max(dt.date.fromisoformat(body["as_of"]) for body in bodies)
    weeks: dict[tuple[dt.date, str], list[Any]] = defaultdict(
        lambda: [0, 0, Decimal(0), Decimal(0), Decimal(0), 0.0, 0.0]
    )
    for week in (START + dt.timedelta(weeks=n) for n in range(11)):
        if week > last:
            break
        newest = {
            body["account_id"]: body
            for body in bodies
            if dt.date.fromisoformat(body["as_of"]) < week + dt.timedelta(weeks=1)
        }
        for body in newest.values():
            row = weeks[week, body["tier"] or "none"]
            row[0] += 1
            if body["fx_rate"] is None:
                row[1] += 1
                continue
            row[2] += Decimal(body["exposure_base"])
            row[3] += 2 * Decimal(body["ageing"]["current"])
            row[4] += 2 * Decimal(body["ageing"]["d91"])
            if body["dtp_90d"] is not None:
                row[5] += 2 * float(body["paid_90d"]) * body["dtp_90d"]
                row[6] += 2 * float(body["paid_90d"])
    return {key: [*row[:5], pytest.approx(row[5] / row[6]) if row[6] else None] for key, row in weeks.items()}


def weeks_of(store: Client) -> dict[tuple[dt.date, str], list[Any]]:
    refreshed(store)
    found = store.query(
        "SELECT week, tier, accounts, without_rate, exposure, ageing_current, ageing_d91, days_to_pay FROM portfolio_weekly"
    ).result_rows
    return {(week, tier): list(rest) for week, tier, *rest in found}


def repeat(sink: Sink, topic: str, records: list[Record], seed: int) -> None:
    """All again in the same block, then parts of them in other cuts and another order, as after crashes."""
    sink.write({topic: records}, {})
    draw = random.Random(seed)
    for _ in range(4):
        part = draw.sample(records, len(records) // 3)
        sink.write({topic: part}, {})


@pytest.mark.parametrize("seed", [1, 2])
def test_the_portfolio_is_what_a_count_by_hand_says_before_and_after_repeats(
    store: Client, sink: Sink, seed: int
) -> None:
    records = book(seed)
    cut = 70
    sink.write({"snapshots": records[:cut]}, {})
    assert weeks_of(store) == expected_weeks(records[:cut])
    sink.write({"snapshots": records[cut:]}, {})
    first = weeks_of(store)
    assert first == expected_weeks(records)
    repeat(sink, "snapshots", records, seed)
    assert count(store, "account_weeks_rows") > count(store, "account_weeks")  # there was something to hide
    assert weeks_of(store) == first
    store.command("OPTIMIZE TABLE account_weeks_rows FINAL")
    assert weeks_of(store) == first


def test_a_sum_over_what_is_inserted_would_be_wrong(store: Client, sink: Sink) -> None:
    """Repeats do reach materialized views: the naive rollup beside ours counts them twice."""
    store.command(
        "CREATE MATERIALIZED VIEW naive ENGINE = SummingMergeTree ORDER BY day AS "
        "SELECT as_of AS day, toFloat64(sum(exposure_base)) AS exposure FROM snapshots_rows GROUP BY day"
    )
    records = book(3)
    sink.write({"snapshots": records}, {})
    ours, naive = weeks_of(store), store.query("SELECT sum(exposure) FROM naive").result_rows
    repeat(sink, "snapshots", records, 3)
    assert weeks_of(store) == ours
    assert store.query("SELECT sum(exposure) FROM naive").result_rows[0][0] > 2 * naive[0][0]


def test_an_account_counts_with_its_newest_figures_while_it_is_silent(store: Client, sink: Sink) -> None:
    silent = figures(1, "quiet", START, "low")
    loud = [figures(2 + n, "loud", START + dt.timedelta(weeks=n), "high") for n in range(5)]
    moved = figures(9, "quiet", START + dt.timedelta(weeks=4), "medium", exposure_base="1000.00")
    sink.write({"snapshots": [silent, *loud, moved]}, {})
    quiet = {week: (tier, row[2]) for (week, tier), row in weeks_of(store).items() if tier != "high"}
    assert [quiet[START + dt.timedelta(weeks=n)] for n in range(5)] == [("low", Decimal("2.50"))] * 4 + [
        ("medium", Decimal(1000))
    ]


def test_alerts_opened_a_day_do_not_grow_by_repeats(store: Client, sink: Sink) -> None:
    draw = random.Random(5)
    records = []
    for n in range(60):
        changes = {
            "alert_id": f"alert-{n // 3}",
            "account_id": f"A{n // 3 % 4}",
            "trigger": ["over_limit", "delinquent"][n // 3 % 2],
            "severity": 4,
            "status": ["opened", "escalated", "cleared"][n % 3],
            "as_of": (START + dt.timedelta(days=n // 12 + n % 3)).isoformat(),
            "history": n > 50,
        }
        records.append(Record(alert(n, **changes), n, of="credit.alerts.v1"))
    expected: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    accounts: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for record in records:
        body = record.body
        if body["status"] == "opened":
            key = (dt.date.fromisoformat(body["as_of"]), body["trigger"], body["severity"], body["history"])
            expected[key].add(body["alert_id"])
            accounts[key].add(body["account_id"])
    question = "SELECT * FROM alerts_opened_daily ORDER BY day, trigger, severity, history"
    sink.write({"alerts": records}, {})
    first: Rows = [tuple(row) for row in store.query(question).result_rows]
    assert first == sorted((*key, len(ids), len(accounts[key])) for key, ids in expected.items())
    repeat(sink, "alerts", draw.sample(records, len(records)), 5)
    store.command("OPTIMIZE TABLE alerts_opened_rows FINAL")
    assert store.query(question).result_rows == first


def test_decisions_stand_once_with_actor_role_and_note(store: Client, sink: Sink) -> None:
    common = {"account_id": "A1", "occurred_at": "2026-03-01T10:00:00Z", "source": "page"}
    approved = {
        **common, "event_id": "d1", "type": "proposal.approved", "proposal_id": "p1", "actor": "j.doe",
        "role": "manager", "limit": "80000.00", "currency": "USD", "note": "seen the 'statements'",
    }  # fmt: skip
    snoozed = {
        **common, "event_id": "d2", "type": "alert.snoozed", "alert_id": "a1", "actor": "m.roe",
        "until": "2026-04-01",
    }  # fmt: skip
    other = {**common, "event_id": "i1", "type": "invoice.issued", "amount": "1.00", "currency": "USD"}
    records = [Record(body, n, of="credit.journal.v1") for n, body in enumerate((approved, other, snoozed))]
    sink.write({"journal": records}, {})
    sink.write({"journal": records[::-1]}, {})
    assert count(store, "decisions_rows") > 2
    assert store.query(
        "SELECT subject_id, type, actor, role, decided_limit, currency, note, until FROM decisions ORDER BY event_id"
    ).result_rows == [
        ("p1", "proposal.approved", "j.doe", "manager", Decimal(80000), "USD", "seen the 'statements'", ""),
        ("a1", "alert.snoozed", "m.roe", "", None, "", "", "2026-04-01"),
    ]


def told_of(store: Client) -> Rows:
    answer = store.query("SELECT event_id, type, refused FROM decisions ORDER BY offset").result_rows
    return [tuple(row) for row in answer]


def as_before(
    number: str, clickhouse: str, namespace: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store whose newest migration is the one before `number`, and workers of that time, which do not ask for more."""
    old = Path(shutil.copytree(FILES, folder / "clickhouse"))
    for path in old.glob("*.sql"):
        if path.name > number:
            path.unlink()
    migrate(clickhouse, namespace, old)
    monkeypatch.setattr("streams.store.sink.require_current", lambda *_: None)


def decided(n: int, event_id: str, role: str) -> Record:
    """Decision number n of the decisions topic, as the journal has it; or set aside, as its dead letter."""
    body = {
        "account_id": "A1", "occurred_at": "2026-03-01T10:00:00Z", "source": "page", "event_id": event_id,
        "type": "proposal.approved", "proposal_id": "p1", "actor": "j.doe", "role": role,
    }  # fmt: skip
    origin = (
        ("origin-topic", b"credit.decisions.v1"),
        ("origin-partition", b"0"),
        ("origin-offset", b"%d" % n),
    )
    return Record(body, n, origin, of="credit.journal.v1")


def set_aside(record: Record, reason: str) -> Record:
    origin = tuple(
        (f"__connect.errors.{name.removeprefix('origin-')}", value) for name, value in record.sent_headers
    )
    headers = (*origin, ("__connect.errors.exception.message", reason.encode()))
    return Record(record.body, record.at, headers, of="credit.dead-letters.v1")


def test_a_decision_that_was_refused_says_so_for_ever_and_one_that_was_sent_again_is_judged_anew(
    store: Client, sink: Sink
) -> None:
    low, good, again = decided(0, "d1", "analyst"), decided(1, "d2", "manager"), decided(2, "d1", "analyst")
    sink.write({"journal": [low, good, again]}, {})
    sink.write({"dead-letters": [set_aside(low, "role: wanted manager or above")] * 2}, {})
    wanted = [
        ("d1", "proposal.approved", "role: wanted manager or above"),
        ("d2", "proposal.approved", ""),
        ("d1", "proposal.approved", ""),
    ]
    assert told_of(store) == wanted
    store.command("TRUNCATE TABLE dead_letters_rows")  # as after 400 days
    assert told_of(store) == wanted


def test_a_store_that_is_brought_up_to_date_knows_which_decisions_were_refused(
    clickhouse: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_before("0015", clickhouse, namespace, tmp_path, monkeypatch)
    first, second = decided(0, "d1", "analyst"), decided(1, "d2", "analyst")
    worker = Sink(clickhouse, namespace, "store")
    worker.write({"journal": [first], "dead-letters": [set_aside(first, "role")]}, {})
    assert "0015_refused_decisions.sql" in migrate(clickhouse, namespace)
    worker.write({"journal": [second], "dead-letters": [set_aside(second, "late")]}, {})
    worker.close()
    client = connect(clickhouse, database_name(clickhouse, namespace))
    assert [row[2] for row in told_of(client)] == ["role", "late"]
    assert differences(clickhouse, namespace) == []
    client.command(f"DROP DATABASE `{client.database}`")


def test_accounts_and_concentration_show_each_account_once(store: Client, sink: Sink) -> None:
    snapshots = [figures(n, f"A{n % 4}", START + dt.timedelta(days=n), "low") for n in range(12)]
    snapshots.append(figures(12, "A9", START, "high", exposure_base=None, fx_rate=None))
    opened = [
        Record(
            alert(n, alert_id=f"x{n}", account_id="A3", severity=1 + n, status=status, trigger=f"t{n}"),
            n,
            of="a",
        )
        for n, status in enumerate(("opened", "escalated", "cleared"))
    ]
    for _ in range(2):
        sink.write({"snapshots": snapshots, "alerts": opened}, {})
    rows = store.query(
        "SELECT account_id, exposure_base, open_alerts, worst_severity, worst_trigger FROM accounts ORDER BY account_id"
    ).result_rows
    assert rows == [
        ("A0", Decimal("16.50"), 0, 0, ""),
        ("A1", Decimal("18.50"), 0, 0, ""),
        ("A2", Decimal("20.50"), 0, 0, ""),
        ("A3", Decimal("22.50"), 2, 2, "t1"),
        ("A9", None, 0, 0, ""),
    ]
    shares = store.query(
        "SELECT place, account_id, share, share_up_to_here FROM concentration ORDER BY place"
    ).result_rows
    assert [(place, account) for place, account, _, _ in shares] == [
        (1, "A3"),
        (2, "A2"),
        (3, "A1"),
        (4, "A0"),
    ]
    assert shares[0][2] == pytest.approx(22.5 / 78)
    assert shares[-1][3] == pytest.approx(1)


# -- what is open now


OPEN_OF_ALL = (
    "SELECT * FROM alerts_current WHERE status != 'cleared'"  # as it was asked before there was alerts_open
)
ACCOUNTS_OF_ALL = f"""
    SELECT account_id, count() AS open_alerts, max(severity) AS worst_severity, arraySort(groupUniqArray(trigger)) AS triggers,
        min(as_of) AS since
    FROM (SELECT account_id, severity, trigger, as_of FROM ({OPEN_OF_ALL}) WHERE NOT history) GROUP BY account_id"""
OF_VIEW = "SELECT account_id, open_alerts, worst_severity, arraySort(triggers), since FROM accounts_alerted"


def lives(seed: int, accounts: int = 12, steps: int = 1500) -> list[Record]:
    """Transitions as a monitor tells them: a trigger of an account has one alert at a time, ids are nobody's order."""
    draw, episodes, made = random.Random(seed), defaultdict[tuple[str, str], int](int), list[Record]()
    standing: dict[tuple[str, str], dict[str, Any]] = {}
    for n in range(steps):
        key = f"A{draw.randrange(accounts)}", f"trigger_{draw.randrange(5)}"
        changes: dict[str, Any] = {
            "as_of": (START + dt.timedelta(days=n // 4)).isoformat(),
            "title": f"told {n}",
        }
        if key not in standing:
            episodes[key] += 1
            standing[key] = {
                "alert_id": f"{draw.getrandbits(64):016x}", "account_id": key[0], "trigger": key[1],
                "severity": draw.randint(1, 4), "status": "opened", "history": n < steps // 10,
            }  # fmt: skip
        elif draw.random() < 0.6:
            standing[key]["status"] = "cleared"
        else:
            standing[key] |= {"status": draw.choice(["escalated", "acknowledged", "snoozed"])}
            standing[key]["severity"] += (
                standing[key]["status"] == "escalated" and standing[key]["severity"] < 5
            )
        made.append(Record(alert(n, **standing[key], **changes), n, of="credit.alerts.v1"))
        if standing[key]["status"] == "cleared":
            del standing[key]
    assert max(episodes.values()) > 5
    return made


def standing_of(records: Sequence[Record]) -> dict[str, dict[str, Any]]:
    """Alert -> its newest record, of those that have not cleared."""
    newest = {
        record.body["alert_id"]: record.body for record in sorted(records, key=lambda record: record.at)
    }
    return {key: body for key, body in newest.items() if body["status"] != "cleared"}


def same_as_before(store: Client, records: Sequence[Record]) -> None:
    """The view of what is open is what a look through all alerts finds, and what the records say."""
    wanted = standing_of(records)
    opened = store.query("SELECT * FROM alerts_open ORDER BY alert_id").result_rows
    assert opened == store.query(f"{OPEN_OF_ALL} ORDER BY alert_id").result_rows
    assert [row[0] for row in opened] == sorted(wanted)
    accounts = store.query(f"{OF_VIEW} ORDER BY account_id").result_rows
    assert accounts == store.query(f"{ACCOUNTS_OF_ALL} ORDER BY account_id").result_rows
    assert accounts
    told = store.query("SELECT account_id, worst_trigger, worst_title FROM accounts_alerted").result_rows
    for account, trigger, title in told:
        own = [body for body in wanted.values() if body["account_id"] == account and not body["history"]]
        worst = max(own, key=lambda body: (body["severity"], body["as_of"], int(body["title"].split()[1])))
        assert (trigger, title) == (worst["trigger"], worst["title"])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_open_is_the_same_in_whatever_order_and_however_often_transitions_come(
    store: Client, sink: Sink, seed: int
) -> None:
    records = lives(seed)
    draw = random.Random(seed)
    mixed = draw.sample(records, len(records))  # ends before beginnings, a next alert before the last one
    for start in range(0, len(mixed), 300):
        sink.write({"alerts": mixed[start : start + 300]}, {})
    same_as_before(store, records)
    assert count(store, "alerts_by_trigger_rows") < count(store, "alerts_newest_rows")
    store.command("OPTIMIZE TABLE alerts_by_trigger_rows FINAL")
    assert count(store, "alerts_by_trigger_rows") <= 12 * 5, "one row a trigger of an account"
    cleared = [record for record in records if record.body["alert_id"] not in standing_of(records)]
    late = [record for record in cleared if record.body["status"] == "opened"]
    sink.write(
        {"alerts": late}, {}
    )  # what a worker repeats that had lost its partition: beginnings without ends
    same_as_before(store, records)
    repeat(sink, "alerts", records, seed)
    same_as_before(store, records)


def test_a_simulated_book_has_one_alert_of_a_trigger_at_a_time(
    store: Client, sink: Sink, tmp_path: Path
) -> None:
    """What the view of open alerts rests on, held by what the monitor's own fold tells of a book."""
    book_file = tmp_path / "book.jsonl"
    write_book(book_file, 16, 14, 7)
    policy = (deploy_dir() / "policy.toml").read_text(encoding="utf-8")
    told = [Record(body, n, of="credit.alerts.v1") for n, body in enumerate(run(book_file, policy).alerts)]
    assert len({record.body["alert_id"] for record in told}) > 100
    sink.write({"alerts": told[: len(told) // 2]}, {})
    assert [
        row[0] for row in store.query("SELECT alert_id FROM alerts_open ORDER BY 1").result_rows
    ] == sorted(standing_of(told[: len(told) // 2]))
    sink.write({"alerts": told}, {})
    opened = store.query("SELECT * FROM alerts_open ORDER BY alert_id").result_rows
    assert opened == store.query(f"{OPEN_OF_ALL} ORDER BY alert_id").result_rows
    assert [row[0] for row in opened] == sorted(standing_of(told))


def test_a_second_open_alert_of_one_trigger_would_be_missed(store: Client, sink: Sink) -> None:
    """The comparison above can fail: records that break the rule make the views differ."""
    two = [
        Record(alert(n, alert_id=f"x{n}", account_id="A1", status="opened"), n, of="credit.alerts.v1")
        for n in range(2)
    ]
    sink.write({"alerts": two}, {})
    with pytest.raises(AssertionError):
        same_as_before(store, two)


def test_a_store_that_is_brought_up_to_date_has_its_open_alerts(
    clickhouse: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_before("0013", clickhouse, namespace, tmp_path, monkeypatch)
    records = lives(9)
    figures_ = [figures(n, f"A{n}", START, "low") for n in range(12)]
    worker = Sink(clickhouse, namespace, "store")
    worker.write({"snapshots": figures_, "alerts": records[:1000]}, {})
    client = connect(clickhouse, database_name(clickhouse, namespace))
    columns = "account_id, open_alerts, worst_severity, exposure_base"
    before = client.query(f"SELECT {columns} FROM accounts ORDER BY account_id").result_rows
    assert sum(row[1] for row in before) > 10
    names = client.query("DESCRIBE TABLE accounts").result_columns[:2]
    assert migrate(clickhouse, namespace)[0] == "0013_open_alerts.sql"
    assert client.query("DESCRIBE TABLE accounts").result_columns[:2] == names
    assert client.query(f"SELECT {columns} FROM accounts ORDER BY account_id").result_rows == before
    same_as_before(client, records[:1000])
    worker.write({"alerts": records[900:]}, {})  # the worker went on as it was
    worker.close()
    same_as_before(client, records)
    assert differences(clickhouse, namespace) == []
    client.command(f"DROP DATABASE `{client.database}`")


def test_a_store_that_is_brought_up_to_date_has_its_old_rows_in_the_rollups(
    clickhouse: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_before("0008", clickhouse, namespace, tmp_path, monkeypatch)
    records = book(7)
    opened = [Record(alert(n), n, of="credit.alerts.v1") for n in range(10)]
    before = Sink(clickhouse, namespace, "store")
    before.write({"snapshots": records, "alerts": opened}, {})
    before.close()
    assert migrate(clickhouse, namespace)[0].startswith("0008")
    client = connect(clickhouse, database_name(clickhouse, namespace))
    assert weeks_of(client) == expected_weeks(records)
    assert client.query("SELECT sum(alerts) FROM alerts_opened_daily").result_rows == [(5,)]
    assert count(client, "alerts_current") == 5
    assert count(client, "snapshots_latest") == 9
    client.command(f"DROP DATABASE `{client.database}`")


# ---------------------------------------------------------------- what an account's industry is

INDUSTRIES = ("Machinery", "machinery", "Straßenbau", None, "")


def profiles(seed: int, number: int = 60) -> list[Record]:
    """Profiles of nine accounts, several of the same instant; and other facts, which name an industry in vain."""
    draw = random.Random(seed)
    records = []
    for n in range(number):
        body = {
            "event_id": f"p{draw.randrange(1000):03}-{n}",
            "type": draw.choice(["account.opened", "account.updated", "invoice.issued"]),
            "account_id": f"A{draw.randrange(9)}",
            "occurred_at": f"202{3 + draw.randrange(3)}-0{1 + draw.randrange(2)}-01T00:00:00Z",
            "industry": draw.choice(INDUSTRIES),
        }
        if draw.random() < 0.2:
            del body["industry"]
        records.append(Record(body, n, of="credit.journal.v1"))
    return records


def told_last(records: Sequence[Record]) -> dict[str, str]:
    """Account -> industry: by hand, of the fact with the greatest (occurred_at, event_id) of those that tell one, or that it
    has none."""
    profiles_ = [r.body for r in records if r.body["type"] in ("account.opened", "account.updated")]
    profiles_.sort(key=lambda body: (body["occurred_at"], body["event_id"]))
    newest = {
        body["account_id"]: body.get("industry")
        for body in profiles_
        if body.get("industry") or body["type"] == "account.updated"
    }
    return {account: industry for account, industry in newest.items() if industry}


def industries(store: Client) -> dict[str, str]:
    rows = store.query("SELECT account_id, industry FROM account_industries").result_rows
    found: dict[str, str] = {account: industry for account, industry in rows}  # noqa: C416
    assert len(rows) == len(found), "one row each"
    return found


@pytest.mark.parametrize("seed", range(3))
def test_an_industry_is_the_one_told_last_however_often_and_in_whatever_order(
    store: Client, sink: Sink, seed: int
) -> None:
    records = profiles(seed)
    wanted = told_last(records)
    assert len(wanted) > 2
    named = {(r.body["account_id"], r.body["industry"]) for r in records if r.body.get("industry")}
    assert named > set(wanted.items()), "some were told otherwise later"
    for part in range(3):
        sink.write({"journal": random.Random(seed + part).sample(records, len(records))}, {})
        repeat(sink, "journal", records, seed)
        assert industries(store) == wanted
    store.command("OPTIMIZE TABLE account_industries_named_rows FINAL")
    assert industries(store) == wanted
    for kind, left in (("account.opened", len(wanted)), ("account.updated", len(wanted) - 1)):
        later = Record(
            {**records[0].body, "type": kind, "account_id": next(iter(wanted)), "event_id": "z",
             "occurred_at": "2026-01-01T00:00:00Z", "industry": None}, 999 + left, of="credit.journal.v1",
        )  # fmt: skip
        sink.write({"journal": [later]}, {})
        assert industries(store) == told_last([*records, later])
        assert len(industries(store)) == left, (
            "an update without an industry takes it away, an opening does not"
        )


@pytest.mark.parametrize("number", ["0014", "0017"])
def test_a_store_that_is_brought_up_to_date_has_its_industries(
    clickhouse: str, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: str
) -> None:
    as_before(number, clickhouse, namespace, tmp_path, monkeypatch)
    records = profiles(5)
    worker = Sink(clickhouse, namespace, "store")
    worker.write({"journal": records[:40]}, {})
    client = connect(clickhouse, database_name(clickhouse, namespace))
    if number == "0017":
        assert industries(client) != told_last(records[:40]), "an opening without one took it away"
    assert migrate(clickhouse, namespace)[0].startswith(number)
    assert industries(client) == told_last(records[:40])
    worker.write({"journal": records[30:]}, {})  # the worker went on as it was
    worker.close()
    assert industries(client) == told_last(records)
    assert differences(clickhouse, namespace) == []
    client.command(f"DROP DATABASE `{client.database}`")

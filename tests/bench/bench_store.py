"""How fast the store writes and answers on the dev engine: `python -m tests.bench.bench_store [SNAPSHOTS]` (10M).

Writes: records in memory through the sink, CPU time of the worker and of the engine apart. Reads: the questions of people who
look, and the page's own, on a book of 20,000 accounts and 24 months made inside the engine: what they read most is filled.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from streams.dev.processes import dev_services
from streams.settings import Settings
from streams.store.client import Client, connect
from streams.store.columns import DAY, DAY_OR_NULL, FLAG, FLAGS, ID, MONEY, NUMBER, NUMBERS, RATE, TEXT, WHOLE
from streams.store.migrate import migrate
from streams.store.rows import SNAPSHOTS as SNAPSHOT_TABLE
from streams.store.sink import Sink
from streams.web import queries_accounts, queries_alerts, queries_portfolio
from streams.web.queries import Question
from streams.web.queries_accounts import AccountsQuery, TimelineQuery
from streams.web.queries_alerts import InboxQuery
from streams.web.store import READING
from tests.integration.store_kit import Record, event, refreshed, status

BLOCK = 20_000  # records of one round
ROUNDS = 5
ACCOUNTS = 20_000
TRIGGERS = 6  # by which an account alerts, of 28
ASKED = 15  # times each
STEP = 500_000  # snapshots made by one insert: many parts, as a store that grew has

QUESTIONS = {
    "one account's 24 months": "SELECT as_of, exposure, credit_limit, dtp_90d, dtp_baseline FROM snapshots "
    "WHERE account_id = 'A000123' AND as_of >= '2024-01-01' ORDER BY as_of, offset",
    "the 50 worst accounts now": "SELECT account_id, account_name, status, worst_severity, worst_title, past_due_91, "
    "exposure_base, grade FROM accounts "
    "ORDER BY worst_severity DESC, past_due_91 DESC NULLS LAST, exposure_base DESC NULLS LAST LIMIT 50",
    "exposure, ageing, days to pay by week and tier": "SELECT week, tier, exposure, ageing_current, ageing_d1_30, "
    "ageing_d31_60, ageing_d61_90, ageing_d91, days_to_pay FROM portfolio_weekly ORDER BY week, tier",
    "alerts opened per day by trigger": "SELECT day, trigger, sum(alerts) FROM alerts_opened_daily "
    "WHERE day >= '2025-01-01' AND NOT history GROUP BY day, trigger ORDER BY day, trigger",
    "concentration: the ten largest accounts": "SELECT place, account_id, exposure_base, share, share_up_to_here "
    "FROM concentration WHERE place <= 10 ORDER BY place",
}
"""What people ask: each is to be answered within 100 ms at the 95th percentile."""


def page_questions(client: Client) -> tuple[Question, ...]:
    """What the page asks on its own, of an account and an alert that are there."""
    [(alert, account)] = client.query(
        "SELECT alert_id, account_id FROM alerts_newest_rows LIMIT 1 OFFSET 3000"
    ).result_rows
    today = date(2025, 12, 20)
    return (
        queries_portfolio.totals(),
        queries_portfolio.tiers(),
        queries_alerts.turned(today),
        queries_alerts.turned_count(today),
        queries_alerts.open_counts(today),
        queries_alerts.cleared_counts(),
        queries_alerts.inbox(InboxQuery(), today, None),
        queries_accounts.accounts(AccountsQuery(), None),
        queries_accounts.accounts_found(AccountsQuery()),
        queries_accounts.account(account),
        queries_accounts.figures(account),
        queries_accounts.series(account, date(2025, 1, 1)),
        queries_accounts.timeline(account, TimelineQuery(), None),
        queries_alerts.alert(alert),
        queries_alerts.alert_life(account, alert),
    )


SAMPLES = {
    ID: "A000123",
    TEXT: "low",
    DAY: "2026-05-17",
    DAY_OR_NULL: "2025-11-02",
    MONEY: "123456.78",
    RATE: "1.0842",
    NUMBER: 45.123456,
    WHOLE: 12,
    FLAG: True,
    NUMBERS: [31.5, None, 40.25, 44.0],
    FLAGS: [True, False, True],
}

console = Console()


def full_snapshot() -> dict[str, Any]:
    """A snapshot with something behind every figure."""
    body: dict[str, Any] = {}
    for column in SNAPSHOT_TABLE.columns:
        if column.path is None:
            body[column.name] = SAMPLES[column.kind]
        else:
            body.setdefault(column.path[0], {})[column.path[1]] = SAMPLES[column.kind]
    return body


def engine_pid(directory: Path) -> int:
    """The process that serves this data directory."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_text()
            except OSError:
                continue
            if "clickhouse.py" in command and str(directory) in command:
                return int(process.name)
    raise SystemExit("the engine's process is not found: this bench needs /proc")


def cpu(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def writes(sink: Sink, engine: int) -> None:
    origin = (("origin-topic", b"credit.invoices.v1"), ("origin-partition", b"1"), ("origin-offset", b"7"))
    ce_id = (("ce_id", b"0" * 36),)
    body = full_snapshot()

    def raw(given: dict[str, Any]) -> bytes:
        value = Record(given).value()
        assert value is not None
        return value

    blocks: dict[str, Sequence[Record]] = {
        "journal": [
            Record(
                None,
                n,
                origin,
                raw(event(n, invoice_id=f"INV-{n}", due_date="2026-02-04", reference=f"PO {n}")),
            )
            for n in range(BLOCK)
        ],
        "snapshots": [
            Record(None, n, ce_id, raw({**body, "account_id": f"A{n % ACCOUNTS:06}", "dtp_90d": n / 7}))
            for n in range(BLOCK)
        ],
        "account-status": [Record(None, n, ce_id, raw(status(n))) for n in range(BLOCK)],
    }
    shown = Table(title=f"Writes, rounds of {BLOCK:,} records, median of {ROUNDS}", title_justify="left")
    for name in ("topic", "rows/s", "CPU of the worker, us/row", "CPU of the engine, us/row"):
        shown.add_column(name, justify="left" if name == "topic" else "right")
    for topic, records in blocks.items():
        figures = []
        for _ in range(ROUNDS):
            began, ours, theirs = time.perf_counter(), time.process_time(), cpu(engine)
            sink.write({topic: records}, {})
            figures.append((time.perf_counter() - began, time.process_time() - ours, cpu(engine) - theirs))
        wall, ours, theirs = (statistics.median(column) for column in zip(*figures, strict=True))
        shown.add_row(
            topic, f"{BLOCK / wall:,.0f}", f"{ours / BLOCK * 1e6:.1f}", f"{theirs / BLOCK * 1e6:.1f}"
        )
    console.print(shown)


def fill(client: Client, number: int) -> None:
    """The book: snapshots day by day, an alert in three transitions for each 30 of them, and a status of each account.

    As simulated books have it: an account alerts again and again by the same few triggers, one alert of each at a time; of the
    alerts of 10M snapshots one in ten is open.
    """
    for table in ("snapshots", "alerts", "account_status"):
        client.command(f"TRUNCATE TABLE {table}_rows")
        client.command(f"TRUNCATE TABLE {table}_newest_rows")
    for table in ("account_weeks_rows", "alerts_opened_rows", "alerts_by_trigger_rows"):
        client.command(f"TRUNCATE TABLE {table}")
    account = f"concat('A', leftPad(toString(number % {ACCOUNTS}), 6, '0'))"
    alert = "intDiv(number, 30)"
    last = (
        number + 29
    ) // 30 - TRIGGERS * ACCOUNTS  # from this one on, no alert has a later one of its trigger
    for start in track(range(0, number, STEP), f"{number:,} snapshots", console=console):
        numbers = f"numbers({start}, {min(STEP, number - start)})"
        client.command(
            "INSERT INTO snapshots_rows (account_id, account_name, as_of, currency, base_currency, fx_rate, tier, grade, "
            "exposure, exposure_base, credit_limit, past_due, past_due_91, ageing_current, ageing_d1_30, ageing_d31_60, "
            "ageing_d61_90, ageing_d91, dtp_90d, dtp_baseline, paid_90d, topic, partition, offset, written_at) "
            f"SELECT {account}, concat('Customer ', toString(number % {ACCOUNTS})), "
            f"toDate('2024-01-01') + toUInt32(number * 730 / {number}), ['EUR', 'USD'][1 + number % 2], 'USD', "
            "['1.1', '1'][1 + number % 2], ['low', 'medium', 'high'][1 + cityHash64(number) % 3], 'B', "
            "cityHash64(number) % 100000, cityHash64(number) % 110000, 100000, cityHash64(number, 1) % 5000, "
            "cityHash64(number, 2) % 977, cityHash64(number, 3) % 90000, cityHash64(number, 4) % 7000, "
            "cityHash64(number, 5) % 5000, cityHash64(number, 6) % 3000, cityHash64(number, 7) % 1000, "
            "20 + cityHash64(number, 8) % 600 / 10, 45.5, cityHash64(number, 9) % 50000, "
            f"'credit.snapshots.v1', number % 12, number, now64(3) FROM {numbers}"
        )
        client.command(
            "INSERT INTO alerts_rows (alert_id, account_id, trigger, severity, status, number, title, as_of, exposure, "
            "currency, history, action, opened_at, tier, evidence, value, topic, partition, offset, written_at) "
            f"SELECT lower(hex(MD5(toString({alert})))), "
            f"concat('A', leftPad(toString({alert} % {ACCOUNTS} AS whose), 6, '0')), "
            f"concat('trigger_', toString((7 * whose + intDiv({alert}, {ACCOUNTS}) % {TRIGGERS}) % 28)), "
            f"1 + cityHash64({alert}) % 5, if({alert} >= {last} AND cityHash64({alert}, 1) % 7 < 2, "
            "['opened', 'escalated', 'acknowledged'], ['opened', 'escalated', 'cleared'])[1 + intDiv(number % 30, 10)], "
            "1 + intDiv(number % 30, 10), "
            f"'what turned, in a sentence', toDate('2024-01-01') + toUInt32(number * 730 / {number}), 100, 'USD', false, "
            "'what to do about it, in a sentence or two', now64(6), 'high', "
            """concat('{"metrics": {"dtp_90d": ', toString(cityHash64(number)), '}, "event_ids": ["', """
            """hex(MD5(toString(number))), '", "', hex(MD5(toString(number + 1))), '"]}'), """
            f"repeat('x', 900), 'credit.alerts.v1', number % 12, number, now64(3) FROM {numbers} WHERE number % 10 = 0"
        )
    client.command(
        "INSERT INTO account_status_rows (account_id, as_of, status, tier, topic, partition, offset, written_at) "
        f"SELECT {account}, '2025-12-31', 'good', 'low', 'credit.account-status.v1', 1, number, now64(3) "
        f"FROM numbers({ACCOUNTS * 5})"
    )


def reads(client: Client, number: int, engine: int) -> bool:
    """Print the questions; whether each that people ask was answered within 100 ms at the 95th percentile."""
    fill(client, number)
    before = cpu(engine)
    refreshed(client)
    console.print(f"the portfolio's weeks, made anew: {cpu(engine) - before:.1f} s of CPU")
    asked_by_people = tuple(Question(what, statement, {}) for what, statement in QUESTIONS.items())
    p95 = _answers(client, engine, f"{number:,} snapshots, what people ask", asked_by_people, {})
    _answers(client, engine, f"{number:,} snapshots, what the page asks", page_questions(client), READING)
    return max(p95) < 100


def _answers(
    client: Client, engine: int, title: str, questions: Sequence[Question], settings: Mapping[str, Any]
) -> list[float]:
    """Print how long each took; the 95th percentiles in milliseconds."""
    shown = Table(title=f"{title}, each {ASKED} times", title_justify="left")
    for name in ("question", "p50 ms", "p95 ms", "CPU ms", "rows read", "rows"):
        shown.add_column(name, justify="left" if name == "question" else "right")
    p95 = []
    for what, statement, parameters in questions:

        def ask(question: str, given: Mapping[str, Any] = parameters) -> Any:
            return client.query(question, parameters=dict(given), settings=dict(settings))

        before = cpu(engine)
        took, answer = _asked(lambda q=statement, ask=ask: ask(q))  # type: ignore[misc]
        spent = (cpu(engine) - before) / ASKED * 1000
        read = ask(f"EXPLAIN ESTIMATE {statement}").result_rows
        p95.append(statistics.quantiles(took, n=20)[18])
        shown.add_row(
            what,
            f"{statistics.median(took):.0f}",
            f"{p95[-1]:.0f}",
            f"{spent:.0f}",
            f"{sum(row[3] for row in read):,}",
            f"{len(answer):,}",
        )
    console.print(shown)
    return p95


def _asked(ask: Callable[[], Any]) -> tuple[list[float], Sequence[Any]]:
    """Milliseconds of each time, and the rows of the last."""
    took: list[float] = []
    rows: Sequence[Any] = ()
    for _ in range(ASKED):
        began = time.perf_counter()
        rows = ask().result_rows
        took.append((time.perf_counter() - began) * 1000)
    return took, rows


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as folder:
        settings = Settings(_env_file=None, broker="kafka://unused:9092", store="dev", data_dir=Path(folder))
        with dev_services(settings) as services:
            migrate(services.clickhouse)
            engine = engine_pid(Path(folder))
            sink = Sink(services.clickhouse, "", "store")
            writes(sink, engine)
            sink.close()
            fast = reads(connect(services.clickhouse, "bellwether"), number, engine)
    console.print("each question within 100 ms" if fast else "not each question within 100 ms")


if __name__ == "__main__":
    main()

"""How fast the store writes and answers, on the dev engine: `python -m tests.bench.bench_store [SNAPSHOTS]`.

Writes: records in memory -> decoded -> inserted -> accepted, one sink, rows a second. Reads: the views, median of seven.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from streams.dev.processes import dev_services
from streams.settings import Settings
from streams.store.client import Client, connect
from streams.store.columns import (
    DAY,
    DAY_OR_NULL,
    FLAG,
    FLAGS,
    ID,
    MONEY,
    NUMBER,
    NUMBERS,
    RATE,
    TEXT,
    WHOLE,
)
from streams.store.migrate import migrate
from streams.store.rows import SNAPSHOTS as SNAPSHOT_TABLE
from streams.store.rows import rows
from streams.store.sink import Sink
from tests.integration.store_kit import Record, event

JOURNAL, SNAPSHOTS = 100_000, 20_000  # records of one round
ROUNDS = 5
ACCOUNTS = 20_000

QUESTIONS = {
    "one account's 24 months": "SELECT as_of, exposure, credit_limit, dtp_90d FROM snapshots "
    "WHERE account_id = 'A000123' AND as_of >= toDate('2024-01-01') ORDER BY as_of",
    "the 50 worst accounts now": "SELECT account_id, past_due_91, exposure, grade FROM snapshots_latest "
    "ORDER BY past_due_91 DESC NULLS LAST LIMIT 50",
    "exposure and ageing by tier now": "SELECT tier, sum(exposure_base), sum(ageing_d91) FROM snapshots_latest "
    "GROUP BY tier",
    "rows of a quarter by week and tier": "SELECT toMonday(as_of), tier, sum(exposure_base) FROM snapshots "
    "WHERE as_of >= '2025-10-01' GROUP BY 1, 2 ORDER BY 1, 2",
}


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


def full_snapshot() -> dict[str, Any]:
    """A snapshot with something behind every figure."""
    body: dict[str, Any] = {}
    for column in SNAPSHOT_TABLE.columns:
        if column.path is None:
            body[column.name] = SAMPLES[column.kind]
        else:
            body.setdefault(column.path[0], {})[column.path[1]] = SAMPLES[column.kind]
    return body


def rate(what: str, number: int, call: Callable[[], object]) -> None:
    """Print how many a second, the median of the rounds."""
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    print(f"{what:<42} {number / statistics.median(seconds):>10,.0f} rows/s")


def writes(sink: Sink) -> None:
    origin = (("origin-topic", b"credit.invoices.v1"), ("origin-partition", b"1"), ("origin-offset", b"7"))
    journal = [
        Record(None, n, origin, raw, of="credit.journal.v1")
        for n in range(JOURNAL)
        if (
            raw := Record(event(n, invoice_id=f"INV-{n}", due_date="2026-02-04", reference=f"PO {n}")).value()
        )
    ]
    body = full_snapshot()
    taken = [
        Record(None, n, (("ce_id", b"0" * 36),), raw, of="credit.snapshots.v1")
        for n in range(SNAPSHOTS)
        if (raw := Record({**body, "account_id": f"A{n % ACCOUNTS:06}", "dtp_90d": n / 7}).value())
    ]
    for name, records in (("journal", journal), ("snapshots", taken)):
        batch: Sequence[Record] = records
        rate(f"{name}: decoded", len(batch), lambda n=name, b=batch: rows(n, b))  # type: ignore[misc]
        rate(f"{name}: stored", len(batch), lambda n=name, b=batch: sink.write({n: b}, {}))  # type: ignore[misc]


def reads(client: Client, number: int) -> None:
    client.command("TRUNCATE TABLE snapshots_rows")
    client.command("TRUNCATE TABLE snapshots_latest_rows")
    step = 1_000_000
    for start in range(0, number, step):
        client.command(
            "INSERT INTO snapshots_rows (account_id, as_of, tier, grade, exposure, exposure_base, past_due_91, "
            "ageing_d91, credit_limit, dtp_90d, topic, partition, offset, written_at) "
            f"SELECT concat('A', leftPad(toString(number % {ACCOUNTS}), 6, '0')), "
            f"toDate('2024-01-01') + toUInt32(number * 730 / {number}), ['low', 'medium', 'high'][1 + number % 3], 'B', "
            "number % 100000, number % 100000, number % 977, number % 977, 100000, number % 90, "
            "'credit.snapshots.v1', number % 12, number, now64(3) "
            f"FROM numbers({start}, {min(step, number - start)})"
        )
    for what, question in QUESTIONS.items():
        seconds = []
        for _ in range(7):
            began = time.perf_counter()
            client.query(question)
            seconds.append(time.perf_counter() - began)
        print(f"{what:<42} {statistics.median(seconds) * 1000:>10,.0f} ms of {number:,} snapshots")


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(broker="kafka://unused:9092", store="dev", data_dir=Path(folder))
        with dev_services(settings) as services:
            migrate(services.clickhouse)
            sink = Sink(services.clickhouse, "", "store")
            writes(sink)
            sink.close()
            reads(connect(services.clickhouse, "bellwether"), number)


if __name__ == "__main__":
    main()

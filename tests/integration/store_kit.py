"""What the store's tests share: a record as Kafka hands it out, bodies of each kind, a deployment of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from streams.store.client import Client, connect, database_name
from streams.store.migrate import migrate


@dataclass(frozen=True)
class Record:
    """What a Kafka client hands out; `body` is its JSON, `raw` its bytes where it is none."""

    body: Any = None
    at: int = 0
    sent_headers: tuple[tuple[str, bytes | None], ...] = ()
    raw: bytes | None = None
    sent_key: bytes | None = b"A1"
    of: str = "t"
    number: int = 3

    def topic(self) -> str:
        return self.of

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_225_600_000

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return list(self.sent_headers) or None

    def key(self) -> bytes | None:
        return self.sent_key

    def value(self) -> bytes | None:
        return self.raw if self.body is None else orjson.dumps(self.body)


def event(n: int, **changed: Any) -> dict[str, Any]:
    """An invoice of one of seven accounts, over three years."""
    return {
        "event_id": f"e{n}",
        "type": "invoice.issued",
        "account_id": f"A{n % 7}",
        "occurred_at": f"{2024 + n % 3}-{n % 12 + 1:02}-01T00:00:00Z",
        "source": "erp",
        "amount": f"{n}.25",
        "currency": "USD",
        **changed,
    }


def alert(n: int, **changed: Any) -> dict[str, Any]:
    """Transition number n of one of five alerts."""
    return {
        "alert_id": f"alert-{n % 5}",
        "account_id": f"A{n % 5}",
        "account_name": "Meyer & Söhne",
        "trigger": "over_limit",
        "severity": 1 + n % 5,
        "status": "opened" if n < 5 else "escalated",
        "title": f"transition {n}",
        "as_of": f"2026-{n % 12 + 1:02}-01",
        "exposure": "12.50",
        "currency": "EUR",
        "evidence": {"metrics": {"n": n}, "thresholds": {}, "event_ids": [f"e{n}"]},
        "history": False,
        **changed,
    }


def proposal(n: int, **changed: Any) -> dict[str, Any]:
    """Transition number n of one of three proposals."""
    return {
        "proposal_id": f"proposal-{n % 3}",
        "account_id": f"A{n % 3}",
        "as_of": "2026-03-01",
        "status": "proposed",
        "direction": "cut",
        "current_limit": "1000.00",
        "proposed_limit": "500.00",
        "currency": "EUR",
        "score": 41.5,
        "grade": "D",
        "reasons": ["own payments"],
        "categories": {"own_payments": 30},
        **changed,
    }


def status(n: int, **changed: Any) -> dict[str, Any]:
    """Status number n of one of seven accounts."""
    return {"account_id": f"A{n % 7}", "as_of": "2026-03-01", "status": "watch", "open_alerts": n, **changed}


def snapshot(n: int, **changed: Any) -> dict[str, Any]:
    """Figures number n of one of seven accounts."""
    return {
        "account_id": f"A{n % 7}",
        "as_of": f"2026-{n % 12 + 1:02}-01",
        "currency": "EUR",
        "open_balance": f"{n}.00",
        "exposure": f"{n}.00",
        "dtp_90d": n / 3,
        "ageing": {"current": f"{n}.00", "d1_30": "0.00", "d31_60": None, "d61_90": None, "d91": None},
        "dtp_months": [None, 30.5],
        "discounts_taken": [True, False],
        "rising": n % 2 == 0,
        **changed,
    }


def made(dsn: str, namespace: str) -> Client:
    """A client of a deployment with tables of its own."""
    migrate(dsn, namespace)
    return connect(dsn, database_name(dsn, namespace))


def emptied(client: Client) -> None:
    """All rows of the deployment gone, as if its tables were new: they take a second to make."""
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
        "AND name != 'migrations'"
    )
    for (name,) in tables.result_rows:
        client.command(f"TRUNCATE TABLE `{name}`")


def count(client: Client, table: str) -> int:
    """Rows of a table or view."""
    found: int = client.query(f"SELECT count() FROM {table}").result_rows[0][0]
    return found


def refreshed(client: Client) -> None:
    """Make the portfolio's weeks anew now, instead of within half a minute."""
    client.command("SYSTEM REFRESH VIEW portfolio_weekly_refresh")
    client.command("SYSTEM WAIT VIEW portfolio_weekly_refresh")

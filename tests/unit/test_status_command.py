"""`bellwether status`: what it says of lag, ages and the store, without any."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from streams.commands import status
from streams.control import Control
from streams.settings import Settings
from streams.store import queries


@pytest.mark.parametrize(
    ("alerts", "accounts", "said"),
    [
        (1, 1, "severity 4: 1 open alert on 1 account"),
        (2, 1, "severity 4: 2 open alerts on 1 account"),
        (2345, 1200, "severity 4: 2,345 open alerts on 1,200 accounts"),
    ],
)
def test_open_alerts_are_counted_in_english(
    alerts: int, accounts: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, Any]] = [{"severity": 4, "alerts": alerts, "accounts": accounts}]
    monkeypatch.setattr(status, "clickhouse_dsn", lambda _: "clickhouse://h:1/d")
    monkeypatch.setattr(status, "connect", lambda *_, **__: None)
    monkeypatch.setattr(queries, "ask", lambda *_: rows)
    console = Console(record=True, width=100)
    status._store(console, Settings())
    assert console.export_text().splitlines() == [said]


class Behind:
    """What each group has yet to read."""

    def __init__(self, *_: Any) -> None:
        pass

    def of(self, group: str) -> dict[str, tuple[int, int]]:
        return {
            "intake": {"history": (0, 9), "invoices": (1234, 9), "payments": (0, 9)},
            "monitor": {"journal": (0, 9)},
            "store": {"journal": (7, 9), "alerts": (3, 9), "snapshots": (0, 9)},
        }[group]

    def close(self) -> None:
        pass


def test_whatever_waits_is_told_with_who_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, found in (
        ("settings", Settings),
        ("kafka_servers", lambda _: "h:1"),
        ("read_control", lambda *_: Control(policy_hash="abc", last_tick=date(2026, 3, 1))),
        ("Lag", Behind),
        ("open_transactions", lambda *_: {("credit.invoices.v1", 2): 462}),
        ("_freshness", lambda *_: "feeds"),
        ("_store", lambda *_: None),
    ):
        monkeypatch.setattr(status, name, found)
    told = CliRunner().invoke(status.status).output
    assert "policy abc; last day ended: 2026-03-01" in told
    lag = [line.strip("│").split("│") for line in told.splitlines() if line.startswith("│")]
    assert [tuple(cell.strip() for cell in row) for row in lag] == [
        ("intake", "history", "0"),
        ("intake", "invoices", "1,234"),
        ("monitor", "journal", "0"),
        ("store", "journal", "7"),
        ("store", "alerts", "3"),
    ]
    assert "credit.invoices.v1/2: a transaction is open at offset 462," in told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "60 min"),
        (3600, "1 h"),
        (86_400, "1 d"),
        (4e6, "46 d"),
    ],
)
def test_an_age_is_told_in_the_largest_unit_that_it_fills(seconds: float, said: str) -> None:
    assert status._age(seconds) == said

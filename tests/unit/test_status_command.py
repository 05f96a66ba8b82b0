"""`bellwether status`: what it says of the store, without one."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from streams.commands import status
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

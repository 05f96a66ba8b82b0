"""A ledger imported beside a feed of accounts: what the ledger does not know stays as the feed told it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from streams.backtest import Result, run
from tests.golden.stories import shipped_policy
from tests.import_builders import imported

LEDGER = """Customer,Invoice,Invoice Date,Due Date,Settled Date,Amount,Currency
shop,1,2026-02-12,2026-03-14,2026-03-10,850.00,USD
shop,2,2026-03-12,2026-04-11,,850.00,USD
site,3,2026-02-12,2026-03-14,2026-03-10,850.00,USD
site,4,2026-03-12,2026-04-11,,850.00,USD
"""
POLICY = (
    shipped_policy() + "\n[overrides.segment.construction.triggers.utilization_high]\nutilization = 0.9\n"
)
OPENED = {
    "type": "account.opened", "currency": "USD", "opened_on": "2015-01-01", "country": "DE", "owner": "kim",
}  # fmt: skip


def feed() -> list[bytes]:
    """Two accounts, each with a limit of 1,000; told before the ledger's first invoice."""
    events = []
    for account, industry in (("shop", "Retail"), ("site", "Construction")):
        us = {"account_id": account, "source": "crm", "occurred_at": "2026-01-02T09:00:00Z"}
        events += [
            {**us, **OPENED, "event_id": f"{account}-1", "name": f"{account} Ltd", "industry": industry},
            {**us, "type": "account.limit_set", "event_id": f"{account}-2", "credit_limit": "1000.00", "currency": "USD"},
        ]  # fmt: skip
    return [orjson.dumps(event) for event in events]


def judged(folder: Path, *events: bytes) -> Result:
    path = folder / "book.jsonl"
    path.write_bytes(b"\n".join(events))
    return run(path, POLICY)


@pytest.mark.parametrize("told_first", ["feed", "accounts of the ledger"])
def test_numbers_of_the_policy_for_an_industry_stay_in_force_after_an_import(
    tmp_path: Path, told_first: str
) -> None:
    """Both accounts use 85 % of their limits; of builders less than 90 % is no alert."""
    ledger = imported(tmp_path, LEDGER).raw
    opened = [raw for raw in ledger if b'"account.opened"' in raw]
    rest = [raw for raw in ledger if raw not in opened]
    first = [*feed(), *opened] if told_first == "feed" else [*opened, *feed()]
    got = judged(tmp_path, *first, *rest)
    alerted = {a["account_id"] for a in got.alerts if a["trigger"] == "utilization_high"}
    assert alerted == {"shop"}
    assert {a["owner"] for a in got.alerts} == {"kim"}
    assert {figures["account_name"] for figures in got.accounts.values()} == {"shop Ltd", "site Ltd"}


def test_an_account_of_a_ledger_without_names_is_called_by_its_id(tmp_path: Path) -> None:
    got = judged(tmp_path, *imported(tmp_path, LEDGER).raw)
    assert {name: figures["account_name"] for name, figures in got.accounts.items()} == {
        "shop": "shop",
        "site": "site",
    }

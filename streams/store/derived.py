"""What the store makes of its own rows (decisions, weeks, what is open, opened a day, industries), held against them.

Reads only. Each feed's statement is the server's own, run anew over all rows; rows against topics are held.py's.
"""

# ruff: noqa: S608 (statements are joined from texts of this file and of the server)

from __future__ import annotations

from typing import Final

from streams.store.client import Client
from streams.store.retention import kept_days

# Feed -> the table that it fills. Where rows replace each other, the feed itself yields the newest.
_FEEDS: Final = {
    "decisions_feed": "decisions_rows",
    "refused_decisions_feed": "refused_decisions_rows",
    "account_weeks_feed": "account_weeks_rows",
    "alerts_by_trigger_feed": "alerts_by_trigger_rows",
}


def derived(client: Client) -> list[str]:
    """A sentence for each table that lacks what its feed would make of the rows there are, or holds it otherwise.

    Rows that the store no longer keeps are asked of nobody. Raises the client's errors.
    """
    found: list[str] = []
    for feed, table in _FEEDS.items():
        made = _statement(client, feed)
        names = ", ".join(f"`{row[0]}`" for row in client.query(f"DESCRIBE ({made})").result_rows)
        found += _lacking(
            client,
            table.removesuffix("_rows"),
            f"SELECT {names} FROM ({made})",
            f"SELECT {names} FROM {table} FINAL",
        )
    if not kept_days(client, "alerts"):
        keys = "day, trigger, severity, history"
        made = _statement(client, "alerts_opened_feed")
        counted = (
            f"SELECT {keys}, uniqExactMerge(opened), uniqExactMerge(accounts) FROM ({made}) GROUP BY {keys}"
        )
        found += _lacking(client, "alerts_opened_daily", counted, "SELECT * FROM alerts_opened_daily")
    told = _statement(client, "account_industries_feed")
    found += _lacking(
        client,
        "account_industries",
        f"SELECT account_id, newest FROM ({told})",
        "SELECT account_id, max(newest) FROM account_industries_rows GROUP BY account_id",
    )
    return found


def _statement(client: Client, feed: str) -> str:
    asked = client.query(
        "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        parameters={"name": feed},
    )
    return str(asked.result_rows[0][0])


def _lacking(client: Client, what: str, made: str, there: str) -> list[str]:
    number, example = client.query(
        f"SELECT count(), any(formatRow('TSV', *)) FROM ({made} EXCEPT {there})"
    ).result_rows[0]
    return (
        [
            f"{what}: {number} row{'' if number == 1 else 's'} missing or different, one of them {_short(example)}"
        ]
        if number
        else []
    )


def _short(row: str) -> str:
    told = ", ".join(row.rstrip("\n").split("\t")[:4])
    return told if len(told) <= 120 else f"{told[:117]}..."

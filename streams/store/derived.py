"""What the store makes of its own rows (decisions, weeks, what is open, opened a day, industries), held against them.

Reads only. Each feed's statement is the server's own, run anew over all rows; rows against topics are held.py's.
"""

# ruff: noqa: S608 (statements are joined from texts of this file and of the server)

from __future__ import annotations

from typing import Final

from streams.store.client import Client
from streams.store.retention import whole_since

_MOST: Final = 1000  # rows of a table that are looked at one by one

# Feed -> the table that it fills. Where rows replace each other, the feed itself yields the newest.
_FEEDS: Final = {
    "decisions_feed": "decisions_rows",
    "refused_decisions_feed": "refused_decisions_rows",
    "account_weeks_feed": "account_weeks_rows",
    "alerts_by_trigger_feed": "alerts_by_trigger_rows",
}


def derived(client: Client) -> dict[str, set[str]]:
    """By table: the rows that its feed would make of the rows there are, and that it lacks or holds otherwise.

    Rows as ClickHouse prints them, _MOST of a table at most, always the same ones. What the store no longer keeps is asked
    of nobody. Raises the client's errors.
    """
    found: dict[str, set[str]] = {}
    for feed, table in _FEEDS.items():
        made = _statement(client, feed)
        names = ", ".join(f"`{row[0]}`" for row in client.query(f"DESCRIBE ({made})").result_rows)
        found[table.removesuffix("_rows")] = _lacking(
            client, f"SELECT {names} FROM ({made})", f"SELECT {names} FROM {table} FINAL"
        )
    if not whole_since(client, "alerts"):
        keys = "day, trigger, severity, history"
        made = _statement(client, "alerts_opened_feed")
        counted = (
            f"SELECT {keys}, uniqExactMerge(opened), uniqExactMerge(accounts) FROM ({made}) GROUP BY {keys}"
        )
        found["alerts_opened_daily"] = _lacking(client, counted, "SELECT * FROM alerts_opened_daily")
    feed = _statement(client, "account_industries_named_feed")
    found["account_industries"] = _lacking(
        client,
        f"SELECT account_id, newest FROM ({feed})",
        "SELECT account_id, max(newest) FROM account_industries_named_rows GROUP BY account_id",
    )
    return found


def told(table: str, lacking: set[str]) -> str:
    """The sentence about these rows of the table."""
    number = (
        f"{len(lacking):,}{' or more' if len(lacking) >= _MOST else ''} row{'' if len(lacking) == 1 else 's'}"
    )
    return f"{table}: {number} missing or different, one of them {_short(min(lacking))}"


def _statement(client: Client, feed: str) -> str:
    asked = client.query(
        "SELECT as_select FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        parameters={"name": feed},
    )
    return str(asked.result_rows[0][0])


def _lacking(client: Client, made: str, there: str) -> set[str]:
    rows = client.query(
        f"SELECT formatRow('TSV', *) AS row FROM ({made} EXCEPT {there}) ORDER BY cityHash64(row) LIMIT {_MOST}"
    ).result_rows
    return {row for (row,) in rows}


def _short(row: str) -> str:
    told = ", ".join(row.rstrip("\n").split("\t")[:4])
    return told if len(told) <= 120 else f"{told[:117]}..."

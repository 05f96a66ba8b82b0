"""How long the store keeps rows: the days of the settings, as the TTL of each table. The tables themselves: migrate.py.

What is newest of an account or alert, and the rollups, are never taken: what was true today stays, however old it is.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from streams.errors import Refused
from streams.store.client import Client, connect, database_name, named, refusals

FOREVER: Final = 0
AT_LEAST: Final = 400  # days: who was refused a raise may ask for the reasons a year later

# View -> the day by which its rows age, and the days that they are kept when the settings name no other.
KEPT: Final[dict[str, tuple[str, int]]] = {
    "journal": ("toDate(occurred_at)", FOREVER),
    "alerts": ("as_of", FOREVER),
    "proposals": ("as_of", FOREVER),
    "decisions": ("toDate(occurred_at)", FOREVER),
    "snapshots": ("as_of", FOREVER),
    "account_status": ("as_of", FOREVER),
    "dead_letters": ("toDateTime(written_at)", 400),
    "late": ("toDateTime(written_at)", 400),
}
LONG: Final = ("proposals", "decisions")
_WHOLE: Final = re.compile(r"\bwhole since (\d{4}-\d\d-\d\d)\b")  # in a table's comment
_EPOCH: Final = date(1970, 1, 1)


def wanted(days: Mapping[str, int]) -> dict[str, int]:
    """View -> days, those of the settings and the defaults; 0 is for ever. Raises Refused for what cannot be."""
    for view, kept in days.items():
        if view not in KEPT:
            raise Refused(f"BELLWETHER_STORE_DAYS: there is no view {view}; it may name {', '.join(KEPT)}")
        if view in LONG and FOREVER < kept < AT_LEAST:
            raise Refused(
                f"BELLWETHER_STORE_DAYS: {view} are kept {AT_LEAST} days at least, because their reasons may be asked for a "
                f"year later; write {view}={AT_LEAST} or more, or 0 for ever"
            )
        if kept > 36500:
            raise Refused(f"BELLWETHER_STORE_DAYS: {view}={kept} is more than a century; write 0 for ever")
    return {view: days.get(view, default) for view, (_, default) in KEPT.items()}


def retain(dsn: str, namespace: str, days: Mapping[str, int]) -> list[str]:
    """Give each table its TTL. A sentence for each that changed; rows beyond it go in the background, with merges."""
    return _each(dsn, namespace, wanted(days), change=True)


def otherwise(dsn: str, namespace: str, days: Mapping[str, int]) -> list[str]:
    """Which tables keep their rows for another time than they should, a sentence each. Changes nothing."""
    return _each(dsn, namespace, wanted(days), change=False)


def _each(dsn: str, namespace: str, days: Mapping[str, int], change: bool) -> list[str]:
    client = connect(dsn, database_name(dsn, namespace))
    said: list[str] = []
    try:
        with refusals(named(dsn), client.database):
            for view, keep in days.items():
                kept = kept_days(client, view)
                if kept == keep:
                    continue
                if change:
                    lost = ""
                    if kept and not 0 < keep < kept:  # what went while it was shorter does not come back
                        since = _EPOCH + timedelta(whole_since(client, view))
                        client.command(f"ALTER TABLE {view}_rows MODIFY COMMENT 'whole since {since}'")
                        lost = f"; those of days before {since} are gone, see 'Records are gone' in deploy/runbook.md"
                    rule = f"MODIFY TTL {KEPT[view][0]} + INTERVAL {keep} DAY" if keep else "REMOVE TTL"
                    client.command(f"ALTER TABLE {view}_rows {rule}")
                    said.append(f"{view}: rows are kept {_shown(keep)} from now on{lost}")
                else:
                    said.append(f"{view}: rows are kept {_shown(kept)}, the settings say {_shown(keep)}")
    finally:
        client.close()
    return said


def kept_days(client: Client, view: str) -> int:
    """For how many days the view's table keeps its rows now; 0 is for ever."""
    return _of_table(client, view)[0]


def whole_since(client: Client, view: str) -> int:
    """The first day, as days since 1970, of which all of the view's rows must be there: none has been dropped by its age, nor
    was one while they were kept for less long. 0: of every day."""
    days, since = _of_table(client, view)
    oldest = int(time.time() // 86_400) - days + 1 if days else 0  # a day of grace for the merges
    return max(oldest, since)


def _of_table(client: Client, view: str) -> tuple[int, int]:
    """Days that its rows are kept, and the first day, since 1970, of which none is gone by an earlier rule."""
    rows = client.query(
        "SELECT engine_full, comment FROM system.tables WHERE database = currentDatabase() AND name = {name:String}",
        parameters={"name": f"{view}_rows"},
    ).result_rows
    engine, comment = rows[0] if rows else ("", "")
    rule, since = re.search(r"\bTTL .*?toIntervalDay\((\d+)\)", engine), _WHOLE.search(comment)
    return int(rule[1]) if rule else FOREVER, (date.fromisoformat(since[1]) - _EPOCH).days if since else 0


def _shown(days: int) -> str:
    return f"{days} days" if days else "for ever"

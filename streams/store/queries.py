"""The questions that other commands ask the store, each by name and with its parameters bound.

Each reads the views, in which a repeated row shows once. Rows come as dicts, column -> Python value (money: Decimal).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from streams.store.client import Client, refusals

Row = dict[str, Any]

COUNTED: Final = ("journal", "alerts", "proposals", "snapshots", "account_status", "dead_letters", "late")

QUERIES: Final[dict[str, str]] = {
    "counts": " UNION ALL ".join(f"SELECT '{view}' AS name, count() AS rows FROM {view}" for view in COUNTED),  # noqa: S608
    "events_stored": "SELECT count() AS rows FROM journal WHERE account_id != ''",
    "open_alerts_by_severity": """
        SELECT severity, count() AS alerts, uniqExact(account_id) AS accounts FROM alerts_open
        WHERE history = {history:Bool}
        GROUP BY severity ORDER BY severity DESC""",
    # The newest proposal that was not overtaken, with what became of it, beside the account's open alerts.
    "turned": """
        SELECT alert.account_id AS account_id, any(alert.account_name) AS account_name,
            max(alert.severity) AS worst, count() AS open_alerts,
            argMax(alert.trigger, (alert.severity, alert.as_of, alert.alert_id)) AS trigger,
            argMax(alert.title, (alert.severity, alert.as_of, alert.alert_id)) AS title,
            min(alert.as_of) AS since, any(proposal.direction) AS direction,
            any(proposal.current_limit) AS current_limit, any(proposal.proposed_limit) AS proposed_limit,
            any(proposal.currency) AS currency, any(proposal.status) AS proposal_status
        FROM (SELECT * FROM alerts_open WHERE severity >= {severity:UInt8}) AS alert
        LEFT JOIN (
            SELECT account_id, direction, current_limit, proposed_limit, currency, status FROM proposals_current
            WHERE status != 'superseded' ORDER BY as_of DESC, offset DESC LIMIT 1 BY account_id
        ) AS proposal ON proposal.account_id = alert.account_id
        GROUP BY alert.account_id ORDER BY worst DESC, open_alerts DESC, account_id LIMIT {limit:UInt32}""",
    "accounts_of_id": """
        SELECT DISTINCT account_id FROM (
            SELECT account_id FROM alerts_current WHERE startsWith(alert_id, {prefix:String})
            UNION ALL SELECT account_id FROM proposals_current WHERE startsWith(proposal_id, {prefix:String})
        ) LIMIT 100""",
    "ingested": """
        SELECT topic, partition, max(next_offset) AS next_offset, max(updated_at) AS updated_at FROM ingested
        WHERE consumer_group = {group:String} GROUP BY topic, partition ORDER BY topic, partition""",
}
"""Name -> statement; the parameters stand in braces with their types."""


def ask(client: Client, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of one of QUERIES. Raises Refused when the store cannot answer."""
    with refusals(client.url.partition("://")[2], client.database):
        return list(client.query(QUERIES[name], parameters=dict(parameters or {})).named_results())


def counts(client: Client) -> dict[str, int]:
    """View -> rows, each stored record once."""
    return {row["name"]: row["rows"] for row in ask(client, "counts")}


def events_stored(client: Client) -> int:
    """Rows of the journal that belong to an account: control records, one a partition, are not counted."""
    return int(ask(client, "events_stored")[0]["rows"])

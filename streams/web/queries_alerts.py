"""The page's questions about alerts: the inbox and what it holds, what turned lately, one alert with its life.

What people said about an alert is queries_proposals.py; how a question is made, queries.py.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal

from pydantic import Field

from streams.web.queries import PAGE, Cursor, Query, Question, Search, Sent, Tier, by_id, where_clause


class InboxQuery(Query):
    """A page of the inbox. `state` open leaves out what sleeps; `when` keeps what a backfill found apart from today's."""

    when: Literal["today", "history"] = "today"
    state: Literal["open", "snoozed", "acknowledged", "unassigned", "cleared"] = "open"
    severity: int = Field(default=0, ge=0, le=5)
    trigger: str = Field(default="", max_length=60)
    tier: Tier = ""
    owner: str = Field(default="", max_length=200)
    q: str = Search
    after: str = Cursor
    sent: str = Sent
    about: str = Field(default="", max_length=200, description="The account that was decided about.")


STATES: Final = {
    "open": "status != 'cleared' AND NOT asleep",
    "snoozed": "status != 'cleared' AND asleep",
    "acknowledged": "status != 'cleared' AND acknowledged_by IS NOT NULL",
    "unassigned": "status != 'cleared' AND NOT asleep AND owner IS NULL",
    "cleared": "status = 'cleared'",
}
INBOX_PAGE: Final = 25


def _inbox_filters(query: InboxQuery, today: date) -> tuple[list[str], dict[str, Any]]:
    where = ["history = {history:Bool}", STATES[query.state]]
    parameters: dict[str, Any] = {"history": query.when == "history", "today": today}
    if query.severity:
        where.append("severity >= {severity:UInt8}")
        parameters["severity"] = query.severity
    for name in ("trigger", "tier", "owner"):
        if value := getattr(query, name):
            where.append(f"{name} = {{{name}:String}}")
            parameters[name] = value
    if query.q.strip():
        where.append(
            "(positionCaseInsensitiveUTF8(account_id, {q:String}) > 0"
            " OR positionCaseInsensitiveUTF8(coalesce(account_name, ''), {q:String}) > 0)"
        )
        parameters["q"] = query.q.strip()
    return where, parameters


# An alert that grows graver wakes, whatever day it was to sleep until; growth alone is not even told before that day.
_SLEEPS_UNTIL: Final = "if(status = 'escalated', NULL, snoozed_until)"
_ASLEEP: Final = f"ifNull({_SLEEPS_UNTIL} >= {{today:Date}}, false) AS asleep"

_STORY: Final = f"""
    groupArray((alert_id, trigger, severity, status, coalesce(title, trigger), coalesce(action, ''), toString(as_of),
        coalesce(toString(toDate(opened_at)), ''), coalesce(owner, ''), coalesce(acknowledged_by, ''),
        coalesce(toString(toDate({_SLEEPS_UNTIL})), ''), coalesce(evidence, ''))) AS story"""

# Of the alert that was told last: an exposure beside the currency of an older one would be another amount.
_FIGURES: Final = """
    argMax(account_name, (as_of, offset)) AS name, argMax(tier, (as_of, offset)) AS tier_,
    argMax(exposure, (as_of, offset)) AS exposure_,
    argMaxIf(currency, (as_of, offset), exposure IS NOT NULL) AS currency_"""


def _picked(known: str, where: str, having: str) -> str:
    """The ids of the accounts of which alerts in `known` fit, gravest and newest first, at most {rows}.

    They are found by three narrow columns; the story, with its texts and evidence, is then read of these accounts alone.
    """
    return f"""SELECT account_id FROM (
                SELECT account_id, max(severity) AS worst, max(as_of) AS newest FROM {known} {where}
                GROUP BY account_id {having} ORDER BY worst DESC, newest DESC, account_id LIMIT {{rows:UInt32}}
            )"""


def inbox(query: InboxQuery, today: date, after: Sequence[Any] | None) -> Question:
    """Accounts with alerts that fit, gravest and newest first, and those alerts as one story each."""
    where, parameters = _inbox_filters(query, today)
    known = f"(SELECT *, {_ASLEEP} FROM {'alerts_current' if query.state == 'cleared' else 'alerts_open'})"
    having = ""
    if after is not None:
        having = (
            "HAVING (worst, newest) < ({worst:Int64}, {newest:Date})"
            " OR ((worst, newest) = ({worst:Int64}, {newest:Date}) AND account_id > {account:String})"
        )
        parameters |= dict(zip(("worst", "newest", "account"), after, strict=True))
    picked = _picked(known, where_clause(where), having)
    return Question(
        "inbox",
        f"""
        SELECT account_id, max(severity) AS worst, max(as_of) AS newest, count() AS number, {_FIGURES}, {_STORY}
        FROM {known} {where_clause([f"account_id IN ({picked})", *where])}
        GROUP BY account_id ORDER BY worst DESC, newest DESC, account_id""",
        {**parameters, "rows": INBOX_PAGE + 1},
    )


TURNED_SHOWN: Final = 12  # accounts
_TURNED: Final = "NOT history AND severity >= 3"


def turned(since: date) -> Question:
    """The accounts on which a grave alert opened or escalated since that day, gravest and newest first, with their story.

    Beside each its newest proposal that was not overtaken, and what became of it.
    """
    picked = _picked("alerts_open", "WHERE NOT history", "HAVING maxIf(as_of, severity >= 3) >= {since:Date}")
    return Question(
        "turned",
        f"""
        SELECT told.account_id AS account_id, told.name AS name, told.worst AS worst, told.newest AS newest,
            told.number AS number, told.tier_ AS tier_, told.exposure_ AS exposure_, told.currency_ AS currency_,
            told.story AS story, figures.grade AS grade, figures.dtp_90d AS dtp_90d, figures.dtp_baseline AS dtp_baseline,
            now_.status AS account_status, now_.credit_limit AS credit_limit, proposal.proposal_id AS proposal_id,
            proposal.direction AS direction, proposal.proposed_limit AS proposed_limit,
            proposal.effective_limit AS effective_limit, proposal.currency AS proposal_currency,
            proposal.status AS proposal_status
        FROM (
            SELECT account_id, max(severity) AS worst, max(as_of) AS newest, count() AS number, {_FIGURES}, {_STORY}
            FROM alerts_open WHERE NOT history AND account_id IN ({picked})
            GROUP BY account_id
        ) AS told
        LEFT JOIN (
            SELECT account_id, grade, dtp_90d, dtp_baseline FROM snapshots_latest
        ) AS figures ON figures.account_id = told.account_id
        LEFT JOIN (
            SELECT account_id, status, credit_limit FROM account_status_current
        ) AS now_ ON now_.account_id = told.account_id
        LEFT JOIN (
            SELECT account_id, proposal_id, direction, proposed_limit, effective_limit, currency, status
            FROM proposals_current WHERE status != 'superseded'
            ORDER BY as_of DESC, offset DESC LIMIT 1 BY account_id
        ) AS proposal ON proposal.account_id = told.account_id
        ORDER BY told.worst DESC, told.newest DESC, told.account_id""",
        {"since": since, "rows": TURNED_SHOWN},
    )


def turned_count(since: date) -> Question:
    """How many accounts have a grave alert open, and on how many one opened or escalated since that day."""
    return Question(
        "turned_count",
        f"""
        SELECT uniqExact(account_id) AS accounts, uniqExactIf(account_id, as_of >= {{since:Date}}) AS lately
        FROM alerts_open WHERE {_TURNED}""",
        {"since": since},
    )


STORY: Final = (
    "alert_id", "trigger", "severity", "status", "title", "action", "as_of", "opened_on", "owner", "acknowledged_by",
    "sleeps_until", "evidence",
)  # fmt: skip
"""The names of what inbox() puts into `story`, in order."""


def open_counts(today: date) -> Question:
    """How many alerts each state of the inbox holds but the cleared one, today's and history's apart."""
    counts = ", ".join(
        f"countIf({condition}) AS {state}" for state, condition in STATES.items() if state != "cleared"
    )
    return Question(
        "open_counts",
        f"SELECT history, {counts} FROM (SELECT *, {_ASLEEP} FROM alerts_open) GROUP BY history",
        {"today": today},
    )


def cleared_counts() -> Question:
    """How many alerts have cleared, today's and history's apart. It reads a row for each alert that there ever was."""
    return Question(
        "cleared_counts",
        f"SELECT history, count() AS cleared FROM alerts_current WHERE {STATES['cleared']} GROUP BY history",
        {},
    )


def owners() -> Question:
    """Who holds open alerts."""
    return Question(
        "owners",
        "SELECT DISTINCT owner FROM alerts_open WHERE owner IS NOT NULL ORDER BY owner LIMIT 200",
        {},
    )


def alert(alert_id: str) -> Question:
    """The newest transition of one alert, and the day that it sleeps until, where it does."""
    also = f", {_SLEEPS_UNTIL} AS sleeps_until"
    statement = by_id("alerts_current", "alerts_newest_rows", "alert_id", also)
    return Question("alert", statement, {"alert_id": alert_id})


def alert_life(account_id: str, alert_id: str) -> Question:
    """All transitions of one alert, oldest first."""
    return Question(
        "alert_life",
        """
        SELECT number, status, severity, as_of, owner, acknowledged_by, snoozed_until, reason, written_at FROM alerts
        WHERE account_id = {account_id:String} AND alert_id = {alert_id:String} ORDER BY offset""",
        {"account_id": account_id, "alert_id": alert_id},
    )


def alerts_of(account_id: str) -> Question:
    """All alerts of an account: open ones first, gravest and newest first."""
    return Question(
        "alerts_of",
        """
        SELECT alert_id, trigger, severity, status, title, action, as_of, toDate(opened_at) AS opened_on, owner,
            acknowledged_by, snoozed_until, history, evidence
        FROM alerts_current WHERE account_id = {account_id:String}
        ORDER BY status = 'cleared', if(status = 'cleared', 0, severity) DESC, as_of DESC, alert_id LIMIT 500""",
        {"account_id": account_id},
    )


class AlertsQuery(Query):
    """A page of alerts, for programs: the newest transition of each, by account and alert."""

    account_id: str = Field(default="", max_length=200)
    status: Literal["", "opened", "escalated", "cleared", "acknowledged", "assigned", "snoozed"] = ""
    open: bool = Field(default=False, description="Only those that have not cleared.")
    severity: int = Field(default=0, ge=0, le=5, description="This severity or more.")
    trigger: str = Field(default="", max_length=60)
    history: bool | None = None
    after: str = Cursor
    limit: int = Field(default=PAGE, ge=1, le=200)


def alerts(query: AlertsQuery, after: Sequence[Any] | None) -> Question:
    """The records as they were emitted, in the order of account and alert."""
    where: list[str] = []
    parameters: dict[str, Any] = {"rows": query.limit + 1}
    for name in ("account_id", "status", "trigger"):
        if value := getattr(query, name):
            where.append(f"{name} = {{{name}:String}}")
            parameters[name] = value
    if query.severity:
        where.append("severity >= {severity:UInt8}")
        parameters["severity"] = query.severity
    if query.history is not None:
        where.append("history = {history:Bool}")
        parameters["history"] = query.history
    if after is not None:
        where.append("(account_id, alert_id) > ({a:String}, {b:String})")
        parameters |= {"a": after[0], "b": after[1]}
    return Question(
        "alerts",
        f"SELECT account_id, alert_id, value FROM {'alerts_open' if query.open else 'alerts_current'} {where_clause(where)}"
        " ORDER BY account_id, alert_id LIMIT {rows:UInt32}",
        parameters,
    )

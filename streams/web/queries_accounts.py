"""The page's questions about accounts: the list of them, and one with its figures, its charts and its timeline.

What its alerts are is queries_alerts.py; how a question is made, queries.py.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, Literal

from pydantic import Field

from streams.web.queries import PAGE, Cursor, Query, Question, Search, Sent, Tier, where_clause

Status = Literal["", "good", "watch", "hold", "prepay"]
# A limit counts from the status record on: figures follow at the next tick, and a person wants to see what was decided.
_ACCOUNTS: Final = """
    SELECT known.account_id AS account_id, figures.account_name AS account_name, figures.as_of AS as_of,
        now_.status AS status, coalesce(now_.tier, figures.tier) AS tier, figures.grade AS grade,
        figures.score AS score, coalesce(figures.currency, now_.currency) AS currency,
        figures.exposure AS exposure, figures.exposure_base AS exposure_base, figures.base_currency AS base_currency,
        if(now_.account_id = '', figures.credit_limit, now_.credit_limit) AS credit_limit,
        if(credit_limit > 0, toFloat64(exposure) / toFloat64(credit_limit), NULL) AS utilization,
        figures.past_due AS past_due, figures.open_balance AS open_balance,
        if(open_balance > 0, toFloat64(past_due) / toFloat64(open_balance), NULL) AS past_due_share,
        figures.dtp_90d AS dtp_90d, figures.dtp_baseline AS dtp_baseline,
        figures.dtp_90d - figures.dtp_baseline AS drift,
        alert.open_alerts AS open_alerts, alert.worst_severity AS worst, alert.triggers AS triggers,
        alert.worst_title AS worst_title, alert.since AS since
    FROM (SELECT account_id FROM snapshots_latest UNION DISTINCT SELECT account_id FROM account_status_current) AS known
    LEFT JOIN (
        SELECT account_id, account_name, as_of, tier, grade, score, currency, exposure, exposure_base, base_currency,
            credit_limit, past_due, open_balance, dtp_90d, dtp_baseline FROM snapshots_latest
    ) AS figures ON figures.account_id = known.account_id
    LEFT JOIN (
        SELECT account_id, status, tier, currency, credit_limit FROM account_status_current
    ) AS now_ ON now_.account_id = known.account_id
    LEFT JOIN accounts_alerted AS alert ON alert.account_id = known.account_id"""

Sort = Literal["risk", "exposure", "utilization", "past_due", "drift", "score", "name", "account"]

# What a list is sorted by, and whether the greatest comes first. Text and numbers alike become one comparable value.
_SORTS: Final[dict[str, tuple[str, bool]]] = {
    "risk": ("toFloat64(worst) * 1e6 + least(open_alerts, 999999)", True),
    "exposure": ("coalesce(toFloat64(exposure_base), -1e30)", True),
    "utilization": ("coalesce(utilization, -1)", True),
    "past_due": ("coalesce(past_due_share, -1)", True),
    "drift": ("coalesce(drift, -1e9)", True),
    "score": ("coalesce(score, 1e9)", False),
    "name": ("lowerUTF8(coalesce(account_name, account_id))", False),
    "account": ("account_id", False),
}
_TEXT_SORTS: Final = ("name", "account")
SORTS: Final = tuple(_SORTS)
"""What a list of accounts can be sorted by."""


class AccountsQuery(Query):
    """A page of accounts."""

    q: str = Search
    tier: Tier = ""
    status: Status = ""
    trigger: str = Field(default="", max_length=60)
    severity: int = Field(
        default=0, ge=0, le=5, description="Accounts with an open alert of this severity or more."
    )
    sort: Sort = "risk"
    after: str = Cursor
    limit: int = Field(default=PAGE, ge=1, le=200)


def accounts(query: AccountsQuery, after: Sequence[Any] | None) -> Question:
    """One account more than asked for, so that the caller knows whether there is a next page; `place` is its cursor."""
    where, parameters = _account_filters(query)
    expression, falling = _SORTS[query.sort]
    kind = "String" if query.sort in _TEXT_SORTS else "Float64"
    if after is not None:
        sign = "<" if falling else ">"
        where.append(
            f"(place {sign} {{place:{kind}}} OR (place = {{place:{kind}}} AND account_id > {{account:String}}))"
        )
        parameters |= {"place": after[0], "account": after[1]}
    return Question(
        "accounts",
        f"SELECT *, {expression} AS place FROM ({_ACCOUNTS}) {where_clause(where)}"
        f" ORDER BY place {'DESC' if falling else 'ASC'}, account_id LIMIT {{rows:UInt32}}",
        {**parameters, "rows": query.limit + 1},
    )


def accounts_found(query: AccountsQuery) -> Question:
    """How many accounts the filters leave."""
    where, parameters = _account_filters(query)
    return Question(
        "accounts_found", f"SELECT count() AS found FROM ({_ACCOUNTS}) {where_clause(where)}", parameters
    )


def _account_filters(query: AccountsQuery) -> tuple[list[str], dict[str, Any]]:
    where: list[str] = []
    parameters: dict[str, Any] = {}
    if query.q.strip():
        where.append(
            "(positionCaseInsensitiveUTF8(account_id, {q:String}) > 0"
            " OR positionCaseInsensitiveUTF8(coalesce(account_name, ''), {q:String}) > 0)"
        )
        parameters["q"] = query.q.strip()
    for name in ("tier", "status"):
        if value := getattr(query, name):
            where.append(f"{name} = {{{name}:String}}")
            parameters[name] = value
    if query.trigger:
        where.append("has(triggers, {trigger:String})")
        parameters["trigger"] = query.trigger
    if query.severity:
        where.append("worst >= {severity:UInt8}")
        parameters["severity"] = query.severity
    return where, parameters


def account(account_id: str) -> Question:
    """One account as the list shows it; no row when nothing is known of it."""
    return Question(
        "account",
        f"SELECT * FROM ({_ACCOUNTS}) WHERE account_id = {{account_id:String}}",
        {"account_id": account_id},
    )


def figures(account_id: str) -> Question:
    """Its newest figures, all of them."""
    statement = "SELECT * FROM snapshots_latest WHERE account_id = {account_id:String}"
    return Question("figures", statement, {"account_id": account_id})


def industry(account_id: str) -> Question:
    """Its industry as it was told last; no row when none is known."""
    statement = "SELECT industry FROM account_industries WHERE account_id = {account_id:String}"
    return Question("industry", statement, {"account_id": account_id})


def days_to_pay_of_others(account_id: str) -> Question:
    """By industry, as it is spelled (empty: not known): how many other accounts have paid within a year, and the sum of their
    days to pay, each account's own dtp_365d once. It reads the newest figures of every account and no older ones."""
    return Question(
        "days_to_pay_of_others",
        """
        SELECT industry, count() AS accounts, sum(figures.dtp_365d) AS days FROM (
            SELECT account_id, dtp_365d FROM snapshots_latest
            WHERE dtp_365d IS NOT NULL AND account_id != {account_id:String}
        ) AS figures
        LEFT JOIN (SELECT account_id, industry FROM account_industries) AS told ON told.account_id = figures.account_id
        GROUP BY industry ORDER BY industry""",
        {"account_id": account_id},
    )


def series(account_id: str, since: date) -> Question:
    """Its figures by day, the newest of each day, oldest first."""
    return Question(
        "series",
        """
        SELECT as_of, currency, open_balance, exposure, credit_limit, past_due, dtp_90d, dtp_baseline, dbt_90d, utilization
        FROM (SELECT * FROM snapshots WHERE account_id = {account_id:String} AND as_of >= {since:Date}
              ORDER BY as_of DESC, offset DESC LIMIT 1 BY as_of)
        ORDER BY as_of""",
        {"account_id": account_id, "since": since},
    )


class TimelineQuery(Query):
    """A stretch of one account's timeline."""

    what: Literal["", "events", "decisions"] = ""
    after: str = Cursor
    sent: str = Sent


_TIMELINE: Final = """
    SELECT 'event' AS kind, occurred_at AS at, event_id AS id, type AS what, value, currency, '' AS title, 0 AS severity,
        origin_topic AS origin
    FROM journal WHERE account_id = {account_id:String} AND {events:Bool}
    UNION ALL
    SELECT 'alert', toDateTime64(as_of, 6, 'UTC') + toIntervalSecond(86399), alert_id, status, value, currency,
        coalesce(title, trigger), severity, NULL
    FROM alerts WHERE account_id = {account_id:String} AND {decisions:Bool}
    UNION ALL
    SELECT 'proposal', toDateTime64(as_of, 6, 'UTC') + toIntervalSecond(86399), proposal_id, status, value, currency,
        coalesce(direction, ''), 0, NULL
    FROM proposals WHERE account_id = {account_id:String} AND {decisions:Bool}"""


def timeline(account_id: str, query: TimelineQuery, after: Sequence[Any] | None) -> Question:
    """Every event, alert and proposal of an account, the newest first. `place` is the cursor, in microseconds."""
    parameters: dict[str, Any] = {
        "account_id": account_id,
        "events": query.what in ("", "events"),
        "decisions": query.what in ("", "decisions"),
        "rows": PAGE + 1,
    }
    where = ""
    if after is not None:
        where = "WHERE (place, kind, id, what) < ({place:Int64}, {kind:String}, {id:String}, {what:String})"
        parameters |= dict(zip(("place", "kind", "id", "what"), after, strict=True))
    return Question(
        "timeline",
        f"SELECT *, toUnixTimestamp64Micro(at) AS place FROM ({_TIMELINE}) {where}"
        " ORDER BY place DESC, kind DESC, id DESC, what DESC LIMIT {rows:UInt32}",
        parameters,
    )


def markers(account_id: str, since: date) -> Question:
    """Where events and alerts lie on an account's charts: day, kind, how many, and the gravest alert of it."""
    return Question(
        "markers",
        """
        SELECT day, kind, count() AS number, max(severity) AS severity, groupArray(5)(what) AS names FROM (
            SELECT toDate(occurred_at) AS day, type AS kind, 0 AS severity, type AS what FROM journal
            WHERE account_id = {account_id:String} AND occurred_at >= {since:Date}
            UNION ALL
            SELECT as_of, 'alert', severity, coalesce(title, trigger) FROM alerts
            WHERE account_id = {account_id:String} AND as_of >= {since:Date} AND status IN ('opened', 'escalated')
        ) GROUP BY day, kind ORDER BY day, kind""",
        {"account_id": account_id, "since": since},
    )


def events(account_id: str, event_ids: Sequence[str]) -> Question:
    """The events behind something, newest first."""
    return Question(
        "events",
        """
        SELECT event_id, type, occurred_at, source, amount, currency, value FROM journal
        WHERE account_id = {account_id:String} AND event_id IN {event_ids:Array(String)}
        ORDER BY occurred_at DESC, event_id LIMIT 200""",
        {"account_id": account_id, "event_ids": list(event_ids)},
    )

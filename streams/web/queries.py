"""The page's questions to the store: each a statement of ours with its parameters bound. No value stands in a statement.

What a person may choose (a column to sort by, a filter) picks one of the texts below; what he writes is a parameter.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Row = dict[str, Any]


class Question(NamedTuple):
    """A statement, its parameters, and a name by which logs and tests know it."""

    name: str
    statement: str
    parameters: Mapping[str, Any]


def ready() -> Question:
    """Whether the store answers at all."""
    return Question("ready", "SELECT 1 AS one", {})


class _Query(BaseModel):
    """What a URL may ask for. Closed: a name that is not there is refused, as is a value that does not fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")


PAGE: Final = 50
Query = _Query
Search = Field(default="", max_length=100)
Cursor = Field(default="", max_length=600, description="Where the page before ended: its `next`.")
Sent = Field(
    default="", max_length=200, description="How the ids of decisions begin that were just sent from here."
)
Tier = Literal["", "low", "medium", "high"]
Status = Literal["", "good", "watch", "hold", "prepay"]

# ---------------------------------------------------------------- accounts

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


class AccountsQuery(_Query):
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
        f"SELECT *, {expression} AS place FROM ({_ACCOUNTS}) {_where(where)}"
        f" ORDER BY place {'DESC' if falling else 'ASC'}, account_id LIMIT {{rows:UInt32}}",
        {**parameters, "rows": query.limit + 1},
    )


def accounts_found(query: AccountsQuery) -> Question:
    """How many accounts the filters leave."""
    where, parameters = _account_filters(query)
    return Question(
        "accounts_found", f"SELECT count() AS found FROM ({_ACCOUNTS}) {_where(where)}", parameters
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


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


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


def policy_in_force() -> Question:
    """The text of the policy that the journal adopted last; no row before the first."""
    return Question(
        "policy_in_force",
        """
        SELECT JSONExtractString(value, 'text') AS text FROM journal_rows
        WHERE account_id = '' AND type = 'policy.adopted' ORDER BY partition, offset DESC LIMIT 1""",
        {},
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


class TimelineQuery(_Query):
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


# ---------------------------------------------------------------- alerts


class InboxQuery(_Query):
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
    picked = _picked(known, _where(where), having)
    return Question(
        "inbox",
        f"""
        SELECT account_id, anyLast(account_name) AS name, max(severity) AS worst, max(as_of) AS newest,
            count() AS number, argMax(tier, as_of) AS tier_, argMax(exposure, as_of) AS exposure_, any(currency) AS currency_,
            {_STORY}
        FROM {known} {_where([f"account_id IN ({picked})", *where])}
        GROUP BY account_id ORDER BY worst DESC, newest DESC, account_id""",
        {**parameters, "rows": INBOX_PAGE + 1},
    )


_TURNED: Final = "NOT history AND severity >= 3"


def turned(since: date, rows: int = 12) -> Question:
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
            SELECT account_id, anyLast(account_name) AS name, max(severity) AS worst, max(as_of) AS newest,
                count() AS number, argMax(tier, as_of) AS tier_, argMax(exposure, as_of) AS exposure_,
                any(currency) AS currency_, {_STORY}
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
        {"since": since, "rows": rows},
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


def _by_id(known: str, rows: str, column: str, also: str = "") -> str:
    """What is in view `known` under an id. Its table `rows` is in the order of accounts: the account is looked for first, in
    the column of ids alone, and of all other columns only that account's rows are read."""
    return (
        f"SELECT *{also} FROM {known} WHERE account_id IN (SELECT account_id FROM {rows} WHERE {column} = {{{column}:String}})"
        f" AND {column} = {{{column}:String}}"
    )


def alert(alert_id: str) -> Question:
    """The newest transition of one alert, and the day that it sleeps until, where it does."""
    also = f", {_SLEEPS_UNTIL} AS sleeps_until"
    statement = _by_id("alerts_current", "alerts_newest_rows", "alert_id", also)
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


class AlertsQuery(_Query):
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
        f"SELECT account_id, alert_id, value FROM {'alerts_open' if query.open else 'alerts_current'} {_where(where)}"
        " ORDER BY account_id, alert_id LIMIT {rows:UInt32}",
        parameters,
    )


# ---------------------------------------------------------------- proposals


class ProposalsQuery(_Query):
    """A page of proposals. `waiting`: those that a person has yet to decide."""

    state: Literal["waiting", "approved", "rejected", "expired", "superseded", "all"] = "waiting"
    direction: Literal["", "open", "raise", "cut", "hold"] = ""
    approver: Literal["", "auto", "analyst", "manager", "controller"] = ""
    account_id: str = Field(default="", max_length=200)
    after: str = Cursor
    limit: int = Field(default=PAGE, ge=1, le=200)


def proposals(query: ProposalsQuery, after: Sequence[Any] | None) -> Question:
    """The newest transition of each proposal, newest day first."""
    where: list[str] = []
    parameters: dict[str, Any] = {"rows": query.limit + 1}
    if query.state == "waiting":
        where.append("status IN ('proposed', 'escalated')")
    elif query.state != "all":
        where.append("status = {state:String}")
        parameters["state"] = query.state
    for name in ("direction", "approver", "account_id"):
        if value := getattr(query, name):
            where.append(f"{name} = {{{name}:String}}")
            parameters[name] = value
    if after is not None:
        where.append("(as_of < {day:Date} OR (as_of = {day:Date} AND proposal_id > {id:String}))")
        parameters |= {"day": after[0], "id": after[1]}
    return Question(
        "proposals",
        f"SELECT * FROM proposals_current {_where(where)} ORDER BY as_of DESC, proposal_id LIMIT {{rows:UInt32}}",
        parameters,
    )


def proposal_counts() -> Question:
    """How many proposals stand where."""
    return Question(
        "proposal_counts", "SELECT status, count() AS number FROM proposals_current GROUP BY status", {}
    )


def proposal(proposal_id: str) -> Question:
    """The newest transition of one proposal."""
    statement = _by_id("proposals_current", "proposals_newest_rows", "proposal_id")
    return Question("proposal", statement, {"proposal_id": proposal_id})


def proposal_life(account_id: str, proposal_id: str) -> Question:
    """All transitions of one proposal, oldest first."""
    return Question(
        "proposal_life",
        """
        SELECT number, status, as_of, approver, decided_by, effective_limit, currency, written_at FROM proposals
        WHERE account_id = {account_id:String} AND proposal_id = {proposal_id:String} ORDER BY offset""",
        {"account_id": account_id, "proposal_id": proposal_id},
    )


def decided(subject_id: str) -> Question:
    """What people said about one proposal or alert, oldest first: who, in which role, why, and whether it was refused."""
    return Question(
        "decided",
        """
        SELECT type, occurred_at, actor, role, decided_limit, currency, owner, until, note, refused FROM decisions
        WHERE subject_id = {subject_id:String} ORDER BY occurred_at, offset LIMIT 100""",
        {"subject_id": subject_id},
    )


def decision(sent: str, account_id: str) -> Question:
    """What became of the decisions whose ids begin like this: journalled, refused with a reason, or neither yet."""
    return Question(
        "decision",
        """
        SELECT 'journalled' AS outcome, '' AS reason FROM journal
        WHERE account_id = {account_id:String} AND startsWith(event_id, {sent:String})
        UNION ALL
        SELECT 'refused', reason FROM dead_letters
        WHERE written_at > now() - INTERVAL 1 DAY AND position(coalesce(value, ''), {sent:String}) > 0
        LIMIT 2""",
        {"sent": sent, "account_id": account_id},
    )


# ---------------------------------------------------------------- portfolio

_BASE: Final = "toFloat64(fx_rate)"  # base units of one unit of the account's currency


def totals() -> Question:
    """The whole book as of each account's newest figures, in the base currency."""
    columns = (
        "past_due",
        "disputed",
        "ageing_current",
        "ageing_d1_30",
        "ageing_d31_60",
        "ageing_d61_90",
        "ageing_d91",
    )
    sums = ", ".join(f"sum(toFloat64({name}) * {_BASE}) AS {name}_base" for name in columns)
    return Question(
        "totals",
        f"""
        SELECT count() AS accounts, sum(exposure_base) AS exposure, {sums}, any(base_currency) AS currency,
            countIf(exposure_base IS NULL) AS unvalued, max(as_of) AS newest_day, max(written_at) AS newest,
            sumIf(dtp_90d * toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL) /
                nullIf(sumIf(toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL), 0) AS dtp
        FROM snapshots_latest""",
        {},
    )


def tiers() -> Question:
    """Accounts, exposure and what is past due by tier, in the base currency."""
    return Question(
        "tiers",
        f"""
        SELECT coalesce(tier, '') AS tier, count() AS accounts, sum(exposure_base) AS exposure,
            sum(toFloat64(past_due) * {_BASE}) AS past_due,
            sumIf(dtp_90d * toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL) /
                nullIf(sumIf(toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL), 0) AS dtp
        FROM snapshots_latest GROUP BY tier
        ORDER BY indexOf(['high', 'medium', 'low'], tier)""",
        {},
    )


def statuses() -> Question:
    """Accounts by status."""
    return Question(
        "statuses",
        "SELECT coalesce(status, '') AS status, count() AS accounts FROM account_status_current GROUP BY status",
        {},
    )


def trend(since: date) -> Question:
    """By week: exposure, past due and weighted days to pay of the book, in the base currency, as the store rolls them up."""
    return Question(
        "trend",
        """
        SELECT week, toFloat64(sum(exposure)) AS exposure, toFloat64(sum(past_due)) AS past_due,
            sum(days_to_pay * toFloat64(paid)) / nullIf(sumIf(toFloat64(paid), days_to_pay IS NOT NULL), 0) AS dtp
        FROM portfolio_weekly WHERE week >= {since:Date} GROUP BY week ORDER BY week""",
        {"since": since},
    )


# ---------------------------------------------------------------- dead letters, feeds, what moved


class LettersQuery(_Query):
    """A page of dead letters or of late facts."""

    which: Literal["dead", "late"] = "dead"
    topic: str = Field(default="", max_length=250)
    after: str = Cursor


_LETTERS: Final = {"dead": "dead_letters", "late": "late"}


def letters(query: LettersQuery, after: Sequence[Any] | None) -> Question:
    """What was refused, the newest first. Values may be any bytes: they come as base64."""
    where: list[str] = []
    parameters: dict[str, Any] = {"rows": PAGE + 1}
    if query.topic:
        where.append("origin_topic = {topic:String}")
        parameters["topic"] = query.topic
    if after is not None:
        where.append("(written, partition, offset) < ({written:Int64}, {partition:Int32}, {offset:Int64})")
        parameters |= dict(zip(("written", "partition", "offset"), after, strict=True))
    return Question(
        "letters",
        f"""
        SELECT origin_topic, origin_partition, origin_offset, kind, reason, partition, offset, written_at,
            toUnixTimestamp64Milli(written_at) AS written, base64Encode(substring(coalesce(value, ''), 1, 200)) AS start,
            length(coalesce(value, '')) AS bytes
        FROM {_LETTERS[query.which]} {_where(where)}
        ORDER BY written DESC, partition DESC, offset DESC LIMIT {{rows:UInt32}}""",
        parameters,
    )


def letter(which: str, partition: int, offset: int) -> Question:
    """One dead letter with all of it, up to 256 KiB of its value."""
    return Question(
        "letter",
        f"""
        SELECT origin_topic, origin_partition, origin_offset, kind, reason, partition, offset, written_at,
            base64Encode(coalesce(key, '')) AS key_text, key IS NULL AS no_key,
            base64Encode(substring(coalesce(value, ''), 1, 262144)) AS value_text, length(coalesce(value, '')) AS bytes,
            arrayMap(h -> (h.1, base64Encode(coalesce(h.2, ''))), headers) AS heads
        FROM {_LETTERS[which]} WHERE partition = {{partition:Int32}} AND offset = {{offset:Int64}} LIMIT 1""",
        {"partition": partition, "offset": offset},
    )


def letter_topics() -> Question:
    """From where things were refused, how many, and when last."""
    return Question(
        "letter_topics",
        """
        SELECT * FROM (
            SELECT 'dead' AS which, origin_topic, count() AS number, max(written_at) AS newest FROM dead_letters
            GROUP BY origin_topic
            UNION ALL
            SELECT 'late', origin_topic, count(), max(written_at) FROM late GROUP BY origin_topic
        ) ORDER BY which, origin_topic""",
        {},
    )


def feeds() -> Question:
    """By type and source: how many events, when the newest happened, and when it arrived."""
    return Question(
        "feeds",
        """
        SELECT type, coalesce(source, '') AS source, count() AS number, max(occurred_at) AS newest,
            max(written_at) AS arrived
        FROM journal_rows GROUP BY type, source ORDER BY type, source""",
        {},
    )


def moved() -> Question:
    """How far the store holds each topic: what live updates compare."""
    return Question(
        "moved",
        "SELECT topic, sum(next) AS position, max(at) AS at FROM ("
        " SELECT topic, partition, max(next_offset) AS next, max(updated_at) AS at FROM ingested GROUP BY topic, partition"
        ") GROUP BY topic ORDER BY topic",
        {},
    )


def as_of() -> Question:
    """The newest day of the figures, and when the store last wrote.

    A status that stays as it is is not told again, and figures that do not move are not either: both are looked at, and in
    a small book with nothing past due the newest day may be some days ago. The newest of a day needs no FINAL.
    """
    return Question(
        "as_of",
        """
        SELECT greatest((SELECT max(as_of) FROM account_status_newest_rows), (SELECT max(as_of) FROM snapshots_newest_rows))
            AS day, (SELECT max(updated_at) FROM ingested) AS stored""",
        {},
    )

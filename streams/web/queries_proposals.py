"""The page's questions about proposals, and about what people decided: on a proposal or an alert, just now or long ago.

What a decision becomes is decisions.py; how a question is made, queries.py.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from streams.web.queries import PAGE, Cursor, Query, Question, by_id, where_clause


class ProposalsQuery(Query):
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
        f"SELECT * FROM proposals_current {where_clause(where)} ORDER BY as_of DESC, proposal_id LIMIT {{rows:UInt32}}",
        parameters,
    )


def proposal_counts() -> Question:
    """How many proposals stand where."""
    return Question(
        "proposal_counts", "SELECT status, count() AS number FROM proposals_current GROUP BY status", {}
    )


def proposal(proposal_id: str) -> Question:
    """The newest transition of one proposal."""
    statement = by_id("proposals_current", "proposals_newest_rows", "proposal_id")
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


def decision_sent(event_id: str, account_id: str, source: str) -> Question:
    """The decision of this id, as it is in the journal; none where it has not come that far."""
    return Question(
        "decision_sent",
        """
        SELECT value FROM journal
        WHERE account_id = {account_id:String} AND event_id = {event_id:String} AND source = {source:String} LIMIT 1""",
        {"event_id": event_id, "account_id": account_id, "source": source},
    )

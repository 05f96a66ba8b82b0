"""The page's questions to the store: each a statement of ours with its parameters bound. No value stands in a statement.

What a person may choose (a column to sort by, a filter) picks one of the texts of queries_*.py; what he writes is a parameter.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

Row = dict[str, Any]


class Question(NamedTuple):
    """A statement, its parameters, and a name by which logs and tests know it."""

    name: str
    statement: str
    parameters: Mapping[str, Any]


class Query(BaseModel):
    """What a URL may ask for. Closed: a name that is not there is refused, as is a value that does not fit."""

    model_config = ConfigDict(frozen=True, extra="forbid")


PAGE: Final = 50
Search = Field(default="", max_length=100)
Cursor = Field(default="", max_length=600, description="Where the page before ended: its `next`.")
Sent = Field(
    default="", max_length=200, description="How the ids of decisions begin that were just sent from here."
)
Tier = Literal["", "low", "medium", "high"]


def where_clause(conditions: Sequence[str]) -> str:
    """All of them, as a statement's WHERE; empty without any."""
    return f"WHERE {' AND '.join(conditions)}" if conditions else ""


def by_id(known: str, rows: str, column: str, also: str = "") -> str:
    """What is in view `known` under an id. Its table `rows` is in the order of accounts: the account is looked for first, in
    the column of ids alone, and of all other columns only that account's rows are read."""
    return (
        f"SELECT *{also} FROM {known} WHERE account_id IN (SELECT account_id FROM {rows} WHERE {column} = {{{column}:String}})"
        f" AND {column} = {{{column}:String}}"
    )


# ---------------------------------------------------------------- the store as a whole


def ready() -> Question:
    """Whether the store answers at all."""
    return Question("ready", "SELECT 1 AS one", {})


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


def moved() -> Question:
    """How far the store holds each topic: what live updates compare."""
    return Question(
        "moved",
        "SELECT topic, sum(next) AS position, max(at) AS at FROM ("
        " SELECT topic, partition, max(next_offset) AS next, max(updated_at) AS at FROM ingested GROUP BY topic, partition"
        ") GROUP BY topic ORDER BY topic",
        {},
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

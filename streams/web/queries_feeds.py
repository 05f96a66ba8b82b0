"""The page's questions about what came in: dead letters and late facts, and the feeds.

What a fact did to an account is queries_accounts.py; how a question is made, queries.py.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from pydantic import Field

from streams.web.queries import PAGE, Cursor, Query, Question, where_clause


class LettersQuery(Query):
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
        FROM {_LETTERS[query.which]} {where_clause(where)}
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

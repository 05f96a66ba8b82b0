"""The store held against the topics that it carries: which rows are missing, differ, or have no record behind them.

Reads only. What the topics themselves should hold is streams/audit.py's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from itertools import islice, repeat
from typing import Any, Final

from schemas.topics import TOPICS
from streams.audit import first_of
from streams.blocks import Kafka
from streams.reading import read_topic
from streams.settings import Settings
from streams.store.client import Client, connect, database_name, named, refusals
from streams.store.derived import derived
from streams.store.queries import ask
from streams.store.retention import kept_days
from streams.store.rows import BY_TOPIC, REFUSED, TOPICS_READ, Record, rows

_CHUNK: Final = 20_000  # records compared at a time
_EXACT: Final = Context(prec=80, rounding=ROUND_DOWN)  # more digits than any column has
# View -> the column by which its rows age, and how many of its units are a day; else as_of.
_AGES: Final = {
    "journal": ("occurred_at", 86_400_000_000),
    "dead_letters": ("written_at", 86_400_000),
    "late": ("written_at", 86_400_000),
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MICROSECOND: Final = timedelta(microseconds=1)

# View with all rows -> the view with the newest of each key.
_NEWEST: Final = {
    "alerts": ("alerts_current", "account_id, alert_id"),
    "proposals": ("proposals_current", "account_id, proposal_id"),
    "snapshots": ("snapshots_latest", "account_id"),
    "account_status": ("account_status_current", "account_id"),
}


@dataclass(slots=True)
class Held:
    """How many rows were compared, how many records the store has yet to take, and each difference in one sentence."""

    rows: int = 0
    waiting: int = 0
    differences: list[str] = field(default_factory=list)


def held(kafka: Kafka, settings: Settings, dsn: str) -> Held:
    """Compare the tables with the topics that they carry, and what is made of their rows with the rows.

    Rows that the store no longer keeps (BELLWETHER_STORE_DAYS), and records that Kafka has dropped, are no difference.
    Raises Refused when the store does not answer or has no such tables. Not guaranteed while events flow.
    """
    found = Held()
    client = connect(dsn, database_name(dsn, settings.namespace))
    try:
        with refusals(named(dsn), client.database):
            group = settings.prefixed("store")
            reached = {
                (row["topic"], row["partition"]): int(row["next_offset"])
                for row in ask(client, "ingested", {"group": group})
            }
            counts = kafka.partitions([settings.prefixed(TOPICS[name].name) for name in TOPICS_READ])
            for logical in TOPICS_READ:
                topic = settings.prefixed(TOPICS[logical].name)
                for partition in range(counts[topic]):
                    _partition(
                        kafka, client, logical, topic, partition, reached.get((topic, partition), 0), found
                    )
            for view, (newest, key) in _NEWEST.items():
                found.differences += _newest(client, view, newest, key)
            found.differences += derived(client)
    finally:
        client.close()
    return found


def _partition(
    kafka: Kafka, client: Client, logical: str, topic: str, partition: int, reached: int, found: Held
) -> None:
    view = (REFUSED.get(logical) or BY_TOPIC[logical].name).removesuffix("_rows")
    oldest = _oldest_day(kept_days(client, view))
    ages, units = _AGES.get(view, ("as_of", 1))
    compacted = TOPICS[logical].cleanup == "compact"
    unstorable: set[int] = set()
    start = None  # rows of what Kafka no longer has are not asked for
    for records in _chunks(read_topic(kafka, topic, partition)):
        first = records[0].offset() if start is None else start
        start = records[-1].offset() + 1
        there = _rows(client, view, topic, partition, first, start)
        made = rows(logical, records)
        unfit = {record.offset() for record, _ in made.unfit}
        unstorable |= {offset for offset in unfit if offset < reached}
        place, day = made.names.index("offset"), made.names.index(ages)
        for sent in zip(*made.columns, strict=True):
            offset = sent[place]
            stored = there.pop(offset, None)
            where = f"{view}: the row of {topic}/{partition} at {offset}"
            if stored is None:
                if offset >= reached:
                    found.waiting += 1
                elif sent[day] // units >= oldest:
                    found.differences.append(f"{where} is missing")
                continue
            found.rows += 1
            if len(stored) > 1:
                found.differences.append(f"{where} stands {len(stored)} times")
            wrong = [
                name
                for name, sent_as, value in zip(made.names, made.types, sent, strict=True)
                if any(not _same(sent_as, value, row[name]) for row in stored)
            ]
            if wrong:
                found.differences.append(f"{where} differs in {first_of(wrong)}")
        if not compacted:
            found.differences += [
                f"{view}: a row says {topic}/{partition} at {offset}, where no such record is"
                for offset in sorted(there.keys() - unfit)
            ]
    beyond = _rows(client, view, topic, partition, start or 0, None)
    found.differences += [
        f"{view}: a row says {topic}/{partition} at {offset}, where no such record is"
        for offset in sorted(beyond)
        if start is not None or not compacted
    ]
    if unstorable:
        told = client.query(
            "SELECT offset FROM dead_letters WHERE topic = {topic:String} AND partition = {partition:Int32}",
            parameters={"topic": topic, "partition": partition},
        )
        found.differences += [
            f"dead_letters: the record of {topic}/{partition} at {offset}, of which no row can be made, is missing"
            for offset in sorted(unstorable - {row[0] for row in told.result_rows})
        ]


def _newest(client: Client, view: str, newest: str, key: str) -> list[str]:
    """Where the view of newest rows is not what all rows say."""
    row = "cityHash64(formatRow('TSV', *))"
    newest_of_all = f"SELECT {key}, max(offset) AS place, argMax({row}, offset) FROM {view} GROUP BY {key}"  # noqa: S608
    found = client.query(
        f"SELECT account_id, place FROM ({newest_of_all} EXCEPT SELECT {key}, offset, {row} FROM {newest}) "  # noqa: S608
        "ORDER BY account_id, place"
    )
    return [
        f"{newest}: of account {account} the row of offset {place} is missing or differs"
        for account, place in found.result_rows
    ]


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, _CHUNK)):
        yield chunk


def _rows(
    client: Client, view: str, topic: str, partition: int, first: int, end: int | None
) -> dict[int, list[dict[str, Any]]]:
    """The stored rows of these offsets (`end` excluded; None: all from `first` on), by offset."""
    below = "" if end is None else "AND offset < {end:Int64}"
    asked = client.query(
        f"SELECT * FROM {view} WHERE topic = {{topic:String}} AND partition = {{partition:Int32}} "  # noqa: S608
        f"AND offset >= {{first:Int64}} {below}",
        parameters={"topic": topic, "partition": partition, "first": first, "end": end or 0},
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in asked.named_results():
        found.setdefault(row["offset"], []).append(dict(row))
    return found


def _oldest_day(days: int) -> int:
    """The first day, as days since 1970, of which rows must still be there; one day of grace for the merges."""
    return 0 if not days else int(time.time() // 86_400) - days + 1


def _same(sent_as: str, sent: Any, stored: Any) -> bool:
    """Whether a value as it is sent is the one that the column gives back."""
    if sent is None or stored is None:
        return sent is stored
    if isinstance(stored, Decimal):  # a rate beyond the column's decimals is cut off, as the server does
        return Decimal(sent).quantize(stored, context=_EXACT) == stored
    if isinstance(stored, datetime):
        unit = _MILLISECOND if sent_as.startswith("DateTime64(3") else _MICROSECOND
        at = stored if stored.tzinfo else stored.replace(tzinfo=UTC)
        return bool(at - _EPOCH == sent * unit)
    if isinstance(stored, date):
        return bool(sent == stored.toordinal() - _EPOCH.toordinal())
    if isinstance(sent, bytes):
        # The client gives bytes that are no UTF-8 back as hexadecimal digits.
        return stored in (sent.decode(errors="replace"), sent.hex())
    if isinstance(stored, Mapping):
        return _same("", sent, list(stored.values()))
    if isinstance(stored, Sequence) and not isinstance(stored, str):
        return len(sent) == len(stored) and all(map(_same, repeat(""), sent, stored))
    return bool(sent == stored)

"""The store held against the topics that it carries: which rows are missing, differ, or have no record behind them.

Reads only. What the topics themselves should hold is streams/audit.py's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from functools import partial
from itertools import islice, repeat
from typing import Any, Final

from schemas.topics import TOPICS
from streams.audit import first_of
from streams.blocks import Kafka
from streams.reading import beginning, read_topic
from streams.settings import Settings
from streams.store.client import Client, connect, database_name, named, refusals
from streams.store.derived import derived, told
from streams.store.queries import ask
from streams.store.retention import whole_since
from streams.store.rows import BY_TOPIC, REFUSED, TOPICS_READ, Record, rows

_MOMENT: Final = 1.0  # seconds within which rows and what is made of them are together
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

    Rows that the store no longer keeps, or did not while BELLWETHER_STORE_DAYS was shorter, and records that Kafka has
    dropped, are no difference. Raises Refused when the store does not answer or has no such tables. Events may flow
    meanwhile: rows that the store took after their topic was read are held against what came, and what it makes of its rows
    is looked at twice.
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
                view = (REFUSED.get(logical) or BY_TOPIC[logical].name).removesuffix("_rows")
                oldest = whole_since(client, view)
                for partition in range(counts[topic]):
                    so_far = reached.get((topic, partition), 0)
                    _partition(
                        kafka, client, _Carried(logical, topic, partition, so_far, view, oldest), found
                    )
            for newest, wrong in _lasting(partial(_newest, client)).items():
                found.differences += [f"{newest}: {row} is missing or differs" for row in sorted(wrong)]
            for table, lacking in _lasting(partial(derived, client)).items():
                if lacking:
                    found.differences.append(told(table, lacking))
    finally:
        client.close()
    return found


@dataclass(frozen=True, slots=True)
class _Carried:
    """One partition of a topic that the store carries into a view, and how far it has come in it."""

    logical: str
    topic: str
    partition: int
    reached: int
    view: str
    oldest: int  # first day, since 1970, of which the view still keeps the rows

    def row(self, offset: int) -> str:
        return f"{self.view}: the row of {self.topic}/{self.partition} at {offset}"

    def made_up(self, offset: int) -> str:
        return f"{self.view}: a row says {self.topic}/{self.partition} at {offset}, where no such record is"


def _partition(kafka: Kafka, client: Client, of: _Carried, found: Held) -> None:
    compacted = TOPICS[of.logical].cleanup == "compact"
    unstorable: set[int] = set()
    start = None
    beyond: list[int] = []
    for late in (False, True):
        for records in _chunks(read_topic(kafka, of.topic, of.partition, since=start or 0, newest=compacted)):
            first = records[0].offset() if start is None else start
            start = records[-1].offset() + 1
            there = _rows(client, of, first, start)
            unfit = _compare(of, records, there, found)
            unstorable |= {offset for offset in unfit if offset < of.reached}
            if not compacted:
                found.differences += map(of.made_up, sorted(there.keys() - unfit))
        if late:
            beyond = [offset for offset in beyond if offset >= (start or 0)]
        else:  # rows of what Kafka no longer has are not asked for
            behind = beginning(kafka, of.topic, of.partition) if start is None else start
            beyond = sorted(_rows(client, of, behind, None))
        if not beyond:
            break  # else the store has gone on meanwhile, and the topic with it
    if start is not None or not compacted:
        found.differences += map(of.made_up, beyond)
    if unstorable:
        told = client.query(
            "SELECT offset FROM dead_letters WHERE topic = {topic:String} AND partition = {partition:Int32}",
            parameters={"topic": of.topic, "partition": of.partition},
        )
        found.differences += [
            f"dead_letters: the record of {of.topic}/{of.partition} at {offset}, of which no row can be made, is missing"
            for offset in sorted(unstorable - {row[0] for row in told.result_rows})
        ]


def _compare(
    of: _Carried, records: list[Record], there: dict[int, list[dict[str, Any]]], found: Held
) -> set[int]:
    """Hold the stored rows against these records; those that have one are taken out of `there`.

    Returns the offsets of the records of which no row can be made.
    """
    made = rows(of.logical, records)
    ages, units = _AGES.get(of.view, ("as_of", 1))
    place, day = made.names.index("offset"), made.names.index(ages)
    for sent in zip(*made.columns, strict=True):
        offset = sent[place]
        stored = there.pop(offset, None)
        if stored is None:
            if offset >= of.reached:
                found.waiting += 1
            elif sent[day] // units >= of.oldest:
                found.differences.append(f"{of.row(offset)} is missing")
            continue
        found.rows += 1
        if len(stored) > 1:
            found.differences.append(f"{of.row(offset)} stands {len(stored)} times")
        wrong = [
            name
            for name, sent_as, value in zip(made.names, made.types, sent, strict=True)
            if any(not _same(sent_as, value, row[name]) for row in stored)
        ]
        if wrong:
            found.differences.append(f"{of.row(offset)} differs in {first_of(wrong)}")
    return {record.offset() for record, _ in made.unfit}


def _lasting(look: Callable[[], dict[str, set[str]]]) -> dict[str, set[str]]:
    """What a look finds, by view, and another one a moment later finds again: the store may be at work in between."""
    found = look()
    if any(found.values()):
        time.sleep(_MOMENT)
        again = look()
        found = {view: wrong & again[view] for view, wrong in found.items()}
    return found


def _newest(client: Client) -> dict[str, set[str]]:
    """By view of newest rows: where it is not what all rows say."""
    found = {}
    row = "cityHash64(formatRow('TSV', *))"
    for view, (newest, key) in _NEWEST.items():
        of_all = f"SELECT {key}, max(offset) AS place, argMax({row}, offset) FROM {view} GROUP BY {key}"  # noqa: S608
        differing = client.query(
            f"SELECT account_id, place FROM ({of_all} EXCEPT SELECT {key}, offset, {row} FROM {newest})"  # noqa: S608
        )
        found[newest] = {
            f"of account {account} the row of offset {place}" for account, place in differing.result_rows
        }
    return found


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, _CHUNK)):
        yield chunk


def _rows(client: Client, of: _Carried, first: int, end: int | None) -> dict[int, list[dict[str, Any]]]:
    """The stored rows of these offsets (`end` excluded; None: all from `first` on), by offset."""
    below = "" if end is None else "AND offset < {end:Int64}"
    asked = client.query(
        f"SELECT * FROM {of.view} WHERE topic = {{topic:String}} AND partition = {{partition:Int32}} "  # noqa: S608
        f"AND offset >= {{first:Int64}} {below}",
        parameters={"topic": of.topic, "partition": of.partition, "first": first, "end": end or 0},
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in asked.named_results():
        found.setdefault(row["offset"], []).append(dict(row))
    return found


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

"""The journal copied into another namespace: partition by partition, or dealt out anew over other partitions.

What is folded there, compared and switched to is streams/rebuild.py's. Nothing of the namespace it comes from is changed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from heapq import heappop, heappush
from typing import Any, Final
from uuid import UUID

import orjson

from agents.ids import derived, namespace_id
from agents.triggers import TRIGGERS
from schemas.topics import SOURCES, TOPICS
from streams.blocks import Kafka
from streams.dev.kafka import Progress
from streams.errors import Refused
from streams.murmur2 import partition_of
from streams.reading import COPIED, bounds, committed, headed, is_control, read_partitions, read_topic
from streams.sending import NotTaken, Sender
from streams.settings import Settings
from streams.topics_admin import grown

# Episodes of a trigger, or proposals of an account, that a decision is looked for among
_MOST_NUMBERS: Final = 2000
# Header of what intake had not read: its partition and offset where it comes from
_CARRIED: Final = "carried-from"
_SHOWN: Final = 1000  # records between two signs of progress
# What a backfill may say otherwise in each partition of one and the same control record
_EACH_ITS_OWN: Final = frozenset({"event_id", "source", "occurred_at"})

Copied = dict[int, int]  # partition that records were copied from -> the offset there of the last


def copy_journal(kafka: Kafka, settings: Settings, other: Settings, show: Progress) -> tuple[int, int]:
    """What the journal has now, behind what was copied before: (records sent now, records that were there).

    Raises Refused where the other journal is somebody else's, or its partitions can not be made of these.
    """
    source, sink = _journals(settings, other)
    counts = kafka.partitions([source, sink])
    there = [copied_into(kafka, sink, number) for number in range(counts[sink])]
    already = sum(count for _, count in there)
    total = sum(end - first for first, end in bounds(kafka, source, range(counts[source])))
    names = {settings.prefixed(t.name).encode(): other.prefixed(t.name).encode() for t in TOPICS.values()}
    ids = namespace_id(settings.namespace), namespace_id(other.namespace)
    sent = 0
    with (
        copying(kafka, sink) as sender,
        closing(_lacking(kafka, source, sink, [last for last, _ in there])) as records,
    ):
        for record, number, target in records:
            headers = [
                (name, names.get(value, value) if name == "origin-topic" else value)
                for name, value in record.headers() or ()
            ]
            headers.append((COPIED, _place(record, number)))
            sender.send(sink, _value(record, ids), record.key(), target, headers)
            sent += 1
            if not sent % _SHOWN:
                show("copied", min(already + sent, total), total)
    show("copied", total, total)
    return sent, already


def lacking(kafka: Kafka, settings: Settings, other: Settings) -> Generator[tuple[Any, int, int], None, None]:
    """(record of the journal, its partition, the partition that it belongs in over there), of all that is not there yet.

    Raises Refused as copy_journal() does.
    """
    source, sink = _journals(settings, other)
    there = [copied_into(kafka, sink, number)[0] for number in range(kafka.partitions([sink])[sink])]
    yield from _lacking(kafka, source, sink, there)


def _lacking(
    kafka: Kafka, source: str, sink: str, there: list[Copied]
) -> Generator[tuple[Any, int, int], None, None]:
    """The same, behind what is `there`, of each partition of `sink`. Each gets its records in this order, so that a copy which
    ended early goes on behind its last."""
    count, sinks = kafka.partitions([source])[source], len(there)
    if count == sinks and not grown(kafka, source, count):
        if any(before.keys() - {number} for number, before in enumerate(there)):
            raise Refused(_dealt_otherwise(sink))
        for number, before in enumerate(there):
            since = before.get(number, -1) + 1
            for record in read_topic(kafka, source, number, since=since, whole=True):
                yield record, number, number
        return
    begun = sorted(number for number, control in headed(kafka, source, count).items() if control)
    if any(before and not before.keys() & set(begun[:1]) for before in there):
        raise Refused(_dealt_otherwise(sink))
    with ExitStack() as stack:
        readers = {
            number: stack.enter_context(closing(read_topic(kafka, source, number, whole=True)))
            for number in range(count)
        }
        for record, number in _in_one_order(source, readers, begun):
            key = record.key()
            if is_control(record):
                targets = list(range(sinks))
            else:  # without a key it is somebody else's: no account is looked for there
                targets = [partition_of(key, sinks) if key else number % sinks]
            for target in targets:
                if record.offset() > there[target].get(number, -1):
                    yield record, number, target


def carry_unread(kafka: Kafka, settings: Settings, other: Settings) -> int:
    """How many records of the feeds, which intake has not read here, were sent to those of the other namespace; what was sent
    before is left out. Order is kept as far as a key has one. For the journal that no intake can add to any more.

    Raises Refused where Kafka has dropped some of them, or does not take them.
    """
    count = 0
    ids = namespace_id(settings.namespace), namespace_id(other.namespace)
    for name in SOURCES:
        source, sink = (each.prefixed(TOPICS[name].name) for each in (settings, other))
        partitions = kafka.partitions([sink])[sink]
        there: Copied = {}
        for record in read_partitions(kafka, sink):
            header = dict(record.headers() or ()).get(_CARRIED)
            if header is not None:
                number, offset = _placed(header)
                there[number] = max(offset, there.get(number, -1))
        with copying(kafka, sink) as sender:
            for (_, number), stands in committed(kafka, settings.prefixed("intake"), [source]).items():
                since = max(stands, there.get(number, -1) + 1)
                for record in read_topic(kafka, source, number, since=since, whole=True):
                    headers = [*(record.headers() or ()), (_CARRIED, _place(record, number))]
                    target = -1 if record.key() else number % partitions
                    sender.send(sink, _value(record, ids), record.key(), target, headers)
                    count += 1
    return count


def copied_into(kafka: Kafka, topic: str, number: int) -> tuple[Copied, int]:
    """How far each partition was copied into this one, and how many records are there.

    Raises Refused where something else wrote there too.
    """
    last: Copied = {}
    count = 0
    for record in read_topic(kafka, topic, number):
        header = dict(record.headers() or ()).get(COPIED)
        if header is None:
            raise Refused(
                f"{topic}/{number} holds records of its own (offset {record.offset()}): that namespace is in use; rebuild "
                "into an empty one"
            )
        partition, offset = _placed(header)
        if offset <= last.get(partition, -1):
            raise Refused(
                f"{topic}/{number} holds a record twice (offset {record.offset()}): two rebuilds wrote into that namespace "
                "at once; rebuild into another one, which is empty, one at a time"
            )
        last[partition] = offset
        count += 1
    return last, count


def _journals(settings: Settings, other: Settings) -> tuple[str, str]:
    name = TOPICS["journal"].name
    return settings.prefixed(name), other.prefixed(name)


def _dealt_otherwise(sink: str) -> str:
    return (
        f"{sink} holds a copy that was dealt out from other partitions than the journal has now: rebuild into another "
        "namespace, which is empty"
    )


# --- One order of several partitions --------------------------------------------------------------------------------


def _in_one_order(
    journal: str, readers: Mapping[int, Iterator[Any]], begun: list[int]
) -> Iterator[tuple[Any, int]]:
    """(record, its partition) of all readers: each in its order, by their time, and a control record once, when all of
    `begun` have come to it.

    So an account has before each tick what it had before it. Partitions outside `begun`, which a journal was given later,
    have no ticks: time alone tells where their records belong.
    """
    heads: dict[int, Any] = {}
    ready: list[tuple[int, int]] = []  # a heap of the heads that may come next, by their time
    waiting: set[int] = set()  # of `begun`, those whose head is a control record

    def advance(number: int) -> None:
        record = heads[number] = next(readers[number], None)
        if record is None:
            del heads[number]
        elif number in begun and is_control(record):
            waiting.add(number)
        else:
            heappush(ready, (record.timestamp()[1], number))

    for number in readers:
        advance(number)
    while heads:
        all_wait = begun and len(waiting) == len(begun)
        if all_wait and (not ready or min(heads[each].timestamp()[1] for each in begun) <= ready[0][0]):
            _refuse_unlike(journal, {each: heads[each] for each in begun})
            yield heads[begun[0]], begun[0]
            waiting.clear()
            for each in begun:
                advance(each)
        elif ready:
            _, number = heappop(ready)
            if is_control(heads[number]):
                raise Refused(
                    f"{journal}/{number} has a tick or a policy (offset {heads[number].offset()}) and does not begin with "
                    "one, as all do that intake began: no other partitions can be made of these"
                )
            yield heads[number], number
            advance(number)
        else:
            ahead = min(waiting)
            behind = next(number for number in begun if number not in waiting)
            raise Refused(
                f"{journal}/{ahead} has a tick or a policy (offset {heads[ahead].offset()}) that {journal}/{behind} does not "
                "have: while intake reads a backfill let it finish, then run the same command again; where a backfill "
                "brought its ticks to some partitions alone, no other partitions can be made of these"
            )


def _refuse_unlike(journal: str, records: Mapping[int, Any]) -> None:
    """Raises Refused where these control records do not say the same."""
    (first, said), *others = ((number, _said(record.value())) for number, record in records.items())
    for number, also in others:
        if also != said:
            raise Refused(
                f"{journal}/{first} and {journal}/{number} go on with other ticks or policies (offsets "
                f"{records[first].offset()} and {records[number].offset()}): no other partitions can be made of these"
            )


def _said(value: bytes | None) -> Any:
    """What a control record says, without what a backfill may name by its partition."""
    try:
        return {name: each for name, each in orjson.loads(value or b"").items() if name not in _EACH_ITS_OWN}
    except (ValueError, AttributeError):
        return value


# --- One record -----------------------------------------------------------------------------------------------------


def _place(record: Any, number: int) -> bytes:
    """Where a record of partition `number` comes from, as its copy's header says it."""
    return b"%d/%d" % (number, record.offset())


def _placed(header: bytes) -> tuple[int, int]:
    """Partition and offset, of what _place() made."""
    number, _, offset = header.partition(b"/")
    return int(number), int(offset)


def _value(record: Any, ids: tuple[UUID, UUID]) -> bytes | None:
    raw = record.value()
    return None if raw is None else translated(raw, *ids)


def translated(raw: bytes, ours: UUID, theirs: UUID) -> bytes:
    """An event as it is, but a person's decision with the id that its alert or proposal has in the other namespace.

    Ids are derived from the namespace: untranslated, no decision would find what was decided on. One that names nothing
    we know stays as it is, and is refused over there as it was here; so does what is no event at all.
    """
    if b'"alert_id"' not in raw and b'"proposal_id"' not in raw:
        return raw
    try:
        event = orjson.loads(raw)
        account = event.get("related_account_id", event["account_id"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return raw
    for number in range(1, _MOST_NUMBERS):
        if event.get("proposal_id") == derived(ours, "proposal", account, number):
            return orjson.dumps({**event, "proposal_id": derived(theirs, "proposal", account, number)})
        if "alert_id" in event:
            for trigger in TRIGGERS:
                if event["alert_id"] == derived(ours, "alert", account, trigger.id, number):
                    return orjson.dumps(
                        {**event, "alert_id": derived(theirs, "alert", account, trigger.id, number)}
                    )
    return raw


@contextmanager
def copying(kafka: Kafka, topic: str) -> Iterator[Sender]:
    """What a copy sends by; it ends when Kafka has all of it. What is copied already is told by its last record, so
    nothing may stand behind one that is lacking."""
    sender = Sender(kafka, own={"linger.ms": 5, "compression.type": "lz4"})
    try:
        yield sender
        sender.all_taken()
    except NotTaken as why:
        raise Refused(f"{topic} did not take what was copied ({why}): run the same command again") from why

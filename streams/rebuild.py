"""A rebuild: the journal copied into another namespace, folded there by this engine, and held against what was emitted.

Nothing of the namespace it comes from is changed, and nothing is ever deleted. The fold is the monitor's own worker, so
that states, offsets and outputs over there are those of a deployment that can go on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import confluent_kafka as ck
import orjson

from agents.ids import derived, namespace_id
from agents.triggers import TRIGGERS
from schemas.events import Invalid
from schemas.outputs import CASE_ID
from schemas.topics import TOPICS
from streams.blocks import Kafka, patiently, watermarks
from streams.control import control_event
from streams.dev.kafka import Progress
from streams.dev.processes import Crew
from streams.errors import Refused
from streams.lag import READS, Lag
from streams.reading import COPIED, read_partitions, read_topic
from streams.sending import NotTaken, Sender
from streams.settings import Settings
from streams.topics_admin import create
from streams.whole import text_of, written_whole

# Episodes of a trigger, or proposals of an account, that a decision is looked for among
_MOST_NUMBERS: Final = 2000
_NAMED_BY: Final = {  # what a record of ours has at the least
    "alerts": {"alert_id", "account_id", "as_of", "trigger"},
    "limit-proposals": {"proposal_id", "account_id", "as_of", "direction"},
}
_OF_THE_NAMESPACE: Final = frozenset({"alert_id", "proposal_id", "url", "engine"})

Start = Callable[[Settings], Crew]  # a monitor of a deployment, as a process of its own


@dataclass(slots=True)
class Difference:
    """One topic, compared: what only the rebuild has, what only the old outputs have, what both have otherwise."""

    before: int = 0
    after: int = 0
    gained: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def none(self) -> bool:
        return not (self.gained or self.lost or self.changed)


@dataclass(slots=True)
class Rebuilt:
    """What a rebuild did and found. `refused`: journal records that the new fold set aside (dead letters), over there."""

    copied: int = 0
    already: int = 0
    refused: int = 0
    differences: dict[str, Difference] = field(default_factory=dict)


def target(settings: Settings, into: str, partitions: int) -> Settings:
    """The settings of the namespace that is rebuilt into. Raises Refused where it is our own or no name."""
    if into == settings.namespace:
        raise Refused(
            f"--into {into}: that is the namespace of this deployment, by a switch that went through or from the first; name "
            "another, which is empty"
        )
    fields = settings.model_dump()
    other = {"namespace": into, "journal_partitions": partitions, "metrics_port": 0, "slot": "rebuild"}
    try:
        return Settings(_env_file=None, **{**fields, **other})
    except ValueError:
        raise Refused(
            f"--into {into!r} is no namespace: small letters, digits, - and _, at most 31, a letter or digit first"
        ) from None


def rebuild(kafka: Kafka, settings: Settings, into: str, start: Start, show: Progress) -> Rebuilt:
    """Copy what the journal has now, fold it in the other namespace and compare. Goes on where an earlier run stopped.

    Raises Refused where the other namespace has a life of its own, or its worker ends.
    """
    journal = settings.prefixed(TOPICS["journal"].name)
    partitions = kafka.partitions([journal])[journal]
    other = target(settings, into, partitions)
    create(kafka, other)
    found = Rebuilt()
    told = {
        name: lengths(_cases(kafka, settings, name)) for name in CASE_ID
    }  # before the copy: all of it is in there
    for number in range(partitions):
        copied, already = _copy_journal(kafka, settings, other, number)
        found.copied += copied
        found.already += already
        show("copied", number + 1, partitions)
    if not found.copied and not found.already:
        raise Refused(
            f"the journal {journal} is empty: there is nothing to rebuild; set BELLWETHER_NAMESPACE to its own"
        )
    _fold(kafka, other, start, show)
    for number in range(partitions):  # another rebuild may have copied at the same time
        _copied_until(kafka, other.prefixed(TOPICS["journal"].name), number)
    for name in CASE_ID:
        found.differences[name] = compare(
            _cases(kafka, settings, name), _cases(kafka, other, name), told[name]
        )
    found.refused = sum(1 for _ in read_partitions(kafka, other.prefixed(TOPICS["dead-letters"].name)))
    return found


# --- The copy ---------------------------------------------------------------------------------------------------


def _copy_journal(kafka: Kafka, settings: Settings, other: Settings, number: int) -> tuple[int, int]:
    """One partition's records, in their order, behind those that were copied before: (copied now, copied before)."""
    source, sink = (each.prefixed(TOPICS["journal"].name) for each in (settings, other))
    at, already = _copied_until(kafka, sink, number)
    names = {settings.prefixed(t.name).encode(): other.prefixed(t.name).encode() for t in TOPICS.values()}
    ids = namespace_id(settings.namespace), namespace_id(other.namespace)
    copied = 0
    with _copying(kafka, sink) as sender:
        for record in read_topic(kafka, source, number, since=at + 1, whole=True):
            headers = [
                (name, names.get(value, value) if name == "origin-topic" else value)
                for name, value in record.headers() or ()
            ]
            value = record.value()
            if value is not None:
                value = translated(value, *ids)
            sender.send(sink, value, record.key(), number, [*headers, (COPIED, b"%d" % record.offset())])
            copied += 1
    return copied, already


def _copied_until(kafka: Kafka, topic: str, number: int) -> tuple[int, int]:
    """The offset, where it comes from, of the last record copied, and how many there are; (-1, 0) for none.

    Raises Refused where something else wrote there too.
    """
    last, count = -1, 0
    for record in read_topic(kafka, topic, number):
        header = dict(record.headers() or ()).get(COPIED)
        if header is None:
            raise Refused(
                f"{topic}/{number} holds records of its own (offset {record.offset()}): that namespace is in use; rebuild "
                "into an empty one"
            )
        if int(header) <= last:
            raise Refused(
                f"{topic}/{number} holds a record twice (offset {record.offset()}): two rebuilds wrote into that namespace "
                "at once; rebuild into another one, which is empty, one at a time"
            )
        last, count = int(header), count + 1
    return last, count


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
def _copying(kafka: Kafka, topic: str) -> Iterator[Sender]:
    """What a copy sends by; it ends when Kafka has all of it. What is copied already is told by its last record, so
    nothing may stand behind one that is lacking."""
    sender = Sender(kafka, own={"linger.ms": 5, "compression.type": "lz4"})
    try:
        yield sender
        sender.all_taken()
    except NotTaken as why:
        raise Refused(f"{topic} did not take what was copied ({why}): run the same command again") from why


# --- The fold ---------------------------------------------------------------------------------------------------


def _fold(kafka: Kafka, other: Settings, start: Start, show: Progress) -> None:
    """The other namespace's monitor, as a process of its own, until nothing is left to read."""
    crew = start(other)
    lag = Lag(kafka, other)
    try:
        while True:
            behind, done = lag.of("monitor")["journal"]
            show("decided", done, done + behind)
            if not behind:
                return
            crew.check()
            time.sleep(0.2)
    finally:
        lag.close()
        crew.stop()


# --- The comparison -----------------------------------------------------------------------------------------------


def _cases(kafka: Kafka, settings: Settings, name: str) -> list[list[dict[str, Any]]]:
    """The records of each alert or proposal, in their order."""
    return cases_of(read_partitions(kafka, settings.prefixed(TOPICS[name].name)), name)


def cases_of(records: Iterable[Any], name: str) -> list[list[dict[str, Any]]]:
    """The bodies of `records` of the logical topic, by the alert or proposal that they are of, in their order. What no monitor
    writes is left out: `bellwether audit` names it."""
    cases: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        try:
            body = orjson.loads(record.value() or b"")
        except orjson.JSONDecodeError:
            continue
        if isinstance(body, dict) and body.keys() >= _NAMED_BY[name]:
            cases.setdefault(body[CASE_ID[name]], []).append(body)
    return list(cases.values())


def compare(
    before: list[list[dict[str, Any]]], after: list[list[dict[str, Any]]], told: Mapping[str, int]
) -> Difference:
    """Cases held against each other: the same account, trigger (or direction) and day of opening are one case.

    Ids and the engine's version are left out, since they differ in another namespace. `told` is how many records each case
    had when the journal was copied: what was told since counts as far as the rebuild tells it too, for it may come from
    events that were not copied.
    """
    theirs = _named(after)
    ours = {
        name: records
        for name, case in _named(before).items()
        if (records := case[: max(told.get(name, 0), len(theirs.get(name, ())))])
    }
    return Difference(
        before=len(ours),
        after=len(after),
        gained=sorted(theirs.keys() - ours.keys()),
        lost=sorted(ours.keys() - theirs.keys()),
        changed=sorted(name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]),
    )


def lengths(cases: list[list[dict[str, Any]]]) -> dict[str, int]:
    """How many records each case has, by its name."""
    return {name: len(case) for name, case in _named(cases).items()}


def _named(cases: list[list[dict[str, Any]]]) -> dict[str, list[Any]]:
    named: dict[str, list[Any]] = {}
    for case in cases:
        first = case[0]
        what = first.get("trigger") or f"proposal to {first['direction']}"
        name = f"{first['account_id']} {what} {first['as_of']}"
        number = 2
        while name in named:
            name, number = f"{name.partition(' #')[0]} #{number}", number + 1
        named[name] = _without_ids(case)
    return named


def _without_ids(case: list[dict[str, Any]]) -> list[Any]:
    """The records in their order, each without its ids."""
    return [_stripped(record) for record in case]


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _stripped(each) for name, each in value.items() if name not in _OF_THE_NAMESPACE}
    if not isinstance(value, list):
        return value
    bare = [_stripped(each) for each in value]
    if any(isinstance(each, dict) and not _OF_THE_NAMESPACE.isdisjoint(each) for each in value):
        # They stood in the order of their ids
        bare.sort(key=lambda each: orjson.dumps(each, option=orjson.OPT_SORT_KEYS))
    return bare


# --- The switch -----------------------------------------------------------------------------------------------------


def switch(kafka: Kafka, settings: Settings, into: str, env_file: Path) -> list[str]:
    """Make the rebuilt namespace the one to go on with; what is left to do by hand, a line each.

    Its control topic gets ours, already read, and `env_file` gets BELLWETHER_NAMESPACE, unless the environment sets it.
    The old topics stay as they are: going back is setting the old namespace again. Raises Refused while workers of the
    old namespace run, while anything there is unread, or while the journal has grown since the rebuild.
    """
    journal = settings.prefixed(TOPICS["journal"].name)
    other = target(settings, into, kafka.partitions([journal])[journal])
    _all_quiet(kafka, settings)
    for number in range(other.journal_partitions):
        at, _ = _copied_until(kafka, other.prefixed(TOPICS["journal"].name), number)
        if any(True for _ in read_topic(kafka, journal, number, since=at + 1)):
            raise Refused(
                f"{journal}/{number} has grown since the rebuild: run `bellwether rebuild --into {into}` again"
            )
    _copy_control(kafka, settings, other)
    said = []
    if "BELLWETHER_NAMESPACE" in os.environ:
        said.append(f"set BELLWETHER_NAMESPACE={into} where your workers and commands are started")
    else:
        said.append(_said_in(env_file, into))
    named = f"{into}." if into else ""
    return [
        *said,
        f"send events to {named}credit.invoices.v1 and its like; what still goes to the old topics is read by nobody",
        f"let subscribers read {named}credit.alerts.v1 and its like, where ids are others than before",
        "run `bellwether migrate`, then `bellwether worker`: the store fills its own database from the start",
        f"nothing was deleted: BELLWETHER_NAMESPACE={settings.namespace or '(empty)'} is the way back",
    ]


def _said_in(env_file: Path, into: str) -> str:
    try:
        write_namespace(env_file, into)
    except (OSError, Refused) as error:
        return f"set BELLWETHER_NAMESPACE={into} in {env_file}, which could not be written ({error}), and wherever else"
    return f"{env_file} now says BELLWETHER_NAMESPACE={into}; set it wherever else workers are started"


def _all_quiet(kafka: Kafka, settings: Settings) -> None:
    lag = Lag(kafka, settings)
    try:
        for group in ("intake", "monitor"):
            behind = {name: left for name, (left, _) in lag.of(group).items() if left}
            if behind:
                told = ", ".join(f"{name} {left:,}" for name, left in behind.items())
                raise Refused(
                    f"{group} has not read everything yet ({told}): let it finish, stop the workers, then switch"
                )
    finally:
        lag.close()
    groups = [settings.prefixed(group) for group in READS]
    admin = kafka.admin()  # it must outlive its answers
    described = admin.describe_consumer_groups(groups, request_timeout=10)
    running = [group for group, future in described.items() if future.result(15).members]
    if running:
        raise Refused(f"workers of this namespace run ({', '.join(sorted(running))}): stop them, then switch")


def _copy_control(kafka: Kafka, settings: Settings, other: Settings) -> None:
    """Clock and policies, so that the clock over there goes on from the same day; its intake has read them already."""
    source, sink = (each.prefixed(TOPICS["control"].name) for each in (settings, other))
    at = -1
    for record in read_topic(kafka, sink, 0):
        at = max(at, int(dict(record.headers() or ()).get(COPIED, b"-1")))
    with _copying(kafka, sink) as sender:
        for record in read_topic(kafka, source, 0):
            if record.offset() > at and _is_copied(record):
                sender.send(sink, record.value(), record.key(), 0, [(COPIED, b"%d" % record.offset())])
    intake = kafka.consumer({"group.id": other.prefixed("intake"), "enable.auto.commit": False})
    try:
        _, end = patiently(watermarks, intake, ck.TopicPartition(sink, 0), 10)
        intake.commit(offsets=[ck.TopicPartition(sink, 0, end)], asynchronous=False)
    finally:
        intake.close()


def _is_copied(record: Any) -> bool:
    """Whether a control record counts over there: not one that is refused here, and might not be with a newer timestamp."""
    try:
        return control_event(record.value(), record.timestamp()[1]).type != "book.reported"
    except Invalid:
        return False


def write_namespace(env_file: Path, namespace: str) -> None:
    """BELLWETHER_NAMESPACE in a .env file; the line that was there stays as a comment."""
    lines = text_of(env_file).splitlines() if env_file.exists() else []
    kept = [f"# {line}" if line.strip().startswith("BELLWETHER_NAMESPACE=") else line for line in lines]
    with written_whole(env_file) as file:
        file.writelines(f"{line}\n".encode() for line in [*kept, f"BELLWETHER_NAMESPACE={namespace}"])

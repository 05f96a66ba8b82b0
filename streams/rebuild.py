"""A rebuild: the journal copied into another namespace, folded there by this engine, and held against what was emitted.

Nothing of the namespace it comes from is changed, and nothing is ever deleted. The fold is the monitor's own worker, so
that states, offsets and outputs over there are those of a deployment that can go on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import confluent_kafka as ck
import orjson

from schemas.events import Invalid
from schemas.outputs import CASE_ID
from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.control import control_event
from streams.copying import carry_unread, copied_into, copy_journal, copying, lacking
from streams.dev.kafka import Progress
from streams.dev.processes import Crew
from streams.errors import Refused
from streams.lag import READS, Lag
from streams.reading import COPIED, committed, read_partitions, read_topic
from streams.settings import Settings
from streams.topics_admin import create, grown
from streams.whole import text_of, written_whole

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


def target(kafka: Kafka, settings: Settings, into: str, asked: int | None = None) -> Settings:
    """The settings of the namespace that is rebuilt into: with the partitions that its journal has, that are asked for, or
    that ours has.

    Raises Refused where it is our own or no name, or its journal has other partitions than those asked for.
    """
    if into == settings.namespace:
        raise Refused(
            f"--into {into}: that is the namespace of this deployment, by a switch that went through or from the first; name "
            "another, which is empty"
        )
    fields = settings.model_dump()
    own = {"namespace": into, "metrics_port": 0, "slot": "rebuild"}
    try:
        other = Settings(_env_file=None, **{**fields, **own})
    except ValueError:
        raise Refused(
            f"--into {into!r} is no namespace: small letters, digits, - and _, at most 31, a letter or digit first"
        ) from None
    source, sink = (each.prefixed(TOPICS["journal"].name) for each in (settings, other))
    topics = kafka.topics()
    there = len(topics[sink].partitions) if sink in topics else None
    if asked and there and asked != there:
        raise Refused(
            f"{sink} is there with {there} partitions: leave out --partitions, or rebuild into another namespace"
        )
    partitions = there or asked or kafka.partitions([source])[source]
    return other.model_copy(update={"journal_partitions": partitions})


def rebuild(
    kafka: Kafka, settings: Settings, into: str, start: Start, show: Progress, partitions: int | None = None
) -> Rebuilt:
    """Copy what the journal has now, fold it in the other namespace and compare. Goes on where an earlier run stopped.

    `partitions` of the journal over there; None: those that it has, else as many as here. Raises Refused where the other
    namespace has a life of its own, its partitions can not be made of ours, or its worker ends.
    """
    journal = settings.prefixed(TOPICS["journal"].name)
    other = target(kafka, settings, into, partitions)
    create(kafka, other)
    found = Rebuilt()
    told = {
        name: lengths(_cases(kafka, settings, name)) for name in CASE_ID
    }  # before the copy: all of it is in there
    found.copied, found.already = copy_journal(kafka, settings, other, show)
    if not found.copied and not found.already:
        raise Refused(
            f"the journal {journal} is empty: there is nothing to rebuild; set BELLWETHER_NAMESPACE to its own"
        )
    _fold(kafka, other, start, show)
    for number in range(other.journal_partitions):  # another rebuild may have copied at the same time
        copied_into(kafka, other.prefixed(TOPICS["journal"].name), number)
    for name in CASE_ID:
        found.differences[name] = compare(
            _cases(kafka, settings, name), _cases(kafka, other, name), told[name]
        )
    found.refused = sum(1 for _ in read_partitions(kafka, other.prefixed(TOPICS["dead-letters"].name)))
    return found


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
    other = target(kafka, settings, into)
    split = grown(kafka, journal, kafka.partitions([journal])[journal])
    _all_quiet(kafka, settings, split)
    with closing(lacking(kafka, settings, other)) as records:
        for _, number, _ in records:
            raise Refused(
                f"{journal}/{number} has grown since the rebuild: run `bellwether rebuild --into {into}` again"
            )
    _copy_control(kafka, settings, other)
    said = _carried(kafka, settings, other) if split else []
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
        "nothing was deleted"
        + ("" if split else f": BELLWETHER_NAMESPACE={settings.namespace or '(empty)'} is the way back"),
    ]


def _carried(kafka: Kafka, settings: Settings, other: Settings) -> list[str]:
    lines = []
    if carried := carry_unread(kafka, settings, other):
        lines.append(f"{carried:,} events that intake had not read were sent on; it reads them over there")
    lag = Lag(kafka, settings)
    try:
        ((left, _),) = lag.of("intake", ["history"]).values()
    finally:
        lag.close()
    if left:
        lines.append(
            f"{left:,} records of the backfill were not read, and are not sent on: import its file again"
        )
    return lines


def _said_in(env_file: Path, into: str) -> str:
    try:
        write_namespace(env_file, into)
    except (OSError, Refused) as error:
        return f"set BELLWETHER_NAMESPACE={into} in {env_file}, which could not be written ({error}), and wherever else"
    return f"{env_file} now says BELLWETHER_NAMESPACE={into}; set it wherever else workers are started"


def _all_quiet(kafka: Kafka, settings: Settings, split: bool) -> None:
    """Raises Refused unless all is read and nobody reads. Of a `split` journal, one that was given more partitions, no worker
    can read on: what it has not read is carried over."""
    lag = Lag(kafka, settings)
    try:
        for group in () if split else ("intake", "monitor"):
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
    """Clock and policies, so that the clock over there goes on from the same day; what intake has read here counts as read by
    its own."""
    source, sink = (each.prefixed(TOPICS["control"].name) for each in (settings, other))
    at = max(_places(kafka, sink), default=-1)
    with copying(kafka, sink) as sender:
        for record in read_topic(kafka, source, 0):
            if record.offset() > at and _is_copied(record):
                sender.send(sink, record.value(), record.key(), 0, [(COPIED, b"%d" % record.offset())])
    (read,) = committed(kafka, settings.prefixed("intake"), [source]).values()
    behind = [there + 1 for here, there in _places(kafka, sink).items() if here < read]
    intake = kafka.consumer({"group.id": other.prefixed("intake"), "enable.auto.commit": False})
    try:
        if behind:
            intake.commit(offsets=[ck.TopicPartition(sink, 0, max(behind))], asynchronous=False)
    finally:
        intake.close()


def _places(kafka: Kafka, sink: str) -> dict[int, int]:
    """Offset of a control record where it was copied from -> its offset there."""
    return {
        int(header): record.offset()
        for record in read_topic(kafka, sink, 0)
        if (header := dict(record.headers() or ()).get(COPIED)) is not None
    }


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

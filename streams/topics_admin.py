"""The topics of schemas/topics.py on a cluster: created, and compared with what is there.

Never changes a topic that exists. What the topics are is not said here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined, unused-ignore]
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from schemas.topics import TOPICS, Topic
from streams.blocks import Kafka
from streams.errors import Refused
from streams.reading import bounds, headed
from streams.settings import Settings

TIMEOUT = 15.0  # seconds, for each request to the cluster
# Written by explicit partition: their count must be the journal's. Any other topic may have any count.
FOLLOWS_JOURNAL = ("history", "account-state")
# A smaller value than the table's loses records; a larger one does no harm to us. -1 is without end.
AT_LEAST = ("retention.ms", "retention.bytes", "max.message.bytes")
# Smaller in what older versions made, and short for accounts alone of which megabytes are told at a time.
SHOWN = ("account-state", "max.message.bytes")
_GROWN = (
    "was given more partitions after its first record: accounts would change their partition, and be in two. Kafka can not "
    "undo that, and no other topic is to have as many: `bellwether rebuild --into NEW --switch` deals the journal out in "
    "another namespace, and goes over to it; see 'More partitions' in deploy/runbook.md"
)


@dataclass(frozen=True)
class State:
    """One topic as it should be and as it is."""

    topic: Topic
    name: str  # with the namespace
    wanted_partitions: int
    partitions: int  # 0: the topic is missing
    faults: tuple[str, ...]  # workers must not start: records would be lost or misplaced
    differences: tuple[str, ...]  # other settings than the table's, which somebody may have chosen
    grown: bool = False  # the journal alone: it was given more partitions after its first record

    @property
    def missing(self) -> bool:
        return self.partitions == 0


def create(kafka: Kafka, settings: Settings) -> list[str]:
    """Creates the topics that are missing; the names of those, none when all were there.

    Partitions are those of the journal that is there, else of the settings; replication is the cluster's default.
    Two callers may create at once. Raises Refused when the cluster does not answer or does not allow it.
    """
    missing = [state for state in compare(kafka, settings) if state.missing]
    if not missing:
        return []
    admin = kafka.admin()
    new = [NewTopic(s.name, s.wanted_partitions, -1, config=s.topic.config()) for s in missing]
    created = []
    for name, future in admin.create_topics(new, operation_timeout=TIMEOUT).items():
        try:
            future.result(TIMEOUT)
            created.append(name)
        except KafkaException as error:
            if error.args[0].name() != "TOPIC_ALREADY_EXISTS":
                raise Refused(
                    f"Kafka at {kafka.servers} does not create {name}: {error.args[0].str()}"
                ) from error
    _await(admin, kafka.servers, {topic.topic for topic in new})
    return created


def _await(admin: AdminClient, servers: str, names: set[str]) -> None:
    """Until the broker that we ask knows of them: it learns of a topic a moment after the controller has made it."""
    deadline = time.monotonic() + TIMEOUT
    while not names <= set(admin.list_topics(timeout=TIMEOUT).topics):
        if time.monotonic() > deadline:
            raise Refused(
                f"Kafka at {servers} made topics that it does not show after {TIMEOUT:.0f} s: look at its log"
            )
        time.sleep(0.02)


def check(kafka: Kafka, settings: Settings) -> int:
    """The number of journal partitions, once every topic is there and no record can be lost or misplaced.

    It is the cluster's number, whatever the settings say. Raises Refused naming each fault and the mend.
    """
    states = compare(kafka, settings)
    journal = next(state for state in states if state.topic is TOPICS["journal"])
    if journal.grown:
        raise Refused(
            f"{journal.faults[0]}. Where `bellwether rebuild` makes it and has not ended, let it end"
        )
    lines = [fault for state in states for fault in state.faults]
    if lines:
        missing = sum(state.missing for state in states)
        mend = "`bellwether topics --create` creates what is missing" if missing else ""
        if missing < len(lines):
            mend += f"{' and ' if mend else ''}the others are yours to mend (`bellwether topics` shows them)"
        raise Refused(f"the topics at {kafka.servers} are not as they must be: {'; '.join(lines)}: {mend}")
    return journal.partitions


def grown(kafka: Kafka, journal: str, partitions: int) -> bool:
    """Whether the journal was given partitions after its first record: the first policy goes into all that are there, in one
    transaction, before anything else. What somebody else wrote there says nothing."""
    begun = headed(kafka, journal, partitions)
    if not any(begun.values()):
        return False
    # Only now, and with what waits for its commit's mark: an intake may be committing that first policy at this moment.
    others = bounds(kafka, journal, sorted(set(range(partitions)) - begun.keys()), "read_uncommitted")
    return not all(begun.values()) or not all(end for _, end in others)


def refuse_grown(kafka: Kafka, settings: Settings) -> None:
    """Raises Refused where the journal was given more partitions: an account's events are looked for in one alone."""
    journal = settings.prefixed(TOPICS["journal"].name)
    if grown(kafka, journal, kafka.partitions([journal])[journal]):
        raise Refused(f"{journal} {_GROWN}")


def compare(kafka: Kafka, settings: Settings) -> list[State]:
    """Every topic of the table, in its order, with what is missing or different. Raises Refused without a cluster."""
    names = {logical: settings.prefixed(topic.name) for logical, topic in TOPICS.items()}
    found = kafka.topics()
    try:
        there = [name for name in names.values() if name in found]
        configs = _configs(kafka.admin(), there)
    except KafkaException as error:
        raise Refused(
            f"Kafka at {kafka.servers} does not answer ({error.args[0].str()}): start it, or mend BELLWETHER_BROKER"
        ) from error
    journal = names["journal"]
    count = len(found[journal].partitions) if journal in found else settings.partitions
    split = journal in found and grown(kafka, journal, count)
    out = []
    for logical, topic in TOPICS.items():
        name = names[logical]
        wanted = topic.partitions or count
        if name not in found:
            out.append(State(topic, name, wanted, 0, (f"{name} is missing",), ()))
            continue
        partitions = len(found[name].partitions)
        faults, differences = _settings(name, logical, topic.config(), configs[name])
        given_more = split and name == journal
        if given_more:
            faults.insert(0, f"{name} {_GROWN}")
        if partitions != wanted and (topic.partitions or (logical in FOLLOWS_JOURNAL and not split)):
            whose = "" if topic.partitions else ", as many as the journal (which may never be given more)"
            faults.insert(0, f"{name} has {partitions} partitions and must have {wanted}{whose}")
        out.append(State(topic, name, wanted, partitions, tuple(faults), tuple(differences), given_more))
    return out


def _configs(admin: AdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources: list[Any] = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    answers = admin.describe_configs(resources, request_timeout=TIMEOUT)
    return {
        resource.name: {key: str(entry.value) for key, entry in future.result(TIMEOUT).items()}
        for resource, future in answers.items()
    }


def _settings(
    name: str, logical: str, wanted: dict[str, str], actual: dict[str, str]
) -> tuple[list[str], list[str]]:
    """What loses records, and what is merely different."""
    faults: list[str] = []
    differences: list[str] = []
    for key, value in wanted.items():
        is_now = actual.get(key, "unknown")
        if is_now == value:
            continue
        line = f"{name} has {key}={is_now}, the table says {value}"
        short = key in AT_LEAST and _without_end(is_now) < _without_end(value)
        harmful = key == "cleanup.policy" or (short and (logical, key) != SHOWN)
        (faults if harmful else differences).append(line)
    return faults, differences


def _without_end(value: str) -> float:
    return float("inf") if value == "-1" else float(value) if value.lstrip("-").isdigit() else 0.0

"""Where intake and the monitor go on, found again when Kafka has dropped the offsets of their groups.

The monitor's stand beside its states; intake's are told by what it has written. That they are gone, or are not those of the
states, is noticed in units.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import confluent_kafka as ck
import confluent_kafka.admin as ck_admin

from schemas.topics import TOPICS
from streams.blocks import TP, Kafka
from streams.errors import Refused
from streams.lag import READS
from streams.letters import PREFIX
from streams.partition import named_offsets
from streams.reading import COPIED, bounds, committed, read_partitions, read_topic
from streams.settings import Settings
from streams.slot import WHO
from streams.units import moved

Offsets = dict[TP, int]


def restore_offsets(kafka: Kafka, settings: Settings, found: Callable[[str, Offsets], None]) -> None:
    """Give the two groups the offsets that they lack, and the monitor's the ones that its states belong to; `found` is told
    the group and what it was given.

    An empty answer: the group has its offsets, or has never worked. What is right is left alone, so that a run that was
    broken off is gone on with. An offset of intake that is there is never changed: it has no states that would say another.
    Reads all states, and the journal whole where intake lacks one of a partition with records. Raises Refused while workers
    of such a group run, and where states do not tell their offsets: of a version before this one, or gone.
    """
    for name, told in (("intake", _of_intake), ("monitor", _of_monitor)):
        group = settings.prefixed(name)
        topics = [settings.prefixed(TOPICS[logical].name) for logical in READS[name]]
        offsets = told(kafka, settings, _standing(kafka, group, topics))
        if offsets:
            _commit(kafka, group, offsets)
        found(group, offsets)


def _standing(kafka: Kafka, group: str, topics: list[str]) -> dict[TP, int | None]:
    """The group's offset of each partition, None where it has none, of those that have an offset or records."""
    out: dict[TP, int | None] = {}
    for (topic, number), offset in committed(kafka, group, topics).items():
        if offset >= 0:
            out[topic, number] = offset
        elif any(high > low for low, high in bounds(kafka, topic, [number])):
            out[topic, number] = None
    return out


def _of_monitor(kafka: Kafka, settings: Settings, standing: Mapping[TP, int | None]) -> Offsets:
    """Each commit names, beside the states that it wrote, the offsets from which they go on."""
    states = settings.prefixed(TOPICS["account-state"].name)
    found: Offsets = {}
    for (topic, number), offset in sorted(standing.items()):
        said: dict[str, int] | None = None
        there = False
        for record in read_topic(kafka, states, number):
            if record.key() == WHO:
                said = named_offsets(record)
            else:
                there = True
        if said is None and offset is not None and not there:
            raise Refused(moved(settings.prefixed("monitor"), states, number, topic, offset, None))
        if offset is None and there and not said:
            raise Refused(
                f"the states in {states}/{number} do not say from where they go on: an earlier version wrote them. "
                "`bellwether rebuild --into` folds the journal anew"
            )
        if said and said.get(topic, offset) != offset:
            found[topic, number] = said[topic]
    return found


def _of_intake(kafka: Kafka, settings: Settings, standing: Mapping[TP, int | None]) -> Offsets:
    """What is journalled or refused bears its origin: intake goes on behind the last of each partition.

    The journal of a rebuilt namespace had what stands in the control topic by a copy.
    """
    lacking = {here for here, offset in standing.items() if offset is None}
    found: Offsets = {}
    if not lacking:
        return found
    for origin, offset in answered(kafka, settings):
        if origin in lacking and offset >= found.get(origin, 0):
            found[origin] = offset + 1
    control = (settings.prefixed(TOPICS["control"].name), 0)
    if control in lacking:
        for record in read_topic(kafka, *control):
            if COPIED in dict(record.headers() or ()):
                found[control] = max(record.offset() + 1, found.get(control, 0))
    return found


def answered(kafka: Kafka, settings: Settings) -> Iterator[tuple[TP, int]]:
    """The source records that intake has journalled or refused: where each comes from, and its offset there. Reads both whole.

    What a rebuild copied bears the offsets of another namespace, and is left out.
    """
    for logical, prefix in (("journal", "origin-"), ("dead-letters", PREFIX)):
        for record in read_partitions(kafka, settings.prefixed(TOPICS[logical].name)):
            headers = dict(record.headers() or ())
            if COPIED in headers:
                continue
            try:
                topic, number, offset = (
                    headers[prefix + name].decode() for name in ("topic", "partition", "offset")
                )
                origin = (topic, int(number)), int(offset)
            except (KeyError, ValueError, AttributeError):
                continue  # not intake's
            yield origin


def _commit(kafka: Kafka, group: str, offsets: Offsets) -> None:
    parts = [ck.TopicPartition(*tp, offset) for tp, offset in sorted(offsets.items())]
    wanted = ck.ConsumerGroupTopicPartitions(group, parts)
    admin: ck_admin.AdminClient = kafka.admin()
    try:
        done = admin.alter_consumer_group_offsets([wanted])[group].result()
    except ck.KafkaException as error:
        raise Refused(
            f"group {group}: {error.args[0].str()}; stop all of its workers, and run this again"
        ) from error
    for part in done.topic_partitions:
        if part.error is not None:
            raise Refused(
                f"group {group}: {part.topic}/{part.partition}: {part.error.str()}; stop all of its workers, and run this "
                "again"
            )

"""Source records that intake's offsets are past and that it has neither journalled nor refused: an offset was moved on.

Part of `bellwether audit`. What the monitor made of the journal is held against a refold in streams/audit.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.events import Invalid
from schemas.topics import INPUTS, TOPICS
from streams.blocks import TP, Kafka
from streams.control import control_event
from streams.offsets import answered
from streams.reading import COPIED, beginning, bounds, committed, read_topic
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class _Past:
    """The offsets of one source partition that intake is past, as far as Kafka still has them; 1 where it has answered."""

    low: int
    answered: bytearray

    def mark(self, offset: int) -> None:
        if self.low <= offset < self.low + len(self.answered):
            self.answered[offset - self.low] = 1


def passed_over(kafka: Kafka, settings: Settings) -> list[str]:
    """One sentence for each run of such records of a partition, also while events flow. Reads journal and dead letters
    whole, and a source from its first record on that has no answer.

    A record whose dead letter Kafka may have dropped by age is taken as refused. What Kafka has dropped of a source can
    not be told; what a rebuild copied into control stands in the journal that it copied.

    Raises Refused where a topic can not be read.
    """
    # The order is the proof: what intake is past, then what it wrote with those offsets or before.
    past = _past(kafka, settings)
    for here, offset in answered(kafka, settings):
        if here in past:
            past[here].mark(offset)
    since = _letters_since(kafka, settings)
    control = settings.prefixed(TOPICS["control"].name)
    out: list[str] = []
    for (topic, number), part in sorted(past.items()):
        first = part.answered.find(0)
        if first < 0:
            continue
        end = part.low + len(part.answered)
        without = (
            record.offset()
            for record in read_topic(kafka, topic, number, until=end, since=part.low + first)
            if not part.answered[record.offset() - part.low]
            and record.timestamp()[1] >= since
            and not (topic == control and (_for_the_clock(record) or COPIED in dict(record.headers() or ())))
        )
        out += [
            f"{topic}/{number}: intake is past {_offsets(run)}, and neither journal nor dead letters have "
            f"{'it' if len(run) == 1 else 'them'}: its offset was moved on; see 'After a long pause, and when an offset was "
            "moved' in deploy/runbook.md"
            for run in _runs(without, part.answered, part.low)
        ]
    return out


def _past(kafka: Kafka, settings: Settings) -> dict[TP, _Past]:
    topics = [settings.prefixed(TOPICS[name].name) for name in INPUTS]
    stands = committed(kafka, settings.prefixed("intake"), topics)
    out = {}
    for topic in topics:
        numbers = [number for where, number in stands if where == topic]
        for number, (low, high) in zip(numbers, bounds(kafka, topic, numbers), strict=True):
            if (end := min(stands[topic, number], high)) > low:
                out[topic, number] = _Past(low, bytearray(end - low))
    return out


def _letters_since(kafka: Kafka, settings: Settings) -> int:
    """From when on, in milliseconds, all dead letters are there: 0 where Kafka has dropped none."""
    topic = settings.prefixed(TOPICS["dead-letters"].name)
    since = 0
    for number in range(kafka.partitions([topic])[topic]):
        if beginning(kafka, topic, number) > 0:
            oldest = next(read_topic(kafka, topic, number), None)
            since = max(since, oldest.timestamp()[1] if oldest is not None else 1 << 62)
    return since


def _for_the_clock(record: Any) -> bool:
    """Whether intake leaves a control record out of the journal: the clock sums it up."""
    try:
        return control_event(record.value(), record.timestamp()[1]).type == "book.reported"
    except Invalid:
        return False


def _runs(offsets: Iterator[int], answered: bytearray, low: int) -> Iterator[list[int]]:
    """The offsets, cut where a record between two of them has its answer."""
    run: list[int] = []
    for offset in offsets:
        if run and any(answered[run[-1] - low + 1 : offset - low]):
            yield run
            run = []
        run.append(offset)
    if run:
        yield run


def _offsets(run: list[int]) -> str:
    return f"the record at {run[0]}" if len(run) == 1 else f"{len(run):,} records at {run[0]} to {run[-1]}"

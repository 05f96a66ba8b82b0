"""What holds up the end of a day: what sources had sent before it, and intake has not read. No Kafka."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest

from schemas.topics import SOURCES, TOPICS
from streams.backlog import Backlog
from streams.settings import Settings

END = datetime(2025, 10, 9, tzinfo=UTC)
TOPIC = TOPICS["payments"].name


class Cluster:
    """One partition of payments: records (offset -> hours from the day's end at which they were sent), and marks between."""

    def __init__(self, *, high: int, committed: int = ck.OFFSET_INVALID, low: int = 0, **sent: int) -> None:
        self.low, self.high, self.at = low, high, committed
        self.sent = {int(offset[1:]): hours for offset, hours in sent.items()}
        self.asked: list[str] = []
        self.groups: list[Any] = []
        self.answers: ck.KafkaError | None = None
        self.silent = False
        self.here: int | None = None

    def topics(self) -> dict[str, Any]:
        return {TOPIC: SimpleNamespace(partitions=[0])}

    def consumer(self, own: dict[str, Any]) -> Cluster:
        self.groups.append(own["group.id"])
        return self

    def reader(self, _group: str) -> Cluster:
        return self

    def committed(self, parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
        self.asked.append("committed")
        return [ck.TopicPartition(part.topic, part.partition, self.at) for part in parts]

    def offsets_for_times(self, parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
        self.asked.append("times")
        after = [
            offset
            for offset, hours in sorted(self.sent.items())
            if (END + timedelta(hours=hours)).timestamp() * 1000 >= parts[0].offset
        ]
        return [ck.TopicPartition(TOPIC, 0, after[0] if after else ck.OFFSET_END)]

    def get_watermark_offsets(self, _part: ck.TopicPartition, _timeout: float) -> tuple[int, int]:
        return self.low, self.high

    def assign(self, parts: list[ck.TopicPartition]) -> None:
        self.here = parts[0].offset

    def unassign(self) -> None:
        self.here = None

    def poll(self, _timeout: float) -> Any:
        assert self.here is not None
        here = self.here
        if self.silent:
            return None
        if self.answers is not None:
            return SimpleNamespace(error=lambda: self.answers)
        first = min((offset for offset in self.sent if offset >= here), default=None)
        if first is None:
            end = ck.KafkaError(ck.KafkaError._PARTITION_EOF)
            return SimpleNamespace(error=lambda: end, offset=lambda: self.high)
        return SimpleNamespace(error=lambda: None, offset=lambda: first)


def waits(cluster: Any, backlog: Backlog | None = None, end: datetime = END) -> bool:
    return (backlog or Backlog(cluster, Settings(_env_file=None), "intake")).of(end)


@pytest.mark.parametrize(
    ("cluster", "held"),
    [
        (Cluster(high=2, committed=1, o0=-2, o1=-1), True),
        (Cluster(high=2, committed=2, o0=-2, o1=-1), False),
        (Cluster(high=2, o0=-2, o1=-1), True),  # the group never read any of it
        (Cluster(high=2, committed=1, o0=-1, o1=1), False),
        (Cluster(high=2, committed=0, o0=-1, o1=1), True),
        (Cluster(high=2, o0=1, o1=2), False),
        (Cluster(high=2, committed=1, o0=-1, o1=0), False),  # the first instant of the next day
        (Cluster(high=3, committed=1, o0=-1), False),  # only marks lie behind
        (Cluster(high=4, committed=1, o0=-1, o3=1), False),
        (Cluster(high=4, committed=1, o0=-1, o2=-1, o3=1), True),
        (Cluster(high=3, committed=0, low=3), False),  # dropped unread: nobody can wait for it
        (Cluster(high=3, committed=0, low=2, o2=-1), True),
        (Cluster(high=0), False),
    ],
)
def test_a_day_ends_behind_what_was_sent_before_its_end_and_not_yet_read(
    cluster: Cluster, held: bool
) -> None:
    assert waits(cluster) is held
    assert cluster.groups == ["intake"]
    assert cluster.here is None, "a reader that stays assigned goes on fetching"


def test_a_broker_that_does_not_say_holds_the_day_up() -> None:
    cluster = Cluster(high=3, committed=1, o0=-1)
    cluster.silent = True
    assert waits(cluster)
    cluster.silent, cluster.answers = False, ck.KafkaError(ck.KafkaError._TRANSPORT)
    assert waits(cluster)
    cluster.sent.clear()
    cluster.at, cluster.low, cluster.high = 0, 1, 1
    assert not waits(cluster), "what is gone is not asked for"


def test_where_the_day_ended_is_asked_once_and_what_is_read_so_far_no_more() -> None:
    cluster: Any = Cluster(high=2, committed=1, o0=-2, o1=-1)
    backlog = Backlog(cluster, Settings(_env_file=None), "intake")
    assert waits(cluster, backlog)
    cluster.at = 2
    assert not waits(cluster, backlog)
    assert not waits(cluster, backlog)
    assert cluster.asked == ["times", "committed", "committed"]
    cluster.sent[2], cluster.high = 20, 3
    assert waits(cluster, backlog, END + timedelta(days=1)), "another day has another end"


def test_every_source_of_the_namespace_is_asked_and_one_that_is_gone_holds_nothing_up() -> None:
    settings = Settings(_env_file=None, namespace="ours")
    names = [settings.prefixed(TOPICS[name].name) for name in SOURCES]
    cluster: Any = Cluster(high=1, o0=-1)
    cluster.topics = lambda: {name: SimpleNamespace(partitions=[0, 1]) for name in [*names[1:], "other"]}
    asked: list[tuple[str, int]] = []

    def for_times(parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
        asked.extend((part.topic, part.partition) for part in parts)
        return []

    cluster.offsets_for_times = for_times
    assert not Backlog(cluster, settings, "intake").of(END)
    assert asked == [(name, number) for name in names[1:] for number in (0, 1)]
    assert cluster.groups == ["ours.intake"]

"""How far a group is behind: records, not offsets, where they are few; at most so many where nobody says. No Kafka."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck

from streams.lag import Lag
from streams.settings import Settings


class Cluster:
    """Topics of one partition each, of which the journal has these ends, commit and records."""

    def __init__(
        self, low: int = 0, high: int = 0, committed: int = ck.OFFSET_INVALID, *records: int
    ) -> None:
        self.low, self.high, self.at, self.records = low, high, committed, list(records)
        self.undecided = 0
        self.silent = False
        self.assigned = 0
        self.here = 0

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 1)

    def consumer(self, _own: dict[str, object]) -> Cluster:
        return self

    def reader(self, _group: str) -> Cluster:
        return self

    def admin(self) -> Cluster:
        return self

    def list_offsets(
        self, asked: dict[ck.TopicPartition, Any], isolation_level: Any, **_: Any
    ) -> dict[Any, Any]:
        more = self.undecided if isolation_level == ck.IsolationLevel.READ_UNCOMMITTED else 0
        end = SimpleNamespace(offset=self.high + more)
        return {part: SimpleNamespace(result=lambda: end) for part in asked}

    def committed(self, parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
        return [ck.TopicPartition(part.topic, part.partition, self.at) for part in parts]

    def get_watermark_offsets(self, _part: ck.TopicPartition, _timeout: float) -> tuple[int, int]:
        return self.low, self.high

    def assign(self, parts: list[ck.TopicPartition]) -> None:
        self.assigned, self.here = self.assigned + 1, parts[0].offset

    def unassign(self) -> None:
        pass

    def poll(self, _timeout: float) -> Any:
        if self.silent:
            return None
        left = [offset for offset in self.records if offset >= self.here]
        if not left:
            return SimpleNamespace(error=lambda: ck.KafkaError(ck.KafkaError._PARTITION_EOF))
        self.here = left[0] + 1
        return SimpleNamespace(error=lambda: None)


def behind(cluster: Any, lag: Lag | None = None) -> tuple[int, int]:
    lag = lag or Lag(cluster, Settings(_env_file=None))
    return lag.of("monitor")["journal"]


def test_near_the_end_records_are_counted_and_not_the_marks_between_them() -> None:
    assert behind(Cluster(0, 20, 10, 9, 11, 14)) == (2, 10)
    assert behind(Cluster(0, 20, 20)) == (0, 20)
    assert behind(Cluster(0, 200, 10)) == (190, 10), "far from it nobody looks"


def test_what_kafka_has_dropped_nobody_waits_for() -> None:
    assert behind(Cluster(15, 20, 10, 15, 16)) == (2, 0)
    assert behind(Cluster(15, 20, ck.OFFSET_INVALID, 16)) == (1, 0)


def test_a_broker_that_does_not_say_is_taken_at_its_worst() -> None:
    cluster = Cluster(0, 20, 10)
    cluster.silent = True
    assert behind(cluster) == (10, 10)


def test_where_only_marks_lie_nobody_looks_again_until_more_has_come() -> None:
    cluster: Any = Cluster(0, 20, 10)
    lag = Lag(cluster, Settings(_env_file=None))
    assert [behind(cluster, lag) for _ in range(3)] == [(0, 10)] * 3
    assert lag.idle("monitor")
    assert cluster.assigned == 1
    cluster.high, cluster.records = 21, [20]
    assert behind(cluster, lag) == (1, 10)
    assert not lag.idle("monitor")


def test_a_group_that_has_read_all_is_not_idle_while_the_end_of_a_transaction_is_not_told() -> None:
    cluster: Any = Cluster(0, 20, 20)
    lag = Lag(cluster, Settings(_env_file=None))
    assert lag.idle("monitor")
    cluster.undecided = 3
    assert behind(cluster, lag) == (0, 20)
    assert not lag.idle("monitor")

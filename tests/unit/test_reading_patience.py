"""How long a reading waits for a broker that says nothing, and what it does when that is over. No Kafka."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest

from streams import reading
from streams.errors import Refused
from streams.reading import read_topic


class Broker:
    """One partition: what a poll brings, in turn; each poll that brings nothing takes ten seconds."""

    def __init__(self, *brings: int | None, end: int) -> None:
        self.brings, self.end, self.now, self.closed = list(brings), end, 0.0, 0

    def reader(self, _group: str) -> Broker:
        return self

    def consumer(self, _own: dict[str, object]) -> Broker:
        return self

    def get_watermark_offsets(self, *_: Any) -> tuple[int, int]:
        return 0, self.end

    def assign(self, _parts: list[ck.TopicPartition]) -> None:
        pass

    def poll(self, _timeout: float) -> Any:
        offset = self.brings.pop(0) if self.brings else None
        if offset is None:
            self.now += 10
            return None
        error = ck.KafkaError(ck.KafkaError._PARTITION_EOF) if offset == self.end else None
        return SimpleNamespace(offset=lambda: offset, error=lambda: error, headers=lambda: None)

    def consume(self, *_: Any) -> list[Any]:
        return []

    def close(self) -> None:
        self.closed += 1

    def monotonic(self) -> float:
        return self.now


def read(broker: Any, monkeypatch: pytest.MonkeyPatch, idle: float = 0.0, **more: Any) -> list[int]:
    monkeypatch.setattr(reading, "time", broker)
    offsets = []
    for record in read_topic(broker, "alerts", 3, **more):
        offsets.append(record.offset())
        broker.now += idle
    return offsets


def test_a_broker_that_takes_its_time_over_each_record_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Broker(None, None, 0, None, None, 1, None, None, 2, end=2)
    assert read(slow, monkeypatch, seconds=25) == [0, 1]
    assert slow.closed == 2


def test_what_the_caller_does_with_a_record_takes_no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(Broker(0, None, 1, None, 2, end=2), monkeypatch, idle=1000, seconds=25) == [0, 1]


def test_a_partition_that_is_not_readable_to_its_end_is_refused_with_what_may_hold_it_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_up = Broker(0, 1, end=3)
    with pytest.raises(Refused, match="alerts/3 is not readable to offset 3: a transaction is open there"):
        read(held_up, monkeypatch, seconds=25)
    assert held_up.closed == 2


def test_a_partition_without_its_beginning_is_refused_where_all_of_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Broker, "get_watermark_offsets", lambda *_: (2, 4))
    assert read(Broker(2, 3, 4, end=4), monkeypatch) == [2, 3]
    assert read(Broker(3, 4, end=4), monkeypatch, whole=True, since=2) == [3]
    with pytest.raises(Refused, match="begins at offset 2: what came before is gone"):
        read(Broker(end=4), monkeypatch, whole=True, since=1)
    assert read(Broker(end=4), monkeypatch, until=2) == [], "nothing lies before that"

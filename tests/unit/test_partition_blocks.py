"""A block: what it commits, what it defers, what it remembers as poison. And ends of partitions, asked for. No Kafka."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import confluent_kafka as ck
import pytest

from streams.blocks import Block, patiently, watermarks
from streams.errors import Fatal


@dataclass
class Record:
    at: int

    def offset(self) -> int:
        return self.at


def block(*offsets: int) -> Block:
    return Block("journal", 1, [Record(at) for at in offsets], {})


def test_a_block_commits_the_offset_behind_its_last_record() -> None:
    assert block(3, 4, 9).next_offset == 10


@pytest.mark.parametrize(("index", "offset"), [(0, 3), (1, 4), (2, 9), (3, 10)])
def test_a_deferred_record_is_the_next_to_be_read(index: int, offset: int) -> None:
    made = block(3, 4, 9)
    made.defer(index)
    assert made.next_offset == offset


@pytest.mark.parametrize("index", [-1, 4])
def test_what_a_block_does_not_hold_can_not_be_deferred(index: int) -> None:
    with pytest.raises(IndexError):
        block(3, 4, 9).defer(index)


def test_a_block_is_applied_when_nothing_was_raised_in_it() -> None:
    past: list[bool] = []
    made = block(1)
    made.on_past = lambda: past.append(made.applied)
    with made:
        assert not made.applied
    assert past == [True]


@pytest.mark.parametrize("error", [ValueError("no"), Fatal("no")])
def test_what_is_raised_in_a_block_stays_there_and_is_remembered(error: Exception) -> None:
    made = block(1)
    with made:
        raise error
    assert not made.applied
    assert made.error is error


def test_a_cancelled_agent_is_not_held_up() -> None:
    def cancelled(made: Block) -> None:
        with made:
            raise KeyboardInterrupt

    made = block(1)
    with pytest.raises(KeyboardInterrupt):
        cancelled(made)
    assert not made.applied


def test_a_poisoned_block_is_not_applied_and_the_record_is_known_in_the_next_pass() -> None:
    known: dict[tuple[int, str], str] = {}
    first = Block("journal", 1, [Record(5)], known)
    with first:
        assert first.is_poison(5, "A") is None
        first.poison(5, "A", ValueError("bad"))
    assert not first.applied
    assert first.error is None
    second = Block("journal", 1, [Record(5)], known)
    with second:
        assert second.is_poison(5, "A") == "ValueError: bad"
        assert second.is_poison(5, "B") is None
        assert second.is_poison(5) is None
    assert second.applied


def test_a_poison_that_is_applied_all_the_same_is_a_failure() -> None:
    known: dict[tuple[int, str], str] = {}
    poisoned: Callable[[Block], None] = lambda b: b.poison(5, "", ValueError("bad"))  # noqa: E731
    for made in (Block("journal", 1, [Record(5)], known), again := Block("journal", 1, [Record(5)], known)):
        with made:
            poisoned(made)
    assert not again.applied
    assert isinstance(again.error, ValueError)


class Stale:
    """A consumer that was told by a broker which had just come that there is no such partition."""

    def __init__(self, code: int) -> None:
        self.code: int | None = code
        self.asked_anew: list[str] = []

    def get_watermark_offsets(self, part: ck.TopicPartition, timeout: float) -> tuple[int, int]:
        if self.code is not None:
            raise ck.KafkaException(ck.KafkaError(self.code))
        return 3, 7

    def list_topics(self, topic: str, timeout: float) -> None:
        self.asked_anew.append(topic)
        self.code = None


def test_a_partition_that_a_new_broker_did_not_know_is_asked_for_anew() -> None:
    stale = Stale(ck.KafkaError._UNKNOWN_PARTITION)
    assert patiently(watermarks, stale, ck.TopicPartition("journal", 2), 1.0) == (3, 7)
    assert stale.asked_anew == ["journal"]


def test_any_other_trouble_with_the_ends_of_a_partition_is_the_callers() -> None:
    stale = Stale(ck.KafkaError._TRANSPORT)
    with pytest.raises(ck.KafkaException):
        watermarks(stale, ck.TopicPartition("journal", 2), 1.0)
    assert stale.asked_anew == []

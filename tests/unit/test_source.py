"""A source of blocks over a client that is made by hand: order, deferral, what is kept and what is forgotten. No Kafka."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import confluent_kafka as ck
import pytest
from structlog.testing import capture_logs

from streams.blocks import GIVE_UP_AFTER, TP, Block, Source
from streams.errors import Fatal

A: TP = ("journal", 0)
B: TP = ("journal", 1)


class Message:
    def __init__(self, tp: TP, offset: int, error: int | None = None) -> None:
        self.tp, self.at = tp, offset
        self.wrong = None if error is None else ck.KafkaError(error)

    def topic(self) -> str:
        return self.tp[0]

    def partition(self) -> int:
        return self.tp[1]

    def offset(self) -> int:
        return self.at

    def error(self) -> ck.KafkaError | None:
        return self.wrong

    def headers(self) -> None:
        return None


class Client:
    """Takes the place of librdkafka's consumer: hands out what lies in `queue`, and notes what it is told."""

    def __init__(self) -> None:
        self.queue: list[Message] = []
        self.paused: set[TP] = set()
        self.at: dict[TP, int] = {}
        self.callbacks: dict[str, Callable[..., None]] = {}
        self.configured: list[Mapping[str, object]] = []

    # What a source asks of a cluster.

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 2)

    def consumer(self, own: Mapping[str, object]) -> Client:
        self.configured.append(own)
        return self

    # … and of a consumer.

    def subscribe(self, _topics: list[str], **callbacks: Callable[..., None]) -> None:
        self.callbacks = callbacks

    def poll(self, _timeout: float) -> Message | None:
        return self.queue.pop(0) if self.queue else None

    def consume(self, most: int, _timeout: float) -> list[Message]:
        taken, self.queue = self.queue[:most], self.queue[most:]
        return taken

    def assign(self, parts: list[ck.TopicPartition]) -> None:
        self.at = {(part.topic, part.partition): part.offset for part in parts}

    def unassign(self) -> None:
        self.at = {}

    def seek(self, part: ck.TopicPartition) -> None:
        self.at[part.topic, part.partition] = part.offset

    def pause(self, parts: list[ck.TopicPartition]) -> None:
        self.paused |= {(part.topic, part.partition) for part in parts}

    def resume(self, parts: list[ck.TopicPartition]) -> None:
        self.paused -= {(part.topic, part.partition) for part in parts}

    def consumer_group_metadata(self) -> str:
        return "member"

    def get_watermark_offsets(self, _part: ck.TopicPartition, _timeout: float) -> tuple[int, int]:
        return 7, 100


class Worker:
    """A source whose partitions go on where `committed` says."""

    def __init__(self, most: int = 100) -> None:
        self.client = Client()
        self.committed: dict[TP, int] = {A: 10, B: 20}
        kafka: Any = self.client
        self.source = Source(
            kafka,
            group="g",
            topics=["journal"],
            slot="s",
            offsets_for=lambda _: self.committed,
            max_records=most,
        )
        self.is_given(A, B)

    def is_given(self, *tps: TP) -> None:
        self.client.callbacks["on_assign"](self.client, [ck.TopicPartition(*tp) for tp in tps])

    def loses_all(self) -> None:
        self.client.callbacks["on_revoke"](self.client, [])

    def polls(self, *messages: tuple[TP, int]) -> list[Block]:
        self.client.queue += [Message(*message) for message in messages]
        return self.source.poll(0)

    def fails(self, block: Block, error: BaseException) -> None:
        block.error, block.applied = error, False
        with capture_logs():
            self.source.count_failures([block])
        self.source.rewind()


def held(blocks: list[Block]) -> dict[TP, list[int]]:
    return {(block.topic, block.partition): [record.offset() for record in block.records] for block in blocks}


def test_blocks_hold_the_records_of_their_partition_in_order_and_none_twice() -> None:
    worker = Worker()
    blocks = worker.polls((A, 9), (A, 10), (B, 20), (A, 11), (A, 10), (A, 13), (("journal", 9), 5))
    assert held(blocks) == {A: [10, 11, 13], B: [20]}
    assert worker.source.where == {A: 14, B: 21}


def test_a_source_reads_what_is_decided_commits_nothing_and_begins_nowhere_by_chance() -> None:
    reads, ends = Worker().client.configured
    assert (
        reads.items()
        >= {
            "group.id": "g",
            "client.id": "s",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "partition.assignment.strategy": "range",
            "session.timeout.ms": 6000,
        }.items()
    )
    assert ends.items() >= {"isolation.level": "read_uncommitted", "enable.auto.commit": False}.items()


def test_an_assignment_goes_on_where_it_is_told_as_the_member_that_it_was_given_to() -> None:
    worker = Worker()
    assert (worker.client.at, worker.source.member, worker.source.assignments) == (
        {A: 10, B: 20},
        "member",
        1,
    )
    worker.committed = {B: 25}
    worker.is_given(B)
    assert (worker.client.at, worker.source.assignments) == ({B: 25}, 2)


def test_what_was_deferred_comes_first_and_what_is_beyond_a_block_behind_it() -> None:
    worker = Worker(most=3)
    (block,) = worker.polls((A, 10), (A, 11), (A, 12))
    block.defer(1)
    worker.source.settle([block])
    (block,) = worker.polls((A, 13), (A, 14))
    assert held([block]) == {A: [11, 12, 13]}
    assert worker.client.paused == {A}, "it has what the next block holds"
    block.defer(2)
    worker.source.settle([block])
    (block,) = worker.polls()
    assert held([block]) == {A: [13, 14]}
    worker.source.settle([block])
    assert worker.polls() == []
    assert worker.client.paused == set()
    worker.source._take([Message(A, 15 + n) for n in range(4)])
    worker.source.poll(0)
    assert worker.client.paused == {A}, "each time"


@pytest.mark.parametrize("again", [True, False])
def test_what_goes_on_at_once_does_not_wait_for_other_records(*, again: bool) -> None:
    worker = Worker()
    (block,) = worker.polls((A, 10), (A, 11))
    block.defer(1, again=again)
    worker.source.settle([block])
    waited: list[float] = []
    worker.client.poll = waited.append  # type: ignore[method-assign, assignment]
    worker.source.poll(5.0)
    assert waited == [0 if again else 5.0]


def test_what_is_beyond_a_block_does_not_wait_for_other_records() -> None:
    worker = Worker(most=2)
    worker.source._take([Message(A, 10 + n) for n in range(3)])
    worker.source.settle(worker.source.poll(5.0))
    waited: list[float] = []
    worker.client.poll = waited.append  # type: ignore[method-assign, assignment]
    assert held(worker.source.poll(5.0)) == {A: [12]}
    assert waited == [0]


def test_a_poll_before_the_last_one_is_settled_or_rewound_is_a_mistake() -> None:
    worker = Worker()
    blocks = worker.polls((A, 10))
    with pytest.raises(RuntimeError):
        worker.polls()
    worker.source.settle(blocks)
    assert held(worker.polls((A, 11))) == {A: [11]}
    worker.source.rewind()
    assert held(worker.polls((A, 10))) == {A: [10]}


def test_a_rewind_goes_back_to_what_is_committed_and_hands_out_nothing_of_before() -> None:
    worker = Worker(most=2)
    worker.polls((A, 10), (A, 11))
    worker.committed = {A: 11}
    worker.source.rewind()
    assert worker.client.at == {A: 11, B: 7}, "of what is committed nowhere, from the first record on"
    assert held(worker.polls((B, 7), (A, 10))) == {B: [7]}


@pytest.mark.parametrize("goes", ["to another", "to all anew", "back"])
def test_whoever_gives_partitions_out_anew_takes_what_was_deferred(goes: str) -> None:
    worker = Worker(most=2)
    worker.client.queue += [Message(A, 10), Message(A, 11)]
    (block,) = worker.source.poll(0)
    block.defer(0)
    worker.source.settle([block])
    worker.source._take([Message(A, 12)])
    if goes == "to another":
        worker.loses_all()
        assert (worker.source.owned, worker.source.where, worker.client.at) == (frozenset(), {}, {})
    elif goes == "to all anew":
        worker.is_given(A, B)
    else:
        worker.source.rewind()
    assert worker.polls() == []


def test_a_partition_that_was_paused_reads_on_wherever_it_is_given() -> None:
    worker = Worker(most=1)
    worker.client.queue += [Message(B, 20), Message(A, 10)]
    worker.source._take([Message(A, 10), Message(A, 11)])
    worker.source.poll(0)
    assert worker.client.paused == {A}
    worker.is_given(A)
    assert worker.client.paused == set()


def test_poisons_are_known_until_they_are_committed_or_another_has_the_partition() -> None:
    worker = Worker()
    for _ in range(2):
        (block,) = worker.polls((A, 10), (A, 11), (A, 12))
        with capture_logs():
            block.poison(10, "", ValueError("x"))
            block.poison(12, "", ValueError("y"))
        worker.source.rewind()
    (block,) = worker.polls((A, 10), (A, 11), (A, 12))
    block.defer(2)
    worker.source.settle([block])
    (block,) = worker.polls()
    assert (block.is_poison(10), block.is_poison(12)) == (None, "ValueError: y")
    worker.source.rewind()
    worker.is_given(A)
    (block,) = worker.polls((A, 12))
    assert block.is_poison(12) == "ValueError: y"
    worker.source.rewind()
    worker.is_given(B)
    worker.is_given(A)
    assert worker.polls((A, 12))[0].is_poison(12) is None


def test_a_block_that_fails_for_ever_ends_the_worker_and_one_that_was_applied_between_does_not() -> None:
    worker = Worker()
    for _ in range(2):
        for _ in range(GIVE_UP_AFTER - 1):
            (block,) = worker.polls((A, 10))
            worker.fails(block, ValueError("x"))
        worker.source.settle(worker.polls((A, 10)))
        worker.source.rewind()
    for _ in range(GIVE_UP_AFTER - 1):
        worker.fails(worker.polls((A, 10))[0], ValueError("x"))
    with pytest.raises(
        Fatal, match="journal/0 from offset 10 on failed 5 times in a row, last with ValueError: x"
    ):
        worker.fails(worker.polls((A, 10))[0], ValueError("x"))


def test_a_block_that_says_that_it_can_not_go_on_ends_the_worker_at_once() -> None:
    worker = Worker()
    with pytest.raises(Fatal, match="a fault of ours"):
        worker.fails(worker.polls((A, 10))[0], Fatal("a fault of ours"))


def test_a_poison_that_is_new_is_no_failure() -> None:
    worker = Worker()
    for offset in range(10, 12 + GIVE_UP_AFTER):
        (block,) = worker.polls(*((A, at) for at in range(10, 20)))
        with capture_logs():
            block.poison(offset, "", ValueError("x"))
        worker.source.count_failures([block])
        worker.source.rewind()


def test_partitions_that_a_topic_was_given_later_are_inputs_too() -> None:
    worker = Worker()
    assert worker.source.inputs == {A, B}
    worker.is_given(A, ("journal", 2))
    assert worker.source.inputs == {A, B, ("journal", 2)}
    assert worker.source.owned == {A, ("journal", 2)}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (ck.KafkaError._AUTO_OFFSET_RESET, "'Records are gone' in deploy/runbook.md"),
        (ck.KafkaError._FATAL, "consumer: "),
        (ck.KafkaError._TRANSPORT, ""),
    ],
)
def test_trouble_with_a_partition_is_passed_over_unless_it_does_not_pass(code: int, said: str) -> None:
    worker = Worker()
    worker.client.queue = [Message(A, 10), Message(A, -1, code), Message(A, 11)]
    with capture_logs():
        if said:
            with pytest.raises(Fatal, match=said):
                worker.source.poll(0)
        else:
            assert held(worker.source.poll(0)) == {A: [10, 11]}

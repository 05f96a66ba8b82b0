"""However polls, deferrals, undos and rebalances fall: each record is committed once, in order, and none is forgotten.

Against a Kafka that is faked here: a log a partition, a group of one, pauses, seeks, records that come in any portions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.blocks import TP, Block, Source

TOPIC = "t"
MOST = 5  # records a block: small, so that the backlog is met


@dataclass(frozen=True)
class Record:
    partition_number: int
    at: int

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self.partition_number

    def offset(self) -> int:
        return self.at

    def error(self) -> None:
        return None

    def headers(self) -> None:
        return None


@dataclass
class Fake:
    """Kafka, its consumer, and the script of how much it hands out."""

    logs: list[list[int]]  # offsets that exist, with gaps, as transactions leave them
    portions: list[int]
    position: dict[int, int] = field(default_factory=dict)
    paused: set[int] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)
    assigned: bool = False
    on_assign: Callable[..., None] | None = None
    on_revoke: Callable[..., None] | None = None

    def partitions(self, _: object) -> dict[str, int]:
        return {TOPIC: len(self.logs)}

    def consumer(self, _: object) -> Fake:
        return self

    def subscribe(self, _: object, on_assign: Any, on_revoke: Any, on_lost: Any) -> None:
        self.on_assign, self.on_revoke = on_assign, on_revoke

    def get_watermark_offsets(self, tp: Any, _: float) -> tuple[int, int]:
        log = self.logs[tp.partition]
        return (log[0], log[-1] + 1) if log else (0, 0)

    def consumer_group_metadata(self) -> str:
        return "member"

    def assign(self, tps: Any) -> None:
        self.position = {tp.partition: tp.offset for tp in tps}
        self.paused.clear()

    def unassign(self) -> None:
        self.position = {}

    def pause(self, tps: Any) -> None:
        self.paused |= {tp.partition for tp in tps}

    def resume(self, tps: Any) -> None:
        self.paused -= {tp.partition for tp in tps}

    def seek(self, tp: Any) -> None:
        self.position[tp.partition] = tp.offset

    def rebalance(self) -> None:
        assert self.on_assign is not None
        assert self.on_revoke is not None
        if self.assigned:
            self.on_revoke(self, [])
        self.assigned = True

        @dataclass
        class Part:
            topic: str
            partition: int

        self.on_assign(self, [Part(TOPIC, n) for n in range(len(self.logs))])

    def poll(self, timeout: float) -> Record | None:
        self.waits.append(timeout)
        if not self.assigned:
            self.rebalance()
        got = self.consume(1, 0)
        return got[0] if got else None

    def consume(self, count: int, _: float) -> list[Record]:
        count = min(count, self.portions.pop() if self.portions else count)
        got: list[Record] = []
        for n, log in enumerate(self.logs):
            if n in self.paused:
                continue
            for at in log:
                if at >= self.position.get(n, 1 << 62) and len(got) < count:
                    got.append(Record(n, at))
                    self.position[n] = at + 1
        return got


def source(fake: Any, committed: dict[TP, int]) -> Source:
    return Source(
        fake, group="g", topics=[TOPIC], slot="w", offsets_for=lambda tps: dict(committed), max_records=MOST
    )


def logs() -> st.SearchStrategy[list[list[int]]]:
    one = st.sets(st.integers(0, 60), max_size=25).map(sorted)
    return st.lists(one, min_size=1, max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.data(), logs(), st.lists(st.integers(0, 8), max_size=60))
def test_every_record_is_committed_once_and_in_order(
    data: st.DataObject, log: list[list[int]], portions: list[int]
) -> None:
    fake, committed, kept = Fake(log, portions), dict[TP, int](), dict[int, list[int]]()
    src = source(fake, committed)

    def turn(block: Block) -> None:
        upto = data.draw(st.integers(0, len(block.records)))
        block.defer(upto, again=data.draw(st.booleans()))

    for _ in range(data.draw(st.integers(0, 25))):
        blocks = src.poll(0.1)
        if not blocks:
            continue
        assert all(len(b.records) <= MOST for b in blocks)
        for block in blocks:
            turn(block)
        what = data.draw(st.sampled_from(["commit", "commit", "commit", "undo", "rebalance"]))
        if what == "undo":
            src.rewind()
            continue
        for block in blocks:
            kept.setdefault(block.partition, []).extend(m.offset() for m in block.records[: block.end])
            if block.end:
                committed[TOPIC, block.partition] = block.next_offset
        src.settle(blocks)
        if what == "rebalance":
            fake.rebalance()
    for _ in range(200):  # and in the end all of it comes
        blocks = src.poll(0.1)
        for block in blocks:
            kept.setdefault(block.partition, []).extend(m.offset() for m in block.records)
        src.settle(blocks)
    assert kept == {n: offsets for n, offsets in enumerate(log) if offsets}


def test_records_that_wait_do_not_spin_and_those_that_ask_come_at_once() -> None:
    fake = Fake([[0, 1, 2]], [])
    src = source(fake, {})
    src.settle(src.poll(9.0) or [])
    fake.rebalance()
    for again, wait in ((False, 9.0), (True, 0)):
        blocks = src.poll(9.0)
        blocks[0].defer(0, again=again)
        src.settle(blocks)
        blocks = src.poll(9.0)
        assert fake.waits[-1] == wait
        src.settle(blocks)
        fake.rebalance()


def test_a_source_stops_taking_records_of_a_partition_whose_backlog_is_full() -> None:
    fake = Fake([list(range(100)), [0]], [])
    src = source(fake, {})
    for _ in range(30):
        blocks = src.poll(0.1)
        for block in blocks:
            block.defer(0)
        src.settle(blocks)
    assert fake.position[0] <= 3 * MOST
    assert fake.position[1] == 1, "the other partition is not held up"


def test_blocks_that_were_neither_settled_nor_rewound_are_not_forgotten_in_silence() -> None:
    src = source(Fake([[0]], []), {})
    assert src.poll(0.1)
    with pytest.raises(RuntimeError, match="settled"):
        src.poll(0.1)


def test_records_of_partitions_that_are_not_ours_any_more_are_dropped() -> None:
    fake = Fake([[0, 1], [0]], [])
    src = source(fake, {})
    src.settle(src.poll(0.1))
    assert fake.on_revoke is not None
    fake.on_revoke(fake, [])
    fake.position = {0: 0, 1: 0}
    assert src.poll(0.1) == []


def test_records_that_kafka_hands_out_once_more_are_not_taken_again() -> None:
    fake = Fake([[0, 1, 3]], [])
    src = source(fake, {})
    src.settle(src.poll(0.1))
    fake.position = {0: 0}
    assert src.poll(0.1) == []

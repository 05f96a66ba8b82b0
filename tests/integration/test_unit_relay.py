"""The unit without states against a real Kafka: any partition counts, one transaction, and ending what the dead left."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest

from streams.blocks import Block, Kafka
from streams.errors import Refused
from streams.slot import WHO
from streams.units import RelayUnit
from tests.faults import demo, kit
from tests.integration.test_unit_states import Unending


class Run:
    """One run of the demo's relay, on topics of its own."""

    def __init__(self, servers: str, name: str) -> None:
        self.servers, self.name, self.names = servers, name, demo.names(name)
        kit.make_topics(servers, {self.names[k]: n for k, n in demo.partitions().items()})
        self.sent = 0

    def unit(self, slot: str, **more: Any) -> RelayUnit:
        return demo.relay_unit(Kafka(self.servers), self.name, slot, **more)

    def send(self, count: int) -> None:
        kit.send(
            self.servers,
            [(self.names["one" if i % 3 else "two"], b"k%d" % (i % 50), b"%d" % i) for i in range(count)],
        )
        self.sent += count

    def apply(self, block: Block) -> None:
        demo.relay(block, self.names["journal"])

    def drained(self) -> bool:
        return not kit.unread(self.servers, f"{self.name}.relay", [self.names[s] for s in demo.SOURCES])

    def check(self) -> None:
        """Each source record is journalled once, and those of one source partition keep their order a key."""
        origins = Counter[bytes]()
        last: dict[tuple[bytes, bytes], int] = {}
        for m in kit.read(self.servers, self.names["journal"]):
            origin = dict(m.headers())["origin"]
            origins[origin] += 1
            topic, _, offset = origin.rpartition(b"/")
            assert last.get((topic, m.key()), -1) < int(offset)
            last[topic, m.key()] = int(offset)
        assert len(origins) == self.sent
        assert set(origins.values()) == {1}


@pytest.fixture
def run(kafka: str, namespace: str) -> Run:
    return Run(kafka, namespace)


def test_topics_of_any_partition_counts_are_copied_once_each(run: Run) -> None:
    run.send(1000)
    unit = run.unit("a")
    kit.drive(unit, run.apply, run.drained)
    assert len(unit.source.owned) == sum(demo.SOURCES.values())
    unit.close()
    run.check()


def test_a_topic_that_grows_while_the_worker_runs_is_read_whole(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.blocks.REFRESH_MS", 500)
    run.send(300)
    unit = run.unit("a")
    kit.drive(unit, run.apply, run.drained)
    kit.grow(run.servers, run.names["one"], 7)
    run.send(300)
    kit.drive(unit, run.apply, lambda: len(unit.source.owned) == 7 + 5 and run.drained())
    assert unit.source.inputs == unit.source.owned
    unit.close()
    run.check()


def test_a_copy_can_be_sent_to_a_partition_that_is_told(run: Run) -> None:
    run.send(100)
    unit = run.unit("a")

    def apply(block: Block) -> None:
        for m in block.records:
            origin = [("origin", f"{block.topic}/{block.partition}/{m.offset()}")]
            block.outputs.append((run.names["journal"], m.key(), m.value(), origin, block.partition % 4))

    kit.drive(unit, apply, run.drained)
    unit.close()
    for m in kit.read(run.servers, run.names["journal"]):
        assert m.partition() == int(dict(m.headers())["origin"].split(b"/")[1]) % 4


def test_a_block_that_is_not_applied_leaves_nothing_and_holds_up_nobody_else(run: Run) -> None:
    run.send(400)
    unit, failures = run.unit("a"), 2

    def apply(block: Block) -> None:
        nonlocal failures
        run.apply(block)
        if block.topic == run.names["one"] and failures:
            failures -= 1
            raise ValueError("after all was written")

    kit.drive(unit, apply, run.drained)
    unit.close()
    run.check()


def test_headers_with_a_name_that_is_not_utf_8_stop_nobody(run: Run) -> None:
    kit.send_foreign(run.servers, run.names["one"], 2)
    run.sent += 2
    unit, looked = run.unit("a"), 0

    def apply(block: Block) -> None:
        nonlocal looked
        looked += sum(m.headers() == [] for m in block.records for _ in range(2))
        run.apply(block)

    kit.drive(unit, apply, run.drained)
    unit.close()
    assert looked == 4
    run.check()


def first_blocks(unit: RelayUnit) -> list[Block]:
    while not (blocks := unit.poll(0.1)):
        pass
    return blocks


class Early(Unending):
    """A producer that dies before its offsets are pending: nothing but its marker tells of it."""

    def send_offsets_to_transaction(self, *_: Any) -> None:
        raise Unending.Died


@pytest.mark.parametrize("death", [Unending, Early])
def test_what_a_dead_worker_left_open_is_ended_long_before_its_timeout(
    run: Run, death: type[Unending]
) -> None:
    run.send(300)
    dead = run.unit("dead", transaction_ms=300_000)
    blocks = first_blocks(dead)
    for block in blocks:
        with block:
            run.apply(block)
    dead.slot._producer = death(dead.slot._producer)
    with pytest.raises(Unending.Died):
        dead.commit(blocks)
    dead.close()  # the member is gone, as by the end of its session; its transaction is not
    heir = run.unit("heir")
    began = time.monotonic()
    kit.drive(heir, run.apply, run.drained)
    took = time.monotonic() - began
    assert heir.stats()["fenced"] == 1
    heir.close()
    run.check()  # reads committed, and would wait as well
    assert took < 60, "far from the transaction's timeout of 300 s"


def test_a_living_worker_is_not_ended_by_another_however_long_it_takes(run: Run) -> None:
    run.send(300)
    slow, other = run.unit("slow"), run.unit("other")
    blocks = first_blocks(slow)
    producer = slow.slot._producer
    producer.begin_transaction()
    producer.produce(run.names["marker"], slow.slot.name.encode(), WHO, 0)
    producer.flush(30)
    other.slot.end_dead(other.source, [(run.names["marker"], 0)])
    assert other.stats()["fenced"] == 0
    producer.abort_transaction(10)
    for block in blocks:
        with block:
            run.apply(block)
    assert slow.commit(blocks)
    other.close()
    kit.drive(slow, run.apply, run.drained)
    slow.close()
    run.check()


def test_a_record_that_waits_lets_the_others_pass(run: Run) -> None:
    run.send(300)
    unit, waiting = run.unit("a"), 5

    def apply(block: Block) -> None:
        nonlocal waiting
        if waiting and block.topic == run.names["two"]:
            waiting -= block.partition == 0
            block.defer(0)
        else:
            run.apply(block)

    kit.drive(unit, apply, run.drained)
    assert waiting == 0
    unit.close()
    run.check()


def test_a_missing_marker_is_refused(kafka: str, namespace: str) -> None:
    names = demo.names(namespace)
    kit.make_topics(kafka, {names[k]: n for k, n in demo.partitions().items() if k != "marker"})
    with pytest.raises(Refused, match=r"no topic .*marker"):
        demo.relay_unit(Kafka(kafka), namespace, "a")

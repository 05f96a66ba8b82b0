"""What a commit of the units writes, what it leaves undone, and which states a new assignment takes for good. No Kafka."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest

from streams import units
from streams.blocks import TP, Block
from streams.errors import Fatal
from streams.partition import Partition
from streams.slot import WHO
from streams.units import RelayUnit, StatefulUnit

Sent = tuple[str, bytes | None, bytes | None, int, Any]  # topic, value, key, partition, headers


class Message:
    def __init__(
        self, partition: int, offset: int, key: bytes | None = None, value: bytes | None = None
    ) -> None:
        self.number, self.at, self.named, self.held = partition, offset, key, value

    def partition(self) -> int:
        return self.number

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return self.named

    def value(self) -> bytes | None:
        return self.held

    def error(self) -> ck.KafkaError | None:
        return None if self.named else ck.KafkaError(ck.KafkaError._PARTITION_EOF)


class Broker:
    """Slot, source and clients of a unit in one: what is committed, and what a transaction would have written."""

    def __init__(self) -> None:
        self.slot, self.source, self.name, self.member, self.group = self, self, "slot", "member", "group"
        self.answers: list[bool] = []  # of the next commits; True when there is none left
        self.commits: list[tuple[list[Sent], dict[TP, int]]] = []
        self.stable: dict[TP, tuple[int, str]] = {}
        self.states: list[Message] = []  # of the changelog
        self.undone: list[list[Block]] = []
        self.settled: list[list[Block]] = []
        self.inputs: frozenset[TP] = frozenset()

    # As a cluster and its consumers.

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 2)

    def consumer(self, _own: Mapping[str, object]) -> Broker:
        return self

    def get_watermark_offsets(self, *_: Any) -> tuple[int, int]:
        return 0, 0

    def assign(self, _parts: list[ck.TopicPartition]) -> None:
        pass

    unassign = check_stop = lambda *_: None

    def poll(self, _timeout: float) -> Message:
        return self.states.pop(0)

    def consume(self, *_: Any) -> list[Message]:
        return []

    # As a source.

    def retry(self, _what: str, call: Callable[..., Any], *args: Any) -> Any:
        return call(*args)

    def watermarks(self, topic: str, number: int) -> tuple[int, int]:
        if topic == "journal":
            return 3, 100
        return 0, 1 + max((m.at for m in self.states if m.number == number and m.named), default=-1)

    def settle(self, blocks: list[Block]) -> None:
        self.settled.append(blocks)

    # As a slot, and as what holds both.

    def token(self) -> str:
        return f"token {len(self.commits)}"

    def committed(self, *_: Any) -> dict[TP, tuple[int, str]]:
        return self.stable

    def commit(
        self,
        write: Callable[[Callable[..., None]], None],
        offsets: Mapping[TP, int],
        _member: Any,
        token: str = "",
    ) -> bool:
        sent: list[Sent] = []

        def produce(
            topic: str, value: bytes | None, key: bytes | None, partition: int = -1, headers: Any = None
        ) -> None:
            sent.append((topic, value, key, partition, headers))

        write(produce)
        self.commits.append((sent, dict(offsets)))
        done = self.answers.pop(0) if self.answers else True
        if done:
            self.stable |= {tp: (offset, token) for tp, offset in offsets.items()}
        return done

    def undo(self, blocks: list[Block]) -> None:
        self.undone.append(blocks)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    made = Broker()
    monkeypatch.setattr(units, "_Seat", lambda *_: made)
    return made


def stateful(broker: Any, **more: Any) -> StatefulUnit:
    return StatefulUnit(
        broker,
        slot="slot",
        group="group",
        topics=["journal"],
        changelog="states",
        load=lambda _, pieces: dict(pieces),
        dump=lambda state: state,
        **more,
    )


def block(
    unit: StatefulUnit, partition: int, *offsets: int, account: str = "", applied: bool = True
) -> Block:
    """Records of which each adds its offset to the account's state, where one is named."""
    made = Block("journal", partition, [SimpleNamespace(offset=lambda at=at: at) for at in offsets])
    part: Partition = unit.partitions[partition]
    made.states, made.applied = part, applied
    if account:
        part.put(account, {**(part.get(account) or {}), "sum": b"%d" % sum(offsets)})
        part.outputs.append(("alerts", account.encode(), b"told", None))
    return made


def assigned(unit: StatefulUnit, *partitions: int) -> dict[TP, int]:
    return unit._offsets_for([("journal", number) for number in partitions])


def test_a_commit_writes_who_then_what_is_told_then_what_changed_and_where_it_goes_on(broker: Broker) -> None:
    unit = stateful(broker)
    assert assigned(unit, 0, 1) == {("journal", 0): 3, ("journal", 1): 3}
    assert unit.commit(blocks := [block(unit, 0, 3, 4, account="A"), block(unit, 1, 3)])
    assert broker.commits == [
        (
            [
                ("states", b"slot", WHO, 0, [("journal", "5")]),
                ("states", b"slot", WHO, 1, [("journal", "4")]),
                ("alerts", b"told", b"A", -1, None),
                ("states", b"7", b"A\0sum", 0, None),
            ],
            {("journal", 0): 5, ("journal", 1): 4},
        )
    ]
    assert (broker.settled, broker.undone, [b.committed for b in blocks]) == ([blocks], [], [True, True])
    assert unit.commit([block(unit, 0, 5)])
    assert broker.commits[1][0] == [("states", b"slot", WHO, 0, [("journal", "6")])], "nothing is told again"


def test_a_slice_of_a_record_commits_its_states_under_the_offset_of_before(broker: Broker) -> None:
    unit = stateful(broker)
    assigned(unit, 0, 1)
    part = block(unit, 0, 3, account="A")
    part.defer(0, again=True)
    waits = block(unit, 1, 3)
    waits.defer(0)
    assert unit.commit([part, waits])
    ((sent, offsets),) = broker.commits
    assert sent[0] == ("states", b"slot", WHO, 0, [("journal", "3"), ("begun", "")])
    assert offsets == {("journal", 0): 3}, "what waits, and moved nothing, commits nothing"
    assert unit.partitions[0].positions == {"journal": (3, "token 0")}


def test_states_are_taken_for_good_where_nobody_committed_since_and_nowhere_else(broker: Broker) -> None:
    unit = stateful(broker)
    assigned(unit, 0, 1)
    assert unit.commit([block(unit, 0, 3, account="A"), block(unit, 1, 3, account="B")])
    kept, other = unit.partitions[0], unit.partitions[1]
    broker.stable["journal", 1] = 4, "of another, at the same offset"
    assigned(unit, 0, 1)
    assert unit.partitions[0] is kept
    assert unit.partitions[1] is not other
    assert (unit.warm, unit.restored) == (1, 3)


def test_what_a_commit_in_doubt_was_to_write_is_no_state(broker: Broker) -> None:
    unit = stateful(broker)
    assigned(unit, 0, 1)
    broker.answers = [False]
    blocks = [block(unit, 0, 3, account="A"), block(unit, 1, 3)]
    assert not unit.commit(blocks)
    assert (broker.settled, broker.undone, [b.committed for b in blocks]) == ([], [blocks], [False, False])
    before = dict(unit.partitions)
    assigned(unit, 0, 1)
    assert all(unit.partitions[n] is not before[n] for n in (0, 1))
    assert unit.partitions[0].get("A") is None


def test_a_block_that_was_not_applied_undoes_its_partition_alone(broker: Broker) -> None:
    unit = stateful(broker)
    assigned(unit, 0, 1)
    blocks = [block(unit, 0, 3, account="A", applied=False), block(unit, 1, 3, account="B")]
    assert not unit.commit(blocks)
    assert broker.commits[0][1] == {("journal", 1): 4}
    assert (broker.undone, [b.committed for b in blocks]) == ([blocks], [False, True])
    undone, good = unit.partitions[0], unit.partitions[1]
    undone.changed.clear()  # what a block changed and did not say
    assigned(unit, 0, 1)
    assert unit.partitions[0] is not undone
    assert unit.partitions[1] is good


def test_partitions_of_others_are_forgotten_and_their_loads_are_not(broker: Broker) -> None:
    unit = stateful(broker)
    broker.stats = dict  # type: ignore[attr-defined]
    assigned(unit, 0, 1)
    unit.partitions[1].loads = 5
    assigned(unit, 0)
    assert unit.partitions.keys() == {0}
    assert unit.stats()["state_loads"] == 5


def test_states_are_read_to_the_end_of_what_is_decided(broker: Broker) -> None:
    told: list[int] = []
    unit = stateful(broker, on_restored=lambda part: told.append(part.held()), memory=80_000_000)
    broker.stable = {("journal", 0): (9, "t"), ("journal", 1): (9, "t")}
    end = [Message(0, 1), Message(0, 3)]  # the first is of an open transaction
    broker.states = [
        Message(0, 0, b"A\0sum", b"1"),
        end[0],
        Message(0, 1, WHO, b"slot"),
        Message(0, 2, b"A\0sum", b"2"),
        end[1],
    ]
    assigned(unit, 0, 1)
    assert unit.partitions[0].get("A") == {"sum": b"2"}
    assert told == [1, 0]
    assert all((part.most or 0) > 1_000_000 for part in unit.partitions.values()), "from the first block on"
    assert broker.states == []


def test_states_without_an_offset_that_they_belong_to_end_the_worker(broker: Broker) -> None:
    broker.states = [Message(0, 0, b"A\0sum", b"1"), Message(0, 1)]
    with pytest.raises(Fatal, match="restore-offsets"):
        assigned(stateful(broker), 0)


def test_a_copy_commits_what_was_applied_and_says_first_whose_it_is(broker: Broker) -> None:
    relay: Any = broker
    unit = RelayUnit(relay, slot="slot", group="group", topics=["in"], marker="marker")
    blocks = [Block("in", n, [SimpleNamespace(offset=lambda: 7)]) for n in range(4)]
    for made in blocks:
        made.outputs = [("journal", b"k", b"%d" % made.partition, [], 1)]
        made.applied = made.partition != 1
    blocks[2].defer(0)  # its first policy was copied, and is read again
    blocks[3].defer(0)
    blocks[3].outputs = []
    assert not unit.commit(blocks)
    assert broker.commits == [
        (
            [
                ("marker", b"slot", WHO, 0, None),
                ("journal", b"0", b"k", 1, []),
                ("journal", b"2", b"k", 1, []),
            ],
            {("in", 0): 8, ("in", 2): 7},
        )
    ]
    assert [b.committed for b in blocks] == [True, False, True, True]
    assert (broker.undone, broker.settled) == ([blocks], [])
    assert unit.commit(blocks[3:]), "nothing to write"
    assert (len(broker.commits), broker.settled) == (1, [blocks[3:]])

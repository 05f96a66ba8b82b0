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
        self,
        partition: int,
        offset: int,
        key: bytes | None = None,
        value: bytes | None = None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        self.number, self.at, self.named, self.held, self.beside = partition, offset, key, value, headers

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self.beside

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
        self.states: list[Message] = []  # the changelog, and ends of what is decided there
        self.unread: list[Message] = []  # of it, by whoever restores
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

    def assign(self, parts: list[ck.TopicPartition]) -> None:
        numbers = [part.partition for part in parts]
        self.unread = [m for m in self.states if m.number in numbers] + [Message(n, 99) for n in numbers]

    unassign = check_stop = lambda *_: None

    def poll(self, _timeout: float) -> Message:
        return self.unread.pop(0)

    def consume(self, *_: Any) -> list[Message]:
        return []

    # As a source.

    def retry(self, _what: str, call: Callable[..., Any], *args: Any) -> Any:
        return call(*args)

    def watermarks(self, topic: str, number: int) -> tuple[int, int]:
        if topic == "journal":
            return 3, 100
        return 0, self.end(number)

    def end(self, number: int) -> int:
        return 1 + max((m.at for m in self.states if m.number == number and m.named), default=-1)

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
            for topic, value, key, number, headers in sent:
                if topic == "states":
                    said = [(name, text.encode()) for name, text in headers or ()]
                    self.states.append(Message(number, self.end(number), key, value, said))
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
    broker.states = [
        Message(0, 0, b"A\0sum", b"1"),
        Message(0, 1),  # of what is decided: a transaction is open behind it
        Message(0, 1, WHO, b"slot", [("journal", b"9")]),
        Message(0, 2, b"A\0sum", b"2"),
        Message(1, 0, WHO, b"slot", [("journal", b"9")]),
    ]
    assigned(unit, 0, 1)
    assert unit.partitions[0].get("A") == {"sum": b"2"}
    assert told == [1, 0]
    assert all((part.most or 0) > 1_000_000 for part in unit.partitions.values()), "from the first block on"
    assert broker.unread == []


def test_states_without_an_offset_that_they_belong_to_end_the_worker(broker: Broker) -> None:
    broker.states = [Message(0, 0, b"A\0sum", b"1")]
    with pytest.raises(Fatal, match=r"group group has no offsets any more.*restore-offsets"):
        assigned(stateful(broker), 0)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([[("journal", b"8")], [("journal", b"12")]],
         r"group group stands at offset 9 of journal/1, and the states in states/1 were committed at 12: .*"
         r"would be folded twice.*`bellwether restore-offsets` puts it back"),
        ([[("journal", b"12")], [("journal", b"4"), ("begun", b"")]],
         r"committed at 4: .* would be left out"),
        ([], r"stands at offset 9 of journal/1, and of the states in states/1 .* nothing is left: .*rebuild --into"),
    ],
)  # fmt: skip
def test_an_offset_that_is_not_that_of_the_states_ends_the_worker(
    broker: Broker, states: list[list[tuple[str, bytes]]], said: str
) -> None:
    broker.stable = {("journal", 0): (9, "t"), ("journal", 1): (9, "t")}
    broker.states = [Message(0, 0, WHO, b"slot", [("journal", b"9")])]
    broker.states += [Message(1, at, WHO, b"slot", headers) for at, headers in enumerate(states)]
    unit = stateful(broker)
    assert assigned(unit, 0) == {("journal", 0): 9}
    with pytest.raises(Fatal, match=said):
        assigned(unit, 0, 1)


@pytest.mark.parametrize("headers", [None, [], [("begun", b"")], [("another", b"5")]])
def test_states_of_a_version_that_did_not_say_their_offset_are_taken_as_they_are(
    broker: Broker, headers: list[tuple[str, bytes]] | None
) -> None:
    broker.stable = {("journal", 0): (9, "t")}
    broker.states = [Message(0, 0, WHO, b"slot", headers), Message(0, 1, b"A\0sum", b"1")]
    assert assigned(stateful(broker), 0) == {("journal", 0): 9}


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

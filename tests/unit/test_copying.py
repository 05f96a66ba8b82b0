"""What a rebuild copies of a journal, into which partition and in which order, without a broker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.ids import derived, namespace_id
from schemas.topics import SOURCES, TOPICS
from streams import copying, topics_admin
from streams.copying import carry_unread, copied_into, copy_journal, lacking
from streams.errors import Refused
from streams.murmur2 import partition_of
from streams.reading import COPIED, is_control, origin
from streams.settings import Settings
from streams.topics_admin import grown

OLD, NEW = (Settings(_env_file=None, namespace=name) for name in ("old", "new"))
FROM, INTO = (settings.prefixed(TOPICS["journal"].name) for settings in (OLD, NEW))
LIVE, HISTORY, CONTROL = (
    ("origin-topic", b"old.credit.%s.v1" % each) for each in (b"invoices", b"history", b"control")
)


@dataclass(frozen=True)
class Record:
    """A record of a journal at `at`; without an origin it is somebody else's."""

    at: int
    key_: bytes | None
    value_: bytes | None
    headers_: tuple[tuple[str, bytes], ...] = ()
    time: int = 0

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return self.key_

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> list[tuple[str, bytes]]:
        return list(self.headers_)

    def timestamp(self) -> tuple[int, int]:
        return 1, self.time


class Cluster:
    """Two journals. `room`: how many records Kafka takes before a copy dies."""

    def __init__(self, old: list[list[Record]], partitions: int) -> None:
        self.topics: dict[str, list[list[Record]]] = {FROM: old, INTO: [[] for _ in range(partitions)]}
        self.room = 1_000_000

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return {topic: len(self.topics[topic]) for topic in topics}

    def read(
        self, _kafka: Any, topic: str, number: int, since: int = 0, whole: bool = False
    ) -> Iterator[Record]:
        assert whole or topic == INTO or not since
        yield from [record for record in self.topics[topic][number] if record.at >= since]

    def bounds(
        self, _kafka: Any, topic: str, numbers: Iterable[int], _level: str = ""
    ) -> list[tuple[int, int]]:
        return [
            (0, self.topics[topic][number][-1].at + 1 if self.topics[topic][number] else 0)
            for number in numbers
        ]

    def headed(self, _kafka: Any, topic: str, _count: int) -> dict[int, bool]:
        told = {n: [record for record in each if origin(record)] for n, each in enumerate(self.topics[topic])}
        return {number: is_control(records[0]) for number, records in told.items() if records}

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        number: int,
        headers: list[tuple[str, bytes]],
    ) -> None:
        if not self.room:
            raise Refused("Kafka is gone")
        self.room -= 1
        if number < 0:  # as the producer does
            number = partition_of(key or b"", len(self.topics[topic]))
        there = self.topics[topic][number]
        there.append(Record(2 * len(there), key, value, tuple(headers)))

    def copy(self) -> tuple[int, int]:
        sent, already = self.done(copy_journal, lambda *_: None)
        return sent, already

    def done(self, doing: Any, *arguments: Any) -> Any:
        @contextmanager
        def sender(*_: Any) -> Iterator[Any]:
            yield SimpleNamespace(send=self.send)

        with pytest.MonkeyPatch.context() as patched:
            self.stand_in(patched)
            patched.setattr(copying, "copying", sender)
            return doing(self, OLD, NEW, *arguments)

    def stand_in(self, patched: pytest.MonkeyPatch) -> None:
        patched.setattr(copying, "read_topic", self.read)
        for module in (copying, topics_admin):
            patched.setattr(module, "bounds", self.bounds)
            patched.setattr(module, "headed", self.headed)

    def asked(self, question: Any, *arguments: Any) -> Any:
        with pytest.MonkeyPatch.context() as patched:
            self.stand_in(patched)
            answer = question(self, *arguments)
            return list(answer) if question is lacking else answer

    def into(self) -> list[list[bytes | None]]:
        """The values in each partition over there, in their order."""
        return [[record.value_ for record in records] for records in self.topics[INTO]]


def journal(*told: str, times: tuple[int, ...] = ()) -> list[Record]:
    """A partition: `T1` is a tick or a policy, `A:1` a record of account A. Offsets have the gaps that commits leave."""
    out = []
    for index, each in enumerate(told):
        account, _, _ = each.partition(":")
        mine = (account.encode(), LIVE) if ":" in each else (b"", CONTROL)
        out.append(Record(3 * index, mine[0], each.encode(), (mine[1],), (times or range(100))[index]))
    return out


def home(account: bytes, partitions: int) -> int:
    return partition_of(account, partitions)


def test_as_many_partitions_are_copied_as_they_are_and_behind_what_was_copied() -> None:
    foreign = Record(9, None, b"whose?", (("traceparent", b"old.credit.history.v1"),))
    cluster = Cluster([journal("T0", "A:1", "T1"), [*journal("T0", "B:1", "T1"), foreign]], 2)
    cluster.room = 4
    with pytest.raises(Refused, match="Kafka is gone"):
        cluster.copy()
    cluster.room = 100
    assert cluster.copy() == (3, 4)
    assert cluster.into() == [[b"T0", b"A:1", b"T1"], [b"T0", b"B:1", b"T1", b"whose?"]]
    assert cluster.copy() == (0, 7)
    assert cluster.asked(lacking, OLD, NEW) == []
    cluster.topics[FROM][1].append(Record(12, b"B", b"B:2", (LIVE,)))
    assert [
        (record.value_, number, target) for record, number, target in cluster.asked(lacking, OLD, NEW)
    ] == [(b"B:2", 1, 1)]


def test_what_came_by_the_old_history_came_by_the_new_one_after_a_copy() -> None:
    backfilled = (HISTORY, ("origin-offset", b"7"))
    foreign = (("origin-topic", b"x"), ("traceparent", b"old.credit.history.v1"))
    cluster = Cluster(
        [[*journal("T0"), Record(5, b"C1", b"2", backfilled), Record(6, b"C1", None, foreign)]], 1
    )
    cluster.copy()
    assert [record.headers() for record in cluster.topics[INTO][0][1:]] == [
        [("origin-topic", b"new.credit.history.v1"), ("origin-offset", b"7"), (COPIED, b"0/5")],
        [*foreign, (COPIED, b"0/6")],
    ]


@pytest.mark.parametrize("places", [["0/0", "0/0"], ["0/0", "0/2", "0/1"], ["0/0", "1/4", "0/3", "1/4"]])
def test_a_journal_into_which_two_rebuilds_copied_at_once_is_refused(places: list[str]) -> None:
    cluster = Cluster([journal("T0")], 1)
    cluster.topics[INTO][0] = [
        Record(at, b"A", b"", ((COPIED, place.encode()),)) for at, place in enumerate(places)
    ]
    with pytest.raises(Refused, match="holds a record twice"):
        cluster.asked(copied_into, INTO, 0)


def test_a_namespace_with_records_of_its_own_is_refused() -> None:
    cluster = Cluster([journal("T0")], 2)
    cluster.topics[INTO][1] = journal("T0")
    with pytest.raises(Refused, match=r"new\.credit\.journal\.v1/1 holds records of its own"):
        cluster.copy()


def test_how_far_each_partition_was_copied() -> None:
    cluster = Cluster([journal("T0")], 1)
    assert cluster.asked(copied_into, INTO, 0) == ({}, 0)
    cluster.topics[INTO][0] = [
        Record(0, b"", b"", ((COPIED, b"0/7"),)),
        Record(1, b"", b"", ((COPIED, b"2/1"),)),
    ]
    assert cluster.asked(copied_into, INTO, 0) == ({0: 7, 2: 1}, 2)


# --- Over other partitions ------------------------------------------------------------------------------------------

ACCOUNTS = [f"C{number}" for number in range(12)]


@st.composite
def journals(draw: st.DrawFn) -> list[list[Record]]:
    """As intake makes them: each control record in all partitions, in one order; an account in its own partition."""
    count, ticks = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    said: list[list[str]] = [[] for _ in range(count)]
    told: dict[str, int] = defaultdict(int)
    for tick in range(ticks):
        for each in said:
            each.append(f"T{tick}")
        for account in draw(st.lists(st.sampled_from(ACCOUNTS), max_size=8)):
            told[account] += 1
            said[home(account.encode(), count)].append(f"{account}:{tick}.{told[account]}")
    times = draw(
        st.permutations(range(100))
    )  # clocks go as they like: the order is that of ticks and of partitions
    return [journal(*each, times=tuple(times)) for each in said]


def days(values: list[bytes | None]) -> dict[str, list[str]]:
    """What each account has, in its order, and how many ticks before each."""
    out: dict[str, list[str]] = defaultdict(list)
    ticks = 0
    for value in values:
        text = (value or b"").decode()
        ticks += ":" not in text
        if ":" in text:
            out[text.partition(":")[0]].append(f"{text} behind {ticks}")
    return out


@given(journals(), st.integers(1, 5), st.lists(st.integers(0, 30), max_size=3))
def test_dealt_out_over_other_partitions_every_account_has_what_it_had_between_the_same_ticks(
    old: list[list[Record]], partitions: int, deaths: list[int]
) -> None:
    cluster = Cluster(old, partitions)
    for room in deaths:
        cluster.room = room
        try:
            cluster.copy()
        except Refused as why:
            assert "Kafka is gone" in str(why)  # noqa: PT017
    cluster.room = 1000
    sent, already = cluster.copy()
    controls = [record.value_ for record in old[0] if not record.key_]
    assert sent + already == sum(map(len, cluster.into()))
    before = {account: told for each in old for account, told in days([r.value_ for r in each]).items()}
    after: dict[str, list[str]] = {}
    for number, values in enumerate(cluster.into()):
        assert [value for value in values if b":" not in (value or b":")] == controls, (
            "each tick and policy, once"
        )
        for account, told in days(values).items():
            assert home(account.encode(), partitions) == number
            assert account not in after
            after[account] = told
    assert after == before
    assert cluster.copy() == (0, sent + already)


@given(journals(), st.integers(2, 5), st.data())
def test_a_copy_goes_on_when_the_journal_has_grown_meanwhile(
    old: list[list[Record]], partitions: int, data: st.DataObject
) -> None:
    kept = [data.draw(st.integers(1, len(each))) for each in old]
    cluster = Cluster([each[:until] for each, until in zip(old, kept, strict=True)], partitions)
    try:
        cluster.copy()
    except Refused as why:
        assert "that old.credit.journal.v1/" in str(why)  # noqa: PT017
    cluster.topics[FROM] = old
    cluster.copy()
    after = {account: told for values in cluster.into() for account, told in days(values).items()}
    assert after == {
        account: told for each in old for account, told in days([r.value_ for r in each]).items()
    }


def test_partitions_that_came_later_are_read_by_their_time() -> None:
    """What a producer sent there while intake still knew of one partition alone."""
    first = journal("T0", "A:1", "T1", "A:3", "T2", times=(0, 10, 20, 30, 40))
    later = journal("A:2", "A:4", "B:1", times=(15, 35, 50))
    cluster = Cluster([first, later], 1)
    assert cluster.asked(grown, FROM, 2)
    cluster.copy()
    assert cluster.into() == [[b"T0", b"A:1", b"A:2", b"T1", b"A:3", b"A:4", b"T2", b"B:1"]]
    alike = Cluster([first, later], 2)
    alike.copy()
    (told,) = (days(values)["A"] for values in alike.into() if "A" in days(values))
    assert told == ["A:1 behind 1", "A:2 behind 1", "A:3 behind 2", "A:4 behind 2"]
    empty = Cluster([first, []], 2)
    assert empty.asked(grown, FROM, 2)
    empty.copy()
    assert [[v for v in values if b":" not in (v or b":")] for values in empty.into()] == [
        [b"T0", b"T1", b"T2"]
    ] * 2


def test_a_journal_that_every_partition_of_begins_with_the_policy_has_not_grown() -> None:
    foreign = Record(0, b"x", b"whose?")
    behind = [
        Record(record.at + 1, *(record.key_, record.value_, record.headers_)) for record in journal("T0")
    ]
    assert not Cluster([journal("T0"), [foreign, *behind]], 1).asked(grown, FROM, 2)
    assert not Cluster([[], []], 1).asked(grown, FROM, 2)


def test_what_somebody_else_wrote_is_copied_too() -> None:
    foreign = [Record(100, None, b"whose?"), Record(101, b"C7", b"C7?")]
    cluster = Cluster([journal("T0"), [*journal("T0"), *foreign], journal("T0")], 2)
    cluster.copy()
    assert sorted(value for values in cluster.into() for value in values if value) == [
        b"C7?",
        b"T0",
        b"T0",
        b"whose?",
    ]


@pytest.mark.parametrize(
    ("old", "said"),
    [
        (
            [journal("T0", "T1"), journal("T0")],
            "/0 has a tick or a policy (offset 3) that old.credit.journal.v1/1 does not",
        ),
        ([journal("T0", "T1"), journal("T0", "T9")], "go on with other ticks or policies (offsets 3 and 3)"),
        (
            [journal("T0"), journal("A:1", "T0")],
            "/1 has a tick or a policy (offset 3) and does not begin with one",
        ),
    ],
)
def test_partitions_that_do_not_go_together_are_refused_by_name(old: list[list[Record]], said: str) -> None:
    with pytest.raises(Refused) as refused:
        Cluster(old, 3).copy()
    assert said in str(refused.value)


def test_a_tick_is_the_same_though_a_backfill_named_it_by_its_partition() -> None:
    def tick(number: int) -> list[Record]:
        said = b'{"type":"clock.ticked","as_of":"2026-01-01","event_id":"t%d","source":"s"}' % number
        return [*journal("T0"), Record(3, b"", said, (HISTORY,))]

    cluster = Cluster([tick(0), tick(1)], 3)
    cluster.copy()
    assert [len(values) for values in cluster.into()] == [2, 2, 2]


def test_a_copy_made_of_other_partitions_is_not_gone_on_with() -> None:
    cluster = Cluster([journal("T0", "A:1"), journal("T0")], 2)
    cluster.copy()
    cluster.topics[FROM].append([])  # the journal was given another partition since
    with pytest.raises(Refused, match="dealt out from other partitions"):
        cluster.copy()
    dealt = Cluster([journal("T0", "C1:1", "C2:1", "C3:1", "C4:1")], 2)
    dealt.copy()
    dealt.topics[FROM].append(journal("T0"))
    with pytest.raises(Refused, match="dealt out from other partitions"):
        dealt.copy()


# --- What intake has not read ---------------------------------------------------------------------------------------


def test_what_intake_had_not_read_of_the_feeds_is_sent_on_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def feed(*told: str) -> list[Record]:
        return [Record(at, each[:1].encode(), each.encode()) for at, each in enumerate(told)]

    cluster = Cluster([], 0)
    for name in SOURCES:
        for settings in (OLD, NEW):
            cluster.topics[settings.prefixed(TOPICS[name].name)] = [[], [], []]
    old, new = (settings.prefixed(TOPICS["payments"].name) for settings in (OLD, NEW))
    cluster.topics[old] = [feed("C1", "B1", "A2"), [Record(0, None, b"1"), Record(4, None, b"2")], feed("C1")]
    read = {(old, 0): 1, (old, 1): -1001, (old, 2): 1}
    monkeypatch.setattr(
        copying,
        "committed",
        lambda _kafka, group, topics: read if topics == [old] and group == "old.intake" else {},
    )
    monkeypatch.setattr(
        copying,
        "read_partitions",
        lambda _kafka, topic: (each for part in cluster.topics[topic] for each in part),
    )
    taken = []
    for room in (2, 100, 100):
        cluster.room = room
        try:
            taken.append(cluster.done(carry_unread))
        except Refused:
            taken.append(-1)
    assert taken == [-1, 2, 0]
    assert [[record.value_ for record in part] for part in cluster.topics[new]] == [
        [],
        [b"B1", b"A2", b"1", b"2"],
        [],
    ]
    assert [dict(record.headers())["carried-from"] for record in cluster.topics[new][1]] == [
        b"0/1",
        b"0/2",
        b"1/0",
        b"1/4",
    ]


def test_a_decision_that_intake_had_not_read_bears_the_id_of_its_proposal_over_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster([], 0)
    for name in SOURCES:
        for settings in (OLD, NEW):
            cluster.topics[settings.prefixed(TOPICS[name].name)] = [[]]
    old, new = (settings.prefixed(TOPICS["decisions"].name) for settings in (OLD, NEW))
    told = {
        "type": "proposal.rejected",
        "account_id": "C1",
        "proposal_id": derived(namespace_id("old"), "proposal", "C1", 3),
    }
    cluster.topics[old] = [[Record(0, b"C1", orjson.dumps(told)), Record(1, b"C1", None)]]
    monkeypatch.setattr(copying, "committed", lambda *asked: {(old, 0): 0} if asked[2] == [old] else {})
    monkeypatch.setattr(copying, "read_partitions", lambda *_: ())
    assert cluster.done(carry_unread) == 2
    decided, nothing = cluster.topics[new][0]
    assert orjson.loads(decided.value_ or b"")["proposal_id"] == derived(
        namespace_id("new"), "proposal", "C1", 3
    )
    assert nothing.value_ is None

"""How a slot ends what dead workers left open, and whom it leaves alone. The clients of Kafka are made by hand."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest
from structlog.testing import capture_logs

from streams import slot as slots
from streams.blocks import Stopped
from streams.errors import Fatal
from streams.slot import TRIES, WHO, Slot

STATES = ("states", 0)
UNSTABLE = ck.KafkaException(ck.KafkaError(ck.KafkaError.UNSTABLE_OFFSET_COMMIT))


class Cluster:
    """A group, and a partition of states in which the writers of `open` have named themselves last, and are not done."""

    def __init__(self, *open_: str) -> None:
        self.open = list(open_)
        self.members: dict[str, str] = {"us": "ours"}  # member id -> slot
        self.begun: list[str] = []  # transactional ids of producers, as they began
        self.answers: list[Any] = []  # to who asks for committed offsets
        self.memberid = lambda: "us"
        self.group, self.consumer, self.ends = "group", self, self
        self.left: list[SimpleNamespace] = []

    # As Kafka: of producers and of questions about groups.

    def producer(self, own: dict[str, Any]) -> Any:
        return SimpleNamespace(init_transactions=lambda _: self.begun.append(own["transactional.id"]))

    def admin(self) -> Any:
        return self

    def describe_consumer_groups(self, groups: list[str], request_timeout: float) -> dict[str, Future[Any]]:
        answer: Future[Any] = Future()
        answer.set_result(
            SimpleNamespace(
                members=[SimpleNamespace(member_id=m, client_id=slot) for m, slot in self.members.items()]
            )
        )
        return dict.fromkeys(groups, answer)

    # As a source, and as its consumers.

    def retry(self, _what: str, call: Any, *args: Any) -> Any:
        return call(*args)

    def check_stop(self) -> None:
        pass

    def watermarks(self, _topic: str, _number: int) -> tuple[int, int]:
        return 0, 10 + len(self.open)

    def get_watermark_offsets(self, _part: ck.TopicPartition, _timeout: float) -> tuple[int, int]:
        return 0, 10

    def committed(self, _parts: list[ck.TopicPartition], _timeout: float) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, ck.KafkaException):
            raise answer
        return answer

    def assign(self, parts: list[ck.TopicPartition]) -> None:
        self.left = [
            SimpleNamespace(
                key=lambda: WHO, value=name.encode, offset=lambda at=10 + n: at, error=lambda: None
            )
            for n, name in enumerate(self.open)
        ][parts[0].offset - 10 :]

    def unassign(self) -> None:
        self.left = []

    def poll(self, _timeout: float) -> Any:
        return self.left.pop(0)


def slot_of(cluster: Any) -> Slot:
    slot = Slot(cluster, "ours")
    cluster.begun.clear()
    return slot


def offset(partition: int, at: int, token: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(topic="in", partition=partition, offset=at, metadata=token, error=None)


def asked(slot: Slot, cluster: Any) -> dict[tuple[str, int], tuple[int, str]]:
    with capture_logs():
        return slot.committed(cluster, [("in", 0), ("in", 1), ("in", 2)], [STATES])


def test_what_is_committed_comes_with_the_mark_of_the_commit_that_wrote_it() -> None:
    cluster = Cluster()
    cluster.answers = [[offset(0, 7, "ours/1/3"), offset(1, 0), offset(2, ck.OFFSET_INVALID)]]
    assert asked(slot_of(cluster), cluster) == {("in", 0): (7, "ours/1/3"), ("in", 1): (0, "")}


def test_no_two_commits_bear_one_mark_also_not_in_two_lives_of_a_slot() -> None:
    cluster: Any = Cluster()
    slot, next_life = slot_of(cluster), slot_of(cluster)
    marks = {slot.token(), next_life.token()}
    slot.commits += 1
    marks.add(slot.token())
    slot.doubts += 1
    marks.add(slot.token())
    assert len(marks) == 4


def test_only_what_is_of_no_member_and_not_ours_is_ended() -> None:
    cluster = Cluster("dead", "ours", "alive", "gone")
    cluster.members = {"them": "alive"}  # we have not joined it yet
    slot = slot_of(cluster)
    cluster.answers = [UNSTABLE, [offset(0, 1)]]
    asked(slot, cluster)
    assert cluster.begun == ["dead", "gone"]
    assert slot.fenced == 2


def test_where_nothing_is_open_nobody_is_ended_and_nobody_looked_for() -> None:
    cluster = Cluster()
    cluster.describe_consumer_groups = None  # type: ignore[method-assign, assignment]
    cluster.answers = [UNSTABLE, [offset(0, 1)]]
    asked(slot_of(cluster), cluster)
    assert cluster.begun == []


def test_a_dead_worker_is_ended_a_few_times_each_time_that_it_dies() -> None:
    cluster = Cluster("dead")
    slot = slot_of(cluster)
    for life in (1, 2):
        cluster.answers = [*[UNSTABLE] * (TRIES + 4), [offset(0, 1)]]
        asked(slot, cluster)
        assert cluster.begun == ["dead"] * TRIES * life


def test_a_transaction_that_stays_open_though_it_was_ended_is_told_with_the_page_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster("dead")
    slot = slot_of(cluster)
    overs = iter([*[False] * TRIES, True])
    monkeypatch.setattr(slots, "Patience", lambda *_: SimpleNamespace(over=lambda: next(overs)))
    cluster.answers = [UNSTABLE] * 9
    with pytest.raises(
        Fatal, match=r"ended the transaction of dead and still holds it open.*BellwetherTransactionHangs"
    ):
        asked(slot, cluster)


@pytest.mark.parametrize(
    ("members", "taken"), [({"us": "ours"}, False), ({"us": "ours", "them": "ours"}, True)]
)
def test_a_namesake_is_another_member_of_our_name(*, members: dict[str, str], taken: bool) -> None:
    cluster: Any = Cluster()
    cluster.members = members
    slot = slot_of(cluster)
    slot._was_fenced = True
    with capture_logs():
        if taken:
            with pytest.raises(Fatal, match="another process took its name"):
                slot.begin_anew(cluster)
        else:
            slot.begin_anew(cluster)
            assert cluster.begun == ["ours"]


def test_a_slot_that_waits_for_a_broker_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster()
    slot = slot_of(cluster)

    def away(_: Any) -> SimpleNamespace:
        return SimpleNamespace(init_transactions=refuses)

    def refuses(_: float) -> None:
        slot.stop()
        raise ck.KafkaException(ck.KafkaError(ck.KafkaError._TIMED_OUT, "away", False, True))

    monkeypatch.setattr(cluster, "producer", away)
    monkeypatch.setattr(slots, "Patience", lambda _: SimpleNamespace(over=iter([False, True]).__next__))
    with pytest.raises(Stopped):
        slot.renew()


def test_fences_of_long_ago_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster: Any = Cluster()
    slot = slot_of(cluster)
    now = 0.0
    monkeypatch.setattr(slots, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(slots, "Patience", lambda *_: None)
    with capture_logs():
        for _ in range(3 * slots.FENCES):
            slot._was_fenced = True
            slot.begin_anew(cluster)
            now += slots.FENCE_SECONDS / slots.FENCES
        for _ in range(3):
            slot.begin_anew(cluster)  # a doubt that was no fence
        slot._was_fenced = True
        now -= slots.FENCE_SECONDS / slots.FENCES
        with pytest.raises(Fatal):
            slot.begin_anew(cluster)

"""The verdicts of a worker on itself: no progress is told from nothing to do, and a broker that is away shows."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs

from streams.blocks import TP, Block
from streams.health import SILENT_SECONDS, STALL_SECONDS, START_SECONDS, Health, Waits, silence, waiting
from streams.transport import tell_silence

JOURNAL: TP = ("credit.journal.v1", 0)


class Source:
    """One partition of the journal: `end` is its last stable offset, `fetched` and `taken` how far we are."""

    def __init__(self) -> None:
        self.owned = frozenset([JOURNAL])
        self.where = {JOURNAL: 10}
        self.assignments = 1
        self.statistics = (0.0, "")


class Unit:
    inputs = frozenset([JOURNAL])

    def __init__(self) -> None:
        self.source = Source()
        self.counted: dict[str, float] = {"restoring": 0, "restored_records": 0}
        self.answered = 0.0

    def stats(self) -> dict[str, float]:
        return self.counted


def statistics(
    end: int = 10,
    fetched: int = 10,
    queued: int = 0,
    silent: float = 0.0,
    quiet: int = -1,
    undecided: int = 0,
) -> dict[str, Any]:
    partition = {
        "ls_offset": end,
        "hi_offset": end + undecided,
        "next_offset": fetched,
        "fetchq_cnt": queued,
        "app_offset": fetched - queued,
        "broker": 1,
    }
    other = {**partition, "ls_offset": quiet, "next_offset": quiet, "app_offset": quiet}
    return {
        "topics": {JOURNAL[0]: {"partitions": {"0": partition, "1": other, "-1": {}}}},
        "brokers": {
            "a": {"nodeid": 1, "rxidle": silent * 1e6, "name": "a:9092/1", "nodename": "a:9092"},
            "b": {"nodeid": -1, "rxidle": 0, "name": "b:9092/bootstrap", "nodename": ""},
        },
    }


class Worker:
    """A health with a clock of its own, told what a transport would tell it."""

    def __init__(self, joined: bool = True) -> None:
        self.now = 1000.0
        self.health = Health(lambda: self.now)
        self.unit = Unit()
        if joined:
            self.health.joined(self.unit)  # type: ignore[arg-type]

    def passes(self, seconds: float) -> None:
        self.now += seconds

    def polls(self, seconds: float = 0.0, **said: Any) -> None:
        """Polls that bring nothing, once in five seconds for so long; statistics say this of the log."""
        until = self.now + seconds
        while True:
            self.health.enter("polling")
            self.unit.source.statistics = (self.now, orjson.dumps(statistics(**said)).decode())
            self.health.polled([])
            if self.now >= until:
                return
            self.now = min(until, self.now + 5)

    def commits(self, offset: int, committed: bool = True) -> None:
        block = Block(*JOURNAL, [_Record(offset)])
        self.health.enter("applying")
        self.health.enter("committing")
        block.committed = committed
        self.health.committed([block])
        self.health.enter("polling")


class _Record:
    def __init__(self, offset: int) -> None:
        self._offset = offset

    def offset(self) -> int:
        return self._offset


# -- live ----------------------------------------------------------------------------------------------------------


def test_with_nothing_to_do_a_worker_is_live_for_ever() -> None:
    worker = Worker()
    worker.polls(seconds=86_400)
    assert worker.health.stalled() is None


def test_records_that_wait_while_none_is_taken_are_a_stall() -> None:
    worker = Worker()
    worker.polls(end=30)
    worker.polls(seconds=STALL_SECONDS - 1, end=30)
    assert worker.health.stalled() is None
    worker.polls(seconds=5, end=30)
    assert worker.health.stalled() == "20 records wait and none was committed for 64 s"


def test_what_comes_after_a_quiet_night_has_not_waited_since_the_evening() -> None:
    worker = Worker()
    worker.polls(seconds=8 * 3600)
    worker.passes(1)
    worker.polls(end=30)
    assert worker.health.stalled() is None


def test_a_partition_of_which_nothing_waits_hides_no_other_that_gets_nowhere() -> None:
    worker = Worker()
    quiet: TP = (JOURNAL[0], 1)
    worker.unit.source.owned |= {quiet}
    worker.unit.source.where[quiet] = 10
    worker.polls(seconds=STALL_SECONDS + 5, end=30, quiet=10)
    assert "20 records wait" in (worker.health.stalled() or "")


def test_commits_that_go_on_are_progress_however_much_waits() -> None:
    worker = Worker()
    for at in range(10, 60):
        worker.polls(seconds=STALL_SECONDS / 2, end=10_000)
        worker.unit.source.where = {JOURNAL: at + 1}
        worker.commits(at)
        assert worker.health.stalled() is None


def test_commits_that_are_undone_are_no_progress() -> None:
    worker = Worker()
    for _ in range(4):
        worker.polls(seconds=STALL_SECONDS / 3 + 1, end=30)
        worker.commits(10, committed=False)
    worker.polls(end=30)
    assert "records wait" in (worker.health.stalled() or "")


@pytest.mark.parametrize(
    ("phase", "said"), [("committing", "a commit has lasted"), ("applying", "applied for")]
)
def test_a_commit_or_a_block_that_hangs_is_a_stall(phase: Any, said: str) -> None:
    worker = Worker()
    worker.polls()
    worker.health.enter(phase)
    worker.passes(STALL_SECONDS - 1)
    assert worker.health.stalled() is None
    worker.passes(2)
    assert said in (worker.health.stalled() or "")


def test_a_poll_that_does_not_come_back_is_a_stall() -> None:
    worker = Worker()
    worker.polls()
    worker.passes(STALL_SECONDS + 1)
    said = worker.health.stalled()
    assert said == "the broker has not been heard for 61 s; a poll has not come back for 61 s", (
        "the cause first"
    )


def test_a_restore_is_progress_while_it_reads_and_a_stall_when_it_does_not() -> None:
    worker = Worker()
    worker.unit.counted["restoring"] = 4
    worker.health.enter("polling")
    for read in range(1, 20):
        worker.unit.counted["restored_records"] = read
        assert worker.health.stalled() is None
        worker.passes(STALL_SECONDS - 1)
    worker.passes(2)
    assert "a restore reads nothing" in (worker.health.stalled() or "")


def test_a_broker_that_is_not_heard_is_a_stall_also_when_nothing_is_known_to_wait() -> None:
    worker = Worker()
    worker.polls()
    for silent in range(5, 70, 5):
        worker.passes(5)
        worker.polls(silent=silent)
    assert worker.health.stalled() == "the broker has not been heard for 65 s"


def test_a_broker_that_falls_silent_at_once_shows_though_it_never_spoke_of_itself() -> None:
    worker = Worker()
    worker.health.enter("polling")
    worker.passes(SILENT_SECONDS + 1)
    assert "not been heard" in (worker.health.unready() or "")


def test_while_a_round_hangs_nobody_listens_to_the_broker_and_nothing_is_said_of_it() -> None:
    worker = Worker()
    worker.polls()
    worker.health.enter("committing")
    worker.passes(600)
    assert worker.health.silent_seconds() == 0
    assert worker.health.unready() == "a commit has lasted 600 s"


def test_a_long_restore_that_reads_is_a_broker_that_is_heard() -> None:
    worker = Worker()
    worker.unit.counted["restoring"] = 4
    worker.health.enter("polling")
    for read in range(1, 20):
        worker.passes(15)
        worker.unit.counted["restored_records"] = read
        assert worker.health.silent_seconds() == 0
        assert worker.health.unready() == "states are being restored"


def test_a_restore_that_an_open_transaction_holds_up_is_a_stall_of_a_broker_that_is_heard() -> None:
    worker = Worker()
    worker.unit.counted["restoring"] = 4
    worker.health.enter("polling")
    worker.passes(STALL_SECONDS + 1)
    worker.unit.answered = worker.now - 2  # it asks every two seconds where the partitions end
    assert worker.health.silent_seconds() == 2
    assert worker.health.stalled() == "a restore reads nothing for 61 s"
    assert worker.health.unready() == "states are being restored"


def test_a_worker_that_does_not_join_is_a_stall_after_a_while() -> None:
    worker = Worker(joined=False)
    worker.passes(START_SECONDS - 1)
    assert worker.health.stalled() is None
    worker.passes(2)
    assert "not joined" in (worker.health.stalled() or "")


def test_what_waited_before_an_assignment_is_not_held_against_the_new_owner() -> None:
    worker = Worker()
    worker.polls(seconds=STALL_SECONDS - 1, end=30)
    worker.unit.source.assignments += 1
    worker.passes(1)
    worker.polls(seconds=5, end=30)
    assert worker.health.stalled() is None


# -- ready ---------------------------------------------------------------------------------------------------------


def test_ready_is_a_worker_that_has_partitions_their_states_and_a_broker() -> None:
    worker = Worker()
    worker.polls()
    assert worker.health.unready() is None


def test_a_worker_without_its_group_partitions_states_or_broker_is_not_ready() -> None:
    assert "not joined" in (Worker(joined=False).health.unready() or "")
    idle = Worker()
    idle.unit.source.owned = frozenset()
    assert "no partitions" in (idle.health.unready() or "")
    restoring = Worker()
    restoring.unit.counted["restoring"] = 1
    assert "restored" in (restoring.health.unready() or "")
    assigned = Worker()
    assigned.unit.source.where = {}
    assert "restored" in (assigned.health.unready() or "")
    alone = Worker()
    alone.polls()
    alone.passes(SILENT_SECONDS + 1)
    alone.polls(silent=SILENT_SECONDS + 1)
    assert "not been heard" in (alone.health.unready() or "")


# -- what the log says of it -----------------------------------------------------------------------------------------


def said_over(
    worker: Worker, waits: Waits, looks: int, seconds: float = 5.0
) -> list[MutableMapping[str, Any]]:
    """What the log says while it is looked so often, a few seconds apart."""
    with capture_logs() as lines:
        for _ in range(looks):
            worker.passes(seconds)
            if worker.health.phase == "polling":
                worker.health.enter("polling")
            tell_silence(worker.health, waits)
    return lines


def test_a_silent_broker_is_told_after_half_a_minute_and_every_five_minutes_and_once_when_it_answers() -> (
    None
):
    worker, waits = Worker(), Waits()
    worker.polls()
    assert said_over(worker, waits, looks=5) == []
    (line,) = said_over(worker, waits, looks=1)
    assert (line["event"], line["log_level"]) == ("Kafka does not answer, waiting", "warning")
    assert (line["silent_seconds"], line["broker"]) == (30, "a:9092")
    assert line["waits_for"] == "records of its partitions (1)"
    assert "BellwetherBrokerLost" in line["look"]
    hour = said_over(worker, waits, looks=720)
    assert [line["silent_seconds"] for line in hour] == [330 + 300 * n for n in range(12)]
    worker.passes(5)
    worker.polls()
    (line,) = said_over(worker, waits, looks=1, seconds=0.1)
    assert (line["event"], line["seconds"]) == ("Kafka answers again", 3630)
    assert said_over(worker, waits, looks=5) == []
    assert len(said_over(worker, waits, looks=2)) == 1, "the next silence is told anew"


def test_a_worker_that_lost_its_partitions_waits_for_the_group_and_one_that_restores_for_states() -> None:
    worker = Worker()
    worker.unit.counted["restoring"] = 1
    assert worker.health.awaited() == "states that are being read back"
    worker.unit.counted["restoring"] = 0
    worker.unit.source.owned = frozenset()
    assert worker.health.awaited() == "the group to give out partitions"
    worker.passes(31)
    assert "a poll that has not come back" in worker.health.awaited()


def test_a_store_that_comes_back_from_a_long_round_has_not_been_left_by_kafka_meanwhile() -> None:
    worker, waits = Worker(), Waits()
    worker.polls()
    for phase in ("applying", "committing"):
        worker.health.enter(phase)
        assert said_over(worker, waits, looks=120) == []
    worker.health.enter("polling")
    assert said_over(worker, waits, looks=1) == []
    assert worker.health.unready() is None
    assert len(said_over(worker, waits, looks=6)) == 1


# -- what waits ----------------------------------------------------------------------------------------------------


def test_a_transaction_that_stays_open_is_timed_and_keeps_nobody_from_being_live() -> None:
    worker = Worker()
    worker.polls()
    assert worker.health.open == {JOURNAL: 0}
    worker.passes(5)
    worker.polls(seconds=600, undecided=7)
    assert worker.health.open == {JOURNAL: 600}
    assert worker.health.stalled() is None, "starting it again would mend nothing"
    worker.passes(5)
    worker.polls()
    assert worker.health.open == {JOURNAL: 0}


def test_transactions_that_follow_each_other_are_each_timed_alone() -> None:
    worker = Worker()
    for end in range(10, 40):
        worker.unit.source.where = {JOURNAL: end}
        worker.polls(seconds=5, end=end, fetched=end, undecided=3)
        assert worker.health.open[JOURNAL] <= 5
    worker.unit.source.assignments += 1
    worker.passes(60)
    worker.polls(end=39, fetched=39, undecided=3)
    assert worker.health.open == {JOURNAL: 0}, "what was seen before it was ours is not known to have lasted"


def test_where_nothing_is_fetched_a_transaction_is_not_known_to_be_still_open() -> None:
    worker = Worker()
    worker.polls(undecided=3)
    worker.polls(seconds=600, end=30, undecided=3)
    assert worker.health.open == {JOURNAL: 0}, "records wait: their reader is behind"
    away = Worker()
    away.polls(undecided=3)
    for silent in range(5, 605, 5):
        away.passes(5)
        away.polls(silent=silent, undecided=3)
    assert away.health.open == {JOURNAL: 0}, "the broker is away"


@pytest.mark.parametrize(
    ("case", "told", "taken", "committed", "lag"),
    [
        ("all is done", statistics(end=10, fetched=10), 10, 10, 0),
        ("the last offset is a transaction's end", statistics(end=12, fetched=12), 10, 10, 0),
        ("nothing was ever committed here", statistics(end=0, fetched=0), 0, None, 0),
        ("records lie at the broker", statistics(end=30, fetched=10), 10, 10, 20),
        ("records lie in the queue", statistics(end=30, fetched=30, queued=20), 10, 10, 20),
        ("records were taken and not committed", statistics(end=30, fetched=30), 30, 10, 20),
        ("a commit overtook the statistics", statistics(end=30, fetched=20), 40, 40, 0),
        ("the end is not known yet", statistics(end=-1001, fetched=0), 10, None, None),
    ],
)
def test_what_waits_is_told_from_what_is_only_an_offset(
    case: str, told: dict[str, Any], taken: int, committed: int | None, lag: int | None
) -> None:
    known = {} if committed is None else {JOURNAL: committed}
    found = waiting(told, frozenset([JOURNAL]), {JOURNAL: taken}, known)
    assert found == ({} if lag is None else {JOURNAL: lag}), case


def test_a_quiet_partition_waits_for_nothing_while_others_fill_the_queue_that_it_shares_with_them() -> None:
    """After a restart its last offset, the end of a transaction, is not committed again: it looked stuck as long as any
    other partition was busy."""
    told = statistics(end=11, fetched=11, queued=26)
    assert waiting(told, frozenset([JOURNAL]), {JOURNAL: 10}, {}) == {JOURNAL: 1}
    told["topics"][JOURNAL[0]]["partitions"]["0"]["app_offset"] = 11
    assert waiting(told, frozenset([JOURNAL]), {JOURNAL: 10}, {}) == {JOURNAL: 0}
    assert waiting(told, frozenset([JOURNAL]), {JOURNAL: 11}, {JOURNAL: 10}) == {JOURNAL: 1}, "not committed"


def test_what_librdkafka_does_not_speak_of_yet_is_not_known_and_stops_nobody() -> None:
    unknown: TP = ("credit.news.v1", 0)
    told = statistics(end=30)
    assert waiting(told, frozenset([JOURNAL, unknown]), {JOURNAL: 10, unknown: 4}, {}) == {JOURNAL: 20}
    assert waiting(told, frozenset([JOURNAL]), {}, {}) == {}
    worker = Worker()
    worker.unit.source.statistics = (worker.now, orjson.dumps({**told, "brokers": {}}).decode())
    worker.health.polled([])
    assert worker.health.silent_seconds() == 0


def test_a_broker_that_lets_us_wait_for_the_others_of_the_group_is_not_lost() -> None:
    """Another worker restores, or died while Kafka did: the answer to our request to join comes when it is there or gone."""
    told = statistics(silent=300)
    told["brokers"]["b"]["rxidle"] = 290e6
    told["cgrp"] = {"state": "up", "join_state": "wait-join"}
    assert silence(told, frozenset()) == (0, "")
    assert silence(told, frozenset([JOURNAL])) == (300, "a:9092")
    told["cgrp"] = {"state": "up", "join_state": "steady"}
    assert silence(told, frozenset()) == (290, "b:9092/bootstrap")
    told["cgrp"] = {"state": "query-coord", "join_state": "wait-join"}
    assert silence(told, frozenset()) == (290, "b:9092/bootstrap"), "a connection that broke"


def test_the_most_silent_leader_counts_and_brokers_that_lead_nothing_of_ours_do_not() -> None:
    told = statistics(silent=40)
    told["brokers"]["c"] = {"nodeid": 3, "rxidle": 90e6, "name": "c:9092/3", "nodename": "c:9092"}
    assert silence(told, frozenset([JOURNAL])) == (40, "a:9092")
    heard_last = (0, "b:9092/bootstrap")
    assert silence(told, frozenset()) == heard_last, "without partitions: whoever was heard last"
    told["brokers"] = {"a": {"nodeid": 1, "rxidle": -1}}
    assert silence(told, frozenset([JOURNAL])) is None

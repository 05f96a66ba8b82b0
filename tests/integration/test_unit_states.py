"""The unit with states against a real Kafka: restore, hand-over, doubt, deferral, poison, and what it refuses."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import confluent_kafka as ck
import confluent_kafka.admin as ck_admin
import orjson
import pytest

from streams import blocks as streams_blocks
from streams.blocks import Block, Kafka, Stopped
from streams.errors import Fatal, Refused
from streams.partition import Partition
from streams.slot import FENCES, Produce
from streams.units import StatefulUnit
from tests.faults import demo, kit


class Run:
    """One run of the demo's counter, on topics of its own."""

    def __init__(self, servers: str, name: str) -> None:
        self.servers, self.name, self.names = servers, name, demo.names(name)
        self.sent: list[tuple[str, int]] = []
        counts = {self.names[k]: n for k, n in demo.partitions().items()}
        kit.make_topics(servers, counts, [self.names["state"]])

    def unit(self, slot: str, **more: Any) -> StatefulUnit:
        return demo.counter_unit(Kafka(self.servers), self.name, slot, **more)

    def send(self, count: int, keys: int = 50) -> None:
        new = [(f"k{i % keys}", i) for i in range(len(self.sent), len(self.sent) + count)]
        records = [(self.names["journal"], k.encode(), orjson.dumps({"s": "one", "v": v})) for k, v in new]
        kit.send(self.servers, records)
        self.sent += new

    def apply(self, block: Block) -> None:
        demo.count(block, self.names["out"])

    def work(self, unit: StatefulUnit, apply: Callable[[Block], None] | None = None) -> None:
        kit.drive(unit, apply or self.apply, self.drained)

    def drained(self) -> bool:
        return not kit.unread(self.servers, f"{self.name}.counter", [self.names["journal"]])

    def check(self, skipped: int = -1) -> None:
        """States and outputs are those of a fold over what was sent, each output once."""
        folded: dict[str, demo.Count] = {}
        outputs: list[str] = []
        for key, value in self.sent:
            if value != skipped:
                folded[key], out = demo.step(folded.get(key), {"s": "one", "v": value}, key)
                outputs += [o["id"] for o in out]
        want = {k: {p: v for p, v in s.dump().items() if v is not None} for k, s in folded.items()}
        assert kit.pieces(self.servers, self.names["state"]) == want
        got = [m for m in kit.read(self.servers, self.names["out"]) if not m.key().startswith(b"dead")]
        assert Counter(orjson.loads(m.value())["id"] for m in got) == Counter(outputs)


@pytest.fixture
def run(kafka: str, namespace: str) -> Run:
    return Run(kafka, namespace)


SESSION_MS = 1500


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> float:
    """Seconds that are too long between two polls, for units that are made now."""
    monkeypatch.setattr(streams_blocks, "UNPOLLED_MS", 2 * SESSION_MS)
    return 3 * SESSION_MS / 1000


@contextmanager
def working(run: Run, unit: StatefulUnit) -> Iterator[None]:
    """The unit works in a thread of its own, until the end of the block; then it leaves."""
    failed: list[BaseException] = []

    def loop() -> None:
        try:
            kit.drive(unit, run.apply, lambda: False, 600)
        except Stopped:
            unit.close()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        unit.stop()
        thread.join()
    assert not failed


def until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + kit.WAIT
    while not what():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.02)


def test_states_are_restored_and_the_fold_goes_on(run: Run) -> None:
    for slot, count in (("a", 400), ("b", 333), ("c", 0)):
        run.send(count)
        unit = run.unit(slot)
        run.work(unit)
        if slot == "c":
            kit.drive(unit, run.apply, lambda u=unit: bool(u.partitions))  # type: ignore[misc]
            loaded = {a: p.get(a).dump() for p in unit.partitions.values() for a in list(p.pieces)}
            assert len(loaded) == 50
        unit.close()
        run.check()


def test_accounts_for_which_memory_is_short_are_laid_aside_and_made_anew_of_their_pieces(run: Run) -> None:
    unit = run.unit("a", memory=1)
    for _ in range(3):
        run.send(100)
        run.work(unit)
    stats = unit.stats()
    assert (stats["states"], stats["states_at_hand"]) == (50, 0)
    assert stats["state_loads"] >= 100, "each of 50, in the second round and the third"
    unit.close()
    run.check()
    after = run.unit("b")
    kit.drive(after, run.apply, lambda: bool(after.partitions))
    assert after.stats()["state_bytes"] == stats["state_bytes"]
    after.close()


def test_on_restored_is_called_with_each_partition_before_its_first_block(run: Run) -> None:
    run.send(100)
    first = run.unit("a")
    run.work(first)
    first.close()
    run.send(50)
    seen: dict[int, set[str]] = {}

    def index(part: Partition) -> None:
        part.memo = seen[part.number] = {account for account, _ in part.restored("sum")}
        assert not part.objects

    def apply(block: Block) -> None:
        assert {m.key().decode() for m in block.records} <= block.states.memo
        run.apply(block)

    second = run.unit("b", on_restored=index)
    run.work(second, apply)
    second.close()
    assert set(seen) == set(range(demo.JOURNAL_PARTITIONS))
    assert set().union(*seen.values()) == {f"k{i}" for i in range(50)}
    run.check()


def test_two_workers_share_and_what_nobody_touched_stays_warm(run: Run) -> None:
    run.send(200)
    a = run.unit("a")
    with working(run, a):
        until(lambda: a.source.assignments == 1 and run.drained())
        assert (a.restored, a.warm) == (4, 0)
        b = run.unit("b")
        with working(run, b):
            until(lambda: len(a.source.owned) == 2 and len(b.source.owned) == 2)
            until(lambda: a.restored + a.warm >= 6)  # owned is said before it is restored
            assert (a.restored, a.warm) == (4, 2), "what it keeps is not restored again"
            run.send(200)
            until(run.drained)
        until(lambda: a.restored + a.warm >= 10)
        assert (a.restored, a.warm) == (6, 4), "only what the other changed is restored"
        run.send(100)
        until(run.drained)
    run.check()


def test_the_group_waits_for_a_member_that_does_not_come_back_for_the_poll_interval_only(
    run: Run, impatient: float
) -> None:
    run.send(200)
    silent = run.unit("silent", session_ms=SESSION_MS)
    blocks = first_blocks(silent)  # and never more
    heir = run.unit("heir", session_ms=SESSION_MS)
    run.work(heir)
    assert len(heir.source.owned) == demo.JOURNAL_PARTITIONS
    for block in blocks:
        with block:
            run.apply(block)
    assert not silent.commit(blocks), "it is out, whatever it believes"
    silent.poll(0.1)  # ends what it left open
    silent.close()
    heir.close()
    run.check()


def test_a_restore_longer_than_the_poll_interval_is_not_begun_again_and_again(
    run: Run, impatient: float
) -> None:
    run.send(200)
    first = run.unit("first", session_ms=SESSION_MS)
    run.work(first)
    first.close()
    run.send(200)
    slow = run.unit("slow", session_ms=SESSION_MS, on_restored=lambda _: time.sleep(impatient))
    with working(run, slow):
        until(lambda: slow.restoring > 0)
        other = run.unit("other", session_ms=SESSION_MS, on_restored=lambda _: time.sleep(impatient))
        with working(run, other):
            until(run.drained)
            run.send(200)
            until(run.drained)
    run.check()


def test_work_longer_than_the_poll_interval_is_done_again_by_another_and_counts_once(
    run: Run, impatient: float
) -> None:
    run.send(200)
    slow = run.unit("slow", session_ms=SESSION_MS)
    other = run.unit("other", session_ms=SESSION_MS)
    slept = 0

    def apply(block: Block) -> None:
        nonlocal slept
        run.apply(block)
        if slept < 2:
            slept += 1
            time.sleep(impatient)

    def slept_twice() -> bool:
        if run.drained() and slept < 2:  # the other one was quicker
            run.send(50)
        return slept == 2 and run.drained()

    with working(run, other):
        kit.drive(slow, apply, slept_twice)
        run.send(200)
        kit.drive(slow, apply, run.drained)
        slow.close()
    run.check()


def test_a_journal_that_grows_is_refused_in_a_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_blocks, "REFRESH_MS", 500)
    run.send(100)
    unit = run.unit("a")
    run.work(unit)
    journal = run.names["journal"]
    kit.grow(run.servers, journal, demo.JOURNAL_PARTITIONS + 1)
    with pytest.raises(Fatal, match=f"{journal} has more partitions than at the start, and may not"):
        kit.drive(unit, run.apply, lambda: False)
    unit.close()


def test_a_worker_whose_namesake_takes_over_gives_up(run: Run) -> None:
    run.send(100)
    first = run.unit("same")
    blocks = first_blocks(first)
    second = run.unit("same")
    group, admin = f"{run.name}.counter", ck_admin.AdminClient({"bootstrap.servers": run.servers})
    while len(admin.describe_consumer_groups([group])[group].result().members) < 2:
        second.poll(0.1)
    for block in blocks:
        with block:
            run.apply(block)
    assert not first.commit(blocks)
    with pytest.raises(Fatal, match="was fenced: another process took its name"):
        first.poll(0.1)
    first.close()
    run.work(second)
    second.close()
    run.check()


def test_a_worker_that_was_taken_for_dead_begins_anew(run: Run) -> None:
    run.send(100)
    unit = run.unit("a")
    blocks = first_blocks(unit)
    for block in blocks:
        with block:
            run.apply(block)
    # as another worker ends what a dead one left open, or the broker after its time
    ck.Producer({"bootstrap.servers": run.servers, "transactional.id": unit.slot.name}).init_transactions(30)
    assert not unit.commit(blocks)
    run.work(unit)
    assert unit.stats()["doubts"] == 1
    unit.close()
    run.check()


def test_a_worker_that_is_taken_for_dead_again_and_again_gives_up(run: Run) -> None:
    run.send(100)
    unit = run.unit("a")

    def fenced() -> None:
        for block in (blocks := first_blocks(unit)):
            with block:
                run.apply(block)
        ck.Producer({"bootstrap.servers": run.servers, "transactional.id": unit.slot.name}).init_transactions(
            30
        )
        assert not unit.commit(blocks)

    for _ in range(FENCES + 1):
        fenced()
    with pytest.raises(Fatal, match="was fenced"):
        unit.poll(0.1)
    unit.close()


def test_who_finds_itself_fenced_in_the_middle_of_writing_is_fenced_too(run: Run) -> None:
    """Kafka's client then says of what is produced only that it takes nothing more."""
    run.send(100)
    unit = run.unit("a")
    first_blocks(unit)
    slot = unit.slot

    def write(produce: Produce) -> None:
        produce(run.names["out"], b"{}", b"k", 0)
        ck.Producer({"bootstrap.servers": run.servers, "transactional.id": slot.name}).init_transactions(30)
        while True:
            produce(run.names["out"], b"{}", b"k", 0)
            time.sleep(0.01)

    for _ in range(FENCES):
        assert not slot.commit(write, {}, None)
        slot.begin_anew(unit.source)
    assert not slot.commit(write, {}, None)
    with pytest.raises(Fatal, match="was fenced"):
        slot.begin_anew(unit.source)
    unit.close()


def first_blocks(unit: StatefulUnit) -> list[Block]:
    while not (blocks := unit.poll(0.1)):
        pass
    return blocks


class Doubtful:
    """A producer whose commit is answered with an error, before or after it took place."""

    def __init__(self, real: Any, after: bool) -> None:
        self.real, self.after = real, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def commit_transaction(self, *args: Any) -> None:
        if self.after:
            self.real.commit_transaction(*args)
        raise ck.KafkaException(ck.KafkaError(ck.KafkaError._TIMED_OUT))


@pytest.mark.parametrize("after", [False, True])
def test_a_commit_in_doubt_is_settled_by_what_is_committed(run: Run, after: bool) -> None:
    run.send(300)
    unit = run.unit("a")
    while not (blocks := unit.poll(0.1)):
        pass
    unit.slot._producer = Doubtful(unit.slot._producer, after)
    for block in blocks:
        with block:
            run.apply(block)
    assert not unit.commit(blocks)
    run.work(unit)
    assert unit.stats()["doubts"] == 1
    unit.close()
    run.check()


def test_what_a_dead_worker_left_open_is_ended_by_the_next_owner(run: Run) -> None:
    run.send(300)
    dead = run.unit("dead", transaction_ms=300_000)
    while not (blocks := dead.poll(0.1)):
        pass
    leave_open(dead, blocks, run.apply)
    heir = run.unit("heir")
    began = time.monotonic()
    run.work(heir)
    assert time.monotonic() - began < 60, "far from the transaction's timeout of 300 s"
    assert heir.stats()["fenced"] == 1
    heir.close()
    run.check()


def leave_open(unit: StatefulUnit, blocks: list[Block], apply: Callable[[Block], None]) -> None:
    """All of a commit but its end; then the member is gone, as by the end of its session."""
    for block in blocks:
        with block:
            apply(block)
    unit.slot._producer = Unending(unit.slot._producer)
    with pytest.raises(Unending.Died):
        unit.commit(blocks)
    unit.close()


class Unending:
    """A producer that dies before it commits."""

    class Died(BaseException): ...

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def commit_transaction(self, *_: Any) -> None:
        raise Unending.Died


def test_a_block_that_raises_is_undone_with_its_partition_and_read_again(run: Run) -> None:
    run.send(300)
    unit = run.unit("a")
    failures = 2

    def apply(block: Block) -> None:
        nonlocal failures
        run.apply(block)
        if block.partition == 1 and failures:
            failures -= 1
            raise ValueError("after all was applied")

    run.work(unit, apply)
    assert unit.stats()["undone"] == 2
    unit.close()
    run.check()


def test_what_a_block_that_raises_changed_and_did_not_say_is_no_state(run: Run) -> None:
    unit = run.unit("a")
    run.send(100)
    run.work(unit)
    run.send(100)
    raised = False

    def apply(block: Block) -> None:
        nonlocal raised
        if not raised:
            raised = True
            for state in block.states.objects.values():
                state.total += 1
            raise ValueError("before any of it was put")
        run.apply(block)

    run.work(unit, apply)
    unit.close()
    run.check()


def test_a_block_that_raises_for_ever_ends_the_worker(run: Run) -> None:
    run.send(30)
    unit = run.unit("a")

    def apply(_: Block) -> None:
        raise ValueError("always")

    with pytest.raises(Fatal, match="ValueError: always"):
        run.work(unit, apply)
    unit.close()


def test_a_fatal_in_a_block_ends_the_worker_at_once(run: Run) -> None:
    run.send(30)
    unit = run.unit("a")

    def apply(_: Block) -> None:
        raise Fatal("20 accounts")

    with pytest.raises(Fatal, match="20 accounts"):
        run.work(unit, apply)
    unit.close()


def test_a_poison_is_skipped_in_the_second_pass_and_all_else_is_folded(run: Run) -> None:
    run.send(300)
    unit, bad = run.unit("a"), 123

    def apply(block: Block) -> None:
        """As the monitor does: record by record, the poison to dead letters."""
        for index, m in enumerate(block.records):
            if reason := block.is_poison(m.offset()):
                block.states.outputs.append((run.names["out"], b"dead", reason.encode(), None))
                continue
            one = Block(block.topic, block.partition, block.records[index : index + 1])
            one.states = block.states
            try:
                run.apply(one)
                if orjson.loads(m.value())["v"] == bad:
                    raise ValueError("poison")  # after the state was changed: it must be thrown away
            except ValueError as error:
                block.poison(m.offset(), m.key().decode(), error)
                block.poison(m.offset(), "", error)
                return

    run.work(unit, apply)
    assert unit.stats()["undone"] == 1
    assert all(not known for known in unit.source._poisons.values()), "forgotten once committed"
    unit.close()
    run.check(skipped=bad)
    dead = [m.value() for m in kit.read(run.servers, run.names["out"]) if m.key() == b"dead"]
    assert dead == [b"ValueError: poison"]


def test_deferred_records_come_again_and_what_was_changed_is_committed(run: Run) -> None:
    run.send(500, keys=20)
    unit = run.unit("a", max_records=60)  # so that partitions are paused and resumed as well
    slices = Counter[int]()

    def apply(block: Block) -> None:
        upto = min(len(block.records), 7)
        part = Block(block.topic, block.partition, block.records[:upto])
        part.states = block.states
        run.apply(part)
        slices[block.partition] += 1
        block.defer(upto, again=True)

    run.work(unit, apply)
    assert min(slices.values()) > 5
    unit.close()
    run.check()


def test_states_changed_by_a_record_that_is_deferred_are_committed_without_it(run: Run) -> None:
    """A tick in slices: the record stays, the cursor moves."""
    run.send(1, keys=1)
    unit = run.unit("a")
    turns = 0

    def apply(block: Block) -> None:
        nonlocal turns
        turns += 1
        state = block.states.get("") or demo.Count()
        state.count += 1
        block.states.put("", state)
        if turns < 3:
            block.defer(0, again=True)
        else:
            run.apply(block)

    run.work(unit, apply)
    unit.close()
    assert turns == 3
    kept = {m.key(): m.value() for m in kit.read(run.servers, run.names["state"])}
    assert orjson.loads(kept[b"\0sum"]) == [3, 0]
    run.check()


def test_two_slices_at_one_offset_are_told_apart_by_what_is_committed(run: Run) -> None:
    """Else a worker that had the partition before the second slice would take its states for warm."""
    run.send(1, keys=1)
    unit = run.unit("a")
    seen: list[tuple[int, str]] = []
    while len(seen) < 2:
        blocks = unit.poll(0.1)
        for block in blocks:
            with block:
                block.states.put("", demo.Count())
                block.defer(0, again=True)
        if blocks:
            assert unit.commit(blocks)
            tp = (run.names["journal"], blocks[0].partition)
            committed = unit.slot.committed(unit.source, [tp], [])[tp]
            assert unit.partitions[tp[1]].positions == {tp[0]: committed}
            seen.append(committed)
    assert seen[0][0] == seen[1][0] == 0
    assert seen[0][1] != seen[1][1]
    unit.close()


def test_the_first_start_is_the_start_of_the_topic_also_where_old_records_are_gone(run: Run) -> None:
    run.send(200)
    admin = ck_admin.AdminClient({"bootstrap.servers": run.servers})
    for future in admin.delete_records([ck.TopicPartition(run.names["journal"], 0, 10)]).values():
        future.result()
    unit, first = run.unit("a"), dict[int, int]()

    def apply(block: Block) -> None:
        first.setdefault(block.partition, block.records[0].offset())
        run.apply(block)

    run.work(unit, apply)
    unit.close()
    assert first == {0: 10, 1: 0, 2: 0, 3: 0}


def test_records_that_were_deleted_unread_are_not_passed_over_in_silence(run: Run) -> None:
    run.send(200)
    unit = run.unit("a")
    run.work(unit)
    unit.close()
    run.send(200)
    admin = ck_admin.AdminClient({"bootstrap.servers": run.servers})
    gone = [ck.TopicPartition(run.names["journal"], n, ck.OFFSET_END) for n in range(4)]
    for future in admin.delete_records(gone).values():
        future.result()
    again = run.unit("b")
    with pytest.raises(Fatal, match="committed offset"):
        kit.drive(again, run.apply, lambda: False, 60)
    again.close()


def test_what_is_missing_or_wrong_at_the_start_is_refused_in_one_sentence(kafka: str, namespace: str) -> None:
    with pytest.raises(Refused, match=r"no topic .*journal.*topics --create"):
        demo.counter_unit(Kafka(kafka), namespace, "a")
    counts = {demo.names(namespace)[k]: n for k, n in demo.partitions().items()}
    kit.make_topics(kafka, {**counts, demo.names(namespace)["state"]: 3})
    with pytest.raises(Refused, match=r"journal has 4, .*state has 3"):
        demo.counter_unit(Kafka(kafka), namespace, "a")


def test_no_broker_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams_blocks, "ANSWER_SECONDS", 0.5)
    with pytest.raises(Refused, match=r"no Kafka answers at 127\.0\.0\.1:9"):
        Kafka("127.0.0.1:9").partitions(["any"])


def test_a_unit_that_waits_for_kafka_can_be_stopped(run: Run) -> None:
    unit = run.unit("a")
    threading.Timer(1, unit.stop).start()
    with pytest.raises(Stopped):
        kit.drive(unit, run.apply, lambda: False)
    unit.close()

"""A producer that does not come back from a call is left behind: the commit is in doubt, and another producer goes on.

Commits that fail in a row are the end of a worker.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import confluent_kafka as ck
import pytest

from streams import slot as slots
from streams.errors import Fatal
from streams.slot import Slot


class Producer:
    """Takes the place of librdkafka's; with `hangs` a call of this name never returns."""

    def __init__(self, never: threading.Event, hangs: str = "") -> None:
        self.never, self.hangs, self.done = never, hangs, list[str]()

    def __getattr__(self, name: str) -> Any:
        def call(*_args: Any, **_named: Any) -> None:
            if name == self.hangs:
                self.never.wait()
            self.done.append(name)

        return call


class Broker:
    """Hands out producers, of which those named in `hanging` hang in their turn."""

    def __init__(self, never: threading.Event, *hanging: str) -> None:
        self.never, self.hanging, self.made = never, list(hanging), list[Producer]()

    def producer(self, settings: dict[str, Any]) -> Producer:
        assert settings["transactional.id"] == "monitor-1"
        self.made.append(Producer(self.never, self.hanging.pop(0) if self.hanging else ""))
        return self.made[-1]


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    monkeypatch.setattr(slots, "LEAVE_AFTER", 0.05)
    event = threading.Event()
    yield event
    event.set()  # or the interpreter would wait for the threads at its end


def commit(slot: Slot) -> bool:
    return slot.commit(lambda produce: produce("out", b"1", b"k", 0), {("in", 0): 1}, None)


def fails(*_args: Any) -> None:
    raise ck.KafkaException(ck.KafkaError(ck.KafkaError._TRANSPORT))


@pytest.mark.parametrize("call", ["send_offsets_to_transaction", "commit_transaction"])
def test_a_commit_that_hangs_is_in_doubt_and_the_next_producer_goes_on(
    never: threading.Event, call: str
) -> None:
    broker: Any = Broker(never, call)
    slot = Slot(broker, "monitor-1")
    assert not commit(slot)
    assert (slot.broken, slot.doubts) == (True, 1)
    slot.renew()
    assert commit(slot)
    first, second = broker.made
    assert "commit_transaction" not in first.done
    assert second.done == [
        "init_transactions", "begin_transaction", "produce", "flush", "send_offsets_to_transaction", "commit_transaction",
    ]  # fmt: skip


def test_what_the_producer_raises_in_its_thread_is_a_doubt_as_any(never: threading.Event) -> None:
    broker: Any = Broker(never)
    slot = Slot(broker, "monitor-1")

    broker.made[0].commit_transaction = fails
    assert not commit(slot)
    assert slot.broken


def test_only_commits_that_fail_one_after_another_end_the_worker(
    never: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slots, "DOUBTS", 3)
    broker: Any = Broker(never)
    slot = Slot(broker, "monitor-1")

    def fail() -> bool:
        broker.made[-1].commit_transaction = fails
        done = commit(slot)
        slot.renew()
        return done

    for _ in range(2):
        assert [fail(), fail()] == [False, False]
        assert commit(slot)
    assert (slot.commits, slot.doubts) == (2, 4)
    assert [fail(), fail()] == [False, False]
    with pytest.raises(Fatal, match=r"^3 commits failed in a row, the last with: "):
        fail()


def test_a_process_that_has_left_too_many_producers_behind_begins_anew(never: threading.Event) -> None:
    broker: Any = Broker(never, *["commit_transaction"] * (slots.MOST_LEFT + 1))
    slot = Slot(broker, "monitor-1")
    for _ in range(slots.MOST_LEFT):
        assert not commit(slot)
        slot.renew()
    with pytest.raises(Fatal, match=f"has not come back from {slots.MOST_LEFT + 1} commits"):
        commit(slot)


def test_producers_that_came_back_in_the_end_do_not_count(never: threading.Event) -> None:
    broker: Any = Broker(never, *["commit_transaction"] * (slots.MOST_LEFT + 3))
    slot = Slot(broker, "monitor-1")
    for _ in range(slots.MOST_LEFT + 3):
        assert not commit(slot)
        never.set()
        for one in slot._left:
            one.exception(60)
        never.clear()
        slot.renew()

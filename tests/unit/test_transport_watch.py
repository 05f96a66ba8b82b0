"""The watch that ends a worker whose Kafka client hangs: what gets on is let be, however long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from streams import transport
from streams.transport import Watch


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(transport, "give_up", lambda error, close: said.append(str(error)))
    return said


def until(what: Callable[[], object]) -> None:
    limit = time.monotonic() + 60
    while not what():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.05)


def test_what_gets_on_may_take_as_long_as_it_takes(ended: list[str]) -> None:
    asked: list[float] = []

    def gets_on() -> float:
        asked.append(time.monotonic())
        return asked[-1]

    watch = Watch(lambda: None)
    watch.begin(0.01, "a commit", gets_on)
    until(lambda: len(asked) >= 3)
    watch.end()
    assert ended == []


def test_what_no_longer_gets_on_ends_the_process_and_says_so(ended: list[str]) -> None:
    since = time.monotonic()
    watch = Watch(lambda: None)
    watch.begin(0.01, "a commit", lambda: since)
    until(lambda: ended)
    watch.end()
    assert ended[0] == "a commit after 0.01 s"


def test_the_time_counts_from_the_beginning_where_nothing_has_got_on_yet(ended: list[str]) -> None:
    asked: list[float] = []

    def never() -> float:
        asked.append(0.0)
        return 0.0

    watch = Watch(lambda: None)
    watch.begin(3600, "a commit", never)
    until(lambda: len(asked) >= 2)
    watch.end()
    assert ended == []


def test_while_the_process_is_stopped_no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, ended = Stopping(at=10), list[int]()
    monkeypatch.setattr(transport, "time", clock)
    monkeypatch.setattr(transport, "give_up", lambda error, close: ended.append(clock.naps))
    watch = Watch(lambda: None)
    watch.begin(20, "a commit")
    until(lambda: ended)
    watch.end()
    assert ended[0] == 10 + 20 + 1, "the twenty seconds count anew from the wake-up"


class Stopping:
    """A clock on which each nap takes its second, and the one before which the process is stopped an hour more."""

    def __init__(self, at: int) -> None:
        self.now, self.naps, self.at = 1000.0, 0, at

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        time.sleep(0.005)
        self.naps += 1
        self.now += seconds + (3600 if self.naps == self.at else 0)

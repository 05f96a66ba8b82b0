"""Patience: what fails with a broker that answers is given up after a while; a broker that is away is waited for."""

from __future__ import annotations

from typing import Any

import confluent_kafka as ck
import pytest

from streams import blocks
from streams.blocks import Patience


class Clock:
    """A monotonic clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Client:
    """A Kafka client whose broker is there, or is not."""

    def __init__(self) -> None:
        self.away = True

    def list_topics(self, timeout: float) -> Any:
        if self.away:
            raise ck.KafkaException(ck.KafkaError(ck.KafkaError._TRANSPORT))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(blocks, "time", made)
    return made


def test_it_is_not_over_before_its_time(clock: Clock) -> None:
    client = Client()
    patience = Patience(client, 60)
    clock.now += 59
    assert not patience.over()


def test_a_broker_that_is_away_is_waited_for_and_is_then_given_the_whole_time(clock: Clock) -> None:
    client = Client()
    patience = Patience(client, 60)
    for _ in range(100):
        clock.now += 61
        assert not patience.over()
    client.away = False
    clock.now += 59
    assert not patience.over()
    clock.now += 2
    assert patience.over()


def test_what_fails_while_a_broker_answers_is_given_up(clock: Clock) -> None:
    client = Client()
    client.away = False
    patience = Patience(client, 60)
    clock.now += 61
    assert patience.over()

"""That a worker which has joined its group is listened to, so that its log tells of a Kafka that is silent. No Kafka."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from streams import transport
from streams.health import Waits
from streams.metrics import Metrics
from streams.settings import Settings
from streams.transport import Consumer, application


async def _nothing(*_: Any) -> None:
    pass


def test_a_worker_that_has_joined_is_asked_again_and_again_whether_it_hears_kafka(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Any, Waits]] = []
    monkeypatch.setattr(transport, "LISTEN_SECONDS", 0.001)
    monkeypatch.setattr(transport, "tell_silence", lambda *asked: seen.append(asked))
    metrics = Metrics("intake", Settings(_env_file=None))
    unit: Any = SimpleNamespace(source=SimpleNamespace(inputs=frozenset()), stop=bool, close=bool)

    async def works() -> None:
        app = application("silence", lambda: unit, tmp_path, metrics)
        consumer = Consumer(app.transport, _nothing, _nothing, _nothing, loop=asyncio.get_running_loop())
        monkeypatch.setattr(consumer, "on_partitions_assigned", _nothing)
        await consumer.subscribe([])
        while len(seen) < 3:
            await asyncio.sleep(0.001)
        await consumer.stop()

    asyncio.run(asyncio.wait_for(works(), 60))
    assert {health for health, _ in seen} == {metrics.health}
    assert len({id(waits) for _, waits in seen}) == 1, "one wait is told as one"

"""Faust transport `blocks://`: an agent is handed one message a partition and poll, whose value is a `blocks.Block`.

Faust is told once that it owns everything. What is really ours is settled between Kafka and the unit that
`app.unit_factory()` makes, so none of Faust's rebalance choreography runs, and its acks mean nothing.

    metrics = Metrics("monitor", settings)
    app = transport.application("monitor", lambda: StatefulUnit(…), data_dir, metrics)

    @app.agent(app.topic("credit.journal.v1", **transport.TOPIC))
    async def monitor(blocks):
        async for block in blocks:
            with block:
                …

    transport.run(app)
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, cast

import faust
from faust.transport import base
from faust.transport.consumer import Consumer as BaseConsumer
from faust.transport.producer import Producer as BaseProducer
from faust.types import TP, ConsumerMessage
from structlog import get_logger

from streams.blocks import Block, Stopped, Unit
from streams.dev.processes import unusable
from streams.errors import Fatal, Refused
from streams.health import Health, Waits
from streams.metrics import Metrics

PATIENCE_SECONDS = 60.0  # an agent that is not past its blocks by then hangs, or died outside `with block:`
POLL_SECONDS = 0.25  # how long a poll may wait: what a stop may have to wait for
CLOSE_SECONDS = 3.0  # how long leaving the group may take
STOP_SECONDS = 15.0  # how long a worker that is asked to stop may take over what it is at
LISTEN_SECONDS = 5.0  # how often it is looked whether Kafka is silent
STOPPED_SECONDS = 2.0  # a thread that wakes so much later than it asked for was stopped with its process

# What the topics of an app are made with: blocks go through as they are, and no acks are counted.
TOPIC: Mapping[str, Any] = {"key_serializer": "raw", "value_serializer": "raw", "acks": False}

log = get_logger(__name__)
_FAUST = logging.getLogger("faust.transport.blocks")  # what Faust says of the classes below


def application(name: str, unit_factory: Callable[[], Unit], data_dir: Path, metrics: Metrics) -> faust.App:
    """A Faust app on blocks. unit_factory is called once, in the thread that will drive the unit.

    `metrics` is told of each commit, and what the transport is at. Faust's own topics, tables, leader and web server are
    off; data_dir is made, and nothing of worth is in it. Raises Refused where it can not be.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(data_dir, error) from error
    app: Any = faust.App(
        name,
        broker="blocks://",
        datadir=str(data_dir),
        store="memory://",
        web_enabled=False,
        stream_wait_empty=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        worker_redirect_stdouts=False,
    )
    app.unit_factory, app.metrics = unit_factory, metrics
    made: faust.App = app
    return made


def run(app: faust.App) -> NoReturn:
    """Run the worker in this process until SIGTERM or SIGINT, silently but for the logs; ends the process.

    Exit 0: asked to stop. Exit 1: Fatal or Refused, after one line that says why.
    """
    logging.getLogger("faust").setLevel(logging.WARNING)
    logging.getLogger("mode").setLevel(logging.WARNING)
    # That the clock waits for a slow broker is said elsewhere.
    logging.getLogger("mode.timers").setLevel(logging.ERROR)
    worker = faust.Worker(app, quiet=True, override_logging=False, redirect_stdouts=False)
    worker.spinner = None  # not silenced by quiet
    try:
        worker.execute_from_commandline()
    except SystemExit as stop:
        _exit(stop.code if isinstance(stop.code, int) else 0)


def _exit(code: int) -> NoReturn:
    """At once: an interpreter that exits in order joins the Kafka thread, which may be waiting for a broker."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # a full disk must not keep it alive
            stream.flush()
    os._exit(code)


def give_up(error: BaseException, close: Callable[[], None] | None) -> NoReturn:
    """One line that says why, then the end of this process, with exit code 1.

    Not through Faust: it would take seconds, print stack traces, and could hang on what made us give up. close is
    tried for a moment, so that others need not wait for our session to expire.
    """
    if isinstance(error, Fatal | Refused):
        log.critical(str(error))
    else:
        log.critical("unexpected", exc_info=error)
    if close:
        closing = threading.Thread(target=close, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
    _exit(1)


class Watch:
    """Ends the process when something is not over in time, also when the event loop or the Kafka thread is blocked.

    An agent may hang; so may librdkafka, which has been seen not to come back from a commit, whatever timeout it was
    given, when the broker was killed meanwhile. What is open then is aborted, and another worker reads it again.
    While the whole process is stopped (a machine that is suspended or moved) no time passes.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        # Since when at the earliest, since when really, how long, and what to say then.
        self._waits: tuple[float, Callable[[], float], float, str] | None = None
        self._close = close
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def begin(self, seconds: float, late: str, since: Callable[[], float] = lambda: 0.0) -> None:
        """Something has begun that is over within so many seconds; `late` says that it was not.

        `since`: when, on the monotonic clock, it last got on: from then on the seconds are counted anew.
        """
        self._waits = time.monotonic(), since, seconds, f"{late} after {seconds:g} s"

    def end(self) -> None:
        """It is over."""
        self._waits = None

    def _run(self) -> None:
        nap = min(1.0, PATIENCE_SECONDS / 4)
        looked = awake = time.monotonic()
        while True:
            time.sleep(nap)
            before, looked = looked, time.monotonic()
            if looked - before > nap + STOPPED_SECONDS:
                awake = looked
            waits = self._waits
            if waits is None:
                continue
            began, since, seconds, late = waits
            if looked > max(began, since(), awake) + seconds:
                give_up(Fatal(late), self._close)


def tell_silence(health: Health, waits: Waits) -> None:
    """Log that Kafka is silent, and that it answers again: librdkafka's own words are guesses, and name no way out."""
    silent = health.silent_seconds()
    if waits.due(silent):
        log.warning(
            "Kafka does not answer, waiting",
            silent_seconds=round(silent),
            broker=health.broker or "not known yet",
            waits_for=health.awaited(),
            look="the broker's process, log and disk, and the way there: BellwetherBrokerLost in deploy/runbook.md",
        )
    elif waits.over(silent):
        log.warning("Kafka answers again", seconds=round(waits.lasted), broker=health.broker)


class Consumer(BaseConsumer):
    """Polls the unit in a thread of its own, and only when the blocks of the last poll are past and committed."""

    logger = _FAUST
    consumer_stopped_errors = (Stopped,)
    unit: Unit | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kafka = ThreadPoolExecutor(1, "kafka")  # the one thread that talks to Kafka
        self._tps: set[TP] = set()
        self._open: list[Block] = []  # handed to Faust, not yet committed
        self._past = asyncio.Event()
        self._left = 0
        self._number = 0
        self._watch: Watch | None = None
        app: Any = self.app
        self._metrics: Metrics = app.metrics

    async def _in_kafka(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._kafka, call, *args)
        except Stopped:
            raise
        except Exception as error:
            give_up(error, self.unit.close if self.unit else None)

    async def subscribe(self, topics: Iterable[str]) -> None:
        if self.unit is not None:  # the conductor asks again, 45 s after an agent or topic comes or goes
            return
        app: Any = self.app
        self.unit = unit = await self._in_kafka(app.unit_factory)
        self._metrics.health.joined(unit)
        self._watch = Watch(unit.close)
        self._tps = {TP(*tp) for tp in unit.source.inputs}
        self.app.consumer_generation_id = 1
        self.app.on_rebalance_start()
        self.add_future(self._listen())
        # Not awaited: it waits for subscribe to return
        self.add_future(self.on_partitions_assigned(self._tps, 1))

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Block]]:
        assert self.unit is not None
        assert self._watch is not None
        health = self._metrics.health
        if self._open:
            await self._past.wait()
            self._watch.end()
            blocks, self._open = self._open, []
            health.enter("committing")
            unit = self.unit
            self._watch.begin(
                unit.longest_answer, "Kafka's client has not come back from a commit", lambda: unit.answered
            )
            await self._in_kafka(self.unit.commit, blocks)
            self._watch.end()
            self._metrics.committed(blocks)
        health.enter("polling")
        blocks = await self._in_kafka(self.unit.poll, min(timeout, POLL_SECONDS))
        health.polled(blocks)
        if not blocks:
            return {}
        health.enter("applying")
        self._open, self._left = blocks, len(blocks)
        self._past.clear()
        self._watch.begin(PATIENCE_SECONDS, "an agent is not past its blocks")
        for block in blocks:
            block.on_past = self._block_past
        # Faust finds the agent by the topic; it was told of the partitions at the start, and a topic may grow.
        handed_out: dict[TP, list[Block]] = {}
        for block in blocks:
            handed_out.setdefault(TP(block.topic, 0), []).append(block)
        return handed_out

    async def _listen(self) -> None:
        waits = Waits()
        while not self.should_stop:
            await self.sleep(LISTEN_SECONDS)
            tell_silence(self._metrics.health, waits)

    def _block_past(self) -> None:
        self._left -= 1
        if not self._left:
            self._past.set()

    def _to_message(self, tp: TP, block: Block) -> ConsumerMessage:
        # Upwards for ever: a real offset would go back after an undo, and be dropped by Faust.
        self._number += 1
        value = cast(Any, block)
        now = time.time()
        return ConsumerMessage(
            tp.topic, tp.partition, self._number, now, 0, [], None, value, None, 0, 0, tp, generation_id=1
        )

    async def on_stop(self) -> None:
        """Nothing is committed here: what is in flight is abandoned, and read again by the next owner."""
        if self._watch is not None:
            self._watch.end()
        if self.unit is not None:
            # A watch of its own: a commit that comes back meanwhile must not end this one too.
            stopping = Watch(self.unit.close)
            stopping.begin(STOP_SECONDS, "asked to stop: Kafka's client has not let go")
            self.unit.stop()
            await self._in_kafka(self.unit.close)
            stopping.end()
        self._kafka.shutdown(wait=False)

    def assignment(self) -> set[TP]:
        return self._tps

    def topic_partitions(self, topic: str) -> int:
        return sum(tp.topic == topic for tp in self._tps)

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        return partition

    def highwater(self, tp: TP) -> int:
        return 0

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    async def position(self, tp: TP) -> int | None:
        return None

    async def seek_to_committed(self) -> dict[TP, int]:
        return {}

    async def perform_seek(self) -> None:
        pass

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        pass

    async def _seek(self, partition: TP, offset: int) -> None:
        pass

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        return True

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        pass

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)


class Producer(BaseProducer):
    """Outputs leave with the commit; Faust itself sends nothing."""

    logger = _FAUST

    async def flush(self) -> None:
        pass

    async def create_topic(self, *args: Any, **kwargs: Any) -> None:
        pass


class Transport(base.Transport):
    """The entry point `blocks` of faust.transports."""

    Consumer = Consumer
    Producer = Producer
    default_port = 9092
    driver_version = "blocks"

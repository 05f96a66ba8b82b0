"""A small pipeline over the real units and transport: a relay (sources → journal) and a counter (journal → out, states).

What the faults and the units are proven on. Nothing of the product's domain is in here.

    python -m tests.faults.demo relay|counter     with KAFKA, RUN and SLOT in the environment
"""

from __future__ import annotations

import logging
import math
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import structlog
from faust.types import StreamT

from streams import transport
from streams.blocks import Block, Kafka
from streams.metrics import Metrics
from streams.partition import Partition
from streams.settings import Settings
from streams.units import RelayUnit, StatefulUnit

SOURCES = {"one": 3, "two": 5}  # topic -> partitions, on purpose not the journal's
JOURNAL_PARTITIONS = 4


class Count:
    """How many, their sum and the last value of each source; the last in a piece of its own, gone at every seventh."""

    __slots__ = ("count", "last", "total")

    def __init__(self, count: int = 0, total: int = 0, last: dict[str, int] | None = None) -> None:
        self.count, self.total, self.last = count, total, last or {}

    def dump(self) -> dict[str, bytes | None]:
        return {
            "sum": orjson.dumps([self.count, self.total]),
            "last": orjson.dumps(self.last) if self.last else None,
        }

    @classmethod
    def load(cls, _: str, pieces: Mapping[str, bytes]) -> Count:
        count, total = orjson.loads(pieces["sum"])
        return cls(count, total, orjson.loads(pieces.get("last", b"{}")))


def step(state: Count | None, event: Mapping[str, Any], key: str) -> tuple[Count, list[dict[str, Any]]]:
    """Each fifth event of a key makes an output, whose id says all that came before."""
    state = state or Count()
    state.count += 1
    state.total += event["v"]
    state.last[event["s"]] = event["v"]
    if state.count % 7 == 0:
        state.last.clear()
    if state.count % 5:
        return state, []
    return state, [{"id": f"{key}/{state.count}", "total": state.total, "last": dict(state.last)}]


def names(run: str) -> dict[str, str]:
    """Logical names -> topics of one run."""
    return {name: f"{run}.{name}" for name in (*SOURCES, "journal", "out", "state", "marker")}


def partitions() -> dict[str, int]:
    """Logical names -> partitions."""
    own = dict.fromkeys(("journal", "out", "state"), JOURNAL_PARTITIONS)
    return {**SOURCES, **own, "marker": 1}


def relay_unit(kafka: Kafka, run: str, slot: str, **more: Any) -> RelayUnit:
    """The intake of the demo."""
    n = names(run)
    return RelayUnit(
        kafka,
        slot=f"{run}.relay.{slot}",
        group=f"{run}.relay",
        topics=[n[s] for s in SOURCES],
        marker=n["marker"],
        outputs=[n["journal"]],
        **more,
    )


def counter_unit(kafka: Kafka, run: str, slot: str, **more: Any) -> StatefulUnit:
    """The monitor of the demo."""
    n = names(run)
    return StatefulUnit(
        kafka,
        slot=f"{run}.counter.{slot}",
        group=f"{run}.counter",
        topics=[n["journal"]],
        changelog=n["state"],
        outputs=[n["out"]],
        load=Count.load,
        dump=Count.dump,
        **more,
    )


def relay(block: Block, journal: str) -> None:
    """Copies records, by key, with where they come from."""
    for m in block.records:
        origin = f"{block.topic}/{block.partition}/{m.offset()}"
        block.outputs.append((journal, m.key(), m.value(), [("origin", origin)], -1))


def count(block: Block, out: str) -> None:
    """Folds records into the states of their partition."""
    states: Partition = block.states
    for m in block.records:
        key = m.key().decode()
        state, outputs = step(states.get(key), orjson.loads(m.value()), key)
        states.put(key, state)
        for output in outputs:
            states.outputs.append((out, m.key(), orjson.dumps(output), [("ce_id", output["id"])]))


def main() -> None:
    """Run one worker of the demo until it is stopped."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    which, run, slot = sys.argv[1], os.environ["RUN"], os.environ["SLOT"]
    kafka, n = Kafka(os.environ["KAFKA"]), names(run)
    session = {"session_ms": int(os.environ.get("SESSION_MS", "6000"))}
    unit = relay_unit if which == "relay" else counter_unit
    data = Path(os.environ.get("DATA", "/tmp")) / run / slot
    metrics = Metrics("intake" if which == "relay" else "monitor", Settings(_env_file=None))
    topics = [n[s] for s in SOURCES] if which == "relay" else [n["journal"]]
    trouble = os.environ.get("TROUBLE", "")  # what the transport's own tests provoke

    def made() -> Any:
        one: Any = unit(kafka, run, slot, **session)
        if trouble in ("commit", "stop"):  # librdkafka does not come back
            one.commit = lambda blocks: time.sleep(1000)
            one.longest_answer = 2.0 if trouble == "commit" else math.inf
        return one

    app = transport.application(f"{run}.{which}", made, data, metrics)

    async def agent(blocks: StreamT[Any]) -> None:
        async for block in blocks:
            if trouble == "outside":
                raise RuntimeError("a mistake outside the block")
            if trouble == "hang":
                time.sleep(1000)
            with block:
                if trouble == "raise":
                    raise RuntimeError("a mistake inside the block")
                if which == "relay":
                    relay(block, n["journal"])
                else:
                    count(block, n["out"])

    app.agent(app.topic(*topics, **transport.TOPIC))(agent)
    if "PATIENCE" in os.environ:
        transport.PATIENCE_SECONDS = transport.STOP_SECONDS = float(os.environ["PATIENCE"])
    transport.run(app)


if __name__ == "__main__":
    main()

"""Three brokers that replicate, as a cluster has them; one after the other dies and comes again: nothing lost, nothing twice.

With a leader and a coordinator that move this takes other paths than one broker that goes away (test_broker.py).
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from tests.faults.harness import run
from tests.faults.test_pipeline import Pipeline
from tests.nodes import Nodes


@pytest.mark.faults
@pytest.mark.parametrize(("way", "seed"), [("live", 1), ("history", 2)])
def test_nothing_is_lost_and_nothing_twice_when_one_of_three_brokers_dies(
    tmp_path: Path, way: str, seed: int
) -> None:
    nodes, rnd = Nodes(tmp_path / "nodes", 3), random.Random(seed)
    kills = [0, 0, 0]
    try:
        pipeline = Pipeline(nodes.servers, "nodes", tmp_path / "run", way)
        fed = threading.Event()

        def kill_and_start() -> None:
            while not fed.wait(rnd.uniform(2, 6)) and sum(kills) < 8:
                number = rnd.randrange(3)
                nodes.kill(number)
                kills[number] += 1
                time.sleep(rnd.choice([0, 1, 6]))
                nodes.start(number)
                nodes.settle()

        def feed() -> None:
            killer = threading.Thread(target=kill_and_start)
            killer.start()
            pipeline.feed(12_000, seed, 150)
            fed.set()
            killer.join()

        report = run(
            pipeline.workers({"intake": 0.0, "monitor": 0.0}),
            feed=feed,
            done=pipeline.done,
            check=pipeline.differences,
            servers=pipeline.servers,
            markers=[pipeline.topic("intake-marker"), pipeline.topic("account-state")],
            directory=tmp_path / "run",
            seed=seed,
            kills=0,
            deaths=0,
        )
        print(f"{way}, seed {seed}: the brokers were killed {kills} times; {report.line()}")
        assert sum(kills) >= 3
        assert report.differences == []
    finally:
        nodes.stop()

"""Three brokers that replicate, as a cluster has them; one after the other dies and comes again: nothing lost, nothing twice.

With a leader and a coordinator that move this takes other paths than one broker that goes away (test_broker.py).
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import pytest

from tests.faults.test_pipeline import ALONE, Pipeline, put_through
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

        def kill_and_start(fed: threading.Event) -> None:
            while not fed.wait(rnd.uniform(2, 6)) and sum(kills) < 8:
                number = rnd.randrange(3)
                nodes.kill(number)
                kills[number] += 1
                time.sleep(rnd.choice([0, 1, 6]))
                nodes.start(number)
                nodes.settle()

        report = put_through(
            pipeline,
            seed=seed,
            count=12_000,
            kills=0,
            deaths=0,
            per_second=150,
            rates=ALONE,
            beside=kill_and_start,
        )
        print(f"the brokers were killed {kills} times")
        assert sum(kills) >= 3
        assert report.differences == []
    finally:
        nodes.stop()

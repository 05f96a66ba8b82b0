"""The broker itself dies while the product works, and comes again on its data: nothing is lost, nothing twice.

Workers are left alone here: what they do of their own when their broker goes is what is tested.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.faults.harness import ROOT
from tests.faults.test_pipeline import ALONE, Pipeline, put_through
from tests.ports import free_port

SERVE = """
import sys, time
from pathlib import Path
from streams.dev.processes import dev_services
from streams.settings import Settings

settings = Settings(_env_file=None, broker="dev", store="clickhouse://unused", data_dir=Path(sys.argv[1]))
with dev_services(settings) as services:
    print(services.children[0].pid, flush=True)
    while True:
        time.sleep(0.2)
        services.check()
"""


class Broker:
    """A dev broker on one port and one data directory, through several lives."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port, self.kills = directory, free_port(), 0
        self.start()

    def start(self) -> None:
        env = {**os.environ, "BELLWETHER_DEV_KAFKA_PORT": str(self.port)}
        for _ in range(20):  # the port of the one before may not be free at once
            self.server = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.directory)],
                env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            assert self.server.stdout is not None
            said = self.server.stdout.readline()
            if said:
                self.pid = int(said)
                return
            self.server.wait()
            time.sleep(0.5)
        raise AssertionError("the broker does not come again")

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.kills += 1
        self.server.wait(60)

    def stop(self) -> None:
        self.server.terminate()
        self.server.wait(60)


@pytest.mark.faults
@pytest.mark.parametrize(("way", "seed"), [("live", 1), ("history", 2), ("live", 3)])
def test_nothing_is_lost_and_nothing_twice_when_the_broker_dies(tmp_path: Path, way: str, seed: int) -> None:
    broker, rnd = Broker(tmp_path / "data"), random.Random(seed)
    try:
        pipeline = Pipeline(f"127.0.0.1:{broker.port}", "broker", tmp_path / "run", way)

        def kill_and_start(fed: threading.Event) -> None:
            while not fed.wait(rnd.uniform(4, 9)) and broker.kills < 6:
                broker.kill()
                time.sleep(rnd.choice([0, 0.5, 3, 8]))
                broker.start()

        report = put_through(
            pipeline,
            seed=seed,
            count=12_000,
            kills=0,
            deaths=0,
            per_second=200,
            rates=ALONE,
            beside=kill_and_start,
        )
        print(f"the broker was killed {broker.kills} times")
        assert broker.kills >= 2
        assert report.differences == []
    finally:
        broker.stop()

"""Faust workers on the block transport, as processes: how they end, and how they hand over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from tests.faults import demo, kit
from tests.faults.harness import ROOT
from tests.faults.test_demo import differences


class Workers:
    """Workers of the demo's counter, on topics of their own; ended with the test."""

    def __init__(self, servers: str, name: str, directory: Path) -> None:
        self.servers, self.name, self.names, self.directory = servers, name, demo.names(name), directory
        self.started: list[subprocess.Popen[bytes]] = []
        counts = {self.names[k]: n for k, n in demo.partitions().items()}
        kit.make_topics(servers, counts, [self.names["state"]])
        self.sent = 0

    def send(self, count: int) -> None:
        """Records of one source, as the relay would have journalled them."""
        numbers = range(self.sent, self.sent + count)
        records = [
            (self.names["one"], b"k%d" % (i % 50), orjson.dumps({"s": "one", "v": i})) for i in numbers
        ]
        kit.send(self.servers, records)
        self.sent += count

    def start(self, slot: str, which: str = "counter", **env: str) -> subprocess.Popen[bytes]:
        base = {"KAFKA": self.servers, "RUN": self.name, "SLOT": slot, "DATA": str(self.directory)}
        base |= {"SESSION_MS": "3000", "PATIENCE": "2", "PYTHONPATH": str(ROOT)}
        out = self.log(slot).open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.demo", which],
            env={**os.environ, **base, **env},
            stdout=subprocess.PIPE,
            stderr=out,
            cwd=ROOT,
        )
        out.close()
        self.started.append(process)
        return process

    def log(self, slot: str) -> Path:
        return self.directory / f"{slot}.log"

    def relayed(self) -> bool:
        return not kit.unread(self.servers, f"{self.name}.relay", [self.names[s] for s in demo.SOURCES])

    def counted(self) -> bool:
        return self.relayed() and not kit.unread(
            self.servers, f"{self.name}.counter", [self.names["journal"]]
        )


@pytest.fixture
def workers(kafka: str, namespace: str, tmp_path: Path) -> Iterator[Workers]:
    made = Workers(kafka, namespace, tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.wait()


def until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + kit.WAIT
    while not what():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.05)


def test_a_worker_that_is_asked_to_stop_exits_0_and_says_nothing_on_stdout(workers: Workers) -> None:
    workers.send(500)
    relay, counter = workers.start("r", "relay"), workers.start("c")
    until(workers.counted)
    for process, number in ((relay, signal.SIGTERM), (counter, signal.SIGINT)):
        process.send_signal(number)
        out, _ = process.communicate(timeout=kit.WAIT)
        assert process.returncode == 0
        assert out == b""
    assert differences(workers.servers, workers.name, workers.sent) == []


def test_another_worker_takes_over_when_one_is_killed_and_when_one_leaves(workers: Workers) -> None:
    workers.send(500)
    workers.start("r", "relay")
    first, second = workers.start("a"), workers.start("b")
    until(workers.counted)
    first.kill()
    workers.send(500)
    until(workers.counted)
    third = workers.start("c")
    workers.send(500)
    until(workers.counted)
    second.terminate()
    assert second.wait(kit.WAIT) == 0
    workers.send(500)
    until(workers.counted)
    assert third.poll() is None
    assert differences(workers.servers, workers.name, workers.sent) == []


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("outside", b"an agent is not past its blocks after 2 s"),
        ("hang", b"an agent is not past its blocks after 2 s"),
        ("commit", b"Kafka's client has not come back from a commit after 2 s"),
        ("raise", b"failed 5 times in a row, last with RuntimeError: a mistake inside the block"),
    ],
)
def test_an_agent_that_can_not_go_on_ends_its_process(workers: Workers, trouble: str, reason: bytes) -> None:
    workers.send(50)
    process = workers.start("r", "relay", TROUBLE=trouble)
    assert process.wait(kit.WAIT) == 1
    assert reason in workers.log("r").read_bytes().splitlines()[-1]


def test_a_worker_whose_commit_hangs_ends_when_it_is_asked_to_stop(workers: Workers) -> None:
    workers.send(50)
    process = workers.start("r", "relay", TROUBLE="stop")
    until(lambda: b"assigned" in workers.log("r").read_bytes())
    time.sleep(1)  # it is in its commit, for ever
    process.terminate()
    assert process.wait(kit.WAIT) == 1
    said = workers.log("r").read_bytes().splitlines()[-1]
    assert b"asked to stop: Kafka's client has not let go after 2 s" in said


def test_a_worker_without_topics_says_so_in_one_line_and_exits_1(workers: Workers) -> None:
    process = workers.start("c", RUN="nothing-here")
    assert process.wait(kit.WAIT) == 1
    said = workers.log("c").read_text()
    assert "bellwether topics --create" in said.splitlines()[-1]
    assert "Traceback" not in said


def listens(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for this signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (number - 1) & 1)


def test_a_worker_that_still_waits_for_its_broker_can_be_stopped(workers: Workers) -> None:
    process = workers.start("c", KAFKA="127.0.0.1:9")
    until = time.monotonic() + kit.WAIT
    while not listens(process.pid, signal.SIGTERM) and time.monotonic() < until:
        time.sleep(0.1)
    process.terminate()
    assert process.wait(kit.WAIT) == 0

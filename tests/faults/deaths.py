"""Deaths inside commits, and deliberate mistakes, put into a worker process from outside (see hook/sitecustomize.py).

FAULTS in the environment is JSON: {"log": path, "begun": path that exists when any worker has committed, "fed": path
that exists when all records were sent, "rate": deaths a second of a life, "most": deaths a run, "seed": …, "mistake":
…, "session_ms": …}.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import confluent_kafka as ck

from streams import blocks

# Where in a commit a worker may die: records sent, offsets pending, and just committed but not known to ourselves.
POINTS = ("sent", "offsets", "committed")
# What the harness must notice: restoring what was aborted; offsets committed beside the transaction.
MISTAKES = ("uncommitted", "offsets")


class Dying:
    """Decides at each point of each commit whether this process dies there.

    When and where is drawn once a life: how many commits a busy machine makes until then changes nothing. A death has
    commits before it and behind it, and the first of a run aborts its transaction: a run that went slowly proves as much.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.log, self.rate, self.most = Path(told["log"]), float(told["rate"]), int(told["most"])
        self.begun, self.fed = Path(told["begun"]), Path(told["fed"])
        self.mistake = bool(told.get("mistake"))
        self.random = random.Random(f"{told['seed']}/{os.getpid()}")
        self.commits = 0
        self.due: tuple[float, str] | None = None  # from which moment on, and at which point

    def committed(self) -> None:
        """A transaction of this process was committed."""
        self.commits += 1
        self.begun.touch()

    def maybe(self, point: str) -> None:
        """SIGKILL, or (one in six) SIGSTOP: the harness lets it go on as a zombie, when others have its partitions."""
        if not self.rate:
            return
        if self.due is None:
            # A mistake shows where what was sent is given up.
            first = self.mistake or not self.log.read_bytes()
            where = "offsets" if first else self.random.choice(POINTS)
            self.due = time.monotonic() + self.random.expovariate(self.rate), where
        moment, where = self.due
        if (
            point != where
            or time.monotonic() < moment
            or not self.begun.exists()
            or (self.fed.exists() and not self.mistake)
            or (died := len(self.log.read_bytes().splitlines())) >= self.most
        ):
            return
        self.due = None
        kind = "stop" if died and not self.mistake and self.random.random() < 1 / 6 else "kill"
        with self.log.open("a") as file:
            file.write(f"{json.dumps([point, kind, self.commits, time.time()])}\n")
        os.kill(os.getpid(), signal.SIGSTOP if kind == "stop" else signal.SIGKILL)


def install() -> None:
    """Replace the clients that `streams.blocks` makes by ones that die, or that err."""
    told = json.loads(os.environ["FAULTS"])
    mistake, dying, members = told.get("mistake", ""), Dying(told), list[ck.Consumer]()

    class Producer(ck.Producer):
        def flush(self, *args: Any) -> int:
            left: int = super().flush(*args)
            dying.maybe("sent")
            return left

        def send_offsets_to_transaction(self, offsets: Any, member: Any, *args: Any) -> None:
            if mistake == "offsets":
                members[0].commit(offsets=offsets, asynchronous=False)
            else:
                super().send_offsets_to_transaction(offsets, member, *args)
            dying.maybe("offsets")

        def commit_transaction(self, *args: Any) -> None:
            super().commit_transaction(*args)
            dying.committed()
            dying.maybe("committed")

    def producer(conf: dict[str, Any]) -> ck.Producer:
        return Producer(conf) if "transactional.id" in conf else ck.Producer(conf)

    def consumer(conf: dict[str, Any]) -> ck.Consumer:
        if mistake == "uncommitted" and conf["group.id"].endswith("-restore"):
            conf["isolation.level"] = "read_uncommitted"
        if "session.timeout.ms" in conf:
            conf["session.timeout.ms"] = int(told["session_ms"])
            conf["heartbeat.interval.ms"] = max(300, int(told["session_ms"]) // 5)
            members[:] = [ck.Consumer(conf)]
            return members[0]
        return ck.Consumer(conf)

    clients = ModuleType("clients")
    clients.__dict__.update({**ck.__dict__, "Producer": producer, "Consumer": consumer})
    blocks.ck = clients  # type: ignore[attr-defined]

"""Runs workers while records flow, kills them at random and inside commits, starts others, then compares.

It knows processes and time, not what flows: `feed`, `done` and `check` are given. All that it does follows from the
seed, but the operating system's timing; a run that fails is kept (its logs are in the directory).
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from streams.slot import WHO
from tests.faults import kit

ROOT = Path(__file__).parents[2]
HOOK = Path(__file__).parent / "hook"
DEATHS, BEGUN, FED = "deaths.jsonl", "begun", "fed"
T = TypeVar("T")


@dataclass(frozen=True)
class Worker:
    """One worker to keep running. "{life}" in a value of env is the number of its lives so far.

    rate: how often it dies inside a commit, a second of its life, on average.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    rate: float = 0.15


@dataclass
class Report:
    """What was done to the workers, and what came of it."""

    differences: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)  # from outside, by kind
    deaths: Counter[str] = field(default_factory=Counter)  # inside commits, by point and kind
    exits: Counter[int] = field(default_factory=Counter)
    committed: int = 0  # transactions a marker partition, summed
    aborted: int = 0
    least_before: int = 0  # the fewest commits before and after any one death inside a commit
    least_after: int = 0
    seconds: float = 0.0

    def line(self) -> str:
        """One line for the reader of a test run."""
        return (
            f"{'DIFFERS' if self.differences else 'equal'} in {self.seconds:.0f} s: killed {dict(self.kills)}, died in "
            f"commits {dict(self.deaths)}, exits {dict(self.exits)}, transactions {self.committed} committed, "
            f"{self.aborted} aborted; around each death at least {self.least_before} commits before, "
            f"{self.least_after} after"
        )


def run(
    workers: Sequence[Worker],
    *,
    feed: Callable[[], object],
    done: Callable[[], bool],
    check: Callable[[], list[str]],
    servers: str,
    markers: Iterable[str],
    directory: Path,
    seed: int,
    kills: int,
    deaths: int,
    mistake: str = "",
    session_seconds: float = 2.0,
    limit: float = 900.0,
) -> Report:
    """Feed, kill and start again until done, then stop all and compare.

    kills: how many from outside (SIGKILL; SIGTERM; SIGSTOP past the session, then SIGCONT). deaths: how many inside
    commits at the most. markers: topics whose WHO records count the transactions. done is asked when all is fed and
    all kills are spent. check gives what differs.
    """
    report, rnd, began = Report(), random.Random(seed), time.time()
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / DEATHS
    log.touch()
    told: dict[str, object] = {
        "log": str(log),
        "begun": str(directory / BEGUN),
        "fed": str(directory / FED),
        "most": deaths,
        "seed": seed,
        "mistake": mistake,
        "session_ms": int(session_seconds * 1000),
    }
    crew = _Crew(workers, directory, told, report, session_seconds, rnd)
    fed, working = threading.Event(), threading.Event()
    trouble: list[BaseException] = []

    def feeding() -> None:
        try:
            while not crew.all_at_work() and time.time() - began < limit:
                time.sleep(0.2)  # else a slow start meets all records at once, with few commits to die in
            working.set()
            feed()
        except BaseException as error:
            trouble.append(error)
        (directory / FED).touch()
        fed.set()

    try:
        threading.Thread(target=feeding, daemon=True).start()
        next_kill, asked = 0.0, 0.0
        while True:
            crew.tend()
            now = time.time()
            # What a planted mistake has lost is waited for in vain: that tells it too, and sooner.
            if now - began > (limit if not mistake else min(limit, 150.0)):
                report.differences.append(f"not done after {now - began:.0f} s")
                break
            if trouble:
                raise trouble[0]
            if report.differences:
                break
            if not next_kill and working.is_set():
                next_kill = now + 3
            if next_kill and sum(report.kills.values()) < kills and now > next_kill and crew.kill():
                next_kill = now + rnd.uniform(0.5, 5)
            spent = sum(report.kills.values()) >= kills and not crew.sleeping
            if fed.is_set() and spent and now - asked > 0.5:
                asked = now
                if done():
                    break
            time.sleep(0.05)
    finally:
        crew.stop()
    if not report.differences:
        report.differences = check()
    _count(report, servers, markers, [json.loads(line) for line in log.read_text().splitlines()])
    report.seconds = time.time() - began
    return report


def lasting(records: Sequence[T], directory: Path, deaths: int) -> Iterator[T]:
    """The records, the last quarter a few at a time while fewer than so many workers died inside commits.

    A busy machine makes few commits until the last record is sent, and none dies after that. None dies from before the
    last one on: a commit follows every death.
    """
    log = directory / DEATHS
    for n, record in enumerate(records):
        if n > len(records) * 3 // 4 and len(log.read_bytes().splitlines()) < deaths:
            time.sleep(0.05)
        if n == len(records) - 1:
            (directory / FED).touch()
        yield record


class _Crew:
    """The workers: who runs, who sleeps (stopped), who is to be started again, and when."""

    def __init__(
        self,
        workers: Sequence[Worker],
        directory: Path,
        told: Mapping[str, object],
        report: Report,
        session_seconds: float,
        rnd: random.Random,
    ) -> None:
        self.workers = {w.name: w for w in workers}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.sleeping: list[tuple[subprocess.Popen[bytes], float]] = []  # and when it goes on
        self.down = {name: time.time() for name in self.workers}  # and when it starts again
        self.zombies: list[subprocess.Popen[bytes]] = []  # whose slot runs again meanwhile
        self.lives = Counter[str]()
        self.quick = Counter[str]()  # deaths in a row soon after the start
        self.born: dict[int, float] = {}
        self.directory, self.told, self.report = directory, told, report
        self.session_seconds, self.rnd = session_seconds, rnd

    def tend(self) -> None:
        """Wake who slept enough, note who ended, start who is down."""
        now = time.time()
        for sleeper in [s for s in self.sleeping if now >= s[1]]:
            self.sleeping.remove(sleeper)
            _signal(sleeper[0], signal.SIGCONT)
        for process in [*self.running.values(), *self.zombies]:
            if process.poll() is None and not self._sleeps(process) and _stopped(process.pid):
                self._sleep(process)  # stopped by itself, inside a commit
        for zombie in [z for z in self.zombies if z.poll() is not None]:
            self.report.exits[zombie.returncode] += 1
            self.zombies.remove(zombie)
        for name, process in list(self.running.items()):
            if process.poll() is None:
                continue
            self.report.exits[process.returncode] += 1
            soon = process.returncode > 0 and now - self.born[process.pid] < 5
            self.quick[name] = self.quick[name] + 1 if soon else 0
            if self.quick[name] > 5:
                last = self._log(name).read_text(errors="replace").strip().splitlines()[-1:]
                self.report.differences.append(f"{name} can not go on: {last}")
            del self.running[name]
            self.down[name] = now + self.rnd.choice([0, 0, 0.3, 1.0])
        for name in [n for n, at in self.down.items() if now >= at]:
            del self.down[name]
            self._start(name)

    def kill(self) -> bool:
        """Do something bad to a worker that runs; False when none does."""
        awake = [
            n for n, p in self.running.items() if not self._sleeps(p) and time.time() - self.born[p.pid] > 2
        ]
        if not awake:
            return False
        name = self.rnd.choice(awake)
        process = self.running[name]
        kind = self.rnd.choices(["kill", "term", "stop", "replace"], [12, 2, 2, 2])[0]
        self.report.kills[kind] += 1
        if kind == "kill":
            _signal(process, signal.SIGKILL)
        elif kind == "term":
            _signal(process, signal.SIGTERM)
        else:
            _signal(process, signal.SIGSTOP)
            self._sleep(process)
            if kind == "replace":  # another is started in its place while it sleeps
                del self.running[name]
                self.zombies.append(process)
                self.down[name] = time.time() + 0.5
        return True

    def stop(self) -> None:
        """End all, and leave none."""
        everyone = [*self.running.values(), *self.zombies]
        for process in everyone:
            _signal(process, signal.SIGCONT)
            _signal(process, signal.SIGTERM)
        until = time.time() + 20
        for process in everyone:
            try:
                process.wait(max(0.1, until - time.time()))
            except subprocess.TimeoutExpired:
                self.report.differences.append(f"process {process.args!r} did not end when asked to")
                _signal(process, signal.SIGKILL)
                process.wait()

    def _start(self, name: str) -> None:
        worker = self.workers[name]
        self.lives[name] += 1
        own = {key: value.replace("{life}", str(self.lives[name])) for key, value in worker.env.items()}
        path = os.pathsep.join([str(HOOK), str(ROOT)])
        faults = json.dumps({**self.told, "rate": worker.rate})
        env = {**os.environ, **own, "FAULTS": faults, "PYTHONPATH": path}
        with self._log(name).open("ab") as out:
            process = subprocess.Popen(
                list(worker.command), env=env, stdout=out, stderr=out, cwd=ROOT, start_new_session=True
            )
        self.running[name], self.born[process.pid] = process, time.time()

    def all_at_work(self) -> bool:
        """Whether each worker has been given partitions once."""
        logs = [self._log(name) for name in self.workers]
        return all(log.exists() and b"assigned" in log.read_bytes() for log in logs)

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _sleeps(self, process: subprocess.Popen[bytes]) -> bool:
        return any(sleeper is process for sleeper, _ in self.sleeping)

    def _sleep(self, process: subprocess.Popen[bytes]) -> None:
        """Until its session is over and others have what it owned; sometimes only nearly so."""
        self.sleeping.append((process, time.time() + self.session_seconds * self.rnd.uniform(0.8, 2.5)))


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """To the worker and what it started."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass


def _stopped(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _count(
    report: Report, servers: str, markers: Iterable[str], deaths: Sequence[tuple[str, str, int, float]]
) -> None:
    times: list[float] = []
    for topic in markers:
        committed = [m.timestamp()[1] / 1000 for m in kit.read(servers, topic) if m.key() == WHO]
        times += committed
        report.aborted += sum(m.key() == WHO for m in kit.read(servers, topic, "read_uncommitted")) - len(
            committed
        )
    report.committed = len(times)
    for point, kind, _, _ in deaths:
        report.deaths[f"{point} {kind}"] += 1
    if deaths:
        report.least_before = min(sum(t < at for t in times) for _, _, _, at in deaths)
        report.least_after = min(sum(t > at for t in times) for _, _, _, at in deaths)

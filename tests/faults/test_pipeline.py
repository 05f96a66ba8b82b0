"""The product under kills: intake and monitor, two workers each, a simulated book through history or the other topics.

What is compared is committed, and read as subscribers read it.
"""

from __future__ import annotations

import datetime as dt
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.monitor import ENGINE
from agents.policy_text import policy_hash
from schemas.events import TOPIC_OF
from schemas.topics import INPUTS, TOPICS
from streams import simulate, topics_admin
from streams.audit import audit
from streams.blocks import Kafka
from streams.control import policy_adopted, send_control
from streams.murmur2 import partition_of
from streams.settings import Settings, policy_text
from tests.faults import kit
from tests.faults.deaths import MISTAKES
from tests.faults.harness import Report, Worker, lasting, run

PARTITIONS = 4
SMALL, AMPLE = 1, 0  # MB for accounts: with the small one all but a few are laid aside at each commit
# Deaths a second of a worker's life inside its commits, until there were as many as are allowed.
RATES = {"intake": 0.5, "monitor": 0.5}
LONG = {"intake": 0.1, "monitor": 0.1}
ALONE = {"intake": 0.0, "monitor": 0.0}  # no worker is killed, and none dies
# Restores are the monitor's alone.
HIGH = {"uncommitted": {"intake": 0.0, "monitor": 1.0}, "offsets": {"intake": 0.6, "monitor": 0.6}}
NOTHING = "no alert was emitted: a book in which nothing happens proves nothing"


class Pipeline:
    """One deployment in a namespace of its own."""

    def __init__(self, servers: str, namespace: str, directory: Path, way: str) -> None:
        self.servers, self.directory, self.way = servers, directory, way
        self.settings = Settings(
            broker=f"kafka://{servers}",
            namespace=namespace,
            journal_partitions=PARTITIONS,
            data_dir=directory,
        )
        topics_admin.create(Kafka(servers), self.settings)
        text = policy_text(self.settings)
        adopted = policy_adopted(text, policy_hash(text), ENGINE, dt.datetime.now(dt.UTC))
        send_control(Kafka(servers), self.settings, adopted)
        self.sent: list[tuple[str, bytes, bytes]] = []

    def topic(self, name: str) -> str:
        return self.settings.prefixed(TOPICS[name].name)

    def workers(self, rates: Mapping[str, float], memory_mb: int) -> list[Worker]:
        env = {
            "BELLWETHER_BROKER": self.settings.broker,
            "BELLWETHER_NAMESPACE": self.settings.namespace,
            "BELLWETHER_JOURNAL_PARTITIONS": str(PARTITIONS),
            "BELLWETHER_DATA_DIR": str(self.directory),
            "BELLWETHER_MEMORY_MB": str(memory_mb),
        }
        return [
            Worker(
                f"{app}-{slot}",
                (sys.executable, "-m", "streams", "worker", "--only", app),
                # Half of the workers come back under the name they had: both are allowed.
                {**env, "BELLWETHER_SLOT": slot if slot == "a" else f"{slot}{{life}}"},
                rate,
            )
            for app, rate in rates.items()
            for slot in ("a", "b")
        ]

    def events(self, count: int, seed: int) -> Iterator[tuple[str, bytes, bytes]]:
        """History: some months of a book, day by day, with its ticks.

        Live: the last weeks of more accounts; of the ticks only the first, the worker's own clock catches up by itself.
        """
        if self.way == "history":
            book = simulate.generate(count // 22, 8, seed)
        else:
            yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
            book = simulate.generate(count // 10, 1, seed, end=yesterday)
        ticks = 0
        for event in islice(book, count):
            tick = event["type"] == "clock.ticked"
            ticks += tick
            if tick and ticks > 1 and self.way == "live":
                continue
            name = "control" if tick else TOPIC_OF[event["type"]]
            yield self.topic(name), b"" if tick else event["account_id"].encode(), orjson.dumps(event)

    def feed(self, count: int, seed: int, per_second: float, deaths_at_least: int) -> None:
        records = lasting(list(self.events(count, seed)), self.directory, deaths_at_least)
        if self.way == "history":
            kit.send_to(self.servers, self._as_history(records), per_second)
        else:
            kit.send(self.servers, self._kept(records), per_second)

    def _kept(self, records: Iterator[tuple[str, bytes, bytes]]) -> Iterator[tuple[str, bytes, bytes]]:
        for record in records:
            self.sent.append(record)
            yield record

    def _as_history(
        self, records: Iterator[tuple[str, bytes, bytes]]
    ) -> Iterator[tuple[str, int, bytes, bytes]]:
        topic = self.topic("history")
        for record in records:
            self.sent.append(record)
            _, key, value = record
            for n in [partition_of(key, PARTITIONS)] if key else range(PARTITIONS):
                yield topic, n, key, value

    def done(self) -> bool:
        """Nothing is unread; the monitor writes to sources too, so intake is asked again.

        Live: also the worker's clock has ended yesterday.
        """
        sources, journal = [self.topic(s) for s in INPUTS], [self.topic("journal")]
        intake, monitor = self.settings.prefixed("intake"), self.settings.prefixed("monitor")
        if self.way == "live" and not any(
            event["type"] == "clock.ticked" and event["source"] == "bellwether"
            for event in (orjson.loads(m.value()) for m in kit.read(self.servers, self.topic("journal")))
        ):
            return False
        return not any(
            kit.unread(self.servers, group, topics)
            for group, topics in (
                (intake, sources),
                (monitor, journal),
                (intake, sources),
                (monitor, journal),
            )
        )

    def differences(self) -> list[str]:
        """What is wrong with the journal, and what the auditor finds wrong with outputs and states."""
        found = self._history_differences() if self.way == "history" else self._live_differences()
        findings = audit(Kafka(self.servers), self.settings)
        if not findings.outputs["alerts"]:
            found.append(NOTHING)
        by_topic: dict[str, list[str]] = {}
        for difference in findings.differences:
            by_topic.setdefault(difference.split(":")[0].split("/")[0], []).append(difference)
        return found + [
            f"{len(them)} differences in {topic}, as {them[0]}" for topic, them in by_topic.items()
        ]

    def _history_differences(self) -> list[str]:
        """Each journal partition is a policy and then its history partition, record for record."""
        want: dict[int, list[bytes]] = {n: [] for n in range(PARTITIONS)}
        for _, key, value in self.sent:
            for n in [partition_of(key, PARTITIONS)] if key else range(PARTITIONS):
                want[n].append(value)
        got: dict[int, list[bytes]] = {n: [] for n in range(PARTITIONS)}
        own = self.topic("history").encode()
        for m in kit.read(self.servers, self.topic("journal")):
            if dict(m.headers())["origin-topic"] == own:
                got[m.partition()].append(m.value())
        return [
            f"journal partition {n} holds {len(got[n])} records of {len(want[n])}, or in another order"
            for n in want
            if got[n] != want[n]
        ]

    def _live_differences(self) -> list[str]:
        """Each source record is journalled once (control: once a partition), those of an account in their order."""
        seen: Counter[tuple[bytes, bytes, bytes, int]] = Counter()
        last: dict[tuple[bytes, bytes, Any], int] = {}
        misordered = 0
        control = self.topic("control").encode()
        for m in kit.read(self.servers, self.topic("journal")):
            at = dict(m.headers())
            topic, offset = at["origin-topic"], at["origin-offset"]
            seen[topic, at["origin-partition"], offset, m.partition() if topic == control else -1] += 1
            lane = (topic, at["origin-partition"], m.partition() if topic == control else m.key())
            misordered += last.get(lane, -1) >= int(offset)
            last[lane] = int(offset)
        want: set[tuple[bytes, bytes, bytes, int]] = set()
        # Intake's clock may have written one more record when all else was done.
        read = kit.committed(self.servers, self.settings.prefixed("intake"), [self.topic(s) for s in INPUTS])
        refused = sum(1 for _ in kit.read(self.servers, self.topic("dead-letters")))
        for name in INPUTS:
            for m in kit.read(self.servers, self.topic(name)):
                if m.offset() >= read[m.topic(), m.partition()]:
                    continue
                if orjson.loads(m.value())["type"] == "book.reported":
                    continue
                origin = (m.topic().encode(), b"%d" % m.partition(), b"%d" % m.offset())
                want |= {(*origin, n) for n in (range(PARTITIONS) if name == "control" else (-1,))}
        found = []
        if missing := len(want - seen.keys()) - refused:
            found.append(f"{missing} source records are not in the journal")
        if more := len(seen.keys() - want) + sum(n - 1 for n in seen.values()):
            found.append(f"{more} journal records too many")
        if misordered:
            found.append(f"{misordered} records are not in the order of their source")
        return found


def put_through(
    pipeline: Pipeline,
    *,
    seed: int,
    count: int,
    kills: int,
    deaths: int,
    per_second: float,
    rates: Mapping[str, float],
    mistake: str = "",
    limit: float = 900,
    deaths_at_least: int = 0,
    beside: Callable[[threading.Event], object] = threading.Event.wait,
) -> Report:
    """The product under the harness. `beside` runs while records are fed; the event says that all of them are."""

    def feed() -> None:
        fed = threading.Event()
        other = threading.Thread(target=beside, args=(fed,))
        other.start()
        try:
            pipeline.feed(count, seed, per_second, deaths_at_least)
        finally:
            fed.set()
            other.join()

    report = run(
        pipeline.workers(rates, SMALL if seed % 2 == 0 else AMPLE),
        feed=feed,
        done=pipeline.done,
        check=pipeline.differences,
        servers=pipeline.servers,
        markers=[pipeline.topic("intake-marker"), pipeline.topic("account-state")],
        directory=pipeline.directory,
        seed=seed,
        kills=kills,
        deaths=deaths,
        mistake=mistake,
        limit=limit,
    )
    print(f"{pipeline.way}, seed {seed} {mistake}: {report.line()} {report.differences}")
    return report


@pytest.mark.parametrize(("way", "seed"), [("history", 1), ("live", 2)])
def test_nothing_is_lost_and_nothing_twice_under_kills(
    kafka: str, namespace: str, tmp_path: Path, way: str, seed: int
) -> None:
    pipeline = Pipeline(kafka, namespace, tmp_path, way)
    report = put_through(
        pipeline, seed=seed, count=20_000, kills=4, deaths=10, per_second=1000, rates=RATES, deaths_at_least=1
    )
    assert report.differences == []
    assert report.aborted > 0, "deaths inside commits"
    assert report.least_before > 0
    assert report.least_after > 0


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(10, 20))
@pytest.mark.parametrize("way", ["history", "live"])
def test_nothing_is_lost_and_nothing_twice_in_long_runs(
    kafka: str, namespace: str, tmp_path: Path, way: str, seed: int
) -> None:
    pipeline = Pipeline(kafka, namespace, tmp_path, way)
    report = put_through(
        pipeline, seed=seed, count=200_000, kills=15, deaths=25, per_second=4000, rates=LONG, limit=3600
    )
    assert report.differences == []
    assert report.least_before > 0
    assert report.least_after > 0


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_noticed(kafka: str, namespace: str, tmp_path: Path, mistake: str) -> None:
    pipeline = Pipeline(kafka, namespace, tmp_path, "live")
    report = put_through(
        pipeline, seed=3, count=4000, kills=1, deaths=12, per_second=330, rates=HIGH[mistake], mistake=mistake
    )
    assert [difference for difference in report.differences if difference != NOTHING]

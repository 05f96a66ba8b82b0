"""`make bench`: a book over all topics, daily ticks and all outputs, exactly once against the dev broker.

    python -m tests.bench [--accounts 20000] [--ticks 5]

Three runs over the same events, each with one worker an app: the monitor alone over a filled journal; intake and monitor
over a filled history topic; the same with the store. Rates are events (ticks not counted) from the first commit that
is seen to the last. Beside them the fold alone, without Kafka, on one core.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from agents.monitor import ENGINE, Fold
from agents.policy_text import policy_hash
from schemas.topics import TOPICS
from streams.backtest import Result
from streams.backtest import run as backtest
from streams.blocks import Kafka
from streams.commands.worker import start_all
from streams.control import policy_adopted, send_control
from streams.dev.processes import Crew, Running, dev_services
from streams.feeds.history import ToHistory
from streams.lag import Lag
from streams.murmur2 import partition_of
from streams.settings import Settings, policy_text
from streams.store.migrate import migrate
from streams.topics_admin import create
from tests.bench.book import read_book, write_book


def fill_journal(
    kafka: Kafka, settings: Settings, events: Iterable[tuple[str | None, bytes]], policy: bytes
) -> None:
    """What intake would have written, without intake."""
    topic, history = (settings.prefixed(TOPICS[name].name) for name in ("journal", "history"))
    partitions = kafka.partitions([topic])[topic]
    producer = kafka.producer({"linger.ms": 50, "batch.size": 1 << 20, "compression.type": "lz4"})
    headers: list[tuple[str, str | bytes | None]] = [
        ("origin-topic", history.encode()),
        ("origin-partition", b"0"),
        ("origin-offset", b"0"),
    ]
    homes: dict[str, int] = {}

    def send(raw: bytes, key: bytes, partition: int) -> None:
        while True:
            try:
                producer.produce(topic, raw, key, partition, headers=headers)
                return
            except BufferError:
                producer.poll(0.1)

    for partition in range(partitions):
        send(policy, b"", partition)
    for account, raw in events:
        if account is None:
            for partition in range(partitions):
                send(raw, b"", partition)
        else:
            home = homes.get(account)
            if home is None:
                home = homes[account] = partition_of(account.encode(), partitions)
            send(raw, account.encode(), home)
    producer.flush(120)


def timed(
    kafka: Kafka, settings: Settings, crew: Crew, watched: list[tuple[str, tuple[str, ...] | None]]
) -> float:
    """Seconds from the first commit that is seen until none of the watched groups has anything left."""
    lag = Lag(kafka, settings)
    began = None
    group, topics = watched[0]
    try:
        while True:
            crew.check()
            done = sum(done for _, done in lag.of(group, topics).values())
            if began is None and done > 4:
                began = time.monotonic()
            if began is not None and all(lag.idle(group, topics) for group, topics in watched):
                return time.monotonic() - began
            time.sleep(0.05)
    finally:
        lag.close()


def one(name: str, base: Settings, services: Running, path: Path, apps: tuple[str, ...]) -> float:
    """Seconds that these apps take over the book, one worker each."""
    settings = base.model_copy(update={"namespace": name})
    kafka = Kafka(services.kafka_servers)
    create(Kafka(services.kafka_servers), settings)
    text = policy_text(settings)
    adopted = policy_adopted(text, policy_hash(text), ENGINE, datetime.now(UTC))
    if "intake" in apps:
        send_control(Kafka(services.kafka_servers), settings, adopted)
        with ToHistory(Kafka(services.kafka_servers), settings) as sink:
            for account, raw in read_book(path):
                if account is None:
                    sink.tick(raw)
                else:
                    sink.event(account, raw)
    else:
        fill_journal(kafka, settings, read_book(path), orjson.dumps(adopted))
    if "store" in apps:
        migrate(services.clickhouse, settings.namespace)
    watched: list[tuple[str, tuple[str, ...] | None]] = [("monitor", ("journal",))]
    if "intake" in apps:
        watched.insert(0, ("intake", ("history",)))
    if "store" in apps:
        watched.append(("store", None))
    crew = Crew(start_all(apps, settings, {"BELLWETHER_SLOT": "bench"}, quiet=True))
    try:
        return timed(kafka, settings, crew, watched)
    finally:
        crew.stop()


def _alone(path: Path, settings: Settings) -> tuple[Result, float, float]:
    """The fold of the file without Kafka: what it found, events a second, accounts that its ticks wake a second."""
    spent = [0.0, 0]
    tick = Fold.tick

    def timed_tick(fold: Fold, *given: Any) -> Any:
        began = time.monotonic()
        answer = tick(fold, *given)
        spent[0] += time.monotonic() - began
        spent[1] += answer[1]
        return answer

    Fold.tick = timed_tick  # type: ignore[method-assign, assignment]
    try:
        began = time.monotonic()
        result = backtest(path, policy_text(settings))
        seconds = time.monotonic() - began
    finally:
        Fold.tick = tick  # type: ignore[method-assign]
    return result, result.events / seconds, spent[1] / spent[0]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument(
        "--ticks", type=int, default=5, help="days that end with a tick, the last of the book"
    )
    arguments = parser.parse_args()
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    with tempfile.TemporaryDirectory(prefix="bellwether-bench-") as name:
        directory = Path(name)
        settings = Settings(_env_file=None, data_dir=directory)
        path = directory / "book.jsonl"
        writer = get_context("spawn").Process(
            target=write_book, args=(path, arguments.accounts, arguments.ticks)
        )
        writer.start()
        writer.join()
        if writer.exitcode:
            raise SystemExit(f"the book was not made: exit code {writer.exitcode}")
        result, alone, woken = _alone(path, settings)
        count = result.events
        print(f"{count:,} events of {arguments.accounts:,} accounts, {arguments.ticks} daily ticks")
        emitted = ", ".join(f"{n:,} {topic}" for topic, n in sorted(result.records.items()))
        print(f"emitted: {emitted}")
        print(f"{'the fold alone, from a file':44}{alone:>10,.0f} events/s", flush=True)
        print(f"{'of it, a tick':44}{woken:>10,.0f} accounts woken/s", flush=True)
        del result
        with dev_services(settings) as services:
            for label, namespace, apps in (
                ("the monitor's hop", "bench1", ("monitor",)),
                ("intake and monitor", "bench2", ("intake", "monitor")),
                ("intake, monitor and store", "bench3", ("intake", "monitor", "store")),
            ):
                rate = count / one(namespace, settings, services, path, apps)
                print(f"{label:44}{rate:>10,.0f} events/s", flush=True)


if __name__ == "__main__":
    main()

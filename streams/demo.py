"""The demo: a simulated book through real Kafka into a real store, counted on both sides. Made of the pieces that users run.

The command's words and pictures are streams/commands/demo.py.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import orjson

from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.dev.kafka import Progress
from streams.dev.processes import runs
from streams.errors import Refused
from streams.feeds.history import ToHistory
from streams.lag import Lag
from streams.reading import read_partitions
from streams.settings import Settings
from streams.simulate import generate
from streams.store import queries
from streams.store.client import Client

MARK = "demo"  # a file in the data directory: what is in it was made by a demo, and the next one may clear it
OURS = ("kafka", "clickhouse", "faust", "logs")
MONTHS = 12
SEED = 7

COUNTED = {"alerts": "alerts", "limit-proposals": "proposals", "snapshots": "snapshots"}


@dataclass(slots=True)
class Summary:
    """What went through: records read back from the topics, rows from the store."""

    events: int = 0
    alerts: int = 0
    proposals: int = 0
    snapshots: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, object]:
        """The contract's summary."""
        return {
            "events": self.events,
            "alerts": self.alerts,
            "proposals": self.proposals,
            "snapshots": self.snapshots,
            "rows": self.rows,
            "seconds": round(self.seconds, 1),
        }

    def missing(self) -> list[str]:
        """Where the store differs from the topics, a sentence each."""
        emitted = {
            "events": self.events,
            "alerts": self.alerts,
            "proposals": self.proposals,
            "snapshots": self.snapshots,
        }
        return [
            f"{count:,} {name} were emitted and {self.rows.get(name, 0):,} are stored"
            for name, count in emitted.items()
            if self.rows.get(name, 0) != count
        ]


def prepare(settings: Settings) -> None:
    """Clear what an earlier demo left in the data directory. Raises Refused where one runs, or where other data lie."""
    directory = settings.data_dir
    if runs(settings):
        raise Refused(
            f"services run on {directory} already: end that demo or `bellwether dev` first, or give this one another "
            "place, for example BELLWETHER_DATA_DIR=.bellwether-demo"
        )
    mark = directory / MARK
    if mark.exists():
        for name in OURS:
            shutil.rmtree(directory / name, ignore_errors=True)
    elif any((directory / name).exists() for name in OURS):
        raise Refused(
            f"{directory} holds the data of `bellwether dev`, and a demo starts from nothing: "
            "give it another place, for example BELLWETHER_DATA_DIR=.bellwether-demo"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        mark.write_text("made by `bellwether demo`; the next demo clears this directory\n")
    except OSError as error:
        raise Refused(
            f"cannot write to {directory}: {error.strerror}; set BELLWETHER_DATA_DIR to a directory of yours"
        ) from error


def feed(kafka: Kafka, settings: Settings, accounts: int, end: date, progress: Progress) -> int:
    """Send the simulated book onto the history topic; how many events there were, ticks not counted."""
    sent = 0
    with ToHistory(kafka, settings) as sink:
        for event in generate(accounts, MONTHS, SEED, end):
            raw = orjson.dumps(event)
            if event["type"] == "clock.ticked":
                sink.tick(raw)
            else:
                sink.event(event["account_id"], raw)
                sent += 1
                if not sent % 2000:
                    progress("events sent", sent, 0)
    progress("events sent", sent, sent)
    return sent


def settle(
    kafka: Kafka, settings: Settings, progress: Progress, check: Callable[[], None], seconds: float = 900
) -> None:
    """Wait until intake, monitor and store have nothing left to read. `check` raises when one of them has died."""
    lag = Lag(kafka, settings)
    stages = (
        ("journalled", "intake", ("history",)),
        ("decided", "monitor", ("journal",)),
        ("stored", "store", None),
    )
    until = time.monotonic() + seconds
    try:
        while True:
            check()
            left = 0
            for label, group, topics in stages:
                counts = lag.of(group, topics).values()
                behind = sum(b for b, _ in counts)
                done = sum(d for _, d in counts)
                progress(label, done, done + behind)
                left += behind
            if not left and all(lag.idle(group, topics) for _, group, topics in stages):
                return
            if time.monotonic() > until:
                raise Refused(
                    f"{left:,} records are still unread after {seconds:.0f} s; the logs of the workers say why"
                )
            time.sleep(0.3)
    finally:
        lag.close()


def count(kafka: Kafka, settings: Settings, client: Client, seconds: float) -> Summary:
    """Count the records on the topics and the rows in the store, each on its own."""
    summary = Summary(seconds=seconds)
    names = {name: settings.prefixed(TOPICS[name].name) for name in ("journal", *COUNTED)}
    seen = {
        name: sum(name != "journal" or bool(record.key()) for record in read_partitions(kafka, topic))
        for name, topic in names.items()
    }
    summary.events, summary.alerts = seen["journal"], seen["alerts"]
    summary.proposals, summary.snapshots = seen["limit-proposals"], seen["snapshots"]
    stored = queries.counts(client)
    summary.rows = {
        "events": queries.events_stored(client),
        **{label: stored[label] for label in COUNTED.values()},
    }
    return summary


def yesterday() -> date:
    """The last day of the demo's book: live events go on from there."""
    return datetime.now(UTC).date() - timedelta(days=1)

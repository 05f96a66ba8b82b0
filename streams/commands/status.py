"""`bellwether status`: lag, freshness by feed, dead letters, open alerts, each in a line or two."""

from __future__ import annotations

from datetime import UTC, datetime

import click
import confluent_kafka as ck
from rich.console import Console
from rich.table import Table

from schemas.topics import SOURCES, TOPICS
from streams.blocks import Kafka, patiently, watermarks
from streams.commands.options import full_width, settings
from streams.control import not_in_force, read_control
from streams.dev.processes import clickhouse_dsn, kafka_servers
from streams.errors import Refused
from streams.lag import READS, Lag, open_transactions
from streams.reading import read_partitions
from streams.settings import Settings
from streams.store import queries
from streams.store.client import connect, database_name

PATIENCE = 10.0  # seconds for the store, and for letters of an open transaction: who asks at night wants to hear what hangs
_NEAR = 64  # offsets from the end: the last may be marks of transactions, and what was given up
# Offsets of letters that are read to count them: of more, who asks wants an answer and no census
COUNTED = 100_000


@click.command()
def status() -> None:
    """Lag, freshness by feed, dead letters, open alerts."""
    config = settings()
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    console = full_width()
    control = read_control(kafka, config)
    ended = control.last_tick or "none yet, a backfill's days aside"
    console.print(
        f"policy {control.policy_hash or 'none adopted yet'}; last day ended: {ended}", highlight=False
    )
    if said := not_in_force(control, config):
        console.print(said, highlight=False, markup=False, soft_wrap=True)
    lag = Lag(kafka, config)
    behind = Table(title="Lag", title_justify="left")
    for name in ("worker", "topic", "records behind"):
        behind.add_column(name, justify="right" if name == "records behind" else "left")
    for group in READS:
        for topic, (left, _) in lag.of(group).items():
            if left or topic in ("journal", "history"):
                behind.add_row(group, topic, f"{left:,}")
    lag.close()
    console.print(behind)
    _transactions(console, kafka, config)
    console.print(_freshness(kafka, config))
    _store(console, config)


def _transactions(console: Console, kafka: Kafka, config: Settings) -> None:
    """What no lag shows: records behind a transaction that nobody ends."""
    for (topic, partition), offset in sorted(open_transactions(kafka, config, sorted(TOPICS)).items()):
        console.print(
            f"{topic}/{partition}: a transaction is open at offset {offset}, and nobody is given what is behind it: "
            "BellwetherTransactionHangs in deploy/runbook.md",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def _freshness(kafka: Kafka, config: Settings) -> Table:
    """When each feed last brought a record: a silent feed shows as such, it is never taken for good news."""
    shown = Table(title="Feeds", title_justify="left")
    for name in ("feed", "records", "newest", "age"):
        shown.add_column(name, justify="right" if name in ("records", "age") else "left")
    names = {name: config.prefixed(TOPICS[name].name) for name in (*SOURCES, "history", "dead-letters")}
    counts = kafka.partitions(names.values())
    reader = kafka.reader(config.prefixed("status"))
    now = datetime.now(UTC)
    for name, topic in names.items():
        total, newest = 0, 0
        for n in range(counts[topic]):
            low, high = patiently(watermarks, reader, ck.TopicPartition(topic, n), 10)
            total += high - low
            if high > low:
                reader.assign([ck.TopicPartition(topic, n, max(low, high - _NEAR))])
                while (record := reader.poll(5)) is not None and record.error() is None:
                    newest = max(newest, record.timestamp()[1])
        records = f"{total:,}"
        if name == "dead-letters" and total:
            records = _letters(kafka, topic, total)
        at = datetime.fromtimestamp(newest / 1000, UTC) if newest else None
        nothing = "" if name == "dead-letters" else "silent"  # of those silence is good news
        age = nothing if at is None else _age((now - at).total_seconds())
        shown.add_row(name, records, at.strftime("%Y-%m-%d %H:%M:%S UTC") if at else "never", age)
    reader.close()
    return shown


def _letters(kafka: Kafka, topic: str, offsets: int) -> str:
    """How many letters there are, one by one: each transaction that wrote some has left a mark that is no letter."""
    try:
        if offsets <= COUNTED:
            return f"{sum(1 for _ in read_partitions(kafka, topic, seconds=PATIENCE)):,}"
    except Refused:  # a transaction is open there
        pass
    return f"at most {offsets:,}"


def _age(seconds: float) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"


def _store(console: Console, config: Settings) -> None:
    try:
        dsn = clickhouse_dsn(config)
        client = connect(dsn, database_name(dsn, config.namespace), timeout=PATIENCE)
        alerts = queries.ask(client, "open_alerts_by_severity", {"history": False})
    except Refused as error:
        console.print(f"the store does not answer: {error}", markup=False)
        return
    if not alerts:
        console.print("no open alerts")
    for row in alerts:
        console.print(
            f"severity {row['severity']}: {_many(row['alerts'], 'open alert')} on {_many(row['accounts'], 'account')}",
            highlight=False,
        )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"

"""`bellwether demo`: services, workers and a simulated book in one command, and what there is to see of it."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click
import confluent_kafka as ck
import orjson
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.table import Table

from schemas.events import TOPIC_OF
from schemas.topics import TOPICS
from streams import demo as steps
from streams.blocks import Kafka
from streams.commands.dev import told_to_stop, where_tables_are
from streams.commands.options import progress_bar, settings
from streams.control import policy_adopted, send_control
from streams.dev.kafka import Progress as Stages
from streams.dev.processes import Crew, Running, dev_services
from streams.errors import Refused
from streams.settings import Settings, policy_text
from streams.simulate import live_events
from streams.store import queries
from streams.store.client import connect, database_name

LIVE_PER_SECOND = 2.0
STAGES = ("events sent", "journalled", "decided", "stored")


@click.command()
@click.option("--once", is_flag=True, help="Stop when all is stored and print the summary.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON on stdout.")
@click.option(
    "--accounts", default=120, show_default=True, type=click.IntRange(1, 100_000), help="Size of the book."
)
def demo(once: bool, as_json: bool, accounts: int) -> None:
    """A simulated book of 12 months through real Kafka and ClickHouse; then the accounts that turned, and live events."""
    began = time.monotonic()
    from streams.web.address import at_hand

    config = at_hand(settings())
    if config.broker != "dev" or config.store != "dev":
        raise Refused(
            "a demo brings its own Kafka and ClickHouse: unset BELLWETHER_BROKER and BELLWETHER_STORE"
        )
    console = Console(stderr=as_json)
    failed = False
    with told_to_stop(), progress_bar() as bar:
        show = _bars(bar)
        with _services(config, show, page=not once) as (services, crew):
            kafka = Kafka(services.kafka_servers, config.kafka_config)

            def check() -> None:
                services.check()
                crew.check()

            steps.feed(kafka, config, accounts, steps.yesterday(), show)
            steps.settle(kafka, config, show, check)
            bar.stop()
            client = connect(services.clickhouse, database_name(services.clickhouse, config.namespace))
            summary = steps.count(kafka, config, client, time.monotonic() - began)
            for line in summary.missing():
                failed = True
                click.echo(f"bellwether: {line}", err=True)
            console.print(_turned(queries.ask(client, "turned", {"severity": 3, "limit": 15})))
            console.print(
                f"{summary.events:,} events, {summary.alerts:,} alert records, {summary.proposals:,} proposal records and "
                f"{summary.snapshots:,} snapshots; {'not all are' if failed else 'each of them is'} stored. "
                f"{summary.seconds:.0f} s.",
                highlight=False,
            )
            if as_json:
                sys.stdout.buffer.write(orjson.dumps(summary.as_dict()) + b"\n")
                sys.stdout.flush()
            if not once:
                console.print(_where(config, services), highlight=False, soft_wrap=True)
                _live(console, kafka, config, accounts, check)
    if failed:
        sys.exit(1)


@contextlib.contextmanager
def _services(config: Settings, show: Stages, page: bool) -> Iterator[tuple[Running, Crew]]:
    """Services, topics, tables, policy and workers, started in order and stopped in reverse."""
    from agents.monitor import ENGINE
    from agents.policy_text import policy_hash
    from streams.commands.worker import APPS, PAGE, start_all
    from streams.store.migrate import migrate
    from streams.topics_admin import create

    show("starting Kafka and ClickHouse", 0, 0)
    steps.prepare(config)
    with dev_services(config, progress=show) as services:
        show("starting the workers", 0, 0)
        create(Kafka(services.kafka_servers, config.kafka_config), config)
        migrate(services.clickhouse, config.namespace)
        text = policy_text(config)
        adopted = policy_adopted(text, policy_hash(text), ENGINE, datetime.now(UTC))
        send_control(Kafka(services.kafka_servers, config.kafka_config), config, adopted)
        crew = Crew(start_all((*APPS, PAGE) if page else APPS, config, quiet=True), restarts=0)
        try:
            yield services, crew
        finally:
            crew.stop()


def _bars(bar: Progress) -> Stages:
    tasks: dict[str, TaskID] = {}

    def show(stage: str, done: int, total: int) -> None:
        if not stage:
            return
        if stage not in STAGES:
            if tasks.get("step") is None:
                tasks["step"] = bar.add_task(stage, total=None)
            bar.update(tasks["step"], description=stage, completed=done, total=total or None)
            return
        if "step" in tasks:
            bar.remove_task(tasks.pop("step"))
        if stage not in tasks:
            tasks[stage] = bar.add_task(stage, total=None)
        bar.update(tasks[stage], completed=done, total=total or None)

    return show


def _turned(rows: list[dict[str, Any]]) -> Table:
    """Two lines an account, so that 80 columns hold what there is to say."""
    shown = Table(title="The accounts that turned, the gravest first", title_justify="left", show_lines=True)
    shown.add_column("account", overflow="fold", min_width=16)
    shown.add_column("why", overflow="fold")
    shown.add_column("severity", justify="right", no_wrap=True)
    shown.add_column("alerts", justify="right", no_wrap=True)
    shown.add_column("proposal", overflow="fold", min_width=17)
    for row in rows:
        shown.add_row(
            f"{row['account_id']}\n{row['account_name'] or ''}",
            f"{row['title']}\nsince {row['since']}",
            str(row["worst"]),
            str(row["open_alerts"]),
            _proposal(row) if row["direction"] else "",
        )
    return shown


def _proposal(row: dict[str, Any]) -> str:
    now, proposed = (_amount(row[name], row["currency"]) for name in ("current_limit", "proposed_limit"))
    if row["direction"] != "hold":
        limit = f"{row['direction']} from {now} to {proposed}"
    else:
        limit = "hold, no limit is set" if row["current_limit"] is None else f"hold at {now}"
    return f"{limit}\n{row['proposal_status'] or ''}"


def _amount(value: Any, currency: str | None) -> str:
    return "none" if value is None else f"{value:,.0f} {currency or ''}".strip()


def _where(config: Settings, services: Running) -> str:
    from streams.web.address import sign_in_link

    return (
        f"\nThe page: {sign_in_link(config)}\n"
        f"Kafka is at {services.kafka_servers}, ClickHouse at {where_tables_are(config, services)}.\n"
        "From another terminal, in this folder: bellwether status, bellwether dead-letters list, bellwether explain.\n"
        "Live events follow; what they trigger is shown here. Ctrl-C ends the demo."
    )


def _live(console: Console, kafka: Kafka, config: Settings, accounts: int, check: Callable[[], None]) -> None:
    """Send live events until we are stopped, and show each alert and proposal as it comes."""
    over = threading.Event()
    threading.Thread(target=_show_alerts, args=(console, kafka, config, over), daemon=True).start()
    producer = kafka.producer({"enable.idempotence": True})
    topics = {name: config.prefixed(topic.name) for name, topic in TOPICS.items()}
    try:
        for event in live_events(
            accounts, steps.MONTHS, steps.SEED, lambda: datetime.now(UTC), steps.yesterday()
        ):
            producer.produce(topics[TOPIC_OF[event["type"]]], orjson.dumps(event), event["account_id"])
            producer.poll(0)
            check()
            time.sleep(1 / LIVE_PER_SECOND)
    finally:
        over.set()
        producer.flush(5)


def _show_alerts(console: Console, kafka: Kafka, config: Settings, over: threading.Event) -> None:
    consumer = kafka.consumer(
        {
            "group.id": config.prefixed("demo-screen"),
            "isolation.level": "read_committed",
            "auto.offset.reset": "latest",
            "enable.auto.commit": False,
        }
    )
    topics = {config.prefixed(TOPICS[name].name): name for name in ("alerts", "limit-proposals")}
    counts = kafka.partitions(topics)
    consumer.assign([ck.TopicPartition(t, n, ck.OFFSET_END) for t in topics for n in range(counts[t])])
    while not over.is_set():
        record: Any = consumer.poll(0.5)
        if record is None or record.error():
            continue
        body = orjson.loads(record.value())
        if topics[record.topic()] == "alerts":
            who = f"{body['account_id']} {body['account_name']}"
            line = f"alert {body['status']}: {who}: {body['title']} (severity {body['severity']})"
        else:
            line = (
                f"proposal {body['status']}: {body['account_id']}: {body['direction']} "
                f"{body['proposed_limit']} {body['currency']}"
            )
        console.print(f"{datetime.now(UTC):%H:%M:%S}  {line}", markup=False, highlight=False)
    consumer.close()

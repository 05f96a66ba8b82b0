"""`bellwether dev`: the dev services, topics, tables and workers in one command, until Ctrl-C.

How the services run stands in streams/dev, how the workers do in streams/commands/worker.py.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

import click

from streams.commands.options import settings
from streams.dev.kafka import Progress
from streams.dev.processes import Crew, Running, dev_services
from streams.settings import Settings

LOOK_EVERY = 0.5  # seconds between two looks at the children
RESTARTS = 3  # of a worker, within a minute


@click.command()
def dev() -> None:
    """Run Kafka, the ClickHouse engine and the workers on loopback until Ctrl-C; data stay in the data directory."""
    from streams.blocks import Kafka
    from streams.commands.worker import APPS, PAGE, start_all
    from streams.demo import MARK
    from streams.store.migrate import migrate
    from streams.topics_admin import create
    from streams.web.address import at_hand

    config = at_hand(settings())
    with told_to_stop(), terminal() as progress, dev_services(config, progress=progress) as services:
        # What a demo left here is worked on from now on: the next demo must not clear it.
        (config.data_dir / MARK).unlink(missing_ok=True)
        progress("creating topics", 0, 0)
        create(Kafka(services.kafka_servers, config.kafka_config), config)
        progress("making tables", 0, 0)
        migrate(services.clickhouse, config.namespace)
        crew = Crew(start_all((*APPS, PAGE), config, quiet=True), restarts=RESTARTS)
        try:
            progress("", 0, 0)
            click.echo(what_is_where(config, services, crew))
            while True:
                services.check()
                for line in crew.check():
                    click.echo(f"bellwether: {line}", err=True)
                time.sleep(LOOK_EVERY)
        finally:
            crew.stop()


def where_tables_are(config: Settings, services: Running) -> str:
    """ClickHouse and the namespace's database in it, without the password."""
    from streams.store.client import database_name

    return f"{services.shown} (database {database_name(services.clickhouse, config.namespace)})"


def what_is_where(config: Settings, services: Running, crew: Crew) -> str:
    """The table that `dev` shows once all is up."""
    from streams.web.address import sign_in_link

    rows = [
        ("the page", sign_in_link(config)),
        ("Kafka", services.kafka_servers),
        ("ClickHouse", where_tables_are(config, services)),
        *((child.name, f"process {child.pid}, log {child.log}") for child in crew.children),
        ("data", str(config.data_dir.absolute())),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(width)}  {where}" for name, where in rows]
    return "\n".join([*lines, "Other commands find these by themselves. Ctrl-C stops them; the data stay."])


@contextlib.contextmanager
def told_to_stop() -> Iterator[None]:
    """SIGTERM, SIGHUP and Ctrl-C end the block in order, and that is success: the user asked for it."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def terminal() -> Iterator[Progress]:
    """A progress on stderr: one line that is written over on a terminal, a line for each new step elsewhere."""
    on_terminal = sys.stderr.isatty()
    last = ""

    def show(step: str, done: int, total: int) -> None:
        nonlocal last
        if on_terminal:
            count = f" {done >> 20} of {total >> 20} MB" if total else ""
            sys.stderr.write(f"\r\x1b[2K{step}{count}")
            sys.stderr.flush()
        elif step and step != last:
            click.echo(step, err=True)
        last = step

    try:
        yield show
    finally:
        if on_terminal and last:
            sys.stderr.write("\r\x1b[2K")

"""`bellwether worker`: one of the apps in this process, or all of them as children that are watched together."""

from __future__ import annotations

import importlib
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from typing import NoReturn

import click

from streams.commands.options import settings
from streams.dev.processes import Child, kafka_servers, start, stop
from streams.errors import Refused
from streams.heap import few_collections
from streams.settings import Settings, environment

APPS = {"intake": "streams.intake", "monitor": "streams.monitor", "store": "streams.store.app"}
PAGE = "web"  # no Faust app: it reads the store and takes no partitions


@click.command()
@click.option(
    "--only", metavar="NAMES", help="Which of intake, monitor, store, web; with commas. Default: all but web."
)
def worker(only: str | None) -> None:
    """Run the workers of a cluster until SIGTERM or Ctrl-C. Start it again on other machines to share the partitions."""
    names = [name.strip() for name in only.split(",")] if only else list(APPS)
    for name in names:
        if name not in (*APPS, PAGE):
            raise Refused(f"--only {name}: there is no such worker; choose from {', '.join((*APPS, PAGE))}")
    config = settings()
    if len(names) == 1:
        run_here(names[0], config)
    kafka_servers(config)  # said once, not by every child
    children = start_all(names, config)
    sys.exit(watch(children))


def run_here(name: str, config: Settings) -> NoReturn:
    """Run one app in this process; ends the process."""
    from streams import logs
    from streams.blocks import Kafka
    from streams.topics_admin import check
    from streams.transport import run

    logs.configure(config.log_format)
    if name == PAGE:
        from streams.web.app import run as serve

        serve(config)
        sys.exit(0)
    module = importlib.import_module(APPS[name])
    check(Kafka(kafka_servers(config), config.kafka_config), config)
    with few_collections():
        run(module.build(config))


def start_all(
    names: Iterable[str], config: Settings, env: dict[str, str] | None = None, quiet: bool = False
) -> list[Child]:
    """Start one child an app. `quiet`: their logs go to files under the data directory instead of stderr."""
    children = []
    for name in names:
        log = None
        if quiet:
            log = config.data_dir / "logs" / f"{name}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "streams", "worker", "--only", name]
        children.append(start(name, command, log=log, env={**environment(config), **(env or {})}))
    return children


def watch(children: Sequence[Child]) -> int:
    """Wait until one of them ends or we are told to stop; then stop the others. The exit code for this process.

    One that ends by itself ends them all: whoever supervises us starts the whole anew, and no half of it runs on unseen.
    """
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: told.append(number))
    while not told:
        for child in children:
            if child.ended() is not None:
                stop(children)
                click.echo(f"bellwether: {child.death()}; the others were stopped", err=True)
                return 1
        time.sleep(0.2)
    stop(children)
    return 0

"""`bellwether worker`: one of the apps in this process, or all of them as children that are watched together."""

from __future__ import annotations

import importlib
import signal
import sys
import time
from collections.abc import Iterable
from typing import Final, NoReturn

import click

from streams.commands.options import settings
from streams.dev.processes import Child, kafka_servers, start, start_again, stop
from streams.errors import Refused
from streams.heap import few_collections
from streams.settings import OWN_COMMAND, Settings, environment

APPS = {"intake": "streams.intake", "monitor": "streams.monitor", "store": "streams.store.app"}
PAGE = "web"  # no Faust app: it reads the store and takes no partitions
DECIDE: Final = frozenset({"intake", "monitor"})
AGAIN: Final = 30.0  # seconds until a store or page that ended is started again


@click.command()
@click.option(
    "--only", metavar="NAMES", help="Which of intake, monitor, store, web; with commas. Default: all but web."
)
def worker(only: str | None) -> None:
    """Run the workers of a cluster until SIGTERM or Ctrl-C. Start it again on other machines to share the partitions."""
    names = list(APPS)
    if only is not None:
        names = list(dict.fromkeys(name.strip() for name in only.split(",") if name.strip()))
        if not names:
            raise Refused(f"--only names no worker; choose from {', '.join((*APPS, PAGE))}")
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
        command = [*OWN_COMMAND, "worker", "--only", name]
        children.append(start(name, command, log=log, env={**environment(config), **(env or {})}))
    return children


def watch(children: Iterable[Child], again: float = AGAIN) -> int:
    """Wait until we are told to stop, or one that decides ends by itself; then stop the others. The exit code of this process.

    Intake or the monitor ends them all: whoever supervises us starts the whole anew, and no half of it runs on unseen.
    Store and page decide nothing: beside one that does they are started again after `again` seconds, for as long as it
    takes, and no decision waits for a store that refuses.
    """
    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, frame: told.append(number))
    running = {child.name: child for child in children}
    due: dict[str, float] = {}
    while not told:
        now = time.monotonic()
        for name, child in running.items():
            if child.ended() is None:
                continue
            if name in DECIDE or DECIDE.isdisjoint(running):
                stop(running.values())
                click.echo(f"bellwether: {child.death()}; the others were stopped", err=True)
                return 1
            if name not in due:
                due[name] = now + again
                click.echo(
                    f"bellwether: {child.death()}; the others go on, it is started again in {again:g} s",
                    err=True,
                )
            elif now >= due[name]:
                del due[name]
                running[name] = start_again(child)
        time.sleep(0.2)
    stop(running.values())
    return 0

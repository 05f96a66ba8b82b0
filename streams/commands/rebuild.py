"""`bellwether rebuild`: the journal folded anew in another namespace, what differs, and the switch when it is told."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from agents.monitor import ENGINE
from streams.blocks import Kafka
from streams.commands.options import full_width, progress_bar, settings
from streams.commands.worker import start_all
from streams.dev.processes import Crew, kafka_servers
from streams.rebuild import Rebuilt
from streams.rebuild import rebuild as run
from streams.rebuild import switch as go_over

SHOWN = 10  # names of each kind


@click.command()
@click.option(
    "--into", required=True, metavar="NAMESPACE", help="An empty namespace, or one of an earlier run."
)
@click.option(
    "--partitions",
    type=click.IntRange(1, 1000),
    help="Partitions of the journal over there, where it is to have more or fewer than here.",
)
@click.option(
    "--switch", is_flag=True, help="Then make it the namespace to go on with; workers must have stopped."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, with every name.")
def rebuild(into: str, partitions: int | None, switch: bool, as_json: bool) -> None:
    """Copy the journal into another namespace, fold it there with this engine and show what differs.

    Nothing is deleted and the old namespace stays as it is.
    """
    config = settings()
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    with progress_bar(transient=True) as bar:
        tasks = {stage: bar.add_task(stage, total=None) for stage in ("copied", "decided")}
        found = run(
            kafka,
            config,
            into,
            lambda other: Crew(start_all(("monitor",), other, quiet=True)),
            lambda stage, done, total: bar.update(tasks[stage], completed=done, total=total),
            partitions,
        )
    left = go_over(kafka, config, into, Path(".env")) if switch else []
    if as_json:
        sys.stdout.buffer.write(
            orjson.dumps({"into": into, "engine": ENGINE, **asdict(found), "to_do": left}) + b"\n"
        )
        return
    _say(full_width(highlight=False), into, found)
    if left:
        click.echo(f"switched to {into}. Left for you:")
    for line in left:
        click.echo(f"- {line}")


def _say(console: Console, into: str, found: Rebuilt) -> None:
    console.print(
        f"{found.copied:,} journal records copied into {into} ({found.already:,} were there), folded by engine {ENGINE}"
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("", "before", "now", "gained", "lost", "changed"):
        table.add_column(name, justify="right" if name else "left")
    for name, difference in found.differences.items():
        counts = (len(names) for names in (difference.gained, difference.lost, difference.changed))
        table.add_row(
            name, f"{difference.before:,}", f"{difference.after:,}", *(f"{count:,}" for count in counts)
        )
    console.print(table)
    for name, difference in found.differences.items():
        for kind in ("gained", "lost", "changed"):
            names: list[str] = getattr(difference, kind)
            for one in names[:SHOWN]:
                console.print(f"  {kind}: {one}", markup=False)
            if len(names) > SHOWN:
                console.print(f"  and {len(names) - SHOWN:,} more {name} {kind}; --json has them all")
    if found.refused:
        console.print(
            f"{found.refused:,} records were refused over there: see `bellwether dead-letters list` under that namespace"
        )
    if all(difference.none() for difference in found.differences.values()):
        console.print("the rebuild says what was said")

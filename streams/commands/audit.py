"""`bellwether audit`: refolds the journal and compares; exit code 1 where the cluster differs."""

from __future__ import annotations

import sys

import click

from streams.audit import audit as run
from streams.blocks import Kafka
from streams.commands.options import progress_bar, settings
from streams.dev.processes import kafka_servers
from streams.heap import few_collections


@click.command()
def audit() -> None:
    """Refold the journal up to the committed offsets and compare states, alerts, proposals, statuses and snapshots with it.

    Run it while no events flow: what is in flight looks like a difference.
    """
    config = settings()
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    with progress_bar(transient=True) as bar:
        task = bar.add_task("refolding", total=None)
        with few_collections():
            found = run(kafka, config, lambda done, total: bar.update(task, completed=done, total=total))
    outputs = ", ".join(f"{count:,} {name}" for name, count in found.outputs.items())
    click.echo(
        f"{found.journal:,} journal records of {found.accounts:,} accounts refolded; emitted: {outputs}"
    )
    for difference in found.differences[:50]:
        click.echo(difference, err=True)
    if found.differences:
        click.echo(f"{len(found.differences):,} differences", err=True)
        if found.meanwhile:
            click.echo(
                f"{found.meanwhile:,} events were decided while this ran, and what they moved looks like a difference: run it "
                "again while none flow",
                err=True,
            )
        sys.exit(1)
    click.echo("states and outputs equal the refold")

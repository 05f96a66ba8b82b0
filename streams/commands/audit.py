"""`bellwether audit`: refolds the journal and compares; exit code 1 where the cluster or the store differs."""

from __future__ import annotations

import sys

import click

from streams.audit import OtherEngines
from streams.audit import audit as run
from streams.blocks import Kafka
from streams.commands.options import progress_bar, settings
from streams.dev.processes import kafka_servers, locate
from streams.heap import no_collections
from streams.passed_over import passed_over
from streams.settings import Settings

_TOLD = 50  # differences that are printed


@click.command()
def audit() -> None:
    """Refold the journal and compare states, alerts, proposals, statuses and snapshots with it; look whether intake has passed
    over a source record; then compare the rows of ClickHouse with the topics. Events may flow meanwhile.
    """
    from streams.store.held import held

    config = settings()
    dsn = locate(config).clickhouse
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    try:
        differ = _refolded(kafka, config)
    except OtherEngines as error:  # the store is held against what the topics say, whoever said it
        click.echo(f"bellwether: {error}", err=True)
        differ = True

    with progress_bar(transient=True) as bar:
        bar.add_task("asking what intake has read", total=None)
        unanswered = passed_over(kafka, config)
    if _tell(unanswered):
        differ = True
    there = held(kafka, config, dsn)  # a store that is away takes nothing of the above back
    late = f"; {there.waiting:,} records wait for the store" if there.waiting else ""
    click.echo(f"{there.rows:,} rows of the store compared with their records{late}")
    if _tell(there.differences):
        differ = True
    else:
        click.echo("the store equals the topics")
    if differ:
        sys.exit(1)


def _refolded(kafka: Kafka, config: Settings) -> bool:
    """Whether states or outputs differ from the refold; prints what was found."""
    with progress_bar(transient=True) as bar:
        task = bar.add_task("refolding", total=None)
        with no_collections():
            found = run(kafka, config, lambda done, total: bar.update(task, completed=done, total=total))
    outputs = ", ".join(f"{count:,} {name}" for name, count in found.outputs.items())
    click.echo(
        f"{found.journal:,} journal records of {found.accounts:,} accounts refolded; emitted: {outputs}"
    )
    differ = _tell(found.differences)
    if not differ:
        click.echo("states and outputs equal the refold")
    return differ


def _tell(differences: list[str]) -> bool:
    """Prints the first of them and how many there are; whether there is one."""
    for difference in differences[:_TOLD]:
        click.echo(difference, err=True)
    if differences:
        more = f", the first {_TOLD} of them above" if len(differences) > _TOLD else ""
        click.echo(f"{len(differences):,} differences{more}", err=True)
    return bool(differences)

"""`bellwether topics`: the table of topics beside the cluster's state, and what is missing created.

What the topics are stands in schemas/topics.py, how they are compared in streams/topics_admin.py.
"""

from __future__ import annotations

import click

from streams.commands.options import settings
from streams.topics_admin import State

DAY = 86_400_000  # milliseconds


@click.command()
@click.option(
    "--create", "creating", is_flag=True, help="Create what is missing; what is there is never changed."
)
def topics(creating: bool) -> None:
    """Show every topic and how it stands on the cluster; exit 1 when one is missing or different."""
    from streams.blocks import Kafka
    from streams.dev.processes import kafka_servers
    from streams.topics_admin import compare, create

    config = settings()
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    created = create(kafka, config) if creating else []
    states = compare(kafka, config)
    click.echo(table(states))
    for name in created:
        click.echo(f"created {name}")
    lines = [line for state in states for line in (*state.faults, *state.differences)]
    for line in lines:
        click.echo(line)
    if any(state.missing for state in states):
        click.echo("mend: bellwether topics --create")
    tools = "mend: change these settings with your cluster's tools (kafka-configs.sh, kafka-topics.sh for partitions)"
    if any(state.faults[state.grown :] and not state.missing for state in states):
        click.echo(f"{tools}; workers do not start while one would lose or misplace records")
    elif any(state.differences for state in states):
        click.echo(f"{tools}, or keep them knowingly")
    if lines:
        raise click.exceptions.Exit(1)


def table(states: list[State]) -> str:
    """The topics as aligned text: plain columns, so that it reads in a log and greps as well."""
    rows = [("TOPIC", "PARTITIONS", "RETENTION", "CLEANUP", "STATE", "PURPOSE")]
    rows += [
        (
            state.name,
            str(state.partitions or state.wanted_partitions),
            retention(state),
            state.topic.cleanup,
            "missing" if state.missing else "differs" if state.faults or state.differences else "ok",
            state.topic.purpose,
        )
        for state in states
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]])
        for row in rows
    )


def retention(state: State) -> str:
    """How long the table keeps a topic's records, in days."""
    if state.topic.cleanup == "compact":
        return "newest by key"
    if state.topic.retention_ms < 0:
        return "for ever"
    return f"{state.topic.retention_ms / DAY:g} days"

"""`bellwether restore-offsets`: gives the groups of intake and monitor their offsets back when Kafka has dropped them.

How they are found stands in streams/offsets.py.
"""

from __future__ import annotations

import click

from streams.commands.options import settings
from streams.offsets import Offsets


@click.command()
def restore_offsets() -> None:
    """Find again where intake and the monitor go on, after a pause longer than Kafka keeps offsets; workers must be stopped.

    Offsets that are there are never changed. Where intake's are gone, the whole journal is read.
    """
    from streams.blocks import Kafka
    from streams.dev.processes import kafka_servers
    from streams.offsets import restore_offsets as restore

    config = settings()

    def found(group: str, offsets: Offsets) -> None:
        if not offsets:
            click.echo(f"group {group}: its offsets are there, or it has never worked; nothing to do")
        for (topic, partition), offset in sorted(offsets.items()):
            click.echo(f"group {group}: {topic}/{partition} goes on at {offset}")

    restore(Kafka(kafka_servers(config), config.kafka_config), config, found)

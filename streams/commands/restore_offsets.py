"""`bellwether restore-offsets`: gives intake and the monitor the offsets back that Kafka has dropped or somebody has moved.

How they are found stands in streams/offsets.py.
"""

from __future__ import annotations

import click

from streams.commands.options import settings
from streams.offsets import Offsets


@click.command()
def restore_offsets() -> None:
    """Find again where intake and the monitor go on, after a pause longer than Kafka keeps offsets, or where somebody has
    moved the monitor's; workers must be stopped.

    The monitor's are those that its states belong to. Of intake, an offset that is there is never changed; where one is gone
    the whole journal is read.
    """
    from streams.blocks import Kafka
    from streams.dev.processes import kafka_servers
    from streams.offsets import restore_offsets as restore
    from streams.topics_admin import refuse_grown

    config = settings()

    def found(group: str, offsets: Offsets) -> None:
        if not offsets:
            click.echo(
                f"group {group}: its offsets are as they should be, or it has never worked; nothing to do"
            )
        for (topic, partition), offset in sorted(offsets.items()):
            click.echo(f"group {group}: {topic}/{partition} goes on at {offset}")

    kafka = Kafka(kafka_servers(config), config.kafka_config)
    refuse_grown(kafka, config)
    restore(kafka, config, found)

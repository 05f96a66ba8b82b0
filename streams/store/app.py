"""The store's Faust app: journal, outputs and what was refused into ClickHouse, a round at a time. Decides nothing.

python -m streams.store.app        or        faust -A streams.store.app worker
"""

from __future__ import annotations

from typing import Any

import faust

from schemas.topics import TOPICS
from streams import transport
from streams.blocks import Kafka
from streams.settings import Settings
from streams.store.rows import TOPICS_READ
from streams.store.unit import GROUP, StoreUnit


def make(settings: Settings, slot: str) -> faust.App:
    """The app of one worker. Opens nothing yet: the services are looked for when the worker starts."""

    def unit() -> StoreUnit:
        from streams.dev.processes import locate

        services = locate(settings)
        kafka = Kafka(services.kafka_servers, settings.kafka_config)
        return StoreUnit(kafka, services.clickhouse, settings, slot)

    app = transport.application(settings.prefixed(GROUP), unit, settings.data_dir / "faust" / slot)
    names = [settings.prefixed(TOPICS[name].name) for name in TOPICS_READ]

    @app.agent(app.topic(*names, **transport.TOPIC), name="store")
    async def store(blocks: Any) -> None:
        async for block in blocks:
            with block:
                pass  # nothing is decided here: the commit writes the blocks of one poll as one round

    return app


def default_slot(settings: Settings) -> str:
    """The settings' slot, else one of this host and process."""
    import os
    import socket

    return settings.slot or f"{socket.gethostname()}-{os.getpid()}-store"


def __getattr__(name: str) -> Any:
    """`app`, made from the settings when somebody asks for it (`faust -A` does)."""
    if name != "app":
        raise AttributeError(name)
    settings = Settings()
    return make(settings, default_slot(settings))


def main() -> None:
    """Runs one store worker in this process until SIGTERM or SIGINT."""
    settings = Settings()
    transport.run(make(settings, default_slot(settings)))


if __name__ == "__main__":
    main()

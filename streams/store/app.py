"""The store's Faust app: journal, outputs and what was refused into ClickHouse, a round at a time. Decides nothing.

Run it by `bellwether worker --only store`, or by `faust -A streams.store.app worker`.
"""

from __future__ import annotations

from typing import Any

import faust

from schemas.topics import TOPICS
from streams import transport
from streams.blocks import Kafka
from streams.by_faust import app_when_asked
from streams.dev.processes import locate
from streams.metrics import Metrics, serve
from streams.settings import Settings, slot_name
from streams.store.rows import TOPICS_READ
from streams.store.unit import GROUP, StoreUnit


def build(settings: Settings) -> faust.App:
    """The Faust app of one worker. Kafka and ClickHouse are looked for when it is started."""

    def unit() -> StoreUnit:
        services = locate(settings)
        kafka = Kafka(services.kafka_servers, settings.kafka_config)
        return StoreUnit(kafka, services.clickhouse, settings, slot_name(settings, GROUP))

    metrics = Metrics("store", settings)
    metrics.expect(("bellwether_events_total", name, "stored") for name in TOPICS_READ)
    serve(settings, metrics)
    app = transport.application(settings.prefixed(GROUP), unit, settings.data_dir / "faust" / GROUP, metrics)
    names = [settings.prefixed(TOPICS[name].name) for name in TOPICS_READ]

    @app.agent(app.topic(*names, **transport.TOPIC), name="store")
    async def store(blocks: Any) -> None:
        async for block in blocks:
            with block:  # nothing is decided here: the commit writes the blocks of one poll as one round
                name = metrics.logical[block.topic]
                block.tally["bellwether_events_total", name, "stored"] = len(block.records)

    return app


__getattr__ = app_when_asked(globals(), build)  # for `faust -A streams.store.app worker`

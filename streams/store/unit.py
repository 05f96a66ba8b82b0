"""The store's commit unit: blocks of Kafka in, rounds of rows into ClickHouse out, offsets in the table `ingested`.

Not here: how records become rows (rows.py), how they are written (sink.py), and Faust (app.py).

Two workers share the partitions as the group gives them out. One that lost its partitions without knowing may write a
round that the other writes too: the rows are the same and replace each other, and the greater next_offset stands.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from math import inf
from typing import Any, Final

import confluent_kafka as ck
from structlog import get_logger

from schemas.topics import TOPICS
from streams.blocks import TP, Block, Kafka, Source
from streams.errors import Fatal
from streams.settings import Settings
from streams.store.rows import TOPICS_READ
from streams.store.sink import Sink

log = get_logger(__name__)

GROUP: Final = "store"
ROUND_SECONDS = 1.0  # a round at most so often, …
FULL = 10_000  # … unless the last one brought so many records: then there is a backlog
SHOW_SECONDS = 5.0  # how often Kafka is told again up to where the store is
MOST = 100_000  # records of a round; librdkafka's own limit of 64 MB of fetched records bounds its bytes


class StoreUnit:
    """poll, commit, stop, close, as the transport asks; all but stop from one thread.

    Raises Refused when Kafka or ClickHouse cannot be used at the start, Fatal when going on would lose rows.
    """

    def __init__(self, kafka: Kafka, dsn: str, settings: Settings, slot: str) -> None:
        self._logical = {settings.prefixed(TOPICS[name].name): name for name in TOPICS_READ}
        group = settings.prefixed(GROUP)
        self._stopping = threading.Event()
        self._not_before = self._shown_at = 0.0
        self._reached: dict[TP, int] = {}  # partition -> next offset, as `ingested` has it
        self.rounds = 0
        self.sink = Sink(dsn, settings.namespace, group, self._stopping.is_set)
        self.source = Source(
            kafka,
            group=group,
            topics=list(self._logical),
            slot=slot,
            offsets_for=self._resume,
            max_records=MOST,
        )
        self.answered = 0.0
        self.longest_answer = inf  # while ClickHouse is away it waits

    def poll(self, timeout: float) -> list[Block]:
        """What came since the last round, a second after it began; at once while there is a backlog."""
        self._stopping.wait(max(0.0, min(ROUND_SECONDS, self._not_before - time.monotonic())))
        if time.monotonic() - self._shown_at > SHOW_SECONDS:
            self._show()
        blocks = self.source.poll(timeout)
        if blocks and sum(len(block.records) for block in blocks) < FULL:
            self._not_before = time.monotonic() + ROUND_SECONDS
        return blocks

    def commit(self, blocks: list[Block]) -> bool:
        """The blocks into their tables, then `ingested`. False: a block was not applied; all are read again."""
        if not all(block.applied for block in blocks):
            self.source.count_failures(blocks)
            self.source.rewind()
            return False
        batches: dict[str, list[Any]] = {}
        for block in blocks:
            batches.setdefault(self._logical[block.topic], []).extend(block.records)
        reached = {(block.topic, block.partition): block.next_offset for block in blocks}
        self.sink.write(batches, reached)
        self.source.settle(blocks)
        self.rounds += 1
        self._reached.update(reached)
        self._show()
        return True

    def stop(self) -> None:
        self._stopping.set()
        self.source.stop()

    def close(self) -> None:
        self.stop()
        self.source.close()
        self.sink.close()

    def stats(self) -> dict[str, float]:
        """Counters since the start, for metrics."""
        return {
            "commits": self.rounds,
            "assignments": self.source.assignments,
            "rows": self.sink.stored,
            "insert_errors": self.sink.failures,
            "unstorable": self.sink.unstorable,
        }

    def _resume(self, parts: list[TP]) -> Mapping[TP, int]:
        """Where `ingested` says to go on, held against what Kafka has."""
        known = self.sink.ingested(parts)
        for tp in parts:
            low, high = self.source.watermarks(*tp)
            offset = known.get(tp)
            if offset is None:
                if low > 0:
                    log.warning(
                        "the store begins later than the topic did: Kafka has dropped the oldest records",
                        topic=tp[0],
                        partition=tp[1],
                        dropped=low,
                    )
                continue
            if offset > high:
                raise Fatal(
                    f"{tp[0]}/{tp[1]} ends at offset {high}, but the store holds it up to {offset}: the topic was made "
                    "anew; give the new one a new BELLWETHER_NAMESPACE, or drop the database"
                )
            if offset < low:
                lost = low - offset - (low == high)  # what was last there is the mark of a transaction
                if lost:
                    log.error(
                        "rows lost: retention was faster than the store",
                        topic=tp[0],
                        partition=tp[1],
                        at_most=lost,
                    )
                known[tp] = low
        self._reached = dict(known)
        return known

    def _show(self) -> None:
        """Tell Kafka too, for those who look at the group's lag. Never read back here; what fails is told again."""
        self._shown_at = time.monotonic()
        offsets = [
            ck.TopicPartition(*tp, offset) for tp, offset in self._reached.items() if tp in self.source.owned
        ]
        if not offsets:
            return
        try:
            self.source.consumer.commit(offsets=offsets, asynchronous=True)
        except ck.KafkaException as error:
            log.debug("offsets not shown to Kafka", error=error.args[0].str())

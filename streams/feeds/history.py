"""Where an import's records go: the history topic, a file, or nowhere. In the order given, ticks in line.

What the records are is decided by the feeds; nothing here reads them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.errors import Refused
from streams.murmur2 import partition_of
from streams.sending import NotTaken, Sender
from streams.settings import Settings
from streams.whole import written_whole

_BULK = {
    "linger.ms": 50,
    "batch.size": 1 << 20,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 200_000,
    "queue.buffering.max.kbytes": 1 << 16,
}


class Sink(Protocol):
    """Takes records in order. Leaving it without an error makes sure that they are where they should be,
    or raises Refused."""

    sent: int  # records, a tick counted once for each partition

    def event(self, account: str, raw: bytes) -> None:
        """An event of one account."""

    def tick(self, raw: bytes) -> None:
        """The clock, for all."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Nowhere:
    """A dry run: counts, sends nothing."""

    def __init__(self) -> None:
        self.sent = 0

    def event(self, account: str, raw: bytes) -> None:
        self.sent += 1

    def tick(self, raw: bytes) -> None:
        self.sent += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class ToFile:
    """A .jsonl file, one record a line. It has its name only when it is whole: an import that fails leaves none."""

    def __init__(self, path: Path) -> None:
        self.sent = 0
        self._path = path
        self._writing = contextlib.ExitStack()
        self._file: IO[bytes]

    def event(self, account: str, raw: bytes) -> None:
        self._file.write(raw + b"\n")
        self.sent += 1

    def tick(self, raw: bytes) -> None:
        self._file.write(raw + b"\n")
        self.sent += 1

    def __enter__(self) -> Self:
        try:
            self._file = self._writing.enter_context(written_whole(self._path))
        except OSError as error:
            raise Refused(f"cannot write {self._path}: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writing.__exit__(kind, error, trace)
        except OSError as failure:
            if failure is error:
                raise
            raise Refused(f"cannot write {self._path}: {failure.strerror}") from failure


class ToHistory:
    """credit.history.v1: each event in its account's partition, each tick in every one, so each partition
    has the file's order.

    The partition is computed here, not by librdkafka: a record whose partition librdkafka still has to find may be
    overtaken by a tick, which names its own. `tell` is the sender's. Raises Refused where the topic is not there.
    """

    def __init__(self, kafka: Kafka, settings: Settings, tell: Callable[[str], None] | None = None) -> None:
        self.sent = 0
        self.topic = settings.prefixed(TOPICS["history"].name)
        self._servers = kafka.servers
        self._sender = Sender(kafka, own=_BULK, tell=tell)
        self._partitions = kafka.partitions([self.topic])[self.topic]
        self._home = lru_cache(maxsize=500_000)(
            lambda account: partition_of(account.encode(), self._partitions)
        )

    def event(self, account: str, raw: bytes) -> None:
        self._produce(raw, account.encode(), self._home(account))

    def tick(self, raw: bytes) -> None:
        for partition in range(self._partitions):
            self._produce(raw, None, partition)

    def _produce(self, raw: bytes, key: bytes | None, partition: int) -> None:
        try:
            self._sender.send(self.topic, raw, key, partition)
            self.sent += 1
            if not self.sent & 8191:
                self._sender.check()
        except NotTaken as why:
            raise self._refused(why) from why

    def _refused(self, why: NotTaken) -> Refused:
        return Refused(
            f"{self.topic} on {self._servers} did not take all records: {why}; import the same files again, what is "
            "there already is recognised as a repeat"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._sender.all_taken(None if kind is None else 5.0)
        except NotTaken as why:
            if kind is None:
                raise self._refused(why) from why

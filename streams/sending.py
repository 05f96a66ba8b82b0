"""Records that a command sends to Kafka, in order, with nothing behind one that was not taken.

What is sent, and what is said where it fails, is the callers'. The workers' own outputs go in transactions, by slot.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import confluent_kafka as ck

from streams.blocks import Kafka, not_taken

PATIENCE: Final = 120.0  # seconds in which Kafka must take something
TOLD_AFTER: Final = 5.0  # seconds of silence
_DROPPED: Final = (ck.KafkaError._PURGE_QUEUE, ck.KafkaError._PURGE_INFLIGHT)
_FIRST: Final = re.compile(r"message\(s\) failed: (.+?) \(broker ")  # of librdkafka's word for its end


class NotTaken(Exception):
    """Kafka did not take what was sent; its text says why, in a few words."""


class Sender:
    """An idempotent producer. What stands in a partition in the end is what was sent, as far as it goes: no gap, no repeat.

    librdkafka gives up a record after a while and sends those behind it. So it is told to try for ever, and to end where it
    must give one up all the same; how long is too long is judged here: nothing taken for `patience` seconds. `tell` is told
    once, in a sentence, when it begins to wait for Kafka.
    """

    def __init__(
        self,
        kafka: Kafka,
        patience: float = PATIENCE,
        own: Mapping[str, object] | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._patience, self._servers, self._tell = patience, kafka.servers, tell
        self._failed = ""
        self._tells = False  # whether that is a reason, or only that all else was dropped for one
        self._producer = kafka.producer(
            {
                **(own or {}),
                "enable.idempotence": True,
                "enable.gapless.guarantee": True,
                "message.timeout.ms": 0,
                "delivery.report.only.error": True,
                "on_delivery": self._given_up,
                "log_level": 3,  # each new one says otherwise that gapless is an experiment
            }
        )

    def _given_up(self, error: ck.KafkaError | None, _: ck.Message) -> None:
        if error is not None:
            self._fail(error.str(), error.code() not in _DROPPED)

    def _fail(self, said: str, tells: bool = True) -> None:
        if not self._failed or (tells and not self._tells):
            self._failed, self._tells = said, tells

    def _serve(self, serve: Callable[[float], int], seconds: float) -> int:
        # The end of a producer is no callback's: it is raised here, and as SystemError, with or without its reason, where a
        # callback comes behind it.
        try:
            return serve(seconds)
        except (ck.KafkaException, SystemError) as error:
            kafkas = error if isinstance(error, ck.KafkaException) else error.__cause__
            if isinstance(kafkas, ck.KafkaException):
                said = kafkas.args[0].str()
                first = _FIRST.search(said)
                self._fail(first[1] if first else said)
            else:
                self._fail("Kafka's client gave it up", tells=False)
            return len(self._producer)

    def send(
        self,
        topic: str,
        value: bytes | None,
        key: bytes | None,
        partition: int = -1,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Takes a record to be sent, and waits while too many are. Raises NotTaken when one before it failed."""
        began = 0.0
        while True:
            try:
                self._producer.produce(topic, value, key, partition, headers=list(headers))
                return
            except BufferError:
                began = began or time.monotonic()
                self._serve(self._producer.poll, 0.2)
                self._wait(began, self._patience)
            except ck.KafkaException as error:
                self._serve(self._producer.poll, 0)  # what has failed before says more
                self._fail(error.args[0].str(), tells=False)
            self.check()

    def check(self) -> None:
        """Raises NotTaken when something sent so far is known to have failed. To be called now and then."""
        self._serve(self._producer.poll, 0)
        if self._failed:
            raise NotTaken(not_taken(self._failed))

    def all_taken(self, patience: float | None = None) -> None:
        """Returns once every in-sync replica has all that was sent. Raises NotTaken, after `patience` in place of its own."""
        patience = self._patience if patience is None else patience
        left, since = len(self._producer), time.monotonic()
        while left and not self._failed:
            now = self._serve(self._producer.flush, 0.5)
            if now < left:
                left, since = now, time.monotonic()
            else:
                self._wait(since, patience)
        self.check()

    def _wait(self, since: float, patience: float) -> None:
        silent = time.monotonic() - since
        if silent > patience:
            self._fail(_silence(patience))
        elif self._tell is not None and silent > TOLD_AFTER:
            self._tell(
                f"Kafka at {self._servers} has taken nothing for {TOLD_AFTER:g} s; waiting, for {patience:g} s in all"
            )
            self._tell = None


def _silence(seconds: float) -> str:
    return f"no answer within {seconds:g} s"

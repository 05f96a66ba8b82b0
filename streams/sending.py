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
_FIRST: Final = re.compile(r"message\(s\) failed: (.+?) \(broker ")  # of librdkafka's word for its end


class NotTaken(Exception):
    """Kafka did not take what was sent; its text says why, in a few words."""


class Sender:
    """An idempotent producer. What stands in a partition in the end is what was sent, as far as it goes: no gap, no repeat.

    librdkafka gives up a record after a while and sends those behind it. So it is told to try for ever, and to end where it
    must give one up all the same; how long is too long is judged here: nothing taken for `patience` seconds.
    """

    def __init__(
        self, kafka: Kafka, patience: float = PATIENCE, own: Mapping[str, object] | None = None
    ) -> None:
        self._patience = patience
        self._failed = ""
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
            self._failed = self._failed or error.str()

    def _serve(self, serve: Callable[[float], int], seconds: float) -> int:
        # The end of a producer is no callback's: it is raised here, and as SystemError where a callback comes behind it.
        try:
            return serve(seconds)
        except (ck.KafkaException, SystemError) as error:
            kafkas = error if isinstance(error, ck.KafkaException) else error.__cause__
            said = kafkas.args[0].str() if isinstance(kafkas, ck.KafkaException) else str(error)
            first = _FIRST.search(said)
            self._failed = first[1] if first else said  # of all others is only said that they were purged
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
                if time.monotonic() - began > self._patience:
                    self._failed = self._failed or _silence(self._patience)
            except ck.KafkaException as error:
                self._serve(self._producer.poll, 0)  # what has failed before says more
                self._failed = self._failed or error.args[0].str()
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
            elif time.monotonic() - since > patience:
                self._failed = _silence(patience)
        self.check()


def _silence(seconds: float) -> str:
    return f"no answer within {seconds:g} s"

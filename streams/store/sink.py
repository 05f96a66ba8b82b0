"""Rounds of rows into the tables, and behind them how far each partition has come: the only place that writes.

A round is accepted as a whole before `ingested` moves. An insert whose answer was lost is sent again under the same
token, and the server drops it when it had taken it; after a crash rows come in other blocks, and replace themselves.

Not guaranteed: that a row is inserted once (the tables replace, the views show one), nor that a reader sees the tables
of one round at the same moment.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import stamina
import stamina.instrumentation
from clickhouse_connect.driver.exceptions import DatabaseError, DataError, ProgrammingError
from structlog import get_logger
from urllib3.exceptions import HTTPError

from streams.blocks import Stopped
from streams.errors import Fatal
from streams.health import Waits
from streams.store.arrow import Batch, batch
from streams.store.client import ClickHouseError, Client, connect, database_name, first_line, named
from streams.store.migrate import require_current
from streams.store.rows import Record, Rows, rows, unstorable

log = get_logger(__name__)

TP = tuple[str, int]  # topic and partition, as Kafka names them

# The server's own codes for "not now": it is busy, full, starting, read-only for a while, or its keeper is away.
NOT_NOW: Final = frozenset(
    {
        159,
        160,
        164,
        202,
        203,
        209,
        210,
        225,
        236,
        241,
        242,
        243,
        244,
        252,
        285,
        286,
        287,
        319,
        394,
        425,
        439,
        999,
    }
)
# … and for "this value cannot be": parsing, ranges, types.
UNREADABLE: Final = frozenset(
    {6, 25, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 131, 321, 349, 376, 407, 440, 441, 467, 675}
)
LONGEST_WAIT = 5.0  # seconds between two tries
SILENCE = 30.0  # seconds without an answer until it is said: the driver's own error comes after minutes


class Sink:
    """Writes to one deployment's database. `stopping()` is asked before each new try; Stopped gets out then.

    Raises Refused at the start when the store cannot be reached, does not accept the user, or lacks migrations.
    """

    def __init__(
        self,
        dsn: str,
        namespace: str,
        group: str,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.where, self.group, self._stopping = named(dsn), group, stopping
        self.client: Client = connect(dsn, database_name(dsn, namespace))
        require_current(self.client, self.where)
        self.stored = 0  # rows accepted, for metrics
        self.unstorable = 0  # records that went to dead_letters
        self.failures = 0  # tries that the network or the server refused
        stamina.instrumentation.set_on_retry_hooks(())  # an outage is one line, written below

    def write(self, batches: Mapping[str, Sequence[Record]], reached: Mapping[TP, int]) -> int:
        """One round: the records of each logical topic into its table, then `reached`: partition -> next offset.

        Returns the number of rows. Tries again for ever while the server is away or busy (waits of up to 5 s, one log
        line an outage), until `stopping`: Stopped. Raises Fatal when the server refuses for a reason that waiting does
        not mend (tables missing, rights lost). When it raises, `ingested` was not moved.
        """
        failed: list[tuple[Record, str]] = []
        written = 0
        for logical, records in batches.items():
            stored, bad = self._store(logical, records)
            written += stored
            failed += bad
        if failed:
            for record, reason in failed[:10]:
                log.error(
                    "no row could be made of a record",
                    topic=record.topic(),
                    partition=record.partition(),
                    offset=record.offset(),
                    reason=reason,
                )
            made = unstorable(failed)
            self._insert(made)
            self.unstorable += len(made)
        if reached:
            self._insert(_reached(self.group, reached))
        self.stored += written
        return written

    def ingested(self, parts: Iterable[TP]) -> dict[TP, int]:
        """The next offset of each partition that was ever stored; those never stored are left out."""
        found = self._again(
            lambda: (
                self.client.query(
                    "SELECT topic, partition, max(next_offset) FROM ingested "
                    "WHERE consumer_group = {group:String} GROUP BY topic, partition",
                    parameters={"group": self.group},
                ).result_rows
            ),
            "reading ingested",
        )
        known = {(topic, partition): offset for topic, partition, offset in found}
        return {tp: known[tp] for tp in parts if tp in known}

    def close(self) -> None:
        self.client.close()

    def _store(self, logical: str, records: Sequence[Record]) -> tuple[int, list[tuple[Record, str]]]:
        """Rows stored, and the records that are unfit with their reasons.

        What only the server finds unreadable (it should not: rows() checks every value) is found by halves.
        """
        fast = batch(logical, records)
        if fast is not None:
            try:
                self._insert(fast)
                return len(fast), []
            except _Unreadable as error:
                log.warning("a block is written again, record by record", table=fast.table, error=str(error))
        made = rows(logical, records)
        failed = made.unfit
        if not len(made):
            return 0, failed
        try:
            self._insert(made)
            return len(made), failed
        except _Unreadable as error:
            bad = {id(record) for record, _ in failed}
            fit = [record for record in records if id(record) not in bad]
            if len(fit) == 1:
                return 0, [*failed, (fit[0], str(error))]
        middle, stored = len(fit) // 2, 0
        for half in (fit[:middle], fit[middle:]):
            more, worse = self._store(logical, half)
            stored += more
            failed += worse
        return stored, failed

    def _insert(self, made: Rows | Batch) -> None:
        settings = {
            "async_insert": 0,  # accepted means written
            "insert_deduplicate": 1,
            "insert_deduplication_token": uuid.uuid4().hex,  # of this insert: its tries share it, nothing else does
            # A repeat reaches the views even where their table took it before: their own tables drop what they have. Servers
            # before 26.2 would leave out what a view had not got when the first try broke off, for ever.
            "deduplicate_blocks_in_dependent_materialized_views": 1,
            "input_format_native_allow_types_conversion": 1,
            "max_partitions_per_insert_block": 0,  # a backfill may span as many years as it likes
        }

        def send() -> object:
            if isinstance(made, Batch):
                return self.client.insert_arrow(made.table, made.columns, settings=settings)
            return self.client.insert(
                made.table,
                made.columns,
                column_names=made.names,
                column_type_names=made.types,
                column_oriented=True,
                settings=settings,
            )

        self._again(send, made.table)

    def _again(self, call: Callable[[], Any], what: str) -> Any:
        """call(), again while the store is away or busy."""
        began = time.monotonic()
        waits, ended = Waits(), threading.Event()
        said = ""  # the last error

        def tell(after: float) -> None:
            lasted = time.monotonic() - began
            if waits.due(lasted, after):
                log.warning(
                    "store away, trying again" if said else "store does not answer, waiting",
                    store=self.where,
                    table=what,
                    seconds=round(lasted),
                    **({"error": said} if said else {}),
                    look="BellwetherStoreBehind in deploy/runbook.md",
                )

        def wait(error: Exception) -> bool:
            nonlocal said
            if not _passes(error):
                return False
            self.failures += 1
            said = first_line(error)
            tell(0.0)
            return not self._stopping()

        def listen() -> None:
            while not ended.wait(SILENCE / 6):
                tell(SILENCE)

        threading.Thread(target=listen, name="store", daemon=True).start()
        try:
            for attempt in stamina.retry_context(
                on=wait, attempts=None, timeout=None, wait_initial=0.1, wait_max=LONGEST_WAIT, wait_jitter=0.5
            ):
                with attempt:
                    answer = call()
        except (ClickHouseError, HTTPError, OSError) as error:
            if _passes(error):
                raise Stopped from error
            if isinstance(error, DataError) or getattr(error, "code", None) in UNREADABLE:
                raise _Unreadable(first_line(error)) from error
            raise Fatal(f"the store at {self.where} refused {what}: {first_line(error)}") from error
        finally:
            ended.set()
        if waits.told:
            log.warning(
                "store back", store=self.where, table=what, seconds=round(time.monotonic() - began, 1)
            )
        return answer


class _Unreadable(Exception):
    """The server says that a value of the insert cannot be read."""


def _passes(error: Exception) -> bool:
    # The driver's own judgement, before anything was sent
    if isinstance(error, DataError | ProgrammingError):
        return False
    if isinstance(error, DatabaseError):  # without a code it is the network's or a proxy's
        return error.code is None or error.code in NOT_NOW
    return isinstance(error, HTTPError | OSError)


def _reached(group: str, reached: Mapping[TP, int]) -> Rows:
    now = time.time_ns() // 1_000_000
    count = len(reached)
    return Rows(
        "ingested",
        ["consumer_group", "topic", "partition", "next_offset", "updated_at"],
        ["String", "String", "Int32", "Int64", "DateTime64(3, 'UTC')"],
        [
            [group] * count,
            [topic for topic, _ in reached],
            [partition for _, partition in reached],
            list(reached.values()),
            [now] * count,
        ],
    )

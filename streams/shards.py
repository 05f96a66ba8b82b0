"""A backtest on all cores: the accounts of a large file are folded in shards, a process each, and put together again.

What a shard does is streams/backtest.py; the merged result is the one that a single process finds, record for record.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import signal
import traceback
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from operator import itemgetter
from pathlib import Path
from typing import Any

from agents.policy_text import load_policy
from streams.backtest import BytesRead, Result, run
from streams.errors import Refused

WORTH = 4 << 20
"""Bytes of a file for which another process is worth its start: some seconds of folding."""


def cores() -> int:
    """The cores that this process may use."""
    with contextlib.suppress(AttributeError):  # not everywhere
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run_sharded(
    events: Path,
    policy_text: str,
    *,
    namespace: str = "",
    progress: BytesRead | None = None,
    shards: int | None = None,
) -> Result:
    """backtest.run() over the whole file in `shards` processes: by default one a core, fewer for a small file.

    Raises what run() raises, and Refused when a process was ended from outside. Nothing of it outlives the call.
    """
    load_policy(policy_text)  # its mistakes are told here, once
    if shards is None:
        try:
            shards = min(cores(), 1 + events.stat().st_size // WORTH)
        except OSError as error:
            raise Refused(f"cannot read {events}: {error.strerror}") from error
    if shards == 1:
        return run(events, policy_text, namespace=namespace, progress=progress)
    with _processes(events, policy_text, namespace, shards) as running:
        return merged(_collect(running, progress))


@contextlib.contextmanager
def _processes(
    events: Path, policy_text: str, namespace: str, shards: int
) -> Iterator[dict[Connection, BaseProcess]]:
    spawn = get_context("spawn")  # a fork of a process with threads (progress bars have one) may hang
    running: dict[Connection, BaseProcess] = {}
    try:
        for shard in range(shards):
            ours, theirs = spawn.Pipe(duplex=False)
            process: BaseProcess = spawn.Process(
                target=_fold, args=(theirs, events, policy_text, namespace, (shard, shards)), daemon=True
            )
            process.start()
            theirs.close()
            running[ours] = process
        yield running
    finally:
        for connection, process in running.items():
            process.terminate()
            process.join()
            connection.close()


def _fold(to: Connection, events: Path, policy_text: str, namespace: str, shard: tuple[int, int]) -> None:
    """One process: bytes read so far, by the way, and at last its result or the error that ended it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; who waits for us ends us
    try:
        to.send(run(events, policy_text, namespace=namespace, progress=to.send, shard=shard))
    except Exception as error:
        if not isinstance(error, Refused):
            error.add_note(traceback.format_exc())  # the stack stays behind; the report of a fault has it so
        to.send(error)


def _collect(running: dict[Connection, BaseProcess], progress: BytesRead | None) -> list[Result]:
    results: dict[Connection, Result] = {}
    read = dict.fromkeys(running, 0)
    while len(results) < len(running):
        for connection in wait([c for c in running if c not in results]):
            assert isinstance(connection, Connection)
            try:
                said = connection.recv()
            except EOFError:
                process = running[connection]
                process.join()
                raise Refused(
                    f"a process of the backtest ended before its work (exit code {process.exitcode}; -9: killed, often for "
                    "want of memory); try again with more of it, or with fewer cores: taskset -c 0 bellwether backtest …"
                ) from None
            if isinstance(said, Exception):
                raise said
            if isinstance(said, Result):
                results[connection] = said
            else:
                read[connection] = said
                if progress is not None:
                    progress(min(read.values()))
    return [results[connection] for connection in running]


def merged(shards: list[Result]) -> Result:
    """The results of all shards of one file as one: each list in the order in which a single process emits."""
    whole = Result()
    for shard in shards:
        whole.events += shard.events
        whole.records += shard.records
        whole.accounts |= shard.accounts
    whole.accounts = dict(sorted(whole.accounts.items()))
    # A tick judges day by day, and the accounts of a day by their ids; any other record is of one account.
    whole.alerts_at, whole.alerts = _in_order([(s.alerts_at, s.alerts) for s in shards], _by_account)
    whole.proposals_at, whole.proposals = _in_order(
        [(s.proposals_at, s.proposals) for s in shards], _by_account
    )
    whole.dead_letters_at, whole.dead_letters = _in_order(
        [(s.dead_letters_at, s.dead_letters) for s in shards], _by_line
    )
    return whole


def _by_account(record: dict[str, Any]) -> tuple[Any, ...]:
    return record["as_of"], record["account_id"]


def _by_line(letter: dict[str, Any]) -> tuple[Any, ...]:
    return letter["line"], letter["account_id"] or ""


def _in_order(
    lists: list[tuple[list[int], list[dict[str, Any]]]], key: Callable[[dict[str, Any]], tuple[Any, ...]]
) -> tuple[list[int], list[dict[str, Any]]]:
    keyed = [
        [((at, *key(record)), at, record) for at, record in zip(numbers, records, strict=True)]
        for numbers, records in lists
    ]
    found = list(heapq.merge(*keyed, key=itemgetter(0)))
    return [at for _, at, _ in found], [record for _, _, record in found]

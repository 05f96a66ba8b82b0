"""Backtest: the same fold as the monitor's, over a file of events, without a broker.

Records are taken in file order; ticks in the file are used, and where it has none they are made (streams/ticks.py). Its
alerts and proposals are those that an import of the same file through credit.history.v1 would yield, id for id. A large
file is folded in shards of accounts, one a core (streams/shards.py).
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Fold
from agents.policy_text import load_policy, policy_hash
from agents.records import Output, Refusal
from agents.wakes import Wakes
from schemas.events import CONTROL_TYPES, BookReported, ClockTicked, Event, Invalid, PolicyAdopted, parse
from streams.errors import Refused
from streams.memory import for_states
from streams.passing import Failed, passing_over
from streams.shelf import EVERY, Shelf
from streams.ticks import has_ticks, with_ticks

WHOLE = (0, 1)  # the one shard of an undivided book

BytesRead = Callable[[int], None]  # so far


@dataclass(slots=True)
class Result:
    """What a backtest found. `alerts` and `proposals` are the contract's records, in the order of their emission.

    The three `_at` number the record that each alert, proposal and dead letter came with: shards are merged by them.
    """

    events: int = 0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    proposals: list[dict[str, Any]] = field(default_factory=list)
    dead_letters: list[dict[str, Any]] = field(default_factory=list)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: Counter[str] = field(default_factory=Counter)  # emitted, by logical topic
    alerts_at: list[int] = field(default_factory=list)
    proposals_at: list[int] = field(default_factory=list)
    dead_letters_at: list[int] = field(default_factory=list)


def run(
    events: Path,
    policy_text: str,
    *,
    namespace: str = "",
    progress: BytesRead | None = None,
    each: Callable[[Output], None] | None = None,
    shard: tuple[int, int] = WHOLE,
) -> Result:
    """Fold the file under a policy. `each` sees every output as it is emitted, snapshots and statuses among them.

    Of shard (k, n) are the accounts whose ids hash to k modulo n; its result holds theirs alone, and the first shard's the
    lines that are no events. No account sees another in a backtest: concentration is held against what the ticks carry, and
    relatives are told live only. A fact that comes after the end of its day waits for the next tick. Bad lines become dead
    letters with their line number. Raises PolicyError, and Refused when the file can not be read.
    """
    return passing_over(lambda failed: _run(events, policy_text, namespace, progress, each, failed, shard))


def _run(
    path: Path,
    policy_text: str,
    namespace: str,
    progress: BytesRead | None,
    each: Callable[[Output], None] | None,
    failed: Failed,
    shard: tuple[int, int],
) -> Result:
    policy = load_policy(policy_text)
    accounts = Shelf(for_states(0) // shard[1])
    wakes, book = Wakes(), Book()
    book.adopt(policy_text, policy_hash(policy_text))
    fold = Fold(accounts, wakes, book, 0, namespace_id(namespace))
    result = Result()
    mine, shards = shard
    number = -1

    def refused(line: int, reason: str, account_id: str | None = None) -> None:
        result.records["dead-letters"] += 1
        result.dead_letters.append({"line": line, "account_id": account_id, "reason": reason})
        result.dead_letters_at.append(number)

    def no_event(line: int, reason: str) -> None:
        if mine == 0:
            refused(line, reason)

    lines = Lines(path, no_event, progress)
    given = has_ticks([path])
    for number, (_, event) in enumerate(with_ticks(lines, ZoneInfo(policy.time_zone), given)):
        reason = failed.reason(number)
        if not isinstance(event, ClockTicked | PolicyAdopted | BookReported):
            if zlib.crc32(event.account_id.encode()) % shards != mine:
                continue
            result.events += 1
            if reason is not None:
                refused(lines.number, reason, event.account_id)
                continue
        outputs = failed.take(fold, number, event)
        for output in outputs:
            if isinstance(output, Refusal):
                if output.kind == "late":
                    result.records["late"] += 1
                else:
                    refused(lines.number, output.reason, output.account_id or None)
                continue
            result.records[output.topic] += 1
            if output.topic == "alerts":
                result.alerts.append(output.body)
                result.alerts_at.append(number)
            elif output.topic == "limit-proposals":
                result.proposals.append(output.body)
                result.proposals_at.append(number)
            if each is not None:
                each(output)
    if book.day is not None:
        for number, account_id in enumerate(accounts.ids()):
            account = accounts.get(account_id)
            assert account is not None
            result.accounts[account_id] = fold.snapshot(account, book.day)
            if number % EVERY == EVERY - 1:
                accounts.keep_to_budget()
    return result


class Lines:
    """The valid events of a file in order; `number` is the line of the last one."""

    def __init__(self, path: Path, refused: Callable[[int, str], None], progress: BytesRead | None) -> None:
        self.number = 0
        self._path, self._refused, self._progress = path, refused, progress

    def __iter__(self) -> Iterator[tuple[bytes, Event]]:
        read = 0
        try:
            with self._path.open("rb") as file:
                for self.number, line in enumerate(file, start=1):
                    read += len(line)
                    if self._progress is not None and not self.number % 5000:
                        self._progress(read)
                    if not line.strip():
                        continue
                    try:
                        event = parse(line)
                        if event.type in CONTROL_TYPES and not isinstance(event, ClockTicked):
                            raise Invalid(f"type: {event.type} does not belong in a backfill")
                    except Invalid as error:
                        self._refused(self.number, str(error))
                        continue
                    yield line, event
        except OSError as error:
            raise Refused(f"cannot read {self._path}: {error.strerror}") from error
        if self._progress is not None:
            self._progress(read)

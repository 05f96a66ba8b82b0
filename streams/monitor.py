"""The monitor app: hands the journal's records to agents.monitor, and its outputs to their topics. Decides nothing.

One `Fold` a journal partition, kept with the partition's states; the commit unit writes both in one transaction.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import faust
import orjson

from agents import account as accounts
from agents.account import PULSE, Account
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import ENGINE, Fold, StepFailed
from agents.records import Output, Refusal
from agents.wakes import Wakes
from schemas.events import ClockTicked, Invalid, PolicyAdopted, parse
from schemas.topics import INPUTS, TOPICS
from streams.blocks import Block, Kafka
from streams.by_faust import app_when_asked
from streams.dev.processes import kafka_servers
from streams.errors import Fatal
from streams.heap import states_set_apart
from streams.letters import dead_letter
from streams.memory import for_states
from streams.metrics import Key, Metrics, serve
from streams.partition import Partition
from streams.reading import origin
from streams.settings import Settings, slot_name
from streams.transport import TOPIC, application
from streams.units import StatefulUnit

SLICE = 4000  # accounts that one commit wakes at most: about a quarter of a second
# Different accounts of a partition on which a step raised, in a row of its commits: then we are at fault, not the data
FAILURES = 20

State = Account | Book


def load(account_id: str, pieces: Any) -> State:
    """Raises Fatal for a state that this version does not read."""
    try:
        return accounts.load(account_id, pieces) if account_id else Book.load(pieces)
    except ValueError as error:
        whose = f"the state of account {account_id}" if account_id else "the book, with the policy in force,"
        raise Fatal(
            f"{whose} can not be read: {error}. Another version of bellwether wrote it: run that one, or fold the journal "
            "anew with `bellwether rebuild --into`"
        ) from error


def dump(state: State) -> dict[str, bytes | None]:
    return accounts.dump(state) if isinstance(state, Account) else dict(state.dump())


class _Accounts:
    """The accounts of a partition, as agents.monitor asks for them."""

    __slots__ = ("_states",)

    def __init__(self, states: Partition) -> None:
        self._states = states

    def get(self, account_id: str) -> Account | None:
        state: Account | None = self._states.get(account_id)
        return state

    def put(self, account_id: str, account: Account) -> None:
        self._states.put(account_id, account)


class Monitor:
    """Applies blocks of the journal. `restored` is the unit's on_restored: it indexes who wakes when."""

    def __init__(self, settings: Settings) -> None:
        self.ids: UUID = namespace_id(settings.namespace)
        self.source = f"bellwether/{settings.namespace}" if settings.namespace else "bellwether"
        self.history = settings.prefixed(TOPICS["history"].name).encode()
        self.topics = {name: settings.prefixed(topic.name) for name, topic in TOPICS.items()}
        self.logical = {name.encode(): logical for logical, name in self.topics.items()}
        self._failed: dict[int, set[str]] = defaultdict(set)  # partition -> accounts

    def restored(self, states: Partition) -> None:
        wakes = Wakes()
        for account_id, pulse in states.restored(PULSE):
            wakes.move(account_id, accounts.wake_on(pulse))
        book = states.get("")
        if book is None:
            book = Book()
        states.memo = Fold(_Accounts(states), wakes, book, states.number, self.ids)

    def take(self, block: Block) -> None:
        """Fold the records of one block; a tick that wakes many goes on in later commits, and what follows it waits."""
        states: Partition = block.states
        if states.memo is None:
            self.restored(states)
        fold: Fold = states.memo
        room = states.room()
        budget = SLICE if room is None else min(SLICE, room)
        fullest = None if room is None else len(states.objects) + room
        clean = True
        aside = 0  # records that became a dead letter or a late fact
        for index, record in enumerate(block.records):
            offset = record.offset()
            failed = block.is_poison(offset)
            if failed is not None:
                self._refuse(block, record, failed, "failed")
                clean = False
                aside += 1
                continue
            try:
                event = parse(record.value())
            except Invalid as error:  # intake lets none through: somebody else wrote it, and it stops nobody
                self._refuse(block, record, str(error), "refused")
                aside += 1
                continue
            try:
                live, known = partial(self._is_live, record), partial(block.is_poison, offset)
                outputs, woken, done = fold.take(event, live, budget, known)
            except StepFailed as failure:
                block.poison(offset, failure.part, failure.error)
                self._count_failure(block.partition, failure)
                return
            budget -= woken
            if isinstance(event, ClockTicked | PolicyAdopted):
                states.put("", fold.book)
            for output in outputs:
                if isinstance(output, Refusal):
                    failed_for_one = output.kind == "failed"  # a tick fails for an account, and is applied
                    clean &= not failed_for_one
                    aside += not failed_for_one
                    self._refuse(block, record, output.reason, output.kind)
                else:
                    states.outputs.append(self._record(output, record))
                    _count(block.tally, output)
            full = fullest is not None and len(states.objects) >= fullest
            if not done or budget <= 0 or full:
                block.defer(index if not done else index + 1, again=True)
                break
        if block.end:
            block.tally["bellwether_events_total", "journal", "applied"] = block.end - aside
            block.tally["bellwether_events_total", "journal", "set_aside"] = aside
        if clean:
            self._failed.pop(block.partition, None)

    def _is_live(self, record: Any) -> bool:
        return origin(record) != self.history

    def _count_failure(self, partition: int, failure: StepFailed) -> None:
        failed = self._failed[partition]
        failed.add(failure.account_id)
        if len(failed) >= FAILURES:
            raise Fatal(
                f"the rules raised on {FAILURES} different accounts in a row, last {failure}: this is a fault of ours, not of "
                "the data; the journal is untouched, start a mended version"
            )

    def _refuse(self, block: Block, record: Any, reason: str, kind: str) -> None:
        name = self.topics["late" if kind == "late" else "dead-letters"]
        block.states.outputs.append(dead_letter(name, record, reason, kind))
        key: Key = ("bellwether_late_facts_total",)
        if kind != "late":
            came_from = self.logical.get(origin(record) or b"", "journal")
            key = ("bellwether_dead_letters_total", came_from, kind)
        block.tally[key] = block.tally.get(key, 0) + 1

    def _record(self, output: Output, record: Any) -> tuple[str, bytes | None, bytes | None, Any]:
        headers: list[tuple[str, bytes | str]] = [
            ("ce_specversion", b"1.0"),
            ("ce_id", output.ce_id),
            ("ce_type", output.ce_type),
            ("ce_source", self.source),
            ("ce_time", output.at),
            ("content-type", b"application/json"),
        ]
        for name, value in record.headers() or ():
            if name == "traceparent":
                headers.append((name, value))
        key = output.account_id.encode() if output.account_id else None
        return self.topics[output.topic], key, orjson.dumps(output.body), headers


def _count(tally: dict[Key, int], output: Output) -> None:
    key = _EMITTED[output.topic]
    tally[key] = tally.get(key, 0) + 1
    if output.topic == "alerts":
        body = output.body
        history = "true" if body["history"] else "false"
        key = ("bellwether_alerts_total", body["trigger"], str(body["severity"]), body["status"], history)
    elif output.topic == "limit-proposals":
        key = ("bellwether_proposals_total", output.body["direction"], output.body["status"])
    else:
        return
    tally[key] = tally.get(key, 0) + 1


# -- the app -------------------------------------------------------------------------------------------------------

OUTPUTS = (
    "alerts",
    "limit-proposals",
    "account-status",
    "snapshots",
    "late",
    "dead-letters",
    "control",
    "accounts",
)

_EMITTED: dict[str, Key] = {name: ("bellwether_outputs_total", name) for name in OUTPUTS}


def _standing(unit: StatefulUnit) -> Iterator[tuple[Key, float]]:
    """Policy and clock of the partitions that are ours, for metrics."""
    owned = {number for _, number in unit.source.owned}
    states = [states for number, states in list(unit.partitions.items()) if number in owned]
    books = [states.memo.book for states in states if states.memo is not None]
    hashes = Counter(book.policy_hash for book in books if book.policy is not None)
    for policy_hash, partitions in hashes.items():
        yield ("bellwether_policy_info", policy_hash, ENGINE), partitions
    ended = [_end_of(book.day, book.policy.time_zone) for book in books if book.day and book.policy]
    if ended and len(ended) == len(states):
        yield ("bellwether_last_tick_timestamp_seconds",), min(ended)


def _end_of(day: int, time_zone: str) -> float:
    midnight = datetime.combine(date.fromordinal(day + 1), datetime.min.time(), ZoneInfo(time_zone))
    return midnight.timestamp()


def _unit(kafka: Kafka, settings: Settings, monitor: Monitor) -> StatefulUnit:
    return StatefulUnit(
        kafka,
        slot=slot_name(settings, "monitor"),
        group=settings.prefixed("monitor"),
        topics=[monitor.topics["journal"]],
        changelog=monitor.topics["account-state"],
        load=load,
        dump=dump,
        outputs=[monitor.topics[name] for name in OUTPUTS],
        on_restored=monitor.restored,
        memory=for_states(settings.memory_mb),
    )


def build(settings: Settings) -> faust.App:
    """The Faust app. Reads the cluster only when it is started."""
    kafka = Kafka(kafka_servers(settings), settings.kafka_config)
    monitor = Monitor(settings)

    held: list[StatefulUnit] = []

    def unit() -> StatefulUnit:
        held[:] = [_unit(kafka, settings, monitor)]
        return held[0]

    metrics = Metrics("monitor", settings, lambda: _standing(held[0]))
    metrics.expect(("bellwether_events_total", "journal", said) for said in ("applied", "set_aside"))
    metrics.expect(("bellwether_dead_letters_total", topic, "failed") for topic in INPUTS)
    metrics.expect(("bellwether_dead_letters_total", topic, "refused") for topic in INPUTS)
    metrics.expect([("bellwether_late_facts_total",), *_EMITTED.values()])
    serve(settings, metrics)
    app = application(settings.prefixed("monitor"), unit, settings.data_dir / "faust" / "monitor", metrics)
    journal = app.topic(monitor.topics["journal"], **TOPIC)

    @app.agent(journal)
    async def fold(blocks: Any) -> None:
        async for block in blocks:
            with block, states_set_apart():
                monitor.take(block)

    return app


__getattr__ = app_when_asked(globals(), build)  # for `faust -A streams.monitor worker`

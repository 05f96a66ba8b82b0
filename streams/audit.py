"""The auditor: refolds the journal and holds committed outputs and states against it. Writes nothing, decides nothing.

The invariant it checks: committed (states, outputs) = fold(step, journal up to the committed offsets).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import orjson

from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import ENGINE, Fold, StepFailed
from agents.records import Output
from agents.wakes import Wakes
from schemas.events import Invalid, parse
from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.errors import Refused
from streams.memory import for_states
from streams.murmur2 import partition_of
from streams.partition import Pieces, named_offsets
from streams.reading import beginning, committed, origin, read_topic
from streams.settings import Settings
from streams.shelf import Shelf
from streams.slot import BEGUN, WHO
from streams.topics_admin import refuse_grown

AUDITED = ("alerts", "limit-proposals", "account-status", "snapshots")
_NAMED = 4  # fields of one record or row that are named
_ABSENT = object()  # no field of that name, which is not null


class OtherEngines(Refused):
    """Other rules than ours have decided here, as after an upgrade: their outputs do not follow from a fold with ours."""


@dataclass(slots=True)
class Findings:
    """What the auditor counted and where the cluster differs from the refold; each difference is one sentence."""

    journal: int = 0
    accounts: int = 0
    outputs: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Stored:
    """The states of one partition as the changelog holds them: account id ("": the book) -> piece -> bytes.

    A tick of many accounts is committed in slices. `pieces` are those of the newest commit that was none, from which the
    journal goes on at `whole`; `place` is where the newest commit goes on, `begun` whether it is a slice of the record
    there. None: no commit says it. `whole` is None, too, where Kafka has compacted away what said it.
    """

    pieces: dict[str, dict[str, bytes]] = field(default_factory=dict)
    whole: int | None = None
    place: int | None = None
    begun: bool = False


def stored_states(changelog: Iterable[Any], journal: str) -> Stored:
    """What the committed records of a changelog partition come to. Each commit says first where it goes on."""
    out = Stored()
    waiting: list[Any] = []  # pieces of slices, until their record is done
    last, astray = -1, False
    for record in changelog:
        says = record.key() == WHO
        # Before each that says where it goes on there is the mark that ended the transaction before.
        if not out.begun and record.offset() > last + (2 if says else 1):
            astray = True
        last = record.offset()
        if not says:
            if out.begun:
                waiting.append(record)
            else:
                _keep(out.pieces, record)
            continue
        out.place, out.begun = named_offsets(record).get(journal), BEGUN in dict(record.headers() or ())
        if not out.begun:
            out.whole = out.place
            for one in waiting:
                _keep(out.pieces, one)
            waiting.clear()
        elif astray:  # compacted meanwhile: of what was kept some may be of a slice, or gone for one
            out.whole = None
        astray = False
    out.pieces = {account_id: pieces for account_id, pieces in out.pieces.items() if pieces}
    return out


def _keep(pieces: dict[str, dict[str, bytes]], record: Any) -> None:
    account_id, _, piece = (record.key() or b"").decode(errors="replace").rpartition("\0")
    if record.value() is None:
        pieces.get(account_id, {}).pop(piece, None)
    else:
        pieces.setdefault(account_id, {})[piece] = record.value()


class Refold:
    """One journal partition, folded from nothing: its accounts and its book, as far as it was given records.

    A record on which a rule raises leaves its account half changed here: it is told by the difference that follows.
    """

    __slots__ = ("_book", "_fold", "_history", "compared", "states")

    def __init__(self, partition: int, settings: Settings) -> None:
        self.compared = False
        self._history = settings.prefixed(TOPICS["history"].name).encode()
        self.states, self._book = Shelf(for_states(0)), Book()
        self._fold = Fold(self.states, Wakes(), self._book, partition, namespace_id(settings.namespace))

    def take(self, record: Any) -> Iterator[Output]:
        """What the monitor emits upon the next record of the journal."""
        try:
            event = parse(record.value())
        except Invalid:
            return  # a dead letter
        live = origin(record) != self._history
        try:
            outputs, _, _ = self._fold.take(event, partial(bool, live))
        except StepFailed:
            return
        yield from (output for output in outputs if isinstance(output, Output))

    def compare(self, stored: Stored, found: Findings, where: str) -> None:
        """Hold the states of the changelog, partition `where`, against those that the records so far come to."""
        self.compared = True
        if stored.begun and stored.whole is None:
            return  # not one commit that is known to be no part of a record
        all_ours: dict[str, Pieces] = {**dict(self.states.pieces()), "": dict(self._book.dump())}
        for account_id in sorted(all_ours.keys() | stored.pieces.keys()):
            ours, theirs = all_ours.get(account_id, {}), stored.pieces.get(account_id, {})
            found.differences += [
                f"{where}: piece {piece} of account {account_id or '(the book)'} differs from the refold"
                for piece in sorted(ours.keys() | theirs.keys())
                if ours.get(piece) != theirs.get(piece)
            ]


def audit(kafka: Kafka, settings: Settings, progress: Callable[[int, int], None] | None = None) -> Findings:
    """Refold every journal partition and compare, also while events flow. Takes the memory of all outputs.

    What was decided before it began must have been emitted, and all that was emitted must follow from the journal; states
    are held against the fold up to the place that their last commit names beside them. Raises Refused where a topic cannot
    be read whole, and OtherEngines.
    """
    refuse_grown(kafka, settings)
    found = Findings()
    names = {name: settings.prefixed(topic.name) for name, topic in TOPICS.items()}
    counts = kafka.partitions([names[name] for name in ("journal", "account-state", *AUDITED)])
    parts = range(counts[names["journal"]])
    # The order is the proof: what must be there, then what is there, then states that have come at least as far.
    decided = _committed(kafka, settings)
    there = {
        name: _read_outputs(kafka, names[name], counts[names[name]], TOPICS[name].cleanup == "compact", found)
        for name in AUDITED
    }
    found.outputs = {name: len(outputs.records) for name, outputs in there.items()}
    if others := sorted(set().union(*(outputs.engines for outputs in there.values())) - {ENGINE}):
        raise OtherEngines(
            f"outputs were made by engine {', '.join(others)}, and this is engine {ENGINE}: only the version that made all of "
            "them can refold states and outputs; what this one would say otherwise, `bellwether rebuild --into` shows"
        )
    for partition in parts:
        asked = decided.get(partition, -1)
        stored = stored_states(
            read_topic(kafka, names["account-state"], partition, newest=True), names["journal"]
        )
        if asked <= 0 and stored.place is None:
            continue  # neither then nor since has a monitor come to it
        refold = Refold(partition, settings)
        until = asked if stored.place is None else stored.place
        whole = until if stored.whole is None else stored.whole
        journal = read_topic(kafka, names["journal"], partition, None if stored.begun else until, whole=True)
        for record in journal:
            if not refold.compared and record.offset() >= whole:
                refold.compare(stored, found, f"{names['account-state']}/{partition}")
            if record.offset() > until:
                break
            found.journal += 1
            for output in refold.take(record):
                if output.topic in there:
                    there[output.topic].compare(output, found, record.offset() < asked)
        if not refold.compared:
            refold.compare(stored, found, f"{names['account-state']}/{partition}")
        found.accounts += len(refold.states.ids())
        if progress is not None:
            progress(partition + 1, len(parts))
    for outputs in there.values():
        outputs.finish(found)
    return found


@dataclass(slots=True)
class _Outputs:
    """The committed records of one output topic, which the refold's are held against one after another."""

    topic: str
    partitions: int
    compacted: bool
    records: dict[str, bytes] = field(default_factory=dict)  # by ce_id
    engines: set[str] = field(default_factory=set)
    dropped: Callable[[int], bool] = lambda _: False  # a partition's oldest records are gone
    begun: set[int] = field(default_factory=set)  # partitions whose oldest record has been met
    left: dict[str, bytes] = field(default_factory=dict)  # of which the refold has said nothing so far
    overtaken: dict[str, list[str]] = field(default_factory=dict)  # account -> ce_ids that are not there

    def compare(self, output: Output, found: Findings, due: bool) -> None:
        """One output of the refold. They come in the order in which they were emitted, account by account.

        `due`: it had been emitted before the topic was read. What is not there is no difference where Kafka drops records
        itself: of a compacted topic what a newer record of the account follows, of another what is older than all that
        its partition still has.
        """
        what = f"{self.topic}: ce_id {output.ce_id} of account {output.account_id}"
        record = self.left.pop(output.ce_id, None)
        partition = partition_of(output.account_id.encode(), self.partitions)
        if record is not None:
            self.begun.add(partition)
            self.overtaken.pop(output.account_id, None)
            if record != orjson.dumps(output.body):
                found.differences.append(f"{what} differs from the refold{_where(record, output.body)}")
        elif not due:
            return
        elif self.compacted:
            self.overtaken.setdefault(output.account_id, []).append(f"{what} is missing")
        elif partition in self.begun or not self.dropped(partition):
            found.differences.append(f"{what} is missing")

    def finish(self, found: Findings) -> None:
        """When the refold has ended: what it never said, and what nothing newer stands for."""
        for missing in self.overtaken.values():
            found.differences += missing
        found.differences += [
            f"{self.topic}: ce_id {ce_id} is not in the refold" for ce_id in sorted(self.left)
        ]


def _read_outputs(kafka: Kafka, topic: str, partitions: int, compacted: bool, found: Findings) -> _Outputs:
    """Reads one output topic. A record that no monitor writes is a difference, and is left out."""
    outputs = _Outputs(
        topic, partitions, compacted, dropped=cache(lambda number: beginning(kafka, topic, number) > 0)
    )
    for partition in range(partitions):
        for record in read_topic(kafka, topic, partition, newest=compacted):
            where = f"{topic}/{partition} at {record.offset()}"
            ce_id = (dict(record.headers() or ()).get("ce_id") or b"").decode(errors="replace")
            try:
                body = orjson.loads(record.value() or b"")
            except orjson.JSONDecodeError:
                body = None
            if not ce_id or not isinstance(body, dict):
                found.differences.append(
                    f"{where}: no record of ours: {'no JSON object' if ce_id else 'no ce_id'}"
                )
                continue
            if ce_id in outputs.records:
                first = outputs.records[ce_id]
                other = "" if first == record.value() else f", and differs{_where(first, body)}"
                found.differences.append(f"{where}: ce_id {ce_id} stands there a second time{other}")
                continue
            outputs.records[ce_id] = record.value()
            if "engine" in body:
                outputs.engines.add(str(body["engine"]))
    outputs.left = dict(outputs.records)
    return outputs


def _where(record: bytes, body: dict[str, Any]) -> str:
    """Which fields differ, the first of them, as the end of a sentence; nothing when only the bytes do."""
    said, ours = orjson.loads(record), orjson.loads(orjson.dumps(body))
    wrong = sorted(
        name for name in said.keys() | ours.keys() if said.get(name, _ABSENT) != ours.get(name, _ABSENT)
    )
    return f" in {first_of(wrong)}" if wrong else ""


def first_of(names: Sequence[str]) -> str:
    """The first few of these names, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _committed(kafka: Kafka, settings: Settings) -> dict[int, int]:
    """The monitor's committed offset of each journal partition; negative where it has none."""
    journal = settings.prefixed(TOPICS["journal"].name)
    return {
        number: offset
        for (_, number), offset in committed(kafka, settings.prefixed("monitor"), [journal]).items()
    }

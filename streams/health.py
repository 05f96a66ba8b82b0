"""Whether a worker gets on with its work: what the transport does now, what still waits, and the verdicts on both.

Nothing is counted or served here, and nothing asks the broker: librdkafka says of itself how far its logs reach.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import orjson

from streams.blocks import TP, Block, Unit

Phase = Literal["starting", "polling", "applying", "committing"]

# Joining: the broker's answer, the transactional id, the first assignment's offsets
START_SECONDS: Final = 180.0
STALL_SECONDS: Final = 60.0  # without progress while there is something to do
# Without a word of the broker: not ready; a healthy one answers a fetch within 0.1 s
SILENT_SECONDS: Final = 15.0
TOLD_SECONDS: Final = 30.0  # of waiting for a service until the log says so
AGAIN_SECONDS: Final = 300.0  # until it says so again


class Waits:
    """When the log tells of a wait for a service: after half a minute, every five minutes again, and once when it is over.

    It has no clock: whoever asks says how long the wait has lasted.
    """

    def __init__(self) -> None:
        self.lasted = 0.0  # seconds of the longest look at this wait
        self._told: float | None = None  # how long it had lasted when it was told

    @property
    def told(self) -> bool:
        """Whether this wait was told."""
        return self._told is not None

    def due(self, lasted: float, after: float = TOLD_SECONDS) -> bool:
        """Whether a wait of so many seconds is to be told now; `after` how many, where it was not told yet."""
        if self._told is not None:
            after = self._told + AGAIN_SECONDS
        if lasted < after:
            return False
        self._told = self.lasted = lasted
        return True

    def over(self, lasted: float) -> bool:
        """Whether a wait that was told is over: seconds are counted anew. To be told now."""
        if self._told is None or lasted >= self._told:
            self.lasted = max(self.lasted, lasted)
            return False
        self._told = None
        return True


class Health:
    """One a worker process. The transport tells what it does; `stalled` and `unready` may be asked from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.unit: Unit | None = None
        self.phase: Phase = "starting"
        self.positions: dict[TP, int] = {}  # of our own commits since the last assignment
        self.behind: dict[TP, int] = {}  # owned partition -> records that wait, at most
        # Owned partition -> seconds for which the same transaction has been open there, as far as the broker was heard
        self.open: dict[TP, float] = {}
        self.broker = ""  # host:port of the one that was silent for longest when librdkafka spoke of it last
        self._clock = clock
        self._since = self._worked = clock()
        self._assignments = 0
        # Of `open`: where it begins, and when that was seen first
        self._oldest: dict[TP, tuple[int, float]] = {}
        # When a broker that leads our partitions was heard; which statistics were read
        self._heard = self._read = 0.0
        self._restored = 0.0

    def joined(self, unit: Unit) -> None:
        """The unit is there: its broker answered."""
        self.unit, self._heard = unit, self._clock()

    def enter(self, phase: Phase) -> None:
        """The transport begins to do this."""
        now = self._clock()
        if self.phase in ("applying", "committing"):
            self._heard += now - self._since  # nobody listened
        self.phase, self._since = phase, now

    def seconds(self) -> float:
        """How long the transport has been at what it does."""
        return self._clock() - self._since

    def polled(self, blocks: Sequence[Block]) -> None:
        """A poll is over. One that brought nothing is progress only where nothing waits."""
        assert self.unit is not None
        source = self.unit.source
        if source.assignments != self._assignments:
            self._assignments = source.assignments
            self.positions.clear()
            self.behind.clear()
            self.open.clear()
            self._oldest.clear()
            self._worked = self._heard = self._clock()  # what waits, waits for us from now on
        at, said = source.statistics
        if said and at != self._read:
            self._read = at
            told = orjson.loads(said)
            self.behind = waiting(told, source.owned, source.where, self.positions)
            if (said_of := silence(told, source.owned)) is not None:
                silent, broker = said_of
                self.broker = broker or self.broker
                self._heard = max(self._heard, at - silent)
            begins = undecided(told, self.behind)
            heard = min(at, self._heard)
            self._oldest = {
                tp: self._oldest[tp] if self._oldest.get(tp, (-1, 0.0))[0] == offset else (offset, heard)
                for tp, offset in begins.items()
            }
            self.open = {tp: heard - self._oldest[tp][1] if tp in begins else 0.0 for tp in self.behind}
        if not blocks and not any(self.behind.values()):
            self._worked = self._clock()

    def committed(self, blocks: Sequence[Block]) -> None:
        """A commit is over; blocks that it left undone are no progress."""
        for block in blocks:
            if block.committed:
                self.positions[block.topic, block.partition] = block.next_offset
                self._worked = self._clock()

    def silent_seconds(self) -> float:
        """Since the broker was last heard, as far as is known: nobody listens while blocks are applied or committed."""
        if self.unit is None:
            return 0.0
        if self._restores():
            self._heard = max(self._heard, self._worked, self.unit.answered)
        listened = self._clock() if self.phase == "polling" else self._since
        return max(0.0, listened - self._heard)

    def awaited(self) -> str:
        """What a worker that has joined and does not hear its broker waits for."""
        assert self.unit is not None
        if self._restores():
            return "states that are being read back"
        if self.seconds() > TOLD_SECONDS:
            return "a poll that has not come back: an assignment's offsets, or a new producer"
        if not self.unit.source.owned:
            return "the group to give out partitions"
        return f"records of its partitions ({len(self.unit.source.owned)})"

    def stalled(self) -> str | None:
        """Why this worker makes no progress although it has something to do; None: it does, or has nothing to do."""
        lasted = self.seconds()
        if self.unit is None:
            return f"it has not joined its group after {lasted:.0f} s" if lasted > START_SECONDS else None
        if self.phase in ("committing", "applying"):
            what = "a commit has lasted" if self.phase == "committing" else "a block has been applied for"
            return f"{what} {lasted:.0f} s" if lasted > STALL_SECONDS else None
        if self._restores():
            idle = self._clock() - self._worked
            return f"a restore reads nothing for {idle:.0f} s" if idle > STALL_SECONDS else None
        unheard = ""
        if (silent := self.silent_seconds()) > STALL_SECONDS:
            unheard = f"the broker has not been heard for {silent:.0f} s"
        if lasted > STALL_SECONDS:  # in there it waits for a broker that is away, too
            return "; ".join(filter(None, (unheard, f"a poll has not come back for {lasted:.0f} s")))
        if unheard:
            return unheard
        idle = self._clock() - self._worked
        if idle > STALL_SECONDS and (waits := sum(self.behind.values())):
            return f"{waits} records wait and none was committed for {idle:.0f} s"
        return None

    def unready(self) -> str | None:
        """Why this worker does no work yet; None: partitions are assigned, their states are there, the broker answers."""
        if self.unit is None:
            return "it has not joined its group yet"
        source = self.unit.source
        owned = source.owned
        if (silent := self.silent_seconds()) > SILENT_SECONDS:
            return f"the broker has not been heard for {silent:.0f} s"
        if self.phase == "committing" and (lasted := self.seconds()) > SILENT_SECONDS:
            return f"a commit has lasted {lasted:.0f} s"
        if self._restores():
            return "states are being restored"
        if not owned:
            return "no partitions are assigned to it"
        if not owned <= source.where.keys():
            return "states are being restored"
        return None

    def _restores(self) -> bool:
        """Whether states are being read back; what was read since this was asked last is progress."""
        assert self.unit is not None
        stats = self.unit.stats()
        if not stats.get("restoring"):
            return False
        if stats["restored_records"] != self._restored:
            self._restored, self._worked = stats["restored_records"], self._clock()
        return True


def waiting(
    told: Mapping[str, Any], owned: frozenset[TP], where: Mapping[TP, int], committed: Mapping[TP, int]
) -> dict[TP, int]:
    """Owned partition -> records that wait for this worker, at most, by librdkafka's statistics.

    The end of a transaction takes an offset and is no record, so a difference of offsets alone never comes to rest at
    0: where everything was fetched up to the last stable offset, handed out and committed, nothing waits. Partitions share
    one queue, and each tells the length of all of it: what was handed out of this one says more.
    """
    out: dict[TP, int] = {}
    for topic, number in owned:
        said = told["topics"].get(topic, {}).get("partitions", {}).get(str(number))
        taken = where.get((topic, number))
        if said is None or taken is None or said["ls_offset"] < 0:
            continue
        done = committed.get((topic, number), taken)
        queued = said["fetchq_cnt"] and said["app_offset"] < said["next_offset"]
        fetched = said["next_offset"] >= said["ls_offset"] and not queued
        out[topic, number] = 0 if fetched and done >= taken else max(0, said["ls_offset"] - done)
    return out


def undecided(told: Mapping[str, Any], behind: Mapping[TP, int]) -> dict[TP, int]:
    """Partition -> where the oldest transaction begins that is open there, by librdkafka's statistics.

    Of partitions of which nothing waits alone: what is fetched no further, its reader being behind, is not known to be as
    it was.
    """
    out: dict[TP, int] = {}
    for (topic, number), records in behind.items():
        said = told["topics"].get(topic, {}).get("partitions", {}).get(str(number))
        if said is not None and not records and said["ls_offset"] < said["hi_offset"]:
            out[topic, number] = said["ls_offset"]
    return out


def silence(told: Mapping[str, Any], owned: frozenset[TP]) -> tuple[float, str] | None:
    """Seconds since the brokers that lead our partitions were last heard, and host:port of the most silent of them; None:
    unknown.

    A consumer fetches from each leader all the time, so a healthy one is heard many times a second. Without
    partitions it is any broker: the group's coordinator answers heartbeats. A request to join is answered when all
    have come, which may take minutes; one whose broker is gone is given up at once.
    """
    group = told.get("cgrp", {})
    if not owned and group.get("state") == "up" and group.get("join_state") in ("wait-join", "wait-sync"):
        return 0.0, ""
    leaders = {
        said["broker"]
        for topic, number in owned
        if (said := told["topics"].get(topic, {}).get("partitions", {}).get(str(number))) is not None
    }
    idle = {
        broker["nodeid"]: (broker["rxidle"] / 1e6, broker["nodename"] or broker["name"])
        for broker in told["brokers"].values()
        if broker["rxidle"] >= 0
    }
    led = [idle[node] for node in leaders if node in idle]
    return max(led) if led else min(idle.values(), default=None)

"""What is remembered of one account: ledger, signals, alerts, proposals and a pulse, in pieces and out of them.

Only the composition lives here; each compartment knows its own bytes. Who keeps the pieces is streams/partition.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from agents import ledger_pieces
from agents.desk import Desk
from agents.facts import NEVER
from agents.ledger import Ledger
from agents.signals import Signals
from agents.watch import Watch

PULSE = "pulse"
_PULSE_VERSION = 2  # 1 knew nothing of `linked`
# Written while there is a `not_before` alone, or once a family was left, so that older engines read all the others
_NOT_BEFORE_VERSION = 3
_LEFT_VERSION = 4


class Standing(NamedTuple):
    """An account-status without its day: what it is compared by. Amounts as the record writes them."""

    status: str
    tier: str
    credit_limit: str | None
    open_alerts: int
    next_review: None  # reserved
    headroom: str | None  # moves with every event: by itself it makes a record at ticks alone


class Pulse:
    """The small state that moves at nearly every tick, kept apart so that a tick rewrites 100 bytes and not the ledger.

    `wake_on`: the first day whose tick must look at the account. `moved`: a checksum of the figures last emitted.
    `counted`: the exposure in base currency that the book's total holds for this account, in minor units. `linked`: the
    parent that the account has told of itself, `left`: how many others it had told so before. `not_before`: the newest day
    that an event was judged on before the first tick; None once a tick has come to it. Nothing is judged as of a day before
    it: what was told of that day would be taken back because it had not happened yet.
    """

    __slots__ = (
        "changed",
        "counted",
        "left",
        "linked",
        "moved",
        "not_before",
        "number",
        "status",
        "tier",
        "wake_on",
    )

    def __init__(self) -> None:
        self.wake_on = NEVER  # until first put to sleep, which is a change: what is not stored is not woken
        self.number = 0  # snapshots and statuses emitted so far
        self.moved = 0
        self.counted = 0
        self.status: Standing | None = None  # as last emitted
        self.linked: str | None = None
        self.left = 0
        self.not_before: int | None = None
        self.tier: str | None = None  # as of the last tick that looked at the account
        self.changed = False

    def next_number(self) -> int:
        """The number of the next snapshot or status. It never starts anew: before the first tick days go back and forth,
        and no two records may have one id."""
        self.number += 1
        self.changed = True
        return self.number

    def dump(self) -> bytes:
        told = [
            self.wake_on,
            self.number,
            self.moved,
            self.counted,
            [] if self.status is None else list(self.status),
            self.tier,
            self.linked,
        ]
        if self.left:
            return orjson.dumps([_LEFT_VERSION, *told, self.not_before, self.left])
        if self.not_before is None:
            return orjson.dumps([_PULSE_VERSION, *told])
        return orjson.dumps([_NOT_BEFORE_VERSION, *told, self.not_before])

    @classmethod
    def load(cls, raw: bytes) -> Pulse:
        pulse = cls()
        version, *rest = orjson.loads(raw)
        if version not in (1, _PULSE_VERSION, _NOT_BEFORE_VERSION, _LEFT_VERSION):
            raise ValueError(f"pulse of version {version}: this engine reads versions 1 to {_LEFT_VERSION}")
        if version == _LEFT_VERSION:
            pulse.left = rest.pop()
        if version in (_NOT_BEFORE_VERSION, _LEFT_VERSION):
            pulse.not_before = rest.pop()
        if version == 1:
            if len(rest) == 7:  # the first layout counted the numbers of each day anew
                del rest[1]
            rest.append(None)
        pulse.wake_on, pulse.number, pulse.moved, pulse.counted, status, pulse.tier, pulse.linked = rest
        pulse.status = Standing(*status) if status else None
        return pulse


def wake_on(raw: bytes) -> int:
    """The wake-up day of a pulse as stored, without loading the account."""
    day = orjson.loads(raw)[1]
    assert isinstance(day, int)
    return day


class Account:
    """One customer account. Mutable, owned by one journal partition; changed only by agents.monitor.

    The ledger is the one compartment that is dear to read: it may come as its pieces, read at the first look.
    """

    __slots__ = ("_ledger", "_pieces", "account_id", "desk", "pulse", "signals", "watch")

    def __init__(
        self,
        account_id: str,
        ledger: Ledger | Mapping[str, bytes],
        signals: Signals,
        watch: Watch,
        desk: Desk,
        pulse: Pulse,
    ) -> None:
        self.account_id = account_id
        self._ledger = ledger if isinstance(ledger, Ledger) else None
        self._pieces = None if isinstance(ledger, Ledger) else ledger
        self.signals = signals
        self.watch = watch
        self.desk = desk
        self.pulse = pulse

    @property
    def ledger(self) -> Ledger:
        ledger = self._ledger
        if ledger is None:
            assert self._pieces is not None
            ledger = self._ledger = ledger_pieces.load(self._pieces)
            self._pieces = None
        return ledger

    @property
    def changed(self) -> bool:
        """Whether facts have changed since the last dump."""
        return self.signals.changed or (self._ledger is not None and self._ledger.changed)


class InMemory(dict[str, Account]):
    """Accounts as agents.monitor asks for them, kept in a dict: for an explanation."""

    def put(self, account_id: str, account: Account) -> None:
        self[account_id] = account


def new(account_id: str) -> Account:
    return Account(account_id, Ledger(), Signals(), Watch(), Desk(), Pulse())


def load(account_id: str, pieces: Mapping[str, bytes]) -> Account:
    """An account from its pieces. Raises ValueError for a version that this engine does not read."""
    pulse = Pulse.load(pieces[PULSE]) if PULSE in pieces else Pulse()
    return Account(
        account_id,
        pieces,
        Signals.load(pieces),
        Watch.load(pieces),
        Desk.load(pieces),
        pulse,
    )


def dump(account: Account) -> dict[str, bytes | None]:
    """The pieces that changed since the last dump; None deletes a piece."""
    out: dict[str, bytes | None] = {}
    if account._ledger is not None:  # else nobody has looked at it
        out.update(ledger_pieces.dump(account._ledger))
    out.update(account.signals.dump())
    out.update(account.watch.dump())
    out.update(account.desk.dump())
    if account.pulse.changed:
        out[PULSE] = account.pulse.dump()
        account.pulse.changed = False
    return out

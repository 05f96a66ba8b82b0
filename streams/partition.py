"""The states of one partition: loaded when touched, and of the changed ones the changed pieces written out.

No Faust here, no meaning of a state or a record, and no commit: that is the units' (units.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from structlog import get_logger

from streams.slot import WHO, Produce

Pieces = Mapping[str, bytes]
Headers = Sequence[tuple[str, bytes | str]] | None

log = get_logger(__name__)


class Partition:
    """Number n of every input topic: the states of its accounts, and what the commit at hand has changed.

    A state is one object in memory and a few named pieces of bytes on the changelog. Account "" is the partition's
    own control state; its piece "who" is reserved. `memo` is the agent's (an index, say): made in on_restored, and
    gone with the partition when its states are thrown away.
    """

    __slots__ = (
        "_load",
        "_names",
        "_sizes",
        "_weight",
        "changed",
        "memo",
        "number",
        "objects",
        "outputs",
        "pieces",
        "positions",
        "removed",
    )

    def __init__(
        self, number: int, positions: dict[str, tuple[int, str]], load: Callable[[str, Pieces], Any]
    ) -> None:
        self.number = number
        self.positions = positions  # topic -> committed offset, and the token of the commit that wrote it
        self.pieces: dict[str, dict[str, bytes]] = {}  # as restored, until first touched
        self.objects: dict[str, Any] = {}
        self.changed: set[str] = set()
        self.removed: dict[str, frozenset[str]] = {}
        self.outputs: list[tuple[str, bytes | None, bytes | None, Headers]] = []  # topic, key, value, headers
        self.memo: Any = None
        self._load = load
        self._sizes: dict[str, dict[str, int]] = {}  # of a sample of the accounts: bytes of each piece
        self._weight = 0  # of all of these
        self._names: dict[str, frozenset[str]] = {}  # of loaded accounts: the pieces that the changelog holds

    def get(self, account_id: str) -> Any:
        """The state, None if there is none. What is changed in it must be said with `put`."""
        state = self.objects.get(account_id)
        if state is None:
            pieces = self.pieces.pop(account_id, None)
            if pieces is not None:
                self._names[account_id] = frozenset(pieces)
                state = self.objects[account_id] = self._load(account_id, pieces)
        return state

    def put(self, account_id: str, state: Any) -> None:
        """The state has changed, or is new: its changed pieces are written with the next commit."""
        if account_id in self.pieces:
            raise RuntimeError(f"put of account {account_id!r} before it was loaded")
        self.objects[account_id] = state
        self.changed.add(account_id)

    def remove(self, account_id: str) -> None:
        """The account is no more: all its pieces are deleted with the next commit."""
        self.get(account_id)
        if self.objects.pop(account_id, None) is not None:
            self.changed.add(account_id)
            self.removed[account_id] = self._names.pop(account_id, frozenset())

    def accounts(self) -> Iterator[str]:
        """All account ids, in no particular order; the control state is none."""
        for known in (self.objects, self.pieces):
            for account_id in known:
                if account_id:
                    yield account_id

    def restored(self, piece: str) -> Iterator[tuple[str, bytes]]:
        """(account id, bytes) of one piece, of all accounts that were not loaded yet: for on_restored."""
        for account_id, pieces in self.pieces.items():
            if account_id and piece in pieces:
                yield account_id, pieces[piece]

    def write(
        self, changelog: str, dump: Callable[[Any], Mapping[str, bytes | None]], produce: Produce
    ) -> None:
        """Send outputs and changed pieces; a piece that dump gives as None is deleted."""
        for topic, key, value, headers in self.outputs:
            produce(topic, value, key, -1, headers)
        for account_id in self.changed:
            state = self.objects.get(account_id)
            dumped = {} if state is None else dump(state)
            prefix = account_id.encode() + b"\0"
            names = self._names.get(account_id, _NONE)
            if dumped.keys() <= names and account_id not in self.removed and None not in dumped.values():
                for piece, data in dumped.items():  # nothing comes or goes, as with most
                    produce(changelog, data, prefix + piece.encode(), self.number)
                if account_id and not hash(account_id) & WEIGHED:
                    self._weigh(account_id, dumped)
                continue
            live = {piece for piece, data in dumped.items() if data is not None}
            dead = {piece for piece in names if piece in dumped and piece not in live}
            if account_id in self.removed:
                dead |= self.removed[account_id] - live
            for piece in live:
                produce(changelog, dumped[piece], prefix + piece.encode(), self.number)
            for piece in dead:
                produce(changelog, None, prefix + piece.encode(), self.number)
            if state is not None and (dead or not live <= names):
                self._names[account_id] = _shared((names | live) - dead)
            if account_id and not hash(account_id) & WEIGHED:
                self._weigh(account_id, {**dumped, **dict.fromkeys(dead)} if dead else dumped)

    def remember(self, record: Any) -> None:
        """One record of the changelog, while the partition is restored."""
        key = record.key()
        if key == WHO:
            return
        if key is None or b"\0" not in key:
            log.warning(
                "no state", topic=record.topic(), partition=record.partition(), offset=record.offset()
            )
            return  # somebody else's: what a worker writes names account and piece
        account_id, _, piece = key.decode().rpartition("\0")
        value = record.value()
        if value is not None:
            known = self.pieces.get(account_id)
            if known is None:
                known = self.pieces[account_id] = {}
            known[sys.intern(piece)] = value
        elif account_id in self.pieces:
            self.pieces[account_id].pop(piece, None)
            if not self.pieces[account_id]:
                del self.pieces[account_id]

    def weigh(self) -> None:
        """Once, after a restore: the sizes of what was read."""
        for account_id, pieces in self.pieces.items():
            if account_id and not hash(account_id) & WEIGHED:
                self._weigh(account_id, pieces)

    def _weigh(self, account_id: str, pieces: Mapping[str, bytes | None]) -> None:
        sizes = self._sizes.setdefault(account_id, {})
        for piece, data in pieces.items():
            size = 0 if data is None else len(data)
            self._weight += size - sizes.get(piece, 0)
            sizes[piece] = size
        if not any(sizes.values()):
            del self._sizes[account_id]

    def held(self) -> int:
        """Accounts with a state."""
        return len(self.objects) + len(self.pieces) - ("" in self.objects or "" in self.pieces)

    def bytes_held(self) -> int:
        """Bytes of the accounts' pieces on the changelog, estimated from one account in eight. Not of memory."""
        sampled = len(self._sizes)
        return round(self._weight / sampled * self.held()) if sampled else 0

    def committed(self) -> None:
        """What was changed is on the changelog."""
        self.changed.clear()
        self.removed.clear()
        self.outputs.clear()


WEIGHED = 7  # the sizes of one account in eight are kept (the bits of its hash that are zero then)
_NONE: frozenset[str] = frozenset()
_NAMES: dict[frozenset[str], frozenset[str]] = {}


def _shared(names: frozenset[str]) -> frozenset[str]:
    """One set for all accounts that have the same pieces, as most do."""
    return _NAMES.setdefault(names, names) if len(_NAMES) < 1000 else _NAMES.get(names, names)

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

    A state is a few named pieces of bytes, as on the changelog, and an object made of them when it is first touched. The
    pieces are held of every account, the object of those at hand. Account "" is the partition's own control state; its
    piece "who" is reserved. `memo` is the agent's (an index, say): made in on_restored, and gone with the partition when
    its states are thrown away.
    """

    __slots__ = (
        "_load",
        "bytes_at_hand",
        "bytes_held",
        "changed",
        "loads",
        "memo",
        "most",
        "number",
        "objects",
        "outputs",
        "pieces",
        "positions",
        "said",
    )

    def __init__(
        self, number: int, positions: dict[str, tuple[int, str]], load: Callable[[str, Pieces], Any]
    ) -> None:
        self.number = number
        self.positions = positions  # topic -> committed offset, and the token of the commit that wrote it
        # Topic -> the offset that the newest commit named beside its states. None: there is no commit on the changelog.
        self.said: dict[str, int] | None = None
        self.pieces: dict[str, dict[str, bytes]] = {}
        self.objects: dict[str, Any] = {}
        self.changed: set[str] = set()
        self.outputs: list[tuple[str, bytes | None, bytes | None, Headers]] = []  # topic, key, value, headers
        self.memo: Any = None
        self.bytes_held = 0  # of the accounts' pieces; the control state is not counted
        self.bytes_at_hand = 0  # of those pieces, the ones whose account is at hand as an object
        self.loads = 0  # accounts that were made of their pieces
        self.most: int | None = None  # what bytes_at_hand may come to; None is without a limit
        self._load = load

    def get(self, account_id: str) -> Any:
        """The state, None if there is none. What is changed in it must be said with `put`."""
        state = self.objects.get(account_id)
        if state is None:
            pieces = self.pieces.get(account_id)
            if pieces is not None:
                state = self.objects[account_id] = self._load(account_id, pieces)
                if account_id:
                    self.bytes_at_hand += _size(pieces)
                    self.loads += 1
        return state

    def put(self, account_id: str, state: Any) -> None:
        """The state has changed, or is new: its changed pieces are written with the next commit."""
        if account_id in self.pieces and account_id not in self.objects:
            raise RuntimeError(f"put of account {account_id!r} before it was loaded")
        self.objects[account_id] = state
        self.changed.add(account_id)

    def restored(self, piece: str) -> Iterator[tuple[str, bytes]]:
        """(account id, bytes) of one piece, of all accounts: for on_restored."""
        for account_id, pieces in self.pieces.items():
            if account_id and piece in pieces:
                yield account_id, pieces[piece]

    def write(
        self, changelog: str, dump: Callable[[Any], Mapping[str, bytes | None]], produce: Produce
    ) -> None:
        """Send outputs and changed pieces; a piece that dump gives as None is deleted.

        From here on the pieces are those of a commit that is not done yet: undone, the partition is to be thrown away.
        """
        for topic, key, value, headers in self.outputs:
            produce(topic, value, key, -1, headers)
        for account_id in self.changed:
            pieces = self.pieces.get(account_id)
            if pieces is None:
                pieces = self.pieces[account_id] = {}
            prefix = account_id.encode() + b"\0"
            grown = 0
            for piece, data in dump(self.objects[account_id]).items():
                before = pieces.get(piece)
                if data is None:
                    if before is None:
                        continue
                    del pieces[piece]
                    grown -= len(before)
                else:
                    pieces[piece if before is not None else sys.intern(piece)] = data
                    grown += len(data) - (0 if before is None else len(before))
                produce(changelog, data, prefix + piece.encode(), self.number)
            if not pieces:
                del self.pieces[account_id]
            if account_id:
                self.bytes_held += grown
                self.bytes_at_hand += grown

    def remember(self, record: Any) -> None:
        """One record of the changelog, while the partition is restored."""
        key = record.key()
        if key == WHO:
            self.said = named_offsets(record)
            return
        if key is None or b"\0" not in key:
            log.warning(
                "no state", topic=record.topic(), partition=record.partition(), offset=record.offset()
            )
            return  # somebody else's: what a worker writes names account and piece
        account_id, _, piece = key.decode().rpartition("\0")
        value = record.value()
        pieces = self.pieces.get(account_id)
        before = None if pieces is None else pieces.get(piece)
        if value is not None:
            if pieces is None:
                pieces = self.pieces[account_id] = {}
            pieces[sys.intern(piece)] = value
        elif pieces is not None:
            pieces.pop(piece, None)
            if not pieces:
                del self.pieces[account_id]
        if account_id:
            self.bytes_held += (0 if value is None else len(value)) - (0 if before is None else len(before))

    def held(self) -> int:
        """Accounts with a state on the changelog."""
        return len(self.pieces) - ("" in self.pieces)

    def at_hand(self) -> int:
        """Accounts whose state is an object in memory."""
        return len(self.objects) - ("" in self.objects)

    def committed(self) -> None:
        """What was changed is on the changelog."""
        self.changed.clear()
        self.outputs.clear()

    def room(self) -> int | None:
        """How many accounts the commit at hand may bring to hand, as far as the limit goes; None where there is none."""
        if self.most is None:
            return None
        usual = self.bytes_held // self.held() if self.bytes_held else _USUAL
        return max(_FEWEST, self.most // 4 // max(1, usual))

    def lay_aside(self) -> None:
        """Let go of objects until a quarter of the limit is free again. Nothing may be uncommitted.

        The last that came goes first: a day's tick goes through all accounts in turn, and whoever let go of the oldest
        would load each of them every day.
        """
        if self.most is None or self.bytes_at_hand <= (rest := self.most - self.most // 4):
            return
        control = self.objects.pop("", None)
        while self.bytes_at_hand > rest and self.objects:
            account_id, _ = self.objects.popitem()
            self.bytes_at_hand -= _size(self.pieces.get(account_id, {}))
        if control is not None:
            self.objects[""] = control


def named_offsets(who: Any) -> dict[str, int]:
    """Topic -> the offset from which the states of this commit go on. Empty of a version that did not say so."""
    return {
        topic: int(value) for topic, value in who.headers() or () if value is not None and value.isdigit()
    }


_FEWEST = 50  # accounts that a commit may bring to hand however little memory there is: a commit takes 3 ms
_USUAL = 10_000  # bytes of an account's pieces, until there are some


def _size(pieces: Pieces) -> int:
    return sum(map(len, pieces.values()))

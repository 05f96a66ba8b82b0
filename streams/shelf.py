"""The accounts of a fold that has its process to itself, within a budget of memory: for a backtest and for the auditor.

How an account is laid aside and made anew is partition.py's; nothing is written anywhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from agents import account as accounts
from agents.account import Account
from streams.memory import at_hand
from streams.partition import Partition, Pieces

EVERY: Final = 2_000
"""Changed accounts after which memory is looked at: at 100 us each to write them, which is done only where it is short."""


class Shelf:
    """Accounts as agents.monitor asks for them. All are objects until the process takes most of `budget` bytes; from then on
    as many as there is room for, the others being their bytes. Where the system does not tell what a process takes, all stay.
    """

    __slots__ = ("_budget", "_changed", "_short", "_states")

    def __init__(self, budget: int) -> None:
        self._states = Partition(0, {}, accounts.load)
        self._budget = budget
        self._changed = 0
        self._short = False

    def get(self, account_id: str) -> Account | None:
        account: Account | None = self._states.get(account_id)
        return account

    def put(self, account_id: str, account: Account) -> None:
        self._states.put(account_id, account)
        self._changed += 1
        if self._changed >= EVERY:
            self.keep_to_budget()

    def keep_to_budget(self) -> None:
        """Lay aside what there is no room for: after each EVERY changes, and by whoever only reads, now and then."""
        self._changed = 0
        if self._short or _resident() > self._budget // 4 * 3:
            self._short = True
            self._write()
            self._states.most = at_hand(self._budget, [self._states])
            self._states.lay_aside()

    def ids(self) -> list[str]:
        """All accounts, in order."""
        return sorted(self._states.objects.keys() | self._states.pieces.keys())

    def pieces(self) -> Iterator[tuple[str, Pieces]]:
        """(account id, its pieces) of all accounts, as a commit would have written them by now."""
        self._write()
        yield from self._states.pieces.items()

    def _write(self) -> None:
        self._states.write("", accounts.dump, _nowhere)
        self._states.committed()


def _nowhere(*_: Any) -> None:
    pass


def _resident() -> int:
    """Bytes of memory that this process takes; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0

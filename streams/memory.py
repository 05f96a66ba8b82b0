"""How much memory a worker may spend on the states of its partitions, and what of it objects may take.

Reads the machine's or container's size. Holds no state and lets go of none: that is partition.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from streams.partition import Partition

OBJECT: Final = 25
"""Bytes of memory that an account as an object takes for each byte of its pieces: 19 when loaded, 22 once measured, and what
the allocator leaves unused between them. tests/unit/test_memory.py holds it against the interpreter."""
OVERHEAD: Final = 1_500
"""Bytes of memory that an account's pieces take beside their content: a dict, ten to fifteen heads of bytes objects, keys."""

_CGROUPS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def of_machine(limits: Iterable[Path] = _CGROUPS) -> int:
    """Bytes of memory of the container if it has a limit, else of the machine."""
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in limits:
        try:
            return min(physical, int(path.read_text()))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return physical


def for_states(megabytes: int) -> int:
    """Bytes for states: what the setting says, and half of the machine or container where it says 0."""
    return megabytes * 1_000_000 or of_machine() // 2


def at_hand(budget: int, partitions: Iterable[Partition]) -> int:
    """Bytes of pieces whose accounts each partition may keep at hand, all partitions together within the budget.

    The pieces of all accounts are in memory whatever the budget; objects get what is left, and at least an eighth of it.
    """
    owned = list(partitions)
    pieces = sum(part.bytes_held + OVERHEAD * part.held() for part in owned)
    return max(budget - pieces, budget // 8) // OBJECT // max(1, len(owned))

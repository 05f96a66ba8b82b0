"""How often Python looks for cycles among the objects of a process that holds many accounts. Frees nothing itself.

States, records and outputs hold no cycles, so reference counts free them. Python's collector would walk all of them again
and again to find nothing: a third of a fold over 1,000 accounts at its default, a fifth at the thresholds below.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

THRESHOLDS = (100_000, 50, 1000)


@contextlib.contextmanager
def few_collections() -> Iterator[None]:
    """Cycles are looked for seldom while the block lasts; what others make is still found, later."""
    before = gc.get_threshold()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Cycles are not looked for while the block lasts: for a fold that is all that its process does meanwhile."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def states_set_apart() -> Iterator[None]:
    """What the block makes is never looked through for cycles, nor what there was before it.

    So nothing else that has come since the last time may be a cycle that is garbage: those are looked for first, and are
    few. Not found any more is a cycle that lives now and dies later.
    """
    gc.collect(1)
    with no_collections():
        try:
            yield
        finally:
            gc.freeze()

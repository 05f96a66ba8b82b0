"""How often Python looks for cycles among the objects of a process that holds many accounts. Frees nothing itself.

States, records and outputs hold no cycles, so reference counts free them; the collector's default would walk every
account again and again to find nothing: it took a third of a fold over 1,000 accounts, and more of a larger one.
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

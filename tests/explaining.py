"""Every alert and proposal of a source taken apart, for tests; `bellwether explain` and the page take one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from agents.explain import Row
from streams.explain import Source, explained, refold


def explanations(source: Source, namespace: str) -> Iterator[Row]:
    """Part by part, in the order in which they were told."""
    for part in range(source.parts()):
        told = refold(partial(source.events, part), namespace, lambda _: True)
        yield from (explained(told, case) for case in told.cases.values())

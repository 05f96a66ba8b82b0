"""What Python's collector of cycles is kept from looking at, and what it still finds."""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from streams.backtest import run as backtest
from streams.heap import THRESHOLDS, few_collections, no_collections, states_set_apart
from streams.settings import Settings, policy_text
from streams.simulate import generate


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


class Node:
    def __init__(self) -> None:
        self.itself: Node | None = None


def dead_cycle() -> weakref.ref[Node]:
    node = Node()
    node.itself = node
    return weakref.ref(node)


def test_thresholds_hold_for_the_block_alone() -> None:
    before = gc.get_threshold()
    with few_collections():
        assert gc.get_threshold() == THRESHOLDS
    assert gc.get_threshold() == before


def test_nothing_is_looked_through_in_a_fold_and_collection_goes_on_after_it_also_when_it_fails() -> None:
    seen = []
    with contextlib.suppress(ValueError), no_collections():
        seen.append(gc.isenabled())
        raise ValueError
    assert seen == [False]
    assert gc.isenabled()
    gc.disable()
    try:
        with no_collections():
            pass
        assert not gc.isenabled(), "as it was found"
    finally:
        gc.enable()


def test_states_are_never_looked_through_and_die_by_their_reference_counts() -> None:
    before = gc.get_freeze_count()
    with states_set_apart():
        assert not gc.isenabled()
        states = [Node() for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + 1000
    dead = [weakref.ref(state) for state in states]
    states.clear()
    assert not any(ref() for ref in dead)


def test_cycles_that_others_made_between_two_blocks_are_still_found() -> None:
    with states_set_apart():
        pass
    garbage = dead_cycle()
    assert garbage() is not None
    with states_set_apart():
        assert garbage() is None


def test_a_cycle_that_a_block_makes_would_stay_so_states_must_hold_none() -> None:
    with states_set_apart():
        kept = dead_cycle()
    gc.collect()
    assert kept() is not None
    gc.unfreeze()
    gc.collect()
    assert kept() is None


def test_a_fold_leaves_no_cycles_behind_whatever_it_met(tmp_path: Path) -> None:
    lines = [orjson.dumps(event) for event in generate(8, 7, 4)]
    bad = [b'{"type":"invoice.issued"}', b"{", b'{"type":"no.such"}', b'{"type":"clock.ticked","as_of":"x"}']
    path = tmp_path / "book.jsonl"
    path.write_bytes(b"\n".join(lines[i // 2] if i % 2 else bad[i % 4] for i in range(2 * len(lines))))
    text = policy_text(Settings(_env_file=None))
    backtest(path, text)  # what is made once and stays
    gc.collect()
    gc.disable()
    try:
        result = backtest(path, text)
        assert result.alerts
        assert len(result.dead_letters) == len(lines)
        del result
        assert gc.collect() < 50
    finally:
        gc.enable()

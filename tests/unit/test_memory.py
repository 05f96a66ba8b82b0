"""How much memory states may take: what there is, what is left for objects, and what an object takes in truth."""

from __future__ import annotations

import gc
import os
import tracemalloc
from pathlib import Path

import orjson
import pytest

from agents.account import dump, load
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Fold
from agents.policy_text import policy_hash
from agents.wakes import Wakes
from schemas.events import parse
from streams.memory import OBJECT, OVERHEAD, at_hand, for_states, of_machine
from streams.partition import Partition
from streams.settings import Settings, policy_text
from streams.simulate import generate
from tests.unit.test_partition import partition

MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (["300000000\n"], 300_000_000),
        ([None, "300000000"], 300_000_000),
        (["max\n"], MACHINE),
        (["max\n", "9223372036854771712"], MACHINE),  # no limit, as the older kernels write it
        ([None, None], MACHINE),
        ([], MACHINE),
    ],
)
def test_a_container_has_what_its_limit_leaves_of_the_machine(
    limits: list[str | None], expected: int, tmp_path: Path
) -> None:
    paths = [tmp_path / f"limit{n}" for n in range(len(limits))]
    for path, text in zip(paths, limits, strict=True):
        if text is not None:
            path.write_text(text)
    assert of_machine(paths) == expected


def test_states_get_what_the_setting_says_or_half_of_what_there_is() -> None:
    assert for_states(700) == 700_000_000
    assert for_states(0) == of_machine() // 2


def test_objects_get_what_the_pieces_of_all_accounts_leave_and_partitions_share_it_alike() -> None:
    parts = [partition(**{f"C{n}": {"head": b"x" * 500} for n in range(10)}), partition(), partition()]
    pieces = 10 * (500 + OVERHEAD)
    assert at_hand(pieces + 3 * OBJECT * 70, parts) == 70
    assert at_hand(8 * 3 * OBJECT * 2, parts) == 2, "an eighth of it, however many pieces there are"
    assert at_hand(1000, []) == 1000 // OBJECT


@pytest.fixture(scope="module")
def book() -> list[bytes]:
    return [orjson.dumps(event) for event in generate(15, 8, 3)]


def folded(book: list[bytes], most: int | None) -> tuple[list[bytes], Partition, Fold]:
    """What a worker emits that may keep `most` bytes of accounts at hand after each commit of 50 records."""
    state = Partition(0, {}, load)
    state.most = most
    text = policy_text(Settings(_env_file=None))
    sent: list[bytes] = []

    class Accounts:
        get, put = state.get, state.put

    control = Book()
    control.adopt(text, policy_hash(text))
    fold = Fold(Accounts(), Wakes(), control, 0, namespace_id("memory"))
    for number, line in enumerate(book):
        outputs, _, done = fold.take(parse(line))
        assert done
        sent += [orjson.dumps(tuple(output)) for output in outputs]
        if number % 50 == 49 or number == len(book) - 1:
            state.write("state", dump, lambda *_: None)
            state.committed()
            state.lay_aside()
    return sent, state, fold


def test_what_is_emitted_and_written_does_not_depend_on_the_memory(book: list[bytes]) -> None:
    told, roomy, _ = folded(book, None)
    again, tight, _ = folded(book, 30_000)
    assert told == again
    assert roomy.loads == 0
    assert tight.loads > 300, "else nothing was laid aside"
    assert tight.bytes_at_hand <= 30_000 < tight.bytes_held
    assert roomy.pieces == tight.pieces


def test_an_account_at_hand_takes_about_as_much_memory_as_is_counted_for_it(book: list[bytes]) -> None:
    _, state, fold = folded(book, 0)
    day = fold.book.day
    assert day is not None
    gc.collect()
    tracemalloc.start()
    try:
        for account_id in list(state.pieces):
            account = state.get(account_id)
            fold.snapshot(account, day)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.6 * OBJECT < taken / state.bytes_at_hand < 1.1 * OBJECT

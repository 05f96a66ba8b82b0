"""The accounts of a backtest and of an audit: what they say does not depend on how many of them are objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from agents import account as accounts
from streams import backtest, shelf
from streams.settings import Settings, policy_text
from streams.shelf import Shelf
from streams.simulate import generate

POLICY = policy_text(Settings(_env_file=None))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shelf") / "book.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(event) for event in generate(12, 7, 9)))
    return path


def told(book: Path) -> tuple[list[Any], Any]:
    out: list[Any] = []
    result = backtest.run(book, POLICY, each=lambda output: out.append(tuple(output)))
    return out, result.accounts


def test_a_backtest_says_the_same_however_little_memory_there_is(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roomy = told(book)
    shelves: list[Shelf] = []

    def tight(_budget: int) -> Shelf:
        shelves.append(Shelf(1_000_000))
        return shelves[-1]

    monkeypatch.setattr(backtest, "Shelf", tight)
    monkeypatch.setattr(backtest, "EVERY", 5)
    monkeypatch.setattr(shelf, "EVERY", 40)
    assert told(book) == roomy
    states = shelves[0]._states
    assert states.loads > 100, "else nothing was laid aside"
    assert states.at_hand() < states.held() == len(shelves[0].ids()) == 12


def test_all_stay_at_hand_while_there_is_room(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelves: list[Shelf] = []

    def roomy(budget: int) -> Shelf:
        shelves.append(Shelf(budget))
        return shelves[-1]

    monkeypatch.setattr(backtest, "Shelf", roomy)
    monkeypatch.setattr(shelf, "EVERY", 40)
    told(book)
    assert (shelves[0]._states.loads, shelves[0]._states.held()) == (0, 0), "nor is anything written"
    assert shelves[0]._states.at_hand() == 12


def test_the_pieces_are_those_of_all_accounts_written_or_not() -> None:
    kept = Shelf(1 << 40)
    account = accounts.new("A")
    account.pulse.next_number()
    kept.put("A", account)
    ((account_id, pieces),) = kept.pieces()
    assert account_id == "A"
    assert accounts.load("A", pieces).pulse.number == 1
    account.pulse.next_number()
    kept.put("A", account)
    assert [accounts.load("A", pieces).pulse.number for _, pieces in kept.pieces()] == [2]

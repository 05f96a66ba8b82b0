"""A backtest in shards of accounts: what it finds is what one process finds, and its processes end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import astuple
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.policy_text import PolicyError
from streams import backtest, shards
from streams.errors import Refused
from streams.settings import Settings, policy_text
from streams.simulate import generate

TEXT = policy_text(Settings(_env_file=None))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With what a real file has: lines that are no events, facts that are refused, ticks of several days."""
    path = tmp_path_factory.mktemp("shards") / "book.jsonl"
    lines: list[bytes] = []
    for number, event in enumerate(generate(8, 7, 77)):
        if event["type"] == "clock.ticked" and event["as_of"][-1] in "1346":
            continue
        lines.append(orjson.dumps(event))
        if not number % 100:
            lines.append(b'{"type": "invoice.isued"}')
            at = {"occurred_at": event["occurred_at"], "source": "desk", "proposal_id": "p-0"}
            if "account_id" in event:
                at |= {
                    "event_id": f"d{number}",
                    "type": "proposal.rejected",
                    "account_id": event["account_id"],
                }
                lines.append(orjson.dumps(at | {"actor": "mia", "role": "analyst"}))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


@pytest.fixture(scope="module")
def alone(book: Path) -> backtest.Result:
    return backtest.run(book, TEXT)


def test_the_book_has_what_the_comparison_is_about(alone: backtest.Result) -> None:
    assert alone.alerts
    assert alone.proposals
    reasons = {letter["reason"].split(":")[0] for letter in alone.dead_letters}
    assert {"type", "proposal_id"} <= reasons
    assert (
        sum(len({a["account_id"] for a in alone.alerts if a["as_of"] == day}) > 1 for day in days(alone)) > 2
    )


def days(result: backtest.Result) -> set[str]:
    return {alert["as_of"] for alert in result.alerts}


@pytest.mark.parametrize("count", [2, 3])
def test_shards_together_are_the_whole_in_its_order(book: Path, alone: backtest.Result, count: int) -> None:
    parts = [backtest.run(book, TEXT, shard=(k, count)) for k in range(count)]
    assert all(part.accounts for part in parts)
    together = shards.merged(parts)
    assert astuple(together) == astuple(alone)
    assert list(together.accounts) == list(alone.accounts)


def test_shards_in_the_wrong_places_are_noticed(book: Path, alone: backtest.Result) -> None:
    parts = [backtest.run(book, TEXT, shard=(k, 2)) for k in (0, 0)]
    assert astuple(shards.merged(parts)) != astuple(alone)


def test_processes_find_the_same_and_tell_how_far_they_are(book: Path, alone: backtest.Result) -> None:
    read: list[int] = []
    assert astuple(shards.run_sharded(book, TEXT, shards=2, progress=read.append)) == astuple(alone)
    assert read == sorted(read)
    assert read[-1] == book.stat().st_size
    assert not multiprocessing.active_children()


def test_a_process_that_is_killed_is_told_in_one_sentence_and_takes_the_others_along(book: Path) -> None:
    def kill(read: int) -> None:
        victim = multiprocessing.active_children()[0].pid
        assert victim is not None
        os.kill(victim, signal.SIGKILL)

    big = book.with_name("big.jsonl")
    big.write_bytes(book.read_bytes() * 3)
    with pytest.raises(Refused, match=r"ended before its work \(exit code -9"):
        collected(big, kill)
    assert not multiprocessing.active_children()


def collected(path: Path, progress: Any = None) -> backtest.Result:
    return shards.run_sharded(path, TEXT, shards=2, progress=progress)


def test_what_a_process_refuses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot read"):
        collected(tmp_path / "none.jsonl")


def test_a_policy_with_a_mistake_is_told_before_any_process_starts(book: Path) -> None:
    with pytest.raises(PolicyError):
        shards.run_sharded(book, "nonsense = 1\n", shards=2)


def test_a_small_file_is_not_worth_a_process(
    book: Path, alone: backtest.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "cores", lambda: 8)
    monkeypatch.setattr(shards, "_processes", lambda *_: pytest.fail("a process was started"))
    assert book.stat().st_size < shards.WORTH
    assert astuple(shards.run_sharded(book, TEXT)) == astuple(alone)

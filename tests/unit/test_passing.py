"""A rule that raises: its record is passed over and told, all else is as if it had not been there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from agents import bookkeeping
from agents.ledger import Ledger
from agents.monitor import Fold
from streams import explain
from streams.backtest import Result, run
from streams.errors import Refused
from streams.passing import FAILURES
from streams.settings import Settings, policy_text
from streams.simulate import generate

POLICY = policy_text(Settings(_env_file=None))
LINES = [orjson.dumps(event) for event in generate(4, 6, 3)]
INVOICES = [orjson.loads(line)["event_id"] for line in LINES if b'"invoice.issued"' in line]


def written(path: Path, without: str = "") -> Path:
    path.write_bytes(b"\n".join(line for line in LINES if not without or without.encode() not in line))
    return path


def told(result: Result) -> list[Any]:
    return [result.alerts, result.proposals, result.accounts]


@pytest.fixture
def raises(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Event ids on which the ledger raises, in the middle of what it does."""
    ids: set[str] = set()
    apply = bookkeeping.apply

    def broken(ledger: Ledger, event: Any, *given: Any) -> Any:
        answer = apply(ledger, event, *given)
        if event.event_id in ids:
            raise RuntimeError("boom")
        return answer

    monkeypatch.setattr(bookkeeping, "apply", broken)
    return ids


def test_an_event_on_which_a_rule_raises_is_a_dead_letter_and_counts_for_nothing(
    raises: set[str], tmp_path: Path
) -> None:
    victim = INVOICES[7]
    raises.add(victim)
    found = run(written(tmp_path / "book.jsonl"), POLICY)
    (letter,) = found.dead_letters
    assert letter["reason"] == "RuntimeError: boom"
    assert letter["line"] == 1 + next(n for n, line in enumerate(LINES) if victim.encode() in line)
    raises.clear()
    without = run(written(tmp_path / "without.jsonl", f'"event_id":"{victim}"'), POLICY)
    assert without.dead_letters == []
    assert told(found) == told(without)
    assert told(found) != told(run(tmp_path / "book.jsonl", POLICY)), "the event mattered"


def test_a_tick_that_raises_for_one_account_is_told_and_judges_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = written(tmp_path / "book.jsonl")
    whole = run(path, POLICY)
    victim = whole.alerts[-1]["account_id"]
    wake = Fold._wake

    def broken(fold: Fold, account: Any, day: int, *given: Any) -> None:
        wake(fold, account, day, *given)
        if account.account_id == victim and day % 40 == 0:
            raise RuntimeError("boom")

    monkeypatch.setattr(Fold, "_wake", broken)
    found = run(path, POLICY)
    assert found.dead_letters
    assert {letter["account_id"] for letter in found.dead_letters} == {victim}
    assert {letter["reason"] for letter in found.dead_letters} == {f"account {victim}: RuntimeError: boom"}
    for name in ("alerts", "proposals"):
        ours, theirs = (
            [row for row in getattr(result, name) if row["account_id"] != victim] for result in (found, whole)
        )
        assert ours == theirs


def test_rules_that_raise_again_and_again_end_it_as_a_fault_of_ours(raises: set[str], tmp_path: Path) -> None:
    raises.update(INVOICES[: FAILURES - 1])
    path = written(tmp_path / "book.jsonl")
    assert len(run(path, POLICY).dead_letters) == FAILURES - 1
    raises.add(INVOICES[FAILURES])
    with pytest.raises(Refused, match="20 times, last: RuntimeError: boom; this is a fault of ours"):
        run(path, POLICY)


def test_explain_passes_over_what_the_backtest_passed_over(raises: set[str], tmp_path: Path) -> None:
    path = written(tmp_path / "book.jsonl")
    alert = run(path, POLICY).alerts[-1]
    account_id = alert["account_id"]
    raises.add(next(i for i in INVOICES if any(i.encode() in x and account_id.encode() in x for x in LINES)))
    found = run(path, POLICY)
    source = explain.File(path, POLICY)
    told = [row for row in found.alerts if row["account_id"] == account_id]
    taken = explain.explanation(source, "", told[-1]["alert_id"], account_id)
    assert [step["record"] for step in taken["transitions"]] == [
        row for row in told if row["alert_id"] == told[-1]["alert_id"]
    ]

"""What a repeat changes of an account is stored too: an account that is read anew goes on as one that never left memory."""

from __future__ import annotations

import json
from typing import Any

from agents import account as accounts
from agents.account import Account
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Fold
from agents.policy_text import policy_hash
from agents.wakes import Wakes
from schemas.events import parse
from streams.settings import deploy_dir

POLICY = (deploy_dir() / "policy.toml").read_text(encoding="utf-8")


class Stored:
    """Accounts of which only what was put is there the next time: each is made of its pieces at every look."""

    def __init__(self) -> None:
        self.pieces: dict[str, dict[str, bytes]] = {}

    def get(self, account_id: str) -> Account | None:
        pieces = self.pieces.get(account_id)
        return None if pieces is None else accounts.load(account_id, pieces)

    def put(self, account_id: str, account: Account) -> None:
        pieces = self.pieces.setdefault(account_id, {})
        for name, data in accounts.dump(account).items():
            if data is None:
                pieces.pop(name, None)
            else:
                pieces[name] = data


def event(kind: str, event_id: str, at: str, **fields: Any) -> Any:
    body = {"event_id": event_id, "type": kind, "occurred_at": at, "source": "erp", **fields}
    return parse(json.dumps(body).encode())


def booked(event_id: str, at: str, amount: str, order: str = "O-1") -> Any:
    return event(
        "order.booked", event_id, at, account_id="C-1", order_id=order, amount=amount, currency="USD"
    )


def ticked(day: str) -> Any:
    return event("clock.ticked", f"tick-{day}", f"{day}T23:59:59Z", as_of=day)


def folded(states: Any, *events: Any) -> Fold:
    fold = Fold(states, Wakes(), Book(), 0, namespace_id(""))
    adopted = {"text": POLICY, "hash": policy_hash(POLICY), "engine": "1"}
    for one in (
        event("policy.adopted", "p", "2026-01-01T00:00:00Z", **adopted),
        ticked("2026-01-09"),
        *events,
    ):
        fold.take(one)
    return fold


def pieces_of(*events: Any) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """(of an account that stayed in memory, of one that was read anew for every event)."""
    stayed, anew = accounts.InMemory(), Stored()
    folded(stayed, *events)
    folded(anew, *events)
    return {k: v for k, v in accounts.dump(stayed["C-1"]).items() if v is not None}, anew.pieces["C-1"]


def test_a_fact_said_again_is_remembered_as_said_again() -> None:
    stayed, anew = pieces_of(
        booked("e1", "2026-01-10T01:00:00Z", "10.00"), booked("e2", "2026-01-10T05:00:00Z", "10.00")
    )
    assert stayed == anew


def test_a_correction_between_two_that_say_the_same_does_not_win_after_a_restart() -> None:
    stayed, anew = pieces_of(
        booked("e1", "2026-01-10T01:00:00Z", "10.00"),
        booked("e2", "2026-01-10T05:00:00Z", "10.00"),
        booked("e3", "2026-01-10T03:00:00Z", "20.00"),
    )
    assert stayed == anew
    assert json.loads(anew["l.o.0"])[2][1][3] == [1000, "USD"]


def test_a_fact_whose_day_comes_with_a_repeat_is_stored_as_taken() -> None:
    stayed, anew = pieces_of(
        booked("e0", "2026-01-09T01:00:00Z", "5.00", "O-9"),
        booked("e1", "2026-01-11T01:00:00Z", "10.00"),
        ticked("2026-01-10"),
        booked("e1", "2026-01-11T01:00:00Z", "10.00"),
    )
    assert stayed == anew

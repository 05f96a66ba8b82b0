"""Nothing that the fold keeps in memory decides: accounts read anew from their pieces at every step tell the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.account import Account, dump, load
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Accounts, Fold
from agents.policy import policy_hash
from agents.records import Output
from agents.wakes import Wakes
from schemas.events import ClockTicked, Event, parse
from streams.simulate import generate

POLICY = Path(__file__).parents[2].joinpath("deploy", "policy.toml").read_text()
END = dt.date(2025, 12, 31)


class Kept:
    """The same objects from the first event to the last."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}

    def get(self, account_id: str) -> Account | None:
        return self.accounts.get(account_id)

    def put(self, account_id: str, account: Account) -> None:
        self.accounts[account_id] = account


class Reloaded:
    """An object for one step only: what is put is dumped, what is asked for is read from its pieces."""

    def __init__(self, lost: str | None = None) -> None:
        self.pieces: dict[str, dict[str, bytes]] = {}
        self.lost = lost  # a piece that this store forgets

    def get(self, account_id: str) -> Account | None:
        pieces = self.pieces.get(account_id)
        return None if pieces is None else load(account_id, dict(pieces))

    def put(self, account_id: str, account: Account) -> None:
        pieces = self.pieces.setdefault(account_id, {})
        for key, value in dump(account).items():
            if value is None:
                pieces.pop(key, None)
            elif key != self.lost:
                pieces[key] = value


@cache
def book(seed: int) -> tuple[Event, ...]:
    return tuple(parse(orjson.dumps(event)) for event in generate(2, 8, seed, END))


def told(events: list[Event], accounts: Accounts) -> list[bytes]:
    state = Book()
    state.adopt(POLICY, policy_hash(POLICY))
    fold = Fold(accounts, Wakes(), state, 0, namespace_id("reload"))
    records = []
    for event in events:
        if isinstance(event, ClockTicked):
            outputs, _, complete = fold.tick(event, True, 1_000)
            assert complete
        else:
            outputs = fold.event(event)  # type: ignore[arg-type]
        for output in outputs:
            row: list[Any] = [output.topic, output.account_id]
            row += [output.ce_id, output.at, output.body] if isinstance(output, Output) else [output.reason]
            records.append(orjson.dumps(row))
    return records


def late(events: tuple[Event, ...], every: int, by: int) -> list[Event]:
    """Every so many-th event comes so many places later: facts that move what has been measured already."""
    order = sorted(
        range(len(events)),
        key=lambda place: (
            place + (by if not place % every and not isinstance(events[place], ClockTicked) else 0)
        ),
    )
    return [events[place] for place in order]


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1_000), every=st.integers(3, 12), by=st.integers(0, 300))
def test_accounts_read_anew_before_every_step_tell_the_same(seed: int, every: int, by: int) -> None:
    events = late(book(seed), every, by)
    assert told(events, Reloaded()) == told(events, Kept())


def test_a_store_that_forgets_the_alerts_tells_something_else() -> None:
    events = late(book(12), 5, 40)
    stores: list[Callable[[], Accounts]] = [Kept, lambda: Reloaded("w.a")]
    kept, forgetful = [told(events, store()) for store in stores]
    assert any(record.startswith(b'["alerts"') for record in kept)
    assert kept != forgetful

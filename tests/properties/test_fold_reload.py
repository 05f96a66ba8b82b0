"""Nothing that the fold keeps in memory decides: what is read anew from its pieces at every step tells the same.

Accounts alone, and then all of it, as a worker restores a partition: the index of wakes, the book, a tick in the middle.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unittest.mock import patch

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.account import PULSE, Account, dump, load, wake_on
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Accounts, Fold
from agents.policy_text import load_policy, policy_hash
from agents.records import Output, Refusal
from agents.wakes import Wakes
from schemas.events import ClockTicked, Event, parse
from streams.simulate import generate

POLICY = Path(__file__).parents[2].joinpath("deploy", "policy.toml").read_text()
END = dt.date(2025, 12, 31)
load_policy_once = cache(load_policy)  # 10 ms each time, and never another


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


def row(output: Output | Refusal) -> bytes:
    if isinstance(output, Output):
        return orjson.dumps([output.topic, output.account_id, output.ce_id, output.at, output.body])
    return orjson.dumps(list(output))


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
        records += [row(output) for output in outputs]
    return records


def told_by_workers_that_die(events: list[Event], slice_of: int, lost: str | None = None) -> list[bytes]:
    """The same, each step by another worker that knows no more than what was stored; ticks in slices of a few accounts."""
    store = Reloaded(lost)
    kept: dict[str, bytes] = {}
    records = []

    def restored() -> Fold:
        state = Book.load(kept) if kept else Book()
        if not kept:
            state.adopt(POLICY, policy_hash(POLICY))
        wakes = Wakes()
        for account_id, pieces in store.pieces.items():
            if PULSE in pieces:
                wakes.move(account_id, wake_on(pieces[PULSE]))
        return Fold(store, wakes, state, 0, namespace_id("reload"))

    with patch("agents.book.load_policy", load_policy_once):
        for event in events:
            complete = False
            while not complete:
                fold = restored()
                if isinstance(event, ClockTicked):
                    outputs, _, complete = fold.tick(event, True, slice_of)
                else:
                    outputs, complete = fold.event(event), True  # type: ignore[arg-type]
                kept.update(fold.book.dump())
                records += [row(output) for output in outputs]
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


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    every=st.integers(3, 12),
    by=st.integers(0, 300),
    first_tick=st.sampled_from([0, 40, 200]),
    slice_of=st.integers(1, 3),
)
def test_a_partition_restored_before_every_step_tells_the_same(
    seed: int, every: int, by: int, first_tick: int, slice_of: int
) -> None:
    events = [
        event
        for place, event in enumerate(late(book(seed), every, by))
        if place >= first_tick or not isinstance(event, ClockTicked)
    ]
    assert told_by_workers_that_die(events, slice_of) == told(events, Kept())


def test_an_account_of_which_nothing_was_told_before_the_first_tick_is_woken_by_it_after_a_restore() -> None:
    scored = parse(
        orjson.dumps(
            {
                "event_id": "b-1",
                "type": "bureau.reported",
                "account_id": "C-1",
                "occurred_at": "2025-10-24T02:43:20Z",
                "source": "bureau:corvus",
                "agency": "corvus",
                "reported_on": "2025-10-24",
                "score": 204,
                "scale_min": 100,
                "scale_max": 600,
                "higher_is_better": True,
            }
        )
    )
    too_early, tick = (
        parse(
            orjson.dumps(
                {
                    "event_id": f"t-{day}",
                    "type": "clock.ticked",
                    "occurred_at": f"{day}T23:59:59Z",
                    "source": "clock",
                    "as_of": day,
                }
            )
        )
        for day in ("2025-10-20", "2025-10-24")
    )
    by_one = told([scored, tick], Kept())
    assert any(record.startswith(b'["snapshots","C-1"') for record in by_one)
    assert told_by_workers_that_die([scored, tick], 1) == by_one
    assert told_by_workers_that_die([scored, tick], 1, lost=PULSE) != by_one
    assert not any(record.startswith(b'["snapshots"') for record in told([scored, too_early], Kept()))
    assert told_by_workers_that_die([scored, too_early, tick], 1) == told([scored, too_early, tick], Kept())


def test_an_approval_in_another_currency_counts_at_once_for_an_account_read_anew() -> None:
    def said(kind: str, at: str, **fields: object) -> Event:
        return parse(
            orjson.dumps(
                {"event_id": f"{kind}-{at}", "type": kind, "occurred_at": at, "source": "erp", **fields}
            )
        )

    def invoice(number: int, amount: str) -> Event:
        return said(
            "invoice.issued", f"2025-03-0{number}T09:00:00Z", account_id="C-1", invoice_id=f"i-{number}", amount=amount,
            currency="USD", invoice_date=f"2025-03-0{number}", due_date="2025-04-30",
        )  # fmt: skip

    def tick(day: str) -> Event:
        return said("clock.ticked", f"{day}T23:59:59Z", as_of=day, rates={"GBP": "1.25"})

    opened = said(
        "account.opened", "2025-03-01T08:00:00Z", account_id="C-1", name="Hale & Co", currency="USD",
        opened_on="2025-03-01", expected_monthly_purchases="60000.00",
    )  # fmt: skip
    before = [opened, invoice(1, "40000.00"), invoice(2, "30000.00"), tick("2025-03-03")]
    proposal = next(
        orjson.loads(record)[-1]["proposal_id"]
        for record in told(before, Kept())
        if record.startswith(b'["limit-proposals"')
    )
    approved = said(
        "proposal.approved", "2025-03-04T10:00:00Z", account_id="C-1", proposal_id=proposal, actor="Ms Ito",
        role="controller", limit="20000.00", currency="GBP",
    )  # fmt: skip
    by_one = told([*before, approved], Kept())
    assert any(b'"over_limit"' in record for record in by_one)
    assert told([*before, approved], Reloaded()) == by_one


def test_a_store_that_forgets_the_alerts_tells_something_else() -> None:
    events = late(book(12), 5, 40)
    stores: list[Callable[[], Accounts]] = [Kept, lambda: Reloaded("w.a")]
    kept, forgetful = [told(events, store()) for store in stores]
    assert any(record.startswith(b'["alerts"') for record in kept)
    assert kept != forgetful

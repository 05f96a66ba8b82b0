"""A profile told in any order, repeated, told otherwise and reloaded is field by field what a slow reference says."""

from __future__ import annotations

import random
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import bookkeeping, ledger_pieces
from agents.facts import ROW_OF
from agents.ledger import Ledger
from agents.rates import Rates
from schemas.money import minor
from tests.reference import books

POLICY = books.policy()
RATES = Rates("USD")
TODAY = books.day(10)

NAMED = {
    "country": st.sampled_from(["DE", "US"]),
    "terms_days": st.sampled_from([0, 30]),
    "parent_id": st.sampled_from(["group", "other"]),
    "industry": st.sampled_from(["retail", "energy"]),
    "owner": st.sampled_from(["kim", "lee"]),
    "expected_monthly_purchases": st.sampled_from(["0", "5000"]),
}


@st.composite
def profiles(draw: st.DrawFn) -> list[Any]:
    """Few ids and instants, so that many events meet in one, or come after today."""
    events = []
    for _ in range(draw(st.integers(1, 12))):
        named = draw(st.lists(st.sampled_from(sorted(NAMED)), unique=True, max_size=4))
        fields = {field: draw(NAMED[field]) for field in named}
        fields["name"] = draw(st.sampled_from(["Acme", "Acme Ltd", "acme"]))
        fields["currency"] = draw(st.sampled_from(["USD", "USD", "JPY"]))
        fields["opened_on"] = books.text(draw(st.integers(0, 3)))
        kind = draw(st.sampled_from(["account.opened", "account.opened", "account.updated"]))
        events.append(books.event(kind, draw(st.integers(1, 9)), draw(st.integers(0, 11)), **fields))
    return events


def order_of(event: Any) -> Any:
    """Newest last. Of one id and instant an opening comes after an update; else the greater by its bytes."""
    content = orjson.dumps(ROW_OF[event.type](event)[2])
    return event.occurred_at, event.event_id, event.type == "account.opened", content


def reference(events: list[Any]) -> dict[str, Any]:
    """All events in their order, each field by itself."""
    known: dict[str, Any] = dict.fromkeys(["name", *NAMED])
    named_by: dict[str, str] = {}
    updated = False
    for event in sorted(events, key=order_of):
        whole = event.type == "account.updated"
        if whole:
            known, updated = dict.fromkeys(known), True
        for field in ("name", "currency", *NAMED):
            value = getattr(event, field)
            if value is not None and (whole or (field, value) != ("name", event.account_id)):
                known[field], named_by[field] = value, event.currency
        if whole or not updated:
            earlier = None if whole else known.get("opened_on")
            known["opened_on"] = min(event.opened_on, earlier or event.opened_on)
    expected = known.get("expected_monthly_purchases")
    if expected is not None:
        currency = named_by["expected_monthly_purchases"]
        known["expected_monthly_purchases"] = (
            minor(expected, currency) if currency == known["currency"] else None
        )
    known["opened_on"] = known["opened_on"].toordinal()
    return known


@settings(max_examples=300, deadline=None)
@given(events=profiles(), dice=st.integers(0, 10**6).map(random.Random))
def test_a_profile_is_what_the_reference_says_in_any_order_repeated_and_reloaded(
    events: list[Any], dice: random.Random
) -> None:
    counting = [event for event in events if event.occurred_at.date().toordinal() <= TODAY]
    told = [*events, *dice.choices(events, k=len(events) // 2)]
    states = set()
    for _ in range(3):
        dice.shuffle(told)
        ledger, store = Ledger(), dict[str, bytes]()
        for event in told:
            bookkeeping.apply(ledger, event, TODAY, POLICY, RATES)
            if dice.random() < 0.4:
                books.write(store, ledger)
                ledger = ledger_pieces.load(dict(store))
        assert len(ledger.profile_facts) <= len(NAMED) + 2
        assert not any(fact.whole for fact in ledger.profile_facts[:-1])
        if counting:
            known = reference(counting)
            assert {field: getattr(ledger, field) for field in known} == known
        else:
            assert ledger.profile is None
        states.add(ledger_pieces.canonical(ledger))
    assert len(states) == 1

"""Payments and invoices that compete: one allocation, whatever the order of arrival, with and without pieces in between."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import bookkeeping, ledger_pieces
from agents.ledger import Ledger
from agents.ledger_pieces import canonical
from agents.measure import measure
from agents.rates import Rates
from tests.properties.test_figures_reference import differences
from tests.properties.test_ledger_order import rate_table, rates_up_to
from tests.reference import account_figures, books

_FAR = books.policy(reach_days=3650)
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a book takes minutes
_RANDOM = st.integers(0, 10**6).map(random.Random)
_BOOKS = st.sampled_from([("USD",), ("USD", "EUR", "KWD")]).flatmap(lambda some: books.contests(some))

many = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)


@many
@given(events=_BOOKS, today=st.integers(0, 70), dice=_RANDOM)
def test_figures_equal_the_reference_in_any_order(events: list[Any], today: int, dice: random.Random) -> None:
    day = books.day(today)
    rates = rates_up_to(rate_table(dice, 70), day)
    again = [*events, *dice.choices(events, k=len(events) // 2)]
    dice.shuffle(again)
    one, two = books.ledger_of(events, day, _FAR, rates), books.ledger_of(again, day, _FAR, rates)
    ours = measure(one, day, _FAR, rates, True)
    assert differences(ours, account_figures.figures(events, day, _FAR, rates, True)) == {}
    assert canonical(one) == canonical(two)
    assert ours == measure(two, day, _FAR, rates, True)


@many
@given(events=_BOOKS, dice=_RANDOM)
def test_a_dump_and_a_load_after_every_event_change_nothing(events: list[Any], dice: random.Random) -> None:
    table = rate_table(dice, 75)
    rates = Rates("USD")
    kept, loaded = Ledger(), Ledger()
    store: dict[str, bytes] = {}
    arrivals = sorted((dice.randint(0, 70), place) for place in range(len(events)))
    known: list[Any] = []
    for number in range(75):
        day = books.day(number)
        while arrivals and arrivals[0][0] == number:
            known.append(events[arrivals.pop(0)[1]])
            assert bookkeeping.apply(kept, known[-1], day, _FAR, rates) == bookkeeping.apply(
                loaded, known[-1], day, _FAR, rates
            )
            loaded = through_pieces(loaded, store)
        if day in table:
            rates.add(day, table[day])
        bookkeeping.advance(kept, day, _FAR, rates)
        bookkeeping.advance(loaded, day, _FAR, rates)
        loaded = through_pieces(loaded, store)
        if number % 25 == 24:
            ours = measure(kept, day, _FAR, rates, True)
            assert ours == measure(loaded, day, _FAR, rates, True)
            assert differences(ours, account_figures.figures(known, day, _FAR, rates, True)) == {}


def through_pieces(ledger: Ledger, store: dict[str, bytes]) -> Ledger:
    books.write(store, ledger)
    return ledger_pieces.load(dict(store))

"""Facts in any order and any number of repeats give the same state and figures; pieces lose nothing; sleep
hides nothing."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import bookkeeping, ledger_pieces
from agents.balances import exposure_now
from agents.boundaries import next_day
from agents.facts import LATE
from agents.figures import Figures
from agents.folding import gone
from agents.ledger import Ledger
from agents.ledger_pieces import canonical
from agents.measure import measure
from agents.rates import Rates
from tests.properties.test_figures_reference import differences
from tests.reference import account_figures, books

_FAR = books.policy(reach_days=3650)
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a book takes minutes
_POLICY = books.policy()
_RANDOM = st.integers(0, 10**6).map(random.Random)
_CURRENCIES = ("USD", "EUR", "KWD")

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
fewest = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)


def rate_table(dice: random.Random, days: int) -> dict[int, dict[str, str]]:
    """Rates of two currencies on about one day in fifty: often none for a while."""
    return {
        books.day(d): {"EUR": f"{1 + dice.random() / 5:.4f}", "KWD": f"{3 + dice.random():.3f}"}
        for d in range(days)
        if dice.random() < 0.02
    }


def rates_up_to(table: dict[int, dict[str, str]], today: int) -> Rates:
    rates = Rates("USD")
    for when, by_currency in table.items():
        if when <= today:
            rates.add(when, by_currency)
    return rates


@few
@given(events=books.facts(currencies=_CURRENCIES), today=st.integers(0, 450), dice=_RANDOM)
def test_shuffled_and_repeated_facts_give_the_same_state_and_figures(
    events: list[Any], today: int, dice: random.Random
) -> None:
    day = books.day(today)
    rates = rates_up_to(rate_table(dice, 450), day)
    again = [*events, *dice.choices(events, k=len(events) // 2)]
    dice.shuffle(again)
    one, two = books.ledger_of(events, day, _FAR, rates), books.ledger_of(again, day, _FAR, rates)
    assert canonical(one) == canonical(two)
    assert measure(one, day, _FAR, rates, True) == measure(two, day, _FAR, rates, True)


@few
@given(events=books.facts(currencies=_CURRENCIES), today=st.integers(0, 450), dice=_RANDOM)
def test_a_dump_and_a_load_at_any_point_change_nothing(
    events: list[Any], today: int, dice: random.Random
) -> None:
    day = books.day(today)
    rates = rates_up_to(rate_table(dice, 450), day)
    ledger = Ledger()
    store: dict[str, bytes] = {}
    for one in events:
        bookkeeping.apply(ledger, one, day, _FAR, rates)
        if dice.random() < 0.4:
            books.write(store, ledger)
            assert ledger_pieces.dump(ledger) == {}
            loaded = ledger_pieces.load(dict(store))
            assert canonical(loaded) == canonical(ledger)
            assert measure(loaded, day, _FAR, rates, True) == measure(ledger, day, _FAR, rates, True)
            assert (exposure_now(loaded, day), loaded.limit) == (exposure_now(ledger, day), ledger.limit)
            ledger = loaded


@fewest
@given(events=books.facts(currencies=_CURRENCIES), dice=_RANDOM)
def test_delayed_facts_and_daily_ticks_give_the_references_figures(
    events: list[Any], dice: random.Random
) -> None:
    """Facts come on any day, before and after their own; rates come with the ticks."""
    table = rate_table(dice, 450)
    rates = Rates("USD")
    ledger = Ledger()
    arrivals = sorted((dice.randint(0, 430), place) for place in range(len(events)))
    known: list[Any] = []
    for number in range(450):
        day = books.day(number)
        while arrivals and arrivals[0][0] == number:
            known.append(events[arrivals.pop(0)[1]])
            bookkeeping.apply(ledger, known[-1], day, _FAR, rates)
        if day in table:
            rates.add(day, table[day])
        bookkeeping.advance(ledger, day, _FAR, rates)
        if number % 50 == 49:
            ours = measure(ledger, day, _FAR, rates, True)
            assert differences(ours, account_figures.figures(known, day, _FAR, rates, True)) == {}


def partly_beyond_reach(ledger: Ledger, event: Any) -> bool:
    """A payment that names invoices of which some can no longer be reached: its cash for those stays unapplied, which a
    reference that remembers everything can not say."""
    if event.type not in ("payment.received", "payment.applied"):
        return False
    named = {part.invoice_id for part in event.applications or ()}
    payment = ledger.payments.get(event.payment_id)
    for fact in () if payment is None else payment.applied.values():
        named |= {part[0] for part in fact.content}
    return any(gone(ledger, invoice_id) for invoice_id in named)


@fewest
@given(events=books.facts(length=1300, most=40), dice=_RANDOM)
def test_folding_moves_no_figure(events: list[Any], dice: random.Random) -> None:
    """Over four years, with what folded away: figures equal those of all facts that were not late."""
    rates = Rates("USD")
    ledger = Ledger()
    arrivals = sorted(
        ((one.occurred_at.date() - books.START).days + dice.choice((0, 0, 3, 30)), place)
        for place, one in enumerate(events)
    )
    known: list[Any] = []
    store: dict[str, bytes] = {}
    for number in range(1500):
        day = books.day(number)
        while arrivals and arrivals[0][0] <= number:
            one = events[arrivals.pop(0)[1]]
            if (
                not partly_beyond_reach(ledger, one)
                and bookkeeping.apply(ledger, one, day, _POLICY, rates) != LATE
            ):
                known.append(one)
        if dice.random() < 0.3:
            bookkeeping.advance(ledger, day, _POLICY, rates)
        if dice.random() < 0.01:
            books.write(store, ledger)
            ledger = ledger_pieces.load(dict(store))
        if number % 250 == 249:
            bookkeeping.advance(ledger, day, _POLICY, rates)
            ours = measure(ledger, day, _POLICY, rates, True)
            assert differences(ours, account_figures.figures(known, day, _POLICY, rates, True)) == {}


DRIFTING = {
    "as_of", "fx_as_of", "dso_countback", "kaplan_meier_median", "kaplan_meier_restricted_mean", "monthly_purchases",
    "monthly_purchases_exact",
}  # fmt: skip
"""What boundaries.next_day() excepts."""


def moved_asleep(before: Figures, now: Figures) -> set[str]:
    return {name for name in Figures._fields if getattr(before, name) != getattr(now, name)} - DRIFTING


@fewest
@given(events=books.facts(length=700, most=25))
def test_no_figure_moves_while_an_account_sleeps(events: list[Any]) -> None:
    rates = Rates("USD")
    ledger = Ledger()
    waiting = sorted(events, key=lambda one: one.occurred_at)
    wake = 0
    last: Figures | None = None
    for number in range(1100):
        day = books.day(number)
        came = False
        while waiting and (waiting[0].occurred_at.date() - books.START).days <= number:
            bookkeeping.apply(ledger, waiting.pop(0), day, _FAR, rates)
            came = True
        if came or day >= wake:
            bookkeeping.advance(ledger, day, _FAR, rates)
            last, wake = measure(ledger, day, _FAR, rates, True), next_day(ledger, day)
            assert wake > day
        elif number % 3 == 0:
            assert last is not None
            assert moved_asleep(last, measure(ledger, day, _FAR, rates, True)) == set()

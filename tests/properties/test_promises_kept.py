"""A promise is kept or broken for good: what folds away, the order of arrival and repeats do not turn it.

The reference remembers every fact and adds up the cash between the promise and its last day.
"""

from __future__ import annotations

import random
from typing import Any

import orjson
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import behaviour, bookkeeping, ledger_pieces
from agents.balances import totals_of
from agents.facts import LATE
from agents.ledger import Ledger
from agents.ledger_pieces import canonical
from agents.lines import lines
from agents.rates import Rates
from tests.reference import account_figures, books

_POLICY = books.policy()
_RATES = Rates(
    "USD",
    {books.day(100 * place - 1): {"EUR": rate} for place, rate in enumerate(["1", "2", "1", "4", "0.5"] * 4)},
)
_LAST = 1600
_RANDOM = st.integers(0, 10**6).map(random.Random)

some = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


@st.composite
def promising(draw: st.DrawFn) -> list[Any]:
    """Invoices paid early or late, in parts, or never, and promises on them, or on none, for days up to two years ahead;
    some are renegotiated, some payments bounce. In dollars, in euros, or in both."""
    currency = st.sampled_from(draw(st.sampled_from([["USD"], ["EUR"], ["USD", "EUR"]])))
    out: list[Any] = []
    number = 0

    def say(kind: str, at: int, **fields: Any) -> None:
        nonlocal number
        number += 1
        out.append(books.event(kind, number, at, number, **fields))

    say("account.opened", 0, name="Acme", currency="USD", opened_on=books.text(0))
    names = [f"i{place}" for place in range(draw(st.integers(1, 5)))]
    for name in names:
        at, paid_in = draw(st.integers(0, 500)), draw(currency)
        dates = {"invoice_date": books.text(at), "due_date": books.text(at + draw(st.sampled_from([10, 30])))}
        say("invoice.issued", at, invoice_id=name, amount="100.00", currency=paid_in, **dates)
        for part in range(draw(st.integers(0, 2))):
            on = at + draw(st.sampled_from([5, 15, 40, 150, 190]))
            amount = draw(st.sampled_from(["50.00", "94.00", "95.00", "100.00"]))
            cash = {"applications": [{"invoice_id": name, "amount": amount}], "paid_on": books.text(on)}
            say("payment.received", on, payment_id=f"p{name}{part}", amount=amount, currency=paid_in, **cash)
            if draw(st.integers(0, 9)) == 0:
                back = on + draw(st.sampled_from([3, 100]))
                say("payment.reversed", back, payment_id=f"p{name}{part}", reversed_on=books.text(back))
    for promise in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, 500))
        for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
            due = at + draw(st.sampled_from([0, 7, 30, 155, 400, 700]))
            named = draw(st.none() | st.lists(st.sampled_from(names), min_size=1, max_size=3))
            amount = draw(st.sampled_from(["50.00", "100.00", "195.00"]))
            what: dict[str, Any] = {
                "amount": amount,
                "currency": draw(currency),
                "due_on": books.text(due),
                "invoice_ids": named,
            }
            say("payment.promised", at, promise_id=f"q{promise}", **what)
            if draw(st.integers(0, 3)) == 0:
                say("payment.promised", at + 200, promise_id=f"q{promise}", **what)
            at += draw(st.sampled_from([1, 60, 300]))
    return out


def broken_by_ledger(ledger: Ledger, today: int) -> list[int]:
    figures = _POLICY.figures
    made = lines(totals_of(ledger), figures.pay_index)
    after = today - figures.long_days
    found = behaviour.broken_promises(ledger, made, after, today, _POLICY, ledger.rates or _RATES)
    return sorted(day for day, _ in found)


def broken_by_reference(known: list[Any], today: int) -> list[int]:
    account = account_figures.Account(known, today, _POLICY, _RATES)
    days = [account_figures.broken_on(account, f) for f in account.of("payment.promised")]
    return sorted(day for day in days if day is not None and today - 365 < day <= today)


def arrivals(events: list[Any], dice: random.Random) -> list[tuple[int, int]]:
    """(day, place) of each event, up to 100 days late, some of them twice."""
    found = [
        ((one.occurred_at.date() - books.START).days + dice.choice((0, 0, 1, 40, 100)), dice.random(), place)
        for place, one in enumerate(events)
        for _ in range(dice.choice((1, 1, 2)))
    ]
    return [(day, place) for day, _, place in sorted(found)]


def fold_over(events: list[Any], dice: random.Random, check: bool) -> Ledger:
    """The events over the years, ticked each day, loaded anew now and then; nothing of them comes too late."""
    ledger = Ledger()
    store: dict[str, bytes] = {}
    waiting = arrivals(events, dice)
    known: list[Any] = []
    for number in range(_LAST):
        today = books.day(number)
        while waiting and waiting[0][0] <= number:
            one = events[waiting.pop(0)[1]]
            assert bookkeeping.apply(ledger, one, today, _POLICY, _RATES) != LATE
            known.append(one)
        bookkeeping.advance(ledger, today, _POLICY, _RATES)
        if dice.random() < 0.01:
            books.write(store, ledger)
            kept, ledger = canonical(ledger), ledger_pieces.load(store)
            assert canonical(ledger) == kept
            bookkeeping.advance(ledger, today, _POLICY, _RATES)
        if check and number % 40 == 39:
            assert broken_by_ledger(ledger, today) == broken_by_reference(known, today), number
    return ledger


@some
@given(events=promising(), dice=_RANDOM)
def test_a_promise_stays_what_all_facts_say_of_it(events: list[Any], dice: random.Random) -> None:
    fold_over(events, dice, check=True)


@some
@given(events=promising(), dice=_RANDOM)
def test_order_and_repeats_leave_the_same_state_behind(events: list[Any], dice: random.Random) -> None:
    assert canonical(fold_over(events, dice, False)) == canonical(fold_over(events, dice, False))


def far_promise(on: list[str] | None, due: int) -> list[Any]:
    cash = {"applications": [{"invoice_id": "i1", "amount": "100.00"}], "paid_on": books.text(20)}
    dates = {"invoice_date": books.text(0), "due_date": books.text(30)}
    promise = {"promise_id": "q1", "amount": "100.00", "currency": "USD", "due_on": books.text(due)}
    return [
        books.event("invoice.issued", 1, 0, invoice_id="i1", amount="100.00", currency="USD", **dates),
        books.event("payment.promised", 2, 5, invoice_ids=on, **promise),
        books.event("payment.received", 3, 20, payment_id="p1", amount="100.00", currency="USD", **cash),
    ]


def test_a_kept_promise_is_not_broken_when_its_invoice_folds_away() -> None:
    for on in (["i1"], None):
        ledger = Ledger()
        for one in far_promise(on, 160):
            bookkeeping.apply(ledger, one, books.day(20), _POLICY, _RATES)
        for number in range(21, 600):
            bookkeeping.advance(ledger, books.day(number), _POLICY, _RATES)
            assert broken_by_ledger(ledger, books.day(number)) == [], (on, number)
        assert not ledger.invoices, "it folded away in that time"
        assert not ledger.payments


def test_a_promise_for_a_day_far_away_holds_no_invoice_and_no_payment_back() -> None:
    ledger = Ledger()
    for one in far_promise(None, 20_000):
        bookkeeping.apply(ledger, one, books.day(20), _POLICY, _RATES)
    for number in range(21, 3_000):
        if number % 7 == 0:
            name, today = f"x{number}", books.text(number)
            dates = {"invoice_date": today, "due_date": today}
            cash = {"applications": [{"invoice_id": name, "amount": "9.00"}], "paid_on": today}
            money = {"amount": "9.00", "currency": "USD"}
            issue = books.event("invoice.issued", number, number, invoice_id=name, **money, **dates)
            bookkeeping.apply(ledger, issue, books.day(number), _POLICY, _RATES)
            paid = books.event("payment.received", number, number, 1, payment_id=name, **money, **cash)
            bookkeeping.apply(ledger, paid, books.day(number), _POLICY, _RATES)
        bookkeeping.advance(ledger, books.day(number), _POLICY, _RATES)
    assert len(ledger.invoices) < 80
    assert len(ledger.payments) < 80
    assert len(orjson.dumps(ledger.promises["q1"].row())) < 300


def test_a_promise_on_what_was_closed_long_ago_comes_too_late_once_it_is_new() -> None:
    invoice, promise, payment = far_promise(["i1"], 160)
    other, again = (books.event("payment.promised", number, at, promise_id=name, amount="100.00", currency="USD",
                                due_on=books.text(160), invoice_ids=["i1"])
                    for number, at, name in ((7, 5, "q2"), (8, 500, "q3")))  # fmt: skip
    ledger = Ledger()
    for one in (invoice, promise, payment):
        bookkeeping.apply(ledger, one, books.day(20), _POLICY, _RATES)
    for number in range(21, 500):
        bookkeeping.advance(ledger, books.day(number), _POLICY, _RATES)
    today = books.day(500)
    assert bookkeeping.apply(ledger, promise, today, _POLICY, _RATES) == "repeat"
    assert bookkeeping.apply(ledger, other, today, _POLICY, _RATES) == LATE, (
        "whether it was kept can not be known any more"
    )
    assert bookkeeping.apply(ledger, again, today, _POLICY, _RATES) == "applied", (
        "nothing came since it was made: that is known"
    )


def test_a_promise_of_a_state_written_before_cash_was_kept_with_it_is_read() -> None:
    ledger = Ledger()
    for one in far_promise(["i1"], 160):
        bookkeeping.apply(ledger, one, books.day(20), _POLICY, _RATES)
    pieces = {key: piece for key, piece in ledger_pieces.dump(ledger).items() if piece is not None}
    assert pieces["l.x.0"] == (
        b'[1,1,["promise","q1",[%d,"e2",%d,[10000,"USD",%d,["i1"]]]]]'
        % (ledger.promises["q1"].fact.us, books.day(5), books.day(160))
    )
    loaded = ledger_pieces.load(pieces)
    for number in range(21, 600):
        bookkeeping.advance(loaded, books.day(number), _POLICY, _RATES)
        assert broken_by_ledger(loaded, books.day(number)) == []

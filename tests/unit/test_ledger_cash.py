"""Cash that invoices do not take goes on to others: by hand, small, and the same for every order of arrival."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from agents import bookkeeping, ledger_pieces
from agents.account import Account
from agents.balances import totals_of
from agents.book import Book
from agents.bookkeeping import UnfitAmount
from agents.boundaries import next_day
from agents.facts import APPLIED, LATE, REPEAT, microseconds
from agents.ids import namespace_id
from agents.measure import measure
from agents.monitor import Fold
from agents.policy_text import policy_hash
from agents.rates import Rates
from agents.records import Refusal
from agents.wakes import Wakes
from streams.settings import Settings, policy_text
from tests.reference import books
from tests.unit.test_ledger_facts import POLICY, USD, figures, invoice, payment


def applied(number: int, at: int, payment_id: str, *parts: tuple[str, str]) -> Any:
    applications = [{"invoice_id": i, "amount": a} for i, a in parts]
    return books.event("payment.applied", number, at, payment_id=payment_id, applications=applications)


def reversal(number: int, at: int, payment_id: str, amount: str | None = None) -> Any:
    return books.event(
        "payment.reversed", number, at, payment_id=payment_id, reversed_on=books.text(at), amount=amount
    )


def voided(number: int, at: int, invoice_id: str) -> Any:
    return books.event("invoice.voided", number, at, invoice_id=invoice_id)


def due_by_invoice(facts: list[Any], today: int) -> dict[str, int]:
    ledger = books.ledger_of(facts, books.day(today), POLICY)
    return {one.id: one.posted.open for one in ledger.invoices.values() if one.posted is not None}


def test_what_a_void_frees_moves_on_through_the_payments_that_compete() -> None:
    # p1 500: i1 (void), so i2 gets its 500; p2 500 finds i2 paid and its 500 go to i3; p3 finds i3 paid
    facts = [
        invoice(1, amount="500.00"),
        invoice(2, amount="500.00"),
        invoice(3, amount="500.00"),
        payment(1, 5, "500.00", ("i1", "500.00"), ("i2", "500.00")),
        payment(2, 6, "500.00", ("i2", "500.00"), ("i3", "500.00")),
        payment(3, 7, "500.00", ("i3", "500.00")),
    ]
    assert due_by_invoice(facts, 20) == {"i1": 0, "i2": 0, "i3": 0}
    assert figures(facts, 20).unapplied == 0
    facts.append(voided(9, 8, "i1"))
    assert due_by_invoice(facts, 20) == {"i2": 0, "i3": 0}
    assert figures(facts, 20).unapplied == 50000
    got = {repr(figures(list(order), 20)) for order in list(permutations(facts))[::97]}
    assert len(got) == 1


def test_a_reversal_makes_room_for_the_cash_of_another_payment() -> None:
    # i1 1000: 800 of p1, 200 of p2, whose 300 went to i2. p1 is gone: p2 pays 500 of i1, and i2 is open again
    facts = [
        invoice(1),
        invoice(2, amount="300.00"),
        payment(1, 5, "800.00", ("i1", "800.00")),
        payment(2, 6, "500.00", ("i1", "500.00"), ("i2", "300.00")),
    ]
    assert due_by_invoice(facts, 20) == {"i1": 0, "i2": 0}
    assert due_by_invoice([*facts, reversal(9, 8, "p1")], 20) == {"i1": 50000, "i2": 30000}


def test_the_history_shows_when_cash_moved_on() -> None:
    # day 5: 600 on i1. Day 9: i2 is asked for; i1 is worth 400 since ever, so 200 of the 600 were free on day 5
    facts = [
        invoice(1, amount="400.00"),
        invoice(2, amount="500.00"),
        payment(1, 5, "600.00", ("i1", "600.00")),
        applied(9, 9, "p1", ("i2", "500.00")),
    ]
    balance = totals_of(books.ledger_of(facts, books.day(20), POLICY)).balance
    assert [balance.at(books.day(n)) for n in (4, 5, 8, 9)] == [90000, 50000, 50000, 30000]


def test_cash_waits_for_an_invoice_that_is_not_issued_yet() -> None:
    # until i1 of day 15 is there, i2 may have the cash that i1 comes first for
    facts = [
        invoice(2, amount="500.00"),
        payment(1, 5, "600.00", ("i1", "500.00"), ("i2", "500.00")),
    ]
    assert due_by_invoice(facts, 10) == {"i2": 0}
    assert due_by_invoice([*facts, invoice(1, at=15, amount="500.00")], 20) == {"i1": 0, "i2": 40000}


UNFIT = [
    pytest.param(reversal(9, 8, "p1", "100.005"), id="reversal"),
    pytest.param(applied(9, 8, "p1", ("i2", "100.005")), id="application"),
    pytest.param(applied(9, 8, "p1", ("i2", "100.00"), ("i2", "0.001")), id="one of two applications"),
]


@pytest.mark.parametrize("unfit", UNFIT)
def test_an_amount_that_does_not_fit_its_payment_is_held_whenever_it_comes(unfit: Any) -> None:
    facts = [
        invoice(1),
        invoice(2, amount="200.00"),
        payment(1, 5, "900.00", ("i1", "700.00"), ("i2", "100.00")),
    ]
    without = figures(facts, 20)
    for order in permutations([*facts, unfit]):
        got = figures(list(order), 20)
        assert (got.unvalued, got.reversals_90d) == (1, 0)
        assert repr(got).replace("unvalued=1", "unvalued=0") == repr(without)
    ledger = books.ledger_of([*facts, unfit], books.day(20), POLICY)
    pieces = {key: piece for key, piece in ledger_pieces.dump(ledger).items() if piece is not None}
    again = ledger_pieces.load(pieces)
    assert measure(again, books.day(20), POLICY, USD, True) == measure(
        ledger, books.day(20), POLICY, USD, True
    )


def test_a_corrected_currency_of_the_payment_lets_a_held_amount_count() -> None:
    rates = Rates("USD")
    rates.add(books.day(0), {"KWD": "3.00"})
    first = payment(1, 5, "900.00")
    better = first.model_copy(update={"currency": "KWD", "amount": "900.000", "event_id": "e999"})
    back = reversal(9, 8, "p1", "100.005")
    for order in permutations([invoice(1), first, better, back]):
        ledger = books.ledger_of(list(order), books.day(20), POLICY, rates)
        got = measure(ledger, books.day(20), POLICY, rates, True)
        assert (got.unvalued, got.reversals_90d, got.unapplied) == (0, 1, 239998)  # 799.995 KWD; half to even


def test_an_amount_beyond_its_own_currency_moves_nothing() -> None:
    ledger = books.ledger_of([invoice(1)], books.day(5), POLICY)
    ledger_pieces.dump(ledger)
    bad = invoice(2).model_copy(update={"amount": "1.005"})
    with pytest.raises(UnfitAmount, match="decimals"):
        bookkeeping.apply(ledger, bad, books.day(9), POLICY, USD)
    assert ledger_pieces.dump(ledger) == {}


class _Accounts(dict[str, Account]):
    def put(self, account_id: str, account: Account) -> None:
        self[account_id] = account


def test_the_monitor_makes_a_dead_letter_of_it_and_keeps_no_account() -> None:
    text = policy_text(Settings(_env_file=None))
    book, accounts = Book(), _Accounts()
    book.adopt(text, policy_hash(text))
    fold = Fold(accounts, Wakes(), book, 0, namespace_id("test"))
    bad = invoice(2).model_copy(update={"amount": "1.005"})
    (refusal,) = fold.event(bad)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.account_id) == ("refused", "acme")
    assert "decimals" in refusal.reason
    assert accounts == {}


def test_an_approved_limit_of_a_later_day_waits_for_it() -> None:
    ledger = books.ledger_of([invoice(1)], books.day(5), POLICY)
    key = microseconds(invoice(1, 7).occurred_at), "approved"
    for answer in (APPLIED, REPEAT):
        got = bookkeeping.set_limit(ledger, 300000, "USD", key, books.day(6), POLICY, USD)
        assert (got, ledger.limit) == (answer, None)
    assert next_day(ledger, books.day(5)) <= books.day(7)
    bookkeeping.advance(ledger, books.day(6), POLICY, USD)
    assert ledger.limit is None
    bookkeeping.advance(ledger, books.day(7), POLICY, USD)
    assert ledger.limit == 300000


def closing(number: int, at: int, amount: str | None = None) -> Any:
    currency = None if amount is None else "USD"
    return books.event("order.closed", number, at, order_id="o1", amount=amount, currency=currency)


def test_closings_of_an_order_add_up_and_one_without_an_amount_closes_the_rest() -> None:
    order = books.event("order.booked", 1, 0, order_id="o1", amount="1000.00", currency="USD")
    parts = [closing(2, 3, "200.00"), closing(3, 3, "200.00"), closing(3, 3, "200.00")]
    assert figures([order, *parts], 5).open_orders == 60000
    assert (
        figures([*reversed(parts), order, invoice(1, amount="500.00", order_id="o1")], 5).open_orders == 10000
    )
    assert figures([order, *parts, closing(4, 4, "5000.00")], 5).open_orders == 0
    assert figures([closing(4, 4), *parts, order], 5).open_orders == 0
    by_day = totals_of(books.ledger_of([closing(4, 4), *parts, order], books.day(9), POLICY)).other
    assert [by_day.at(books.day(n)) for n in (2, 3, 4, 5)] == [100000, 60000, 0, 0]


def test_an_order_reopened_and_closed_again_keeps_its_history_until_no_figure_asks_for_it() -> None:
    order = books.event("order.booked", 1, 0, order_id="o1", amount="1000.00", currency="USD")
    ledger = books.ledger_of([order, invoice(1, at=1, order_id="o1")], books.day(2), POLICY)
    bookkeeping.apply(ledger, voided(5, 3, "i1"), books.day(3), POLICY, USD)  # the order is open again
    bookkeeping.apply(ledger, closing(6, 440), books.day(440), POLICY, USD)
    bookkeeping.advance(
        ledger, books.day(460), POLICY, USD
    )  # the day on which it would have folded away but for the void
    assert totals_of(ledger).other.at(books.day(439)) == 100000
    bookkeeping.advance(ledger, books.day(440 + 457), POLICY, USD)
    assert not ledger.orders


def test_an_invoice_of_an_order_folds_away_like_any() -> None:
    facts = [invoice(1, order_id="o1"), payment(1, 20, "1000.00", ("i1", "1000.00"))]
    ledger = books.ledger_of(facts, books.day(21), POLICY)
    bookkeeping.advance(ledger, books.day(1000), POLICY, USD)
    assert (ledger.invoices, ledger.payments) == ({}, {})


def test_every_application_of_a_long_overpaid_payment_settles() -> None:
    # p1 has 100 for 60 invoices of 10 of which the first 50 turn void one by one: always the next ones are paid
    facts = [invoice(n, amount="10.00") for n in range(1, 61)]
    facts.append(payment(1, 5, "100.00", *((f"i{n}", "10.00") for n in range(1, 61))))
    ledger = books.ledger_of(facts, books.day(10), POLICY)
    for n in range(1, 51):
        assert bookkeeping.apply(ledger, voided(500 + n, 6, f"i{n}"), books.day(10), POLICY, USD) == APPLIED
        paid = sorted(
            int(one.id[1:])
            for one in ledger.invoices.values()
            if one.posted is not None and not one.posted.open
        )
        assert paid == list(range(n + 1, n + 11))


def test_a_memo_that_folded_away_with_its_invoice_is_not_taken_anew() -> None:
    memo = books.event(
        "invoice.credited", 9, 5, memo_id="m1", amount="1000.00", currency="USD", invoice_id="i1"
    )
    ledger = books.ledger_of([invoice(1), memo], books.day(6), POLICY)
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    other = books.event("invoice.credited", 10, 600, memo_id="m1", amount="100.00", currency="USD")
    assert bookkeeping.apply(ledger, other, books.day(600), POLICY, USD) == LATE
    assert totals_of(ledger).balance.total == 0


def test_a_corrected_date_moves_the_history_of_a_closed_invoice_that_shares_the_cash() -> None:
    # p1 100: i1 takes its 50, i2 the other 50 and is written off; i1 is dated anew long after i2 was closed,
    # so that until then all the cash was that of i2
    facts = [
        invoice(1, amount="60.00"),
        invoice(2, amount="200.00"),
        payment(1, 10, "100.00", ("i1", "50.00"), ("i2", "100.00")),
        books.event("invoice.written_off", 9, 12, invoice_id="i2"),
    ]
    corrected = books.event(
        "invoice.issued", 8, 605, invoice_id="i1", amount="60.00", currency="USD",
        invoice_date=books.text(605), due_date=books.text(635),
    )  # fmt: skip
    ledger = books.ledger_of(facts, books.day(13), POLICY)
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    assert bookkeeping.apply(ledger, corrected, books.day(606), POLICY, USD) == APPLIED
    assert [totals_of(ledger).other.at(books.day(n)) for n in (600, 605)] == [0, 0]
    bookkeeping.apply(ledger, payment(2, 620, "10.00", ("i1", "10.00")), books.day(620), POLICY, USD)
    bookkeeping.advance(ledger, books.day(1089), POLICY, USD)
    assert sorted(ledger.invoices) == ["i1", "i2"]
    bookkeeping.advance(ledger, books.day(1090), POLICY, USD)  # 455 days after the due date of i1
    assert (ledger.invoices, ledger.payments, totals_of(ledger).balance.total) == ({}, {}, 0)


@pytest.mark.parametrize("loaded", [False, True])
def test_a_closed_invoice_folds_once_nothing_competes_for_its_cash(loaded: bool) -> None:
    # p1 100: i1 has 60 of it, and i2 is offered the 40 that are left of 50; corrected to 40, nothing depends on i1
    facts = [
        invoice(1, amount="60.00"),
        invoice(2, amount="70.00"),
        payment(1, 10, "100.00", ("i1", "60.00")),
        applied(9, 11, "p1", ("i2", "50.00")),
    ]
    ledger = books.ledger_of(facts, books.day(13), POLICY)
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    assert sorted(ledger.invoices) == ["i1", "i2"]
    if loaded:
        pieces = {key: piece for key, piece in ledger_pieces.dump(ledger).items() if piece is not None}
        ledger = ledger_pieces.load(pieces)
        bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    bookkeeping.apply(ledger, applied(9, 600, "p1", ("i2", "40.00")), books.day(600), POLICY, USD)
    bookkeeping.advance(ledger, books.day(601), POLICY, USD)
    assert sorted(ledger.invoices) == ["i2"]
    assert (totals_of(ledger).balance.total, totals_of(ledger).other.total) == (3000, 0)


def test_a_corrected_memo_on_account_keeps_its_history_from_its_new_date() -> None:
    # the first version would have folded away on day 419 + 456, when the second one is 31 days old
    first = books.event("invoice.credited", 8, 419, memo_id="m1", amount="10.00", currency="USD")
    second = books.event("invoice.credited", 9, 844, memo_id="m1", amount="1.00", currency="USD")
    ledger = books.ledger_of([first], books.day(419), POLICY)
    bookkeeping.apply(ledger, second, books.day(844), POLICY, USD)
    bookkeeping.advance(ledger, books.day(875), POLICY, USD)
    assert [totals_of(ledger).balance.at(books.day(n)) for n in (843, 844)] == [0, -100]
    bookkeeping.advance(ledger, books.day(844 + 456), POLICY, USD)
    assert (ledger.memos, totals_of(ledger).balance.total) == ({}, -100)

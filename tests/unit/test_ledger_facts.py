"""The ledger's rules, one case each: what a fact does to balance, unapplied cash and exposure, in whatever
order it comes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from agents import bookkeeping, ledger_pieces
from agents.balances import exposure_now, past_due, totals_of
from agents.bookkeeping import TYPES
from agents.boundaries import next_day
from agents.facts import APPLIED, LATE, REPEAT, microseconds
from agents.figures import Figures
from agents.ledger import Ledger
from agents.measure import measure
from agents.rates import Rates
from tests.reference import books

POLICY = books.policy()
USD = Rates("USD")


def invoice(number: int, at: int = 0, amount: str = "1000.00", due: int = 30, **more: Any) -> Any:
    fields = {"invoice_id": f"i{number}", "amount": amount, "currency": "USD"}
    dates = {"invoice_date": books.text(at), "due_date": books.text(at + due)}
    return books.event("invoice.issued", number, at, **(fields | dates | more))


def payment(number: int, at: int, amount: str, *applied: tuple[str, str], **more: Any) -> Any:
    applications = [{"invoice_id": i, "amount": a} for i, a in applied] or None
    fields = {"payment_id": f"p{number}", "amount": amount, "currency": "USD", "paid_on": books.text(at)}
    return books.event(
        "payment.received", 100 + number, at, **(fields | {"applications": applications} | more)
    )


def test_an_instant_is_whole_microseconds_since_1970_whatever_its_offset() -> None:
    def at(instant: str) -> int:
        return microseconds(datetime.fromisoformat(instant))

    assert at("1970-01-01T00:00:00Z") == 0
    assert at("1970-01-02T00:00:01.000002Z") == 86_401_000_002
    assert at("2026-03-31T17:05:00+02:00") == at("2026-03-31T15:05:00Z")
    assert at("2100-12-31T23:59:59.999999Z") == 4_133_980_799_999_999


def figures(events: list[Any], at: int) -> Figures:
    today = books.day(at)
    return measure(books.ledger_of(events, today, POLICY), today, POLICY, USD, True)


def test_overpayment_stays_unapplied() -> None:
    got = figures([invoice(1), payment(1, 5, "1200.00", ("i1", "1200.00"))], 10)
    assert (got.open_balance, got.unapplied, got.exposure) == (0, 20000, 0)
    assert got.paid_30d == 100000


def test_cash_for_an_unknown_invoice_waits_unapplied() -> None:
    early = payment(1, 5, "400.00", ("i1", "400.00"))
    assert figures([early], 10).unapplied == 40000
    got = figures([early, invoice(1)], 10)
    assert (got.open_balance, got.unapplied) == (60000, 0)


def test_a_void_turns_cash_into_unapplied() -> None:
    void = books.event("invoice.voided", 9, 7, invoice_id="i1")
    got = figures([invoice(1), payment(1, 5, "400.00", ("i1", "400.00")), void], 10)
    assert (got.open_balance, got.unapplied, got.high_credit, got.dtp_30d) == (0, 40000, 0, None)


def test_a_write_off_without_an_amount_takes_what_is_left() -> None:
    off = books.event("invoice.written_off", 9, 7, invoice_id="i1")
    later = payment(1, 8, "300.00", ("i1", "300.00"))
    assert figures([invoice(1), off], 10).open_balance == 0
    assert figures([later, off, invoice(1)], 10).open_balance == 0
    assert figures([later, off, invoice(1)], 10).paid_30d == 30000


def test_a_partial_reversal_takes_the_unapplied_part_first_then_from_last_to_first() -> None:
    facts = [
        invoice(1, amount="500.00"),
        invoice(2, amount="500.00"),
        payment(1, 5, "1100.00", ("i1", "500.00"), ("i2", "500.00")),
    ]
    back = books.event("payment.reversed", 9, 8, payment_id="p1", reversed_on=books.text(8), amount="250.00")
    got = figures([*facts, back], 10)
    assert (got.open_balance, got.unapplied, got.reversals_90d) == (15000, 0, 1)
    ledger = books.ledger_of([*facts, back], books.day(40), POLICY)
    assert past_due(ledger, books.day(40)) == [(books.day(30), "i2", "e2", 15000)]


def test_a_full_reversal_reopens_at_the_original_due_date_and_takes_the_observation_back() -> None:
    paid = payment(1, 20, "980.00")
    paid = paid.model_copy(update={"applications": payment(1, 20, "980.00", ("i1", "980.00")).applications})
    back = books.event("payment.reversed", 9, 40, payment_id="p1", reversed_on=books.text(40))
    got = figures([invoice(1), paid, back], 45)
    assert (got.open_balance, got.max_days_past_due, got.dtp_90d, got.paid_90d) == (100000, 15, None, 0)


def test_a_discount_goes_with_its_cash() -> None:
    with_discount = payment(
        1, 5, "980.00", applications=[{"invoice_id": "i1", "amount": "980.00", "discount": "20.00"}]
    )
    back = books.event("payment.reversed", 9, 8, payment_id="p1", reversed_on=books.text(8))
    assert figures([invoice(1), with_discount], 10).open_balance == 0
    assert figures([invoice(1), with_discount, back], 10).open_balance == 100000


def test_a_dispute_leaves_the_clean_figures_until_it_is_resolved() -> None:
    dispute = books.event(
        "invoice.disputed", 9, 5, invoice_id="i1", dispute_id="d1", amount="300.00", currency="USD"
    )
    over = books.event("dispute.resolved", 10, 50, invoice_id="i1", dispute_id="d1", outcome="rejected")
    got = figures([invoice(1), dispute], 40)
    assert (got.open_balance, got.past_due, got.disputed) == (100000, 70000, 30000)
    assert (got.ageing.d1_30, got.ageing_disputed.d1_30) == (70000, 30000)
    got = figures([over, invoice(1), dispute], 50)
    assert (got.past_due, got.disputed, got.max_days_past_due) == (100000, 0, 20)


def test_a_memo_on_account_lowers_the_open_balance_only() -> None:
    memo = books.event("invoice.credited", 9, 5, memo_id="m1", amount="100.00", currency="USD")
    got = figures([invoice(1), memo], 40)
    assert (got.open_balance, got.past_due, got.ageing.d1_30) == (90000, 100000, 100000)


def test_an_order_is_closed_by_the_invoices_that_name_it() -> None:
    order = books.event("order.booked", 9, 0, order_id="o1", amount="1500.00", currency="USD")
    closed = books.event("order.closed", 10, 6, order_id="o1")
    assert figures([order], 5).exposure == 150000
    got = figures([invoice(1, at=2, order_id="o1"), order], 5)
    assert (got.open_orders, got.gross_exposure) == (50000, 150000)
    assert figures([closed, invoice(1, at=2, order_id="o1"), order], 6).open_orders == 0


def test_an_unexpired_letter_of_credit_lowers_exposure_and_a_guarantee_does_not() -> None:
    def security(kind: str) -> Any:
        return books.event(
            "security.recorded",
            9,
            1,
            security_id="s1",
            kind=kind,
            amount="400.00",
            currency="USD",
            expires_on=books.text(9),
        )

    assert figures([invoice(1), security("letter_of_credit")], 9).exposure == 60000
    assert figures([invoice(1), security("letter_of_credit")], 10).exposure == 100000
    assert figures([invoice(1), security("guarantee")], 9).exposure == 100000


def test_the_limit_is_the_latest_and_a_repeat_is_known() -> None:
    ledger = Ledger()
    new = books.event("account.limit_set", 2, 5, credit_limit="2000", currency="USD")
    old = books.event("account.limit_set", 1, 1, credit_limit="1000", currency="USD")
    today = books.day(6)
    assert [bookkeeping.apply(ledger, e, today, POLICY, USD) for e in (new, old, new)] == [
        APPLIED,
        APPLIED,
        REPEAT,
    ]
    assert ledger.limit == 200000
    approved = microseconds(new.occurred_at) + 1, "x"
    assert bookkeeping.set_limit(ledger, 300000, "USD", approved, today, POLICY, USD) == APPLIED
    assert ledger.limit == 300000


def test_a_correction_wins_by_time_and_a_repeat_changes_nothing() -> None:
    first, better = invoice(1), invoice(1, amount="900.00").model_copy(update={"event_id": "e2"})
    for order in ([first, better], [better, first], [better, first, better, first]):
        assert figures(order, 10).open_balance == 90000
    ledger = books.ledger_of([first], books.day(10), POLICY)
    ledger_pieces.dump(ledger)
    assert bookkeeping.apply(ledger, first, books.day(10), POLICY, USD) == REPEAT
    assert ledger_pieces.dump(ledger) == {}


def test_facts_dated_after_today_wait() -> None:
    ledger = books.ledger_of([invoice(1, at=20)], books.day(10), POLICY)
    assert (totals_of(ledger).balance.total, next_day(ledger, books.day(10))) == (0, books.day(20))
    bookkeeping.advance(ledger, books.day(20), POLICY, USD)
    assert totals_of(ledger).balance.total == 100000


def test_the_date_of_a_fact_is_that_of_the_policys_time_zone() -> None:
    late_evening = books.event(
        "invoice.credited", 9, 5, 23 * 3600, memo_id="m1", amount="100.00", currency="USD"
    )
    berlin = POLICY.model_copy(update={"time_zone": "Europe/Berlin"})
    for policy, balance in ((POLICY, -10000), (berlin, 0)):
        ledger = books.ledger_of([late_evening], books.day(5), policy)
        assert totals_of(ledger).balance.total == balance


def test_a_fact_about_an_invoice_closed_long_ago_is_late() -> None:
    ledger = Ledger()
    for one in (invoice(1), payment(1, 20, "1000.00", ("i1", "1000.00"))):
        bookkeeping.apply(ledger, one, books.day(21), POLICY, USD)
    memo = books.event(
        "invoice.credited", 9, 30, memo_id="m1", amount="1.00", currency="USD", invoice_id="i1"
    )
    again = books.event("payment.reversed", 10, 30, payment_id="p1", reversed_on=books.text(30))
    disputed = books.event(
        "invoice.disputed", 11, 30, invoice_id="i1", dispute_id="d1", amount="1.00", currency="USD"
    )
    resolved = books.event("dispute.resolved", 12, 31, invoice_id="i1", dispute_id="d1", outcome="rejected")
    ended = [books.event(kind, 13, 30, invoice_id="i1") for kind in ("invoice.voided", "invoice.written_off")]
    for at in (421, 600):  # beyond reach; and folded away
        bookkeeping.advance(ledger, books.day(at), POLICY, USD)
        for fact in (memo, again, invoice(1, amount="2.00"), disputed, resolved, *ended):
            assert bookkeeping.apply(ledger, fact, books.day(at), POLICY, USD) == LATE
    assert (len(ledger.invoices), len(ledger.payments)) == (0, 0)
    got = measure(ledger, books.day(600), POLICY, USD, True)
    assert (got.open_balance, got.first_invoice_on, got.last_payment_on) == (0, books.day(0), books.day(20))
    reachable = books.ledger_of(
        [invoice(1), payment(1, 20, "1000.00", ("i1", "1000.00"))], books.day(420), POLICY
    )
    assert bookkeeping.apply(reachable, memo, books.day(420), POLICY, USD) == APPLIED


def test_an_unknown_invoice_older_than_what_folded_is_late() -> None:
    ledger = Ledger()
    for one in (invoice(1, at=50), payment(1, 60, "1000.00", ("i1", "1000.00"))):
        bookkeeping.apply(ledger, one, books.day(61), POLICY, USD)
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    assert bookkeeping.apply(ledger, invoice(2, at=50), books.day(600), POLICY, USD) == LATE
    assert bookkeeping.apply(ledger, invoice(3, at=51), books.day(600), POLICY, USD) == APPLIED


def test_an_unknown_payment_or_promise_older_than_what_folded_is_late() -> None:
    ledger = books.ledger_of(
        [invoice(1), payment(1, 60, "1000.00", ("i1", "1000.00"))], books.day(61), POLICY
    )
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)

    def promise(number: int, at: int) -> Any:
        due = {"promise_id": f"q{number}", "amount": "5.00", "currency": "USD", "due_on": books.text(at + 9)}
        return books.event("payment.promised", 20 + number, at, **due)

    for fact in (payment(2, 60, "5.00"), promise(2, 60)):
        assert bookkeeping.apply(ledger, fact, books.day(600), POLICY, USD) == LATE
    for fact in (payment(3, 61, "5.00"), promise(3, 61)):
        assert bookkeeping.apply(ledger, fact, books.day(600), POLICY, USD) == APPLIED


def test_what_a_folded_invoice_drew_of_its_order_stays_drawn_to_the_cent() -> None:
    booked = books.event("order.booked", 8, 0, order_id="o1", amount="100.00", currency="USD")
    drawn = invoice(1, amount="40.00", order_id="o1")
    ledger = books.ledger_of([booked, drawn, payment(1, 20, "40.00", ("i1", "40.00"))], books.day(21), POLICY)
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    assert not ledger.invoices
    assert exposure_now(ledger, books.day(600)) == 60_00


def test_a_repeat_of_what_folded_away_counts_once_also_where_its_id_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.ledger._REMEMBERED", 2)
    memos = [
        books.event("invoice.credited", n, n, memo_id=f"m{n}", amount="10.00", currency="USD")
        for n in range(3)
    ]
    booked = books.event("order.booked", 8, 0, order_id="o1", amount="70.00", currency="USD")
    closed = books.event("order.closed", 9, 1, order_id="o1")
    ledger = books.ledger_of([booked, closed, *memos], books.day(3), POLICY)
    bookkeeping.advance(ledger, books.day(600), POLICY, USD)
    assert len(ledger.folded_list) == 2, "of four"
    for fact in (booked, closed, *memos):
        assert bookkeeping.apply(ledger, fact, books.day(600), POLICY, USD) == LATE
    assert (totals_of(ledger).balance.total, exposure_now(ledger, books.day(600)), ledger.orders) == (
        -3000,
        0,
        {},
    )
    new = books.event("invoice.credited", 10, 599, memo_id="m9", amount="10.00", currency="USD")
    assert bookkeeping.apply(ledger, new, books.day(600), POLICY, USD) == APPLIED


def test_profile_fields_are_read_and_a_closed_account_opens_again() -> None:
    opened = books.event(
        "account.opened", 1, 0, name="Acme", currency="EUR", opened_on=books.text(0), terms_days=30, country="DE",
        expected_monthly_purchases="5000.00",
    )  # fmt: skip
    closed = books.event("account.closed", 2, 5)
    ledger = books.ledger_of([closed, opened], books.day(6), POLICY)
    assert (ledger.name, ledger.currency, ledger.terms_days, ledger.country) == ("Acme", "EUR", 30, "DE")
    assert (ledger.expected_monthly_purchases, ledger.closed) == (500000, True)
    again = opened.model_copy(update={"occurred_at": closed.occurred_at.replace(hour=9), "event_id": "e3"})
    bookkeeping.apply(ledger, again, books.day(6), POLICY, USD)
    assert not ledger.closed


def test_the_currency_is_that_of_the_earliest_money_fact_until_the_account_is_opened() -> None:
    rates = Rates("USD")
    rates.add(books.day(0), {"EUR": "1.25"})
    euros, dollars = invoice(1, at=2, currency="EUR"), invoice(2, at=1)
    ledger = books.ledger_of([euros], books.day(5), POLICY, rates)
    assert (ledger.currency, totals_of(ledger).balance.total) == ("EUR", 100000)
    bookkeeping.apply(ledger, dollars, books.day(5), POLICY, rates)
    assert (ledger.currency, totals_of(ledger).balance.total) == ("USD", 100000 + 125000)


def test_an_amount_without_a_rate_is_held_and_valued_by_the_first_tick_that_brings_one() -> None:
    rates = Rates("USD")
    ledger = books.ledger_of([invoice(1), invoice(2, at=1, currency="EUR")], books.day(3), POLICY, rates)
    got = measure(ledger, books.day(3), POLICY, rates, True)
    assert (got.open_balance, got.unvalued, next_day(ledger, books.day(3))) == (100000, 1, books.day(4))
    rates.add(books.day(4), {"EUR": "1.50"})
    bookkeeping.advance(ledger, books.day(4), POLICY, rates)
    assert totals_of(ledger).balance.total == 250000
    rates.add(books.day(5), {"EUR": "2.00"})
    bookkeeping.advance(ledger, books.day(5), POLICY, rates)
    got = measure(ledger, books.day(5), POLICY, rates, True)
    assert (got.open_balance, got.exposure, got.fx_driven, got.unvalued) == (250000, 300000, True, 0)
    assert exposure_now(ledger, books.day(5)) == 300000


def test_a_memo_on_account_in_a_foreign_currency_takes_off_the_exposure_what_its_invoice_puts_on() -> None:
    rates = Rates("USD")
    rates.add(books.day(0), {"EUR": "1.10"})
    memo = books.event("invoice.credited", 9, 2, memo_id="m1", amount="1000.00", currency="EUR")
    dollars, euros = invoice(1), invoice(2, at=1, currency="EUR")
    ledger = books.ledger_of([dollars, euros, memo], books.day(3), POLICY, rates)
    assert totals_of(ledger).balance.total == 100000
    pieces: dict[str, bytes | None] = {}
    for at in (4, 600):  # long after a memo of the account's own currency has folded away
        rates.add(books.day(at), {"EUR": f"1.{at}"})
        bookkeeping.advance(ledger, books.day(at), POLICY, rates)
        pieces |= ledger_pieces.dump(ledger)
        again = ledger_pieces.load({key: piece for key, piece in pieces.items() if piece is not None})
        for one in (ledger, again):
            one.rates = rates
            got = measure(one, books.day(at), POLICY, rates, True)
            assert (got.open_balance, got.exposure) == (100000, 100000)
            assert exposure_now(one, books.day(at)) == 100000


def test_a_memo_on_account_keeps_the_rate_of_its_day_when_older_rates_and_invoices_are_gone() -> None:
    rates, newer = Rates("USD"), Rates("USD")
    rates.add(books.day(0), {"EUR": "1.10"})
    newer.add(books.day(600), {"EUR": "1.60"})
    memo = books.event("invoice.credited", 9, 2, memo_id="m1", amount="100.00", currency="EUR")
    paid = [invoice(1, at=1), payment(1, 10, "1000.00", ("i1", "1000.00"))]
    ledger = books.ledger_of([memo, *paid, invoice(2, at=500)], books.day(500), POLICY, rates)
    bookkeeping.advance(ledger, books.day(600), POLICY, newer)
    assert "i1" not in ledger.invoices
    again = ledger_pieces.load(
        {key: piece for key, piece in ledger_pieces.dump(ledger).items() if piece is not None}
    )
    bookkeeping.advance(again, books.day(601), POLICY, newer)
    assert totals_of(again).balance.total == 100000 - 11000
    assert exposure_now(again, books.day(601)) == 100000 - 16000


def test_every_type_of_the_ledger_is_a_type_of_the_contract() -> None:
    from schemas.events import TOPIC_OF

    assert set(TOPIC_OF) >= TYPES


def test_pieces_of_another_version_are_refused() -> None:
    ledger = books.ledger_of([invoice(1)], books.day(1), POLICY)
    pieces = {k: v for k, v in ledger_pieces.dump(ledger).items() if v is not None}
    pieces["l.i.0"] = b"[2" + pieces["l.i.0"][2:]
    with pytest.raises(ValueError, match="version 2"):
        ledger_pieces.load(pieces)


def test_one_payment_writes_one_page_however_many_invoices_are_open() -> None:
    ledger = books.ledger_of([invoice(n, at=n % 300) for n in range(1, 400)], books.day(300), POLICY)
    ledger_pieces.dump(ledger)
    bookkeeping.apply(ledger, payment(1, 300, "5.00", ("i7", "5.00")), books.day(300), POLICY, USD)
    assert list(ledger_pieces.dump(ledger)) == ["l.p.0"]

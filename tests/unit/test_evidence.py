"""The events that an alert points to are those behind its figure: none is missing, and none has nothing to do with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.evidence import MOST, behind
from agents.measure import measure
from agents.rates import Rates
from tests.reference import books
from tests.unit.test_ledger_facts import invoice, payment

POLICY = books.policy()
USD = Rates("USD")


def told(figure: str, events: list[Any], at: int) -> list[str]:
    today = books.day(at)
    return behind(books.ledger_of(events, today, POLICY), today, POLICY, USD, figure)


def event(type_: str, number: int, at: int, **fields: Any) -> Any:
    return books.event(type_, 500 + number, at, **fields)


def disputed(number: int, of: int, at: int, amount: str = "1000.00") -> Any:
    return event(
        "invoice.disputed",
        number,
        at,
        invoice_id=f"i{of}",
        dispute_id=f"d{number}",
        amount=amount,
        currency="USD",
    )


def test_exposure_names_open_orders_and_disputed_invoices_and_utilization_the_limit() -> None:
    order = event("order.booked", 1, 2, order_id="o1", amount="500.00", currency="USD")
    drawn = event("order.booked", 2, 2, order_id="o2", amount="300.00", currency="USD")
    limit = event("account.limit_set", 3, 1, credit_limit="900.00", currency="USD")
    owed, paid = invoice(1), invoice(2, order_id="o2")
    events = [limit, order, drawn, owed, paid, payment(2, 5, "1000.00", ("i2", "1000.00")), disputed(4, 1, 6)]
    assert told("exposure", events, 9) == [owed.event_id, order.event_id]
    assert told("utilization", events, 9) == [owed.event_id, order.event_id, limit.event_id]
    assert told("open_balance", events, 9) == [owed.event_id]


def test_a_collapse_names_what_was_bought_before_it_and_nothing_that_was_voided() -> None:
    before, void = invoice(1, at=10), invoice(2, at=20)
    events = [before, void, event("invoice.voided", 1, 21, invoice_id="i2")]
    assert told("growth", events, 60) == [before.event_id]
    assert told("purchases_30d", events, 60) == []
    assert told("purchases_30d", events, 15) == [before.event_id]


def test_purchases_name_the_memos_that_net_them_and_none_of_a_void_invoice() -> None:
    bought, void = invoice(1, at=10), invoice(2, at=20)
    on_account = event("invoice.credited", 1, 22, memo_id="m1", amount="300.00", currency="USD")
    of_void = event("invoice.credited", 2, 23, memo_id="m2", invoice_id="i2", amount="10.00", currency="USD")
    events = [bought, void, on_account, of_void, event("invoice.voided", 3, 24, invoice_id="i2")]
    assert told("purchases_30d", events, 30) == [bought.event_id, on_account.event_id]


def test_each_figure_of_a_drift_has_events_of_its_own() -> None:
    """What is late is due in the window or unpaid; what was paid, paid in it; runs reach as far as the baseline."""
    early, old, late = invoice(1, at=0), invoice(2, at=5), invoice(3, at=100)
    paid = [payment(n, at, "1000.00", (f"i{n}", "1000.00")) for n, at in ((1, 20), (2, 120))]
    events = [early, old, late, *paid]
    assert told("dtp_90d_alone", events, 150) == [paid[1].event_id]
    assert told("dbt_90d_alone", events, 150) == [late.event_id]
    assert told("dbt_baseline_alone", events, 150) == [
        early.event_id, paid[0].event_id, old.event_id, paid[1].event_id,
    ]  # fmt: skip
    assert told("payment_runs", events, 150) == [paid[0].event_id, paid[1].event_id]


WINDOWS = {
    "dtp_90d_alone": ("paid", 90, 0),
    "dtp_baseline": ("paid", 455, 90),
    "payment_runs": ("paid", 455, 0),
    "payment_runs_365d": ("paid", 365, 0),
    "reversals_90d": ("reversed", 90, 0),
    "dbt_90d_alone": ("due", 90, 0),
    "dbt_baseline_alone": ("due", 455, 90),
    "purchases_30d": ("issued", 30, 0),
    "purchases_prior_90d": ("issued", 120, 30),
    "monthly_purchases": ("issued", 365, 0),
    "disputed_share_baseline": ("issued", 455, 90),
}
"""Figure -> what is dated in its window, of more days ago than the second and of as many as the third or more."""


def dated(what: str, number: int, at: int) -> list[Any]:
    """The event that is dated by it first, of an invoice that was paid at once."""
    if what == "issued":
        return [invoice(number, at=at), payment(number, at, "1000.00", (f"i{number}", "1000.00"))]
    if what == "due":
        return [invoice(number, at=at - 30), payment(number, at - 30, "1000.00", (f"i{number}", "1000.00"))]
    paid = payment(number, at, "1000.00", (f"i{number}", "1000.00"))
    if what == "paid":
        return [paid, invoice(number, at=at - 1)]
    back = event("payment.reversed", number, at, payment_id=f"p{number}", reversed_on=books.text(at))
    return [back, paid, invoice(number, at=at - 1)]


@pytest.mark.parametrize("figure", WINDOWS)
def test_the_events_of_a_window_are_those_of_its_days(figure: str) -> None:
    what, longest, least = WINDOWS[figure]
    at = 600
    days = {at - longest: False, at - longest + 1: True, at - least: True}
    if least:
        days[at - least + 1] = False
    rows = {day: dated(what, number, day) for number, day in enumerate(days, 1)}
    named = told(figure, [one for row in rows.values() for one in row], at)
    assert {day: row[0].event_id in named for day, row in rows.items()} == days


def test_a_payment_that_came_back_is_no_longer_behind_its_invoice() -> None:
    owed = invoice(1)
    came = payment(1, 20, "1000.00", ("i1", "1000.00"))
    back = event("payment.reversed", 1, 25, payment_id="p1", reversed_on=books.text(25))
    again = payment(2, 40, "1000.00", ("i1", "1000.00"))
    assert told("dbt_90d_alone", [owed, came, back, again], 60) == [owed.event_id, again.event_id]


def test_drift_names_the_payments_that_were_applied() -> None:
    applied = payment(1, 20, "1000.00", ("i1", "1000.00"))
    assert told("dtp_90d", [invoice(1), applied, payment(2, 21, "70.00")], 30) == [applied.event_id]


def test_months_name_the_payments_of_full_months_alone() -> None:
    assert books.text(0)[8:] == "01", "the first day of a month"
    old, new = payment(1, 20, "1000.00", ("i1", "1000.00")), payment(2, 33, "1000.00", ("i2", "1000.00"))
    assert told("dtp_months", [invoice(1), invoice(2), old, new], 35) == [old.event_id]


def test_only_the_surprising_invoice_is_named_among_those_past_due() -> None:
    usual = [
        e for n in range(12) for e in (invoice(n, at=n), payment(n, n + 10, "1000.00", (f"i{n}", "1000.00")))
    ]
    surprising, hardly_late = invoice(20, at=20), invoice(21, at=40)
    assert told("overdue_surprise", [*usual, surprising, hardly_late], 80) == [surprising.event_id]
    assert len(told("past_due", [*usual, surprising, hardly_late], 80)) == 2


@pytest.mark.parametrize(("paid", "named"), [("1000.00", []), ("900.00", ["broken"])])
def test_only_broken_promises_are_named(paid: str, named: list[str]) -> None:
    promise = event(
        "payment.promised", 1, 5, promise_id="q1", amount="1000.00", currency="USD", due_on=books.text(10)
    )
    names = {promise.event_id: "broken"}
    events = [invoice(1), promise, payment(1, 8, paid, ("i1", paid))]
    assert [names[event_id] for event_id in told("promises_broken_60d", events, 30)] == named


def test_parts_name_the_invoices_paid_in_parts_and_their_payments() -> None:
    whole = [invoice(1), payment(1, 5, "1000.00", ("i1", "1000.00"))]
    parted, first, second = (
        invoice(2),
        payment(2, 6, "400.00", ("i2", "400.00")),
        payment(3, 9, "600.00", ("i2", "600.00")),
    )
    assert told("partial_of_last_5", [*whole, parted, first, second], 150) == [
        e.event_id for e in (parted, first, second)
    ]


def test_discounts_name_the_invoices_that_offered_them() -> None:
    offered = invoice(1, discount_percent=2, discount_date=books.text(10))
    other = [invoice(2), payment(2, 12, "1000.00", ("i2", "1000.00"))]
    assert told("discounts_taken", [offered, *other], 20) == [offered.event_id]


def test_a_dispute_of_an_invoice_that_is_paid_is_not_behind_what_is_disputed() -> None:
    open_, settled = disputed(1, 1, 6), disputed(2, 2, 6)
    events = [invoice(1), invoice(2), open_, settled, payment(2, 8, "1000.00", ("i2", "1000.00"))]
    assert told("disputed", events, 20) == [open_.event_id]


def test_cash_on_account_names_the_payments_of_which_something_is_left_the_largest_part_last() -> None:
    spent = payment(1, 5, "1000.00", ("i1", "1000.00"))
    left, more = payment(2, 6, "1200.00", ("i2", "1000.00")), payment(3, 7, "500.00")
    returned = payment(4, 7, "70.00")
    back = event("payment.reversed", 1, 8, payment_id="p4", reversed_on=books.text(8))
    events = [invoice(1), invoice(2), spent, left, more, returned, back]
    assert told("unapplied", events, 9) == [left.event_id, more.event_id]
    void = event("invoice.voided", 2, 10, invoice_id="i1")
    assert told("unapplied", [*events, void], 10) == [left.event_id, more.event_id, spent.event_id]


def test_exposure_is_explained_by_all_that_it_is_made_of() -> None:
    owed, order = invoice(1), event("order.booked", 1, 2, order_id="o1", amount="500.00", currency="USD")
    memo = event("invoice.credited", 2, 3, memo_id="m1", amount="300.00", currency="USD")
    cash = payment(1, 4, "70.00")
    security = {"kind": "deposit", "amount": "90.00", "currency": "USD"}
    held = event("security.recorded", 3, 4, security_id="s1", expires_on=books.text(30), **security)
    over = event("security.recorded", 4, 4, security_id="s2", expires_on=books.text(5), **security)
    limit = event("account.limit_set", 5, 1, credit_limit="900.00", currency="USD")
    events = [limit, owed, order, memo, cash, held, over]
    behind_it = [e.event_id for e in (memo, owed, cash, held, order)]
    assert told("exposure_alone", events, 9) == behind_it
    assert told("utilization_alone", events, 9) == [*behind_it, limit.event_id]
    assert told("open_balance_alone", events, 9) == [memo.event_id, owed.event_id]


def test_utilization_of_28_days_ago_names_what_was_owed_and_the_limit_that_stood_then() -> None:
    old_limit = event("account.limit_set", 1, 1, credit_limit="900.00", currency="USD")
    new_limit = event("account.limit_set", 2, 20, credit_limit="950.00", currency="USD")
    paid_since, bought_since = invoice(1), invoice(2, at=20)
    order = event("order.booked", 3, 5, order_id="o1", amount="500.00", currency="USD")
    closed = event("order.closed", 4, 15, order_id="o1")
    paid = payment(1, 30, "1000.00", ("i1", "1000.00"))
    events = [old_limit, new_limit, paid_since, bought_since, order, closed, paid]
    then = [e.event_id for e in (paid_since, order, old_limit)]
    assert told("utilization_28d_ago", events, 38) == then
    assert told("rising", events, 38) == [*then, bought_since.event_id, new_limit.event_id]


def test_a_new_high_is_held_against_what_was_owed_at_the_peak_before() -> None:
    first, second = invoice(1), invoice(2, at=10)
    paid = [payment(n, 20, "1000.00", (f"i{n}", "1000.00")) for n in (1, 2)]
    now = invoice(3, at=300)
    events = [first, second, *paid, now]
    assert told("prior_high_credit", events, 300) == [first.event_id, second.event_id]
    assert told("first_invoice", events, 300) == [first.event_id]


def test_the_most_days_past_due_name_the_oldest_invoice() -> None:
    events = [invoice(1), invoice(2, at=5)]
    assert told("max_days_past_due", events, 60) == [events[0].event_id]


def test_the_n_of_a_surprise_is_the_other_invoices_that_reached_its_age() -> None:
    """Not itself, none issued after it, and none that a memo had closed before that age."""
    usual = [invoice(n, at=n) for n in range(12)]
    paid = [payment(n, n + 10, "1000.00", (f"i{n}", "1000.00")) for n in range(12)]
    credited = invoice(18, at=15)
    memo = event("invoice.credited", 1, 16, memo_id="m1", invoice_id="i18", amount="1000.00", currency="USD")
    surprising, later = invoice(20, at=20), invoice(21, at=40)
    events = [*usual, *paid, credited, memo, surprising, later]
    today = books.day(80)
    known = measure(books.ledger_of(events, today, POLICY), today, POLICY, USD, True)
    named = told("invoices_observed", events, 80)
    assert named == [e.event_id for e in usual]
    assert len(named) == known.overdue_surprise_n
    assert told("invoices_observed", usual, 20) == [], "nothing is past due"


def test_the_base_rate_of_disputes_names_what_was_invoiced_and_disputed_in_its_window() -> None:
    then, quiet_one, now = invoice(1, at=0), invoice(2, at=5), invoice(3, at=190)
    old, new = disputed(1, 1, 10), disputed(2, 3, 195)
    ended = event("dispute.resolved", 3, 20, invoice_id="i1", dispute_id="d1", outcome="rejected")
    assert told("disputed_share_baseline", [then, quiet_one, now, old, new, ended], 200) == [
        then.event_id, quiet_one.event_id, old.event_id,
    ]  # fmt: skip


@given(books.facts(), st.integers(0, 420))
@settings(max_examples=150, deadline=None)
def test_what_is_not_nothing_has_events_behind_it(facts: list[Any], at: int) -> None:
    today = books.day(at)
    ledger = books.ledger_of(facts, today, POLICY)
    known = measure(ledger, today, POLICY, USD, True)

    def named(figure: str) -> list[str]:
        return behind(ledger, today, POLICY, USD, figure)

    assert bool(named("unapplied")) == bool(known.unapplied)
    assert not known.open_balance or named("open_balance_alone")
    assert not known.utilization or named("utilization_alone")
    assert not known.utilization_28d_ago or named("utilization_28d_ago")
    assert not known.prior_high_credit or named("prior_high_credit")
    assert len(named("invoices_observed")) == min(MOST, known.overdue_surprise_n)
    assert known.disputed_share_baseline is None or named("disputed_share_baseline")
    assert bool(named("payment_runs_365d")) == bool(known.payment_runs_365d)
    first, least = known.first_invoice_on, POLICY.figures.monthly_purchases_min_days
    if (
        known.monthly_purchases and first is not None and today - first >= least
    ):  # else it is what is expected
        assert named("monthly_purchases")
    assert known.max_days_past_due is None or named("max_days_past_due")


@given(books.facts(currencies=("USD", "EUR")), st.integers(0, 420), st.sampled_from(["1.10", "1.20"]))
@settings(max_examples=150, deadline=None)
def test_a_move_by_rates_alone_has_foreign_facts_behind_it_and_another_none(
    facts: list[Any], at: int, rate: str
) -> None:
    today, rates = books.day(at), Rates("USD")
    rates.add(books.day(0), {"EUR": "1.10"})
    rates.add(today, {"EUR": rate})
    ledger = books.ledger_of(facts, today, POLICY, rates)
    driven = measure(ledger, today, POLICY, rates, True).fx_driven
    assert bool(behind(ledger, today, POLICY, rates, "fx_driven")) == driven

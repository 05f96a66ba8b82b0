"""The events that an alert points to are those behind its figure: none is missing, and none has nothing to do with it."""

from __future__ import annotations

from typing import Any

import pytest

from agents.evidence import behind
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

"""The worked examples of the domain: each figure on a book small enough to compute by hand."""

from __future__ import annotations

from typing import Any

import pytest

from agents import bookkeeping, drift, pay_index
from agents.calendar import add_business_days
from agents.figures import Ageing, Figures
from agents.measure import measure
from agents.rates import Rates
from tests.reference import books
from tests.unit.test_ledger_facts import invoice, payment

POLICY = books.policy()
USD = Rates("USD")


def figures(events: list[Any], at: int, at_tick: bool = True) -> Figures:
    today = books.day(at)
    return measure(books.ledger_of(events, today, POLICY), today, POLICY, USD, at_tick)


def payer(days: list[int], every: int = 14, amount: str = "1000.00") -> list[Any]:
    """Invoices on net 30, one each `every` days, paid so many days after invoice."""
    events = []
    for place, late in enumerate(days):
        at = place * every
        events += [
            invoice(place, at=at, amount=amount),
            payment(place, at + late, amount, (f"i{place}", amount)),
        ]
    return events


def test_no_facts_no_figures() -> None:
    got = figures([], 10)
    assert (got.currency, got.open_balance, got.exposure, got.dtp_90d, got.dso, got.pay_index) == (
        None,
        0,
        0,
        None,
        None,
        None,
    )
    assert (got.utilization, got.max_days_past_due, got.partial_of_last_5, got.drift_agrees) == (
        None,
        None,
        None,
        None,
    )


def test_days_to_pay_are_weighted_by_amount_with_the_plain_mean_and_p90_beside() -> None:
    events = [invoice(1, amount="300.00"), invoice(2, amount="100.00")]
    events += [payment(1, 20, "300.00", ("i1", "300.00")), payment(2, 40, "100.00", ("i2", "100.00"))]
    got = figures(events, 45)
    assert (got.dtp_30d, got.dtp_mean_30d, got.dtp_p90_30d) == (25.0, 30.0, 40.0)


def test_an_application_is_dated_paid_on_even_if_it_came_later() -> None:
    applied = books.event(
        "payment.applied", 9, 60, payment_id="p1", applications=[{"invoice_id": "i1", "amount": "1000.00"}]
    )
    got = figures([invoice(1), payment(1, 20, "1000.00"), applied], 61)
    assert (got.dtp_30d, got.dtp_90d, got.paid_90d, got.last_payment_on) == (
        None,
        20.0,
        100000,
        books.day(20),
    )


def test_twenty_eight_days_to_forty_five_is_a_drift_that_the_test_confirms() -> None:
    got = figures(payer([28] * 21 + [45] * 7), 28 * 14 + 30)
    assert got.dtp_baseline == pytest.approx(28.0)
    assert got.dtp_90d == pytest.approx(45.0, abs=3)
    assert (got.drift_test, got.drift_agrees) == ("cusum", True)
    assert (got.dbt_90d or 0) - (got.dbt_baseline or 0) > 5


def test_one_late_run_alone_is_no_drift() -> None:
    got = figures(payer([28] * 24 + [38]), 25 * 14 + 30)
    assert (got.drift_test, got.drift_agrees) == ("cusum", False)


def test_the_number_of_runs_picks_the_test() -> None:
    tests = [figures(payer([30] * n, every=10), n * 10 + 90).drift_test for n in (3, 4, 7, 8, 11, 12)]
    assert tests == ["none", "theil_sen", "theil_sen", "ewma", "ewma", "cusum"]


def test_who_stops_paying_looks_worse_every_day() -> None:
    events = [*payer([30] * 6), *[invoice(50 + n, at=84 + 10 * n) for n in range(4)]]
    late = [figures(events, at).dbt_90d for at in (150, 160, 170)]
    assert late == sorted(late, key=lambda value: value or 0)
    assert len(set(late)) == 3
    index = [figures(events, at).pay_index for at in (150, 160, 170)]
    assert index == sorted(index, key=lambda value: -(value or 0))
    assert len(set(index)) == 3


def test_an_old_open_invoice_stays_in_every_window_of_days_beyond_terms() -> None:
    got = figures([invoice(1), *[invoice(n, at=200, due=10) for n in (2, 3)]], 205)
    assert (got.dbt_30d, got.dbt_90d) == (175.0, 175.0)


@pytest.mark.parametrize(
    ("days", "index"),
    [
        (-40, 100), (-30, 100), (-20, 90), (0, 80), (15, 70), (22, 60), (30, 50), (60, 40), (90, 30), (120, 20),
    (135, 10), (150, 0), (400, 0)],
)  # fmt: skip
def test_pay_index_points(days: int, index: float) -> None:
    points = pay_index.table(POLICY.figures.pay_index)
    assert points.at(days) / points.scale == index


def test_ageing_counts_the_due_day_as_current() -> None:
    events = [invoice(n, due=due, amount="100.00") for n, due in enumerate((100, 99, 70, 69, 40, 39, 10, 9))]
    assert figures(events, 100).ageing == Ageing(10000, 20000, 20000, 20000, 10000)


def test_sales_figures_by_hand() -> None:
    # Day 89 is 31 March 2025: 90 days of sales. 1,000 of January are past due, 2,000 of March are current.
    events = [invoice(1, at=10), invoice(2, at=70, amount="2000.00")]
    got = figures(events, 89)
    assert (got.dso, got.dso_best_possible, got.average_days_delinquent) == (90.0, 60.0, 30.0)
    assert got.collection_effectiveness == 0.0
    assert got.dso_countback == pytest.approx(
        31 + 28 + 31
    )  # all of March, nothing in February, all of January
    assert figures([*events, payment(1, 80, "500.00", ("i1", "500.00"))], 89).collection_effectiveness == 50.0


def test_kaplan_meier_knows_the_unpaid() -> None:
    events = payer([10, 20, 30, 40], every=1)
    got = figures(events, 60)
    assert (got.kaplan_meier_median, got.kaplan_meier_restricted_mean) == (20.0, 25.0)
    got = figures([*events, *[invoice(n) for n in range(10, 15)]], 130)
    assert got.kaplan_meier_median is None
    assert got.kaplan_meier_restricted_mean == pytest.approx((10 + 20 + 30 + 40 + 5 * 120) / 9)
    assert figures(events, 60, at_tick=False).kaplan_meier_median is None


def test_the_median_is_the_age_by_which_exactly_half_are_paid() -> None:
    for n in range(2, 40, 2):  # one each day from 10 on: after n / 2 of them S is exactly one half
        assert figures(payer(list(range(10, 10 + n)), every=0), 60).kaplan_meier_median == 9 + n // 2, n


def test_ten_paid_in_time_make_the_eleventh_a_surprise() -> None:
    got = figures([*payer([25] * 10, every=1), invoice(20, at=10)], 51)
    assert got.overdue_surprise == pytest.approx(0.5 / 11)
    assert got.overdue_surprise_n == 10
    assert got.overdue_surprise_days == 11


def test_utilization_rising_and_peaks() -> None:
    limit = books.event("account.limit_set", 90, 0, credit_limit="2000", currency="USD")
    events = [
        limit,
        invoice(1),
        payment(1, 50, "1000.00", ("i1", "1000.00")),
        invoice(2, at=60, amount="1500.00"),
    ]
    got = figures(events, 65)
    assert (got.utilization, got.utilization_28d_ago, got.rising) == (0.75, 0.5, True)
    assert (got.peak_utilization_90d, got.high_credit, got.prior_high_credit) == (0.75, 150000, 150000)
    assert figures(events, 60).prior_high_credit == 100000


def test_a_security_in_another_currency_that_was_worth_less_for_a_day_made_that_day_the_peak() -> None:
    events = [
        books.event("account.opened", 89, 0, name="A", currency="USD", opened_on=books.text(0)),
        books.event("account.limit_set", 90, 0, credit_limit="2000", currency="USD"),
        books.event(
            "security.recorded", 91, 0, security_id="s1", kind="deposit", amount="500.00", currency="EUR",
        ),
        invoice(1),
    ]  # fmt: skip
    rates = Rates("USD")
    for at, euro in ((0, "1.00"), (10, "0.40"), (11, "1.00")):
        rates.add(books.day(at), {"EUR": euro})
    got = measure(books.ledger_of(events, books.day(20), POLICY, rates), books.day(20), POLICY, rates, True)
    assert (got.utilization, got.peak_utilization_90d) == (0.25, 0.4)


def test_a_late_fact_moves_history_as_if_it_had_come_in_time() -> None:
    limit = books.event("account.limit_set", 90, 0, credit_limit="2000", currency="USD")
    late = invoice(2, at=10, amount="500.00")
    in_time = measure(
        books.ledger_of([limit, invoice(1), late], books.day(60), POLICY), books.day(60), POLICY, USD, True
    )
    ledger = books.ledger_of([limit, invoice(1)], books.day(60), POLICY)
    bookkeeping.apply(ledger, late, books.day(60), POLICY, USD)
    assert measure(ledger, books.day(60), POLICY, USD, True) == in_time
    assert in_time.utilization_28d_ago == 0.75


def test_monthly_purchases_need_ninety_days_of_history() -> None:
    opened = books.event(
        "account.opened",
        90,
        0,
        name="A",
        currency="USD",
        opened_on=books.text(0),
        expected_monthly_purchases="700",
    )
    events = [opened, *[invoice(n, at=30 * n, amount="40000.00") for n in range(12)]]
    assert figures(events, 89).monthly_purchases == 70000
    assert figures(events, 359).monthly_purchases == round(12 * 4000000 * 30 / 359)


def test_a_promise_waits_for_the_holidays_of_the_customers_country() -> None:
    # Due on Friday 17 January 2025 (day 16). Monday 20 January is a holiday in the US: Wednesday, day 21, else Tuesday.
    def broken(country: str | None, at: int, *more: Any) -> int:
        opened = books.event(
            "account.opened",
            90,
            0,
            name="Acme",
            currency="USD",
            opened_on=books.text(0),
            country=country,
        )
        promise = books.event(
            "payment.promised",
            80,
            5,
            promise_id="q1",
            amount="1000.00",
            currency="USD",
            due_on=books.text(16),
        )
        return figures([opened, invoice(1), promise, *more], at).promises_broken_60d

    countries: list[str | None] = ["US", "DE", "JP", None]  # the policy has no table of Japan
    assert [broken(country, 20) for country in countries] == [0, 0, 0, 0]
    assert [broken(country, 21) for country in countries] == [0, 1, 1, 1]
    assert [broken(country, 22) for country in countries] == [1, 1, 1, 1]
    paid = payment(1, 21, "1000.00", ("i1", "1000.00"))
    assert [broken(country, 30, paid) for country in countries] == [0, 1, 1, 1]


def test_a_promise_is_kept_by_two_business_days_later() -> None:
    def broken(paid_at: int, amount: str) -> int:
        # Due on Friday 10 January 2025 (day 9): two business days later is Tuesday, day 13.
        promise = books.event(
            "payment.promised",
            80,
            5,
            promise_id="q1",
            amount="1000.00",
            currency="USD",
            due_on=books.text(9),
            invoice_ids=["i1"],
        )
        return figures(
            [invoice(1), promise, payment(1, paid_at, amount, ("i1", amount))], 14
        ).promises_broken_60d

    assert add_business_days(books.day(9), 2, set()) == books.day(13)
    assert (broken(13, "950.00"), broken(13, "949.99"), broken(14, "1000.00"), broken(4, "1000.00")) == (
        0,
        1,
        1,
        1,
    )


def test_parts_and_discounts_are_remembered() -> None:
    events = payer([20] * 4, every=1)
    events += [
        invoice(9, at=5),
        payment(90, 30, "500.00", ("i9", "500.00")),
        payment(91, 31, "500.00", ("i9", "500.00")),
    ]
    assert figures(events, 40).partial_of_last_5 == 1
    offers = [invoice(n, at=n, discount_percent=2, discount_date=books.text(n + 10)) for n in range(3)]
    taken = payment(
        1, 9, "980.00", applications=[{"invoice_id": "i1", "amount": "980.00", "discount": "20.00"}]
    )
    assert figures([*offers, taken], 11).discounts_taken == (False, True)
    assert figures([*offers, taken], 13).discounts_taken == (False, True, False)


@pytest.mark.parametrize(
    ("cash", "at", "taken"),
    [("931.00", 10, True), ("930.99", 10, False), ("931.00", 11, False), ("980.00", 10, True)],
)
def test_a_discount_is_taken_by_whoever_pays_95_percent_of_its_price_by_its_date(
    cash: str, at: int, *, taken: bool
) -> None:
    offer = invoice(1, discount_percent=2, discount_date=books.text(10))
    paid = payment(1, at, cash, ("i1", cash))
    assert figures([offer, paid], 12).discounts_taken == (taken,)


def test_a_direct_debit_is_provisional_for_eight_weeks() -> None:
    events = [invoice(1), payment(1, 5, "1000.00", ("i1", "1000.00"), method="sepa_direct_debit")]
    assert (figures(events, 60).provisional, figures(events, 61).provisional) == (1, 0)


def test_direct_debits_that_may_come_back_are_counted_and_not_summed() -> None:
    debits = [payment(n, 5, "700.00", method="direct debit", currency=c) for n, c in ((1, "USD"), (2, "EUR"))]
    assert figures(debits, 30).provisional == 2
    back = books.event("payment.reversed", 9, 9, payment_id="p1", reversed_on=books.text(9))
    assert figures([*debits, back], 30).provisional == 1


def theil_sen_agrees(*days_to_pay: float) -> bool | None:
    runs = [books.day(30 * n) for n in range(len(days_to_pay))]
    return drift.drift(runs, list(days_to_pay), list(days_to_pay[:3]), 3, POLICY.drift).agrees


def test_theil_sen_needs_a_slope_that_stands_out() -> None:
    steady_slope, steady = drift.theil_sen([0, 10, 20, 30, 40, 50], [30, 31, 29, 30, 31, 29], 0.9)
    slope, bound = drift.theil_sen([0, 10, 20, 30, 40, 50], [30, 33, 36, 40, 44, 49], 0.9)
    assert steady <= 0 < bound < slope
    assert steady_slope <= 0
    assert theil_sen_agrees(30, 33, 36, 40, 44, 49)
    assert not theil_sen_agrees(30, 31, 29, 30, 31, 29)


def test_theil_sen_sees_a_step_and_neither_a_level_nor_one_late_payment() -> None:
    assert theil_sen_agrees(28, 28, 28, 45, 45, 45)
    assert theil_sen_agrees(28, 28, 45, 45)
    assert not theil_sen_agrees(28, 28, 28, 28, 28, 28)
    assert not theil_sen_agrees(28, 28, 28, 28, 28, 45)
    assert not theil_sen_agrees(45, 45, 45, 28, 28, 28)

"""Invoices in another currency than the account's, and amounts against base currency: rates come with the ticks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.golden.stories import (
    Event,
    account,
    dispute,
    expect,
    figures,
    invoice,
    moves,
    payment,
    play,
    promise,
    run_lines,
    shipped_policy,
    tick,
)


def euros(amount: str, on: int, **more: Any) -> Event:
    return invoice("I1", amount, on, currency="EUR", **more)


def test_a_rate_alone_carries_a_dispute_over_its_threshold() -> None:
    # 2,400 EUR disputed, 12 % of the balance: over 2,500 USD from 1.05 on. Nothing else happens on those days.
    euro = dict.fromkeys(range(38), "1.00") | dict.fromkeys(range(38, 45), "1.10")
    result = play(
        account(currency="EUR"),
        euros("20000.00", 30),
        {**dispute("D1", "I1", "2400.00", 31), "currency": "EUR"},
        until=44,
        ticks=ticks(44, euro),
    )
    assert moves(result, "dispute_spike") == [("opened", 39, 2)]


RATES = {8: "1.10", 9: "1.20", 10: "1.30", 11: "1.40"}


def ticks(until: int, rates: dict[int, str]) -> list[Event]:
    """A tick a day from day 0, with a rate where there is one."""
    return [tick(n, **({"EUR": rates[n]} if n in rates else {})) for n in range(until + 1)]


@pytest.mark.parametrize(
    ("story", "rates", "events", "until", "wanted"),
    [
        (
            "the rate of the newest day before the invoice's date; exposure at the newest",
            # day 9: 1000 x 1.20; day 11: 1000 x 1.40
            RATES,
            [euros("1000.00", 10)],
            11,
            {"open_balance": "1200.00", "exposure": "1400.00", "unvalued": 0},
        ),
        (
            "the newest day before may be days before",
            {4: "1.10", 10: "1.30"},
            [euros("1000.00", 10)],
            10,
            {"open_balance": "1100.00", "exposure": "1300.00"},
        ),
        (
            "frozen: later rates move the exposure only",
            RATES | {30: "2.00"},
            [euros("1000.00", 10)],
            35,
            {"open_balance": "1200.00", "exposure": "2000.00"},
        ),
        (
            "without any rate it is held and shown",
            {},
            [euros("1000.00", 10), invoice("U1", "5.00", 10)],
            12,
            {"unvalued": 1, "open_balance": "5.00"},
        ),
        (
            "and valued by the first tick that brings one",
            {12: "1.25", 13: "1.50"},
            [euros("1000.00", 10), invoice("U1", "5.00", 10)],
            13,
            {"unvalued": 0, "open_balance": "1255.00"},
        ),
        (
            "the tick of its own day, when none came before",
            {10: "1.30", 11: "1.40"},
            [euros("1000.00", 10)],
            11,
            {"unvalued": 0, "open_balance": "1300.00"},
        ),
        (
            "a late invoice takes the rate of before its date, not of its arrival",
            RATES,
            [euros("1000.00", 9, at=11)],
            12,
            {"open_balance": "1100.00"},
        ),
        (
            "a part payment in its currency leaves its part",
            # 600 x 1.20; dtp 5
            RATES,
            [euros("1000.00", 10), payment("P1", "400.00", 15, {"I1": "400.00"}, currency="EUR")],
            20,
            {"open_balance": "720.00", "exposure": "840.00", "unapplied": "0.00", "dtp_90d": 5.0},
        ),
        (
            "paid: nothing is left of a changed rate",
            RATES,
            [euros("1000.00", 10), payment("P1", "1000.00", 15, {"I1": "1000.00"}, currency="EUR")],
            20,
            {"open_balance": "0.00", "exposure": "0.00", "unapplied": "0.00"},
        ),
        (
            "two currencies weigh by their value",
            # EUR 1000 x 1.20 = 1200 at 20 days, USD 800 at 5 days: (24,000 + 4,000) / 2000 = 14
            RATES,
            [
                euros("1000.00", 10),
                payment("P1", "1000.00", 30, {"I1": "1000.00"}, currency="EUR"),
                invoice("U1", "800.00", 10),
                payment("P2", "800.00", 15, {"U1": "800.00"}),
            ],
            35,
            {"dtp_90d": 14.0},
        ),
    ],
)
def test_an_invoice_in_euros_to_an_account_in_dollars(
    story: str, rates: dict[int, str], events: list[Event], until: int, wanted: dict[str, Any]
) -> None:
    expect(figures(account(), events, until=until, ticks=ticks(until, rates)), wanted)


def test_a_rate_through_the_base_currency() -> None:
    # GBP 1.50 / EUR 1.20 = 1.25: 100 pounds are 125 euros
    story = [account(currency="EUR"), invoice("I1", "100.00", 5, currency="GBP")]
    rates = [tick(n, EUR="1.20", GBP="1.50") for n in range(8)]
    expect(
        figures(story, until=7, ticks=rates),
        {"currency": "EUR", "open_balance": "125.00", "exposure": "125.00"},
    )


def test_between_currencies_of_different_decimals() -> None:
    # 12,345 yen x 0.006710 = 82.834..95 dollars: 82.83 (82.83495)
    story = [account(), invoice("I1", "12345", 5, currency="JPY")]
    expect(
        figures(story, until=7, ticks=[tick(n, JPY="0.006710") for n in range(8)]), {"open_balance": "82.83"}
    )


def test_exposure_in_base_currency() -> None:
    story = [account(currency="EUR"), invoice("I1", "1000.00", 5, currency="EUR")]
    snapshot = figures(story, until=7, ticks=ticks(7, {3: "1.05", 6: "1.10"}))
    # the account's own figures need no rate; 1000 x 1.10
    expect(snapshot, {"open_balance": "1000.00", "exposure": "1000.00", "exposure_base": "1100.00"})
    assert Decimal(snapshot["fx_rate"]) == Decimal("1.10")
    assert snapshot["fx_as_of"] == tick(6)["as_of"]


def test_without_a_rate_there_is_no_exposure_in_base_currency() -> None:
    story = [account(currency="EUR"), invoice("I1", "1000.00", 5, currency="EUR")]
    expect(
        figures(story, until=7),
        {"open_balance": "1000.00", "exposure_base": None, "fx_rate": None, "unvalued": 0},
    )


def test_the_base_currency_needs_no_rate() -> None:
    expect(figures(invoice("I1", "10.00", 5), until=7), {"exposure_base": "10.00"})


def test_the_policys_dated_rates_are_a_fallback_and_the_clocks_come_first() -> None:
    policy = shipped_policy() + '\n"2024-12-01" = { EUR = "1.50" }\n'
    story = [account(), euros("1000.00", 10)]
    assert figures(story, until=12, policy=policy)["open_balance"] == "1500.00"
    told = figures(story, until=12, policy=policy, ticks=ticks(12, {8: "1.10"}))
    assert told["open_balance"] == "1100.00"


@pytest.mark.parametrize(
    ("rate", "days"),
    [
        ("1.10", [("opened", 92, 4)]),  # 4600 x 1.10 = 5060 > 5000, 61 days past due on 91 and 92
        ("1.08", []),  # 4968
    ],
)
def test_a_threshold_in_base_currency(rate: str, days: list[tuple[str, int, int]]) -> None:
    story = [account(currency="EUR"), invoice("I1", "4600.00", 0, currency="EUR")]
    result = play(story, until=95, ticks=[tick(n, EUR=rate) for n in range(96)])
    assert moves(result, "seriously_past_due") == days


def test_a_threshold_without_a_rate_does_not_fire() -> None:
    story = [account(currency="EUR"), invoice("I1", "900000.00", 0, currency="EUR")]
    assert moves(play(story, until=95), "seriously_past_due") == []


def test_the_currency_of_an_account_not_yet_opened_is_that_of_its_earliest_money_fact() -> None:
    late = [invoice("I2", "10.00", 7, currency="EUR"), invoice("I1", "100.00", 5, currency="GBP")]
    ticks = [tick(n, GBP="1.50", EUR="1.20") for n in range(10)]
    snapshot = run_lines([*ticks[:7], *late, *ticks[7:]]).accounts["A"]
    # EUR 10 x 1.20 / 1.50 = GBP 8
    expect(snapshot, {"currency": "GBP", "open_balance": "108.00"})


@pytest.mark.parametrize("rate_when_promised", ["0.50", "1.00", "1.10", "2.00"])
@pytest.mark.parametrize(
    ("paid", "broken"), [("1000.00", 0), ("950.00", 0), ("949.99", 1), ("500.00", 1), (None, 1)]
)
@pytest.mark.parametrize("named", [["I1"], None])
def test_no_rate_keeps_or_breaks_a_promise_in_the_currency_that_is_paid(
    rate_when_promised: str, paid: str | None, broken: int, named: list[str] | None
) -> None:
    # invoiced at 1.10, promised on day 40 at another rate, paid on day 44
    rates = dict.fromkeys(range(5), "1.10") | dict.fromkeys(range(30, 45), rate_when_promised)
    cash = [payment("P1", paid, 44, {"I1": paid}, currency="EUR")] if paid else []
    snapshot = figures(
        account(),
        euros("1000.00", 5),
        promise("Q1", "1000.00", 40, 45, named) | {"currency": "EUR"},
        cash,
        until=60,
        ticks=ticks(60, rates),
    )
    expect(snapshot, {"promises_broken": broken})


def test_no_promise_is_broken_while_its_invoice_waits_for_a_rate() -> None:
    story = [
        account(),
        euros("1000.00", 5),
        promise("Q1", "1000.00", 20, 22, ["I1"]),
        payment("P1", "1000.00", 21, {"I1": "1000.00"}, currency="EUR"),
    ]
    expect(figures(*story, until=40, ticks=ticks(40, {})), {"promises_broken": 0, "unvalued": 2})
    rates = {39: "1.00"}
    expect(figures(*story, until=40, ticks=ticks(40, rates)), {"promises_broken": 0, "unvalued": 0})
    rates = {39: "0.50"}  # 500 dollars came
    expect(figures(*story, until=40, ticks=ticks(40, rates)), {"promises_broken": 1})

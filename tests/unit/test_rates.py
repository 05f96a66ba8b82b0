"""Exchange rates: the newest day, exact conversion, and what happens without one."""

from __future__ import annotations

from fractions import Fraction

import pytest

from agents.rates import KEPT_DAYS, Rates


def rates(*days: tuple[int, str]) -> Rates:
    table = Rates("USD")
    for day, rate in days:
        table.add(day, {"EUR": rate})
    return table


def test_the_newest_day_up_to_the_one_asked_for_counts() -> None:
    table = rates((10, "1.10"), (20, "1.20"), (15, "1.15"))
    found = [table.rate("EUR", day) for day in (9, 10, 14, 15, 19, 25)]
    assert found == [
        None,
        Fraction("1.10"),
        Fraction("1.10"),
        Fraction("1.15"),
        Fraction("1.15"),
        Fraction("1.20"),
    ]
    assert [table.rate_day("EUR", day) for day in (9, 19)] == [None, 15]


def test_the_base_is_one_and_a_missing_currency_is_none_and_never_one() -> None:
    table = rates((10, "1.10"))
    assert table.rate("USD", 1) == Fraction(1)
    assert table.rate("CHF", 50) is None
    assert table.convert(100, "CHF", "USD", 50) is None


def test_conversion_is_exact_half_even_and_heeds_the_digits_of_both_currencies() -> None:
    table = Rates("USD")
    table.add(1, {"JPY": "0.01", "KWD": "3.25", "EUR": "1.125"})
    assert table.convert(1000, "JPY", "USD", 1) == 1000  # 1,000 yen are 10.00 dollars
    assert table.convert(1000, "KWD", "USD", 1) == 325
    assert table.convert(325, "USD", "KWD", 1) == 1000
    assert (table.convert(4, "EUR", "USD", 1), table.convert(12, "EUR", "USD", 1)) == (4, 14)  # 4.5 and 13.5


def test_the_policys_dated_rates_are_what_is_left_to_fall_back_on() -> None:
    table = Rates("USD", {"1970-01-01": {"EUR": "1.5", "CHF": "1.1"}})
    table.add(800_000, {"EUR": "1.2"})
    assert table.rate("EUR", 799_999) == Fraction("1.5")
    assert (table.rate("EUR", 800_000), table.rate("CHF", 800_000)) == (Fraction("1.2"), Fraction("1.1"))


def test_a_fact_is_valued_at_the_day_before_it_else_at_the_first_day_after() -> None:
    table = rates((10, "1.10"), (20, "1.20"))
    values = [table.cross_for_fact("EUR", "USD", day, 30) for day in (5, 10, 11, 20, 21)]
    assert values == [
        Fraction("1.10"),
        Fraction("1.10"),
        Fraction("1.10"),
        Fraction("1.10"),
        Fraction("1.20"),
    ]
    assert table.cross_for_fact("EUR", "USD", 5, 9) is None


def test_a_rate_must_be_positive() -> None:
    with pytest.raises(ValueError, match="EUR"):
        rates((1, "0"))


def test_old_days_are_dropped_but_the_rate_they_left_stays() -> None:
    table = rates((10, "1.10"), (20, "1.20"), (21 + KEPT_DAYS, "1.30"))
    assert table.rate("EUR", 300) == Fraction("1.20")
    assert table.rate("EUR", 15) is None


def test_dump_and_load_are_inverse_and_another_base_restates_every_day() -> None:
    table = rates((10, "1.25"), (20, "1.60"))
    assert Rates.load(table.dump()).dump() == table.dump()
    euros = table.rebased("EUR", {})
    assert (euros.rate("USD", 10), euros.rate("EUR", 10)) == (Fraction("0.8"), Fraction(1))
    assert euros.convert(100, "USD", "EUR", 25) == table.convert(100, "USD", "EUR", 25)

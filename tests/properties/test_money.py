"""Money: minor and text are inverse, exact against Decimal, and agree with what events let in."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.records import _money_texts, money_text
from schemas.contract import example
from schemas.events import Invalid, parse
from schemas.money import EXPONENTS, MAX_DIGITS, half_even, minor, text

_currencies = st.sampled_from(sorted(EXPONENTS))
_units = st.integers(-(10**MAX_DIGITS) + 1, 10**MAX_DIGITS - 1)
_amounts = st.from_regex(r"[0-9]{1,20}(\.[0-9]{0,5})?|-?[0-9]{1,3}\.[0-9]{1,4}", fullmatch=True) | st.text(
    alphabet="0123456789.,-+eE _٣", max_size=8
)


@given(_units, _currencies)
def test_minor_reads_what_text_writes(units: int, currency: str) -> None:
    assert minor(text(units, currency), currency) == units


@given(st.lists(_units | st.integers(-200, 200)), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_outputs_write_amounts_as_text_does(units: list[int], currency: str) -> None:
    wanted = [text(one, currency) for one in units]
    assert [money_text(one, currency) for one in units] == _money_texts(units, currency) == wanted
    assert _money_texts([None, *units], None) == [None] * (len(units) + 1)


@given(_units, st.integers(1, 12) | st.integers(1, 10**9))
def test_a_half_is_rounded_to_the_even_side(numerator: int, denominator: int) -> None:
    assert half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(_amounts, _currencies)
def test_an_amount_is_read_exactly_or_refused(amount: str, currency: str) -> None:
    try:
        units = minor(amount, currency)
    except ValueError:
        return
    assert Decimal(units).scaleb(-EXPONENTS[currency]) == Decimal(amount)
    assert Decimal(text(units, currency)) == Decimal(amount)
    assert abs(units) < 10**MAX_DIGITS


@given(_amounts, _currencies)
def test_an_invoice_enters_exactly_when_its_amount_can_be_read_and_is_above_zero(
    amount: str, currency: str
) -> None:
    try:
        good = minor(amount, currency) > 0
    except ValueError:
        good = False
    record = json.dumps(example("invoice.issued") | {"amount": amount, "currency": currency})
    if good:
        parse(record)
        return
    with pytest.raises(Invalid, match=r"^amount: "):
        parse(record)

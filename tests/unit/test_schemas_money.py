"""Amounts to minor units and back: what is read, what is refused and why."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.money import EXPONENTS, minor, text


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("12.50", "USD", 1250),
        ("12.5", "USD", 1250),
        ("12", "USD", 1200),
        ("0.01", "USD", 1),
        ("0.00", "USD", 0),
        ("-12.50", "USD", -1250),
        ("007.50", "USD", 750),
        ("1250", "JPY", 1250),
        ("1.234", "KWD", 1234),
        ("1.2", "KWD", 1200),
        ("1.2345", "CLF", 12345),
        ("1.2345", "UYW", 12345),
        ("9999999999999999.99", "USD", 10**18 - 1),
        ("999999999999999999", "JPY", 10**18 - 1),
    ],
)
def test_reads_an_amount_exactly(amount: str, currency: str, units: int) -> None:
    assert minor(amount, currency) == units


@pytest.mark.parametrize(
    ("amount", "currency", "word"),
    [
        ("1.234", "USD", "decimals"),
        ("1.0", "JPY", "decimals"),
        ("1.2345", "KWD", "decimals"),
        ("10000000000000000.00", "USD", "digits"),
        ("1000000000000000000", "JPY", "digits"),
        ("12.50", "XXX", "currency"),
        ("12.50", "usd", "currency"),
        ("12.50", None, "currency"),
        ("12.50", ["USD"], "currency"),
        *[
            (form, "USD", "no amount")
            for form in (
                "", " ", "1e3", "1.5E2", "+1.00", "--1.00", "- 1.00", "1,000.00", "1 000.00", "1_000.00", " 1.00",
                "1.00 ", "1.00\n", ".50", "5.", ".", "-.50", "1.2.30", "NaN", "Infinity", "-inf", "0x10", "$5.00",
                "٣.00", "１.00", 12, 1.5, True, None, b"1.00",
            )
        ],
    ],
)  # fmt: skip
def test_refuses_what_is_no_amount_of_the_currency(amount: Any, currency: Any, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        minor(amount, currency)


@pytest.mark.parametrize(
    ("units", "currency", "amount"),
    [
        (1250, "USD", "12.50"),
        (5, "USD", "0.05"),
        (0, "USD", "0.00"),
        (-5, "USD", "-0.05"),
        (-1250, "USD", "-12.50"),
        (1250, "JPY", "1250"),
        (-7, "JPY", "-7"),
        (1234, "KWD", "1.234"),
        (1, "CLF", "0.0001"),
    ],
)
def test_writes_an_amount_with_all_decimals_of_its_currency(units: int, currency: str, amount: str) -> None:
    assert text(units, currency) == amount


def test_writes_no_amount_of_an_unknown_currency() -> None:
    with pytest.raises(ValueError, match="unknown currency 'XXX'"):
        text(1, "XXX")


def test_the_table_is_that_of_iso_4217() -> None:
    assert {code for code, digits in EXPONENTS.items() if digits == 0} == {
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
        "XOF", "XPF",
    }  # fmt: skip
    assert {code for code, digits in EXPONENTS.items() if digits == 3} == {
        "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND",
    }  # fmt: skip
    assert {code for code, digits in EXPONENTS.items() if digits == 4} == {"CLF", "UYW"}
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)
    assert not {"XXX", "XTS", "XAU", "XDR"} & EXPONENTS.keys()
    assert len(EXPONENTS) > 155

"""The amounts of ledgers: the decimal sign told from all of them, every way to write one, what is refused."""

from __future__ import annotations

import pytest

from streams.feeds.amounts import AmountReader, DecimalEvidence


def told(*texts: str) -> str | None:
    evidence = DecimalEvidence()
    evidence.add(texts)
    return evidence.told()[0]


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        (["1,234.56"], "."),
        (["1.234,56"], ","),
        (["12.5"], "."),
        (["12,5"], ","),
        (["1.234.567"], ","),
        (["1,234,567"], "."),
        (["1.234", "1.234,50"], ","),
        (["0.125", "1.234"], "."),
        (["12345.678"], "."),
        (["1 234,56 €"], ","),
        (["1'234.50"], "."),
        (["100", "200"], "."),
        (["1,234", "950"], "."),  # 950 has no decimals, so the 234 are thousands
        (["1.234", "950"], ","),
        (["(1.234,56)", "1.234,56-"], ","),
        (["1.50", "2.50", "3.50", "1,5"], "."),
    ],
)
def test_the_decimal_sign_is_told_from_all_amounts_together(texts: list[str], sign: str) -> None:
    assert told(*texts) == sign


@pytest.mark.parametrize(
    "texts", [["1.234"], ["1,234", "5,678"], ["1.234", "5,678"], ["1.5", "1,5"], ["1.5", "1,5", "2,5"]]
)
def test_a_sign_that_can_not_be_told_is_not_guessed(texts: list[str]) -> None:
    assert told(*texts) is None


@pytest.mark.parametrize(
    ("text", "decimal", "currency", "minor"),
    [
        ("12 500,-", ",", "HUF", 1250000),
        ("CHF 12'345.-", ".", "CHF", 1234500),
        ("1.234,--", ",", "EUR", 123400),
        ("99.\u2014", ".", "CHF", 9900),
        ("-100,-", ",", "EUR", -10000),
        ("100,- K\u010d", ",", "CZK", 10000),
        ("100.00-", ".", "USD", -10000),
        ("1,000-", ".", "USD", -100000),
        ("1234.56", ".", "USD", 123456),
        ("1234.5", ".", "USD", 123450),
        ("1234", ".", "USD", 123400),
        ("1,234.56", ".", "USD", 123456),
        ("1.234,56", ",", "EUR", 123456),
        ("1 234,56", ",", "EUR", 123456),
        ("1\u00a0234,56", ",", "EUR", 123456),
        ("1\u202f234,56", ",", "EUR", 123456),
        ("1'234.56", ".", "CHF", 123456),
        ("1\u2019234.56", ".", "CHF", 123456),
        ("12,34,567.00", ".", "INR", 123456700),
        ("$1,234.56", ".", "USD", 123456),
        ("US$ 1,234.56", ".", "USD", 123456),
        ("$1.00", ".", "CAD", 100),
        ("1.234,56 €", ",", "EUR", 123456),
        ("€1.234,56", ",", "EUR", 123456),
        ("EUR 1.234,56", ",", "EUR", 123456),
        ("1.234,56EUR", ",", "EUR", 123456),
        ("USD$5.00", ".", "USD", 500),
        ("£5", ".", "GBP", 500),
        ("(1,234.56)", ".", "USD", -123456),
        ("($1,234.56)", ".", "USD", -123456),
        ("$(1,234.56)", ".", "USD", -123456),
        ("1,234.56-", ".", "USD", -123456),
        ("-1,234.56", ".", "USD", -123456),
        ("- 5.00", ".", "USD", -500),
        ("5.00- USD", ".", "USD", -500),
        ("$-5.00", ".", "USD", -500),
        ("-$5.00", ".", "USD", -500),
        ("\u22125.00", ".", "USD", -500),
        ("Rs. 1,00,000/-", ".", "INR", 10_000_000),
        ("5.00 CR", ".", "USD", -500),
        ("5.00DR", ".", "USD", 500),
        ("+5.00", ".", "USD", 500),
        (".50", ".", "USD", 50),
        ("5.", ".", "USD", 500),
        ("12.500", ".", "USD", 1250),  # zeros behind the currency's decimals say nothing
        ("1234", ".", "JPY", 1234),
        ("1234.00", ".", "JPY", 1234),
        ("1.234", ".", "KWD", 1234),
        ("0", ".", "USD", 0),
    ],
)
def test_each_way_to_write_an_amount_is_read_exactly(
    text: str, decimal: str, currency: str, minor: int
) -> None:
    assert AmountReader(decimal).minor(text, currency) == minor  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1.234,56", "decimal sign"),
        ("12,34.56", "decimal sign"),
        ("1.2.3", "decimal sign"),
        ("1.005", "more decimals"),
        ("1.23E+05", "rounded by a spreadsheet"),
        ("12%", "no amount"),
        ("abc", "no amount"),
        ("5 apples", "no amount"),
        ("€5.00", "not in USD"),
        ("5.00 EUR", "not in USD"),
        ("$5.00 EUR", "two currencies"),
        ("--5", "no amount"),
        ("(5", "no amount"),
        ("1" * 30, "digits"),
        ("", "no amount"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AmountReader(".").minor(text, "USD")


def test_amounts_of_a_currency_without_decimals_have_thousands() -> None:
    evidence = DecimalEvidence()
    evidence.add(["110,000", "20,000"])
    assert (evidence.told()[0], evidence.told(whole=True)[0]) == (None, ".")

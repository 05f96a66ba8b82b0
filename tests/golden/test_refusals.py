"""What is refused: the reason names the field, the dead letter names the line, the lines around it count."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.golden.stories import Event, invoice, payment, run_lines, tick

GOOD = invoice("I1", "1000.00", 0)


def changed(**fields: Any) -> str:
    return json.dumps({**invoice("BAD", "70.00", 0), **fields})


def without(field: str) -> str:
    bad: Event = invoice("BAD", "70.00", 0)
    del bad[field]
    return json.dumps(bad)


BAD = [
    ("float money", changed(amount=70.0), "amount"),
    ("money in a whole number", changed(amount=70), "amount"),
    ("NaN as money", changed(amount="NaN"), "amount"),
    ("NaN of JSON", changed(amount=float("nan")), ""),
    ("infinite money", changed(amount="Infinity"), "amount"),
    ("an exponent", changed(amount="7e1"), "amount"),
    ("thousands", changed(amount="7,000.00"), "amount"),
    ("an empty amount", changed(amount=""), "amount"),
    ("no money", changed(amount=None), "amount"),
    ("an unknown field", changed(amuont="70.00"), "amuont"),
    ("an unknown currency", changed(currency="XQZ"), "currency"),
    ("a currency in small letters", changed(currency="usd"), "currency"),
    ("too many decimals", changed(amount="70.001"), "amount"),
    ("decimals of yen", changed(amount="70.5", currency="JPY"), "amount"),
    ("four decimals of dinars", changed(amount="1.2345", currency="KWD"), "amount"),
    ("a naive instant", changed(occurred_at="2025-01-01T12:00:00"), "occurred_at"),
    ("a day for an instant", changed(occurred_at="2025-01-01"), "occurred_at"),
    ("a number for an instant", changed(occurred_at=1735732800), "occurred_at"),
    ("a date before 1970", changed(invoice_date="1969-12-31"), "invoice_date"),
    ("a date after 2100", changed(due_date="2101-01-01"), "due_date"),
    ("a date that is none", changed(invoice_date="2025-02-30"), "invoice_date"),
    ("day and month turned", changed(invoice_date="31/01/2025"), "invoice_date"),
    ("an unknown type", changed(type="invoice.isued"), "type"),
    ("no account", without("account_id"), "account_id"),
    ("no event id", without("event_id"), "event_id"),
    ("no due date", without("due_date"), "due_date"),
    (
        "an application in floats",
        json.dumps({**payment("P", "5.00", 0), "applications": [{"invoice_id": "I1", "amount": 5.0}]}),
        "applications",
    ),
    (
        "an unknown field deep inside",
        json.dumps(
            {
                **payment("P", "5.00", 0),
                "applications": [{"invoice_id": "I1", "amount": "5.00", "discout": "1.00"}],
            }
        ),
        "discout",
    ),
    ("no JSON", '{"type": "invoice.issued", ', ""),
    ("a list", "[]", ""),
]


@pytest.mark.parametrize(("what", "line", "field"), BAD, ids=[one[0] for one in BAD])
def test_a_bad_line_is_refused_by_name_and_number_and_its_neighbours_count(
    what: str, line: str, field: str
) -> None:
    result = run_lines([GOOD, line, invoice("I2", "1.00", 0), tick(5)])
    assert [letter["line"] for letter in result.dead_letters] == [2]
    assert field in result.dead_letters[0]["reason"]
    assert result.accounts["A"]["open_balance"] == "1001.00"
    assert "\n" not in result.dead_letters[0]["reason"]


def test_unknown_fields_under_extra_pass() -> None:
    result = run_lines([{**GOOD, "extra": {"anything": [1.5, "goes"]}}, tick(5)])
    assert not result.dead_letters
    assert result.accounts["A"]["open_balance"] == "1000.00"


def test_an_offset_is_an_instant_like_any() -> None:
    result = run_lines([{**GOOD, "occurred_at": "2025-01-01T23:30:00-05:00"}, tick(5)])
    assert not result.dead_letters


def test_a_tick_with_a_float_for_a_rate_is_refused() -> None:
    bad = {**tick(4), "rates": {"EUR": 1.1}}
    result = run_lines([GOOD, bad, tick(5)])
    assert [letter["line"] for letter in result.dead_letters] == [2]
    assert "rates" in result.dead_letters[0]["reason"]


def test_every_bad_line_has_its_own_letter() -> None:
    result = run_lines(
        [changed(amount=1.5), GOOD, changed(currency="QQQ"), "", changed(occurred_at="x"), tick(5)]
    )
    assert [letter["line"] for letter in result.dead_letters] == [1, 3, 5]

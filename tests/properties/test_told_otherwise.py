"""One book told in another way is judged alike: moved by 28 years, in other currencies, each invoice written as two.

No reference is asked: what these relations find is what a reference may share as a misreading.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.money import EXPONENTS, minor, text
from streams.simulate import generate
from tests.rules import outputs_of

Row = dict[str, Any]

POLICY = Path(__file__).parents[2].joinpath("deploy", "policy.toml").read_text(encoding="utf-8")
HOLIDAYS = re.compile(r"(?ms)^\[holidays\].*?(?=^\[rates\])")
BASE_AMOUNTS = re.compile(r"(?m)^((?:base_amount|\w+_up_to) = )([\d_]+)")
DATE = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\d-])")
CENTS = re.compile(r"-?\d+\.\d\d")
END = dt.date(2025, 12, 31)

few = settings(max_examples=3, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
seeds = st.integers(0, 10**6)


@cache
def book(seed: int) -> list[Row]:
    """Eight months of what three accounts do, if they buy in dollars; a tick a day."""
    rows = list(generate(3, 8, seed, END))
    others = {row["account_id"] for row in rows if row.get("currency", "USD") != "USD"}
    return [
        {key: value for key, value in row.items() if key != "rates"}
        for row in rows
        if row.get("account_id") not in others
    ]


def told(rows: Iterable[Row], policy: str = POLICY) -> dict[str, list[Row]]:
    """All that is told of the rows, by topic, without the policy's name."""
    out: dict[str, list[Row]] = defaultdict(list)
    for output in outputs_of(rows, policy, "told"):
        body = {key: value for key, value in output.body.items() if key != "policy"}
        out[output.topic].append(orjson.loads(orjson.dumps(body)))
    return out


def moved(value: Any, days: int) -> Any:
    """Every date in it so many days later, instants too."""

    def later(match: re.Match[str]) -> str:
        return (dt.date.fromisoformat(match[0]) + dt.timedelta(days=days)).isoformat()

    return orjson.loads(DATE.sub(later, orjson.dumps(value).decode()))


def restated(value: Any, currency: str) -> Any:
    """Every amount with the same minor units in another currency: 12.34 USD is 1234 JPY."""
    if isinstance(value, dict):
        return {key: restated(part, currency) for key, part in value.items()}
    if isinstance(value, list):
        return [restated(part, currency) for part in value]
    if value == "USD":
        return currency
    if isinstance(value, str) and CENTS.fullmatch(value):
        return text(minor(value, "USD"), currency)
    return value


def restated_policy(currency: str) -> str:
    def amount(match: re.Match[str]) -> str:
        units = int(match[2].replace("_", "")) * 100
        return f"{match[1]}{units // 10 ** EXPONENTS[currency]}"

    return BASE_AMOUNTS.sub(amount, POLICY).replace('currency = "USD"', f'currency = "{currency}"')


def doubled(value: Any) -> Any:
    """Every amount twice as large."""
    if isinstance(value, dict):
        return {key: doubled(part) for key, part in value.items()}
    if isinstance(value, list):
        return [doubled(part) for part in value]
    if isinstance(value, str) and CENTS.fullmatch(value):
        return text(2 * minor(value, "USD"), "USD")
    return value


ON_AN_INVOICE = ("invoice_id", "memo_id", "dispute_id")


def written_twice(row: Row) -> list[Row]:
    """What is said of an invoice said of two, each of the same amount; all other amounts twice as large."""
    if "invoice_id" in row:
        ids = [key for key in ("event_id", *ON_AN_INVOICE) if key in row]
        return [row | {key: f"{row[key]} {half}" for key in ids} for half in "ab"]
    other = doubled(row)
    if row.get("applications"):
        other["applications"] = [
            part | {"invoice_id": f"{part['invoice_id']} {half}"}
            for part in row["applications"]
            for half in "ab"
        ]
    if row.get("invoice_ids"):
        other["invoice_ids"] = [f"{name} {half}" for name in row["invoice_ids"] for half in "ab"]
    return [other]


COUNTED = {
    "partial_of_last_5", "discounts_taken", "invoices_prior_90d", "overdue_surprise", "overdue_surprise_n",
    "overdue_surprise_days", "dtp_mean_30d", "dtp_mean_90d", "dtp_mean_365d", "dtp_p90_30d", "dtp_p90_90d", "dtp_p90_365d",
    "kaplan_meier_median", "kaplan_meier_restricted_mean", "score", "grade", "tier",
}  # fmt: skip
"""What counts invoices and not amounts, and what may follow from it."""


def weighed(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    """The newest figures of each account and day, without those that count invoices."""
    return {
        (row["account_id"], row["as_of"]): {
            key: pytest.approx(value) if isinstance(value, float) else value
            for key, value in row.items()
            if key not in COUNTED
        }
        for row in rows
    }


@few
@given(seeds)
def test_a_book_moved_by_28_years_is_judged_alike(seed: int) -> None:
    """The calendar repeats: the days of the week, the ends of the months and leap years. Holidays do not."""
    days, policy = 28 * 1461 // 4, HOLIDAYS.sub("[holidays]\n", POLICY)
    assert told(moved(book(seed), days), policy) == moved(told(book(seed), policy), days)


@few
@given(seeds, st.sampled_from(["JPY", "KWD"]))
def test_a_book_in_a_currency_of_other_decimals_is_judged_alike(seed: int, currency: str) -> None:
    assert told(restated(book(seed), currency), restated_policy(currency)) == restated(
        told(book(seed)), currency
    )


@few
@given(seeds)
def test_two_invoices_of_the_same_days_weigh_as_one_of_both_amounts(seed: int) -> None:
    rows = [row for row in book(seed) if row["type"] != "payment.reversed" or "amount" not in row]
    one = weighed(told(map(doubled, rows))["snapshots"])
    two = weighed(told([half for row in rows for half in written_twice(row)])["snapshots"])
    shared = one.keys() & two.keys()
    assert len(shared) * 2 >= len(one)
    assert {key: two[key] for key in shared} == {key: one[key] for key in shared}


def test_a_relation_that_does_not_hold_is_seen() -> None:
    rows = book(7)
    before = told(rows)
    assert before["alerts"]
    assert told(moved(rows, 1)) != moved(before, 1)  # Mondays are Tuesdays
    assert told(restated(rows, "JPY")) != restated(before, "JPY")  # the policy's amounts are others
    assert told(map(doubled, rows)) != doubled(before)

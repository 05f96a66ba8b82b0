"""What explain says the account itself must do to end an alert, or to bring one about, is done, and a step less is not enough.

What others say is tests/unit/test_explain_done_outside.py; purchases, drifts and what opens by amounts test_explain_done.py.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from agents.explain import Row
from agents.triggers import BY_ID
from tests.unit import test_explain_done, test_explain_done_outside
from tests.unit.test_explain_changes import (
    FIRST,
    OPENED,
    PAST,
    asked,
    invoice,
    payment,
    tick,
    ticked,
    written,
)
from tests.unit.test_explain_changes import LATER as NEXT
from tests.unit.test_explain_done import (
    CENT,
    DAY,
    GREW,
    OWED,
    amount_in,
    cleared_by,
    disputed,
    fired_by,
    in_parts,
    is_open,
    limited,
    paid_after,
)

Done = Callable[[date, Decimal], list[Row]]


def overdue(days: int) -> list[Row]:
    """6,000 so many days past due at the last tick, and 4,000 that are not."""
    last = FIRST + timedelta(days=30 + days)
    facts = [limited("20000.00"), invoice(1, FIRST, "6000.00"), invoice(2, last - 5 * DAY, "4000.00")]
    return ticked([OPENED[0], *facts], FIRST, last)


def drawn(limit: str, *amounts: str) -> list[Row]:
    owed = [invoice(1 + n, FIRST + 9 * n * DAY, amount) for n, amount in enumerate(amounts)]
    return ticked([OPENED[0], limited(limit), *owed], FIRST, FIRST + 12 * DAY)


def paid(on: date, amount: Decimal) -> list[Row]:
    return [payment(1, on, f"{amount:.2f}")]


def credited(on: date, amount: Decimal) -> list[Row]:
    return [
        {"type": "invoice.credited", "at": on, "memo_id": "m1", "invoice_id": "i1", "amount": f"{amount:.2f}",
         "currency": "USD"},
    ]  # fmt: skip


def secured(on: date, amount: Decimal) -> list[Row]:
    return [
        {"type": "security.recorded", "at": on, "security_id": "s1", "kind": "deposit", "amount": f"{amount:.2f}",
         "currency": "USD"},
    ]  # fmt: skip


def granted(on: date, amount: Decimal) -> list[Row]:
    return [limited(f"{amount:.2f}") | {"at": on}]


def undisputed(on: date, amount: Decimal) -> list[Row]:
    return disputed(on, 4_000 - amount)


def paid_as_before(on: date, amount: Decimal) -> list[Row]:
    return [invoice(90, on - 28 * DAY, f"{amount:.2f}"), payment(90, on, f"{amount:.2f}")]


DRIFTED = ticked(
    [OPENED[0], *paid_after(28, range(30)), *paid_after(38, range(30, 44))], FIRST, FIRST + timedelta(days=351)
)  # fmt: skip
HIGHER = ticked([*GREW, invoice(2, FIRST + 200 * DAY, "5000.00")], FIRST, FIRST + 202 * DAY)
DISPUTED = ticked([*OWED, *disputed(FIRST + DAY, Decimal(4_000))], FIRST, FIRST + 4 * DAY)


@pytest.mark.parametrize(
    ("trigger_id", "history", "place", "done"),
    [
        ("past_due_share", overdue(15), 0, paid),
        ("seriously_past_due", overdue(65), 0, paid),
        ("seriously_past_due", overdue(65), 0, credited),
        ("delinquent", overdue(95), 0, paid),
        ("utilization_high", drawn("1000.00", "500.00", "400.00"), 0, paid),
        ("utilization_high", drawn("1000.00", "500.00", "400.00"), 0, secured),
        ("utilization_high", drawn("1000.00", "500.00", "400.00"), 1, granted),
        ("over_limit", drawn("1000.00", "1200.00"), 0, paid),
        ("over_limit", drawn("1000.00", "1200.00"), 0, credited),
        ("over_limit", drawn("1000.00", "1200.00"), 1, granted),
        ("new_high_credit", HIGHER, 0, paid),
        ("dispute_spike", DISPUTED, 0, undisputed),
        ("payment_drift", DRIFTED, 1, paid_as_before),
    ],
)
def test_the_amount_told_ends_the_alert_and_a_cent_less_does_not(
    tmp_path: Path, trigger_id: str, history: list[Row], place: int, done: Done
) -> None:
    words = cleared_by(tmp_path, history, trigger_id)[place]
    on = max(fact["at"] for fact in history)
    for amount, still in ((amount_in(words), False), (amount_in(words) - CENT, True)):
        after = [*history, *done(on, amount), tick(on)]
        assert is_open(tmp_path, after, trigger_id) is still, (words, amount)


@pytest.mark.parametrize(("amount", "still"), [("0.01", False), ("0.00", True)])
def test_any_limit_ends_an_exposure_without_one(tmp_path: Path, amount: str, still: bool) -> None:
    history = ticked([OPENED[0], invoice(1, FIRST, "1200.00")], FIRST, LAST := FIRST + 12 * DAY)
    (words,) = cleared_by(tmp_path, history, "exposure_without_limit")
    assert words == "a credit limit, however small; 1,200.00 USD would cover the exposure"
    after = [*history, *granted(LAST + DAY, Decimal(amount)), tick(LAST + DAY)]
    assert is_open(tmp_path, after, "exposure_without_limit") is still


def test_a_limit_that_is_withdrawn_leaves_an_exposure_without_limit(tmp_path: Path) -> None:
    history = ticked(
        [OPENED[0], limited("1000.00"), invoice(1, FIRST, "200.00")], FIRST, LAST := FIRST + 5 * DAY
    )
    (words,) = fired_by(tmp_path, history, "exposure_without_limit")
    assert words == "the credit limit of 1,000.00 USD withdrawn (set to 0)"
    for amount, opens in (("0.00", True), ("0.01", False)):
        after = ticked([*history, *granted(LAST + DAY, Decimal(amount))], LAST + DAY, LAST + 2 * DAY)
        assert is_open(tmp_path, after, "exposure_without_limit") is opens, amount


@pytest.mark.parametrize(("more", "still"), [(4, False), (3, True)])
def test_as_many_invoices_paid_at_once_as_push_those_in_parts_out(
    tmp_path: Path, more: int, still: bool
) -> None:
    parts = [fact for n in range(3) for fact in in_parts(70 + n, FIRST + 80 * DAY)]
    last = FIRST + 83 * DAY
    history = ticked([OPENED[0], *paid_after(28, range(6)), *parts], FIRST, last)
    (words,) = cleared_by(tmp_path, history, "partial_payments")
    assert words == "at most 1 of the last five paid invoices paid in parts (now 3)"
    on = last + DAY
    whole = [fact for n in range(more) for fact in (invoice(80 + n, on), payment(80 + n, on))]
    assert is_open(tmp_path, [*history, *whole, tick(on)], "partial_payments") is still


def test_a_surprise_ends_when_what_is_told_is_paid(tmp_path: Path) -> None:
    last = NEXT + timedelta(days=60)
    history = ticked([*PAST, invoice(20, NEXT)], FIRST, last)
    (words,) = cleared_by(tmp_path, history, "overdue_surprise")
    assert words == "1,000.00 USD paid: no invoice more than 30 days past due (now 31)"
    on = last + DAY
    for amount, still in (("1000.00", False), ("949.99", True)):
        after = [*history, payment(20, on, amount), tick(on)]
        assert is_open(tmp_path, after, "overdue_surprise") is still, amount


# --- What brings one about ------------------------------------------------------------------------------------

STEADY_LAST = FIRST + timedelta(days=231)
STEADY = ticked([OPENED[0], *paid_after(28, range(30))], FIRST, STEADY_LAST)


def test_purchases_and_lateness_that_are_told_make_a_surge_and_neither_alone_or_short_does(
    tmp_path: Path,
) -> None:
    """Twelve invoices fell due in the window and were paid 2 days early: 12,000 paid 8 days late make 3.00 of the mean."""
    more, later = fired_by(tmp_path, STEADY, "order_surge")
    assert more == "5,000.00 USD more invoiced in 30 days (now 1,000.00 USD)"
    assert later == "days beyond terms -2.00 → 3.00"
    on = STEADY_LAST + DAY

    def holds(bought: Decimal, late: Decimal) -> bool:
        old = invoice(90, on - 200 * DAY, f"{late:.2f}") | {"at": on, "due_date": (on - 8 * DAY).isoformat()}
        facts = [invoice(91, on, f"{bought:.2f}"), old, payment(90, on, f"{late:.2f}"), tick(on)]
        found = asked(written(tmp_path / "done.jsonl", [*STEADY, *facts]), "order_surge")
        return bool(found["holds"])

    enough, late = amount_in(more), Decimal(12_000)
    assert holds(enough, late)
    assert not holds(enough - CENT, late)
    assert not holds(enough, late - CENT)


def test_a_payment_that_returns_opens_an_alert_and_one_that_stays_does_not(tmp_path: Path) -> None:
    assert fired_by(tmp_path, STEADY, "payment_reversed") == ["a payment returned"]
    on = STEADY_LAST + DAY
    returned = {"type": "payment.reversed", "at": on, "payment_id": "p29", "reversed_on": on.isoformat()}
    assert is_open(tmp_path, [*STEADY, returned, tick(on)], "payment_reversed")
    assert not is_open(tmp_path, [*STEADY, tick(on)], "payment_reversed")


@pytest.mark.parametrize(("cash", "opens"), [("474.99", True), ("475.00", False)])
def test_a_promise_that_is_broken_opens_an_alert_and_one_kept_to_95_percent_does_not(
    tmp_path: Path, cash: str, opens: bool
) -> None:
    assert fired_by(tmp_path, STEADY, "promise_broken") == ["a promise broken"]
    on = STEADY_LAST + DAY
    promise: Row = {
        "type": "payment.promised", "at": on, "promise_id": "q1", "amount": "500.00", "currency": "USD",
        "due_on": on.isoformat(), "invoice_ids": ["i50"],
    }  # fmt: skip
    came = [invoice(50, on), promise, payment(50, on + DAY, cash)]
    assert is_open(tmp_path, ticked([*STEADY, *came], on, on + 7 * DAY), "promise_broken") is opens


# --- All of them ----------------------------------------------------------------------------------------------


def triggers_of_tests_that_use(*helpers: str) -> set[str]:
    """The triggers named in tests of these three files that ask one of the helpers what is told."""
    found: set[str] = set()
    for module in (test_explain_done, test_explain_done_outside, sys.modules[__name__]):
        for test in ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8")).body:
            if isinstance(test, ast.FunctionDef) and test.name.startswith("test_"):
                inside = list(ast.walk(test))
                if any(isinstance(node, ast.Name) and node.id in helpers for node in inside):
                    found |= {str(node.value) for node in inside if isinstance(node, ast.Constant)} & set(
                        BY_ID
                    )
    return found


def test_what_is_told_of_each_trigger_is_done_to_clear_it_and_to_fire_it() -> None:
    clear, fire = (
        triggers_of_tests_that_use("cleared_by", "told_of"),
        triggers_of_tests_that_use("fired_by", "told_to_fire"),
    )
    assert sorted(set(BY_ID) - clear) == []
    assert sorted(set(BY_ID) - fire) == []
    assert triggers_of_tests_that_use("nothing_of_the_kind") == set()

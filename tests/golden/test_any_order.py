"""The same facts in any order, any number of times: the same figures. Corrections win by their time, not their turn."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.golden.stories import (
    Event,
    account,
    applied,
    bureau,
    dispute,
    expect,
    figures,
    filing,
    invoice,
    limit,
    memo,
    news,
    order,
    payment,
    promise,
    reference,
    resolved,
    reversal,
    run_lines,
    security,
    steady,
    tick,
    voided,
    written_off,
)

LAST = 260


def everything() -> list[Event]:
    """One of everything, told at one time: facts from day 0 to 260."""
    return [
        account(terms_days=30, expected_monthly_purchases="3000.00"),
        limit("6000.00", 3),
        limit("5000.00", 1),
        *steady("S", 0, 210, 14, 28),
        invoice("I1", "1000.00", 100),
        payment("P1", "1500.00", 140, {"I1": "600.00", "I2": "500.00"}),
        applied("P1", {"I1": "200.00"}, 150),
        reversal("P1", 160, "700.00"),
        invoice("I2", "700.00", 110, order_id="O1"),
        order("O1", "1500.00", 90),
        memo("M1", "50.00", 115, "I2"),
        memo("M2", "25.00", 116),
        invoice("I3", "900.00", 120),
        payment("P3", "900.00", 130, {"I3": "900.00"}),
        voided("I3", 135),
        invoice("I4", "800.00", 125),
        written_off("I4", 200),
        payment("P4", "100.00", 150, {"I4": "100.00"}),
        invoice("I5", "640.00", 130),
        dispute("D1", "I5", "240.00", 170),
        resolved("D1", "I5", "rejected", 190),
        invoice("I6", "320.00", 180),
        dispute("D2", "I6", "120.00", 200),
        security("S1", "insurance", "100.00", 50, 300),
        promise("V1", "300.00", 190, 200, ["I5"]),
        bureau("dnb", 100, 80),
        bureau("dnb", 200, 68),
        reference("R1", "4000.00", 5, 8),
        news("N1", 210, "layoffs"),
        filing("F1", "suit", 205, amount="12000.00", currency="USD"),
    ]


def snapshot_of(facts: list[Event], *, ticks: list[Event]) -> dict[str, Any]:
    result = run_lines([*facts, *ticks])
    assert not result.dead_letters, result.dead_letters
    return result.accounts["A"]


@pytest.mark.parametrize("seed", range(12))
def test_facts_shuffled_before_one_tick(seed: int) -> None:
    ticks = [tick(LAST)]
    facts = everything()
    random.Random(seed).shuffle(facts)
    assert snapshot_of(facts, ticks=ticks) == snapshot_of(everything(), ticks=ticks)


@pytest.mark.parametrize("seed", range(6))
def test_facts_that_come_between_ticks_at_any_time_after_they_happened(seed: int) -> None:
    """Each fact comes some days late, in the file; its own dates stay."""
    dice = random.Random(seed)
    late = [(int(_day(one)) + dice.choice([0, 0, 1, 5, 30, 90]), one) for one in everything()]
    told = [(min(day, LAST) + 0.5, one) for day, one in late] + [(n + 0.9, tick(n)) for n in range(LAST + 1)]
    in_time = [(_day(one) + 0.5, one) for one in everything()] + [(n + 0.9, tick(n)) for n in range(LAST + 1)]
    got, wanted = (
        run_lines([one for _, one in sorted(story, key=lambda pair: pair[0])]).accounts["A"]
        for story in (told, in_time)
    )
    # alerts have a history (two ticks in a row, cooldown), and the tier follows open alerts
    assert {**got, "tier": None} == {**wanted, "tier": None}


def _day(one: Event) -> int:
    import datetime as dt

    from tests.golden.stories import START

    return (dt.date.fromisoformat(one["occurred_at"][:10]) - START).days


def test_the_history_of_ticks_does_not_matter_to_the_figures() -> None:
    daily = figures(everything(), until=LAST)
    once = figures(everything(), until=LAST, ticks=[tick(LAST)])
    assert {**daily, "tier": None} == {**once, "tier": None}


@pytest.mark.parametrize("again", ["the same record", "another event_id", "another source"])
def test_repeats_change_nothing(again: str) -> None:
    # payment.applied and payment.reversed have no id of their own: there another event_id is another fact
    own_id = [
        one
        for one in everything()
        if one["type"] not in ("payment.applied", "payment.reversed", "account.limit_set")
    ]
    change: dict[str, Callable[[Event], list[Event]]] = {
        "the same record": lambda one: [one, one, one],
        "another event_id": lambda one: (
            [one, {**one, "event_id": one["event_id"] + " again"}] if one in own_id else [one]
        ),
        "another source": lambda one: [one, {**one, "source": "other erp"}] if one in own_id else [one],
    }
    repeated = [copy for one in everything() for copy in change[again](one)]
    assert snapshot_of(repeated, ticks=[tick(LAST)]) == snapshot_of(everything(), ticks=[tick(LAST)])


CORRECTIONS: list[tuple[str, list[Event], Event, Event, dict[str, Any]]] = [
    (
        "an invoice's amount",
        [],
        invoice("I1", "1000.00", 0),
        invoice("I1", "1200.00", 0, at=6, event_id="correction"),
        {"open_balance": "1200.00"},
    ),
    (
        "an invoice's due date",
        [],
        invoice("I1", "1000.00", 0),
        invoice("I1", "1000.00", 0, 60, at=6, event_id="correction"),
        {"open_balance": "1000.00", "past_due": "0.00"},
    ),
    (
        "at the same instant the greatest event_id wins",
        [],
        invoice("I1", "1000.00", 0, event_id="e-1"),
        invoice("I1", "1300.00", 0, event_id="e-2"),
        {"open_balance": "1300.00"},
    ),
    (
        "a payment's amount and application",
        [invoice("I1", "1000.00", 0), invoice("I2", "1000.00", 0)],
        payment("P1", "500.00", 20, {"I1": "500.00"}),
        payment("P1", "600.00", 25, {"I2": "600.00"}, at=26, event_id="correction"),
        # 600 on I2 after 25 days: 1000 + 400
        {"open_balance": "1400.00", "dtp_90d": 25.0, "unapplied": "0.00", "paid_90d": "600.00"},
    ),
    (
        "a memo that belonged to another invoice",
        [invoice("I1", "1000.00", 0, 10), invoice("I2", "1000.00", 0, 60)],
        memo("M1", "300.00", 5, "I1"),
        memo("M1", "400.00", 5, "I2", at=6, event_id="correction"),
        {"open_balance": "1600.00", "past_due": "1000.00"},
    ),
    (
        "a disputed amount",
        [invoice("I1", "1000.00", 0)],
        dispute("D1", "I1", "600.00", 20),
        dispute("D1", "I1", "100.00", 21, event_id="correction"),
        {"disputed": "100.00", "past_due": "900.00"},
    ),
    (
        "a security's amount",
        [invoice("I1", "1000.00", 0)],
        security("S1", "deposit", "300.00", 2),
        {**security("S1", "deposit", "100.00", 3), "event_id": "correction"},
        {"exposure": "900.00"},
    ),
    (
        "an order's amount",
        [invoice("I1", "1000.00", 0)],
        order("O1", "300.00", 2),
        order("O1", "100.00", 3, event_id="correction"),
        {"open_orders": "100.00"},
    ),
    (
        "the limit is the latest by time",
        [invoice("I1", "1000.00", 0)],
        limit("2000.00", 5),
        limit("4000.00", 6),
        {"credit_limit": "4000.00", "utilization": 0.25},
    ),
    (
        "two limits of one instant: the greatest event_id",
        [invoice("I1", "1000.00", 0)],
        limit("2000.00", 5, event_id="b"),
        limit("4000.00", 5, event_id="a"),
        {"credit_limit": "2000.00"},
    ),
    (
        "a written-off amount",
        [invoice("I1", "1000.00", 0)],
        written_off("I1", 10, "100.00"),
        written_off("I1", 12, "250.00", event_id="correction"),
        {"open_balance": "750.00"},
    ),
]


@pytest.mark.parametrize("first_wins", [False, True], ids=["in order of time", "the correction first"])
@pytest.mark.parametrize(
    ("story", "before", "first", "second", "wanted"), CORRECTIONS, ids=[one[0] for one in CORRECTIONS]
)
def test_corrections_win_in_either_order(
    story: str, before: list[Event], first: Event, second: Event, wanted: dict[str, Any], first_wins: bool
) -> None:
    facts = [second, first] if first_wins else [first, second]
    expect(snapshot_of([*before, *facts], ticks=[tick(40)]), wanted)
    # and with ticks between all of them
    parts = [*before, *facts]
    told = [item for n, one in enumerate(parts) for item in (one, tick(30 + n))]
    expect(snapshot_of(told, ticks=[tick(40)]), wanted)


def test_several_applications_of_one_payment_all_count() -> None:
    facts = [
        invoice("I1", "1000.00", 0),
        payment("P1", "1000.00", 10),
        applied("P1", {"I1": "300.00"}, 11),
        applied("P1", {"I1": "300.00"}, 11, event_id="another one"),
    ]
    expect(snapshot_of(facts, ticks=[tick(20)]), {"open_balance": "400.00", "unapplied": "400.00"})


def test_several_reversals_of_one_payment_all_count() -> None:
    facts = [
        invoice("I1", "1000.00", 0),
        payment("P1", "1000.00", 10, {"I1": "1000.00"}),
        reversal("P1", 12, "300.00"),
        reversal("P1", 12, "300.00", event_id="another one"),
    ]
    expect(snapshot_of(facts, ticks=[tick(20)]), {"open_balance": "600.00"})


def test_a_reversal_before_its_payment() -> None:
    facts = [
        reversal("P1", 12, "300.00"),
        applied("P1", {"I1": "400.00"}, 11),
        payment("P1", "1000.00", 10, {"I1": "500.00"}),
        invoice("I1", "1000.00", 0),
    ]
    # 1000 = 500 + 400 + 100 unapplied; 300 back: the 100, then 200 of the 400. Open 1000 - 500 - 200
    expect(
        snapshot_of(facts, ticks=[tick(20)]), {"open_balance": "300.00", "unapplied": "0.00", "dtp_90d": 10.0}
    )

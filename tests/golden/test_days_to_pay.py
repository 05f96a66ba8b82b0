"""Days to pay, days beyond terms, their windows and baselines: small stories, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.stories import (
    Event,
    applied,
    dispute,
    expect,
    figures,
    invoice,
    memo,
    payment,
    resolved,
    reversal,
    tick,
    voided,
    written_off,
)


def paid(id_: str, amount: str, on: int, paid_on: int, due: int | None = None) -> list[Event]:
    return [invoice(id_, amount, on, due), payment(f"P{id_}", amount, paid_on, {id_: amount})]


Story = tuple[str, list[Any], int, dict[str, Any]]

STORIES: list[Story] = [
    (
        "days to pay are weighted by amount",
        # I1 1000 x 40 days, I2 3000 x 20 days: (40,000 + 60,000) / 4000 = 25; simple mean (40 + 20) / 2 = 30.
        # dtp_30d at 60 is (30, 60]: the payment of day 30 is out, so 40 alone.
        [paid("I1", "1000.00", 0, 40), paid("I2", "3000.00", 10, 30)],
        60,
        {
            "dtp_90d": 25.0,
            "dtp_365d": 25.0,
            "dtp_30d": 40.0,
            "dtp_mean_90d": 30.0,
            "dtp_p90_30d": 40.0,
            "paid_30d": "1000.00",
            "paid_90d": "4000.00",
            "open_balance": "0.00",
        },
    ),
    (
        "part payments count for their part",
        # (400 x 30 + 600 x 50) / 1000 = 42
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "400.00", 30, {"I1": "400.00"}),
            payment("P2", "600.00", 50, {"I1": "600.00"}),
        ],
        60,
        {"dtp_90d": 42.0, "dbt_90d": 12.0, "open_balance": "0.00", "dtp_30d": 50.0},
    ),
    (
        "the open part of a part-paid invoice is no observation of days to pay, but one of days beyond terms",
        # dtp: 400 at 30. dbt at 60: (400 x 0 + 600 x 30) / 1000 = 18
        [invoice("I1", "1000.00", 0), payment("P1", "400.00", 30, {"I1": "400.00"})],
        60,
        {"dtp_90d": 30.0, "dbt_90d": 18.0, "open_balance": "600.00", "past_due": "600.00"},
    ),
    (
        "a discount is granted with the cash and is no observation",
        # weights are the cash: (980 x 10 + 1000 x 40) / 1980 = 49,800 / 1980
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "980.00", 10, {"I1": ("980.00", "20.00")}),
            paid("I2", "1000.00", 0, 40),
        ],
        50,
        {"dtp_90d": 49_800 / 1980, "open_balance": "0.00", "unapplied": "0.00"},
    ),
    (
        "credit memos, write-offs and unapplied cash are no observations",
        # 200 of I1 paid after 20 days is all there is: 20
        [
            invoice("I1", "1000.00", 0),
            memo("M1", "500.00", 10, "I1"),
            payment("P1", "200.00", 20, {"I1": "200.00"}),
            payment("P2", "300.00", 25),
            written_off("I1", 28, "100.00"),
        ],
        29,
        {"dtp_90d": 20.0, "dtp_mean_90d": 20.0, "open_balance": "200.00", "unapplied": "300.00"},
    ),
    (
        "a window is D-N < d <= D",
        # at 100 the 90 days are 11..100: day 10 is out, 11 in, 100 in. (11 + 50) / 2; year: (10 + 11 + 50) / 3
        [paid("I1", "1000.00", 0, 10), paid("I2", "1000.00", 0, 11), paid("I3", "1000.00", 50, 100)],
        100,
        {"dtp_90d": 30.5, "dtp_365d": 71 / 3, "dtp_30d": 50.0, "paid_90d": "2000.00", "paid_365d": "3000.00"},
    ),
    (
        "a payment of tomorrow does not count today",
        [invoice("I1", "1000.00", 50), payment("P1", "1000.00", 101, {"I1": "1000.00"}, at=99)],
        100,
        {"dtp_90d": None, "open_balance": "1000.00", "unapplied": "0.00", "past_due": "1000.00"},
    ),
    (
        "an invoice of tomorrow does not count today",
        [invoice("I1", "1000.00", 5), invoice("I2", "500.00", 11, at=9)],
        10,
        {"open_balance": "1000.00"},
    ),
    (
        "no payment: no days to pay",
        [invoice("I1", "1000.00", 0)],
        20,
        {"dtp_30d": None, "dtp_90d": None, "dtp_365d": None, "dtp_baseline": None, "dbt_90d": None},
    ),
    (
        "paid before it was invoiced: negative",
        # paid_on 5 - invoice_date 10 = -5; 5 - due 40 = -35
        [
            payment("P1", "1000.00", 5),
            invoice("I1", "1000.00", 10),
            applied("P1", {"I1": "1000.00"}, 10.5),
        ],
        60,
        {"dtp_90d": -5.0, "dbt_90d": -35.0, "open_balance": "0.00", "unapplied": "0.00"},
    ),
    (
        "a payment that names an invoice not yet known",
        [payment("P1", "1000.00", 10, {"I1": "1000.00"}), invoice("I1", "1000.00", 0, at=12)],
        40,
        {"dtp_90d": 10.0, "dbt_90d": -20.0, "open_balance": "0.00", "unapplied": "0.00", "exposure": "0.00"},
    ),
    (
        "cash applied later is dated with its paid_on",
        # applied on 55, paid on 20: at 60 in the 90 days with 20, not in the 30 days (30, 60]
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "1000.00", 20),
            applied("P1", {"I1": "1000.00"}, 55),
        ],
        60,
        {"dtp_90d": 20.0, "dtp_30d": None, "dbt_90d": -10.0, "open_balance": "0.00", "unapplied": "0.00"},
    ),
    (
        "several applications of one payment to one invoice on different days",
        # both paid on 20: 20 whatever the weights
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "1000.00", 20, {"I1": "300.00"}),
            applied("P1", {"I1": "200.00"}, 25),
            applied("P1", {"I1": "100.00"}, 26),
        ],
        40,
        {"dtp_90d": 20.0, "open_balance": "400.00", "unapplied": "400.00"},
    ),
    (
        "days beyond terms count open overdue invoices of any age",
        # due in (110, 200]: I2 (due 130, paid 125: -5). I1 due 100 and paid: out. I3 due 50, open: 150.
        # (1000 x -5 + 2000 x 150) / 3000 = 295,000 / 3000
        [paid("I1", "1000.00", 70, 120), paid("I2", "1000.00", 100, 125), invoice("I3", "2000.00", 20)],
        200,
        {"dbt_90d": 295_000 / 3000, "dtp_90d": 37.5},  # I1 50 (paid 120 > 110), I2 25
    ),
    (
        "and rise by the day without any payment",
        # one day later: (-5000 + 2000 x 151) / 3000 = 99
        [paid("I1", "1000.00", 70, 120), paid("I2", "1000.00", 100, 125), invoice("I3", "2000.00", 20)],
        201,
        {"dbt_90d": 99.0},
    ),
    (
        "an invoice due today and open counts 0; one due tomorrow not at all",
        # (1000 x 0 + 1000 x 10) / 2000 = 5
        [
            invoice("I1", "1000.00", 70, 100),
            invoice("I2", "8000.00", 71, 101),
            paid("I3", "1000.00", 60, 100),
        ],
        100,
        {"dbt_90d": 5.0},
    ),
    (
        "the edge of the window of due dates",
        # at 100: due 10 is out, due 11 in: DBT 4 alone, not (9 + 4) / 2
        [paid("I1", "1000.00", 0, 19, 10), paid("I2", "1000.00", 0, 15, 11)],
        100,
        {"dbt_90d": 4.0, "dbt_365d": 6.5},
    ),
    (
        "a memo leaves the weights",
        # I1 500 open at 50 days, J1 1000 at 10: (25,000 + 10,000) / 1500 = 23.333
        [invoice("I1", "1000.00", 120), memo("M1", "500.00", 130, "I1"), paid("J1", "1000.00", 120, 160)],
        200,
        {"dbt_90d": 35_000 / 1500},
    ),
    (
        "an open dispute leaves the clean figures",
        # at 50: 400 clean of I1 at 20 days, I2 1000 at 5: 13,000 / 1400
        [
            invoice("I1", "1000.00", 0),
            invoice("I2", "1000.00", 15),
            dispute("D1", "I1", "600.00", 40),
        ],
        50,
        {
            "past_due": "1400.00",
            "disputed": "600.00",
            "open_balance": "2000.00",
            "dbt_90d": 13_000 / 1400,
            "ageing": {
                "current": "0.00",
                "d1_30": "1400.00",
                "d31_60": "0.00",
                "d61_90": "0.00",
                "d91": "0.00",
            },
            "ageing_disputed": {
                "current": "0.00",
                "d1_30": "600.00",
                "d31_60": "0.00",
                "d61_90": "0.00",
                "d91": "0.00",
            },
        },
    ),
    (
        "a rejected dispute comes back at the original due date",
        # at 52: (1000 x 22 + 1000 x 7) / 2000 = 14.5
        [
            invoice("I1", "1000.00", 0),
            invoice("I2", "1000.00", 15),
            dispute("D1", "I1", "600.00", 40),
            resolved("D1", "I1", "rejected", 52),
        ],
        52,
        {"past_due": "2000.00", "disputed": "0.00", "dbt_90d": 14.5, "open_balance": "2000.00"},
    ),
    (
        "an upheld dispute moves no money by itself",
        [invoice("I1", "1000.00", 0), dispute("D1", "I1", "600.00", 40), resolved("D1", "I1", "upheld", 45)],
        50,
        {"open_balance": "1000.00"},
    ),
    (
        "an upheld dispute, credited",
        [
            invoice("I1", "1000.00", 0),
            dispute("D1", "I1", "600.00", 40),
            resolved("D1", "I1", "upheld", 45),
            memo("M1", "600.00", 46, "I1"),
        ],
        50,
        {"open_balance": "400.00", "past_due": "400.00", "disputed": "0.00", "dbt_90d": 20.0},
    ),
    (
        "a dispute before the due day leaves the current bucket",
        [invoice("I1", "1000.00", 0), dispute("D1", "I1", "600.00", 10)],
        20,
        {
            "past_due": "0.00",
            "disputed": "600.00",
            "ageing": {
                "current": "400.00",
                "d1_30": "0.00",
                "d31_60": "0.00",
                "d61_90": "0.00",
                "d91": "0.00",
            },
        },
    ),
    (
        "no more can be disputed than is open",
        # 1000 - 700 = 300 are left, all of it disputed
        [
            invoice("I1", "1000.00", 0),
            dispute("D1", "I1", "600.00", 40),
            payment("P1", "700.00", 45, {"I1": "700.00"}),
        ],
        50,
        {"open_balance": "300.00", "disputed": "300.00", "past_due": "0.00"},
    ),
    (
        "a reversal takes the observation back out and reopens at the original due date",
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "1000.00", 25, {"I1": "1000.00"}),
            reversal("P1", 35),
        ],
        40,
        {
            "open_balance": "1000.00",
            "past_due": "1000.00",
            "dtp_90d": None,
            "dtp_mean_90d": None,
            "paid_90d": "0.00",
            "dbt_90d": 10.0,
            "max_days_past_due": 10,
            "unapplied": "0.00",
        },
    ),
    (
        "a reversal of tomorrow has not happened",
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "1000.00", 25, {"I1": "1000.00"}),
            reversal("P1", 36, at=34),
        ],
        35,
        {"open_balance": "0.00", "dtp_90d": 25.0},
    ),
    (
        "a partial reversal takes the application of the last place, then the one before",
        # I1 500 at 25, I2 500 at 15. 600 back: I2 whole, 100 of I1: 400 x 25 alone
        [
            invoice("I1", "500.00", 0),
            invoice("I2", "500.00", 10, 35),
            payment("P1", "1000.00", 25, {"I1": "500.00", "I2": "500.00"}),
            reversal("P1", 27, "600.00"),
        ],
        33,
        # I1 100 past due by 3 days, I2 500 current
        {"open_balance": "600.00", "past_due": "100.00", "dtp_90d": 25.0, "unapplied": "0.00"},
    ),
    (
        "a partial reversal that leaves both: the weights follow",
        # 200 back from I2: (500 x 25 + 300 x 15) / 800 = 17,000 / 800 = 21.25
        [
            invoice("I1", "500.00", 0),
            invoice("I2", "500.00", 10, 35),
            payment("P1", "1000.00", 25, {"I1": "500.00", "I2": "500.00"}),
            reversal("P1", 27, "200.00"),
        ],
        33,
        {"open_balance": "200.00", "past_due": "0.00", "dtp_90d": 21.25},
    ),
    (
        "the last by time, not by place in the file",
        # the later application (to I1, day 28) goes back first
        [
            invoice("I1", "500.00", 0),
            invoice("I2", "500.00", 10, 35),
            payment("P1", "1000.00", 25, {"I2": "500.00"}),
            applied("P1", {"I1": "500.00"}, 28),
            reversal("P1", 29, "500.00"),
        ],
        33,
        {"open_balance": "500.00", "past_due": "500.00", "dtp_90d": 15.0},
    ),
    (
        "unapplied cash goes back first",
        # 1000 = 500 on I1 + 300 on I2 + 200 unapplied; 400 back: the 200, then 200 of I2
        [
            invoice("I1", "500.00", 0),
            invoice("I2", "500.00", 10),
            payment("P1", "1000.00", 25, {"I1": "500.00"}),
            applied("P1", {"I2": "300.00"}, 26),
            reversal("P1", 27, "400.00"),
        ],
        30,
        # I1 500 x 25, I2 100 x 15: 14,000 / 600
        {"open_balance": "400.00", "unapplied": "0.00", "dtp_90d": 14_000 / 600},
    ),
    (
        "a reversal smaller than what is unapplied",
        [
            invoice("I1", "500.00", 0),
            payment("P1", "1000.00", 25, {"I1": "500.00"}),
            reversal("P1", 27, "300.00"),
        ],
        30,
        {"open_balance": "0.00", "unapplied": "200.00", "dtp_90d": 25.0},
    ),
    (
        "two partial reversals of one payment add up",
        [
            invoice("I1", "500.00", 0),
            payment("P1", "500.00", 25, {"I1": "500.00"}),
            reversal("P1", 27, "100.00"),
            reversal("P1", 28, "150.00"),
        ],
        30,
        {"open_balance": "250.00", "unapplied": "0.00", "paid_90d": "250.00"},
    ),
    (
        "a void means never issued: its payment is no observation",
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "600.00", 20, {"I1": "600.00"}),
            voided("I1", 30),
        ],
        40,
        {
            "open_balance": "0.00",
            "unapplied": "600.00",
            "past_due": "0.00",
            "dtp_90d": None,
            "dbt_90d": None,
            "exposure": "0.00",
        },
    ),
    (
        "the baseline is (D-455, D-90] and takes three payment runs",
        # at 500: (45, 410]. 46 (20 days), 200 (30), 410 (40) in: 30. 45 and 411 out.
        # year (135, 500]: (30 + 40 + 99) / 3; 90 days (410, 500]: 99
        [
            paid("I1", "1000.00", 40, 45),
            paid("I2", "1000.00", 26, 46),
            paid("I3", "1000.00", 170, 200),
            paid("I4", "1000.00", 370, 410),
            paid("I5", "1000.00", 312, 411),
        ],
        500,
        {"dtp_baseline": 30.0, "dtp_365d": 169 / 3, "dtp_90d": 99.0, "payment_runs_365d": 3},
    ),
    (
        "two payment runs make no baseline, though of three payments",
        [
            paid("I2", "1000.00", 26, 46),
            paid("I3", "1000.00", 170, 200),
            paid("I4", "1000.00", 160, 200),
            paid("I5", "1000.00", 312, 411),
        ],
        500,
        {"dtp_baseline": None, "dtp_90d": 99.0},
    ),
    (
        "the baseline is weighted by amount",
        # (1000 x 20 + 1000 x 30 + 2000 x 45) / 4000 = 140,000 / 4000 = 35
        [
            paid("I2", "1000.00", 26, 46),
            paid("I3", "1000.00", 170, 200),
            paid("I4", "2000.00", 365, 410),
        ],
        500,
        {"dtp_baseline": 35.0, "dtp_90d": None},
    ),
    (
        "the baseline of days beyond terms: invoices due in the window, open ones at D - due",
        # due 45 and 411 out. due 46 paid 56: 10; due 300 paid 305: 5; due 410 paid 410: 0; due 400 open: 100.
        # 115 / 4 = 28.75
        [
            paid("I1", "1000.00", 15, 145, 45),
            paid("I2", "1000.00", 16, 56, 46),
            paid("I3", "1000.00", 270, 305, 300),
            paid("I4", "1000.00", 380, 410, 410),
            invoice("I5", "1000.00", 370, 400),
            paid("I6", "1000.00", 381, 481, 411),
        ],
        500,
        {"dbt_baseline": 28.75},
    ),
]


@pytest.mark.parametrize(("story", "events", "until", "wanted"), STORIES, ids=[one[0] for one in STORIES])
@pytest.mark.parametrize("daily", [True, False], ids=["a tick a day", "one tick"])
def test_figures(story: str, events: list[Any], until: int, wanted: dict[str, Any], daily: bool) -> None:
    flat: list[Event] = [e for item in events for e in (item if isinstance(item, list) else [item])]
    late = max(flat, key=lambda one: str(one["occurred_at"]))["occurred_at"]
    assert late[:10] <= tick(until)["as_of"], "a story ends with its last tick"
    expect(figures(flat, until=until, ticks=None if daily else [tick(until)]), wanted)

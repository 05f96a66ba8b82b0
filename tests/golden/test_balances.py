"""Balance, ageing, exposure, utilization, high credit, pay index, DSO: small stories, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.stories import (
    Event,
    account,
    expect,
    figures,
    instant,
    invoice,
    limit,
    memo,
    order,
    order_closed,
    payment,
    play,
    reversal,
    security,
    shipped_policy,
    steady,
    tick,
    voided,
    written_off,
)

Story = tuple[str, list[Any], int, dict[str, Any]]


def ages(current: str, d1: str, d31: str, d61: str, d91: str) -> dict[str, str]:
    return {"current": current, "d1_30": d1, "d31_60": d31, "d61_90": d61, "d91": d91}


EDGES = [  # amount, due; at day 100 the days past due are 100 - due
    ("1.00", 100),  # the due day: current
    ("2.00", 99),  # 1
    ("4.00", 70),  # 30
    ("8.00", 69),  # 31
    ("16.00", 40),  # 60
    ("32.00", 39),  # 61
    ("64.00", 10),  # 90
    ("128.00", 9),  # 91
    ("256.00", 101),  # tomorrow: current
]

STORIES: list[Story] = [
    (
        "ageing: the due day is current, then 1-30, 31-60, 61-90, 91+",
        # current 1 + 256; 2 + 4; 8 + 16; 32 + 64; 128. past due 254; 61+: 224; 91+: 128; over 10: 252
        [invoice(f"I{due}", amount, 0, due) for amount, due in EDGES],
        100,
        {
            "ageing": ages("257.00", "6.00", "24.00", "96.00", "128.00"),
            "past_due": "254.00",
            "past_due_over_10": "252.00",
            "past_due_61": "224.00",
            "past_due_91": "128.00",
            "max_days_past_due": 91,
            "open_balance": "511.00",
        },
    ),
    (
        "more than 10 days past due: the tenth does not count",
        [invoice("I1", "1.00", 0, 90), invoice("I2", "2.00", 0, 89)],
        100,
        {"past_due_over_10": "2.00", "past_due": "3.00"},
    ),
    (
        "a memo of an invoice",
        [invoice("I1", "1000.00", 0), memo("M1", "450.50", 5, "I1")],
        40,
        {"open_balance": "549.50", "past_due": "549.50", "exposure": "549.50"},
    ),
    (
        "a memo on account lowers the balance",
        [invoice("I1", "1000.00", 0), memo("M1", "200.00", 5)],
        10,
        {"open_balance": "800.00", "exposure": "800.00"},
    ),
    (
        "a memo on account that came before the invoice",
        [memo("M1", "200.00", 5), invoice("I1", "1000.00", 8)],
        10,
        {"open_balance": "800.00", "exposure": "800.00"},
    ),
    (
        "a write-off with an amount",
        [invoice("I1", "1000.00", 0), written_off("I1", 50, "300.00")],
        60,
        {"open_balance": "700.00", "past_due": "700.00"},
    ),
    (
        "a write-off without one takes what is left",
        [invoice("I1", "1000.00", 0), payment("P1", "400.00", 45, {"I1": "400.00"}), written_off("I1", 50)],
        60,
        {"open_balance": "0.00", "past_due": "0.00", "unapplied": "0.00", "dtp_90d": 45.0},
    ),
    (
        "and what is left follows the facts: a payment of before that came late",
        [
            invoice("I1", "1000.00", 0),
            written_off("I1", 50),
            payment("P1", "400.00", 45, {"I1": "400.00"}, at=58),
        ],
        60,
        {"open_balance": "0.00", "unapplied": "0.00", "dtp_90d": 45.0},
    ),
    (
        "and of after: a recovery is no overpayment, it lowers what was written off",
        # facts dated <= 60 leave 1000 - 400: the write-off takes 600
        [invoice("I1", "1000.00", 0), written_off("I1", 50), payment("P1", "400.00", 55, {"I1": "400.00"})],
        60,
        {"open_balance": "0.00", "unapplied": "0.00", "dtp_90d": 55.0},
    ),
    (
        "and a reversal after it",
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "400.00", 45, {"I1": "400.00"}),
            written_off("I1", 50),
            reversal("P1", 55),
        ],
        60,
        {"open_balance": "0.00", "unapplied": "0.00", "dtp_90d": None},
    ),
    (
        "a void before its invoice arrived",
        [voided("I1", 5), invoice("I1", "1000.00", 0, at=7), invoice("I2", "1.00", 0)],
        10,
        {"open_balance": "1.00"},
    ),
    (
        "an overpayment stays unapplied and lowers exposure, not the ageing",
        # 1200 - 1000 = 200 unapplied; exposure 500 - 200 = 300
        [
            invoice("I1", "1000.00", 0),
            invoice("I2", "500.00", 5),
            payment("P1", "1200.00", 20, {"I1": "1000.00"}),
        ],
        40,
        {
            "open_balance": "500.00",
            "unapplied": "200.00",
            "exposure": "300.00",
            "past_due": "500.00",
            "ageing": ages("0.00", "500.00", "0.00", "0.00", "0.00"),
        },
    ),
    (
        "an application over what is open leaves the rest unapplied",
        [invoice("I1", "1000.00", 0), payment("P1", "1200.00", 20, {"I1": "1200.00"})],
        40,
        {"open_balance": "0.00", "unapplied": "200.00", "dtp_90d": 20.0, "exposure": "0.00"},
    ),
    (
        "exposure: balance + orders - unapplied - security; a guarantee does not reduce it",
        # 1300 + 500 + (800 - 300) - 100 - (200 + 150 + 50) = 1800
        [
            invoice("I1", "1000.00", 0),
            order("O1", "500.00", 1),
            order("O2", "800.00", 1),
            invoice("I2", "300.00", 3, order_id="O2"),
            payment("P1", "100.00", 4),
            security("S1", "letter_of_credit", "200.00", 2, 60),
            security("S2", "deposit", "150.00", 2),
            security("S3", "insurance", "50.00", 2, 90),
            security("S4", "guarantee", "5000.00", 2, 90),
        ],
        10,
        {
            "open_balance": "1300.00",
            "open_orders": "1000.00",
            "unapplied": "100.00",
            "security": "400.00",
            "exposure": "1800.00",
        },
    ),
    (
        "an expired security does not count",
        [invoice("I1", "1000.00", 0), security("S1", "letter_of_credit", "200.00", 2, 19)],
        20,
        {"exposure": "1000.00", "security": "0.00"},
    ),
    (
        "one that expires tomorrow does",
        [invoice("I1", "1000.00", 0), security("S1", "letter_of_credit", "200.00", 2, 21)],
        20,
        {"exposure": "800.00"},
    ),
    (
        "exposure is at least 0",
        [invoice("I1", "1000.00", 0), security("S1", "deposit", "5000.00", 2)],
        20,
        {"exposure": "0.00", "open_balance": "1000.00"},
    ),
    (
        "an invoice closes its order, at most all of it",
        [order("O1", "800.00", 0), invoice("I1", "1000.00", 2, order_id="O1")],
        5,
        {"open_orders": "0.00", "exposure": "1000.00"},
    ),
    (
        "an invoice that came before its order",
        [invoice("I1", "300.00", 2, order_id="O1"), order("O1", "800.00", 3)],
        5,
        {"open_orders": "500.00", "exposure": "800.00"},
    ),
    (
        "an invoice told anew by who knows no order, as an import does",
        [
            order("O1", "800.00", 0),
            invoice("I1", "300.00", 2, order_id="O1"),
            invoice("I1", "300.00", 2, at=4, event_id="anew"),
        ],
        5,
        {"open_orders": "500.00", "exposure": "800.00"},
    ),
    (
        "and by who knew it, afterwards",
        [
            order("O1", "800.00", 0),
            invoice("I1", "300.00", 2, at=4, event_id="anew"),
            invoice("I1", "250.00", 2, order_id="O1"),
        ],
        5,
        {"open_orders": "500.00", "exposure": "800.00"},
    ),
    (
        "another order in its place",
        [
            order("O1", "800.00", 0),
            order("O2", "800.00", 0),
            invoice("I1", "300.00", 2, order_id="O1"),
            invoice("I1", "250.00", 2, order_id="O2", at=4, event_id="anew"),
        ],
        5,
        {"open_orders": "1350.00", "exposure": "1600.00"},
    ),
    (
        "a void invoice never closed its order",
        [order("O1", "800.00", 0), invoice("I1", "300.00", 2, order_id="O1"), voided("I1", 3)],
        5,
        {"open_orders": "800.00", "exposure": "800.00"},
    ),
    (
        "a closed order",
        [order("O1", "800.00", 0), order("O2", "700.00", 0), order_closed("O2", 2)],
        5,
        {"open_orders": "800.00", "exposure": "800.00", "open_balance": "0.00"},
    ),
    (
        "utilization",
        [limit("1000.00"), invoice("I1", "800.00", 0)],
        5,
        {"credit_limit": "1000.00", "utilization": 0.8, "rising": True},
    ),
    (
        "utilization counts the unapplied cash",
        # (800 - 300) / 1000
        [limit("1000.00"), invoice("I1", "800.00", 0), payment("P1", "300.00", 2)],
        5,
        {"utilization": 0.5},
    ),
    (
        "no limit: no utilization",
        [invoice("I1", "800.00", 0)],
        5,
        {"credit_limit": None, "utilization": None},
    ),
    (
        "a limit of 0: no utilization",
        [limit("0.00"), invoice("I1", "800.00", 0)],
        5,
        {"credit_limit": "0.00", "utilization": None},
    ),
    (
        "28 days before, or 0",
        # at 40, day 12 had 500 / 1000
        [limit("1000.00"), invoice("I1", "500.00", 12, 90), invoice("I2", "300.00", 20, 90)],
        40,
        {"utilization": 0.8, "utilization_28d_ago": 0.5, "rising": True},
    ),
    (
        "as high as 28 days before is not rising",
        [limit("1000.00"), invoice("I1", "500.00", 12, 90)],
        40,
        {"utilization": 0.5, "utilization_28d_ago": 0.5, "rising": False},
    ),
    (
        "high credit is the peak at a day's end: what came and went within a day is none",
        # day 10..19: 1700; day 50's 5000 was paid the same day
        [
            invoice("I1", "1000.00", 0),
            payment("P1", "1000.00", 20, {"I1": "1000.00"}),
            invoice("I2", "700.00", 10),
            payment("P2", "700.00", 20, {"I2": "700.00"}),
            invoice("I3", "5000.00", 50),
            payment("P3", "5000.00", 50, {"I3": "5000.00"}),
        ],
        100,
        {"high_credit": "1700.00"},
    ),
    (
        "the peak's last day in the window of 365 days",
        # at 383 the window is 19..383, and day 19 had 1700
        [
            invoice("I1", "1700.00", 0),
            payment("P1", "1700.00", 20, {"I1": "1700.00"}),
            invoice("I2", "300.00", 60),
        ],
        383,
        {"high_credit": "1700.00"},
    ),
    (
        "and out of it",
        [
            invoice("I1", "1700.00", 0),
            payment("P1", "1700.00", 20, {"I1": "1700.00"}),
            invoice("I2", "300.00", 60),
        ],
        384,
        {"high_credit": "300.00"},
    ),
    (
        "the peak depends on the facts' own days, not on when they came",
        # I1 was paid on 5, known on 30: never more than 1000 at a day's end
        [
            invoice("I1", "1000.00", 0),
            invoice("I2", "1000.00", 10),
            payment("P1", "1000.00", 5, {"I1": "1000.00"}, at=30),
        ],
        40,
        {"high_credit": "1000.00", "open_balance": "1000.00", "dtp_90d": 5.0},
    ),
    (
        "DSO, best possible, ADD and CEI",
        # Sales of (0, 90]: I1 1000 + I2 2000 - memo 500 + I3 500 = 3000; I0 is of day 0 (out), I4 void.
        # Open 1500 + 500 = 2000: DSO 2000 / 3000 x 90 = 60. Current 1500: 45. ADD 15.
        # CEI: begin AR (end of day 0) 700: (700 + 3000 - 2000) / (700 + 3000 - 1500) = 1700 / 2200
        [
            invoice("I0", "700.00", 0),
            payment("P0", "700.00", 5, {"I0": "700.00"}),
            invoice("I1", "1000.00", 10),
            payment("P1", "1000.00", 40, {"I1": "1000.00"}),
            invoice("I2", "2000.00", 50, 110),
            memo("M1", "500.00", 60, "I2"),
            invoice("I3", "500.00", 20, 50),
            invoice("I4", "9999.00", 30),
            voided("I4", 31),
        ],
        90,
        {
            "dso": 60.0,
            "dso_best_possible": 45.0,
            "average_days_delinquent": 15.0,
            "collection_effectiveness": 1700 / 2200 * 100,
        },
    ),
    (
        "no sales in 90 days: no DSO",
        [invoice("I1", "1000.00", 0)],
        95,
        {"dso": None, "open_balance": "1000.00"},
    ),
    (
        "monthly purchases: net, over the days since the first invoice",
        # 5 x 40,000 / 150 x 30 = 40,000
        [account(terms_days=30), *[invoice(f"I{n}", "40000.00", n) for n in (0, 30, 60, 90, 120)]],
        150,
        {"monthly_purchases": "40000.00"},
    ),
    (
        "monthly purchases: less memos and voids",
        # (5 x 40,000 - 20,000 - 30,000) / 150 x 30 = 30,000
        [
            *[invoice(f"I{n}", "40000.00", n) for n in (0, 30, 60, 90, 120)],
            memo("M1", "20000.00", 70, "I60"),
            invoice("I9", "7777.00", 80),
            voided("I9", 82),
            memo("M2", "30000.00", 130),
        ],
        150,
        {"monthly_purchases": "30000.00"},
    ),
    (
        "monthly purchases with 89 days of history are those expected",
        [
            account(expected_monthly_purchases="1234.00"),
            *[invoice(f"I{n}", "40000.00", n) for n in (0, 30, 60)],
        ],
        89,
        {"monthly_purchases": "1234.00"},
    ),
    (
        "and with 90 days the account's own",
        # 120,000 / 90 x 30
        [
            account(expected_monthly_purchases="1234.00"),
            *[invoice(f"I{n}", "40000.00", n) for n in (0, 30, 60)],
        ],
        90,
        {"monthly_purchases": "40000.00"},
    ),
    (
        "monthly purchases look back 365 days",
        # at 420: (55, 420]: 100 and 400: 73,000 / 365 x 30 = 6000
        [
            invoice("I1", "50000.00", 0),
            invoice("I2", "50000.00", 55),
            invoice("I3", "36500.00", 100),
            invoice("I4", "36500.00", 400),
        ],
        420,
        {"monthly_purchases": "6000.00"},
    ),
    (
        "yen have no decimals",
        [
            account(currency="JPY"),
            invoice("I1", "150000", 0, currency="JPY"),
            limit("200000", currency="JPY"),
        ],
        31,
        {"currency": "JPY", "open_balance": "150000", "past_due": "150000", "utilization": 0.75},
    ),
    (
        "dinars have three; fewer on the wire are padded",
        # 1.5 + 0.125 = 1.625
        [
            account(currency="KWD"),
            invoice("I1", "1.5", 0, currency="KWD"),
            invoice("I2", "0.125", 0, currency="KWD"),
        ],
        31,
        {"currency": "KWD", "open_balance": "1.625", "past_due": "1.625"},
    ),
    (
        "cents add up exactly",
        # 0.10 + 0.20 - 0.30
        [
            invoice("I1", "0.10", 0),
            invoice("I2", "0.2", 0),
            payment("P1", "0.30", 1, {"I1": "0.10", "I2": "0.20"}),
        ],
        5,
        {"open_balance": "0.00", "paid_30d": "0.30"},
    ),
    (
        "a sum that no float holds",
        # 90,071,992,547,409.93 + 0.01 (2^53 + 1 cents and one more)
        [invoice("I1", "90071992547409.93", 0), invoice("I2", "0.01", 0)],
        5,
        {"open_balance": "90071992547409.94"},
    ),
]


@pytest.mark.parametrize(("story", "events", "until", "wanted"), STORIES, ids=[one[0] for one in STORIES])
@pytest.mark.parametrize("daily", [True, False], ids=["a tick a day", "one tick"])
def test_figures(story: str, events: list[Event], until: int, wanted: dict[str, Any], daily: bool) -> None:
    assert max(str(one["occurred_at"]) for one in events)[:10] <= tick(until)["as_of"]
    expect(figures(events, until=until, ticks=None if daily else [tick(until)]), wanted)


@pytest.mark.parametrize(
    ("days_beyond", "index"),
    [
        (-30, 100.0),
        (-25, 95.0),
        (-20, 90.0),
        (-10, 85.0),  # half of the way from 90 to 80
        (0, 80.0),
        (3, 78.0),  # 80 - 10 x 3 / 15
        (15, 70.0),
        (22, 60.0),
        (30, 50.0),
        (45, 45.0),
        (60, 40.0),
        (90, 30.0),
        (120, 20.0),
        (135, 10.0),
        (150, 0.0),
        (200, 0.0),
    ],
)
def test_the_pay_index_of_one_invoice(days_beyond: int, index: float) -> None:
    due = 40
    story = [invoice("I1", "1000.00", 0, due)]
    if days_beyond <= 0:  # paid so early
        story.append(payment("P1", "1000.00", due + days_beyond, {"I1": "1000.00"}))
        until = due
    else:  # open for so long
        until = due + days_beyond
    expect(figures(story, until=until), {"pay_index": index})


def test_a_security_still_counts_on_the_day_before_its_last_and_not_on_the_day_after() -> None:
    story = [invoice("I1", "1000.00", 0), security("S1", "insurance", "400.00", 0, 10)]
    assert [figures(story, until=n)["exposure"] for n in (9, 11)] == ["600.00", "1000.00"]


def test_an_order_closed_in_part_keeps_the_rest() -> None:
    # 800 - 200 = 600, as a write-off with an amount takes that amount
    story = [order("O1", "800.00", 0), order_closed("O1", 2, "200.00")]
    expect(figures(story, until=5), {"open_orders": "600.00", "exposure": "600.00"})


def test_closed_invoices_are_reached_for_400_days_and_later_facts_are_counted_as_late() -> None:
    # paid and closed on day 40; a reversal on 439 reopens it, one on 442 is late: the balance stays
    story = [invoice("I1", "1000.00", 0), payment("P1", "1000.00", 40, {"I1": "1000.00"})]
    in_time = play(story, reversal("P1", 439), until=450)
    late = play(story, reversal("P1", 442), until=450)
    assert in_time.accounts["A"]["open_balance"] == "1000.00"
    assert in_time.records["late"] == 0
    assert late.records["late"] == 1
    assert late.accounts["A"]["open_balance"] == "0.00"


def test_a_repeat_long_after_closing_changes_nothing_and_is_not_late() -> None:
    story = [invoice("I1", "1000.00", 0), payment("P1", "1000.00", 40, {"I1": "1000.00"})]
    alone = play(story, until=400)
    repeated = play(story, [invoice("I1", "1000.00", 0, at=390, event_id="again")], until=400)
    assert repeated.accounts == alone.accounts
    assert repeated.records["late"] == 0


def test_a_day_ends_in_the_time_zone_of_the_policy() -> None:
    # 23:30 UTC of day 30 is 08:30 of day 31 in Tokyo: a memo (no date of its own) counts on that day
    tokyo = shipped_policy().replace('time_zone = "UTC"', 'time_zone = "Asia/Tokyo"')
    story = [invoice("I1", "1000.00", 0), memo("M1", "100.00", 30, "I1", at=instant(30)[:10] + "T23:30:00Z")]
    balances = [
        figures(story, until=n, policy=policy)["open_balance"]
        for policy, n in ((tokyo, 30), (tokyo, 31), (None, 30))
    ]
    assert balances == ["1000.00", "900.00", "900.00"]


def test_steady_payers_have_the_figures_of_their_habit() -> None:
    # every 14 days 1000, paid after 28: 28 everywhere
    expect(
        figures(steady("S", 0, 476, 14, 28), until=500),
        {"dtp_30d": 28.0, "dtp_90d": 28.0, "dtp_365d": 28.0, "dtp_baseline": 28.0, "dbt_baseline": -2.0},
    )

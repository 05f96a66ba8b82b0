"""When alerts open, escalate and clear, to the day: small stories, worked out by hand from the table of triggers."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from streams.backtest import Result
from tests.golden.stories import (
    Event,
    account,
    bureau,
    dispute,
    figures,
    filing,
    invoice,
    limit,
    memo,
    moves,
    news,
    offers,
    order,
    payment,
    play,
    resolved,
    reversal,
    security,
    statement,
    steady,
)


def one_open_at_a_time(result: Result) -> None:
    """Between two openings of a trigger there is a clearing; nothing moves while none is open."""
    is_open: dict[str, bool] = defaultdict(bool)
    for alert in result.alerts:
        key, status = alert["trigger"], alert["status"]
        assert is_open[key] == (status != "opened"), (key, status, alert["as_of"])
        is_open[key] = status != "cleared"


def told(*events: Event | list[Event], until: int, trigger: str) -> list[tuple[str, int, int]]:
    result = play(*events, until=until)
    one_open_at_a_time(result)
    return moves(result, trigger)


# payment_drift. Every 14 days an invoice over 1000, net 30; up to invoice 392 paid after 28 days (the last on day 420),
# from invoice 406 on after `days`.


def drifting(days: int, back_from: int = 10_000, terms: int = 30, usual: int = 28) -> list[Event]:
    return [
        *steady("S", 0, 392, 14, usual),
        *steady("L", 406, min(700, back_from - 1), 14, days, terms=terms),
        *steady("B", back_from, 800, 14, usual),
    ]


def test_28_to_45_days_fires_on_the_second_tick() -> None:
    # At 479 the 90 days (389, 479] hold 28, 28, 28 (392, 406, 420) and 45, 45, 45 (451, 465, 479): 36.5 >= 28 + 7 and
    # >= 33.6. Until 478 392 is joined by 378 (out from 468): 34.8 at most. dbt: due in (389, 479]: -2 -2 -2 15 15 15 and
    # 478 open at 1: 40 / 7 = 5.7 >= -2 + 5. 12 runs and more: CUSUM of (45 - 28 - 1.5) each > 12. True at 479 and 480.
    result = play(drifting(45), until=481)
    assert moves(result, "payment_drift") == [("opened", 480, 3)]
    (alert,) = [one for one in result.alerts if one["trigger"] == "payment_drift"]
    assert alert["evidence"]["metrics"]["dtp_90d"] == pytest.approx(36.5)
    assert alert["evidence"]["thresholds"]
    assert alert["evidence"]["event_ids"]


def test_34_days_never_fire() -> None:
    # 34 < 28 + 7
    assert told(drifting(34), until=600, trigger="payment_drift") == []


def test_35_days_fire_when_all_of_90_days_are_at_35() -> None:
    # the last 28 (day 420) leaves (D-90, D] at 510: dtp 35.0 >= 35; dbt at 510: (-2 + 5 x 5 + 4) / 7 = 3.9 >= 3. 511.
    assert told(drifting(35), until=515, trigger="payment_drift") == [("opened", 511, 3)]


def test_50_to_58_days_is_under_a_fifth_more() -> None:
    # 58 >= 50 + 7, but < 60 = 1.2 x 50
    assert told(drifting(58, usual=50), until=620, trigger="payment_drift") == []


def test_50_to_61_days_is_over_it() -> None:
    assert [one[0] for one in told(drifting(61, usual=50), until=560, trigger="payment_drift")][:1] == [
        "opened"
    ]


def test_longer_terms_are_no_drift() -> None:
    # 45 days on net 60: dbt -15 falls, dtp rises
    assert told(drifting(45, terms=60), until=520, trigger="payment_drift") == []


def test_one_catch_up_payment_is_no_drift() -> None:
    # Invoice 5000 of day 200, due 230, paid on 430: dtp_90d leaps (5000 x 230 and 6 x 28), but what is due in the last
    # 90 days, and open, is at -2 as ever: once paid it is neither.
    story = [
        *steady("S", 0, 476, 14, 28),
        invoice("OLD", "5000.00", 200),
        payment("POLD", "5000.00", 430, {"OLD": "5000.00"}),
    ]
    assert told(story, until=515, trigger="payment_drift") == []
    assert figures(story, until=440)["dtp_90d"] > 100


def test_it_escalates_at_one_and_a_half_times_the_distance_and_clears_at_the_frozen_baseline_plus_3() -> None:
    # Opened at 36.5: 5.5 over the clear level 31. 1.5 x 5.5 = 8.25: dtp >= 39.25. At 482 (392 gone)
    # (2 x 28 + 3 x 45) / 5 = 38.2; at 493 (2 x 28 + 4 x 45) / 6 = 39.33: escalated. Next at 31 + 12.5 = 43.5, never
    # reached (42.2 at most, at 510). Back to 28 from invoice 476 on: at 582 (2 x 45 + 6 x 28) / 8 = 32.25, at 583
    # (45 + 6 x 28) / 7 = 30.43 <= 31: cleared.
    result = play(drifting(45, back_from=476), until=600)
    one_open_at_a_time(result)
    assert moves(result, "payment_drift") == [("opened", 480, 3), ("escalated", 493, 3), ("cleared", 583, 3)]


def test_28_to_60_days_is_severe_and_supersedes() -> None:
    # At 468 (378 gone): (3 x 28 + 60) / 4 = 36; dbt (4 x -2 + 30 + 18 + 4) / 7 = 6.3: true at 468 and 469.
    # At 480 (3 x 28 + 2 x 60) / 5 = 40.8: 9.8 over 31 >= 1.5 x 5. At 482 (2 x 28 + 2 x 60) / 4 = 44 >= 28 + 15: 483.
    result = play(drifting(60), until=490)
    one_open_at_a_time(result)
    assert moves(result, "payment_drift") == [("opened", 469, 3), ("escalated", 480, 3), ("cleared", 483, 3)]
    assert moves(result, "payment_drift_severe") == [("opened", 483, 4)]


def test_who_pays_no_more_at_all_does_not_clear_his_drift() -> None:
    # the last payment (45 days) on 507; from 597 on there are no days to pay: null neither fires nor clears
    story = [*steady("S", 0, 392, 14, 28), *steady("L", 406, 462, 14, 45)]
    result = play(story, until=800)
    one_open_at_a_time(result)
    last = {t: moves(result, t)[-1][0] for t in ("payment_drift", "payment_drift_severe") if moves(result, t)}
    assert [status for status in last.values() if status != "cleared"]


def test_without_a_baseline_it_never_fires() -> None:
    # two runs only in (D-455, D-90]
    story = [
        invoice("I1", "1000.00", 0),
        payment("P1", "1000.00", 20, {"I1": "1000.00"}),
        invoice("I2", "1000.00", 20),
        payment("P2", "1000.00", 40, {"I2": "1000.00"}),
        *steady("L", 100, 170, 14, 60),
    ]
    assert told(story, until=250, trigger="payment_drift") == []


# seriously_past_due: due 30, so 61 days past due at 91.


@pytest.mark.parametrize(
    ("what", "more", "wanted"),
    [
        ("6000", [invoice("I1", "6000.00", 0)], [("opened", 92, 4)]),
        ("5000 is not over 5000", [invoice("I1", "5000.00", 0)], []),
        ("5000.01 is", [invoice("I1", "5000.01", 0)], [("opened", 92, 4)]),
        ("of two invoices", [invoice("I1", "3000.00", 0), invoice("I2", "3000.00", 2)], [("opened", 94, 4)]),
        (
            "unapplied cash is taken off",
            [invoice("I1", "6000.00", 0), payment("P1", "1000.00", 50)],
            [],
        ),
        (
            "a cent less of it",
            [invoice("I1", "6000.00", 0), payment("P1", "999.99", 50)],
            [("opened", 92, 4)],
        ),
        (
            "a dispute is taken off",
            [invoice("I1", "6000.00", 0), dispute("D1", "I1", "1500.00", 50)],
            [],
        ),
        (
            "a rejected dispute is back, at the original due date",
            [
                invoice("I1", "6000.00", 0),
                dispute("D1", "I1", "1500.00", 50),
                resolved("D1", "I1", "rejected", 95),
            ],
            [("opened", 96, 4)],
        ),
        (
            "one tick is not two",
            # paid on 92: true at 91 alone
            [invoice("I1", "6000.00", 0), payment("P1", "6000.00", 92, {"I1": "6000.00"})],
            [],
        ),
        (
            "part of it paid: still open; all of it: cleared",
            [
                invoice("I1", "6000.00", 0),
                payment("P1", "5900.00", 95, {"I1": "5900.00"}),
                payment("P2", "100.00", 98, {"I1": "100.00"}),
            ],
            [("opened", 92, 4), ("cleared", 98, 4)],
        ),
        (
            "cleared by a memo",
            [invoice("I1", "6000.00", 0), memo("M1", "6000.00", 96, "I1")],
            [("opened", 92, 4), ("cleared", 96, 4)],
        ),
        (
            "cleared by cash that is not yet applied",
            [invoice("I1", "6000.00", 0), payment("P1", "6000.00", 96)],
            [("opened", 92, 4), ("cleared", 96, 4)],
        ),
        (
            "half as much again escalates",
            # the distance is over 0: 6000, then 8999.99 (no), then 9000
            [
                invoice("I1", "6000.00", 0),
                invoice("I2", "2999.99", 4),
                invoice("I3", "0.01", 8),
            ],
            [("opened", 92, 4), ("escalated", 99, 4)],
        ),
    ],
)
def test_seriously_past_due(what: str, more: list[Event], wanted: list[tuple[str, int, int]]) -> None:
    assert told(more, until=110, trigger="seriously_past_due") == wanted


# utilization_high and over_limit: limit 10,000


@pytest.mark.parametrize(
    ("what", "more", "wanted"),
    [
        ("80 %", [invoice("I1", "8000.00", 10, 400)], [("opened", 11, 2)]),
        ("a cent under", [invoice("I1", "7999.99", 10, 400)], []),
        (
            "rising is against 28 days before",
            # 85 % at 10 alone, 75 % else; from 38 on 85 % again: 38 equals day 10, 39 and 40 are over days 11 and 12
            [
                invoice("I0", "7500.00", 5, 400),
                invoice("I1", "1000.00", 10, 400),
                payment("P1", "1000.00", 11, {"I1": "1000.00"}),
                invoice("I2", "1000.00", 38, 400),
            ],
            [("opened", 40, 2)],
        ),
        (
            "70 % does not clear, a cent less does",
            [
                invoice("I1", "8000.00", 10, 400),
                payment("P1", "1000.00", 20, {"I1": "1000.00"}),
                payment("P2", "0.01", 25, {"I1": "0.01"}),
            ],
            [("opened", 11, 2), ("cleared", 25, 2)],
        ),
        (
            "not rising any more does not clear it",
            [invoice("I1", "8000.00", 10, 400)],
            [("opened", 11, 2)],
        ),
        (
            "14 days of cooldown",
            # cleared at 20; over 80 % from 25 on, rising; open again once 14 days are over
            [
                invoice("I1", "8000.00", 10, 400),
                payment("P1", "8000.00", 20, {"I1": "8000.00"}),
                invoice("I2", "8000.00", 25, 400),
            ],
            [("opened", 11, 2), ("cleared", 20, 2), ("opened", 34, 2)],
        ),
        (
            "a lower limit",
            [invoice("I1", "7000.00", 5, 400), limit("8000.00", 20)],
            [("opened", 21, 2)],
        ),
        (
            "orders count",
            [order("O1", "8500.00", 10)],
            [("opened", 11, 2)],
        ),
    ],
)
def test_utilization_high(what: str, more: list[Event], wanted: list[tuple[str, int, int]]) -> None:
    assert told(account(), limit("10000.00"), more, until=60, trigger="utilization_high") == wanted


@pytest.mark.parametrize(
    ("what", "more", "wanted"),
    [
        ("100 % is not over", [invoice("I1", "10000.00", 10)], []),
        ("a cent over, at once", [invoice("I1", "10000.01", 10)], [("opened", 10, 4)]),
        (
            "95 % does not clear, a cent less does",
            [
                invoice("I1", "11000.00", 10),
                payment("P1", "1500.00", 20, {"I1": "1500.00"}),
                payment("P2", "0.01", 25, {"I1": "0.01"}),
            ],
            [("opened", 10, 4), ("cleared", 25, 4)],
        ),
        ("an order", [invoice("I1", "9000.00", 8), order("O1", "1500.00", 10)], [("opened", 10, 4)]),
        ("a lower limit", [invoice("I1", "9000.00", 8), limit("8999.99", 10)], [("opened", 10, 4)]),
        (
            "a higher limit clears",
            # 11,000 / 12,000 = 91.7 %
            [invoice("I1", "11000.00", 8), limit("12000.00", 10)],
            [("opened", 8, 4), ("cleared", 10, 4)],
        ),
        (
            "an expired security, found by the tick",
            # insured to day 20: 11,000 - 2,000; from day 21 on 11,000
            [security("S1", "insurance", "2000.00", 2, 20), invoice("I1", "11000.00", 8)],
            [("opened", 21, 4)],
        ),
        (
            "half as much again escalates",
            # opened at 110 %: 0.15 over 95 %; 117 %: 0.22; 118 %: 0.23 >= 0.225
            [invoice("I1", "11000.00", 8), invoice("I2", "700.00", 10), invoice("I3", "100.00", 12)],
            [("opened", 8, 4), ("escalated", 12, 4)],
        ),
        (
            "7 days of cooldown",
            [
                invoice("I1", "11000.00", 8),
                payment("P1", "11000.00", 20, {"I1": "11000.00"}),
                invoice("I2", "11000.00", 22),
            ],
            [("opened", 8, 4), ("cleared", 20, 4), ("opened", 27, 4)],
        ),
        (
            "after the cooldown, at once",
            [
                invoice("I1", "11000.00", 8),
                payment("P1", "11000.00", 20, {"I1": "11000.00"}),
                invoice("I2", "11000.00", 40),
            ],
            [("opened", 8, 4), ("cleared", 20, 4), ("opened", 40, 4)],
        ),
        (
            "what a payment undoes on the same day was over all the same",
            [invoice("I1", "11000.00", 8), payment("P1", "11000.00", 8, {"I1": "11000.00"}, at=8.2)],
            [("opened", 8, 4), ("cleared", 8, 4)],
        ),
    ],
)
def test_over_limit(what: str, more: list[Event], wanted: list[tuple[str, int, int]]) -> None:
    assert told(account(), limit("10000.00"), more, until=60, trigger="over_limit") == wanted


def test_no_limit_is_not_over_limit() -> None:
    result = play(invoice("I1", "11000.00", 0), limit("0.00", 5), until=20)
    assert moves(result, "over_limit") == []
    assert moves(result, "utilization_high") == []


def test_a_limit_of_0_clears_neither() -> None:
    # utilization is null then, and a null never clears
    result = play(limit("100.00"), invoice("I1", "110.00", 5), limit("0.00", 9), until=20)
    assert moves(result, "over_limit") == [("opened", 5, 4)]
    assert moves(result, "utilization_high") == [("opened", 6, 2)]


# bureau_downgrade


def inverted(on: int, score: float, agency: str = "risky", **more: Any) -> Event:
    """A scale of 0 to 200 on which less is better: normalised (200 - score) / 2."""
    return bureau(agency, on, score, (0, 200), higher_is_better=False, **more)


@pytest.mark.parametrize(
    ("what", "events", "wanted"),
    [
        ("80 to 70: ten points", [inverted(0, 40), inverted(10, 60)], [("opened", 10, 3)]),
        ("80 to 70.5", [inverted(0, 40), inverted(10, 59)], []),
        ("a better score", [inverted(0, 60), inverted(10, 20)], []),
        (
            "in small steps: against the best",
            [inverted(n * 5, 40 + n * 5) for n in range(5)],
            [("opened", 20, 3)],
        ),
        ("each agency by itself", [inverted(0, 40), inverted(10, 80, "other")], []),
        (
            "within 5 of the best clears",
            # 80 -> 65; 74.5 is not within 5, 75 is
            [inverted(0, 40), inverted(10, 70), inverted(20, 51), inverted(30, 50)],
            [("opened", 10, 3), ("cleared", 30, 3)],
        ),
        (
            "a class lower",
            [bureau("creditsafe", 0, rating_class="A"), bureau("creditsafe", 10, rating_class="B")],
            [("opened", 10, 3)],
        ),
        (
            "a class higher",
            [bureau("creditsafe", 0, rating_class="C"), bureau("creditsafe", 10, rating_class="B")],
            [],
        ),
        (
            "an unknown class is not compared",
            [bureau("creditsafe", 0, rating_class="A"), bureau("creditsafe", 10, rating_class="Q")],
            [],
        ),
        (
            "classes of an unknown agency are not compared",
            [bureau("nobody", 0, rating_class="A"), bureau("nobody", 10, rating_class="B")],
            [],
        ),
        (
            "the best of 365 days: one of 366 days before is forgotten",
            [inverted(0, 40), inverted(200, 56), inverted(366, 60)],
            [],
        ),
        (
            "one of 364 days before is not; a day later the best is 72, and 70 is within 5 of it",
            [inverted(0, 40), inverted(200, 56), inverted(364, 60)],
            [("opened", 364, 3), ("cleared", 365, 3)],
        ),
        (
            "a report that came late is not the newest",
            [inverted(20, 40), inverted(10, 80, at=30)],
            [],
        ),
        (
            "a report without a score clears nothing, nor does another agency's",
            [
                inverted(0, 40),
                inverted(10, 70),
                bureau("risky", 20, recommended_limit="900.00", currency="USD"),
                inverted(21, 40, "other"),
            ],
            [("opened", 10, 3)],
        ),
        (
            "nor a class that the policy does not know",
            [
                bureau("creditsafe", 0, 80, rating_class="A"),
                bureau("creditsafe", 10, 80, rating_class="B"),
                bureau("creditsafe", 20, 80, rating_class="Q"),
            ],
            [("opened", 10, 3)],
        ),
        (
            "a fall from a class that was told alone",
            [
                bureau("creditsafe", 0, rating_class="A"),
                bureau("creditsafe", 10, 80),
                bureau("creditsafe", 20, rating_class="B"),
            ],
            [("opened", 20, 3)],
        ),
    ],
)
def test_bureau_downgrade(what: str, events: list[Event], wanted: list[tuple[str, int, int]]) -> None:
    until = 370 if any("200" in one["event_id"] for one in events) else 40
    assert told(account(), events, until=until, trigger="bureau_downgrade") == wanted


def test_an_agencys_cut_is_not_cleared_by_a_report_that_states_no_limit() -> None:
    def limited(agency: str, on: int, amount: str) -> Event:
        return bureau(agency, on, recommended_limit=amount, currency="USD")

    cut = [limited("risky", 0, "1000.00"), limited("other", 1, "500.00"), limited("risky", 10, "700.00")]
    for silent in ([], [bureau("risky", 20, 60)], [bureau("risky", 20, 60), limited("other", 21, "500.00")]):
        events = [*cut, *silent]
        assert told(account(), events, until=30, trigger="agency_limit_cut") == [("opened", 10, 3)]
    restored = [*cut, bureau("risky", 20, 60), limited("risky", 25, "1000.00")]
    assert told(account(), restored, until=30, trigger="agency_limit_cut") == [
        ("opened", 10, 3),
        ("cleared", 25, 3),
    ]


# adverse_news: trust of an unknown domain 0.5


@pytest.mark.parametrize(
    ("what", "events", "wanted"),
    [
        ("fraud 4 x 0.5 = 2", [news("N1", 10, "fraud")], [("opened", 10, 2)]),
        ("payment default 5 x 0.5 = 2.5: 3", [news("N1", 10, "payment_default")], [("opened", 10, 3)]),
        ("layoffs 3 x 0.5 = 1.5: 2", [news("N1", 10, "layoffs")], [("opened", 10, 2)]),
        (
            "rumour 1 x 0.5 = 0.5: 1; under 0.5 the next day: cleared",
            [news("N1", 10, "rumour")],
            [("opened", 10, 1), ("cleared", 11, 1)],
        ),
        ("rumour x 0.9: 0.45", [news("N1", 10, "rumour", confidence=0.9)], []),
        ("fraud x 0.6: 1.2", [news("N1", 10, "fraud", confidence=0.6)], [("opened", 10, 1)]),
        (
            "trust by domain: fraud 4 x 0.7 = 2.8: 3",
            [news("N1", 10, "fraud", "prnewswire.com")],
            [("opened", 10, 3)],
        ),
        (
            "bankruptcy 5 x 0.95 = 4.75, one newspaper: 3",
            [news("N1", 10, "bankruptcy", "reuters.com")],
            [("opened", 10, 3)],
        ),
        (
            "bankruptcy 4.75 in two papers: 5",
            [news("N1", 10, "bankruptcy", "reuters.com"), news("N2", 11, "bankruptcy", "ft.com")],
            [("opened", 10, 3), ("escalated", 11, 5)],
        ),
        (
            "two stories of one paper are one domain",
            [news("N1", 10, "bankruptcy", "reuters.com"), news("N2", 11, "bankruptcy", "reuters.com")],
            [("opened", 10, 3)],
        ),
        (
            "syndicated copies are one story: equal headlines",
            [
                news("N1", 10, "bankruptcy", "reuters.com", headline="Customer files for bankruptcy"),
                news("N2", 11, "bankruptcy", "ft.com", headline="Customer files for bankruptcy"),
            ],
            [("opened", 10, 3)],
        ),
        (
            "a registry needs no second: 5 x 1.0",
            [news("N1", 10, "bankruptcy", "thegazette.co.uk", source_kind="registry")],
            [("opened", 10, 5)],
        ),
        (
            "a court: 4 x 1.0",
            [news("N1", 10, "fraud", "courtlistener.com", source_kind="court")],
            [("opened", 10, 4)],
        ),
        ("unknown never fires", [news("N1", 10, "unknown", "reuters.com")], []),
        ("litigation of an unknown claim 2 x 0.5 = 1", [news("N1", 10, "litigation")], [("opened", 10, 1)]),
        (
            # 1.5 x 2^(-age / 120) < 0.5 from age 120 x log2(3) = 190.2: day 201
            "layoffs fade",
            [news("N1", 10, "layoffs")],
            [("opened", 10, 2), ("cleared", 201, 2)],
        ),
        (
            # 2.5 x 2^(-60 / 60)... cyber 3 x 0.5 = 1.5, known 61 days late: 1.5 x 2^(-61/60) = 0.74: 1
            "what is known late has faded already",
            [news("N1", 71, "cyber", published_at="2025-01-11T12:00:00Z")],
            [("opened", 71, 1)],
        ),
    ],
)
def test_adverse_news(what: str, events: list[Event], wanted: list[tuple[str, int, int]]) -> None:
    until = max([day for _, day, _ in wanted], default=20)
    got = told(account(), events, until=until, trigger="adverse_news")
    assert got == wanted


@pytest.mark.parametrize(
    ("claim", "severity"), [("99999.99", 2), ("100000.00", 3), ("249999.99", 3), ("250000.00", 4)]
)
def test_a_litigation_weighs_by_its_claim_against_equity(claim: str, severity: int) -> None:
    # equity 1,000,000: from 10 % 3, from 25 % 4; a court's own word 1.0
    court = news(
        "N1", 10, "litigation", "courtlistener.com", source_kind="court", claim=claim, currency="USD"
    )
    assert moves(play(account(), statement(0), court, until=12), "adverse_news") == [("opened", 10, severity)]


def test_without_a_category_the_headline_tells() -> None:
    told_by = news("N1", 10, "", headline="Customer Ltd files for bankruptcy protection")
    del told_by["category"]
    # 5 x 0.5 = 2.5: 3
    assert moves(play(account(), told_by, until=12), "adverse_news") == [("opened", 10, 3)]


def test_bankruptcy_news_does_not_fade() -> None:
    story = [account(), news("N1", 10, "bankruptcy", "thegazette.co.uk", source_kind="registry")]
    assert told(story, until=900, trigger="adverse_news") == [("opened", 10, 5)]


# insolvency


@pytest.mark.parametrize(
    ("what", "events", "wanted"),
    [
        ("at once", [filing("F1", "insolvency", 10)], [("opened", 10, 5)]),
        (
            "an article of a registry that is as likely about this account as not",
            [news("N1", 10, "insolvency", "thegazette.co.uk", source_kind="registry", confidence=0.5)],
            [("opened", 10, 5)],
        ),
        (
            "one that is rather about somebody else is news alone",
            [news("N1", 10, "insolvency", "thegazette.co.uk", source_kind="registry", confidence=0.49)],
            [],
        ),
        ("a solvent liquidation is none", [filing("F1", "solvent_liquidation", 10)], []),
        ("a suit is none", [filing("F1", "suit", 10)], []),
        (
            "discharged",
            [filing("F1", "insolvency", 10), filing("F1", "insolvency", 10, "discharged", at=50)],
            [("opened", 10, 5), ("cleared", 50, 5)],
        ),
        (
            "no cooldown",
            [
                filing("F1", "insolvency", 10),
                filing("F1", "insolvency", 10, "discharged", at=20),
                filing("F2", "insolvency", 21),
            ],
            [("opened", 10, 5), ("cleared", 20, 5), ("opened", 21, 5)],
        ),
        (
            "filed long ago, known now",
            [filing("F1", "insolvency", 10, at=30)],
            [("opened", 30, 5)],
        ),
    ],
)
def test_insolvency(what: str, events: list[Event], wanted: list[tuple[str, int, int]]) -> None:
    assert told(account(), limit("10000.00"), events, until=60, trigger="insolvency") == wanted


def test_insolvency_proposes_to_hold_at_once_and_leaves_the_limit() -> None:
    result = play(account(), limit("10000.00"), filing("F1", "insolvency", 10), until=11)
    holds = [one for one in result.proposals if one["direction"] == "hold"]
    assert offers(result) == [("hold", 10, "10000.00", "proposed")]
    assert holds[0]["binding"] == "insolvency"
    assert holds[0]["current_limit"] == "10000.00"
    assert result.accounts["A"]["credit_limit"] == "10000.00"
    assert result.accounts["A"]["tier"] == "high"


def test_a_solvent_liquidation_holds_nothing() -> None:
    result = play(account(), limit("10000.00"), filing("F1", "solvent_liquidation", 10), until=20)
    assert result.alerts == []
    assert "hold" not in [one["direction"] for one in result.proposals]


STORIES_WITH_EVIDENCE: dict[str, list[Event]] = {
    "seriously_past_due": [invoice("I1", "6000.00", 0)],
    "utilization_high": [limit("10000.00"), invoice("I1", "8000.00", 2)],
    "over_limit": [limit("10000.00"), invoice("I1", "11000.00", 2)],
    "bureau_downgrade": [inverted(0, 40), inverted(10, 60)],
    "adverse_news": [news("N1", 10, "fraud")],
    "insolvency": [filing("F1", "insolvency", 10)],
}
CAUSES = {
    "seriously_past_due": "invoice I1",
    "utilization_high": "invoice I1",
    "over_limit": "invoice I1",
    "bureau_downgrade": "bureau risky 10",
    "adverse_news": "news N1",
    "insolvency": "filing F1 filed",
}


@pytest.mark.parametrize("trigger", STORIES_WITH_EVIDENCE)
def test_an_alert_shows_its_figures_its_thresholds_and_the_events_behind_them(trigger: str) -> None:
    result = play(account(), STORIES_WITH_EVIDENCE[trigger], until=95)
    alert = next(one for one in result.alerts if one["trigger"] == trigger)
    assert alert["evidence"]["metrics"]
    if trigger != "insolvency":
        assert alert["evidence"]["thresholds"]
    assert CAUSES[trigger] in alert["evidence"]["event_ids"]
    assert alert["title"]
    assert alert["action"]
    assert alert["status"] == "opened"
    assert alert["account_name"] == "A"


def test_both_numbers_of_a_downgrade_are_in_its_evidence() -> None:
    result = play(account(), [inverted(0, 40), inverted(10, 60)], until=12)
    (alert,) = [one for one in result.alerts if one["trigger"] == "bureau_downgrade"]
    metrics = list(alert["evidence"]["metrics"].values())
    assert 70.0 in metrics
    assert 80.0 in metrics


def test_two_accounts_do_not_mix() -> None:
    story = [
        account("A"),
        account("B"),
        {**limit("10000.00"), "account_id": "B", "event_id": "limit of B"},
        limit("20000.00"),
        invoice("I1", "11000.00", 5),
        invoice("I1", "12000.00", 6, account_id="B", event_id="another"),
    ]
    result = play(story, until=10)
    assert moves(result, "over_limit", "B") == [("opened", 6, 4)]
    assert moves(result, "over_limit", "A") == []
    assert result.accounts["A"]["open_balance"] == "11000.00"
    assert result.accounts["B"]["open_balance"] == "12000.00"


def test_the_same_file_twice_gives_the_same_ids() -> None:
    story = [account(), limit("10000.00"), invoice("I1", "11000.00", 2), filing("F1", "insolvency", 5)]
    first, second = play(story, until=9), play(story, until=9)
    assert (first.alerts, first.proposals) == (second.alerts, second.proposals)
    assert first.alerts


@pytest.mark.parametrize("then", ["is paid", "stays unpaid"])
def test_a_surprise_ends_when_it_is_paid_and_not_when_the_customer_does_worse(then: str) -> None:
    # Eleven paid, OPEN due on day 250: p = 0.5 / 12 from day 260 on. One of the eleven comes back: p = 1.5 / 12.
    story = [
        account(),
        *steady("S", 0, 200, 20, 28),
        invoice("OPEN", "1000.00", 220, 250),
        reversal("PS0", 270),
    ]
    paid = [payment("P", "2000.00", 280, {"OPEN": "1000.00", "S0": "1000.00"})] if then == "is paid" else []
    told = moves(play(story, paid, until=300), "overdue_surprise")
    assert told[0] == ("opened", 261, 3)
    assert [(what, on) for what, on, _ in told if what == "cleared"] == ([("cleared", 280)] if paid else [])


def test_what_is_late_for_a_customer_is_told_though_a_newer_invoice_surprises_more() -> None:
    # LATE is 10 days past due on day 80: p = 0.5 / 11. NEWER, of forty one day 45, is 5: p = 1.5 / 51, too early to judge.
    bulk = {f"N{n}": "100.00" for n in range(39)}
    story = [
        account(),
        *steady("S", 0, 9, 1, 20),
        invoice("LATE", "1000.00", 40, 70),
        *(invoice(name, "100.00", 45, 75) for name in [*bulk, "NEWER"]),
        payment("P", "3900.00", 60, bulk),
    ]
    result = play(story, until=83)
    assert moves(result, "overdue_surprise") == [("opened", 81, 3)]
    (alert,) = [one for one in result.alerts if one["trigger"] == "overdue_surprise"]
    assert alert["evidence"]["metrics"]["overdue_surprise"] == 0.0455
    assert alert["evidence"]["event_ids"] == ["invoice LATE"]

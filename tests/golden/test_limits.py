"""Limit proposals: need, grade, binding terms, approvers, what earns a raise, what forces a cut, and how they end."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from agents.records import Output
from streams.backtest import Result
from tests.golden.stories import (
    Event,
    account,
    approved,
    bureau,
    dispute,
    filing,
    invoice,
    limit,
    moves,
    offers,
    payment,
    play,
    promise,
    reference,
    rejected,
    run_lines,
    shipped_policy,
    statement,
    tick,
)


def customer(purchases: str = "40000.00", terms: int | None = 30, opened: int = 0, **more: Any) -> Event:
    return account(opened=opened, at=0, terms_days=terms, expected_monthly_purchases=purchases, **more)


def first_offer(
    *events: Event | list[Event], ticks: list[Event] | None = None, until: int = 0
) -> dict[str, Any]:
    return play(*events, until=until, ticks=ticks).proposals[0]


def binding(offer: dict[str, Any]) -> str:
    return str(offer["binding"])


def terms(offer: dict[str, Any]) -> dict[str, str | None]:
    return dict(offer["terms"])


# Score with a bureau score x and nothing else: (20 x + 5 x 100) / 25 = 0.8 x + 20, for events are 100 without a fact.


def test_40000_a_month_on_net_30_needs_80000() -> None:
    # x = 90: score 92, an A that the missing categories cap at B: x 1.0
    offer = first_offer(customer(), bureau("dnb", 0, 90))
    assert (offer["direction"], offer["status"]) == ("open", "proposed")
    assert (offer["proposed_limit"], offer["current_limit"], offer["currency"]) == ("80000.00", None, "USD")
    assert (offer["score"], offer["grade"]) == (pytest.approx(92), "B")
    assert binding(offer) == "need"
    assert terms(offer)["need"] == "80000.00"
    assert offer["approver"] == "manager"
    assert offer["reasons"]


@pytest.mark.parametrize(
    ("terms", "proposed"),
    [  # 40,000 x (ceil(terms / 30) + 1)
        (0, "40000.00"),
        (1, "80000.00"),
        (14, "80000.00"),
        (30, "80000.00"),
        (31, "120000.00"),
        (45, "120000.00"),
        (60, "120000.00"),
        (61, "160000.00"),
        (90, "160000.00"),
        (None, "80000.00"),  # default_terms_days = 30
    ],
)
def test_need_is_the_billing_cycles_in_flight(terms: int | None, proposed: str) -> None:
    assert first_offer(customer(terms=terms), bureau("dnb", 0, 90))["proposed_limit"] == proposed


@pytest.mark.parametrize(
    ("x", "grade", "proposed"),
    [
        (100, "B", "80000.00"),  # 100, capped
        (75, "B", "80000.00"),  # 80.0: an A, capped
        (57, "B", "80000.00"),  # 65.6
        (56, "C", "48000.00"),  # 64.8: 0.6 x 80,000
        (38, "C", "48000.00"),  # 50.4
        (37, "D", "20000.00"),  # 49.6: 0.25 x 80,000
        (19, "D", "20000.00"),  # 35.2
        (18, "E", "0.00"),  # 34.4: prepay
    ],
)
def test_grades_and_their_multipliers(x: int, grade: str, proposed: str) -> None:
    offer = first_offer(customer(), bureau("dnb", 0, x))
    assert (offer["grade"], offer["proposed_limit"]) == (grade, proposed)
    assert offer["score"] == pytest.approx(0.8 * x + 20)


def test_without_any_substance_the_grade_is_d() -> None:
    # events alone: 100, but none of own payments, financials, bureau and references
    offer = first_offer(customer())
    assert (offer["grade"], offer["proposed_limit"]) == ("D", "20000.00")


def test_references_score_by_their_median_and_bind_by_their_median() -> None:
    # DBT 0, 6, 30: 6: (30 - 6) / 30 = 80; (10 x 80 + 5 x 100) / 15 = 86.67: B. Median high credit 60,000 < 80,000
    given = [
        reference("R1", "30000.00", 0, 0),
        reference("R2", "60000.00", 0, 6),
        reference("R3", "100000.00", 0, 30),
    ]
    offer = first_offer(customer(), given)
    assert offer["categories"]["references"] == pytest.approx(80)
    assert offer["score"] == pytest.approx(1300 / 15, abs=0.01)
    assert (offer["proposed_limit"], binding(offer)) == ("60000.00", "references")


def test_terms_are_named_as_in_the_committed_example() -> None:
    example = json.loads((Path(__file__).parents[2] / "schemas/examples/limit-proposal.json").read_text())
    given = bureau("dnb", 0, 90, recommended_limit="35000.00", currency="USD")
    offer = first_offer(customer(), given, statement(0, 0.5), reference("R1", "60000.00", 0, 6))
    assert set(offer["terms"]) == set(example["terms"])


def test_a_tenth_of_net_worth_binds() -> None:
    # half of the sound statement: tangible net worth 450,000: 45,000. Ratios: 1.8, 1.4, 1.11, 4, 0.4 all 100;
    # margin 2 % of 3 %: 66.67; mean 94.44. (25 x 94.44 + 20 x 90 + 5 x 100) / 50 = 93.22
    offer = first_offer(customer(), bureau("dnb", 0, 90), statement(0, 0.5))
    assert offer["categories"]["financials"] == pytest.approx(566.6667 / 6, abs=0.01)
    assert offer["score"] == pytest.approx(93.22, abs=0.01)
    assert (offer["proposed_limit"], binding(offer)) == ("45000.00", "net_worth")
    assert terms(offer)["need"] == "80000.00"


def test_a_statement_that_does_not_balance_is_unusable() -> None:
    # A = 2,000,000 but L + E = 1,900,000: no financials, no term
    offer = first_offer(customer(), bureau("dnb", 0, 90), statement(0, 0.5, equity=900_000))
    assert offer["categories"]["financials"] is None
    assert offer["score"] == pytest.approx(92)
    assert (offer["proposed_limit"], binding(offer)) == ("80000.00", "need")


def test_the_agencys_limit_binds() -> None:
    given = bureau("dnb", 0, 90, recommended_limit="35000.00", currency="USD")
    offer = first_offer(customer(), given)
    assert (offer["proposed_limit"], binding(offer)) == ("35000.00", "agency")


def test_the_newest_agency() -> None:
    given = [
        bureau("dnb", 0, 90, recommended_limit="35000.00", currency="USD", at=0.2),
        bureau("creditsafe", -5, 90, recommended_limit="20000.00", currency="USD", at=0.1),
    ]
    assert first_offer(customer(), given)["proposed_limit"] == "35000.00"


def test_the_newest_limit_stands_while_later_reports_state_none_and_outranks_by_its_own_day() -> None:
    older = bureau("dnb", -9, 90, recommended_limit="35000.00", currency="USD", at=0.1)
    silent = bureau("dnb", 0, 90, at=0.2)
    offer = first_offer(customer(), older, silent)
    assert (offer["proposed_limit"], binding(offer)) == ("35000.00", "agency")
    newer = bureau("creditsafe", -5, 90, recommended_limit="20000.00", currency="USD", at=0.1)
    assert first_offer(customer(), older, silent, newer)["proposed_limit"] == "20000.00"


def test_numbers_of_the_policy_are_taken_as_they_are_written() -> None:
    # in binary 0.29 of 200,000 cents is 57,999 and 0.7 of 90,000 is 62,999
    policy = shipped_policy().replace("multiplier = 0.6 }", "multiplier = 0.29 }")
    policy = policy.replace(
        '["1", "2", "3", "4"]\nlimit_multiplier = 1.0', '["1", "2", "3", "4"]\nlimit_multiplier = 0.7'
    )
    offer = play(customer("1000.00"), bureau("dnb", 0, 50), until=0, policy=policy).proposals[0]
    assert (offer["grade"], offer["proposed_limit"]) == ("C", "580.00")
    given = bureau("dnb", 0, 90, recommended_limit="900.00", currency="USD")
    assert play(customer(), given, until=0, policy=policy).proposals[0]["proposed_limit"] == "630.00"


def test_the_bureau_category_is_the_mean_of_the_agencies_newest() -> None:
    # dnb 20 then 100; creditsafe 60: (100 + 60) / 2 = 80: 0.8 x 80 + 20 = 84
    given = [bureau("dnb", -9, 20, at=0), bureau("dnb", -1, 100, at=0), bureau("creditsafe", -1, 60, at=0)]
    offer = first_offer(customer(), given)
    assert offer["categories"]["bureau"] == pytest.approx(80)


def test_a_report_of_366_days_ago_does_not_score() -> None:
    assert first_offer(customer(), bureau("dnb", -366, 90, at=0))["grade"] == "D"


@pytest.mark.parametrize(
    ("purchases", "proposed"),
    [
        ("41234.00", "82000.00"),  # 82,468
        ("49999.99", "99000.00"),  # 99,999.98
        ("50000.00", "100000.00"),
        ("52000.00", "100000.00"),  # 104,000
        ("1234.56", "2400.00"),  # 2,469.12
        ("61.00", "120.00"),  # 122
        ("0.50", "1.00"),
    ],
)
def test_rounded_down_to_two_significant_digits(purchases: str, proposed: str) -> None:
    assert first_offer(customer(purchases), bureau("dnb", 0, 90))["proposed_limit"] == proposed


@pytest.mark.parametrize(
    ("purchases", "x", "proposed", "approver"),
    [
        ("12500.00", 90, "25000.00", "auto"),  # low tier, open, 25,000
        ("12600.00", 90, "25000.00", "auto"),  # 25,200 rounded down
        ("13000.00", 90, "26000.00", "manager"),
        ("20000.00", 50, "24000.00", "analyst"),  # grade C: medium tier
        ("50000.00", 90, "100000.00", "manager"),
        ("55000.00", 90, "110000.00", "controller"),
    ],
)
def test_who_approves(purchases: str, x: int, proposed: str, approver: str) -> None:
    result = play(customer(purchases), bureau("dnb", 0, x), until=0)
    (offer,) = result.proposals
    assert (offer["proposed_limit"], offer["approver"]) == (proposed, approver)
    assert offer["status"] == ("approved" if approver == "auto" else "proposed")
    assert (
        result.accounts["A"]["credit_limit"] is None
    )  # a proposal changes nothing by itself, not even an auto one


@pytest.mark.parametrize(
    ("rates", "approver"), [({"EUR": "1.10"}, "manager"), ({"EUR": "1.00"}, "auto"), ({}, "controller")]
)
def test_the_bands_are_in_base_currency(rates: dict[str, str], approver: str) -> None:
    # EUR 24,000 = USD 26,400
    story = [customer("12000.00", currency="EUR"), bureau("dnb", 0, 90)]
    offer = first_offer(story, ticks=[tick(0, **rates)])
    assert (offer["proposed_limit"], offer["currency"], offer["approver"]) == ("24000.00", "EUR", approver)


def test_yen() -> None:
    # 8,246,912: 8,200,000
    offer = first_offer(customer("4123456", currency="JPY"), bureau("dnb", 0, 90))
    assert (offer["proposed_limit"], offer["currency"]) == ("8200000", "JPY")


@pytest.mark.parametrize(
    ("days_ago", "tenure"), [(1900, 100.0), (913, 50.0), (366, 20.0), (300, None)]
)  # 5 years and more; 913 / 365.25 = 2.5 of 5; one year of five; missing
def test_tenure(days_ago: int, tenure: float | None) -> None:
    offer = first_offer(customer(opened=-days_ago), bureau("dnb", 0, 90))
    got = offer["categories"]["tenure"]
    assert got is None if tenure is None else got == pytest.approx(tenure, abs=0.2)


def whole(purchases: str) -> list[Event]:
    """All six categories. Own payments 100 (three invoices paid on the day), financials 94.44, bureau 90, references 80,
    tenure 100, events 100: (3000 + 2361.1 + 1800 + 800 + 1000 + 500) / 100 = 94.61."""
    story = [
        customer(purchases, opened=-1900),
        bureau("dnb", 0, 90),
        statement(0, 2),
        reference("R1", "500000.00", 0, 6),
    ]
    for n in (1, 5, 9):
        story += [invoice(f"I{n}", "1000.00", n), payment(f"P{n}", "1000.00", n + 30, {f"I{n}": "1000.00"})]
    return story


def test_an_a_takes_all_six_categories() -> None:
    # 80,000 x 1.25 = 100,000, under a tenth of 1,800,000 and the reference's 500,000
    offer = first_offer(whole("40000.00"), ticks=[tick(41)])
    assert offer["score"] == pytest.approx(94.61, abs=0.01)
    assert offer["categories"]["own_payments"] == pytest.approx(100)
    assert (offer["grade"], offer["proposed_limit"]) == ("A", "100000.00")


def test_own_payments_take_three_runs() -> None:
    # with the third payment of day 39 still to come
    offer = first_offer(whole("40000.00"), ticks=[tick(38)])
    assert offer["categories"]["own_payments"] is None
    assert offer["grade"] == "B"


def test_own_payments_go_from_pay_index_40_to_80() -> None:
    # three invoices paid 15 days late: pay index 70: (70 - 40) / 40 = 75
    story = [
        customer(),
        *[
            one
            for n in (1, 5, 9)
            for one in (
                invoice(f"I{n}", "1000.00", n),
                payment(f"P{n}", "1000.00", n + 45, {f"I{n}": "1000.00"}),
            )
        ],
    ]
    offer = first_offer(story, ticks=[tick(60)])
    assert offer["categories"]["own_payments"] == pytest.approx(75)


def test_events_lose_25_points_by_severity() -> None:
    # a downgrade of ten points is a fact of severity 3: 25. (20 x 70 + 5 x 25) / 25 = 61: C
    offer = first_offer(customer(), bureau("dnb", -3, 80, at=0), bureau("dnb", 0, 70, at=0.1))
    assert offer["categories"]["events"] == pytest.approx(25)
    assert offer["score"] == pytest.approx(61)


# raise: 40,000 every 30 days, paid on the due day (before the next invoice): 80 % of a limit of 50,000.
# The first due date is day 30, so 182 days ago on day 212. Grade: own payments 100, bureau 90, events 100:
# 5300 / 55 = 96, capped at B. Purchases at 212: 8 x 40,000 / 212 x 30 = 45,283: need 90,566; at most 1.5 x
# 50,000 = 75,000.


def earning(*more: Event, credit_limit: str = "50000.00", fresh: int | None = 200) -> list[Event]:
    story = [customer(), limit(credit_limit), bureau("dnb", 0, 90), *more]
    if fresh is not None:
        story.append(bureau("dnb", fresh, 90))
    for n in range(0, 361, 30):
        story += [
            invoice(f"I{n}", "40000.00", n),
            payment(f"P{n}", "40000.00", n + 30, {f"I{n}": "40000.00"}, at=n + 29.75),
        ]
    return story


def raises(result: Result) -> list[tuple[str, int, str, str]]:
    return [one for one in offers(result) if one[0] == "raise"]


def test_a_raise_that_is_earned() -> None:
    result = play(earning(), until=213)
    assert offers(result) == [("raise", 212, "75000.00", "proposed")]
    (offer,) = result.proposals
    assert (offer["current_limit"], offer["grade"], offer["approver"]) == ("50000.00", "B", "manager")
    assert result.accounts["A"]["credit_limit"] == "50000.00"


@pytest.mark.parametrize(
    ("what", "story", "earned"),
    [
        (
            "an invoice 5 days late",
            earning(invoice("X", "1000.00", 120), payment("PX", "1000.00", 155, {"X": "1000.00"})),
            True,
        ),
        (
            "an invoice 6 days late",
            earning(invoice("X", "1000.00", 120), payment("PX", "1000.00", 156, {"X": "1000.00"})),
            False,
        ),
        ("an open one 6 days over at 212", earning(invoice("X", "1000.00", 176)), False),
        (
            "an open one wholly disputed",
            earning(invoice("X", "1000.00", 176), dispute("D1", "X", "1000.00", 180)),
            True,
        ),
        ("a peak utilization of 67 %", earning(credit_limit="60000.00"), False),
        ("a peak utilization of exactly 70 %", earning(credit_limit="57142.85"), True),  # 70.00001 %
        ("a bureau report of 212 days ago", earning(fresh=None), False),
        (
            # promised for Saturday, day 115; two business days later is Tuesday, day 118; paid on 120
            "a broken promise",
            earning(promise("V1", "5000.00", 105, 115)),
            False,
        ),
        ("a promise kept", earning(promise("V1", "5000.00", 105, 119)), True),
    ],
)
def test_what_earns_a_raise(what: str, story: list[Event], earned: bool) -> None:
    assert bool(raises(play(story, until=214))) == earned


def test_an_undecided_proposal_escalates_once_then_expires_and_the_next_waits_30_days() -> None:
    # 212 + 14 = 226, + 14 = 240; the next not inside 30 days: 242
    result = play(earning(), until=243)
    assert offers(result) == [
        ("raise", 212, "75000.00", "proposed"),
        ("raise", 226, "75000.00", "escalated"),
        ("raise", 240, "75000.00", "expired"),
        ("raise", 242, "75000.00", "proposed"),
    ]
    assert [one["approver"] for one in result.proposals] == ["manager", "controller", "controller", "manager"]
    ids = [one["proposal_id"] for one in result.proposals]
    assert ids[0] == ids[1] == ids[2] != ids[3]


def the_raise() -> str:
    return str(play(earning(), until=212).proposals[0]["proposal_id"])


@pytest.mark.parametrize("role", ["manager", "controller"])
def test_a_fitting_role_sets_the_limit(role: str) -> None:
    result = play(earning(approved(the_raise(), 214, role, "75000.00")), until=215)
    assert offers(result)[-1] == ("raise", 214, "75000.00", "approved")
    assert result.proposals[-1]["effective_limit"] == "75000.00"
    assert result.proposals[-1]["decided_by"] == "p.person"
    assert result.accounts["A"]["credit_limit"] == "75000.00"
    # 40,000 / 75,000
    assert result.accounts["A"]["utilization"] == pytest.approx(40 / 75, abs=1e-5)


def test_too_low_a_role_is_a_dead_letter() -> None:
    result = play(earning(approved(the_raise(), 214, "analyst", "75000.00")), until=215, refused=1)
    assert "role" in result.dead_letters[0]["reason"]
    assert result.accounts["A"]["credit_limit"] == "50000.00"
    assert [one[3] for one in offers(result)] == ["proposed"]


def test_after_its_escalation_a_manager_is_too_low() -> None:
    result = play(earning(approved(the_raise(), 230, "manager", "75000.00")), until=231, refused=1)
    assert result.accounts["A"]["credit_limit"] == "50000.00"


def test_approved_with_another_limit() -> None:
    result = play(earning(approved(the_raise(), 214, "manager", "60000.00")), until=215)
    assert result.accounts["A"]["credit_limit"] == "60000.00"
    assert result.proposals[-1]["effective_limit"] == "60000.00"


def test_a_later_limit_of_the_seller_wins_over_an_approval_and_an_earlier_one_does_not() -> None:
    yes = approved(the_raise(), 214, "manager", "75000.00")
    assert play(earning(yes, limit("65000.00", 216)), until=217).accounts["A"]["credit_limit"] == "65000.00"
    late = limit("65000.00", 213)
    told = sorted([*earning(yes), *[tick(n) for n in range(218)]], key=lambda one: one["occurred_at"])
    assert run_lines([*told, late, tick(400)]).accounts["A"]["credit_limit"] == "75000.00"


def test_beside_a_later_limit_of_the_seller_an_approval_tells_the_limit_that_stands() -> None:
    # approved at noon of day 214, and told after the limit that the seller set in the evening
    yes = approved(the_raise(), 214, "manager", "75000.00")
    told = sorted(
        [*earning(limit("65000.00", 214, at=214.3)), *[tick(n) for n in range(214)]],
        key=lambda one: one["occurred_at"],
    )
    evening = next(n for n, one in enumerate(told) if one["occurred_at"] > "2025-08-03T20")
    result = run_lines([*told[:evening], yes, tick(215)])
    assert (offers(result)[-1][3], result.proposals[-1]["effective_limit"]) == ("approved", "65000.00")
    assert result.accounts["A"]["credit_limit"] == "65000.00"


def test_an_approval_in_a_currency_without_a_rate_counts_from_the_tick_that_brings_one() -> None:
    story: list[Event] = [customer(), bureau("dnb", 0, 90)]
    offer = play(*story, until=0).proposals[0]
    yes = approved(offer["proposal_id"], 1, "controller", "30000.00") | {"currency": "GBP"}
    days = [tick(0), tick(1), tick(2, GBP="1.30")]
    waiting = play(*story, yes, until=0, ticks=days[:2])
    assert (waiting.proposals[-1]["status"], waiting.proposals[-1]["effective_limit"]) == ("approved", None)
    assert (waiting.accounts["A"]["credit_limit"], waiting.accounts["A"]["unvalued"]) == (None, 1)
    valued = play(*story, yes, until=0, ticks=days)
    assert (valued.accounts["A"]["credit_limit"], valued.accounts["A"]["unvalued"]) == ("39000.00", 0)


def test_a_limit_that_no_rate_converts_is_not_a_missing_one() -> None:
    story = [customer(), bureau("dnb", 0, 90), invoice("I1", "500.00", 0), limit("9000.00", 0, "GBP")]
    result = play(*story, until=5)
    assert (result.proposals, moves(result, "exposure_without_limit")) == ([], [])
    assert (result.accounts["A"]["credit_limit"], result.accounts["A"]["unvalued"]) == (None, 1)
    assert offers(play(*story, limit("0.00", 1), until=5)) == [("open", 1, "80000.00", "proposed")]


def test_what_waits_is_not_withdrawn_because_a_rate_moved_the_limit() -> None:
    # 100,000 euros; grade D cuts to a quarter of 80,000
    story = [customer(), bureau("dnb", 0, 19), limit("100000.00", 0, "EUR")]
    days = [tick(n, EUR=f"1.{10 + n % 3}") for n in range(15)]
    result = play(*story, until=0, ticks=days)
    assert offers(result) == [("cut", 0, "20000.00", "proposed"), ("cut", 14, "20000.00", "escalated")]
    result = play(*story, limit("90000.00", 2, "EUR"), until=0, ticks=days)
    assert offers(result)[:2] == [("cut", 0, "20000.00", "proposed"), ("cut", 2, "20000.00", "superseded")]


def test_rejected_and_not_asked_again_inside_30_days() -> None:
    result = play(earning(rejected(the_raise(), 214, "manager")), until=241)
    assert offers(result) == [("raise", 212, "75000.00", "proposed"), ("raise", 214, "75000.00", "rejected")]


# cut


@pytest.mark.parametrize(
    ("what", "story", "wanted"),
    [
        ("grade D", [limit("80000.00"), bureau("dnb", 0, 19)], [("cut", 0, "20000.00", "proposed")]),
        ("grade E", [limit("80000.00"), bureau("dnb", 0, 18)], [("cut", 0, "0.00", "proposed")]),
        ("need alone never cuts", [limit("200000.00"), bureau("dnb", 0, 90)], []),
        ("grade C is no reason", [limit("200000.00"), bureau("dnb", 0, 50)], []),
        ("a change of 9.1 % is too small", [limit("22000.00"), bureau("dnb", 0, 19)], []),
        (
            "a change of 11 % is not",
            [limit("22500.00"), bureau("dnb", 0, 19)],
            [("cut", 0, "20000.00", "proposed")],
        ),
        (
            # 106 %: over_limit, severity 4; grade B all the same (0.8 x 90 + 0 and more): need 80,000
            "an open severity 4",
            [limit("100000.00"), bureau("dnb", 0, 90), invoice("I1", "106000.00", 3)],
            [("cut", 3, "80000.00", "proposed")],
        ),
        ("a limit under the proposed is not cut", [limit("15000.00"), bureau("dnb", 0, 19)], []),
    ],
)
def test_cuts(what: str, story: list[Event], wanted: list[tuple[str, int, str, str]]) -> None:
    assert offers(play(customer(), story, until=5)) == wanted


def test_a_year_of_tenure_is_no_reason_to_cut_a_customer_of_whom_nothing_else_is_known() -> None:
    # (10 x 20 + 5 x 100) / 15 = 46.7 where it was 100, capped at D, the day before
    story = [
        account(),
        limit("20000.00"),
        invoice("I", "1000.00", 0),
        payment("P", "1000.00", 30, {"I": "1000.00"}),
    ]
    result = play(story, until=370)
    assert (result.accounts["A"]["score"], result.accounts["A"]["grade"]) == (46.84, "D")
    assert offers(result) == []


def test_a_cut_below_the_open_balance_says_freeze_and_run_off() -> None:
    story = [customer(), limit("80000.00"), bureau("dnb", 0, 19), invoice("I1", "30000.00", 0)]
    offer = first_offer(story)
    assert offer["proposed_limit"] == "20000.00"
    assert "freeze" in str(offer).lower()
    under = first_offer(customer(), limit("80000.00"), bureau("dnb", 0, 19), invoice("I1", "10000.00", 0))
    assert "freeze" not in str(under).lower()


def test_a_cut_comes_on_the_day_on_which_the_purchases_have_fallen_far_enough() -> None:
    # 12,000 on day 0 and nothing since. Grade D: 12,000 / D x 30 x 2 x 0.25 = 180,000 / D. On day 94 that is 1,914: 1,900,
    # 9.5 % under 2,100; on day 95 1,894: 1,800. Nothing but time has moved
    story = [account(opened=0), bureau("dnb", 0, 19), limit("2100.00", 40)]
    story += [invoice("I1", "12000.00", 0), payment("P1", "12000.00", 10, {"I1": "12000.00"})]
    assert offers(play(*story, until=98)) == [("cut", 95, "1800.00", "proposed")]


def test_a_cut_comes_on_the_day_on_which_a_rate_asks_for_it() -> None:
    story = [customer(terms=30), bureau("dnb", 0, 19, recommended_limit="20000.00", currency="EUR")]
    story.append(limit("20000.00"))
    days = [tick(n, EUR="1.00" if n < 20 else "0.85") for n in range(25)]
    assert offers(play(*story, until=0, ticks=days)) == [("cut", 20, "17000.00", "proposed")]


def test_the_numbers_of_a_tier_hold_from_the_tick_after_the_one_that_made_it() -> None:
    # A suit on day 5 makes the tier high with the event, and its numbers count from day 6 on: 80,000 is 4.8 % under 84,000
    story = [customer(), limit("84000.00"), bureau("dnb", 0, 90), filing("F1", "suit", 5)]
    high = "\n[overrides.tier.high.limits]\nhysteresis_change = 0.02\n"
    assert offers(play(*story, until=9, policy=shipped_policy() + high)) == [
        ("cut", 6, "80000.00", "proposed")
    ]


def test_hysteresis_of_30_days_between_cuts() -> None:
    # grade D from day 0, E from day 10: the cut to 0 waits until the first has been 30 days ago
    story = [customer(), limit("80000.00"), bureau("dnb", 0, 19), bureau("dnb", 10, 18)]
    new = [one for one in offers(play(story, until=31)) if one[3] == "proposed"]
    assert new == [("cut", 0, "20000.00", "proposed"), ("cut", 30, "0.00", "proposed")]


def test_a_hold_does_not_wait() -> None:
    story = [customer(), limit("80000.00"), bureau("dnb", 0, 19), filing("F1", "insolvency", 10)]
    result = play(story, until=11)
    assert ("hold", 10, "80000.00", "proposed") in offers(result)
    assert [one["binding"] for one in result.proposals if one["direction"] == "hold"] == ["insolvency"]


# tier and status


def last_status(*events: Event | list[Event], until: int, **options: Any) -> dict[str, Any]:
    seen: list[dict[str, Any]] = []

    def each(output: Output) -> None:
        if output.topic == "account-status":
            seen.append(output.body)

    play(*events, until=until, each=each, **options)
    return seen[-1]


@pytest.mark.parametrize(
    ("what", "story", "tier", "status"),
    [
        ("B and nothing", [bureau("dnb", 0, 90)], "low", "good"),
        ("C", [bureau("dnb", 0, 50)], "medium", "good"),
        ("D", [bureau("dnb", 0, 19)], "high", "watch"),
        ("E", [bureau("dnb", 0, 18)], "high", "prepay"),
        ("a severity 2", [bureau("dnb", 0, 90), invoice("I1", "85000.00", 2)], "low", "good"),
        ("a severity 3", [bureau("dnb", 0, 100), bureau("dnb", 2, 85)], "medium", "watch"),
        ("over the limit", [bureau("dnb", 0, 90), invoice("I1", "110000.00", 2)], "high", "hold"),
        ("insolvent", [bureau("dnb", 0, 90), filing("F1", "insolvency", 2)], "high", "hold"),
    ],
)
def test_tier_and_status(what: str, story: list[Event], tier: str, status: str) -> None:
    got = last_status(customer(), limit("100000.00"), story, until=5)
    assert (got["tier"], got["status"]) == (tier, status)
    assert dt.date.fromisoformat(got["as_of"])


def statuses(*events: Event | list[Event], until: int) -> list[tuple[str, str, str]]:
    """(occurred_at, status, tier) of every account-status, in order of emission."""
    seen: list[tuple[str, str, str]] = []

    def note(output: Output) -> None:
        if output.topic == "account-status":
            seen.append((output.at[:13], output.body["status"], output.body["tier"]))

    play(*events, until=until, each=note)
    return seen


def test_orders_are_held_and_released_with_the_event_though_the_alert_stays_open() -> None:
    # 101 % opens over_limit; 98 % is under the limit and does not clear it; 100.5 % is over again
    story = [
        bureau("dnb", 0, 90, at=0),
        invoice("I1", "1010.00", 4),
        payment("P1", "30.00", 7, {"I1": "30.00"}),
        invoice("I2", "25.00", 10),
    ]
    told = statuses(customer(), limit("1000.00"), story, until=12)
    assert ("2025-01-05T12", "hold", "high") in told
    assert [one[1:] for one in told if one[0] == "2025-01-08T12"] == [("watch", "low")]
    assert [one[1:] for one in told if one[0] == "2025-01-11T12"] == [("hold", "high")]


def test_an_approval_below_the_exposure_is_over_the_limit_at_once() -> None:
    story: list[Event] = [customer("1000.00"), bureau("dnb", 0, 50), invoice("I1", "9000.00", 1)]
    offer = play(*story, until=3).proposals[0]
    decision = approved(offer["proposal_id"], 4, "controller", "5000.00")
    told: list[Output] = []
    result = play(*story, decision, until=4, each=told.append)
    assert ("opened", 4, 4) in [
        (one["status"], (dt.date.fromisoformat(one["as_of"]) - dt.date(2025, 1, 1)).days, one["severity"])
        for one in result.alerts
        if one["trigger"] == "over_limit" and one["opened_at"] == decision["occurred_at"]
    ]
    beside = [one.body for one in told if one.at == decision["occurred_at"] and one.topic == "snapshots"]
    assert [(one["credit_limit"], one["tier"]) for one in beside] == [("5000.00", "high")]


def test_a_limit_that_was_told_ahead_is_told_with_the_first_event_of_its_day() -> None:
    told: list[Output] = []
    ahead = limit("2000.00", 2, at=1.9)  # it reaches us on day 1
    story = [customer(), bureau("dnb", 0, 90), limit("1000.00"), tick(0), ahead, tick(1)]
    run_lines([*story, invoice("I1", "10.00", 2), tick(2)], each=told.append)
    statuses = [one for one in told if one.topic == "account-status"]
    assert next(one.at for one in statuses if one.body["credit_limit"] == "2000.00") == "2025-01-03T12:00:00Z"


def test_headroom() -> None:
    got = last_status(
        customer(), limit("100000.00"), bureau("dnb", 0, 90), invoice("I1", "30000.00", 2), until=5
    )
    assert (got["credit_limit"], got["headroom"]) == ("100000.00", "70000.00")


def test_no_headroom_is_told_while_part_of_what_is_owed_waits_for_a_rate() -> None:
    """Orders are released by it: 30,000 dollars and 9,000,000 yen are owed."""
    story = [customer(), limit("100000.00"), bureau("dnb", 0, 90), invoice("I1", "30000.00", 2)]
    yen = invoice("I2", "9000000", 3, currency="JPY")
    got = last_status(story, yen, until=5)
    assert (got["credit_limit"], got["headroom"]) == ("100000.00", None)
    ticks = [tick(day, JPY="0.01") for day in range(6)]
    assert last_status(story, yen, until=5, ticks=ticks)["headroom"] == "-20000.00"

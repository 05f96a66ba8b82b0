"""The scoring matrix and the terms of a limit, by worked examples: each category, each cap, each binding term."""

from __future__ import annotations

from typing import Any

import pytest

from agents import limits
from agents.facts import NEVER
from agents.limits import Scoring
from agents.rates import Rates
from agents.view import View
from agents.watch import OpenAlert
from schemas.money import minor
from tests.rules import (
    TODAY,
    article,
    event,
    figures,
    filing,
    ledger_of,
    report,
    statement,
    view,
)

PROMPT: dict[str, Any] = {"pay_index": 80.0, "payment_runs": 12, "payment_runs_365d": 12}


def reference(
    number: int, high_credit: str = "100000", dbt: float | None = 0.0, currency: str = "USD"
) -> Any:
    fields: dict[str, Any] = {} if dbt is None else {"dbt": dbt}
    return event(
        "reference.given", reference_id=f"R{number}", high_credit=high_credit, currency=currency, **fields
    )


def known(*facts: Any, years: float = 5.1, limit: int | None = None, **more: Any) -> View:
    """An account of that tenure; amounts in minor units of USD."""
    opened = TODAY - int(years * 365.25)
    ledger = ledger_of(
        limit=limit, opened_on=opened, exposure=more.get("exposure", 0), terms_days=more.pop("terms", 30)
    )
    return view(figures(credit_limit=limit, **more), facts, ledger=ledger)


FULL = (report(10, 90.0), statement(), reference(1))


def test_all_six_categories_make_the_score() -> None:
    scoring = limits.score(
        known(
            report(10, 70.0), statement(), reference(1, dbt=15.0), years=2.5, **{**PROMPT, "pay_index": 60.0}
        )
    )
    assert scoring.categories["own_payments"] == 50.0
    assert scoring.categories["financials"] == 100.0
    assert scoring.categories["bureau"] == 70.0
    assert scoring.categories["references"] == 50.0
    assert scoring.categories["tenure"] == pytest.approx(50.0, abs=0.1)
    assert scoring.categories["events"] == 100.0
    # 0.30 x 50 + 0.25 x 100 + 0.20 x 70 + 0.10 x 50 + 0.10 x 50 + 0.05 x 100
    assert scoring.score == pytest.approx(69.0, abs=0.02)
    assert scoring.grade == "B"
    assert scoring.missing == []
    assert scoring.caps == []


@pytest.mark.parametrize(
    ("index", "points"), [(30.0, 0.0), (40.0, 0.0), (60.0, 50.0), (80.0, 100.0), (95.0, 100.0)]
)
def test_own_payments_run_from_pay_index_40_to_80(index: float, points: float) -> None:
    assert limits.score(known(**{**PROMPT, "pay_index": index})).categories["own_payments"] == points


def test_own_payments_take_three_runs() -> None:
    assert limits.score(known(**{**PROMPT, "payment_runs_365d": 2})).categories["own_payments"] is None
    assert limits.score(known(**{**PROMPT, "payment_runs_365d": 3})).categories["own_payments"] == 100.0


@pytest.mark.parametrize(
    ("years", "points"), [(0.99, None), (1.01, 20.2), (2.5, 50.0), (5.0, 100.0), (9.0, 100.0)]
)
def test_tenure_is_missing_for_a_year_and_full_after_five(years: float, points: float | None) -> None:
    found = limits.score(known(years=years)).categories["tenure"]
    assert found is None if points is None else found == pytest.approx(points, abs=0.2)


def test_an_account_is_no_younger_than_its_first_invoice() -> None:
    """A ledger that begins later than one imported before says that its customers were opened later, too."""
    bought = {"first_invoice_on": TODAY - int(2.5 * 365.25)}
    assert limits.score(known(years=0.5, **bought)).categories["tenure"] == pytest.approx(50.0, abs=0.1)
    assert limits.score(known(years=4.0, **bought)).categories["tenure"] == pytest.approx(80.0, abs=0.1)


def test_events_lose_25_points_a_severity() -> None:
    assert limits.score(known(article(0, "layoffs", "sec.gov"))).categories["events"] == 25.0
    assert limits.score(known(filing("insolvency"))).categories["events"] == 0.0


def test_references_are_scored_by_the_median_days_beyond_terms() -> None:
    scoring = limits.score(
        known(reference(1, dbt=0.0), reference(2, dbt=15.0), reference(3, dbt=90.0), reference(4, dbt=None))
    )
    assert scoring.categories["references"] == 50.0


RATIOS: dict[str, tuple[dict[str, Any], float]] = {
    "current_ratio": ({"current_assets": "375000.00", "inventory": None}, 50.0),  # 1.25
    "quick_ratio": ({"inventory": "345000.00"}, 50.0),  # 0.85
    "liabilities_to_net_worth": ({"intangibles": "466666.67"}, 50.0),  # TL/TNW 3
    "interest_cover": ({"ebit": "45000.00"}, 50.0),  # 2.25
    "cash_flow_to_current_liabilities": ({"operating_cash_flow": "60000.00"}, 50.0),  # 0.2
    "net_margin": ({"net_income": "30000.00"}, 50.0),  # 1.5 %
}


@pytest.mark.parametrize("name", RATIOS)
def test_each_ratio_is_linear_between_bad_and_good(name: str) -> None:
    changed, points = RATIOS[name]
    others = 4 if name == "current_ratio" else 5
    found = limits.score(known(statement(**changed))).categories["financials"]
    assert found == pytest.approx((others * 100.0 + points) / (others + 1), abs=0.01)


def test_no_tangible_net_worth_scores_nothing_for_leverage() -> None:
    found = limits.score(known(statement(intangibles="600000.00"))).categories["financials"]
    assert found == pytest.approx(500 / 6)


def test_a_statement_that_fails_its_checks_is_missing_not_zero() -> None:
    scoring = limits.score(known(statement(equity="1.00"), **PROMPT))
    assert scoring.categories["financials"] is None
    assert "financials" in scoring.missing


def test_a_missing_category_is_reweighted_named_and_caps_at_b() -> None:
    scoring = limits.score(known(report(10, 100.0), reference(1), **PROMPT))
    assert scoring.score == 100.0
    assert scoring.missing == ["financials"]
    assert (scoring.grade, scoring.caps) == ("B", ["missing"])
    assert limits.score(known(*FULL, **PROMPT)).grade == "A"


def test_without_any_substance_the_grade_is_d() -> None:
    scoring = limits.score(known())
    assert scoring.score == 100.0
    assert (scoring.grade, scoring.caps) == ("D", ["missing", "no_substance"])


def test_an_earned_low_grade_is_not_called_capped() -> None:
    scoring = limits.score(known(filing("insolvency"), years=0.1, **{**PROMPT, "pay_index": 40.0}))
    assert (scoring.grade, scoring.caps) == ("E", [])


@pytest.mark.parametrize(
    ("index", "grade"),
    [(80.0, "B"), (63.7, "B"), (63.6, "C"), (56.7, "C"), (56.6, "D"), (49.7, "D"), (49.6, "E")],
)
def test_grades_by_score(index: float, grade: str) -> None:
    # own payments 30 parts, events 5 parts of 35: the score is 5/35 x 100 + 30/35 x points
    assert limits.score(known(years=0.5, **{**PROMPT, "pay_index": index})).grade == grade


# --- Terms --------------------------------------------------------------------------------------------------

MONTH = 40_000_00


def test_40_000_a_month_on_net_30_needs_80_000() -> None:
    found = limits.terms(known(monthly_purchases=MONTH), "B")
    assert found.need == 80_000_00
    assert (found.limit, found.binding) == (80_000_00, "need")


@pytest.mark.parametrize(("terms", "cycles"), [(0, 1), (1, 2), (30, 2), (31, 3), (60, 3), (90, 4), (91, 5)])
def test_need_counts_the_billing_cycles_in_flight(terms: int, cycles: int) -> None:
    assert limits.terms(known(monthly_purchases=MONTH, terms=terms), "B").need == cycles * MONTH


@pytest.mark.parametrize(
    ("grade", "limit"), [("A", 100_000_00), ("B", 80_000_00), ("C", 48_000_00), ("D", 20_000_00), ("E", 0)]
)
def test_the_grade_multiplies_the_need(grade: Any, limit: int) -> None:
    assert limits.terms(known(monthly_purchases=MONTH), grade).limit == limit


def test_need_starts_from_the_purchases_and_not_from_what_a_month_of_them_is_rounded_to() -> None:
    found = limits.terms(known(monthly_purchases=2_333_33, monthly_purchases_exact=(7_000_00 * 30, 90)), "C")
    assert found.terms["need"] == 280_000, "7,000 in 90 days, 2 cycles, x 0.6: to the cent"
    assert found.limit == 280_000
    assert found.need == 466_666


BINDING = {
    "need": (
        [statement(), reference(1), report(5, recommended_limit="90000", currency="USD")],
        20_000_00,
        40_000_00,
    ),
    "net_worth": ([statement()], MONTH, 50_000_00),  # 10 % of 500,000
    "references": (
        [statement(), reference(1, "20000"), reference(2, "30000"), reference(3, "90000")],
        MONTH,
        30_000_00,
    ),
    "agency": ([statement(), report(5, recommended_limit="12345", currency="USD")], MONTH, 12_000_00),
}


@pytest.mark.parametrize("binding", BINDING)
def test_the_least_term_binds_and_all_are_told(binding: str) -> None:
    facts, month, limit = BINDING[binding]
    found = limits.terms(known(*facts, monthly_purchases=month), "B")
    assert (found.binding, found.limit) == (binding, limit)
    assert set(found.terms) == {"need", "net_worth", "references", "agency"}


def test_terms_that_are_missing_are_left_out_and_without_any_there_is_no_limit() -> None:
    assert limits.terms(known(reference(1, "33333")), "B").limit == 33_000_00
    assert limits.terms(known(), "B").limit is None
    assert limits.terms(known(), "E").limit == 0


def test_a_negative_net_worth_allows_nothing() -> None:
    found = limits.terms(known(statement(intangibles="700000.00"), monthly_purchases=MONTH), "B")
    assert (found.limit, found.binding) == (0, "net_worth")


def test_an_old_agency_limit_and_one_without_a_rate_are_left_out() -> None:
    old = report(400, recommended_limit="10", currency="USD")
    strange = report(5, agency="dnb", recommended_limit="10", currency="EUR")
    assert limits.terms(known(old, strange, monthly_purchases=MONTH), "B").terms["agency"] is None


@pytest.mark.parametrize(
    ("amount", "rounded"), [(47_399_99, 47_000_00), (99, 99), (100, 100), (109, 100), (7, 7), (0, 0), (-5, 0)]
)
def test_two_significant_digits_downwards(amount: int, rounded: int) -> None:
    assert limits.rounded_down(amount, 2) == rounded


# --- Proposals ----------------------------------------------------------------------------------------------

EARNED: dict[str, Any] = {
    **PROMPT,
    "first_due_on": TODAY - 182,
    "first_invoice_on": TODAY - 212,
    "worst_dbt_182d": 5,
    "peak_utilization_90d": 0.70,
    "last_payment_on": TODAY - 89,
    "promises_broken": 0,
    "payment_runs": 6,
    "monthly_purchases": MONTH,
}


def propose(
    made: View, *alerts: OpenAlert, tier: Any = "medium", scoring: Scoring | None = None
) -> limits.Draft | None:
    return limits.propose(made, scoring or limits.score(made), tier, alerts)


def test_an_account_without_a_limit_is_opened() -> None:
    draft = propose(known(*FULL, monthly_purchases=MONTH, **PROMPT))
    assert draft is not None
    assert (draft.direction, draft.current, draft.proposed, draft.binding) == (
        "open",
        None,
        50_000_00,
        "net_worth",
    )
    assert draft.evidence["answer"] == "grant_smaller"
    on_file = [statement.event_id for statement in (FULL[1], FULL[0], FULL[2])]
    assert draft.evidence["event_ids"] == [*on_file, "behind dtp_90d"]


def test_a_proposal_names_the_reports_that_stated_score_and_limit_whatever_came_after_them() -> None:
    facts = [
        report(60, 80.0, event_id="scored"),
        report(40, recommended_limit="90000.00", currency="USD", event_id="limited"),
        report(5, dbt=3, event_id="days beyond terms alone"),
        report(30, 70.0, agency="dnb", recommended_limit="80000.00", currency="USD", event_id="both"),
        report(30, agency="sp", rating_class="B", event_id="classed"),
        report(
            30, agency="fitch", rating_class="withdrawn", event_id="a class that the policy does not know"
        ),
        report(3, agency="zz", dbt=1, event_id="nothing that counts"),
    ]
    draft = propose(known(*facts, monthly_purchases=MONTH, **PROMPT))
    assert draft is not None
    assert draft.evidence["event_ids"] == ["scored", "limited", "both", "classed", "behind dtp_90d"]


def test_nothing_is_proposed_for_an_account_that_is_closed() -> None:
    made = known(*FULL, monthly_purchases=MONTH, **PROMPT)
    made.ledger.closed = True
    assert propose(made) is None


def test_the_three_answers_to_a_new_customer() -> None:
    def answer(*facts: Any, **more: Any) -> Any:
        draft = propose(known(*facts, monthly_purchases=10_000_00, **more))
        return None if draft is None else (draft.evidence["answer"], draft.proposed)

    assert answer(*FULL, **PROMPT) == ("grant", 25_000_00)
    assert answer(report(10, 50.0), years=0.1) == ("grant_smaller", 12_000_00)
    assert answer(years=0.1) == ("grant_smaller", 5_000_00)
    assert answer(filing("insolvency"), years=0.1) == ("prepay", 0)


def test_an_earned_raise_is_at_most_one_and_a_half_times() -> None:
    draft = propose(known(limit=33_000_00, **EARNED))
    assert draft is not None
    assert (draft.direction, draft.proposed, draft.binding) == ("raise", 49_000_00, "raise_cap")
    assert draft.terms["raise_cap"] == 49_500_00
    assert draft.reasons[:2] == ["earned", "bound_by_raise_cap"]
    modest = propose(known(limit=70_000_00, **EARNED))
    assert modest is not None
    assert (modest.proposed, modest.binding) == (80_000_00, "need")


UNEARNED: dict[str, Any] = {
    "history": {"first_due_on": TODAY - 181},
    "payment_runs": {"payment_runs": 5},
    "on_time": {"worst_dbt_182d": 6},
    "utilization": {"peak_utilization_90d": 0.699},
    "recent_payment": {"last_payment_on": TODAY - 90},
    "promises": {"promises_broken": 1},
}


@pytest.mark.parametrize("lacking", UNEARNED)
def test_a_raise_needs_every_condition(lacking: str) -> None:
    assert limits.raise_lacks(known(limit=33_000_00, **EARNED)) == []
    made = known(limit=33_000_00, **{**EARNED, **UNEARNED[lacking]})
    assert limits.raise_lacks(made) == [lacking]
    assert propose(made) is None


@pytest.mark.parametrize(
    "name", ["worst_dbt_182d", "peak_utilization_90d", "last_payment_on", "first_due_on"]
)
def test_a_raise_is_never_earned_by_a_figure_with_nothing_behind_it(name: str) -> None:
    assert limits.raise_lacks(known(limit=33_000_00, **{**EARNED, name: None})) != []


@pytest.mark.parametrize(("age", "lacking"), [(90, []), (91, ["stale_bureau"])])
def test_a_stale_report_bars_a_raise_and_an_absent_one_does_not(age: int, lacking: list[str]) -> None:
    assert limits.raise_lacks(known(report(age, 80.0), limit=33_000_00, **EARNED)) == lacking


@pytest.mark.parametrize(("age", "lacking"), [(457, []), (458, ["stale_statement"])])
def test_a_stale_statement_bars_a_raise(age: int, lacking: list[str]) -> None:
    assert limits.raise_lacks(known(statement(age), limit=33_000_00, **EARNED)) == lacking


SEVERE = OpenAlert("seriously_past_due", "a-4", 4)
WORST = OpenAlert("insolvency", "a-5", 5)


def test_a_low_grade_or_a_grave_alert_cuts_and_need_alone_never_does() -> None:
    low = known(limit=100_000_00, monthly_purchases=MONTH, **{**PROMPT, "pay_index": 52.0}, years=0.5)
    draft = propose(low)
    assert draft is not None
    assert (draft.direction, draft.proposed) == ("cut", 20_000_00)
    assert draft.reasons[:2] == ["grade", "bound_by_need"]

    good = known(limit=100_000_00, monthly_purchases=MONTH, **PROMPT)
    assert propose(good) is None
    cut = propose(good, SEVERE)
    assert cut is not None
    assert (cut.direction, cut.proposed, cut.reasons[0]) == ("cut", 80_000_00, "open_alert")


def test_a_grade_of_d_for_want_of_any_knowledge_opens_small_and_never_cuts() -> None:
    made = known(limit=100_000_00, monthly_purchases=MONTH)
    assert limits.score(made).caps == ["missing", "no_substance"]
    assert propose(made) is None
    opened = propose(known(monthly_purchases=MONTH))
    assert opened is not None
    assert opened.proposed == 20_000_00


def test_a_cut_below_the_balance_says_freeze_and_run_off() -> None:
    draft = propose(
        known(limit=100_000_00, monthly_purchases=MONTH, open_balance=90_000_00, **PROMPT), SEVERE
    )
    assert draft is not None
    assert "freeze_and_run_off" in draft.reasons
    above = propose(
        known(limit=100_000_00, monthly_purchases=MONTH, open_balance=80_000_00, **PROMPT), SEVERE
    )
    assert above is not None
    assert "freeze_and_run_off" not in above.reasons


def test_a_grave_alert_bars_a_raise_and_the_worst_one_all_but_a_hold() -> None:
    made = known(limit=33_000_00, **EARNED)
    assert propose(made, SEVERE) is None
    assert propose(known(limit=100_000_00, monthly_purchases=MONTH, **PROMPT), WORST) is None


def test_a_hold_leaves_the_limit_and_is_bound_by_its_trigger() -> None:
    made = known(limit=100_000_00, monthly_purchases=MONTH, **PROMPT)
    draft = limits.hold(made, limits.score(made), [WORST])
    assert (draft.direction, draft.current, draft.proposed) == ("hold", 100_000_00, 100_000_00)
    assert draft.binding == "insolvency"
    assert draft.evidence["alerts"] == [{"alert_id": "a-5", "trigger": "insolvency", "severity": 5}]


@pytest.mark.parametrize(
    ("amount", "approver"),
    [
        ("0", "analyst"),
        ("25000.00", "analyst"),
        ("25000.01", "manager"),
        ("100000.00", "manager"),
        ("100000.01", "controller"),
    ],
)
def test_the_approver_follows_the_proposed_limit(amount: str, approver: str) -> None:
    assert limits.approver_for(known(), minor(amount, "USD"), "USD") == approver


def test_bands_are_in_base_currency_and_without_a_rate_the_controller_decides() -> None:
    euro = figures(currency="EUR")
    assert limits.approver_for(view(euro), 1, "EUR") == "controller"
    rates = Rates("USD")
    rates.add(TODAY, {"EUR": "1.25"})
    assert limits.approver_for(view(euro, rates=rates), 20_000_00, "EUR") == "analyst"
    assert limits.approver_for(view(euro, rates=rates), 20_000_01, "EUR") == "manager"


def test_auto_is_for_small_openings_and_raises_of_the_low_tier() -> None:
    small = known(*FULL, monthly_purchases=10_000_00, **PROMPT)

    def approver(made: View, *alerts: OpenAlert, tier: Any = "low") -> str:
        draft = propose(made, *alerts, tier=tier)
        assert draft is not None
        return draft.approver

    assert approver(small) == "auto"
    assert approver(small, tier="medium") == "analyst"
    assert approver(small, OpenAlert("new_charge", "a-2", 2)) == "auto"
    assert approver(small, OpenAlert("promise_broken", "a-3", 3)) == "analyst"
    assert approver(known(*FULL, monthly_purchases=MONTH, **PROMPT)) == "manager"
    cut = known(limit=90_000_00, monthly_purchases=10_000_00, **PROMPT)
    assert approver(cut, SEVERE) == "analyst"


def test_reasons_are_codes_with_words_for_each() -> None:
    made = known(filing("insolvency"), monthly_purchases=MONTH, **{**PROMPT, "pay_index": 45.0}, years=0.5)
    draft = propose(made)
    assert draft is not None
    assert set(draft.reasons) <= set(limits.REASONS)
    assert draft.reasons == [
        "bound_by_grade", "events", "own_payments", "no_financials", "no_bureau", "no_references", "no_tenure",
    ]  # fmt: skip
    for name in limits.score(made).categories:
        assert {name, f"no_{name}"} <= set(limits.REASONS) or name == "events"


# --- Tier and status ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grade", "conditions", "facts", "tier"),
    [
        ("A", 0, (), "low"),
        ("B", 2, (), "low"),
        ("A", 3, (), "medium"),
        ("C", 0, (), "medium"),
        ("A", 4, (), "high"),
        ("A", 0, (filing("lien"),), "high"),
        ("D", 0, (), "high"),
        ("E", 0, (), "high"),
    ],
)
def test_tiers(grade: Any, conditions: int, facts: tuple[Any, ...], tier: str) -> None:
    assert limits.tier(view(facts=facts), grade, conditions) == tier


@pytest.mark.parametrize(
    ("grade", "tier", "worst", "exposure", "status"),
    [
        ("A", "low", 0, 100, "good"),
        ("A", "low", 2, 100, "good"),
        ("A", "medium", 3, 100, "watch"),
        ("A", "high", 0, 100, "watch"),
        ("A", "high", 4, 100, "watch"),
        ("A", "low", 0, 101, "hold"),
        ("A", "high", 5, 100, "hold"),
        ("E", "high", 5, 101, "prepay"),
    ],
)
def test_status(grade: Any, tier: Any, worst: int, exposure: int, status: str) -> None:
    made = view(ledger=ledger_of(limit=100, exposure=exposure))
    assert limits.status(made, grade, tier, worst) == status


def test_the_day_on_which_tenure_reaches_the_next_grade_is_known() -> None:
    made = known(reference(1, dbt=12.0), years=2.0, **{**PROMPT, "pay_index": 78.0})
    scoring = limits.score(made)
    assert scoring.score == pytest.approx(79.09, abs=0.05)
    wakes = limits.next_day(made, scoring)
    ledger = ledger_of(opened_on=made.ledger.opened_on)

    def score_on(day: int) -> float:
        return limits.score(view(made.figures, ledger=ledger, today=day, known_signals=made.signals)).score

    assert score_on(wakes - 1) < 80.0 <= score_on(wakes + 1)  # at most a day early, never late


@pytest.mark.parametrize(
    ("changed", "points"),
    [
        ({}, 100.0),
        ({"interest_expense": "0.00"}, 100.0),  # no interest to cover
        ({"interest_expense": "0.00", "ebit": "-1.00"}, 500 / 6),
        ({"total_liabilities": "900000.00", "equity": "100000.00"}, 500 / 6),  # no tangible net worth
    ],
)
def test_a_ratio_over_nothing_scores_all_or_nothing_by_its_sign(
    changed: dict[str, Any], points: float
) -> None:
    made = known(statement(**changed))
    assert limits.score(made).categories["financials"] == pytest.approx(points)


IN_DOLLARS = {"agency": FULL[0], "net worth": FULL[1], "references": FULL[2]}
IN_EUROS = {
    "agency": report(10, 90.0, recommended_limit="90000.00", currency="EUR"),
    "net worth": statement(currency="EUR"),
    "references": reference(1, currency="EUR"),
}


@pytest.mark.parametrize("term", IN_EUROS)
def test_a_term_in_another_currency_is_looked_at_at_every_tick_for_any_rate_may_move_it(term: str) -> None:
    def wakes(terms: dict[str, Any]) -> int:
        made = known(*terms.values(), monthly_purchases=MONTH, **PROMPT)
        return limits.next_draft(made, limits.score(made), [])

    assert wakes(IN_DOLLARS | {term: IN_EUROS[term]}) == TODAY + 1 < wakes(IN_DOLLARS)


def test_a_limit_that_an_alert_of_severity_4_may_cut_is_looked_at_with_every_rate() -> None:
    terms = IN_DOLLARS | {"net worth": IN_EUROS["net worth"]}
    made = known(*terms.values(), limit=10_000_00, monthly_purchases=MONTH, **PROMPT)
    scoring = limits.score(made)
    assert limits.next_draft(made, scoring, []) == NEVER, "no raise is earned, and nothing calls for a cut"
    assert limits.next_draft(made, scoring, [SEVERE]) == TODAY + 1
    assert limits.next_draft(made, scoring, [OpenAlert("insolvency", "a-5", 5)]) == NEVER, "it is held"

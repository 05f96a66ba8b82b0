"""What an alert shows: each trigger's figures beside their thresholds, how far it is beyond its clear level, and what is
behind it. Whether it fires stands in test_triggers_table.py."""

from __future__ import annotations

from typing import Any

import pytest

from agents.triggers import BY_ID, TRIGGERS
from agents.view import BookTotals, View
from tests.rules import TODAY, article, event, figures, filing, report, statement, view

# Every figure differs from every other, so that none can stand in another's place.
FIGURES = figures(
    open_balance=50_000_00, past_due_over_10=20_000_00, past_due_61=12_000_00, past_due_91=7_000_00, past_due=21_000_00,
    unapplied=1_000_00, max_days_past_due=95, disputed=6_000_00, disputed_share_baseline=0.02, open_orders=3_000_00,
    exposure=52_000_00, credit_limit=40_000_00, utilization=1.3, utilization_28d_ago=0.9, rising=True, fx_driven=True,
    prior_high_credit=31_000_00, exposure_base=54_000_00, dtp_90d=47.004, dtp_baseline=28.0, dbt_90d=17.0,
    dbt_baseline=-2.0, payment_runs=9, drift_test="ewma", drift_agrees=True, drift_statistic=33.5,
    dtp_months=(30.0, 34.0, 38.0, 44.0), overdue_surprise=0.03, overdue_surprise_n=23, overdue_surprise_days=12,
    first_invoice_on=TODAY - 500, purchases_30d=20_000_00, purchases_prior_90d=30_000_00, invoices_prior_90d=8,
    reversals_90d=2, promises_broken_60d=2, promises_broken=3, partial_of_last_5=4,
    discounts_taken=(True, False, True, True, True, False, False, False),
)  # fmt: skip
FACTS = [
    report(100, 80.0, event_id="best score"), report(3, 65.0, event_id="newest score"),
    report(90, agency="dnb", recommended_limit="100000", currency="USD", event_id="best limit"),
    report(1, agency="dnb", recommended_limit="70000", currency="USD", event_id="newest limit"),
    filing("suit", filing_id="F1", amount="20000", currency="USD", event_id="suit"),
    filing("charge", filing_id="F2", event_id="charge"),
    filing("insolvency", filing_id="F3", days=5, event_id="petition"),
    article(60, "layoffs", headline="Acme cuts a tenth of its staff", confidence=0.9, event_id="news"),
    event("screening.reported", match_id="M1", list="OFAC SDN", status="possible", event_id="match"),
    event("related.distressed", related_account_id="P1", alert_id="a-1", severity=5, event_id="kin"),
]  # fmt: skip
ALL = view(FIGURES, FACTS, tier="high", book=BookTotals(400_000_00, 25, TODAY - 1))
FILED = statement(500)

SEEN: dict[str, View] = {
    "exposure_without_limit": view(FIGURES._replace(credit_limit=0)),
    "purchases_collapse": view(FIGURES._replace(purchases_30d=2_000_00)),
    "statements_stale": view(facts=[FILED], tier="high"),
}
"""Where not all at once can be so."""

TOLD: dict[str, tuple[float, dict[str, Any], dict[str, Any], list[str]]] = {
    "payment_drift_severe": (
        12.004,
        {"dtp_90d": 47.0, "dtp_baseline": 28.0, "dbt_90d": 17.0, "dbt_baseline": -2.0, "payment_runs": 9,
         "drift_test": "ewma", "drift_agrees": True, "drift_statistic": 33.5},
        {"dtp_90d": 43.0, "dbt_90d": 3.0, "clear_dtp_90d": 35.0},
        ["behind dtp_90d"],
    ),
    "payment_drift": (
        16.004,
        {"dtp_90d": 47.0, "dtp_baseline": 28.0, "dbt_90d": 17.0, "dbt_baseline": -2.0, "payment_runs": 9,
         "drift_test": "ewma", "drift_agrees": True, "drift_statistic": 33.5},
        {"dtp_90d": 35.0, "dbt_90d": 3.0, "clear_dtp_90d": 31.0},
        ["behind dtp_90d"],
    ),
    "slipping_each_month": (
        14.0,
        {"dtp_months": [30.0, 34.0, 38.0, 44.0], "rise_days": 14.0},
        {"rise_days": 10.0, "rises_in_a_row": 3},
        ["behind dtp_months"],
    ),
    "overdue_surprise": (
        12.0,
        {"overdue_surprise": 0.03, "invoices_observed": 23, "days_past_due": 12, "past_due": "21000.00"},
        {"overdue_surprise": 0.05, "invoices_observed": 10, "days_past_due": 10},
        ["behind overdue_surprise"],
    ),
    "past_due_share": (
        0.26,
        {"past_due_share": 0.38, "past_due_over_10": "20000.00", "unapplied": "1000.00", "open_balance": "50000.00"},
        {"past_due_share": 0.2, "clear_past_due_share": 0.12},
        ["behind past_due_over_10"],
    ),
    "seriously_past_due": (
        1100000.0,
        {"past_due_61": "12000.00", "unapplied": "1000.00", "max_days_past_due": 95},
        {"past_due_61": "5000.00", "clear_past_due_61": "0.00"},
        ["behind past_due_61"],
    ),
    "delinquent": (
        600000.0,
        {"past_due_91": "7000.00", "unapplied": "1000.00", "open_balance": "50000.00", "max_days_past_due": 95},
        {"past_due_91": "500.00", "clear_past_due_91": "0.00"},
        ["behind past_due_91"],
    ),
    "utilization_high": (
        0.6,
        {"utilization": 1.3, "utilization_28d_ago": 0.9, "rising": True, "exposure": "52000.00",
         "credit_limit": "40000.00", "fx_driven": True},
        {"utilization": 0.8, "rising": True, "clear_utilization": 0.7},
        ["behind utilization"],
    ),
    "over_limit": (
        0.35,
        {"utilization": 1.3, "exposure": "52000.00", "credit_limit": "40000.00", "open_orders": "3000.00",
         "fx_driven": True},
        {"utilization": 1.0, "clear_utilization": 0.95},
        ["behind utilization"],
    ),
    "exposure_without_limit": (
        5200000.0,
        {"exposure": "52000.00", "credit_limit": "0.00"},
        {"exposure": "0.00", "credit_limit": "above 0"},
        ["behind exposure"],
    ),
    "order_surge": (
        1.0,
        {"purchases_30d": "20000.00", "purchases_prior_90d": "30000.00", "growth": 1.0, "invoices_prior_90d": 8,
         "dbt_90d": 17.0, "dbt_baseline": -2.0},
        {"growth": 0.5, "invoices_prior_90d": 6, "dbt_90d": 3.0},
        ["behind purchases_30d"],
    ),
    "purchases_collapse": (
        0.55,
        {"purchases_30d": "2000.00", "purchases_prior_90d": "30000.00", "growth": -0.8, "invoices_prior_90d": 8},
        {"growth": -0.5, "invoices_prior_90d": 6, "clear_growth": -0.25},
        ["behind growth"],
    ),
    "new_high_credit": (
        0.612903,
        {"open_balance": "50000.00", "prior_high_credit": "31000.00", "utilization": 1.3, "history_days": 500},
        {"open_balance": "34100.00", "utilization": 0.5, "history_days": 180},
        ["behind open_balance"],
    ),
    "payment_reversed": (
        2.0,
        {"reversals_90d": 2},
        {"reversals_90d": 1, "reversals_90d_repeated": 2},
        ["behind reversals_90d"],
    ),
    "promise_broken": (
        2.0,
        {"promises_broken_60d": 2, "promises_broken": 3},
        {"promises_broken_60d": 1, "promises_broken_60d_repeated": 2},
        ["behind promises_broken_60d"],
    ),
    "partial_payments": (
        3.0,
        {"partial_of_last_5": 4},
        {"partial_of_last_5": 3, "clear_partial_of_last_5": 1},
        ["behind partial_of_last_5"],
    ),
    "dispute_spike": (
        0.1,
        {"disputed": "6000.00", "disputed_share": 0.12, "disputed_share_baseline": 0.02, "open_balance": "50000.00"},
        {"disputed": "2500.00", "disputed_share": 0.04, "clear_disputed_share": 0.04},
        ["behind disputed"],
    ),
    "discounts_abandoned": (
        3.0,
        {"missed_in_a_row": 3, "taken_before": 4,
         "discounts_taken": [True, False, True, True, True, False, False, False]},
        {"missed_in_a_row": 3, "taken_before": 3},
        ["behind discounts_taken"],
    ),
    "bureau_downgrade": (
        10.0,
        {"agency": "creditsafe", "score": 65.0, "best_score": 80.0, "score_reported": "65 of 0-100",
         "rating_class": None, "fall_points": 15.0, "fall_classes": None, "report_age_days": 3},
        {"fall_points": 10.0, "fall_classes": 1, "clear_fall_points": 5.0},
        ["best score", "newest score"],
    ),
    "agency_limit_cut": (
        0.3,
        {"agency": "dnb", "recommended_limit": "70000.00", "best_recommended_limit": "100000.00",
         "currency": "USD", "cut": 0.3},
        {"cut": 0.25, "clear_cut": 0.0},
        ["best limit", "newest limit"],
    ),
    "legal_filing": (
        2000000.0,
        {"filings": [{"kind": "suit", "filing_id": "F1", "status": "filed", "amount": "20000.00",
         "currency": "USD"}]},
        {"amount_base": "10000.00"},
        ["suit"],
    ),
    "new_charge": (
        1.0,
        {"charges": 1, "filing_ids": ["F2"]},
        {"charges": 1},
        ["charge"],
    ),
    "adverse_news": (
        1.313729,
        {"news_score": 1.81, "category": "layoffs", "headline": "Acme cuts a tenth of its staff",
         "category_severity": 3, "confidence": 0.9, "trust": 0.95, "age_days": 60, "corroborated": False,
         "copies": 1, "domains": ["reuters.com"]},
        {"news_score": 0.5, "clear_news_score": 0.5, "uncorroborated_cap": 3.0},
        ["news"],
    ),
    "insolvency": (
        1.0,
        {"events": 1, "filing_ids": ["F3"], "filed_on": ["2026-06-25"]},
        {"events": 1},
        ["petition"],
    ),
    "sanctions_match": (
        1.0,
        {"matches": [{"match_id": "M1", "list": "OFAC SDN", "status": "possible"}]},
        {"matches": 1},
        ["match"],
    ),
    "statements_stale": (
        500.0,
        {"statement_id": "S1", "period_end": "2025-02-15", "tier": "high"},
        {"stale_months": 15, "stale_after": "2026-05-15"},
        [FILED.event_id],
    ),
    "related_party_distress": (
        1.0,
        {"related": [{"account_id": "P1", "alert_id": "a-1", "severity": 5}]},
        {"severity": 4},
        ["kin"],
    ),
    "concentration": (
        0.055,
        {"share_of_book": 0.135, "exposure_base": "54000.00", "book_exposure": "400000.00", "book_accounts": 25,
         "book_as_of": "2026-06-29"},
        {"share_of_book": 0.1, "clear_share_of_book": 0.08, "book_accounts": 20},
        ["behind exposure"],
    ),
}  # fmt: skip
"""Trigger -> how far beyond its clear level, figures, thresholds, events."""


@pytest.mark.parametrize("name", [trigger.id for trigger in TRIGGERS])
def test_an_alert_shows_the_figures_the_thresholds_and_the_events_of_its_rule(name: str) -> None:
    seen = SEEN.get(name, ALL)
    firing, evidence = BY_ID[name].fires(seen), BY_ID[name].evidence(seen)
    distance, metrics, thresholds, event_ids = TOLD[name]
    assert firing is not None
    assert firing.distance == pytest.approx(distance)
    assert evidence.metrics == metrics
    assert evidence.thresholds == thresholds
    assert evidence.event_ids == event_ids


def test_a_downgrade_is_shown_of_the_agency_that_made_it_and_not_of_one_that_fell_by_a_point() -> None:
    by_class = [report(60, agency="dnb", rating_class="1"), report(3, agency="dnb", rating_class="2")]
    seen = view(facts=[report(60, 80.0), report(3, 78.0), *by_class])
    evidence = BY_ID["bureau_downgrade"].evidence(seen)
    assert evidence.event_ids == [fact.event_id for fact in by_class]
    shown = {
        name: evidence.metrics[name] for name in ("agency", "rating_class", "fall_classes", "fall_points")
    }
    assert shown == {"agency": "dnb", "rating_class": "2", "fall_classes": 1, "fall_points": None}


def test_the_deepest_downgrade_counts_and_a_class_weighs_as_many_points_as_fire() -> None:
    points = [report(60, 80.0), report(3, 55.0)]
    classes = [report(60, agency="dnb", rating_class="1"), report(3, agency="dnb", rating_class="4")]
    one_class = [report(60, agency="dnb", rating_class="1"), report(3, agency="dnb", rating_class="2")]
    for facts, agency, distance in (
        (points, "creditsafe", 20.0),
        ([*points, *one_class], "creditsafe", 20.0),
        ([*points, *classes], "dnb", 25.0),
    ):
        seen = view(facts=facts)
        assert BY_ID["bureau_downgrade"].fires(seen) == (3, distance)
        assert BY_ID["bureau_downgrade"].evidence(seen).metrics["agency"] == agency

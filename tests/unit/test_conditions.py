"""What the explanation asks of each trigger: figure, value, relation and level, and what it says where nothing is known.
That the conditions are met where the rule fires stands in test_explain.py."""

from __future__ import annotations

from typing import Any

import pytest

from agents.conditions import conditions
from agents.triggers import TRIGGERS
from tests.rules import TODAY, report, view
from tests.unit.test_triggers_evidence import ALL, SEEN

ASKED: dict[str, list[tuple[str, Any, str, Any]]] = {
    "payment_drift_severe": [
        ("dtp_90d", 47.004, ">=", 43.0),
        ("dbt_90d", 17.0, ">=", 3.0),
        ("drift_agrees", True, "is", True),
    ],
    "payment_drift": [
        ("dtp_90d", 47.004, ">=", 35.0),
        ("dbt_90d", 17.0, ">=", 3.0),
        ("drift_agrees", True, "is", True),
    ],
    "slipping_each_month": [("rises_in_a_row", 3, ">=", 3), ("rise_days", 14.0, ">=", 10.0)],
    "overdue_surprise": [
        ("overdue_surprise", 0.03, "<", 0.05),
        ("invoices_observed", 23, ">=", 10),
        ("days_past_due", 12, ">=", 10),
    ],
    "past_due_share": [("past_due_share", 0.38, ">", 0.2)],
    "seriously_past_due": [("past_due_61_net", 1100000, ">", 500000)],
    "delinquent": [("past_due_91_net", 600000, ">", 50000)],
    "utilization_high": [("utilization", 1.3, ">=", 0.8), ("rising", True, "is", True)],
    "over_limit": [("utilization", 1.3, ">", 1.0)],
    "exposure_without_limit": [("credit_limit", 0, "is", "none or 0"), ("exposure", 5200000, ">", 0)],
    "order_surge": [
        ("invoices_prior_90d", 8, ">=", 6),
        ("growth", 1.0, ">=", 0.5),
        ("dbt_over_baseline", 19.0, ">=", 5.0),
    ],
    "purchases_collapse": [("invoices_prior_90d", 8, ">=", 6), ("growth", -0.8, "<=", -0.5)],
    "new_high_credit": [
        ("prior_high_credit", 3100000, ">", 0),
        ("open_balance", 5000000, ">", 3410000.0),
        ("history_days", 500, ">=", 180),
        ("utilization", 1.3, ">=", 0.5),
    ],
    "payment_reversed": [("reversals_90d", 2, ">=", 1)],
    "promise_broken": [("promises_broken_60d", 2, ">=", 1)],
    "partial_payments": [("partial_of_last_5", 4, ">=", 3)],
    "dispute_spike": [("disputed", 600000, ">", 250000), ("disputed_share", 0.12, ">", 0.04)],
    "discounts_abandoned": [("missed_in_a_row", 3, ">=", 3), ("taken_before", 4, ">=", 3)],
    "bureau_downgrade": [("fall_points", 15.0, ">=", 10.0), ("fall_classes", None, ">=", 1)],
    "agency_limit_cut": [("cut", 0.3, ">=", 0.25)],
    "legal_filing": [("amount_base", 2000000, ">=", 1000000)],
    "new_charge": [("charges", 1, ">=", 1)],
    "adverse_news": [("news_score", 1.8137, ">=", 0.5)],
    "insolvency": [("events", 1, ">=", 1)],
    "sanctions_match": [("matches", 1, ">=", 1)],
    "statements_stale": [
        ("tier", "high", "is", "one that demands statements"),
        ("stale_after", TODAY - 46, "<", TODAY),
    ],
    "related_party_distress": [("related_severity", 5, ">=", 4)],
    "concentration": [("book_accounts", 25, ">=", 20), ("share_of_book", 0.135, ">", 0.1)],
}
"""Trigger -> its conditions of an account that fires."""

MISSING = {
    "payment_drift_severe": {
        "dtp_90d": "nothing was paid in 90 days",
        "dbt_90d": "nothing fell due in 90 days and nothing is past due",
        "drift_agrees": "no baseline: 0 payment runs 90–455 days ago, 3 needed",
    },
    "payment_drift": {
        "dtp_90d": "nothing was paid in 90 days",
        "dbt_90d": "nothing fell due in 90 days and nothing is past due",
        "drift_agrees": "no baseline: 0 payment runs 90–455 days ago, 3 needed",
    },
    "slipping_each_month": {
        "rises_in_a_row": "no payments in 4 of the last 4 full months",
        "rise_days": "no payments in 4 of the last 4 full months",
    },
    "overdue_surprise": {
        "overdue_surprise": "nothing is past due",
        "invoices_observed": "nothing is past due",
        "days_past_due": "nothing is past due",
    },
    "utilization_high": {"utilization": "no credit limit"},
    "over_limit": {"utilization": "no credit limit"},
    "order_surge": {
        "growth": "nothing was bought in the 90 days before",
        "dbt_over_baseline": "no baseline: 0 payment runs 90–455 days ago, 3 needed",
    },
    "purchases_collapse": {"growth": "nothing was bought in the 90 days before"},
    "new_high_credit": {
        "prior_high_credit": "no peak before: the first invoice is not older than a day",
        "open_balance": "no peak before: the first invoice is not older than a day",
        "history_days": "no invoice yet",
        "utilization": "no credit limit",
    },
    "partial_payments": {"partial_of_last_5": "nothing was paid in 365 days"},
    "bureau_downgrade": {"fall_points": "no agency has reported", "fall_classes": "no agency has reported"},
    "agency_limit_cut": {"cut": "no agency has reported"},
    "legal_filing": {"amount_base": "no lien, judgment or suit is on file"},
    "adverse_news": {"news_score": "no story counts any more"},
    "statements_stale": {
        "tier": "no tick has looked at the account yet",
        "stale_after": "no statement that passes its checks",
    },
    "related_party_distress": {"related_severity": "no parent or sibling is in distress"},
    "concentration": {
        "book_accounts": "no tick has told the book's totals",
        "share_of_book": "no tick has told the book's totals",
    },
}
"""Trigger -> what is said of its figures of an account of which nothing is known; nothing, where 0 is known."""


def near(told: Any) -> Any:
    return round(told, 4) if isinstance(told, float) else told


@pytest.mark.parametrize("name", [trigger.id for trigger in TRIGGERS])
def test_each_condition_shows_its_figure_beside_the_level_it_is_held_against(name: str) -> None:
    told = conditions(name, SEEN.get(name, ALL))
    assert [(c.figure, near(c.value), c.relation, near(c.level)) for c in told] == ASKED[name]
    assert not [c.missing for c in told if c.value is not None and c.missing]


@pytest.mark.parametrize("name", [trigger.id for trigger in TRIGGERS])
def test_what_is_not_known_is_said_and_what_is_known_to_be_nothing_is_not(name: str) -> None:
    told = conditions(name, view())
    assert {c.figure: c.missing for c in told if c.missing is not None} == MISSING.get(name, {})


def test_an_agency_that_states_something_else_is_told_from_no_agency() -> None:
    assert [c.missing for c in conditions("agency_limit_cut", view(facts=[report(3, 65.0)]))] == [
        "no agency recommends a limit"
    ]

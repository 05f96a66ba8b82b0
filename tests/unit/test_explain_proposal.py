"""What the explanation of a proposal says in sentences: who decides, what moved it, and what a category was made of."""

from __future__ import annotations

from typing import Any

import pytest

from agents import limits
from agents.desk import ProposalChange
from agents.explain import _bureau, _category, _events_of, _term, _why_approver, _why_direction, _why_moved
from tests.reference import books
from tests.rules import POLICY, TODAY, report, view

CHANGE = ProposalChange(
    proposal_id="p-1", number=1, as_of=TODAY, status="proposed", direction="cut", current_limit=60_000_00,
    proposed_limit=20_000_00, currency="USD", score=40.0, grade="D", categories={}, terms={}, binding="need",
    approver="analyst", reasons=[], evidence={"alerts": []}, decided_by=None, effective_limit=None, expires_at=TODAY + 28,
)  # fmt: skip
OPEN = {"alerts": [{"alert_id": "a-1", "trigger": "delinquent", "severity": 5}]}
GRAVE = {"alert_id": "a-2", "trigger": "over_limit", "severity": 4}
LESSER = {"alert_id": "a-3", "trigger": "past_due_share", "severity": 3}


@pytest.mark.parametrize(
    ("approver", "amount", "currency", "said"),
    [
        ("auto", 20_000_00, "USD",
         "20,000.00 USD is at most 25,000 USD, the tier is low, and no grave alert is open: no person need approve"),
        ("analyst", 25_000_00, "USD", "25,000.00 USD is at most 25,000 USD"),
        ("manager", 25_000_01, "USD", "25,000.01 USD is above 25,000 and at most 100,000 USD"),
        ("controller", 100_000_01, "USD", "100,000.01 USD is above 100,000 USD"),
        ("controller", 1_00, "EUR", "no rate into USD: a controller decides"),
    ],
)  # fmt: skip
def test_who_decides_is_told_with_the_amounts_that_say_so(
    approver: str, amount: int, currency: str, said: str
) -> None:
    change = CHANGE._replace(approver=approver, proposed_limit=amount, currency=currency)
    assert _why_approver(change, view()) == said


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ({"status": "proposed"}, "waits for a person; escalates after 14 days and expires 2026-07-28"),
        ({"status": "escalated", "approver": "manager"}, "14 days without a decision: one approver up, manager"),
        ({"status": "expired"}, "28 days without a decision"),
        ({"status": "approved", "decided_by": "policy"}, "by the policy, no person need approve"),
        ({"status": "approved", "decided_by": "mo"}, "a person approved it"),
    ],
)  # fmt: skip
def test_each_transition_says_why(moved: dict[str, Any], said: str) -> None:
    assert _why_moved(CHANGE._replace(**moved), view()) == said


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"direction": "hold", "evidence": OPEN},
         ["an alert of severity 5 is open: delinquent (severity 5); orders stop at once, the limit stays"]),
        ({"direction": "open", "current_limit": None, "evidence": {"alerts": [], "answer": "grant_smaller"}},
         ["the account has no credit limit", "answer to the customer: grant a smaller limit than is needed"]),
        ({"direction": "open", "current_limit": 0, "evidence": {"alerts": [], "answer": "prepay"}},
         ["the credit limit is 0", "answer to the customer: prepayment, a deposit or a letter of credit"]),
        ({"reasons": ["grade", "open_alert", "freeze_and_run_off"], "evidence": OPEN},
         ["grade D: D and E call for a cut", "an alert of severity 4 or more is open: delinquent (severity 5)",
          "the balance exceeds the proposed limit: no new orders until it has run off"]),
        ({"reasons": ["open_alert"], "evidence": {"alerts": [*OPEN["alerts"], GRAVE, LESSER]}},
         ["alerts of severity 4 or more are open: delinquent (severity 5), over_limit (severity 4)"]),
        ({"reasons": ["grade"]}, ["grade D: D and E call for a cut"]),
    ],
)  # fmt: skip
def test_the_direction_says_what_called_for_it(made: dict[str, Any], said: list[str]) -> None:
    assert _why_direction(CHANGE._replace(**made), view()) == said


def test_an_agencys_part_of_the_score_tells_its_age_and_its_event_and_marks_what_is_stale() -> None:
    scored = report(91, 80.0, event_id="scored")
    classed = report(90, agency="dnb", rating_class="2", event_id="classed")
    later = report(5, agency="dnb", recommended_limit="10000.00", currency="USD", event_id="a limit alone")
    assert _bureau(view(facts=[scored, classed, later])) == {
        "reports": [
            {"agency": "creditsafe", "score": 80.0, "as_reported": "80 of 0-100", "rating_class": None, "age_days": 91,
             "stale": True, "event_id": "scored"},
            {"agency": "dnb", "score": None, "as_reported": None, "rating_class": "2", "age_days": 90, "stale": False,
             "event_id": "classed"},
        ]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "label", "weight", "missing"),
    [
        ("own_payments", "payments to us", 30.0, "too few payments to us to judge by"),
        ("bureau", "bureau", 20.0, "no current report of an agency"),
        ("events", "adverse facts", 5.0, None),
    ],
)
def test_a_category_bears_its_name_its_weight_and_why_it_is_missing(
    name: str, label: str, weight: float, missing: str | None
) -> None:
    row = _category(name, None, view())
    assert (row["label"], row["weight"], row["missing"]) == (label, weight, missing)
    assert _category(name, 50.0, view())["missing"] is None


def test_a_term_says_why_it_is_missing_and_only_then_and_which_one_binds() -> None:
    found = limits.terms(view(), "B")
    rows = [_term(name, amount, CHANGE, found, view()) for name, amount in (("need", 1_00), ("agency", None))]
    assert [(row["amount"], row["binds"], row["missing"]) for row in rows] == [
        ("1.00", True, None),
        (None, False, "no agency recommends a limit"),
    ]
    raised = CHANGE._replace(direction="raise", binding="raise_cap")
    assert _term("raise_cap", 90_000_00, raised, found, view())["inputs"] == {"current_limit": "60000.00"}


@pytest.mark.parametrize(("category", "told_by"), [("tenure", "e1"), ("need", "e2")])
def test_the_event_behind_a_field_of_the_profile_is_the_one_that_told_it(category: str, told_by: str) -> None:
    ours = {"name": "Acme", "currency": "USD"}
    ledger = books.ledger_of(
        [
            books.event("account.opened", 1, 0, opened_on="2015-03-01", **ours),
            books.event(
                "account.opened", 2, 5, opened_on="2024-03-01", expected_monthly_purchases="900", **ours
            ),
            books.event("account.opened", 3, 9, opened_on="2025-01-01", **ours),
        ],
        TODAY,
        POLICY,
    )
    assert _events_of(category, view(ledger=ledger)) == [told_by]

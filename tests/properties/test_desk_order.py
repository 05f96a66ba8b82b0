"""Whatever happens to an account: one proposal waits at a time, each lives in order, and none comes too soon."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents import limits
from agents.desk import Desk, ProposalChange
from agents.watch import OpenAlert
from tests.rules import IDS, POLICY, TODAY, event, figures, ledger_of, view

ENDS = ("approved", "rejected", "expired", "superseded")

steps = st.fixed_dictionaries(
    {
        "days": st.integers(1, 20),
        "grade": st.sampled_from("ABCDE"),
        "alerts": st.lists(
            st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(2, 5)), max_size=2, unique=True
        ),
        "month": st.sampled_from([None, 10_000_00, 40_000_00, 44_000_00]),
        "limit": st.sampled_from([None, None, 0, 50_000_00, 80_000_00]),
        "decision": st.sampled_from([None, None, "approved", "rejected"]),
    }
)


class Open:
    def __init__(self, alerts: list[OpenAlert]) -> None:
        self.alerts = sorted(alerts, key=lambda alert: -alert.severity)

    def open_alerts(self) -> list[OpenAlert]:
        return self.alerts

    def worst_open(self) -> int:
        return max((alert.severity for alert in self.alerts), default=0)


def play(story: list[dict[str, Any]], stored_each: int = 0) -> list[ProposalChange]:
    desk, today, changes = Desk(), TODAY, []
    pieces: dict[str, bytes] = {}
    for place, step in enumerate(story):
        ledger = ledger_of(limit=step["limit"], opened_on=TODAY - 2000)
        known = figures(credit_limit=step["limit"], monthly_purchases=step["month"])
        watch: Any = Open([OpenAlert("over_limit", name, severity) for name, severity in step["alerts"]])
        changes += desk.at_once(view(known, ledger=ledger, today=today + 1), watch, IDS)
        for _ in range(step["days"]):
            today += 1
            seen = view(known, ledger=ledger, today=today)
            scoring = limits.score(seen)
            paid = scoring.categories | {"own_payments": 50.0}
            scoring = scoring._replace(grade=step["grade"], caps=[], categories=paid)
            changes += desk.tick(seen, watch, scoring, "low", IDS)
        if step["decision"] and desk.waiting:
            body = {
                "proposal_id": desk.waiting,
                "actor": "Ms Ito",
                "role": "controller",
                "event_id": f"d{place}",
            }
            if step["decision"] == "approved":
                body |= {"limit": "1.00", "currency": "USD"}
            told, refused = desk.decide(event(f"proposal.{step['decision']}", **body), seen, IDS)
            assert refused is None
            changes += told
        if stored_each and place % stored_each == 0:
            pieces |= {key: raw for key, raw in desk.dump().items() if raw is not None}
            desk = Desk.load(pieces)
    return changes


def wrong(changes: list[ProposalChange]) -> str | None:
    """What breaks the life of proposals, None when nothing does."""
    waiting: str | None = None
    last = 0
    numbers: dict[str, int] = {}
    for change in changes:
        if change.number != numbers.get(change.proposal_id, 0) + 1:
            return "a number is missing or twice"
        numbers[change.proposal_id] = change.number
        if change.number == 1:
            if waiting is not None:
                return "two wait"
            if change.direction != "hold" and last and change.as_of - last < POLICY.limits.hysteresis_days:
                return "too soon"
            last = change.as_of
            waiting = None if change.approver == "auto" else change.proposal_id
            if change.status != ("proposed" if waiting else "approved"):
                return f"begins as {change.status}"
        elif change.proposal_id != waiting:
            return f"{change.status} while not waiting"
        elif change.status in ENDS:
            waiting = None
        if change.current_limit and change.direction in ("raise", "cut"):
            moved = abs(change.proposed_limit - change.current_limit)
            if moved < POLICY.limits.hysteresis_change * change.current_limit:
                return "too small"
        if change.direction == "hold" and change.proposed_limit != (change.current_limit or 0):
            return "a hold moves the limit"
    return None


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, min_size=1, max_size=25))
def test_proposals_live_in_order(story: list[dict[str, Any]]) -> None:
    assert wrong(play(story)) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(steps, min_size=1, max_size=15), st.integers(1, 4))
def test_writing_and_loading_changes_nothing(story: list[dict[str, Any]], each: int) -> None:
    assert play(story, stored_each=each) == play(story)


def test_the_check_notices_a_life_out_of_order() -> None:
    step = {"days": 15, "grade": "B", "alerts": [], "month": 40_000_00, "limit": None, "decision": None}
    first, second = play([step])
    assert [first.status, second.status] == ["proposed", "escalated"]
    assert wrong([first, first._replace(proposal_id="other")]) == "two wait"
    assert wrong([second._replace(number=1)]) == "begins as escalated"
    ended = second._replace(status="rejected")
    assert wrong([first, ended, first._replace(proposal_id="other")]) == "too soon"
    assert wrong([first, ended, second._replace(number=3)]) == "escalated while not waiting"
    assert wrong([first, first]) == "a number is missing or twice"

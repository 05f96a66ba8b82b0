"""Whatever the figures do: one open alert a trigger, transitions in their order, numbers that rise, ids of their own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.policy_text import load_policy
from agents.signals import Signals
from agents.watch import AlertChange, Watch
from tests.rules import AT, IDS, POLICY, POLICY_TEXT, TODAY, figures, ledger_of, view

steps = st.fixed_dictionaries(
    {
        "utilization": st.sampled_from([None, 0.5, 0.7, 0.75, 0.85, 0.96, 1.01, 1.2, 2.0]),
        "rising": st.booleans(),
        "past_due_91": st.sampled_from([0, 1, 600_00, 2_000_00]),
        "reversals_90d": st.integers(0, 3),
        "promises_broken_60d": st.integers(0, 2),
        "partial_of_last_5": st.sampled_from([None, 0, 1, 2, 3, 5]),
        "dtp_90d": st.sampled_from([None, 28.0, 32.0, 36.0, 44.0, 60.0]),
        "dtp_baseline": st.sampled_from([None, 28.0, 36.0]),
        "dbt_90d": st.just(20.0),
        "dbt_baseline": st.just(0.0),
        "drift_agrees": st.booleans(),
    }
)
kinds = st.sampled_from(["tick", "tick", "tick", "invoice.issued", "payment.reversed"])
stories = st.lists(st.tuples(kinds, steps), min_size=1, max_size=60)


def play(
    story: list[tuple[str, dict[str, Any]]], stored_each: int = 0, policy: Any = POLICY
) -> list[AlertChange]:
    """The changes of one account; with `stored_each`, written and loaded again every so many steps."""
    watch, silent, today = Watch(), Signals(), TODAY
    pieces: dict[str, bytes] = {}
    changes: list[AlertChange] = []
    for place, (kind, step) in enumerate(story):
        known = figures(credit_limit=100, exposure=int((step["utilization"] or 0) * 100), **step)
        ledger = ledger_of(limit=100 if step["utilization"] is not None else None, exposure=known.exposure)
        if kind == "tick":
            today += 1
            seen = view(known, ledger=ledger, today=today, known_signals=silent, policy=policy)
            changes += watch.tick(seen, AT, IDS)
        else:
            seen = view(known, ledger=ledger, today=today + 1, known_signals=silent, policy=policy)
            changes += watch.at_once(seen, kind, AT, IDS)
        if stored_each and place % stored_each == 0:
            for key, raw in watch.dump().items():
                if raw is None:
                    pieces.pop(key, None)
                else:
                    pieces[key] = raw
            watch = Watch.load(pieces)
    return changes


def wrong(changes: list[AlertChange]) -> str | None:
    """What breaks the life of alerts, None when nothing does."""
    is_open: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for change in changes:
        if change.number != numbers.get(change.alert_id, 0) + 1:
            return "a number is missing or twice"
        numbers[change.alert_id] = change.number
        before = is_open.get(change.trigger)
        if change.status == "opened":
            if before is not None and (before != change.alert_id or change.number == 1):
                return "two are open"
            is_open[change.trigger] = change.alert_id
        elif before != change.alert_id:
            return f"{change.status} while not open"
        if change.status == "cleared":
            del is_open[change.trigger]
    return None


@settings(max_examples=120, deadline=None)
@given(stories)
def test_alerts_live_in_order(story: list[tuple[str, dict[str, Any]]]) -> None:
    assert wrong(play(story)) is None


def test_the_check_notices_a_life_out_of_order() -> None:
    step = {"utilization": 1.2, "rising": False}
    changes = play([("tick", step), ("tick", {"utilization": 0.5, "rising": False})])
    assert [c.status for c in changes] == ["opened", "cleared"]
    assert wrong(changes[:1] * 2) == "a number is missing or twice"
    assert wrong([changes[0], changes[0]._replace(alert_id="other")]) == "two are open"
    assert wrong([changes[1]._replace(number=1)]) == "cleared while not open"


@settings(max_examples=60, deadline=None)
@given(stories, st.integers(1, 7))
def test_writing_and_loading_changes_nothing(story: list[tuple[str, dict[str, Any]]], each: int) -> None:
    assert play(story, stored_each=each) == play(story)


@settings(max_examples=60, deadline=None)
@given(stories, st.integers(1, 40))
def test_history_alerts_as_it_would_have(story: list[tuple[str, dict[str, Any]]], live_in: int) -> None:
    """Going live adds records of what is open and changes no episode."""
    from datetime import date

    live = date.fromordinal(TODAY + live_in).isoformat()
    policy = load_policy(POLICY_TEXT.replace("# live_from = 2026-01-01", f"live_from = {live}"))
    changes = play(story, policy=policy)
    assert wrong(changes) is None
    assert all(change.history == (change.as_of < TODAY + live_in) for change in changes)
    assert {c.alert_id for c in changes} == {c.alert_id for c in play(story)}


@pytest.mark.parametrize("status", ["opened", "cleared"])
def test_the_stories_reach_both_ends(status: str) -> None:
    over = {"utilization": 1.2, "rising": True, "reversals_90d": 1}
    under = {"utilization": 0.5, "rising": True, "reversals_90d": 0}
    assert status in {c.status for c in play([("tick", over), ("tick", under)])}

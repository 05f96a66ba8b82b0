"""The table of triggers for people is that of the code and the shipped policy."""

from __future__ import annotations

from pathlib import Path

from agents.policy_text import load_policy
from agents.triggers import TRIGGERS
from streams.trigger_table import markdown

DEPLOY = Path(__file__).parents[2] / "deploy"
SHIPPED = (DEPLOY / "policy.toml").read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    lines = [line.strip("|\n ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells for cells in lines}


def test_the_committed_table_is_the_codes_and_the_policys() -> None:
    committed = (DEPLOY / "triggers.md").read_text(encoding="utf-8")
    assert committed == markdown(load_policy(SHIPPED)), "python -m streams.trigger_table > deploy/triggers.md"


def test_every_trigger_has_a_row_and_every_setting_stands_in_it() -> None:
    policy = load_policy(SHIPPED)
    shown = rows(markdown(policy))
    assert sorted(shown) == sorted(trigger.id for trigger in TRIGGERS)
    for trigger in TRIGGERS:
        rule = getattr(policy.triggers, trigger.id).model_dump(by_alias=True)
        for name in rule:
            if not name.startswith("severity"):
                assert name in shown[trigger.id][-1]


def test_another_number_in_the_policy_is_another_table() -> None:
    changed = SHIPPED.replace("share_over = 0.20 #", "share_over = 0.35 #", 1)
    assert "share_over 0.35" in rows(markdown(load_policy(changed)))["past_due_share"][-1]
    assert markdown(load_policy(changed)) != markdown(load_policy(SHIPPED))


def test_severities_are_those_of_the_domain() -> None:
    shown = {trigger: cells[1:3] for trigger, cells in rows(markdown(load_policy(SHIPPED))).items()}
    assert shown["payment_drift"] == ["3", "at ticks"]
    assert shown["payment_reversed"] == ["4–5", "at once"]
    assert shown["adverse_news"] == ["1–5", "at once"]
    assert shown["delinquent"] == ["5", "at ticks"]

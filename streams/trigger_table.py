"""The table of triggers for people: ids, severities, settings, titles and actions, from the code and a policy file.

`python -m streams.trigger_table > deploy/triggers.md` writes the shipped one; a test holds the file against it.
"""

from __future__ import annotations

from typing import Any, Final

import click

from agents.policy import Policy
from agents.policy_text import load_policy
from agents.triggers import TRIGGERS, Trigger
from streams.settings import Settings, policy_text

_HEAD: Final = """\
# The triggers

What makes an alert, and what to do about it. Made by `python -m streams.trigger_table` from the table of triggers and
the policy file (`deploy/policy.toml`); a number is changed there, under `[triggers.…]`, where a comment says what it
means.

Facts are judged at once, with the event that brings them. Everything else is judged when a day ends and has to hold for
{ticks} ticks in a row. After an alert has cleared it does not come back for {low} days (severity 1 and 2) or {mid}
days (3 and 4). Severity 5 comes back at once.

| trigger | severity | judged | what it says | what to do | settings |
|---|---|---|---|---|---|
"""


def markdown(policy: Policy) -> str:
    """The document: a row for each trigger, gravest first."""
    alerts = policy.alerts
    head = _HEAD.format(
        ticks=alerts.ticks_in_a_row, low=alerts.cooldown_days_low, mid=alerts.cooldown_days_mid
    )
    ordered = sorted(TRIGGERS, key=lambda trigger: (-_severities(trigger, policy)[-1], trigger.id))
    return head + "".join(_row(trigger, policy) for trigger in ordered)


def _row(trigger: Trigger, policy: Policy) -> str:
    low, high = _severities(trigger, policy)
    severity = str(low) if low == high else f"{low}–{high}"
    judged = "at once" if trigger.immediate else "at ticks"
    settings = "<br>".join(
        f"{name} {_text(value)}"
        for name, value in _rule(trigger, policy).items()
        if not name.startswith("severity")
    )
    return f"| `{trigger.id}` | {severity} | {judged} | {trigger.title} | {trigger.action} | {settings} |\n"


def _rule(trigger: Trigger, policy: Policy) -> dict[str, Any]:
    rule: dict[str, Any] = getattr(policy.triggers, trigger.id).model_dump(by_alias=True)
    return rule


def _severities(trigger: Trigger, policy: Policy) -> tuple[int, int]:
    """The least and the greatest that it can have; news has that of its score."""
    found = [value for name, value in _rule(trigger, policy).items() if name.startswith("severity")]
    return (min(found), max(found)) if found else (1, 5)


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


if __name__ == "__main__":
    click.echo(markdown(load_policy(policy_text(Settings()))), nl=False)

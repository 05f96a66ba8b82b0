"""The calibrated policy: sound, and what differs from the shipped one is said, with what it was and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from agents.policy_text import load_policy

DEPLOY = Path(__file__).parents[2] / "deploy"
SHIPPED = (DEPLOY / "policy.toml").read_text(encoding="utf-8")
QUIET = (DEPLOY / "policy-quiet.toml").read_text(encoding="utf-8")

Line = tuple[str, str, str, str]  # section, key, value, comment


def lines(text: str) -> dict[tuple[str, str], Line]:
    section, found = "", {}
    for line in text.splitlines():
        if head := re.match(r"\[([\w.]+)\]", line):
            section = head[1]
        elif pair := re.match(r"(\w+) = ([^#]*?)\s*(?:# ?(.*))?$", line):
            found[section, pair[1]] = (section, pair[1], pair[2], pair[3] or "")
    return found


def changed() -> list[tuple[Line, Line]]:
    shipped, quiet = lines(SHIPPED), lines(QUIET)
    assert shipped.keys() == quiet.keys()
    return [(shipped[key], quiet[key]) for key in shipped if shipped[key][2] != quiet[key][2]]


def test_it_is_a_whole_policy() -> None:
    assert load_policy(QUIET).alerts.ticks_in_a_row > load_policy(SHIPPED).alerts.ticks_in_a_row


def test_every_change_says_what_it_was_and_why() -> None:
    assert len(changed()) > 20
    for (_, _, before, _), (section, key, _, comment) in changed():
        told = re.match(r"was (.+?): .{10,}", comment)
        assert told, f"{section}.{key}: the comment has to say what it was and why"
        if before.startswith("["):
            assert all(grade in told[1] for grade in re.findall(r'"(\w+)"', before))
        elif before.startswith("{"):  # one of its numbers
            assert told[1] in re.findall(r"[\d.]+", before), f"{section}.{key} was {before}"
        else:
            assert float(told[1]) == float(before), f"{section}.{key} was {before}"


def test_nothing_else_has_drifted_from_the_shipped_policy() -> None:
    def plain(text: str) -> dict[str, Any]:
        dumped: dict[str, Any] = load_policy(text).model_dump(by_alias=True)
        return dumped

    text = QUIET
    for (_, _, before, _), (section, key, value, comment) in changed():
        start = text.index(f"\n[{section}]")
        text = text[:start] + text[start:].replace(f"{key} = {value} # {comment}", f"{key} = {before}", 1)
    assert plain(text) == plain(SHIPPED)
    assert plain(QUIET) != plain(SHIPPED)

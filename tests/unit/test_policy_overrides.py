"""Overrides: what a tier or a segment states of its own holds for its accounts alone, and is validated as a whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agents.monitor import Fold
from agents.policy_text import PolicyError, load_policy, policy_hash
from tests.unit.test_monitor import POLICY, event, fold, invoice, limit, tick

TIER = "[overrides.tier.high.triggers.utilization_high]\nutilization = 0.75\n"
SEGMENT = "[overrides.segment.Construction.triggers.utilization_high]\nutilization = 0.9\n"


def with_overrides(*tables: str) -> str:
    return POLICY + "\n" + "\n".join(tables)


def level(policy: Any) -> float:
    found: float = policy.triggers.utilization_high.utilization
    return found


@pytest.mark.parametrize(
    ("tier", "segment", "utilization"),
    [
        (None, None, 0.8),
        ("low", None, 0.8),
        ("high", None, 0.75),
        ("low", "construction", 0.9),
        ("low", "CONSTRUCTION", 0.9),
        ("high", "construction", 0.75),  # a tier goes before a segment
        ("high", "retail", 0.75),
        ("medium", "retail", 0.8),
    ],
)
def test_an_account_is_judged_by_the_numbers_of_its_tier_and_segment(
    tier: str | None, segment: str | None, utilization: float
) -> None:
    assert level(load_policy(with_overrides(TIER, SEGMENT)).of(tier, segment)) == utilization


def test_tier_and_segment_together_have_the_numbers_of_both() -> None:
    more = "[overrides.segment.construction.triggers.seriously_past_due]\nbase_amount = 20_000\n"
    both = load_policy(with_overrides(TIER, more)).of("high", "construction")
    assert (level(both), both.triggers.seriously_past_due.base_amount) == (0.75, 20_000)


def test_without_overrides_there_is_one_policy_for_all() -> None:
    policy = load_policy(POLICY)
    assert policy.of("high", "construction") is policy


def test_overrides_are_part_of_the_hash() -> None:
    assert policy_hash(POLICY) != policy_hash(with_overrides(TIER))


@pytest.mark.parametrize(
    ("table", "key", "reason"),
    [
        (
            "[overrides.tier.high.triggers.utilization_high]\nutilization = 0.6\n",
            "overrides.tier.high.triggers.utilization_high.clear_utilization",
            "must be below utilization",
        ),
        (
            "[overrides.tier.high.triggers.utilization_high]\nutilisation = 0.6\n",
            "overrides.tier.high.triggers.utilization_high.utilisation",
            "unknown key",
        ),
        ("[overrides.tier.top.triggers.over_limit]\nutilization = 2\n", "overrides.tier.top", "no tier"),
        ("[overrides.segment.retail.figures]\nshort_days = 20\n", "overrides.segment.retail.figures", "can not differ"),
        ("[overrides.country.DE.triggers.over_limit]\nutilization = 2\n", "overrides.country", "unknown"),
        ("[overrides]\ntier = 3\n", "overrides.tier", "write it as a table"),
        (
            "[overrides.segment.Retail.status]\nwatch_severity = 2\n[overrides.segment.retail.status]\nwatch_severity = 3\n",
            "overrides.segment",
            "capital letters",
        ),
    ],
)  # fmt: skip
def test_an_override_that_makes_no_sense_is_refused_by_its_line(table: str, key: str, reason: str) -> None:
    text = with_overrides(table)
    with pytest.raises(PolicyError, match=re.escape(reason)) as refused:
        load_policy(text)
    assert refused.value.key == key
    assert refused.value.line > len(POLICY.splitlines())


def test_two_overrides_that_contradict_each_other_are_refused() -> None:
    """Each is sound by itself; an account of both would clear where it fires."""
    clear = "[overrides.segment.retail.triggers.utilization_high]\nclear_utilization = 0.78\n"
    load_policy(with_overrides(TIER))
    load_policy(with_overrides(clear))
    both = "for segment retail and tier high together: must be below utilization"
    with pytest.raises(PolicyError, match=both):
        load_policy(with_overrides(TIER, clear))


def test_the_example_in_the_shipped_file_is_sound() -> None:
    shipped = Path("deploy/policy.toml").read_text()
    example = re.sub(r"^# (?=\[overrides|utilization = 0.75|base_amount)", "", shipped, flags=re.MULTILINE)
    assert level(load_policy(example).of("high", None)) == 0.75


def used(f: Fold, account: str, industry: str | None) -> list[str]:
    """What an account that uses 85 % of its limit, and rising, is told of over three days."""
    f.event(
        event("account.opened", account, "2026-03-01", name=account, currency="USD", opened_on="2020-01-01", industry=industry)
    )  # fmt: skip
    f.event(limit(account, "2026-03-01", "1000.00"))
    f.event(invoice(account, "2026-03-01", "850.00"))
    told = []
    for day in ("2026-03-01", "2026-03-02", "2026-03-03"):
        outputs, _, _ = f.tick(tick(day), False, 1 << 60)
        told += [o.body["trigger"] for o in outputs if o.topic == "alerts"]  # type: ignore[union-attr]
    return told


def test_the_fold_judges_each_account_by_its_own_numbers() -> None:
    def adopted(text: str) -> Fold:
        f = fold()
        f.book.adopt(text, policy_hash(text))
        return f

    assert "utilization_high" in used(adopted(with_overrides(SEGMENT)), "shop", "retail")
    assert "utilization_high" not in used(adopted(with_overrides(SEGMENT)), "site", "construction")

"""The policy's sections of what others say: agencies and their reports, statements, news.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. What is on file of an account is agents/signals.py.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from agents.policy_parts import Contradiction, Days, Part, Positive, Severity, Share, above


def _rank_up(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("a class stands twice in the order")
    return value


class Agency(Part):
    classes: Annotated[tuple[str, ...], AfterValidator(_rank_up)]  # best first
    limit_multiplier: Annotated[float, Field(ge=0, le=10)]


class Bureau(Part):
    best_days: Days
    keep_days: Days
    score_days: Days
    stale_days: Days
    stale_weight: Annotated[float, Field(gt=0, le=1)]
    filing_keep_days: Days
    agencies: dict[str, Agency]

    @model_validator(mode="after")
    def _ordered(self) -> Bureau:
        for window in ("best_days", "score_days"):
            if getattr(self, window) > self.keep_days:
                raise Contradiction(window, "must not be above keep_days: reports are forgotten after that")
        above(self, "score_days", "stale_days", "a stale report still scores, with less weight")
        return self


class Statements(Part):
    stale_months: Annotated[int, Field(ge=1, le=120)]
    usable_months: Annotated[int, Field(ge=1, le=120)]
    balance_tolerance: Annotated[float, Field(ge=0, lt=1)]
    units_jump: Annotated[float, Field(gt=1)]
    min_months: Annotated[int, Field(ge=1, le=60)]
    max_months: Annotated[int, Field(ge=1, le=60)]

    @model_validator(mode="after")
    def _ordered(self) -> Statements:
        above(self, "usable_months", "stale_months", "a stale statement is still used for a while")
        above(self, "max_months", "min_months", "no period would pass")
        return self


class NewsCategory(Part):
    severity: Severity
    half_life_days: Annotated[float, Field(gt=0)]  # inf: it never decays


NEWS_CATEGORIES: Final = (
    "bankruptcy", "insolvency", "sanctions", "payment_default", "going_concern", "creditor_petition", "licence_loss",
    "restatement", "fraud", "covenant_breach", "downgrade", "auditor_resignation", "delisting", "plant_closure",
    "supplier_tightening", "leveraged_buyout", "major_customer_lost", "layoffs", "cfo_exit", "recall", "cyber",
    "merger_acquisition", "ceo_exit", "dividend_cut", "hiring_freeze", "rumour", "litigation",
)  # fmt: skip


class News(Part):
    default_trust: Share
    uncorroborated_cap: Annotated[float, Field(ge=0, le=5)]
    corroboration_days: Days
    story_days: Days
    litigation_mid_share: Positive
    litigation_high_share: Positive
    categories: dict[str, NewsCategory]
    trust: dict[str, Share]

    @model_validator(mode="after")
    def _whole(self) -> News:
        above(self, "litigation_high_share", "litigation_mid_share", "the greater claim is the worse one")
        for name in self.categories:
            if name not in NEWS_CATEGORIES:
                raise Contradiction(f"categories.{name}", "is no category of the taxonomy")
        for name in NEWS_CATEGORIES:
            if name not in self.categories:
                raise Contradiction("categories", f"{name} is missing")
        return self

"""The policy's sections of what others say: agencies and their reports, statements, news.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. What is on file of an account is agents/signals.py.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, get_args

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agents.policy_parts import Contradiction, Days, Part, Positive, Severity, Share, above, not_below
from schemas.events import NewsCategory


def _rank_up(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("a class stands twice in the order")
    return value


class Agency(Part):
    classes: Annotated[tuple[str, ...], AfterValidator(_rank_up)]  # best first
    limit_multiplier: Annotated[float, Field(gt=0, le=10)]


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
        not_below(self, "score_days", "stale_days", "a stale report still scores, with less weight")
        return self


class Statements(Part):
    stale_months: Annotated[int, Field(ge=1, le=120)]
    usable_months: Annotated[int, Field(ge=1, le=120)]
    balance_tolerance: Annotated[float, Field(ge=0, lt=1)]
    units_jump: Annotated[float, Field(gt=1, le=100_000)]
    min_months: Annotated[int, Field(ge=1, le=60)]
    max_months: Annotated[int, Field(ge=1, le=60)]

    @model_validator(mode="after")
    def _ordered(self) -> Statements:
        not_below(self, "usable_months", "stale_months", "a stale statement is still used for a while")
        above(self, "max_months", "min_months", "no period would pass")
        return self


LONGEST_HALF_LIFE: Final = 36_500


def _half_life(value: float) -> float:
    if not math.isinf(value) and value > LONGEST_HALF_LIFE:
        raise ValueError(f"write at most {LONGEST_HALF_LIFE:_} days, or inf: it never fades")
    return value


def _domains(value: object) -> object:
    for domain, trust in value.items() if isinstance(value, dict) else ():
        if isinstance(trust, dict):
            raise Contradiction(
                (domain,), 'write the domain in quotation marks, such as "reuters.com" = 0.95'
            )
        # As they are looked up: agents.news.bare_domain().
        if domain != domain.strip().lower().removeprefix("www.") or "." not in domain or "/" in domain:
            raise Contradiction((domain,), 'no bare domain: write it as "reuters.com", in small letters')
    return value


class NewsCategoryRule(Part):
    severity: Severity
    half_life_days: Annotated[float, Field(ge=0.1), AfterValidator(_half_life)]  # inf: it never decays


NEWS_CATEGORIES: Final[tuple[str, ...]] = tuple(name for name in get_args(NewsCategory) if name != "unknown")
"""Those that have a severity of their own."""


class News(Part):
    default_trust: Share
    uncorroborated_cap: Annotated[float, Field(ge=0, le=5)]
    corroboration_days: Days
    official_confidence: Share = 0.5  # policies that were adopted before it was a setting do not name it
    story_days: Days
    litigation_mid_share: Positive
    litigation_high_share: Positive
    categories: dict[str, NewsCategoryRule]
    trust: Annotated[dict[str, Share], BeforeValidator(_domains)]

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

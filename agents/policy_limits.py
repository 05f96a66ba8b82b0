"""The policy's sections of what is decided on an account: score and grades, limits, who approves, tiers and status.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. The decisions are agents/limits.py and desk.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from agents.policy_parts import (
    GRADES,
    BaseAmount,
    Contradiction,
    Count,
    Days,
    Lateness,
    Part,
    Points,
    Positive,
    PositiveShare,
    Scale,
    Severity,
    Share,
    Weight,
    no_gap,
    not_below,
)
from schemas.outputs import Grade, Tier


class OwnPayments(Part):
    weight: Weight
    worst: Points
    best: Points
    runs: Count

    @model_validator(mode="after")
    def _ordered(self) -> OwnPayments:
        if self.worst >= self.best:
            raise Contradiction("worst", "must be below best: a greater pay index is the better one")
        return self


_MORE_IS_WORSE: Final = "liabilities_to_net_worth"


class Financials(Part):
    weight: Weight
    current_ratio: Scale
    quick_ratio: Scale
    liabilities_to_net_worth: Scale
    interest_cover: Scale
    cash_flow_to_current_liabilities: Scale
    net_margin: Scale

    @model_validator(mode="after")
    def _ordered(self) -> Financials:
        for name in type(self).model_fields:
            if name == "weight":
                continue
            worst, best = getattr(self, name)
            if name == _MORE_IS_WORSE and worst <= best:
                raise Contradiction(
                    name, "it is [worst, best], and more is worse: the first must be the greater"
                )
            if name != _MORE_IS_WORSE and worst >= best:
                raise Contradiction(
                    name, "it is [worst, best], and more is better: the first must be the lesser"
                )
        return self


class BureauWeight(Part):
    weight: Weight


class References(Part):
    weight: Weight
    worst: Lateness
    best: Lateness

    @model_validator(mode="after")
    def _ordered(self) -> References:
        if self.worst <= self.best:
            raise Contradiction("worst", "must be above best: more days beyond terms are worse")
        return self


class Tenure(Part):
    weight: Weight
    best_years: Positive
    from_years: Annotated[float, Field(ge=0, le=100)]


class Events(Part):
    weight: Annotated[float, Field(gt=0, le=1000)]  # known of every account: there is always a score
    points_per_severity: Positive


class Score(Part):
    own_payments: OwnPayments
    financials: Financials
    bureau: BureauWeight
    references: References
    tenure: Tenure
    events: Events


class GradeRule(Part):
    from_score: Annotated[float, Field(ge=0, le=100, alias="from")]
    multiplier: Annotated[float, Field(ge=0, le=10)]


class Grades(Part):
    A: GradeRule
    B: GradeRule
    C: GradeRule
    D: GradeRule
    E: GradeRule

    @model_validator(mode="after")
    def _ordered(self) -> Grades:
        for better, worse in pairwise(GRADES):
            above, below = getattr(self, better), getattr(self, worse)
            if below.from_score >= above.from_score:
                raise Contradiction(f"{worse}.from", f"must be below that of {better}")
            if below.multiplier > above.multiplier:
                raise Contradiction(f"{worse}.multiplier", f"must not be above that of {better}")
        if self.E.from_score != 0:
            raise Contradiction("E.from", "must be 0: every score has a grade")
        return self


class Raise(Part):
    first_due_days: Days
    payment_runs: Count
    worst_dbt: Lateness
    peak_utilization: Share
    paid_within_days: Days
    times_current: Annotated[float, Field(gt=1, le=1000)]


class Cut(Part):
    grades: tuple[Grade, ...]
    severity: Severity

    @model_validator(mode="after")
    def _ordered(self) -> Cut:
        no_gap("grades", self.grades, from_worst=True)
        return self


class Hold(Part):
    severity: Severity


class Limits(Part):
    cycle_days: Days
    net_worth_share: PositiveShare
    significant_digits: Annotated[int, Field(ge=1, le=6)]
    missing_caps_grade: Grade
    no_substance_caps_grade: Grade
    hysteresis_days: Annotated[int, Field(ge=0, le=365)]
    hysteresis_change: Share
    escalate_days: Days
    score: Score
    grades: Grades
    raise_: Raise = Field(alias="raise")
    cut: Cut
    hold: Hold

    @model_validator(mode="after")
    def _ordered(self) -> Limits:
        if self.no_substance_caps_grade < self.missing_caps_grade:  # letters: the greater is the worse
            raise Contradiction("no_substance_caps_grade", "must not be better than missing_caps_grade")
        return self


class Approval(Part):
    analyst_up_to: BaseAmount
    manager_up_to: BaseAmount
    auto_up_to: BaseAmount
    auto_tiers: tuple[Tier, ...]
    auto_directions: tuple[Literal["open", "raise"], ...]

    @model_validator(mode="after")
    def _ordered(self) -> Approval:
        not_below(self, "manager_up_to", "analyst_up_to", "the bands of approvers must rise")
        if self.auto_up_to > self.manager_up_to:
            raise Contradiction("auto_up_to", "must not be above manager_up_to: a controller decides there")
        return self


class LowTier(Part):
    grades: tuple[Grade, ...]
    severity_at_most: Annotated[int, Field(ge=0, le=5)]
    demands_statements: bool


class MediumTier(Part):
    demands_statements: bool


class HighTier(Part):
    grades: tuple[Grade, ...]
    severity_from: Severity
    demands_statements: bool


class Tiers(Part):
    low: LowTier
    medium: MediumTier
    high: HighTier

    @model_validator(mode="after")
    def _ordered(self) -> Tiers:
        if self.low.severity_at_most >= self.high.severity_from:
            raise Contradiction("low.severity_at_most", "must be below high.severity_from")
        both = set(self.low.grades) & set(self.high.grades)
        if both:
            raise Contradiction("high.grades", f"{min(both)} stands in low.grades as well")
        no_gap("low.grades", self.low.grades, from_worst=False)
        no_gap("high.grades", self.high.grades, from_worst=True)
        return self


class Status(Part):
    prepay_grades: tuple[Grade, ...]
    hold_severity: Severity
    watch_severity: Severity

    @model_validator(mode="after")
    def _ordered(self) -> Status:
        not_below(self, "hold_severity", "watch_severity", "hold is the graver status")
        no_gap("prepay_grades", self.prepay_grades, from_worst=True)
        return self

"""The policy's sections of what is decided on an account: score and grades, limits, who approves, tiers and status.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. The decisions are agents/limits.py and desk.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agents.policy_parts import (
    GRADES,
    BaseAmount,
    Contradiction,
    Count,
    Days,
    Grade,
    Number,
    Part,
    Positive,
    Scale,
    Severity,
    Share,
    Tier,
    above,
)


class OwnPayments(Part):
    weight: Annotated[float, Field(ge=0)]
    worst: Number
    best: Number
    runs: Count


class Financials(Part):
    weight: Annotated[float, Field(ge=0)]
    current_ratio: Scale
    quick_ratio: Scale
    liabilities_to_net_worth: Scale
    interest_cover: Scale
    cash_flow_to_current_liabilities: Scale
    net_margin: Scale

    @model_validator(mode="after")
    def _ordered(self) -> Financials:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name != "weight" and value[0] == value[1]:
                raise Contradiction(name, "worst and best must differ")
        return self


class BureauWeight(Part):
    weight: Annotated[float, Field(ge=0)]


class References(Part):
    weight: Annotated[float, Field(ge=0)]
    worst: Number
    best: Number


class Tenure(Part):
    weight: Annotated[float, Field(ge=0)]
    best_years: Positive
    from_years: Annotated[float, Field(ge=0)]


class Events(Part):
    weight: Annotated[float, Field(gt=0)]
    points_per_severity: Positive


class Score(Part):
    own_payments: OwnPayments
    financials: Financials
    bureau: BureauWeight
    references: References
    tenure: Tenure
    events: Events

    @model_validator(mode="after")
    def _ordered(self) -> Score:
        for name in ("own_payments", "references"):
            part = getattr(self, name)
            if part.worst == part.best:
                raise Contradiction(f"{name}.worst", "must differ from best")
        return self


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
    worst_dbt: Number
    peak_utilization: Share
    paid_within_days: Days
    times_current: Annotated[float, Field(gt=1)]


class Cut(Part):
    grades: tuple[Grade, ...]
    severity: Severity


class Hold(Part):
    severity: Severity


class Limits(Part):
    cycle_days: Days
    net_worth_share: Share
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


class Approval(Part):
    analyst_up_to: BaseAmount
    manager_up_to: BaseAmount
    auto_up_to: BaseAmount
    auto_tiers: tuple[Tier, ...]
    auto_directions: tuple[Literal["open", "raise"], ...]

    @model_validator(mode="after")
    def _ordered(self) -> Approval:
        above(self, "manager_up_to", "analyst_up_to", "the bands of approvers must rise")
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
        return self


class Status(Part):
    prepay_grades: tuple[Grade, ...]
    hold_severity: Severity
    watch_severity: Severity

    @model_validator(mode="after")
    def _ordered(self) -> Status:
        above(self, "hold_severity", "watch_severity", "hold is the graver status")
        return self

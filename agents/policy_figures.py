"""The policy's sections of what is measured of an account: the figures' windows and constants, and the tests of drift.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. The figures themselves are agents/measure.py.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from agents.policy_parts import Contradiction, Count, Days, Number, Part, Positive, Share, above


class Figures(Part):
    """The windows and constants of domain section 1."""

    short_days: Days
    mid_days: Days
    long_days: Days
    runs_for_baseline: Count
    baseline_from_days: Days
    baseline_to_days: Days
    rising_days: Days
    high_credit_days: Days
    peak_utilization_days: Days
    first_payments_days: Days
    reach_days: Days
    default_terms_days: Annotated[int, Field(ge=0, le=3650)]
    kaplan_meier_days: Days
    kaplan_meier_paid_share: Share
    kaplan_meier_tau_days: Days
    overdue_surprise_prior: Positive
    dso_days: Days
    promise_kept_share: Share
    promise_grace_business_days: Annotated[int, Field(ge=0, le=30)]
    promises_recent_days: Days
    reversals_days: Days
    provisional_days: Days
    purchases_days: Days
    purchases_prior_days: Days
    monthly_purchases_days: Days
    monthly_purchases_min_days: Days
    pay_index: tuple[tuple[Number, Share | Annotated[float, Field(ge=0, le=100)]], ...]

    @model_validator(mode="after")
    def _ordered(self) -> Figures:
        above(self, "baseline_from_days", "baseline_to_days", "the window would be empty")
        above(self, "mid_days", "short_days", "the windows are named short, mid and long")
        above(self, "long_days", "mid_days", "the windows are named short, mid and long")
        above(
            self, "monthly_purchases_days", "monthly_purchases_min_days", "it is the least history of the two"
        )
        days = [day for day, _ in self.pay_index]
        index = [points for _, points in self.pay_index]
        if len(days) < 2 or days != sorted(set(days)) or index != sorted(set(index), reverse=True):
            raise Contradiction("pay_index", "days must rise and the index must fall from point to point")
        return self


class Drift(Part):
    """Domain section 3."""

    sigma_floor_days: Positive
    mad_factor: Positive
    theil_sen_from_runs: Count
    theil_sen_last_runs: Annotated[int, Field(ge=3, le=100)]
    theil_sen_confidence: Annotated[float, Field(gt=0.5, lt=1)]
    ewma_from_runs: Count
    ewma_lambda: Annotated[float, Field(gt=0, le=1)]
    ewma_limit: Positive
    cusum_from_runs: Count
    cusum_k: Annotated[float, Field(ge=0)]
    cusum_h: Positive
    segment_weight: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Drift:
        above(self, "ewma_from_runs", "theil_sen_from_runs", "the tests follow each other by number of runs")
        above(self, "cusum_from_runs", "ewma_from_runs", "the tests follow each other by number of runs")
        return self

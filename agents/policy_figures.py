"""The policy's sections of what is measured of an account: the figures' windows and constants, and the tests of drift.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. The figures themselves are agents/measure.py.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, model_validator

from agents.policy_parts import (
    Contradiction,
    Count,
    Days,
    Lateness,
    Part,
    Points,
    Positive,
    PositiveShare,
    Share,
    above,
    not_below,
)
from agents.totals import HISTORY_DAYS


class FiguresRule(Part):
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
    kaplan_meier_paid_share: PositiveShare
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
    pay_index: tuple[tuple[Lateness, Points], ...]

    @model_validator(mode="after")
    def _ordered(self) -> FiguresRule:
        above(self, "baseline_from_days", "baseline_to_days", "the window would be empty")
        above(self, "mid_days", "short_days", "the windows are named short, mid and long")
        above(self, "long_days", "mid_days", "the windows are named short, mid and long")
        above(
            self, "monthly_purchases_days", "monthly_purchases_min_days", "it is the least history of the two"
        )
        self._within_what_is_kept()
        days = [day for day, _ in self.pay_index]
        index = [points for _, points in self.pay_index]
        if len(days) < 2 or days != sorted(set(days)) or index != sorted(set(index), reverse=True):
            raise Contradiction("pay_index", "days must rise and the index must fall from point to point")
        return self

    def _within_what_is_kept(self) -> None:
        """A window longer than what an account remembers would be that much shorter, and nothing would say so."""
        not_below(self, "reach_days", "long_days", "facts in the window must count")
        not_below(self, "long_days", "promises_recent_days", "all broken promises are those of long_days")
        for name in ("rising_days", "high_credit_days", "peak_utilization_days", "dso_days"):
            if getattr(self, name) > HISTORY_DAYS:
                raise Contradiction(
                    name, f"must not be above {HISTORY_DAYS}: balances are kept for so many days"
                )
        longest = max(self.reach_days, self.baseline_from_days)
        for name in (
            "first_payments_days",
            "kaplan_meier_days",
            "reversals_days",
            "provisional_days",
            "monthly_purchases_days",
        ):
            if getattr(self, name) > longest:
                raise Contradiction(name, f"must not be above {longest}: {_KEPT}")
        if self.purchases_days + self.purchases_prior_days > longest:
            raise Contradiction(
                "purchases_prior_days", f"with purchases_days it must not be above {longest}: {_KEPT}"
            )


_KEPT: Final = "closed invoices are kept for reach_days or baseline_from_days, whichever is more"


class DriftRule(Part):
    """Domain section 3."""

    sigma_floor_days: Positive
    mad_factor: Positive
    theil_sen_from_runs: Annotated[int, Field(ge=2, le=1000)]  # of one there is no slope
    theil_sen_last_runs: Annotated[int, Field(ge=3, le=100)]
    theil_sen_confidence: Annotated[float, Field(gt=0.5, lt=1)]
    ewma_from_runs: Count
    ewma_lambda: Annotated[float, Field(gt=0, le=1)]
    ewma_limit: Positive
    cusum_from_runs: Count
    cusum_k: Annotated[float, Field(ge=0, le=1000)]
    cusum_h: Positive
    segment_weight: Annotated[int, Field(ge=0, le=1000)]

    @model_validator(mode="after")
    def _ordered(self) -> DriftRule:
        above(self, "ewma_from_runs", "theil_sen_from_runs", "the tests follow each other by number of runs")
        above(self, "cusum_from_runs", "ewma_from_runs", "the tests follow each other by number of runs")
        return self

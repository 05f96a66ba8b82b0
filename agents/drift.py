"""Drift with few observations: the test that must agree with the level rule, by the number of payment runs; and shrinking.

Domain section 3. A payment run is one observation; the level rule itself is a trigger's.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from math import floor, fsum, sqrt
from statistics import NormalDist
from typing import NamedTuple

from agents.policy_figures import DriftRule


class Drift(NamedTuple):
    """`statistic` and `limit` in days (Theil-Sen: days to pay per day); `agrees`: None without a baseline.

    Of Theil-Sen, `statistic` is the lower bound of the slope and may equal `limit` where it agrees; see drift().
    """

    test: str
    agrees: bool | None
    statistic: float | None
    limit: float | None


def drift(
    days: list[int], values: list[float], baseline: list[float], runs_for_baseline: int, policy: DriftRule
) -> Drift:
    """The drift test over the runs of (D-455, D], oldest first: paid_on and weighted days to pay of each.

    mu and sigma come from the baseline's runs: the mean, and max(floor, 1.4826 * MAD). One-sided upward. Fewer than 4
    runs: no test, the level rule alone.

    Theil-Sen agrees when the lower bound of the slope is not below 0 and the slope itself is above it. A bound above 0
    would never see a step: of 28 28 28 45 45 45, 6 of the 15 slopes lie inside a level and are 0, so the bound can not
    exceed 0 however high the step is, and 28 -> 45 must fire. The slope keeps level payers out: of runs that are all
    alike the bound is 0 too.
    """
    count = len(values)
    enough = len(baseline) >= runs_for_baseline
    if count < policy.theil_sen_from_runs:
        return Drift("none", True if enough else None, None, None)
    if count < policy.ewma_from_runs:
        last = policy.theil_sen_last_runs
        slope, bound = theil_sen(days[-last:], values[-last:], policy.theil_sen_confidence)
        return Drift("theil_sen", bound >= 0 and slope > 0 if enough else None, bound, 0.0)
    if count < policy.cusum_from_runs:
        if not enough:
            return Drift("ewma", None, None, None)
        mu, sigma = center(baseline), spread(baseline, policy)
        level, limit = ewma(values, mu, sigma, policy.ewma_lambda, policy.ewma_limit)
        return Drift("ewma", level > limit, level, limit)
    if not enough:
        return Drift("cusum", None, None, None)
    mu, sigma = center(baseline), spread(baseline, policy)
    total = cusum(values, mu, policy.cusum_k * sigma)
    return Drift("cusum", total > policy.cusum_h * sigma, total, policy.cusum_h * sigma)


def center(values: list[float]) -> float:
    """mu: the simple mean; every run counts alike."""
    return fsum(values) / len(values)  # sum() of floats is another number from Python 3.12 on


def spread(values: list[float], policy: DriftRule) -> float:
    """sigma = max(floor, factor * median absolute deviation from the median); the factor makes it a normal's sigma."""
    middle = _median(sorted(values))
    return max(
        policy.sigma_floor_days, policy.mad_factor * _median(sorted([abs(v - middle) for v in values]))
    )


def _median(ordered: list[float]) -> float:
    half, odd = divmod(len(ordered), 2)
    return ordered[half] if odd else (ordered[half - 1] + ordered[half]) / 2


@lru_cache(maxsize=16)
def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf(confidence)


def theil_sen(days: list[int], values: list[float], confidence: float) -> tuple[float, float]:
    """The Theil-Sen slope, the median of the pairwise ones, and its one-sided lower bound (Sen 1968): the slope of rank
    (N - z * sd) / 2, rounded down.

    N pairwise slopes, sd = sqrt(n (n-1) (2n+5) / 18), the standard deviation of Kendall's score.
    """
    slopes = sorted([(b - a) / (t - s) for (s, a), (t, b) in combinations(zip(days, values, strict=True), 2)])
    n = len(values)
    rank = floor((len(slopes) - _quantile(confidence) * sqrt(n * (n - 1) * (2 * n + 5) / 18)) / 2)
    return _median(slopes), slopes[max(rank, 1) - 1]


def ewma(values: list[float], mu: float, sigma: float, weight: float, width: float) -> tuple[float, float]:
    """The exponentially weighted mean started at mu, and its upper control limit after so many values (Roberts 1959)."""
    level = mu
    for value in values:
        level += weight * (value - level)
    steps = 1 - (1 - weight) ** (2 * len(values))
    return level, mu + width * sigma * sqrt(weight / (2 - weight) * steps)


def cusum(values: list[float], mu: float, slack: float) -> float:
    """The one-sided upper cumulative sum of value - mu - slack, never below 0 (Page 1954)."""
    total = 0.0
    for value in values:
        total += value - mu - slack
        if total < 0:
            total = 0.0
    return total


def shrunk(value: float | None, runs: int, segment: float | None, weight: int) -> float | None:
    """A figure of few payment runs drawn towards its segment's: (runs * value + weight * segment) / (runs + weight).

    Domain section 3; the credibility estimate of Buehlmann (1967), with `weight` as his k. Any unit, the same for `value` and
    `segment`. No value: None, for the segment says nothing of the account. No segment, or a weight of 0: the value itself.
    For display alone: no trigger, score, alert or proposal may read it.
    """
    if value is None or segment is None or weight == 0:
        return value
    return (runs * value + weight * segment) / (runs + weight)

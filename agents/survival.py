"""Survival figures over days from invoice: Kaplan-Meier, and the surprise of an invoice that is still unpaid.

Domain section 1, views 2 and 3. They are computed at ticks only.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final, NamedTuple

from agents.lines import Lines
from agents.policy import Policy


def kaplan_meier(lines: Lines, today: int, after: int, horizon: int) -> tuple[float | None, float | None]:
    """Median days from invoice to payment, and the restricted mean: the integral of S from 0 to `horizon` days.

    Over the invoices issued in the window. Event: the policy's share of the amount in cash. Open ones are censored at
    their age, those closed by memo or discount when they closed; written-off ones stay at risk to the horizon. The
    median is the first age at which S <= 1/2; it may not exist. Both are None where no invoice is at risk up to an
    answer: no invoice, or no payment yet and none older than the horizon. Kaplan and Meier 1958; ties: events before
    censorings.
    """
    start = bisect_right(lines.cohort_days, after)
    at_risk = lines.cohort_count[-1] - lines.cohort_count[start]
    if not at_risk:
        return None, None
    events = _paid_since(lines, after)
    leaving = [(age, number) for day, age, number in lines.closed if day > after] if lines.closed else []
    leaving += [(today - day, number) for day, number in lines.open_issued if day > after]
    if lines.written_off:
        leaving += [(max(horizon, today - day), number) for day, number in lines.written_off if day > after]
    leaving.sort()
    if not events and leaving[-1][0] < horizon:
        return None, None
    survival = 1.0
    area = 0.0
    before = 0
    median: float | None = None
    left = iter(leaving)
    leaves, number = next(left, _NOBODY)
    for age, paid in events:
        while leaves < age:
            at_risk -= number
            leaves, number = next(left, _NOBODY)
        if before < horizon:
            area += survival * ((age if age < horizon else horizon) - before)
            before = age
        survival *= 1 - paid / at_risk
        at_risk -= paid
        if median is None and survival <= _HALF:
            median = float(age)
    if before < horizon:
        area += survival * (horizon - before)
    return median, area


def _paid_since(lines: Lines, after: int) -> list[tuple[int, int]]:
    """(age, how many) of the invoices issued since and paid, by age; kept while neither facts nor the window move."""
    items = lines.paid[bisect_right(lines.paid, (after, _LAST_AGE, 0)) :]
    if lines.lives[0] != len(items):
        counts: dict[int, int] = {}
        for _, age, number in items:
            counts[age] = counts.get(age, 0) + number
        lines.lives = len(items), sorted(counts.items())
    return lines.lives[1]


_LAST_AGE = 1_000_000
_HALF = 0.5 + 1e-12  # factors that make exactly one half may come out a rounding above it
_NOBODY = (_LAST_AGE, 0)


class Surprise(NamedTuple):
    """`issued_on` and `days_past_due` are those of the invoice behind p."""

    p: float | None
    n: int
    days_past_due: int | None
    issued_on: int | None


NO_SURPRISE: Final = Surprise(None, 0, None, None)


def surprising(p: float, n: int, days_past_due: int, policy: Policy) -> bool:
    """Whether the trigger overdue_surprise fires on an invoice of these figures."""
    rule = policy.triggers.overdue_surprise
    return p < rule.p_below and n >= rule.invoices_at_least and days_past_due >= rule.days_past_due


def overdue_surprise(lines: Lines, today: int, policy: Policy) -> Surprise:
    """The least expected of the clean open invoices past due that are unpaid: p = (unpaid + 1/2) / (n + 1).

    For an open invoice of age a (days from invoice): n = the account's *other* invoices, issued in the baseline's
    window, that reached this age, of them unpaid = those that had not got the policy's share in cash by then.
    Written-off ones count as unpaid; those that a memo closed before that age did not reach it. Those come first on
    which the trigger fires; then the smallest p, then the most days past due.
    """
    prior = policy.figures.overdue_surprise_prior
    after = today - policy.figures.baseline_from_days
    waiting = [(day, due) for day, due in lines.unpaid_due if due < today and day > after]
    if not waiting:
        return NO_SURPRISE
    best = NO_SURPRISE
    first: tuple[bool, float, int] | None = None
    before = lines.cohort_count[bisect_right(lines.cohort_days, after)]
    for day, due in waiting:
        age = today - day
        paid, closed = _elders(lines, after, day)
        n = lines.cohort_count[bisect_right(lines.cohort_days, day)] - before - 1 - bisect_left(closed, age)
        if n <= 0:
            continue
        unpaid = n - bisect_right(paid, age)  # one that a memo closed at this very age has reached it, unpaid
        p = (unpaid + prior) / (n + 2 * prior)
        late = today - due
        rank = not surprising(p, n, late, policy), p, -late
        if first is None or rank < first:
            first, best = rank, Surprise(p, n, late, day)
    return best


def _elders(lines: Lines, after: int, day: int) -> tuple[list[int], list[int]]:
    """The ages at which the invoices issued in (after, day] were paid, and closed otherwise; each ascending."""
    place = bisect_right(lines.paid, (after, _LAST_AGE, 0))
    key = place, day
    known = lines.elders.get(key)
    if known is None or (lines.closed and lines.closed[0][0] <= after):
        end = bisect_right(lines.paid, (day, _LAST_AGE, 0))
        paid = sorted([age for _, age, number in lines.paid[place:end] for _ in range(number)])
        closed = sorted([age for d, age, number in lines.closed if after < d <= day for _ in range(number)])
        known = lines.elders[key] = paid, closed
    return known

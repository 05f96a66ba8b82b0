"""Survival figures over days from invoice: Kaplan-Meier, and the surprise of an invoice that is still unpaid.

Domain section 1, views 2 and 3. They are computed at ticks only.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from agents.lines import Lines


def kaplan_meier(lines: Lines, today: int, after: int, horizon: int) -> tuple[float | None, float | None]:
    """Median days from invoice to payment, and the restricted mean: the integral of S from 0 to `horizon` days.

    Over the invoices issued in the window. Event: the policy's share of the amount in cash. Open ones are censored at
    their age, those closed by memo or discount when they closed; written-off ones stay at risk to the horizon. The median
    is the first age at which S <= 1/2; it may not exist. Both are None where no invoice is at risk up to an answer: no
    invoice, or no payment yet and none older than the horizon. Kaplan and Meier 1958; ties: events before censorings.
    """
    events: dict[int, int] = {}
    leaving: dict[int, int] = {}
    start = bisect_right(lines.cohort_days, after)
    total = 0
    for day, cohort in zip(lines.cohort_days[start:], lines.cohorts[start:], strict=True):
        total += cohort.count
        for age, number in cohort.paid.items():
            events[age] = events.get(age, 0) + number
        for age, number in cohort.closed.items():
            leaving[age] = leaving.get(age, 0) + number
        if cohort.open:
            leaving[today - day] = leaving.get(today - day, 0) + cohort.open
        if cohort.written_off:
            age = max(horizon, today - day)
            leaving[age] = leaving.get(age, 0) + cohort.written_off
    if not total or (not events and max(leaving) < horizon):
        return None, None
    at_risk = total
    survival = 1.0
    area = 0.0
    before = 0
    median: float | None = None
    for age in sorted(events.keys() | leaving.keys()):
        paid = events.get(age, 0)
        if paid:
            if age > before:
                area += survival * (min(age, horizon) - min(before, horizon))
                before = age
            survival *= 1 - paid / at_risk
            if median is None and survival <= 0.5:
                median = float(age)
        at_risk -= paid + leaving.get(age, 0)
    if before < horizon:
        area += survival * (horizon - before)
    return median, area


class Surprise(NamedTuple):
    p: float | None
    n: int
    days_past_due: int | None


_NONE = Surprise(None, 0, None)


def overdue_surprise(lines: Lines, today: int, after: int, prior: float) -> Surprise:
    """The least expected of the clean open invoices past due that are unpaid: p = (unpaid + 1/2) / (n + 1).

    For an open invoice of age a (days from invoice): n = the account's *other* invoices, issued in the window, that reached
    this age, of them unpaid = those that had not got the policy's share in cash by then. Written-off ones count as unpaid;
    those that a memo closed before that age did not reach it. The smallest p wins, then the most days past due.
    """
    waiting: list[tuple[int, int]] = []  # (invoice date, earliest due date) of clean open invoices past due
    for day, cohort in zip(lines.cohort_days, lines.cohorts, strict=True):
        if cohort.clean_due and day > after:
            due = min(cohort.clean_due)
            if due < today:
                waiting.append((day, due))
    if not waiting:
        return _NONE
    best = _NONE
    paid: dict[int, int] = {}
    closed: dict[int, int] = {}
    place = bisect_right(lines.cohort_days, after)
    total = 0
    for day, due in waiting:
        age = today - day
        while place < len(lines.cohort_days) and lines.cohort_days[place] <= day:
            cohort = lines.cohorts[place]
            total += cohort.count
            for at, number in cohort.paid.items():
                paid[at] = paid.get(at, 0) + number
            for at, number in cohort.closed.items():
                closed[at] = closed.get(at, 0) + number
            place += 1
        n = total - 1 - sum(number for at, number in closed.items() if at < age)
        unpaid = n - sum(number for at, number in paid.items() if at <= age)
        if n <= 0:
            continue
        # An invoice that a memo closed at this very age has reached it, unpaid.
        p = (unpaid + prior) / (n + 2 * prior)
        if best.p is None or (p, due - today) < (best.p, -(best.days_past_due or 0)):
            best = Surprise(p, n, today - due)
    return best

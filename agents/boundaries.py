"""When the figures of an account can next move by time alone: the day until which it may sleep.

What the figures are is measure.py's. The day may be too early, at the cost of one look; too late, and an alert is missed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date

from agents.balances import totals_of
from agents.behaviour import MONTHS, deadline
from agents.facts import NEVER
from agents.ledger import Ledger
from agents.lines import lines as lines_of


def _next_of(days: list[int], offsets: Iterable[int], today: int, best: int) -> int:
    """The least day + offset after today."""
    for offset in offsets:
        place = bisect_right(days, today - offset)
        if place < len(days) and days[place] + offset < best:
            best = days[place] + offset
    return best


def next_day(ledger: Ledger, today: int) -> int:
    """The first day after `today` on which a figure can move without a new fact; a far day when none can.

    Tomorrow while something is past due, waits for a rate, or is held in a foreign currency. Else the next day on
    which an open invoice falls due or is past due, an observation, invoice, balance or limit enters or leaves a
    window, a month with payments ends, a discount, promise or security runs out, or a parked fact counts.

    Excepted, because they drift every day: Kaplan-Meier, surprise, DSO by countback, monthly purchases within the first
    year, and the exposure in base currency with its rate. Between the days named here they may be as old as
    the last look.
    """
    tomorrow = today + 1
    currency, policy, totals = ledger.currency, ledger.policy, totals_of(ledger)
    if policy is None or ledger.waiting or totals.native:
        return tomorrow
    p = policy.figures
    lines = lines_of(totals, p.pay_index)
    best = min([row[0] for row in ledger.parked.values()], default=NEVER)
    for due, _ in lines.open_due:
        if due <= today:
            return tomorrow
        break
    if any(row[4] != currency for row in ledger.limits) or any(
        fact.content[2] != currency for fact in ledger.securities.values()
    ):
        return tomorrow
    long, reach = p.long_days, p.baseline_from_days
    windows = (p.short_days, p.mid_days, long, reach, p.baseline_to_days)
    best = _next_of(lines.run_days, windows, today, best)
    best = _next_of(lines.due_days, (0, *windows, p.first_payments_days), today, best)
    prior = p.purchases_days + p.purchases_prior_days
    best = _next_of(
        lines.sales_days,
        (p.dso_days, p.purchases_days, prior, p.monthly_purchases_days, reach),
        today,
        best,
    )
    best = _next_of(
        lines.cohort_days, (1, p.kaplan_meier_days, reach, p.baseline_to_days, prior), today, best
    )
    peak = p.peak_utilization_days
    # The level before a change was last reached the day before it: a peak loses it one day early.
    flows = (1, p.rising_days, p.dso_days, peak - 1, p.high_credit_days - 1, p.high_credit_days)
    best = _next_of(totals.balance.lines()[0], flows, today, best)
    best = _next_of(totals.other.lines()[0], flows, today, best)
    if totals.debits:
        best = _next_of(sorted(totals.debits), (p.provisional_days,), today, best)
    if totals.reversals:
        best = _next_of(sorted(totals.reversals), (p.reversals_days,), today, best)
    if totals.raised:
        best = _next_of(sorted(totals.raised), (p.baseline_to_days, reach), today, best)
    if totals.offers:
        best = _next_of(sorted(totals.offers), (1, reach), today, best)
    if ledger.limits:
        best = _next_of([row[2] for row in ledger.limits], (p.rising_days, peak - 1), today, best)
    for fact in ledger.securities.values():
        ends = [fact.day] if fact.content[3] is None else [fact.day, fact.content[3] + 1]
        best = _next_of(ends, (0, p.rising_days, peak - 1), today, best)
    holidays = policy.holidays_of(ledger.country)
    for promise in ledger.promises.values():
        broken = deadline(promise, p.promise_grace_business_days, holidays) + 1
        best = _next_of([broken], (0, p.promises_recent_days, long), today, best)
    if lines.cohort_days:
        first = min(lines.cohort_days[0], ledger.first_invoice)
        best = _next_of([first], (p.monthly_purchases_min_days,), today, best)
    if lines.run_days and lines.run_days[-1] > today - 31 * (MONTHS + 1):
        month_end = _month_end(tomorrow)
        best = min(best, month_end)
    return max(best, tomorrow)


def _month_end(day: int) -> int:
    """The last day of the month that `day` is in."""
    after = date.fromordinal(day).replace(day=28).toordinal() + 4  # in the next month, its 1st to its 4th
    return after - date.fromordinal(after).day

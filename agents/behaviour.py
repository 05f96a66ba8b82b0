"""How an account pays: days to pay, days beyond terms, the pay index, and its habits (parts, discounts,
promises, purchases).

Each figure stands in one function, by the definitions of domain section 1. What is owed is exposure.py's, drift tests
are drift.py's, survival figures survival.py's. A window of N days is D-N < d <= D; weights are amounts; days are
days.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Set
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from agents.announced import Announced
from agents.balances import totals_of
from agents.calendar import add_business_days
from agents.drift import Drift, drift
from agents.facts import NEVER
from agents.invoices import OPEN, Posting
from agents.ledger import Ledger
from agents.lines import NEVER_PAID, Lines, Paid
from agents.policy import Policy, exact
from agents.policy_figures import DriftRule
from agents.rates import Rates
from agents.totals import Totals

LAST_PAID = 5
LAST_DISCOUNTS = 8
MONTHS = 4


def paid_between(lines: Lines, start: int, end: int) -> Paid:
    """The observations of runs[start:end]."""
    known = lines.paid_in.get((start, end))
    if known is None:
        known = lines.paid_in[start, end] = Paid(
            lines.run_amount[end] - lines.run_amount[start],
            days_to_pay(lines, start, end),
            _mean(lines, start, end),
            _percentile_90(lines, start, end),
        )
    return known


def days_to_pay(lines: Lines, start: int, end: int) -> float | None:
    """DTP of the observations of runs[start:end], see Paid."""
    amount = lines.run_amount[end] - lines.run_amount[start]
    return (lines.run_weighted[end] - lines.run_weighted[start]) / amount if amount else None


def _mean(lines: Lines, start: int, end: int) -> float | None:
    count = lines.run_count[end] - lines.run_count[start]
    return (lines.run_sum[end] - lines.run_sum[start]) / count if count else None


def _percentile_90(lines: Lines, start: int, end: int) -> float | None:
    first, last = lines.run_count[start], lines.run_count[end]
    if first == last:
        return None
    return float(sorted(lines.observations[first:last])[(9 * (last - first) + 9) // 10 - 1])


def days_beyond_terms(lines: Lines, today: int, after: int) -> float | None:
    """dbt_N with after = D-N: the invoices due in (D-N, D] and every clean open one that is past due, weighted
    by amount.

    Value: paid_on - due_date of what was paid, D - due_date of what is open and clean. An older invoice comes in with
    its paid parts too, as long as a clean part of it is open. Section 1, view 1.
    """
    start, end = bisect_right(lines.due_days, after), bisect_right(lines.due_days, today)
    fallen = bisect_right(lines.open_days, today)
    clean = lines.open_clean[fallen]
    weight = lines.due_paid[end] - lines.due_paid[start] + clean
    total = lines.due_paid_days[end] - lines.due_paid_days[start]
    total += clean * today - lines.open_clean_due[fallen]
    for due, bucket in lines.open_due:
        if due > after:
            break
        weight += bucket.own_paid
        total += bucket.own_days
    return total / weight if weight else None


def days_beyond_terms_baseline(lines: Lines, today: int, after: int, through: int) -> float | None:
    """The invoices due in the baseline's window, at what they were paid, clean open parts at D - due_date."""
    start, end = bisect_right(lines.due_days, after), bisect_right(lines.due_days, through)
    weight = lines.due_paid[end] - lines.due_paid[start]
    total = lines.due_paid_days[end] - lines.due_paid_days[start]
    start, end = bisect_right(lines.open_days, after), bisect_right(lines.open_days, through)
    if start < end:
        clean = lines.open_clean[end] - lines.open_clean[start]
        weight += clean
        total += clean * today - (lines.open_clean_due[end] - lines.open_clean_due[start])
    return total / weight if weight else None


def days_beyond_terms_disputed(lines: Lines, today: int) -> float | None:
    """The disputed open parts of the invoices due by D, at D - due_date: what dbt leaves out, beside it."""
    fallen = bisect_right(lines.open_days, today)
    weight = lines.open_disputed[fallen]
    return (weight * today - lines.open_disputed_due[fallen]) / weight if weight else None


def pay_index(lines: Lines, today: int, after: int) -> float | None:
    """Pay index, 0 to 100 (PAYDEX-like): the index of each observation's DBT, weighted by amount.

    Taken over the same parts as dbt_365d, so that a customer who stops paying loses points at once.
    """
    start, end = bisect_right(lines.due_days, after), bisect_right(lines.due_days, today)
    weight = lines.due_paid[end] - lines.due_paid[start]
    total = lines.due_index[end] - lines.due_index[start]
    at = lines.table.at
    for due, bucket in lines.open_due:
        if due > today:
            break
        weight += bucket.clean
        total += bucket.clean * at(today - due)
        if due <= after and bucket.own_paid:
            weight += bucket.own_paid
            total += sum(amount * at(paid_on - due) for paid_on, amount in bucket.own_paid_on.items())
    return total / (weight * lines.table.scale) if weight else None


def drift_between(
    lines: Lines, base_from: int, base_to: int, end: int, runs_for_baseline: int, policy: DriftRule
) -> Drift:
    """The drift test over runs[base_from:end] against runs[base_from:base_to]; see drift.py."""
    key = base_from, base_to, end, runs_for_baseline
    if not lines.drifts or lines.drifts[0] != key or lines.drifts[1] is not policy:
        values = run_values(lines, base_from, end)
        baseline = values[: base_to - base_from]
        test = drift(lines.run_days[base_from:end], values, baseline, runs_for_baseline, policy)
        lines.drifts = key, policy, test
    known: Drift = lines.drifts[2]
    return known


def run_values(lines: Lines, start: int, end: int) -> list[float]:
    """Days to pay of each of runs[start:end], weighted by amount: the observations of the drift tests."""
    return [run.weighted / run.amount for run in lines.runs[start:end]]


def monthly_days_to_pay(lines: Lines, today: int) -> tuple[float | None, ...]:
    """Days to pay of the last four full calendar months, oldest first; D's own month counts once D is its last day."""
    ends = month_ends(today)
    if lines.months[0] is not ends:
        edges = [bisect_right(lines.run_days, day) for day in ends]
        lines.months = ends, tuple([days_to_pay(lines, start, end) for start, end in pairwise(edges)])
    return lines.months[1]


@lru_cache(maxsize=64)
def month_ends(today: int) -> tuple[int, ...]:
    """The last days of the last four full months and of the one before them, ascending."""
    return _ends_before(date.fromordinal(today + 1).replace(day=1))


@lru_cache(maxsize=16)
def _ends_before(first: date) -> tuple[int, ...]:
    ends = []
    for _ in range(MONTHS + 1):
        end = first.toordinal() - 1
        ends.append(end)
        first = date.fromordinal(end).replace(day=1)
    return tuple(reversed(ends))


def first_invoice_on(ledger: Ledger, lines: Lines) -> int | None:
    """The earliest invoice_date of all that was issued and not voided, folded ones included."""
    first = min(ledger.first_invoice, lines.cohort_days[0] if lines.cohort_days else ledger.first_invoice)
    return first if first < NEVER else None


def first_due_on(ledger: Ledger, lines: Lines) -> int | None:
    """The earliest due_date of the same invoices."""
    first = min(ledger.first_due, lines.due_days[0] if lines.due_days else ledger.first_due)
    return first if first < NEVER else None


def last_payment_on(ledger: Ledger, lines: Lines) -> int | None:
    """The newest paid_on of a payment of which something stands after reversals."""
    return max(lines.last_cash, ledger.last_payment) or None


def worst_days_beyond_terms(lines: Lines, today: int, after: int) -> int | None:
    """The greatest DBT of the invoices due in the window: paid_on - due_date, clean open parts at D - due_date."""
    start, end = bisect_right(lines.due_days, after), bisect_right(lines.due_days, today)
    worst = max(lines.due_worst[start:end], default=NEVER_PAID)
    for due, bucket in lines.open_due:
        if due > today:
            break
        if due > after and bucket.clean:
            worst = max(worst, today - due)
            break  # the first is the oldest
    return worst if worst > NEVER_PAID else None


def late_share(lines: Lines, today: int, after: int) -> float | None:
    """Of the invoices due in the window: the amount paid after its due date, or clean, open and past due, as a share of
    what was paid or is clean and open."""
    start, end = bisect_right(lines.due_days, after), bisect_right(lines.due_days, today)
    whole = lines.due_paid[end] - lines.due_paid[start]
    late = lines.due_late[end] - lines.due_late[start]
    days, clean = lines.open_days, lines.open_clean
    if days and days[0] <= today:
        before = clean[bisect_right(days, after)]
        whole += clean[bisect_right(days, today)] - before
        late += clean[bisect_left(days, today)] - before
    return late / whole if whole else None


def disputed_share(lines: Lines, totals: Totals, after: int, through: int) -> float | None:
    """Amounts disputed by disputes dated in the window / amounts of the invoices dated in it. The base rate of
    disputes."""
    start, end = bisect_right(lines.cohort_days, after), bisect_right(lines.cohort_days, through)
    gross = lines.cohort_gross[end] - lines.cohort_gross[start]
    if not gross:
        return None
    return between(totals.raised, after, through) / gross


def partial_of_last(lines: Lines, totals: Totals, today: int, after: int) -> int | None:
    """How many of the last five invoices that cash came for (newest cash first, in the window) were paid in parts.

    In parts: by more than one payment run, or in part and past due with the rest. None when no cash came.
    """
    known = lines.partials
    if known is not None and known[0] <= today < known[1] and known[2] == today - after:
        return known[3]
    seen = parts = 0
    until = NEVER  # the day on which one leaves the window, or its rest is past due
    for day in sorted(totals.last_paid, reverse=True):
        if day > today:
            until = day
            continue
        if day <= after or seen == LAST_PAID:
            break
        until = min(until, day + today - after)
        invoices = totals.last_paid[day]
        for invoice_id in sorted(invoices):
            posted = invoices[invoice_id].posted
            assert posted is not None
            seen += 1
            if in_parts(posted, today):
                parts += 1
            elif posted.clean and posted.state == OPEN:
                until = min(until, posted.due + 1)
            if seen == LAST_PAID:
                break
    lines.partials = today, until, today - after, parts if seen else None
    return lines.partials[3]


def in_parts(posted: Posting, today: int) -> bool:
    """Whether an invoice was paid by more than one payment run, or in part and past due with the rest."""
    came = posted.observations
    return (bool(posted.clean) and posted.state == OPEN and posted.due < today) or (
        len(came) > 1 and len({paid_on for paid_on, _, _ in came}) > 1
    )


def discounts_taken(lines: Lines, totals: Totals, today: int, after: int) -> tuple[bool, ...]:
    """The last eight discounts offered and decided, by discount date, oldest first: whether they were taken.

    Taken: one was granted with cash, or the discounted price came (to the policy's paid share) by the discount date. Not
    taken: the discount date has passed.
    """
    if not totals.offers:
        return ()
    known = lines.discounts
    if known is not None and known[0] <= today < known[1] and known[2] == today - after:
        return known[3]
    decided: list[bool] = []
    until = NEVER  # the day on which one is decided by time, or leaves the window
    for day in sorted(totals.offers, reverse=True):
        if day <= after or len(decided) >= LAST_DISCOUNTS:
            break
        until = min(until, day + today - after)
        invoices = totals.offers[day]
        for invoice_id in sorted(invoices, reverse=True):
            posted = invoices[invoice_id].posted
            assert posted is not None
            if posted.taken or day < today:
                decided.append(posted.taken)
            else:
                until = min(until, day + 1)
    lines.discounts = today, until, today - after, tuple(reversed(decided[:LAST_DISCOUNTS]))
    return lines.discounts[3]


def deadline(promise: Announced, grace: int, holidays: Set[int]) -> int:
    """The last day on which a promise can be kept: due_on + so many business days."""
    return add_business_days(promise.fact.content[2], grace, holidays)


def broken_promises(
    ledger: Ledger, lines: Lines, after: int, today: int, policy: Policy, rates: Rates
) -> list[tuple[int, str]]:
    """(day, event id) of the promises that were broken in the window; one breaks on the day after its deadline.

    Kept: the share (95 %) of it was paid from the day it was made through the deadline, on its invoices; none named:
    by any payment. What of that folded away is kept with the promise.
    What is paid in the promise's own currency counts as it is, so that no rate breaks a promise that was kept; the rest is
    held against it at the rate of the day it was made. None is broken while that, or an invoice, waits for a rate.
    Section 1, Promise.
    """
    if not ledger.promises:
        return []
    rule = policy.figures
    share = exact(rule.promise_kept_share).as_integer_ratio()
    holidays = policy.holidays_of(ledger.country)
    broken = []
    for promise in ledger.promises.values():
        last = deadline(promise, rule.promise_grace_business_days, holidays)
        breaks_on = last + 1
        if after < breaks_on <= today:
            fact = promise.fact
            known = lines.promises.get(promise.id)
            if known is None or known[0] is not fact.content or known[1:4] != (fact.day, breaks_on, share):
                kept = _kept(ledger, promise, last, share, rates)
                known = fact.content, fact.day, breaks_on, share, kept
                if fact.content[1] == ledger.currency:
                    lines.promises[promise.id] = known
            if not known[4]:
                broken.append((breaks_on, promise.fact.event_id))
    return broken


def _kept(ledger: Ledger, promise: Announced, last: int, share: tuple[int, int], rates: Rates) -> bool:
    amount, currency, _, invoice_ids = promise.fact.content
    made = promise.fact.day
    alike = sum(a for day, a in promise.came() if day <= last)  # in the promise's currency
    valued: int | Fraction = 0  # in the account's
    foreign = currency != ledger.currency
    if invoice_ids:
        for invoice_id in set(invoice_ids):
            invoice = ledger.invoices.get(invoice_id)
            if invoice is None or invoice.issue is None or invoice.void is not None:
                continue
            posted = invoice.posted
            if posted is None:
                return True  # it waits for a rate: no data is not a broken promise
            if foreign and invoice.issue.content[1] == currency:
                alike += sum(a for day, a in posted.native_paid if made <= day <= last)
            else:
                valued += sum(a for day, a, _ in posted.observations if made <= day <= last)
    elif foreign:
        for payment in ledger.payments.values():
            receipt = payment.posted
            if receipt is not None and made <= receipt.paid_on <= last:
                if receipt.currency == currency:
                    alike += receipt.net
                else:
                    valued += payment.worth
    else:
        valued += sum(a for day, a in totals_of(ledger).receipts.items() if made <= day <= last)
    if foreign and valued and ledger.currency is not None:
        factor = rates.cross(ledger.currency, currency, made)
        if factor is None:
            return True  # nothing to compare with
        valued *= factor
    return bool((alike + valued) * share[1] >= amount * share[0])


def between(by_day: dict[int, int], after: int, through: int) -> int:
    """The sum of a figure by day over after < d <= through."""
    return sum(value for day, value in by_day.items() if after < day <= through)

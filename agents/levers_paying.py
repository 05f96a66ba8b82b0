"""Levers on how a customer pays: what is late is paid or grows older, disputes, discounts, returns, promises.

Which of them a trigger pulls is agents/changes.py; its rules are agents/rules_paying.py.
"""

from __future__ import annotations

import copy
import math
from bisect import bisect_right
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Final

from agents import behaviour, rules_paying, survival
from agents.balances import past_due, reversals, totals_of
from agents.drift import drift
from agents.invoices import Invoice
from agents.levers import LONGEST, MOST, Lever, MakeLever, by_time, exposed, money, suppose
from agents.lines import Lines, lines
from agents.measure import measure
from agents.policy_triggers import PaymentDrift
from agents.view import NOTHING_KEPT, Firing, View
from agents.wording import iso


def paid(figure: str, days: int) -> MakeLever:
    """Cash on the invoices more than so many days past due, the oldest first: it leaves balance and exposure too."""

    def make(view: View) -> Lever:
        figures = view.figures

        def at(step: int) -> View:
            lower = {
                name: amount - min(step, max(0, amount))
                for name in ("past_due", "past_due_over_10", "past_due_61", "past_due_91")
                if (amount := getattr(figures, name)) is not None
            }
            supposed = exposed(view, max(0, figures.exposure - step))
            return suppose(supposed, {**lower, "open_balance": figures.open_balance - step})

        owed = getattr(figures, figure)
        older = f"{days} or more days past due" if days != 10 else "more than 10 days past due"
        return Lever(
            figure,
            "money",
            1,
            0,
            max(0, owed),
            at,
            lambda step: f"{money(view, step)} paid on the invoices {older} ({money(view, owed)} in all)",
        )

    return make


def aged(figure: str, days: int) -> MakeLever:
    """More of what is owed grows so old; the balance stays, until more must be owed for it."""

    def make(view: View) -> Lever:
        figures, now = view.figures, getattr(view.figures, figure)
        older = f"{days} days or more" if days != 10 else "by more than 10 days"
        clean = sum(figures.ageing)

        def says(step: int) -> str:
            more = money(view, step - now)
            if step <= clean:
                return f"{more} more of the balance past due {older}"
            owed = money(view, figures.open_balance)
            return f"{more} more past due {older}, new debt among it (open balance {owed})"

        return Lever(
            figure,
            "money",
            1,
            now,
            MOST,
            lambda step: suppose(
                view, {figure: step, "open_balance": figures.open_balance + max(0, step - max(now, clean))}
            ),
            says,
        )

    return make


def fewer_disputed(view: View) -> Lever:
    now = view.figures.disputed
    return Lever(
        "disputed",
        "money",
        1,
        now,
        0,
        lambda step: suppose(view, {"disputed": step}),
        lambda step: f"{money(view, now - step)} of the disputes resolved (disputed {money(view, now)})",
    )


def more_disputed(view: View) -> Lever:
    """No more can be disputed than is owed: beyond that it takes new debt."""
    now, owed = view.figures.disputed, view.figures.open_balance

    def says(step: int) -> str:
        new = f", new debt among it (open balance {money(view, owed)})" if step > owed else ""
        return f"{money(view, step - now)} more disputed (now {money(view, now)}){new}"

    return Lever(
        "disputed",
        "money",
        1,
        now,
        MOST,
        lambda step: suppose(view, {"disputed": step, "open_balance": max(owed, step)}),
        says,
    )


def _surprising(view: View, today: int, latest: int) -> dict[str, object]:
    """The surprise as of a day, if what is more than `latest` days past due then were paid, and nothing else."""
    totals, rule = totals_of(view.ledger), view.policy.figures
    supposed = copy.copy(lines(totals, rule.pay_index))
    supposed.unpaid_due = [
        (day, min(dues))
        for day, cohort in sorted(totals.cohorts.items())
        if (dues := [due for due in cohort.clean_due if today - due <= latest])
    ]
    found = survival.overdue_surprise(supposed, today, view.policy)
    late = [today - due for _, due in supposed.unpaid_due if due < today]
    return {
        "max_days_past_due": max(late, default=None),
        "overdue_surprise": found.p,
        "overdue_surprise_n": found.n,
        "overdue_surprise_days": found.days_past_due,
    }


def settled(view: View) -> Lever | None:
    """Paying what is late enough to surprise; its figure is how late the latest may be."""
    now = view.figures.max_days_past_due
    if now is None:
        return None

    def at(step: int) -> View:
        if step == now:
            return view
        supposed = suppose(view, _surprising(view, view.today, step))
        kept = view.kept
        if kept and view.today - (kept["today"] - kept["overdue_surprise_days"]) > step:
            supposed.kept = NOTHING_KEPT  # the invoice that it opened with is paid too
        return supposed

    def says(step: int) -> str:
        owed = sum(amount for _, _, _, amount in past_due(view.ledger, view.today, step))
        return f"{money(view, owed)} paid: no invoice more than {step} days past due (now {now})"

    return Lever("max_days_past_due", "days", 1, now, 0, at, says)


def still_unpaid(view: View) -> Lever | None:
    """Nothing happens and time passes, until an invoice is unpaid at an age at which it surprises."""
    if not any(cohort.clean_due for cohort in totals_of(view.ledger).cohorts.values()):
        return None
    for day in range(view.today + 1, view.today + view.policy.figures.baseline_from_days):
        supposed = suppose(view, _surprising(view, day, LONGEST), today=day)
        if rules_paying.surprise(supposed) is not None:
            break
    else:
        return None
    late = supposed.figures.overdue_surprise_days
    return by_time(
        day,
        "overdue_surprise",
        view,
        supposed,
        lambda step: f"time: nothing is paid until {iso(step)}, and an invoice is {late} days past due then",
    )


# --- Days to pay ----------------------------------------------------------------------------------------------


def paid_sooner(rule_of: Callable[[View], PaymentDrift]) -> MakeLever:
    """So much paid as many days after its invoice as the customer took before: what it pulls the mean down to."""

    def make(view: View) -> Lever | None:
        baseline, _ = rules_paying.baselines(view)
        if baseline is None:
            return None
        days, window = math.floor(baseline), view.policy.figures.mid_days
        amount, weighted = _paid_in(view, window)
        latest = math.floor(baseline + rule_of(view).clear_days_over_baseline)

        def says(step: int) -> str:
            if not amount:
                return (
                    f"any payment {latest} days or less after its invoice: nothing was paid in {window} days"
                )
            return (
                f"{money(view, step)} paid {days} days after invoice, as it used to be ({money(view, amount)} came in "
                f"{window} days)"
            )

        def at(step: int) -> View:
            if not step:
                return view
            return suppose(view, {"dtp_90d": (weighted + step * days) / (amount + step)})

        return Lever("paid_90d", "money", 1, 0, MOST, at, says)

    return make


def _paid_in(view: View, window: int) -> tuple[int, float]:
    """Cash of the last days, and its sum of amount × days to pay."""
    known = lines(totals_of(view.ledger), view.policy.figures.pay_index)
    first, last = (bisect_right(known.run_days, day) for day in (view.today - window, view.today))
    return (
        known.run_amount[last] - known.run_amount[first],
        known.run_weighted[last] - known.run_weighted[first],
    )


def paid_later(fires: Callable[[View], Firing | None]) -> MakeLever:
    """Nothing is paid until a day on which all that is owed is, or on which that alone is enough."""

    def make(view: View) -> Lever | None:
        found = _day_paid(view, fires)
        waited = _day_unpaid(
            view, fires, view.today + view.policy.figures.mid_days if found is None else found[0]
        )
        if waited is not None:
            unpaid_on, unpaid = waited
            return by_time(
                unpaid_on,
                "last_payment_on",
                view,
                unpaid,
                lambda step: f"time: nothing is paid until {iso(step)}",
            )
        if found is None:
            return None
        day, supposed, owed = found
        return by_time(
            day,
            "last_payment_on",
            view,
            supposed,
            lambda step: (
                f"time: the {money(view, owed)} open on invoices are paid on {iso(step)}, and nothing before"
            ),
            view.today - 1,
        )

    return make


def _day_unpaid(view: View, fires: Callable[[View], Firing | None], until: int) -> tuple[int, View] | None:
    """The first day up to `until` on which the trigger fires though nothing comes, and the account as it would be then:
    payments in time leave the window, and what is open grows older."""
    if any(baseline is None for baseline in rules_paying.baselines(view)):
        return None
    for day in range(view.today + 1, until + 1):
        known = measure(view.ledger, day, view.policy, view.rates, False)
        then = suppose(view, known._asdict(), today=day)
        if fires(then) is not None:
            return day, then
    return None


def _day_paid(view: View, fires: Callable[[View], Firing | None]) -> tuple[int, View, int] | None:
    """The first day on which paying all that is owed makes the trigger fire, the account as it would be then, and how much
    that is: of the invoices, from which a credit on account takes nothing."""
    ledger, currency = view.ledger, view.figures.currency
    if currency is None or totals_of(ledger).native:
        return None
    known = lines(totals_of(ledger), view.policy.figures.pay_index)
    owed = Owed(ledger.invoices.values())
    if not owed.amount or any(baseline is None for baseline in rules_paying.baselines(view)):
        return None
    for day in range(view.today, view.today + view.policy.figures.mid_days):
        then = all_paid(view, known, owed, day)
        if fires(then) is not None:
            return day, then, owed.amount
    return None


class Owed:
    """What is open of invoices that are all in one currency: the sum, the sum of amount × invoice date, and by due date
    running sums of the amounts and of amount × due date."""

    __slots__ = ("amount", "amounts", "dues", "issued", "weighted")

    def __init__(self, invoices: Iterable[Invoice]) -> None:
        rows = sorted(
            (invoice.posted.due, invoice.posted.open, invoice.posted.day)
            for invoice in invoices
            if invoice.posted is not None and invoice.posted.open > 0
        )
        self.amount = sum(amount for _, amount, _ in rows)
        self.issued = sum(amount * day for _, amount, day in rows)
        self.dues = [due for due, _, _ in rows]
        self.amounts = list(accumulate((amount for _, amount, _ in rows), initial=0))
        self.weighted = list(accumulate((amount * due for due, amount, _ in rows), initial=0))


def all_paid(view: View, known: Lines, owed: Owed, day: int) -> View:
    """The account on a day on or after that of the view, if one payment of that day settles all that is owed, and nothing
    else comes: its figures of days to pay and beyond terms, as measure() would tell them of the events."""
    rule = view.policy.figures
    end, since, base_from, base_to = (
        bisect_right(known.run_days, day - reach)
        for reach in (0, rule.mid_days, rule.baseline_from_days, rule.baseline_to_days)
    )
    weighted = owed.amount * day - owed.issued
    paid_90d = known.run_amount[end] - known.run_amount[since] + owed.amount
    dtp_90d = (known.run_weighted[end] - known.run_weighted[since] + weighted) / paid_90d
    days, values = known.run_days[base_from:end], behaviour.run_values(known, base_from, end)
    baseline = values[: base_to - base_from]
    amount = owed.amount
    if days and days[-1] == day:  # the same run as what came on that day already
        amount, weighted = amount + known.runs[end - 1].amount, weighted + known.runs[end - 1].weighted
        days, values = days[:-1], values[:-1]
    test = drift(
        [*days, day], [*values, weighted / amount], baseline, rule.runs_for_baseline, view.policy.drift
    )

    def days_beyond_terms(after: int, through: int) -> float | None:
        start, stop = bisect_right(known.due_days, after), bisect_right(known.due_days, through)
        first, last = bisect_right(owed.dues, after), bisect_right(owed.dues, through)
        settled = owed.amounts[last] - owed.amounts[first]
        weight = known.due_paid[stop] - known.due_paid[start] + settled
        total = known.due_paid_days[stop] - known.due_paid_days[start]
        total += settled * day - (owed.weighted[last] - owed.weighted[first])
        return total / weight if weight else None

    has_baseline = len(baseline) >= rule.runs_for_baseline
    return suppose(
        view,
        {
            "dtp_90d": dtp_90d,
            "dtp_baseline": behaviour.days_to_pay(known, base_from, base_to) if has_baseline else None,
            "dbt_90d": days_beyond_terms(day - rule.mid_days, day),
            "dbt_baseline": (
                days_beyond_terms(day - rule.baseline_from_days, day - rule.baseline_to_days)
                if has_baseline
                else None
            ),
            "drift_test": test.test,
            "drift_agrees": test.agrees,
            "drift_statistic": test.statistic,
            "drift_limit": test.limit,
        },
        today=day,
    )


def better_month(view: View) -> Lever | None:
    """The next full month, held against the last one; after one in which nothing was paid it takes two."""
    before, last = view.figures.dtp_months[2:]
    if last is None:
        return Lever(
            "dtp_months",
            "flag",
            1,
            0,
            1,
            lambda step: suppose(view, {"dtp_months": (before, last, 1.0, 0.0)}) if step else view,
            lambda step: (
                "payments in two full months in a row, in the second sooner after the invoice than in the first"
            ),
        )
    return Lever(
        "dtp_months",
        "days",
        100,
        math.ceil(last * 100),
        -100_000,
        lambda step: suppose(view, {"dtp_months": (*view.figures.dtp_months[1:], step / 100)}),
        lambda step: f"the next full month's days to pay below the last one's {last:.2f}",
    )


def later_months(view: View) -> Lever | None:
    """The next full months, each later than the one before it: as many as still lack of three rises in a row."""
    _, b, c, last = view.figures.dtp_months
    if last is None:
        return None
    lack = 3 if c is None or c >= last else 2 if b is None or b >= c else 1
    known = view.figures.dtp_months[lack:]

    def at(step: int) -> View:
        rise = (step / 100 - last) / lack
        between = (last + rise * (place + 1) for place in range(lack - 1))
        return suppose(view, {"dtp_months": (*known, *between, step / 100)})

    def says(step: int) -> str:
        if lack == 1:
            return f"the next full month's days to pay {step / 100:.2f} or more (last month {last:.2f})"
        return (
            f"days to pay rising in each of the next {lack} full months, to {step / 100:.2f} or more (last month "
            f"{last:.2f})"
        )

    return Lever("dtp_months", "days", 100, math.ceil(last * 100), 100_000, at, says)


def discounts(*, took: bool) -> MakeLever:
    def make(view: View) -> Lever:
        taken = view.figures.discounts_taken
        words = "taken" if took else "not taken"
        return Lever(
            "discounts_taken",
            "count",
            1,
            0,
            8,
            lambda step: suppose(view, {"discounts_taken": (*taken, *(took,) * step)[-8:]}),
            lambda step: f"{step} more {'discount' if step == 1 else 'discounts'} {words}",
        )

    return make


def taken_and_left(view: View) -> Lever:
    """Some discounts taken first, so that leaving the next ones is a change."""
    taken, left = view.figures.discounts_taken, view.policy.triggers.discounts_abandoned.missed_in_a_row
    return Lever(
        "discounts_taken",
        "count",
        1,
        0,
        8,
        lambda step: (
            suppose(view, {"discounts_taken": (*taken, *(True,) * step, *(False,) * left)[-8:]})
            if step
            else view
        ),
        lambda step: (
            f"{step} more {'discount' if step == 1 else 'discounts'} taken, and then {left} in a row not taken"
        ),
    )


_TESTS: Final = {"theil_sen": "Theil–Sen", "ewma": "EWMA", "cusum": "CUSUM"}


def agreeing(view: View) -> Lever | None:
    figures = view.figures
    if figures.drift_agrees is None:
        return None
    value, level = figures.drift_statistic, figures.drift_limit
    told = "" if value is None or level is None else f" (statistic {value:.2f}, its limit {level:.2f})"
    return Lever(
        "drift_agrees",
        "flag",
        1,
        int(figures.drift_agrees),
        1,
        lambda step: suppose(view, {"drift_agrees": bool(step)}),
        lambda step: f"the {_TESTS.get(str(figures.drift_test), figures.drift_test)} test agreeing{told}",
    )


def no_reversal(view: View, step: int) -> str:
    days = view.policy.figures.reversals_days
    rows = reversals(view.ledger, view.today - days + 1, view.today)
    if rows:
        return f"no further return until {iso(rows[-1][0] + days)}, {days} days after the last one"
    return f"{days} days without a returned payment"


def no_broken_promise(view: View, step: int) -> str:
    rule = view.policy.figures
    days = rule.promises_recent_days
    ledger = view.ledger
    known = lines(totals_of(ledger), rule.pay_index)
    broken = behaviour.broken_promises(ledger, known, view.today - days, view.today, view.policy, view.rates)
    if broken:
        return f"no further broken promise until {iso(max(broken)[0] + days)}, {days} days after the last one"
    return f"{days} days without a broken promise"

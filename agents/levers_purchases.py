"""Levers on purchases: more or less bought, and what becomes of purchases with time.

Which of them a trigger pulls is agents/changes.py; its rules are agents/rules_exposure.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from agents import rules_exposure
from agents.balances import totals_of
from agents.levers import MOST, Lever, MakeLever, by_time, count, money, suppose
from agents.lines import lines
from agents.view import View
from agents.wording import iso


def _bought(end: Callable[[int], int], way: str) -> MakeLever:
    def make(view: View) -> Lever:
        now = view.figures.purchases_30d
        days = view.policy.figures.purchases_days
        return Lever(
            "purchases_30d",
            "money",
            1,
            now,
            end(now),
            lambda step: suppose(view, {"purchases_30d": step}),
            lambda step: (
                f"{money(view, abs(step - now))} {way} invoiced in {days} days (now {money(view, now)})"
            ),
        )

    return make


LESS_BOUGHT: Final = _bought(lambda now: min(now, 0), "less")
MORE_BOUGHT: Final = _bought(lambda now: max(now, MOST), "more")


# --- With time ------------------------------------------------------------------------------------------------


def _sold(view: View, after: int, through: int) -> tuple[int, int]:
    """What was bought in the days after < d <= through: net amount, and how many invoices."""
    known = lines(totals_of(view.ledger), view.policy.figures.pay_index)
    days, counts = known.cohort_days, known.cohort_count
    number = counts[bisect_right(days, through)] - counts[bisect_right(days, after)]
    return known.sales_between(after, through), number


def _buying_nothing(view: View, day: int) -> View:
    """The account on a later day, if nothing is bought until then."""
    rule = view.policy.figures
    month = day - rule.purchases_days
    (lately, _), (before, number) = (
        _sold(view, month, day),
        _sold(view, month - rule.purchases_prior_days, month),
    )
    moved = {"purchases_30d": lately, "purchases_prior_90d": before, "invoices_prior_90d": number}
    return suppose(view, moved, today=day)


def _in_time(view: View, reached: Callable[[View], bool], words: str) -> Lever | None:
    """The first day on which time alone reaches it, nothing being bought until then."""
    rule = view.policy.figures
    for day in range(view.today + 1, view.today + rule.purchases_days + rule.purchases_prior_days + 1):
        then = _buying_nothing(view, day)
        if reached(then):
            break
    else:
        return None
    return by_time(day, "purchases_prior_90d", view, then, lambda step: f"time: {words.format(iso(step))}")


def bought_again(view: View) -> Lever | None:
    """Purchases of which some count as those before by the time that others are held against them."""
    if rules_exposure.purchases_ratio(view) is not None:
        return None
    in_time = _in_time(
        view,
        rules_exposure.purchases_collapse_clears,
        "on {} some of what was bought counts as bought before, and the rest is enough",
    )
    if in_time is not None:
        return in_time
    rule = view.policy.figures
    then = view.today + rule.purchases_days
    before, _ = _sold(view, then - rule.purchases_days - rule.purchases_prior_days, view.today)
    days = rule.purchases_days
    if before > 0:
        return Lever(
            "purchases_30d",
            "money",
            1,
            0,
            MOST,
            lambda step: suppose(view, {"purchases_30d": step, "purchases_prior_90d": before}, today=then),
            lambda step: (
                f"{money(view, step)} invoiced until {iso(then)}, when the {money(view, before)} of the last "
                f"{rule.purchases_prior_days} days count as bought before"
            ),
        )
    parts = 10_000

    def says(step: int) -> str:
        first = f"an invoice of more than {money(view, -before)}" if before else "an invoice now"
        of = "what it exceeds that by" if before else "it"
        return (
            f"{first}, and {days} days later others of more than {(step - 1) * 100 / parts:g}% of {of}: so long as "
            "nothing was bought before, there is nothing to compare with"
        )

    return Lever(
        "purchases_30d",
        "share",
        parts,
        0,
        parts,
        lambda step: suppose(view, {"purchases_30d": step, "purchases_prior_90d": parts}, today=then),
        says,
    )


def buys_nothing(view: View) -> Lever | None:
    """Time in which nothing is bought, until a surge is none any more."""
    return _in_time(
        view,
        lambda then: rules_exposure.order_surge_clears(then) and rules_exposure.order_surge(then) is None,
        "nothing is bought until {}",
    )


def stops_buying(view: View) -> Lever | None:
    """Time in which nothing is bought; where too little was bought before, some more invoices first."""
    in_time = _in_time(
        view, lambda then: rules_exposure.purchases_collapse(then) is not None, "nothing is bought until {}"
    )
    if in_time is not None:
        return in_time
    rule = view.policy.figures
    then = view.today + rule.purchases_days
    before, number = _sold(view, then - rule.purchases_days - rule.purchases_prior_days, view.today)
    moved = {"purchases_30d": 0, "purchases_prior_90d": max(before, 0) + 1}

    def says(step: int) -> str:
        more = f"{step - number} {'invoice' if step - number == 1 else 'invoices'} now"
        return f"{more}, and then nothing bought until {iso(then)}"

    return Lever(
        "invoices_prior_90d",
        "count",
        1,
        number,
        number + 100,
        lambda step: (
            suppose(view, {**moved, "invoices_prior_90d": step}, today=then) if step > number else view
        ),
        says,
    )


MORE_INVOICES: Final = count(
    "invoices_prior_90d",
    100,
    lambda view, step: (
        f"{step} invoices in the {view.policy.figures.purchases_prior_days} days before (now "
        f"{view.figures.invoices_prior_90d})"
    ),
)

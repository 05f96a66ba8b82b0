"""Levers on how a customer pays: what is late is paid or grows older, disputes, discounts, returns, promises.

Which of them a trigger pulls is agents/changes.py; its rules are agents/rules_paying.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from agents import behaviour
from agents.ledger import Ledger
from agents.levers import Lever, MakeLever, exposed, money, suppose
from agents.lines import lines
from agents.policy import exact
from agents.view import View
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
            lambda step: f"{money(view, step)} paid on the invoices {older} ({money(view, owed)})",
        )

    return make


def aged(figure: str, days: int) -> MakeLever:
    """More of what is owed grows so old; the balance stays."""

    def make(view: View) -> Lever:
        now = getattr(view.figures, figure)
        older = f"{days} days" if days != 10 else "more than 10 days"
        return Lever(
            figure,
            "money",
            1,
            now,
            max(now, view.figures.open_balance),
            lambda step: suppose(view, {figure: step}),
            lambda step: f"{money(view, step - now)} more of the balance {older} past due",
        )

    return make


def disputed(end: Callable[[View], int], says: str) -> MakeLever:
    def make(view: View) -> Lever:
        now = view.figures.disputed
        return Lever(
            "disputed",
            "money",
            1,
            now,
            end(view),
            lambda step: suppose(view, {"disputed": step}),
            lambda step: says.format(money(view, abs(step - now)), money(view, now)),
        )

    return make


def settled(view: View) -> Lever | None:
    """Paying what is late enough to surprise; its figure is how late the latest may be."""
    now, rule = view.figures.max_days_past_due, view.policy.triggers.overdue_surprise
    if now is None:
        return None

    def says(step: int) -> str:
        late = f"no invoice more than {step} days past due (now {now})"
        if isinstance(view.ledger, Ledger):
            owed = sum(amount for _, _, _, amount in view.ledger.past_due(view.today, step))
            return f"{money(view, owed)} paid: {late}"
        return late

    return Lever(
        "max_days_past_due",
        "days",
        1,
        now,
        0,
        lambda step: suppose(
            view,
            {
                "max_days_past_due": step,
                "overdue_surprise": view.figures.overdue_surprise if step >= rule.days_past_due else None,
            },
        ),
        says,
    )


def last_month(view: View) -> Lever | None:
    months = view.figures.dtp_months
    last = months[3]
    if last is None:
        return None
    return Lever(
        "dtp_months",
        "days",
        100,
        math.floor(last * 100),
        0,
        lambda step: suppose(view, {"dtp_months": (*months[:3], step / 100)}),
        lambda step: f"a full month's days to pay of {step / 100:.2f} or less (last month {last:.2f})",
    )


def later_last_month(view: View) -> Lever | None:
    months = view.figures.dtp_months
    last = months[3]
    if last is None:
        return None
    return Lever(
        "dtp_months",
        "days",
        100,
        math.ceil(last * 100),
        100_000,
        lambda step: suppose(view, {"dtp_months": (*months[:3], step / 100)}),
        lambda step: f"the last full month's days to pay {last:.2f} → {step / 100:.2f}",
    )


def discounts(took: bool) -> MakeLever:
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
            lambda step: f"{_counted(step, 'discount')} more {words}",
        )

    return make


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


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
        lambda step: f"the {figures.drift_test} test agreeing{told}",
    )


def no_reversal(view: View, step: int) -> str:
    days = view.policy.figures.reversals_days
    if isinstance(view.ledger, Ledger):
        rows = view.ledger.reversals(view.today - days + 1, view.today)
        if rows:
            return f"no further return until {iso(rows[-1][0] + days)}, {days} days after the last one"
    return f"{days} days without a returned payment"


def no_broken_promise(view: View, step: int) -> str:
    rule = view.policy.figures
    days = rule.promises_recent_days
    ledger = view.ledger
    if isinstance(ledger, Ledger):
        share = exact(rule.promise_kept_share).as_integer_ratio()
        broken = behaviour.promises_broken(
            ledger,
            lines(ledger.totals, rule.pay_index),
            view.today - days,
            view.today,
            rule.promise_grace_business_days,
            view.policy.holidays_of(ledger.country),
            share,
            view.rates,
        )
        if broken:
            return (
                f"no further broken promise until {iso(max(broken) + days)}, {days} days after the last one"
            )
    return f"{days} days without a broken promise"

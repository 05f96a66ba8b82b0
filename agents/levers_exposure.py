"""Levers on exposure, limit and purchases: paid or bought, a limit set, a book that grows, a longer history.

Which of them a trigger pulls is agents/changes.py; its rules are agents/rules_exposure.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from agents.levers import LONGEST, MOST, Lever, MakeLever, covered, exposed, money, suppose
from agents.view import View
from agents.wording import iso, shown


def less_exposure(view: View) -> Lever:
    now = view.figures.exposure
    return Lever(
        "exposure",
        "money",
        1,
        now,
        0,
        lambda step: exposed(view, step),
        lambda step: f"{money(view, now - step)} paid, credited or secured (exposure {money(view, now)})",
    )


def more_exposure(view: View) -> Lever:
    now = view.figures.exposure
    return Lever(
        "exposure",
        "money",
        1,
        now,
        MOST,
        lambda step: exposed(view, step),
        lambda step: (
            f"{money(view, step - now + covered(view))} more of orders or invoices (exposure {money(view, now)})"
        ),
    )


def less_owed(view: View) -> Lever:
    """The open balance, which security and cash on account do not lower."""
    now = view.figures.open_balance
    return Lever(
        "open_balance",
        "money",
        1,
        now,
        min(now, 0),
        lambda step: suppose(view, {"open_balance": step}),
        lambda step: (
            f"{money(view, now - step)} paid on invoices or credited (open balance {money(view, now)})"
        ),
    )


def more_owed(view: View) -> Lever:
    """The open balance, which orders do not raise; exposure grows with it."""
    figures, now = view.figures, view.figures.open_balance

    def at(step: int) -> View:
        supposed = exposed(view, max(figures.exposure, figures.exposure + step - now - covered(view)))
        return suppose(supposed, {"open_balance": step})

    return Lever(
        "open_balance",
        "money",
        1,
        now,
        MOST,
        at,
        lambda step: f"{money(view, step - now)} more of invoices (open balance {money(view, now)})",
    )


def higher_limit(view: View) -> Lever:
    now = view.figures.credit_limit or 0
    exposure = view.figures.exposure

    def at(step: int) -> View:
        return suppose(view, {"credit_limit": step, "utilization": exposure / step if step else None})

    def says(step: int) -> str:
        if step == 1:
            enough = f"; {money(view, exposure)} would cover the exposure" if exposure else ""
            return f"a credit limit, however small{enough}"
        return f"a credit limit of {money(view, step)} (now {money(view, now) if now else 'none'})"

    return Lever("credit_limit", "money", 1, now, MOST, at, says)


def no_limit(view: View) -> Lever | None:
    now = view.figures.credit_limit
    if not now:
        return None
    return Lever(
        "credit_limit",
        "money",
        1,
        now,
        0,
        lambda step: suppose(view, {"credit_limit": step, "utilization": None}),
        lambda step: f"a credit limit of {money(view, step)} (now {money(view, now)})",
    )


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
            lambda step: f"{money(view, abs(step - now))} {way} invoiced in {days} days ({money(view, now)})",
        )

    return make


LESS_BOUGHT: Final = _bought(lambda now: min(now, 0), "less")
MORE_BOUGHT: Final = _bought(lambda now: max(now, MOST), "more")


def share_of_book(end: int) -> MakeLever:
    def make(view: View) -> Lever | None:
        now = view.figures.exposure_base
        if now is None:
            return None
        base = view.policy.base_currency

        def says(step: int) -> str:
            spare = view.base(covered(view), view.figures.currency or base) or 0 if step > now else 0
            by = shown(abs(step - now) + spare, "base", None, base)
            way = "paid, credited or secured" if step < now else "more exposure"
            return f"{by} {way} (exposure {shown(now, 'base', None, base)}), the book as it is"

        return Lever(
            "exposure_base", "base", 1, now, end, lambda step: suppose(view, {"exposure_base": step}), says
        )

    return make


def more_accounts(view: View) -> Lever | None:
    book = view.book
    if book is None:
        return None
    return Lever(
        "book_accounts",
        "count",
        1,
        book.accounts,
        1000,
        lambda step: suppose(view, book=book._replace(accounts=step)),
        lambda step: f"{step:,} accounts in the book (now {book.accounts:,})",
    )


def older_history(view: View) -> Lever | None:
    first = view.figures.first_invoice_on
    if first is None:
        return None
    return Lever(
        "history_days",
        "days",
        1,
        view.today - first,
        view.today - first + LONGEST,
        lambda step: suppose(view, {"first_invoice_on": view.today - step}),
        lambda step: f"time: {step:,} days of history on {iso(first + step)}, and a new high then",
    )

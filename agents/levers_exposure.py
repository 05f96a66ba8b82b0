"""Levers on exposure and limit: paid or ordered, a limit set, a book that grows, a longer history.

Which of them a trigger pulls is agents/changes.py; its rules are agents/rules_exposure.py.
"""

from __future__ import annotations

import math

from agents import rules_exposure
from agents.exposure import exposure_at
from agents.levers import LONGEST, MOST, Lever, covered, exposed, money, suppose
from agents.view import BookTotals, View
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
        lambda step: f"the credit limit of {money(view, now)} withdrawn (set to 0)",
    )


def _rest_of_book(view: View) -> int:
    """What all other accounts owe, in base minor units: the book's total less this account's part of it, of the same day."""
    book, mine = view.book, view.figures.exposure_base or 0
    assert book is not None
    if book.as_of is not None and view.ledger.currency is not None:
        then = max(0, exposure_at(view.ledger, book.as_of, view.rates))
        mine = view.rates.convert(then, view.ledger.currency, view.policy.base_currency, book.as_of) or 0
    return max(0, book.exposure - mine)


def _in_book(view: View, mine: int, exposure: int) -> View:
    """With so much exposure in a book of that total, grown to the accounts that it takes."""
    book = view.book
    assert book is not None
    accounts = max(book.accounts, view.policy.triggers.concentration.book_accounts)
    return suppose(view, {"exposure_base": mine}, book=book._replace(exposure=exposure, accounts=accounts))


def less_of_book(view: View) -> Lever | None:
    """At the next tick, whose book holds what is owed now; from the tick after it, the book is smaller by what is paid."""
    now, book = view.figures.exposure_base, view.book
    if now is None or book is None:
        return None
    rest, rule, base = _rest_of_book(view), view.policy.triggers.concentration, view.policy.base_currency
    if book.accounts < rule.book_accounts and rules_exposure.concentration_clears(
        _in_book(view, now, rest + now)
    ):
        return None  # accounts alone do it
    lasting = math.floor(rule.clear_share * rest / (1 - rule.clear_share)) + 1
    while lasting > 0 and lasting / (rest + lasting) >= rule.clear_share:
        lasting -= 1

    def says(step: int) -> str:
        few = f"{_accounts(rule.book_accounts, book)} and " if book.accounts < rule.book_accounts else ""
        if step == now:
            return "time: at the next tick the book's total holds what was added to it since"
        by = shown(now - step, "base", None, base)
        told = f"{few}{by} paid, credited or secured (exposure {shown(now, 'base', None, base)})"
        if lasting >= step:
            return told
        return (
            f"{told}; {shown(now - lasting, 'base', None, base)} keeps it so, as the book shrinks by it too"
        )

    return Lever("exposure_base", "base", 1, now, 0, lambda step: _in_book(view, step, rest + now), says)


def more_of_book(view: View) -> Lever | None:
    """At two ticks in a row: at the second the book's total holds what was added too."""
    now, book = view.figures.exposure_base, view.book
    if now is None or book is None:
        return None
    rest, base = _rest_of_book(view), view.policy.base_currency

    def says(step: int) -> str:
        if step == now:
            return "time: at the next tick the book's total holds what was taken off it since"
        spare = view.base(covered(view), view.figures.currency or base) or 0
        by = shown(step - now + spare, "base", None, base)
        return (
            f"{by} more exposure (exposure {shown(now, 'base', None, base)}), the rest of the book as it is"
        )

    return Lever("exposure_base", "base", 1, now, MOST, lambda step: _in_book(view, step, rest + step), says)


def _accounts(step: int, book: BookTotals) -> str:
    return f"{step:,} accounts in the book (now {book.accounts:,})"


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
        lambda step: _accounts(step, book),
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

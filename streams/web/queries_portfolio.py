"""The page's questions about the whole book: its totals, its tiers and statuses, its weeks.

What turned lately is queries_alerts.py; how a question is made, queries.py.
"""

# ruff: noqa: S608 (statements are joined from texts of this file; tests/integration/test_web_store.py holds that)

from __future__ import annotations

from datetime import date
from typing import Final

from streams.web.queries import Question

_BASE: Final = "toFloat64(fx_rate)"  # base units of one unit of the account's currency


def totals() -> Question:
    """The whole book as of each account's newest figures, in the base currency."""
    columns = (
        "past_due",
        "disputed",
        "ageing_current",
        "ageing_d1_30",
        "ageing_d31_60",
        "ageing_d61_90",
        "ageing_d91",
    )
    sums = ", ".join(f"sum(toFloat64({name}) * {_BASE}) AS {name}_base" for name in columns)
    return Question(
        "totals",
        f"""
        SELECT count() AS accounts, sum(exposure_base) AS exposure, {sums}, any(base_currency) AS currency,
            countIf(exposure_base IS NULL) AS unvalued, max(as_of) AS newest_day, max(written_at) AS newest,
            sumIf(dtp_90d * toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL) /
                nullIf(sumIf(toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL), 0) AS dtp
        FROM snapshots_latest""",
        {},
    )


def tiers() -> Question:
    """Accounts, exposure and what is past due by tier, in the base currency."""
    return Question(
        "tiers",
        f"""
        SELECT coalesce(tier, '') AS tier, count() AS accounts, sum(exposure_base) AS exposure,
            sum(toFloat64(past_due) * {_BASE}) AS past_due,
            sumIf(dtp_90d * toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL) /
                nullIf(sumIf(toFloat64(paid_90d) * {_BASE}, dtp_90d IS NOT NULL), 0) AS dtp
        FROM snapshots_latest GROUP BY tier
        ORDER BY indexOf(['high', 'medium', 'low'], tier)""",
        {},
    )


def statuses() -> Question:
    """Accounts by status."""
    return Question(
        "statuses",
        "SELECT coalesce(status, '') AS status, count() AS accounts FROM account_status_current GROUP BY status",
        {},
    )


def trend(since: date) -> Question:
    """By week: exposure, past due and weighted days to pay of the book, in the base currency, as the store rolls them up."""
    return Question(
        "trend",
        """
        SELECT week, toFloat64(sum(exposure)) AS exposure, toFloat64(sum(past_due)) AS past_due,
            sum(days_to_pay * toFloat64(paid)) / nullIf(sumIf(toFloat64(paid), days_to_pay IS NOT NULL), 0) AS dtp
        FROM portfolio_weekly WHERE week >= {since:Date} GROUP BY week ORDER BY week""",
        {"since": since},
    )

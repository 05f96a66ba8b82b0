"""Financial statements: the checks that make one usable, tangible net worth, and the six ratios of the scoring matrix.

Source: domain section 6. Which statement counts on which day is agents/signals.py; points are agents/limits.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from agents.calendar import months_after
from agents.policy_outside import Statements

NAMES: Final = (
    "total_assets", "current_assets", "inventory", "total_liabilities", "current_liabilities", "intangibles", "equity",
    "retained_earnings", "prior_retained_earnings", "dividends", "sales", "ebit", "interest_expense", "net_income",
    "operating_cash_flow",
)  # fmt: skip
"""The figures that are read, in the order in which they are stored."""

Amounts = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement as filed. Amounts in minor units of `currency`; days are ordinals."""

    statement_id: str
    event_id: str
    period_end: int
    months: int
    currency: str
    audited: bool | None
    amounts: Amounts

    @property
    def tangible_net_worth(self) -> int | None:
        """TNW = equity − intangibles, in minor units; no intangibles stated: none. None without equity."""
        equity = self.amounts["equity"]
        return None if equity is None else equity - (self.amounts["intangibles"] or 0)

    def stale_after(self, policy: Statements) -> int:
        """The last day on which it is not stale."""
        return months_after(self.period_end, policy.stale_months)


def failed_checks(statement: Statement, before: Statement | None, policy: Statements) -> list[str]:
    """The checks that this statement fails, by name; any of them makes it unusable, not zero.

    A check whose figures are not all stated is passed over. `before` is the newest usable statement of an earlier
    period; one in another currency is not compared. Age is not judged here.
    """
    a = statement.amounts
    assets, liabilities, equity = a["total_assets"], a["total_liabilities"], a["equity"]
    current_assets, current_liabilities = a["current_assets"], a["current_liabilities"]
    failed = []
    tolerance = policy.balance_tolerance * abs(assets or 0)
    if assets is not None and assets <= 0:
        failed.append("total_assets_not_positive")
    if (
        assets is not None
        and liabilities is not None
        and equity is not None
        and abs(assets - liabilities - equity) > tolerance
    ):
        failed.append("assets_not_liabilities_plus_equity")
    if current_assets is not None and assets is not None and current_assets > assets:
        failed.append("current_assets_above_total")
    if current_liabilities is not None and liabilities is not None and current_liabilities > liabilities:
        failed.append("current_liabilities_above_total")
    now, prior, income = a["retained_earnings"], a["prior_retained_earnings"], a["net_income"]
    if assets is not None and now is not None and prior is not None and income is not None:
        expected = prior + income - (a["dividends"] or 0)
        if abs(now - expected) > tolerance:
            failed.append("retained_earnings_do_not_roll_forward")
    if not policy.min_months <= statement.months <= policy.max_months:
        failed.append("period_length")
    if (
        before is not None
        and before.currency == statement.currency
        and _jumped(a, before.amounts, policy.units_jump)
    ):
        failed.append("units_jump")
    return failed


def _jumped(now: Amounts, before: Amounts, jump: float) -> bool:
    for name in ("total_assets", "sales"):
        new, old = now[name], before[name]
        if new and old and new > 0 and old > 0 and (new >= jump * old or old >= jump * new):
            return True
    return False


def ratios(statement: Statement) -> dict[str, float | None]:
    """The six ratios of a usable statement; None where a figure is missing or nothing stands below the line.

    current = CA/CL · quick = (CA − inventory)/CL · liabilities_to_net_worth = TL/TNW (TNW ≤ 0: infinity, the worst) ·
    interest_cover = EBIT/interest (no interest: ±infinity by the sign of EBIT) · cash_flow_to_current_liabilities =
    OCF, over twelve months, / CL · net_margin = net income / sales. Without inventory stated quick is None.
    """
    a = statement.amounts
    current_assets, current_liabilities, inventory = (
        a["current_assets"],
        a["current_liabilities"],
        a["inventory"],
    )
    net_worth, liabilities = statement.tangible_net_worth, a["total_liabilities"]
    ebit, interest, cash_flow = a["ebit"], a["interest_expense"], a["operating_cash_flow"]
    quick_assets = None if current_assets is None or inventory is None else current_assets - inventory
    cover: float | None = None
    if ebit is not None and interest is not None:
        # Interest is stated as an expense, with either sign.
        cover = ebit / abs(interest) if interest else (float("inf") if ebit >= 0 else float("-inf"))
    leverage: float | None = None
    if net_worth is not None and liabilities is not None:
        leverage = liabilities / net_worth if net_worth > 0 else float("inf")
    yearly = None if cash_flow is None else cash_flow * 12 / statement.months
    return {
        "current_ratio": _over(current_assets, current_liabilities),
        "quick_ratio": _over(quick_assets, current_liabilities),
        "liabilities_to_net_worth": leverage,
        "interest_cover": cover,
        "cash_flow_to_current_liabilities": _over(yearly, current_liabilities),
        "net_margin": _over(a["net_income"], a["sales"]),
    }


def _over(above: float | None, below: float | None) -> float | None:
    return None if above is None or below is None or below <= 0 else above / below

"""The records that leave the monitor: figures, alerts, proposals and statuses as the JSON objects of the contract.

Only their shape is made here, as plain dicts for speed; schemas/outputs.py states the same shape as models and a test
holds every record against them. What to emit, and when, is agents/monitor.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from agents.figures import Ageing, Figures
from schemas.money import EXPONENTS

_MONEY: Final = (
    "open_balance", "past_due", "past_due_over_10", "past_due_61", "past_due_91", "unapplied", "disputed", "open_orders",
    "security", "gross_exposure", "exposure", "credit_limit", "high_credit", "prior_high_credit", "paid_30d", "paid_90d",
    "paid_365d", "monthly_purchases", "purchases_30d", "purchases_prior_90d",
)  # fmt: skip
_DAYS: Final = ("fx_as_of", "first_invoice_on", "last_payment_on", "first_due_on")
_SPECIAL: Final = frozenset(
    (*_MONEY, *_DAYS, "as_of", "currency", "ageing", "ageing_disputed", "exposure_base", "dtp_months", "discounts_taken")
)  # fmt: skip
_PLAIN: Final = tuple(f.name for f in fields(Figures) if f.name not in _SPECIAL)


@dataclass(frozen=True, slots=True)
class Output:
    """One record for an output topic. `topic` is the logical name; `at` the RFC 3339 instant of what caused it."""

    topic: str
    account_id: str
    ce_id: str
    ce_type: str
    at: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refusal:
    """The input record itself goes to late or dead letters with this reason; nothing of it was applied.

    `topic` is "late", "dead-letters" (refused input) or "failed" (a dead letter for what a rule of ours raised).
    """

    topic: str
    account_id: str
    reason: str


def day_text(day: int) -> str:
    return date.fromordinal(day).isoformat()


def money_text(minor: int | None, currency: str | None) -> str | None:
    """Minor units as the decimal string of the wire, with the currency's decimals; None stays None."""
    if minor is None or currency is None:
        return None
    exponent = EXPONENTS[currency]
    if exponent == 2:
        return f"{minor // 100}.{minor % 100:02d}" if minor >= 0 else f"-{-minor // 100}.{-minor % 100:02d}"
    if exponent == 0:
        return str(minor)
    unit = 10**exponent
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // unit}.{minor % unit:0{exponent}d}"


def _ageing(ageing: Ageing, currency: str | None) -> dict[str, str | None]:
    return {
        "current": money_text(ageing.current, currency),
        "d1_30": money_text(ageing.d1_30, currency),
        "d31_60": money_text(ageing.d31_60, currency),
        "d61_90": money_text(ageing.d61_90, currency),
        "d91": money_text(ageing.d91, currency),
    }


def snapshot(
    account_id: str,
    name: str | None,
    figures: Figures,
    base: str,
    score: float | None,
    grade: str | None,
    tier: str,
) -> dict[str, Any]:
    """The record of credit.snapshots.v1."""
    currency = figures.currency
    body: dict[str, Any] = {
        "account_id": account_id,
        "account_name": name,
        "as_of": day_text(figures.as_of),
        "currency": currency,
        "score": score,
        "grade": grade,
        "tier": tier,
        "exposure_base": money_text(figures.exposure_base, base),
        "base_currency": base,
        "ageing": _ageing(figures.ageing, currency),
        "ageing_disputed": _ageing(figures.ageing_disputed, currency),
        "dtp_months": list(figures.dtp_months),
        "discounts_taken": list(figures.discounts_taken),
    }
    for field in _MONEY:
        body[field] = money_text(getattr(figures, field), currency)
    for field in _DAYS:
        day = getattr(figures, field)
        body[field] = None if day is None else day_text(day)
    for field in _PLAIN:
        body[field] = getattr(figures, field)
    return body

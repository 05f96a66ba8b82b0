"""How a figure, a level or a day is written: in an alert's evidence, and for a person who reads it.

Words for what a figure is stand in agents/formulas.py; money on the wire is schemas/money.py.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from schemas.money import text

NO_RATE: Final = "no_rate"
"""A level in base currency that no rate converts."""


def as_days(value: float | None) -> float | None:
    """Days, points or a score as evidence shows them, with 2 decimals."""
    return None if value is None else round(value, 2)


def as_share(value: float | None) -> float | None:
    """A share as evidence shows it, with 4 decimals: 0.8 is 80 %."""
    return None if value is None else round(value, 4)


@lru_cache(maxsize=4096)
def iso(day: int) -> str:
    """The day of a date ordinal: 2026-03-01."""
    return date.fromordinal(day).isoformat()


def instant(at: datetime) -> str:
    """An instant as RFC 3339 in UTC: 2026-03-01T09:30:00Z, with its microseconds where it has any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def told_apart(value: Any, level: Any, unit: str, currency: str | None, base: str) -> tuple[str, str]:
    """A figure and the level it is held against, with as many decimals as it takes to see that they differ: 80.04 % of
    80.00 %, not 80.0 % of 80.0 %."""
    for finer in range(_FINEST):
        told, told_level = (shown(one, unit, currency, base, finer) for one in (value, level))
        if told != told_level:
            return told, told_level
    return shown(value, unit, currency, base), shown(level, unit, currency, base)


_FINEST: Final = 6  # decimals more; what differs by less is told as the same


def shown(value: Any, unit: str, currency: str | None, base: str, finer: int = 0) -> str:
    """A figure as a person reads it: 41.2 days, 82.5 %, 14,200.00 EUR, 2026-03-01, none; with so many decimals more."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit in ("money", "base"):
        code = base if unit == "base" else currency
        return str(value) if code is None else f"{grouped(text(int(value), code))} {code}"
    if unit == "days":
        return f"{_rounded(value, 1 + finer)} days" if isinstance(value, float) else f"{value:,} days"
    if unit == "share":
        return f"{value:.{(1 if abs(value) >= 0.1 or value == 0 else 2) + finer}%}"
    if unit == "date":
        return iso(int(value))
    if isinstance(value, float):
        return _rounded(value, 2 + finer).rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


def _rounded(value: float, decimals: int) -> str:
    """With so many decimals, and no minus before a nothing."""
    return f"{round(value, decimals) + 0.0:,.{decimals}f}"


def grouped(amount: str) -> str:
    """14200.00 as 14,200.00."""
    sign, digits = ("-", amount[1:]) if amount.startswith("-") else ("", amount)
    whole, point, cents = digits.partition(".")
    return f"{sign}{int(whole):,}{point}{cents}"

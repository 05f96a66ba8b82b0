"""Exchange rates by day: what one unit of a currency is worth in the base currency, and exact conversion of money.

Where rates come from (the clock, the policy) and which day a fact is valued at is not decided here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from typing import Any, Final

from schemas.money import EXPONENTS

KEPT_DAYS: Final = 470
"""Days of rates that are kept: the reach of the longest window. Older ones are dropped as newer ones come."""

_VERSION: Final = 1
_ONE: Final = Fraction(1)


class Rates:
    """Rates of the clock, kept by day, and the policy's dated ones to fall back on. Missing is None, never 1.

    `base`: the ISO code that every rate is stated in: base units of one unit of the currency. The base's own rate is 1.
    """

    __slots__ = ("_days", "_fallback", "_rates", "base")

    def __init__(self, base: str, dated: Mapping[Any, Mapping[str, Any]] | None = None) -> None:
        self.base = base
        self._days: dict[str, list[int]] = {}
        self._rates: dict[str, list[Fraction]] = {}
        self._fallback: dict[str, tuple[list[int], list[Fraction]]] = {}
        for day, rates in sorted((_ordinal(d), r) for d, r in (dated or {}).items()):
            for currency, rate in rates.items():
                days, values = self._fallback.setdefault(currency, ([], []))
                days.append(day)
                values.append(Fraction(str(rate)))

    def add(self, day: int, rates: Mapping[str, str]) -> None:
        """The rates of a day (a date ordinal), as decimal strings. A day given twice: the later call wins.

        Raises ValueError for a rate that is not a positive decimal.
        """
        for currency, text in rates.items():
            rate = Fraction(text)
            if rate <= 0:
                raise ValueError(f"rate of {currency} is {text}: wanted a positive decimal")
            self._put(currency, day, rate)

    def _put(self, currency: str, day: int, rate: Fraction) -> None:
        days = self._days.setdefault(currency, [])
        values = self._rates.setdefault(currency, [])
        if not days or day > days[-1]:
            days.append(day)
            values.append(rate)
        else:
            place = bisect_left(days, day)
            if days[place] == day:
                values[place] = rate
            else:
                days.insert(place, day)
                values.insert(place, rate)
        surplus = bisect_left(days, days[-1] - KEPT_DAYS)
        if surplus > 1:  # the newest of the old ones stays: it is the rate of the days up to the next
            del days[: surplus - 1], values[: surplus - 1]

    @property
    def empty(self) -> bool:
        """Whether the clock has brought none."""
        return not self._days

    def rate(self, currency: str, day: int) -> Fraction | None:
        """Base units of one unit of `currency`: the clock's newest day <= `day`, else the policy's newest, else None."""
        if currency == self.base:
            return _ONE
        days = self._days.get(currency)
        if days:
            place = bisect_right(days, day)
            if place:
                return self._rates[currency][place - 1]
        fallback = self._fallback.get(currency)
        if fallback:
            place = bisect_right(fallback[0], day)
            if place:
                return fallback[1][place - 1]
        return None

    def rate_day(self, currency: str, day: int) -> int | None:
        """The day that rate() would answer from; `day` itself for the base currency; None without a rate."""
        if currency == self.base:
            return day
        for days in (self._days.get(currency), self._fallback.get(currency, ([],))[0]):
            if days:
                place = bisect_right(days, day)
                if place:
                    return days[place - 1]
        return None

    def cross(self, source: str, target: str, day: int) -> Fraction | None:
        """Minor units of `target` for one minor unit of `source`, as of `day`; None when either rate is missing."""
        if source == target:
            return _ONE
        of_source, of_target = self.rate(source, day), self.rate(target, day)
        if of_source is None or of_target is None:
            return None
        return of_source / of_target * Fraction(10) ** (EXPONENTS[target] - EXPONENTS[source])

    def cross_for_fact(self, source: str, target: str, day: int, today: int) -> Fraction | None:
        """cross() for a fact dated `day`: of the newest day before it; without one, of the first later day <= today."""
        factor = self.cross(source, target, day - 1)
        if factor is not None or source == target:
            return factor
        known = {d for c in (source, target) for d in self._days.get(c, ()) if day <= d <= today}
        known |= {d for c in (source, target) for d in self._fallback.get(c, ([],))[0] if day <= d <= today}
        for later in sorted(known):
            factor = self.cross(source, target, later)
            if factor is not None:
                return factor
        return None

    def convert(self, minor: int, source: str, target: str, day: int) -> int | None:
        """Money in minor units of `target`, rounded half to even on the exact fraction; None without a rate."""
        factor = self.cross(source, target, day)
        return None if factor is None else round(minor * factor)

    def rebased(self, base: str, dated: Mapping[Any, Mapping[str, Any]]) -> Rates:
        """The same days under a policy's base currency and dated rates.

        With another base every day is restated by the new base's own rate of that day; days without one are dropped.
        """
        rates = Rates(base, dated)
        for currency, days in self._days.items():
            for day, value in zip(days, self._rates[currency], strict=True):
                if base == self.base:
                    rates._put(currency, day, value)
                elif currency != base and (of_base := self.rate(base, day)) is not None:
                    rates._put(currency, day, value / of_base)
        if base != self.base:
            for day, value in zip(self._days.get(base, ()), self._rates.get(base, ()), strict=True):
                rates._put(self.base, day, 1 / value)
        return rates

    def dump(self) -> list[Any]:
        """The clock's rates as a list that orjson writes; the policy's own are not in it."""
        return [
            _VERSION,
            self.base,
            {c: [d, [_text(r) for r in self._rates[c]]] for c, d in sorted(self._days.items())},
        ]

    @classmethod
    def load(cls, stored: list[Any]) -> Rates:
        """The inverse of dump(), without the policy's rates: rebased() brings them back."""
        version, base, by_currency = stored
        if version != _VERSION:
            raise ValueError(f"rates of version {version}: this engine reads version {_VERSION}")
        rates = cls(base)
        for currency, (days, values) in by_currency.items():
            rates._days[currency] = list(days)
            rates._rates[currency] = [Fraction(v) for v in values]
        return rates


def _text(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}" if rate.denominator != 1 else str(rate.numerator)


def _ordinal(day: Any) -> int:
    if isinstance(day, int):
        return day
    return (day if isinstance(day, date) else date.fromisoformat(str(day))).toordinal()

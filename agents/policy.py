"""The policy: every number by which accounts are judged, as one frozen whole.

Its sections are policy_figures.py, policy_triggers.py, policy_outside.py and policy_limits.py; reading the file's text is
policy_text.py. Only the shape and the refusals live here; the numbers stand in deploy/policy.toml, and nowhere else.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from agents.policy_figures import DriftRule, FiguresRule
from agents.policy_limits import Approval, Limits, Status, Tiers
from agents.policy_outside import Bureau, News, Statements
from agents.policy_parts import Contradiction, Part
from agents.policy_triggers import Alerts, Triggers
from schemas.money import EXPONENTS


def _ordinals(value: object) -> object:
    if isinstance(value, list) and all(type(day) is date for day in value):
        return frozenset(day.toordinal() for day in value)
    raise ValueError("write it as a list of dates, for example [2026-01-01, 2026-12-25]")


def _ordinal(value: object) -> object:
    if type(value) is not date:
        raise ValueError("write it as a date, for example 2026-01-01")
    return value.toordinal()


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value!r} is no time zone: write it as UTC or Europe/Berlin") from None
    return value


def _rates(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError('write it as "2026-01-01" = { EUR = "1.0842" }')
    out: dict[int, dict[str, str]] = {}
    for day, rates in value.items():
        try:
            ordinal = date.fromisoformat(day).toordinal()
        except ValueError:
            raise ValueError(f"{day!r} is no date: write it as YYYY-MM-DD") from None
        if not isinstance(rates, dict):
            raise Contradiction(day, 'write it as { EUR = "1.0842" }')
        for code, rate in rates.items():
            if code not in EXPONENTS:
                raise Contradiction(day, f"{code!r} is no ISO 4217 code")
            try:
                good = isinstance(rate, str) and Decimal(rate) > 0 and Decimal(rate).is_finite()
            except InvalidOperation:
                good = False
            if not good:
                raise Contradiction(
                    day, f'{code}: write the rate as a decimal string above 0, such as "1.0842"'
                )
        out[ordinal] = rates
    return out


def _currency(value: str) -> str:
    if value not in EXPONENTS:
        raise ValueError(f"{value!r} is no ISO 4217 code")
    return value


class Policy(Part):
    """The whole policy, frozen. Plain attributes all the way down; days are date ordinals, amounts whole base units.

    Whoever judges an account is handed the Policy of its tier and segment, see of(): no function below has to know that
    there are others.
    """

    base_currency: Annotated[str, AfterValidator(_currency)]
    time_zone: Annotated[str, AfterValidator(_zone)]
    live_from: Annotated[int | None, BeforeValidator(_ordinal)] = None
    figures: FiguresRule
    drift: DriftRule
    alerts: Alerts
    triggers: Triggers
    bureau: Bureau
    statements: Statements
    news: News
    limits: Limits
    approval: Approval
    tiers: Tiers
    status: Status
    holidays: dict[
        Annotated[str, Field(pattern=r"^[A-Z]{2}$")], Annotated[frozenset[int], BeforeValidator(_ordinals)]
    ]
    rates: Annotated[dict[int, dict[str, str]], BeforeValidator(_rates)]

    @model_validator(mode="after")
    def _whole(self) -> Policy:
        for day, rates in self.rates.items():
            if Decimal(rates.get(self.base_currency, "1")) != 1:
                raise Contradiction(
                    f"rates.{date.fromordinal(day)}",
                    f"{self.base_currency} is the base currency: rates are {self.base_currency} for one unit of another",
                )
        return self

    @cached_property
    def variants(self) -> dict[tuple[str | None, str | None], Policy]:
        """The policies of tiers and segments with numbers of their own, filled by load_policy()."""
        # No private attribute of pydantic's: every event asks for it, and those are looked up five times as slowly.
        return {}

    @property
    def base_unit(self) -> int:
        """Minor units in one unit of the base currency."""
        return int(10 ** EXPONENTS[self.base_currency])

    def holidays_of(self, country: str | None) -> frozenset[int]:
        """The holidays of a country as date ordinals; none of a country that is not known or has no table."""
        return _NO_HOLIDAYS if country is None else self.holidays.get(country, _NO_HOLIDAYS)

    def of(self, tier: str | None, segment: str | None) -> Policy:
        """What holds for an account of this tier (as of the tick before) and segment (its industry): a tier's overrides
        go before its segment's, and both before the policy's own numbers."""
        variants = self.variants
        if not variants:
            return self
        name = None if segment is None else segment.casefold()
        for key in ((tier, name), (tier, None), (None, name)):
            if key in variants:
                return variants[key]
        return self

    def going_live(self, day: int) -> Policy:
        """The same policy with another live_from, its variants too."""
        variants = {key: variant.going_live(day) for key, variant in self.variants.items()}
        return self.model_copy(update={"live_from": day, "variants": variants})


_NO_HOLIDAYS: Final[frozenset[int]] = frozenset()


@lru_cache(maxsize=256)
def exact(number: float) -> Fraction:
    """A number of the policy as it is written there: 0.29 in binary is less."""
    return Fraction(str(number))

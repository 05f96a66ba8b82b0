"""The policy: every number by which accounts are judged, read from one TOML file and validated as a whole.

Only the shape, the refusals and the hash live here; the numbers stand in deploy/policy.toml, and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from schemas.money import EXPONENTS


class PolicyError(ValueError):
    """A policy that is refused: `key` is the dotted path, `line` the line in the text (0: the file as a whole)."""

    def __init__(self, key: str, line: int, reason: str) -> None:
        where = ", ".join(("policy", *((f"line {line}",) if line else ()), *((key,) if key else ())))
        super().__init__(f"{where}: {reason}")
        self.key = key
        self.line = line
        self.reason = reason


class _Contradiction(ValueError):
    """Two numbers that can not both stand; `field` is the one whose line is named."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


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
            raise ValueError(f'{day}: write it as {{ EUR = "1.0842" }}')
        for code, rate in rates.items():
            if code not in EXPONENTS:
                raise ValueError(f"{code!r} is no ISO 4217 code")
            try:
                good = isinstance(rate, str) and Decimal(rate) > 0 and Decimal(rate).is_finite()
            except InvalidOperation:
                good = False
            if not good:
                raise ValueError(
                    f'{day}, {code}: write the rate as a decimal string above 0, such as "1.0842"'
                )
        out[ordinal] = rates
    return out


def _rank_up(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("a class stands twice in the order")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError(f"write a number, not {json.dumps(value)}")
    return value


Severity = Annotated[int, Field(ge=1, le=5)]
Days = Annotated[int, Field(ge=1, le=3650)]
Count = Annotated[int, Field(ge=1, le=1000)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
BaseAmount = Annotated[int, Field(ge=0, le=10**12)]  # whole units of the base currency
Grade = Literal["A", "B", "C", "D", "E"]
Tier = Literal["low", "medium", "high"]
FilingStatus = Literal["released", "satisfied", "discharged"]
Scale = tuple[Number, Number]  # [worst, best]

GRADES: Final[tuple[Grade, ...]] = ("A", "B", "C", "D", "E")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    @field_validator("*", mode="before")
    @classmethod
    def _written_as_it_is(cls, value: Any, info: ValidationInfo) -> Any:
        """pydantic takes true for 1 and "2" for 2: a slip of the pen must not become a threshold."""
        wanted = cls.model_fields[info.field_name or ""].annotation
        if wanted is bool and not isinstance(value, bool):
            raise ValueError("write true or false")
        return _number(value) if wanted in (int, float) else value


def _above(part: BaseModel, upper: str, lower: str, why: str) -> None:
    if getattr(part, lower) >= getattr(part, upper):
        raise _Contradiction(lower, f"must be below {upper}: {why}")


class Figures(_Part):
    """The windows and constants of domain section 1."""

    short_days: Days
    mid_days: Days
    long_days: Days
    runs_for_baseline: Count
    baseline_from_days: Days
    baseline_to_days: Days
    rising_days: Days
    high_credit_days: Days
    peak_utilization_days: Days
    first_payments_days: Days
    reach_days: Days
    default_terms_days: Annotated[int, Field(ge=0, le=3650)]
    kaplan_meier_days: Days
    kaplan_meier_paid_share: Share
    kaplan_meier_tau_days: Days
    overdue_surprise_prior: Positive
    dso_days: Days
    promise_kept_share: Share
    promise_grace_business_days: Annotated[int, Field(ge=0, le=30)]
    promises_recent_days: Days
    reversals_days: Days
    provisional_days: Days
    purchases_days: Days
    purchases_prior_days: Days
    monthly_purchases_days: Days
    monthly_purchases_min_days: Days
    pay_index: tuple[tuple[Number, Share | Annotated[float, Field(ge=0, le=100)]], ...]

    @model_validator(mode="after")
    def _ordered(self) -> Figures:
        _above(self, "baseline_from_days", "baseline_to_days", "the window would be empty")
        _above(self, "mid_days", "short_days", "the windows are named short, mid and long")
        _above(self, "long_days", "mid_days", "the windows are named short, mid and long")
        _above(
            self, "monthly_purchases_days", "monthly_purchases_min_days", "it is the least history of the two"
        )
        days = [day for day, _ in self.pay_index]
        index = [points for _, points in self.pay_index]
        if len(days) < 2 or days != sorted(set(days)) or index != sorted(set(index), reverse=True):
            raise _Contradiction("pay_index", "days must rise and the index must fall from point to point")
        return self


class Drift(_Part):
    """Domain section 3."""

    sigma_floor_days: Positive
    mad_factor: Positive
    theil_sen_from_runs: Count
    theil_sen_last_runs: Annotated[int, Field(ge=3, le=100)]
    theil_sen_confidence: Annotated[float, Field(gt=0.5, lt=1)]
    ewma_from_runs: Count
    ewma_lambda: Annotated[float, Field(gt=0, le=1)]
    ewma_limit: Positive
    cusum_from_runs: Count
    cusum_k: Annotated[float, Field(ge=0)]
    cusum_h: Positive
    segment_weight: Annotated[int, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Drift:
        _above(self, "ewma_from_runs", "theil_sen_from_runs", "the tests follow each other by number of runs")
        _above(self, "cusum_from_runs", "ewma_from_runs", "the tests follow each other by number of runs")
        return self


class Alerts(_Part):
    ticks_in_a_row: Annotated[int, Field(ge=1, le=30)]
    escalation_growth: Annotated[float, Field(gt=1, le=100)]
    cooldown_days_low: Annotated[int, Field(ge=0, le=365)]
    cooldown_days_mid: Annotated[int, Field(ge=0, le=365)]


class _Trigger(_Part):
    severity: Severity


class PaymentDrift(_Trigger):
    days_over_baseline: Positive
    times_baseline: Annotated[float, Field(ge=1)]
    dbt_over_baseline: Number
    clear_days_over_baseline: Number

    @model_validator(mode="after")
    def _ordered(self) -> PaymentDrift:
        _above(self, "days_over_baseline", "clear_days_over_baseline", "an alert would clear where it fires")
        return self


class SlippingEachMonth(_Trigger):
    days_in_all: Positive


class OverdueSurprise(_Trigger):
    p_below: Share
    invoices_at_least: Count
    days_past_due: Days


class PastDueShare(_Trigger):
    share_over: Share
    clear_share: Share

    @model_validator(mode="after")
    def _ordered(self) -> PastDueShare:
        _above(self, "share_over", "clear_share", "an alert would clear where it fires")
        return self


class SeriouslyPastDue(_Trigger):
    base_amount: BaseAmount


class Delinquent(_Trigger):
    base_amount: BaseAmount
    share_of_balance: Share


class Utilization(_Trigger):
    utilization: Positive
    clear_utilization: Positive

    @model_validator(mode="after")
    def _ordered(self) -> Utilization:
        _above(self, "utilization", "clear_utilization", "an alert would clear where it fires")
        return self


class ExposureWithoutLimit(_Trigger):
    pass


class OrderSurge(_Trigger):
    growth: Positive
    invoices_before: Count
    dbt_over_baseline: Number


class PurchasesCollapse(_Trigger):
    fall: Share
    clear_fall: Share
    invoices_before: Count

    @model_validator(mode="after")
    def _ordered(self) -> PurchasesCollapse:
        _above(self, "fall", "clear_fall", "an alert would clear where it fires")
        return self


class NewHighCredit(_Trigger):
    times_peak: Annotated[float, Field(ge=1)]
    history_days: Days
    utilization: Share


class Repeated(_Trigger):
    severity_repeated: Severity
    repeated: Annotated[int, Field(ge=2, le=100)]

    @model_validator(mode="after")
    def _ordered(self) -> Repeated:
        if self.severity_repeated < self.severity:
            raise _Contradiction("severity_repeated", "must not be below severity")
        return self


class PartialPayments(_Trigger):
    of_last_five: Annotated[int, Field(ge=1, le=5)]
    clear_of_last_five: Annotated[int, Field(ge=0, le=5)]

    @model_validator(mode="after")
    def _ordered(self) -> PartialPayments:
        _above(self, "of_last_five", "clear_of_last_five", "an alert would clear where it fires")
        return self


class DisputeSpike(_Trigger):
    base_amount: BaseAmount
    share_over: Share
    times_base_rate: Positive
    base_rate_floor: Share
    clear_share: Share

    @model_validator(mode="after")
    def _ordered(self) -> DisputeSpike:
        _above(self, "share_over", "clear_share", "an alert would clear where it fires")
        return self


class DiscountsAbandoned(_Trigger):
    missed_in_a_row: Annotated[int, Field(ge=1, le=7)]
    taken_before: Annotated[int, Field(ge=1, le=7)]
    of_before: Annotated[int, Field(ge=1, le=7)]

    @model_validator(mode="after")
    def _ordered(self) -> DiscountsAbandoned:
        if self.taken_before > self.of_before:
            raise _Contradiction("taken_before", "must not be above of_before")
        if self.missed_in_a_row + self.of_before > 8:
            raise _Contradiction(
                "of_before", "with missed_in_a_row it must not be above 8, the discounts that are kept"
            )
        return self


class BureauDowngrade(_Trigger):
    points: Positive
    classes: Count
    clear_points: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _ordered(self) -> BureauDowngrade:
        _above(self, "points", "clear_points", "an alert would clear where it fires")
        return self


class AgencyLimitCut(_Trigger):
    severity_zero: Severity
    cut: Annotated[float, Field(gt=0, le=1)]


class LegalFiling(_Trigger):
    base_amount: BaseAmount
    share_of_net_worth: Share
    clears_on: tuple[FilingStatus, ...] = Field(min_length=1)


class FilingTrigger(_Trigger):
    clears_on: tuple[FilingStatus, ...] = Field(min_length=1)


class AdverseNews(_Part):
    score: Annotated[float, Field(ge=0.5, le=5)]
    clear_score: Annotated[float, Field(gt=0, le=5)]

    @model_validator(mode="after")
    def _ordered(self) -> AdverseNews:
        if self.clear_score > self.score:
            raise _Contradiction(
                "clear_score", "must not be above score: an alert would clear where it fires"
            )
        return self


class SanctionsMatch(_Trigger):
    severity_possible: Severity


class StatementsStale(_Trigger):
    pass


class RelatedPartyDistress(_Trigger):
    their_severity: Severity


class Concentration(_Trigger):
    share_over: Share
    clear_share: Share
    book_accounts: Count

    @model_validator(mode="after")
    def _ordered(self) -> Concentration:
        _above(self, "share_over", "clear_share", "an alert would clear where it fires")
        return self


class Triggers(_Part):
    """Domain section 4, one table a trigger."""

    payment_drift: PaymentDrift
    payment_drift_severe: PaymentDrift
    slipping_each_month: SlippingEachMonth
    overdue_surprise: OverdueSurprise
    past_due_share: PastDueShare
    seriously_past_due: SeriouslyPastDue
    delinquent: Delinquent
    utilization_high: Utilization
    over_limit: Utilization
    exposure_without_limit: ExposureWithoutLimit
    order_surge: OrderSurge
    purchases_collapse: PurchasesCollapse
    new_high_credit: NewHighCredit
    payment_reversed: Repeated
    promise_broken: Repeated
    partial_payments: PartialPayments
    dispute_spike: DisputeSpike
    discounts_abandoned: DiscountsAbandoned
    bureau_downgrade: BureauDowngrade
    agency_limit_cut: AgencyLimitCut
    legal_filing: LegalFiling
    new_charge: FilingTrigger
    adverse_news: AdverseNews
    insolvency: FilingTrigger
    sanctions_match: SanctionsMatch
    statements_stale: StatementsStale
    related_party_distress: RelatedPartyDistress
    concentration: Concentration

    @model_validator(mode="after")
    def _ordered(self) -> Triggers:
        drift, severe = self.payment_drift, self.payment_drift_severe
        if severe.days_over_baseline <= drift.days_over_baseline:
            raise _Contradiction(
                "payment_drift_severe.days_over_baseline",
                "must be above payment_drift's, which it supersedes",
            )
        if self.over_limit.utilization < self.utilization_high.utilization:
            raise _Contradiction("over_limit.utilization", "must not be below utilization_high's")
        return self


class Agency(_Part):
    classes: Annotated[tuple[str, ...], AfterValidator(_rank_up)]  # best first
    limit_multiplier: Annotated[float, Field(ge=0, le=10)]


class Bureau(_Part):
    best_days: Days
    keep_days: Days
    score_days: Days
    stale_days: Days
    stale_weight: Annotated[float, Field(gt=0, le=1)]
    filing_keep_days: Days
    agencies: dict[str, Agency]

    @model_validator(mode="after")
    def _ordered(self) -> Bureau:
        for window in ("best_days", "score_days"):
            if getattr(self, window) > self.keep_days:
                raise _Contradiction(window, "must not be above keep_days: reports are forgotten after that")
        _above(self, "score_days", "stale_days", "a stale report still scores, with less weight")
        return self


class Statements(_Part):
    stale_months: Annotated[int, Field(ge=1, le=120)]
    usable_months: Annotated[int, Field(ge=1, le=120)]
    balance_tolerance: Annotated[float, Field(ge=0, lt=1)]
    units_jump: Annotated[float, Field(gt=1)]
    min_months: Annotated[int, Field(ge=1, le=60)]
    max_months: Annotated[int, Field(ge=1, le=60)]

    @model_validator(mode="after")
    def _ordered(self) -> Statements:
        _above(self, "usable_months", "stale_months", "a stale statement is still used for a while")
        _above(self, "max_months", "min_months", "no period would pass")
        return self


class NewsCategory(_Part):
    severity: Severity
    half_life_days: Annotated[float, Field(gt=0)]  # inf: it never decays


NEWS_CATEGORIES: Final = (
    "bankruptcy", "insolvency", "sanctions", "payment_default", "going_concern", "creditor_petition", "licence_loss",
    "restatement", "fraud", "covenant_breach", "downgrade", "auditor_resignation", "delisting", "plant_closure",
    "supplier_tightening", "leveraged_buyout", "major_customer_lost", "layoffs", "cfo_exit", "recall", "cyber",
    "merger_acquisition", "ceo_exit", "dividend_cut", "hiring_freeze", "rumour", "litigation",
)  # fmt: skip


class News(_Part):
    default_trust: Share
    uncorroborated_cap: Annotated[float, Field(ge=0, le=5)]
    corroboration_days: Days
    story_days: Days
    litigation_mid_share: Positive
    litigation_high_share: Positive
    categories: dict[str, NewsCategory]
    trust: dict[str, Share]

    @model_validator(mode="after")
    def _whole(self) -> News:
        _above(self, "litigation_high_share", "litigation_mid_share", "the greater claim is the worse one")
        for name in self.categories:
            if name not in NEWS_CATEGORIES:
                raise _Contradiction(f"categories.{name}", "is no category of the taxonomy")
        for name in NEWS_CATEGORIES:
            if name not in self.categories:
                raise _Contradiction("categories", f"{name} is missing")
        return self


class OwnPayments(_Part):
    weight: Annotated[float, Field(ge=0)]
    worst: Number
    best: Number
    runs: Count


class Financials(_Part):
    weight: Annotated[float, Field(ge=0)]
    current_ratio: Scale
    quick_ratio: Scale
    liabilities_to_net_worth: Scale
    interest_cover: Scale
    cash_flow_to_current_liabilities: Scale
    net_margin: Scale

    @model_validator(mode="after")
    def _ordered(self) -> Financials:
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name != "weight" and value[0] == value[1]:
                raise _Contradiction(name, "worst and best must differ")
        return self


class BureauWeight(_Part):
    weight: Annotated[float, Field(ge=0)]


class References(_Part):
    weight: Annotated[float, Field(ge=0)]
    worst: Number
    best: Number


class Tenure(_Part):
    weight: Annotated[float, Field(ge=0)]
    best_years: Positive
    from_years: Annotated[float, Field(ge=0)]


class Events(_Part):
    weight: Annotated[float, Field(gt=0)]
    points_per_severity: Positive


class Score(_Part):
    own_payments: OwnPayments
    financials: Financials
    bureau: BureauWeight
    references: References
    tenure: Tenure
    events: Events

    @model_validator(mode="after")
    def _ordered(self) -> Score:
        for name in ("own_payments", "references"):
            part = getattr(self, name)
            if part.worst == part.best:
                raise _Contradiction(f"{name}.worst", "must differ from best")
        return self


class GradeRule(_Part):
    from_score: Annotated[float, Field(ge=0, le=100, alias="from")]
    multiplier: Annotated[float, Field(ge=0, le=10)]


class Grades(_Part):
    A: GradeRule
    B: GradeRule
    C: GradeRule
    D: GradeRule
    E: GradeRule

    @model_validator(mode="after")
    def _ordered(self) -> Grades:
        for better, worse in pairwise(GRADES):
            above, below = getattr(self, better), getattr(self, worse)
            if below.from_score >= above.from_score:
                raise _Contradiction(f"{worse}.from", f"must be below that of {better}")
            if below.multiplier > above.multiplier:
                raise _Contradiction(f"{worse}.multiplier", f"must not be above that of {better}")
        if self.E.from_score != 0:
            raise _Contradiction("E.from", "must be 0: every score has a grade")
        return self


class Raise(_Part):
    first_due_days: Days
    payment_runs: Count
    worst_dbt: Number
    peak_utilization: Share
    paid_within_days: Days
    times_current: Annotated[float, Field(gt=1)]


class Cut(_Part):
    grades: tuple[Grade, ...]
    severity: Severity


class Hold(_Part):
    severity: Severity


class Limits(_Part):
    cycle_days: Days
    net_worth_share: Share
    significant_digits: Annotated[int, Field(ge=1, le=6)]
    missing_caps_grade: Grade
    no_substance_caps_grade: Grade
    hysteresis_days: Annotated[int, Field(ge=0, le=365)]
    hysteresis_change: Share
    escalate_days: Days
    score: Score
    grades: Grades
    raise_: Raise = Field(alias="raise")
    cut: Cut
    hold: Hold


class Approval(_Part):
    analyst_up_to: BaseAmount
    manager_up_to: BaseAmount
    auto_up_to: BaseAmount
    auto_tiers: tuple[Tier, ...]
    auto_directions: tuple[Literal["open", "raise"], ...]

    @model_validator(mode="after")
    def _ordered(self) -> Approval:
        _above(self, "manager_up_to", "analyst_up_to", "the bands of approvers must rise")
        if self.auto_up_to > self.manager_up_to:
            raise _Contradiction("auto_up_to", "must not be above manager_up_to: a controller decides there")
        return self


class LowTier(_Part):
    grades: tuple[Grade, ...]
    severity_at_most: Annotated[int, Field(ge=0, le=5)]
    demands_statements: bool


class MediumTier(_Part):
    demands_statements: bool


class HighTier(_Part):
    grades: tuple[Grade, ...]
    severity_from: Severity
    demands_statements: bool


class Tiers(_Part):
    low: LowTier
    medium: MediumTier
    high: HighTier

    @model_validator(mode="after")
    def _ordered(self) -> Tiers:
        if self.low.severity_at_most >= self.high.severity_from:
            raise _Contradiction("low.severity_at_most", "must be below high.severity_from")
        both = set(self.low.grades) & set(self.high.grades)
        if both:
            raise _Contradiction("high.grades", f"{min(both)} stands in low.grades as well")
        return self


class Status(_Part):
    prepay_grades: tuple[Grade, ...]
    hold_severity: Severity
    watch_severity: Severity

    @model_validator(mode="after")
    def _ordered(self) -> Status:
        _above(self, "hold_severity", "watch_severity", "hold is the graver status")
        return self


def _currency(value: str) -> str:
    if value not in EXPONENTS:
        raise ValueError(f"{value!r} is no ISO 4217 code")
    return value


class Policy(_Part):
    """The whole policy, frozen. Plain attributes all the way down; days are date ordinals, amounts whole base units.

    Whoever judges an account is handed the Policy of its tier and segment, see of(): no function below has to know that
    there are others.
    """

    base_currency: Annotated[str, AfterValidator(_currency)]
    time_zone: Annotated[str, AfterValidator(_zone)]
    live_from: Annotated[int | None, BeforeValidator(_ordinal)] = None
    figures: Figures
    drift: Drift
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
        reach = self.figures.reach_days
        if reach < self.figures.long_days:
            raise _Contradiction(
                "figures.reach_days", "must not be below figures.long_days: facts in the window must count"
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
_HEADER: Final = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?$")
_ASSIGNMENT: Final = re.compile(
    r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of every table and key that stands on a line of its own (tomllib tells no lines)."""
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        assignment = None if header else _ASSIGNMENT.match(line)
        if header:
            table = _keys(header[1])
            lines.setdefault(table, number)
        elif assignment:
            lines.setdefault(table + _keys(assignment[1]), number)
    return lines


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip("\"'") for key in _KEY.findall(dotted))


_UNKNOWN: Final = "unknown key"


def _line(lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    while path:
        if path in lines:
            return lines[path]
        below = [line for key, line in lines.items() if key[: len(path)] == path]
        if below:
            return min(below)
        path = path[:-1]
    return 0


def _error(error: ValidationError, text: str) -> PolicyError:
    """The first thing wrong, in the order of the lines; a misspelt key before the one that is missing for it."""
    lines = key_lines(text)
    found: list[PolicyError] = []
    for item in error.errors(include_url=False):
        path = tuple(str(part) for part in item["loc"])
        cause: Any = item.get("ctx", {}).get("error")
        if item["type"] == "missing":
            reason = "missing; the policy states every number"
        elif item["type"] == "extra_forbidden":
            reason = _UNKNOWN
        elif isinstance(cause, _Contradiction):
            path += tuple(cause.field.split("."))
            reason = cause.reason
        elif cause is not None:
            reason = str(cause)
        else:
            reason = f"{item['msg'][0].lower()}{item['msg'][1:]}, got {item['input']!r}"
        found.append(PolicyError(".".join(path), _line(lines, path), reason))
    return min(found, key=lambda refused: (refused.reason != _UNKNOWN, refused.line, refused.key))


def load_policy(text: str) -> Policy:
    """The policy that `text` (TOML) states. Raises PolicyError (key, line, reason) for the first mistake."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise PolicyError(
            "", int(at[1]) if at else len(text.splitlines()), f"no valid TOML: {error}"
        ) from None
    overrides = content.pop("overrides", {})
    try:
        policy = Policy.model_validate(content)
    except ValidationError as error:
        raise _error(error, text) from None
    policy.variants.update(_variants(content, overrides, text))
    return policy


OVERRIDABLE: Final = ("triggers", "alerts", "limits", "approval", "status")
"""What may differ by tier and segment: how figures are judged. What the figures are is the same for every account."""


def _variants(
    content: dict[str, Any], overrides: Any, text: str
) -> dict[tuple[str | None, str | None], Policy]:
    """The policy of every tier and segment that has numbers of its own, and of the two together; each valid as a whole.

    Raises PolicyError.
    """
    lines = key_lines(text)
    by_tier, by_segment = _overridden(overrides, lines)
    made: dict[tuple[str | None, str | None], Policy] = {}
    for tier in (None, *by_tier):
        for segment in (None, *by_segment):
            if tier is None and segment is None:
                continue
            changed: dict[str, Any] = content
            path: tuple[str, ...] = ("overrides",)
            if segment is not None:
                changed, path = _merged(changed, by_segment[segment]), ("overrides", "segment", segment)
            if tier is not None:
                changed, path = _merged(changed, by_tier[tier]), ("overrides", "tier", tier)
            try:
                made[tier, segment] = Policy.model_validate(changed)
            except ValidationError as error:
                wrong = _error(error, "")
                where = (*path, *wrong.key.split("."))
                raise PolicyError(".".join(where), _line(lines, where), wrong.reason) from None
    return {(t, None if s is None else s.casefold()): policy for (t, s), policy in made.items()}


def _overridden(
    overrides: Any, lines: Mapping[tuple[str, ...], int]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The overrides by tier and by segment; refuses what is none."""

    def refuse(reason: str, *path: str) -> PolicyError:
        return PolicyError(".".join(("overrides", *path)), _line(lines, ("overrides", *path)), reason)

    if not isinstance(overrides, dict):
        raise refuse("write it as tables: [overrides.tier.high.triggers.utilization_high]")
    for kind, names in overrides.items():
        if kind not in ("tier", "segment"):
            raise refuse("unknown; there are overrides.tier and overrides.segment", kind)
        for name, parts in names.items() if isinstance(names, dict) else ():
            if kind == "tier" and name not in get_args(Tier):
                raise refuse(f"no tier; there are {', '.join(get_args(Tier))}", kind, name)
            for part in parts if isinstance(parts, dict) else ():
                if part not in OVERRIDABLE:
                    raise refuse(
                        f"can not differ by {kind}; what may: {', '.join(OVERRIDABLE)}", kind, name, part
                    )
            if not isinstance(parts, dict):
                raise refuse("write it as a table", kind, name)
        if not isinstance(names, dict):
            raise refuse("write it as a table", kind)
    segments = overrides.get("segment", {})
    if len({name.casefold() for name in segments}) < len(segments):
        raise refuse("two segments differ by capital letters only", "segment")
    return overrides.get("tier", {}), segments


def _merged(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`content` with the numbers of `changes` in place of its own, table by table."""
    out = dict(content)
    for key, value in changes.items():
        known = out.get(key)
        out[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return out


@lru_cache(maxsize=256)
def exact(number: float) -> Fraction:
    """A number of the policy as it is written there: 0.29 in binary is less."""
    return Fraction(str(number))


def policy_hash(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the content: comments, order and layout do not count.

    Raises PolicyError when the text is no TOML.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError("", 0, f"no valid TOML: {error}") from None
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_canonical)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _canonical(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise PolicyError("", 0, f"{value!r} has no place in a policy")


@lru_cache(maxsize=65536)
def months_after(day: int, months: int) -> int:
    """The date so many calendar months after `day`, both ordinals; a month without that day: its last."""
    start = date.fromordinal(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    for last in (start.day, 30, 29, 28):
        if last <= start.day:
            try:
                return date(year, month + 1, last).toordinal()
            except ValueError:
                continue
    raise ValueError("no such day")  # pragma: no cover: every month has 28 days


def half_lives(age_days: int, half_life_days: float) -> float:
    """2^(−age/half-life): what an age leaves; 1.0 with an infinite half-life."""
    return 1.0 if math.isinf(half_life_days) else float(2.0 ** (-age_days / half_life_days))

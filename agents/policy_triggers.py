"""The policy's sections of alerts: a table for each trigger, and how alerts fire, grow and cool down.

Only the shape and the refusals; the numbers stand in deploy/policy.toml. The triggers themselves are agents/triggers.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agents.policy_parts import (
    BaseAmount,
    Contradiction,
    Count,
    Days,
    Lateness,
    Part,
    Points,
    Positive,
    PositiveShare,
    Severity,
    Share,
    Times,
    above,
    not_below,
)

FilingStatus = Literal["released", "satisfied", "discharged"]


class Alerts(Part):
    ticks_in_a_row: Annotated[int, Field(ge=1, le=30)]
    escalation_growth: Annotated[float, Field(gt=1, le=100)]
    cooldown_days_low: Annotated[int, Field(ge=0, le=365)]
    cooldown_days_mid: Annotated[int, Field(ge=0, le=365)]


class _Trigger(Part):
    severity: Severity


class PaymentDrift(_Trigger):
    days_over_baseline: Positive
    times_baseline: Times
    dbt_over_baseline: Lateness
    clear_days_over_baseline: Lateness

    @model_validator(mode="after")
    def _ordered(self) -> PaymentDrift:
        above(self, "days_over_baseline", "clear_days_over_baseline", "an alert would clear where it fires")
        return self


class SlippingEachMonth(_Trigger):
    days_in_all: Positive


class OverdueSurprise(_Trigger):
    p_below: Share
    invoices_at_least: Count
    days_past_due: Days


class PastDueShare(_Trigger):
    share_over: Share
    clear_share: PositiveShare  # at 0 it would never clear

    @model_validator(mode="after")
    def _ordered(self) -> PastDueShare:
        above(self, "share_over", "clear_share", "an alert would clear where it fires")
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
        above(self, "utilization", "clear_utilization", "an alert would clear where it fires")
        return self


class ExposureWithoutLimit(_Trigger):
    pass


class OrderSurge(_Trigger):
    growth: Positive
    invoices_before: Count
    dbt_over_baseline: Lateness


class PurchasesCollapse(_Trigger):
    fall: Share
    clear_fall: Share
    invoices_before: Count

    @model_validator(mode="after")
    def _ordered(self) -> PurchasesCollapse:
        above(self, "fall", "clear_fall", "an alert would clear where it fires")
        return self


class NewHighCredit(_Trigger):
    times_peak: Times
    history_days: Days
    utilization: Share


class Repeated(_Trigger):
    severity_repeated: Severity
    repeated: Annotated[int, Field(ge=2, le=100)]

    @model_validator(mode="after")
    def _ordered(self) -> Repeated:
        not_below(self, "severity_repeated", "severity", "a second one is the graver")
        return self


class PartialPayments(_Trigger):
    of_last_five: Annotated[int, Field(ge=1, le=5)]
    clear_of_last_five: Annotated[int, Field(ge=0, le=5)]

    @model_validator(mode="after")
    def _ordered(self) -> PartialPayments:
        above(self, "of_last_five", "clear_of_last_five", "an alert would clear where it fires")
        return self


class DisputeSpike(_Trigger):
    base_amount: BaseAmount
    share_over: Share
    times_base_rate: Positive
    base_rate_floor: Share
    clear_share: PositiveShare

    @model_validator(mode="after")
    def _ordered(self) -> DisputeSpike:
        above(self, "share_over", "clear_share", "an alert would clear where it fires")
        return self


class DiscountsAbandoned(_Trigger):
    missed_in_a_row: Annotated[int, Field(ge=1, le=7)]
    taken_before: Annotated[int, Field(ge=1, le=7)]
    of_before: Annotated[int, Field(ge=1, le=7)]

    @model_validator(mode="after")
    def _ordered(self) -> DiscountsAbandoned:
        if self.taken_before > self.of_before:
            raise Contradiction("taken_before", "must not be above of_before")
        if self.missed_in_a_row + self.of_before > 8:
            raise Contradiction(
                "of_before", "with missed_in_a_row it must not be above 8, the discounts that are kept"
            )
        return self


class BureauDowngrade(_Trigger):
    points: Points
    classes: Count
    clear_points: Points

    @model_validator(mode="after")
    def _ordered(self) -> BureauDowngrade:
        above(self, "points", "clear_points", "an alert would clear where it fires")
        return self


class AgencyLimitCut(_Trigger):
    severity_zero: Severity
    cut: PositiveShare

    @model_validator(mode="after")
    def _ordered(self) -> AgencyLimitCut:
        not_below(self, "severity_zero", "severity", "a cut to zero is the graver")
        return self


class LegalFiling(_Trigger):
    base_amount: BaseAmount
    share_of_net_worth: Share
    clears_on: tuple[FilingStatus, ...] = Field(min_length=1)


class FilingTrigger(_Trigger):
    clears_on: tuple[FilingStatus, ...] = Field(min_length=1)


class AdverseNews(Part):
    score: Annotated[float, Field(ge=0.5, le=5)]
    clear_score: Annotated[float, Field(ge=0.001, le=5)]

    @model_validator(mode="after")
    def _ordered(self) -> AdverseNews:
        if self.clear_score > self.score:
            raise Contradiction("clear_score", "must not be above score: an alert would clear where it fires")
        return self


class SanctionsMatch(_Trigger):
    severity_possible: Severity

    @model_validator(mode="after")
    def _ordered(self) -> SanctionsMatch:
        not_below(self, "severity", "severity_possible", "a confirmed match is the graver")
        return self


class StatementsStale(_Trigger):
    pass


class RelatedPartyDistress(_Trigger):
    their_severity: Severity


class Concentration(_Trigger):
    share_over: Share
    clear_share: PositiveShare
    book_accounts: Count

    @model_validator(mode="after")
    def _ordered(self) -> Concentration:
        above(self, "share_over", "clear_share", "an alert would clear where it fires")
        return self


class Triggers(Part):
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
            raise Contradiction(
                "payment_drift_severe.days_over_baseline",
                "must be above payment_drift's, which it supersedes",
            )
        if severe.severity < drift.severity:
            raise Contradiction(
                "payment_drift_severe.severity", "must not be below payment_drift's, which it supersedes"
            )
        if self.over_limit.utilization < self.utilization_high.utilization:
            raise Contradiction("over_limit.utilization", "must not be below utilization_high's")
        return self

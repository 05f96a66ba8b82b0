"""Every record that leaves for subscribers, one model a topic. Open: consumers ignore the fields they do not know.

Production code emits plain dicts of the same shape (agents/records.py) and does not pass through these models; tests
hold its records against them, and the JSON Schemas are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.fields import (
    AmountOrZero,
    Count,
    Currency,
    Day,
    Flag,
    Id,
    Instant,
    Number,
    Severity,
    SignedAmount,
    Text,
)


class _Output(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


Tier = Literal["low", "medium", "high"]
Grade = Literal["A", "B", "C", "D", "E"]
Money = SignedAmount | None  # None: nothing stands behind it
Figure = Number | None


_NUMBER: Final = "Counts its records from 1: the one with the greatest is how it stands."


class Evidence(_Output):
    """What an alert stands on: the figures, the thresholds they were held against, and the events behind them."""

    metrics: dict[str, Any]
    thresholds: dict[str, Any]
    event_ids: list[Id]


class Alert(_Output):
    """One transition of an alert. Idempotent by ce_id; the newest transition of an alert_id is its state."""

    alert_id: Id
    account_id: Id
    account_name: Text | None
    trigger: Id
    severity: Severity
    status: Literal["opened", "escalated", "cleared", "acknowledged", "assigned", "snoozed"]
    title: Text
    action: Annotated[Text, Field(description="What to do about it, in words.")]
    as_of: Day
    opened_at: Instant | Day
    owner: Text | None
    acknowledged_by: Text | None
    snoozed_until: Day | Instant | None
    tier: Tier | None
    exposure: Money
    currency: Currency | None
    evidence: Evidence
    history: Annotated[Flag, Field(description="True: found in a backfill, before the policy went live.")]
    url: Text | None
    number: Annotated[Count | None, Field(description=_NUMBER)] = None
    policy: Annotated[Text, Field(description="The hash of the policy that it was made with.")]
    engine: Annotated[Text, Field(description="The version of the engine that it was made with.")]


class AlertBehind(_Output):
    """An alert that was open when a limit was proposed."""

    alert_id: Id
    trigger: Id
    severity: Severity


class ProposalEvidence(_Output):
    """What a proposal stands on: the figures, the alerts that were open, gravest first, and the events behind them."""

    metrics: dict[str, Any]
    alerts: list[AlertBehind]
    event_ids: list[Id]
    answer: Annotated[
        Literal["grant", "grant_smaller", "prepay"] | None,
        Field(description="With open only: what a new customer is told."),
    ] = None


class LimitProposal(_Output):
    """One transition of a limit proposal. Money is in `currency`; a term that had nothing behind it is left out."""

    proposal_id: Id
    account_id: Id
    account_name: Text | None = None
    as_of: Day
    status: Literal["proposed", "escalated", "approved", "rejected", "expired", "superseded"]
    direction: Literal["open", "raise", "cut", "hold"]
    current_limit: AmountOrZero | None
    proposed_limit: AmountOrZero | None
    currency: Currency | None
    score: Figure
    grade: Grade | None
    categories: Annotated[
        dict[str, Any], Field(description="The scoring matrix: category to its score of 0 to 100, or null.")
    ]
    terms: Annotated[dict[str, Any], Field(description="The terms whose minimum is the proposed limit.")]
    binding: Annotated[Text | None, Field(description="The term that binds; with hold the trigger's id.")]
    approver: Literal["auto", "analyst", "manager", "controller"]
    reasons: Annotated[
        list[Text],
        Field(
            description="Codes, the weightiest first: earned, grade, open_alert, freeze_and_run_off; bound_by_ and the "
            "binding term; a category of the score that is low, or no_ and one that is missing."
        ),
    ]
    evidence: ProposalEvidence
    decided_by: Text | None
    effective_limit: AmountOrZero | None
    expires_at: Instant | Day | None
    number: Annotated[Count | None, Field(description=_NUMBER)] = None
    policy: Text
    engine: Text


class AccountStatus(_Output):
    """What sales and order entry see of an account: no ratios."""

    account_id: Id
    as_of: Day
    status: Literal["good", "watch", "hold", "prepay"]
    tier: Tier
    credit_limit: AmountOrZero | None
    currency: Currency | None = None
    headroom: Annotated[
        Money,
        Field(description="Limit less exposure; negative over the limit; null where either is not known."),
    ]
    open_alerts: Count
    next_review: Day | None


class AgeingBuckets(_Output):
    """Open amounts by days past due; the due day itself is current."""

    current: Money
    d1_30: Money
    d31_60: Money
    d61_90: Money
    d91: Money


class Snapshot(_Output):
    """The figures of an account at the end of the day `as_of`.

    Money is in `currency` (exposure_base in the base currency), days are days, shares and utilization are ratios
    (0.8 is 80 %). Past-due figures and the ageing table are clean: less the disputed part.
    """

    account_id: Id
    account_name: Text | None
    as_of: Day
    currency: Currency | None
    score: Figure
    grade: Grade | None
    tier: Tier | None

    open_balance: Money
    past_due: Money
    past_due_over_10: Money
    past_due_61: Money
    past_due_91: Money
    max_days_past_due: Count | None
    unapplied: Money
    disputed: Money
    unvalued: Annotated[Count, Field(description="Money facts that wait for a rate.")]
    open_orders: Money
    security: Money
    gross_exposure: Money
    exposure: Money
    credit_limit: Money
    utilization: Figure
    utilization_28d_ago: Figure
    rising: Flag
    ageing: AgeingBuckets
    ageing_disputed: AgeingBuckets
    high_credit: Money
    prior_high_credit: Money
    peak_utilization_90d: Figure
    exposure_base: Money
    base_currency: Currency | None = None
    fx_rate: Annotated[
        Text | None, Field(description='Base units of one unit of currency; "1" in the base currency.')
    ]
    fx_as_of: Day | None
    fx_driven: Flag

    dtp_30d: Figure
    dtp_90d: Figure
    dtp_365d: Figure
    dtp_baseline: Figure
    dtp_mean_30d: Figure
    dtp_mean_90d: Figure
    dtp_mean_365d: Figure
    dtp_p90_30d: Figure
    dtp_p90_90d: Figure
    dtp_p90_365d: Figure
    dbt_30d: Figure
    dbt_90d: Figure
    dbt_365d: Figure
    dbt_baseline: Figure
    dbt_disputed_90d: Figure
    paid_30d: Money
    paid_90d: Money
    paid_365d: Money
    payment_runs: Count
    payment_runs_365d: Count
    drift_test: Literal["none", "theil_sen", "ewma", "cusum"]
    drift_agrees: Flag | None
    drift_statistic: Figure
    drift_limit: Figure
    dtp_months: list[Figure]
    dso: Figure
    dso_best_possible: Figure
    dso_countback: Figure
    average_days_delinquent: Figure
    collection_effectiveness: Figure
    pay_index: Figure
    kaplan_meier_median: Figure
    kaplan_meier_restricted_mean: Figure
    overdue_surprise: Figure
    overdue_surprise_n: Count
    overdue_surprise_days: Count | None

    first_invoice_on: Day | None
    monthly_purchases: Money
    purchases_30d: Money
    purchases_prior_90d: Money
    invoices_prior_90d: Count
    reversals_90d: Count
    promises_broken_60d: Count
    promises_broken: Count
    partial_of_last_5: Count | None
    discounts_taken: list[Flag]
    disputed_share_baseline: Figure
    last_payment_on: Day | None
    first_due_on: Day | None
    late_share_182d: Figure
    worst_dbt_182d: Annotated[int, Field(strict=True)] | None
    provisional: Count


CASE_ID: Final = {"alerts": "alert_id", "limit-proposals": "proposal_id"}
"""What lives through several records, by its topic -> the field that tells which one a record is of."""

OUTPUT_OF: Final[dict[str, type[BaseModel]]] = {
    "alerts": Alert,
    "limit-proposals": LimitProposal,
    "account-status": AccountStatus,
    "snapshots": Snapshot,
}
"""Logical topic name -> the model of its records."""


def ce_type(topic: str, record: Mapping[str, Any]) -> str:
    """The CloudEvents type of a record: credit.<thing>.<what became of it>.

    credit.alert.opened, credit.limit-proposal.approved, credit.account-status.changed, credit.snapshot.taken.
    """
    if topic == "alerts":
        return f"credit.alert.{record['status']}"
    if topic == "limit-proposals":
        return f"credit.limit-proposal.{record['status']}"
    return _FIXED_TYPES[topic]


_FIXED_TYPES: Final = {
    "account-status": "credit.account-status.changed",
    "snapshots": "credit.snapshot.taken",
}

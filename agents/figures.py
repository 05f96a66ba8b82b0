"""The figures of one account as of one day: the record that triggers, limits and snapshots read.

Only the record lives here; how each figure is computed stands in behaviour.py and exposure.py.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Ageing(NamedTuple):
    """Open amounts by days past due, in minor units; the due day itself is current."""

    current: int = 0
    d1_30: int = 0
    d31_60: int = 0
    d61_90: int = 0
    d91: int = 0


NOT_EMITTED: Final = ("monthly_purchases_exact",)
"""The last of the figures: rules read them, snapshots do not show them."""


class Figures(NamedTuple):
    """What domain section 1 measures, at the end of day `as_of` (a date ordinal).

    Money is in minor units of `currency`; days are days; shares and utilization are ratios (0.8 is 80 %).
    None means that nothing stands behind the figure; it never means 0.
    """

    as_of: int
    currency: str | None  # of the account; None until a money fact or account.opened names it

    # exposure.py
    open_balance: int
    past_due: int  # clean: less the disputed part
    past_due_over_10: int  # clean, more than 10 days past due
    past_due_61: int  # clean, 61 days or more past due
    past_due_91: int  # clean, 91 days or more past due
    max_days_past_due: int | None  # of the clean open invoices; None when none is past due
    unapplied: int
    disputed: int
    unvalued: int  # money facts that wait for a rate (a count)
    open_orders: int
    security: int  # unexpired letters of credit, deposits, insurance
    gross_exposure: int  # open balance + open orders
    exposure: int
    credit_limit: int | None
    utilization: float | None  # exposure / limit; None with a limit of 0 or none
    utilization_28d_ago: float | None
    rising: bool  # utilization above that of 28 days before (none then: 0)
    ageing: Ageing  # clean
    ageing_disputed: Ageing
    high_credit: int  # peak end-of-day balance in 365 days
    prior_high_credit: int | None  # the same over the 365 days before as_of, as_of excluded
    peak_utilization_90d: float | None
    exposure_base: int | None  # in the base currency's minor units; None without a rate
    fx_rate: str | None  # base units of one unit of `currency`; "1" in base
    fx_as_of: int | None
    fx_driven: bool  # exposure moved since the tick before by a rate alone

    # behaviour.py: days to pay and days beyond terms, weighted by amount unless the name says otherwise
    dtp_30d: float | None
    dtp_90d: float | None
    dtp_365d: float | None
    dtp_baseline: float | None
    dtp_mean_30d: float | None
    dtp_mean_90d: float | None
    dtp_mean_365d: float | None
    dtp_p90_30d: float | None
    dtp_p90_90d: float | None
    dtp_p90_365d: float | None
    dbt_30d: float | None
    dbt_90d: float | None
    dbt_365d: float | None
    dbt_baseline: float | None
    dbt_disputed_90d: float | None
    paid_30d: int  # cash applied to invoices with paid_on in the window
    paid_90d: int
    paid_365d: int
    payment_runs: int  # of (D-455, D]
    payment_runs_365d: int
    drift_test: str  # "none" "theil_sen" "ewma" "cusum": the one that the number of runs asks for
    # True when the test agrees; with "none" True (level rule only); None: no baseline
    drift_agrees: bool | None
    drift_statistic: float | None
    drift_limit: float | None
    dtp_months: tuple[float | None, ...]  # last four full calendar months, oldest first
    dso: float | None
    dso_best_possible: float | None
    dso_countback: float | None
    average_days_delinquent: float | None
    collection_effectiveness: float | None
    pay_index: float | None
    kaplan_meier_median: float | None  # ticks only, else None
    kaplan_meier_restricted_mean: float | None  # ticks only
    overdue_surprise: float | None  # ticks only: the smallest p of survival.overdue_surprise()
    overdue_surprise_n: int
    overdue_surprise_days: int | None  # days past due of the invoice behind it

    # purchases and habits
    first_invoice_on: int | None
    monthly_purchases: int | None  # domain section 5; None when nothing stands behind it
    purchases_30d: int
    purchases_prior_90d: int  # of the 90 days before those 30
    invoices_prior_90d: int
    reversals_90d: int
    promises_broken_60d: int
    promises_broken: int  # in 365 days
    partial_of_last_5: int | None  # how many of the last five paid invoices were paid in parts
    discounts_taken: tuple[bool, ...]  # the last eight discounts offered and decided, oldest first
    disputed_share_baseline: float | None  # disputed share of invoiced amounts over (D-455, D-90]
    last_payment_on: int | None
    first_due_on: int | None
    late_share_182d: float | None
    # Greatest clean DBT of the invoices due in the last 182 days, open ones at D - due
    worst_dbt_182d: int | None
    provisional: int  # direct debits of the last 8 weeks, still reversible

    # not emitted, and last
    monthly_purchases_exact: tuple[int, int] | None  # before it is rounded: numerator and denominator

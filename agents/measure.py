"""measure(): a ledger as of one day into the record of figures.

It only puts together what exposure.py, behaviour.py, drift.py and survival.py define. When a figure can next move by
time alone stands in boundaries.py.
"""

from __future__ import annotations

from bisect import bisect_right

from agents import behaviour, exposure, survival
from agents.balances import totals_of
from agents.figures import Figures
from agents.ledger import Ledger
from agents.lines import lines as lines_of
from agents.policy import Policy
from agents.rates import Rates
from schemas.money import half_even


def measure(ledger: Ledger, today: int, policy: Policy, rates: Rates, at_tick: bool) -> Figures:
    """The figures of domain section 1 at the end of day `today`, which must not lie before the newest fact taken.

    They depend on the facts taken, the day, the policy and the rates alone. `at_tick`: with the survival figures.
    Changes nothing in the ledger.
    """
    p = policy.figures
    totals = totals_of(ledger)
    lines = lines_of(totals, p.pay_index)
    own, base = ledger.currency, rates.base

    # Windows of payment runs
    run_days = lines.run_days
    now = bisect_right(run_days, today)
    run_short = bisect_right(run_days, today - p.short_days)
    run_mid = bisect_right(run_days, today - p.mid_days)
    run_long = bisect_right(run_days, today - p.long_days)
    base_from = bisect_right(run_days, today - p.baseline_from_days)
    base_to = bisect_right(run_days, today - p.baseline_to_days)
    has_baseline = base_to - base_from >= p.runs_for_baseline
    short = behaviour.paid_between(lines, run_short, now)
    mid = behaviour.paid_between(lines, run_mid, now)
    long = behaviour.paid_between(lines, run_long, now)

    past_due = exposure.past_due_over(lines, today, 0)
    disputed = lines.open_disputed[-1]

    balance = totals.balance.total
    unapplied = exposure.converted(totals.unapplied, own, today, rates) if totals.unapplied else 0
    open_orders = exposure.converted(totals.open_orders, own, today, rates) if totals.open_orders else 0
    security = (
        exposure.converted(exposure.securities_at(ledger, today), own, today, rates)
        if ledger.securities
        else 0
    )
    net = exposure.exposure_at(ledger, today, rates)
    owed = max(0, net)
    limit = exposure.limit_at(ledger, today, rates)
    utilization = owed / limit if limit else None
    before = exposure.utilization_at(ledger, today - p.rising_days, rates)
    first_invoice = behaviour.first_invoice_on(ledger, lines)

    rate = None if own is None else rates.rate(own, today)
    base_exposure = (
        None
        if own is None or rate is None
        else owed
        if own == base
        else exposure.in_base(owed, rate, own, base)
    )

    sales = lines.sales_between(today - p.dso_days, today)
    current = exposure.current_receivables(lines, today)
    dso = exposure.dso(balance, sales, p.dso_days)
    best_possible = exposure.dso(current, sales, p.dso_days)

    test = behaviour.drift_between(lines, base_from, base_to, now, p.runs_for_baseline, policy.drift)
    median = restricted_mean = None
    surprise = survival.NO_SURPRISE
    if at_tick:
        median, restricted_mean = survival.kaplan_meier(
            lines, today, today - p.kaplan_meier_days, p.kaplan_meier_tau_days
        )
        if past_due:
            surprise = survival.overdue_surprise(lines, today, policy)
    recent = today - p.promises_recent_days
    broken = behaviour.broken_promises(ledger, lines, min(recent, today - p.long_days), today, policy, rates)
    purchases_from = today - p.purchases_days
    prior_from = purchases_from - p.purchases_prior_days
    cohorts = lines.cohort_days
    purchases = exposure.monthly_purchases(
        lines,
        first_invoice,
        ledger.expected_monthly_purchases,
        today,
        p.monthly_purchases_days,
        p.monthly_purchases_min_days,
    )

    return Figures(
        as_of=today,
        currency=own,
        open_balance=balance,
        past_due=past_due,
        past_due_over_10=exposure.past_due_over(lines, today, 10) if past_due else 0,
        past_due_61=exposure.past_due_over(lines, today, 60) if past_due else 0,
        past_due_91=exposure.past_due_over(lines, today, 90) if past_due else 0,
        max_days_past_due=exposure.max_days_past_due(lines, today) if past_due else None,
        unapplied=unapplied,
        disputed=disputed,
        unvalued=exposure.unvalued(ledger, today, rates)
        if totals.uses or ledger.securities or (limit is None and ledger.limits)
        else 0,
        open_orders=open_orders,
        security=security,
        gross_exposure=net + unapplied + security,
        exposure=owed,
        credit_limit=limit,
        utilization=utilization,
        utilization_28d_ago=before,
        rising=utilization is not None and utilization > (before or 0.0),
        ageing=exposure.ageing(lines, today),
        ageing_disputed=exposure.ageing_disputed(lines, today) if disputed else exposure.NOTHING_OPEN,
        high_credit=exposure.high_credit(ledger, today, p.high_credit_days),
        prior_high_credit=(
            None
            if first_invoice is None or first_invoice >= today
            else exposure.high_credit(ledger, today - 1, p.high_credit_days)
        ),
        peak_utilization_90d=exposure.peak_utilization(ledger, lines, today, p.peak_utilization_days, rates),
        exposure_base=base_exposure,
        fx_rate="1" if own == base else exposure.rate_text(rate),
        fx_as_of=None if own is None else rates.rate_day(own, today),
        fx_driven=(
            exposure.fx_driven(ledger, today, rates)
            if totals.native or ledger.securities or (ledger.limits and ledger.limits[-1][4] != own)
            else False
        ),
        dtp_30d=short.days_to_pay,
        dtp_90d=mid.days_to_pay,
        dtp_365d=long.days_to_pay,
        dtp_baseline=behaviour.days_to_pay(lines, base_from, base_to) if has_baseline else None,
        dtp_mean_30d=short.mean,
        dtp_mean_90d=mid.mean,
        dtp_mean_365d=long.mean,
        dtp_p90_30d=short.p90,
        dtp_p90_90d=mid.p90,
        dtp_p90_365d=long.p90,
        dbt_30d=behaviour.days_beyond_terms(lines, today, today - p.short_days),
        dbt_90d=behaviour.days_beyond_terms(lines, today, today - p.mid_days),
        dbt_365d=behaviour.days_beyond_terms(lines, today, today - p.long_days),
        dbt_baseline=(
            behaviour.days_beyond_terms_baseline(
                lines, today, today - p.baseline_from_days, today - p.baseline_to_days
            )
            if has_baseline
            else None
        ),
        dbt_disputed_90d=behaviour.days_beyond_terms_disputed(lines, today) if disputed else None,
        paid_30d=short.amount,
        paid_90d=mid.amount,
        paid_365d=long.amount,
        payment_runs=now - base_from,
        payment_runs_365d=now - run_long,
        drift_test=test.test,
        drift_agrees=test.agrees,
        drift_statistic=test.statistic,
        drift_limit=test.limit,
        dtp_months=behaviour.monthly_days_to_pay(lines, today),
        dso=dso,
        dso_best_possible=best_possible,
        dso_countback=exposure.dso_countback(balance, today, p.baseline_from_days, lines.sales_between),
        average_days_delinquent=None if dso is None or best_possible is None else dso - best_possible,
        collection_effectiveness=exposure.collection_effectiveness(
            totals.balance.at(today - p.dso_days), sales, balance, current
        ),
        pay_index=behaviour.pay_index(lines, today, today - p.long_days),
        kaplan_meier_median=median,
        kaplan_meier_restricted_mean=restricted_mean,
        overdue_surprise=surprise.p,
        overdue_surprise_n=surprise.n,
        overdue_surprise_days=surprise.days_past_due,
        first_invoice_on=first_invoice,
        monthly_purchases=None if purchases is None else half_even(*purchases),
        purchases_30d=lines.sales_between(purchases_from, today),
        purchases_prior_90d=lines.sales_between(prior_from, purchases_from),
        invoices_prior_90d=(
            lines.cohort_count[bisect_right(cohorts, purchases_from)]
            - lines.cohort_count[bisect_right(cohorts, prior_from)]
        ),
        reversals_90d=(
            behaviour.between(totals.reversals, today - p.reversals_days, today) if totals.reversals else 0
        ),
        promises_broken_60d=sum([day > recent for day, _ in broken]),
        promises_broken=sum([day > today - p.long_days for day, _ in broken]),
        partial_of_last_5=behaviour.partial_of_last(lines, totals, today, today - p.long_days),
        discounts_taken=behaviour.discounts_taken(lines, totals, today, today - p.baseline_from_days),
        disputed_share_baseline=behaviour.disputed_share(
            lines, totals, today - p.baseline_from_days, today - p.baseline_to_days
        ),
        last_payment_on=behaviour.last_payment_on(ledger, lines),
        first_due_on=behaviour.first_due_on(ledger, lines),
        late_share_182d=behaviour.late_share(lines, today, today - p.first_payments_days),
        worst_dbt_182d=behaviour.worst_days_beyond_terms(lines, today, today - p.first_payments_days),
        provisional=(
            behaviour.between(totals.debits, today - p.provisional_days, today) if totals.debits else 0
        ),
        monthly_purchases_exact=purchases,
    )

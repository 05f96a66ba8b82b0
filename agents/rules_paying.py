"""The rules on how a customer pays. Source: domain section 4. The table that names them is agents/triggers.py.

Pure functions of a view, three a trigger: whether it fires, whether it would clear (`_clears`), what it shows (`_evidence`).
"""

from __future__ import annotations

from agents.balances import unpaid_since
from agents.policy_triggers import PaymentDrift
from agents.survival import surprising
from agents.view import Evidence, Firing, View
from agents.wording import NO_RATE, as_days, as_share


def baselines(v: View) -> tuple[float | None, float | None]:
    """Days to pay and days beyond terms to hold the account against: those the open alert has kept, if any."""
    kept = v.kept
    if kept:
        return kept.get("dtp_baseline"), kept.get("dbt_baseline")
    return v.figures.dtp_baseline, v.figures.dbt_baseline


def _drift_fires(v: View, rule: PaymentDrift) -> Firing | None:
    figures = v.figures
    now, late = figures.dtp_90d, figures.dbt_90d
    if now is None or late is None or not figures.drift_agrees:
        return None
    baseline, late_baseline = baselines(v)
    if baseline is None or late_baseline is None:
        return None
    if (
        now >= baseline + rule.days_over_baseline
        and now >= rule.times_baseline * baseline
        and late >= late_baseline + rule.dbt_over_baseline
    ):
        return Firing(rule.severity, now - baseline - rule.clear_days_over_baseline)
    return None


def _drift_clears(v: View, rule: PaymentDrift) -> bool:
    now, (baseline, _) = v.figures.dtp_90d, baselines(v)
    return now is not None and baseline is not None and now <= baseline + rule.clear_days_over_baseline


def _drift_evidence(v: View, rule: PaymentDrift) -> Evidence:
    figures, (baseline, late_baseline) = v.figures, baselines(v)
    level = None
    if baseline is not None:
        level = max(baseline + rule.days_over_baseline, rule.times_baseline * baseline)
    return Evidence(
        {
            "dtp_90d": as_days(figures.dtp_90d),
            "dtp_baseline": as_days(baseline),
            "dbt_90d": as_days(figures.dbt_90d),
            "dbt_baseline": as_days(late_baseline),
            "payment_runs": figures.payment_runs,
            "drift_test": figures.drift_test,
            "drift_agrees": figures.drift_agrees,
            "drift_statistic": as_days(figures.drift_statistic),
        },
        {
            "dtp_90d": as_days(level),
            "dbt_90d": None if late_baseline is None else as_days(late_baseline + rule.dbt_over_baseline),
            "clear_dtp_90d": None if baseline is None else as_days(baseline + rule.clear_days_over_baseline),
        }
        | ({} if figures.drift_limit is None else {"drift_statistic": as_days(figures.drift_limit)}),
        v.events_behind("dtp_90d"),
    )


def payment_drift(v: View) -> Firing | None:
    return _drift_fires(v, v.policy.triggers.payment_drift)


def payment_drift_clears(v: View) -> bool:
    return _drift_clears(v, v.policy.triggers.payment_drift)


def payment_drift_evidence(v: View) -> Evidence:
    return _drift_evidence(v, v.policy.triggers.payment_drift)


def payment_drift_severe(v: View) -> Firing | None:
    return _drift_fires(v, v.policy.triggers.payment_drift_severe)


def payment_drift_severe_clears(v: View) -> bool:
    return _drift_clears(v, v.policy.triggers.payment_drift_severe)


def payment_drift_severe_evidence(v: View) -> Evidence:
    return _drift_evidence(v, v.policy.triggers.payment_drift_severe)


def slipping(v: View) -> Firing | None:
    a, b, c, d = v.figures.dtp_months
    if a is None or b is None or c is None or d is None:
        return None
    rule = v.policy.triggers.slipping_each_month
    if a < b < c < d and d - a >= rule.days_in_all:
        return Firing(rule.severity, d - a)
    return None


def slipping_clears(v: View) -> bool:
    before, last = v.figures.dtp_months[2:]
    return before is not None and last is not None and last < before


def slipping_evidence(v: View) -> Evidence:
    months = v.figures.dtp_months
    rise = None if months[0] is None or months[3] is None else months[3] - months[0]
    return Evidence(
        {"dtp_months": [as_days(month) for month in months], "rise_days": as_days(rise)},
        {"rise_days": v.policy.triggers.slipping_each_month.days_in_all, "rises_in_a_row": 3},
        v.events_behind("dtp_months"),
    )


def surprise(v: View) -> Firing | None:
    figures = v.figures
    p, days = figures.overdue_surprise, figures.overdue_surprise_days
    if p is None or days is None or not surprising(p, figures.overdue_surprise_n, days, v.policy):
        return None
    return Firing(v.policy.triggers.overdue_surprise.severity, float(days))


def surprise_clears(v: View) -> bool:
    """Paid: no clean open invoice is so late any more, or the one that it opened with is not and the others are no
    surprise.

    A customer who leaves more unpaid, so that one more is no surprise, has not paid; nor has one who stops buying, of
    whom fewer invoices tell than it takes.
    """
    figures, rule = v.figures, v.policy.triggers.overdue_surprise
    if figures.max_days_past_due is None or figures.max_days_past_due < rule.days_past_due:
        return True
    days = v.kept.get("overdue_surprise_days")
    if days is not None and unpaid_since(v.ledger, int(v.kept["today"] - days)):
        return False
    return (
        figures.overdue_surprise is not None
        and figures.overdue_surprise >= rule.p_below
        and figures.overdue_surprise_n >= rule.invoices_at_least
    )


def surprise_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.overdue_surprise
    return Evidence(
        {
            "overdue_surprise": as_share(figures.overdue_surprise),
            "invoices_observed": figures.overdue_surprise_n,
            "days_past_due": figures.overdue_surprise_days,
            "past_due": v.money(figures.past_due),
        },
        {
            "overdue_surprise": rule.p_below,
            "invoices_observed": rule.invoices_at_least,
            "days_past_due": rule.days_past_due,
        },
        v.events_behind("overdue_surprise"),
    )


def late_share(v: View) -> float | None:
    """Past due by more than 10 days, unapplied cash taken off, as a share of the open balance; 0 when nothing is."""
    figures = v.figures
    late = figures.past_due_over_10 - figures.unapplied
    if late <= 0:
        return 0.0
    return late / figures.open_balance if figures.open_balance > 0 else None


def past_due_share(v: View) -> Firing | None:
    if v.figures.past_due_over_10 <= 0:
        return None
    share, rule = late_share(v), v.policy.triggers.past_due_share
    if share is not None and share > rule.share_over:
        return Firing(rule.severity, share - rule.clear_share)
    return None


def past_due_share_clears(v: View) -> bool:
    share = late_share(v)
    return share is not None and share < v.policy.triggers.past_due_share.clear_share


def past_due_share_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.past_due_share
    return Evidence(
        {
            "past_due_share": as_share(late_share(v)),
            "past_due_over_10": v.money(figures.past_due_over_10),
            "unapplied": v.money(figures.unapplied),
            "open_balance": v.money(figures.open_balance),
        },
        {"past_due_share": rule.share_over, "clear_past_due_share": rule.clear_share},
        v.events_behind("past_due_over_10"),
    )


def seriously_past_due(v: View) -> Firing | None:
    figures = v.figures
    amount = figures.past_due_61 - figures.unapplied
    if amount <= 0:
        return None
    rule = v.policy.triggers.seriously_past_due
    level = v.own(rule.base_amount)
    return Firing(rule.severity, float(amount)) if level is not None and amount > level else None


def seriously_past_due_clears(v: View) -> bool:
    return v.figures.past_due_61 - v.figures.unapplied <= 0


def seriously_past_due_evidence(v: View) -> Evidence:
    figures = v.figures
    level = v.own(v.policy.triggers.seriously_past_due.base_amount)
    return Evidence(
        {
            "past_due_61": v.money(figures.past_due_61),
            "unapplied": v.money(figures.unapplied),
            "max_days_past_due": figures.max_days_past_due,
        },
        {"past_due_61": NO_RATE if level is None else v.money(level), "clear_past_due_61": v.money(0)},
        v.events_behind("past_due_61"),
    )


def delinquent_level(v: View) -> int | None:
    rule = v.policy.triggers.delinquent
    floor = v.own(rule.base_amount)
    return None if floor is None else max(floor, int(v.figures.open_balance * rule.share_of_balance))


def delinquent(v: View) -> Firing | None:
    figures = v.figures
    amount = figures.past_due_91 - figures.unapplied
    if amount <= 0:
        return None
    level = delinquent_level(v)
    if level is None or amount <= level:
        return None
    return Firing(v.policy.triggers.delinquent.severity, float(amount))


def delinquent_clears(v: View) -> bool:
    return v.figures.past_due_91 - v.figures.unapplied <= 0


def delinquent_evidence(v: View) -> Evidence:
    figures, level = v.figures, delinquent_level(v)
    return Evidence(
        {
            "past_due_91": v.money(figures.past_due_91),
            "unapplied": v.money(figures.unapplied),
            "open_balance": v.money(figures.open_balance),
            "max_days_past_due": figures.max_days_past_due,
        },
        {"past_due_91": NO_RATE if level is None else v.money(level), "clear_past_due_91": v.money(0)},
        v.events_behind("past_due_91"),
    )


def payment_reversed(v: View) -> Firing | None:
    count = v.figures.reversals_90d
    if count < 1:
        return None
    rule = v.policy.triggers.payment_reversed
    return Firing(rule.severity_repeated if count >= rule.repeated else rule.severity, float(count))


def payment_reversed_clears(v: View) -> bool:
    return v.figures.reversals_90d == 0


def payment_reversed_evidence(v: View) -> Evidence:
    return Evidence(
        {"reversals_90d": v.figures.reversals_90d},
        {"reversals_90d": 1, "reversals_90d_repeated": v.policy.triggers.payment_reversed.repeated},
        v.events_behind("reversals_90d"),
    )


def promise_broken(v: View) -> Firing | None:
    count = v.figures.promises_broken_60d
    if count < 1:
        return None
    rule = v.policy.triggers.promise_broken
    return Firing(rule.severity_repeated if count >= rule.repeated else rule.severity, float(count))


def promise_broken_clears(v: View) -> bool:
    return v.figures.promises_broken_60d == 0


def promise_broken_evidence(v: View) -> Evidence:
    return Evidence(
        {"promises_broken_60d": v.figures.promises_broken_60d, "promises_broken": v.figures.promises_broken},
        {"promises_broken_60d": 1, "promises_broken_60d_repeated": v.policy.triggers.promise_broken.repeated},
        v.events_behind("promises_broken_60d"),
    )


def partial_payments(v: View) -> Firing | None:
    count = v.figures.partial_of_last_5
    rule = v.policy.triggers.partial_payments
    if count is None or count < rule.of_last_five:
        return None
    return Firing(rule.severity, float(count - rule.clear_of_last_five))


def partial_payments_clears(v: View) -> bool:
    count = v.figures.partial_of_last_5
    return count is not None and count <= v.policy.triggers.partial_payments.clear_of_last_five


def partial_payments_evidence(v: View) -> Evidence:
    rule = v.policy.triggers.partial_payments
    return Evidence(
        {"partial_of_last_5": v.figures.partial_of_last_5},
        {"partial_of_last_5": rule.of_last_five, "clear_partial_of_last_5": rule.clear_of_last_five},
        v.events_behind("partial_of_last_5"),
    )


def discounts_abandoned(v: View) -> Firing | None:
    taken = v.figures.discounts_taken
    rule = v.policy.triggers.discounts_abandoned
    missed = rule.missed_in_a_row
    if len(taken) < missed + rule.taken_before or any(taken[-missed:]):
        return None
    if sum(taken[:-missed][-rule.of_before :]) < rule.taken_before:
        return None
    return Firing(rule.severity, float(missed_in_a_row(taken)))


def missed_in_a_row(taken: tuple[bool, ...]) -> int:
    return next((place for place, was in enumerate(reversed(taken)) if was), len(taken))


def discounts_abandoned_clears(v: View) -> bool:
    return any(v.figures.discounts_taken[-v.policy.triggers.discounts_abandoned.missed_in_a_row :])


def discounts_abandoned_evidence(v: View) -> Evidence:
    taken, rule = v.figures.discounts_taken, v.policy.triggers.discounts_abandoned
    missed = rule.missed_in_a_row
    return Evidence(
        {
            "missed_in_a_row": missed_in_a_row(taken),
            "taken_before": sum(taken[:-missed][-rule.of_before :]),
            "discounts_taken": list(taken),
        },
        {"missed_in_a_row": missed, "taken_before": rule.taken_before},
        v.events_behind("discounts_taken"),
    )


def dispute_share(v: View) -> float | None:
    """Disputed amounts as a share of the open balance; 0 when nothing is disputed."""
    figures = v.figures
    if figures.disputed <= 0:
        return 0.0
    return figures.disputed / figures.open_balance if figures.open_balance > 0 else None


def dispute_level(v: View) -> float:
    """The share above which disputes are a spike: the flat one, or a multiple of the account's own if less."""
    rule, own = v.policy.triggers.dispute_spike, v.figures.disputed_share_baseline
    if own is None:
        return rule.share_over
    return min(rule.share_over, rule.times_base_rate * max(own, rule.base_rate_floor))


def dispute_spike(v: View) -> Firing | None:
    figures = v.figures
    if figures.disputed <= 0:
        return None
    rule = v.policy.triggers.dispute_spike
    share, amount = dispute_share(v), v.own(rule.base_amount)
    if share is None or amount is None or figures.disputed <= amount or share <= dispute_level(v):
        return None
    # Where it fires under the clear level already, the account's own base rate takes that level's place.
    level = dispute_level(v)
    clear = rule.clear_share if level >= rule.clear_share else level / rule.times_base_rate
    return Firing(rule.severity, share - clear)


def dispute_spike_clears(v: View) -> bool:
    share = dispute_share(v)
    return share is not None and share < v.policy.triggers.dispute_spike.clear_share


def dispute_clear_level(v: View) -> float:
    """The share down to which disputes must fall: where the account's own level is under the flat one at which alerts
    clear, it fires on until that own level."""
    return min(v.policy.triggers.dispute_spike.clear_share, dispute_level(v))


def dispute_spike_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.dispute_spike
    amount = v.own(rule.base_amount)
    return Evidence(
        {
            "disputed": v.money(figures.disputed),
            "disputed_share": as_share(dispute_share(v)),
            "disputed_share_baseline": as_share(figures.disputed_share_baseline),
            "open_balance": v.money(figures.open_balance),
        },
        {
            "disputed": NO_RATE if amount is None else v.money(amount),
            "disputed_share": as_share(dispute_level(v)),
            "clear_disputed_share": as_share(dispute_clear_level(v)),
        },
        v.events_behind("disputed"),
    )

"""What each trigger asks, condition by condition: the figure, the level, whether it is met, and what is missing.

For explaining only: the rules of agents/triggers.py alone decide. Tests hold both against each other, so that all conditions
are met exactly where a trigger fires. Which change would meet or end them is agents/changes.py.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from agents import rules_exposure, rules_outside, rules_paying
from agents.balances import totals_of
from agents.lines import lines
from agents.policy_triggers import PaymentDrift
from agents.view import View


class Condition(NamedTuple):
    """One condition of a trigger; all must be met, but of those with one `either` any.

    `value` and `level` are as figures hold them: minor units, ratios, days. `keys`: where in the policy the level comes
    from; none: the rule itself. `missing`: why there is no value, in words.
    """

    figure: str
    value: Any
    relation: str  # >= > <= < is
    level: Any
    met: bool
    keys: tuple[str, ...] = ()
    missing: str | None = None
    either: str = ""


def conditions(trigger_id: str, view: View) -> list[Condition]:
    """The conditions of a trigger as of the view, in the order in which the rule asks them."""
    return _CONDITIONS[trigger_id](view)


def all_met(found: list[Condition]) -> bool:
    """Whether these conditions make the trigger fire."""
    alternatives: dict[str, bool] = {}
    for condition in found:
        if condition.either:
            alternatives[condition.either] = alternatives.get(condition.either, False) or condition.met
        elif not condition.met:
            return False
    return all(alternatives.values())


# --- Builders -----------------------------------------------------------------------------------------------


def _at_least(
    figure: str, value: Any, level: Any, *keys: str, missing: str | None = None, either: str = ""
) -> Condition:
    known = value is not None and level is not None
    met = known and bool(value >= level)
    return Condition(figure, value, ">=", level, met, keys, None if known else missing, either)


def _above(figure: str, value: Any, level: Any, *keys: str, missing: str | None = None) -> Condition:
    known = value is not None and level is not None
    return Condition(
        figure, value, ">", level, known and bool(value > level), keys, None if known else missing
    )


def _below(figure: str, value: Any, level: Any, *keys: str, missing: str | None = None) -> Condition:
    known = value is not None and level is not None
    return Condition(
        figure, value, "<", level, known and bool(value < level), keys, None if known else missing
    )


def _is(figure: str, value: Any, level: Any, met: bool, *keys: str, missing: str | None = None) -> Condition:
    return Condition(figure, value, "is", level, met, keys, None if value is not None else missing)


# --- What is missing, in words -------------------------------------------------------------------------------


def no_baseline(view: View) -> str:
    """Why there is no baseline: the payment runs of its window against those that it takes."""
    rule = view.policy.figures
    window = f"{rule.baseline_to_days}–{rule.baseline_from_days} days ago"
    days = lines(totals_of(view.ledger), rule.pay_index).run_days
    runs = bisect_right(days, view.today - rule.baseline_to_days) - bisect_right(
        days, view.today - rule.baseline_from_days
    )
    if runs >= rule.runs_for_baseline:
        return f"no baseline: nothing fell due {window}"
    return f"no baseline: {runs} payment runs {window}, {rule.runs_for_baseline} needed"


def _no_payments(view: View) -> str:
    return f"nothing was paid in {view.policy.figures.mid_days} days"


def _nothing_due(view: View) -> str:
    return f"nothing fell due in {view.policy.figures.mid_days} days and nothing is past due"


def _no_limit(view: View) -> str:
    return "no credit limit" if view.figures.credit_limit is None else "the credit limit is 0"


def _no_rate(view: View) -> str:
    currency = view.figures.currency
    if currency is None:
        return "the account's currency is not known"
    return f"no rate from {view.policy.base_currency} to {currency}"


# --- Payment behaviour --------------------------------------------------------------------------------------


def _drift(view: View, rule: PaymentDrift, key: str) -> list[Condition]:
    figures = view.figures
    now, late = figures.dtp_90d, figures.dbt_90d
    baseline, late_baseline = rules_paying.baselines(view)
    paid = _no_payments(view) if now is None else no_baseline(view)
    due = _nothing_due(view) if late is None else no_baseline(view)
    return [
        _at_least(
            "dtp_90d",
            now,
            None
            if baseline is None
            else max(baseline + rule.days_over_baseline, rule.times_baseline * baseline),
            f"{key}.days_over_baseline",
            f"{key}.times_baseline",
            missing=paid,
        ),
        _at_least(
            "dbt_90d",
            late,
            None if late_baseline is None else late_baseline + rule.dbt_over_baseline,
            f"{key}.dbt_over_baseline",
            missing=due,
        ),
        _is(
            "drift_agrees",
            figures.drift_agrees,
            True,
            bool(figures.drift_agrees),
            "drift.theil_sen_from_runs",
            "drift.ewma_from_runs",
            "drift.cusum_from_runs",
            missing=no_baseline(view),
        ),
    ]


def _payment_drift(view: View) -> list[Condition]:
    return _drift(view, view.policy.triggers.payment_drift, "triggers.payment_drift")


def _payment_drift_severe(view: View) -> list[Condition]:
    return _drift(view, view.policy.triggers.payment_drift_severe, "triggers.payment_drift_severe")


def _slipping(view: View) -> list[Condition]:
    a, b, c, d = view.figures.dtp_months
    rule = view.policy.triggers.slipping_each_month
    rises: int | None = None
    rise: float | None = None
    if a is not None and b is not None and c is not None and d is not None:
        rises = 0 if c >= d else 1 if b >= c else 2 if a >= b else 3
        rise = d - a
    empty = sum(month is None for month in view.figures.dtp_months)
    missing = f"no payments in {empty} of the last 4 full months"
    return [
        _at_least("rises_in_a_row", rises, 3, missing=missing),
        _at_least(
            "rise_days", rise, rule.days_in_all, "triggers.slipping_each_month.days_in_all", missing=missing
        ),
    ]


def _surprise(view: View) -> list[Condition]:
    figures, rule = view.figures, view.policy.triggers.overdue_surprise
    p, days = figures.overdue_surprise, figures.overdue_surprise_days
    n = None if p is None or days is None else figures.overdue_surprise_n
    missing = "nothing is past due" if not figures.past_due else "no invoice has reached such an age before"
    return [
        _below("overdue_surprise", p, rule.p_below, "triggers.overdue_surprise.p_below", missing=missing),
        _at_least(
            "invoices_observed",
            n,
            rule.invoices_at_least,
            "triggers.overdue_surprise.invoices_at_least",
            missing=missing,
        ),
        _at_least(
            "days_past_due",
            days,
            rule.days_past_due,
            "triggers.overdue_surprise.days_past_due",
            missing=missing,
        ),
    ]


def _past_due_share(view: View) -> list[Condition]:
    rule = view.policy.triggers.past_due_share
    return [
        _above(
            "past_due_share",
            rules_paying.late_share(view),
            rule.share_over,
            "triggers.past_due_share.share_over",
            missing="nothing is owed",
        ),
    ]


def _seriously_past_due(view: View) -> list[Condition]:
    figures = view.figures
    net = figures.past_due_61 - figures.unapplied
    level = view.own(view.policy.triggers.seriously_past_due.base_amount)
    return [
        _above(
            "past_due_61_net", net, level, "triggers.seriously_past_due.base_amount", missing=_no_rate(view)
        ),
    ]


def _delinquent(view: View) -> list[Condition]:
    figures = view.figures
    net = figures.past_due_91 - figures.unapplied
    return [
        _above(
            "past_due_91_net",
            net,
            rules_paying.delinquent_level(view),
            "triggers.delinquent.base_amount",
            "triggers.delinquent.share_of_balance",
            missing=_no_rate(view),
        ),
    ]


def _payment_reversed(view: View) -> list[Condition]:
    return [_at_least("reversals_90d", view.figures.reversals_90d, 1)]


def _promise_broken(view: View) -> list[Condition]:
    return [_at_least("promises_broken_60d", view.figures.promises_broken_60d, 1)]


def _partial_payments(view: View) -> list[Condition]:
    rule = view.policy.triggers.partial_payments
    return [
        _at_least(
            "partial_of_last_5",
            view.figures.partial_of_last_5,
            rule.of_last_five,
            "triggers.partial_payments.of_last_five",
            missing=f"nothing was paid in {view.policy.figures.long_days} days",
        )
    ]


def _discounts_abandoned(view: View) -> list[Condition]:
    taken, rule = view.figures.discounts_taken, view.policy.triggers.discounts_abandoned
    missed = rule.missed_in_a_row
    return [
        _at_least(
            "missed_in_a_row",
            rules_paying.missed_in_a_row(taken),
            missed,
            "triggers.discounts_abandoned.missed_in_a_row",
        ),
        _at_least(
            "taken_before",
            sum(taken[:-missed][-rule.of_before :]),
            rule.taken_before,
            "triggers.discounts_abandoned.taken_before",
            "triggers.discounts_abandoned.of_before",
        ),
    ]


def _dispute_spike(view: View) -> list[Condition]:
    figures, rule = view.figures, view.policy.triggers.dispute_spike
    key = "triggers.dispute_spike"
    return [
        _above(
            "disputed",
            figures.disputed,
            view.own(rule.base_amount),
            f"{key}.base_amount",
            missing=_no_rate(view),
        ),
        _above(
            "disputed_share",
            rules_paying.dispute_share(view),
            rules_paying.dispute_level(view),
            f"{key}.share_over",
            f"{key}.times_base_rate",
            f"{key}.base_rate_floor",
            missing="nothing is owed",
        ),
    ]


# --- Exposure and purchases ---------------------------------------------------------------------------------


def _utilization_high(view: View) -> list[Condition]:
    figures, rule = view.figures, view.policy.triggers.utilization_high
    return [
        _at_least(
            "utilization",
            figures.utilization,
            rule.utilization,
            "triggers.utilization_high.utilization",
            missing=_no_limit(view),
        ),
        _is("rising", figures.rising, True, figures.rising, "figures.rising_days"),
    ]


def _over_limit(view: View) -> list[Condition]:
    rule = view.policy.triggers.over_limit
    return [
        _above(
            "utilization",
            view.figures.utilization,
            rule.utilization,
            "triggers.over_limit.utilization",
            missing=_no_limit(view),
        )
    ]


def _exposure_without_limit(view: View) -> list[Condition]:
    figures = view.figures
    return [
        Condition(
            "credit_limit",
            figures.credit_limit,
            "is",
            "none or 0",
            not figures.credit_limit and not rules_exposure.limit_unvalued(view),
            missing="no rate for the limit's currency" if rules_exposure.limit_unvalued(view) else None,
        ),
        _above("exposure", figures.exposure, 0),
    ]


def _purchases(view: View) -> tuple[float | None, str]:
    ratio = rules_exposure.purchases_ratio(view)
    rule = view.policy.figures
    return ratio, f"nothing was bought in the {rule.purchases_prior_days} days before"


def _order_surge(view: View) -> list[Condition]:
    figures, rule, key = view.figures, view.policy.triggers.order_surge, "triggers.order_surge"
    ratio, nothing_before = _purchases(view)
    missing = no_baseline(view) if figures.dbt_baseline is None else _nothing_due(view)
    return [
        _at_least(
            "invoices_prior_90d", figures.invoices_prior_90d, rule.invoices_before, f"{key}.invoices_before"
        ),
        Condition(
            "growth",
            None if ratio is None else ratio - 1,
            ">=",
            rule.growth,
            ratio is not None and ratio >= 1 + rule.growth,
            (f"{key}.growth",),
            nothing_before if ratio is None else None,
        ),
        _at_least(
            "dbt_over_baseline",
            rules_exposure.beyond_baseline(view),
            rule.dbt_over_baseline,
            f"{key}.dbt_over_baseline",
            missing=missing,
        ),
    ]


def _purchases_collapse(view: View) -> list[Condition]:
    figures, rule, key = view.figures, view.policy.triggers.purchases_collapse, "triggers.purchases_collapse"
    ratio, nothing_before = _purchases(view)
    return [
        _at_least(
            "invoices_prior_90d", figures.invoices_prior_90d, rule.invoices_before, f"{key}.invoices_before"
        ),
        Condition(
            "growth",
            None if ratio is None else ratio - 1,
            "<=",
            -rule.fall,
            ratio is not None and ratio <= 1 - rule.fall,
            (f"{key}.fall",),
            nothing_before if ratio is None else None,
        ),
    ]


def _new_high_credit(view: View) -> list[Condition]:
    figures, rule, key = view.figures, view.policy.triggers.new_high_credit, "triggers.new_high_credit"
    peak, first = rules_exposure.peak_before(view), figures.first_invoice_on
    missing = "no peak before: the first invoice is not older than a day"
    return [
        _above("prior_high_credit", peak, 0, missing=missing),
        _above(
            "open_balance",
            figures.open_balance,
            None if peak is None else rule.times_peak * peak,
            f"{key}.times_peak",
            missing=missing,
        ),
        _at_least(
            "history_days",
            None if first is None else view.today - first,
            rule.history_days,
            f"{key}.history_days",
            missing="no invoice yet",
        ),
        _at_least(
            "utilization",
            figures.utilization,
            rule.utilization,
            f"{key}.utilization",
            missing=_no_limit(view),
        ),
    ]


def _concentration(view: View) -> list[Condition]:
    rule, book = view.policy.triggers.concentration, view.book
    missing = "no tick has told the book's totals"
    if book is not None:
        missing = (
            "no rate for the account's currency"
            if view.figures.exposure_base is None
            else "the book is too small"
        )
    return [
        _at_least(
            "book_accounts",
            None if book is None else book.accounts,
            rule.book_accounts,
            "triggers.concentration.book_accounts",
            missing=missing,
        ),
        _above(
            "share_of_book",
            rules_exposure.book_share(view),
            rule.share_over,
            "triggers.concentration.share_over",
            missing=missing,
        ),
    ]


# --- What others say ----------------------------------------------------------------------------------------


def _bureau_downgrade(view: View) -> list[Condition]:
    rule, key = view.policy.triggers.bureau_downgrade, "triggers.bureau_downgrade"
    falls = [
        rules_outside.agency_fall(report, view) for report in view.signals.reports(view.today, view.policy)
    ]
    silent = None if falls else "no agency has reported"
    return [
        _at_least(
            "fall_points",
            max((points for points, _ in falls if points is not None), default=None),
            rule.points,
            f"{key}.points",
            missing=silent or "no score of a year to compare",
            either="fall",
        ),
        _at_least(
            "fall_classes",
            max((classes for _, classes in falls if classes is not None), default=None),
            rule.classes,
            f"{key}.classes",
            missing=silent or "no class of a year to compare",
            either="fall",
        ),
    ]


def _agency_limit_cut(view: View) -> list[Condition]:
    cuts = [
        rules_outside.agency_cut(report, view) for report in view.signals.reports(view.today, view.policy)
    ]
    return [
        _at_least(
            "cut",
            max((cut for cut in cuts if cut is not None), default=None),
            view.policy.triggers.agency_limit_cut.cut,
            "triggers.agency_limit_cut.cut",
            missing="no agency recommends a limit" if cuts else "no agency has reported",
        )
    ]


def _legal_filing(view: View) -> list[Condition]:
    found, level = rules_outside.open_legal(view), rules_outside.legal_level(view)
    amounts = [rules_outside.legal_amount(filing, level, view) for filing in found]
    key = "triggers.legal_filing"
    return [
        _at_least(
            "amount_base",
            max((amount for amount in amounts if amount is not None), default=None),
            level,
            f"{key}.base_amount",
            f"{key}.share_of_net_worth",
            missing="no rate for the claim's currency" if found else "no lien, judgment or suit is on file",
        )
    ]


def _new_charge(view: View) -> list[Condition]:
    found = rules_outside.open_filings(view, "charge", view.policy.triggers.new_charge.clears_on)
    return [_at_least("charges", len(found), 1)]


def _adverse_news(view: View) -> list[Condition]:
    worst = view.signals.news_score(view.today, view.policy, view.rates)
    return [
        _at_least(
            "news_score",
            None if worst.story is None else worst.score,
            view.policy.triggers.adverse_news.score,
            "triggers.adverse_news.score",
            missing="no story counts any more",
        )
    ]


def _insolvency(view: View) -> list[Condition]:
    return [_at_least("events", len(rules_outside.insolvency_events(view)), 1)]


def _sanctions_match(view: View) -> list[Condition]:
    return [_at_least("matches", len(view.signals.matches(view.today)), 1)]


def _statements_stale(view: View) -> list[Condition]:
    tier = view.tier
    demands = tier is not None and bool(getattr(view.policy.tiers, tier).demands_statements)
    statement = view.signals.statement(view.today, view.policy)
    stale = None
    if statement is not None:
        stale = statement.stale_after(view.policy.statements)
    return [
        _is(
            "tier",
            tier,
            "one that demands statements",
            demands,
            "tiers.low.demands_statements",
            "tiers.medium.demands_statements",
            "tiers.high.demands_statements",
            missing="no tick has looked at the account yet",
        ),
        _below(
            "stale_after",
            stale,
            view.today,
            "statements.stale_months",
            missing="no statement that passes its checks",
        ),
    ]


def _related_party_distress(view: View) -> list[Condition]:
    rule = view.policy.triggers.related_party_distress
    return [
        _at_least(
            "related_severity",
            max((d.severity for d in view.distress), default=None),
            rule.their_severity,
            "triggers.related_party_distress.their_severity",
            missing="no parent or sibling is in distress",
        )
    ]


_CONDITIONS: Final[dict[str, Callable[[View], list[Condition]]]] = {
    "payment_drift_severe": _payment_drift_severe,
    "payment_drift": _payment_drift,
    "slipping_each_month": _slipping,
    "overdue_surprise": _surprise,
    "past_due_share": _past_due_share,
    "seriously_past_due": _seriously_past_due,
    "delinquent": _delinquent,
    "utilization_high": _utilization_high,
    "over_limit": _over_limit,
    "exposure_without_limit": _exposure_without_limit,
    "order_surge": _order_surge,
    "purchases_collapse": _purchases_collapse,
    "new_high_credit": _new_high_credit,
    "payment_reversed": _payment_reversed,
    "promise_broken": _promise_broken,
    "partial_payments": _partial_payments,
    "dispute_spike": _dispute_spike,
    "discounts_abandoned": _discounts_abandoned,
    "bureau_downgrade": _bureau_downgrade,
    "agency_limit_cut": _agency_limit_cut,
    "legal_filing": _legal_filing,
    "new_charge": _new_charge,
    "adverse_news": _adverse_news,
    "insolvency": _insolvency,
    "sanctions_match": _sanctions_match,
    "statements_stale": _statements_stale,
    "related_party_distress": _related_party_distress,
    "concentration": _concentration,
}

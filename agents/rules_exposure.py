"""The rules on exposure, limit and purchases. Source: domain section 4. The table that names them is agents/triggers.py.

Pure functions of a view, three a trigger, as in agents/rules_paying.py; what a limit should be is agents/limits.py.
"""

from __future__ import annotations

from agents.view import Evidence, Firing, View
from agents.wording import as_days, as_share, iso
from schemas.money import text


def utilization_high(v: View) -> Firing | None:
    used = v.figures.utilization
    if used is None:
        return None
    rule = v.policy.triggers.utilization_high
    if used >= rule.utilization and v.figures.rising:
        return Firing(rule.severity, used - rule.clear_utilization)
    return None


def utilization_high_clears(v: View) -> bool:
    used = v.figures.utilization
    clear = v.policy.triggers.utilization_high.clear_utilization
    return used is not None and used < clear


def utilization_high_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.utilization_high
    return Evidence(
        {
            "utilization": as_share(figures.utilization),
            "utilization_28d_ago": as_share(figures.utilization_28d_ago),
            "rising": figures.rising,
            "exposure": v.money(figures.exposure),
            "credit_limit": v.money(figures.credit_limit),
            "fx_driven": figures.fx_driven,
        },
        {"utilization": rule.utilization, "rising": True, "clear_utilization": rule.clear_utilization},
        v.events_behind("utilization"),
    )


def over_limit(v: View) -> Firing | None:
    used = v.figures.utilization
    if used is None:
        return None
    rule = v.policy.triggers.over_limit
    return Firing(rule.severity, used - rule.clear_utilization) if used > rule.utilization else None


def over_limit_clears(v: View) -> bool:
    used = v.figures.utilization
    return used is not None and used < v.policy.triggers.over_limit.clear_utilization


def over_limit_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.over_limit
    return Evidence(
        {
            "utilization": as_share(figures.utilization),
            "exposure": v.money(figures.exposure),
            "credit_limit": v.money(figures.credit_limit),
            "open_orders": v.money(figures.open_orders),
            "fx_driven": figures.fx_driven,
        },
        {"utilization": rule.utilization, "clear_utilization": rule.clear_utilization},
        v.events_behind("utilization"),
    )


def limit_unvalued(v: View) -> bool:
    """Whether there is a limit, in a currency that no rate converts yet: it is not known, and not missing."""
    return v.ledger.limit is None and v.ledger.stated_limit is not None


def exposure_without_limit(v: View) -> Firing | None:
    figures = v.figures
    if figures.credit_limit or figures.exposure <= 0 or limit_unvalued(v):
        return None
    return Firing(v.policy.triggers.exposure_without_limit.severity, float(figures.exposure))


def exposure_without_limit_clears(v: View) -> bool:
    return bool(v.figures.credit_limit)


def exposure_without_limit_evidence(v: View) -> Evidence:
    figures = v.figures
    return Evidence(
        {"exposure": v.money(figures.exposure), "credit_limit": v.money(figures.credit_limit)},
        {"exposure": v.money(0), "credit_limit": "above 0"},
        v.events_behind("exposure"),
    )


def purchases_ratio(v: View) -> float | None:
    """Purchases of 30 days over a third of the 90 days before: 1.5 is +50 %. None when nothing was bought before."""
    figures, windows = v.figures, v.policy.figures
    if figures.purchases_prior_90d <= 0:
        return None
    months = windows.purchases_prior_days / windows.purchases_days
    return figures.purchases_30d * months / figures.purchases_prior_90d


def beyond_baseline(v: View) -> float | None:
    late, baseline = v.figures.dbt_90d, v.figures.dbt_baseline
    return None if late is None or baseline is None else late - baseline


def order_surge(v: View) -> Firing | None:
    rule = v.policy.triggers.order_surge
    if v.figures.invoices_prior_90d < rule.invoices_before:
        return None
    ratio, beyond = purchases_ratio(v), beyond_baseline(v)
    if ratio is None or beyond is None or ratio < 1 + rule.growth or beyond < rule.dbt_over_baseline:
        return None
    # It clears where it fires, so growth is counted from no surge at all: else a first 0.1 % would soon be 1.5 times.
    return Firing(rule.severity, ratio - 1)


def order_surge_clears(v: View) -> bool:
    rule = v.policy.triggers.order_surge
    ratio, beyond = purchases_ratio(v), beyond_baseline(v)
    return (ratio is not None and ratio < 1 + rule.growth) or (
        beyond is not None and beyond < rule.dbt_over_baseline
    )


def order_surge_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.order_surge
    ratio = purchases_ratio(v)
    baseline = figures.dbt_baseline
    return Evidence(
        {
            "purchases_30d": v.money(figures.purchases_30d),
            "purchases_prior_90d": v.money(figures.purchases_prior_90d),
            "growth": None if ratio is None else as_share(ratio - 1),
            "invoices_prior_90d": figures.invoices_prior_90d,
            "dbt_90d": as_days(figures.dbt_90d),
            "dbt_baseline": as_days(baseline),
        },
        {
            "growth": rule.growth,
            "invoices_prior_90d": rule.invoices_before,
            "dbt_90d": None if baseline is None else as_days(baseline + rule.dbt_over_baseline),
        },
        v.events_behind("purchases_30d"),
    )


def purchases_collapse(v: View) -> Firing | None:
    rule = v.policy.triggers.purchases_collapse
    if v.figures.invoices_prior_90d < rule.invoices_before:
        return None
    ratio = purchases_ratio(v)
    if ratio is None or ratio > 1 - rule.fall:
        return None
    return Firing(rule.severity, 1 - rule.clear_fall - ratio)


def purchases_collapse_clears(v: View) -> bool:
    ratio = purchases_ratio(v)
    return ratio is not None and ratio > 1 - v.policy.triggers.purchases_collapse.clear_fall


def purchases_collapse_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.purchases_collapse
    ratio = purchases_ratio(v)
    return Evidence(
        {
            "purchases_30d": v.money(figures.purchases_30d),
            "purchases_prior_90d": v.money(figures.purchases_prior_90d),
            "growth": None if ratio is None else as_share(ratio - 1),
            "invoices_prior_90d": figures.invoices_prior_90d,
        },
        {"growth": -rule.fall, "invoices_prior_90d": rule.invoices_before, "clear_growth": -rule.clear_fall},
        v.events_behind("growth"),
    )


def peak_before(v: View) -> float | None:
    """The peak to compare with: the one kept since the first tick above it, for as long as it is of the last 365 days.

    Without it the second day of a new high would be measured against the first.
    """
    kept = v.kept
    if kept and v.today - kept["today"] < v.policy.figures.high_credit_days:
        return kept.get("prior_high_credit")
    return v.figures.prior_high_credit


def new_high_credit(v: View) -> Firing | None:
    figures, rule = v.figures, v.policy.triggers.new_high_credit
    used, peak, first = figures.utilization, peak_before(v), figures.first_invoice_on
    if used is None or peak is None or peak <= 0 or first is None:
        return None
    if (
        figures.open_balance > rule.times_peak * peak
        and v.today - first >= rule.history_days
        and used >= rule.utilization
    ):
        # It clears where it fires: growth is counted from the old peak.
        return Firing(rule.severity, figures.open_balance / peak - 1)
    return None


def new_high_credit_clears(v: View) -> bool:
    peak = peak_before(v)
    most = v.policy.triggers.new_high_credit.times_peak
    return peak is not None and v.figures.open_balance <= most * peak


def new_high_credit_evidence(v: View) -> Evidence:
    figures, rule, peak = v.figures, v.policy.triggers.new_high_credit, peak_before(v)
    first = figures.first_invoice_on
    return Evidence(
        {
            "open_balance": v.money(figures.open_balance),
            "prior_high_credit": None if peak is None else v.money(int(peak)),
            "utilization": as_share(figures.utilization),
            "history_days": None if first is None else v.today - first,
        },
        {
            "open_balance": None if peak is None else v.money(int(rule.times_peak * peak)),
            "utilization": rule.utilization,
            "history_days": rule.history_days,
        },
        v.events_behind("open_balance"),
    )


def book_share(v: View) -> float | None:
    """This account's exposure over the whole book's at the previous tick; None for a small or unknown book."""
    if v.book is None or v.book.accounts < v.policy.triggers.concentration.book_accounts:
        return None
    return _part_of_book(v)


def _part_of_book(v: View) -> float | None:
    book, mine = v.book, v.figures.exposure_base
    return None if book is None or mine is None or book.exposure <= 0 else mine / book.exposure


def concentrates(v: View) -> bool:
    """Whether the account's share of the book is so near the trigger's (a tenth of it) that the book alone can fire it.

    Of a small book too: it may have accounts enough tomorrow.
    """
    share = _part_of_book(v)
    return share is not None and share > v.policy.triggers.concentration.share_over / 10


def concentration(v: View) -> Firing | None:
    if v.book is None:
        return None
    share, rule = book_share(v), v.policy.triggers.concentration
    return (
        Firing(rule.severity, share - rule.clear_share)
        if share is not None and share > rule.share_over
        else None
    )


def concentration_clears(v: View) -> bool:
    share = book_share(v)
    return share is not None and share < v.policy.triggers.concentration.clear_share


def concentration_evidence(v: View) -> Evidence:
    rule, base, book = v.policy.triggers.concentration, v.policy.base_currency, v.book
    mine = v.figures.exposure_base
    return Evidence(
        {
            "share_of_book": as_share(book_share(v)),
            "exposure_base": None if mine is None else text(mine, base),
            "book_exposure": None if book is None else text(book.exposure, base),
            "book_accounts": None if book is None else book.accounts,
            "book_as_of": None if book is None or book.as_of is None else iso(book.as_of),
        },
        {
            "share_of_book": rule.share_over,
            "clear_share_of_book": rule.clear_share,
            "book_accounts": rule.book_accounts,
        },
        v.events_behind("exposure"),
    )

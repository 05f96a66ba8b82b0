"""TRIGGERS: the 28 conditions that make an alert, one table, with their predicates. Source: domain section 4.

When a condition becomes an alert, and for how long, is agents/watch.py; every number comes from the policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from agents import news
from agents.figures import Figures
from agents.policy import PaymentDrift, Policy, months_after
from agents.signals import AgencyReport, Filing, Signals
from schemas.money import text

if TYPE_CHECKING:
    from agents.rates import Rates


_NOTHING_KEPT: Final[Mapping[str, float]] = {}


class LedgerView(Protocol):
    """What the rules ask of the ledger beside the figures."""

    @property
    def limit(self) -> int | None: ...
    @property
    def stated_limit(self) -> list[Any] | None: ...
    @property
    def opened_on(self) -> int | None: ...
    @property
    def terms_days(self) -> int | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def currency(self) -> str | None: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def closed(self) -> bool: ...
    def exposure_now(self, today: int) -> int: ...
    def exposure_at_most(self, today: int) -> int: ...


class BookTotals(NamedTuple):
    """The whole book at the previous tick, whose day is `as_of`; exposure in minor units of the base currency."""

    exposure: int
    accounts: int
    as_of: int | None = None


def _no_events(_figure: str) -> list[str]:
    return []


class View:
    """All that a rule may read of one account as of `today`. Made anew for each evaluation.

    `figures` may be given as what measures them: they are then measured when first asked for, so that an event that
    nothing hangs on measures nothing. `event_id`: of the event that is being applied, None at a tick. `tier`: as of the
    tick before. `history`: today is before the policy goes live. `events_behind(figure)`: ids of the events behind a
    figure of the ledger, asked for when evidence is made. `kept` is set by agents/watch.py alone: the figures that the
    alert at hand goes on comparing with.
    """

    __slots__ = (
        "_figures",
        "_measure",
        "account_id",
        "book",
        "event_id",
        "events_behind",
        "facts",
        "history",
        "kept",
        "ledger",
        "policy",
        "rates",
        "signals",
        "tier",
        "today",
        "worst_fact",
    )

    def __init__(
        self,
        account_id: str,
        figures: Figures | Callable[[], Figures],
        signals: Signals,
        ledger: LedgerView,
        policy: Policy,
        rates: Rates,
        today: int,
        *,
        event_id: str | None = None,
        book: BookTotals | None = None,
        tier: str | None = None,
        events_behind: Callable[[str], list[str]] = _no_events,
    ) -> None:
        self.account_id = account_id
        self._figures: Figures | None = None
        self._measure: Callable[[], Figures] | None = None
        if isinstance(figures, Figures):
            self._figures = figures
        else:
            self._measure = figures
        self.signals = signals
        self.ledger = ledger
        self.policy = policy
        self.rates = rates
        self.today = today
        self.event_id = event_id
        self.book = book
        self.tier = tier
        self.history = policy.live_from is not None and today < policy.live_from
        self.events_behind = events_behind
        self.kept: Mapping[str, float] = _NOTHING_KEPT
        self.facts: Mapping[str, Firing] | None = None  # filled by facts_on_file() when first asked
        self.worst_fact: int | None = None  # filled by worst_fact() when first asked

    @property
    def figures(self) -> Figures:
        figures = self._figures
        if figures is None:
            assert self._measure is not None
            figures = self._figures = self._measure()
        return figures

    def own(self, base_amount: int) -> int | None:
        """Whole units of the base currency as minor units of the account's; None without a rate or a currency."""
        minor = base_amount * self.policy.base_unit
        currency, base = self.figures.currency, self.policy.base_currency
        if currency == base or currency is None:
            return minor if currency else None
        return self.rates.convert(minor, base, currency, self.today)

    def base(self, minor: int, currency: str) -> int | None:
        """Minor units of any currency as minor units of the base currency; None without a rate."""
        if currency == self.policy.base_currency:
            return minor
        return self.rates.convert(minor, currency, self.policy.base_currency, self.today)

    def money(self, minor: int | None) -> str | None:
        """An amount of the account's currency as the wire's decimal string, for evidence."""
        currency = self.figures.currency
        return None if minor is None or currency is None else text(minor, currency)


class Firing(NamedTuple):
    """A condition that holds: how grave, and how far beyond the level at which it would clear (0 or more)."""

    severity: int
    distance: float


class Evidence(NamedTuple):
    """What an alert shows: the figures, the levels they are held against, the events behind them.

    A level in base currency that has no rate says "no_rate".
    """

    metrics: dict[str, Any]
    thresholds: dict[str, Any]
    event_ids: list[str]


@dataclass(frozen=True, slots=True)
class Trigger:
    """One row of the table.

    `immediate` (●): a fact, judged with the events of `on` and at ticks; all others at ticks only, two in a row.
    `fires` and `clears` are pure; a null figure makes both of them say no. An alert clears when `clears` holds and
    `fires` does not. `keeps`: figures that the alert goes on comparing with, as they stood when it opened, or, with
    `keeps_from_first_tick`, at the first of the ticks in a row. `supersedes`: the lesser alert that this one ends.
    """

    id: str
    title: str
    action: str
    fires: Callable[[View], Firing | None]
    clears: Callable[[View], bool]
    evidence: Callable[[View], Evidence]
    immediate: bool = False
    on: tuple[str, ...] = ()
    asks_signals: bool = False
    keeps: tuple[str, ...] = ()
    keeps_from_first_tick: bool = False
    supersedes: str | None = None

    def severity(self, policy: Policy) -> int:
        """The severity of the table; adverse_news has that of its score, at least 1."""
        return getattr(getattr(policy.triggers, self.id), "severity", 1)


_NO_RATE: Final = "no_rate"


def _days(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


# --- Payment behaviour --------------------------------------------------------------------------------------


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
            "dtp_90d": _days(figures.dtp_90d),
            "dtp_baseline": _days(baseline),
            "dbt_90d": _days(figures.dbt_90d),
            "dbt_baseline": _days(late_baseline),
            "payment_runs": figures.payment_runs,
            "drift_test": figures.drift_test,
            "drift_agrees": figures.drift_agrees,
            "drift_statistic": _days(figures.drift_statistic),
        },
        {
            "dtp_90d": _days(level),
            "dbt_90d": None if late_baseline is None else _days(late_baseline + rule.dbt_over_baseline),
            "clear_dtp_90d": None if baseline is None else _days(baseline + rule.clear_days_over_baseline),
        }
        | ({} if figures.drift_limit is None else {"drift_statistic": _days(figures.drift_limit)}),
        v.events_behind("dtp_90d"),
    )


def _payment_drift(v: View) -> Firing | None:
    return _drift_fires(v, v.policy.triggers.payment_drift)


def _payment_drift_clears(v: View) -> bool:
    return _drift_clears(v, v.policy.triggers.payment_drift)


def _payment_drift_evidence(v: View) -> Evidence:
    return _drift_evidence(v, v.policy.triggers.payment_drift)


def _payment_drift_severe(v: View) -> Firing | None:
    return _drift_fires(v, v.policy.triggers.payment_drift_severe)


def _payment_drift_severe_clears(v: View) -> bool:
    return _drift_clears(v, v.policy.triggers.payment_drift_severe)


def _payment_drift_severe_evidence(v: View) -> Evidence:
    return _drift_evidence(v, v.policy.triggers.payment_drift_severe)


def _slipping(v: View) -> Firing | None:
    a, b, c, d = v.figures.dtp_months
    if a is None or b is None or c is None or d is None:
        return None
    rule = v.policy.triggers.slipping_each_month
    if a < b < c < d and d - a >= rule.days_in_all:
        return Firing(rule.severity, d - a)
    return None


def _slipping_clears(v: View) -> bool:
    before, last = v.figures.dtp_months[2:]
    return before is not None and last is not None and last < before


def _slipping_evidence(v: View) -> Evidence:
    months = v.figures.dtp_months
    rise = None if months[0] is None or months[3] is None else months[3] - months[0]
    return Evidence(
        {"dtp_months": [_days(month) for month in months], "rise_days": _days(rise)},
        {"rise_days": v.policy.triggers.slipping_each_month.days_in_all, "rises_in_a_row": 3},
        v.events_behind("dtp_months"),
    )


def _surprise(v: View) -> Firing | None:
    figures = v.figures
    p, days = figures.overdue_surprise, figures.overdue_surprise_days
    if p is None or days is None:
        return None
    rule = v.policy.triggers.overdue_surprise
    if (
        p < rule.p_below
        and figures.overdue_surprise_n >= rule.invoices_at_least
        and days >= rule.days_past_due
    ):
        return Firing(rule.severity, float(days))
    return None


def _surprise_clears(v: View) -> bool:
    """Paid: no clean open invoice is so late any more, or the latest ones are no surprise.

    Fewer invoices than it takes say nothing: a customer who stops buying has not paid.
    """
    figures, rule = v.figures, v.policy.triggers.overdue_surprise
    if figures.max_days_past_due is None or figures.max_days_past_due < rule.days_past_due:
        return True
    return (
        figures.overdue_surprise is not None
        and figures.overdue_surprise >= rule.p_below
        and figures.overdue_surprise_n >= rule.invoices_at_least
    )


def _surprise_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.overdue_surprise
    return Evidence(
        {
            "overdue_surprise": _share(figures.overdue_surprise),
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


def _past_due_share(v: View) -> Firing | None:
    if v.figures.past_due_over_10 <= 0:
        return None
    share, rule = late_share(v), v.policy.triggers.past_due_share
    if share is not None and share > rule.share_over:
        return Firing(rule.severity, share - rule.clear_share)
    return None


def _past_due_share_clears(v: View) -> bool:
    share = late_share(v)
    return share is not None and share < v.policy.triggers.past_due_share.clear_share


def _past_due_share_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.past_due_share
    return Evidence(
        {
            "past_due_share": _share(late_share(v)),
            "past_due_over_10": v.money(figures.past_due_over_10),
            "unapplied": v.money(figures.unapplied),
            "open_balance": v.money(figures.open_balance),
        },
        {"past_due_share": rule.share_over, "clear_past_due_share": rule.clear_share},
        v.events_behind("past_due_over_10"),
    )


def _seriously_past_due(v: View) -> Firing | None:
    figures = v.figures
    amount = figures.past_due_61 - figures.unapplied
    if amount <= 0:
        return None
    rule = v.policy.triggers.seriously_past_due
    level = v.own(rule.base_amount)
    return Firing(rule.severity, float(amount)) if level is not None and amount > level else None


def _seriously_past_due_clears(v: View) -> bool:
    return v.figures.past_due_61 - v.figures.unapplied <= 0


def _seriously_past_due_evidence(v: View) -> Evidence:
    figures = v.figures
    level = v.own(v.policy.triggers.seriously_past_due.base_amount)
    return Evidence(
        {
            "past_due_61": v.money(figures.past_due_61),
            "unapplied": v.money(figures.unapplied),
            "max_days_past_due": figures.max_days_past_due,
        },
        {"past_due_61": _NO_RATE if level is None else v.money(level), "clear_past_due_61": v.money(0)},
        v.events_behind("past_due_61"),
    )


def delinquent_level(v: View) -> int | None:
    rule = v.policy.triggers.delinquent
    floor = v.own(rule.base_amount)
    return None if floor is None else max(floor, int(v.figures.open_balance * rule.share_of_balance))


def _delinquent(v: View) -> Firing | None:
    figures = v.figures
    amount = figures.past_due_91 - figures.unapplied
    if amount <= 0:
        return None
    level = delinquent_level(v)
    if level is None or amount <= level:
        return None
    return Firing(v.policy.triggers.delinquent.severity, float(amount))


def _delinquent_clears(v: View) -> bool:
    return v.figures.past_due_91 - v.figures.unapplied <= 0


def _delinquent_evidence(v: View) -> Evidence:
    figures, level = v.figures, delinquent_level(v)
    return Evidence(
        {
            "past_due_91": v.money(figures.past_due_91),
            "unapplied": v.money(figures.unapplied),
            "open_balance": v.money(figures.open_balance),
            "max_days_past_due": figures.max_days_past_due,
        },
        {"past_due_91": _NO_RATE if level is None else v.money(level), "clear_past_due_91": v.money(0)},
        v.events_behind("past_due_91"),
    )


def _payment_reversed(v: View) -> Firing | None:
    count = v.figures.reversals_90d
    if count < 1:
        return None
    rule = v.policy.triggers.payment_reversed
    return Firing(rule.severity_repeated if count >= rule.repeated else rule.severity, float(count))


def _payment_reversed_clears(v: View) -> bool:
    return v.figures.reversals_90d == 0


def _payment_reversed_evidence(v: View) -> Evidence:
    return Evidence(
        {"reversals_90d": v.figures.reversals_90d},
        {"reversals_90d": 1, "reversals_90d_repeated": v.policy.triggers.payment_reversed.repeated},
        v.events_behind("reversals_90d"),
    )


def _promise_broken(v: View) -> Firing | None:
    count = v.figures.promises_broken_60d
    if count < 1:
        return None
    rule = v.policy.triggers.promise_broken
    return Firing(rule.severity_repeated if count >= rule.repeated else rule.severity, float(count))


def _promise_broken_clears(v: View) -> bool:
    return v.figures.promises_broken_60d == 0


def _promise_broken_evidence(v: View) -> Evidence:
    return Evidence(
        {"promises_broken_60d": v.figures.promises_broken_60d, "promises_broken": v.figures.promises_broken},
        {"promises_broken_60d": 1, "promises_broken_60d_repeated": v.policy.triggers.promise_broken.repeated},
        v.events_behind("promises_broken_60d"),
    )


def _partial_payments(v: View) -> Firing | None:
    count = v.figures.partial_of_last_5
    rule = v.policy.triggers.partial_payments
    if count is None or count < rule.of_last_five:
        return None
    return Firing(rule.severity, float(count - rule.clear_of_last_five))


def _partial_payments_clears(v: View) -> bool:
    count = v.figures.partial_of_last_5
    return count is not None and count <= v.policy.triggers.partial_payments.clear_of_last_five


def _partial_payments_evidence(v: View) -> Evidence:
    rule = v.policy.triggers.partial_payments
    return Evidence(
        {"partial_of_last_5": v.figures.partial_of_last_5},
        {"partial_of_last_5": rule.of_last_five, "clear_partial_of_last_5": rule.clear_of_last_five},
        v.events_behind("partial_of_last_5"),
    )


def _discounts_abandoned(v: View) -> Firing | None:
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


def _discounts_abandoned_clears(v: View) -> bool:
    return any(v.figures.discounts_taken[-v.policy.triggers.discounts_abandoned.missed_in_a_row :])


def _discounts_abandoned_evidence(v: View) -> Evidence:
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


def _dispute_spike(v: View) -> Firing | None:
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


def _dispute_spike_clears(v: View) -> bool:
    share = dispute_share(v)
    return share is not None and share < v.policy.triggers.dispute_spike.clear_share


def _dispute_spike_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.dispute_spike
    amount = v.own(rule.base_amount)
    return Evidence(
        {
            "disputed": v.money(figures.disputed),
            "disputed_share": _share(dispute_share(v)),
            "disputed_share_baseline": _share(figures.disputed_share_baseline),
            "open_balance": v.money(figures.open_balance),
        },
        {
            "disputed": _NO_RATE if amount is None else v.money(amount),
            "disputed_share": _share(dispute_level(v)),
            "clear_disputed_share": rule.clear_share,
        },
        v.events_behind("disputed"),
    )


# --- Exposure and purchases ---------------------------------------------------------------------------------


def _utilization_high(v: View) -> Firing | None:
    used = v.figures.utilization
    if used is None:
        return None
    rule = v.policy.triggers.utilization_high
    if used >= rule.utilization and v.figures.rising:
        return Firing(rule.severity, used - rule.clear_utilization)
    return None


def _utilization_high_clears(v: View) -> bool:
    used = v.figures.utilization
    return used is not None and used < v.policy.triggers.utilization_high.clear_utilization


def _utilization_high_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.utilization_high
    return Evidence(
        {
            "utilization": _share(figures.utilization),
            "utilization_28d_ago": _share(figures.utilization_28d_ago),
            "rising": figures.rising,
            "exposure": v.money(figures.exposure),
            "credit_limit": v.money(figures.credit_limit),
            "fx_driven": figures.fx_driven,
        },
        {"utilization": rule.utilization, "rising": True, "clear_utilization": rule.clear_utilization},
        v.events_behind("utilization"),
    )


def _over_limit(v: View) -> Firing | None:
    used = v.figures.utilization
    if used is None:
        return None
    rule = v.policy.triggers.over_limit
    return Firing(rule.severity, used - rule.clear_utilization) if used > rule.utilization else None


def _over_limit_clears(v: View) -> bool:
    used = v.figures.utilization
    return used is not None and used < v.policy.triggers.over_limit.clear_utilization


def _over_limit_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.over_limit
    return Evidence(
        {
            "utilization": _share(figures.utilization),
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


def _exposure_without_limit(v: View) -> Firing | None:
    figures = v.figures
    if figures.credit_limit or figures.exposure <= 0 or limit_unvalued(v):
        return None
    return Firing(v.policy.triggers.exposure_without_limit.severity, float(figures.exposure))


def _exposure_without_limit_clears(v: View) -> bool:
    return bool(v.figures.credit_limit)


def _exposure_without_limit_evidence(v: View) -> Evidence:
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


def _order_surge(v: View) -> Firing | None:
    rule = v.policy.triggers.order_surge
    if v.figures.invoices_prior_90d < rule.invoices_before:
        return None
    ratio, beyond = purchases_ratio(v), beyond_baseline(v)
    if ratio is None or beyond is None or ratio < 1 + rule.growth or beyond < rule.dbt_over_baseline:
        return None
    # It clears where it fires, so growth is counted from no surge at all: else a first 0.1 % would soon be 1.5 times.
    return Firing(rule.severity, ratio - 1)


def _order_surge_clears(v: View) -> bool:
    rule = v.policy.triggers.order_surge
    ratio, beyond = purchases_ratio(v), beyond_baseline(v)
    return (ratio is not None and ratio < 1 + rule.growth) or (
        beyond is not None and beyond < rule.dbt_over_baseline
    )


def _order_surge_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.order_surge
    ratio = purchases_ratio(v)
    baseline = figures.dbt_baseline
    return Evidence(
        {
            "purchases_30d": v.money(figures.purchases_30d),
            "purchases_prior_90d": v.money(figures.purchases_prior_90d),
            "growth": None if ratio is None else _share(ratio - 1),
            "invoices_prior_90d": figures.invoices_prior_90d,
            "dbt_90d": _days(figures.dbt_90d),
            "dbt_baseline": _days(baseline),
        },
        {
            "growth": rule.growth,
            "invoices_prior_90d": rule.invoices_before,
            "dbt_90d": None if baseline is None else _days(baseline + rule.dbt_over_baseline),
        },
        v.events_behind("purchases_30d"),
    )


def _purchases_collapse(v: View) -> Firing | None:
    rule = v.policy.triggers.purchases_collapse
    if v.figures.invoices_prior_90d < rule.invoices_before:
        return None
    ratio = purchases_ratio(v)
    if ratio is None or ratio > 1 - rule.fall:
        return None
    return Firing(rule.severity, 1 - rule.clear_fall - ratio)


def _purchases_collapse_clears(v: View) -> bool:
    ratio = purchases_ratio(v)
    return ratio is not None and ratio > 1 - v.policy.triggers.purchases_collapse.clear_fall


def _purchases_collapse_evidence(v: View) -> Evidence:
    figures, rule = v.figures, v.policy.triggers.purchases_collapse
    ratio = purchases_ratio(v)
    return Evidence(
        {
            "purchases_30d": v.money(figures.purchases_30d),
            "purchases_prior_90d": v.money(figures.purchases_prior_90d),
            "growth": None if ratio is None else _share(ratio - 1),
            "invoices_prior_90d": figures.invoices_prior_90d,
        },
        {"growth": -rule.fall, "invoices_prior_90d": rule.invoices_before, "clear_growth": -rule.clear_fall},
        v.events_behind("purchases_30d"),
    )


def peak_before(v: View) -> float | None:
    """The peak to compare with: the one kept since the first tick above it, for as long as it is of the last 365 days.

    Without it the second day of a new high would be measured against the first.
    """
    kept = v.kept
    if kept and v.today - kept["today"] < v.policy.figures.high_credit_days:
        return kept.get("prior_high_credit")
    return v.figures.prior_high_credit


def _new_high_credit(v: View) -> Firing | None:
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


def _new_high_credit_clears(v: View) -> bool:
    peak = peak_before(v)
    return peak is not None and v.figures.open_balance <= v.policy.triggers.new_high_credit.times_peak * peak


def _new_high_credit_evidence(v: View) -> Evidence:
    figures, rule, peak = v.figures, v.policy.triggers.new_high_credit, peak_before(v)
    first = figures.first_invoice_on
    return Evidence(
        {
            "open_balance": v.money(figures.open_balance),
            "prior_high_credit": None if peak is None else v.money(int(peak)),
            "utilization": _share(figures.utilization),
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


def _concentration(v: View) -> Firing | None:
    if v.book is None:
        return None
    share, rule = book_share(v), v.policy.triggers.concentration
    return (
        Firing(rule.severity, share - rule.clear_share)
        if share is not None and share > rule.share_over
        else None
    )


def _concentration_clears(v: View) -> bool:
    share = book_share(v)
    return share is not None and share < v.policy.triggers.concentration.clear_share


def _concentration_evidence(v: View) -> Evidence:
    rule, base, book = v.policy.triggers.concentration, v.policy.base_currency, v.book
    mine = v.figures.exposure_base
    return Evidence(
        {
            "share_of_book": _share(book_share(v)),
            "exposure_base": None if mine is None else text(mine, base),
            "book_exposure": None if book is None else text(book.exposure, base),
            "book_accounts": None if book is None else book.accounts,
            "book_as_of": None if book is None or book.as_of is None else _iso(book.as_of),
        },
        {
            "share_of_book": rule.share_over,
            "clear_share_of_book": rule.clear_share,
            "book_accounts": rule.book_accounts,
        },
        v.events_behind("exposure"),
    )


# --- What others say ----------------------------------------------------------------------------------------


def agency_fall(report: AgencyReport, v: View) -> tuple[float | None, int | None]:
    """How far an agency's newest stands below its best of 365 days: points, and classes; None: nothing to compare."""
    if v.today - report.reported_on >= v.policy.bureau.best_days:
        return None, None
    points = classes = None
    if report.score is not None and report.best_score is not None:
        points = report.best_score - report.score
    if report.class_rank is not None and report.best_rank is not None:
        classes = report.class_rank - report.best_rank
    return points, classes


def _bureau_downgrade(v: View) -> Firing | None:
    rule = v.policy.triggers.bureau_downgrade
    distance: float | None = None
    for report in v.signals.reports(v.today, v.policy):
        points, classes = (fall or 0 for fall in agency_fall(report, v))
        if points >= rule.points or classes >= rule.classes:
            # A class stands for as many points as fire alone.
            distance = max(
                distance or 0.0, points - rule.clear_points, classes * rule.points - rule.clear_points
            )
    return None if distance is None else Firing(rule.severity, distance)


def _bureau_downgrade_clears(v: View) -> bool:
    rule, reports = v.policy.triggers.bureau_downgrade, v.signals.reports(v.today, v.policy)
    compared = False
    for report in reports:
        points, classes = agency_fall(report, v)
        if classes is None and report.best_rank is not None:
            return (
                False  # a class that the policy does not know says nothing of the fall from one that it knows
            )
        if (points or 0) > rule.clear_points or (classes or 0) >= rule.classes:
            return False
        compared = compared or points is not None or classes is not None
    return compared


def _bureau_downgrade_evidence(v: View) -> Evidence:
    rule, worst = v.policy.triggers.bureau_downgrade, None
    for report in v.signals.reports(v.today, v.policy):
        points, classes = agency_fall(report, v)
        fall = (points or 0.0, classes or 0)
        if worst is None or fall > worst[0]:
            worst = (fall, report)
    thresholds = {
        "fall_points": rule.points,
        "fall_classes": rule.classes,
        "clear_fall_points": rule.clear_points,
    }
    if worst is None:
        return Evidence({}, thresholds, [])
    (points, classes), report = worst
    metrics = {
        "agency": report.agency,
        "score": _days(report.score),
        "best_score": _days(report.best_score),
        "score_reported": report.score_text,
        "rating_class": report.rating_class,
        "fall_points": _days(points),
        "fall_classes": classes,
        "report_age_days": v.today - report.reported_on,
    }
    return Evidence(
        metrics,
        thresholds,
        _events(
            report.best_score_event,
            report.best_rank_event,
            report.score_event,
            report.class_event,
        ),
    )


def agency_cut(report: AgencyReport, v: View) -> float | None:
    """The share by which an agency's newest recommended limit stands below its best of 365 days."""
    now, best = report.stated_limit, report.best_limit
    if now is None or not best or v.today - report.reported_on >= v.policy.bureau.best_days:
        return None
    return 1 - now / best


def _agency_limit_cut(v: View) -> Firing | None:
    rule = v.policy.triggers.agency_limit_cut
    worst: Firing | None = None
    for report in v.signals.reports(v.today, v.policy):
        cut = agency_cut(report, v)
        if cut is not None and cut >= rule.cut:
            firing = Firing(rule.severity_zero if report.stated_limit == 0 else rule.severity, cut)
            worst = firing if worst is None else max(worst, firing)
    return worst


def _agency_limit_cut_clears(v: View) -> bool:
    cuts = [agency_cut(report, v) for report in v.signals.reports(v.today, v.policy)]
    known = [cut for cut in cuts if cut is not None]
    return bool(known) and max(known) <= 0


def _agency_limit_cut_evidence(v: View) -> Evidence:
    rule = v.policy.triggers.agency_limit_cut
    cuts = [(agency_cut(report, v), report) for report in v.signals.reports(v.today, v.policy)]
    known = [(cut, report) for cut, report in cuts if cut is not None]
    if not known:
        return Evidence({}, {"cut": rule.cut}, [])
    cut, report = max(known, key=lambda item: item[0])
    currency = report.stated_currency or v.policy.base_currency
    metrics = {
        "agency": report.agency,
        "recommended_limit": text(report.stated_limit or 0, currency),
        "best_recommended_limit": text(report.best_limit or 0, currency),
        "currency": currency,
        "cut": _share(cut),
    }
    return Evidence(
        metrics, {"cut": rule.cut, "clear_cut": 0.0}, _events(report.best_limit_event, report.limit_event)
    )


_LEGAL: Final = ("lien", "judgment", "suit")


def legal_level(v: View) -> int:
    """In minor units of the base currency: the greater of the flat amount and the share of tangible net worth."""
    rule = v.policy.triggers.legal_filing
    level = rule.base_amount * v.policy.base_unit
    statement = v.signals.usable_statement(v.today, v.policy)
    worth = None if statement is None else statement.tangible_net_worth
    if statement is not None and worth is not None:
        in_base = v.base(worth, statement.currency)
        if in_base is not None:
            level = max(level, int(in_base * rule.share_of_net_worth))
    return level


def open_legal(v: View) -> list[Filing]:
    ended = v.policy.triggers.legal_filing.clears_on
    return [f for f in v.signals.filings(v.today) if f.kind in _LEGAL and f.status not in ended]


def legal_amount(filing: Filing, level: int, v: View) -> int | None:
    """What the filing claims, in base minor units; an amount that is not stated counts as the level. None: no rate."""
    if filing.amount is None or filing.currency is None:
        return level
    return v.base(filing.amount, filing.currency)


def filed_at_a_rate(v: View) -> bool:
    """Whether a rate alone can carry what is on file over the level, or under it."""
    if v.signals.empty:
        return False
    found, base = open_legal(v), v.policy.base_currency
    if not found:
        return False
    statement = v.signals.usable_statement(v.today, v.policy)
    return any(f.currency not in (None, base) for f in found) or (
        statement is not None and statement.currency != base
    )


def _legal_filing(v: View) -> Firing | None:
    found = open_legal(v)
    if not found:
        return None
    level = legal_level(v)
    amounts = [amount for f in found if (amount := legal_amount(f, level, v)) is not None and amount >= level]
    if not amounts:
        return None
    return Firing(v.policy.triggers.legal_filing.severity, float(sum(amounts)))


def _legal_filing_clears(v: View) -> bool:
    """Nothing is on file that fires; one that can not be valued for want of a rate clears nothing."""
    level = legal_level(v)
    amounts = [legal_amount(f, level, v) for f in open_legal(v)]
    return all(amount is not None and amount < level for amount in amounts)


def _legal_filing_evidence(v: View) -> Evidence:
    found, level = open_legal(v), legal_level(v)
    amounts = [legal_amount(f, level, v) for f in found]
    return Evidence(
        {
            "filings": [
                {
                    "kind": f.kind,
                    "filing_id": f.filing_id,
                    "status": f.status,
                    "amount": None if f.amount is None or f.currency is None else text(f.amount, f.currency),
                    "currency": f.currency,
                }
                for f in found
            ]
        },
        {"amount_base": _NO_RATE if None in amounts else text(level, v.policy.base_currency)},
        [f.event_id for f in found],
    )


def open_filings(v: View, kind: str, ended: tuple[str, ...]) -> list[Filing]:
    return [f for f in v.signals.filings(v.today) if f.kind == kind and f.status not in ended]


def _new_charge(v: View) -> Firing | None:
    rule = v.policy.triggers.new_charge
    found = open_filings(v, "charge", rule.clears_on)
    return Firing(rule.severity, float(len(found))) if found else None


def _new_charge_clears(v: View) -> bool:
    return not open_filings(v, "charge", v.policy.triggers.new_charge.clears_on)


def _new_charge_evidence(v: View) -> Evidence:
    found = open_filings(v, "charge", v.policy.triggers.new_charge.clears_on)
    return Evidence(
        {"charges": len(found), "filing_ids": [f.filing_id for f in found]},
        {"charges": 1},
        [f.event_id for f in found],
    )


def _adverse_news(v: View) -> Firing | None:
    worst = v.signals.news_score(v.today, v.policy, v.rates)
    rule = v.policy.triggers.adverse_news
    if worst.story is None or worst.score < rule.score:
        return None
    return Firing(min(5, news.rounded(worst.score)), worst.score - rule.clear_score)


def _adverse_news_clears(v: View) -> bool:
    return v.signals.news_score(v.today, v.policy, v.rates).score < v.policy.triggers.adverse_news.clear_score


def _adverse_news_evidence(v: View) -> Evidence:
    worst = v.signals.news_score(v.today, v.policy, v.rates)
    rule, story = v.policy.triggers.adverse_news, worst.story
    metrics: dict[str, Any] = {"news_score": _days(worst.score)}
    if story is not None:
        metrics |= {
            "category": story.category,
            "headline": story.headline,
            "category_severity": worst.severity,
            "confidence": story.confidence,
            "trust": story.trust,
            "age_days": v.today - story.published,
            "corroborated": story.corroborated,
            "copies": len(story.event_ids),
        }
    return Evidence(
        metrics,
        {
            "news_score": rule.score,
            "clear_news_score": rule.clear_score,
            "uncorroborated_cap": v.policy.news.uncorroborated_cap,
        },
        list(story.event_ids) if story is not None else [],
    )


_INSOLVENT: Final = ("bankruptcy", "insolvency")


def insolvency_events(v: View) -> list[str]:
    """Registry filings, and articles of a registry or a court, that tell of insolvency and have not been discharged."""
    filings = open_filings(v, "insolvency", v.policy.triggers.insolvency.clears_on)
    told = [
        event_id
        for story in v.signals.stories(v.today, v.policy)
        if story.official and story.category in _INSOLVENT
        for event_id in story.event_ids
    ]
    return [f.event_id for f in filings] + told


def _insolvency(v: View) -> Firing | None:
    found = insolvency_events(v)
    return Firing(v.policy.triggers.insolvency.severity, 1.0) if found else None


def _insolvency_clears(v: View) -> bool:
    return not insolvency_events(v)


def _insolvency_evidence(v: View) -> Evidence:
    filings = open_filings(v, "insolvency", v.policy.triggers.insolvency.clears_on)
    found = insolvency_events(v)
    return Evidence(
        {
            "events": len(found),
            "filing_ids": [f.filing_id for f in filings],
            "filed_on": [_iso(f.filed_on) for f in filings],
        },
        {"events": 1},
        found,
    )


def _sanctions_match(v: View) -> Firing | None:
    found = v.signals.matches(v.today)
    if not found:
        return None
    rule = v.policy.triggers.sanctions_match
    confirmed = any(match.status == "confirmed" for match in found)
    return Firing(rule.severity if confirmed else rule.severity_possible, float(len(found)))


def _sanctions_match_clears(v: View) -> bool:
    return not v.signals.matches(v.today)


def _sanctions_match_evidence(v: View) -> Evidence:
    found = v.signals.matches(v.today)
    return Evidence(
        {"matches": [{"match_id": m.match_id, "list": m.list, "status": m.status} for m in found]},
        {"matches": 1},
        [m.event_id for m in found],
    )


def _statements_stale(v: View) -> Firing | None:
    tier = v.tier
    if tier is None or not getattr(v.policy.tiers, tier).demands_statements:
        return None
    statement = v.signals.statement(v.today, v.policy)
    if statement is None:
        return None
    stale_on = months_after(statement.period_end, v.policy.statements.stale_months)
    if v.today <= stale_on:
        return None
    # Counted from the end of the period, so that growth means age.
    return Firing(v.policy.triggers.statements_stale.severity, float(v.today - statement.period_end))


def _statements_stale_clears(v: View) -> bool:
    statement = v.signals.statement(v.today, v.policy)
    if statement is None:
        return False
    return v.today <= months_after(statement.period_end, v.policy.statements.stale_months)


def _statements_stale_evidence(v: View) -> Evidence:
    statement = v.signals.statement(v.today, v.policy)
    months = v.policy.statements.stale_months
    return Evidence(
        {
            "statement_id": None if statement is None else statement.statement_id,
            "period_end": None if statement is None else _iso(statement.period_end),
            "tier": v.tier,
        },
        {
            "stale_months": months,
            "stale_after": None if statement is None else _iso(months_after(statement.period_end, months)),
        },
        [] if statement is None else [statement.event_id],
    )


def _related_party_distress(v: View) -> Firing | None:
    rule = v.policy.triggers.related_party_distress
    found = [d.severity for d in v.signals.distress(v.today) if d.severity >= rule.their_severity]
    return Firing(rule.severity, float(len(found))) if found else None


def _related_party_distress_clears(v: View) -> bool:
    least = v.policy.triggers.related_party_distress.their_severity
    return all(d.severity < least for d in v.signals.distress(v.today))


def _related_party_distress_evidence(v: View) -> Evidence:
    least = v.policy.triggers.related_party_distress.their_severity
    found = [d for d in v.signals.distress(v.today) if d.severity >= least]
    return Evidence(
        {
            "related": [
                {"account_id": d.related_account_id, "alert_id": d.alert_id, "severity": d.severity}
                for d in found
            ]
        },
        {"severity": least},
        [d.event_id for d in found],
    )


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


def _events(*ids: str | None) -> list[str]:
    return list(dict.fromkeys(event_id for event_id in ids if event_id is not None))


# --- The table ----------------------------------------------------------------------------------------------

_BALANCE: Final = (
    "invoice.issued", "invoice.credited", "invoice.disputed", "dispute.resolved", "invoice.written_off",
    "invoice.voided", "order.booked", "order.closed", "payment.received", "payment.applied", "payment.reversed",
    "security.recorded", "account.limit_set", "account.opened", "account.updated", "proposal.approved",
)  # fmt: skip

TRIGGERS: Final[tuple[Trigger, ...]] = (
    # The severe one stands before the one that it supersedes, so that one tick settles both.
    Trigger(
        "payment_drift_severe",
        "Pays much later than it used to",
        "Stop open-account shipments above the current balance, speak to the customer's finance head this week, and "
        "review the limit.",
        _payment_drift_severe,
        _payment_drift_severe_clears,
        _payment_drift_severe_evidence,
        keeps=("dtp_baseline", "dbt_baseline"),
        supersedes="payment_drift",
    ),
    Trigger(
        "payment_drift",
        "Pays later than it used to",
        "Call the customer and ask why payments slip; confirm due dates of the next invoices and watch new orders.",
        _payment_drift,
        _payment_drift_clears,
        _payment_drift_evidence,
        keeps=("dtp_baseline", "dbt_baseline"),
    ),
    Trigger(
        "slipping_each_month",
        "Days to pay rise month after month",
        "Ask for a payment plan before the next shipment and hold the limit where it is.",
        _slipping,
        _slipping_clears,
        _slipping_evidence,
    ),
    Trigger(
        "overdue_surprise",
        "An invoice is unpaid at an age at which this customer has nearly always paid",
        "Ask about this invoice now: a dispute, a lost document or a lack of cash each want another answer.",
        _surprise,
        _surprise_clears,
        _surprise_evidence,
    ),
    Trigger(
        "past_due_share",
        "Much of the balance is past due",
        "Dun the late invoices by phone, agree dates in writing, and release new orders one by one.",
        _past_due_share,
        _past_due_share_clears,
        _past_due_share_evidence,
    ),
    Trigger(
        "seriously_past_due",
        "Invoices are more than 60 days past due",
        "Put orders on credit review, send a final demand, and agree a dated payment plan.",
        _seriously_past_due,
        _seriously_past_due_clears,
        _seriously_past_due_evidence,
    ),
    Trigger(
        "delinquent",
        "Invoices are more than 90 days past due",
        "Hold shipments, hand the debt to collections or counsel, check security and insurance deadlines, consider a "
        "provision.",
        _delinquent,
        _delinquent_clears,
        _delinquent_evidence,
    ),
    Trigger(
        "utilization_high",
        "Uses most of its credit limit, and more than a month ago",
        "Check whether growth or slower payment fills the limit; invite a payment or review the limit in time.",
        _utilization_high,
        _utilization_high_clears,
        _utilization_high_evidence,
    ),
    Trigger(
        "over_limit",
        "Exposure exceeds the credit limit",
        "Hold further releases until a payment, security or an approved limit covers the excess.",
        _over_limit,
        _over_limit_clears,
        _over_limit_evidence,
        immediate=True,
        on=_BALANCE,
    ),
    Trigger(
        "exposure_without_limit",
        "Owes money without a credit limit",
        "Set a limit, or move the account to prepayment.",
        _exposure_without_limit,
        _exposure_without_limit_clears,
        _exposure_without_limit_evidence,
    ),
    Trigger(
        "order_surge",
        "Buys far more while paying later",
        "Ask what the goods are for before releasing them: a surge with slower payment is how bust-outs begin.",
        _order_surge,
        _order_surge_clears,
        _order_surge_evidence,
    ),
    Trigger(
        "purchases_collapse",
        "Purchases have collapsed",
        "Ask sales whether the business went elsewhere; if so, collect what is open while the relation is good.",
        _purchases_collapse,
        _purchases_collapse_clears,
        _purchases_collapse_evidence,
    ),
    Trigger(
        "new_high_credit",
        "Owes more than ever in the last year",
        "Confirm that the growth is wanted and that the limit still rests on current information.",
        _new_high_credit,
        _new_high_credit_clears,
        _new_high_credit_evidence,
        keeps=("prior_high_credit",),
        keeps_from_first_tick=True,
    ),
    Trigger(
        "payment_reversed",
        "A payment was returned",
        "Read the reason code; for insufficient funds ask for a wire before anything more is shipped.",
        _payment_reversed,
        _payment_reversed_clears,
        _payment_reversed_evidence,
        immediate=True,
        on=("payment.reversed",),
    ),
    Trigger(
        "promise_broken",
        "A promise to pay was broken",
        "Call the person who promised, take a new date from someone more senior, and hold orders until it is kept.",
        _promise_broken,
        _promise_broken_clears,
        _promise_broken_evidence,
    ),
    Trigger(
        "partial_payments",
        "Invoices are paid in parts",
        "Ask whether cash or disputes cause the part payments; reconcile short payments this week.",
        _partial_payments,
        _partial_payments_clears,
        _partial_payments_evidence,
    ),
    Trigger(
        "dispute_spike",
        "Disputes rise",
        "Have sales and quality answer the disputes: a real fault is ours to mend, a pretext is a way to delay payment.",
        _dispute_spike,
        _dispute_spike_clears,
        _dispute_spike_evidence,
    ),
    Trigger(
        "discounts_abandoned",
        "No longer takes the early-payment discount",
        "Note the change: cheap money left on the table is an early sign that cash is short.",
        _discounts_abandoned,
        _discounts_abandoned_clears,
        _discounts_abandoned_evidence,
    ),
    Trigger(
        "bureau_downgrade",
        "An agency rates the customer lower",
        "Read the agency's report for its reason and compare it with our own payment experience.",
        _bureau_downgrade,
        _bureau_downgrade_clears,
        _bureau_downgrade_evidence,
        immediate=True,
        on=("bureau.reported",),
        asks_signals=True,
    ),
    Trigger(
        "agency_limit_cut",
        "An agency cut its recommended limit",
        "Find out what the agency has seen, and check insurance cover on what is open.",
        _agency_limit_cut,
        _agency_limit_cut_clears,
        _agency_limit_cut_evidence,
        immediate=True,
        on=("bureau.reported",),
        asks_signals=True,
    ),
    Trigger(
        "legal_filing",
        "A lien, judgment or suit is on file",
        "Get the filing, ask the customer about it, and weigh the claim against its net worth.",
        _legal_filing,
        _legal_filing_clears,
        _legal_filing_evidence,
        immediate=True,
        on=("bureau.filed", "statement.filed"),
        asks_signals=True,
    ),
    Trigger(
        "new_charge",
        "A secured charge is registered",
        "See which assets are pledged and to whom: we now stand behind that lender.",
        _new_charge,
        _new_charge_clears,
        _new_charge_evidence,
        immediate=True,
        on=("bureau.filed",),
        asks_signals=True,
    ),
    Trigger(
        "adverse_news",
        "Adverse news",
        "Read the source, confirm that it is this company, and ask the customer for its side.",
        _adverse_news,
        _adverse_news_clears,
        _adverse_news_evidence,
        immediate=True,
        on=("news.published", "bureau.filed", "statement.filed"),
        asks_signals=True,
    ),
    Trigger(
        "insolvency",
        "Insolvency proceedings",
        "Stop shipments, recall goods in transit, file the claim, and check retention of title, security and insurance "
        "deadlines today.",
        _insolvency,
        _insolvency_clears,
        _insolvency_evidence,
        immediate=True,
        on=("bureau.filed", "news.published"),
        asks_signals=True,
    ),
    Trigger(
        "sanctions_match",
        "Sanctions list match",
        "Stop all dealings and give the match to compliance: a person decides whether it is this customer.",
        _sanctions_match,
        _sanctions_match_clears,
        _sanctions_match_evidence,
        immediate=True,
        on=("screening.reported",),
        asks_signals=True,
    ),
    Trigger(
        "statements_stale",
        "Financial statements are out of date",
        "Ask for the latest statements.",
        _statements_stale,
        _statements_stale_clears,
        _statements_stale_evidence,
        asks_signals=True,
    ),
    Trigger(
        "related_party_distress",
        "A parent or sibling is in distress",
        "Look at the group as one debtor: guarantees, cash pooling, common customers.",
        _related_party_distress,
        _related_party_distress_clears,
        _related_party_distress_evidence,
        immediate=True,
        on=("related.distressed", "related.recovered"),
        asks_signals=True,
    ),
    Trigger(
        "concentration",
        "One customer holds much of the book",
        "Bring it to the credit committee: insurance, security or a cap on further growth.",
        _concentration,
        _concentration_clears,
        _concentration_evidence,
    ),
)

BY_ID: Final[dict[str, Trigger]] = {trigger.id: trigger for trigger in TRIGGERS}

# over_limit has a cheaper check of its own (agents/watch.py), so that an invoice need not be measured.
AT_ONCE: Final[dict[str, tuple[Trigger, ...]]] = {
    kind: tuple(t for t in TRIGGERS if t.immediate and kind in t.on and t.id != "over_limit")
    for trigger in TRIGGERS
    for kind in trigger.on
}
"""Event type -> the immediate triggers, but for over_limit, whose figures an event of this type can change."""

_FACTS_OF_SIGNALS: Final = tuple(t for t in TRIGGERS if t.immediate and t.asks_signals)


def facts_on_file(view: View) -> Mapping[str, Firing]:
    """What the immediate triggers that ask signals find, by trigger; those that find nothing are left out."""
    signals = view.signals
    if signals.empty:
        return _NO_FACTS
    if view.facts is None:
        if signals.ageing:
            view.facts = _facts(view)
        else:
            view.facts = signals.kept("facts", view.today, view.policy, lambda: _facts(view))
    return view.facts


_NO_FACTS: Final[Mapping[str, Firing]] = {}


def _facts(view: View) -> dict[str, Firing]:
    return {t.id: firing for t in _FACTS_OF_SIGNALS if (firing := t.fires(view)) is not None}


def worst_fact(view: View) -> int:
    """The greatest severity among the facts (●) that hold as of today, 0 for none; from facts alone, not from alerts."""
    if view.worst_fact is None:
        worst = 0
        for firing in (_over_limit(view), _payment_reversed(view), *facts_on_file(view).values()):
            if firing is not None and firing.severity > worst:
                worst = firing.severity
        view.worst_fact = worst
    return view.worst_fact

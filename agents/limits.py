"""What a credit limit should be: the scoring matrix, the terms of a proposal and which binds, tiers and status.

Source: domain section 5. Pure functions of a view; the life of a proposal is agents/desk.py. Money in minor units.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from statistics import median
from typing import Any, Final, Literal, NamedTuple, get_args

from agents.balances import exposure_now
from agents.facts import NEVER
from agents.policy import exact
from agents.policy_limits import Limits
from agents.policy_parts import GRADES, Scale
from agents.rules_exposure import limit_unvalued
from agents.triggers import worst_fact
from agents.view import View
from agents.watch import OpenAlert
from schemas.events import Role
from schemas.outputs import Grade, Tier

Direction = Literal["open", "raise", "cut", "hold"]
APPROVERS: Final[tuple[Role, ...]] = get_args(Role)
"""In rising order of authority."""

_SUBSTANCE: Final = ("own_payments", "financials", "bureau", "references")
_YEAR: Final = 365.25

REASONS: Final[dict[str, str]] = {
    "own_payments": "payments to us are later than agreed",
    "financials": "the financial statements show weak ratios",
    "bureau": "agencies rate the customer low",
    "references": "trade references report late payment",
    "tenure": "the customer is new",
    "events": "adverse facts are on file",
    "no_own_payments": "too few payments to us to judge by",
    "no_financials": "no usable financial statements",
    "no_bureau": "no current report of an agency",
    "no_references": "no trade references",
    "no_tenure": "less than a year of history",
    "bound_by_need": "the limit follows what the customer buys in the billing cycles in flight",
    "bound_by_net_worth": "the limit is held to a share of tangible net worth",
    "bound_by_references": "the limit is held to what other suppliers extend",
    "bound_by_agency": "the limit is held to the agency's recommendation",
    "bound_by_raise_cap": "one raise may not exceed a multiple of the current limit",
    "bound_by_grade": "the grade allows no open credit: prepayment, a deposit or a letter of credit",
    "earned": "the raise is earned: on time for half a year, and the limit is used",
    "grade": "the grade calls for a lower limit",
    "open_alert": "a grave alert is open",
    "freeze_and_run_off": "the balance exceeds the proposed limit: no new orders until it has run off",
}
"""Reason code -> what a person is told. The first eleven stand for a term of the score each: low, or missing."""


class Scoring(NamedTuple):
    """The scoring matrix. `categories` are 0–100, None where nothing stands behind one; `missing` names those.

    `caps` says what held the grade down: "missing" (a category), "no_substance" (all four that speak of the payer).
    """

    score: float
    grade: Grade
    categories: dict[str, float | None]
    missing: list[str]
    caps: list[str]


class Terms(NamedTuple):
    """What a limit is the least of, and what went into it. None: nothing stands behind the term, it is left out."""

    limit: int | None  # rounded down; None when no term stands
    binding: str  # need net_worth references agency grade raise_cap
    terms: dict[str, int | None]
    need: int | None
    monthly_purchases: int | None
    terms_days: int
    multiplier: float


class Draft(NamedTuple):
    """A proposal before it is one."""

    direction: Direction
    current: int | None
    proposed: int
    binding: str
    approver: Role
    reasons: list[str]
    terms: dict[str, int | None]
    evidence: dict[str, Any]


# --- The score ----------------------------------------------------------------------------------------------


def _points(value: float, worst: float, best: float) -> float:
    """0 at `worst`, 100 at `best`, linear between and clamped; `best` may be the smaller number."""
    points = 100.0 * (value - worst) / (best - worst)
    return 0.0 if points < 0.0 else 100.0 if points > 100.0 else points


def _own_payments(view: View) -> float | None:
    rule, figures = view.policy.limits.score.own_payments, view.figures
    if figures.pay_index is None or figures.payment_runs_365d < rule.runs:
        return None
    return _points(figures.pay_index, rule.worst, rule.best)


def _financials(view: View) -> float | None:
    """The mean of the ratios that can be told from the newest usable statement."""
    ratios = view.signals.ratios(view.today, view.policy)
    if ratios is None:
        return None
    rule = view.policy.limits.score.financials
    points = []
    for name, ratio in ratios.items():
        if ratio is None:
            continue
        scale: Scale = getattr(rule, name)
        worst, best = scale
        if math.isinf(ratio):
            points.append(100.0 if (ratio > 0) == (best > worst) else 0.0)
        else:
            points.append(_points(ratio, worst, best))
    return math.fsum(points) / len(points) if points else None


def _references(view: View) -> float | None:
    late = [r.dbt for r in view.signals.references(view.today) if r.dbt is not None]
    rule = view.policy.limits.score.references
    return _points(median(late), rule.worst, rule.best) if late else None


def _on_file(view: View) -> tuple[float | None, float | None, float | None]:
    """Points for financials, bureau and references."""
    return (
        _financials(view),
        view.signals.bureau_points(view.today, view.policy),
        _references(view),
    )


_NOTHING_ON_FILE: Final = (None, None, None)


def opened_on(view: View) -> int | None:
    """The first day that is known of the account (a date ordinal): it is no younger than its first invoice."""
    known = (view.ledger.opened_on, view.figures.first_invoice_on)
    return min((day for day in known if day is not None), default=None)


def _tenure(view: View) -> float | None:
    opened = opened_on(view)
    if opened is None:
        return None
    years, rule = (view.today - opened) / _YEAR, view.policy.limits.score.tenure
    return None if years < rule.from_years else _points(years, 0.0, rule.best_years)


def score(view: View) -> Scoring:
    """The scoring matrix: Σ weight × category / Σ weight over the categories that are known, and the grade.

    From facts alone: alerts, proposals and the order in which facts came do not move it. Rounded to two decimals, and
    graded as rounded.
    """
    weights, rule = view.policy.limits.score, view.policy.limits
    signals = view.signals
    financials, bureau, references = (
        _NOTHING_ON_FILE
        if signals.empty
        else signals.kept("points", view.today, view.policy, lambda: _on_file(view))
    )
    categories: dict[str, float | None] = {
        "own_payments": _own_payments(view),
        "financials": financials,
        "bureau": bureau,
        "references": references,
        "tenure": _tenure(view),
        "events": max(0.0, 100.0 - weights.events.points_per_severity * worst_fact(view)),
    }
    total = known = 0.0
    missing = []
    for name, points in categories.items():
        if points is None:
            missing.append(name)
            continue
        weight: float = getattr(weights, name).weight
        total += weight * points
        known += weight
    value = round(total / known, 2)
    earned = _grade_of(value, rule)
    grade, caps = earned, []
    if missing:
        grade = max(grade, rule.missing_caps_grade)  # letters: the greater is the worse
        if grade != earned:
            caps.append("missing")
    if _unknown(categories):
        worse = max(grade, rule.no_substance_caps_grade)
        if worse != grade:
            grade, caps = worse, [*caps, "no_substance"]
    return Scoring(value, grade, categories, missing, caps)


def _grade_of(value: float, rule: Limits) -> Grade:
    for grade in GRADES:
        if value >= getattr(rule.grades, grade).from_score:
            return grade
    return GRADES[-1]


# --- The terms ----------------------------------------------------------------------------------------------


def rounded_down(amount: int, digits: int) -> int:
    """To so many significant digits, downwards: 47,300 is 47,000 at two."""
    if amount <= 0:
        return 0
    step = 10 ** max(0, len(str(amount)) - digits)
    return int(amount // step * step)


def part(amount: int | Fraction, share: float) -> int:
    """So much of an amount in minor units, downwards, exactly: 0.29 of 200,000 is 58,000 and not 57,999."""
    return int(amount * exact(share))


def cycles(terms_days: int, cycle_days: int) -> int:
    """Billing cycles in flight: ⌈terms / 30⌉ + 1. Net 30: 2; payment on receipt: 1."""
    return -(-terms_days // cycle_days) + 1


def terms(view: View, grade: Grade) -> Terms:
    """min(need × multiplier, 10 % of tangible net worth, references' median high credit, newest agency limit × its
    multiplier), without those that nothing stands behind, rounded down. Lateness never raises need.

    A grade whose multiplier is 0 proposes 0, whatever else is known.
    """
    policy, figures, signals = view.policy, view.figures, view.signals
    rule = policy.limits
    multiplier: float = getattr(rule.grades, grade).multiplier
    terms_days = view.ledger.terms_days
    if terms_days is None:
        terms_days = policy.figures.default_terms_days
    need: Fraction | None = None
    if figures.monthly_purchases_exact is not None:
        purchases, days = figures.monthly_purchases_exact
        need = Fraction(max(0, purchases) * cycles(terms_days, rule.cycle_days), days)
    known: dict[str, int | None] = {
        "need": None if need is None else part(need, multiplier),
        "net_worth": None,
        "references": None,
        "agency": None,
    }
    if not signals.empty:
        known["net_worth"] = _net_worth_term(view)
        known["references"] = _references_term(view)
        known["agency"] = _agency_term(view)
    stated = [(amount, name) for name, amount in known.items() if amount is not None]
    limit: int | None
    if multiplier == 0.0:
        limit, binding = 0, "grade"
    elif stated:
        least, binding = min(stated, key=lambda item: item[0])
        limit = rounded_down(least, rule.significant_digits)
    else:
        limit, binding = None, ""
    needed = None if need is None else int(need)
    return Terms(limit, binding, known, needed, figures.monthly_purchases, terms_days, multiplier)


def _own(view: View, minor: int, currency: str) -> int | None:
    own = view.figures.currency
    if own is None or own == currency:
        return minor
    return view.rates.convert(minor, currency, own, view.today)


def _net_worth_term(view: View) -> int | None:
    statement = view.signals.usable_statement(view.today, view.policy)
    worth = None if statement is None else statement.tangible_net_worth
    if statement is None or worth is None:
        return None
    own = _own(view, worth, statement.currency)
    return None if own is None else max(0, part(own, view.policy.limits.net_worth_share))


def _references_term(view: View) -> int | None:
    credits = [_own(view, r.high_credit, r.currency) for r in view.signals.references(view.today)]
    known = [credit for credit in credits if credit is not None]
    return int(median(known)) if known else None


def _agency_term(view: View) -> int | None:
    """The newest recommended limit, of whichever agency, while it is young enough to score."""
    policy = view.policy
    best: tuple[int, int] | None = None
    for report in view.signals.reports(view.today, policy):
        if report.stated_limit is None or report.stated_currency is None or report.limit_on is None:
            continue
        if view.today - report.limit_on > policy.bureau.score_days:
            continue
        own = _own(view, report.stated_limit, report.stated_currency)
        if own is None or (best is not None and report.limit_on < best[0]):
            continue
        agency = policy.bureau.agencies.get(report.agency)
        amount = part(own, 1.0 if agency is None else agency.limit_multiplier)
        if best is None or report.limit_on > best[0] or amount < best[1]:
            best = report.limit_on, amount
    return None if best is None else best[1]


# --- Tier and status ----------------------------------------------------------------------------------------


def tier(view: View, grade: Grade, conditions: int) -> Tier:
    """high: grade D or E, or a condition of severity 4 or more; low: A or B, and none of 3 or more; else medium.

    `conditions` is Watch.conditions, those that hold for judgement; facts are read from the view. From facts alone.
    """
    tiers = view.policy.tiers
    worst = max(conditions, worst_fact(view))
    if grade in tiers.high.grades or worst >= tiers.high.severity_from:
        return "high"
    if grade in tiers.low.grades and worst <= tiers.low.severity_at_most:
        return "low"
    return "medium"


def status(view: View, grade: Grade, tier: Tier, worst_open: int) -> str:
    """prepay: grade E; hold: an open alert of severity 5, or over the limit; watch: 3–4, or the high tier; else good."""
    rule = view.policy.status
    if grade in rule.prepay_grades:
        return "prepay"
    if worst_open >= rule.hold_severity or over_limit(view):
        return "hold"
    return "watch" if worst_open >= rule.watch_severity or tier == "high" else "good"


def over_limit(view: View) -> bool:
    """By the ledger's running totals, so that it can be asked with every event."""
    limit = view.ledger.limit
    return bool(limit) and exposure_now(view.ledger, view.today) > (limit or 0)


# --- The proposal -------------------------------------------------------------------------------------------


def approver_for(view: View, amount: int, currency: str | None) -> Role:
    """Who may approve a limit in that currency: analyst ≤ 25,000, manager ≤ 100,000, controller above, or without a rate."""
    rule, unit = view.policy.approval, view.policy.base_unit
    in_base = None if currency is None else view.base(amount, currency)
    if in_base is None or in_base > rule.manager_up_to * unit:
        return "controller"
    return "manager" if in_base > rule.analyst_up_to * unit else "analyst"


def _auto(view: View, direction: Direction, amount: int, tier: Tier, alerts: Sequence[OpenAlert]) -> bool:
    """Needs no person: low tier, an opening or a raise, a small amount, no open alert of severity 3 or more."""
    rule = view.policy.approval
    currency = view.figures.currency
    in_base = None if currency is None else view.base(amount, currency)
    return (
        tier in rule.auto_tiers
        and direction in rule.auto_directions
        and in_base is not None
        and in_base <= rule.auto_up_to * view.policy.base_unit
        and (not alerts or alerts[0].severity <= view.policy.tiers.low.severity_at_most)
    )


def raise_lacks(view: View) -> list[str]:
    """What keeps a raise from being earned, by name; empty when it is earned."""
    rule, figures, today, policy = view.policy.limits.raise_, view.figures, view.today, view.policy
    found = []
    if figures.first_due_on is None or today - figures.first_due_on < rule.first_due_days:
        found.append("history")
    if figures.payment_runs < rule.payment_runs:
        found.append("payment_runs")
    if figures.worst_dbt_182d is None or figures.worst_dbt_182d > rule.worst_dbt:
        found.append("on_time")
    if figures.peak_utilization_90d is None or figures.peak_utilization_90d < rule.peak_utilization:
        found.append("utilization")
    if figures.last_payment_on is None or today - figures.last_payment_on >= rule.paid_within_days:
        found.append("recent_payment")
    if figures.promises_broken:
        found.append("promises")
    if not view.signals.empty:
        reports = view.signals.reports(today, policy)
        if reports and today - max(r.reported_on for r in reports) > policy.bureau.stale_days:
            found.append("stale_bureau")
        statement = view.signals.statement(today, policy)
        if statement is not None and today > statement.stale_after(policy.statements):
            found.append("stale_statement")
    return found


def propose(view: View, scoring: Scoring, tier: Tier, alerts: Sequence[OpenAlert]) -> Draft | None:
    """The change that the facts call for at a tick, or None: open, raise or cut. `alerts` gravest first.

    Hysteresis, what a person has rejected and what is pending are agents/desk.py's. While an alert of severity 5 is open
    nothing but hold() is proposed; nothing at all for an account that is closed.
    """
    rule, current = view.policy.limits, view.ledger.limit
    worst = alerts[0].severity if alerts else 0
    if worst >= rule.hold.severity or view.figures.currency is None or view.ledger.closed:
        return None
    cut = bool(current) and (_condemned(scoring, rule) or worst >= rule.cut.severity)
    if current and not cut and raise_lacks(view):
        return None
    found = terms(view, scoring.grade)
    if found.limit is None:
        return None
    if not current:
        if limit_unvalued(view):
            return None
        if current == 0 and found.limit == 0:
            return None
        return _draft(view, "open", found.limit, found, scoring, tier, alerts)
    if cut:
        return (
            _draft(view, "cut", found.limit, found, scoring, tier, alerts) if found.limit < current else None
        )
    if found.limit > current:
        cap = part(current, rule.raise_.times_current)
        if found.limit > cap:
            capped = rounded_down(cap, rule.significant_digits)
            found = found._replace(limit=capped, binding="raise_cap", terms={**found.terms, "raise_cap": cap})
        if found.limit is not None and found.limit > current:
            return _draft(view, "raise", found.limit, found, scoring, tier, alerts)
    return None


def next_draft(view: View, scoring: Scoring, alerts: Sequence[OpenAlert]) -> int:
    """The next day on which time or a rate alone may change what propose() says, though nothing else moves; NEVER when
    neither can. May name a day on which nothing changes, never one too late.

    Within its first year an account's monthly purchases fall with every day, and terms in other currencies move with
    every rate. `alerts` gravest first.
    """
    rule, ledger, figures = view.policy.limits, view.ledger, view.figures
    current, worst = ledger.limit, alerts[0].severity if alerts else 0
    if worst >= rule.hold.severity or ledger.closed or figures.currency is None:
        return NEVER
    if current and not _condemned(scoring, rule) and worst < rule.cut.severity and raise_lacks(view):
        return NEVER
    found = terms(view, scoring.grade)
    if found.multiplier == 0.0:
        return NEVER
    if not view.signals.empty and _in_other_currencies(view):
        return view.today + 1
    first, need = figures.first_invoice_on, found.terms["need"]
    others = [amount for name, amount in found.terms.items() if name != "need" and amount is not None]
    level = found.limit if found.binding == "need" else min(others, default=None)
    if first is None or figures.monthly_purchases_exact is None or not need or not level:
        return NEVER
    purchases, days = figures.monthly_purchases_exact
    if days != view.today - first or days >= view.policy.figures.monthly_purchases_days:
        return NEVER  # what is expected, or a whole year of purchases
    falls = part(Fraction(purchases * cycles(found.terms_days, rule.cycle_days), level), found.multiplier)
    return max(first + falls, view.today) + 1


def _in_other_currencies(view: View) -> bool:
    """Whether a term of the limit is stated in another currency than the account's."""
    signals, own = view.signals, view.figures.currency
    statement = signals.usable_statement(view.today, view.policy)
    stated: list[str | None] = [reference.currency for reference in signals.references(view.today)]
    stated += [report.stated_currency for report in signals.reports(view.today, view.policy)]
    stated.append(None if statement is None else statement.currency)
    return any(currency is not None and currency != own for currency in stated)


def _condemned(scoring: Scoring, rule: Limits) -> bool:
    """Grade D or E, earned: where nothing is known of the payer, only a worse grade than that alone gives speaks for a cut.

    A year of tenure makes an unknown payer no worse: it scores 20 where it was missing before.
    """
    unknown = _unknown(scoring.categories) and scoring.grade <= rule.no_substance_caps_grade
    return scoring.grade in rule.cut.grades and not unknown


def _unknown(categories: Mapping[str, float | None]) -> bool:
    """Whether nothing stands behind the four categories that speak of the payer."""
    return all(categories[name] is None for name in _SUBSTANCE)


def hold(view: View, scoring: Scoring, alerts: Sequence[OpenAlert]) -> Draft:
    """Stop orders at once, for these alerts: the limit stays, what binds is the trigger of the first."""
    found = terms(view, scoring.grade)
    current = view.ledger.limit
    proposed = current or 0
    return Draft(
        "hold",
        current,
        proposed,
        alerts[0].trigger,
        approver_for(view, proposed, view.figures.currency),
        ["open_alert", *_score_reasons(scoring)],
        found.terms,
        _evidence(view, found, scoring, alerts),
    )


def _draft(
    view: View,
    direction: Direction,
    proposed: int,
    found: Terms,
    scoring: Scoring,
    tier: Tier,
    alerts: Sequence[OpenAlert],
) -> Draft:
    rule = view.policy.limits
    reasons = [f"bound_by_{found.binding}"]
    if direction == "raise":
        reasons.insert(0, "earned")
    elif direction == "cut":
        if alerts and alerts[0].severity >= rule.cut.severity:
            reasons.insert(0, "open_alert")
        if _condemned(scoring, rule):
            reasons.insert(0, "grade")
        if proposed < view.figures.open_balance:
            reasons.append("freeze_and_run_off")
    approver: Role = approver_for(view, proposed, view.figures.currency)
    if _auto(view, direction, proposed, tier, alerts):
        approver = "auto"
    evidence = _evidence(view, found, scoring, alerts)
    if direction == "open":
        full = found.need is not None and proposed >= rounded_down(found.need, rule.significant_digits)
        evidence["answer"] = "prepay" if proposed == 0 else "grant" if full else "grant_smaller"
    return Draft(
        direction,
        view.ledger.limit,
        proposed,
        found.binding,
        approver,
        [*reasons, *_score_reasons(scoring)],
        found.terms,
        evidence,
    )


_LOW: Final = 50.0  # half of a category's points: below it the category is a reason


def _score_reasons(scoring: Scoring) -> list[str]:
    """The terms of the score that speak against the customer: low ones first, the lowest foremost, then missing ones."""
    low = [
        (points, name) for name, points in scoring.categories.items() if points is not None and points < _LOW
    ]
    return [name for _, name in sorted(low)] + [f"no_{name}" for name in scoring.missing]


def _evidence(view: View, found: Terms, scoring: Scoring, alerts: Sequence[OpenAlert]) -> dict[str, Any]:
    figures = view.figures
    return {
        "metrics": {
            "monthly_purchases": view.money(found.monthly_purchases),
            "terms_days": found.terms_days,
            "need": view.money(found.need),
            "grade_multiplier": found.multiplier,
            "open_balance": view.money(figures.open_balance),
            "exposure": view.money(figures.exposure),
            "peak_utilization_90d": figures.peak_utilization_90d,
            "payment_runs": figures.payment_runs,
            "worst_dbt_182d": figures.worst_dbt_182d,
            "pay_index": figures.pay_index,
            "worst_fact": worst_fact(view),
            "grade_caps": scoring.caps,
        },
        "alerts": [
            {"alert_id": alert.alert_id, "trigger": alert.trigger, "severity": alert.severity}
            for alert in alerts
        ],
        "event_ids": _event_ids(view),
    }


def _event_ids(view: View) -> list[str]:
    """The events behind the score and the terms: what is on file, and the payments of the last 90 days."""
    today, policy = view.today, view.policy
    ids = []
    if not view.signals.empty:
        statement = view.signals.usable_statement(today, policy)
        ids += [] if statement is None else [statement.event_id]
        for report in view.signals.reports(today, policy):
            classed = None if report.class_rank is None else report.class_event
            stated = (report.score_event or classed, report.limit_event)
            ids += dict.fromkeys(event_id for event_id in stated if event_id is not None)
        ids += [reference.event_id for reference in view.signals.references(today)]
    return ids + view.events_behind("dtp_90d")


def next_day(view: View, scoring: Scoring) -> int:
    """The next day on which time alone changes grade or proposal, though no figure moves; NEVER when none does.

    Tenure is missing for a year and then grows daily: the score drifts with it, and this is the day on which it reaches
    the next grade. A raise needs first dues of 182 days ago.
    """
    today, rule = view.today, view.policy.limits
    days = []
    opened = opened_on(view)
    if opened is not None:
        tenure = rule.score.tenure
        starts = opened + math.ceil(tenure.from_years * _YEAR)
        ends = opened + math.ceil(tenure.best_years * _YEAR)
        if starts > today:
            days.append(starts)
        elif ends > today:
            known = sum(
                getattr(rule.score, name).weight
                for name, points in scoring.categories.items()
                if points is not None
            )
            daily = 100.0 / (tenure.best_years * _YEAR) * tenure.weight / known
            above = [
                getattr(rule.grades, grade).from_score
                for grade in GRADES
                if getattr(rule.grades, grade).from_score > scoring.score
            ]
            if above and daily > 0:
                reaches = today + max(1, math.ceil((min(above) - scoring.score - 0.01) / daily))
                if reaches <= ends:
                    days.append(reaches)
    first = view.figures.first_due_on
    if first is not None and first + rule.raise_.first_due_days > today:
        days.append(first + rule.raise_.first_due_days)
    return min(days, default=NEVER)

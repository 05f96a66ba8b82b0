"""An alert, a proposal or a quiet trigger taken apart: figures, formulas, levels, events, and what would change it.

Everything is computed anew from the view on which the rules decided, and held against what they told. Reading the journal
is streams/explain.py's; how it is printed, streams/commands/explain.py's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Final

from agents import limits
from agents.changes import Change, clearing, firing
from agents.conditions import Condition, all_met, conditions
from agents.desk import ProposalChange
from agents.evidence import behind
from agents.formulas import FORMULAS, Formula, formula_of
from agents.policy import Policy
from agents.policy_keys import policy_value, threshold_keys
from agents.profile import EXPECTED, OPENED_ON, holders
from agents.triggers import BY_ID, Trigger, worst_fact
from agents.view import NOTHING_KEPT, View
from agents.watch import AlertChange, Episode, Watch, rests_until
from agents.wording import iso, shown, told_apart
from schemas.money import text

Row = dict[str, Any]


class Unexplained(Exception):
    """What was computed anew is not what was told: a fault of ours."""


# --- An alert -----------------------------------------------------------------------------------------------


def alert_transition(change: AlertChange, view: View, tick: str | None = None) -> Row:
    """One transition of an alert, from the view on which it was decided. Raises Unexplained when they do not agree.

    `figures` are the evidence's metrics, `levels` its thresholds, as the record shows them; `conditions` are exact.
    `clears` holds the smallest changes, each of which alone would clear the alert. `tick`: the event that brought the
    book's totals and the rates.
    """
    trigger = BY_ID[change.trigger]
    view.kept = change.kept
    try:
        evidence = trigger.evidence(view)
        if evidence.metrics != change.metrics or evidence.thresholds != change.thresholds:
            raise Unexplained(
                f"alert {change.alert_id}, record {change.number}: evidence differs from the view's"
            )
        beyond = trigger.fires(view)
        return {
            "number": change.number,
            "status": change.status,
            "severity": change.severity,
            "as_of": iso(change.as_of),
            "event_id": view.event_id,
            "reason": change.reason,
            "ticks_needed": _ticks_needed(trigger, view),
            "distance": None if beyond is None else beyond.distance,
            "figures": [
                _figure(name, value, trigger, view, evidence.event_ids, tick)
                for name, value in evidence.metrics.items()
            ],
            "levels": [
                _level(name, value, trigger, view.policy) for name, value in evidence.thresholds.items()
            ],
            "conditions": _conditions(trigger, view),
            "clears": [_told(changed, view) for changed in clearing(trigger, view)],
            "event_ids": change.event_ids,
        }
    finally:
        view.kept = NOTHING_KEPT


def alert_now(trigger_id: str, episode: Episode, view: View, ahead: View, tick: str | None) -> Row:
    """An alert that is open, as of a later view: its figures, and what would clear it at the tick to come.

    `ahead`: the account as of that tick, if nothing happens until then. `by_itself`: time alone clears it there.
    """
    trigger = BY_ID[trigger_id]
    view.kept = ahead.kept = episode.kept
    try:
        evidence = trigger.evidence(view)
        return {
            "as_of": iso(view.today),
            "clears_on": iso(ahead.today),
            "waits_for_rate": ahead.owes_unvalued,
            "by_itself": trigger.clears(ahead) and trigger.fires(ahead) is None,
            "figures": [
                _figure(name, value, trigger, view, evidence.event_ids, tick)
                for name, value in evidence.metrics.items()
            ],
            "conditions": _conditions(trigger, view),
            "clears": [_told(changed, ahead) for changed in clearing(trigger, ahead)],
        }
    finally:
        view.kept = ahead.kept = NOTHING_KEPT


def _ticks_needed(trigger: Trigger, view: View) -> int:
    return 1 if trigger.immediate else view.policy.alerts.ticks_in_a_row


def why_not(trigger_id: str, view: View, ahead: View, episode: Episode, ticked: int) -> Row:
    """How far the account is from this alert as of the view: each condition, what stands in the way, what would fire it.

    `ahead`: the account as of the tick to come, if nothing happens until then; what would fire it would do so there.
    `ticked`: the day of the last tick; a view of the day that has begun since has seen none of its own.
    """
    trigger = BY_ID[trigger_id]
    view.kept = ahead.kept = episode.kept
    try:
        holds = trigger.fires(view)
        by_itself = holds is None and trigger.fires(ahead) is not None
        changes = [] if holds else firing(trigger, ahead)
        found = conditions(trigger_id, view)
        rows = _conditions(trigger, view)
    finally:
        view.kept = ahead.kept = NOTHING_KEPT
    severity = holds.severity if holds else trigger.severity(view.policy)
    needed = _ticks_needed(trigger, view)
    ticks = max(0, ticked - episode.first_tick + 1) if holds and episode.first_tick else 0
    cooldown = rests_until(episode.cleared_on, severity, view.policy.alerts)
    return {
        "trigger": trigger_id,
        "title": trigger.title,
        "severity": severity,
        "as_of": iso(view.today),
        "holds": holds is not None,
        "open_alert": episode.alert_id if episode.open else None,
        "opened_at": episode.opened_at if episode.open else None,
        "conditions": rows,
        "met": sum(condition.met for condition in found),
        "all_met": all_met(found),
        "missing": list(
            dict.fromkeys(c.missing for c in found if c.missing is not None and not _known(c, found))
        ),
        "ticks": {"in_a_row": min(ticks, needed), "needed": needed},
        "judged": "with each event and at ticks" if trigger.immediate else "at ticks",
        "cooldown_until": iso(cooldown) if view.today < cooldown else None,
        "superseded_by": episode.superseded_by,
        "history_until": None if not view.history else iso(view.policy.live_from or 0),
        "fires_on": iso(ahead.today),
        "by_itself": by_itself,
        "would_fire": [_told(changed, ahead) for changed in changes],
    }


def _known(condition: Condition, found: Sequence[Condition]) -> bool:
    """Whether a condition can be judged: it, or one that does as well."""
    return any(
        other.missing is None for other in found if condition.either and other.either == condition.either
    )


def _conditions(trigger: Trigger, view: View) -> list[Row]:
    return [_condition(condition, trigger, view) for condition in conditions(trigger.id, view)]


def _condition(condition: Condition, trigger: Trigger, view: View) -> Row:
    formula = formula_of(condition.figure, trigger.id)
    return _compared(condition, formula, view) | {
        "either": condition.either or None,
        "unit": formula.unit,
        "section": formula.section,
    }


def _compared(condition: Condition, formula: Formula, view: View) -> Row:
    """A figure held against a level, of a trigger or of a raise."""
    told, told_level = told_apart(
        condition.value, condition.level, formula.unit, view.figures.currency, view.policy.base_currency
    )
    return {
        "figure": condition.figure,
        "label": label(condition.figure),
        "value": _wire(condition.value, formula.unit, view),
        "relation": condition.relation,
        "level": _wire(condition.level, formula.unit, view),
        "met": condition.met,
        "missing": condition.missing,
        "shown": told,
        "shown_level": told_level,
        "formula": formula.stated(view.policy),
        "policy": _sources(condition.keys, view.policy),
    }


def _figure(
    name: str, value: Any, trigger: Trigger, view: View, told: Sequence[str], tick: str | None
) -> Row:
    formula = formula_of(name, trigger.id)
    since = _kept_since(name, view)
    event_ids = list(told) if trigger.asks_signals else events_behind(view, name, since)
    if tick is not None and ((name in _OF_THE_BOOK and value is not None) or (name == "fx_driven" and value)):
        event_ids.append(tick)
    return {
        "figure": name,
        "label": label(name),
        "value": value,
        "unit": formula.unit,
        "formula": formula.stated(view.policy) + ("" if since is None else f"; kept since {iso(since)}"),
        "section": formula.section,
        "event_ids": event_ids,
    }


def _level(name: str, value: Any, trigger: Trigger, policy: Policy) -> Row:
    formula = formula_of(name, trigger.id)
    return {
        "level": name,
        "label": label(name),
        "value": value,
        "unit": formula.unit,
        "policy": _sources(threshold_keys(trigger.id, name), policy),
    }


def _sources(keys: Sequence[str], policy: Policy) -> list[Row]:
    return [{"key": key, "value": policy_value(policy, key)} for key in keys]


def _told(change: Change, view: View) -> Row:
    return {
        "figure": change.figure,
        "label": label(change.figure),
        "unit": change.unit,
        "from": _wire(change.now, change.unit, view),
        "to": _wire(change.then, change.unit, view),
        "words": change.words,
    }


# --- The events behind a figure ------------------------------------------------------------------------------

_SAME_EVENTS: Final[dict[str, str]] = {
    "dtp_90d": "dtp_90d_alone",
    "dbt_90d": "dbt_90d_alone",
    "dbt_baseline": "dbt_baseline_alone",
    "drift_test": "payment_runs",
    "drift_agrees": "payment_runs",
    "drift_statistic": "payment_runs",
    "rise_days": "dtp_months",
    "days_past_due": "overdue_surprise",
    "open_balance": "open_balance_alone",
    "exposure": "exposure_alone",
    "utilization": "utilization_alone",
    "past_due_share": "past_due_over_10",
    "exposure_base": "exposure_alone",
    "share_of_book": "exposure_alone",
    "disputed_share": "disputed",
    "missed_in_a_row": "discounts_taken",
    "taken_before": "discounts_taken",
    "invoices_prior_90d": "purchases_prior_90d",
    "history_days": "first_invoice",
    "own_payments": "payment_runs_365d",
    "tenure": "first_invoice",
    "need": "monthly_purchases",
    "raise_cap": "credit_limit",
}
"""Figures that other figures are made of, whose events these share."""

_OF_THE_BOOK: Final = ("book_exposure", "book_accounts", "book_as_of", "share_of_book")
"""Figures that the tick brings: the sum of what each partition had reported to control at the tick before."""


def _kept_since(figure: str, view: View) -> int | None:
    """The day whose figure the open alert goes on comparing with; None: it is that of the view."""
    since = int(view.kept["today"]) if figure in view.kept else None
    return None if since == view.today else since


def events_behind(view: View, figure: str, since: int | None = None) -> list[str]:
    """Ids of the events behind a figure of the ledger, at most agents.evidence.MOST, the newest or the largest; behind
    one that was kept, as of the day since when."""
    day = view.today if since is None else since
    return behind(view.ledger, day, view.policy, view.rates, _SAME_EVENTS.get(figure, figure))


# --- A proposal ---------------------------------------------------------------------------------------------


def proposal_transition(change: ProposalChange, view: View, watch: Watch) -> Row:
    """One transition of a proposal; of the one that made it, also the score, the terms, the direction and the approver.

    `watch`: the account's alerts as they stood. Raises Unexplained when what is computed anew is not what was told.
    """
    row: Row = {
        "number": change.number,
        "status": change.status,
        "as_of": iso(change.as_of),
        "event_id": view.event_id,
        "approver": change.approver,
        "decided_by": change.decided_by,
        "why": _why_moved(change, view),
    }
    if change.number > 1:
        return row
    scoring = limits.score(view)
    found = limits.terms(view, scoring.grade)
    draft = _draft(change, view, scoring, watch)
    if draft is None or (*draft, scoring.score, scoring.grade, scoring.categories) != (
        change.direction,
        change.current_limit,
        change.proposed_limit,
        change.binding,
        change.approver,
        change.reasons,
        change.terms,
        change.evidence,
        change.score,
        change.grade,
        change.categories,
    ):
        raise Unexplained(f"proposal {change.proposal_id}: computed anew it is another")
    return row | {
        "score": scoring.score,
        "grade": scoring.grade,
        "caps": [_CAPS[cap].format(p=view.policy.limits) for cap in scoring.caps],
        "score_formula": FORMULAS["score"].stated(view.policy),
        "grade_formula": FORMULAS["grade"].stated(view.policy),
        "categories": [_category(name, points, view) for name, points in scoring.categories.items()],
        "terms": [
            _term(name, amount, change, found, view) for name, amount in _all_terms(change, found).items()
        ],
        "rounding": FORMULAS["proposed_limit"].stated(view.policy),
        "direction": {"direction": change.direction, "why": _why_direction(change, view)},
        "raise_conditions": [_compared(c, FORMULAS[c.figure], view) for c in _earning(view)],
        "approver_why": _why_approver(change, view),
        "reasons": [{"code": code, "words": limits.REASONS[code]} for code in change.reasons],
        "event_ids": change.evidence.get("event_ids", []),
    }


def _draft(change: ProposalChange, view: View, scoring: limits.Scoring, watch: Watch) -> limits.Draft | None:
    """The proposal made once more from what it was made of."""
    alerts = watch.open_alerts()
    if change.direction == "hold":
        told = {alert["alert_id"] for alert in change.evidence["alerts"]}
        held = [alert for alert in alerts if alert.alert_id in told]
        return limits.hold(view, scoring, held) if len(held) == len(told) else None
    tier = limits.tier(view, scoring.grade, watch.conditions)
    return limits.propose(view, scoring, tier, alerts)


_CAPS: Final = {
    "missing": "a category is missing: at best {p.missing_caps_grade}",
    "no_substance": "none of own payments, financials, bureau and references is known: at best "
    "{p.no_substance_caps_grade}",
}


def _category(name: str, points: float | None, view: View) -> Row:
    rule = view.policy.limits.score
    formula = FORMULAS["events_points" if name == "events" else name]
    return {
        "category": name,
        "label": label("events_points" if name == "events" else name),
        "points": points,
        "weight": getattr(rule, name).weight,
        "inputs": _INPUTS[name](view),
        "formula": formula.stated(view.policy),
        "section": formula.section,
        "missing": limits.REASONS.get(f"no_{name}") if points is None else None,
        "policy": f"limits.score.{name}",
        "event_ids": _events_of(name, view),
    }


def _own_payments(view: View) -> Row:
    figures = view.figures
    return {"pay_index": figures.pay_index, "payment_runs_365d": figures.payment_runs_365d}


def _financials(view: View) -> Row:
    ratios = view.signals.ratios(view.today, view.policy) or {}
    statement = view.signals.usable_statement(view.today, view.policy)
    return {
        "statement_id": None if statement is None else statement.statement_id,
        "ratios": {
            name: {
                "value": None if ratio is None else str(ratio) if math.isinf(ratio) else ratio,
                "bad": getattr(view.policy.limits.score.financials, name)[0],
                "good": getattr(view.policy.limits.score.financials, name)[1],
            }
            for name, ratio in ratios.items()
        },
    }


def _bureau(view: View) -> Row:
    rows = []
    for report in view.signals.reports(view.today, view.policy):
        by_class = report.score is None and report.class_rank is not None
        stated_on = (report.class_on if by_class else report.score_on) or report.reported_on
        rows.append(
            {
                "agency": report.agency,
                "score": report.score,
                "as_reported": report.score_text,
                "rating_class": report.rating_class,
                "age_days": view.today - stated_on,
                "stale": view.today - stated_on > view.policy.bureau.stale_days,
                "event_id": (report.class_event if by_class else report.score_event) or report.event_id,
            }
        )
    return {"reports": rows}


def _references(view: View) -> Row:
    found = view.signals.references(view.today)
    late = [reference.dbt for reference in found if reference.dbt is not None]
    return {
        "references": [reference.reference_id for reference in found],
        "median_dbt": median(late) if late else None,
    }


def _tenure(view: View) -> Row:
    since = limits.opened_on(view)
    return {
        "since": None if since is None else iso(since),
        "days": None if since is None else view.today - since,
    }


def _events(view: View) -> Row:
    return {"worst_fact": worst_fact(view)}


_INPUTS: Final[dict[str, Callable[[View], Row]]] = {
    "own_payments": _own_payments,
    "financials": _financials,
    "bureau": _bureau,
    "references": _references,
    "tenure": _tenure,
    "events": _events,
}


def _events_of(name: str, view: View) -> list[str]:
    """The events behind a category of the score or a term of the limit; none behind the grade, which the score makes."""
    if name in ("financials", "net_worth"):
        statement = view.signals.usable_statement(view.today, view.policy)
        return [] if statement is None else [statement.event_id]
    if name == "bureau":
        return [row["event_id"] for row in _bureau(view)["reports"]]
    if name == "agency":
        reports = view.signals.reports(view.today, view.policy)
        return [report.limit_event for report in reports if report.limit_event is not None]
    if name == "references":
        return [reference.event_id for reference in view.signals.references(view.today)]
    if name == "events":
        fires = ((trigger, trigger.fires(view)) for trigger in BY_ID.values() if trigger.immediate)
        worst = [
            trigger for trigger, found in fires if found is not None and found.severity == worst_fact(view)
        ]
        return [event_id for trigger in worst for event_id in trigger.evidence(view).event_ids]
    ledger, first = view.ledger, view.figures.first_invoice_on
    if ledger.profile is not None:
        young = first is None or view.today - first < view.policy.figures.monthly_purchases_min_days
        opened = ledger.opened_on is not None and ledger.opened_on == limits.opened_on(view)
        if (name == "tenure" and opened) or (name == "need" and young):
            held = holders(ledger.profile_facts)[OPENED_ON if name == "tenure" else EXPECTED]
            return [ledger.profile.event_id if held is None else held.event_id]
    return events_behind(view, name)


def _all_terms(change: ProposalChange, found: limits.Terms) -> dict[str, int | None]:
    terms = {**found.terms, **change.terms}
    if change.binding == "grade":
        terms["grade"] = 0
    return terms


def _term(name: str, amount: int | None, change: ProposalChange, found: limits.Terms, view: View) -> Row:
    formula = FORMULAS[f"term.{name}"]
    inputs: Row = {}
    if name == "need":
        inputs = {
            "monthly_purchases": view.money(found.monthly_purchases),
            "terms_days": found.terms_days,
            "billing_cycles": limits.cycles(found.terms_days, view.policy.limits.cycle_days),
            "need": view.money(found.need),
            "grade_multiplier": found.multiplier,
        }
    elif name == "net_worth":
        statement = view.signals.usable_statement(view.today, view.policy)
        worth = None if statement is None else statement.tangible_net_worth
        if statement is not None and worth is not None:
            inputs = {
                "tangible_net_worth": text(worth, statement.currency),
                "currency": statement.currency,
                "statement_id": statement.statement_id,
            }
    elif name == "raise_cap":
        inputs = {"current_limit": view.money(change.current_limit)}
    return {
        "term": name,
        "label": label(f"term.{name}"),
        "amount": view.money(amount),
        "binds": name == change.binding,
        "inputs": inputs,
        "formula": formula.stated(view.policy),
        "section": formula.section,
        "missing": _NO_TERM.get(name) if amount is None else None,
        "event_ids": _events_of(name, view),
    }


_NO_TERM: Final = {
    "need": "nothing was bought long enough, and no purchases are expected",
    "net_worth": "no usable financial statements",
    "references": "no trade references",
    "agency": "no agency recommends a limit",
}


def _why_direction(change: ProposalChange, view: View) -> list[str]:
    rule, current = view.policy.limits, change.current_limit
    alerts = change.evidence["alerts"]
    if change.direction == "hold":
        return [f"{_open(alerts, f'of severity {rule.hold.severity}')}; orders stop at once, the limit stays"]
    if change.direction == "open":
        said = "the account has no credit limit" if current is None else "the credit limit is 0"
        return [said, f"answer to the customer: {_ANSWERS[change.evidence['answer']]}"]
    if change.direction == "raise":
        return ["the raise is earned: every condition for it is met, and the terms allow more than the limit"]
    why = []
    if "grade" in change.reasons:
        why.append(f"grade {change.grade}: {' and '.join(rule.cut.grades)} call for a cut")
    if "open_alert" in change.reasons:
        grave = [alert for alert in alerts if alert["severity"] >= rule.cut.severity]
        why.append(_open(grave, f"of severity {rule.cut.severity} or more"))
    if "freeze_and_run_off" in change.reasons:
        why.append("the balance exceeds the proposed limit: no new orders until it has run off")
    return why


def _open(alerts: Sequence[Row], grave: str) -> str:
    named = ", ".join(f"{alert['trigger']} (severity {alert['severity']})" for alert in alerts)
    return f"an alert {grave} is open: {named}" if len(alerts) == 1 else f"alerts {grave} are open: {named}"


_ANSWERS: Final = {
    "grant": "grant what is needed",
    "grant_smaller": "grant a smaller limit than is needed",
    "prepay": "prepayment, a deposit or a letter of credit",
}


def _why_approver(change: ProposalChange, view: View) -> str:
    rule, base = view.policy.approval, view.policy.base_currency
    amount = None if change.currency is None else view.base(change.proposed_limit, change.currency)
    if amount is None:
        return f"no rate into {base}: a controller decides"
    told = shown(amount, "base", None, base)
    if change.approver == "auto":
        return (
            f"{told} is at most {rule.auto_up_to:,} {base}, the tier is {' or '.join(rule.auto_tiers)}, and no grave alert "
            "is open: no person need approve"
        )
    if change.approver == "analyst":
        return f"{told} is at most {rule.analyst_up_to:,} {base}"
    if change.approver == "manager":
        return f"{told} is above {rule.analyst_up_to:,} and at most {rule.manager_up_to:,} {base}"
    return f"{told} is above {rule.manager_up_to:,} {base}"


def _why_moved(change: ProposalChange, view: View) -> str:
    rule = view.policy.limits
    return {
        "proposed": f"waits for a person; escalates after {rule.escalate_days} days and expires {iso(change.expires_at)}",
        "escalated": f"{rule.escalate_days} days without a decision: one approver up, {change.approver}",
        "expired": f"{2 * rule.escalate_days} days without a decision",
        "superseded": "it no longer fits: the limit, or what is open, has changed since",
        "approved": "by the policy, no person need approve"
        if change.decided_by == "policy"
        else "a person approved it",
        "rejected": "a person rejected it; not proposed again without new evidence",
    }[change.status]


def _earning(view: View) -> list[Condition]:
    """The conditions of a raise, as agents.limits.raise_lacks() asks them."""
    rule, figures, lacking = view.policy.limits.raise_, view.figures, limits.raise_lacks(view)
    first, last = figures.first_due_on, figures.last_payment_on
    table: list[tuple[str, str, Any, str, Any, tuple[str, ...]]] = [
        ("history", "first_due_days", None if first is None else view.today - first, ">=", rule.first_due_days,
         ("limits.raise.first_due_days",)),
        ("payment_runs", "payment_runs", figures.payment_runs, ">=", rule.payment_runs, ("limits.raise.payment_runs",)),
        ("on_time", "worst_dbt_182d", figures.worst_dbt_182d, "<=", rule.worst_dbt, ("limits.raise.worst_dbt",)),
        ("utilization", "peak_utilization_90d", figures.peak_utilization_90d, ">=", rule.peak_utilization,
         ("limits.raise.peak_utilization",)),
        ("recent_payment", "last_payment_days", None if last is None else view.today - last, "<", rule.paid_within_days,
         ("limits.raise.paid_within_days",)),
        ("promises", "promises_broken", figures.promises_broken, "<=", 0, ()),
        ("stale_bureau", "stale_bureau", "stale_bureau" in lacking, "is", False, ("bureau.stale_days",)),
        ("stale_statement", "stale_statement", "stale_statement" in lacking, "is", False, ("statements.stale_months",)),
    ]  # fmt: skip
    return [
        Condition(
            figure,
            value,
            relation,
            level,
            name not in lacking,
            keys,
            None if value is not None else "no data",
        )
        for name, figure, value, relation, level, keys in table
    ]


# --- Words --------------------------------------------------------------------------------------------------

_LABELS: Final[dict[str, str]] = {
    "dtp_90d": "days to pay",
    "dtp_baseline": "days to pay before",
    "dbt_90d": "days beyond terms",
    "dbt_baseline": "days beyond terms before",
    "dtp_months": "days to pay by month",
    "dbt_over_baseline": "days beyond terms, more than before",
    "rise_days": "rise over the months",
    "past_due_over_10": "past due over 10 days",
    "past_due_61": "past due 61 days or more",
    "past_due_91": "past due 91 days or more",
    "past_due_61_net": "past due 61 days or more, less unapplied",
    "past_due_91_net": "past due 91 days or more, less unapplied",
    "past_due_share": "share past due over 10 days",
    "utilization_28d_ago": "utilization 28 days ago",
    "reversals_90d": "returned payments",
    "promises_broken_60d": "broken promises",
    "partial_of_last_5": "of the last 5, paid in parts",
    "overdue_surprise": "chance of being unpaid so late",
    "invoices_observed": "invoices observed",
    "purchases_30d": "purchases of 30 days",
    "purchases_prior_90d": "purchases of the 90 days before",
    "invoices_prior_90d": "invoices of the 90 days before",
    "prior_high_credit": "peak balance before",
    "peak_utilization_90d": "peak utilization of 90 days",
    "worst_dbt_182d": "latest of half a year, days beyond terms",
    "cut": "cut of the recommended limit",
    "fall_points": "fall in points",
    "fall_classes": "fall in classes",
    "amount_base": "claim",
    "events": "registry or court events",
    "stale_after": "statement stale after",
    "related_severity": "severity at a related account",
    "exposure_base": "exposure in base currency",
    "own_payments": "payments to us",
    "events_points": "adverse facts",
    "first_due_days": "days since the first due date",
    "last_payment_days": "days since the last payment",
    "stale_bureau": "stale agency report",
    "stale_statement": "stale statement",
    "term.need": "need × grade",
    "term.net_worth": "net worth",
    "term.references": "references",
    "term.agency": "agency's limit",
    "term.raise_cap": "cap of one raise",
    "term.grade": "grade",
}


def label(name: str) -> str:
    """A figure's name in words; one that says itself is only spelled out."""
    if name.startswith("clear_"):
        return f"{label(name.removeprefix('clear_'))} to clear"
    return _LABELS.get(name, name.replace("_", " "))


def _wire(value: Any, unit: str, view: View) -> Any:
    """A value as JSON shows it: money as decimal strings, days as dates, all else as it is."""
    if value is None or isinstance(value, str | bool):
        return value
    currency = view.policy.base_currency if unit == "base" else view.figures.currency
    if unit in ("money", "base") and currency is not None:
        return text(math.floor(value), currency)
    return iso(int(value)) if unit == "date" else value

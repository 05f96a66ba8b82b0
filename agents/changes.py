"""The smallest change that would clear an alert, or make a trigger fire, found by asking the trigger's own predicates.

A change is a supposition: one figure moved, or one more fact on file, all else as it is. Nothing here decides; what each
trigger asks is agents/conditions.py, and how a view is moved agents/levers.py and its families.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from agents import (
    levers_exposure,
    levers_outside,
    levers_paying,
    levers_purchases,
    rules_outside,
    rules_paying,
)
from agents.conditions import all_met, conditions
from agents.formulas import Unit
from agents.levers import Lever, MakeLever, count, hundredths
from agents.triggers import Trigger
from agents.view import Firing, View


class Change(NamedTuple):
    """A figure moved from `now` to `then`, and the sentence for it. Money in minor units."""

    figure: str
    unit: Unit
    now: int | float  # whole where one step is one unit, so that money is
    then: int | float
    words: str
    view: View  # as it would be
    short: View | None  # as it would be one step short of it; None where no step is needed


def clearing(trigger: Trigger, view: View) -> list[Change]:
    """The smallest changes each of which, all else fixed, would clear the alert; the first is the plainest.

    `view.kept` is what the alert keeps. Empty: the alert would clear as it is, or nothing that one figure does clears it.
    """

    def clear(supposed: View) -> bool:
        return trigger.clears(supposed) and trigger.fires(supposed) is None

    if clear(view):
        return []
    found = []
    for make in _CLEARING[trigger.id]:
        lever = make(view)
        step = None if lever is None else _first(lever, clear)
        if lever is not None and step is not None:
            found.append(_change(lever, step))
    return found


def firing(trigger: Trigger, view: View) -> list[Change]:
    """The smallest changes that, all of them together, would make the trigger fire: one for each condition not met.

    Empty where it fires already, or where what is missing no single figure can bring (a baseline, a rate).
    """
    before = supposed = view
    changes: list[Change] = []
    for figure, make in _FIRING[trigger.id]:
        if all_met(conditions(trigger.id, supposed)):
            break
        if _met(trigger.id, figure, supposed):
            continue
        lever = make(supposed)
        further = lever is not None and bool(changes) and changes[-1].figure == lever.figure
        if further:  # what was moved already moves on: one change, not two
            lever = make(before)
        step = None if lever is None else _first(lever, _meeting(trigger.id, figure))
        if lever is None or step is None:
            continue
        if further:
            changes.pop()
        else:
            before = supposed
        changes.append(_change(lever, step))
        supposed = changes[-1].view
    return changes if changes and trigger.fires(supposed) is not None else []


def _met(trigger_id: str, figure: str, view: View) -> bool:
    return all(
        condition.met for condition in conditions(trigger_id, view) if figure in (_ALL, condition.figure)
    )


def _meeting(trigger_id: str, figure: str) -> Callable[[View], bool]:
    return lambda view: _met(trigger_id, figure, view)


def _change(lever: Lever, step: int) -> Change:
    now: int | float = lever.start
    then: int | float = step
    if lever.scale != 1:
        now, then = lever.start / lever.scale, step / lever.scale
    short = None
    if step != lever.start:
        short = lever.at(step - 1 if step > lever.start else step + 1)
    return Change(lever.figure, lever.unit, now, then, lever.says(step), lever.at(step), short)


def _first(lever: Lever, reached: Callable[[View], bool]) -> int | None:
    """The step nearest to the start that reaches, by bisection: what is reached stays so towards the end."""
    if reached(lever.at(lever.start)):
        return lever.start
    if lever.start == lever.end or not reached(lever.at(lever.end)):
        return None
    short, far = lever.start, lever.end
    while abs(far - short) > 1:
        middle = (short + far) // 2
        if reached(lever.at(middle)):
            far = middle
        else:
            short = middle
    return far


_ALL: Final = "*"  # in place of a condition's figure: what meets all of them at once

# --- The tables -------------------------------------------------------------------------------------------------

_PAYS_SOONER: Final = hundredths("dtp_90d", 0.0, "days to pay")
_CLEARING: Final[dict[str, tuple[MakeLever, ...]]] = {
    "payment_drift_severe": (
        _PAYS_SOONER,
        levers_paying.paid_sooner(lambda view: view.policy.triggers.payment_drift_severe),
    ),
    "payment_drift": (
        _PAYS_SOONER,
        levers_paying.paid_sooner(lambda view: view.policy.triggers.payment_drift),
    ),
    "slipping_each_month": (levers_paying.better_month,),
    "overdue_surprise": (levers_paying.settled,),
    "past_due_share": (levers_paying.paid("past_due_over_10", 10),),
    "seriously_past_due": (levers_paying.paid("past_due_61", 61),),
    "delinquent": (levers_paying.paid("past_due_91", 91),),
    "utilization_high": (levers_exposure.less_exposure, levers_exposure.higher_limit),
    "over_limit": (levers_exposure.less_exposure, levers_exposure.higher_limit),
    "exposure_without_limit": (levers_exposure.higher_limit,),
    "order_surge": (
        levers_purchases.LESS_BOUGHT,
        levers_purchases.buys_nothing,
        hundredths("dbt_90d", -365.0, "days beyond terms"),
    ),
    "purchases_collapse": (levers_purchases.MORE_BOUGHT, levers_purchases.bought_again),
    "new_high_credit": (levers_exposure.less_owed,),
    "payment_reversed": (count("reversals_90d", 0, levers_paying.no_reversal),),
    "promise_broken": (count("promises_broken_60d", 0, levers_paying.no_broken_promise),),
    "partial_payments": (
        count(
            "partial_of_last_5",
            0,
            lambda view, step: (
                f"at most {step} of the last five paid invoices paid in parts (now "
                f"{view.figures.partial_of_last_5})"
            ),
        ),
    ),
    "dispute_spike": (levers_paying.fewer_disputed,),
    "discounts_abandoned": (levers_paying.discounts(took=True),),
    "bureau_downgrade": (levers_outside.recovered_score,),
    "agency_limit_cut": (levers_outside.restored_limit,),
    "legal_filing": (levers_outside.ended_filings("legal_filing", levers_outside.greatest_claims),),
    "new_charge": (levers_outside.ended_filings("new_charge", levers_outside.open_charges),),
    "adverse_news": (
        levers_outside.on_day("news_score", "date", "the story has faded"),
        levers_outside.discharged,
        levers_outside.discharged_and_faded,
        levers_outside.corrected(levers_outside.holds_news),
    ),
    "insolvency": (
        levers_outside.ended_filings("insolvency", levers_outside.open_insolvencies),
        levers_outside.corrected(rules_outside.tells_of_insolvency),
    ),
    "sanctions_match": (levers_outside.cleared_matches,),
    "statements_stale": (levers_outside.newer_statement,),
    "related_party_distress": (levers_outside.recovered_relations,),
    "concentration": (levers_exposure.less_of_book, levers_exposure.more_accounts),
}


def _drifts(fires: Callable[[View], Firing | None]) -> tuple[tuple[str, MakeLever], ...]:
    return (
        (_ALL, levers_paying.paid_later(fires)),
        ("dtp_90d", hundredths("dtp_90d", 1000.0, "days to pay")),
        ("dbt_90d", hundredths("dbt_90d", 1000.0, "days beyond terms")),
        ("drift_agrees", levers_paying.agreeing),
    )


_FIRING: Final[dict[str, tuple[tuple[str, MakeLever], ...]]] = {
    "payment_drift_severe": _drifts(rules_paying.payment_drift_severe),
    "payment_drift": _drifts(rules_paying.payment_drift),
    "slipping_each_month": ((_ALL, levers_paying.later_months),),
    "overdue_surprise": (
        ("days_past_due", levers_paying.still_unpaid),
        ("overdue_surprise", levers_paying.still_unpaid),
        ("invoices_observed", levers_paying.still_unpaid),
    ),
    "past_due_share": (("past_due_share", levers_paying.aged("past_due_over_10", 10)),),
    "seriously_past_due": (("past_due_61_net", levers_paying.aged("past_due_61", 61)),),
    "delinquent": (("past_due_91_net", levers_paying.aged("past_due_91", 91)),),
    "utilization_high": (
        ("utilization", levers_exposure.more_exposure),
        ("rising", levers_exposure.more_exposure),
    ),
    "over_limit": (("utilization", levers_exposure.more_exposure),),
    "exposure_without_limit": (
        ("credit_limit", levers_exposure.no_limit),
        ("exposure", levers_exposure.more_exposure),
    ),
    "order_surge": (
        ("invoices_prior_90d", levers_purchases.MORE_INVOICES),
        ("growth", levers_purchases.MORE_BOUGHT),
        ("dbt_over_baseline", hundredths("dbt_90d", 1000.0, "days beyond terms")),
    ),
    "purchases_collapse": ((_ALL, levers_purchases.stops_buying),),
    "new_high_credit": (
        ("open_balance", levers_exposure.more_owed),
        ("utilization", levers_exposure.more_owed),
        ("history_days", levers_exposure.older_history),
    ),
    "payment_reversed": (
        ("reversals_90d", count("reversals_90d", 1, lambda view, step: "a payment returned")),
    ),
    "promise_broken": (
        ("promises_broken_60d", count("promises_broken_60d", 1, lambda view, step: "a promise broken")),
    ),
    "partial_payments": (
        (
            "partial_of_last_5",
            count(
                "partial_of_last_5",
                5,
                lambda view, step: (
                    f"{step} of the last five paid invoices paid in parts (now "
                    f"{view.figures.partial_of_last_5})"
                ),
            ),
        ),
    ),
    "dispute_spike": (
        ("disputed", levers_paying.more_disputed),
        ("disputed_share", levers_paying.more_disputed),
    ),
    "discounts_abandoned": (
        ("missed_in_a_row", levers_paying.discounts(took=False)),
        (_ALL, levers_paying.taken_and_left),
    ),
    "bureau_downgrade": (
        ("fall_points", levers_outside.fallen_score),
        ("fall_classes", levers_outside.fallen_class),
    ),
    "agency_limit_cut": (("cut", levers_outside.lowered_limit),),
    "legal_filing": (("amount_base", levers_outside.filed("suit", "amount_base", over_an_amount=True)),),
    "new_charge": (("charges", levers_outside.filed("charge", "charges")),),
    "adverse_news": (("news_score", levers_outside.published),),
    "insolvency": (("events", levers_outside.filed("insolvency", "events")),),
    "sanctions_match": (("matches", levers_outside.matched),),
    "statements_stale": (("tier", levers_outside.demanding_tier), ("stale_after", levers_outside.stale_day)),
    "related_party_distress": (("related_severity", levers_outside.related),),
    "concentration": (
        ("book_accounts", levers_exposure.more_accounts),
        ("share_of_book", levers_exposure.more_of_book),
    ),
}
"""Trigger -> what meets a condition, by the condition's figure, in the order in which they are tried."""

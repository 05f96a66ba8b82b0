"""TRIGGERS: the 28 conditions that make an alert, one table, and the facts that hold. Source: domain section 4.

Their rules are agents/rules_paying.py, rules_exposure.py and rules_outside.py, and every number comes from the policy. When
a condition becomes an alert, and for how long, is agents/watch.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from agents import rules_exposure, rules_outside, rules_paying
from agents.policy import Policy
from agents.view import Evidence, Firing, View


@dataclass(frozen=True, slots=True)
class Trigger:
    """One row of the table.

    `immediate` (●): a fact, judged with the events of `on` and at ticks; all others at ticks only, two in a row.
    `fires` and `calm` are pure; a null figure makes both of them say no. An alert clears when `clears` holds and `fires`
    does not. `by_what_is_owed`: judged by figures of it, which are too small while part of it waits for a rate, so that
    until then nothing clears. `keeps`: figures that the alert goes on comparing with, as they stood when it opened, or, with
    `keeps_from_first_tick`, at the first of the ticks in a row. `supersedes`: the lesser alert that this one ends.
    """

    id: str
    title: str
    action: str
    fires: Callable[[View], Firing | None]
    calm: Callable[[View], bool]
    evidence: Callable[[View], Evidence]
    immediate: bool = False
    on: tuple[str, ...] = ()
    asks_signals: bool = False
    by_what_is_owed: bool = False
    keeps: tuple[str, ...] = ()
    keeps_from_first_tick: bool = False
    supersedes: str | None = None

    def clears(self, view: View) -> bool:
        """Whether what holds is calm enough to end an open alert, by all that is owed."""
        return self.calm(view) and not (self.by_what_is_owed and view.owes_unvalued)

    def severity(self, policy: Policy) -> int:
        """The severity of the table; adverse_news has that of its score, at least 1."""
        return getattr(getattr(policy.triggers, self.id), "severity", 1)


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
        rules_paying.payment_drift_severe,
        rules_paying.payment_drift_severe_clears,
        rules_paying.payment_drift_severe_evidence,
        keeps=("dtp_baseline", "dbt_baseline"),
        supersedes="payment_drift",
    ),
    Trigger(
        "payment_drift",
        "Pays later than it used to",
        "Call the customer and ask why payments slip; confirm due dates of the next invoices and watch new orders.",
        rules_paying.payment_drift,
        rules_paying.payment_drift_clears,
        rules_paying.payment_drift_evidence,
        keeps=("dtp_baseline", "dbt_baseline"),
    ),
    Trigger(
        "slipping_each_month",
        "Days to pay rise month after month",
        "Ask for a payment plan before the next shipment and hold the limit where it is.",
        rules_paying.slipping,
        rules_paying.slipping_clears,
        rules_paying.slipping_evidence,
    ),
    Trigger(
        "overdue_surprise",
        "An invoice is unpaid at an age at which this customer has nearly always paid",
        "Ask about this invoice now: a dispute, a lost document or a lack of cash each want another answer.",
        rules_paying.surprise,
        rules_paying.surprise_clears,
        rules_paying.surprise_evidence,
        by_what_is_owed=True,
        keeps=("overdue_surprise_days",),
    ),
    Trigger(
        "past_due_share",
        "Much of the balance is past due",
        "Dun the late invoices by phone, agree dates in writing, and release new orders one by one.",
        rules_paying.past_due_share,
        rules_paying.past_due_share_clears,
        rules_paying.past_due_share_evidence,
        by_what_is_owed=True,
    ),
    Trigger(
        "seriously_past_due",
        "Invoices are more than 60 days past due",
        "Put orders on credit review, send a final demand, and agree a dated payment plan.",
        rules_paying.seriously_past_due,
        rules_paying.seriously_past_due_clears,
        rules_paying.seriously_past_due_evidence,
        by_what_is_owed=True,
    ),
    Trigger(
        "delinquent",
        "Invoices are more than 90 days past due",
        "Hold shipments, hand the debt to collections or counsel, check security and insurance deadlines, consider a "
        "provision.",
        rules_paying.delinquent,
        rules_paying.delinquent_clears,
        rules_paying.delinquent_evidence,
        by_what_is_owed=True,
    ),
    Trigger(
        "utilization_high",
        "Uses most of its credit limit, and more than a month ago",
        "Check whether growth or slower payment fills the limit; invite a payment or review the limit in time.",
        rules_exposure.utilization_high,
        rules_exposure.utilization_high_clears,
        rules_exposure.utilization_high_evidence,
        by_what_is_owed=True,
    ),
    Trigger(
        "over_limit",
        "Exposure exceeds the credit limit",
        "Hold further releases until a payment, security or an approved limit covers the excess.",
        rules_exposure.over_limit,
        rules_exposure.over_limit_clears,
        rules_exposure.over_limit_evidence,
        by_what_is_owed=True,
        immediate=True,
        on=_BALANCE,
    ),
    Trigger(
        "exposure_without_limit",
        "Owes money without a credit limit",
        "Set a limit, or move the account to prepayment.",
        rules_exposure.exposure_without_limit,
        rules_exposure.exposure_without_limit_clears,
        rules_exposure.exposure_without_limit_evidence,
    ),
    Trigger(
        "order_surge",
        "Buys far more while paying later",
        "Ask what the goods are for before releasing them: a surge with slower payment is how bust-outs begin.",
        rules_exposure.order_surge,
        rules_exposure.order_surge_clears,
        rules_exposure.order_surge_evidence,
    ),
    Trigger(
        "purchases_collapse",
        "Purchases have collapsed",
        "Ask sales whether the business went elsewhere; if so, collect what is open while the relation is good.",
        rules_exposure.purchases_collapse,
        rules_exposure.purchases_collapse_clears,
        rules_exposure.purchases_collapse_evidence,
    ),
    Trigger(
        "new_high_credit",
        "Owes more than ever in the last year",
        "Confirm that the growth is wanted and that the limit still rests on current information.",
        rules_exposure.new_high_credit,
        rules_exposure.new_high_credit_clears,
        rules_exposure.new_high_credit_evidence,
        by_what_is_owed=True,
        keeps=("prior_high_credit",),
        keeps_from_first_tick=True,
    ),
    Trigger(
        "payment_reversed",
        "A payment was returned",
        "Read the reason code; for insufficient funds ask for a wire before anything more is shipped.",
        rules_paying.payment_reversed,
        rules_paying.payment_reversed_clears,
        rules_paying.payment_reversed_evidence,
        immediate=True,
        on=("payment.reversed",),
    ),
    Trigger(
        "promise_broken",
        "A promise to pay was broken",
        "Call the person who promised, take a new date from someone more senior, and hold orders until it is kept.",
        rules_paying.promise_broken,
        rules_paying.promise_broken_clears,
        rules_paying.promise_broken_evidence,
    ),
    Trigger(
        "partial_payments",
        "Invoices are paid in parts",
        "Ask whether cash or disputes cause the part payments; reconcile short payments this week.",
        rules_paying.partial_payments,
        rules_paying.partial_payments_clears,
        rules_paying.partial_payments_evidence,
    ),
    Trigger(
        "dispute_spike",
        "Disputes rise",
        "Have sales and quality answer the disputes: a real fault is ours to mend, a pretext is a way to delay payment.",
        rules_paying.dispute_spike,
        rules_paying.dispute_spike_clears,
        rules_paying.dispute_spike_evidence,
        by_what_is_owed=True,
    ),
    Trigger(
        "discounts_abandoned",
        "No longer takes the early-payment discount",
        "Note the change: cheap money left on the table is an early sign that cash is short.",
        rules_paying.discounts_abandoned,
        rules_paying.discounts_abandoned_clears,
        rules_paying.discounts_abandoned_evidence,
    ),
    Trigger(
        "bureau_downgrade",
        "An agency rates the customer lower",
        "Read the agency's report for its reason and compare it with our own payment experience.",
        rules_outside.bureau_downgrade,
        rules_outside.bureau_downgrade_clears,
        rules_outside.bureau_downgrade_evidence,
        immediate=True,
        on=("bureau.reported",),
        asks_signals=True,
    ),
    Trigger(
        "agency_limit_cut",
        "An agency cut its recommended limit",
        "Find out what the agency has seen, and check insurance cover on what is open.",
        rules_outside.agency_limit_cut,
        rules_outside.agency_limit_cut_clears,
        rules_outside.agency_limit_cut_evidence,
        immediate=True,
        on=("bureau.reported",),
        asks_signals=True,
    ),
    Trigger(
        "legal_filing",
        "A lien, judgment or suit is on file",
        "Get the filing, ask the customer about it, and weigh the claim against its net worth.",
        rules_outside.legal_filing,
        rules_outside.legal_filing_clears,
        rules_outside.legal_filing_evidence,
        immediate=True,
        on=("bureau.filed", "statement.filed"),
        asks_signals=True,
    ),
    Trigger(
        "new_charge",
        "A secured charge is registered",
        "See which assets are pledged and to whom: we now stand behind that lender.",
        rules_outside.new_charge,
        rules_outside.new_charge_clears,
        rules_outside.new_charge_evidence,
        immediate=True,
        on=("bureau.filed",),
        asks_signals=True,
    ),
    Trigger(
        "adverse_news",
        "Adverse news",
        "Read the source, confirm that it is this company, and ask the customer for its side.",
        rules_outside.adverse_news,
        rules_outside.adverse_news_clears,
        rules_outside.adverse_news_evidence,
        immediate=True,
        on=("news.published", "bureau.filed", "statement.filed"),
        asks_signals=True,
    ),
    Trigger(
        "insolvency",
        "Insolvency proceedings",
        "Stop shipments, recall goods in transit, file the claim, and check retention of title, security and insurance "
        "deadlines today.",
        rules_outside.insolvency,
        rules_outside.insolvency_clears,
        rules_outside.insolvency_evidence,
        immediate=True,
        on=("bureau.filed", "news.published"),
        asks_signals=True,
    ),
    Trigger(
        "sanctions_match",
        "Sanctions list match",
        "Stop all dealings and give the match to compliance: a person decides whether it is this customer.",
        rules_outside.sanctions_match,
        rules_outside.sanctions_match_clears,
        rules_outside.sanctions_match_evidence,
        immediate=True,
        on=("screening.reported",),
        asks_signals=True,
    ),
    Trigger(
        "statements_stale",
        "Financial statements are out of date",
        "Ask for the latest statements.",
        rules_outside.statements_stale,
        rules_outside.statements_stale_clears,
        rules_outside.statements_stale_evidence,
        asks_signals=True,
    ),
    Trigger(
        "related_party_distress",
        "A parent or sibling is in distress",
        "Look at the group as one debtor: guarantees, cash pooling, common customers.",
        rules_outside.related_party_distress,
        rules_outside.related_party_distress_clears,
        rules_outside.related_party_distress_evidence,
        immediate=True,
        on=("related.distressed", "related.recovered"),
        asks_signals=True,
    ),
    Trigger(
        "concentration",
        "One customer holds much of the book",
        "Bring it to the credit committee: insurance, security or a cap on further growth.",
        rules_exposure.concentration,
        rules_exposure.concentration_clears,
        rules_exposure.concentration_evidence,
        by_what_is_owed=True,
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
            # Whose distress counts depends on the parent, which is no signal.
            asked = f"facts of a child of {view.ledger.parent_id}"
            view.facts = signals.kept(asked, view.today, view.policy, lambda: _facts(view))
    return view.facts


_NO_FACTS: Final[Mapping[str, Firing]] = {}


def _facts(view: View) -> dict[str, Firing]:
    return {t.id: firing for t in _FACTS_OF_SIGNALS if (firing := t.fires(view)) is not None}


def worst_fact(view: View) -> int:
    """The greatest severity among the facts (●) that hold as of today, 0 for none; from facts alone, not from alerts."""
    if view.worst_fact is None:
        worst = 0
        for firing in (
            rules_exposure.over_limit(view),
            rules_paying.payment_reversed(view),
            *facts_on_file(view).values(),
        ):
            if firing is not None and firing.severity > worst:
                worst = firing.severity
        view.worst_fact = worst
    return view.worst_fact

"""What a ledger says when asked: its totals, balance and exposure now, and the rows behind them for evidence.

Figures of a day are measure.py's; how facts come to the totals is settling.py's.
"""

from __future__ import annotations

from agents.ledger import Ledger
from agents.payments import facts_that_fit
from agents.rates import Rates
from agents.securities import lowers_exposure
from agents.settling import settle
from agents.totals import Totals


def totals_of(ledger: Ledger) -> Totals:
    """What all facts taken so far add up to."""
    settle(ledger)
    return ledger.posted_totals


def exposure_now(ledger: Ledger, today: int) -> int:
    """Exposure as the newest fact leaves it, at least 0; foreign money as last valued. O(1) in the number
    of invoices."""
    return max(0, _exposure(ledger, totals_of(ledger), today))


def exposure_at_most(ledger: Ledger, today: int) -> int:
    """An upper bound of exposure_now() that settles nothing: what new payments and drawn orders take off is
    left out."""
    return max(0, _exposure(ledger, ledger.posted_totals, today) + ledger.new_exposure)


def _exposure(ledger: Ledger, totals: Totals, today: int) -> int:
    value = totals.balance.total - totals.foreign_open.total + totals.other.total + ledger.foreign_now
    own = ledger.currency
    for fact in ledger.securities.values():
        if fact.content[2] == own and lowers_exposure(fact, today):
            value -= fact.content[1]
    return value


def owes_unvalued(ledger: Ledger, today: int, rates: Rates) -> bool:
    """Whether part of what is owed or ordered waits for a rate: an invoice that none values, or money in a currency that
    none converts today. More is owed then than the figures say. Scans the invoices."""
    totals = totals_of(ledger)
    own = ledger.currency
    return any(
        invoice.posted is None and invoice.issue is not None and invoice.void is None
        for invoice in ledger.invoices.values()
    ) or any(
        series.at(today) > 0 and own is not None and rates.cross(currency, own, today) is None
        for currency, series in totals.native.items()
    )


def reversals(ledger: Ledger, first: int, last: int) -> list[tuple[int, str, str]]:
    """(reversed_on, payment_id, event_id) of the reversals dated first..last, oldest first. Scans: for
    evidence only."""
    settle(ledger)
    return sorted(
        (fact.day, payment.id, fact.event_id)
        for payment in ledger.payments.values()
        for fact in facts_that_fit(payment)[1]
        if first <= fact.day <= last
    )


def past_due(ledger: Ledger, today: int, days: int = 0) -> list[tuple[int, str, str, int]]:
    """(due date, invoice_id, event_id, clean open amount) of what is more than `days` past due. Scans: for
    evidence only."""
    settle(ledger)
    return sorted(
        (invoice.posted.due, invoice.id, invoice.issue.event_id, invoice.posted.clean)
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None
        if invoice.posted.clean and today - invoice.posted.due > days
    )


def unpaid_since(ledger: Ledger, due: int) -> bool:
    """Whether an invoice that fell due on that day is unpaid, with a clean open part."""
    return any(due in cohort.clean_due for cohort in totals_of(ledger).cohorts.values())

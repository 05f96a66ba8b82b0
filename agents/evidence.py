"""The events behind a figure: ids of the facts that an alert points to, so that a person can look at them.

Only for evidence: these scan the ledger, which no figure does. How the figures come about is measure.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from agents.behaviour import deadline
from agents.ledger import Ledger
from agents.policy import Policy

MOST: Final = 50
"""Ids that are named at most: the newest, or of open amounts the largest."""

_MONTHS: Final = 125  # days that hold the last four full calendar months


def behind(ledger: Ledger, today: int, policy: Policy, figure: str) -> list[str]:
    """Ids of the events behind `figure` (a field of agents.figures.Figures), at most MOST; empty for one not told here."""
    find = _FINDERS.get(figure)
    return [] if find is None else list(dict.fromkeys(find(ledger, today, policy)))[-MOST:]


def _payments(ledger: Ledger, today: int, days: int) -> list[str]:
    return [event_id for _, _, event_id in ledger.paid(today - days + 1, today)]


def _drifting(ledger: Ledger, today: int, days: int) -> list[str]:
    """The payments of the window, and what is past due and so makes it worse."""
    return [*_past_due(ledger, today, 0), *_payments(ledger, today, days)]


def _past_due(ledger: Ledger, today: int, days: int) -> list[str]:
    """The largest last, since the last are kept."""
    rows = sorted(ledger.past_due(today, days), key=lambda row: row[3])
    return [event_id for _, _, event_id, _ in rows]


def _largest_open(ledger: Ledger) -> Iterable[str]:
    rows = [
        (invoice.posted.clean, invoice.issue.event_id)
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None and invoice.posted.clean
    ]
    return [event_id for _, event_id in sorted(rows)]


def _issued(ledger: Ledger, first: int, last: int) -> list[str]:
    rows = [
        (invoice.issue.day, invoice.issue.event_id)
        for invoice in ledger.invoices.values()
        if invoice.issue is not None and first <= invoice.issue.day <= last
    ]
    return [event_id for _, event_id in sorted(rows)]


def _open_disputes(ledger: Ledger) -> list[str]:
    return sorted(
        dispute.fact.event_id
        for dispute in ledger.disputes.values()
        if dispute.fact is not None and dispute.resolved is None
    )


def _promises(ledger: Ledger, today: int, policy: Policy) -> list[str]:
    """Promises whose last day lies in the window of the figure, so that they were kept or broken in it."""
    p = policy.figures
    holidays = policy.holidays_of(ledger.country)
    return sorted(
        promise.fact.event_id
        for promise in ledger.promises.values()
        if today - p.promises_recent_days
        <= deadline(promise, p.promise_grace_business_days, holidays)
        < today
    )


_FINDERS: Final[dict[str, Callable[[Ledger, int, Policy], Iterable[str]]]] = {
    "dtp_90d": lambda ledger, today, policy: _drifting(ledger, today, policy.figures.mid_days),
    "dtp_months": lambda ledger, today, policy: _payments(ledger, today, _MONTHS),
    "overdue_surprise": lambda ledger, today, policy: _past_due(ledger, today, 0),
    "past_due_over_10": lambda ledger, today, policy: _past_due(ledger, today, 10),
    "past_due_61": lambda ledger, today, policy: _past_due(ledger, today, 60),
    "past_due_91": lambda ledger, today, policy: _past_due(ledger, today, 90),
    "reversals_90d": lambda ledger, today, policy: [
        event_id for _, _, event_id in ledger.reversals(today - policy.figures.reversals_days + 1, today)
    ],
    "promises_broken_60d": _promises,
    "partial_of_last_5": lambda ledger, today, policy: _payments(ledger, today, policy.figures.mid_days),
    "discounts_taken": lambda ledger, today, policy: _payments(ledger, today, policy.figures.mid_days),
    "disputed": lambda ledger, today, policy: _open_disputes(ledger),
    "utilization": lambda ledger, today, policy: _largest_open(ledger),
    "exposure": lambda ledger, today, policy: _largest_open(ledger),
    "open_balance": lambda ledger, today, policy: _largest_open(ledger),
    "purchases_30d": lambda ledger, today, policy: _issued(
        ledger, today - policy.figures.purchases_days + 1, today
    ),
}

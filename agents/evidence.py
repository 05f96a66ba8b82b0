"""The events behind a figure: ids of the facts that an alert points to, so that a person can look at them.

Only for evidence: these scan the ledger, which no figure does. How the figures come about is measure.py's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from agents import behaviour, exposure, survival
from agents.balances import past_due, reversals, totals_of
from agents.invoices import CLOSED, OPEN, Invoice, taken_by_day
from agents.ledger import Ledger
from agents.lines import lines
from agents.payments import Payment, level
from agents.policy import Policy
from agents.rates import Rates
from agents.securities import lowers_exposure

MOST: Final = 50
"""Ids that are named at most: the newest, or of open amounts the largest."""


class _Asked(NamedTuple):
    ledger: Ledger
    today: int
    policy: Policy
    rates: Rates


def behind(ledger: Ledger, today: int, policy: Policy, rates: Rates, figure: str) -> list[str]:
    """Ids of the events behind `figure` (a field of agents.figures.Figures, or "growth", purchases against those before),
    at most MOST; empty for one not told here."""
    find = _FINDERS.get(figure)
    return [] if find is None else list(dict.fromkeys(find(_Asked(ledger, today, policy, rates))))[-MOST:]


# --- Cash -----------------------------------------------------------------------------------------------------


def _observed(ledger: Ledger, payment: Payment) -> bool:
    """Whether some of the payment stands on an invoice: what is unapplied is no observation. Of invoices that folded away
    that is taken for granted."""
    received = payment.received
    if received is None or payment.posted is None or not payment.posted.net:
        return False
    for invoice_id in payment.invoices:
        invoice = ledger.invoices.get(invoice_id)
        if invoice is None:
            if ledger.folded("i" + invoice_id):
                return True
        elif invoice.posted is not None and any(
            paid_on == received.day for paid_on, _, _ in invoice.posted.observations
        ):
            return True
    return False


def _paid(asked: _Asked, first: int, last: int) -> list[str]:
    """The payments dated first..last that were applied, the newest last."""
    ledger = asked.ledger
    rows = [
        (payment.received.day, payment.id, payment.received.event_id)
        for payment in ledger.payments.values()
        if payment.received is not None and first <= payment.received.day <= last
        if _observed(ledger, payment)
    ]
    return [event_id for _, _, event_id in sorted(rows)]


def _drifting(asked: _Asked) -> list[str]:
    """The payments of the window, and what is past due and so makes it worse."""
    return [
        *_past_due(asked, 0),
        *_paid(asked, asked.today - asked.policy.figures.mid_days + 1, asked.today),
    ]


def _earlier(asked: _Asked) -> list[str]:
    rule = asked.policy.figures
    return _paid(asked, asked.today - rule.baseline_from_days + 1, asked.today - rule.baseline_to_days)


def _of_months(asked: _Asked) -> list[str]:
    ends = behaviour.month_ends(asked.today)
    return _paid(asked, ends[0] + 1, ends[-1])


def _with_payments(ledger: Ledger, invoices: Iterable[Invoice]) -> list[str]:
    """The invoices, and what was paid on each."""
    ids = []
    for invoice in invoices:
        assert invoice.issue is not None
        assert invoice.posted is not None
        days = {paid_on for paid_on, _, _ in invoice.posted.observations}
        payments = [ledger.payments[payment_id].received for payment_id in invoice.applications]
        ids.append(invoice.issue.event_id)
        ids += [
            event_id
            for _, event_id in sorted(
                (p.day, p.event_id) for p in payments if p is not None and p.day in days
            )
        ]
    return ids


def _in_parts(asked: _Asked) -> list[str]:
    """Those of the last five paid invoices that were paid in parts, the newest last."""
    today, by_day = asked.today, totals_of(asked.ledger).last_paid
    last = [
        by_day[day][invoice_id]
        for day in sorted(by_day, reverse=True)
        if today - asked.policy.figures.long_days < day <= today
        for invoice_id in sorted(by_day[day])
    ][: behaviour.LAST_PAID]
    return _with_payments(
        asked.ledger,
        [
            invoice
            for invoice in reversed(last)
            if invoice.posted is not None and behaviour.in_parts(invoice.posted, today)
        ],
    )


def _offers(asked: _Asked) -> list[str]:
    """The invoices whose discounts the figure tells of, the newest last."""
    today, by_day = asked.today, totals_of(asked.ledger).offers
    decided = [
        invoice
        for day in sorted(by_day, reverse=True)
        if day > today - asked.policy.figures.baseline_from_days
        for _, invoice in sorted(by_day[day].items(), reverse=True)
        if day < today or (invoice.posted is not None and invoice.posted.taken)
    ][: behaviour.LAST_DISCOUNTS]
    return _with_payments(asked.ledger, reversed(decided))


def _fell_due(asked: _Asked, first: int, last: int, *, past_due: bool) -> list[str]:
    """What fell due first..last, paid or not, and what was paid on it; with `past_due` also all that is past due."""
    found = [
        invoice
        for invoice in asked.ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None
        if first <= invoice.posted.due <= last
        or (past_due and invoice.posted.clean and invoice.posted.due < asked.today)
        if invoice.posted.clean or invoice.posted.observations
    ]
    found.sort(key=lambda invoice: (invoice.posted.due if invoice.posted is not None else 0, invoice.id))
    return _with_payments(asked.ledger, found)


def _late(asked: _Asked) -> list[str]:
    first = asked.today - asked.policy.figures.mid_days + 1
    return _fell_due(asked, first, asked.today, past_due=True)


def _late_before(asked: _Asked) -> list[str]:
    rule = asked.policy.figures
    first, last = asked.today - rule.baseline_from_days + 1, asked.today - rule.baseline_to_days
    return _fell_due(asked, first, last, past_due=False)


def _reversals(asked: _Asked) -> list[str]:
    first = asked.today - asked.policy.figures.reversals_days + 1
    return [event_id for _, _, event_id in reversals(asked.ledger, first, asked.today)]


def _broken(asked: _Asked, days: int) -> list[str]:
    ledger, today, policy, rates = asked
    known = lines(totals_of(ledger), policy.figures.pay_index)
    found = behaviour.broken_promises(ledger, known, today - days, today, policy, rates)
    return [event_id for _, event_id in sorted(found)]


# --- What is owed ---------------------------------------------------------------------------------------------


def _past_due(asked: _Asked, days: int) -> list[str]:
    """The largest last, since the last are kept."""
    rows = sorted(past_due(asked.ledger, asked.today, days), key=lambda row: row[3])
    return [event_id for _, _, event_id, _ in rows]


def _surprising(asked: _Asked) -> list[str]:
    """The invoices that fell due on the day of the least expected one and are unpaid."""
    ledger, today, policy, _ = asked
    found = survival.overdue_surprise(lines(totals_of(ledger), policy.figures.pay_index), today, policy)
    return sorted(
        invoice.issue.event_id
        for invoice in ledger.invoices.values()
        if invoice.issue is not None and invoice.posted is not None
        if invoice.posted.clean and invoice.posted.state == OPEN
        if today - invoice.posted.due == found.days_past_due
    )


def _largest_open(asked: _Asked) -> list[str]:
    """The open invoices, disputed ones too, the largest last."""
    rows = [
        (invoice.posted.open, invoice.issue.event_id)
        for invoice in asked.ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None and invoice.posted.open
    ]
    return [event_id for _, event_id in sorted(rows)]


def _open_orders(asked: _Asked) -> list[str]:
    """Those open at the end of the day, the newest last."""
    rows = [
        (order.booked.day, order.booked.event_id)
        for order in asked.ledger.orders.values()
        if order.booked is not None and order.posted is not None
        if sum(change for day, change in order.posted[1] if day <= asked.today)
    ]
    return [event_id for _, event_id in sorted(rows)]


def _exposed(asked: _Asked) -> list[str]:
    """The open invoices, and last the open orders, the newest last."""
    return [*_largest_open(asked), *_open_orders(asked)]


def _limit(asked: _Asked) -> list[str]:
    return [row[1] for row in asked.ledger.limits if row[2] <= asked.today][-1:]


def _oldest(asked: _Asked) -> list[str]:
    """The clean open invoices that have been past due the longest."""
    rows = past_due(asked.ledger, asked.today)
    return [event_id for due, _, event_id, _ in rows if due == rows[0][0]]


def _observed_before(asked: _Asked) -> list[str]:
    """The other invoices that reached the age of the least expected one, the newest last: its n."""
    ledger, today, policy, _ = asked
    p = policy.figures
    after = today - p.baseline_from_days
    found = survival.overdue_surprise(lines(totals_of(ledger), p.pay_index), today, policy)
    if found.issued_on is None or found.days_past_due is None:
        return []
    age, due = today - found.issued_on, today - found.days_past_due
    reached = [
        (invoice.posted.day, invoice.id, invoice)
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and after < invoice.posted.day <= found.issued_on
        if invoice.posted.state != CLOSED or invoice.posted.age >= age
    ]
    reached.sort(key=lambda row: row[:2])
    itself = next(
        invoice
        for day, _, invoice in reached
        if invoice.posted is not None and (day, invoice.posted.due) == (found.issued_on, due)
        if invoice.posted.clean and invoice.posted.state == OPEN
    )
    return [
        invoice.issue.event_id
        for _, _, invoice in reached
        if invoice is not itself and invoice.issue is not None
    ]


# --- At the end of another day --------------------------------------------------------------------------------


def _owed(asked: _Asked) -> list[str]:
    """The invoices, and memos on account, that make up the balance at the end of the day, the largest last."""
    ledger, today = asked.ledger, asked.today
    rows = [
        (abs(sum(change for day, change in invoice.posted.balance if day <= today)), invoice.issue.event_id)
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None
    ]
    rows += [
        (memo.worth, memo.fact.event_id)
        for memo in ledger.memos.values()
        if memo.posted is None and memo.worth and memo.fact.day <= today
    ]
    return [event_id for amount, event_id in sorted(rows) if amount]


def _unapplied(asked: _Asked) -> list[str]:
    """The payments of which a part stood on no invoice at the end of the day, the largest part last."""
    ledger, today = asked.ledger, asked.today
    left: dict[str, int] = {}
    for payment in ledger.payments.values():
        if payment.posted is not None:
            received = sum(change for day, change in payment.posted.flows if day <= today)
            left[payment.id] = received - sum(payment.settled.values())

    def known(source: str, target: str, day: int) -> tuple[int, int] | None:
        rate = ledger.fx.get(f"{source}{target}{day}")
        return None if rate is None else (rate[0], rate[1])

    for invoice in ledger.invoices.values():
        if invoice.posted is not None and invoice.applications:
            for payment_id, taken in taken_by_day(invoice, known, invoice.applications).items():
                left[payment_id] -= sum(level(steps, today) for steps in taken.values())
    rows = [
        (part, fact.event_id)
        for payment_id, part in left.items()
        if part > 0 and (fact := ledger.payments[payment_id].received) is not None
    ]
    return [event_id for _, event_id in sorted(rows)]


def _secured(asked: _Asked) -> list[str]:
    """What lowered the exposure as security at the end of the day, the newest last."""
    rows = [
        (fact.day, fact.event_id)
        for fact in asked.ledger.securities.values()
        if lowers_exposure(fact, asked.today)
    ]
    return [event_id for _, event_id in sorted(rows)]


def _exposure(asked: _Asked) -> list[str]:
    """All that exposure is made of: what is owed, cash on account, security and orders."""
    return [*_owed(asked), *_unapplied(asked), *_secured(asked), *_open_orders(asked)]


def _utilization(asked: _Asked) -> list[str]:
    return [*_exposure(asked), *_limit(asked)]


def _moved_by_rates(asked: _Asked) -> list[str]:
    """Where rates alone moved the exposure or its limit: what of both is in other currencies than the account's."""
    ledger, own = asked.ledger, asked.ledger.currency
    if not exposure.fx_driven(ledger, asked.today, asked.rates):
        return []
    facts = [(i.issue, 1) for i in ledger.invoices.values()] + [(o.booked, 1) for o in ledger.orders.values()]
    facts += [(p.received, 1) for p in ledger.payments.values()]
    facts += [(memo.fact, 2) for memo in ledger.memos.values()]
    facts += [(fact, 2) for fact in ledger.securities.values()]
    foreign = {fact.event_id for fact, place in facts if fact is not None and fact.content[place] != own}
    foreign |= {row[1] for row in ledger.limits if row[4] != own}
    return [event_id for event_id in _utilization(asked) if event_id in foreign]


def _utilization_before(asked: _Asked) -> list[str]:
    return _utilization(asked._replace(today=asked.today - asked.policy.figures.rising_days))


def _at_the_peak(asked: _Asked) -> list[str]:
    """What was owed on the day of the greatest balance before this one, the latest of equal ones."""
    balance, last = totals_of(asked.ledger).balance, asked.today - 1
    days = range(last, last - asked.policy.figures.high_credit_days, -1)
    return _owed(asked._replace(today=max(days, key=balance.at)))


def _first_invoice(asked: _Asked) -> list[str]:
    """None where it has folded away."""
    ledger = asked.ledger
    first = behaviour.first_invoice_on(ledger, lines(totals_of(ledger), asked.policy.figures.pay_index))
    rows = [
        (invoice.id, invoice.issue.event_id)
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None and invoice.posted.day == first
    ]
    return [event_id for _, event_id in sorted(rows)][:1]


def _open_disputes(asked: _Asked) -> list[str]:
    """Of what is still open, the newest last."""
    rows = [
        (dispute.fact.day, dispute.fact.event_id)
        for invoice in asked.ledger.invoices.values()
        if invoice.posted is not None and invoice.posted.disputed
        for dispute in invoice.disputes
        if dispute.fact is not None and dispute.resolved is None
    ]
    return [event_id for _, event_id in sorted(rows)]


def _disputed_before(asked: _Asked) -> list[str]:
    """What was invoiced in the baseline's window, and last what was disputed in it."""
    rule = asked.policy.figures
    first, last = asked.today - rule.baseline_from_days + 1, asked.today - rule.baseline_to_days
    invoiced, raised = [], []
    for invoice in asked.ledger.invoices.values():
        if invoice.posted is None or invoice.issue is None:
            continue
        if first <= invoice.posted.day <= last:
            invoiced.append((invoice.posted.day, invoice.issue.event_id))
        raised += [
            (dispute.fact.day, dispute.fact.event_id)
            for dispute in invoice.disputes
            if dispute.fact is not None and first <= dispute.fact.day <= last
        ]
    return [event_id for _, event_id in (*sorted(invoiced), *sorted(raised))]


def _sold(asked: _Asked, first: int, last: int) -> list[str]:
    """The invoices that were not voided, and the memos that net them, the newest last."""
    ledger = asked.ledger
    rows = [
        (invoice.posted.day, invoice.issue.event_id)
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and invoice.issue is not None
        if first <= invoice.posted.day <= last
    ]
    rows += [
        (memo.fact.day, memo.fact.event_id)
        for memo in ledger.memos.values()
        if first <= memo.fact.day <= last
        if (memo.worth if memo.posted is None else ledger.invoices[memo.posted].posted is not None)
    ]
    return [event_id for _, event_id in sorted(rows)]


def _bought(asked: _Asked) -> list[str]:
    return _sold(asked, asked.today - asked.policy.figures.purchases_days + 1, asked.today)


def _bought_in_a_year(asked: _Asked) -> list[str]:
    return _sold(asked, asked.today - asked.policy.figures.monthly_purchases_days + 1, asked.today)


def _bought_before(asked: _Asked) -> list[str]:
    rule = asked.policy.figures
    last = asked.today - rule.purchases_days
    return _sold(asked, last - rule.purchases_prior_days + 1, last)


_FINDERS: Final[dict[str, Callable[[_Asked], Iterable[str]]]] = {
    "dtp_90d": _drifting,
    "dtp_baseline": _earlier,
    "dbt_baseline": _earlier,
    "dtp_months": _of_months,
    "overdue_surprise": _surprising,
    "past_due": lambda asked: _past_due(asked, 0),
    "past_due_over_10": lambda asked: _past_due(asked, 10),
    "past_due_61": lambda asked: _past_due(asked, 60),
    "past_due_91": lambda asked: _past_due(asked, 90),
    "reversals_90d": _reversals,
    "promises_broken_60d": lambda asked: _broken(asked, asked.policy.figures.promises_recent_days),
    "partial_of_last_5": _in_parts,
    "discounts_taken": _offers,
    "disputed": _open_disputes,
    "utilization": lambda asked: [*_exposed(asked), *_limit(asked)],
    "exposure": _exposed,
    "credit_limit": _limit,
    "open_balance": _largest_open,
    "purchases_30d": _bought,
    "purchases_prior_90d": _bought_before,
    # What explains one figure alone, of an alert that is about several:
    "dtp_90d_alone": lambda asked: _paid(asked, asked.today - asked.policy.figures.mid_days + 1, asked.today),
    "dbt_90d_alone": _late,
    "dbt_baseline_alone": _late_before,
    "payment_runs": lambda asked: _paid(
        asked, asked.today - asked.policy.figures.baseline_from_days + 1, asked.today
    ),
    "payment_runs_365d": lambda asked: _paid(
        asked, asked.today - asked.policy.figures.long_days + 1, asked.today
    ),
    "monthly_purchases": _bought_in_a_year,
    "promises_broken": lambda asked: _broken(asked, asked.policy.figures.long_days),
    "open_orders": _open_orders,
    "unapplied": _unapplied,
    "open_balance_alone": _owed,
    "exposure_alone": _exposure,
    "utilization_alone": _utilization,
    "utilization_28d_ago": _utilization_before,
    "fx_driven": _moved_by_rates,
    "rising": lambda asked: [*_utilization_before(asked), *_utilization(asked)],
    "prior_high_credit": _at_the_peak,
    "first_invoice": _first_invoice,
    "max_days_past_due": _oldest,
    "invoices_observed": _observed_before,
    "disputed_share_baseline": _disputed_before,
    "growth": lambda asked: [*_bought_before(asked), *_bought(asked)],
}

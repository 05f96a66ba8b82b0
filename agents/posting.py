"""One record into the totals: takes out what an invoice, payment, order or memo added before, and puts in what it adds now.

What a record amounts to by itself is invoices.py's, payments.py's and orders.py's; whole ledgers are settling.py's.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from agents import orders
from agents.facts import Register
from agents.invoices import Dispute, Invoice, Memo, derive, issued, taken_by_day
from agents.ledger import Ledger
from agents.orders import Order
from agents.payments import Application, Payment, Steps, allocate, facts_that_fit
from agents.valuation import inward, rate_for, valued

_NO_FIT: Final = "-"  # stands for a currency that nothing converts: facts held as their amounts do not fit


def refresh_invoice(ledger: Ledger, invoice: Invoice) -> None:
    """Takes the invoice's old posting out of the totals and puts the new one in. What it leaves of a payment's cash
    goes to the payment's other applications."""
    if ledger.linking:
        return
    _post(ledger, invoice)
    if invoice.takes:
        _feed(ledger, invoice)
        answer_each_other(ledger)


def _feed(ledger: Ledger, invoice: Invoice) -> None:
    """Notes what the invoice takes of each tight payment, and which of them that moves."""
    takes = invoice.takes
    if invoice.posted is None:
        now: dict[str, dict[int, Steps]] = {payment_id: {} for payment_id in takes}
    else:
        now = taken_by_day(invoice, partial(rate_for, ledger, "i" + invoice.id), takes)
    for payment_id, by_rank in now.items():
        if takes[payment_id] != by_rank:
            takes[payment_id] = by_rank
            ledger.stale[payment_id] = None


def answer_each_other(ledger: Ledger) -> None:
    """Payments and invoices answer each other until nothing moves.

    Every application depends only on those before it in one order, (occurred_at, event_id, place, payment, rank):
    before it in its payment for what is left, before it at its invoice for the room. So there is one solution,
    whatever the order of the answers, and each round settles at least the first that was not settled: it ends.
    """
    if ledger.answers_held:
        return
    ledger.answers_held = True
    try:
        while ledger.stale:
            payment_id = next(iter(ledger.stale))
            del ledger.stale[payment_id]
            refresh_payment(ledger, ledger.payments[payment_id])
    finally:
        ledger.answers_held = False


def _post(ledger: Ledger, invoice: Invoice) -> None:
    totals = ledger.posted_totals
    old = invoice.posted
    if old is not None:
        totals.post(invoice, old, -1)
    issue = invoice.issue
    if issue is None:
        if not (
            invoice.applications or invoice.memos or invoice.disputes or invoice.void or invoice.write_off
        ):
            del ledger.invoices[invoice.id]
            ledger.invoice_pages.remove(invoice)
            ledger.changed = True
        return
    currency = ledger.currency
    assert currency is not None
    token = "i" + invoice.id
    rules = ledger.posting_rules
    new = invoice.posted = derive(invoice, currency, partial(rate_for, ledger, token), rules.paid_share)
    if new is not None:
        totals.post(invoice, new, 1)
    if issue.content[1] != currency or invoice.foreign is not None:
        _count_foreign(ledger, invoice)
    if issued(issue)[4] is not None or invoice.drawn is not None:
        draw(ledger, invoice)
    if invoice.void is not None:
        closed_on: int | None = max(invoice.void.day, issue.day)
        fold_on = closed_on + rules.reach_days + 1 if closed_on is not None else None
    elif new is not None and new.open <= 0:
        closed_on = max(day for day, _ in new.balance) if new.balance else new.day
        fold_on = max(closed_on + rules.reach_days + 1, new.last_day + rules.span_days)
    else:
        closed_on = fold_on = None
    invoice.closed_on = closed_on
    if fold_on != invoice.fold_on:
        if invoice.fold_on is not None:
            ledger.fold_queue.get(invoice.fold_on, set()).discard(token)  # gone while that day is folded
        invoice.fold_on = fold_on
        if fold_on is not None:
            ledger.fold_later(token, fold_on)


def _count_foreign(ledger: Ledger, invoice: Invoice) -> None:
    issue = invoice.issue
    assert issue is not None
    currency = issue.content[1] if invoice.void is None and issue.content[1] != ledger.currency else None
    if currency != invoice.foreign:
        if invoice.foreign is not None:
            ledger.posted_totals.use(invoice.foreign, -1)
        if currency is not None:
            ledger.posted_totals.use(currency, 1)
        invoice.foreign = currency


def draw(ledger: Ledger, invoice: Invoice) -> None:
    """Moves what the invoice closes of its order, if that has changed."""
    issue = invoice.issue
    assert issue is not None
    content = issued(issue)
    drawn = None
    if invoice.void is None and content[4] is not None:
        drawn = content[4], content[2], content[1], content[0]
    if drawn == invoice.drawn:
        return
    for side, sign in ((invoice.drawn, -1), (drawn, 1)):
        if side is None:
            continue
        order_id, day, currency, amount = side
        order = ledger.orders.get(order_id)
        if order is None:
            if ledger.folded("o" + order_id):
                continue
            order = order_shell(ledger, order_id)
        value = order.draws.get((day, currency), 0) + sign * amount
        if value:
            order.draws[day, currency] = value
        else:
            order.draws.pop((day, currency), None)
        refresh_order(ledger, order)
    invoice.drawn = drawn


def refresh_order(ledger: Ledger, order: Order) -> None:
    """Takes the order's old posting out of the totals and puts the new one in; a shell that nothing names is dropped."""
    if ledger.linking:
        return
    totals = ledger.posted_totals
    if order.posted is not None:
        currency, flows = order.posted
        totals.orders(currency, flows, -1)
        totals.use(currency, -1)
        order.posted = None
    order.fold_on = None
    booked = order.booked
    if booked is None and not order.closings and not order.draws and not order.settled:
        del ledger.orders[order.id]
        ledger.order_pages.remove(order)
        ledger.changed = True
        return
    if booked is not None and booked.content[0] is not None:
        amount, currency = booked.content
        token = "o" + order.id
        parts = []
        for (day, source), drawn in order.draws.items():
            worth = inward(ledger, token, drawn, source, currency, day)
            parts.append((day, worth))
        parts += [
            (booked.day, inward(ledger, token, drawn, source, currency, booked.day))
            for source, drawn in order.settled.items()
        ]
        closed_on: int | None = None
        for fact in order.closings.values():
            some, of = fact.content
            if some is not None:
                parts.append((fact.day, inward(ledger, token, some, of, currency, fact.day)))
            elif closed_on is None or fact.day < closed_on:
                closed_on = fact.day
        flows = orders.open_part(amount, booked.day, closed_on, parts)
        totals.orders(currency, flows, 1)
        totals.use(currency, 1)
        order.posted = currency, flows
        if not sum(change for _, change in flows):
            last = max([booked.day, *(day for day, _ in flows), *(f.day for f in order.closings.values())])
            rules = ledger.posting_rules
            order.fold_on = last + max(rules.reach_days, rules.span_days) + 1
            ledger.fold_later(token, order.fold_on)


def refresh_payment(ledger: Ledger, payment: Payment) -> None:
    """Takes the payment's old posting out of the totals and puts the new one in, and has the invoices posted to which it
    now offers something else."""
    unpost_payment(ledger, payment)
    totals = ledger.posted_totals
    applied: list[Register] = []
    reversals: list[Register] = []
    if payment.applied or payment.reversed:
        applied, reversals = facts_that_fit(payment)
        payment.held = len(payment.applied) + len(payment.reversed) - len(applied) - len(reversals)
        if payment.held:
            totals.use(_NO_FIT, payment.held)
        payment.reversal_days = [fact.day for fact in reversals]
        for day in payment.reversal_days:
            totals.reverse(day, 1)
    payment_id = payment.id

    def taken(invoice_id: str) -> Mapping[int, Steps] | None:
        invoice = ledger.invoices.get(invoice_id)
        if invoice is None:
            return {} if ledger.folded("i" + invoice_id) else None
        return invoice.takes.get(payment_id)

    receipt, listed, tight = allocate(payment, applied, reversals, taken)
    payment.posted = receipt
    if receipt is not None:
        if receipt.currency == ledger.currency:
            payment.worth = receipt.net
        else:
            payment.worth = valued(ledger, "p" + payment_id, receipt.net, receipt.currency, receipt.paid_on)
            totals.use(receipt.currency, 1)
        totals.receipt(receipt, 1, payment.worth)
    _offer(ledger, payment, listed, tight)


def unpost_payment(ledger: Ledger, payment: Payment) -> None:
    """Takes out of the totals what was posted of the payment by itself."""
    totals = ledger.posted_totals
    old = payment.posted
    if old is not None:
        totals.receipt(old, -1, payment.worth)
        totals.use(old.currency, -1)
    for day in payment.reversal_days:
        totals.reverse(day, -1)
    if payment.held:
        totals.use(_NO_FIT, -payment.held)


def _offer(ledger: Ledger, payment: Payment, listed: list[tuple[str, Application]], tight: bool) -> None:
    """Gives each invoice what the payment now applies to it, and takes back what it no longer does."""
    payment_id = payment.id
    by_invoice: dict[str, list[Application]] = {}
    for invoice_id, application in listed:
        group = by_invoice.get(invoice_id)
        if group is None:
            by_invoice[invoice_id] = [application]
        else:
            group.append(application)
    held, ledger.answers_held = ledger.answers_held, True  # all that it offers first, then the answers
    freed: list[Invoice] = []  # no longer held by what else the payment names; see folding._group()
    for invoice_id in payment.invoices:
        if invoice_id not in by_invoice:
            invoice = ledger.invoices.get(invoice_id)
            if invoice is not None and invoice.applications.pop(payment_id, None) is not None:
                if payment_id in invoice.takes:
                    del invoice.takes[payment_id]
                    freed.append(invoice)
                refresh_invoice(ledger, invoice)
    for invoice_id, applications in by_invoice.items():
        invoice = ledger.invoices.get(invoice_id)
        if invoice is None:
            if invoice_id in payment.settled or ledger.folded("i" + invoice_id):
                continue
            invoice = invoice_shell(ledger, invoice_id)
        moved = invoice.applications.get(payment_id) != applications
        if tight != (payment_id in invoice.takes):
            if tight:
                invoice.takes[payment_id] = None
                moved = True
            else:
                del invoice.takes[payment_id]
                freed.append(invoice)
        if moved:
            invoice.applications[payment_id] = applications
            refresh_invoice(ledger, invoice)
    if freed:
        freed += [ledger.invoices[i] for i in by_invoice if i in ledger.invoices]
        for invoice in freed:
            if invoice.fold_on is not None:
                ledger.fold_later("i" + invoice.id, invoice.fold_on)
    payment.invoices = tuple(by_invoice)
    ledger.answers_held = held
    if ledger.stale:
        answer_each_other(ledger)


def post_memo(ledger: Ledger, memo: Memo) -> None:
    """Puts a memo to its invoice, or on account into the totals. Its old posting must be out: unpost_memo()."""
    invoice_id, amount, currency = memo.fact.content
    if invoice_id is not None:
        invoice = ledger.invoices.get(invoice_id) or invoice_shell(ledger, invoice_id)
        invoice.memos.append(memo)
        memo.posted = invoice_id
        refresh_invoice(ledger, invoice)
        return
    memo.posted = None
    token = "m" + memo.id
    totals = ledger.posted_totals
    totals.use(currency, 1)
    value = valued(ledger, token, amount, currency, memo.fact.day)
    memo.worth = value
    if value:
        totals.memo_on_account(memo.fact.day, value, currency, amount, 1)
    if currency == ledger.currency:
        ledger.fold_later(token, memo_folds_on(ledger, memo))


def unpost_memo(ledger: Ledger, memo: Memo, content: list[Any], day: int) -> None:
    """Takes out what was posted of the memo when its fact had this content and day."""
    if memo.posted is not None:
        invoice = ledger.invoices[memo.posted]
        invoice.memos.remove(memo)
        refresh_invoice(ledger, invoice)
        return
    ledger.posted_totals.use(content[2], -1)
    if memo.worth:
        ledger.posted_totals.memo_on_account(day, memo.worth, content[2], content[1], -1)


def memo_folds_on(ledger: Ledger, memo: Memo) -> int:
    """The first day on which neither a fact nor a figure asks for a memo on account."""
    rules = ledger.posting_rules
    return memo.fact.day + max(rules.reach_days, rules.span_days) + 1


def link_dispute(ledger: Ledger, dispute: Dispute) -> None:
    """Puts a dispute to the invoice that it now names, and takes it from the one that it named before."""
    fact = dispute.fact or dispute.resolved
    assert fact is not None
    target = fact.content[0]
    if dispute.posted is not None and dispute.posted != target:
        other = ledger.invoices[dispute.posted]
        other.disputes.remove(dispute)
        refresh_invoice(ledger, other)
    invoice = ledger.invoices.get(target) or invoice_shell(ledger, target)
    if dispute.posted != target:
        invoice.disputes.append(dispute)
        dispute.posted = target
    refresh_invoice(ledger, invoice)


def invoice_shell(ledger: Ledger, invoice_id: str) -> Invoice:
    """A new record in which facts of this invoice wait."""
    invoice = ledger.invoices[invoice_id] = Invoice(invoice_id)
    ledger.invoice_pages.add(invoice)
    ledger.changed = True
    return invoice


def payment_shell(ledger: Ledger, payment_id: str) -> Payment:
    """A new record in which facts of this payment wait."""
    payment = ledger.payments[payment_id] = Payment(payment_id)
    ledger.changed = True
    ledger.payment_pages.add(payment)
    return payment


def order_shell(ledger: Ledger, order_id: str) -> Order:
    """A new record in which facts of this order wait."""
    order = ledger.orders[order_id] = Order(order_id)
    ledger.order_pages.add(order)
    ledger.changed = True
    return order

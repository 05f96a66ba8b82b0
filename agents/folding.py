"""What facts can no longer reach, and folds away: closed invoices with all that hangs on them, payments, orders, the rest.

Of what is gone there remain sums, marks and ids in the ledger, and with a promise the cash that came for it. When a
record may fold is told by posting.py, as it is posted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from agents.announced import Announced, keep
from agents.facts import NEVER
from agents.invoices import Invoice, taken_by_payment
from agents.ledger import Ledger
from agents.payments import Payment
from agents.posting import memo_folds_on, refresh_order, unpost_payment
from agents.settling import settle
from agents.valuation import rate_for

Promised = Mapping[str, list[tuple[Announced, int]]]
"""Invoice -> the promises on it, each with the place of the version that names it. "" -> those on none: any payment
counts."""


def out_of_reach(ledger: Ledger, invoice: Invoice) -> bool:
    """Whether the invoice was closed so long ago that no new fact is taken of it. May settle."""
    issue = invoice.issue
    if issue is not None and issue.day + ledger.posting_rules.reach_days >= ledger.today:
        return False  # it closed no earlier than it was issued
    settle(ledger)
    closed_on = invoice.closed_on
    return closed_on is not None and closed_on + ledger.posting_rules.reach_days < ledger.today


def gone(ledger: Ledger, invoice_id: str) -> bool:
    """Whether the invoice folded away, or is out of reach. May settle."""
    invoice = ledger.invoices.get(invoice_id)
    if invoice is None:
        return ledger.folded("i" + invoice_id)
    return out_of_reach(ledger, invoice)


def partly_gone(ledger: Ledger, payment: Payment) -> bool:
    """Whether an invoice that the payment touches can no longer be reached."""
    return bool(payment.settled) or any(gone(ledger, invoice_id) for invoice_id in payment.invoices)


def fold(ledger: Ledger, today: int) -> None:
    """Drops what no fact may reach and no figure asks for any more."""
    promised = _promised(ledger)
    for day in sorted(day for day in ledger.fold_queue if day <= today):
        for token in sorted(ledger.fold_queue.pop(day)):
            _FOLD[token[0]](ledger, token[1:], today, promised)
    ledger.next_fold = min(ledger.fold_queue, default=NEVER)
    totals = ledger.posted_totals
    on_account = [memo.fact.day for memo in ledger.memos.values() if memo.posted is None]
    oldest = min([*totals.cohorts, *totals.cash_days, *on_account, today])
    kept = {key: row for key, row in ledger.fx.items() if int(key[6:]) >= oldest or key in ledger.waiting}
    if len(kept) < len(ledger.fx):
        ledger.fx = kept
        ledger.fx_changed = True
    ledger.changed = ledger.head_changed = ledger.folded_changed = True


def _promised(ledger: Ledger) -> Promised:
    found: dict[str, list[tuple[Announced, int]]] = {}
    for promise in ledger.promises.values():
        # One that lost may be said again, and win
        for place, version in enumerate(promise.fact.all_versions()):
            for ident in set(version[0][3]) or {""}:
                found.setdefault(ident, []).append((promise, place))
    return found


def _keep_with_promises(
    ledger: Ledger,
    promised: Promised,
    ident: str,
    valued: list[tuple[int, int]],
    currency: str,
    native: list[tuple[int, int]],
) -> None:
    """Keeps the cash (day, amount) with the promises: `valued` in the account's currency, `native` the same in `currency`."""
    for promise, place in promised.get(ident, ()):
        content, _, _, made, *_ = promise.fact.all_versions()[place]
        amount, wanted, *_ = content
        if wanted == ledger.currency:
            cash = valued
        elif wanted == currency:
            cash = native
        else:
            assert ledger.currency is not None
            assert ledger.rates is not None
            factor = ledger.rates.cross(ledger.currency, wanted, made)
            # Nothing to hold it against is no broken promise
            cash = [(day, amount if factor is None else round(worth * factor)) for day, worth in valued]
        if keep(promise, place, cash):
            ledger.extras.dirty.add(promise.page)


def _invoice(ledger: Ledger, ident: str, today: int, promised: Promised) -> None:
    invoice = ledger.invoices.get(ident)
    if invoice is None:
        return
    for one in _group(ledger, invoice, today):
        _drop(ledger, one, today, promised)


def _group(ledger: Ledger, invoice: Invoice, today: int) -> list[Invoice]:
    """The invoices that fold with this one; none while one of them can not fold yet.

    Invoices that compete for the cash of a tight payment fold together: what one of them leaves, even by a
    correction of its date, moves the history of the others. The last one to be ready takes all along.
    """
    group = {invoice.id: invoice}
    queue = [invoice]
    while queue:
        one = queue.pop()
        if one.fold_on is None or one.fold_on > today:
            return []
        for payment_id in one.takes:
            for other_id in ledger.payments[payment_id].invoices:
                other = ledger.invoices.get(other_id)
                if other is not None and other_id not in group:
                    group[other_id] = other
                    queue.append(other)
    return [group[ident] for ident in sorted(group)]


def _drop(ledger: Ledger, invoice: Invoice, today: int, promised: Promised) -> None:
    ident = invoice.id
    issue = invoice.issue
    assert issue is not None
    totals = ledger.posted_totals
    posted = invoice.posted
    if posted is not None:
        taken = taken_by_payment(invoice, partial(rate_for, ledger, "i" + ident))
        totals.post(invoice, posted, -1)
        valued = [(day, amount) for day, amount, _ in posted.observations]
        _keep_with_promises(ledger, promised, ident, valued, issue.content[1], [*posted.native_paid])
        ledger.folded_balance += posted.open
        totals.balance.add(0, posted.open)
        ledger.first_invoice = min(ledger.first_invoice, posted.day)
        ledger.first_due = min(ledger.first_due, posted.due)
    else:
        taken = {}
    if invoice.drawn is not None:
        order_id, day, currency, amount = invoice.drawn
        order = ledger.orders.get(order_id)
        if order is not None:
            order.draws[day, currency] -= amount
            if not order.draws[day, currency]:
                del order.draws[day, currency]
            order.settled[currency] = order.settled.get(currency, 0) + amount
            ledger.order_pages.dirty.add(order.page)
            refresh_order(ledger, order)
    if invoice.foreign is not None:
        totals.use(invoice.foreign, -1)
    for memo in invoice.memos:
        ledger.extras.remove(memo)
        del ledger.memos[memo.id]
        ledger.remember("m" + memo.id)
    for dispute in invoice.disputes:
        ledger.extras.remove(dispute)
        del ledger.disputes[dispute.id]
        ledger.remember("d" + dispute.id)
    del ledger.invoices[ident]
    ledger.invoice_pages.remove(invoice)
    ledger.remember("i" + ident)
    ledger.issued_mark = max(ledger.issued_mark, issue.day)
    for payment_id in sorted(invoice.applications):
        payment = ledger.payments[payment_id]
        currency, cash = taken.get(payment_id, ("", 0))
        payment.settled[ident] = cash
        if cash:
            ledger.folded_cash[currency] = ledger.folded_cash.get(currency, 0) + cash
            totals.cash(0, currency, -cash)
        ledger.payment_pages.dirty.add(payment.page)
        _payment(ledger, payment_id, today, promised)


def _payment(ledger: Ledger, ident: str, today: int, promised: Promised) -> None:
    payment = ledger.payments.get(ident)
    if payment is None or payment.posted is None:
        return
    receipt = payment.posted
    if any(i not in payment.settled for i in payment.invoices):
        return
    used = sum(payment.settled.values())
    if used != receipt.net:
        return
    last = max([receipt.paid_on, *(day for day, _ in receipt.flows), *payment.reversal_days])
    rules = ledger.posting_rules
    fold_on = last + max(rules.reach_days + 1, rules.span_days)
    if fold_on > today:
        ledger.fold_later("p" + ident, fold_on)
        return
    totals = ledger.posted_totals
    unpost_payment(ledger, payment)
    if used:
        totals.cash(0, receipt.currency, used)
        left = ledger.folded_cash[receipt.currency] - used
        if left:
            ledger.folded_cash[receipt.currency] = left
        else:
            del ledger.folded_cash[receipt.currency]
    if receipt.net:
        ledger.last_payment = max(ledger.last_payment, receipt.paid_on)
        paid_on = receipt.paid_on
        _keep_with_promises(
            ledger, promised, "", [(paid_on, payment.worth)], receipt.currency, [(paid_on, receipt.net)]
        )
    del ledger.payments[ident]
    ledger.payment_pages.remove(payment)
    ledger.remember("p" + ident)
    ledger.paid_mark = max(ledger.paid_mark, receipt.paid_on)


def _order(ledger: Ledger, ident: str, today: int, promised: Promised) -> None:
    order = ledger.orders.get(ident)
    if order is None or order.draws or order.fold_on is None or order.fold_on > today:
        return
    if order.posted is not None:
        currency, flows = order.posted
        ledger.posted_totals.orders(currency, flows, -1)
        ledger.posted_totals.use(currency, -1)
    del ledger.orders[ident]
    ledger.order_pages.remove(order)
    ledger.remember("o" + ident)


def _memo(ledger: Ledger, ident: str, today: int, promised: Promised) -> None:
    memo = ledger.memos.get(ident)
    if memo is None or memo.posted is not None or memo_folds_on(ledger, memo) > today:
        return  # corrected: queued for the later day
    _, amount, currency = memo.fact.content
    if memo.worth is None or currency != ledger.currency:
        return  # what it takes off the exposure moves with the rates
    ledger.posted_totals.memo_on_account(memo.fact.day, memo.worth, currency, amount, -1)
    ledger.folded_balance -= memo.worth
    ledger.posted_totals.balance.add(0, -memo.worth)
    del ledger.memos[ident]
    ledger.extras.remove(memo)
    ledger.remember("m" + ident)


def _promise(ledger: Ledger, ident: str, today: int, promised: Promised) -> None:
    _announced(ledger, ledger.promises, "q" + ident, today)


def _scheduled(ledger: Ledger, ident: str, today: int, promised: Promised) -> None:
    _announced(ledger, ledger.scheduled, "s" + ident, today)


def _announced(ledger: Ledger, table: dict[str, Announced], token: str, today: int) -> None:
    known = table.get(token[1:])
    rules = ledger.posting_rules
    if known is not None and known.folds_on(rules.reach_days, rules.span_days) <= today:
        del table[known.id]
        ledger.extras.remove(known)
        ledger.remember(token)


_FOLD: Final[dict[str, Callable[[Ledger, str, int, Promised], None]]] = {
    "i": _invoice,
    "p": _payment,
    "o": _order,
    "m": _memo,
    "q": _promise,
    "s": _scheduled,
}

"""Many records into the totals at once: what is newly taken, what a rate moved, or everything anew.

What one record adds is posting.py's. When this is asked for is bookkeeping.py's, takers.py's and balances.py's.
"""

from __future__ import annotations

from agents.facts import NEVER
from agents.ledger import Ledger
from agents.posting import (
    answer_each_other,
    draw,
    link_dispute,
    post_memo,
    refresh_invoice,
    refresh_order,
    refresh_payment,
    unpost_memo,
)
from agents.totals import Totals
from agents.valuation import rate_of, value_foreign


def settle(ledger: Ledger) -> None:
    """Puts what was newly taken into the totals.

    A new invoice, order or payment in the account's own currency waits for it until someone asks, so that an
    invoice that is issued and paid before the day's tick is worked out once. The totals are the same in the end.
    What refers to an order or invoice that is not known yet does not wait: the empty record that is made for it is
    part of the state, and its place must not depend on when somebody asked.
    """
    invoices, payments, booked = ledger.new_invoices, ledger.new_payments, ledger.new_orders
    if not (invoices or payments or booked):
        return
    _forget_new(ledger)
    # As in rebuild(): links first, then each invoice once.
    touched = {invoice.id: invoice for invoice in invoices}
    ledger.linking = ledger.answers_held = True
    for payment in payments:
        refresh_payment(ledger, payment)
        for invoice_id in payment.invoices:
            invoice = ledger.invoices.get(invoice_id)
            if invoice is not None:
                touched[invoice_id] = invoice
    ledger.linking = False
    for invoice in touched.values():
        refresh_invoice(ledger, invoice)
    ledger.answers_held = False
    answer_each_other(ledger)
    for order in booked:
        refresh_order(ledger, order)
    if ledger.posted_totals.native and ledger.rates is not None:
        value_foreign(ledger, ledger.today, ledger.rates)


def _forget_new(ledger: Ledger) -> None:
    ledger.new_invoices, ledger.new_payments, ledger.new_orders = [], [], []
    ledger.new_exposure = 0


def rebuild(ledger: Ledger) -> None:
    """All totals from the facts: after a load, with another account currency, or with other numbers of the
    policy."""
    _forget_new(ledger)
    horizon = ledger.posted_totals.balance.horizon
    ledger.posted_totals = Totals(ledger.currency or "", horizon)
    ledger.fold_queue = {}
    ledger.next_fold = NEVER
    ledger.waiting = {}
    ledger.posted_totals.balance.add(0, ledger.folded_balance)
    for currency, cash in ledger.folded_cash.items():
        ledger.posted_totals.cash(0, currency, -cash)
    for invoice in ledger.invoices.values():
        invoice.posted = invoice.drawn = invoice.foreign = invoice.fold_on = None
        invoice.applications.clear()
        invoice.takes.clear()
        invoice.memos.clear()
        invoice.disputes.clear()
    for order in ledger.orders.values():
        order.posted = None
        order.draws.clear()
    # Links first, then each invoice and each order once.
    ledger.stale.clear()
    ledger.linking = ledger.answers_held = True
    for memo in ledger.memos.values():
        post_memo(ledger, memo)
    for dispute in ledger.disputes.values():
        dispute.posted = None
        link_dispute(ledger, dispute)
    for payment in ledger.payments.values():
        payment.posted = None
        payment.invoices = ()
        payment.reversal_days = []
        payment.held = 0
        refresh_payment(ledger, payment)
    for invoice in ledger.invoices.values():
        if invoice.issue is not None:
            draw(ledger, invoice)
    ledger.linking = False
    for invoice in list(ledger.invoices.values()):
        refresh_invoice(ledger, invoice)
    ledger.answers_held = False
    answer_each_other(ledger)
    for order in list(ledger.orders.values()):
        refresh_order(ledger, order)
    rules = ledger.posting_rules
    for promise in ledger.promises.values():
        ledger.fold_later("q" + promise.id, promise.folds_on(rules.reach_days, rules.span_days))
    for known in ledger.scheduled.values():
        ledger.fold_later("s" + known.id, known.folds_on(rules.reach_days, rules.span_days))
    for payment in ledger.payments.values():
        if payment.settled:
            ledger.fold_later("p" + payment.id, 0)


def revalue(ledger: Ledger) -> None:
    """Facts whose rate came, moved or froze."""
    waiting, ledger.waiting = ledger.waiting, {}
    tokens: set[str] = set()
    for key, users in waiting.items():
        before = ledger.fx.get(key)
        rate_of(ledger, key, key[:3], key[3:6], int(key[6:]))
        after = ledger.fx.get(key)
        if after is None or not after[2]:
            ledger.waiting[key] = users
        if after is not None and (before is None or before[:2] != after[:2]):
            tokens |= users
    for token in sorted(tokens):
        _refresh(ledger, token)


def _refresh(ledger: Ledger, token: str) -> None:
    kind, ident = token[0], token[1:]
    if kind == "i" and ident in ledger.invoices:
        refresh_invoice(ledger, ledger.invoices[ident])
    elif kind == "p" and ident in ledger.payments:
        refresh_payment(ledger, ledger.payments[ident])
    elif kind == "o" and ident in ledger.orders:
        refresh_order(ledger, ledger.orders[ident])
    elif kind == "m" and ident in ledger.memos:
        memo = ledger.memos[ident]
        if memo.posted is None:
            unpost_memo(ledger, memo, memo.fact.content, memo.fact.day)
            post_memo(ledger, memo)

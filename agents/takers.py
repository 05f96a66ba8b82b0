"""One function an event type: takes a fact into its record, and has the record posted.

Which events there are, and what of each is kept, is facts.py's; what a record then adds to the totals is posting.py's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from agents.announced import PROMISE, SCHEDULED, Announced
from agents.facts import APPLIED, KNOWN, LATE, NEW, REPEAT, SAME, Applied, Register
from agents.folding import gone, out_of_reach, partly_gone
from agents.invoices import Dispute, Invoice, Memo, issued
from agents.ledger import Ledger
from agents.orders import Order
from agents.payments import Payment
from agents.posting import (
    invoice_shell,
    link_dispute,
    order_shell,
    payment_shell,
    post_memo,
    refresh_invoice,
    refresh_order,
    refresh_payment,
    unpost_memo,
)
from agents.profile import Told, merged
from agents.settling import rebuild, settle
from agents.totals import HISTORY_DAYS
from agents.valuation import value_foreign, value_limit


def _invoice_issued(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    invoice = ledger.invoices.get(ident)
    if invoice is None:
        if fact.day <= ledger.issued_mark or ledger.folded("i" + ident):
            return LATE
        _money(ledger, fact, fact.content[1])
        invoice = invoice_shell(ledger, ident)
        if _waits(ledger, fact.content[1]) and (fact.content[4] is None or fact.content[4] in ledger.orders):
            invoice.issue = fact
            ledger.new_invoices.append(invoice)
            ledger.new_exposure += fact.content[0]
            return APPLIED
    settle(ledger)
    issue = invoice.issue
    if issue is not None and out_of_reach(ledger, invoice) and not _said(issue, fact.content):
        return LATE
    _money(ledger, fact, fact.content[1])
    if issue is None:
        invoice.issue = fact
        return _invoice_moved(ledger, invoice, NEW)
    before = issued(issue)
    answer = issue.offer(fact)
    if answer == SAME and issued(issue) != before:
        answer = NEW
    return _invoice_moved(ledger, invoice, answer)


def _invoice_voided(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    return _on_invoice(ledger, "void", ident, fact)


def _invoice_written_off(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    return _on_invoice(ledger, "write_off", ident, fact)


def _on_invoice(ledger: Ledger, slot: str, ident: str, fact: Register) -> Applied:
    settle(ledger)
    invoice = ledger.invoices.get(ident)
    if invoice is None:
        if ledger.folded("i" + ident):
            return LATE
        invoice = invoice_shell(ledger, ident)
    known: Register | None = getattr(invoice, slot)
    if out_of_reach(ledger, invoice) and (known is None or not _said(known, fact.content)):
        return LATE
    if known is None:
        setattr(invoice, slot, fact)
        return _invoice_moved(ledger, invoice, NEW)
    return _invoice_moved(ledger, invoice, known.offer(fact))


def _invoice_moved(ledger: Ledger, invoice: Invoice, answer: int) -> Applied:
    if answer != KNOWN:
        ledger.invoice_pages.dirty.add(invoice.page)
        ledger.changed = True
    if answer != NEW:
        return REPEAT
    refresh_invoice(ledger, invoice)
    return APPLIED


def _invoice_credited(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    settle(ledger)
    memo = ledger.memos.get(ident)
    if memo is None:
        if ledger.folded_once("m" + ident, fact.day) or (
            fact.content[0] is not None and gone(ledger, fact.content[0])
        ):
            return LATE
        _money(ledger, fact, fact.content[2])
        memo = ledger.memos[ident] = Memo(ident, fact)
        ledger.extras.add(memo)
    else:
        if not _said(memo.fact, fact.content) and (
            (fact.content[0] is not None and gone(ledger, fact.content[0]))
            or (memo.posted is not None and gone(ledger, memo.posted))
        ):
            return LATE
        _money(ledger, fact, fact.content[2])
        before = memo.fact.content, memo.fact.day
        answer = memo.fact.offer(fact)
        if answer != KNOWN:
            _touch_extra(ledger, memo)
        if answer != NEW:
            return REPEAT
        unpost_memo(ledger, memo, *before)
    ledger.changed = True
    post_memo(ledger, memo)
    return APPLIED


def _invoice_disputed(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    return _on_dispute(ledger, "fact", ident, fact)


def _dispute_resolved(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    return _on_dispute(ledger, "resolved", ident, fact)


def _on_dispute(ledger: Ledger, slot: str, ident: str, fact: Register) -> Applied:
    settle(ledger)
    dispute = ledger.disputes.get(ident)
    known: Register | None = None if dispute is None else getattr(dispute, slot)
    said = known is not None and _said(known, fact.content)
    posted = None if dispute is None else dispute.posted
    if dispute is None and ledger.folded("d" + ident):
        return LATE
    if not said and (gone(ledger, fact.content[0]) or (posted is not None and gone(ledger, posted))):
        return LATE
    if dispute is None:
        dispute = ledger.disputes[ident] = Dispute(ident)
        ledger.extras.add(dispute)
    if known is None:
        setattr(dispute, slot, fact)
    else:
        answer = known.offer(fact)
        if answer != KNOWN:
            _touch_extra(ledger, dispute)
        if answer != NEW:
            return REPEAT
    _touch_extra(ledger, dispute)
    link_dispute(ledger, dispute)
    return APPLIED


def _order_booked(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    if fact.content[1] is not None:
        _money(ledger, fact, fact.content[1])
    order = ledger.orders.get(ident)
    if order is None:
        if ledger.folded_once("o" + ident, fact.day):
            return LATE
        order = order_shell(ledger, ident)
        if fact.content[0] is not None and _waits(ledger, fact.content[1]):
            order.booked = fact
            ledger.new_orders.append(order)
            ledger.new_exposure += fact.content[0]
            return APPLIED
    if order.booked is None:
        order.booked = fact
        return _order_moved(ledger, order, NEW)
    return _order_moved(ledger, order, order.booked.offer(fact))


def _order_closed(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    order = ledger.orders.get(ident)
    if order is None:
        if ledger.folded_once("o" + ident, fact.day):
            return LATE
        order = order_shell(ledger, ident)
    known = order.closings.get((source, fact.event_id))
    if known is None:
        order.closings[source, fact.event_id] = fact
        return _order_moved(ledger, order, NEW)
    return _order_moved(ledger, order, known.offer(fact))


def _order_moved(ledger: Ledger, order: Order, answer: int) -> Applied:
    if answer != KNOWN:
        ledger.order_pages.dirty.add(order.page)
        ledger.changed = True
    if answer != NEW:
        return REPEAT
    refresh_order(ledger, order)
    return APPLIED


def _payment_received(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    payment = ledger.payments.get(ident)
    is_new = payment is None
    if payment is None:
        if fact.day <= ledger.paid_mark or ledger.folded("p" + ident):
            return LATE
        if fact.content[4] and all(gone(ledger, part[0]) for part in fact.content[4]):
            return LATE
        payment = payment_shell(ledger, ident)
    _money(ledger, fact, fact.content[1])
    if (
        is_new
        and _waits(ledger, fact.content[1])
        and all(part[0] in ledger.invoices for part in fact.content[4] or ())
    ):
        payment.received = fact
        ledger.new_payments.append(payment)
        return APPLIED
    settle(ledger)
    received = payment.received
    if received is None:
        payment.received = fact
    else:
        if not _said(received, fact.content) and partly_gone(ledger, payment):
            return LATE
        answer = received.offer(fact)
        if answer != NEW:
            if answer != KNOWN:
                _touch_payment(ledger, payment)
                refresh_payment(ledger, payment)
            return REPEAT
    _touch_payment(ledger, payment)
    refresh_payment(ledger, payment)
    return APPLIED


def _payment_applied(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    settle(ledger)
    payment = ledger.payments.get(ident)
    known = None if payment is None else payment.applied.get((source, fact.event_id))
    if known is None and (ledger.folded("p" + ident) or all(gone(ledger, part[0]) for part in fact.content)):
        return LATE
    return _on_payment(ledger, "applied", ident, source, fact)


def _payment_reversed(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    settle(ledger)
    payment = ledger.payments.get(ident)
    if payment is None:
        if ledger.folded("p" + ident):
            return LATE
    elif (source, fact.event_id) not in payment.reversed and partly_gone(ledger, payment):
        return LATE
    return _on_payment(ledger, "reversed", ident, source, fact)


def _on_payment(ledger: Ledger, slot: str, ident: str, source: str, fact: Register) -> Applied:
    payment = ledger.payments.get(ident) or payment_shell(ledger, ident)
    facts: dict[tuple[str, str], Register] = getattr(payment, slot)
    known = facts.get((source, fact.event_id))
    if known is None:
        facts[source, fact.event_id] = fact
    else:
        answer = known.offer(fact)
        if answer != KNOWN:
            _touch_payment(ledger, payment)
        if answer != NEW:
            return REPEAT
    _touch_payment(ledger, payment)
    refresh_payment(ledger, payment)
    return APPLIED


def _payment_promised(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    if _promised_too_late(ledger, ident, fact):
        return LATE
    answer = _announced(ledger, PROMISE, ledger.promises, "q" + ident, fact)
    if answer is APPLIED:
        ledger.posted_totals.version += 1
    if answer is not LATE:
        _money(ledger, fact, fact.content[1])
    return answer


def _promised_too_late(ledger: Ledger, ident: str, fact: Register) -> bool:
    """Whether the promise is new, or older than was known, and cash that came for it may have folded away."""
    if fact.day + ledger.posting_rules.reach_days >= ledger.today:
        return False  # what folded away came before it was made
    known = ledger.promises.get(ident)
    if known is not None and any(
        version[0] == fact.content and (version[1], version[2]) <= (fact.us, fact.event_id)
        for version in known.fact.all_versions()
    ):
        return False
    invoice_ids = fact.content[3]
    return any(gone(ledger, i) for i in invoice_ids) if invoice_ids else fact.day <= ledger.paid_mark


def _payment_scheduled(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    answer = _announced(ledger, SCHEDULED, ledger.scheduled, "s" + ident, fact)
    if answer is not LATE:
        _money(ledger, fact, fact.content[1])
    return answer


def _announced(ledger: Ledger, kind: str, table: dict[str, Announced], token: str, fact: Register) -> Applied:
    ident = token[1:]
    known = table.get(ident)
    if known is None:
        if ledger.folded(token):
            return LATE
        known = table[ident] = Announced(kind, ident, fact)
        ledger.extras.add(known)
        answer = NEW
    else:
        answer = known.fact.offer(fact)
    if answer != KNOWN:
        _touch_extra(ledger, known)
    if answer != NEW:
        return REPEAT
    rules = ledger.posting_rules
    ledger.fold_later(token, known.folds_on(rules.reach_days, rules.span_days))
    return APPLIED


def _account_opened(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    if ledger.profile_opened is None or (fact.us, fact.event_id) > ledger.profile_opened:
        ledger.profile_opened = fact.us, fact.event_id
        ledger.changed = ledger.head_changed = True
    return _profile_told(ledger, fact, False)


def _account_updated(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    return _profile_told(ledger, fact, True)


def _profile_told(ledger: Ledger, fact: Register, whole: bool) -> Applied:
    facts = merged(ledger.profile_facts, Told(fact.us, fact.event_id, fact.day, fact.content, whole))
    if facts == ledger.profile_facts:
        ledger.profile_changed()
        return REPEAT
    ledger.hold_profile(facts)
    ledger.changed = ledger.head_changed = True
    ledger.profile_changed()
    _choose_currency(ledger)
    value_limit(ledger, ledger.today)
    return APPLIED


def _account_closed(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    if ledger.profile_closed is not None and (fact.us, fact.event_id) <= ledger.profile_closed:
        return REPEAT
    ledger.profile_closed = fact.us, fact.event_id
    ledger.changed = ledger.head_changed = True
    ledger.profile_changed()
    return APPLIED


def _limit_set(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    row = [fact.us, fact.event_id, fact.day, *fact.content]
    limits = ledger.limits
    if row in limits:
        return REPEAT
    ledger.limits = sorted([*limits, row], key=lambda r: (r[0], r[1], r[3], r[4]))
    _money(ledger, fact, fact.content[1])
    _trim_limits(ledger)
    if ledger.limits == limits:
        return REPEAT
    ledger.changed = ledger.head_changed = True
    ledger.posted_totals.version += 1
    value_limit(ledger, ledger.today)
    return APPLIED


def _trim_limits(ledger: Ledger) -> None:
    """Keeps the settings of the days that a figure may ask for, and the one that stood before them."""
    old = [row for row in ledger.limits if row[2] <= ledger.today - HISTORY_DAYS]
    if len(old) > 1:
        ledger.limits = ledger.limits[len(old) - 1 :]


def _security_recorded(ledger: Ledger, ident: str, source: str, fact: Register) -> Applied:
    known = ledger.securities.get(ident)
    if known is None:
        ledger.securities[ident] = fact
        answer = NEW
    else:
        answer = known.offer(fact)
    if answer != KNOWN:
        ledger.changed = ledger.head_changed = True
        ledger.posted_totals.version += 1
    _money(ledger, fact, fact.content[2])
    if answer == NEW and ledger.rates is not None:
        value_foreign(ledger, ledger.today, ledger.rates)
    return APPLIED if answer == NEW else REPEAT


def _waits(ledger: Ledger, currency: str) -> bool:
    """Whether a new fact in this currency may wait for settle(). None does while anything is foreign: its value
    is part of the state."""
    return currency == ledger.currency and not ledger.posted_totals.uses and not ledger.posted_totals.native


def _money(ledger: Ledger, fact: Register, currency: str) -> None:
    """Keeps the earliest money fact: its currency is the account's until account.opened names one."""
    first = ledger.first_money
    if first is None or [fact.us, fact.event_id, currency] < first:
        ledger.first_money = [fact.us, fact.event_id, currency]
        ledger.changed = ledger.head_changed = True
        if ledger.profile is None:
            _choose_currency(ledger)
            value_limit(ledger, ledger.today)
    if currency != ledger.currency:
        settle(ledger)


def _choose_currency(ledger: Ledger) -> None:
    if ledger.profile is not None:
        currency = ledger.profile.content[1]
    else:
        currency = None if ledger.first_money is None else ledger.first_money[2]
    if currency != ledger.currency:
        ledger.currency = currency
        rebuild(ledger)
    elif currency is not None and ledger.posted_totals.currency != currency:
        rebuild(ledger)


def _touch_payment(ledger: Ledger, payment: Payment) -> None:
    ledger.payment_pages.dirty.add(payment.page)
    ledger.changed = True


def _touch_extra(ledger: Ledger, extra: Memo | Dispute | Announced) -> None:
    ledger.extras.dirty.add(extra.page)
    ledger.changed = True


def _said(fact: Register, content: list[Any]) -> bool:
    """Whether some event said the same of this fact before."""
    return fact.content == content or any(content == version[0] for version in fact.versions or ())


Taker = Callable[[Ledger, str, str, Register], Applied]
"""(ledger, natural id, source, the fact as one event says it: day and content are those of facts.ROW_OF) -> what became of
it. The register is the taker's to keep."""

TAKE: Final[dict[str, Taker]] = {
    "invoice.issued": _invoice_issued,
    "invoice.credited": _invoice_credited,
    "invoice.disputed": _invoice_disputed,
    "dispute.resolved": _dispute_resolved,
    "invoice.written_off": _invoice_written_off,
    "invoice.voided": _invoice_voided,
    "order.booked": _order_booked,
    "order.closed": _order_closed,
    "payment.received": _payment_received,
    "payment.applied": _payment_applied,
    "payment.reversed": _payment_reversed,
    "payment.promised": _payment_promised,
    "payment.scheduled": _payment_scheduled,
    "account.opened": _account_opened,
    "account.updated": _account_updated,
    "account.limit_set": _limit_set,
    "account.closed": _account_closed,
    "security.recorded": _security_recorded,
}
"""Event type -> its taker."""

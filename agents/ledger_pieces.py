"""The bytes of a ledger: its pieces out and in, and one canonical form of its facts.

How records lie on pages is pages.py's, a record's row the record's own. A row's shape is a promise: stored ones must be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from agents.announced import PROMISE, Announced
from agents.facts import NEVER, register, row_of
from agents.invoices import Dispute, Memo, invoice_of
from agents.ledger import Ledger, posting_rules
from agents.orders import order_of
from agents.payments import payment_of
from agents.profile import Told
from agents.settling import rebuild

_VERSION: Final = 1
# Of the head, written where several facts hold a profile, so that older engines read all the others
_FACTS_VERSION: Final = 2
_HEAD: Final = "l.head"
_PARKED: Final = "l.parked"
_FX: Final = "l.fx"
_FOLDED: Final = "l.folded"


def dump(ledger: Ledger) -> dict[str, bytes | None]:
    """The pieces that changed since the last dump; None deletes one. load() of all pieces gives the same ledger."""
    out: dict[str, bytes | None] = {}
    if not ledger.changed:
        return out
    if ledger.head_changed:
        out[_HEAD] = orjson.dumps(_head(ledger))
        ledger.head_changed = False
    if ledger.parked_changed:
        rows = [ledger.parked[key] for key in sorted(ledger.parked)]
        out[_PARKED] = orjson.dumps([_VERSION, *rows]) if rows else None
        ledger.parked_changed = False
    if ledger.fx_changed:
        out[_FX] = orjson.dumps([_VERSION, ledger.fx], option=orjson.OPT_SORT_KEYS) if ledger.fx else None
        ledger.fx_changed = False
    if ledger.folded_changed:
        out[_FOLDED] = orjson.dumps([_VERSION, *ledger.folded_list])
        ledger.folded_changed = False
    for pages in (ledger.invoice_pages, ledger.payment_pages, ledger.order_pages, ledger.extras):
        if pages.changed:
            pages.dump_into(out)
    ledger.changed = False
    return out


def canonical(ledger: Ledger) -> bytes:
    """The facts in one fixed order: equal for ledgers that took the same ones in whatever order.

    The rates that facts were valued at are left out: they follow from the facts and the rates' own days.
    """
    return orjson.dumps(
        [
            _head(ledger),
            sorted(ledger.parked),
            sorted(ledger.folded_list),
            *(
                sorted(
                    orjson.dumps(record.row()).decode() for page in pages.pages.values() for record in page
                )
                for pages in (ledger.invoice_pages, ledger.payment_pages, ledger.order_pages, ledger.extras)
            ),
        ],
        option=orjson.OPT_SORT_KEYS,
    )


def _head(ledger: Ledger) -> list[Any]:
    several = len(ledger.profile_facts) > 1
    return [
        _FACTS_VERSION if several else _VERSION,
        [list(fact) for fact in ledger.profile_facts] if several else row_of(ledger.profile),
        ledger.profile_opened,
        ledger.profile_closed,
        ledger.first_money,
        ledger.limits,
        [[ident, fact.row()] for ident, fact in sorted(ledger.securities.items())],
        ledger.folded_balance,
        sorted(ledger.folded_cash.items()),
        [ledger.issued_mark, ledger.paid_mark, ledger.first_invoice, ledger.first_due, ledger.last_payment],
        ledger.posting_rules.row(),
        ledger.foreign_now,
        ledger.limit,
    ]


def load(pieces: Mapping[str, bytes]) -> Ledger:
    """A ledger from its pieces (others' pieces may be among them). Raises ValueError for a version that this engine
    does not read."""
    ledger = Ledger()
    if not any(key.startswith("l.") for key in pieces):
        return ledger
    for key in (_HEAD, _PARKED, _FX, _FOLDED):
        if key not in pieces:
            continue
        version, *rest = orjson.loads(pieces[key])
        if version != _VERSION and not (key == _HEAD and version == _FACTS_VERSION):
            known = f"versions {_VERSION} to {_FACTS_VERSION}" if key == _HEAD else f"version {_VERSION}"
            raise ValueError(f"{key} of version {version}: this engine reads {known}")
        if key == _HEAD:
            (
                profile, opened, closed, ledger.first_money, ledger.limits, securities, ledger.folded_balance, cash,
                marks, rules, ledger.foreign_now, ledger.limit,
            ) = rest  # fmt: skip
            if version == _FACTS_VERSION:
                ledger.hold_profile(tuple(Told(*fact) for fact in profile))
            elif profile is not None:
                us, event_id, day, content = profile
                whole = opened is None or opened != [us, event_id]  # else it is the newest account.opened
                ledger.hold_profile((Told(us, event_id, day, content, whole),))
            ledger.posting_rules = posting_rules(rules)
            ledger.profile_opened = None if opened is None else (opened[0], opened[1])
            ledger.profile_closed = None if closed is None else (closed[0], closed[1])
            for ident, row in securities:
                fact = register(row)
                assert fact is not None
                ledger.securities[ident] = fact
            ledger.folded_cash = dict(cash)
            (
                ledger.issued_mark,
                ledger.paid_mark,
                ledger.first_invoice,
                ledger.first_due,
                ledger.last_payment,
            ) = marks
        elif key == _PARKED:
            ledger.parked = {orjson.dumps(row).decode(): row for row in rest}
            ledger.next_parked = min([row[0] for row in rest], default=NEVER)
        elif key == _FX:
            ledger.fx = rest[0]
        else:
            ledger.folded_list = rest
            ledger.folded_ids = set(rest)
    ledger.invoice_pages.load(pieces, invoice_of)
    ledger.payment_pages.load(pieces, payment_of)
    ledger.order_pages.load(pieces, order_of)
    ledger.extras.load(pieces, _extra_of)
    ledger.invoices = {r.id: r for page in ledger.invoice_pages.pages.values() for r in page}
    ledger.payments = {r.id: r for page in ledger.payment_pages.pages.values() for r in page}
    ledger.orders = {r.id: r for page in ledger.order_pages.pages.values() for r in page}
    for page in ledger.extras.pages.values():
        for extra in page:
            table: dict[str, Any] = (
                ledger.memos if isinstance(extra, Memo)
                else ledger.disputes if isinstance(extra, Dispute)
                else ledger.promises if extra.kind == PROMISE
                else ledger.scheduled
            )  # fmt: skip
            table[extra.id] = extra
    limit = ledger.limit
    ledger.profile_changed()
    if ledger.profile is not None:
        ledger.currency = ledger.profile.content[1]
    rebuild(ledger)
    ledger.limit = limit
    ledger.changed = ledger.head_changed = False
    return ledger


def _extra_of(row: list[Any]) -> Memo | Dispute | Announced:
    kind, ident, *facts = row
    if kind == "dispute":
        dispute = Dispute(ident)
        dispute.fact, dispute.resolved = register(facts[0]), register(facts[1])
        return dispute
    fact = register(facts[0])
    assert fact is not None
    return Memo(ident, fact) if kind == "memo" else Announced(kind, ident, fact)

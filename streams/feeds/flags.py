"""What the words of a row say of it: disputed or not, paid or not, nothing owed, a line of totals.

Cells are compared as columns.plain writes them. What kind of document a row is, is kinds.py's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from streams.feeds.columns import Columns, plain

YES: Final = frozenset(
    [
        "yes",
        "y",
        "true",
        "t",
        "1",
        "10",  # 1.0
        "x",
        "ja",
        "j",
        "oui",
        "o",
        "si",
        "s",
        "disputed",
        "open",
        "indispute",
    ]
)
NO: Final = frozenset(
    [
        "",
        *[
            "no",
            "n",
            "false",
            "f",
            "0",
            "00",  # 0.0
            "nein",
            "non",
            "none",
            "null",
            "nan",
            "na",
            "-",
            "closed",
            "resolved",
            "notdisputed",
            "undisputed",
        ],
    ]
)
NOT_OWED: Final = frozenset(
    [
        "void",
        "voided",
        "draft",
        "deleted",
        "cancelled",
        "canceled",
        "storniert",
        "storno",
        "entwurf",
        "annule",
        "annulee",
        "brouillon",
        "anulada",
        "anulado",
        "borrador",
        "reversed",
        "cancelada",
        "cancelado",
        "annullata",
        "annullato",
        "bozza",
        "geannuleerd",
        "concept",
        "rascunho",
        "makulerad",
        "anulowana",
    ]
)
GIVEN_BACK: Final = frozenset(
    ["credited", "refunded", "fullyrefunded", "gutgeschrieben", "rembourse", "remboursee"]
)
"""Statuses of an invoice, or of its payment, after which nothing is owed."""
WRITTEN_OFF: Final = frozenset(
    [
        "writtenoff",
        "writeoff",
        "baddebt",
        "uncollectible",
        "uncollectable",
        "irrecoverable",
        "chargedoff",
        "chargeoff",
        "ausgebucht",
        "abgeschrieben",
        "uneinbringlich",
        "irrecouvrable",
        "incobrable",
        "oninbaar",
        "afgeboekt",
    ]
)
DISPUTED: Final = frozenset(
    ["disputed", "dispute", "indispute", "underdispute", "strittig", "enlitige", "endisputa"]
)
NOT_RECEIVED: Final = NOT_OWED | {
    "refunded",
    "fullyrefunded",
    "failed",
    "failure",
    "unsuccessful",
    "declined",
    "rejected",
    "bounced",
    "returned",
    "dishonoured",
    "dishonored",
    "nsf",
    "chargeback",
    "chargedback",
    "pending",
    "processing",
    "initiated",
    "scheduled",
    "planned",
    "expired",
    "unpaid",
    "notpaid",
    "fehlgeschlagen",
    "abgelehnt",
    "rucklastschrift",
    "ausstehend",
    "geplant",
    "rejete",
    "enattente",
    "rechazado",
    "devuelto",
    "pendiente",
}
"""Statuses of a payment of which no money came, or none stayed."""
PAID: Final = frozenset(
    [
        "paid",
        "paidinfull",
        "fullypaid",
        "settled",
        "cleared",
        "bezahlt",
        "beglichen",
        "ausgeglichen",
        "payee",
        "paye",
        "reglee",
        "regle",
        "acquittee",
        "pagada",
        "pagado",
        "cobrada",
        "cobrado",
        "betaald",
        "voldaan",
        "pagato",
        "pagata",
        "saldato",
        "saldata",
        "pago",
        "recebido",
        "liquidado",
        "closed",
        "cl",
        "completed",
        "erledigt",
        "geschlossen",
        "abgeschlossen",
        "soldee",
        "cerrada",
        "cerrado",
        "chiusa",
        "gesloten",
        "zapłacona",
        "opłacona",
        "zapłacono",
        "betald",
        "betalt",
    ]
)
"""Statuses that say an invoice is settled, without a day."""
PAID_FLAGS: Final = PAID | {"yes", "y", "true", "ja", "oui", "si"}
UNPAID: Final = frozenset(
    ["unpaid", "notpaid", "open", "outstanding", "awaitingpayment", "unbezahlt", "offen", "impayee"]
)
"""Statuses that say nothing of an invoice was paid."""
PARTLY: Final = frozenset(
    [
        "partial",
        "partiallypaid",
        "partlypaid",
        "partpaid",
        "partialpayment",
        "teilbezahlt",
        "teilweisebezahlt",
        "partiellementpayee",
        "partiellementreglee",
        "parcial",
        "parcialmentepagada",
        "deelsbetaald",
        "parzialmentepagata",
    ]
)
UNPAID_FLAGS: Final = frozenset(["no", "n", "false", "nein", "non", "nee", "unpaid", "notpaid", "open"])
VOID, RETURNED, GIVEN_UP, CONTESTED, WHOLE, NOTHING, PART = (
    "void",
    "returned",
    "given up",
    "contested",
    "whole",
    "nothing",
    "part",
)
_STATES: Final = {
    word: state
    for state, words in (
        (VOID, NOT_OWED),
        (RETURNED, GIVEN_BACK),
        (GIVEN_UP, WRITTEN_OFF),
        (CONTESTED, DISPUTED),
        (WHOLE, PAID),
        (NOTHING, UNPAID),
        (PART, PARTLY),
    )
    for word in words
}
_TOTAL: Final = re.compile(
    r"\s*(?:\*+\s*$|(?:(?:grand|sub|page|report|overall|customer|account|sum)[\s-]*)?(?:totals?|totaal|totale|sum|summe"
    r"|gesamt(?:summe)?|zwischensumme|endsumme|somme|suma|saldo)\b)",
    re.IGNORECASE,
)


@lru_cache(maxsize=10_000)
def state(text: str) -> str:
    """What the status of an invoice says of it: VOID, RETURNED, GIVEN_UP, CONTESTED, paid WHOLE, in PART or NOTHING of
    it; '' where it says none of these."""
    return _STATES.get(plain(text), "")


@lru_cache(maxsize=10_000)
def came(text: str) -> bool:
    """Whether the status of a payment lets it be money that came and stayed."""
    return plain(text) not in NOT_RECEIVED


def is_total(row: Sequence[str], columns: Columns) -> bool:
    """A line of totals: it says so in one of its first cells, and has no document number or no date."""
    at = columns.at
    if not any(_TOTAL.match(cell) for cell in [cell for cell in row if cell.strip()][:3]):
        return False
    needed = [at[f] for f in ("invoice", "invoice_date", "paid_date") if f in at]
    empty = [i for i in needed if not row[i].strip() or _TOTAL.match(row[i])]
    return len(empty) >= min(2, len(needed))

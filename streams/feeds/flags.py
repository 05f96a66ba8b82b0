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
_FLAGGED: Final = YES - {"open", "disputed", "indispute"}
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
_DRAFTS: Final = frozenset(
    [
        "draft",
        "entwurf",
        "brouillon",
        "borrador",
        "bozza",
        "concept",
        "rascunho",
        "luonnos",
        "szkic",
        "taslak",
        "черновик",
        "草稿",
        "下書き",
    ]
)
_VOIDED: Final = frozenset(
    [
        "iptal",
        "iptaledildi",
        "已作废",
        "作废",
        "取消",
        "キャンセル",
        "отменен",
        "отменена",
        "отменено",
        "аннулирован",
        "mitatoity",
        "zruseno",
        "zrusena",
        "void",
        "voided",
        "deleted",
        "cancelled",
        "canceled",
        "storniert",
        "storno",
        "annule",
        "annulee",
        "anulada",
        "anulado",
        "reversed",
        "cancelada",
        "cancelado",
        "annullata",
        "annullato",
        "geannuleerd",
        "makulerad",
        "anulowana",
        "stornierte",
        "stornata",
        "stornato",
        "estornado",
        "estornada",
        "anulowano",
        "stornovano",
        "annullert",
        "annulleret",
    ]
)
NOT_OWED: Final = _VOIDED | _DRAFTS
GIVEN_BACK: Final = frozenset(
    [
        "hyvitetty",
        "credited",
        "refunded",
        "fullyrefunded",
        "gutgeschrieben",
        "rembourse",
        "remboursee",
        "gecrediteerd",
        "krediterad",
        "kreditert",
        "krediteret",
    ]
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
_WENT_BACK: Final = frozenset(
    [
        "failed",
        "bounced",
        "returned",
        "dishonoured",
        "dishonored",
        "nsf",
        "chargeback",
        "chargedback",
        "rucklastschrift",
        "declined",
    ]
)
NOT_RECEIVED: Final = (
    NOT_OWED
    | _WENT_BACK
    | {
        "refunded",
        "fullyrefunded",
        "failure",
        "unsuccessful",
        "rejected",
        "pending",
        "processing",
        "initiated",
        "scheduled",
        "planned",
        "expired",
        "onhold",
        "held",
        "uncleared",
        "notcleared",
        "unconfirmed",
        "incomplete",
        "submitted",
        "authorized",
        "authorised",
        "awaitingclearance",
        "intransit",
        "requiresaction",
        "requirespaymentmethod",
        "unpaid",
        "notpaid",
        "fehlgeschlagen",
        "abgelehnt",
        "ausstehend",
        "geplant",
        "rejete",
        "enattente",
        "rechazado",
        "devuelto",
        "pendiente",
    }
)
"""Statuses of a payment of which no money came, or none stayed."""
PAID: Final = frozenset(
    [
        "maksettu",
        "zaplaceno",
        "zaplacena",
        "odendi",
        "tahsiledildi",
        "已付款",
        "已收款",
        "已核销",
        "入金済",
        "入金済み",
        "оплачено",
        "оплачен",
        "оплачена",
        "rozliczona",
        "rozliczono",
        "zapłacone",
        "opłacono",
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
        "pif",
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
        "incassata",
        "incassato",
        "quitado",
        "quitada",
        "liquidada",
        "paga",
        "recebida",
        "uhrazeno",
        "uhrazena",
        "encaissee",
        "ingekomen",
    ]
)
"""Statuses that say an invoice is settled, without a day."""
PAID_FLAGS: Final = PAID | {"yes", "y", "true", "ja", "oui", "si"}
UNPAID: Final = frozenset(
    [
        "os",
        "op",
        "avoin",
        "未入金",
        "未付款",
        "未收款",
        "неоплачен",
        "неоплачено",
        "неоплачена",
        "nezaplaceno",
        "neuhrazeno",
        "odenmedi",
        "niezapłacona",
        "nieopłacona",
        "emaberto",
        "vencido",
        "vencida",
        "pendente",
        "unpaid",
        "notpaid",
        "open",
        "outstanding",
        "awaitingpayment",
        "unbezahlt",
        "offen",
        "impayee",
    ]
)
"""Statuses that say nothing of an invoice was paid."""
PARTLY: Final = frozenset(
    [
        "частичнооплачено",
        "частичнооплачен",
        "部分付款",
        "部分收款",
        "一部入金",
        "castecneuhrazeno",
        "kısmiodendi",
        "osittainmaksettu",
        "czesciowoopłacona",
        "parcialmenterecebido",
        "parcialmentepago",
        "delvisbetald",
        "delvisbetalt",
        "parcijalno",
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
_SPEAKING: Final = (PAID | WRITTEN_OFF | DISPUTED | GIVEN_BACK | NOT_OWED) - {
    *("concept", "cl", "paga", "pago", "completed", "closed", "draft", "borrador", "reversed", "deleted")
}
_TOTAL: Final = re.compile(
    r"\s*(?:\*+\s*$|(?:(?:grand|sub|page|report|overall|customer|account|sum)[\s-]*)?(?:totals?|totaal|totale|sum|summe"
    r"|gesamt(?:summe)?|razem|celkem|toplam|итого|yhteensä|合計|合计|小計|小计|zwischensumme|endsumme|somme|suma|saldo)\b)",
    re.IGNORECASE,
)


_PARTS: Final = re.compile(r"\s[-\u2013\u2014]\s|[(),:;/|]")


@lru_cache(maxsize=10_000)
def state(text: str) -> str:
    """What the status of an invoice says of it: VOID, RETURNED, GIVEN_UP, CONTESTED, paid WHOLE, in PART or NOTHING of
    it; '' where it says none of these."""
    whole = _STATES.get(plain(text), "")
    if whole:
        return whole
    # `Closed - paid`, `Void (twice)`: what all its parts say that say something; a dispute outweighs open
    parts = {_STATES.get(plain(part), "") for part in _PARTS.split(text)} - {""}
    if parts == {NOTHING, CONTESTED}:
        return CONTESTED
    return parts.pop() if len(parts) == 1 else ""


def taken_back(text: str) -> bool:
    """Whether a status that says VOID is that of an invoice that was there once, and of no draft."""
    return not any(plain(part) in _DRAFTS for part in (text, *_PARTS.split(text)))


@lru_cache(maxsize=10_000)
def half_said(text: str) -> bool:
    """Whether a status has a word that says something, and says nothing as a whole: `Paid late`."""
    return not state(text) and any(plain(word) in _STATES for word in re.split(r"[\W_]+", text))


@lru_cache(maxsize=10_000)
def speaks(text: str) -> bool:
    """Whether a remark, or a heading, has a word by which less may be owed, or it is disputed: `paid by cheque`."""
    words = {plain(word) for word in re.split(r"[\W_]+", text)}
    return bool(words & _SPEAKING) or any(word.startswith("disput") for word in words)


def flagged(text: str) -> bool:
    """Whether a column of yes and no says yes; a number in it, as of a credit note, says neither."""
    return plain(text) in _FLAGGED


@lru_cache(maxsize=10_000)
def half_came(text: str) -> bool:
    """Whether a status of a payment has a word by which no money came, and does not say it as a whole: `Failed twice`."""
    return came(text) and any(plain(word) in NOT_RECEIVED for word in re.split(r"[\W_]+", text))


@lru_cache(maxsize=10_000)
def came(text: str) -> bool:
    """Whether the status of a payment lets it be money that came and stayed."""
    return plain(text) not in NOT_RECEIVED and not any(
        plain(part) in NOT_RECEIVED for part in _PARTS.split(text)
    )


@lru_cache(maxsize=10_000)
def went_back(text: str) -> bool:
    """Whether a status that is not of a payment alone says that money went back: `Bounced`."""
    return any(plain(part) in _WENT_BACK for part in (text, *_PARTS.split(text)))


def names_total(text: str) -> bool:
    """Whether a document's number is the word of a line of totals."""
    return _TOTAL.match(text) is not None and not any(map(str.isdigit, text))


def is_total(row: Sequence[str], columns: Columns) -> bool:
    """A line of totals: it says so where its document's number stands, or in one of its first cells and has no document
    number or no date."""
    at = columns.at
    if "invoice" in at and names_total(row[at["invoice"]]):
        return True
    if not any(_TOTAL.match(cell) for cell in [cell for cell in row if cell.strip()][:3]):
        return False
    needed = [at[f] for f in ("invoice", "invoice_date", "paid_date") if f in at]
    empty = [i for i in needed if not row[i].strip() or _TOTAL.match(row[i])]
    return len(empty) >= min(2, len(needed))

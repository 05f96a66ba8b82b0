"""What the words of a row say it is: invoice, credit note or payment by its type, debit or credit by its side.

Cells are compared as columns.plain writes them. What follows from it for the amount is ledger.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from streams.feeds.columns import plain

INVOICE, CREDIT, PAYMENT, TAKEN_BACK = "1", "2", "3", "4"
REFUND: Final = "refund"  # no record is made of one
WRITE_OFF: Final = "write-off"  # nor of one
FORWARD: Final = "forward"  # a balance brought or carried forward: the sum of other rows
NOT_OWED: Final = "not owed"  # a quote, a supplier's bill: nothing that a customer owes

_CREDIT_TYPES: Final = frozenset(
    [
        "credit",
        "cn",
        "cm",
        "cr",
        "dg",
        "avoir",
        "factureavoir",
        "facturedavoir",
        "creditnota",
        "creditfactuur",
        "kreditnota",
        "kreditfaktura",
        "sc",
        "notadecredito",
        "notadicredito",
        "notacredito",
        "abono",
        "notadeabono",
        "facturarectificativa",
        "stornorechnung",
        "rechnungskorrektur",
        "korekta",
        "fakturakorygujaca",
        "discount",
        "allowance",
        "rebate",
        "skonto",
        "jc",
        "journalcredit",
        "dobropis",
        "kredittnota",
        "hyvityslasku",
        "iade",
        "iadefaturası",
        "红字发票",
        "贷项通知单",
    ]
)
_CREDIT_WORDS: Final = ("creditnote", "creditmemo", "creditinvoice", "gutschrift")
_INVOICE_WORDS: Final = (
    "invoice",
    "rechnung",
    "facture",
    "factura",
    "factuur",
    "fattura",
    "fatura",
    "faktura",
    "bill",
    "lasku",
    "счет",
    "发票",
    "請求書",
)
_PAYMENT_WORDS: Final = ("payment", "receipt", "zahlung")
_PAYMENT_TYPES: Final = frozenset(
    [
        "unappliedcash",
        "customerdeposit",
        "dz",
        "paiement",
        "reglement",
        "encaissement",
        "pago",
        "cobro",
        "betaling",
        "ontvangst",
        "pagamento",
        "incasso",
        "recebimento",
        "betalning",
        "inbetalning",
        "innbetaling",
        "indbetaling",
        "wpłata",
        "zapłata",
        "tahsilat",
        "оплата",
        "uhrada",
        "suoritus",
        "收款单",
        "入金",
        "pmt",
        "pymt",
        "pay",
        "rct",
        "rcpt",
        "sr",
        "sa",
        "rc",
        "ru",
    ]
)
_REFUND_TYPES: Final = frozenset(["nsf", "rucklastschrift"])
_REFUND_WORDS: Final = ("refund", "chargeback", "remboursement", "reembolso", "rimborso", "terugbetaling")
_BACK_WORDS: Final = ("revers", "return", "bounce", "dishono", "nsf", "cancel", "void")
_WRITE_OFF_WORDS: Final = ("writeoff", "writtenoff", "baddebt", "creditwo", "ausbuchung", "abschreibung")
_NOT_OWED_TYPES: Final = frozenset(
    [
        "quote",
        "quotation",
        "salesquote",
        "salesquotation",
        "estimate",
        "angebot",
        "kostenvoranschlag",
        "devis",
        "presupuesto",
        "cotizacion",
        "orcamento",
        "preventivo",
        "offerte",
        "purchaseorder",
        "deliverynote",
        "lieferschein",
        "accpay",
        "accpaycredit",
        "billpayment",
        "vendorinvoice",
        "vendorbill",
        "vendorcredit",
        "supplierinvoice",
        "supplierbill",
        "suppliercredit",
        "purchaseinvoice",
        "purchasecreditnote",
        "purchasecreditmemo",
        "factureachat",
        "facturefournisseur",
        "pi",
        "pc",
        "pp",
        "eingangsrechnung",
    ]
)
_NOT_OWED_WORDS: Final = ("proforma",)
_FORWARD_WORDS: Final = (
    "openingbal",
    "closingbal",
    "previousbal",
    "balanceforward",
    "balancefwd",
    "balancebf",
    "balancecf",
    "balancebd",
    "balancecd",
    "balbf",
    "balcf",
    "broughtforward",
    "carriedforward",
    "balancebrought",
    "balancecarried",
    "saldovortrag",
    "vortrag",
    "anfangsbestand",
    "anfangssaldo",
    "soldeinitial",
    "anouveau",
    "reportanouveau",
    "saldoinicial",
    "saldoanterior",
    "saldoiniziale",
    "beginsaldo",
    "ingaendesaldo",
    "inngaendesaldo",
    "期初余额",
    "前期繰越",
)

DEBIT_SIDE: Final = frozenset(["s", "soll", "d", "dr", "db", "deb", "debit", "debe"])
CREDIT_SIDE: Final = frozenset(["h", "haben", "c", "cr", "k", "cred", "credit", "haber"])

# Codes of a column that says no more: of the first the customer owes, of the second he owes less.
_CODES: Final = """d/c dr/cr debit/credit db/cr s/h soll/haben d/h debe/haber +/- i/c i/cr i/cn i/cm inv/c inv/cr inv/cn inv/cm
    inv/crn inv/crd ri/rm fa/av fac/av fc/av fa/nc fac/nc fc/nc ft/nc fv/nc fv/kfv fv/kor fs/kfs re/gs rg/gs re/gu rg/gu"""
_PAIRS: Final = [pair.split("/") for pair in _CODES.split()]
PAIRS: Final = frozenset(map(frozenset, _PAIRS)) | {frozenset(["", "cr"])}
OWES: Final = DEBIT_SIDE | {pair[0] for pair in _PAIRS}
OWES_LESS: Final = CREDIT_SIDE | {pair[1] for pair in _PAIRS}


def code(text: str) -> str:
    """A code as it is compared: a sign is one, too."""
    bare = text.strip()
    return bare if bare in ("+", "-") else plain(bare)


def meant(text: str) -> str:
    """CREDIT, PAYMENT, REFUND, WRITE_OFF, FORWARD or NOT_OWED where a row's type names one; '' where it is any other: then
    the amount's sign tells."""
    named = plain(text)
    if named.startswith(_FORWARD_WORDS):
        return FORWARD
    if named in _NOT_OWED_TYPES or _has(named, _NOT_OWED_WORDS):
        return NOT_OWED
    if named in _REFUND_TYPES or _has(named, _REFUND_WORDS):
        return REFUND
    if _has(named, _WRITE_OFF_WORDS):
        return WRITE_OFF
    if named in _CREDIT_TYPES or _has(named, _CREDIT_WORDS):
        return CREDIT
    # A payment invoice is an invoice, an invoice payment is a payment
    if named in _PAYMENT_TYPES or (
        _has(named, _PAYMENT_WORDS) and (named.endswith(("payment", "zahlung")) or not names_invoice(text))
    ):
        return REFUND if _has(named, _BACK_WORDS) else PAYMENT
    return ""


def names_invoice(text: str) -> bool:
    """Whether a type has the word invoice in it, in any of the languages that are read."""
    return plain(text) == "inv" or _has(plain(text), _INVOICE_WORDS)


def _has(named: str, words: Sequence[str]) -> bool:
    return any(word in named for word in words)

"""What the words of a row say it is: invoice, credit note or payment by its type, debit or credit by its side.

Cells are compared as columns.plain writes them. What follows from it for the amount is ledger.py's.
"""

from __future__ import annotations

from typing import Final

from streams.feeds.columns import plain

INVOICE, CREDIT, PAYMENT = "1", "2", "3"
REFUND: Final = "refund"  # no record is made of one

_CREDIT_TYPES: Final = frozenset(
    [
        "creditnote",
        "creditmemo",
        "creditmemorandum",
        "credit",
        "cn",
        "cm",
        "cr",
        "dg",
        "gutschrift",
        "avoir",
        "creditinvoice",
        "creditnota",
        "sc",
        "notadecredito",
        "notadicredito",
    ]
)
_CREDIT_WORDS: Final = ("creditnote", "creditmemo", "creditinvoice", "gutschrift")
_INVOICE_WORDS: Final = ("invoice", "rechnung", "facture", "factura", "bill")
_PAYMENT_WORDS: Final = ("payment", "receipt", "zahlung")
_PAYMENT_TYPES: Final = frozenset(
    [
        "payment",
        "receipt",
        "cashreceipt",
        "dz",
        "zahlung",
        "paiement",
        "reglement",
        "encaissement",
        "pago",
        "cobro",
        "betaling",
        "pmt",
        "pymt",
        "customerpayment",
        "sr",
        "sa",
    ]
)
_REFUND_TYPES: Final = frozenset(["refund", "customerrefund", "paymentreversal", "paymentrefund"])

DEBIT_SIDE: Final = frozenset(["s", "soll", "d", "dr", "db", "deb", "debit", "debe"])
CREDIT_SIDE: Final = frozenset(["h", "haben", "c", "cr", "k", "cred", "credit", "haber"])


def meant(text: str) -> str:
    """CREDIT, PAYMENT or REFUND where a row's type names one; '' where it is any other: then the amount's
    sign tells."""
    named = plain(text)
    if named in _REFUND_TYPES:
        return REFUND
    if named in _CREDIT_TYPES or any(word in named for word in _CREDIT_WORDS):
        return CREDIT
    if named in _PAYMENT_TYPES or (
        any(word in named for word in _PAYMENT_WORDS) and not any(word in named for word in _INVOICE_WORDS)
    ):
        return PAYMENT
    return ""

"""A record: what a row of a ledger says, as it stands in a line between reading and booking.

How cells become one is ledger.py; what the records of one invoice mean together is booking.py.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from schemas.money import EXPONENTS

CUT: Final = "\x1f"
"""Between the parts of a line: below every character that an id or name may have, so lines sort by their parts."""

ON_ACCOUNT: Final = "\U0010ffff"
"""Stands for the invoice of cash that names none: behind all that have a number, when the account's
currency is known."""

EARLIEST: Final = 90
"""Days that a settlement may come before its invoice (paid in advance); earlier ones are bad rows."""


class Row(NamedTuple):
    """A record, as it stands in a line (all text; minor units as digits, days as ISO dates, empty: not there)."""

    account: str
    invoice: str  # the invoice it belongs to; of a credit note the invoice it credits, or its own number
    kind: str
    place: str  # file and line, of one width
    number: str  # the row's own document number
    amount: str
    currency: str
    day: str  # of the invoice, the credit note, the payment
    due: str = ""
    paid_on: str = ""  # of an invoice; of a credit note where days of settlement stand for payments
    # Of an invoice row what of it is paid, where it says; of a payment the whole of it, where more than this
    paid: str = ""
    disputed: str = ""
    terms: str = ""
    terms_days: str = ""
    name: str = ""
    limit: str = ""
    payment: str = ""
    reference: str = ""
    # Of an invoice row: `paid` is told by its balance alone, of which credit notes may be a part
    by_balance: str = ""
    closed: str = ""  # of an invoice row: nothing of it is open any more, by its balance or status
    # Of an invoice row: its amount seems to be what is still open, as no column has what was invoiced
    left: str = ""
    unused: str = ""  # of a credit note among invoices: what is still open of it, by its balance

    @property
    def file(self) -> str:
        """Which of the import's files it stands in."""
        return self.place[:3]

    # What rows say of one thing: where it is equal, they are the same thing told twice.

    def as_invoice(self) -> tuple[str, ...]:
        return self.amount, self.currency, self.day, self.due, self.disputed, self.terms

    def as_settlement(self) -> tuple[str, ...]:
        return self.paid_on, self.paid, self.payment, self.reference

    def as_credit(self) -> tuple[str, ...]:
        return self.amount, self.currency, self.day

    def as_payment(self) -> tuple[str, ...]:
        return self.amount, self.currency, self.day, self.paid, self.payment, self.reference


WIDEST: Final = "CLF"  # four decimals


def in_minor(widest: str, currency: str) -> int | None:
    """An amount kept in ten-thousandths, in minor units of `currency`; None where that has fewer decimals
    than the amount."""
    amount, rest = divmod(int(widest), 10 ** (EXPONENTS[WIDEST] - EXPONENTS[currency]))
    return None if rest else amount

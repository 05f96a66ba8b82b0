"""Rows of ledger files into records: every cell read and checked, bad rows reported, one line for the sorter a row.

What records of one invoice mean together, and the events they become, is booking.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from schemas.money import EXPONENTS
from streams.feeds import terms as terms_of_payment
from streams.feeds.amounts import EMPTY, bare
from streams.feeds.columns import plain
from streams.feeds.dates import plus_days
from streams.feeds.files import rows
from streams.feeds.kinds import CREDIT, CREDIT_SIDE, DEBIT_SIDE, INVOICE, PAYMENT, REFUND, meant
from streams.feeds.report import BadRow, Report
from streams.feeds.sorting import Sorter
from streams.feeds.telling import Choices, Told

CUT: Final = "\x1f"
"""Between the parts of a line: below every character that an id or name may have, so lines sort by their parts."""

ON_ACCOUNT: Final = "\U0010ffff"
"""Stands for the invoice of cash that names none: behind all that have a number, when the account's
currency is known."""

EARLIEST: Final = 90
"""Days that a settlement may come before its invoice (paid in advance); earlier ones are bad rows."""

_YES: Final = frozenset(
    [
        "yes",
        "y",
        "true",
        "t",
        "1",
        "1.0",
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
_NO: Final = frozenset(
    [
        "",
        *[
            "no",
            "n",
            "false",
            "f",
            "0",
            "0.0",
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
_NOT_OWED: Final = frozenset(
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
    ]
)
_PAID: Final = frozenset(
    ["paid", "paidinfull", "fullypaid", "settled", "cleared", "bezahlt", "payee", "pagada"]
)
"""Statuses that say an invoice is settled, without a day."""
_PAID_FLAGS: Final = _PAID | {"yes", "y", "true", "ja", "oui", "si"}
_UNPAID_FLAGS: Final = frozenset(["no", "n", "false", "nein", "non", "nee", "unpaid", "notpaid", "open"])
_TOTAL: Final = re.compile(
    r"\s*(?:\*+\s*$|(?:(?:grand|sub|page|report|overall|customer|account|sum)[\s-]*)?(?:totals?|totaal|totale|sum|summe"
    r"|gesamt(?:summe)?|zwischensumme|endsumme|somme|suma|saldo)\b)",
    re.IGNORECASE,
)
_CURRENCY_NAMES: Final = {
    "usdollar": "USD",
    "usdollars": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "britishpound": "GBP",
    "poundsterling": "GBP",
    "canadiandollar": "CAD",
    "australiandollar": "AUD",
    "newzealanddollar": "NZD",
    "swissfranc": "CHF",
    "japaneseyen": "JPY",
}
_FLOATED: Final = re.compile(r"(\d+)\.0+", re.ASCII)
_ROUNDED: Final = re.compile(r"\d[.,]\d+[eE]\+?\d+|\d+[eE]\+\d+", re.ASCII)
_BLANK_IDS: Final = frozenset({"", "nan", "null", "none", "#n/a"})


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
    due: str
    paid_on: str  # of an invoice; of a credit note where days of settlement stand for payments
    paid: str  # of an invoice row what of it is paid, where it says; of a payment the whole of it, where more than this
    disputed: str
    terms: str
    terms_days: str
    name: str
    limit: str
    payment: str
    reference: str
    by_balance: str = (
        ""  # of an invoice row: `paid` is told by its balance alone, of which credit notes may be a part
    )


class _LeftOut(Exception):
    """A row that is none of the kind asked for, and why."""


class _Bad(Exception):
    """Why a row is not taken: (kind of reason, field, reason)."""


def read_rows(
    files: Sequence[Told],
    choices: Choices,
    sorter: Sorter,
    report: Report,
    progress: Callable[[int], None],
) -> None:
    """Adds a line to the sorter for every good row of the files, and counts the others into the report.

    Payments without a customer find him by their invoice, over a sort of their own. Raises Refused.
    """
    homeless = any("customer" not in told.columns.at for told in files)
    alone = all(told.columns.kind == "invoices" for told in files)
    with Sorter() as by_invoice:
        for number, told in enumerate(files):
            reader = _Reader(number, told, choices, report, alone)
            reader.read(sorter, by_invoice if homeless else None, progress)
        if homeless:
            _find_customers(files, by_invoice, sorter, report)


class _Reader:
    """The reading of one file."""

    def __init__(self, number: int, told: Told, choices: Choices, report: Report, alone: bool) -> None:
        self.number = number
        self.alone = alone  # no file of payments is there, so days of settlement stand for them
        self.told = told
        self.choices = choices
        self.report = report
        self.latest = plus_days(choices.today, 2)
        self.ids: dict[str, str] = {}
        self.currencies: dict[str, str] = {}
        self.terms: dict[str, int | None] = {}
        self.types: dict[str, str] = {}

    def read(self, sorter: Sorter, by_invoice: Sorter | None, progress: Callable[[int], None]) -> None:
        told, report = self.told, self.report
        path = str(told.shape.path)
        header = [plain(cell) for cell in told.shape.header]
        width = len(header)
        take = self.invoice if told.columns.kind == "invoices" else self.payment
        homeless = "customer" not in told.columns.at
        add = sorter.add
        first, last = "9999", ""
        for line, row in rows(told.shape, progress):
            if len(row) != width:
                if len(row) < width:
                    if not any(map(str.strip, row)):
                        continue
                    row += [""] * (width - len(row))
                elif any(map(str.strip, row[width:])):
                    report.rows += 1
                    report.refuse(
                        "more cells than the header",
                        BadRow(
                            path,
                            line,
                            "",
                            f"{len(row)} cells where the header has {width}; is a separator not in quotes?",
                        ),
                    )
                    continue
            try:
                record = take(row, f"{self.number:03d}{line:010d}")
            except _LeftOut as why:
                report.rows += 1
                report.note(str(why), f"{path}:{line}")
                if "type" in self.told.columns.at:
                    self._told_type(row)
                continue
            except _Bad as bad:
                filled = [cell for cell in row if cell.strip()]
                if not filled:
                    continue
                if len(filled) == 1 and filled[0].count(told.shape.delimiter) + 1 < width:
                    report.note("lines with one cell left out, as headings and remarks are", f"{path}:{line}")
                    continue
                if _is_total(row, told):
                    report.note("total lines left out", f"{path}:{line}")
                    continue
                if [plain(cell) for cell in row[:width]] == header:
                    report.note("repeated headers left out", f"{path}:{line}")
                    continue
                report.rows += 1
                kind, field, reason = bad.args
                report.refuse(kind, BadRow(path, line, told.columns.named(field) if field else "", reason))
                continue
            report.rows += 1
            if "type" in self.told.columns.at:
                self._told_type(row)
            if record.kind != INVOICE:
                _count(report, record)
            if homeless and by_invoice is not None:
                last = max(last, record.day)
                by_invoice.add(CUT.join((record.invoice, "1", *record)))
                continue
            if by_invoice is not None and record.kind == INVOICE:
                by_invoice.add(CUT.join((record.invoice, "0", record.account)))
            if record.day < first:
                first = record.day
            newest = record.paid_on or record.day
            if newest > last:
                last = newest
            add(CUT.join(record))
        report.first_day = min(filter(None, (report.first_day, "" if first == "9999" else first)), default="")
        report.last_day = max(report.last_day, last)

    # One cell each: raise _Bad, or give the text that goes into the record.

    def _cell(self, row: list[str], field: str) -> str:
        index = self.told.columns.at.get(field)
        return "" if index is None else row[index]

    def _id(self, row: list[str], field: str, needed: bool) -> str:
        text = self._cell(row, field)
        known = self.ids.get(text)
        if known is not None:
            return known
        if text.isalnum() and text.isascii() and len(text) <= 150 and text.lower() not in _BLANK_IDS:
            if field == "customer" and len(self.ids) < 200_000:
                self.ids[text] = text
            return text  # the usual number
        clean = text
        if not clean.isprintable():
            clean = " ".join(clean.split())
        clean = clean.strip()
        if clean.startswith('="') and clean.endswith('"'):  # how spreadsheets are told to keep leading zeros
            clean = clean[2:-1].strip()
        elif clean.startswith("'"):
            clean = clean[1:].strip()
        if clean.lower() in _BLANK_IDS:
            if needed:
                raise _Bad(f"{field} is empty", field, "is empty")
            return ""
        if floated := _FLOATED.fullmatch(clean):
            clean = floated[1]
        elif _ROUNDED.fullmatch(clean):
            raise _Bad(
                f"{field} was rounded",
                field,
                f"{text!r} was rounded by a spreadsheet; export the column as text",
            )
        if len(clean) > 150 or not clean.isprintable():
            raise _Bad(
                f"{field} is too long or no text",
                field,
                f"{text[:60]!r} is longer than 150 characters or has control characters",
            )
        if field == "customer" and len(self.ids) < 200_000:
            self.ids[text] = clean
        return clean

    def _text(self, row: list[str], field: str, longest: int = 500) -> str:
        text = self._cell(row, field).strip()
        if not text.isprintable():
            text = "".join(c if c.isprintable() else " " for c in text)
            text = " ".join(text.split())
        return "" if text.lower() in _BLANK_IDS else text[:longest]

    def _day(self, row: list[str], field: str, needed: bool) -> str:
        text = self._cell(row, field)
        try:
            day = self.told.dates.iso(text)
        except ValueError as error:
            kind = "a date against the file's order" if "contradicts" in str(error) else "no date"
            raise _Bad(kind, field, str(error)) from None
        if not day and needed:
            said = f"{text.strip()!r} stands for no date" if text.strip() else "is empty"
            raise _Bad(f"{field} is empty".replace("_", " "), field, said)
        if day > self.latest and field != "due_date":
            raise _Bad(
                "dated in the future", field, f"{day} is in the future (today is {self.choices.today})"
            )
        return day

    def _minor(self, row: list[str], field: str, currency: str) -> int | None:
        text = self._cell(row, field)
        try:
            return self.told.amounts.minor(text, currency)
        except ValueError as error:
            if text.strip().lower() in EMPTY:
                return None
            raise _Bad("no amount", field, str(error)) from None

    def _currency(self, row: list[str], money_field: str) -> str:
        text = self._cell(row, "currency")
        known = self.currencies.get(text)
        if known is not None:
            return known
        code = text.strip().upper()
        if not (code and code.lower() not in EMPTY) and self.told.columns.currency is not None:
            return self.told.columns.currency
        if code and code.lower() not in EMPTY:
            if code not in EXPONENTS:
                meant = _currencies(text.strip())
                code = self._of_signs(meant)
                if not code:
                    said = f"may be {', '.join(meant)}" if meant else "is no ISO 4217 currency code"
                    raise _Bad("unknown currency", "currency", f"{text.strip()!r} {said}")
            if len(self.currencies) < 1000:
                self.currencies[text] = code
            return code
        if self.choices.currency is not None:
            return self.choices.currency
        base = self.choices.base_currency
        if not self.told.signs:
            if len(self.currencies) < 1000:
                self.currencies[text] = base
            self.report.assumed = base
            return base
        try:
            meant = bare(self._cell(row, money_field)).currencies
        except ValueError:
            return base
        if not meant or base in meant:
            if len(meant) != 1:
                self.report.assumed = base
            return base
        if code := self._of_signs(meant):
            return code
        raise _Bad(
            "unclear currency",
            money_field,
            f"{self._cell(row, money_field)!r} may be in {', '.join(meant)}; say which with --currency",
        )

    def _of_signs(self, meant: tuple[str, ...]) -> str:
        """The one currency of those that a sign can mean; '' where it is not clear."""
        for likely in (self.choices.currency, self.choices.base_currency):
            if likely in meant:
                return likely
        # The other pounds are pegged to sterling or write their own sign.
        return meant[0] if len(meant) == 1 or meant[:1] == ("GBP",) else ""

    def _net_days(self, row: list[str]) -> tuple[str, int | None]:
        at, text = self.told.columns.at, self._cell(row, "terms")
        # SAP: the last of three numbers of days that is not zero is that of the whole amount.
        for field in ("days_3", "days_2", "days_1") if "days_1" in at else ():
            if days := terms_of_payment.days(self._cell(row, field)):
                return text, days
        if self._cell(row, "days_1").strip():
            return text, 0
        if text not in self.terms and len(self.terms) < 10_000:
            self.terms[text] = terms_of_payment.days(text)
        return text, self.terms.get(text)

    # One row each.

    def invoice(self, row: list[str], place: str) -> Row:
        """A row of a file of invoices: an invoice, a credit note (negative, or named so), or a payment
        that is named so (which may have no number)."""
        at, choices = self.told.columns.at, self.choices
        if "status" in at and plain(self._cell(row, "status")) in _NOT_OWED:
            status = self._cell(row, "status").strip()
            raise _LeftOut(f"rows left out, as by their status nothing is owed: {status}")
        named = self._meant(row) if "type" in at else ""
        account = self._id(row, "customer", True)
        number = self._id(row, "invoice", "document" not in at and named != PAYMENT)
        if not number and "document" in at:
            number = self._id(row, "document", named != PAYMENT)
        day = self._day(row, "invoice_date", True)
        currency = self._currency(row, "amount")
        amount = self._minor(row, "amount", currency) if "amount" in at else self._sides(row, currency)
        if amount is None:
            raise _Bad("amount is empty", "amount", "is empty")
        if "side" in at and self._side(row) in CREDIT_SIDE:
            amount = -abs(amount)
        if amount == 0:
            raise _Bad("amount is zero", "amount", "is zero: nothing is owed")
        paid_on = self._day(row, "paid_date", False) if "paid_date" in at else ""
        still_open = self._minor(row, "balance", currency) if "balance" in at else None
        name = self._text(row, "name") if "name" in at else ""
        limit = self._limit(row, currency) if "limit" in at else ""
        settled = "paid_date" in at and bool(paid_on or still_open == 0)
        if named and (amount < 0) != self.told.negative[named]:
            what = "payment" if named == PAYMENT else "credit note"
            raise _Bad(
                f"a {what} the other way round",
                "",
                f"{self._money(row)} goes the other way than a {what} of this file: it takes one back, or is none, "
                "and is not imported",
            )
        if named == PAYMENT:
            invoice = (self._id(row, "credits", False) if "credits" in at else "") or ON_ACCOUNT
            if invoice == ON_ACCOUNT and settled:
                raise _LeftOut("payments left out, as the invoices they settled carry the day")
            reference = self._text(row, "reference")
            return Row(account, invoice, PAYMENT, place, number, str(abs(amount)), currency, day, "",
            "", "", "", "", "",
                       name, limit, number, reference)  # fmt: skip
        if named == CREDIT:
            amount = -abs(amount)
        if amount < 0:
            credited = self._id(row, "credits", False) if "credits" in at else ""
            if not named and "debit" in at:
                self._note(
                    "amounts of the credit column, taken as credit notes, as no type says otherwise", place
                )
            return Row(account, credited or number, CREDIT, place, number, str(-amount), currency, day, "",
            paid_on or day if settled and self.alone else "", "", "", "", "",
                       name, limit, credited, "")  # fmt: skip
        terms, net_days = self._net_days(row)
        if net_days is None:
            net_days = choices.terms_days
        due = self._day(row, "due_date", False) if "due_date" in at else ""
        if not due:
            if net_days is None:
                reason = (
                    f"no due date, and the terms {terms.strip()!r} name no days"
                    if terms.strip()
                    else "is empty"
                )
                raise _Bad("no due date", "due_date", f"{reason}; say the usual terms with --terms DAYS")
            from_baseline = "baseline" in at and ("days_1" in at or terms.strip())
            start = self._day(row, "baseline", False) if from_baseline else ""
            due = plus_days(start or day, net_days)
        if due < day:
            raise _Bad("due before the invoice", "due_date", f"due {due} before the invoice's date {day}")
        if due > "2100-12-31":
            raise _Bad("no date", "due_date", f"{due} is after 2100")
        paid, by_balance = (
            self._paid_of(row, amount, still_open, paid_on),
            "1" if still_open is not None else "",
        )
        if "paid_amount" in at:
            flag = plain(self._cell(row, "paid_amount"))
            if flag in _PAID_FLAGS:
                part = None if paid_on else amount
            else:
                part = 0 if flag in _UNPAID_FLAGS else self._minor(row, "paid_amount", currency)
            if part is not None and part < 0:
                raise _Bad(
                    "a negative payment",
                    "paid_amount",
                    "is negative; reversals are not imported from ledgers",
                )
            if part is not None:
                paid, by_balance = str(part), ""
        if paid_on and paid_on < day and plus_days(paid_on, EARLIEST) < day:
            raise _Bad(
                "settled long before the invoice",
                "paid_date",
                f"settled {paid_on}, over {EARLIEST} days before the invoice's date {day}",
            )
        disputed = ""
        if "disputed" in at:
            flag = plain(self._cell(row, "disputed"))
            if flag in _YES:
                disputed = "1"
            elif flag not in _NO:
                raise _Bad(
                    "unclear dispute",
                    "disputed",
                    f"{self._cell(row, 'disputed').strip()!r} is neither yes nor no",
                )
        return Row(
            account,
            number,
            INVOICE,
            place,
            number,
            str(amount),
            currency,
            day,
            due,
            paid_on,
            paid,
            disputed,
            self._text(row, "terms") if terms else "",
            "" if net_days is None else str(net_days),
            name,
            limit,
            self._id(row, "payment", False) if "payment" in at else "",
            self._text(row, "reference") if "reference" in at else "",
            by_balance,
        )

    def payment(self, row: list[str], place: str) -> Row:
        """A row of a file of payments. Without an invoice it is cash on account."""
        at = self.told.columns.at
        account = self._id(row, "customer", True) if "customer" in at else ""
        invoice = (self._id(row, "invoice", not account) if "invoice" in at else "") or ON_ACCOUNT
        day = self._day(row, "paid_date", True)
        if "side" in at and self._side(row) in DEBIT_SIDE:
            raise _Bad(
                "a refund",
                "side",
                "is a debit, so it gives money back; refunds are not imported from ledgers",
            )
        # The currency of a payment that names none is its invoice's: booking.py knows it.
        said = self._cell(row, "currency").strip().lower() not in EMPTY
        named = said or self.told.columns.currency or self.told.signs or self.choices.currency is not None
        currency = self._currency(row, "paid_amount") if named else ""
        amount = self._paid(row, "paid_amount", currency)
        total = self._paid(row, "payment_total", currency) if "payment_total" in at else ""
        if not amount and invoice == ON_ACCOUNT:
            amount = total  # nothing of it is applied
        if not amount:
            raise _Bad("amount is empty", "paid_amount", "is empty or zero")
        return Row(account, invoice, PAYMENT, place, "", amount, currency, day, "", "", total, "", "", "",
                   self._text(row, "name") if "name" in at else "",
                   "",
                   self._id(row, "payment", False) if "payment" in at else "",
                   self._text(row, "reference") if "reference" in at else "")  # fmt: skip

    def _meant(self, row: list[str]) -> str:
        """The kind of record that a row's type names; '' where it is any other: then the amount's sign tells."""
        text = self._cell(row, "type").strip()
        known = self.types.get(text)
        if known is None:
            known = meant(text)
            if len(self.types) < 1000:
                self.types[text] = known
        if known == REFUND:
            raise _Bad(
                "a refund", "type", f"{text!r} gives money back; refunds are not imported from ledgers"
            )
        return known

    def _told_type(self, row: list[str]) -> None:
        text = self._cell(row, "type").strip()
        read = self.report.types.setdefault(str(self.told.shape.path), {})
        if text not in read and len(read) < 100:
            read[text] = self.types.get(text, "")

    def _side(self, row: list[str]) -> str:
        """What the column of debit and credit says; '' where it is blank."""
        side = plain(self._cell(row, "side"))
        if side and side not in DEBIT_SIDE and side not in CREDIT_SIDE:
            raise _Bad(
                "unclear side", "side", f"{self._cell(row, 'side').strip()!r} is neither debit nor credit"
            )
        return side

    def _money(self, row: list[str]) -> str:
        """The cells of a row's amount as they stand, with their columns' names."""
        fields = [f for f in ("amount", "debit", "credit", "side") if self._cell(row, f).strip()]
        return ", ".join(f"{self.told.columns.named(f)} {self._cell(row, f).strip()!r}" for f in fields)

    def _sides(self, row: list[str], currency: str) -> int | None:
        """Debit less credit; None where both are empty."""
        debit, credit = self._minor(row, "debit", currency), self._minor(row, "credit", currency)
        if debit is None and credit is None:
            return None
        return (debit or 0) - abs(credit or 0)

    def _paid_of(self, row: list[str], amount: int, still_open: int | None, paid_on: str) -> str:
        """What of an invoice is paid by its balance or its status, in minor units; '' where neither says."""
        if still_open is not None and 0 <= still_open <= amount:
            if paid_on and still_open == amount:
                raise _Bad(
                    "settled and open", "balance", f"all of it is open, though it was settled {paid_on}"
                )
            return "" if paid_on and not still_open else str(amount - still_open)
        if not paid_on and "status" in self.told.columns.at and plain(self._cell(row, "status")) in _PAID:
            return str(amount)
        return ""

    def _note(self, text: str, place: str) -> None:
        self.report.note(text, f"{self.told.shape.path}:{int(place[3:])}")

    def _paid(self, row: list[str], field: str, currency: str) -> str:
        # Without a currency of its own the amount stays in ten-thousandths (the most decimals there are)
        # until it has one.
        amount = self._minor(row, field, currency or _WIDEST)
        if amount and (amount < 0) != self.told.flipped:
            raise _Bad("a negative payment", field, "is negative; reversals are not imported from ledgers")
        return str(abs(amount)) if amount else ""

    def _limit(self, row: list[str], currency: str) -> str:
        limit = self._minor(row, "limit", currency)
        if limit is not None and limit < 0:
            raise _Bad("no amount", "limit", "is negative")
        return "" if limit is None else str(limit)


def _currencies(text: str) -> tuple[str, ...]:
    """What a currency's sign or English name can mean."""
    if named := _CURRENCY_NAMES.get(plain(text)):
        return (named,)
    try:
        return () if text.isalnum() else bare(f"{text}1").currencies
    except ValueError:
        return ()


_WIDEST: Final = "CLF"  # four decimals


def in_minor(widest: str, currency: str) -> int | None:
    """An amount kept in ten-thousandths, in minor units of `currency`; None where that has fewer decimals
    than the amount."""
    amount, rest = divmod(int(widest), 10 ** (EXPONENTS[_WIDEST] - EXPONENTS[currency]))
    return None if rest else amount


def _is_total(row: Sequence[str], told: Told) -> bool:
    """A line of totals: it says so in one of its first cells, and has no document number or no date."""
    at = told.columns.at
    if not any(_TOTAL.match(cell) for cell in [cell for cell in row if cell.strip()][:3]):
        return False
    needed = [at[f] for f in ("invoice", "invoice_date", "paid_date") if f in at]
    empty = [i for i in needed if not row[i].strip() or _TOTAL.match(row[i])]
    return len(empty) >= min(2, len(needed))


def _count(report: Report, record: Row) -> None:
    """What an account paid or was credited. A payment whose currency is not known yet counts for more than it is."""
    of = report.paid_by if record.kind == PAYMENT else report.credited_by
    of[record.account] += max(int(record.amount), int(record.paid or 0))


def _find_customers(files: Sequence[Told], by_invoice: Sorter, sorter: Sorter, report: Report) -> None:
    """Gives payments without a customer the customer of their invoice, where there is exactly one."""
    current, owners = "", set[str]()
    for line in by_invoice:
        parts = line.split(CUT)
        if parts[0] != current:
            current, owners = parts[0], set()
        if parts[1] == "0":
            owners.add(parts[2])
            continue
        record = Row._make(parts[2:])
        if len(owners) == 1:
            record = record._replace(account=next(iter(owners)))
            _count(report, record)
            sorter.add(CUT.join(record))
            continue
        told = files[int(record.place[:3])]
        reason = (
            f"invoice {current!r} belongs to {len(owners)} customers, and the payment names none"
            if owners
            else f"invoice {current!r} is in none of the files, so whose payment it is can not be told"
        )
        kind = "a payment of no known customer"
        where = BadRow(str(told.shape.path), int(record.place[3:]), told.columns.named("invoice"), reason)
        report.refuse(kind, where)

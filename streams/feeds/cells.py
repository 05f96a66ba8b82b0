"""One cell of a ledger's row: an id, a text, a day, an amount, a currency or terms, or why it is none.

What the cells of a row make together is ledger.py; how amounts and dates are written, amounts.py and dates.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from schemas.money import EXPONENTS
from streams.feeds import terms as terms_of_payment
from streams.feeds.amounts import EMPTY, NULL, bare, is_dash
from streams.feeds.columns import plain
from streams.feeds.dates import plus_days
from streams.feeds.report import Report
from streams.feeds.telling import Choices, Told

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
    "人民币": "CNY",
    "元": "CNY",
    "円": "JPY",
    "日本円": "JPY",
    "руб": "RUB",
    "рубль": "RUB",
    "tl": "TRY",
    "kc": "CZK",
}
# Words beside a currency in a line that says which one the rows are in.
_ABOUT: Final = frozenset(
    word
    for words in (
        "currency currencies wahrung waehrung devise moneda valuta moeda waluta in of for the all amounts values figures",
        "invoices items customers open betrage alle",
        "total totals subtotal sum grand balance summe gesamt zwischensumme totale totaal",
    )
    for word in words.split()
)
_WORDS: Final = re.compile(r"\w+")
_FLOATED: Final = re.compile(r"(\d+)\.0+", re.ASCII)
_ROUNDED: Final = re.compile(r"\d[.,]\d+[eE]\+?\d+|\d+[eE]\+\d+", re.ASCII)
# What spreadsheets show of a formula that failed, in any language, and of a number wider than its column.
_FAILED: Final = re.compile(r"#[^\W\d_][\w/]*[!?]|#N/?[ADV]|#{2,}|#DIV/0!")
FUTURE: Final = "dated in the future"


class Bad(Exception):
    """Why a row is not taken: (kind of reason, field, reason)."""


class Cells:
    """The cells of one file's rows by the name of their field; a field that the file has not is empty.

    One cell each: raises Bad, or gives the text that goes into the record.
    """

    def __init__(self, told: Told, choices: Choices, report: Report) -> None:
        self.told = told
        self.choices = choices
        self.report = report
        self.latest = plus_days(choices.today, 2)
        self.ids: dict[str, str] = {}
        self.currencies: dict[str, str] = {}
        self.terms: dict[str, int | None] = {}
        # Whether the last amount has no currency beside it, and others of the file have one that is not the policy's
        self.unlike = False

    def cell(self, row: list[str], field: str) -> str:
        """As it stands."""
        index = self.told.columns.at.get(field)
        return "" if index is None else row[index]

    def id(self, row: list[str], field: str, *, needed: bool) -> str:
        """A number or name without the marks that spreadsheets leave; '' where it is blank and not needed."""
        text = self.cell(row, field)
        known = self.ids.get(text)
        if known is not None:
            return known
        if text.isalnum() and text.isascii() and len(text) <= 150 and text.lower() not in NULL:
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
        if clean.lower() in NULL:
            if needed:
                raise Bad(f"{field} is empty", field, "is empty")
            return ""
        if _FAILED.fullmatch(clean):
            raise Bad(
                f"{field} is an error of a spreadsheet", field, f"{text!r} is an error of a spreadsheet"
            )
        if floated := _FLOATED.fullmatch(clean):
            clean = floated[1]
        elif _ROUNDED.fullmatch(clean):
            raise Bad(
                f"{field} was rounded",
                field,
                f"{text!r} was rounded by a spreadsheet; export the column as text",
            )
        if len(clean) > 150 or not clean.isprintable():
            raise Bad(
                f"{field} is too long or no text",
                field,
                f"{text[:60]!r} is longer than 150 characters or has control characters",
            )
        if field == "customer":
            clean = " ".join(clean.split())
            if len(self.ids) < 200_000:
                self.ids[text] = clean
        return clean

    def text(self, row: list[str], field: str, longest: int = 500) -> str:
        """On one line, cut at `longest`; '' where it is blank."""
        text = self.cell(row, field).strip()
        if not text.isprintable():
            text = "".join(c if c.isprintable() else " " for c in text)
            text = " ".join(text.split())
        return "" if text.lower() in NULL else text[:longest]

    def day(self, row: list[str], field: str, *, needed: bool) -> str:
        """An ISO date; '' where it is blank and not needed."""
        text = self.cell(row, field)
        try:
            day = self.told.dates.iso(text)
        except ValueError as error:
            kind = "a date against the file's order" if "contradicts" in str(error) else "no date"
            raise Bad(kind, field, str(error)) from None
        if not day and needed:
            said = f"{text.strip()!r} stands for no date" if text.strip() else "is empty"
            raise Bad(f"{field} is empty".replace("_", " "), field, said)
        if day > self.latest and field != "due_date":
            raise Bad(FUTURE, field, f"{day} is in the future (today is {self.choices.today})")
        return day

    def minor(self, row: list[str], field: str, currency: str) -> int | None:
        """An amount in minor units; None where it is blank."""
        return self._minor(self.cell(row, field), field, currency)

    def whole(self, row: list[str], currency: str) -> int | None:
        """What was invoiced, with what other columns add to it, in minor units; None where the amount is blank."""
        amount = self.minor(row, "amount", currency)
        if amount is None or not self.told.columns.added:
            return amount
        return amount + sum(self._minor(row[i], "amount", currency) or 0 for i in self.told.columns.added)

    def _minor(self, text: str, field: str, currency: str) -> int | None:
        try:
            return self.told.amounts.minor(text, currency)
        except ValueError as error:
            if is_dash(text) and field != "limit":
                return 0
            if text.strip().lower() in EMPTY:
                return None
            raise Bad("no amount", field, str(error)) from None

    def currency(self, row: list[str], money_field: str) -> str:
        """The code that the row names, that its amount's sign means, or that was said for all rows."""
        self.unlike = False
        text = self.cell(row, "currency")
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
                    raise Bad("unknown currency", "currency", f"{text.strip()!r} {said}")
            of_header = self.told.columns.currency
            if of_header not in (None, code):
                amount = self.told.columns.named(money_field)
                raise Bad(
                    "two currencies", "currency", f"the row says {code}, and {amount} is in {of_header}"
                )
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
            meant = bare(self.cell(row, money_field)).currencies
        except ValueError:
            return base
        self.unlike = not meant and any(base not in signs for signs in self.told.signs)
        if not meant or base in meant:
            if len(meant) != 1:
                self.report.assumed = base
            return base
        if code := self._of_signs(meant):
            return code
        raise Bad(
            "unclear currency",
            money_field,
            f"{self.cell(row, money_field)!r} may be in {', '.join(meant)}; say which with --currency",
        )

    def _of_signs(self, meant: tuple[str, ...]) -> str:
        """The one currency of those that a sign can mean; '' where it is not clear."""
        for likely in (self.choices.currency, self.choices.base_currency):
            if likely in meant:
                return likely
        # The other pounds are pegged to sterling or write their own sign.
        return meant[0] if len(meant) == 1 or meant[:1] == ("GBP",) else ""

    def net_days(self, row: list[str]) -> tuple[str, int | None]:
        """The terms as they stand, and the days that they give; None where they name none."""
        at, text = self.told.columns.at, self.cell(row, "terms")
        # SAP: the last of three numbers of days that is not zero is that of the whole amount.
        for field in ("days_3", "days_2", "days_1") if "days_1" in at else ():
            if days := terms_of_payment.days(self.cell(row, field)):
                return text, days
        if self.cell(row, "days_1").strip():
            return text, 0
        if text not in self.terms and len(self.terms) < 10_000:
            self.terms[text] = terms_of_payment.days(text)
        return text, self.terms.get(text)


def currency_of_line(cells: Iterable[str]) -> str:
    """The currency that a line between rows names, and nothing else: `EUR`, `Currency: EUR`, `Total Euro`; '' of any other."""
    words = [word for cell in cells for word in _WORDS.findall(cell)]
    codes = {word for word in words if word in EXPONENTS and word != "ALL"}
    rest = plain("".join(word for word in words if word not in codes and plain(word) not in _ABOUT))
    if rest:
        codes.add(_CURRENCY_NAMES.get(rest, ""))
    return codes.pop() if len(codes) == 1 else ""


def _currencies(text: str) -> tuple[str, ...]:
    """What a currency's sign or English name can mean."""
    if named := _CURRENCY_NAMES.get(plain(text)):
        return (named,)
    try:
        return () if text.isalnum() else bare(f"{text}1").currencies
    except ValueError:
        return ()

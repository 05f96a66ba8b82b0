"""Amounts of ledgers: which decimal sign a file uses, told from all its amounts, and the reading of one, exactly.

Minor units and their decimals come from schemas.money; no float is used and nothing is rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from schemas.money import EXPONENTS, MAX_DIGITS

Sign = Literal[".", ","]

NULL: Final = frozenset({"", "nan", "null", "none", "#n/a", "<na>", "\\n", "(null)"})
"""What systems write where there is nothing, in lower case; any of it is no id either."""

EMPTY: Final = NULL | {"-", "--", "n/a", "na"}

_DOLLARS = "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD XCD ARS CLP COP MXN UYU"
_SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "$": tuple(_DOLLARS.split()),
    "US$": ("USD",),
    "A$": ("AUD",),
    "AU$": ("AUD",),
    "C$": ("CAD",),
    "CA$": ("CAD",),
    "NZ$": ("NZD",),
    "HK$": ("HKD",),
    "S$": ("SGD",),
    "MX$": ("MXN",),
    "R$": ("BRL",),
    "€": ("EUR",),
    "£": ("GBP", "GIP", "FKP", "SHP"),
    "¥": ("JPY", "CNY"),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₽": ("RUB",),
    "₺": ("TRY",),
    "₴": ("UAH",),
    "₪": ("ILS",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₱": ("PHP",),
    "zł": ("PLN",),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "Kč": ("CZK",),
    "Ft": ("HUF",),
    "R": ("ZAR",),
    "Rs": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "Rs.": ("INR", "PKR", "LKR", "NPR", "MUR", "SCR"),
    "Fr.": ("CHF",),
    "SFr.": ("CHF",),
    "RM": ("MYR",),
    "Rp": ("IDR",),
    "Euro": ("EUR",),
    "руб": ("RUB",),
    "руб.": ("RUB",),
    "TL": ("TRY",),
    "円": ("JPY",),
    "元": ("CNY",),
}

# Every blank that exports put between thousands, and every apostrophe; all become one of each.
_BLANKS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\t": " "})
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "`": "'", "\u00b4": "'"})
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2011": "-"})
_FORM = re.compile(
    r"(?P<a>[-+(]?)\s*(?P<before>[^\d\s.,()+'-][^\d\s,()+'-]*)?\s*(?P<b>[-+(]?)\s*"
    r"(?P<digits>\d[\d., ']*|[.,]\d+)\s*"
    r"(?P<c>[-)]?)\s*(?P<after>[^\d\s.,()+'-][^\d\s,()+'-]*)?\s*(?P<d>[-)]?)",
    re.ASCII,
)
# 100,- and 100.-- are whole amounts, and no negative ones
_NO_CENTS = re.compile(r"(?<=\d)([.,])\s*[-\u2014]{1,2}(?!\s*[\d.,])")
_SCIENTIFIC = re.compile(r"[-+]?\d+([.,]\d+)?[eE][-+]?\d+")
_GROUPED = {
    mark: re.compile(
        rf"\d{{1,3}}(?:{re.escape(mark)}\d{{3}})+|\d{{1,2}}(?:{re.escape(mark)}\d{{2}})+{re.escape(mark)}\d{{3}}"
    )
    for mark in ".,' "
}


class Bare(NamedTuple):
    """An amount without what stands around its digits. `currencies`: what its sign or code can mean, ()
    where there is none."""

    negative: bool
    digits: str  # with the separators as they came
    currencies: tuple[str, ...]


def bare(text: str) -> Bare:
    """Splits a cell. Raises ValueError with the reason: no amount, an unknown sign, a rounded number of a
    spreadsheet."""
    plain = text.translate(_BLANKS).translate(_APOSTROPHES).translate(_MINUS).strip().removesuffix("/-")
    if _SCIENTIFIC.fullmatch(plain):
        raise ValueError(f"{text!r} was rounded by a spreadsheet; export the amounts as plain numbers")
    plain = _NO_CENTS.sub(r"\g<1>0", plain)
    side = plain[-2:].upper()
    credit = side == "CR" and not plain[:-2].strip().isalpha()
    if credit or side == "DR":
        plain = plain[:-2].strip()
    match = _FORM.fullmatch(plain)
    if match is None:
        raise ValueError(f"{text!r} is no amount")
    marks = match["a"] + match["b"] + match["c"] + match["d"]
    if marks not in ("", "+", "-", "()"):
        raise ValueError(f"{text!r} is no amount")
    currencies: tuple[str, ...] = ()
    for around in (match["before"], match["after"]):
        if around is None:
            continue
        meant = (around.upper(),) if around.upper() in EXPONENTS else _SIGNS.get(around, ())
        meant = meant or _by_parts(around)
        if not meant:
            raise ValueError(f"{text!r} is no amount: what is {around!r}?")
        currencies = tuple(c for c in meant if c in currencies) if currencies else meant
        if not currencies:
            raise ValueError(f"{text!r} names two currencies")
    return Bare((marks in ("-", "()")) != credit, match["digits"].strip(), currencies)


def is_dash(text: str) -> bool:
    """Whether a cell is the dash that spreadsheets show for zero, a currency's sign beside it or not."""
    plain = text.translate(_BLANKS).translate(_MINUS).replace("\u2014", "-")
    around = plain.replace("-", "").strip()
    return "-" in plain and (not around or around in _SIGNS or around in EXPONENTS)


def _by_parts(around: str) -> tuple[str, ...]:
    """'USD$' and '$USD': a sign and a code together."""
    for sign in ("$", "€", "£", "¥"):
        rest = around.replace(sign, "").upper()
        if sign in around and rest in EXPONENTS and rest in _SIGNS[sign]:
            return (rest,)
    return ()


class DecimalEvidence:
    """What the amounts of one file say about their decimal sign. Fed with the texts of all its amount columns."""

    def __init__(self) -> None:
        self.votes: dict[Sign, int] = {".": 0, ",": 0}
        self.example: dict[Sign, str] = {}
        self.unclear: dict[str, str] = {}  # the separator of '1.234' -> such a text
        self.short_whole = False  # a whole number under 1000 without decimals: they are not always printed
        self.signs: set[tuple[str, ...]] = set()  # what the currencies beside some amounts can be
        self.positive = self.negative = 0
        self._enough = 5_000

    def add(self, texts: Iterable[str]) -> None:
        """More texts. What is no amount says nothing."""
        for text in texts:
            if text.isdecimal():
                self.short_whole |= len(text) <= 3
                self.positive += text.strip("0") != ""
                continue
            if self.votes["."] >= self._enough and text[-3:-2] == "." and text[:-3].isdecimal():
                self.positive += 1
                continue  # the plain 1234.56 of a file that has said so thousands of times
            try:
                negative, digits, currencies = bare(text)
            except ValueError:
                continue
            if digits.strip("0., '"):
                self.negative += negative
                self.positive += not negative
            if currencies:
                self.signs.add(currencies)
            self._weigh(text, digits)

    def _weigh(self, text: str, digits: str) -> None:
        points, commas = digits.count("."), digits.count(",")
        sign: Sign
        if points and commas:
            sign = "." if digits.rfind(".") > digits.rfind(",") else ","
        elif points > 1 or commas > 1:
            sign = "," if points else "."
        elif points or commas:
            mark: Sign = "." if points else ","
            whole, _, part = digits.partition(mark)
            if len(part) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0"):
                self.unclear.setdefault(mark, text)
                return
            sign = mark
        else:
            self.short_whole |= len(digits) <= 3
            return
        self.votes[sign] += 1
        self.example.setdefault(sign, text)

    def told(self, whole: bool = False) -> tuple[Sign | None, str]:
        """(the decimal sign, why), or (None, why not). Amounts that contradict it are bad rows, within the
        bounds of dates. `whole`: their currency has no decimals."""
        point, comma = self.votes["."], self.votes[","]
        if point or comma:
            sign: Sign = "." if point >= comma else ","
            most, fewest = max(point, comma), min(point, comma)
            if fewest and not ((fewest == 1 and most >= 3) or fewest * 10 <= most):
                return (
                    None,
                    f"{self.example['.']!r} has a decimal point and {self.example[',']!r} a decimal comma",
                )
            return sign, f"as in {self.example[sign]!r}"
        if not self.unclear:
            return ".", "no amount has decimals"
        if len(self.unclear) == 2:
            return None, f"{self.unclear['.']!r} and {self.unclear[',']!r} are both unclear"
        mark, text = next(iter(self.unclear.items()))
        # Whole amounts are written without decimals, so these three digits are thousands
        if self.short_whole or whole:
            return (
                (",", f"{text!r} can only be thousands")
                if mark == "."
                else (".", f"{text!r} can only be thousands")
            )
        return None, f"{text!r} may be thousands or three decimals, and no amount says which"


class AmountReader:
    """Reads the amounts of one file by its decimal sign."""

    def __init__(self, decimal: Sign) -> None:
        self.decimal = decimal
        self._thousands = "," if decimal == "." else "."

    def minor(self, text: str, currency: str) -> int:
        """The amount in minor units of `currency`, negative for credits. Raises ValueError with the reason.

        Zeros behind the currency's decimals are dropped; other digits there are refused, as is a sign of
        another currency.
        """
        whole, _, part = text.partition(self.decimal)
        places = EXPONENTS[currency]
        if whole.isdecimal() and len(part) <= places and (not part or part.isdecimal()):
            digits = whole + part.ljust(places, "0")
            if len(digits) <= MAX_DIGITS and digits.isascii():
                return int(digits)
        return self._minor(text, currency, places)

    def number(self, text: str) -> int | None:
        """The amount in ten-thousandths, whatever its currency; None where the text is none."""
        try:
            negative, digits, _ = bare(text)
            number = self.minor(digits, "CLF")
        except ValueError:
            return 0 if is_dash(text) else None
        return -number if negative else number

    def _minor(self, text: str, currency: str, places: int) -> int:
        negative, digits, currencies = bare(text)
        if currencies and currency not in currencies:
            raise ValueError(f"{text!r} is not in {currency}")
        whole, mark, part = digits.rpartition(self.decimal)
        if not mark:
            whole, part = digits, ""
        if not (part == "" or part.isdecimal()):
            raise ValueError(f"{text!r} is no amount with the decimal sign {self.decimal!r}")
        whole = self._ungrouped(whole, text) if whole else "0"
        if len(part) > places:
            if part[places:].strip("0"):
                raise ValueError(f"{text!r} has more decimals than {currency} ({places})")
            part = part[:places]
        number = whole + part.ljust(places, "0")
        if len(number.lstrip("0")) > MAX_DIGITS:
            raise ValueError(f"{text!r} has more than {MAX_DIGITS} digits")
        return -int(number) if negative else int(number)

    def _ungrouped(self, whole: str, text: str) -> str:
        if whole.isdecimal():
            return whole
        for mark in (self._thousands, "'", " "):
            if _GROUPED[mark].fullmatch(whole):
                return whole.replace(mark, "")
        raise ValueError(f"{text!r} is no amount with the decimal sign {self.decimal!r}")

"""Dates of ledgers: which order of day and month a file follows, told from all its dates, and the reading of one.

Nothing is guessed: where the dates fit more than one order, `told` says that it can not be told.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from streams.feeds import amounts

Order = Literal["mdy", "dmy", "ymd"]
ORDERS: Final[tuple[Order, ...]] = ("mdy", "dmy", "ymd")

PIVOT: Final = 70
"""Two-digit years: 70-99 are 1970-1999, 00-69 are 2000-2069 (dates run from 1970 to 2100)."""

EMPTY: Final = amounts.EMPTY | {
    "nat",
    "0",
    "0.0",
    "open",
    "unpaid",
    "not paid",
    "pending",
    "outstanding",
    "no",
    "not yet",
    "nein",
}

_MONTHS_OF_A_YEAR: Final = 12
_FEW, _ENOUGH = 3, 8  # dates by which a pattern is no chance

_FIRST, _LAST = dt.date(1970, 1, 1), dt.date(2100, 12, 31)
_EXCEL_ZERO = dt.date(1899, 12, 30).toordinal()  # serial 1 is 1900-01-01; right for serials from 61 on

# What systems write for no date: the first days of their calendars (SQL Server, spreadsheets, .NET) and Oracle's last.
_NO_DATE = re.compile(
    r"(?:0001|1753|1900)[./-]0?1[./-]0?1|(?:0?1|00?)[./-](?:0?1|00?|jan)[./-](?:0001|1753|1900)"
    r"|1899-12-3[01]|4712-12-31|31[./-](?:12|dec)[./-]4712|12/31/4712",
    re.ASCII | re.IGNORECASE,
)
_NUMERIC = re.compile(r"(\d{1,4})\s*([./\-])\s*(\d{1,2})\s*\2\s*(\d{4}|\d{1,2})\.?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\.0+)?", re.ASCII)
_SERIAL = re.compile(r"([4-5]\d{4}|60000)(?:\.\d+)?", re.ASCII)
_DAY_NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?[\s\-/,]*([^\W\d_]{3,})\.?[\s\-/,]*(\d{4}|\d{2})")
_NAMED_DAY = re.compile(r"([^\W\d_]{3,})\.?[\s\-/]*(\d{1,2})(?:st|nd|rd|th)?[\s,\-/]+(\d{4}|\d{2})")
_YEAR_NAMED = re.compile(r"(\d{4})[\s\-/]([^\W\d_]{3,})\.?[\s\-/](\d{1,2})")
_TIME = re.compile(
    r"(?:[T ]|\s)\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+", re.IGNORECASE)

# English in full and by any beginning of three letters; the German, French, Spanish, Italian and Dutch
# short forms that differ.
_MONTHS: Final[dict[str, int]] = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janv janvier enero ene gennaio gen januari",
            "feb february februar febr fevrier fevr fev febrero febbraio februari",
            "mar march marz maerz mars marzo mrz mrt maart",
            "apr april avril avr abril abr aprile",
            "may mai mayo maggio mag mei",
            "jun june juni juin junio giugno giu",
            "jul july juli juillet juil julio luglio lug",
            "aug august aout agosto ago augustus",
            "sep sept september septembre septiembre settembre set",
            "oct october okt oktober octobre octubre ottobre ott",
            "nov november novembre noviembre",
            "dec december dez dezember decembre diciembre dic dicembre",
        ),
        1,
    )
    for name in names.split()
}

HOW: Final[dict[Order, str]] = {"mdy": "month first", "dmy": "day first", "ymd": "year first"}


class Evidence:
    """What the dates of one file say about their order. Fed with every distinct text of its date columns."""

    def __init__(self) -> None:
        self.dates = 0  # texts that are dates in some order
        self.telling = 0  # of them, those that are impossible in some order of those in question
        self.impossible: dict[Order, int] = dict.fromkeys(ORDERS, 0)
        self.example: dict[Order, str] = {}  # the first text that this order can not be
        self.only: dict[Order, str] = {}  # the first text that can be nothing but this order
        self.open_example = ""  # a text that says nothing
        self.two_digits = False
        self.serials = False
        # (whether its order matters, whether its day is no month's number) of the dates in figures
        self._days: Counter[tuple[bool, bool]] = Counter()
        self._fixed = ""  # one of which it does not matter
        self._order_matters = False
        self._firsts: set[str] = set()  # of dates with two-digit years: what stands first and last
        self._lasts: set[str] = set()
        self._seen: set[str] = set()

    def add(self, texts: Iterable[str]) -> None:
        """More texts; a text that was seen is passed over (up to 200,000 are remembered)."""
        seen = self._seen
        for text in texts:
            if text in seen:
                continue
            if len(seen) < 200_000:
                seen.add(text)
            self._weigh(text)

    def _weigh(self, text: str) -> None:
        possible, two_digits = _possible(text)
        if possible is None:
            return
        self.dates += 1
        bare = _bare(text)
        if possible and not two_digits:
            self._days[True, len(possible) == 1] += 1
        elif not possible and not any(map(str.isalpha, bare)) and (day := _date(bare, None)):
            self._days[False, day.day > _MONTHS_OF_A_YEAR] += 1
            self._fixed = self._fixed or text
        if not possible:  # the same in every order
            self.serials |= bool(_SERIAL.fullmatch(text.strip()))
            self.two_digits |= two_digits
            return
        self._order_matters = True
        self.two_digits |= two_digits
        if two_digits:
            parts = re.findall(r"\d+", text)
            self._firsts.add(parts[0])
            self._lasts.add(parts[2])
        if len(possible) == 1:
            self.only.setdefault(possible[0], text)
        elif not self.open_example:
            self.open_example = text
        questioned: tuple[Order, ...] = ORDERS if two_digits else ("mdy", "dmy")
        if len(possible) < len(questioned):
            self.telling += 1
        for order in ORDERS:
            if order not in possible:
                self.impossible[order] += 1
                self.example.setdefault(order, text)

    def told(self) -> Told:
        """The order, or None and the sentence that says why it can not be told.

        A date that contradicts the order told is a bad row, as long as such dates are one against three or more, or
        fewer than one in ten; otherwise the file says two things and nothing is told.
        """
        if not self._order_matters:
            why = (
                "the year comes first, months are named or dates are serial numbers"
                if self.dates
                else "no dates"
            )
            return Told("ymd", why)
        if self._turned():
            other = next(iter(self.only.values()))
            return Told(
                None,
                f"{self._fixed!r} and {other!r} look as if a spreadsheet had turned day and month wherever it could: no date "
                "of the one kind is after the 12th, none of the other before; export the file again, with dates as text",
            )
        fewest = min(self.impossible.values())
        fitting = [order for order in ORDERS if self.impossible[order] == fewest]
        best = self._without_odd_years(fitting)
        if len(best) > 1 and fewest:
            one, other = best[0], best[1]
            return Told(
                None,
                f"{self.example[other]!r} can only be {HOW[one]} and {self.example[one]!r} only {HOW[other]}",
            )
        if len(best) > 1:
            forms = " or ".join(HOW[order] for order in best)
            return Told(
                None, f"{self.open_example or self.example[best[0]]!r} may be {forms}, and no date says which"
            )
        order = best[0]
        agreeing = self.telling - fewest
        if fewest and not ((fewest == 1 and agreeing >= 3) or fewest * 10 <= agreeing):
            other = next(o for o in ORDERS if o != order and o in self.example)
            return Told(None, f"{self.example[other]!r} is {HOW[order]} and {self.example[order]!r} is not")
        if order in self.only:
            why = f"{self.only[order]!r} can be read in no other way"
        else:
            why = "by what repeats" if len(fitting) > 1 else "no other order fits them all"
        if fewest:
            contradict = "1 date contradicts it:" if fewest == 1 else f"{fewest} dates contradict it, such as"
            why += f"; {contradict} {self.example[order]!r}"
        return Told(order, why)

    def _turned(self) -> bool:
        """Whether dates that a spreadsheet could read in its own order were turned into its own, and the others left."""
        days = self._days
        mixed = min(days[True, True], days[False, False]) >= _FEW and days.total() >= _ENOUGH
        return mixed and not (days[True, False] or days[False, True])

    def _without_odd_years(self, orders: list[Order]) -> list[Order]:
        """Of two-digit dates: 25/01/24 may begin with its year; what hardly ever changes is the year, the
        other the day."""
        firsts, lasts = len(self._firsts), len(self._lasts)
        if "ymd" in orders and len(orders) > 1:
            if firsts >= 8 and lasts * 3 <= firsts:
                return [order for order in orders if order != "ymd"]
            if lasts >= 8 and firsts * 3 <= lasts:
                return ["ymd"]
        return orders


class Told(NamedTuple):
    """An order and why; None where it can not be told."""

    order: Order | None
    why: str


def is_empty(text: str) -> bool:
    """Whether a date cell says that there is none: blank, a word for it, zeros, 31.12.9999, or a day like 1900-01-01
    that systems write for none."""
    bare = (_TIME.sub("", text.strip()) if ":" in text else text).strip().lower()
    if bare in EMPTY or bare.startswith("9999") or bare.endswith("9999") or not bare.strip("0./- :t"):
        return True
    return _NO_DATE.fullmatch(bare) is not None


def is_day(text: str) -> bool:
    """Whether a text is a date in some order, and no number."""
    return _possible(text)[0] is not None and not text.strip().replace(".", "", 1).isdecimal()


def _possible(text: str) -> tuple[tuple[Order, ...] | None, bool]:
    """(the orders that make a date of it, whether its year has two digits); () where the order does not
    matter, None: no date."""
    bare = _bare(text)
    match = _NUMERIC.fullmatch(bare)
    if match is None:
        if is_empty(bare) or _date(bare, None) is None:
            return None, False
        named = _DAY_NAMED.fullmatch(bare) or _NAMED_DAY.fullmatch(bare)
        return (), named is not None and len(named[3]) == 2
    a, b, c = match[1], match[3], match[4]
    if len(a) == 4:
        return ((), False) if _date(bare, None) else (None, False)
    if len(a) == 3:
        return None, False
    possible = tuple(order for order in ORDERS if _arrange(a, b, c, order))
    return (possible or None), len(c) <= 2


def _bare(text: str) -> str:
    """Without blanks around, a time of day behind, a weekday before."""
    bare = text.strip().strip("\u00a0\u202f'")
    if "年" in bare:
        bare = bare.replace("年", "-").replace("月", "-").replace("日", "")
    if ":" in bare:
        bare = _TIME.sub("", bare).strip()
    if bare[:1].isalpha():
        bare = _WEEKDAY.sub("", bare, count=1) if _WEEKDAY.match(bare) else bare
    return bare


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    return year + (1900 if year >= PIVOT else 2000)


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        date = dt.date(year, month, day)
    except ValueError:
        return None
    return date if _FIRST <= date <= _LAST else None


def _arrange(a: str, b: str, c: str, order: Order) -> dt.date | None:
    if order == "ymd":
        return _day(_year(a), int(b), int(c)) if len(c) <= 2 and len(a) == 2 else None
    if len(c) == 1:
        return None  # a year of one digit
    return _day(_year(c), int(a), int(b)) if order == "mdy" else _day(_year(c), int(b), int(a))


def _date(bare: str, order: Order | None) -> dt.date | None:
    """The date of a text without time; `order` None reads only what needs no order."""
    if match := _NUMERIC.fullmatch(bare):
        a, b, c = match[1], match[3], match[4]
        if len(a) == 4:
            return _day(int(a), int(b), int(c)) if len(c) <= 2 else None
        return _arrange(a, b, c, order) if order and len(a) <= 2 else None
    if match := _COMPACT.fullmatch(bare):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _SERIAL.fullmatch(bare):
        return dt.date.fromordinal(_EXCEL_ZERO + int(match[1]))
    if match := _DAY_NAMED.fullmatch(bare):
        day, name, year = match[1], match[2], match[3]
    elif match := _NAMED_DAY.fullmatch(bare):
        day, name, year = match[2], match[1], match[3]
    elif match := _YEAR_NAMED.fullmatch(bare):
        day, name, year = match[3], match[2], match[1]
    else:
        return None
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    month = _MONTHS.get(plain)
    return _day(_year(year), month, int(day)) if month else None


class DateReader:
    """Reads the dates of one file in its order, or by one explicit strptime `form`. Texts seen are remembered.

    `why`: who said the order, where the dates did not, for those that contradict it.
    """

    def __init__(self, order: Order, form: str | None = None, why: str = "") -> None:
        self.order = order
        self.form = form
        self._how = f"{HOW[order]}: {why}" if why else HOW[order]
        self._known: dict[str, str] = {}

    def iso(self, text: str) -> str:
        """The date as YYYY-MM-DD, empty where the cell says that there is none. Raises ValueError with the reason."""
        known = self._known.get(text)
        if known is None:
            known = self._read(text)
            if len(self._known) >= 100_000:
                self._known.clear()
            self._known[text] = known
        return known

    def _read(self, text: str) -> str:
        if is_empty(text):
            return ""
        if self.form is not None:
            try:
                return dt.datetime.strptime(text.strip(), self.form).date().isoformat()  # noqa: DTZ007
            except ValueError:
                raise ValueError(f"{text!r} is no date of the layout's form {self.form!r}") from None
        date = _date(_bare(text), self.order)
        if date is not None:
            return date.isoformat()
        possible, _ = _possible(text)
        if possible:
            raise ValueError(f"{text!r} contradicts the order of this file's dates ({self._how})")
        raise ValueError(f"{text!r} is no date from 1970 to 2100")


@lru_cache(maxsize=200_000)
def plus_days(iso: str, days: int) -> str:
    """The ISO date so many days later."""
    return (dt.date.fromisoformat(iso) + dt.timedelta(days=days)).isoformat()

"""The first reading of ledger files: what each one is and how its cells are written, told before any row is taken.

The second reading, which makes records of the rows, is ledger.py.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from schemas.money import EXPONENTS
from streams.errors import Refused
from streams.feeds.amounts import AmountReader, DecimalEvidence, bare
from streams.feeds.columns import Columns, Unclear, is_certain, plain, recognise
from streams.feeds.dates import PIVOT, DateReader, Evidence, Order, is_day, is_empty
from streams.feeds.doubts import (
    Accounts,
    Codes,
    Ends,
    Flags,
    Midnights,
    Numbers,
    Planned,
    Sides,
    States,
    Words,
)
from streams.feeds.files import Shape, rows, shape
from streams.feeds.flags import flagged
from streams.feeds.kinds import CREDIT, PAYMENT, meant
from streams.feeds.layout import Layout
from streams.feeds.names import DUE, MONEY
from streams.feeds.sums import Sums

_ROWS_AT_ONCE = 5_000
_MANY: Final = 20_000  # invoices whose numbers are compared with those of payments
_NEARLY_ALL: Final = 0.9
_MOST_CURRENCIES: Final = 1_000
_CASH: Final = ("payment", "receipt", "invoice", "zahlung", "rechnung")
_OR_DAYS: Final = ("cleared", "closed", "settlement")
_CURRENCY: Final = re.compile(
    r"\b(?i:currency|w(?:ä|ae)hrung|devise|moneda|valuta|moeda|waluta|(?:amounts|figures|values|betr(?:ä|ae)ge) in)"
    r"\W+([A-Z]{3})\b"
)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user said, and what the policy says where he did not. `today` (ISO): no row is dated more
    than two days later. `moment`: when the import was begun; of two, the later one holds. `as_of` (ISO): the day of the
    list, where there is a `former` one."""

    base_currency: str
    today: str
    moment: dt.datetime
    currency: str | None = None
    terms_days: int | None = None
    order: Order | None = None
    layout: Layout = field(default_factory=Layout)
    former: Path | None = None
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One file, ready to be read. `why_*` are the reasons, for the summary."""

    shape: Shape
    columns: Columns
    dates: DateReader
    why_dates: str
    amounts: AmountReader
    why_decimal: str
    of_invoices: bool  # payments among invoices have the number of the invoice that they pay
    ends: bool  # the rows end in a separator that the header lacks
    signs: frozenset[tuple[str, ...]]  # what the currencies beside some amounts can be
    flipped: bool  # a payments file that writes all payments as negative amounts
    all_open: bool  # every row is open by its balance, so credit notes and payments are what is left of them
    negative: Mapping[str, bool]  # CREDIT, PAYMENT -> whether rows named so have negative amounts


def tell(paths: Sequence[Path], choices: Choices, progress: Callable[[int], None]) -> list[Told]:
    """What the files are, in their order. Raises Refused, for the first that does not say enough, with
    what to do about it."""
    shapes = [shape(path, choices.layout) for path in paths]
    _all_named(shapes, choices.layout)
    return [
        _tell(one, columns, choices, progress)
        for one, columns in zip(shapes, _kinds(shapes, choices), strict=True)
    ]


def _all_named(shapes: Sequence[Shape], layout: Layout) -> None:
    """Every column of the layout file stands in some file: a name that is nowhere is a mistake."""
    for name, names in layout.columns.items():
        if not any(
            cell.strip().casefold() in {n.casefold() for n in names} for s in shapes for cell in s.header
        ):
            found = "; ".join(", ".join(cell.strip() for cell in s.header) for s in shapes)
            raise Refused(
                f"layout: {name}: no file has a column {' or '.join(names)}. Columns found: {found}"
            )


def _kinds(shapes: Sequence[Shape], choices: Choices) -> list[Columns]:
    layout = choices.layout
    found: list[Columns | Unclear] = []
    for one in shapes:
        try:
            found.append(recognise(one.header, layout.columns, layout.kind))
        except Unclear as error:
            found.append(error)
    if len(shapes) > 1 and any(isinstance(columns, Columns) and is_certain(columns) for columns in found):
        for place, one in enumerate(shapes):
            columns = found[place]
            if isinstance(columns, Unclear) or not is_certain(columns):
                try:
                    found[place] = recognise(one.header, layout.columns, layout.kind, beside_invoices=True)
                except Unclear as error:
                    found[place] = error
    for place, one in enumerate(shapes):
        if layout.kind is None and _of_credits(one.above):
            with contextlib.suppress(Unclear):
                found[place] = recognise(one.header, layout.columns, "credits")
    for one, columns in zip(shapes, found, strict=True):
        if isinstance(columns, Unclear):
            raise Refused(f"{one.path}:{one.header_line}: {columns}")
    good = [columns for columns in found if isinstance(columns, Columns)]
    if not any(c.kind == "invoices" for c in good) and any("customer" not in c.at for c in good):
        raise Refused(
            f"{shapes[0].path}: payments without a customer column need the file of their invoices beside them; "
            "name both files in one import"
        )
    return good


def _tell(one: Shape, columns: Columns, choices: Choices, progress: Callable[[int], None]) -> Told:
    columns, layout = _paid_on(one, columns), choices.layout
    at = columns.at
    if columns.kind == "invoices" and choices.terms_days is None and not DUE & set(at):
        if "baseline" not in at:
            payments = (
                ', or, if these are payments, kind = "payments"' if {"payment", "paid_date"} & set(at) else ""
            )
            raise Refused(
                f"{one.path}: no due date and no terms of payment among the columns "
                f"({', '.join(one.header)}); say the usual terms with --terms DAYS, or name the column in a "
                f'layout file: [columns] due_date = "…"{payments}'
            )
        # SAP: without terms the baseline date is the due date.
        columns = replace(columns, at={**at, "due_date": at["baseline"]})
        at = columns.at
    date_columns = [at[f] for f in ("invoice_date", "due_date", "paid_date", "baseline") if f in at]
    money = [at[f] for f in MONEY if f in at]
    dates, decimals, signs = (
        Evidence(),
        DecimalEvidence(),
        Signs(at, CREDIT if columns.kind == "credits" else None),
    )
    codes, sides = Codes(columns, choices.currency, choices.base_currency), Sides(columns)
    flags = Flags(columns)
    doubts = (
        flags,
        Accounts(columns, "customer" in layout.columns),
        Numbers(columns, "invoice" in layout.columns),
        Planned(columns, "paid_date" in layout.columns),
        Midnights(columns, layout.date_form is not None),
        States(columns),
        Words(columns),
    )
    written: set[str] = set()  # currencies of the rows
    sums, ends, payers = Sums(layout.columns), Ends(columns), Payers(at)
    width = max((*date_columns, *money)) + 1
    lines = rows(one, progress)
    while block := [row for _, row in itertools.islice(lines, _ROWS_AT_ONCE)]:
        ends.add(block)
        full = [row for row in block if len(row) >= width]
        for column in date_columns:
            dates.add(_without_time(cell) for cell in dict.fromkeys(row[column] for row in full))
        for column in money:
            decimals.add(row[column] for row in full)
        if "currency" in at and len(written) < _MOST_CURRENCIES:
            written |= {row[at["currency"]].strip().upper() for row in full if len(row) > at["currency"]}
        signs.add(full)
        for doubt in (codes, sides, sums, payers, *doubts):
            doubt.add(full)
    if not decimals.signs:
        codes.check(one.path)
    for doubt in doubts:
        doubt.check(one.path)
    columns = flags.told(sides.told(one.path, decimals.negative > 0))
    if "currency" not in at and columns.currency is None and choices.currency is None:
        columns = replace(columns, currency=_of_title(one.above))
    order, form, why_dates = _order(one, dates, choices)
    amounts, why_decimal = _amounts(one, columns, decimals, written, choices)
    columns = sums.told(one.path, columns, amounts)
    return Told(
        shape=one,
        columns=columns,
        dates=DateReader(order, form, why_dates if choices.order or layout.order else ""),
        why_dates=why_dates,
        amounts=amounts,
        why_decimal=why_decimal,
        of_invoices=payers.told(),
        ends=ends.told(),
        signs=frozenset(decimals.signs),
        flipped=columns.kind == "payments" and decimals.negative > 0 and decimals.positive == 0,
        all_open=sums.all_open,
        negative=signs.told(),
    )


def _paid_on(one: Shape, columns: Columns) -> Columns:
    """The columns, with one of days for what it is where its name would be that of an amount (`Paid`) or of a mark
    (`Cleared`)."""
    at = columns.at
    if columns.kind != "invoices" or "paid_date" in at:
        return columns
    marks = [i for i, name in enumerate(columns.header) if plain(name) in _OR_DAYS and i not in at.values()]
    place = at.get("paid_amount", marks[0] if len(marks) == 1 else None)
    if place is None:
        return columns
    first = itertools.islice(rows(one, lambda _: None), _ROWS_AT_ONCE)
    said = [row[place] for _, row in first if len(row) > place and not is_empty(row[place])]
    if not said or not all(map(is_day, said)):
        return columns
    return replace(columns, at={**{f: i for f, i in at.items() if i != place}, "paid_date": place})


class Signs:
    """How a file that names credit notes and payments by a type signs their amounts."""

    def __init__(self, at: Mapping[str, int], all_are: str | None = None) -> None:
        self._type, self._amount, self._all = at.get("type"), at.get("amount"), all_are
        self._flag = at.get("is_credit")
        self._by_side = "side" in at or "amount" not in at
        self._kinds: dict[str, str] = {}
        self._counts: Counter[tuple[str, bool]] = Counter()

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        unnamed = self._type is None and self._all is None and self._flag is None
        if unnamed or self._amount is None or self._by_side:
            return
        for row in full:
            text = row[self._type] if self._type is not None and len(row) > self._type else ""
            kind = self._all or self._kinds.get(text)
            if kind is None:
                kind = meant(text)
                if len(self._kinds) < 1000:
                    self._kinds[text] = kind
            if not kind and self._flag is not None and len(row) > self._flag and flagged(row[self._flag]):
                kind = CREDIT
            if kind in (CREDIT, PAYMENT):
                with contextlib.suppress(ValueError):
                    self._counts[kind, bare(row[self._amount]).negative] += 1

    def told(self) -> dict[str, bool]:
        """Of each kind, whether its amounts are negative: by their side, else as most of its rows have them. The
        others take one back."""
        counts = self._counts
        return {
            kind: self._by_side or counts[kind, True] >= counts[kind, False] for kind in (CREDIT, PAYMENT)
        }


def _of_credits(above: str) -> bool:
    """Whether a line above the header says that credit notes stand below, and no payments."""
    return any(
        meant(line) == CREDIT and not any(map(line.lower().__contains__, _CASH))
        for line in above.splitlines()
    )


def _of_title(above: str) -> str | None:
    """The currency that a line above the header names: `Currency: EUR`."""
    # A report on all currencies is none in Albania's
    named = {code for code in _CURRENCY.findall(above) if code in EXPONENTS and code != "ALL"}
    return named.pop() if len(named) == 1 else None


class Payers:
    """Whether the payments in a file of invoices have the number of the invoice that they pay, and none of their own."""

    def __init__(self, at: Mapping[str, int]) -> None:
        named = {"customer", "invoice", "type"} <= set(at) and "credits" not in at
        self._places = (at["customer"], at["invoice"], at["type"]) if named else None
        self._invoices: set[tuple[str, str]] = set()
        self._payments: set[tuple[str, str]] = set()

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        if self._places is None or len(self._invoices) >= _MANY:
            return
        customer, number, kind = self._places
        for row in full:
            if len(row) > max(self._places) and row[number].strip():
                of = self._payments if meant(row[kind].strip()) == PAYMENT else self._invoices
                of.add((row[customer].strip(), row[number].strip()))

    def told(self) -> bool:
        """Whether nearly all of them have; a payment's own number may be one by chance."""
        known = self._payments & self._invoices
        return bool(known) and len(known) >= _NEARLY_ALL * len(self._payments)


def _without_time(cell: str) -> str:
    """A date cell without the time behind it: then a file has some thousand different ones, not a million."""
    return cell[: cell.index(":") - 2].strip(" T") if ":" in cell[11:] and cell[10:11] in " T" else cell


def _amounts(
    one: Shape, columns: Columns, evidence: DecimalEvidence, written: Collection[str], choices: Choices
) -> tuple[AmountReader, str]:
    """(what reads the amounts, why so). `written`: the currencies of the rows. Raises Refused."""
    if choices.layout.decimal is not None:
        return AmountReader(choices.layout.decimal), "the layout says so"
    # Signs beside amounts may be those of others
    base = "" if evidence.signs else choices.base_currency
    usual = columns.currency or choices.currency or base
    whole = all(EXPONENTS.get(code or usual) == 0 for code in written or {""})
    sign, why = evidence.told(whole)
    if sign is None:
        raise Refused(
            f'{one.path}: the decimal sign can not be told: {why}; write decimal = "." or decimal = "," in a layout file and '
            "give it with --layout"
        )
    return AmountReader(sign), why


def _order(one: Shape, evidence: Evidence, choices: Choices) -> tuple[Order, str | None, str]:
    """(the order, the layout's own form, why). Raises Refused."""
    layout = choices.layout
    extra = ""
    if evidence.two_digits:
        extra += (
            f"; years of two digits: {PIVOT}-99 are 19{PIVOT}-1999, 00-{PIVOT - 1} are 2000-20{PIVOT - 1}"
        )
    if evidence.serials:
        extra += "; numbers of five digits are days since 1899-12-30, as spreadsheets count"
    if layout.date_form is not None:
        return "ymd", layout.date_form, "the layout says so"
    if choices.order is not None:
        return choices.order, None, f"--dates says so{extra}"
    if layout.order is not None:
        return layout.order, None, f"the layout says so{extra}"
    told = evidence.told()
    if told.order is None:
        raise Refused(
            f"{one.path}: the order of day and month can not be told: {told.why}; say it with --dates "
            f"mdy (month first), "
            "--dates dmy (day first) or --dates ymd (year first)"
        )
    return told.order, None, told.why + extra

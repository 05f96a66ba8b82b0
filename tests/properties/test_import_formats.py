"""One book, written in any of the ways that exports write, imports to the same events."""

from __future__ import annotations

import csv
import datetime as dt
import io
import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.money import EXPONENTS, text
from streams.errors import Refused
from streams.feeds.amounts import AmountReader, DecimalEvidence, bare
from streams.feeds.dates import DateReader, Evidence
from streams.feeds.layout import Layout
from tests.import_builders import imported


class Invoice(NamedTuple):
    account: str
    number: str
    day: dt.date
    due: dt.date
    amount: int  # minor units; negative: a credit note
    currency: str
    paid: dt.date | None


class Style(NamedTuple):
    """How a file is written."""

    delimiter: str
    encoding: str
    newline: str
    quoting: int
    date: str
    decimal: str
    thousands: str
    negative: str
    sign: str
    names: tuple[str, ...]
    titles: int
    total: bool


DATES = (
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%Y%m%d",
    "%Y%m%d.0",
    "%d-%b-%Y",
    "%Y-%m-%d 00:00:00",
    "%B %d, %Y",
)
NAMES = (
    ("Customer", "Invoice", "Invoice Date", "Due Date", "Amount", "Currency", "Paid Date"),
    ("customer_id", "INVOICE_NO", "inv.date", "due", "Invoice Amount", "ccy", "cleared"),
    ("KUNNR", "BELNR", "BLDAT", "NETDT", "WRBTR", "WAERS", "AUGDT"),
    ("Kundennummer", "Rechnungs-Nr.", "Rechnungsdatum", "Fälligkeit", "Betrag", "Währung", "Ausgleichsdatum"),
)

days = st.dates(dt.date(2023, 11, 1), dt.date(2024, 4, 30))


@st.composite
def books(draw: st.DrawFn) -> list[Invoice]:
    book = []
    for number in range(draw(st.integers(1, 12))):
        day = draw(days)
        amount = draw(st.integers(-5_000_000, 500_000_000).filter(bool))
        paid = draw(st.none() | st.integers(-5, 100)) if amount > 0 else None
        book.append(
            Invoice(
                account=draw(st.sampled_from(["C1", "0042", "Ä-7"])),
                number=f"I{number}",
                day=day,
                due=day + dt.timedelta(days=draw(st.integers(0, 90))),
                amount=amount,
                currency=draw(st.sampled_from(["USD", "EUR"])),
                paid=None if paid is None else day + dt.timedelta(days=paid),
            )
        )
    # One row that tells order and decimal sign, whatever was drawn.
    sure = dt.date(2024, 1, 31)
    return [*book, Invoice("C1", "SURE", sure, sure, 123_456_789, "USD", None)]


styles = st.builds(
    Style,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"]),
    newline=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    date=st.sampled_from(DATES),
    decimal=st.sampled_from(".,"),
    thousands=st.sampled_from(["", "group", " ", "'", "\u00a0"]),
    negative=st.sampled_from(["-{}", "{}-", "({})"]),
    sign=st.sampled_from(["{}", "{} {c}", "{c} {}", "{s}{}", "{} {s}"]),
    names=st.sampled_from(NAMES).filter(lambda names: "cleared" not in names),
    titles=st.integers(0, 3),
    total=st.booleans(),
)


def amount_text(invoice: Invoice, style: Style) -> str:
    whole, _, part = text(abs(invoice.amount), invoice.currency).partition(".")
    mark = {"group": "," if style.decimal == "." else "."}.get(style.thousands, style.thousands)
    groups = f"{int(whole):,}".replace(",", mark)
    plain = f"{groups}{style.decimal}{part}"
    if invoice.amount < 0:
        plain = style.negative.format(plain)
    return style.sign.format(plain, c=invoice.currency, s={"USD": "$", "EUR": "€"}[invoice.currency])


def rendered(book: list[Invoice], style: Style) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=style.delimiter, quoting=style.quoting, lineterminator=style.newline)  # type: ignore[arg-type]
    for line in range(style.titles):
        out.write(f"Report {line}{style.newline}")
    writer.writerow(style.names)
    for invoice in book:
        writer.writerow(
            [
                invoice.account,
                invoice.number,
                invoice.day.strftime(style.date),
                invoice.due.strftime(style.date),
                amount_text(invoice, style),
                invoice.currency,
                invoice.paid.strftime(style.date) if invoice.paid else "",
            ]
        )
    if style.total:
        writer.writerow(["Total", "", "", "", "1", "", ""])
    return out.getvalue().encode(style.encoding)


REFERENCE = Style(",", "utf-8", "\n", csv.QUOTE_MINIMAL, "%Y-%m-%d", ".", "", "-{}", "{}", NAMES[0], 0, False)


@given(book=books(), style=styles, data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_book_imports_to_the_same_events_however_it_is_written(
    book: list[Invoice], style: Style, data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(book))
    with tempfile.TemporaryDirectory() as folder:
        plain = imported(Path(folder), rendered(book, REFERENCE))
        styled = imported(Path(folder), rendered(shuffled, style))
    assert plain.report.refused == styled.report.refused == 0
    assert styled.raw == plain.raw


@given(st.lists(st.text(max_size=12) | st.dates().map(str), max_size=20))
@settings(deadline=None)
def test_no_text_breaks_the_telling_or_the_reading_of_dates(texts: list[str]) -> None:
    evidence = Evidence()
    evidence.add(texts)
    reader = DateReader(evidence.told().order or "dmy")
    for one in texts:
        try:
            assert reader.iso(one) == "" or dt.date(1970, 1, 1) <= dt.date.fromisoformat(reader.iso(one))
        except ValueError as error:
            assert "date" in str(error)  # noqa: PT017


@given(
    st.lists(
        st.text(max_size=12) | st.from_regex(r"[-+(]?[$€]?[0-9.,' ]{1,12}[)-]?", fullmatch=True), max_size=20
    )
)
@settings(deadline=None)
def test_no_text_breaks_the_telling_or_the_reading_of_amounts(texts: list[str]) -> None:
    evidence = DecimalEvidence()
    evidence.add(texts)
    reader = AmountReader(evidence.told()[0] or ".")
    for one in texts:
        try:
            reader.minor(one, "USD")
        except ValueError as error:
            assert repr(one) in str(error)  # noqa: PT017


@given(st.integers(0, 10**15), st.sampled_from(sorted(EXPONENTS)), st.sampled_from([".", ","]))
@settings(deadline=None)
def test_what_money_writes_amounts_read(minor: int, currency: str, decimal: str) -> None:
    written = text(minor, currency).replace(".", decimal)
    assert AmountReader(decimal).minor(written, currency) == minor  # type: ignore[arg-type]
    assert bare(f"({written})").negative


CELLS = (
    ("C1", "C2", "00C1", " C1 ", "", "nan", "1.0E+5", "Total", "Total Oil", "x" * 200),
    ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "", "1.5e+09", "Total", "I\x00"),
    ("2024-01-02", "2024-01-03", "2024-02-30", "1900-01-01", "2999-01-01", "soon", ""),
    ("2024-02-01", "2023-01-01", "9999-12-31", "45400", "", "x"),
    ("100", "7.00", "(7.00)", "7.00-", "-1,234.50", "0", "", "$5", "€5", "1,23", "9" * 30, "Summe"),
    ("", "Invoice", "Credit note", "RV", "DG", "Refund"),
)


@given(
    st.lists(
        st.tuples(*map(st.sampled_from, CELLS)).map(list)
        | st.lists(st.sampled_from([cell for cells in CELLS for cell in cells]), max_size=8),
        max_size=25,
    )
)
@example([["C1", "I1", "2024-01-02", "2024-02-01", amount, ""] for amount in ("100", "100", "7.00")])
@settings(max_examples=150, deadline=None)
def test_no_row_is_lost_and_none_counts_twice(rows: list[list[str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["Customer", "Invoice", "Invoice Date", "Due Date", "Amount", "Type"])
    writer.writerow(["C9", "I9", "2024-01-02", "2024-02-01", "1.00", ""])
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as folder:
        try:
            got = imported(Path(folder), out.getvalue(), choices={"layout": Layout(order="dmy", decimal=".")})
        except Refused as refused:
            # Whole, where rows repeat an invoice and others contradict it: then they are lines, or several weeks.
            if "rows say another amount of an invoice" not in str(refused):
                raise
            return
    report = got.report
    twice = sum(count for note, count in report.note_counts.items() if "twice" in note)
    left_out = sum(
        count
        for note, count in report.note_counts.items()
        if note.startswith(("total lines", "lines with one cell", "repeated headers"))
    )
    made = report.events["invoice.issued"] + report.events["invoice.credited"]
    assert made + report.refused + twice == report.rows
    assert report.rows + left_out == 1 + sum(any(map(str.strip, row)) for row in rows)
    assert len(got.bad) == report.refused == report.reasons.total()
    for kind, sums in (("invoice.issued", report.invoiced), ("invoice.credited", report.credited)):
        told = {code: sum(event_minor(e) for e in got.of(kind) if e["currency"] == code) for code in sums}
        assert told == sums


def event_minor(event: dict[str, str]) -> int:
    return AmountReader(".").minor(event["amount"], event["currency"])

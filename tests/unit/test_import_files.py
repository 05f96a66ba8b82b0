"""How a file is written: encodings, delimiters, quotes, titles above the header, lines that are no rows; refusals."""

from __future__ import annotations

import codecs
import datetime as dt
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.feeds.files import rows, shape
from streams.feeds.importing import import_ledgers
from streams.feeds.layout import Layout, read_layout
from streams.feeds.report import Report
from streams.feeds.telling import Choices
from tests.import_builders import MOMENT, TODAY, Kept, Silent, imported, written

HEADER = "Customer,Customer Name,Invoice,Invoice Date,Due Date,Amount"
ROW = "C1,Müller & Söhne,I1,2024-01-02,2024-02-01,12.50"
LEDGER = f"{HEADER}\n{ROW}\n"
ISSUED = {
    "account_id": "C1",
    "invoice_id": "I1",
    "amount": "12.50",
    "currency": "USD",
    "invoice_date": "2024-01-02",
    "due_date": "2024-02-01",
}


@pytest.mark.parametrize(
    ("encoded", "said"),
    [
        (LEDGER.encode(), "UTF-8, comma"),
        (codecs.BOM_UTF8 + LEDGER.encode(), "UTF-8 with a byte order mark, comma"),
        (LEDGER.encode("utf-16"), "UTF-16 with a byte order mark, comma"),
        (LEDGER.encode("utf-16-le"), "UTF-16, little endian, comma"),
        (LEDGER.encode("utf-16-be"), "UTF-16, big endian, comma"),
        (LEDGER.encode("utf-32"), "UTF-32, comma"),
        (LEDGER.encode("cp1252"), "Windows-1252, comma"),
        (LEDGER.replace(",", "\t").encode(), "UTF-8, tab"),
        (LEDGER.replace(",", ";").encode(), "UTF-8, semicolon"),
        (LEDGER.replace(",", "|").encode(), "UTF-8, pipe"),
        (LEDGER.replace("\n", "\r\n").encode(), "UTF-8, comma"),
        (("sep=;\n" + LEDGER.replace(",", ";")).encode(), "UTF-8, semicolon"),
    ],
)
def test_encoding_and_delimiter_are_told_and_said(tmp_path: Path, encoded: bytes, said: str) -> None:
    got = imported(tmp_path, encoded)
    assert got.told[0].shape.said == said
    assert got.of("invoice.issued") == [ISSUED]
    assert got.of("account.opened")[0]["name"] == "Müller & Söhne"


def test_an_umlaut_late_in_the_file_still_tells_the_encoding(tmp_path: Path) -> None:
    many = "".join(f"C1,Mueller,I{i},2024-01-02,2024-02-01,12.50\n" for i in range(30_000))
    got = imported(tmp_path, f"{HEADER}\n{many}".encode() + ROW.encode("cp1252"))
    assert got.told[0].shape.encoding == "cp1252"


@pytest.mark.parametrize(
    "ledger",
    [
        f"Open items\nPrinted on 03/04/2024 by AR\n\n{LEDGER}",
        f'"Ledger, all customers",,,,,\n,,,,,\n{LEDGER}',
        f"\n\n{LEDGER}\n\n,,,,,\n",
        f"{LEDGER}{HEADER}\n",
        f"{LEDGER}Total,,,,,12.50\n",
        f"{LEDGER},,,,Grand total,12.50\n",
        f"{LEDGER}*,,,,,12.50\n**,,,,,12.50\n",  # SAP's lists
        f"{HEADER}\n1 - 30 days past due,,,,,\n{ROW}\nEnd of report,,,,,\n",
        f"{LEDGER}Total for C1,,,,,12.50\nGrand Total:,,,,,12.50\n",
        f"{LEDGER[:-1]}",
    ],
)
def test_lines_that_are_no_rows_are_left_out(tmp_path: Path, ledger: str) -> None:
    got = imported(tmp_path, ledger)
    assert got.of("invoice.issued") == [ISSUED]
    assert (got.report.rows, got.bad) == (1, [])


def test_a_line_that_may_be_a_row_is_refused_with_its_line_number(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        f'{LEDGER}C2,,,,,7.00\nC2,Name,I2,2024-01-02,2024-02-01,1.00,extra\n"C3,X,I3,2024-01-02,2024-02-01,1"\n',
    )
    assert [bad.rpartition("/")[2] for bad in got.bad] == [
        "0.csv:3: Invoice: is empty",
        "0.csv:4: 7 cells where the header has 6; is a separator not in quotes?",
        "0.csv:5: Invoice: is empty",  # a whole row in one pair of quotes is no heading
    ]


def test_quoted_cells_may_hold_separators_line_breaks_and_quotes(tmp_path: Path) -> None:
    ledger = (
        f'{HEADER}\nC1,"A, ""B"" &\nC",I1,2024-01-02,2024-02-01,"1,234.50"\n'
        "C1,X,I2,2024-01-02,2024-02-01,nonsense\n"
    )
    got = imported(tmp_path, ledger)
    assert got.of("account.opened")[0]["name"] == 'A, "B" & C'
    assert got.of("invoice.issued")[0]["amount"] == "1234.50"
    assert "0.csv:4: Amount" in got.bad[0]  # the second row stands in line 4: the first has two lines


@pytest.mark.parametrize("tail", ["", "C2,X,I2,2024-01-02,2024-02-01,1.00\n" * 300])
def test_a_quote_that_is_never_closed_does_not_swallow_the_rows_behind_it(tmp_path: Path, tail: str) -> None:
    ledger = f'{LEDGER}C2,"X,I2,2024-01-02,2024-02-01,1.00\nC3,X,I3,2024-01-02,2024-02-01,1.00\n{tail}'
    with pytest.raises(Refused, match=r"0\.csv:3: a quote"):
        imported(tmp_path, ledger)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "save the sheet as CSV"),
        (b"\xfd7zXZ\x00rest", "import the CSV itself"),
        (b'[\n {"customer": "C1"}]', r"named \.jsonl"),
        (b"%PDF-1.4", "import the CSV itself"),
        (b'{"event_id":"1"}\n', r"named \.jsonl"),
        (b"Customer,Invoice\n\x81\x8d,1\n", "name the encoding"),
        (b"just some words\nand more\n", "no header was found"),
        (HEADER.encode() + b"\n", "no rows"),
        (b"\n <html><table><tr><td>Customer</td></tr></table></html>", "HTML or XML"),
        (b"\n\n\n", "no header"),
    ],
)
def test_what_is_no_ledger_is_refused_with_what_to_do(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(Refused, match=words):
        imported(tmp_path, content)


def test_a_file_that_is_written_to_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "growing.csv", LEDGER)

    class Growing(Silent):
        def stage(self, name: str, total: int) -> None:
            if name == "reading":
                path.write_text(LEDGER + ROW.replace("I1", "I2")[:-1])  # the last amount is not whole yet

    choices = Choices(base_currency="USD", today=TODAY, moment=MOMENT)
    with pytest.raises(Refused, match=r"growing\.csv: it was written to while it was read; import it again"):
        import_ledgers([path], choices, dt.UTC, Kept(), Report(), Growing())


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"none\.csv"):
        shape(tmp_path / "none.csv", Layout())


def test_rows_tell_how_far_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, "many.csv", HEADER + "\n" + (ROW + "\n") * 10_000)
    positions: list[int] = []
    lines = [line for line, _ in rows(shape(path, Layout()), positions.append)]
    assert lines == list(range(2, 10_002))
    assert positions == sorted(positions) != []


def test_a_layout_may_name_a_header_that_stands_further_down_than_one_is_looked_for(tmp_path: Path) -> None:
    path = written(tmp_path, "far.csv", "x\n" * 70 + LEDGER)
    with pytest.raises(Refused, match="first 60 rows"):
        shape(path, Layout())
    assert shape(path, Layout(header=71)).header_line == 71
    with pytest.raises(Refused, match="no header in line 99: the file has no row there"):
        shape(path, Layout(header=99))


def test_a_header_that_the_layout_names_is_one_though_nothing_in_it_is_recognised(tmp_path: Path) -> None:
    path = written(tmp_path, "foreign.csv", "Konto;Beleg\nC1;I1\n")
    with pytest.raises(Refused, match="no header was found"):
        shape(path, Layout())
    assert shape(path, Layout(header=1)).header == ("Konto", "Beleg")


def test_an_encoding_of_the_layout_that_is_not_the_files_is_said_to_be_wrong(tmp_path: Path) -> None:
    path = written(tmp_path, "plain.csv", LEDGER)
    with pytest.raises(Refused, match=r"plain\.csv: this is no text in utf-16, which the layout says"):
        shape(path, Layout(encoding="utf-16"))


def test_the_layout_says_what_a_file_does_not(tmp_path: Path) -> None:
    layout = written(
        tmp_path,
        "layout.toml",
        """
kind = "invoices"
dates = "%d/%m/%y"
decimal = ","
delimiter = "tab"
encoding = "latin-1"
header = 2
[columns]
customer = "Wer"
invoice = ["Nummer", "Nr"]
invoice_date = "Am"
due_date = "Bis"
amount = "Wieviel"
""",
    )
    ledger = "x\ty\nWer\tNr\tAm\tBis\tWieviel\nC1\tI1\t02/01/24\t01/02/24\t1.234\n"
    got = imported(tmp_path, ledger.encode("latin-1"), choices={"layout": read_layout(layout)})
    assert got.of("invoice.issued") == [{**ISSUED, "amount": "1234.00"}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[columns]\nkunde = 'x'\n", r"layout.toml:2: kunde: unknown"),
        ("\ndate = 'mdy'\n", r"layout.toml:2: date: unknown"),
        ("dates = 'dym'\n", r"layout.toml:1: dates"),
        ("decimal = ';'\n", r"layout.toml:1: decimal"),
        ("delimiter = ',,'\n", r"layout.toml:1: delimiter"),
        ("encoding = 'klingon'\n", r"layout.toml:1: encoding"),
        ("encoding = 'base64'\n", r"layout.toml:1: encoding"),
        ("header = 0\n", r"layout.toml:1: header"),
        ("kind = 'both'\n", r"layout.toml:1: kind"),
        ("columns = 3\n", r"layout.toml:1: columns"),
        ("[columns]\ncustomer = 3\n", r"layout.toml:2: customer"),
        ("dates = \n", r"no TOML.*line 1"),
    ],
)
def test_a_mistake_in_the_layout_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        read_layout(written(tmp_path, "layout.toml", text))


def test_a_column_of_the_layout_that_no_file_has_is_refused(tmp_path: Path) -> None:
    layout = read_layout(written(tmp_path, "layout.toml", "[columns]\namount = 'Amuont'\n"))
    with pytest.raises(Refused, match="no file has a column Amuont"):
        imported(tmp_path, LEDGER, choices={"layout": layout})

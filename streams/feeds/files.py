"""A ledger file as text: its encoding, delimiter and header, told from the whole file; its rows with their line numbers.

What the columns mean is told in columns.py, what the cells mean in dates.py and amounts.py.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.errors import Refused
from streams.feeds.columns import score
from streams.feeds.layout import Layout

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAID: Final = {
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-8": "UTF-8",
    "utf-16": "UTF-16 with a byte order mark",
    "utf-16-le": "UTF-16, little endian",
    "utf-16-be": "UTF-16, big endian",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
}
_BLOCK = 1 << 20
_HEADER_WITHIN: Final = 60  # lines in which the header must stand
_LONGEST_ROW: Final = 100  # lines in one row; more means a quote that is never closed

csv.field_size_limit(1 << 24)


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file is written. `header_row`: its place among the rows, from 0; `header_line`: the line it
    stands in, from 1. `above`: the text of the rows above it."""

    path: Path
    encoding: str
    delimiter: str
    header_row: int
    header_line: int
    header: tuple[str, ...]
    above: str = ""

    @property
    def said(self) -> str:
        """Encoding and delimiter in words."""
        return f"{_SAID.get(self.encoding, self.encoding)}, {DELIMITERS.get(self.delimiter, repr(self.delimiter))}"


def shape(path: Path, layout: Layout) -> Shape:
    """Tells how a file is written. Raises Refused: unreadable, no text, empty, no header."""
    encoding = layout.encoding or _encoding(path)
    best: tuple[int, int, str, int, int, tuple[str, ...]] | None = None
    within = max(_HEADER_WITHIN, layout.header or 0)
    for delimiter in (layout.delimiter,) if layout.delimiter else DELIMITERS:
        lines = itertools.islice(_rows(path, encoding, delimiter, lambda _: None), within)
        for place, (line, row) in enumerate(_until_error(lines)):
            if layout.header is not None and line != layout.header:
                continue
            named = sum(cell.strip() in names for names in layout.columns.values() for cell in row)
            found = (score(row) + 2 * named, len(row), delimiter, place, line, tuple(row))
            # The first of equals: a header repeated further down is no better than itself.
            if best is None or found[:2] > best[:2]:
                best = found
    if best is None and layout.encoding is not None:
        raise Refused(
            f"{path}: this is no text in {encoding}, which the layout says; leave encoding out, or name another"
        )
    if best is None:
        where = f" in line {layout.header}" if layout.header is not None else ""
        raise Refused(f"{path}: no header{where}: the file has no row there")
    points, _, delimiter, place, line, header = best
    if points < 2 and layout.header is None:
        first = ", ".join(cell.strip() for cell in header if cell.strip())[:300]
        if not first:
            raise Refused(f"{path}: no header: nothing but blanks in the first {_HEADER_WITHIN} rows")
        raise Refused(
            f"{path}: no header was found in the first {_HEADER_WITHIN} rows (line {line} reads: {first}). "
            'Write a layout file with header = LINE and [columns] customer = "…", invoice = "…", invoice_date = "…", '
            'amount = "…", and give it with --layout'
        )
    rows_above = itertools.islice(_rows(path, encoding, delimiter, lambda _: None), place)
    above = "\n".join(" ".join(row) for _, row in rows_above)
    return Shape(path, encoding, delimiter, place, line, header, above)


def rows(shape: Shape, progress: Callable[[int], None]) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of every row below the header. `progress` is told the bytes read now and then. Raises Refused."""
    return itertools.islice(
        _rows(shape.path, shape.encoding, shape.delimiter, progress), shape.header_row + 1, None
    )


def _rows(
    path: Path, encoding: str, delimiter: str, progress: Callable[[int], None]
) -> Iterator[tuple[int, list[str]]]:
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as file:
        # Files that were put one behind the other have a mark within
        reader = csv.reader((line.lstrip("\ufeff") for line in file), delimiter=delimiter)
        start = 1
        count = 0
        try:
            row: list[str] = []
            last = start
            for row in reader:
                end = reader.line_num + 1
                if end - start > _LONGEST_ROW:
                    raise Refused(_unclosed(path, start))
                yield start, row
                last, start = start, end
                count += 1
                if not count & 4095:
                    progress(raw.tell())
            # The file ended inside quotes: rows are hidden in this cell
            if row and row[-1].endswith(("\n", "\r")):
                raise Refused(_unclosed(path, last))
        except csv.Error as error:
            raise Refused(f"{_unclosed(path, start)} ({error})") from error
        except UnicodeError as error:
            raise Refused(f"{path}:{start}: not {_SAID.get(encoding, encoding)}: {error}") from error


def _unclosed(path: Path, line: int) -> str:
    return f'{path}:{line}: a quote (") opens in this row and is never closed; close it, or write it double'


def _until_error(lines: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
    """A delimiter that is not the file's may make nonsense of its quotes: then the lines end there."""
    try:
        yield from lines
    except Refused:
        return


def _encoding(path: Path) -> str:
    """UTF-8 where the whole file is; UTF-16 by its mark or its zero bytes; else Windows-1252. Raises
    Refused for what is no text."""
    try:
        with path.open("rb") as file:
            head = file.read(_BLOCK)
            if not head:
                raise Refused(f"{path}: the file is empty")
            if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
                raise Refused(
                    f"{path}: this is a workbook of a spreadsheet, or a zip archive; save the sheet as CSV and import that"
                )
            if head.startswith(
                (b"\x1f\x8b", b"%PDF", b"BZh", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"7z\xbc\xaf")
            ):
                raise Refused(
                    f"{path}: this is no text but a compressed file or a PDF; import the CSV itself"
                )
            begins = head.lstrip(codecs.BOM_UTF8 + b" \t\r\n")
            if begins.startswith(b"<"):
                raise Refused(f"{path}: this is HTML or XML; save the sheet as CSV and import that")
            if begins.startswith(b"{") or (begins.startswith(b"[") and begins[1:].lstrip().startswith(b"{")):
                raise Refused(
                    f"{path}: this is JSON; a file of events is named .jsonl and has one event a line"
                )
            for mark, encoding in _BOMS:
                if head.startswith(mark):
                    return encoding
            sample = head[:4096]
            if sample[1::2].count(0) * 2 > len(sample) // 2:
                return "utf-16-le"
            if sample[::2].count(0) * 2 > len(sample) // 2:
                return "utf-16-be"
            decoder = codecs.getincrementaldecoder("utf-8")()
            block = head
            utf_8 = True
            unassigned = False
            while block:
                if utf_8:
                    try:
                        decoder.decode(block)
                    except UnicodeDecodeError:
                        utf_8 = False
                unassigned = unassigned or any(code in block for code in b"\x81\x8d\x8f\x90\x9d")
                block = file.read(_BLOCK)
            if utf_8:
                try:
                    decoder.decode(b"", final=True)
                    return "utf-8"
                except UnicodeDecodeError:
                    pass
            if unassigned:
                raise Refused(
                    f'{path}: neither UTF-8, UTF-16 nor Windows-1252; name the encoding in a layout file: encoding = "…"'
                )
            return "cp1252"
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from error

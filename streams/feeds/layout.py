"""The layout file of an import: what a ledger's columns, dates and amounts are, said instead of told. TOML.

kind = "invoices"            # or "payments", "credits"; of all files of one import
dates = "dmy"                # or "mdy", "ymd", or a strptime form such as "%d.%m.%y"
decimal = ","                # or "."
delimiter = ";"              # one character, or "tab"
encoding = "cp1252"
header = 4                   # the line of the header
[columns]
customer = "Debitor"         # a column's name, or a list of names, the first that a file has
invoice = "Beleg"
tax = "MwSt."                # to be added to the amounts, where they are without it
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from streams.errors import Refused
from streams.feeds.amounts import Sign
from streams.feeds.columns import Kind
from streams.feeds.dates import ORDERS, Order
from streams.feeds.names import FIELDS
from streams.whole import text_of

_KEYS = ("kind", "dates", "decimal", "delimiter", "encoding", "header", "columns")


@dataclass(frozen=True, slots=True)
class Layout:
    """What the layout file says; None where it says nothing."""

    kind: Kind | None = None
    order: Order | None = None
    date_form: str | None = None
    decimal: Sign | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: int | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_layout(path: Path) -> Layout:
    """The layout of a file. Raises Refused as text_of(), and with file and line: no TOML, an unknown key, a
    value that is none of the allowed."""
    text = text_of(path)
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path}: no TOML: {error}") from error

    def refuse(key: str, why: str) -> Refused:
        found = re.search(rf"^\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[\]=.]", text, re.MULTILINE)
        line = text.count("\n", 0, found.end()) + 1 if found else 1
        return Refused(f"{path}:{line}: {key}: {why}")

    for key in said:
        if key not in _KEYS:
            raise refuse(key, f"unknown; a layout has {', '.join(_KEYS)}")

    def one_of(key: str, allowed: tuple[str, ...]) -> Any:
        value = said.get(key)
        if value is not None and value not in allowed:
            raise refuse(key, f"must be {' or '.join(repr(a) for a in allowed)}")
        return value

    dates: Any = said.get("dates")
    if dates is not None and not (isinstance(dates, str) and (dates in ORDERS or "%" in dates)):
        raise refuse("dates", "must be 'mdy', 'dmy', 'ymd' or a form such as '%d.%m.%Y'")
    delimiter = said.get("delimiter")
    if delimiter == "tab":
        delimiter = "\t"
    if delimiter is not None and not (
        isinstance(delimiter, str) and len(delimiter) == 1 and delimiter not in '"\r\n'
    ):
        raise refuse("delimiter", "must be one character, or 'tab'")
    header = said.get("header")
    if header is not None and not (isinstance(header, int) and not isinstance(header, bool) and header > 0):
        raise refuse("header", "must be the number of the header's line, from 1")
    encoding = said.get("encoding")
    if encoding is not None:
        try:
            "x".encode(encoding)  # codecs.lookup knows more than texts: base64
        except (LookupError, TypeError, UnicodeError):
            raise refuse("encoding", "must be the name of an encoding, such as 'utf-8' or 'cp1252'") from None
    columns = said.get("columns", {})
    if not isinstance(columns, dict):
        raise refuse("columns", "must be a table: [columns]")
    names: dict[str, tuple[str, ...]] = {}
    for name, value in columns.items():
        if name not in FIELDS:
            raise refuse(name, f"unknown; [columns] may name {', '.join(FIELDS)}")
        several = [value] if isinstance(value, str) else value
        if not (
            isinstance(several, list) and several and all(isinstance(v, str) and v.strip() for v in several)
        ):
            raise refuse(name, "must be a column's name, or a list of names")
        names[name] = tuple(v.strip() for v in several)
    form = dates if dates is not None and "%" in dates else None
    return Layout(
        kind=one_of("kind", ("invoices", "payments", "credits")),
        order=cast("Order | None", None if form else dates),
        date_form=form,
        decimal=one_of("decimal", (".", ",")),
        delimiter=delimiter,
        encoding=encoding,
        header=header,
        columns=names,
    )

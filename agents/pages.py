"""Records kept in pages, so that a change rewrites one page and not the account.

What a record is and how its row looks is the record's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Protocol, TypeVar

import orjson

VERSION: Final = 1
"""Format of every page: [version, records ever put on this page, row, row, …]."""


class Record(Protocol):
    page: int

    def row(self) -> list[Any]:
        """The record as a list that orjson writes."""


R = TypeVar("R", bound=Record)


class Pages(Generic[R]):
    """Records in order of first arrival, `size` a page. A record never moves; an emptied page is deleted.

    `dirty`: the pages to be written whole. Most records are written once and never change: what is only added to the
    last page is appended to the bytes that were written of it before.
    """

    __slots__ = ("_added", "_tail", "count", "dirty", "pages", "prefix", "size")

    def __init__(self, prefix: str, size: int) -> None:
        self.prefix = prefix
        self.size = size
        self.count = 0  # records ever added
        self.pages: dict[int, list[R]] = {}
        self.dirty: set[int] = set()
        self._added: list[R] = []  # to the last page, since it was written
        self._tail: bytes | None = b""  # the rows of the last page as written; None: not known

    def add(self, record: R) -> None:
        page = record.page = self.count // self.size
        if self.count % self.size == 0:
            if self._added:
                self.dirty.add(page - 1)
                self._added = []
            self._tail = b""
            self.pages[page] = [record]
        else:
            self.pages[page].append(record)
        self.count += 1
        self._added.append(record)

    def remove(self, record: R) -> None:
        self.pages[record.page].remove(record)
        self.dirty.add(record.page)

    def dump_into(self, out: dict[str, bytes | None]) -> None:
        """The pages that changed since the last call; None for one that is empty for good."""
        last = (self.count - 1) // self.size
        if self._added and (self._tail is None or last in self.dirty):
            self.dirty.add(last)
        elif self._added:
            rows = orjson.dumps([r.row() for r in self._added])[1:-1]
            self._tail = rows if not self._tail else self._tail + b"," + rows
            out[f"{self.prefix}{last}"] = self._page(self.count - last * self.size, self._tail)
        self._added.clear()
        for page in sorted(self.dirty):
            records = self.pages[page]
            ever = self.size if page < last else self.count - last * self.size
            if not records and ever == self.size:
                del self.pages[page]
                out[f"{self.prefix}{page}"] = None
                continue
            rows = orjson.dumps([r.row() for r in records])[1:-1]
            if page == last:
                self._tail = rows
            out[f"{self.prefix}{page}"] = self._page(ever, rows)
        self.dirty.clear()

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.dirty or self._added)

    def _page(self, ever: int, rows: bytes) -> bytes:
        return b"[%d,%d,%b]" % (VERSION, ever, rows) if rows else b"[%d,%d]" % (VERSION, ever)

    def load(self, pieces: Mapping[str, bytes], record: Callable[[list[Any]], R]) -> None:
        """Reads every page of this prefix. Raises ValueError for a version that this engine does not read."""
        numbers = sorted(int(key[len(self.prefix) :]) for key in pieces if key.startswith(self.prefix))
        for page in numbers:
            version, ever, *rows = orjson.loads(pieces[f"{self.prefix}{page}"])
            if version != VERSION:
                raise ValueError(
                    f"{self.prefix}{page} of version {version}: this engine reads version {VERSION}"
                )
            records = self.pages[page] = [record(row) for row in rows]
            for one in records:
                one.page = page
            self.count = page * self.size + ever
        self._tail = None

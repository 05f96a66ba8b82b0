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
    """Records in order of first arrival, `size` a page. A record never moves; an emptied page is deleted."""

    __slots__ = ("count", "dirty", "pages", "prefix", "size")

    def __init__(self, prefix: str, size: int) -> None:
        self.prefix = prefix
        self.size = size
        self.count = 0  # records ever added
        self.pages: dict[int, list[R]] = {}
        self.dirty: set[int] = set()

    def add(self, record: R) -> None:
        page = record.page = self.count // self.size
        self.count += 1
        self.pages.setdefault(page, []).append(record)
        self.dirty.add(page)

    def remove(self, record: R) -> None:
        self.pages[record.page].remove(record)
        self.dirty.add(record.page)

    def dump_into(self, out: dict[str, bytes | None]) -> None:
        """The pages that changed since the last call; None for one that is empty for good."""
        last, on_last = divmod(self.count, self.size)
        for page in sorted(self.dirty):
            records = self.pages[page]
            if not records and page < last:
                del self.pages[page]
                out[f"{self.prefix}{page}"] = None
            else:
                ever = self.size if page < last else on_last
                out[f"{self.prefix}{page}"] = orjson.dumps([VERSION, ever, *[r.row() for r in records]])
        self.dirty.clear()

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

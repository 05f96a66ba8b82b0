"""Sorting more lines than memory should hold: sorted runs in temporary files, merged as they are read.

Lines are text without line breaks; their order is that of their code points (and so of their UTF-8 bytes).
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import IO

RUN_CHARACTERS = 24_000_000
"""Characters held before a run is written; a run then takes about 35 MB of memory, whatever the number of lines."""

_READ_BYTES = 1 << 17


class Sorter:
    """Takes lines in any order and gives them back sorted, once. Memory: one run, and a read buffer for
    each run on disk.

    Use it as a context manager: its temporary files go with it.
    """

    def __init__(self, run_characters: int = RUN_CHARACTERS) -> None:
        self._run_characters = run_characters
        self._lines: list[str] = []
        self._held = 0
        self._runs: list[IO[bytes]] = []
        self._stack = ExitStack()
        self.count = 0

    def __enter__(self) -> Sorter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
        self._lines.clear()

    def add(self, line: str) -> None:
        """One line more. Raises OSError when the disk is full."""
        self._lines.append(line)
        self._held += len(line)
        self.count += 1
        if self._held >= self._run_characters:
            self._spill()

    def _spill(self) -> None:
        self._lines.sort()
        run = self._stack.enter_context(tempfile.TemporaryFile(buffering=_READ_BYTES))  # noqa: SIM115
        for start in range(0, len(self._lines), 2000):
            run.write(("\n".join(self._lines[start : start + 2000]) + "\n").encode())
        run.seek(0)
        self._runs.append(run)
        self._lines.clear()
        self._held = 0

    def __iter__(self) -> Iterator[str]:
        """The lines in order. No line may be added any more."""
        if not self._runs:
            self._lines.sort()
            yield from self._lines
            return
        if self._lines:
            self._spill()
        for line in heapq.merge(*self._runs):
            yield line[:-1].decode()

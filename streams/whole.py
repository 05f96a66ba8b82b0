"""A file that appears whole under its name or not at all, and that one command writes at a time.

What is written into it is its callers'.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from streams.errors import Refused


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, beside `path`; it takes that name when the block ends, and is gone when it raises.

    What stood under the name is replaced. Raises Refused while another command writes the same file, and OSError.
    """
    part = path.with_name(path.name + ".part")
    with _own(part, path) as file:
        try:
            file.truncate(0)
            yield file
            file.flush()
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def _own(part: Path, path: Path) -> IO[bytes]:
    while True:
        file = part.open("ab", buffering=1 << 20)  # not "wb": what another one writes must not be emptied
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise Refused(f"{path} is being written by another command: name another file, or wait") from None
        with contextlib.suppress(FileNotFoundError):
            if os.fstat(file.fileno()).st_ino == part.stat().st_ino:
                return file
        file.close()  # the other one ended between our opening and our lock: what we hold has its name by now

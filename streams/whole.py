"""Files of people: text that is read, and a file that appears whole under its name or not at all, one writer at a time.

What stands in them is the callers'.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from streams.errors import Refused


def text_of(path: Path) -> str:
    """A file of UTF-8 text. Raises Refused with the path where it can not be read."""
    try:
        return path.read_text(encoding="utf-8-sig")  # Windows begins a file with a mark
    except UnicodeDecodeError as error:
        raise Refused(f"cannot read {path}: it is not UTF-8 text") from error
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file to write to, beside `path`; it takes that name when the block ends, and is gone when it raises.

    What stood under the name is replaced, and who may read it stays. Raises Refused while another command writes the
    same file, and OSError.
    """
    part = path.with_name(path.name + ".part")
    with _own(part, path) as file:
        try:
            file.truncate(0)
            with contextlib.suppress(FileNotFoundError):
                shutil.copymode(path, part)
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

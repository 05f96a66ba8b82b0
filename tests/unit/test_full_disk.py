"""No room is left on the disk: one sentence that says so, and no file beside another that it does not belong to."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.simulate import truth_path, write_book

FULL = Path("/dev/full")


@contextlib.contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_an_answer_that_finds_no_room_is_no_fault_of_ours(tmp_path: Path) -> None:
    with FULL.open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "streams", "policy", "check", str(Path("deploy/policy.toml").resolve())],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=100,
        )
    assert ended.stderr == "bellwether: the output: No space left on device; make room\n"
    assert ended.returncode == 1


def test_a_book_that_finds_no_room_leaves_the_former_truth_beside_the_former_book(tmp_path: Path) -> None:
    to = tmp_path / "book.jsonl"
    write_book(to, 3, 2, 1)
    before = to.read_bytes(), truth_path(to).read_bytes()
    with files_of_at_most(8_000), pytest.raises(Refused, match="can not be written there"):
        write_book(to, 20, 4, 2)
    assert (to.read_bytes(), truth_path(to).read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == [to, truth_path(to)]

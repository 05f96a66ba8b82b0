"""Where what a command says finds no room, or a terminal that knows not all of its letters; files that find no room."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

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


def said(tmp_path: Path, out: int | IO[bytes], *arguments: str, **environment: str) -> tuple[int, str, str]:
    """The command's exit code, stdout (where `out` is a pipe) and stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        timeout=100,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_an_answer_that_finds_no_room_is_no_fault_of_ours(tmp_path: Path) -> None:
    policy = str(Path("deploy/policy.toml").resolve())
    with FULL.open("wb") as full:
        code, _, error = said(tmp_path, full, "policy", "check", policy)
    assert (code, error) == (1, "bellwether: the output: No space left on device; make room\n")


def test_a_terminal_that_knows_not_all_letters_is_told_what_it_can_show(tmp_path: Path) -> None:
    write_book(tmp_path / "book.jsonl", 1, 2, 1)
    asked = ("explain", "--why-not", "C000001", "over_limit", "--events", "book.jsonl")
    code, whole, error = said(tmp_path, subprocess.PIPE, *asked, PYTHONIOENCODING="utf-8")
    assert (code, error, whole.isascii()) == (0, "", False)
    answer = said(tmp_path, subprocess.PIPE, *asked, PYTHONIOENCODING="ascii")
    assert answer == (0, whole.encode("ascii", "replace").decode(), "")


def test_a_book_that_finds_no_room_leaves_the_former_truth_beside_the_former_book(tmp_path: Path) -> None:
    to = tmp_path / "book.jsonl"
    write_book(to, 3, 2, 1)
    before = to.read_bytes(), truth_path(to).read_bytes()
    with files_of_at_most(8_000), pytest.raises(Refused, match="can not be written there"):
        write_book(to, 20, 4, 2)
    assert (to.read_bytes(), truth_path(to).read_bytes()) == before
    assert sorted(tmp_path.iterdir()) == [to, truth_path(to)]

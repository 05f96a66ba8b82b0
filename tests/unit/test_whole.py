"""Files that appear whole or not at all, and that one command writes at a time."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from streams.errors import Refused
from streams.whole import written_whole


def test_a_file_has_its_name_when_it_is_whole_and_replaces_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_bytes(b"before")
    with written_whole(path) as file:
        file.write(b"one\n")
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"one\n"
    assert list(tmp_path.iterdir()) == [path]


def test_who_may_read_what_is_replaced_stays(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_text("BELLWETHER_TOKENS=ann:manager:her-secret")
    path.chmod(0o600)
    with written_whole(path) as file:
        assert stat.S_IMODE(path.with_name(".env.part").stat().st_mode) == 0o600
        file.write(b"the same secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def stopped_half_way(path: Path) -> None:
    with written_whole(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt


def test_what_fails_leaves_what_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_bytes(b"before")
    with pytest.raises(KeyboardInterrupt):
        stopped_half_way(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_one_that_was_killed_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "book.jsonl.part").write_bytes(b"a longer half of something else")
    with written_whole(tmp_path / "book.jsonl") as file:
        file.write(b"one")
    assert (tmp_path / "book.jsonl").read_bytes() == b"one"


def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    with written_whole(path) as first:
        first.write(b"first")
        with (
            pytest.raises(Refused, match=r"book\.jsonl is being written by another command"),
            written_whole(path),
        ):
            pytest.fail("let in")
    assert path.read_bytes() == b"first"

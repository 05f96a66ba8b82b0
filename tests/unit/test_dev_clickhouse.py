"""The parts of the ClickHouse front that need no engine: taking a statement apart, and reading compressed bodies."""

from __future__ import annotations

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable

import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.dev import clickhouse
from streams.dev.clickhouse import Failed, decompressed, late_failure, split_insert

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "": bytes,
}


@pytest.mark.parametrize(
    ("text", "head", "form", "rows"),
    [
        (b"INSERT INTO t FORMAT Native\n\x01\x00", "INSERT INTO t ", "Native", b"\x01\x00"),
        (b"insert into t format CSV 1,2\n", "insert into t ", "CSV", b"1,2\n"),
        (b"INSERT INTO t (a, b) FORMAT CSV", "INSERT INTO t (a, b) ", "CSV", b""),
        (b"INSERT INTO t FORMAT CSV;\r\n1", "INSERT INTO t ", "CSV", b"1"),
        (b"INSERT INTO t FORMAT CSV\n\n1", "INSERT INTO t ", "CSV", b"\n1"),
        (b"INSERT INTO t SETTINGS a=1 FORMAT CSV\n1", "INSERT INTO t SETTINGS a=1 ", "CSV", b"1"),
        (b"INSERT INTO `a FORMAT b` FORMAT CSV\n1", "INSERT INTO `a FORMAT b` ", "CSV", b"1"),
        (
            b'INSERT INTO t (`format`, "select") FORMAT CSV\n1',
            'INSERT INTO t (`format`, "select") ',
            "CSV",
            b"1",
        ),
        (b"INSERT INTO t (format, values) FORMAT CSV\n1", "INSERT INTO t (format, values) ", "CSV", b"1"),
        (b"INSERT INTO format FORMAT CSV\n1", "INSERT INTO format ", "CSV", b"1"),
        (b"INSERT INTO db.select FORMAT CSV\n1", "INSERT INTO db.select ", "CSV", b"1"),
        (
            b"-- FORMAT x\n/* y */ INSERT INTO t FORMAT CSV\nFORMAT",
            "-- FORMAT x\n/* y */ INSERT INTO t ",
            "CSV",
            b"FORMAT",
        ),
        (b"INSERT INTO t FORMAT Values (1, 'FORMAT CSV')", "INSERT INTO t ", "Values", b"(1, 'FORMAT CSV')"),
    ],
)
def test_an_insert_is_cut_between_its_head_and_its_rows(
    text: bytes, head: str, form: str, rows: bytes
) -> None:
    insert = split_insert(text)
    assert insert is not None
    assert (insert.head + insert.settings, insert.format, insert.rows) == (head, form, rows)
    assert insert.settings.startswith("SETTINGS ") == ("SETTINGS" in head)


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT JSON",
        b"INSERT INTO t SELECT 1 FORMAT JSON",
        b"INSERT INTO t VALUES (1, 'FORMAT CSV')",
        b"INSERT INTO t WITH 1 AS x SELECT x",
        b"SELECT 'INSERT INTO t FORMAT CSV'",
        b"INSERT INTO t",
        b"",
        b"-- nothing",
        b"INSERT INTO t ('",
    ],
)
def test_other_statements_are_left_whole(text: bytes) -> None:
    assert split_insert(text) is None


@pytest.mark.parametrize("encoding", COMPRESS)
@settings(max_examples=25, deadline=None)
@given(blocks=st.lists(st.binary(max_size=3000), min_size=1, max_size=6))
def test_every_frame_of_a_body_is_read(encoding: str, blocks: list[bytes]) -> None:
    body = b"".join(COMPRESS[encoding](block) for block in blocks)
    assert b"".join(decompressed(body, encoding)) == b"".join(blocks)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_frames_beyond_the_size_of_a_piece_are_read(encoding: str) -> None:
    block = bytes(range(256)) * 10_000
    body = COMPRESS[encoding](block) * 2
    assert b"".join(decompressed(body, encoding)) == block * 2


@pytest.mark.parametrize("encoding", ["lz4", "zstd", "gzip", "deflate"])
@pytest.mark.parametrize("harm", ["cut", "cut second", "garbage", "garbage behind"])
def test_a_body_that_is_not_whole_is_an_error_and_never_a_shorter_insert(encoding: str, harm: str) -> None:
    frame = COMPRESS[encoding](b"some rows\n" * 1000)
    body = {
        "cut": frame[:-5],
        "cut second": frame + frame[:-5],
        "garbage": b"not compressed at all",
        "garbage behind": frame + b"garbage",
    }[harm]
    with pytest.raises(Failed, match="not whole"):
        list(decompressed(body, encoding))


def test_an_unknown_encoding_is_an_error() -> None:
    with pytest.raises(Failed, match="Unknown content encoding"):
        list(decompressed(b"x", "snappy"))


def test_a_body_that_swells_beyond_the_limit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clickhouse, "MAX_INSERT", 1 << 20)
    with pytest.raises(Failed, match="TOO_MANY_BYTES"):
        list(decompressed(gzip.compress(bytes(3 << 20)), "gzip"))


def test_an_error_of_the_engine_keeps_its_code() -> None:
    assert Failed.of(RuntimeError("Streaming failed: Code: 60. DB::Exception: Table x")).code == 60
    assert str(Failed.of(RuntimeError("Streaming failed: Code: 60. DB::Exception: Table x"))).startswith(
        "Code: 60"
    )
    assert Failed.of(RuntimeError("something")).code == 1002


def test_a_late_error_stands_between_its_tags() -> None:
    block = late_failure(Failed(1, "Code: 1. no"), "tag")
    assert block == b"\r\n__exception__\r\ntag\r\nCode: 1. no\n12 tag\r\n__exception__\r\n"


def test_nobody_imports_the_engine_but_the_child_itself() -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); import streams.dev.processes, streams.dev.clickhouse, streams.dev.kafka; "
        "assert 'chdb' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""The same journal gives the same outputs under every Python: sum() of floats is another number from 3.12 on."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents import drift
from streams.backtest import run
from streams.settings import Settings, policy_text
from streams.simulate import generate

_sum = builtins.sum


def until_3_11(values: Iterable[Any], start: Any = 0) -> Any:
    """sum() as one addition after another."""
    for value in values:
        start = start + value
    return start


def from_3_12(values: Iterable[Any], start: Any = 0) -> Any:
    """sum() that makes up for what rounding loses, as far as floats are among the values."""
    values = list(values)
    if any(isinstance(value, float) for value in values):
        return math.fsum([start, *values])
    return _sum(values, start)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("versions") / "book.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(event) for event in generate(10, 15, 6)))
    return path


def told(book: Path, monkeypatch: pytest.MonkeyPatch, summed: Callable[..., Any]) -> list[bytes]:
    out: list[bytes] = []
    with monkeypatch.context() as patch:
        patch.setattr(builtins, "sum", summed)
        run(
            book, policy_text(Settings(_env_file=None)), each=lambda o: out.append(orjson.dumps(o.body))
        )  # every figure of every record
    return out


@pytest.fixture(scope="module")
def before(book: Path) -> list[bytes]:
    with pytest.MonkeyPatch.context() as patch:
        return told(book, patch, until_3_11)


def test_no_record_hangs_on_how_python_adds_floats(
    book: Path, before: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(before) > 1000
    assert before == told(book, monkeypatch, from_3_12)


def test_a_figure_that_adds_floats_would_be_found(
    book: Path, before: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "fsum", lambda values: sum(values))
    # From 3.12 on it would tell what fsum() tells, and that is what was told before.
    assert told(book, monkeypatch, until_3_11) != before

"""The demo's place: cleared when a demo made it, left alone when anything else did, never under a running one."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams import demo
from streams.demo import MARK, Summary, prepare
from streams.errors import Refused
from streams.settings import Settings


def settings(directory: Path) -> Settings:
    return Settings(_env_file=None, data_dir=directory)


def test_an_empty_place_is_taken_and_what_a_demo_left_is_cleared(tmp_path: Path) -> None:
    prepare(settings(tmp_path / "d"))
    left = tmp_path / "d" / "kafka" / "data"
    left.mkdir(parents=True)
    prepare(settings(tmp_path / "d"))
    assert not left.exists()
    assert (tmp_path / "d" / MARK).exists()


def test_the_data_of_dev_are_never_cleared(tmp_path: Path) -> None:
    (tmp_path / "kafka").mkdir()
    with pytest.raises(Refused, match="BELLWETHER_DATA_DIR"):
        prepare(settings(tmp_path))
    assert (tmp_path / "kafka").exists()


def test_a_running_demo_is_not_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(settings(tmp_path))
    (tmp_path / "kafka").mkdir()
    monkeypatch.setattr(demo, "runs", lambda settings: True)
    with pytest.raises(Refused, match="already"):
        prepare(settings(tmp_path))
    assert (tmp_path / "kafka").exists()


def test_a_row_that_is_missing_in_the_store_is_named() -> None:
    full = {"events": 5, "alerts": 2, "proposals": 1, "snapshots": 3}
    summary = Summary(5, 2, 1, 3, dict(full))
    assert summary.missing() == []
    summary.rows["alerts"] = 1
    assert summary.missing() == ["2 alerts were emitted and 1 are stored"]

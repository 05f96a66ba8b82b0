"""Who of the children of `bellwether worker` may end alone. The children here are small programs under the apps' names."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.commands.worker import start_all, watch
from streams.dev.processes import Child, start, stop
from streams.settings import Settings

ASLEEP = "import time; time.sleep(600)"


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """What a test starts, ended at its end whatever happens, and the signals as they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    made: list[Child] = []
    yield made
    stop(made, grace=0.2)
    for number, handler in before.items():
        signal.signal(number, handler)


def child(name: str, program: str, *arguments: object) -> Child:
    return start(name, [sys.executable, "-c", program, *map(str, arguments)])


def noted(code: int) -> str:
    """A program that writes a line into a file and ends."""
    return f"import sys; open(sys.argv[1], 'a').write('here\\n'); sys.exit({code})"


AFTER_THREE = """
import pathlib, sys, time
while not (file := pathlib.Path(sys.argv[1])).exists() or file.read_text().count("here") < 3:
    time.sleep(0.02)
sys.exit(4)
"""


@pytest.mark.parametrize("follower", ["store", "web"])
def test_a_store_or_page_that_ends_is_started_again_and_those_that_decide_go_on(
    follower: str, children: list[Child], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    starts = tmp_path / "starts"
    children += [child(follower, noted(3), starts), child("monitor", AFTER_THREE, starts)]
    assert watch(children, again=0.01) == 1
    assert starts.read_text().count("here") >= 3
    told = capsys.readouterr().err
    assert (
        f"bellwether: {follower} ended with exit code 3; the others go on, it is started again in 0.01 s"
        in told
    )
    assert told.endswith("bellwether: monitor ended with exit code 4; the others were stopped\n")


@pytest.mark.parametrize(
    ("ends", "others"),
    [("intake", ("monitor", "store")), ("monitor", ("intake",)), ("store", ("web",)), ("web", ())],
)
def test_one_that_decides_ends_all_and_so_does_any_where_none_decides(
    ends: str, others: tuple[str, ...], children: list[Child], capsys: pytest.CaptureFixture[str]
) -> None:
    children += [*(child(name, ASLEEP) for name in others), child(ends, "raise SystemExit(5)")]
    assert watch(children) == 1
    assert all(each.ended() is not None for each in children)
    assert capsys.readouterr().err == f"bellwether: {ends} ended with exit code 5; the others were stopped\n"


def test_told_to_stop_it_stops_also_what_waits_to_be_started_again(children: list[Child]) -> None:
    ends_us = (
        "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGTERM); import time; time.sleep(600)"
    )

    children += [child("store", "raise SystemExit(1)"), child("intake", ends_us, os.getpid())]
    assert watch(children) == 0
    assert all(each.ended() is not None for each in children)


def test_folders_of_the_same_names_where_it_is_started_are_not_taken_for_ours(
    children: list[Child], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("streams", "agents", "json"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('of somebody else')")
    monkeypatch.chdir(tmp_path)
    config = Settings(_env_file=None, data_dir=tmp_path / "data")
    children += start_all(["intake"], config, env={"BELLWETHER_BROKER": "nowhere"}, quiet=True)
    while children[0].ended() is None:
        time.sleep(0.02)
    said = (tmp_path / "data" / "logs" / "intake.log").read_text()
    assert "somebody else" not in said
    assert "BELLWETHER_BROKER" in said

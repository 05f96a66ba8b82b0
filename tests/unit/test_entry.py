"""Ctrl-C while a command is still being imported: one short line, exit code 130, no stack."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

import pytest

# Nothing listens on port 1: `status` waits for it far longer than a test does.
NOWHERE: Mapping[str, str] = {
    "BELLWETHER_BROKER": "kafka://127.0.0.1:1",
    "BELLWETHER_STORE": "clickhouse://127.0.0.1:1",
}


def interrupted(tmp_path: Path, seen: str, *arguments: str) -> tuple[int, str, str]:
    """Runs the command and presses Ctrl-C as soon as the module `seen` is imported: exit code, stdout, stderr.

    The interpreter tells each import on stderr (-X importtime), which is when to press; those lines are left out.
    """
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "streams", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, **NOWHERE, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = []
    pressed = False
    for line in process.stderr:
        if not line.startswith("import time:"):
            said.append(line)
        elif not pressed and re.search(rf"\|\s+{re.escape(seen)}$", line):
            process.send_signal(signal.SIGINT)
            pressed = True
    out = process.stdout.read()
    assert pressed, f"{seen} was never imported"
    return process.wait(60), out, "".join(said)


@pytest.mark.parametrize(
    "moment",
    [
        "click.globals",
        "click",
        "confluent_kafka.cimpl",
        "streams.errors",
        "pydantic_core",
        "streams.settings",
        "rich.table",
    ],
)
def test_ctrl_c_during_the_imports_is_one_short_line(tmp_path: Path, moment: str) -> None:
    assert interrupted(tmp_path, moment, "status") == (130, "", "stopped\n")


@pytest.mark.parametrize(
    "command", ["dev", "demo", "worker", "audit", "import", "simulate", "backtest", "explain"]
)
def test_so_it_is_with_every_command(tmp_path: Path, command: str) -> None:
    assert interrupted(tmp_path, "click", command) == (130, "", "stopped\n")


def test_where_ctrl_c_is_ignored_it_stays_so(tmp_path: Path) -> None:
    before = signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # as a shell has it for what runs in a script's background
    try:
        code, out, said = interrupted(tmp_path, "click", "--version")
    finally:
        signal.signal(signal.SIGINT, before)
    assert (code, said) == (0, "")
    assert out.startswith("bellwether")


def test_a_command_that_has_begun_undoes_what_it_must(tmp_path: Path) -> None:
    """The body runs with KeyboardInterrupt again: `finally` blocks are passed through."""
    program = (
        "import os, signal, sys\n"
        "sys.argv = ['bellwether', 'simulate', '--accounts', '1', '--months', '1', '--seed', '1', '--to', 'x.jsonl']\n"
        "import streams.commands.simulate as simulate\n"
        "def body(**options):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    finally:\n"
        "        print('undone', flush=True)\n"
        "simulate.simulate.callback = body\n"
        "from streams.entry import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "undone\n", "stopped")


def test_a_command_works_without_stdin_stdout_and_stderr(tmp_path: Path) -> None:
    """As a supervisor or cron may start it. The file that it writes first must not get the number of stderr."""
    command = '"$0" -m streams simulate --accounts 1 --months 1 --seed 1 --to x.jsonl <&- >&- 2>&-'
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, env=environment)
    assert done.returncode == 0
    assert all(line.startswith("{") for line in (tmp_path / "x.jsonl").read_text("utf-8").splitlines())


def test_the_command_is_this_door() -> None:
    (script,) = entry_points(group="console_scripts", name="bellwether")
    assert script.value == "streams.entry:main"

"""The apps under Faust's own command: found as often as Faust asks, and a refusal is one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

APPS = ("streams.intake", "streams.monitor", "streams.store.app")


def run(tmp_path: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "BELLWETHER_DATA_DIR": str(tmp_path),
            **settings,
        },
    )


@pytest.mark.parametrize("app", APPS)
def test_an_app_that_serves_metrics_is_found_again(tmp_path: Path, app: str) -> None:
    """Faust looks for `module.app` three times at least; the second app would find the port taken."""
    program = f"from faust.cli.base import find_app; assert find_app({app!r}) is find_app({app!r})"
    port = free_port(4)
    nowhere = {"BELLWETHER_BROKER": "kafka://127.0.0.1:1", "BELLWETHER_STORE": "clickhouse://127.0.0.1:1"}
    done = run(tmp_path, "-c", program, BELLWETHER_METRICS_PORT=str(port), **nowhere)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("app", APPS)
def test_a_setting_that_cannot_be_is_one_sentence(tmp_path: Path, app: str) -> None:
    done = run(tmp_path, "-m", "faust", "-A", app, "worker", BELLWETHER_NAMESPACE="Not One")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("bellwether: BELLWETHER_NAMESPACE: ")
    assert done.stderr.count("\n") == 1

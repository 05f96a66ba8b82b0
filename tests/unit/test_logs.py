"""A logged error shows where it happened, and no value of a variable there: one of them may be a token."""

from __future__ import annotations

import subprocess
import sys

import pytest

_PROGRAM = """
import logging, sys
from streams.logs import configure
configure(sys.argv[1])
import structlog

def fails():
    token = "hush" + "-hush"
    raise RuntimeError("the store is away")

for log in (structlog.get_logger(), logging.getLogger("library")):
    try:
        fails()
    except RuntimeError:
        log.error("failed", exc_info=True)
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_logged_error_shows_no_value_of_a_variable(form: str) -> None:
    run = subprocess.run([sys.executable, "-c", _PROGRAM, form], capture_output=True, text=True, check=True)
    assert run.stderr.count("RuntimeError: the store is away") == 2
    assert "hush-hush" not in run.stderr


def test_what_is_logged_goes_to_the_stderr_of_the_moment() -> None:
    program = """
import io, logging, sys
from streams.logs import configure
first, sys.stderr = sys.stderr, io.StringIO()
configure("console")
import structlog
log = structlog.get_logger()
log.error("to the first")
sys.stderr.close()
sys.stderr = first
log.error("to the second")
logging.getLogger("library").error("and this")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "to the first" not in run.stderr
    assert "to the second" in run.stderr
    assert "and this" in run.stderr


def test_a_disk_that_is_full_loses_lines_and_stops_nobody() -> None:
    program = """
import errno, io, logging, sys
from streams.logs import configure
class Full(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")
    def flush(self):
        self.write("")
stderr, sys.stderr = sys.stderr, Full()
configure("console")
import structlog
for log in (structlog.get_logger(), logging.getLogger("library")):
    log.warning("lost")
    print("on")
sys.stderr = stderr
structlog.get_logger().warning("heard again")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["on", "on"]
    assert "heard again" in run.stderr
    assert "lost" not in run.stderr

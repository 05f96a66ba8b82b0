"""The suite itself: what tests/conftest.py promises of processes, where several run the tests."""

from __future__ import annotations

import os

import pytest

SEEN: list[int] = []
"""Of this process: a file whose tests are spread over processes would start its services in each."""


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="one process runs all")
@pytest.mark.parametrize("turn", range(12))
def test_the_tests_of_a_file_run_in_one_process_and_in_their_order(turn: int) -> None:
    SEEN.append(turn)
    assert list(range(turn + 1)) == SEEN

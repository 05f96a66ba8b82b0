"""Which failures of ClickHouse pass by themselves, so that the store waits, and which are the end of a try. No ClickHouse."""

from __future__ import annotations

import pytest
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
)
from urllib3.exceptions import HTTPError

from streams.store.sink import NOT_NOW, UNREADABLE, _passes


def coded(code: int | None) -> DatabaseError:
    error = DatabaseError("as the server says")
    error.code = code
    return error


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (HTTPError("the line is cut"), True),
        (ConnectionResetError(), True),
        (OperationalError("a proxy's 502"), True),
        (coded(None), True),
        (coded(241), True),  # MEMORY_LIMIT_EXCEEDED
        (coded(243), True),  # NOT_ENOUGH_SPACE
        (coded(60), False),  # UNKNOWN_TABLE
        (coded(497), False),  # ACCESS_DENIED
        (coded(27), False),  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        (DataError("no value for that column"), False),
        (ProgrammingError("no such column"), False),
        (ValueError("a fault of ours"), False),
    ],
)
def test_what_the_network_and_a_busy_server_say_passes_and_what_they_refuse_does_not(
    error: Exception, passes: bool
) -> None:
    assert _passes(error) is passes


def test_what_can_not_be_read_is_not_waited_for() -> None:
    assert NOT_NOW.isdisjoint(UNREADABLE)

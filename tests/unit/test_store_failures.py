"""Which failures of ClickHouse pass by themselves, so that the store waits, and which are the end of a try. No ClickHouse."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import (
    DatabaseError,
    DataError,
    OperationalError,
    ProgrammingError,
)
from urllib3.exceptions import HTTPError

import streams.store.migrate as store_migrate
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


class Replaced:
    """A client whose statement finds its view replaced so many times."""

    def __init__(self, times: int, code: int = 218) -> None:
        self.times, self.code, self.asked = times, code, 0

    def command(self, _statement: str) -> None:
        self.asked += 1
        if self.asked <= self.times:
            error: Any = DatabaseError("Table _tmp_replace_1 is dropped or detached")
            error.code = self.code
            raise error


@pytest.mark.parametrize(("times", "code", "asked"), [(0, 218, 1), (2, 218, 3), (9, 218, 4), (1, 60, 1)])
def test_a_statement_is_said_again_where_another_migrator_replaced_its_view_meanwhile(
    times: int, code: int, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_migrate, "_PAUSES", (0, 0, 0))
    client: Any = Replaced(times, code)
    done = times < asked
    with contextlib.nullcontext() if done else pytest.raises(DatabaseError):
        store_migrate._run(client, "ALTER TABLE accounts MODIFY COMMENT 'x'")
    assert client.asked == asked

"""The book of `make bench`, made and read. What is measured with it is __main__.py's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson

from streams.simulate import END, days

MONTHS = 6


def book(accounts: int, ticks: int) -> Iterator[tuple[str | None, bytes]]:
    """(account, event) in time order, the account of a tick being None: MONTHS of events, ticks for the last days only.

    So an account has about 75 events and as many ticks as are asked for. In a live book it has one tick for every 0.4 of
    an event: what a tick costs is therefore told apart, as accounts woken a second.
    """
    first = END - timedelta(days=ticks - 1)
    for day, events in days(accounts, MONTHS, 5):
        for event in events:
            if event["type"] != "clock.ticked":
                yield event["account_id"], orjson.dumps(event)
            elif day >= first:
                yield None, orjson.dumps(event)


def write_book(path: Path, accounts: int, ticks: int) -> None:
    """Into a file, in a process of its own: a simulation holds all of its accounts."""
    with path.open("wb") as file:
        file.writelines(raw + b"\n" for _, raw in book(accounts, ticks))


def read_book(path: Path) -> Iterator[tuple[str | None, bytes]]:
    """(account, event), the account of a tick being None."""
    with path.open("rb") as file:
        for line in file:
            yield orjson.loads(line).get("account_id"), line.rstrip(b"\n")

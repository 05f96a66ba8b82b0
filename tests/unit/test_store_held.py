"""How rows are held against their records: what is missing, waits, differs or stands twice. Neither Kafka nor ClickHouse."""

from __future__ import annotations

from typing import Any

from streams.store.held import Held, _Carried, _compare
from streams.store.rows import rows
from tests.integration.store_kit import Record, status

DAY = 20_513  # of the statuses, 2026-03-01, since 1970


def compared(
    *changed: tuple[int, Any], reached: int = 10, oldest: int = 0, records: tuple[Record, ...] = ()
) -> tuple[Held, set[int], list[int]]:
    """Three statuses and the rows that are made of them, after some were `changed`; what is told, unfit and left over."""
    records = records or tuple(Record(status(n), n) for n in range(3))
    made = rows("account-status", records)
    there = {}
    for sent in zip(*made.columns, strict=True):
        row = dict(zip(made.names, sent, strict=True))
        there[row["offset"]] = [row]
    for offset, how in changed:
        how(there, offset)
    found = Held()
    of = _Carried("account-status", "t", 3, reached, "account_status", oldest)
    unfit = _compare(of, list(records), there, found)
    return found, unfit, sorted(there)


def gone(there: dict[int, Any], offset: int) -> None:
    del there[offset]


def twice(there: dict[int, Any], offset: int) -> None:
    there[offset] = there[offset] * 2


def altered(there: dict[int, Any], offset: int) -> None:
    there[offset] = [*there[offset], {**there[offset][0], "tier": "low", "account_id": "B1"}]


def made_up(there: dict[int, Any], offset: int) -> None:
    there[offset] = [{}]


def test_rows_as_they_were_sent_are_equal() -> None:
    found, unfit, left = compared()
    assert (found, unfit, left) == (Held(rows=3), set(), [])


def test_a_row_that_the_store_should_have_is_missed_and_one_that_it_has_not_come_to_waits() -> None:
    assert compared((1, gone))[0] == Held(
        rows=2, differences=["account_status: the row of t/3 at 1 is missing"]
    )
    assert compared((1, gone), (2, gone), reached=1)[0] == Held(rows=1, waiting=2)
    assert compared((1, gone), reached=2)[0].differences != []


def test_a_row_that_is_kept_no_longer_is_not_missed() -> None:
    assert compared((1, gone), oldest=DAY)[0].differences != []
    assert compared((1, gone), oldest=DAY + 1)[0] == Held(rows=2)


def test_a_row_that_stands_twice_or_differs_is_told() -> None:
    assert compared((1, twice))[0].differences == ["account_status: the row of t/3 at 1 stands 2 times"]
    assert compared((2, altered))[0].differences == [
        "account_status: the row of t/3 at 2 stands 2 times",
        "account_status: the row of t/3 at 2 differs in account_id, tier",
    ]


def test_rows_without_a_record_are_left_and_records_without_a_row_are_named() -> None:
    records = (Record(status(0), 0), Record(raw=b"no status", at=1))
    found, unfit, left = compared((7, made_up), records=records)
    assert (found, unfit, left) == (Held(rows=1), {1}, [7])

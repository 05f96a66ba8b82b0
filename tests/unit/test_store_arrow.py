"""The fast way into columns: it says what the slow one says, or leaves the block to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.store.arrow import batch
from streams.store.columns import DAY, DAY_OR_NULL, MONEY, Kind
from streams.store.rows import TABLES, rows
from tests.integration.store_kit import Record, snapshot, status

[SNAPSHOTS] = [table for table in TABLES if table.topic == "snapshots"]
KINDS = {column.name: column.kind for column in SNAPSHOTS.columns}
EPOCH = dt.date(1970, 1, 1)


def told(kind: Kind | None, value: Any) -> Any:
    """A value of the slow way as the fast one holds it: both mean the same to their columns."""
    if value is None:
        return None
    if kind is MONEY:
        return Decimal(value)
    return EPOCH + dt.timedelta(days=value) if kind in (DAY, DAY_OR_NULL) else value


def slow(records: Sequence[Record], topic: str = "snapshots") -> dict[str, list[Any]] | None:
    """The columns that rows() makes; None when it finds a record unfit."""
    made = rows(topic, records)
    if made.unfit:
        return None
    kinds = {c.name: c.kind for table in TABLES if table.topic == topic for c in table.columns}
    return {n: [told(kinds.get(n), v) for v in c] for n, c in zip(made.names, made.columns, strict=True)}


def fast(records: Sequence[Record], topic: str = "snapshots") -> dict[str, list[Any]] | None:
    made = batch(topic, records)
    if made is None:
        return None
    found: dict[str, list[Any]] = made.columns.to_pydict()
    for name, kind in (("dtp_months", list), ("discounts_taken", list)):
        if name in found:
            found[name] = [kind(value or []) for value in found[name]]
    found["written_at"] = [int(at.timestamp() * 1000) for at in found["written_at"]]
    return found


def test_a_block_beyond_doubt_is_the_same_both_ways() -> None:
    records = [Record(snapshot(n), n, (("ce_id", b"c%d" % n),)) for n in range(25_000)]
    assert fast(records) == slow(records) is not None


def test_statuses_go_the_fast_way_too() -> None:
    records = [Record(status(n, headroom="-5.00", next_review=None), n) for n in range(50)]
    assert fast(records, "account-status") == slow(records, "account-status") is not None


@pytest.mark.parametrize("topic", ["journal", "alerts", "limit-proposals", "dead-letters", "late"])
def test_tables_that_keep_the_record_have_no_fast_way(topic: str) -> None:
    assert batch(topic, [Record({})]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"exposure": 12.5},
        {"exposure": "12.50000"},
        {"exposure": "1e3"},
        {"exposure": "+1"},
        {"exposure": "1\n2"},
        {"exposure": "9" * 35},
        {"fx_rate": "-1"},
        {"as_of": None},
        {"as_of": "1969-12-31"},
        {"as_of": "2026-02-30"},
        {"as_of": "2026-02-01T00:00:00"},
        {"as_of": 7},
        {"account_id": None},
        {"account_id": 7},
        {"dtp_90d": "7"},
        {"dtp_90d": True},
        {"worst_dbt_182d": 1.5},
        {"worst_dbt_182d": 2**63},
        {"rising": 1},
        {"rising": "true"},
        {"discounts_taken": [True, None]},
        {"discounts_taken": [1]},
        {"dtp_months": ["a"]},
        {"ageing": []},
        {"ageing": {"current": 1}},
        {"mood": "an unknown field"},
        {"@": 0},
    ],
)
def test_one_doubtful_record_leaves_the_whole_block_to_the_slow_way(change: dict[str, Any]) -> None:
    assert fast([Record(snapshot(1)), Record(snapshot(2, **change)), Record(snapshot(3))]) is None


@pytest.mark.parametrize(
    "raws",
    [
        [None],
        [b""],
        [b"{}"],
        [b"null"],
        [b"[1]"],
        [b"{"],
        [b'{"account_id":"A","as_of":"2026-01-01","tier":"\xff"}'],
        [b'{"account_id":"A","as_of":"2026-01-01","tier":"\\ud800"}'],
        [b'{"account_id":"A","as_of":"2026-01-01","score":NaN}'],
        [b'{"account_id":"A","as_of":"2026-01-01","score":1e999}'],
        [b'{"account_id":"A","account_id":"B","as_of":"2026-01-01"}'],
        [b'{"account_id":"A","as_of":"2026-01-01"}{"account_id":"B","as_of":"2026-01-01"}', b""],
        [b'{"account_id":"A","as_of":"2026-01-01"}\n{"account_id":"B","as_of":"2026-01-01"}', b"{}"],
        [b'{"account_id":"A","as_of":"2026-01-01"', b"{}}"],
        [b'{"ageing":', b'{"current":"1"},"account_id":"A","as_of":"2026-01-01"}'],
    ],
)
def test_bytes_that_are_not_one_object_a_record_are_not_guessed_at(raws: list[bytes | None]) -> None:
    assert fast([Record(raw=raw, at=n) for n, raw in enumerate(raws)]) is None


TEXTS = st.one_of(st.none(), st.text(max_size=12))
ALWAYS: dict[str, st.SearchStrategy[Any]] = {
    "account_id": st.text(max_size=6),
    "as_of": st.dates(dt.date(1969, 12, 1), dt.date(2149, 12, 1)).map(dt.date.isoformat),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "tier": TEXTS,
    "account_name": st.one_of(TEXTS, st.integers()),
    "exposure": st.one_of(st.none(), st.decimals(-(10**30), 10**30, places=3).map(lambda d: f"{d:f}"), st.text(max_size=4)),
    "fx_rate": st.one_of(st.none(), st.sampled_from(["1", "0.00000000000000000001", "7.", "x"])),
    "dtp_90d": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70)),
    "worst_dbt_182d": st.one_of(st.none(), st.integers(-(2**65), 2**65), st.floats(allow_nan=False)),
    "rising": st.one_of(st.none(), st.booleans(), st.integers(0, 1)),
    "dtp_months": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)))),
    "discounts_taken": st.one_of(st.none(), st.lists(st.one_of(st.booleans(), st.none()), max_size=3)),
    "ageing": st.one_of(st.none(), st.fixed_dictionaries({"current": TEXTS}), st.just([])),
    "new": st.integers(),
}  # fmt: skip


@given(st.lists(st.fixed_dictionaries(ALWAYS, optional=FIELDS), min_size=1, max_size=4))
def test_whatever_comes_the_fast_way_agrees_or_stands_back(bodies: list[dict[str, Any]]) -> None:
    records = []
    for n, body in enumerate(bodies):
        try:
            records.append(Record(raw=orjson.dumps(body), at=n))
        except orjson.JSONEncodeError:  # a text with half a pair, a number beyond 64 bits
            return
    quick = fast(records)
    if quick is not None:
        assert quick == slow(records)

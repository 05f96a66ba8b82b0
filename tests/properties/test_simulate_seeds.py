"""For any seed and any shape of book: valid events in order, and a truth that the events bear out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.events import parse
from streams.simulate import generate, truths
from tests.simulated import Books


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.integers(0, 2**40),
    accounts=st.integers(1, 25),
    months=st.integers(1, 20),
    end=st.dates(dt.date(2015, 1, 1), dt.date(2040, 12, 31)),
)
def test_the_events_bear_out_the_truth(seed: int, accounts: int, months: int, end: dt.date) -> None:
    events = list(generate(accounts, months, seed, end))
    assert [e["occurred_at"] for e in events] == sorted(e["occurred_at"] for e in events)
    for event in events:
        parse(orjson.dumps(event))
    books = Books(events)
    for line in truths(accounts, months, seed, end):
        day = books.turned_bad(line["account_id"])
        assert (day and day.isoformat()) == line["event_date"], line
        if day is not None:
            assert books.open_balance(line["account_id"], day) == Decimal(line["exposure_at_event"]), line
        for paper in books.papers[line["account_id"]].values():
            assert paper.open_at_end_of(dt.date.max) >= 0

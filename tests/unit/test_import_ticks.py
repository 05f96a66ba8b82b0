"""The clock of a file, and the sorting of more lines than memory holds."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest

from schemas.events import parse
from streams.feeds.sorting import Sorter
from streams.ticks import Ticks, has_ticks, with_ticks
from tests.import_builders import imported, imported_events, ticked_days, written

HEADER = "Customer,Invoice,Invoice Date,Due Date,Amount"


def event(instant: str, number: int = 1) -> bytes:
    return orjson.dumps(
        {
            "event_id": f"e{number}",
            "type": "invoice.voided",
            "account_id": "C1",
            "occurred_at": instant,
            "source": "test",
            "invoice_id": f"I{number}",
        }
    )


def told(*instants: str, zone: dt.tzinfo = dt.UTC, given: bool = False) -> list[str]:
    """The story with its ticks: T for a tick, the day of each."""
    events = [(raw, parse(raw)) for raw in map(event, instants)]
    return [
        f"T{parsed.as_of}"
        if parsed.type == "clock.ticked"
        else f"{parsed.occurred_at.astimezone(zone):%Y-%m-%d}"
        for _, parsed in with_ticks(events, zone, given)
    ]


def test_a_day_ends_before_the_first_event_of_a_later_one_and_the_last_at_the_end() -> None:
    assert told("2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z", "2024-01-03T10:00:00Z") == [
        "2024-01-01",
        "2024-01-01",
        "T2024-01-01",
        "T2024-01-02",
        "2024-01-03",
        "T2024-01-03",
    ]


def test_time_that_goes_back_makes_no_tick() -> None:
    assert told("2024-01-03T10:00:00Z", "2024-01-01T10:00:00Z", "2024-01-04T10:00:00Z") == [
        "2024-01-03",
        "2024-01-01",
        "T2024-01-03",
        "2024-01-04",
        "T2024-01-04",
    ]


def test_the_day_is_that_of_the_time_zone() -> None:
    late = "2024-01-01T23:30:00Z"
    assert told(late) == ["2024-01-01", "T2024-01-01"]
    assert told(late, zone=ZoneInfo("Europe/Berlin")) == ["2024-01-02", "T2024-01-02"]


def test_no_event_no_tick() -> None:
    assert told() == []
    assert Ticks(dt.UTC).last() == []


def test_ticks_of_the_file_are_used_as_they_are() -> None:
    assert told("2024-01-01T10:00:00Z", "2024-01-03T10:00:00Z", given=True) == ["2024-01-01", "2024-01-03"]


def test_a_tick_is_derived_from_day_and_zone_and_lies_in_its_day() -> None:
    zone = ZoneInfo("America/New_York")
    first, second = Ticks(zone), Ticks(zone)
    for ticks in (first, second):
        ticks.before(dt.date(2024, 3, 10).toordinal())  # clocks go forward on this day
    assert first.last() == second.last()
    tick = parse(first.last()[0])
    assert tick.type == "clock.ticked"
    assert tick.event_id == "tick-2024-03-10"
    assert tick.occurred_at.astimezone(zone).isoformat() == "2024-03-10T23:59:59-04:00"


@pytest.mark.parametrize(
    ("content", "has"),
    [
        (event("2024-01-01T10:00:00Z"), False),
        (b'{"event_id":"t","type" : "clock.ticked","as_of":"2024-01-01"}\n', True),
        (b'{"type":"news.published","headline":"the clock.ticked"}', False),
        (b'{"type":"news.published","extra":{"type":"clock.ticked"}}', False),
        (b'{"type":"clock.ticked" broken', False),
        (b"", False),
    ],
)
def test_whether_a_file_has_ticks(tmp_path: Path, content: bytes, has: bool) -> None:
    assert has_ticks([written(tmp_path, "x.jsonl", content)]) is has


def test_a_ledger_and_its_events_again_have_the_same_records(tmp_path: Path) -> None:
    ledger = f"{HEADER}\nC1,I1,2024-01-02,2024-02-01,1\nC2,I2,2024-01-05,2024-02-01,1\n"
    once = imported(tmp_path, ledger)
    events = [raw for raw in once.raw if b"clock.ticked" not in raw]
    assert imported_events(tmp_path, b"\n".join(events)).raw == once.raw  # ticks made anew
    assert imported_events(tmp_path, b"\n".join(once.raw)).raw == once.raw  # ticks as they are


def test_a_file_of_events_keeps_its_order_and_loses_only_what_is_no_event(tmp_path: Path) -> None:
    lines = [
        event("2024-01-03T10:00:00Z", 3),
        b"{broken",
        b"",
        event("2024-01-01T10:00:00Z", 1),
        b'{"event_id":"p","type":"policy.adopted","occurred_at":"2024-01-01T00:00:00Z","source":"x","hash":"h","text":"t",'
        b'"engine":"e"}',
        event("2024-01-04T10:00:00Z", 4).replace(b'"source"', b'"sauce":1,"source"'),
    ]
    got = imported_events(tmp_path, b"\r\n".join(lines))
    assert [parsed.event_id for parsed in got.events] == ["e3", "e1", "tick-2024-01-03"]
    assert [bad.rpartition("/")[2].split(": ")[0] for bad in got.bad] == [
        "0.jsonl:2",
        "0.jsonl:5",
        "0.jsonl:6",
    ]
    assert "control topic" in got.bad[1]
    assert "sauce" in got.bad[2]
    assert ticked_days(got.events) == ["2024-01-03"]


def test_lines_beyond_one_run_come_back_sorted_by_code_point() -> None:
    lines = [f"{number:06d}\x1fé{chr(0x10FFFF - number)}" for number in range(3_000)]
    shuffled = random.Random(5).sample(lines, len(lines))
    with Sorter(run_characters=2_000) as sorter:
        for line in shuffled:
            sorter.add(line)
        assert list(sorter) == sorted(lines)
        assert sorter.count == 3_000


def test_the_order_is_the_same_with_one_run_as_with_many() -> None:
    lines = ["b", "a\x1fé", "a", "a\x1f\U0010ffff", "a\x1fz", "ab", ""]
    orders = []
    for characters in (1, 1_000_000):
        with Sorter(characters) as sorter:
            for line in lines:
                sorter.add(line)
            orders.append(list(sorter))
    assert orders[0] == orders[1] == sorted(lines)

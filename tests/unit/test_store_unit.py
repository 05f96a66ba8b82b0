"""Where the store goes on, and what a round of it moves. Neither Kafka nor ClickHouse."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from streams.blocks import TP, Block
from streams.errors import Fatal
from streams.store.unit import StoreUnit

HERE: TP = ("credit.alerts.v1", 2)


def unit(ingested: dict[TP, int], low: int = 0, high: int = 100) -> Any:
    """A unit of which `ingested` is what the store has told, over topics that reach from `low` to `high`."""
    made: Any = StoreUnit.__new__(StoreUnit)
    noted: list[Any] = []
    made.sink = SimpleNamespace(
        ingested=lambda _: dict(ingested),
        write=lambda batches, reached: noted.append(("write", batches, reached)),
    )
    made.source = SimpleNamespace(
        watermarks=lambda *_: (low, high),
        rewind=lambda: noted.append("rewind"),
        count_failures=lambda blocks: noted.append("failures"),
        settle=lambda blocks: noted.append("settle"),
        owned=frozenset([HERE]),
        consumer=SimpleNamespace(
            commit=lambda offsets, asynchronous: noted.append(
                [(o.topic, o.partition, o.offset) for o in offsets]
            )
        ),
    )
    made._logical = {HERE[0]: "alerts", "credit.late.v1": "late"}
    made._stopping, made._reached, made.rounds, made.noted = threading.Event(), {}, 0, noted
    return made


def resumed(stands: Any) -> tuple[dict[TP, int], list[tuple[str, Any]]]:
    with capture_logs() as said:
        return dict(stands._resume([HERE])), [(line["log_level"], line.get("at_most")) for line in said]


def test_the_store_goes_on_where_it_is() -> None:
    assert resumed(unit({HERE: 40})) == ({HERE: 40}, [])
    assert resumed(unit({HERE: 100})) == ({HERE: 100}, [])


def test_what_was_never_stored_begins_with_the_topic_and_says_what_kafka_has_dropped() -> None:
    assert resumed(unit({})) == ({}, [])
    assert resumed(unit({}, low=7)) == ({}, [("warning", None)])


def test_rows_that_kafka_dropped_before_the_store_came_to_them_are_told_and_passed_over() -> None:
    assert resumed(unit({HERE: 40}, low=50)) == ({HERE: 50}, [("error", 10)])
    assert resumed(unit({HERE: 98}, low=100)) == ({HERE: 100}, [("error", 1)]), (
        "the last is a transaction's mark"
    )
    assert resumed(unit({HERE: 99}, low=100)) == ({HERE: 100}, [])


def test_a_topic_that_ends_before_what_the_store_holds_was_made_anew() -> None:
    with pytest.raises(Fatal, match="ends at offset 100, but the store holds it up to 101"):
        resumed(unit({HERE: 101}))


def block(topic: str, *offsets: int, applied: bool = True) -> Block:
    made = Block(topic, 2, [SimpleNamespace(offset=lambda at=at: at) for at in offsets])
    made.applied = applied
    return made


def test_rows_come_first_then_how_far_they_reach_and_kafka_is_shown_only_what_is_ours() -> None:
    store = unit({})
    blocks = [block(HERE[0], 5, 6), block("credit.late.v1", 9)]
    assert store.commit(blocks)
    reached = {HERE: 7, ("credit.late.v1", 2): 10}
    assert store.noted == [
        ("write", {"alerts": blocks[0].records, "late": blocks[1].records}, reached),
        "settle",
        [(*HERE, 7)],
    ]
    assert store.rounds == 1


def test_a_round_of_which_a_block_was_not_applied_writes_nothing_and_is_read_again() -> None:
    store = unit({})
    assert not store.commit([block(HERE[0], 5), block("credit.late.v1", 9, applied=False)])
    assert store.noted == ["failures", "rewind"]

"""Intake: what is journalled, what is refused and why, and what waits. No broker: blocks are made by hand."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest
from structlog.testing import capture_logs

from streams import intake as streams_intake
from streams.blocks import Block
from streams.control import Control
from streams.intake import Cluster, Intake
from streams.murmur2 import partition_of
from streams.settings import Settings
from tests.rules import POLICY_TEXT

NOW_MS = 1_760_000_000_000  # 2025-10-09T08:53:20Z


class Record:
    """A Kafka message, as far as intake looks at it."""

    def __init__(
        self, value: bytes | None, topic: str, partition: int = 0, offset: int = 0, key: bytes | None = None
    ) -> None:
        self._value, self._topic, self._partition, self._offset, self._key = (
            value,
            topic,
            partition,
            offset,
            key,
        )
        self.sent_headers: list[tuple[str, bytes]] = []

    def value(self) -> bytes | None:
        return self._value

    def key(self) -> bytes | None:
        return self._key

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def headers(self) -> list[tuple[str, bytes]]:
        return self.sent_headers

    def timestamp(self) -> tuple[int, int]:
        return (1, NOW_MS)


def event(**changes: Any) -> bytes:
    base = {
        "event_id": "e1", "type": "invoice.voided", "account_id": "C1", "occurred_at": "2025-10-09T08:00:00Z",
        "source": "erp", "invoice_id": "I1",
    }  # fmt: skip
    return json.dumps({k: v for k, v in {**base, **changes}.items() if v is not None}).encode()


def tick(day: str) -> bytes:
    return json.dumps(
        {
            "event_id": f"t{day}",
            "type": "clock.ticked",
            "occurred_at": "2025-10-09T00:00:00Z",
            "source": "clock",
            "as_of": day,
        }
    ).encode()


def policy(text: str = POLICY_TEXT) -> bytes:
    return json.dumps(
        {
            "event_id": "p", "type": "policy.adopted", "occurred_at": "2025-10-09T00:00:00Z", "source": "clock",
            "hash": "abc", "text": text, "engine": "1",
        }
    ).encode()  # fmt: skip


def intake(*, standing: bool = True, unread: bool = False, partitions: int = 4) -> Intake:
    return Intake(Settings(_env_file=None), partitions, lambda: standing, lambda: unread)


def block(topic: str, *values: bytes | None, partition: int = 0) -> Block:
    return Block(topic, partition, [Record(v, topic, partition, 10 + i) for i, v in enumerate(values)])


def taken(block: Block) -> list[tuple[str, bytes | None, int]]:
    return [(topic, key, partition) for topic, key, _, _, partition in block.outputs]


def test_a_valid_event_is_journalled_by_account_with_its_origin_and_its_bytes() -> None:
    b = block("credit.invoices.v1", event())
    intake().take(b)
    ((topic, key, value, headers, partition),) = b.outputs
    assert (topic, key, value, partition) == ("credit.journal.v1", b"C1", event(), -1)
    assert dict(headers) == {
        "origin-topic": b"credit.invoices.v1",
        "origin-partition": b"0",
        "origin-offset": b"10",
        "origin-timestamp": b"1760000000000",
    }


@pytest.mark.parametrize(
    ("topic", "value", "said"),
    [
        ("credit.invoices.v1", b"{", "JSON"),
        ("credit.invoices.v1", None, "no value"),
        ("credit.invoices.v1", event(invoice_id=None), "invoice_id"),
        ("credit.payments.v1", event(), "belongs in credit.invoices.v1"),
        ("credit.invoices.v1", event(occurred_at="2025-10-12T09:00:00Z"), "occurred_at"),
        ("credit.invoices.v1", tick("2025-10-08"), "belongs in credit.control.v1"),
        ("credit.history.v1", policy(), "does not belong in a backfill"),
        ("credit.control.v1", event(), "belongs in credit.invoices.v1"),
        ("credit.control.v1", tick("2025-10-12"), "as_of"),
        ("credit.control.v1", policy("x = 1"), "text: "),
    ],
)
def test_what_is_not_valid_becomes_a_dead_letter_that_says_why(
    topic: str, value: bytes | None, said: str
) -> None:
    b = block(topic, value)
    intake().take(b)
    ((to, _, letter, headers, _),) = b.outputs
    named = dict(headers)
    assert to == "credit.dead-letters.v1"
    assert letter == value
    assert said in named["__connect.errors.exception.message"].decode()
    assert b"more than a letter holds" not in named["__connect.errors.exception.message"]
    assert named["__connect.errors.topic"] == topic.encode()
    assert named["__connect.errors.offset"] == b"10"


def test_an_event_that_only_compression_brought_through_kafkas_limit_is_a_letter_that_kafka_takes() -> None:
    large = event(extra={"pdf": "A" * 5_000_000})
    near = event(extra={"pdf": "A" * 1_999_000})
    b = block("credit.invoices.v1", large, near)
    intake().take(b)
    (to, key, letter, headers, _), (journal, _, value, _, _) = b.outputs
    assert (journal, value) == ("credit.journal.v1", near)
    assert (to, key, letter) == ("credit.dead-letters.v1", None, None)
    named = dict(headers)
    assert (named["__connect.errors.topic"], named["__connect.errors.offset"]) == (
        b"credit.invoices.v1",
        b"10",
    )
    assert b"bytes given; wanted at most 2,000,000" in named["__connect.errors.exception.message"]
    assert b"it stands where it came from" in named["__connect.errors.exception.message"]


def test_the_trace_of_whoever_sent_an_event_is_carried_into_the_journal_and_no_other_header_is() -> None:
    b = block("credit.invoices.v1", event())
    trace = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    strange: Any = ("traceparent", None)  # a header without a value
    b.records[0].sent_headers = [strange, ("origin-topic", b"credit.history.v1"), ("x-tenant", b"7"), trace]
    intake().take(b)
    ((*_, headers, _),) = b.outputs
    assert [name for name, _ in headers].count("origin-topic") == 1
    assert headers[-1] == trace
    assert "x-tenant" not in dict(headers)


def test_large_headers_are_no_part_of_what_is_passed_on() -> None:
    b = block("credit.invoices.v1", b"{", event())
    for record in b.records:
        record.sent_headers = [("traceparent", b"0" * 3_000_000)]
    intake().take(b)
    assert [sum(len(value) for _, value in headers) < 3_000 for *_, headers, _ in b.outputs] == [True, True]


def test_where_a_letter_came_from_is_not_what_its_sender_says() -> None:
    b = block("credit.invoices.v1", b"{")
    b.records[0].sent_headers = [("origin-topic", b"credit.history.v1"), ("origin-offset", b"abc")]
    intake().take(b)
    named = dict(b.outputs[0][3])
    assert named["__connect.errors.topic"] == b"credit.invoices.v1"
    assert named["__connect.errors.offset"] == b"10"


def test_an_event_of_the_day_after_tomorrow_is_still_taken() -> None:
    b = block("credit.invoices.v1", event(occurred_at="2025-10-11T08:00:00Z"))
    intake().take(b)
    assert taken(b) == [("credit.journal.v1", b"C1", -1)]


def test_history_takes_any_date_and_keeps_its_partition() -> None:
    home = partition_of(b"C1", 4)
    b = block(
        "credit.history.v1", event(occurred_at="2099-01-01T00:00:00Z"), tick("2001-01-01"), partition=home
    )
    intake().take(b)
    assert taken(b) == [("credit.journal.v1", b"C1", home), ("credit.journal.v1", b"", home)]


def test_history_in_a_partition_where_the_account_does_not_live_is_refused() -> None:
    b = block("credit.history.v1", event(), partition=(partition_of(b"C1", 4) + 1) % 4)
    intake().take(b)
    assert [to for to, _, _ in taken(b)] == ["credit.dead-letters.v1"]


def test_control_records_go_to_every_partition_in_order() -> None:
    b = block("credit.control.v1", policy(), tick("2025-10-08"))
    intake().take(b)
    assert taken(b) == [("credit.journal.v1", b"", n) for _ in range(2) for n in range(4)]


def test_before_a_policy_stands_events_wait_and_the_first_policy_goes_before_all() -> None:
    before = intake(standing=False)
    events, ticks, control = (
        block("credit.invoices.v1", event()),
        block("credit.control.v1", tick("2025-10-07")),
        block("credit.control.v1", tick("2025-10-07"), policy(), tick("2025-10-08")),
    )
    for b in (events, ticks, control):
        before.take(b)
    assert (events.outputs, events.end) == ([], 0)
    assert (ticks.outputs, ticks.end) == ([], 0), "a tick waits for a policy that comes behind it"
    copied = [value for _, _, value, _, partition in control.outputs if partition == 0]
    assert copied == [policy(), tick("2025-10-07"), tick("2025-10-08")]
    assert control.end == 3
    assert control.tally["bellwether_events_total", "control", "accepted"] == 3


def test_once_a_policy_stands_the_cluster_is_not_asked_again() -> None:
    answers = iter([False, True])
    app = Intake(Settings(_env_file=None), 4, lambda: next(answers), lambda: False)
    ends = []
    for _ in range(4):
        app.take(b := block("credit.invoices.v1", event()))
        ends.append(b.end)
    assert ends == [0, 1, 1, 1]


class Silent:
    """A cluster whose history has records that nobody has read, and no broker that hands them out."""

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 2)

    def consumer(self, _own: Any) -> Silent:
        return self

    def reader(self, _group: str) -> Silent:
        return self

    def committed(self, parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
        return parts

    def get_watermark_offsets(self, _part: ck.TopicPartition, _timeout: float) -> tuple[int, int]:
        return 0, 5

    def assign(self, _parts: list[ck.TopicPartition]) -> None:
        pass

    def unassign(self) -> None:
        pass

    def poll(self, _timeout: float) -> None:
        return None


def test_a_partition_that_does_not_answer_counts_as_unread_and_as_one_without_a_policy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = count(start=100, step=4)
    monkeypatch.setattr(streams_intake, "time", SimpleNamespace(monotonic=lambda: next(passed)))
    cluster = Cluster(Silent(), Settings(_env_file=None))  # type: ignore[arg-type]
    assert cluster.history_unread()
    assert not cluster.standing()


def test_that_another_policy_stands_than_the_settings_name_is_said_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams_intake, "not_in_force", lambda *_: "another stands")
    cluster: Any = Cluster(Silent(), Settings(_env_file=None))  # type: ignore[arg-type]
    today = datetime(2026, 3, 2, 12, tzinfo=UTC)
    stands = Control(policy_hash="abc", policy_text=POLICY_TEXT, last_tick=today.date())
    cluster._control = SimpleNamespace(read=lambda: stands)
    with capture_logs() as said:
        cluster.keep_time(today)
        cluster.keep_time(today)
    assert [line["reason"] for line in said] == ["another stands"]


def test_a_clock_that_waits_says_why_every_five_minutes_and_at_once_when_the_reason_is_another() -> None:
    cluster = Cluster(Silent(), Settings(_env_file=None))  # type: ignore[arg-type]
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    with capture_logs() as said:
        for second in range(601):
            cluster.clock_waits("no policy", noon + timedelta(seconds=second))
        cluster.clock_waits("Kafka is away", noon + timedelta(seconds=601))
        cluster.clock_waits(None, noon + timedelta(seconds=602))
        cluster.clock_waits("Kafka is away", noon + timedelta(seconds=603))
    assert [line["reason"] for line in said] == ["no policy"] * 3 + ["Kafka is away"] * 2


def test_what_is_no_policy_is_not_the_first_one() -> None:
    control = block("credit.control.v1", policy("x = 1"), policy())
    intake(standing=False).take(control)
    topics = [topic for topic, _, _, _, partition in control.outputs if partition in (0, -1)]
    assert topics == ["credit.journal.v1", "credit.dead-letters.v1"]
    assert control.outputs[0][2] == policy()


def test_the_clock_waits_while_history_is_unread_and_events_do_not() -> None:
    waiting = intake(unread=True)
    clock = block("credit.control.v1", tick("2025-10-08"), policy())
    events = block("credit.invoices.v1", event())
    waiting.take(clock)
    waiting.take(events)
    assert (clock.outputs, clock.end) == ([], 0)
    assert len(events.outputs) == 1


def test_the_partitions_of_keys_are_those_of_librdkafka_and_java() -> None:
    # Values that Kafka's own clients compute: the murmur2 test vectors of librdkafka (rdmurmur2.c).
    from streams.murmur2 import murmur2

    table = {b"kafka": 0xD067CF64, b"giberish123456789": 0x8F552B0C, b"1234": 0x9FC97B14, b"": 0x106E08D9}
    assert {key: murmur2(key) for key in table} == table


# -- what is counted -----------------------------------------------------------------------------------------------


def test_a_block_counts_what_was_accepted_and_refused_by_feed() -> None:
    b = block("credit.invoices.v1", event(), b"{", event())
    intake().take(b)
    assert b.tally == {
        ("bellwether_events_total", "invoices", "accepted"): 2,
        ("bellwether_events_total", "invoices", "refused"): 1,
        ("bellwether_dead_letters_total", "invoices", "refused"): 1,
    }


def test_control_records_that_wait_are_not_counted_yet() -> None:
    b = block("credit.control.v1", policy(), tick("2025-10-08"))
    intake(unread=True).take(b)
    assert b.tally == {("bellwether_events_total", "control", "accepted"): 1}


def test_a_feed_is_as_fresh_as_its_newest_event_and_no_fresher_than_it_was_sent() -> None:
    app = intake()
    app.take(block("credit.invoices.v1", event(occurred_at="2025-10-08T09:00:00Z")))
    day = app.newest["invoices"]
    app.take(block("credit.invoices.v1", event(occurred_at="2025-10-01T09:00:00Z")))
    assert app.newest["invoices"] == day, "an older one does not make it older"
    app.take(block("credit.invoices.v1", event(occurred_at="2025-10-10T09:00:00Z")))
    assert app.newest["invoices"] == NOW_MS / 1000, "a clock that runs ahead does not make it fresher"
    app.take(block("credit.payments.v1", b"{"))
    assert "payments" not in app.newest, "what is refused does not count"


def test_a_feed_that_is_refused_behind_an_old_event_is_no_fresher_than_that() -> None:
    app = intake()
    app.take(
        block(
            "credit.invoices.v1",
            event(occurred_at="2025-10-01T09:00:00Z"),
            event(occurred_at="2025-10-12T09:00:00Z"),
        )
    )
    assert app.newest["invoices"] == datetime(2025, 10, 1, 9, tzinfo=UTC).timestamp()

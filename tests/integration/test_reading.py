"""Reading partitions one after another, side by side and not to their end: each reading holds its own records alone."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from streams.blocks import Kafka, not_taken
from streams.reading import read_topic
from tests.faults.kit import make_topics, send_foreign, send_to

COUNTS = {0: 300, 1: 0, 2: 7}


def filled(servers: str, namespace: str) -> list[str]:
    """Two topics of three partitions; each value says where it stands."""
    topics = [f"{namespace}.{name}" for name in ("first", "second")]
    make_topics(servers, dict.fromkeys(topics, 3))
    send_to(
        servers,
        [
            (t, n, b"k", b"%s/%d/%d" % (t.encode(), n, i))
            for t in topics
            for n in COUNTS
            for i in range(COUNTS[n])
        ],
    )
    return topics


def values(kafka: Kafka, topic: str, partition: int, until: int | None = None) -> list[str]:
    return [record.value().decode() for record in read_topic(kafka, topic, partition, until)]


def expected(topic: str, partition: int, count: int | None = None) -> list[str]:
    return [f"{topic}/{partition}/{i}" for i in range(COUNTS[partition] if count is None else count)]


def test_each_reading_holds_the_records_of_its_partition_up_to_its_end(kafka: str, namespace: str) -> None:
    topics, cluster = filled(kafka, namespace), Kafka(kafka)
    for topic in (*topics, *topics):
        for partition in (0, 1, 2, 2, 0):
            assert values(cluster, topic, partition) == expected(topic, partition)
            assert values(cluster, topic, partition, 5) == expected(
                topic, partition, min(5, COUNTS[partition])
            )


def test_a_reading_that_ends_early_leaves_nothing_to_the_next(kafka: str, namespace: str) -> None:
    (first, second), cluster = filled(kafka, namespace), Kafka(kafka)
    for _ in range(5):
        assert next(read_topic(cluster, first, 0)).offset() == 0
        assert values(cluster, second, 2) == expected(second, 2)
        assert values(cluster, first, 0) == expected(first, 0)


def test_two_readings_side_by_side_do_not_meet(kafka: str, namespace: str) -> None:
    (first, second), cluster = filled(kafka, namespace), Kafka(kafka)
    pairs = list(zip(read_topic(cluster, first, 0), read_topic(cluster, second, 0), strict=True))
    assert [a.value().decode() for a, _ in pairs] == expected(first, 0)
    assert [b.value().decode() for _, b in pairs] == expected(second, 0)


def test_a_record_whose_header_has_no_name_in_utf_8_is_read_without_its_headers(
    kafka: str, namespace: str
) -> None:
    topic = f"{namespace}.first"
    make_topics(kafka, {topic: 1})
    send_foreign(kafka, topic, 2)
    found = [(record.value(), record.headers()) for record in read_topic(Kafka(kafka), topic, 0)]
    assert found == [(b"0", []), (b"1", [])]


def test_a_reader_may_take_hours_over_a_record(
    kafka: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (first, _), cluster = filled(kafka, namespace), Kafka(kafka)
    late = 0.0
    monkeypatch.setattr("streams.reading.time", SimpleNamespace(monotonic=lambda: time.monotonic() + late))
    seen = 0
    for _ in read_topic(cluster, first, 0):
        late += 3600
        seen += 1
    assert seen == COUNTS[0]


@pytest.mark.parametrize(("newest", "seen"), [(True, 3), (False, 2)])
def test_a_long_reading_of_the_newest_records_goes_on_to_what_came_meanwhile(
    kafka: str, namespace: str, monkeypatch: pytest.MonkeyPatch, newest: bool, seen: int
) -> None:
    """For a record whose place before its end is empty, because Kafka compacted it away, has come again behind that end."""
    topic = f"{namespace}.first"
    make_topics(kafka, {topic: 1})
    send_to(kafka, [(topic, 0, b"k", b"0"), (topic, 0, b"k", b"1")])
    late = 0.0
    monkeypatch.setattr("streams.reading.time", SimpleNamespace(monotonic=lambda: time.monotonic() + late))
    values = []
    for record in read_topic(Kafka(kafka), topic, 0, newest=newest):
        values.append(record.value())
        if record.offset() == 0:
            late = 3600.0
            send_to(kafka, [(topic, 0, b"k", b"2")])
    assert values == [b"0", b"1", b"2"][:seen]


def test_a_slow_reading_of_a_topic_that_grows_comes_to_an_end(
    kafka: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = f"{namespace}.first"
    make_topics(kafka, {topic: 1})
    send_to(kafka, [(topic, 0, b"k", b"0")])
    late = 0.0
    monkeypatch.setattr("streams.reading.time", SimpleNamespace(monotonic=lambda: time.monotonic() + late))
    for seen, _ in enumerate(read_topic(Kafka(kafka), topic, 0, newest=True, seconds=1000), 1):
        assert seen < 20, "each takes 10 s, in which another comes"
        late += 10.0
        send_to(kafka, [(topic, 0, b"k", b"%d" % seen)])
    assert seen > 1


def refusals(kafka: str, topic: str, count: int) -> list[str]:
    """What is said of so many records, sent together, that are dated two hours ahead."""
    said: list[str] = []
    producer = Kafka(kafka).producer({"linger.ms": 200})
    for _ in range(count):
        producer.produce(
            topic,
            b"x",
            timestamp=int((time.time() + 7200) * 1000),
            on_delivery=lambda error, _: said.append(not_taken(error.str()) if error else "taken"),
        )
    assert producer.flush(30) == 0
    return said


def test_a_clock_that_is_ahead_of_kafkas_is_named_where_a_record_is_not_taken(
    kafka: str, namespace: str
) -> None:
    """Kafka's own words for it are two, by how the records were packed: neither says what to mend."""
    make_topics(kafka, {f"{namespace}.dated": 1})
    for count in (1, 20):
        said = refusals(kafka, f"{namespace}.dated", count)
        assert len(said) == count
        assert all("the clock of this machine" in words for words in said)

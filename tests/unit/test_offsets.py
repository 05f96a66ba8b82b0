"""Where intake and the monitor go on when Kafka has dropped their offsets, told by what stands in the topics. No Kafka."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest

from schemas.topics import TOPICS
from streams import offsets
from streams.errors import Refused
from streams.lag import READS
from streams.letters import PREFIX
from streams.reading import COPIED
from streams.settings import Settings
from streams.slot import BEGUN, WHO

SETTINGS = Settings(_env_file=None, namespace="ours", journal_partitions=2)
INVOICES, PAYMENTS, CONTROL, JOURNAL, STATES, LETTERS = (
    SETTINGS.prefixed(TOPICS[name].name)
    for name in ("invoices", "payments", "control", "journal", "account-state", "dead-letters")
)

Headers = dict[str, bytes | None]


class Cluster:
    """Topics of two partitions, of records (key, headers); no group has an offset anywhere but `at`."""

    def __init__(self, at: dict[tuple[str, int], int] | None = None) -> None:
        self.records: dict[tuple[str, int], list[tuple[bytes | None, Headers]]] = {}
        self.at = at or {}
        self.given: dict[str, dict[tuple[str, int], int]] = {}
        self.refuses: str | None = None
        self.astray: str | None = None

    def add(self, topic: str, partition: int, headers: Headers, key: bytes | None = b"C1") -> None:
        self.records.setdefault((topic, partition), []).append((key, headers))

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 2)

    def consumer(self, _own: dict[str, Any]) -> Any:
        def committed(parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
            return [
                ck.TopicPartition(tp[0], tp[1], self.at.get(tp, ck.OFFSET_INVALID))
                for tp in ((part.topic, part.partition) for part in parts)
            ]

        return SimpleNamespace(
            committed=committed,
            get_watermark_offsets=lambda part, _timeout: (
                0,
                len(self.records.get((part.topic, part.partition), ())),
            ),
            close=lambda: None,
        )

    def admin(self) -> Any:
        def alter(wanted: list[Any]) -> dict[str, Any]:
            (asked,) = wanted

            def result() -> Any:
                if self.refuses:
                    raise ck.KafkaException(
                        ck.KafkaError(ck.KafkaError.NON_EMPTY_GROUP, self.refuses, False, False, False)
                    )
                self.given[asked.group_id] = {
                    (part.topic, part.partition): part.offset for part in asked.topic_partitions
                }
                wrong = ck.KafkaError(ck.KafkaError.UNKNOWN_TOPIC_OR_PART) if self.astray else None
                return SimpleNamespace(
                    topic_partitions=[SimpleNamespace(topic=self.astray, partition=0, error=wrong)]
                )

            return {asked.group_id: SimpleNamespace(result=result)}

        return SimpleNamespace(alter_consumer_group_offsets=alter)


def read(cluster: Any, topic: str, partition: int) -> Any:
    for offset, (key, headers) in enumerate(cluster.records.get((topic, partition), ())):
        yield SimpleNamespace(
            key=lambda key=key: key,
            headers=lambda headers=headers: list(headers.items()),
            offset=lambda offset=offset: offset,
        )


@pytest.fixture(autouse=True)
def _reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "read_topic", read)
    monkeypatch.setattr(
        offsets,
        "read_partitions",
        lambda cluster, topic: (record for n in (0, 1) for record in read(cluster, topic, n)),
    )


def restored(cluster: Any) -> dict[str, dict[tuple[str, int], int]]:
    found: dict[str, dict[tuple[str, int], int]] = {}
    offsets.restore_offsets(cluster, SETTINGS, found.__setitem__)
    assert {group: told for group, told in found.items() if told} == cluster.given
    assert list(found) == ["ours.intake", "ours.monitor"]
    return found


def origin(offset: int, partition: int = 0, prefix: str = "origin-", topic: str = INVOICES) -> Headers:
    named = {"topic": topic, "partition": str(partition), "offset": str(offset)}
    return {prefix + name: value.encode() for name, value in named.items()}


def test_intake_goes_on_behind_the_newest_of_what_it_has_journalled_and_refused() -> None:
    cluster = Cluster()
    for partition in (0, 1):
        for _ in range(9):
            cluster.add(INVOICES, partition, {})
    cluster.add(JOURNAL, 0, origin(3))
    cluster.add(JOURNAL, 1, origin(5))
    cluster.add(JOURNAL, 1, origin(4))
    cluster.add(LETTERS, 0, origin(6, prefix=PREFIX))
    cluster.add(LETTERS, 0, origin(2, 1, prefix=PREFIX))
    assert restored(cluster)["ours.intake"] == {(INVOICES, 0): 7, (INVOICES, 1): 3}


@pytest.mark.parametrize("at", [0, 4])
def test_an_offset_that_is_there_is_never_changed_and_of_a_partition_without_records_none_is_given(
    at: int,
) -> None:
    cluster = Cluster({(INVOICES, 1): at, (CONTROL, 0): at})
    cluster.add(INVOICES, 1, {})
    cluster.add(CONTROL, 0, {COPIED: b"5"})
    cluster.add(PAYMENTS, 0, {})
    cluster.add(JOURNAL, 0, origin(5, 1))
    cluster.add(JOURNAL, 0, origin(5, 0))  # its records are gone
    assert restored(cluster)["ours.intake"] == {}
    cluster.add(JOURNAL, 0, origin(0, topic=PAYMENTS))
    assert restored(cluster)["ours.intake"] == {(PAYMENTS, 0): 1}


def test_what_a_rebuild_copied_and_what_is_not_intakes_tells_nothing_but_of_control() -> None:
    cluster = Cluster()
    for partition in (0, 1):
        cluster.add(INVOICES, partition, {})
    cluster.add(JOURNAL, 0, origin(50) | {COPIED: b"50"})
    cluster.add(JOURNAL, 0, {})
    cluster.add(JOURNAL, 0, origin(1) | {"origin-offset": b"many"})
    cluster.add(JOURNAL, 0, origin(1) | {"origin-offset": None})
    cluster.add(JOURNAL, 0, origin(0, 1))
    cluster.add(CONTROL, 0, {COPIED: b"8"})
    cluster.add(CONTROL, 0, {COPIED: b"9"})
    cluster.add(CONTROL, 0, {})  # written since
    assert restored(cluster)["ours.intake"] == {(INVOICES, 1): 1, (CONTROL, 0): 2}


def test_of_control_what_intake_has_read_since_goes_before_what_was_copied() -> None:
    cluster = Cluster()
    cluster.add(CONTROL, 0, {COPIED: b"8"})
    cluster.add(CONTROL, 0, {})
    cluster.add(JOURNAL, 0, origin(1, topic=CONTROL))
    assert restored(cluster)["ours.intake"] == {(CONTROL, 0): 2}


def test_the_monitor_goes_on_where_its_newest_commit_says() -> None:
    cluster = Cluster()
    assert READS["monitor"] == ("journal",)
    cluster.add(JOURNAL, 0, {})
    cluster.add(JOURNAL, 1, {})
    cluster.add(STATES, 0, {JOURNAL: b"3"}, WHO)
    cluster.add(STATES, 0, {})
    cluster.add(STATES, 0, {JOURNAL: b"7", "another": b"1"}, WHO)
    cluster.add(STATES, 0, {})
    # Of partition 1 no state was ever written: its journal is read from the beginning.
    assert restored(cluster)["ours.monitor"] == {(JOURNAL, 0): 7}


def test_the_monitors_offset_that_somebody_has_moved_is_put_back_where_its_states_stand() -> None:
    cluster = Cluster({(JOURNAL, 0): 2, (JOURNAL, 1): 7, (INVOICES, 0): 4})
    for partition, before in ((0, b"1"), (1, b"3")):
        cluster.add(STATES, partition, {JOURNAL: before}, WHO)
        cluster.add(STATES, partition, {JOURNAL: b"7", BEGUN: b"", INVOICES: b"9"}, WHO)
        cluster.add(STATES, partition, {})
    cluster.add(JOURNAL, 0, origin(8))
    assert restored(cluster) == {"ours.intake": {}, "ours.monitor": {(JOURNAL, 0): 7}}


def test_states_that_are_gone_are_told_and_no_offset_is_made_up_for_them() -> None:
    cluster = Cluster({(JOURNAL, 1): 7})
    with pytest.raises(Refused, match=rf"ours\.monitor stands at offset 7 of {JOURNAL}/1.*nothing is left"):
        restored(cluster)
    cluster.add(STATES, 1, {}, WHO)  # of a version that named no offset
    assert restored(cluster)["ours.monitor"] == {}


@pytest.mark.parametrize("who", [None, WHO])
def test_states_that_do_not_tell_where_they_go_on_are_refused(who: bytes | None) -> None:
    cluster = Cluster()
    cluster.add(JOURNAL, 1, {})
    cluster.add(STATES, 1, {})
    if who is not None:
        cluster.add(STATES, 1, {}, who)
    with pytest.raises(Refused, match=f"the states in {STATES}/1 do not say from where they go on"):
        restored(cluster)


def test_a_group_whose_workers_run_is_refused_and_a_partition_that_took_none_is_named() -> None:
    cluster = Cluster()
    cluster.add(INVOICES, 0, {})
    cluster.add(JOURNAL, 0, origin(0))
    cluster.refuses = "The group is not empty"
    with pytest.raises(Refused, match=r"group ours\.intake: The group is not empty; stop all of its workers"):
        restored(cluster)
    cluster.refuses, cluster.astray = None, INVOICES
    with pytest.raises(
        Refused, match=rf"group ours\.intake: {INVOICES}/0: .*stop all of its workers, and run this again"
    ):
        restored(cluster)

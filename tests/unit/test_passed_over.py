"""Which source records an audit tells as passed over, by what stands in the topics. No Kafka."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import pytest

from schemas.topics import TOPICS
from streams import offsets
from streams import passed_over as module
from streams.letters import PREFIX
from streams.passed_over import passed_over
from streams.reading import COPIED
from streams.settings import Settings

SETTINGS = Settings(_env_file=None, namespace="ours")
INVOICES, CONTROL, JOURNAL, LETTERS = (
    SETTINGS.prefixed(TOPICS[name].name) for name in ("invoices", "control", "journal", "dead-letters")
)
BOOK = (Path(__file__).parents[2] / "schemas/examples/book.reported.json").read_bytes()


class Cluster:
    """One partition a topic; intake stands at `at`, and of a topic the records before `low` are dropped."""

    def __init__(self, **at: int) -> None:
        self.at = {SETTINGS.prefixed(TOPICS[name].name): offset for name, offset in at.items()}
        self.low: dict[str, int] = {}
        self.records: dict[str, dict[int, Any]] = {}

    def holds(self, topic: str, *offsets: int, value: bytes = b"{}", sent: int = 1000) -> Cluster:
        for offset in offsets:
            self._add(topic, offset, value, {}, sent)
        return self

    def answers(
        self,
        *offsets: int,
        by: str = JOURNAL,
        of: str = INVOICES,
        sent: int = 0,
        more: dict[str, bytes] | None = None,
    ) -> Cluster:
        prefix = "origin-" if by == JOURNAL else PREFIX
        for offset in offsets:
            headers = {
                prefix + "topic": of.encode(),
                prefix + "partition": b"0",
                prefix + "offset": b"%d" % offset,
            }
            self._add(by, len(self.records.get(by, ())), b"", headers | (more or {}), sent)
        return self

    def _add(self, topic: str, offset: int, value: bytes, headers: dict[str, bytes], sent: int) -> None:
        self.records.setdefault(topic, {})[offset] = SimpleNamespace(
            offset=lambda: offset, headers=lambda: list(headers.items()), value=lambda: value, timestamp=lambda: (1, sent)
        )  # fmt: skip

    def read(self, topic: str, _number: int = 0, until: int = 999, since: int = 0) -> Any:
        held = self.records.get(topic, {})
        yield from (held[at] for at in sorted(held) if max(since, self.low.get(topic, 0)) <= at < until)

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 1)

    def consumer(self, own: dict[str, Any]) -> Any:
        assert own["group.id"] == "ours.intake"

        def committed(parts: list[ck.TopicPartition], _timeout: float) -> list[ck.TopicPartition]:
            return [ck.TopicPartition(p.topic, 0, self.at.get(p.topic, ck.OFFSET_INVALID)) for p in parts]

        return SimpleNamespace(committed=committed, close=lambda: None)

    def bounds(self, topic: str) -> list[tuple[int, int]]:
        return [(self.low.get(topic, 0), 1 + max(self.records.get(topic, {-1: 0})))]


def told(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(module, "read_topic", lambda c, *args, **named: c.read(*args, **named))
    monkeypatch.setattr(offsets, "read_partitions", lambda c, topic: c.read(topic))
    monkeypatch.setattr(module, "bounds", lambda c, topic, _parts: c.bounds(topic))
    monkeypatch.setattr(module, "beginning", lambda c, topic, _number: c.low.get(topic, 0))
    return [sentence.partition(", and neither")[0] for sentence in passed_over(cluster, SETTINGS)]


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (Cluster(invoices=3).holds(INVOICES, 0, 1, 2, 3, 4).answers(0, 2).answers(1, by=LETTERS), []),
        (Cluster().holds(INVOICES, 0, 1), []),
        (Cluster(invoices=5).holds(INVOICES, 0, 1, 2, 3, 4, 5).answers(0, 3), ["2 records at 1 to 2", "the record at 4"]),
        (Cluster(invoices=5).holds(INVOICES, 0, 4).answers(0, 4), []),  # between them are marks of transactions
        (Cluster(invoices=5).holds(INVOICES, 0, 4).answers(4), ["the record at 0"]),
        (Cluster(invoices=2).holds(INVOICES, 0, 1).answers(0).answers(1, of=CONTROL), ["the record at 1"]),
        (Cluster(invoices=2).holds(INVOICES, 0, 1).answers(0).answers(1, more={COPIED: b"7"}), ["the record at 1"]),
        (Cluster(control=2).holds(CONTROL, 0, value=BOOK).holds(CONTROL, 1), ["the record at 1"]),
    ],
)  # fmt: skip
def test_what_intake_is_past_has_an_answer_in_journal_or_dead_letters(
    cluster: Cluster, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = told(cluster, monkeypatch)
    assert [sentence.partition("intake is past ")[2] for sentence in found] == said
    assert all(
        sentence.startswith(("ours.credit.invoices.v1/0: ", "ours.credit.control.v1/0: "))
        for sentence in found
    )


@pytest.mark.parametrize(("kept", "said"), [([], 0), ([50], 1), ([51], 0)])
def test_a_record_whose_letter_may_have_been_dropped_by_age_is_taken_as_refused(
    kept: list[int], said: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(invoices=2).holds(INVOICES, 0, 1, sent=50).answers(1)
    cluster.low[LETTERS] = 4
    for sent in kept:
        cluster._add(LETTERS, 4, b"", {}, sent)
    assert len(told(cluster, monkeypatch)) == said


def test_what_kafka_has_dropped_of_a_source_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(invoices=3).holds(INVOICES, 2, 3)
    cluster.low[INVOICES] = 2
    assert [text.partition("past ")[2] for text in told(cluster, monkeypatch)] == ["the record at 2"]

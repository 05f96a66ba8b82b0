"""The table of topics holds what the contract promises, in the form that Kafka takes."""

from __future__ import annotations

import pytest

from schemas.topics import FOR_EVER, OUTPUTS, SOURCES, TOPICS

_400_DAYS = 400 * 24 * 60 * 60 * 1000


def test_every_topic_of_the_contract_is_there_under_its_name() -> None:
    assert {name: topic.name for name, topic in TOPICS.items()} == {
        name: f"credit.{name}.v1"
        for name in (
            "invoices", "payments", "bureau", "news", "accounts", "decisions", "history", "control", "journal", "alerts",
            "limit-proposals", "account-status", "snapshots", "reviews", "reminders", "late", "dead-letters",
            "account-state", "intake-marker",
        )
    }  # fmt: skip


@pytest.mark.parametrize("name", [*SOURCES, "history", "control", "journal"])
def test_what_the_truth_is_made_of_is_kept_for_ever(name: str) -> None:
    assert TOPICS[name].retention_ms == FOR_EVER
    assert TOPICS[name].config()["cleanup.policy"] == "delete"
    assert TOPICS[name].config()["retention.ms"] == "-1"
    assert TOPICS[name].config()["retention.bytes"] == "-1"


@pytest.mark.parametrize(
    "name", ["alerts", "limit-proposals", "snapshots", "reviews", "reminders", "late", "dead-letters"]
)
def test_outputs_are_kept_for_400_days(name: str) -> None:
    assert TOPICS[name].config()["retention.ms"] == str(_400_DAYS)


@pytest.mark.parametrize("name", ["account-status", "account-state", "intake-marker"])
def test_compacted_topics_really_are_compacted(name: str) -> None:
    config = TOPICS[name].config()
    assert config["cleanup.policy"] == "compact"
    # Kafka's own defaults (7 days, 1 GiB, half of the log dirty) leave a small changelog as it is for a week
    assert int(config["segment.ms"]) <= 3_600_000
    assert int(config["segment.bytes"]) <= 64 * 2**20
    assert float(config["min.cleanable.dirty.ratio"]) < 0.5
    assert 0 < int(config["max.compaction.lag.ms"]) <= 86_400_000


def test_only_control_and_the_marker_have_a_fixed_number_of_partitions() -> None:
    assert {name: topic.partitions for name, topic in TOPICS.items() if topic.partitions is not None} == {
        "control": 1,
        "intake-marker": 1,
    }


def test_only_states_and_the_marker_are_private() -> None:
    assert {name for name, topic in TOPICS.items() if topic.private} == {"account-state", "intake-marker"}


def test_every_topic_says_what_it_is_for_in_one_line() -> None:
    for topic in TOPICS.values():
        assert topic.purpose.endswith(".")
        assert "\n" not in topic.purpose
        assert topic.writer
        assert topic.readers
        assert topic.key


def test_configurations_are_strings_as_kafka_takes_them() -> None:
    for topic in TOPICS.values():
        for name, value in topic.config().items():
            assert isinstance(name, str)
            assert isinstance(value, str)


def test_outputs_are_keyed_by_account() -> None:
    assert {TOPICS[name].key for name in OUTPUTS} == {"account_id"}

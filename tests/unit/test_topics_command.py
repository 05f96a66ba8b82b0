"""What `bellwether topics` says of a cluster: what stops workers, and what may be kept."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from schemas.topics import TOPICS
from streams import topics_admin
from streams.blocks import Kafka
from streams.commands.topics import topics
from streams.topics_admin import State

KEPT = "or keep them knowingly"
STOPS = "workers do not start"


@pytest.mark.parametrize(
    ("partitions", "faults", "differences", "says", "not_says"),
    [
        (4, ("cleanup.policy=compact",), (), STOPS, KEPT),
        (2, ("it must have 4 partitions",), (), "kafka-topics.sh for partitions", KEPT),
        (4, (), ("segment.ms=1",), KEPT, STOPS),
        (4, ("cleanup.policy=compact",), ("segment.ms=1",), STOPS, KEPT),
        (0, ("it is missing",), (), "bellwether topics --create", KEPT),
    ],
)
def test_what_loses_records_is_not_to_be_kept_knowingly(
    monkeypatch: pytest.MonkeyPatch,
    partitions: int,
    faults: tuple[str, ...],
    differences: tuple[str, ...],
    says: str,
    not_says: str,
) -> None:
    monkeypatch.setenv("BELLWETHER_BROKER", "kafka://127.0.0.1:1")
    monkeypatch.setattr(Kafka, "__init__", lambda *_: None)
    state = State(TOPICS["payments"], "credit.payments.v1", 4, partitions, faults, differences)
    monkeypatch.setattr(topics_admin, "compare", lambda *_: [state])
    said = CliRunner().invoke(topics, [])
    assert said.exit_code == 1
    assert says in said.output
    assert not_says not in said.output

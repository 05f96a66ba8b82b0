"""The auditor's comparison of outputs with the refold: what Kafka drops by itself is no difference, all else is named."""

from __future__ import annotations

from typing import Any

import orjson

from agents.records import Output
from streams.audit import Findings, _Outputs

TOPIC = "credit.account-status.v1"


def told(number: int, account: str = "C1", **changed: Any) -> Output:
    body = {"account_id": account, "as_of": f"2026-02-{number:02}", "status": "good", "tier": "low"} | changed
    return Output("account-status", account, f"{account}-{number}", "status", "2026-02-01T00:00:00Z", body)


def differences(
    refolded: list[Output], there: list[Output], *, compacted: bool, dropped: bool = False
) -> list[str]:
    records = {output.ce_id: orjson.dumps(output.body) for output in there}
    outputs = _Outputs(TOPIC, 1, compacted, records, dropped=lambda _: dropped, left=dict(records))
    found = Findings()
    for output in refolded:
        outputs.compare(output, found)
    outputs.finish(found)
    return found.differences


def test_what_is_there_as_it_was_emitted_is_equal() -> None:
    all_three = [told(1), told(2), told(3)]
    assert differences(all_three, all_three, compacted=False) == []


def test_a_compacted_topic_needs_the_newest_of_an_account_only() -> None:
    refolded = [told(1), told(1, "C2"), told(2), told(3)]
    assert differences(refolded, [told(1, "C2"), told(3)], compacted=True) == []


def test_the_newest_of_an_account_is_missed_on_a_compacted_topic() -> None:
    refolded = [told(1), told(2), told(1, "C2")]
    assert differences(refolded, [told(1), told(1, "C2")], compacted=True) == [
        f"{TOPIC}: ce_id C1-2 of account C1 is missing"
    ]


def test_records_older_than_all_that_kafka_keeps_are_not_missed() -> None:
    assert differences([told(1), told(2), told(3)], [told(2), told(3)], compacted=False, dropped=True) == []


def test_a_record_in_the_middle_is_missed_though_kafka_dropped_the_oldest() -> None:
    refolded = [told(1), told(2), told(3), told(4)]
    assert differences(refolded, [told(2), told(4)], compacted=False, dropped=True) == [
        f"{TOPIC}: ce_id C1-3 of account C1 is missing"
    ]


def test_the_oldest_is_missed_where_kafka_dropped_none() -> None:
    assert differences([told(1), told(2)], [told(2)], compacted=False) == [
        f"{TOPIC}: ce_id C1-1 of account C1 is missing"
    ]


def test_a_record_that_differs_says_in_which_fields() -> None:
    assert differences([told(1)], [told(1, status="hold", tier=None)], compacted=False) == [
        f"{TOPIC}: ce_id C1-1 of account C1 differs from the refold in status, tier"
    ]


def test_a_field_that_is_null_is_not_one_that_is_absent() -> None:
    assert differences([told(1)], [told(1, note=None)], compacted=False) == [
        f"{TOPIC}: ce_id C1-1 of account C1 differs from the refold in note"
    ]


def test_what_the_refold_never_said_is_told() -> None:
    assert differences([told(1)], [told(1), told(9)], compacted=True) == [
        f"{TOPIC}: ce_id C1-9 is not in the refold"
    ]

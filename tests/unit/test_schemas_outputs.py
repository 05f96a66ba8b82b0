"""Outputs: every field of the contract, every figure in the snapshot, open to fields that come later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from agents.figures import NOT_EMITTED, Ageing, Figures
from schemas.contract import OUTPUT_NAMES, example
from schemas.outputs import OUTPUT_OF, AgeingBuckets, Alert, Snapshot, ce_type

_CONTRACT = {
    "alerts": "alert_id account_id account_name trigger severity status title action as_of opened_at owner "
    "acknowledged_by snoozed_until tier exposure currency evidence history url policy engine",
    "limit-proposals": "proposal_id account_id as_of status direction current_limit proposed_limit currency score grade "
    "categories terms binding approver reasons evidence decided_by effective_limit expires_at policy engine",
    "account-status": "account_id as_of status tier credit_limit headroom open_alerts next_review",
    "snapshots": "account_id account_name as_of currency open_balance past_due unapplied disputed unvalued exposure "
    "credit_limit utilization dtp_30d dtp_90d dtp_365d dtp_baseline dbt_90d dtp_p90_90d dso ageing pay_index score "
    "grade tier paid_30d paid_90d paid_365d exposure_base fx_rate fx_as_of",
}


@pytest.mark.parametrize("topic", OUTPUT_OF)
def test_holds_every_field_of_the_contract(topic: str) -> None:
    fields = OUTPUT_OF[topic].model_fields
    missing = set(_CONTRACT[topic].split()) - {name for name, field in fields.items() if field.is_required()}
    assert not missing


@pytest.mark.parametrize("topic", OUTPUT_OF)
def test_the_example_is_valid(topic: str) -> None:
    OUTPUT_OF[topic].model_validate_json(json.dumps(example(OUTPUT_NAMES[topic])))


@pytest.mark.parametrize("topic", OUTPUT_OF)
def test_a_field_that_is_not_known_yet_is_let_through(topic: str) -> None:
    record = example(OUTPUT_NAMES[topic]) | {"of_a_later_version": 1}
    OUTPUT_OF[topic].model_validate_json(json.dumps(record))


@pytest.mark.parametrize("topic", OUTPUT_OF)
def test_a_missing_field_is_noticed(topic: str) -> None:
    for name in _CONTRACT[topic].split():
        record = {key: value for key, value in example(OUTPUT_NAMES[topic]).items() if key != name}
        with pytest.raises(ValidationError, match=name):
            OUTPUT_OF[topic].model_validate_json(json.dumps(record))


def test_the_snapshot_names_every_figure_as_the_agents_do() -> None:
    assert set(Figures._fields) - set(NOT_EMITTED) <= Snapshot.model_fields.keys()
    assert set(Ageing._fields) == AgeingBuckets.model_fields.keys()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"severity": 6}, "severity"),
        ({"severity": "4"}, "severity"),
        ({"status": "reopened"}, "status"),
        ({"exposure": 46210.0}, "exposure"),
        ({"as_of": "2026-05-02T00:00:00Z"}, "as_of"),
        ({"opened_at": "2026-05-02T22:00:00"}, "opened_at"),
        ({"evidence": {"metrics": {}, "thresholds": {}}}, "event_ids"),
        ({"history": None}, "history"),
    ],
)
def test_an_alert_with_a_wrong_value_is_noticed(change: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        Alert.model_validate_json(json.dumps(example("alert") | change))


@pytest.mark.parametrize(
    ("topic", "kind"),
    [
        ("alerts", "credit.alert.opened"),
        ("limit-proposals", "credit.limit-proposal.proposed"),
        ("account-status", "credit.account-status.changed"),
        ("snapshots", "credit.snapshot.taken"),
    ],
)
def test_the_cloudevents_type_says_the_thing_and_what_became_of_it(topic: str, kind: str) -> None:
    assert ce_type(topic, example(OUTPUT_NAMES[topic])) == kind

"""The generated contract: as committed, whole, and true to the models."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from schemas import contract
from schemas.contract import MODELS, asyncapi, differences, example, json_schema
from schemas.events import MODEL_OF, Invalid, parse
from schemas.topics import OUTPUTS, TOPICS
from streams.commands.schemas import schemas as command
from streams.errors import Refused
from streams.letters import dead_letter


def _committed(name: str) -> Any:
    return json.loads((contract.HERE / "json" / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The generated files, to be spoilt."""
    shutil.copytree(contract.HERE / "json", tmp_path / "json")
    shutil.copytree(contract.HERE / "examples", tmp_path / "examples")
    shutil.copy(contract.HERE / "asyncapi.yaml", tmp_path)
    assert differences(tmp_path) == []
    return tmp_path


def test_the_committed_files_are_what_the_models_make() -> None:
    assert differences() == []


def test_a_changed_file_is_found(copied: Path) -> None:
    path = copied / "json" / "payment.received.json"
    path.write_text(path.read_text().replace('"payment_id",', "", 1))
    (copied / "asyncapi.yaml").write_text("asyncapi: 3.0.0\n")
    assert differences(copied) == ["asyncapi.yaml", "json/payment.received.json"]


def test_a_missing_file_and_one_left_over_are_found(copied: Path) -> None:
    (copied / "json" / "alert.json").rename(copied / "json" / "alarm.json")
    assert differences(copied) == ["json/alarm.json", "json/alert.json"]


def test_writing_mends_what_differs(copied: Path) -> None:
    (copied / "json" / "alert.json").rename(copied / "json" / "alarm.json")
    assert contract.write(copied) == ["json/alarm.json", "json/alert.json"]
    assert differences(copied) == []


def test_the_command_writes_and_then_checks(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contract, "HERE", copied)
    (copied / "json" / "alert.json").unlink()
    refused = CliRunner().invoke(command, ["--check"])
    assert isinstance(refused.exception, Refused)
    assert "json/alert.json" in str(refused.exception)
    written = CliRunner().invoke(command, [])
    assert written.exit_code == 0
    assert "schemas/json/alert.json" in written.output
    assert CliRunner().invoke(command, ["--check"]).exit_code == 0


@pytest.mark.parametrize("name", MODELS)
def test_each_schema_is_valid_and_holds_its_example(name: str) -> None:
    schema = _committed(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(example(name), schema, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", MODELS)
def test_inputs_are_closed_and_outputs_open(name: str) -> None:
    validator = jsonschema.Draft202012Validator(_committed(name))
    assert validator.is_valid(example(name) | {"unheard_of": 1}) is (name not in MODEL_OF)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 12000.0},
        {"amount": "12,000.00"},
        {"amount": "0.00"},
        {"currency": "XXX"},
        {"paid_on": "31.03.2026"},
        {"occurred_at": "2026-03-31T17:05:00"},
        {"account_id": ""},
        {"account_id": "a\u0000"},
        {"applications": [{"invoice_id": "R-1", "amount": 5}]},
    ],
)
def test_a_schema_refuses_what_the_model_refuses(change: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(_committed("payment.received"))
    assert not validator.is_valid(example("payment.received") | change)


@pytest.mark.parametrize(
    ("name", "field", "wanted"),
    [
        ("bureau.reported", "score", "scale_min"),
        ("bureau.reported", "score", "scale_max"),
        ("bureau.reported", "score", "higher_is_better"),
        ("bureau.reported", "recommended_limit", "currency"),
        ("bureau.filed", "amount", "currency"),
        ("invoice.written_off", "amount", "currency"),
        ("invoice.voided", "amount", "currency"),
        ("order.booked", "amount", "currency"),
        ("order.closed", "amount", "currency"),
        ("news.published", "claim", "currency"),
    ],
)
def test_a_schema_wants_the_fields_that_the_model_wants_beside_another(
    name: str, field: str, wanted: str
) -> None:
    validator = jsonschema.Draft202012Validator(_committed(name))
    whole = example(name) | {
        field: example(name).get(field, "500.00"),
        wanted: example(name).get(wanted, "EUR"),
    }
    for change, valid in (
        ({}, True),
        ({wanted: None}, False),
        ({field: None, wanted: None}, True),
    ):
        given = whole | change
        left_out = {key: value for key, value in given.items() if value is not None}
        for event in (given, left_out):
            assert validator.is_valid(event) is valid, event
            if valid:
                parse(json.dumps(event).encode())
            else:
                with pytest.raises(Invalid, match=f"{wanted}: missing"):
                    parse(json.dumps(event).encode())


def test_there_is_one_example_for_each_type_and_output() -> None:
    assert {path.stem for path in (contract.HERE / "examples").iterdir()} == set(MODELS)


# AsyncAPI


def _unresolved(document: Any) -> list[str]:
    """The $refs of a document that lead nowhere inside it."""
    lost: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            if isinstance(target := node.get("$ref"), str):
                found: Any = document
                for part in target.removeprefix("#/").split("/"):
                    found = found.get(part) if isinstance(found, dict) else None
                if found is None or not target.startswith("#/"):
                    lost.append(target)
            for item in node.values():
                walk(item)

    walk(document)
    return lost


@pytest.fixture(scope="module")
def document() -> Any:
    return yaml.safe_load((contract.HERE / "asyncapi.yaml").read_text(encoding="utf-8"))


def test_the_yaml_text_says_what_was_generated(document: Any) -> None:
    assert document == asyncapi()


def test_every_reference_resolves(document: Any) -> None:
    assert _unresolved(document) == []


def test_a_reference_that_leads_nowhere_is_found(document: Any) -> None:
    spoilt = copy.deepcopy(document)
    del spoilt["components"]["schemas"]["PaymentReceived"]
    spoilt["channels"]["alerts"]["messages"]["alert"]["$ref"] = "alert.yaml"
    assert sorted(_unresolved(spoilt)) == ["#/components/schemas/PaymentReceived", "alert.yaml"]


def test_it_is_an_asyncapi_3_document(document: Any) -> None:
    assert document["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= document["info"].keys()
    assert document.keys() <= {
        "asyncapi",
        "info",
        "defaultContentType",
        "channels",
        "operations",
        "components",
    }
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_every_public_topic_is_a_channel_with_an_operation(document: Any) -> None:
    public = {name: topic.name for name, topic in TOPICS.items() if not topic.private}
    assert {name: channel["address"] for name, channel in document["channels"].items()} == public
    assert {operation["channel"]["$ref"] for operation in document["operations"].values()} == {
        f"#/channels/{name}" for name in public
    }


@pytest.mark.parametrize("name", OUTPUTS)
def test_outputs_say_that_they_are_read_committed(document: Any, name: str) -> None:
    assert "read_committed" in document["channels"][name]["description"]


def test_every_type_is_a_message_on_its_topic_on_history_and_in_the_journal(document: Any) -> None:
    channels = {name: set(channel["messages"]) for name, channel in document["channels"].items()}
    assert channels["payments"] == {
        "payment.received", "payment.applied", "payment.reversed", "payment.promised", "payment.scheduled",
    }  # fmt: skip
    assert channels["control"] == {"clock.ticked", "policy.adopted", "book.reported"}
    assert channels["history"] == set(MODEL_OF) - {"policy.adopted", "book.reported"}
    assert channels["journal"] == set(MODEL_OF) - {"book.reported"}
    assert channels["alerts"] == {"alert"}


def test_outputs_carry_cloudevents_headers(document: Any) -> None:
    headers = document["components"]["schemas"]["CloudEventsHeaders"]
    assert set(headers["required"]) == {
        "ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "content-type",
    }  # fmt: skip
    for name in ("alert", "limit-proposal", "account-status", "snapshot"):
        assert document["components"]["messages"][name]["headers"] == {
            "$ref": "#/components/schemas/CloudEventsHeaders"
        }


def test_the_list_of_currencies_is_said_once_a_schema() -> None:
    assert json.dumps(json_schema("payment.received")).count('"USD"') == 1
    assert json.dumps(asyncapi()["components"]["schemas"]).count('"KGS"') == 1


def test_the_headers_of_letters_are_all_described(document: Any) -> None:
    class Input:
        """A record without headers of its own."""

        key = value = headers = staticmethod(lambda: None)
        topic = staticmethod(lambda: "credit.invoices.v1")
        partition = offset = staticmethod(lambda: 0)

    *_, headers = dead_letter("credit.dead-letters.v1", Input(), "no value", "refused")
    described = document["components"]["schemas"]["OriginHeaders"]
    assert {name for name, _ in headers} == set(described["required"]) == set(described["properties"])

"""JSON for programs: what it answers is what its OpenAPI document says, and the document is what the models make."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streams.web import api
from streams.web.queries import Question, Row
from tests.web_kit import (
    ACCOUNT,
    ALERT,
    PROPOSAL,
    KeptDecisions,
    MemoryStore,
    account,
    alert,
    browser,
    figures,
    hidden,
    proposal,
)

CORA = {"Authorization": "Bearer token-of-cora"}


def faults(document: dict[str, Any], schema: dict[str, Any], body: Any) -> list[str]:
    """What of a body the document does not allow."""
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(body)]


def answer_schema(path: str, method: str = "get", status: str = "200") -> dict[str, Any]:
    found: dict[str, Any] = api.document()["paths"][path][method]["responses"][status]["content"][
        "application/json"
    ]["schema"]
    return found


def test_the_document_is_the_one_that_is_committed() -> None:
    assert api.DOCUMENT.read_text(encoding="utf-8") == api.text(), "run: python -m streams.web.api"


def test_a_document_that_was_not_made_anew_is_found() -> None:
    stale = json.loads(api.DOCUMENT.read_text(encoding="utf-8"))
    del stale["paths"]["/api/v1/alerts"]
    assert stale != api.document()


def test_the_document_is_served_and_every_reference_in_it_leads_somewhere() -> None:
    with browser() as it:
        served = it.get("/api/v1/openapi.json").json
    assert served["openapi"] == "3.1.0"

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "$ref" in node:
                name = node["$ref"].removeprefix("#/components/schemas/")
                assert name in served["components"]["schemas"], node["$ref"]
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(served)
    for schema in served["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_address_of_the_document_is_there_and_no_other() -> None:
    with browser() as it:
        there = {
            (route.method.lower(), route.resource.canonical)
            for route in it.client.app.router.routes()
            if route.resource is not None
            and route.resource.canonical.startswith("/api/")
            and route.method != "HEAD"
        }
    told = {(method, path) for path, item in api.document()["paths"].items() for method in item}
    assert there == told | {("get", "/api/v1/openapi.json")}


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/api/v1/accounts", "/api/v1/accounts"),
        (f"/api/v1/accounts/{ACCOUNT}", "/api/v1/accounts/{id}"),
        ("/api/v1/alerts?severity=3", "/api/v1/alerts"),
        (f"/api/v1/alerts/{ALERT}", "/api/v1/alerts/{id}"),
        ("/api/v1/proposals?state=all", "/api/v1/proposals"),
        (f"/api/v1/proposals/{PROPOSAL}", "/api/v1/proposals/{id}"),
    ],
)
def test_answers_are_what_the_document_says(address: str, path: str) -> None:
    with browser() as it:
        answer = it.get(address)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "application/json")
    assert faults(api.document(), answer_schema(path), answer.json) == []


def test_an_account_of_few_payments_is_what_the_document_says() -> None:
    with browser(MemoryStore(figures=[figures(payment_runs_365d=3)])) as it:
        answer = it.get(f"/api/v1/accounts/{ACCOUNT}").json
    assert answer["days_to_pay_shrunk"] is not None
    assert faults(api.document(), answer_schema("/api/v1/accounts/{id}"), answer) == []


def test_an_answer_that_differs_is_found() -> None:
    with browser() as it:
        body = it.get("/api/v1/alerts").json
    broken = copy.deepcopy(body)
    broken["items"][0]["severity"] = 9
    assert faults(api.document(), answer_schema("/api/v1/alerts"), broken)
    del body["items"][0]["evidence"]
    assert faults(api.document(), answer_schema("/api/v1/alerts"), body)


def test_failures_are_problems_in_one_sentence() -> None:
    schema = {"$ref": "#/components/schemas/Problem"}
    with browser(MemoryStore(alert=[])) as it:
        for answer, status in (
            (it.get("/api/v1/alerts/none"), 404),
            (it.get("/api/v1/alerts?severity=9"), 400),
            (it.get("/api/v1/nothing"), 404),
            (it.ask("POST", "/api/v1/alerts"), 405),
        ):
            assert answer.status == status
            assert answer.headers["Content-Type"].startswith("application/problem+json")
            assert faults(api.document(), schema, answer.json) == []
            assert answer.json["status"] == status


def test_a_mistake_is_told_by_its_name_and_what_is_wanted() -> None:
    def body(**sent: Any) -> str:
        return str(
            it.ask("POST", f"/api/v1/proposals/{PROPOSAL}/decision", **{"headers": CORA, **sent}).json[
                "detail"
            ]
        )

    with browser() as it:
        assert (
            it.get("/api/v1/alerts?severity=9").json["detail"] == "severity: wanted less than or equal to 5."
        )
        assert it.get("/api/v1/proposals?status=open").json["detail"] == (
            "status: not known here; there are state, direction, approver, account_id, after, limit."
        )
        assert body(json={"action": "aprove"}) == "action: wanted 'approve' or 'reject'."
        assert body(json={"action": "approve", "limt": "5"}) == (
            "limt: not known here; there are action, limit, note, event_id."
        )
        assert body(data="{", headers={**CORA, "Content-Type": "application/json"}).startswith(
            "the body: no JSON, "
        )


def test_lists_are_paged_by_cursor() -> None:
    rows = [account(account_id=f"C{n}", place=float(9 - n)) for n in range(3)]
    store = MemoryStore(accounts=rows)
    with browser(store) as it:
        first = it.get("/api/v1/accounts?limit=2").json
        assert [item["account_id"] for item in first["items"]] == ["C0", "C1"]
        store.answers["accounts"] = rows[2:]
        second = it.get("/api/v1/accounts", params={"limit": 2, "after": first["next"]}).json
    assert [item["account_id"] for item in second["items"]] == ["C2"]
    assert second["next"] is None
    asked = [question for question in store.asked if question.name == "accounts"][-1]
    assert (asked.parameters["place"], asked.parameters["account"]) == (8.0, "C1")


def test_records_are_given_as_they_were_emitted() -> None:
    with browser(MemoryStore(alerts=[alert(unheard_of="kept")], proposals=[proposal()])) as it:
        found = it.get("/api/v1/alerts").json["items"][0]
    assert found["unheard_of"] == "kept"
    assert found["exposure"] == "46210.00", "money is the decimal string of the wire"


def test_money_of_accounts_is_a_decimal_string_with_the_decimals_of_its_currency() -> None:
    with browser(MemoryStore(accounts=[account(), account(currency="JPY"), account(currency=None)])) as it:
        items = it.get("/api/v1/accounts").json["items"]
    assert [item["exposure"] for item in items] == ["46210.00", "46210", None]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "approve", "limit": "31000.00"}, 202),
        ({"action": "reject", "note": "no"}, 202),
        ({"action": "reject", "event_id": "mine-1"}, 202),
        ({"action": "reject", "event_id": "not / mine"}, 422),
        ({"action": "erase"}, 422),
        ({"action": "approve", "actor": "somebody"}, 422),
        ([], 422),
    ],
)
def test_a_program_decides_with_its_token(body: Any, status: int) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        answer = it.ask("POST", f"/api/v1/proposals/{PROPOSAL}/decision", json=body, headers=CORA)
    assert answer.status == status
    assert len(kept.events) == (status == 202)
    if status == 202:
        assert answer.json == {"event": kept.events[0]}
        assert (kept.events[0]["actor"], kept.events[0]["role"]) == ("cora", "controller")
        path = "/api/v1/proposals/{id}/decision"
        assert faults(api.document(), answer_schema(path, "post", "202"), answer.json) == []


def test_the_event_id_of_a_program_makes_a_repeat_a_repeat() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        for _ in range(2):
            body = {"action": "acknowledge", "event_id": "once"}
            it.ask("POST", f"/api/v1/alerts/{ALERT}/decision", json=body, headers=CORA)
    assert [event["event_id"] for event in kept.events] == ["api-once", "api-once"]


class Journalled(MemoryStore):
    """A store that has journalled what was decided here, and whose proposal and alert wait no longer for that."""

    def __init__(self, kept: KeptDecisions) -> None:
        super().__init__(
            proposal=[proposal(status="approved", decided_by="cora")], alert=[alert(status="cleared")]
        )
        self.kept = kept

    async def ask(self, question: Question) -> list[Row]:
        if question.name != "decision_sent":
            return await super().ask(question)
        said = question.parameters
        return [
            {"value": json.dumps(event)}
            for event in self.kept.events
            if (event["event_id"], event["source"]) == (said["event_id"], said["source"])
        ]


@pytest.mark.parametrize(
    ("path", "body", "other"),
    [
        (f"/api/v1/proposals/{PROPOSAL}/decision", {"action": "approve"}, {"action": "reject"}),
        (f"/api/v1/alerts/{ALERT}/decision", {"action": "acknowledge"}, {"action": "assign"}),
    ],
)
def test_a_program_whose_first_answer_was_lost_asks_again_and_hears_the_same(
    path: str, body: dict[str, Any], other: dict[str, Any]
) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        first = it.ask("POST", path, json={**body, "event_id": "once"}, headers=CORA)
    with browser(Journalled(kept), kept) as it:
        again = it.ask("POST", path, json={**body, "event_id": "once"}, headers=CORA)
        assert (again.status, again.json) == (202, first.json)
        mo = {"Authorization": "Bearer token-of-mo"}
        for change, headers in (({"event_id": "mine"}, CORA), ({}, mo), (other, CORA)):
            asked = {**body, "event_id": "once", **change}
            assert it.ask("POST", path, json=asked, headers=headers).status == 409
        assert it.ask("POST", path, json=body, headers=CORA).status == 409
    assert len(kept.events) == 1


def test_what_answers_get_answers_head() -> None:
    with browser() as it:
        for address in ("/api/v1/alerts", f"/api/v1/proposals/{PROPOSAL}", "/api/v1/openapi.json"):
            answer = it.ask("HEAD", address)
            assert (answer.status, answer.text) == (200, "")


def test_only_json_is_taken() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        path = f"/api/v1/alerts/{ALERT}/decision"
        assert it.ask("POST", path, data="action=acknowledge", headers=CORA).status == 415
        bad = {**CORA, "Content-Type": "application/json"}
        assert it.ask("POST", path, data="{", headers=bad).status == 422
    assert kept.events == []


def test_a_browser_decides_here_with_its_csrf_token() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-ann")
        csrf = hidden(it.get("/").text, "csrf")
        path = f"/api/v1/alerts/{ALERT}/decision"
        answer = it.ask("POST", path, json={"action": "assign"}, headers={"X-CSRF-Token": csrf})
    assert answer.status == 202
    assert kept.events[0]["owner"] == "ann"

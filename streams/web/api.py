"""JSON for programs under /api/v1: alerts, accounts, proposals, decisions; and the OpenAPI document made of the same models.

Alerts and proposals are the records as they were emitted. `python -m streams.web.api` writes the document anew.
"""

from __future__ import annotations

import asyncio
import json
import math
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import models_json_schema

from schemas.outputs import Alert, Grade, LimitProposal, Tier
from streams.web import (
    cursor,
    decisions,
    queries_accounts,
    queries_alerts,
    queries_proposals,
    segments,
    words,
)
from streams.web.queries import Row
from streams.web.queries_accounts import AccountsQuery
from streams.web.queries_alerts import AlertsQuery
from streams.web.queries_proposals import ProposalsQuery
from streams.web.security import deciding
from streams.web.site import SITE, Site, asked, one, own_id, sentence, the_alert, the_proposal

DOCUMENT: Final = Path(__file__).with_name("openapi.json")
VERSION: Final = "1.0.0"
Json = dict[str, Any]


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


Amount = Annotated[str | None, Field(description="A decimal string in the account's currency.")]


class Account(_Answer):
    """An account as of its newest figures; limit, status and tier as of its newest status."""

    account_id: str
    account_name: str | None
    as_of: date | None
    status: Literal["good", "watch", "hold", "prepay"] | None
    tier: Tier | None
    grade: Grade | None
    score: float | None
    currency: str | None
    exposure: Amount
    credit_limit: Amount
    utilization: Annotated[float | None, Field(description="Exposure / limit; null without a limit above 0.")]
    open_balance: Amount
    past_due: Amount
    past_due_share: float | None
    dtp_90d: Annotated[float | None, Field(description="Days to pay, weighted, last 90 days.")]
    dtp_baseline: float | None
    open_alerts: int
    worst_severity: Annotated[int, Field(ge=0, le=5, description="0: no open alert.")]
    triggers: list[str]
    url: str


class Shrunk(_Answer):
    """Days to pay of a year where few payments stand behind them, drawn towards those of the segment.

    To read by: no alert, score or limit stands on it.
    """

    value: Annotated[
        float,
        Field(description="(runs * own + w * mean) / (runs + w), w = drift.segment_weight of the policy."),
    ]
    own: Annotated[float, Field(description="The account's own: dtp_365d.")]
    runs: Annotated[int, Field(ge=0, description="Its payment runs in these 365 days.")]
    mean: Annotated[float, Field(description="The mean of the segment's other accounts, each counted once.")]
    accounts: Annotated[int, Field(ge=1, description="How many those are.")]
    segment: Annotated[
        str | None, Field(description="Their industry; null: the whole book, for nobody else in it has paid.")
    ]
    industry: Annotated[str | None, Field(description="The account's industry; null: not known.")]


class AccountDetail(Account):
    """An account with its newest figures, its open alerts and the proposal that waits."""

    figures: Annotated[
        Json | None, Field(description="The newest snapshot, by the names of credit.snapshots.v1.")
    ]
    days_to_pay_shrunk: Annotated[
        Shrunk | None,
        Field(description="Null where the account's own payments are enough, or there are none."),
    ]
    alerts: Annotated[list[Alert], Field(description="Those that have not cleared.")]
    proposal: Annotated[LimitProposal | None, Field(description="The one that waits for a person.")]


class AccountsPage(_Answer):
    """A page of accounts. `next` is the cursor of the page after it, null on the last."""

    items: list[Account]
    next: str | None


class AlertsPage(_Answer):
    """A page of alerts, each the newest transition."""

    items: list[Alert]
    next: str | None


class ProposalsPage(_Answer):
    """A page of proposals, each the newest transition."""

    items: list[LimitProposal]
    next: str | None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


EventId = Annotated[
    str,
    Field(
        default="",
        max_length=100,
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Of your choice: the same one again is the same decision and does nothing. Left out: one is made.",
    ),
]


class ProposalDecision(_Body):
    """Approve or reject. Name and role are the token's."""

    action: Literal["approve", "reject"]
    limit: Annotated[
        str | None,
        Field(
            max_length=24,
            description="Another limit than the proposed one; a hold leaves the limit as it is.",
        ),
    ] = None
    note: Annotated[str | None, Field(max_length=2000)] = None
    event_id: EventId = ""


class AlertDecision(_Body):
    """Acknowledge, assign (`owner`; none: yourself) or snooze (`until`, a day). The name is the token's."""

    action: Literal["acknowledge", "assign", "snooze"]
    owner: Annotated[str | None, Field(max_length=200)] = None
    until: Annotated[date | None, Field(description="The last day of the snooze.")] = None
    event_id: EventId = ""


class Sent(_Answer):
    """The decision is on credit.decisions.v1. Whether it counts, the monitor decides: the next transition shows it."""

    event: Json


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


def add_routes(router: web.UrlDispatcher) -> None:
    """The addresses for programs."""
    for operation in OPERATIONS:
        # An account's id is the seller's own number: braces too, which {id} alone leaves out.
        path = operation.path.replace("{id}", "{id:[^/]+}")
        if operation.method == "GET":
            router.add_get(path, operation.handler)  # with HEAD, as HTTP wants
        else:
            router.add_route(operation.method, path, operation.handler)
    router.add_get("/api/v1/openapi.json", openapi)


# ---------------------------------------------------------------- answers


def _answer(body: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(body, default=_plain), content_type="application/json"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON")


def _page(
    rows: list[Row], limit: int, place: Callable[[Row], Sequence[Any]], item: Callable[[Row], Any]
) -> web.Response:
    following = cursor.written(place(rows[limit - 1])) if len(rows) > limit else None
    return _answer({"items": [item(row) for row in rows[:limit]], "next": following})


def _record(row: Row) -> Json:
    """A record as it was emitted."""
    body: Json = orjson.loads(row["value"])
    return body


def _account(row: Row) -> Json:
    currency = row["currency"]
    body: Json = {name: row[name] for name in Account.model_fields if name in row}
    for name in ("exposure", "credit_limit", "open_balance", "past_due"):
        body[name] = None if row[name] is None or not currency else decisions.amount_text(row[name], currency)
    body["as_of"] = row["as_of"] if row["as_of"] and row["as_of"].year > 1970 else None
    body["worst_severity"] = row["worst"]
    body["url"] = f"/accounts/{words.segment(row['account_id'])}"
    for name in ("status", "tier", "grade"):
        body[name] = row[name] or None
    for name in ("utilization", "past_due_share"):
        if body[name] is not None and not math.isfinite(body[name]):
            body[name] = None
    return body


_NOT_FIGURES: Final = ("topic", "partition", "offset", "written_at", "other", "value")


async def accounts(request: web.Request) -> web.Response:
    """Accounts, filtered and sorted."""
    query = asked(AccountsQuery, request)
    kinds = (str, str) if query.sort in ("name", "account") else (float, str)
    rows = await request.app[SITE].store.ask(
        queries_accounts.accounts(query, cursor.read(query.after, *kinds))
    )
    return _page(rows, query.limit, lambda row: (row["place"], row["account_id"]), _account)


async def account(request: web.Request) -> web.Response:
    """One account."""
    store = request.app[SITE].store
    account_id = own_id(request)
    row = await one(request, queries_accounts.account(account_id), "No account with this id has any figures.")
    waiting = ProposalsQuery(account_id=account_id, limit=1)
    figures, alerts_, proposals_ = await asyncio.gather(
        store.ask(queries_accounts.figures(account_id)),
        store.ask(queries_alerts.alerts(AlertsQuery(account_id=account_id, open=True, limit=200), None)),
        store.ask(queries_proposals.proposals(waiting, None)),
    )
    known = figures[0] if figures else None
    shrunk = await segments.days_to_pay(store, known)
    return _answer(
        {
            **_account(row),
            "figures": known and {name: value for name, value in known.items() if name not in _NOT_FIGURES},
            "days_to_pay_shrunk": shrunk and shrunk._asdict(),
            "alerts": [_record(alert) for alert in alerts_],
            "proposal": _record(proposals_[0]) if proposals_ else None,
        }
    )


async def alerts(request: web.Request) -> web.Response:
    """Alerts, in the order of account and alert id."""
    query = asked(AlertsQuery, request)
    rows = await request.app[SITE].store.ask(queries_alerts.alerts(query, cursor.read(query.after, str, str)))
    return _page(rows, query.limit, lambda row: (row["account_id"], row["alert_id"]), _record)


async def alert(request: web.Request) -> web.Response:
    """One alert."""
    return _answer(_record(await the_alert(request)))


async def proposals(request: web.Request) -> web.Response:
    """Proposals, newest day first."""
    query = asked(ProposalsQuery, request)
    after = cursor.read(query.after, str, str)
    if after is not None:
        cursor.day(after[0])
    rows = await request.app[SITE].store.ask(queries_proposals.proposals(query, after))
    return _page(rows, query.limit, lambda row: (row["as_of"].isoformat(), row["proposal_id"]), _record)


async def proposal(request: web.Request) -> web.Response:
    """One proposal."""
    row = await the_proposal(request)
    return _answer(_record(row))


_Taken = TypeVar("_Taken", bound=_Body)


async def _body(request: web.Request, kind: type[_Taken]) -> _Taken:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="Send JSON, with Content-Type: application/json.")
    try:
        return kind.model_validate_json(await request.read())
    except ValidationError as error:
        raise web.HTTPUnprocessableEntity(text=sentence(error, kind)) from None


async def decide_proposal(request: web.Request) -> web.Response:
    """Decide a proposal. Takes the role of its `approver` or above to approve."""
    person = deciding(request, request.headers.get("X-CSRF-Token"))
    body = await _body(request, ProposalDecision)
    site = request.app[SITE]
    row = await the_proposal(request)
    event_id = _event_id(body.event_id)
    try:
        event = decisions.on_proposal(row, person, body.action, event_id, site.now(), body.limit, body.note)
    except decisions.Declined as declined:
        said = (row["proposal_id"], decisions.KINDS[body.action], person.name)
        return await _repeated(site, declined, event_id, row["account_id"], said)
    await site.decisions.send(event)
    return _answer({"event": event}, 202)


async def decide_alert(request: web.Request) -> web.Response:
    """Acknowledge, assign or snooze an alert."""
    person = deciding(request, request.headers.get("X-CSRF-Token"))
    body = await _body(request, AlertDecision)
    site = request.app[SITE]
    row = await the_alert(request)
    until = body.until.isoformat() if body.until else None
    event_id = _event_id(body.event_id)
    try:
        event = decisions.on_alert(row, person, body.action, event_id, site.now(), body.owner, until)
    except decisions.Declined as declined:
        said = (row["alert_id"], decisions.KINDS[body.action], person.name)
        return await _repeated(site, declined, event_id, row["account_id"], said)
    await site.decisions.send(event)
    return _answer({"event": event}, 202)


async def _repeated(
    site: Site, declined: decisions.Declined, event_id: str, account_id: str, wanted: tuple[str, str, str]
) -> web.Response:
    """The first answer once more, where a program repeats a decision of its own; else raises `declined`.

    The first answer may have been lost on the way: then the program itself is why the proposal waits no longer.
    `wanted` is what the repeat says: proposal or alert, type, actor.
    """
    rows = await site.store.ask(queries_proposals.decision_sent(event_id, account_id, decisions.SOURCE))
    event: Json = orjson.loads(rows[0]["value"]) if rows else {}
    if (event.get("proposal_id", event.get("alert_id")), event.get("type"), event.get("actor")) != wanted:
        raise declined
    return _answer({"event": event}, 202)


def _event_id(given: str) -> str:
    return f"api-{given or uuid.uuid4().hex}"


# ---------------------------------------------------------------- the document


@dataclass(frozen=True, slots=True)
class Operation:
    """One address and method; `query` or `body` is what it takes, `answer` what it gives."""

    method: str
    path: str
    name: str
    handler: Callable[[web.Request], Awaitable[web.Response]]
    answer: type[BaseModel]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None


_API: Final = "/api/v1"
OPERATIONS: Final = (
    Operation("GET", f"{_API}/accounts", "listAccounts", accounts, AccountsPage, query=AccountsQuery),
    Operation("GET", f"{_API}/accounts/{{id}}", "getAccount", account, AccountDetail),
    Operation("GET", f"{_API}/alerts", "listAlerts", alerts, AlertsPage, query=AlertsQuery),
    Operation("GET", f"{_API}/alerts/{{id}}", "getAlert", alert, Alert),
    Operation(
        "POST", f"{_API}/alerts/{{id}}/decision", "decideAlert", decide_alert, Sent, body=AlertDecision
    ),
    Operation("GET", f"{_API}/proposals", "listProposals", proposals, ProposalsPage, query=ProposalsQuery),
    Operation("GET", f"{_API}/proposals/{{id}}", "getProposal", proposal, LimitProposal),
    Operation(
        "POST",
        f"{_API}/proposals/{{id}}/decision",
        "decideProposal",
        decide_proposal,
        Sent,
        body=ProposalDecision,
    ),
)

_MODELS: Final = (
    Alert, LimitProposal, Account, AccountDetail, AccountsPage, AlertsPage, ProposalsPage, ProposalDecision, AlertDecision,
    Sent, Problem,
)  # fmt: skip


def document() -> Json:
    """The OpenAPI 3.1 document, of the models above and of schemas/outputs.py."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _MODELS], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bellwether",
            "version": VERSION,
            "description": (
                "Alerts, accounts and limit proposals as the store has them, and what people decide on them. Lists are "
                "paged by cursor: give `next` of one page as `after` of the following, with the same filters. Amounts are "
                "decimal strings beside their ISO 4217 code. On loopback reading takes no token; deciding always does."
            ),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(definitions["$defs"].items())),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of BELLWETHER_TOKENS; its name and role go into each decision.",
                }
            },
        },
    }


def _operation(operation: Operation) -> Json:
    made: Json = {
        "operationId": operation.name,
        "summary": (operation.handler.__doc__ or "").strip(),
        "parameters": _parameters(operation),
        "responses": {
            "202" if operation.body else "200": {
                "description": "Sent." if operation.body else "Found.",
                "content": {"application/json": {"schema": _reference(operation.answer)}},
            },
            "default": {
                "description": "What went wrong, in one sentence.",
                "content": {"application/problem+json": {"schema": _reference(Problem)}},
            },
        },
    }
    if operation.body is not None:
        content = {"application/json": {"schema": _reference(operation.body)}}
        made["requestBody"] = {"required": True, "content": content}
    elif operation.method == "GET":
        made["security"] = [{}, {"token": []}]
    return made


def _parameters(operation: Operation) -> list[Json]:
    out: list[Json] = []
    if "{id}" in operation.path:
        out.append(
            {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 200}}
        )
    if operation.query is not None:
        for name, schema in operation.query.model_json_schema()["properties"].items():
            described = {k: v for k, v in schema.items() if k not in ("title", "description")}
            entry = {"name": name, "in": "query", "required": False, "schema": described}
            if "description" in schema:
                entry["description"] = schema["description"]
            out.append(entry)
    return out


def _reference(model: type[BaseModel]) -> Mapping[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def text() -> str:
    """The document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


async def openapi(request: web.Request) -> web.Response:
    """GET /api/v1/openapi.json"""
    return web.Response(body=DOCUMENT.read_bytes(), content_type="application/json")


if __name__ == "__main__":
    DOCUMENT.write_text(text(), encoding="utf-8")

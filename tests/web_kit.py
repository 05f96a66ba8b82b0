"""What the tests of the page share: a store that answers from memory, decisions that are kept, a browser without pictures.

No test lives here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import orjson
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from schemas.contract import example
from streams.settings import Settings
from streams.web.app import application
from streams.web.queries import Question, Row
from tests.rules import POLICY_TEXT

NOW = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
TOKENS = (
    "vera:viewer:token-of-vera,ann:analyst:token-of-ann,mo:manager:token-of-mo,cora:controller:token-of-cora"
)
ACCOUNT = "C-20417"
ALERT = "5b7d0f0e-8a63-5a0f-9f57-6e2f3a1c9d20"
PROPOSAL = "0e4f1c9a-51d2-5b8b-a1d7-2d1f9b7c6e55"
ONCE = "0123456789abcdef0123456789abcdef"


def _stored(name: str, **changed: Any) -> Row:
    """An example record as a row of the store: the columns, and the record itself."""
    body = {**example(name), **changed}
    row: Row = {**body, "value": orjson.dumps(body).decode()}
    for column in ("evidence", "categories", "terms"):
        if column in row:
            row[column] = orjson.dumps(row[column]).decode()
    for column in ("exposure", "current_limit", "proposed_limit", "effective_limit"):
        if row.get(column) is not None:
            row[column] = Decimal(row[column])
    row["as_of"] = date.fromisoformat(row["as_of"])
    for column in ("opened_at", "expires_at"):
        if row.get(column):
            row[column] = datetime.fromisoformat(row[column])
    return row


def alert(**changed: Any) -> Row:
    row = _stored("alert", **changed)
    row["event_ids"] = example("alert")["evidence"]["event_ids"]
    row["opened_on"] = row["opened_at"].date()
    row.setdefault("sleeps_until", None)
    return row


def proposal(**changed: Any) -> Row:
    return _stored("limit-proposal", **changed)


def account(**changed: Any) -> Row:
    row: Row = {
        "account_id": ACCOUNT, "account_name": "Brenner Pumpen GmbH", "as_of": date(2026, 5, 2), "status": "watch",
        "tier": "high", "grade": "D", "score": 44.1, "currency": "EUR", "exposure": Decimal("46210.0000"),
        "exposure_base": Decimal("50100.8800"), "base_currency": "USD", "credit_limit": Decimal("80000.0000"),
        "utilization": 0.577625, "past_due": Decimal("31549.5000"), "open_balance": Decimal("49210.0000"),
        "past_due_share": 0.641, "dtp_90d": 71.4, "dtp_baseline": 44.8, "drift": 26.6, "open_alerts": 1, "worst": 4,
        "triggers": ["seriously_past_due"], "worst_title": "Invoices are more than 60 days past due",
        "since": date(2026, 5, 2), "place": 4000001.0,
    }  # fmt: skip
    return {**row, **changed}


def figures(**changed: Any) -> Row:
    body = {**example("snapshot"), **changed}
    ageing = {f"ageing_{name}": Decimal(value) for name, value in body.pop("ageing").items()}
    body.pop("ageing_disputed")
    return {**body, **ageing, "last_payment_on": date(2026, 4, 17), "as_of": date(2026, 5, 2)}


def story(*alerts: Row) -> list[tuple[Any, ...]]:
    return [
        (
            a["alert_id"], a["trigger"], a["severity"], a["status"], a["title"], a["action"], str(a["as_of"]),
            str(a["opened_on"]), a["owner"] or "", a["acknowledged_by"] or "",
            a["sleeps_until"] or "", a["evidence"],
        )
        for a in alerts
    ]  # fmt: skip


def group(*alerts: Row, **changed: Any) -> Row:
    first = alerts[0]
    row: Row = {
        "account_id": ACCOUNT, "name": first["account_name"], "worst": first["severity"], "newest": first["as_of"],
        "number": len(alerts), "tier_": "high", "exposure_": first["exposure"], "currency_": "EUR",
        "story": story(*alerts), "account_status": "watch", "credit_limit": Decimal(80000), "grade": "D",
        "dtp_90d": 71.4, "dtp_baseline": 44.8, "proposal_id": PROPOSAL, "direction": "cut",
        "proposed_limit": Decimal(32000), "effective_limit": None, "proposal_currency": "EUR",
        "proposal_status": "proposed",
    }  # fmt: skip
    return {**row, **changed}


def event(kind: str, **fields: Any) -> Row:
    body = {"event_id": "e1", "type": kind, "account_id": ACCOUNT, "source": "erp", **fields}
    return {
        "event_id": "e1", "type": kind, "occurred_at": NOW, "source": "erp", "amount": None, "currency": None,
        "value": orjson.dumps(body).decode(), "kind": "event", "at": NOW, "id": "e1", "what": kind, "title": "",
        "severity": 0, "origin": "credit.invoices.v1", "place": 1,
    }  # fmt: skip


def letter(value: bytes, reason: str = "amount: wanted a decimal string") -> Row:
    import base64

    encoded = base64.b64encode(value).decode()
    return {
        "origin_topic": "credit.invoices.v1", "origin_partition": 2, "origin_offset": 7, "kind": "refused",
        "reason": reason, "partition": 0, "offset": 0, "written_at": NOW, "written": 1, "start": encoded,
        "bytes": len(value), "value_text": encoded, "key_text": encoded, "no_key": 0, "heads": [("traceparent", encoded)],
    }  # fmt: skip


def rows() -> dict[str, list[Row]]:
    """What a small store answers to each question."""
    counts = dict.fromkeys(("open", "snoozed", "acknowledged", "unassigned"), 1)
    totals: Row = {
        "accounts": 1, "exposure": Decimal(50100), "currency": "USD", "unvalued": 0, "newest_day": date(2026, 5, 2),
        "newest": NOW, "dtp": 71.4, "past_due_base": 34000.0, "disputed_base": 0.0, "ageing_current_base": 15000.0,
        "ageing_d1_30_base": 13000.0, "ageing_d31_60_base": 5000.0, "ageing_d61_90_base": 15000.0, "ageing_d91_base": 0.0,
    }  # fmt: skip
    day = {"as_of": date(2026, 5, 1), "currency": "EUR", "open_balance": Decimal(1), "exposure": Decimal(1)}
    day |= {
        "credit_limit": None,
        "past_due": Decimal(0),
        "dtp_90d": 40.0,
        "dtp_baseline": 39.0,
        "dbt_90d": 1.0,
    }
    return {
        "as_of": [{"day": date(2026, 5, 2), "stored": NOW}],
        "totals": [totals],
        "tiers": [
            {"tier": "high", "accounts": 1, "exposure": Decimal(50100), "past_due": 34000.0, "dtp": 71.4}
        ],
        "statuses": [{"status": "watch", "accounts": 1}],
        "open_counts": [{"history": False, **counts}],
        "cleared_counts": [{"history": False, "cleared": 1}],
        "proposal_counts": [{"status": "proposed", "number": 1}],
        "turned": [group(alert())],
        "turned_count": [{"accounts": 1, "lately": 1}],
        "trend": [
            {"week": date(2026, 4, 20 + 7 * n), "exposure": 1e4 * n, "past_due": 1.0, "dtp": 40.0 + n}
            for n in (0, 1)
        ],
        "accounts": [account()],
        "accounts_found": [{"found": 1}],
        "account": [account()],
        "figures": [figures()],
        "policy_in_force": [{"text": POLICY_TEXT}],
        "industry": [{"industry": "Machinery"}],
        "days_to_pay_of_others": [
            {"industry": "", "accounts": 2, "days": 60.0},
            {"industry": "logistics", "accounts": 1, "days": 20.0},
            {"industry": "machinery", "accounts": 3, "days": 120.0},
        ],
        "series": [day, {**day, "as_of": date(2026, 5, 2)}],
        "markers": [
            {"day": date(2026, 5, 2), "kind": "alert", "number": 1, "severity": 4, "names": ["past due"]}
        ],
        "alerts_of": [alert()],
        "alerts": [alert()],
        "proposals": [proposal()],
        "timeline": [event("invoice.issued", invoice_id="I1", amount="12.50", currency="EUR")],
        "inbox": [group(alert())],
        "owners": [{"owner": "north"}],
        "alert": [alert()],
        "alert_life": [{**alert(), "number": 1, "reason": None, "written_at": NOW}],
        "events": [event("invoice.issued", invoice_id="I1")],
        "proposal": [proposal()],
        "proposal_life": [{**proposal(), "number": 1, "written_at": NOW}],
        "decision": [],
        "decision_sent": [],
        "decided": [
            {
                "type": "proposal.approved",
                "occurred_at": NOW,
                "actor": "mo",
                "role": "manager",
                "owner": "",
                "until": "",
                "decided_limit": Decimal(5),
                "currency": "EUR",
                "note": "agreed",
                "refused": "",
            }
        ],
        "letters": [letter(b'{"amount": 12}')],
        "letter": [letter(b'{"amount": 12}')],
        "letter_topics": [
            {"which": "dead", "origin_topic": "credit.invoices.v1", "number": 1, "newest": NOW}
        ],
        "feeds": [{"type": "invoice.issued", "source": "erp", "number": 3, "newest": NOW, "arrived": NOW}],
        "moved": [{"topic": "credit.alerts.v1", "position": 3, "at": NOW}],
    }


class MemoryStore:
    """Answers by the question's name; `asked` is what it was asked. An answer that is an exception is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = {**rows(), **answers}
        self.asked: list[Question] = []

    async def ask(self, question: Question) -> list[Row]:
        self.asked.append(question)
        answer = self.answers[question.name]
        if isinstance(answer, Exception):
            raise answer
        return [dict(row) for row in answer]


@dataclass
class KeptDecisions:
    """Takes the place of Kafka: keeps what is sent."""

    events: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    async def send(self, event: Mapping[str, Any]) -> None:
        if self.error is not None:
            raise self.error
        self.events.append(dict(event))


@dataclass
class Answer:
    """What came back."""

    status: int
    text: str
    headers: Any

    @property
    def json(self) -> Any:
        return orjson.loads(self.text)


class Browser:
    """Sends requests to the page as a browser does: it keeps cookies and follows nothing unless asked."""

    def __init__(self, client: TestClient[Any, Any], loop: asyncio.AbstractEventLoop) -> None:
        self.client, self.loop = client, loop

    @property
    def cookies(self) -> list[Any]:
        return list(self.client.session.cookie_jar)

    def ask(self, method: str, path: str | URL, **options: Any) -> Answer:
        async def sent() -> Answer:
            found: ClientResponse
            async with self.client.request(method, path, allow_redirects=False, **options) as found:
                if found.content_type == "text/event-stream":
                    return Answer(found.status, "", found.headers)
                return Answer(found.status, await found.text(), found.headers)

        return self.loop.run_until_complete(sent())

    def get(self, path: str | URL, **options: Any) -> Answer:
        return self.ask("GET", path, **options)

    def post(self, path: str, form: Any = None, **options: Any) -> Answer:
        return self.ask("POST", path, data=form, **options)

    def sign_in(self, token: str) -> Answer:
        form = {"csrf": hidden(self.get("/login").text, "csrf"), "token": token}
        return self.post("/login", form)

    def csrf(self) -> str:
        """The CSRF token that a page shows to whoever is signed in."""
        return hidden(self.get("/login").text, "csrf")


@contextmanager
def browser(
    store: MemoryStore | None = None,
    decisions: KeptDecisions | None = None,
    now: Callable[[], datetime] = lambda: NOW,
    **settings: Any,
) -> Iterator[Browser]:
    """The page on a free port of loopback, whatever it believes to be bound to."""
    options = {"tokens": TOKENS, **settings}
    app = application(
        Settings(_env_file=None, **options),
        store or MemoryStore(),
        decisions or KeptDecisions(),  # type: ignore[arg-type]
        now,
        explain=explained,
    )
    loop = asyncio.new_event_loop()
    client = TestClient(TestServer(app, loop=loop), loop=loop)
    loop.run_until_complete(client.start_server())
    try:
        yield Browser(client, loop)
    finally:
        loop.run_until_complete(client.close())
        loop.close()


async def explained(ident: str, number: Any) -> dict[str, Any]:
    """What `bellwether explain` tells of an alert or of the proposal, in short."""
    happened = {
        "event_id": "e1", "type": "invoice.issued", "date": "2026-05-01", "amount": "12.50", "currency": "EUR",
        "about": "I1", "due_date": "2026-05-31", "source": "erp",
    }  # fmt: skip
    if ident == PROPOSAL:
        return {
            "policy": {"hash": "abc"},
            "engine": "1",
            "currency": "EUR",
            "events": [happened],
            "transitions": [made()],
        }
    condition = {
        "label": "past due",
        "relation": ">=",
        "shown_level": "5,000",
        "shown": "14,549",
        "missing": None,
        "met": True,
    }
    figure = {
        "figure": "past_due_61",
        "label": "past due",
        "value": "14549.50",
        "formula": "Σ",
        "event_ids": ["e1"],
    }
    moment = {
        "as_of": "2026-05-02",
        "conditions": [{**condition, "policy": [{"key": "triggers.x", "value": 1}]}],
    }
    then = {
        "status": "opened",
        "severity": 4,
        "why": "true at 2 ticks in a row",
        "reason": None,
        "figures": [figure],
    }
    return {
        "policy": {"hash": "abc"}, "engine": "1", "currency": "EUR", "transitions": [{**moment, **then}],
        "now": {**moment, "clears": [{"words": "past due 14549 → 0"}], "clears_on": moment["as_of"], "by_itself": False},
        "events": [happened],
    }  # fmt: skip


def made() -> dict[str, Any]:
    """The first transition of a proposal, as streams/explain.py takes it apart."""
    payments = {"pay_index": 43.64, "payment_runs_365d": 63}
    need = {"monthly_purchases": "22352.75", "billing_cycles": 2, "need": "44705.50", "grade_multiplier": 0.6}
    return {
        "status": "proposed", "as_of": "2026-05-02", "decided_by": None, "why": "waits for a person", "score": 44.1,
        "grade": "D", "caps": ["a category is missing: at best B"], "score_formula": "Σ weight × points / Σ weight",
        "grade_formula": "A from 80", "rounding": "rounded down to 2 significant digits", "approver": "manager",
        "approver_why": "32,000.00 EUR is above 25,000 USD", "direction": {"why": ["grade D calls for it"]},
        "raise_conditions": [], "reasons": [{"code": "grade", "words": "the grade calls for a lower limit"}],
        "categories": [
            {"label": "payments to us", "weight": 30.0, "points": 9.1, "inputs": payments, "missing": None,
             "formula": "pay index"},
            {"label": "financials", "weight": 25.0, "points": None, "inputs": {}, "missing": "no statements",
             "formula": "mean"},
        ],
        "terms": [
            {"term": "need", "label": "need × grade", "amount": "26823.30", "binds": True, "inputs": need, "missing": None,
             "formula": "need × the grade's multiplier"},
            {"term": "agency", "label": "agency's limit", "amount": None, "binds": False, "inputs": {}, "missing": "no report",
             "formula": "newest agency limit"},
        ],
    }  # fmt: skip


def hidden(html: str, name: str) -> str:
    """The value of the first hidden field of that name."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, f"no hidden field {name}"
    return found[1]


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def links(self) -> list[str]:
        return [attrs.get("href") or "" for tag, attrs in self.tags if tag == "a"]


PAGES = (
    "/", "/accounts", f"/accounts/{ACCOUNT}", "/alerts", f"/alerts/{ALERT}", f"/alerts/{ALERT}/explanation",
    "/proposals", f"/proposals/{PROPOSAL}", f"/proposals/{PROPOSAL}/explanation",
    "/dead-letters", "/dead-letters/dead/0/0", "/feeds", "/login",
)  # fmt: skip
"""An address of each page."""

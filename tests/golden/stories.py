"""A small language for stories: one function an event, days as plain numbers (0 = 2025-01-01), and play() to run them.

No expectation lives here. An event of day n happens at noon of that day (UTC) unless `at` says otherwise.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.records import Output
from streams.backtest import Result, run
from streams.settings import Settings, policy_text

Event = dict[str, Any]
START = dt.date(2025, 1, 1)


@functools.cache
def shipped_policy() -> str:
    return policy_text(Settings(_env_file=None))


def date(n: int) -> str:
    return (START + dt.timedelta(days=n)).isoformat()


def instant(at: int | float | str) -> str:
    """Noon of a day; 10.25 is a quarter of a day later than noon of day 10; a string stands as it is."""
    if isinstance(at, str):
        return at
    noon = dt.datetime.combine(START, dt.time(12), dt.UTC)
    return (noon + dt.timedelta(days=at)).isoformat().replace("+00:00", "Z")


def event(type_: str, event_id: str, at: int | float | str, **fields: Any) -> Event:
    base = {
        "event_id": event_id,
        "type": type_,
        "account_id": "A",
        "occurred_at": instant(at),
        "source": "erp",
    }
    return base | {key: value for key, value in fields.items() if value is not None}


def _at(fields: dict[str, Any], day: int | float) -> Any:
    return fields.pop("at", day)


def _id(fields: dict[str, Any], default: str) -> str:
    return str(fields.pop("event_id", default))


def account(name: str = "A", opened: int = 0, currency: str = "USD", **more: Any) -> Event:
    more.setdefault("account_id", name)
    at, event_id = _at(more, opened), _id(more, f"open {name}")
    return event("account.opened", event_id, at, name=name, currency=currency, opened_on=date(opened), **more)


def limit(amount: str, on: int = 0, currency: str = "USD", **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"limit {on} {amount}")
    return event("account.limit_set", event_id, at, credit_limit=amount, currency=currency, **more)


def invoice(
    id_: str, amount: str, on: int, due: int | None = None, currency: str = "USD", **more: Any
) -> Event:
    """Net 30 unless `due` is given."""
    at, event_id = _at(more, on), _id(more, f"invoice {id_}")
    return event(
        "invoice.issued",
        event_id,
        at,
        invoice_id=id_,
        amount=amount,
        currency=currency,
        invoice_date=date(on),
        due_date=date(on + 30 if due is None else due),
        **more,
    )


def _applications(to: Mapping[str, str | tuple[str, str]] | None) -> list[dict[str, str]] | None:
    """{"I1": "100.00"} or, with a discount, {"I1": ("98.00", "2.00")}."""
    if to is None:
        return None
    parts = []
    for invoice_id, amount in to.items():
        if isinstance(amount, tuple):
            parts.append({"invoice_id": invoice_id, "amount": amount[0], "discount": amount[1]})
        else:
            parts.append({"invoice_id": invoice_id, "amount": amount})
    return parts


def payment(
    id_: str,
    amount: str,
    on: int,
    to: Mapping[str, str | tuple[str, str]] | None = None,
    currency: str = "USD",
    **more: Any,
) -> Event:
    at, event_id = _at(more, on), _id(more, f"payment {id_}")
    return event(
        "payment.received",
        event_id,
        at,
        payment_id=id_,
        amount=amount,
        currency=currency,
        paid_on=date(on),
        applications=_applications(to),
        **more,
    )


def applied(payment_id: str, to: Mapping[str, str | tuple[str, str]], on: int | float, **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"applied {payment_id} {on}")
    return event(
        "payment.applied", event_id, at, payment_id=payment_id, applications=_applications(to), **more
    )


def reversal(payment_id: str, on: int, amount: str | None = None, **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"reversal {payment_id} {on}")
    return event(
        "payment.reversed", event_id, at, payment_id=payment_id, reversed_on=date(on), amount=amount, **more
    )


def promise(id_: str, amount: str, made: int, due: int, invoice_ids: list[str] | None = None) -> Event:
    return event(
        "payment.promised",
        f"promise {id_}",
        made,
        promise_id=id_,
        amount=amount,
        currency="USD",
        due_on=date(due),
        invoice_ids=invoice_ids,
    )


def memo(
    id_: str, amount: str, on: int, invoice_id: str | None = None, currency: str = "USD", **more: Any
) -> Event:
    at, event_id = _at(more, on), _id(more, f"memo {id_}")
    return event(
        "invoice.credited",
        event_id,
        at,
        memo_id=id_,
        amount=amount,
        currency=currency,
        invoice_id=invoice_id,
        **more,
    )


def dispute(id_: str, invoice_id: str, amount: str, on: int, **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"dispute {id_}")
    return event(
        "invoice.disputed",
        event_id,
        at,
        invoice_id=invoice_id,
        dispute_id=id_,
        amount=amount,
        currency="USD",
        **more,
    )


def resolved(id_: str, invoice_id: str, outcome: str, on: int) -> Event:
    return event(
        "dispute.resolved", f"resolved {id_}", on, invoice_id=invoice_id, dispute_id=id_, outcome=outcome
    )


def written_off(invoice_id: str, on: int, amount: str | None = None, **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"written off {invoice_id}")
    currency = None if amount is None else "USD"
    return event(
        "invoice.written_off", event_id, at, invoice_id=invoice_id, amount=amount, currency=currency, **more
    )


def voided(invoice_id: str, on: int, **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"voided {invoice_id}")
    return event("invoice.voided", event_id, at, invoice_id=invoice_id, **more)


def order(id_: str, amount: str, on: int, **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"order {id_}")
    return event("order.booked", event_id, at, order_id=id_, amount=amount, currency="USD", **more)


def order_closed(id_: str, on: int, amount: str | None = None) -> Event:
    currency = None if amount is None else "USD"
    return event("order.closed", f"closed {id_}", on, order_id=id_, amount=amount, currency=currency)


def security(id_: str, kind: str, amount: str, on: int, expires: int | None = None) -> Event:
    return event(
        "security.recorded",
        f"security {id_}",
        on,
        security_id=id_,
        kind=kind,
        amount=amount,
        currency="USD",
        expires_on=None if expires is None else date(expires),
    )


def bureau(
    agency: str, on: int, score: float | None = None, scale: tuple[float, float] = (0, 100), **more: Any
) -> Event:
    """A higher score is better unless more says `higher_is_better=False`."""
    at, event_id = _at(more, on), _id(more, f"bureau {agency} {on}")
    scored: dict[str, Any] = {}
    if score is not None:
        scored = {"score": score, "scale_min": scale[0], "scale_max": scale[1]}
        scored["higher_is_better"] = more.pop("higher_is_better", True)
    return event("bureau.reported", event_id, at, agency=agency, reported_on=date(on), **scored, **more)


def filing(id_: str, kind: str, on: int, status: str = "filed", **more: Any) -> Event:
    at, event_id = _at(more, on), _id(more, f"filing {id_} {status}")
    return event(
        "bureau.filed", event_id, at, filing_id=id_, kind=kind, filed_on=date(on), status=status, **more
    )


def news(id_: str, on: int, category: str, domain: str = "paper.example", **more: Any) -> Event:
    """The headline holds the id: two ids are two stories unless a `story_id` joins them."""
    at, event_id = _at(more, on), _id(more, f"news {id_}")
    more.setdefault("headline", f"Report {id_} on the customer")
    return event(
        "news.published",
        event_id,
        at,
        article_id=id_,
        url=f"https://{domain}/{id_}",
        domain=domain,
        published_at=more.pop("published_at", instant(on)),
        category=category,
        **more,
    )


SOUND = {  # A = L + E, RE = 350 + 100 - 50; tangible net worth 1,000,000 - 100,000 = 900,000
    "total_assets": 2_000_000,
    "current_assets": 900_000,
    "inventory": 200_000,
    "total_liabilities": 1_000_000,
    "current_liabilities": 500_000,
    "intangibles": 100_000,
    "equity": 1_000_000,
    "retained_earnings": 400_000,
    "prior_retained_earnings": 350_000,
    "dividends": 50_000,
    "sales": 5_000_000,
    "ebit": 200_000,
    "interest_expense": 50_000,
    "net_income": 100_000,
    "operating_cash_flow": 200_000,
}


def statement(on: int, times: float = 1, **changes: int) -> Event:
    """The sound statement of 2024, all its figures `times` as large, then the changes."""
    amounts = {name: f"{value * times:.2f}" for name, value in {**SOUND, **changes}.items()}
    return event(
        "statement.filed",
        f"statement {on}",
        on,
        statement_id="FS-2024",
        period_end="2024-12-31",
        months=12,
        currency="USD",
        audited=True,
        figures=amounts,
    )


def reference(id_: str, high_credit: str, on: int, dbt: int | None = None) -> Event:
    return event(
        "reference.given",
        f"reference {id_}",
        on,
        reference_id=id_,
        high_credit=high_credit,
        currency="USD",
        dbt=dbt,
    )


def approved(proposal_id: str, on: int, role: str, amount: str, **more: Any) -> Event:
    return event(
        "proposal.approved",
        f"approved {on} {role}",
        on,
        proposal_id=proposal_id,
        actor="p.person",
        role=role,
        limit=amount,
        currency="USD",
        **more,
    )


def rejected(proposal_id: str, on: int, role: str) -> Event:
    return event(
        "proposal.rejected", f"rejected {on}", on, proposal_id=proposal_id, actor="p.person", role=role
    )


def tick(day: int, **rates: str) -> Event:
    """The end of a day; EUR="1.10" says what one euro is worth in base currency."""
    return {
        "event_id": f"tick {day}",
        "type": "clock.ticked",
        "occurred_at": f"{date(day)}T23:59:59Z",
        "source": "clock",
        "as_of": date(day),
        **({"rates": rates} if rates else {}),
    }


def steady(
    name: str, first: int, last: int, every: int, days: int, amount: str = "1000.00", terms: int = 30
) -> list[Event]:
    """Invoices on first, first + every, … up to last, each paid in full after so many days."""
    events = []
    for n in range(first, last + 1, every):
        events += [
            invoice(f"{name}{n}", amount, n, n + terms),
            payment(f"P{name}{n}", amount, n + days, {f"{name}{n}": amount}),
        ]
    return events


# Running


def lines(events: Iterable[Event | str]) -> str:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in events)


def run_lines(
    events: Iterable[Event | str], policy: str | None = None, each: Callable[[Output], None] | None = None
) -> Result:
    """The lines as they stand; strings go in raw. `each` sees every output."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.jsonl"
        path.write_text(lines(events))
        return run(path, shipped_policy() if policy is None else policy, each=each)


def play(
    *events: Event | list[Event],
    until: int,
    ticks: Iterable[Event] | None = None,
    policy: str | None = None,
    each: Callable[[Output], None] | None = None,
    refused: int = 0,
) -> Result:
    """The story in order of time, with a tick a day from its first day to `until`, or with the `ticks` given."""
    told: list[Event] = []
    for item in events:
        if isinstance(item, list):
            told += item
        else:
            told.append(item)
    if ticks is None:
        first = min(dt.date.fromisoformat(one["occurred_at"][:10]) for one in told)
        ticks = [tick(n) for n in range((first - START).days, until + 1)]
    told += ticks
    told.sort(key=lambda one: str(one["occurred_at"]))
    result = run_lines(told, policy, each)
    assert len(result.dead_letters) == refused, result.dead_letters
    return result


def figures(*events: Event | list[Event], until: int, **options: Any) -> dict[str, Any]:
    """The snapshot of account A at the last tick."""
    return play(*events, until=until, **options).accounts["A"]


def expect(snapshot: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Every wanted figure: floats to 5 decimals, all others exactly; all that differ are told at once."""
    wrong = {}
    for name, value in wanted.items():
        got = snapshot.get(name, "(no such figure)")
        same = (
            got == pytest.approx(value, abs=1e-5)
            if isinstance(value, float) and not isinstance(got, str)
            else got == value
        )
        if not same or (value is None) != (got is None):
            wrong[name] = {"wanted": value, "got": got}
    assert not wrong, wrong


def moves(result: Result, trigger: str, account_id: str = "A") -> list[tuple[str, int, int]]:
    """(status, day, severity) of every record of a trigger, in order of emission."""
    return [
        (alert["status"], (dt.date.fromisoformat(alert["as_of"]) - START).days, alert["severity"])
        for alert in result.alerts
        if alert["trigger"] == trigger and alert["account_id"] == account_id
    ]


def offers(result: Result) -> list[tuple[str, int, str, str]]:
    """(direction, day, proposed limit, status) of every record of a proposal, in order of emission."""
    return [
        (
            one["direction"],
            (dt.date.fromisoformat(one["as_of"]) - START).days,
            one["proposed_limit"],
            one["status"],
        )
        for one in result.proposals
    ]

"""The rules and agents.monitor.ENGINE move together: what is told of one fixed book is held here by digest.

What the rules should tell is the other golden tests'; this one only sees that they tell something else than before.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections import defaultdict
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.limits import REASONS
from agents.monitor import ENGINE
from agents.triggers import BY_ID
from schemas.contract import OUTPUT_NAMES, example
from schemas.outputs import OUTPUT_OF
from streams.simulate import generate
from tests.rules import outputs_of

Row = dict[str, Any]

POLICY = Path(__file__).parents[2].joinpath("deploy", "policy.toml").read_text(encoding="utf-8")
FIRST, LAST = dt.date(2024, 12, 31), dt.date(2025, 12, 31)

GIVEN = "6f641940fdd68d5a"
"""Digest of the book and of the policy's numbers."""

TOLD: dict[str, dict[str, str]] = {
    "1": {
        "account-status": "2c308e66dc02c1f1",
        "alerts": "81469eae0e7cc1c3",
        "limit-proposals": "16272158d2bd4209",
        "snapshots": "56cc9f7de2089d30",
    }
}
"""Engine -> digests of what it tells of them, by topic."""


# --- The book -------------------------------------------------------------------------------------------------


def happening(day: int, kind: str, /, account_id: str = "H-1", **fields: Any) -> Row:
    """An event of one of the accounts that do what simulated ones do not."""
    on = FIRST + dt.timedelta(days=day)
    ident = sha256(orjson.dumps([day, kind, account_id, fields])).hexdigest()[:12]
    return {
        "event_id": f"h-{ident}", "type": kind, "account_id": account_id, "occurred_at": f"{on}T09:00:00Z", "source": "hand",
        **fields,
    }  # fmt: skip


def by_hand() -> list[Row]:
    """Invoices in parts, a screening match, a distressed relative, an insolvency, statements that grow old, a large share
    of the book; and an account that earns a raise."""

    def on(day: int) -> str:
        return (FIRST + dt.timedelta(days=day)).isoformat()

    usd = {"currency": "USD"}
    rows = [
        happening(1, "account.opened", name="By hand", opened_on=on(1), **usd),
        happening(1, "account.limit_set", credit_limit="400000.00", **usd),
        happening(2, "statement.filed", statement_id="s1", period_end=on(-180), months=12, figures={
            "total_assets": "900000", "total_liabilities": "300000", "equity": "600000", "intangibles": "0",
            "current_assets": "400000", "current_liabilities": "250000"}, **usd),
        happening(60, "screening.reported", match_id="m1", list="OFAC", status="possible"),
        happening(70, "screening.reported", match_id="m1", list="OFAC", status="confirmed"),
        happening(90, "screening.reported", match_id="m1", list="OFAC", status="cleared", actor="ann"),
        happening(120, "related.distressed", related_account_id="H-2", alert_id="a1", severity=5),
        happening(150, "related.recovered", related_account_id="H-2", alert_id="a1", severity=5),
        happening(200, "bureau.filed", filing_id="f1", kind="suit", filed_on=on(200), status="filed"),
        happening(300, "bureau.filed", filing_id="f2", kind="insolvency", filed_on=on(300), status="filed"),
        happening(330, "bureau.filed", filing_id="f2", kind="insolvency", filed_on=on(330), status="discharged"),
        happening(1, "account.opened", "H-2", name="In time", opened_on=on(1), **usd),
        happening(1, "account.limit_set", "H-2", credit_limit="12000.00", **usd),
    ]  # fmt: skip
    for n in range(30):
        issued, amount = 3 + 10 * n, 20_000 + 500 * n
        money, half = {"amount": f"{amount}.00", **usd}, f"{amount // 2}.00"
        rows.append(happening(issued, "invoice.issued", invoice_id=f"i{n}", invoice_date=on(issued),
                              due_date=on(issued + 30), **money))  # fmt: skip
        for part in range(2 if n % 9 > 3 else 1):
            paid = issued + 28 + 5 * part + n // 2
            cash = half if n % 9 > 3 else money["amount"]
            rows.append(happening(paid, "payment.received", payment_id=f"p{n}-{part}", paid_on=on(paid), amount=cash,
                                  applications=[{"invoice_id": f"i{n}", "amount": cash}], **usd))  # fmt: skip
    for n in range(17):
        issued, whole = 2 + 20 * n, {"amount": "5000.00", **usd}
        rows.append(happening(issued, "invoice.issued", "H-2", invoice_id=f"j{n}", invoice_date=on(issued),
                              due_date=on(issued + 30), **whole))  # fmt: skip
        rows.append(happening(issued + 29, "payment.received", "H-2", payment_id=f"q{n}", paid_on=on(issued + 29),
                              applications=[{"invoice_id": f"j{n}", "amount": "5000.00"}], **whole))  # fmt: skip
    return rows


@cache
def book() -> tuple[Row, ...]:
    """A simulated year, the accounts by hand among it, and totals of the book with each tick."""
    rows = [*generate(18, 12, 7, LAST), *by_hand()]
    for row in rows:
        if row["type"] == "clock.ticked":
            row |= {"book_exposure": "1500000.00", "book_accounts": 20}
    return tuple(sorted(rows, key=lambda row: str(row["occurred_at"])))


# --- The digests ----------------------------------------------------------------------------------------------


def settled(value: Any) -> Any:
    """Floats to nine digits, so that no library of mathematics decides; all else as it is."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: settled(part) for key, part in value.items()}
    return [settled(part) for part in value] if isinstance(value, list | tuple) else value


def digest(rows: Any) -> str:
    return sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def given() -> str:
    return digest([book(), tomllib.loads(POLICY)])


def told(rows: tuple[Row, ...]) -> dict[str, list[Row]]:
    """All that is told of the rows, by topic, without the names of policy and engine."""
    out: dict[str, list[Row]] = defaultdict(list)
    for output in outputs_of(rows, POLICY, "engine"):
        body = {name: part for name, part in output.body.items() if name not in ("policy", "engine")}
        out[output.topic].append(settled(body))
    return out


@cache
def told_of_book() -> dict[str, list[Row]]:
    return told(book())


def digests(found: dict[str, list[Row]]) -> dict[str, str]:
    return {topic: digest(bodies) for topic, bodies in sorted(found.items())}


def unchanged(engine: str, known: dict[str, dict[str, str]], now: dict[str, str]) -> None:
    """Raises AssertionError with what to do where an engine does not tell what it is known to tell."""
    before = known.get(engine, {})
    moved = sorted(topic for topic in {*before, *now} if before.get(topic) != now.get(topic))
    assert not moved, (
        f"the rules tell something else than engine {engine} did ({', '.join(moved)}). If a release carried engine "
        f"{engine}, raise ENGINE in agents/monitor.py, for audit and rebuild tell outputs apart by it. Then, or where none "
        f"did, put this into TOLD: {{{engine!r} or the new one: {now}}}"
    )


def test_the_rules_tell_what_their_engine_told() -> None:
    assert given() == GIVEN, (
        "the simulated book or the policy's numbers are others than TOLD was taken of. Where the rules are the same as in the "
        f"commit before, put {given()!r} into GIVEN and {digests(told_of_book())} into TOLD; change rules in another commit"
    )
    unchanged(ENGINE, TOLD, digests(told_of_book()))


def test_every_trigger_and_each_direction_is_in_the_book() -> None:
    found = told_of_book()
    assert {alert["trigger"] for alert in found["alerts"]} == set(BY_ID)
    assert {p["direction"] for p in found["limit-proposals"]} == {"open", "cut", "hold", "raise"}


def shape_of(record: Row) -> Row:
    """What a record of alerts or proposals is made of, without its figures."""
    evidence = record.get("evidence", {})
    return {
        "fields": sorted(record),
        "evidence": sorted(evidence),
        "metrics": sorted(evidence.get("metrics", ())),
        "thresholds": sorted(evidence.get("thresholds", ())),
        "alerts": [sorted(alert) for alert in evidence.get("alerts", ())[:1]],
        "categories": sorted(record.get("categories", ())),
        "words": [record.get("title"), record.get("action")],
    }


@pytest.mark.parametrize("topic", OUTPUT_OF)
def test_the_examples_of_the_contract_are_of_the_shape_that_is_told(topic: str) -> None:
    shown = example(OUTPUT_NAMES[topic])
    assert shown.keys() == OUTPUT_OF[topic].model_fields.keys(), (
        "every field is declared, and stands in the example"
    )
    shown = {name: part for name, part in shown.items() if name not in ("policy", "engine")}
    same = {"alerts": ("trigger", "status"), "limit-proposals": ("direction", "status")}.get(topic, ())
    alike = [body for body in told_of_book()[topic] if all(body[name] == shown[name] for name in same)]
    assert shape_of(shown) in [shape_of(body) for body in alike], shape_of(alike[0])
    # Those terms are told that something stands behind.
    assert set(shown.get("terms", ())) <= {name for body in alike for name in body.get("terms", ())}
    assert set(shown.get("reasons", ())) <= REASONS.keys()


def test_a_cent_that_is_told_otherwise_is_noticed_and_the_last_digit_of_a_float_is_not() -> None:
    rows = tuple(row for row in book() if row.get("account_id") in (None, "H-2"))
    before = digests(told(rows))
    unchanged("1", {"1": before}, digests(told(rows)))
    other = tuple(row | {"credit_limit": "12000.01"} if "credit_limit" in row else row for row in rows)
    with pytest.raises(
        AssertionError, match=r"something else than engine 1 did \(.*snapshots.*raise ENGINE in agents"
    ):
        unchanged("1", {"1": before}, digests(told(other)))
    with pytest.raises(AssertionError, match="something else than engine 2 did"):
        unchanged("2", {"1": before}, before)
    assert settled({"a": [0.1 + 0.2]}) == settled({"a": [0.3]})

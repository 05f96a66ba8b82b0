"""An account may sleep for as long as nothing can move: woken every day, it would have said the same on every day.

Of alerts and proposals. Which figures may be as old as the last look while it sleeps is told in agents/boundaries.py.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from streams.backtest import Result, run
from streams.simulate import generate
from tests.golden.stories import shipped_policy

Event = dict[str, Any]


def told(events: list[Event], to: Path) -> Result:
    to.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    result = run(to, shipped_policy())
    assert not result.dead_letters
    return result


def with_suits(events: list[Event]) -> list[Event]:
    """Each account sued once for what is about the policy's amount, so that its rate alone carries it over and under."""
    out: list[Event] = []
    day = 0
    to_sue: list[str] = []
    for event in events:
        if event["type"] == "account.opened":
            to_sue.append(event["account_id"])
        if event["type"] == "clock.ticked":
            day += 1
            if day % 10 == 0 and to_sue:
                account = to_sue.pop()
                out.append(
                    {
                        "event_id": f"suit {account}",
                        "type": "bureau.filed",
                        "account_id": account,
                        "occurred_at": f"{event['as_of']}T12:00:00Z",
                        "source": "court",
                        "filing_id": f"suit {account}",
                        "kind": "suit",
                        "filed_on": event["as_of"],
                        "status": "filed",
                        "amount": str(round(10_000 / float(event["rates"]["EUR"]))),
                        "currency": "EUR",
                    }
                )
        out.append(event)
    return out


def woken(events: list[Event]) -> list[Event]:
    """Before each tick every account that is known has a payment announced, which moves nothing and is looked at."""
    out: list[Event] = []
    known: dict[str, str] = {}
    for event in events:
        if event["type"] == "clock.ticked":
            day = event["as_of"]
            out += [
                {
                    "event_id": f"look {account} {day}",
                    "type": "payment.scheduled",
                    "account_id": account,
                    "occurred_at": f"{day}T23:59:58Z",
                    "source": "look",
                    "payment_id": f"look {account} {day}",
                    "amount": "1",
                    "currency": currency,
                    "scheduled_on": day,
                }
                for account, currency in known.items()
            ]
        elif event["type"] == "account.opened":
            known[event["account_id"]] = event["currency"]
        out.append(event)
    return out


def days(result: Result) -> tuple[Counter[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    """What was said of whom on which day, of alerts and of proposals."""
    alerts = Counter(
        (one["account_id"], one["as_of"], one["trigger"], one["status"], one["severity"])
        for one in result.alerts
    )
    proposals = Counter(
        (
            one["account_id"],
            one["as_of"],
            one["status"],
            one["direction"],
            one["proposed_limit"],
            one["binding"],
        )
        for one in result.proposals
    )
    return alerts, proposals


@pytest.mark.parametrize("seed", range(2))
def test_an_account_that_is_looked_at_every_day_says_the_same(seed: int, tmp_path: Path) -> None:
    events = with_suits(list(generate(12, 14, seed)))
    asleep = told(events, tmp_path / "asleep.jsonl")
    awake = told(woken(events), tmp_path / "awake.jsonl")
    assert asleep.alerts
    assert asleep.proposals
    assert awake.records["snapshots"] >= asleep.records["snapshots"]
    assert days(asleep) == days(awake)

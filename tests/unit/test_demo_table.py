"""The table that a demo ends with: readable on 80 columns, with each account's number in one piece."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from streams.commands.demo import _turned


def row(**known: Any) -> dict[str, Any]:
    return {
        "account_id": "C000017", "account_name": "Quinermond Instruments Corporation", "worst": 5, "open_alerts": 11,
        "title": "An invoice is unpaid at an age at which this customer has nearly always paid", "since": date(2026, 4, 19),
        "direction": "cut", "current_limit": 1_390_000, "proposed_limit": 15_000, "currency": "USD",
        "proposal_status": "escalated",
    } | known  # fmt: skip


def printed(width: int, *rows: dict[str, Any]) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as capture:
        console.print(_turned(list(rows)))
    return capture.get()


@pytest.mark.parametrize("width", [80, 100, 130])
def test_no_word_is_broken_and_nothing_is_cut_off(width: int) -> None:
    text = printed(width, row())
    words = {word for line in text.splitlines() for word in line.replace("│", " ").split()}
    assert {
        "C000017",
        "Quinermond",
        "Instruments",
        "Corporation",
        "customer",
        "2026-04-19",
        "1,390,000",
        "escalated",
    } <= words
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "cut from 1,390,000 USD to 15,000 USD escalated"),
        ({"direction": "hold", "proposed_limit": 1_390_000}, "hold at 1,390,000 USD escalated"),
        ({"direction": "hold", "current_limit": None}, "hold, no limit is set escalated"),
        ({"direction": None, "proposal_status": None}, ""),
    ],
)
def test_the_proposal_says_from_what_to_what(known: dict[str, Any], said: str) -> None:
    cells = [line.split("│")[-2] for line in printed(100, row(**known)).splitlines() if line.startswith("│")]
    assert " ".join(" ".join(cells).split()) == said

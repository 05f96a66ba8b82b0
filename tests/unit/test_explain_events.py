"""The events behind an alert in short, as `bellwether explain` prints them. What is taken apart from them is elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.events import parse
from streams.explain import event_row

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"


@pytest.mark.parametrize(
    ("name", "about"),
    [
        ("bureau.filed", "insolvency filed, AG-KA-7-IN-88-26"),
        ("bureau.reported", "creditsafe, 41 of 0-100, class C"),
        ("news.published", "news.example: Pumpenhersteller Brenner stellt Insolvenzantrag"),
    ],
)
def test_who_says_it_and_what_kind_it_is_stands_beside_the_id(name: str, about: str) -> None:
    event = parse((EXAMPLES / f"{name}.json").read_bytes())
    assert event_row(event)["about"] == about

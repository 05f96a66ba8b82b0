"""The picture of a judgement: well-formed, to scale, and true to the figures."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import count
from typing import Any

from streams.quality import judge
from streams.quality_picture import LEFT, RIGHT, picture
from tests.unit.test_quality import BAD, BOOK, SOUND, WORSE, alert

_SVG = "{http://www.w3.org/2000/svg}"


def drawn(records: list[dict[str, Any]], truths: list[Any] = BOOK, title: str = "book.jsonl") -> ET.Element:
    return ET.fromstring(picture(judge(truths, records), title))


def texts(svg: ET.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{_SVG}text")]


def bars(svg: ET.Element, kind: str) -> list[ET.Element]:
    return [bar for bar in svg.iter(f"{_SVG}rect") if bar.get("class") == kind]


def test_a_bar_is_as_long_as_its_share() -> None:
    svg = drawn([alert("A", "2024-06-01"), alert("C", "2024-06-03", trigger="over_limit")])
    full = RIGHT - LEFT - 40
    lengths = {
        round(float(bar.get("width", 0)) / full, 3) for bar in bars(svg, "two") if bar.get("height") == "6.0"
    }
    assert lengths == {0.5, 1.0, 0.0}  # precision of all, payment_drift, over_limit


def test_the_columns_of_the_leads_add_up_to_the_accounts_caught() -> None:
    dates = (f"2024-0{month}-01" for month in (6, 7))
    svg = drawn([alert(account, day) for account, day in zip("AB", dates, strict=True)], [BAD, WORSE, SOUND])
    words = texts(svg)
    assert "How far ahead the bad accounts were caught, in days" in words
    assert "missed" in words


def test_each_trigger_is_named_once_and_what_is_in_a_title_is_text() -> None:
    svg = drawn([alert("A", "2024-06-01", trigger="over_limit", number=n) for n in range(3)], title='<b>&"x"')
    words = texts(svg)
    assert words.count("over_limit") == 1
    assert words[0] == '<b>&"x"'
    assert svg.get("aria-label") == '<b>&"x"'


def test_everything_stands_within_the_picture() -> None:
    numbers = count()
    records = [alert("A", "2024-06-01", trigger=f"t{next(numbers)}") for _ in range(28)]
    svg = drawn(records)
    width, height = float(svg.get("width", 0)), float(svg.get("height", 0))
    for element in svg.iter():
        for across, down in (("x", "y"), ("x1", "y1"), ("x2", "y2")):
            if element.get(across) is not None:
                assert 0 <= float(element.get(across, 0)) <= width
                assert 0 <= float(element.get(down, 0)) <= height


def test_what_nothing_stands_behind_is_said() -> None:
    words = texts(drawn([], [{**SOUND, "observed_to": None}]))
    assert "no account turned bad" in words
    assert "the truth does not say when accounts were observed" in words


def test_the_aim_stands_in_the_picture_however_short_the_leads() -> None:
    """Its line and words were beyond the right edge where nothing was caught 45 days ahead."""
    for records in ([], [alert("A", BAD["event_date"])]):
        svg = drawn(records, [BAD, SOUND])
        line = next(e for e in svg.iter(f"{_SVG}line") if e.get("class") == "aim")
        assert LEFT < float(line.get("x1", 0)) < RIGHT
        words = next(e for e in svg.iter(f"{_SVG}text") if "median's aim" in (e.text or ""))
        assert words.get("class") == "aimed end"
        assert float(words.get("x", 0)) < RIGHT


def test_a_single_week_is_a_level_and_not_nothing() -> None:
    week = {"observed_from": "2024-06-03", "observed_to": "2024-06-05"}
    svg = drawn([alert("C", "2024-06-03")], [{**SOUND, **week}])
    points = next(svg.iter(f"{_SVG}polyline")).get("points", "").split()
    assert [point.split(",")[0] for point in points] == [f"{LEFT}.0", f"{RIGHT}.0"]


def test_the_greatest_load_and_the_aim_are_not_written_over_one_another() -> None:
    weeks = {"observed_from": "2024-06-03", "observed_to": "2024-07-28"}
    truths = [{**SOUND, **weeks, "account_id": f"S{n}"} for n in range(50)]
    svg = drawn([alert("S1", "2024-06-03")], truths)  # one alert on 50 accounts: 10 per 500, the aim itself
    places = [
        float(e.get("y", 0)) for e in svg.iter(f"{_SVG}text") if (e.get("class") or "").endswith(" end")
    ]
    assert len(places) == 2
    assert abs(places[0] - places[1]) >= 15


def test_a_long_title_is_shortened_in_its_middle() -> None:
    title = "book-of-" + "x" * 100 + ".jsonl under policy-of-the-north.toml"
    shown = texts(drawn([], title=title))[0]
    assert len(shown) == 88
    assert shown.startswith("book-of-x")
    assert shown.endswith("policy-of-the-north.toml")

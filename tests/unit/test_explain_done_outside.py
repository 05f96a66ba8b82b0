"""What explain says of others - lists, registries, courts, agencies, relatives, news - is done, and a step less is not enough.

What the account itself does, and how a book is written and folded, is tests/unit/test_explain_done.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from agents.explain import Row
from tests.unit.test_explain_changes import FIRST, OPENED, tick, ticked
from tests.unit.test_explain_done import (
    DAY,
    LATER,
    PUBLISHED,
    article,
    cleared_by,
    discharge,
    fired_by,
    is_open,
)

ON = LATER + DAY
"""The day after what is told, on which it is done."""


def screened(match_id: str, status: str, on: date = FIRST) -> Row:
    person = {"actor": "ann"} if status == "cleared" else {}
    return {
        "type": "screening.reported", "at": on, "match_id": match_id, "list": "OFAC", "status": status, **person,
    }  # fmt: skip


def registered(filing_id: str, kind: str, status: str = "filed", on: date = FIRST) -> Row:
    return {
        "type": "bureau.filed", "at": on, "filing_id": filing_id, "kind": kind, "status": status,
        "filed_on": on.isoformat(),
    }  # fmt: skip


def relative(name: str, severity: int, kind: str = "distressed", on: date = FIRST) -> Row:
    return {
        "type": f"related.{kind}", "at": on, "related_account_id": name, "alert_id": f"alert-{name}", "severity": severity,
    }  # fmt: skip


BACK: Row = {"parent_id": "P-0", "stay": 1}  # of a child that had left its family, and came back


def classed(rating: str, on: date, agency: str = "creditsafe") -> Row:
    return {
        "type": "bureau.reported", "at": on, "agency": agency, "reported_on": on.isoformat(), "rating_class": rating,
    }  # fmt: skip


def told_to_fire(path: Path, facts: Sequence[Row], trigger_id: str) -> str:
    (words,) = fired_by(path, ticked([*OPENED, *facts], FIRST, LATER), trigger_id)
    return words


def opens(path: Path, facts: Sequence[Row], done: Sequence[Row], trigger_id: str) -> bool:
    """Whether the alert is open at the tick of the day on which that is done, so much having happened before."""
    return is_open(path, [*ticked([*OPENED, *facts], FIRST, LATER), *done, tick(ON)], trigger_id)


@pytest.mark.parametrize(
    ("trigger_id", "facts", "words", "done", "short"),
    [
        ("sanctions_match", [], "a possible or confirmed match on any list",
         screened("m1", "possible", ON), screened("m1", "cleared", ON)),
        ("new_charge", [], "a secured charge registered",
         registered("f1", "charge", "filed", ON), registered("f1", "charge", "satisfied", ON)),
        ("insolvency", [], "proceedings opened, by a registry or a court",
         registered("f1", "insolvency", "filed", ON), registered("f1", "solvent_liquidation", "filed", ON)),
        ("insolvency", [], "proceedings opened, by a registry or a court",
         article(1, ON, "insolvency", source_kind="court"), article(1, ON, "insolvency", source_kind="press")),
        ("related_party_distress", [], "an open alert of severity 4 or more at the parent or a sibling",
         relative("P-1", 4, on=ON), relative("P-1", 3, on=ON)),
        ("bureau_downgrade", [classed("B", FIRST)], "creditsafe at rating class C or worse (now B)",
         classed("C", ON), classed("B", ON)),
    ],
)  # fmt: skip
def test_what_others_must_say_opens_the_alert_and_the_next_best_does_not(
    tmp_path: Path, trigger_id: str, facts: list[Row], words: str, done: Row, short: Row
) -> None:
    assert told_to_fire(tmp_path, facts, trigger_id) == words
    assert opens(tmp_path, facts, [done], trigger_id)
    assert not opens(tmp_path, facts, [short], trigger_id)
    assert not opens(tmp_path, facts, [], trigger_id)


@pytest.mark.parametrize(
    ("trigger_id", "facts", "words", "done"),
    [
        ("sanctions_match", [screened("m1", "confirmed"), screened("m2", "possible")],
         "matches m1, m2 cleared by a person", [screened("m1", "cleared", ON), screened("m2", "cleared", ON)]),
        ("new_charge", [registered("f1", "charge"), registered("f2", "charge")],
         "charge f1, charge f2 satisfied",
         [registered("f1", "charge", "satisfied", ON), registered("f2", "charge", "satisfied", ON)]),
        ("insolvency", [registered("f1", "insolvency"), registered("f2", "insolvency")],
         "insolvency f1, insolvency f2 discharged",
         [registered("f1", "insolvency", "discharged", ON), registered("f2", "insolvency", "discharged", ON)]),
        ("legal_filing", [registered("f1", "lien"), registered("f2", "suit")],
         "lien f1, suit f2 released or satisfied",
         [registered("f1", "lien", "released", ON), registered("f2", "suit", "satisfied", ON)]),
        ("related_party_distress", [relative("P-1", 5), relative("P-2", 4), relative("P-3", 3)],
         "the alerts of P-1, P-2 cleared",
         [relative("P-1", 5, "recovered", ON), relative("P-2", 4, "recovered", ON)]),
        ("related_party_distress", [OPENED[0] | {"parent_id": "P-0"}, relative("P-1", 4) | BACK], "the alerts of P-1 cleared",
         [relative("P-1", 4, "recovered", ON) | BACK]),
        ("bureau_downgrade", [classed("A", FIRST), classed("C", FIRST + DAY), classed("1", FIRST, "dnb"),
                              classed("4", FIRST + DAY, "dnb")],
         "creditsafe at rating class A or better (now C); dnb at rating class 1 or better (now 4)",
         [classed("A", ON), classed("1", ON, "dnb")]),
    ],
)  # fmt: skip
def test_what_others_must_take_back_ends_the_alert_and_all_but_one_of_it_does_not(
    tmp_path: Path, trigger_id: str, facts: list[Row], words: str, done: list[Row]
) -> None:
    told = cleared_by(tmp_path, ticked([*OPENED, *facts], FIRST, LATER), trigger_id)
    assert told == [words]
    assert not opens(tmp_path, facts, done, trigger_id)
    for without in done:
        assert opens(tmp_path, facts, [one for one in done if one is not without], trigger_id), without


@pytest.mark.parametrize(("rating", "still"), [("A", False), ("B", True)])
def test_the_class_told_is_the_lowest_that_ends_a_downgrade(tmp_path: Path, rating: str, still: bool) -> None:
    facts = [classed("A", FIRST), classed("D", FIRST + DAY)]
    (words,) = cleared_by(tmp_path, ticked([*OPENED, *facts], FIRST, LATER), "bureau_downgrade")
    assert words == "creditsafe at rating class A or better (now D)"
    assert opens(tmp_path, facts, [classed(rating, ON)], "bureau_downgrade") is still


# --- News -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("confidence", "holds"), [(1.0, True), (0.99, False)])
def test_a_story_as_grave_as_is_told_opens_an_alert_and_one_less_sure_does_not(
    tmp_path: Path, confidence: float, holds: bool
) -> None:
    words = told_to_fire(tmp_path, [], "adverse_news")
    assert words == "a story of severity 1 or more in a source of trust 0.5"
    seen = {"domain": "blog.example", "published_at": f"{ON}T08:00:00Z"}
    assert opens(tmp_path, [], [article(1, ON, "rumour", confidence, **seen)], "adverse_news") is holds


def test_stories_that_all_fade_have_faded_on_the_day_that_is_told(tmp_path: Path) -> None:
    stories = [article(1, PUBLISHED, "rumour"), article(2, PUBLISHED, "hiring_freeze")]
    words, corrected = cleared_by(tmp_path, ticked([*OPENED, *stories], FIRST, LATER), "adverse_news")
    assert corrected.startswith("articles n1, n2 told again")
    faded = date.fromisoformat(re.findall(r"time: the story has faded on (\S+),", words)[0])
    for day, still in ((faded, False), (faded - DAY, True)):
        assert is_open(tmp_path, ticked([*OPENED, *stories], FIRST, day), "adverse_news") is still, day


def test_proceedings_that_end_and_stories_that_fade_clear_together(tmp_path: Path) -> None:
    """Neither time nor the discharge does it alone: a bankruptcy never fades, and layoffs are not discharged."""
    stories = [article(1, PUBLISHED, "bankruptcy"), article(2, PUBLISHED, "layoffs")]
    history = ticked([*OPENED, *stories], FIRST, LATER)
    words, corrected = cleared_by(tmp_path, history, "adverse_news")
    assert corrected.startswith("articles n1, n2 told again")
    assert words.startswith(
        f"a registry filing of {PUBLISHED} or later that the insolvency is discharged; and time: "
    )
    faded = date.fromisoformat(re.findall(r"have faded on (\S+),", words)[0])
    ended = [*history, discharge(ON, ON)]
    for facts, day, still in ((ended, faded, False), (ended, faded - DAY, True), (history, faded, True)):
        assert is_open(tmp_path, ticked(facts, ON, day), "adverse_news") is still, (day, len(facts))

"""Headlines: what happened, what was only feared, what is over, and whose failure it is; precision and recall, printed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from agents.headlines import UNKNOWN, classify
from agents.policy_outside import NEWS_CATEGORIES
from tests.headlines import HARD, HELD_OUT, LABELLED
from tests.rules import POLICY


@pytest.mark.parametrize(
    ("headline", "category"),
    [
        ("Acme placed into administration as creditors circle", "insolvency"),
        ("Acme fell into receivership", "insolvency"),
        ("340 jobs at risk as Acme falls into administration", "insolvency"),
        ("Acme insolvent for the second time", "insolvency"),
        ("Winding-up order made against Acme Limited", "insolvency"),
        ("Creditors' voluntary liquidation: Acme (NW) Ltd", "insolvency"),
        ("NCLT admits insolvency plea against Acme", "insolvency"),
        ("Supplier files insolvency plea against Acme in NCLT", "creditor_petition"),
        ("Treasury sanctions Acme over shipments", "sanctions"),
        ("Acme acquires rival out of bankruptcy", "merger_acquisition"),
        ("Acme shuts plant after cyber attack", "cyber"),
    ],
)
def test_who_is_in_proceedings_is_told(headline: str, category: str) -> None:
    assert classify(headline) == category


@pytest.mark.parametrize(
    "headline",
    [
        "Acme avoids bankruptcy after refinancing",
        "Acme emerges from Chapter 11",
        "Members' voluntary liquidation of Acme approved",
        "HMRC drops winding-up petition against Acme",
        "Winding-up petition against Acme dismissed",
        "Tribunal sets aside insolvency proceedings against Acme",
        "US lifts sanctions on Acme",
        "Going concern doubt lifted at Acme",
        "Probe clears Acme of fraud",
        "Regulator blocks takeover of Acme",
    ],
)
def test_what_is_over_or_never_was_is_unknown(headline: str) -> None:
    assert classify(headline) == UNKNOWN


@pytest.mark.parametrize(
    "headline",
    [
        "Acme said to be considering bankruptcy",
        "Acme could file for Chapter 11 within weeks, sources say",
        "Acme on brink of administration",
    ],
)
def test_a_failure_that_is_only_feared_is_a_rumour(headline: str) -> None:
    assert classify(headline) == "rumour"


@pytest.mark.parametrize(
    "headline",
    [
        "Insolvency experts at Acme win award",
        "Acme bank sets aside $170m for borrower's bankruptcy loss",
        "Acme names new insolvency partner",
        "Acme wins award - Insolvency Insider",
        "Corporate bankruptcies at a ten-year high",
        "Explainer: what is Chapter 11?",
        "Bankrupt of ideas: why the midfield fails",
        "Trump administration seeks views on Acme",
        "US sanctions on Russia push up freight rates",
        "Analysts downgrade Acme to sell",
        "S&P 500 falls as banks slide",
        "Residents recall life at the Acme mill",
    ],
)
def test_another_s_failure_a_topic_or_a_metaphor_is_unknown(headline: str) -> None:
    assert classify(headline) == UNKNOWN


def test_a_name_or_trade_with_a_word_for_others_in_it_is_the_company_s() -> None:
    assert classify("Client Systems Ltd files for bankruptcy") == "bankruptcy"
    assert classify("Tile specialist Acme falls into administration") == "insolvency"
    assert classify("Acme shares fall on client's bankruptcy") == UNKNOWN
    assert classify("Acme loses $5m as client files for bankruptcy") == UNKNOWN


def test_what_happened_to_a_rival_is_not_the_company_s_but_what_a_rival_does_to_it_is() -> None:
    assert classify("Rival's licence revoked: opening for Acme") == UNKNOWN
    assert classify("Competitor's plant closure lifts Acme") == UNKNOWN
    assert classify("Administrators appointed at rival Brandl") == UNKNOWN
    assert classify("Administrators of rival Brandl sell its name to Acme") == UNKNOWN
    assert classify("Rival's lawsuit accuses Acme of copying") == "litigation"
    assert classify("Administrators appointed at parts supplier Acme") == "insolvency"


def test_an_exit_or_an_executive_is_not_a_former_chief() -> None:
    assert classify("Sudden exit of CFO unnerves investors in Acme") == "cfo_exit"
    assert classify("Exit of CEO surprises shareholders of Acme") == "ceo_exit"
    assert classify("Ex-CEO of Acme quits charity") == UNKNOWN
    assert classify("Former finance director of Acme resigns from club") == UNKNOWN


def test_marks_accents_and_the_publisher_behind_a_dash_change_nothing() -> None:
    assert classify("Moody’s downgrades Acme to junk — Reuters") == "downgrade"
    assert classify("MOODY'S DOWNGRADES ACME TO JUNK") == "downgrade"
    assert classify("Acme Ltd – Winding‑up order") == "insolvency"
    assert classify("Fabrikant Acme schließt Werk in Köln") == "plant_closure"


def test_a_headline_of_any_make_takes_no_long_time() -> None:
    for word in ("voluntary provisional ", "cut cut ", "files a b c ", "us sanctions a b ", "joint special "):
        began = time.process_time()
        classify(word * 400)
        assert time.process_time() - began < 10, "some pattern goes over the text again and again"


# --- The labelled sets --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """How a classifier did: by category (told rightly, told wrongly, missed), and what it told far too gravely."""

    by_category: dict[str, tuple[int, int, int]]
    too_grave: list[str]

    @property
    def precision(self) -> float:
        right, wrong = (sum(row[place] for row in self.by_category.values()) for place in (0, 1))
        return right / (right + wrong)

    @property
    def recall(self) -> float:
        right, missed = (sum(row[place] for row in self.by_category.values()) for place in (0, 2))
        return right / (right + missed)


def judged(labelled: list[tuple[str, str]], told_by: Callable[[str], str] = classify) -> Judged:
    """Wrong is a category other than the label's, missed a label that was not told; a leveraged buyout is a merger too."""
    severity = {UNKNOWN: 0} | {name: POLICY.news.categories[name].severity for name in NEWS_CATEGORIES}
    counts = {name: [0, 0, 0] for name in NEWS_CATEGORIES}
    too_grave = []
    for headline, label in labelled:
        told = told_by(headline)
        if told == label or (told, label) == ("merger_acquisition", "leveraged_buyout"):
            if label != UNKNOWN:
                counts[label][0] += 1
            continue
        if told != UNKNOWN:
            counts[told][1] += 1
        if label != UNKNOWN:
            counts[label][2] += 1
        if severity[told] >= 4 > severity[label]:
            too_grave.append(headline)
    return Judged(
        {name: (right, wrong, missed) for name, (right, wrong, missed) in counts.items()}, too_grave
    )


@pytest.mark.parametrize(
    ("name", "labelled", "precision", "recall", "too_grave"),
    [
        ("mended by", LABELLED, 0.97, 0.92, 0),
        ("held out", HELD_OUT, 0.95, 0.80, 0),
        ("a stranger's, held out", HARD, 0.85, 0.80, 2),
    ],
)
def test_the_classifier_is_as_good_as_it_says(
    capsys: pytest.CaptureFixture[str],
    name: str,
    labelled: list[tuple[str, str]],
    precision: float,
    recall: float,
    too_grave: int,
) -> None:
    found = judged(labelled)
    with capsys.disabled():
        print(
            f"\n{len(labelled)} headlines, {name}: precision {found.precision:.1%}, recall {found.recall:.1%}"
        )
        for category, (right, wrong, missed) in found.by_category.items():
            if wrong or missed:
                print(f"  {category}: {right} right, {wrong} wrong, {missed} missed")
    assert found.precision >= precision
    assert found.recall >= recall
    assert len(found.too_grave) <= too_grave, found.too_grave


def test_a_classifier_that_cries_wolf_is_found_out() -> None:
    found = judged(HELD_OUT, told_by=lambda headline: "bankruptcy")
    assert found.precision < 0.1
    assert len(found.too_grave) > 30
    assert judged(LABELLED, told_by=lambda headline: dict(LABELLED)[headline]) == Judged(
        {name: ([label for _, label in LABELLED].count(name), 0, 0) for name in NEWS_CATEGORIES}, []
    )


def test_the_labelled_sets_have_every_category_and_what_is_none() -> None:
    for labelled, least in ((LABELLED, 3), (HELD_OUT, 1)):
        labels = [label for _, label in labelled]
        assert {name for name in NEWS_CATEGORIES if labels.count(name) < least} == set()
        assert labels.count(UNKNOWN) >= 30
        assert len({headline for headline, _ in labelled}) == len(labelled)
    assert not {headline for headline, _ in LABELLED} & {headline for headline, _ in HELD_OUT}

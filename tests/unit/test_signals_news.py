"""News: syndicated copies once, decay, trust, corroboration, and what it all scores."""

from __future__ import annotations

from typing import Any

import pytest

from agents import news, rules_outside
from agents.policy_outside import NEWS_CATEGORIES
from agents.policy_text import load_policy
from agents.rates import Rates
from agents.signals import Signals
from tests.rules import POLICY, POLICY_TEXT, TODAY, article, filing, signals, statement, view

RATES = Rates("USD")


def score(*facts: Any, today: int = TODAY) -> float:
    return signals(facts).news_score(today, POLICY, RATES).score


def test_severity_times_confidence_times_trust() -> None:
    assert score(article(0, "layoffs", "sec.gov")) == 3.0
    assert score(article(0, "layoffs", "sec.gov", confidence=0.5)) == 1.5
    assert score(article(0, "layoffs", "unheard.of")) == 1.5
    assert score(article(0, "layoffs", "www.Reuters.com")) == pytest.approx(2.85)


def test_a_half_life_halves_and_some_never_decay() -> None:
    assert score(article(120, "layoffs", "sec.gov")) == 1.5
    assert score(article(240, "layoffs", "sec.gov")) == 0.75
    assert score(article(3000, "bankruptcy", "sec.gov", source_kind="registry")) == 5.0


def test_above_3_it_needs_a_registry_a_court_or_two_independent_domains() -> None:
    assert score(article(0, "fraud", "sec.gov")) == 3.0
    assert score(article(0, "fraud", "sec.gov", source_kind="press")) == 3.0
    assert score(article(0, "fraud", "sec.gov", source_kind="registry")) == 4.0
    assert score(article(0, "fraud", "sec.gov", source_kind="court")) == 4.0
    copied = (
        article(0, "fraud", "ft.com", headline="Acme charged"),
        article(0, "fraud", "sec.gov", headline="Acme charged", source_kind="registry"),
    )
    assert score(*copied) == 4.0, "one copy of the registry's is enough"
    assert score(article(0, "fraud", "sec.gov"), article(0, "fraud", "ft.com")) == 4.0
    assert score(article(0, "fraud", "sec.gov"), article(0, "fraud", "sec.gov")) == 3.0
    assert score(article(0, "fraud", "sec.gov"), article(0, "layoffs", "ft.com")) == 3.0
    assert score(article(0, "fraud", "sec.gov"), article(31, "fraud", "ft.com")) == 3.0


def test_copies_of_one_text_are_one_source_however_many_domains_print_it() -> None:
    copies = [
        article(
            0, "fraud", f"paper{n}.test", headline=f"Acme under investigation - Paper {n}", confidence=1.0
        )
        for n in range(16)
    ]
    known = signals([*copies, article(0, "fraud", "sec.gov", headline="ACME: under investigation!")])
    (story,) = known.stories(TODAY, POLICY)
    assert len(story.event_ids) == 17
    assert not story.corroborated
    assert known.news_score(TODAY, POLICY, RATES).score == 3.0


@pytest.mark.parametrize(
    "headline",
    [
        "Acme charged with accounting fraud in New York, prosecutors say - update",
        "UPDATE: Acme charged with accounting fraud in New York, prosecutors say",
        "Acme charged with accounting fraud in New York, prosecutors say (corrected)",
    ],
)
def test_a_copy_that_says_it_is_one_is_the_same_source_and_the_same_story(headline: str) -> None:
    told = article(
        1, "fraud", "ft.com", headline="Acme charged with accounting fraud in New York, prosecutors say"
    )
    known = signals([told, article(0, "fraud", "sec.gov", headline=headline)])
    (story,) = known.stories(TODAY, POLICY)
    assert not story.corroborated
    own_words = article(0, "fraud", "sec.gov", headline="Prosecutors accuse Acme of inflating its sales")
    assert [story.corroborated for story in signals([told, own_words]).stories(TODAY, POLICY)] == [True, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [("bbc.co.uk", "bbc.com"), ("reuters.com", "uk.reuters.com"), ("www.news.com.au", "m.news.com.au")],
)
def test_two_domains_of_one_publisher_are_one_source(one: str, other: str) -> None:
    assert not any(
        story.corroborated
        for story in signals([article(0, "fraud", one), article(0, "fraud", other)]).stories(TODAY, POLICY)
    )
    for others in ("ft.com", "bbc.org", "reuters.info", "news.net"):
        apart = signals([article(0, "fraud", one), article(0, "fraud", others)]).stories(TODAY, POLICY)
        assert all(story.corroborated for story in apart)


def test_two_papers_that_say_nearly_the_same_of_a_company_bear_each_other_out() -> None:
    """A headline of six words leaves little room: who is copied says so by its words or a story_id."""
    one = article(0, "bankruptcy", "ft.com", headline="Acme Corp files for bankruptcy")
    other = article(0, "bankruptcy", "reuters.com", headline="Acme Corp files for bankruptcy protection")
    assert all(story.corroborated for story in signals([one, other]).stories(TODAY, POLICY))


def test_a_part_of_a_domain_is_trusted_as_the_nearest_that_the_policy_names() -> None:
    assert score(article(0, "layoffs", "uk.reuters.com")) == score(article(0, "layoffs", "reuters.com"))
    assert score(article(0, "layoffs", "someone.medium.com")) == pytest.approx(0.6)
    assert score(article(0, "layoffs", "notreuters.com")) == 1.5


def test_an_article_that_is_about_somebody_else_tells_nothing_and_bears_nobody_out() -> None:
    mistaken = article(0, "fraud", "ft.com", confidence=0.0)
    (story,) = signals([article(0, "fraud", "sec.gov"), mistaken]).stories(TODAY, POLICY)
    assert not story.corroborated
    told = article(5, "insolvency", "sec.gov", source_kind="registry", article_id="n", event_id="e1")
    mended = article(
        4, "insolvency", "sec.gov", source_kind="registry", article_id="n", event_id="e2", confidence=0.0
    )
    assert signals([told]).stories(TODAY, POLICY)
    assert signals([told, mended]).stories(TODAY, POLICY) == []


def test_a_registry_speaks_of_this_account_by_an_article_that_matches_it_well_enough() -> None:
    doubtful = article(
        0, "fraud", "thegazette.co.uk", headline="Acme wound up", source_kind="registry", confidence=0.49
    )
    (story,) = signals([doubtful, article(0, "fraud", "sec.gov", headline="Acme wound up")]).stories(
        TODAY, POLICY
    )
    assert (story.official, story.corroborated, story.confidence) == (False, False, 1.0)
    stricter = load_policy(POLICY_TEXT.replace("official_confidence = 0.5", "official_confidence = 0.6"))
    at = {c: article(0, "fraud", "sec.gov", source_kind="court", confidence=c) for c in (0.5, 0.6)}
    assert [signals([one]).stories(TODAY, POLICY)[0].official for one in at.values()] == [True, True]
    assert [signals([one]).stories(TODAY, stricter)[0].official for one in at.values()] == [False, True]
    older = "".join(
        line for line in POLICY_TEXT.splitlines(True) if not line.startswith("official_confidence")
    )
    assert load_policy(older).news.official_confidence == 0.5, (
        "a policy that was adopted before it was a setting"
    )


def test_one_story_id_is_one_story_and_its_age_is_that_of_the_first() -> None:
    told = [article(9, "layoffs", "sec.gov", story_id="s"), article(5, "layoffs", "ft.com", story_id="s")]
    (story,) = signals(told).stories(TODAY, POLICY)
    assert story.published == TODAY - 9
    assert story.trust == 1.0
    apart = [article(9, "layoffs", story_id="s"), article(3, "layoffs", story_id="s")]
    assert len(signals(apart).stories(TODAY, POLICY)) == 2


@pytest.mark.parametrize(
    ("claim", "severity"), [(None, 2), ("59999", 2), ("60000", 3), ("149999", 3), ("150000", 4)]
)
def test_a_litigation_weighs_by_its_claim_over_equity(claim: str | None, severity: int) -> None:
    fields = {} if claim is None else {"claim": claim, "currency": "USD"}
    told = article(0, "litigation", "sec.gov", source_kind="court", **fields)
    assert score(told, statement()) == severity  # equity 600,000
    assert score(told) == 2  # no statement: the claim says nothing


def test_a_claim_in_another_currency_weighs_at_the_days_rate_and_nothing_without_one() -> None:
    rates = Rates("USD")
    rates.add(TODAY, {"EUR": "1.25"})
    for claim, severity in (("48000", 3), ("47999", 2), ("120000", 4)):  # 60,000 and 150,000 USD of 600,000
        told = article(0, "litigation", "sec.gov", source_kind="court", claim=claim, currency="EUR")
        assert signals([told, statement()]).news_score(TODAY, POLICY, rates).score == severity
        assert score(told, statement()) == 2


def test_round_half_up() -> None:
    assert [news.rounded(value) for value in (0.49, 0.5, 1.49, 1.5, 2.5, 3.5, 4.5)] == [0, 1, 1, 2, 3, 4, 5]


def test_unknown_never_scores() -> None:
    assert score(article(0, "unknown", "sec.gov")) == 0.0
    assert score(article(0, None, "sec.gov", headline="Acme opens a new office")) == 0.0


def test_a_category_is_told_from_the_headline_when_none_is_given() -> None:
    assert score(article(0, None, "sec.gov", headline="Acme announces 500 job cuts")) == 3.0


def test_a_discharge_ends_the_news_of_the_insolvency_too() -> None:
    told = article(100, "insolvency", "sec.gov", source_kind="registry")
    assert score(told, filing("insolvency", days=100)) == 5.0
    assert score(told, filing("insolvency", "discharged", days=5)) == 0.0


def test_the_day_of_the_next_lower_severity_is_told() -> None:
    known = signals([article(0, "layoffs", "sec.gov")])
    day = known.next_day(TODAY, POLICY, RATES)
    assert news.rounded(known.news_score(day - 1, POLICY, RATES).score) == 3
    assert news.rounded(known.news_score(day, POLICY, RATES).score) == 2


@pytest.mark.parametrize("category", NEWS_CATEGORIES)
def test_no_day_of_a_lower_severity_is_missed(category: str) -> None:
    known = signals([article(0, category, "sec.gov", source_kind="registry")])
    day, level = TODAY, news.rounded(known.news_score(TODAY, POLICY, RATES).score)
    falls = known.next_day(day, POLICY, RATES)
    for later in range(TODAY + 1, TODAY + 1500):
        now = news.rounded(known.news_score(later, POLICY, RATES).score)
        if now != level:
            assert later == falls
            level, falls = now, known.next_day(later, POLICY, RATES)


def test_a_correction_to_a_lesser_category_stands() -> None:
    told = article(100, "fraud", "sec.gov", article_id="n", event_id="e1")
    lesser = article(99, "rumour", "sec.gov", article_id="n", event_id="e2")
    assert score(told) > 2
    assert score(told, lesser) == 0.0


def test_articles_are_forgotten_when_they_can_no_longer_matter() -> None:
    known = Signals()
    for day in range(400):
        known.apply(article(400 - day, "rumour"), TODAY - 400 + day, POLICY)
    assert len(known._articles) < 40
    for day in range(900):
        told = article(900 - day, "bankruptcy", story_id=f"s{day}")
        known.apply(told, TODAY - 900 + day, POLICY)
    assert len(known._articles) < 460


def test_a_score_is_shown_rounded_down_so_that_it_never_gainsays_what_was_decided() -> None:
    just_under = view(facts=[article(0, "rumour", "sec.gov", confidence=0.4999)])
    assert rules_outside.adverse_news(just_under) is None
    assert rules_outside.adverse_news_evidence(just_under).metrics["news_score"] == 0.49
    exact = view(facts=[article(0, "layoffs", "reuters.com")])
    assert rules_outside.adverse_news_evidence(exact).metrics["news_score"] == 2.85


def test_the_evidence_names_who_printed_it() -> None:
    told = [
        article(1, "layoffs", "ft.com", headline="Acme cuts jobs"),
        article(0, "layoffs", "x.com", headline="Acme cuts jobs"),
    ]
    assert rules_outside.adverse_news_evidence(view(facts=told)).metrics["domains"] == ["ft.com", "x.com"]

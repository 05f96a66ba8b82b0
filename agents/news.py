"""News: stories out of syndicated articles, and the score that decays.

Source: domain section 7. The category that a headline tells is agents/headlines.py; which articles are kept, and until
when, is agents/signals.py.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from agents.policy_outside import News

_WORD: Final = re.compile(r"[a-z0-9]+")


def normalised(headline: str) -> str:
    """What two copies of one headline share: lower case, no accents, words and digits only, no source behind a dash."""
    text = re.sub(r"\s+[-–—|]\s+[^-–—|]{2,40}$", "", headline)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return " ".join(_WORD.findall(text)) or headline.strip().lower()


def bare_domain(domain: str) -> str:
    return domain.strip().lower().removeprefix("www.")


@dataclass(frozen=True, slots=True)
class Article:
    """One article as of a day. `headline_key` is normalised(headline); `claim` is in minor units."""

    article_id: str
    event_id: str
    published: int
    category: str
    confidence: float
    domain: str
    official: bool  # of a registry or a court
    story_id: str | None
    headline: str
    headline_key: str
    claim: int | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Syndicated copies as one: its age counts from the first of them, trust and confidence are the best of them."""

    category: str
    published: int
    confidence: float
    trust: float
    official: bool
    corroborated: bool  # a registry or court source, or an independent report on another domain
    headline: str
    claim: int | None
    currency: str | None
    event_ids: tuple[str, ...]


def stories(articles: Iterable[Article], policy: News) -> list[Story]:
    """The stories that the articles tell, the same for every order of the articles.

    Copies: one category, and one story_id or one normalised headline, within `story_days` of the first of them. Two
    reports are independent when both domain and normalised headline differ and they tell the same category within
    `corroboration_days`: a copy on a second domain is still one source.
    """
    known = sorted(
        (a for a in articles if a.category in policy.categories), key=lambda a: (a.published, a.article_id)
    )
    groups: list[list[Article]] = []
    for article in known:
        for group in groups:
            first = group[0]
            if article.published - first.published <= policy.story_days and any(
                article.category == other.category
                and (
                    article.headline_key == other.headline_key
                    or (article.story_id is not None and article.story_id == other.story_id)
                )
                for other in group
            ):
                group.append(article)
                break
        else:
            groups.append([article])
    return [_story(group, known, policy) for group in groups]


def _story(group: list[Article], known: list[Article], policy: News) -> Story:
    first = group[0]
    official = any(a.official for a in group)
    corroborated = official or any(
        other.category == first.category
        and other.domain != mine.domain
        and other.headline_key != mine.headline_key
        and abs(other.published - mine.published) <= policy.corroboration_days
        for mine in group
        for other in known
    )
    claimed = [a for a in group if a.claim is not None]
    worst = max(claimed, key=lambda a: (a.claim or 0, a.article_id)) if claimed else None
    return Story(
        category=first.category,
        published=first.published,
        confidence=max(a.confidence for a in group),
        trust=max(policy.trust.get(a.domain, policy.default_trust) for a in group),
        official=official,
        corroborated=corroborated,
        headline=first.headline,
        claim=worst.claim if worst else None,
        currency=worst.currency if worst else None,
        event_ids=tuple(a.event_id for a in group),
    )


def severity(story: Story, policy: News, share_of_equity: Callable[[Story], float | None]) -> int:
    """The severity of the story's category; a litigation's is 2 to 4 by claim / equity, 2 where either is unknown."""
    if story.category == "litigation" and story.claim is not None:
        share = share_of_equity(story)
        if share is not None and share >= policy.litigation_high_share:
            return 4
        if share is not None and share >= policy.litigation_mid_share:
            return 3
    return policy.categories[story.category].severity


def score(story: Story, severity: int, today: int, policy: News) -> float:
    """severity × match confidence × source trust × 2^(−age/half-life), capped while uncorroborated."""
    half_life = policy.categories[story.category].half_life_days
    value = (
        severity * story.confidence * story.trust * _half_lives(max(0, today - story.published), half_life)
    )
    return value if story.corroborated else min(value, policy.uncorroborated_cap)


def _half_lives(age_days: int, half_life_days: float) -> float:
    """2^(−age/half-life): what an age leaves; 1.0 with an infinite half-life."""
    return 1.0 if math.isinf(half_life_days) else float(2.0 ** (-age_days / half_life_days))


def rounded(value: float) -> int:
    """Half up: 0.5 is 1, 3.5 is 4."""
    return math.floor(value + 0.5)


def next_fall(story: Story, severity: int, today: int, policy: News, clear_score: float) -> int | None:
    """The first day after today on which the story's rounded score is lower than today's, or the score first under
    `clear_score`; None when it never falls.
    """
    half_life = policy.categories[story.category].half_life_days
    now = score(story, severity, today, policy)
    level = rounded(now)
    least = max(level - 0.5, clear_score if now >= clear_score else 0.0)
    peak = severity * story.confidence * story.trust
    if least <= 0 or math.isinf(half_life) or peak <= 0:
        return None
    day = story.published + max(0, math.floor(half_life * math.log2(peak / least)))
    day = max(day - 1, today + 1)
    while score(story, severity, day, policy) >= least:
        day += 1
    return day


def horizon(category: str, policy: News, clear_score: float) -> float:
    """Days after which an article of this category can neither reach the lowest severity nor hold an alert open, whoever
    published it.
    """
    rule = policy.categories.get(category)
    if rule is None:
        return 0.0
    top = 4 if category == "litigation" else rule.severity
    return rule.half_life_days * math.log2(top / min(0.5, clear_score))

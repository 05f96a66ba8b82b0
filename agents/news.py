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
from functools import lru_cache
from typing import Final

from agents.policy_outside import News

_WORD: Final = re.compile(r"[a-z0-9]+")
_OF_SYNDICATORS: Final = frozenset(
    {"update", "updated", "corrected", "correction", "rpt", "refile", "breaking"}
)
"""Words that are put before or behind a text that is printed once more."""


def normalised(headline: str) -> str:
    """What two copies of one headline share: lower case, no accents, words and digits only, no source behind a dash, no
    "update" or "corrected" around it."""
    text = re.sub(r"\s+[-–—|]\s+[^-–—|]{2,40}$", "", headline)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = _WORD.findall(text)
    while len(words) > 1 and words[0] in _OF_SYNDICATORS:
        del words[0]
    while len(words) > 1 and words[-1] in _OF_SYNDICATORS:
        del words[-1]
    return " ".join(words) or headline.strip().lower()


def bare_domain(domain: str) -> str:
    return domain.strip().lower().removeprefix("www.")


def trust(domain: str, policy: News) -> float:
    """The policy's for the domain or else for the nearest that it is part of: uk.reuters.com is trusted as reuters.com is."""
    while domain:
        if domain in policy.trust:
            return policy.trust[domain]
        domain = domain.partition(".")[2]
    return policy.default_trust


@lru_cache(maxsize=20_000)
def publisher(domain: str) -> str:
    """Who prints a domain: that of bbc.com, bbc.co.uk and m.bbc.co.uk is bbc, that of bbc.org its own.

    Two papers of one name in two countries are taken for one: they corroborate nothing that a third would not.
    """
    labels = bare_domain(domain).split(".")
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _BEFORE_COUNTRY:
        return labels[-3]
    if labels[-1] == "com" or len(labels[-1]) == 2:
        return labels[-2] if len(labels) > 1 else labels[0]
    return ".".join(labels[-2:])


_BEFORE_COUNTRY: Final = frozenset({"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"})


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
    domains: tuple[str, ...]  # each once, in the order of the copies


def stories(articles: Iterable[Article], policy: News) -> list[Story]:
    """The stories that the articles tell, the same for every order of the articles.

    Copies: one category, and one story_id or one text, within `story_days` of the first of them. Two reports are
    independent when they are of two publishers, in two texts, and tell the same category within `corroboration_days`: a
    copy on a second domain is still one source. What is surely about somebody else (match confidence 0) tells nothing. A
    registry or a court speaks of this account by an article that matches it well enough (`official_confidence`).
    """
    known = sorted(
        (a for a in articles if a.category in policy.categories and a.confidence > 0),
        key=lambda a: (a.published, a.article_id),
    )
    groups: list[list[Article]] = []
    recent: dict[str, list[list[Article]]] = {}
    texts: dict[str, dict[str, list[Article]]] = {}
    publishers: dict[str, set[str]] = {}
    for article in known:
        texts.setdefault(article.category, {}).setdefault(article.headline_key, []).append(article)
        publishers.setdefault(article.category, set()).add(publisher(article.domain))
        # Articles come by day: a group whose first is too old for this one takes no later one either.
        open_groups = [
            group
            for group in recent.get(article.category, ())
            if article.published - group[0].published <= policy.story_days
        ]
        recent[article.category] = open_groups
        for group in open_groups:
            if any(_one_story(article, other) for other in group):
                group.append(article)
                break
        else:
            groups.append([article])
            open_groups.append(groups[-1])
    for category, named in publishers.items():
        if len(named) == 1:
            texts[category] = {}  # nobody else is there to bear anything out
    return [_story(group, texts[group[0].category], policy) for group in groups]


def _one_story(one: Article, other: Article) -> bool:
    return one.headline_key == other.headline_key or (
        one.story_id is not None and one.story_id == other.story_id
    )


def _story(group: list[Article], texts: dict[str, list[Article]], policy: News) -> Story:
    first = group[0]
    official = any(a.official and a.confidence >= policy.official_confidence for a in group)
    claimed = [a for a in group if a.claim is not None]
    worst = max(claimed, key=lambda a: (a.claim or 0, a.article_id)) if claimed else None
    return Story(
        category=first.category,
        published=first.published,
        confidence=max(a.confidence for a in group),
        trust=max(trust(a.domain, policy) for a in group),
        official=official,
        corroborated=official or any(_corroborated(mine, texts, policy) for mine in group),
        headline=first.headline,
        claim=worst.claim if worst else None,
        currency=worst.currency if worst else None,
        event_ids=tuple(a.event_id for a in group),
        domains=tuple(dict.fromkeys(a.domain for a in group)),
    )


def _corroborated(mine: Article, texts: dict[str, list[Article]], policy: News) -> bool:
    """Whether another publisher tells it in another text."""
    own = publisher(mine.domain)
    return any(
        publisher(other.domain) != own and abs(other.published - mine.published) <= policy.corroboration_days
        for text, printed in texts.items()
        if text != mine.headline_key
        for other in printed
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

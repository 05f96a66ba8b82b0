"""News: the category that a headline tells, stories out of syndicated articles, and the score that decays.

Source: domain section 7. Which articles are kept, and until when, is agents/signals.py.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from agents.policy_outside import News

UNKNOWN: Final = "unknown"
_WORD: Final = re.compile(r"[a-z0-9]+")

# The first rule that matches tells the category: the graver and the more specific stand first. What a rule excludes is
# a headline that only sounds like it (an acquittal, a forecast, a film). A headline that none matches is `unknown`.
_RULES: Final = tuple(
    (category, re.compile(pattern), re.compile(unless) if unless else None)
    for category, pattern, unless in (
        ("creditor_petition", r"winding.?up (petition|order sought)|(involuntary|creditors?).{0,30}(bankruptcy|insolvency)? ?petition|petition to wind up", r"dismiss|withdrawn"),  # noqa: E501
        ("payment_default", r"\b(defaults? on|payment default|defaulted|misse[sd] (an? |its )?(\w+ ){0,2}(payment|coupon)|fails? to (pay|make) (\w+ ){0,2}(bond|coupon|interest|loan|payment|debt))", r"by default|avoid|averts?|default (setting|judgment)"),  # noqa: E501
        ("bankruptcy", r"\b(bankrupt(cy)?|chapter (7|11|15)\b|files? for creditor protection)", r"emerge[sd]? from|exit(s|ed)? (from )?(chapter|bankruptcy)|avoid|avert|denies|rule[sd]? out|bankrupt(cy)? (judge|lawyer|filings (rise|fall|up|down))|\b(buys?|acquires?)\b.{0,40} out of bankruptcy|customer'?s bankruptcy|risk of"),  # noqa: E501
        ("insolvency", r"\b(insolven(t|cy)|enters? administration|(called|calls) in administrators|administrators? (appointed|called)|(goes|went|falls?|fell|forced|placed|put|plunge[sd]?|slides?|slid|collapse[sd]?) into (administration|liquidation|receivership)|receivership|compulsory liquidation|sauvegarde|redressement judiciaire|insolvenz)", r"avoid|avert|denies|rule[sd]? out|insolvenc(y|ies) (rise|fall|up|down|figures|statistics|experts?|practitioners?|lawyers?|advisers?|practice)|members'? voluntary|solvent"),  # noqa: E501
        ("sanctions", r"\b(sanctions? (list|imposed|hit|on|against)|(treasury|washington|brussels) sanctions \w|sanctioned|ofac|added to .{0,20}sanctions|blacklisted|entity list)", r"sanctions? (lifted|relief|eased)|lifts? sanctions|industry sanctions"),  # noqa: E501
        ("going_concern", r"going.concern|ability to continue|substantial doubt", r"remove[sd]?|resolved"),
        ("covenant_breach", r"\bcovenants?\b.{0,25}(breach|waiver|violat|default)|(breach|violat)\w* .{0,25}covenants?|loan acceleration|accelerat\w+ .{0,15}(debt|loan|notes)", None),  # noqa: E501
        ("restatement", r"\brestat(e|es|ed|ing|ement)\b.{0,40}|non.?reliance|accounting (error|irregularit)", None),
        ("auditor_resignation", r"\bauditors?\b.{0,30}(resign|quit|steps? down|walks? away|dismiss|withdraw)|(resign|quit)\w* as auditor", None),  # noqa: E501
        ("delisting", r"\bdelist(s|ed|ing)?\b|delisting notice|trading .{0,20}suspended|(nyse|nasdaq).{0,30}(non.?compliance|deficiency)", r"voluntary|relist"),  # noqa: E501
        ("fraud", r"\b(frauds?|fraudulent|embezzl\w*|ponzi|money.launder\w*|brib(e|es|ery)|(sec|doj|police|prosecutors?|regulators?|watchdog) .{0,25}(probe|investigat|raid|charge)\w*|under investigation|(probe|investigation) (into|of)|(launch|open)\w* .{0,15}(probe|investigation))", r"fraud (prevention|detection|protection)|cleared of|acquitted|victim of|drops? (probe|investigation)"),  # noqa: E501
        ("licence_loss", r"\b(los(es|t)|revoke[sd]?|suspend(s|ed)?|strip(s|ped)?( of)?|withdraw[ns]?)\b.{0,35}\b(licen[cs]e|permit|operating certificate|authori[sz]ation)\b|\blicen[cs]e\b.{0,20}(revoked|suspended|withdrawn)", None),  # noqa: E501
        ("supplier_tightening", r"\b(suppliers?|vendors?)\b.{0,40}(tighten|demand (cash|prepay)|cash on delivery|cut off|halt|stop (shipping|deliver))|credit insur\w+.{0,40}(cut|pull|withdraw|reduc)|(cut|pull|withdraw|reduc)\w* .{0,25}(credit insurance|trade cover|trade credit)", None),  # noqa: E501
        ("downgrade", r"\b(moody'?s|s&p|s p|fitch|rating agency|ratings?)\b.{0,40}(downgrad|cuts?\b|lower|slash)|downgrad\w+ .{0,40}(junk|rating|debt|credit|moody|fitch|s&p|bonds)|cut(s)? to junk|\bto junk\b", r"stock|share price|to (hold|sell|neutral|underperform)|analyst"),  # noqa: E501
        ("plant_closure", r"\b(clos(e|es|ed|ing|ure)|shut(s|ting)?( down)?|shutter\w*|idle[sd]?)\b.{0,35}\b(plants?|factor(y|ies)|mills?|sites?|facilit(y|ies)|stores?|warehouses?|refiner(y|ies)|smelters?)\b|\b(plants?|factor(y|ies)|mills?|stores?|facilit(y|ies)|refiner(y|ies))\b.{0,20}\b(closures?|closing|to close|shutdown|shut down)\b", r"reopen|temporar|for the (day|holiday)|deal clos"),  # noqa: E501
        ("leveraged_buyout", r"leveraged buy.?out|\blbo\b|debt.funded (buy.?out|takeover|acquisition)|private equity .{0,30}(buy.?out|take ?over|acqui)", None),  # noqa: E501
        ("major_customer_lost", r"\blos(es|t|ing|s of)\b.{0,35}\b(customer|client|contract|account)\b|\b(customer|client)\b.{0,30}(terminat|cancel|walk|drop)|(terminat|cancel)\w* .{0,25}(contract|supply agreement)", None),  # noqa: E501
        ("layoffs", r"\blay(s|ing)? ?offs?\b|\blaid off\b|\blays off\b|job cuts|redundanc(y|ies)|(cut|axe|slash|shed|eliminat)\w* .{0,20}(jobs|positions|workforce|staff|employees|headcount)|workforce reduction", r"no (layoffs|job cuts)|avoid"),  # noqa: E501
        ("cfo_exit", r"\b(cfo|chief financial officer|finance (chief|director|boss))\b.{0,35}(resign|quit|leav|depart|steps? down|exit|oust|fired|out\b|dismiss)|(resignation|departure|exit) of .{0,25}(cfo|chief financial officer)", r"new cfo|appoints|names"),  # noqa: E501
        ("ceo_exit", r"\b(ceo|chief executive( officer)?|boss|managing director)\b.{0,35}(resign|quit|leav|depart|steps? down|exit|oust|fired|out\b|dismiss)|(resignation|departure|exit|ousts?|fires?) (of )?.{0,25}(ceo|chief executive)", r"appoints|names new"),  # noqa: E501
        ("recall", r"\brecall(s|ed|ing)?\b", r"recall(s|ed)? (how|when|memories|election|vote|that)|total recall"),
        ("cyber", r"\b(cyber.?(attack|incident|breach)\w*|ransomware|data breach|hack(ed|ers)|malware)\b", r"prevents?|protection|cyber.?security (firm|award|deal)"),  # noqa: E501
        ("dividend_cut", r"\b(cut|slash|suspend|scrap|omit|axe|halv|skip|eliminat)\w*\b.{0,20}\bdividends?\b|\bdividend\b.{0,15}(cut|suspended|scrapped|omitted|slashed)", None),  # noqa: E501
        ("hiring_freeze", r"hiring freeze|freez(e|es|ing) (on )?hiring|recruitment freeze|(halt|pause)s? hiring", None),
        ("litigation", r"\b(lawsuits?|sue[sd]?|suing|class action|litigation|takes? .{0,25} to court|court battle|damages claim|legal action)\b", r"settle[sd]?|dismiss|wins|drops"),  # noqa: E501
        ("merger_acquisition", r"\b(acqui(re|res|red|sition)|merger?s?|merge with|take ?over|to buy|buys|buy.?out|bid for)\b", r"share|stock|customer acquisition|buys? back"),  # noqa: E501
        ("rumour", r"\b(rumou?rs?|rumou?red|speculation|reportedly (considering|in talks|exploring)|said to be (considering|in talks|exploring))\b", None),  # noqa: E501
    )
)  # fmt: skip


def normalised(headline: str) -> str:
    """What two copies of one headline share: lower case, no accents, words and digits only, no source behind a dash."""
    text = re.sub(r"\s+[-–—|]\s+[^-–—|]{2,40}$", "", headline)
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return " ".join(_WORD.findall(text)) or headline.strip().lower()


def classify(headline: str) -> str:
    """The category that the headline tells by keyword rules, or `unknown`.

    Rules know words, not meaning: irony, other languages and headlines that only name a customer of the company are
    beyond them. tests/unit/test_signals_news.py prints precision and recall over a labelled set.
    """
    text = unicodedata.normalize("NFKD", headline).encode("ascii", "ignore").decode().lower()
    for category, pattern, unless in _RULES:
        if pattern.search(text) and not (unless and unless.search(text)):
            return category
    return UNKNOWN


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

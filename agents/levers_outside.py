"""Levers on what others say: one more report, filing, match, story, statement or relative on file, or time that passes.

Which of them a trigger pulls is agents/changes.py; its rules are agents/rules_outside.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from agents import rules_outside
from agents.bureau import AgencyReport
from agents.formulas import Unit
from agents.levers import LONGEST, MOST, Lever, MakeLever, at_noon, one_by_one, reported, suppose
from agents.news import Story
from agents.signals import Filing
from agents.view import View
from agents.wording import iso, shown
from schemas.money import text


def _report(
    view: View,
    agency: str,
    *,
    score: float | None = None,
    rating_class: str | None = None,
    limit: tuple[int, str] | None = None,
) -> dict[str, Any]:
    """What an agency would report today: points of 100, a class, a recommended limit in minor units and its currency."""
    fact: dict[str, Any] = {"type": "bureau.reported", "agency": agency, "reported_on": iso(view.today)}
    if score is not None:
        fact |= {"score": score, "scale_min": 0, "scale_max": 100, "higher_is_better": True}
    if rating_class is not None:
        fact["rating_class"] = rating_class
    if limit is not None:
        fact |= {"recommended_limit": text(*limit), "currency": limit[1]}
    return fact


def recovered_score(view: View) -> Lever | None:
    """Every agency's newest within so many tenths of a point of its best, and not a class too low; who is so already
    need say nothing."""
    fallen = [
        (report, points or 0.0, classes)
        for report in view.signals.reports(view.today, view.policy)
        for points, classes in (rules_outside.agency_fall(report, view),)
    ]
    allowed = view.policy.triggers.bureau_downgrade.classes - 1

    def told(step: int) -> list[tuple[AgencyReport, float | None, str | None]]:
        rows: list[tuple[AgencyReport, float | None, str | None]] = []
        for report, points, classes in fallen:
            score = rating = None
            if points > step / 10 and report.best_score is not None:
                score = tenths_up(report.best_score - step / 10)
            # A class that the policy does not know says nothing: only one that it knows can.
            if report.best_rank is not None and (classes is None or classes > allowed):
                ranks = view.policy.bureau.agencies[report.agency].classes
                rating = ranks[min(report.best_rank + allowed, len(ranks) - 1)]
            if score is not None or rating is not None:
                rows.append((report, score, rating))
        return rows

    if not told(0):
        return None

    def at(step: int) -> View:
        return reported(
            view,
            *(
                _report(view, report.agency, score=score, rating_class=rating)
                for report, score, rating in told(step)
            ),
        )

    def says(step: int) -> str:
        rows = []
        for report, score, rating in told(step):
            parts = []
            if score is not None and report.score is not None:
                parts.append(f"at {score:.1f} of 100 or better (now {report.score:.1f})")
            if rating is not None:
                parts.append(f"at rating class {rating} or better (now {report.rating_class})")
            rows.append(f"{report.agency} {' and '.join(parts)}")
        return "; ".join(rows)

    worst = max(points for _, points, _ in fallen)
    return Lever("fall_points", "points", 10, math.floor(worst * 10), 0, at, says)


def tenths_up(points: float) -> float:
    """Points of 100 in tenths, never lower: what is told must clear."""
    return min(100.0, max(0.0, math.ceil(points * 10 - 1e-6) / 10))


def tenths_down(points: float) -> float:
    """Points of 100 in tenths, never higher: what is told must fire."""
    return min(100.0, max(0.0, math.floor(points * 10 + 1e-6) / 10))


def fallen_score(view: View) -> Lever | None:
    scored = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if report.score is not None and report.best_score is not None
    ]
    if not scored:
        return None
    report = min(scored, key=lambda r: (r.score or 0.0) - (r.best_score or 0.0))
    best, now = report.best_score or 0.0, report.score or 0.0

    return Lever(
        "fall_points",
        "points",
        10,
        math.ceil(max(0.0, best - now) * 10),
        1000,
        lambda step: reported(view, _report(view, report.agency, score=tenths_down(best - step / 10))),
        lambda step: (
            f"{report.agency} at {tenths_down(best - step / 10):.1f} of 100 or worse (now {now:.1f})"
        ),
    )


def fallen_class(view: View) -> Lever | None:
    agencies = view.policy.bureau.agencies
    known = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if report.best_rank is not None and report.class_rank is not None
    ]
    if not known:
        return None
    report = max(known, key=lambda r: (r.class_rank or 0) - (r.best_rank or 0))  # the nearest to it
    ranks, best, now = agencies[report.agency].classes, report.best_rank or 0, report.class_rank or 0

    def at(step: int) -> View:
        return reported(view, _report(view, report.agency, rating_class=ranks[best + step]))

    def says(step: int) -> str:
        return f"{report.agency} at rating class {ranks[best + step]} or worse (now {report.rating_class})"

    return Lever("fall_classes", "count", 1, now - best, len(ranks) - 1 - best, at, says)


def restored_limit(view: View) -> Lever | None:
    """What every agency's newest recommended limit may be short of its best, in minor units of that limit."""
    cut = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if (share := rules_outside.agency_cut(report, view)) is not None and share > 0
    ]
    if not cut:
        return None

    def limits(step: int) -> list[tuple[str, int, str, int]]:
        rows = []
        for report in cut:
            best, now = rules_outside.best_limit(report, view)[0] or 0, report.stated_limit or 0
            currency = report.stated_currency or view.policy.base_currency
            rows.append((report.agency, max(now, best - step), currency, now))
        return rows

    def at(step: int) -> View:
        return reported(
            view,
            *(_report(view, agency, limit=(limit, currency)) for agency, limit, currency, _ in limits(step)),
        )

    def says(step: int) -> str:
        return "; ".join(
            f"{agency} recommending {shown(limit, 'money', currency, currency)} again (now "
            f"{shown(now, 'money', currency, currency)})"
            for agency, limit, currency, now in limits(step)
        )

    short = max(
        (rules_outside.best_limit(report, view)[0] or 0) - (report.stated_limit or 0) for report in cut
    )
    return Lever("cut", "money", 1, short, 0, at, says)


def lowered_limit(view: View) -> Lever | None:
    known = [
        (cut, report)
        for report in view.signals.reports(view.today, view.policy)
        if (cut := rules_outside.agency_cut(report, view)) is not None
    ]
    if not known:
        return None
    _, report = max(known, key=lambda item: item[0])  # the nearest to it
    now, currency = report.stated_limit or 0, report.stated_currency or view.policy.base_currency

    return Lever(
        "cut",
        "money",
        1,
        now,
        0,
        lambda step: reported(view, _report(view, report.agency, limit=(step, currency))),
        lambda step: (
            f"{report.agency} recommending {shown(step, 'money', currency, currency)} or less (now "
            f"{shown(now, 'money', currency, currency)})"
        ),
    )


def ended_filings(trigger_id: str, found: Callable[[View], list[Filing]]) -> MakeLever:
    """So many of the filings, in their order, ended as the policy says; discharges end stories of courts too."""

    def make(view: View) -> Lever | None:
        ends = getattr(view.policy.triggers, trigger_id).clears_on
        filings = found(view)
        stories = trigger_id == "insolvency" and len(filings) < len(rules_outside.insolvency_events(view))
        ended = [(filing.filing_id, filing.kind) for filing in filings]
        if stories and not ended:
            ended = [("~supposed", "insolvency")]
        if not ended:
            return None
        facts = [
            {
                "type": "bureau.filed",
                "filing_id": filing_id,
                "kind": kind,
                "filed_on": iso(view.today),
                "status": ends[0],
            }
            for filing_id, kind in ended
        ]

        def says(step: int) -> str:
            named = ", ".join(f"{filing.kind} {filing.filing_id}" for filing in filings[:step])
            return f"{named or 'the proceedings'} {' or '.join(ends)}"

        return one_by_one(view, "filings", facts, says)

    return make


def filed(kind: str, figure: str, *, over_an_amount: bool = False) -> MakeLever:
    def make(view: View) -> Lever:
        base = view.policy.base_currency

        def at(step: int) -> View:
            if not step:
                return view
            fact = {
                "type": "bureau.filed",
                "filing_id": "~supposed",
                "kind": kind,
                "filed_on": iso(view.today),
                "status": "filed",
            }
            return reported(
                view, fact | ({"amount": text(step, base), "currency": base} if over_an_amount else {})
            )

        def says(step: int) -> str:
            if not over_an_amount:
                return (
                    "a secured charge registered"
                    if kind == "charge"
                    else "proceedings opened, by a registry or a court"
                )
            return (
                f"a lien, judgment or suit of {shown(step, 'base', None, base)} or more, or of unknown amount"
            )

        return Lever(
            figure, "base" if over_an_amount else "count", 1, 0, MOST if over_an_amount else 1, at, says
        )

    return make


def cleared_matches(view: View) -> Lever | None:
    matches = view.signals.matches(view.today)
    if not matches:
        return None

    facts = [
        {
            "type": "screening.reported",
            "match_id": match.match_id,
            "list": match.list,
            "status": "cleared",
            "actor": "somebody",
        }
        for match in matches
    ]

    def says(step: int) -> str:
        one = "match" if step == 1 else "matches"
        return f"{one} {', '.join(match.match_id for match in matches[:step])} cleared by a person"

    return one_by_one(view, "matches", facts, says)


def matched(view: View) -> Lever:
    fact = {"type": "screening.reported", "match_id": "~supposed", "list": "any list", "status": "possible"}
    return one_by_one(view, "matches", [fact], lambda step: "a possible or confirmed match on any list")


def recovered_relations(view: View) -> Lever | None:
    least = view.policy.triggers.related_party_distress.their_severity
    found = sorted((d for d in view.distress if d.severity >= least), key=lambda d: -d.severity)
    if not found:
        return None

    facts = [
        {
            "type": "related.recovered",
            "related_account_id": d.related_account_id,
            "alert_id": d.alert_id,
            "severity": d.severity,
            "parent_id": d.parent_id,
            "stay": d.stay,
        }
        for d in found
    ]

    def says(step: int) -> str:
        return f"the alerts of {', '.join(dict.fromkeys(d.related_account_id for d in found[:step]))} cleared"

    return one_by_one(view, "related", facts, says)


def related(view: View) -> Lever:
    fact = {"type": "related.distressed", "related_account_id": "~supposed", "alert_id": "~supposed"}
    return Lever(
        "related_severity",
        "count",
        1,
        0,
        5,
        lambda step: reported(view, {**fact, "severity": step}) if step else view,
        lambda step: f"an open alert of severity {step} or more at the parent or a sibling",
    )


def newer_statement(view: View) -> Lever | None:
    statement = view.signals.statement(view.today, view.policy)
    if statement is None:
        return None

    def at(step: int) -> View:
        fact = {
            "type": "statement.filed",
            "statement_id": "~supposed",
            "period_end": iso(step),
            "months": 12,
            "currency": statement.currency,
            "figures": {},
        }
        return reported(view, fact)

    return Lever(
        "period_end",
        "date",
        1,
        statement.period_end,
        view.today,
        at,
        lambda step: (
            f"a statement for a period that ended on {iso(step)} or later (now {iso(statement.period_end)})"
        ),
    )


def stale_day(view: View) -> Lever | None:
    statement = view.signals.statement(view.today, view.policy)
    if statement is None:
        return None
    stale = statement.stale_after(view.policy.statements)
    supposed = view.signals.copy()
    return Lever(
        "stale_after",
        "date",
        1,
        view.today,
        max(view.today, stale + 1),
        lambda step: suppose(view, today=step, signals=supposed),
        lambda step: f"time: the statement is stale on {iso(step)}, if no newer one comes",
    )


def demanding_tier(view: View) -> Lever | None:
    tiers = [
        name for name in ("low", "medium", "high") if getattr(view.policy.tiers, name).demands_statements
    ]
    if not tiers:
        return None
    high = view.policy.tiers.high
    return Lever(
        "tier",
        "text",
        1,
        0,
        1,
        lambda step: suppose(view, tier=tiers[0] if step else view.tier),
        lambda step: (
            f"tier {' or '.join(tiers)} (now {view.tier or 'none'}), which demands statements: high from grade "
            f"{' or '.join(high.grades)}, or a condition of severity {high.severity_from} or more"
        ),
    )


def published(view: View) -> Lever:
    """A story of that severity from a source of default trust, published today, surely about the account."""
    rule = view.policy.news
    by_severity: dict[int, str] = {}
    for name, category in rule.categories.items():
        if name != "litigation":
            by_severity.setdefault(category.severity, name)
    steps = sorted(by_severity)

    def at(step: int) -> View:
        if not step:
            return view
        fact = {
            "type": "news.published",
            "article_id": "~supposed",
            "headline": "~supposed",
            "url": "https://supposed.example/",
            "domain": "supposed.example",
            "published_at": at_noon(view, view.today),
            "category": by_severity[steps[step - 1]],
        }
        return reported(view, fact)

    return Lever(
        "news_score",
        "points",
        1,
        0,
        len(steps),
        at,
        lambda step: (
            f"a story of severity {steps[step - 1]} or more in a source of trust {rule.default_trust:g}"
        ),
    )


def _discharge(view: View) -> tuple[dict[str, Any], str] | None:
    """The filing that ends the proceedings of which stories tell, and its words; None where none do."""
    told = [
        story
        for story in view.signals.stories(view.today, view.policy)
        if story.category in rules_outside.INSOLVENT
    ]
    if not told:
        return None
    ends = view.policy.triggers.insolvency.clears_on
    fact = {
        "type": "bureau.filed",
        "filing_id": "~supposed",
        "kind": "insolvency",
        "filed_on": iso(view.today),
        "status": ends[0],
    }
    since = iso(max(story.published for story in told))
    return fact, f"a registry filing of {since} or later that the insolvency is {' or '.join(ends)}"


def discharged(view: View) -> Lever | None:
    """The end of the proceedings of which stories tell: those never fade."""
    found = _discharge(view)
    if found is None:
        return None
    fact, words = found
    return one_by_one(view, "filings", [fact], lambda step: words)


def discharged_and_faded(view: View) -> Lever | None:
    """The same, where other stories hold the alert too: those fade with time."""
    found = _discharge(view)
    if found is None:
        return None
    fact, words = found
    ended = reported(view, fact)
    if rules_outside.adverse_news_clears(ended):
        return None
    return Lever(
        "news_score",
        "date",
        1,
        view.today,
        view.today + LONGEST,
        lambda step: suppose(ended, today=step),
        lambda step: f"{words}; and time: the other stories have faded on {iso(step)}, if nothing new comes",
    )


def corrected(holds: Callable[[View, Story], bool]) -> MakeLever:
    """The articles of every story that holds the alert, told again as surely about this account as so many percent."""

    def make(view: View) -> Lever | None:
        holding = {
            event_id
            for story in view.signals.stories(view.today, view.policy)
            if holds(view, story)
            for event_id in story.event_ids
        }
        return _told_again(view, holding)

    return make


def holds_news(view: View, story: Story) -> bool:
    """Whether a story alone keeps `adverse_news` open."""
    rule = view.policy.triggers.adverse_news
    return view.signals.score_of(story, view.today, view.policy, view.rates).score >= rule.clear_score


def _told_again(view: View, holding: set[str]) -> Lever | None:
    articles = [a for a in view.signals.articles(view.today, view.policy) if a.event_id in holding]
    if not articles:
        return None
    now = max(article.confidence for article in articles)

    def at(step: int) -> View:
        return reported(
            view,
            *(
                {
                    "type": "news.published",
                    "article_id": article.article_id,
                    "headline": article.headline,
                    "url": "https://supposed.example/",
                    "domain": article.domain,
                    "published_at": at_noon(view, article.published),
                    "category": article.category,
                    "confidence": min(article.confidence, step / 100),
                    "story_id": article.story_id,
                    "claim": None if article.claim is None else text(article.claim, article.currency or ""),
                    "currency": article.currency,
                    "source_kind": "registry" if article.official else None,
                }
                for article in articles
            ),
        )

    named = ", ".join(article.article_id for article in articles[:3])
    more = f" and {len(articles) - 3} more" if len(articles) > 3 else ""
    what = f"article {named}" if len(articles) == 1 else f"articles {named}{more}"
    return Lever(
        "confidence",
        "share",
        100,
        math.ceil(now * 100),
        0,
        at,
        lambda step: (
            f"{what} told again as about somebody else: match confidence {step / 100:g} or less (now {now:g})"
        ),
    )


def on_day(figure: str, unit: Unit, what: str) -> MakeLever:
    """Nothing new happens and time passes."""

    def make(view: View) -> Lever:
        supposed = view.signals.copy()
        return Lever(
            figure,
            unit,
            1,
            view.today,
            view.today + LONGEST,
            lambda step: suppose(view, today=step, signals=supposed),
            lambda step: f"time: {what} on {iso(step)}, if nothing new comes",
        )

    return make


def greatest_claims(view: View) -> list[Filing]:
    """Liens, judgments and suits by their claims in base currency; first of all what no rate converts."""
    level = rules_outside.legal_level(view)

    def claim(filing: Filing) -> float:
        amount = rules_outside.legal_amount(filing, level, view)
        return math.inf if amount is None else amount

    return sorted(rules_outside.open_legal(view), key=claim, reverse=True)


def open_insolvencies(view: View) -> list[Filing]:
    return rules_outside.open_filings(view, "insolvency", view.policy.triggers.insolvency.clears_on)


def open_charges(view: View) -> list[Filing]:
    return rules_outside.open_filings(view, "charge", view.policy.triggers.new_charge.clears_on)

"""The rules on what others say: agencies, registries, news, lists, statements, relatives. Source: domain section 4.

Pure functions of a view, three a trigger, as in agents/rules_paying.py; what is on file is agents/signals.py.
"""

from __future__ import annotations

import math
from typing import Any, Final

from agents import news
from agents.bureau import AgencyReport
from agents.news import Story
from agents.signals import Filing
from agents.view import Evidence, Firing, View
from agents.wording import NO_RATE, as_days, as_share, iso
from schemas.money import text


def agency_fall(report: AgencyReport, v: View) -> tuple[float | None, int | None]:
    """How far an agency's newest stands below its best of 365 days: points, and classes; None: nothing to compare."""
    if v.today - report.reported_on >= v.policy.bureau.best_days:
        return None, None
    points = classes = None
    if report.score is not None and report.best_score is not None:
        # 3.7 and 4.1 of 1-5 are ten points apart, and 9.999999999999996 as fractions of two.
        points = round(report.best_score - report.score, 9)
    if report.class_rank is not None and report.best_rank is not None:
        classes = report.class_rank - report.best_rank
    return points, classes


def _fell(fall: tuple[float | None, int | None], v: View) -> tuple[bool, float]:
    """Whether it is a downgrade, and how deep in points: a class stands for as many as fire alone."""
    rule = v.policy.triggers.bureau_downgrade
    points, classes = fall[0] or 0.0, fall[1] or 0
    return points >= rule.points or classes >= rule.classes, max(points, classes * rule.points)


def bureau_downgrade(v: View) -> Firing | None:
    rule = v.policy.triggers.bureau_downgrade
    falls = [_fell(agency_fall(report, v), v) for report in v.signals.reports(v.today, v.policy)]
    deepest = max((depth for is_downgrade, depth in falls if is_downgrade), default=None)
    return None if deepest is None else Firing(rule.severity, deepest - rule.clear_points)


def bureau_downgrade_clears(v: View) -> bool:
    rule, reports = v.policy.triggers.bureau_downgrade, v.signals.reports(v.today, v.policy)
    compared = False
    for report in reports:
        points, classes = agency_fall(report, v)
        if classes is None and report.best_rank is not None:
            # A class that the policy does not know says nothing of the fall from one that it knows
            return False
        if (points or 0) > rule.clear_points or (classes or 0) >= rule.classes:
            return False
        compared = compared or points is not None or classes is not None
    return compared


def bureau_downgrade_evidence(v: View) -> Evidence:
    """Of the agency whose downgrade is the deepest; of the one that fell furthest where there is none."""
    rule = v.policy.triggers.bureau_downgrade
    falls = [(agency_fall(report, v), report) for report in v.signals.reports(v.today, v.policy)]
    thresholds = {
        "fall_points": rule.points,
        "fall_classes": rule.classes,
        "clear_fall_points": rule.clear_points,
    }
    if not falls:
        return Evidence({}, thresholds, [])
    (points, classes), report = max(falls, key=lambda item: _fell(item[0], v))
    metrics = {
        "agency": report.agency,
        "score": as_days(report.score),
        "best_score": as_days(report.best_score),
        "score_reported": report.score_text,
        "rating_class": report.rating_class,
        "fall_points": as_days(points),
        "fall_classes": classes,
        "report_age_days": v.today - report.reported_on,
    }
    return Evidence(
        metrics,
        thresholds,
        _events(
            report.best_score_event,
            report.best_rank_event,
            report.score_event,
            report.class_event,
        ),
    )


def best_limit(report: AgencyReport, v: View) -> tuple[int | None, str | None]:
    """An agency's best recommended limit of 365 days, and its event. In the currency of the newest, at the rates of its
    day, so that no later rate moves it; None where one in another currency has none."""
    best, event = report.best_limit, report.best_limit_event
    for amount, currency, event_id in report.other_limits:
        assert report.stated_currency is not None
        assert report.limit_on is not None
        worth = v.rates.convert(amount, currency, report.stated_currency, report.limit_on)
        if worth is None:
            return None, None
        if best is None or worth > best:
            best, event = worth, event_id
    return best, event


def agency_cut(report: AgencyReport, v: View) -> float | None:
    """The share by which an agency's newest recommended limit stands below its best of 365 days."""
    now, (best, _) = report.stated_limit, best_limit(report, v)
    if now is None or not best or v.today - report.reported_on >= v.policy.bureau.best_days:
        return None
    return 1 - now / best


def agency_limit_cut(v: View) -> Firing | None:
    rule = v.policy.triggers.agency_limit_cut
    worst: Firing | None = None
    for report in v.signals.reports(v.today, v.policy):
        cut = agency_cut(report, v)
        if cut is not None and cut >= rule.cut:
            firing = Firing(rule.severity_zero if report.stated_limit == 0 else rule.severity, cut)
            worst = firing if worst is None else max(worst, firing)
    return worst


def agency_limit_cut_clears(v: View) -> bool:
    """Restored by all that can be compared; one that waits for a rate says nothing, and so does not clear."""
    reports = v.signals.reports(v.today, v.policy)
    known = [cut for report in reports if (cut := agency_cut(report, v)) is not None]
    waits = any(report.other_limits and best_limit(report, v)[0] is None for report in reports)
    return bool(known) and max(known) <= 0 and not waits


def agency_limit_cut_evidence(v: View) -> Evidence:
    rule = v.policy.triggers.agency_limit_cut
    cuts = [(agency_cut(report, v), report) for report in v.signals.reports(v.today, v.policy)]
    known = [(cut, report) for cut, report in cuts if cut is not None]
    if not known:
        return Evidence({}, {"cut": rule.cut}, [])
    cut, report = max(known, key=lambda item: item[0])
    currency = report.stated_currency or v.policy.base_currency
    best, best_event = best_limit(report, v)
    metrics = {
        "agency": report.agency,
        "recommended_limit": text(report.stated_limit or 0, currency),
        "best_recommended_limit": text(best or 0, currency),
        "currency": currency,
        "cut": as_share(cut),
    }
    return Evidence(metrics, {"cut": rule.cut, "clear_cut": 0.0}, _events(best_event, report.limit_event))


_LEGAL: Final = ("lien", "judgment", "suit")


def legal_level(v: View) -> int:
    """In minor units of the base currency: the greater of the flat amount and the share of tangible net worth."""
    rule = v.policy.triggers.legal_filing
    level = rule.base_amount * v.policy.base_unit
    statement = v.signals.usable_statement(v.today, v.policy)
    worth = None if statement is None else statement.tangible_net_worth
    if statement is not None and worth is not None:
        in_base = v.base(worth, statement.currency)
        if in_base is not None:
            level = max(level, int(in_base * rule.share_of_net_worth))
    return level


def open_legal(v: View) -> list[Filing]:
    ended = v.policy.triggers.legal_filing.clears_on
    return [f for f in v.signals.filings(v.today) if f.kind in _LEGAL and f.status not in ended]


def legal_amount(filing: Filing, level: int, v: View) -> int | None:
    """What the filing claims, in base minor units; an amount that is not stated counts as the level. None: no rate."""
    if filing.amount is None or filing.currency is None:
        return level
    return v.base(filing.amount, filing.currency)


def filed_at_a_rate(v: View) -> bool:
    """Whether a rate alone can carry what is on file over the level, or under it."""
    if v.signals.empty:
        return False
    found, base = open_legal(v), v.policy.base_currency
    if not found:
        return False
    statement = v.signals.usable_statement(v.today, v.policy)
    return any(f.currency not in (None, base) for f in found) or (
        statement is not None and statement.currency != base
    )


def legal_filing(v: View) -> Firing | None:
    found = open_legal(v)
    if not found:
        return None
    level = legal_level(v)
    amounts = [amount for f in found if (amount := legal_amount(f, level, v)) is not None and amount >= level]
    if not amounts:
        return None
    return Firing(v.policy.triggers.legal_filing.severity, float(sum(amounts)))


def legal_filing_clears(v: View) -> bool:
    """Nothing is on file that fires; one that can not be valued for want of a rate clears nothing."""
    level = legal_level(v)
    amounts = [legal_amount(f, level, v) for f in open_legal(v)]
    return all(amount is not None and amount < level for amount in amounts)


def legal_filing_evidence(v: View) -> Evidence:
    found, level = open_legal(v), legal_level(v)
    amounts = [legal_amount(f, level, v) for f in found]
    return Evidence(
        {
            "filings": [
                {
                    "kind": f.kind,
                    "filing_id": f.filing_id,
                    "status": f.status,
                    "amount": None if f.amount is None or f.currency is None else text(f.amount, f.currency),
                    "currency": f.currency,
                }
                for f in found
            ]
        },
        {"amount_base": NO_RATE if None in amounts else text(level, v.policy.base_currency)},
        [f.event_id for f in found],
    )


def open_filings(v: View, kind: str, ended: tuple[str, ...]) -> list[Filing]:
    return [f for f in v.signals.filings(v.today) if f.kind == kind and f.status not in ended]


def new_charge(v: View) -> Firing | None:
    rule = v.policy.triggers.new_charge
    found = open_filings(v, "charge", rule.clears_on)
    return Firing(rule.severity, float(len(found))) if found else None


def new_charge_clears(v: View) -> bool:
    return not open_filings(v, "charge", v.policy.triggers.new_charge.clears_on)


def new_charge_evidence(v: View) -> Evidence:
    found = open_filings(v, "charge", v.policy.triggers.new_charge.clears_on)
    return Evidence(
        {"charges": len(found), "filing_ids": [f.filing_id for f in found]},
        {"charges": 1},
        [f.event_id for f in found],
    )


def adverse_news(v: View) -> Firing | None:
    worst = v.signals.news_score(v.today, v.policy, v.rates)
    rule = v.policy.triggers.adverse_news
    if worst.story is None or worst.score < rule.score:
        return None
    return Firing(min(5, news.rounded(worst.score)), worst.score - rule.clear_score)


def adverse_news_clears(v: View) -> bool:
    return v.signals.news_score(v.today, v.policy, v.rates).score < v.policy.triggers.adverse_news.clear_score


def adverse_news_evidence(v: View) -> Evidence:
    worst = v.signals.news_score(v.today, v.policy, v.rates)
    rule, story = v.policy.triggers.adverse_news, worst.story
    # Rounded down: 0.496 has cleared and 3.496 is severity 3, which 0.5 and 3.5 would gainsay.
    metrics: dict[str, Any] = {"news_score": math.floor(worst.score * 100 + 1e-6) / 100}
    if story is not None:
        metrics |= {
            "category": story.category,
            "headline": story.headline,
            "category_severity": worst.severity,
            "confidence": story.confidence,
            "trust": story.trust,
            "age_days": v.today - story.published,
            "corroborated": story.corroborated,
            "copies": len(story.event_ids),
            "domains": list(story.domains[:5]),
        }
    return Evidence(
        metrics,
        {
            "news_score": rule.score,
            "clear_news_score": rule.clear_score,
            "uncorroborated_cap": v.policy.news.uncorroborated_cap,
        },
        list(story.event_ids) if story is not None else [],
    )


INSOLVENT: Final = ("bankruptcy", "insolvency")


def tells_of_insolvency(_: View, story: Story) -> bool:
    """Whether a registry or a court tells of it, in an article and not in a filing."""
    return story.official and story.category in INSOLVENT


def insolvency_events(v: View) -> list[str]:
    """Registry filings, and articles of a registry or a court, that tell of insolvency and have not been discharged."""
    filings = open_filings(v, "insolvency", v.policy.triggers.insolvency.clears_on)
    told = [
        event_id
        for story in v.signals.stories(v.today, v.policy)
        if tells_of_insolvency(v, story)
        for event_id in story.event_ids
    ]
    return [f.event_id for f in filings] + told


def insolvency(v: View) -> Firing | None:
    found = insolvency_events(v)
    return Firing(v.policy.triggers.insolvency.severity, 1.0) if found else None


def insolvency_clears(v: View) -> bool:
    return not insolvency_events(v)


def insolvency_evidence(v: View) -> Evidence:
    filings = open_filings(v, "insolvency", v.policy.triggers.insolvency.clears_on)
    found = insolvency_events(v)
    return Evidence(
        {
            "events": len(found),
            "filing_ids": [f.filing_id for f in filings],
            "filed_on": [iso(f.filed_on) for f in filings],
        },
        {"events": 1},
        found,
    )


def sanctions_match(v: View) -> Firing | None:
    found = v.signals.matches(v.today)
    if not found:
        return None
    rule = v.policy.triggers.sanctions_match
    confirmed = any(match.status == "confirmed" for match in found)
    return Firing(rule.severity if confirmed else rule.severity_possible, float(len(found)))


def sanctions_match_clears(v: View) -> bool:
    return not v.signals.matches(v.today)


def sanctions_match_evidence(v: View) -> Evidence:
    found = v.signals.matches(v.today)
    return Evidence(
        {"matches": [{"match_id": m.match_id, "list": m.list, "status": m.status} for m in found]},
        {"matches": 1},
        [m.event_id for m in found],
    )


def statements_stale(v: View) -> Firing | None:
    tier = v.tier
    if tier is None or not getattr(v.policy.tiers, tier).demands_statements:
        return None
    statement = v.signals.statement(v.today, v.policy)
    if statement is None:
        return None
    if v.today <= statement.stale_after(v.policy.statements):
        return None
    # Counted from the end of the period, so that growth means age.
    return Firing(v.policy.triggers.statements_stale.severity, float(v.today - statement.period_end))


def statements_stale_clears(v: View) -> bool:
    statement = v.signals.statement(v.today, v.policy)
    if statement is None:
        return False
    return v.today <= statement.stale_after(v.policy.statements)


def statements_stale_evidence(v: View) -> Evidence:
    statement = v.signals.statement(v.today, v.policy)
    policy = v.policy.statements
    return Evidence(
        {
            "statement_id": None if statement is None else statement.statement_id,
            "period_end": None if statement is None else iso(statement.period_end),
            "tier": v.tier,
        },
        {
            "stale_months": policy.stale_months,
            "stale_after": None if statement is None else iso(statement.stale_after(policy)),
        },
        [] if statement is None else [statement.event_id],
    )


def related_party_distress(v: View) -> Firing | None:
    rule = v.policy.triggers.related_party_distress
    found = [d.severity for d in v.distress if d.severity >= rule.their_severity]
    return Firing(rule.severity, float(len(found))) if found else None


def related_party_distress_clears(v: View) -> bool:
    least = v.policy.triggers.related_party_distress.their_severity
    return all(d.severity < least for d in v.distress)


def related_party_distress_evidence(v: View) -> Evidence:
    least = v.policy.triggers.related_party_distress.their_severity
    found = [d for d in v.distress if d.severity >= least]
    return Evidence(
        {
            "related": [
                {"account_id": d.related_account_id, "alert_id": d.alert_id, "severity": d.severity}
                for d in found
            ]
        },
        {"severity": least},
        [d.event_id for d in found],
    )


def _events(*ids: str | None) -> list[str]:
    return list(dict.fromkeys(event_id for event_id in ids if event_id is not None))

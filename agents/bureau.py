"""Agency reports: what an agency says as of a day, beside the best that it said before.

Source: domain section 4 (bureau_downgrade, agency_limit_cut). Which reports are on file is agents/signals.py; what fires on
them is agents/rules_outside.py.
"""

from __future__ import annotations

from typing import NamedTuple

from agents.policy import Policy
from agents.versions import AT, DAY, EVENT, Table, Version, holding_on


class AgencyReport(NamedTuple):
    """What an agency says as of a day, beside its best of bureau.best_days. Points are 0–100, 100 the best.

    Score, class and stated limit are each the newest that it has stated: agencies also report the one that moved alone,
    which takes nothing back of the others. What an earlier report stated counts for bureau.score_days.
    """

    agency: str
    reported_on: int  # of its newest report, whatever that states
    score: float | None
    score_text: str | None  # as reported, on its own scale
    score_on: int | None
    score_event: str | None
    rating_class: str | None
    class_rank: int | None  # in the policy's order, 0 the best; None: unknown there, shown and not compared
    class_on: int | None
    class_event: str | None
    stated_limit: int | None
    stated_currency: str | None
    limit_on: int | None
    limit_event: str | None
    event_id: str
    best_score: float | None
    best_score_event: str | None
    best_rank: int | None
    best_rank_event: str | None
    best_limit: int | None  # in the same currency as the stated limit
    best_limit_event: str | None
    # The best of each other currency: amount, currency, event id
    other_limits: tuple[tuple[int, str, str], ...]


def agency_reports(table: Table, today: int, policy: Policy) -> tuple[AgencyReport, ...]:
    """Each agency's newest report, in the order of their names.

    Versions are [.., agency, points, score as text, class, limit, currency, dbt], as agents/signals.py keeps them.
    """
    by_agency: dict[str, list[Version]] = {}
    for _, v in holding_on(table, today):
        by_agency.setdefault(v[3], []).append(v)
    out = []
    for agency, rows in sorted(by_agency.items()):
        rows.sort(key=lambda v: (v[DAY], v[AT], v[EVENT]))
        newest = rows[-1]
        rule = policy.bureau.agencies.get(agency)
        ranks = {} if rule is None else {name: rank for rank, name in enumerate(rule.classes)}
        window = [v for v in rows if v[DAY] > today - policy.bureau.best_days]
        stated = [v for v in rows if v[DAY] >= today - policy.bureau.score_days] or [newest]
        last_score = next((v for v in reversed(stated) if v[4] is not None), None)
        last_class = next((v for v in reversed(stated) if v[6] is not None), None)
        last_limit = next((v for v in reversed(stated) if v[7] is not None), None)
        # The latest of equals: the evidence names the report from which the fall began.
        score = max((v for v in reversed(window) if v[4] is not None), key=lambda v: v[4], default=None)
        ranked = min((v for v in reversed(window) if v[6] in ranks), key=lambda v: ranks[v[6]], default=None)
        best: dict[str, Version] = {}
        for v in window if last_limit is not None else ():
            if v[7] is not None and (v[8] not in best or v[7] >= best[v[8]][7]):
                best[v[8]] = v
        limit = None if last_limit is None else best.pop(last_limit[8], None)
        out.append(
            AgencyReport(
                agency=agency,
                reported_on=newest[DAY],
                score=None if last_score is None else last_score[4],
                score_text=None if last_score is None else last_score[5],
                score_on=None if last_score is None else last_score[DAY],
                score_event=None if last_score is None else last_score[EVENT],
                rating_class=None if last_class is None else last_class[6],
                class_rank=None if last_class is None else ranks.get(last_class[6]),
                class_on=None if last_class is None else last_class[DAY],
                class_event=None if last_class is None else last_class[EVENT],
                stated_limit=None if last_limit is None else last_limit[7],
                stated_currency=None if last_limit is None else last_limit[8],
                limit_on=None if last_limit is None else last_limit[DAY],
                limit_event=None if last_limit is None else last_limit[EVENT],
                event_id=newest[EVENT],
                best_score=None if score is None else score[4],
                best_score_event=None if score is None else score[EVENT],
                best_rank=None if ranked is None else ranks[ranked[6]],
                best_rank_event=None if ranked is None else ranked[EVENT],
                best_limit=None if limit is None else limit[7],
                best_limit_event=None if limit is None else limit[EVENT],
                other_limits=tuple((v[7], currency, v[EVENT]) for currency, v in sorted(best.items())),
            )
        )
    return tuple(out)

"""What others say of an account: bureau reports, filings, screening, news, statements, references, related distress.

State and its readers live here. What fires on it is agents/rules_outside.py; how reports, headlines and statements are
read stands in bureau.py, news.py and statements.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from agents import headlines, news, statements
from agents.bureau import AgencyReport, agency_reports
from agents.calendar import months_after
from agents.facts import APPLIED, LATE, NEVER, REPEAT, amount_of, local_day, microseconds
from agents.news import Article, Story
from agents.policy import Policy
from agents.rates import Rates
from agents.statements import Statement
from agents.versions import AT, DAY, EVENT, Table, Version, holding_on, keep_newest, version_order
from schemas.events import (
    AccountEvent,
    BureauFiled,
    BureauReported,
    NewsPublished,
    ReferenceGiven,
    RelatedDistressed,
    RelatedLinked,
    RelatedRecovered,
    ScreeningReported,
    StatementFiled,
)
from schemas.money import minor

_VERSION: Final = 1
# Articles that never decay, kept for good beyond the days in which they can be corrected
_ENDLESS_KEPT: Final = 16

_ENDED: Final = 6  # graver than every severity: nothing comes after it
_GRAVER: Final = 1 << 53  # microseconds: a graver message about an alert counts after every instant
_T = TypeVar("_T")

_PIECES: Final = {
    "s.b": ("reports",),
    "s.f": ("filings", "screenings", "related", "children"),
    "s.n": ("articles",),
    "s.t": ("statements", "references"),
}


class Filing(NamedTuple):
    filing_id: str
    event_id: str
    kind: str
    status: str
    filed_on: int
    occurred_at: int
    amount: int | None
    currency: str | None


class Match(NamedTuple):
    match_id: str
    event_id: str
    status: str
    list: str


class Distress(NamedTuple):
    related_account_id: str
    alert_id: str
    parent_id: str | None  # of the family that was told; None: it was not said
    stay: int  # how many families the child that tells its own had left before
    severity: int
    event_id: str


class Reference(NamedTuple):
    reference_id: str
    event_id: str
    high_credit: int
    currency: str
    dbt: float | None


class NewsScore(NamedTuple):
    """The account's worst story as of a day; `score` is not rounded, `severity` is that of the story's category."""

    score: float
    story: Story | None
    severity: int


def _day(instant: datetime, policy: Policy) -> int:
    return local_day(microseconds(instant), policy.time_zone)


class Signals:
    """Mutable, owned by one account. Facts commute: what the readers say depends on the facts, not on their order.

    Not guaranteed: a correction that moves an article to a category of a shorter memory, when it comes before the
    article itself and is spent already; nothing is kept of it.
    """

    __slots__ = (
        "_articles",
        "_children",
        "_dirty",
        "_filings",
        "_memory",
        "_news",
        "_policy",
        "_references",
        "_related",
        "_reports",
        "_screenings",
        "_since",
        "_statements",
        "_until",
        "empty",
    )

    def __init__(self) -> None:
        self._reports: Table = {}  # "source\x1fevent_id" -> versions [.., agency, points, text, class, limit, cur, dbt]
        self._filings: Table = {}  # [.., kind, status, amount, currency]
        self._screenings: Table = {}  # [.., status, list]
        # "account\x1falert", and "\x1fparent" where that was said -> [.., severity or 0 when recovered]
        self._related: Table = {}
        self._children: dict[str, Version] = {}
        # [.., published, category, told, confidence, domain, kind, story, headline, its key, claim, currency]
        self._articles: Table = {}
        self._statements: Table = {}  # [.., period_end, months, currency, audited, amounts]
        self._references: Table = {}  # [.., high_credit, currency, dbt, since]
        self._dirty: dict[str, None] = {}  # pieces; a set would take three times the room
        # What readers have answered, not stored: it holds from _since to the day before _until, under _policy.
        self._memory: dict[str, Any] = {}
        self._since = self._until = 0
        self._policy: Policy | None = None
        self._news: tuple[int, NewsScore] | None = None  # the score of a day
        self.empty = True  # nothing at all is known: readers need not be asked

    # --- facts in ------------------------------------------------------------------------------------------------

    def apply(self, event: AccountEvent, today: int, policy: Policy) -> str:
        """A fact into the state. Returns APPLIED, REPEAT (this very fact is known) or LATE (too old to matter).

        Facts dated after `today` are kept and count when their day comes. A version that a known newer one has
        overtaken is APPLIED and changes nothing.
        """
        answer = _HANDLERS[event.type](self, event, today, policy)
        if answer == APPLIED:
            self.empty = not any(getattr(self, f"_{name}") for names in _PIECES.values() for name in names)
            self._until = 0
        return answer

    def _report(self, event: BureauReported, today: int, policy: Policy) -> str:
        day = event.reported_on.toordinal()
        points: float | None = None
        shown: str | None = None
        if event.score is not None and event.scale_min is not None and event.scale_max is not None:
            points = 100.0 * (event.score - event.scale_min) / (event.scale_max - event.scale_min)
            points = min(100.0, max(0.0, points if event.higher_is_better else 100.0 - points))
            shown = f"{event.score:g} of {event.scale_min:g}-{event.scale_max:g}"
        limit = amount_of(event.recommended_limit, event.currency)
        version = [
            day,
            microseconds(event.occurred_at),
            event.event_id,
            event.agency,
            points,
            shown,
            event.rating_class,
            limit,
            event.currency,
            event.dbt,
        ]
        keep = policy.bureau.keep_days
        if day <= today - keep and any(
            versions[-1][3] == event.agency and today >= versions[-1][DAY] > day
            for versions in self._reports.values()
        ):
            return LATE
        answer = self._put("s.b", self._reports, f"{event.source}\x1f{event.event_id}", version, today)
        if answer == APPLIED:
            newest: dict[str, int] = {}
            for versions in self._reports.values():
                reported, agency = versions[-1][DAY], versions[-1][3]
                if reported <= today and reported > newest.get(agency, 0):
                    newest[agency] = reported
            for key in [
                key
                for key, versions in self._reports.items()
                if versions[-1][DAY] <= today - keep and versions[-1][DAY] < newest.get(versions[-1][3], 0)
            ]:
                del self._reports[key]
        return answer

    def _filing(self, event: BureauFiled, today: int, policy: Policy) -> str:
        amount = amount_of(event.amount, event.currency)
        version = [
            event.filed_on.toordinal(),
            microseconds(event.occurred_at),
            event.event_id,
            event.kind,
            event.status,
            amount,
            event.currency,
        ]
        answer = self._put("s.f", self._filings, event.filing_id, version, today)
        keep = policy.bureau.filing_keep_days
        self._forget("s.f", self._filings, lambda last: _over(last, policy), today, keep)
        return answer

    def _screening(self, event: ScreeningReported, today: int, policy: Policy) -> str:
        if event.status == "cleared" and event.actor is None:
            return APPLIED  # only a person clears a match: without one nothing has changed
        version = [
            _day(event.occurred_at, policy),
            microseconds(event.occurred_at),
            event.event_id,
            event.status,
            event.list,
        ]
        keep = policy.bureau.filing_keep_days
        answer = self._put("s.f", self._screenings, event.match_id, version, today)
        self._forget("s.f", self._screenings, lambda last: last[3] == "cleared", today, keep)
        return answer

    def _relation(self, event: RelatedDistressed | RelatedRecovered, today: int, policy: Policy) -> str:
        """An alert that has ended stays so, and its severity only grows: the instants of the messages are those of the events
        that moved it, which may lie on one second, or come late and lie before each other."""
        severity = event.severity if event.type == "related.distressed" else 0
        at = microseconds(event.occurred_at) + (severity or _ENDED) * _GRAVER
        version = [_day(event.occurred_at, policy), at, event.event_id, severity]
        key = f"{event.related_account_id}\x1f{event.alert_id}"
        if event.parent_id is not None:
            key += f"\x1f{event.parent_id}"
        if event.stay:  # what was open when it left ends there, and may be open still when it comes back
            key += f"\x1f{event.stay}"
        answer = self._put("s.f", self._related, key, version, today)
        self._forget("s.f", self._related, lambda last: last[3] == 0, today, policy.bureau.filing_keep_days)
        return answer

    def _link(self, event: RelatedLinked, today: int, policy: Policy) -> str:
        version = [_day(event.occurred_at, policy), microseconds(event.occurred_at), event.event_id]
        known = self._children.get(event.related_account_id)
        if known is not None and known[AT:] <= version[AT:]:
            return REPEAT  # the first link says all that a later one could
        self._children[event.related_account_id] = version
        self._dirty["s.f"] = None
        return APPLIED

    def _article(self, event: NewsPublished, today: int, policy: Policy) -> str:
        category = event.category or headlines.classify(event.headline)
        published = _day(event.published_at, policy)
        claim = amount_of(event.claim, event.currency)
        version = [
            max(published, _day(event.occurred_at, policy)),
            microseconds(event.occurred_at),
            event.event_id,
            published,
            category,
            event.category is None,
            1.0 if event.confidence is None else event.confidence,
            news.bare_domain(event.domain),
            event.source_kind,
            event.story_id,
            event.headline[:160],
            news.normalised(event.headline)[:160],
            claim,
            event.currency,
        ]
        if event.article_id not in self._articles and _spent(version, today, policy):
            return LATE
        answer = self._put("s.n", self._articles, event.article_id, version, today)
        if answer == APPLIED:
            self._forget_articles(today, policy)
        return answer

    def _statement(self, event: StatementFiled, today: int, policy: Policy) -> str:
        amounts = []
        for name in statements.NAMES:
            amount = getattr(event.figures, name)
            amounts.append(None if amount is None else minor(amount, event.currency))
        version = [
            _day(event.occurred_at, policy),
            microseconds(event.occurred_at),
            event.event_id,
            event.period_end.toordinal(),
            event.months,
            event.currency,
            event.audited,
            amounts,
        ]
        answer = self._put("s.t", self._statements, event.statement_id, version, today)
        if answer == APPLIED:
            keep_newest(self._statements, 8, today, lambda v: (v[3], v[AT], v[EVENT]))
        return answer

    def _reference(self, event: ReferenceGiven, today: int, policy: Policy) -> str:
        version = [
            _day(event.occurred_at, policy),
            microseconds(event.occurred_at),
            event.event_id,
            minor(event.high_credit, event.currency),
            event.currency,
            event.dbt,
            None if event.since is None else event.since.toordinal(),
        ]
        answer = self._put("s.t", self._references, event.reference_id, version, today)
        if answer == APPLIED:
            keep_newest(self._references, 50, today, lambda v: (v[AT], v[EVENT]))
        return answer

    def _put(self, piece: str, table: Table, key: str, version: Version, today: int) -> str:
        """Adds a version of a fact, and drops those that can no longer hold on any day from today on."""
        versions = table.get(key)
        if versions is None:
            table[key] = [version]
            self._dirty[piece] = None
            return APPLIED
        same = [v for v in versions if v[AT] == version[AT] and v[EVENT] == version[EVENT]]
        if same:
            # Two contents of one event: the one that sorts last as bytes, so that no order of arrival decides.
            if orjson.dumps(same[0]) >= orjson.dumps(version):
                return REPEAT
            versions.remove(same[0])
        holding = [v for v in versions if v[DAY] <= today]
        if holding and max(map(version_order, holding)) > version_order(version):
            return APPLIED
        versions.append(version)
        versions.sort(key=version_order)
        counting = [place for place, v in enumerate(versions) if v[DAY] <= today]
        del versions[: counting[-1] if counting else 0]
        self._dirty[piece] = None
        return APPLIED

    def _forget(
        self, piece: str, table: Table, over: Callable[[Version], bool], today: int, days: int
    ) -> None:
        """Drops what is over and older than so many days by both of its dates."""
        old = [
            key
            for key, versions in table.items()
            if len(versions) == 1
            and over(versions[-1])
            and max(versions[-1][DAY], local_day(versions[-1][AT] % _GRAVER, "UTC")) < today - days
        ]
        for key in old:
            del table[key]
            self._dirty[piece] = None

    def _forget_articles(self, today: int, policy: Policy) -> None:
        endless = []
        for key, versions in list(self._articles.items()):
            last = versions[-1]
            if _spent(last, today, policy) and last[DAY] <= today:
                del self._articles[key]
            elif _spent_on(last, policy) == NEVER and last[3] < today - policy.figures.reach_days:
                endless.append(key)
        if len(endless) > _ENDLESS_KEPT:
            rows = {key: self._articles[key][-1] for key in endless}
            endless.sort(
                key=lambda key: (
                    rows[key][8] in _OFFICIAL,
                    rows[key][6] * news.trust(rows[key][7], policy.news),
                    -rows[key][3],
                    key,
                )
            )
            for key in endless[:-_ENDLESS_KEPT]:
                del self._articles[key]

    def copy(self) -> Signals:
        """The same facts, of which nothing is stored: what is applied to the copy is a mere supposition."""
        other = Signals()
        for names in _PIECES.values():
            for name in names:
                table = getattr(self, f"_{name}")
                setattr(other, f"_{name}", {key: list(versions) for key, versions in table.items()})
        other.empty = self.empty
        return other

    # --- readers -------------------------------------------------------------------------------------------------

    def reports(self, today: int, policy: Policy) -> tuple[AgencyReport, ...]:
        """Each agency's newest report, in the order of their names."""
        return self.kept("reports", today, policy, lambda: agency_reports(self._reports, today, policy))

    def filings(self, today: int) -> tuple[Filing, ...]:
        """Every filing as it stands, whatever its status, in the order of their ids."""
        return self.kept(
            "filings",
            today,
            None,
            lambda: tuple(
                Filing(key, v[EVENT], v[3], v[4], v[DAY], v[AT], v[5], v[6])
                for key, v in holding_on(self._filings, today)
            ),
        )

    def matches(self, today: int) -> tuple[Match, ...]:
        """Screening matches that are possible or confirmed."""
        return self.kept(
            "matches",
            today,
            None,
            lambda: tuple(
                Match(key, v[EVENT], v[3], v[4])
                for key, v in holding_on(self._screenings, today)
                if v[3] != "cleared"
            ),
        )

    def distress(self, parent_id: str | None, today: int) -> tuple[Distress, ...]:
        """The open alerts of the parent and its other children: what it told or relayed. What was heard of a family that the
        account has left does not count, unless it comes back."""
        return self._of_family(parent_id, False, today)

    def distress_of_children(self, account_id: str, today: int) -> tuple[Distress, ...]:
        """The children's open alerts: what this account, `account_id`, passes on. It is no fact about the account itself."""
        return self._of_family(account_id, True, today)

    def _of_family(self, parent_id: str | None, children: bool, today: int) -> tuple[Distress, ...]:
        """What is told of this parent's family; where no family is said, what children tell, or what others do."""
        return tuple(
            one
            for one in self._related_alerts(today)
            if (
                one.parent_id == parent_id
                if one.parent_id is not None
                else (one.related_account_id in self._children) is children
            )
        )

    def _related_alerts(self, today: int) -> tuple[Distress, ...]:
        def alert(key: str, version: Version) -> Distress:
            related, alert_id, *family = key.split("\x1f")
            parent, stay = (family[0] if family else None), (int(family[1]) if len(family) > 1 else 0)
            return Distress(related, alert_id, parent, stay, version[3], version[EVENT])

        return self.kept(
            "related",
            today,
            None,
            lambda: tuple(alert(key, v) for key, v in holding_on(self._related, today) if v[3] > 0),
        )

    @property
    def has_children(self) -> bool:
        return bool(self._children)

    @property
    def children(self) -> list[str]:
        """The accounts that have named this one as their parent, sorted."""
        return sorted(self._children)

    def stories(self, today: int, policy: Policy) -> list[Story]:
        """The stories that count: syndicated copies once, what a discharge has ended left out."""
        return self.kept("stories", today, policy, lambda: self._stories(today, policy))

    def statements(self, today: int, policy: Policy) -> tuple[tuple[Statement, tuple[str, ...]], ...]:
        """Statements with the checks they fail, oldest period first."""
        return self.kept("statements", today, policy, lambda: self._checked(today, policy))

    def statement(self, today: int, policy: Policy) -> Statement | None:
        """The newest statement that passes its checks, of whatever age."""
        if not self._statements:
            return None
        for statement, failed in reversed(self.statements(today, policy)):
            if not failed:
                return statement
        return None

    def usable_statement(self, today: int, policy: Policy) -> Statement | None:
        """The same, where it is young enough for ratios and net worth."""
        if not self._statements:
            return None
        return self.kept("usable", today, policy, lambda: self._usable(today, policy))

    def ratios(self, today: int, policy: Policy) -> dict[str, float | None] | None:
        """The six ratios of the usable statement; None without one."""
        statement = self.usable_statement(today, policy)
        if statement is None:
            return None
        return self.kept("ratios", today, policy, lambda: statements.ratios(statement))

    def references(self, today: int) -> tuple[Reference, ...]:
        return self.kept(
            "references",
            today,
            None,
            lambda: tuple(
                Reference(key, v[EVENT], v[3], v[4], v[5]) for key, v in holding_on(self._references, today)
            ),
        )

    def bureau_points(self, today: int, policy: Policy) -> float | None:
        """The agencies' newest, 0–100: the mean, in which a report that is stale counts bureau.stale_weight.

        Reports older than bureau.score_days are left out. An agency without a score counts by its rating class,
        evenly spaced over the policy's order.
        """
        if not self._reports:
            return None
        return self.kept("bureau_points", today, policy, lambda: self._bureau_points(today, policy))

    def _bureau_points(self, today: int, policy: Policy) -> float | None:
        total = weights = 0.0
        for report in self.reports(today, policy):
            points, stated_on = report.score, report.score_on
            if points is None and report.class_rank is not None:
                steps = len(policy.bureau.agencies[report.agency].classes) - 1
                points = 100.0 * (1 - report.class_rank / steps) if steps else None
                stated_on = report.class_on
            if points is None or stated_on is None or today - stated_on > policy.bureau.score_days:
                continue
            weight = 1.0 if today - stated_on <= policy.bureau.stale_days else policy.bureau.stale_weight
            total += weight * points
            weights += weight
        return total / weights if weights else None

    def news_score(self, today: int, policy: Policy, rates: Rates) -> NewsScore:
        """The worst story: severity × confidence × trust × 2^(−age/half-life), capped while uncorroborated."""
        if not self._articles:
            return _NO_NEWS
        stories = self.stories(today, policy)
        if any(story.claim is not None for story in stories):
            return self._worst_story(today, policy, rates)  # a claim may be valued anew within the day
        if self._news is None or self._news[0] != today:
            self._news = today, self._worst_story(today, policy, rates)
        return self._news[1]

    def _worst_story(self, today: int, policy: Policy, rates: Rates) -> NewsScore:
        worst = _NO_NEWS
        for story in self.stories(today, policy):
            scored = self.score_of(story, today, policy, rates)
            if scored.score > worst.score:
                worst = scored
        return worst

    def score_of(self, story: Story, today: int, policy: Policy, rates: Rates) -> NewsScore:
        """What one story weighs."""
        severity = news.severity(story, policy.news, lambda s: self._share_of_equity(s, today, policy, rates))
        return NewsScore(news.score(story, severity, today, policy.news), story, severity)

    def next_day(self, today: int, policy: Policy, rates: Rates) -> int:
        """The next day on which time alone moves what the readers say; NEVER when nothing can."""
        if self.empty:
            return NEVER
        if self._articles:
            return self._next_day(today, policy, rates)
        day = self.kept("next_day", today, policy, lambda: self._next_day(today, policy, rates))
        if day <= today:
            day = self._memory["next_day"] = self._next_day(today, policy, rates)
        return day

    def _next_day(self, today: int, policy: Policy, rates: Rates) -> int:
        days = [v[DAY] for table in self._tables() for versions in table.values() for v in versions]
        bureau = policy.bureau
        for versions in self._reports.values():
            day = versions[-1][DAY]
            days += (day + bureau.stale_days + 1, day + bureau.best_days, day + bureau.score_days + 1)
        for statement, _ in self.statements(today, policy) if self._statements else ():
            days.append(statement.period_end)
            for months in (policy.statements.stale_months, policy.statements.usable_months):
                days.append(months_after(statement.period_end, months) + 1)
        for versions in self._statements.values():
            days.append(versions[-1][3])  # a period that has not ended yet
        clear_score = policy.triggers.adverse_news.clear_score
        for story in self.stories(today, policy) if self._articles else ():
            severity = news.severity(
                story, policy.news, lambda s: self._share_of_equity(s, today, policy, rates)
            )
            falls = news.next_fall(story, severity, today, policy.news, clear_score)
            if falls is not None:
                days.append(falls)
        return min((day for day in days if day > today), default=NEVER)

    @property
    def ageing(self) -> bool:
        """Whether something is on file whose weight moves with every day or every rate: an article or a filing."""
        return bool(self._articles or self._filings)

    def kept(self, reader: str, today: int, policy: Policy | None, answer: Callable[[], _T]) -> _T:
        """The answer, told once for as long as the same facts count. Without a policy: one that needs none.

        For answers that follow from the facts on file, the policy and what _next_change() looks out for alone; `reader`
        names the question.
        """
        if not self._since <= today < self._until or (policy is not None and policy is not self._policy):
            if policy is None:
                return answer()
            self._memory.clear()
            self._news = None
            self._since, self._until, self._policy = today, self._next_change(today, policy), policy
        value: _T = self._memory.get(reader, _UNASKED)
        if value is _UNASKED:
            value = self._memory[reader] = answer()
        return value

    def _next_change(self, today: int, policy: Policy) -> int:
        """The next day on which other facts count than today: one is parked until then, or leaves for good."""
        days = [v[DAY] for table in self._tables() for versions in table.values() for v in versions]
        bureau = policy.bureau
        lasts = (bureau.best_days, bureau.stale_days + 1, bureau.score_days + 1)
        days += [v[DAY] + last for versions in self._reports.values() for v in versions for last in lasts]
        for versions in self._statements.values():
            period_end = versions[-1][3]
            days += (period_end, months_after(period_end, policy.statements.usable_months) + 1)
        for versions in self._articles.values():
            days += (_spent_on(v, policy) for v in versions)
        return min((day for day in days if day > today), default=NEVER)

    def _tables(self) -> tuple[Table, ...]:
        return (
            self._reports,
            self._filings,
            self._screenings,
            self._related,
            self._articles,
            self._statements,
            self._references,
        )

    def _usable(self, today: int, policy: Policy) -> Statement | None:
        statement = self.statement(today, policy)
        if statement is None or months_after(statement.period_end, policy.statements.usable_months) < today:
            return None
        return statement

    def articles(self, today: int, policy: Policy) -> list[Article]:
        """The articles that weigh something, each as last corrected."""
        return [
            Article(
                article_id=key,
                event_id=v[EVENT],
                published=v[3],
                category=v[4],
                confidence=v[6],
                domain=v[7],
                official=v[8] in _OFFICIAL,
                story_id=v[9],
                headline=v[10],
                headline_key=v[11],
                claim=v[12],
                currency=v[13],
            )
            for key, v in holding_on(self._articles, today)
            if not _spent(v, today, policy)
        ]

    def _stories(self, today: int, policy: Policy) -> list[Story]:
        ends = policy.triggers.insolvency.clears_on
        ended = max(
            (f.filed_on for f in self.filings(today) if f.kind == "insolvency" and f.status in ends),
            default=0,
        )
        return [
            story
            for story in news.stories(self.articles(today, policy), policy.news)
            if not (story.category in _INSOLVENT and story.published <= ended)
        ]

    def _checked(self, today: int, policy: Policy) -> tuple[tuple[Statement, tuple[str, ...]], ...]:
        rows = sorted(
            (v[3], v[AT], v[EVENT], key, v) for key, v in holding_on(self._statements, today) if v[3] <= today
        )
        out = []
        usable: Statement | None = None
        for period_end, _, event_id, key, v in rows:
            statement = Statement(
                key, event_id, period_end, v[4], v[5], v[6], dict(zip(statements.NAMES, v[7], strict=True))
            )
            before = usable if usable is not None and usable.period_end < period_end else None
            failed = tuple(statements.failed_checks(statement, before, policy.statements))
            if not failed:
                usable = statement
            out.append((statement, failed))
        return tuple(out)

    def _share_of_equity(self, story: Story, today: int, policy: Policy, rates: Rates) -> float | None:
        statement = self.usable_statement(today, policy)
        equity = None if statement is None else statement.amounts["equity"]
        if statement is None or equity is None or story.claim is None or story.currency is None:
            return None
        if equity <= 0:
            return float("inf")
        if story.currency == statement.currency:
            return story.claim / equity
        claim = rates.convert(story.claim, story.currency, statement.currency, today)
        return None if claim is None else claim / equity

    # --- pieces out and in ---------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        return bool(self._dirty)

    def dump(self) -> dict[str, bytes | None]:
        """The pieces that changed since the last dump, as [version, table, …]; None for one that is empty now."""
        out: dict[str, bytes | None] = {}
        for piece in sorted(self._dirty):
            tables = [getattr(self, f"_{name}") for name in _PIECES[piece]]
            out[piece] = orjson.dumps([_VERSION, *tables]) if any(tables) else None
        self._dirty.clear()
        return out

    @classmethod
    def load(cls, pieces: Mapping[str, bytes]) -> Signals:
        """Raises ValueError for a version that this engine does not read."""
        signals = cls()
        for piece, names in _PIECES.items():
            if piece not in pieces:
                continue
            version, *tables = orjson.loads(pieces[piece])
            if version != _VERSION:
                raise ValueError(f"{piece} of version {version}: this engine reads version {_VERSION}")
            for name, table in zip(names, tables, strict=True):
                setattr(signals, f"_{name}", table)
            signals.empty = False
        return signals


_UNASKED: Final[Any] = object()
_NO_NEWS: Final = NewsScore(0.0, None, 0)
_OFFICIAL: Final = ("registry", "court")
_INSOLVENT: Final = ("bankruptcy", "insolvency")

_HANDLERS: Final[dict[str, Callable[[Signals, Any, int, Policy], str]]] = {
    "bureau.reported": Signals._report,
    "bureau.filed": Signals._filing,
    "screening.reported": Signals._screening,
    "news.published": Signals._article,
    "statement.filed": Signals._statement,
    "reference.given": Signals._reference,
    "related.linked": Signals._link,
    "related.distressed": Signals._relation,
    "related.recovered": Signals._relation,
}
TYPES: Final = frozenset(_HANDLERS)
"""The event types that apply() takes."""


def _spent_on(article: Version, policy: Policy) -> int:
    """The first day on which neither the article nor a story of which it was the first weighs anything any more."""
    lasts = news.horizon(article[4], policy.news, policy.triggers.adverse_news.clear_score)
    reaches = article[3] + lasts + policy.news.story_days
    return NEVER if reaches >= NEVER else int(reaches) + 1


def _over(filing: Version, policy: Policy) -> bool:
    """Whether the filing has ended as its trigger says, and nothing is asked of it any more.

    A discharge stays: without it the stories of the insolvency that it has ended would count again.
    """
    kind, status, triggers = filing[3], filing[4], policy.triggers
    if kind == "insolvency":
        return False
    if kind == "solvent_liquidation":
        return bool(status != "filed")
    return status in (triggers.new_charge if kind == "charge" else triggers.legal_filing).clears_on


def _spent(article: Version, today: int, policy: Policy) -> bool:
    return today >= _spent_on(article, policy)

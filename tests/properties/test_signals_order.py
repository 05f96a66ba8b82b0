"""What signals say depends on the facts, not on their order, their repeats or the day they came in."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents import limits
from agents.rates import Rates
from agents.signals import Signals
from agents.triggers import TRIGGERS
from tests.rules import POLICY, TODAY, days_ago, event, view

RATES = Rates("USD")
days = st.integers(-3, 500)
few = st.integers(1, 3)
times = st.sampled_from(["00:00:00Z", "08:30:00Z", "23:59:59Z"])


@st.composite
def fact(draw: st.DrawFn) -> Any:
    """A fact of any kind under few ids, so that versions collide; some are dated in the days to come."""
    ago, number = draw(days), draw(few)
    at = f"{days_ago(ago)}T{draw(times)}"
    day = days_ago(max(-3, ago - draw(st.integers(0, 2))))
    kind = draw(
        st.sampled_from(
            ["report", "filing", "screening", "article", "statement", "reference", "related", "link"]
        )
    )
    if kind in ("filing", "screening", "related"):
        # Within reach (policy bureau.filing_keep_days, 400): what was over longer ago is forgotten, and an older version
        # that comes after that can not be told from a new filing.
        ago = min(ago, 395)
        at, day = f"{days_ago(ago)}T{at[11:]}", days_ago(max(-3, ago - 1))
    if kind == "report":
        limit = draw(st.sampled_from([None, "0", "50000"]))
        fields = {} if limit is None else {"recommended_limit": limit, "currency": "USD"}
        return event(
            "bureau.reported", at, agency=draw(st.sampled_from(["dnb", "sp"])), reported_on=day,
            score=draw(st.integers(0, 100)), scale_min=0, scale_max=100, higher_is_better=True,
            rating_class=draw(st.sampled_from(["BB", "2", "?"])), **fields,
        )  # fmt: skip
    if kind == "filing":
        return event(
            "bureau.filed", at, filing_id=f"F{number}", kind=draw(st.sampled_from(["lien", "charge", "insolvency"])),
            filed_on=day, status=draw(st.sampled_from(["filed", "released", "satisfied", "discharged"])),
        )  # fmt: skip
    if kind == "screening":
        status = draw(st.sampled_from(["possible", "confirmed", "cleared"]))
        return event("screening.reported", at, match_id=f"M{number}", list="L", status=status, actor="Ms Ito")
    if kind == "article":
        article = draw(st.integers(1, 8))  # a correction keeps the category: see Signals
        return event(
            "news.published", at, article_id=f"N{article}",
            headline=draw(st.sampled_from(["One", "Two"])), url="https://x.test/",
            domain=draw(st.sampled_from(["ft.com", "x.test"])), published_at=at,
            category=("fraud", "rumour", "bankruptcy", "litigation")[article % 4],
            story_id=draw(st.sampled_from([None, "s"])) or "t",
        )  # fmt: skip
    if kind == "statement":
        return event(
            "statement.filed", at, statement_id=f"S{number}", period_end=day, months=12, currency="USD",
            figures={"total_assets": draw(st.sampled_from(["100.00", "90000.00"])), "equity": "50.00"},
        )  # fmt: skip
    if kind == "reference":
        return event(
            "reference.given", at, reference_id=f"R{number}", high_credit="100.00", currency="USD", dbt=number
        )
    if kind == "link":
        return event("related.linked", at, related_account_id=f"C{number}")
    bad = draw(st.booleans())
    relayed = "related.distressed" if bad else "related.recovered"
    family = draw(st.sampled_from([None, "P", "Q"]))
    return event(relayed, at, related_account_id="P", alert_id=f"a{number}", severity=4, parent_id=family)


def said(known: Signals) -> list[Any]:
    """All that the readers say, today and as parked facts come due."""
    out: list[Any] = [known.children]
    for today in (TODAY, TODAY + 1, TODAY + 4, TODAY + 100):
        out += [
            known.reports(today, POLICY),
            # A filing that is over is forgotten in its time: what is open never is.
            tuple(f for f in known.filings(today) if f.status == "filed"),
            known.matches(today),
            *[known.distress(parent, today) for parent in (None, "P", "Q")],
            known.stories(today, POLICY),
            known.statement(today, POLICY),
            known.references(today),
            known.news_score(today, POLICY, RATES),
            known.bureau_points(today, POLICY),
        ]
    return out


def told(facts: list[Any]) -> Signals:
    known = Signals()
    for one in facts:
        known.apply(one, TODAY, POLICY)
    return known


@settings(max_examples=150, deadline=None)
@given(st.lists(fact(), max_size=25), st.randoms(use_true_random=False))
def test_any_order_and_any_repeats_say_the_same(facts: list[Any], chance: Any) -> None:
    shuffled = facts + chance.choices(facts, k=len(facts)) if facts else []
    chance.shuffle(shuffled)
    assert said(told(shuffled)) == said(told(facts))


@settings(max_examples=100, deadline=None)
@given(st.lists(fact(), max_size=20), st.randoms(use_true_random=False))
def test_the_day_on_which_a_fact_comes_in_does_not_count(facts: list[Any], chance: Any) -> None:
    """Within the reach of 400 days: applied early, in time or late, the answers of today are the same."""
    recent = [one for one in facts if one.occurred_at.date().toordinal() > TODAY - 300]
    slow, today = Signals(), TODAY - 60
    order = list(recent)
    chance.shuffle(order)
    for one in order:
        today = min(TODAY, today + chance.randrange(0, 8))
        slow.apply(one, today, POLICY)
    assert said(slow) == said(told(recent))


@settings(max_examples=100, deadline=None)
@given(st.lists(fact(), max_size=20), st.integers(0, 20))
def test_writing_and_loading_changes_nothing(facts: list[Any], cut: int) -> None:
    pieces: dict[str, bytes] = {}

    def stored(known: Signals) -> Signals:
        for key, raw in known.dump().items():
            if raw is None:
                pieces.pop(key, None)
            else:
                pieces[key] = raw
        assert not known.changed
        return Signals.load(pieces)

    known = told(facts[:cut])
    known = stored(known)
    for one in facts[cut:]:
        known.apply(one, TODAY, POLICY)
    known = stored(known)
    straight = told(facts)
    assert said(known) == said(straight)
    assert known.next_day(TODAY, POLICY, RATES) == straight.next_day(TODAY, POLICY, RATES)
    assert known.empty == straight.empty


def verdict(known: Signals, today: int) -> list[Any]:
    """All that the rules conclude from the signals of a day."""
    made = view(today=today, known_signals=known, tier="high")
    asked = [trigger for trigger in TRIGGERS if trigger.asks_signals]
    firings = [trigger.fires(made) for trigger in asked]
    return [
        [None if firing is None else firing.severity for firing in firings],
        [trigger.clears(made) for trigger in asked],
        known.bureau_points(today, POLICY),
        known.ratios(today, POLICY),
        known.references(today),
        limits.terms(made, "B"),
        limits.raise_lacks(made),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(fact(), max_size=8))
def test_between_the_days_that_are_told_time_moves_nothing(facts: list[Any]) -> None:
    """An account that sleeps until next_day misses nothing."""
    known = told(facts)
    before, wakes = verdict(known, TODAY), known.next_day(TODAY, POLICY, RATES)
    for today in range(TODAY + 1, TODAY + 480):
        now = verdict(known, today)
        assert today >= wakes or now == before
        if today % 20 == 0:
            assert now == verdict(told(facts), today)  # what is remembered is what would be found
        if today >= wakes:
            before, wakes = now, known.next_day(today, POLICY, RATES)

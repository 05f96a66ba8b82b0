"""Signals: what each fact adds, which version of it holds on which day, and when time alone moves what it says."""

from __future__ import annotations

from typing import Any

import pytest

from agents.facts import APPLIED, LATE, NEVER, REPEAT
from agents.policy_text import load_policy
from agents.rates import Rates
from agents.signals import Signals
from tests.rules import (
    POLICY,
    POLICY_TEXT,
    STRONG,
    TODAY,
    article,
    days_ago,
    event,
    filing,
    report,
    signals,
    statement,
)

NO_RATES = Rates("USD")


def scored(score: float, low: float, high: float, better: bool, days: int = 1, agency: str = "dnb") -> Any:
    return event(
        "bureau.reported", f"{days_ago(days)}T08:00:00Z", agency=agency, reported_on=days_ago(days), score=score,
        scale_min=low, scale_max=high, higher_is_better=better,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("score", "low", "high", "better", "points"),
    [
        (75.0, 0.0, 100.0, True, 75.0),
        (1.0, 1.0, 5.0, False, 100.0),
        (5.0, 1.0, 5.0, False, 0.0),
        (4.0, 1.0, 5.0, False, 25.0),
        (850.0, 350.0, 850.0, True, 100.0),
    ],
)
def test_scores_are_normalised_by_their_scale_and_direction(
    score: float, low: float, high: float, better: bool, points: float
) -> None:
    (found,) = signals([scored(score, low, high, better)]).reports(TODAY, POLICY)
    assert found.score == points


def test_the_newest_report_is_held_against_the_best_of_365_days() -> None:
    (found,) = signals([report(400, 99.0), report(200, 80.0), report(50, 60.0), report(5, 70.0)]).reports(
        TODAY, POLICY
    )
    assert (found.score, found.best_score, found.reported_on) == (70.0, 80.0, TODAY - 5)


def test_reports_are_kept_455_days_and_the_newest_for_ever() -> None:
    known = signals([report(2000, 50.0)])
    assert len(known.reports(TODAY, POLICY)) == 1
    assert known.apply(report(455, 40.0), TODAY, POLICY) == APPLIED
    assert known.apply(report(456, 40.0), TODAY, POLICY) == LATE
    known.apply(report(3, 60.0), TODAY, POLICY)
    assert known.apply(report(455, 40.0), TODAY, POLICY) == LATE
    assert len(known._reports) == 1


def test_rating_classes_are_compared_in_the_policys_order_and_unknown_ones_shown_only() -> None:
    better, worse = (
        report(days, agency="moodys", rating_class=name) for days, name in ((9, "Baa3"), (3, "Ba1"))
    )
    (found,) = signals([better, worse]).reports(TODAY, POLICY)
    assert found.class_rank is not None
    assert found.best_rank is not None
    assert found.class_rank - found.best_rank == 1
    (strange,) = signals([report(3, agency="moodys", rating_class="WR")]).reports(TODAY, POLICY)
    assert (strange.rating_class, strange.class_rank) == ("WR", None)


def test_agencies_are_averaged_and_a_stale_report_counts_half() -> None:
    fresh = [report(1, 80.0, agency="dnb"), report(1, 60.0)]
    assert signals(fresh).bureau_points(TODAY, POLICY) == 70.0
    stale = [report(91, 80.0, agency="dnb"), report(1, 60.0)]
    assert signals(stale).bureau_points(TODAY, POLICY) == pytest.approx((0.5 * 80 + 60) / 1.5)
    assert signals([report(91, 80.0)]).bureau_points(TODAY, POLICY) == 80.0
    assert signals([report(365, 80.0)]).bureau_points(TODAY, POLICY) == 80.0
    assert signals([report(366, 80.0)]).bureau_points(TODAY, POLICY) is None
    assert signals([report(1, rating_class="C")]).bureau_points(TODAY, POLICY) == 50.0


def test_a_report_of_one_figure_takes_nothing_back_of_the_others() -> None:
    told = [
        report(300, 40.0, rating_class="C", recommended_limit="9000.00", currency="USD"),
        report(95, 60.0),
        report(40, recommended_limit="5000.00", currency="USD"),
        report(2, dbt=12),
    ]
    (found,) = signals(told).reports(TODAY, POLICY)
    assert (found.reported_on, found.score, found.score_on) == (TODAY - 2, 60.0, TODAY - 95)
    assert (found.rating_class, found.class_rank, found.class_on) == ("C", 2, TODAY - 300)
    assert (found.stated_limit, found.limit_on, found.best_limit) == (5000_00, TODAY - 40, 9000_00)
    fresh = report(1, 80.0, agency="dnb")
    assert signals([*told, fresh]).bureau_points(TODAY, POLICY) == pytest.approx((0.5 * 60 + 80) / 1.5)
    # Stated 366 days ago it no longer counts, whatever the agency has reported since.
    (spent,) = signals([report(366, 40.0), report(2, dbt=12)]).reports(TODAY, POLICY)
    assert (spent.score, spent.reported_on) == (None, TODAY - 2)
    assert signals([report(365, 40.0), report(2, dbt=12)]).bureau_points(TODAY, POLICY) == 40.0


def test_a_release_may_come_before_its_filing() -> None:
    filed, released = filing("lien", days=30), filing("lien", "released", days=5)
    for order in ([filed, released], [released, filed], [released, filed, released, filed]):
        (found,) = signals(order).filings(TODAY)
        assert found.status == "released"


def test_a_fact_of_tomorrow_counts_tomorrow() -> None:
    known = signals([filing("lien", days=30), filing("lien", "released", days=-2)])
    assert [f.status for f in known.filings(TODAY)] == ["filed"]
    assert known.next_day(TODAY, POLICY, NO_RATES) == TODAY + 2
    assert [f.status for f in known.filings(TODAY + 2)] == ["released"]


def test_a_release_older_than_400_days_is_forgotten() -> None:
    known = signals([filing("lien", "released", days=401)])
    known.apply(filing("suit", filing_id="F2"), TODAY, POLICY)
    assert [f.filing_id for f in known.filings(TODAY)] == ["F2"]


def test_the_same_event_again_is_a_repeat() -> None:
    for fact in (report(1, 50.0), filing("lien"), article(1, "fraud"), statement()):
        known = Signals()
        assert known.apply(fact, TODAY, POLICY) == APPLIED
        known.dump()
        assert known.apply(fact, TODAY, POLICY) == REPEAT
        assert not known.changed


def test_corrections_win_by_their_time() -> None:
    first = report(5, 50.0, event_id="e", source="s")
    second = event(
        "bureau.reported", f"{days_ago(4)}T08:00:00Z", event_id="e", source="s", agency="creditsafe",
        reported_on=days_ago(5), score=70, scale_min=0, scale_max=100, higher_is_better=True,
    )  # fmt: skip
    for order in ([first, second], [second, first]):
        assert [r.score for r in signals(order).reports(TODAY, POLICY)] == [70.0]


def test_children_are_the_accounts_that_named_this_one() -> None:
    known = signals([event("related.linked", related_account_id=name) for name in ("C2", "C1", "C2")])
    assert known.children == ["C1", "C2"]


def test_distress_ends_when_the_parent_says_so_even_out_of_order() -> None:
    bad = event(
        "related.distressed", "2026-06-01T00:00:00Z", related_account_id="P", alert_id="a", severity=4
    )
    over = event(
        "related.recovered", "2026-06-02T00:00:00Z", related_account_id="P", alert_id="a", severity=4
    )
    assert [d.severity for d in signals([bad]).distress(None, TODAY)] == [4]
    assert signals([over, bad]).distress(None, TODAY) == signals([bad, over]).distress(None, TODAY) == ()


CHECKS: dict[str, tuple[str, dict[str, Any]]] = {
    "assets_not_liabilities_plus_equity": ("assets", {"equity": "601000.01", "total_assets": "1000000.00"}),
    "current_assets_above_total": ("current", {"current_assets": "1000000.01"}),
    "current_liabilities_above_total": ("current", {"current_liabilities": "400000.01"}),
    "retained_earnings_do_not_roll_forward": (
        "earnings",
        {"retained_earnings": "500000.00", "prior_retained_earnings": "300000.00", "dividends": "10000.00"},
    ),
    "period_length": ("months", {"months": 24}),
}


@pytest.mark.parametrize("check", CHECKS)
def test_a_failed_check_makes_a_statement_unusable_and_is_named(check: str) -> None:
    known = signals([statement(**CHECKS[check][1])])
    ((_, failed),) = known.statements(TODAY, POLICY)
    assert failed == (check,)
    assert known.usable_statement(TODAY, POLICY) is None


def test_checks_have_their_tolerance_and_pass_over_what_is_not_stated() -> None:
    within = statement(equity="600999.00")
    assert signals([within]).statements(TODAY, POLICY)[0][1] == ()
    bare = statement(total_assets=None, current_assets=None, equity=None)
    assert signals([bare]).statements(TODAY, POLICY)[0][1] == ()
    rolled = statement(
        retained_earnings="410000.00", prior_retained_earnings="300000.00", dividends="10000.00"
    )
    assert signals([rolled]).statements(TODAY, POLICY)[0][1] == ()


def test_a_jump_of_100_times_is_a_mistake_of_units_and_the_earlier_one_stands() -> None:
    names = (
        "total_assets",
        "current_assets",
        "inventory",
        "total_liabilities",
        "current_liabilities",
        "equity",
        "sales",
    )
    thousands: dict[str, Any] = dict.fromkeys(names, "0.00") | {
        "total_assets": "1000.00", "current_assets": "600.00", "inventory": "100.00", "total_liabilities": "400.00",
        "current_liabilities": "300.00", "equity": "600.00", "sales": "2000.00",
    }  # fmt: skip
    known = signals([statement(400, "S1"), statement(30, "S2", **thousands)])
    assert known.statements(TODAY, POLICY)[1][1] == ("units_jump",)
    usable = known.usable_statement(TODAY, POLICY)
    assert usable is not None
    assert usable.statement_id == "S1"


def test_a_statement_counts_for_24_months() -> None:
    assert signals([statement(730)]).usable_statement(TODAY, POLICY) is not None
    assert signals([statement(732)]).usable_statement(TODAY, POLICY) is None
    assert signals([statement(732)]).statement(TODAY, POLICY) is not None


def test_half_a_years_cash_flow_is_taken_for_twelve_months() -> None:
    ratios = signals([statement(months=6, operating_cash_flow="30000.00")]).ratios(TODAY, POLICY)
    assert ratios is not None
    assert ratios["cash_flow_to_current_liabilities"] == pytest.approx(0.2)


def test_a_day_is_a_day_of_the_policys_time_zone() -> None:
    tokyo = load_policy(POLICY_TEXT.replace('time_zone = "UTC"', 'time_zone = "Asia/Tokyo"'))
    late = event("screening.reported", f"{days_ago(0)}T20:00:00Z", match_id="M", list="L", status="possible")
    assert len(signals([late]).matches(TODAY)) == 1
    assert signals([late], policy=tokyo).matches(TODAY) == ()
    assert len(signals([late], policy=tokyo).matches(TODAY + 1)) == 1


def test_time_alone_moves_signals_on_the_days_that_are_told() -> None:
    assert Signals().next_day(TODAY, POLICY, NO_RATES) == NEVER
    known = signals([report(10, 80.0)])
    assert known.next_day(TODAY, POLICY, NO_RATES) == TODAY - 10 + 91
    assert known.next_day(TODAY + 100, POLICY, NO_RATES) == TODAY - 10 + 365
    assert signals([filing("lien")]).next_day(TODAY, POLICY, NO_RATES) == NEVER
    assert signals([article(0, "bankruptcy")]).next_day(TODAY, POLICY, NO_RATES) == NEVER
    # 15 months after 1 May 2026 is 1 August 2027; the day after it is stale.
    assert signals([statement(60)]).next_day(TODAY, POLICY, NO_RATES) == TODAY - 60 + 457 + 1


def test_a_new_policy_is_asked_anew() -> None:
    known = signals([report(100, 80.0), report(1, 70.0)])
    strict = load_policy(
        POLICY_TEXT.replace("stale_days = 90", "stale_days = 91").replace("best_days = 365", "best_days = 50")
    )
    assert [r.best_score for r in known.reports(TODAY, POLICY)] == [80.0]
    assert [r.best_score for r in known.reports(TODAY, strict)] == [70.0]


def test_pieces_of_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match="of version 9"):
        Signals.load({"s.b": b"[9,{}]"})


def test_a_statement_counts_once_its_period_has_ended_however_early_it_was_filed() -> None:
    early = event(
        "statement.filed", f"{days_ago(5)}T08:00:00Z", statement_id="S1", period_end=days_ago(-1), months=12,
        currency="USD", figures=STRONG,
    )  # fmt: skip
    known = signals([early])
    assert known.statement(TODAY, POLICY) is None
    ended = known.statement(TODAY + 1, POLICY)
    assert ended is not None
    assert ended.statement_id == "S1"

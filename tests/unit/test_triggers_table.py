"""Every trigger of the table: what fires, what does not, what clears, and the very edge, one table for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from agents import bookkeeping
from agents.ledger import Ledger
from agents.rates import Rates
from agents.triggers import BY_ID, TRIGGERS, worst_fact
from agents.view import BookTotals, View
from tests.rules import (
    POLICY,
    TODAY,
    article,
    days_ago,
    event,
    figures,
    filing,
    report,
    statement,
    view,
)

# Amounts in minor units of USD: 1_000_00 is 1,000.00.
Make = Callable[[], View]


@dataclass(frozen=True)
class Cases:
    """`fires`: (view, severity). `quiet`: does not fire. `clears`: does not fire, and clears. `boundary`: (view, whether
    it fires) on both sides of the edge. `still_open`: between the levels, neither fires nor clears; None where the table
    knows no such band."""

    fires: tuple[tuple[Make, int], ...]
    quiet: tuple[Make, ...]
    clears: tuple[Make, ...]
    boundary: tuple[tuple[Make, bool], ...]
    still_open: tuple[Make, ...] = ()


def fig(**known: Any) -> Make:
    return lambda: view(figures(**known))


def facts(*made: Any, **options: Any) -> Make:
    return lambda: view(facts=made, **options)


def drift(now: float | None, late: float | None = 15.0, base: float | None = 28.0, **more: Any) -> Make:
    known = {
        "dtp_90d": now,
        "dbt_90d": late,
        "dtp_baseline": base,
        "dbt_baseline": -2.0,
        "drift_agrees": True,
    }
    return fig(**{**known, **more})


def buys(recent: int, before: int = 300_000_00, invoices: int = 6, late: float | None = 5.0) -> Make:
    return fig(
        purchases_30d=recent,
        purchases_prior_90d=before,
        invoices_prior_90d=invoices,
        dbt_90d=late,
        dbt_baseline=0.0,
    )


def owes(balance: int, peak: int | None = 100_000_00, used: float | None = 0.5, days: int = 180) -> Make:
    return fig(open_balance=balance, prior_high_credit=peak, utilization=used, first_invoice_on=TODAY - days)


def limit(days: int, amount: str, currency: str = "USD") -> Any:
    return report(days, recommended_limit=amount, currency=currency)


def suit(amount: str, currency: str = "USD", filing_id: str = "F1") -> Any:
    return filing("suit", filing_id=filing_id, amount=amount, currency=currency)


def five_point(days: int, score: float) -> Any:
    """A report on a scale of 1, the best, to 5."""
    return event(
        "bureau.reported", f"{days_ago(days)}T08:00:00Z", agency="creditsafe", reported_on=days_ago(days),
        score=score, scale_min=1, scale_max=5, higher_is_better=False,
    )  # fmt: skip


def screening(status: str, at: str = "2026-06-01T12:00:00Z", **fields: Any) -> Any:
    return event("screening.reported", at, match_id="M1", list="OFAC SDN", status=status, **fields)


def related(kind: str, severity: int, at: str = "2026-06-01T12:00:00Z") -> Any:
    return event(f"related.{kind}", at, related_account_id="P1", alert_id="a-1", severity=severity)


def share(mine: int, accounts: int = 20) -> Make:
    return lambda: view(figures(exposure_base=mine), book=BookTotals(1_000_000_00, accounts))


AGREED = (True,) * 5
TABLE: dict[str, Cases] = {
    "payment_drift": Cases(
        fires=((drift(45.0), 3), (drift(200.0), 3)),
        quiet=(
            drift(34.0),
            drift(45.0, late=2.0),  # a change of terms: later against the invoice date only
            drift(45.0, drift_agrees=False),
            drift(45.0, drift_agrees=None),
            drift(None),
            drift(45.0, base=None),
            drift(66.0, base=58.0),  # 8 days, and less than 1.2 times
        ),
        clears=(drift(31.0), drift(20.0)),
        boundary=(
            (drift(35.0), True),
            (drift(34.99), False),
            (drift(45.0, late=3.0), True),
            (drift(45.0, late=2.99), False),
        ),
        still_open=(drift(31.01), drift(34.0), drift(None)),
    ),
    "payment_drift_severe": Cases(
        fires=((drift(45.0), 4),),
        quiet=(drift(42.0), drift(45.0, drift_agrees=False)),
        clears=(drift(35.0),),
        boundary=((drift(43.0), True), (drift(42.99), False)),
        still_open=(drift(35.01),),
    ),
    "slipping_each_month": Cases(
        fires=((fig(dtp_months=(30.0, 34.0, 38.0, 44.0)), 3),),
        quiet=(
            fig(dtp_months=(30.0, 34.0, 34.0, 44.0)),
            fig(dtp_months=(30.0, None, 38.0, 44.0)),
            fig(dtp_months=(30.0, 31.0, 32.0, 33.0)),
        ),
        clears=(fig(dtp_months=(34.0, 38.0, 44.0, 43.9)),),
        boundary=(
            (fig(dtp_months=(30.0, 33.0, 36.0, 40.0)), True),
            (fig(dtp_months=(30.0, 33.0, 36.0, 39.99)), False),
        ),
        still_open=(fig(dtp_months=(34.0, 38.0, 44.0, 44.0)), fig(dtp_months=(34.0, 38.0, 44.0, None))),
    ),
    "overdue_surprise": Cases(
        fires=((fig(overdue_surprise=0.03, overdue_surprise_n=20, overdue_surprise_days=12, max_days_past_due=12), 3),),
        quiet=(
            fig(overdue_surprise=0.03, overdue_surprise_n=9, overdue_surprise_days=12, max_days_past_due=12),
            fig(overdue_surprise=0.03, overdue_surprise_n=20, overdue_surprise_days=9, max_days_past_due=9),
            fig(),
        ),
        clears=(
            fig(),  # paid: nothing is past due
            fig(overdue_surprise=0.4, overdue_surprise_n=20, overdue_surprise_days=12, max_days_past_due=12),
        ),
        boundary=(
            (fig(overdue_surprise=0.0499, overdue_surprise_n=10, overdue_surprise_days=10, max_days_past_due=10), True),
            (fig(overdue_surprise=0.05, overdue_surprise_n=10, overdue_surprise_days=10, max_days_past_due=10), False),
        ),
        still_open=(fig(overdue_surprise=None, max_days_past_due=30, past_due=1),),
    ),
    "past_due_share": Cases(
        fires=((fig(open_balance=100_000_00, past_due_over_10=30_000_00), 3),),
        quiet=(
            fig(open_balance=100_000_00, past_due_over_10=15_000_00),
            fig(open_balance=100_000_00, past_due_over_10=30_000_00, unapplied=15_000_00),
            fig(),
        ),
        clears=(
            fig(open_balance=100_000_00, past_due_over_10=11_999_99),
            fig(open_balance=100_000_00, past_due_over_10=30_000_00, unapplied=30_000_00),
            fig(),  # all paid: nothing is past due
        ),
        boundary=(
            (fig(open_balance=100_000_00, past_due_over_10=20_000_01), True),
            (fig(open_balance=100_000_00, past_due_over_10=20_000_00), False),
        ),
        still_open=(fig(open_balance=100_000_00, past_due_over_10=12_000_00),),
    ),
    "seriously_past_due": Cases(
        fires=((fig(past_due_61=6_000_00), 4),),
        quiet=(fig(past_due_61=4_000_00), fig(past_due_61=6_000_00, unapplied=2_000_00), fig()),
        clears=(fig(), fig(past_due_61=6_000_00, unapplied=6_000_00)),
        boundary=((fig(past_due_61=5_000_01), True), (fig(past_due_61=5_000_00), False)),
        still_open=(fig(past_due_61=1),),
    ),
    "delinquent": Cases(
        fires=((fig(past_due_91=600_00, open_balance=10_000_00), 5),),
        quiet=(fig(past_due_91=600_00, open_balance=100_000_00), fig(past_due_91=400_00), fig()),
        clears=(fig(),),
        boundary=(
            (fig(past_due_91=500_01, open_balance=50_000_00), True),
            (fig(past_due_91=500_00, open_balance=50_000_00), False),
            (fig(past_due_91=1_000_00, open_balance=100_000_00), False),
            (fig(past_due_91=1_000_01, open_balance=100_000_00), True),
        ),
        still_open=(fig(past_due_91=1),),
    ),
    "utilization_high": Cases(
        fires=((fig(utilization=0.9, rising=True), 2),),
        quiet=(fig(utilization=0.9, rising=False), fig(utilization=0.5, rising=True), fig()),
        clears=(fig(utilization=0.6),),
        boundary=((fig(utilization=0.8, rising=True), True), (fig(utilization=0.7999, rising=True), False)),
        still_open=(fig(utilization=0.7), fig(utilization=0.9), fig(utilization=None)),
    ),
    "over_limit": Cases(
        fires=((fig(utilization=1.2), 4),),
        quiet=(fig(utilization=0.99), fig()),
        clears=(fig(utilization=0.9),),
        boundary=((fig(utilization=1.0001), True), (fig(utilization=1.0), False)),
        still_open=(fig(utilization=0.95), fig(utilization=None)),
    ),
    "exposure_without_limit": Cases(
        fires=((fig(exposure=1_00), 3), (fig(exposure=1_00, credit_limit=0), 3)),
        quiet=(fig(exposure=1_00, credit_limit=1_000_00), fig()),
        clears=(fig(exposure=1_00, credit_limit=1_00),),
        boundary=((fig(exposure=1), True), (fig(exposure=0), False)),
        still_open=(fig(exposure=0),),
    ),
    "order_surge": Cases(
        fires=((buys(200_000_00), 4),),
        quiet=(buys(120_000_00), buys(200_000_00, invoices=5), buys(200_000_00, late=4.0), buys(200_000_00, late=None)),
        clears=(buys(140_000_00), buys(200_000_00, late=4.9)),
        boundary=((buys(150_000_00), True), (buys(149_999_99), False)),
        still_open=(buys(200_000_00, late=None), buys(0, before=0, late=None)),
    ),
    "purchases_collapse": Cases(
        fires=((buys(0), 2),),
        quiet=(buys(60_000_00), buys(0, invoices=5), buys(0, before=0)),
        clears=(buys(80_000_00),),
        boundary=((buys(50_000_00), True), (buys(50_000_01), False)),
        still_open=(buys(75_000_00), buys(0, before=0)),
    ),
    "new_high_credit": Cases(
        fires=((owes(120_000_00), 2),),
        quiet=(owes(120_000_00, days=179), owes(120_000_00, used=0.4), owes(120_000_00, peak=None), fig()),
        clears=(owes(100_000_00),),
        boundary=((owes(110_000_01), True), (owes(110_000_00), False)),
        still_open=(owes(120_000_00, used=None), owes(120_000_00, peak=None)),
    ),
    "payment_reversed": Cases(
        fires=((fig(reversals_90d=1), 4), (fig(reversals_90d=2), 5)),
        quiet=(fig(),),
        clears=(fig(reversals_90d=0),),
        boundary=((fig(reversals_90d=1), True), (fig(reversals_90d=0), False)),
    ),
    "promise_broken": Cases(
        fires=((fig(promises_broken_60d=1), 3), (fig(promises_broken_60d=2), 4)),
        quiet=(fig(promises_broken=3),),
        clears=(fig(promises_broken=1),),
        boundary=((fig(promises_broken_60d=1), True), (fig(promises_broken_60d=0), False)),
    ),
    "partial_payments": Cases(
        fires=((fig(partial_of_last_5=4), 3),),
        quiet=(fig(partial_of_last_5=2), fig()),
        clears=(fig(partial_of_last_5=1),),
        boundary=((fig(partial_of_last_5=3), True), (fig(partial_of_last_5=2), False)),
        still_open=(fig(partial_of_last_5=2), fig(partial_of_last_5=None)),
    ),
    "dispute_spike": Cases(
        fires=(
            (fig(disputed=12_000_00, open_balance=100_000_00), 2),
            (fig(disputed=7_000_00, open_balance=100_000_00, disputed_share_baseline=0.03), 2),
        ),
        quiet=(
            fig(disputed=2_000_00, open_balance=10_000_00),
            fig(disputed=7_000_00, open_balance=100_000_00),
            fig(disputed=7_000_00, open_balance=100_000_00, disputed_share_baseline=0.04),
            fig(),
        ),
        clears=(fig(disputed=4_000_00, open_balance=100_000_00), fig()),
        boundary=(
            (fig(disputed=2_500_01, open_balance=20_000_00), True),
            (fig(disputed=2_500_00, open_balance=20_000_00), False),
            (fig(disputed=10_000_01, open_balance=100_000_00), True),
            (fig(disputed=10_000_00, open_balance=100_000_00), False),
            (fig(disputed=4_000_01, open_balance=100_000_00, disputed_share_baseline=0.0), True),
            (fig(disputed=4_000_00, open_balance=100_000_00, disputed_share_baseline=0.0), False),
        ),
        still_open=(fig(disputed=5_000_00, open_balance=100_000_00),),
    ),
    "discounts_abandoned": Cases(
        fires=((fig(discounts_taken=(*AGREED, False, False, False)), 2),),
        quiet=(
            fig(discounts_taken=(*AGREED, True, False, False)),
            fig(discounts_taken=(True, True, False, False, False, False, False, False)),
            fig(discounts_taken=(False, False, False)),
            fig(),
        ),
        clears=(fig(discounts_taken=(True, True, True, True, False, False, False, True)),),
        boundary=(
            (fig(discounts_taken=(True, True, True, False, False, False)), True),
            (fig(discounts_taken=(True, True, False, False, False)), False),
        ),
        still_open=(fig(discounts_taken=(True, True, False, False, False, False, False, False)),),
    ),
    "bureau_downgrade": Cases(
        fires=(
            (facts(report(100, 80.0), report(1, 65.0)), 3),
            (facts(report(100, rating_class="A"), report(1, rating_class="B")), 3),
        ),
        quiet=(
            facts(report(100, 80.0), report(1, 75.0)),
            facts(report(1, 20.0)),  # the first report: nothing to fall from
            facts(report(366, 80.0), report(1, 65.0)),  # the best is no longer of the last 365 days
            facts(report(100, rating_class="A"), report(1, rating_class="Zz")),  # unknown class: shown, not compared
            facts(report(100, 80.0), report(1, 65.0, agency="dnb")),  # two agencies are not compared
            facts(),
        ),
        clears=(facts(report(100, 80.0), report(9, 60.0), report(1, 76.0)), facts(report(365, 80.0), report(1, 60.0))),
        boundary=(
            (facts(report(100, 80.0), report(1, 70.0)), True),
            (facts(report(100, 80.0), report(1, 70.1)), False),
            (facts(five_point(100, 3.7), five_point(1, 4.1)), True),  # ten points, whatever binary fractions say
            (facts(five_point(100, 3.7), five_point(1, 4.09)), False),
            (facts(report(364, 80.0), report(1, 70.0)), True),
            (facts(report(365, 80.0), report(1, 70.0)), False),
        ),
        still_open=(facts(report(100, 80.0), report(1, 74.0)), facts()),
    ),
    "agency_limit_cut": Cases(
        fires=(
            (facts(limit(90, "100000"), limit(1, "70000")), 3),
            (facts(limit(90, "100000"), limit(1, "0")), 5),
        ),
        quiet=(
            facts(limit(90, "100000"), limit(1, "80000")),
            facts(limit(90, "100000", "EUR"), limit(1, "70000")),
            facts(report(1, 50.0)),
        ),
        clears=(
            facts(
                limit(90, "100000"),
                limit(30, "10000"),
                limit(1, "100000"),
            ),
        ),
        boundary=(
            (facts(limit(90, "100000"), limit(1, "75000")), True),
            (facts(limit(90, "100000"), limit(1, "75001")), False),
        ),
        still_open=(
            facts(limit(90, "100000"), limit(1, "99999")),
        ),
    ),
    "legal_filing": Cases(
        fires=(
            (facts(suit("20000")), 4),
            (facts(filing("lien")), 4),  # an unknown amount fires
            (facts(filing("judgment", amount="12000", currency="USD"), statement()), 4),
        ),
        quiet=(
            facts(filing("lien", amount="9000", currency="USD")),
            facts(filing("charge", amount="20000", currency="USD")),
            facts(suit("12000"), statement(equity="2500000.00", total_assets="2900000.00")),
            facts(suit("20000", "EUR")),  # no rate
            facts(),
        ),
        clears=(
            facts(suit("20000"), filing("suit", "satisfied", 1)),
            facts(filing("lien"), filing("lien", "released", 1)),
            facts(filing("lien"), filing("lien", "released", 1), suit("900", filing_id="F2")),
        ),
        boundary=(
            (facts(suit("10000")), True),
            (facts(suit("9999.99")), False),
        ),
        still_open=(facts(suit("20000", "EUR")),),
    ),
    "new_charge": Cases(
        fires=((facts(filing("charge")), 2),),
        quiet=(facts(filing("lien")), facts()),
        clears=(facts(filing("charge"), filing("charge", "satisfied", 1)),),
        boundary=((facts(filing("charge", days=0)), True), (facts(filing("charge", days=-1)), False)),
    ),
    "adverse_news": Cases(
        fires=(
            (facts(article(0, "layoffs")), 3),
            (facts(article(0, "bankruptcy", source_kind="registry")), 5),
            (facts(article(0, "rumour", confidence=0.6)), 1),
        ),
        quiet=(
            facts(article(0, "unknown")),
            facts(article(0, None, headline="Quarterly report published")),
            facts(article(300, "rumour")),
            facts(article(-1, "fraud")),  # its day has not come
            facts(),
        ),
        clears=(facts(article(60, "rumour")), facts()),
        boundary=(
            (facts(article(0, "rumour", "sec.gov", confidence=0.5)), True),
            (facts(article(0, "rumour", "sec.gov", confidence=0.499)), False),
        ),
    ),
    "insolvency": Cases(
        fires=((facts(filing("insolvency")), 5), (facts(article(0, "insolvency", source_kind="court")), 5)),
        quiet=(facts(filing("solvent_liquidation")), facts(article(0, "insolvency")), facts(filing("lien")), facts()),
        clears=(facts(filing("insolvency"), filing("insolvency", "discharged", 1)),),
        boundary=((facts(filing("insolvency", days=0)), True), (facts(filing("insolvency", days=-1)), False)),
    ),
    "sanctions_match": Cases(
        fires=((facts(screening("confirmed")), 5), (facts(screening("possible")), 3)),
        quiet=(facts(),),
        clears=(
            facts(screening("confirmed"), screening("cleared", at="2026-06-02T12:00:00Z", actor="compliance")),
        ),
        boundary=(
            # Only a person clears a match.
            (facts(screening("confirmed"), screening("cleared", at="2026-06-02T12:00:00Z")), True),
            (facts(screening("confirmed"), screening("cleared", at="2026-06-02T12:00:00Z", actor="Ms Ito")), False),
        ),
    ),
    "statements_stale": Cases(
        fires=((facts(statement(500), tier="high"), 2),),
        quiet=(
            facts(statement(500), tier="medium"),
            facts(statement(500)),
            facts(statement(100), tier="high"),
            facts(tier="high"),  # no statement at all is no figure
        ),
        clears=(facts(statement(500), statement(20, "S2"), tier="high"),),
        boundary=(
            # 15 months before 30 June 2026: 30 March 2025 was 457 days ago.
            (facts(statement(458), tier="high"), True),
            (facts(statement(457), tier="high"), False),
        ),
        still_open=(facts(statement(500), tier="low"), facts(tier="high")),
    ),
    "related_party_distress": Cases(
        fires=((facts(related("distressed", 5)), 3),),
        quiet=(facts(related("distressed", 3)), facts()),
        clears=(facts(related("distressed", 5), related("recovered", 5, "2026-06-02T12:00:00Z")),),
        boundary=((facts(related("distressed", 4)), True), (facts(related("distressed", 3)), False)),
    ),
    "concentration": Cases(
        fires=((share(150_000_00), 3),),
        quiet=(share(50_000_00), share(150_000_00, accounts=19), fig(exposure_base=150_000_00)),
        clears=(share(79_999_99),),
        boundary=((share(100_000_01), True), (share(100_000_00), False)),
        still_open=(share(80_000_00), share(0, accounts=19), fig(exposure_base=0)),
    ),
}  # fmt: skip

KINDS = ("fires", "quiet", "clears", "boundary")


def incomplete(table: dict[str, Cases]) -> list[str]:
    """What the table lacks: triggers without a case of each kind, boundaries with one side only."""
    lacks = [f"{trigger.id}: no cases" for trigger in TRIGGERS if trigger.id not in table]
    for name, cases in table.items():
        lacks += [f"{name}: no {kind} case" for kind in KINDS if not getattr(cases, kind)]
        if {fires for _, fires in cases.boundary} != {True, False}:
            lacks.append(f"{name}: a boundary has two sides")
        if name not in BY_ID:
            lacks.append(f"{name}: no such trigger")
    return lacks


def test_every_trigger_has_a_firing_a_quiet_a_clearing_and_a_boundary_case() -> None:
    assert len(TRIGGERS) == 28
    assert incomplete(TABLE) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_check_notices_what_is_missing(kind: str) -> None:
    broken = dict(TABLE)
    broken["delinquent"] = Cases(**{**vars(TABLE["delinquent"]), kind: ()})
    assert any(lack.startswith("delinquent") for lack in incomplete(broken))
    del broken["over_limit"]
    assert "over_limit: no cases" in incomplete(broken)


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, case, id=f"{name}-{place}")
        for name, row in TABLE.items()
        for place, case in enumerate(getattr(row, kind))
    ]


@pytest.mark.parametrize(("name", "case"), cases("fires"))
def test_it_fires_with_its_severity_and_evidence_and_does_not_clear_there(
    name: str, case: tuple[Make, int]
) -> None:
    made, severity = case[0](), case[1]
    firing = BY_ID[name].fires(made)
    assert firing is not None
    assert firing.severity == severity
    assert firing.distance >= 0
    assert not BY_ID[name].clears(made)
    evidence = BY_ID[name].evidence(made)
    assert evidence.metrics
    assert evidence.thresholds
    assert evidence.event_ids
    assert None not in evidence.thresholds.values()


def test_an_agencys_limits_in_two_currencies_are_compared_at_the_rates_of_its_newest() -> None:
    rates = Rates("USD")
    rates.add(TODAY - 2, {"EUR": "1.25"})
    rates.add(TODAY, {"EUR": "2.00"})
    trigger, told = BY_ID["agency_limit_cut"], [limit(90, "100000", "EUR"), limit(1, "93751")]
    assert trigger.fires(view(facts=told, rates=rates)) is None
    fallen = limit(1, "93750")
    cut = view(facts=[told[0], fallen], rates=rates)
    assert trigger.fires(cut) == (3, 0.25)
    assert trigger.evidence(cut).metrics["best_recommended_limit"] == "125000.00"
    assert trigger.evidence(cut).event_ids == [told[0].event_id, fallen.event_id]
    assert trigger.clears(view(facts=[told[0], limit(1, "125000")], rates=rates))


def test_an_agency_that_turns_to_another_currency_has_restored_nothing() -> None:
    cut = [limit(90, "100000"), limit(30, "10000")]
    trigger, other = BY_ID["agency_limit_cut"], limit(1, "9000", "EUR")
    assert not trigger.clears(view(facts=[*cut, other])), "no rate tells"
    rates = Rates("USD")
    rates.add(TODAY - 2, {"EUR": "1.25"})
    assert trigger.fires(view(facts=[*cut, other], rates=rates)) is not None


@pytest.mark.parametrize(("name", "case"), cases("quiet"))
def test_it_is_quiet(name: str, case: Make) -> None:
    assert BY_ID[name].fires(case()) is None


@pytest.mark.parametrize(("name", "case"), cases("clears"))
def test_it_clears_and_does_not_fire_there(name: str, case: Make) -> None:
    assert BY_ID[name].fires(case()) is None
    assert BY_ID[name].clears(case())


@pytest.mark.parametrize(("name", "case"), cases("boundary"))
def test_its_edge_is_where_the_table_says(name: str, case: tuple[Make, bool]) -> None:
    assert (BY_ID[name].fires(case[0]()) is not None) is case[1]


@pytest.mark.parametrize(("name", "case"), cases("still_open"))
def test_it_stays_open_between_the_levels_and_on_a_null(name: str, case: Make) -> None:
    assert not BY_ID[name].clears(case())


@pytest.mark.parametrize("trigger", TRIGGERS, ids=lambda trigger: trigger.id)
def test_evidence_can_be_told_of_an_account_of_which_nothing_is_known(trigger: Any) -> None:
    assert trigger.fires(view()) is None
    trigger.evidence(view())


BASE_AMOUNTS = {
    "seriously_past_due": {"past_due_61": 6_000_00},
    "delinquent": {"past_due_91": 600_00},
    "dispute_spike": {"disputed": 3_000_00, "open_balance": 10_000_00},
}


@pytest.mark.parametrize("name", BASE_AMOUNTS)
def test_an_amount_in_base_currency_without_a_rate_says_so_and_does_not_fire(name: str) -> None:
    made = view(figures(currency="EUR", **BASE_AMOUNTS[name]))
    assert BY_ID[name].fires(made) is None
    assert not BY_ID[name].clears(made)
    assert "no_rate" in BY_ID[name].evidence(made).thresholds.values()


def test_an_amount_in_base_currency_is_converted_at_the_days_rate() -> None:
    rates = Rates("USD")
    rates.add(TODAY, {"EUR": "1.25"})  # 5,000 USD are 4,000 EUR
    trigger = BY_ID["seriously_past_due"]
    assert trigger.fires(view(figures(currency="EUR", past_due_61=4_000_01), rates=rates)) is not None
    assert trigger.fires(view(figures(currency="EUR", past_due_61=4_000_00), rates=rates)) is None


def test_the_worst_fact_is_told_by_facts_alone() -> None:
    assert worst_fact(view()) == 0
    assert worst_fact(view(figures(utilization=1.1))) == 4
    assert worst_fact(view(figures(utilization=1.1), [filing("insolvency")])) == 5
    assert (
        worst_fact(view(figures(past_due_91=9_000_00, open_balance=9_000_00))) == 0
    )  # judgement, not a fact


def test_every_trigger_says_what_to_do() -> None:
    for trigger in TRIGGERS:
        assert trigger.title
        assert trigger.action.endswith(".")
        assert not trigger.title.endswith(".")


OWED = {
    "overdue_surprise", "past_due_share", "seriously_past_due", "delinquent", "dispute_spike", "utilization_high",
    "over_limit", "new_high_credit", "concentration",
}  # fmt: skip


def owing_in_a_currency_without_a_rate(made: View, rates: Rates) -> View:
    """The view of an account in yen that owes dollars beside what it knows."""
    at = f"{days_ago(100)}T08:00:00Z"
    ledger = Ledger()
    for fact in (
        event("account.opened", at, name="Acme", currency="JPY", opened_on=days_ago(100)),
        event(
            "invoice.issued", at, invoice_id="I1", amount="20000.00", currency="USD",
            invoice_date=days_ago(100), due_date=days_ago(70),
        ),
    ):  # fmt: skip
        bookkeeping.apply(ledger, fact, TODAY, POLICY, rates)
    made.ledger, made.rates, made._figures = ledger, rates, made.figures._replace(unvalued=1)
    return made


@pytest.mark.parametrize(("name", "case"), cases("clears"))
def test_what_is_owed_in_a_currency_without_a_rate_clears_nothing_that_is_judged_by_it(
    name: str, case: Make
) -> None:
    assert BY_ID[name].clears(owing_in_a_currency_without_a_rate(case(), Rates("USD"))) is (name not in OWED)


def test_what_is_owed_is_known_again_with_the_rate() -> None:
    rates = Rates("USD")
    assert owing_in_a_currency_without_a_rate(view(), rates).owes_unvalued
    rates.add(TODAY - 200, {"JPY": "0.0067"})
    assert not owing_in_a_currency_without_a_rate(view(), rates).owes_unvalued

"""The life of alerts: ticks in a row, one open, escalation, cooldown, kept baselines, going live, people's decisions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from agents.figures import Figures
from agents.policy import Policy
from agents.policy_text import load_policy
from agents.rates import Rates
from agents.signals import Signals
from agents.watch import AlertChange, Watch
from tests.rules import (
    AT,
    IDS,
    POLICY,
    POLICY_TEXT,
    TODAY,
    article,
    event,
    figures,
    filing,
    has_limit,
    ledger_of,
    signals,
    view,
)


class Days:
    """One account's alerts, a tick a day; each call gives what was emitted, as "trigger status severity"."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.watch = Watch()
        self.signals = Signals()
        self.ledger = ledger_of(owner="ar-team")
        self.policy = policy
        self.today = TODAY
        self.changes: list[AlertChange] = []

    def view(self, known: Figures, **options: Any) -> Any:
        has_limit(self.ledger, known.credit_limit)
        self.ledger.foreign_now = known.exposure
        return view(
            known,
            ledger=self.ledger,
            today=self.today,
            policy=self.policy,
            known_signals=self.signals,
            **options,
        )

    def tick(self, days: int = 1, /, **known: Any) -> list[str]:
        told: list[AlertChange] = []
        for _ in range(days):
            self.today += 1
            told += self.watch.tick(self.view(figures(**known)), AT, IDS)
        return self._told(told)

    def event(self, kind: str, /, **known: Any) -> list[str]:
        return self._told(self.watch.at_once(self.view(figures(**known)), kind, AT, IDS))

    def fact(self, fact: Any) -> list[str]:
        self.signals.apply(fact, self.today, self.policy)
        return self.event(fact.type)

    def decide(self, kind: str, alert_id: str, **fields: Any) -> tuple[list[str], str | None]:
        decision = event(f"alert.{kind}", alert_id=alert_id, **{"actor": "Ms Ito", **fields})
        changes, refused = self.watch.decide(decision, self.view(figures()))
        return self._told(changes), refused

    def _told(self, changes: list[AlertChange]) -> list[str]:
        self.changes += changes
        return [f"{c.trigger} {c.status} {c.severity}" for c in changes]


USED = {"utilization": 0.9, "rising": True, "exposure": 90, "credit_limit": 100}
LESS = {"utilization": 0.6, "exposure": 60, "credit_limit": 100}
OVER = {"utilization": 1.2, "exposure": 120, "credit_limit": 100}


def drifting(now: float, base: float = 28.0) -> dict[str, Any]:
    return {"dtp_90d": now, "dtp_baseline": base, "dbt_90d": 20.0, "dbt_baseline": 0.0, "drift_agrees": True}


def test_a_judgement_opens_at_the_second_tick_in_a_row() -> None:
    days = Days()
    assert days.tick(**USED) == []
    assert days.tick(**USED) == ["utilization_high opened 2"]
    assert days.changes[0].as_of == TODAY + 2
    assert days.changes[0].owner == "ar-team"


def test_a_day_between_starts_the_count_again() -> None:
    days = Days()
    days.tick(**USED)
    days.tick(**LESS)
    assert days.tick(**USED) == []
    assert days.tick(**USED) == ["utilization_high opened 2"]


def test_a_judgement_never_opens_with_an_event() -> None:
    days = Days()
    days.tick(**USED)
    assert days.event("invoice.issued", **USED) == []


def test_a_fact_opens_and_clears_with_the_event() -> None:
    days = Days()
    assert days.event("invoice.issued", **OVER) == ["over_limit opened 4"]
    assert days.event("payment.received", utilization=0.96, exposure=96, credit_limit=100) == []
    assert days.event("payment.received", utilization=0.9, exposure=90, credit_limit=100) == [
        "over_limit cleared 4"
    ]


def test_a_fact_is_judged_at_ticks_too() -> None:
    days = Days()
    assert days.tick(**OVER) == ["over_limit opened 4"]


def test_an_event_measures_nothing_while_nothing_can_have_changed() -> None:
    measured: list[int] = []

    def measure() -> Figures:
        measured.append(1)
        return figures(**LESS)

    watch, ledger = Watch(), ledger_of(limit=100, exposure=60)
    lazy = view(measure, ledger=ledger)  # type: ignore[arg-type]
    assert watch.at_once(lazy, "invoice.issued", AT, IDS) == []
    assert watch.at_once(lazy, "order.booked", AT, IDS) == []
    assert measured == []


def test_one_open_alert_a_trigger_and_it_stays_open_between_the_levels() -> None:
    days = Days()
    days.tick(2, **USED)
    assert days.tick(10, **{**USED, "utilization": 0.75}) == []
    assert [alert.trigger for alert in days.watch.open_alerts()] == ["utilization_high"]
    assert days.tick(**LESS) == ["utilization_high cleared 2"]
    assert days.watch.open_alerts() == []


@pytest.mark.parametrize(("used", "escalates"), [(1.09, True), (1.07, False)])
def test_growth_is_half_as_much_again_of_the_distance_last_emitted(used: float, escalates: bool) -> None:
    days = Days()
    days.tick(
        utilization=1.04, exposure=104, credit_limit=100
    )  # 0.09 beyond the clear level; 1.5 times is 0.135
    told = days.tick(utilization=used, exposure=int(used * 100), credit_limit=100)
    assert told == (["over_limit escalated 4"] if escalates else [])


def test_exactly_half_as_much_again_is_enough() -> None:
    days = Days()
    days.tick(2, utilization=1.1, rising=True, exposure=110, credit_limit=100)  # 0.4 beyond the clear level
    told = days.tick(utilization=1.3, rising=True, exposure=130, credit_limit=100)
    assert "utilization_high escalated 2" in told


def test_disputes_grow_from_the_clear_level_where_they_are_a_spike_above_it_only() -> None:
    disputed = {
        "open_balance": 10_000_000,
        "disputed_share_baseline": 0.03,
    }  # a spike from 6 % on, cleared under 5 %
    days = Days()
    assert days.tick(2, disputed=800_000, **disputed) == ["dispute_spike opened 2"]
    assert days.tick(disputed=940_000, **disputed) == []
    assert days.tick(disputed=950_000, **disputed) == ["dispute_spike escalated 2"]


def test_a_higher_severity_escalates_and_a_lower_one_is_silent() -> None:
    days = Days()
    assert days.event("payment.reversed", reversals_90d=1) == ["payment_reversed opened 4"]
    assert days.event("payment.reversed", reversals_90d=2) == ["payment_reversed escalated 5"]
    assert days.tick(reversals_90d=1) == []
    assert days.watch.worst_open() == 5
    assert days.tick() == ["payment_reversed cleared 5"]


def test_cooldown_is_14_days_for_the_mild_7_for_the_grave_and_none_at_5() -> None:
    mild = Days()
    mild.tick(2, **USED)
    mild.tick(**LESS)
    cleared = mild.today
    assert mild.tick(13, **USED) == []
    assert mild.tick(**USED) == ["utilization_high opened 2"]
    assert mild.today == cleared + 14

    grave = Days()
    grave.event("invoice.issued", **OVER)
    grave.event("payment.received", **LESS)
    cleared = grave.today
    assert grave.tick(6, **OVER) == []
    assert grave.event("invoice.issued", **OVER) == []
    assert grave.tick(**OVER) == ["over_limit opened 4"]
    assert grave.today == cleared + 7

    worst = Days()
    worst.fact(filing("insolvency"))
    worst.fact(filing("insolvency", "discharged", 0))
    assert worst.fact(filing("insolvency", filing_id="F2")) == ["insolvency opened 5"]


def test_the_end_of_a_cooldown_wakes_the_account() -> None:
    days = Days()
    days.event("invoice.issued", **OVER)
    days.event("payment.received", **LESS)
    days.tick(**OVER)
    assert days.watch.next_day(days.view(figures(**OVER))) == TODAY + 7
    quiet = Days()
    assert quiet.watch.next_day(quiet.view(figures())) > TODAY + 1000
    quiet.tick(**USED)
    assert quiet.watch.next_day(quiet.view(figures(**USED))) == quiet.today + 1


def test_episodes_have_ids_of_their_own_and_records_count_up() -> None:
    days = Days()
    days.tick(2, **USED)
    days.tick(**LESS)
    days.tick(14, **USED)
    first, second = days.changes[:2], days.changes[2:]
    assert [c.number for c in first] == [1, 2]
    assert [c.number for c in second] == [1]
    assert first[0].alert_id == first[1].alert_id != second[0].alert_id


def test_drift_keeps_the_baseline_it_opened_with() -> None:
    days = Days()
    days.tick(2, **drifting(40.0))
    assert days.tick(**drifting(40.0, base=39.0)) == []  # he has become his own normal; the alert has not
    assert days.changes[0].metrics["dtp_baseline"] == 28.0
    assert days.tick(**drifting(31.0, base=39.0)) == ["payment_drift cleared 3"]


def test_the_tier_follows_the_baseline_of_the_day() -> None:
    days = Days()
    days.tick(2, **drifting(40.0))
    assert days.watch.conditions == 3
    days.tick(**drifting(40.0, base=39.0))
    assert days.watch.conditions == 0


def test_severe_drift_supersedes_the_lesser_and_starts_from_its_baseline() -> None:
    days = Days()
    days.tick(2, **drifting(38.0))
    days.tick(**drifting(45.0, base=35.0))  # +10 on the day's baseline, +17 on the one that was kept
    assert days.tick(**drifting(45.0, base=35.0)) == [
        "payment_drift cleared 3",
        "payment_drift_severe opened 4",
    ]
    assert days.changes[-2].reason == "superseded"
    assert days.changes[-1].metrics["dtp_baseline"] == 28.0
    assert days.tick(5, **drifting(45.0)) == []
    assert days.tick(**drifting(34.0)) == ["payment_drift_severe cleared 4"]


def test_severe_drift_from_the_start_opens_alone() -> None:
    days = Days()
    assert days.tick(2, **drifting(60.0)) == ["payment_drift_severe opened 4"]
    assert days.tick(3, **drifting(60.0)) == []


def test_a_new_high_is_measured_against_the_peak_before_it() -> None:
    grown = {"open_balance": 120_00, "utilization": 0.6, "first_invoice_on": TODAY - 400}
    days = Days()
    days.tick(**grown, prior_high_credit=100_00)
    # From the second day on the day before is itself the peak.
    assert days.tick(**grown, prior_high_credit=120_00) == ["new_high_credit opened 2"]
    assert days.tick(300, **grown, prior_high_credit=120_00) == []
    # A year on, that balance is no new high any more.
    assert days.tick(100, **grown, prior_high_credit=120_00) == ["new_high_credit cleared 2"]
    assert days.today == TODAY + 402


def test_evidence_is_appended() -> None:
    days = Days()
    days.fact(article(0, "layoffs", event_id="first"))
    days.fact(article(0, "fraud", event_id="second", source_kind="court"))
    assert [c.status for c in days.changes] == ["opened", "escalated"]
    assert days.changes[-1].event_ids == ["first", "second"]


def test_before_going_live_alerts_are_history_and_that_day_tells_again_what_is_open() -> None:
    live = date.fromordinal(TODAY + 5).isoformat()
    policy = load_policy(POLICY_TEXT.replace("# live_from = 2026-01-01", f"live_from = {live}"))
    days = Days(policy)
    days.tick(2, **{**USED, "utilization": 0.95})
    days.event("invoice.issued", **{**OVER, "utilization": 1.01, "exposure": 101})
    days.tick(2, **{**USED, "utilization": 1.01, "exposure": 101})
    assert [c.history for c in days.changes] == [True, True]
    told = days.tick(**{**USED, "utilization": 1.01, "exposure": 101})
    assert sorted(told) == ["over_limit opened 4", "utilization_high opened 2"]
    again = days.changes[-2:]
    assert [c.history for c in again] == [False, False]
    assert [c.number for c in again] == [2, 2]
    assert {c.alert_id for c in again} == {c.alert_id for c in days.changes[:2]}
    assert days.tick(**{**USED, "utilization": 1.01, "exposure": 101}) == []


def test_what_escalates_on_the_day_of_going_live_is_told_once() -> None:
    live = date.fromordinal(TODAY + 2).isoformat()
    days = Days(load_policy(POLICY_TEXT.replace("# live_from = 2026-01-01", f"live_from = {live}")))
    days.tick(reversals_90d=1)
    assert days.tick(reversals_90d=2) == ["payment_reversed opened 5"]
    assert [c.number for c in days.changes] == [1, 2]


def test_people_acknowledge_assign_and_snooze() -> None:
    days = Days()
    days.event("invoice.issued", **OVER)
    alert_id = days.changes[0].alert_id
    assert days.decide("acknowledged", alert_id) == (["over_limit acknowledged 4"], None)
    assert days.changes[-1].acknowledged_by == "Ms Ito"
    assert days.decide("assigned", alert_id, owner="Mr Roux") == (["over_limit assigned 4"], None)
    assert days.changes[-1].owner == "Mr Roux"
    until = date.fromordinal(TODAY + 10).isoformat()
    assert days.decide("snoozed", alert_id, until=until) == (["over_limit snoozed 4"], None)
    assert days.changes[-1].snoozed_until == TODAY + 10
    assert [c.number for c in days.changes] == [1, 2, 3, 4]


def test_one_decision_may_acknowledge_and_name_an_owner_and_a_day() -> None:
    days = Days()
    days.event("invoice.issued", **OVER)
    until = date.fromordinal(TODAY + 10).isoformat()
    alert_id = days.changes[0].alert_id
    days.decide("acknowledged", alert_id, owner="Mr Roux", until=until)
    told = days.changes[-1]
    assert (told.acknowledged_by, told.owner, told.snoozed_until) == ("Ms Ito", "Mr Roux", TODAY + 10)
    days.decide("assigned", alert_id)
    assert (days.changes[-1].owner, days.changes[-1].snoozed_until) == ("Ms Ito", TODAY + 10)


def test_a_snooze_holds_growth_back_but_no_higher_severity_and_no_clearing() -> None:
    days = Days()
    days.event("payment.reversed", reversals_90d=1)
    days.event("invoice.issued", **OVER)
    until = date.fromordinal(TODAY + 3).isoformat()
    for alert in days.watch.open_alerts():
        days.decide("snoozed", alert.alert_id, until=until)
    worse = {"utilization": 2.0, "exposure": 200, "credit_limit": 100}
    assert days.tick(3, **worse, reversals_90d=2) == ["payment_reversed escalated 5"]
    assert days.watch.next_day(days.view(figures(**worse))) == TODAY + 4
    assert days.tick(**worse, reversals_90d=2) == ["over_limit escalated 4"]


def test_a_decision_about_a_strange_or_cleared_alert_is_refused_and_a_repeat_is_not() -> None:
    days = Days()
    assert days.decide("acknowledged", "no-such")[1] == (
        "alert_id: this account has no alert no-such, or has a newer one of its trigger"
    )
    days.event("invoice.issued", **OVER)
    alert_id = days.changes[0].alert_id
    days.decide("acknowledged", alert_id, event_id="d-1")
    assert days.decide("acknowledged", alert_id, event_id="d-1") == ([], None)
    assert days.decide("acknowledged", alert_id, event_id="d-1", source="another")[0] != []
    assert (
        days.decide("snoozed", alert_id)[1] == "until: missing; a snooze needs the day until which it lasts"
    )
    days.event("payment.received", **LESS)
    assert days.decide("acknowledged", alert_id)[1] == f"alert_id: alert {alert_id} has cleared already"


def test_pieces_bring_everything_back() -> None:
    days = Days()
    days.tick(2, **drifting(40.0), **USED)
    days.event("invoice.issued", **OVER)
    pieces = {key: raw for key, raw in days.watch.dump().items() if raw is not None}
    assert not days.watch.changed
    assert days.watch.dump() == {}
    loaded = Watch.load(pieces)
    loaded.changed = True
    assert loaded.dump() == pieces
    assert loaded.open_alerts() == days.watch.open_alerts()
    with pytest.raises(ValueError, match="of version 9"):
        Watch.load({"w.a": b"[9,0,{}]"})


def test_an_account_of_which_nothing_is_known_keeps_nothing() -> None:
    days = Days()
    assert days.tick(30) == []
    assert days.watch.dump() == {}


def test_signals_clear_by_time_alone() -> None:
    days = Days()
    assert days.fact(article(0, "rumour")) == ["adverse_news opened 1"]
    wakes = days.signals.next_day(days.today, POLICY, Rates("USD"))
    assert days.tick(wakes - TODAY - 1) == []
    assert days.tick() == ["adverse_news cleared 1"]


def test_a_signal_repeated_is_no_news() -> None:
    days = Days()
    fact = filing("lien")
    assert days.fact(fact) == ["legal_filing opened 4"]
    assert signals([fact]).apply(fact, TODAY, POLICY) == "repeat"
    assert days.fact(fact) == []

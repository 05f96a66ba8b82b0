"""The life of proposals: one at a time, hysteresis, escalation, expiry, decisions, what is not proposed again."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from agents import limits
from agents.desk import Desk, ProposalChange
from agents.limits import Scoring
from agents.policy import Policy
from agents.policy_text import load_policy
from agents.rates import Rates
from agents.watch import OpenAlert
from schemas.outputs import Tier
from tests.rules import IDS, POLICY, POLICY_TEXT, TODAY, event, figures, has_limit, ledger_of, view

MONTH = 40_000_00
INSOLVENT = OpenAlert("insolvency", "a-5", 5)
LATE = OpenAlert("seriously_past_due", "a-4", 4)


class Alerts:
    """What the desk asks of a watch."""

    def __init__(self) -> None:
        self.alerts: list[OpenAlert] = []

    def open_alerts(self) -> list[OpenAlert]:
        return self.alerts

    def worst_open(self) -> int:
        return max((alert.severity for alert in self.alerts), default=0)


class Days:
    """One account's proposals, a tick a day, told as "direction status amount approver"."""

    def __init__(self, limit: int | None = None, month: int = MONTH, policy: Policy = POLICY) -> None:
        self.desk = Desk()
        self.watch = Alerts()
        self.today = TODAY
        self.policy = policy
        self.ledger = ledger_of(limit=limit, opened_on=TODAY - 2000)
        self.month = month
        self.grade: Any = "B"
        self.tier: Tier = "medium"
        self.changes: list[ProposalChange] = []
        self.rates = Rates("USD")

    def view(self) -> Any:
        known = figures(
            currency=self.ledger.currency,
            credit_limit=self.ledger.limit,
            monthly_purchases=self.month,
            open_balance=10_000_00,
        )
        return view(known, ledger=self.ledger, today=self.today, policy=self.policy, rates=self.rates)

    def scoring(self) -> Scoring:
        known = limits.score(self.view())
        paid = known.categories | {"own_payments": 50.0}
        return known._replace(grade=self.grade, caps=[], categories=paid)

    def tick(self, days: int = 1) -> list[str]:
        told: list[ProposalChange] = []
        for _ in range(days):
            self.today += 1
            told += self.desk.tick(self.view(), self.watch, self.scoring(), self.tier, IDS)  # type: ignore[arg-type]
        return self._told(told)

    def wakes(self) -> int:
        return self.desk.next_day(self.view(), self.watch, self.scoring())  # type: ignore[arg-type]

    def event(self) -> list[str]:
        return self._told(self.desk.at_once(self.view(), self.watch, IDS))  # type: ignore[arg-type]

    def decide(
        self, kind: str, role: str = "manager", limit: str = "80000.00", **fields: Any
    ) -> tuple[list[str], str | None]:
        body = {"proposal_id": self.desk.waiting or "none", "actor": "Ms Ito", "role": role, **fields}
        if kind == "approved":
            body |= {"limit": limit, "currency": fields.get("currency", "USD")}
        changes, refused = self.desk.decide(event(f"proposal.{kind}", **body), self.view(), IDS)
        return self._told(changes), refused

    def _told(self, changes: list[ProposalChange]) -> list[str]:
        self.changes += changes
        return [f"{c.direction} {c.status} {c.proposed_limit // 100} {c.approver}" for c in changes]


def test_an_opening_waits_for_a_person_escalates_once_and_expires() -> None:
    days = Days()
    assert days.tick() == ["open proposed 80000 manager"]
    assert days.tick(13) == []
    assert days.tick() == ["open escalated 80000 controller"]
    assert days.tick(13) == []
    assert days.tick() == ["open expired 80000 controller"]
    assert [c.number for c in days.changes] == [1, 2, 3]
    assert {c.proposal_id for c in days.changes} == {days.changes[0].proposal_id}
    assert {c.expires_at for c in days.changes} == {TODAY + 1 + 28}
    assert days.tick() == []
    assert days.tick() == ["open proposed 80000 manager"]  # 30 days after the first
    assert days.changes[-1].proposal_id != days.changes[0].proposal_id


def test_what_waits_wakes_the_account() -> None:
    days = Days()
    days.tick()
    assert days.wakes() == days.today + 14
    days.tick(14)
    assert days.wakes() == days.today + 14
    days.desk = Desk()
    assert days.wakes() > days.today + 1000


def test_the_controllers_proposal_is_told_again_and_stays_his() -> None:
    days = Days(month=400_000_00)
    days.tick()
    assert days.tick(14) == ["open escalated 800000 controller"]


def test_an_approval_by_the_role_or_above_is_taken() -> None:
    for role in ("manager", "controller"):
        days = Days()
        days.tick()
        assert days.decide("approved", role, "70000.00") == (["open approved 80000 manager"], None)
        assert days.changes[-1].effective_limit == 70_000_00
        assert days.changes[-1].decided_by == "Ms Ito"
        assert days.desk.waiting is None


@pytest.mark.parametrize("role", ["auto", "analyst"])
def test_an_approval_by_a_role_below_is_refused(role: str) -> None:
    days = Days()
    days.tick()
    told, refused = days.decide("approved", role)
    assert told == []
    assert refused == f"role: {role} may not approve this limit; wanted manager or above"
    assert days.desk.waiting is not None


def test_more_than_was_proposed_needs_the_role_for_that() -> None:
    days = Days()
    days.tick()
    assert days.decide("approved", "manager", "150000.00")[1] is not None
    assert (
        days.decide("approved", "manager", "90000.00", currency="EUR")[1] is not None
    )  # no rate: controller
    assert days.decide("approved", "controller", "150000.00")[1] is None


def test_an_approval_in_another_currency_is_weighed_and_told_at_the_rate() -> None:
    days = Days()
    days.tick()
    days.rates.add(days.today, {"EUR": "1.25"})
    assert days.decide("approved", "manager", "80000.01", currency="EUR")[1] == (
        "role: manager may not approve this limit; wanted controller or above"
    )
    assert days.decide("approved", "manager", "80000.00", currency="EUR")[1] is None
    assert (days.changes[-1].effective_limit, days.changes[-1].currency) == (100_000_00, "USD")


def test_a_decision_on_what_does_not_wait_is_refused_and_a_repeat_is_not() -> None:
    days = Days()
    foreign = "proposal_id: P-1 is none of this account's; none waits for a decision"
    assert days.decide("approved", proposal_id="P-1")[1] == foreign
    days.tick()
    waiting = days.desk.waiting
    days.decide("approved", event_id="d-1")
    assert days.decide("approved", event_id="d-1", proposal_id=waiting) == ([], None)
    over = f"proposal_id: {waiting} was decided already, superseded, or has expired; "
    assert days.decide("rejected", proposal_id=waiting)[1] == over + "none waits for a decision"
    days.watch.alerts = [INSOLVENT]
    days.tick()
    assert (
        days.decide("rejected", proposal_id=waiting)[1] == over + f"{days.desk.waiting} waits for a decision"
    )


def test_another_sources_decision_is_no_repeat_though_its_event_id_is_the_same() -> None:
    days = Days()
    days.tick()
    assert days.decide("rejected", event_id="1", source="page") == (["open rejected 80000 manager"], None)
    days.grade = "A"
    days.tick(29)
    assert days.tick() == ["open proposed 100000 manager"]
    assert days.decide("rejected", event_id="1", source="erp") == (["open rejected 100000 manager"], None)


def test_an_escalated_proposal_wants_the_higher_role() -> None:
    days = Days()
    days.tick(15)
    assert days.decide("approved", "manager")[1] is not None
    assert days.decide("approved", "controller") == (["open approved 80000 controller"], None)


def test_what_was_rejected_is_not_proposed_again_without_new_evidence() -> None:
    days = Days()
    days.tick()
    assert days.decide("rejected", "analyst") == (["open rejected 80000 manager"], None)
    assert days.tick(60) == []
    days.month = 43_000_00  # 86,000: under 10 % more
    assert days.tick(5) == []
    days.month = 44_000_00  # 88,000: 10 %
    assert days.tick() == ["open proposed 88000 manager"]


def test_another_grade_or_a_new_grave_alert_is_new_evidence() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [LATE]
    assert days.tick() == ["cut proposed 80000 manager"]
    days.decide("rejected")
    assert days.tick(40) == []
    days.watch.alerts = [LATE, OpenAlert("delinquent", "a-9", 4)]
    assert days.tick() == ["cut proposed 80000 manager"]


def test_a_cut_from_another_limit_is_not_the_one_that_was_rejected() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [LATE]
    days.tick()
    days.decide("rejected")
    has_limit(days.ledger, 105_000_00)
    assert days.tick(40) == []
    has_limit(days.ledger, 500_000_00)
    assert days.tick() == ["cut proposed 80000 manager"]


def test_an_alert_that_stays_open_is_held_once_whatever_opens_and_clears_beside_it() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [INSOLVENT]
    assert days.tick() == ["hold proposed 100000 manager"]
    days.decide("rejected")
    for n in range(25):
        days.watch.alerts = [INSOLVENT, OpenAlert("delinquent", f"d-{n}", 5)]
        assert days.tick() == ["hold proposed 100000 manager"]
        days.decide("rejected")
        days.watch.alerts = [INSOLVENT]
        assert days.tick() == []


def test_no_second_proposal_inside_30_days() -> None:
    days = Days()
    days.tick()
    days.decide("approved")
    has_limit(days.ledger, 80_000_00)
    days.watch.alerts = [LATE]
    days.month = 20_000_00
    assert days.tick(29) == []
    assert days.tick() == ["cut proposed 40000 manager"]


@pytest.mark.parametrize(("limit", "told"), [(88_000_00, []), (89_000_00, ["cut proposed 80000 manager"])])
def test_no_proposal_for_a_change_under_10_percent(limit: int, told: list[str]) -> None:
    days = Days(limit=limit)
    days.watch.alerts = [LATE]
    assert days.tick() == told


def test_a_change_of_exactly_the_policys_share_is_not_under_it() -> None:
    policy = load_policy(POLICY_TEXT.replace("hysteresis_change = 0.10", "hysteresis_change = 0.07"))
    days = Days(limit=100_000_00, month=46_500_00, policy=policy)
    days.watch.alerts = [LATE]
    assert days.tick() == ["cut proposed 93000 manager"]  # in binary 0.07 x 100,000 is more than 7,000


def test_severity_5_holds_at_once_whatever_was_proposed_before() -> None:
    days = Days()
    days.tick()
    days.watch.alerts = [INSOLVENT]
    assert days.event() == ["open superseded 80000 manager", "hold proposed 0 analyst"]
    assert days.changes[-1].binding == "insolvency"
    assert days.event() == []
    assert days.tick(13) == []
    assert days.tick() == ["hold escalated 0 manager"]


def test_a_hold_is_proposed_once_for_an_alert_and_nothing_else_while_it_is_open() -> None:
    days = Days(limit=100_000_00)
    days.grade = "D"
    days.watch.alerts = [INSOLVENT]
    assert days.tick() == ["hold proposed 100000 manager"]
    days.decide("approved")
    assert days.tick(60) == []
    days.watch.alerts = [INSOLVENT, OpenAlert("delinquent", "a-6", 5)]
    assert days.tick() == ["hold proposed 100000 manager"]
    assert days.changes[-1].binding == "delinquent"
    days.decide("rejected")
    days.watch.alerts = []
    assert days.tick(31)[-1:] == ["cut proposed 20000 analyst"]


@pytest.mark.parametrize("end", ["rejected", "expired"])
def test_an_alert_that_opened_beside_a_waiting_hold_is_told_by_the_next(end: str) -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [OpenAlert("sanctions_match", "a-7", 5)]
    assert days.event() == ["hold proposed 100000 manager"]
    days.watch.alerts = [*days.watch.alerts, INSOLVENT]
    assert days.event() == []  # one is on the table
    if end == "rejected":
        days.decide("rejected")
        days.watch.alerts = [INSOLVENT]  # the match was somebody else
        assert days.tick() == ["hold proposed 100000 manager"]
    else:
        assert days.tick(28)[-2:] == ["hold expired 100000 controller", "hold proposed 100000 manager"]
    told = [alert["trigger"] for alert in days.changes[-1].evidence["alerts"]]
    assert told == {"rejected": ["insolvency"], "expired": ["sanctions_match", "insolvency"]}[end]
    assert days.changes[-1].binding == told[0]


def test_a_hold_that_nobody_decided_is_proposed_anew_while_its_alert_is_open() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [INSOLVENT]
    assert days.tick() == ["hold proposed 100000 manager"]
    first = days.desk.waiting
    assert days.tick(14) == ["hold escalated 100000 controller"]
    assert days.tick(14) == ["hold expired 100000 controller", "hold proposed 100000 manager"]
    assert days.desk.waiting not in (first, None)


@pytest.mark.parametrize("left", [[], [LATE]])
def test_a_hold_is_withdrawn_by_the_tick_that_finds_nothing_open_that_asks_for_one(
    left: list[OpenAlert],
) -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [OpenAlert("sanctions_match", "a-7", 5)]
    assert days.event() == ["hold proposed 100000 manager"]
    days.watch.alerts = [INSOLVENT]  # the match was somebody else, and a court has spoken meanwhile
    assert days.tick(3) == []
    days.watch.alerts = left
    assert days.event() == [], "in between a person may decide it"
    assert days.tick() == ["hold superseded 100000 manager"]
    days.watch.alerts = [*left, OpenAlert("insolvency", "a-8", 5)]
    assert days.event() == ["hold proposed 100000 manager"]


def test_an_expired_hold_brings_none_back_that_was_decided() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [INSOLVENT]
    days.tick()
    days.decide("rejected")
    days.watch.alerts = [INSOLVENT, OpenAlert("delinquent", "a-6", 5)]
    assert days.tick() == ["hold proposed 100000 manager"]
    assert days.tick(28)[-1] == "hold proposed 100000 manager"
    assert days.changes[-1].binding == "delinquent"


@pytest.mark.parametrize("stands", [100_000_00, 20_000_00, None])
def test_an_approved_hold_tells_the_limit_as_it_stands(stands: int | None) -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [INSOLVENT]
    days.tick()
    has_limit(days.ledger, stands)  # the seller's, since
    assert days.decide("approved", "controller", "100000.00") == (["hold approved 100000 manager"], None)
    assert days.changes[-1].effective_limit == stands


def test_an_approved_hold_tells_the_limit_in_its_own_currency_when_the_account_has_changed_its() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [INSOLVENT]
    days.tick()
    days.ledger.currency, days.ledger.limit = "JPY", 15_000_000  # as valued; the seller set it in USD
    days.decide("approved", "controller", "100000.00")
    assert (days.changes[-1].effective_limit, days.changes[-1].currency) == (100_000_00, "USD")


def test_who_may_approve_is_told_by_the_proposals_currency_when_the_account_has_changed_its() -> None:
    days = Days()
    assert days.tick() == ["open proposed 80000 manager"]
    days.ledger.currency = "JPY"  # of which there is no rate
    assert days.decide("approved", "manager", "100000.01")[1] == (
        "role: manager may not approve this limit; wanted controller or above"
    )
    assert days.decide("approved", "manager", "100000.00")[1] is None


def test_a_proposal_ends_when_its_account_goes_on_in_another_currency() -> None:
    days = Days()
    assert days.tick() == ["open proposed 80000 manager"]
    days.ledger.currency = "EUR"
    assert days.tick()[0] == "open superseded 80000 manager"


def test_auto_is_emitted_as_approved_by_the_policy_and_waits_for_nobody() -> None:
    days = Days(month=10_000_00)
    days.tier = "low"
    assert days.tick() == ["open approved 20000 auto"]
    change = days.changes[0]
    assert (change.decided_by, change.effective_limit, change.number) == ("policy", 20_000_00, 1)
    assert days.desk.waiting is None
    assert days.ledger.limit is None  # the seller's own account.limit_set makes it so
    assert days.tick(29) == []


def test_a_pending_opening_is_withdrawn_when_a_grave_alert_opens() -> None:
    days = Days()
    days.tick()
    days.watch.alerts = [LATE]
    assert days.tick() == ["open superseded 80000 manager"]


def test_an_opening_that_was_proposed_in_sight_of_a_grave_alert_stands_until_another_opens() -> None:
    days = Days()
    days.watch.alerts = [LATE]
    assert days.tick() == ["open proposed 80000 manager"]
    assert days.tick(14) == ["open escalated 80000 controller"]
    days.watch.alerts = [LATE, OpenAlert("legal_filing", "a-6", 4)]
    assert days.tick() == ["open superseded 80000 controller"]


def test_prepayment_is_not_withdrawn_because_the_customer_gets_worse() -> None:
    days = Days()
    days.grade = "E"
    assert days.tick() == ["open proposed 0 analyst"]
    days.watch.alerts = [LATE]
    assert days.tick(14) == ["open escalated 0 manager"]


def test_a_proposal_made_for_another_limit_is_withdrawn() -> None:
    days = Days()
    days.tick()
    has_limit(days.ledger, 10_000_00)
    assert days.tick() == ["open superseded 80000 manager"]


def test_a_proposal_of_an_account_that_has_closed_is_withdrawn_and_a_hold_stands() -> None:
    days = Days()
    days.tick()
    days.ledger.closed = True
    assert days.tick() == ["open superseded 80000 manager"]
    assert days.tick(40) == []
    days = Days()
    days.watch.alerts = [INSOLVENT]
    days.event()
    days.ledger.closed = True
    assert days.tick(14) == ["hold escalated 0 manager"]


def test_nothing_is_proposed_before_the_policy_goes_live() -> None:
    live = date.fromordinal(TODAY + 3).isoformat()
    days = Days(policy=load_policy(POLICY_TEXT.replace("# live_from = 2026-01-01", f"live_from = {live}")))
    days.watch.alerts = [INSOLVENT]
    assert days.event() == []
    assert days.tick(2) == []
    assert days.tick() == ["hold proposed 0 analyst"]


def test_a_limit_of_0_is_reopened_when_the_grade_allows_and_not_proposed_anew() -> None:
    days = Days(limit=0)
    days.grade = "E"
    assert days.tick(40) == []
    days.grade = "C"
    assert days.tick() == ["open proposed 48000 manager"]


def test_pieces_bring_everything_back() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [LATE]
    days.tick()
    days.decide("rejected", event_id="d-1")
    days.watch.alerts = [INSOLVENT]
    days.event()
    pieces = {key: raw for key, raw in days.desk.dump().items() if raw is not None}
    assert days.desk.dump() == {}
    loaded = Desk.load(pieces)
    loaded.changed = True
    assert loaded.dump() == pieces
    assert loaded.waiting == days.desk.waiting is not None
    days.desk = loaded
    assert days.event() == []
    assert Desk.load({}).dump() == {}
    with pytest.raises(ValueError, match="of version 9"):
        Desk.load({"d.p": b"[9]"})


def test_a_piece_of_version_1_is_read_and_what_waits_in_it_is_told_anew() -> None:
    days = Days(limit=100_000_00)
    days.watch.alerts = [LATE]
    days.tick()
    days.decide("rejected")
    days.watch.alerts = [LATE, OpenAlert("delinquent", "a-9", 4)]
    assert days.tick(40) == ["cut proposed 80000 manager"]
    _, sequence, last, rejected, held, _, pending = orjson.loads(days.desk.dump()["d.p"] or b"")
    old = [1, sequence, last, {key: row[:-1] for key, row in rejected.items()}, held, ["d-1"], pending[:-1]]
    days.desk = Desk.load({"d.p": orjson.dumps(old)})
    assert days.desk.waiting == pending[10]
    assert days.tick()[0] == "cut superseded 80000 manager"

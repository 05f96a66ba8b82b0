"""Relatives: a child links itself, distress reaches children and siblings, never in circles, and never in history."""

from __future__ import annotations

from collections import deque
from datetime import date
from typing import Any

import orjson
import pytest

from agents.monitor import Fold
from agents.records import Output, Refusal
from schemas.events import parse
from tests.unit.test_monitor import adoption, event, fold, invoice, limit, tick

TODAY = date(2026, 3, 4).toordinal()


def opened(account: str, parent: str | None = None, day: str = "2026-03-01") -> Any:
    return event(
        "account.opened", account, day, name=account, currency="USD", opened_on="2020-01-01", parent_id=parent
    )


def alone(account: str, day: str) -> Any:
    """The account leaves its family: an account.opened without a parent would say nothing of it."""
    return event("account.updated", account, day, name=account, currency="USD", opened_on="2020-01-01")


class Group:
    """Accounts of one fold whose messages to each other are delivered, as the accounts topic and intake do it."""

    def __init__(self, *, live: bool = True) -> None:
        self.fold: Fold = fold()
        self.live = live
        self.messages: list[dict[str, Any]] = []
        self.alerts: list[dict[str, Any]] = []

    def take(self, *events: Any) -> None:
        waiting = deque(events)
        while waiting:
            self._hear(self.fold.event(waiting.popleft(), lambda: self.live), waiting)

    def end(self, day: str) -> None:
        waiting: deque[Any] = deque()
        outputs, _, _ = self.fold.tick(tick(day), self.live, 1 << 60)
        self._hear(outputs, waiting)
        self.take(*waiting)

    def _hear(self, outputs: list[Output | Refusal], waiting: deque[Any]) -> None:
        for output in outputs:
            assert isinstance(output, Output), output
            if output.topic == "accounts":
                self.messages.append(output.body)
                assert len(self.messages) < 100, "messages go round in circles"
                waiting.append(parse(orjson.dumps(output.body)))
            elif output.topic == "alerts":
                self.alerts.append(output.body)

    def said(self, trigger: str) -> list[tuple[str, str]]:
        return [(a["account_id"], a["status"]) for a in self.alerts if a["trigger"] == trigger]


def over_its_limit(account: str, day: str = "2026-03-03") -> list[Any]:
    """What opens over_limit, of severity 4, at once."""
    return [limit(account, day, "1000.00"), invoice(account, day, "2000.00")]


def back_under_it(account: str, day: str = "2026-03-05") -> Any:
    return limit(account, day, "10000.00")


def family(**options: Any) -> Group:
    group = Group(**options)
    group.take(opened("parent"), opened("first", "parent"), opened("second", "parent"))
    return group


def heard(group: Group, child: str, today: int = TODAY) -> list[str]:
    """The relatives whose distress a child of `parent` counts."""
    account = group.fold.accounts.get(child)
    assert account is not None
    return [one.related_account_id for one in account.signals.distress("parent", today)]


def test_a_child_links_itself_to_its_parent_once() -> None:
    group = family()
    group.take(opened("first", "parent", "2026-03-02"))
    assert [(m["type"], m["account_id"], m["related_account_id"]) for m in group.messages] == [
        ("related.linked", "parent", "first"),
        ("related.linked", "parent", "second"),
    ]
    assert group.fold.accounts.get("parent").signals.children == ["first", "second"]  # type: ignore[union-attr]


def test_distress_of_a_parent_reaches_its_children_and_ends_there() -> None:
    group = family()
    group.take(*over_its_limit("parent"))
    assert group.said("related_party_distress") == [("first", "opened"), ("second", "opened")]
    group.take(back_under_it("parent"))
    assert group.said("related_party_distress")[2:] == [("first", "cleared"), ("second", "cleared")]


def test_distress_of_a_child_reaches_its_siblings_and_is_no_fact_about_the_parent() -> None:
    group = family()
    group.take(*over_its_limit("first"))
    assert group.said("related_party_distress") == [("second", "opened")]
    group.take(back_under_it("first"))
    assert group.said("related_party_distress") == [("second", "opened"), ("second", "cleared")]


def test_a_child_that_comes_later_is_told_of_what_is_open() -> None:
    group = family()
    group.take(*over_its_limit("parent"), *over_its_limit("first"))
    group.take(opened("late", "parent", "2026-03-04"))
    told = [a for a in group.alerts if a["account_id"] == "late" and a["trigger"] == "related_party_distress"]
    assert [a["status"] for a in told] == ["opened", "escalated"]  # by the parent, then by the sibling
    related = {m["related_account_id"] for m in group.messages if m["account_id"] == "late"}
    assert related == {"parent", "first"}


def test_lesser_alerts_are_nobodys_business() -> None:
    group = family()
    group.take(
        event("screening.reported", "first", "2026-03-03", match_id="m", list="ofac", status="possible")
    )
    assert ("first", "opened") in group.said("sanctions_match")  # severity 3
    assert [m for m in group.messages if m["type"] != "related.linked"] == []


def test_accounts_that_name_each_other_do_not_talk_for_ever() -> None:
    group = Group()
    group.take(opened("a", "b"), opened("b", "a"), opened("c", "a"), opened("a", "c", "2026-03-02"))
    group.take(
        opened("b", "c", "2026-03-02"), *over_its_limit("a"), *over_its_limit("b"), *over_its_limit("c")
    )
    assert group.messages


def payment_of_all(account: str, at: str) -> Any:
    day = at[:10]
    return event(
        "payment.received", account, day, payment_id=f"{account}-p", amount="2000.00", currency="USD", paid_on=day,
        occurred_at=at, applications=[{"invoice_id": f"{account}-1", "amount": "2000.00"}],
    )  # fmt: skip


@pytest.mark.parametrize("told", ["2026-03-03T09:00:00Z", "2026-03-03T08:00:00Z"])
def test_distress_ends_though_what_ended_it_is_dated_no_later_than_its_beginning(told: str) -> None:
    group = family()
    for account in ("parent", "first", "second"):  # instants decide nothing, nor do ids
        group.take(*over_its_limit(account))
    for account in ("parent", "first", "second"):
        group.take(payment_of_all(account, told))
    assert [heard(group, name) for name in ("first", "second")] == [[], []]


def test_a_child_that_leaves_takes_its_distress_with_it() -> None:
    group = family()
    group.take(*over_its_limit("first"), alone("first", "2026-03-04"))
    assert group.said("related_party_distress") == [("second", "opened"), ("second", "cleared")]


def test_a_child_that_leaves_leaves_the_distress_of_its_family_behind() -> None:
    group = family()
    group.take(opened("other"), *over_its_limit("second"))
    group.take(opened("first", "other", "2026-03-04"))
    group.end("2026-03-04")
    assert group.said("related_party_distress") == [("first", "opened"), ("first", "cleared")]


def test_an_opening_that_names_no_parent_leaves_the_family_as_it_is() -> None:
    group = family()
    group.take(*over_its_limit("first"), opened("first", None, "2026-03-04"))
    assert group.said("related_party_distress") == [("second", "opened")]
    assert heard(group, "second", TODAY + 4) == ["first"]


@pytest.mark.parametrize("relative", ["parent", "second"])
def test_a_child_that_has_left_hears_no_more_of_its_family(relative: str) -> None:
    group = family()
    group.take(opened("other"), opened("first", "other", "2026-03-02"))
    group.take(*over_its_limit(relative))
    group.end("2026-03-03")
    assert ("first", "opened") not in group.said("related_party_distress")


def test_a_child_that_comes_back_finds_its_family_as_it_is_by_then() -> None:
    group = family()
    group.take(*over_its_limit("parent"), *over_its_limit("second"))
    group.take(alone("first", "2026-03-03"))
    group.take(back_under_it("second", "2026-03-04"))
    group.take(opened("first", "parent", "2026-03-05"))
    assert heard(group, "first", TODAY + 1) == ["parent"]


def test_a_child_that_comes_back_in_distress_is_heard_until_that_ends() -> None:
    group = family()
    group.take(*over_its_limit("first"))
    for left, back in (("2026-03-04", "2026-03-05"), ("2026-03-06", "2026-03-07")):
        group.take(alone("first", left))
        assert heard(group, "second", TODAY + 8) == []
        group.take(opened("first", "parent", back))
        assert heard(group, "second", TODAY + 8) == ["first"]
    group.take(opened("late", "parent", "2026-03-08"))
    assert heard(group, "late", TODAY + 8) == ["first"]
    group.take(back_under_it("first", "2026-03-09"))
    assert [heard(group, name, TODAY + 8) for name in ("second", "late")] == [[], []]


def test_a_child_that_recovered_while_it_was_away_is_not_heard_when_it_comes_back() -> None:
    group = family()
    group.take(*over_its_limit("first"), alone("first", "2026-03-04"))
    group.take(back_under_it("first"), opened("first", "parent", "2026-03-06"))
    assert heard(group, "second", TODAY + 4) == []


def test_a_child_that_becomes_its_parents_parent_is_heard_as_such() -> None:
    group = Group()
    group.take(opened("above"), opened("below", "above"), opened("leaf", "above"))
    group.take(alone("below", "2026-03-02"))
    group.take(opened("above", "below", "2026-03-02"))
    group.take(*over_its_limit("below"))
    assert group.said("related_party_distress") == [("above", "opened")]  # no affair of a grandchild


def test_a_child_that_leaves_while_it_recovers_is_not_in_distress_for_ever() -> None:
    group = family()
    group.take(opened("other"), *over_its_limit("first"), opened("first", "other", "2026-03-04"))
    group.take(back_under_it("first"))
    assert group.said("related_party_distress") == [("second", "opened"), ("second", "cleared")]


def test_before_the_policy_is_live_no_relative_is_told() -> None:
    group = family()
    group.fold.adopt(adoption(live_from="2026-04-01"))
    before = len(group.messages)
    group.take(*over_its_limit("parent"))
    assert ("parent", "opened") in group.said("over_limit")
    group.take(back_under_it("parent"))
    assert group.messages[before:] == []


def test_history_tells_no_relative_and_the_first_live_tick_does() -> None:
    group = family(live=False)
    group.take(*over_its_limit("parent"))
    group.end("2026-03-03")
    assert group.messages == []
    group.live = True
    group.take(invoice("first", "2026-03-04", "10.00"))
    group.end("2026-03-04")
    assert ("first", "opened") in group.said("related_party_distress")

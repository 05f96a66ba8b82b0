"""However accounts move between families: an account counts as distressed relatives its parent and siblings, and no others."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_monitor import event, invoice, limit
from tests.unit.test_relations import Group

NAMES = ("a", "b", "c", "d")
FIRST = date(2026, 3, 1)

moves = st.tuples(st.just("move"), st.sampled_from(NAMES), st.sampled_from([None, *NAMES]))
alerts = st.tuples(st.just("limit"), st.sampled_from(NAMES), st.sampled_from(["100.00", "9000.00"]))


def profile(account: str, day: str, parent: str | None) -> Any:
    return event(
        "account.updated",
        account,
        day,
        name=account,
        currency="USD",
        opened_on="2020-01-01",
        parent_id=parent,
    )


def in_distress(group: Group) -> dict[str, set[str]]:
    """Account -> its relatives with an open alert of severity 4 or more, as nobody has to be told who sees them all."""
    accounts = {name: group.fold.accounts.get(name) for name in NAMES}
    parents = {name: account.ledger.parent_id for name, account in accounts.items() if account}
    graver = {name for name, account in accounts.items() if account and account.watch.worst_open() >= 4}
    return {
        name: {
            other
            for other in graver - {name}
            if parent is not None and (other == parent or parents[other] == parent)
        }
        for name, parent in parents.items()
    }


@settings(max_examples=60, deadline=None)
@given(st.lists(moves | alerts, max_size=25))
def test_an_account_counts_the_distress_of_the_family_that_it_is_in(steps: list[Any]) -> None:
    group, today = Group(), FIRST
    for name in NAMES:
        group.take(profile(name, str(FIRST), None), invoice(name, str(FIRST), "500.00", due="2026-12-31"))
    for what, name, given_ in steps:
        today += timedelta(days=1)
        if what == "limit":
            group.take(limit(name, str(today), given_))
        else:
            account = group.fold.accounts.get(name)
            assert account is not None
            before = account.ledger.parent_id
            if given_ in (name, before):
                continue
            group.take(profile(name, str(today), given_))
        for one, relatives in in_distress(group).items():
            account = group.fold.accounts.get(one)
            assert account is not None
            known = account.signals.distress(account.ledger.parent_id, today.toordinal())
            assert {distress.related_account_id for distress in known} == relatives, one

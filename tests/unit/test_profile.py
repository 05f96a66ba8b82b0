"""What is known of an account: an account.opened tells what it names, an account.updated is whole."""

from __future__ import annotations

from datetime import date
from itertools import permutations
from typing import Any

import orjson
import pytest

from agents import bookkeeping, ledger_pieces
from agents.facts import APPLIED, REPEAT
from agents.ledger import Ledger
from agents.rates import Rates
from tests.reference import books

POLICY = books.policy()
TODAY = books.day(400)
USD = Rates("USD")
FIELDS = (
    "name", "currency", "opened_on", "country", "terms_days", "parent_id", "industry", "owner",
    "expected_monthly_purchases",
)  # fmt: skip


def told(kind: str, number: int, at: int, **fields: Any) -> Any:
    """The event `number` of the book's day `at`."""
    required = {"name": "Acme", "currency": "USD", "opened_on": "2020-01-01"}
    return books.event(f"account.{kind}", number, at, **{**required, **fields})


CRM = {
    "industry": "retail", "country": "DE", "terms_days": 30, "parent_id": "group", "owner": "kim",
    "expected_monthly_purchases": "5000.00", "opened_on": "2015-03-01",
}  # fmt: skip
IMPORT = {"opened_on": "2025-02-01"}

CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "an import after a feed takes nothing back": (
        [told("opened", 1, 0, **CRM), told("opened", 2, 31, **IMPORT)],
        {**CRM, "expected_monthly_purchases": 500000},
    ),
    "a second ledger with fewer columns takes nothing back": (
        [told("opened", 1, 0, terms_days=30), told("opened", 2, 31), told("opened", 3, 20, terms_days=60)],
        {"terms_days": 60},
    ),
    "an import that knows no name leaves the one that is known": (
        [told("opened", 1, 0, **CRM), told("opened", 2, 31, name="acme"), told("opened", 3, 20, name="Acme Ltd")],
        {"name": "Acme Ltd"},
    ),
    "an update that names the account by its id does so": (
        [told("opened", 1, 0), told("updated", 2, 31, name="acme")],
        {"name": "acme"},
    ),
    "what a later opening names holds": (
        [told("opened", 1, 0, **CRM), told("opened", 2, 31, industry="energy", name="Acme Ltd", currency="EUR")],
        {"industry": "energy", "country": "DE", "name": "Acme Ltd", "currency": "EUR"},
    ),
    "what a later update leaves out is cleared": (
        [told("opened", 1, 0, **CRM), told("updated", 2, 31, industry="energy")],
        {"industry": "energy", "country": None, "terms_days": None, "parent_id": None, "owner": None},
    ),
    "an opening after an update leaves what the update named": (
        [told("updated", 1, 0, **CRM), told("opened", 2, 31, owner="lee")],
        {"industry": "retail", "parent_id": "group", "owner": "lee"},
    ),
    "what an update cleared stays cleared though an opening follows": (
        [told("opened", 1, 0, **CRM), told("updated", 2, 31), told("opened", 3, 60)],
        {"industry": None, "country": None, "parent_id": None},
    ),
    "terms of no days and purchases of nothing are told, too": (
        [told("opened", 1, 0, **CRM), told("opened", 2, 31, terms_days=0, expected_monthly_purchases="0")],
        {"terms_days": 0, "expected_monthly_purchases": 0},
    ),
    "the earliest day that openings tell is since when the account is one": (
        [told("opened", 1, 0, opened_on="2015-03-01"), told("opened", 2, 31, opened_on="2025-02-01"),
         told("opened", 3, 10, opened_on="2024-01-01")],
        {"opened_on": "2015-03-01"},
    ),
    "an update sets that day anew, also to a later one, whatever openings follow": (
        [told("opened", 1, 0, opened_on="1985-03-01"), told("updated", 2, 10, opened_on="2015-03-01"),
         told("opened", 3, 31, opened_on="2025-02-01"), told("opened", 4, 32, opened_on="1985-03-01")],
        {"opened_on": "2015-03-01"},
    ),
    "expected purchases count in their own currency alone": (
        [told("opened", 1, 0, **CRM), told("opened", 2, 31, currency="JPY")],
        {"currency": "JPY", "expected_monthly_purchases": None, "industry": "retail"},
    ),
    "an opening of the same instant counts by its id": (
        [told("opened", 1, 0, industry="retail", owner="kim"), told("opened", 2, 0, industry="energy")],
        {"industry": "energy", "owner": "kim"},
    ),
    "one event told twice otherwise tells what either names": (
        [told("opened", 1, 0, industry="retail"), told("opened", 1, 0, owner="kim")],
        {"industry": "retail", "owner": "kim"},
    ),
    "an opening and an update of one id and instant: the opening comes after": (
        [told("opened", 1, 0, industry="retail"), told("updated", 1, 0, owner="kim")],
        {"industry": "retail", "owner": "kim"},
    ),
}  # fmt: skip


def known(ledger: Ledger) -> dict[str, Any]:
    return {field: getattr(ledger, field) for field in FIELDS}


def dumped(ledger: Ledger) -> dict[str, bytes]:
    return {key: piece for key, piece in ledger_pieces.dump(ledger).items() if piece is not None}


def head(ledger: Ledger) -> list[Any]:
    row: list[Any] = orjson.loads(dumped(ledger)["l.head"])
    return row


@pytest.mark.parametrize("case", CASES)
def test_each_field_is_what_the_newest_that_names_it_told_in_every_order(case: str) -> None:
    events, wanted = CASES[case]
    states = set()
    for order in permutations(events):
        ledger = books.ledger_of([*order, *order], TODAY, POLICY, USD)
        found = known(ledger)
        if found["opened_on"] is not None:
            found["opened_on"] = date.fromordinal(found["opened_on"]).isoformat()
        assert {field: found[field] for field in wanted} == wanted
        states.add(ledger_pieces.canonical(ledger))
    assert len(states) == 1


def test_openings_repeated_daily_do_not_pile_up() -> None:
    ledger = books.ledger_of([told("opened", 1, 0, **CRM)], TODAY, POLICY, USD)
    for number in range(2, 300):
        fields = CRM if number % 2 else {"industry": f"i{number}", "opened_on": books.text(number)}
        said = told("opened", number, number, **fields)
        assert bookkeeping.apply(ledger, said, TODAY, POLICY, USD) == APPLIED
        assert bookkeeping.apply(ledger, said, TODAY, POLICY, USD) == REPEAT
        assert len(ledger.profile_facts) <= 2
    assert bookkeeping.apply(ledger, told("opened", 1, 0, **CRM), TODAY, POLICY, USD) == REPEAT


def test_an_account_that_one_event_told_of_is_stored_as_older_engines_read_it() -> None:
    for kind in ("opened", "updated"):
        version, profile, *_ = head(books.ledger_of([told(kind, 1, 0, **CRM)], TODAY, POLICY, USD))
        assert (version, profile[1:3]) == (1, ["e1", books.day(0)])
        assert profile[3][6:8] == ["retail", "kim"]


def test_an_account_that_several_events_told_of_is_stored_in_a_format_of_its_own() -> None:
    ledger = books.ledger_of(CASES["an import after a feed takes nothing back"][0], TODAY, POLICY, USD)
    version, facts, *_ = head(ledger)
    assert (version, [fact[1] for fact in facts]) == (2, ["e2", "e1"])
    bookkeeping.apply(ledger, told("updated", 3, 60, **CRM), TODAY, POLICY, USD)
    assert head(ledger)[0] == 1


@pytest.mark.parametrize(
    ("newest_opening", "filled"),
    [("the profile", True), ("an older one", False), ("none", False)],
)
def test_a_stored_profile_of_the_first_format_is_filled_in_where_it_is_an_opening(
    newest_opening: str, filled: bool
) -> None:
    """That format says what the newest opening was, and so whether the profile was told by an update."""
    pieces = dumped(books.ledger_of([told("opened", 1, 100)], TODAY, POLICY, USD))
    row = orjson.loads(pieces["l.head"])
    row[2] = {"the profile": row[1][:2], "an older one": [0, "e0"], "none": None}[newest_opening]
    ledger = ledger_pieces.load({**pieces, "l.head": orjson.dumps(row)})
    bookkeeping.apply(ledger, told("opened", 9, 50, country="DE"), TODAY, POLICY, USD)
    assert (ledger.name, ledger.country == "DE") == ("Acme", filled)


def test_a_head_of_a_later_version_is_refused() -> None:
    pieces = dumped(books.ledger_of([told("opened", 1, 0)], TODAY, POLICY, USD))
    row = orjson.loads(pieces["l.head"])
    with pytest.raises(ValueError, match=r"l\.head of version 3: this engine reads versions 1 to 2"):
        ledger_pieces.load({"l.head": orjson.dumps([3, *row[1:]])})

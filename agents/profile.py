"""The profile of an account: which of the facts that told it hold, field by field.

What an event says of it is facts.py's, what the ledger does with it takers.py's and ledger.py's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

# Places in the content of a fact, as facts.ROW_OF makes it, that are treated in a way of their own.
FIELDS: Final = 9
CURRENCY: Final = 1
OPENED_ON: Final = 2
EXPECTED: Final = 8


class Told(NamedTuple):
    """What one event told of a profile. `whole`: it is an account.updated, whose nulls clear; those of an account.opened
    say nothing."""

    us: int
    event_id: str
    day: int
    content: list[Any]
    whole: bool


def merged(known: Sequence[Told], fact: Told) -> tuple[Told, ...]:
    """`known`, as this function gave it, and one fact more: those that hold a field, newest first.

    The same for every order of arrival and any number of repeats. At most one fact a field, and nothing older than the
    newest that is whole.
    """
    facts = sorted([*known, fact], key=_order, reverse=True)
    for place, one in enumerate(facts):
        if one.whole:
            del facts[place + 1 :]
            break
    holding = holders(facts)
    return tuple(one for one in facts if any(one is holder for holder in holding))


def holders(facts: Sequence[Told]) -> list[Told | None]:
    """The fact that holds each field, of facts newest first of which the last alone may be whole: the newest that names it.

    Since when the account is one is said by the whole one; without it by the earliest day, for an account.opened need not
    know of what was before (an import's knows the first invoice of its files alone).
    """
    found = [next((one for one in facts if one.content[field] is not None), None) for field in range(FIELDS)]
    found[OPENED_ON] = facts[-1] if facts[-1].whole else min(facts, key=_opened_on)
    return found


def content_of(facts: Sequence[Told]) -> list[Any]:
    """The fields that hold; None where none is named. Expected purchases count in their own currency alone."""
    if len(facts) == 1:
        return facts[0].content
    found = holders(facts)
    content = [None if one is None else one.content[field] for field, one in enumerate(found)]
    expected = found[EXPECTED]
    if expected is not None and expected.content[CURRENCY] != content[CURRENCY]:
        content[EXPECTED] = None
    return content


def _order(fact: Told) -> tuple[int, str, bool, bytes]:
    return fact.us, fact.event_id, not fact.whole, orjson.dumps(fact.content)


def _opened_on(fact: Told) -> int:
    day: int = fact.content[OPENED_ON]
    return day

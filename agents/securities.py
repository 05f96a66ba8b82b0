"""What of an account's securities lowers its exposure, and when.

A security's content: kind, amount in minor units, currency, the last day it holds or None. No guarantee counts: it is a word.
"""

from __future__ import annotations

from agents.facts import Register


def counts(fact: Register) -> bool:
    """Whether a security of this kind lowers exposure while it holds."""
    kind: str = fact.content[0]
    return kind != "guarantee"


def lowers_exposure(fact: Register, day: int) -> bool:
    """Whether it does at the end of `day`: it holds from the day it was recorded through its last one. Section 1, Balance and
    exposure."""
    expires: int | None = fact.content[3]
    return counts(fact) and fact.day <= day and (expires is None or expires >= day)

"""What a customer announces: a promise to pay, or a payment scheduled for a day.

Whether a promise was kept is behaviour.py's; no figure reads scheduled payments yet, but a repeat must be known as one.
"""

from __future__ import annotations

from typing import Any, Final

from agents.facts import Register

PROMISE: Final = "promise"
SCHEDULED: Final = "scheduled"


class Announced:
    """One announcement. `kind`: PROMISE, its fact [amount, currency, due_on, invoice ids]; or SCHEDULED, its fact
    [amount, currency, scheduled_on]."""

    __slots__ = ("fact", "id", "kind", "page")

    def __init__(self, kind: str, ident: str, fact: Register) -> None:
        self.kind = kind
        self.id = ident
        self.fact = fact
        self.page = 0

    def row(self) -> list[Any]:
        return [self.kind, self.id, self.fact.row()]

    def folds_on(self, reach: int, span: int) -> int:
        """The first day on which neither a fact (`reach`) nor, for a promise, a figure (`span`) asks for it."""
        last: int = max(self.fact.content[2], self.fact.day)
        return last + (max(reach, span) + 60 if self.kind == PROMISE else reach + 1)

"""What a customer announces: a promise to pay, or a payment scheduled for a day.

Whether a promise was kept is behaviour.py's; no figure reads scheduled payments yet, but a repeat must be known as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from agents.facts import Register

PROMISE: Final = "promise"
SCHEDULED: Final = "scheduled"

_CAME: Final = 6  # its place in a version of a promise, see keep()


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

    def came(self) -> list[list[int]]:
        """[day, amount], by day: the cash that came for the promise since it was made and has folded away, in the promise's
        currency, see keep()."""
        versions = self.fact.versions
        return versions[-1][_CAME] if versions is not None and len(versions[-1]) > _CAME else []

    def folds_on(self, reach: int, span: int) -> int:
        """The first day on which neither a fact (`reach`) nor, for a promise, a figure (`span`) asks for it."""
        last: int = max(self.fact.content[2], self.fact.day)
        return last + (max(reach, span) + 60 if self.kind == PROMISE else reach + 1)


def keep(promise: Announced, place: int, cash: Iterable[tuple[int, int]]) -> bool:
    """Keeps with the promise's version of this place what of the cash (day, amount in the promise's currency) came since it
    was made; whether there was any.

    What folds away can not be counted later. All that came by the due day is one row, at that day: it counts
    whatever the days of grace are. So no promise keeps more than those rows of the days after, which it does not outlive.
    """
    versions = promise.fact.all_versions()
    version = versions[place]
    due_on, made = version[0][2], version[3]
    counted = [(max(day, due_on), amount) for day, amount in cash if day >= made and amount]
    if counted:
        came: dict[int, int] = dict(version[_CAME]) if len(version) > _CAME else {}
        for day, amount in counted:
            came[day] = came.get(day, 0) + amount
        version[_CAME:] = [[[day, came[day]] for day in sorted(came)]]
        promise.fact.versions = versions
    return bool(counted)

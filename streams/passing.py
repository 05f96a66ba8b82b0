"""A fold of a whole file or journal that passes over the records on which a rule raises, as a worker does after a rollback.

What is folded, and what becomes of the outputs, is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from agents.monitor import Fold, StepFailed
from agents.records import Output, Refusal
from schemas.events import Event
from streams.errors import Refused
from streams.heap import no_collections

FAILURES = 20  # records: then it is a fault of ours, not of the data

T = TypeVar("T")


class RuleRaised(Exception):
    """The fold is to begin anew, and to pass over what raised."""

    def __init__(self, number: int, failure: StepFailed) -> None:
        self.number, self.part, self.reason = number, failure.part, str(failure)


class Failed:
    """What was raised by which record of the fold, counted from 0, as far as is known."""

    __slots__ = ("_reasons",)

    def __init__(self) -> None:
        self._reasons: dict[tuple[int, str], str] = {}

    def reason(self, number: int, part: str = "") -> str | None:
        """Why a record is passed over; of a tick for one account alone, its id being the part. None: it is not."""
        return self._reasons.get((number, part))

    def take(self, fold: Fold, number: int, event: Event, live: bool = False) -> list[Output | Refusal]:
        """fold.take() of this record, which is a file's or history's unless it came `live`. Where a rule raises, the whole
        fold begins anew."""
        try:
            return fold.take(event, partial(bool, live), failed=partial(self.reason, number))[0]
        except StepFailed as failure:
            raise RuleRaised(number, failure) from failure

    def add(self, raised: RuleRaised) -> None:
        self._reasons[raised.number, raised.part] = raised.reason
        if len(self._reasons) >= FAILURES:
            raise Refused(
                f"the rules raised {FAILURES} times, last: {raised.reason}; this is a fault of ours, please report it"
            ) from None


def passing_over(fold: Callable[[Failed], T]) -> T:
    """What `fold` returns, begun anew with what is known to raise until nothing else does. Raises Refused after FAILURES.

    It must start from nothing each time: the account on which a rule raised is half changed.
    """
    failed = Failed()
    while True:
        try:
            with no_collections():
                return fold(failed)
        except RuleRaised as raised:
            failed.add(raised)

"""What an import says about itself: bad rows with file, line, column and reason, notes, counts, sums. Prints nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

_LONGEST = 400  # of a reason, in characters: cells may be of any length
KEPT = 1_000
"""Bad rows kept word for word, so that a file of nothing else does not fill the memory; all are counted."""

NOTHING_OPEN = "amount is zero"
"""The kind of reason of a row by which nothing is owed."""

PAID_UNDATED = "paid without a date"
"""The kind of reason of a row that is paid, no day said."""

SETTLED = frozenset((NOTHING_OPEN, PAID_UNDATED))
"""The kinds of reasons of rows that a list of open items might as well not have."""


class BadRow(NamedTuple):
    """A row that is not taken. `column` is the header's name, or empty where it concerns the whole row."""

    file: str
    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}"
        return f"{where}: {self.column}: {self.reason}" if self.column else f"{where}: {self.reason}"


@dataclass(slots=True)
class Report:
    """Filled while an import runs. Money is in minor units by currency; days are ISO dates."""

    rows: int = 0
    refused: int = 0
    bad: list[BadRow] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # kind of reason -> rows
    first: dict[str, BadRow] = field(default_factory=dict)  # kind of reason -> its first row
    notes: dict[str, list[str]] = field(default_factory=dict)  # note -> the first places, "file:line"
    note_counts: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)  # type -> records
    invoiced: Counter[str] = field(default_factory=Counter)
    credited: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    accounts: int = 0
    stood: int = 0  # open items of the former list
    gone: int = 0  # of these, how many the new one has not
    settled: int = 0  # invoices of which something was paid on a day
    paid_by: Counter[str] = field(default_factory=Counter)  # account -> its payments, of any currency
    # Account -> what is used of its credit notes, likewise
    credited_by: Counter[str] = field(default_factory=Counter)
    used_by: Counter[str] = field(default_factory=Counter)  # of that, what their balances say
    # Account -> what its invoices' balances alone say was settled of them, and no day says when
    claimed_by: Counter[str] = field(default_factory=Counter)
    # Accounts with payments or credit notes that name no invoice
    loose: set[str] = field(default_factory=set)
    assumed: str = ""  # the policy's currency, where a row names none
    # File -> the type it writes -> what it was read as
    types: dict[str, dict[str, str]] = field(default_factory=dict)
    by_sign: int = 0  # credit notes that only their negative amounts make such
    first_day: str = ""
    last_day: str = ""

    def refuse(self, kind: str, row: BadRow) -> None:
        """One bad row; `kind` is the reason without the row's own values, by which the summary counts."""
        self.refused += 1
        self.reasons[kind] += 1
        if len(row.reason) > _LONGEST:
            row = row._replace(reason=f"{row.reason[: _LONGEST // 2]} … {row.reason[-_LONGEST // 2 :]}")
        self.first.setdefault(kind, row)
        if len(self.bad) < KEPT:
            self.bad.append(row)

    def note(self, text: str, place: str) -> None:
        """Something that was settled and that the user should know; the first three places are kept."""
        self.note_counts[text] += 1
        places = self.notes.setdefault(text, [])
        if len(places) < 3:
            places.append(place)

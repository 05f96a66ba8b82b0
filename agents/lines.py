"""The totals of an account in order of days, with running sums: what a measure reads, made anew only where a fact came.

Which windows are read is behaviour.py's and exposure.py's affair.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import Any, Final, NamedTuple

from agents.pay_index import Points, Table, table
from agents.totals import UNCHANGED, Cohort, DueDay, Run, Totals

NEVER_PAID: Final = -1_000_000
"""The days beyond terms of invoices that no cash came for."""

_LONG_AGO: Final = -1


class Paid(NamedTuple):
    """What was paid in a window. An observation is one application of cash to one invoice, dated paid_on.

    `days_to_pay`: DTP = paid_on - invoice_date, weighted by amount: sum(a * d) / sum(a). `mean`: the simple mean of the
    same observations. `p90`: their 90th percentile, each counted once: nearest rank, the ceil(0.9 n)-th smallest.
    """

    amount: int
    days_to_pay: float | None
    mean: float | None
    p90: float | None


class Lines:
    """Running sums: `sums[j] - sums[i]` belongs to days[i:j]. place() gives such an index: the days up to a date.

    A fact changes the days it is about: refresh() keeps the sums of the days before them. What behaviour.py, exposure.py
    and survival.py have worked out of them is kept here too, each with what it was worked out of, until a fact comes.
    """

    __slots__ = (
        "closed", "cohort_count", "cohort_days", "cohort_gross", "discounts", "drifts", "due_days", "due_index",
        "due_late", "due_paid", "due_paid_days", "due_worst", "elders", "last_cash", "levels", "lives", "months",
        "observations", "open_clean", "open_clean_due", "open_days", "open_disputed", "open_disputed_due", "open_due",
        "open_issued", "paid", "paid_in", "partials", "points", "promises", "run_amount", "run_count", "run_days",
        "run_sum", "run_weighted", "runs", "sales", "sales_days", "table", "unpaid_due", "version", "written_off",
    )  # fmt: skip

    def __init__(self, totals: Totals, points: Points) -> None:
        self.points = points
        self.table: Table = table(points)
        self.due_days: list[int] = []
        self.due_paid, self.due_paid_days, self.due_index, self.due_late = [0], [0], [0], [0]
        self.due_worst: list[int] = []
        self.open_due: list[tuple[int, DueDay]] = []
        self.run_days: list[int] = []
        self.runs: list[Run] = []
        self.run_amount, self.run_weighted, self.run_count, self.run_sum = [0], [0], [0], [0]
        # Days to pay of every observation, run by run: observations[run_count[i]:run_count[j]] are those of runs[i:j].
        self.observations: list[int] = []
        self.sales_days: list[int] = []
        self.sales = [0]
        self.cohort_days: list[int] = []
        self.cohort_count, self.cohort_gross = [0], [0]
        # Lives of invoices: (invoice date, age, how many), by invoice date.
        self.paid: list[tuple[int, int, int]] = []
        self.closed: list[tuple[int, int, int]] = []
        self.open_issued: list[tuple[int, int]] = []
        self.written_off: list[tuple[int, int]] = []
        self.unpaid_due: list[tuple[int, int]] = []  # invoice date, earliest due date of the unpaid
        totals.due_from = totals.runs_from = totals.sales_from = totals.cohorts_from = _LONG_AGO
        self.refresh(totals)

    def refresh(self, totals: Totals) -> None:
        """Brings the lines to the totals as they stand: the days from the first changed one on are made anew."""
        self.version = totals.version
        if totals.due_from != UNCHANGED:
            self._refresh_due(totals.due, totals.due_from)
        if totals.runs_from != UNCHANGED:
            self._refresh_runs(totals.runs, totals.runs_from)
        if totals.sales_from != UNCHANGED:
            place = _cut(self.sales_days, totals.sales, totals.sales_from)
            _run_on(self.sales, place, [totals.sales[d] for d in self.sales_days[place:]])
        if totals.cohorts_from != UNCHANGED:
            self._refresh_cohorts(totals.cohorts, totals.cohorts_from)
        totals.due_from = totals.runs_from = totals.sales_from = totals.cohorts_from = UNCHANGED
        self.last_cash = max(totals.cash_days, default=0)
        self.levels: tuple[int, list[int], list[int]] | None = None  # peak_utilization()
        self.partials: tuple[int, int, int, int | None] | None = None  # partial_of_last()
        self.discounts: tuple[int, int, int, tuple[bool, ...]] | None = None  # discounts_taken()
        self.promises: dict[str, tuple[list[Any], int, int, tuple[int, int], bool]] = {}  # broken_promises()

    def _refresh_due(self, due: dict[int, DueDay], since: int) -> None:
        place = _cut(self.due_days, due, since)
        days = self.due_days[place:]
        buckets = [due[d] for d in days]
        at = self.table.at
        for day, bucket in zip(days, buckets, strict=True):
            if bucket.index is None:
                index = late = 0
                for paid_on, amount in bucket.paid_on.items():
                    index += amount * at(paid_on - day)
                    if paid_on > day:
                        late += amount
                bucket.index, bucket.late = index, late
                bucket.worst = max(bucket.paid_on) - day if bucket.paid_on else NEVER_PAID
        _run_on(self.due_paid, place, [b.paid for b in buckets])
        _run_on(self.due_paid_days, place, [b.paid_days for b in buckets])
        _run_on(self.due_index, place, [b.index or 0 for b in buckets])
        _run_on(self.due_late, place, [b.late for b in buckets])
        self.due_worst[place:] = [b.worst for b in buckets]
        owed = self.open_due
        owed[bisect_left(owed, (since,)) :] = [
            (d, b) for d, b in zip(days, buckets, strict=True) if b.open_count or b.disputed
        ]
        # Running sums over the days that something is open of: clean and disputed, and each times its due date.
        self.open_days = [d for d, _ in owed]
        self.open_clean = _running([b.clean for _, b in owed])
        self.open_clean_due = _running([b.clean * d for d, b in owed])
        self.open_disputed = _running([b.disputed for _, b in owed])
        self.open_disputed_due = _running([b.disputed * d for d, b in owed])

    def _refresh_runs(self, runs: dict[int, Run], since: int) -> None:
        place = _cut(self.run_days, runs, since)
        fresh = [runs[d] for d in self.run_days[place:]]
        self.runs[place:] = fresh
        self.observations[self.run_count[place] :] = [
            days_to_pay for r in fresh for days_to_pay, number in r.spread.items() for _ in range(number)
        ]
        _run_on(self.run_amount, place, [r.amount for r in fresh])
        _run_on(self.run_weighted, place, [r.weighted for r in fresh])
        _run_on(self.run_count, place, [r.count for r in fresh])
        _run_on(self.run_sum, place, [r.days for r in fresh])
        self.paid_in: dict[tuple[int, int], Paid] = {}  # paid_between(), by the places of its runs
        self.months: tuple[tuple[int, ...], tuple[float | None, ...]] = ((), ())  # monthly_days_to_pay()
        self.drifts: tuple[Any, ...] = ()  # drift_between()

    def _refresh_cohorts(self, cohorts: dict[int, Cohort], since: int) -> None:
        place = _cut(self.cohort_days, cohorts, since)
        issued = [(d, cohorts[d]) for d in self.cohort_days[place:]]
        _run_on(self.cohort_count, place, [c.count for _, c in issued])
        _run_on(self.cohort_gross, place, [c.gross for _, c in issued])
        _from(self.paid, since, [(d, age, n) for d, c in issued for age, n in c.paid.items()])
        _from(self.closed, since, [(d, age, n) for d, c in issued if c.closed for age, n in c.closed.items()])
        _from(self.open_issued, since, [(d, c.open) for d, c in issued if c.open])
        _from(self.written_off, since, [(d, c.written_off) for d, c in issued if c.written_off])
        _from(self.unpaid_due, since, [(d, min(c.clean_due)) for d, c in issued if c.clean_due])
        self.lives: tuple[int, list[tuple[int, int]]] = (-1, [])  # survival.py: its counts of the paid
        # survival.py: lives before an invoice
        self.elders: dict[tuple[int, int], tuple[list[int], list[int]]] = {}

    def sales_between(self, after: int, through: int) -> int:
        """Invoiced less memos, of the days after < d <= through; voids never counted."""
        return (
            self.sales[bisect_right(self.sales_days, through)]
            - self.sales[bisect_right(self.sales_days, after)]
        )


def _cut(days: list[int], table: dict[int, Any], since: int) -> int:
    """Makes the days from `since` on those of the table again; the place where they begin."""
    place = bisect_left(days, since)
    days[place:] = sorted([d for d in table if d >= since])
    return place


def _run_on(sums: list[int], place: int, values: list[int]) -> None:
    """Running sums go on from `place` with these values."""
    sums[place:] = accumulate(values, initial=sums[place])


def _from(rows: list[Any], since: int, fresh: list[Any]) -> None:
    """Rows in order of days, their first item: those from `since` on are replaced."""
    rows[bisect_left(rows, (since,)) :] = fresh


def _running(values: list[int]) -> list[int]:
    return list(accumulate(values, initial=0))


def lines(totals: Totals, points: Points) -> Lines:
    """The lines of the totals as they stand."""
    known: Lines | None = totals.lines
    if known is None or known.points is not points:
        if known is not None and known.points != points:
            for bucket in totals.due.values():
                bucket.index = None
        known = totals.lines = Lines(totals, points)
    elif known.version != totals.version:
        known.refresh(totals)
    return known

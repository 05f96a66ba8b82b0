"""The totals of an account in order of days, with running sums: what a measure reads, made anew only when a fact came.

Which windows are read is behaviour.py's and exposure.py's affair.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Final

from agents.pay_index import Points, Table, table
from agents.totals import Cohort, DueDay, Run, Totals

NEVER_PAID: Final = -1_000_000
"""The days beyond terms of invoices that no cash came for."""


class Lines:
    """Running sums: `sums[j] - sums[i]` belongs to days[i:j]. place() gives such an index: the days up to a date."""

    __slots__ = (
        "closed", "cohort_count", "cohort_days", "cohort_gross", "due_days", "due_index", "due_late", "due_paid",
        "due_paid_days", "due_worst", "lives", "observations", "offer_days", "open_due", "open_issued", "paid",
        "paid_days", "percentiles", "points", "run_amount", "run_count", "run_days", "run_sum", "run_weighted", "runs",
        "sales", "sales_days", "table", "unpaid_due", "version", "written_off",
    )  # fmt: skip

    def __init__(self, totals: Totals, points: Points) -> None:
        self.version = totals.version
        self.points = points
        self.table: Table = table(points)
        self.percentiles: dict[tuple[int, int], int] = {}

        due = totals.due
        self.due_days = days = sorted(due)
        buckets: list[DueDay] = [due[d] for d in days]
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
        self.due_paid = _running([b.paid for b in buckets])
        self.due_paid_days = _running([b.paid_days for b in buckets])
        self.due_index = _running([b.index or 0 for b in buckets])
        self.due_late = _running([b.late for b in buckets])
        self.due_worst = [b.worst for b in buckets]
        self.open_due = [(d, b) for d, b in zip(days, buckets, strict=True) if b.open_count or b.disputed]

        runs = totals.runs
        self.run_days = days = sorted(runs)
        self.runs: list[Run] = [runs[d] for d in days]
        self.run_amount = _running([r.amount for r in self.runs])
        self.run_weighted = _running([r.weighted for r in self.runs])
        self.run_count = _running([r.count for r in self.runs])
        self.run_sum = _running([r.days for r in self.runs])
        # Days to pay of every observation, run by run: observations[run_count[i]:run_count[j]] are those of runs[i:j].
        self.observations = [
            days_to_pay for r in self.runs for days_to_pay, number in r.spread.items() for _ in range(number)
        ]

        self.sales_days = days = sorted(totals.sales)
        self.sales = _running([totals.sales[d] for d in days])
        cohorts = totals.cohorts
        self.cohort_days = days = sorted(cohorts)
        issued: list[Cohort] = [cohorts[d] for d in days]
        self.cohort_count = _running([c.count for c in issued])
        self.cohort_gross = _running([c.gross for c in issued])
        # Lives of invoices: (invoice date, age, how many), by invoice date.
        self.paid = [(d, age, n) for d, c in zip(days, issued, strict=True) for age, n in c.paid.items()]
        self.closed = [
            (d, age, n) for d, c in zip(days, issued, strict=True) if c.closed for age, n in c.closed.items()
        ]
        self.open_issued = [(d, c.open) for d, c in zip(days, issued, strict=True) if c.open]
        self.written_off = [(d, c.written_off) for d, c in zip(days, issued, strict=True) if c.written_off]
        self.unpaid_due = [(d, min(c.clean_due)) for d, c in zip(days, issued, strict=True) if c.clean_due]
        self.lives: tuple[int, list[tuple[int, int]]] = (
            -1,
            [],
        )  # survival.py keeps its counts of the paid here
        self.paid_days: list[int] | None = None  # days of totals.last_paid, sorted when asked for
        self.offer_days: list[int] | None = None

    def percentile_90(self, start: int, end: int) -> int | None:
        """Nearest rank over the observations of runs[start:end]."""
        first, last = self.run_count[start], self.run_count[end]
        if first == last:
            return None
        known = self.percentiles.get((first, last))
        if known is None:
            known = sorted(self.observations[first:last])[(9 * (last - first) + 9) // 10 - 1]
            self.percentiles[first, last] = known
        return known

    def sales_between(self, after: int, through: int) -> int:
        """Invoiced less memos, of the days after < d <= through; voids never counted."""
        return (
            self.sales[bisect_right(self.sales_days, through)]
            - self.sales[bisect_right(self.sales_days, after)]
        )


def _running(values: list[int]) -> list[int]:
    return list(accumulate(values, initial=0))


def lines(totals: Totals, points: Points) -> Lines:
    """The lines of the totals as they stand."""
    known: Lines | None = totals.lines
    if known is None or known.version != totals.version or known.points is not points:
        if known is not None and known.points is not points and known.points != points:
            for bucket in totals.due.values():
                bucket.index = None
        known = totals.lines = Lines(totals, points)
    return known

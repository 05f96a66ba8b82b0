"""The totals of an account in order of days, with running sums: what a measure reads, made anew only when a fact came.

Which windows are read is behaviour.py's and exposure.py's affair.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

from agents.pay_index import Points, Table, table
from agents.totals import Cohort, DueDay, Run, Totals


class Lines:
    """Running sums: `sums[j] - sums[i]` belongs to days[i:j]. place() gives such an index: the days up to a date."""

    __slots__ = (
        "cohort_count", "cohort_days", "cohort_gross", "cohorts", "due", "due_days", "due_index", "due_paid",
        "due_paid_days", "observations", "open_due", "percentiles", "points", "run_amount", "run_count", "run_days",
        "run_sum", "run_weighted", "runs", "sales", "sales_days", "scale", "table", "version",
    )  # fmt: skip

    def __init__(self, totals: Totals, points: Points) -> None:
        self.version = totals.version
        self.points = points
        self.table: Table = table(points)
        self.percentiles: dict[tuple[int, int], int] = {}

        due = totals.due
        self.due_days = days = sorted(due)
        self.due: list[DueDay] = [due[d] for d in days]
        at = self.table.at
        for day, bucket in zip(days, self.due, strict=True):
            if bucket.index is None:
                bucket.index = sum(amount * at(paid_on - day) for paid_on, amount in bucket.paid_on.items())
        self.due_paid = _running([b.paid for b in self.due])
        self.due_paid_days = _running([b.paid_days for b in self.due])
        self.due_index = _running([b.index or 0 for b in self.due])
        self.open_due = [(d, b) for d, b in zip(days, self.due, strict=True) if b.open_count or b.disputed]

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
        self.cohorts: list[Cohort] = [cohorts[d] for d in days]
        self.cohort_count = _running([c.count for c in self.cohorts])
        self.cohort_gross = _running([c.gross for c in self.cohorts])

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

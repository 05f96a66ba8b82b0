"""The pay index of one observation: days beyond terms on a scale of 0 to 100, as whole fractions so that sums
stay exact.

How observations are weighted and which are taken is behaviour.py's; the points are the policy's.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import ceil, floor, lcm
from typing import NamedTuple

Points = tuple[tuple[float, float], ...]


class Table(NamedTuple):
    """`scale` times the index at every whole day from `first`; clamped at both ends."""

    scale: int
    first: int
    values: tuple[int, ...]

    def at(self, days_beyond_terms: int) -> int:
        place = days_beyond_terms - self.first
        if place < 0:
            return self.values[0]
        return self.values[place] if place < len(self.values) else self.values[-1]


@lru_cache(maxsize=16)
def table(points: Points) -> Table:
    """The policy's points as a table, linear between them (domain section 1, after Dun & Bradstreet's PAYDEX).

    With the default points: 100 from 30 days early, 80 when prompt, 50 at 30 days late, 0 from 150 days late.
    """
    exact = [(Fraction(str(day)), Fraction(str(index))) for day, index in points]
    first, last = floor(exact[0][0]), ceil(exact[-1][0])
    values = [_between(exact, day) for day in range(first, last + 1)]
    scale = lcm(*[value.denominator for value in values])
    return Table(scale, first, tuple(int(value * scale) for value in values))


def _between(points: list[tuple[Fraction, Fraction]], day: int) -> Fraction:
    if day <= points[0][0]:
        return points[0][1]
    for (left, high), (right, low) in pairwise(points):
        if day <= right:
            return high + (low - high) * (day - left) / (right - left)
    return points[-1][1]

"""Shrinking towards the segment: the mean of an account's runs and of so many more as the segment's; for display alone."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agents
from agents.drift import shrunk

Formula = Callable[[float | None, int, float | None, int], float | None]
DAYS = st.floats(-400, 400).map(lambda days: round(days, 3))
CASES = st.tuples(DAYS, st.integers(0, 60), DAYS, st.integers(0, 60))


def as_written_out(value: float, runs: int, segment: float, weight: int) -> float:
    """Every run stands with the account's figure, and `weight` more with the segment's; nothing at all: the figure."""
    all_runs = [Fraction(value)] * runs + [Fraction(segment)] * weight
    return float(statistics.mean(all_runs)) if weight else value


def agrees(formula: Formula, value: float, runs: int, segment: float, weight: int) -> bool:
    return formula(value, runs, segment, weight) == pytest.approx(
        as_written_out(value, runs, segment, weight)
    )


@given(CASES)
def test_it_is_the_mean_of_its_own_runs_and_of_the_segments(case: tuple[float, int, float, int]) -> None:
    assert agrees(shrunk, *case)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x, n, s, k: (n * s + k * x) / (n + k),
        lambda x, n, s, k: (n * x + k * s) / n,
        lambda x, n, s, k: (x + s) / 2,
        lambda x, n, s, k: x,
    ],
)
def test_another_formula_is_found(wrong: Formula) -> None:
    assert agrees(shrunk, 60.0, 3, 40.0, 5)
    assert not agrees(wrong, 60.0, 3, 40.0, 5)


@given(CASES)
def test_it_lies_between_the_two_and_each_run_more_brings_it_to_the_accounts_own(
    case: tuple[float, int, float, int],
) -> None:
    value, runs, segment, weight = case
    found, next_found = shrunk(value, runs, segment, weight), shrunk(value, runs + 1, segment, weight)
    assert found is not None
    assert next_found is not None
    assert min(value, segment) - 1e-9 <= found <= max(value, segment) + 1e-9
    assert abs(next_found - value) <= abs(found - value) + 1e-9


@pytest.mark.parametrize(
    ("value", "runs", "segment", "weight", "wanted"),
    [
        (60.0, 3, 40.0, 5, 47.5),  # (3 * 60 + 5 * 40) / 8
        (60.0, 0, 40.0, 5, 40.0),  # nothing of its own behind it: the segment's
        (60.0, 3, 40.0, 0, 60.0),  # the policy gives the segment no say
        (60.0, 0, 40.0, 0, 60.0),  # nor is anything divided by nothing
        (60.0, 3, None, 5, 60.0),  # no segment
        (60.0, 0, None, 5, 60.0),
        (None, 3, 40.0, 5, None),  # the segment says nothing of an account that has no figure
        (None, 0, None, 0, None),
        (0.0, 5, 40.0, 5, 20.0),  # paid on the day: a figure, not an absence
        (60.0, 5, 0.0, 5, 30.0),
    ],
)
def test_at_its_ends(
    value: float | None, runs: int, segment: float | None, weight: int, wanted: float | None
) -> None:
    assert shrunk(value, runs, segment, weight) == wanted


# ---------------------------------------------------------------- never for triggers


def readers(sources: Mapping[str, str]) -> set[tuple[str, str]]:
    """(module, name) where code names the formula or its setting: as a name, an attribute, an import or a text."""
    found: set[tuple[str, str]] = set()
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            named = {
                getattr(node, "id", None),
                getattr(node, "attr", None),
                getattr(node, "value", None) if isinstance(node, ast.Constant) else None,
                *(alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)),
            }
            found |= {(module, name) for name in ("shrunk", "segment_weight") if name in named}
    return found


def test_nothing_that_decides_reads_it() -> None:
    """A trigger, a score and a proposal stand on the account's own figures: of agents/, only the policy names the setting."""
    folder = Path(agents.__file__).parent
    sources = {path.stem: path.read_text() for path in folder.glob("*.py")}
    assert len(sources) > 30
    assert readers(sources) == {("policy_figures", "segment_weight")}


@pytest.mark.parametrize(
    "source",
    [
        "from agents.drift import shrunk",
        "from agents import drift\ndays = drift.shrunk(1.0, 2, 3.0, 5)",
        "level = policy.drift.segment_weight * 2",
        "getattr(policy.drift, 'segment_weight')",
    ],
)
def test_a_rule_that_read_it_would_be_found(source: str) -> None:
    assert readers({"triggers": source})

"""Every figure of random books equals the slow reference's, on many days, however the facts came in."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents.exposure import rate_text
from agents.figures import Ageing, Figures
from agents.measure import measure
from agents.rates import Rates
from tests.reference import account_figures, books

_FAR = books.policy(reach_days=3650)
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a book takes minutes


def differences(figures: Figures, wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Field -> (ours, the reference's), for those that differ. Amounts exactly, floats to 1e-9."""
    out = {}
    for name in Figures._fields:
        ours, theirs = getattr(figures, name), wanted[name]
        if name == "monthly_purchases_exact":
            ours = None if ours is None else Fraction(*ours)
        elif isinstance(theirs, Fraction):
            theirs = rate_text(theirs)
        if isinstance(ours, Ageing):
            ours = (ours.current, ours.d1_30, ours.d31_60, ours.d61_90, ours.d91)
        same = ours == theirs
        if isinstance(ours, float) and isinstance(theirs, float):
            same = ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)
        if isinstance(ours, tuple) and isinstance(theirs, tuple) and len(ours) == len(theirs):
            same = all(
                a == b or (a is not None and b is not None and a == pytest.approx(b))
                for a, b in zip(ours, theirs, strict=True)
            )
        if not same:
            out[name] = ours, theirs
    return out


def test_a_wrong_figure_is_found() -> None:
    """The comparison itself: it must see one day, one cent, and a null that should not be."""
    events = [
        books.event(
            "invoice.issued",
            1,
            0,
            invoice_id="i1",
            amount="10.00",
            currency="USD",
            invoice_date=books.text(0),
            due_date=books.text(30),
        )
    ]
    today = books.day(40)
    ours = measure(books.ledger_of(events, today, _FAR), today, _FAR, Rates("USD"), True)
    wanted = account_figures.figures(events, today, _FAR, Rates("USD"), True)
    assert differences(ours, wanted) == {}
    for name, wrong in (
        ("open_balance", 999),
        ("dbt_90d", 11.0),
        ("max_days_past_due", None),
        ("fx_rate", "1.1"),
    ):
        assert set(differences(ours, wanted | {name: wrong})) == {name}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(events=books.facts(), today=st.integers(0, 900), at_tick=st.booleans())
def test_figures_equal_the_reference(events: list[Any], today: int, at_tick: bool) -> None:
    day = books.day(today)
    ours = measure(books.ledger_of(events, day, _FAR), day, _FAR, Rates("USD"), at_tick)
    assert differences(ours, account_figures.figures(events, day, _FAR, Rates("USD"), at_tick)) == {}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
@given(events=books.payers(), today=st.integers(20, 900))
def test_figures_of_regular_payers_equal_the_reference(events: list[Any], today: int) -> None:
    day = books.day(today)
    ours = measure(books.ledger_of(events, day, _FAR), day, _FAR, Rates("USD"), True)
    assert differences(ours, account_figures.figures(events, day, _FAR, Rates("USD"), True)) == {}

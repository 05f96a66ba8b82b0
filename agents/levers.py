"""Levers: ways to move a view, one figure or one fact on file at a time, all else as it is.

What the levers of each family of triggers share; which of them a trigger pulls, and how far, is agents/changes.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from agents.formulas import Unit
from agents.signals import Signals
from agents.view import BookTotals, View
from agents.wording import shown
from schemas.events import AccountEvent, parse


class Lever(NamedTuple):
    """One way to move a view, in whole steps from `start` to `end`: cents, counts, days, hundredths of a day.

    `at(step)` is the view with the figure there; `scale` steps make one unit of the figure.
    """

    figure: str
    unit: Unit
    scale: int
    start: int
    end: int
    at: Callable[[int], View]
    says: Callable[[int], str]


MakeLever = Callable[[View], Lever | None]


def by_time(
    day: int, figure: str, view: View, then: View, says: Callable[[int], str], start: int | None = None
) -> Lever:
    """The account stays as it is, from `start` (today), until that day, on which it is `then`."""
    return Lever(
        figure,
        "date",
        1,
        view.today if start is None else start,
        day,
        lambda step: then if step == day else view,
        says,
    )


# --- Views that are supposed --------------------------------------------------------------------------------

MOST: Final = 10**15  # minor units: beyond every balance
LONGEST: Final = 3650  # days ahead that are looked at


def suppose(
    view: View,
    moved: Mapping[str, Any] | None = None,
    *,
    signals: Signals | None = None,
    today: int | None = None,
    book: BookTotals | None = None,
    tier: str | None = None,
) -> View:
    """The view with figures moved, or with other facts, on another day, in another book or tier."""
    other = View(
        view.account_id,
        view.figures._replace(**moved) if moved else view.figures,
        view.signals if signals is None else signals,
        view.ledger,
        view.policy,
        view.rates,
        view.today if today is None else today,
        book=view.book if book is None else book,
        tier=view.tier if tier is None else tier,
        events_behind=view.events_behind,
    )
    other.kept = view.kept
    return other


def reported(view: View, *facts: dict[str, Any]) -> View:
    """The view with facts more on file, told at the end of its day, after all others."""
    signals = view.signals.copy()
    day = date.fromordinal(view.today)
    zone = ZoneInfo(view.policy.time_zone)
    at = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=1) - timedelta(microseconds=1)
    for place, fact in enumerate(facts):
        body = {
            "event_id": f"~supposed-{place}",
            "account_id": view.account_id,
            "occurred_at": at.isoformat(),
            "source": "supposed",
            **fact,
        }
        event = parse(orjson.dumps(body))
        assert isinstance(event, AccountEvent), "the clock and the policy are no facts of an account"
        signals.apply(event, view.today, view.policy)
    return suppose(view, signals=signals)


def at_noon(view: View, day: int) -> str:
    """An instant of that day in the policy's time zone, RFC 3339."""
    on = date.fromordinal(day)
    return datetime(on.year, on.month, on.day, 12, tzinfo=ZoneInfo(view.policy.time_zone)).isoformat()


def covered(view: View) -> int:
    """Unapplied cash and security beyond all that is owed and ordered: so much more is no exposure yet."""
    figures = view.figures
    return (
        max(0, figures.unapplied + figures.security - figures.gross_exposure) if not figures.exposure else 0
    )


def exposed(view: View, exposure: int) -> View:
    """Another exposure, and what follows from it; where it grows, by so much invoiced."""
    figures = view.figures
    limit = figures.credit_limit
    used = exposure / limit if limit else None
    rising = used is not None and used > (figures.utilization_28d_ago or 0.0)
    balance = figures.open_balance + exposure - figures.exposure
    if exposure > figures.exposure:
        balance += covered(view)
    return suppose(
        view, {"exposure": exposure, "utilization": used, "rising": rising, "open_balance": balance}
    )


def money(view: View, minor: int) -> str:
    """Minor units of the account currency as a person reads them."""
    return shown(minor, "money", view.figures.currency, view.policy.base_currency)


def one_by_one(view: View, figure: str, facts: Sequence[dict[str, Any]], says: Callable[[int], str]) -> Lever:
    """So many of the facts told, in their order, from none to all."""
    return Lever(figure, "count", 1, 0, len(facts), lambda step: reported(view, *facts[:step]), says)


# --- One figure moved ---------------------------------------------------------------------------------------


def hundredths(figure: str, end: float, what: str) -> MakeLever:
    """A figure in days, moved by hundredths."""

    def make(view: View) -> Lever | None:
        value = getattr(view.figures, figure)
        if value is None:
            return None
        start = math.floor(value * 100) if end <= value else math.ceil(value * 100)
        return Lever(
            figure,
            "days",
            100,
            start,
            math.floor(end * 100),
            lambda step: suppose(view, {figure: step / 100}),
            lambda step: f"{what} {value:.2f} → {step / 100:.2f}",
        )

    return make


def count(figure: str, end: int, says: Callable[[View, int], str]) -> MakeLever:
    """A figure that counts."""

    def make(view: View) -> Lever | None:
        value = getattr(view.figures, figure)
        if value is None:
            return None
        return Lever(
            figure,
            "count",
            1,
            value,
            end,
            lambda step: suppose(view, {figure: step}),
            lambda step: says(view, step),
        )

    return make

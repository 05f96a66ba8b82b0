"""An account's days to pay where few payments stand behind them: beside what its segment takes, and drawn towards it.

For people who read; the formula is agents/drift.py's, and nothing that decides asks for this.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import NamedTuple

from structlog import get_logger

from agents.drift import shrunk
from agents.policy import Policy
from agents.policy_text import PolicyError, load_policy
from streams.web import queries, queries_accounts
from streams.web.queries import Row
from streams.web.store import Answers

log = get_logger(__name__)


class Shrunk(NamedTuple):
    """Days to pay of a year: the account's own, its segment's, and the first drawn towards the second. All in days."""

    value: float  # (runs * own + weight * mean) / (runs + weight)
    own: float  # dtp_365d, weighted by amount
    runs: int  # payment runs of the same 365 days: what n is
    mean: float  # of the segment's other accounts, each counted once, whatever it pays
    accounts: int  # how many those are
    segment: str | None  # the industry as the account's own facts spell it; None: the whole book
    industry: str | None  # None: not known


async def days_to_pay(store: Answers, figures: Row | None) -> Shrunk | None:
    """Of an account's newest figures; None where nothing is to be shrunk: no payment in a year, enough payment runs
    for the last of the drift tests, no other account that paid, a weight of 0.

    The segment is the account's industry, spelled in whatever case, as for the policy's overrides; with none known, or nobody
    else in it who paid, the whole book. Its mean is simple: one account is one voice, or the few that pay every day would
    speak for all. Raises Refused when the store cannot answer.
    """
    if figures is None or figures["dtp_365d"] is None:
        return None
    adopted, told = await asyncio.gather(
        store.ask(queries.policy_in_force()), store.ask(queries_accounts.industry(figures["account_id"]))
    )
    policy = _policy(adopted[0]["text"]) if adopted else None
    if policy is None:
        return None
    industry: str | None = told[0]["industry"] if told else None
    drift, runs = policy.drift, figures["payment_runs_365d"] or 0
    if runs >= drift.cusum_from_runs or drift.segment_weight == 0:
        return None
    others = await store.ask(queries_accounts.days_to_pay_of_others(figures["account_id"]))
    own = figures["dtp_365d"]
    segment, number, mean = _mean(industry, others)
    value = shrunk(own, runs, mean, drift.segment_weight)
    if value is None or mean is None:
        return None
    return Shrunk(value, own, runs, mean, number, segment, industry)


def _mean(industry: str | None, others: list[Row]) -> tuple[str | None, int, float | None]:
    """The segment's name (None: the whole book), how many others are in it, and their mean."""
    if industry is not None:
        alike = [row for row in others if row["industry"].casefold() == industry.casefold()]
        if alike:
            return industry, *_of(alike)
    return None, *_of(others)


def _of(rows: list[Row]) -> tuple[int, float | None]:
    number = sum(row["accounts"] for row in rows)
    return number, sum(row["days"] for row in rows) / number if number else None


@lru_cache(maxsize=4)
def _policy(text: str) -> Policy | None:
    try:
        return load_policy(text)
    except PolicyError as error:  # adopted by workers of another version than this page's
        log.warning("the policy in force can not be read here", reason=str(error))
        return None

"""Takes events into a ledger, in any order and any number of times, and brings it to a day.

What each type of event does is takers.py's; what it adds to the totals posting.py's and settling.py's.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from agents.facts import APPLIED, NEVER, REPEAT, ROW_OF, Applied, Register, local_day, microseconds
from agents.folding import fold
from agents.ledger import Ledger, PostingRules
from agents.policy import Policy, exact
from agents.rates import Rates
from agents.settling import rebuild, revalue, settle
from agents.takers import TAKE
from agents.valuation import value_foreign
from schemas.events import AccountEvent

TYPES: Final = frozenset(ROW_OF)
"""The event types that apply() takes."""


class UnfitAmount(ValueError):
    """An event whose amount its own currency can not hold; nothing of it was taken."""


def apply(ledger: Ledger, event: AccountEvent, today: int, policy: Policy, rates: Rates) -> Applied:
    """Takes one event of TYPES. `today` is D. Raises UnfitAmount, before anything moves, for an amount that the
    event's own currency can not hold (what came through schemas.events never does).

    Amounts of payment.applied and payment.reversed are in the payment's currency: one that does not fit it raises
    nothing. The fact is kept, ignored, and counted as unvalued; see payments.facts_that_fit().
    """
    kind = event.type
    us = microseconds(event.occurred_at)
    try:
        day, ident, content = ROW_OF[kind](event)
    except ValueError as error:
        raise UnfitAmount(str(error)) from error
    if day is None:
        day = local_day(us, policy.time_zone)
    return _take(
        ledger, kind, ident, event.source, Register(us, event.event_id, day, content), today, policy, rates
    )


def set_limit(
    ledger: Ledger,
    limit_minor: int,
    currency: str,
    order_key: tuple[int, str],
    today: int,
    policy: Policy,
    rates: Rates,
) -> Applied:
    """The limit of an approved proposal, dated by its occurred_at: after `today` (D) it waits for its day like any fact."""
    us, event_id = order_key
    fact = Register(us, event_id, local_day(us, policy.time_zone), [limit_minor, currency])
    return _take(ledger, "account.limit_set", "", "", fact, today, policy, rates)


def _take(
    ledger: Ledger,
    kind: str,
    ident: str,
    source: str,
    fact: Register,
    today: int,
    policy: Policy,
    rates: Rates,
) -> Applied:
    # A ledger read anew from its pieces knows neither policy nor rates: whatever takes a fact brings both.
    if policy is not ledger.policy:
        _adopt(ledger, policy)
    ledger.rates = rates
    ledger.today = today
    if ledger.next_parked <= today:
        _unpark(ledger, today)
    if fact.day > today:
        return _park(ledger, kind, ident, fact.us, fact.event_id, source, fact.day, fact.content)
    answer = TAKE[kind](ledger, ident, source, fact)
    if answer is APPLIED and ledger.posted_totals.native:
        settle(ledger)
        value_foreign(ledger, today, rates)
    return answer


def _park(
    ledger: Ledger, kind: str, ident: str, us: int, event_id: str, source: str, day: int, content: list[Any]
) -> Applied:
    row = [day, kind, ident, us, event_id, source, content]
    key = orjson.dumps(row).decode()
    if key in ledger.parked:
        return REPEAT
    ledger.parked[key] = row
    ledger.next_parked = min(ledger.next_parked, day)
    ledger.changed = ledger.parked_changed = True
    return APPLIED


def _unpark(ledger: Ledger, today: int) -> None:
    """Parked facts whose day has come, in the order of the facts."""
    due = sorted((row[3], row[4], key) for key, row in ledger.parked.items() if row[0] <= today)
    for _, _, key in due:
        day, kind, ident, us, event_id, source, content = ledger.parked.pop(key)
        TAKE[kind](ledger, ident, source, Register(us, event_id, day, content))
    ledger.next_parked = min([row[0] for row in ledger.parked.values()], default=NEVER)
    ledger.changed = ledger.parked_changed = True


def advance(ledger: Ledger, today: int, policy: Policy, rates: Rates) -> None:
    """The tick of `today`: parked facts whose day has come, values that wait for a rate, what can no
    longer be reached."""
    if policy is not ledger.policy:
        _adopt(ledger, policy)
    ledger.rates = rates
    ledger.today = today
    settle(ledger)
    ledger.advancing = True
    try:
        if ledger.next_parked <= today:
            _unpark(ledger, today)
            settle(ledger)
        if ledger.waiting:
            revalue(ledger)
        if ledger.next_fold <= today:
            fold(ledger, today)
    finally:
        ledger.advancing = False
    ledger.posted_totals.forget(today)
    value_foreign(ledger, today, rates)


def _adopt(ledger: Ledger, policy: Policy) -> None:
    """Postings hold numbers of the policy: another policy with other ones makes them anew."""
    ledger.policy = policy
    figures = policy.figures
    paid_share = exact(figures.kaplan_meier_paid_share).as_integer_ratio()
    rules = PostingRules(paid_share, figures.reach_days, figures.baseline_from_days)
    if rules != ledger.posting_rules:
        ledger.posting_rules = rules
        ledger.changed = ledger.head_changed = True
        rebuild(ledger)

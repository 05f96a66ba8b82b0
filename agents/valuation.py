"""What facts in other currencies are worth: the rate of each fact's day, and foreign exposure at the newest rates.

Where rates come from and how they are crossed is rates.py's; what the worth is added to is posting.py's.
"""

from __future__ import annotations

from agents.invoices import scaled
from agents.ledger import Ledger
from agents.rates import Rates
from agents.securities import lowers_exposure


def rate_for(ledger: Ledger, token: str, source: str, target: str, day: int) -> tuple[int, int] | None:
    """The rate that a fact of `day` is valued at, as numerator and denominator; provisional until that day's tick, then
    frozen. Until then the record of `token` waits: revalue() posts it anew."""
    key = f"{source}{target}{day}"
    known = ledger.fx.get(key)
    if known is not None and known[2]:
        return known[0], known[1]
    ledger.waiting.setdefault(key, set()).add(token)
    if ledger.rates is None:
        return None if known is None else (known[0], known[1])
    return rate_of(ledger, key, source, target, day)


def rate_of(ledger: Ledger, key: str, source: str, target: str, day: int) -> tuple[int, int] | None:
    """The newest rate of this key (source + target + day), which is kept; None while there is none."""
    assert ledger.rates is not None
    factor = ledger.rates.cross_for_fact(source, target, day, ledger.today)
    if factor is None:
        return None
    frozen = day < ledger.today or (ledger.advancing and day <= ledger.today)
    row = [factor.numerator, factor.denominator, int(frozen)]
    if ledger.fx.get(key) != row:
        ledger.fx[key] = row
        ledger.changed = ledger.fx_changed = True
    return factor.numerator, factor.denominator


def inward(ledger: Ledger, token: str, amount: int, source: str, target: str, day: int) -> int:
    """Money of the currency `source` in `target`, in minor units; 0 while there is no rate."""
    if source == target:
        return amount
    factor = rate_for(ledger, token, source, target, day)
    return 0 if factor is None else scaled(amount, factor)


def valued(ledger: Ledger, token: str, amount: int, currency: str, day: int) -> int:
    """Money of the account's or another currency in the account's; 0 while there is no rate."""
    if currency == ledger.currency:
        return amount
    assert ledger.currency is not None
    return inward(ledger, token, amount, currency, ledger.currency, day)


def value_foreign(ledger: Ledger, today: int, rates: Rates) -> None:
    """What foreign invoices, orders, cash and securities add to the exposure at the newest rates."""
    value = _foreign_part(ledger, today, rates)
    if value != ledger.foreign_now:
        ledger.foreign_now = value
        ledger.changed = ledger.head_changed = True
    value_limit(ledger, today)


def _foreign_part(ledger: Ledger, day: int, rates: Rates) -> int:
    """Exposure in foreign currencies at the end of `day`, at the newest rates of that day; without a rate:
    none of it."""
    own = ledger.currency
    if own is None:
        return 0
    value = 0
    for currency, series in sorted(ledger.posted_totals.native.items()):
        amount = series.at(day)
        if amount:
            value += rates.convert(amount, currency, own, day) or 0
    for fact in ledger.securities.values():
        _, amount, currency, _ = fact.content
        if currency != own and lowers_exposure(fact, day):
            value -= rates.convert(amount, currency, own, day) or 0
    return value


def value_limit(ledger: Ledger, today: int) -> None:
    """The newest limit in the account's currency; none without a rate, and as it was before any rates are given."""
    limit = None
    if ledger.limits:
        amount, currency = ledger.limits[-1][3:]
        if currency == ledger.currency:
            limit = amount
        elif ledger.rates is not None and ledger.currency is not None:
            limit = ledger.rates.convert(amount, currency, ledger.currency, today)
        else:
            limit = ledger.limit
    if limit != ledger.limit:
        ledger.limit = limit
        ledger.changed = ledger.head_changed = True

"""What is owed: balance, ageing, exposure, utilization and their peaks, days sales outstanding.

Each figure stands in one function. How customers pay is behaviour.py's. Sections are those of domain.md. Money is in
minor units of the account's currency; a window of N days is D-N < d <= D.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import Any

from agents.balances import totals_of
from agents.figures import Ageing
from agents.ledger import Ledger
from agents.lines import Lines
from agents.rates import Rates
from agents.securities import counts, lowers_exposure
from agents.totals import Totals
from schemas.money import EXPONENTS, half_even


def ageing(lines: Lines, today: int) -> Ageing:
    """Clean open amounts by days past due, D - due_date; the due day itself is current. Section 1, Ageing."""
    return _aged(lines.open_days, lines.open_clean, today)


def ageing_disputed(lines: Lines, today: int) -> Ageing:
    """The disputed parts of the open amounts, aged alike. Section 1: disputed figures are reported beside the
    clean ones."""
    return _aged(lines.open_days, lines.open_disputed, today)


NOTHING_OPEN = Ageing()


def _aged(days: list[int], amounts: list[int], today: int) -> Ageing:
    """From running sums of the amounts by due date."""
    if not days:
        return NOTHING_OPEN
    over_0, over_30 = amounts[bisect_left(days, today)], amounts[bisect_left(days, today - 30)]
    over_60, over_90 = amounts[bisect_left(days, today - 60)], amounts[bisect_left(days, today - 90)]
    return Ageing(amounts[-1] - over_0, over_0 - over_30, over_30 - over_60, over_60 - over_90, over_90)


def past_due_over(lines: Lines, today: int, days: int) -> int:
    """Clean open amount more than `days` days past due; past due is D > due_date (section 1). 0: all that is
    past due."""
    return lines.open_clean[bisect_left(lines.open_days, today - days)]


def max_days_past_due(lines: Lines, today: int) -> int | None:
    """D - due_date of the oldest clean open invoice that is past due; None when none is."""
    for due, bucket in lines.open_due:
        if due >= today:
            return None
        if bucket.clean:
            return today - due
    return None


def current_receivables(lines: Lines, today: int) -> int:
    """Open amounts that are not past due, disputed parts included: what best possible DSO and CEI call current."""
    place = bisect_left(lines.open_days, today)
    clean, disputed = lines.open_clean, lines.open_disputed
    return clean[-1] - clean[place] + disputed[-1] - disputed[place]


def converted(amounts: dict[str, int], own: str | None, today: int, rates: Rates) -> int:
    """Money by currency in the account's own at the newest rates; what has no rate is left out (and counted as
    unvalued)."""
    total = 0
    for currency, amount in amounts.items():
        if currency == own:
            total += amount
        elif own is not None:
            total += rates.convert(amount, currency, own, today) or 0
    return total


def securities_at(ledger: Ledger, day: int) -> dict[str, int]:
    """Unexpired letters of credit, deposits and insurance at the end of `day`, by currency."""
    held: dict[str, int] = {}
    for fact in ledger.securities.values():
        if lowers_exposure(fact, day):
            _, amount, currency, _ = fact.content
            held[currency] = held.get(currency, 0) + amount
    return held


def unvalued(ledger: Ledger, today: int, rates: Rates) -> int:
    """How many money facts are in a currency that nothing converts into the account's own: held until a tick
    brings a rate.

    Invoices, payments, orders, memos on account, securities and the newest limit count. Section 1, Money.
    """
    own = ledger.currency
    if own is None:
        return 0
    counts = dict(totals_of(ledger).uses)
    for fact in ledger.securities.values():
        currency = fact.content[2]
        if currency != own:
            counts[currency] = counts.get(currency, 0) + 1
    limit = ledger.stated_limit
    if limit is not None and limit[1] != own:
        counts[limit[1]] = counts.get(limit[1], 0) + 1
    return sum(n for currency, n in counts.items() if rates.cross(currency, own, today) is None)


def net_by_currency(ledger: Ledger, day: int) -> dict[str, int]:
    """Open balance + open orders - unapplied cash - unexpired security at the end of `day`, each currency in its own."""
    totals = totals_of(ledger)
    own = ledger.currency
    net: dict[str, int] = {}
    if own is not None:
        net[own] = totals.balance.at(day) - totals.foreign_open.at(day) + totals.other.at(day)
    for currency, series in totals.native.items():
        net[currency] = net.get(currency, 0) + series.at(day)
    if ledger.securities:
        for currency, amount in securities_at(ledger, day).items():
            net[currency] = net.get(currency, 0) - amount
    return net


def exposure_at(ledger: Ledger, day: int, rates: Rates) -> int:
    """Exposure at the end of `day` before it is cut off at 0: section 1, foreign money at that day's newest rates."""
    totals = totals_of(ledger)
    if not totals.native and not ledger.securities:
        return totals.balance.at(day) + totals.other.at(day)
    return converted(net_by_currency(ledger, day), ledger.currency, day, rates)


def limit_at(ledger: Ledger, day: int, rates: Rates) -> int | None:
    """The credit limit at the end of `day`: the latest by (occurred_at, event_id), in the account's currency."""
    stated = _stated_limit(ledger, day)
    if stated is None:
        return None
    amount, currency = stated[3:]
    if currency == ledger.currency:
        return int(amount)
    if ledger.currency is None:
        return None
    return rates.convert(amount, currency, ledger.currency, day)


def _stated_limit(ledger: Ledger, day: int) -> list[Any] | None:
    return next((row for row in ledger.limits[::-1] if row[2] <= day), None)


def utilization_at(ledger: Ledger, day: int, rates: Rates) -> float | None:
    """Exposure / credit limit at the end of `day`; None with a limit of 0 or none. Section 1."""
    limit = limit_at(ledger, day, rates)
    if not limit:
        return None
    return max(0, exposure_at(ledger, day, rates)) / limit


def peak_utilization(ledger: Ledger, lines: Lines, today: int, days: int, rates: Rates) -> float | None:
    """The greatest end-of-day utilization in `days` days; None when no day of them had a limit.

    In one currency: the greatest exposure under each limit and security that stood in the window, over that limit.
    """
    first = today - days + 1
    totals = totals_of(ledger)
    limits = ledger.limits
    if not limits:
        return None
    own = ledger.currency
    securities = [fact for fact in ledger.securities.values() if counts(fact)]
    if (
        totals.native
        or any(row[4] != own for row in limits)
        or any(fact.content[2] != own for fact in securities)
    ):
        return _peak_day_by_day(ledger, today, first, rates)
    moves = [row[2] for row in limits]
    for fact in securities:
        moves.append(fact.day)
        if fact.content[3] is not None:
            moves.append(fact.content[3] + 1)
    starts = sorted({first, *[day for day in moves if first < day <= today]})
    best = None
    for start, end in zip(starts, [*[day - 1 for day in starts[1:]], today], strict=True):
        limit = limit_at(ledger, start, rates)
        if limit:
            top = _peak_exposure(totals, lines, start, end, first)
            if securities and own is not None:
                top -= securities_at(ledger, start).get(own, 0)
            used = max(0, top) / limit
            if best is None or used > best:
                best = used
    return best


def _peak_exposure(totals: Totals, lines: Lines, start: int, end: int, since: int) -> int:
    """The greatest end-of-day open balance + orders - unapplied cash of the days start..end, in the own currency alone.

    `since` is the first day that may be asked for until the next fact comes.
    """
    balance, other = totals.balance, totals.other
    if not other.changes:
        return balance.peak(start, end) + other.base
    if not balance.changes:
        return other.peak(start, end) + balance.base
    known = lines.levels
    if known is None or known[0] > since:
        days = sorted({d for series in (balance, other) for d in series.lines()[0] if d > since})
        change, more = balance.changes, other.changes
        changes = [change.get(d, 0) + more.get(d, 0) for d in days]
        level = balance.at(since) + other.at(since)
        known = lines.levels = since, days, list(accumulate(changes, initial=level))
    _, days, levels = known
    return max(levels[bisect_right(days, start) : bisect_right(days, end) + 1])


def _peak_day_by_day(ledger: Ledger, today: int, first: int, rates: Rates) -> float | None:
    """Where rates have a part in it, any day may be the peak: they move every day."""
    reached = [u for day in range(first, today + 1) if (u := utilization_at(ledger, day, rates)) is not None]
    return max(reached, default=None)


def high_credit(ledger: Ledger, today: int, days: int) -> int:
    """Peak end-of-day open balance in `days` days, at least 0. Section 1."""
    return max(0, totals_of(ledger).balance.peak(today - days + 1, today))


def fx_driven(ledger: Ledger, today: int, rates: Rates) -> bool:
    """Whether exposure, or the limit that it is held against, differs from the day before by rates alone: no amount moved
    in any currency. Section 1, Money."""
    stated = _stated_limit(ledger, today)
    limited = (
        stated is not None and stated[4] != ledger.currency and stated is _stated_limit(ledger, today - 1)
    )
    if (
        not limited
        and not totals_of(ledger).native
        and not any(f.content[2] != ledger.currency for f in ledger.securities.values())
    ):
        return False
    before, now = net_by_currency(ledger, today - 1), net_by_currency(ledger, today)
    if {c: n for c, n in before.items() if n} != {c: n for c, n in now.items() if n}:
        return False
    if max(0, exposure_at(ledger, today - 1, rates)) != max(0, exposure_at(ledger, today, rates)):
        return True
    return limited and limit_at(ledger, today - 1, rates) != limit_at(ledger, today, rates)


def in_base(minor: int, rate: Fraction, own: str, base: str) -> int:
    """Money of the account in minor units of the base currency; `rate` is base units of one unit of `own`."""
    return half_even(minor * rate.numerator * 10 ** EXPONENTS[base], rate.denominator * 10 ** EXPONENTS[own])


def rate_text(rate: Fraction | None) -> str | None:
    """A rate as a decimal string: exact where it ends within 12 decimals, else rounded to 12."""
    if rate is None:
        return None
    scaled = half_even(rate.numerator * 10**12, rate.denominator)
    whole, part = divmod(scaled, 10**12)
    decimals = f"{part:012d}".rstrip("0")
    return f"{whole}.{decimals}" if decimals else str(whole)


def dso(balance: int, sales: int, days: int) -> float | None:
    """Days sales outstanding = balance / sales * days; None without sales. Days. Section 1.

    With the open balance it is DSO, with the current bucket alone best possible DSO; their difference is ADD. Sales are
    net of memos and voids.
    """
    return balance * days / sales if sales > 0 else None


def dso_countback(
    balance: int, today: int, reach: int, sales_between: Callable[[int, int], int]
) -> float | None:
    """Days of the newest months' sales that make up the balance: the month of D up to D, then whole months before it.

    The last month counts for the share of its sales that is needed. None when the sales of (D-reach, D] do not use the
    balance up, or there are none. Section 1, DSO.
    """
    left = balance
    if left <= 0:
        return 0.0 if sales_between(today - reach, today) > 0 else None
    days = 0
    for before, end in _months(today, reach):
        sales = sales_between(max(before, today - reach), end)
        length = end - before
        if sales >= left:
            return days + left * length / sales
        if sales > 0:
            left -= sales
        days += length
    return None


@lru_cache(maxsize=64)
def _months(today: int, reach: int) -> tuple[tuple[int, int], ...]:
    """(day before its first, last day) of the month of D and those before it, newest first, as far as they lie
    in reach."""
    months = []
    end = today
    while end > today - reach:
        before = date.fromordinal(end).replace(day=1).toordinal() - 1
        months.append((before, end))
        end = before
    return tuple(months)


def collection_effectiveness(begin: int, sales: int, end: int, end_current: int) -> float | None:
    """CEI = (begin AR + sales - end AR) / (begin AR + sales - end current AR) * 100, over the days of DSO. Section 1."""
    collectable = begin + sales - end_current
    return (begin + sales - end) / collectable * 100 if collectable > 0 else None


def monthly_purchases(
    lines: Lines, first_invoice: int | None, expected: int | None, today: int, longest: int, least: int
) -> tuple[int, int] | None:
    """Invoiced net of memos and voids over `longest` days / days since the first invoice (least..longest) * 30, exactly:
    (numerator, denominator) in minor units.

    With less than `least` days of history what the account expects; None when it expects nothing. Section 5.
    """
    if first_invoice is None or today - first_invoice < least:
        return None if expected is None else (expected, 1)
    net = lines.sales_between(today - longest, today)
    return max(0, net) * 30, min(longest, today - first_invoice)

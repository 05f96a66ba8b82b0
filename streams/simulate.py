"""A simulated book of accounts: its events in time order, the truth about them, and a continuation for the demo.

What each account is meant to become stands in simulation/plan.py, with all distributions and their sources.
"""

from __future__ import annotations

import datetime as dt
import gc
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import orjson

from streams.errors import Refused
from streams.simulation import outside
from streams.simulation.days import DAY, text
from streams.simulation.life import Emitted, Life, money
from streams.simulation.plan import Plan, draw
from streams.whole import written_whole

END: Final = dt.date(2025, 12, 31)
"""The last day of a book unless another is asked for: fixed, so that the same seed makes the same bytes for ever."""

Event = dict[str, Any]
Truth = dict[str, Any]

# What a rate does in a day (standard deviation), and where it starts: base units (USD) of one.
_RATES: Final = {"EUR": (1.09, 0.0045), "GBP": (1.27, 0.0050)}
_DATES: Final = (
    *("invoice_date", "due_date", "discount_date", "paid_on", "reversed_on", "due_on", "scheduled_on"),
    *("reported_on", "filed_on", "expires_on", "opened_on", "period_end", "since"),
)


def span(months: int, end: dt.date = END) -> tuple[dt.date, dt.date]:
    """First and last day of a book of `months` months that ends with `end`, both inclusive."""
    after = end + dt.timedelta(days=1)
    number = after.year * 12 + after.month - 1 - months
    return dt.date(number // 12, number % 12 + 1, min(after.day, 28)), end


def days(accounts: int, months: int, seed: int, end: dt.date = END) -> Iterator[tuple[dt.date, list[Event]]]:
    """Each day of the book with its events in time order; the last of a day is its `clock.ticked`.

    Every day has a tick, the last one included, because some accounts are billed in EUR or GBP and the ticks carry
    their rates. Same arguments, same events; account 7 is the same in a book of ten and of ten thousand. Memory
    is that of the open invoices and of a week's events (about 25 KB an account), whatever the number of months.
    """
    first, last = span(months, end)
    for day, events in _all_days(accounts, seed, first.toordinal(), last.toordinal()):
        if day > last.toordinal():
            return
        yield dt.date.fromordinal(day), events


def generate(accounts: int, months: int, seed: int, end: dt.date = END) -> Iterator[Event]:
    """The events of the book in time order, as `days` makes them."""
    for _, events in days(accounts, months, seed, end):
        yield from events


def truths(accounts: int, months: int, seed: int, end: dt.date = END) -> Iterator[Truth]:
    """One line for each account: account_id, regime, bad, onset, event_date, exposure_at_event, currency, and
    observed_from, observed_to: its first and last day in the book.

    `onset` is the day from which the account behaves otherwise (also of one that recovers without turning bad),
    `event_date` as plan.py defines it. `exposure_at_event` is the open balance at the end of that day, a decimal
    string in `currency`, found by living the bad accounts up to it.
    """
    first, last = span(months, end)
    for index in range(accounts):
        plan = draw(index, seed, first.toordinal(), last.toordinal())
        yield {
            "account_id": plan.account_id,
            "regime": plan.regime,
            "bad": plan.bad,
            "onset": None if plan.onset is None else text(plan.onset),
            "event_date": None if plan.event is None else text(plan.event),
            "exposure_at_event": _exposure(plan, seed),
            "currency": plan.currency,
            "observed_from": text(plan.joins),
            "observed_to": last.isoformat(),
        }


def _exposure(plan: Plan, seed: int) -> str | None:
    if plan.event is None:
        return None
    life = Life(plan, seed, outside.begin)
    life.run(plan.event, [])
    life.tasks.clear()  # they hold the life, and the life holds them
    return money(life.balance)


def live_events(
    accounts: int, months: int, seed: int, now: Callable[[], dt.datetime], end: dt.date = END
) -> Iterator[Event]:
    """What the same accounts do after the book, without end and without ticks, dated at the caller's `now`.

    The caller sets the pace: one event is made each time one is asked for, stamped with `now()` (an aware
    datetime), its own dates moved by as many days as its `occurred_at`. So a payment that the simulation makes in three
    weeks settles its invoice today: balances are right, days to pay come out shorter than in the book.
    It runs through the book once before its first event.
    """
    first, last = span(months, end)
    for day, events in _all_days(accounts, seed, first.toordinal(), last.toordinal()):
        if day <= last.toordinal():
            continue
        for event in events[:-1]:
            at = now().astimezone(dt.UTC)
            yield _moved(event, at, at.date().toordinal() - day)


def _moved(event: Event, at: dt.datetime, by: int) -> Event:
    stamp = at.isoformat(timespec="microseconds").replace("+00:00", "Z")
    moved = event | {"occurred_at": stamp}
    if "published_at" in moved:
        moved["published_at"] = stamp
    for name in _DATES:
        if name in moved:
            moved[name] = text(dt.date.fromisoformat(moved[name]).toordinal() + by)
    return moved


def _all_days(accounts: int, seed: int, first: int, last: int) -> Iterator[tuple[int, list[Event]]]:
    """Day after day without end, from `first`; the plans are drawn for a book that ends at `last`."""
    wheel: dict[int, list[Life]] = {}  # week of the book -> the accounts that wake in it
    for index in range(accounts):
        life = Life(draw(index, seed, first, last), seed, outside.begin)
        wheel.setdefault((life.plan.joins - first) // 7, []).append(life)
    random = Random(f"bellwether/{seed}/rates")
    rates = {currency: start for currency, (start, _) in _RATES.items()}
    for week in count():
        start = first + 7 * week
        emitted: list[Emitted] = []
        # A week at a time: a fifth faster than going round the accounts daily
        for life in wheel.pop(week, ()):
            awake = life.run(start + 6, emitted)
            wheel.setdefault((awake - first) // 7, []).append(life)
        emitted.sort()  # by second, account and number: no two are equal, so events are never compared
        place = 0
        for day in range(start, start + 7):
            until = bisect_left(emitted, ((day + 1) * DAY,), place)
            events = [event for _, _, _, event in emitted[place:until]]
            place = until
            for currency, (_, daily) in _RATES.items():
                rates[currency] *= 1 + random.gauss(0.0, daily)
            events.append(_tick(day, rates))
            yield day, events


def _tick(day: int, rates: dict[str, float]) -> Event:
    as_of = text(day)
    return {
        "event_id": f"tick-{as_of}",
        "type": "clock.ticked",
        "occurred_at": f"{as_of}T23:59:59Z",
        "source": "simulate",
        "as_of": as_of,
        "rates": {"USD": "1", **{currency: f"{rate:.6f}" for currency, rate in rates.items()}},
    }


def truth_path(events: Path) -> Path:
    """Where the truth about a file of events stands: book.jsonl -> book.truth.jsonl."""
    if events.suffix != ".jsonl" or events.name.endswith(".truth.jsonl"):
        raise Refused(f"--to {events}: the file of events has to end in .jsonl, for example book.jsonl")
    return events.with_name(f"{events.stem}.truth.jsonl")


def write_book(
    to: Path,
    accounts: int,
    months: int,
    seed: int,
    on_day: Callable[[], object] | None = None,
) -> tuple[int, int]:
    """Write the events to `to` and the truth beside it; (events, bad accounts). `on_day` is called after each day.

    Each file appears whole under its name or not at all; what stood there is replaced.
    """
    beside = truth_path(to)
    events = bad = 0
    collecting = gc.isenabled()
    gc.disable()  # a book makes next to no cyclic garbage, and looking for it costs a fifth of the time
    try:
        with written_whole(to) as file, written_whole(beside) as beside_it:
            for _, of_day in days(accounts, months, seed):
                file.write(
                    b"".join([orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in of_day])
                )
                events += len(of_day)
                if on_day is not None:
                    on_day()
            for truth in truths(accounts, months, seed):
                beside_it.write(orjson.dumps(truth, option=orjson.OPT_APPEND_NEWLINE))
                bad += truth["bad"]
            file.flush()  # before either has its name: a truth must not stand beside another book
    except OSError as error:
        raise Refused(f"--to {to}: the book can not be written there ({error.strerror})") from error
    finally:
        if collecting:
            gc.enable()
    return events, bad

"""The smallest change that would clear an alert, or make a trigger fire, found by asking the trigger's own predicates.

A change is a supposition: one figure moved, or one more fact on file, all else as it is. Nothing here decides; what each
trigger asks is agents/conditions.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import orjson

from agents import behaviour, triggers
from agents.conditions import all_met, conditions, shown
from agents.formulas import Unit
from agents.ledger import Ledger
from agents.lines import lines
from agents.policy import months_after
from agents.signals import Filing, Signals
from agents.triggers import BookTotals, Trigger, View
from schemas.events import parse
from schemas.money import text


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


class Change(NamedTuple):
    """A figure moved from `now` to `then`, and the sentence for it. Money in minor units."""

    figure: str
    unit: Unit
    now: float
    then: float
    words: str
    view: View  # as it would be
    short: View | None  # as it would be one step short of it; None where no step is needed


MakeLever = Callable[[View], Lever | None]


def clearing(trigger: Trigger, view: View) -> list[Change]:
    """The smallest changes each of which, all else fixed, would clear the alert; the first is the plainest.

    `view.kept` is what the alert keeps. Empty: the alert would clear as it is, or nothing that one figure does clears it.
    """

    def clear(supposed: View) -> bool:
        return trigger.clears(supposed) and trigger.fires(supposed) is None

    if clear(view):
        return []
    found = []
    for make in _CLEARING[trigger.id]:
        lever = make(view)
        step = None if lever is None else _first(lever, clear)
        if lever is not None and step is not None:
            found.append(_change(lever, step))
    return found


def firing(trigger: Trigger, view: View) -> list[Change]:
    """The smallest changes that, all of them together, would make the trigger fire: one for each condition not met.

    Empty where it fires already, or where what is missing no single figure can bring (a baseline, a rate).
    """
    supposed = view
    changes: list[Change] = []
    for figure, make in _FIRING[trigger.id]:
        if all_met(conditions(trigger.id, supposed)):
            break
        if _met(trigger.id, figure, supposed):
            continue
        lever = make(supposed)
        step = None if lever is None else _first(lever, _meeting(trigger.id, figure))
        if lever is None or step is None:
            continue
        changes.append(_change(lever, step))
        supposed = changes[-1].view
    return changes if changes and trigger.fires(supposed) is not None else []


def _met(trigger_id: str, figure: str, view: View) -> bool:
    return all(condition.met for condition in conditions(trigger_id, view) if condition.figure == figure)


def _meeting(trigger_id: str, figure: str) -> Callable[[View], bool]:
    return lambda view: _met(trigger_id, figure, view)


def _change(lever: Lever, step: int) -> Change:
    now, then = lever.start / lever.scale, step / lever.scale
    if lever.scale == 1:
        now, then = lever.start, step
    short = None
    if step != lever.start:
        short = lever.at(step - 1 if step > lever.start else step + 1)
    return Change(lever.figure, lever.unit, now, then, lever.says(step), lever.at(step), short)


def _first(lever: Lever, reached: Callable[[View], bool]) -> int | None:
    """The step nearest to the start that reaches, by bisection: what is reached stays so towards the end."""
    if reached(lever.at(lever.start)):
        return lever.start
    if lever.start == lever.end or not reached(lever.at(lever.end)):
        return None
    short, far = lever.start, lever.end
    while abs(far - short) > 1:
        middle = (short + far) // 2
        if reached(lever.at(middle)):
            far = middle
        else:
            short = middle
    return far


# --- Views that are supposed --------------------------------------------------------------------------------

_MOST: Final = 10**15  # minor units: beyond every balance
_LONGEST: Final = 3650  # days ahead that are looked at


def _supposed(
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


def _reported(view: View, *facts: dict[str, Any]) -> View:
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
        signals.apply(parse(orjson.dumps(body)), view.today, view.policy)
    return _supposed(view, signals=signals)


def _money(view: View, minor: int) -> str:
    return shown(minor, "money", view.figures.currency, view.policy.base_currency)


def _iso(day: int) -> str:
    return date.fromordinal(day).isoformat()


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


# --- One figure moved ----------------------------------------------------------------------------------------


def _hundredths(figure: str, end: float, what: str) -> MakeLever:
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
            lambda step: _supposed(view, {figure: step / 100}),
            lambda step: f"{what} {value:.2f} → {step / 100:.2f}",
        )

    return make


def _count(figure: str, end: int, says: Callable[[View, int], str]) -> MakeLever:
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
            lambda step: _supposed(view, {figure: step}),
            lambda step: says(view, step),
        )

    return make


def _exposed(view: View, exposure: int) -> View:
    """Another exposure, and what follows from it."""
    figures = view.figures
    limit = figures.credit_limit
    used = exposure / limit if limit else None
    rising = used is not None and used > (figures.utilization_28d_ago or 0.0)
    balance = figures.open_balance + exposure - figures.exposure
    return _supposed(
        view, {"exposure": exposure, "utilization": used, "rising": rising, "open_balance": balance}
    )


def _less_exposure(view: View) -> Lever:
    now = view.figures.exposure
    return Lever(
        "exposure",
        "money",
        1,
        now,
        0,
        lambda step: _exposed(view, step),
        lambda step: f"{_money(view, now - step)} paid, credited or secured (exposure {_money(view, now)})",
    )


def _more_exposure(view: View) -> Lever:
    now = view.figures.exposure
    return Lever(
        "exposure",
        "money",
        1,
        now,
        _MOST,
        lambda step: _exposed(view, step),
        lambda step: f"{_money(view, step - now)} more of orders or invoices (exposure {_money(view, now)})",
    )


def _higher_limit(view: View) -> Lever:
    now = view.figures.credit_limit or 0
    exposure = view.figures.exposure

    def at(step: int) -> View:
        return _supposed(view, {"credit_limit": step, "utilization": exposure / step if step else None})

    def says(step: int) -> str:
        if step == 1:
            return f"a credit limit, however small; {_money(view, exposure)} would cover the exposure"
        return f"a credit limit of {_money(view, step)} (now {_money(view, now) if now else 'none'})"

    return Lever("credit_limit", "money", 1, now, _MOST, at, says)


def _paid(figure: str, days: int) -> MakeLever:
    """Cash on the invoices more than so many days past due, the oldest first: it leaves balance and exposure too."""

    def make(view: View) -> Lever:
        figures = view.figures

        def at(step: int) -> View:
            lower = {
                name: amount - min(step, max(0, amount))
                for name in ("past_due", "past_due_over_10", "past_due_61", "past_due_91")
                if (amount := getattr(figures, name)) is not None
            }
            supposed = _exposed(view, max(0, figures.exposure - step))
            return _supposed(supposed, {**lower, "open_balance": figures.open_balance - step})

        owed = getattr(figures, figure)
        older = f"{days} or more days past due" if days != 10 else "more than 10 days past due"
        return Lever(
            figure,
            "money",
            1,
            0,
            max(0, owed),
            at,
            lambda step: f"{_money(view, step)} paid on the invoices {older} ({_money(view, owed)})",
        )

    return make


def _aged(figure: str, days: int) -> MakeLever:
    """More of what is owed grows so old; the balance stays."""

    def make(view: View) -> Lever:
        now = getattr(view.figures, figure)
        older = f"{days} days" if days != 10 else "more than 10 days"
        return Lever(
            figure,
            "money",
            1,
            now,
            max(now, view.figures.open_balance),
            lambda step: _supposed(view, {figure: step}),
            lambda step: f"{_money(view, step - now)} more of the balance {older} past due",
        )

    return make


def _bought(end: Callable[[int], int], way: str) -> MakeLever:
    def make(view: View) -> Lever:
        now = view.figures.purchases_30d
        days = view.policy.figures.purchases_days
        return Lever(
            "purchases_30d",
            "money",
            1,
            now,
            end(now),
            lambda step: _supposed(view, {"purchases_30d": step}),
            lambda step: (
                f"{_money(view, abs(step - now))} {way} invoiced in {days} days ({_money(view, now)})"
            ),
        )

    return make


_LESS_BOUGHT: Final = _bought(lambda now: min(now, 0), "less")
_MORE_BOUGHT: Final = _bought(lambda now: max(now, _MOST), "more")


def _disputed(end: Callable[[View], int], says: str) -> MakeLever:
    def make(view: View) -> Lever:
        now = view.figures.disputed
        return Lever(
            "disputed",
            "money",
            1,
            now,
            end(view),
            lambda step: _supposed(view, {"disputed": step}),
            lambda step: says.format(_money(view, abs(step - now)), _money(view, now)),
        )

    return make


def _settled(view: View) -> Lever | None:
    """Paying what is late enough to surprise; its figure is how late the latest may be."""
    now, rule = view.figures.max_days_past_due, view.policy.triggers.overdue_surprise
    if now is None:
        return None

    def says(step: int) -> str:
        late = f"no invoice more than {step} days past due (now {now})"
        if isinstance(view.ledger, Ledger):
            owed = sum(amount for _, _, _, amount in view.ledger.past_due(view.today, step))
            return f"{_money(view, owed)} paid: {late}"
        return late

    return Lever(
        "max_days_past_due",
        "days",
        1,
        now,
        0,
        lambda step: _supposed(
            view,
            {
                "max_days_past_due": step,
                "overdue_surprise": view.figures.overdue_surprise if step >= rule.days_past_due else None,
            },
        ),
        says,
    )


def _last_month(view: View) -> Lever | None:
    months = view.figures.dtp_months
    last = months[3]
    if last is None:
        return None
    return Lever(
        "dtp_months",
        "days",
        100,
        math.floor(last * 100),
        0,
        lambda step: _supposed(view, {"dtp_months": (*months[:3], step / 100)}),
        lambda step: f"a full month's days to pay of {step / 100:.2f} or less (last month {last:.2f})",
    )


def _later_last_month(view: View) -> Lever | None:
    months = view.figures.dtp_months
    last = months[3]
    if last is None:
        return None
    return Lever(
        "dtp_months",
        "days",
        100,
        math.ceil(last * 100),
        100_000,
        lambda step: _supposed(view, {"dtp_months": (*months[:3], step / 100)}),
        lambda step: f"the last full month's days to pay {last:.2f} → {step / 100:.2f}",
    )


def _discounts(took: bool) -> MakeLever:
    def make(view: View) -> Lever:
        taken = view.figures.discounts_taken
        words = "taken" if took else "not taken"
        return Lever(
            "discounts_taken",
            "count",
            1,
            0,
            8,
            lambda step: _supposed(view, {"discounts_taken": (*taken, *(took,) * step)[-8:]}),
            lambda step: f"{_counted(step, 'discount')} more {words}",
        )

    return make


def _share_of_book(end: int) -> MakeLever:
    def make(view: View) -> Lever | None:
        now = view.figures.exposure_base
        if now is None:
            return None
        base = view.policy.base_currency

        def says(step: int) -> str:
            by = shown(abs(step - now), "base", None, base)
            way = "paid, credited or secured" if step < now else "more exposure"
            return f"{by} {way} (exposure {shown(now, 'base', None, base)}), the book as it is"

        return Lever(
            "exposure_base", "base", 1, now, end, lambda step: _supposed(view, {"exposure_base": step}), says
        )

    return make


def _more_accounts(view: View) -> Lever | None:
    book = view.book
    if book is None:
        return None
    return Lever(
        "book_accounts",
        "count",
        1,
        book.accounts,
        1000,
        lambda step: _supposed(view, book=book._replace(accounts=step)),
        lambda step: f"{step:,} accounts in the book (now {book.accounts:,})",
    )


def _agreeing(view: View) -> Lever | None:
    figures = view.figures
    if figures.drift_agrees is None:
        return None
    value, level = figures.drift_statistic, figures.drift_limit
    told = "" if value is None or level is None else f" (statistic {value:.2f}, its limit {level:.2f})"
    return Lever(
        "drift_agrees",
        "flag",
        1,
        int(figures.drift_agrees),
        1,
        lambda step: _supposed(view, {"drift_agrees": bool(step)}),
        lambda step: f"the {figures.drift_test} test agreeing{told}",
    )


def _older_history(view: View) -> Lever | None:
    first = view.figures.first_invoice_on
    if first is None:
        return None
    return Lever(
        "history_days",
        "days",
        1,
        view.today - first,
        view.today - first + _LONGEST,
        lambda step: _supposed(view, {"first_invoice_on": view.today - step}),
        lambda step: f"time: {step:,} days of history on {_iso(first + step)}",
    )


# --- Time ------------------------------------------------------------------------------------------------------


def _on_day(figure: str, unit: Unit, what: str) -> MakeLever:
    """Nothing new happens and time passes."""

    def make(view: View) -> Lever:
        supposed = view.signals.copy()
        return Lever(
            figure,
            unit,
            1,
            view.today,
            view.today + _LONGEST,
            lambda step: _supposed(view, today=step, signals=supposed),
            lambda step: f"time: {what} on {_iso(step)}, if nothing new comes",
        )

    return make


def _no_reversal(view: View, step: int) -> str:
    days = view.policy.figures.reversals_days
    if isinstance(view.ledger, Ledger):
        rows = view.ledger.reversals(view.today - days + 1, view.today)
        if rows:
            return f"no further return until {_iso(rows[-1][0] + days)}, {days} days after the last one"
    return f"{days} days without a returned payment"


def _no_broken_promise(view: View, step: int) -> str:
    rule = view.policy.figures
    days = rule.promises_recent_days
    ledger = view.ledger
    if isinstance(ledger, Ledger):
        share = rule.promise_kept_share.as_integer_ratio()
        broken = behaviour.promises_broken(
            ledger,
            lines(ledger.totals, rule.pay_index),
            view.today - days,
            view.today,
            rule.promise_grace_business_days,
            view.policy.holidays_of(ledger.country),
            share,
            view.rates,
        )
        if broken:
            return (
                f"no further broken promise until {_iso(max(broken) + days)}, {days} days after the last one"
            )
    return f"{days} days without a broken promise"


# --- Facts on file --------------------------------------------------------------------------------------------


def _recovered_score(view: View) -> Lever | None:
    """Every agency's newest within so many tenths of a point of its best, and its best class again."""
    reports = [
        (report, points or 0.0, classes or 0)
        for report in view.signals.reports(view.today, view.policy)
        for points, classes in (triggers.agency_fall(report, view),)
    ]
    fallen = [row for row in reports if row[1] > 0 or row[2] > 0]
    if not fallen:
        return None

    def told(step: int) -> list[tuple[str, float | None, str | None]]:
        rows = []
        for report, points, classes in fallen:
            best = report.best_score
            score = None if best is None else max(0.0, best - min(points, step / 10))
            rating = report.rating_class
            if classes > 0 and report.best_rank is not None:
                rating = view.policy.bureau.agencies[report.agency].classes[report.best_rank]
            rows.append((report.agency, score, rating))
        return rows

    def at(step: int) -> View:
        return _reported(
            view,
            *(
                {
                    "type": "bureau.reported",
                    "agency": agency,
                    "reported_on": _iso(view.today),
                    **(
                        {}
                        if score is None
                        else {"score": score, "scale_min": 0, "scale_max": 100, "higher_is_better": True}
                    ),
                    **({} if rating is None else {"rating_class": rating}),
                }
                for agency, score, rating in told(step)
            ),
        )

    def says(step: int) -> str:
        parts = []
        for (agency, score, rating), (report, _, _) in zip(told(step), fallen, strict=True):
            words = agency
            if score is not None and report.score is not None:
                words += f" at {score:.1f} of 100 or better (now {report.score:.1f})"
            if rating is not None and rating != report.rating_class:
                words += f", rating class {rating} (now {report.rating_class})"
            parts.append(words)
        return "; ".join(parts)

    worst = max(points for _, points, _ in fallen)
    return Lever("fall_points", "points", 10, math.floor(worst * 10), 0, at, says)


def _fallen_score(view: View) -> Lever | None:
    scored = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if report.score is not None and report.best_score is not None
    ]
    if not scored:
        return None
    report = min(scored, key=lambda r: (r.score or 0.0) - (r.best_score or 0.0))
    best, now = report.best_score or 0.0, report.score or 0.0

    def at(step: int) -> View:
        return _reported(
            view,
            {
                "type": "bureau.reported",
                "agency": report.agency,
                "reported_on": _iso(view.today),
                "score": max(0.0, best - step / 10),
                "scale_min": 0,
                "scale_max": 100,
                "higher_is_better": True,
            },
        )

    return Lever(
        "fall_points",
        "points",
        10,
        math.ceil(max(0.0, best - now) * 10),
        1000,
        at,
        lambda step: f"{report.agency} at {max(0.0, best - step / 10):.1f} of 100 or worse (now {now:.1f})",
    )


def _fallen_class(view: View) -> Lever | None:
    agencies = view.policy.bureau.agencies
    known = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if report.best_rank is not None and report.class_rank is not None
    ]
    if not known:
        return None
    report = known[0]
    ranks, best, now = agencies[report.agency].classes, report.best_rank or 0, report.class_rank or 0

    def at(step: int) -> View:
        fact = {"type": "bureau.reported", "agency": report.agency, "reported_on": _iso(view.today)}
        return _reported(view, {**fact, "rating_class": ranks[best + step]})

    def says(step: int) -> str:
        return f"{report.agency} at rating class {ranks[best + step]} or worse (now {report.rating_class})"

    return Lever("fall_classes", "count", 1, now - best, len(ranks) - 1 - best, at, says)


def _restored_limit(view: View) -> Lever | None:
    """What every agency's newest recommended limit may be short of its best, in minor units of that limit."""
    cut = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if (share := triggers.agency_cut(report, view)) is not None and share > 0
    ]
    if not cut:
        return None

    def limits(step: int) -> list[tuple[str, int, str, int]]:
        rows = []
        for report in cut:
            best, now = report.best_limit or 0, report.stated_limit or 0
            currency = report.stated_currency or view.policy.base_currency
            rows.append((report.agency, max(now, best - step), currency, now))
        return rows

    def at(step: int) -> View:
        return _reported(
            view,
            *(
                {
                    "type": "bureau.reported",
                    "agency": agency,
                    "reported_on": _iso(view.today),
                    "recommended_limit": text(limit, currency),
                    "currency": currency,
                }
                for agency, limit, currency, _ in limits(step)
            ),
        )

    def says(step: int) -> str:
        return "; ".join(
            f"{agency} recommending {shown(limit, 'money', currency, currency)} again (now "
            f"{shown(now, 'money', currency, currency)})"
            for agency, limit, currency, now in limits(step)
        )

    short = max((report.best_limit or 0) - (report.stated_limit or 0) for report in cut)
    return Lever("cut", "money", 1, short, 0, at, says)


def _lowered_limit(view: View) -> Lever | None:
    known = [
        report
        for report in view.signals.reports(view.today, view.policy)
        if triggers.agency_cut(report, view) is not None
    ]
    if not known:
        return None
    report = known[0]
    now, currency = report.stated_limit or 0, report.stated_currency or view.policy.base_currency

    def at(step: int) -> View:
        return _reported(
            view,
            {
                "type": "bureau.reported",
                "agency": report.agency,
                "reported_on": _iso(view.today),
                "recommended_limit": text(step, currency),
                "currency": currency,
            },
        )

    return Lever(
        "cut",
        "money",
        1,
        now,
        0,
        at,
        lambda step: (
            f"{report.agency} recommending {shown(step, 'money', currency, currency)} or less (now "
            f"{shown(now, 'money', currency, currency)})"
        ),
    )


def _ended_filings(trigger_id: str, found: Callable[[View], list[Filing]]) -> MakeLever:
    """So many of the filings, the greatest claims first, ended as the policy says; discharges end stories of courts too."""

    def make(view: View) -> Lever | None:
        ends = getattr(view.policy.triggers, trigger_id).clears_on
        filings = sorted(found(view), key=lambda f: -1 if f.amount is None else -f.amount)
        stories = trigger_id == "insolvency" and len(filings) < len(triggers.insolvency_events(view))
        count = len(filings) or int(stories)
        if not count:
            return None

        def at(step: int) -> View:
            facts = [
                {
                    "type": "bureau.filed",
                    "filing_id": filing.filing_id,
                    "kind": filing.kind,
                    "filed_on": _iso(view.today),
                    "status": ends[0],
                }
                for filing in filings[:step]
            ]
            if stories and not filings and step:
                facts = [
                    {
                        "type": "bureau.filed",
                        "filing_id": "~supposed",
                        "kind": "insolvency",
                        "filed_on": _iso(view.today),
                        "status": ends[0],
                    }
                ]
            return _reported(view, *facts)

        def says(step: int) -> str:
            named = ", ".join(f"{filing.kind} {filing.filing_id}" for filing in filings[:step])
            return f"{named or 'the proceedings'} {' or '.join(ends)}"

        return Lever("filings", "count", 1, 0, count, at, says)

    return make


def _filed(kind: str, amount: bool, figure: str) -> MakeLever:
    def make(view: View) -> Lever:
        base = view.policy.base_currency

        def at(step: int) -> View:
            if not step:
                return view
            fact = {
                "type": "bureau.filed",
                "filing_id": "~supposed",
                "kind": kind,
                "filed_on": _iso(view.today),
                "status": "filed",
            }
            return _reported(view, fact | ({"amount": text(step, base), "currency": base} if amount else {}))

        def says(step: int) -> str:
            if not amount:
                return (
                    "one registered" if kind == "charge" else "proceedings opened, by a registry or a court"
                )
            return (
                f"a lien, judgment or suit of {shown(step, 'base', None, base)} or more, or of unknown amount"
            )

        return Lever(figure, "base" if amount else "count", 1, 0, _MOST if amount else 1, at, says)

    return make


def _cleared_matches(view: View) -> Lever | None:
    matches = view.signals.matches(view.today)
    if not matches:
        return None

    def at(step: int) -> View:
        return _reported(
            view,
            *(
                {
                    "type": "screening.reported",
                    "match_id": match.match_id,
                    "list": match.list,
                    "status": "cleared",
                    "actor": "somebody",
                }
                for match in matches[:step]
            ),
        )

    def says(step: int) -> str:
        return f"match {', '.join(match.match_id for match in matches[:step])} cleared by a person"

    return Lever("matches", "count", 1, 0, len(matches), at, says)


def _matched(view: View) -> Lever:
    fact = {"type": "screening.reported", "match_id": "~supposed", "list": "any list", "status": "possible"}
    return Lever(
        "matches",
        "count",
        1,
        0,
        1,
        lambda step: _reported(view, fact) if step else view,
        lambda step: "a possible or confirmed match on any list",
    )


def _recovered_relations(view: View) -> Lever | None:
    least = view.policy.triggers.related_party_distress.their_severity
    found = sorted(
        (d for d in view.signals.distress(view.today) if d.severity >= least), key=lambda d: -d.severity
    )
    if not found:
        return None

    def at(step: int) -> View:
        return _reported(
            view,
            *(
                {
                    "type": "related.recovered",
                    "related_account_id": d.related_account_id,
                    "alert_id": d.alert_id,
                    "severity": d.severity,
                }
                for d in found[:step]
            ),
        )

    def says(step: int) -> str:
        return f"the alerts of {', '.join(dict.fromkeys(d.related_account_id for d in found[:step]))} cleared"

    return Lever("related", "count", 1, 0, len(found), at, says)


def _related(view: View) -> Lever:
    fact = {"type": "related.distressed", "related_account_id": "~supposed", "alert_id": "~supposed"}
    return Lever(
        "related_severity",
        "count",
        1,
        0,
        5,
        lambda step: _reported(view, {**fact, "severity": step}) if step else view,
        lambda step: f"an open alert of severity {step} or more at the parent or a sibling",
    )


def _newer_statement(view: View) -> Lever | None:
    statement = view.signals.statement(view.today, view.policy)
    if statement is None:
        return None

    def at(step: int) -> View:
        fact = {
            "type": "statement.filed",
            "statement_id": "~supposed",
            "period_end": _iso(step),
            "months": 12,
            "currency": statement.currency,
            "figures": {},
        }
        return _reported(view, fact)

    return Lever(
        "period_end",
        "date",
        1,
        statement.period_end,
        view.today,
        at,
        lambda step: (
            f"a statement for a period that ended on {_iso(step)} or later (now {_iso(statement.period_end)})"
        ),
    )


def _stale_day(view: View) -> Lever | None:
    statement = view.signals.statement(view.today, view.policy)
    if statement is None:
        return None
    stale = months_after(statement.period_end, view.policy.statements.stale_months)
    supposed = view.signals.copy()
    return Lever(
        "stale_after",
        "date",
        1,
        view.today,
        max(view.today, stale + 1),
        lambda step: _supposed(view, today=step, signals=supposed),
        lambda step: f"time: the statement is stale on {_iso(step)}, if no newer one comes",
    )


def _demanding_tier(view: View) -> Lever | None:
    tiers = [
        name for name in ("low", "medium", "high") if getattr(view.policy.tiers, name).demands_statements
    ]
    if not tiers:
        return None
    return Lever(
        "tier",
        "text",
        1,
        0,
        1,
        lambda step: _supposed(view, tier=tiers[0] if step else view.tier),
        lambda step: f"tier {' or '.join(tiers)} (now {view.tier or 'none'}), which demands statements",
    )


def _published(view: View) -> Lever:
    """A story of that severity from a source of default trust, published today, surely about the account."""
    rule = view.policy.news
    by_severity: dict[int, str] = {}
    for name, category in rule.categories.items():
        if name != "litigation":
            by_severity.setdefault(category.severity, name)
    steps = sorted(by_severity)

    def at(step: int) -> View:
        if not step:
            return view
        fact = {
            "type": "news.published",
            "article_id": "~supposed",
            "headline": "~supposed",
            "url": "https://supposed.example/",
            "domain": "supposed.example",
            "published_at": f"{_iso(view.today)}T00:00:00Z",
            "category": by_severity[steps[step - 1]],
        }
        return _reported(view, fact)

    return Lever(
        "news_score",
        "points",
        1,
        0,
        len(steps),
        at,
        lambda step: (
            f"a story of severity {steps[step - 1]} or more in a source of trust {rule.default_trust:g}"
        ),
    )


def _open_insolvencies(view: View) -> list[Filing]:
    return triggers.open_filings(view, "insolvency", view.policy.triggers.insolvency.clears_on)


def _open_charges(view: View) -> list[Filing]:
    return triggers.open_filings(view, "charge", view.policy.triggers.new_charge.clears_on)


# --- The tables -------------------------------------------------------------------------------------------------

_PAYS_SOONER: Final = _hundredths("dtp_90d", 0.0, "days to pay")
_CLEARING: Final[dict[str, tuple[MakeLever, ...]]] = {
    "payment_drift_severe": (_PAYS_SOONER,),
    "payment_drift": (_PAYS_SOONER,),
    "slipping_each_month": (_last_month,),
    "overdue_surprise": (_settled,),
    "past_due_share": (_paid("past_due_over_10", 10),),
    "seriously_past_due": (_paid("past_due_61", 61),),
    "delinquent": (_paid("past_due_91", 91),),
    "utilization_high": (_less_exposure, _higher_limit),
    "over_limit": (_less_exposure, _higher_limit),
    "exposure_without_limit": (_higher_limit,),
    "order_surge": (_LESS_BOUGHT, _hundredths("dbt_90d", -365.0, "days beyond terms")),
    "purchases_collapse": (_MORE_BOUGHT,),
    "new_high_credit": (_less_exposure,),
    "payment_reversed": (_count("reversals_90d", 0, _no_reversal),),
    "promise_broken": (_count("promises_broken_60d", 0, _no_broken_promise),),
    "partial_payments": (
        _count(
            "partial_of_last_5",
            0,
            lambda view, step: (
                f"at most {step} of the last five paid invoices paid in parts (now "
                f"{view.figures.partial_of_last_5})"
            ),
        ),
    ),
    "dispute_spike": (_disputed(lambda view: 0, "{} of the disputes resolved (disputed {})"),),
    "discounts_abandoned": (_discounts(True),),
    "bureau_downgrade": (_recovered_score,),
    "agency_limit_cut": (_restored_limit,),
    "legal_filing": (_ended_filings("legal_filing", triggers.open_legal),),
    "new_charge": (_ended_filings("new_charge", _open_charges),),
    "adverse_news": (_on_day("news_score", "date", "the story has faded"),),
    "insolvency": (_ended_filings("insolvency", _open_insolvencies),),
    "sanctions_match": (_cleared_matches,),
    "statements_stale": (_newer_statement,),
    "related_party_distress": (_recovered_relations,),
    "concentration": (_share_of_book(0),),
}

_DRIFTS: Final[tuple[tuple[str, MakeLever], ...]] = (
    ("dtp_90d", _hundredths("dtp_90d", 1000.0, "days to pay")),
    ("dbt_90d", _hundredths("dbt_90d", 1000.0, "days beyond terms")),
    ("drift_agrees", _agreeing),
)
_MORE_INVOICES: Final = _count(
    "invoices_prior_90d",
    100,
    lambda view, step: (
        f"{step} invoices in the {view.policy.figures.purchases_prior_days} days before (now "
        f"{view.figures.invoices_prior_90d})"
    ),
)
_FIRING: Final[dict[str, tuple[tuple[str, MakeLever], ...]]] = {
    "payment_drift_severe": _DRIFTS,
    "payment_drift": _DRIFTS,
    "slipping_each_month": (("rise_days", _later_last_month), ("rises_in_a_row", _later_last_month)),
    "overdue_surprise": (),
    "past_due_share": (("past_due_share", _aged("past_due_over_10", 10)),),
    "seriously_past_due": (("past_due_61_net", _aged("past_due_61", 61)),),
    "delinquent": (("past_due_91_net", _aged("past_due_91", 91)),),
    "utilization_high": (("utilization", _more_exposure), ("rising", _more_exposure)),
    "over_limit": (("utilization", _more_exposure),),
    "exposure_without_limit": (("exposure", _more_exposure),),
    "order_surge": (
        ("invoices_prior_90d", _MORE_INVOICES),
        ("growth", _MORE_BOUGHT),
        ("dbt_over_baseline", _hundredths("dbt_90d", 1000.0, "days beyond terms")),
    ),
    "purchases_collapse": (("invoices_prior_90d", _MORE_INVOICES), ("growth", _LESS_BOUGHT)),
    "new_high_credit": (
        ("open_balance", _more_exposure),
        ("utilization", _more_exposure),
        ("history_days", _older_history),
    ),
    "payment_reversed": (
        ("reversals_90d", _count("reversals_90d", 1, lambda view, step: "a payment returned")),
    ),
    "promise_broken": (
        ("promises_broken_60d", _count("promises_broken_60d", 1, lambda view, step: "a promise broken")),
    ),
    "partial_payments": (
        (
            "partial_of_last_5",
            _count(
                "partial_of_last_5",
                5,
                lambda view, step: (
                    f"{step} of the last five paid invoices paid in parts (now "
                    f"{view.figures.partial_of_last_5})"
                ),
            ),
        ),
    ),
    "dispute_spike": (
        ("disputed", _disputed(lambda view: _MOST, "{} more disputed (now {})")),
        ("disputed_share", _disputed(lambda view: _MOST, "{} more disputed (now {})")),
    ),
    "discounts_abandoned": (("missed_in_a_row", _discounts(False)),),
    "bureau_downgrade": (("fall_points", _fallen_score), ("fall_classes", _fallen_class)),
    "agency_limit_cut": (("cut", _lowered_limit),),
    "legal_filing": (("amount_base", _filed("suit", True, "amount_base")),),
    "new_charge": (("charges", _filed("charge", False, "charges")),),
    "adverse_news": (("news_score", _published),),
    "insolvency": (("events", _filed("insolvency", False, "events")),),
    "sanctions_match": (("matches", _matched),),
    "statements_stale": (("tier", _demanding_tier), ("stale_after", _stale_day)),
    "related_party_distress": (("related_severity", _related),),
    "concentration": (("book_accounts", _more_accounts), ("share_of_book", _share_of_book(_MOST))),
}
"""Trigger -> what meets a condition, by the condition's figure, in the order in which they are tried."""

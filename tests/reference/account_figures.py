"""The figures of domain section 1 over a plain list of facts: slow, obvious, written from the text and not from agents/.

It keeps nothing, indexes nothing and looks at everything again for every figure and every day. Rates are looked up in
agents.rates.Rates, which has tests of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, timedelta
from fractions import Fraction
from itertools import pairwise
from statistics import NormalDist, median
from typing import Any
from zoneinfo import ZoneInfo

from agents.rates import Rates
from schemas.money import minor

SECURITY = {"letter_of_credit", "deposit", "insurance"}
NATURAL_ID = {
    "invoice.issued": "invoice_id",
    "invoice.credited": "memo_id",
    "invoice.disputed": "dispute_id",
    "dispute.resolved": "dispute_id",
    "invoice.written_off": "invoice_id",
    "invoice.voided": "invoice_id",
    "order.booked": "order_id",
    "payment.received": "payment_id",
    "payment.promised": "promise_id",
    "security.recorded": "security_id",
}
OWN_DATE = {
    "invoice.issued": "invoice_date",
    "payment.received": "paid_on",
    "payment.reversed": "reversed_on",
}
MONEY_FACTS = {
    "invoice.issued",
    "invoice.credited",
    "order.booked",
    "payment.received",
    "payment.promised",
    "payment.scheduled",
    "security.recorded",
    "account.limit_set",
}
POINTS = [
    (-30, 100),
    (-20, 90),
    (0, 80),
    (15, 70),
    (22, 60),
    (30, 50),
    (60, 40),
    (90, 30),
    (120, 20),
    (150, 0),
]


class Fact:
    """One fact after repeats and corrections are settled."""

    def __init__(self, event: Any, order: tuple[int, str], day: int) -> None:
        self.event = event
        self.order = order
        self.day = day


def half_even(value: Fraction) -> int:
    return round(value)


class Account:
    """All facts of one account as of a day."""

    def __init__(self, events: Iterable[Any], today: int, policy: Any, rates: Rates) -> None:
        self.today = today
        self.policy = policy
        self.rates = rates
        self.zone = ZoneInfo(policy.time_zone)
        self.events = [e for e in events if self.date_of(e) <= today]
        self.facts = self.settle()
        self.currency = self.account_currency()
        self.voided = {f.event.invoice_id for f in self.of("invoice.voided")}
        self.invoices = {
            f.event.invoice_id: f for f in self.of("invoice.issued") if f.event.invoice_id not in self.voided
        }
        self.memory: dict[tuple[str, int], dict[str, Any] | None] = {}
        self.share_memory: dict[int, dict[str, list[dict[str, Any]]]] = {}

    # -- facts

    def order_of(self, event: Any) -> tuple[int, str]:
        at = event.occurred_at.astimezone(UTC)
        since = at - at.replace(year=1970, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
        return since // timedelta(microseconds=1), event.event_id

    def date_of(self, event: Any) -> int:
        own = OWN_DATE.get(event.type)
        if own is not None:
            return int(getattr(event, own).toordinal())
        return int(event.occurred_at.astimezone(self.zone).date().toordinal())

    def settle(self) -> list[Fact]:
        groups: dict[Any, list[Any]] = {}
        for event in self.events:
            own = NATURAL_ID.get(event.type)
            key = (event.type, getattr(event, own)) if own else (event.type, event.source, event.event_id)
            groups.setdefault(key, []).append(event)
        facts = []
        for group in groups.values():
            newest = max(group, key=self.order_of)
            same = [e for e in group if content(e) == content(newest)]
            first = min(same, key=self.order_of)
            if newest.type == "invoice.issued":
                newest = self.as_issued(newest, group)
            facts.append(Fact(newest, self.order_of(first), self.date_of(first)))
        return facts

    def as_issued(self, newest: Any, group: list[Any]) -> Any:
        """What the newest leaves out of order and discount, as the newest that names it says."""
        named: dict[str, Any] = {}
        for field, with_it in (("order_id", ()), ("discount_percent", ("discount_date",))):
            naming = [e for e in group if getattr(e, field) is not None]
            if naming:
                teller = max(naming, key=self.order_of)
                named |= {name: getattr(teller, name) for name in (field, *with_it)}
        return newest.model_copy(update=named)

    def of(self, *types: str) -> list[Fact]:
        return [f for f in self.facts if f.event.type in types]

    def account_currency(self) -> str | None:
        told = self.profile("currency")
        if told is not None:
            return str(told.currency)
        money = [e for e in self.events if e.type in MONEY_FACTS and e.currency is not None]
        return min(money, key=self.order_of).currency if money else None

    def profile(self, field: str) -> Any:
        """The event that tells a field of the profile: the newest that names it; an account.updated names all, nulls too."""
        told = [e for e in self.events if e.type in ("account.opened", "account.updated")]
        naming = [e for e in told if e.type == "account.updated" or getattr(e, field) is not None]
        return max(naming, key=self.order_of) if naming else None

    # -- rates

    def factor(self, source: str, target: str | None, day: int) -> Fraction | None:
        """For a fact of `day`: the newest day before it, else the first day after that has one."""
        if source == target:
            return Fraction(1)
        assert target is not None
        for when in range(day - 1, self.today + 1):
            found = self.rates.cross(source, target, when)
            if found is not None:
                return found
        return None

    def inward(self, amount: int, source: str, target: str | None, day: int) -> int:
        found = self.factor(source, target, day)
        return 0 if found is None else half_even(amount * found)

    def newest(self, amount: int, currency: str, day: int) -> int:
        assert self.currency is not None
        found = self.rates.cross(currency, self.currency, day)
        return 0 if found is None else half_even(amount * found)

    # -- payments

    def fitting(self, type_: str, payment: Fact, day: int) -> list[Fact]:
        """Applications or reversals of a payment, less those whose decimals its currency does not have."""
        found = []
        for fact in self.of(type_):
            event = fact.event
            if event.payment_id == payment.event.payment_id and fact.day <= day:
                parts = getattr(event, "applications", None) or [event]
                texts = [t for p in parts for t in (p.amount, getattr(p, "discount", None)) if t is not None]
                if all(fits(text, payment.event.currency) for text in texts):
                    found.append(fact)
        return found

    def unfit(self) -> list[Fact]:
        """Applications and reversals that no known payment of theirs can hold."""
        out = []
        for type_ in ("payment.applied", "payment.reversed"):
            for payment in self.of("payment.received"):
                good = self.fitting(type_, payment, self.today)
                out += [
                    f
                    for f in self.of(type_)
                    if f.event.payment_id == payment.event.payment_id and f not in good
                ]
        return out

    def net_of(self, payment: Fact, day: int) -> int:
        """What was received and not reversed at the end of `day`."""
        amount = minor(payment.event.amount, payment.event.currency)
        for fact in self.fitting("payment.reversed", payment, day):
            if fact.event.amount is None:
                return 0
            amount -= minor(fact.event.amount, payment.event.currency)
        return max(0, amount)

    def shares(self, day: int) -> dict[str, list[dict[str, Any]]]:
        """Invoice -> the cash it has at the end of `day`: every application of every payment in turn, by (occurred_at,
        event_id, place), takes what it asks for, as far as its payment still has it and its invoice still needs it.

        A reversal makes the payment smaller: the unapplied part is missed first, then the last applications.
        """
        if day in self.share_memory:
            return self.share_memory[day]
        turns = []
        money = {}
        for payment in self.payments(day):
            event = payment.event
            money[event.payment_id] = self.net_of(payment, day)
            for fact in [payment, *self.fitting("payment.applied", payment, day)]:
                for place, a in enumerate(fact.event.applications or ()):
                    cash, discount = minor(a.amount, event.currency), minor(a.discount or "0", event.currency)
                    turns.append(
                        ((*fact.order, place), event.payment_id, a.invoice_id, cash, discount, event)
                    )
        room: dict[str, int] = {}
        out: dict[str, list[dict[str, Any]]] = {}
        for _, payment_id, invoice_id, asked, discount, event in sorted(turns, key=lambda t: t[:5]):
            invoice = self.standing(invoice_id, day)
            cash = min(asked, money[payment_id])
            if invoice is None or not cash:
                continue
            own = invoice.event.currency
            left = room.get(invoice_id, minor(invoice.event.amount, own))
            worth = self.inward(cash, event.currency, own, invoice.day)
            if not worth:
                continue
            taken = min(worth, left)
            granted = min(self.inward(discount, event.currency, own, invoice.day), left - taken)
            room[invoice_id] = left - taken - granted
            used = cash if taken == worth else (cash * taken * 2 + worth) // (worth * 2)
            money[payment_id] -= used
            out.setdefault(invoice_id, []).append(
                {"paid_on": event.paid_on.toordinal(), "cash": taken, "discount": granted, "used": used,
                 "payment": payment_id, "currency": event.currency}
            )  # fmt: skip
        self.share_memory[day] = out
        return out

    def payments(self, day: int) -> list[Fact]:
        return [f for f in self.of("payment.received") if f.day <= day]

    # -- invoices

    def standing(self, invoice_id: str, day: int) -> Fact | None:
        """The invoice, when it is issued, not void, and can be valued."""
        fact = self.invoices.get(invoice_id)
        if (
            fact is None
            or fact.day > day
            or self.factor(fact.event.currency, self.currency, fact.day) is None
        ):
            return None
        return fact

    def invoice_at(self, invoice_id: str, day: int) -> dict[str, Any] | None:
        """The books of an invoice, in its own currency, at the end of `day`; None when it is not there yet."""
        key = invoice_id, day
        if key not in self.memory:
            self.memory[key] = self._invoice_at(invoice_id, day)
        return self.memory[key]

    def _invoice_at(self, invoice_id: str, day: int) -> dict[str, Any] | None:
        fact = self.standing(invoice_id, day)
        if fact is None:
            return None
        own = fact.event.currency
        gross = minor(fact.event.amount, own)
        paid = self.shares(day).get(invoice_id, [])
        left = gross - sum(part["cash"] + part["discount"] for part in paid)
        memos = [
            (f.day, self.inward(minor(f.event.amount, f.event.currency), f.event.currency, own, fact.day))
            for f in self.of("invoice.credited")
            if f.event.invoice_id == invoice_id and f.day <= day
        ]
        rest = left - sum(amount for _, amount in memos)
        written = 0
        for f in self.of("invoice.written_off"):
            if f.event.invoice_id == invoice_id and f.day <= day and rest > 0:
                if f.event.amount is None:
                    written = rest
                else:
                    written = min(
                        rest,
                        self.inward(minor(f.event.amount, f.event.currency), f.event.currency, own, fact.day),
                    )
        rest -= written
        disputed = 0
        for f in self.of("invoice.disputed"):
            if f.event.invoice_id == invoice_id and f.day <= day:
                resolved = [
                    r
                    for r in self.of("dispute.resolved")
                    if r.event.dispute_id == f.event.dispute_id and r.day <= day
                ]
                if not resolved:
                    disputed += self.inward(
                        minor(f.event.amount, f.event.currency), f.event.currency, own, fact.day
                    )
        return {
            "gross": gross, "rest": rest, "paid": paid, "memos": memos, "written": written,
            "disputed": min(disputed, max(rest, 0)), "day": fact.day, "due": fact.event.due_date.toordinal(),
            "own": own, "event": fact.event,
        }  # fmt: skip

    def value(self, amount: int, book: dict[str, Any]) -> int:
        """A part of an invoice in the account's currency: its share of the whole invoice as valued at its date."""
        if book["own"] == self.currency:
            return amount
        whole = self.inward(book["gross"], book["own"], self.currency, book["day"])
        return half_even(Fraction(amount * whole, book["gross"]))

    def books(self, day: int) -> list[dict[str, Any]]:
        return [b for i in self.invoices if (b := self.invoice_at(i, day)) is not None]

    # -- balance and exposure

    def memos_on_account(self, day: int) -> list[tuple[int, int]]:
        assert self.currency is not None
        return [
            (
                f.day,
                self.inward(minor(f.event.amount, f.event.currency), f.event.currency, self.currency, f.day),
            )
            for f in self.of("invoice.credited")
            if f.event.invoice_id is None and f.day <= day
        ]

    def balance(self, day: int) -> int:
        return sum(self.value(b["rest"], b) for b in self.books(day)) - sum(
            a for _, a in self.memos_on_account(day)
        )

    def unapplied(self, day: int) -> dict[str, int]:
        out: dict[str, int] = {}
        for payment in self.payments(day):
            out[payment.event.currency] = out.get(payment.event.currency, 0) + self.net_of(payment, day)
        for book in self.books(day):
            for part in book["paid"]:
                out[part["currency"]] -= part["used"]
        return out

    def open_orders(self, day: int) -> dict[str, int]:
        out: dict[str, int] = {}
        for f in self.of("order.booked"):
            if f.day > day or f.event.amount is None:
                continue
            left = minor(f.event.amount, f.event.currency)
            for closing in self.of("order.closed"):
                if closing.event.order_id == f.event.order_id and closing.day <= day:
                    some, currency = closing.event.amount, closing.event.currency
                    if some is None:
                        left = 0
                    else:
                        left -= self.inward(minor(some, currency), currency, f.event.currency, closing.day)
            for invoice in self.invoices.values():
                if invoice.event.order_id == f.event.order_id and invoice.day <= day:
                    left -= self.inward(
                        minor(invoice.event.amount, invoice.event.currency),
                        invoice.event.currency,
                        f.event.currency,
                        invoice.day,
                    )
            out[f.event.currency] = out.get(f.event.currency, 0) + max(0, left)
        return out

    def securities(self, day: int) -> dict[str, int]:
        out: dict[str, int] = {}
        for f in self.of("security.recorded"):
            expires = f.event.expires_on
            if f.event.kind in SECURITY and f.day <= day and (expires is None or expires.toordinal() >= day):
                out[f.event.currency] = out.get(f.event.currency, 0) + minor(f.event.amount, f.event.currency)
        return out

    def total(self, amounts: dict[str, int], day: int) -> int:
        return sum(self.newest(n, c, day) for c, n in amounts.items())

    def net(self, day: int) -> dict[str, int]:
        assert self.currency is not None
        out: dict[str, int] = {}
        for f in self.of("invoice.credited"):
            if f.event.invoice_id is None and f.day <= day:
                currency = f.event.currency
                out[currency] = out.get(currency, 0) - minor(f.event.amount, currency)
        for book in self.books(day):
            out[book["own"]] = out.get(book["own"], 0) + book["rest"]
        for sign, amounts in (
            (1, self.open_orders(day)),
            (-1, self.unapplied(day)),
            (-1, self.securities(day)),
        ):
            for currency, amount in amounts.items():
                out[currency] = out.get(currency, 0) + sign * amount
        return out

    def exposure(self, day: int) -> int:
        return max(0, self.total(self.net(day), day)) if self.currency else 0

    def limit(self, day: int) -> int | None:
        found = [f for f in self.of("account.limit_set") if f.day <= day]
        if not found:
            return None
        event = max(found, key=lambda f: f.order).event
        amount = minor(event.credit_limit, event.currency)
        assert self.currency is not None
        rate = self.rates.cross(event.currency, self.currency, day)
        return None if rate is None else half_even(amount * rate)

    def utilization(self, day: int) -> float | None:
        limit = self.limit(day)
        return self.exposure(day) / limit if limit else None

    def turning_days(self, first: int, last: int) -> list[int]:
        """The days first..last on which something of the past may differ from the day before."""
        days = {first}
        for moved in self.rates._days.values():  # and the days on which a rate moved
            days.update(moved)
        for f in self.facts:
            days |= {f.day, f.day + 1}
            if f.event.type == "payment.received":
                days.add(f.event.paid_on.toordinal())
            if f.event.type == "security.recorded" and f.event.expires_on:
                days.add(f.event.expires_on.toordinal() + 1)
        return [d for d in sorted(days) if first <= d <= last]

    # -- observations

    def observations(self) -> list[dict[str, Any]]:
        """One application of cash to one invoice each."""
        return [
            {
                "paid_on": part["paid_on"],
                "amount": self.value(part["cash"], book),
                "dtp": part["paid_on"] - book["day"],
                "dbt": part["paid_on"] - book["due"],
            }
            for book in self.books(self.today)
            for part in book["paid"]
            if self.value(part["cash"], book) > 0
        ]


def fits(amount: str, currency: str) -> bool:
    try:
        minor(amount, currency)
    except ValueError:
        return False
    return True


def content(event: Any) -> Any:
    fields = event.model_dump()
    for name in ("event_id", "occurred_at", "source", "extra"):
        fields.pop(name, None)
    return fields


def weighted(pairs: list[tuple[int, float]]) -> float | None:
    weight = sum(a for a, _ in pairs)
    return float(sum(Fraction(a) * Fraction(x) for a, x in pairs) / weight) if weight else None


def index_of(days: int) -> Fraction:
    if days <= POINTS[0][0]:
        return Fraction(100)
    for (left, high), (right, low) in pairwise(POINTS):
        if left <= days <= right:
            return Fraction(high) - Fraction((high - low) * (days - left), right - left)
    return Fraction(0)


def p90(values: list[int]) -> float | None:
    if not values:
        return None
    return float(sorted(values)[math.ceil(Fraction(9, 10) * len(values)) - 1])


def figures(events: Iterable[Any], today: int, policy: Any, rates: Rates, at_tick: bool) -> dict[str, Any]:
    """Every field of agents.figures.Figures by name; ageing as tuples."""
    acc = Account(events, today, policy, rates)
    out: dict[str, Any] = {"as_of": today, "currency": acc.currency}
    books = acc.books(today) if acc.currency else []
    obs = acc.observations() if acc.currency else []

    def clean(b: dict[str, Any]) -> int:
        return max(acc.value(b["rest"], b), 0) - acc.value(b["disputed"], b)

    def in_window(day: int, n: int) -> bool:
        return today - n < day <= today

    def in_baseline(day: int) -> bool:
        return today - 455 < day <= today - 90

    # money
    out["open_balance"] = acc.balance(today) if acc.currency else 0
    for name, over in (("past_due", 0), ("past_due_over_10", 10), ("past_due_61", 60), ("past_due_91", 90)):
        out[name] = sum(clean(b) for b in books if today - b["due"] > over)
    late = [today - b["due"] for b in books if clean(b) > 0 and today > b["due"]]
    out["max_days_past_due"] = max(late, default=None)
    out["unapplied"] = acc.total(acc.unapplied(today), today) if acc.currency else 0
    out["disputed"] = sum(acc.value(b["disputed"], b) for b in books)
    out["open_orders"] = acc.total(acc.open_orders(today), today) if acc.currency else 0
    out["security"] = acc.total(acc.securities(today), today) if acc.currency else 0
    net = acc.total(acc.net(today), today) if acc.currency else 0
    out["gross_exposure"] = net + out["unapplied"] + out["security"]
    out["exposure"] = max(0, net)
    out["credit_limit"] = acc.limit(today) if acc.currency else None
    out["utilization"] = acc.utilization(today) if acc.currency else None
    out["utilization_28d_ago"] = acc.utilization(today - 28) if acc.currency else None
    out["rising"] = out["utilization"] is not None and out["utilization"] > (out["utilization_28d_ago"] or 0)
    for name, of in (("ageing", clean), ("ageing_disputed", lambda b: acc.value(b["disputed"], b))):
        buckets = [0, 0, 0, 0, 0]
        for b in books:
            days = today - b["due"]
            place = 0 if days <= 0 else 1 if days <= 30 else 2 if days <= 60 else 3 if days <= 90 else 4
            buckets[place] += of(b)
        out[name] = tuple(buckets)
    unvalued = 0
    if acc.currency:
        for f in acc.facts:
            event = f.event
            counted = event.type in {"payment.received", "order.booked", "security.recorded"} or (
                event.type == "invoice.credited" and event.invoice_id is None
            )
            if event.type == "invoice.issued":
                counted = event.invoice_id in acc.invoices
            if counted and event.currency and rates.cross(event.currency, acc.currency, today) is None:
                unvalued += 1
        limits = [f for f in acc.of("account.limit_set") if f.day <= today]
        if limits:
            newest = max(limits, key=lambda f: f.order).event
            unvalued += rates.cross(newest.currency, acc.currency, today) is None
    out["unvalued"] = unvalued + (len(acc.unfit()) if acc.currency else 0)
    if acc.currency:
        peak_days = acc.turning_days(today - 365, today)
        by_day = {d: acc.balance(d) for d in peak_days}
        out["high_credit"] = max(
            [0] + [n for d, n in by_day.items() if d > today - 365] + [acc.balance(today - 364)]
        )
        first = min((b["day"] for b in books), default=None)
        if first is None or first >= today:
            out["prior_high_credit"] = None
        else:
            out["prior_high_credit"] = max([0] + [n for d, n in by_day.items() if d <= today - 1])
        peaks = [acc.utilization(d) for d in acc.turning_days(today - 89, today)]
        out["peak_utilization_90d"] = max((u for u in peaks if u is not None), default=None)
        rate = rates.rate(acc.currency, today)
        out["exposure_base"] = rates.convert(out["exposure"], acc.currency, rates.base, today)
        out["fx_rate"] = None if rate is None else rate
        out["fx_as_of"] = rates.rate_day(acc.currency, today)
        still = {c: n for c, n in acc.net(today).items() if n} == {
            c: n for c, n in acc.net(today - 1).items() if n
        }
        set_today = any(f.day == today for f in acc.of("account.limit_set"))
        out["fx_driven"] = still and (
            acc.exposure(today) != acc.exposure(today - 1)
            or (not set_today and acc.limit(today) != acc.limit(today - 1))
        )
    else:
        out |= {
            "high_credit": 0,
            "prior_high_credit": None,
            "peak_utilization_90d": None,
            "exposure_base": None,
        }
        out |= {"fx_rate": None, "fx_as_of": None, "fx_driven": False}

    # days to pay
    runs: dict[int, list[dict[str, Any]]] = {}
    for o in obs:
        runs.setdefault(o["paid_on"], []).append(o)
    baseline_runs = [d for d in sorted(runs) if in_baseline(d)]
    enough = len(baseline_runs) >= 3
    for n in (30, 90, 365):
        part = [o for o in obs if in_window(o["paid_on"], n)]
        out[f"dtp_{n}d"] = weighted([(o["amount"], o["dtp"]) for o in part])
        out[f"dtp_mean_{n}d"] = sum(o["dtp"] for o in part) / len(part) if part else None
        out[f"dtp_p90_{n}d"] = p90([o["dtp"] for o in part])
        out[f"paid_{n}d"] = sum(o["amount"] for o in part)
    part = [o for o in obs if in_baseline(o["paid_on"])]
    out["dtp_baseline"] = weighted([(o["amount"], o["dtp"]) for o in part]) if enough else None

    # days beyond terms
    def amounts_of(b: dict[str, Any]) -> list[tuple[int, int]]:
        """(amount, days beyond terms) of what was paid and of the clean open part."""
        got = [
            (acc.value(q["cash"], b), q["paid_on"] - b["due"])
            for q in b["paid"]
            if acc.value(q["cash"], b) > 0
        ]
        return got + ([(clean(b), today - b["due"])] if clean(b) > 0 else [])

    for n in (30, 90, 365):
        cohort = [b for b in books if in_window(b["due"], n) or (clean(b) > 0 and today > b["due"])]
        out[f"dbt_{n}d"] = weighted([x for b in cohort for x in amounts_of(b)])
        if n == 365:
            out["pay_index"] = weighted([(a, index_of(d)) for b in cohort for a, d in amounts_of(b)])  # type: ignore[misc]
    out["dbt_baseline"] = (
        weighted([x for b in books if in_baseline(b["due"]) for x in amounts_of(b)]) if enough else None
    )
    out["dbt_disputed_90d"] = weighted(
        [
            (acc.value(b["disputed"], b), today - b["due"])
            for b in books
            if b["disputed"] and b["due"] <= today
        ]
    )
    out["payment_runs"] = sum(1 for d in runs if in_window(d, 455))
    out["payment_runs_365d"] = sum(1 for d in runs if in_window(d, 365))

    # drift: one observation a run
    def run_value(day: int) -> float:
        value = weighted([(o["amount"], o["dtp"]) for o in runs[day]])
        assert value is not None
        return value

    days = [d for d in sorted(runs) if in_window(d, 455)]
    xs = [run_value(d) for d in days]
    base = [run_value(d) for d in baseline_runs]
    out |= {"drift_statistic": None, "drift_limit": None, "drift_agrees": None}
    if len(xs) < 4:
        out["drift_test"] = "none"
        if enough:
            out["drift_agrees"] = True
    elif len(xs) < 8:
        out["drift_test"] = "theil_sen"
        d6, x6 = days[-6:], xs[-6:]
        slopes = sorted(
            (x6[j] - x6[i]) / (d6[j] - d6[i]) for i in range(len(x6)) for j in range(i + 1, len(x6))
        )
        n = len(x6)
        half_width = NormalDist().inv_cdf(0.9) * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
        rank = max(1, math.floor((len(slopes) - half_width) / 2))
        middle = median(slopes)
        out["drift_statistic"], out["drift_limit"] = slopes[rank - 1], 0.0
        if enough:
            out["drift_agrees"] = slopes[rank - 1] >= 0 and middle > 0
    else:
        out["drift_test"] = "ewma" if len(xs) < 12 else "cusum"
        if enough:
            mu = sum(base) / len(base)
            sigma = max(3.0, 1.4826 * median([abs(x - median(base)) for x in base]))
            if len(xs) < 12:
                z = mu
                for x in xs:
                    z = 0.3 * x + 0.7 * z
                limit = mu + 2.7 * sigma * math.sqrt(0.3 / 1.7 * (1 - 0.7 ** (2 * len(xs))))
                out["drift_statistic"], out["drift_limit"], out["drift_agrees"] = z, limit, z > limit
            else:
                s = 0.0
                for x in xs:
                    s = max(0.0, s + (x - mu) - 0.5 * sigma)
                out["drift_statistic"], out["drift_limit"] = s, 4 * sigma
                out["drift_agrees"] = s > 4 * sigma

    # months
    months = []
    cursor = date.fromordinal(today)
    end = cursor if (cursor + timedelta(days=1)).day == 1 else cursor.replace(day=1) - timedelta(days=1)
    for _ in range(4):
        start = end.replace(day=1)
        part = [o for o in obs if start.toordinal() <= o["paid_on"] <= end.toordinal()]
        months.append(weighted([(o["amount"], o["dtp"]) for o in part]))
        end = start - timedelta(days=1)
    out["dtp_months"] = tuple(reversed(months))

    # sales
    def sales(after: int, through: int) -> int:
        total = sum(acc.value(b["gross"], b) for b in books if after < b["day"] <= through)
        total -= sum(acc.value(a, b) for b in books for d, a in b["memos"] if after < d <= through)
        if acc.currency:
            total -= sum(a for d, a in acc.memos_on_account(today) if after < d <= through)
        return total

    s90 = sales(today - 90, today)
    balance = out["open_balance"]
    current = sum(max(acc.value(b["rest"], b), 0) for b in books if today <= b["due"])
    out["dso"] = balance / s90 * 90 if s90 > 0 else None
    out["dso_best_possible"] = current / s90 * 90 if s90 > 0 else None
    out["average_days_delinquent"] = None if s90 <= 0 else out["dso"] - out["dso_best_possible"]
    begin = acc.balance(today - 90) if acc.currency else 0
    out["collection_effectiveness"] = (
        (begin + s90 - balance) / (begin + s90 - current) * 100 if begin + s90 - current > 0 else None
    )
    out["dso_countback"] = countback(balance, today, sales)

    # survival
    out |= {"kaplan_meier_median": None, "kaplan_meier_restricted_mean": None}
    out |= {"overdue_surprise": None, "overdue_surprise_n": 0, "overdue_surprise_days": None}
    if at_tick:
        out |= survival(acc, books, clean, today)

    # purchases and habits
    firsts = [b["day"] for b in books]
    out["first_invoice_on"] = min(firsts, default=None)
    out["first_due_on"] = min((b["due"] for b in books), default=None)
    first = out["first_invoice_on"]
    if first is None or today - first < 90:
        told = acc.profile("expected_monthly_purchases")
        expected = None if told is None or told.currency != acc.currency else told.expected_monthly_purchases
        month = None if expected is None else Fraction(minor(expected, told.currency))
    else:
        month = Fraction(max(0, sales(today - 365, today)) * 30, min(365, today - first))
    out["monthly_purchases"] = None if month is None else half_even(month)
    out["monthly_purchases_exact"] = month
    out["purchases_30d"] = sales(today - 30, today)
    out["purchases_prior_90d"] = sales(today - 120, today - 30)
    out["invoices_prior_90d"] = sum(1 for b in books if today - 120 < b["day"] <= today - 30)
    unfit = acc.unfit()
    out["reversals_90d"] = sum(
        1 for f in acc.of("payment.reversed") if in_window(f.day, 90) and f not in unfit
    )
    broken = [d for f in acc.of("payment.promised") if (d := broken_on(acc, f)) is not None]
    out["promises_broken_60d"] = sum(1 for d in broken if in_window(d, 60))
    out["promises_broken"] = sum(1 for d in broken if in_window(d, 365))
    with_cash = []
    for b in books:
        paid_days = {q["paid_on"] for q in b["paid"] if acc.value(q["cash"], b) > 0}
        if paid_days and in_window(max(paid_days), 365):
            with_cash.append((-max(paid_days), b["event"].invoice_id, len(paid_days), b))
    last_five = sorted(with_cash, key=lambda w: w[:2])[:5]
    out["partial_of_last_5"] = (
        sum(
            1
            for _, _, n, b in last_five
            if n > 1 or (not settled(b) and clean(b) > 0 and today > b["due"] and not finished(b))
        )
        if last_five
        else None
    )
    offers = []
    for b in books:
        event = b["event"]
        if event.discount_percent is None or event.discount_date is None:
            continue
        until = event.discount_date.toordinal()
        off = 1 - Fraction(str(event.discount_percent)) / 100
        in_time = sum(q["cash"] for q in b["paid"] if q["paid_on"] <= until)
        took = any(q["discount"] for q in b["paid"]) or in_time >= b["gross"] * off * Fraction("0.95")
        if until > today - 455 and (took or until < today):
            offers.append((until, event.invoice_id, took))
    out["discounts_taken"] = tuple(t for _, _, t in sorted(offers)[-8:])
    invoiced = sum(acc.value(b["gross"], b) for b in books if in_baseline(b["day"]))
    disputed = 0
    for b in books:
        for f in acc.of("invoice.disputed"):
            if f.event.invoice_id == b["event"].invoice_id and in_baseline(f.day):
                amount = acc.inward(
                    minor(f.event.amount, f.event.currency), f.event.currency, b["own"], b["day"]
                )
                disputed += acc.value(min(amount, b["gross"]), b)
    out["disputed_share_baseline"] = disputed / invoiced if invoiced else None
    standing = [f.event.paid_on.toordinal() for f in acc.payments(today) if acc.net_of(f, today) > 0]
    out["last_payment_on"] = max(standing, default=None)
    due_182 = [b for b in books if in_window(b["due"], 182)]
    worst = [d for b in due_182 for _, d in amounts_of(b)]
    out["worst_dbt_182d"] = max(worst, default=None)
    whole = sum(a for b in due_182 for a, _ in amounts_of(b))
    out["late_share_182d"] = (
        sum(a for b in due_182 for a, d in amounts_of(b) if d > 0) / whole if whole else None
    )
    provisional = 0
    for f in acc.payments(today):
        if (f.event.method or "").lower() in ("direct_debit", "sepa_direct_debit") and in_window(f.day, 56):
            provisional += acc.net_of(f, today) > 0
    out["provisional"] = provisional
    return out


def settled_on(b: dict[str, Any]) -> int | None:
    """The day on which 95 % of the amount had come in cash."""
    reached = 0
    for part in sorted(b["paid"], key=lambda q: q["paid_on"]):
        reached += part["cash"]
        if reached >= Fraction("0.95") * b["gross"]:
            return int(part["paid_on"])
    return None


def settled(b: dict[str, Any]) -> bool:
    return settled_on(b) is not None


def finished(b: dict[str, Any]) -> bool:
    return bool(b["rest"] <= 0)


def closed_on(acc: Account, b: dict[str, Any]) -> int:
    """The last day on which the invoice's open amount moved."""
    invoice_id = b["event"].invoice_id
    day = acc.today
    while True:
        before = acc.invoice_at(invoice_id, day - 1)
        now = acc.invoice_at(invoice_id, day)
        assert now is not None
        if before is None or before["rest"] != now["rest"]:
            return day
        day -= 1


def survival(acc: Account, books: list[dict[str, Any]], clean: Any, today: int) -> dict[str, Any]:
    lives = []  # (age, paid) of the invoices issued in 365 days
    for b in books:
        if not today - 365 < b["day"] <= today:
            continue
        lives.append(life(acc, b, today, 120))
    out: dict[str, Any] = {}
    if lives and (any(paid for _, paid in lives) or max(age for age, _ in lives) >= 120):
        s = Fraction(1)
        middle = None
        steps = [(0, 1.0)]
        for t in sorted({age for age, paid in lives if paid}):
            at_risk = sum(1 for age, _ in lives if age >= t)
            events = sum(1 for age, paid in lives if paid and age == t)
            s *= 1 - Fraction(events, at_risk)
            steps.append((t, float(s)))
            if middle is None and s <= Fraction(1, 2):
                middle = float(t)
        area = 0.0
        for t in range(120):
            area += [level for start, level in steps if start <= t][-1]
        out |= {"kaplan_meier_median": middle, "kaplan_meier_restricted_mean": area}
    best = None
    for b in books:
        if clean(b) <= 0 or today <= b["due"] or b["day"] <= today - 455 or settled(b):
            continue
        age = today - b["day"]
        n = unpaid = 0
        for other in books:
            if other is b or not today - 455 < other["day"] <= b["day"]:
                continue
            its_age, paid = life(acc, other, today, 10_000)
            if paid:
                n += 1
                unpaid += its_age > age
            elif other["written"] and finished(other):
                n += 1
                unpaid += 1
            elif finished(other):
                if its_age >= age:
                    n += 1
                    unpaid += 1
            else:
                n += 1
                unpaid += 1
        if n:
            late, rule = today - b["due"], acc.policy.triggers.overdue_surprise
            p = (unpaid + 0.5) / (n + 1)
            fires = p < rule.p_below and n >= rule.invoices_at_least and late >= rule.days_past_due
            key = (not fires, p, -late)
            if best is None or key < best[0]:
                best = key, n, today - b["due"]
    if best is not None:
        out |= {
            "overdue_surprise": best[0][1],
            "overdue_surprise_n": best[1],
            "overdue_surprise_days": best[2],
        }
    return out


def life(acc: Account, b: dict[str, Any], today: int, horizon: int) -> tuple[int, bool]:
    """(age, whether paid): paid, or censored at that age."""
    paid_on = settled_on(b)
    if paid_on is not None:
        return max(0, paid_on - b["day"]), True
    if finished(b):
        if b["written"]:
            return max(horizon, today - b["day"]), False
        return max(0, closed_on(acc, b) - b["day"]), False
    return today - b["day"], False


def countback(balance: int, today: int, sales: Any) -> float | None:
    if balance <= 0:
        return 0.0 if sales(today - 455, today) > 0 else None
    left = balance
    days = 0
    last = date.fromordinal(today)
    while last.toordinal() > today - 455:
        first = last.replace(day=1)
        length = (last - first).days + 1
        sold = sales(max(first.toordinal() - 1, today - 455), last.toordinal())
        if sold >= left:
            return float(days + left / sold * length)
        left -= max(sold, 0)
        days += length
        last = first - timedelta(days=1)
    return None


def broken_on(acc: Account, fact: Fact) -> int | None:
    """The day after the deadline of a promise that was not kept; None for one that was, or may still be."""
    event = fact.event
    told = acc.profile("country")
    holidays = acc.policy.holidays.get(told.country if told else None, ())
    deadline = event.due_on
    left = 2
    while left:
        deadline += timedelta(days=1)
        left -= deadline.weekday() < 5 and deadline.toordinal() not in holidays
    last = deadline.toordinal()
    if last >= acc.today:
        return None
    assert acc.currency is not None
    promised = event.currency
    came: list[tuple[Fraction | int, str]] = []
    for invoice_id in set(event.invoice_ids or ()):
        book = acc.invoice_at(invoice_id, acc.today)
        if book is None:
            issued = acc.invoices.get(invoice_id)
            if issued is not None and issued.day <= acc.today:
                return None  # no rate yet
            continue
        for part in book["paid"]:
            if fact.day <= part["paid_on"] <= last:
                if book["own"] == promised:
                    came.append((part["cash"], promised))
                else:
                    came.append((acc.value(part["cash"], book), acc.currency))
    if not event.invoice_ids:
        for f in acc.payments(acc.today):
            if fact.day <= f.day <= last:
                stands = acc.net_of(f, acc.today)
                if f.event.currency == promised:
                    came.append((stands, promised))
                else:
                    worth = acc.inward(stands, f.event.currency, acc.currency, f.day)
                    came.append((worth, acc.currency))
    paid = Fraction(0)
    for amount, currency in came:
        factor = acc.rates.cross(currency, promised, fact.day) if amount else Fraction(1)
        if factor is None:
            return None
        paid += amount * factor
    kept = paid >= Fraction("0.95") * minor(event.amount, promised)
    return None if kept else int(last) + 1


__all__ = ["Account", "figures"]

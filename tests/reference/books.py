"""Builders of events for the ledger's tests, and random books of facts (hypothesis)."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from agents import bookkeeping, ledger_pieces
from agents.ledger import Ledger
from agents.policy import Policy
from agents.policy_text import load_policy
from agents.rates import Rates
from schemas.events import EVENT

START = dt.date(2025, 1, 1)
START_DAY = START.toordinal()


@cache
def policy(**figures: Any) -> Policy:
    """The policy as deployed, with other numbers in [figures] where given."""
    whole = load_policy((Path(__file__).parents[2] / "deploy" / "policy.toml").read_text())
    return (
        whole.model_copy(update={"figures": whole.figures.model_copy(update=figures)}) if figures else whole
    )


def day(number: int) -> int:
    """The date ordinal of a book's day."""
    return START_DAY + number


def text(number: int) -> str:
    return (START + dt.timedelta(days=number)).isoformat()


def event(type_: str, number: int, at: int, second: int = 0, /, **fields: Any) -> Any:
    """An event that occurred on the book's day `at`; whatever is None is left out."""
    instant = dt.datetime.combine(START + dt.timedelta(days=at), dt.time(), dt.UTC) + dt.timedelta(
        seconds=second
    )
    return EVENT.validate_python(
        {
            "event_id": f"e{number}",
            "type": type_,
            "account_id": "acme",
            "occurred_at": instant.isoformat(),
            "source": "test",
            **{name: value for name, value in fields.items() if value is not None},
        }
    )


def ledger_of(events: list[Any], today: int, by: Policy, rates: Rates | None = None) -> Ledger:
    """A ledger that took the events in this order on one day, after that day's tick."""
    ledger = Ledger()
    rates = rates or Rates("USD")
    for one in events:
        bookkeeping.apply(ledger, one, today, by, rates)
    bookkeeping.advance(ledger, today, by, rates)
    return ledger


_AMOUNTS = st.sampled_from(["10.00", "55.50", "100.00", "100.01", "400.00", "999.99", "1000.00"])
_SMALL = st.sampled_from(["1.00", "5.55", "10.00", "100.00", "400.00", "950.00", "1000.00"])


def write(store: dict[str, bytes], ledger: Ledger) -> None:
    """Brings the pieces in `store` up to what the ledger has changed since its last dump, as the changelog does."""
    for key, piece in ledger_pieces.dump(ledger).items():
        if piece is None:
            del store[key]
        else:
            store[key] = piece


@st.composite
def facts(
    draw: st.DrawFn, length: int = 400, most: int = 30, currencies: tuple[str, ...] = ("USD",)
) -> list[Any]:
    """Facts of one account over `length` days, every type of them, with corrections, orphans and contradictions."""
    count = draw(st.integers(1, most))
    invoices = draw(st.integers(1, 7))
    currency = st.sampled_from(currencies)
    when = st.integers(0, length)
    second = st.integers(0, 86_399)
    invoice_id = st.integers(1, invoices).map("i{}".format)
    payment_id = st.integers(1, 6).map("p{}".format)
    some_id = st.integers(1, 3)
    applications = st.lists(
        st.fixed_dictionaries(
            {"invoice_id": invoice_id, "amount": _SMALL},
            optional={"discount": st.sampled_from(["0", "1.00", "20.00", "60.00"])},
        ),
        min_size=1,
        max_size=3,
    )
    out: list[Any] = []
    for number in range(count):
        kind = draw(
            st.sampled_from(
                ["invoice.issued"] * 6 + ["payment.received"] * 6 + ["payment.applied", "payment.reversed"] * 2
                + ["invoice.credited", "invoice.disputed", "dispute.resolved", "invoice.written_off", "invoice.voided",
                   "order.booked", "order.closed", "payment.promised", "payment.scheduled", "account.opened",
                   "account.updated", "account.limit_set", "account.limit_set", "account.closed", "security.recorded"]
            )
        )  # fmt: skip
        at = draw(when)
        fields: dict[str, Any] = {}
        if kind == "invoice.issued":
            issued = max(0, at + draw(st.sampled_from([0, 0, 0, -1, -20])))
            fields = {
                "invoice_id": draw(invoice_id),
                "amount": draw(_AMOUNTS),
                "currency": draw(currency),
                "invoice_date": text(issued),
                "due_date": text(issued + draw(st.sampled_from([0, 14, 30, 30, 30, 60]))),
                "order_id": draw(st.sampled_from([None, None, "o1", "o2"])),
            }
            if draw(st.booleans()):
                fields |= {
                    "discount_percent": draw(st.sampled_from([2, 2.5])),
                    "discount_date": text(issued + 10),
                }
        elif kind == "payment.received":
            fields = {
                "payment_id": draw(payment_id),
                "amount": draw(_AMOUNTS),
                "currency": draw(currency),
                "paid_on": text(max(0, at + draw(st.sampled_from([0, 0, -1, -30])))),
                "applications": draw(st.none() | applications),
                "method": draw(st.sampled_from([None, "sepa_direct_debit", "wire"])),
            }
        elif kind == "payment.applied":
            fields = {"payment_id": draw(payment_id), "applications": draw(applications)}
        elif kind == "payment.reversed":
            fields = {
                "payment_id": draw(payment_id),
                "reversed_on": text(at),
                "amount": draw(st.none() | _SMALL),
            }
        elif kind == "invoice.credited":
            fields = {
                "memo_id": f"m{draw(some_id)}",
                "amount": draw(_SMALL),
                "currency": draw(currency),
                "invoice_id": draw(st.none() | invoice_id),
            }
        elif kind == "invoice.disputed":
            fields = {
                "dispute_id": f"d{draw(some_id)}",
                "invoice_id": draw(invoice_id),
                "amount": draw(_SMALL),
                "currency": draw(currency),
            }
        elif kind == "dispute.resolved":
            fields = {
                "dispute_id": f"d{draw(some_id)}",
                "invoice_id": draw(invoice_id),
                "outcome": draw(st.sampled_from(["upheld", "rejected"])),
            }
        elif kind == "invoice.written_off":
            amount = draw(st.none() | _SMALL)
            fields = {
                "invoice_id": draw(invoice_id),
                "amount": amount,
                "currency": None if amount is None else draw(currency),
            }
        elif kind == "invoice.voided":
            fields = {"invoice_id": draw(invoice_id)}
        elif kind == "order.booked":
            amount = draw(st.none() | st.sampled_from(["500.00", "2500.00"]))
            fields = {
                "order_id": draw(st.sampled_from(["o1", "o2"])),
                "amount": amount,
                "currency": None if amount is None else draw(currency),
            }
        elif kind == "order.closed":
            amount = draw(st.sampled_from([None, "100.00", "400.00", "2500.00"]))
            fields = {
                "order_id": draw(st.sampled_from(["o1", "o2"])),
                "amount": amount,
                "currency": None if amount is None else draw(currency),
            }
        elif kind == "payment.promised":
            fields = {
                "promise_id": f"q{draw(some_id)}",
                "amount": draw(_SMALL),
                "currency": draw(currency),
                "due_on": text(at + draw(st.integers(0, 20))),
                "invoice_ids": draw(st.none() | st.lists(invoice_id, min_size=1, max_size=2)),
            }
        elif kind == "payment.scheduled":
            fields = {
                "payment_id": draw(payment_id),
                "amount": draw(_SMALL),
                "currency": draw(currency),
                "scheduled_on": text(at),
            }
        elif kind in ("account.opened", "account.updated"):
            fields = {"name": "Acme", "currency": draw(currency), "opened_on": text(0)}
            fields["country"] = draw(st.sampled_from([None, "US", "DE"]))
            if draw(st.booleans()):
                fields["expected_monthly_purchases"] = "5000.00"
        elif kind == "account.limit_set":
            fields = {
                "credit_limit": draw(st.sampled_from(["0", "500.00", "2000.00", "3000.00"])),
                "currency": draw(currency),
            }
        elif kind == "security.recorded":
            fields = {
                "security_id": f"s{draw(some_id)}",
                "kind": draw(st.sampled_from(["letter_of_credit", "deposit", "insurance", "guarantee"])),
                "amount": draw(_SMALL),
                "currency": draw(currency),
                "expires_on": draw(st.none() | st.just(text(at + 45))),
            }
        out.append(event(kind, number, at, draw(second), **fields))
    return out


@st.composite
def contests(draw: st.DrawFn, currencies: tuple[str, ...] = ("USD",)) -> list[Any]:
    """Few invoices and payments that want more of each other than there is: voids, corrections, reversals in part,
    applications at one instant and of one event_id, amounts that fit no payment."""
    amount = st.sampled_from(["50.00", "100.00", "130.01", "200.00", "333.33", "500.00", "700.00"])
    currency = st.sampled_from(currencies)
    invoice_id = st.sampled_from(["i1", "i2", "i3", "i4"])
    payment_id = st.sampled_from(["p1", "p2", "p3"])
    parts = st.lists(
        st.fixed_dictionaries(
            {"invoice_id": invoice_id, "amount": amount},
            optional={"discount": st.sampled_from(["5.00", "100.00"])},
        ),
        min_size=1,
        max_size=3,
    )
    out: list[Any] = []
    for number in range(draw(st.integers(4, 20))):
        kind = draw(st.sampled_from("IIIIPPPPPAAAAARRRVVW"))
        at = draw(st.integers(0, 60))
        second = draw(st.sampled_from([0, 0, 0, 1, 3600]))
        if kind == "I":
            fields = {"invoice_id": draw(invoice_id), "amount": draw(amount), "currency": draw(currency)}
            dates = {"invoice_date": text(at), "due_date": text(at + draw(st.sampled_from([0, 30])))}
            out.append(event("invoice.issued", number, at, second, **fields, **dates))
        elif kind == "P":
            fields = {"payment_id": draw(payment_id), "amount": draw(amount), "currency": draw(currency)}
            cash = {"paid_on": text(at), "applications": draw(parts)}
            out.append(event("payment.received", number, at, second, **fields, **cash))
        elif kind == "A":
            same_id = draw(st.sampled_from([number, number, 1]))
            one = event(
                "payment.applied", same_id, at, second, payment_id=draw(payment_id), applications=draw(parts)
            )
            out.append(one.model_copy(update={"source": f"test {number}"}))
        elif kind == "R":
            back = draw(st.none() | amount | st.sampled_from(["0.001", "5.5"]))
            fields = {"payment_id": draw(payment_id), "reversed_on": text(at)}
            out.append(event("payment.reversed", number, at, second, amount=back, **fields))
        else:
            type_ = "invoice.voided" if kind == "V" else "invoice.written_off"
            out.append(event(type_, number, at, second, invoice_id=draw(invoice_id)))
    return out


@st.composite
def payers(draw: st.DrawFn) -> list[Any]:
    """An account that buys and pays regularly, so that every drift test, survival figure and window has what
    it needs."""
    out: list[Any] = [event("account.limit_set", 0, 0, 0, credit_limit="5000.00", currency="USD")]
    at = 0
    number = 1
    for place in range(draw(st.integers(3, 40))):
        at += draw(st.sampled_from([0, 5, 10, 14, 30]))
        amount = draw(st.sampled_from(["100.00", "250.00", "999.99"]))
        due = at + draw(st.sampled_from([14, 30, 30]))
        offer = {"discount_percent": 2, "discount_date": text(at + 10)} if draw(st.booleans()) else {}
        out.append(
            event(
                "invoice.issued", number, at, invoice_id=f"i{place:02}", amount=amount, currency="USD",
                invoice_date=text(at), due_date=text(due), **offer,
            )
        )  # fmt: skip
        fate = draw(st.sampled_from(["paid"] * 6 + ["parts", "open", "memo", "written_off", "reversed"]))
        paid_on = max(at, due + draw(st.integers(-25, 40)))
        number += 5
        if fate in ("paid", "reversed", "parts"):
            whole = "60.00" if fate == "parts" else amount
            for part in range(2 if fate == "parts" else 1):
                day_paid = paid_on + 7 * part
                out.append(
                    event(
                        "payment.received", number + part, day_paid, payment_id=f"p{place}-{part}", amount=whole,
                        currency="USD", paid_on=text(day_paid),
                        applications=[{"invoice_id": f"i{place:02}", "amount": whole}],
                    )
                )  # fmt: skip
        if fate == "reversed":
            fields = {"payment_id": f"p{place}-0", "reversed_on": text(paid_on + 9)}
            out.append(event("payment.reversed", number + 3, paid_on + 9, **fields))
        if fate == "memo":
            out.append(
                event(
                    "invoice.credited", number, paid_on, memo_id=f"m{place}", amount=amount, currency="USD",
                    invoice_id=f"i{place:02}",
                )
            )  # fmt: skip
        if fate == "written_off":
            out.append(event("invoice.written_off", number, paid_on, invoice_id=f"i{place:02}"))
    return out

"""What explain supposes of an account that pays all it owes on a day is what the events of that day make of it."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agents import bookkeeping
from agents.balances import totals_of
from agents.levers_paying import Owed, all_paid
from agents.lines import lines
from agents.measure import measure
from agents.rates import Rates
from agents.signals import Signals
from agents.view import View
from tests.reference import books

_POLICY = books.policy()
_RATES = Rates("USD")
_FIELDS = (
    "dtp_90d", "dtp_baseline", "dbt_90d", "dbt_baseline", "drift_test", "drift_agrees", "drift_statistic", "drift_limit",
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
@given(
    events=books.payers() | books.facts(most=40), at=st.integers(0, 600), wait=st.sampled_from([0, 1, 30, 89])
)
def test_all_that_is_owed_paid_on_a_day_gives_the_figures_of_the_events(
    events: list[Any], at: int, wait: int
) -> None:
    today, then = books.day(at), books.day(at + wait)
    known = [one for one in events if one.occurred_at.date().toordinal() <= today]
    ledger = books.ledger_of(known, today, _POLICY)
    before = measure(ledger, today, _POLICY, _RATES, True)
    owed = Owed(ledger.invoices.values())
    if not owed.amount:
        return
    view = View(
        "acme",
        before,
        Signals(),
        ledger,
        _POLICY,
        _RATES,
        today,
        book=None,
        tier=None,
        events_behind=lambda _: [],
    )
    supposed = all_paid(view, lines(totals_of(ledger), _POLICY.figures.pay_index), owed, then).figures
    parts = [
        {"invoice_id": invoice.id, "amount": f"{invoice.posted.open / 100:.2f}"}
        for invoice in ledger.invoices.values()
        if invoice.posted is not None and invoice.posted.open > 0
    ]
    money = {"amount": f"{owed.amount / 100:.2f}", "currency": "USD", "applications": parts}
    cash = books.event(
        "payment.received",
        9_000,
        at + wait,
        86_399,
        payment_id="~all",
        paid_on=books.text(at + wait),
        **money,
    )
    bookkeeping.apply(ledger, cash, then, _POLICY, _RATES)
    made = measure(ledger, then, _POLICY, _RATES, True)
    assert [getattr(supposed, name) for name in _FIELDS] == [getattr(made, name) for name in _FIELDS]

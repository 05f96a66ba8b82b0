"""Builders for tests of the rules: the policy as shipped, neutral figures, a ledger that owes so much, events, views.

No test lives here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from agents.account import InMemory
from agents.book import Book
from agents.figures import Ageing, Figures
from agents.ids import namespace_id
from agents.ledger import Ledger
from agents.monitor import Fold
from agents.policy import Policy
from agents.policy_text import load_policy, policy_hash
from agents.rates import Rates
from agents.records import Output
from agents.signals import Signals
from agents.view import BookTotals, View
from agents.wakes import Wakes
from schemas.events import ClockTicked, parse

POLICY_TEXT = (Path(__file__).parent.parent / "deploy" / "policy.toml").read_text()
POLICY: Policy = load_policy(POLICY_TEXT)
IDS = namespace_id("tests")
TODAY = date(2026, 6, 30).toordinal()
AT = "2026-06-30T23:59:59Z"

NEUTRAL = Figures(
    as_of=TODAY, currency="USD", open_balance=0, past_due=0, past_due_over_10=0, past_due_61=0, past_due_91=0,
    max_days_past_due=None, unapplied=0, disputed=0, unvalued=0, open_orders=0, security=0, gross_exposure=0, exposure=0,
    credit_limit=None, utilization=None, utilization_28d_ago=None, rising=False, ageing=Ageing(),
    ageing_disputed=Ageing(), high_credit=0, prior_high_credit=None, peak_utilization_90d=None, exposure_base=0,
    fx_rate="1", fx_as_of=TODAY, fx_driven=False, dtp_30d=None, dtp_90d=None, dtp_365d=None, dtp_baseline=None,
    dtp_mean_30d=None, dtp_mean_90d=None, dtp_mean_365d=None, dtp_p90_30d=None, dtp_p90_90d=None, dtp_p90_365d=None,
    dbt_30d=None, dbt_90d=None, dbt_365d=None, dbt_baseline=None, dbt_disputed_90d=None, paid_30d=0, paid_90d=0,
    paid_365d=0, payment_runs=0, payment_runs_365d=0, drift_test="none", drift_agrees=None, drift_statistic=None,
    drift_limit=None, dtp_months=(None, None, None, None), dso=None, dso_best_possible=None, dso_countback=None,
    average_days_delinquent=None, collection_effectiveness=None, pay_index=None, kaplan_meier_median=None,
    kaplan_meier_restricted_mean=None, overdue_surprise=None, overdue_surprise_n=0, overdue_surprise_days=None,
    first_invoice_on=None, monthly_purchases=None, purchases_30d=0, purchases_prior_90d=0, invoices_prior_90d=0,
    reversals_90d=0, promises_broken_60d=0, promises_broken=0, partial_of_last_5=None, discounts_taken=(),
    disputed_share_baseline=None, last_payment_on=None, first_due_on=None, late_share_182d=None, worst_dbt_182d=None,
    provisional=0, monthly_purchases_exact=None,
)  # fmt: skip
"""An account of which nothing is known but its currency."""


def figures(**known: Any) -> Figures:
    made = NEUTRAL._replace(**known)
    month = made.monthly_purchases
    if month is None or made.monthly_purchases_exact is not None:
        return made
    return made._replace(monthly_purchases_exact=(month, 1))


def outputs_of(rows: Iterable[dict[str, Any]], policy: str, namespace: str) -> Iterator[Output]:
    """All that a fold tells of the rows of a book, in their order, none of which it refuses."""
    book = Book()
    book.adopt(policy, policy_hash(policy))
    fold = Fold(InMemory(), Wakes(), book, 0, namespace_id(namespace))
    for row in rows:
        fact = parse(orjson.dumps(row))
        if isinstance(fact, ClockTicked):
            outputs, _, complete = fold.tick(fact, False, 1_000)
            assert complete
        else:
            outputs = fold.event(fact)  # type: ignore[arg-type]
        for output in outputs:
            assert isinstance(output, Output), output
            yield output


def ledger_of(
    limit: int | None = None,
    exposure: int = 0,
    *,
    opened_on: int | None = None,
    terms_days: int | None = 30,
    owner: str | None = None,
    name: str | None = "Acme",
    currency: str | None = "USD",
) -> Ledger:
    """A ledger without invoices that owes `exposure`; minor units, as is `limit`."""
    made = Ledger()
    made.foreign_now, made.opened_on, made.terms_days = exposure, opened_on, terms_days
    made.owner, made.name, made.currency = owner, name, currency
    has_limit(made, limit)
    return made


def has_limit(ledger: Ledger, limit: int | None) -> None:
    """The seller's limit from now on, in minor units of the ledger's currency; None: there is none."""
    ledger.limit = limit
    ledger.limits = [] if limit is None else [[0, "l1", TODAY - 2000, limit, ledger.currency]]


_numbers = count(1)


def event(type_: str, at: str = "2026-06-01T12:00:00Z", /, **fields: Any) -> Any:
    """A valid event of that type, read as from the wire; amounts are strings, dates ISO, as there."""
    body = {
        "event_id": fields.pop("event_id", f"e{next(_numbers)}"),
        "type": type_,
        "account_id": "A1",
        "occurred_at": at,
        "source": fields.pop("source", "test"),
        **fields,
    }
    return parse(json.dumps(body).encode())


def days_ago(days: int) -> str:
    return (date.fromordinal(TODAY) - timedelta(days=days)).isoformat()


def report(days: int, score: float | None = None, agency: str = "creditsafe", **fields: Any) -> Any:
    """A bureau report `days` before TODAY, on a scale of 0 to 100."""
    if score is not None:
        fields |= {"score": score, "scale_min": 0, "scale_max": 100, "higher_is_better": True}
    return event(
        "bureau.reported", f"{days_ago(days)}T08:00:00Z", agency=agency, reported_on=days_ago(days), **fields
    )


def filing(kind: str, status: str = "filed", days: int = 10, filing_id: str = "F1", **fields: Any) -> Any:
    """A filing's news `days` before TODAY, dated that day."""
    at = f"{days_ago(days)}T08:00:00Z"
    return event(
        "bureau.filed", at, filing_id=filing_id, kind=kind, filed_on=days_ago(days), status=status, **fields
    )


def article(days: int, category: str | None, domain: str = "reuters.com", **fields: Any) -> Any:
    """An article published `days` before TODAY."""
    at = f"{days_ago(days)}T08:00:00Z"
    body = {
        "article_id": f"n{next(_numbers)}",
        "headline": f"Story {next(_numbers)}",
        "url": "https://x.test/1",
    }
    if category is not None:
        body["category"] = category
    return event("news.published", at, domain=domain, published_at=at, **{**body, **fields})


STRONG = {
    "total_assets": "1000000.00", "current_assets": "600000.00", "inventory": "100000.00",
    "total_liabilities": "400000.00", "current_liabilities": "300000.00", "intangibles": "100000.00",
    "equity": "600000.00", "sales": "2000000.00", "ebit": "200000.00", "interest_expense": "20000.00",
    "net_income": "120000.00", "operating_cash_flow": "150000.00",
}  # fmt: skip
"""A statement of which every ratio is at its best; tangible net worth 500,000."""


def statement(
    days: int = 60, statement_id: str = "S1", months: int = 12, currency: str = "USD", **changed: Any
) -> Any:
    """A statement for the period that ended `days` before TODAY, filed that day. A figure of None is left out."""
    amounts = {name: value for name, value in {**STRONG, **changed}.items() if value is not None}
    return event(
        "statement.filed",
        f"{days_ago(days)}T08:00:00Z",
        statement_id=statement_id,
        period_end=days_ago(days),
        months=months,
        currency=currency,
        figures=amounts,
    )


def signals(facts: Iterable[Any] = (), today: int = TODAY, policy: Policy = POLICY) -> Signals:
    known = Signals()
    for fact in facts:
        known.apply(fact, today, policy)
    return known


def view(
    known: Figures = NEUTRAL,
    facts: Iterable[Any] = (),
    *,
    ledger: Ledger | None = None,
    rates: Rates | None = None,
    today: int = TODAY,
    book: BookTotals | None = None,
    tier: str | None = None,
    policy: Policy = POLICY,
    known_signals: Signals | None = None,
) -> View:
    if ledger is None:
        ledger = ledger_of(
            limit=known.credit_limit, exposure=known.exposure, opened_on=known.first_invoice_on
        )
    return View(
        "A1",
        known,
        signals(facts, today, policy) if known_signals is None else known_signals,
        ledger,
        policy,
        Rates("USD") if rates is None else rates,
        today,
        book=book,
        tier=tier,
        events_behind=lambda figure: [f"behind {figure}"],
    )

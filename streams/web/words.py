"""How the page puts things: amounts with their currency, plain dates, ages, names of figures. Escapes and asks nothing.

Whatever can not be told stands as a dash: a figure with nothing behind it is never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote, urlsplit

import orjson

from schemas.money import EXPONENTS

NOTHING: Final = "–"


def money(value: Any, currency: str | None = None, *, whole: bool = False) -> str:
    """12,345.60 USD, with the currency's own decimals; `whole`: rounded to units, for tables and charts."""
    if value is None:
        return NOTHING
    try:
        amount = Decimal(str(value))
        places = 0 if whole else EXPONENTS.get(currency or "", 2)
        text = f"{amount:,.{places}f}"
    except (InvalidOperation, ValueError):
        return str(value)
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]  # no minus before a rounded nothing
    return f"{text} {currency}" if currency else text


def whole(value: Any, currency: str | None = None) -> str:
    """An amount in whole units."""
    return money(value, currency, whole=True)


def short(value: Any, currency: str | None = None) -> str:
    """1.2 M USD: for headlines; the exact amount stands beside."""
    if value is None:
        return NOTHING
    amount = float(value)
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            return (
                f"{amount / size:,.{1 if abs(amount) < 100 * size else 0}f} {unit} {currency or ''}".strip()
            )
    return whole(value, currency)


def percent(value: Any) -> str:
    """A ratio as percent."""
    return NOTHING if value is None else f"{float(value) * 100:,.0f} %"


def days(value: Any) -> str:
    """Days with one decimal."""
    return NOTHING if value is None else f"{float(value):,.1f} d"


def number(value: Any, places: int = 1) -> str:
    """A number without idle zeros."""
    if value is None:
        return NOTHING
    return f"{float(value):,.{places}f}".rstrip("0").rstrip(".") if places else f"{float(value):,.0f}"


def day(value: Any) -> str:
    """21 Nov 2026, of a date, an instant, or their text."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value[:10])
        except ValueError:
            return str(value)
    return f"{value.day} {value:%b %Y}" if isinstance(value, date) else str(value)


def instant(value: Any) -> str:
    """21 Nov 2026 14:05 UTC."""
    if not isinstance(value, datetime):
        return day(value)
    at = value if value.tzinfo else value.replace(tzinfo=UTC)
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y %H:%M} UTC"


def age(value: datetime | date | None, now: datetime) -> str:
    """How long ago, in the largest unit: 3 min, 5 h, 2 d."""
    if value is None:
        return "never"
    if not isinstance(value, datetime):
        gone = (now.date() - value).days
        return "today" if gone <= 0 else f"{gone} d"
    at = value if value.tzinfo else value.replace(tzinfo=UTC)
    seconds = max(0.0, (now - at).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def segment(value: Any) -> str:
    """An id as one piece of a path; a slash in it stays part of the id."""
    return quote(str(value), safe="")


def web_link(url: Any) -> str | None:
    """The URL when a browser may be sent there: http or https with a host. Anything else is text, never a link."""
    if not isinstance(url, str) or any(ord(c) <= 32 or ord(c) == 127 for c in url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def words(name: Any) -> str:
    """past_due_share -> past due share."""
    return str(name).replace("_", " ").replace(".", " ")


def title(name: Any) -> str:
    """past_due_share -> Past due share."""
    text = words(name)
    return text[:1].upper() + text[1:]


SEVERITIES: Final = {1: "note", 2: "watch", 3: "act", 4: "urgent", 5: "critical"}
"""Severity -> a word, so that neither number nor colour stands alone."""

# ---------------------------------------------------------------- figures by name

_DAYS: Final = "days"
_MONEY: Final = "money"
_SHARE: Final = "share"
_COUNT: Final = "count"

FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "dtp_30d": ("Days to pay, last 30 days", _DAYS),
    "dtp_90d": ("Days to pay, last 90 days", _DAYS),
    "dtp_365d": ("Days to pay, last year", _DAYS),
    "dtp_baseline": ("Days to pay, usual", _DAYS),
    "dbt_90d": ("Days beyond terms, last 90 days", _DAYS),
    "dbt_365d": ("Days beyond terms, last year", _DAYS),
    "dbt_baseline": ("Days beyond terms, usual", _DAYS),
    "dtp_months": ("Days to pay, last four months", _DAYS),
    "rise_days": ("Rise over these months", _DAYS),
    "days_past_due": ("Days past due", _COUNT),
    "max_days_past_due": ("Oldest invoice, days past due", _COUNT),
    "past_due": ("Past due", _MONEY),
    "past_due_over_10": ("More than 10 days past due", _MONEY),
    "past_due_61": ("More than 60 days past due", _MONEY),
    "past_due_91": ("More than 90 days past due", _MONEY),
    "past_due_share": ("Past due for more than 10 days, share of the balance", _SHARE),
    "open_balance": ("Open balance", _MONEY),
    "unapplied": ("Unapplied cash", _MONEY),
    "disputed": ("Disputed", _MONEY),
    "disputed_share": ("Disputed share of the balance", _SHARE),
    "disputed_share_baseline": ("Disputed share, usual", _SHARE),
    "exposure": ("Exposure", _MONEY),
    "gross_exposure": ("Balance and open orders", _MONEY),
    "credit_limit": ("Credit limit", _MONEY),
    "open_orders": ("Open orders", _MONEY),
    "security": ("Security", _MONEY),
    "utilization": ("Exposure / limit", _SHARE),
    "utilization_28d_ago": ("Exposure / limit, 28 days before", _SHARE),
    "peak_utilization_90d": ("Highest exposure / limit in 90 days", _SHARE),
    "prior_high_credit": ("Highest balance of the year before", _MONEY),
    "high_credit": ("Highest balance of the year", _MONEY),
    "history_days": ("Days of history", _COUNT),
    "purchases_30d": ("Purchases, last 30 days", _MONEY),
    "purchases_prior_90d": ("Purchases, 90 days before those", _MONEY),
    "monthly_purchases": ("Monthly purchases", _MONEY),
    "invoices_prior_90d": ("Invoices, 90 days before those", _COUNT),
    "growth": ("Change of purchases", _SHARE),
    "cut": ("Cut of the recommended limit", _SHARE),
    "recommended_limit": ("Recommended limit", _MONEY),
    "best_recommended_limit": ("Highest recommended limit of the year", _MONEY),
    "fall_points": ("Fall, points of 100", _COUNT),
    "fall_classes": ("Fall, classes", _COUNT),
    "score": ("Score", _COUNT),
    "best_score": ("Best score of the year", _COUNT),
    "score_reported": ("Score as reported", "text"),
    "overdue_surprise": ("Chance of being unpaid at this age", _SHARE),
    "invoices_observed": ("Invoices observed at this age", _COUNT),
    "payment_runs": ("Payment runs", _COUNT),
    "drift_test": ("Test of the drift", "text"),
    "drift_statistic": ("Statistic of the test", _COUNT),
    "drift_agrees": ("The test agrees", "text"),
    "reversals_90d": ("Returned payments in 90 days", _COUNT),
    "promises_broken_60d": ("Broken promises in 60 days", _COUNT),
    "promises_broken": ("Broken promises in a year", _COUNT),
    "filed_on": ("Filed on", "day"),
    "partial_of_last_5": ("Of the last 5 invoices, paid in parts", _COUNT),
    "missed_in_a_row": ("Discounts not taken in a row", _COUNT),
    "taken_before": ("Of those before, taken", _COUNT),
    "news_score": ("Score of the news", _COUNT),
    "category_severity": ("Severity of its category", _COUNT),
    "confidence": ("Confidence of the match", _SHARE),
    "trust": ("Trust in the source", _SHARE),
    "uncorroborated_cap": ("Cap without a second source", _COUNT),
    "amount_base": ("Amount, base currency", "plain"),
    "worst_dbt_182d": ("Worst days beyond terms in half a year", _COUNT),
    "pay_index": ("Pay index", _COUNT),
    "need": ("Need", _MONEY),
    "terms_days": ("Terms, days", _COUNT),
    "worst_fact": ("Severity of the worst fact", _COUNT),
    "grade_multiplier": ("Multiplier of the grade", _COUNT),
    "net_worth": ("Share of tangible net worth", _MONEY),
    "references": ("High credit of references", _MONEY),
    "agency": ("Agency", "text"),
    "share_of_book": ("Share of the book", _SHARE),
    "fx_driven": ("Moved by a rate of exchange alone", "text"),
    "rising": ("Above that of 28 days before", "text"),
}
"""Name of a figure -> how a person calls it, and what kind of value it is. A name that is not here is shown as it is."""


TERMS: Final[Mapping[str, str]] = {
    "need": "Need × multiplier of the grade",
    "net_worth": "Share of tangible net worth",
    "references": "Median high credit of references",
    "agency": "Newest agency limit × multiplier of the grade",
}
"""Term of a limit -> how a person calls it."""


CATEGORIES: Final[Mapping[str, str]] = {"events": "Adverse facts"}
"""Category of the score -> how a person calls it, where its name says too little."""


def figure_name(name: str) -> str:
    """How a person calls a figure; `clear_…` levels say so."""
    if name in FIGURES:
        return FIGURES[name][0]
    if name.startswith("clear_"):
        return f"{figure_name(name.removeprefix('clear_'))}: clears at"
    if name.endswith("_repeated"):
        return f"{figure_name(name.removesuffix('_repeated'))}: graver from"
    return title(name)


def figure(name: str, value: Any, currency: str | None) -> str:
    """The value of a figure as its kind asks for."""
    kind = FIGURES.get(name.removeprefix("clear_").removesuffix("_repeated"), ("", ""))[1]
    if value is None:
        return NOTHING
    if value == "no_rate":
        return "no rate of exchange"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(figure(name, item, currency) for item in value) or NOTHING
    if isinstance(value, dict):
        return "; ".join(f"{words(k)} {figure(k, v, currency)}" for k, v in value.items() if v is not None)
    try:
        if kind == _MONEY:
            return money(value, currency)
        if kind == "day":
            return day(value)
        if kind == _DAYS:
            return days(value)
        if kind == _SHARE:
            return f"{number(float(value) * 100)} %"
        if isinstance(value, float):
            return number(value, 2)
    except (ValueError, TypeError):
        pass
    return str(value)


# What an alert's title leaves open, in figures. Braces name metrics; <braces> thresholds.
_FACTS: Final[Mapping[str, str]] = {
    "payment_drift": "{dtp_90d} to pay, was {dtp_baseline}",
    "payment_drift_severe": "{dtp_90d} to pay, was {dtp_baseline}",
    "slipping_each_month": "{dtp_months}",
    "overdue_surprise": "{days_past_due} days past due",
    "past_due_share": "{past_due_share} of the balance",
    "seriously_past_due": "{past_due_61}",
    "delinquent": "{past_due_91}",
    "utilization_high": "{utilization} of the limit",
    "over_limit": "{exposure} on a limit of {credit_limit} ({utilization})",
    "exposure_without_limit": "{exposure}",
    "order_surge": "purchases {growth} up",
    "purchases_collapse": "purchases {growth}",
    "new_high_credit": "{open_balance}, highest before {prior_high_credit}",
    "payment_reversed": "{reversals_90d} in 90 days",
    "promise_broken": "{promises_broken_60d} in 60 days",
    "partial_payments": "{partial_of_last_5} of the last 5",
    "dispute_spike": "{disputed}, {disputed_share} of the balance",
    "discounts_abandoned": "{missed_in_a_row} in a row",
    "bureau_downgrade": "{agency}: {score}, was {best_score}",
    "agency_limit_cut": "{agency}: {recommended_limit}, was {best_recommended_limit}",
    "adverse_news": "“{headline}”",
    "insolvency": "filed {filed_on}",
    "concentration": "{share_of_book} of the book",
}


def facts(trigger: str, evidence: Any, currency: str | None) -> str:
    """The figures of an alert in a few words; empty when its evidence does not hold what it takes."""
    form = _FACTS.get(trigger)
    metrics = loaded(evidence).get("metrics")
    if form is None or not isinstance(metrics, dict):
        return ""
    try:
        return form.format_map({name: figure(name, value, currency) for name, value in metrics.items()})
    except (KeyError, ValueError, IndexError):
        return ""


def loaded(value: Any) -> dict[str, Any]:
    """A JSON object out of a text column; an empty one where there is none."""
    if isinstance(value, dict):
        return value
    try:
        found = orjson.loads(value or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def event(kind: str, body: Mapping[str, Any]) -> str:
    """One line about an event, from its own fields; nothing of it is trusted, all of it is text."""
    currency = body.get("currency")
    amount = (
        body.get("amount") or body.get("limit") or body.get("credit_limit") or body.get("recommended_limit")
    )
    parts = [money(amount, str(currency or "")).strip()] if amount is not None else []
    for name in _TOLD.get(kind, ()):
        if (value := body.get(name)) not in (None, "", []):
            shown = day(value) if name.endswith(("_on", "_date", "period_end")) else _plain(value)
            parts.append(f"{words(name)} {shown}" if name not in _BARE else shown)
    return ", ".join(parts)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return (
            f"{len(value)} invoices" if value and isinstance(value[0], dict) else ", ".join(map(str, value))
        )
    return str(value)


_BARE: Final = frozenset(
    (
        "headline",
        "name",
        "kind",
        "agency",
        "status",
        "outcome",
        "reason",
        "reason_code",
        "domain",
        "actor",
        "category",
    )
)
_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "invoice.issued": ("invoice_id", "due_date"),
    "invoice.credited": ("memo_id", "invoice_id", "reason"),
    "invoice.disputed": ("invoice_id", "reason"),
    "dispute.resolved": ("invoice_id", "outcome"),
    "invoice.written_off": ("invoice_id",),
    "invoice.voided": ("invoice_id",),
    "order.booked": ("order_id",),
    "order.closed": ("order_id",),
    "payment.received": ("payment_id", "paid_on", "method"),
    "payment.applied": ("payment_id",),
    "payment.reversed": ("payment_id", "reversed_on", "reason_code"),
    "payment.promised": ("promise_id", "due_on"),
    "payment.scheduled": ("payment_id", "scheduled_on"),
    "bureau.reported": ("agency", "score", "rating_class"),
    "bureau.filed": ("kind", "status", "filed_on", "court"),
    "screening.reported": ("list", "status"),
    "news.published": ("headline", "domain", "category"),
    "account.opened": ("name",),
    "account.updated": ("name",),
    "account.limit_set": ("set_by", "reason"),
    "account.closed": ("reason",),
    "security.recorded": ("kind", "expires_on"),
    "statement.filed": ("period_end",),
    "reference.given": ("reference_id",),
    "proposal.approved": ("actor", "role", "note"),
    "proposal.rejected": ("actor", "role", "note"),
    "alert.acknowledged": ("actor", "owner", "until"),
    "alert.assigned": ("actor", "owner", "until"),
    "alert.snoozed": ("actor", "owner", "until"),
}
"""Event type -> the fields that its line tells, beside the amount."""

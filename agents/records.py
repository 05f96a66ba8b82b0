"""The records that leave the monitor: figures, alerts, proposals and statuses as the JSON objects of the contract.

Only their shape is made here, as plain dicts for speed; schemas/outputs.py states the same shape as models and a test
holds every record against them. What to emit, and when, is agents/monitor.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, Final, Literal, NamedTuple

from agents.account import Standing
from agents.balances import exposure_now
from agents.desk import ProposalChange
from agents.figures import NOT_EMITTED, Ageing, Figures
from agents.limits import Scoring
from agents.view import View
from agents.watch import AlertChange
from agents.wording import iso
from schemas.money import EXPONENTS, text

_MONEY: Final = (
    "open_balance", "past_due", "past_due_over_10", "past_due_61", "past_due_91", "unapplied", "disputed", "open_orders",
    "security", "gross_exposure", "exposure", "credit_limit", "high_credit", "prior_high_credit", "paid_30d", "paid_90d",
    "paid_365d", "monthly_purchases", "purchases_30d", "purchases_prior_90d",
)  # fmt: skip
_DAYS: Final = ("fx_as_of", "first_invoice_on", "last_payment_on", "first_due_on")
_SPECIAL: Final = frozenset(
    (*_MONEY, *_DAYS, *NOT_EMITTED, "as_of", "currency", "ageing", "ageing_disputed", "exposure_base", "dtp_months",
     "discounts_taken")
)  # fmt: skip
_PLAIN: Final = tuple(name for name in Figures._fields if name not in _SPECIAL)
_BUCKETS: Final = Ageing._fields
_MONEY_OF, _DAYS_OF, _PLAIN_OF = attrgetter(*_MONEY), attrgetter(*_DAYS), attrgetter(*_PLAIN)


class Output(NamedTuple):
    """One record for an output topic. `topic` is the logical name; `at` the RFC 3339 instant of what caused it."""

    topic: str
    account_id: str
    ce_id: str
    ce_type: str
    at: str
    body: dict[str, Any]


class Refusal(NamedTuple):
    """The input record itself goes to late, or to dead letters, with this reason; nothing of it was applied.

    `kind`: whether the input is at fault (refused), a rule of ours raised (failed), or it came too late; each of the
    first two is a dead letter.
    """

    kind: Literal["refused", "failed", "late"]
    account_id: str
    reason: str


def money_text(minor: int | None, currency: str | None) -> str | None:
    """Minor units as the decimal string of the wire, with the currency's decimals; None stays None."""
    return None if minor is None or currency is None else text(minor, currency)


def _money_texts(amounts: Iterable[int | None], currency: str | None) -> list[str | None]:
    """money_text() of each; the usual amounts of a currency with cents are cut from their digits."""
    if currency is None or EXPONENTS[currency] != 2:
        return [money_text(amount, currency) for amount in amounts]
    return [
        None
        if amount is None
        else "0.00"
        if not amount
        else f"{(digits := str(amount))[:-2]}.{digits[-2:]}"
        if amount > 99
        else money_text(amount, currency)
        for amount in amounts
    ]


def _ageing(ageing: Ageing, currency: str | None) -> dict[str, str | None]:
    return dict(zip(_BUCKETS, _money_texts(ageing, currency), strict=True))


def snapshot_record(view: View, scoring: Scoring, tier: str) -> dict[str, Any]:
    """A record of credit.snapshots.v1."""
    figures = view.figures
    currency = figures.currency
    base = view.policy.base_currency
    body: dict[str, Any] = {
        "account_id": view.account_id,
        "account_name": view.account_name,
        "as_of": iso(figures.as_of),
        "currency": currency,
        "score": scoring.score,
        "grade": scoring.grade,
        "tier": tier,
        "exposure_base": money_text(figures.exposure_base, base),
        "base_currency": base,
        "ageing": _ageing(figures.ageing, currency),
        "ageing_disputed": _ageing(figures.ageing_disputed, currency),
        "dtp_months": figures.dtp_months,
        "discounts_taken": figures.discounts_taken,
    }
    body.update(zip(_MONEY, _money_texts(_MONEY_OF(figures), currency), strict=True))
    for name, day in zip(_DAYS, _DAYS_OF(figures), strict=True):
        body[name] = None if day is None else iso(day)
    body.update(zip(_PLAIN, _PLAIN_OF(figures), strict=True))
    return body


def alert_record(change: AlertChange, view: View, tier: str, policy_hash: str, engine: str) -> dict[str, Any]:
    """A record of credit.alerts.v1."""
    currency = view.figures.currency
    body = {
        "alert_id": change.alert_id,
        "account_id": view.account_id,
        "account_name": view.account_name,
        "trigger": change.trigger,
        "severity": change.severity,
        "status": change.status,
        "title": change.title,
        "action": change.action,
        "as_of": iso(change.as_of),
        "opened_at": change.opened_at,
        "owner": change.owner,
        "acknowledged_by": change.acknowledged_by,
        "snoozed_until": None if change.snoozed_until is None else iso(change.snoozed_until),
        "tier": tier,
        "exposure": money_text(view.figures.exposure, currency),
        "currency": currency,
        "evidence": {
            "metrics": change.metrics,
            "thresholds": change.thresholds,
            "event_ids": change.event_ids,
        },
        "history": change.history,
        "url": f"/alerts/{change.alert_id}",
        "number": change.number,
        "policy": policy_hash,
        "engine": engine,
    }
    if change.reason is not None:
        body["reason"] = change.reason
    return body


def proposal_record(change: ProposalChange, view: View, policy_hash: str, engine: str) -> dict[str, Any]:
    """A record of credit.limit-proposals.v1."""
    currency = change.currency
    return {
        "proposal_id": change.proposal_id,
        "account_id": view.account_id,
        "account_name": view.account_name,
        "as_of": iso(change.as_of),
        "status": change.status,
        "direction": change.direction,
        "current_limit": money_text(change.current_limit, currency),
        "proposed_limit": money_text(change.proposed_limit, currency),
        "currency": currency,
        "score": change.score,
        "grade": change.grade,
        "categories": change.categories,
        "terms": {
            name: money_text(amount, currency) for name, amount in change.terms.items() if amount is not None
        },
        "binding": change.binding,
        "approver": change.approver,
        "reasons": change.reasons,
        "evidence": change.evidence,
        "decided_by": change.decided_by,
        "effective_limit": money_text(change.effective_limit, currency),
        "expires_at": iso(change.expires_at),
        "number": change.number,
        "policy": policy_hash,
        "engine": engine,
    }


def standing(view: View, tier: str, status: str, open_alerts: int) -> Standing:
    """What the account-status says now. Headroom is the limit less the exposure, by the ledger's running totals; none is told
    while part of what is owed waits for a rate, as orders are released by it."""
    ledger = view.ledger
    limit = ledger.limit
    headroom = None
    if limit is not None and not view.owes_unvalued:
        headroom = limit - exposure_now(ledger, view.today)
    limit_text, headroom_text = _money_texts((limit, headroom), ledger.currency)
    return Standing(status, tier, limit_text, open_alerts, None, headroom_text)


def status_record(view: View, told: Standing) -> dict[str, Any]:
    """A record of credit.account-status.v1."""
    return {
        "account_id": view.account_id,
        "as_of": iso(view.today),
        "status": told.status,
        "tier": told.tier,
        "credit_limit": told.credit_limit,
        "currency": view.ledger.currency,
        "headroom": told.headroom,
        "open_alerts": told.open_alerts,
        "next_review": told.next_review,
    }

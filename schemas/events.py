"""Every event that may enter, one frozen model a type, one union on `type`, and parse(), the only way in.

What a field may hold stands in fields.py, the wording of refusals in refusals.py. When an event may enter (order,
clock, policy) is not decided here.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from schemas.fields import (
    Amount,
    AmountOrZero,
    Count,
    Country,
    Currency,
    Day,
    Days,
    Document,
    Extra,
    Flag,
    Id,
    Instant,
    Months,
    Name,
    Number,
    Percent,
    Rate,
    RegistryIds,
    Severity,
    Share,
    SignedAmount,
    Text,
    Url,
)
from schemas.money import EXPONENTS, MAX_DIGITS
from schemas.refusals import BETWEEN_FIELDS, field_name, reason, repeated_key


class Invalid(ValueError):
    """Input that is no event; `reason` is one sentence that names the field, what was given and what is wanted."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _refuse(sentence: str) -> PydanticCustomError:
    """A refusal of fields that do not agree; the sentence starts with the field's path."""
    return PydanticCustomError(BETWEEN_FIELDS, "{sentence}", {"sentence": sentence})


def _fit(field: str, amount: str, currency: str) -> None:
    """The amount's form is checked already: refuses what schemas.money.minor would refuse for its currency."""
    places = EXPONENTS[currency]
    if amount[-3:-2] == "." and places == 2 and len(amount) <= MAX_DIGITS + 1:
        return  # the usual text
    whole, _, decimals = amount.lstrip("-").partition(".")
    if len(decimals) > places:
        most = f"at most {places}" if places else "no"
        raise _refuse(f'{field}: "{amount}" given; wanted {most} decimals for {currency}')
    if len((whole + "0" * places).lstrip("0")) > MAX_DIGITS:
        raise _refuse(
            f'{field}: "{amount}" is too large; wanted at most {MAX_DIGITS - places} digits before the point for '
            f"{currency}"
        )


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Application(_Model):
    """Cash of a payment that goes to one invoice, and the discount granted with it, in the payment's currency."""

    invoice_id: Id
    amount: Amount
    discount: AmountOrZero | None = None


class _Control(_Model):
    """What every event has; control events have no account."""

    event_id: Id
    occurred_at: Instant
    source: Id
    extra: Extra | None = None


class _Event(_Control):
    account_id: Id


def _wanted_beside(field: str, *wanted: str) -> dict[str, Any]:
    """In JSON Schema: where the field is given, the wanted ones are too. Null is as good as left out."""
    given = {"not": {"type": "null"}}
    return {
        "if": {"required": [field], "properties": {field: given}},
        "then": {"required": list(wanted), "properties": dict.fromkeys(wanted, given)},
    }


class _Money(_Event):
    """An event with one amount and its currency; a currency alone says nothing and is let through."""

    amount_field: ClassVar[str] = "amount"

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        if not cls.model_fields["currency"].is_required():
            schema.setdefault("allOf", []).append(_wanted_beside(cls.amount_field, "currency"))
        return schema

    @model_validator(mode="after")
    def _fits(self) -> Self:
        values = self.__dict__
        amount = values[self.amount_field]
        if amount is None:
            return self
        currency = values["currency"]
        if currency is None:
            raise _refuse(f"currency: missing; wanted because {self.amount_field} is given")
        _fit(self.amount_field, amount, currency)
        return self


# credit.invoices.v1


class InvoiceIssued(_Money):
    """An invoice, or its correction: the newest holds, and what it leaves out of order and discount is as one before said."""

    type: Literal["invoice.issued"]
    invoice_id: Id
    amount: Amount
    currency: Currency
    invoice_date: Day
    due_date: Day
    order_id: Id | None = None
    terms: Text | None = None
    discount_percent: Percent | None = None
    discount_date: Day | None = None
    reference: Text | None = None
    virtual_iban: Text | None = None


class InvoiceCredited(_Money):
    """A credit memo; without an invoice it is on account."""

    type: Literal["invoice.credited"]
    memo_id: Id
    amount: Amount
    currency: Currency
    invoice_id: Id | None = None
    reason: Text | None = None


class InvoiceDisputed(_Money):
    type: Literal["invoice.disputed"]
    invoice_id: Id
    dispute_id: Id
    amount: Amount
    currency: Currency
    reason: Text | None = None


class DisputeResolved(_Event):
    type: Literal["dispute.resolved"]
    invoice_id: Id
    dispute_id: Id
    outcome: Literal["upheld", "rejected"]


class InvoiceWrittenOff(_Money):
    """Without an amount: what all facts up to the day leave."""

    type: Literal["invoice.written_off"]
    invoice_id: Id
    amount: Amount | None = None
    currency: Currency | None = None


class InvoiceVoided(_Money):
    type: Literal["invoice.voided"]
    invoice_id: Id
    amount: Amount | None = None
    currency: Currency | None = None


class OrderBooked(_Money):
    type: Literal["order.booked"]
    order_id: Id
    amount: Amount | None = None
    currency: Currency | None = None


class OrderClosed(_Money):
    type: Literal["order.closed"]
    order_id: Id
    amount: Amount | None = None
    currency: Currency | None = None


# credit.payments.v1


class PaymentReceived(_Event):
    type: Literal["payment.received"]
    payment_id: Id
    amount: Amount
    currency: Currency
    paid_on: Day
    method: Text | None = None
    applications: tuple[Application, ...] | None = None
    reference: Text | None = None
    virtual_iban: Text | None = None
    payer: Text | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        currency = self.currency
        _fit("amount", self.amount, currency)
        for place, application in enumerate(self.applications or ()):
            _fit(f"applications[{place}].amount", application.amount, currency)
            if application.discount is not None:
                _fit(f"applications[{place}].discount", application.discount, currency)
        return self


class PaymentApplied(_Event):
    """What is newly applied of a payment; the amounts are in the payment's currency, which only the ledger knows."""

    type: Literal["payment.applied"]
    payment_id: Id
    applications: Annotated[tuple[Application, ...], Field(min_length=1)]


class PaymentReversed(_Event):
    """Without an amount: all of it. In the payment's currency, which only the ledger knows."""

    type: Literal["payment.reversed"]
    payment_id: Id
    reversed_on: Day
    reason_code: Text | None = None
    amount: Amount | None = None


class PaymentPromised(_Money):
    type: Literal["payment.promised"]
    promise_id: Id
    amount: Amount
    currency: Currency
    due_on: Day
    invoice_ids: tuple[Id, ...] | None = None


class PaymentScheduled(_Money):
    type: Literal["payment.scheduled"]
    payment_id: Id
    amount: Amount
    currency: Currency
    scheduled_on: Day


# credit.bureau.v1


_SCALE: Final = ("scale_min", "scale_max", "higher_is_better")


class BureauReported(_Money):
    amount_field: ClassVar[str] = "recommended_limit"

    type: Literal["bureau.reported"]
    agency: Id
    reported_on: Day
    score: Number | None = None
    scale_min: Number | None = None
    scale_max: Number | None = None
    higher_is_better: Flag | None = None
    rating_class: Text | None = None
    recommended_limit: AmountOrZero | None = None
    currency: Currency | None = None
    dbt: Number | None = None

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = super().__get_pydantic_json_schema__(core, handler)
        schema["allOf"].append(_wanted_beside("score", *_SCALE))
        return schema

    @model_validator(mode="after")
    def _scale(self) -> Self:
        score, low, high = self.score, self.scale_min, self.scale_max
        if low is not None and high is not None and low >= high:
            raise _refuse(f"scale_max: {high:g} given; wanted a number above scale_min, which is {low:g}")
        if score is None:
            return self
        for name in _SCALE:
            if getattr(self, name) is None:
                raise _refuse(f"{name}: missing; wanted because score is given")
        if low is not None and high is not None and not low <= score <= high:
            raise _refuse(f"score: {score:g} given; wanted a number on its scale, {low:g} to {high:g}")
        return self


class BureauFiled(_Money):
    type: Literal["bureau.filed"]
    filing_id: Id
    kind: Literal["lien", "judgment", "suit", "charge", "insolvency", "solvent_liquidation"]
    filed_on: Day
    status: Literal["filed", "released", "satisfied", "discharged"]
    amount: AmountOrZero | None = None
    currency: Currency | None = None
    court: Text | None = None


class ScreeningReported(_Event):
    type: Literal["screening.reported"]
    match_id: Id
    list: Name
    status: Literal["possible", "confirmed", "cleared"]
    actor: Name | None = None


# credit.news.v1

NewsCategory = Literal[
    "bankruptcy",
    "insolvency",
    "sanctions",
    "payment_default",
    "going_concern",
    "creditor_petition",
    "licence_loss",
    "restatement",
    "fraud",
    "covenant_breach",
    "downgrade",
    "auditor_resignation",
    "delisting",
    "plant_closure",
    "supplier_tightening",
    "major_customer_lost",
    "layoffs",
    "cfo_exit",
    "recall",
    "cyber",
    "merger_acquisition",
    "leveraged_buyout",
    "ceo_exit",
    "dividend_cut",
    "hiring_freeze",
    "rumour",
    "litigation",
    "unknown",
]


class NewsPublished(_Money):
    amount_field: ClassVar[str] = "claim"

    type: Literal["news.published"]
    article_id: Id
    headline: Text
    url: Url
    domain: Id
    published_at: Instant
    category: NewsCategory | None = None
    confidence: Share | None = None
    story_id: Id | None = None
    claim: AmountOrZero | None = None
    currency: Currency | None = None
    source_kind: Literal["registry", "court", "press"] | None = None


# credit.accounts.v1


class _Profile(_Money):
    amount_field: ClassVar[str] = "expected_monthly_purchases"

    name: Name
    currency: Currency
    opened_on: Day
    country: Country | None = None
    terms_days: Days | None = None
    parent_id: Id | None = None
    industry: Text | None = None
    registry_ids: RegistryIds | None = None
    expected_monthly_purchases: AmountOrZero | None = None
    owner: Name | None = None

    @model_validator(mode="after")
    def _parent(self) -> Self:
        if self.parent_id is not None and self.parent_id == self.account_id:
            raise _refuse("parent_id: the account itself given; wanted another account")
        return self


class AccountOpened(_Profile):
    """What its sender knows of the account: what is left out says nothing, nor does a name that is the account's id. Of
    several the newest that names a field holds, of `opened_on` the earliest day. Expected purchases count while their currency
    is the account's."""

    type: Literal["account.opened"]


class AccountUpdated(_Profile):
    """The account as a whole: what is left out is cleared, whatever older events named. An account.opened that is newer adds
    to it, but no `opened_on`."""

    type: Literal["account.updated"]


class LimitSet(_Money):
    amount_field: ClassVar[str] = "credit_limit"

    type: Literal["account.limit_set"]
    credit_limit: AmountOrZero
    currency: Currency
    set_by: Name | None = None
    reason: Text | None = None


class AccountClosed(_Event):
    type: Literal["account.closed"]
    reason: Text | None = None


class SecurityRecorded(_Money):
    """The security as it stands; an amount of 0 releases it."""

    type: Literal["security.recorded"]
    security_id: Id
    kind: Literal["letter_of_credit", "deposit", "insurance", "guarantee"]
    amount: AmountOrZero
    currency: Currency
    expires_on: Day | None = None


class StatementFigures(BaseModel):
    """The figures of a financial statement, each an amount that may be negative; figures beyond these are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, SignedAmount | None]

    total_assets: SignedAmount | None = None
    current_assets: SignedAmount | None = None
    inventory: SignedAmount | None = None
    total_liabilities: SignedAmount | None = None
    current_liabilities: SignedAmount | None = None
    intangibles: SignedAmount | None = None
    equity: SignedAmount | None = None
    retained_earnings: SignedAmount | None = None
    prior_retained_earnings: SignedAmount | None = None
    dividends: SignedAmount | None = None
    sales: SignedAmount | None = None
    ebit: SignedAmount | None = None
    interest_expense: SignedAmount | None = None
    net_income: SignedAmount | None = None
    operating_cash_flow: SignedAmount | None = None


class StatementFiled(_Event):
    type: Literal["statement.filed"]
    statement_id: Id
    period_end: Day
    months: Months
    currency: Currency
    audited: Flag | None = None
    figures: StatementFigures

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, amount in self.figures:
            if amount is not None:
                _fit(f"figures.{name}", amount, self.currency)
        return self


class ReferenceGiven(_Money):
    amount_field: ClassVar[str] = "high_credit"

    type: Literal["reference.given"]
    reference_id: Id
    high_credit: AmountOrZero
    currency: Currency
    dbt: Number | None = None
    since: Day | None = None


class _Related(_Event):
    related_account_id: Id

    @model_validator(mode="after")
    def _another(self) -> Self:
        if self.related_account_id == self.account_id:
            raise _refuse("related_account_id: the account itself given; wanted another account")
        return self


class RelatedLinked(_Related):
    """A child tells its parent."""

    type: Literal["related.linked"]


class _Distress(_Related):
    """`parent_id`: the parent of the family that is told. It counts for that family's children alone; without one, for
    whoever is told. `stay`: how many families a child that tells its own had left before; left out for none."""

    alert_id: Id
    severity: Severity
    parent_id: Id | None = None
    stay: Count | None = None


class RelatedDistressed(_Distress):
    type: Literal["related.distressed"]


class RelatedRecovered(_Distress):
    type: Literal["related.recovered"]


# credit.decisions.v1

Role = Literal["auto", "analyst", "manager", "controller"]


class ProposalApproved(_Money):
    amount_field: ClassVar[str] = "limit"

    type: Literal["proposal.approved"]
    proposal_id: Id
    actor: Name
    role: Role
    limit: AmountOrZero
    currency: Currency
    note: Text | None = None


class ProposalRejected(_Event):
    type: Literal["proposal.rejected"]
    proposal_id: Id
    actor: Name
    role: Role
    note: Text | None = None


class _AlertDecision(_Event):
    alert_id: Id
    actor: Name
    owner: Name | None = None
    until: Day | None = None


class AlertAcknowledged(_AlertDecision):
    type: Literal["alert.acknowledged"]


class AlertAssigned(_AlertDecision):
    type: Literal["alert.assigned"]


class AlertSnoozed(_AlertDecision):
    type: Literal["alert.snoozed"]


# credit.control.v1


class ClockTicked(_Control):
    """A day has ended. Rates are base units of one unit of the currency; book figures are in the base currency."""

    type: Literal["clock.ticked"]
    as_of: Day
    rates: dict[Currency, Rate] | None = None
    book_exposure: AmountOrZero | None = None
    book_accounts: Count | None = None


class PolicyAdopted(_Control):
    type: Literal["policy.adopted"]
    hash: Id
    text: Document
    engine: Id
    live_from: Day | None = None


class BookReported(_Control):
    """One partition's book at a live tick, in the base currency."""

    type: Literal["book.reported"]
    partition: Count
    as_of: Day
    exposure: AmountOrZero
    accounts: Count


InvoicesEvent = (
    InvoiceIssued
    | InvoiceCredited
    | InvoiceDisputed
    | DisputeResolved
    | InvoiceWrittenOff
    | InvoiceVoided
    | OrderBooked
    | OrderClosed
)
PaymentsEvent = PaymentReceived | PaymentApplied | PaymentReversed | PaymentPromised | PaymentScheduled
BureauEvent = BureauReported | BureauFiled | ScreeningReported
NewsEvent = NewsPublished
RelatedEvent = RelatedLinked | RelatedDistressed | RelatedRecovered
AccountsEvent = (
    AccountOpened
    | AccountUpdated
    | LimitSet
    | AccountClosed
    | SecurityRecorded
    | StatementFiled
    | ReferenceGiven
    | RelatedEvent
)
ProposalDecision = ProposalApproved | ProposalRejected
AlertDecision = AlertAcknowledged | AlertAssigned | AlertSnoozed
DecisionsEvent = ProposalDecision | AlertDecision
ControlEvent = ClockTicked | PolicyAdopted | BookReported

AccountEvent = InvoicesEvent | PaymentsEvent | BureauEvent | NewsEvent | AccountsEvent | DecisionsEvent
Event = Annotated[AccountEvent | ControlEvent, Field(discriminator="type")]

EVENT: Final[TypeAdapter[AccountEvent | ControlEvent]] = TypeAdapter(Event)


def _types(union: Any) -> dict[str, type[BaseModel]]:
    members = get_args(union) or (union,)
    return {get_args(model.model_fields["type"].annotation)[0]: model for model in members}


_BY_TOPIC: Final = {
    "invoices": _types(InvoicesEvent),
    "payments": _types(PaymentsEvent),
    "bureau": _types(BureauEvent),
    "news": _types(NewsEvent),
    "accounts": _types(AccountsEvent),
    "decisions": _types(DecisionsEvent),
    "control": _types(ControlEvent),
}

TOPIC_OF: Final[dict[str, str]] = {name: topic for topic, types in _BY_TOPIC.items() for name in types}
"""Type -> logical name of the topic that it belongs on (history carries them too, see HISTORY_TYPES)."""

MODEL_OF: Final[dict[str, type[BaseModel]]] = {
    name: model for types in _BY_TOPIC.values() for name, model in types.items()
}
"""Type -> its model."""

CONTROL_TYPES: Final = frozenset(_BY_TOPIC["control"])
HISTORY_TYPES: Final = frozenset(TOPIC_OF) - CONTROL_TYPES | {"clock.ticked"}
"""What credit.history.v1 may carry: every event of an account, and the clock."""

LARGEST: Final = 2_000_000
"""Bytes of an event. Kafka's own limit is of compressed batches: far more comes through it than the journal could take."""

_validate: Final = EVENT.validator.validate_json


def parse(raw: bytes | str | None) -> AccountEvent | ControlEvent:
    """The event that a record's value holds.

    Raises Invalid, and nothing else, whatever the value is. Does not compare `occurred_at` with any clock and does
    not know the topic the record came from: both are intake's to check. A key given twice is refused as long as the
    text is written alike throughout (a blank before every colon, or before none).
    """
    if raw is None:
        raise Invalid("the record has no value; send one JSON object")
    if len(raw) > LARGEST:
        raise Invalid(f"the value: {len(raw):,} bytes given; wanted at most {LARGEST:,}")
    try:
        event: AccountEvent | ControlEvent = _validate(raw)
    except ValidationError as error:
        raise Invalid(reason(raw, error, MODEL_OF)) from None
    # The parser keeps the last of two equal keys without a word. Counting keys is cheap; only where the count is
    # not what the fields make it (free objects, blanks before colons) is the text walked to look for a pair.
    expected = len(event.model_fields_set)
    if isinstance(event, (PaymentReceived, PaymentApplied)):
        for application in event.applications or ():
            expected += len(application.model_fields_set)
    if (raw.count('":') if isinstance(raw, str) else raw.count(b'":')) != expected:
        twice = repeated_key(raw)
        if twice is not None:
            raise Invalid(f"{field_name(twice)}: given twice; wanted each field once")
    return event

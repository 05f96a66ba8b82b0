"""Events: every type of the contract enters, and every rule refuses with a sentence that names the field."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError

from schemas.contract import example, json_schema
from schemas.events import (
    CONTROL_TYPES,
    EVENT,
    HISTORY_TYPES,
    MODEL_OF,
    TOPIC_OF,
    ClockTicked,
    Invalid,
    InvoiceIssued,
    PaymentReceived,
    parse,
)
from schemas.fields import INSTANT

# Topic, type and fields as the contract's table has them; `?` = optional.
_CONTRACT = """
invoices invoice.issued invoice_id amount currency invoice_date due_date order_id? terms? discount_percent? discount_date? reference? virtual_iban?
invoices invoice.credited memo_id amount currency invoice_id? reason?
invoices invoice.disputed invoice_id dispute_id amount currency reason?
invoices dispute.resolved invoice_id dispute_id outcome
invoices invoice.written_off invoice_id amount? currency?
invoices invoice.voided invoice_id amount? currency?
invoices order.booked order_id amount? currency?
invoices order.closed order_id amount? currency?
payments payment.received payment_id amount currency paid_on method? applications? reference? virtual_iban? payer?
payments payment.applied payment_id applications
payments payment.reversed payment_id reversed_on reason_code? amount?
payments payment.promised promise_id amount currency due_on invoice_ids?
payments payment.scheduled payment_id amount currency scheduled_on
bureau bureau.reported agency reported_on score? scale_min? scale_max? higher_is_better? rating_class? recommended_limit? currency? dbt?
bureau bureau.filed filing_id kind filed_on status amount? currency? court?
bureau screening.reported match_id list status actor?
news news.published article_id headline url domain published_at category? confidence? story_id? claim? currency? source_kind?
accounts account.opened name currency opened_on country? terms_days? parent_id? industry? registry_ids? expected_monthly_purchases? owner?
accounts account.updated name currency opened_on country? terms_days? parent_id? industry? registry_ids? expected_monthly_purchases? owner?
accounts account.limit_set credit_limit currency set_by? reason?
accounts account.closed reason?
accounts security.recorded security_id kind amount currency expires_on?
accounts statement.filed statement_id period_end months currency audited? figures
accounts reference.given reference_id high_credit currency dbt? since?
accounts related.linked related_account_id
accounts related.distressed related_account_id alert_id severity parent_id? stay?
accounts related.recovered related_account_id alert_id severity parent_id? stay?
decisions proposal.approved proposal_id actor role limit currency note?
decisions proposal.rejected proposal_id actor role note?
decisions alert.acknowledged alert_id actor owner? until?
decisions alert.assigned alert_id actor owner? until?
decisions alert.snoozed alert_id actor owner? until?
control clock.ticked as_of rates? book_exposure? book_accounts?
control policy.adopted hash text engine live_from?
control book.reported partition as_of exposure accounts
"""  # noqa: E501  # one type a line
_ROWS = {row.split()[1]: (row.split()[0], row.split()[2:]) for row in _CONTRACT.strip().splitlines()}


def _parsed(record: Any) -> Any:
    return parse(json.dumps(record).encode())


def _reason(record: Any) -> str:
    """The one sentence that refuses a record (bytes, text, or something to write as JSON)."""
    raw = record if isinstance(record, bytes | str) else json.dumps(record)
    with pytest.raises(Invalid) as refused:
        parse(raw)
    sentence = refused.value.reason
    assert sentence == str(refused.value)
    assert sentence.isprintable()
    assert len(sentence) < 600
    assert "pydantic" not in sentence
    return sentence


def _changed(kind: str, /, **fields: Any) -> dict[str, Any]:
    return example(kind) | fields


# What enters


@pytest.mark.parametrize("kind", MODEL_OF)
def test_the_example_enters_as_its_own_type(kind: str) -> None:
    event = _parsed(example(kind))
    assert type(event) is MODEL_OF[kind]
    assert event.model_fields_set == example(kind).keys()


def test_types_and_topics_are_those_of_the_contract() -> None:
    assert {kind: topic for kind, (topic, _) in _ROWS.items()} == TOPIC_OF
    assert sorted(CONTROL_TYPES) == ["book.reported", "clock.ticked", "policy.adopted"]
    assert set(TOPIC_OF) - {"policy.adopted", "book.reported"} == HISTORY_TYPES


@pytest.mark.parametrize("kind", _ROWS)
def test_fields_are_those_of_the_contract_and_required_or_optional_as_there(kind: str) -> None:
    wanted = {field.rstrip("?"): not field.endswith("?") for field in _ROWS[kind][1]}
    wanted |= {"event_id": True, "type": True, "occurred_at": True, "source": True, "extra": False}
    if kind not in CONTROL_TYPES:
        wanted["account_id"] = True
    assert {name: field.is_required() for name, field in MODEL_OF[kind].model_fields.items()} == wanted


@pytest.mark.parametrize("kind", MODEL_OF)
def test_an_optional_field_given_as_null_is_absent(kind: str) -> None:
    optional = [name for name, field in MODEL_OF[kind].model_fields.items() if not field.is_required()]
    bare = {key: value for key, value in example(kind).items() if key not in optional}
    assert _parsed(bare | dict.fromkeys(optional)) == _parsed(bare)


@pytest.mark.parametrize("kind", MODEL_OF)
def test_every_required_field_is_missed_by_name(kind: str) -> None:
    for name, field in MODEL_OF[kind].model_fields.items():
        if field.is_required():
            record = {key: value for key, value in example(kind).items() if key != name}
            assert _reason(record).startswith(f"{name}: missing")


@pytest.mark.parametrize("kind", MODEL_OF)
def test_an_unknown_field_is_refused_by_name(kind: str) -> None:
    assert _reason(_changed(kind, unheard_of=1)).startswith("unheard_of: unknown field")


@pytest.mark.parametrize("kind", MODEL_OF)
def test_extra_takes_any_json_object(kind: str) -> None:
    extra = {"a": [1, 2.5, "x", True, None, {"b": {}}], "amount": 12.5}
    assert _parsed(_changed(kind, extra=extra)).extra == extra


@pytest.mark.parametrize("digits", [b"1" + b"0" * 400, b"-1" + b"0" * 400, b"1e400"])
def test_a_number_that_other_readers_take_for_infinity_is_refused(digits: bytes) -> None:
    line = b'{"event_id": "e", "type": "order.closed", "account_id": "C", "source": "s", "order_id": "O",'
    line += b'"occurred_at": "2026-03-31T17:05:00Z", "extra": {"n": %s}}'
    assert parse(line % b"18446744073709551616").extra == {"n": 2**64}
    with pytest.raises(Invalid, match="extra: NaN or Infinity inside"):
        parse(line % digits)


def test_events_are_frozen() -> None:
    event = _parsed(example("payment.received"))
    with pytest.raises(ValidationError):
        event.amount = "1.00"
    with pytest.raises(ValidationError):
        event.applications[0].amount = "1.00"


def test_values_are_what_the_agents_expect() -> None:
    event = _parsed(example("payment.received"))
    assert isinstance(event, PaymentReceived)
    assert event.amount == "12000.00"
    assert event.paid_on == dt.date(2026, 3, 31)
    assert type(event.paid_on) is dt.date
    assert event.occurred_at == dt.datetime(2026, 3, 31, 15, 5, tzinfo=dt.UTC)
    assert event.occurred_at.tzinfo is not None
    assert event.applications is not None
    assert event.applications[1].discount == "46.00"
    tick = _parsed(example("clock.ticked"))
    assert isinstance(tick, ClockTicked)
    assert tick.rates == {"EUR": "1.0842", "JPY": "0.006710"}


def test_text_and_bytes_are_the_same() -> None:
    raw = json.dumps(example("payment.received"))
    assert parse(raw) == parse(raw.encode())


def test_an_event_can_be_built_from_python_values() -> None:
    record = example("invoice.issued")
    built = InvoiceIssued(
        **record
        | {
            "invoice_date": dt.date(2026, 1, 12),
            "due_date": dt.date(2026, 2, 26),
            "discount_date": dt.date(2026, 1, 22),
            "occurred_at": dt.datetime(2026, 1, 12, 9, 30, tzinfo=dt.UTC),
        }
    )
    assert built == _parsed(record)
    assert EVENT.validate_python(record) == built


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("payment.received", {"amount": "12000"}),
        ("payment.received", {"amount": "0012000.5"}),
        ("payment.received", {"amount": "0.01", "applications": []}),
        ("payment.received", {"amount": "12000", "currency": "JPY", "applications": None}),
        ("payment.received", {"amount": "1.234", "currency": "KWD", "applications": None}),
        ("payment.received", {"amount": "999999999999999999", "currency": "JPY", "applications": None}),
        ("payment.received", {"account_id": "müller & söhne / 42"}),
        ("payment.received", {"account_id": "x" * 200}),
        ("payment.received", {"paid_on": "1970-01-01"}),
        ("payment.received", {"paid_on": "2100-12-31"}),
        ("payment.received", {"occurred_at": "2026-03-31T17:05:00.123456789+05:30"}),
        ("payment.received", {"occurred_at": "2026-03-31t17:05:00z"}),
        ("payment.received", {"reference": "two\nlines"}),
        ("invoice.issued", {"discount_percent": "2.5"}),
        ("invoice.issued", {"discount_percent": 0}),
        ("invoice.voided", {"currency": "EUR"}),
        ("account.limit_set", {"credit_limit": "0"}),
        ("security.recorded", {"amount": "0.00"}),
        ("statement.filed", {"figures": {"sales": "-1.00", "deferred_tax": "12.00", "ebit": None}}),
        ("bureau.reported", {"score": 0, "scale_min": 0}),
        ("bureau.reported", {"score": 9, "scale_min": 5, "scale_max": 9}),
        ("invoice.issued", {"due_date": "2100-12-31"}),
        ("invoice.issued", {"invoice_date": "1970-01-01"}),
        ("bureau.reported", {"score": None, "scale_min": None, "scale_max": None, "higher_is_better": None}),
        ("bureau.reported", {"recommended_limit": "0.00"}),
        ("news.published", {"category": "unknown"}),
        ("account.opened", {"registry_ids": ["HRB 20417"]}),
        ("clock.ticked", {"rates": {}}),
    ],
)
def test_the_edges_of_what_is_allowed_enter(kind: str, change: dict[str, Any]) -> None:
    _parsed(_changed(kind, **change))


# What is refused: value by value, each named

_NO_AMOUNTS: list[Any] = [
    12.5,
    12,
    True,
    [],
    {},
    None,
    "",
    " ",
    "1e3",
    "+1.00",
    "-1.00",
    "0.00",
    "0",
    "NaN",
    "Infinity",
    "1,000.00",
    "1 000.00",
    " 1.00",
    "1.00 ",
    "1.00\n",
    ".50",
    "5.",
    "1.2.3",
    "0x1",
    "$5",
    "٣.00",
    "9" * 25,
]
_NO_DAYS: list[Any] = [
    20543,
    1774915200,
    "1774915200",
    "0",
    "20260331",
    "2026-03-31T00:00:00",
    "2026-03-31T00:00:00Z",
    "2026-02-30",
    "2026-3-1",
    "31.03.2026",
    "03/31/2026",
    "1969-12-31",
    "2101-01-01",
    "0001-01-01",
    "",
    " 2026-03-31",
    "2026-03-31 ",
    "٢٠٢٦-٠٣-٣١",
    True,
    None,
]
_NO_INSTANTS: list[Any] = [
    1774915200,
    1774915200.5,
    "1774915200",
    "2026-03-31",
    "2026-03-31T17:05:00",
    "2026-03-31T17:05Z",
    "2026-03-31 17:05:00Z",
    "2026-03-31T17:05:00+0200",
    "2026-03-31T17:05:00,5Z",
    "2026-03-31T24:00:00Z",
    "2026-03-31T17:05:60Z",
    "2026-02-30T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2101-01-01T00:00:00Z",
    "2026-03-31T17:05:00+25:00",
    "now",
    "",
    None,
]
_NO_IDS: list[Any] = ["", " ", " C", "C ", "a\u0000b", "a\tb", "a\x7f", "a\x85b", "x" * 201, 7, None]
_NO_CURRENCIES: list[Any] = ["usd", "EURO", "XXX", "", "XAU", 978, None]


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        # money as anything but a decimal string
        *[("payment.received", "amount", value) for value in _NO_AMOUNTS],
        ("payment.received", "amount", "1.005"),
        ("payment.received", "amount", "99999999999999999.00"),
        ("invoice.issued", "amount", "0.00"),
        ("invoice.credited", "amount", "-1.00"),
        ("account.limit_set", "credit_limit", "-1.00"),
        ("account.limit_set", "credit_limit", 80000),
        ("proposal.approved", "limit", "-0.01"),
        ("reference.given", "high_credit", "60000.001"),
        ("bureau.reported", "recommended_limit", 35000.0),
        ("news.published", "claim", "1e6"),
        ("account.opened", "expected_monthly_purchases", 40000),
        ("payment.reversed", "amount", "1.00001"),
        ("book.reported", "exposure", 1520300.0),
        ("clock.ticked", "book_exposure", 18250400),
        # currencies
        *[("payment.received", "currency", value) for value in _NO_CURRENCIES],
        # dates
        *[("payment.received", "paid_on", value) for value in _NO_DAYS],
        # instants
        *[("payment.received", "occurred_at", value) for value in _NO_INSTANTS],
        ("news.published", "published_at", "2026-04-22T12:58:00"),
        # ids and texts
        *[("payment.received", "account_id", value) for value in _NO_IDS],
        *[("payment.received", "event_id", value) for value in _NO_IDS],
        ("payment.received", "source", ""),
        ("payment.received", "payment_id", "\n"),
        ("payment.received", "reference", 4711),
        ("payment.received", "reference", "x" * 4001),
        ("account.opened", "name", "  "),
        ("account.opened", "country", "Germany"),
        ("news.published", "url", "javascript:alert(1)"),
        # numbers
        ("bureau.reported", "score", "41"),
        ("bureau.reported", "score", True),
        ("bureau.reported", "score", float("nan")),
        ("bureau.reported", "score", float("inf")),
        ("bureau.reported", "dbt", float("-inf")),
        ("bureau.reported", "higher_is_better", "yes"),
        ("bureau.reported", "higher_is_better", 1),
        ("news.published", "confidence", 1.01),
        ("news.published", "confidence", float("nan")),
        ("invoice.issued", "discount_percent", 100.5),
        ("invoice.issued", "discount_percent", -1),
        ("invoice.issued", "discount_percent", "2%"),
        ("invoice.issued", "discount_percent", float("nan")),
        ("account.opened", "terms_days", -1),
        ("account.opened", "terms_days", 30.5),
        ("account.opened", "terms_days", "30"),
        ("statement.filed", "months", 0),
        ("related.distressed", "severity", 6),
        ("clock.ticked", "book_accounts", -1),
        # closed lists
        ("dispute.resolved", "outcome", "Upheld"),
        ("bureau.filed", "kind", "bankruptcy"),
        ("bureau.filed", "status", "open"),
        ("screening.reported", "status", "maybe"),
        ("news.published", "category", "insolvencies"),
        ("news.published", "source_kind", "blog"),
        ("security.recorded", "kind", "mortgage"),
        ("proposal.approved", "role", "ceo"),
        # lists and objects
        ("payment.received", "applications", {}),
        ("payment.applied", "applications", []),
        ("payment.applied", "applications", None),
        ("payment.promised", "invoice_ids", "R-1"),
        ("statement.filed", "figures", []),
        ("clock.ticked", "rates", [1]),
        ("payment.received", "extra", []),
        ("payment.received", "extra", "x"),
        ("payment.received", "extra", {"a": [float("nan")]}),
        ("payment.received", "extra", {"a": float("inf")}),
        ("account.opened", "registry_ids", {"lei": 5}),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_by_its_field(kind: str, field: str, value: Any) -> None:
    sentence = _reason(_changed(kind, **{field: value}))
    assert sentence.startswith(f"{field}: ")
    assert "wanted" in sentence


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        (
            "payment.received",
            {"applications": [{"invoice_id": "R-1", "amount": 5}]},
            "applications[0].amount",
        ),
        (
            "payment.received",
            {"applications": [{"invoice_id": "R-1", "amount": "5.001"}]},
            "applications[0].amount",
        ),
        (
            "payment.received",
            {"applications": [{"invoice_id": "R-1", "amount": "5.00", "discount": "0.001"}]},
            "applications[0].discount",
        ),
        ("payment.received", {"currency": "JPY", "amount": "12000"}, "applications[0].amount"),
        ("payment.received", {"applications": [{"amount": "5.00"}]}, "applications[0].invoice_id"),
        (
            "payment.received",
            {"applications": [{"invoice_id": "R-1", "amount": "1.00", "x": 1}]},
            "applications[0].x",
        ),
        ("payment.received", {"applications": [7]}, "applications[0]"),
        (
            "payment.applied",
            {"applications": [{"invoice_id": "R-1", "amount": "0.00001"}]},
            "applications[0].amount",
        ),
        ("payment.promised", {"invoice_ids": ["R-1", ""]}, "invoice_ids[1]"),
        ("statement.filed", {"figures": {"sales": 5}}, "figures.sales"),
        ("statement.filed", {"figures": {"deferred_tax": 5}}, "figures.deferred_tax"),
        ("statement.filed", {"figures": {"sales": "5.001"}}, "figures.sales"),
        ("statement.filed", {"figures": {"deferred_tax": "5.001"}}, "figures.deferred_tax"),
        ("clock.ticked", {"rates": {"EUR": 1.0842}}, "rates.EUR"),
        ("clock.ticked", {"rates": {"EUR": "0.0"}}, "rates.EUR"),
        ("clock.ticked", {"rates": {"EUR": "-1"}}, "rates.EUR"),
        ("clock.ticked", {"rates": {"EUR": "1e-3"}}, "rates.EUR"),
        ("clock.ticked", {"rates": {"EURO": "1.08"}}, "rates.EURO"),
        ("clock.ticked", {"account_id": "C-1"}, "account_id"),
    ],
)
def test_a_value_inside_another_is_refused_by_its_path(kind: str, change: dict[str, Any], field: str) -> None:
    assert _reason(_changed(kind, **change)).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("kind", "change", "sentence"),
    [
        ("invoice.voided", {"amount": "5.00"}, "currency: missing; wanted because amount is given"),
        (
            "bureau.reported",
            {"currency": None},
            "currency: missing; wanted because recommended_limit is given",
        ),
        ("news.published", {"claim": "5.00"}, "currency: missing; wanted because claim is given"),
        ("bureau.reported", {"scale_min": None}, "scale_min: missing; wanted because score is given"),
        (
            "bureau.reported",
            {"higher_is_better": None},
            "higher_is_better: missing; wanted because score is given",
        ),
        ("bureau.reported", {"score": 101}, "score: 101 given; wanted a number on its scale, 0 to 100"),
        (
            "bureau.reported",
            {"score": None, "scale_max": 0},
            "scale_max: 0 given; wanted a number above scale_min, which is 0",
        ),
        (
            "account.opened",
            {"parent_id": "C-20417"},
            "parent_id: the account itself given; wanted another account",
        ),
        (
            "related.linked",
            {"related_account_id": "C-20001"},
            "related_account_id: the account itself given; wanted another account",
        ),
        ("payment.received", {"amount": "1.005"}, 'amount: "1.005" given; wanted at most 2 decimals for EUR'),
        (
            "payment.received",
            {"type": "payment.recieved"},
            'type: "payment.recieved" is no known type (did you mean payment.received?); '
            "wanted one of the contract's 35 types",
        ),
        (
            "payment.received",
            {"type": 5},
            "type: the number 5 is no known type; wanted one of the contract's 35 types",
        ),
        (
            "payment.received",
            {"type": None},
            "type: null is no known type; wanted one of the contract's 35 types",
        ),
        (
            "payment.received",
            {"type": "Payment.Received"},
            'type: "Payment.Received" is no known type (did you mean payment.received?); '
            "wanted one of the contract's 35 types",
        ),
        (
            "payment.received",
            {"currency": "eur"},
            'currency: "eur" given (did you mean EUR?); wanted an ISO 4217 code, such as USD',
        ),
        (
            "dispute.resolved",
            {"outcome": "uphold"},
            'outcome: "uphold" given (did you mean upheld?); wanted one of upheld, rejected',
        ),
        (
            "payment.received",
            {"payed_on": "2026-03-31"},
            "payed_on: unknown field (did you mean paid_on?); anything of your own goes under extra",
        ),
        (
            "payment.received",
            {"amount": 12.5},
            "amount: the number 12.5 given; "
            'wanted an amount above 0 as a decimal string of at most 18 digits, such as "1250.00"',
        ),
    ],
)
def test_refusals_read_well(kind: str, change: dict[str, Any], sentence: str) -> None:
    assert _reason(_changed(kind, **change)) == sentence


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("2026-03-31", " (it lacks a time)"),
        ("2026-03-31T17:05", " (it lacks seconds and an offset)"),
        ("2026-03-31T17:05Z", " (it lacks seconds)"),  # java.time leaves away what is 0
        ("2026-03-31T17:05+02:00[Europe/Berlin]", " (it lacks seconds)"),
        ("2026-03-31 17:05:00", " (it lacks an offset)"),
        ("2026-03-31T17:05:00.5-05:00[America/New_York]", " (leave the zone's name away)"),
        ("2026-03-31T25:05:00Z", ""),
        ("31.03.2026", ""),
        ("", ""),
    ],
)
def test_an_instant_that_is_nearly_one_is_told_what_it_lacks(given: str, hint: str) -> None:
    said = _reason(_changed("payment.received", occurred_at=given))
    assert said == f'occurred_at: "{given}" given{hint}; wanted {INSTANT}'


# Without the newline: before a last one Python and Java let $ stand, and Go's expressions have no lookahead to mend it.
_BLANKS = [
    chr(n)
    for n in range(sys.maxunicode + 1)
    if (chr(n).isspace() and n != 10) or n in (0x180E, 0x200B, 0xFEFF)
]


@pytest.mark.parametrize(
    ("kind", "field", "text"),
    [
        ("payment.received", "account_id", "{}A"),
        ("payment.received", "account_id", "A{}"),
        ("payment.received", "account_id", "A{}B"),
        ("payment.received", "account_id", "{}"),
        ("account.opened", "name", "{}"),
        ("account.opened", "name", "{}A"),
        ("news.published", "url", "https://a.example/{}"),
    ],
)
def test_a_schema_takes_for_a_blank_what_intake_does(kind: str, field: str, text: str) -> None:
    """By Python's expressions, which agree with ECMAScript's and Java's as long as classes of characters are spelled out."""
    validator = jsonschema.Draft202012Validator(json_schema(kind))
    for blank in _BLANKS:
        record = example(kind) | {field: text.format(blank)}
        assert validator.is_valid(record) == (_said(record) is None), repr(blank)


def _said(record: dict[str, Any]) -> str | None:
    try:
        parse(json.dumps(record))
    except Invalid as refused:
        return refused.reason
    return None


@pytest.mark.parametrize(
    ("kind", "field", "given", "held"),
    [
        ("account.opened", "terms_days", b"30.0", 30),
        ("account.updated", "terms_days", b"0.0", 0),
        ("account.opened", "terms_days", b"3.65e3", 3650),
        ("account.opened", "terms_days", b"3651.0", None),
        ("account.opened", "terms_days", b"30.5", None),
        ("account.opened", "terms_days", b"-1.0", None),
        ("statement.filed", "months", b"12.0", 12),
        ("statement.filed", "months", b"0.0", None),
        ("related.distressed", "severity", b"4.0", 4),
        ("book.reported", "accounts", b"9007199254740991.0", 2**53 - 1),
        ("book.reported", "accounts", b"9007199254740992.0", None),
    ],
)
def test_a_whole_number_is_one_with_a_point_too_as_in_its_schema(
    kind: str, field: str, given: bytes, held: int | None
) -> None:
    """As a table whose column has gaps tells its counts."""
    raw = json.dumps(_changed(kind, **{field: "here"})).encode().replace(b'"here"', given)
    assert jsonschema.Draft202012Validator(json_schema(kind)).is_valid(json.loads(raw)) == (held is not None)
    if held is None:
        assert _reason(raw).startswith(f"{field}: ")
    else:
        got = getattr(parse(raw), field)
        assert (got, type(got)) == (held, int)


@pytest.mark.parametrize(
    "instant",
    ["2026-01-05T24:00:00Z", "2026-01-05T23:59:60Z", "2026-01-05T10:60:00Z", "2026-13-05T10:00:00Z", "2026-01-32T10:00:00Z",
     "2026-01-05T10:00:00+25:00", "2026-01-05T10:00:00+01:60", "2026-00-05T10:00:00Z"],
)  # fmt: skip
def test_no_validator_needs_to_know_formats_to_refuse_what_is_no_time_of_a_day(instant: str) -> None:
    record = _changed("invoice.issued", occurred_at=instant)
    without_formats = jsonschema.Draft202012Validator(json_schema("invoice.issued"))
    assert [error.json_path for error in without_formats.iter_errors(record)] == ["$.occurred_at"]
    assert _reason(record).startswith("occurred_at: ")


def test_no_pattern_has_a_class_that_languages_read_differently() -> None:
    folder = Path(__file__).parents[2] / "schemas" / "json"
    patterns = set(
        re.findall(r'"pattern": (".*")', "".join(path.read_text() for path in folder.glob("*.json")))
    )
    assert len(patterns) > 5
    assert [p for p in patterns if re.search(r"\\\\[sSdDwWbBpP]", p)] == []


def test_a_misspelt_field_is_told_once_and_other_mistakes_are_named() -> None:
    record = _changed("payment.received", ammount="5.00", currency="EURO", paid_on="soon")
    del record["amount"]
    sentence = _reason(record)
    assert sentence.startswith("ammount: unknown field (did you mean amount?)")
    assert sentence.endswith("(also wrong: currency, paid_on)")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("Müller GmbH €", '"Müller GmbH €"'),
        ("C" * 5000, f'"{"C" * 59}…" (5,000 characters)'),
        ("a\x1b[2Jb\u202ec\n", r'"a\u001b[2Jb\u202ec\n"'),
    ],
)
def test_what_was_given_is_told_as_it_is_read_with_its_length_and_steers_no_terminal(
    given: str, told: str
) -> None:
    assert f"currency: {told} given" in _reason(_changed("invoice.issued", currency=given))


def test_an_empty_list_is_called_one() -> None:
    assert "applications: an empty list given" in _reason(_changed("payment.applied", applications=[]))


def test_a_key_given_twice_is_refused() -> None:
    for separators in ((",", ":"), (", ", ": "), (" , ", " : ")):
        raw = json.dumps(example("payment.received"), separators=separators)
        twice = raw[:-1] + separators[0] + f'"amount"{separators[1]}"1.00"' + "}"
        assert _reason(twice) == "amount: given twice; wanted each field once"
        assert _reason(twice.encode()) == "amount: given twice; wanted each field once"


def test_a_key_given_twice_inside_is_refused() -> None:
    raw = json.dumps(example("payment.received"))
    assert "given twice" in _reason(raw.replace('"invoice_id":', '"invoice_id": "R-1", "invoice_id":', 1))
    assert "given twice" in _reason(
        json.dumps(_changed("payment.received", extra={"a": 1})).replace('"a": 1', '"a": 1, "a": 2')
    )


def test_colons_and_quotes_inside_texts_are_no_keys() -> None:
    record = _changed("payment.received", reference='"amount":"1.00","amount":', payer='\\":\\":')
    assert _parsed(record).reference == '"amount":"1.00","amount":'


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        ("", "empty"),
        (b"\xff{}", "not UTF-8 at byte 0"),
        ("{}".encode("utf-16"), "the value: UTF-16; wanted one JSON object in UTF-8"),
        ("{}".encode("utf-16-be"), "the value: UTF-16"),
        ("{}".encode("utf-16-le"), "the value: UTF-16"),
        (
            b"\0\0\0\1\7{}",
            "starts with a zero byte and the schema id 263, as the serializer of a schema registry",
        ),
        (b"\0", "not JSON"),
        (b'" {\\"type\\": 1}"', "(JSON inside of a JSON string: it was encoded twice); wanted a JSON object"),
        (b'{"type": "caf\xe9"}', "not UTF-8 at byte 13"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"{", "not JSON"),
        (b'{"type": "clock.ticked",}', "not JSON"),
        (b"{'type': 'clock.ticked'}", "not JSON"),
        (b'{"type": "a\nb"}', "not JSON"),
        (b'{"type": "clock.ticked"} {}', "not JSON"),
        ("[" * 100_000, "not JSON"),
        (b"[]", "an empty list given; wanted a JSON object"),
        (b"[1]", "a list given; wanted a JSON object"),
        (b"null", "null given; wanted a JSON object"),
        (b"12", "the number 12 given; wanted a JSON object"),
        (b"NaN", "wanted a JSON object"),
        (b'"payment.received"', '"payment.received" given; wanted a JSON object'),
        (b"{}", "type: missing"),
    ],
)
def test_what_is_no_json_object_is_refused_in_words(raw: bytes | str, words: str) -> None:
    assert words in _reason(raw)


def test_a_record_without_a_value_is_refused() -> None:
    with pytest.raises(Invalid, match="no value; send one JSON object"):
        parse(None)  # what Kafka's client gives for a tombstone


def test_what_was_given_is_shown_short_and_without_control_characters() -> None:
    for kind, record in (
        ("type", _changed("payment.received", type="\x1b[31m" * 1000)),
        ("amount", _changed("payment.received", amount="\x1b]0;x\x07" * 1000)),
        ("field", _changed("payment.received", **{"\x1b[31m" * 1000: 1})),
        ("number", _changed("payment.received", amount=10**300)),
    ):
        assert len(_reason(record)) < 300, kind


@pytest.mark.parametrize(("given", "shown"), [(True, "true"), (False, "false"), (None, "null")])
def test_what_was_given_is_shown_as_json_writes_it(given: Any, shown: str) -> None:
    assert f"amount: {shown} given" in _reason(_changed("payment.received", amount=given))


def test_control_events_have_no_account() -> None:
    for kind, model in MODEL_OF.items():
        assert issubclass(model, BaseModel)
        assert ("account_id" in model.model_fields) is (kind not in CONTROL_TYPES)

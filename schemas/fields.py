"""The kinds of value that fields hold (ids, texts, amounts, dates, …); each says what it wants.

Only single values live here; what fields must be to one another stands with the models in events.py.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypeAliasType

from schemas.money import EXPONENTS

WANTED: Final = "wanted"
"""The error type of every refused value; its message says what the field wants."""

CURRENCY: Final = "an ISO 4217 code, such as USD"
"""What a currency wants; the refusal adds the nearest code."""


INSTANT: Final = 'an RFC 3339 instant with its offset, such as "2026-03-31T17:05:00Z", from 1970 to 2100'
"""What an instant wants; the refusal adds what it lacks."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Annotates a kind of value with the words that a refusal ends with; costs nothing while values are good."""

    words: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.custom_error_schema(
            handler(source), custom_error_type=WANTED, custom_error_message=self.words
        )


# To the minute, since many validators of JSON Schema take a format for a remark; only that a month has 31 days they must know.
_DAY: Final = r"(19[7-9][0-9]|20[0-9][0-9]|2100)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_MINUTE: Final = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_DAY_FORM: Final = rf"^{_DAY}$"
_INSTANT_FORM: Final = rf"^{_DAY}[Tt]{_MINUTE}:[0-5][0-9](\.[0-9]{{1,9}})?([Zz]|[+-]{_MINUTE})$"


@dataclass(frozen=True, slots=True)
class _Time:
    """A date or an instant: a string of exactly one form (pydantic alone takes numeric strings and more).

    In Python the object itself is taken as well, for tests and tools that build events.
    """

    form: str
    instant: bool

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(strict=True, pattern=self.form)
        value: CoreSchema
        itself: CoreSchema
        if self.instant:
            value = core_schema.datetime_schema(tz_constraint="aware", microseconds_precision="truncate")
            itself = core_schema.datetime_schema(
                strict=True,
                tz_constraint="aware",
                ge=dt.datetime(1970, 1, 1, tzinfo=dt.UTC),
                le=dt.datetime(2100, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC),
            )
        else:
            value = core_schema.date_schema()
            itself = core_schema.date_schema(strict=True, ge=dt.date(1970, 1, 1), le=dt.date(2100, 12, 31))
        from_text = core_schema.chain_schema([text, value])
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema([itself, from_text], mode="left_to_right"),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        kind = "date-time" if self.instant else "date"
        return {"type": "string", "format": kind, "pattern": self.form}


def currency_schema() -> JsonSchemaValue:
    """The JSON Schema of a currency."""
    return {"type": "string", "description": "ISO 4217.", "enum": list(EXPONENTS)}


@dataclass(frozen=True, slots=True)
class _Currency:
    """One of the currencies of schemas.money."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(EXPONENTS))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return currency_schema()


# Patterns are read by pydantic's Rust, and in the JSON Schemas by ECMAScript's, Java's and Python's regular expressions: only
# what all four read alike is used. \s is another set of characters in each; these are Unicode's White_Space.
_BLANKS: Final = r"\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SHOWN: Final = rf"[^\x00-\x20\x7f-\x9f{_BLANKS}]"  # no control character and no blank
_ANY_SHOWN: Final = rf"^[^\x00]*[^\x00\x09-\x0d\x20\x85{_BLANKS}][^\x00]*$"  # at least one that is no blank
_ID_FORM: Final = rf"^{_SHOWN}([^\x00-\x1f\x7f-\x9f]*{_SHOWN})?$"

# Blanks at either end are refused: "C-1 " and "C-1" would be two customers.
Id = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=200, pattern=_ID_FORM),
    Wanted("a string of 1 to 200 characters without control characters and without blanks at its ends"),
]
Name = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=500, pattern=_ANY_SHOWN),
    Wanted("a string of 1 to 500 characters that is not blank"),
]
Text = Annotated[
    str,
    StringConstraints(strict=True, max_length=4000, pattern=r"^[^\x00]*$"),
    Wanted("a string of at most 4000 characters"),
]
Document = Annotated[
    str,
    StringConstraints(strict=True, min_length=1, max_length=500_000, pattern=r"^[^\x00]*$"),
    Wanted("a string of 1 to 500000 characters"),
]
RegistryIds = Annotated[
    dict[Id, Id] | tuple[Id, ...],
    Wanted('an object of registry to number, such as {{"lei": "…"}}, or a list of numbers'),
]
Url = Annotated[
    str,
    StringConstraints(strict=True, max_length=4000, pattern=rf"^https?://{_SHOWN}+$"),
    Wanted("a URL that starts with http:// or https://, of at most 4000 characters"),
]
Country = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Z]{2}$"),
    Wanted("an ISO 3166 code of two capitals, such as DE"),
]
Currency = Annotated[str, _Currency(), Wanted(CURRENCY)]

# The form of amounts. That one fits its currency's decimals is the model's to check: it knows both fields.
Amount = Annotated[
    str,
    StringConstraints(
        strict=True,
        max_length=24,
        pattern=r"^(0*[1-9][0-9]{0,17}(\.[0-9]{1,4})?|0+\.([1-9][0-9]{0,3}|0[1-9][0-9]{0,2}|00[1-9][0-9]?|000[1-9]))$",
    ),
    Wanted('an amount above 0 as a decimal string of at most 18 digits, such as "1250.00"'),
]
AmountOrZero = Annotated[
    str,
    StringConstraints(strict=True, max_length=24, pattern=r"^[0-9]{1,18}(\.[0-9]{1,4})?$"),
    Wanted('an amount of 0 or more as a decimal string of at most 18 digits, such as "1250.00"'),
]
SignedAmount = Annotated[
    str,
    StringConstraints(strict=True, max_length=25, pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,4})?$"),
    Wanted('an amount as a decimal string of at most 18 digits, such as "1250.00" or "-1250.00"'),
]
Rate = Annotated[
    str,
    StringConstraints(
        strict=True,
        max_length=40,
        pattern=r"^(0*[1-9][0-9]{0,17}(\.[0-9]{1,18})?|0+\.[0-9]{0,17}[1-9][0-9]{0,17})$",
    ),
    Wanted('a rate above 0 as a decimal string, such as "1.0842"'),
]

Day = Annotated[
    dt.date,
    _Time(_DAY_FORM, instant=False),
    Wanted('a date as "YYYY-MM-DD" from 1970-01-01 to 2100-12-31'),
]
Instant = Annotated[
    dt.datetime,
    _Time(_INSTANT_FORM, instant=True),
    Wanted(INSTANT),
]

Number = Annotated[float, Field(strict=True, allow_inf_nan=False), Wanted("a finite number")]
Share = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1), Wanted("a number from 0 to 1")]


@dataclass(frozen=True, slots=True)
class _Whole:
    """A whole number in a range, an int in Python. 30.0 is one too, as in JSON Schema: tables of a sender that have gaps make
    floats of their counts."""

    ge: int
    le: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        told_as_float = core_schema.float_schema(
            strict=True, allow_inf_nan=False, multiple_of=1, ge=self.ge, le=self.le
        )
        return core_schema.union_schema(
            [
                core_schema.int_schema(strict=True, ge=self.ge, le=self.le),
                core_schema.chain_schema([told_as_float, core_schema.int_schema()]),
            ],
            mode="left_to_right",
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "integer", "minimum": self.ge, "maximum": self.le}


Days = Annotated[int, _Whole(0, 3650), Wanted("a whole number of days from 0 to 3650")]
Count = Annotated[int, _Whole(0, 2**53 - 1), Wanted("a whole number of 0 or more")]
Months = Annotated[int, _Whole(1, 36), Wanted("a whole number of months from 1 to 36")]
Severity = Annotated[int, _Whole(1, 5), Wanted("a whole number from 1 to 5")]
Flag = Annotated[bool, Strict(), Wanted("true or false")]


@dataclass(frozen=True, slots=True)
class _Percent:
    """0 to 100, as a number or as a decimal string; a float in Python."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.float_schema(strict=True, allow_inf_nan=False, ge=0, le=100)
        digits = core_schema.str_schema(strict=True, pattern=r"^(100(\.0{1,6})?|[0-9]{1,2}(\.[0-9]{1,6})?)$")
        return core_schema.union_schema(
            [number, core_schema.chain_schema([digits, core_schema.float_schema()])], mode="left_to_right"
        )


Percent = Annotated[
    float, _Percent(), Wanted('a percentage from 0 to 100, as a number or a decimal string such as "2.5"')
]

# Whatever JSON can say, except what is no JSON at all: pydantic's parser would let NaN and Infinity through,
# and whole numbers that all other readers take for Infinity.
_AnyWhole = Annotated[int, Field(gt=-(10**308), lt=10**308), WithJsonSchema({"type": "integer"})]
_Json = TypeAliasType(
    "_Json",
    "dict[str, _Json] | list[_Json] | str | bool | _AnyWhole | Annotated[float, Field(allow_inf_nan=False)] | None",
)
Extra = Annotated[
    dict[str, _Json],
    Wanted("a JSON object of finite numbers, strings, booleans, nulls, lists and objects"),
    WithJsonSchema({"type": "object"}),
]

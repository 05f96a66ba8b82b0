"""What the columns of a table hold: kinds of value, each checked and converted a whole column at a time.

Pure. Which table has which columns, and where a column finds its values, stands in rows.py.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import orjson

Values = Sequence[Any]


class Unfit(ValueError):
    """A value that its column cannot hold. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of column: the ClickHouse type that it is sent as, and the check that turns JSON values into it.

    `convert` takes a column of values and raises ValueError, TypeError or OverflowError when one of them does not fit.
    """

    sent_as: str
    convert: Callable[[Values], Values]


# What JSON values become; each works on a whole column, because a call a value costs more than the value.


def _id(values: Values) -> Values:
    "".join(values)  # every one must be a str
    return values


def _text(values: Values) -> Values:
    "".join([value for value in values if value is not None])
    return values


# One match over the whole column. ClickHouse turns these strings into Decimal(38, 4) exactly; what it could not read
# would silently become null, so nothing else may pass. 34 digits and 4 decimals are what fits; no currency has more.
_AMOUNTS: Final = re.compile(r"(?:-?[0-9]{1,34}(?:\.[0-9]{1,4})?\n)*")
_RATES: Final = re.compile(r"(?:[0-9]{1,20}(?:\.[0-9]{1,60})?\n)*")  # beyond 18 decimals it is cut off


def _decimals(form: re.Pattern[str]) -> Callable[[Values], Values]:
    def convert(values: Values) -> Values:
        given = [value for value in values if value is not None]
        lines = "".join([value + "\n" for value in given])
        if lines.count("\n") != len(given) or form.fullmatch(lines) is None:
            raise Unfit("is no decimal number of at most 34 digits and 4 decimals")
        return values

    return convert


def _number(values: Values) -> Values:
    array("d", [0.0 if value is None else value for value in values])
    return values


def _whole(values: Values) -> Values:
    array("q", [0 if value is None else value for value in values])
    return values


_FLAGS: Final = frozenset((bool, type(None)))


def _flag(values: Values) -> Values:
    if not _FLAGS.issuperset(map(type, values)):
        raise Unfit("is neither true nor false")
    return values


def _flag_or_false(values: Values) -> Values:
    return [value is True for value in _flag(values)]


_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()


class _Days(dict[Any, int | None]):
    """ "2026-02-01" -> days since 1970, remembered: a column has few different ones."""

    def __missing__(self, text: Any) -> int | None:
        if text is None:
            return None
        day = date.fromisoformat(text).toordinal() - _EPOCH_DAY
        if not 0 <= day < 65536:
            raise Unfit("lies outside 1970 to 2149")
        if len(self) > 100_000:
            self.clear()
        self[text] = day
        return day


_days: Final = _Days()


def _day(values: Values) -> Values:
    return [_days[value] for value in values]


def _day_required(values: Values) -> Values:
    if None in values:
        raise Unfit("is missing")
    return _day(values)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def _microseconds(text: str) -> int:
    at = datetime.fromisoformat(text if text.isupper() else text.upper())  # RFC 3339 allows t and z
    return ((at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


# What DateTime64(6) holds
_INSTANTS: Final = range(_microseconds("1900-01-01"), _microseconds("2299-12-31") + 1)


def _instant_required(values: Values) -> Values:
    column = [_microseconds(value) for value in values]
    if column and (min(column) not in _INSTANTS or max(column) not in _INSTANTS):
        raise Unfit("lies outside 1900 to 2299")
    return column


def _instant(values: Values) -> Values:
    _instant_required([value for value in values if value is not None])
    return [None if value is None else _microseconds(value) for value in values]


def _json(values: Values) -> Values:
    return [None if value is None else orjson.dumps(value).decode() for value in values]


def _texts(values: Values) -> Values:
    for value in values:
        if value:
            "".join(value)
    return [value or [] for value in values]


def _numbers(values: Values) -> Values:
    for value in values:
        if value:
            _number(value)
    return [value or [] for value in values]


def _flags(values: Values) -> Values:
    for value in values:
        if value and not {bool}.issuperset(map(type, value)):
            raise Unfit("holds what is neither true nor false")
    return [value or [] for value in values]


ID: Final = Kind("String", _id)
TEXT: Final = Kind("Nullable(String)", _text)
MONEY: Final = Kind("Nullable(String)", _decimals(_AMOUNTS))
RATE: Final = Kind("Nullable(String)", _decimals(_RATES))
NUMBER: Final = Kind("Nullable(Float64)", _number)
WHOLE: Final = Kind("Nullable(Int64)", _whole)
LEVEL: Final = Kind("Int64", lambda values: array("q", values))
FLAG: Final = Kind("Nullable(Bool)", _flag)
FLAG_OR_FALSE: Final = Kind("Bool", _flag_or_false)
DAY: Final = Kind("Date", _day_required)
DAY_OR_NULL: Final = Kind("Nullable(Date)", _day)
INSTANT: Final = Kind("DateTime64(6, 'UTC')", _instant_required)
INSTANT_OR_NULL: Final = Kind("Nullable(DateTime64(6, 'UTC'))", _instant)
JSON: Final = Kind("Nullable(String)", _json)
TEXTS: Final = Kind("Array(String)", _texts)
NUMBERS: Final = Kind("Array(Nullable(Float64))", _numbers)
FLAGS: Final = Kind("Array(Bool)", _flags)

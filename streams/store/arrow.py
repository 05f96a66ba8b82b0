"""The fast way of a block of records into columns: parsed by Arrow, a whole block at a time, and sent as Arrow.

It takes only blocks in which every record is beyond doubt; of all others rows.py judges each record. Pure, as rows.py is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pj

from streams.store.columns import (
    DAY,
    DAY_OR_NULL,
    FLAG,
    FLAGS,
    ID,
    MONEY,
    NUMBER,
    NUMBERS,
    RATE,
    TEXT,
    WHOLE,
    Kind,
)
from streams.store.rows import BY_TOPIC, Column, Record, Table

_SLICE: Final = 10_000  # records parsed at a time, so that a backlog is not in memory twice
_BLOCK: Final = 8 << 20  # bytes; a record must fit into one

# A kind that is not here has no fast way, and neither has a table that has a column of it.
_PARSED_AS: Final[dict[Kind, pa.DataType]] = {
    **dict.fromkeys((ID, TEXT, MONEY, RATE, DAY, DAY_OR_NULL), pa.string()),
    NUMBER: pa.float64(),
    WHOLE: pa.int64(),
    FLAG: pa.bool_(),
    NUMBERS: pa.list_(pa.float64()),
    FLAGS: pa.list_(pa.bool_()),
}
# The same forms as those of columns.py. Money goes as what its column is; the server reads a rate, and cuts it off.
_FORMS: Final = {MONEY: r"\A-?[0-9]{1,34}(\.[0-9]{1,4})?\z", RATE: r"\A[0-9]{1,20}(\.[0-9]{1,60})?\z"}
_DAY: Final = r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\z"
_MONEY: Final = pa.decimal128(38, 4)
_AT: Final = "@"  # stands first in each record as its place in the slice, while it is parsed


@dataclass(frozen=True, slots=True)
class Batch:
    """Columns of one table, ready to be sent; of all records, none is unfit."""

    table: str
    columns: pa.Table

    def __len__(self) -> int:
        return int(self.columns.num_rows)


def batch(logical: str, records: Sequence[Record]) -> Batch | None:
    """The records as rows of the table that the topic fills, in their order; None when rows() must judge them.

    The rows are those that rows() would make.
    """
    table = BY_TOPIC.get(logical)
    if table is None or not table.other or not records:
        return None
    made = []
    for start in range(0, len(records), _SLICE):
        part = _batch(table, records[start : start + _SLICE])
        if part is None:
            return None
        made.append(part)
    return Batch(table.name, pa.concat_tables(made))


def _batch(table: Table, records: Sequence[Record]) -> pa.Table | None:
    raw = [record.value() for record in records]
    if not all(value is not None and value.startswith(b"{") for value in raw):
        return None
    body = b"\n".join([b'{"@":%d,%b' % (n, value[1:]) for n, value in enumerate(raw)])
    try:
        if not body.isascii():
            body.decode()  # Arrow takes bytes that are no UTF-8
        parsed = pj.read_json(
            pa.BufferReader(body),
            read_options=pj.ReadOptions(use_threads=False, block_size=_BLOCK),
            parse_options=pj.ParseOptions(explicit_schema=_schema(table), unexpected_field_behavior="error"),
        )
        # Each record yielded one row, and each row is one record's: none was split, none ran into its neighbour.
        if not parsed[_AT].equals(pa.chunked_array([pa.array(range(len(raw)), pa.int64())])):
            return None
        columns = {column.name: _converted(column, parsed) for column in table.columns}
    except (pa.ArrowException, ValueError, _Doubtful):
        return None
    count = len(raw)
    columns["other"] = pa.repeat("", count)
    for name, _, header in table.headers:
        found = [dict(record.headers() or ()).get(header) for record in records]
        columns[name] = pa.array(
            [None if value is None else value.decode(errors="replace") for value in found]
        )
    columns["topic"] = pa.array([record.topic() for record in records])
    columns["partition"] = pa.array([record.partition() for record in records], pa.int32())
    columns["offset"] = pa.array([record.offset() for record in records], pa.int64())
    written = pa.array([max(0, record.timestamp()[1]) for record in records], pa.int64())
    columns["written_at"] = written.cast(pa.timestamp("ms", "UTC"))
    return pa.table(columns)


class _Doubtful(Exception):
    """A value that the slow way must look at."""


def _schema(table: Table) -> pa.Schema:
    fields: dict[str, Any] = {_AT: pa.int64()}
    for column in table.columns:
        kind = _PARSED_AS[column.kind]
        if column.path is None:
            fields[column.name] = kind
        else:
            fields.setdefault(column.path[0], []).append((column.path[1], kind))
    return pa.schema(
        [(name, pa.struct(kind) if isinstance(kind, list) else kind) for name, kind in fields.items()]
    )


def _converted(column: Column, parsed: pa.Table) -> pa.ChunkedArray:
    kind = column.kind
    if column.path is None:
        values = parsed[column.name]
    else:
        values = pc.struct_field(parsed[column.path[0]], column.path[1])
    if kind in (ID, DAY) and values.null_count:
        raise _Doubtful
    if kind in _FORMS:
        _all(pc.match_substring_regex(values, _FORMS[kind]))
        return values.cast(_MONEY) if kind is MONEY else values
    if kind in (DAY, DAY_OR_NULL):
        _all(pc.match_substring_regex(values, _DAY))
        days = values.cast(pa.date32())
        numbers = pc.min_max(days.cast(pa.int32())).as_py()
        if numbers["min"] is not None and not 0 <= numbers["min"] <= numbers["max"] < 65536:
            raise _Doubtful
        return days
    if kind is NUMBER:
        _all(pc.is_finite(values))
    elif kind in (NUMBERS, FLAGS):
        inner = pc.list_flatten(values)
        if kind is NUMBERS:
            _all(pc.is_finite(inner))
        elif inner.null_count:
            raise _Doubtful
    return values


def _all(true: pa.ChunkedArray) -> None:
    if pc.all(true).as_py() is False:  # null: there is no value at all
        raise _Doubtful

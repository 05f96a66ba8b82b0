"""Records into columns: which topic fills which table, what each column holds, and what makes a record unfit for it.

Pure: no network, no clock. The columns are those of deploy/clickhouse/; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson

from streams.letters import PREFIX
from streams.store.columns import (
    DAY,
    DAY_OR_NULL,
    FLAG,
    FLAG_OR_FALSE,
    FLAGS,
    ID,
    INSTANT,
    INSTANT_OR_NULL,
    JSON,
    LEVEL,
    MONEY,
    NUMBER,
    NUMBERS,
    RATE,
    TEXT,
    TEXTS,
    WHOLE,
    Kind,
    Unfit,
    Values,
)

Record = Any  # confluent_kafka.Message, or what has its methods


# What every row carries of its record, behind the columns of its table.
ORIGIN: Final = (
    ("topic", "String"),
    ("partition", "Int32"),
    ("offset", "Int64"),
    ("written_at", "DateTime64(3, 'UTC')"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column that is filled from the JSON object: from the field of its name, or from `path` (object, field)."""

    name: str
    kind: Kind
    path: tuple[str, str] | None = None
    absent: str | None = None  # what stands for a field that is not there


@dataclass(frozen=True, slots=True)
class Table:
    """One table and the topic that fills it. `raw`: it keeps the record itself as `value`; `other`: unknown fields."""

    name: str
    topic: str  # logical name
    columns: tuple[Column, ...]
    headers: tuple[tuple[str, str, str], ...] = ()  # column, type sent, header that fills it
    raw: bool = False
    other: bool = False
    blank: dict[str, Any] = field(init=False)  # the fields that it reads, and what stands for an absent one

    def __post_init__(self) -> None:
        blank = {column.path[0] if column.path else column.name: column.absent for column in self.columns}
        object.__setattr__(self, "blank", blank)


@dataclass(slots=True)
class Rows:
    """Columns of one table, ready to be sent, and the records that are unfit for it, each with its reason."""

    table: str
    names: list[str]
    types: list[str]
    columns: list[list[Any]]
    unfit: list[tuple[Record, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0


def _columns(*groups: tuple[Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for kind, names in groups for name in names.split())


def _ageing(name: str) -> tuple[Column, ...]:
    return tuple(
        Column(f"{name}_{part}", MONEY, (name, part))
        for part in ("current", "d1_30", "d31_60", "d61_90", "d91")
    )


_CE_ID: Final = (("ce_id", "Nullable(String)", "ce_id"),)

JOURNAL: Final = Table(
    "journal_rows",
    "journal",
    (
        Column("account_id", ID, absent=""),  # control events have none
        *_columns(
            (INSTANT, "occurred_at"), (ID, "type event_id"), (TEXT, "source currency"), (MONEY, "amount")
        ),
    ),
    (
        ("origin_topic", "Nullable(String)", "origin-topic"),
        ("origin_partition", "Nullable(Int32)", "origin-partition"),
        ("origin_offset", "Nullable(Int64)", "origin-offset"),
    ),
    raw=True,
)
ALERTS: Final = Table(
    "alerts_rows",
    "alerts",
    (
        *_columns(
            (ID, "alert_id account_id trigger status"),
            (LEVEL, "severity"),
            (DAY, "as_of"),
            (INSTANT_OR_NULL, "opened_at snoozed_until"),
            (TEXT, "account_name title action owner acknowledged_by tier currency url policy engine reason"),
            (WHOLE, "number"),
            (MONEY, "exposure"),
            (JSON, "evidence"),
            (FLAG_OR_FALSE, "history"),
        ),
        Column("event_ids", TEXTS, ("evidence", "event_ids")),
    ),
    _CE_ID,
    raw=True,
)
PROPOSALS: Final = Table(
    "proposals_rows",
    "limit-proposals",
    _columns(
        (ID, "proposal_id account_id status"),
        (DAY, "as_of"),
        (INSTANT_OR_NULL, "expires_at"),
        (TEXT, "account_name direction currency grade binding approver decided_by policy engine"),
        (MONEY, "current_limit proposed_limit effective_limit"),
        (NUMBER, "score"),
        (WHOLE, "number"),
        (TEXTS, "reasons"),
        (JSON, "categories terms evidence"),
        (FLAG_OR_FALSE, "history"),
    ),
    _CE_ID,
    raw=True,
)
ACCOUNT_STATUS: Final = Table(
    "account_status_rows",
    "account-status",
    _columns(
        (ID, "account_id"),
        (DAY, "as_of"),
        (TEXT, "account_name status tier currency policy engine"),
        (MONEY, "credit_limit headroom"),
        (WHOLE, "open_alerts"),
        (DAY_OR_NULL, "next_review"),
    ),
    _CE_ID,
    other=True,
)
SNAPSHOTS: Final = Table(
    "snapshots_rows",
    "snapshots",
    (
        *_columns(
            (ID, "account_id"),
            (DAY, "as_of"),
            (TEXT, "account_name currency tier grade base_currency drift_test policy engine"),
            (
                MONEY,
                "open_balance past_due past_due_over_10 past_due_61 past_due_91 unapplied disputed open_orders security "
                "gross_exposure exposure credit_limit high_credit prior_high_credit exposure_base paid_30d paid_90d "
                "paid_365d monthly_purchases purchases_30d purchases_prior_90d",
            ),
            (RATE, "fx_rate"),
            (
                NUMBER,
                "score utilization utilization_28d_ago peak_utilization_90d dtp_30d dtp_90d dtp_365d dtp_baseline "
                "dtp_mean_30d dtp_mean_90d dtp_mean_365d dtp_p90_30d dtp_p90_90d dtp_p90_365d dbt_30d dbt_90d dbt_365d "
                "dbt_baseline dbt_disputed_90d dbt_p90_90d drift_statistic drift_limit dso dso_best_possible "
                "dso_countback average_days_delinquent collection_effectiveness pay_index kaplan_meier_median "
                "kaplan_meier_restricted_mean overdue_surprise disputed_share_baseline late_share_182d",
            ),
            (
                WHOLE,
                "max_days_past_due unvalued payment_runs payment_runs_365d overdue_surprise_n overdue_surprise_days "
                "invoices_prior_90d reversals_90d promises_broken_60d promises_broken partial_of_last_5 "
                "worst_dbt_182d provisional",
            ),
            (FLAG, "rising fx_driven drift_agrees history"),
            (DAY_OR_NULL, "fx_as_of first_invoice_on last_payment_on first_due_on"),
            (NUMBERS, "dtp_months"),
            (FLAGS, "discounts_taken"),
        ),
        *_ageing("ageing"),
        *_ageing("ageing_disputed"),
    ),
    _CE_ID,
    other=True,
)
TABLES: Final = (JOURNAL, ALERTS, PROPOSALS, ACCOUNT_STATUS, SNAPSHOTS)
DEAD_LETTERS: Final = "dead_letters_rows"
REFUSED: Final = {"dead-letters": DEAD_LETTERS, "late": "late_rows"}  # logical topic -> table

TOPICS_READ: Final = (*(table.topic for table in TABLES), *REFUSED)
"""Logical names of the topics that the store carries."""

BY_TOPIC: Final = {table.topic: table for table in TABLES}
_CHUNK: Final = 500  # records decoded at a time: their dicts are dropped again before the next


def rows(logical: str, records: Sequence[Record]) -> Rows:
    """The columns of the table that the topic fills, in the order of the records, and what is unfit for it.

    One unfit record costs a second pass over its chunk, record by record. Strings are given on as they are: NUL, quotes
    and any character included.
    """
    if logical in REFUSED:
        return _refused(REFUSED[logical], records)
    table = BY_TOPIC[logical]
    whole = _chunk(table, records[:_CHUNK])
    for start in range(_CHUNK, len(records), _CHUNK):
        part = _chunk(table, records[start : start + _CHUNK])
        whole.unfit += part.unfit
        for column, more in zip(whole.columns, part.columns, strict=True):
            column.extend(more)
    return whole


def _chunk(table: Table, records: Sequence[Record]) -> Rows:
    try:
        return _convert(table, records)
    except (ValueError, TypeError, OverflowError, AttributeError):
        pass  # some record is unfit: find out which
    fit: list[Record] = []
    unfit: list[tuple[Record, str]] = []
    for record in records:
        try:
            _convert(table, [record])
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            unfit.append((record, str(error)))
        else:
            fit.append(record)
    made = _convert(table, fit)
    made.unfit = unfit
    return made


def _convert(table: Table, records: Sequence[Record]) -> Rows:
    raw = [record.value() for record in records]
    bodies = [orjson.loads(value if value is not None else b"null") for value in raw]
    for body in bodies:
        if type(body) is not dict:
            raise Unfit("the record's value is no JSON object")
    made = Rows(table.name, [], [], [])

    def add(name: str, sent_as: str, column: Values) -> None:
        made.names.append(name)
        made.types.append(sent_as)
        made.columns.append(column if type(column) is list else list(column))

    # Row by row in C, then turned: column by column would miss the cache with every field.
    wanted = [{**table.blank, **body} for body in bodies]
    fields = dict(zip(table.blank, zip(*map(itemgetter(*table.blank), wanted), strict=True), strict=False))
    for column in table.columns:
        if column.path is None:
            values: Values = fields.get(column.name, ())
        else:
            inner = column.path[1]
            values = [(outer or {}).get(inner) for outer in fields.get(column.path[0], ())]
        add(column.name, column.kind.sent_as, _convert_column(column.name, column.kind, values))
    if table.other:
        known = len(table.blank)
        add("other", "String", ["" if len(body) == known else _other(body, table.blank) for body in wanted])
    if table.headers:
        found = [dict(record.headers() or ()) for record in records]
        for name, sent_as, header in table.headers:
            add(name, sent_as, [_header(name, sent_as, headers.get(header)) for headers in found])
    if table.raw:
        add("value", "String", raw)
    for (name, sent_as), origin in zip(ORIGIN, _origin(records), strict=True):
        add(name, sent_as, origin)
    return made


def _convert_column(name: str, kind: Kind, values: Values) -> Values:
    try:
        return kind.convert(values)
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        shown = repr(values[0])[:100] if len(values) == 1 else f"one of {len(values)}"
        raise Unfit(f"{name}: {shown} does not fit the column ({error})") from error


def _other(body: dict[str, Any], known: Mapping[str, Any]) -> str:
    return orjson.dumps({name: body[name] for name in sorted(body.keys() - known.keys())}).decode()


def _header(name: str, sent_as: str, value: bytes | None) -> str | int | None:
    if value is None:
        return None
    if sent_as == "Nullable(String)":
        return value.decode(errors="replace")
    try:
        return int(value)
    except ValueError as error:
        raise Unfit(f"{name}: the header {value[:40]!r} is no number") from error


def _origin(records: Sequence[Record]) -> tuple[list[Any], ...]:
    return (
        [record.topic() for record in records],
        [record.partition() for record in records],
        [record.offset() for record in records],
        [max(0, record.timestamp()[1]) for record in records],
    )


_REFUSED_COLUMNS: Final = (
    ("origin_topic", "String"),
    ("origin_partition", "Nullable(Int32)"),
    ("origin_offset", "Nullable(Int64)"),
    ("kind", "String"),
    ("reason", "String"),
    ("key", "Nullable(String)"),
    ("value", "Nullable(String)"),
    ("headers", "Array(Tuple(name String, value Nullable(String)))"),
    *ORIGIN,
)


def _refused(table: str, records: Sequence[Record]) -> Rows:
    letters = [_letter(record) for record in records]
    return _letters(table, records, letters)


def unstorable(failed: Iterable[tuple[Record, str]]) -> Rows:
    """Rows of dead_letters for records of which no row could be made: their own place is the origin."""
    pairs = list(failed)
    letters = [
        (record.topic(), record.partition(), record.offset(), "unstorable", reason)
        for record, reason in pairs
    ]
    return _letters(DEAD_LETTERS, [record for record, _ in pairs], letters)


def _letters(
    table: str, records: Sequence[Record], letters: Sequence[tuple[str, int | None, int | None, str, str]]
) -> Rows:
    columns: list[list[Any]] = (
        [list(column) for column in zip(*letters, strict=True)] if letters else [[]] * 5
    )
    columns.append([record.key() for record in records])
    columns.append([record.value() for record in records])
    columns.append([list(record.headers() or ()) for record in records])
    columns.extend(_origin(records))
    return Rows(
        table, [name for name, _ in _REFUSED_COLUMNS], [sent_as for _, sent_as in _REFUSED_COLUMNS], columns
    )


def _letter(record: Record) -> tuple[str, int | None, int | None, str, str]:
    headers = dict(record.headers() or ())

    def text(name: str) -> str:
        return (headers.get(PREFIX + name) or b"").decode(errors="replace")

    def number(name: str, bits: int) -> int | None:
        try:
            value = int(text(name))
        except ValueError:
            return None
        return value if 0 <= value < 2**bits else None

    return (
        text("topic"),
        number("partition", 31),
        number("offset", 63),
        text("exception.class.name"),
        text("exception.message"),
    )

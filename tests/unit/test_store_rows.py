"""Records into columns: values arrive unchanged, nulls stay null, what fits nowhere is named, nothing stops the line."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.outputs import OUTPUT_OF
from streams.store.columns import MONEY, Unfit
from streams.store.rows import REFUSED, TABLES, Rows, rows, unstorable
from tests.integration.store_kit import Record

EVENT = {
    "event_id": "e1",
    "type": "invoice.issued",
    "account_id": "A1",
    "occurred_at": "2026-01-01T00:00:00Z",
    "source": "erp",
    "amount": "12.50",
    "currency": "USD",
}
ALERT = {
    "alert_id": "a",
    "account_id": "A1",
    "trigger": "over_limit",
    "severity": 4,
    "status": "opened",
    "as_of": "2026-01-01",
}


def column(made: Rows, name: str) -> list[Any]:
    return list(made.columns[made.names.index(name)])


def test_an_event_becomes_a_row_with_its_place_and_its_bytes() -> None:
    record = Record(EVENT, 7, (("origin-topic", b"credit.invoices.v1"), ("origin-offset", b"12")))
    made = rows("journal", [record])
    assert {name: column(made, name)[0] for name in made.names} == {
        "account_id": "A1",
        "occurred_at": 1_767_225_600_000_000,
        "type": "invoice.issued",
        "event_id": "e1",
        "source": "erp",
        "currency": "USD",
        "amount": "12.50",
        "origin_topic": "credit.invoices.v1",
        "origin_partition": None,
        "origin_offset": 12,
        "value": record.value(),
        "topic": "t",
        "partition": 3,
        "offset": 7,
        "written_at": 1_767_225_600_000,
    }


def test_a_control_event_has_no_account() -> None:
    tick = {
        "event_id": "t",
        "type": "clock.ticked",
        "occurred_at": "2026-01-01t23:59:59.123456789z",
        "source": "b",
    }
    made = rows("journal", [Record(tick)])
    assert column(made, "account_id") == [""]
    assert column(made, "occurred_at") == [1_767_311_999_123_456]


@pytest.mark.parametrize(
    "text",
    [
        'O\'Neil "Ltd"; DROP TABLE alerts --',
        "nul\x00nul",
        "\U0001f411\U0001f4b8",
        "\n\t\\N",
        "x" * 100_000,
        "",
    ],
)
def test_texts_are_given_on_unchanged(text: str) -> None:
    made = rows("alerts", [Record({**ALERT, "title": text, "evidence": {"event_ids": [text]}})])
    assert column(made, "title") == [text]
    assert column(made, "event_ids") == [[text]]
    assert orjson.loads(column(made, "evidence")[0]) == {"event_ids": [text]}


def test_what_is_absent_or_null_stays_null() -> None:
    made = rows(
        "alerts", [Record(ALERT), Record({**ALERT, "owner": None, "exposure": None, "evidence": None})]
    )
    for name in ("owner", "exposure", "opened_at", "evidence", "tier", "ce_id"):
        assert column(made, name) == [None, None]
    assert column(made, "event_ids") == [[], []]
    assert column(made, "history") == [False, False]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"severity": "4"}, "severity"),
        ({"severity": None}, "severity"),
        ({"severity": 2**63}, "severity"),
        ({"as_of": "2026-02-30"}, "as_of"),
        ({"as_of": "1969-12-31"}, "as_of"),
        ({"as_of": None}, "as_of"),
        ({"alert_id": 7}, "alert_id"),
        ({"exposure": 12.5}, "exposure"),
        ({"exposure": "12.50000"}, "exposure"),
        ({"exposure": "1\n2"}, "exposure"),
        ({"exposure": "1e3"}, "exposure"),
        ({"exposure": "9" * 35}, "exposure"),
        ({"exposure": "٣"}, "exposure"),
        ({"opened_at": "yesterday"}, "opened_at"),
        ({"opened_at": "9999-01-01T00:00:00Z"}, "opened_at"),
        ({"history": "no"}, "history"),
        ({"evidence": {"event_ids": [1]}}, "event_ids"),
        ({"title": ["a"]}, "title"),
    ],
)
def test_a_value_that_fits_no_column_is_named_and_its_neighbours_go_through(
    change: dict[str, Any], named: str
) -> None:
    records = [Record(ALERT, 1), Record({**ALERT, **change}, 2), Record(ALERT, 3)]
    made = rows("alerts", records)
    assert column(made, "offset") == [1, 3]
    [(record, reason)] = made.unfit
    assert record is records[1]
    assert reason.startswith(f"{named}: ")


@pytest.mark.parametrize("raw", [None, b"", b"null", b"[1]", b'"text"', b"{", b"\xff\xfe", b"[" * 100_000])
@pytest.mark.parametrize("topic", [table.topic for table in TABLES])
def test_what_is_no_json_object_is_unfit_and_stops_nothing(topic: str, raw: bytes | None) -> None:
    made = rows(topic, [Record(raw=raw, at=5)])
    assert len(made) == 0
    assert [record.offset() for record, _ in made.unfit] == [5]


def test_unknown_fields_are_kept_where_the_record_itself_is_not() -> None:
    made = rows(
        "account-status",
        [
            Record({"account_id": "A", "as_of": "2026-01-01", "mood": "ok"}),
            Record({"account_id": "B", "as_of": "2026-01-01"}),
        ],
    )
    assert column(made, "other") == ['{"mood":"ok"}', ""]


def test_a_long_block_is_one_set_of_columns_in_the_order_of_the_records() -> None:
    made = rows("journal", [Record(EVENT, n) for n in range(1_234)])
    assert column(made, "offset") == list(range(1_234))
    assert {len(values) for values in made.columns} == {1_234}


@pytest.mark.parametrize("topic", list(REFUSED))
def test_what_was_refused_keeps_every_byte(topic: str) -> None:
    headers = (
        ("__connect.errors.topic", b"credit.invoices.v1"),
        ("__connect.errors.partition", b"2"),
        ("__connect.errors.offset", b"77"),
        ("__connect.errors.exception.class.name", b"refused"),
        ("__connect.errors.exception.message", "amount: is no number é".encode()),
        ("trace", b"\xff\x00"),
        ("empty", None),
    )
    made = rows(topic, [Record(raw=b"\x00\xff{", sent_key=None, sent_headers=headers)])
    row = {name: column(made, name)[0] for name in made.names}
    assert (row["origin_topic"], row["origin_partition"], row["origin_offset"]) == (
        "credit.invoices.v1",
        2,
        77,
    )
    assert (row["kind"], row["reason"]) == ("refused", "amount: is no number é")
    assert (row["key"], row["value"], row["headers"]) == (None, b"\x00\xff{", list(headers))


@pytest.mark.parametrize("number", [b"", b"x", b"-1", b"99999999999999999999"])
def test_a_strange_origin_is_null_not_a_failure(number: bytes) -> None:
    made = rows("late", [Record(raw=b"", sent_headers=(("__connect.errors.partition", number),))])
    assert column(made, "origin_partition") == [None]


@pytest.mark.parametrize(("name", "bits"), [("partition", 31), ("offset", 63)])
def test_an_origin_is_kept_up_to_what_its_column_holds(name: str, bits: int) -> None:
    for number, kept in ((0, 0), (2**bits - 1, 2**bits - 1), (2**bits, None)):
        headers = ((f"__connect.errors.{name}", b"%d" % number),)
        assert column(rows("late", [Record(raw=b"", sent_headers=headers)]), f"origin_{name}") == [kept]


def test_a_record_that_kafka_gave_no_time_is_of_1970_and_not_of_the_day_before() -> None:
    class Timeless(Record):
        def timestamp(self) -> tuple[int, int]:
            return 0, -1

    assert column(rows("journal", [Timeless(EVENT, 7)]), "written_at") == [0]


def test_a_record_without_a_row_becomes_a_dead_letter_with_its_place_as_origin() -> None:
    made = unstorable([(Record(raw=b"{", at=9), "no JSON")])
    row = {name: column(made, name)[0] for name in made.names}
    assert (row["origin_topic"], row["origin_partition"], row["origin_offset"]) == ("t", 3, 9)
    assert (row["kind"], row["reason"], row["value"]) == ("unstorable", "no JSON", b"{")


def without_a_column(fields: set[str], topic: str) -> set[str]:
    [table] = [table for table in TABLES if table.topic == topic]
    return fields - set(table.blank)


@pytest.mark.parametrize("topic", list(OUTPUT_OF))
def test_every_field_of_an_output_has_a_column(topic: str) -> None:
    assert without_a_column(set(OUTPUT_OF[topic].model_fields), topic) == set()


def test_a_field_without_a_column_is_noticed() -> None:
    assert without_a_column({"account_id", "shoe_size"}, "snapshots") == {"shoe_size"}


@given(st.lists(st.one_of(st.none(), st.decimals(-(10**18), 10**18, places=4).map(lambda d: f"{d:f}"))))
def test_amounts_pass_as_they_are(amounts: list[str | None]) -> None:
    assert MONEY.convert(amounts) == amounts


@given(st.lists(st.sampled_from(["1", "-2.5", None])), st.text(), st.integers(min_value=0))
def test_no_text_passes_for_an_amount_wherever_it_stands(
    good: list[str | None], text: str, place: int
) -> None:
    whole, _, decimals = text.removeprefix("-").partition(".")
    if whole.isascii() and whole.isdigit() and (decimals.isdigit() or "." not in text):
        return
    mixed = [*good]
    mixed.insert(place % (len(good) + 1), text)
    with pytest.raises(Unfit):
        MONEY.convert(mixed)

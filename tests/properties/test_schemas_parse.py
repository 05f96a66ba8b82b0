"""parse() on anything at all: an event, or one printable sentence; and its schema never refuses what it lets in."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from schemas.contract import example, json_schema
from schemas.events import MODEL_OF, Invalid, parse

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_kinds = st.sampled_from(sorted(MODEL_OF))
_schemas = {kind: jsonschema.Draft202012Validator(json_schema(kind)) for kind in MODEL_OF}


def _refused(raw: bytes | str) -> bool:
    reason = _reason(raw)
    if reason is None:
        return False
    assert reason
    assert reason.isprintable()
    assert len(reason) < 1000
    return True


def _reason(raw: bytes | str) -> str | None:
    try:
        parse(raw)
    except Invalid as refused:
        return refused.reason
    return None


@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    assert _refused(raw)


@given(st.text(max_size=200))
def test_any_text(raw: str) -> None:
    assert _refused(raw)


@given(_json)
def test_any_json(value: Any) -> None:
    assert _refused(json.dumps(value))


@given(_kinds, st.data())
def test_an_event_with_any_value_in_any_field(kind: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(MODEL_OF[kind].model_fields)) | st.text(max_size=8))
    record = example(kind) | {name: data.draw(_json)}
    if not _refused(json.dumps(record)):
        _schemas[record["type"]].validate(record)


@given(_kinds, st.data())
def test_an_event_cut_or_spoilt_in_its_bytes(kind: str, data: st.DataObject) -> None:
    raw = bytearray(json.dumps(example(kind)).encode())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    _refused(bytes(raw))

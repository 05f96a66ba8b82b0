"""Derived ids are the UUIDv5 that the standard library makes of the same name."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from agents.ids import derived

_PARTS = st.lists(st.text(max_size=20) | st.integers(), min_size=1, max_size=4)


@given(namespace=st.uuids(), parts=_PARTS)
def test_a_derived_id_is_the_uuid5_of_its_parts(namespace: UUID, parts: list[str | int]) -> None:
    name = "\x1f".join(map(str, parts))
    assert derived(namespace, *parts) == str(uuid5(namespace, name))


@given(namespace=st.uuids(), parts=_PARTS)
def test_other_parts_have_another_id(namespace: UUID, parts: list[str | int]) -> None:
    assert derived(namespace, *parts) != derived(namespace, *parts, 1)

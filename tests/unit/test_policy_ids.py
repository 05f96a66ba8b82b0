"""Derived ids: the same parts give the same id, other parts another, in every deployment its own."""

from __future__ import annotations

from agents.ids import derived, namespace_id


def test_ids_follow_from_their_parts_and_their_order() -> None:
    home = namespace_id("")
    assert derived(home, "alert", "A1", "over_limit", 1) == derived(home, "alert", "A1", "over_limit", 1)
    assert derived(home, "alert", "A1", "over_limit", 1) != derived(home, "alert", "A1", "over_limit", 2)
    assert derived(home, "a", "bc") != derived(home, "ab", "c")
    assert derived(home, "a") != derived(namespace_id("emea"), "a")


def test_ids_never_change_from_release_to_release() -> None:
    assert str(namespace_id("")) == "b3df8b01-3349-5d37-a25a-c26a567f7c98"
    assert (
        derived(namespace_id("tests"), "alert", "A1", "over_limit", 1)
        == "3f695ade-b2a5-54fe-a03c-3296db92f210"
    )

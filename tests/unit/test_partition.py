"""The memory of one partition: what a commit writes, and what is deleted. No Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from streams.partition import Partition

LOG = "state"


class Thing:
    """A state whose dump says exactly what the test put in."""

    def __init__(self, pieces: Mapping[str, bytes]) -> None:
        self.loaded = dict(pieces)
        self.to_dump: dict[str, bytes | None] = {}

    def dump(self) -> dict[str, bytes | None]:
        return self.to_dump


def partition(**pieces: dict[str, bytes]) -> Partition:
    made = Partition(3, {"journal": (0, "")}, lambda _, pieces: Thing(pieces))
    made.pieces.update(pieces)
    return made


def written(part: Partition) -> set[tuple[str, bytes | None, bytes | None, int]]:
    """What a commit sends; then it is committed."""
    sent: set[tuple[str, bytes | None, bytes | None, int]] = set()

    def produce(
        topic: str, value: bytes | None, key: bytes | None, partition: int = -1, headers: Any = None
    ) -> None:
        sent.add((topic, key, value, partition))

    part.write(LOG, Thing.dump, produce)
    part.committed()
    return sent


def test_a_state_is_loaded_when_first_touched_and_its_bytes_are_dropped() -> None:
    part = partition(A={"head": b"1", "months": b"2"})
    state = part.get("A")
    assert state.loaded == {"head": b"1", "months": b"2"}
    assert part.pieces == {}
    assert part.get("A") is state
    assert part.get("B") is None


def test_only_what_was_put_is_written_to_its_own_partition_with_account_and_piece_as_key() -> None:
    part = partition(A={"head": b"1"}, B={"head": b"1"})
    part.get("B")
    state = part.get("A")
    state.to_dump = {"head": b"2"}
    part.put("A", state)
    assert written(part) == {(LOG, b"A\0head", b"2", 3)}
    assert written(part) == set()


def test_a_piece_dumped_as_none_is_deleted_if_the_changelog_has_it() -> None:
    part = partition(A={"head": b"1", "page": b"1"})
    state = part.get("A")
    state.to_dump = {"page": None, "never": None}
    part.put("A", state)
    assert written(part) == {(LOG, b"A\0page", None, 3)}
    part.put("A", state)
    assert written(part) == set(), "it is deleted already"


def test_a_removed_account_loses_all_its_pieces_also_those_written_since() -> None:
    part = partition(A={"head": b"1"})
    state = part.get("A")
    state.to_dump = {"page": b"1"}
    part.put("A", state)
    written(part)
    part.remove("A")
    assert part.get("A") is None
    assert written(part) == {(LOG, b"A\0head", None, 3), (LOG, b"A\0page", None, 3)}


def test_an_account_removed_without_being_loaded_is_deleted_too() -> None:
    part = partition(A={"head": b"1"})
    part.remove("A")
    assert list(part.accounts()) == []
    assert written(part) == {(LOG, b"A\0head", None, 3)}


def test_an_account_that_comes_again_in_the_same_commit_keeps_only_what_it_writes() -> None:
    part = partition(A={"head": b"1", "page": b"1"})
    part.remove("A")
    again = Thing({})
    again.to_dump = {"head": b"9", "page": None}
    part.put("A", again)
    assert written(part) == {(LOG, b"A\0head", b"9", 3), (LOG, b"A\0page", None, 3)}
    part.remove("A")
    assert written(part) == {(LOG, b"A\0head", None, 3)}


def test_an_account_made_and_removed_in_one_commit_leaves_nothing() -> None:
    part = partition()
    part.put("A", Thing({}))
    part.remove("A")
    assert written(part) == set()


def test_a_state_that_was_not_loaded_is_not_overwritten() -> None:
    part = partition(A={"head": b"1"})
    with pytest.raises(RuntimeError, match="before it was loaded"):
        part.put("A", Thing({}))


def test_all_accounts_are_listed_loaded_or_not_and_the_control_state_is_none_of_them() -> None:
    part = partition(A={"head": b"1"}, B={"head": b"1"}, **{"": {"clock": b"1"}})
    part.get("A")
    part.get("")
    part.put("C", Thing({}))
    assert sorted(part.accounts()) == ["A", "B", "C"]


def test_one_restored_piece_can_be_read_of_all_accounts_without_loading_them() -> None:
    part = partition(A={"head": b"1", "pulse": b"7"}, B={"head": b"1"}, **{"": {"pulse": b"1"}})
    assert list(part.restored("pulse")) == [("A", b"7")]
    assert part.objects == {}


def test_account_ids_may_hold_any_text() -> None:
    part = partition()
    odd = Thing({})
    odd.to_dump = {"head": b"1"}
    part.put("Žluťoučký 客户/№ 7", odd)
    assert written(part) == {(LOG, "Žluťoučký 客户/№ 7".encode() + b"\0head", b"1", 3)}


def test_outputs_are_sent_by_key_with_their_headers() -> None:
    part = partition()
    part.outputs.append(("alerts", b"A", b"{}", [("ce_id", "1")]))
    sent: list[tuple[Any, ...]] = []
    part.write(LOG, Thing.dump, lambda *args: sent.append(args))
    assert sent == [("alerts", b"{}", b"A", -1, [("ce_id", "1")])]


# -- how many, and how large ---------------------------------------------------------------------------------------


def test_accounts_are_counted_whether_they_were_touched_or_not_and_the_control_state_is_none() -> None:
    part = partition(**{"A": {"head": b"1"}, "B": {"head": b"1"}, "": {"policy": b"p"}})
    assert part.held() == 2
    part.get("A")
    part.get("")
    assert part.held() == 2


def test_bytes_of_states_are_estimated_from_a_sample_through_restore_rewrite_and_deletion() -> None:
    accounts = [f"C{n}" for n in range(400)]
    part = partition(
        **{"": {"policy": b"p" * 50_000}, **{a: {"head": b"x" * 100, "page": b"y" * 300} for a in accounts}}
    )
    part.weigh()
    assert part.bytes_held() == 400 * 400, "all are of one size, so a sample is exact"
    for account in accounts:
        state = part.get(account)
        state.to_dump = {"head": b"x" * 50, "page": None, "months": b"z" * 250}
        part.put(account, state)
    written(part)
    assert part.bytes_held() == 400 * 300
    for account in accounts:
        part.remove(account)
    written(part)
    assert (part.held(), part.bytes_held()) == (0, 0)

"""The memory of one partition: what a commit writes, and what is deleted. No Kafka."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from streams.partition import Partition
from streams.slot import WHO

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
    for account_id, those in pieces.items():
        for piece, value in those.items():
            made.remember(Logged(f"{account_id}\0{piece}".encode(), value))
    return made


class Logged:
    """A record of the changelog."""

    def __init__(self, key: bytes | None, value: bytes | None, headers: Any = None) -> None:
        self.key, self.value, self.headers = (lambda: key), (lambda: value), (lambda: headers)
        self.topic, self.partition, self.offset = (lambda: "state"), (lambda: 3), (lambda: 0)


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


def test_a_state_is_loaded_when_first_touched_and_once() -> None:
    part = partition(A={"head": b"1", "months": b"2"})
    state = part.get("A")
    assert state.loaded == {"head": b"1", "months": b"2"}
    assert part.get("A") is state
    assert part.loads == 1
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


def test_a_state_that_was_not_loaded_is_not_overwritten() -> None:
    part = partition(A={"head": b"1"})
    with pytest.raises(RuntimeError, match="before it was loaded"):
        part.put("A", Thing({}))


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


# -- how many, how large, and which are at hand ----------------------------------------------------------------------


def test_accounts_are_counted_whether_they_were_touched_or_not_and_the_control_state_is_none() -> None:
    part = partition(**{"A": {"head": b"1"}, "B": {"head": b"1"}, "": {"policy": b"p"}})
    assert (part.held(), part.at_hand()) == (2, 0)
    part.get("A")
    part.get("")
    assert (part.held(), part.at_hand()) == (2, 1)


def test_bytes_of_states_are_counted_through_restore_rewrite_and_deletion() -> None:
    accounts = [f"C{n}" for n in range(40)]
    part = partition(
        **{"": {"policy": b"p" * 50_000}, **{a: {"head": b"x" * 100, "page": b"y" * 300} for a in accounts}}
    )
    assert (part.bytes_held, part.bytes_at_hand) == (40 * 400, 0)
    for account in accounts[:10]:
        state = part.get(account)
        state.to_dump = {"head": b"x" * 50, "page": None, "months": b"z" * 250}
        part.put(account, state)
    assert part.bytes_at_hand == 10 * 400
    written(part)
    assert (part.bytes_held, part.bytes_at_hand) == (30 * 400 + 10 * 300, 10 * 300)
    for account in accounts:
        state = part.get(account)
        state.to_dump = {"head": None, "page": None, "months": None}
        part.put(account, state)
    written(part)
    assert (part.held(), part.bytes_held, part.bytes_at_hand) == (0, 0, 0)


def test_a_restore_counts_what_is_left_of_the_changelog() -> None:
    part = partition()
    for key, value in (
        (b"A\0head", b"12345"), (b"B\0head", b"123"), (b"A\0head", b"1"), (b"B\0page", b"12"), (b"B\0head", None),
        (b"C\0head", None), (b"\0policy", b"1234567"), (WHO, b"somebody"), (b"A\0page", b"22"), (b"A\0page", None),
        (None, b"of nobody"), (b"A", b"of somebody else"), (b"", b"of nobody"),
    ):  # fmt: skip
        part.remember(Logged(key, value))
    assert part.pieces == {"A": {"head": b"1"}, "B": {"page": b"12"}, "": {"policy": b"1234567"}}
    assert (part.held(), part.bytes_held) == (2, 3)


def test_who_is_laid_aside_is_made_of_what_was_written_last() -> None:
    part = partition(**{"A": {"head": b"1"}, "": {"policy": b"p"}})
    control, state = part.get(""), part.get("A")
    state.to_dump = {"head": b"2", "page": b"3"}
    part.put("A", state)
    written(part)
    part.lay_aside()
    assert part.get("A") is state, "there is no limit"
    part.most = 2
    part.lay_aside()
    assert part.get("A") is state, "two bytes may stay"
    part.most = 0
    part.lay_aside()
    assert (part.at_hand(), part.bytes_at_hand, part.held()) == (0, 0, 1)
    assert part.get("A").loaded == {"head": b"2", "page": b"3"}
    assert (part.loads, part.bytes_at_hand) == (2, 2)
    assert part.get("") is control, "the control state always stays"


def test_the_last_to_come_is_laid_aside_first_and_the_others_stay_at_hand_through_a_sweep() -> None:
    part = partition(**{f"C{n}": {"head": b"1" * 10} for n in range(10)})
    part.most = 80
    for _ in range(3):
        for n in range(10):
            part.get(f"C{n}")
            part.lay_aside()
    assert sorted(part.objects) == [f"C{n}" for n in range(6)]
    assert part.loads == 6 + 3 * 4


def test_an_account_with_nothing_to_write_is_new_again_once_laid_aside() -> None:
    part = partition(A={"head": b"1"})
    part.get("A")
    part.put("B", Thing({}))
    written(part)
    assert (part.held(), part.at_hand()) == (1, 2)
    part.most = 0
    part.lay_aside()
    assert part.get("B") is None


def test_a_commit_may_bring_as_many_accounts_to_hand_as_a_quarter_of_the_limit_holds() -> None:
    part = partition(**{f"C{n}": {"head": b"1" * 100} for n in range(10)})
    assert part.room() is None
    part.most = 80_000
    assert part.room() == 200
    part.most = 8_000
    assert part.room() == 50, "and fifty however small it is"
    empty = partition()
    empty.most = 4_000_000
    assert empty.room() == 100


def test_the_newest_commit_says_where_its_states_go_on_and_a_mark_beside_it_is_no_offset() -> None:
    part = partition()
    assert part.said is None
    part.remember(Logged(WHO, b"somebody", None))
    assert part.said == {}
    for offset in (b"7", b"9"):
        part.remember(Logged(WHO, b"somebody", [("journal", offset), ("begun", b""), ("traceparent", None)]))
        part.remember(Logged(b"A\0head", b"1"))
    assert part.said == {"journal": 9}

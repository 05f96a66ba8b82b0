"""What the auditor compares: what Kafka drops, and what comes while it reads, is no difference; all else is named."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain
from typing import Any

import orjson
import pytest

from agents.records import Output
from streams.audit import Findings, Stored, _Outputs, first_of, stored_states
from streams.slot import BEGUN, WHO

TOPIC = "credit.account-status.v1"


def told(number: int, account: str = "C1", **changed: Any) -> Output:
    body = {"account_id": account, "as_of": f"2026-02-{number:02}", "status": "good", "tier": "low"} | changed
    return Output("account-status", account, f"{account}-{number}", "status", "2026-02-01T00:00:00Z", body)


def differences(
    refolded: list[Output],
    there: list[Output],
    *,
    compacted: bool,
    dropped: bool = False,
    afterwards: tuple[Output, ...] = (),
) -> list[str]:
    """`afterwards`: what was emitted, if at all, when the topic was being read already."""
    records = {output.ce_id: orjson.dumps(output.body) for output in there}
    outputs = _Outputs(TOPIC, 1, compacted, records, dropped=lambda _: dropped, left=dict(records))
    found = Findings()
    for output in refolded:
        outputs.compare(output, found, True)
    for output in afterwards:
        outputs.compare(output, found, False)
    outputs.finish(found)
    return found.differences


def test_what_is_there_as_it_was_emitted_is_equal() -> None:
    all_three = [told(1), told(2), told(3)]
    assert differences(all_three, all_three, compacted=False) == []


def test_a_compacted_topic_needs_the_newest_of_an_account_only() -> None:
    refolded = [told(1), told(1, "C2"), told(2), told(3)]
    assert differences(refolded, [told(1, "C2"), told(3)], compacted=True) == []


def test_the_newest_of_an_account_is_missed_on_a_compacted_topic() -> None:
    refolded = [told(1), told(2), told(1, "C2")]
    assert differences(refolded, [told(1), told(1, "C2")], compacted=True) == [
        f"{TOPIC}: ce_id C1-2 of account C1 is missing"
    ]


def test_records_older_than_all_that_kafka_keeps_are_not_missed() -> None:
    assert differences([told(1), told(2), told(3)], [told(2), told(3)], compacted=False, dropped=True) == []


def test_a_record_in_the_middle_is_missed_though_kafka_dropped_the_oldest() -> None:
    refolded = [told(1), told(2), told(3), told(4)]
    assert differences(refolded, [told(2), told(4)], compacted=False, dropped=True) == [
        f"{TOPIC}: ce_id C1-3 of account C1 is missing"
    ]


def test_the_oldest_is_missed_where_kafka_dropped_none() -> None:
    assert differences([told(1), told(2)], [told(2)], compacted=False) == [
        f"{TOPIC}: ce_id C1-1 of account C1 is missing"
    ]


def test_a_record_that_differs_says_in_which_fields() -> None:
    assert differences([told(1)], [told(1, status="hold", tier=None)], compacted=False) == [
        f"{TOPIC}: ce_id C1-1 of account C1 differs from the refold in status, tier"
    ]


def test_a_field_that_is_null_is_not_one_that_is_absent() -> None:
    assert differences([told(1)], [told(1, note=None)], compacted=False) == [
        f"{TOPIC}: ce_id C1-1 of account C1 differs from the refold in note"
    ]


@pytest.mark.parametrize(("many", "named"), [(1, "a"), (4, "a, b, c, d"), (6, "a, b, c, d and 2 more")])
def test_of_many_fields_the_first_are_named_and_the_others_counted(many: int, named: str) -> None:
    assert first_of("abcdef"[:many]) == named


def test_what_the_refold_never_said_is_told() -> None:
    assert differences([told(1)], [told(1), told(9)], compacted=True) == [
        f"{TOPIC}: ce_id C1-9 is not in the refold"
    ]


@pytest.mark.parametrize("compacted", [False, True])
def test_what_was_emitted_while_the_topic_was_read_may_be_there_or_not(compacted: bool) -> None:
    assert (
        differences([told(1)], [told(1), told(2)], compacted=compacted, afterwards=(told(2), told(3))) == []
    )


def test_what_was_emitted_while_the_topic_was_read_is_as_the_refold_says() -> None:
    forged = told(2, status="hold")
    assert differences([told(1)], [told(1), forged], compacted=False, afterwards=(told(2),)) == [
        f"{TOPIC}: ce_id C1-2 of account C1 differs from the refold in status"
    ]


def test_a_newer_record_that_came_meanwhile_stands_for_those_that_compaction_dropped() -> None:
    assert differences([told(1), told(2)], [told(3)], compacted=True, afterwards=(told(3),)) == []


JOURNAL = "credit.journal.v1"


class _Record:
    def __init__(self, key: bytes, value: str | None, headers: list[tuple[str, bytes]] | None = None) -> None:
        self._key = key
        self._value = None if value is None else value.encode()
        self._headers = headers
        self.at = 0

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> list[tuple[str, bytes]] | None:
        return self._headers


def commit(place: int | None, *, begun: bool = False, **pieces: str | None) -> list[_Record]:
    """What a commit leaves on the changelog: where its states go on, and pieces of account C1 by their names."""
    at = [] if place is None else [(JOURNAL, str(place).encode())]
    who = _Record(WHO, "slot", [*at, *([(BEGUN, b"")] if begun else [])] or None)
    return [who, *(_Record(f"C1\0{name}".encode(), value) for name, value in pieces.items())]


def states(*commits: list[_Record], compacted: Collection[int] = (), dropped: Collection[int] = ()) -> Stored:
    """Of the commits, from 0, Kafka has `compacted` what says where they go on; of others it has `dropped` the pieces."""
    at = 0
    for one in commits:
        for record in one:
            record.at, at = at, at + 1
        at += 1  # the mark that ends a transaction
    left = [one[number in compacted : 1 if number in dropped else None] for number, one in enumerate(commits)]
    return stored_states(chain.from_iterable(left), JOURNAL)


def test_the_states_are_those_of_the_newest_commit_which_says_where_they_go_on() -> None:
    assert states(commit(4, a="1", b="1"), commit(7, a="2", b=None)) == Stored(
        {"C1": {"a": b"2"}}, whole=7, place=7
    )


def test_slices_of_a_tick_under_way_are_left_out_of_the_states() -> None:
    first = commit(6, begun=True, a="2", c="1")  # records 4 and 5 are in it too
    assert states(commit(4, a="1"), first, commit(6, begun=True, b="2")) == Stored(
        {"C1": {"a": b"1"}}, whole=4, place=6, begun=True
    )


def test_slices_of_a_tick_that_has_ended_are_in_the_states() -> None:
    slices = commit(4, begun=True, a="2"), commit(4, begun=True, b="2")
    assert states(commit(4, a="1"), *slices, commit(5, c="3")) == Stored(
        {"C1": {"a": b"2", "b": b"2", "c": b"3"}}, whole=5, place=5
    )


def test_a_tick_that_follows_a_tick_leaves_the_first_in_the_states() -> None:
    slices = commit(4, begun=True, a="2"), commit(5, a="3"), commit(5, begun=True, a="4")
    assert states(commit(4, a="1"), *slices) == Stored({"C1": {"a": b"3"}}, whole=5, place=5, begun=True)


def test_pieces_of_slices_count_once_and_not_over_what_came_later() -> None:
    commits = commit(4, a="1"), commit(4, begun=True, a="2"), commit(5, a="3"), commit(6, b="1")
    assert states(*commits) == Stored({"C1": {"a": b"3", "b": b"1"}}, whole=6, place=6)


def test_before_the_first_whole_commit_there_are_no_states() -> None:
    assert states(commit(4, begun=True, a="1")) == Stored({}, whole=None, place=4, begun=True)


@pytest.mark.parametrize(
    ("then", "whole"),
    [
        # A slice of a tick may be among what was read before it
        ([commit(6, begun=True, d="4")], None),
        ([commit(6, begun=True, d="4"), commit(7, e="5")], 7),
        ([commit(7, d="4")], 7),
    ],
)
def test_states_of_which_kafka_has_compacted_away_how_far_they_are_wait_for_a_commit_that_says_it(
    then: list[list[_Record]], whole: int | None
) -> None:
    commits = [commit(4, a="1"), commit(5, b="2"), commit(6, begun=True, c="3"), *then]
    assert states(*commits, compacted={1, 2}).whole == whole


def test_pieces_that_went_for_those_of_a_slice_while_they_were_read_are_not_missed() -> None:
    commits = [commit(5, a="1"), commit(6, begun=True, a="2"), commit(6, begun=True, c="3")]
    assert states(*commits, dropped={0}, compacted={1}).whole is None
    assert states(commits[0], commits[2], dropped={0}).whole is None


def test_slices_that_kafka_has_compacted_take_nothing_from_the_states_before_them() -> None:
    commits = [commit(5, a="1"), *(commit(6, begun=True, b=at) for at in "123")]
    assert states(*commits, compacted={2}, dropped={2}) == Stored(
        {"C1": {"a": b"1"}}, whole=5, place=6, begun=True
    )


def test_what_somebody_else_wrote_behind_the_newest_commit_is_held_against_the_fold() -> None:
    theirs = commit(None, a="damaged")
    assert states(commit(4, a="1"), theirs, compacted={1}) == Stored(
        {"C1": {"a": b"damaged"}}, whole=4, place=4
    )


def test_a_changelog_that_was_compacted_before_it_was_read_says_how_far_it_is_by_what_follows() -> None:
    commits = [commit(4, begun=True, a="1"), commit(5, b="2"), commit(6, c="3"), commit(6, begun=True, d="4")]
    assert states(*commits, compacted={0, 1}) == Stored(
        {"C1": {"a": b"1", "b": b"2", "c": b"3"}}, whole=6, place=6, begun=True
    )


def test_commits_that_do_not_say_their_place_are_all_taken() -> None:
    assert states(commit(None, a="1"), commit(None, a="2")) == Stored({"C1": {"a": b"2"}})

"""`bellwether dead-letters`: what a person sees of a letter, and which letters go out again, without a broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.commands import dead_letters
from streams.errors import Refused
from streams.letters import PREFIX
from streams.settings import Settings


@dataclass(frozen=True)
class Letter:
    """A record of the dead-letters topic, as confluent_kafka gives it."""

    at: int
    sent: bytes | None = b"{}"
    topic: str = "credit.invoices.v1"
    came_from: int = 2
    own: tuple[tuple[str, bytes], ...] = ()
    sent_at: int = 0

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes | None:
        return b"C-1001"

    def value(self) -> bytes | None:
        return self.sent

    def timestamp(self) -> tuple[int, int]:
        return 1, self.sent_at

    def headers(self) -> list[tuple[str, bytes]]:
        return [
            (PREFIX + "topic", self.topic.encode()),
            (PREFIX + "partition", b"%d" % self.came_from),
            (PREFIX + "offset", b"7"),
            *self.own,
        ]


@dataclass
class Queue:
    """A producer whose queue holds `room` records until it is polled."""

    room: int
    took: list[tuple[Any, ...]] = field(default_factory=list)
    held: int = 0

    def produce(
        self, topic: str, value: Any, key: Any, partition: int, headers: Any, on_delivery: Any
    ) -> None:
        if self.held >= self.room:
            raise BufferError("Local: Queue full")
        self.held += 1
        self.took.append((topic, value, key, partition, headers))

    def poll(self, _seconds: float) -> int:
        self.held = 0
        return 0

    def flush(self, _seconds: float) -> int:
        self.held = 0
        return 0

    def __len__(self) -> int:
        return self.held


def sent_again(letters: list[Letter], room: int = 10) -> tuple[list[tuple[Any, ...]], int, list[str], int]:
    queue = Queue(room)
    sent, failures, left = dead_letters._send_again(queue, letters, Settings())
    return queue.took, sent, failures, left


def test_more_letters_than_kafkas_client_holds_are_all_sent() -> None:
    letters = [Letter(n, b"%d" % n) for n in range(25)]
    took, sent, failures, left = sent_again(letters, room=4)
    assert [value for _, value, *_ in took] == [letter.sent for letter in letters]
    assert (sent, failures, left) == (25, [], 0)


def test_a_queue_that_never_empties_ends_the_command_and_what_stands_in_it_was_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dead_letters, "PATIENCE", 0.0)
    monkeypatch.setattr(Queue, "poll", lambda *_: 0)
    letters = [Letter(0, topic="credit.journal.v1"), *(Letter(n, b"%d" % n) for n in range(1, 6))]
    took, _, failures, left = sent_again(letters, room=3)
    assert (len(took), len(failures), left) == (3, 1, 5)


def test_while_letters_go_out_nobody_gives_up_and_once_none_does_those_that_are_left_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(dead_letters, "time", SimpleNamespace(monotonic=lambda: now))

    def one_in_twenty_seconds(queue: Queue, _seconds: float) -> int:
        nonlocal now
        now += 20
        queue.held = max(stuck, queue.held - 1)
        return queue.held

    monkeypatch.setattr(Queue, "flush", one_in_twenty_seconds)
    letters = [Letter(n, b"%d" % n) for n in range(9)]
    for stuck in (0, 3):
        assert sent_again(letters)[3] == stuck
    assert now == 1000 + 9 * 20 + (6 + 2) * 20


def test_a_letter_goes_where_it_came_from_without_our_headers() -> None:
    letter = Letter(0, own=(("traceparent", b"00-1"), ("origin-topic", b"x")))
    history = Letter(1, topic="credit.history.v1")
    took, *_ = sent_again([letter, history])
    assert took == [
        ("credit.invoices.v1", b"{}", b"C-1001", -1, [("traceparent", b"00-1")]),
        ("credit.history.v1", b"{}", b"C-1001", 2, []),
    ]


def test_a_letter_of_no_input_topic_is_named_and_the_others_go() -> None:
    took, sent, failures, _ = sent_again([Letter(0, topic="credit.journal.v1"), Letter(1)])
    assert (len(took), sent) == (1, 1)
    assert "0/0: its origin credit.journal.v1" in failures[0]


def test_a_letter_that_names_no_partition_of_the_history_is_named_and_the_others_go() -> None:
    forged = Letter(0, topic="credit.history.v1", own=((PREFIX + "partition", b"\xff"),))
    took, sent, failures, _ = sent_again([forged, Letter(1)])
    assert (len(took), sent) == (1, 1)
    assert "0/0: it does not say from which partition" in failures[0]


def test_a_letter_without_a_value_is_named_and_the_others_go() -> None:
    took, sent, failures, _ = sent_again([Letter(0, None), Letter(1)])
    assert (len(took), sent) == (1, 1)
    assert "0/0: it has no value" in failures[0]


def test_what_came_compressed_goes_out_compressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka's limit is of what is sent: a letter of 1.5 MB of text came through it, and uncompressed would not again."""
    asked: list[dict[str, Any]] = []

    class Cluster:
        def producer(self, own: dict[str, Any]) -> Queue:
            asked.append(own)
            return Queue(10)

    monkeypatch.setattr(dead_letters, "_open", lambda: (Cluster(), Settings(), "letters", 1))
    monkeypatch.setattr(dead_letters, "read_topic", lambda *_: iter([Letter(0, b"A" * 1_500_000)]))
    assert CliRunner().invoke(dead_letters.dead_letters, ["replay", "0/0"]).exit_code == 0
    assert asked == [{"enable.idempotence": True, "compression.type": "zstd"}]


def test_a_record_that_was_refused_again_goes_out_once() -> None:
    letters = [
        Letter(0, b"a"),
        Letter(1, b"b"),
        Letter(2, b"a"),
        Letter(3, b"a", topic="credit.news.v1"),
        Letter(4, None),
    ]
    assert [letter.at for letter in dead_letters._once(letters)] == [0, 1, 3, 4]


def test_a_terminal_is_not_steered_by_what_somebody_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert dead_letters._text(b"a\x1b[2Jb\r\nc\xff") == "a�[2Jb�\nc�"


def test_a_pipe_gets_what_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert dead_letters._text(b"a\x1b[2Jb\r\n") == "a\x1b[2Jb\r\n"
    assert dead_letters._text(None) == ""


@dataclass(frozen=True)
class Kept:
    """The topic of dead letters, of one partition, and the producer that they go out by."""

    letters: tuple[Letter, ...]
    queue: Queue = field(default_factory=lambda: Queue(10))

    def producer(self, _own: dict[str, Any]) -> Queue:
        return self.queue

    def read(self, _kafka: Any, _topic: str, _partition: int = 0, until: int = 99) -> Iterator[Letter]:
        return (letter for letter in self.letters if letter.at < until)


def run(kept: Kept, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setattr(dead_letters, "_open", lambda: (kept, Settings(), "letters", 1))
    monkeypatch.setattr(dead_letters, "read_topic", kept.read)
    monkeypatch.setattr(dead_letters, "read_partitions", kept.read)
    return CliRunner().invoke(dead_letters.dead_letters, arguments)


def test_a_letter_is_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept((Letter(3, b"another"), Letter(4, b'{"type": 1}', own=(("traceparent", b"00-1"),))))
    assert run(kept, monkeypatch, "show", "0/4").output.splitlines() == [
        f"{PREFIX}topic: credit.invoices.v1",
        f"{PREFIX}partition: 2",
        f"{PREFIX}offset: 7",
        "traceparent: 00-1",
        "key: C-1001",
        '{"type": 1}',
    ]


@pytest.mark.parametrize("name", ["0/5", "1/4", "4", "0/", "/4", "0/-4", "0/4/4"])
def test_what_is_no_letter_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    refused = run(Kept((Letter(4), Letter(6))), monkeypatch, "show", name).exception
    assert isinstance(refused, Refused)
    assert "`bellwether dead-letters list`" in str(refused)
    assert ("there is no such letter" in str(refused)) == (name in ("0/5", "1/4")), (
        "the others are no names at all"
    )


def test_the_newest_letters_are_listed_with_origin_and_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    why = ((PREFIX + "exception.message", b"amount: \x1b[2J[red]"),)
    kept = Kept((Letter(2, own=why, sent_at=3_000), Letter(0, sent_at=1_000), Letter(1, sent_at=2_000)))
    told = run(kept, monkeypatch, "list", "--limit", "2").output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in told.splitlines() if "│" in line]
    assert rows == [
        ["0/1", "1970-01-01 00:00:02", "credit.invoices.v1 2/7", "?"],
        ["0/2", "1970-01-01 00:00:03", "credit.invoices.v1 2/7", "amount: �[2J[red]"],
    ]
    assert "3 dead letters" in told
    assert run(Kept(()), monkeypatch, "list").output == "no dead letters\n"


def test_letters_that_were_not_sent_are_counted_and_the_command_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = Kept((Letter(0), Letter(1, topic="credit.journal.v1"), Letter(2, b"{}")))
    told = run(kept, monkeypatch, "replay", "0/0", "0/1", "0/2")
    assert str(told.exception) == "1 of 3 letters were not sent"
    assert "not sent: 0/1: its origin" in told.output
    monkeypatch.setattr(dead_letters, "PATIENCE", 0.0)
    monkeypatch.setattr(Queue, "flush", lambda *_: 1)
    assert str(run(kept, monkeypatch, "replay", "0/0").exception) == "1 of 1 letters were not sent"


def test_all_letters_or_those_that_are_named_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept((Letter(0, b"a"), Letter(1, b"b"), Letter(2, b"a")))
    assert run(kept, monkeypatch, "replay", "--all").output == "2 letters were sent again\n"
    assert [value for _, value, *_ in kept.queue.took] == [b"a", b"b"]
    assert run(kept, monkeypatch, "replay", "0/2").output == "1 letter was sent again\n"
    for arguments in ((), ("--all", "0/2")):
        assert isinstance(run(kept, monkeypatch, "replay", *arguments).exception, Refused)
    assert len(kept.queue.took) == 3


def test_in_a_pipe_a_letter_is_one_line_with_its_whole_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    reason = "amount: '12,50' is no decimal number; " * 12
    letter = Letter(0, own=((PREFIX + "exception.message", reason.encode()),))
    told = run(Kept((letter,)), monkeypatch, "list").output
    assert [line for line in told.splitlines() if reason in line] != []

"""The control topic as those read it who ask which day it is, which policy stands, and what the book adds up to."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from agents.policy_text import load_policy, policy_hash
from streams.commands import control as commands
from streams.commands.control import rates_wanted
from streams.control import Control, day_to_tick, not_in_force
from streams.settings import Settings
from tests.rules import POLICY_TEXT

SENT_MS = 1_760_000_000_000  # 2025-10-09T08:53:20Z


def record(kind: str, **fields: Any) -> bytes:
    base = {"event_id": "e", "type": kind, "occurred_at": "2025-10-09T00:00:00Z", "source": "clock"}
    return json.dumps({**base, **fields}).encode()


def tick(day: str) -> bytes:
    return record("clock.ticked", as_of=day)


def adopted(text: str = POLICY_TEXT, policy_hash: str = "abc", **fields: Any) -> bytes:
    return record("policy.adopted", hash=policy_hash, text=text, engine="1", **fields)


def book(day: str, partition: int, exposure: str, accounts: int) -> bytes:
    return record("book.reported", as_of=day, partition=partition, exposure=exposure, accounts=accounts)


def control(*records: bytes | None) -> Control:
    said = Control()
    for raw in records:
        said.take(raw, SENT_MS)
    return said


@pytest.mark.parametrize(
    "stray", [None, b"{", b"[]", tick("2031-01-01"), tick("2025-10-12"), record("clock.ticked")]
)
def test_a_record_that_intake_refuses_does_not_stop_the_clock(stray: bytes | None) -> None:
    said = control(tick("2025-10-07"), stray)
    assert said.last_tick == date(2025, 10, 7)
    assert day_to_tick(datetime(2025, 10, 9, 1, tzinfo=UTC), ZoneInfo("UTC"), said) == date(2025, 10, 8)


def test_a_text_that_is_no_policy_leaves_the_one_before_it_in_force() -> None:
    said = control(adopted(), adopted("x = 1", "def"))
    assert (said.policy_hash, said.policy_text) == ("abc", POLICY_TEXT)
    assert control(adopted("x = 1")).first_policy_on is None


def test_the_day_of_going_live_may_come_with_the_adoption() -> None:
    assert control(adopted()).live_from is None
    assert control(adopted(live_from="2025-11-01")).live_from == date(2025, 11, 1)


@pytest.mark.parametrize(
    ("now", "ticked", "zone", "ends"),
    [
        ("2025-10-09T00:00:00+00:00", "2025-10-07", "UTC", "2025-10-08"),
        ("2025-10-09T23:59:59+00:00", "2025-10-08", "UTC", None),
        ("2025-10-09T22:30:00+00:00", "2025-10-08", "Europe/Berlin", "2025-10-09"),
        ("2025-10-12T12:00:00+00:00", "2025-10-07", "UTC", "2025-10-11"),  # the gap is stepped by the monitor
        ("2025-10-09T12:00:00+00:00", None, "UTC", None),  # the day of the first policy has not ended
        ("2025-10-10T00:00:01+00:00", None, "UTC", "2025-10-09"),
    ],
)
def test_the_newest_day_that_has_ended_is_ticked(
    now: str, ticked: str | None, zone: str, ends: str | None
) -> None:
    said = control(adopted(), *([tick(ticked)] if ticked else []))
    day = day_to_tick(datetime.fromisoformat(now), ZoneInfo(zone), said)
    assert day == (None if ends is None else date.fromisoformat(ends))


def test_without_a_policy_no_day_ends() -> None:
    assert day_to_tick(datetime(2025, 10, 9, tzinfo=UTC), ZoneInfo("UTC"), control()) is None


def test_the_book_is_summed_over_the_newest_day_that_all_partitions_have_reported() -> None:
    said = control(book("2025-10-07", 0, "10.50", 1), book("2025-10-07", 1, "20.00", 2))
    assert said.book(2) == ("30.50", 3)
    said.take(book("2025-10-08", 0, "11.00", 1), SENT_MS)
    assert said.book(2) is None, "what is two days old is no longer told"
    said.take(book("2025-10-08", 1, "5.00", 1), SENT_MS)
    said.take(book("2025-10-07", 1, "99.00", 9), SENT_MS)
    assert said.book(2) == ("16.00", 2)
    assert said.book(3) is None


@pytest.mark.parametrize(
    ("zone", "running"),
    [("UTC", "2026-03-10"), ("Pacific/Kiritimati", "2026-03-11"), ("Etc/GMT+12", "2026-03-09")],
)
def test_a_day_that_is_not_over_in_the_zone_of_the_policy_is_ended_by_hand_with_a_word(
    monkeypatch: pytest.MonkeyPatch, zone: str, running: str
) -> None:
    text = POLICY_TEXT.replace(f'time_zone = "{load_policy(POLICY_TEXT).time_zone}"', f'time_zone = "{zone}"')
    said = control(adopted(text))
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(commands, "datetime", Morning)
    monkeypatch.setattr(commands, "kafka_servers", lambda _: "127.0.0.1:1")
    monkeypatch.setattr(commands, "Kafka", FourPartitions)
    monkeypatch.setattr(commands, "read_control", lambda *_: said)
    monkeypatch.setattr(commands, "send_control", lambda _, __, *events: sent.extend(events))
    over = (date.fromisoformat(running) - timedelta(days=1)).isoformat()
    for day, word in ((over, ""), (running, f"{running} is not over in {zone}")):
        done = CliRunner().invoke(commands.tick, ["--as-of", day])
        assert f"{day} is ended" in done.stdout
        assert word in done.stderr
        assert bool(word) == bool(done.stderr)
    assert [event["as_of"] for event in sent] == [over, running]


class Morning(datetime):
    """A clock that stands on 2026-03-10, 11:00 UTC."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Morning:
        return cls(2026, 3, 10, 11, tzinfo=UTC).astimezone(tz)


class FourPartitions:
    """A Kafka of which only the journal's partitions are asked."""

    def __init__(self, *_: object) -> None: ...

    def partitions(self, topics: list[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 4)


def test_a_changed_policy_file_counts_only_once_adopted_and_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    config = Settings(_env_file=None, policy=file)
    stands = control(adopted(policy_hash=policy_hash(POLICY_TEXT)))
    file.write_text("# the same, with a comment\n" + POLICY_TEXT)
    assert not_in_force(stands, config) is None
    file.write_text(POLICY_TEXT.replace("ticks_in_a_row = 2", "ticks_in_a_row = 3"))
    assert f"`bellwether policy adopt {file}` puts that in force" in str(not_in_force(stands, config))
    assert not_in_force(stands, Settings(_env_file=None)) is None  # they name none
    assert not_in_force(control(), config) is None  # this one will be adopted
    for no_policy in ("x =", None):
        file.unlink() if no_policy is None else file.write_text(no_policy)
        assert "the settings' file is no policy" in str(not_in_force(stands, config))


def test_book_totals_in_the_base_currency_of_the_policy_before_are_not_carried_by_the_next_tick() -> None:
    in_francs = POLICY_TEXT.replace('base_currency = "USD"', 'base_currency = "CHF"')
    before = [adopted(), tick("2025-10-06"), book("2025-10-06", 0, "900.00", 9)]
    assert control(*before).book(1) == ("900.00", 9)
    assert control(*before, adopted(POLICY_TEXT + "# again", "def")).book(1) == ("900.00", 9)
    francs = [*before, adopted(in_francs, "fed")]
    assert control(*francs).book(1) is None
    late = book("2025-10-06", 0, "900.00", 9)  # of a monitor that was behind
    assert control(*francs, late).book(1) is None
    after = [tick("2025-10-07"), book("2025-10-07", 0, "700.00", 9)]
    assert control(*francs, late, *after).book(1) == ("700.00", 9)


@pytest.mark.parametrize(
    ("rates", "says"), [('"2026-01-01" = { USD = "0.92" }', "[rates];"), ("", "[rates], which has none;")]
)
def test_a_change_of_the_base_currency_asks_for_its_rates(rates: str, says: str) -> None:
    text = POLICY_TEXT.replace('base_currency = "USD"', 'base_currency = "EUR"') + f"\n{rates}\n"
    told = rates_wanted("USD", load_policy(text))
    assert told.startswith("the base currency was USD and is EUR: rates are EUR for one unit of another")
    assert says in told

"""`bellwether policy diff`: what differs between two policy files, readable at 80 columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.commands.control import policy
from tests.rules import POLICY_TEXT


def diff(tmp_path: Path, *changes: str) -> tuple[int, list[str]]:
    """The exit code and lines for the shipped policy against itself with `changes`: old, new, old, new …"""
    text = POLICY_TEXT
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    before, after = tmp_path / "before.toml", tmp_path / "after.toml"
    before.write_text(POLICY_TEXT)
    after.write_text(text)
    done = CliRunner().invoke(policy, ["diff", str(before), str(after)])
    return done.exit_code, done.output.splitlines()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("ticks_in_a_row = 2", "ticks_in_a_row = 4", "alerts.ticks_in_a_row: 2 -> 4"),
        ('time_zone = "UTC"', 'time_zone = "Asia/Tokyo"', 'time_zone: "UTC" -> "Asia/Tokyo"'),
        ("# live_from = 2026-01-01", "live_from = 2026-01-01", "live_from: absent -> 2026-01-01"),
        ("statements = false", "statements = true", "tiers.low.demands_statements: false -> true"),
        ('auto_tiers = ["low"]', "auto_tiers = []", 'approval.auto_tiers: ["low"] -> []'),
        ("half_life_days = inf", "half_life_days = 900", "news.categories.bankruptcy.half_life_days: inf -> 900"),
    ],
)  # fmt: skip
def test_a_change_is_a_line_in_the_words_of_the_file(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert diff(tmp_path, old, new) == (1, [told])


def test_of_a_long_list_it_tells_what_came_and_went(tmp_path: Path) -> None:
    assert diff(
        tmp_path, "2019-01-01, 2019-04-19", "2019-01-01, 2019-01-02, 2019-04-19", "[0, 80]", "[0, 79]"
    ) == (1, ["figures.pay_index:", "  - [0, 80]", "  + [0, 79]", "holidays.DE:", "  + 2019-01-02"])


def test_of_a_list_in_another_order_it_tells_the_order(tmp_path: Path) -> None:
    code, lines = diff(tmp_path, '"AAA", "AA+", "AA"', '"AAA", "AA", "AA+"')
    assert (code, lines[0]) == (1, "bureau.agencies.sp.classes:")
    assert lines[1].startswith('  in another order: "AAA", "AA", "AA+", "AA-"')


def test_no_line_of_a_list_is_wider_than_the_terminal(tmp_path: Path) -> None:
    french = POLICY_TEXT[POLICY_TEXT.index("FR = [") : POLICY_TEXT.index("GB = [")]
    code, lines = diff(tmp_path, french, "")
    assert code == 1
    assert lines[:2] == [
        "holidays.FR:",
        "  - 2018-01-01, 2018-04-02, 2018-05-01, 2018-05-08, 2018-05-10, 2018-05-21,",
    ]
    assert max(map(len, lines)) <= 80


def test_numbers_that_are_only_written_otherwise_are_no_difference_but_the_hash_is(tmp_path: Path) -> None:
    assert diff(tmp_path) == (0, ["no number differs"])
    code, lines = diff(tmp_path, "weight = 30", "weight = 30.0")
    assert code == 0
    assert lines == ["no number differs, but some are written otherwise (30 and 30.0): the hashes differ"]

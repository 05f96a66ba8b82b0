"""What is stored of an account is read for ever: every layout of its pulse that was ever written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.account import Pulse, Standing, wake_on

ROOT = Path(__file__).parents[2]
PIECES = {
    "account": "pulse",
    "book": "policy",
    "desk": "desk",
    "ledger_pieces": "l.head",
}  # module of agents/ -> what it has more than one format of
STATUS = ["good", "low", "1000.00", 0, None, "10.00"]


@pytest.mark.parametrize(
    ("row", "linked"),
    [
        ([1, 739000, 738999, 7, 11, 500, STATUS, "low"], None),  # the numbers of each day counted anew
        ([1, 739000, 7, 11, 500, STATUS, "low"], None),
        ([2, 739000, 7, 11, 500, STATUS, "low", "parent"], "parent"),
        ([3, 739000, 7, 11, 500, STATUS, "low", "parent", 739000], "parent"),
        ([4, 739000, 7, 11, 500, STATUS, "low", "parent", None, 2], "parent"),
    ],
)
def test_a_pulse_of_every_layout_is_read(row: list[Any], linked: str | None) -> None:
    raw = orjson.dumps(row)
    pulse = Pulse.load(raw)
    assert (pulse.wake_on, pulse.number, pulse.moved, pulse.counted) == (739000, 7, 11, 500)
    assert (pulse.status, pulse.tier, pulse.linked) == (
        Standing("good", "low", "1000.00", 0, None, "10.00"),
        "low",
        linked,
    )
    assert wake_on(raw) == 739000
    assert Pulse.load(pulse.dump()).dump() == pulse.dump()


def test_a_pulse_of_a_later_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 5: this engine reads versions 1 to 4"):
        Pulse.load(orjson.dumps([5, 739000, 7, 11, 500, STATUS, "low", None]))


def test_a_pulse_that_has_met_a_tick_is_written_as_older_engines_read_it() -> None:
    pulse = Pulse.load(orjson.dumps([3, 739000, 7, 11, 500, STATUS, "low", "parent", 739000]))
    assert pulse.not_before == 739000
    pulse.not_before = None
    assert orjson.loads(pulse.dump())[0] == 2


def test_a_pulse_says_how_many_families_were_left() -> None:
    pulse = Pulse.load(orjson.dumps([3, 739000, 7, 11, 500, STATUS, "low", "parent", 739000]))
    pulse.left = 2
    again = Pulse.load(pulse.dump())
    assert (again.left, again.linked, again.not_before) == (2, "parent", 739000)


def test_the_changelog_names_each_format_that_older_versions_refuse() -> None:
    """Whoever upgrades reads there whether there is a way back."""
    written = {
        (PIECES[path.stem], number)
        for path in ROOT.glob("agents/*.py")
        for number in map(
            int, re.findall(r"^_?\w*VERSION(?:: Final)? = (\d+)", path.read_text(), re.MULTILINE)
        )
        if number > 1
    }
    changelog = (ROOT / "CHANGELOG.md").read_text()
    _, _, section = changelog.partition("### Formats of states\n")
    told = re.findall(r"`([\w.]+)` (\d+):", section.partition("\n### ")[0])
    assert {(piece, int(number)) for piece, number in told} == written

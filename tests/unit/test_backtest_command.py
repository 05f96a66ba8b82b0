"""`bellwether backtest` over a small simulated book: two policies, a truth, a picture, tables and JSON."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from streams.commands.backtest import backtest
from streams.control import policy_adopted
from streams.errors import Refused
from streams.simulate import truth_path, write_book

ROOT = Path(__file__).parents[2]
DEFAULT, QUIET = (ROOT / "deploy" / name for name in ("policy.toml", "policy-quiet.toml"))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("book") / "book.jsonl"
    write_book(path, 6, 7, 7)
    return path


def run(book: Path, *options: str | Path) -> Result:
    done = CliRunner().invoke(backtest, ["--events", str(book), "--policy", str(DEFAULT), *map(str, options)])
    assert done.exit_code == 0, done.output
    return done


def told(book: Path, *options: str | Path) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(run(book, "--json", *options).stdout)
    return answer


def test_two_policies_are_judged_beside_one_another_in_json(book: Path, tmp_path: Path) -> None:
    picture = tmp_path / "judgement.svg"
    answer = told(book, "--against", QUIET, "--truth", truth_path(book), "--picture", picture)
    quality, against = answer["quality"], answer["against"]
    assert {
        "recall",
        "precision",
        "median_lead_days",
        "alerts_per_week_per_500",
        "by_trigger",
    } <= quality.keys()
    assert isinstance(quality["sound_cuts"], int)  # the proposals were looked at
    opened = {alert["alert_id"]: alert for alert in answer["alerts"] if alert["status"] == "opened"}
    assert against["alerts_lost"], "the quiet policy loses alerts"
    assert set(against["alerts_lost"]) <= opened.keys()
    assert len(against["alerts_lost"]) + against["alerts_kept"] == len(opened)
    assert set(against["accounts_lost"]) == {opened[lost]["account_id"] for lost in against["alerts_lost"]}
    assert all(told["account_name"] for told in against["lost"])
    assert against["quality"]["alerts_per_week_per_500"] < quality["alerts_per_week_per_500"]
    root = ET.fromstring(picture.read_text(encoding="utf-8"))
    assert any("book.jsonl under policy.toml" in (text.text or "") for text in root.iter())


def test_the_tables_fit_80_columns(book: Path) -> None:
    shown = run(book, "--against", QUIET, "--truth", truth_path(book)).output
    assert max(len(line) for line in shown.splitlines()) <= 80
    for words in (
        "Against the truth",
        "policy-quiet.toml",
        "By what became of them",
        "Alerts lost, gravest first",
    ):
        assert words in shown


def test_a_policy_against_itself_changes_nothing(book: Path) -> None:
    against = told(book, "--against", DEFAULT)["against"]
    assert (against["alerts_gained"], against["alerts_lost"], against["limits"]) == ([], [], [])
    assert "quality" not in against  # no truth was given


def refused(book: Path, *options: str | Path) -> str:
    done = CliRunner().invoke(backtest, ["--events", str(book), *map(str, options)])
    assert isinstance(done.exception, Refused), done.output
    return str(done.exception)


def test_a_second_policy_that_is_none_is_refused_before_the_book_is_folded(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who compares two policies over years of events heard of it after the first hour."""
    monkeypatch.setattr(
        "streams.commands.backtest.run_sharded", lambda *_, **__: pytest.fail("it was folded")
    )
    assert "cannot read" in refused(book, "--against", tmp_path / "none.toml")
    (tmp_path / "torn.toml").write_text("x =")
    assert "torn.toml" in refused(book, "--against", tmp_path / "torn.toml")


def rewritten(book: Path, to: Path, **names: str) -> Path:
    """The book with other names in its text, and its truth beside it."""
    for path in (book, truth_path(book)):
        text = path.read_text()
        for old, new in names.items():
            text = text.replace(f'"{old}"', f'"{new}"')
        (truth_path(to) if path != book else to).write_text(text)
    return to


def test_brackets_in_names_are_shown_as_they_are(book: Path, tmp_path: Path) -> None:
    """Tables take `[/b]` for a mark of theirs: it ended in a fault of ours, and `[eu]` was left out."""
    name = orjson.loads(book.read_bytes().split(b"\n")[0])["name"]
    odd = rewritten(book, tmp_path / "book.jsonl", **{name: "[/b] Ltd", "prompt": "[/x]"})
    policy = tmp_path / "[eu].toml"
    policy.write_text(QUIET.read_text())
    shown = run(odd, "--against", policy, "--truth", truth_path(odd)).output
    assert "[eu].toml" in shown
    assert "[/x]" in shown


def test_a_truth_of_another_book_is_refused(book: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"account_id": "X", "bad": false}\n')
    assert "is it of another book?" in refused(book, "--truth", other)


def test_accounts_that_only_one_of_truth_and_book_has_are_said(book: Path, tmp_path: Path) -> None:
    lines = truth_path(book).read_text().splitlines()
    half = tmp_path / "half.jsonl"
    half.write_text("\n".join([*lines[:1], '{"account_id": "X", "bad": false}']) + "\n")
    shown = " ".join(run(book, "--truth", half).output.split())
    assert "1 accounts of the truth have no event in book.jsonl: they count as without alerts." in shown
    assert "more alerts are on accounts that the truth does not name: not judged." in shown


def test_a_pipe_is_refused_because_it_is_read_more_than_once(book: Path, tmp_path: Path) -> None:
    """The look for ticks took the first lines of it, and the fold began in the middle without a word."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "is a pipe" in refused(pipe)


def test_a_picture_without_a_truth_is_refused(book: Path, tmp_path: Path) -> None:
    arguments = ["--events", str(book), "--picture", str(tmp_path / "x.svg")]
    done = CliRunner().invoke(backtest, arguments)
    assert isinstance(done.exception, Refused)
    assert "--truth" in str(done.exception)


def test_a_picture_that_can_not_be_written_is_refused_in_one_sentence(book: Path, tmp_path: Path) -> None:
    arguments = ["--events", str(book), "--truth", str(truth_path(book))]
    done = CliRunner().invoke(backtest, [*arguments, "--picture", str(tmp_path / "none" / "x.svg")])
    assert isinstance(done.exception, Refused)
    assert "can not be written" in str(done.exception)


@pytest.mark.parametrize("name", ["judgement.png", "judgement", "no/such/judgement.svg"])
def test_a_picture_that_can_not_be_is_refused_before_the_work(
    book: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_work(*_: object, **__: object) -> None:
        raise AssertionError("the backtest was run first")

    monkeypatch.setattr("streams.commands.backtest.run_sharded", no_work)
    options = ["--events", str(book), "--truth", str(truth_path(book)), "--picture", str(tmp_path / name)]
    done = CliRunner().invoke(backtest, options)
    assert isinstance(done.exception, Refused), done.output


def test_refused_lines_are_in_the_json_also_where_no_line_is_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"type": "invoice.isued"}\n\n[1]\n', encoding="utf-8")
    answer = told(path)
    assert answer["events"] == 0
    assert [letter["line"] for letter in answer["dead_letters"]] == [1, 3]


def test_a_policy_in_the_file_is_refused_and_the_one_that_was_asked_for_judges(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    adopted = policy_adopted(QUIET.read_text(), "other", "1", datetime(2026, 1, 1, tzinfo=UTC))
    path.write_bytes(orjson.dumps(adopted))
    (letter,) = told(path)["dead_letters"]
    assert letter["reason"] == "type: policy.adopted does not belong in a backfill"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "it holds no event of an account; a ledger becomes events by `bellwether import`"),
        ("Customer,Invoice\nC1,1\n", "it holds no event of an account; line 1: the value: not JSON"),
    ],
)
def test_a_file_without_an_event_is_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(content, encoding="utf-8")
    done = CliRunner().invoke(backtest, ["--events", str(path), "--policy", str(DEFAULT)])
    assert isinstance(done.exception, Refused), done.output
    assert says in str(done.exception)

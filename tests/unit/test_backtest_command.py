"""`bellwether backtest` over a small simulated book: two policies, a truth, a picture, tables and JSON."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from streams.commands.backtest import backtest
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

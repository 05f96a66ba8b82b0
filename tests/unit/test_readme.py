"""The README says what is true of the code: commands, options, tables, examples. No services are needed for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from schemas.events import parse
from streams.settings import DEV_PORTS, Settings
from tests import readme
from tests.compose import COMPOSE

TEXT = readme.README.read_text(encoding="utf-8")


def test_every_command_of_the_readme_is_run_or_checked() -> None:
    assert readme.untested(TEXT) == []


def test_every_tested_command_stands_in_the_readme_once() -> None:
    tested = [*readme.RUN_ALONE, *readme.RUN_ON_SERVICES, *readme.CHECKED_ONLY]
    assert len(tested) == len(set(tested))
    assert sorted(readme.commands(TEXT)) == sorted(tested)


@pytest.mark.parametrize("command", readme.commands(TEXT))
def test_a_command_exists_as_it_is_written(command: str) -> None:
    assert readme.fault(command) is None


@pytest.mark.parametrize("command", sorted({*readme.inline_commands(TEXT)}))
def test_a_command_that_the_text_names_exists(command: str) -> None:
    assert readme.fault(command, named_only=True) is None


@pytest.mark.parametrize(
    "command",
    [
        "make coffee",
        "bellwether predict",
        "bellwether import",
        "bellwether import ledger.csv --yearly",
        "bellwether worker --only pages",
        "bellwether policy guess a.toml",
        "export BELLWETHER_BROKERS=kafka://a:9092",
        "faust -A streams.nothing worker",
        "cp .env.sample .env",
        "docker compose up --build --wait bellwether",
        "deploy/docker/verify.sh",
        "curl example.org",
    ],
)
def test_the_checker_finds_what_does_not_exist(command: str) -> None:
    assert readme.fault(command) is not None


def test_the_checker_finds_a_command_that_nobody_tests() -> None:
    planted = f"{TEXT}\n```bash\nbellwether status        # fine\nbellwether import other.csv\n```\n"
    assert readme.untested(planted) == ["bellwether import other.csv"]


def test_it_opens_with_the_two_commands() -> None:
    assert readme.commands(TEXT)[:2] == ["make demo", "make test"]


def test_the_commands_that_need_no_services_do_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "deploy").symlink_to(readme.ROOT / "deploy")
    (tmp_path / "ledger.csv").write_text(readme.blocks(TEXT, "csv")[0])
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    said = {}
    for command in (c for c in readme.commands(TEXT) if c in readme.RUN_ALONE):
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env={**os.environ, "PATH": paths},
            capture_output=True,
            text=True,
        )
        assert done.returncode == readme.RUN_ALONE[command], f"{command}: {done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        said[command] = done
    dry = said["bellwether import ledger.csv --dry-run"]
    assert "ledger.csv:6: Invoice Date: '2026-03-32'" in dry.stderr
    assert "5, 1 of them refused" in dry.stdout
    told = orjson.loads(said["bellwether backtest --events ledger.jsonl --json"].stdout)
    assert set(told["accounts"]) == {"C-1001", "C-1002"}
    assert any(a["account_id"] == "C-1001" for a in told["alerts"]), "the example ledger shows an alert"
    why = said["bellwether explain 6cecf6d4 --events book.jsonl"].stdout
    assert "Invoices are more than 90 days past due" in why
    assert "paid on the invoices 91 or more days past due" in why
    why_not = said["bellwether explain --why-not C000001 payment_drift --events book.jsonl"].stdout
    assert "The smallest change that would make it fire" in why_not
    diff = said["bellwether policy diff deploy/policy.toml stricter.toml"]
    assert diff.stdout == "alerts.ticks_in_a_row: 2 -> 3\n"


def test_the_table_of_topics_is_the_codes() -> None:
    assert readme.section(TEXT, "topics") == readme.topics_table(), "run: python -m tests.readme"


def test_the_table_of_settings_is_the_codes() -> None:
    shown = readme.cells(readme.section(TEXT, "settings"))
    names = [name.strip("`") for name, _, _ in shown]
    assert sorted(names) == sorted(readme.settings_defaults()), "each of them once"
    assert dict(zip(names, (row[1] for row in shown), strict=True)) == readme.settings_defaults()
    assert all(text for _, _, text in shown)
    assert [name for name in DEV_PORTS if f"`{name}`" not in TEXT] == []


def test_what_the_containers_are_handed_of_the_settings_file_is_said() -> None:
    handed = set(re.findall(r"\$\{(BELLWETHER_\w+)", COMPOSE.read_text(encoding="utf-8")))
    said = re.search(r"Of `\.env` they are handed\s(.+?) alone", TEXT, re.DOTALL)
    assert said is not None
    assert set(re.findall(r"`(\w+)`", said[1])) == handed


def test_the_settings_file_to_start_from_is_sound() -> None:
    example = readme.ROOT / ".env.example"
    lines = [line.removeprefix("# ") for line in example.read_text().splitlines() if "BELLWETHER_" in line]
    assert [readme.fault(f"export {line}") for line in lines] == [None] * len(lines)
    assert Settings(_env_file=example).broker.startswith("kafka://")


def test_json_examples_are_events_that_intake_takes() -> None:
    assert [parse(text.encode()).type for text in readme.blocks(TEXT, "json")] == ["invoice.issued"]


def test_pictures_and_files_that_it_names_are_there() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", TEXT)
    assert len(pictures) == 3
    named = re.findall(r"`((?:schemas|agents|streams|deploy|tests)/[\w./-]*|LICENSE|\.env\.example)`", TEXT)
    missing = [name for name in [*pictures, *named] if not (readme.ROOT / name).exists()]
    assert missing == []


def test_pictures_load_nothing_from_elsewhere() -> None:
    pictures = sorted((readme.ROOT / "deploy" / "pictures").glob("*.svg"))
    assert [picture.name for picture in pictures] == ["flow.svg", "terminal.svg"]
    for picture in pictures:
        assert "url(http" not in picture.read_text().replace('"', ""), picture.name

"""README.md taken apart: its fenced blocks, commands and tables, and the table that says how each command is tested.

No test lives here. `python -m tests.readme` writes the table of topics into the README anew.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import click

from schemas.topics import TOPICS, Topic
from streams.cli import cli
from streams.commands.worker import APPS, PAGE
from streams.settings import Settings
from tests.compose import COMPOSE

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"

# Run by tests/unit/test_readme.py in the README's order, in a folder of their own: command -> exit code.
RUN_ALONE = {
    "bellwether import ledger.csv --dry-run": 0,
    "bellwether import ledger.csv --to ledger.jsonl": 0,
    "bellwether simulate --accounts 10 --months 12 --seed 7 --to book.jsonl": 0,
    "bellwether backtest --events book.jsonl --truth book.truth.jsonl": 0,
    "bellwether backtest --events ledger.jsonl --json": 0,
    "bellwether explain 6cecf6d4 --events book.jsonl": 0,
    "bellwether explain --why-not C000001 payment_drift --events book.jsonl": 0,
    "sed 's/^ticks_in_a_row = 2/ticks_in_a_row = 3/' deploy/policy.toml > stricter.toml": 0,
    "bellwether policy check stricter.toml": 0,
    "bellwether policy diff deploy/policy.toml stricter.toml": 1,
    "bellwether backtest --events book.jsonl --against stricter.toml": 0,
    "bellwether schemas --check": 0,
}
# Run by tests/integration/test_readme_services.py, in this order, on real services: command -> exit code.
RUN_ON_SERVICES = {
    "bellwether topics --create": 0,
    "bellwether topics": 0,
    "bellwether migrate": 0,
    "bellwether migrate --check": 0,
    "bellwether worker": 0,  # in the background, under the commands that follow
    "bellwether import ledger.csv": 0,
    "bellwether audit": 0,
    "bellwether explain --why-not C-1001 payment_drift": 0,
    "bellwether rebuild --into anew": 0,
    "bellwether rebuild --into wide --partitions 24": 0,
    "bellwether tick": 0,
    "bellwether policy adopt stricter.toml": 0,
    "bellwether status": 0,
    "bellwether dead-letters list": 0,
    "bellwether dead-letters show 0/0": 0,
    "bellwether dead-letters replay 0/0": 0,
}
# Too long, or made for people's shells: they must exist as they are written, options included.
CHECKED_ONLY = (
    "make demo",
    "make test",
    "make setup",
    ". .venv/bin/activate",
    "bellwether simulate --accounts 2000 --months 24 --seed 5011 --to judged.jsonl",
    "bellwether backtest --events judged.jsonl --truth judged.truth.jsonl --against deploy/policy-quiet.toml"
    " --picture judged.svg",
    "bellwether dev",
    "bellwether worker --only monitor",
    "bellwether worker --only web",
    "export BELLWETHER_TOKENS=ann:manager:her-secret,bob:analyst:his-secret",
    "faust -A streams.monitor worker",
    "cp .env.example .env",
    "docker compose up --build --wait",
    "deploy/docker/check.sh",
    "export BELLWETHER_BROKER=kafka://broker-1:9092,broker-2:9092",
    "export BELLWETHER_STORE=clickhouse://bellwether:secret@clickhouse:8123/bellwether",
)


def blocks(markdown: str, language: str) -> list[str]:
    """The texts of the fenced blocks of a language, in order."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", markdown, re.MULTILINE | re.DOTALL)
    return [text for name, text in found if name == language]


def commands(markdown: str) -> list[str]:
    """Each command of the bash blocks, in order, without its comment."""
    lines = [line for block in blocks(markdown, "bash") for line in block.splitlines()]
    return [stripped for line in lines if (stripped := re.sub(r"(^|\s+)#.*$", "", line).strip())]


def inline_commands(markdown: str) -> list[str]:
    """The `bellwether …` and `make …` commands in running text, as they stand between backticks."""
    prose = re.sub(r"^```.*?^```$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`((?:bellwether|make) [^`]*)`", prose)


def untested(markdown: str) -> list[str]:
    """The commands of bash blocks that no table here names."""
    known = {*RUN_ALONE, *RUN_ON_SERVICES, *CHECKED_ONLY}
    return [command for command in commands(markdown) if command not in known]


def fault(command: str, *, named_only: bool = False) -> str | None:
    """Why a command cannot work as it is written: no such target, command, option, setting or module. None: it exists.

    `named_only`: running text may name a command without what it must be given.
    """
    words = shlex.split(command)
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return next((f"make has no target {word}" for word in words[1:] if word not in targets), None)
    if words[0] == "bellwether":
        return _bellwether(words[1:], named_only)
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        field = name.removeprefix("BELLWETHER_").lower()
        if not name.startswith("BELLWETHER_") or field not in Settings.model_fields:
            return f"there is no setting {name}"
        Settings.model_validate({field: value})
        return None
    if words[0] == "faust":
        return None if words[1:] in (["-A", APPS[app], "worker"] for app in APPS) else "there is no such app"
    if words[0] == "cp":
        return None if (ROOT / words[1]).is_file() else f"there is no {words[1]}"
    if words[:2] == ["docker", "compose"]:
        return (
            None if COMPOSE.is_file() and words[2:] == ["up", "--build", "--wait"] else "not as it was read"
        )
    if words[0].startswith("deploy/"):
        return None if os.access(ROOT / words[0], os.X_OK) else f"{words[0]} is no program"
    if words == [".", ".venv/bin/activate"] or words[0] == "sed":
        return None
    return f"nothing here knows how to check {words[0]}"


def _bellwether(words: list[str], named_only: bool) -> str | None:
    group: click.Command = cli
    context = click.Context(cli, info_name="bellwether")
    try:
        while isinstance(group, click.Group) and words:
            name, *words = words
            found = group.get_command(context, name)
            if found is None:
                return f"there is no command {name}"
            group, context = found, click.Context(found, info_name=name, parent=context)
        if isinstance(group, click.Group):
            return None
        context = group.make_context(group.name, list(words), parent=context.parent)
    except click.MissingParameter as error:
        return None if named_only else error.format_message()
    except click.ClickException as error:
        return error.format_message()
    only = context.params.get("only")
    return None if only is None or set(only.split(",")) <= {*APPS, PAGE} else f"there is no worker {only}"


def section(markdown: str, name: str) -> str:
    """What stands between <!-- name --> and <!-- /name -->."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", markdown, re.DOTALL)
    assert found is not None, f"the README has no section {name}"
    return found[1]


def cells(table: str) -> list[list[str]]:
    """The rows of a table, without its head."""
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def topics_table() -> str:
    """The table of topics as the README shows it."""
    lines = ["| topic | what is in it | written by | read by | key | kept |", "|---|---|---|---|---|---|"]
    for topic in TOPICS.values():
        private = " (private)" if topic.private else ""
        name = f"`{topic.name}`{private}"
        row = (name, topic.purpose, topic.writer, topic.readers, topic.key, _kept(topic))
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def _kept(topic: Topic) -> str:
    if topic.cleanup == "compact":
        return "newest by key"
    return "for ever" if topic.retention_ms < 0 else f"{topic.retention_ms // 86_400_000} days"


def settings_defaults() -> dict[str, str]:
    """Variable -> its default as the README writes it; empty where there is none."""
    return {
        f"BELLWETHER_{name.upper()}": f"`{_as_set(field.default)}`"
        if field.default not in ("", None, {}, ())
        else ""
        for name, field in Settings.model_fields.items()
    }


def _as_set(default: object) -> str:
    if isinstance(default, dict):
        return ",".join(f"{key}={value}" for key, value in default.items())
    return str(default)


if __name__ == "__main__":
    written = README.read_text(encoding="utf-8")
    before, after = "<!-- topics -->\n", "<!-- /topics -->"
    old = f"{before}{section(written, 'topics')}{after}"
    README.write_text(written.replace(old, f"{before}{topics_table()}{after}"), encoding="utf-8")

"""`bellwether backtest`: the monitor's fold over a file, and what it would have said."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson
from rich.box import SIMPLE_HEAD
from rich.table import Table

from streams import comparison, quality, quality_table
from streams.backtest import Result
from streams.commands.options import bytes_bar, full_width, settings
from streams.commands.policies import policy_of
from streams.errors import Refused
from streams.quality_picture import picture as draw
from streams.shards import run_sharded

_NAMED = 20  # accounts of each kind that a terminal shows


@click.command()
@click.option(
    "--events",
    required=True,
    type=click.Path(path_type=Path),
    help="A file of events, one JSON object a line.",
)
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="The policy to judge by.")
@click.option("--against", type=click.Path(path_type=Path), help="A second policy: what would it change?")
@click.option(
    "--truth", type=click.Path(path_type=Path), help="What became of the accounts (`bellwether simulate`)."
)
@click.option(
    "--picture", type=click.Path(path_type=Path), help="Draw the judgement into an .svg file; needs --truth."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of tables.")
def backtest(
    events: Path,
    policy_file: Path | None,
    against: Path | None,
    truth: Path | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Fold EVENTS as the monitor would, without a broker: the same alerts and proposals, id for id."""
    if picture is not None and truth is None:
        raise Refused("--picture draws a judgement: say with --truth what became of the accounts")
    if picture is not None:
        _writable(picture)
    events = _itself(events)
    truths = quality.read_truths(truth) if truth is not None else None
    text = _policy(policy_file)
    against_text = _policy(against) if against is not None else None  # told before the first is folded
    result = _run(events, text)
    # Who asks for JSON finds the refused lines in it, all of them.
    if not result.events and not (as_json and result.dead_letters):
        first = (
            f"; line {result.dead_letters[0]['line']}: {result.dead_letters[0]['reason']}"
            if result.dead_letters
            else ""
        )
        raise Refused(
            f"{events}: it holds no event of an account{first}; a ledger becomes events by `bellwether import`"
        )
    absent = sum(str(of["account_id"]) not in result.accounts for of in truths or ())
    if truths is not None and absent == len(truths):
        raise Refused(f"--truth {truth}: no account of {events} is in it; is it of another book?")
    other = _run(events, against_text) if against_text is not None else None
    judged = quality.judge(truths, result.alerts, result.proposals) if truths is not None else None
    rejudged = (
        quality.judge(truths, other.alerts, other.proposals)
        if truths is not None and other is not None
        else None
    )
    if picture is not None and judged is not None:
        _draw(picture, judged, f"{events.name} under {_name(policy_file)}")
    change = (
        None
        if other is None
        else comparison.compare(result.alerts, result.proposals, other.alerts, other.proposals)
    )
    if as_json:
        answer = _answer(result)
        if judged is not None:
            answer["quality"] = quality.as_dict(judged)
        if change is not None:
            answer["against"] = comparison.as_dict(change)
            if rejudged is not None:
                answer["against"] |= {"quality": quality.as_dict(rejudged)}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        return
    console = full_width(markup=False)  # names of customers and files may hold brackets
    console.print(_by_trigger(result))
    if judged is not None:
        console.print(quality_table.table(judged))
        if absent:
            console.print(
                f"{absent:,} accounts of the truth have no event in {events.name}: they count as without alerts."
            )
    if change is not None:
        names = (_name(policy_file), _name(against))
        console.print(comparison.table(change, names, _NAMED))
        if judged is not None and rejudged is not None:
            console.print(quality_table.beside(judged, rejudged, names))
    console.print(
        f"{result.events:,} events, {len(result.accounts):,} accounts, {len(result.alerts):,} alert transitions, "
        f"{len(result.proposals):,} proposal transitions, {len(result.dead_letters):,} dead letters"
    )
    for letter in result.dead_letters[:5]:
        console.print(f"line {letter['line']}: {letter['reason']}")
    if len(result.dead_letters) > 5:
        console.print(f"… and {len(result.dead_letters) - 5:,} more; --json lists them all")


def _itself(events: Path) -> Path:
    """The file itself, of `--events /dev/stdin < book.jsonl`: the processes that fold have another standard input."""
    return events.resolve() if str(events).startswith(("/dev/", "/proc/")) and events.is_file() else events


def _name(policy_file: Path | None) -> str:
    """A policy in the head of a column."""
    return policy_file.name if policy_file is not None else "policy in force"


def _writable(to: Path) -> None:
    """Told before the work, not after it."""
    if to.suffix.lower() != ".svg":
        raise Refused(f"--picture {to}: the picture is an SVG; let its name end in .svg")
    if not to.parent.is_dir():
        raise Refused(f"--picture {to}: can not be written (there is no folder {to.parent})")


def _draw(to: Path, judged: quality.Quality, title: str) -> None:
    try:
        to.write_text(draw(judged, title), encoding="utf-8")
    except OSError as error:
        raise Refused(f"--picture {to}: can not be written ({error.strerror})") from error


def _policy(file: Path | None) -> str:
    return policy_of(settings(policy=file))[1]


def _run(events: Path, policy: str) -> Result:
    try:
        size = events.stat().st_size
    except OSError as error:
        raise Refused(f"cannot read {events}: {error.strerror}") from error
    with bytes_bar() as bar:
        task = bar.add_task("backtest", total=size)
        return run_sharded(
            events,
            policy,
            namespace=settings().namespace,
            progress=lambda read: bar.update(task, completed=read),
        )


def _answer(result: Result) -> dict[str, Any]:
    return {
        "events": result.events,
        "alerts": result.alerts,
        "proposals": result.proposals,
        "accounts": result.accounts,
        "dead_letters": result.dead_letters,
    }


def _by_trigger(result: Result) -> Table:
    shown = Table(title="Alerts by trigger", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("trigger", "opened", "escalated", "cleared", "accounts"):
        shown.add_column(name, justify="left" if name == "trigger" else "right")
    triggers = sorted({a["trigger"] for a in result.alerts})
    for trigger in triggers:
        mine = [a for a in result.alerts if a["trigger"] == trigger]
        counts = [sum(a["status"] == status for a in mine) for status in ("opened", "escalated", "cleared")]
        shown.add_row(trigger, *(f"{n:,}" for n in counts), f"{len({a['account_id'] for a in mine}):,}")
    return shown

"""`bellwether backtest`: the monitor's fold over a file, and what it would have said."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson
from rich.console import Console
from rich.table import Table

from agents.policy import PolicyError
from streams.backtest import Result, run
from streams.commands.options import bytes_bar, settings
from streams.errors import Refused
from streams.quality import as_dict, judge, read_truths, table
from streams.settings import policy_text


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
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout instead of tables.")
def backtest(
    events: Path, policy_file: Path | None, against: Path | None, truth: Path | None, as_json: bool
) -> None:
    """Fold EVENTS as the monitor would, without a broker: the same alerts and proposals, id for id."""
    result = _run(events, policy_file)
    other = _run(events, against) if against is not None else None
    truths = read_truths(truth) if truth is not None else None
    quality = judge(truths, result.alerts) if truths is not None else None
    if as_json:
        answer = _answer(result)
        if quality is not None:
            answer["quality"] = as_dict(quality)
        if other is not None:
            answer["against"] = _compare(result, other)
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        return
    console = Console()
    console.print(_by_trigger(result))
    if quality is not None:
        console.print(table(quality))
    if other is not None:
        change = _compare(result, other)
        console.print(
            f"against {against}: {len(change['alerts_gained'])} alerts gained, {len(change['alerts_lost'])} lost; accounts "
            f"gained: {', '.join(change['accounts_gained'][:20]) or 'none'}; lost: "
            f"{', '.join(change['accounts_lost'][:20]) or 'none'}"
        )
    console.print(
        f"{result.events:,} events, {len(result.accounts):,} accounts, {len(result.alerts):,} alert transitions, "
        f"{len(result.proposals):,} proposal transitions, {len(result.dead_letters):,} dead letters"
    )
    for letter in result.dead_letters[:5]:
        console.print(f"line {letter['line']}: {letter['reason']}", markup=False)
    if len(result.dead_letters) > 5:
        console.print(f"… and {len(result.dead_letters) - 5:,} more; --json lists them all")


def _run(events: Path, policy_file: Path | None) -> Result:
    config = settings(policy=policy_file)
    text = policy_text(config)
    try:
        size = events.stat().st_size
    except OSError as error:
        raise Refused(f"cannot read {events}: {error.strerror}") from error
    with bytes_bar() as bar:
        task = bar.add_task("backtest", total=size)
        try:
            return run(
                events,
                text,
                namespace=config.namespace,
                progress=lambda read: bar.update(task, completed=read),
            )
        except PolicyError as error:
            raise Refused(f"{config.policy or 'the shipped policy'}: {error}") from error


def _answer(result: Result) -> dict[str, object]:
    return {
        "events": result.events,
        "alerts": result.alerts,
        "proposals": result.proposals,
        "accounts": result.accounts,
        "dead_letters": result.dead_letters,
    }


def _compare(result: Result, other: Result) -> dict[str, list[str]]:
    """What the second policy opens that the first does not, and the other way round; episodes are matched by id."""
    mine = {a["alert_id"]: a["account_id"] for a in result.alerts if a["status"] == "opened"}
    theirs = {a["alert_id"]: a["account_id"] for a in other.alerts if a["status"] == "opened"}
    return {
        "alerts_gained": sorted(theirs.keys() - mine.keys()),
        "alerts_lost": sorted(mine.keys() - theirs.keys()),
        "accounts_gained": sorted(set(theirs.values()) - set(mine.values())),
        "accounts_lost": sorted(set(mine.values()) - set(theirs.values())),
    }


def _by_trigger(result: Result) -> Table:
    shown = Table(title="Alerts by trigger", title_justify="left")
    for name, justify in (
        ("trigger", "left"),
        ("opened", "right"),
        ("escalated", "right"),
        ("cleared", "right"),
        ("accounts", "right"),
    ):
        shown.add_column(name, justify=justify)  # type: ignore[arg-type]
    triggers = sorted({a["trigger"] for a in result.alerts})
    for trigger in triggers:
        mine = [a for a in result.alerts if a["trigger"] == trigger]
        counts = [sum(a["status"] == status for a in mine) for status in ("opened", "escalated", "cleared")]
        shown.add_row(trigger, *(f"{n:,}" for n in counts), f"{len({a['account_id'] for a in mine}):,}")
    return shown

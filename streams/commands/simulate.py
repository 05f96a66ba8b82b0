"""`bellwether simulate`: a seeded book of events in a file, and the truth about it in a second one.

How the book is made stands in streams/simulate.py; here are the flags, the progress bar and the answer.
"""

from __future__ import annotations

import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streams.simulate import span, truth_path, write_book


@click.command()
@click.option(
    "--accounts", type=click.IntRange(1, 999_999), required=True, help="How many customer accounts."
)
@click.option("--months", type=click.IntRange(1, 240), required=True, help="How many months the book covers.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Same seed, same bytes.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="FILE.jsonl; the truth goes to FILE.truth.jsonl beside it.",
)
def simulate(accounts: int, months: int, seed: int, to: Path) -> None:
    """A seeded book of events, and the truth beside it."""
    beside = truth_path(to)
    first, last = span(months)
    began = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("days"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("simulating", total=(last - first).days + 1)
        events, bad = write_book(to, accounts, months, seed, on_day=lambda: progress.advance(task))
    seconds = time.monotonic() - began
    click.echo(f"{events:,} events of {accounts:,} accounts from {first} to {last} in {seconds:.1f} s: {to}")
    click.echo(f"{bad:,} of them turn bad; the truth: {beside}")

"""What several commands share: settings with one sentence for a mistake in them, and a progress bar on stderr."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from streams.errors import Refused
from streams.settings import Settings


def settings(**flags: Any) -> Settings:
    """The settings, flags first (None: not given). Raises Refused naming the variable and what it should hold."""
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        reason = first["msg"].removeprefix("Value error, ")
        raise Refused(f"BELLWETHER_{name.upper()}: {reason}") from None


def progress_bar(*, transient: bool = False) -> Progress:
    """A bar with counts and times, on stderr. Where stderr is no terminal only the last line of one that
    stays is drawn."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=transient,
        disable=transient and not console.is_terminal,
    )


def bytes_bar() -> Progress:
    """A bar over bytes of a file."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )

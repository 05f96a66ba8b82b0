"""What several commands share: settings with one sentence for a mistake in them, and a progress bar on stderr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_settings import DotEnvSettingsSource
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
from streams.settings import Settings, unknown
from streams.whole import text_of

WIDE: Final = 10_000  # columns: more than any table of ours has


def settings(**flags: Any) -> Settings:
    """The settings, flags first (None: not given).

    Raises Refused naming the variable and what it should hold; one that is nearly a setting is refused too: a typo
    must not pass in silence. So is a .env file that can not be read.
    """
    if (env_file := Path(".env")).is_file():
        text_of(env_file)
    in_file = (name.upper() for name in DotEnvSettingsSource(Settings).env_vars)
    if (mistake := unknown([*os.environ, *in_file])) is not None:
        raise Refused(mistake)
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] in ("int_parsing", "int_from_float"):
            reason = "write it as a whole number"
        reason = reason.replace("Input should be ", "wanted ")
        if first["type"] == "string_pattern_mismatch":
            reason = "write it in lower-case letters, digits, - and _, at most 31 of them, not beginning with - or _"
        raise Refused(f"BELLWETHER_{name.upper()}: {reason}") from None


def full_width(*, markup: bool = True, highlight: bool = True) -> Console:
    """A console on stdout, as wide as the terminal; in a pipe or a file as wide as its tables, where nobody looks at a
    fold and a line is searched for whole."""
    console = Console(markup=markup, highlight=highlight)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDE
    return console


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

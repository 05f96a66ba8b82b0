"""An app as Faust's own command finds it (`faust -A streams.monitor worker`). What an app does is in its own module."""

from __future__ import annotations

from collections.abc import Callable

import faust

from streams.errors import Refused
from streams.settings import Settings


def app_of(build: Callable[[Settings], faust.App]) -> faust.App:
    """The app with the settings of this process. What is refused ends the process: one sentence, exit code 1.

    To be kept by the caller: Faust asks a module for its app more than once, and an app takes ports.
    """
    from streams.commands.options import settings

    try:
        return build(settings())
    except Refused as error:
        raise SystemExit(f"bellwether: {error}") from None

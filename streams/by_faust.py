"""An app as Faust's own command finds it (`faust -A streams.monitor worker`). What an app does is in its own module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust

from streams.errors import Refused
from streams.settings import Settings


def app_when_asked(
    module: dict[str, Any], build: Callable[[Settings], faust.App]
) -> Callable[[str], faust.App]:
    """The __getattr__ of a module whose `app` is made, with the settings of this process, when it is first asked for.

    It is kept in `module`: Faust asks for it more than once, and an app takes ports. What is refused ends the process: one
    sentence, exit code 1.
    """

    def attribute(name: str) -> faust.App:
        if name != "app":
            raise AttributeError(name)
        from streams.commands.options import settings

        try:
            app = module["app"] = build(settings())
        except Refused as error:
            raise SystemExit(f"bellwether: {error}") from None
        return app

    return attribute

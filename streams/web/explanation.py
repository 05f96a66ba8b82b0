"""An alert or a proposal taken apart from the journal, by `bellwether explain` in a process of its own: the page reads none.

One at a time, with an end to its patience, and the newest answers kept: a refold costs seconds of a processor.
"""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from typing import Any, Final

import orjson
from structlog import get_logger

from streams.errors import Refused
from streams.settings import OWN_COMMAND, Settings, environment

SECONDS: Final = 120.0
WAITING: Final = 4  # people at once; more are told to come again
KEPT: Final = 50
log = get_logger(__name__)


class Explanations:
    """Asks for explanations and keeps the newest, each under what it is an explanation of."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one = asyncio.Lock()
        self._waiting = 0
        self._kept: OrderedDict[tuple[str, Any], dict[str, Any]] = OrderedDict()

    async def of(self, ident: str, number: Any) -> dict[str, Any]:
        """The JSON object of `bellwether explain`. `number`: of the transitions so far, a new one asks anew.

        Raises Refused when it can not be had: the journal does not answer, does not tell of it, or too many ask.
        """
        key = (ident, number)
        if key in self._kept:
            return self._kept[key]
        if self._waiting >= WAITING:
            raise Refused("too many explanations are asked for at once")
        self._waiting += 1
        try:
            async with self._one:
                if key not in self._kept:
                    self._kept[key] = await self._explained(ident)
        finally:
            self._waiting -= 1
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    async def _explained(self, ident: str) -> dict[str, Any]:
        command = (*OWN_COMMAND, "explain", "--json", "--", ident)
        own = {**os.environ, **environment(self._settings), "BELLWETHER_TOKENS": ""}
        child = await asyncio.create_subprocess_exec(
            *command, env=own, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            out, said = await asyncio.wait_for(child.communicate(), SECONDS)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            raise Refused(f"explain: {said.decode(errors='replace').strip()[-300:]}")
        found: dict[str, Any] = orjson.loads(out)
        return found

"""Live updates by server-sent events: which topics the store has gone on with. What to show of it, the page asks anew.

One look at the store serves all browsers, and none is made while nobody watches.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

import orjson
from aiohttp import web
from structlog import get_logger

from streams.errors import Refused
from streams.web import queries
from streams.web.store import Answers

EVERY: Final = 2.0  # seconds between two looks
MOST: Final = 200  # browsers at once
log = get_logger(__name__)


class Live:
    """Who watches, and the task that looks for them."""

    def __init__(self, store: Answers, every: float = EVERY) -> None:
        self._store = store
        self._every = every
        self._watching: set[asyncio.Queue[bytes | None]] = set()
        self._task: asyncio.Task[None] | None = None

    @property
    def watching(self) -> int:
        """How many browsers watch now."""
        return len(self._watching)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """GET /live: an event `moved` with the topics that went on, a comment when nothing did."""
        if len(self._watching) >= MOST:
            raise web.HTTPServiceUnavailable(text="Too many pages are open; this one is not live.")
        # nginx, as it comes, would keep an answer back until it has a buffer full of it.
        headers = {"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=8)
        self._watching.add(queue)
        try:
            await response.prepare(request)
            await response.write(b"retry: 5000\n\n")
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._look())
            while (piece := await queue.get()) is not None:
                await response.write(piece)
        except ConnectionError:
            pass  # the browser has gone
        finally:
            self._watching.discard(queue)
        return response

    async def _look(self) -> None:
        before: dict[str, Any] | None = None
        while self._watching:
            try:
                now = {row["topic"]: row["position"] for row in await self._store.ask(queries.moved())}
                moved = sorted(t for t, at in now.items() if before is not None and before.get(t) != at)
                piece = b": nothing moved\n\n"
                if moved:
                    piece = b"event: moved\ndata: " + orjson.dumps(moved) + b"\n\n"
                before = now
            except Refused as error:
                log.warning("live updates wait", reason=str(error))
                piece = b"event: silent\ndata: []\n\n"
            for queue in self._watching:
                # A browser that does not read misses one, not all
                with contextlib.suppress(asyncio.QueueFull):
                    queue.put_nowait(piece)
            await asyncio.sleep(self._every)

    async def close(self, _app: web.Application) -> None:
        """End all streams, so that the process can."""
        for queue in list(self._watching):
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)
        if self._task is not None:
            self._task.cancel()

"""What on-call staff scrape of the page: requests, open event streams, what was asked of the store; and its two verdicts.

The table of metrics and the port are streams/metrics.py's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from aiohttp import web
from prometheus_client.core import Metric as Family

from streams.errors import Refused
from streams.metrics import Histogram, Key, families
from streams.web.queries import Question, Row, ready
from streams.web.security import Handler
from streams.web.store import Answers

EVERY: Final = 5.0  # seconds between two looks at the store
PATIENCE: Final = 10.0  # seconds until it must have answered such a look
STALL_SECONDS: Final = 60.0  # without a look
STREAM: Final = "/live"  # lasts as long as somebody watches: no latency


class Pulse:
    """Whether the page gets on and the store answers it. Told by its loop, asked from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._ails: str | None = "the store has not been asked yet"

    async def watch(self, store: Answers) -> None:
        """Look at the store again and again, until cancelled."""
        while True:
            try:
                await asyncio.wait_for(store.ask(ready()), PATIENCE)
                self._ails = None
            except TimeoutError:
                self._ails = f"the store did not answer within {PATIENCE:.0f} s"
            except Refused as error:
                self._ails = f"the store does not answer: {error}"
            self._looked = self._clock()
            await asyncio.sleep(EVERY)

    def stalled(self) -> str | None:
        """Why the page answers nobody; None: it does. A store that is away is no reason: a restart would not mend it."""
        idle = self._clock() - self._looked
        return f"the page has done nothing for {idle:.0f} s" if idle > STALL_SECONDS else None

    def unready(self) -> str | None:
        """Why the page has nothing to show now; None: the store answered when it was asked last."""
        return self.stalled() or self._ails


class PageMetrics:
    """What one page process counts, from its start on. Its loop counts; scrapes read from a thread of their own."""

    app: Final = "web"

    def __init__(self, streams: Callable[[], int]) -> None:
        self.health = Pulse()
        self._streams = streams
        self._totals: dict[Key, float] = {("bellwether_page_store_errors_total",): 0.0}
        self._histograms: dict[Key, Histogram] = {("bellwether_page_store_query_seconds",): Histogram()}

    def expect(self, routes: Iterable[str]) -> None:
        """Answers of these routes are served as 0 until there are some, as Metrics.expect() does."""
        for route in routes:
            for status in ("2xx", "5xx"):
                self._totals.setdefault(("bellwether_page_requests_total", route, status), 0.0)

    def answered(self, route: str, status: str, seconds: float) -> None:
        """A request is over."""
        self._count("bellwether_page_requests_total", route, status)
        if route != STREAM:
            key = ("bellwether_page_request_seconds", route)
            self._histograms.setdefault(key, Histogram()).add(seconds)

    def asked(self, seconds: float, failed: bool) -> None:
        """A question to the store is over."""
        self._histograms["bellwether_page_store_query_seconds",].add(seconds)
        if failed:
            self._count("bellwether_page_store_errors_total")

    def _count(self, *key: str) -> None:
        self._totals[key] = self._totals.get(key, 0.0) + 1

    def collect(self) -> Iterator[Family]:
        """All families of the table that the page serves."""
        samples = [*self._totals.copy().items(), (("bellwether_page_event_streams",), float(self._streams()))]
        return families(self.app, samples, self._histograms.copy())


class MeasuredStore:
    """The store, with what is asked of it counted. Waiting for a free connection is part of a question's time."""

    def __init__(self, store: Answers, metrics: PageMetrics) -> None:
        self._store, self._metrics = store, metrics

    async def ask(self, question: Question) -> list[Row]:
        """As the store's."""
        started, failed = time.perf_counter(), True
        try:
            rows = await self._store.ask(question)
            failed = False
            return rows
        except asyncio.CancelledError:
            failed = False  # the browser has gone
            raise
        finally:
            self._metrics.asked(time.perf_counter() - started, failed)


METRICS: Final = web.AppKey("metrics", PageMetrics)


@web.middleware
async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Counts a request by its route's template and the class of its status; `gone`: the browser left before the end."""
    started, status = time.perf_counter(), "gone"
    try:
        response = await handler(request)
        status = f"{response.status // 100}xx"
        return response
    except web.HTTPException as answer:
        status = f"{answer.status // 100}xx"
        raise
    finally:
        resource = request.match_info.route.resource
        route = "none" if resource is None else resource.canonical
        request.app[METRICS].answered(route, status, time.perf_counter() - started)

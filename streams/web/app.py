"""The web app: routes, errors, templates, and the process that serves them. What a page shows stands in pages.py.

Started by `bellwether worker --only web`; it owns no data and can be stopped at any time.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web
from structlog import get_logger

from streams.dev.processes import clickhouse_dsn, kafka_servers
from streams.errors import Refused
from streams.metrics import serve
from streams.settings import Settings
from streams.web import api, pages
from streams.web.address import url
from streams.web.decisions import Decisions, Declined
from streams.web.explanation import Explanations
from streams.web.live import EVERY, Live
from streams.web.measured import METRICS, MeasuredStore, PageMetrics, measure
from streams.web.security import ACCESS, BODY, Access, Handler, add_headers, guard
from streams.web.site import SITE, Site, render
from streams.web.store import Answers, Store

STATIC: Final = Path(__file__).with_name("static")
WAITING: Final = 128  # connections that wait until they are accepted
log = get_logger(__name__)


def application(
    settings: Settings,
    store: Answers,
    decisions: Decisions,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    every: float = EVERY,
    explain: Callable[[str, Any], Awaitable[dict[str, Any]]] | None = None,
) -> web.Application:
    """All routes. `every`: seconds between two looks for live updates; `explain`: in place of Explanations.

    Raises Refused when the settings would show the page to others without tokens.
    """
    app = web.Application(client_max_size=BODY, middlewares=[measure, errors, guard])
    app[ACCESS] = Access(settings)
    metrics = app[METRICS] = PageMetrics(lambda: live.watching)
    measured = MeasuredStore(store, metrics)
    app[SITE] = Site(measured, decisions, explain or Explanations(settings).of, now, settings.feed_days)
    live = Live(measured, every)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(live.close)
    app.router.add_get("/live", live.stream)
    app.router.add_static("/static/", STATIC, show_index=False, follow_symlinks=False)
    pages.add_routes(app.router)
    api.add_routes(app.router)
    metrics.expect(sorted({resource.canonical for resource in app.router.resources()}))
    return app


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every failure as one sentence: no path, no stack, nothing of the store's own words. What was wrong is logged."""
    allow = None
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        status, sentence = 413, f"A request may bring {BODY >> 10} KiB at most."
    except web.HTTPException as error:
        if error.status < 400:
            raise
        status, sentence = error.status, error.text or ""
        if sentence == f"{error.status}: {error.reason}":  # aiohttp's own words
            sentence = _SENTENCES.get(status, HTTPStatus(status).phrase)
        allow = {k: v for k, v in error.headers.items() if k in ("Allow", "WWW-Authenticate")}
    except Declined as error:
        status, sentence = error.status, str(error)
    except Refused as error:
        log.warning("not answered", path=request.path, reason=str(error))
        status, sentence = 503, _SENTENCES[503]
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:
        # As plain text: a renderer that shows the values of variables would put tokens into the log.
        log.error("a fault of ours", path=request.path, stack="".join(traceback.format_exception(error)))
        status, sentence = 500, _SENTENCES[500]
    return await failure(request, status, sentence, allow)


_SENTENCES: Final = {
    404: "There is nothing at this address.",
    405: "That can not be done here.",
    500: "Something went wrong with us; it is in the log of the page.",
    503: "The store or Kafka does not answer now. Try again in a moment; the command bellwether status says more.",
}


# What a page says above the sentence; programs are told HTTP's own words.
_HEADINGS: Final = {
    401: "Please sign in",
    403: "Not allowed",
    404: "Nothing here",
    405: "That can not be done here",
    409: "Not any more",
    429: "Too many tries",
    500: "Something went wrong",
    503: "No answer now",
}


async def failure(
    request: web.Request, status: int, sentence: str, headers: dict[str, str] | None = None
) -> web.Response:
    """The answer for a request that failed: problem+json (RFC 9457) for programs, a page for people."""
    if request.path.startswith("/api/"):
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "detail": sentence,
        }
        return web.Response(
            status=status, body=orjson.dumps(body), content_type="application/problem+json", headers=headers
        )
    path = request.path
    back = path.removesuffix("/decide") if request.method == "POST" and path.endswith("/decide") else ""
    heading = _HEADINGS.get(status, "That did not work")
    response = await render(
        request, "error.html", heading=heading, sentence=sentence, back=back, unknown=status == 401, bare=True
    )
    response.set_status(status)
    response.headers.update(headers or {})
    return response


def listener(settings: Settings) -> socket.socket:
    """The bound socket. Raises Refused when the address or the port can not be had."""
    host = settings.bind.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, settings.web_port))
    except (OSError, OverflowError) as error:
        made.close()
        raise Refused(
            f"the page cannot be served on {settings.bind}:{settings.web_port} "
            f"({getattr(error, 'strerror', None) or error}); set BELLWETHER_WEB_PORT or BELLWETHER_BIND"
        ) from error
    return made


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    store = Store(lambda: clickhouse_dsn(settings), settings.namespace)
    app = application(settings, store, Decisions(lambda: kafka_servers(settings), settings))
    made = listener(settings)
    serve(settings, app[METRICS])
    asyncio.run(_serve(app, made, store))
    store.close()


async def accept(runner: web.BaseRunner, made: socket.socket) -> None:
    """Serve on the bound socket.

    One connection a turn of the loop: where no file can be opened any more, asyncio tries as often as it may take
    connections, logs each, and is called again for each a second later. That is a million lines within a minute.
    """
    await web.SockSite(runner, made, backlog=1).start()
    made.listen(WAITING)


async def _serve(app: web.Application, made: socket.socket, store: Answers) -> None:
    pulse = asyncio.create_task(app[METRICS].health.watch(store))
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2, handle_signals=False)
    await runner.setup()
    await accept(runner, made)
    log.info("the page", at=url(*made.getsockname()[:2]))
    await stopped.wait()
    pulse.cancel()
    await runner.cleanup()

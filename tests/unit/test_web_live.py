"""Live updates: browsers hear of what moved, nobody watching means nobody asks, and the page can always end."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from streams import backtest
from streams.errors import Refused
from streams.settings import Settings, policy_text
from streams.simulate import generate
from streams.web import words
from streams.web.app import accept, application
from streams.web.explanation import Explanations
from streams.web.queries import Question, Row
from tests.web_kit import NOW, KeptDecisions, MemoryStore


class Moving(MemoryStore):
    """Goes on with each look; a look can be made to fail."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.fails = False

    async def ask(self, question: Question) -> list[Row]:
        self.looks += 1
        if self.fails:
            raise Refused("the store does not answer")
        return [
            {"topic": "credit.alerts.v1", "position": self.looks, "at": NOW},
            {"topic": "still", "position": 1, "at": NOW},
        ]


def watched(store: Moving, body: Callable[[TestClient[Any, Any]], Awaitable[None]]) -> None:
    async def run() -> None:
        settings = Settings(_env_file=None)
        app = application(settings, store, KeptDecisions(), lambda: NOW, every=0.01)  # type: ignore[arg-type]
        async with TestClient(TestServer(app)) as client:
            await body(client)

    asyncio.run(asyncio.wait_for(run(), 60))


async def heard(stream: Any, name: str) -> list[str]:
    """The data of the next event of that name."""
    while line := (await stream.readline()).decode():
        if line == f"event: {name}\n":
            told: list[str] = orjson.loads((await stream.readline()).decode().removeprefix("data: "))
            return told
    raise AssertionError("the stream has ended")


def test_a_browser_hears_what_moved_and_only_that() -> None:
    async def body(client: TestClient[Any, Any]) -> None:
        async with client.get("/live") as answer:
            assert answer.content_type == "text/event-stream"
            assert answer.headers["X-Accel-Buffering"] == "no", "nginx would keep it back"
            assert await heard(answer.content, "moved") == ["credit.alerts.v1"]

    watched(Moving(), body)


def test_one_look_serves_all_and_none_is_made_while_nobody_watches() -> None:
    store = Moving()

    async def body(client: TestClient[Any, Any]) -> None:
        await asyncio.sleep(0.1)
        assert store.looks == 0
        async with client.get("/live") as one, client.get("/live") as other:
            assert await heard(one.content, "moved") == await heard(other.content, "moved")
        for _ in range(200):
            before = store.looks
            await asyncio.sleep(0.1)
            if store.looks == before:
                return
        raise AssertionError("it looks on though nobody watches")

    watched(store, body)


def test_a_store_that_does_not_answer_is_told_and_watching_goes_on_after_it() -> None:
    store = Moving()

    async def body(client: TestClient[Any, Any]) -> None:
        async with client.get("/live") as answer:
            await heard(answer.content, "moved")
            store.fails = True
            assert await heard(answer.content, "silent") == []
            store.fails = False
            assert await heard(answer.content, "moved") == ["credit.alerts.v1"]

    watched(store, body)


def test_an_open_stream_does_not_keep_the_page_from_ending() -> None:
    async def run() -> None:
        app = application(Settings(_env_file=None), Moving(), KeptDecisions(), lambda: NOW)  # type: ignore[arg-type]
        client = TestClient(TestServer(app))
        await client.start_server()
        answer = await client.get("/live")
        await client.server.close()
        assert b"retry" in await answer.content.read()
        await client.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_every_alert_of_a_book_is_told_with_its_figures(tmp_path: Path) -> None:
    """The names of metrics are the rules': one that is renamed there would leave a story without its figures."""
    book = tmp_path / "book.jsonl"
    with book.open("wb") as file:
        for event in generate(25, 8, 7, date(2026, 6, 30)):
            file.write(orjson.dumps(event) + b"\n")
    alerts = backtest.run(book, policy_text(Settings(_env_file=None))).alerts
    untold = {
        alert["trigger"]
        for alert in alerts
        if alert["trigger"] in words._FACTS
        and alert["trigger"] != "insolvency"  # news may be all there is of it, and has no day of filing
        and not words.facts(alert["trigger"], alert["evidence"], alert["currency"])
    }
    assert untold == set()
    assert len({alert["trigger"] for alert in alerts}) > 8


def test_an_explanation_that_can_not_be_had_is_refused_in_its_own_words(tmp_path: Path) -> None:
    explanations = Explanations(Settings(_env_file=None, data_dir=tmp_path))
    with pytest.raises(Refused, match="no dev services run"):
        asyncio.run(explanations.of("5b7d0f0e-8a63-5a0f-9f57-6e2f3a1c9d20", 1))
    with pytest.raises(Refused, match="explain:"):
        asyncio.run(explanations.of("--events=/etc/passwd", 1))


class Exhausted(socket.socket):
    """A listening socket of a process that can open no file any more."""

    def __init__(self) -> None:
        super().__init__()
        self.tried = 0
        self.waiting: list[int] = []

    def accept(self) -> Any:
        self.tried += 1
        raise OSError(errno.EMFILE, "Too many open files")

    def listen(self, waiting: int = 0, /) -> None:
        self.waiting.append(waiting)
        super().listen(waiting)


def test_a_page_that_can_open_no_file_any_more_does_not_fill_the_disk_with_saying_so() -> None:
    asyncio.run(exhausted())


async def exhausted() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    made = Exhausted()
    made.bind(("127.0.0.1", 0))
    await accept(runner, made)
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
    with socket.create_connection(made.getsockname()):
        while not made.tried:
            await asyncio.sleep(0.01)
    assert made.tried <= 2, "until it is tried again a second later"
    assert len(said) == made.tried
    assert made.waiting[-1] == 128, "those who come in the meantime"
    await runner.cleanup()

"""The pages of what came in: dead letters and late facts, and the feeds with their silence.

What is asked of the store is queries_feeds.py; the pages about accounts and decisions are pages.py.
"""

from __future__ import annotations

import asyncio
import base64

from aiohttp import web

from schemas.events import TOPIC_OF
from schemas.topics import SOURCES
from streams.web import cursor, queries, queries_feeds
from streams.web.queries_feeds import LettersQuery
from streams.web.site import SITE, asked, link, one, paged, render


async def letters(request: web.Request) -> web.Response:
    """GET /dead-letters"""
    site = request.app[SITE]
    query = asked(LettersQuery, request)
    after = cursor.read(query.after, int, int, int)
    rows, topics = await asyncio.gather(
        site.store.ask(queries_feeds.letters(query, after)), site.store.ask(queries_feeds.letter_topics())
    )
    rows, following = paged(rows, queries.PAGE, lambda row: (row["written"], row["partition"], row["offset"]))
    return await render(
        request,
        "letters.html",
        query=query,
        rows=[{**row, "start": _text(row["start"])} for row in rows],
        topics=topics,
        to_topic=lambda which, topic: link("/dead-letters", query, which=which, topic=topic),
        first=link("/dead-letters", query) if query.after else "",
        following=link("/dead-letters", query, after=following) if following else "",
    )


async def letter(request: web.Request) -> web.Response:
    """GET /dead-letters/{which}/{partition}/{offset}"""
    match = request.match_info
    question = queries_feeds.letter(match["which"], int(match["partition"]), int(match["offset"]))
    row = await one(request, question, "There is no such dead letter in the store.")
    return await render(
        request,
        "letter.html",
        which=match["which"],
        letter=row,
        key=None if row["no_key"] else _text(row["key_text"]),
        value=_text(row["value_text"]),
        headers=[(name, _text(value)) for name, value in row["heads"]],
        shown=len(base64.b64decode(row["value_text"])),
    )


def _text(encoded: str) -> str:
    """Bytes as text that can be looked at: what is no UTF-8, and what would steer a screen, becomes visible."""
    text = base64.b64decode(encoded).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c in "\n\t" else _visible(c) for c in text)


def _visible(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


async def feeds(request: web.Request) -> web.Response:
    """GET /feeds"""
    site = request.app[SITE]
    rows, positions = await asyncio.gather(
        site.store.ask(queries_feeds.feeds()), site.store.ask(queries.moved())
    )
    now = site.now()
    table = []
    for name in SOURCES:
        own = [row for row in rows if TOPIC_OF.get(row["type"]) == name]
        newest = max((row["newest"] for row in own), default=None)
        arrived = max((row["arrived"] for row in own), default=None)
        allowed = site.feed_days.get(name)
        silent = None if newest is None else (now.date() - newest.date()).days
        table.append(
            {
                "name": name,
                "number": sum(row["number"] for row in own),
                "newest": newest,
                "arrived": arrived,
                "allowed": allowed,
                "state": _state(silent, allowed),
                "rows": own,
            }
        )
    return await render(
        request,
        "feeds.html",
        feeds=table,
        clock=next((row for row in rows if row["type"] == "clock.ticked"), None),
        positions=positions,
    )


def _state(silent: int | None, allowed: int | None) -> str:
    """Of a feed whose newest event is `silent` days old, None: never came; allowed None: nobody watches it."""
    if allowed is None:
        return "not watched"
    if silent is None:
        return "silent"
    return "stale" if silent > allowed else "fresh"

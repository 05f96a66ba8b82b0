"""What every page stands on: the store, the decisions, the clock, lists, and templates in which every value is escaped."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ValidationError

from agents.limits import REASONS
from agents.triggers import TRIGGERS
from streams.explain import SIGNS, inputs_in_words, need_in_words
from streams.web import cursor, queries, queries_alerts, queries_proposals, words
from streams.web.decisions import Decisions
from streams.web.queries import Query, Row
from streams.web.security import ACCESS, PERSON, SESSION
from streams.web.store import Answers

STALE_DAYS: Final = 2  # figures older than this, in days, are marked as stale
Asked = TypeVar("Asked", bound=Query)


@dataclass(frozen=True)
class Site:
    """One page process."""

    store: Answers
    decisions: Decisions
    # Of an alert or a proposal the id and the newest transition's number
    explain: Callable[[str, Any], Awaitable[dict[str, Any]]]
    now: Callable[[], datetime]
    feed_days: Mapping[str, int]  # feed -> days after which it is stale; one that is not there is not watched


SITE: Final = web.AppKey("site", Site)

_ENVIRONMENT: Final = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    enable_async=False,
)
_ENVIRONMENT.filters |= {
    name: getattr(words, name)
    for name in (
        "money", "whole", "short", "percent", "days", "number", "day", "instant", "age", "segment", "web_link", "words",
        "title", "figure_name", "figure", "facts",
    )
}  # fmt: skip
_ENVIRONMENT.filters |= {"inputs_in_words": inputs_in_words, "need_in_words": need_in_words}
_ENVIRONMENT.filters["zip_self"] = lambda values: [(value, value) for value in values]
_ENVIRONMENT.globals |= {
    "SEVERITIES": words.SEVERITIES,
    "TRIGGERS": {trigger.id: trigger.title for trigger in TRIGGERS},
    "NOTHING": words.NOTHING,
    "TERMS": words.TERMS,
    "REASONS": REASONS,
    "SIGNS": SIGNS,
}


async def render(request: web.Request, template: str, *, bare: bool = False, **values: Any) -> web.Response:
    """A page. `bare`: nothing is asked of the store, for pages that say that it does not answer."""
    site = request.app[SITE]
    now = site.now()
    freshness = None if bare else await _freshness(site, now)
    session = request.get(SESSION)
    text = _ENVIRONMENT.get_template(template).render(
        path=request.path,
        here=request.path_qs,
        now=now,
        today=now.date(),
        person=request.get(PERSON),
        csrf=session.csrf if session is not None else "",
        once=secrets.token_hex(16),
        freshness=freshness,
        can_sign_in=request.app[ACCESS].can_sign_in,
        **values,
    )
    return web.Response(text=text, content_type="text/html")


async def _freshness(site: Site, now: datetime) -> dict[str, Any]:
    row = (await site.store.ask(queries.as_of()))[0]
    day = row["day"]
    known = day is not None and day.year > 1970
    old = (now.date() - day).days if known else 0
    stored = row["stored"]
    stored = stored if stored is not None and stored.year > 1970 else None  # the engine's newest of nothing
    return {"day": day if known else None, "old": old, "stale": old > STALE_DAYS, "stored": stored}


def asked(kind: type[Asked], request: web.Request) -> Asked:
    """The URL's query as `kind`. Raises 400, naming the parameter, for one that is unknown, twice there or does not fit.

    What a form leaves empty counts as not given.
    """
    given: dict[str, str] = {}
    for name, value in request.query.items():
        if name in given:
            raise web.HTTPBadRequest(text=f"{name[:60]}: given twice.")
        if "\x00" in value:
            raise web.HTTPBadRequest(text=f"{name[:60]}: not a text.")
        if value != "":
            given[name] = value
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise web.HTTPBadRequest(text=sentence(error, kind)) from None


def sentence(error: ValidationError, kind: type[BaseModel]) -> str:
    """The first mistake, for people: which field of `kind`, and what it wants. The value itself is not repeated."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = ".".join(str(part) for part in first["loc"])[:60] or "the body"
    if first["type"] == "extra_forbidden":
        return f"{name}: not known here; there are {', '.join(kind.model_fields)}."
    said = first["msg"][:200].replace("Input should be ", "wanted ").replace("Invalid JSON: ", "no JSON, ")
    return f"{name}: {said[:1].lower()}{said[1:]}."


async def one(request: web.Request, question: queries.Question, missing: str) -> dict[str, Any]:
    """The only row of an answer. Raises 404 when there is none."""
    rows = await request.app[SITE].store.ask(question)
    if not rows:
        raise web.HTTPNotFound(text=missing)
    return rows[0]


async def the_alert(request: web.Request) -> Row:
    """The newest transition of the alert that the path names. Raises 404 when there is none."""
    return await one(request, queries_alerts.alert(own_id(request)), "There is no alert with this id.")


async def the_proposal(request: web.Request) -> Row:
    """The newest transition of the proposal that the path names. Raises 404 when there is none."""
    return await one(
        request, queries_proposals.proposal(own_id(request)), "There is no proposal with this id."
    )


def own_id(request: web.Request) -> str:
    """The id out of the path, of at most 200 characters. Raises 404 for anything longer or with control characters."""
    value = request.match_info["id"]
    if len(value) > 200 or any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise web.HTTPNotFound(text="There is nothing at this address.")
    return value


def paged(rows: list[Row], size: int, place: Callable[[Row], Sequence[Any]]) -> tuple[list[Row], str]:
    """The rows of a page of `size`, and the cursor of the next; empty when there is none."""
    if len(rows) <= size:
        return rows, ""
    return rows[:size], cursor.written(place(rows[size - 1]))


def link(path: str, query: Query, **changed: Any) -> str:
    """The address of a list with these filters, without those that are at their default; the first page unless told.
    A decision that was just sent is told once."""
    values = {**query.model_dump(exclude_defaults=True), "after": "", "sent": "", "about": "", **changed}
    given = {name: value for name, value in values.items() if value not in ("", None, 0, False)}
    return f"{path}?{urlencode(given)}" if given else path

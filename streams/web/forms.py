"""What a person sends by a form: the token that signs him in, and what he decides about alerts and proposals.

What a decision becomes is decisions.py; who may send what is security.py; the pages that show the forms are pages.py.
"""

from __future__ import annotations

import secrets
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from streams.web import decisions, queries_alerts, words
from streams.web.decisions import Declined
from streams.web.security import (
    ACCESS,
    COOKIE,
    LASTS,
    LOGIN_COOKIE,
    SESSION,
    deciding,
    same,
    secure,
    set_cookie,
)
from streams.web.site import SITE, render, the_proposal

MOST_AT_ONCE: Final = 60  # alerts in one decision


async def login(request: web.Request) -> web.Response:
    """GET /login"""
    return await _login(request, "")


async def _login(request: web.Request, wrong: str) -> web.Response:
    once = secrets.token_urlsafe(24)
    response = await render(request, "login.html", bare=True, wrong=wrong, login_csrf=once)
    set_cookie(response, LOGIN_COOKIE, once, 3600, secure(request))
    if wrong:
        response.set_status(403)
    return response


async def sign_in(request: web.Request) -> web.Response:
    """POST /login: a token for a session. The form's own secret must equal its cookie's, so that no site signs people in."""
    form = await request.post()
    if LOGIN_COOKIE not in request.cookies and secure(request):
        return await _login(
            request, "Your browser kept no cookie. It keeps ours only over https: is the address right?"
        )
    if not same(request.cookies.get(LOGIN_COOKIE, ""), _field(form, "csrf")) or not _field(form, "csrf"):
        return await _login(request, "The form was out of date. Try once more.")
    access = request.app[ACCESS]
    person = access.bearer(_field(form, "token").strip(), access.address(request))
    if person is None:
        return await _login(request, "That token is not known here.")
    access.close(request)
    cookie, _ = access.open(person)
    response = web.HTTPSeeOther("/")
    set_cookie(response, COOKIE, cookie, LASTS, secure(request))
    response.del_cookie(LOGIN_COOKIE, path="/")
    raise response


async def sign_out(request: web.Request) -> web.Response:
    """POST /logout"""
    form = await request.post()
    session = request[SESSION]
    if session is not None:
        if not same(session.csrf, _field(form, "csrf")):
            raise web.HTTPForbidden(text="The form is out of date: load the page again and repeat.")
        request.app[ACCESS].close(request)
    response = web.HTTPSeeOther("/")
    response.del_cookie(COOKIE, path="/")
    raise response


def _field(form: Any, name: str) -> str:
    """A text field of a form; empty where there is none, or a file in its place."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _event_id(form: Any, suffix: str) -> str:
    """The id of a decision: of the form that was shown and what was clicked about what, so that a second click is the
    same event, and one on another button is not."""
    once = _field(form, "once")
    if len(once) != 32 or any(c not in "0123456789abcdef" for c in once):
        raise Declined(400, "The form is not whole: load the page again and repeat.")
    return f"page-{once}-{suffix}"


def _back(form: Any, account_id: str, sent: str) -> str:
    """Where a decision leads back to: one of our own pages, never an address from outside. It is told what was sent."""
    path, _, rest = _field(form, "back").partition("?")
    good = (
        path.startswith(("/alerts", "/accounts/", "/proposals/")) and path.isprintable() and "\\" not in path
    )
    if not good or not rest.isprintable():
        return "/alerts"
    if path.startswith(("/alerts/", "/proposals/")):
        return f"{path}?{urlencode({'sent': sent})}"
    told = {"sent": sent, "about": account_id} if path == "/alerts" else {"sent": sent}
    before = [(name, value) for name, value in parse_qsl(rest) if name not in ("sent", "about")]
    return f"{path}?{urlencode([*before, *told.items()])}"


async def decide_alerts(request: web.Request) -> web.Response:
    """POST /alerts/decide: acknowledge, assign or snooze one or several open alerts of one account."""
    form = await request.post()
    person = deciding(request, _field(form, "csrf"))
    action = _field(form, "action")
    if action not in ("acknowledge", "assign", "snooze"):
        raise Declined(400, "Choose what to do: acknowledge, assign or snooze.")
    wanted = [value for value in form.getall("alert_id", []) if isinstance(value, str)]
    if not 0 < len(wanted) <= MOST_AT_ONCE:
        raise Declined(400, "Choose at least one alert." if not wanted else "Too many alerts at once.")
    site = request.app[SITE]
    known = {
        row["alert_id"]: row
        for row in await site.store.ask(queries_alerts.alerts_of(_field(form, "account_id")))
    }
    if any(alert_id not in known for alert_id in wanted):
        raise Declined(404, "This account has no such alert.")
    # Of several those that have cleared meanwhile ask for nothing any more; of one it is said.
    wanted = [alert_id for alert_id in wanted if known[alert_id]["status"] != "cleared"] or wanted[:1]
    events = [
        decisions.on_alert(
            {**known[alert_id], "account_id": _field(form, "account_id")},
            person,
            action,
            _event_id(form, f"{action}-{alert_id}"),
            site.now(),
            owner=_field(form, "owner"),
            until=_field(form, "until"),
        )
        for alert_id in dict.fromkeys(wanted)
    ]
    for event in events:
        await site.decisions.send(event)
    sent = events[0]["event_id"] if len(events) == 1 else _event_id(form, f"{action}-")
    raise web.HTTPSeeOther(_back(form, _field(form, "account_id"), sent))


async def decide_proposal(request: web.Request) -> web.Response:
    """POST /proposals/{id}/decide: approve, with the limit of the form, or reject."""
    form = await request.post()
    person = deciding(request, _field(form, "csrf"))
    action = _field(form, "action")
    if action not in ("approve", "reject"):
        raise Declined(400, "Choose what to do: approve or reject.")
    site = request.app[SITE]
    row = await the_proposal(request)
    event = decisions.on_proposal(
        row,
        person,
        action,
        _event_id(form, f"{action}-{row['proposal_id']}"),
        site.now(),
        limit=_field(form, "limit"),
        note=_field(form, "note"),
    )
    await site.decisions.send(event)
    raise web.HTTPSeeOther(
        f"/proposals/{words.segment(row['proposal_id'])}?{urlencode({'sent': event['event_id']})}"
    )

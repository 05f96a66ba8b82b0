"""The pages that people read and decide on, one function each: what is asked of the store, and which template shows it.

Programs have api.py; how values are put is words.py's, and what a decision becomes decisions.py's.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from aiohttp import web

from agents.limits import APPROVERS
from schemas.events import TOPIC_OF
from streams.settings import FEEDS
from streams.web import (
    charts,
    cursor,
    decisions,
    queries,
    queries_accounts,
    queries_alerts,
    queries_feeds,
    queries_portfolio,
    queries_proposals,
    segments,
    words,
)
from streams.web.decisions import Declined
from streams.web.queries import Row
from streams.web.queries_accounts import AccountsQuery, TimelineQuery
from streams.web.queries_alerts import InboxQuery
from streams.web.queries_feeds import LettersQuery
from streams.web.queries_proposals import ProposalsQuery
from streams.web.security import (
    ACCESS,
    COOKIE,
    LASTS,
    LOGIN_COOKIE,
    PERSON,
    SESSION,
    deciding,
    same,
    secure,
    set_cookie,
)
from streams.web.site import SITE, asked, one, own_id, render

TREND: Final = timedelta(weeks=52)
LATELY: Final = timedelta(days=30)
MOST_AT_ONCE: Final = 60  # alerts in one decision


def add_routes(router: web.UrlDispatcher) -> None:
    """The addresses of the pages."""
    for path, handler in (
        ("/", portfolio),
        ("/accounts", accounts),
        ("/accounts/{id}", account),
        ("/alerts", inbox),
        ("/alerts/{id}", alert),
        ("/alerts/{id}/explanation", explanation),
        ("/proposals", proposals),
        ("/proposals/{id}", proposal),
        ("/proposals/{id}/explanation", proposal_explanation),
        ("/dead-letters", letters),
        ("/dead-letters/{which:dead|late}/{partition:[0-9]{1,6}}/{offset:[0-9]{1,18}}", letter),
        ("/feeds", feeds),
        ("/login", login),
    ):
        router.add_get(path, handler)
    router.add_post("/login", sign_in)
    router.add_post("/logout", sign_out)
    router.add_post("/alerts/decide", decide_alerts)
    router.add_post("/proposals/{id}/decide", decide_proposal)


def paged(rows: list[Row], size: int, place: Callable[[Row], Sequence[Any]]) -> tuple[list[Row], str]:
    """The rows of a page of `size`, and the cursor of the next; empty when there is none."""
    if len(rows) <= size:
        return rows, ""
    return rows[:size], cursor.written(place(rows[size - 1]))


def link(path: str, query: queries.Query, **changed: Any) -> str:
    """The address of a list with these filters, without those that are at their default; the first page unless told.
    A decision that was just sent is told once."""
    values = {**query.model_dump(exclude_defaults=True), "after": "", "sent": "", "about": "", **changed}
    given = {name: value for name, value in values.items() if value not in ("", None, 0, False)}
    return f"{path}?{urlencode(given)}" if given else path


# ---------------------------------------------------------------- what there is to see


async def portfolio(request: web.Request) -> web.Response:
    """GET /"""
    site = request.app[SITE]
    today = site.now().date()
    totals, tiers, statuses, counts, proposed = await asyncio.gather(
        *(
            site.store.ask(question)
            for question in (
                queries_portfolio.totals(),
                queries_portfolio.tiers(),
                queries_portfolio.statuses(),
                queries_alerts.open_counts(today),
                queries_proposals.proposal_counts(),
            )
        )
    )
    total = totals[0]
    newest = total["newest_day"] if total["accounts"] else today
    turned, weeks, inbox_ = await asyncio.gather(
        site.store.ask(queries_alerts.turned(newest - LATELY)),
        site.store.ask(queries_portfolio.trend(newest - TREND)),
        site.store.ask(queries_alerts.turned_count(newest - LATELY)),
    )
    amounts, days = charts.trend(weeks, total["currency"])
    live = next((row for row in counts if not row["history"]), None)
    return await render(
        request,
        "portfolio.html",
        total=total,
        tiers=tiers,
        statuses=statuses,
        live=live,
        waiting=sum(row["number"] for row in proposed if row["status"] in ("proposed", "escalated")),
        turned=[_lately(row, newest - LATELY) for row in turned],
        turned_count=inbox_[0],
        lately=LATELY.days,
        ageing=charts.ageing(total, "_base"),
        weeks=weeks,
        amounts=amounts,
        days=days,
        says=charts.says_trend(weeks, total["currency"]),
    )


def story(row: Row) -> list[dict[str, Any]]:
    """The alerts of an account as one story: the gravest first, in the order in which they came."""
    alerts = [dict(zip(queries_alerts.STORY, item, strict=True)) for item in row["story"]]
    return sorted(alerts, key=lambda a: (-a["severity"], a["opened_on"], a["trigger"]))


def _turned(row: Row) -> Row:
    return {**row, "alerts": story(row)}


def _lately(row: Row, since: date) -> Row:
    """The same, with what moved since then first and marked: that is why the account stands here."""
    alerts = story(row)
    for alert in alerts:
        opened = alert["opened_on"] >= since.isoformat()
        grew = alert["as_of"] >= since.isoformat() and alert["status"] == "escalated"
        alert["moved"] = "new" if opened else "grew" if grew else ""
    return {**row, "alerts": sorted(alerts, key=lambda alert: not alert["moved"])}


async def accounts(request: web.Request) -> web.Response:
    """GET /accounts"""
    site = request.app[SITE]
    query = asked(AccountsQuery, request)
    kinds = (str, str) if query.sort in ("name", "account") else (float, str)
    after = cursor.read(query.after, *kinds)
    rows, found = await asyncio.gather(
        site.store.ask(queries_accounts.accounts(query, after)),
        site.store.ask(queries_accounts.accounts_found(query)),
    )
    rows, following = paged(rows, query.limit, lambda row: (row["place"], row["account_id"]))
    return await render(
        request,
        "accounts.html",
        query=query,
        rows=rows,
        found=found[0]["found"],
        first=link("/accounts", query) if query.after else "",
        following=link("/accounts", query, after=following) if following else "",
        sorted_by={name: link("/accounts", query, sort=name) for name in queries_accounts.SORTS},
    )


async def account(request: web.Request) -> web.Response:
    """GET /accounts/{id}"""
    site = request.app[SITE]
    account_id = own_id(request)
    query = asked(TimelineQuery, request)
    after = cursor.read(query.after, int, str, str, str)
    known = await one(
        request, queries_accounts.account(account_id), "No account with this id has any figures."
    )
    newest = known["as_of"] if known["as_of"] and known["as_of"].year > 1970 else site.now().date()
    since = newest - TREND
    figures, rows, markers, alerts, waiting, timeline = await asyncio.gather(
        *(
            site.store.ask(question)
            for question in (
                queries_accounts.figures(account_id),
                queries_accounts.series(account_id, since),
                queries_accounts.markers(account_id, since),
                queries_alerts.alerts_of(account_id),
                queries_proposals.proposals(
                    ProposalsQuery(account_id=account_id, state="all", limit=12), None
                ),
                queries_accounts.timeline(account_id, query, after),
            )
        )
    )
    timeline, following = paged(
        timeline, queries.PAGE, lambda row: (row["place"], row["kind"], row["id"], row["what"])
    )
    newest_figures = figures[0] if figures else None
    balance, days = charts.account(rows, markers, known["currency"])
    path = f"/accounts/{words.segment(account_id)}"
    return await render(
        request,
        "account.html",
        account=known,
        figures=newest_figures,
        shrunk=await segments.days_to_pay(site.store, newest_figures),
        ageing=charts.ageing(newest_figures) if newest_figures else [],
        rows=charts.thinned(rows),
        balance=balance,
        days=days,
        says=charts.says_account(rows, known["currency"]),
        lanes=charts.LANES,
        open_alerts=[row for row in alerts if row["status"] != "cleared"],
        past_alerts=[row for row in alerts if row["status"] == "cleared"],
        proposals=waiting[:12],
        timeline=[_told(row) for row in timeline],
        sent=await _sent(request, query.sent, account_id),
        query=query,
        following=link(path, query, after=following) if following else "",
        account_path=path,
    )


def _told(row: Row) -> Row:
    """A row of the timeline, with what it says in a line."""
    body = words.loaded(row["value"])
    if row["kind"] == "event":
        text, url = words.event(row["what"], body), words.web_link(body.get("url"))
    elif row["kind"] == "alert":
        text, url = words.facts(str(body.get("trigger")), body.get("evidence"), row["currency"]), None
    else:
        limit = body.get("effective_limit") or body.get("proposed_limit")
        to = f"{row['title']} to {words.whole(limit, row['currency'])}"
        text, url = "hold: ship nothing more on open account" if row["title"] == "hold" else to, None
    return {**row, "text": text, "url": url, "source": body.get("source")}


async def inbox(request: web.Request) -> web.Response:
    """GET /alerts"""
    site = request.app[SITE]
    query = asked(InboxQuery, request)
    today = site.now().date()
    after = cursor.read(query.after, int, str, str)
    if after is not None:
        cursor.day(after[1])
    rows, opened, cleared, owners = await asyncio.gather(
        site.store.ask(queries_alerts.inbox(query, today, after)),
        site.store.ask(queries_alerts.open_counts(today)),
        site.store.ask(queries_alerts.cleared_counts()),
        site.store.ask(queries_alerts.owners()),
    )
    rows, following = paged(
        rows,
        queries_alerts.INBOX_PAGE,
        lambda row: (row["worst"], row["newest"].isoformat(), row["account_id"]),
    )
    return await render(
        request,
        "inbox.html",
        query=query,
        groups=[_turned(row) for row in rows],
        counts=_counts(opened, cleared),
        owners=[row["owner"] for row in owners],
        states=("open", "unassigned", "acknowledged", "snoozed", "cleared"),
        to_state=lambda state, when: link(
            "/alerts", query, state="" if state == "open" else state, when=when
        ),
        first=link("/alerts", query) if query.after else "",
        following=link("/alerts", query, after=following) if following else "",
        saved=link("/alerts", query),
        sent=await _sent(request, query.sent, query.about),
    )


def _counts(*answers: list[Row]) -> dict[bool, Counter[str]]:
    """How many alerts each state holds: False today's, True what a backfill found. A state without any counts 0."""
    counts: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    for row in chain.from_iterable(answers):
        counts[bool(row["history"])].update({name: n for name, n in row.items() if name != "history"})
    return counts


class SentQuery(queries.Query):
    """A page to which a decision leads back: which event was sent."""

    sent: str = queries.Sent


async def alert(request: web.Request) -> web.Response:
    """GET /alerts/{id}"""
    site = request.app[SITE]
    query = asked(SentQuery, request)
    row = await one(request, queries_alerts.alert(own_id(request)), "There is no alert with this id.")
    account_id = row["account_id"]
    evidence = words.loaded(row["evidence"])
    life, decided, events, others = await asyncio.gather(
        site.store.ask(queries_alerts.alert_life(account_id, row["alert_id"])),
        site.store.ask(queries_proposals.decided(row["alert_id"])),
        site.store.ask(queries_accounts.events(account_id, row["event_ids"])),
        site.store.ask(queries_alerts.alerts_of(account_id)),
    )
    return await render(
        request,
        "alert.html",
        alert=row,
        compared=compared(evidence, row["currency"]),
        life=life,
        decided=decided,
        events=[_event(event) for event in events],
        named=len(row["event_ids"]),
        others=[o for o in others if o["status"] != "cleared" and o["alert_id"] != row["alert_id"]],
        sent=await _sent(request, query.sent, account_id),
    )


async def explanation(request: web.Request) -> web.Response:
    """GET /alerts/{id}/explanation"""
    row = await one(request, queries_alerts.alert(own_id(request)), "There is no alert with this id.")
    told = await request.app[SITE].explain(row["alert_id"], row["number"])
    return await render(request, "explanation.html", alert=row, told=told)


def compared(evidence: dict[str, Any], currency: str | None) -> list[dict[str, str]]:
    """Each figure beside its threshold and the level at which it clears; what has no figure stands last."""
    metrics, thresholds = (evidence.get(name) or {} for name in ("metrics", "thresholds"))
    if not isinstance(metrics, dict) or not isinstance(thresholds, dict):
        return []
    currency = str(metrics.get("currency") or currency or "") or None
    names = [*metrics, *(name for name in thresholds if name not in metrics)]
    names = [n for n in names if not (n.startswith("clear_") and n.removeprefix("clear_") in names)]
    held = [n for n in names if n in thresholds or f"clear_{n}" in thresholds]
    return [
        {
            "name": words.figure_name(name),
            "value": words.figure(name, metrics.get(name), currency) if name in metrics else "",
            "threshold": words.figure(name, thresholds[name], currency) if name in thresholds else "",
            "clears": words.figure(name, thresholds[clear], currency)
            if (clear := f"clear_{name}") in thresholds
            else "",
        }
        for name in [*held, *(n for n in names if n not in held)]
    ]


def _event(row: Row) -> Row:
    body = words.loaded(row["value"])
    return {**row, "text": words.event(row["type"], body), "url": words.web_link(body.get("url"))}


async def _sent(request: web.Request, sent: str, account_id: str) -> dict[str, Any] | None:
    """What became of the decisions that were just sent from here."""
    if not sent or not account_id:
        return None
    rows = await request.app[SITE].store.ask(queries_proposals.decision(sent, account_id))
    refused = next((row["reason"] for row in rows if row["outcome"] == "refused"), None)
    return {"taken": bool(rows), "refused": refused}


async def proposals(request: web.Request) -> web.Response:
    """GET /proposals"""
    site = request.app[SITE]
    query = asked(ProposalsQuery, request)
    after = cursor.read(query.after, str, str)
    if after is not None:
        cursor.day(after[0])
    rows, counts = await asyncio.gather(
        site.store.ask(queries_proposals.proposals(query, after)),
        site.store.ask(queries_proposals.proposal_counts()),
    )
    rows, following = paged(rows, query.limit, lambda row: (row["as_of"].isoformat(), row["proposal_id"]))
    number = {row["status"]: row["number"] for row in counts}
    states = {
        "waiting": number.get("proposed", 0) + number.get("escalated", 0),
        **{state: number.get(state, 0) for state in ("approved", "rejected", "expired", "superseded")},
    }
    return await render(
        request,
        "proposals.html",
        query=query,
        rows=rows,
        states=states,
        to_state=lambda state: link("/proposals", query, state="" if state == "waiting" else state),
        approvers=APPROVERS[1:],
        first=link("/proposals", query) if query.after else "",
        following=link("/proposals", query, after=following) if following else "",
    )


async def proposal(request: web.Request) -> web.Response:
    """GET /proposals/{id}"""
    site = request.app[SITE]
    query = asked(SentQuery, request)
    row = await one(
        request, queries_proposals.proposal(own_id(request)), "There is no proposal with this id."
    )
    account_id = row["account_id"]
    evidence = words.loaded(row["evidence"])
    life, decided, events, known = await asyncio.gather(
        site.store.ask(queries_proposals.proposal_life(account_id, row["proposal_id"])),
        site.store.ask(queries_proposals.decided(row["proposal_id"])),
        site.store.ask(
            queries_accounts.events(account_id, [str(e) for e in evidence.get("event_ids") or ()][:200])
        ),
        site.store.ask(queries_accounts.account(account_id)),
    )
    categories, terms = words.loaded(row["categories"]), words.loaded(row["terms"])
    person = request[PERSON]
    metrics = evidence.get("metrics")
    return await render(
        request,
        "proposal.html",
        proposal=row,
        account=known[0] if known else None,
        categories=[
            {"label": words.CATEGORIES.get(name) or words.title(name), "value": value, "width": value or 0}
            for name, value in categories.items()
        ],
        terms=terms,
        metrics=metrics if isinstance(metrics, dict) else {},
        because=[a for a in evidence.get("alerts") or () if isinstance(a, dict)],
        life=life,
        decided=decided,
        events=[_event(event) for event in events],
        waits=row["status"] in ("proposed", "escalated"),
        may_approve=person is not None and person.may(row["approver"]),
        limit=decisions.amount_text(row["proposed_limit"] or 0, row["currency"] or ""),
        sent=await _sent(request, query.sent, account_id),
    )


async def proposal_explanation(request: web.Request) -> web.Response:
    """GET /proposals/{id}/explanation"""
    row = await one(
        request, queries_proposals.proposal(own_id(request)), "There is no proposal with this id."
    )
    told = await request.app[SITE].explain(row["proposal_id"], row["number"])
    return await render(
        request, "proposal_explanation.html", proposal=row, told=told, made=told["transitions"][0]
    )


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
    for name in FEEDS:
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


# ---------------------------------------------------------------- signing in


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


# ---------------------------------------------------------------- deciding


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
    row = await one(
        request, queries_proposals.proposal(own_id(request)), "There is no proposal with this id."
    )
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

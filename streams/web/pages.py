"""The pages that people read and decide on, one function each: what is asked of the store, and which template shows it.

What they send is forms.py; dead letters and feeds are pages_feeds.py. Programs have api.py; how values are put is words.py's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, timedelta
from itertools import chain
from typing import Any, Final

from aiohttp import web

from agents.limits import APPROVERS
from streams.web import (
    charts,
    cursor,
    decisions,
    forms,
    pages_feeds,
    queries,
    queries_accounts,
    queries_alerts,
    queries_portfolio,
    queries_proposals,
    segments,
    words,
)
from streams.web.queries import Row
from streams.web.queries_accounts import AccountsQuery, TimelineQuery
from streams.web.queries_alerts import InboxQuery
from streams.web.queries_proposals import ProposalsQuery
from streams.web.security import PERSON
from streams.web.site import SITE, asked, link, one, own_id, paged, render, the_alert, the_proposal

TREND: Final = timedelta(weeks=52)
LATELY: Final = timedelta(days=30)


def add_routes(router: web.UrlDispatcher) -> None:
    """The addresses of the pages."""
    for path, handler in (
        ("/", portfolio),
        ("/accounts", accounts),
        ("/accounts/{id:[^/]+}", account),  # the seller's own number: braces too, which {id} alone leaves out
        ("/alerts", inbox),
        ("/alerts/{id}", alert),
        ("/alerts/{id}/explanation", explanation),
        ("/proposals", proposals),
        ("/proposals/{id}", proposal),
        ("/proposals/{id}/explanation", proposal_explanation),
        ("/dead-letters", pages_feeds.letters),
        ("/dead-letters/{which:dead|late}/{partition:[0-9]{1,6}}/{offset:[0-9]{1,18}}", pages_feeds.letter),
        ("/feeds", pages_feeds.feeds),
        ("/login", forms.login),
    ):
        router.add_get(path, handler)
    router.add_post("/login", forms.sign_in)
    router.add_post("/logout", forms.sign_out)
    router.add_post("/alerts/decide", forms.decide_alerts)
    router.add_post("/proposals/{id}/decide", forms.decide_proposal)


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
    row = await the_alert(request)
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
    row = await the_alert(request)
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
    row = await the_proposal(request)
    account_id = row["account_id"]
    evidence = words.loaded(row["evidence"])
    life, decided, events, known, alerts = await asyncio.gather(
        site.store.ask(queries_proposals.proposal_life(account_id, row["proposal_id"])),
        site.store.ask(queries_proposals.decided(row["proposal_id"])),
        site.store.ask(
            queries_accounts.events(account_id, [str(e) for e in evidence.get("event_ids") or ()][:200])
        ),
        site.store.ask(queries_accounts.account(account_id)),
        site.store.ask(queries_alerts.alerts_of(account_id)),
    )
    because = [a for a in evidence.get("alerts") or () if isinstance(a, dict)]
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
        because=because,
        since=_since(row, known, life, because, alerts),
        life=life,
        decided=decided,
        events=[_event(event) for event in events],
        waits=row["status"] in ("proposed", "escalated"),
        may_approve=person is not None and person.may(row["approver"]),
        limit=decisions.amount_text(row["proposed_limit"] or 0, row["currency"] or ""),
        sent=await _sent(request, query.sent, account_id),
    )


def _since(
    proposal: Row, known: list[Row], life: list[Row], because: list[dict[str, Any]], alerts: list[Row]
) -> list[str]:
    """What has changed since it was proposed, as facts: grounds that are gone, and new ones. A person weighs them."""
    behind = {a.get("alert_id") for a in because}
    told = [
        f"{row['title']}: cleared on {words.day(row['as_of'])}."
        for row in alerts
        if row["alert_id"] in behind and row["status"] == "cleared"
    ]
    if life:
        told += [
            f"{row['title']}: opened on {words.day(row['opened_on'])}."
            for row in alerts
            if row["alert_id"] not in behind
            and row["status"] != "cleared"
            and row["opened_on"] > life[0]["as_of"]
        ]
    grade = known[0]["grade"] if known else None
    if grade and proposal["grade"] and grade != proposal["grade"]:
        told.append(f"The grade is {grade} now; it was {proposal['grade']}.")
    return told


async def proposal_explanation(request: web.Request) -> web.Response:
    """GET /proposals/{id}/explanation"""
    row = await the_proposal(request)
    told = await request.app[SITE].explain(row["proposal_id"], row["number"])
    return await render(
        request, "proposal_explanation.html", proposal=row, told=told, made=told["transitions"][0]
    )

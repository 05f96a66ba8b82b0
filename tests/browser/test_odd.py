"""Names, ids and headlines at their worst, an empty store and one that is away: in a real Chromium, a store in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, expect

from streams.errors import Refused
from streams.settings import Settings
from streams.web.app import application
from tests.web_kit import (
    ALERT,
    NOW,
    PROPOSAL,
    TOKENS,
    KeptDecisions,
    MemoryStore,
    account,
    alert,
    event,
    explained,
    group,
    proposal,
)

SLASH = "C/1?x=2#y%20z 9"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
NAMES = {
    SLASH: "<b>Bold</b> & Co.",
    "L-" + "x" * 198: f"{LONG} {LONG} AG",
    "عميل-٧": "شركة الأمل للتجارة والصناعة المحدودة",
}
HEADLINE = "Talks <script>document.title='owned'</script> " + "and so on " * 30
PAGES = (
    "/", "/alerts", "/proposals", "/accounts", "/accounts/x", f"/alerts/{ALERT}", f"/alerts/{ALERT}/explanation",
    f"/proposals/{PROPOSAL}", f"/proposals/{PROPOSAL}/explanation", "/dead-letters", "/dead-letters/dead/0/0", "/feeds",
    "/login",
)  # fmt: skip


class Kept(MemoryStore):
    """Answers for the account that is asked for."""

    async def ask(self, question: Any) -> Any:
        if question.name == "account":
            asked = question.parameters["account_id"]
            return [account(account_id=asked, account_name=NAMES.get(asked, NAMES[SLASH]))]
        return await super().ask(question)


def odd() -> MemoryStore:
    evidence = {"metrics": {"headline": HEADLINE}, "thresholds": {"news_score": 2}, "event_ids": ["e" * 200]}
    groups, accounts, proposals = [], [], []
    for account_id, name in NAMES.items():
        told = alert(
            account_id=account_id, account_name=name, trigger="adverse_news", evidence=evidence, owner=LONG
        )
        groups.append(group(told, account_id=account_id))
        accounts.append(account(account_id=account_id, account_name=name, worst_title=HEADLINE))
        proposals.append(proposal(account_id=account_id, account_name=name))
    news = event(
        "news.published",
        headline=HEADLINE,
        domain="press.example",
        url="https://press.example/1",
        source=LONG,
    )
    days = [
        {
            "day": date(2026, 1, 1 + n % 28),
            "kind": "alert",
            "number": 1,
            "severity": 1 + n % 5,
            "names": [HEADLINE],
        }
        for n in range(150)
    ]
    return Kept(
        turned=groups, inbox=groups, accounts=accounts, proposals=proposals, alert=[told], alerts_of=[told], events=[news],
        timeline=[news], owners=[{"owner": LONG}], proposal=[proposals[1]], markers=days,
    )  # fmt: skip


def empty() -> MemoryStore:
    known = MemoryStore().answers
    totals = dict.fromkeys(known["totals"][0]) | {"accounts": 0, "newest_day": date(1970, 1, 1)}
    kept = ("turned_count", "accounts_found", "feeds")
    return MemoryStore(
        **{name: [] for name in known if name not in kept}
        | {"totals": [totals], "as_of": [{"day": date(1970, 1, 1), "stored": None}], "feeds": []}
    )


@contextmanager
def served(store: MemoryStore) -> Iterator[str]:
    """The address of a page before this store, served from a thread."""
    loop = asyncio.new_event_loop()
    settings = Settings(_env_file=None, tokens=TOKENS)
    app = application(settings, store, KeptDecisions(), lambda: NOW, explain=explained)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return port

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{asyncio.run_coroutine_threadsafe(start(), loop).result(30)}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@contextmanager
def opened(chromium: Browser, url: str, width: int = 1280, **options: Any) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": width, "height": 900}, base_url=url, **options)
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


@pytest.mark.parametrize("store", [odd, empty])
@pytest.mark.parametrize("width", [390, 1280])
def test_whatever_comes_no_page_is_wider_than_the_window_and_no_words_lie_on_others(
    chromium: Browser, store: Any, width: int
) -> None:
    with served(store()) as url, opened(chromium, url, width) as page:
        page.goto("/login#token-of-mo")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        for path in PAGES:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.evaluate(SPILLED) == [], path
            assert "owned" not in page.title()


def test_the_checker_of_spilled_words_finds_some(chromium: Browser) -> None:
    with served(odd()) as url, opened(chromium, url) as page:
        page.goto("/accounts")
        page.evaluate("document.querySelectorAll('th').forEach(e => e.classList.add('planted'))")
        page.evaluate(
            "[...document.styleSheets].at(-1).insertRule('th.planted, th.planted * { overflow-wrap: normal !important }')"
        )
        assert page.evaluate(SPILLED) != []


def test_an_id_with_a_slash_a_question_and_a_percent_leads_to_its_account(chromium: Browser) -> None:
    with served(odd()) as url, opened(chromium, url) as page:
        for account_id, name in NAMES.items():
            page.goto("/accounts")
            page.get_by_role("link", name=name, exact=True).click()
            heading = page.get_by_role("heading", level=1)
            expect(heading).to_contain_text(name)
            expect(heading).to_contain_text(account_id)


def test_a_hundred_and_fifty_marks_are_drawn_and_stand_in_words(chromium: Browser) -> None:
    with served(odd()) as url, opened(chromium, url) as page:
        page.goto("/accounts/x")
        expect(page.locator(".chart canvas")).to_have_count(2)


def test_a_store_that_is_away_is_told_in_a_sentence_and_the_page_comes_back(chromium: Browser) -> None:
    store = MemoryStore(**dict.fromkeys(MemoryStore().answers, Refused("connection refused")))
    with served(store) as url, opened(chromium, url, 390) as page:
        page.goto("/accounts")
        expect(page.get_by_role("main")).to_contain_text("does not answer now")
        expect(page.get_by_role("main")).not_to_contain_text("refused")
        store.answers = MemoryStore().answers
        page.reload()
        expect(page.get_by_text("1 account", exact=True)).to_be_visible()


SPILLED = """() => [...document.querySelectorAll('main th, main td, main h1, main h2, main dd')]
    .filter(e => e.checkVisibility() && !e.closest('.uplot, thead') && e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
    .map(e => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)"""

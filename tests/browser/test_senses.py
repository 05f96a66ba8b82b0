"""The page by keyboard, by ear, on paper and in forced colours: in a real Chromium, a store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.browser.test_odd import odd, opened, served
from tests.browser.test_page import CONTRAST
from tests.web_kit import ALERT, PROPOSAL, MemoryStore, alert, group


@contextmanager
def moving(chromium: Browser, path: str) -> Iterator[tuple[Page, MemoryStore]]:
    """A page before somebody who is signed in, and its store; `look` makes it look at the store at once."""
    store = MemoryStore()
    with served(store) as url, opened(chromium, url) as page:
        page.goto("/login#token-of-mo")
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        # It looks when the test says so: the stream neither opens nor fails, for both are said on the page.
        page.route("**/live", lambda route: None)
        page.goto(path)
        yield page, store


def look(page: Page) -> None:
    page.evaluate("look()")


def two_stories() -> list[dict[str, object]]:
    first = group(alert(account_name="Nordlys AS"), account_id="C-1", name="Nordlys AS")
    return [first, group(alert())]


def test_a_live_update_takes_nothing_from_under_mouse_keyboard_or_pen(chromium: Browser) -> None:
    with moving(chromium, "/alerts") as (page, store):
        state = page.locator("#live")
        groups = page.get_by_role("article")
        store.answers["inbox"] = two_stories()

        page.get_by_role("button", name="Acknowledge").hover()
        look(page)
        expect(groups).to_have_count(1)
        page.mouse.move(5, 5)  # and by itself, once the mouse aims at nothing any more
        expect(groups).to_have_count(2)

        page.locator("article a").last.focus()
        store.answers["inbox"] = [group(alert())]
        look(page)
        expect(groups).to_have_count(2)
        expect(state).to_have_text("· live, but what you are working in waits")
        page.get_by_label("Find an account").focus()
        expect(groups).to_have_count(1)
        expect(state).to_have_text("· live")

        page.get_by_label("Owner", exact=True).last.fill("night desk")
        page.get_by_label("Find an account").focus()
        store.answers["inbox"] = two_stories()
        look(page)
        expect(state).to_have_text("· live, but what you are working in waits")
        expect(page.get_by_label("Owner", exact=True).last).to_have_value("night desk")


def test_what_is_read_out_is_what_became_of_a_decision_and_not_each_update(chromium: Browser) -> None:
    with moving(chromium, f"/alerts/{ALERT}") as (page, store):
        look(page)
        expect(page.get_by_role("status").filter(has_text="live")).to_have_count(1)
        page.evaluate(LISTEN)
        store.answers["as_of"] = [{**store.answers["as_of"][0], "stored": None}]
        look(page)
        expect(page.get_by_text("the store holds nothing yet")).to_be_visible()
        assert page.evaluate("heard") == []

        page.get_by_role("button", name="Acknowledge").press("Enter")
        note = page.get_by_role("status").filter(has_text="Your decision was sent.")
        expect(note).to_be_focused()
        page.wait_for_load_state()  # the note has the focus before the scripts have run
        page.evaluate(LISTEN)
        store.answers["decision"] = [{"outcome": "applied", "reason": None}]
        look(page)
        expect(page.get_by_text("Your decision is in the journal.")).to_be_visible()
        assert page.evaluate("heard") == ["Your decision is in the journal."]
        expect(page.locator("[data-live=sent]")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main [data-live=head]') !== null")


def test_a_sheet_of_paper_has_all_of_the_page_dark_on_white(chromium: Browser) -> None:
    with served(odd()) as url, opened(chromium, url, color_scheme="dark") as page:
        for path in ("/accounts/x", f"/proposals/{PROPOSAL}", "/accounts", "/dead-letters"):
            page.goto(path)
            page.emulate_media(media="print", color_scheme="dark")
            page.set_viewport_size({"width": SHEET, "height": 1000})
            page.evaluate("dispatchEvent(new Event('beforeprint'))")
            assert page.evaluate(CONTRAST) == [], path
            assert page.evaluate(CUT) == [], path
            expect(page.get_by_role("navigation", name="Pages", exact=True)).to_be_hidden()
        page.goto("/accounts/x")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate("getComputedStyle(document.querySelector('main')).color") == "rgb(26, 31, 38)"
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        page.emulate_media(media="screen", color_scheme="dark")
        assert page.evaluate("getComputedStyle(document.querySelector('main')).color") == "rgb(229, 233, 238)"


def test_days_read_alike_in_every_country_and_curves_and_marks_without_their_colours(
    chromium: Browser,
) -> None:
    west: dict[str, Any] = {
        "locale": "en-US",
        "timezone_id": "America/Los_Angeles",
        "forced_colors": "active",
    }
    with served(odd()) as url, opened(chromium, url, **west) as page:
        page.goto("/accounts/x")
        labels = page.evaluate("document.querySelector('.chart').plot.axes[0]._values")
        assert labels == ["1 May\n2026", "2 May"]
        expect(page.get_by_role("contentinfo")).to_contain_text("Days and times are those of UTC.")
        markers = ".chart >> nth=1 >> .u-series:not(:first-child) .u-marker"
        styles = page.locator(markers).evaluate_all("all => all.map(e => getComputedStyle(e).borderTopStyle)")
        assert styles == ["solid", "dashed", "dotted"], "as the curves are drawn"
        marks = page.locator(".mark").evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")
        assert len(set(marks)) == 5
        here = page.locator(".tabs [aria-current]")
        assert here.evaluate("e => getComputedStyle(e).textDecorationLine") == "underline"


def test_poor_sight_reads_what_stands_in_empty_fields_and_makes_all_text_larger(chromium: Browser) -> None:
    with served(odd()) as url, opened(chromium, url, 320, color_scheme="dark") as page:
        page.goto("/accounts/x")
        empty = page.evaluate("getComputedStyle(document.getElementById('find'), '::placeholder').color")
        dim = page.evaluate("getComputedStyle(document.querySelector('footer')).color")
        assert empty == dim, "which CONTRAST finds to stand out"
        told = page.locator("#timeline ~ .wide td").last.bounding_box()
        assert told is not None
        assert told["x"] + told["width"] <= 320, "what happened is read without scrolling sideways"
        size = "parseFloat(getComputedStyle(document.querySelector('#timeline ~ .wide td')).fontSize)"
        before = page.evaluate(size)
        page.evaluate("document.documentElement.style.fontSize = '200%'")  # as the browser's own setting does
        assert page.evaluate(size) == 2 * before
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_titles_and_names_say_where_one_is_and_what_a_button_is_about(chromium: Browser) -> None:
    with moving(chromium, f"/alerts/{ALERT}") as (page, _):
        expect(page).to_have_title(
            "Invoices are more than 60 days past due: Brenner Pumpen GmbH · bellwether"
        )
        page.goto("/alerts")
        about = page.get_by_role("group", name="4 urgent Brenner Pumpen GmbH C-20417")
        expect(about.get_by_role("button", name="Acknowledge")).to_be_visible()
        expect(page.get_by_role("navigation", name="Whose alerts")).to_be_visible()
        page.goto("/")
        expect(page.get_by_role("main").get_by_role("link", name="1 to decide")).to_be_visible()
        page.goto("/dead-letters/dead/0/0")
        expect(page.get_by_role("region", name="Value")).to_be_visible()


SHEET = 718  # pixels between the margins of an upright A4

CUT = """() => [...document.querySelectorAll('main *')]
    .filter(e => e.checkVisibility() && !e.closest('.unseen, .uplot *') && e.getBoundingClientRect().right > innerWidth)
    .map(e => `${e.tagName}.${e.className}`)"""

LISTEN = """() => {
    window.heard = [];
    for (const region of document.querySelectorAll('[role=status]')) {
        new MutationObserver(() => heard.push(region.textContent.trim()))
            .observe(region, { childList: true, subtree: true, characterData: true });
    }
    new MutationObserver((changes) => {
        for (const change of changes) for (const node of change.addedNodes)
            if (node.querySelector?.('[role=status]') || node.role === 'status') heard.push('a new region');
    }).observe(document.body, { childList: true, subtree: true });
}"""

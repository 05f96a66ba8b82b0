"""What a person does with the page, in a real Chromium before a real run: find, read, decide, and see it happen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import confluent_kafka as ck
import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

from schemas.topics import TOPICS
from streams.blocks import Kafka
from tests.browser import story
from tests.browser.conftest import Run
from tests.integration.pipeline import emitted

PAGES = (
    "/",
    "/alerts",
    "/proposals",
    "/accounts",
    f"/accounts/{story.TURNS}",
    "/dead-letters",
    "/feeds",
    "/login",
)


def sign_in(page: Page, token: str) -> None:
    page.goto(f"/login#{token}")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def send(run: Run, name: str, event: Mapping[str, object] | bytes, key: str) -> None:
    """An event as the seller's systems send it."""
    failures: list[str] = []
    producer: ck.Producer = Kafka(run.kafka).producer({})
    raw = event if isinstance(event, bytes) else orjson.dumps(event)
    producer.produce(
        run.settings.prefixed(TOPICS[name].name),
        raw,
        key,
        on_delivery=lambda e, _: failures.append(str(e)) if e else None,
    )
    assert producer.flush(20) == 0
    assert failures == []


def test_a_person_who_opens_it_reads_which_account_turned_and_why(page: Page) -> None:
    page.goto("/")
    row = page.get_by_role("row", name=re.compile(story.NAMES[story.TURNS]))
    expect(row).to_contain_text("Pays much later than it used to")
    expect(row).to_contain_text(re.compile(r"\d\d\.\d d to pay, was 29\.\d d"))
    expect(row).to_contain_text("cut to")
    expect(page.get_by_role("row", name=re.compile(story.NAMES[story.GOOD].replace("&", ".")))).to_have_count(
        0
    )


def test_an_account_is_found_by_the_keyboard_alone_and_its_alert_says_why(page: Page) -> None:
    page.goto("/feeds")
    page.keyboard.press("/")
    page.keyboard.type("brenner")
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 account", exact=True)).to_be_visible()
    page.get_by_role("link", name=story.NAMES[story.TURNS]).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(story.NAMES[story.TURNS])
    expect(page.locator(".chart canvas").first).to_be_visible()
    page.get_by_role("link", name="Pays much later than it used to").first.click()
    evidence = page.get_by_role("table", name=re.compile("thresholds that they were held against"))
    expect(evidence.get_by_role("row", name=re.compile("Days to pay, last 90 days"))).to_contain_text("d")
    expect(page.get_by_role("table", name=re.compile("events that the evidence names"))).to_contain_text(
        "payment received"
    )
    expect(page.get_by_text("What to do:")).to_be_visible()
    page.get_by_role("link", name="Take it apart").click()
    conditions = page.get_by_role("table", name=re.compile("^Conditions"))
    expect(conditions).to_contain_text("days to pay", timeout=120_000)
    expect(page.get_by_role("heading", name="What would clear it")).to_be_visible()


def test_a_proposal_is_approved_and_the_limit_changes(page: Page, run: Run) -> None:
    sign_in(page, "token-of-mo")
    page.get_by_role("link", name="Proposals").click()
    page.get_by_role("row", name=re.compile(story.NAMES[story.TURNS])).get_by_role("link", name="cut").click()
    expect(page.locator("#limit")).to_have_text("90,000 USD")
    expect(page.get_by_role("table", name=re.compile("Each category"))).to_contain_text("Own payments")
    page.get_by_label(re.compile("Limit, USD")).fill("45000.00")
    page.get_by_label("Note").fill("agreed with sales")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Your decision", exact=False)).to_be_visible()
    # The page is live: without a reload it shows what the monitor made of it.
    expect(page.locator("#limit")).to_have_text("45,000 USD", timeout=60_000)
    expect(page.get_by_role("table", name="Transitions")).to_contain_text("approved")
    page.goto(f"/accounts/{story.TURNS}")
    expect(page.locator("#limit")).to_have_text("45,000 USD")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("agreed with sales")
    approved = [
        body
        for _, body in emitted(run.settings, run.kafka, "limit-proposals")
        if body["status"] == "approved"
    ]
    assert [(b["account_id"], b["decided_by"], b["effective_limit"]) for b in approved] == [
        (story.TURNS, "mo", "45000.00")
    ]

    # And what the seller sets shows as well.
    limit = {
        "event_id": "seller-1", "type": "account.limit_set", "account_id": story.TURNS, "source": "erp",
        "occurred_at": datetime.now(UTC).isoformat(), "credit_limit": "44000.00", "currency": "USD",
    }  # fmt: skip
    send(run, "accounts", limit, story.TURNS)
    expect(page.locator("#limit")).to_have_text("44,000 USD", timeout=60_000)


def test_a_role_below_the_approver_may_reject_and_not_approve(page: Page) -> None:
    sign_in(page, "token-of-ann")
    page.goto("/proposals")
    page.get_by_role("row", name=re.compile(story.NAMES[story.NEW])).get_by_role("link", name="open").click()
    expect(page.get_by_text("Approving takes the role manager or above; yours is analyst.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_role("button", name="Reject")).to_be_visible()


def test_enter_in_a_note_decides_nothing(page: Page) -> None:
    sign_in(page, "token-of-mo")
    page.goto("/proposals")
    page.get_by_role("row", name=re.compile(story.NAMES[story.NEW])).get_by_role("link", name="open").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    before = page.url
    page.get_by_label("Note").fill("no: they pay late")
    page.get_by_label("Note").press("Enter")
    page.get_by_label("Note").press("End")  # what Enter had sent would be under way by now
    expect(page.get_by_label("Note")).to_have_value("no: they pay late")
    assert page.url == before


def test_a_proposal_is_taken_apart_from_the_journal(page: Page) -> None:
    page.goto("/proposals")
    page.get_by_role("row", name=re.compile(story.NAMES[story.NEW])).get_by_role("link", name="open").click()
    page.get_by_role("link", name="Take it apart").click()
    terms = page.get_by_role("table", name=re.compile("rounded down"))
    expect(terms.get_by_role("row", name=re.compile("need × grade"))).to_contain_text("USD", timeout=120_000)
    expect(page.get_by_role("table", name=re.compile("weight"))).to_contain_text("payments to us")
    events = page.get_by_role("table", name=re.compile("events?, newest first"))
    expect(events).to_contain_text("payment received")


def test_an_alert_is_acknowledged_from_the_inbox(page: Page) -> None:
    sign_in(page, "token-of-ann")
    page.get_by_role("link", name="Alerts", exact=True).click()
    group = page.get_by_role("article").filter(has=page.get_by_role("link", name=story.NAMES[story.NEW]))
    group.get_by_role("button", name=re.compile("Acknowledge")).click()
    group = page.get_by_role("article").filter(has=page.get_by_role("link", name=story.NAMES[story.NEW]))
    expect(group).to_contain_text("acknowledged by ann", timeout=60_000)


def test_a_filter_is_a_link(page: Page) -> None:
    page.goto("/alerts")
    page.get_by_label("Severity").select_option("4")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("article")).to_have_count(1)
    kept = page.url
    page.goto("/")
    page.goto(kept)
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page.get_by_label("Severity")).to_have_value("4")


def test_what_is_refused_shows_with_its_reason_and_its_bytes(page: Page, run: Run) -> None:
    send(run, "invoices", b'{"type": "<script>document.title=\'owned\'</script>", "x": \xff\x00}', "k")
    page.goto("/dead-letters")
    letter = page.get_by_role("row", name=re.compile(r"\d+.\d+ .* refused")).first
    expect(letter).to_contain_text("refused", timeout=60_000)
    letter.get_by_role("link").first.click()
    expect(page.get_by_label("Value")).to_contain_text("<script>document.title='owned'</script>")
    expect(page.get_by_label("Value")).to_contain_text("\\xff\\x00")
    assert "owned" not in page.title()


def test_what_was_stored_while_the_page_was_not_live_shows_when_it_is_again(
    run: Run, chromium: Browser
) -> None:
    context = chromium.new_context(base_url=run.url)  # of its own: the browser complains of a lost connection
    page, watching = context.new_page(), context.new_page()
    page.route("**/live", lambda route: route.abort())
    page.goto("/dead-letters")
    send(run, "news", b"told while nobody listened", "k")
    row = re.compile("told while nobody listened")
    for _ in range(60):
        watching.goto("/dead-letters")
        if watching.get_by_role("row", name=row).count():
            break
        watching.wait_for_timeout(500)
    assert not page.get_by_role("row", name=row).count()
    page.unroute("**/live")
    expect(page.get_by_role("row", name=row)).to_be_visible(timeout=60_000)
    context.close()


def test_a_hostile_headline_is_only_text(page: Page) -> None:
    page.goto(f"/accounts/{story.HOSTILE}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(story.NAMES[story.HOSTILE])
    expect(page.get_by_role("region", name="Timeline")).to_contain_text(story.HEADLINE)
    assert "owned" not in page.title()


def test_the_policy_for_content_stops_what_is_slipped_in(run: Run, chromium: Browser) -> None:
    """The second lock: even where an escape were forgotten, nothing would run."""
    context = chromium.new_context(base_url=run.url)
    page = context.new_page()
    page.goto("/")
    page.evaluate(SLIPPED_IN)
    page.wait_for_timeout(500)
    assert "owned" not in page.title()
    context.close()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", PAGES)
def test_a_screen_reader_finds_its_way(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    for landmark in ("main", "navigation", "banner"):
        expect(page.get_by_role(landmark).first).to_be_attached()
    faults = page.evaluate(FAULTS)
    assert faults == []


def test_the_first_key_leads_past_the_navigation_and_the_focus_is_seen(page: Page) -> None:
    page.goto("/accounts")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: Page, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1 of every text, by the colours that Chromium computes."""
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    for path in ("/", "/alerts", "/proposals", f"/accounts/{story.TURNS}"):
        page.goto(path)
        poor = page.evaluate(CONTRAST)
        assert poor == [], path


def test_the_checks_of_a_page_find_what_is_planted(page: Page) -> None:
    page.goto("/")
    assert (page.evaluate(CONTRAST), page.evaluate(FAULTS)) == ([], [])
    page.evaluate(PLANTED)
    assert len(page.evaluate(CONTRAST)) == 1
    assert [fault.partition(":")[0] for fault in page.evaluate(FAULTS)] == [
        "a table without a caption", "a th without a scope", "no label", "a chart without words", "an id twice",
    ]  # fmt: skip


PLANTED = """() => {
    const main = document.querySelector('main');
    main.insertAdjacentHTML('beforeend', `
        <p id="pale">hardly to be read</p> <p id="pale"></p> <div class="chart"></div>
        <table><tbody><tr><th></th></tr></tbody></table> <input name="unlabelled">`);
    const pale = main.querySelector('#pale');
    pale.style.color = '#888888';
    pale.style.backgroundColor = '#777777';
}"""

SLIPPED_IN = """() => {
    const script = document.createElement('script');
    script.textContent = "document.title='owned'";
    document.body.append(script);
    const image = document.createElement('img');
    image.setAttribute('onerror', "document.title='owned'");
    image.src = '/x';
    document.body.append(image);
}"""

FAULTS = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)].filter(e => !e.parentElement.closest('.chart'));
    return [
        ...all('table').filter(t => !t.caption).map(() => 'a table without a caption'),
        ...all('th').filter(t => !t.scope).map(t => 'a th without a scope: ' + t.textContent),
        ...all('input:not([type=hidden], [hidden]), select').filter(i => !i.labels.length).map(i => 'no label: ' + i.name),
        ...all('.chart').filter(c => !(c.getAttribute('aria-label') || '').trim()).map(() => 'a chart without words'),
        ...all('[id]').map(e => e.id).filter((id, n, ids) => ids.indexOf(id) !== n).map(id => 'an id twice: ' + id),
    ];
}"""

CONTRAST = """() => {
    const parse = (text) => {
        const n = (text.match(/[\\d.]+/g) || []).map(Number);
        return text.startsWith('color(srgb') ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1];
    };
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (element) => {
        for (let e = element; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c[3] === 1) return c;
        }
        return [255, 255, 255, 1];
    };
    const out = new Set();
    for (const e of document.querySelectorAll('body *')) {
        const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
        if (!own || !e.checkVisibility() || e.closest('script, svg, .unseen, .uplot')) continue;
        const [a, b] = [light(parse(getComputedStyle(e).color)), light(ground(e))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) out.add(`${e.tagName}.${e.className}: ${ratio.toFixed(2)}`);
    }
    return [...out];
}"""

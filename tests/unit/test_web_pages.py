"""What stands on the pages, read as a person would: figures with their day, holds that are no limits, what is taken apart."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from yarl import URL

from agents.explain import Row
from streams.explain import File
from streams.simulate import generate
from streams.web import pages
from tests.explaining import explanations
from tests.rules import POLICY_TEXT
from tests.web_kit import (
    ACCOUNT,
    ALERT,
    PROPOSAL,
    Browser,
    MemoryStore,
    Tags,
    account,
    alert,
    browser,
    event,
    group,
    letter,
    proposal,
)


def shown(path: str, store: MemoryStore | None = None, **settings: Any) -> str:
    """The text of a page, white space made one."""
    with browser(store, **settings) as it:
        answer = it.get(path)
    assert answer.status == 200, path
    return " ".join(Tags(answer.text).text.split())


# ---------------------------------------------------------------- figures have a day


@pytest.mark.parametrize("path", ["/", "/alerts", f"/accounts/{ACCOUNT}", "/alerts/another"])
def test_figures_that_are_older_than_the_alert_say_of_which_day_they_are(path: str) -> None:
    grew = alert(as_of="2026-05-02", opened_at="2026-02-27T00:00:00Z", status="escalated")
    store = MemoryStore(
        turned=[group(grew)],
        inbox=[group(grew)],
        alerts_of=[grew],
        alert=[{**alert(), "alert_id": "another"}],
    )
    text = shown(path, store)
    assert re.search(r"(since )?27 Feb 2026,? figures of 2 May 2026", text)
    new = alert(as_of="2026-05-02", opened_at="2026-05-02T00:00:00Z")
    store = MemoryStore(
        turned=[group(new)], inbox=[group(new)], alerts_of=[new], alert=[{**alert(), "alert_id": "another"}]
    )
    assert "figures of" not in shown(path, store)


def test_the_portfolio_marks_what_opened_or_grew_since_and_puts_it_first() -> None:
    def on(day: str, severity: int, opened: str, status: str = "opened") -> dict[str, Any]:
        return alert(as_of=day, opened_at=f"{opened}T00:00:00Z", severity=severity, status=status)

    alerts = [
        on("2026-04-30", 5, "2026-04-01"),  # moved by what a person did, if at all
        on("2026-04-24", 4, "2026-04-01", "escalated"),
        on("2026-04-25", 3, "2026-04-01", "escalated"),
        on("2026-04-25", 2, "2026-04-25"),
    ]
    told = pages._lately(group(*alerts), date(2026, 4, 25))["alerts"]
    assert [(a["severity"], a["moved"]) for a in told] == [(3, "grew"), (2, "new"), (5, ""), (4, "")]


def test_what_is_over_asks_nobody_to_do_anything() -> None:
    path = f"/alerts/{ALERT}"
    assert "What to do:" in shown(path, MemoryStore(alert=[alert(status="escalated")]))
    assert "What to do:" not in shown(path, MemoryStore(alert=[alert(status="cleared")]))


# ---------------------------------------------------------------- names and ids as they come

ODD = ("C/1?x=2#y%20z 9", "a\\b", "عميل-٧", "x" * 200, "株式会社", "<i>", "'\"&", "{x}")
"""Ids that a URL would take apart, that are written from the right, or that are as long as may be."""


@pytest.mark.parametrize("account_id", ODD)
def test_an_account_is_found_whatever_its_id(account_id: str) -> None:
    odd = account(account_id=account_id, account_name=account_id)
    stories = [group(alert(account_name=account_id), account_id=account_id)]
    asked: dict[str, Any] = {"account": [odd], "accounts": [odd], "turned": stories, "inbox": stories}
    store = MemoryStore(**asked, proposals=[proposal(account_id=account_id)])
    with browser(store) as it:
        links = {
            link for path in ("/", "/accounts", "/alerts", "/proposals") for link in account_links(it, path)
        }
        assert len(links) == 1, links
        (link,) = links
        store.asked.clear()
        assert it.get(URL(link, encoded=True)).status == 200
        assert next(q.parameters["account_id"] for q in store.asked if q.name == "account") == account_id
        (row,) = it.get("/api/v1/accounts").json["items"]
        assert row["url"] == link
        assert it.get(URL(f"/api/v1{link}", encoded=True)).status == 200
        tags = Tags(it.get(URL(link, encoded=True)).text)
        assert account_id in tags.text


def account_links(it: Browser, path: str) -> set[str]:
    """The links of a page that lead to an account, parts of the page left off."""
    found = {link.partition("#")[0] for link in Tags(it.get(path).text).links()}
    return {link for link in found if link.startswith("/accounts/")}


@pytest.mark.parametrize("path", ["/", "/accounts", "/alerts", "/proposals", f"/accounts/{ACCOUNT}"])
def test_a_name_written_from_the_right_moves_nothing_beside_it(path: str) -> None:
    """Names, ids and headlines are set apart for the order of writing, so that an amount behind one stays where it is."""
    name = "شركة \u202eالأمل"
    odd = alert(account_name=name)
    store = MemoryStore(
        turned=[group(odd)], inbox=[group(odd)], accounts=[account(account_name=name)], account=[account(account_name=name)],
        proposals=[proposal(account_name=name)], alerts_of=[odd],
    )  # fmt: skip
    with browser(store) as it:
        page = it.get(path).text
    body = page.partition("<main")[2]
    assert body.count(name) == body.count(f"<bdi>{name}</bdi>") >= 1


def test_a_refused_record_shows_what_would_steer_the_screen() -> None:
    value = "{\u202e\x07}".encode() + b"\xff"
    text = shown("/dead-letters/dead/0/0", MemoryStore(letter=[letter(value)]))
    assert r"{\u202e\x07}\xff" in text


# ---------------------------------------------------------------- proposals


def test_a_hold_is_shown_as_one_and_not_as_a_limit() -> None:
    hold = proposal(
        direction="hold", current_limit="80000.00", proposed_limit="80000.00", binding="delinquent"
    )
    listed = {
        **event("invoice.issued"),
        "kind": "proposal",
        "what": "proposed",
        "title": "hold",
        "value": hold["value"],
    }
    store = MemoryStore(proposal=[hold], proposals=[hold], timeline=[listed])
    page = shown(f"/proposals/{PROPOSAL}", store)
    assert "Hold: ship nothing more on open account" in page
    assert "the limit stays" in page
    assert "bound by delinquent" not in page
    assert "The least of them is proposed" not in page
    assert "stays" in shown("/proposals", store)
    account = shown(f"/accounts/{ACCOUNT}", store)
    assert "hold: ship nothing more on open account" in account
    assert "hold to" not in account
    assert "The least of them is proposed" in shown(f"/proposals/{PROPOSAL}")


CLEARED = alert(status="cleared", as_of="2026-05-09")
NEW = {**alert(opened_at="2026-05-08T00:00:00Z"), "alert_id": "new", "title": "20,000 EUR over the limit"}


@pytest.mark.parametrize(
    ("alerts", "grade", "says"),
    [
        ([CLEARED], "D", f"Since it was proposed:{CLEARED['title']}: cleared on 9 May 2026."),
        ([NEW], "D", "Since it was proposed:20,000 EUR over the limit: opened on 8 May 2026."),
        ([alert()], "B", "Since it was proposed:The grade is B now; it was D."),
        ([alert()], "D", ""),
        ([{**CLEARED, "alert_id": "another"}], None, ""),
    ],
)
def test_who_decides_sees_what_has_changed_since_it_was_proposed(
    alerts: list[Any], grade: str | None, says: str
) -> None:
    waits = proposal(grade="D")
    told = [{**waits, "as_of": date(2026, 5, 2)}]
    store = MemoryStore(
        proposal=[waits], proposal_life=told, alerts_of=alerts, account=[account(grade=grade)]
    )
    text = shown(f"/proposals/{PROPOSAL}", store)
    assert f"Decide {says}Sign in to decide" in text
    store = MemoryStore(proposal=[{**waits, "status": "approved"}], alerts_of=alerts)
    assert "Since it was proposed" not in shown(f"/proposals/{PROPOSAL}", store), "nothing waits"


@pytest.mark.parametrize("path", ["/alerts", f"/alerts/{ALERT}"])
@pytest.mark.parametrize("sleeps_until", ["2026-12-24", None])
def test_an_alert_is_said_to_sleep_where_the_store_says_so(path: str, sleeps_until: str | None) -> None:
    row = alert(snoozed_until="2026-12-24", sleeps_until=sleeps_until)
    text = shown(path, MemoryStore(inbox=[group(row)], alert=[row]))
    assert bool(re.search(r"(asleep|Snoozed) until ?24 Dec 2026", text)) is (sleeps_until is not None)


@pytest.mark.parametrize("path", [f"/proposals/{PROPOSAL}", f"/alerts/{ALERT}"])
def test_a_decision_that_was_refused_does_not_look_like_one_that_counted(path: str) -> None:
    reason = "role: analyst may not approve this limit; wanted manager or above"
    counted = MemoryStore().answers["decided"][0]
    text = shown(path, MemoryStore(decided=[{**counted, "actor": "ann", "refused": reason}, counted]))
    assert f"ann (manager) proposal approved at 5.00 EUR: “agreed” refused: {reason}" in text
    assert text.count(" refused: ") == 1


def forms(text: str) -> list[str]:
    """Each form that decides, from its tag to its end."""
    return re.findall(r"<form[^>]*/decide.*?</form>", text, re.DOTALL)


def test_enter_in_a_note_neither_approves_nor_rejects() -> None:
    """A browser takes Enter in a field for a click on the form's first button, and for none where that one is disabled."""
    with browser() as it:
        it.sign_in("token-of-mo")
        (form,) = forms(it.get(f"/proposals/{PROPOSAL}").text)
    buttons = re.findall(r"<button[^>]*>", form)
    assert 'name="note"' in form
    assert len(buttons) == 3
    assert "disabled" in buttons[0]


@pytest.mark.parametrize("path", ["/alerts", f"/alerts/{ALERT}", f"/accounts/{ACCOUNT}"])
def test_enter_in_a_field_of_an_alert_does_what_stands_beside_it(path: str) -> None:
    with browser() as it:
        it.sign_in("token-of-mo")
        found = forms(it.get(path).text)
    assert [
        (re.findall(r'<input name="(\w+)"', form), re.findall(r'<button[^>]*value="(\w+)"', form))
        for form in found
    ] == [([], ["acknowledge"]), (["owner"], ["assign"]), (["until"], ["snooze"])]
    assert all(ALERT in form and 'name="once"' in form for form in found)


def test_what_others_decided_meanwhile_takes_the_form_away() -> None:
    """The part that is kept up to date holds the form, and is there without one too."""
    for path, store in (
        (f"/proposals/{PROPOSAL}", MemoryStore(proposal=[proposal(status="approved")])),
        (f"/alerts/{ALERT}", MemoryStore(alert=[alert(status="cleared")])),
    ):
        with browser() as it:
            it.sign_in("token-of-mo")
            _, _, live = it.get(path).text.partition('data-live="decide"')
            assert f"{path}/decide" in live or "/alerts/decide" in live
        with browser(store) as it:
            it.sign_in("token-of-mo")
            text = it.get(path).text
        assert 'data-live="decide"' in text
        assert not forms(text)


def test_an_approver_of_a_hold_is_asked_for_no_amount() -> None:
    with browser(MemoryStore(proposal=[proposal(direction="hold")])) as it:
        it.sign_in("token-of-cora")
        (form,) = forms(it.get(f"/proposals/{PROPOSAL}").text)
    assert 'name="limit"' not in form
    assert 'value="approve"' in form


def test_one_who_may_only_read_is_not_told_to_sign_in() -> None:
    with browser() as it:
        it.sign_in("token-of-vera")
        text = Tags(it.get(f"/proposals/{PROPOSAL}").text).text
    assert "Deciding takes the role analyst or above; yours is viewer." in text
    assert "Sign in to decide" not in " ".join(text.split())


def test_reasons_are_sentences_and_one_that_is_not_known_is_shown_as_it_is() -> None:
    store = MemoryStore(
        proposal=[proposal(reasons=["grade", "of_a_later_engine"])],
        proposals=[proposal(reasons=["grade", "of_a_later_engine"])],
    )
    for path in ("/proposals", f"/proposals/{PROPOSAL}"):
        text = shown(path, store)
        assert "the grade calls for a lower limit" in text
        assert "of a later engine" in text


def test_a_proposal_leads_to_the_page_that_takes_it_apart() -> None:
    with browser() as it:
        page = it.get(f"/proposals/{PROPOSAL}").text
        assert f"/proposals/{PROPOSAL}/explanation" in Tags(page).links()
        assert it.get("/proposals/none/explanation").status == 200
    with browser(MemoryStore(proposal=[])) as it:
        assert it.get("/proposals/none/explanation").status == 404
    text = shown(f"/proposals/{PROPOSAL}/explanation")
    for said in (
        "grade D calls for it", "pay index 43.6, payment runs 365d 63", "no statements", "need × grade binds", "26,823.30 EUR",
        "need 44,705.50 = 22,352.75 a month × 2 billing cycles, × 0.6 for the grade", "32,000.00 EUR is above 25,000 USD",
        "the grade calls for a lower limit", "waits for a person", "a category is missing: at best B", "31 May 2026",
    ):  # fmt: skip
        assert said in text, said


def test_an_alert_taken_apart_shows_its_events_too() -> None:
    text = shown(f"/alerts/{ALERT}/explanation")
    assert "past due ≥ 5,000" in text
    assert "1 event, newest first" in text
    assert "12.50 EUR" in text


def book(tmp_path: Path) -> list[Row]:
    """Every alert and proposal of a small book, taken apart as the command takes them."""
    path = tmp_path / "book.jsonl"
    path.write_bytes(b"".join(orjson.dumps(e) + b"\n" for e in generate(16, 12, 5, date(2026, 5, 1))))
    return list(explanations(File(path, POLICY_TEXT), ""))


def test_whatever_the_command_tells_the_page_can_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = book(tmp_path)
    kinds = set()
    for row in told[::3]:
        kind = row["record"].get("direction") or row["trigger"]
        kinds.add(kind)

        async def own(ident: str, number: Any, row: Row = row) -> Row:
            return row

        monkeypatch.setattr("tests.web_kit.explained", own)
        if row["kind"] == "alert":
            text = shown(f"/alerts/{ALERT}/explanation")
            then = row["transitions"][-1]
            assert all(condition["shown_level"] in text for condition in then["conditions"])
        else:
            stored = proposal(direction=row["record"]["direction"])
            text = shown(f"/proposals/{PROPOSAL}/explanation", MemoryStore(proposal=[stored]))
            made = row["transitions"][0]
            for part in (*made["categories"], *made["terms"]):
                assert part["label"] in text
                assert (part["missing"] or part["formula"]) in text
            if row["record"]["direction"] == "raise":
                assert all(condition["label"] in text for condition in made["raise_conditions"])
            assert ("The limit stays" in text) is (row["record"]["direction"] == "hold")
        for transition in row["transitions"]:
            assert " ".join(transition["why"].split()) in text
    assert {"open", "cut", "hold"} <= kinds

"""The page is safe by default: who gets in, who decides, what never leaves. Store and decisions are in memory."""

from __future__ import annotations

import hmac
import ipaddress
import re
from datetime import timedelta
from typing import Any

import pytest
import structlog
from aiohttp import web
from yarl import URL

from streams import logs
from streams.errors import Refused
from streams.settings import Settings, loopback
from streams.web.security import (
    BODY,
    COOKIE,
    FORWARDED,
    HEADERS,
    LASTS,
    MOST_FAILURES,
    MOST_GUESSERS,
    Access,
    asks,
)
from tests.web_kit import (
    ACCOUNT,
    ALERT,
    NOW,
    ONCE,
    PAGES,
    PROPOSAL,
    Browser,
    KeptDecisions,
    MemoryStore,
    Tags,
    alert,
    browser,
    event,
    group,
    hidden,
    letter,
    proposal,
)

EVIL = "<script>alert('owned')</script>"
APPROVE = {"action": "approve", "limit": "32000.00", "note": "", "once": ONCE}
ACKNOWLEDGE = {
    "action": "acknowledge",
    "account_id": ACCOUNT,
    "alert_id": ALERT,
    "once": ONCE,
    "back": "/alerts",
}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-of-{name}"}


# ---------------------------------------------------------------- who gets in


def test_others_can_reach_it_only_with_tokens() -> None:
    with pytest.raises(Refused, match="BELLWETHER_TOKENS"):
        Access(Settings(_env_file=None, bind="0.0.0.0"))
    Access(Settings(_env_file=None, bind="0.0.0.0", tokens="ann:analyst:s"))
    Access(Settings(_env_file=None))


@pytest.mark.parametrize(
    ("bind", "ours"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("10.0.0.4", False), ("localhost.evil.example", False), ("", False),
    ],
)  # fmt: skip
def test_what_is_loopback(bind: str, ours: bool) -> None:
    assert loopback(bind) is ours


@pytest.mark.parametrize(
    ("tokens", "said"), [("ann:boss:s", "role boss"), ("ann:analyst:s,bob:manager:s", "somebody else")]
)
def test_tokens_that_can_not_be_are_refused_at_the_start(tokens: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        Access(Settings(_env_file=None, tokens=tokens))


@pytest.mark.parametrize("path", PAGES)
def test_on_loopback_everybody_on_the_machine_reads(path: str) -> None:
    with browser() as it:
        assert it.get(path).status == 200


def test_elsewhere_nothing_but_the_sign_in_is_open() -> None:
    with browser(bind="0.0.0.0") as it:
        addresses = {
            (route.method, route.resource.canonical)
            for route in it.client.app.router.routes()
            if route.resource is not None
        }
        assert len(addresses) > 30
        for method, address in sorted(addresses):
            path = re.sub(r"\{[^}]*\}", "1", address)
            answer = it.ask(method, path)
            if path in ("/login", "/static"):
                assert answer.status < 500
            elif method in ("GET",) and not path.startswith("/api/"):
                assert (answer.status, answer.headers["Location"]) == (303, "/login"), path
            else:
                assert answer.status in (303, 401), (method, path)


def test_a_token_opens_it_and_a_wrong_one_does_not() -> None:
    with browser(bind="0.0.0.0") as it:
        assert it.get("/api/v1/alerts").status == 401
        assert it.get("/api/v1/alerts", headers={"Authorization": "Bearer token-of-nobody"}).status == 401
        assert it.get("/api/v1/alerts", headers={"Authorization": "Basic dG9rZW4="}).status == 401
        assert it.get("/api/v1/alerts", headers=bearer("vera")).status == 200


def guess(it: Browser, times: int, **headers: str) -> list[int]:
    """Wrong tokens, one after the other."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return [
        it.get("/api/v1/alerts", headers={**named, "Authorization": f"Bearer {n}"}).status
        for n in range(times)
    ]


def test_guessing_tokens_is_slow() -> None:
    with browser(bind="0.0.0.0") as it:
        assert guess(it, MOST_FAILURES + 1) == [401] * MOST_FAILURES + [429]
        assert it.get("/api/v1/alerts", headers=bearer("ann")).status == 429, (
            "guessing does not go on with a hit"
        )


def test_who_guesses_locks_out_nobody_else() -> None:
    with browser(bind="0.0.0.0", proxies="127.0.0.1") as it:
        assert guess(it, MOST_FAILURES + 1, X_Forwarded_For="203.0.113.9")[-1] == 429
        for good in ("203.0.113.10", "2001:db8::1"):
            headers = {"X-Forwarded-For": good, **bearer("ann")}
            assert it.get("/api/v1/alerts", headers=headers).status == 200
        assert it.get("/login", headers={"X-Forwarded-For": "203.0.113.10"}).status == 200
        form = {"csrf": hidden(it.get("/login").text, "csrf"), "token": "token-of-ann"}
        assert it.post("/login", form, headers={"X-Forwarded-For": "203.0.113.9"}).status == 429
        assert it.post("/login", form, headers={"X-Forwarded-For": "203.0.113.10"}).status == 303


def test_who_guesses_changes_the_address_only_where_a_proxy_says_so() -> None:
    with browser(bind="0.0.0.0") as it:
        tried = [guess(it, 1, X_Forwarded_For=f"203.0.113.{n}")[0] for n in range(MOST_FAILURES + 1)]
        assert tried[-1] == 429, "a stranger's header is not believed"
    with browser(bind="0.0.0.0", proxies="127.0.0.1") as it:
        tried = [guess(it, 1, X_Forwarded_For=f"198.51.100.{n}, 203.0.113.9")[0] for n in range(25)]
        assert tried[-1] == 429, "what stood there before the proxy added to it is not believed either"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["1.2.3.4"], "203.0.113.9"),
        ("10.0.0.5", ["1.2.3.4", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", ["1.2.3.4", "203.0.113.9", "10.0.0.6"], "203.0.113.9"),
        ("::ffff:10.0.0.5", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.5", ["203.0.113.9:51000"], "203.0.113.9"),
        ("10.0.0.5", ["[2001:db8:1:2::9]:51000"], "2001:db8:1:2::/64"),
        ("10.0.0.5", ["2001:db8:1:2:aaaa::9"], "2001:db8:1:2::/64"),
        ("10.0.0.5", ["unknown"], "10.0.0.5"),
        ("10.0.0.5", [""], "10.0.0.5"),
        ("10.0.0.5", ["10.0.0.6"], "10.0.0.6"),
        ("fe80::1%eth0", [], "fe80::/64"),
        (None, ["203.0.113.9"], ""),
    ],
)
def test_whom_a_wrong_token_counts_against(peer: str | None, forwarded: list[str], address: str) -> None:
    assert asks(peer, forwarded, [ipaddress.ip_network("10.0.0.0/29")]) == address


def test_after_a_minute_the_guesser_may_try_again() -> None:
    at = [0.0]
    access = Access(Settings(_env_file=None, tokens="ann:analyst:s"), clock=lambda: at[0])
    for _ in range(MOST_FAILURES):
        assert access.bearer("x", "203.0.113.9") is None
    with pytest.raises(web.HTTPTooManyRequests):
        access.bearer("s", "203.0.113.9")
    at[0] = 60.0
    assert access.bearer("s", "203.0.113.9") is not None


def test_a_guesser_with_many_addresses_takes_no_memory() -> None:
    access = Access(Settings(_env_file=None, tokens="ann:analyst:s"))
    for n in range(MOST_GUESSERS + 50):
        access.bearer("x", f"address {n}")
    remembered = access._guesses
    assert len(remembered) == MOST_GUESSERS
    assert "address 0" not in remembered
    assert f"address {MOST_GUESSERS + 49}" in remembered


@pytest.mark.parametrize("header", FORWARDED)
def test_a_page_for_this_machine_answers_nothing_that_came_through_a_proxy(header: str) -> None:
    with browser() as it:
        answer = it.get("/accounts", headers={header: "203.0.113.9"})
        assert answer.status == 421
        assert "BELLWETHER_PROXIES" in answer.text
    with browser(proxies="127.0.0.1") as it:
        assert it.get("/accounts", headers={header: "203.0.113.9"}).headers["Location"] == "/login"


def test_behind_a_proxy_tokens_are_demanded_on_loopback_too() -> None:
    with pytest.raises(Refused, match=r"BELLWETHER_PROXIES is 127\.0\.0\.1"):
        Access(Settings(_env_file=None, proxies="127.0.0.1"))
    assert not Access(Settings(_env_file=None, proxies="127.0.0.1", tokens="ann:analyst:s")).local


def test_a_proxy_is_an_address_or_a_network() -> None:
    assert Settings(_env_file=None, proxies="10.0.0.5, 10.1.0.0/16,").proxies == ("10.0.0.5", "10.1.0.0/16")
    with pytest.raises(ValueError, match=r"proxy\.example is no address"):
        Settings(_env_file=None, proxies="proxy.example")


def test_tokens_are_compared_in_a_time_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr("streams.web.security.hmac.compare_digest", watched)
    with browser() as it:
        it.get("/api/v1/alerts", headers=bearer("vera"))
    assert [one for one, _ in compared] == [f"token-of-{n}".encode() for n in ("vera", "ann", "mo", "cora")]


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:8470", "localhost.evil.example", "[::1", "x@127.0.0.1@e"]
)
def test_a_name_that_was_made_to_point_here_is_not_served(host: str) -> None:
    with browser() as it:
        assert it.get("/", headers={"Host": host}).status in (400, 421)


@pytest.mark.parametrize("host", ["localhost:8470", "127.0.0.1", "[::1]:8470", "LOCALHOST"])
def test_the_names_of_this_machine_are(host: str) -> None:
    with browser() as it:
        assert it.get("/", headers={"Host": host}).status == 200


def test_behind_a_proxy_any_name_goes() -> None:
    with browser(bind="0.0.0.0") as it:
        assert it.get("/", headers={"Host": "credit.seller.example", **bearer("vera")}).status == 200


# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize(
    ("host", "marked"),
    [
        ("127.0.0.1:8470", False), ("localhost", False), ("[::1]:8470", False), ("credit.seller.example", True),
        ("10.0.0.4:8470", True), ("localhost.evil.example", True),
    ],
)  # fmt: skip
def test_cookies_go_over_https_alone_wherever_the_page_is_asked_for_from_elsewhere(
    host: str, marked: bool
) -> None:
    with browser(bind="0.0.0.0") as it:
        shown = it.get("/login", headers={"Host": host})
        login = shown.headers["Set-Cookie"]
        kept = {"Cookie": login.partition(";")[0], "Host": host}
        answer = it.post(
            "/login", {"csrf": hidden(shown.text, "csrf"), "token": "token-of-ann"}, headers=kept
        )
        assert answer.status == 303
        session = next(c for c in answer.headers.getall("Set-Cookie") if c.startswith(COOKIE))
    for cookie in (login, session):
        assert ("; Secure" in cookie) is marked


def test_a_browser_that_keeps_no_cookie_is_told_that_it_takes_https() -> None:
    with browser(bind="0.0.0.0") as it:
        headers = {"Host": "10.0.0.4:8470"}
        shown = it.get("/login", headers=headers)
        it.client.session.cookie_jar.clear()
        form = {"csrf": hidden(shown.text, "csrf"), "token": "token-of-ann"}
        answer = it.post("/login", form, headers=headers)
    assert answer.status == 403
    assert "only over https" in answer.text


def test_a_session_is_a_cookie_that_no_script_and_no_other_site_gets() -> None:
    with browser(bind="0.0.0.0") as it:
        answer = it.sign_in("token-of-ann")
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = next(c for c in answer.headers.getall("Set-Cookie") if c.startswith(COOKIE))
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert "Path=/" in cookie
        assert "token-of-ann" not in cookie
        assert it.get("/").status == 200


def test_a_wrong_token_signs_nobody_in() -> None:
    with browser(bind="0.0.0.0") as it:
        answer = it.sign_in("token-of-nobody")
        assert answer.status == 403
        assert "token-of-nobody" not in answer.text
        assert it.get("/").status == 303


@pytest.mark.parametrize("csrf", ["", "guessed"])
def test_another_site_signs_nobody_in(csrf: str) -> None:
    with browser() as it:
        it.get("/login")
        answer = it.post("/login", {"csrf": csrf, "token": "token-of-ann"})
        assert answer.status == 403
        assert COOKIE not in [c.key for c in it.cookies]


def test_signing_out_ends_the_session_and_not_only_the_cookie() -> None:
    with browser(bind="0.0.0.0") as it:
        it.sign_in("token-of-ann")
        kept = next(c.value for c in it.cookies if c.key == COOKIE)
        assert it.post("/logout", {"csrf": "guessed"}).status == 403
        csrf = hidden(it.get("/").text, "csrf")
        assert it.post("/logout", {"csrf": csrf}).status == 303
        assert it.get("/", headers={"Cookie": f"{COOKIE}={kept}"}).status == 303


def test_a_session_ends_by_itself() -> None:
    clock = [0.0]
    access = Access(Settings(_env_file=None, tokens="ann:analyst:s"), lambda: clock[0])
    person = access.bearer("s", "127.0.0.1")
    assert person is not None
    cookie, _ = access.open(person)

    class Request:
        cookies = {COOKIE: cookie}  # noqa: RUF012

    request: Any = Request()
    clock[0] = LASTS - 1
    assert access.session(request) is not None
    clock[0] = LASTS + 1
    assert access.session(request) is None


# ---------------------------------------------------------------- who decides


def test_nobody_decides_without_a_token() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        assert it.post(f"/proposals/{PROPOSAL}/decide", APPROVE).status == 401
        assert it.post("/alerts/decide", ACKNOWLEDGE).status == 401
        assert (
            it.ask("POST", f"/api/v1/proposals/{PROPOSAL}/decision", json={"action": "reject"}).status == 401
        )
        assert (
            it.ask("POST", f"/api/v1/alerts/{ALERT}/decision", json={"action": "acknowledge"}).status == 401
        )
    assert kept.events == []


@pytest.mark.parametrize("reachable", [{}, {"proxies": ("127.0.0.1",)}])
def test_a_person_whose_session_has_ended_is_led_to_the_sign_in(reachable: dict[str, Any]) -> None:
    with browser(**reachable) as it:
        answer = it.post("/alerts/decide", ACKNOWLEDGE)
    assert answer.status == 401
    assert "ign in" in answer.text.partition('class="note bad"')[2].partition("</p>")[0]
    assert '<a href="/login">Sign in</a> ·' in answer.text
    assert "Bearer" not in answer.text


@pytest.mark.parametrize("csrf", ["", "guessed"])
def test_a_cookie_alone_decides_nothing(csrf: str) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-cora")
        assert it.post(f"/proposals/{PROPOSAL}/decide", {**APPROVE, "csrf": csrf}).status == 403
        assert it.post("/alerts/decide", {**ACKNOWLEDGE, "csrf": csrf}).status == 403
        body = {"action": "acknowledge"}
        headers = {"X-CSRF-Token": csrf}
        assert it.ask("POST", f"/api/v1/alerts/{ALERT}/decision", json=body, headers=headers).status == 403
    assert kept.events == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_decides_nothing_even_with_everything_right(headers: dict[str, str]) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-cora")
        csrf = hidden(it.get(f"/proposals/{PROPOSAL}").text, "csrf")
        assert (
            it.post(f"/proposals/{PROPOSAL}/decide", {**APPROVE, "csrf": csrf}, headers=headers).status == 403
        )
    assert kept.events == []


def test_a_decision_carries_the_name_and_role_of_the_token_and_nothing_that_the_form_says_of_them() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-mo")
        csrf = hidden(it.get(f"/proposals/{PROPOSAL}").text, "csrf")
        form = {**APPROVE, "csrf": csrf, "actor": "cora", "role": "controller", "note": "agreed by phone"}
        answer = it.post(f"/proposals/{PROPOSAL}/decide", form)
        assert answer.status == 303
    assert kept.events == [
        {
            "event_id": f"page-{ONCE}-approve-{PROPOSAL}", "type": "proposal.approved", "account_id": ACCOUNT,
            "occurred_at": "2026-05-03T09:30:00Z", "source": "bellwether-page", "proposal_id": PROPOSAL, "actor": "mo",
            "role": "manager", "limit": "32000.00", "currency": "EUR", "note": "agreed by phone",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "approver", "status"),
    [
        ("vera", "analyst", 403), ("ann", "analyst", 202), ("ann", "manager", 403), ("ann", "controller", 403),
        ("mo", "analyst", 202), ("mo", "manager", 202), ("mo", "controller", 403), ("cora", "controller", 202),
        ("mo", "auto", 403), ("mo", "a-new-role", 403),
    ],
)  # fmt: skip
def test_approving_takes_a_role_at_or_above_the_approver(name: str, approver: str, status: int) -> None:
    kept = KeptDecisions()
    store = MemoryStore(proposal=[proposal(approver=approver)])
    with browser(store, kept) as it:
        path = f"/api/v1/proposals/{PROPOSAL}/decision"
        assert it.ask("POST", path, json={"action": "approve"}, headers=bearer(name)).status == status
    assert len(kept.events) == (status == 202)


def test_a_viewer_decides_nothing() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-vera")
        page = it.get(f"/proposals/{PROPOSAL}").text
        assert f"/proposals/{PROPOSAL}/decide" not in page
        csrf = hidden(page, "csrf")
        assert it.post("/alerts/decide", {**ACKNOWLEDGE, "csrf": csrf}).status == 403
    assert kept.events == []


def test_a_second_click_is_the_same_event() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-mo")
        csrf = it.get("/alerts").text
        form = {**ACKNOWLEDGE, "csrf": hidden(csrf, "csrf")}
        for _ in range(2):
            assert it.post("/alerts/decide", form).status == 303
    assert len({e["event_id"] for e in kept.events}) == 1


def test_what_cleared_meanwhile_keeps_nobody_from_acknowledging_the_others() -> None:
    kept, rows = KeptDecisions(), [alert(), alert(alert_id="gone", status="cleared")]
    with browser(MemoryStore(alerts_of=rows), kept) as it:
        it.sign_in("token-of-mo")
        form = {**ACKNOWLEDGE, "csrf": hidden(it.get("/alerts").text, "csrf")}
        assert it.post("/alerts/decide", [*form.items(), ("alert_id", "gone")]).status == 303
        assert it.post("/alerts/decide", {**form, "alert_id": "gone"}).status == 409
    assert [e["alert_id"] for e in kept.events] == [ALERT]


def test_another_button_of_the_same_form_is_another_event() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-mo")
        form = {**APPROVE, "csrf": hidden(it.get(f"/proposals/{PROPOSAL}").text, "csrf")}
        for action in ("approve", "reject"):
            assert it.post(f"/proposals/{PROPOSAL}/decide", {**form, "action": action}).status == 303
    assert len({e["event_id"] for e in kept.events}) == 2, (
        "the second would be taken for a repeat of the first"
    )


def test_a_form_that_was_refused_leads_back_to_what_was_decided() -> None:
    with browser() as it:
        it.sign_in("token-of-mo")
        csrf = hidden(it.get(f"/proposals/{PROPOSAL}").text, "csrf")
        refused = it.post(f"/proposals/{PROPOSAL}/decide", {**APPROVE, "csrf": csrf, "limit": "35 000"})
        assert refused.status == 422
        assert f'href="/proposals/{PROPOSAL}"' in refused.text
        refused = it.post("/alerts/decide", {**ACKNOWLEDGE, "csrf": csrf, "action": "snooze", "until": ""})
        assert refused.status == 422
        assert '<a href="/alerts">Back' in refused.text


def test_a_proxy_that_keeps_the_host_to_itself_is_named_as_a_reason() -> None:
    with browser() as it:
        answer = it.post("/login", {"token": "token-of-mo"}, headers={"Origin": "https://credit.example"})
    assert answer.status == 403
    assert "a proxy before the page does not pass Host on" in answer.text
    assert "127.0.0.1:" in answer.text


def test_an_alert_of_another_account_is_not_decided_along() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-mo")
        form = {**ACKNOWLEDGE, "alert_id": "another", "csrf": hidden(it.get("/alerts").text, "csrf")}
        assert it.post("/alerts/decide", form).status == 404
    assert kept.events == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"once": "x"}, 400), ({"once": ""}, 400), ({"action": "delete"}, 400), ({"action": "snooze", "until": ""}, 422),
        ({"action": "snooze", "until": NOW.date().isoformat()}, 422), ({"action": "snooze", "until": "tomorrow"}, 422),
        ({"action": "assign", "owner": "x" * 600}, 422),
    ],
)  # fmt: skip
def test_a_form_that_is_not_whole_sends_nothing(changed: dict[str, str], status: int) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-mo")
        form = {**ACKNOWLEDGE, "csrf": hidden(it.get("/alerts").text, "csrf"), **changed}
        assert it.post("/alerts/decide", form).status == status
    assert kept.events == []


def test_assigning_and_snoozing_say_to_whom_and_until_when() -> None:
    kept = KeptDecisions()
    until = (NOW + timedelta(days=5)).date().isoformat()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-ann")
        form = {**ACKNOWLEDGE, "csrf": hidden(it.get("/alerts").text, "csrf")}
        it.post("/alerts/decide", {**form, "action": "assign", "owner": "north"})
        it.post("/alerts/decide", {**form, "action": "assign", "owner": ""})
        it.post("/alerts/decide", {**form, "action": "snooze", "until": until})
    told = [(e["type"], e["actor"], e.get("owner"), e.get("until")) for e in kept.events]
    assert told == [
        ("alert.assigned", "ann", "north", None),
        ("alert.assigned", "ann", "ann", None),
        ("alert.snoozed", "ann", None, until),
    ]


@pytest.mark.parametrize("limit", ["-5", "1e9", "12.345", "many", "999999999999999999999"])
def test_a_limit_that_is_no_amount_is_not_sent(limit: str) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        path = f"/api/v1/proposals/{PROPOSAL}/decision"
        answer = it.ask("POST", path, json={"action": "approve", "limit": limit}, headers=bearer("cora"))
        assert answer.status == 422
    assert kept.events == []


@pytest.mark.parametrize(
    "limit", ["7700,50", "35.000,00", "48000,00", "1,23", "1,2345", ",500", "35,000,00", "35,00.00"]
)
def test_a_decimal_comma_never_makes_a_limit_a_hundred_times_as_high(limit: str) -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        path = f"/api/v1/proposals/{PROPOSAL}/decision"
        answer = it.ask("POST", path, json={"action": "approve", "limit": limit}, headers=bearer("cora"))
        assert (answer.status, "35000.00" in answer.text) == (422, True)
    assert kept.events == []


@pytest.mark.parametrize(
    ("limit", "currency", "sent"),
    [
        ("35,000", "USD", "35000"),
        ("1,035,000.50", "USD", "1035000.50"),
        (" 35000.5 ", "USD", "35000.5"),
        ("35,000.000", "KWD", "35000.000"),
        ("35,000", "KWD", None),  # thirty-five dinars with three decimals, where a comma is the decimal one
        ("35,000", "JPY", "35000"),
    ],
)
def test_thousands_may_have_their_commas(limit: str, currency: str, sent: str | None) -> None:
    kept = KeptDecisions()
    store = MemoryStore(proposal=[proposal(currency=currency, approver="analyst", proposed_limit="40000")])
    with browser(store, decisions=kept) as it:
        path = f"/api/v1/proposals/{PROPOSAL}/decision"
        it.ask("POST", path, json={"action": "approve", "limit": limit}, headers=bearer("cora"))
    assert [event["limit"] for event in kept.events] == ([] if sent is None else [sent])


def test_what_is_decided_already_is_not_decided_again() -> None:
    kept = KeptDecisions()
    with browser(
        MemoryStore(proposal=[proposal(status="expired")], alert=[alert(status="cleared")]), kept
    ) as it:
        path = f"/api/v1/proposals/{PROPOSAL}/decision"
        assert it.ask("POST", path, json={"action": "reject"}, headers=bearer("cora")).status == 409
        path = f"/api/v1/alerts/{ALERT}/decision"
        assert it.ask("POST", path, json={"action": "acknowledge"}, headers=bearer("cora")).status == 409
    assert kept.events == []


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "https://evil.example/alerts",
        "/\\evil.example",
        "/accounts/\\evil",
        "javascript:alert(1)",
        "",
    ],
)
def test_a_decision_leads_back_to_our_own_pages_only(back: str) -> None:
    with browser() as it:
        it.sign_in("token-of-mo")
        form = {**ACKNOWLEDGE, "csrf": hidden(it.get("/alerts").text, "csrf"), "back": back}
        assert it.post("/alerts/decide", form).headers["Location"] == "/alerts"


@pytest.mark.parametrize(
    "back", ["/alerts?severity=4&sent=page-old&about=other", f"/accounts/{ACCOUNT}?what=events"]
)
def test_a_decision_from_a_list_is_told_there_and_so_is_its_refusal(back: str) -> None:
    store = MemoryStore(alerts_of=[alert(), alert(alert_id="second")])
    with browser(store) as it:
        it.sign_in("token-of-mo")
        form = {**ACKNOWLEDGE, "csrf": hidden(it.get("/alerts").text, "csrf"), "back": back}
        lists = {}
        for outcome, said in {
            "nothing yet": "Your decision was sent.",
            "journalled": "Your decision is in the journal.",
            "refused": "<b>Refused:</b> the alert has cleared",
        }.items():
            rows = [{"outcome": outcome, "reason": "the alert has cleared"}]
            store.answers["decision"] = [] if outcome == "nothing yet" else rows
            lists[outcome] = it.post("/alerts/decide", [*form.items(), ("alert_id", "second")]).headers[
                "Location"
            ]
            assert said in it.get(lists[outcome]).text
        (asked,) = {str(question.parameters) for question in store.asked if question.name == "decision"}
        assert asked == str({"sent": f"page-{ONCE}-acknowledge-", "account_id": ACCOUNT})
        (path,) = set(lists.values())
        assert path.startswith(back.split("&sent")[0])
        assert path.count("sent=") == 1
        assert "sent=" not in it.get(path).text.replace(path.replace("&", "&amp;"), ""), "told once"


# ---------------------------------------------------------------- what leaves


@pytest.mark.parametrize(
    "path", [*PAGES, "/nothing", "/api/v1/alerts", "/static/page.js", "/live", "/accounts?x=1"]
)
def test_every_answer_carries_the_headers(path: str) -> None:
    with browser() as it:
        answer = it.get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert answer.headers["Server"] == "bellwether"
    assert answer.headers["Cache-Control"] == ("no-cache" if path.startswith("/static/") else "no-store")


def test_the_policy_for_content_lets_nothing_inline_run() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy


@pytest.mark.parametrize("path", PAGES)
def test_no_page_needs_what_the_policy_forbids(path: str) -> None:
    with browser() as it:
        it.sign_in("token-of-cora")
        answer = it.get(path)
    assert answer.status == 200
    tags = Tags(answer.text).tags
    assert "main" in [tag for tag, _ in tags]
    for tag, attrs in tags:
        assert tag not in ("style", "iframe", "object", "embed", "base"), tag
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        if tag == "script":
            assert attrs.get("type") == "application/json" or (attrs.get("src") or "").startswith("/static/")
        for name in ("src", "href", "action"):
            assert not (attrs.get(name) or "").startswith(("http", "//", "javascript:")), attrs


def evil_store() -> MemoryStore:
    evil = alert(
        title=EVIL, action=EVIL, account_name=EVIL, owner=EVIL, acknowledged_by=EVIL, trigger=EVIL, policy=EVIL, status=EVIL,
        evidence={"metrics": {EVIL: EVIL, "headline": EVIL}, "thresholds": {EVIL: EVIL}, "event_ids": [EVIL]},
    )  # fmt: skip
    headline = event("news.published", headline=EVIL, url="javascript:alert(1)", domain=EVIL, source=EVIL)
    bad = proposal(
        account_name=EVIL, binding=EVIL, reasons=[EVIL], categories={EVIL: 5}, terms={EVIL: "1.00"}, decided_by=EVIL,
        evidence={"metrics": {EVIL: EVIL}, "alerts": [{"alert_id": EVIL, "trigger": EVIL, "severity": 5}], "event_ids": []},
    )  # fmt: skip
    marker = {"day": NOW.date(), "kind": "alert", "number": 1, "severity": 4, "names": [f"</script>{EVIL}"]}
    return MemoryStore(
        turned=[group(evil)], inbox=[group(evil)], alert=[evil], alerts_of=[evil], alert_life=[{**evil, "reason": EVIL}],
        events=[headline], timeline=[headline, {**headline, "kind": "alert", "title": EVIL}], markers=[marker],
        proposal=[bad], proposals=[bad], proposal_life=[{**bad, "written_at": NOW}], owners=[{"owner": EVIL}],
        letters=[letter(EVIL.encode(), EVIL)], letter=[letter(EVIL.encode(), EVIL)],
        letter_topics=[{"which": "dead", "origin_topic": EVIL, "number": 1, "newest": NOW}],
        decision=[{"outcome": "refused", "reason": EVIL}], decided=[{**MemoryStore().answers["decided"][0], "note": EVIL}],
    )  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, f"/alerts/{ALERT}?sent=x", f"/accounts?q={EVIL}"])
def test_what_came_from_outside_is_text(path: str) -> None:
    with browser(evil_store()) as it:
        it.sign_in("token-of-cora")
        answer = it.get(path)
    assert answer.status == 200
    page = Tags(answer.text)
    assert EVIL not in answer.text
    scripts = [
        attrs for tag, attrs in page.tags if tag == "script" and attrs.get("type") != "application/json"
    ]
    assert len(scripts) == 2, "only ours run"


@pytest.mark.parametrize(
    "path", ["/", "/alerts", f"/alerts/{ALERT}", f"/accounts/{ACCOUNT}", "/dead-letters/dead/0/0"]
)
def test_and_the_text_is_shown(path: str) -> None:
    with browser(evil_store()) as it:
        assert EVIL in Tags(it.get(path).text).text


def test_a_headline_leads_only_where_a_browser_may_go() -> None:
    good = event("news.published", headline="Plant closes", url="https://press.example/1")
    with browser(MemoryStore(events=[good])) as it:
        assert "https://press.example/1" in Tags(it.get(f"/alerts/{ALERT}").text).links()
    for url in (
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "java\nscript:x",
        "//x",
        5,
    ):
        bad = event("news.published", headline="Plant closes", url=url)
        with browser(MemoryStore(events=[bad], timeline=[bad])) as it:
            for path in (f"/alerts/{ALERT}", f"/accounts/{ACCOUNT}"):
                links = Tags(it.get(path).text).links()
                assert not [link for link in links if not link.startswith(("/", "#"))], url


SECRET = "/srv/private/engine.py line 7: password=hunter2"


@pytest.mark.parametrize(
    "path", ["/", "/accounts", "/alerts", "/feeds", "/api/v1/accounts", f"/api/v1/accounts/{ACCOUNT}"]
)
@pytest.mark.parametrize(("error", "status"), [(RuntimeError(SECRET), 500), (Refused(SECRET), 503)])
def test_a_failure_tells_nothing_of_the_inside(path: str, error: Exception, status: int) -> None:
    with browser(MemoryStore(**dict.fromkeys(MemoryStore().answers, error))) as it:
        answer = it.get(path)
    assert answer.status == status
    for word in ("srv", "hunter2", "Traceback", "engine.py", "streams", "aiohttp"):
        assert word not in answer.text
    if path.startswith("/api/"):
        assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_a_failure_leaves_no_token_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("console")
    try:
        with browser(MemoryStore(alerts=RuntimeError("out of order"))) as it:
            assert it.get("/api/v1/alerts", headers=bearer("ann")).status == 500
    finally:
        structlog.reset_defaults()
    said = capfd.readouterr()
    assert "out of order" in said.err
    assert "token-of" not in said.err + said.out


def test_kafka_that_does_not_take_a_decision_is_told_as_such() -> None:
    kept = KeptDecisions(error=Refused(SECRET))
    with browser(decisions=kept) as it:
        path = f"/api/v1/alerts/{ALERT}/decision"
        answer = it.ask("POST", path, json={"action": "acknowledge"}, headers=bearer("ann"))
    assert answer.status == 503
    assert "hunter2" not in answer.text


# ---------------------------------------------------------------- what comes in


@pytest.mark.parametrize(
    "path",
    [
        "/accounts?sort=price", "/accounts?tier=higher", "/accounts?severity=9", "/accounts?severity=x", "/accounts?limit=0",
        "/accounts?limit=100000", "/accounts?q=a&q=b", "/accounts?unknown=1", f"/accounts?q={'x' * 101}", "/accounts?q=%00",
        "/alerts?state=gone", "/alerts?when=tomorrow", "/proposals?state=x", "/proposals?approver=boss",
        "/dead-letters?which=x", f"/accounts/{ACCOUNT}?what=x", f"/alerts/{ALERT}?unknown=1", "/api/v1/alerts?history=maybe",
        "/api/v1/alerts?limit=1000000",
    ],
)  # fmt: skip
def test_what_a_list_does_not_know_is_refused(path: str) -> None:
    store = MemoryStore()
    with browser(store) as it:
        assert it.get(path).status == 400
    assert {question.name for question in store.asked} <= {"as_of"}


@pytest.mark.parametrize("path", ["/accounts/", "/alerts/", "/proposals/", "/api/v1/accounts/"])
@pytest.mark.parametrize("name", ["C%01", "C%1f", "C%7f", "%0aC", "x" * 201])
def test_no_id_is_asked_for_that_nobody_can_have(path: str, name: str) -> None:
    store = MemoryStore()
    with browser(store) as it:
        assert it.get(URL(path + name, encoded=True)).status == 404
    assert {question.name for question in store.asked} <= {"as_of"}


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "bm90IGpzb24",
        "W10",
        "WzEsMiwzLDQsNSw2XQ",
        "WyJhIiwxXQ",
        "WzFlNDAwLCJhIl0",
        "eyJhIjoxfQ",
        "W251bGwsbnVsbF0",
    ],
)
@pytest.mark.parametrize(
    "path", ["/accounts", "/alerts", "/proposals", "/dead-letters", f"/accounts/{ACCOUNT}", "/api/v1/alerts"]
)
def test_a_cursor_that_was_not_made_here_is_refused(path: str, cursor: str) -> None:
    with browser() as it:
        assert it.get(f"{path}?after={cursor}").status == 400


def test_a_cursor_holds_numbers_that_the_store_can_hold() -> None:
    with browser() as it:
        assert it.get("/dead-letters?after=WzEsMSwxXQ").status == 200
        assert (
            it.get("/dead-letters?after=WzE4NDQ2NzQ0MDczNzA5NTUxNjE2LDEsMV0").status == 400
        )  # [2**64, 1, 1]


def test_a_request_brings_little() -> None:
    kept = KeptDecisions()
    with browser(decisions=kept) as it:
        it.sign_in("token-of-mo")
        csrf = hidden(it.get("/alerts").text, "csrf")
        big = {**ACKNOWLEDGE, "csrf": csrf, "owner": "x" * (BODY + 1)}
        assert it.post("/alerts/decide", big).status == 413
        many = [*{**ACKNOWLEDGE, "csrf": csrf}.items(), *[("alert_id", str(n)) for n in range(100)]]
        assert it.post("/alerts/decide", many).status == 400
    assert kept.events == []


def test_static_files_are_those_of_the_page_and_no_others() -> None:
    with browser() as it:
        assert it.get("/static/page.css").status == 200
        for path in (
            "/static/",
            "/static/../app.py",
            "/static/..%2fapp.py",
            "/static/%2e%2e/app.py",
            "/static//etc/passwd",
        ):
            assert it.get(path).status in (403, 404), path


def test_nothing_but_decisions_is_ever_written() -> None:
    with browser() as it:
        writing = {
            route.resource.canonical
            for route in it.client.app.router.routes()
            if route.method not in ("GET", "HEAD") and route.resource is not None
        }
    assert writing == {
        "/login", "/logout", "/alerts/decide", "/proposals/{id}/decide", "/api/v1/alerts/{id}/decision",
        "/api/v1/proposals/{id}/decision",
    }  # fmt: skip

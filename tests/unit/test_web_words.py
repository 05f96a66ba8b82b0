"""How the page puts amounts, days, ages and figures; links that are none; cursors; the link that a demo prints."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.triggers import TRIGGERS
from streams.errors import Refused
from streams.settings import Settings
from streams.web import charts, cursor, words
from streams.web.address import at_hand, sign_in_link
from streams.web.pages import compared
from streams.web.security import Access
from tests.web_kit import MemoryStore, browser

NOW = datetime(2026, 5, 3, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "currency", "said"),
    [
        (Decimal("14549.5000"), "EUR", "14,549.50 EUR"),
        ("1234567.8", "JPY", "1,234,568 JPY"),
        ("12.345", "KWD", "12.345 KWD"),
        ("-0.001", "USD", "0.00 USD"),
        (None, "USD", "–"),
        (0, None, "0.00"),
    ],
)
def test_money_stands_with_its_currency(value: Any, currency: str | None, said: str) -> None:
    assert words.money(value, currency) == said


def test_a_figure_with_nothing_behind_it_is_no_zero() -> None:
    for put in (words.money, words.whole, words.short, words.percent, words.days, words.number, words.day):
        assert put(None) == words.NOTHING


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (999, "999 USD"),
        (1500, "1.5 k USD"),
        (2_345_678, "2.3 M USD"),
        (345_678_901, "346 M USD"),
        (-4e9, "-4.0 bn USD"),
    ],
)
def test_headlines_are_short(value: float, said: str) -> None:
    assert words.short(value, "USD") == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2026, 5, 2), "2 May 2026"),
        ("2026-05-02", "2 May 2026"),
        ("2026-05-02T22:00:00Z", "2 May 2026"),
        ("soon", "soon"),
        (None, "–"),
    ],
)
def test_days_are_plain(value: Any, said: str) -> None:
    assert words.day(value) == said


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (timedelta(seconds=5), "5 s"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=9), "9 d"),
    ],
)
def test_ages_are_told_in_the_largest_unit(back: timedelta, said: str) -> None:
    assert words.age(NOW - back, NOW) == said
    assert words.age((NOW - back).replace(tzinfo=None), NOW) == said, "the store's instants are UTC"


def test_what_was_never_is_never() -> None:
    assert words.age(None, NOW) == "never"


@given(st.text(max_size=30))
def test_no_link_leads_anywhere_but_the_web(text: str) -> None:
    found = words.web_link(text)
    assert found is None or found.lower().startswith(("http://", "https://"))
    assert words.web_link(f"javascript:{text}") is None
    assert words.web_link(f" https://{text}") is None


def test_every_trigger_that_has_figures_tells_them_in_a_few_words() -> None:
    assert set(words._FACTS) <= {trigger.id for trigger in TRIGGERS}
    evidence = {"metrics": {"dtp_90d": 45.2, "dtp_baseline": 28.0}}
    assert words.facts("payment_drift", evidence, "USD") == "45.2 d to pay, was 28.0 d"
    assert words.facts("payment_drift", {"metrics": {}}, "USD") == ""
    assert words.facts("payment_drift", "no json", "USD") == ""
    assert words.facts("unheard_of", evidence, "USD") == ""


def test_figures_stand_beside_their_thresholds_and_the_level_at_which_they_clear() -> None:
    evidence = {
        "metrics": {"exposure": "120.00", "utilization": 1.2, "fx_driven": False},
        "thresholds": {"utilization": 1.0, "clear_utilization": 0.95, "amount_base": "no_rate"},
    }
    rows = compared(evidence, "EUR")
    assert rows[0] == {"name": "Exposure / limit", "value": "120 %", "threshold": "100 %", "clears": "95 %"}
    assert [row["name"] for row in rows] == [
        "Exposure / limit",
        "Amount, base currency",
        "Exposure",
        "Moved by a rate of exchange alone",
    ]
    assert rows[1]["threshold"] == "no rate of exchange"
    assert compared({"metrics": [], "thresholds": None}, "EUR") == []


@given(
    st.lists(
        st.one_of(
            st.text(max_size=20),
            st.integers(-(2**63), 2**63 - 1),
            st.floats(allow_nan=False, allow_infinity=False),
        )
    )
)
def test_a_cursor_comes_back_as_it_was(values: list[Any]) -> None:
    read = cursor.read(cursor.written(values), *(type(value) for value in values))
    assert read == (values or None) or read == values


def test_a_chart_says_the_same_in_words_and_in_a_table() -> None:
    rows = [
        {
            "as_of": date(2026, 1, n),
            "exposure": Decimal(n),
            "open_balance": None,
            "credit_limit": Decimal(5),
            "dtp_90d": 30.0 + n,
        }
        | {"dtp_baseline": 30.0, "dbt_90d": None}
        for n in (1, 2, 3)
    ]
    balance, days = charts.account(rows, [], "EUR")
    assert balance["series"][0]["values"] == [1.0, 2.0, 3.0]
    assert balance["series"][1]["values"] == [None, None, None], "nothing is no zero"
    assert days["x"][0] == 1767225600
    said = charts.says_account(rows, "EUR")
    assert "from 1 EUR to 3 EUR against a limit of 5 EUR" in said
    assert "31 to 33" in said
    many = charts.thinned([{"n": n} for n in range(500)])
    assert many[-1] == {"n": 499}
    assert len(many) <= 60


def test_marks_beneath_a_chart_say_the_day_and_what_happened() -> None:
    alerts = {
        "day": date(2026, 1, 2),
        "kind": "alert",
        "severity": 4,
        "names": ["Over limit", "New charge"],
        "number": 2,
    }
    paid = {"day": date(2026, 1, 3), "kind": "payment.received", "severity": 0, "names": [], "number": 3}
    balance, days = charts.account([], [alerts, paid], "EUR")
    assert balance["marks"] == days["marks"]
    assert [(mark["lane"], mark["severity"], mark["text"]) for mark in days["marks"]] == [
        (0, 4, "2 Jan 2026: alert of severity 4: Over limit; New charge"),
        (2, 0, "3 Jan 2026: 3 × payment received"),
    ]


def test_bars_are_as_wide_as_their_amounts() -> None:
    bars = charts.bars([("a", Decimal(50)), ("b", Decimal(25)), ("c", None), ("d", Decimal(-5))])
    assert [bar["width"] for bar in bars] == [100.0, 50.0, 0.0, 0.0]


def test_old_figures_are_marked_as_stale_with_their_age() -> None:
    old = [{"day": NOW.date() - timedelta(days=12), "stored": NOW - timedelta(days=12)}]
    with browser(MemoryStore(as_of=old)) as it:
        assert "stale: 12 days old" in it.get("/").text
    with browser() as it:
        assert "stale:" not in it.get("/").text


def test_a_silent_feed_is_marked() -> None:
    row = {
        "type": "payment.received",
        "source": "bank",
        "number": 1,
        "newest": NOW - timedelta(days=9),
        "arrived": NOW,
    }
    with browser(MemoryStore(feeds=[row])) as it:
        text = it.get("/feeds").text
    assert ">stale<" in text
    assert text.count(">silent<") == 3, "those that never sent anything"
    assert text.count(">not watched<") == 2, "people decide and open accounts when they do"


def test_how_long_a_feed_may_be_silent_is_a_setting() -> None:
    row = {
        "type": "news.published",
        "source": "wire",
        "number": 1,
        "newest": NOW - timedelta(days=5),
        "arrived": NOW,
    }
    for days, said in (("news=5", ">fresh<"), ("news=4", ">stale<"), ("bureau=4", ">not watched<")):
        with browser(MemoryStore(feeds=[row]), feed_days=days) as it:
            feed = it.get("/feeds").text.partition(">news</th>")[2].partition("</tr>")[0]
        assert said in feed, days


@pytest.mark.parametrize("text", ["new=4", "news", "news=", "news=0", "news=-1", "news=many"])
def test_a_feed_or_a_number_of_days_that_can_not_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write it as feed=days"):
        Settings(_env_file=None, feed_days=text)


def test_a_new_store_says_that_there_is_nothing_yet() -> None:
    empty: dict[str, Any] = {
        name: []
        for name in MemoryStore().answers
        if name not in ("as_of", "totals", "turned_count", "accounts_found")
    }
    totals = {
        **MemoryStore().answers["totals"][0],
        "accounts": 0,
        "exposure": None,
        "currency": None,
        "dtp": None,
    }
    totals |= {name: None for name in totals if name.endswith("_base")} | {"newest_day": date(1970, 1, 1)}
    store = MemoryStore(
        **empty, totals=[totals], as_of=[{"day": date(1970, 1, 1), "stored": datetime(1970, 1, 1)}]
    )
    with browser(store) as it:
        page = it.get("/").text
        assert "There are no figures yet" in page
        assert "the store holds nothing yet" in page
        assert " d ago" not in page
        assert "<figure>" not in page
        for path in ("/accounts", "/alerts", "/proposals", "/dead-letters", "/feeds"):
            assert it.get(path).status == 200
        for path in ("/accounts/x", "/alerts/x", "/proposals/x", "/dead-letters/dead/1/1"):
            assert it.get(path).status == 404


# ---------------------------------------------------------------- the link that demo and dev print


def test_a_demo_prints_a_link_that_signs_in_and_no_request_carries_the_token() -> None:
    made = at_hand(Settings(_env_file=None))
    link = sign_in_link(made)
    token = link.partition("#")[2]
    assert link.startswith("http://127.0.0.1:")
    assert len(token) >= 32
    person = Access(made).bearer(token, "127.0.0.1")
    assert person is not None
    assert (person.name, person.role) == ("me", "controller")
    assert sign_in_link(at_hand(Settings(_env_file=None))) != link, "each start has its own"


def test_tokens_that_are_set_are_not_added_to_and_never_printed() -> None:
    made = at_hand(Settings(_env_file=None, tokens="ann:analyst:secret"))
    assert list(made.tokens) == ["ann:analyst"]
    assert "secret" not in sign_in_link(made)


def test_a_port_that_is_taken_is_left_to_its_owner() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert at_hand(Settings(_env_file=None, web_port=taken)).web_port not in (0, taken)
    assert at_hand(Settings(_env_file=None, web_port=0)).web_port != 0


def test_a_demo_that_others_could_reach_asks_for_tokens() -> None:
    with pytest.raises(Refused, match="BELLWETHER_TOKENS"):
        at_hand(Settings(_env_file=None, bind="0.0.0.0"))

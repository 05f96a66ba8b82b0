"""Few payments beside their segment, as the page and the API tell it: who is compared with whom, and where nothing is said."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from streams.web.segments import Shrunk, days_to_pay
from tests.rules import POLICY_TEXT
from tests.web_kit import ACCOUNT, MemoryStore, Tags, browser, figures

FEW = figures(dtp_365d=60.0, payment_runs_365d=3)


def told(figures_: dict[str, Any] | None = FEW, **answers: Any) -> Shrunk | None:
    return asyncio.run(days_to_pay(MemoryStore(**answers), figures_))


def policy(old: str = "", new: str = "") -> list[dict[str, str]]:
    assert old in POLICY_TEXT
    return [{"text": POLICY_TEXT.replace(old, new)}]


def test_it_is_drawn_towards_its_industry_whatever_the_case_of_its_spelling() -> None:
    others = [
        {"industry": "machinery", "accounts": 2, "days": 60.0},
        {"industry": "MACHINERY", "accounts": 1, "days": 60.0},
        {"industry": "logistics", "accounts": 9, "days": 9000.0},
    ]
    assert told(days_to_pay_of_others=others) == Shrunk(47.5, 60.0, 3, 40.0, 3, "Machinery", "Machinery")
    street = [{"industry": "STRASSENBAU", "accounts": 1, "days": 40.0}]  # as the policy's overrides fold it
    found = told(days_to_pay_of_others=street, industry=[{"industry": "Straßenbau"}])
    assert found is not None
    assert found.segment == "Straßenbau"


@pytest.mark.parametrize(
    ("industry", "known"), [([], None), ([{"industry": "Mining"}], "Mining")], ids=["unknown", "alone in it"]
)
def test_without_a_segment_of_its_own_it_is_the_whole_book(
    industry: list[dict[str, str]], known: str | None
) -> None:
    # 2 accounts of 60 days in all, 1 of 20, 3 of 120: 200 / 6
    mean = 200 / 6
    assert told(industry=industry) == Shrunk(
        pytest.approx((3 * 60 + 5 * mean) / 8),  # type: ignore[arg-type]
        60.0, 3, pytest.approx(mean), 6, None, known,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("figures_", "answers"),
    [
        (None, {}),
        (figures(dtp_365d=None, payment_runs_365d=0), {}),
        (figures(dtp_365d=60.0, payment_runs_365d=12), {}),  # CUSUM's, the last of the tests, from 12
        (FEW, {"days_to_pay_of_others": []}),
        (FEW, {"policy_in_force": []}),
        (FEW, {"policy_in_force": [{"text": "drift = 'of another version'"}]}),
        (FEW, {"policy_in_force": policy("segment_weight = 5", "segment_weight = 0")}),
    ],
    ids=["no figures", "no payment", "enough payments", "nobody else", "no policy", "unreadable", "weight 0"],
)
def test_nothing_is_said_where_there_is_nothing_to_say(
    figures_: dict[str, Any] | None, answers: dict[str, Any]
) -> None:
    assert told() is not None
    assert told(figures_, **answers) is None


def test_the_book_is_not_asked_for_an_account_with_enough_payments() -> None:
    store = MemoryStore()
    asyncio.run(days_to_pay(store, figures(dtp_365d=60.0, payment_runs_365d=12)))
    assert "days_to_pay_of_others" not in {question.name for question in store.asked}


def test_the_weight_is_the_policys() -> None:
    assert told(policy_in_force=policy("segment_weight = 5", "segment_weight = 1")) == Shrunk(
        55.0, 60.0, 3, 40.0, 3, "Machinery", "Machinery"
    )


def page(**answers: Any) -> str:
    with browser(MemoryStore(figures=[FEW], **answers)) as it:
        answer = it.get(f"/accounts/{ACCOUNT}")
    assert answer.status == 200
    return " ".join(Tags(answer.text).text.split())


def test_the_page_says_it_in_words() -> None:
    text = page()
    assert re.search(r"Days to pay, a year ?60 ?47\.5 with its industry", text)
    assert (
        "Few payments: 60 days to pay rest on 3 payment runs in a year. The 3 other accounts that paid in Machinery took, on "
        "average, 40 days; weighed together, 47.5." in text
    )
    assert "alerts, score and limit stand on the account’s own payments" in text
    unknown = page(industry=[])
    assert "of the whole book (its industry is not known), took, on average, 33.3 days" in unknown
    assert "with the book" in unknown
    mining = page(industry=[{"industry": "<b>Mining"}])
    assert "of the whole book (nobody else in <b>Mining did)," in mining
    one = page(days_to_pay_of_others=[{"industry": "machinery", "accounts": 1, "days": 40.0}])
    assert "The only other account that paid in Machinery took 40 days;" in one


def test_the_page_says_nothing_where_payments_are_enough() -> None:
    with browser() as it:
        assert "Few payments" not in it.get(f"/accounts/{ACCOUNT}").text


def test_a_program_reads_the_same() -> None:
    with browser(MemoryStore(figures=[FEW])) as it:
        few = it.get(f"/api/v1/accounts/{ACCOUNT}").json
    with browser() as it:
        enough = it.get(f"/api/v1/accounts/{ACCOUNT}").json
    assert few["days_to_pay_shrunk"] == {
        "value": 47.5, "own": 60.0, "runs": 3, "mean": 40.0, "accounts": 3, "segment": "Machinery",
        "industry": "Machinery",
    }  # fmt: skip
    assert few["figures"]["dtp_365d"] == 60.0, "the figure itself is as it was measured"
    assert enough["days_to_pay_shrunk"] is None

"""What explain says would clear or fire an alert is done: the events are added to a book, which is folded anew.

So much does it, and a step less does not. What is said of supposed figures is tests/unit/test_explain_changes.py.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from agents.explain import Row
from agents.triggers import BY_ID
from streams.commands.explain import laid_out
from streams.explain import File, explained, refold
from tests.rules import POLICY_TEXT, STRONG
from tests.unit.test_explain_changes import (
    FIRST,
    OPENED,
    PAST,
    asked,
    invoice,
    payment,
    tick,
    ticked,
    written,
)
from tests.unit.test_explain_changes import LATER as NEXT

DAY = timedelta(days=1)
Done = Callable[[date, Decimal], list[Row]]
"""The events of a day that do what was told with an amount."""
Say = Callable[[date, Decimal], Row]
"""What an agency or a registry says on a day."""


def cleared_by(path: Path, facts: list[Row], trigger_id: str) -> list[str]:
    """What explain says would clear the open alert of this trigger."""
    source = File(written(path / "told.jsonl", facts), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (now,) = [
        row["now"]
        for case in told.cases.values()
        if case.trigger == trigger_id and (row := explained(told, case))["now"] is not None
    ]
    return [change["words"] for change in now["clears"]]


def fired_by(path: Path, facts: list[Row], trigger_id: str) -> list[str]:
    """What explain says would make the quiet trigger fire."""
    return [
        change["words"] for change in asked(written(path / "told.jsonl", facts), trigger_id)["would_fire"]
    ]


def is_open(path: Path, facts: list[Row], trigger_id: str) -> bool:
    return asked(written(path / "done.jsonl", facts), trigger_id)["open_alert"] is not None


def amount_in(words: str, *, at: int = 0) -> Decimal:
    return Decimal(re.findall(r"([\d,]+\.\d\d) USD", words)[at].replace(",", ""))


# --- News that never fades ------------------------------------------------------------------------------------


def article(number: int, on: date, category: str, confidence: float | None = None, **fields: Any) -> Row:
    told: Row = {
        "type": "news.published", "at": on, "article_id": f"n{number}", "headline": f"Story {number}",
        "url": "https://reuters.com/1", "domain": "reuters.com", "category": category,
        "published_at": f"{FIRST + 3 * DAY}T08:00:00Z",
    }  # fmt: skip
    return told | fields | ({} if confidence is None else {"confidence": confidence})


def discharge(on: date, filed: date) -> Row:
    return {
        "type": "bureau.filed", "at": on, "filing_id": "f1", "kind": "insolvency", "status": "discharged",
        "filed_on": filed.isoformat(),
    }  # fmt: skip


PUBLISHED = FIRST + 3 * DAY
LATER = FIRST + 10 * DAY


@pytest.mark.parametrize("category", ["bankruptcy", "sanctions", "fraud"])
def test_an_article_that_is_about_somebody_else_is_told_again_and_clears_the_alert(
    tmp_path: Path, category: str
) -> None:
    facts = ticked([*OPENED, article(1, PUBLISHED, category)], FIRST, LATER)
    words = cleared_by(tmp_path, facts, "adverse_news")[-1]
    told = float(re.findall(r"match confidence ([\d.]+) or less", words)[0])
    assert words == (
        f"article n1 told again as about somebody else: match confidence {told:g} or less (now 1)"
    )
    for confidence, still in ((told, False), (told + 0.01, True)):
        corrected = article(1, LATER + DAY, category, confidence)
        after = [*facts, corrected, tick(LATER + DAY)]
        assert is_open(tmp_path, after, "adverse_news") is still, confidence


def test_a_registrys_article_about_somebody_else_is_told_again_and_clears_the_insolvency(
    tmp_path: Path,
) -> None:
    def told(on: date, confidence: float) -> Row:
        return article(1, on, "bankruptcy", confidence, source_kind="registry")

    facts = ticked([*OPENED, told(PUBLISHED, 0.9)], FIRST, LATER)
    ended, corrected = cleared_by(tmp_path, facts, "insolvency")
    assert ended == "the proceedings discharged"
    assert (
        corrected == "article n1 told again as about somebody else: match confidence 0.49 or less (now 0.9)"
    )
    for confidence, still in ((0.49, False), (0.5, True)):
        after = [*facts, told(LATER + DAY, confidence), tick(LATER + DAY)]
        assert is_open(tmp_path, after, "insolvency") is still, confidence
    over = [*facts, discharge(LATER + DAY, LATER + DAY), tick(LATER + DAY)]
    assert not is_open(tmp_path, over, "insolvency")
    filed = discharge(PUBLISHED, PUBLISHED) | {"status": "filed"}
    (both,) = cleared_by(tmp_path, ticked([*OPENED, told(PUBLISHED, 0.9), filed], FIRST, LATER), "insolvency")
    assert both == "insolvency f1 discharged", "an article told again leaves the filing"


def test_a_story_of_an_insolvency_ends_with_a_discharge_of_its_day_or_later(tmp_path: Path) -> None:
    facts = ticked([*OPENED, article(1, PUBLISHED, "bankruptcy")], FIRST, LATER)
    assert cleared_by(tmp_path, facts, "adverse_news")[0] == (
        f"a registry filing of {PUBLISHED} or later that the insolvency is discharged"
    )
    for filed, still in ((PUBLISHED, False), (PUBLISHED - DAY, True)):
        after = [*facts, discharge(LATER + DAY, filed), tick(LATER + DAY)]
        assert is_open(tmp_path, after, "adverse_news") is still, filed


def test_of_several_stories_all_that_hold_the_alert_are_named_and_no_other(tmp_path: Path) -> None:
    stories = [
        article(1, PUBLISHED, "bankruptcy"),
        article(2, PUBLISHED, "sanctions"),
        article(3, PUBLISHED, "rumour", 0.1),
    ]
    facts = ticked([*OPENED, *stories], FIRST, LATER)
    (words,) = cleared_by(tmp_path, facts, "adverse_news")
    assert words.startswith("articles n1, n2 told again")
    told = float(re.findall(r"match confidence ([\d.]+) or less", words)[0])
    for confidence, still in ((told, False), (told + 0.01, True)):
        again = [
            article(n, LATER + DAY, category, confidence)
            for n, category in ((1, "bankruptcy"), (2, "sanctions"))
        ]
        after = [*facts, *again, tick(LATER + DAY)]
        assert is_open(tmp_path, after, "adverse_news") is still, confidence


# --- Concentration --------------------------------------------------------------------------------------------

REST = Decimal("9000.00")  # what all other accounts owe


def in_book(facts: list[Row], days: int, accounts: int = 30) -> list[Row]:
    """The facts of an account whose exposure is what was invoiced less what was paid, and ticks with the book's totals of
    the day before."""
    out = list(facts)
    for n in range(days):
        day = FIRST + n * DAY
        mine = Decimal(0)
        for fact in facts:
            if fact["at"] < day and fact["type"] in ("invoice.issued", "payment.received"):
                mine += Decimal(fact["amount"]) * (1 if fact["type"] == "invoice.issued" else -1)
        out.append(tick(day) | {"book_exposure": f"{REST + mine:.2f}", "book_accounts": accounts})
    return out


CENT = Decimal("0.01")


@pytest.mark.parametrize("accounts", [30, 12])
def test_exposure_that_makes_a_concentration_does_so_when_the_book_has_grown_by_it(
    tmp_path: Path, accounts: int
) -> None:
    facts = [OPENED[0], invoice(1, FIRST, "500.00")]
    words = fired_by(tmp_path, in_book(facts, 5, accounts), "concentration")
    assert words[:-1] == ([] if accounts == 30 else ["20 accounts in the book (now 12)"])
    assert words[-1] == "500.01 USD more exposure (exposure 500.00 USD), the rest of the book as it is"
    for more, opens in ((amount_in(words[-1]), True), (amount_in(words[-1]) - CENT, False)):
        then = [*facts, invoice(2, FIRST + 5 * DAY, str(more))]
        assert is_open(tmp_path, in_book(then, 12, max(20, accounts)), "concentration") is opens, more


@pytest.mark.parametrize("accounts", [30, 12])
def test_what_ends_a_concentration_is_told_for_the_next_tick_and_for_good(
    tmp_path: Path, accounts: int
) -> None:
    facts = [OPENED[0], invoice(1, FIRST, "2000.00")]
    history = in_book(facts, 5)
    (words,) = cleared_by(
        tmp_path, [*history[:-1], history[-1] | {"book_accounts": accounts}], "concentration"
    )
    few = "" if accounts == 30 else "20 accounts in the book (now 12) and "
    assert words == (
        f"{few}1,120.01 USD paid, credited or secured (exposure 2,000.00 USD); 1,217.40 USD keeps it so, as the book "
        "shrinks by it too"
    )
    for paid, still in ((amount_in(words), False), (amount_in(words) - CENT, True)):
        then = [*facts, payment(1, FIRST + 5 * DAY, str(paid))]
        assert is_open(tmp_path, in_book(then, 6), "concentration") is still, paid
    for paid, low in ((amount_in(words, at=2), True), (amount_in(words, at=2) - CENT, False)):
        then = [*facts, payment(1, FIRST + 5 * DAY, str(paid))]
        row = asked(written(tmp_path / "done.jsonl", in_book(then, 9)), "concentration")
        (share,) = [c["value"] for c in row["conditions"] if c["figure"] == "share_of_book"]
        assert (share < 0.08) is low, paid


# --- Purchases where nothing was bought before -----------------------------------------------------------------

MONTH = 30 * DAY
QUARTER = [invoice(n, FIRST + timedelta(days=12 * n)) for n in range(8)]


def test_a_collapse_after_which_nothing_was_bought_clears_when_purchases_are_enough_once_more(
    tmp_path: Path,
) -> None:
    last = FIRST + timedelta(days=84 + 130)
    facts = ticked([OPENED[0], *QUARTER], FIRST, last)
    (words,) = cleared_by(tmp_path, facts, "purchases_collapse")
    assert words == (
        "an invoice now, and 30 days later others of more than 25% of it: so long as nothing was bought before, there "
        "is nothing to compare with"
    )
    now = last + DAY
    for amount, still in (("250.01", False), ("250.00", True)):
        again = [invoice(20, now), invoice(21, now + MONTH, amount)]
        after = ticked([*facts, *again], now, now + MONTH)
        assert is_open(tmp_path, after, "purchases_collapse") is still, amount


def test_what_was_bought_lately_counts_as_bought_before_in_time(tmp_path: Path) -> None:
    """Two purchases of the last month: on the day on which the first leaves it, the second alone is enough."""
    last = FIRST + timedelta(days=84 + 150)
    lately = [invoice(20, last - 20 * DAY, "400.00"), invoice(21, last - 5 * DAY, "300.00")]
    facts = ticked([OPENED[0], *QUARTER, *lately], FIRST, last)
    (words,) = cleared_by(tmp_path, facts, "purchases_collapse")
    then = date.fromisoformat(re.findall(r"\d{4}-\d\d-\d\d", words)[0])
    assert then == last + 10 * DAY
    for day, still in ((then, False), (then - DAY, True)):
        assert is_open(tmp_path, ticked(facts, last + DAY, day), "purchases_collapse") is still, day


def test_one_purchase_of_late_asks_for_others_until_it_counts_as_bought_before(tmp_path: Path) -> None:
    last = FIRST + timedelta(days=84 + 135)
    facts = ticked([OPENED[0], *QUARTER, invoice(20, last, "400.00")], FIRST, last)
    (words,) = cleared_by(tmp_path, facts, "purchases_collapse")
    until = last + DAY + MONTH
    assert words == (
        f"100.01 USD invoiced until {until}, when the 400.00 USD of the last 90 days count as bought before"
    )
    for amount, still in (("100.01", False), ("100.00", True)):
        after = ticked([*facts, invoice(21, until, amount)], last + DAY, until)
        assert is_open(tmp_path, after, "purchases_collapse") is still, amount


def test_who_bought_nothing_before_must_buy_and_stop_for_a_collapse(tmp_path: Path) -> None:
    facts = ticked([OPENED[0], invoice(1, FIRST), invoice(2, FIRST)], FIRST, FIRST + 5 * DAY)
    now = FIRST + 6 * DAY
    (words,) = fired_by(tmp_path, facts, "purchases_collapse")
    assert words == f"4 invoices now, and then nothing bought until {now + MONTH}"
    for count, until, holds in (
        (4, now + MONTH, True),
        (3, now + MONTH, False),
        (4, now + MONTH - DAY, False),
    ):
        more = [invoice(10 + n, now) for n in range(count)]
        after = written(tmp_path / "done.jsonl", ticked([*facts, *more], now, until))
        assert asked(after, "purchases_collapse")["holds"] is holds, (count, until)


def test_who_buys_as_ever_need_only_stop(tmp_path: Path) -> None:
    last = FIRST + timedelta(days=100)
    facts = ticked([OPENED[0], *[invoice(n, FIRST + timedelta(days=10 * n)) for n in range(11)]], FIRST, last)
    (words,) = fired_by(tmp_path, facts, "purchases_collapse")
    then = date.fromisoformat(words.removeprefix("time: nothing is bought until "))
    for day, holds in ((then, True), (then - DAY, False)):
        after = written(tmp_path / "done.jsonl", ticked(facts, last + DAY, day))
        assert asked(after, "purchases_collapse")["holds"] is holds, day


def test_a_surge_ends_on_the_day_until_which_nothing_is_bought(tmp_path: Path) -> None:
    book = [
        *paid_after(28, range(30)),
        *[invoice(40 + n, FIRST + timedelta(days=200 + n)) for n in range(20)],
    ]
    last = FIRST + timedelta(days=260)
    facts = ticked([OPENED[0], *book, *[invoice(70 + n, last - n * DAY) for n in range(20)]], FIRST, last)
    words = cleared_by(tmp_path, facts, "order_surge")[1]
    then = date.fromisoformat(words.removeprefix("time: nothing is bought until "))
    for day, still in ((then, False), (then - DAY, True)):
        assert is_open(tmp_path, ticked(facts, last + DAY, day), "order_surge") is still, day


def test_who_bought_enough_of_late_need_only_stop(tmp_path: Path) -> None:
    bought = [invoice(n, FIRST + n * DAY) for n in range(1, 9)]
    last = FIRST + 10 * DAY
    facts = ticked([OPENED[0], *bought], FIRST, last)
    (words,) = fired_by(tmp_path, facts, "purchases_collapse")
    then = date.fromisoformat(words.removeprefix("time: nothing is bought until "))
    for day, holds in ((then, True), (then - DAY, False)):
        after = written(tmp_path / "done.jsonl", ticked(facts, last + DAY, day))
        assert asked(after, "purchases_collapse")["holds"] is holds, day


# --- The tick to come -----------------------------------------------------------------------------------------


def test_what_is_told_counts_at_the_tick_to_come_whose_windows_are_a_day_further(tmp_path: Path) -> None:
    """An invoice of 30 days ago is no longer of the last 30 days when something can next be done."""
    last = FIRST + timedelta(days=84 + 45)
    lately = invoice(20, last - 29 * DAY, "300.00")
    facts = ticked([OPENED[0], *QUARTER, lately], FIRST, last)
    words = cleared_by(tmp_path, facts, "purchases_collapse")[0]
    assert words.endswith("more invoiced in 30 days (now 0.00 USD)")
    for more, still in ((amount_in(words), False), (amount_in(words) - CENT, True)):
        after = ticked([*facts, invoice(21, last + DAY, str(more))], last + DAY, last + DAY)
        assert is_open(tmp_path, after, "purchases_collapse") is still, more


def told_of(path: Path, facts: list[Row], trigger_id: str) -> tuple[Row, str]:
    """Where the open alert stands, and the whole explanation as a person reads it."""
    source = File(written(path / "told.jsonl", facts), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (row,) = [
        row
        for case in told.cases.values()
        if case.trigger == trigger_id and (row := explained(told, case))["now"] is not None
    ]
    return row["now"], on_screen(row)


def on_screen(row: Row) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(laid_out(row))
    return console.export_text()


def test_an_alert_that_time_alone_clears_asks_for_nothing(tmp_path: Path) -> None:
    returned = {"type": "payment.reversed", "at": FIRST + 5 * DAY, "payment_id": "p1",
                "reversed_on": (FIRST + 5 * DAY).isoformat()}  # fmt: skip
    facts = [*OPENED, payment(1, FIRST + 2 * DAY), returned]
    clears = FIRST + timedelta(days=95)
    now, said = told_of(tmp_path, ticked(facts, FIRST, clears - DAY), "payment_reversed")
    assert (now["by_itself"], now["clears"], now["clears_on"]) == (True, [], clears.isoformat())
    assert f"To clear it at the tick of {clears}, all else as it is" in said
    assert "nothing need be done: by time alone it clears" in said
    before, _ = told_of(tmp_path, ticked(facts, FIRST, clears - 2 * DAY), "payment_reversed")
    assert not before["by_itself"]
    assert not is_open(tmp_path, ticked(facts, FIRST, clears), "payment_reversed")


def test_an_account_that_has_lost_its_rate_is_told_to_wait_for_it(tmp_path: Path) -> None:
    """Dollars are owed, and the account's currency becomes one that no rate converts: nothing it owes has a figure."""
    late = FIRST + MONTH + 40 * DAY
    turned = {**OPENED[0], "type": "account.updated", "event_id": "turned", "at": late, "currency": "JPY"}
    facts = ticked([*OPENED, turned], FIRST, late + 2 * DAY)
    now, said = told_of(tmp_path, facts, "past_due_share")
    assert (now["waits_for_rate"], now["by_itself"], now["clears"]) == (True, False, [])
    assert "a rate first: part of what is owed is in a currency that none converts" in " ".join(said.split())
    before, _ = told_of(tmp_path, ticked(OPENED, FIRST, late + 2 * DAY), "past_due_share")
    assert not before["waits_for_rate"]
    assert before["clears"]


def test_what_time_alone_makes_fire_asks_for_nothing(tmp_path: Path) -> None:
    due = FIRST + MONTH
    row = asked(written(tmp_path / "told.jsonl", ticked(OPENED, FIRST, due + 10 * DAY)), "past_due_share")
    assert (row["by_itself"], row["would_fire"]) == (True, [])
    assert f"none: by time alone it holds on {due + 11 * DAY}" in on_screen(row)
    row = asked(written(tmp_path / "told.jsonl", ticked(OPENED, FIRST, due + 9 * DAY)), "past_due_share")
    assert not row["by_itself"]
    assert row["would_fire"]
    said = on_screen(row)
    assert f"The smallest change that would make it fire, from the tick of {due + 10 * DAY} on" in said


# --- Days to pay ----------------------------------------------------------------------------------------------


def paid_after(days: int, numbers: range) -> list[Row]:
    """An invoice a week, due in 30 days, each paid so many days after it was issued."""
    return [
        fact
        for number in numbers
        for issued in (FIRST + timedelta(days=7 * number),)
        for fact in (invoice(number, issued), payment(number, issued + timedelta(days=days)))
    ]


def test_payments_as_of_old_that_are_told_pull_a_drift_back(tmp_path: Path) -> None:
    book = [*paid_after(28, range(30)), *paid_after(50, range(30, 44))]
    last = FIRST + timedelta(days=7 * 43 + 50)
    facts = ticked([OPENED[0], *book], FIRST, last)
    words = cleared_by(tmp_path, facts, "payment_drift_severe")
    assert words[0].startswith("days to pay 50.00 → ")
    assert "paid 28 days after invoice, as it used to be (13,000.00 USD came in 90 days)" in words[1]
    on = last + DAY
    for amount, still in ((amount_in(words[1]), False), (amount_in(words[1]) - CENT, True)):
        more = [invoice(90, on - 28 * DAY, str(amount)), payment(90, on, str(amount))]
        assert is_open(tmp_path, [*facts, *more, tick(on)], "payment_drift_severe") is still, amount


def test_who_has_not_paid_in_a_quarter_clears_a_drift_with_one_payment_in_time(tmp_path: Path) -> None:
    book = [*paid_after(28, range(30)), *paid_after(50, range(30, 44)), invoice(70, FIRST)]
    last = FIRST + timedelta(days=7 * 43 + 50 + 95)
    facts = ticked([OPENED[0], *book], FIRST, last)
    (words,) = cleared_by(tmp_path, facts, "payment_drift_severe")
    latest = int(re.findall(r"any payment (\d+) days or less after its invoice", words)[0])
    on = last + DAY
    for days, still in ((latest, False), (latest + 1, True)):
        more = [invoice(90, on - timedelta(days=days), "10.00"), payment(90, on, "10.00")]
        assert is_open(tmp_path, [*facts, *more, tick(on)], "payment_drift_severe") is still, days


def owing(runs: int, gap: int) -> list[Row]:
    """So many payment runs of 28 days, and three invoices that are open."""
    book: list[Row] = [OPENED[0]]
    for number in range(runs):
        issued = FIRST + timedelta(days=gap * number)
        book += [invoice(number, issued), payment(number, issued + 28 * DAY)]
    last = FIRST + timedelta(days=gap * (runs - 1) + 20)
    owed = [invoice(70 + n, last - n * DAY, "900.00") for n in range(3)]
    return ticked([*book, *owed], FIRST, last + 12 * DAY)


@pytest.mark.parametrize("trigger_id", ["payment_drift", "payment_drift_severe"])
@pytest.mark.parametrize(
    ("runs", "gap"), [(9, 28), (30, 7)]
)  # the EWMA and the CUSUM of so many runs must agree
def test_what_is_owed_and_paid_on_the_day_told_makes_a_drift(
    tmp_path: Path, trigger_id: str, runs: int, gap: int
) -> None:
    facts = owing(runs, gap)
    credit: Row = {
        "type": "invoice.credited",
        "at": FIRST,
        "memo_id": "m1",
        "amount": "50.00",
        "currency": "USD",
    }
    facts.insert(1, credit)  # on account: it pays no invoice
    (words,) = fired_by(tmp_path, facts, trigger_id)
    assert words.startswith("time: the 2,700.00 USD open on invoices are paid on ")
    day = date.fromisoformat(re.findall(r"are paid on (\S+),", words)[0])
    begun = max(fact["at"] for fact in facts)
    for on, holds in ((day, True), (day - DAY, False)):
        late = [payment(70 + n, on, "900.00") for n in range(3)]
        after = ticked([*facts, *late], begun, on)
        assert asked(written(tmp_path / "done.jsonl", after), trigger_id)["holds"] is holds, on


def test_payments_in_time_that_leave_the_window_make_a_drift_of_few_late_ones(tmp_path: Path) -> None:
    """4 of 45 days beside 5 of 28 left within 90 days: 35.6 on average."""
    paid = [*paid_after(28, range(30)), *paid_after(45, range(30, 34))]
    last = FIRST + timedelta(days=7 * 33 + 45)
    facts = ticked([OPENED[0], *paid], FIRST, last)
    day = FIRST + timedelta(days=7 * 24 + 28 + 90)
    assert fired_by(tmp_path, facts, "payment_drift") == [f"time: nothing is paid until {day}"]
    for on, holds in ((day, True), (day - DAY, False)):
        after = written(tmp_path / "done.jsonl", ticked(facts, last + DAY, on))
        assert asked(after, "payment_drift")["holds"] is holds, on


def test_one_late_payment_is_no_slope_of_few_so_the_figures_alone_are_told(tmp_path: Path) -> None:
    words = fired_by(tmp_path, owing(5, 60), "payment_drift")
    assert not any(word.startswith("time") for word in words)
    assert words[-1].startswith("the Theil–Sen test agreeing")


# --- Statements -----------------------------------------------------------------------------------------------


def filed(number: int, on: date, period_end: date) -> Row:
    return {
        "type": "statement.filed", "at": on, "statement_id": f"s{number}", "period_end": period_end.isoformat(),
        "months": 12, "currency": "USD", "figures": STRONG,
    }  # fmt: skip


def lien(on: date) -> Row:
    return {
        "type": "bureau.filed", "at": on, "filing_id": "l1", "kind": "lien", "status": "filed",
        "filed_on": on.isoformat(),
    }  # fmt: skip


def test_a_statement_is_young_enough_at_the_tick_at_which_it_can_first_count(tmp_path: Path) -> None:
    last = FIRST + timedelta(days=500)
    facts = ticked([*OPENED, filed(1, FIRST, FIRST - DAY), lien(FIRST + DAY)], FIRST, last)
    (words,) = cleared_by(tmp_path, facts, "statements_stale")
    told = date.fromisoformat(re.findall(r"ended on (\S+) or later", words)[0])
    on = last + DAY
    for ended, still in ((told, False), (told - DAY, True)):
        after = [*facts, filed(2, on, ended), tick(on)]
        assert is_open(tmp_path, after, "statements_stale") is still, ended


def test_a_tier_that_demands_statements_and_time_make_one_stale(tmp_path: Path) -> None:
    """What makes the tier high is done on the day told: the tick after it asks for the statement."""
    last = FIRST + timedelta(days=300)
    paid = [payment(1, FIRST + 20 * DAY)]
    facts = ticked([*OPENED, *paid, filed(1, FIRST, FIRST - DAY)], FIRST, last)
    tier, time = fired_by(tmp_path, facts, "statements_stale")
    assert "which demands statements: high from grade D or E, or a condition of severity 4 or more" in tier
    told = date.fromisoformat(re.findall(r"stale on (\S+),", time)[0])
    for demanded, until, holds in ((True, told, True), (True, told - DAY, False), (False, told, False)):
        more = [lien(last + DAY)] if demanded else []
        after = written(tmp_path / "done.jsonl", ticked([*facts, *more], last + DAY, until))
        assert asked(after, "statements_stale")["holds"] is holds, (demanded, until)


# --- Opened at the second tick ----------------------------------------------------------------------------------


def limited(amount: str) -> Row:
    return {"type": "account.limit_set", "at": FIRST, "credit_limit": amount, "currency": "USD"}


def due(number: int, on: date, amount: Decimal, due_on: date) -> Row:
    return invoice(number, min(on, due_on), f"{amount:.2f}") | {"at": on, "due_date": due_on.isoformat()}


def aged(days: int) -> Done:
    """The open invoice told anew as two: so much of it so long past due, the rest as it was."""

    def done(on: date, amount: Decimal) -> list[Row]:
        void = {"type": "invoice.voided", "at": on, "invoice_id": "i1"}
        return [void, due(2, on, amount, on - timedelta(days=days)), due(3, on, 10_000 - amount, on + MONTH)]

    return done


def disputed(on: date, amount: Decimal) -> list[Row]:
    return [
        {"type": "invoice.disputed", "at": on, "dispute_id": "d1", "invoice_id": "i1", "amount": f"{amount:.2f}",
         "currency": "USD"},
    ]  # fmt: skip


def disputed_new(on: date, amount: Decimal) -> list[Row]:
    return [invoice(1, on, f"{amount:.2f}"), *disputed(on, amount)]


def bought(on: date, amount: Decimal) -> list[Row]:
    return [invoice(2, on, f"{amount:.2f}")]


def ordered(on: date, amount: Decimal) -> list[Row]:
    order = {"type": "order.booked", "at": on, "order_id": "o1", "amount": f"{amount:.2f}", "currency": "USD"}
    return [order]


OWED = [OPENED[0], invoice(1, FIRST, "10000.00")]
GREW = [OPENED[0], limited("12000.00"), invoice(1, FIRST, "5000.00")]


@pytest.mark.parametrize(
    ("trigger_id", "facts", "days", "done"),
    [
        ("past_due_share", OWED, 5, aged(11)),
        ("seriously_past_due", OWED, 5, aged(61)),
        ("delinquent", OWED, 5, aged(91)),
        ("dispute_spike", OWED, 5, disputed),
        ("dispute_spike", OPENED[:1], 5, disputed_new),
        ("utilization_high", [*OWED, limited("20000.00")], 5, bought),
        ("utilization_high", [*OWED, limited("20000.00")], 5, ordered),
        ("over_limit", [*OWED, limited("20000.00")], 5, ordered),
        ("exposure_without_limit", OPENED[:1], 5, ordered),
        ("new_high_credit", GREW, 200, bought),
    ],
)
def test_the_amount_told_opens_the_alert_and_a_cent_less_does_not(
    tmp_path: Path, trigger_id: str, facts: list[Row], days: int, done: Done
) -> None:
    last = FIRST + timedelta(days=days)
    history = ticked(facts, FIRST, last)
    (words,) = fired_by(tmp_path, history, trigger_id)
    on = last + DAY
    for amount, opens in ((amount_in(words), True), (amount_in(words) - CENT, False)):
        events = done(on, amount) if amount else []
        after = ticked([*history, *events], on, on + DAY)
        assert is_open(tmp_path, after, trigger_id) is opens, words
        needed = BY_ID[trigger_id].immediate
        assert is_open(tmp_path, ticked([*history, *events], on, on), trigger_id) is (opens and needed)


def test_time_that_is_told_opens_a_surprise_at_the_tick_after_its_day(tmp_path: Path) -> None:
    facts = ticked([*PAST, invoice(20, NEXT)], FIRST, NEXT + timedelta(days=33))
    (words,) = fired_by(tmp_path, facts, "overdue_surprise")
    told = date.fromisoformat(re.findall(r"until (\S+),", words)[0])
    begun = NEXT + timedelta(days=34)
    assert not is_open(tmp_path, ticked(facts, begun, told), "overdue_surprise")
    assert is_open(tmp_path, ticked(facts, begun, told + DAY), "overdue_surprise")


def in_parts(number: int, on: date) -> list[Row]:
    first = payment(number, on, "400.00")
    second = payment(number, on + DAY, "600.00") | {"payment_id": f"q{number}"}
    return [invoice(number, on - MONTH) | {"at": on}, first, second]


def test_as_many_invoices_paid_in_parts_as_are_told(tmp_path: Path) -> None:
    book = paid_after(28, range(6))
    last = FIRST + timedelta(days=80)
    history = ticked([OPENED[0], *book], FIRST, last)
    (words,) = fired_by(tmp_path, history, "partial_payments")
    assert words == "3 of the last five paid invoices paid in parts (now 0)"
    on = last + DAY
    for count, opens in ((3, True), (2, False)):
        parts = [fact for n in range(count) for fact in in_parts(70 + n, on)]
        after = ticked([*history, *parts], on, on + 2 * DAY)
        assert is_open(tmp_path, after, "partial_payments") is opens, count


def offered(number: int, on: date, taken: bool) -> list[Row]:
    until = on + 10 * DAY
    offer = {"discount_percent": "2", "discount_date": until.isoformat()}
    cash = payment(number, until if taken else until + DAY, "980.00" if taken else "1000.00")
    if taken:
        cash["applications"][0]["discount"] = "20.00"
    return [invoice(number, on) | offer, cash]


def test_as_many_discounts_left_as_are_told(tmp_path: Path) -> None:
    book = [fact for n in range(5) for fact in offered(n, FIRST + timedelta(days=n), True)]
    last = FIRST + MONTH
    history = ticked([OPENED[0], *book], FIRST, last)
    (words,) = fired_by(tmp_path, history, "discounts_abandoned")
    assert words == "3 more discounts not taken"
    for count, opens in ((3, True), (2, False)):
        left = [fact for n in range(count) for fact in offered(70 + n, last + DAY, False)]
        after = ticked([*history, *left], last + DAY, last + 14 * DAY)
        assert is_open(tmp_path, after, "discounts_abandoned") is opens, count


def test_discounts_that_were_never_taken_must_be_taken_first(tmp_path: Path) -> None:
    last = FIRST + MONTH
    history = ticked([*OPENED, payment(1, FIRST + 5 * DAY)], FIRST, last)
    (words,) = fired_by(tmp_path, history, "discounts_abandoned")
    assert words == "3 more discounts taken, and then 3 in a row not taken"
    for count, opens in ((3, True), (2, False)):
        first = [fact for n in range(count) for fact in offered(60 + n, last + DAY, True)]
        then = [fact for n in range(3) for fact in offered(70 + n, last + 2 * DAY, False)]
        after = ticked([*history, *first, *then], last + DAY, last + 15 * DAY)
        assert is_open(tmp_path, after, "discounts_abandoned") is opens, count


def test_one_discount_taken_is_enough(tmp_path: Path) -> None:
    taken = [fact for n in range(5) for fact in offered(n, FIRST + timedelta(days=n), True)]
    left = [fact for n in range(3) for fact in offered(70 + n, FIRST + MONTH, False)]
    last = FIRST + MONTH + 15 * DAY
    opened = ticked([OPENED[0], *taken, *left], FIRST, last)
    (words,) = cleared_by(tmp_path, opened, "discounts_abandoned")
    assert words == "1 more discount taken"
    on = last + DAY
    after = ticked([*opened, *offered(80, on, True)], on, on + 10 * DAY)
    assert not is_open(tmp_path, after, "discounts_abandoned")


# --- What others say ------------------------------------------------------------------------------------------


def scored(on: date, points: Decimal) -> Row:
    return {
        "type": "bureau.reported", "at": on, "agency": "creditsafe", "reported_on": on.isoformat(), "score": float(points),
        "scale_min": 0, "scale_max": 100, "higher_is_better": True,
    }  # fmt: skip


def recommended(on: date, amount: Decimal) -> Row:
    return {
        "type": "bureau.reported", "at": on, "agency": "creditsafe", "reported_on": on.isoformat(),
        "recommended_limit": f"{amount:.2f}", "currency": "USD",
    }  # fmt: skip


def suit(on: date, amount: Decimal) -> Row:
    return {
        "type": "bureau.filed", "at": on, "filing_id": "f1", "kind": "suit", "status": "filed", "filed_on": on.isoformat(),
        "amount": f"{amount:.2f}", "currency": "USD",
    }  # fmt: skip


TENTH = Decimal("0.1")
TWO = FIRST + 2 * DAY
THREE = FIRST + 3 * DAY


@pytest.mark.parametrize(
    ("trigger_id", "facts", "pattern", "step", "done"),
    [
        ("bureau_downgrade", [scored(TWO, Decimal("81.37"))], r"at ([\d.]+) of 100 or worse", TENTH, scored),
        ("agency_limit_cut", [recommended(TWO, Decimal(9999))], r"([\d,.]+) USD or less", CENT, recommended),
        ("legal_filing", [], r"suit of ([\d,.]+) USD or more", -CENT, suit),
    ],
)
def test_what_others_must_say_for_an_alert_does_it(
    tmp_path: Path, trigger_id: str, facts: list[Row], pattern: str, step: Decimal, done: Say
) -> None:
    history = ticked([*OPENED, *facts], FIRST, LATER)
    (words,) = fired_by(tmp_path, history, trigger_id)
    told = Decimal(re.findall(pattern, words)[0].replace(",", ""))
    for value, opens in ((told, True), (told + step, False)):
        after = [*history, done(LATER + DAY, value), tick(LATER + DAY)]
        assert is_open(tmp_path, after, trigger_id) is opens, words


@pytest.mark.parametrize(
    ("trigger_id", "facts", "pattern", "step", "done"),
    [
        (
            "bureau_downgrade",
            [scored(TWO, Decimal("81.37")), scored(THREE, Decimal(60))],
            r"at ([\d.]+) of 100 or better",
            TENTH,
            scored,
        ),
        (
            "agency_limit_cut",
            [recommended(TWO, Decimal(9999)), recommended(THREE, Decimal(5000))],
            r"recommending ([\d,.]+) USD again",
            CENT,
            recommended,
        ),
    ],
)
def test_what_others_must_say_to_end_an_alert_does_it(
    tmp_path: Path, trigger_id: str, facts: list[Row], pattern: str, step: Decimal, done: Say
) -> None:
    history = ticked([*OPENED, *facts], FIRST, LATER)
    (words,) = cleared_by(tmp_path, history, trigger_id)
    told = Decimal(re.findall(pattern, words)[0].replace(",", ""))
    for value, still in ((told, False), (told - step, True)):
        after = [*history, done(LATER + DAY, value), tick(LATER + DAY)]
        assert is_open(tmp_path, after, trigger_id) is still, words


def test_the_best_that_a_score_is_held_against_is_that_of_the_tick_to_come(tmp_path: Path) -> None:
    """On the day on which the best leaves the year, time alone clears."""
    facts = [*OPENED, scored(TWO, Decimal(80)), scored(THREE, Decimal(60))]
    leaves = TWO + timedelta(days=365)
    now, _ = told_of(tmp_path, ticked(facts, FIRST, leaves - DAY), "bureau_downgrade")
    assert now["by_itself"]
    assert not is_open(tmp_path, ticked(facts, FIRST, leaves), "bureau_downgrade")


# --- Promises, and months ---------------------------------------------------------------------------------------


def test_a_broken_promise_is_past_on_the_day_that_is_told(tmp_path: Path) -> None:
    promise: Row = {
        "type": "payment.promised", "at": FIRST, "promise_id": "q1", "amount": "500.00", "currency": "USD",
        "due_on": (FIRST + 5 * DAY).isoformat(),
    }  # fmt: skip
    facts = [*OPENED, promise]
    (words,) = cleared_by(tmp_path, ticked(facts, FIRST, FIRST + MONTH), "promise_broken")
    told = date.fromisoformat(re.findall(r"no further broken promise until (\S+),", words)[0])
    assert not is_open(tmp_path, ticked(facts, FIRST, told), "promise_broken")
    assert is_open(tmp_path, ticked(facts, FIRST, told - DAY), "promise_broken")


def months(last: int, *days: int) -> list[Row]:
    """An invoice of 1,000 paid on the 20th of each of the months up to that one, so many days after it was issued."""
    return [
        fact
        for place, after in enumerate(days)
        for paid in (date(2025, last - len(days) + 1 + place, 20),)
        for fact in (invoice(place, paid - timedelta(days=after)), payment(place, paid))
    ]


def test_a_month_better_than_the_last_ends_slipping(tmp_path: Path) -> None:
    facts = months(9, 20, 25, 31, 36)
    last = date(2025, 10, 20)
    history = ticked(facts, FIRST, last)
    (words,) = cleared_by(tmp_path, history, "slipping_each_month")
    assert words == "the next full month's days to pay below the last one's 36.00"
    for after, still in ((35, False), (36, True)):
        on = last + DAY
        more = [invoice(80, on - timedelta(days=after)), payment(80, on)]
        then = ticked([*history, *more], on, date(2025, 11, 1))
        assert is_open(tmp_path, then, "slipping_each_month") is still, after


def test_after_a_month_without_payments_slipping_ends_with_two(tmp_path: Path) -> None:
    facts = months(9, 20, 25, 31, 36)
    last = date(2025, 11, 2)
    history = ticked(facts, FIRST, last)
    (words,) = cleared_by(tmp_path, history, "slipping_each_month")
    assert words.startswith("payments in two full months in a row, in the second sooner")
    for second, still in ((39, False), (40, True)):
        more = [
            fact
            for number, paid, after in ((80, date(2025, 11, 20), 40), (81, date(2025, 12, 20), second))
            for fact in (invoice(number, paid - timedelta(days=after)), payment(number, paid))
        ]
        then = ticked([*history, *more], last + DAY, date(2026, 1, 1))
        assert is_open(tmp_path, then, "slipping_each_month") is still, second


@pytest.mark.parametrize(
    ("so_far", "words", "next_ones"),
    [
        ((20, 22, 24), "the next full month's days to pay 30.00 or more (last month 24.00)", (30,)),
        (
            (30, 28, 31),
            "days to pay rising in each of the next 2 full months, to 38.00 or more (last month 31.00)",
            (34, 38),
        ),
        (
            (30, 31, 28),
            "days to pay rising in each of the next 3 full months, to 38.00 or more (last month 28.00)",
            (31, 34, 38),
        ),
    ],
)
def test_the_months_that_are_told_make_an_account_slip(
    tmp_path: Path, so_far: tuple[int, ...], words: str, next_ones: tuple[int, ...]
) -> None:
    facts = months(6, 25, *so_far)
    last = date(2025, 7, 3)
    history = ticked(facts, FIRST, last)
    assert fired_by(tmp_path, history, "slipping_each_month") == [words]
    for short, opens in ((0, True), (1, False)):
        later = [*next_ones[:-1], next_ones[-1] - short]
        more = [
            fact
            for place, after in enumerate(later)
            for paid in (date(2025, 7 + place, 20),)
            for fact in (invoice(80 + place, paid - timedelta(days=after)), payment(80 + place, paid))
        ]
        then = ticked([*history, *more], last + DAY, date(2025, 7 + len(later), 2))
        assert is_open(tmp_path, then, "slipping_each_month") is opens, later

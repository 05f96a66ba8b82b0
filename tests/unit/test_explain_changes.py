"""The smallest change is one: what explain says is done to the account, and so much does it, and no less.

Also how it is put for whoever reads it. What explain recomputes of a book is tests/unit/test_explain.py.
"""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from agents.changes import clearing, firing
from agents.conditions import conditions
from agents.explain import Row, why_not
from agents.figures import Ageing
from agents.triggers import BY_ID
from agents.view import NOTHING_KEPT, BookTotals, View
from agents.watch import Episode
from agents.wording import shown
from streams.commands.explain import laid_out
from streams.errors import Refused
from streams.explain import File, account_of, explained, explanation, inputs_in_words, quiet, refold
from tests.rules import POLICY_TEXT, TODAY, article, event, figures, filing, report, view


def to_clear(trigger_id: str, seen: View) -> list[str]:
    return [change.words for change in clearing(BY_ID[trigger_id], seen)]


def to_fire(trigger_id: str, seen: View) -> list[str]:
    return [change.words for change in firing(BY_ID[trigger_id], seen)]


# --- What moves which figure ----------------------------------------------------------------------------------

GROWN = figures(
    open_balance=150_000_00, prior_high_credit=100_000_00, first_invoice_on=TODAY - 400, credit_limit=200_000_00,
    exposure=120_000_00, utilization=0.6,
)  # fmt: skip


def test_security_lowers_no_balance_so_a_new_high_credit_takes_cash_or_a_credit_note() -> None:
    said = ["40,000.00 USD paid on invoices or credited (open balance 150,000.00 USD)"]
    assert to_clear("new_high_credit", view(GROWN)) == said
    assert to_clear("new_high_credit", view(GROWN._replace(exposure=110_000_00, utilization=0.55))) == said


def test_an_order_raises_no_balance_so_a_new_high_credit_takes_invoices() -> None:
    seen = view(GROWN._replace(open_balance=90_000_00))
    assert to_fire("new_high_credit", seen) == ["20,000.01 USD more of invoices (open balance 90,000.00 USD)"]


def test_cash_and_security_beyond_what_is_owed_are_used_up_before_exposure_grows() -> None:
    ahead = figures(
        open_balance=300_00, gross_exposure=300_00, unapplied=500_00, security=200_00, credit_limit=1_000_00,
        utilization=0.0,
    )  # fmt: skip
    assert to_fire("over_limit", view(ahead)) == [
        "1,400.01 USD more of orders or invoices (exposure 0.00 USD)"
    ]
    assert to_fire("concentration", view(ahead, book=BookTotals(10_000_00, 30))) == [
        "1,511.12 USD more exposure (exposure 0.00 USD), the rest of the book as it is"
    ]


def test_one_figure_that_two_conditions_ask_about_is_told_once() -> None:
    used = figures(exposure=500_00, credit_limit=1_000_00, utilization=0.5, utilization_28d_ago=0.9)
    assert to_fire("utilization_high", view(used)) == [
        "400.01 USD more of orders or invoices (exposure 500.00 USD)"
    ]


def test_no_more_can_be_disputed_than_is_owed_without_new_debt() -> None:
    assert to_fire("dispute_spike", view(figures(open_balance=2_000_00))) == [
        "2,500.01 USD more disputed (now 0.00 USD), new debt among it (open balance 2,000.00 USD)"
    ]
    assert to_fire("dispute_spike", view(figures(open_balance=20_000_00))) == [
        "2,500.01 USD more disputed (now 0.00 USD)"
    ]


@pytest.mark.parametrize(
    ("base_rate", "told"), [(None, 0.05), (0.04, 0.05), (0.025, 0.05), (0.0225, 0.045), (0.0, 0.04)]
)
def test_the_level_told_for_disputes_is_the_one_at_which_they_clear(
    base_rate: float | None, told: float
) -> None:
    """Under a low base rate the alert goes on firing below the flat 5 %, down to its own level."""
    trigger = BY_ID["dispute_spike"]
    spike = figures(
        open_balance=100_000_00, disputed=20_000_00, disputed_share_baseline=base_rate, exposure=100_000_00
    )
    assert trigger.evidence(view(spike)).thresholds["clear_disputed_share"] == told

    def clears(disputed: int) -> bool:
        seen = view(spike._replace(disputed=disputed))
        return trigger.clears(seen) and trigger.fires(seen) is None

    level = round(told * spike.open_balance)
    assert clears(level - 1)
    assert not clears(level + 1)
    resolved = shown(spike.disputed - level + (not clears(level)), "money", "USD", "USD")
    assert to_clear("dispute_spike", view(spike)) == [
        f"{resolved} of the disputes resolved (disputed 20,000.00 USD)"
    ]


def test_what_is_more_than_all_that_is_owed_takes_new_debt_and_says_so() -> None:
    owed = figures(open_balance=2_000_00, ageing=Ageing(current=2_000_00))
    assert to_fire("seriously_past_due", view(owed)) == [
        "5,000.01 USD more past due 61 days or more, new debt among it (open balance 2,000.00 USD)"
    ]
    assert to_fire("delinquent", view(owed)) == ["500.01 USD more of the balance past due 91 days or more"]


def test_a_limit_that_is_withdrawn_leaves_an_exposure_without_limit() -> None:
    used = figures(exposure=500_00, credit_limit=1_000_00, utilization=0.5)
    assert to_fire("exposure_without_limit", view(used)) == [
        "the credit limit of 1,000.00 USD withdrawn (set to 0)"
    ]
    assert to_clear("exposure_without_limit", view(figures())) == ["a credit limit, however small"]


def test_the_next_month_need_only_be_better_than_the_last_one() -> None:
    risen = view(figures(dtp_months=(20.0, 25.0, 31.0, 36.0)))
    assert to_clear("slipping_each_month", risen) == [
        "the next full month's days to pay below the last one's 36.00"
    ]
    unpaid = view(figures(dtp_months=(25.0, 31.0, 36.0, None)))
    assert to_clear("slipping_each_month", unpaid) == [
        "payments in two full months in a row, in the second sooner after the invoice than in the first"
    ]


def test_rises_in_a_row_end_with_the_last_month() -> None:
    rises = {
        months: conditions("slipping_each_month", view(figures(dtp_months=months)))[0].value
        for months in ((20.0, 30.0, 25.0, 31.0), (30.0, 20.0, 25.0, 31.0), (20.0, 25.0, 31.0, 30.0))
    }
    assert list(rises.values()) == [1, 2, 0]


# --- What others say ----------------------------------------------------------------------------------------


def test_a_score_that_is_told_in_tenths_is_rounded_to_the_side_that_does_it() -> None:
    fallen = [report(60, 83.33), report(10, 70.0), report(60, 65.0, "dnb"), report(10, 62.0, "dnb")]
    assert to_clear("bureau_downgrade", view(facts=fallen)) == [
        "creditsafe at 78.4 of 100 or better (now 70.0)"
    ]
    assert to_fire("bureau_downgrade", view(facts=[report(60, 83.33)])) == [
        "creditsafe at 73.3 of 100 or worse (now 83.3)"
    ]


def test_a_class_that_the_policy_does_not_know_takes_one_that_it_knows() -> None:
    seen = view(facts=[report(60, rating_class="B"), report(10, rating_class="no longer rated")])
    assert to_clear("bureau_downgrade", seen) == [
        "creditsafe at rating class B or better (now no longer rated)"
    ]
    assert to_fire("bureau_downgrade", seen) == [], "it is shown, not compared"


def test_a_class_that_fell_while_the_score_stood_is_what_must_be_better() -> None:
    fallen = [report(60, 80.0, rating_class="A"), report(10, 80.0, rating_class="C")]
    assert to_clear("bureau_downgrade", view(facts=fallen)) == [
        "creditsafe at rating class A or better (now C)"
    ]


def test_time_is_asked_for_beside_a_discharge_only_where_other_stories_hold_the_alert() -> None:
    court, filed = article(5, "insolvency", source_kind="court"), filing("insolvency")
    discharged = "a registry filing of 2026-06-25 or later that the insolvency is discharged"
    alone, corrected = to_clear("adverse_news", view(facts=[court, filed]))
    assert alone == discharged
    assert corrected.startswith("article ")
    both, _ = to_clear("adverse_news", view(facts=[court, filed, article(3, "layoffs")]))
    assert both.startswith(f"{discharged}; and time: the other stories have faded on ")


def test_the_agency_that_is_nearest_to_the_cut_is_named() -> None:
    facts = [
        report(60, recommended_limit="10000.00", currency="USD"),
        report(60, agency="dnb", recommended_limit="10000.00", currency="USD"),
        report(10, agency="dnb", recommended_limit="8000.00", currency="USD"),
    ]
    assert to_fire("agency_limit_cut", view(facts=facts)) == [
        "dnb recommending 7,500.00 USD or less (now 8,000.00 USD)"
    ]


def test_of_several_filings_those_alone_that_hold_the_alert_must_end() -> None:
    facts = [
        filing("lien", filing_id="small", amount="900.00", currency="USD"),
        filing("suit", filing_id="unstated"),
    ]
    assert to_clear("legal_filing", view(facts=facts)) == ["suit unstated released or satisfied"]


def test_several_matches_are_several() -> None:
    facts = [
        event("screening.reported", match_id=name, list="ofac", status="possible") for name in ("m1", "m2")
    ]
    assert to_clear("sanctions_match", view(facts=facts)) == ["matches m1, m2 cleared by a person"]


def test_what_an_agency_does_not_state_is_not_missing_where_its_score_is_known() -> None:
    nothing = Episode("", False, "", 0, 0.0, 0, 0, 0, None, NOTHING_KEPT, None)
    scored, unknown = view(facts=[report(10, 70.0)]), view()
    assert why_not("bureau_downgrade", scored, scored, nothing, TODAY)["missing"] == []
    assert why_not("bureau_downgrade", unknown, unknown, nothing, TODAY)["missing"] == [
        "no agency has reported"
    ]


# --- Books -------------------------------------------------------------------------------------------------

FIRST = date(2025, 1, 6)


def invoice(number: int, issued: date, amount: str = "1000.00") -> Row:
    due = issued + timedelta(days=30)
    return {
        "type": "invoice.issued", "at": issued, "invoice_id": f"i{number}", "amount": amount, "currency": "USD",
        "invoice_date": issued.isoformat(), "due_date": due.isoformat(),
    }  # fmt: skip


def payment(number: int, paid: date, amount: str = "1000.00") -> Row:
    return {
        "type": "payment.received", "at": paid, "payment_id": f"p{number}", "amount": amount, "currency": "USD",
        "paid_on": paid.isoformat(), "applications": [{"invoice_id": f"i{number}", "amount": amount}],
    }  # fmt: skip


def tick(day: date) -> Row:
    return {"type": "clock.ticked", "at": day + timedelta(days=1), "as_of": day.isoformat()}


def written(path: Path, facts: list[Row]) -> Path:
    """A book of one account; a tick comes last on its day."""
    facts = sorted(facts, key=lambda fact: fact["at"])
    with path.open("wb") as file:
        for place, fact in enumerate(facts):
            at, body = fact["at"], {name: value for name, value in fact.items() if name != "at"}
            hour = "T00:00:00Z" if body["type"] == "clock.ticked" else "T09:00:00Z"
            body |= {"event_id": f"e{place}", "occurred_at": at.isoformat() + hour, "source": "erp"}
            if body["type"] != "clock.ticked":
                body["account_id"] = "C-1"
            file.write(orjson.dumps(body) + b"\n")
    return path


def asked(path: Path, trigger_id: str, policy_text: str = POLICY_TEXT) -> Row:
    return quiet(File(path, policy_text), "", "C-1", trigger_id)


def ticked(facts: list[Row], first: date, last: date) -> list[Row]:
    return [*facts, *(tick(first + timedelta(days=n)) for n in range((last - first).days + 1))]


# Twenty invoices, a week between them: every other one is paid on its due date, the others 15 days late.
PAST: list[Row] = [
    fact
    for number in range(20)
    for issued in (FIRST + timedelta(days=7 * number),)
    for fact in (
        invoice(number, issued),
        payment(number, issued + timedelta(days=30 if number % 2 else 45)),
    )
]
LATER = FIRST + timedelta(days=200)


def test_time_alone_makes_an_unpaid_invoice_a_surprise_on_the_day_that_is_told(tmp_path: Path) -> None:
    facts = [*PAST, invoice(20, LATER)]
    today = LATER + timedelta(days=33)
    row = asked(written(tmp_path / "now.jsonl", ticked(facts, FIRST, today)), "overdue_surprise")
    (change,) = row["would_fire"]
    told = date.fromisoformat(change["to"])
    late = (told - LATER).days - 30
    assert (
        change["words"] == f"time: nothing is paid until {told}, and an invoice is {late} days past due then"
    )
    assert late > 10, "at 10 days it is no surprise yet, half of them were paid later"
    for day, holds in ((told, True), (told - timedelta(days=1), False)):
        then = written(tmp_path / f"{day}.jsonl", ticked(facts, FIRST, day))
        assert asked(then, "overdue_surprise")["holds"] is holds


def test_only_what_is_late_enough_to_surprise_need_be_paid(tmp_path: Path) -> None:
    facts = [*PAST, invoice(20, LATER, "700.00"), invoice(21, LATER + timedelta(days=18), "5000.00")]
    today = LATER + timedelta(days=60)
    source = File(written(tmp_path / "now.jsonl", ticked(facts, FIRST, today)), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "overdue_surprise"]
    (change,) = explained(told, case)["now"]["clears"]
    assert change["words"] == "700.00 USD paid: no invoice more than 30 days past due (now 31)"
    paid = [*facts, payment(20, today + timedelta(days=1), "700.00")]
    after = written(tmp_path / "paid.jsonl", ticked(paid, FIRST, today + timedelta(days=1)))
    row = asked(after, "overdue_surprise")
    assert row["open_alert"] is None
    assert not row["holds"]


def test_what_a_person_said_of_a_surprise_is_explained_with_the_figures_of_a_tick(tmp_path: Path) -> None:
    facts = ticked([*PAST, invoice(20, LATER)], FIRST, LATER + timedelta(days=60))
    source = File(written(tmp_path / "book.jsonl", facts), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "overdue_surprise"]
    seen: Row = {
        "type": "alert.acknowledged", "at": LATER + timedelta(days=62), "alert_id": case.id, "actor": "ann",
    }  # fmt: skip
    after = File(written(tmp_path / "seen.jsonl", [*facts, seen]), POLICY_TEXT)
    last = explanation(after, "", case.id, "C-1")["transitions"][-1]
    assert last["status"] == "acknowledged"
    assert last["why"] == f"a person's decision, with event {last['event_id']}"
    assert {f["figure"]: f["value"] for f in last["figures"]} == last["record"]["evidence"]["metrics"]
    assert last["record"]["evidence"]["metrics"]["overdue_surprise"] is not None


def test_an_agency_that_gave_neither_score_nor_class_is_not_told_among_the_scores() -> None:
    stated = {"as_reported": "42 of 0-100", "rating_class": None, "stale": True}
    limit_only = {"agency": "dnb", "as_reported": None, "rating_class": None, "stale": False}
    said = inputs_in_words({"reports": [{"agency": "sp", **stated}, limit_only]})
    assert said == "sp 42 of 0-100 (stale)"


OPENED: list[Row] = [
    {"type": "account.opened", "at": FIRST, "name": "One", "currency": "USD", "opened_on": "2025-01-06",
     "industry": "steel"},
    invoice(1, FIRST),
]  # fmt: skip


def test_the_ticks_in_a_row_are_those_of_the_accounts_segment(tmp_path: Path) -> None:
    policy_text = POLICY_TEXT + "\n[overrides.segment.steel.alerts]\nticks_in_a_row = 3\n"
    path = written(tmp_path / "book.jsonl", ticked(OPENED, FIRST, FIRST + timedelta(days=4)))
    source = File(path, policy_text)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "exposure_without_limit"]
    opened = explained(told, case)["transitions"][0]
    assert opened["as_of"] == (FIRST + timedelta(days=2)).isoformat()
    assert opened["why"] == "true at 3 ticks in a row"


def test_a_day_that_has_begun_is_no_tick(tmp_path: Path) -> None:
    facts = [*OPENED, tick(FIRST), invoice(2, FIRST + timedelta(days=1))]
    row = asked(written(tmp_path / "book.jsonl", facts), "exposure_without_limit")
    assert row["holds"]
    assert row["ticks"] == {"in_a_row": 1, "needed": 2}


def test_an_open_alert_is_not_asked_what_would_make_it_fire(tmp_path: Path) -> None:
    secured: Row = {
        "type": "security.recorded", "at": FIRST + timedelta(days=3), "security_id": "s1", "kind": "deposit",
        "amount": "5000.00", "currency": "USD",
    }  # fmt: skip
    path = written(tmp_path / "book.jsonl", ticked([*OPENED, secured], FIRST, FIRST + timedelta(days=4)))
    row = asked(path, "exposure_without_limit")
    assert row["open_alert"]
    assert not row["holds"]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(laid_out(row))
    said = console.export_text()
    assert f"what would clear it: bellwether explain {row['open_alert'][:8]}" in said
    assert "make it fire" not in said


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no event"),
        (b"account,amount\nC-1,100\n", "holds no event; line 1: the value: not JSON"),
    ],
)
def test_a_file_without_events_is_said_to_be_one(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "ledger.csv"
    path.write_bytes(content)

    def refused(ask: Any) -> str:
        with pytest.raises(Refused) as caught:
            ask()
        return str(caught.value)

    assert reason in refused(lambda: asked(path, "delinquent"))
    assert reason in refused(lambda: account_of(File(path, POLICY_TEXT), "", "01234567"))


def test_the_months_of_a_slipping_account_are_all_shown(tmp_path: Path) -> None:
    months = [(n, date(2025, n, 1)) for n in range(1, 6)]
    facts = [
        fact
        for n, issued in months
        for fact in (invoice(n, issued), payment(n, issued + timedelta(days=5 + 5 * n)))
    ]
    source = File(written(tmp_path / "book.jsonl", ticked(facts, FIRST, date(2025, 6, 3))), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "slipping_each_month"]
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(laid_out(explained(told, case)))
    shown = next(line for line in console.export_text().splitlines() if "days to pay by month" in line)
    assert "…" not in shown


def test_a_figure_that_the_alert_keeps_has_the_events_of_the_day_since_when(tmp_path: Path) -> None:
    """A slow payer does not become his own normal: the baseline stays what it was, and so does what is behind it."""
    start = date(2025, 1, 6)
    facts = []
    for number in range(60):
        issued = start + timedelta(days=7 * number)
        paid = issued + timedelta(days=30 if number < 30 else 60)
        facts += [invoice(number, issued), payment(number, paid)]
    last = start + timedelta(days=7 * 59 + 60)
    source = File(written(tmp_path / "book.jsonl", ticked(facts, start, last)), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "payment_drift_severe"]
    row = explained(told, case)
    kept = [f for t in row["transitions"] for f in t["figures"] if f["figure"] == "dtp_baseline"]
    now = next(f for f in row["now"]["figures"] if f["figure"] == "dtp_baseline")
    assert now["value"] == 30.0
    since = date.fromisoformat(now["formula"].rsplit("kept since ", 1)[1])
    assert since < date.fromisoformat(row["now"]["as_of"])
    assert all(figure["event_ids"] == now["event_ids"] for figure in kept)
    paid_late = {event["event_id"] for event in row["events"] if event["about"] in ("p31", "p32", "p33")}
    assert not paid_late & set(now["event_ids"])


def test_there_is_no_minus_before_a_nothing() -> None:
    assert shown(-0.04, "days", "USD", "USD") == "0.0 days"
    assert shown(-0.001, "points", "USD", "USD") == "0"
    assert shown(-3.0, "days", "USD", "USD") == "-3.0 days"


def test_the_totals_of_the_book_name_the_tick_that_brought_them(tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=n) for n in range(5)]
    totals = {"book_exposure": "5000.00", "book_accounts": 30}
    facts = [*OPENED, *(tick(day) | totals for day in days)]
    source = File(written(tmp_path / "book.jsonl", facts), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "concentration"]
    row = explained(told, case)
    known = {event["event_id"]: event for event in row["events"]}
    for then, day in ((row["transitions"][0], days[1]), (row["now"], days[4])):
        (at,) = {
            figure["event_ids"][-1]
            for figure in then["figures"]
            if figure["figure"] in ("book_exposure", "book_accounts", "book_as_of", "share_of_book")
        }
        assert known[at] | {"event_id": ""} == {
            "event_id": "", "type": "clock.ticked", "date": day.isoformat(), "amount": "5000.00", "currency": "USD",
            "about": None, "due_date": None, "source": "erp",
        }  # fmt: skip
        (mine,) = [figure for figure in then["figures"] if figure["figure"] == "exposure_base"]
        assert [known[event_id]["about"] for event_id in mine["event_ids"]] == ["i1"]


def test_a_move_by_rates_alone_names_what_is_held_in_their_currency_and_the_tick_that_brought_them(
    tmp_path: Path,
) -> None:
    """EUR 900 on a limit of USD 1,000 are 990 at 1.10 and 1,080 at 1.20; what is owed in dollars no rate moves."""
    euros = invoice(1, FIRST, "890.00") | {"currency": "EUR"}
    limit = {"type": "account.limit_set", "at": FIRST, "credit_limit": "1000.00", "currency": "USD"}
    days = [FIRST + timedelta(days=n) for n in range(5)]
    ticks = [tick(day) | {"rates": {"EUR": "1.20" if day == days[4] else "1.10"}} for day in days]
    facts = [OPENED[0], limit, euros, invoice(2, FIRST, "11.00"), *ticks]
    source = File(written(tmp_path / "book.jsonl", facts), POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda ident: True)
    (case,) = [case for case in told.cases.values() if case.trigger == "over_limit"]
    row = explained(told, case)
    known = {event["event_id"]: event for event in row["events"]}
    for then in (row["transitions"][0], row["now"]):
        (moved,) = [figure for figure in then["figures"] if figure["figure"] == "fx_driven"]
        assert moved["value"] is True
        owed, brought = (known[event_id] for event_id in moved["event_ids"])
        assert (owed["about"], owed["currency"]) == ("i1", "EUR")
        assert (brought["type"], brought["date"]) == ("clock.ticked", days[4].isoformat())

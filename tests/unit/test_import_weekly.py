"""The same ledger exported every week and imported each time: what it says again is corrected, and nothing counts twice."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from streams.backtest import run
from streams.control import clock_ticked
from tests.golden.stories import shipped_policy
from tests.import_builders import MOMENT, Imported, imported

HEADER = "Customer,Invoice,Invoice Date,Due Date,Amount"
WEEK = dt.timedelta(days=7)


class Figures(NamedTuple):
    """Of one account, at the end of 2024-06-30."""

    open: str
    past_due: str = "0.00"
    unapplied: str = "0.00"


def week(folder: Path, number: int, *ledgers: str) -> Imported:
    """What one week's import sends."""
    return imported(folder, *ledgers, choices={"moment": MOMENT + number * WEEK})


def figures(
    folder: Path, *weeks: str | tuple[str, ...], events: tuple[bytes, ...] = ()
) -> dict[str, Figures]:
    """The accounts after the imports of some weeks, each of one ledger, or of several at once, and after `events`."""
    lines: list[bytes] = []
    for number, ledgers in enumerate(weeks):
        files = (ledgers,) if isinstance(ledgers, str) else ledgers
        lines += [raw for raw in week(folder, number, *files).raw if b'"clock.ticked"' not in raw]
    lines += events
    lines.append(
        orjson.dumps(clock_ticked(dt.date(2024, 6, 30), dt.datetime(2024, 6, 30, 23, tzinfo=dt.UTC)))
    )
    path = folder / "weeks.jsonl"
    path.write_bytes(b"\n".join(lines))
    return {
        account: Figures(figure["open_balance"], figure["past_due"], figure["unapplied"])
        for account, figure in run(path, shipped_policy()).accounts.items()
    }


def one(amount: str = "100.00", due: str = "2024-02-01", more: str = "", columns: str = "") -> str:
    return f"{HEADER}{columns}\nC1,I1,2024-01-02,{due},{amount}{more}\n"


@pytest.mark.parametrize(
    "amount", ["60.00", "70.00", "80.00", "90.00", "110.00", "120.00", "130.00", "140.00"]
)
def test_a_later_export_corrects_an_amount(tmp_path: Path, amount: str) -> None:
    assert figures(tmp_path, one(), one(amount))["C1"] == Figures(amount, amount)
    assert figures(tmp_path, one(amount), one())["C1"] == Figures("100.00", "100.00")
    # And back again
    assert figures(tmp_path, one(), one(amount), one())["C1"] == Figures("100.00", "100.00")


@pytest.mark.parametrize("day", range(1, 7))
def test_a_later_export_corrects_a_due_date(tmp_path: Path, day: int) -> None:
    later = one(due=f"2024-07-0{day}")
    assert figures(tmp_path, one(), later)["C1"] == Figures("100.00")
    assert figures(tmp_path, later, one())["C1"] == Figures("100.00", "100.00")


def test_the_same_export_again_says_nothing_new(tmp_path: Path) -> None:
    again = one(more=",2024-01-20,40.00", columns=",Payment Date,Amount Paid")
    assert figures(tmp_path, again, again, again) == figures(tmp_path, again)


def test_what_comes_again_has_the_id_that_it_had_and_what_changed_has_another(tmp_path: Path) -> None:
    first, again, changed = (
        {event.type: event.event_id for event in week(tmp_path, number, ledger).events}
        for number, ledger in enumerate([one(), one(), one("90.00")])
    )
    assert first == again
    assert first["account.opened"] == changed["account.opened"]
    assert first["invoice.issued"] != changed["invoice.issued"]


def test_a_later_import_is_later_within_the_hour_of_its_kind_and_on_the_same_day(tmp_path: Path) -> None:
    paid = one(more=",2024-01-20", columns=",Settled Date")
    years = [week(tmp_path, 52 * number, paid).events for number in range(28)]
    for old, new in pairwise(years):
        for before, after in zip(old, new, strict=True):
            if before.type != "clock.ticked":
                assert before.occurred_at < after.occurred_at
                assert before.occurred_at.replace(
                    minute=0, second=0, microsecond=0
                ) == after.occurred_at.replace(minute=0, second=0, microsecond=0)


def test_what_was_paid_so_far_is_one_payment_however_often_it_is_said(tmp_path: Path) -> None:
    def paid(day: str, amount: str) -> str:
        return one(more=f",{day},{amount}", columns=",Payment Date,Amount Paid")

    life = paid("2024-01-20", "30.00"), paid("2024-02-03", "70.00"), paid("2024-02-20", "100.00")
    assert figures(tmp_path, *life)["C1"] == Figures("0.00")
    assert figures(tmp_path, *life[:2])["C1"] == Figures("30.00", "30.00")


def test_a_day_of_settlement_that_is_corrected_is_no_second_payment(tmp_path: Path) -> None:
    first, later = (one(more=f",{day}", columns=",Settled Date") for day in ("2024-01-20", "2024-01-22"))
    assert figures(tmp_path, first, later)["C1"] == Figures("0.00")
    assert figures(tmp_path, later, first)["C1"] == Figures("0.00")


def test_a_list_tells_each_of_its_payments_whole(tmp_path: Path) -> None:
    invoices = f"{HEADER}\nC1,I1,2024-01-02,2024-02-01,60.00\nC1,I2,2024-01-02,2024-02-01,40.00\n"
    columns = "Customer,Payment Number,Invoice,Payment Date,Payment Amount\n"
    first, second = f"{columns}C1,P1,I1,2024-01-20,60.00\n", "C1,P1,I2,2024-01-20,40.00\n"
    assert figures(tmp_path, (invoices, first), (invoices, first + second))["C1"] == Figures("0.00")
    assert figures(tmp_path, (invoices, first), (invoices, columns + second))["C1"] == Figures(
        "60.00", "60.00"
    )


def test_one_row_a_payment_grows_by_a_payment(tmp_path: Path) -> None:
    row = "C1,I1,2024-01-02,2024-02-01,100.00"
    columns = f"{HEADER},Payment Date,Amount Paid"
    first = f"{columns}\n{row},2024-01-20,30.00\n"
    assert figures(tmp_path, first, f"{first}{row},2024-02-03,45.00\n")["C1"] == Figures("25.00", "25.00")


def test_a_list_of_one_weeks_payments_adds_to_those_of_the_week_before(tmp_path: Path) -> None:
    def paid(day: str, amount: str) -> tuple[str, str]:
        return one(), f"Customer,Invoice,Payment Date,Payment Amount\nC1,I1,{day},{amount}\n"

    assert figures(tmp_path, paid("2024-01-20", "30.00"), paid("2024-02-03", "45.00"))["C1"] == Figures(
        "25.00", "25.00"
    )


VOIDED = [
    (",Status", (",Open", ",Void")),
    (",Status", (",Open", ",Storniert - duplicate")),
    (",Voided", (",", ",yes")),
    (",Cancelled At", (",", ",2024-01-20")),
]


@pytest.mark.parametrize(("columns", "said"), VOIDED)
def test_an_invoice_that_is_void_by_now_is_taken_back(
    tmp_path: Path, columns: str, said: tuple[str, str]
) -> None:
    before, after = (one(more=more, columns=columns) for more in said)
    assert figures(tmp_path, before, after)["C1"] == Figures("0.00")
    # Exports write nothing as its amount, too
    nothing = one("0.00", more=said[1], columns=columns)
    assert figures(tmp_path, before, nothing)["C1"] == Figures("0.00")
    # What was paid of it is the customer's
    paid = "Customer,Invoice,Payment Date,Payment Amount\nC1,I1,2024-01-20,30.00\n"
    assert figures(tmp_path, (before, paid), (after, paid))["C1"] == Figures("0.00", "0.00", "30.00")


def test_a_draft_is_not_taken_back_as_it_never_stood(tmp_path: Path) -> None:
    draft, issued = (one(more=f",{said}", columns=",Status") for said in ("Draft", "Open"))
    other = f"{HEADER}\nC2,I2,2024-01-02,2024-02-01,5.00\n"
    assert figures(tmp_path, (draft, other), issued)["C1"] == Figures("100.00", "100.00")


def test_a_void_credit_note_takes_no_invoice_back(tmp_path: Path) -> None:
    rows = "C1,I1,2024-01-02,2024-02-01,-100.00,Void\nC2,I2,2024-01-02,2024-02-01,5.00,Open\n"
    assert figures(tmp_path, one(), f"{HEADER},Status\n{rows}")["C1"] == Figures("100.00", "100.00")


def test_a_number_that_was_void_and_is_used_again_is_owed(tmp_path: Path) -> None:
    both = one(more=",Void", columns=",Status") + "C1,I1,2024-01-02,2024-02-01,80.00,Open\n"
    assert figures(tmp_path, both)["C1"] == Figures("80.00", "80.00")


def test_exports_of_several_weeks_in_one_import_are_refused_where_they_differ(tmp_path: Path) -> None:
    def refused(*ledgers: str) -> list[str]:
        return [bad.partition(": ")[2] for bad in imported(tmp_path, *ledgers).bad]

    one_by_one = "exports of one ledger of several weeks are imported one by one, the oldest first"
    paid = [
        one(more=f",2024-0{month}-20,{sum_}", columns=",Payment Date,Amount Paid")
        for month, sum_ in ((1, 40), (2, 100))
    ]
    settled = [one(more=f",2024-01-{day}", columns=",Settled Date") for day in (20, 21)]
    for weeks in ((one(), one("80.00")), (one(), one(due="2024-02-03")), paid, settled):
        (reason,) = refused(*weeks)
        assert one_by_one in reason
    header = "Payment No,Customer,Invoice,Payment Date,Payment Amount"
    lists = [f"{header}\nP1,C1,I1,{said}\n" for said in ("2024-01-20,40", "2024-01-20,50", "2024-01-21,40")]
    for later in lists[1:]:
        (reason,) = refused(one(), lists[0], later)
        assert one_by_one in reason
    # A payment may come in parts, and two lists may hold it
    parts = f"{lists[0]}P1,C1,I1,2024-01-20,60\n"
    assert refused(one(), parts, parts) == refused(one(), lists[0], lists[0]) == []
    # In one file they may be its lines
    (reason,) = refused(one() + "C1,I1,2024-01-02,2024-02-01,80.00\n")
    assert one_by_one not in reason


def test_part_payments_in_files_of_their_months_add_up(tmp_path: Path) -> None:
    parts = [
        one(more=f",2024-0{month}-20,{part}", columns=",Payment Date,Amount Paid")
        for month, part in ((1, 40), (2, 60))
    ]
    assert figures(tmp_path, (parts[0], parts[1]))["C1"] == Figures("0.00")


def test_what_was_withdrawn_by_an_event_is_paid_anew_by_one(tmp_path: Path) -> None:
    """As the README says: the payment of the ledger's own columns stays reversed, whatever later exports say of it."""
    first, later = (one(more=f",2024-0{month}-20", columns=",Settled Date") for month in (1, 3))
    said: dict[str, object] = {"account_id": "C1", "source": "erp", "payment_id": "I1/paid"}
    back = {**said, "event_id": "r1", "type": "payment.reversed", "reversed_on": "2024-02-20"}
    anew = {**said, "event_id": "p1", "type": "payment.received", "payment_id": "P1", "paid_on": "2024-03-20"}
    anew |= {
        "amount": "100.00",
        "currency": "USD",
        "applications": [{"invoice_id": "I1", "amount": "100.00"}],
    }
    back["occurred_at"], anew["occurred_at"] = "2024-02-20T12:00:00Z", "2024-03-20T12:00:00Z"
    events = orjson.dumps(back), orjson.dumps(anew)
    assert figures(tmp_path, first, events=events[:1])["C1"] == Figures("100.00", "100.00")
    assert figures(tmp_path, first, later, events=events[:1])["C1"] == Figures("100.00", "100.00")
    assert figures(tmp_path, first, later, events=events)["C1"] == Figures("0.00")

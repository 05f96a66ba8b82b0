"""Lists of open items, imported each with the former one beside: what is missing was settled by the new list's day."""

from __future__ import annotations

import datetime as dt
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.backtest import run
from streams.control import clock_ticked
from streams.errors import Refused
from tests.golden.stories import shipped_policy
from tests.import_builders import MOMENT, Imported, imported, written

HEADER = "Customer,Type,Document,Date,Due Date,Open Amount\n"
FIRST = dt.date(2024, 3, 4)


def row(
    number: str, amount: str, kind: str = "Invoice", customer: str = "C1", day: str = "2024-02-01"
) -> str:
    return f"{customer},{kind},{number},{day},2024-03-02,{amount}\n"


def week(folder: Path, number: int, *lists: str) -> Imported:
    """The import of the last of the lists, on its Monday, with the one before it beside."""
    choices: dict[str, Any] = {"moment": MOMENT + dt.timedelta(weeks=number), "currency": "USD"}
    if number:
        choices["former"] = written(folder, "former.csv", HEADER + lists[number - 1])
        choices["as_of"] = (FIRST + dt.timedelta(weeks=number)).isoformat()
    return imported(folder, HEADER + lists[number], choices=choices)


def figures(folder: Path, *lists: str) -> dict[str, tuple[str, str]]:
    """Account -> (open balance, unapplied cash), after the lists of some Mondays, each imported in its turn."""
    lines: list[bytes] = []
    for number in range(len(lists)):
        lines += [raw for raw in week(folder, number, *lists).raw if b'"clock.ticked"' not in raw]
    return at_end(folder, lines, FIRST + dt.timedelta(weeks=len(lists)), "unapplied")


def at_end(folder: Path, lines: list[bytes], last: dt.date, figure: str) -> dict[str, tuple[str, str]]:
    """Account -> (open balance, another figure), after events and the end of a day."""
    tick = orjson.dumps(clock_ticked(last, dt.datetime.combine(last, dt.time(23), dt.UTC)))
    path = folder / "weeks.jsonl"
    path.write_bytes(b"\n".join([*lines, tick]))
    accounts = run(path, shipped_policy()).accounts
    return {account: (figures["open_balance"], figures[figure]) for account, figures in accounts.items()}


def paid(sent: Imported) -> list[tuple[str, str, str]]:
    """(payment, amount, day), in their order."""
    return [(p["payment_id"], p["amount"], p["paid_on"]) for p in sent.of("payment.received")]


def test_an_invoice_that_is_missing_was_paid_by_the_day_of_the_new_list(tmp_path: Path) -> None:
    lists = row("I1", "100.00") + row("I2", "50.00"), row("I2", "50.00")
    sent = week(tmp_path, 1, *lists)
    assert paid(sent) == [("I1/gone", "100.00", "2024-03-11")]
    assert (sent.report.stood, sent.report.gone) == (2, 1)
    assert figures(tmp_path, *lists) == {"C1": ("50.00", "0.00")}


def test_without_the_former_list_it_stays_open(tmp_path: Path) -> None:
    alone = imported(tmp_path, HEADER + row("I2", "50.00"), choices={"currency": "USD"})
    assert paid(alone) == []


def test_a_customer_who_has_nothing_open_any_more_is_missing_whole(tmp_path: Path) -> None:
    lists = row("I1", "100.00") + row("I2", "50.00", customer="C2"), row("I2", "50.00", customer="C2")
    assert figures(tmp_path, *lists) == {"C1": ("0.00", "0.00"), "C2": ("50.00", "0.00")}


def test_the_number_of_another_customer_is_another_invoice(tmp_path: Path) -> None:
    lists = row("I1", "100.00") + row("I1", "50.00", customer="C2"), row("I1", "50.00", customer="C2")
    assert figures(tmp_path, *lists) == {"C1": ("0.00", "0.00"), "C2": ("50.00", "0.00")}


def test_an_invoice_of_which_less_is_open_is_paid_with_that_when_it_is_gone(tmp_path: Path) -> None:
    lists = row("I1", "100.00") + row("I2", "1.00"), row("I1", "60.00") + row("I2", "1.00"), row("I2", "1.00")
    assert figures(tmp_path, *lists[:2]) == {"C1": ("61.00", "0.00")}
    assert paid(week(tmp_path, 2, *lists)) == [("I1/gone", "60.00", "2024-03-18")]
    assert figures(tmp_path, *lists) == {"C1": ("1.00", "0.00")}


def test_an_invoice_with_nothing_open_in_the_new_list_is_gone_though_its_row_is_refused(
    tmp_path: Path,
) -> None:
    lists = row("I1", "100.00") + row("I2", "1.00"), row("I1", "0.00") + row("I2", "1.00")
    assert figures(tmp_path, *lists) == {"C1": ("1.00", "0.00")}


def test_a_void_invoice_is_void_and_not_paid(tmp_path: Path) -> None:
    header = HEADER.replace("Type", "Status")
    former = written(tmp_path, "former.csv", header + row("I1", "100.00", "Open") + row("I2", "1.00", "Open"))
    choices = {"former": former, "as_of": "2024-03-11", "currency": "USD"}
    rows = row("I1", "100.00", "Void") + row("I2", "1.00", "Open")
    sent = imported(tmp_path, header + rows, choices=choices)
    assert paid(sent) == []
    assert len(sent.of("invoice.voided")) == 1


CREDIT, CASH = "Credit Memo", "Payment"


@pytest.mark.parametrize("kind", [CREDIT, CASH])
@pytest.mark.parametrize(
    ("credit", "invoices", "cash"),
    [
        ("-30.00", ["100.00"], ["70.00"]),
        ("-100.00", ["100.00"], []),
        # The rest of it went back to the customer, or to an invoice that is still there
        ("-130.00", ["100.00"], []),
        # That of its very amount, though it is newer
        ("-30.00", ["100.00", "30.00"], ["100.00"]),
        ("-90.00", ["80.00", "100.00"], None),
    ],
)
def test_a_credit_that_is_gone_settled_what_went_with_it(
    tmp_path: Path, kind: str, credit: str, invoices: list[str], cash: list[str] | None
) -> None:
    gone = "".join(row(f"I{n}", amount, day=f"2024-02-1{n}") for n, amount in enumerate(invoices))
    rest = row("I9", "1.00")
    lists = gone + row("G1", credit, kind, day="2024-02-20") + rest, rest
    sent = week(tmp_path, 1, *lists)
    assert figures(tmp_path, *lists) == {"C1": ("1.00", "0.00")}
    if cash is not None:
        assert [amount for name, amount, _ in paid(sent) if name.endswith("/gone")] == cash


@pytest.mark.parametrize(("kind", "stands"), [(CREDIT, ("-29.00", "0.00")), (CASH, ("1.00", "30.00"))])
def test_a_credit_that_is_gone_alone_stands_and_is_told(
    tmp_path: Path, kind: str, stands: tuple[str, str]
) -> None:
    lists = row("G1", "-30.00", kind) + row("I9", "1.00"), row("I9", "1.00")
    assert figures(tmp_path, *lists) == {"C1": stands}
    (note,) = [note for note in week(tmp_path, 1, *lists).report.notes if "gone" in note]
    assert "stands unapplied" in note


def test_an_item_that_is_open_again_is_told_and_is_settled_anew_when_it_is_gone(tmp_path: Path) -> None:
    one, both = row("I2", "1.00"), row("I1", "100.00") + row("I2", "1.00")
    sent = week(tmp_path, 2, both, one, both)
    (note,) = [note for note in sent.report.notes if "open again" in note]
    assert sent.report.notes[note] == ["C1 I1"]
    assert "payment.reversed" in note
    assert figures(tmp_path, both, one, both, one) == {"C1": ("1.00", "0.00")}


def test_the_same_list_again_settles_nothing(tmp_path: Path) -> None:
    both = row("I1", "100.00") + row("G1", "-30.00", CREDIT)
    assert paid(week(tmp_path, 1, both, both)) == []
    assert week(tmp_path, 1, both, both).report.gone == 0


def test_imported_twice_it_counts_once(tmp_path: Path) -> None:
    both, one = row("I1", "100.00") + row("I2", "1.00"), row("I2", "1.00")
    first, again = (week(tmp_path, 1, both, one).of("payment.received") for _ in range(2))
    assert first == again


def test_a_payment_beside_the_list_is_taken_off_what_is_gone(tmp_path: Path) -> None:
    former = written(tmp_path, "former.csv", HEADER + row("I1", "100.00") + row("I2", "1.00"))
    payments = "Customer,Receipt No,Payment Date,Invoice,Amount Paid\nC1,R1,2024-03-07,I1,40.00\n"
    choices = {"former": former, "as_of": "2024-03-11", "currency": "USD"}
    sent = imported(tmp_path, HEADER + row("I2", "1.00"), payments, choices=choices)
    assert paid(sent) == [("R1", "40.00", "2024-03-07"), ("I1/gone", "60.00", "2024-03-11")]


def why_not(folder: Path, former: str, new: str) -> str:
    with pytest.raises(Refused) as refused:
        week(folder, 1, former, new)
    return str(refused.value)


def test_a_row_that_can_not_be_read_would_look_gone(tmp_path: Path) -> None:
    both = row("I1", "100.00") + row("I2", "1.00")
    said = why_not(tmp_path, both, row("I1", "a lot") + row("I2", "1.00"))
    assert "1 rows of the new list were refused" in said
    assert "0.csv:2" in said


def test_a_list_that_is_much_shorter_may_be_cut(tmp_path: Path) -> None:
    items = [row(f"I{n}", "1.00") for n in range(30)]
    assert "30 open items and the new one 9" in why_not(tmp_path, "".join(items), "".join(items[:9]))
    assert week(tmp_path, 1, "".join(items), "".join(items[:10])).report.gone == 20


@pytest.mark.parametrize(
    ("former", "new", "whose"), [("2024-03-12", "2024-02-01", "former"), ("2024-02-01", "2024-03-12", "new")]
)
def test_a_list_is_not_newer_than_its_day(tmp_path: Path, former: str, new: str, whose: str) -> None:
    said = why_not(
        tmp_path, *(row("I1", "1.00", day=day).replace("2024-03-02", "2024-04-02") for day in (former, new))
    )
    assert f"--as-of 2024-03-11: the {whose} list has a day after that, 2024-03-12" in said


def of_many(numbers: range, form: str = "0{}", customer: str = "C1", day: str = "2024-02-01") -> str:
    return "".join(row(form.format(n), "1.00", customer=customer, day=day) for n in numbers)


@pytest.mark.parametrize(
    ("former", "first"),
    [
        (of_many(range(10, 40), form="{}"), "C1 10 and C1 010"),
        (of_many(range(10, 40), customer="c1"), "c1 010 and C1 010"),
    ],
)
def test_items_that_the_two_lists_write_otherwise_are_not_settled(
    tmp_path: Path, former: str, first: str
) -> None:
    said = why_not(tmp_path, former, of_many(range(10, 40)))
    assert "30 items of the former list are written otherwise in the new one" in said
    assert f"the first: {first}" in said


def test_nor_are_those_that_stand_there_in_another_currency(tmp_path: Path) -> None:
    header = HEADER.replace("\n", ",Currency\n")
    euros, dollars = (header + of_many(range(10, 40)).replace("\n", f",{code}\n") for code in ("EUR", "USD"))
    choices = {"former": written(tmp_path, "former.csv", euros), "as_of": "2024-03-11"}
    with pytest.raises(Refused, match="the first: C1 010, in EUR and USD"):
        imported(tmp_path, dollars, choices=choices)


def test_one_item_that_is_written_otherwise_is_told(tmp_path: Path) -> None:
    rest = of_many(range(10, 40))
    sent = week(tmp_path, 1, row("I-1", "100.00") + rest, row("I1", "100.00") + rest)
    (note,) = [note for note in sent.report.notes if "otherwise" in note]
    assert sent.report.notes[note] == ["C1 I-1 and C1 I1"]


def test_the_list_of_another_company_is_no_former_one(tmp_path: Path) -> None:
    said = why_not(tmp_path, of_many(range(10, 40), form="X{}", customer="K1"), of_many(range(40, 70)))
    assert "30 of the 30 items of the former list are not in the new one" in said
    assert "are they lists of one book" in said


def test_a_book_that_turned_over_since_the_former_list_is_the_same_book(tmp_path: Path) -> None:
    new = of_many(range(40, 70), day="2024-02-20")
    assert week(tmp_path, 1, of_many(range(10, 40)), new).report.gone == 30


def test_lists_that_are_swapped_are_refused(tmp_path: Path) -> None:
    older = of_many(range(10, 40))
    newer = of_many(range(20, 40)) + of_many(range(40, 45), day="2024-02-20")
    assert "are the two swapped?" in why_not(tmp_path, newer, older)
    assert week(tmp_path, 1, older, newer).report.gone == 10


def test_a_list_without_an_invoice_of_the_month_before_its_day_is_told(tmp_path: Path) -> None:
    def told(day: str) -> list[str]:
        rows = row("I1", "1.00", day=day)
        return [note for note in week(tmp_path, 1, rows, rows).report.notes if "31 days" in note]

    assert len(told("2024-02-08")) == 1
    assert told("2024-02-09") == []


def test_a_former_list_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    choices = {"former": written(tmp_path, "former.csv", "Debtor\nC1\n"), "as_of": "2024-03-11"}
    with pytest.raises(Refused, match=r"--former .*former\.csv, which is read with the same options"):
        imported(tmp_path, HEADER + row("I1", "1.00"), choices=choices)


def with_status(folder: Path, *statuses: str) -> dict[str, tuple[str, str]]:
    """Open balance and past due of C1, whose I1 has these statuses on some Mondays."""
    header = "Customer,Status,Document,Date,Due Date,Total,Balance\n"
    lines: list[bytes] = []
    former = None
    for number, status in enumerate(statuses):
        day = (FIRST + dt.timedelta(weeks=number)).isoformat()
        owed = "0.00" if status == "Paid" else "100.00"
        text = f"{header}C1,{status},I1,2024-02-01,2024-03-02,100.00,{owed}\n"
        text += "C1,Open,I2,2024-02-01,2024-05-02,1.00,1.00\n"
        choices: dict[str, Any] = {"moment": MOMENT + dt.timedelta(weeks=number), "currency": "USD"}
        if former is not None:
            choices |= {"former": former, "as_of": day}
        lines += [raw for raw in imported(folder, text, choices=choices).raw if b'"clock.ticked"' not in raw]
        former = written(folder, "former.csv", text)
    return at_end(folder, lines, FIRST + dt.timedelta(weeks=len(statuses)), "past_due")


def test_an_invoice_that_the_new_list_has_as_paid_is_gone(tmp_path: Path) -> None:
    assert with_status(tmp_path, "Open", "Paid") == {"C1": ("1.00", "0.00")}


def test_a_dispute_that_the_new_list_has_no_more_is_over(tmp_path: Path) -> None:
    assert with_status(tmp_path, "Disputed", "Disputed") == {"C1": ("101.00", "0.00")}
    assert with_status(tmp_path, "Disputed", "Open") == {"C1": ("101.00", "100.00")}


def test_a_list_that_tells_no_disputes_ends_none(tmp_path: Path) -> None:
    header = HEADER.replace("\n", ",Disputed\n")
    former = written(tmp_path, "former.csv", header + row("I1", "100.00").replace("\n", ",yes\n"))
    choices = {"former": former, "as_of": "2024-03-11", "currency": "USD"}
    sent = imported(tmp_path, HEADER + row("I1", "100.00"), choices=choices)
    assert sent.of("dispute.resolved") == []


AMOUNT = st.integers(1, 99)
STEP = st.tuples(st.sampled_from(["invoice", "part", "paid", CREDIT, CASH, "used"]), AMOUNT, AMOUNT)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(STEP, max_size=5), min_size=2, max_size=5))
def test_after_every_week_what_is_open_is_what_the_list_says(weeks: list[list[tuple[str, int, int]]]) -> None:
    """Of a customer whose invoices are paid in part and whole, and whose credits settle invoices that are paid."""
    numbers = count()
    invoices: dict[str, int] = {"I": 500}
    credits: dict[str, tuple[str, int]] = {}
    lists: list[tuple[dict[str, int], dict[str, tuple[str, int]]]] = []
    for steps in weeks:
        new = set()
        for kind, which, amount in steps:
            number = f"{kind[0]}{next(numbers)}"
            old = [i for i in invoices if i != "I" and i not in new]
            at = old[which % len(old)] if old else ""
            if kind == "invoice":
                invoices[number] = amount
                new.add(number)
            elif kind in (CREDIT, CASH):
                credits[number] = kind, amount
                new.add(number)
            elif kind == "part" and at:
                invoices[at] = max(invoices[at] - amount, 1)
            elif kind == "paid" and at:
                del invoices[at]
            elif kind == "used" and at:
                # The week's other credits may have been used for the same invoice, so it must not have become less
                listed = lists[-1][0].get(at) if lists else None
                fits = [c for c, (_, of_it) in credits.items() if c not in new and of_it <= invoices[at]]
                if fits and listed == invoices[at]:
                    del credits[fits[0]], invoices[at]
        lists.append((dict(invoices), dict(credits)))
    told = [
        "".join(row(number, f"{amount}.00") for number, amount in owed.items())
        + "".join(row(number, f"-{amount}.00", kind) for number, (kind, amount) in given.items())
        for owed, given in lists
    ]
    owed, given_ = lists[-1]
    memos, cash = (sum(amount for kind, amount in given_.values() if kind == of) for of in (CREDIT, CASH))
    with TemporaryDirectory() as folder:
        found = figures(Path(folder), *told)
    assert found == {"C1": (f"{sum(owed.values()) - memos}.00", f"{cash}.00")}

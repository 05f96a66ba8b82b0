"""What the sums of a ledger's rows tell of its columns: tax, what is open, a balance that runs on, parts of payments."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import Refused
from streams.feeds.layout import Layout
from tests.import_builders import Imported, imported

HEADER = "Customer,Invoice,Invoice Date,Due Date,Amount"


def read(
    folder: Path, more: str, *cells: str, header: str = HEADER, layout: Layout | None = None
) -> Imported:
    """A ledger of invoices I1, I2, … of C1, whose cells from the amount on are given."""
    rows = (f"C1,I{n},2024-01-02,2024-02-01,{cell}" for n, cell in enumerate(cells, start=1))
    choices = {"layout": layout} if layout else {}
    return imported(folder, "\n".join((header + more, *rows)) + "\n", choices=choices)


def issued(got: Imported) -> list[str]:
    return [invoice["amount"] for invoice in got.of("invoice.issued")]


# With or without tax


@pytest.mark.parametrize(
    ("more", "cell"),
    [
        (",VAT,Payable", "100,20,120"),
        (",VAT,Balance", "100,20,120"),
        (",VAT,Balance", "100,20,100"),
        (",VAT,Excl. VAT", "120,20,100"),
        (",CGST,SGST,Payable", "100,10,10,120"),
    ],
)
def test_another_column_tells_whether_an_amount_has_its_tax(tmp_path: Path, more: str, cell: str) -> None:
    exempt = ",".join("50" if value in ("100", "120") else "0" for value in cell.split(","))
    net = not cell.startswith("120") and not cell.endswith("100")
    assert issued(read(tmp_path, more, cell, exempt)) == [
        "120.00" if net or cell.startswith("120") else "100.00",
        "50.00",
    ]


def test_an_amount_beside_its_tax_that_nothing_else_tells_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r'Amount may be with or without VAT.*amount = "Amount".*tax = "VAT"'):
        read(tmp_path, ",VAT", "100,20")
    for columns, amount in (({"amount": ("Amount",)}, "100.00"), ({"tax": ("VAT",)}, "120.00")):
        assert issued(read(tmp_path, ",VAT", "100,20", layout=Layout(columns=columns))) == [amount]
    for more, cells in (
        (",VAT", ("100,0", "50,")),
        (",VAT %", ("100,20",)),
        (",VAT", ("100,20", "50,20", "70,5")),  # rates
        (",VAT", ("100,S", "50,T1")),
        (",VAT", ("100,123456789", "50,987654321")),
    ):
        assert issued(read(tmp_path, more, *cells))[:2] == ["100.00", "50.00"][: len(cells)]


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (("1200,200", "350,58.33", "42,2"), ["1200.00", "350.00", "42.00"]),  # 20 and 5 percent
        (("1000,190", "99.99,19", "50,0"), ["1190.00", "118.99", "50.00"]),
        (("-119,-19", "238,38"), ["238.00"]),
    ],
)
def test_a_tax_of_a_usual_rate_tells_whether_it_is_in_the_amounts(
    tmp_path: Path, cells: tuple[str, ...], amounts: list[str]
) -> None:
    assert issued(read(tmp_path, ",VAT", *cells)) == amounts


@pytest.mark.parametrize(
    "cells", [("100,20", "250,50"), ("1.20,0.20",), ("100,8.88", "50,4.1"), ("119,19", "200,38")]
)
def test_a_tax_of_a_rate_with_and_without_itself_or_of_none_tells_nothing(
    tmp_path: Path, cells: tuple[str, ...]
) -> None:
    with pytest.raises(Refused, match="Amount may be with or without VAT"):
        read(tmp_path, ",VAT", *cells)


# Invoiced or open


def test_what_is_open_beside_what_was_paid_is_not_paid_once_more(tmp_path: Path) -> None:
    header = HEADER.replace("Amount", "Amount Due,Amount Paid")
    got = read(tmp_path, ",Paid Date", "100,20,", "30,70,2024-01-20", "0,50,2024-01-21", header=header)
    assert issued(got) == ["100.00", "100.00", "50.00"]
    assert [p["amount"] for p in got.of("payment.received")] == ["70.00", "50.00"]


def test_what_is_due_beside_what_was_paid_of_it_is_what_was_invoiced(tmp_path: Path) -> None:
    header = HEADER.replace("Amount", "Amount Due,Amount Paid")
    got = read(tmp_path, ",Paid Date", "100,20,2024-01-20", "30,30,2024-01-20", header=header)
    assert (issued(got), [p["amount"] for p in got.of("payment.received")]) == (
        ["100.00", "30.00"],
        ["20.00", "30.00"],
    )
    with pytest.raises(
        Refused, match=r"Amount Due may be what was invoiced, or what is still open beside Amount Paid"
    ):
        read(tmp_path, "", "100,20", header=header)
    assert issued(read(tmp_path, "", "100,0", header=header)) == ["100.00"]
    said = Layout(columns={"amount": ("Amount Due",)})
    assert issued(read(tmp_path, "", "100,20", header=header, layout=said)) == ["80.00"]


@pytest.mark.parametrize(
    ("more", "cells"),
    [
        (",Rückstand", ("100,100", "50,0")),
        (",Rückstand", ("100,30", "50,50", "80,80")),
        (",Rückstand", ("100,30", "50,45", "80,80")),
        (",Current,1-30,31+", ("100,0,100,0", "50,20,0,0")),
    ],
)
def test_a_column_that_nobody_named_and_that_may_be_what_is_open_refuses_the_file(
    tmp_path: Path, more: str, cells: tuple[str, ...]
) -> None:
    with pytest.raises(
        Refused, match=r"seems to be what of each invoice is open, or was paid.*balance = \"…\""
    ):
        read(tmp_path, more, *cells)
    said = Layout(columns={"amount": ("Amount",)})
    assert len(issued(read(tmp_path, more, *cells, layout=said))) == len(cells)
    paid = [f"{cell}," for cell in cells]
    assert len(issued(read(tmp_path, f"{more},Paid Date", *paid))) == len(cells)


@pytest.mark.parametrize(
    ("more", "cells"),
    [
        (",Ohne Steuer", ("120,100", "60,50", "80,80")),  # without a tax of 20 %
        (",Commission", ("100,5", "50,0", "80,3")),
        (",Services", ("100,100", "50,0", "80,30")),
        (",Last Year", ("100,100", "50,0", "80,30")),
        (",Promised", ("100,100", "50,0", "80,30")),
        (",Local", ("100,100", "50,50")),
        (",Deductions", ("100,100", "50,-5", "80,0")),
        (",Current,1-30,31+", ("100,0,100,0", "50,50,0,0")),
        (",Sold by", ("100,100", "50,Ann")),
        (",Parts,Labour,Travel", ("100,100,0,0", "50,0,50,0", "70,30,20,20")),
        (",Currency,In our books", ("100,EUR,100", "50,USD,45", "70,USD,70.5")),
    ],
)
def test_a_column_that_is_no_part_of_what_is_owed_refuses_nothing(
    tmp_path: Path, more: str, cells: tuple[str, ...]
) -> None:
    assert len(issued(read(tmp_path, more, *cells))) == len(cells)


# A balance that runs on


@pytest.mark.parametrize("turned", [False, True])
def test_a_balance_that_goes_on_from_row_to_row_is_no_invoices(tmp_path: Path, turned: bool) -> None:
    rows = [
        "C1,2024-01-02,Invoice,I1,2024-02-01,500,500",
        "C1,2024-01-03,Payment,P1,,-450,50",
        "C1,2024-01-04,Invoice,I2,2024-02-01,200,250",
        "C1,2024-01-05,Payment,P2,,-240,10",
        "C1,2024-01-06,Invoice,I3,2024-02-01,90,100",
    ]
    header = "Customer,Date,Type,Invoice,Due Date,Amount,Balance"
    got = imported(tmp_path, "\n".join((header, *(rows[::-1] if turned else rows))) + "\n")
    assert issued(got) == ["500.00", "200.00", "90.00"]
    note = (
        "a balance that goes on from row to row is the account's and no invoice's, and is not read: Balance"
    )
    assert (got.report.note_counts[note], "balance" in got.told[0].columns.at) == (1, False)


def test_a_balance_that_goes_on_for_each_customer_is_none_of_an_invoice(tmp_path: Path) -> None:
    rows = ["C1,I1,2024-01-02,2024-02-01,100,100", "C2,I2,2024-01-02,2024-02-01,70,70"]
    rows += ["C1,I3,2024-01-02,2024-02-01,40,140", "C2,I4,2024-01-02,2024-02-01,5,75"]
    got = imported(tmp_path, "\n".join((f"{HEADER},Balance", *rows)) + "\n")
    assert "balance" not in got.told[0].columns.at


def test_a_balance_that_seems_to_go_on_in_one_row_of_many_is_what_is_open(tmp_path: Path) -> None:
    rows = [f"C{n},I{n},2024-01-02,2024-02-01,100,40" for n in range(20)]
    rows += ["C1,I20,2024-01-02,2024-02-01,50,90"]
    got = imported(tmp_path, "\n".join((f"{HEADER},Balance", *rows)) + "\n")
    assert "balance" in got.told[0].columns.at
    few = imported(tmp_path, "\n".join((f"{HEADER},Balance", rows[1], rows[-1])) + "\n")
    assert "balance" not in few.told[0].columns.at
    said = Layout(columns={"balance": ("Balance",)})
    few = imported(
        tmp_path, "\n".join((f"{HEADER},Balance", rows[1], rows[-1])) + "\n", choices={"layout": said}
    )
    assert "balance" in few.told[0].columns.at


def test_rows_that_end_before_their_customer_are_bad_rows_alone(tmp_path: Path) -> None:
    rows = ("I1,2024-01-02,2024-02-01,100,100", "I2,2024-01-02,2024-02-01,50,50,C1")
    got = imported(
        tmp_path, "\n".join(("Invoice,Invoice Date,Due Date,Amount,Balance,Customer", *rows)) + "\n"
    )
    assert (issued(got), got.report.refused) == (["50.00"], 1)


def test_what_is_open_of_each_invoice_is_no_balance_that_runs_on(tmp_path: Path) -> None:
    got = read(tmp_path, ",Balance", "100,0", "50,50", "100,100", "30,20", "20,0", "20,20")
    assert "balance" in got.told[0].columns.at


# Parts of payments


def test_the_parts_of_a_payment_are_the_column_that_adds_up_to_it(tmp_path: Path) -> None:
    payments = "Payment No,Customer,Payment Date,Amount,Invoice,Share\n"
    rows = "P1,C1,2024-01-20,100,I1,60\nP1,C1,2024-01-20,100,I2,40\nP2,C1,2024-01-21,30,I2,30\n"
    ledger = f"{HEADER}\nC1,I1,2024-01-02,2024-02-01,60\nC1,I2,2024-01-02,2024-02-01,70\n"
    got = imported(tmp_path, ledger, payments + rows)
    assert [(p["amount"], len(p["applications"])) for p in got.of("payment.received")] == [
        ("100.00", 2),
        ("30.00", 1),
    ]
    # Two equal halves, and nothing that says otherwise
    halves = rows.replace("60", "100").replace(",I2,40", ",I2,100")
    assert imported(tmp_path, ledger, payments + halves).of("payment.received")[0]["amount"] == "200.00"

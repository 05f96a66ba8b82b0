"""What rows become: the events of one invoice and its payments, notes, and the reasons for which a row is refused."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from streams.errors import Refused
from streams.feeds.layout import Layout
from tests.import_builders import BOOK, IBM, imported, ticked_days

HEADER = "Customer,Invoice,Invoice Date,Due Date,Amount"
ONE = f"{HEADER}\nC1,I1,2024-01-02,2024-02-01,100.00\n"


def ledger(header: str, *rows: str) -> str:
    return "\n".join((header, *rows)) + "\n"


def payment(**fields: Any) -> dict[str, Any]:
    """The whole settlement of invoice I1 of C1, with what is different."""
    return {
        "account_id": "C1",
        "payment_id": "I1/paid",
        "amount": "100.00",
        "currency": "USD",
        "paid_on": "2024-01-20",
        "applications": [{"invoice_id": "I1", "amount": "100.00"}],
        **fields,
    }


def times(got: Any) -> list[tuple[str, str]]:
    return [
        (event.type, event.occurred_at.isoformat()) for event in got.events if event.type != "clock.ticked"
    ]


# One file


def test_an_open_item_opens_its_account_and_is_issued(tmp_path: Path) -> None:
    got = imported(tmp_path, ONE)
    assert times(got) == [
        ("account.opened", "2024-01-02T06:00:00+00:00"),
        ("invoice.issued", "2024-01-02T09:00:00+00:00"),
    ]
    assert got.of("account.opened") == [
        {"account_id": "C1", "name": "C1", "currency": "USD", "opened_on": "2024-01-02"}
    ]


def test_a_settlement_date_pays_the_whole_invoice_on_that_day(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Cleared Date", "C1,I1,2024-01-02,2024-02-01,100,2024-01-20"))
    assert got.of("payment.received") == [payment()]


def test_a_payment_on_the_day_of_the_invoice_comes_after_it(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Paid Date", "C1,I1,2024-01-02,2024-02-01,100,2024-01-02"))
    assert [kind for kind, _ in times(got)] == ["account.opened", "invoice.issued", "payment.received"]


def test_one_row_a_part_payment_adds_up(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Payment Date,Amount Paid",
            "C1,I1,2024-01-02,2024-02-01,100,2024-01-20,40",
            "C1,I1,2024-01-02,2024-02-01,100,2024-01-25,60",
            "C1,I2,2024-01-02,2024-02-01,100,,0",
        ),
    )
    assert [(p["paid_on"], p["amount"]) for p in got.of("payment.received")] == [
        ("2024-01-20", "40.00"),
        ("2024-01-25", "60.00"),
    ]
    assert len(got.of("invoice.issued")) == 2
    assert got.report.refused == 0


def test_a_payment_above_what_is_owed_leaves_the_rest_unapplied(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(f"{HEADER},Payment Date,Amount Paid", "C1,I1,2024-01-02,2024-02-01,100,2024-01-20,130"),
    )
    assert got.of("payment.received") == [payment(amount="130.00")]
    assert any("unapplied" in note for note in got.report.notes)


def test_a_negative_row_is_a_credit_note_on_account_or_of_its_invoice(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Original Invoice,Cleared Date",
            "C1,I1,2024-01-02,2024-02-01,100,,2024-01-20",
            "C1,M1,2024-01-10,2024-01-10,-30,I1,2024-01-20",
            "C1,M2,2024-01-11,2024-01-11,(5.00),,",
            "C1,I3,2024-01-02,2024-02-01,7,,",
            "C1,I3,2024-01-12,2024-02-01,-7,,",
        ),
    )
    assert got.of("invoice.credited") == [
        {"account_id": "C1", "memo_id": "M1", "amount": "30.00", "currency": "USD", "invoice_id": "I1"},
        {"account_id": "C1", "memo_id": "M2", "amount": "5.00", "currency": "USD"},
        {"account_id": "C1", "memo_id": "I3", "amount": "7.00", "currency": "USD", "invoice_id": "I3"},
    ]
    # What the credit note took back was not paid.
    assert got.of("payment.received") == [
        payment(amount="70.00", applications=[{"invoice_id": "I1", "amount": "70.00"}])
    ]


def test_a_ledger_of_nothing_but_credit_notes_is_refused(tmp_path: Path) -> None:
    turned = ledger(
        f"{HEADER},Paid Date", "C1,I1,2024-01-02,2024-02-01,-100,2024-01-20", "C1,I2,2024-01-02,,-5,"
    )
    with pytest.raises(Refused, match=r"0\.csv: no row is an invoice.*turn the signs round"):
        imported(tmp_path, turned)
    assert imported(tmp_path, ONE, turned).report.credited == {"USD": 10500}


def test_rows_named_credit_or_payment_are_what_they_are_named(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "Type,Customer,Num,Date,Due Date,Amount",
            "Invoice,C1,I1,2024-01-02,2024-02-01,100",
            "Credit Memo,C1,M1,2024-01-03,,30",
            "Payment,C1,P1,2024-01-20,,-70",
        ),
    )
    assert [m["memo_id"] for m in got.of("invoice.credited")] == ["M1"]
    assert [(p["payment_id"], p["amount"]) for p in got.of("payment.received")] == [("P1", "70.00")]
    assert len(got.of("invoice.issued")) == 1


def test_a_payment_among_invoices_is_of_the_invoice_that_it_names(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "Type,Customer,Num,Date,Due Date,Amount,Applies To,Reference",
            "Invoice,C1,I1,2024-01-02,2024-02-01,100,,",
            "Payment,C1,P1,2024-01-20,,-60,I1,wire",
            "Payment,C1,P2,2024-01-21,,-40,,",
        ),
    )
    assert got.of("payment.received") == [
        payment(payment_id="P1", amount="60.00", reference="wire",
                applications=[{"invoice_id": "I1", "amount": "60.00"}]),
        {"account_id": "C1", "payment_id": "P2", "amount": "40.00", "currency": "USD", "paid_on": "2024-01-21"},
    ]  # fmt: skip


def test_a_dispute_is_dated_on_the_due_date_and_rejected_when_paid(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Disputed,Settled Date",
            "C1,I1,2024-01-02,2024-02-01,100,Yes,2024-03-01",  # paid late: in dispute from the due date
            "C1,I2,2024-01-02,2024-02-01,100,Yes,2024-01-20",  # paid early: on the day of settlement
            "C1,I3,2024-02-20,2024-05-01,100,Yes,",  # open, due after the files' last day
            "C1,I4,2024-01-02,2024-02-01,100,No,",
        ),
    )
    disputes = [(d["invoice_id"], when[:10]) for d, (_, when) in zip(
        got.of("invoice.disputed"), [t for t in times(got) if t[0] == "invoice.disputed"], strict=True
    )]  # fmt: skip
    assert disputes == [("I2", "2024-01-20"), ("I1", "2024-02-01"), ("I3", "2024-03-01")]
    assert [(r["invoice_id"], r["outcome"]) for r in got.of("dispute.resolved")] == [
        ("I2", "rejected"),
        ("I1", "rejected"),
    ]


def test_a_flag_that_a_spreadsheet_made_a_number_of_is_read(tmp_path: Path) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,1.0", "C1,I2,2024-01-02,2024-02-01,100,0.0")
    got = imported(tmp_path, ledger(f"{HEADER},Disputed", *rows))
    assert ([d["invoice_id"] for d in got.of("invoice.disputed")], got.bad) == (["I1"], [])


@pytest.mark.parametrize("null", ["\\N", "<NA>", "(null)", "NaN"])
def test_what_databases_write_for_nothing_is_nothing(tmp_path: Path, null: str) -> None:
    row = f"C1,I1,2024-01-02,2024-02-01,100,{null},{null},{null}"
    got = imported(tmp_path, ledger(f"{HEADER},Paid Date,Balance,Payment ID", row))
    assert (got.report.invoiced, got.of("payment.received"), got.bad) == ({"USD": 10000}, [], [])


def test_a_limit_is_set_when_it_is_seen_first_and_when_it_changes(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Credit Limit",
            "C1,I3,2024-03-02,2024-04-01,100,500",
            "C1,I1,2024-01-02,2024-02-01,100,500",
            "C1,I2,2024-02-02,2024-03-01,100,900",
            "C1,I4,2024-03-03,2024-04-01,100,500",
        ),
    )
    limits = [(limit["credit_limit"], when[:10]) for limit, (_, when) in zip(
        got.of("account.limit_set"), [t for t in times(got) if t[0] == "account.limit_set"], strict=True
    )]  # fmt: skip
    assert limits == [("500.00", "2024-01-02"), ("900.00", "2024-02-02"), ("500.00", "2024-03-02")]


def test_terms_make_the_due_date_where_there_is_none(tmp_path: Path) -> None:
    header = "Customer,Invoice,Invoice Date,Amount,Terms"
    rows = ["C1,I1,2024-01-02,100,NET30", "C1,I2,2024-01-02,100,Z045", "C1,I3,2024-01-02,100,whenever"]
    got = imported(tmp_path, ledger(header, *rows))
    assert [(i["invoice_id"], i["due_date"], i["terms"]) for i in got.of("invoice.issued")] == [
        ("I1", "2024-02-01", "NET30"),
        ("I2", "2024-02-16", "Z045"),
    ]
    assert "--terms" in got.bad[0]
    assert got.of("account.opened")[0]["terms_days"] == 30
    again = imported(tmp_path, ledger(header, *rows), choices={"terms_days": 10})
    assert [i["due_date"] for i in again.of("invoice.issued")] == ["2024-02-01", "2024-02-16", "2024-01-12"]


def test_without_due_dates_and_terms_the_file_is_refused(tmp_path: Path) -> None:
    text = ledger("Customer,Invoice,Invoice Date,Amount", "C1,I1,2024-01-02,100")
    with pytest.raises(Refused, match="--terms DAYS"):
        imported(tmp_path, text)
    assert (
        imported(tmp_path, text, choices={"terms_days": 30}).of("invoice.issued")[0]["due_date"]
        == "2024-02-01"
    )


def test_the_currency_is_the_columns_then_the_flags_then_the_policys(tmp_path: Path) -> None:
    with_column = ledger(
        f"{HEADER},Currency", "C1,I1,2024-01-02,2024-02-01,100,eur", "C2,I2,2024-01-02,2024-02-01,100,"
    )
    flag = {"currency": "CHF"}
    assert [i["currency"] for i in imported(tmp_path, with_column).of("invoice.issued")] == ["EUR", "USD"]
    assert [i["currency"] for i in imported(tmp_path, with_column, choices=flag).of("invoice.issued")] == [
        "EUR",
        "CHF",
    ]
    assert imported(tmp_path, ONE, choices=flag).of("invoice.issued")[0]["currency"] == "CHF"
    assert (
        imported(tmp_path, ONE, choices={"base_currency": "EUR"}).of("invoice.issued")[0]["currency"] == "EUR"
    )


def test_a_sign_beside_the_amount_names_the_currency_or_is_refused(tmp_path: Path) -> None:
    text = ledger(
        HEADER,
        "C1,I1,2024-01-02,2024-02-01,€100.50",
        "C1,I2,2024-01-02,2024-02-01,$100.50",
        "C1,I3,2024-01-02,2024-02-01,kr 100.50",
    )
    got = imported(tmp_path, text)
    assert [i["currency"] for i in got.of("invoice.issued")] == ["EUR", "USD"]
    assert "may be in SEK, NOK, DKK" in got.bad[0]
    # A flag that the sign contradicts makes a bad row, not a wrong amount.
    assert len(imported(tmp_path, text, choices={"currency": "EUR"}).of("invoice.issued")) == 1


@pytest.mark.parametrize(
    ("cell", "account"),
    [
        ("007", "007"),
        ("200769623.0", "200769623"),
        ('"=""007"""', "007"),
        ("'007", "007"),
        (" C 1 ", "C 1"),
        ("C\u00a01", "C 1"),
        ("0379-NEVHP", "0379-NEVHP"),
        ("12E4", "12E4"),
    ],
)
def test_the_customers_own_number_is_the_account(tmp_path: Path, cell: str, account: str) -> None:
    got = imported(tmp_path, ledger(HEADER, f"{cell},I1,2024-01-02,2024-02-01,100"))
    assert [i["account_id"] for i in got.of("invoice.issued")] == [account]


# Two files

INVOICES = ledger(
    f"{HEADER},Currency", "C1,I1,2024-01-02,2024-02-01,100,EUR", "C1,I2,2024-01-03,2024-02-02,50,EUR"
)


def test_invoices_and_payments_meet_whichever_file_comes_first(tmp_path: Path) -> None:
    payments = ledger(
        "Payment ID,Customer,Invoice,Payment Date,Amount,Reference",
        "P1,C1,I1,2024-01-20,60,first",
        "P2,C1,I1,2024-02-20,40,",
        "P2,C1,I2,2024-02-20,50,",
    )
    got = imported(tmp_path, INVOICES, payments)
    assert got.of("payment.received") == [
        payment(payment_id="P1", amount="60.00", currency="EUR", reference="first",
                applications=[{"invoice_id": "I1", "amount": "60.00"}]),
        payment(payment_id="P2", amount="90.00", currency="EUR", paid_on="2024-02-20",
                applications=[{"invoice_id": "I1", "amount": "40.00"}, {"invoice_id": "I2", "amount": "50.00"}]),
    ]  # fmt: skip
    assert imported(tmp_path, payments, INVOICES).raw == got.raw


def test_payments_without_numbers_are_named_by_invoice_and_day(tmp_path: Path) -> None:
    payments = ledger(
        "Customer,Invoice,Payment Date,Amount",
        "C1,I1,2024-01-20,60",
        "C1,I1,2024-01-20,40",
        "C1,I1,2024-01-20,40",
    )
    got = imported(tmp_path, INVOICES, payments)
    assert [(p["payment_id"], p["amount"]) for p in got.of("payment.received")] == [
        ("I1/2024-01-20", "40.00"),
        ("I1/2024-01-20/2", "60.00"),
    ]
    assert got.report.note_counts["payments that stand there twice, taken once"] == 1


def test_payments_without_a_customer_find_him_by_the_invoice(tmp_path: Path) -> None:
    invoices = ledger(
        HEADER,
        "C1,I1,2024-01-02,2024-02-01,100",
        "C2,I2,2024-01-02,2024-02-01,100",
        "C1,I3,2024-01-02,2024-02-01,100",
        "C2,I3,2024-01-02,2024-02-01,100",
    )
    payments = ledger(
        "Invoice,Payment Date,Amount", "I2,2024-01-20,100", "I3,2024-01-20,100", "I9,2024-01-20,100"
    )
    got = imported(tmp_path, payments, invoices)
    assert [p["account_id"] for p in got.of("payment.received")] == ["C2"]
    assert ["belongs to 2 customers" in bad or "in none of the files" in bad for bad in got.bad] == [
        True,
        True,
    ]
    with pytest.raises(Refused, match="name both files"):
        imported(tmp_path, payments)


def test_cash_that_names_no_invoice_stays_on_account(tmp_path: Path) -> None:
    payments = ledger("Customer,Invoice,Payment Date,Amount", "C1,,2024-01-20,60")
    got = imported(tmp_path, INVOICES, payments)
    assert got.of("payment.received") == [
        {
            "account_id": "C1",
            "payment_id": "on-account/2024-01-20/6000",
            "amount": "60.00",
            "currency": "EUR",
            "paid_on": "2024-01-20",
        }
    ]
    assert [note.partition(";")[0] for note in got.report.notes] == [
        "payments that name no invoice, left unapplied"
    ]


def test_equal_cash_on_account_of_one_day_is_told_apart_by_its_reference(tmp_path: Path) -> None:
    payments = ledger(
        "Customer,Payment Date,Amount,Reference",
        "C1,2024-01-20,10,a",
        "C1,2024-01-20,10,b",
        "C1,2024-01-20,10,b",
    )
    got = imported(tmp_path, ONE, payments)
    assert len({p["payment_id"] for p in got.of("payment.received")}) == 2
    assert got.report.note_counts["payments that stand there twice, taken once"] == 1


def test_cash_on_account_is_in_its_own_currency_or_else_in_the_accounts(tmp_path: Path) -> None:
    invoices = ledger(
        "Customer,Invoice,Invoice Date,Due Date,Amount,Currency", "C1,I1,2024-01-02,2024-02-01,100,GBP"
    )
    payments = ledger(
        "Customer,Invoice,Payment Date,Amount,Currency", "C1,,2024-01-20,60,USD", "C1,,2024-01-21,60,"
    )
    got = imported(tmp_path, invoices, payments)
    assert [p["currency"] for p in got.of("payment.received")] == ["USD", "GBP"]


def test_customers_who_pay_and_have_no_invoice_are_noted(tmp_path: Path) -> None:
    payments = ledger(
        "Receipt No,Customer,Payment Date,Amount",
        "P1,c1,2024-01-20,60",
        "P2,C1,2024-01-20,5",
        "P3,c1,2024-01-21,1",
    )
    note = (
        "customers with payments and no invoice: is their number written in another way among the invoices?"
    )
    got = imported(tmp_path, ONE, payments)
    assert got.report.notes[note][0].endswith("1.csv:2")
    assert got.report.note_counts[note] == 1
    assert note not in imported(tmp_path, payments).report.notes


def test_a_payment_of_an_invoice_that_is_not_there_is_sent_and_noted(tmp_path: Path) -> None:
    got = imported(tmp_path, INVOICES, ledger("Customer,Invoice,Payment Date,Amount", "C1,I9,2024-01-20,60"))
    assert got.of("payment.received")[0]["applications"] == [{"invoice_id": "I9", "amount": "60.00"}]
    assert any("do not hold" in note for note in got.report.notes)


def test_a_payment_larger_than_its_applications_keeps_the_rest_unapplied(tmp_path: Path) -> None:
    payments = ledger(
        "Payment ID,Customer,Invoice,Payment Date,Applied Amount,Payment Amount",
        "P1,C1,I1,2024-01-20,100,170",
        "P1,C1,I2,2024-01-20,50,170",
    )
    got = imported(tmp_path, INVOICES, payments)
    assert [(p["amount"], len(p["applications"])) for p in got.of("payment.received")] == [("170.00", 2)]


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_file_of_credit_notes_credits_the_invoices_of_another(tmp_path: Path, sign: str) -> None:
    got = imported(
        tmp_path,
        ONE,
        ledger(
            "Credit Note No,Customer,Date,Amount,Invoice No",
            f"M1,C1,2024-01-20,{sign}30.00,I1",
            f"M2,C1,2024-01-21,{sign}5.00,",
        ),
    )
    assert [(m["memo_id"], m["amount"], m.get("invoice_id")) for m in got.of("invoice.credited")] == [
        ("M1", "30.00", "I1"),
        ("M2", "5.00", None),
    ]
    assert (got.of("payment.received"), got.report.refused) == ([], 0)


PAYMENTS = "Receipt No,Customer,Invoice,Payment Date,Amount"


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("Refund", "gives money back"),
        ("Chargeback", "gives money back"),
        ("Debit", "gives money back"),
        ("Write-off", "gives up what is owed"),
        ("Credit note", "is no payment"),
        ("Invoice", "is no payment"),
    ],
)
def test_a_row_of_payments_that_by_its_type_is_none_is_refused(
    tmp_path: Path, named: str, reason: str
) -> None:
    rows = ("P1,C1,I1,2024-01-20,60,Payment", "P2,C1,I1,2024-01-21,30,Credit", "P3,C1,I1,2024-01-22,5,PP")
    got = imported(tmp_path, ONE, ledger(f"{PAYMENTS},Type", *rows, f"P4,C1,I1,2024-01-25,60,{named}"))
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P1", "P2", "P3"]
    assert "1.csv:5: Type: " in got.bad[0]
    assert reason in got.bad[0]
    unnamed = ledger(f"{PAYMENTS},Event", "P1,C1,I1,2024-01-20,60,Charge", f"P2,C1,I1,2024-01-20,60,{named}")
    if named in ("Refund", "Chargeback", "Write-off"):
        with pytest.raises(Refused, match="Event seems to say which rows are no payments"):
            imported(tmp_path, ONE, unnamed)


def test_a_discount_beside_a_payment_is_noted_as_it_stands_open(tmp_path: Path) -> None:
    rows = ("P1,C1,I1,2024-01-20,60,2%", "P2,C1,I1,2024-01-21,38,0.00", "P3,C1,I1,2024-01-22,1,")
    got = imported(tmp_path, ONE, ledger(f"{PAYMENTS},Discount", *rows))
    ((note, places),) = got.report.notes.items()
    assert "discount" in note
    assert [place.rpartition("/")[2] for place in places] == ["1.csv:2"]


def test_a_file_that_writes_all_payments_negative_is_understood(tmp_path: Path) -> None:
    got = imported(tmp_path, INVOICES, ledger("Customer,Invoice,Payment Date,Amount", "C1,I1,2024-01-20,-60"))
    assert [p["amount"] for p in got.of("payment.received")] == ["60.00"]
    mixed = ledger("Customer,Invoice,Payment Date,Amount", "C1,I1,2024-01-20,60", "C1,I1,2024-01-21,-60")
    again = imported(tmp_path, INVOICES, mixed)
    assert "is negative" in again.bad[0]


def test_payments_in_a_file_of_their_own_go_before_settlement_columns(tmp_path: Path) -> None:
    invoices = ledger(
        f"{HEADER},Cleared Date",
        "C1,I1,2024-01-02,2024-02-01,100,2024-01-20",
        "C1,I2,2024-01-02,2024-02-01,100,2024-01-20",
    )
    got = imported(tmp_path, invoices, ledger("Customer,Invoice,Payment Date,Amount", "C1,I1,2024-01-19,100"))
    assert [(p["paid_on"], p["amount"]) for p in got.of("payment.received")] == [
        ("2024-01-19", "100.00"),
        ("2024-01-20", "100.00"),
    ]


def test_payments_that_carry_their_invoices_date_are_no_second_invoices(tmp_path: Path) -> None:
    payments = ledger("Customer,Invoice,Invoice Date,Payment Date,Amount", "C1,I1,2024-01-02,2024-01-20,100")
    for files in ((INVOICES, payments), (payments, INVOICES)):
        got = imported(tmp_path, *files)
        assert len(got.of("invoice.issued")) == 2
        assert [p["amount"] for p in got.of("payment.received")] == ["100.00"]


def test_years_in_several_files_are_one_ledger(tmp_path: Path) -> None:
    got = imported(tmp_path, ONE, ledger(HEADER, "C1,I2,2023-01-02,2023-02-01,100"))
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I2", "I1"]
    assert got.of("account.opened")[0]["opened_on"] == "2023-01-02"


# What is refused, row by row


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",I2,2024-01-02,2024-02-01,100,", "Customer: is empty"),
        ("C1,,2024-01-02,2024-02-01,100,", "Invoice: is empty"),
        ("C1,I2,,2024-02-01,100,", "Invoice Date: is empty"),
        ("C1,I2,2024-01-02,2024-02-01,,", "Amount: is empty"),
        ("C1,I2,2024-01-02,2024-02-01,0.00,", "Amount: is zero"),
        ("C1,I2,2024-01-02,2024-02-01,1.234,", "more decimals than USD"),
        ("C1,I2,2024-01-02,2024-02-01,12%,", "no amount"),
        ("C1,I2,2024-01-02,2024-01-01,100,", "due 2024-01-01 before the invoice's date"),
        ("C1,I2,2024-01-02,,100,", "Due Date: is empty"),
        ("C1,I2,2024-01-02,2024-02-01,100,2023-01-01", "over 90 days before"),
        ("C1,I2,2024-01-02,2024-02-01,100,soon", "'soon' is no date"),
        ("C1,I2,2042-01-02,2042-02-01,100,", "in the future"),
        ("C1,I2,2024-01-02,2024-02-01,100,2042-01-01", "in the future"),
        ("1.5E+09,I2,2024-01-02,2024-02-01,100,", "rounded by a spreadsheet"),
        (f"{'x' * 151},I2,2024-01-02,2024-02-01,100,", "longer than 150"),
        ("C1,I1,2024-01-02,2024-02-01,200,", "another amount; if they are lines of one invoice"),
        ("C1,I1,2024-01-02,2024-02-01,100.50,2024-01-21", "another settlement"),
    ],
)
def test_a_bad_row_is_named_and_the_good_ones_go_on(tmp_path: Path, row: str, reason: str) -> None:
    header = f"{HEADER},Cleared Date"
    got = imported(
        tmp_path,
        ledger(
            header, "C1,I1,2024-01-02,2024-02-01,100.50,2024-01-20", row, "C1,I3,2024-01-02,2024-02-01,1,"
        ),
    )
    assert len(got.bad) == 1
    assert "0.csv:3: " in got.bad[0]
    assert reason in got.bad[0]
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1", "I3"]
    assert (got.report.rows, got.report.refused, got.report.reasons.total()) == (3, 1, 1)


def test_a_date_against_the_files_order_is_a_bad_row(tmp_path: Path) -> None:
    rows = [f"C1,I{day},1/{day}/2024,2/{day}/2024,100" for day in range(13, 20)]
    got = imported(tmp_path, ledger(HEADER, *rows, "C1,I99,25/1/2024,2/25/2024,100"))
    assert len(got.of("invoice.issued")) == 7
    assert "contradicts the order of this file's dates (month first)" in got.bad[0]


def test_dates_against_an_order_that_was_said_name_who_said_it(tmp_path: Path) -> None:
    rows = ledger(HEADER, "C1,I1,13/01/2024,01/02/2024,100", "C1,I2,03/01/2024,04/01/2024,100")
    got = imported(tmp_path, rows, choices={"order": "mdy"})
    assert "(month first: --dates says so)" in got.bad[0]
    got = imported(tmp_path, rows, choices={"layout": Layout(order="mdy")})
    assert "(month first: the layout says so)" in got.bad[0]


def test_an_order_that_can_not_be_told_refuses_the_file_until_it_is_said(tmp_path: Path) -> None:
    text = ledger(HEADER, "C1,I1,1/2/2024,3/4/2024,100")
    with pytest.raises(Refused, match="--dates mdy"):
        imported(tmp_path, text)
    days = {
        order: imported(tmp_path, text, choices={"order": order}).of("invoice.issued")[0]["invoice_date"]
        for order in ("mdy", "dmy")
    }
    assert days == {"mdy": "2024-01-02", "dmy": "2024-02-01"}


def test_a_decimal_sign_that_can_not_be_told_refuses_the_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="decimal = "):
        imported(tmp_path, ledger(HEADER, "C1,I1,2024-01-02,2024-02-01,1.234"))


def test_nothing_good_is_refused_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"none of the 2 rows.*amount is zero \(2\)"):
        imported(tmp_path, ledger(HEADER, "C1,I1,2024-01-02,2024-02-01,0", "C1,I2,2024-01-02,2024-02-01,0"))


def test_a_row_that_stands_there_twice_is_taken_once(tmp_path: Path) -> None:
    got = imported(tmp_path, ONE + "C1,I1,2024-01-02,2024-02-01,100.00\n")
    assert len(got.of("invoice.issued")) == 1
    assert got.report.note_counts["rows that stand there twice, taken once"] == 1
    assert got.report.notes["rows that stand there twice, taken once"][0].endswith("0.csv:3")


def test_paid_a_little_before_the_invoice_is_paid_in_advance(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Paid Date", "C1,I1,2024-01-02,2024-02-01,100,2023-12-20"))
    assert [kind for kind, _ in times(got)] == ["account.opened", "payment.received", "invoice.issued"]
    assert got.of("account.opened")[0]["opened_on"] == "2023-12-20"


def test_an_account_opens_with_its_first_payment_where_that_came_before_its_invoice(tmp_path: Path) -> None:
    payments = ledger("Payment ID,Customer,Name,Invoice,Payment Date,Amount", "P1,C1,Acme,I1,2023-12-20,100")
    got = imported(tmp_path, ONE, payments)
    (opened,) = got.of("account.opened")
    assert (opened["opened_on"], opened["name"]) == ("2023-12-20", "Acme")


def test_a_credit_note_that_stands_there_twice_is_taken_once(tmp_path: Path) -> None:
    notes = ledger(
        "Credit Note No,Customer,Date,Amount,Invoice No",
        "M1,C1,2024-01-20,30.00,I1",
        "M1,C1,2024-01-20,30.00,I1",
        "M1,C1,2024-01-20,31.00,I1",
    )
    got = imported(tmp_path, ONE, notes)
    assert [m["amount"] for m in got.of("invoice.credited")] == ["30.00"]
    assert got.report.note_counts["credit notes that stand there twice, taken once"] == 1
    assert "credit note 'M1' stands in" in got.bad[0]


def test_a_credit_note_takes_off_what_a_settlement_pays_in_its_invoices_currency_alone(
    tmp_path: Path,
) -> None:
    invoices = ledger(
        f"{HEADER},Currency,Paid Date",
        "C1,I1,2024-01-02,2024-02-01,100,EUR,2024-01-25",
        "C1,I2,2024-01-02,2024-02-01,100,EUR,2024-01-25",
    )
    notes = ledger(
        "Credit Note No,Customer,Date,Amount,Invoice No,Currency",
        "M1,C1,2024-01-20,30,I1,EUR",
        "M2,C1,2024-01-20,30,I2,USD",
    )
    got = imported(tmp_path, invoices, notes)
    assert [p["amount"] for p in got.of("payment.received")] == ["70.00", "100.00"]


def test_a_payment_long_before_its_invoice_is_refused_as_a_settlement_is(tmp_path: Path) -> None:
    payments = ledger("Customer,Invoice,Payment Date,Amount", "C1,I1,2022-01-20,60", "C1,I1,2024-01-20,40")
    got = imported(tmp_path, ONE, payments)
    assert [p["amount"] for p in got.of("payment.received")] == ["40.00"]
    assert "paid 2022-01-20, over" in got.bad[0]


# The two public books


def test_ibms_late_payment_set_imports(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            IBM,
            "391,0379-NEVHP,4/6/2013,611365,1/2/2013,2/1/2013,55.94,No,1/15/2013,Paper,13,0",
            "406,8976-AMJEO,3/3/2012,7900770,1/26/2013,2/25/2013,61.74,Yes,3/3/2013,Electronic,36,6",
        ),
    )
    assert got.report.refused == 0
    assert [
        (i["account_id"], i["invoice_id"], i["amount"], i["due_date"]) for i in got.of("invoice.issued")
    ] == [
        ("0379-NEVHP", "611365", "55.94", "2013-02-01"),
        ("8976-AMJEO", "7900770", "61.74", "2013-02-25"),
    ]
    assert [p["paid_on"] for p in got.of("payment.received")] == ["2013-01-15", "2013-03-03"]
    assert [d["invoice_id"] for d in got.of("invoice.disputed")] == ["7900770"]


def test_the_public_book_of_50000_invoices_imports(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            BOOK,
            "U001,0200769623,WAL-MAR corp,2020-02-11 00:00:00,2020.0,1930438491.0,2020-01-26,20200125,20200210.0,USD,RV,"
            "1.0,,54273.28,20200126.0,NAH4,1930438491.0,0",
            "CA02,0140106181,THE corporation,,2020.0,2960623488.0,2020-03-30,20200330,20200410.0,CAD,RV,1.0,,3299.7,"
            "20200331.0,CA10,2960623488.0,1",
            "U001,0200769623,WAL-MAR corp,2020-02-12 00:00:00,2020.0,9500000001.0,2020-01-26,20200125,20200210.0,USD,X2,"
            "1.0,,100.0,20200126.0,NAH4,,0",
        ),
    )
    assert got.bad == []
    assert [
        (i["account_id"], i["invoice_id"], i["amount"], i["currency"], i["invoice_date"], i["due_date"])
        for i in got.of("invoice.issued")
    ] == [
        ("0200769623", "1930438491", "54273.28", "USD", "2020-01-25", "2020-02-10"),
        ("0200769623", "9500000001", "100.00", "USD", "2020-01-25", "2020-02-10"),
        ("0140106181", "2960623488", "3299.70", "CAD", "2020-03-30", "2020-04-10"),
    ]
    assert [p["paid_on"] for p in got.of("payment.received")] == ["2020-02-11", "2020-02-12"]
    assert [a["name"] for a in got.of("account.opened")] == ["WAL-MAR corp", "THE corporation"]


# Ids, order and ticks


def test_the_same_content_has_the_same_ids_in_any_order_of_rows(tmp_path: Path) -> None:
    rows = [
        f"C{i % 7},I{i},2024-01-{1 + i % 28:02d},2024-03-01,{i}.50,2024-02-{1 + i % 27:02d}"
        for i in range(1, 200)
    ]
    header = f"{HEADER},Paid Date"
    first = imported(tmp_path, ledger(header, *rows))
    random.Random(3).shuffle(rows)
    assert imported(tmp_path, ledger(header, *rows)).raw == first.raw
    ids = [event.event_id for event in first.events]
    assert len(set(ids)) == len(ids)


def test_events_are_sorted_by_time_with_one_tick_a_day(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Paid Date", "C1,I1,2024-01-30,2024-03-01,1,2024-02-02"))
    instants = [event.occurred_at for event in got.events]
    assert all(earlier <= later for earlier, later in pairwise(instants))
    assert ticked_days(got.events) == ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-02"]
    assert [event.type for event in got.events][-2:] == ["payment.received", "clock.ticked"]


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York", "Asia/Kolkata"])
def test_days_are_those_of_the_policys_time_zone(tmp_path: Path, zone: str) -> None:
    got = imported(tmp_path, ONE, zone=ZoneInfo(zone))
    issued = next(event for event in got.events if event.type == "invoice.issued")
    assert issued.occurred_at.astimezone(ZoneInfo(zone)).date().isoformat() == "2024-01-02"
    assert ticked_days(got.events) == ["2024-01-02"]


def test_the_report_sums_by_currency(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Currency,Paid Date",
            "C1,I1,2024-01-02,2024-02-01,100,EUR,2024-01-20",
            "C1,I2,2024-01-02,2024-02-01,50,USD,",
            "C2,I3,2024-01-05,2024-02-01,25.5,USD,",
            "C2,M1,2024-01-05,2024-02-01,-5,USD,",
        ),
    )
    report = got.report
    assert (report.invoiced, report.paid, report.credited) == (
        {"EUR": 10000, "USD": 7550},
        {"EUR": 10000},
        {"USD": 500},
    )
    assert (report.first_day, report.last_day, report.accounts) == ("2024-01-02", "2024-01-20", 2)


# What other columns say of the same money


def test_payments_that_settled_invoices_of_their_own_file_are_not_counted_twice(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "Customer,Document Number,Document Type,Document Date,Net due date,Clearing date,Amount",
            "C1,180,RV,2024-01-02,2024-02-01,2024-02-20,100.00",
            "C1,140,DZ,2024-02-20,2024-02-20,2024-02-20,100.00-",
            "C1,141,DZ,2024-02-21,2024-02-21,,30.00-",
        ),
    )
    assert [(p["payment_id"], p["amount"]) for p in got.of("payment.received")] == [
        ("180/paid", "100.00"),
        ("141", "30.00"),  # open: nothing else tells of it
    ]
    assert got.report.note_counts["payments left out, as the invoices they settled carry the day"] == 1


def test_a_payment_row_needs_no_number(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "Date,Transaction type,Num,Customer,Due date,Amount,Open balance",
            "01/15/2024,Invoice,1001,Amy,02/14/2024,120.00,0.00",
            "02/20/2024,Payment,,Amy,02/20/2024,-120.00,0.00",
        ),
    )
    assert [p["amount"] for p in got.of("payment.received")] == ["120.00"]
    assert got.report.refused == 0


@pytest.mark.parametrize(
    ("named", "event"),
    [
        ("Sales invoice", "invoice.issued"),
        ("Prepayment invoice", "invoice.issued"),
        ("Journal", "invoice.issued"),
        ("Sales credit note", "invoice.credited"),
        ("Vendor Payment", "payment.received"),
        ("Invoice payment", "payment.received"),
        ("Unapplied cash", "payment.received"),
        ("Ontvangst", "payment.received"),
        ("SC", "invoice.credited"),
        ("Discount", "invoice.credited"),
        ("JC", "invoice.credited"),
        ("Creditfactuur", "invoice.credited"),
        ("Factura rectificativa", "invoice.credited"),
        ("Faktura korygująca", "invoice.credited"),
    ],
)
def test_a_type_is_told_by_the_word_in_it(tmp_path: Path, named: str, event: str) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Type", f"C1,I1,2024-01-02,2024-02-01,100,{named}"))
    assert [e.type for e in got.events if e.type not in ("clock.ticked", "account.opened")] == [event]
    assert list(got.report.types.values()) == [
        {named: {"invoice.issued": "", "invoice.credited": "2"}.get(event, "3")}
    ]


def test_refunds_are_refused_and_not_taken_for_invoices(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Type",
            "C1,I1,2024-01-02,2024-02-01,100,Invoice",
            "C1,R1,2024-01-02,2024-02-01,100,Refund",
        ),
    )
    assert len(got.of("invoice.issued")) == 1
    assert "0.csv:3: Type: 'Refund' gives money back" in got.bad[0]


@pytest.mark.parametrize("named", ["NSF", "Returned payment", "Payment - reversed", "Cash refund"])
def test_money_that_went_back_is_refused_whatever_word_says_it(tmp_path: Path, named: str) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Type",
            "C1,I1,2024-01-02,2024-02-01,100,Invoice",
            f"C1,R1,2024-01-02,2024-02-01,100,{named}",
        ),
    )
    assert (len(got.of("invoice.issued")), len(got.of("payment.received"))) == (1, 0)
    assert f"0.csv:3: Type: {named!r} gives money back" in got.bad[0]


def test_a_write_off_adds_nothing_to_what_is_owed_and_is_refused(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Type",
            "C1,I1,2024-01-02,2024-02-01,100,Invoice",
            "C1,W1,2024-06-02,2024-06-02,100,Bad debt write-off",
        ),
    )
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1"]
    assert "gives up what is owed" in got.bad[0]
    assert "invoice.written_off" in got.bad[0]


@pytest.mark.parametrize("named", ["Estimate", "Pro forma invoice", "Angebot", "Purchase invoice", "ACCPAY"])
def test_what_by_its_type_no_customer_owes_is_left_out_and_named(tmp_path: Path, named: str) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Type",
            "C1,I1,2024-01-02,2024-02-01,100,Invoice",
            f"C1,Q1,2024-01-02,2024-02-01,900,{named}",
        ),
    )
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1"]
    assert got.report.note_counts == {f"rows left out, as by their type no customer owes them: {named}": 1}


def test_what_by_its_status_is_not_owed_is_left_out_and_named(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Status",
            "C1,I1,2024-01-02,2024-02-01,100,Awaiting Payment",
            "C1,I2,2024-01-02,2024-02-01,100,Voided",
            "C1,I3,2024-01-02,2024-02-01,100,DRAFT",
        ),
    )
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1"]
    assert (got.report.rows, got.report.refused, sum(got.report.note_counts.values())) == (3, 0, 2)


@pytest.mark.parametrize("status", ["Refunded", "credited", "Reversed"])
def test_an_invoice_whose_money_was_given_back_is_not_owed(tmp_path: Path, status: str) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Status",
            "C1,I1,2024-01-02,2024-02-01,100,Sent",
            f"C1,I2,2024-01-02,2024-02-01,100,{status}",
        ),
    )
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1"]
    assert any(status in note for note in got.report.note_counts)


@pytest.mark.parametrize("status", ["Written Off", "Bad debt", "uncollectible", "Ausgebucht"])
def test_an_invoice_that_was_written_off_is_refused_and_neither_open_nor_paid(
    tmp_path: Path, status: str
) -> None:
    rows = ["C1,I1,2024-01-02,2024-02-01,100,,Open", f"C1,I2,2024-01-02,2024-02-01,100,2024-06-30,{status}"]
    got = imported(tmp_path, ledger(f"{HEADER},Settled Date,Status", *rows))
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1"]
    assert got.of("payment.received") == []
    assert f"0.csv:3: Status: {status!r}: it is neither open nor paid" in got.bad[0]


@pytest.mark.parametrize("status", ["Disputed", "In Dispute"])
def test_a_status_says_that_an_invoice_is_disputed_where_no_column_does(tmp_path: Path, status: str) -> None:
    rows = [f"C1,I1,2024-01-02,2024-02-01,100,{status},no", "C1,I2,2024-01-02,2024-02-01,7,Open,no"]
    got = imported(tmp_path, ledger(f"{HEADER},Status,Remark", *rows))
    assert [d["invoice_id"] for d in got.of("invoice.disputed")] == ["I1"]
    assert imported(tmp_path, ledger(f"{HEADER},Status,Disputed", *rows)).of("invoice.disputed") == []


def test_a_payment_among_invoices_that_did_not_come_pays_nothing_and_is_named(tmp_path: Path) -> None:
    rows = ["Invoice,C1,I1,2024-01-02,2024-02-01,100,Open", "Payment,C1,P1,2024-01-20,,-70,Bounced"]
    got = imported(tmp_path, ledger("Type,Customer,Num,Date,Due Date,Amount,Status", *rows))
    assert (len(got.of("invoice.issued")), got.of("payment.received"), got.report.refused) == (1, [], 0)
    assert any("no money came or stayed: Bounced" in note for note in got.report.note_counts)


@pytest.mark.parametrize("column", ["Status", "Payment Status"])
@pytest.mark.parametrize(
    "status", ["Failed", "PENDING", "Bounced", "Refunded", "Cancelled", "Rücklastschrift"]
)
def test_a_payment_that_did_not_come_or_stay_pays_nothing_and_is_named(
    tmp_path: Path, column: str, status: str
) -> None:
    pays = ledger(
        f"Payment No,Invoice,Payment Date,Amount,{column}",
        "P1,I1,2024-01-20,60,Completed",
        f"P2,I1,2024-01-21,40,{status}",
    )
    got = imported(tmp_path, ONE, pays)
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P1"]
    assert got.report.refused == 0
    assert any(f"no money came or stayed: {status}" in note for note in got.report.note_counts)


def test_a_payment_status_of_an_invoice_says_that_it_is_paid_or_given_up(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Payment Status",
            "C1,I1,2024-01-02,2024-02-01,100,Paid",
            "C1,I2,2024-01-02,2024-02-01,100,Unpaid",
            "C1,I3,2024-01-02,2024-02-01,100,Written off",
        ),
    )
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I2"]
    assert any("0.csv:2" in bad and "nothing says when" in bad for bad in got.bad)
    assert any("0.csv:4" in bad and "written_off" in bad for bad in got.bad)


def test_payments_that_carry_their_invoices_due_date_are_no_invoices(tmp_path: Path) -> None:
    pays = ledger(
        "Invoice,Due Date,Invoice Amount,Payment Date,Payment Amount", "I1,2024-02-01,100,2024-01-20,100"
    )
    assert imported(tmp_path, ONE, pays).of("payment.received") == [payment(payment_id="I1/2024-01-20")]


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("Status", "Paid"),
        ("Balance", "0.00"),
        ("Paid Amount", "100.00"),
        ("Paid Amount,Balance", "100.00,0.00"),
    ],
)
def test_an_invoice_that_is_paid_on_no_day_is_refused_and_not_left_open(
    tmp_path: Path, columns: str, cells: str
) -> None:
    blanks = "," * columns.count(",")
    rows = [f"C1,I1,2024-01-02,2024-02-01,100,{cells}", f"C1,I2,2024-01-02,2024-02-01,7,{blanks}"]
    got = imported(tmp_path, ledger(f"{HEADER},{columns}", *rows))
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I2"]
    assert "nothing says when" in got.bad[0]
    # Where the payments are there, they say when.
    pays = "Customer,Payment No,Payment Date,Amount\nC1,P1,2024-01-20,100\n"
    got = imported(tmp_path, ledger(f"{HEADER},{columns}", *rows), pays)
    assert len(got.of("invoice.issued")) == 2
    assert got.report.refused == 0


@pytest.mark.parametrize(("column", "cell"), [("Balance", "0.00"), ("Status", "Paid")])
def test_what_an_invoice_was_paid_short_when_it_was_closed_is_credited(
    tmp_path: Path, column: str, cell: str
) -> None:
    rows = [
        f"C1,I1,2024-01-02,2024-02-01,100,98,2024-01-20,{cell}",
        "C1,I2,2024-01-02,2024-02-01,100,98,2024-01-20,",
    ]
    got = imported(tmp_path, ledger(f"{HEADER},Paid Amount,Paid Date,{column}", *rows))
    assert [p["amount"] for p in got.of("payment.received")] == ["98.00", "98.00"]
    assert got.of("invoice.credited") == [
        {"account_id": "C1", "memo_id": "I1/rest", "amount": "2.00", "currency": "USD", "invoice_id": "I1"}
    ]
    assert sum(got.report.note_counts.values()) == 1


def test_what_several_payments_leave_of_a_closed_invoice_is_credited_with_the_last(tmp_path: Path) -> None:
    invoices = ledger(f"{HEADER},Status", "C1,I1,2024-01-02,2024-02-01,100,Paid")
    pays = ledger("Payment No,Invoice,Payment Date,Amount", "P1,I1,2024-01-20,50", "P2,I1,2024-02-20,47")
    got = imported(tmp_path, invoices, pays)
    assert [(m["memo_id"], m["amount"]) for m in got.of("invoice.credited")] == [("I1/rest", "3.00")]
    assert [day[:10] for kind, day in times(got) if kind == "invoice.credited"] == ["2024-02-20"]


@pytest.mark.parametrize(
    "other",
    [
        "P3,C1,,2024-03-01,3,USD",  # names no invoice: it may be the rest
        "P3,C1,I1,2024-03-01,3,EUR",
        "P3,C1,I1,2023-01-01,3,USD",  # refused
    ],
)
def test_what_another_payment_may_have_closed_is_not_credited(tmp_path: Path, other: str) -> None:
    invoices = ledger(f"{HEADER},Currency,Status", "C1,I1,2024-01-02,2024-02-01,100,USD,Paid")
    pays = ledger(
        "Payment No,Customer,Invoice,Payment Date,Amount,Currency", "P1,C1,I1,2024-01-20,97,USD", other
    )
    assert imported(tmp_path, invoices, pays).of("invoice.credited") == []


def test_an_invoice_that_is_closed_without_a_payment_is_refused_and_not_left_open(tmp_path: Path) -> None:
    rows = ["C1,I1,2024-01-02,2024-02-01,100,0.00,0.00", "C1,I2,2024-01-02,2024-02-01,100,0.00,100.00"]
    got = imported(tmp_path, ledger(f"{HEADER},Paid Amount,Balance", *rows))
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I2"]
    assert "nothing of it is open, and nothing was paid" in got.bad[0]


@pytest.mark.parametrize("status", ["Unpaid", "Open", "Outstanding"])
def test_a_day_of_payment_of_an_invoice_that_is_not_paid_is_refused(tmp_path: Path, status: str) -> None:
    rows = [f"C1,I1,2024-01-02,2024-02-01,100,2024-03-20,{status}", "C1,I2,2024-01-02,2024-02-01,7,,Unpaid"]
    got = imported(tmp_path, ledger(f"{HEADER},Payment Date,Status", *rows))
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I2"]
    assert "though by its status it is not paid" in got.bad[0]


def test_an_invoice_paid_in_part_of_which_nothing_says_how_much_is_noted(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Status", "C1,I1,2024-01-02,2024-02-01,100,Partially Paid"))
    assert len(got.of("invoice.issued")) == 1
    assert ["nothing says how much" in note for note in got.report.note_counts] == [True]


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("Balance", "40.00"),
        ("Outstanding", "40"),
        ("Paid Amount", "60.00"),
        ("Paid Amount,Balance", "60.00,40.00"),
    ],
)
def test_what_is_open_of_an_invoice_stands_where_nothing_says_when_the_rest_was_paid(
    tmp_path: Path, columns: str, cells: str
) -> None:
    rows = ledger(f"{HEADER},{columns}", f"C1,I1,2024-01-02,2024-02-01,100,{cells}")
    got = imported(tmp_path, rows)
    assert [i["amount"] for i in got.of("invoice.issued")] == ["40.00"]
    assert (got.of("payment.received"), got.report.refused) == ([], 0)
    (places,) = [
        places for said, places in got.report.notes.items() if said.startswith("invoices paid in part")
    ]
    assert places[0].endswith("0.csv:2")
    # Where the payment is there, it says when.
    got = imported(
        tmp_path, rows, "Customer,Payment No,Payment Date,Amount,Invoice\nC1,P1,2024-01-20,60,I1\n"
    )
    assert [i["amount"] for i in got.of("invoice.issued")] == ["100.00"]
    assert [p["amount"] for p in got.of("payment.received")] == ["60.00"]


def test_an_invoice_that_is_closed_and_open_is_refused_where_nothing_says_when_it_was_paid(
    tmp_path: Path,
) -> None:
    rows = ["C1,I1,2024-01-02,2024-02-01,100,Paid,40", "C1,I2,2024-01-02,2024-02-01,7,,"]
    got = imported(tmp_path, ledger(f"{HEADER},Status,Balance", *rows))
    assert "nothing says when" in got.bad[0]


def test_a_balance_that_credit_notes_may_explain_refuses_nothing(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Balance",
            "C1,I1,2024-01-02,2024-02-01,100,70",
            "C1,M1,2024-01-03,2024-02-01,-30,0",
        ),
    )
    assert ([i["amount"] for i in got.of("invoice.issued")], got.report.refused) == (["100.00"], 0)


def test_what_a_balance_leaves_open_was_not_paid_on_the_settlement_date(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Paid Date,Balance",
            "C1,I1,2024-01-02,2024-02-01,100,2024-01-20,40",
            "C1,I2,2024-01-02,2024-02-01,100,2024-01-20,0",
            "C1,I3,2024-01-02,2024-02-01,100,2024-01-20,100",
        ),
    )
    assert [p["amount"] for p in got.of("payment.received")] == ["60.00", "100.00"]
    assert "all of it is open, though it was settled 2024-01-20" in got.bad[0]


def test_debit_and_credit_columns_are_the_amount(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "Customer,Invoice,Invoice Date,Due Date,Debit,Credit",
            "C1,I1,2024-01-02,2024-02-01,100.00,",
            "C1,M1,2024-01-03,,0.00,30.00",
            "C1,I2,2024-01-04,2024-02-01,,",
        ),
    )
    assert [i["amount"] for i in got.of("invoice.issued")] == ["100.00"]
    assert [m["amount"] for m in got.of("invoice.credited")] == ["30.00"]
    assert "amount: is empty" in got.bad[0]
    assert any("credit column" in note for note in got.report.notes)


def test_a_receipt_of_which_nothing_is_applied_is_cash_on_account(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ONE,
        "Receipt Number,Customer,Receipt Date,Receipt Amount,Invoice,Applied Amount\n"
        "R1,C1,2024-01-20,60.00,I1,50.00\nR2,C1,2024-01-21,40.00,,\n",
    )
    assert [(p["payment_id"], p["amount"], p.get("applications")) for p in got.of("payment.received")] == [
        ("R1", "60.00", [{"invoice_id": "I1", "amount": "50.00"}]),
        ("R2", "40.00", None),
    ]


def test_a_payment_with_a_blank_currency_is_in_that_of_its_invoice(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        f"{HEADER},Currency\nC1,I1,2024-01-02,2024-02-01,100,EUR\nC1,I2,2024-01-02,2024-02-01,100,EUR\n",
        "Customer,Invoice,Payment Date,Amount,Currency\nC1,I1,2024-01-20,100,\nC1,I2,2024-01-20,50,USD\n",
    )
    assert [p["currency"] for p in got.of("payment.received")] == ["EUR", "USD"]
    assert any("another currency than their invoice" in note for note in got.report.notes)


@pytest.mark.parametrize("cell", ["US Dollar", "USD", "usd"])
def test_currencies_go_by_code_or_english_name(tmp_path: Path, cell: str) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Currency", f"C1,I1,2024-01-02,2024-02-01,100,{cell}"))
    assert got.of("invoice.issued")[0]["currency"] == "USD"


def test_a_currency_in_words_that_nobody_knows_is_a_bad_row(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Currency",
            "C1,I1,2024-01-02,2024-02-01,1,USD",
            "C1,I2,2024-01-02,2024-02-01,1,Sea Shells",
        ),
    )
    assert "'Sea Shells' is no ISO 4217 currency code" in got.bad[0]


def test_the_header_of_the_amounts_names_their_currency(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger("Customer,Invoice,Invoice Date,Due Date,Amount (EUR)", "C1,I1,2024-01-02,2024-02-01,100"),
    )
    assert got.of("invoice.issued")[0]["currency"] == "EUR"
    assert got.report.assumed == ""
    assert imported(tmp_path, ONE).report.assumed == "USD"


def test_a_column_of_debit_and_credit_says_which_way_an_amount_goes(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "Customer,Invoice,Invoice Date,Due Date,S/H,Amount,Type",
            "C1,I1,2024-01-02,2024-02-01,S,100.00,RV",
            "C1,M1,2024-01-03,2024-02-01,H,30.00,RV",
            "C1,P1,2024-01-04,2024-02-01,H,50.00,DZ",
            "C1,P2,2024-01-05,2024-02-01,S,50.00,DZ",
            "C1,I2,2024-01-05,2024-02-01,both,1.00,RV",
        ),
    )
    assert [i["amount"] for i in got.of("invoice.issued")] == ["100.00"]
    assert [c["memo_id"] for c in got.of("invoice.credited")] == ["M1"]
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P1"]
    assert "5: Amount '50.00', S/H 'S' goes the other way than a payment" in got.bad[0]
    assert "6: S/H: 'both' is neither debit nor credit" in got.bad[1]


@pytest.mark.parametrize(("most", "other"), [("-", ""), ("", "-")])
def test_a_payment_against_the_sign_of_the_files_payments_is_money_given_back(
    tmp_path: Path, most: str, other: str
) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Type",
            "C1,I1,2024-01-02,2024-02-01,100,Invoice",
            f"C1,P1,2024-01-03,,{most}60,Payment",
            f"C1,P2,2024-01-04,,{most}40,Payment",
            f"C1,P3,2024-01-05,,{other}40,Payment",
        ),
    )
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P1", "P2"]
    assert [bad.partition(".csv:")[2] for bad in got.bad] == [
        f"5: Amount '{other}40' goes the other way than a payment of this file: it takes one back, or is none, "
        "and is not imported"
    ]


def test_a_payment_on_the_debit_side_is_refused(tmp_path: Path) -> None:
    pays = ledger(
        "Customer,Payment No,Payment Date,Amount,D/C", "C1,P1,2024-01-20,5,C", "C1,P2,2024-01-21,5,D"
    )
    got = imported(tmp_path, pays)
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P1"]
    assert "3: D/C: is a debit, so it gives money back" in got.bad[0]


def test_sap_days_make_the_due_date_of_the_baseline(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "KUNNR,BELNR,BLDAT,WRBTR,ZFBDT,ZTERM,ZBD1T,ZBD2T,ZBD3T",
            "C1,1,20240102,10,20240110,0001,30,0,0",
            "C1,2,20240102,10,20240110,0002,14,30,0",
            "C1,3,20240102,10,20240110,0003,14,30,45",
            "C1,4,20240102,10,20240110,,0,0,0",
            "C1,5,20240102,10,,0001,30,0,0",
        ),
    )
    assert [i["due_date"] for i in got.of("invoice.issued")] == [
        "2024-02-09",
        "2024-02-09",
        "2024-02-24",
        "2024-01-10",
        "2024-02-01",
    ]


def test_the_usual_terms_run_from_the_invoices_date_whatever_baseline_stands_beside(tmp_path: Path) -> None:
    text = ledger("KUNNR,BELNR,BLDAT,WRBTR,ZFBDT", "C1,1,20240102,10,20240110")
    got = imported(tmp_path, text, choices={"terms_days": 30})
    assert [i["due_date"] for i in got.of("invoice.issued")] == ["2024-02-01"]


def test_currencies_in_a_column_that_nobody_named_refuse_the_file(tmp_path: Path) -> None:
    rows = [
        f"{HEADER},Region,Hauptwaehrung",
        "C1,I1,2024-01-02,2024-02-01,10,N,eur",
        "C1,I2,2024-01-02,2024-02-01,1,N,",
    ]
    with pytest.raises(
        Refused, match=r"the column Hauptwaehrung holds currencies \(EUR\).* those of Amount;.*--currency CUR"
    ):
        imported(tmp_path, ledger(*rows))
    assert imported(tmp_path, ledger(*rows), choices={"currency": "EUR"}).report.invoiced == {"EUR": 1100}
    assert imported(tmp_path, ledger(*rows).replace("eur", "usd")).report.invoiced == {"USD": 1100}
    assert imported(tmp_path, ledger(*rows).replace("eur", "N/A")).report.invoiced == {"USD": 1100}


def test_types_in_a_column_that_nobody_named_refuse_the_file(tmp_path: Path) -> None:
    rows = ledger(
        f"{HEADER},Vorgang,Via",
        "C1,I1,2024-01-02,2024-02-01,100,Rechnung,Post",
        "C1,M1,2024-01-03,2024-02-01,30,Gutschrift,Post",
        "C1,M2,2024-01-03,2024-02-01,,,",
    )
    with pytest.raises(
        Refused,
        match=r"column Vorgang seems to say which rows are no invoices \(Gutschrift\).*type = \"Vorgang\"",
    ):
        imported(tmp_path, rows)
    got = imported(tmp_path, rows, choices={"layout": Layout(columns={"type": ("Vorgang",)})})
    assert (got.report.invoiced, got.report.credited) == ({"USD": 10000}, {"USD": 3000})
    # Neither words of which none is an invoice, nor only invoices, nor codes of countries, nor remarks
    imported(tmp_path, rows.replace("Rechnung", "Rechnung ging an die neue Anschrift"))
    imported(tmp_path, rows.replace("Gutschrift", "CR"))
    imported(tmp_path, rows.replace("Rechnung", "Ware"))
    imported(tmp_path, rows.replace("Gutschrift", "Rechnungsdruck"))


def test_statuses_in_a_column_that_nobody_named_refuse_the_file(tmp_path: Path) -> None:
    open_ = ledger(
        f"{HEADER},Stage", "C1,I1,2024-01-02,2024-02-01,100,Posted", "C1,I2,2024-01-02,2024-02-01,9,Voided"
    )
    with pytest.raises(
        Refused, match=r"Stage seems to say of which rows nothing is owed \(Voided\).*status = \"Stage\""
    ):
        imported(tmp_path, open_)
    got = imported(tmp_path, open_, choices={"layout": Layout(columns={"status": ("Stage",)})})
    assert got.report.invoiced == {"USD": 10000}
    with pytest.raises(Refused, match=r"\(Paid\)"):
        imported(tmp_path, open_.replace("Voided", "Paid"))
    for other in ("Subscription Status", "Order state"):
        assert imported(tmp_path, open_.replace("Stage", other)).report.refused == 0
    paid = open_.replace("Voided", "Paid").replace("Amount,", "Amount,Balance,").replace(",9,", ",9,9,")
    assert imported(tmp_path, paid.replace(",100,", ",100,100,")).report.refused == 0
    payments = ledger(
        "Receipt No,Customer,Invoice,Payment Date,Amount,Result",
        "P1,C1,I1,2024-01-20,60,Done",
        "P2,C1,I1,2024-01-21,40,Bounced",
    )
    with pytest.raises(Refused, match=r"Result seems to say which payments did not come or stay \(Bounced\)"):
        imported(tmp_path, ONE, payments)


@pytest.mark.parametrize(
    ("mark", "stands"), [("yes", 0), ("2024-01-05", 0), ("no", 1), ("", 1), ("FALSE", 1)]
)
def test_a_row_that_its_own_column_says_is_voided_is_left_out_and_named(
    tmp_path: Path, mark: str, stands: int
) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Voided", f"C1,I1,2024-01-02,2024-02-01,100,{mark}", "C1,I2,2024-01-02,2024-02-01,1,"
        ),
        ledger("Receipt No,Customer,Payment Date,Amount,Void", f"P1,C1,2024-01-20,60,{mark}"),
    )
    assert len(got.of("invoice.issued")) == 1 + stands
    assert len(got.of("payment.received")) == stands
    assert got.report.note_counts["rows left out, as by their column Voided they do not stand"] == 1 - stands


def test_a_zero_where_only_what_is_open_is_known_says_how_to_name_what_was_invoiced(tmp_path: Path) -> None:
    rows = ledger(
        "Customer,Invoice,Invoice Date,Due Date,Balance Due,Billed", "C1,I1,2024-01-02,2024-02-01,0.00,9"
    )
    with pytest.raises(
        Refused, match=r'nothing is owed; if a column has what was invoiced, name it.*amount = "…"'
    ):
        imported(tmp_path, rows)


def test_the_numbers_of_a_lists_rows_are_no_invoices(tmp_path: Path) -> None:
    rows = ledger(
        "No,Customer,Bilag,Invoice Date,Due Date,Amount",
        "1,C1,I1,2024-01-02,2024-02-01,100",
        "2,C1,I2,2024-01-02,2024-02-01,100",
    )
    with pytest.raises(Refused, match="the column No counts the rows"):
        imported(tmp_path, rows)
    got = imported(tmp_path, rows, choices={"layout": Layout(columns={"invoice": ("No",)})})
    assert got.report.invoiced == {"USD": 20000}
    assert imported(tmp_path, rows.replace("2,C1", "9,C1")).report.invoiced == {"USD": 20000}


def test_a_second_table_below_the_first_refuses_the_file(tmp_path: Path) -> None:
    stacked = ONE + "Customer,Receipt No,Receipt Date,Value Date,Amount\nC1,R1,2024-02-01,2024-02-01,100.00\n"
    with pytest.raises(
        Refused, match=r"0\.csv:3: another header stands here \(Customer, Receipt No.*two tables"
    ):
        imported(tmp_path, stacked)


@pytest.mark.parametrize("status", ["Closed", "CL", "Erledigt"])
def test_an_invoice_that_is_closed_by_its_status_is_not_left_open(tmp_path: Path, status: str) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Status",
            "C1,I1,2024-01-02,2024-02-01,100,Open",
            f"C1,I2,2024-01-02,2024-02-01,100,{status}",
        ),
    )
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1"]
    assert "nothing says when" in got.bad[0]


def test_a_row_in_another_currency_than_its_amounts_header_is_refused(tmp_path: Path) -> None:
    header = HEADER.replace("Amount", "Amount (USD),Currency")
    got = imported(
        tmp_path,
        ledger(
            header,
            "C1,I1,2024-01-02,2024-02-01,100,EUR",
            "C1,I2,2024-01-02,2024-02-01,100,USD",
            "C1,I3,2024-01-02,2024-02-01,100,",
        ),
    )
    assert got.report.invoiced == {"USD": 20000}
    assert "Currency: the row says EUR, and Amount (USD) is in USD" in got.bad[0]


def test_accounts_of_the_books_are_no_customers(tmp_path: Path) -> None:
    header = "Name,Account,Invoice,Invoice Date,Due Date,Amount"
    rows = ["A,{},I1,2024-01-02,2024-02-01,10", "B,{},I2,2024-01-02,2024-02-01,20"]
    for account, why in (
        ("1200", "has 2 names beside 1 accounts, so they may be accounts of the books"),
        ("Accounts Receivable (A/R)", r"holds accounts of the books \('Accounts Receivable \(A/R\)'\)"),
    ):
        content = ledger(header, *(row.format(account) for row in rows))
        with pytest.raises(Refused, match=rf'column Account {why}.*customer = "Name" \(or "Account"'):
            imported(tmp_path, content)
        got = imported(tmp_path, content, choices={"layout": Layout(columns={"customer": ("Name",)})})
        assert got.report.accounts == 2
        got = imported(tmp_path, content, choices={"layout": Layout(columns={"customer": ("Account",)})})
        assert got.report.accounts == 1


def test_a_customers_name_may_be_written_in_two_ways_beside_his_account(tmp_path: Path) -> None:
    rows = (
        f"{name},{account},I{n},2024-01-02,2024-02-01,10"
        for n, (name, account) in enumerate([("A Ltd", "1"), ("A Limited", "1"), ("B Ltd", "2")])
    )
    got = imported(tmp_path, ledger("Name,Account,Invoice,Invoice Date,Due Date,Amount", *rows))
    assert got.report.accounts == 2


def test_the_money_of_other_customers_explains_no_invoice_that_is_paid_on_no_day(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Balance,Type",
            "C1,I1,2024-01-02,2024-02-01,100,0,Invoice",
            "C2,I2,2024-01-02,2024-02-01,100,0,Invoice",
            "C2,P2,2024-01-20,,-100,0,Payment",
            "C3,I3,2024-01-02,2024-02-01,100,0,Invoice",
            "C3,M3,2024-01-20,,-5,0,Credit note",
        ),
    )
    assert [i["account_id"] for i in got.of("invoice.issued")] == ["C2"]
    assert [bad.partition(".csv:")[2][:40] for bad in got.bad] == [
        "2: it is paid, and nothing says when; na",
        "5: it is paid, and nothing says when; na",
    ]
    note = "invoices paid by their own columns and open here, as no payment names them"
    assert got.report.note_counts[note] == 1


def test_a_day_that_a_system_writes_for_none_is_none(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Closed Date",
            "C1,I1,2024-01-02,2024-02-01,10,1900-01-01T00:00:00Z",
            "C1,I2,1753-01-01,2024-02-01,10,2024-02-03",
        ),
    )
    assert got.of("payment.received") == []
    assert "3: Invoice Date: '1753-01-01' stands for no date" in got.bad[0]


def test_a_credit_note_of_which_nothing_is_open_is_left_out_though_no_day_stands_beside_it(
    tmp_path: Path,
) -> None:
    rows = [
        "C1,I1,2024-01-02,2024-02-01,100,2024-01-20,0",
        "C1,M1,2024-01-10,2024-01-10,-30,,0",
        "C1,M2,2024-01-11,2024-01-11,-5,,-5",
    ]
    got = imported(tmp_path, ledger(f"{HEADER},Cleared Date,Balance", *rows))
    assert [m["memo_id"] for m in got.of("invoice.credited")] == ["M2"]
    assert (
        "settled credit notes left out, as the invoices they settled carry the day" in got.report.note_counts
    )


def test_what_was_cleared_against_each_other_leaves_nothing_open(tmp_path: Path) -> None:
    invoices = ledger(
        f"{HEADER},Cleared Date",
        "C1,I1,2024-01-02,2024-02-01,100,2024-01-20",
        "C1,M1,2024-01-10,2024-01-10,-30,2024-01-20",
        "C1,M2,2024-01-11,2024-01-11,-5,",
        "C1,I2,2024-01-02,2024-02-01,7,2024-01-20",
        "C1,I2,2024-01-12,2024-02-01,-7,2024-01-20",
    )
    got = imported(tmp_path, invoices)
    assert [c["memo_id"] for c in got.of("invoice.credited")] == ["M2", "I2"]
    assert [p["amount"] for p in got.of("payment.received")] == ["100.00"]
    assert list(got.report.notes) == [
        "settled credit notes left out, as the invoices they settled carry the day"
    ]
    # Where the payments are there, the credit note is a part of what settled the invoice.
    got = imported(tmp_path, invoices, "Customer,Invoice,Payment Date,Amount\nC1,I1,2024-01-20,70\n")
    assert [c["memo_id"] for c in got.of("invoice.credited")] == ["M1", "M2", "I2"]


def test_the_whole_of_a_payment_that_stands_beside_each_application_is_counted_once(tmp_path: Path) -> None:
    invoices = ledger(HEADER, "C1,I1,2024-01-02,2024-02-01,100", "C1,I2,2024-01-02,2024-02-01,50")
    header = "Payment Number,Payment Date,Customer,Amount,Amount Applied to Invoice,Invoice Number"
    got = imported(
        tmp_path, invoices, ledger(header, "7,2024-01-20,C1,170,100,I1", "7,2024-01-20,C1,170,50,I2")
    )
    assert [(p["amount"], len(p["applications"])) for p in got.of("payment.received")] == [("170.00", 2)]


def test_the_reason_of_a_bad_row_is_of_bounded_length(tmp_path: Path) -> None:
    got = imported(tmp_path, ONE + f"C1,I2,2024-01-02,2024-02-01,{'9' * 5000}\n")
    assert got.bad[0].endswith("has more than 18 digits")
    assert len(got.bad[0]) < 600


def test_an_invoice_that_was_open_in_an_older_export_is_settled_by_the_newer(tmp_path: Path) -> None:
    january = ledger(f"{HEADER},Paid Date", "C1,I1,2024-01-02,2024-02-01,100,")
    february = ledger(f"{HEADER},Paid Date", "C1,I1,2024-01-02,2024-02-01,100,2024-01-20")
    for files in ((january, february), (february, january)):
        got = imported(tmp_path, *files)
        assert got.of("payment.received") == [payment()]
        assert (got.report.refused, len(got.of("invoice.issued"))) == (0, 1)


def test_a_currency_column_of_signs_is_read_as_signs_beside_amounts_are(tmp_path: Path) -> None:
    rows = [f"C1,I{n},2024-01-02,2024-02-01,1,{sign}" for n, sign in enumerate(("$", "£", "€", "¥"))]
    got = imported(tmp_path, ledger(f"{HEADER},Currency", *rows))
    assert got.report.invoiced == {"USD": 100, "GBP": 100, "EUR": 100}
    assert "Currency: '¥' may be JPY, CNY" in got.bad[0]
    said = imported(tmp_path, ledger(f"{HEADER},Currency", *rows), choices={"currency": "CNY"})
    assert said.report.invoiced == {"USD": 100, "GBP": 100, "EUR": 100, "CNY": 100}


def test_a_header_of_several_lines_is_told_on_one(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        'Customer,Invoice,Invoice Date,"Due\nDate","Amount\n(USD)"\n'
        "C1,I1,2024-01-02,2024-02-01,1\nC1,I2,2024-01-02,soon,1\n",
    )
    assert got.told[0].columns.taken[-1] == ("amount", "Amount (USD)")
    assert "0.csv:5: Due Date: 'soon'" in got.bad[0]


def test_amounts_in_the_books_own_currency_are_in_no_documents_currency(tmp_path: Path) -> None:
    header = "Customer,Invoice,Invoice Date,Due Date,Amount in LC,Document Currency"
    row = "C1,I1,2024-01-02,2024-02-01,1100,JPY"
    got = imported(tmp_path, ledger(f"{header},Local Currency", f"{row},EUR"))
    assert got.report.invoiced == {"EUR": 110000}
    with pytest.raises(Refused, match=r"Document Currency holds currencies \(JPY\).* those of Amount in LC;"):
        imported(tmp_path, ledger(header, row))
    assert imported(tmp_path, ledger(header, row), choices={"currency": "EUR"}).report.invoiced == {
        "EUR": 110000
    }


def test_a_column_that_says_yes_or_no_to_paid_is_no_amount(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Paid,Paid Date",
            "C1,I1,2024-01-02,2024-02-01,100,Yes,2024-01-20",
            "C1,I2,2024-01-02,2024-02-01,100,No,",
            "C1,I3,2024-01-02,2024-02-01,100,TRUE,",
            "C1,I4,2024-01-02,2024-02-01,100,partly,",
        ),
    )
    assert got.of("payment.received") == [payment()]
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["I1", "I2"]
    assert "nothing says when" in got.bad[1]
    assert "5: Paid: 'partly' is no amount" in got.bad[0]


@pytest.mark.parametrize("error", ["#REF!", "#VALUE!", "#BEZUG!", "#NV", "#N/V", "#DIV/0!", "####"])
def test_an_error_of_a_spreadsheet_is_no_customer(tmp_path: Path, error: str) -> None:
    got = imported(tmp_path, ONE + f"{error},I2,2024-01-02,2024-02-01,100\n")
    assert (got.report.accounts, got.report.refused) == (1, 1)
    assert "is an error of a spreadsheet" in got.bad[0]


@pytest.mark.parametrize(
    ("header", "one", "other"),
    [
        ("Date,Invoice,Customer,Amount,Date Paid", "100,2024-01-20", "50,"),
        ("Date,Invoice,Client Name,Amount,Date Paid", "100,2024-01-20", "50,"),
        ("Date,Invoice,Customer,Total,Paid,Outstanding,Date Closed", "100,100,0,2024-01-20", "50,0,50,"),
    ],
)
def test_a_list_with_one_date_and_the_day_of_payment_is_one_of_invoices(
    tmp_path: Path, header: str, one: str, other: str
) -> None:
    rows = ledger(header, f"2024-01-02,I1,C1,{one}", f"2024-01-02,I2,C1,{other}")
    got = imported(tmp_path, rows, choices={"terms_days": 30})
    assert got.report.invoiced == {"USD": 15000}
    assert got.of("payment.received") == [payment()]
    with pytest.raises(Refused, match="--terms DAYS"):
        imported(tmp_path, rows)


def test_what_was_paid_beside_what_was_invoiced_is_no_payment_of_the_invoices_day(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            "No.,Type,A/C,Date,Gross,Paid,Outstanding",
            "11,SI,C1,2024-01-02,100,0,100",
            "12,SI,C1,2024-01-02,100,30,70",
        ),
        choices={"terms_days": 30},
    )
    assert (got.report.invoiced, got.of("payment.received")) == ({"USD": 17000}, [])
    assert got.told[0].columns.kind == "invoices"


def test_amounts_in_the_customers_currency_go_before_those_in_the_books(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Open Balance,Currency,Exchange Rate,Foreign Amount,Foreign Open Balance",
            "C1,I1,2024-01-02,2024-02-01,110,110,EUR,1.1,100,100",
            "C1,I2,2024-01-02,2024-02-01,110,55,EUR,1.1,100,50",
        ),
    )
    assert got.report.invoiced == {"EUR": 15000}


def test_a_column_of_yes_and_no_says_which_rows_are_credit_notes(tmp_path: Path) -> None:
    for yes, no, sign in (("true", "false", ""), ("Yes", "No", "-"), ("1", "0", ""), ("X", "", "")):
        got = imported(
            tmp_path,
            ledger(
                f"{HEADER},Credit Memo",
                f"C1,I1,2024-01-02,2024-02-01,100,{no}",
                f"C1,M1,2024-01-03,2024-02-01,{sign}30,{yes}",
            ),
        )
        assert (got.report.invoiced, got.report.credited) == ({"USD": 10000}, {"USD": 3000})
    # The number of the credit note that took from an invoice makes no credit note of the invoice
    got = imported(tmp_path, ledger(f"{HEADER},Credit Note", "C1,I1,2024-01-02,2024-02-01,100,CN-7"))
    assert (got.report.invoiced, got.report.credited) == ({"USD": 10000}, {})


@pytest.mark.parametrize(
    ("debit", "credit"),
    [
        ("D", "C"),
        ("Dr", "Cr"),
        ("S", "H"),
        ("Debit", "Credit"),
        ("I", "C"),
        ("+", "-"),
        ("INV", "CRN"),
        ("", "CR"),
    ],
)
def test_sides_in_a_column_that_nobody_named_refuse_the_file(tmp_path: Path, debit: str, credit: str) -> None:
    rows = ledger(
        f"{HEADER},Indicator",
        f"C1,I1,2024-01-02,2024-02-01,100,{debit}",
        f"C1,M1,2024-01-03,2024-02-01,30,{credit}",
    )
    with pytest.raises(Refused, match=r"Indicator seems to say which rows are debits.*side = \"Indicator\""):
        imported(tmp_path, rows)
    got = imported(tmp_path, rows, choices={"layout": Layout(columns={"side": ("Indicator",)})})
    assert (got.report.invoiced, got.report.credited) == ({"USD": 10000}, {"USD": 3000})
    assert imported(tmp_path, rows.replace(f",{credit}\n", f",{debit}\n")).report.invoiced == {"USD": 13000}
    assert imported(tmp_path, rows.replace(f",{credit}\n", ",North\n")).report.invoiced == {"USD": 13000}
    # Where amounts are signed the sign tells credit notes, and codes of goods and customers are none
    signed = rows.replace(",30,", ",-30,")
    assert imported(tmp_path, signed).report.credited == {"USD": 3000}
    for name in ("Dept", "Customer Type", "Risk Class", "Payment Type"):
        assert imported(tmp_path, rows.replace("Indicator", name)).report.invoiced == {"USD": 13000}


@pytest.mark.parametrize(("name", "settled"), [("Is Open", "No"), ("Open", "N"), ("Closed", "Yes")])
def test_a_flag_that_says_an_invoice_is_not_open_refuses_the_file(
    tmp_path: Path, name: str, settled: str
) -> None:
    other = {"No": "Yes", "N": "Y", "Yes": "No"}[settled]
    rows = ledger(
        f"{HEADER},{name}",
        f"C1,I1,2024-01-02,2024-02-01,100,{settled}",
        f"C1,I2,2024-01-02,2024-02-01,9,{other}",
    )
    with pytest.raises(Refused, match=rf"the column {name} seems to say of which rows nothing is owed"):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows.replace(f",{settled}\n", f",{other}\n")).report.invoiced == {"USD": 10900}
    balance = rows.replace("Amount", "Amount,Balance").replace(",100,", ",100,100,").replace(",9,", ",9,9,")
    assert imported(tmp_path, balance).report.invoiced == {"USD": 10900}


def test_marks_of_0_and_1_are_no_amounts_paid(tmp_path: Path) -> None:
    rows = ledger(f"{HEADER},Paid", "C1,I1,2024-01-02,2024-02-01,100,1", "C1,I2,2024-01-02,2024-02-01,9,0")
    with pytest.raises(Refused, match="the column Paid holds nothing but 0 and 1"):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows.replace(",1\n", ",0\n")).report.invoiced == {"USD": 10900}


def test_marks_of_0_and_1_that_go_with_the_day_of_payment_are_passed_over(tmp_path: Path) -> None:
    header = f"{HEADER},Paid,Paid Date"
    rows = ("C1,I1,2024-01-02,2024-02-01,100,1,2024-01-20", "C1,I2,2024-01-02,2024-02-01,9,0,")
    assert imported(tmp_path, ledger(header, *rows)).report.paid == {"USD": 10000}
    for other in (",9,1,", ",9,0,2024-01-21"):
        with pytest.raises(Refused, match="the column Paid holds nothing but 0 and 1"):
            imported(tmp_path, ledger(header, rows[0], rows[1].replace(",9,0,", other)))
    one = ledger(header, rows[0].replace(",1,", ",1.00,"), rows[1])
    assert imported(tmp_path, one).report.paid == {"USD": 100}


@pytest.mark.parametrize(
    ("status", "invoiced", "word"),
    [
        ("Closed - paid", 0, "it is paid, and nothing says when"),
        ("Void (twice)", 0, "rows left out, as by their status nothing is owed: Void (twice)"),
        ("Gecrediteerd", 0, "rows left out, as by their status nothing is owed: Gecrediteerd"),
        ("Paid late", 10000, "invoices read as if their status said nothing: Paid late"),
        ("Cancelled by the customer", 10000, "invoices read as if their status said nothing: Cancelled by"),
        ("Overdue - 30 days", 10000, ""),
    ],
)
def test_a_status_of_several_words_is_read_by_its_parts_or_named(
    tmp_path: Path, status: str, invoiced: int, word: str
) -> None:
    rows = ["C1,I1,2024-01-02,2024-02-01,100", "C2,I2,2024-01-02,2024-02-01,9"]
    got = imported(tmp_path, ledger(f"{HEADER},Status", f"{rows[0]},{status}", f"{rows[1]},Open"))
    assert got.report.invoiced == {"USD": 900 + invoiced}
    assert word in " ".join((*got.bad, *got.report.notes))
    assert bool(word) == bool(got.bad or got.report.notes)


def test_a_part_of_a_status_tells_a_dispute(tmp_path: Path) -> None:
    rows = ["C1,I1,2024-01-02,2024-02-01,100,Open - disputed", "C1,I2,2024-01-02,2024-02-01,9,Open"]
    assert [
        d["invoice_id"] for d in imported(tmp_path, ledger(f"{HEADER},Status", *rows)).of("invoice.disputed")
    ] == ["I1"]


def test_a_payment_whose_status_is_unclear_is_refused(tmp_path: Path) -> None:
    pays = ledger(
        "Receipt No,Customer,Invoice,Payment Date,Amount,Status",
        "P1,C1,I1,2024-01-20,10,Payment failed",
        "P2,C1,I1,2024-01-20,20,Failed - no funds",
        "P3,C1,I1,2024-01-20,30,Succeeded",
    )
    got = imported(tmp_path, ONE, pays)
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P3"]
    assert "'Payment failed' does not say for certain" in got.bad[0]
    assert (
        "payments left out, as by their status no money came or stayed: Failed - no funds" in got.report.notes
    )


@pytest.mark.parametrize("name", ["Reversal Date", "Cancelled On", "Date Voided"])
def test_a_day_of_reversal_takes_a_row_out_and_a_systems_empty_day_does_not(
    tmp_path: Path, name: str
) -> None:
    rows = ("2024-01-05", "1900-01-01", "0000-00-00", "9999-12-31", "")
    lines = (f"C1,I{n},2024-01-02,2024-02-01,1,{day}" for n, day in enumerate(rows))
    assert imported(tmp_path, ledger(f"{HEADER},{name}", *lines)).report.invoiced == {"USD": 400}


def test_a_balance_says_what_is_open_where_something_else_than_money_settled_a_part(tmp_path: Path) -> None:
    note = (
        "invoices whose amount is not what was paid and what is open: a credit note, a refund or a tax may be "
        "the rest"
    )
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Paid Date,Amount Paid,Amount Due",
            "C1,I1,2024-01-02,2024-02-01,40,,0,30",  # 10 were credited
            "C1,I2,2024-01-02,2024-02-01,100,2024-01-20,60,30",
            "C1,I3,2024-01-02,2024-02-01,100,2024-01-20,60,40",
        ),
    )
    assert got.report.invoiced == {"USD": 23000}
    assert got.report.note_counts[note] == 2


def test_a_balance_above_the_amount_is_told_and_one_below_zero_is_paid(tmp_path: Path) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Balance",
            "C1,I1,2024-01-02,2024-02-01,100,120",
            "C1,I2,2024-01-02,2024-02-01,100,-5",
        ),
    )
    assert got.report.invoiced == {"USD": 10000}
    assert [note[:35] for note in got.report.notes] == ["balances above the amount of their "]
    assert "it is paid, and nothing says when" in got.bad[0]


def test_what_is_not_read_and_may_take_from_a_row_is_told(tmp_path: Path) -> None:
    def told(header: str, cell: str, *more: str) -> list[str]:
        rows = ledger(f"{HEADER},{header}", f"C1,I1,2024-01-02,2024-02-01,100,{cell}")
        return [note for note in imported(tmp_path, rows, *more).report.notes if "not read" in note]

    for header, cell in (("Amount Credited", "40"), ("Less: Payments", "40"), ("Dispute Reason", "Price")):
        assert f"something in {header}, which is not read" in told(header, cell)[0]
        assert told(header, "") == []
    assert told("Amount Credited", "0.00") == told("Amount Credited,Balance", "40,60") == []
    pays = "Receipt No,Customer,Invoice,Payment Date,Amount,Bank Charges\nP1,C1,I1,2024-01-20,95,5\n"
    assert len(told("Region", "North", pays)) == 1


def test_what_a_payments_own_balance_says_is_unused_explains_no_invoice(tmp_path: Path) -> None:
    def aging(unused: str) -> list[str]:
        rows = ledger(
            f"{HEADER},Type,Open Balance",
            "C1,I1,2024-01-02,2024-02-01,100,Invoice,60",
            f"C1,P1,2024-01-20,,-40,Payment,{unused}",
            "C1,M1,2024-01-20,,-5,Credit Memo,-5",
        )
        return [i["amount"] for i in imported(tmp_path, rows).of("invoice.issued")]

    assert (aging("-40"), aging("40"), aging("0")) == (["60.00"], ["60.00"], ["100.00"])


def test_credits_and_payments_in_a_list_of_open_items_are_what_is_open_of_them(tmp_path: Path) -> None:
    """What is used of them was taken off invoices of the list, or off some that are settled and not in it."""

    def sums(columns: str, *rows: str) -> tuple[Any, ...]:
        report = imported(tmp_path, ledger(f"{HEADER}{columns}", *rows)).report
        return report.invoiced["USD"], report.credited["USD"], report.paid["USD"]

    invoice = "C1,I1,2024-01-02,2024-02-01,100"
    typed = ("C1,M1,2024-01-20,,-30,Credit Memo,-5", "C1,P1,2024-01-20,,-90,Payment,-10")
    assert sums(",Type,Open Balance", f"{invoice},Invoice,40", *typed) == (4000, 500, 1000)
    assert sums(",Open Balance", f"{invoice},40", "C1,M1,2024-01-20,,-30,-5") == (4000, 500, 0)
    # A balance that goes on from row to row is none of the rows'
    statement = ledger(
        "Customer,Document No,Date,Debit,Credit,Balance",
        "C1,I1,2024-01-02,100,,100",
        "C1,R1,2024-01-20,,60,40",
    )
    assert imported(tmp_path, statement, choices={"terms_days": 30}).report.credited == {"USD": 6000}
    # Something is settled here: all of it counts
    settled = (
        f"{invoice},Invoice,0",
        "C1,M1,2024-01-20,,-30,Credit Memo,0",
        "C1,P1,2024-01-20,,-80,Payment,-10",
    )
    assert sums(",Type,Open Balance", *settled) == (10000, 3000, 8000)


@pytest.mark.parametrize(
    ("column", "status", "paid"),
    [
        ("Payment Status", "Bounced", False),
        ("Payment Status", "Failed - insufficient funds", False),
        ("Payment Status", "Pending", False),
        ("Payment Status", "Paid", True),
        ("Payment Status", "Cleared", True),
        ("Status", "Returned", False),
        ("Status", "Rücklastschrift", False),
        ("Status", "Submitted", True),
        ("Invoice Status", "Approved", True),
    ],
)
def test_a_payment_that_bounced_by_the_invoices_status_leaves_it_open(
    tmp_path: Path, column: str, status: str, paid: bool
) -> None:
    row = "C1,I1,2024-01-02,2024-02-01,100"
    for columns, cells in (("Payment Date", "2024-01-20"), ("Payment Date,Amount Paid", "2024-01-20,100")):
        got = imported(tmp_path, ledger(f"{HEADER},{columns},{column}", f"{row},{cells},{status}"))
        assert (got.report.invoiced, bool(got.of("payment.received"))) == ({"USD": 10000}, paid)
        assert any("the money did not come or stay" in note for note in got.report.notes) != paid


def test_lines_of_invoices_are_refused_though_some_are_equal(tmp_path: Path) -> None:
    """One of two equal lines would be left out as a row that stands there twice."""
    days = "2024-01-02,2024-02-01"
    equal = f"C1,I1,{days},50", f"C1,I1,{days},50"
    lines = *equal, f"C1,I2,{days},30", f"C1,I2,{days},20"
    with pytest.raises(
        Refused, match=r"0\.csv:5: 1 rows say another amount .* 1 the same again; of lines of invoices"
    ):
        imported(tmp_path, ledger(HEADER, *lines))
    # The invoice's sum beside each of its lines, two exports of one ledger, and a slip among many rows are none
    assert imported(tmp_path, ledger(HEADER, *equal)).report.invoiced == {"USD": 5000}
    assert (
        imported(tmp_path, ledger(HEADER, *lines[1:3]), ledger(HEADER, *lines[1:2], lines[3])).report.refused
        == 1
    )
    many = [f"C2,J{n},{days},1" for n in range(300)]
    assert imported(tmp_path, ledger(HEADER, *lines, *many)).report.invoiced == {"USD": 38000}


def test_payments_beside_amounts_that_are_what_they_left_open_are_refused(tmp_path: Path) -> None:
    """They would be taken off twice."""
    days = "2024-01-02,2024-02-01"
    left = ledger(HEADER.replace("Amount", "Open Amount"), f"C1,I1,{days},60", f"C1,I2,{days},50")
    header = "Customer,Invoice,Payment Date,Payment Amount"
    parts = ledger(header, "C1,I1,2024-01-20,40")
    with pytest.raises(
        Refused, match=r"0\.csv:2: 1 invoices have payments that are not what their amount is"
    ):
        imported(tmp_path, left, parts)
    # What was invoiced may be called so, too
    whole = ledger(header, "C1,I1,2024-01-20,60", "C1,I2,2024-01-20,20")
    assert imported(tmp_path, left, whole).report.paid == {"USD": 8000}
    named = Layout(columns={"amount": ("Open Amount",)})
    assert imported(tmp_path, left, parts, choices={"layout": named}).report.paid == {"USD": 4000}


def test_an_invoice_of_which_more_is_paid_than_its_payments_tell_is_named(tmp_path: Path) -> None:
    invoice = ledger(f"{HEADER},Balance", "C1,I1,2024-01-02,2024-02-01,100,60")
    header = "Customer,Invoice,Payment Date,Payment Amount"
    for paid, told in (("10", True), ("40", False), ("40.00", False)):
        got = imported(tmp_path, invoice, ledger(header, f"C1,I1,2024-01-20,{paid}"))
        assert any("more is paid by their own columns" in note for note in got.report.notes) == told


def test_a_balance_that_all_rows_of_a_customer_share_is_that_of_his_account(tmp_path: Path) -> None:
    def invoiced(*rows: str) -> int:
        return imported(tmp_path, ledger(f"{HEADER},Balance", *rows)).report.invoiced["USD"]

    days = "2024-01-02,2024-02-01"
    shared = f"C1,I1,{days},100,60", f"C1,I2,{days},70,60", f"C1,I3,{days},90,60", f"C2,I4,{days},30,30"
    assert invoiced(*shared) == 29000
    # One that differs, and each is the invoice's own
    assert invoiced(*shared, f"C1,I5,{days},80,20") == 23000
    # The same is bought each time, and as much of it is open
    assert invoiced(*(f"C1,I{n},{days},60,60" for n in range(9))) == 54000
    assert invoiced(*(f"C1,I{n},{days},60,30" for n in range(9))) == 27000


def test_a_number_that_a_separator_cut_in_two_is_refused_behind_a_header_that_ends_sooner(
    tmp_path: Path,
) -> None:
    got = imported(
        tmp_path,
        ledger(
            f"{HEADER},Days",
            "C1,I1,2024-01-02,2024-02-01,1,234.00,",
            "C1,I2,2024-01-02,2024-02-01,100,50,",
            "C1,I3,2024-01-02,2024-02-01,1234.00,30,",
            "C1,I4,2024-01-02,2024-02-01,7,,",
        ),
    )
    assert got.report.invoiced == {"USD": 124100}
    assert [bad.partition(": ")[2][:39] for bad in got.bad] == ["7 cells where the header has 6; is a se"] * 2
    assert all(bad.endswith("let the header end in one too") for bad in got.bad)


def test_rows_and_header_that_end_in_a_separator_are_read(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Days,", "C1,I2,2024-01-02,2024-02-01,100,50,"))
    assert (got.report.invoiced, got.bad) == ({"USD": 10000}, [])


def test_customers_that_are_nearly_one_are_named_and_blanks_make_no_two(tmp_path: Path) -> None:
    def accounts(*names: str) -> tuple[int, int]:
        rows = (f"{name},I{n},2024-01-02,2024-02-01,1" for n, name in enumerate(names))
        report = imported(tmp_path, ledger(HEADER, *rows)).report
        note = "customers whose numbers or names are nearly those of another, kept apart"
        return report.accounts, report.note_counts.get(note, 0)

    assert accounts("Acme Ltd", "Acme  Ltd", " Acme Ltd") == (1, 0)
    assert accounts("Acme Ltd", "ACME LTD.", "Beta") == (3, 1)
    assert accounts("00042", "42") == (2, 1)
    assert accounts("+", "-1", "0", "00") == (4, 0)


@pytest.mark.parametrize(
    "name", ["Unpaid", "Remaining", "Current Balance", "Total Due", "Amount Owed", "Open Amt"]
)
def test_what_is_open_is_known_by_the_names_that_clerks_give_it(tmp_path: Path, name: str) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},{name}", "C1,I1,2024-01-02,2024-02-01,100,40"))
    assert got.report.invoiced == {"USD": 4000}


@pytest.mark.parametrize("name", ["Pay Date", "Paid Dt", "Date of Receipt", "Collection Date"])
def test_the_day_of_payment_is_known_by_the_names_that_clerks_give_it(tmp_path: Path, name: str) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},{name}", "C1,I1,2024-01-02,2024-02-01,100,2024-01-20"))
    assert got.of("payment.received") == [payment()]


@pytest.mark.parametrize("name", ["Received", "Collected", "Paid To Date", "Receipts"])
def test_what_was_paid_is_known_by_the_names_that_clerks_give_it(tmp_path: Path, name: str) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,2024-01-20,60", "C1,I2,2024-01-02,2024-02-01,100,,0")
    got = imported(tmp_path, ledger(f"{HEADER},Paid Date,{name}", *rows))
    assert [p["amount"] for p in got.of("payment.received")] == ["60.00"]


@pytest.mark.parametrize("header", ["Payment Rec'd", "Last Payment", "Balance,Amount Due"])
def test_an_unread_column_of_settlement_is_told_where_no_other_is_there(tmp_path: Path, header: str) -> None:
    def told(more: str, cells: str) -> list[str]:
        rows = ledger(f"{HEADER},{header}{more}", f"C1,I1,2024-01-02,2024-02-01,100,{cells}")
        return [note for note in imported(tmp_path, rows).report.notes if "not read" in note]

    cells = "40,40" if "," in header else "2024-01-20"
    assert told("", cells)
    assert told(",Paid Date", f"{cells},") == []


def test_the_usual_names_go_before_those_of_clerks(tmp_path: Path) -> None:
    header = f"{HEADER},Amount Due,Total Due,Paid Date,Collection Date,Amount Paid,Received"
    row = "C1,I1,2024-01-02,2024-02-01,100,40,7,2024-01-20,2024-01-25,60,7"
    got = imported(tmp_path, ledger(header, row))
    assert [(p["amount"], p["paid_on"]) for p in got.of("payment.received")] == [("60.00", "2024-01-20")]
    assert not got.report.notes
    only_open = ledger(
        "Customer,Invoice,Invoice Date,Due Date,Outstanding,Total Due", "C1,I1,2024-01-02,2024-02-01,40,7"
    )
    assert imported(tmp_path, only_open).report.invoiced == {"USD": 4000}


@pytest.mark.parametrize(
    ("owes", "less"),
    [("I", "C"), ("D", "C"), ("Dr", "Cr"), ("+", "-"), ("INV", "CRN"), ("FT", "NC"), ("FV", "KFV")],
)
def test_types_that_are_codes_tell_credit_notes(tmp_path: Path, owes: str, less: str) -> None:
    for sign in ("", "-"):
        rows = (f"C1,I1,2024-01-02,2024-02-01,100,{owes}", f"C1,M1,2024-01-03,2024-02-01,{sign}30,{less}")
        got = imported(tmp_path, ledger(f"{HEADER},Type", *rows))
        assert (got.report.invoiced, got.report.credited) == ({"USD": 10000}, {"USD": 3000})


def test_types_of_more_codes_than_are_known_refuse_the_file_unless_a_sign_tells(tmp_path: Path) -> None:
    rows = ledger(
        f"{HEADER},Type",
        "C1,I1,2024-01-02,2024-02-01,100,I",
        "C1,M1,2024-01-03,2024-02-01,30,C",
        "C1,P1,2024-01-03,2024-02-01,70,P",
    )
    with pytest.raises(
        Refused, match=r"Type has codes \(C, I, P\) of which some may be credit notes or payments"
    ):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows.replace(",30,", ",-30,")).report.credited == {"USD": 3000}
    assert imported(tmp_path, rows.replace(",C\n", ",A\n")).report.invoiced == {"USD": 20000}


def test_codes_of_countries_are_no_sides(tmp_path: Path) -> None:
    rows = ledger(f"{HEADER},Country", "C1,I1,2024-01-02,2024-02-01,100,CR", "C1,I2,2024-01-02,2024-02-01,9,")
    assert imported(tmp_path, rows).report.invoiced == {"USD": 10900}


@pytest.mark.parametrize(
    ("name", "cells"), [("Account Owner", ("BOB", "ANG")), ("Vertreter", ("Bob", "Ang"))]
)
def test_names_of_people_are_no_currencies(tmp_path: Path, name: str, cells: tuple[str, str]) -> None:
    rows = (f"C1,I{n},2024-01-02,2024-02-01,10,{cell}" for n, cell in enumerate(cells))
    assert imported(tmp_path, ledger(f"{HEADER},{name}", *rows)).report.invoiced == {"USD": 2000}


def test_an_amount_without_a_currency_among_others_with_one_is_told(tmp_path: Path) -> None:
    rows = ledger(HEADER, "C1,I1,2024-01-02,2024-02-01,€100", "C1,I2,2024-01-02,2024-02-01,9")
    note = "amounts without a currency among others that have one, taken for USD: say --currency CUR if all are in one"
    got = imported(tmp_path, rows)
    assert (got.report.invoiced, got.report.note_counts[note]) == ({"EUR": 10000, "USD": 900}, 1)
    got = imported(tmp_path, rows, choices={"currency": "EUR"})
    assert (got.report.invoiced, got.report.notes) == ({"EUR": 10900}, {})
    got = imported(tmp_path, rows.replace("€", "$"))
    assert (got.report.invoiced, got.report.notes) == ({"USD": 10900}, {})


@pytest.mark.parametrize("number", ["Total", "Sub-Total", "Grand total", "Summe", "Total C1"])
def test_a_line_of_totals_with_a_day_is_no_invoice(tmp_path: Path, number: str) -> None:
    got = imported(tmp_path, ONE + f"C1,{number.replace('C1', 'Acme')},2024-01-31,2024-02-01,100\n")
    assert (got.report.invoiced, got.report.note_counts["total lines left out"]) == ({"USD": 10000}, 1)
    got = imported(tmp_path, ONE + "C1,TOTAL-12A,2024-01-31,2024-02-01,100\n")
    assert got.report.invoiced == {"USD": 20000}


@pytest.mark.parametrize(
    "word", ["Opening Balance", "Balance b/f", "Balance brought forward", "Saldovortrag", "Closing balance"]
)
def test_a_balance_brought_forward_is_no_invoice(tmp_path: Path, word: str) -> None:
    for row in (f"C1,{word},2024-01-31,2024-02-01,100,Invoice", f"C1,B1,2024-01-31,2024-02-01,100,{word}"):
        got = imported(tmp_path, ledger(f"{HEADER},Type", "C1,I1,2024-01-02,2024-02-01,100,Invoice", row))
        assert got.report.invoiced == {"USD": 10000}
        assert f"{word!r} is the sum of what stands elsewhere, and no invoice" in got.bad[0]


def test_a_payment_that_was_voided_is_none(tmp_path: Path) -> None:
    rows = (
        "C1,I1,2024-01-02,2024-02-01,100,Invoice",
        "C1,P1,2024-01-03,,5,Payment",
        "C1,P2,2024-01-03,,-5,Voided Payment",
    )
    got = imported(tmp_path, ledger(f"{HEADER},Type", *rows))
    assert [p["payment_id"] for p in got.of("payment.received")] == ["P1"]


def test_files_put_one_behind_the_other_are_read_past_the_mark_between_them(tmp_path: Path) -> None:
    got = imported(
        tmp_path, f'\ufeff{ONE}\ufeffC2,I2,2024-01-02,2024-02-01,9\n\ufeff"C3",I3,2024-01-02,2024-02-01,9\n'
    )
    assert [i["account_id"] for i in got.of("invoice.issued")] == ["C1", "C2", "C3"]


def test_rows_that_all_end_in_a_separator_are_read_behind_a_header_that_does_not(tmp_path: Path) -> None:
    def read(*cells: str) -> tuple[dict[str, int], int]:
        rows = (f"C1,I{n},2024-01-02,2024-02-01,{cell}," for n, cell in enumerate(cells))
        try:
            got = imported(tmp_path, ledger(f"{HEADER},Days", *rows))
        except Refused:
            return {}, len(cells)
        return dict(got.report.invoiced), got.report.refused

    assert read("100,50", "700,30", "350,120") == ({"USD": 115000}, 0)
    assert read("100,50", "1234,30") == ({"USD": 133400}, 0)
    assert read("100,50", "700,30") == ({}, 2)  # or 100.50 and 700.30
    assert read("1,234.00", "700,30", "7,") == ({"USD": 700}, 2)
    # Not all rows end so
    assert read("100,50", "1234,30\nC1,I9,2024-01-02,2024-02-01,8,1") == ({"USD": 124200}, 1)


@pytest.mark.parametrize("heading", ["Credit Notes", "Paid invoices", "Storniert", "Payments received"])
def test_a_heading_that_says_something_of_the_rows_below_refuses_the_file(
    tmp_path: Path, heading: str
) -> None:
    rows = ONE + f'"{heading}",,,,\nC1,I2,2024-01-02,2024-02-01,9\n'
    with pytest.raises(
        Refused, match=r"0\.csv:3: a heading stands here \(.*and what it says of the rows below is not read"
    ):
        imported(tmp_path, rows)
    assert imported(tmp_path, ONE + f'"{heading}",,,,\n').report.invoiced == {"USD": 10000}


@pytest.mark.parametrize(
    "line",
    [
        "Currency: EUR",
        "Currency EUR",
        "EUR - Euro",
        "Euro",
        "Währung: EUR",
        "Invoices in EUR",
        "Currency,EUR",
        "EUR,,Euro",
    ],
)
def test_a_line_that_names_the_currency_of_the_rows_below_refuses_the_file(tmp_path: Path, line: str) -> None:
    rows = ONE + f"{line}\nC1,I2,2024-01-02,2024-02-01,9\n"
    with pytest.raises(Refused, match=r"0\.csv:3: a heading stands here \(.*is not read"):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows, choices={"currency": "EUR"}).report.invoiced == {"EUR": 10900}
    pays = f"Customer,Payment Date,Amount\nC1,2024-01-20,5\n{line}\nC1,2024-01-21,6\n"
    with pytest.raises(Refused, match=r"1\.csv:3: a heading stands here"):
        imported(tmp_path, ONE, pays)


def test_a_line_below_the_rows_that_names_their_currency_is_heeded(tmp_path: Path) -> None:
    rows = f"{ONE}All amounts in EUR\n"
    with pytest.raises(Refused, match=r"0\.csv:3: a line names EUR.*--currency EUR"):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows, choices={"currency": "EUR"}).report.invoiced == {"EUR": 10000}


@pytest.mark.parametrize("total", ["Total EUR,,,,9", "Total,EUR,,,9", "Subtotal in Euro,,,,9"])
def test_a_total_in_another_currency_than_its_rows_were_taken_for_refuses_the_file(
    tmp_path: Path, total: str
) -> None:
    rows = f"{HEADER}\nC1,I2,2024-01-02,2024-02-01,9\n{total}\n"
    with pytest.raises(Refused, match=r"0\.csv:3: a total is in EUR.*--currency EUR"):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows, choices={"currency": "EUR"}).report.invoiced == {"EUR": 900}
    assert imported(tmp_path, rows.replace("EUR", "USD").replace("Euro", "USD")).report.invoiced == {
        "USD": 900
    }


@pytest.mark.parametrize(
    "heading",
    [
        "Open invoices",
        "North",
        "Acme Ltd",
        "Total paid",
        "ALL CUSTOMERS",
        "TOP 10",
        "Euro Trading Ltd",
        "USD",
    ],
)
def test_a_heading_that_says_nothing_of_the_rows_below_is_left_out(tmp_path: Path, heading: str) -> None:
    rows = ONE + f"{heading},,,,\nC1,I2,2024-01-02,2024-02-01,9\n"
    assert imported(tmp_path, rows).report.invoiced == {"USD": 10900}


def test_a_remark_that_an_open_invoice_is_paid_or_disputed_is_told(tmp_path: Path) -> None:
    def told(remark: str, more: str = "", cell: str = "") -> int:
        row = f'C1,I1,2024-01-02,2024-02-01,100,"{remark}"{cell}'
        notes = imported(
            tmp_path, ledger(f"{HEADER},Remarks{more}", row, row.replace("I1", "I2"))
        ).report.note_counts
        return sum(count for note, count in notes.items() if "remark in Remarks" in note)

    for remark in ("Paid 12/03 by cheque", "customer disputes\nthe price", "wurde am 3.4. bezahlt"):
        assert told(remark) == 2
    assert (
        told("Paid 12/03 by cheque", ",Paid Date", ",2024-03-12") == told("will call again") == told("") == 0
    )


@pytest.mark.parametrize(
    "name", ["Cleared", "Closed", "Settlement", "Cleared At", "settled_at", "Collected On"]
)
def test_days_in_a_column_of_what_was_settled_are_days_of_payment(tmp_path: Path, name: str) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,2024-02-11", "C1,I2,2024-01-02,2024-02-01,100,")
    (paid,) = imported(tmp_path, ledger(f"{HEADER},{name}", *rows)).of("payment.received")
    assert paid["paid_on"] == "2024-02-11"
    marks = (row.replace("2024-02-11", "Yes") for row in rows)
    if name == "Cleared":
        got = imported(tmp_path, ledger(f"{HEADER},{name}", *marks))
        assert any("something in Cleared" in note for note in got.report.notes)


def test_days_of_payment_that_are_all_the_due_date_refuse_the_file(tmp_path: Path) -> None:
    rows = [f"C1,I{n},2024-01-02,2024-02-0{n},100,2024-02-0{n}" for n in range(1, 6)]
    with pytest.raises(Refused, match="Payment Date has the due date in all of its 5 rows"):
        imported(tmp_path, ledger(f"{HEADER},Payment Date", *rows))
    layout = Layout(columns={"paid_date": ("Payment Date",)})
    got = imported(tmp_path, ledger(f"{HEADER},Payment Date", *rows), choices={"layout": layout})
    assert len(got.of("payment.received")) == 5
    assert len(imported(tmp_path, ledger(f"{HEADER},Payment Date", *rows[1:])).of("payment.received")) == 4
    for more, cell in (("Balance", "0.00"), ("Amount Paid", "100"), ("Status", "Paid")):
        text = ledger(f"{HEADER},Payment Date,{more}", *(f"{row},{cell}" for row in rows))
        assert imported(tmp_path, text).report.paid == {"USD": 50000}
    late = rows[0].removesuffix("1") + "9"
    got = imported(tmp_path, ledger(f"{HEADER},Payment Date", late, *rows[1:]))
    assert len(got.of("payment.received")) == 5
    for past in ("Paid Date", "Settled Date", "Cleared", "Clearing Date"):  # of direct debits, say
        assert len(imported(tmp_path, ledger(f"{HEADER},{past}", *rows)).of("payment.received")) == 5


def test_days_of_payment_in_the_future_are_the_days_on_which_money_is_awaited(tmp_path: Path) -> None:
    rows = [
        f"C1,I{n},2024-01-02,2024-02-01,100,{day}"
        for n, day in enumerate(["2027-01-01"] * 3 + ["2024-02-03"])
    ]
    with pytest.raises(Refused, match="3 rows were settled in the future by Payment Date"):
        imported(tmp_path, ledger(f"{HEADER},Payment Date", *rows))
    got = imported(tmp_path, ledger(f"{HEADER},Payment Date", *rows[1:]))
    assert (len(got.of("payment.received")), got.report.refused) == (1, 2)


@pytest.mark.parametrize(
    ("title", "currency"),
    [
        ("Currency: EUR", "EUR"),
        ("Aged list; Währung EUR", "EUR"),
        ("All amounts in EUR", "EUR"),
        ("Currency: ALL", "USD"),
        ("Report in EUR and USD", "USD"),
        ("Currency: as invoiced", "USD"),
    ],
)
def test_a_line_above_the_header_names_the_currency(tmp_path: Path, title: str, currency: str) -> None:
    got = imported(tmp_path, f"{title}\n{ONE}")
    assert list(got.report.invoiced) == [currency]
    assert list(imported(tmp_path, f"{title}\n{ONE}", choices={"currency": "GBP"}).report.invoiced) == ["GBP"]


def test_words_are_no_invoices_numbers(tmp_path: Path) -> None:
    rows = ledger(
        "Customer,Documento,Doc,Invoice Date,Due Date,Amount",
        "C1,Factura,F1,2024-01-02,2024-02-01,100",
        "C2,Factura,F2,2024-01-02,2024-02-01,9",
    )
    with pytest.raises(
        Refused, match=r"the column Documento holds words \(Factura\), and no other was recognised"
    ):
        imported(tmp_path, rows)
    got = imported(tmp_path, rows, choices={"layout": Layout(columns={"invoice": ("Doc",)})})
    assert [i["invoice_id"] for i in got.of("invoice.issued")] == ["F1", "F2"]


@pytest.mark.parametrize(
    ("status", "open_"),
    [
        ("已收款", False),
        ("入金済み", False),
        ("Оплачен", False),
        ("Maksettu", False),
        ("İptal", False),
        ("Em aberto", True),
    ],
)
def test_statuses_of_other_languages_are_known(tmp_path: Path, status: str, open_: bool) -> None:
    rows = ledger(
        f"{HEADER},Status", "C1,I1,2024-01-02,2024-02-01,100,", f"C1,I2,2024-01-02,2024-02-01,9,{status}"
    )
    assert imported(tmp_path, rows).report.invoiced == {"USD": 10900 if open_ else 10000}


@pytest.mark.parametrize("name", ["Original Amount", "Invoice Amount", "Amount Due"])
def test_a_payment_is_not_what_was_invoiced(tmp_path: Path, name: str) -> None:
    pays = f"Receipt No,Customer,Invoice,Payment Date,{name},Payment\nP1,C1,I1,2024-01-20,100,60\n"
    assert [p["amount"] for p in imported(tmp_path, ONE, pays).of("payment.received")] == ["60.00"]
    pays = "Payment,Customer,Invoice,Payment Date,Amount\nP1,C1,I1,2024-01-20,60\n"
    got = imported(tmp_path, ONE, pays).of("payment.received")
    assert [(p["payment_id"], p["amount"]) for p in got] == [("P1", "60.00")]


@pytest.mark.parametrize("dash", ["-", "--", " - ", "\u2013", "\u2014", "$ -", "- €", "$-"])
def test_the_dash_of_a_spreadsheet_is_zero(tmp_path: Path, dash: str) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,100", f"C1,I2,2024-01-02,2024-02-01,9,{dash}")
    got = imported(tmp_path, ledger(f"{HEADER},Balance", *rows))
    assert (got.report.invoiced, got.report.refused) == ({"USD": 10000}, 1)
    assert "it is paid, and nothing says when" in got.bad[0]
    got = imported(tmp_path, ledger(f"{HEADER},Credit Limit", *rows))
    assert [limit["credit_limit"] for limit in got.of("account.limit_set")] == ["100.00"]


def test_an_invoice_without_a_balance_among_others_with_one_is_told(tmp_path: Path) -> None:
    note = "invoices without a balance where others have one, read as open whole"
    rows = ("C1,I1,2024-01-02,2024-02-01,100,100,", "C1,I2,2024-01-02,2024-02-01,9,,")
    got = imported(tmp_path, ledger(f"{HEADER},Balance,Paid Date", *rows))
    assert (got.report.invoiced, got.report.note_counts[note]) == ({"USD": 10900}, 1)
    got = imported(tmp_path, ledger(f"{HEADER},Balance,Paid Date", rows[0], f"{rows[1]}2024-01-20"))
    assert note not in got.report.notes


@pytest.mark.parametrize("none", ["", "No", "open", "not yet"])
def test_days_in_a_column_called_paid_are_days_of_payment(tmp_path: Path, none: str) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,20/01/2024", f"C1,I2,2024-01-02,2024-02-01,9,{none}")
    got = imported(tmp_path, ledger(f"{HEADER},Paid", *rows))
    assert got.of("payment.received") == [payment()]
    assert got.bad == []


def test_what_a_credit_note_took_beside_its_invoice_is_told(tmp_path: Path) -> None:
    rows = (
        "C1,I1,2024-01-02,2024-02-01,100,30.00",
        "C1,I2,2024-01-02,2024-02-01,9,",
        "C1,M1,2024-01-02,,2,yes",
    )
    got = imported(tmp_path, ledger(f"{HEADER},Credit Note", *rows))
    note = "rows with something in Credit Note, which is not read and may say that less is owed, or disputed"
    assert got.report.note_counts[note] == 1


@pytest.mark.parametrize(
    ("more", "cell", "told"), [("", "", 1), (",Type", ",Credit", 0), (",Paid Date", ",", 0)]
)
def test_negative_amounts_of_which_nothing_tells_what_they_are_are_told(
    tmp_path: Path, more: str, cell: str, told: int
) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100", "C1,R5,2024-01-20,2024-01-20,-100")
    got = imported(tmp_path, ledger(f"{HEADER}{more}", f"{rows[0]}{cell and ','}", f"{rows[1]}{cell}"))
    note = "negative amounts, taken as credit notes, as no type says otherwise: are payments among them?"
    assert got.report.note_counts.get(note, 0) == told


@pytest.mark.parametrize("code", ["PAY", "PMT", "RCT"])
def test_codes_that_are_no_countries_tell_payments_in_a_column_that_nobody_named(
    tmp_path: Path, code: str
) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,INV", f"C1,R5,2024-01-20,2024-01-20,-60,{code}")
    header = f"{HEADER},Transaction"
    with pytest.raises(Refused, match="the column Transaction seems to say which rows"):
        imported(tmp_path, ledger(header, *rows))
    got = imported(tmp_path, ledger(header.replace("Transaction", "Type"), *rows))
    assert len(got.of("payment.received")) == 1


@pytest.mark.parametrize(
    "header", ["Number,Customer,Date,Applied To,Total", "Number,Customer,Date,Applies to,Amount,Due Date"]
)
def test_a_title_says_that_credit_notes_stand_below(tmp_path: Path, header: str) -> None:
    row = "M1,C1,2024-01-20,I1,30" + (",2024-01-20" if "Due" in header else "")
    got = imported(tmp_path, ONE, f"Credit Memos of 2024\n{header}\n{row}\n")
    assert [(m["memo_id"], m["amount"], m["invoice_id"]) for m in got.of("invoice.credited")] == [
        ("M1", "30.00", "I1")
    ]
    other = imported(
        tmp_path, ONE, "Payments and credit memos\nReceipt No,Customer,Date,Amount\nR1,C1,2024-01-20,30\n"
    )
    assert len(other.of("payment.received")) == 1


def test_payments_among_invoices_may_have_the_number_of_the_invoice_that_they_pay(tmp_path: Path) -> None:
    header = "Customer,Date,Type,Invoice,Due Date,Amount"
    rows = (
        "C1,2024-01-02,Invoice,I1,2024-02-01,100",
        "C1,2024-01-20,Payment,I1,,-60",
        "C1,2024-01-25,Payment,I1,,-40",
        "C1,2024-01-02,Invoice,I2,2024-02-01,9",
        "C1,2024-01-26,Payment,,,-5",
    )
    got = imported(tmp_path, ledger(header, *rows))
    assert [(p["paid_on"], p["amount"], "applications" in p) for p in got.of("payment.received")] == [
        ("2024-01-20", "60.00", True),
        ("2024-01-25", "40.00", True),
        ("2024-01-26", "5.00", False),
    ]
    # Numbers of their own, of which one is an invoice's by chance, or that of another customer's
    own = (rows[0], rows[1].replace("I1", "I7"), rows[2].replace("I1", "I2"), rows[3])
    other = tuple(row.replace("C1", "C2") if "Payment" in row else row for row in rows)
    for lines in (own, other):
        payments = imported(tmp_path, ledger(header, *lines)).of("payment.received")
        assert not any("applications" in p for p in payments)


@pytest.mark.parametrize(("one", "other"), [("O", "C"), ("P", "U"), ("1", "0"), ("P", "")])
def test_statuses_that_are_codes_nobody_knows_refuse_the_file_where_nothing_else_tells(
    tmp_path: Path, one: str, other: str
) -> None:
    rows = [f"C1,I1,2024-01-02,2024-02-01,100,{one}", f"C1,I2,2024-01-02,2024-02-01,9,{other}"]
    with pytest.raises(
        Refused, match=r"the column Status has codes \(.*of which some may say that nothing is owed"
    ):
        imported(tmp_path, ledger(f"{HEADER},Status", *rows))
    got = imported(tmp_path, ledger(f"{HEADER},Status,Paid Date", *(f"{row}," for row in rows)))
    assert got.report.invoiced == {"USD": 10900}


def test_the_short_words_of_clerks_are_statuses(tmp_path: Path) -> None:
    rows = ("C1,I1,2024-01-02,2024-02-01,100,PIF", "C1,I2,2024-01-02,2024-02-01,9,O/S")
    got = imported(tmp_path, ledger(f"{HEADER},Status", *rows))
    assert got.report.invoiced == {"USD": 900}
    assert "nothing says when" in got.bad[0]


def test_a_status_beside_that_of_the_invoice_is_heeded_too(tmp_path: Path) -> None:
    rows = [
        f"C1,I{n},2024-01-02,2024-02-01,{n},Sent,{s}" for n, s in enumerate(("Open", "Paid", "Void"), start=1)
    ]
    got = imported(tmp_path, ledger(f"{HEADER},Invoice Status,Status", *rows))
    assert (got.report.invoiced, got.report.refused) == ({"USD": 100}, 1)
    assert got.report.note_counts["rows left out, as by their status nothing is owed: Void"] == 1
    # What the invoice's own says goes before it
    own = [row.replace("Sent", "Unpaid") for row in rows]
    assert imported(tmp_path, ledger(f"{HEADER},Invoice Status,Status", *own)).report.invoiced == {"USD": 300}
    layout = Layout(columns={"status": ("Invoice Status",)})
    got = imported(tmp_path, ledger(f"{HEADER},Invoice Status,Status", *rows), choices={"layout": layout})
    assert got.report.invoiced == {"USD": 600}
    # A void payment leaves its invoice open
    got = imported(tmp_path, ledger(f"{HEADER},Status,Payment Status", *rows))
    assert got.report.invoiced == {"USD": 400}


@pytest.mark.parametrize(
    ("header", "cells", "amounts"),
    [
        ("Amount (Foreign Currency),Amount,Currency", ("100,110,EUR", "9,9,USD"), {"EUR": 10000, "USD": 900}),
        ("Amount,Amount (Foreign Currency),Currency", ("110,100,EUR", "9,9,USD"), {"EUR": 10000, "USD": 900}),
        ("Amount,Amount (Foreign Currency)", ("110,100", "9,9"), {"USD": 11900}),
        ("Foreign Amount,Currency,Amount Paid,Balance", ("100,EUR,40,60",), {"EUR": 6000}),
        (
            "Amount,Amount (Foreign Currency),Currency,Balance",
            ("110,100,EUR,100", "9,9,USD,9"),
            {"EUR": 10000, "USD": 900},
        ),
    ],
)
def test_amounts_of_the_document_and_of_the_books_are_told_apart(
    tmp_path: Path, header: str, cells: tuple[str, ...], amounts: dict[str, int]
) -> None:
    rows = (f"C1,I{n},2024-01-02,2024-02-01,{cell}" for n, cell in enumerate(cells))
    got = imported(tmp_path, ledger(HEADER.replace("Amount", header), *rows))
    assert got.report.invoiced == amounts


def test_what_is_open_in_the_books_currency_beside_amounts_of_documents_refuses_the_file(
    tmp_path: Path,
) -> None:
    header = "Customer,Invoice,Invoice Date,Due Date,Amount,Amount Remaining"
    row = "C1,I1,2024-01-02,2024-02-01,110,55"
    with pytest.raises(
        Refused, match=r"Amount Remaining seems to be in the currency of the books, as Amount is"
    ):
        imported(tmp_path, ledger(f"{header},Amount (Foreign Currency),Currency", f"{row},100,EUR"))
    assert imported(tmp_path, ledger(header, row), choices={"currency": "USD"}).report.invoiced == {
        "USD": 5500
    }


def test_currencies_of_documents_beside_amounts_of_the_books_are_not_theirs(tmp_path: Path) -> None:
    rows = ledger(
        "CardCode,DocNum,DocDate,DocDueDate,DocTotal,DocTotalFC,DocCur",
        "C1,1,2024-01-02,2024-02-01,110,100,EUR",
        "C1,2,2024-01-02,2024-02-01,9,0,USD",
    )
    with pytest.raises(
        Refused, match=r"DocCur holds currencies .* those of DocTotalFC, while DocTotal is .*--currency"
    ):
        imported(tmp_path, rows)
    assert imported(tmp_path, rows, choices={"currency": "USD"}).report.invoiced == {"USD": 11900}


def test_a_cheque_that_was_dated_ahead_is_told(tmp_path: Path) -> None:
    def told(receipt: str, cheque: str) -> list[str]:
        row = f"C1,R1,{receipt},{cheque},I1,5"
        payments = ledger("Customer,Receipt No,Receipt Date,Cheque Date,Invoice No,Amount", row)
        return [note for note in imported(tmp_path, ONE, payments).report.notes if "dated ahead" in note]

    assert told("2024-01-05", "2024-01-20")
    assert not told("2024-01-18", "2024-01-20")
    assert not told("2024-01-18", "")


def test_a_currency_without_decimals_tells_that_its_amounts_are_thousands(tmp_path: Path) -> None:
    rows = ledger(f"{HEADER},Currency", 'C1,I1,2024-01-02,2024-02-01,"33,000",JPY')
    assert imported(tmp_path, rows).report.invoiced == {"JPY": 33000}
    unsaid, mixed = rows.replace("JPY", ""), rows + 'C1,I2,2024-01-02,2024-02-01,"33,000",USD\n'
    for other in (unsaid, mixed):
        with pytest.raises(Refused, match="the decimal sign can not be told"):
            imported(tmp_path, other)
    assert imported(tmp_path, unsaid, choices={"base_currency": "JPY"}).report.invoiced == {"JPY": 33000}


@pytest.mark.parametrize("hours", [("23:00", "22:00"), ("16:00", "16:00"), ("18:30", "18:30")])
def test_midnights_of_an_eastern_zone_in_utc_refuse_the_file(tmp_path: Path, hours: tuple[str, str]) -> None:
    rows = ledger(
        HEADER, *(f"C1,I{n},2024-0{n}-02T{hour}:00Z,2024-09-01,5" for n, hour in enumerate(hours, start=1))
    )
    with pytest.raises(Refused, match=r"all days of Invoice Date are at .* midnight of the next day"):
        imported(tmp_path, rows)
    said = Layout(date_form="%Y-%m-%dT%H:%M:%SZ")
    assert (
        imported(
            tmp_path, rows.replace("2024-09-01", "2024-09-01T00:00:00Z"), choices={"layout": said}
        ).report.rows
        == 2
    )
    for other in ("00:00", "12:00", "05:00"):
        mixed = rows.replace(f"-01-02T{hours[0]}", f"-01-02T{other}")
        assert imported(tmp_path, mixed).report.rows == 2


def test_days_of_payment_that_are_such_midnights_refuse_the_file_and_times_of_day_do_not(
    tmp_path: Path,
) -> None:
    header = "Customer,Receipt No,Payment Date,Invoice No,Amount"
    payments = ledger(
        header,
        "C1,R1,2024-01-20T23:00:00.000Z,I1,5",
        "C1,R2,2024-01-21 23:00:00+00:00,I1,5",
        "C1,R3,null,I1,5",
    )
    with pytest.raises(Refused, match=r"all days of Payment Date are at 23:00 UTC"):
        imported(tmp_path, ONE, payments)
    timed = payments.replace("20T23:00:00", "20T23:04:17")
    assert [p["paid_on"] for p in imported(tmp_path, ONE, timed).of("payment.received")] == [
        "2024-01-20",
        "2024-01-21",
    ]


def test_the_amount_that_was_due_is_no_balance_of_what_is_paid_whole(tmp_path: Path) -> None:
    header = HEADER.replace("Amount", "Total,Amount Due,Amount Paid,Paid At")
    rows = ("C1,I1,2024-01-02,2024-02-01,100,100,100,2024-01-20", "C1,I2,2024-01-02,2024-02-01,9,9,0,")
    got = imported(tmp_path, ledger(header, *rows))
    assert (got.report.invoiced, got.report.paid) == ({"USD": 10900}, {"USD": 10000})


@pytest.mark.parametrize("name", ["Entered By", "Posted by", "Brand"])
def test_initials_and_brands_are_no_currencies(tmp_path: Path, name: str) -> None:
    assert (
        imported(tmp_path, ledger(f"{HEADER},{name}", "C1,I1,2024-01-02,2024-02-01,1,ANG")).report.rows == 1
    )


@pytest.mark.parametrize("name", ["Net Due Date Days", "Retention %", "Customer Balance"])
def test_what_is_no_part_of_an_invoice_is_not_told(tmp_path: Path, name: str) -> None:
    assert not imported(tmp_path, ledger(f"{HEADER},{name}", "C1,I1,2024-01-02,2024-02-01,1,5")).report.notes


def test_days_until_an_invoice_is_due_are_no_second_due_date(tmp_path: Path) -> None:
    got = imported(tmp_path, ledger(f"{HEADER},Due In", "C1,I1,2024-01-02,2024-02-01,1,30"))
    assert got.of("invoice.issued")[0]["due_date"] == "2024-02-01"


def test_payments_with_a_number_and_a_day_beside_that_of_their_invoice_are_payments(tmp_path: Path) -> None:
    header = "Payment Number,Customer,Amount,Date,Amount Applied to Invoice,Invoice Number,Invoice Date"
    payments = ledger(header, "P1,C1,9,2024-01-20,5,I1,2024-01-02", "P1,C1,9,2024-01-20,4,I7,2024-01-03")
    paid = imported(tmp_path, ONE, payments).of("payment.received")
    assert [(p["amount"], p["paid_on"], len(p["applications"])) for p in paid] == [("9.00", "2024-01-20", 2)]
    unsaid = payments.replace(",Date,", ",Entered,")
    with pytest.raises(Refused, match=r'if these are payments, kind = "payments"'):
        imported(tmp_path, unsaid)
    said = Layout(kind="payments", columns={"paid_date": ("Entered",)})
    assert imported(tmp_path, unsaid, choices={"layout": said}).report.paid == {"USD": 900}

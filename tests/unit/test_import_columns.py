"""Which column is what: loose names, the kinds of file, and refusals that list the columns and say what to write."""

from __future__ import annotations

from typing import Any

import pytest

from streams.feeds.columns import Unclear, plain, recognise, score
from streams.feeds.names import FIELDS, TIERS
from tests.import_builders import BOOK, IBM


def taken(header: str, **options: Any) -> dict[str, str]:
    columns = recognise(header.split(","), **options)
    return {"kind": columns.kind, **dict(columns.taken)}


@pytest.mark.parametrize(
    "name",
    [
        "Invoice No.",
        "INVOICE_NO",
        "invoice-no",
        "Invoice #",
        " invoice no ",
        "Invoice/No",
        "invoiceNo",
        "ÍNVOICE NO",
    ],
)
def test_names_are_compared_without_case_blanks_accents_and_punctuation(name: str) -> None:
    assert plain(name) == "invoiceno"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            IBM,
            {
                "kind": "invoices",
                "customer": "customerID",
                "invoice": "invoiceNumber",
                "invoice_date": "InvoiceDate",
                "due_date": "DueDate",
                "amount": "InvoiceAmount",
                "disputed": "Disputed",
                "paid_date": "SettledDate",
            },
        ),
        (
            BOOK,
            {
                "kind": "invoices",
                "customer": "cust_number",
                "name": "name_customer",
                "paid_date": "clear_date",
                "document": "doc_id",
                "invoice_date": "document_create_date",
                "due_date": "due_in_date",
                "currency": "invoice_currency",
                "type": "document type",
                "amount": "total_open_amount",
                "baseline": "baseline_create_date",
                "terms": "cust_payment_terms",
                "invoice": "invoice_id",
            },
        ),
        (
            "ContactName,InvoiceNumber,InvoiceDate,DueDate,Total,InvoiceAmountPaid,InvoiceAmountDue,Currency,Type,Status",
            {
                "kind": "invoices",
                "customer": "ContactName",
                "invoice": "InvoiceNumber",
                "invoice_date": "InvoiceDate",
                "due_date": "DueDate",
                "amount": "Total",
                "paid_amount": "InvoiceAmountPaid",
                "balance": "InvoiceAmountDue",
                "currency": "Currency",
                "type": "Type",
                "status": "Status",
            },
        ),
        (
            "Konto;Rechnungsnummer;Datum;Fälligkeit;Sollbetrag;Habenbetrag;Saldo".replace(";", ","),
            {
                "kind": "invoices",
                "customer": "Konto",
                "invoice": "Rechnungsnummer",
                "invoice_date": "Datum",
                "due_date": "Fälligkeit",
                "debit": "Sollbetrag",
                "credit": "Habenbetrag",
                "balance": "Saldo",
            },
        ),
        (
            "Customer ID,Contact Name,Invoice,Invoice Date,Due Date,Amount,Debit,Credit",
            {
                "kind": "invoices",
                "customer": "Customer ID",
                "name": "Contact Name",
                "invoice": "Invoice",
                "invoice_date": "Invoice Date",
                "due_date": "Due Date",
                "amount": "Amount",
            },
        ),
        (
            "KUNNR,BELNR,BLDAT,NETDT,AUGDT,AUGBL,WRBTR,WAERS,ZTERM",
            {
                "kind": "invoices",
                "customer": "KUNNR",
                "invoice": "BELNR",
                "invoice_date": "BLDAT",
                "due_date": "NETDT",
                "paid_date": "AUGDT",
                "payment": "AUGBL",
                "amount": "WRBTR",
                "currency": "WAERS",
                "terms": "ZTERM",
            },
        ),
        (
            "KUNNR,XBLNR,BELNR,BLDAT,SHKZG,WRBTR,WAERS,ZFBDT,ZTERM,ZBD1T,ZBD2T,ZBD3T",
            {
                "kind": "invoices",
                "customer": "KUNNR",
                "invoice": "XBLNR",
                "document": "BELNR",
                "invoice_date": "BLDAT",
                "side": "SHKZG",
                "amount": "WRBTR",
                "currency": "WAERS",
                "baseline": "ZFBDT",
                "terms": "ZTERM",
                "days_1": "ZBD1T",
                "days_2": "ZBD2T",
                "days_3": "ZBD3T",
            },
        ),
        (
            "Invoice ID,Invoice Number,Customer,Date (UTC),Due Date (UTC),Total,Amount Paid,Paid,Paid At (UTC)",
            {
                "kind": "invoices",
                "invoice": "Invoice Number",
                "customer": "Customer",
                "invoice_date": "Date (UTC)",
                "due_date": "Due Date (UTC)",
                "amount": "Total",
                "paid_amount": "Amount Paid",
                "paid_date": "Paid At (UTC)",
            },
        ),
        (
            "Code client,N° de facture,Date de facture,Date d'échéance,Montant TTC,Devise,Date de règlement",
            {
                "kind": "invoices",
                "customer": "Code client",
                "invoice": "N° de facture",
                "invoice_date": "Date de facture",
                "due_date": "Date d'échéance",
                "amount": "Montant TTC",
                "currency": "Devise",
                "paid_date": "Date de règlement",
            },
        ),
        (
            "CUSTOMER_NUMBER,TRX_NUMBER,TRX_DATE,CLASS,DUE_DATE,AMOUNT_DUE_ORIGINAL,AMOUNT_DUE_REMAINING,ACTUAL_DATE_CLOSED",
            {
                "kind": "invoices",
                "customer": "CUSTOMER_NUMBER",
                "invoice": "TRX_NUMBER",
                "invoice_date": "TRX_DATE",
                "type": "CLASS",
                "due_date": "DUE_DATE",
                "amount": "AMOUNT_DUE_ORIGINAL",
                "balance": "AMOUNT_DUE_REMAINING",
                "paid_date": "ACTUAL_DATE_CLOSED",
            },
        ),
        (
            "Customer,Customer ID,Invoice,Date,Due,Amount,Balance",
            {
                "kind": "invoices",
                "name": "Customer",
                "customer": "Customer ID",
                "invoice": "Invoice",
                "invoice_date": "Date",
                "due_date": "Due",
                "amount": "Amount",
                "balance": "Balance",
            },
        ),
        (
            "Kundennummer,Kundenname,Rechnungsnummer,Rechnungsdatum,Fälligkeit,Betrag,Währung,Ausgleichsdatum",
            {
                "kind": "invoices",
                "customer": "Kundennummer",
                "name": "Kundenname",
                "invoice": "Rechnungsnummer",
                "invoice_date": "Rechnungsdatum",
                "due_date": "Fälligkeit",
                "amount": "Betrag",
                "currency": "Währung",
                "paid_date": "Ausgleichsdatum",
            },
        ),
        (
            "Payment ID,Customer,Invoice No,Payment Date,Amount Paid",
            {
                "kind": "payments",
                "payment": "Payment ID",
                "customer": "Customer",
                "invoice": "Invoice No",
                "paid_date": "Payment Date",
                "paid_amount": "Amount Paid",
            },
        ),
        (
            "Receipt No,Customer,Date,Amount,Reference",
            {
                "kind": "payments",
                "payment": "Receipt No",
                "customer": "Customer",
                "paid_date": "Date",
                "paid_amount": "Amount",
                "reference": "Reference",
            },
        ),
        (
            "Invoice,Invoice Date,Payment Date,Paid Amount",
            {
                "kind": "payments",
                "invoice": "Invoice",
                "paid_date": "Payment Date",
                "paid_amount": "Paid Amount",
            },
        ),
        (
            "Customer,Document No,Invoice,Payment Date,Applied Amount,Payment Amount,Payment No",
            {
                "kind": "payments",
                "customer": "Customer",
                "invoice": "Invoice",
                "paid_date": "Payment Date",
                "paid_amount": "Applied Amount",
                "payment_total": "Payment Amount",
                "payment": "Payment No",
            },
        ),
    ],
)
def test_columns_are_taken_for_what_they_are(header: str, wanted: dict[str, str]) -> None:
    assert taken(header) == wanted


@pytest.mark.parametrize(
    "header",
    [
        "Credit Note No,Customer,Date,Amount,Invoice No",
        "credit_memo_id,date_issued,customer,related_invoice_id,amount,reason,status",
    ],
)
def test_a_file_of_credit_notes_is_told_by_their_numbers(header: str) -> None:
    columns = recognise(header.split(","), beside_invoices=True)
    assert (columns.kind, columns.at["invoice"]) == ("credits", 0)
    assert "nvoice" in columns.named("credits")


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Customer,Invoice No,Invoice Date,Due Date,Amount,Credit Note No", "invoices"),
        ("Customer,Invoice No,Invoice Date,Amount,Credit Note No", "invoices"),
        ("Payment No,Customer,Invoice No,Date,Amount,Credit Note No", "payments"),
    ],
)
def test_the_number_of_a_credit_note_beside_an_invoice_or_payment_makes_no_file_of_them(
    header: str, kind: str
) -> None:
    columns = recognise(header.split(","), beside_invoices=True)
    assert (columns.kind, columns.named("invoice")) == (kind, "Invoice No")


def test_a_bare_date_beside_a_file_of_invoices_is_that_of_payments() -> None:
    header = "Customer,Invoice,Date,Amount"
    assert taken(header)["kind"] == "invoices"
    assert taken(header, beside_invoices=True)["kind"] == "payments"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (
            "Customer,Invoice,Invoice Date,Due Date",
            ["amount", 'amount = "…"', "Columns found: Customer, Invoice"],
        ),
        ("Company,Invoice,Invoice Date,Amount", ["customer", "Company", "--layout"]),
        ("Customer,Invoice,Invoice Date,Debit", ["amount", "--layout"]),
        ("Invoice Date,Cust ID,Customer No,Invoice,Amount,Due", ["customer may be Cust ID or Customer No"]),
        (
            "Customer,Invoice,Invoice Date,Amount,Paid Date,Payment Date",
            ["paid date may be Paid Date or Payment Date"],
        ),
        ("Customer,Invoice,Invoice Date,Amount,Amount", ["2 columns are named Amount; rename all but one"]),
        ("a,b,c", ["customer", "invoice", "invoice date", "amount", "Columns found: a, b, c"]),
    ],
)
def test_missing_and_ambiguous_columns_are_refused_with_what_to_write(header: str, words: list[str]) -> None:
    with pytest.raises(Unclear) as refusal:
        recognise(header.split(","))
    for word in words:
        assert word in str(refusal.value)


def test_of_columns_with_one_name_no_layout_can_tell() -> None:
    with pytest.raises(Unclear) as refusal:
        recognise(["Customer", "Invoice", "Invoice Date", "Amount", "Amount"])
    assert "layout" not in str(refusal.value)


def test_the_layout_goes_before_the_usual_names() -> None:
    columns = recognise(
        ["Customer", "Invoice", "Invoice Date", "Amount", "Total due"],
        {"amount": ["Total due"], "invoice": ["Invoice"]},
    )
    assert dict(columns.taken)["amount"] == "Total due"


def test_of_several_names_in_the_layout_the_first_that_a_file_has_is_taken() -> None:
    header = ["Customer", "Invoice", "Invoice Date", "Old Sum", "New Sum"]
    for names, taken in ((["New Sum", "Old Sum"], 4), (["Old Sum", "New Sum"], 3), (["Sum", "old sum"], 3)):
        assert recognise(header, {"amount": names}).at["amount"] == taken


def test_a_line_of_cells_scores_below_a_header() -> None:
    assert score(["Customer", "Invoice", "Due Date", "Amount"]) > score(["ACME", "17", "2024-01-31", "12.50"])


def test_no_name_of_a_field_has_a_form_that_no_header_can_have() -> None:
    for field in FIELDS:
        for tier in TIERS[field]:
            for name in tier:
                assert plain(name) == name, f"{field}: {name}"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (
            "Num;Fecha;Vencimiento;Cliente;Subtotal;Total;Cobrado;Pendiente;Estado",
            {"paid_amount": "Cobrado", "balance": "Pendiente", "status": "Estado", "amount": "Total"},
        ),
        (
            "Debiteur;Naam;Factuurnummer;Factuurdatum;Vervaldatum;Bedrag;Openstaand;Valuta",
            {"balance": "Openstaand", "amount": "Bedrag", "name": "Naam"},
        ),
        (
            "Client;N° facture;Date facture;Échéance;Total TTC;Réglé;Reste à payer;Statut",
            {"paid_amount": "Réglé", "balance": "Reste à payer", "status": "Statut", "amount": "Total TTC"},
        ),
        (
            "Kundnr;Kundnamn;Fakturanr;Fakturadatum;Förfallodatum;Slutbetalningsdatum;Totalt;Saldo;Valuta",
            {"paid_date": "Slutbetalningsdatum", "amount": "Totalt", "balance": "Saldo"},
        ),
        (
            "Cliente;Número do Documento;Data de Emissão;Data de Vencimento;Data do Pagamento;Valor do Documento;"
            "Valor Pago;Situação",
            {"paid_amount": "Valor Pago", "due_date": "Data de Vencimento", "status": "Situação"},
        ),
        (
            "Kontrahent;Numer faktury;Data wystawienia;Termin płatności;Kwota brutto;Zapłacono;Data zapłaty;Waluta",
            {"paid_amount": "Zapłacono", "paid_date": "Data zapłaty", "currency": "Waluta"},
        ),
        (
            "Number;Invoice Partner Display Name;Invoice/Bill Date;Due Date;Untaxed Amount Signed;Total Signed;"
            "Amount Due Signed;Payment Status;Status",
            {"amount": "Total Signed", "balance": "Amount Due Signed", "payment_status": "Payment Status"},
        ),
        (
            "Date;Type;Document Number;Name;Due Date/Receive By;Amount;Amount Remaining;Status;Date Closed",
            {"due_date": "Due Date/Receive By", "customer": "Name", "paid_date": "Date Closed"},
        ),
        (
            "No;Type;Account Ref;Date;Due On;Ref;Gross Amount;O/S Amount",
            {"customer": "Account Ref", "invoice": "No", "balance": "O/S Amount"},
        ),
        ("Account;Date;Ref;Type;Debit;Credit;Balance;Due", {"invoice": "Ref", "debit": "Debit"}),
        (
            "#;Date;Type;No.;Customer;Due date;Balance;Total;Status",
            {"invoice": "No.", "customer": "Customer"},
        ),
        (
            "Kundenr.;Kundenavn;Fakturanr.;Fakturadato;Forfaldsdato;Beløb;Restbeløb;Betalingsdato",
            {
                "invoice_date": "Fakturadato",
                "due_date": "Forfaldsdato",
                "amount": "Beløb",
                "balance": "Restbeløb",
            },
        ),
        (
            "Client;Numéro de facture;Date d'émission;Date d'échéance;Montant TTC;Reste à payer;Date d'encaissement",
            {"invoice_date": "Date d'émission", "paid_date": "Date d'encaissement"},
        ),
        (
            "Rechnungsnr.;Rechnungsdatum;Fällig am;Kundennr.;Firma;Betrag Netto;Betrag Brutto;Zahldatum;Offener Betrag",
            {
                "name": "Firma",
                "amount": "Betrag Brutto",
                "paid_date": "Zahldatum",
                "balance": "Offener Betrag",
            },
        ),
        (
            "Customer;Journal Entry;Journal Entry Type;Document Date;Net Due Date;Amount (Tran Cur.);Clearing Date",
            {"invoice": "Journal Entry", "type": "Journal Entry Type", "amount": "Amount (Tran Cur.)"},
        ),
        (
            "No;Ref No;Customer;Date;Due Date;Document Total;Balance Due",
            {"invoice": "Ref No", "amount": "Document Total"},
        ),
        (
            "Folio;Cliente;Fecha;Vencimiento;Tipo documento;Importe",
            {"invoice": "Folio", "type": "Tipo documento"},
        ),
        (
            "invoice_number;customer_id;issued_date;due_date;amount_excl_gst;gst_amount;total_inc_gst",
            {"invoice_date": "issued_date", "amount": "total_inc_gst"},
        ),
        (
            "Date;Ref. No.;Party's Name;Pending Amount;Due on;Overdue by days",
            {
                "customer": "Party's Name",
                "invoice": "Ref. No.",
                "amount": "Pending Amount",
                "due_date": "Due on",
            },
        ),
    ],
)
def test_what_is_paid_and_open_is_known_in_the_languages_whose_invoices_are(
    header: str, told: dict[str, str]
) -> None:
    columns = recognise(header.split(";"))
    assert columns.kind == "invoices"
    assert told.items() <= dict(columns.taken).items()


@pytest.mark.parametrize(
    ("amount", "currency"),
    [("Amount (EUR)", "EUR"), ("invoice_amount_usd", "USD"), ("Betrag in €", None), ("Montant €", "EUR")],
)
def test_a_currency_in_the_header_of_the_amounts_is_theirs(amount: str, currency: str | None) -> None:
    header = ["Customer", "Invoice", "Invoice Date", "Due Date", amount]
    if currency is None:  # words that are no name of a field are not guessed at
        with pytest.raises(Unclear, match="amount"):
            recognise(header)
    else:
        assert recognise(header).currency == currency


@pytest.mark.parametrize(
    ("amounts", "taken_"),
    [
        ("Amount,Tax,Total", "Total"),
        ("Invoice Amount,GST,Total Amount", "Total Amount"),
        ("Betrag,MwSt.,Brutto", "Brutto"),
        ("Invoice Amount (EUR),VAT,Total (EUR)", "Total (EUR)"),
        ("Amount,Total", "Amount"),  # a total of what is not told
        ("Gross Amount,Tax,Total", "Gross Amount"),
        ("Amount,Tax,Net Amount", "Amount"),
    ],
)
def test_beside_a_tax_the_total_is_what_is_owed(amounts: str, taken_: str) -> None:
    assert taken(f"Customer,Invoice,Invoice Date,Due Date,{amounts}")["amount"] == taken_


def test_the_layouts_amount_stands_beside_a_tax_too() -> None:
    header = "Customer,Invoice,Invoice Date,Due Date,Amount,Tax,Total"
    assert taken(header, given={"amount": ["Amount"]})["amount"] == "Amount"


def test_the_account_of_an_invoices_line_is_one_of_the_books_and_no_customer() -> None:
    header = "ContactName,InvoiceNumber,InvoiceDate,DueDate,Total,Quantity,UnitAmount,AccountCode,TaxType"
    assert taken(header)["customer"] == "ContactName"
    assert taken(header, given={"customer": ["AccountCode"]})["customer"] == "AccountCode"
    assert (
        taken(header.replace(",Quantity,UnitAmount", "").replace(",TaxType", ""))["customer"] == "AccountCode"
    )


def test_the_value_date_of_an_invoice_is_no_day_of_payment() -> None:
    header = "Customer,Invoice,Invoice Date,Due Date,Value Date,Amount"
    assert "paid_date" not in taken(header)
    assert taken(header, given={"paid_date": ["Value Date"]})["paid_date"] == "Value Date"
    assert taken("Receipt No,Customer,Value Date,Amount")["paid_date"] == "Value Date"


def test_of_a_mark_and_a_day_of_voiding_the_first_is_taken() -> None:
    header = "Customer,Invoice,Invoice Date,Due Date,Amount,Void,Voided At"
    assert taken(header)["voided"] in ("Void", "Voided At")


def test_the_account_beside_a_supplier_is_no_customer() -> None:
    with pytest.raises(Unclear, match="no column was recognised as customer"):
        taken("Supplier,Account No,Invoice No,Invoice Date,Due Date,Amount")


def test_customers_are_told_by_name_only_where_no_column_has_their_numbers() -> None:
    rest = ["Invoice", "Invoice Date", "Due Date", "Amount"]
    assert recognise(["Customer Name", *rest]).by_name
    both = recognise(["Customer Name", "Customer No", *rest])
    assert (both.named("customer"), both.by_name) == ("Customer No", False)
    payments = recognise(["Customer Name", "Invoice", "Payment Date", "Amount"], beside_invoices=True)
    assert "customer" not in payments.at  # his invoice says whose it is


def test_the_invoice_of_a_payment_may_stand_where_credit_notes_name_theirs() -> None:
    assert taken("Customer,Payment No,Payment Date,Amount,Applies To") == {
        "kind": "payments",
        "customer": "Customer",
        "payment": "Payment No",
        "paid_date": "Payment Date",
        "paid_amount": "Amount",
        "invoice": "Applies To",
    }


def test_a_discount_beside_an_invoice_is_told_as_not_read() -> None:
    columns = recognise(["Customer", "Invoice", "Invoice Date", "Due Date", "Amount", "Discount"])
    assert columns.left == ["Discount"]


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (
            "Cliente;Número documento;Data emissão;Vencimento;Valor;Saldo;Situação",
            "customer invoice invoice_date due_date amount balance status",
        ),
        (
            "Situação;Data de Emissão;Data de Vencimento;Cliente;Nota Fiscal;Valor da Conta;Valor Recebido;A Receber",
            "status invoice_date due_date customer invoice amount paid_amount balance",
        ),
        (
            "Numer dokumentu;Kontrahent;Data wystawienia;Termin płatności;Kwota brutto;Zapłacono;Do zapłaty;Waluta",
            "invoice customer invoice_date due_date amount paid_amount balance currency",
        ),
        (
            "Číslo dokladu;Odběratel;Vystaveno;Datum splatnosti;Celkem Kč;Uhrazeno;Zbývá uhradit",
            "invoice customer invoice_date due_date amount paid_amount balance",
        ),
        (
            "Cari Kodu;Cari Unvanı;Fatura No;Tarih;Vade Tarihi;Tutar;Kalan;Döviz",
            "customer name invoice invoice_date due_date amount balance currency",
        ),
        (
            "客户编码;客户名称;单据编号;单据日期;到期日;金额;未核销金额;币别",
            "customer name invoice invoice_date due_date amount balance currency",
        ),
        (
            "取引先;請求書番号;請求日;支払期限;金額;入金額;残高;入金ステータス",
            "customer invoice invoice_date due_date amount paid_amount balance payment_status",
        ),
        (
            "Контрагент;Номер;Дата;Срок оплаты;Сумма;Оплачено;Долг;Валюта",
            "customer invoice invoice_date due_date amount paid_amount balance currency",
        ),
        (
            "Kundenr;Kundenavn;Bilagsnr;Bilagsdato;Forfallsdato;Beløp;Restbeløp;Valuta",
            "customer name invoice invoice_date due_date amount balance currency",
        ),
        (
            "Fakturanummer;Kundenummer;Kunde;Fakturadato;Forfallsdato;Beløp;Utestående",
            "invoice customer name invoice_date due_date amount balance",
        ),
        (
            "Laskun numero;Asiakas;Laskun päivämäärä;Eräpäivä;Summa;Avoinna;Valuutta",
            "invoice customer invoice_date due_date amount balance currency",
        ),
        (
            "Cliente;N. Doc.;Data Doc.;Data scadenza;Dare;Avere;Saldo",
            "customer invoice invoice_date due_date debit credit balance",
        ),
        (
            "Entidade;Nome;Documento;Data;Vencimento;Valor Total;Valor Pendente;Moeda",
            "customer name invoice invoice_date due_date amount balance currency",
        ),
        (
            "Relatie;Factuurnummer;Factuurdatum;Vervaldatum;Bedrag;Openstaand",
            "customer invoice invoice_date due_date amount balance",
        ),
        (
            "CUSTNMBR;DOCNUMBR;DOCDATE;DUEDATE;ORTRXAMT;CURTRXAM",
            "customer invoice invoice_date due_date amount balance",
        ),
    ],
)
def test_ledgers_of_other_languages_are_known(header: str, wanted: str) -> None:
    assert [field for field, _ in recognise(header.split(";")).taken] == wanted.split()


def test_every_name_is_written_as_it_is_compared() -> None:
    assert [name for tiers in TIERS.values() for tier in tiers for name in tier if plain(name) != name] == []


def test_amounts_of_the_document_stand_beside_a_column_of_currencies() -> None:
    header = "CustID,InvoiceNum,InvoiceDate,DueDate,InvoiceAmt,InvoiceBal,DocInvoiceAmt,DocInvoiceBal"
    with_currency = taken(f"{header},CurrencyCode")
    assert (with_currency["amount"], with_currency["balance"]) == ("DocInvoiceAmt", "DocInvoiceBal")
    assert taken(header)["amount"] == "InvoiceAmt"

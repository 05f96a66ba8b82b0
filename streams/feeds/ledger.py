"""Rows of ledger files into records: every row checked, bad ones reported, one line for the sorter a row.

What a cell says is cells.py; what records of one invoice mean together, and the events they become, is booking.py.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Final

from streams.errors import Refused
from streams.feeds.amounts import EMPTY
from streams.feeds.cells import FUTURE, Bad, Cells, currency_of_line
from streams.feeds.columns import Columns, is_bare_status, plain, score, shown
from streams.feeds.dates import is_empty, plus_days
from streams.feeds.doubts import cut_in_two, remarks, unread
from streams.feeds.files import rows
from streams.feeds.flags import (
    CONTESTED,
    GIVEN_UP,
    NO,
    NOTHING,
    PAID_FLAGS,
    PART,
    RETURNED,
    UNPAID_FLAGS,
    VOID,
    WHOLE,
    YES,
    came,
    flagged,
    half_came,
    half_said,
    is_total,
    names_total,
    speaks,
    state,
    taken_back,
    went_back,
)
from streams.feeds.kinds import (
    CREDIT,
    CREDIT_SIDE,
    DEBIT_SIDE,
    FORWARD,
    INVOICE,
    NOT_OWED,
    OWES,
    OWES_LESS,
    PAYMENT,
    REFUND,
    TAKEN_BACK,
    WRITE_OFF,
    code,
    meant,
    names_invoice,
)
from streams.feeds.names import CHEQUES
from streams.feeds.record import CUT, EARLIEST, ON_ACCOUNT, WIDEST, Row
from streams.feeds.report import NOTHING_OPEN, BadRow, Report
from streams.feeds.sorting import Sorter
from streams.feeds.telling import Choices, Told

_OF_A_HEADER: Final = 3  # fields that a line of names names at least
_MISTAKES: Final = 2  # days that may be wrong by hand
_AHEAD: Final = 7  # days from a cheque's receipt until it can be paid in: more, and it was dated ahead


class _LeftOut(Exception):
    """A row that is none of the kind asked for, and why."""


def read_rows(
    files: Sequence[Told],
    choices: Choices,
    sorter: Sorter,
    report: Report,
    progress: Callable[[int], None],
) -> None:
    """Adds a line to the sorter for every good row of the files, and counts the others into the report.

    Payments without a customer find him by their invoice, over a sort of their own. Raises Refused.
    """
    homeless = any("customer" not in told.columns.at for told in files)
    alone = all(told.columns.kind != "payments" for told in files)
    with Sorter() as by_invoice:
        for number, told in enumerate(files):
            reader = _Reader(number, told, choices, report, alone)
            reader.read(sorter, by_invoice if homeless else None, progress)
        if homeless:
            _find_customers(files, by_invoice, sorter, report)


class _Reader:
    """The reading of one file."""

    def __init__(self, number: int, told: Told, choices: Choices, report: Report, alone: bool) -> None:
        self.number = number
        self.alone = alone  # no file of payments is there, so days of settlement stand for them
        self.told = told
        self.choices = choices
        self.report = report
        self.cells = Cells(told, choices, report)
        self.types: dict[str, str] = {}
        self.unused = 0  # of the payment or credit note that was read last: what its balance says it settled nothing with
        self.unread = unread(told.columns)
        self.remarks = remarks(told.columns)
        self.cheques = [
            place
            for place, name in enumerate(told.columns.header)
            if told.columns.kind == "payments"
            and plain(name) in CHEQUES
            and place != told.columns.at["paid_date"]
        ]
        self.discounted = "%" not in told.columns.named("discount")
        self.only_open = told.columns.only_open and "amount" not in choices.layout.columns
        self.heading = ""  # the last line of one word that says what stands below it, and where it is
        self.awaited = 0  # rows that were settled in the future
        self.statuses = [field for field in ("status", "payment_status") if field in told.columns.at]
        # A payment that is void leaves its invoice open
        self.of_invoices = [
            f for f in self.statuses if f == "status" or is_bare_status(told.columns.named(f))
        ]

    def read(self, sorter: Sorter, by_invoice: Sorter | None, progress: Callable[[int], None]) -> None:
        told, report = self.told, self.report
        path = str(told.shape.path)
        header = [plain(cell) for cell in told.shape.header]
        width = len(header)
        take = self.payment if told.columns.kind == "payments" else self.invoice
        homeless = "customer" not in told.columns.at
        add = sorter.add
        first, last, settled, footer = "9999", "", 0, ""
        if told.columns.runs_on is not None:
            name = shown(told.shape.header[told.columns.runs_on])
            report.note(
                f"a balance that goes on from row to row is the account's and no invoice's, and is not read: {name}",
                f"{path}:{told.shape.header_line}",
            )
        for line, row in rows(told.shape, progress):
            if len(row) != width:
                if len(row) < width:
                    row += [""] * (width - len(row))
                elif (beyond := any(map(str.strip, row[width:]))) or (
                    not told.ends and cut_in_two(row, told.columns)
                ):
                    report.rows += 1
                    why = f"{len(row)} cells where the header has {width}; is a separator not in quotes?"
                    if not beyond:
                        why += " If rows merely end in one, let the header end in one too"
                    report.refuse("more cells than the header", BadRow(path, line, "", why))
                    continue
            self.unused = 0
            try:
                record = take(row, f"{self.number:03d}{line:010d}")
            except _LeftOut as why:
                report.rows += 1
                report.note(str(why), f"{path}:{line}")
                if "type" in self.told.columns.at:
                    self._told_type(row)
                continue
            except Bad as bad:
                filled = [cell for cell in row if cell.strip()]
                if not filled:
                    continue
                foreign = self._foreign(filled)
                if foreign and any(map(names_total, filled)):
                    raise Refused(
                        f"{path}:{line}: a total is in {foreign}, and no column says which rows are; import them in a file "
                        f"of their own with --currency {foreign}, or say it in a column of its own"
                    ) from bad
                alone = len(filled) == 1 and filled[0].count(told.shape.delimiter) + 1 < width
                sorts = alone and told.columns.kind == "invoices" and _sorts(filled[0], told.columns)
                if foreign:
                    footer = (
                        f"{path}:{line}: a line names {foreign}, and the rows were taken for another currency; say it with "
                        f"--currency {foreign}, or in a column of its own"
                    )
                if foreign or sorts:
                    self.heading = f"{path}:{line}: a heading stands here ({', '.join(map(shown, filled))})"
                if alone:
                    report.note("lines with one cell left out, as headings and remarks are", f"{path}:{line}")
                    continue
                if is_total(row, told.columns):
                    report.note("total lines left out", f"{path}:{line}")
                    continue
                if [plain(cell) for cell in row[:width]] == header:
                    report.note("repeated headers left out", f"{path}:{line}")
                    continue
                if score(row) >= _OF_A_HEADER and not any(map(str.isdigit, "".join(filled))):
                    raise Refused(
                        f"{path}:{line}: another header stands here ({', '.join(map(shown, filled))}), so the file holds two "
                        "tables; import each in a file of its own, both in one import"
                    ) from bad
                report.rows += 1
                kind, field, reason = bad.args
                report.refuse(kind, BadRow(path, line, told.columns.named(field) if field else "", reason))
                self.awaited += field == "paid_date" and kind == FUTURE
                continue
            if self.heading:
                raise Refused(
                    f"{self.heading}, and what it says of the rows below is not read; import them in a file of their own, or "
                    "say it in a column of its own"
                )
            report.rows += 1
            if record.kind == TAKEN_BACK:
                add(CUT.join(record))
                continue
            for column, name in self.remarks:
                if record.kind == INVOICE and not (record.paid_on or record.disputed) and speaks(row[column]):
                    text = f"open invoices with a remark in {name} that they are paid, disputed or given up, which is not read"
                    report.note(text, f"{path}:{line}")
            settled += bool(record.paid_on)
            for column, name in self.unread if record.kind != CREDIT else ():
                if plain(row[column]).strip("0") not in NO and not is_empty(row[column]):
                    text = f"rows with something in {name}, which is not read and may say that less is owed, or disputed"
                    report.note(text, f"{path}:{line}")
            if "type" in self.told.columns.at:
                self._told_type(row)
            if record.kind != INVOICE:
                _count(report, record, self.unused)
            elif record.by_balance and not record.paid_on and record.paid:
                report.claimed_by[record.account] += int(record.paid)
            if homeless and by_invoice is not None:
                last = max(last, record.day)
                by_invoice.add(CUT.join((record.invoice, "1", *record)))
                continue
            if by_invoice is not None and record.kind == INVOICE:
                by_invoice.add(CUT.join((record.invoice, "0", record.account)))
            if record.day < first:
                first = record.day
            newest = record.paid_on or record.day
            if newest > last:
                last = newest
            add(CUT.join(record))
        if footer:
            raise Refused(footer)
        if self.awaited > _MISTAKES and self.awaited * 20 > settled:
            raise Refused(
                f"{path}: {self.awaited:,} rows were settled in the future by {told.columns.named('paid_date')}; if it is the "
                'day on which money is awaited leave it out, or name the right one in a layout file (paid_date = "…")'
            )
        report.first_day = min(filter(None, (report.first_day, "" if first == "9999" else first)), default="")
        report.last_day = max(report.last_day, last)

    def _foreign(self, filled: Sequence[str]) -> str:
        """The currency that a line between rows names, where the rows have none and are taken for another."""
        told = self.told
        if "currency" in told.columns.at or told.signs:
            return ""
        named = currency_of_line(cell for cell in filled if not any(map(str.isdigit, cell)))
        taken = told.columns.currency or self.choices.currency or self.choices.base_currency
        return "" if named == taken else named

    def invoice(self, row: list[str], place: str) -> Row:
        """A row of a file of invoices or of credit notes: an invoice, a credit note (negative, or named so), or a payment
        that is named so (which may have no number)."""
        at = self.told.columns.at
        said = self._said(row)
        if why := self._gone(row, said):
            return self._taken_back(row, place, why)
        named = CREDIT if self.told.columns.kind == "credits" else self._meant(row) if "type" in at else ""
        if not named and "is_credit" in at and flagged(self.cells.cell(row, "is_credit")):
            named = CREDIT
        if named == PAYMENT:
            self._came(row)
        elif RETURNED in said or GIVEN_UP in said:
            self._ended(row, said)
        account = self.cells.id(row, "customer", needed=True)
        number = self.cells.id(row, "invoice", needed="document" not in at and named != PAYMENT)
        if not number and "document" in at:
            number = self.cells.id(row, "document", needed=named != PAYMENT)
        if not number[-1:].isdigit():
            self._of_one(number)
        day = self.cells.day(row, "invoice_date", needed=True)
        currency = self.cells.currency(row, "amount")
        self._like_others(place)
        amount = self.cells.whole(row, currency) if "amount" in at else self._sides(row, currency)
        if amount is None:
            raise Bad("amount is empty", "amount", "is empty")
        if "side" in at and self._side(row, OWES, OWES_LESS) in OWES_LESS:
            amount = -abs(amount)
        if amount == 0:
            unknown = '; if a column has what was invoiced, name it in a layout file: amount = "…"'
            why = f"is zero: nothing is owed{unknown if self.told.columns.only_open else ''}"
            raise Bad(NOTHING_OPEN, "amount", why)
        paid_on = self.cells.day(row, "paid_date", needed=False) if "paid_date" in at else ""
        still_open = self.cells.minor(row, "balance", currency) if "balance" in at else None
        self.unused = abs(still_open or 0)
        name = self.cells.text(row, "name") if "name" in at else ""
        limit = self._limit(row, currency) if "limit" in at else ""
        settled = "paid_date" in at and bool(paid_on or still_open == 0)
        if named and (amount < 0) != self.told.negative[named]:
            what = "payment" if named == PAYMENT else "credit note"
            raise Bad(
                f"a {what} the other way round",
                "",
                f"{self._money(row)} goes the other way than a {what} of this file: it takes one back, or is none, "
                "and is not imported",
            )
        if self.alone and self.told.all_open and (named or amount < 0) and self.unused < abs(amount):
            self._note(
                "credit notes and payments in a list of open items, taken with what is open of them", place
            )
            amount = -self.unused if amount < 0 else self.unused
        base = Row(
            account, number, INVOICE, place, number, str(abs(amount)), currency, day, name=name, limit=limit
        )
        if named == PAYMENT:
            return self._payment_among_invoices(row, base, settled)
        if named == CREDIT or amount < 0:
            self.report.by_sign += not named
            credit = self._credit(row, base, named, paid_on, settled)
            # Of the other sign it is an account's balance, after this row.
            told = still_open is not None and (not still_open or (still_open < 0) == (amount < 0))
            return credit._replace(unused=str(min(self.unused, abs(amount)))) if told else credit
        return self._owed(row, base, said, paid_on, still_open)

    def _gone(self, row: list[str], said: Sequence[str]) -> str:
        """Why a row does not stand, by a column of its own or by the invoice's status; '' where it does. Raises _LeftOut for
        a draft, which never did."""
        if why := self._voided(row):
            return why
        for field, what in zip(self.statuses, said, strict=True):
            if what == VOID and field in self.of_invoices:
                status = self.cells.cell(row, field).strip()
                why = f"rows left out, as by their status nothing is owed: {status}"
                if not taken_back(status):
                    raise _LeftOut(why)
                return why
        return ""

    def _taken_back(self, row: list[str], place: str, why: str) -> Row:
        """An invoice that does not stand: an earlier export may have said that it is owed. Raises _LeftOut where it is no
        invoice, or has no number or day."""
        at = self.told.columns.at
        no_invoice = (
            self.told.columns.kind == "credits"
            or meant(self.cells.cell(row, "type"))
            or ("is_credit" in at and flagged(self.cells.cell(row, "is_credit")))
            or ("side" in at and code(self.cells.cell(row, "side")) in OWES_LESS)
            or (self.told.amounts.number(self.cells.cell(row, "amount")) or 0) < 0
            or self.told.amounts.number(self.cells.cell(row, "credit"))
        )
        if no_invoice:
            raise _LeftOut(why)
        try:
            account = self.cells.id(row, "customer", needed=True)
            number = self.cells.id(row, "invoice", needed="document" not in at)
            number = number or self.cells.id(row, "document", needed=True)
            day = self.cells.day(row, "invoice_date", needed=True)
        except Bad:
            raise _LeftOut(why) from None
        self._note(why, place)
        if "type" in at:
            self._told_type(row)
        return Row(account, number, TAKEN_BACK, place, number, "0", "", day)

    def _said(self, row: list[str]) -> list[str]:
        """What the statuses say. A bare one says of an invoice what the invoice's own leaves open, or that it is void."""
        said = [state(self.cells.cell(row, field)) for field in self.statuses]
        if len(self.of_invoices) > 1 and said[0] and said[1] != VOID:
            return said[:1] * 2
        return said

    def _payment_among_invoices(self, row: list[str], base: Row, settled: bool) -> Row:
        at = self.told.columns.at
        paid = self.cells.id(row, "credits", needed=False) if "credits" in at else ""
        number = base.number
        if self.told.of_invoices:
            paid, number = number, ""
        if not paid and settled:
            raise _LeftOut("payments left out, as the invoices they settled carry the day")
        reference = self.cells.text(row, "reference")
        return base._replace(invoice=paid or ON_ACCOUNT, kind=PAYMENT, payment=number, reference=reference)

    def _credit(self, row: list[str], base: Row, named: str, paid_on: str, settled: bool) -> Row:
        at = self.told.columns.at
        credited = self.cells.id(row, "credits", needed=False) if "credits" in at else ""
        if not (named or {"type", "is_credit", "side", "debit", "credits", "paid_date"} & set(at)):
            self._note(
                "negative amounts, taken as credit notes, as no type says otherwise: are payments among them?",
                base.place,
            )
        if not named and "debit" in at:
            self._note(
                "amounts of the credit column, taken as credit notes, as no type says otherwise", base.place
            )
        return base._replace(
            invoice=credited or base.number,
            kind=CREDIT,
            paid_on=(paid_on or base.day) if settled and self.alone else "",
            payment=credited,
        )

    def _owed(
        self, row: list[str], base: Row, said: Sequence[str], paid_on: str, still_open: int | None
    ) -> Row:
        at = self.told.columns.at
        for field in self.statuses:
            status = self.cells.cell(row, field)
            if half_said(status):
                self._note(
                    f"invoices read as if their status said nothing: {status.strip()[:60]}", base.place
                )
        terms, net_days = self.cells.net_days(row)
        if net_days is None:
            net_days = self.choices.terms_days
        due = self._due(row, base.day, terms, net_days)
        if paid_on and self._went_back(row, base.place):
            paid_on = paid = by_balance = ""
        else:
            paid, by_balance = self._paid_so_far(row, base, said, paid_on, still_open)
        if paid_on and paid_on < base.day and plus_days(paid_on, EARLIEST) < base.day:
            raise Bad(
                "settled long before the invoice",
                "paid_date",
                f"settled {paid_on}, over {EARLIEST} days before the invoice's date {base.day}",
            )
        return base._replace(
            due=due,
            paid_on=paid_on,
            paid=paid,
            disputed=self._disputed(row, said),
            terms=self.cells.text(row, "terms") if terms else "",
            terms_days="" if net_days is None else str(net_days),
            payment=self.cells.id(row, "payment", needed=False) if "payment" in at else "",
            reference=self.cells.text(row, "reference") if "reference" in at else "",
            by_balance=by_balance,
            closed="1" if still_open == 0 or WHOLE in said else "",
            left="1" if self.only_open else "",
        )

    def _went_back(self, row: list[str], place: str) -> bool:
        """Whether an invoice's status says that the money did not come, or not stay, and names such a row."""
        for field in self.statuses:
            status = self.cells.cell(row, field)
            back = not came(status) if field == "payment_status" else went_back(status)
            if back and not state(status):
                self._note(
                    "invoices that stand open, as by their status the money did not come or stay: "
                    f"{status.strip()[:60]}",
                    place,
                )
                return True
        return False

    def _due(self, row: list[str], day: str, terms: str, net_days: int | None) -> str:
        """The day on which an invoice of `day` is due, by its own column or by its terms."""
        at = self.told.columns.at
        due = self.cells.day(row, "due_date", needed=False) if "due_date" in at else ""
        if not due:
            if net_days is None:
                reason = (
                    f"no due date, and the terms {terms.strip()!r} name no days"
                    if terms.strip()
                    else "is empty"
                )
                raise Bad("no due date", "due_date", f"{reason}; say the usual terms with --terms DAYS")
            from_baseline = "baseline" in at and ("days_1" in at or terms.strip())
            start = self.cells.day(row, "baseline", needed=False) if from_baseline else ""
            due = plus_days(start or day, net_days)
        if due < day:
            raise Bad("due before the invoice", "due_date", f"due {due} before the invoice's date {day}")
        if due > "2100-12-31":
            raise Bad("no date", "due_date", f"{due} is after 2100")
        return due

    def _paid_so_far(
        self, row: list[str], base: Row, said: Sequence[str], paid_on: str, still_open: int | None
    ) -> tuple[str, str]:
        """(what of an invoice is paid, '' where nothing says; '1' where only its balance says it)."""
        at, amount = self.told.columns.at, int(base.amount)
        paid = self._paid_of(said, amount, still_open, paid_on, base.place)
        by_balance = "1" if still_open is not None else ""
        if "paid_amount" in at:
            flag = plain(self.cells.cell(row, "paid_amount"))
            if flag in PAID_FLAGS:
                part = None if paid_on else amount
            else:
                part = 0 if flag in UNPAID_FLAGS else self.cells.minor(row, "paid_amount", base.currency)
            if part is not None and part < 0:
                raise Bad(
                    "a negative payment",
                    "paid_amount",
                    "is negative; reversals are not imported from ledgers",
                )
            if part is not None:
                balanced = still_open is None or part + still_open == amount
                if balanced or paid_on or (part == still_open == 0) or not 0 <= (still_open or 0) <= amount:
                    paid, by_balance = str(part), ""
                if not balanced and part <= amount and not (paid_on and still_open == 0):
                    self._note(
                        "invoices whose amount is not what was paid and what is open: a credit note, a refund or a tax "
                        "may be the rest",
                        base.place,
                    )
        elif not paid and not by_balance:
            if paid_on and NOTHING in said:
                raise Bad(
                    "settled and open",
                    "paid_date",
                    f"settled {paid_on}, though by its status it is not paid; is it the day on which money is awaited? "
                    "then leave the column out, or name the right one in a layout file",
                )
            if not paid_on and self.alone and PART in said:
                self._note(
                    "invoices paid in part by their status, and nothing says how much: they stand open whole",
                    base.place,
                )
        return paid, by_balance

    def _disputed(self, row: list[str], said: Sequence[str]) -> str:
        """'1' for an invoice in dispute, by its own column or else by its status."""
        if "disputed" not in self.told.columns.at:
            return "1" if CONTESTED in said else ""
        flag = plain(self.cells.cell(row, "disputed"))
        if flag in YES:
            return "1"
        if flag not in NO:
            raise Bad(
                "unclear dispute",
                "disputed",
                f"{self.cells.cell(row, 'disputed').strip()!r} is neither yes nor no",
            )
        return ""

    def payment(self, row: list[str], place: str) -> Row:
        """A row of a file of payments. Without an invoice it is cash on account."""
        at = self.told.columns.at
        if why := self._voided(row):
            raise _LeftOut(why)
        self._came(row)
        for field in self.statuses:
            status = self.cells.cell(row, field)
            if half_came(status):
                why = f"{status.strip()[:60]!r} does not say for certain whether the money came and stayed"
                raise Bad("an unclear payment", field, why)
        if "type" in at:
            self._pays(row)
        account = self.cells.id(row, "customer", needed=True) if "customer" in at else ""
        invoice = (self.cells.id(row, "invoice", needed=not account) if "invoice" in at else "") or ON_ACCOUNT
        if invoice != ON_ACCOUNT and not invoice[-1:].isdigit():
            self._of_one(invoice)
        day = self.cells.day(row, "paid_date", needed=True)
        self._dated_ahead(row, day, place)
        if "side" in at and self._side(row, DEBIT_SIDE, CREDIT_SIDE) in DEBIT_SIDE:
            raise Bad(
                "a refund",
                "side",
                "is a debit, so it gives money back; refunds are not imported from ledgers",
            )
        # The currency of a payment that names none is its invoice's: booking.py knows it.
        said = self.cells.cell(row, "currency").strip().lower() not in EMPTY
        named = said or self.told.columns.currency or self.told.signs or self.choices.currency is not None
        currency = self.cells.currency(row, "paid_amount") if named else ""
        self._like_others(place)
        amount = self._paid(row, "paid_amount", currency)
        total = self._paid(row, "payment_total", currency) if "payment_total" in at else ""
        if self.discounted and any(digit in self.cells.cell(row, "discount") for digit in "123456789"):
            self._note(
                "payments with a discount beside them, which is not read: import it as a credit note, or it stands open",
                place,
            )
        if not amount and invoice == ON_ACCOUNT:
            amount = total  # nothing of it is applied
        if not amount:
            raise Bad("amount is empty", "paid_amount", "is empty or zero")
        return Row(
            account,
            invoice,
            PAYMENT,
            place,
            "",
            amount,
            currency,
            day,
            paid=total,
            name=self.cells.text(row, "name") if "name" in at else "",
            payment=self.cells.id(row, "payment", needed=False) if "payment" in at else "",
            reference=self.cells.text(row, "reference") if "reference" in at else "",
        )

    def _dated_ahead(self, row: list[str], day: str, place: str) -> None:
        """Names payments of a `day` on which their cheque could not be paid in yet."""
        for column in self.cheques:
            with contextlib.suppress(ValueError):
                if self.told.dates.iso(row[column]) > plus_days(day, _AHEAD):
                    self._note(
                        f"payments of a day ({self.told.columns.named('paid_date')}) over a week before their "
                        f"{shown(self.told.columns.header[column])}: were cheques dated ahead? name the right one in a "
                        'layout file (paid_date = "…")',
                        place,
                    )
                    return

    def _meant(self, row: list[str]) -> str:
        """The kind of record that a row's type names; '' where it is any other: then the amount's sign tells."""
        text = self.cells.cell(row, "type").strip()
        known = self.types.get(text)
        if known is None:
            known = meant(text)
            if len(self.types) < 1000:
                self.types[text] = known
        if known == REFUND:
            raise Bad("a refund", "type", f"{text!r} gives money back; refunds are not imported from ledgers")
        if known == WRITE_OFF:
            raise Bad(
                "written off",
                "type",
                f"{text!r} gives up what is owed, and ledgers import no write-offs; send it as an event: invoice.written_off",
            )
        if known == FORWARD:
            raise _forward("type", text)
        if known == NOT_OWED:
            raise _LeftOut(f"rows left out, as by their type no customer owes them: {text}")
        return known

    def _like_others(self, place: str) -> None:
        if self.cells.unlike:
            self._note(
                f"amounts without a currency among others that have one, taken for {self.choices.base_currency}: say "
                "--currency CUR if all are in one",
                place,
            )

    def _of_one(self, number: str) -> None:
        """Takes no row whose number is a word for the sum of others."""
        if names_total(number):
            raise Bad("a total", "invoice", f"{number!r} is no invoice's number")
        if meant(number) == FORWARD:
            raise _forward("invoice", number)

    def _pays(self, row: list[str]) -> None:
        """Refuses a row of a file of payments that by its type is none. Of a bank's credit and debit, credit is one."""
        text = self.cells.cell(row, "type").strip()
        named = plain(text)
        if named in CREDIT_SIDE or meant(text) == NOT_OWED:  # PP may be PayPal
            return
        if named in DEBIT_SIDE:
            raise Bad("a refund", "type", f"{text!r} gives money back; refunds are not imported from ledgers")
        read = self._meant(row)
        if read == CREDIT or (not read and names_invoice(text)):
            raise Bad(
                "no payment",
                "type",
                f"{text!r} is no payment; import invoices and credit notes in files of their own, all in one import",
            )

    def _told_type(self, row: list[str]) -> None:
        if self.told.columns.kind == "payments":
            return
        text = self.cells.cell(row, "type").strip()
        read = self.report.types.setdefault(str(self.told.shape.path), {})
        if text not in read and len(read) < 100:
            read[text] = self.types.get(text, "")

    def _voided(self, row: list[str]) -> str:
        """What to say of a row that a column of its own says is voided, by a mark or a day; '' of any other."""
        said = self.cells.cell(row, "voided")
        if "voided" not in self.told.columns.at or plain(said).strip("0") in NO or is_empty(said):
            return ""
        return f"rows left out, as by their column {self.told.columns.named('voided')} they do not stand"

    def _came(self, row: list[str]) -> None:
        """Leaves out a payment that by its status did not come, or went back."""
        for field in self.statuses:
            status = self.cells.cell(row, field)
            if not came(status):
                raise _LeftOut(
                    f"payments left out, as by their status no money came or stayed: {status.strip()}"
                )

    def _ended(self, row: list[str], said: Sequence[str]) -> None:
        """Leaves out an invoice of which by its status nothing is owed any more, and refuses one that was given up:
        neither is open, and neither was paid."""
        for field, what in zip(self.statuses, said, strict=True):
            status = self.cells.cell(row, field).strip()
            if what == RETURNED:
                raise _LeftOut(f"rows left out, as by their status nothing is owed: {status}")
            if what == GIVEN_UP:
                raise Bad(
                    "written off",
                    field,
                    f"{status!r}: it is neither open nor paid, and ledgers import no write-offs; send it as events: "
                    "invoice.issued and invoice.written_off",
                )

    def _side(self, row: list[str], debit: frozenset[str], credit: frozenset[str]) -> str:
        """What the column of debit and credit says; '' where it is blank."""
        side = code(self.cells.cell(row, "side"))
        if side and side not in debit and side not in credit:
            raise Bad(
                "unclear side",
                "side",
                f"{self.cells.cell(row, 'side').strip()!r} is neither debit nor credit",
            )
        return side

    def _money(self, row: list[str]) -> str:
        """The cells of a row's amount as they stand, with their columns' names."""
        fields = [f for f in ("amount", "debit", "credit", "side") if self.cells.cell(row, f).strip()]
        return ", ".join(f"{self.told.columns.named(f)} {self.cells.cell(row, f).strip()!r}" for f in fields)

    def _sides(self, row: list[str], currency: str) -> int | None:
        """Debit less credit; None where both are empty."""
        debit, credit = self.cells.minor(row, "debit", currency), self.cells.minor(row, "credit", currency)
        if debit is None and credit is None:
            return None
        return (debit or 0) - abs(credit or 0)

    def _paid_of(
        self, said: Sequence[str], amount: int, still_open: int | None, paid_on: str, place: str
    ) -> str:
        """What of an invoice is paid by its balance or its status, in minor units; '' where neither says."""
        if still_open is None and "balance" in self.told.columns.at and not (paid_on or said):
            self._note("invoices without a balance where others have one, read as open whole", place)
        if still_open is not None and still_open > amount and "paid_amount" not in self.told.columns.at:
            self._note(
                "balances above the amount of their invoice, passed over: is the amount without its tax, or the balance "
                "that of the whole account?",
                place,
            )
        if still_open is not None and still_open <= amount:
            still_open = max(still_open, 0)  # paid, and more
            if paid_on and still_open == amount:
                raise Bad(
                    "settled and open", "balance", f"all of it is open, though it was settled {paid_on}"
                )
            return "" if paid_on and not still_open else str(amount - still_open)
        if not paid_on and WHOLE in said:
            return str(amount)
        return ""

    def _note(self, text: str, place: str) -> None:
        self.report.note(text, f"{self.told.shape.path}:{int(place[3:])}")

    def _paid(self, row: list[str], field: str, currency: str) -> str:
        # Without a currency of its own the amount stays in ten-thousandths (the most decimals there are)
        # until it has one.
        amount = self.cells.minor(row, field, currency or WIDEST)
        if amount and (amount < 0) != self.told.flipped:
            raise Bad("a negative payment", field, "is negative; reversals are not imported from ledgers")
        return str(abs(amount)) if amount else ""

    def _limit(self, row: list[str], currency: str) -> str:
        limit = self.cells.minor(row, "limit", currency)
        if limit is not None and limit < 0:
            raise Bad("no amount", "limit", "is negative")
        return "" if limit is None else str(limit)


def _sorts(heading: str, columns: Columns) -> bool:
    """Whether a heading between rows says that those below are no invoices, or not owed, or in a currency."""
    if "type" not in columns.at and meant(heading) in (CREDIT, PAYMENT, REFUND, WRITE_OFF, NOT_OWED):
        return True
    return (
        not {"status", "paid_date", "balance"} & set(columns.at)
        and speaks(heading)
        and not names_total(heading)
    )


def _forward(field: str, text: str) -> Bad:
    return Bad(
        "a balance brought forward",
        field,
        f"{text!r} is the sum of what stands elsewhere, and no invoice; import the invoices behind it",
    )


def _count(report: Report, record: Row, unused: int = 0) -> None:
    """What an account paid or was credited, less what of it is `unused` by its own balance: that settled no invoice. A
    payment whose currency is not known yet counts for more than it is."""
    of = report.paid_by if record.kind == PAYMENT else report.credited_by
    used = max(int(record.amount), int(record.paid or 0)) - unused
    if used <= 0:
        return
    of[record.account] += used
    if record.unused:
        report.used_by[record.account] += used
    if record.invoice == ON_ACCOUNT or (record.kind == CREDIT and not record.payment):
        report.loose.add(record.account)


def _find_customers(files: Sequence[Told], by_invoice: Sorter, sorter: Sorter, report: Report) -> None:
    """Gives payments without a customer the customer of their invoice, where there is exactly one."""
    current, owners = "", set[str]()
    for line in by_invoice:
        parts = line.split(CUT)
        if parts[0] != current:
            current, owners = parts[0], set()
        if parts[1] == "0":
            owners.add(parts[2])
            continue
        record = Row._make(parts[2:])
        if len(owners) == 1:
            record = record._replace(account=next(iter(owners)))
            _count(report, record)
            sorter.add(CUT.join(record))
            continue
        told = files[int(record.place[:3])]
        reason = (
            f"invoice {current!r} belongs to {len(owners)} customers, and the payment names none"
            if owners
            else f"invoice {current!r} is in none of the files, so whose payment it is can not be told"
        )
        kind = "a payment of no known customer"
        where = BadRow(str(told.shape.path), int(record.place[3:]), told.columns.named("invoice"), reason)
        report.refuse(kind, where)

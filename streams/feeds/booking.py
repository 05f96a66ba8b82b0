"""Records of a ledger into events: what the rows of one invoice mean together, in the order of time.

Reading rows is ledger.py's; sending is history.py's. A fact has the same natural id in every export, and of two imports
that say different things of it the later one holds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, groupby
from typing import Any, Final, NamedTuple

import orjson

from schemas.money import text as money
from streams.errors import Refused
from streams.feeds.columns import plain
from streams.feeds.dates import plus_days
from streams.feeds.kinds import INVOICE, PAYMENT, TAKEN_BACK
from streams.feeds.record import CUT, EARLIEST, ON_ACCOUNT, Row, in_minor
from streams.feeds.report import PAID_UNDATED, BadRow, Report
from streams.feeds.sorting import Sorter

SOURCE: Final = "import"

# A ledger knows days only. Within a day: who, then his limit, then what is owed, what takes it back, and what is paid.
OPENED, LIMIT, ISSUED, CREDITED, DISPUTED, PAID, RESOLVED = "0123456"
_CLOCK: Final = {
    OPENED: dt.time(6),
    LIMIT: dt.time(7),
    ISSUED: dt.time(9),
    CREDITED: dt.time(11),
    DISPUTED: dt.time(12),
    PAID: dt.time(15),
    RESOLVED: dt.time(16),
}
_WHOLE, _PART, _LIMIT_LINE = "E", "P", "L"
# Within its hour an event says when it was imported: as many microseconds as quarters of a second since then. So a later
# export corrects an earlier one, as the newest `occurred_at` holds, and no day moves by it. Enough until 2053.
_FIRST_MOMENT: Final = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
_MOMENT: Final = dt.timedelta(milliseconds=250)
_LAST: Final = dt.timedelta(hours=1, microseconds=-1)
_ALIKE: Final = 100_000  # customers whose names are compared
_FEW: Final = 100  # rows among which one may be there twice, or wrong, by hand

_ONE_BY_ONE: Final = "; exports of one ledger of several weeks are imported one by one, the oldest first"


class Booked(NamedTuple):
    """One event, ready to be sent."""

    day: int  # date.toordinal() of occurred_at in the policy's time zone
    account: str
    type: str
    raw: bytes


class _Part(NamedTuple):
    """What of a payment is for one invoice, as it stands in a line (all text; minor units as digits)."""

    place: str
    invoice: str
    applied: str
    amount: str
    total: str  # of the whole payment, where the row says it
    currency: str
    reference: str


class Booking:
    """Makes the events of the sorted records. `where` gives file and line of a record's place; `zone` is the policy's;
    `moment` is when the import was begun."""

    def __init__(
        self,
        report: Report,
        where: Callable[[str], tuple[str, int]],
        base_currency: str,
        zone: dt.tzinfo,
        moment: dt.datetime,
    ) -> None:
        self._report = report
        self._where = where
        self._base = base_currency
        # Of rows of one file: those that say another amount of an invoice, the first of them, and those that say the same
        self.lines = self.twice = 0
        self.first_line = ""
        # Of invoices with amounts by the name of what is open: those that their payments pay, and those that they do not
        self.paid_whole = self.paid_else = 0
        self.first_else = ""
        said = min(dt.timedelta(microseconds=max(moment - _FIRST_MOMENT, dt.timedelta()) // _MOMENT), _LAST)
        self._at = lru_cache(maxsize=100_000)(lambda day, rank: _instant(day, rank, zone, said))

    def book(
        self, records: Iterable[str], last_day: str, events: Sorter, progress: Callable[[int], None]
    ) -> None:
        """Reads lines of record.Row in order and adds a line for each event, or part of a payment, to `events`.

        `last_day` (ISO) is the newest day of the files: a dispute is never dated after it. Memory: the records of one
        invoice, and the payment numbers of one account. Raises Refused where many rows seem to be lines of invoices.
        """
        rows = (Row._make(line.split(CUT)) for line in records)
        strangers: list[str] = []
        alike: dict[str, str] = {}
        done = 0
        for account, of_account in groupby(rows, key=_account):
            teller = _Account(self, account, last_day, events)
            bare = plain(account).lstrip("0")
            if bare and len(alike) < _ALIKE and alike.setdefault(bare, account) != account:
                first = next(of_account)
                self.note("customers whose numbers or names are nearly those of another, kept apart", first)
                of_account = chain((first,), of_account)
            for invoice, of_invoice in groupby(of_account, key=_invoice):
                if invoice != ON_ACCOUNT:
                    done += teller.invoice(invoice, list(of_invoice))
                else:
                    for row in of_invoice:
                        teller.on_account(row)
                        done += 1
                if done >= 5_000:
                    progress(done)
                    done = 0
            teller.close()
            if teller.stranger:
                strangers.append(teller.stranger)
            self._report.accounts += 1
        if self._report.invoiced:
            for place in strangers:
                path, line = self._where(place)
                self._report.note(
                    "customers with payments and no invoice: is their number written in another way among the invoices?",
                    f"{path}:{line}",
                )
        differ, same = self.lines, self.twice
        if differ and same and (differ + same) * _FEW > self._report.rows:
            raise Refused(
                f"{self.first_line}: {differ:,} rows say another amount of an invoice than one before them, and "
                f"{same:,} the same again; of lines of invoices import one row an invoice with their sum, and exports of "
                "several weeks one by one, the oldest first"
            )
        if self.paid_else > self.paid_whole:
            raise Refused(
                f"{self.first_else}: {self.paid_else:,} invoices have payments that are not what their amount is. By its "
                "column's name that is what is still open, and the payments would be taken off twice: export the invoiced "
                'amount too, or, if it is the invoiced amount, name it in a layout file (amount = "…")'
            )
        progress(done)

    def events(self, lines: Iterable[str]) -> Iterator[Booked]:
        """The events in order of time: parts of one payment brought together, limits that did not change left out."""
        limits: dict[str, str] = {}
        for day, of_day in groupby(lines, key=_day_text):
            ordinal = dt.date.fromisoformat(day).toordinal()
            payment: tuple[str, str] | None = None
            parts: list[_Part] = []
            for line in of_day:
                head, account, number, tag, payload = line.split(CUT, 4)
                if payment is not None and (tag != _PART or payment != (account, number)):
                    yield self._payment(day, ordinal, payment, parts)
                    payment, parts = None, []
                if tag == _PART:
                    payment = (account, number)
                    parts.append(_Part._make(payload.split(CUT)))
                elif tag == _WHOLE:
                    kind, _, body = payload.partition(CUT)
                    yield Booked(ordinal, account, kind, body.encode())
                elif limits.get(account) != payload:
                    limits[account] = payload
                    amount, currency = payload.split(CUT)
                    fields = {"credit_limit": money(int(amount), currency), "currency": currency}
                    kind = "account.limit_set"
                    body = self.event(kind, account, head[:10], LIMIT, fields)
                    yield Booked(ordinal, account, kind, body.encode())
            if payment is not None:
                yield self._payment(day, ordinal, payment, parts)

    def _payment(self, day: str, ordinal: int, payment: tuple[str, str], parts: Sequence[_Part]) -> Booked:
        account, number = payment
        currency, reference = (
            parts[0].currency,
            next((part.reference for part in parts if part.reference), ""),
        )
        whole = max(sum(int(part.amount) for part in parts), *(int(part.total or 0) for part in parts))
        applied: dict[str, int] = {}
        for part in parts:
            if int(part.applied):
                applied[part.invoice] = applied.get(part.invoice, 0) + int(part.applied)
        self._report.paid[currency] += whole
        body = self.event(
            "payment.received",
            account,
            day,
            PAID,
            _received(number, whole, currency, day, applied, reference),
        )
        return Booked(ordinal, account, "payment.received", body.encode())

    def event(self, kind: str, account: str, day: str, rank: str, fields: dict[str, Any]) -> str:
        """The JSON of an event. Its id is a hash of all but the moment of the import, so that it comes again with the fact."""
        body = orjson.dumps({"type": kind, "account_id": account, "source": SOURCE, **fields})
        digest = blake2b(f"{day}{rank}".encode() + body, digest_size=16).hexdigest()
        return f'{{"event_id":"{digest}","occurred_at":"{self._at(day, rank)}",{body[1:].decode()}'

    def refuse(self, row: Row, kind: str, reason: str) -> None:
        """A row that is good by itself and can not stand beside another."""
        path, line = self._where(row.place)
        self._report.refuse(kind, BadRow(path, line, "", reason))

    def note(self, text: str, row: Row) -> None:
        path, line = self._where(row.place)
        self._report.note(text, f"{path}:{line}")

    @property
    def report(self) -> Report:
        return self._report

    @property
    def base_currency(self) -> str:
        return self._base

    def line_of(self, row: Row) -> str:
        path, line = self._where(row.place)
        return f"{path}:{line}"


class _Account:
    """The booking of one account: its invoices one by one, its opening at the end, when its first day is known."""

    def __init__(self, booking: Booking, account: str, last_day: str, events: Sorter) -> None:
        self._booking = booking
        self._account = account
        self._last_day = last_day
        self._add = events.add
        self._first_day = "9999"
        self._name: tuple[str, str] | None = None  # (day, name) of the earliest row that has one
        self._currency: tuple[str, str] | None = None
        self._terms: tuple[str, str] | None = None
        self._invoiced = False
        self._first_payment = ""  # the place of its row
        self._payments: dict[str, tuple[str, str]] = {}  # payment number -> (day, currency)
        self._on_account: set[str] = set()

    def invoice(self, number: str, rows: list[Row]) -> int:
        """Books all that the files say of one invoice number of this account; returns the number of rows."""
        invoice: Row | None = None
        settlements: list[Row] = []
        payments: dict[tuple[str, ...], Row] = {}
        credits: dict[str, Row] = {}
        named = any(row.kind not in (INVOICE, TAKEN_BACK) for row in rows)
        taken_back: Row | None = None
        numbered: dict[str, Row] = {}  # the first payment of a number
        for row in rows:
            if row.kind == TAKEN_BACK:
                taken_back = row
            elif row.kind == INVOICE:
                if not (row.paid_on or named) and row.paid not in ("", "0") and self._undated(row):
                    left = int(row.amount) - int(row.paid)
                    if left <= 0 or row.closed:
                        self._booking.refuse(
                            row,
                            PAID_UNDATED,
                            "it is paid, and nothing says when; name the column of the day in a layout file "
                            '(paid_date = "…"), or import the file of the payments beside this one',
                        )
                        continue
                    # What is owed is sure, when the rest came is not: a day made up would be a habit made up.
                    self._booking.note(
                        "invoices paid in part, and nothing says when: they stand with what is still open",
                        row,
                    )
                    row = row._replace(amount=str(left), paid="0", by_balance="")
                invoice = self._take_invoice(invoice, row, settlements)
            elif row.kind == PAYMENT:
                known = numbered.setdefault(row.payment, row) if row.payment else row
                if row.as_payment() in payments:
                    self._booking.note("payments that stand there twice, taken once", row)
                elif known.file == row.file:
                    payments[row.as_payment()] = row
                else:
                    self._booking.refuse(
                        row,
                        "a number with two contents",
                        f"payment {row.payment!r} of this invoice stands in {self._booking.line_of(known)} with another "
                        f"content{_ONE_BY_ONE}",
                    )
            elif (credit := credits.get(row.number)) is None:
                credits[row.number] = row
            elif credit.as_credit() == row.as_credit():
                self._booking.note("credit notes that stand there twice, taken once", row)
            else:
                self._booking.refuse(
                    row,
                    "a number with two contents",
                    f"credit note {row.number!r} stands in {self._booking.line_of(credit)} with another content",
                )
        credited = 0
        for row in credits.values():
            # A negative row with the number of an invoice takes that invoice back.
            of = number if invoice is not None and not row.payment else row.payment
            if row.paid_on and not of:
                self._booking.note(
                    "settled credit notes left out, as the invoices they settled carry the day", row
                )
                continue
            if invoice is not None and of == number and row.currency == invoice.currency:
                credited += int(row.amount)
            elif not of and row.unused and row.unused != row.amount and self._by_balances():
                self._booking.note(
                    "credit notes taken with what is open of them, as what they settled is off the invoices' balances",
                    row,
                )
                if row.unused == "0":
                    continue
                row = row._replace(amount=row.unused)
            self._credit(row, of)
        if invoice is not None and self._given_up(invoice, credited, payments, settlements):
            self._booking.refuse(
                invoice,
                "closed without a payment",
                "nothing of it is open, and nothing was paid: was it credited or written off? Import its credit note "
                "beside it, or send it as events",
            )
        elif invoice is not None:
            self._issue(invoice)
            if payments:
                self._compare(invoice, list(payments.values()), credited)
            if payments and settlements:  # the invoice's own columns tell of the same money
                self._booking.note(
                    "settlement columns passed over, as the payments themselves are there", invoice
                )
            if not (invoice.paid_on or payments) and int(invoice.paid or 0) > credited:
                self._booking.note(
                    "invoices paid by their own columns and open here, as no payment names them", invoice
                )
            last = max((row.paid_on for row in settlements), default="")
            of_last = [row for row in settlements if row.paid_on == last] or [invoice]
            closed = any(row.closed for row in of_last)
            self._settle(
                invoice, int(invoice.amount) - credited, list(payments.values()) or settlements, closed
            )
        else:
            # A number that was given anew is owed
            if taken_back is not None and not any(row.kind == INVOICE for row in rows):
                self._emit("invoice.voided", taken_back.day, CREDITED, number, {"invoice_id": number})
            for row in payments.values():
                self._booking.note("payments of invoices that the files do not hold, sent as they are", row)
            self._pay(number, list(payments.values()), None)
        return len(rows)

    def _compare(self, invoice: Row, payments: Sequence[Row], credited: int) -> None:
        """Notes where the payments of an invoice, or what was `credited`, are not what its own columns say of it."""
        booking, currency = self._booking, invoice.currency
        paid = sum(
            int(row.amount) if row.currency else in_minor(row.amount, currency) or 0
            for row in payments
            if row.currency in ("", currency)
        )
        if invoice.left and paid == int(invoice.amount):
            booking.paid_whole += 1
        elif invoice.left:
            booking.paid_else += 1
            booking.first_else = booking.first_else or booking.line_of(invoice)
        elif int(invoice.paid or 0) > paid + credited:
            booking.note(
                "invoices of which more is paid by their own columns than the payments here: the difference stands open",
                invoice,
            )

    def _given_up(
        self, invoice: Row, credited: int, payments: Mapping[tuple[str, ...], Row], settlements: Sequence[Row]
    ) -> bool:
        """Whether nothing of an invoice is open, and no money and no credit note can be why."""
        explained = payments or settlements or invoice.account in self._booking.report.loose
        return bool(invoice.closed) and invoice.paid == "0" and not credited and not explained

    def _undated(self, row: Row) -> bool:
        """Whether no money of its customer can be that with which an invoice says it was paid."""
        report = self._booking.report
        could_be = report.paid_by[row.account]
        if row.by_balance:
            if self._by_balances():
                return True
            could_be += report.credited_by[row.account]
        return int(row.paid) > could_be

    def _by_balances(self) -> bool:
        """Whether what the balances of the account's invoices say was settled is not what those of its credit notes say was
        used, and no payment is there: then all stand with what is open, else what was settled would be off twice or never."""
        report, account = self._booking.report, self._account
        used = report.used_by[account]
        told = used == report.credited_by[account] and not report.paid_by[account]
        return told and report.claimed_by[account] != used

    def _take_invoice(self, invoice: Row | None, row: Row, settlements: list[Row]) -> Row | None:
        booking = self._booking
        if invoice is not None and invoice.as_invoice() != row.as_invoice():
            lines = invoice._replace(amount=row.amount).as_invoice() == row.as_invoice()
            if lines and row.file == invoice.file:
                booking.lines += 1
                booking.first_line = booking.first_line or booking.line_of(row)
            advice = "; if they are lines of one invoice, import one row with their sum" if lines else ""
            self._differs(row, [invoice], "amount" if lines else "content", advice)
            return invoice
        settles = row.paid_on and row.paid != "0"
        if invoice is None:
            self._meet(row, row.day)
            if settles:
                settlements.append(row)
            return row
        if not settles or any(row.as_settlement() == other.as_settlement() for other in settlements):
            booking.note("rows that stand there twice, taken once", row)
            booking.twice += row.file == invoice.file
        elif not settlements or (
            row.paid and all(p.paid for p in settlements) and not _sums_grew(invoice, row, settlements)
        ):
            # Open in an older export of the same invoice, or one row a payment, a part each.
            self._meet(row, row.day)
            settlements.append(row)
        else:
            self._differs(row, settlements, "settlement", "")
        return invoice

    def _differs(self, row: Row, others: Sequence[Row], what: str, advice: str) -> None:
        """Refuses a row of an invoice of which `others` say something else."""
        if row.file != others[0].file:
            advice = _ONE_BY_ONE
        self._booking.refuse(
            row,
            "a number with two contents",
            f"invoice {row.number!r} of this customer stands in {self._booking.line_of(others[0])} with another "
            f"{what}{advice}",
        )

    def _issue(self, row: Row) -> None:
        fields = {
            "invoice_id": row.invoice,
            "amount": money(int(row.amount), row.currency),
            "currency": row.currency,
            "invoice_date": row.day,
            "due_date": row.due,
        }
        if row.terms:
            fields["terms"] = row.terms
        self._invoiced = True
        self._booking.report.invoiced[row.currency] += int(row.amount)
        self._emit("invoice.issued", row.day, ISSUED, row.invoice, fields)

    def _credit(self, row: Row, invoice: str) -> None:
        self._meet(row, row.day)
        fields = {
            "memo_id": row.number,
            "amount": money(int(row.amount), row.currency),
            "currency": row.currency,
        }
        if invoice:
            fields["invoice_id"] = invoice
        self._booking.report.credited[row.currency] += int(row.amount)
        self._emit("invoice.credited", row.day, CREDITED, row.number, fields)

    def _settle(self, invoice: Row, owed: int, rows: list[Row], closed: bool) -> None:
        """The payments of an invoice that is there, what was forgiven of it where it is `closed` with less, and its
        dispute.

        A ledger's flag of a dispute has no date. It is dated on the due date, or on the day of settlement or the
        files' last day where that is earlier, so that the invoice is in dispute no longer than the file supports; and
        resolved as rejected, since the customer paid, when all of it is paid.
        """
        settled_on, left, last = self._pay(invoice.invoice, rows, (invoice, owed))
        self._booking.report.settled += bool(last)
        if closed and last and left > 0:
            settled_on = self._forgive(invoice, left, last)
        if not invoice.disputed:
            return
        number = f"{invoice.invoice}/dispute"
        day = max(invoice.day, min(invoice.due, self._last_day, settled_on or "9999"))
        ids = {"invoice_id": invoice.invoice, "dispute_id": number}
        fields = {**ids, "amount": money(int(invoice.amount), invoice.currency), "currency": invoice.currency}
        self._emit("invoice.disputed", day, DISPUTED, number, fields)
        if settled_on:
            self._emit(
                "dispute.resolved", max(day, settled_on), RESOLVED, number, {**ids, "outcome": "rejected"}
            )

    def _forgive(self, invoice: Row, left: int, day: str) -> str:
        """Credits what a closed invoice was paid short (a discount, a bank's charge): else it stood past due for ever.
        Returns `day`; '' where a payment or credit note that names no invoice may be what closed it."""
        if invoice.account in self._booking.report.loose:
            self._booking.note(
                "invoices closed with less than was owed: the rest stands open, as a payment or credit note that names "
                "no invoice may be it",
                invoice,
            )
            return ""
        self._booking.note(
            "invoices closed with less than was owed: the rest is credited on the day of the last payment",
            invoice,
        )
        number = f"{invoice.invoice}/rest"
        fields = {
            "memo_id": number,
            "amount": money(left, invoice.currency),
            "currency": invoice.currency,
            "invoice_id": invoice.invoice,
        }
        self._booking.report.credited[invoice.currency] += left
        self._emit("invoice.credited", day, CREDITED, number, fields)
        return day

    def _pay(self, number: str, rows: list[Row], owing: tuple[Row, int] | None) -> tuple[str, int, str]:
        """Books the payments of one invoice number; returns the day on which all of it was paid, or '', what is still
        owed (0 where that is not sure), and the day of the last payment, or ''.

        What is paid beyond the invoice stays unapplied. A settlement date without an amount settles what is still owed.
        """
        invoice, owed = owing if owing is not None else (None, 0)
        parts: list[tuple[str, int, Row, str]] = []
        for row in rows:
            if row.kind == INVOICE:
                parts.append((row.paid_on, int(row.paid) if row.paid else -1, row, row.currency))
                continue
            known = row.currency or (
                invoice.currency if invoice else self._currency[1] if self._currency else ""
            )
            currency = known or self._booking.base_currency
            amount = int(row.amount) if row.currency else in_minor(row.amount, currency)
            if amount is None:
                self._booking.refuse(row, "no amount", f"the amount has more decimals than {currency}")
                continue
            if invoice is not None and plus_days(row.day, EARLIEST) < invoice.day:
                self._booking.refuse(
                    row,
                    "settled long before the invoice",
                    f"paid {row.day}, over {EARLIEST} days before the invoice's date {invoice.day}",
                )
                continue
            self._meet(row, row.day)
            parts.append((row.day, amount, row, currency))
        # Of one day, a settlement without an amount (-1) comes last: it settles what the others leave.
        parts.sort(key=lambda part: (part[0], part[1] < 0, part[1], part[2].payment, part[2].reference))
        settled_on = ""
        # That what is owed after all is told: no payment is missing, or of another currency
        sure = len(parts) == len(rows)
        last = ""
        times: dict[str, int] = {}
        for day, amount, row, currency in parts:
            if amount < 0:
                amount = max(owed, 0)
                if not amount:
                    continue
            applied = amount
            if invoice is not None and currency != invoice.currency:
                self._booking.note("payments in another currency than their invoice, sent as they are", row)
                sure = False
            if invoice is not None and currency == invoice.currency:
                applied = min(amount, max(owed, 0))
                owed -= applied
                if owed <= 0 and not settled_on:
                    settled_on = day
                if applied < amount:
                    self._booking.note("payments above what was owed; the rest is left unapplied", row)
            # What an invoice says of itself it says anew in each export, as a sum or by another day. A list of payments
            # may hold those of one week alone.
            derived = f"{number}/paid" if row.kind == INVOICE else f"{number}/{day}"
            times[derived] = times.get(derived, 0) + 1
            last = day
            if times[derived] > 1:
                derived += f"/{times[derived]}"
            self._part(row, day, derived, number, applied, amount, currency)
        return settled_on, owed if sure else 0, last

    def on_account(self, row: Row) -> None:
        """Cash that names no invoice."""
        currency = row.currency or (self._currency[1] if self._currency else self._booking.base_currency)
        amount = int(row.amount) if row.currency else in_minor(row.amount, currency)
        if amount is None:
            self._booking.refuse(row, "no amount", f"the amount has more decimals than {currency}")
            return
        derived = CUT.join((row.day, str(amount), row.payment, row.reference))
        if derived in self._on_account:
            self._booking.note("payments that stand there twice, taken once", row)
            return
        self._on_account.add(derived)
        known = "" if row.payment else "; without a number, one that a later export applies counts twice"
        self._booking.note(f"payments that name no invoice, left unapplied{known}", row)
        self._meet(row, row.day)
        number = f"on-account/{row.day}/{amount}"
        if row.reference:
            number += f"/{blake2b(row.reference.encode(), digest_size=4).hexdigest()}"
        self._part(row, row.day, number, "", 0, amount, currency)

    def _part(
        self, row: Row, day: str, derived: str, invoice: str, applied: int, amount: int, currency: str
    ) -> None:
        """A payment, or a part of one: parts with one payment number meet in `Booking.events`, as they have one day."""
        self._first_payment = self._first_payment or row.place
        if not row.payment:
            fields = _received(
                derived, amount, currency, day, {invoice: applied} if applied else {}, row.reference
            )
            self._booking.report.paid[currency] += amount
            self._emit("payment.received", day, PAID, derived, fields)
            return
        number = row.payment
        if self._payments.setdefault(number, (day, currency)) != (day, currency):
            self._booking.note("payment numbers with several days or currencies, kept apart by the day", row)
            number = f"{number}/{day}/{currency}"
        total = row.paid if row.kind == PAYMENT else ""
        if total and not row.currency:
            total = str(in_minor(total, currency) or 0)
        part = _Part(row.place, invoice, str(applied), str(amount), total, currency, row.reference)
        self._add(f"{day}{PAID}{CUT}{self._account}{CUT}{number}{CUT}{_PART}{CUT}{CUT.join(part)}")

    def _meet(self, row: Row, day: str) -> None:
        """What a row says of its account."""
        if day < self._first_day:
            self._first_day = day
        if row.paid_on and row.paid_on < self._first_day:
            self._first_day = row.paid_on
        if row.name and (self._name is None or (day, row.name) < self._name):
            self._name = (day, row.name)
        if row.currency and (self._currency is None or (day, row.currency) < self._currency):
            self._currency = (day, row.currency)
        if row.terms_days and (self._terms is None or (day, row.terms_days) < self._terms):
            self._terms = (day, row.terms_days)
        if row.limit:
            self._add(
                f"{day}{LIMIT}{CUT}{self._account}{CUT}{CUT}{_LIMIT_LINE}{CUT}{row.limit}{CUT}{row.currency}"
            )

    @property
    def stranger(self) -> str:
        """The place of a payment of a customer who has no invoice; '' for all others."""
        return "" if self._invoiced else self._first_payment

    def close(self) -> None:
        """The opening of the account, on the first day that the files know of it; nothing where all its
        rows were bad."""
        if self._first_day == "9999":
            return
        fields: dict[str, Any] = {
            "name": self._name[1] if self._name else self._account,
            "currency": self._currency[1] if self._currency else self._booking.base_currency,
            "opened_on": self._first_day,
        }
        if self._terms:
            fields["terms_days"] = int(self._terms[1])
        self._emit("account.opened", self._first_day, OPENED, "", fields)

    def _emit(self, kind: str, day: str, rank: str, number: str, fields: dict[str, Any]) -> None:
        body = self._booking.event(kind, self._account, day, rank, fields)
        self._add(f"{day}{rank}{CUT}{self._account}{CUT}{number}{CUT}{_WHOLE}{CUT}{kind}{CUT}{body}")


def _sums_grew(invoice: Row, row: Row, settlements: Sequence[Row]) -> bool:
    """Whether files of several weeks seem to say what was paid of an invoice so far, as their parts would be too much."""
    paid = int(row.paid) + sum(int(other.paid) for other in settlements)
    return paid > int(invoice.amount) and any(other.file != row.file for other in settlements)


def _received(
    number: str, amount: int, currency: str, day: str, applied: dict[str, int], reference: str
) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "payment_id": number,
        "amount": money(amount, currency),
        "currency": currency,
        "paid_on": day,
    }
    if applied:
        fields["applications"] = [
            {"invoice_id": invoice, "amount": money(part, currency)} for invoice, part in applied.items()
        ]
    if reference:
        fields["reference"] = reference
    return fields


def _instant(day: str, rank: str, zone: dt.tzinfo, said: dt.timedelta) -> str:
    """The time of a day in the policy's zone, as RFC 3339: its hour is that of the kind, `said` how late it was said."""
    instant = dt.datetime.combine(dt.date.fromisoformat(day), _CLOCK[rank], zone) + said
    return instant.isoformat().replace("+00:00", "Z")


def _account(row: Row) -> str:
    return row.account


def _invoice(row: Row) -> str:
    return row.invoice


def _day_text(line: str) -> str:
    return line[:10]

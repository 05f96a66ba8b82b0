"""What the cells of a whole file say against the meaning of its columns: then the file is refused, with what to write.

What columns mean by their names is columns.py's; how cells are written is told in telling.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from schemas.money import EXPONENTS
from streams.errors import Refused
from streams.feeds.columns import Columns, is_foreign, is_known, may_be_of_the_books, plain, shown
from streams.feeds.dates import is_empty
from streams.feeds.flags import GIVEN_UP, NO, RETURNED, VOID, WHOLE, YES, came, state
from streams.feeds.kinds import PAIRS, REFUND, WRITE_OFF, code, meant, names_invoice
from streams.feeds.names import BALANCES, MONEY, TIERS

_MANY: Final = 10_000  # customers that are looked at
_MOST_WORDS: Final = 20
_CODE: Final = 3
_NO_COUNTRIES: Final = ("inv", "pay", "pmt", "rct", "crn")
_MOST_CODES: Final = 8
# Columns of these hold codes of customers, places and goods: C is a grade, S a size, and CR is Costa Rica.
_ATTRIBUTES: Final = tuple(
    word
    for words in (
        "country land pays pais region state origin area zone territory location city branch plant store warehouse lager",
        "customer client kunde segment dept department abteilung division sector sparte industry grade grad rating risk score",
        "priority prio rank tier level size brand product deliver ship gender shift team",
    )
    for word in words.split()
)
_LONGEST_CODE: Final = 6  # debit, credit
_PROSE: Final = 30  # letters: a column with a longer cell holds remarks, and no types or statuses
_LOOKED_AT: Final = 20
_TWO: Final = 2  # rows: of one nothing is told
# Columns of these say how something is paid, or how it stands with something else than the invoice.
_ELSE: Final = (
    "method",
    "mode",
    "channel",
    "customer",
    "account",
    "subscription",
    "contract",
    "order",
    "deliver",
    "ship",
    "email",
    "sync",
    "project",
    "opportunity",
    "campaign",
    "ticket",
)
_HEAD: Final = re.compile(r"\s*-?\d{1,3}", re.ASCII)  # of a number that was cut in two, and the rest of it
_TAIL: Final = re.compile(r"\d{2}|\d{3}(?:[.,]\d+)?\s*", re.ASCII)
_OF_A_ROW: Final = 3  # cells that a row has at least, and a heading has not
_PLANNED: Final = 5
_IS_PAST: Final = (
    *(
        "paid",
        "settl",
        "clear",
        "receiv",
        "receipt",
        "collect",
        "closed",
        "bezahlt",
        "beglichen",
        "ausgleich",
        "eingang",
    ),
    *(
        "paye",
        "pagad",
        "pagat",
        "cobr",
        "incass",
        "betaald",
        "voldaan",
        "betalt",
        "maksettu",
        "zaplac",
        "uhrad",
        "odendi",
    ),
)
_AMOUNT: Final = re.compile(r"[1-9]")  # that is not zero
# Midnights from Sydney to Berlin; at noon dates are safe from zones
_EVENING: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]((?:1[3-9]|2\d):[03]0):00(?:\.0+)?\s*(?:Z|UTC|GMT|[+-]00(?::?00)?)", re.ASCII
)
# Columns of these hold initials: BOB and ALL are no currencies there.
_PERSONS: Final = (
    "owner",
    "rep",
    "sales",
    "agent",
    "manager",
    "user",
    "initial",
    "clerk",
    "collector",
    "createdby",
)
# Names of columns that take from what is owed, from what was received, or contest it.
_LESS: Final = (
    "credited",
    "creditsapplied",
    "creditapplied",
    "writtenoff",
    "writeoff",
    "refunded",
    "lesspayment",
    "paymentsapplied",
    "paidtodate",
    "payment1",
    "1stpayment",
    "firstpayment",
    "payments",
    "tds",
    "deduction",
    "advance",
    "deposit",
    "downpayment",
    "prepaid",
    "netdue",
    "nettopay",
    "netpayable",
    "withh",
    "retention",
    "retencion",
    "ritenuta",
)
# Where no column says what was paid, when, or what is open.
_SETTLED: Final = (
    "paid",
    "settle",
    "cleared",
    "received",
    "receipt",
    "paymentrec",
    "collected",
    "remain",
    "outstanding",
    "owed",
    "owing",
    "balance",
    "amountdue",
    "lastpayment",
)
_OF_ELSE: Final = ("netduedate", "customerbalance", "accountbalance")  # days late, or more than one invoice
_FEES: Final = ("refund", "bankcharge", "bankfee", "withheld", "withholding", "writeoff", "writtenoff")
_CONTESTED: Final = ("disput", "litige", "reklam", "query", "queried")
_REMARKS: Final = (
    "comment",
    "remark",
    "note",
    "memo",
    "bemerkung",
    "notiz",
    "kommentar",
    "anmerkung",
    "observac",
    "opmerking",
    "osservaz",
    "uwagi",
    "poznamk",
)
_OPEN_IF_YES: Final = ("isopen", "open", "openinvoice", "openyn")
_OPEN_IF_NO: Final = ("isclosed", "closed", "closedyn")
# How books name the account that customers' invoices stand on.
_RECEIVABLES: Final = (
    "accountsreceivable",
    "tradedebtors",
    "tradereceivables",
    "debtorscontrol",
    "undepositedfunds",
)


def unread(columns: Columns) -> list[tuple[int, str]]:
    """(place, name) of columns that nobody named and whose names speak of what takes from an invoice, or of a dispute."""
    at = columns.at
    about: list[str] = []
    if columns.kind == "payments":
        about += _FEES
    if columns.kind == "invoices" and "balance" not in at and not columns.only_open:
        about += _LESS
        if not {"paid_date", "paid_amount"} & set(at):
            about += _SETTLED
    if columns.kind == "invoices" and "disputed" not in at:
        about += _CONTESTED
    # A mark that a row is a credit note may be the amount, or the number, of one that took from it
    mark = at.get("is_credit")
    used = {*at.values(), *columns.added, columns.runs_on} - {mark}
    return [
        (place, shown(name))
        for place, name in enumerate(columns.header)
        if place == mark
        or (
            place not in used
            and (not is_known(name) or plain(name) in BALANCES)
            and not ("%" in name or plain(name).endswith("rate"))
            and not any(word in plain(name) for word in _OF_ELSE)
            and any(word in plain(name) for word in about)
        )
    ]


def cut_in_two(row: Sequence[str], columns: Columns) -> bool:
    """Whether a number may have been cut at a separator in it (1,234.00), so that the cells behind it moved by one."""
    return bool(_tails(row, columns))


def _tails(row: Sequence[str], columns: Columns) -> list[str]:
    """The cells that may be the second half of a number."""
    return [
        row[at + 1].strip()
        for at in map(columns.at.get, MONEY)
        if at is not None and at + 1 < len(row) and _HEAD.fullmatch(row[at]) and _TAIL.fullmatch(row[at + 1])
    ]


class Ends:
    """Whether the rows of a file end in a separator that its header lacks."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._width = len(columns.header)
        self._all = True
        self._whole = False  # a row with an amount that can not be one cut in two
        self._tails: set[int] = set()
        self._certain = False

    def add(self, rows: Sequence[Sequence[str]]) -> None:
        """More rows, whatever their length."""
        for row in rows:
            if not self._all:
                return
            if sum(map(bool, row)) < _OF_A_ROW:
                continue
            self._all = len(row) == self._width + 1 and not row[-1].strip()
            if not self._all:
                return
            if tails := _tails(row, self._columns):
                self._tails.update(map(len, tails))
                self._certain |= not all(map(str.isdecimal, tails))
            else:
                money = map(self._columns.at.get, MONEY)
                self._whole |= any(row[at].strip() for at in money if at is not None)

    def told(self) -> bool:
        """Whether they do: all of them have one empty cell more, and their numbers can not all be halves of others."""
        return self._all and not self._certain and (self._whole or len(self._tails) > 1)


class Midnights:
    """Days written in UTC as the midnights of a zone east of it: as they stand, each is a day early."""

    def __init__(self, columns: Columns, given: bool) -> None:
        places = (columns.at.get(field) for field in ("invoice_date", "due_date", "paid_date"))
        self._columns = columns
        self._found: dict[int, set[str]] = {
            place: set() for place in places if place is not None and not given
        }

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        for place, found in list(self._found.items()):
            for cell in dict.fromkeys(row[place] for row in full):
                match = _EVENING.fullmatch(cell.strip())
                if match is None and not is_empty(cell):
                    del self._found[place]
                    break
                if match is not None:
                    found.add(match[1])

    def check(self, path: Path) -> None:
        """Raises Refused where all of a column are (in summer an hour earlier)."""
        for place, found in self._found.items():
            if 0 < len(found) <= _TWO:
                raise Refused(
                    f"{path}: all days of {shown(self._columns.header[place])} are at {' or '.join(sorted(found))} UTC, which "
                    "is midnight of the next day in a time zone east of it; export the days without a time, or, where they "
                    "are those of UTC, write their form into a layout file, such as dates = "
                    '"%Y-%m-%dT%H:%M:%SZ", and give it with --layout'
                )


class Planned:
    """Days of payment that are the due date in every row: they were planned, or are the due date once more. Of a column
    whose name speaks of what is past they are believed: who pays by direct debit pays on that day."""

    def __init__(self, columns: Columns, given: bool) -> None:
        at = columns.at
        known = not given and columns.kind == "invoices" and {"paid_date", "due_date"} <= set(at)
        if known:
            name = plain(columns.header[at["paid_date"]])
            known = not any(word in name for word in _IS_PAST)
        self._places = (at["paid_date"], at["due_date"]) if known else None
        self._columns = columns
        self._rows = 0

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        if self._places is None:
            return
        paid, due = self._places
        for row in full:
            if row[paid].strip() != row[due].strip():
                self._places = None
                return
            self._rows += bool(row[paid].strip()) and not self._settled(row)

    def _settled(self, row: Sequence[str]) -> bool:
        """Whether another column says that it is paid."""
        said = {field: row[place] for field, place in self._columns.at.items() if place < len(row)}
        left = said.get("balance", "")
        return (
            bool(left.strip() and not _AMOUNT.search(left))
            or _AMOUNT.search(said.get("paid_amount", "")) is not None
            or WHOLE in map(state, (said.get("status", ""), said.get("payment_status", "")))
        )

    def check(self, path: Path) -> None:
        """Raises Refused where there are enough of them."""
        if self._places is not None and self._rows >= _PLANNED:
            name = self._columns.named("paid_date")
            raise Refused(
                f"{path}: the column {name} has the due date in all of its {self._rows:,} rows; if it is the day on which "
                f'money is awaited leave it out, else write a layout file with [columns] paid_date = "{name}" and give it '
                "with --layout"
            )


def remarks(columns: Columns) -> list[tuple[int, str]]:
    """(place, name) of columns of remarks, of invoices of which no column says whether they were paid."""
    used = set(columns.at.values())
    named = enumerate(columns.header) if columns.kind == "invoices" else ()
    return [(i, shown(name)) for i, name in named if i not in used and plain(name).startswith(_REMARKS)]


class Flags:
    """Columns of yes and no that say which invoices are open or stand, where nothing else does, and of 0 and 1 that are
    taken for what was paid."""

    def __init__(self, columns: Columns) -> None:
        at, used = columns.at, set(columns.at.values())
        invoices = columns.kind == "invoices"
        known = not invoices or {"paid_date", "paid_amount", "balance", "status", "payment_status"} & set(at)
        self._columns = columns
        self._paid = at.get("paid_amount") if invoices else None
        self._day = at.get("paid_date")
        self._undated = self._paid is None or self._day is None
        places = [
            place
            for place, name in enumerate(columns.header)
            if not known and place not in used and plain(name) in (*_OPEN_IF_YES, *_OPEN_IF_NO)
        ]
        self._found: dict[int, set[str]] = {
            place: set() for place in (*places, *(() if self._paid is None else (self._paid,)))
        }

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        for place, found in list(self._found.items()):
            found |= {plain(row[place]) for row in full if len(row) > place}
            if len(found) > _MOST_WORDS:
                del self._found[place]
        if self._paid is not None and self._day is not None:
            last = max(self._paid, self._day)
            self._undated |= any(
                row[self._paid].strip() not in (("0", "") if is_empty(row[self._day]) else ("1",))
                for row in full
                if len(row) > last
            )

    def told(self, columns: Columns) -> Columns:
        """The `columns` without marks of which each 1 has a day of payment beside it, and no other has."""
        if self._undated:
            return columns
        return columns.without("paid_amount")

    def check(self, path: Path) -> None:
        """Raises Refused where such a column says of a row that nothing of it is owed, or holds no amounts."""
        for place, found in self._found.items():
            name = shown(self._columns.header[place])
            said = found - {""}
            if place == self._paid:
                if self._undated and "1" in said and said <= {"0", "1"}:
                    raise Refused(
                        f"{path}: the column {name} holds nothing but 0 and 1, which are marks and no amounts paid; "
                        "write yes and no there, or leave the column out of the file"
                    )
                continue
            ends = NO if plain(name) in _OPEN_IF_YES else YES
            if said <= YES | NO and said & ends:
                raise Refused(
                    f"{path}: the column {name} seems to say of which rows nothing is owed, and not when they were paid; "
                    'name the column of the day in a layout file (paid_date = "…") and give it with --layout, or import '
                    "the rows that are open, without this column"
                )


class Codes:
    """Columns that nobody named and that hold nothing but currency codes, in a file of which no currency is known."""

    def __init__(self, columns: Columns, said: str | None, base: str) -> None:
        known = "currency" in columns.at or columns.currency is not None or said is not None
        used = set(columns.at.values())
        self._header, self._base = columns.header, base
        self._of = columns.named("paid_amount" if columns.kind == "payments" else "amount")
        self._found: dict[int, set[str]] = {
            place: set()
            for place, name in enumerate(columns.header)
            if not known and place not in used and not _holds_words(plain(name))
        }

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        for place, found in list(self._found.items()):
            said = {row[place].strip() for row in full if len(row) > place} - {""}
            if all(code.upper() in EXPONENTS and not code.istitle() for code in said):
                found |= {code.upper() for code in said}
            else:
                del self._found[place]

    def check(self, path: Path) -> None:
        """Raises Refused where such a column says that the amounts are not in the policy's base currency."""
        for place, found in self._found.items():
            if not found - {self._base}:
                continue
            name = self._header[place].strip()
            foreign = next((shown(cell) for cell in self._header if is_foreign(cell)), self._of)
            if foreign != self._of:
                raise Refused(
                    f"{path}: the column {name} holds currencies ({', '.join(sorted(found)[:5])}), which seem to be those of "
                    f"{foreign}, while {self._of} is in the currency of the books; say that one with --currency CUR"
                )
            raise Refused(
                f"{path}: the column {name} holds currencies ({', '.join(sorted(found)[:5])}), and its name does "
                f'not say that they are those of {self._of}; write a layout file with [columns] currency = "{name}" '
                "and give it with --layout, or say --currency CUR if all amounts are in one currency"
            )


class Accounts:
    """A column of accounts that is taken for the customers and may be one of the books (1200, Accounts Receivable)."""

    def __init__(self, columns: Columns, given: bool) -> None:
        place = columns.at.get("customer")
        doubtful = place is not None and not given and may_be_of_the_books(columns.header[place])
        self._place = place if doubtful else None
        self._name = columns.at.get("name")
        self._columns = columns
        self._pairs: set[tuple[str, str]] = set()

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        place, name = self._place, self._name
        if place is None or len(self._pairs) >= _MANY:
            return
        last = place if name is None else max(place, name)
        self._pairs |= {
            (row[place].strip(), "" if name is None else plain(row[name])) for row in full if len(row) > last
        }

    def check(self, path: Path) -> None:
        """Raises Refused where one number stands beside many names, or an account is named as books name theirs."""
        pairs = {(account, name) for account, name in self._pairs if account and (name or self._name is None)}
        accounts = {account for account, _ in pairs}
        of_books = next(
            (account for account in sorted(accounts) if plain(account).startswith(_RECEIVABLES)), None
        )
        column = self._columns.named("customer")
        if of_books is not None:
            why = f"holds accounts of the books ({of_books!r})"
        elif pairs and len(pairs) >= 2 * len(accounts):
            why = f"has {len(pairs)} names beside {len(accounts)} accounts, so they may be accounts of the books"
        else:
            return
        other = self._columns.named("name") if self._name is not None else "…"
        raise Refused(
            f"{path}: the column {column} {why}, not customers; write a layout file with [columns] customer = "
            f'"{other}" (or "{column}", where those are the customers after all) and give it with --layout'
        )


class Numbers:
    """A column that is taken for the invoices' numbers and has words (Invoice, Invoice), or counts the rows of the list."""

    def __init__(self, columns: Columns, given: bool) -> None:
        self._place = None if given else columns.at.get("invoice")
        self._columns = columns
        self._first: list[str] = []

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        place = self._place
        if place is not None and len(self._first) < _LOOKED_AT:
            self._first += [row[place].strip() for row in full if len(row) > place and row[place].strip()]

    def check(self, path: Path) -> None:
        """Raises Refused where the first rows have no digit, or are counted."""
        first = self._first[:_LOOKED_AT]
        if len(first) < _TWO:
            return
        name = self._columns.named("invoice")
        if not any(any(map(str.isdigit, cell)) for cell in first):
            what = f"holds words ({', '.join(sorted(set(first))[:3])})"
        elif plain(name) in TIERS["invoice"][-1] and first == [str(n) for n in range(1, len(first) + 1)]:
            what = "counts the rows"
        else:
            return
        raise Refused(
            f"{path}: the column {name} {what}, and no other was recognised as the invoices' numbers; write a "
            f'layout file with [columns] invoice = "…" (or "{name}", where those are the numbers after all) and give it '
            "with --layout"
        )


class Sides:
    """Columns of codes, two of which say of a row that it is owed, or that less is: of one that nobody named, and of types
    of which no other word says what a row is."""

    def __init__(self, columns: Columns) -> None:
        used = set(columns.at.values())
        # Cards are credit or debit too; of a payment they may say that it went back
        passed = (*_ATTRIBUTES, *(("paymenttype", "paymentmethod") if columns.kind == "invoices" else ()))
        told = {"side", "debit", "type", "is_credit"} & set(columns.at)
        self._columns = columns
        self._type = columns.at["type"] if told == {"type"} and columns.kind == "invoices" else None
        self._found: dict[int, set[str]] = {
            place: set()
            for place, name in enumerate(columns.header)
            if place == self._type
            or (
                not told
                and place not in used
                and not is_known(name)
                and not any(word in plain(name) for word in passed)
            )
        }

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        for place, found in list(self._found.items()):
            found |= {row[place].strip() for row in full if len(row) > place}
            known = place == self._type and any(map(meant, found))
            if known or len(found) > _MOST_CODES or any(len(word) > _LONGEST_CODE for word in found):
                del self._found[place]

    def told(self, path: Path, negative: bool) -> Columns:
        """The columns, with such types as sides. Raises Refused where nobody named the column, or it has other codes, and no
        `negative` amount shows that signs tell credit notes: they would be taken for invoices."""
        for place, found in self._found.items():
            codes = frozenset(map(code, found))
            name = self._columns.header[place].strip() or "(blank)"
            said = ", ".join(sorted(found - {""}))
            if place != self._type and not negative and (codes in PAIRS or codes - {""} in PAIRS):
                raise Refused(
                    f"{path}: the column {name} seems to say which rows are debits and which credits ({said}), and its name "
                    f'does not; write a layout file with [columns] side = "{name}" and give it with --layout, or leave the '
                    "column out of the file"
                )
            if place != self._type or not any(pair - {""} <= codes for pair in PAIRS):
                continue
            if codes - {""} in PAIRS:
                return replace(self._columns, at={**self._columns.without("type").at, "side": place})
            if not negative:
                raise Refused(
                    f"{path}: the column {name} has codes ({said}) of which some may be credit notes or payments, and no "
                    "amount is negative; write Invoice, Credit note and Payment there"
                )
        return self._columns


def _holds_words(name: str) -> bool:
    return name.endswith("by") or any(word in name for word in (*_PERSONS, "brand", "product"))


class States:
    """Columns of statuses that are codes nobody knows (O and C), where nothing else says what was paid."""

    def __init__(self, columns: Columns) -> None:
        at = columns.at
        told = (
            columns.kind != "invoices"
            or {"paid_date", "paid_amount", "balance"} & set(at)
            or columns.only_open
        )
        self._columns = columns
        self._found: dict[int, set[str]] = {
            at[field]: set() for field in ("status", "payment_status") if field in at and not told
        }

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        for place, found in list(self._found.items()):
            found |= {row[place].strip() for row in full if len(row) > place}
            if len(found) > _MOST_CODES or any(len(word) > _CODE or state(word) for word in found):
                del self._found[place]

    def check(self, path: Path) -> None:
        """Raises Refused where one of them may say that nothing is owed."""
        for place, found in self._found.items():
            if len(found) > 1:
                name, said = shown(self._columns.header[place]), ", ".join(sorted(found - {""}))
                raise Refused(
                    f"{path}: the column {name} has codes ({said}) of which some may say that nothing is owed; write "
                    "Open, Paid and Void there, or leave the column out of the file if all of its rows are open"
                )


class Words:
    """Columns that nobody named and of which a few words say what a row is, or that nothing of it is owed."""

    def __init__(self, columns: Columns) -> None:
        used = set(columns.at.values())
        self._columns = columns
        self._found: dict[int, set[str]] = {
            place: set()
            for place, name in enumerate(columns.header)
            if place not in used and not is_known(name) and not any(word in plain(name) for word in _ELSE)
        }

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        for place, found in list(self._found.items()):
            # A code of two or three letters may be a country's
            found |= {
                row[place]
                for row in full
                if len(row) > place
                and (len(row[place].strip()) > _CODE or plain(row[place]) in _NO_COUNTRIES)
            }
            if len(found) > _MOST_WORDS or any(len(word.strip()) > _PROSE for word in found):
                del self._found[place]

    def check(self, path: Path) -> None:
        """Raises Refused where such a column is there: credit notes, or what was voided or paid, would be taken for
        invoices that are owed."""
        at, invoices = self._columns.at, self._columns.kind != "payments"
        for place, found in self._found.items():
            if invoices and "type" not in at and any(names_invoice(w) and not meant(w) for w in found):
                self._refuse(path, place, "type", "which rows are no invoices", filter(meant, found))
            if not invoices and "type" not in at:
                back = (word for word in found if meant(word) in (REFUND, WRITE_OFF))
                self._refuse(path, place, "type", "which rows are no payments", back)
            if not {"status", "payment_status"} & set(at):
                what = "of which rows nothing is owed" if invoices else "which payments did not come or stay"
                self._refuse(path, place, "status", what, filter(self._ends, found))

    def _ends(self, word: str) -> bool:
        at = self._columns.at
        if self._columns.kind == "payments":
            return not came(word)
        known = {"paid_date", "paid_amount", "balance"} & set(at) or self._columns.kind == "credits"
        paid = state(word) == WHOLE and not known
        return paid or state(word) in (VOID, RETURNED, GIVEN_UP)

    def _refuse(self, path: Path, place: int, field: str, says: str, words: Iterable[str]) -> None:
        said = ", ".join(sorted(word.strip() for word in words)[:5])
        name = self._columns.header[place].strip() or "(blank)"
        if said:
            raise Refused(
                f"{path}: the column {name} seems to say {says} ({said}), and its name does not; write a layout file with "
                f'[columns] {field} = "{name}" and give it with --layout, or leave the column out of the file'
            )

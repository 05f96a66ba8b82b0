"""Which column of a ledger is what, by the usual names of its field (names.py), and whether a file holds invoices or payments.

Names are compared without case, accents, blanks and punctuation. Only whole names count: nothing is matched by a part.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from schemas.money import EXPONENTS
from streams.feeds.names import (
    APPLIED_TIER,
    BARE_DATES,
    CERTAIN_INVOICE_TIERS,
    COMPANIES,
    DOCUMENT_TIER,
    DUE,
    IN_DOCUMENTS,
    LOCAL_TIER,
    MONEY,
    MONEY_NAMES,
    MORE,
    NAMED_TIER,
    OPEN_TIER,
    PAYMENT_TIER,
    TIERS,
    USUAL,
    VALUE_TIER,
    WITH_TAX,
)

Kind = Literal["invoices", "payments", "credits"]

_SIGNS: Final = {"€": "EUR", "£": "GBP"}  # the others stand for several currencies
# Of two columns with equal right the first is taken: nothing that counts depends on them.
_OPTIONAL: Final = (
    "name",
    "reference",
    "payment",
    "payment_total",
    "document",
    "baseline",
    "credits",
    "status",
    "payment_status",
    "voided",
    "discount",
    "is_credit",
)
# What a file of payments says of their invoices.
_OF_INVOICES: Final = (
    "invoice_date",
    "due_date",
    "terms",
    "days_1",
    "days_2",
    "days_3",
    "disputed",
    "credits",
    "is_credit",
    "baseline",
    "limit",
    "memo",
    "balance",
    "status",
    "debit",
    "credit",
)
_ZONE: Final = re.compile(r"\((?:utc|gmt)\)", re.IGNORECASE)


@lru_cache(maxsize=10_000)
def plain(name: str) -> str:
    """A column name without case, accents, blanks and punctuation: 'Invoice No.' and 'INVOICE_NO' are both
    'invoiceno'."""
    if name.strip() == "#":
        return ""  # the numbers of rows
    spread = unicodedata.normalize(
        "NFKD", _ZONE.sub("", name).replace("#", "no").replace("№", "no").replace("ß", "ss")
    ).lower()
    return "".join(c for c in spread if c.isalnum())


def shown(name: str) -> str:
    """A column's name on one line."""
    return " ".join(name.split())


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one file. `at`: field -> index of its column. `currency`: what the header of the
    amounts names. `added`: the columns to be added to the amounts. `runs_on`: one of a balance that is no invoice's."""

    kind: Kind
    at: Mapping[str, int]
    header: tuple[str, ...]
    currency: str | None = None
    added: tuple[int, ...] = ()
    runs_on: int | None = None

    def named(self, field: str) -> str:
        """The header's own name of a field's column, the field's name where it has none."""
        index = self.at.get(field)
        return field.replace("_", " ") if index is None else shown(self.header[index])

    def without(self, field: str) -> Columns:
        """The columns, and none for this field."""
        return replace(self, at={name: place for name, place in self.at.items() if name != field})

    @property
    def only_open(self) -> bool:
        """Whether the amounts are what is still open, as no column has what was invoiced."""
        index = self.at.get("amount")
        return index is not None and any(
            _split(self.header[index])[0] in tier for tier in TIERS["amount"][OPEN_TIER:]
        )

    @property
    def taken(self) -> list[tuple[str, str]]:
        """(field, the header's name), in the order of the header."""
        found = [*self.at.items(), *(("added to the amount", i) for i in self.added)]
        return [(f, shown(self.header[i])) for f, i in sorted(found, key=lambda item: item[1])]

    @property
    def by_name(self) -> bool:
        """Whether customers are told by their names, since no column has their numbers."""
        index = self.at.get("customer")
        if index is None:
            return False
        name = plain(self.header[index])
        return any(name in tier for tier in TIERS["name"]) and not any(
            name in tier for tier in TIERS["customer"]
        )

    @property
    def left(self) -> list[str]:
        """The names of columns that are not used."""
        used = {*self.at.values(), *self.added}
        return [shown(name) for i, name in enumerate(self.header) if i not in used and name.strip()]


class Unclear(ValueError):
    """The columns do not say enough; the message says what is missing or ambiguous and what to write in a
    layout file."""


def is_known(name: str) -> bool:
    """Whether a column of this name is one of a field's usual ones."""
    return plain(name) in USUAL


def is_foreign(name: str) -> bool:
    """Whether a column of this name is in the currency of the document, beside one in that of the books."""
    return plain(name) in IN_DOCUMENTS or "foreign" in plain(name)


def is_amount(name: str) -> bool:
    """Whether a column of this name is what was invoiced, by one of its usual names."""
    return any(plain(name) in tier for tier in TIERS["amount"][:OPEN_TIER])


def is_bare_status(name: str) -> bool:
    """Whether a column of this name is a status, and no word says of what."""
    return plain(name) in TIERS["status"][-1]


def may_be_of_the_books(name: str) -> bool:
    """Whether a column of this name holds customers, or accounts of the books: `Account`, `Account No`."""
    return plain(name) in MORE["account"]


def taxes(header: Sequence[str]) -> list[int]:
    """The places of columns that hold a tax, and no rate of one."""
    return [i for i, cell in enumerate(header) if _split(cell)[0] in MORE["tax"] and "%" not in cell]


def score(header: Sequence[str]) -> int:
    """How many different fields a line names: what tells the header from titles above it, and the delimiter."""
    names = {plain(cell) for cell in header} | {_split(cell)[0] for cell in header}
    return sum(any(name in names for tier in tiers for name in tier) for tiers in TIERS.values())


def recognise(
    header: Sequence[str],
    given: Mapping[str, Sequence[str]] | None = None,
    kind: Kind | None = None,
    beside_invoices: bool = False,
) -> Columns:
    """The columns of a header. Raises Unclear.

    `given`: field -> names of the layout file, which go before all others. `kind`: of the layout file.
    `beside_invoices`: another file certainly holds the invoices, so that a file with neither due dates nor invoice
    dates is its payments.
    """
    at, tier_of, doubtful = _match(header, given or {})
    if "amount" not in (given or {}):
        _in_documents(at, tier_of, doubtful, header)
        _with_tax(at, tier_of, doubtful, header)
    _by_sides(at, tier_of, doubtful)
    if tier_of.get("amount") == LOCAL_TIER and "amount" in at and "currency" not in (given or {}):
        _local_currency(at, doubtful, header)
    if kind is None:
        kind = _kind(at, tier_of, header, beside_invoices)
    for field in _OPTIONAL:
        if field in doubtful:
            at[field] = list(map(str.strip, header)).index(doubtful.pop(field)[0])
    if kind == "payments":
        wanted = _as_payments(at, tier_of, doubtful, header)
    else:
        memo = at.pop("memo", None)
        if kind == "credits":
            _as_credits(at, doubtful, memo)
        wanted = _as_invoices(at, tier_of, doubtful, header, given or {})
    if at.get("name") == at.get("customer"):
        at.pop("name", None)
    missing = [field for field in wanted if field not in at and field not in doubtful]
    if missing or doubtful:
        raise Unclear(_advice(kind, header, missing, doubtful))
    own = at.get("paid_amount" if kind == "payments" else "amount", at.get("debit"))
    tax = at.pop("tax", None)
    return Columns(
        kind,
        at,
        tuple(header),
        None if own is None else _split(header[own])[1],
        () if tax is None or kind == "payments" else (tax,),
    )


def _as_payments(
    at: dict[str, int], tier_of: Mapping[str, int], doubtful: dict[str, list[str]], header: Sequence[str]
) -> list[str]:
    """The columns for what they are in a file of payments. Returns the fields that it must have."""
    # The payment's own number, or its invoice's
    if "invoice" in at and tier_of["invoice"] >= DOCUMENT_TIER:
        document = at.pop("invoice")
        at.setdefault("payment", document)
    if "invoice" not in at and "invoice" not in doubtful and "credits" in at:
        at["invoice"] = at["credits"]
    bare_dates = [i for i, cell in enumerate(header) if plain(cell) in BARE_DATES]
    own_date = at.get("invoice_date", -1)
    if "paid_date" not in at and (own_date in bare_dates or len(bare_dates) == 1):
        at["paid_date"] = own_date if own_date in bare_dates else bare_dates[0]
    # The payment's, and no invoice's
    if "status" in at and is_bare_status(header[at["status"]]):
        at.setdefault("payment_status", at["status"])
    for field in _OF_INVOICES:
        at.pop(field, None)
        doubtful.pop(field, None)
    if tier_of.get("paid_amount") == PAYMENT_TIER and tier_of.get("amount") == NAMED_TIER:
        number = at.pop("paid_amount")
        at.setdefault("payment", number)
    if "amount" in at and tier_of.get("paid_amount") == APPLIED_TIER:
        at.setdefault("payment_total", at["amount"])
    if "paid_amount" not in at and "amount" in at:
        at["paid_amount"] = at["amount"]
        if "amount" in doubtful:
            doubtful["paid_amount"] = doubtful["amount"]
    at.pop("amount", None)
    doubtful.pop("amount", None)
    if at.get("payment_total") == at.get("paid_amount") or "payment" not in at:
        at.pop("payment_total", None)
    at.pop("document", None)
    needed = ["paid_date", "paid_amount"]
    return needed if {"customer", "invoice"} & set(at) else [*needed, "customer"]


def _as_invoices(
    at: dict[str, int],
    tier_of: Mapping[str, int],
    doubtful: dict[str, list[str]],
    header: Sequence[str],
    given: Mapping[str, Sequence[str]],
) -> list[str]:
    """The columns for what they are in a file of invoices or credit notes. Returns the fields that it must have."""
    at.pop("payment_total", None)
    at.pop("discount", None)  # before the invoice's amount
    if tier_of.get("paid_amount") == PAYMENT_TIER and "paid_amount" not in given:
        at.pop("paid_amount", None)
    if "status" not in given:
        _bare_status(at, header)
    # An invoice has a value date too, and it is no day of payment
    if tier_of.get("paid_date") == VALUE_TIER and "paid_date" not in given:
        at.pop("paid_date", None)
    if at.get("document") == at.get("invoice"):
        at.pop("document", None)
    # A statement's reference is its invoices' number where nothing else is
    reference = at.get("reference")
    unnumbered = "invoice" not in at and "invoice" not in doubtful
    if unnumbered and reference is not None and plain(header[reference]) in ("ref", "reference"):
        at["invoice"] = reference
    known = "customer" in at or "customer" in doubtful
    if not known and "name" in at and plain(header[at["name"]]) not in COMPANIES:
        at["customer"] = at["name"]  # known by his name alone
    if at.get("balance") == at.get("amount"):
        at.pop("balance", None)
    if "amount" in at or "debit" in at:  # it only tells more of the amount
        doubtful.pop("balance", None)
    needed = ["customer", "invoice", "invoice_date"]
    return needed if "debit" in at else [*needed, "amount"]


def _bare_status(at: dict[str, int], header: Sequence[str]) -> None:
    """What `Status` says beside `Invoice Status` is heeded too, where no other tells of the payment."""
    if "status" in at and "payment_status" not in at:
        bare = [i for i, cell in enumerate(header) if is_bare_status(cell) and i != at["status"]]
        if bare:
            at["payment_status"] = bare[0]


def _in_documents(
    at: dict[str, int], tier_of: dict[str, int], doubtful: dict[str, list[str]], header: Sequence[str]
) -> None:
    """Of an amount in the document's currency and one in that of the books: the one that a column of currencies speaks of."""
    own = [i for i, cell in enumerate(header) if plain(cell) in IN_DOCUMENTS]
    others = [name for name in doubtful.get("amount", []) if plain(name) not in IN_DOCUMENTS]
    if len(own) != 1 or len(others) != 1:
        return
    del doubtful["amount"]
    at["amount"] = own[0] if "currency" in at else list(map(str.strip, header)).index(others[0])
    tier_of["amount"] = 0


def _with_tax(
    at: dict[str, int], tier_of: dict[str, int], doubtful: Mapping[str, list[str]], header: Sequence[str]
) -> None:
    """The amount with its tax, where a column has the tax and one has both."""
    if "amount" not in at or "amount" in doubtful or not taxes(header):
        return
    if _split(header[at["amount"]])[0] in WITH_TAX:
        return
    whole = [i for i, cell in enumerate(header) if _split(cell)[0] in WITH_TAX]
    if len(whole) == 1:
        at["amount"] = whole[0]
        name = _split(header[whole[0]])[0]
        tier_of["amount"] = next(n for n, tier in enumerate(TIERS["amount"]) if name in tier)


def _as_credits(at: dict[str, int], doubtful: dict[str, list[str]], memo: int | None) -> None:
    """A credit note's own number is its row's, and an invoice's is that of the invoice which it credits."""
    if memo is not None:
        if "invoice" in at:
            at["credits"] = at["invoice"]
        at["invoice"] = memo
    for field in ("paid_amount", "paid_date", "balance", "disputed", "limit", "type", "side", "is_credit"):
        at.pop(field, None)
        doubtful.pop(field, None)


def _by_sides(at: dict[str, int], tier_of: Mapping[str, int], doubtful: dict[str, list[str]]) -> None:
    """Debit and credit are the amount where both are there and no amount is (what is still open is none)."""
    sides = "debit" in at and "credit" in at
    if sides and tier_of.get("amount", OPEN_TIER) >= OPEN_TIER and "amount" not in doubtful:
        at.pop("amount", None)
        at.pop("side", None)
        return
    for field in ("debit", "credit"):
        at.pop(field, None)
        doubtful.pop(field, None)


def _local_currency(at: dict[str, int], doubtful: dict[str, list[str]], header: Sequence[str]) -> None:
    """The currency of amounts in the books' own currency: its own column's, and no document's."""
    at.pop("currency", None)
    doubtful.pop("currency", None)
    own = [i for i, cell in enumerate(header) if plain(cell) in TIERS["currency"][-1]]
    if len(own) == 1:
        at["currency"] = own[0]


def _split(name: str) -> tuple[str, str | None]:
    """(the plain name without the currency in it, the currency): 'Amount (EUR)' is ('amount', 'EUR')."""
    for sign, code in _SIGNS.items():
        if sign in name:
            return plain(name), code
    whole = plain(name)
    rest, code = whole[:-3], whole[-3:].upper()
    if code in EXPONENTS and whole not in MONEY_NAMES and rest in MONEY_NAMES:
        return rest, code
    return whole, None


def _match(
    header: Sequence[str], given: Mapping[str, Sequence[str]]
) -> tuple[dict[str, int], dict[str, int], dict[str, list[str]]]:
    names = [plain(cell) for cell in header]
    at: dict[str, int] = {}
    tier_of: dict[str, int] = {}
    doubtful: dict[str, list[str]] = {}
    for field, wanted in given.items():
        for one in wanted:
            exact = [i for i, cell in enumerate(header) if cell.strip() == one]
            loose = exact or [i for i, name in enumerate(names) if name == plain(one)]
            if len(loose) == 1:
                at[field], tier_of[field] = loose[0], 0
            elif loose:
                doubtful[field] = [header[i].strip() for i in loose]
            if loose:
                break
    claimed = set(at.values())
    no_accounts = bool(MORE["no customer's account beside"] & set(names))
    for field, tiers in TIERS.items():
        if field in at or field in doubtful:
            continue
        # In the lines of invoices an account is one of the books, beside a supplier it is his
        if field == "customer" and no_accounts:
            tiers = tuple([name for name in tier if name not in MORE["account"]] for tier in tiers)
        for number, tier in enumerate(tiers):
            found = [i for i, name in enumerate(names) if name in tier and i not in claimed]
            if not found and field in MONEY:
                found = [i for i, cell in enumerate(header) if _split(cell)[0] in tier and i not in claimed]
            if len(found) > 1:
                doubtful[field] = [header[i].strip() for i in found]
            elif found:
                at[field], tier_of[field] = found[0], number
            if found:
                break
    return at, tier_of, doubtful


def _kind(
    at: Mapping[str, int], tier_of: Mapping[str, int], header: Sequence[str], beside_invoices: bool
) -> Kind:
    certain_date = "invoice_date" in at and 0 < tier_of["invoice_date"] < CERTAIN_INVOICE_TIERS
    own_amount = "amount" in at or "debit" in at
    paid = "paid_amount" in at and tier_of["paid_amount"] != PAYMENT_TIER
    invoiced = certain_date and "invoice" in at
    if "memo" in at and not (invoiced or (DUE | {"payment", "paid_date"}) & set(at)):
        return "credits"
    date = at.get("invoice_date")
    bare_date = date is not None and plain(header[date]) in BARE_DATES
    # An amount beside what was paid, or a day beside that of payment, is the invoice's
    both_amounts = own_amount and paid and tier_of["paid_amount"] != APPLIED_TIER
    both_days = bare_date and "paid_date" in at and tier_of["paid_date"] < VALUE_TIER and own_amount
    known = "invoice" in at and ("customer" in at or "name" in at) and "payment" not in at
    own_days = both_days and "invoice" in at and tier_of["invoice"] < DOCUMENT_TIER
    if known and not beside_invoices and (own_days or (both_amounts and "paid_date" not in at)):
        return "invoices"
    pays = "paid_date" in at or (bare_date and ("payment" in at or paid))
    has_money = own_amount or paid
    if beside_invoices and "paid_date" in at and (date is None or not DUE & set(at)):
        return "payments"  # an invoice's date, or its due date, beside its payment is no second invoice
    # A payment's number and day beside the day of its invoice
    own_number = "payment" in at and tier_of["payment"] == 0
    if (
        certain_date
        and own_number
        and not DUE & set(at)
        and any(plain(cell) in BARE_DATES for cell in header)
    ):
        return "payments"
    if certain_date and own_amount and "customer" in at:
        return "invoices"
    if pays and has_money and "due_date" not in at:
        return "payments"
    if beside_invoices and bare_date and has_money and "due_date" not in at:
        return "payments"
    return "invoices"


def is_certain(columns: Columns) -> bool:
    """Whether a file's columns say for certain that it holds invoices: due dates, terms, or invoice dates alone."""
    if columns.kind != "invoices":
        return False
    date = plain(columns.header[columns.at["invoice_date"]])
    if DUE & set(columns.at):
        return True
    return date not in BARE_DATES and "paid_date" not in columns.at


def _advice(
    kind: Kind, header: Sequence[str], missing: Sequence[str], doubtful: Mapping[str, Sequence[str]]
) -> str:
    found = ", ".join(shown(cell) or "(blank)" for cell in header)
    parts = [f"no column was recognised as {field.replace('_', ' ')}" for field in missing]
    for field, names in doubtful.items():
        if len(set(names)) == 1:
            parts.append(
                f"{len(names)} columns are named {names[0]}; rename all but one, for {field.replace('_', ' ')}"
            )
        else:
            parts.append(f"{field.replace('_', ' ')} may be {' or '.join(names)}")
    lines = [f'{field} = "…"' for field in missing]
    lines += [f'{field} = "{names[0]}"' for field, names in doubtful.items() if len(set(names)) > 1]
    said = f"{'; '.join(parts)} (read as {kind}). Columns found: {found}"
    if not lines:
        return said
    return f"{said}. Write a layout file with [columns] and {'; '.join(lines)}, and give it with --layout"

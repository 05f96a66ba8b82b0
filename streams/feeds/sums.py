"""What the sums in a file's rows say of its columns of money: with or without tax, invoiced or open, an account's balance.

Looked at in the first rows. What columns mean by their names is columns.py's, what words say against it doubts.py's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from streams.errors import Refused
from streams.feeds.amounts import EMPTY, AmountReader
from streams.feeds.columns import Columns, is_amount, is_foreign, plain, shown, taxes
from streams.feeds.names import MONEY, WITH_TAX

_LOOKED_AT: Final = 2_000  # rows
# Two columns that add up to the amount may be what is open and what was paid; more are kinds of sales.
_SPLIT: Final = 2
# Of the steps from row to row that a running balance takes (a filter or a sort may have broken some), and of its rows
# those that no open balance could follow.
_MOST, _TELLING = 0.9, 0.1
_NEAR: Final = 0.01  # between shares of an amount, or percents, that are the same
_HIGHEST: Final = 28  # rate of a tax, in percent
# Columns of less than the whole that tell nothing of what is open.
_SHARES: Final = tuple(
    word
    for words in (
        "net subtotal taxable untaxed exclud exvat exgst extax goods base limit profit margin discount shipping freight insur",
        "lastyear prioryear previousyear vorjahr budget forecast target promis covered",
        "price rate preis prix preci item line unit qty quant menge hours cost each",
    )
    for word in words.split()
)
# Kinds of what was sold, alone or in a row
_SALES: Final = ("labour", "labor", "material", "service", "commission")
_AGES: Final = ("current", "notdue", "notyetdue", "overdue", "pastdue", "older")

_RATES: Final = frozenset(range(0, _HIGHEST * 10_000, 1_000))  # of a tax, in percent
# Of taxes on what is sold, in tenths of a percent, and by how much (in ten-thousandths) a tax may be rounded.
_USUAL_RATES: Final = (*range(10, _HIGHEST * 10 + 1, 10), 21, 26, 38, 55, 77, 81, 135)
_CENT: Final = 100

_Row = dict[int, int]  # place -> amount, of the cells that are one


class Sums:
    """The first rows of a file, as they stand until its decimal sign is told."""

    def __init__(self, given: Collection[str]) -> None:
        self._given = given
        self._rows: list[Sequence[str]] = []
        self.all_open = False
        """Told with the columns: whether something is open of every row by its balance, and nothing else tells of payments.
        Then it is a list of open items, and what is settled of them was settled by what is not in it."""

    def add(self, full: Sequence[Sequence[str]]) -> None:
        """More rows."""
        if len(self._rows) < _LOOKED_AT:
            self._rows += full[: _LOOKED_AT - len(self._rows)]

    def told(self, path: Path, columns: Columns, amounts: AmountReader) -> Columns:
        """The `columns` as the sums tell them. Raises Refused where they leave two meanings, or contradict the only one."""
        texts = self._rows
        money = {columns.at[field] for field in MONEY if field in columns.at} | set(columns.added)
        named = set(columns.at.values()) - money
        rows: list[_Row] = [{} for _ in texts]
        for place in range(len(columns.header)):
            if place in named:
                continue
            cells = [text[place].strip() if place < len(text) else "" for text in texts]
            numbers = list(map(amounts.number, cells))
            if place in money or all(
                n is not None or cell.lower() in EMPTY for n, cell in zip(numbers, cells, strict=True)
            ):
                for row, number in zip(rows, numbers, strict=True):
                    if number is not None:
                        row[place] = number
        if columns.kind == "payments":
            return _applied(columns, texts, rows)
        if "balance" not in self._given:
            columns = _was_due(_of_accounts(_running(columns, texts, rows), texts, rows), rows)
        if not {"amount", "balance"} & set(self._given):
            _of_books(columns, path, rows)
        if "amount" in columns.at and "amount" not in self._given and not columns.added:
            columns = _open(columns, path, rows)
            columns = _taxed(columns, path, rows)
        if "amount" not in self._given:
            _settled(columns, path, texts, rows)
        self.all_open = _all_open(columns, texts, rows)
        return columns


def _applied(columns: Columns, texts: Sequence[Sequence[str]], rows: Sequence[_Row]) -> Columns:
    """A payment's rows that each show the whole of it, and a column of which the parts are that whole."""
    at = columns.at
    number, whole = at.get("payment"), at["paid_amount"]
    if number is None or "payment_total" in at:
        return columns
    payments: dict[str, list[_Row]] = defaultdict(list)
    for text, row in zip(texts, rows, strict=True):
        if whole in row and len(text) > number and text[number].strip():
            payments[text[number]].append(row)
    several = [
        parts for parts in payments.values() if len(parts) > 1 and len({part[whole] for part in parts}) == 1
    ]
    for place in _unread(columns, rows):
        if several and all(sum(part.get(place, 0) for part in parts) == parts[0][whole] for parts in several):
            return replace(columns, at={**at, "payment_total": whole, "paid_amount": place})
    return columns


def _running(columns: Columns, texts: Sequence[Sequence[str]], rows: Sequence[_Row]) -> Columns:
    """Without a balance that goes on from row to row: it is the account's, and no invoice's."""
    at = columns.at
    place = at.get("balance")
    if place is None:
        return columns
    customer = at.get("customer", 0)
    lines = [
        (text[customer] if customer < len(text) else "", _amount(at, row), row[place])
        for text, row in zip(texts, rows, strict=True)
        if place in row
    ]
    of_customer: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    for line in lines:
        of_customer[line[0]].append(line)
    for chains in ([lines], list(of_customer.values())):
        for turned in (False, True):
            steps = [
                (abs(now[2] - before[2]) == abs(now[1]), bool(before[2]) and abs(now[2]) > abs(now[1]))
                for chain in chains
                for before, now in pairwise(reversed(chain) if turned else chain)
            ]
            # An open balance could not take such a step, as no more is open than was invoiced
            telling = sum(holds and tells for holds, tells in steps)
            holding = sum(holds for holds, _ in steps)
            if telling and telling >= _TELLING * len(lines) and holding >= _MOST * len(steps):
                return replace(columns.without("balance"), runs_on=place)
    return columns


def _of_accounts(columns: Columns, texts: Sequence[Sequence[str]], rows: Sequence[_Row]) -> Columns:
    """Without a balance that is the same in all rows of a customer: it is his account's, and no invoice's."""
    place = columns.at.get("balance")
    if place is None:
        return columns
    telling = 0
    for lines in _by_customer(columns, texts, rows).values():
        balances = {balance for _, balance in lines}
        if len(lines) < _SPLIT or balances == {0}:
            continue
        if len(balances) > 1:
            return columns
        # Who buys for the same each time may owe the same of each
        if len({amount for amount, _ in lines}) > 1:
            telling += sum(abs(amount) != abs(balance) for amount, balance in lines)
    return replace(columns.without("balance"), runs_on=place) if telling > _SPLIT else columns


def _all_open(columns: Columns, texts: Sequence[Sequence[str]], rows: Sequence[_Row]) -> bool:
    at = columns.at
    if "balance" not in at or {"paid_date", "paid_amount"} & set(at):
        return False
    chains = list(_by_customer(columns, texts, rows).values())
    goes_on = any(
        abs(amount) != abs(balance) and abs(balance - before) == abs(amount)
        for chain in chains
        for ordered in (chain, chain[::-1])
        for (_, before), (amount, balance) in pairwise(ordered)
    )
    return bool(chains) and not goes_on and all(balance for chain in chains for _, balance in chain)


def _by_customer(
    columns: Columns, texts: Sequence[Sequence[str]], rows: Sequence[_Row]
) -> dict[str, list[tuple[int, int]]]:
    """Customer -> (amount, balance) of his rows that have a date and a balance."""
    at = columns.at
    customer, day, place = at["customer"], at["invoice_date"], at["balance"]
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for text, row in zip(texts, rows, strict=True):
        if place in row and len(text) > max(customer, day) and text[customer].strip() and text[day].strip():
            found[text[customer]].append((_amount(at, row), row[place]))
    return found


def _was_due(columns: Columns, rows: Sequence[_Row]) -> Columns:
    """Without a balance of which all is left where all was paid: it was due, and is what was invoiced (Stripe)."""
    at = columns.at
    if not {"amount", "paid_amount", "balance"} <= set(at):
        return columns
    settled = [row for row in rows if 0 < row.get(at["amount"], 0) == row.get(at["paid_amount"])]
    if settled and all(row.get(at["balance"]) == row[at["amount"]] for row in settled):
        return columns.without("balance")
    return columns


def _of_books(columns: Columns, path: Path, rows: Sequence[_Row]) -> None:
    """Refuses what is open in the books' own currency beside amounts in that of the document."""
    at = columns.at
    fields = [field for field in ("balance", "paid_amount") if field in at]
    if not fields or "amount" not in at or not is_foreign(columns.header[at["amount"]]):
        return
    own, left = at["amount"], at[fields[0]]
    if is_foreign(columns.header[left]):
        return
    for place, name in enumerate(columns.header):
        if place in (own, left) or not is_amount(name):
            continue
        unlike = [row for row in rows if row.get(place, 0) and row.get(own, 0) != row[place]]
        if unlike and not any(row.get(left) == row.get(own) for row in unlike):
            foreign, open_ = shown(columns.header[own]), shown(columns.header[left])
            raise Refused(
                f"{path}: {open_} seems to be in the currency of the books, as {shown(name)} is, and {foreign} in that of "
                f"the document; leave {foreign} and the currencies out of the file and say --currency CUR with the books' "
                f"own, or export {open_} in the currency of the document as well"
            )


def _open(columns: Columns, path: Path, rows: Sequence[_Row]) -> Columns:
    """What was invoiced, where by their names the columns are what is open and what was paid."""
    at = columns.at
    if not columns.only_open or "paid_amount" not in at or "balance" in at:
        return columns
    pairs = [
        (row[at["amount"]], row[at["paid_amount"]])
        for row in rows
        if {at["amount"], at["paid_amount"]} <= row.keys()
    ]
    pairs = [(left, paid) for left, paid in pairs if paid > 0]
    if any(paid > left for left, paid in pairs):
        return replace(columns, at={**at, "balance": at["amount"]}, added=(at["paid_amount"],))
    if pairs and all(paid != left for left, paid in pairs):
        owed, paid = columns.named("amount"), columns.named("paid_amount")
        raise Refused(
            f"{path}: {owed} may be what was invoiced, or what is still open beside {paid}; name the column of what was "
            f'invoiced in a layout file ([columns] amount = "{owed}" where it is this one) and give it with --layout'
        )
    return columns


def _taxed(columns: Columns, path: Path, rows: Sequence[_Row]) -> Columns:
    """The amounts with their tax, where another column tells whether they have it."""
    at = columns.at
    own = at["amount"]
    parts = taxes(columns.header)
    if not parts or plain(columns.header[own]) in WITH_TAX or columns.only_open:
        return columns
    taxed = [
        (row, row[own], tax)
        for row in rows
        if own in row and (tax := sum(row.get(part, 0) for part in parts))
    ]
    if all(abs(tax) >= abs(amount) for _, amount, tax in taxed):  # numbers for tax, or nothing
        return columns
    # A column of rates has few values, and small ones
    rates = {tax for _, _, tax in taxed}
    if len(rates) < len({amount for _, amount, _ in taxed}) and rates <= _RATES:
        return columns
    for place in range(len(columns.header)):
        if place in (own, *parts) or any(place not in row for row, _, _ in taxed):
            continue
        if all(row[place] == amount + tax for row, amount, tax in taxed):
            if place in at.values():
                return replace(columns, added=tuple(parts))
            return replace(columns, at={**at, "amount": place})
        if all(row[place] == amount - tax for row, amount, tax in taxed):
            return columns
    beside = [at[field] for field in ("balance", "paid_amount") if field in at]
    said = [
        ({*(row.get(place) for place in beside), sum(row.get(place, 0) for place in beside)}, a, t)
        for row, a, t in taxed
    ]
    whole, net = any(a in sums for sums, a, _ in said), any(a + t in sums for sums, a, t in said)
    if not whole and not net:
        whole = all(_is_taxed(amount - tax, tax) for _, amount, tax in taxed)
        net = all(_is_taxed(amount, tax) for _, amount, tax in taxed)
    if whole != net:
        return replace(columns, added=tuple(parts)) if net else columns
    name, beside_it = columns.named("amount"), shown(columns.header[parts[0]])
    raise Refused(
        f"{path}: {name} may be with or without {beside_it}, and no column says which; write a layout file with [columns] "
        f'amount = "{name}" where it is with it, and tax = "{beside_it}" where that is to be added, and give it with --layout'
    )


def _is_taxed(net: int, tax: int) -> bool:
    return any(abs(tax * 1_000 - net * rate) <= _CENT * 1_000 for rate in _USUAL_RATES)


def _settled(columns: Columns, path: Path, texts: Sequence[Sequence[str]], rows: Sequence[_Row]) -> None:
    """Refuses a file in which a column that nobody named seems to hold what of each invoice is open, or was paid."""
    at = columns.at
    if {"balance", "paid_amount", "paid_date"} & set(at) or columns.only_open or columns.kind != "invoices":
        return
    code = at.get("currency")
    owed = [
        (row, amount, text[code] if code is not None and code < len(text) else "")
        for text, row in zip(texts, rows, strict=True)
        if (amount := _amount(at, row)) > 0
    ]
    unread = [place for place in _unread(columns, rows) if place != columns.runs_on]
    if len(unread) > _SPLIT and all(_sum(unread)(row) == amount for row, amount, _ in owed):
        return
    ages = [place for place in unread if _is_age(plain(columns.header[place]))]
    sales = {place for place in unread if any(word in plain(columns.header[place]) for word in _SALES)}
    candidates = [[place] for place in unread if place not in sales.union(ages)]
    for found in [*candidates, ages] if ages else candidates:
        if _part_of(owed, _sum(found), found is ages):
            names = ", ".join(shown(columns.header[place]) for place in found)
            raise Refused(
                f"{path}: {names}: what stands here seems to be what of each invoice is open, or was paid, and the name does "
                'not say which; write a layout file with [columns] balance = "…" or paid_amount = "…", or amount = '
                f'"{columns.named("amount")}" where it is neither, and give it with --layout'
            )


def _part_of(owed: Iterable[tuple[_Row, int, str]], of: Callable[[_Row], int], by_age: bool) -> bool:
    """Whether a column is the whole of some invoices, and of others in the same currency nothing or a part that may be
    no amount without its tax."""
    whole: set[str] = set()
    none: set[str] = set()
    shares: dict[str, list[float]] = defaultdict(list)
    for row, amount, currency in owed:
        part = of(row)
        if not 0 <= part <= amount:
            return False
        if part == amount:
            whole.add(currency)
        elif part:
            shares[currency].append(part / amount)
        else:
            none.add(currency)
    parts = [found for currency, found in shares.items() if currency in whole]
    return bool(whole & none) or any(by_age or not _one_rate(found) for found in parts)


def _one_rate(shares: Sequence[float]) -> bool:
    percent = 100 / shares[0] - 100
    return (
        max(shares) - min(shares) < _NEAR and percent < _HIGHEST and abs(percent - round(percent, 1)) < _NEAR
    )


def _amount(at: Mapping[str, int], row: _Row) -> int:
    if "amount" in at:
        return row.get(at["amount"], 0)
    return row.get(at["debit"], 0) - abs(row.get(at["credit"], 0))


def _unread(columns: Columns, rows: Sequence[_Row]) -> list[int]:
    """The places of columns that nobody named, with nothing but amounts in them."""
    used = {*columns.at.values(), *columns.added, *taxes(columns.header)}
    filled = [
        place
        for place in range(len(columns.header))
        if place not in used and any(place in row for row in rows)
    ]
    return [place for place in filled if not any(word in plain(columns.header[place]) for word in _SHARES)]


def _is_age(name: str) -> bool:
    return any(map(str.isdigit, name)) or name in _AGES


def _sum(places: Sequence[int]) -> Callable[[_Row], int]:
    return lambda row: sum(row.get(place, 0) for place in places)

"""A list of items with their balances, paid ones and used credit notes among them, leaves what its balances say is open."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.money import minor, text
from tests.import_builders import imported


class Item(NamedTuple):
    """Minor units; a credit note is negative."""

    account: str
    amount: int
    balance: int


@st.composite
def items(draw: st.DrawFn) -> Item:
    sign = draw(st.sampled_from([1, 1, -1]))
    amount = draw(st.sampled_from([10_000, 30_000, 50_000]))
    balance = draw(st.sampled_from([0, amount, amount, 10_000]))
    return Item(draw(st.sampled_from(["C1", "C2"])), sign * amount, sign * balance)


@given(st.lists(items(), min_size=1, max_size=12))
@example([Item("C1", 100_000, 0), Item("C1", 50_000, 50_000), Item("C1", -30_000, 0)])
@example([Item("C1", 50_000, 50_000), Item("C1", -30_000, 0)])  # of an invoice that the list has no more
@example([Item("C1", 50_000, 20_000), Item("C1", -30_000, 0)])
@example([Item("C1", 50_000, 20_000), Item("C1", 30_000, 0), Item("C1", -30_000, 0)])
def test_what_is_invoiced_less_what_is_credited_is_what_is_open(book: list[Item]) -> None:
    lines = ["Customer,Document,Type,Date,Due,Amount,Balance"]
    for number, (account, amount, balance) in enumerate(book):
        kind = "Credit Note" if amount < 0 else "Invoice"
        lines.append(
            f"{account},D{number},{kind},2026-05-01,2026-05-31,{text(amount, 'USD')},{text(balance, 'USD')}"
        )
    lines.append(
        "C3,D0,Invoice,2026-05-01,2026-05-31,1.00,1.00"
    )  # a list of which nothing is open is refused whole
    with tempfile.TemporaryDirectory() as folder:
        got = imported(Path(folder), "\n".join(lines) + "\n")
    assert got.of("payment.received") == []
    for account in ("C1", "C2"):
        stands = sum(
            sign * minor(fact["amount"], "USD")
            for kind, sign in (("invoice.issued", 1), ("invoice.credited", -1))
            for fact in got.of(kind)
            if fact["account_id"] == account
        )
        assert stands == sum(item.balance for item in book if item.account == account)

"""What an account costs does not grow with its past: bytes kept after many years, and the work of one event among many.

Years are those of one busy account; work is told as a ratio within one run, the least of many repeats.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from agents.account import Account, dump, load
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Accounts, Fold
from agents.policy_text import policy_hash
from agents.wakes import Wakes
from schemas.events import ClockTicked, Event, parse

POLICY = Path(__file__).parents[2].joinpath("deploy", "policy.toml").read_text(encoding="utf-8")
FIRST = dt.date(2010, 1, 4)
YEARS = 9
FOLDED = "l.fo"  # ids of what was folded away, as many as are remembered at most
ROOM_OF_FOLDED = 2_000 * 17


class Pieces:
    """Accounts in memory, and the newest bytes of each of their pieces, as a worker's changelog keeps them."""

    def __init__(self, reread: bool = False) -> None:
        self.accounts: dict[str, Account] = {}
        self.pieces: dict[str, bytes] = {}
        self.reread = reread  # the whole account at each event: what a store without pieces would do

    def get(self, account_id: str) -> Account | None:
        if self.reread and self.pieces:
            return load(account_id, self.pieces)
        return self.accounts.get(account_id)

    def put(self, account_id: str, account: Account) -> None:
        self.accounts[account_id] = account
        for key, value in dump(account).items():
            if value is None:
                self.pieces.pop(key, None)
            else:
                self.pieces[key] = value

    def kept(self) -> int:
        return sum(len(raw) for key, raw in self.pieces.items() if not key.startswith(FOLDED))

    def folded(self) -> int:
        return sum(len(raw) for key, raw in self.pieces.items() if key.startswith(FOLDED))


def folding(accounts: Accounts, policy: str = POLICY) -> Fold:
    book = Book()
    book.adopt(policy, policy_hash(policy))
    return Fold(accounts, Wakes(), book, 0, namespace_id("bounded"))


def event(kind: str, number: str, day: dt.date, /, **fields: Any) -> Event:
    given = {"event_id": f"{kind}-{number}", "type": kind, "source": "erp", "occurred_at": f"{day}T09:00:00Z"}
    account = {} if kind == "clock.ticked" else {"account_id": "A"}
    return parse(orjson.dumps(given | account | fields))


def years_of_business(years: int) -> Iterator[Event]:
    """Each week an order, an invoice paid five weeks later in two parts, now and then all else that happens."""
    usd = {"currency": "USD"}
    yield event("account.opened", "0", FIRST, name="A", opened_on=str(FIRST), **usd)
    for week in range(52 * years):
        day, n = FIRST + dt.timedelta(weeks=week), str(week)
        due = day + dt.timedelta(days=30)
        if not week % 26:
            yield event("account.limit_set", n, day, credit_limit=f"{9_000 + week}.00", **usd)
            yield event("reference.given", n, day, reference_id=n, high_credit="8000.00", **usd)
            yield event("security.recorded", n, day, security_id=n, kind="insurance", amount="1000.00",
                        expires_on=str(due), **usd)  # fmt: skip
            yield event("statement.filed", n, day, statement_id=n, period_end=str(day), months=12, figures={
                "total_assets": "900000", "total_liabilities": "300000", "equity": "600000"}, **usd)  # fmt: skip
        yield event("order.booked", n, day, order_id=f"o{n}", amount="1000.00", **usd)
        yield event("invoice.issued", n, day, invoice_id=f"i{n}", order_id=f"o{n}", amount="1000.00",
                    invoice_date=str(day), due_date=str(due), **usd)  # fmt: skip
        if not week % 4:
            yield event(
                "invoice.disputed", n, day, invoice_id=f"i{n}", dispute_id=f"d{n}", amount="100.00", **usd
            )
            yield event("dispute.resolved", n, day, invoice_id=f"i{n}", dispute_id=f"d{n}", outcome="upheld")
            yield event(
                "invoice.credited", n, day, memo_id=f"m{n}", invoice_id=f"i{n}", amount="100.00", **usd
            )
            yield event(
                "payment.promised", n, day, promise_id=f"q{n}", amount="300.00", due_on=str(due), **usd
            )
            yield event("bureau.reported", n, day, agency="creditsafe", reported_on=str(day), score=60 + week % 30,
                        scale_min=0, scale_max=100, higher_is_better=True)  # fmt: skip
            yield event(
                "bureau.filed", n, day, filing_id=n, kind="lien", filed_on=str(day), status="released"
            )
            yield event("screening.reported", n, day, match_id=n, list="x", status="cleared")
            yield event("news.published", n, day, article_id=n, headline=f"Layoffs at plant {n}", domain="ft.com",
                        url=f"https://ft.com/{n}", published_at=f"{day}T08:00:00Z", category="layoffs")  # fmt: skip
        if week >= 5:
            old = week - 5
            whole = 900 if not old % 4 else 1000
            for part, amount in (("a", 400), ("b", whole - 400)):
                yield event("payment.received", f"{old}{part}", day, payment_id=f"p{old}{part}", paid_on=str(day),
                            amount=f"{amount}.00", applications=[{"invoice_id": f"i{old}", "amount": f"{amount}.00"}],
                            **usd)  # fmt: skip
            if not week % 13:
                yield event("payment.reversed", n, day, payment_id=f"p{old}b", reversed_on=str(day))
                yield event("invoice.written_off", n, day, invoice_id=f"i{old}")
        yield event("clock.ticked", n, day, as_of=str(day))


def kept_by_year(policy: str = POLICY) -> list[Pieces]:
    """The account's pieces at the end of each year."""
    accounts = Pieces()
    fold = folding(accounts, policy)
    years = []
    weeks = 0
    for fact in years_of_business(YEARS):
        if isinstance(fact, ClockTicked):
            fold.tick(fact, False, 1_000)
            weeks += 1
            if not weeks % 52:
                year = Pieces()
                year.pieces = dict(accounts.pieces)
                years.append(year)
        else:
            refused = [output for output in fold.event(fact) if hasattr(output, "reason")]  # type: ignore[arg-type]
            assert not refused, refused
    return years


def grows(years: list[Pieces]) -> bool:
    """Whether the last year holds more than those after the reach and the longest window have passed."""
    settled = max(year.kept() for year in years[3:6])
    return years[-1].kept() > settled * 1.05


def test_an_account_of_many_years_keeps_no_more_than_one_of_a_few() -> None:
    years = kept_by_year()
    assert years[0].kept() > 10_000, "there is something to fold away"
    assert not grows(years)
    assert years[0].folded() < years[-1].folded() <= ROOM_OF_FOLDED


def test_an_account_that_folds_nothing_away_is_noticed() -> None:
    assert POLICY.count("reach_days = 400") == 1
    assert grows(kept_by_year(POLICY.replace("reach_days = 400", "reach_days = 3650")))


# --- the work of one event ----------------------------------------------------------------------------------------


def seconds_an_event(open_invoices: int, accounts: Pieces, blocks: int) -> tuple[float, int]:
    """An invoice and its payment among so many open invoices: the least CPU seconds, and the most bytes of a block."""
    fold = folding(accounts)
    reread, accounts.reread = accounts.reread, False
    day = FIRST + dt.timedelta(days=150)
    fold.event(event("account.opened", "0", FIRST, name="A", opened_on=str(FIRST), currency="USD"))  # type: ignore[arg-type]
    for n in range(open_invoices):
        on = FIRST + dt.timedelta(days=n * 140 // open_invoices)
        fold.event(invoice(f"i{n}", on))  # type: ignore[arg-type]
    fold.tick(event("clock.ticked", "0", day, as_of=str(day)), False, 10)  # type: ignore[arg-type]
    accounts.reread = reread
    best, most = float("inf"), 0
    for block in range(blocks):
        names = [f"x{block}-{n}" for n in range(5)]
        facts = [fact for name in names for fact in (invoice(name, day), payment(name, day))]
        before = dict(accounts.pieces)
        began = time.process_time()
        for fact in facts:
            fold.event(fact)  # type: ignore[arg-type]
        best = min(best, (time.process_time() - began) / len(facts))
        most = max(most, sum(len(raw) for key, raw in accounts.pieces.items() if before.get(key) != raw))
    return best, most


def invoice(name: str, day: dt.date) -> Event:
    due = day + dt.timedelta(days=30)
    return event("invoice.issued", name, day, invoice_id=name, amount="10.00", currency="USD",
                 invoice_date=str(day), due_date=str(due))  # fmt: skip


def payment(name: str, day: dt.date) -> Event:
    return event("payment.received", name, day, payment_id=name, amount="10.00", currency="USD",
                 paid_on=str(day), applications=[{"invoice_id": name, "amount": "10.00"}])  # fmt: skip


def test_among_ten_thousand_open_invoices_an_event_costs_what_it_costs_among_ten() -> None:
    few, few_bytes = seconds_an_event(10, Pieces(), blocks=30)
    many, many_bytes = seconds_an_event(10_000, Pieces(), blocks=30)
    assert many < 4 * few, "a thousand times as many invoices"
    assert many_bytes < 2 * few_bytes


def test_an_account_that_is_read_as_a_whole_at_each_event_is_noticed() -> None:
    few, _ = seconds_an_event(10, Pieces(reread=True), blocks=3)
    many, _ = seconds_an_event(2_000, Pieces(reread=True), blocks=3)
    assert many > 4 * few

"""A small book for the browser: a good payer, one that turns, one without a limit, and one with a hostile headline.

Days are told from the day of the last tick, yesterday; no test lives here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

TURNS, GOOD, NEW, HOSTILE = "C-1001", "C-1002", "C-1003", "C-1004"
NAMES = {TURNS: "Brenner Pumpen GmbH", GOOD: "Aldous & Sons", NEW: "Nordlys AS", HOSTILE: "<b>Bold</b> Ltd"}
HEADLINE = "Talks with banks <script>document.title='owned'</script>"


def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def events(end: date) -> list[dict[str, Any]]:
    """All events in the order of their days, a tick at the end of each day of the last twelve."""
    told = sorted(
        (event for account in NAMES for event in _life(account, end)), key=lambda e: e["occurred_at"]
    )
    ticks = [end - timedelta(days=back) for back in range(11, -1, -1)]
    told.extend(
        {
            "event_id": f"tick-{day}", "type": "clock.ticked", "occurred_at": f"{day}T23:59:59Z", "source": "test",
            "as_of": day.isoformat(), "rates": {"USD": "1"},
        }
        for day in ticks
    )  # fmt: skip
    return sorted(told, key=lambda e: (e["occurred_at"], e["type"] == "clock.ticked"))


def _life(account: str, end: date) -> Iterator[dict[str, Any]]:
    numbers = iter(range(10_000))

    def event(kind: str, day: date, **fields: Any) -> dict[str, Any]:
        return {
            "event_id": f"{account}-{next(numbers)}", "type": kind, "account_id": account,
            "occurred_at": f"{day}T09:00:00Z", "source": "test", **fields,
        }  # fmt: skip

    opened = end - timedelta(days=480)
    yield event(
        "account.opened", opened, name=NAMES[account], currency="USD", opened_on=opened.isoformat(), terms_days=30,
        owner="north desk",
    )  # fmt: skip
    if account != NEW:
        yield event("account.limit_set", opened, credit_limit="90000.00", currency="USD", set_by="desk")
    for n in range(48):
        issued = opened + timedelta(days=4 + 10 * n)
        amount = "8000.00"
        invoice = f"{account}-I{n}"
        due = issued + timedelta(days=30)
        yield event(
            "invoice.issued", issued, invoice_id=invoice, amount=amount, currency="USD",
            invoice_date=issued.isoformat(), due_date=due.isoformat(),
        )  # fmt: skip
        late = account == TURNS and issued > end - timedelta(days=190)
        paid = issued + timedelta(days=78 if late else 28)
        if paid <= end:
            yield event(
                "payment.received", paid, payment_id=f"{account}-P{n}", amount=amount, currency="USD",
                paid_on=paid.isoformat(), applications=[{"invoice_id": invoice, "amount": amount}],
            )  # fmt: skip
    if account == HOSTILE:
        day = end - timedelta(days=3)
        yield event(
            "news.published", day, article_id="N1", headline=HEADLINE, url="https://press.example/1",
            domain="press.example", published_at=f"{day}T08:00:00Z", category="covenant_breach",
        )  # fmt: skip

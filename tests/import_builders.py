"""Ledgers written in tests, imported into a list: builders shared by the import's tests. Asserts nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from schemas.events import ClockTicked, Event, parse
from streams.feeds.history import Nowhere
from streams.feeds.importing import import_events, import_ledgers
from streams.feeds.report import Report
from streams.feeds.telling import Choices, Told

TODAY = "2026-06-30"
MOMENT = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)  # the first there is: times are whole hours

# The headers of two public books of invoices.
IBM = (
    "countryCode,customerID,PaperlessDate,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate,"
    "PaperlessBill,DaysToSettle,DaysLate"
)
BOOK = (
    "business_code,cust_number,name_customer,clear_date,buisness_year,doc_id,posting_date,document_create_date,"
    "due_in_date,invoice_currency,document type,posting_id,area_business,total_open_amount,baseline_create_date,"
    "cust_payment_terms,invoice_id,isOpen"
)


class Silent:
    """A bar that shows nothing."""

    def stage(self, name: str, total: int) -> None:
        return

    def advance(self, units: int) -> None:
        return


class Kept(Nowhere):
    """Keeps every record, ticks as (None, raw)."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[str | None, bytes]] = []

    def event(self, account: str, raw: bytes) -> None:
        super().event(account, raw)
        self.records.append((account, raw))

    def tick(self, raw: bytes) -> None:
        super().tick(raw)
        self.records.append((None, raw))


class Imported(NamedTuple):
    """All records as events (each went through schemas.events.parse), the report, what the files were told to be."""

    events: list[Event]
    raw: list[bytes]
    report: Report
    told: list[Told]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The events of one type as plain dicts, without what every event has, in their order."""
        return [
            {
                name: value
                for name, value in event.model_dump(mode="json", exclude_none=True).items()
                if name not in ("event_id", "source", "type", "occurred_at")
            }
            for event in self.events
            if event.type == kind
        ]

    @property
    def bad(self) -> list[str]:
        return [str(row) for row in self.report.bad]


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def imported(
    folder: Path,
    *ledgers: str | bytes,
    zone: dt.tzinfo = dt.UTC,
    choices: Mapping[str, Any] | None = None,
) -> Imported:
    """The ledgers' events, each file's name its place: 0.csv, 1.csv, …"""
    paths = [written(folder, f"{place}.csv", ledger) for place, ledger in enumerate(ledgers)]
    said = Choices(**{"base_currency": "USD", "today": TODAY, "moment": MOMENT, **(choices or {})})
    kept, report = Kept(), Report()
    told = import_ledgers(paths, said, zone, kept, report, Silent())
    raw = [record for _, record in kept.records]
    return Imported([parse(record) for record in raw], raw, report, told)


def imported_events(folder: Path, *files: str | bytes, zone: dt.tzinfo = dt.UTC) -> Imported:
    """The records that files of events become."""
    paths = [written(folder, f"{place}.jsonl", content) for place, content in enumerate(files)]
    kept, report = Kept(), Report()
    import_events(paths, zone, kept, report, Silent())
    raw = [record for _, record in kept.records]
    return Imported([parse(record) for record in raw], raw, report, [])


def ticked_days(records: list[Event]) -> list[str]:
    return [event.as_of.isoformat() for event in records if isinstance(event, ClockTicked)]

"""The table of topics: one small record each, with purpose, writer, readers, key and settings.

Creating topics and comparing them with a cluster is not done here (streams/commands/topics.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

FOR_EVER: Final = -1
_DAY: Final = 86_400_000  # milliseconds
OUTPUT_RETENTION_MS: Final = 400 * _DAY

# A record that came in at the broker's default limit still fits when origin or reason is added as headers.
_ROOM_FOR_HEADERS: Final = {"max.message.bytes": "2097152"}

LARGEST_LETTER: Final = 2_080_000
"""Bytes of key, value and headers of a dead letter or late fact: what its topic takes, less what a batch adds."""

# Without these a compacted topic is hardly ever compacted: the cleaner leaves the active segment alone, and
# Kafka's defaults keep one open for 7 days or 1 GiB. The lag wakes the cleaner.
_STATE_COMPACTION: Final = {
    "segment.ms": "600000",
    "segment.bytes": "67108864",
    "min.cleanable.dirty.ratio": "0.2",
    "max.compaction.lag.ms": "3600000",
    "delete.retention.ms": str(_DAY),
    # A piece is as large as what was said of it: payments on tens of thousands of invoices take megabytes.
    "max.message.bytes": "16777216",
}
_SMALL_COMPACTION: Final = {
    "segment.ms": "3600000",
    "segment.bytes": "16777216",
    "min.cleanable.dirty.ratio": "0.2",
    "max.compaction.lag.ms": str(_DAY),
    "delete.retention.ms": str(_DAY),
}


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `name` is without the namespace; `partitions` None means: as many as the journal has."""

    name: str
    partitions: int | None
    cleanup: Literal["delete", "compact"]
    retention_ms: int  # of a "delete" topic; FOR_EVER keeps all
    purpose: str
    writer: str
    readers: str
    key: str
    private: bool  # not for subscribers: its form changes without notice
    settings: tuple[tuple[str, str], ...] = ()  # beyond cleanup and retention

    def config(self) -> dict[str, str]:
        """The topic's configuration as Kafka expects it: names and values as strings."""
        kept = (
            {}
            if self.cleanup == "compact"
            else {"retention.ms": str(self.retention_ms), "retention.bytes": "-1"}
        )
        return {"cleanup.policy": self.cleanup, **kept, **dict(self.settings)}


def _source(name: str, purpose: str, writer: str = "the seller's systems and feeds") -> Topic:
    return Topic(name, None, "delete", FOR_EVER, purpose, writer, "intake", "any", private=False)


def _output(name: str, purpose: str, readers: str) -> Topic:
    return Topic(
        name, None, "delete", OUTPUT_RETENTION_MS, purpose, "monitor", readers, "account_id", private=False
    )


def _refused(name: str, purpose: str, writer: str) -> Topic:
    return Topic(
        name,
        None,
        "delete",
        OUTPUT_RETENTION_MS,
        purpose,
        writer,
        "store, the people on call",
        "as it came",
        private=False,
        settings=tuple(_ROOM_FOR_HEADERS.items()),
    )


TOPICS: Final[dict[str, Topic]] = {
    "invoices": _source(
        "credit.invoices.v1", "Invoices, credit memos, disputes, write-offs, voids and orders."
    ),
    "payments": _source(
        "credit.payments.v1", "Payments, their applications, reversals, promises and schedules."
    ),
    "bureau": _source(
        "credit.bureau.v1", "Agencies' scores and limits, public filings and screening results."
    ),
    "news": _source("credit.news.v1", "Published news about an account."),
    "accounts": _source(
        "credit.accounts.v1",
        "Accounts, their limits, securities, statements, references and relations.",
        "the seller's systems; monitor (related.*)",
    ),
    "decisions": _source(
        "credit.decisions.v1",
        "What people decided on proposals and alerts.",
        "the page, the seller's systems",
    ),
    "history": _source(
        "credit.history.v1",
        "One ordered backfill, ticks in line; partition i goes to journal partition i.",
        "bellwether import",
    ),
    "control": Topic(
        "credit.control.v1",
        1,
        "delete",
        FOR_EVER,
        "The clock, the policy and the partitions' book totals.",
        "intake (the clock), bellwether tick and policy, monitor (book totals)",
        "intake",
        "none",
        private=False,
    ),
    "journal": Topic(
        "credit.journal.v1",
        None,
        "delete",
        FOR_EVER,
        "Every accepted event in one order per account; control events in every partition.",
        "intake",
        "monitor, store, audit, rebuild",
        "account_id",
        private=False,
        settings=tuple(_ROOM_FOR_HEADERS.items()),
    ),
    "alerts": _output(
        "credit.alerts.v1", "One record a transition of an alert, with its evidence.", "risk teams, store"
    ),
    "limit-proposals": _output(
        "credit.limit-proposals.v1",
        "One record a transition of a limit proposal, with score, terms and reasons.",
        "ERP, CRM, approvers, store",
    ),
    "account-status": Topic(
        "credit.account-status.v1",
        None,
        "compact",
        FOR_EVER,
        "The newest status, tier, limit and headroom of each account.",
        "monitor",
        "CRM, order entry, store",
        "account_id",
        private=False,
        settings=tuple(_SMALL_COMPACTION.items()),
    ),
    "snapshots": _output(
        "credit.snapshots.v1",
        "The figures of an account as of a day, or beside an alert or proposal.",
        "store",
    ),
    "reviews": _output("credit.reviews.v1", "Reserved: reviews, their documents and due dates.", "store"),
    "reminders": _output(
        "credit.reminders.v1", "Reserved: reminders before, at and after due dates.", "store"
    ),
    "late": _refused(
        "credit.late.v1",
        "Facts about invoices closed for more than 400 days: counted, not applied.",
        "monitor",
    ),
    "dead-letters": _refused(
        "credit.dead-letters.v1",
        "Refused input as it came, with origin and reason in headers.",
        "intake, monitor",
    ),
    "account-state": Topic(
        "credit.account-state.v1",
        None,
        "compact",
        FOR_EVER,
        "The account states, in pieces.",
        "monitor",
        "monitor, audit",
        "account_id and piece",
        private=True,
        settings=tuple(_STATE_COMPACTION.items()),
    ),
    "intake-marker": Topic(
        "credit.intake-marker.v1",
        1,
        "compact",
        FOR_EVER,
        "Written when an intake worker takes over, to end what a dead one left open.",
        "intake",
        "intake",
        "slot",
        private=True,
        settings=tuple(_SMALL_COMPACTION.items()),
    ),
}
"""Logical name -> topic, in the order of the flow."""

SOURCES: Final = ("invoices", "payments", "bureau", "news", "accounts", "decisions")
"""The feeds: the live sources that intake reads beside history and control, one topic each."""

INPUTS: Final = (*SOURCES, "history", "control")
"""All that intake reads, and so all that a record of the journal can come from."""

OUTPUTS: Final = ("alerts", "limit-proposals", "account-status", "snapshots", "reviews", "reminders")
"""What the monitor emits for subscribers: read it with isolation.level=read_committed."""

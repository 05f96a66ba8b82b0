"""What the monitor counts of a block, which headers its outputs bear, and what it says of clock and policy. No Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest
from structlog.testing import capture_logs

from agents.account import Account
from agents.monitor import ENGINE, Fold
from agents.policy_text import policy_hash
from streams.blocks import Block
from streams.errors import Fatal
from streams.letters import PREFIX
from streams.monitor import FAILURES, Monitor, _standing, dump, load
from streams.partition import Partition
from streams.settings import Settings, policy_text

SETTINGS = Settings(_env_file=None)
POLICY = policy_text(SETTINGS)
TRACE = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")


class Record:
    """A record of the journal that came from the invoices, or from the topic that is named."""

    def __init__(self, offset: int, of: str = "credit.invoices.v1", **fields: Any) -> None:
        self._offset, self._of = offset, of.encode()
        account = {} if "account_id" not in fields else {"account_id": fields.pop("account_id")}
        base = {"event_id": f"e{offset}", "occurred_at": "2026-03-01T09:00:00Z", "source": "erp"}
        self._value = orjson.dumps({**base, **account, **fields})

    def offset(self) -> int:
        return self._offset

    def value(self) -> bytes:
        return self._value

    def key(self) -> bytes:
        return b"A"

    def topic(self) -> str:
        return "credit.journal.v1"

    def partition(self) -> int:
        return 0

    def headers(self) -> list[tuple[str, bytes]]:
        return [
            ("origin-topic", self._of), ("origin-partition", b"3"), ("origin-offset", b"1"), TRACE,
        ]  # fmt: skip


def adopted(offset: int) -> Record:
    return Record(offset, type="policy.adopted", hash=policy_hash(POLICY), text=POLICY, engine="1")


def ended(offset: int, day: str, of: str = "credit.invoices.v1") -> Record:
    return Record(offset, of, type="clock.ticked", as_of=day)


def limit(offset: int, amount: str = "1000.00", account: str = "A") -> Record:
    return Record(offset, type="account.limit_set", account_id=account, credit_limit=amount, currency="USD")


def invoice(offset: int, amount: str) -> Record:
    return Record(
        offset, type="invoice.issued", account_id="A", invoice_id=f"I{offset}", amount=amount, currency="USD",
        invoice_date="2026-02-28", due_date="2026-03-30",
    )  # fmt: skip


class Worker:
    """A monitor over one partition that is restored from nothing."""

    def __init__(self) -> None:
        self.monitor = Monitor(SETTINGS)
        self.states = Partition(0, {}, load)
        self.monitor.restored(self.states)
        self.partitions = {0: self.states, 7: Partition(7, {}, load)}  # 7 is not ours any more
        self.source = self
        self.owned = frozenset([("credit.journal.v1", 0)])

    def takes(self, *records: Record) -> dict[tuple[str, ...], int]:
        block = Block("credit.journal.v1", 0, list(records))
        block.states = self.states
        with block:
            self.monitor.take(block)
        assert block.applied, block.error
        return block.tally

    def standing(self) -> dict[tuple[str, ...], float]:
        return dict(_standing(self))  # type: ignore[arg-type]


def test_a_block_counts_its_events_outputs_and_alerts() -> None:
    tally = Worker().takes(adopted(0), limit(1), invoice(2, "1500.00"), ended(3, "2026-03-01"))
    assert tally["bellwether_events_total", "journal", "applied"] == 4
    alerts = {key: n for key, n in tally.items() if key[0] == "bellwether_alerts_total"}
    assert alerts["bellwether_alerts_total", "over_limit", "4", "opened", "false"] == 1
    assert sum(alerts.values()) == tally["bellwether_outputs_total", "alerts"]


def test_what_is_set_aside_is_counted_by_its_feed_and_not_as_applied() -> None:
    worker = Worker()
    tally = worker.takes(adopted(0), limit(1), Record(2, type="proposal.approved", account_id="A",
                         proposal_id="none", actor="x", role="manager", limit="1.00", currency="USD"))  # fmt: skip
    assert tally["bellwether_dead_letters_total", "invoices", "refused"] == 1
    assert tally["bellwether_events_total", "journal", "applied"] == 2
    assert tally["bellwether_events_total", "journal", "set_aside"] == 1


def test_a_letter_of_the_journal_says_from_which_record_of_its_feed_it_came() -> None:
    worker = Worker()
    worker.takes(adopted(0), Record(1, type="no.such"))
    name, _, _, headers = worker.states.outputs[-1]
    assert name == "credit.dead-letters.v1"
    assert dict(headers or ()).items() >= {
        (PREFIX + "topic", b"credit.invoices.v1"),
        (PREFIX + "partition", b"3"),
        (PREFIX + "offset", b"1"),
    }


def test_a_tick_of_a_backfill_reports_no_book_and_a_live_one_does() -> None:
    worker = Worker()
    worker.takes(adopted(0), limit(1), ended(2, "2026-03-01", of="credit.history.v1"))
    assert not any(topic == "credit.control.v1" for topic, *_ in worker.states.outputs)
    worker.takes(ended(3, "2026-03-02"))
    ((_, _, report, _),) = [output for output in worker.states.outputs if output[0] == "credit.control.v1"]
    assert orjson.loads(report or b"").items() >= {"type": "book.reported", "as_of": "2026-03-02"}.items()


def test_an_alert_bears_cloudevents_headers_and_the_trace_of_the_event_behind_it_and_no_origin() -> None:
    worker = Worker()
    worker.takes(adopted(0), limit(1), invoice(2, "1500.00"))
    ((key, body, headers),) = (
        (key, orjson.loads(value or b""), list(headers or ()))
        for topic, key, value, headers in worker.states.outputs
        if topic == "credit.alerts.v1"
    )
    named = dict(headers)
    assert (key, body["trigger"]) == (b"A", "over_limit")
    assert UUID(str(named.pop("ce_id"))).version == 5
    assert named == {
        "ce_specversion": b"1.0", "ce_type": "credit.alert.opened", "ce_source": "bellwether",
        "ce_time": "2026-03-01T09:00:00Z", "content-type": b"application/json", TRACE[0]: TRACE[1],
    }  # fmt: skip


class Stray(Record):
    """A record that somebody else than intake wrote into the journal."""

    def __init__(self, offset: int, value: bytes | None) -> None:
        super().__init__(offset)
        self._value: Any = value

    def headers(self) -> list[tuple[str, bytes]]:
        return []


def test_what_nobody_can_read_in_the_journal_is_set_aside_and_the_line_goes_on() -> None:
    worker = Worker()
    strays = [
        Stray(n, value) for n, value in enumerate((None, b"", b"{", b"\xff", b'{"type":"invoice.issued"}'), 1)
    ]
    tally = worker.takes(adopted(0), *strays, limit(6))
    assert tally["bellwether_dead_letters_total", "journal", "refused"] == len(strays)
    assert tally["bellwether_events_total", "journal", "applied"] == 2
    letters = [headers for topic, _, _, headers in worker.states.outputs if topic == "credit.dead-letters.v1"]
    reasons = [dict(headers or ())["__connect.errors.exception.message"] for headers in letters]
    assert b"no value" in reasons[0]
    assert reasons[-1][:17] == b"event_id: missing"


def test_what_comes_before_the_first_policy_is_set_aside_and_stops_nobody() -> None:
    worker = Worker()
    tally = worker.takes(limit(0), ended(1, "2026-03-01"), adopted(2), limit(3))
    assert tally["bellwether_dead_letters_total", "invoices", "refused"] == 2
    assert tally["bellwether_events_total", "journal", "applied"] == 2


def test_what_a_rule_raised_on_is_counted_as_failed_in_the_second_pass() -> None:
    worker = Worker()
    worker.takes(adopted(0))
    block = Block("credit.journal.v1", 0, [limit(1), limit(2)])
    block.states = worker.states
    block.poison(1, "", ValueError("a rule of ours"))
    block.poisoned = False  # as it comes again
    with block:
        worker.monitor.take(block)
    assert block.tally["bellwether_dead_letters_total", "invoices", "failed"] == 1
    assert block.tally["bellwether_events_total", "journal", "applied"] == 1


def attempt(
    worker: Worker, *records: Record, poisons: dict[tuple[int, str], str] | None = None, partition: int = 0
) -> Block:
    """A block as the unit hands it out, `poisons` being what was raised in passes before."""
    block = Block("credit.journal.v1", partition, list(records), poisons)
    block.states = worker.partitions[partition]
    with block:
        worker.monitor.take(block)
    return block


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rules that raise on the facts of accounts B…, and in the tick on those of accounts T…"""

    def raising(letter: str, rule: Any) -> Any:
        def raises(fold: Any, account: Account, *rest: Any) -> Any:
            if account.account_id.startswith(letter):
                raise ValueError("a rule of ours")
            return rule(fold, account, *rest)

        return raises

    monkeypatch.setattr(Fold, "_step", raising("B", Fold._step))
    monkeypatch.setattr(Fold, "_wake", raising("T", Fold._wake))
    with capture_logs():  # to print a trace takes a second
        yield


@pytest.mark.usefixtures("faulty")
def test_a_rule_that_raises_undoes_its_block_and_costs_one_letter_when_it_comes_again() -> None:
    worker = Worker()
    worker.takes(adopted(0))
    poisons: dict[tuple[int, str], str] = {}
    records = limit(1, account="B"), limit(2), limit(3, account="T"), ended(4, "2026-03-01")
    for found in ((1, ""), (4, "T")):
        block = attempt(worker, *records, poisons=poisons)
        assert (block.applied, block.error, list(poisons)[-1]) == (False, None, found)
    worker = Worker()
    worker.takes(adopted(0))
    again = attempt(worker, *records, poisons=poisons)
    assert again.applied
    assert again.tally["bellwether_dead_letters_total", "invoices", "failed"] == 2
    assert again.tally["bellwether_events_total", "journal", "applied"] == 3


@pytest.mark.usefixtures("faulty")
def test_rules_that_raise_on_twenty_accounts_in_a_row_end_the_worker() -> None:
    worker = Worker()
    worker.takes(adopted(0))
    for n in range(FAILURES - 1):
        assert attempt(worker, limit(n, account=f"B{n}")).error is None
        assert attempt(worker, limit(n, account=f"B{n}"), poisons={(n, ""): "known"}).applied
    assert attempt(worker, limit(50, account="B0")).error is None, "no other account"
    tick = {(51, "T"): "known"}
    assert attempt(worker, limit(50, account="T"), ended(51, "2026-03-01"), poisons=tick).applied
    last = attempt(worker, limit(52, account="B52")).error
    assert isinstance(last, Fatal)
    assert "20 different accounts" in str(last)


@pytest.mark.usefixtures("faulty")
def test_accounts_on_which_a_rule_raised_are_counted_from_the_last_block_that_went_well() -> None:
    worker = Worker()
    worker.takes(adopted(0))
    for n in range(2 * FAILURES):
        assert attempt(worker, limit(2 * n, account=f"B{n}")).error is None
        if n % (FAILURES - 1) == 0:
            worker.takes(limit(2 * n + 1))


@pytest.mark.usefixtures("faulty")
def test_what_goes_well_in_another_partition_takes_nothing_from_the_count() -> None:
    worker = Worker()
    worker.takes(adopted(0))
    assert attempt(worker, adopted(0), partition=7).applied
    for n in range(1, FAILURES):
        assert attempt(worker, limit(n, account=f"B{n}")).error is None
        assert attempt(worker, limit(n), partition=7).applied
    assert isinstance(attempt(worker, limit(50, account="B50")).error, Fatal)


def test_a_monitor_that_starts_again_wakes_at_the_next_tick_who_was_to_wake() -> None:
    before, after = Worker(), Worker()
    before.takes(adopted(0), limit(1), invoice(2, "900.00"))
    written: list[SimpleNamespace] = []

    def produce(_topic: str, value: bytes | None, key: bytes | None, *_: Any) -> None:
        written.append(SimpleNamespace(key=lambda: key, value=lambda: value))

    before.states.outputs.clear()
    before.states.write("states", dump, produce)
    after.states = Partition(0, {}, load)
    for record in written:
        after.states.remember(record)
    after.monitor.restored(after.states)
    after.takes(ended(3, "2026-03-01"))
    told = {(topic, key) for topic, key, *_ in after.states.outputs}
    assert ("credit.snapshots.v1", b"A") in told
    assert ("credit.account-status.v1", b"A") in told


def test_the_last_tick_is_the_end_of_its_day_and_the_policy_is_the_one_in_force() -> None:
    worker = Worker()
    assert worker.standing() == {}
    worker.takes(adopted(0))
    (policy,) = worker.standing().items()
    assert policy == (("bellwether_policy_info", policy_hash(POLICY), ENGINE), 1)
    worker.takes(ended(1, "2026-03-01"))
    at = worker.standing()["bellwether_last_tick_timestamp_seconds",]
    assert datetime.fromtimestamp(at, UTC) == datetime(2026, 3, 2, tzinfo=UTC)
    behind = worker.partitions[1] = Partition(1, {}, load)
    worker.monitor.restored(behind)
    worker.owned |= {("credit.journal.v1", 1)}
    assert ("bellwether_last_tick_timestamp_seconds",) not in worker.standing(), "one has seen none"


def test_a_block_of_more_accounts_than_there_is_memory_for_goes_on_in_the_next_commit() -> None:
    worker = Worker()
    worker.states.most = 0
    records = [
        adopted(0),
        *(limit(n, account=f"C{n % 120}") for n in range(1, 200)),
        ended(200, "2026-03-01"),
    ]
    commits = []
    while records:
        block = Block("credit.journal.v1", 0, list(records))
        block.states = worker.states
        with block:
            worker.monitor.take(block)
        assert block.applied, block.error
        commits.append(block.end)
        worker.states.write("state", dump, lambda *_: None)
        worker.states.committed()
        worker.states.lay_aside()
        assert worker.states.at_hand() == 0
        del records[: block.end]
    assert commits[:2] == [50, 50], "the policy's state is one of the first fifty"
    assert sum(commits) == 201
    assert commits.count(0) == 2, "the tick wakes 120 accounts in three slices"

"""What a rebuild compares, translates and writes, without a broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import confluent_kafka as ck
import orjson
import pytest

from agents.ids import derived, namespace_id
from agents.records import Output
from schemas.events import parse
from streams import rebuild
from streams.copying import translated
from streams.reading import COPIED
from streams.rebuild import Difference, compare, lengths, write_namespace
from streams.settings import Settings
from tests.unit.test_monitor import fold
from tests.unit.test_relations import back_under_it, opened, over_its_limit

OURS, THEIRS = namespace_id("old"), namespace_id("new")


def alert(account: str = "C1", as_of: str = "2026-01-05", **changed: Any) -> dict[str, Any]:
    return {
        "alert_id": f"id-{account}", "account_id": account, "trigger": "over_limit", "as_of": as_of, "severity": 4,
        "engine": "1", "url": "/alerts/x", "evidence": {"metrics": {"utilization": 1.1}}, **changed,
    }  # fmt: skip


Cases = list[list[dict[str, Any]]]


def compared(before: Cases, after: Cases) -> Difference:
    """Where nothing was told since the journal was copied."""
    return compare(before, after, lengths(before))


def test_the_same_cases_under_other_ids_and_another_engine_are_no_difference() -> None:
    assert compared([[alert()]], [[alert(alert_id="other", engine="2", url="/alerts/y")]]).none()


def test_what_stands_in_the_order_of_its_ids_is_in_another_order_there_and_no_difference() -> None:
    def distressed(*related: tuple[str, int]) -> dict[str, Any]:
        told = [{"account_id": "C2", "alert_id": ident, "severity": severity} for ident, severity in related]
        return alert(trigger="related_party_distress", evidence={"metrics": {"related": told}})

    before = [[distressed(("id-1", 4)), distressed(("id-1", 4), ("id-2", 5))]]
    assert compared(before, [[distressed(("id-8", 4)), distressed(("id-7", 5), ("id-8", 4))]]).none()
    assert not compared(before, [[distressed(("id-8", 4)), distressed(("id-7", 4), ("id-8", 4))]]).none()
    assert not compared(before, [list(reversed(before[0]))]).none(), "transitions have an order of their own"


def test_what_no_monitor_wrote_into_the_outputs_is_left_out() -> None:
    ours = [orjson.dumps(alert()), orjson.dumps(alert(status="cleared"))]
    foreign = [
        b"hello",
        None,
        b"[1]",
        b'{"alert_id": "x"}',
        orjson.dumps({"account_id": "C1", "trigger": "t"}),
    ]
    records = [SimpleNamespace(value=lambda v=value: v) for value in (*foreign, *ours, *foreign)]
    cases = rebuild.cases_of(records, "alerts")
    assert cases == [[alert(), alert(status="cleared")]]
    assert compared(cases, cases).none()


def test_gained_lost_and_changed_are_told_by_name() -> None:
    before = [[alert("C1")], [alert("C2")], [alert("C3"), alert("C3", "2026-01-07", status="cleared")]]
    after = [[alert("C1", evidence={"metrics": {"utilization": 1.2}})], [alert("C3")], [alert("C4")]]
    found = compared(before, after)
    assert found.changed == ["C1 over_limit 2026-01-05", "C3 over_limit 2026-01-05"]
    assert found.lost == ["C2 over_limit 2026-01-05"]
    assert found.gained == ["C4 over_limit 2026-01-05"]
    assert (found.before, found.after) == (3, 3)
    assert not found.none()


def test_what_is_told_while_the_rebuild_runs_is_not_lost_by_it_and_may_be_told_by_it_too() -> None:
    told: Cases = [[alert("C1")], [alert("C2")]]
    opened, cleared = alert("C1"), alert("C1", "2026-01-07", status="cleared")
    now: Cases = [
        [opened, cleared],
        [alert("C2"), alert("C2", status="snoozed")],
        [alert("C3")],
        [alert("C4")],
    ]
    after: Cases = [[opened, cleared], [alert("C2")], [alert("C3")]]
    found = compare(now, after, lengths(told))
    assert found.none()
    assert (found.before, found.after) == (3, 3)
    assert compare(now, after[1:], lengths(told)).lost == ["C1 over_limit 2026-01-05"]
    otherwise = compare(now, [[opened, opened], *after[1:], [alert("C5")]], lengths(told))
    assert otherwise.changed == ["C1 over_limit 2026-01-05"]
    assert otherwise.gained == ["C5 over_limit 2026-01-05"]


def test_two_cases_of_one_day_are_two() -> None:
    twice = [[alert(alert_id="a")], [alert(alert_id="b")]]
    assert compared(twice, twice).none()
    assert compared(twice, twice[:1]).lost == ["C1 over_limit 2026-01-05 #2"]


def test_a_decision_names_what_it_decided_on_in_the_other_namespace() -> None:
    event = {
        "type": "proposal.approved",
        "account_id": "C1",
        "proposal_id": derived(OURS, "proposal", "C1", 3),
    }
    there = orjson.loads(translated(orjson.dumps(event), OURS, THEIRS))
    assert there == {**event, "proposal_id": derived(THEIRS, "proposal", "C1", 3)}
    event = {
        "type": "alert.snoozed",
        "account_id": "C1",
        "alert_id": derived(OURS, "alert", "C1", "over_limit", 2),
    }
    there = orjson.loads(translated(orjson.dumps(event), OURS, THEIRS))
    assert there["alert_id"] == derived(THEIRS, "alert", "C1", "over_limit", 2)


def test_a_relative_in_distress_is_named_by_its_own_alert() -> None:
    told = {
        "type": "related.distressed",
        "account_id": "C1",
        "related_account_id": "P1",
        "alert_id": derived(OURS, "alert", "P1", "insolvency", 1),
    }
    there = orjson.loads(translated(orjson.dumps(told), OURS, THEIRS))
    assert there["alert_id"] == derived(THEIRS, "alert", "P1", "insolvency", 1)


def test_relatives_who_are_told_again_by_the_rebuilt_monitor_say_nothing_new() -> None:
    """The journal holds what relatives were told, and the monitor over there tells it once more, under ids of its own."""
    first = fold()
    first.ids = OURS
    journal: list[bytes] = []
    facts = [
        *(opened("parent"), opened("one", "parent"), opened("two", "parent")),
        *over_its_limit("parent"),
        *over_its_limit("one"),
        back_under_it("one"),
    ]
    waiting = [fact.model_dump_json(exclude_none=True).encode() for fact in facts]
    before = _told(first, waiting, journal, answered=True)
    assert {a["status"] for a in before if a["trigger"] == "related_party_distress"} >= {
        "opened",
        "escalated",
    }

    again = fold()
    again.ids = THEIRS
    repeated: list[bytes] = []
    after = _told(again, [translated(raw, OURS, THEIRS) for raw in journal], repeated, answered=False)
    assert compared([[a] for a in before], [[a] for a in after]).none()
    assert len(repeated) > len(journal), "the monitor told the relatives anew"
    assert _told(again, repeated[len(journal) :], [], answered=True) == []


def _told(to: Any, waiting: list[bytes], journal: list[bytes], *, answered: bool) -> list[dict[str, Any]]:
    """The alerts of these events, live. What relatives are told comes next, or when `answered` is not, stays behind."""
    alerts: list[dict[str, Any]] = []
    left: list[bytes] = []
    while waiting:
        raw = waiting.pop(0)
        journal.append(raw)
        for output in to.event(parse(raw), lambda: True):
            assert isinstance(output, Output), output
            if output.topic == "alerts":
                alerts.append(output.body)
            elif output.topic == "accounts":
                (waiting if answered else left).append(orjson.dumps(output.body))
    journal += left
    return alerts


def test_all_other_events_and_decisions_on_nothing_known_stay_as_they_are() -> None:
    for raw in (
        b'{"type":"invoice.issued","account_id":"C1","amount":"1.00"}',
        b'{"type":"proposal.rejected","account_id":"C1","proposal_id":"nobody\'s"}',
        b'{"type":"proposal.rejected","proposal_id":"no account"}',
        b'["proposal_id", "alert_id"]',
        b'{"alert_id"',
    ):
        assert translated(raw, OURS, THEIRS) is raw


def test_the_namespace_is_written_beside_what_the_file_says_already(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    write_namespace(env_file, "new")
    assert env_file.read_text() == "BELLWETHER_NAMESPACE=new\n"
    env_file.write_text("BELLWETHER_BROKER=dev\nBELLWETHER_NAMESPACE=old\n# end\n")
    write_namespace(env_file, "new")
    assert env_file.read_text() == (
        "BELLWETHER_BROKER=dev\n# BELLWETHER_NAMESPACE=old\n# end\nBELLWETHER_NAMESPACE=new\n"
    )
    assert list(tmp_path.iterdir()) == [env_file]


class Copied:
    """A record of a rebuilt journal, as it is read back."""

    def __init__(self, at: int, source: int) -> None:
        self.at, self.source = at, source

    def offset(self) -> int:
        return self.at

    def headers(self) -> list[tuple[str, bytes]]:
        return [(COPIED, b"%d" % self.source)]


@dataclass(frozen=True)
class Came:
    """A record of the deployment that is copied."""

    at: int
    value_: bytes | None
    headers_: tuple[tuple[str, bytes], ...] = ()

    def offset(self) -> int:
        return self.at

    def key(self) -> bytes:
        return b"C1"

    def value(self) -> bytes | None:
        return self.value_

    def headers(self) -> list[tuple[str, bytes]]:
        return list(self.headers_)

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_767_225_600_000  # 2026-01-01


class Kept:
    """Topics of two deployments, what is sent into one of them, and what a group of it commits."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **topics: list[Any]) -> None:
        self.topics = {name.replace("_", "."): records for name, records in topics.items()}
        self.sent: list[tuple[Any, ...]] = []
        self.committed: list[ck.TopicPartition] = []
        self.group = ""
        monkeypatch.setattr(rebuild, "read_topic", self.read)
        monkeypatch.setattr(rebuild, "committed", lambda *_: {("old.credit.control.v1", 0): 5})
        monkeypatch.setattr(rebuild, "copying", lambda *_: nullcontext(SimpleNamespace(send=self.send)))

    def read(
        self, _kafka: Any, topic: str, _number: int, since: int = 0, whole: bool = False
    ) -> Iterator[Any]:
        return (record for record in self.topics[topic] if record.offset() >= since)

    def send(self, *record: Any) -> None:
        self.sent.append(record)
        there = self.topics.setdefault(record[0], [])
        there.append(Copied(len(there), int(dict(record[-1])[COPIED])))

    def consumer(self, own: dict[str, Any]) -> Kept:
        self.group = own["group.id"]
        return self

    def commit(self, offsets: list[ck.TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.committed += offsets

    def close(self) -> None:
        pass


OLD, NEW = (Settings(_env_file=None, namespace=name) for name in ("old", "new"))


def test_the_new_clock_goes_on_from_control_records_that_its_intake_counts_as_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Read again they would put every policy of before into the journal that holds them already."""

    def control(**fields: Any) -> bytes:
        base = {"event_id": "e", "occurred_at": "2026-01-01T00:00:00Z", "source": "s"}
        return orjson.dumps({**base, **fields})

    ticks = [control(type="clock.ticked", as_of=day) for day in ("2025-12-29", "2025-12-30", "2026-01-09")]
    book = control(type="book.reported", as_of="2025-12-30", partition=0, exposure="1.00", accounts=1)
    old = [ticks[0], ticks[1], book, ticks[2], b"no event", control(type="clock.ticked", as_of="2025-12-31")]
    kept: Any = Kept(
        monkeypatch,
        new_credit_control_v1=[Copied(0, 0)],
        old_credit_control_v1=[Came(at, value) for at, value in enumerate(old)],
    )
    rebuild._copy_control(kept, OLD, NEW)
    assert [(value, headers) for _, value, _, _, headers in kept.sent] == [
        (old[1], [(COPIED, b"1")]),
        (old[5], [(COPIED, b"5")]),
    ], "not what was copied before, is refused, or is the old monitor's"
    (end,) = kept.committed
    assert (kept.group, end.topic, end.partition) == ("new.intake", "new.credit.control.v1", 0)
    assert end.offset == 2, "the copies at 0 and 1 were read here, the one at 2 was not"

"""What is scraped: the one table, what commits count, and a port that is taken is refused in a sentence."""

from __future__ import annotations

import re
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import TOPICS
from streams.blocks import Block
from streams.errors import Refused
from streams.metrics import BUCKETS, BY_NAME, METRICS, PORTS, SAMPLES, Metrics, serve, table
from streams.settings import Settings, deploy_dir
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class Record:
    """A Kafka message, as far as latencies ask it."""

    def __init__(self, offset: int, sent: float, topic: str = "credit.journal.v1", **headers: bytes) -> None:
        self._offset, self._sent, self._topic = offset, sent, topic
        self._headers = [(name.replace("_", "-"), value) for name, value in headers.items()]

    def offset(self) -> int:
        return self._offset

    def topic(self) -> str:
        return self._topic

    def timestamp(self) -> tuple[int, int]:
        return 1, int(self._sent * 1000)

    def headers(self) -> list[tuple[str, bytes]]:
        return self._headers


def settings(port: int = 0) -> Settings:
    return Settings(_env_file=None, metrics_port=port)


def journal(*records: Record, committed: bool = True, **tally: int) -> Block:
    block = Block("credit.journal.v1", 0, list(records))
    block.committed = committed
    block.tally = {("bellwether_events_total", "journal", said): n for said, n in tally.items()}
    return block


def read(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """(name of the sample, values of the labels but `app`) -> value."""
    return {
        (s.name, *(value for label, value in s.labels.items() if label != "app")): s.value
        for family in metrics.collect()
        for s in family.samples
    }


def answer(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


# -- the table -----------------------------------------------------------------------------------------------------


def faults(text: str) -> list[str]:
    """What is wrong with the names and labels of a table: units, endings, and labels that grow with the book."""
    out = []
    for metric in METRICS:
        if f"`{metric.name}`" not in text:
            out.append(f"{metric.name} is not in the document")
        out += named_wrong(metric.name, metric.kind, metric.labels)
    return out


def named_wrong(name: str, kind: str, labels: tuple[str, ...]) -> list[str]:
    out = []
    if not re.fullmatch(r"bellwether_[a-z_]+", name):
        out.append(f"{name}: no name of ours")
    if (kind == "counter") != name.endswith("_total"):
        out.append(f"{name}: counters, and they alone, end in _total")
    if re.search(r"_(ms|milliseconds|minutes|hours|days|kb|mb|percent)(_|$)", name):
        out.append(f"{name}: not in base units")
    if kind == "histogram" and not name.endswith("_seconds"):
        out.append(f"{name}: a histogram without its unit")
    out += [f"{name}: label {label}" for label in labels if re.search(r"account|invoice|payment|_id$", label)]
    return out


def test_the_document_is_the_table() -> None:
    text = (deploy_dir() / "prometheus" / "METRICS.md").read_text(encoding="utf-8")
    assert table() in text, "run: python -m tests.metrics"
    assert faults(text) == []


@pytest.mark.parametrize(
    ("name", "kind", "labels"),
    [
        ("bellwether_commits", "counter", ()),
        ("bellwether_lag_total", "gauge", ()),
        ("bellwether_latency_ms", "gauge", ()),
        ("bellwether_latency", "histogram", ()),
        ("bellwether_alerts_total", "counter", ("account_id",)),
        ("commits_total", "counter", ()),
    ],
)
def test_the_checker_of_names_finds_what_is_wrong(name: str, kind: str, labels: tuple[str, ...]) -> None:
    assert len(named_wrong(name, kind, labels)) == 1


def test_names_are_there_once() -> None:
    assert len(BY_NAME) == len(METRICS)


@pytest.mark.parametrize("app", ["intake", "monitor", "store"])
def test_an_app_serves_its_rows_of_the_table_also_before_it_has_a_sample(app: str) -> None:
    served = {family.name: family for family in Metrics(app, settings()).collect()}
    told = {metric.name: metric for metric in METRICS if app in metric.apps}
    assert {name.removesuffix("_total") for name in told} == set(served)
    for name, metric in told.items():
        assert served[name.removesuffix("_total")].documentation == metric.help


def test_every_row_of_the_table_is_served_by_somebody() -> None:
    assert all(metric.apps and set(metric.apps) <= PORTS.keys() for metric in METRICS)


# -- what commits count --------------------------------------------------------------------------------------------


def test_what_a_block_counts_is_counted_with_its_commit_and_only_then() -> None:
    metrics = Metrics("monitor", settings())
    metrics.expect([("bellwether_events_total", "journal", "applied")])
    assert read(metrics)["bellwether_events_total", "journal", "applied"] == 0
    now = time.time()
    metrics.committed(
        [journal(Record(0, now), applied=1), journal(Record(1, now), applied=1, committed=False)]
    )
    assert read(metrics)["bellwether_events_total", "journal", "applied"] == 1
    assert read(metrics)["bellwether_end_to_end_latency_seconds_count", "live"] == 1
    metrics.committed([journal(Record(1, now), applied=1)])
    assert read(metrics)["bellwether_events_total", "journal", "applied"] == 2


@pytest.mark.parametrize("records", [1, 15, 16, 17, 100, 5000])
def test_each_record_of_a_block_has_a_latency_though_few_are_looked_at(records: int) -> None:
    metrics = Metrics("monitor", settings())
    now = time.time()
    block = journal(*(Record(i, now - 7) for i in range(records)))
    metrics.committed([block])
    seen = read(metrics)
    for name in ("decision", "end_to_end"):
        assert seen[f"bellwether_{name}_latency_seconds_count", "live"] == records
        assert seen[f"bellwether_{name}_latency_seconds_bucket", "live", "5.0"] == 0
        assert 7 * records <= seen[f"bellwether_{name}_latency_seconds_sum", "live"] < 10 * records


def test_a_policy_at_the_head_of_a_block_takes_no_event_into_its_lane() -> None:
    metrics = Metrics("monitor", settings())
    now = time.time()
    policy = Record(0, now, origin_topic=b"credit.control.v1")
    events = [Record(i, now, origin_topic=b"credit.history.v1") for i in range(1, 160)]
    metrics.committed([journal(policy, *events)])
    seen = read(metrics)
    assert seen["bellwether_end_to_end_latency_seconds_count", "control"] == 1
    assert seen["bellwether_end_to_end_latency_seconds_count", "history"] == 159


def test_a_latency_stands_for_the_records_behind_it_and_never_for_less_than_theirs() -> None:
    metrics = Metrics("monitor", settings())
    now = time.time()
    count = SAMPLES * 10
    metrics.committed([journal(*(Record(i, now - (200 if i < count // 2 else 2)) for i in range(count)))])
    seen = read(metrics)
    assert seen["bellwether_decision_latency_seconds_bucket", "live", "60.0"] == count / 2
    assert seen["bellwether_decision_latency_seconds_bucket", "live", "300.0"] == count


def test_records_that_a_block_deferred_have_no_latency_yet() -> None:
    metrics = Metrics("monitor", settings())
    block = journal(*(Record(i, time.time()) for i in range(5)))
    block.defer(2)
    metrics.committed([block])
    assert read(metrics)["bellwether_decision_latency_seconds_count", "live"] == 2


def test_a_decision_is_measured_from_the_journal_and_the_whole_from_the_source() -> None:
    metrics = Metrics("monitor", settings())
    now = time.time()
    sent = b"%d" % ((now - 200) * 1000)
    metrics.committed(
        [journal(Record(0, now - 20, origin_topic=b"credit.invoices.v1", origin_timestamp=sent))]
    )
    seen = read(metrics)
    assert 20 <= seen["bellwether_decision_latency_seconds_sum", "live"] < 150
    assert seen["bellwether_end_to_end_latency_seconds_sum", "live"] >= 200


def test_of_partitions_that_were_lost_nothing_is_served() -> None:
    """While Kafka is away nothing replaces them: they stood there as this worker's own."""
    metrics = Metrics("monitor", settings())
    kept, lost = ("credit.journal.v1", 0), ("credit.journal.v1", 1)
    unit: Any = SimpleNamespace(
        source=SimpleNamespace(inputs={kept, lost}, owned={kept, lost}, where={}, statistics=(0.0, "")),
        stats=dict,
    )
    metrics.health.joined(unit)
    metrics.health.behind = {kept: 3, lost: 4}
    metrics.health.positions = {kept: 13, lost: 14}
    unit.source.owned = {kept}
    seen = read(metrics)
    for name, value in (("bellwether_consumer_lag_records", 3.0), ("bellwether_committed_offset", 13.0)):
        assert {key: seen[key] for key in seen if key[0] == name} == {(name, "journal", "0"): value}


@pytest.mark.parametrize(
    ("origin", "lane"), [("invoices", "live"), ("history", "history"), ("control", "control")]
)
def test_backfills_and_ticks_do_not_count_against_what_is_promised_of_live_events(
    origin: str, lane: str
) -> None:
    metrics = Metrics("monitor", settings())
    metrics.committed([journal(Record(0, time.time(), origin_topic=f"credit.{origin}.v1".encode()))])
    seen = read(metrics)
    assert {name: seen["bellwether_decision_latency_seconds_count", name] for name in ("live", "history", "control")} == {
        **dict.fromkeys(("live", "history", "control"), 0.0),
        lane: 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("app", "topic"),
    [("intake", "invoices"), ("store", "dead-letters"), ("store", "late"), ("monitor", "journal")],
)
def test_headers_that_a_source_made_up_stop_nobody_and_change_nothing_of_what_is_measured(
    app: str, topic: str
) -> None:
    metrics = Metrics(app, settings())
    name = TOPICS[topic].name
    block = Block(name, 0, [Record(0, time.time(), name, origin_timestamp=b"yesterday", origin_topic=b"x")])
    block.committed = True
    metrics.committed([block])
    assert read(metrics)["bellwether_end_to_end_latency_seconds_bucket", "live", "60.0"] == 1


def test_a_letter_is_measured_by_its_own_time_and_in_the_lane_of_what_is_live() -> None:
    """Its origin and its time of origin are what the source of the record that was refused put there."""
    metrics = Metrics("store", settings())
    name = TOPICS["dead-letters"].name
    sent = b"%d" % ((time.time() - 5000) * 1000)
    block = Block(
        name, 0, [Record(0, time.time(), name, origin_timestamp=sent, origin_topic=b"credit.control.v1")]
    )
    block.committed = True
    metrics.committed([block])
    assert read(metrics)["bellwether_end_to_end_latency_seconds_bucket", "live", "60.0"] == 1


def test_a_clock_that_runs_ahead_makes_no_negative_latency() -> None:
    metrics = Metrics("monitor", settings())
    metrics.committed([journal(Record(0, time.time() + 500))])
    assert read(metrics)["bellwether_decision_latency_seconds_sum", "live"] == 0


def test_buckets_rise_and_hold_the_promised_second() -> None:
    assert list(BUCKETS) == sorted(BUCKETS)
    assert 1.0 in BUCKETS


# -- the port ------------------------------------------------------------------------------------------------------


def test_metrics_and_both_verdicts_are_served() -> None:
    port = free_port()
    metrics = Metrics("intake", settings(port))
    serve(settings(port), metrics)
    code, text = answer(port, "/metrics")
    assert code == 200
    families = {family.name for family in text_string_to_metric_families(text)}
    assert {"bellwether_events", "process_resident_memory_bytes"} <= families
    assert answer(port, "/livez") == (200, "ok\n")
    assert answer(port, "/readyz") == (503, "it has not joined its group yet\n")
    assert answer(port, "/../etc/passwd")[0] == 404


def test_without_a_port_nothing_is_served() -> None:
    before = set(threading.enumerate())
    serve(settings(0), Metrics("intake", settings()))
    assert set(threading.enumerate()) <= before


def test_a_port_that_is_taken_is_refused_with_the_variable_to_change() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] - PORTS["monitor"]
        with pytest.raises(Refused, match="BELLWETHER_METRICS_PORT"):
            serve(settings(port), Metrics("monitor", settings()))


def test_the_ports_of_the_apps_differ() -> None:
    made: dict[str, Any] = dict(PORTS)
    assert len(set(made.values())) == len(made)

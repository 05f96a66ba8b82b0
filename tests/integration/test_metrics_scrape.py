"""Live scrapes: what promtool says of them, what they count of a run, and workers that hang or lose their broker."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.dev.processes import dev_services
from streams.metrics import METRICS, PORTS
from streams.settings import Settings
from streams.simulate import generate
from tests.integration.pipeline import backfill, deployment, finished, prepare, workers
from tests.ports import free_port
from tests.prometheus import run

WAIT = 180.0  # generous, for machines that are busy
LIVE = 40  # invoices sent live, beside three payments that are no events
Samples = dict[tuple[str, ...], float]


def answer(port: int, path: str, seconds: float = 30.0) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def scraped(port: int) -> Samples:
    """(name of the sample, values of its labels in order) -> value."""
    families = text_string_to_metric_families(answer(port, "/metrics")[1])
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def until(what: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT
    while not what():
        assert time.monotonic() < limit, "it did not come about"
        time.sleep(0.2)


def served(port: int) -> bool:
    with contextlib.suppress(OSError):
        return answer(port, "/readyz")[0] == 200
    return False


def total(samples: Samples, name: str, *labels: str) -> float:
    return sum(value for key, value in samples.items() if key[0] == name and set(labels) <= set(key[1:]))


@dataclass(frozen=True)
class Run:
    """A book through history and some live events, with its workers still up and nothing left to do."""

    ports: dict[str, int]
    pids: dict[str, int]
    accounts: set[str]
    events: int


@pytest.fixture(scope="module")
def seen(kafka: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    first = free_port(len(PORTS) + 1)
    base = deployment(kafka, clickhouse, f"t{os.urandom(5).hex()}", tmp_path_factory.mktemp("metrics"))
    settings = base.model_copy(update={"metrics_port": first, "web_port": first + len(PORTS)})
    prepare(settings, kafka)
    book = list(generate(12, 8, 21))
    backfill(settings, kafka, book)
    facts = [event for event in book if event["type"] != "clock.ticked"]
    accounts, events = {event["account_id"] for event in facts}, len(facts)
    ports = {app: first + n for app, n in PORTS.items()}
    with workers(settings, *PORTS) as crew:
        until(lambda: crew.check() == [] and all(served(port) for port in ports.values()))
        finished(settings, kafka, crew)
        send_live(settings, kafka, sorted(accounts)[0])
        until(lambda: total(scraped(ports["intake"]), "bellwether_events_total", "invoices") == LIVE)
        until(lambda: total(scraped(ports["intake"]), "bellwether_events_total", "refused") == 3)
        until(
            lambda: (
                total(scraped(ports["monitor"]), "bellwether_decision_latency_seconds_count", "live") == LIVE
            )
        )
        finished(settings, kafka, crew)
        until(
            lambda: all(
                total(scraped(port), "bellwether_consumer_lag_records") == 0 for port in ports.values()
            )
        )
        for path in ("/login", f"/accounts/{sorted(accounts)[0]}"):
            assert answer(settings.web_port, path)[0] == 200
        yield Run(ports, {child.name: child.pid for child in crew.children}, accounts, events)


def send_live(settings: Settings, kafka: str, account: str) -> None:
    producer = Kafka(kafka).producer({})
    for number in range(LIVE):
        event = {
            "event_id": f"live-{number}", "type": "invoice.issued", "account_id": account, "source": "erp",
            "occurred_at": "2026-01-12T09:30:00Z", "invoice_id": f"live-{number}", "amount": "18.50",
            "currency": "USD", "invoice_date": "2026-01-12", "due_date": "2026-02-11",
        }  # fmt: skip
        producer.produce(settings.prefixed(TOPICS["invoices"].name), orjson.dumps(event))
    for _ in range(3):
        producer.produce(settings.prefixed(TOPICS["payments"].name), b"no event")
    assert producer.flush(30) == 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("app", PORTS)
def test_promtool_finds_nothing_to_say_of_a_live_scrape(seen: Run, app: str) -> None:
    code, text = answer(seen.ports[app], "/metrics")
    assert code == 200
    assert run("promtool", "check", "metrics", text=text) == (0, "")


def test_promtool_would_find_a_counter_that_is_not_named_as_one() -> None:
    assert run("promtool", "check", "metrics", text="# HELP a_ms b\n# TYPE a_ms counter\na_ms 1\n")[0] != 0


def test_the_scrape_counts_what_was_sent_and_what_became_of_it(seen: Run) -> None:
    intake, monitor, store = (scraped(seen.ports[app]) for app in ("intake", "monitor", "store"))
    accepted = total(intake, "bellwether_events_total", "history", "accepted")
    assert accepted > seen.events, "the events, and a tick a day and partition"
    assert total(intake, "bellwether_dead_letters_total", "payments") == 3
    applied = total(monitor, "bellwether_events_total", "journal")
    assert applied == accepted + LIVE + 4, "all of it, and the policy in each partition"
    assert total(store, "bellwether_events_total", "journal") == applied
    for samples, count in ((intake, accepted), (monitor, accepted)):
        assert total(samples, "bellwether_end_to_end_latency_seconds_count", "history") == count
        assert total(samples, "bellwether_end_to_end_latency_seconds_count", "live") in (LIVE, LIVE + 3)
    assert total(monitor, "bellwether_states") == len(seen.accounts)
    assert total(monitor, "bellwether_states_at_hand") == len(seen.accounts)
    assert (
        total(monitor, "bellwether_alerts_total") == total(monitor, "bellwether_outputs_total", "alerts") > 0
    )
    assert total(store, "bellwether_store_rows_total") >= applied
    for samples in (intake, monitor, store):
        assert total(samples, "bellwether_partitions_assigned") == total(samples, "bellwether_partitions") > 0
    # The parts of a scrape are not of one moment, and the clock may have just sent a day's end.
    for app in ("intake", "monitor", "store"):
        until(lambda app=app: is_settled(scraped(seen.ports[app])))  # type: ignore[misc]


def is_settled(samples: Samples) -> bool:
    """Nothing is unread, and each commit was timed; tries that wrote nothing are timed too."""
    commits, timed = (
        total(samples, f"bellwether_{name}") for name in ("commits_total", "commit_seconds_count")
    )
    return 0 < commits <= timed and total(samples, "bellwether_consumer_lag_records") == 0


def test_every_row_of_the_table_has_a_sample_in_a_run(seen: Run) -> None:
    for app, port in seen.ports.items():
        names = {key[0] for key in scraped(port)}
        for metric in METRICS:
            sample = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
            assert (sample in names) == (app in metric.apps), f"{metric.name} of {app}"


def test_no_account_is_a_label(seen: Run) -> None:
    for port in seen.ports.values():
        assert not {value for key in scraped(port) for value in key[1:]} & seen.accounts


def test_workers_with_nothing_to_do_are_live_and_ready(seen: Run) -> None:
    for port in seen.ports.values():
        assert answer(port, "/livez") == (200, "ok\n")
        assert answer(port, "/readyz") == (200, "ok\n")


def test_a_worker_that_is_stopped_does_not_answer_and_one_that_goes_on_does(seen: Run) -> None:
    port, pid = seen.ports["store"], seen.pids["store"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(OSError, match="timed out"):
            answer(port, "/metrics", seconds=2)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: served(port))


@pytest.mark.timeout(600)
def test_a_worker_that_loses_its_broker_is_not_ready_and_says_so(tmp_path: Path, namespace: str) -> None:
    own = Settings(_env_file=None, broker="dev", store="clickhouse://unused", data_dir=tmp_path)
    with dev_services(own) as services:
        servers = services.kafka_servers
        port = free_port(len(PORTS) + 1)
        settings = deployment(servers, "dev", namespace, tmp_path / "worker").model_copy(
            update={"metrics_port": port}
        )
        prepare(settings, servers)
        record = orjson.loads((tmp_path / "services.json").read_bytes())
        broker = record["services"]["kafka"]["pid"]
        with workers(settings, "intake") as crew:
            until(lambda: crew.check() == [] and served(port))
            until(lambda: total(scraped(port), "bellwether_events_total", "control", "accepted") == 1)
            os.kill(broker, signal.SIGSTOP)
            try:
                until(lambda: "the broker has not been heard for" in answer(port, "/readyz")[1])
                assert answer(port, "/readyz")[0] == 503
                silent = scraped(port)["bellwether_broker_silent_seconds", "intake"]
                assert silent > 10
                assert scraped(port)["bellwether_worker_ready", "intake"] == 0
            finally:
                os.kill(broker, signal.SIGCONT)
            until(lambda: served(port))
            assert scraped(port)["bellwether_broker_silent_seconds", "intake"] < silent

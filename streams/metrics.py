"""What on-call staff scrape: one table of metrics, what is counted of each, and the port with /metrics, /livez, /readyz.

No account is a label, and nothing here decides. Rules and runbook: deploy/prometheus/, deploy/runbook.md.
"""

from __future__ import annotations

import socket
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final, Literal, Protocol
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from structlog import get_logger

from schemas.topics import TOPICS
from streams.blocks import Block
from streams.errors import Refused
from streams.health import Health
from streams.settings import Settings

log = get_logger(__name__)

Key = tuple[str, ...]  # name of a metric, then the values of its labels without `app`, in the table's order

PORTS: Final = {"intake": 0, "monitor": 1, "store": 2, "web": 3}
"""App -> what is added to the metrics port, so that one machine can run all of them."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. Every metric has the label `app` before its own. `apps`: which apps serve it."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    apps: tuple[str, ...] = ("intake", "monitor", "store")


_PAIR: Final = ("intake", "monitor")
_FOLD: Final = ("monitor",)
_PAGE: Final = ("web",)

METRICS: Final[tuple[Metric, ...]] = (
    Metric(
        "bellwether_worker_live",
        "gauge",
        "What /livez says: 0 when there is something to do and no progress.",
    ),
    Metric(
        "bellwether_worker_ready", "gauge", "What /readyz says: 1 once partitions are assigned and restored."
    ),
    Metric("bellwether_partitions", "gauge", "Input partitions of the app, whoever owns them."),
    Metric("bellwether_partitions_assigned", "gauge", "Input partitions that this worker owns."),
    Metric(
        "bellwether_consumer_lag_records",
        "gauge",
        "Records of an owned partition that are not committed yet, at most; 0 when nothing waits.",
        ("topic", "partition"),
    ),
    Metric(
        "bellwether_committed_offset",
        "gauge",
        "Next offset of an owned partition, by this worker's last commit.",
        ("topic", "partition"),
    ),
    Metric(
        "bellwether_open_transaction_seconds",
        "gauge",
        "For how long the same transaction has been open in an owned partition; no lag shows what lies behind it.",
        ("topic", "partition"),
    ),
    Metric(
        "bellwether_broker_silent_seconds",
        "gauge",
        "Seconds since a broker that leads owned partitions was last heard.",
    ),
    Metric(
        "bellwether_events_total",
        "counter",
        "Records read, by topic and what became of them; counted when it is committed.",
        ("topic", "outcome"),
    ),
    Metric(
        "bellwether_decision_latency_seconds",
        "histogram",
        "From an event's timestamp in the journal to the commit of what was decided on it.",
        ("lane",),
        _FOLD,
    ),
    Metric(
        "bellwether_end_to_end_latency_seconds",
        "histogram",
        "From the timestamp with which an event was produced to the commit of this app; in the store, an output's own.",
        ("lane",),
    ),
    Metric(
        "bellwether_commit_seconds",
        "histogram",
        "How long commits took, those undone or with nothing to write among them: transactions, or rounds of the store.",
    ),
    Metric(
        "bellwether_commit_pending_seconds",
        "gauge",
        "How long the commit at hand has lasted; 0 between commits.",
    ),
    Metric("bellwether_commits_total", "counter", "Transactions committed; in the store, rounds written."),
    Metric(
        "bellwether_commits_undone_total",
        "counter",
        "Commits undone: a rule that raised, or a doubt.",
        (),
        _PAIR,
    ),
    Metric(
        "bellwether_commits_in_doubt_total",
        "counter",
        "Transactions whose end was not known at once; each was settled by a restore.",
        (),
        _PAIR,
    ),
    Metric(
        "bellwether_dead_workers_ended_total",
        "counter",
        "Transactions of dead workers that this one ended.",
        (),
        _PAIR,
    ),
    Metric("bellwether_assignments_total", "counter", "Times that partitions were given out to this worker."),
    Metric(
        "bellwether_partitions_restored_total",
        "counter",
        "Partitions whose states were read back.",
        (),
        _FOLD,
    ),
    Metric(
        "bellwether_partitions_kept_total", "counter", "Partitions whose states were still good.", (), _FOLD
    ),
    Metric(
        "bellwether_partitions_restoring",
        "gauge",
        "Partitions whose states are being read back now.",
        (),
        _FOLD,
    ),
    Metric(
        "bellwether_restored_records_total", "counter", "Pieces of states that were read back.", (), _FOLD
    ),
    Metric("bellwether_restore_seconds_total", "counter", "Time spent in reading states back.", (), _FOLD),
    Metric("bellwether_states", "gauge", "Accounts whose state this worker holds.", (), _FOLD),
    Metric(
        "bellwether_state_bytes",
        "gauge",
        "Bytes of these states on their topic; as objects they take about 25 times as much.",
        (),
        _FOLD,
    ),
    Metric(
        "bellwether_states_at_hand",
        "gauge",
        "Accounts that this worker holds as objects; the others as bytes, for want of memory or of events.",
        (),
        _FOLD,
    ),
    Metric(
        "bellwether_state_loads_total",
        "counter",
        "Accounts made anew of their bytes. As many as the accounts that are woken: the worker has too little memory.",
        (),
        _FOLD,
    ),
    Metric("bellwether_outputs_total", "counter", "Records emitted, by topic.", ("topic",), _FOLD),
    Metric(
        "bellwether_alerts_total",
        "counter",
        "Transitions of alerts; history: of a backfilled past.",
        ("trigger", "severity", "status", "history"),
        _FOLD,
    ),
    Metric(
        "bellwether_proposals_total",
        "counter",
        "Transitions of limit proposals.",
        ("direction", "status"),
        _FOLD,
    ),
    Metric(
        "bellwether_dead_letters_total",
        "counter",
        "Dead letters by the topic that the input came from; refused: the input's fault, failed: a rule of ours raised.",
        ("topic", "kind"),
        _PAIR,
    ),
    Metric(
        "bellwether_late_facts_total",
        "counter",
        "Facts about what closed too long ago: counted, not applied.",
        (),
        _FOLD,
    ),
    Metric(
        "bellwether_last_tick_timestamp_seconds",
        "gauge",
        "End of the last day whose tick is complete in all owned partitions, in the policy's time zone.",
        (),
        _FOLD,
    ),
    Metric(
        "bellwether_policy_info",
        "gauge",
        "Owned partitions in which this policy is in force, with the version of the rules.",
        ("hash", "engine"),
        _FOLD,
    ),
    Metric(
        "bellwether_feed_newest_event_timestamp_seconds",
        "gauge",
        "Newest occurred_at that was accepted from a feed since this worker started, no later than it was sent.",
        ("topic",),
        ("intake",),
    ),
    Metric(
        "bellwether_feed_limit_seconds",
        "gauge",
        "How old the newest event of a feed may be, by BELLWETHER_FEED_DAYS.",
        ("topic",),
        ("intake",),
    ),
    Metric("bellwether_store_rows_total", "counter", "Rows that the store accepted.", (), ("store",)),
    Metric(
        "bellwether_store_insert_errors_total",
        "counter",
        "Inserts that failed and were tried again: the store was away or busy.",
        (),
        ("store",),
    ),
    Metric(
        "bellwether_store_unstorable_total",
        "counter",
        "Records of ours that fit no table: they stand in the table dead_letters.",
        (),
        ("store",),
    ),
    Metric(
        "bellwether_page_requests_total",
        "counter",
        "Requests by the template of their address and the class of the answer; none: there is no such address, gone: "
        "the browser left before the end.",
        ("route", "status"),
        _PAGE,
    ),
    Metric(
        "bellwether_page_request_seconds",
        "histogram",
        "From a request to its answer; event streams, which last, are not among them.",
        ("route",),
        _PAGE,
    ),
    Metric("bellwether_page_event_streams", "gauge", "Browsers that watch for live updates now.", (), _PAGE),
    Metric(
        "bellwether_page_store_query_seconds",
        "histogram",
        "How long the page waited for an answer of the store, and for a free connection before.",
        (),
        _PAGE,
    ),
    Metric(
        "bellwether_page_store_errors_total",
        "counter",
        "Questions of the page that the store did not answer.",
        (),
        _PAGE,
    ),
)
"""The one table: the collector and deploy/prometheus/METRICS.md are made from it, rules and dashboards are held to it."""

BY_NAME: Final = {metric.name: metric for metric in METRICS}

_OF_UNIT: Final = {
    "commits": "bellwether_commits_total",
    "undone": "bellwether_commits_undone_total",
    "doubts": "bellwether_commits_in_doubt_total",
    "fenced": "bellwether_dead_workers_ended_total",
    "assignments": "bellwether_assignments_total",
    "restored": "bellwether_partitions_restored_total",
    "warm": "bellwether_partitions_kept_total",
    "restoring": "bellwether_partitions_restoring",
    "restored_records": "bellwether_restored_records_total",
    "restore_seconds": "bellwether_restore_seconds_total",
    "states": "bellwether_states",
    "state_bytes": "bellwether_state_bytes",
    "states_at_hand": "bellwether_states_at_hand",
    "state_loads": "bellwether_state_loads_total",
    "rows": "bellwether_store_rows_total",
    "insert_errors": "bellwether_store_insert_errors_total",
    "unstorable": "bellwether_store_unstorable_total",
}
"""Key of a unit's stats() -> its metric."""

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
LANES: Final = ("live", "history", "control")
SAMPLES: Final = 16  # records of a block whose latency is read; each stands for those that follow it


class Histogram:
    """Counts by bucket, the last for what is beyond all, and the sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """`times` observations of that value."""
        self.counts[bisect_left(BUCKETS, seconds)] += times
        self.sum += seconds * times

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """(upper limit, count up to it) of each bucket, and the sum."""
        total, out = 0, []
        for limit, count in zip((*map(str, BUCKETS), "+Inf"), list(self.counts), strict=True):
            total += count
            out.append((limit, float(total)))
        return out, self.sum


def families(
    app: str, samples: Iterable[tuple[Key, float]], histograms: Mapping[Key, Histogram]
) -> Iterator[Family]:
    """All families of the table that an app serves, each in its place, also those without a sample yet."""
    known: dict[str, list[tuple[Key, float]]] = {}
    for key, value in samples:
        known.setdefault(key[0], []).append((key[1:], value))
    for metric in METRICS:
        if app not in metric.apps:
            continue
        labels = ["app", *metric.labels]
        if metric.kind == "histogram":
            histogram = HistogramMetricFamily(metric.name, metric.help, labels=labels)
            for key, counted in histograms.items():
                if key[0] == metric.name:
                    buckets, total = counted.buckets()
                    histogram.add_metric([app, *key[1:]], buckets, total)
            yield histogram
            continue
        kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        family = kind(metric.name, metric.help, labels=labels)
        for values, value in known.get(metric.name, ()):
            family.add_metric([app, *values], value)
        yield family


class Metrics:
    """What one worker process counts, from its start on. The transport tells it of each commit; scrapes read it.

    `read` is asked at each scrape for what the app knows and does not count. Not guaranteed: that the parts of one
    scrape are of the same moment.
    """

    def __init__(
        self, app: str, settings: Settings, read: Callable[[], Iterable[tuple[Key, float]]] = lambda: ()
    ) -> None:
        self.app, self.health = app, Health()
        self._read = read
        self.logical = {settings.prefixed(topic.name): name for name, topic in TOPICS.items()}
        self._logical = {name.encode(): logical for name, logical in self.logical.items()}
        self._totals: dict[Key, float] = {}
        self._histograms: dict[Key, Histogram] = {("bellwether_commit_seconds",): Histogram()}
        for name in ("bellwether_decision_latency_seconds", "bellwether_end_to_end_latency_seconds"):
            if app in BY_NAME[name].apps:
                self._histograms.update({(name, lane): Histogram() for lane in LANES})

    def expect(self, keys: Iterable[Key]) -> None:
        """These counters are served as 0 until something counts: Prometheus does not see a first step out of nothing."""
        for key in keys:
            self._totals.setdefault(key, 0.0)

    def committed(self, blocks: Sequence[Block]) -> None:
        """The commit at hand is over: what the committed blocks counted is true now."""
        self._histograms["bellwether_commit_seconds",].add(self.health.seconds())
        self.health.committed(blocks)
        now = time.time()
        for block in blocks:
            if not block.committed:
                continue
            for key, number in block.tally.items():
                self._totals[key] = self._totals.get(key, 0.0) + number
            step = max(1, block.end // SAMPLES)
            index = 0
            while index < block.end:
                index += self._latency(block.records[index], now, min(step, block.end - index))

    def _latency(self, record: Any, now: float, times: int) -> int:
        """Counts the record `times` over, for those behind it too; how many it stood for. A control record, which comes
        between others, stands for itself alone: it would take them into its lane."""
        sent = written = record.timestamp()[1]
        origin = record.topic().encode()
        if self._logical.get(origin) == "journal":  # elsewhere, letters included, they may be a source's own
            for name, value in record.headers() or ():
                if name == "origin-topic":
                    origin = value
                elif name == "origin-timestamp" and value and value.isdigit():
                    sent = int(value[:20])
        logical = self._logical.get(origin)
        lane = logical if logical in ("history", "control") else "live"
        if lane == "control":
            times = 1
        whole = self._histograms["bellwether_end_to_end_latency_seconds", lane]
        whole.add(max(0.0, now - sent / 1000), times)
        if self.app == "monitor":
            decision = self._histograms["bellwether_decision_latency_seconds", lane]
            decision.add(max(0.0, now - written / 1000), times)
        return times

    def collect(self) -> Iterator[Family]:
        """All families of the table that this app serves."""
        return families(self.app, self._samples(), self._histograms)

    def _samples(self) -> Iterator[tuple[Key, float]]:
        health, unit = self.health, self.health.unit
        yield ("bellwether_worker_live",), float(health.stalled() is None)
        yield ("bellwether_worker_ready",), float(health.unready() is None)
        yield ("bellwether_broker_silent_seconds",), health.silent_seconds()
        pending = health.seconds() if health.phase == "committing" else 0.0
        yield ("bellwether_commit_pending_seconds",), pending
        yield from sorted(self._totals.copy().items())
        if unit is None:
            return
        for name, value in unit.stats().items():
            if name in _OF_UNIT:
                yield (_OF_UNIT[name],), value
        yield ("bellwether_partitions",), len(unit.source.inputs)
        owned = unit.source.owned
        yield ("bellwether_partitions_assigned",), len(owned)
        for name, known in (
            ("bellwether_consumer_lag_records", health.behind),
            ("bellwether_committed_offset", health.positions),
            ("bellwether_open_transaction_seconds", health.open),
        ):
            for tp, value in sorted(known.copy().items()):
                if tp in owned:  # what was lost goes at once, what replaces it comes minutes later
                    yield (name, self.logical[tp[0]], str(tp[1])), value
        yield from self._read()


def table() -> str:
    """The table of metrics as deploy/prometheus/METRICS.md shows it."""
    lines = ["| metric | type | labels | apps | what it is |", "|---|---|---|---|---|"]
    for metric in METRICS:
        labels = ", ".join(f"`{label}`" for label in ("app", *metric.labels))
        lines.append(
            f"| `{metric.name}` | {metric.kind} | {labels} | {', '.join(metric.apps)} | {metric.help} |"
        )
    return "\n".join(lines) + "\n"


# -- the port ------------------------------------------------------------------------------------------------------


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, host: str, port: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds that a client may take for its request

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Verdicts(Protocol):
    """Whether a process gets on with its work and is there for it: None, or the reason why not in one line."""

    def stalled(self) -> str | None: ...

    def unready(self) -> str | None: ...


class Served(Protocol):
    """What an app has counted, and its verdicts on itself."""

    @property
    def app(self) -> str: ...

    @property
    def health(self) -> Verdicts: ...

    def collect(self) -> Iterator[Family]: ...


def serve(settings: Settings, metrics: Served) -> None:
    """Serve /metrics, /livez and /readyz on the settings' address when a port is set. Raises Refused when it is taken.

    /livez and /readyz answer 200 "ok", or 503 with the reason in one line.
    """
    if not settings.metrics_port:
        return
    port = settings.metrics_port + PORTS[metrics.app]
    registry = CollectorRegistry()
    registry.register(metrics)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    exposition = make_wsgi_app(registry)
    verdicts = {"/livez": metrics.health.stalled, "/readyz": metrics.health.unready}

    def answer(environ: Any, start_response: Any) -> Any:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return exposition(environ, start_response)
        if path not in verdicts:
            start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
            return [b"/metrics, /livez, /readyz\n"]
        reason = verdicts[path]()
        status = "200 OK" if reason is None else "503 Service Unavailable"
        start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")])
        return [f"{'ok' if reason is None else reason}\n".encode()]

    try:
        server = _Server(settings.bind, port)
    except OSError as error:
        raise Refused(
            f"metrics of {metrics.app} cannot be served on {settings.bind}:{port} ({error.strerror}); set "
            "BELLWETHER_METRICS_PORT to another port (intake takes it; monitor, store and web the three after it)"
        ) from error
    server.set_app(answer)
    Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    log.info("metrics", app=metrics.app, at=f"http://{settings.bind}:{port}/metrics")

"""What on-call staff scrape: the counters that units and apps keep, in Prometheus' form. Counts nothing itself.

No account is a label. Rules, dashboards and the full table of metrics come with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from structlog import get_logger

from streams.errors import Refused
from streams.settings import Settings

log = get_logger(__name__)

PORTS: Final = {"intake": 0, "monitor": 1, "store": 2}
"""App -> what is added to the metrics port, so that one machine can run all three."""

UNITS: Final[dict[str, tuple[str, str]]] = {
    "commits": ("bellwether_commits", "Transactions committed."),
    "commit_seconds": ("bellwether_commit_seconds", "Time spent in committing, in seconds."),
    "doubts": (
        "bellwether_commits_in_doubt",
        "Commits whose end was not known at once; each was settled by a restore.",
    ),
    "undone": ("bellwether_commits_undone", "Commits undone: a rule that raised, or a doubt."),
    "restored": ("bellwether_partitions_restored", "Partitions whose states were read back."),
    "restore_seconds": ("bellwether_restore_seconds", "Time spent in reading states back, in seconds."),
}
"""Key of a unit's stats() -> name and help of its counter."""


class Collector:
    """Reads at each scrape. `stats`: of the unit, empty until it has started; `counts`: (topic, outcome) -> records."""

    def __init__(
        self, app: str, stats: Callable[[], Mapping[str, float]], counts: dict[tuple[str, str], int]
    ) -> None:
        self._app, self._stats, self._counts = app, stats, counts

    def collect(self) -> Iterator[Metric]:
        stats = self._stats()
        up = GaugeMetricFamily(
            "bellwether_worker_ready", "1 once the worker has joined its group.", labels=["app"]
        )
        up.add_metric([self._app], float(bool(stats)))
        yield up
        for key, (name, text) in UNITS.items():
            if key in stats:
                counter = CounterMetricFamily(name, text, labels=["app"])
                counter.add_metric([self._app], stats[key])
                yield counter
        records = CounterMetricFamily(
            "bellwether_records",
            "Records by topic and what became of them.",
            labels=["app", "topic", "outcome"],
        )
        for (topic, outcome), count in sorted(self._counts.copy().items()):
            records.add_metric([self._app, topic, outcome], count)
        yield records


def serve(
    settings: Settings,
    app: str,
    stats: Callable[[], Mapping[str, float]],
    counts: dict[tuple[str, str], int] | None = None,
) -> None:
    """Serve /metrics on the settings' address when a port is set. Raises Refused when the port is taken."""
    if not settings.metrics_port:
        return
    port = settings.metrics_port + PORTS[app]
    registry = CollectorRegistry()
    registry.register(Collector(app, stats, counts if counts is not None else {}))
    try:
        start_http_server(port, addr=settings.bind, registry=registry)
    except OSError as error:
        raise Refused(
            f"metrics of {app} cannot be served on {settings.bind}:{port} ({error.strerror}); set BELLWETHER_METRICS_PORT "
            "to another port (intake takes it, monitor the next, store the one after)"
        ) from error
    log.info("metrics", app=app, at=f"http://{settings.bind}:{port}/metrics")

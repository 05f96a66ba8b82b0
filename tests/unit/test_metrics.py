"""The metrics page: what units count is what is scraped, and a port that is taken is refused in a sentence."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.errors import Refused
from streams.metrics import PORTS, serve
from streams.settings import Settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(port: int) -> Settings:
    return Settings(_env_file=None, metrics_port=port)


def scraped(port: int) -> dict[tuple[str, ...], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_what_the_unit_counts_is_scraped_as_it_stands_at_that_moment() -> None:
    port = free_port()
    stats: dict[str, float] = {}
    counts = {("invoices", "accepted"): 3}
    serve(settings(port), "intake", lambda: stats, counts)
    assert scraped(port)[("bellwether_worker_ready", "intake")] == 0
    stats.update(commits=7, commit_seconds=0.5)
    counts["invoices", "refused"] = 1
    seen = scraped(port)
    assert seen[("bellwether_worker_ready", "intake")] == 1
    assert seen[("bellwether_commits_total", "intake")] == 7
    assert seen[("bellwether_records_total", "intake", "accepted", "invoices")] == 3
    assert seen[("bellwether_records_total", "intake", "refused", "invoices")] == 1


def test_without_a_port_nothing_is_served() -> None:
    serve(settings(0), "intake", dict)


def test_a_port_that_is_taken_is_refused_with_the_variable_to_change() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1] - PORTS["monitor"]
        with pytest.raises(Refused, match="BELLWETHER_METRICS_PORT"):
            serve(settings(port), "monitor", dict)

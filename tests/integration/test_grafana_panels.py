"""Every panel of Grafana against what the demo leaves: a store that it filled, and a Prometheus that scraped the workers.

Not here: Grafana itself, which no package registry has. Queries are sent as its data sources send them.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
import pytest

from schemas.topics import TOPICS
from streams import demo
from streams.blocks import Kafka
from streams.letters import PREFIX
from streams.metrics import PORTS
from streams.settings import Settings
from streams.store.client import connect, database_name
from tests import prometheus as tools
from tests.grafana import CLICKHOUSE, PROMETHEUS, Query, as_promql, as_sql, dashboards, queries
from tests.integration.pipeline import deployment, finished, prepare, silent, workers
from tests.integration.store_kit import refreshed
from tests.integration.test_dev_clickhouse_front import http_call
from tests.ports import free_port

QUERIES = [query for name, dashboard in dashboards().items() for query in queries(name, dashboard)]
SQL = [query for query in QUERIES if query.kind == CLICKHOUSE]
PROMQL = [query for query in QUERIES if query.kind == PROMETHEUS]


@dataclass(frozen=True)
class Scene:
    """What the panels are asked about."""

    clickhouse: str
    database: str
    prometheus: str
    account: str


@contextlib.contextmanager
def scraping(folder: Path, ports: list[int]) -> Iterator[str]:
    """The address of a Prometheus that scrapes these ports each second; ended by its own id."""
    address = f"127.0.0.1:{free_port()}"
    targets = json.dumps([f"127.0.0.1:{port}" for port in ports])
    config = f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: b, static_configs: [{{targets: {targets}}}]}}]\n"
    (folder / "prometheus.yml").write_text(config)
    with (folder / "prometheus.log").open("wb") as log:
        child = subprocess.Popen(
            [
                tools.tool("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield f"http://{address}"
    finally:
        child.terminate()
        child.wait(30)


def send(
    kafka: str, settings: Settings, topic: str, *bodies: bytes | dict[str, Any], headers: Any = ()
) -> None:
    producer = Kafka(kafka).producer({})
    for body in bodies:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        producer.produce(settings.prefixed(TOPICS[topic].name), raw, b"", headers=list(headers))
    assert producer.flush(20) == 0


def decision(body: dict[str, Any], now: str) -> dict[str, Any]:
    """A person's rejection of a proposal."""
    return {
        "event_id": f"d-{body['proposal_id']}", "type": "proposal.rejected", "account_id": body["account_id"],
        "occurred_at": now, "source": "page", "proposal_id": body["proposal_id"], "actor": "j.doe",
        "role": "controller", "note": "let us talk to them first",
    }  # fmt: skip


@pytest.fixture(scope="module")
def scene(kafka: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A small demo under workers that are scraped; then live events, a decision, a dead letter and a late fact."""
    folder = tmp_path_factory.mktemp("grafana")
    port = free_port(len(PORTS))
    settings = deployment(kafka, clickhouse, "grafana", folder).model_copy(update={"metrics_port": port})
    prepare(settings, kafka)
    with (
        workers(settings, "intake", "monitor", "store") as crew,
        scraping(folder, [port + PORTS[app] for app in ("intake", "monitor", "store")]) as metrics,
    ):
        demo.feed(Kafka(kafka), settings, 40, demo.yesterday(), silent)
        finished(settings, kafka, crew)
        store = connect(clickhouse, database_name(clickhouse, "grafana"))
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        waiting = list(
            store.query(
                "SELECT account_id, proposal_id FROM proposals_current WHERE status IN ('proposed', 'escalated') "
                "AND account_id IN (SELECT account_id FROM alerts) ORDER BY as_of LIMIT 5"
            ).named_results()
        )
        assert waiting, "a demo without a proposal that waits would prove little"
        send(kafka, settings, "decisions", decision(dict(waiting[0]), now))
        late = [(PREFIX + "topic", b"credit.payments.v1"), (PREFIX + "exception.message", b"closed long ago")]
        send(kafka, settings, "late", b"{}", headers=late)
        for n in range(5):  # spread over scrapes, so that there is a rate of everything
            order = {
                "event_id": f"o{n}", "type": "order.booked", "account_id": waiting[0]["account_id"], "occurred_at": now,
                "source": "erp", "order_id": f"o{n}", "amount": "1.00", "currency": "USD",
            }  # fmt: skip
            send(kafka, settings, "invoices", order, b"{no event")
            send(kafka, settings, "payments", b"{}")
            time.sleep(1.2)
        finished(settings, kafka, crew)
        refreshed(store)
        time.sleep(2.5)  # two scrapes of the end
        yield Scene(clickhouse, str(store.database), metrics, waiting[0]["account_id"])
        store.command(f"DROP DATABASE `{store.database}`")
        store.close()


def ask_store(scene: Scene, query: Query) -> list[list[Any]]:
    """The rows of a panel, as the user `dashboard` gets them. Raises AssertionError with the reason when it has none."""
    until = datetime.now(UTC) + timedelta(minutes=1)
    since = until - timedelta(seconds=query.seconds)
    sql = as_sql(query.text, int(since.timestamp()), int(until.timestamp()), 3600, {"account": scene.account})
    path = "/?" + urlencode(
        {"database": scene.database, "default_format": "JSONCompact", "max_execution_time": 60}
    )
    status, body, _ = http_call(scene.clickhouse, "POST", path, sql, {"X-ClickHouse-User": "dashboard"})
    assert status == 200, f"{query}: {body.decode()[:300]}"
    answer = json.loads(body)
    rows: list[list[Any]] = answer["data"]
    assert rows, f"{query}: no rows"
    types = [column["type"] for column in answer["meta"]]
    if query.series:
        assert types[0].startswith("DateTime"), f"{query}: the first column is no time"
        assert any("Float" in kind or "Int" in kind for kind in types[1:]), f"{query}: no column is a number"
    for n, column in enumerate(answer["meta"]):
        if n and query.series and column["type"] not in ("String", "LowCardinality(String)"):
            assert any(row[n] is not None for row in rows), f"{query}: {column['name']} is null in every row"
    return rows


def ask_prometheus(scene: Scene, query: Query) -> list[Any]:
    """The series of a panel. Raises AssertionError when it has none."""
    answer = httpx.post(
        f"{scene.prometheus}/api/v1/query", data={"query": as_promql(query.text, "2m")}
    ).json()
    assert answer["status"] == "success", f"{query}: {answer.get('error')}"
    series: list[Any] = answer["data"]["result"]
    assert series, f"{query}: no series for {query.text}"
    assert any(one["value"][1] != "NaN" for one in series), f"{query}: no number for {query.text}"
    return series


@pytest.mark.timeout(400)
@pytest.mark.parametrize("query", SQL, ids=str)
def test_a_panel_of_the_store_has_rows(scene: Scene, query: Query) -> None:
    assert ask_store(scene, query)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("query", PROMQL, ids=str)
def test_a_panel_of_the_metrics_has_series(scene: Scene, query: Query) -> None:
    assert ask_prometheus(scene, query)


@pytest.mark.timeout(400)
def test_the_variable_offers_each_account_with_its_name(scene: Scene) -> None:
    [variable] = dashboards()["account.json"]["templating"]["list"]
    rows = ask_store(scene, Query("account.json", "variable", CLICKHOUSE, variable["query"], False, 1))
    assert len(rows) == 40
    assert scene.account in {value for value, _ in rows}
    assert all(text.startswith(f"{value} ") for value, text in rows)


@pytest.mark.timeout(400)
def test_a_panel_that_shows_nothing_does_not_pass(scene: Scene) -> None:
    good = next(query for query in SQL if query.panel == "Exposure by tier")
    with pytest.raises(AssertionError, match="exposrue"):
        ask_store(scene, replace(good, text=good.text.replace("exposure", "exposrue")))
    with pytest.raises(AssertionError, match="no rows"):
        ask_store(scene, replace(good, text=good.text.replace("WHERE", "WHERE tier = 'purple' AND")))
    with pytest.raises(AssertionError, match="no time"):
        ask_store(scene, replace(good, text="SELECT tier, accounts FROM portfolio_weekly"))
    with pytest.raises(AssertionError, match="null in every row"):
        ask_store(
            scene, replace(good, text="SELECT now() AS time, CAST(NULL AS Nullable(Float64)) AS a, 1 AS b")
        )
    with pytest.raises(AssertionError, match="READONLY"):
        ask_store(scene, replace(good, text="TRUNCATE TABLE alerts_rows"))
    rate = next(query for query in PROMQL if query.panel == "Records a second")
    with pytest.raises(AssertionError, match="no series"):
        ask_prometheus(scene, replace(rate, text=rate.text.replace("events_total", "event_total")))
    with pytest.raises(AssertionError, match="parse error"):
        ask_prometheus(scene, replace(rate, text="sum(("))


def test_prometheus_is_here_or_said_to_be_missing() -> None:
    assert shutil.which(tools.tool("prometheus"))

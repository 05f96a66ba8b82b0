"""Grafana's files: as their source says, without faults, asking only metrics that there are. Each check can fail."""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import grafana, prometheus
from tests.grafana import (
    CLICKHOUSE,
    DASHBOARDS,
    PROMETHEUS,
    as_promql,
    as_sql,
    dashboards,
    faults,
    queries,
    sources,
)

NAMES = sorted(dashboards())
EXPRESSIONS = sorted({q.text for n, d in dashboards().items() for q in queries(n, d) if q.kind == PROMETHEUS})


def built() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("build", grafana.GRAFANA / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["build"] = module
    spec.loader.exec_module(module)
    texts: dict[str, str] = module.texts()
    return texts


def unlike(folder: Path) -> list[str]:
    """Files of the folder that differ from what their source says."""
    texts = built()
    found = {path.name: path.read_text() for path in folder.glob("*.json")}
    return sorted(name for name in texts.keys() | found.keys() if texts.get(name) != found.get(name))


def test_the_four_dashboards_are_what_their_source_says() -> None:
    assert unlike(DASHBOARDS) == []
    assert NAMES == ["account.json", "alerts-and-proposals.json", "pipeline-health.json", "portfolio.json"]
    assert len({dashboard["uid"] for dashboard in dashboards().values()}) == 4


def test_a_dashboard_that_was_edited_by_hand_is_noticed(tmp_path: Path) -> None:
    for path in DASHBOARDS.glob("*.json"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "account.json").write_text((tmp_path / "account.json").read_text().replace("Ageing", "Aging"))
    (tmp_path / "portfolio.json").unlink()
    assert unlike(tmp_path) == ["account.json", "portfolio.json"]


@pytest.mark.parametrize("name", NAMES)
def test_a_dashboard_has_no_fault(name: str) -> None:
    assert faults(dashboards()[name], sources()) == []


def panel(n: int, **changed: Any) -> Callable[[dict[str, Any]], object]:
    return lambda dashboard: dashboard["panels"][n].update(changed)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (panel(1, id=1), "two panels have the id 1"),
        (panel(1, title="Now"), "two panels have the title Now"),
        (panel(1, description=""), "no description"),
        (panel(1, gridPos={"x": 0, "y": 3, "w": 12, "h": 8}), "lies over Now"),
        (panel(1, gridPos={"x": 20, "y": 90, "w": 12, "h": 8}), "lies outside the grid"),
        (panel(1, targets=[]), "asks nothing"),
        (
            panel(1, datasource={"type": "prometheus", "uid": "mine"}),
            "no data source mine of type prometheus",
        ),
        (panel(1, fieldConfig={"defaults": {"unit": "furlong"}, "overrides": []}), "the unit furlong"),
        (lambda d: d["templating"]["list"].clear(), "the variable account is not defined"),
        (
            lambda d: d["panels"][1]["targets"][0].update(rawSql="SELECT '${account}'"),
            "without :sqlstring",
        ),
        (
            lambda d: d["panels"][1]["targets"].append(d["panels"][1]["targets"][0]),
            "two queries have one refId",
        ),
    ],
)
def test_a_fault_is_named(break_it: Callable[[dict[str, Any]], object], said: str) -> None:
    dashboard = copy.deepcopy(dashboards()["account.json"])
    break_it(dashboard)
    found = faults(dashboard, sources())
    assert any(said in line for line in found), found


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_asks_metrics_that_are_served(expression: str) -> None:
    assert prometheus.unknown(as_promql(expression, "1m")) == []


def test_a_misspelt_metric_is_noticed() -> None:
    assert prometheus.unknown("sum(rate(bellwether_commit_total[1m]))") != []


def test_macros_become_what_the_data_source_makes_of_them() -> None:
    text = "SELECT $__timeInterval(at) FROM t WHERE $__timeFilter(at) AND $__dateFilter(day) AND a = ${account:sqlstring}"
    assert as_sql(text, 10, 20, 60, {"account": "O'Neil"}) == (
        "SELECT toStartOfInterval(toDateTime(at), INTERVAL 60 second) FROM t WHERE at >= toDateTime(10) AND "
        "at <= toDateTime(20) AND day >= toDate(toDateTime(10, 'UTC')) AND day <= toDate(toDateTime(20, 'UTC')) "
        "AND a = 'O''Neil'"
    )
    for unknown in ("$__timeFiltre(at)", "${account}", "$__interval_ms"):
        with pytest.raises(ValueError, match="Grafana would leave"):
            as_sql(unknown, 1, 2, 3, {"account": "a"})


def test_no_password_stands_in_the_provisioning() -> None:
    text = (grafana.GRAFANA / "provisioning" / "datasources" / "bellwether.yml").read_text()
    kinds = {source["type"]: source for source in yaml.safe_load(text)["datasources"]}
    assert kinds[CLICKHOUSE]["secureJsonData"] == {"password": "${CLICKHOUSE_READONLY_PASSWORD}"}
    assert kinds[CLICKHOUSE]["jsonData"]["username"] == "dashboard"
    assert set(kinds) == {CLICKHOUSE, PROMETHEUS}

"""What tests ask of Grafana's files: their faults, and their queries as Grafana would send them. No test lives here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS = GRAFANA / "dashboards"
CLICKHOUSE, PROMETHEUS = "grafana-clickhouse-datasource", "prometheus"
UNITS = frozenset({"short", "percentunit", "d", "s", "ops"})
WIDTH = 24

Json = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """One target of one panel; `series`: it must yield points in time."""

    dashboard: str
    panel: str
    kind: str  # the type of its data source
    text: str
    series: bool
    seconds: int  # of the time range with which the dashboard opens

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}"


def dashboards(folder: Path = DASHBOARDS) -> dict[str, Json]:
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def sources() -> dict[str, str]:
    """uid -> type of the provisioned data sources."""
    text = (GRAFANA / "provisioning" / "datasources" / "bellwether.yml").read_text()
    return {source["uid"]: source["type"] for source in yaml.safe_load(text)["datasources"]}


def queries(name: str, dashboard: Json) -> Iterator[Query]:
    """Every target of every panel."""
    number, unit = re.fullmatch(r"now-(\d+)([hdy])", dashboard["time"]["from"]).groups()  # type: ignore[union-attr]
    seconds = int(number) * {"h": 3600, "d": 86400, "y": 365 * 86400}[unit]
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            kind = target["datasource"]["type"]
            text = target["rawSql"] if kind == CLICKHOUSE else target["expr"]
            yield Query(name, panel["title"], kind, text, panel["type"] == "timeseries", seconds)


def faults(dashboard: Json, known: Mapping[str, str]) -> list[str]:
    """What Grafana would show wrongly, a sentence each. `known`: uid -> type of the data sources."""
    found: list[str] = []
    panels = dashboard["panels"]
    for what in ("id", "title"):
        values = [panel[what] for panel in panels]
        found += [
            f"two panels have the {what} {value}"
            for value in sorted({v for v in values if values.count(v) > 1})
        ]
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        title, grid = panel["title"], panel["gridPos"]
        if not panel.get("description"):
            found.append(f"{title}: no description")
        if grid["x"] < 0 or grid["w"] < 1 or grid["h"] < 1 or grid["x"] + grid["w"] > WIDTH:
            found.append(f"{title}: lies outside the grid")
        cells = [
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        ]
        found += sorted({f"{title}: lies over {taken[cell]}" for cell in cells if cell in taken})
        taken.update(dict.fromkeys(cells, title))
        units = [panel["fieldConfig"]["defaults"].get("unit")]
        units += [
            p["value"]
            for o in panel["fieldConfig"]["overrides"]
            for p in o["properties"]
            if p["id"] == "unit"
        ]
        found += [
            f"{title}: the unit {unit} is none of Grafana's that we use"
            for unit in units
            if unit not in UNITS
        ]
        if not panel["targets"]:
            found.append(f"{title}: asks nothing")
        refs = [target["refId"] for target in panel["targets"]]
        if len(set(refs)) < len(refs):
            found.append(f"{title}: two queries have one refId")
        for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
            if known.get(source["uid"]) != source["type"]:
                found.append(
                    f"{title}: no data source {source['uid']} of type {source['type']} is provisioned"
                )
    names = {variable["name"] for variable in dashboard["templating"]["list"]}
    text = json.dumps(panels)
    used = {match[1] for match in re.finditer(r"\$\{(\w+)(?::(\w+))?\}", text)}
    found += [f"the variable {name} is not defined" for name in sorted(used - names)]
    found += [f"the variable {name} is used by no panel" for name in sorted(names - used)]
    if re.search(r"\$\{\w+\}", text):
        found.append("a variable stands in a query without :sqlstring, so a quote in it would end the text")
    return found


def as_sql(text: str, since: int, until: int, interval: int, variables: Mapping[str, str]) -> str:
    """The statement as the data source sends it: its macros for a range of seconds since 1970, variables quoted.

    Raises ValueError when something is left that it does not know.
    """

    def day(second: int) -> str:
        return f"toDate(toDateTime({second}, 'UTC'))"

    forms = {
        "timeFilter": lambda column: f"{column} >= toDateTime({since}) AND {column} <= toDateTime({until})",
        "dateFilter": lambda column: f"{column} >= {day(since)} AND {column} <= {day(until)}",
        "timeInterval": lambda column: f"toStartOfInterval(toDateTime({column}), INTERVAL {interval} second)",
    }
    text = re.sub(
        r"\$__(timeFilter|dateFilter|timeInterval)\((\w+)\)", lambda match: forms[match[1]](match[2]), text
    )

    def quoted(match: re.Match[str]) -> str:
        return "'" + variables[match[1]].replace("'", "''") + "'"

    text = re.sub(r"\$\{(\w+):sqlstring\}", quoted, text)
    if "$" in text:
        raise ValueError(f"Grafana would leave this as it is: {text[text.index('$') :][:40]}")
    return text


def as_promql(text: str, interval: str) -> str:
    """The expression as the data source sends it."""
    text = text.replace("$__rate_interval", interval)
    if "$" in text:
        raise ValueError(f"Grafana would leave this as it is: {text[text.index('$') :][:40]}")
    return text

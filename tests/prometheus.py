"""What tests ask of Prometheus' files: its tools, and rules, cases, sections and routes taken apart. No test lives here."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.metrics import BUCKETS, BY_NAME

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RULES = PROMETHEUS / "rules.yml"
CASES = (PROMETHEUS / "rules_test.yml", PROMETHEUS / "rules_days_test.yml")
ALERTMANAGER = DEPLOY / "alertmanager" / "alertmanager.yml"
RUNBOOK = DEPLOY / "runbook.md"

_UNPACKED = ROOT / ".venv" / "prometheus"
# Series that are not ours: from Prometheus itself, and from prometheus_client about the process.
FOREIGN = frozenset({"up", "process_start_time_seconds"})


def tool(name: str) -> str:
    """The path of promtool or amtool; fetched once where they are missing, else the test is skipped, aloud."""
    unpacked = _UNPACKED / "usr" / "bin" / name
    found = shutil.which(name) or (str(unpacked) if unpacked.exists() else None)
    if found is None:
        script = ROOT / "tests" / "prometheus-tools.sh"
        try:
            done = subprocess.run([script, _UNPACKED], capture_output=True, text=True, timeout=300)
            why = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        except subprocess.TimeoutExpired:
            why = "it took longer than 300 s"
        if not unpacked.exists():
            told = f"NOT CHECKED: {name} is missing, and tests/prometheus-tools.sh could not fetch it ({why})"
            warnings.warn(told, stacklevel=2)
            pytest.skip(told)
        found = str(unpacked)
    return found


def run(name: str, *arguments: str | Path, text: str | None = None) -> tuple[int, str]:
    """(exit code, all that it said)."""
    command = [tool(name), *map(str, arguments)]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


@dataclass(frozen=True)
class Case:
    """One test of a file for promtool: of which alert, whether it is said to fire, its series and what it expects."""

    alert: str
    fires: bool
    series: tuple[str, ...]  # names of the metrics
    expected: int  # firing alerts of this name at the time that is looked at


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> list[dict[str, Any]]:
    return [rule for group in loaded(RULES)["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def cases() -> list[Case]:
    return [case_of(test) for path in CASES for test in loaded(path)["tests"]]


def case_of(test: Mapping[str, Any]) -> Case:
    alert, said = re.fullmatch(r"(\w+) (fires|is quiet): .+", test["name"]).groups()  # type: ignore[union-attr]
    asked = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    expected = [question["exp_samples"] for question in test["promql_expr_test"] if question["expr"] == asked]
    assert len(expected) == 1, f"{test['name']}: asks {asked} not once"
    series = tuple(entry["series"].partition("{")[0] for entry in test["input_series"])
    return Case(alert, said == "fires", series, len(expected[0]))


def metrics_of(expression: str, records: Mapping[str, list[str]]) -> set[str]:
    """The metrics that an expression looks at, also through recorded ones."""
    plain = re.sub(r'"[^"]*"', "", expression)
    found = set(re.findall(r"\b(bellwether_\w+|process_\w+|up)\b(?!\s*\()", plain))
    for name in re.findall(r"\bbellwether:[\w:]+", plain):
        for inner in records[name]:
            found |= metrics_of(inner, records)
    return found


def records(given: list[dict[str, Any]]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for rule in given:
        if "record" in rule:
            out.setdefault(rule["record"], []).append(rule["expr"])
    return out


def untested(given: list[dict[str, Any]], known: list[Case]) -> list[str]:
    """What is missing: of each alert a series that fires and one that does not, which shows all that the alert looks at."""
    out = []
    recorded = records(given)
    names = {rule["alert"] for rule in given if "alert" in rule}
    out += sorted(f"{case.alert}: there is no such alert" for case in known if case.alert not in names)
    for rule in given:
        if "record" in rule:
            if not any(rule["record"] in other["expr"] for other in given if "alert" in other):
                out.append(f"{rule['record']}: no alert looks at it")
            continue
        name, looks_at = rule["alert"], metrics_of(rule["expr"], recorded)
        own = [case for case in known if case.alert == name]
        if not any(case.fires and case.expected for case in own):
            out.append(f"{name}: no series fires it")
        quiet = [case for case in own if not case.fires and not case.expected]
        if not quiet:
            out.append(f"{name}: no series leaves it quiet")
        # Of several forms of one alert (`or`), absent() is shown by what is not there.
        elif not any(looks_at <= set(case.series) for case in quiet):
            missing = looks_at - set().union(*(case.series for case in quiet))
            out.append(f"{name}: no quiet series shows all of it; missing {sorted(missing)}")
        out += [
            f"{name}: a case says one thing and expects another" for c in own if c.fires != bool(c.expected)
        ]
    return out


def unknown(expression: str) -> list[str]:
    """Selectors of a PromQL expression that no series of ours can meet: metric, label, app or bucket that is not there."""
    out = []
    for name, _, matchers in re.findall(r"\b((?:bellwether_|process_)\w+|up)\b(\{([^}]*)\})?", expression):
        if name in FOREIGN or name == "up":
            continue
        base = re.sub(r"_(bucket|count|sum)$", "", name) if name not in BY_NAME else name
        metric = BY_NAME.get(base)
        if metric is None:
            out.append(f"{name}: there is no such metric")
            continue
        if (metric.kind == "histogram") == (base == name):
            out.append(f"{name}: ask a histogram, and only that, for its bucket, count or sum")
        for label, value in re.findall(r'(\w+)\s*=~?\s*"([^"]*)"', matchers):
            if label in ("job", "instance"):
                continue
            if label == "le":
                if value not in map(str, BUCKETS):
                    out.append(f"{name}: no bucket ends at {value}")
            elif label == "app":
                if value not in metric.apps:
                    out.append(f"{name}: {value} does not serve it")
            elif label not in metric.labels:
                out.append(f"{name}: there is no label {label}")
    return out


def sections(markdown: str) -> list[str]:
    """The alerts that the runbook has a section for, in order."""
    return re.findall(r"^### (\w+)$", markdown, re.MULTILINE)


def unlike(names: set[str], markdown: str) -> list[str]:
    """Alerts without a section, sections without an alert, and sections that do not say what it means and what to do."""
    told = sections(markdown)
    out = [f"{name}: no section" for name in sorted(names - set(told))]
    out += [f"{name}: no alert" for name in told if name not in names]
    out += [f"{name}: two sections" for name in sorted(set(told)) if told.count(name) > 1]
    for name, text in re.findall(r"^### (\w+)\n(.*?)(?=^#|\Z)", markdown, re.MULTILINE | re.DOTALL):
        parts = re.findall(r"\*\*(Means|Look and do|Look|Do)\*\*", text)
        if parts not in (["Means", "Look", "Do"], ["Means", "Look and do"]):
            out.append(f"{name}: says {parts}")
    for anchor in re.findall(r"\]\(#([\w-]+)\)", markdown):
        if anchor not in {*map(str.lower, told), "going-back", "a-group-does-not-settle"}:
            out.append(f"#{anchor}: no such section")
    return out


def secrets_in(config: Any, path: str = "") -> Iterator[str]:
    """Places of an Alertmanager configuration that hold a secret themselves instead of naming a file."""
    if isinstance(config, Mapping):
        for key, value in config.items():
            if re.fullmatch(r".*(_key|_url|password|token|credentials)|url", key) and key != "runbook_url":
                yield f"{path}.{key}"
            yield from secrets_in(value, f"{path}.{key}")
    elif isinstance(config, list):
        for index, value in enumerate(config):
            yield from secrets_in(value, f"{path}[{index}]")

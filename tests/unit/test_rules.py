"""Alerting rules, their cases, their runbook and their routes: whole, and true of the metrics that there are."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.metrics import PORTS
from tests import prometheus, readme
from tests.prometheus import ALERTMANAGER, CASES, PROMETHEUS, RULES, RUNBOOK, run

TEXT = RUNBOOK.read_text(encoding="utf-8")

# -- the rules -----------------------------------------------------------------------------------------------------


def test_promtool_finds_rules_and_scrape_configuration_sound() -> None:
    code, said = run("promtool", "check", "rules", RULES)
    assert code == 0, said
    code, said = run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert code == 0, said


def test_promtool_finds_a_rule_that_is_not_sound(tmp_path: Path) -> None:
    broken = tmp_path / "rules.yml"
    broken.write_text(RULES.read_text().replace("min_over_time(bellwether", "min_over(bellwether"))
    assert run("promtool", "check", "rules", broken)[0] != 0


def test_every_rule_has_a_series_that_fires_it_and_one_that_does_not() -> None:
    assert prometheus.untested(prometheus.rules(), prometheus.cases()) == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_series_do_what_they_are_said_to_do(path: Path) -> None:
    code, said = run("promtool", "test", "rules", path)
    assert code == 0, said


def one(**rule: Any) -> list[dict[str, Any]]:
    return [{"alert": "Late", "expr": "bellwether_worker_live == 0 and bellwether_worker_ready == 0", **rule}]


BOTH = ("bellwether_worker_live", "bellwether_worker_ready")
FIRES = prometheus.Case("Late", True, BOTH, 1)
QUIET = prometheus.Case("Late", False, BOTH, 0)


@pytest.mark.parametrize(
    ("cases", "said"),
    [
        ([QUIET], "no series fires it"),
        ([FIRES], "no series leaves it quiet"),
        ([FIRES, prometheus.Case("Late", False, BOTH[:1], 0)], "missing ['bellwether_worker_ready']"),
        ([FIRES, QUIET, prometheus.Case("Late", True, BOTH, 0)], "says one thing and expects another"),
        ([FIRES, QUIET, prometheus.Case("Later", True, BOTH, 1)], "Later: there is no such alert"),
    ],
)
def test_the_checker_of_cases_finds_what_is_missing(cases: list[prometheus.Case], said: str) -> None:
    assert prometheus.untested(one(), [FIRES, QUIET]) == []
    assert any(said in fault for fault in prometheus.untested(one(), cases))


def test_the_checker_of_cases_finds_a_recorded_series_that_nobody_looks_at() -> None:
    known = [*one(), {"record": "bellwether:idle:ratio", "expr": "bellwether_worker_live"}]
    assert prometheus.untested(known, [FIRES, QUIET]) == ["bellwether:idle:ratio: no alert looks at it"]


@pytest.mark.parametrize(("instead", "fires"), [("vector(0) > 1", True), ("vector(1)", False)])
def test_the_series_find_an_alert_that_never_fires_and_one_that_always_does(
    tmp_path: Path, instead: str, fires: bool
) -> None:
    changed = prometheus.loaded(RULES)
    for group in changed["groups"]:
        for rule in group["rules"]:
            rule["expr"] = instead if "alert" in rule else "vector(0)"
            rule.pop("for", None)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(changed))
    found = set()
    for path in CASES:
        file = prometheus.loaded(path)
        file["tests"] = one_of_each(file, fires)
        (tmp_path / path.name).write_text(yaml.safe_dump(file))
        code, said = run("promtool", "test", "rules", tmp_path / path.name)
        assert code != 0 or not file["tests"]
        found |= set(re.findall(r'alertname=\\?"(\w+)\\?",alertstate=\\?"firing\\?"}', said))
    assert found == set(prometheus.alerts())


def one_of_each(file: dict[str, Any], fires: bool) -> list[dict[str, Any]]:
    """The first case of each alert of those that fire it, or do not: promtool takes its time over each."""
    of_alert: dict[str, dict[str, Any]] = {}
    for test in file["tests"]:
        case = prometheus.case_of(test)
        if case.fires == fires:
            of_alert.setdefault(case.alert, test)
    return list(of_alert.values())


def test_what_a_pager_shows_is_whole(tmp_path: Path) -> None:
    """promtool prints the rendered texts of alerts that it did not expect: so let it expect others."""
    shown: dict[str, str] = {}
    for path in CASES:
        file = prometheus.loaded(path)
        file["rule_files"] = [str(RULES)]
        file["tests"] = one_of_each(file, fires=True)
        for test in file["tests"]:
            case, at = prometheus.case_of(test), test.pop("promql_expr_test")[0]["eval_time"]
            test["alert_rule_test"] = [
                {"alertname": case.alert, "eval_time": at, "exp_alerts": [{"exp_labels": {"other": "1"}}]}
            ]
        (tmp_path / path.name).write_text(yaml.safe_dump(file))
        _, said = run("promtool", "test", "rules", tmp_path / path.name)
        shown |= dict(
            re.findall(r'Labels:\{alertname="(\w+)".*?severity=.*?\}\s+Annotations:\{(.*?)\}\n', said)
        )
    assert set(shown) == set(prometheus.alerts())
    for name, text in shown.items():
        assert not re.search(r"<no value>|<error|\{\{|NaN|Inf", text), f"{name}: {text}"


OF_THE_STORE = '{{ if eq $labels.app "store" }}warning{{ else }}critical{{ end }}'
OF_THE_STORES_JOB = '{{ if eq $labels.job "bellwether-store" }}warning{{ else }}critical{{ end }}'
PAGE_OR_STORE = 'or (eq $labels.job "bellwether-web") (eq $labels.job "bellwether-store")'
OF_BOTH_JOBS = "{{ if " + PAGE_OR_STORE + " }}warning{{ else }}critical{{ end }}"


def test_a_number_of_things_that_an_alert_tells_is_whole() -> None:
    """increase() is extrapolated: of twelve refused events it may say 12.63."""
    counted = [
        alert for alert in prometheus.alerts().values() if alert["expr"].startswith(("increase", "sum by"))
    ]
    told = [alert["annotations"]["description"] for alert in counted if "increase(" in alert["expr"]]
    assert len(told) == 4
    assert all('{{ printf "%.0f" $value }} ' in text for text in told)


def test_every_alert_says_how_bad_what_and_where_to_read_on() -> None:
    for name, alert in prometheus.alerts().items():
        assert name.startswith("Bellwether")
        assert alert["labels"] in (
            {"severity": "critical"},
            {"severity": "warning"},
            {"severity": OF_THE_STORE},
            {"severity": OF_THE_STORES_JOB},
            {"severity": OF_BOTH_JOBS},
        )
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
        assert alert["annotations"]["runbook_url"] == f"deploy/runbook.md#{name.lower()}"
        assert "for" in alert


def test_rules_ask_for_metrics_labels_and_buckets_that_there_are() -> None:
    for rule in prometheus.rules():
        assert prometheus.unknown(rule["expr"]) == [], rule


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("rate(bellwether_commit_total[5m])", "no such metric"),
        ('bellwether_events_total{feed="news"}', "no label feed"),
        ('bellwether_states{app="store"}', "store does not serve it"),
        ('rate(bellwether_commit_seconds_bucket{le="0.7"}[5m])', "no bucket ends at 0.7"),
        ("rate(bellwether_commit_seconds[5m])", "ask a histogram"),
        ("rate(bellwether_commits_total_count[5m])", "ask a histogram"),
    ],
)
def test_the_checker_of_expressions_finds_what_is_not_there(expression: str, said: str) -> None:
    (fault,) = prometheus.unknown(expression)
    assert said in fault


# -- the runbook ---------------------------------------------------------------------------------------------------


def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    assert prometheus.unlike(set(prometheus.alerts()), TEXT) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("### BellwetherFeedStale\n", "### BellwetherFeedOld\n", "BellwetherFeedStale: no section"),
        ("### BellwetherFeedStale\n", "### BellwetherFeedOld\n", "BellwetherFeedOld: no alert"),
        ("### BellwetherFeedStale\n", "### BellwetherAppDown\n", "BellwetherAppDown: two sections"),
        ("**Do**: mend ClickHouse; no", "Mend ClickHouse; no", "BellwetherStoreInsertErrors: says"),
        ("(#bellwetherbrokerlost)", "(#bellwetherbroker)", "#bellwetherbroker: no such section"),
    ],
)
def test_the_checker_of_the_runbook_finds_what_is_missing(old: str, new: str, said: str) -> None:
    assert old in TEXT
    faults = prometheus.unlike(set(prometheus.alerts()), TEXT.replace(old, new))
    assert any(fault.startswith(said) for fault in faults)


@pytest.mark.parametrize("command", sorted({*readme.commands(TEXT), *readme.inline_commands(TEXT)}))
def test_a_command_of_the_runbook_exists_as_it_is_written(command: str) -> None:
    assert readme.fault(command, named_only=True) is None


def test_metrics_that_the_runbook_names_are_there() -> None:
    asked = re.findall(r"`([^`]*bellwether_\w+[^`]*)`", TEXT)
    assert len(asked) >= 4
    for expression in asked:
        faults = [fault for fault in prometheus.unknown(expression) if "ask a histogram" not in fault]
        assert faults == [], expression
    recorded = prometheus.records(prometheus.rules())
    assert set(re.findall(r"bellwether:[\w:]+", TEXT)) <= recorded.keys()


def test_what_a_worker_says_of_itself_is_explained() -> None:
    health = (readme.ROOT / "streams" / "health.py").read_text()
    for said in ("a commit has lasted", "a block has been applied for", "a poll has not come back",
                 "a restore reads nothing", "it has not joined its group", "the broker has not been heard",
                 "no partitions are assigned"):  # fmt: skip
        assert said in health
        assert said in TEXT


# -- where it goes -------------------------------------------------------------------------------------------------


def test_amtool_finds_the_routes_sound() -> None:
    code, said = run("amtool", "check-config", ALERTMANAGER)
    assert code == 0, said


def test_amtool_finds_routes_that_are_not_sound(tmp_path: Path) -> None:
    broken = tmp_path / "alertmanager.yml"
    broken.write_text(ALERTMANAGER.read_text().replace("receiver: pager\n", "receiver: nobody\n", 1))
    assert run("amtool", "check-config", broken)[0] != 0


@pytest.mark.parametrize(("severity", "receiver"), [("critical", "pager"), ("warning", "channel")])
def test_what_is_critical_wakes_somebody_and_the_rest_waits_in_the_channel(
    severity: str, receiver: str
) -> None:
    assert any(severity in alert["labels"]["severity"] for alert in prometheus.alerts().values())
    config = f"--config.file={ALERTMANAGER}"
    code, said = run("amtool", "config", "routes", "test", config, f"severity={severity}", "app=store")
    assert (code, said.split()[0]) == (0, receiver)


def test_routes_silence_alerts_that_there_are() -> None:
    for rule in prometheus.loaded(ALERTMANAGER)["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            named = set(re.findall(r"Bellwether\w+", matcher))
            assert named
            assert named <= set(prometheus.alerts())


def rendered(text: str, directory: Path, *statuses: str) -> str:
    """A text of a receiver as Alertmanager shows it for a group of alerts: their summaries differ, their runbook does not."""
    alerts = [
        {
            "status": status,
            "annotations": {"summary": f"worker-{n} stands", "description": f"For {n} minutes."},
        }
        for n, status in enumerate(statuses, 1)
    ]
    data = directory / "group.json"
    firing = "firing" if "firing" in statuses else "resolved"
    data.write_text(
        json.dumps({"status": firing, "alerts": alerts, "commonAnnotations": {"runbook_url": "#stands"}})
    )
    given = (f"--template.text={text}", f"--template.data={data}", "--template.glob=/dev/null")
    code, said = run("amtool", "template", "render", *given)
    assert code == 0, said
    return said.strip()


def test_a_call_about_several_workers_names_each_that_still_stands(tmp_path: Path) -> None:
    """PagerDuty takes no event without a summary: a call whose text is empty wakes nobody."""
    pager, channel = prometheus.loaded(ALERTMANAGER)["receivers"]
    (pager,), (channel,) = pager["pagerduty_configs"], channel["slack_configs"]
    for text in (pager["description"], pager["details"]["what"], channel["text"]):
        several = rendered(text, tmp_path, "firing", "firing", "resolved")
        assert "worker-1 stands" in several
        assert "worker-2 stands" in several
        assert "worker-3" not in several
        assert "worker-1 stands" in rendered(text, tmp_path, "resolved")
    assert rendered(pager["description"], tmp_path, "firing") == "worker-1 stands"


def test_one_kafka_that_is_away_is_one_call() -> None:
    config = prometheus.loaded(ALERTMANAGER)
    (critical,) = (route for route in config["route"]["routes"] if 'severity="critical"' in route["matchers"])
    assert {"matchers": ['alertname="BellwetherBrokerLost"'], "group_by": ["alertname"]} in critical["routes"]
    said_alone = {
        name
        for rule in config["inhibit_rules"]
        if rule["source_matchers"] == ['alertname="BellwetherBrokerLost"']
        for name in re.findall(r"Bellwether\w+", rule["target_matchers"][0])
    }
    assert said_alone == {
        "BellwetherWorkerStalled", "BellwetherWorkerNotReady",
        "BellwetherPartitionsUnowned", "BellwetherPartitionStuck",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("explains", "explained"),
    [
        ("BellwetherWorkerRestarting", "BellwetherWorkerDown"),
        ("BellwetherRestoreTooSlow", "BellwetherWorkerNotReady"),
    ],
)
def test_what_one_worker_is_at_is_told_once(explains: str, explained: str) -> None:
    rules = prometheus.loaded(ALERTMANAGER)["inhibit_rules"]
    (rule,) = (rule for rule in rules if rule["source_matchers"] == [f'alertname="{explains}"'])
    assert rule["target_matchers"] == [f'alertname="{explained}"']
    assert rule["equal"] == ["job", "instance"]


def test_no_secret_stands_in_the_routes() -> None:
    config = prometheus.loaded(ALERTMANAGER)
    assert list(prometheus.secrets_in(config)) == []
    planted = copy.deepcopy(config)
    planted["receivers"][0]["pagerduty_configs"][0]["routing_key"] = "abc"
    assert list(prometheus.secrets_in(planted)) == [".receivers[0].pagerduty_configs[0].routing_key"]


def test_prometheus_scrapes_the_ports_that_the_apps_serve() -> None:
    config = prometheus.loaded(PROMETHEUS / "prometheus.yml")
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    port = metrics_port()
    assert jobs == {
        f"bellwether-{app}": [f"{name}:{port + n}" for name in (("web",) if app == "web" else ("worker-1", "worker-2"))]
        for app, n in PORTS.items()
    }  # fmt: skip


def metrics_port() -> int:
    """Where docker-compose.yml lets the workers serve intake's metrics."""
    services = yaml.safe_load((readme.ROOT / "docker-compose.yml").read_text())["services"]
    ports = {
        services[name]["environment"]["BELLWETHER_METRICS_PORT"] for name in ("worker-1", "worker-2", "web")
    }
    assert len(ports) == 1
    return int(ports.pop())

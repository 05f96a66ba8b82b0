"""docker-compose.yml against its published schema, against what it mounts, and against what we hold of a deployment."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import orjson
import pytest
import yaml

from streams.dev.kafka import VERSION
from streams.settings import Settings
from tests import compose
from tests import prometheus as tools

TEXT = compose.COMPOSE.read_text()
COMPOSE = compose.document()
SERVICES = COMPOSE["services"]


def test_it_keeps_to_the_published_schema() -> None:
    assert compose.schema_faults(COMPOSE) == []


@pytest.mark.parametrize(
    "text",
    [
        "services: {kafka: {imag: apache/kafka}}",
        "services: {kafka: {image: a, depends_on: {b: {condition: service_ready}}}}",
        "services: {kafka: {image: a, healthcheck: {test: [CMD, a], interval: 5}}}",
        "services: {kafka: {image: a, ports: {a: b}}}",
    ],
)
def test_the_schema_finds_a_mistake(text: str) -> None:
    assert compose.schema_faults(compose.document(text)) != []


def test_nothing_is_wrong_with_it() -> None:
    assert compose.faults(COMPOSE, TEXT) == []


def _set(service: str, key: str, value: object) -> Callable[[dict[str, Any]], None]:
    return lambda services: services[service].__setitem__(key, value)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (_set("kafka", "image", "apache/kafka:latest"), "kafka: image 'apache/kafka:latest' is not pinned"),
        (_set("kafka", "image", "apache/kafka"), "kafka: image 'apache/kafka' is not pinned"),
        (_set("web", "ports", ["8470:8470"]), "web: port 8470 is bound to every address"),
        (_set("web", "ports", ["0.0.0.0:8470:8470"]), "web: port 8470 is bound to 0.0.0.0"),
        (_set("web", "ports", ["127.0.0.1:9092:8470"]), "port 9092 is bound 2 times"),
        (
            _set("prometheus", "volumes", ["./deploy/nothing:/etc:ro"]),
            "deploy/nothing is mounted and not there",
        ),
        (_set("kafka", "volumes", ["data:/var/lib"]), "volume data is not declared"),
        (_set("kafka", "healthcheck", {"disable": True}), "kafka: no health check"),
        (_set("kafka", "restart", "no"), "kafka: is not started again"),
        (_set("setup", "restart", "always"), "setup: runs once"),
        (_set("web", "depends_on", {"redis": {"condition": "service_healthy"}}), "web: waits for redis"),
        (
            _set("web", "depends_on", {"kafka": {"condition": "service_started"}}),
            "does not wait for kafka to be",
        ),
        (_set("web", "depends_on", {"setup": {"condition": "service_healthy"}}), "waits for setup with"),
        (_set("web", "environment", {"BELLWETHER_BROKERS": "a"}), "web: BELLWETHER_BROKERS is no setting"),
        (_set("clickhouse", "environment", {"CLICKHOUSE_PASSWORD": "secret"}), "does not demand its value"),
        (_set("clickhouse", "environment", {"CLICKHOUSE_PASSWORD": "${P:-a}"}), "does not demand its value"),
        (_set("web", "secrets", ["tls_key"]), "web: secret tls_key comes from nowhere"),
        (lambda services: services["kafka"].pop("mem_limit"), "kafka: no limit of memory"),
        (
            lambda services: services["worker-2"]["environment"].update(BELLWETHER_SLOT="worker-1"),
            "share a slot",
        ),
    ],
)
def test_the_checker_finds_a_mistake(mistake: Callable[[dict[str, Any]], None], told: str) -> None:
    planted = copy.deepcopy(dict(COMPOSE))
    planted["services"] = {name: copy.deepcopy(service) for name, service in SERVICES.items()}
    mistake(planted["services"])
    assert any(told in fault for fault in compose.faults(planted, TEXT))


def test_the_checker_finds_a_password_that_has_a_default() -> None:
    planted = re.sub(r"(GRAFANA_ADMIN_PASSWORD|CLICKHOUSE_PASSWORD):\?[^}]*", r"\1:-admin", TEXT)
    assert planted != TEXT
    assert any("has a default" in fault for fault in compose.faults(COMPOSE, planted))


def test_it_runs_what_is_promised() -> None:
    assert sum(compose.takes_partitions(service) for service in SERVICES.values()) == 2
    assert SERVICES["kafka"]["image"] == f"docker.io/apache/kafka:{VERSION}", "as `bellwether dev` runs"
    told = " ".join(SERVICES["setup"]["command"])
    assert told == "bellwether topics --create && bellwether migrate"


def test_every_variable_that_it_demands_stands_in_the_file_to_start_from() -> None:
    example = (compose.ROOT / ".env.example").read_text()
    demanded = {name for name, rest in compose.variables(TEXT).items() if rest.startswith(":?")}
    assert demanded
    demanded |= {secret["environment"] for secret in COMPOSE["secrets"].values()}
    assert {
        name for name in demanded if f"\n{name}=" not in example and f"\n# {name}=" not in example
    } == set()


def test_what_it_sets_makes_settings() -> None:
    """With the passwords filled in; a worker that cannot read its settings would be restarted for ever."""
    for name in ("worker-1", "worker-2", "web", "setup"):
        values: dict[str, Any] = {
            variable.removeprefix("BELLWETHER_").lower(): re.sub(r"\$\{(\w+)[^}]*\}", _fill, str(value))
            for variable, value in SERVICES[name]["environment"].items()
        }
        settings = Settings(_env_file=None, **values)
        assert settings.broker == "kafka://kafka:19092"
        assert settings.store.endswith("@clickhouse:8123/bellwether")


def _fill(found: re.Match[str]) -> str:
    return {"BELLWETHER_TOKENS": "ada:controller:secret", "BELLWETHER_PROXIES": ""}.get(found[1], "secret")


def test_the_addresses_that_it_names_are_services_and_ports_of_it() -> None:
    listeners = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert "INSIDE://kafka:19092" in listeners
    assert "HOST://127.0.0.1:9092" in listeners, "what programs on the host are told"
    assert [name for name, _, port in compose.host_ports(COMPOSE) if port == "9092"] == ["kafka"]


# -- what it mounts ------------------------------------------------------------------------------------------------


def test_prometheus_takes_its_configuration_and_rules() -> None:
    code, text = tools.run("promtool", "check", "config", compose.ROOT / "deploy/prometheus/prometheus.yml")
    assert code == 0, text


def test_prometheus_would_not_take_another(tmp_path: Path) -> None:
    (tmp_path / "prometheus.yml").write_text("scrape_configs: [{job_name: a, static_config: []}]\n")
    assert tools.run("promtool", "check", "config", tmp_path / "prometheus.yml")[0] != 0


def scraped(prometheus: dict[str, Any]) -> list[str]:
    """Every host:port that Prometheus asks or alerts."""
    configs = [*prometheus["scrape_configs"], *prometheus["alerting"]["alertmanagers"]]
    return [target for config in configs for group in config["static_configs"] for target in group["targets"]]


def unreachable(targets: list[str]) -> list[str]:
    out = []
    for target in targets:
        host, _, port = target.partition(":")
        if host not in SERVICES:
            out.append(target)
        elif compose.takes_partitions(SERVICES[host]) or SERVICES[host].get("command", [""])[0] == "worker":
            if int(port) not in compose.inner_ports(COMPOSE, host):
                out.append(target)
        elif port not in {str(bound).rpartition(":")[2] for bound in SERVICES[host].get("ports", ())}:
            out.append(target)
    return out


def test_what_prometheus_scrapes_are_services_of_it() -> None:
    prometheus = yaml.safe_load((compose.ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = scraped(prometheus)
    assert unreachable(targets) == []
    for name in ("worker-1", "worker-2", "web"):
        assert {int(t.split(":")[1]) for t in targets if t.startswith(name)} == compose.inner_ports(
            COMPOSE, name
        )


def test_a_target_that_nobody_serves_is_found() -> None:
    targets = ["worker-3:9400", "worker-1:9100", "alertmanager:9094", "worker-1:9400"]
    assert unreachable(targets) == targets[:3]


def test_alertmanager_takes_its_configuration() -> None:
    path = compose.ROOT / "deploy/alertmanager/alertmanager.yml"
    code, text = tools.run("amtool", "check-config", path)
    assert code == 0, text


def test_alertmanager_would_not_take_another(tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yml").write_text("route: {receiver: nobody}\nreceivers: []\n")
    assert tools.run("amtool", "check-config", tmp_path / "alertmanager.yml")[0] != 0


def test_alertmanager_finds_the_secrets_that_it_reads() -> None:
    text = (compose.ROOT / "deploy/alertmanager/alertmanager.yml").read_text()
    read = re.findall(r"/run/secrets/(\w+)", text)
    assert read
    assert set(read) == set(SERVICES["alertmanager"]["secrets"]) == set(COMPOSE["secrets"])


def test_grafana_finds_its_dashboards_and_every_variable_of_its_sources() -> None:
    provisioning = compose.ROOT / "deploy/grafana/provisioning"
    wanted = {
        name for path in provisioning.rglob("*.yml") for name in re.findall(r"\$\{(\w+)\}", path.read_text())
    }
    assert wanted <= set(SERVICES["grafana"]["environment"])
    mounted = {target: source for name, source, target in compose.mounts(COMPOSE) if name == "grafana"}
    providers = yaml.safe_load((provisioning / "dashboards/bellwether.yml").read_text())["providers"]
    for provider in providers:
        assert list(mounted[provider["options"]["path"]].glob("*.json"))
    assert mounted["/etc/grafana/provisioning"] == provisioning


def test_the_readers_password_of_the_store_is_the_dashboards() -> None:
    user = compose.ROOT / "deploy/clickhouse/users.d/dashboard.xml"
    (password,) = ElementTree.parse(user).iter("password")
    assert password.attrib["from_env"] in SERVICES["clickhouse"]["environment"]
    assert password.attrib["from_env"] in SERVICES["grafana"]["environment"]


def malformed(paths: list[Path]) -> list[str]:
    """Files that their program could not even parse."""
    readers: dict[str, Callable[[Path], object]] = {
        ".json": lambda path: orjson.loads(path.read_bytes()),
        ".yml": lambda path: yaml.safe_load(path.read_text()),
        ".yaml": lambda path: yaml.safe_load(path.read_text()),
        ".xml": lambda path: ElementTree.parse(path),
    }
    out = []
    for path in paths:
        try:
            readers.get(path.suffix, Path.read_bytes)(path)
        except (ValueError, yaml.YAMLError, ElementTree.ParseError) as error:
            out.append(f"{path.name}: {error}")
    return out


def test_every_file_that_it_mounts_can_be_parsed() -> None:
    paths = [
        path
        for _, source, _ in compose.mounts(COMPOSE)
        for path in (source.rglob("*") if source.is_dir() else [source])
        if path.is_file()
    ]
    assert len(paths) >= 3
    assert malformed(paths) == []


@pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.yml", "a: [b"), ("a.xml", "<a><b></a>")])
def test_a_file_that_cannot_be_parsed_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert len(malformed([tmp_path / name])) == 1

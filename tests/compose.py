"""docker-compose.yml and the Dockerfile taken apart: what is wrong with them, as sentences. No test lives here.

The schema is the published one of the Compose specification, as the package check-jsonschema ships it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import yaml
from jsonschema.validators import validator_for

from streams.metrics import PORTS
from streams.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|KEY(?!_)")
ONE_SHOT = {"setup"}

Document = Mapping[str, Any]


def document(text: str | None = None) -> Document:
    """The compose file with its anchors resolved, variables as they are written."""
    loaded: Document = yaml.safe_load(COMPOSE.read_text() if text is None else text)
    return loaded


def schema_faults(compose: Document) -> list[str]:
    """Where the document breaks the published schema."""
    # The file alone: the package's own code wants a newer click than Faust allows.
    path = distribution("check-jsonschema").locate_file(
        "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    )
    schema = json.loads(Path(str(path)).read_text())
    return [
        f"{error.json_path}: {error.message}" for error in validator_for(schema)(schema).iter_errors(compose)
    ]


def variables(text: str) -> dict[str, str]:
    """${NAME} -> what follows the name: "" or an operator with its text."""
    return dict(re.findall(r"\$\{([A-Z_]+)([^}]*)\}", text))


def mounts(compose: Document) -> Iterator[tuple[str, Path, str]]:
    """(service, path in the repository, path in the container) of everything that is mounted from here."""
    for name, service in compose["services"].items():
        for volume in service.get("volumes", ()):
            source, target = volume.split(":")[:2]
            if source.startswith("."):
                yield name, ROOT / source, target


def host_ports(compose: Document) -> list[tuple[str, str, str]]:
    """(service, address, port) of every port that is bound on the host."""
    out = []
    for name, service in compose["services"].items():
        for port in service.get("ports", ()):
            *address, host, _ = str(port).split(":")
            out.append((name, ":".join(address), host))
    return out


def inner_ports(compose: Document, service: str) -> set[int]:
    """The ports on which a service of ours answers inside the network."""
    environment = compose["services"][service].get("environment", {})
    first = int(environment.get("BELLWETHER_METRICS_PORT", 0))
    names = compose["services"][service]["command"][2].split(",")
    return {first + PORTS[name] for name in names}


def faults(compose: Document, text: str) -> list[str]:
    """What the schema does not know: pins, loopback, secrets, settings that exist, files that exist, health."""
    found: list[str] = []
    services = compose["services"]
    known = {f"BELLWETHER_{name.upper()}" for name in Settings.model_fields}
    for name, service in services.items():
        image = service.get("image", "")
        if not re.search(r":v?\d+\.\d+\.\d+", image):
            found.append(f"{name}: image {image!r} is not pinned to a version")
        for variable, value in service.get("environment", {}).items():
            if variable.startswith("BELLWETHER_") and variable not in known:
                found.append(f"{name}: {variable} is no setting")
            if SECRET.search(variable) and not re.search(r"\$\{[A-Z_]+:\?", str(value)):
                found.append(f"{name}: {variable} does not demand its value")
        if "mem_limit" not in service:
            found.append(f"{name}: no limit of memory")
        found += [
            f"{name}: secret {secret} comes from nowhere"
            for secret in service.get("secrets", ())
            if "environment" not in compose.get("secrets", {}).get(secret, {})
        ]
        healthless = service.get("healthcheck", {"disable": True}).get("disable", False)
        if name in ONE_SHOT:
            if service.get("restart") != "no":
                found.append(f"{name}: runs once, and would be started again and again")
        else:
            if healthless:
                found.append(f"{name}: no health check")
            if service.get("restart") != "unless-stopped":
                found.append(f"{name}: is not started again when it dies")
        for other, how in service.get("depends_on", {}).items():
            if other not in services:
                found.append(f"{name}: waits for {other}, which is not there")
            elif (how["condition"] == "service_completed_successfully") != (other in ONE_SHOT):
                found.append(f"{name}: waits for {other} with {how['condition']}")
            elif how["condition"] == "service_started":
                found.append(f"{name}: does not wait for {other} to be well")
    for name, address, port in host_ports(compose):
        if address != "127.0.0.1":
            found.append(f"{name}: port {port} is bound to {address or 'every address'}")
    for port, count in Counter(port for _, _, port in host_ports(compose)).items():
        if count > 1:
            found.append(f"port {port} is bound {count} times")
    for name, source, _ in mounts(compose):
        if not source.exists():
            found.append(f"{name}: {source.relative_to(ROOT)} is mounted and not there")
    used = {volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())}
    undeclared = {volume for volume in used if not volume.startswith(".")} - compose.get("volumes", {}).keys()
    found += [f"volume {volume} is not declared" for volume in sorted(undeclared)]
    slots = [s["environment"].get("BELLWETHER_SLOT") for s in services.values() if takes_partitions(s)]
    if None in slots or len(slots) != len(set(slots)):
        found.append(f"workers share a slot, or have none: {slots}")
    for name, rest in variables(text).items():
        if SECRET.search(name) and not rest.startswith(":?"):
            found.append(f"${{{name}}} has a default, or may be empty")
    return found


def takes_partitions(service: Mapping[str, Any]) -> bool:
    command = service.get("command", ())
    return list(command[:2]) == ["worker", "--only"] and command[2] != "web"


@dataclass(frozen=True)
class Step:
    """One instruction of a Dockerfile: its word, and the rest with continued lines joined."""

    word: str
    rest: str

    @property
    def copied(self) -> tuple[str | None, list[str], str]:
        """Of a COPY: the stage that it copies from, the sources, the target."""
        *words, target = self.rest.split()
        stage = next((word.removeprefix("--from=") for word in words if word.startswith("--from=")), None)
        return stage, [word for word in words if not word.startswith("--")], target


def stages(text: str) -> list[list[Step]]:
    """The instructions of each stage, FROM first."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    out: list[list[Step]] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            out.append([])
        out[-1].append(Step(word, " ".join(rest.split())))
    return out


def image_faults(text: str, ignore: str) -> list[str]:
    """What the linter does not know: no root, a check of health, pins, sources that are in the context."""
    found = []
    parts = stages(text)
    last = {step.word: step.rest for step in parts[-1]}
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", last.get("USER", "")):
        found.append("it runs as root, or as a name that nobody outside can tell from root")
    found += [
        f"the image has no {word}" for word in ("HEALTHCHECK", "ENTRYPOINT", "LABEL") if word not in last
    ]
    for stage in parts:
        base = stage[0].rest.split()[0]
        if not re.search(r":\d+\.\d+\.\d+", base):
            found.append(f"the base {base} is not pinned")
    kept = {line[1:] for line in ignore.splitlines() if line.startswith("!")}
    for step in (step for stage in parts for step in stage if step.word == "COPY"):
        origin, sources, _ = step.copied
        for source in (source.rstrip("/") for source in sources if origin is None):
            if not (ROOT / source).exists():
                found.append(f"{source} is copied and not there")
            if source.split("/")[0] not in kept:
                found.append(f"{source} is copied, and .dockerignore leaves it out")
    return found


def kafka_properties(environment: Mapping[str, str]) -> dict[str, str]:
    """The broker's properties that the image of Apache Kafka makes of KAFKA_* variables."""
    special = ("KAFKA_HEAP_OPTS", "KAFKA_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS")
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in special
    }

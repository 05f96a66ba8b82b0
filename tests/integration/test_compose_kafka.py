"""The broker of docker-compose.yml: its settings are taken by the real Kafka of the same version, and they hold."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from streams.dev import kafka
from tests import compose
from tests.ports import free_port

ENVIRONMENT = compose.document()["services"]["kafka"]["environment"]


def written(directory: Path, inside: int, host: int, controller: int) -> Path:
    """server.properties as the image writes it, on loopback and ports of ours."""
    properties = kafka.properties(directory, host, controller)
    ours = {
        name: properties[name] for name in ("log.cleaner.dedupe.buffer.size",)
    }  # this machine's small heap
    for name, value in compose.kafka_properties(ENVIRONMENT).items():
        for old, new in (
            ("localhost:9094", f"127.0.0.1:{controller}"),
            ("://kafka:19092", f"://127.0.0.1:{inside}"),
            ("://:19092", f"://127.0.0.1:{inside}"),
            ("://127.0.0.1:9092", f"://127.0.0.1:{host}"),
            ("://:9092", f"://127.0.0.1:{host}"),
            ("/var/lib/kafka/data", str(directory / "data")),
        ):
            value = value.replace(old, new)
        ours[name] = value
    path = directory / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in ours.items()))
    return path


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    directory = tmp_path_factory.mktemp("compose-kafka")
    inside, host, controller = free_port(), free_port(), free_port()
    properties = written(directory, inside, host, controller)
    java = [kafka.java(), *kafka.FLAGS, "-cp", os.pathsep.join(map(str, kafka.jars()))]
    storage = ["kafka.tools.StorageTool", "format", "-t", ENVIRONMENT["CLUSTER_ID"], "-c", str(properties)]
    done = subprocess.run([*java, *storage], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen([*java, "kafka.Kafka", str(properties)], stdout=out, stderr=out)
    try:
        until = time.monotonic() + 90
        while not kafka.answers(host):
            assert process.poll() is None, (directory / "out").read_text()[-2000:]
            assert time.monotonic() < until
        yield host
    finally:
        process.terminate()
        process.wait(60)


def test_the_broker_takes_the_settings_and_they_hold(broker: int) -> None:
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{broker}"})
    assert admin.list_topics(timeout=30).cluster_id == ENVIRONMENT["CLUSTER_ID"]
    node = ConfigResource(ResourceType.BROKER, "1")
    told = {name: entry.value for name, entry in admin.describe_configs([node])[node].result().items()}
    wanted = compose.kafka_properties(ENVIRONMENT)
    moved = {"listeners", "advertised.listeners", "log.dirs", "controller.quorum.voters"}
    assert {name: told.get(name) for name in wanted.keys() - moved} == {
        name: value for name, value in wanted.items() if name not in moved
    }


def test_a_client_inside_and_one_on_the_host_are_each_told_an_address_that_they_reach(broker: int) -> None:
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{broker}"})
    (node,) = admin.list_topics(timeout=30).brokers.values()
    assert node.port == broker, "who asks on the host's listener is sent to it, not into the network"

"""Kafka nodes of a test's own, on loopback: several brokers that replicate, or one that lets in only who may.

The broker that most tests share is the product's own dev broker (conftest.py).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import confluent_kafka as ck
from confluent_kafka.admin import AdminClient

from streams.dev import kafka
from tests.ports import free_port

SECONDS = 90.0


class Nodes:
    """So many brokers, each one a controller too, in one cluster; records on `min(3, nodes)` of them.

    `settings` go to every node's properties, over those of the dev broker; {port} and {controller_port} in them are the
    node's. The plain listener must stay: the nodes talk to each other by it, and `servers` is where it is.
    """

    def __init__(self, directory: Path, count: int, settings: Mapping[str, str] | None = None) -> None:
        self._ports = [(free_port(), free_port()) for _ in range(count)]
        self.servers = ",".join(f"127.0.0.1:{port}" for port, _ in self._ports)
        self._running: list[subprocess.Popen[bytes] | None] = [None] * count
        self._commands = []
        replicas, least = str(min(3, count)), str(2 if count > 2 else 1)
        voters = ",".join(f"{n}@127.0.0.1:{port}" for n, (_, port) in enumerate(self._ports, 1))
        cluster = kafka.cluster_id(uuid.uuid4().bytes)
        classpath = os.pathsep.join(str(jar) for jar in kafka.jars())
        for number, (port, controller_port) in enumerate(self._ports, 1):
            home = directory / f"node-{number}"
            home.mkdir(parents=True)
            properties = {
                **kafka.properties(home, port, controller_port),
                "node.id": str(number),
                "controller.quorum.voters": voters,
                "default.replication.factor": replicas,
                "min.insync.replicas": least,
                "offsets.topic.replication.factor": replicas,
                "transaction.state.log.replication.factor": replicas,
                "transaction.state.log.min.isr": least,
                **{
                    key: value.format(port=port, controller_port=controller_port)
                    for key, value in (settings or {}).items()
                },
            }
            file = home / "server.properties"
            file.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))
            log4j = home / "log4j2.properties"
            log4j.write_text(kafka.LOG4J.format(log=home / "kafka.log"))
            java = [
                kafka.java(),
                *kafka.FLAGS,
                f"-Dlog4j2.configurationFile={log4j.as_uri()}",
                "-cp",
                classpath,
            ]
            tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(file)]
            subprocess.run([*java, *tool], check=True, capture_output=True)
            self._commands.append(([*java, "kafka.Kafka", str(file)], home / "jvm.out"))
        try:
            for number in range(count):
                self.start(number)
            self.settle()
        except BaseException:
            self.stop()
            raise

    def start(self, number: int) -> None:
        command, said = self._commands[number]
        with said.open("ab") as out:
            self._running[number] = subprocess.Popen(command, stdout=out, stderr=out)

    def kill(self, number: int) -> None:
        """SIGKILL: nothing is said, nothing is flushed by the process."""
        running = self._running[number]
        assert running is not None
        running.send_signal(signal.SIGKILL)
        running.wait(30)

    def settle(self) -> None:
        """Until every node is there and every partition is on all of its replicas again."""
        admin = AdminClient({"bootstrap.servers": self.servers, "log_level": 0})
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            for number, running in enumerate(self._running, 1):
                assert running is None or running.poll() is None, (
                    f"node {number} has ended; see its kafka.log"
                )
            try:
                found = admin.list_topics(timeout=2)
            except ck.KafkaException:
                continue
            behind = [
                part for topic in found.topics.values() for part in topic.partitions.values()
                if len(part.isrs) < len(part.replicas)
            ]  # fmt: skip
            if len(found.brokers) == len(self._ports) and not behind:
                return
            time.sleep(0.2)
        raise AssertionError(f"the nodes at {self.servers} do not come together within {SECONDS:.0f} s")

    def stop(self) -> None:
        for running in self._running:
            if running is not None and running.poll() is None:
                running.kill()
                running.wait(30)

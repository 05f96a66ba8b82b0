"""Children that end with their parent, the record of a data directory, and what is refused. No Kafka, no ClickHouse."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from streams import intake
from streams.commands.dev import what_is_where
from streams.dev import processes
from streams.dev.processes import (
    Child,
    Crew,
    Running,
    Services,
    broker_servers,
    dev_services,
    locate,
    start,
    started_at,
    stop,
)
from streams.errors import Refused
from streams.settings import Settings

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def until(fact: Callable[[], object], seconds: float = 20.0) -> None:
    """Waits for a fact; generous, because the machine may be busy."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """What a test starts, ended at its end whatever happens."""
    made: list[Child] = []
    yield made
    stop(made, grace=0.2)


def dev_settings(folder: Path) -> Settings:
    return Settings(broker="dev", store="dev", data_dir=folder)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("kafka://one:9092", "one:9092"),
        ("kafka://one:9092,two:9093", "one:9092,two:9093"),
        ("kafka://one, two:1/", "one:9092,two:1"),
        ("kafka://[::1]:9092", "[::1]:9092"),
        ("kafka://[::1]", "[::1]:9092"),
    ],
)
def test_a_broker_address_becomes_bootstrap_servers(url: str, servers: str) -> None:
    assert broker_servers(url) == servers


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://:9092",
        "kafka://one:port",
        "kafka://one:0",
        "kafka://one:70000",
        "kafka://one/two",
    ],
)
def test_what_is_no_broker_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(Refused, match="write kafka://host:9092"):
        broker_servers(url)


def test_addresses_in_the_settings_pass_through_and_the_password_is_never_shown(tmp_path: Path) -> None:
    dsn = "clickhouse://me:s3cret@host:8123/db"
    services = locate(Settings(broker="kafka://a:1,b:2", store=dsn, data_dir=tmp_path))
    assert services == Services("a:1,b:2", dsn)
    assert "s3cret" not in f"{services} {services!r} {services.shown}"
    assert services.shown == "clickhouse://me:***@host:8123/db"


def test_dev_names_the_database_that_a_namespace_has() -> None:
    services = Running("a:1", "clickhouse://default@127.0.0.1:8123/bellwether")
    told = what_is_where(Settings(namespace="acme", _env_file=None), services, Crew([]))
    assert "(database acme_bellwether)" in told


# ---------------------------------------------------------------- the record


def record(folder: Path, pid: int, started: str | None, ready: bool = True) -> None:
    entry = {"pid": pid, "started": started, "port": 1, "log": "x", "ready": ready}
    services = {
        "kafka": {**entry, "address": "127.0.0.1:1"},
        "clickhouse": {**entry, "address": "clickhouse://default@127.0.0.1:2/bellwether"},
    }
    (folder / processes.RECORD).write_text(json.dumps({"version": 1, "services": services}))


def test_services_whose_process_runs_are_found(tmp_path: Path) -> None:
    record(tmp_path, os.getpid(), started_at(os.getpid()))
    assert locate(dev_settings(tmp_path)).kafka_servers == "127.0.0.1:1"


def test_a_pid_that_was_given_to_another_program_is_not_taken_for_ours(tmp_path: Path) -> None:
    record(tmp_path, os.getpid(), "1")
    with pytest.raises(Refused, match="start `bellwether dev`"):
        locate(dev_settings(tmp_path))


def test_services_that_do_not_answer_yet_are_not_found(tmp_path: Path) -> None:
    record(tmp_path, os.getpid(), started_at(os.getpid()), ready=False)
    with pytest.raises(Refused, match="no dev services run"):
        locate(dev_settings(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"version":1}', '{"services":{"kafka":{"pid":"x"}}}', "\0"]
)
def test_a_record_that_can_not_be_read_is_no_record(tmp_path: Path, text: str) -> None:
    (tmp_path / processes.RECORD).write_text(text)
    with pytest.raises(Refused, match="no dev services run on this data directory"):
        locate(dev_settings(tmp_path))


def test_only_the_service_that_is_asked_for_must_run(tmp_path: Path) -> None:
    settings = Settings(broker="kafka://a:1", store="dev", data_dir=tmp_path)
    assert processes.kafka_servers(settings) == "a:1"
    with pytest.raises(Refused, match="BELLWETHER_STORE"):
        processes.clickhouse_dsn(settings)


# ---------------------------------------------------------------- what is refused before anything starts


def test_a_data_directory_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with (
        pytest.raises(Refused, match=r"can not be used .*BELLWETHER_DATA_DIR"),
        dev_services(dev_settings(tmp_path / "file" / "data")),
    ):
        pass


def test_a_worker_names_the_data_directory_that_it_can_not_make(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = dev_settings(tmp_path / "file").model_copy(update={"broker": "kafka://127.0.0.1:1"})
    with pytest.raises(Refused, match=r"can not be used .*BELLWETHER_DATA_DIR"):
        intake.build(settings)


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 5 << 20))
    with (
        pytest.raises(Refused, match=r"only 5 MB are free .* make room"),
        dev_services(dev_settings(tmp_path)),
    ):
        pass


def test_a_service_that_ends_on_a_full_disk_is_told_with_its_cause(
    tmp_path: Path, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    children.append(start("Kafka", [sys.executable, "-c", "raise SystemExit(1)"], log=tmp_path / "log"))
    children[0].process.wait(30)
    services = Running("a:1", "clickhouse://default@127.0.0.1:8123/bellwether", (children[0],))
    with pytest.raises(Refused) as roomy:
        services.check()
    assert str(roomy.value).endswith(str(tmp_path / "log"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(10, 10, 5 << 20))
    with pytest.raises(
        Refused, match=r"Kafka ended with exit code 1; .* only 5 MB are free there: make room"
    ):
        services.check()


def test_a_disk_that_fills_during_the_start_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(processes, "_start_services", full)
    with pytest.raises(Refused, match="no space is left"), dev_services(dev_settings(tmp_path)):
        pass


def test_a_second_command_on_the_same_data_is_refused_with_the_first_ones_process(tmp_path: Path) -> None:
    with (
        processes._owned(tmp_path),
        pytest.raises(Refused, match=rf"another bellwether \(process {os.getpid()}\) runs"),
        dev_services(dev_settings(tmp_path)),
    ):
        pass


@pytest.mark.parametrize("value", ["no", "0", "65536", "-1", "1.5"])
def test_what_is_no_port_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_DEV_KAFKA_PORT", value)
    with pytest.raises(Refused, match="write a number"):
        processes._fixed("BELLWETHER_DEV_KAFKA_PORT")


def test_a_port_in_use_is_refused_with_the_variable_that_mends_it() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(Refused, match=r"is in use .*SOME_PORT"),
    ):
        processes._bound("SOME_PORT", taken.getsockname()[1])


def test_services_of_a_killed_command_are_ended_before_the_next_start(
    tmp_path: Path, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    children.append(start("left", STUBBORN, log=tmp_path / "log"))
    until(lambda: (tmp_path / "log").read_text() == "up\n")
    record(tmp_path, children[0].pid, children[0].started)
    monkeypatch.setattr(processes, "GRACE", 0.3)
    processes._end_leftovers(tmp_path, lambda *_: None)
    assert children[0].ended() == -signal.SIGKILL


def test_a_foreign_process_with_a_recorded_pid_is_left_alone(tmp_path: Path, children: list[Child]) -> None:
    children.append(start("foreign", SLEEP, log=tmp_path / "log"))
    record(tmp_path, children[0].pid, "1")
    processes._end_leftovers(tmp_path, lambda *_: None)
    assert children[0].ended() is None


# ---------------------------------------------------------------- children

PARENT = """
import sys, time
from pathlib import Path
sys.path.insert(0, {root!r})
from streams.dev import processes
processes.sys.platform = {platform!r}
child = processes.start("child", {command!r}, log=Path({log!r}))
print(child.pid, processes.started_at(child.pid), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent_however_that_ends(
    tmp_path: Path, platform: str, number: signal.Signals
) -> None:
    told = tmp_path / "pid"
    command = [
        sys.executable,
        "-c",
        f"import os, time; open({str(told)!r}, 'w').write(f'{{os.getpid()}} '); time.sleep(600)",
    ]
    script = PARENT.format(
        root=str(Path(__file__).parents[2]), platform=platform, command=command, log=str(tmp_path / "log")
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    try:
        until(lambda: told.exists() and told.read_text().endswith(" "))
        pid = int(told.read_text())
        assert started_at(pid)
        parent.send_signal(number)
        parent.wait()
        until(lambda: started_at(pid) is None)
    finally:
        parent.kill()
        parent.wait()
        assert parent.stdout is not None
        parent.stdout.close()


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
def test_a_child_is_handed_what_it_shall_have(
    tmp_path: Path, children: list[Child], platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.dev.processes.sys.platform", platform)
    log = tmp_path / "log"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = f"import socket; print(socket.socket(fileno={listener.fileno()}).getsockname()[1])"
        children.append(start("a", [sys.executable, "-c", code], log=log, pass_fds=[listener.fileno()]))
        assert children[0].process.wait(30) == 0
        assert log.read_text() == f"{listener.getsockname()[1]}\n"


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
def test_the_exit_code_of_a_child_is_its_own(
    tmp_path: Path, children: list[Child], platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.dev.processes.sys.platform", platform)
    children.append(start("a", [sys.executable, "-c", "raise SystemExit(7)"], log=tmp_path / "log"))
    assert children[0].process.wait(30) == 7


def test_stopping_ends_the_willing_by_sigterm_and_the_stubborn_by_sigkill(
    tmp_path: Path, children: list[Child]
) -> None:
    children += [start("a", SLEEP, log=tmp_path / "a"), start("b", STUBBORN, log=tmp_path / "b")]
    until(lambda: (tmp_path / "b").read_text() == "up\n")
    stop(children, grace=0.5)
    assert [child.ended() for child in children] == [-signal.SIGTERM, -signal.SIGKILL]
    assert children[1].death() == f"b was ended by SIGKILL; its log: {tmp_path / 'b'}"


def test_ctrl_c_in_the_terminal_reaches_only_the_parent(tmp_path: Path, children: list[Child]) -> None:
    children.append(start("a", SLEEP, log=tmp_path / "a"))
    assert os.getsid(children[0].pid) != os.getsid(0)


def test_a_child_without_a_log_speaks_through_us_with_its_name(
    children: list[Child], capfd: pytest.CaptureFixture[str]
) -> None:
    seen = ""

    def spoke() -> bool:
        nonlocal seen
        seen += capfd.readouterr().err
        return "it | hello\nit | world\n" in seen

    children.append(start("it", [sys.executable, "-c", "print('hello'); print('world')"]))
    until(spoke)


def test_a_program_that_does_not_exist_is_a_death_like_any_other(
    tmp_path: Path, children: list[Child]
) -> None:
    children.append(start("a", ["/does/not/exist"], log=tmp_path / "a"))
    until(lambda: children[0].ended() is not None)
    assert children[0].ended() == 1


def test_a_crew_starts_the_dead_again_until_they_die_too_often(tmp_path: Path) -> None:
    crew = Crew([start(name, SLEEP, log=tmp_path / name) for name in "ab"], restarts=2)
    try:
        assert crew.check() == []
        for _ in range(2):
            victim, other = crew.children
            victim.process.kill()
            victim.process.wait()
            assert crew.check() == [f"a was ended by SIGKILL; its log: {tmp_path / 'a'}; started again"]
            assert crew.children[0].pid != victim.pid
            assert crew.children[1] is other
        crew.children[0].process.kill()
        crew.children[0].process.wait()
        with pytest.raises(Refused, match=r"a was ended by SIGKILL; its log: .*/a \(3 times within 60 s\)"):
            crew.check()
    finally:
        crew.stop()
    assert crew.children[1].ended() == -signal.SIGTERM


def test_a_crew_without_restarts_ends_with_the_first_death(tmp_path: Path) -> None:
    crew = Crew([start("a", [sys.executable, "-c", "raise SystemExit(3)"], log=tmp_path / "a")])
    until(lambda: crew.children[0].ended() is not None)
    with pytest.raises(Refused, match="a ended with exit code 3; its log"):
        crew.check()


def test_a_process_that_is_gone_has_no_start() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    assert started_at(done.pid)
    done.wait()
    assert started_at(done.pid) is None

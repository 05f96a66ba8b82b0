"""The dev services as children of a command: started, recorded, found by other commands, watched, stopped.

Also the children of any other command of ours (the workers). What the services are stands in kafka.py and clickhouse.py.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from streams.dev import kafka
from streams.dev.kafka import Progress, silent
from streams.errors import Refused
from streams.settings import Settings

RECORD = "services.json"
LOCK = "dev.lock"
DATABASE = "bellwether"  # made by the ClickHouse front at its start
GRACE = 15.0  # seconds from SIGTERM to SIGKILL
WINDOW = 60.0  # seconds in which a child may die so many times
START_TIMEOUT = 90.0  # seconds; a warm start takes 2 to 3
ROOM = 200 << 20  # bytes that must be free: less, and the broker dies in the middle of a segment
LEASH = Path(__file__).with_name("leash.py")
FRONT = Path(__file__).with_name("clickhouse.py")


# ---------------------------------------------------------------- children


@dataclass(frozen=True)
class _How:
    command: tuple[str, ...]
    log: Path | None
    env: dict[str, str] | None
    pass_fds: tuple[int, ...]


class Child:
    """A process of ours that ends when we end, however we end. Made by `start`."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], how: _How) -> None:
        self.name = name
        self.process = process
        self.how = how
        self.log = how.log  # where to look when it dies
        self.started = started_at(process.pid) or ""

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> int | None:
        """The exit code, None while it runs; minus the signal's number when a signal ended it."""
        return self.process.poll()

    def death(self) -> str:
        """How it ended, for people: `Kafka was ended by SIGKILL; its log: …`."""
        code = self.process.poll()
        if code is not None and code < 0:
            how = f"was ended by {signal.Signals(-code).name}"
        else:
            how = f"ended with exit code {code}"
        return f"{self.name} {how}" + (f"; its log: {self.log}" if self.log else "")


def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path | None = None,
    env: dict[str, str] | None = None,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Starts a child in a session of its own: Ctrl-C reaches only us, and we stop the children in order.

    Its output goes to the file `log`, or without one, line by line with its name before it, to our stderr. It ends
    with this process, even when that is ended by SIGKILL. Call it from a thread that lives as long as the child
    shall (the main thread): Linux ties the child to the thread that made it. Raises OSError when it can not be started.
    """
    way = "kernel" if sys.platform == "linux" else "pipe"
    out = open(log, "ab") if log else None  # noqa: SIM115 (the child keeps it)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), way, str(os.getpid()), *command],
            stdin=subprocess.PIPE,  # never written: it closes when we end
            stdout=out or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(env or {})},
            pass_fds=pass_fds,
        )
    finally:
        if out:
            out.close()
    if log is None:
        threading.Thread(target=_forward, args=(name, process), name=f"log of {name}", daemon=True).start()
    return Child(name, process, _How(tuple(command), log, env, tuple(pass_fds)))


def start_again(child: Child) -> Child:
    """A child that has ended, started in the way it was. As start()."""
    how = child.how
    return start(child.name, how.command, log=how.log, env=how.env, pass_fds=how.pass_fds)


def _forward(name: str, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        # Our stderr may be gone; the child must not block on that
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{name} | {line.decode('utf-8', 'replace')}")


def stop(children: Iterable[Child], grace: float = GRACE) -> None:
    """SIGTERM to all of them at once, SIGKILL to those that are not gone after `grace` seconds. Returns when all are."""
    running = [child for child in children if child.ended() is None]
    with _undisturbed():
        for child in running:
            child.process.terminate()
        deadline = time.monotonic() + grace
        for child in running:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()


class Crew:
    """Children of one kind (the workers), watched: one that dies is started again, in the way it was started.

    When one dies more than `restarts` times within WINDOW seconds, something is wrong that starting does not mend:
    `check` then raises Refused. `restarts=0`: the first death is the end.
    """

    def __init__(self, children: Iterable[Child], restarts: int = 0) -> None:
        self.children = list(children)
        self.restarts = restarts
        self._deaths: dict[str, list[float]] = {}

    def check(self) -> list[str]:
        """Starts again whoever has died, and says what happened, a line each. To be called about once a second.

        Main thread only, see `start`.
        """
        said = []
        for place, child in enumerate(self.children):
            if child.ended() is None:
                continue
            now = time.monotonic()
            deaths = [at for at in self._deaths.get(child.name, []) if now - at < WINDOW] + [now]
            self._deaths[child.name] = deaths
            if len(deaths) > self.restarts:
                again = f" ({len(deaths)} times within {WINDOW:.0f} s)" if len(deaths) > 1 else ""
                raise Refused(child.death() + again)
            said.append(f"{child.death()}; started again")
            self.children[place] = start_again(child)
        return said

    def stop(self, grace: float = GRACE) -> None:
        """Ends all of them at once and waits for them."""
        stop(self.children, grace)


def started_at(pid: int) -> str | None:
    """When the process with this pid started, as an opaque text; None when there is none (or only its remains).

    With the pid it names one process for ever: a pid that the system gives out again has another start.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        if Path("/proc/self/stat").exists():
            return None
        done = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return done.stdout.strip() or None
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]  # clock ticks since boot


# ---------------------------------------------------------------- services, and where they are


@dataclass(frozen=True)
class Services:
    """Where Kafka and ClickHouse are reached. The dsn may hold a password: it is never shown, see `shown`."""

    kafka_servers: str  # host:port[,host:port], as librdkafka wants it
    clickhouse: str = field(repr=False)  # as clickhouse_connect.get_client(dsn=…) wants it

    @property
    def shown(self) -> str:
        """The ClickHouse address without its password, for people and logs."""
        return without_password(self.clickhouse)


@dataclass(frozen=True)
class Running(Services):
    """Services of which this command owns the dev ones."""

    children: tuple[Child, ...] = ()

    def check(self) -> None:
        """Raises Refused, naming the log, when one of ours has died. Cheap; to be called about once a second."""
        for child in self.children:
            if child.ended() is not None:
                raise Refused(child.death() + _short_of_room(child.log))


def _short_of_room(log: Path | None) -> str:
    """What is mostly behind the end of a service that writes there, where it is so."""
    if log is None or (free := shutil.disk_usage(log.parent).free) >= ROOM:
        return ""
    return f"; only {free >> 20} MB are free there: make room, {ROOM >> 20} MB at least, and start it again"


def without_password(url: str) -> str:
    """The address with its password replaced by ***."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{parts.username or ''}:***@{host}").geturl()


def broker_servers(url: str) -> str:
    """kafka://host:port[,host:port] as librdkafka's bootstrap.servers; 9092 where no port stands. Raises Refused."""
    servers = []
    for item in url.removeprefix("kafka://").rstrip("/").split(","):
        host, colon, port = item.strip().rpartition(":")
        if not colon or port.endswith("]"):  # no port, or the inside of an IPv6 address
            host, port = item.strip(), "9092"
        if not host or not port.isdigit() or not 0 < int(port) < 65536 or set(host) & set("/@?# "):
            raise Refused(
                f"BELLWETHER_BROKER: {item!r} is not host:port: write kafka://host:9092[,host:9092]"
            )
        servers.append(f"{host}:{port}")
    return ",".join(servers)


def locate(settings: Settings) -> Services:
    """Where the services of these settings are: what a running `dev` recorded, or the addresses in the settings.

    Does not connect to them. Raises Refused when `dev` services are wanted and none run on the data directory.
    """
    return Services(kafka_servers(settings), clickhouse_dsn(settings))


def kafka_servers(settings: Settings) -> str:
    """Where Kafka is: `locate` for commands that need nothing else."""
    return _recorded(settings, "kafka") if settings.broker == "dev" else broker_servers(settings.broker)


def clickhouse_dsn(settings: Settings) -> str:
    """Where ClickHouse is: `locate` for commands that need nothing else."""
    return _recorded(settings, "clickhouse") if settings.store == "dev" else settings.store


def runs(settings: Settings) -> bool:
    """Whether dev services of a living command run on the data directory."""
    record = _read_record(settings.data_dir)
    return any(started_at(entry.pid) == entry.started for entry in record.values())


def _recorded(settings: Settings, name: str) -> str:
    entry = _read_record(settings.data_dir).get(name)
    if entry is None or not entry.ready or started_at(entry.pid) != entry.started:
        variable = "BELLWETHER_BROKER" if name == "kafka" else "BELLWETHER_STORE"
        raise Refused(
            f"no dev services run on this data directory ({settings.data_dir}): start `bellwether dev`, "
            f"or set {variable} to an address"
        )
    return entry.address


@dataclass(frozen=True)
class _Entry:
    """One service in the record of a data directory."""

    address: str
    port: int
    pid: int
    started: str
    log: str
    ready: bool


def _read_record(directory: Path) -> dict[str, _Entry]:
    """What the last command recorded here; nothing when it is not there or not readable as ours."""
    try:
        record = json.loads((directory / RECORD).read_text("utf-8"))
        return {name: _Entry(**entry) for name, entry in record["services"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _record(directory: Path, children: dict[str, Child], addresses: dict[str, str], ready: bool) -> None:
    services = {
        name: asdict(
            _Entry(
                address=addresses[name],
                port=int(re.search(r":(\d+)(?:/|$)", addresses[name])[1]),  # type: ignore[index]
                pid=child.pid,
                started=child.started,
                log=str(child.log),
                ready=ready,
            )
        )
        for name, child in children.items()
    }
    draft = directory / f"{RECORD}.draft"
    draft.write_text(json.dumps({"version": 1, "services": services}, indent=1), "utf-8")
    draft.replace(directory / RECORD)


# ---------------------------------------------------------------- the services of one command


@contextlib.contextmanager
def dev_services(settings: Settings, *, progress: Progress = silent) -> Iterator[Running]:
    """Runs what the settings want as `dev` for as long as the block lasts; what they give an address for is left alone.

    Data are under the data directory and are found again by the next start. The services answer when the block begins,
    and are stopped when it ends, by whatever exception. One command at a time owns a data directory. Main thread only,
    see `start`. Raises Refused with one sentence for everything that can go wrong on a user's machine.
    """
    if "dev" not in (settings.broker, settings.store):
        located = locate(settings)
        yield Running(located.kafka_servers, located.clickhouse)
        return
    directory = settings.data_dir.absolute()
    with _owned(directory):
        children: dict[str, Child] = {}
        addresses: dict[str, str] = {}
        try:
            _end_leftovers(directory, progress)
            try:
                _start_services(settings, directory, children, addresses, progress)
            except OSError as error:
                raise unusable(directory, error) from error
            yield Running(
                kafka_servers=addresses.get("kafka") or broker_servers(settings.broker),
                clickhouse=addresses.get("clickhouse") or settings.store,
                children=tuple(children.values()),
            )
        finally:
            with _undisturbed():
                stop(children.values())
                with contextlib.suppress(OSError):
                    (directory / RECORD).unlink(missing_ok=True)


def unusable(directory: Path, error: OSError) -> Refused:
    """What to raise where the data directory, or one in it, can not be written."""
    if error.errno == errno.ENOSPC:
        return Refused(
            f"no space is left for the data directory {directory}: make room or set BELLWETHER_DATA_DIR"
        )
    return Refused(
        f"the data directory {directory} can not be used ({error.strerror or error}): "
        "set BELLWETHER_DATA_DIR to a directory that you can write"
    )


@contextlib.contextmanager
def _owned(directory: Path) -> Iterator[None]:
    """The data directory, for this process alone. The lock goes with the process, however it ends."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unusable(directory, error) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(handle, 20, 0).decode("ascii", "replace").strip()
            raise Refused(
                f"another bellwether{f' (process {owner})' if owner else ''} runs its services on {directory}: "
                "stop it first, or set BELLWETHER_DATA_DIR to another directory"
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        free = shutil.disk_usage(directory).free
        if free < ROOM:
            raise Refused(
                f"only {free >> 20} MB are free for the data directory {directory}, {ROOM >> 20} MB are needed: "
                "make room or set BELLWETHER_DATA_DIR"
            )
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals that would end us wait: stopping takes bounded time, and a second Ctrl-C must not leave it half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_leftovers(directory: Path, progress: Progress) -> None:
    """Services whose command was killed end by themselves; those that do not are ended here, by pid and start."""
    left = [(entry.pid, entry.started) for entry in _read_record(directory).values()]
    deadline = time.monotonic() + GRACE
    for number in (signal.SIGTERM, signal.SIGKILL):
        alive = [pid for pid, started in left if started_at(pid) == started]
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        while any(started_at(pid) == started for pid, started in left) and time.monotonic() < deadline:
            progress("waiting for the services of a command that was killed", 0, 0)
            time.sleep(0.05)
        deadline = time.monotonic() + 2


def _start_services(
    settings: Settings,
    directory: Path,
    children: dict[str, Child],
    addresses: dict[str, str],
    progress: Progress,
) -> None:
    kafka_port = _fixed("BELLWETHER_DEV_KAFKA_PORT")
    clickhouse_port = _fixed("BELLWETHER_DEV_CLICKHOUSE_PORT")
    if settings.broker == "dev":
        program, classpath = kafka.java(), kafka.jars(progress)
    for attempt in range(3):
        progress("starting the services", 0, 0)
        if settings.store == "dev" and "clickhouse" not in children:
            children["clickhouse"], addresses["clickhouse"] = _start_clickhouse(directory, clickhouse_port)
        if settings.broker == "dev" and "kafka" not in children:
            port = kafka_port or _free_port()
            if kafka_port:
                _bound("BELLWETHER_DEV_KAFKA_PORT", kafka_port).close()
            home = directory / "kafka"
            command = kafka.command(home, port, _free_port(), program, classpath)
            kafka.output_file(home).unlink(missing_ok=True)
            children["kafka"] = start("Kafka", command, log=kafka.output_file(home))
            children["kafka"].log = kafka.log_file(home)
            addresses["kafka"] = f"127.0.0.1:{port}"
        _record(directory, children, addresses, ready=False)
        if settings.broker == "dev" and not _kafka_answers(children["kafka"], port, directory / "kafka"):
            if kafka_port or attempt == 2:
                raise Refused(
                    f"port {port} for Kafka was taken while it started: set BELLWETHER_DEV_KAFKA_PORT"
                )
            # Somebody took the port between our look and the broker's start: another one
            del children["kafka"]
            continue
        break
    if settings.store == "dev":
        _clickhouse_answers(children["clickhouse"], urlsplit(addresses["clickhouse"]).port or 0)
    _record(directory, children, addresses, ready=True)


def _kafka_answers(child: Child, port: int, home: Path) -> bool:
    """True when the broker answers, False when its port was taken; Refused when it died of anything else."""
    deadline = time.monotonic() + START_TIMEOUT
    while child.ended() is None:
        if time.monotonic() > deadline:
            raise Refused(f"Kafka does not answer after {START_TIMEOUT:.0f} s; its log: {child.log}")
        if _listens(port) and kafka.answers(port):
            return True
        time.sleep(0.03)
    said = _tail(kafka.log_file(home)) + _tail(kafka.output_file(home))
    if "Address already in use" in said or "BindException" in said:
        return False
    log = child.log if child.log and child.log.exists() else kafka.output_file(home)
    if "UnsupportedVersionException" in said:
        raise Refused(
            f"the data in {home} were written by a newer Kafka than {kafka.VERSION}, which can not read them: move that "
            f"directory away, or set BELLWETHER_DATA_DIR to another; the log: {log}"
        )
    raise Refused(f"Kafka did not start: {child.death().partition(';')[0]}{_last(said)}; its log: {log}")


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4000))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _last(said: str) -> str:
    """The last line that says what is wrong, if any does."""
    marks = (" ERROR ", " FATAL ", "Error", "error:", "Exception")
    lines = [line.strip() for line in said.splitlines() if any(mark in line for mark in marks)]
    return f" ({lines[-1][:200]})" if lines else ""


def _start_clickhouse(directory: Path, fixed: int) -> tuple[Child, str]:
    """The listening socket is made here and handed over, so that no other program can take the port in between."""
    home = directory / "clickhouse"
    home.mkdir(parents=True, exist_ok=True)
    log = directory / "clickhouse.log"
    log.unlink(missing_ok=True)
    with _bound("BELLWETHER_DEV_CLICKHOUSE_PORT", fixed) as listener:
        listener.listen(128)
        port = int(listener.getsockname()[1])
        # By its path (-P: with nothing of its directory on the module path): it imports nothing of ours.
        command = [sys.executable, "-P", str(FRONT), str(home), str(listener.fileno())]
        child = start("ClickHouse", command, log=log, env={"TZ": "UTC"}, pass_fds=[listener.fileno()])
    return child, f"clickhouse://default@127.0.0.1:{port}/{DATABASE}"


def _clickhouse_answers(child: Child, port: int) -> None:
    import httpx

    deadline = time.monotonic() + START_TIMEOUT
    # No proxy of the user's settings stands between.
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=1, trust_env=False) as client:
        while child.ended() is None:
            try:
                if client.get("/ping").is_success:
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise Refused(
                    f"the ClickHouse engine does not answer after {START_TIMEOUT:.0f} s; its log: {child.log}"
                )
            time.sleep(0.03)
    said = _tail(child.log).strip().splitlines() if child.log else []
    because = f" ({said[-1][:300]})" if said else ""
    raise Refused(
        f"the ClickHouse engine did not start: {child.death().partition(';')[0]}{because}; its log: {child.log}"
    )


# ---------------------------------------------------------------- ports


def _fixed(variable: str) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return 0
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise Refused(f"{variable}={text!r} is not a port: write a number from 1 to 65535")
    return int(text)


def _bound(variable: str, port: int) -> socket.socket:
    """A socket bound to this loopback port, 0: any. Raises Refused when the port is in use."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise Refused(
                f"port {port} is in use by another program: stop it, or set {variable} to a free port "
                "(or to nothing, and a free one is chosen)"
            ) from error
        raise Refused(f"port {port} can not be used ({error.strerror}): set {variable} to another") from error
    return bound


def _free_port() -> int:
    """A loopback port that is free now, below those that systems give to outgoing connections."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0

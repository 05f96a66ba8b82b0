"""Imports point one way: streams -> agents -> schemas. Read from the source, so that a forgotten branch counts too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("schemas", "agents", "streams", "tests")
MAY_IMPORT = {
    "schemas": {"schemas"},
    "agents": {"agents", "schemas"},
    "streams": {"streams", "agents", "schemas"},
}
# agents/ is pure: nothing that reaches a clock, a socket, a disk, a thread or chance.
IMPURE = {
    "asyncio", "socket", "os", "io", "pathlib", "random", "secrets", "threading", "multiprocessing", "subprocess", "time",
    "logging", "sqlite3", "urllib", "http", "tempfile", "shutil", "faust", "confluent_kafka", "clickhouse_connect", "chdb",
    "httpx", "aiohttp", "structlog", "rich", "click", "prometheus_client", "pydantic_settings",
}  # fmt: skip
IMPURE_CALLS = {"now", "utcnow", "today", "open", "print", "input", "uuid4", "uuid1"}


def violations(room: str, source: str, name: str) -> Iterator[str]:
    """What `source`, a file of `room`, imports or calls that it must not."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.Call):
            continue
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
            if node.level:
                yield f"{name}:{node.lineno} relative import: say which room it is"
        for module in modules:
            top = module.split(".")[0]
            if top in ROOMS and top not in MAY_IMPORT[room]:
                yield f"{name}:{node.lineno} {room} imports {module}"
            if room == "agents" and top in IMPURE:
                yield f"{name}:{node.lineno} agents imports {module}"
        if room == "agents" and isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = (
                node.func.value.id
                if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
                else ""
            )
            if called in IMPURE_CALLS and (owner in {"", "date", "datetime", "uuid"}):
                yield f"{name}:{node.lineno} agents calls {called}()"


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_every_file_of_a_room_imports_only_what_its_room_may(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files, f"no file in {room}/: the test would prove nothing"
    found = [v for f in files for v in violations(room, f.read_text(), str(f.relative_to(ROOT)))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("room", "planted"),
    [
        ("schemas", "from agents.ledger import Ledger"),
        ("schemas", "import streams.settings"),
        ("agents", "from streams.settings import Settings"),
        ("agents", "import random"),
        ("agents", "def f():\n    import confluent_kafka"),
        ("agents", "from datetime import datetime\nx = datetime.now()"),
        ("agents", "from . import ledger"),
        ("streams", "from tests.unit import test_import_direction"),
    ],
)
def test_a_planted_violation_is_caught(room: str, planted: str) -> None:
    assert list(violations(room, planted, "planted.py"))


def circle(sources: Mapping[str, str]) -> list[str]:
    """Modules that name one another: each imports the next, the last the first. Empty: there is no such circle.

    Imports inside functions count, and those for types alone: who reads one file of a circle has to read them all.
    """
    needs: dict[str, set[str]] = {}
    for module, source in sources.items():
        named: set[str] = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named.add(node.module)
                named |= {f"{node.module}.{alias.name}" for alias in node.names}
        needs[module] = named & (sources.keys() - {module})
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def test_no_module_names_one_that_names_it() -> None:
    files = [file for room in MAY_IMPORT for file in sorted((ROOT / room).rglob("*.py"))]
    sources = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file.read_text()
        for file in files
    }
    assert len(sources) > 100
    assert circle(sources) == []


@pytest.mark.parametrize(
    ("source", "is_one"),
    [
        ("import streams.store", True),
        ("from streams.store import thing", True),
        ("from streams import store", True),
        ("def f():\n    from streams.store import thing", True),
        ("if TYPE_CHECKING:\n    from streams.store import thing", True),
        ("import streams.settings", False),
    ],
)
def test_a_planted_circle_is_caught(source: str, is_one: bool) -> None:
    sources = {
        "streams.store": "from streams.audit import audit",
        "streams.audit": source,
        "streams.settings": "",
    }
    assert bool(circle(sources)) == is_one

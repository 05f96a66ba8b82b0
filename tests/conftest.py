"""What all tests share: a real Kafka and the real ClickHouse engine, each started once, when the first test asks for it.

A test that asks for neither pays nothing. Tests keep apart by `namespace`: topics, groups and databases of their own.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadScopeScheduling

# What lands is judged by the same examples every time; whoever runs the tests by hand looks for new ones.
hypothesis_settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis_settings.load_profile("ci")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Begun in the background of a shell: children would inherit it, and Ctrl-C is among what is tested.
    signal.signal(signal.SIGINT, signal.default_int_handler)

for variable in [name for name in os.environ if name.startswith("BELLWETHER_")]:
    del os.environ[variable]  # a developer's settings must not reach into the tests

# Also where pytest is called without make: hundreds of children start twice as fast with compiled modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


# Where tests wait for processes and for time, so that on several cores they are begun with and not waited for in the end.
LONG = ("faults", "browser", "integration")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """With `-n`: a file's tests run in one process, which has services of its own; each of the faults by itself."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith("tests/faults/") else nodeid.split("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """Not by marks of `--dist loadgroup`: xdist 3.8 hands them on in a way that pytest 9.2 does not see, in silence."""
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The markers `kafka` and `clickhouse` follow from the fixtures that a test asks for; long tests come first."""
    for item in items:
        for service in ("kafka", "clickhouse"):
            if service in getattr(item, "fixturenames", ()):
                item.add_marker(service)
    items.sort(key=lambda item: LONG.index(room) if (room := item.path.parent.name) in LONG else len(LONG))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """bootstrap.servers of a real broker. It has no topics but those that tests make."""
    from streams.dev.processes import dev_services
    from streams.settings import Settings

    settings = Settings(broker="dev", store="clickhouse://unused", data_dir=tmp_path_factory.mktemp("kafka"))
    with dev_services(settings) as services:
        yield services.kafka_servers


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The dsn of the real engine behind its HTTP front, for clickhouse_connect.get_client(dsn=…)."""
    from streams.dev.processes import dev_services
    from streams.settings import Settings

    settings = Settings(
        broker="kafka://unused:9092", store="dev", data_dir=tmp_path_factory.mktemp("clickhouse")
    )
    with dev_services(settings) as services:
        yield services.clickhouse


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace that no other test has; its tables go with the test, for their views are made anew again and again."""
    name = f"t{uuid.uuid4().hex[:10]}"
    dsn = request.getfixturevalue("clickhouse") if "clickhouse" in request.fixturenames else None
    yield name
    if dsn:
        from streams.store.client import connect

        client = connect(dsn, None)
        asked = "SELECT name FROM system.databases WHERE startsWith(name, {namespace:String})"
        for (database,) in client.query(asked, parameters={"namespace": name}).result_rows:
            client.command(f"DROP DATABASE `{database}`")
        client.close()

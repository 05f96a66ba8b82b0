"""What several files of this room ask for: tables in ClickHouse that the tests of one file share.

No test lives here. The services themselves are tests/conftest.py's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from streams.store.client import Client
from tests.integration.store_kit import emptied, made


class Tables(NamedTuple):
    """A deployment's tables, and its namespace."""

    namespace: str
    client: Client


@pytest.fixture(scope="module")
def tables(clickhouse: str) -> Iterator[Tables]:
    """For all tests of a file but those that break them: they take a second to make."""
    namespace = f"t{uuid.uuid4().hex[:10]}"
    client = made(clickhouse, namespace)
    yield Tables(namespace, client)
    client.command(f"DROP DATABASE `{client.database}`")
    client.close()


@pytest.fixture
def store(tables: Tables) -> Iterator[Client]:
    """The file's tables, without a row."""
    yield tables.client
    emptied(tables.client)

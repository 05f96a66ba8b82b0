"""How the page asks the store: a few connections, each in a thread of its own, and answers that are read only.

The questions are queries.py's.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from streams.store.client import Client, connect, database_name, named, refusals
from streams.store.migrate import require_current
from streams.web.queries import Question, Row

CONNECTIONS: Final = 4
SECONDS: Final = 20  # a question that takes longer is given up
# Newest rows are merged as they are read, and each table by one thread: cut up for several, they cost a third more of the
# processors. A condition on what a table is ordered by is looked at first: other columns are then read for its rows alone.
READING: Final = {
    "max_execution_time": SECONDS,
    "split_intersecting_parts_ranges_into_layers_final": 0,
    "optimize_move_to_prewhere_if_final": 1,
}


class Answers(Protocol):
    """What pages ask of a store."""

    async def ask(self, question: Question) -> list[Row]: ...


class Store:
    """Connects with the first question; a thread keeps its connection."""

    def __init__(self, dsn: Callable[[], str], namespace: str) -> None:
        self._dsn = dsn
        self._namespace = namespace
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="store")

    async def ask(self, question: Question) -> list[Row]:
        """The rows, column -> Python value (money: Decimal). Raises Refused when the store cannot answer."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, question)

    def _ask(self, question: Question) -> list[Row]:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            dsn = self._dsn()
            client = connect(dsn, database_name(dsn, self._namespace), timeout=SECONDS + 5)
            require_current(client, named(dsn))
            self._own.client = client
        with refusals(client.url.partition("://")[2], client.database):
            found = client.query(
                question.statement,
                parameters=dict(question.parameters),
                settings=READING,
            )
            return list(found.named_results())

    def close(self) -> None:
        """No more questions; those under way end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

"""Loopback ports for servers that a test starts: below those that the system gives to outgoing connections.

One that the system chose (port 0) may be a connection's own by the time a worker binds it, seconds later.
"""

from __future__ import annotations

import contextlib
import random
import socket


def free_port(in_a_row: int = 1) -> int:
    """The first of so many loopback ports in a row that nobody has now."""
    while True:
        first = random.randrange(20_000, 32_000)
        with contextlib.ExitStack() as probes, contextlib.suppress(OSError):
            for port in range(first, first + in_a_row):
                probe = probes.enter_context(socket.socket())
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
            return first

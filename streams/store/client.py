"""One way to reach the store: clickhouse-connect over HTTP, and each failure as one sentence without the password.

No query and no table is named here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from clickhouse_connect.driver.exceptions import OperationalError
from clickhouse_connect.driver.httpclient import HttpClient as Client
from clickhouse_connect.driver.httputil import default_pool_manager
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from streams.errors import Refused
from streams.settings import loopback

DEFAULT_DATABASE = "bellwether"
CONNECT = 5.0  # seconds
FIRST_ANSWER = 30.0  # seconds for the first words, however long a statement may take later: one that hangs is said as such
UNKNOWN_DATABASE = 81
AUTHENTICATION = {
    192,
    193,
    194,
    516,
}  # UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED

__all__ = ["ClickHouseError", "Client", "connect", "database_name", "first_line", "named", "refusals"]

# The driver logs each failed request with a stack trace; here the caller says it, once.
logging.getLogger("clickhouse_connect").setLevel(logging.CRITICAL)
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def named(dsn: str) -> str:
    """The store as people may read it: host and port, no user, no password."""
    parts = urlsplit(dsn)
    try:
        port = parts.port
    except ValueError as error:
        raise Refused(
            "BELLWETHER_STORE has a port that is no number; write clickhouse://user@host:8123"
        ) from error
    secure = parts.scheme == "clickhouses"
    return f"{parts.hostname or 'localhost'}:{port or (8443 if secure else 8123)}"


def database_name(dsn: str, namespace: str) -> str:
    """The database of a deployment: the DSN's own (else "bellwether"), the namespace before it when one is set."""
    base = unquote(urlsplit(dsn).path.strip("/")) or DEFAULT_DATABASE
    return f"{namespace}_{base}" if namespace else base


def connect(dsn: str, database: str | None, *, timeout: float = 300) -> Client:
    """A client whose unqualified table names are those of `database` (None: the server's default database).

    `dsn` is clickhouse://user:password@host:8123/… or clickhouses://… (TLS). Raises Refused, with the host and how to
    mend it, when the server cannot be reached, does not answer, does not accept the user, or has no such database.
    `timeout` in seconds is a statement's, once the server has answered at all. Not guaranteed: that the server stays.
    A client is for one thread at a time. The proxy of http_proxy and https_proxy is asked for servers of other machines,
    unless no_proxy names them.
    """
    parts = urlsplit(dsn)
    where = named(dsn)
    host, _, port = where.rpartition(":")
    with refusals(where, database):
        made = clickhouse_connect.get_client(
            host=host,
            port=int(port),
            username=unquote(parts.username) if parts.username else "default",
            password=unquote(parts.password or ""),
            database=database,
            interface="https" if parts.scheme == "clickhouses" else "http",
            compress="lz4",
            connect_timeout=int(CONNECT),
            send_receive_timeout=int(min(timeout, FIRST_ANSWER)),
            autogenerate_session_id=False,  # a session admits one statement at a time; nothing here needs one
            client_name="bellwether",
            pool_mgr=default_pool_manager() if loopback(host) else None,
        )
        assert isinstance(made, Client)
        made.timeout = Timeout(connect=CONNECT, read=timeout)
        return made


@contextmanager
def refusals(where: str, database: str | None = None) -> Iterator[None]:
    """Whatever the driver raises inside becomes Refused, with the server's own words and without the password."""
    try:
        yield
    except (ClickHouseError, HTTPError, OSError) as error:
        code = getattr(error, "code", None)
        if code in AUTHENTICATION or "HTTP status 403" in str(error)[:60]:
            reason = "does not accept the user or the password; mend BELLWETHER_STORE"
        elif code == UNKNOWN_DATABASE:
            reason = f"has no database {database}; run `bellwether migrate`"
        elif "Read timed out" in str(error):
            reason = "does not answer in time; look at its log, its disk and its load"
        elif "Unable to connect to proxy" in str(error) or "Tunnel connection failed" in str(error):
            reason = (
                "cannot be reached through the proxy of http_proxy or https_proxy; name the host in no_proxy"
            )
        elif code is None and (isinstance(error, OperationalError | HTTPError | OSError)):
            reason = "cannot be reached; is ClickHouse running there, and is BELLWETHER_STORE right?"
        else:
            reason = f"answered: {first_line(error)}"
        raise Refused(f"the store at {where} {reason}") from error


def first_line(error: Exception) -> str:
    """The error in one line of at most 300 characters (the server's may hold a whole statement)."""
    text = " ".join(str(error).split())
    _, marker, rest = text.partition("server response: ")
    return (rest if marker else text)[:300]

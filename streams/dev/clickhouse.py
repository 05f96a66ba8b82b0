"""The real ClickHouse engine (chDB) behind ClickHouse's own HTTP interface, on loopback: a program of its own.

Run by processes.py as `python -P clickhouse.py DIRECTORY LISTENING_FD`: it imports nothing of ours, and chdb (550 MB of
engine) is imported only in here. Left out, as nobody asked: passwords, users but one (`dashboard`, who can only
read), sessions (each request is one of its own), external data, compression of answers, quotas, progress headers.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import sys
import tempfile
import threading
import urllib.parse
import uuid
import zlib
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import BasicAuth, BodyPartReader, web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

DATABASE = "bellwether"
# As on a server with deploy/clickhouse/users.d: changes nothing, and no setting but these
READER = "dashboard"
READERS_SETTINGS = ("max_execution_time",)  # Grafana's data source sends it with each query
MAX_BODY = 256 << 20  # bytes as sent
MAX_INSERT = 4 << 30  # bytes of one insert, decompressed: they go through a file, and are never held
CONCURRENT = 8  # statements at once; more wait
CHUNK = 1 << 20
HELD_BACK = 1 << 20  # bytes of an answer that are held back, so that an early error still gets its status

# URL parameters that speak to the transport, not to the engine. `session_*`: each request is a session of its own.
TRANSPORT = frozenset(
    (
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "quota_key",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "role",
        "compress",
        "decompress",
        "wait_end_of_query",
        "buffer_size",
        "enable_http_compression",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "http_zlib_compression_level",
        "client_protocol_version",
        "stacktrace",
        "cancel_http_readonly_queries_on_client_close",
        "add_http_cors_header",
    )
)
# Formats of which blocks may be put one after the other: answers in them are streamed, others are made whole first.
STREAMED = frozenset(
    ("native", "tabseparated", "tsv", "csv", "rowbinary", "jsoneachrow", "jsonlines", "ndjson")
)
CONTENT_TYPES = {
    **dict.fromkeys(("json", "jsoncompact", "jsonstrings", "jsoneachrow"), "application/json; charset=UTF-8"),
    **dict.fromkeys(("csv", "csvwithnames", "csvwithnamesandtypes"), "text/csv; charset=UTF-8"),
    **dict.fromkeys(("tabseparated", "tsv"), "text/tab-separated-values; charset=UTF-8"),
    **dict.fromkeys(("pretty", "prettycompact", "vertical"), "text/plain; charset=UTF-8"),
}
# The engine's code -> the status that a ClickHouse server gives it (HTTPHandler).
STATUS = {
    **dict.fromkeys(
        (6, 26, 27, 33, 38, 41, 42, 43, 53, 62, 69, 72, 117, 130, 321, 441, 456, 457, 467, 636), 400
    ),
    **dict.fromkeys((16, 46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 336), 404),
    164: 403,
    344: 400,
    48: 501,
    158: 413,
    241: 500,
}
TOKEN = re.compile(
    rb"""(?P<skip>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?\*/)
      |(?P<quoted>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.|``)*`|"(?:[^"\\]|\\.|"")*")
      |(?P<word>\w+)
      |(?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
AFTER_FORMAT = re.compile(rb"[ \t\f]*;?[ \t\f]*(?:\r?\n)?")
SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
CODE = re.compile(r"Code: (\d+)\. ")


class Failed(Exception):
    """What the engine, or this front in its place, answers instead of a result."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @classmethod
    def of(cls, error: BaseException) -> Failed:
        """From an error of the engine, whose text begins with its code somewhere."""
        text = str(error)
        found = CODE.search(text)
        return cls(int(found.group(1)), text[found.start() :]) if found else cls(1002, f"Code: 1002. {text}")


@dataclass
class Request:
    """One HTTP request, as far as the engine cares."""

    text: bytes  # the statement; of an insert whose data stand in the same body, both
    data: bytes = b""  # the body, when the statement came in the URL
    encoding: str = ""  # of `data`
    database: str = ""
    format: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    read_only: bool = False
    user: str = ""


@dataclass(frozen=True)
class Insert:
    """An INSERT whose rows follow in a format: the head up to SETTINGS or FORMAT, the clause SETTINGS (empty: there is
    none), the format, and the rows in the same bytes."""

    head: str
    settings: str
    format: str
    rows: bytes


def split_insert(text: bytes) -> Insert | None:
    """The insert in `text`, None when it is another statement (INSERT … SELECT and … VALUES among them).

    ClickHouse's rule: after FORMAT and its name come blanks, perhaps `;`, perhaps one line end, then the rows.
    """
    depth, first, before, mark, clause = 0, True, b"", 0, 0
    for token in TOKEN.finditer(text):
        if token.lastgroup == "skip":
            continue
        raw = token.group()
        word = raw.upper() if token.lastgroup == "word" else b""
        if first and word != b"INSERT":
            return None
        first = False
        if depth == 0 and before == b"FORMAT" and word:
            rest = AFTER_FORMAT.match(text, token.end())
            assert rest is not None  # every part of it may be absent
            head, settings = text[: clause or mark], text[clause or mark : mark]
            return Insert(head.decode("utf-8"), settings.decode("utf-8"), raw.decode(), text[rest.end() :])
        named = before in (b"INTO", b"TABLE", b".")  # what follows is a name, whatever it looks like
        if raw in (b"(", b"[", b"{"):
            depth += 1
        elif raw in (b")", b"]", b"}"):
            depth -= 1
        elif depth == 0 and word == b"SETTINGS" and not named:
            clause = clause or token.start()
        elif depth == 0 and word in (b"SELECT", b"WITH", b"VALUES", b"WATCH") and not named:
            return None
        if depth == 0 and word == b"FORMAT" and not named:
            mark = token.start()
            before = b"FORMAT"
        else:
            before = b"" if word == b"FORMAT" else (word or raw)
    return None


def decompressed(data: bytes, encoding: str) -> Iterator[bytes]:
    """The body in pieces. clickhouse-connect sends a compressed frame a block: all of them are read, not the first."""
    view = memoryview(data)
    if encoding in ("", "identity"):
        for at in range(0, len(view), CHUNK):
            yield bytes(view[at : at + CHUNK])
        return
    make = _decompressors().get(encoding)
    if make is None:
        raise Failed(48, f"Code: 48. DB::Exception: Unknown content encoding {encoding!r}. (NOT_IMPLEMENTED)")
    left, machine, total = view, make(), 0
    try:
        while left or not machine.eof:
            piece, left = left[:CHUNK], left[CHUNK:]
            if not piece:
                raise ValueError("the last frame is cut off")
            while True:
                out = machine.decompress(piece)
                total += len(out)
                if total > MAX_INSERT:
                    raise Failed(
                        307,
                        f"Code: 307. DB::Exception: More than {MAX_INSERT} bytes in one insert. (TOO_MANY_BYTES)",
                    )
                if out:
                    yield out
                if not machine.eof:
                    break
                piece = memoryview(machine.unused_data or b"")
                if not piece and not left:
                    return
                machine = make()
                if not piece:
                    break
    except Failed:
        raise
    except Exception as error:
        raise Failed(
            354, f"Code: 354. DB::Exception: The body is not whole {encoding}: {error}. (ZLIB_INFLATE_FAILED)"
        ) from error


def _decompressors() -> dict[str, Any]:
    import lz4.frame
    import zstandard

    return {
        "lz4": lz4.frame.LZ4FrameDecompressor,
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
        "gzip": lambda: zlib.decompressobj(31),
        "deflate": lambda: zlib.decompressobj(15),
    }


@dataclass
class Answer:
    """What comes back, piece by piece; `headers` and `summary` are complete before the first piece."""

    shows: bool  # a statement that yields rows, if only none
    format: str
    summary: dict[str, str]
    pieces: Generator[bytes, None, None]


class Engine:
    """One chDB path. Each statement has a connection of its own (0.3 ms): settings and database leave no trace."""

    def __init__(self, path: Path) -> None:
        import chdb

        self._connect = chdb.connect
        self._path, self._spool = str(path), path.parent
        self._base = chdb.connect(self._path)  # the engine lives as long as this one
        self._read_only = chdb._chdb.query_class.READ_ONLY  # type: ignore[attr-defined, unused-ignore]
        self._base.query(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
        self.timezone = self._base.query("SELECT timezone()", "TabSeparated").bytes().decode().strip()
        self.version = self._base.query("SELECT version()", "TabSeparated").bytes().decode().strip()

    def close(self) -> None:
        """Ends the engine: what was answered is in the parts on disk."""
        self._base.close()

    def run(self, request: Request) -> Answer:
        """Runs one statement. Raises Failed. What is streamed may raise Failed later, while it is iterated."""
        connection = self._connect(self._path)
        try:
            self._prepare(connection, request)
            insert = split_insert(request.text)
            if insert is None and request.data:
                request = replace(request, text=_joined(request), data=b"")
                insert = split_insert(request.text)
            if insert is not None:
                return self._insert(connection, request, insert)
            return self._query(connection, request)
        except Failed:
            connection.close()
            raise
        except Exception as error:
            connection.close()
            raise Failed.of(error) from error

    def _prepare(self, connection: Any, request: Request) -> None:
        if request.database:
            connection.query(f"USE {_identifier(request.database)}")
        connection.query("SET async_insert = 0")  # an answered insert is in a part on disk
        settings = dict(request.settings)
        read_only = settings.pop("readonly", "0")
        if request.user == READER:  # all further settings meet an engine that refuses to change them
            for name in READERS_SETTINGS:
                if name in settings:
                    connection.query(f"SET {name} = {_literal(settings.pop(name))}")
            connection.query("SET readonly = 1")
            read_only = "0"
        for name, value in settings.items():
            if not SETTING.match(name):
                raise Failed(115, f"Code: 115. DB::Exception: Unknown setting {name!r}. (UNKNOWN_SETTING)")
            connection.query(f"SET {name} = {_literal(value)}")
        if request.read_only and read_only == "0" and request.user != READER:
            read_only = "2"
        if read_only != "0":
            connection.query(f"SET readonly = {_literal(read_only)}")

    def _insert(self, connection: Any, request: Request, insert: Insert) -> Answer:
        for name, value in request.parameters.items():
            connection.query(f"SET param_{name} = {_literal(value)}")
        # Not chdb's stream of rows: when the engine could not write them at its end (no space, too many parts, a view
        # that fails), it says that all are written.
        try:
            with tempfile.TemporaryFile(dir=self._spool) as rows:
                rows.write(insert.rows)
                for piece in decompressed(request.data, request.encoding):
                    rows.write(piece)
                rows.flush()
                rows.seek(0)
                done = connection.query(
                    f"{insert.head} FROM INFILE '/dev/fd/{rows.fileno()}' COMPRESSION 'none' {insert.settings} "
                    f"FORMAT {insert.format}"
                )
        except OSError as error:
            raise Failed(243, f"Code: 243. DB::Exception: {error.strerror}. (NOT_ENOUGH_SPACE)") from error
        summary = {"written_rows": str(done.rows_written()), "written_bytes": str(done.bytes_written())}
        connection.close()
        return Answer(False, insert.format, summary, _sliced(b""))

    def _query(self, connection: Any, request: Request) -> Answer:
        try:
            sql = request.text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Failed(62, "Code: 62. DB::Exception: The statement is not UTF-8. (SYNTAX_ERROR)") from error
        if not sql.strip():
            raise Failed(62, "Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR)")
        kind = connection._conn.classify_query(sql)
        if kind["statement_count"] > 1:
            raise Failed(62, "Code: 62. DB::Exception: Multi-statements are not allowed. (SYNTAX_ERROR)")
        if re.search(r"\bINTO\s+OUTFILE\b", sql, re.IGNORECASE):
            raise Failed(
                344, "Code: 344. DB::Exception: INTO OUTFILE is not allowed. (INTO_OUTFILE_NOT_ALLOWED)"
            )
        form = request.format or "TabSeparated"
        shows = bool(kind["query_class"] == self._read_only)
        # SYSTEM … is stopped by rights on a server, not by `readonly`
        if request.user == READER and not shows:
            raise Failed(
                164, f"Code: 164. DB::Exception: {READER}: Cannot execute query in readonly mode. (READONLY)"
            )
        own = re.search(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b[^()]*)?;?\s*$", sql, re.IGNORECASE)
        form = own.group(1) if own else form
        if shows and form.lower() in STREAMED:
            try:
                stream = connection.send_query(sql, form, params=request.parameters)
            except Exception as error:
                if "Streaming query is not supported" not in str(error):  # DESCRIBE, SHOW, EXPLAIN
                    raise
            else:
                return Answer(True, form, {}, self._streamed(connection, stream))
        result = connection.query(sql, form, params=request.parameters)
        summary = {
            "read_rows": str(result.rows_read()),
            "read_bytes": str(result.bytes_read()),
            "written_rows": str(result.rows_written()),
            "written_bytes": str(result.bytes_written()),
        }
        body = result.bytes()
        connection.close()
        return Answer(shows, form, summary, _sliced(body))

    @staticmethod
    def _streamed(connection: Any, stream: Any) -> Generator[bytes, None, None]:
        try:
            for block in stream:
                yield block.bytes()
        except GeneratorExit:
            with contextlib.suppress(Exception):
                stream.cancel()
            raise
        except Exception as error:
            raise Failed.of(error) from error
        finally:
            connection.close()


def _sliced(body: bytes) -> Generator[bytes, None, None]:
    for at in range(0, len(body), CHUNK):
        yield body[at : at + CHUNK]


def _joined(request: Request) -> bytes:
    """A statement that is cut in two, URL and body, as curl users write it; both in memory."""
    parts, total = [request.text, b"\n"], 0
    for piece in decompressed(request.data, request.encoding):
        total += len(piece)
        if total > MAX_BODY:
            raise Failed(
                307, f"Code: 307. DB::Exception: A statement of more than {MAX_BODY} bytes. (TOO_MANY_BYTES)"
            )
        parts.append(piece)
    return b"".join(parts)


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


# ---------------------------------------------------------------- HTTP


class Front:
    """ClickHouse's HTTP interface over an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.pool = ThreadPoolExecutor(CONCURRENT, thread_name_prefix="statement")

    def application(self) -> web.Application:
        """The routes. `/` and anything below take statements, as on a server."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[_only_local])
        for path in ("/ping", "/replicas_status"):
            app.router.add_get(path, self.ping)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def ping(self, _request: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    async def handle(self, http: web.Request) -> web.StreamResponse:
        headers: CIMultiDict[str] = CIMultiDict()
        headers["X-ClickHouse-Server-Display-Name"] = "bellwether dev"
        headers["X-ClickHouse-Query-Id"] = http.query.get("query_id", "")
        headers["X-ClickHouse-Timezone"] = self.engine.timezone
        try:
            if http.method == "GET" and "query" not in http.query:
                return web.Response(text="Ok.\n", headers=headers)
            request = await _read(http)
            return await self._answer(http, request, headers)
        except Failed as error:
            return _failure(error, headers)
        except web.HTTPRequestEntityTooLarge:
            text = f"Code: 307. DB::Exception: The body has more than {MAX_BODY} bytes. (TOO_MANY_BYTES)"
            return _failure(Failed(307, text), headers, 413)

    async def _answer(
        self, http: web.Request, request: Request, headers: CIMultiDict[str]
    ) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Answer | Failed | bytes | None] = asyncio.Queue(maxsize=4)
        gone = threading.Event()
        self.pool.submit(_pump, self.engine, request, loop, pieces, gone)
        try:
            answer = await pieces.get()
            if isinstance(answer, Failed):
                raise answer
            assert isinstance(answer, Answer)
            held: list[bytes] = []
            while isinstance(piece := await pieces.get(), bytes):
                held.append(piece)
                if sum(map(len, held)) >= HELD_BACK:
                    break
            if isinstance(piece, Failed):
                raise piece
            headers["X-ClickHouse-Summary"] = json.dumps(answer.summary)
            if answer.shows:
                headers["X-ClickHouse-Format"] = answer.format
            headers["Content-Type"] = CONTENT_TYPES.get(answer.format.lower(), "application/octet-stream")
            if piece is None:
                return web.Response(body=b"".join(held), headers=headers)
            tag = uuid.uuid4().hex[:16]
            headers["X-ClickHouse-Exception-Tag"] = tag
            response = web.StreamResponse(headers=headers)
            response.enable_chunked_encoding()
            await response.prepare(http)
            for early in held:
                await response.write(early)
            while isinstance(piece := await pieces.get(), bytes):
                await response.write(piece)
            # Too late for a status: the error goes into the body as a server's does, and the connection breaks off, so that
            # nobody takes half an answer for a whole one.
            if isinstance(piece, Failed):
                await response.write(late_failure(piece, tag))
                if http.transport is not None:
                    http.transport.close()
                return response
            await response.write_eof()
            return response
        finally:
            gone.set()


def late_failure(error: Failed, tag: str) -> bytes:
    """An error after rows were sent, between markers that hold the tag of the answer's header."""
    text = f"{error}\n".encode()
    return b"\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n" % (
        tag.encode(),
        text,
        len(text),
        tag.encode(),
    )


def _pump(
    engine: Engine,
    request: Request,
    loop: asyncio.AbstractEventLoop,
    pieces: asyncio.Queue[Answer | Failed | bytes | None],
    gone: threading.Event,
) -> None:
    """Runs in a thread: the statement, then its answer piece by piece into a bounded queue, then None or Failed."""

    def put(piece: Answer | Failed | bytes | None) -> None:
        waiting = asyncio.run_coroutine_threadsafe(pieces.put(piece), loop)
        while True:
            try:
                return waiting.result(0.2)
            except TimeoutError:
                if gone.is_set():  # the client has gone, nobody takes pieces any more
                    waiting.cancel()
                    raise

    answer: Answer | None = None
    try:
        answer = engine.run(request)
        put(answer)
        for piece in answer.pieces:
            if piece:
                put(piece)
        put(None)
    except Failed as error:
        with contextlib.suppress(TimeoutError):
            put(error)
    except (TimeoutError, RuntimeError):  # nobody listens: the client has gone, or the program ends
        pass
    finally:
        if answer is not None:
            answer.pieces.close()


async def _read(http: web.Request) -> Request:
    """The request's statement, data, settings and parameters, from URL, form and body."""
    values: dict[str, str] = dict(http.query)
    data, encoding = b"", http.headers.get("Content-Encoding", "").strip().lower()
    if http.content_type == "multipart/form-data":
        async for part in await http.multipart():
            if not isinstance(part, BodyPartReader) or part.filename is not None:
                raise Failed(
                    48, "Code: 48. DB::Exception: External data are not supported here. (NOT_IMPLEMENTED)"
                )
            values[part.name or ""] = (await part.read(decode=True)).decode("utf-8")
    elif http.content_type == "application/x-www-form-urlencoded" and "query" not in values:
        body = await http.read()
        form = urllib.parse.parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        if "query" in form:
            values.update({name: items[0] for name, items in form.items()})
        else:  # curl -d sends this type with a plain statement
            data = body
    else:
        data = await http.read()
    text = values.get("query", "").encode()
    if not text:
        text, data = b"".join(decompressed(data, encoding)), b""
    return Request(
        text=text,
        data=data,
        encoding=encoding if data else "",
        database=values.get("database", "") or http.headers.get("X-ClickHouse-Database", ""),
        format=values.get("default_format", "") or http.headers.get("X-ClickHouse-Format", ""),
        settings={k: v for k, v in values.items() if k not in TRANSPORT and not k.startswith("param_")},
        parameters={k.removeprefix("param_"): v for k, v in values.items() if k.startswith("param_")},
        read_only=http.method in ("GET", "HEAD"),  # as a server: a link must not change anything
        user=_user(http, values),
    )


def _user(http: web.Request, values: dict[str, str]) -> str:
    """The name that the request gives, in whichever of the three ways; no password is looked at."""
    if named := http.headers.get("X-ClickHouse-User") or values.get("user"):
        return named
    try:
        return str(BasicAuth.decode(http.headers.get("Authorization", "")).login)
    except ValueError:
        return ""


def _failure(error: Failed, headers: CIMultiDict[str], status: int = 0) -> web.Response:
    headers["X-ClickHouse-Exception-Code"] = str(error.code)
    return web.Response(status=status or STATUS.get(error.code, 500), text=f"{error}\n", headers=headers)


@web.middleware
async def _only_local(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses what a web page in the user's browser could send here: a foreign Origin, or a name made to point here."""
    host = urllib.parse.urlsplit(f"//{request.host}").hostname or ""
    origin = request.headers.get("Origin")
    local = ("127.0.0.1", "localhost", "::1")
    if host not in local or (origin and urllib.parse.urlsplit(origin).hostname not in local):
        return web.Response(status=HTTPStatus.FORBIDDEN, text="Only programs on this machine are served.\n")
    return await handler(request)


# ---------------------------------------------------------------- the program


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def _serve(engine: Engine, listener: socket.socket) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    # aiohttp must leave bodies as they are: its own decompression stops after the first frame.
    app = Front(engine).application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=5, auto_decompress=False)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    await stopped.wait()
    await runner.cleanup()  # no new requests; those under way have five seconds


def main(directory: str, listening: int) -> int:
    """Serves until SIGTERM. Returns the exit code; a refusal is one line on stderr."""
    listener = socket.socket(fileno=listening)
    listener.setblocking(False)
    path = Path(directory)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock = os.open(path / "front.lock", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _say(f"another process serves {path}: one engine may open a path")
        return 1
    except OSError as error:
        _say(f"{path} can not be used: {error.strerror}")
        return 1
    try:
        engine = Engine(path / "data")
    except Exception as error:  # whatever the engine says about its data: one line, not a stack
        _say(f"the engine can not open {path}: {' '.join(str(error).split())}")
        return 1
    asyncio.run(_serve(engine, listener))
    engine.close()
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1], int(sys.argv[2]))
    sys.stderr.flush()
    os._exit(code)  # the engine's threads are not worth waiting for: everything answered is on disk

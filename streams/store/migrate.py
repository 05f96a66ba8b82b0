"""The tables of the store: numbered SQL files applied in order, each once, checksums kept; and a comparison with them.

The SQL stands in deploy/clickhouse/. Nothing here knows what a table is for.

ClickHouse has no transaction around DDL. So a migration that failed halfway is run again from its first statement, and
two migrators at once may both run one: every statement must bear a repetition (IF NOT EXISTS, IF EXISTS, OR REPLACE),
which `read_files` demands. What is not guaranteed: that a reader sees none of the states between two statements, and
that two migrators of different versions at once end in the newer one's tables (run it again then; --check tells).
"""

from __future__ import annotations

import hashlib
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from streams.errors import Refused
from streams.store.client import ClickHouseError, Client, connect, database_name, first_line, named, refusals

# Beside the package in a checkout and in an installed wheel (force-include in pyproject.toml).
FILES = Path(__file__).resolve().parents[2] / "deploy" / "clickhouse"

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_END = re.compile(r";[ \t]*(?:\n|\Z)")
_REPEATABLE = re.compile(
    r"CREATE\s+(TABLE|VIEW|MATERIALIZED\s+VIEW)\s+IF\s+NOT\s+EXISTS\b|CREATE\s+OR\s+REPLACE\s+VIEW\b"
    r"|DROP\s+(TABLE|VIEW)\s+IF\s+EXISTS\b"
    r"|INSERT\s+INTO\s+\w+_rows\s+SELECT\b"  # into tables in which a repeated row replaces itself
    r"|ALTER\s+TABLE\s+\w+\s+((ADD|DROP|MODIFY|COMMENT|RENAME)\s+(COLUMN|INDEX|PROJECTION)\s+IF\s+(NOT\s+)?EXISTS\b|MODIFY\s+)",
    re.IGNORECASE,
)

_MADE = re.compile(  # or dropped
    r"(?:CREATE (?:OR REPLACE )?(?:TABLE|VIEW|MATERIALIZED VIEW) (?:IF NOT EXISTS )?|(DROP) (?:TABLE|VIEW) IF EXISTS )(\w+)",
    re.I,
)

_TABLE_IS_DROPPED: Final = 218  # ClickHouse's code
_PAUSES: Final = (0.05, 0.2, 1.0)  # seconds

_LEDGER = """
CREATE TABLE IF NOT EXISTS migrations (
    number UInt32,
    name String,
    checksum String,
    applied_at DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(applied_at) ORDER BY (number, checksum)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name, the SHA-256 of its bytes and its statements in order."""

    number: int
    name: str
    checksum: str
    statements: tuple[str, ...]


def statements(sql: str) -> tuple[str, ...]:
    """The statements of a file: each ends with a semicolon at a line's end; lines that open with -- are comments."""
    parts = (part.strip() for part in _END.split(_COMMENT.sub("", sql.replace("\r\n", "\n"))))
    return tuple(part for part in parts if part)


def read_files(folder: Path = FILES) -> tuple[Migration, ...]:
    """Every migration of the folder, by number. Raises Refused on a misnamed file, a gap, a number twice, a statement
    that could not be run a second time."""
    found: list[Migration] = []
    for path in sorted(folder.glob("*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise Refused(f"{path} is not named NNNN_name.sql; rename it, for example 0002_add_reviews.sql")
        raw = path.read_bytes()
        number, own = int(match[1]), statements(raw.decode())
        if found and found[-1].number == number:
            raise Refused(
                f"{path.name} and {found[-1].name} have the same number; give the newer one {number + 1:04}"
            )
        if number != len(found) + 1:
            raise Refused(
                f"{folder} has no file {len(found) + 1:04} before {path.name}; numbers have no gaps"
            )
        for statement in own:
            if not _REPEATABLE.match(statement):
                head = " ".join(statement.split())[:60]
                raise Refused(
                    f"{path.name}: '{head}' cannot be run twice; use IF NOT EXISTS, IF EXISTS or OR REPLACE"
                )
        found.append(Migration(number, path.name, hashlib.sha256(raw).hexdigest(), own))
    if not found:
        raise Refused(f"no migrations in {folder}; is the package whole?")
    return tuple(found)


def migrate(dsn: str, namespace: str = "", folder: Path = FILES) -> list[str]:
    """Make the database when it is absent and apply what it lacks. The names of the files applied: none when up to date.

    Raises Refused when a file differs from what was applied under its number, when the database is newer than the
    files, when something that they made is gone, or when the server refuses a statement.
    """
    files = read_files(folder)
    database, where = database_name(dsn, namespace), named(dsn)
    first = connect(dsn, None)
    try:
        with refusals(where):
            if not first.query(
                "SELECT 1 FROM system.databases WHERE name = {name:String}", parameters={"name": database}
            ).result_rows:
                first.command(f"CREATE DATABASE IF NOT EXISTS {_quoted(database)}")
    finally:
        first.close()
    client = connect(dsn, database)
    try:
        with refusals(where, database):
            client.command(_LEDGER)
            lacking = _lacking(client, database, files)
        for migration in lacking:
            _apply(client, where, migration)
        with refusals(where, database):
            _require_whole(client, database, files)
        return [migration.name for migration in lacking]
    finally:
        client.close()


def require_current(client: Client, where: str, folder: Path = FILES) -> None:
    """Raises Refused unless the client's database has every migration of the files and no other, and all that they made."""
    with refusals(where, client.database):
        if not client.query("EXISTS TABLE migrations").result_rows[0][0]:
            raise Refused(
                f"the store at {where} has no tables in {client.database}; run `bellwether migrate`"
            )
        files = read_files(folder)
        lacking = _lacking(client, str(client.database), files)
        if not lacking:
            _require_whole(client, str(client.database), files)
    if lacking:
        raise Refused(
            f"the store at {where} lacks {', '.join(m.name for m in lacking)}; run `bellwether migrate`"
        )


def _lacking(client: Client, database: str, files: tuple[Migration, ...]) -> tuple[Migration, ...]:
    applied: dict[int, set[tuple[str, str]]] = {}
    for number, name, checksum in client.query(
        "SELECT DISTINCT number, name, checksum FROM migrations ORDER BY number"
    ).result_rows:
        applied.setdefault(number, set()).add((name, checksum))
    newer = [name for number, rows in applied.items() if number > len(files) for name, _ in rows]
    if newer:
        raise Refused(
            f"the database {database} is newer than this program: it has {', '.join(sorted(newer))}; upgrade bellwether"
        )
    for migration in files:
        for name, checksum in applied.get(migration.number, ()):
            if checksum != migration.checksum:
                raise Refused(
                    f"{migration.name} was changed after it was applied to {database} (as {name}); "
                    "bring the file back and put the change into a new one"
                )
    lacking = tuple(migration for migration in files if migration.number not in applied)
    if lacking and applied and lacking[0].number < max(applied):
        raise Refused(
            f"{lacking[0].name} was never applied to {database} though later ones were; "
            "mend the table migrations by hand"
        )
    return lacking


def _require_whole(client: Client, database: str, files: tuple[Migration, ...]) -> None:
    """Raises Refused where a table or view is gone that the files made: what feeds it, or it fed, has lost rows since."""
    made: dict[str, str] = {}
    for migration in files:
        for statement in migration.statements:
            match = _MADE.match(" ".join(statement.split()))
            if match is not None and match[1]:
                made.pop(match[2], None)
            elif match is not None:
                made[match[2]] = migration.name
    there = {
        name
        for (name,) in client.query(
            "SELECT name FROM system.tables WHERE database = {database:String}",
            parameters={"database": database},
        ).result_rows
    }
    lost = [f"{name} ({file})" for name, file in made.items() if name not in there]
    if lost:
        raise Refused(
            f"the database {database} has lost {', '.join(lost)}: rows that it held or handed on are missing since. Restore "
            "it from a backup; or, with every store stopped, name another database in BELLWETHER_STORE and run `bellwether "
            "migrate`: it fills itself from the topics, as far as they reach; see 'Records are gone' in deploy/runbook.md"
        )


def _apply(client: Client, where: str, migration: Migration, *, keep: bool = True) -> None:
    for statement in migration.statements:
        try:
            _run(client, statement)
        except ClickHouseError as error:
            if getattr(error, "code", None) is None:
                with refusals(where):
                    raise
            head = " ".join(statement.split())[:80]
            raise Refused(f"{migration.name}: '{head}' failed: {first_line(error)}") from error
    if keep:
        with refusals(where):
            client.command(
                "INSERT INTO migrations SELECT {number:UInt32}, {name:String}, {checksum:String}, now64(3)",
                parameters={
                    "number": migration.number,
                    "name": migration.name,
                    "checksum": migration.checksum,
                },
            )


def _run(client: Client, statement: str) -> None:
    """And again where another migrator has replaced a view at this very moment: the name stands for another one by then."""
    for pause in _PAUSES:
        try:
            client.command(statement)
            return
        except ClickHouseError as error:
            if getattr(error, "code", None) != _TABLE_IS_DROPPED:
                raise
        time.sleep(pause)
    client.command(statement)


def differences(dsn: str, namespace: str = "", folder: Path = FILES) -> list[str]:
    """What differs between the live tables and what the files yield, one sentence each; empty when nothing does.

    The files are applied to a scratch database beside the live one, which is dropped again. Compared are columns, their
    types, defaults and codecs, engines (a Replicated or Shared one is as good), order and partition keys, the text of views,
    and of materialized ones the target and when they are made anew. Not compared: settings and TTL, which a deployment may
    choose (retention.py compares the days), and tables that the files do not know.
    """
    files = read_files(folder)
    database, where = database_name(dsn, namespace), named(dsn)
    try:
        client = connect(dsn, database)
    except Refused as error:
        if f"no database {database}" in str(error):
            return [f"the database {database} does not exist"]
        raise
    scratch = f"{database}_check_{uuid.uuid4().hex[:8]}"
    try:
        with refusals(where, database):
            if not client.query("EXISTS TABLE migrations").result_rows[0][0]:
                return [f"the database {database} has no table migrations"]
            found = [f"{migration.name} is not applied" for migration in _lacking(client, database, files)]
            if found:
                return found
            live = _shape(client, database)
            client.command(f"CREATE DATABASE {_quoted(scratch)}")
        try:
            made = connect(dsn, scratch)
            try:
                with refusals(where, scratch):
                    made.command(_LEDGER)
                for migration in files:
                    _apply(made, where, migration, keep=False)
            finally:
                made.close()
            with refusals(where):
                wanted = _shape(client, scratch)
        finally:
            with refusals(where):
                client.command(f"DROP DATABASE IF EXISTS {_quoted(scratch)}")
    finally:
        client.close()
    return _compare(live, wanted)


Shape = dict[str, dict[str, str]]  # table -> what of it -> how it is


def _shape(client: Client, database: str) -> Shape:
    parameters = {"database": database}
    shape: Shape = {}
    for name, engine, sorting, partition, select, created in client.query(
        "SELECT name, engine, sorting_key, partition_key, as_select, create_table_query FROM system.tables "
        "WHERE database = {database:String} AND name NOT LIKE '.inner%' ORDER BY name",
        parameters=parameters,
    ).result_rows:
        shape[name] = {
            "engine": re.sub(r"^(Replicated|Shared)", "", engine),
            "order key": sorting,
            "partition key": partition,
            "select": select.replace(f"{_quoted(database)}.", "").replace(f"{database}.", ""),
        }
        if engine == "MaterializedView":  # when it is made anew, and which table it feeds
            fed = re.search(r"^CREATE MATERIALIZED VIEW \S+ (?:REFRESH (.*?) )?TO \S+?\.(\S+)", created)
            shape[name]["refresh"], shape[name]["target"] = (fed[1] or "", fed[2]) if fed else ("", "")
    for table, name, kind, default_kind, default, codec in client.query(
        "SELECT table, name, type, default_kind, default_expression, compression_codec FROM system.columns "
        "WHERE database = {database:String} ORDER BY table, position",
        parameters=parameters,
    ).result_rows:
        if table in shape:
            shape[table][f"column {name}"] = " ".join(
                part for part in (kind, default_kind, default, codec) if part
            )
    return shape


def _compare(live: Shape, wanted: Shape) -> list[str]:
    found: list[str] = []
    for table, parts in wanted.items():
        if table not in live:
            found.append(f"{table}: the {'view' if wanted[table]['select'] else 'table'} is missing")
            continue
        for what, how in parts.items():
            have = live[table].get(what)
            if have is None:
                found.append(f"{table}: {what} is missing (the files have {how})")
            elif have != how and what == "select":
                found.append(f"{table}: the view was altered; it reads '{have}', in the files '{how}'")
            elif have != how:
                found.append(f"{table}: {what} is {have or 'none'}, the files have {how or 'none'}")
        found.extend(f"{table}: {what} is unknown to the files" for what in live[table] if what not in parts)
    return found


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"

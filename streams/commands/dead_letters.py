"""`bellwether dead-letters`: what was refused, why, and once more."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.table import Table

from schemas.topics import INPUTS, TOPICS
from streams.blocks import Kafka, not_taken
from streams.commands.options import full_width, settings
from streams.dev.processes import kafka_servers
from streams.errors import Refused
from streams.letters import PREFIX
from streams.reading import read_partitions, read_topic
from streams.settings import Settings

PATIENCE = 30.0  # seconds in which Kafka must take something


@click.group()
def dead_letters() -> None:
    """What was refused, why, and once more. A letter is named by its partition and offset, such as 2/1417."""


def _open() -> tuple[Kafka, Settings, str, int]:
    config = settings()
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    topic = config.prefixed(TOPICS["dead-letters"].name)
    return kafka, config, topic, kafka.partitions([topic])[topic]


def _header(record: Any, name: str) -> str:
    value = dict(record.headers() or ()).get(PREFIX + name)
    return value.decode("utf-8", "replace") if value else "?"


def _find(kafka: Kafka, topic: str, partitions: int, name: str) -> Any:
    partition, _, offset = name.partition("/")
    if not (partition.isdigit() and offset.isdigit()):
        raise Refused(
            f"{name}: name a letter as PARTITION/OFFSET, as `bellwether dead-letters list` shows it"
        )
    there = int(partition) < partitions
    for record in read_topic(kafka, topic, int(partition), int(offset) + 1) if there else ():
        if record.offset() == int(offset):
            return record
    raise Refused(f"{name}: there is no such letter; `bellwether dead-letters list` shows those there are")


@dead_letters.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
def list_(limit: int) -> None:
    """The newest letters, with origin and reason."""
    kafka, _, topic, _ = _open()
    records = sorted(read_partitions(kafka, topic), key=lambda r: r.timestamp()[1])
    if not records:
        click.echo("no dead letters")
        return
    shown = Table(title=f"{len(records):,} dead letters, newest last", title_justify="left")
    for name in ("letter", "at (UTC)", "from", "reason"):
        shown.add_column(name, overflow="fold")
    for record in records[-limit:]:
        at = datetime.fromtimestamp(record.timestamp()[1] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        origin = f"{_header(record, 'topic')} {_header(record, 'partition')}/{_header(record, 'offset')}"
        shown.add_row(
            f"{record.partition()}/{record.offset()}",
            at,
            origin,
            _plain(_header(record, "exception.message")),
        )
    full_width().print(shown)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in text).replace("[", "\\[")


@dead_letters.command("show")
@click.argument("letter")
def show(letter: str) -> None:
    """One LETTER whole: headers, key and value as they came."""
    kafka, _, topic, partitions = _open()
    record = _find(kafka, topic, partitions, letter)
    for name, value in record.headers() or ():
        click.echo(f"{name}: {_text(value)}")
    click.echo(f"key: {_text(record.key())}")
    click.echo(_text(record.value()))


def _text(data: bytes | None) -> str:
    """As it came; on a terminal what would steer it is shown as �, since anybody may have sent it."""
    text = (data or b"").decode("utf-8", "replace")
    if not sys.stdout.isatty():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


@dead_letters.command("replay")
@click.argument("letters", nargs=-1)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Every letter there is, the same record once however often it is there.",
)
def replay(letters: tuple[str, ...], everything: bool) -> None:
    """Send LETTERS to the topic they came from once more, byte for byte. The letters themselves stay where they are."""
    if bool(letters) == everything:
        raise Refused("name the letters to replay, or give --all")
    kafka, config, topic, partitions = _open()
    chosen = (
        list(read_partitions(kafka, topic))
        if everything
        else [_find(kafka, topic, partitions, name) for name in letters]
    )
    if everything:
        chosen = _once(chosen)
    # Compressed, as large ones came: they would not go through Kafka's limit otherwise.
    producer = kafka.producer({"enable.idempotence": True, "compression.type": "zstd"})
    sent, failures, left = _send_again(producer, chosen, config)
    for failure in failures[:10]:
        click.echo(f"not sent: {failure}", err=True)
    if failures or left:
        raise Refused(f"{len(failures) + left} of {len(chosen)} letters were not sent")
    click.echo(f"{sent} {'letter was' if sent == 1 else 'letters were'} sent again")


def _once(letters: Sequence[Any]) -> list[Any]:
    """Of letters that are the same record, byte for byte, the first: one that was replayed and refused anew stands there
    twice, and sending both would double them with every try."""
    first: dict[tuple[str, bytes | None, bytes | None], Any] = {}
    for record in letters:
        first.setdefault((_header(record, "topic"), record.key(), record.value()), record)
    return list(first.values())


def _send_again(producer: Any, letters: Sequence[Any], config: Settings) -> tuple[int, list[str], int]:
    """How many Kafka's client took, what was said of the others, and how many Kafka has not taken in half a minute."""
    sources = {config.prefixed(TOPICS[name].name) for name in INPUTS}
    in_order = {config.prefixed(TOPICS[name].name) for name in ("history", "control")}
    failures: list[str] = []
    sent = 0
    for number, record in enumerate(letters):
        origin = _header(record, "topic")
        if origin not in sources:
            failures.append(
                f"{record.partition()}/{record.offset()}: its origin {origin} is no input topic; send it to one of them"
            )
            continue
        if record.value() is None:
            failures.append(
                f"{record.partition()}/{record.offset()}: it has no value that could be sent; its reason says why"
            )
            continue
        home = _header(record, "partition")
        if origin in in_order and not home.isdecimal():
            failures.append(
                f"{record.partition()}/{record.offset()}: it does not say from which partition of {origin} it came"
            )
            continue
        partition = int(home) if origin in in_order else -1
        headers = [(k, v) for k, v in record.headers() or () if not k.startswith((PREFIX, "origin-"))]
        until = time.monotonic() + PATIENCE
        while True:
            try:
                producer.produce(
                    origin,
                    record.value(),
                    record.key(),
                    partition,
                    on_delivery=lambda error, _: failures.append(not_taken(error.str())) if error else None,
                    headers=headers,
                )
                break
            except BufferError:  # more letters than librdkafka's queue holds
                if time.monotonic() > until:
                    return sent, failures, len(letters) - number + len(producer)
                producer.poll(0.5)
        sent += 1
    return sent, failures, _left(producer)


def _left(producer: Any) -> int:
    """How many Kafka has not taken when it has taken none for half a minute: many go out for longer than that in all."""
    left, since = len(producer), time.monotonic()
    while left and time.monotonic() - since <= PATIENCE:
        if (now := producer.flush(0.5)) < left:
            left, since = now, time.monotonic()
    return left

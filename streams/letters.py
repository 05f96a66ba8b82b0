"""Dead letters and late facts: the input as it came, with Kafka Connect's header names. Nothing is lost here.

Only the making of such records lives here; listing and re-driving them is the command `bellwether dead-letters`.
"""

from __future__ import annotations

from typing import Any

PREFIX = "__connect.errors."
Headers = list[tuple[str, bytes]]


def origin_headers(record: Any, reason: str, kind: str) -> Headers:
    """Where a record came from and why it stands here; for a journal record the source record it was copied from.

    `kind` is a short word for the class of the reason: "refused" (input), "failed" (a step that raised), "late".
    """
    came = dict(record.headers() or ())
    topic = came.get("origin-topic") or record.topic().encode()
    partition = came.get("origin-partition") or b"%d" % record.partition()
    offset = came.get("origin-offset") or b"%d" % record.offset()
    headers = [
        (PREFIX + "topic", topic),
        (PREFIX + "partition", partition),
        (PREFIX + "offset", offset),
        (PREFIX + "exception.class.name", kind.encode()),
        (PREFIX + "exception.message", reason[:2000].encode()),
    ]
    headers.extend((name, value) for name, value in (record.headers() or ()) if not name.startswith(PREFIX))
    return headers


def dead_letter(
    topic: str, record: Any, reason: str, kind: str
) -> tuple[str, bytes | None, bytes | None, Headers]:
    """(topic, key, value, headers) of the dead letter for a refused record: key and value byte for byte as they came."""
    return topic, record.key(), record.value(), origin_headers(record, reason, kind)

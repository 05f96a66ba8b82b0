"""Dead letters and late facts: the input as it came, with Kafka Connect's header names. Nothing is lost here.

Only the making of such records lives here; listing and re-driving them is the command `bellwether dead-letters`.
"""

from __future__ import annotations

from typing import Any

from schemas.topics import LARGEST_LETTER, TOPICS

PREFIX = "__connect.errors."
Headers = list[tuple[str, bytes]]


def dead_letter(
    topic: str, record: Any, reason: str, kind: str
) -> tuple[str, bytes | None, bytes | None, Headers]:
    """(topic, key, value, headers) of the dead letter for a refused record: key and value byte for byte as they came.

    Its own headers say where the record came from (for a journal record: the source record that it was copied from) and
    why it is here. `kind` is a short word for the class of the reason: "refused" (input), "failed" (a step that raised),
    "late". Of a record that is larger than a letter may be there is neither key nor value nor header: compression brings
    more through Kafka's limit than goes in again. It stands whole in the topic that it came from.
    """
    came = [(name, value) for name, value in record.headers() or () if not name.startswith(PREFIX)]
    size = len(record.key() or b"") + len(record.value() or b"")
    size += sum(len(name) + len(value or b"") for name, value in came)
    if size > LARGEST_LETTER:
        why = f"with key and headers {size:,} bytes, more than a letter holds: it stands where it came from"
        reason = f"{reason[:1800]} ({why})"
    origin = dict(came) if record.topic().endswith(TOPICS["journal"].name) else {}
    headers = [
        (PREFIX + "topic", origin.get("origin-topic") or record.topic().encode()),
        (PREFIX + "partition", origin.get("origin-partition") or b"%d" % record.partition()),
        (PREFIX + "offset", origin.get("origin-offset") or b"%d" % record.offset()),
        (PREFIX + "exception.class.name", kind.encode()),
        (PREFIX + "exception.message", reason[:2000].encode()),
    ]
    if size > LARGEST_LETTER:
        return topic, None, None, headers
    return topic, record.key(), record.value(), [*headers, *came]

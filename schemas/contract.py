"""The contract for machines: a JSON Schema (2020-12) an event and an output, and one AsyncAPI 3.0 document.

All are made from the models, the table of topics and the examples, committed, and compared by a test. Who calls this
is `bellwether schemas`; nothing at run time reads the files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas.events import HISTORY_TYPES, MODEL_OF, TOPIC_OF
from schemas.fields import currency_schema
from schemas.outputs import OUTPUT_OF
from schemas.topics import TOPICS, Topic

HERE: Final = Path(__file__).parent
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# Of the contract: the minor for what is added, the major never while topics end in v1
VERSION: Final = "1.1.0"

OUTPUT_NAMES: Final = {
    "alerts": "alert",
    "limit-proposals": "limit-proposal",
    "account-status": "account-status",
    "snapshots": "snapshot",
}
"""Logical topic name -> the name of its record, as its schema and example files are called."""

MODELS: Final[dict[str, type[BaseModel]]] = {
    **MODEL_OF,
    **{OUTPUT_NAMES[topic]: model for topic, model in OUTPUT_OF.items()},
}
"""Name of an event type or output -> its model; schemas/json and schemas/examples hold one file each."""

Json = dict[str, Any]


def example(name: str) -> Json:
    """The example of one event type or output."""
    loaded: Json = json.loads((HERE / "examples" / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def json_schema(name: str) -> Json:
    """The JSON Schema of one event type or output.

    It says which fields want others beside them; what their values must be to one another (an amount fits its currency,
    a score its scale) is beyond it and only said in the models.
    """
    schema = MODELS[name].model_json_schema(ref_template="#/$defs/{model}")
    schema = _tidied(schema, "#/$defs/Currency")
    if _refers(schema, "#/$defs/Currency"):
        schema["$defs"] = dict(sorted({**schema.get("$defs", {}), "Currency": currency_schema()}.items()))
    return {"$schema": DIALECT, "$id": f"urn:bellwether:schema:{name}:v1", **schema, "title": name}


def _tidied(node: Any, currency: str) -> Any:
    """Pydantic's schema without the titles that it makes up, the list of currencies said once."""
    if isinstance(node, list):
        return [_tidied(item, currency) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("enum") == currency_schema()["enum"]:
        return {"$ref": currency}
    # inside "properties" the keys are names of fields, and "title" is one of an alert's
    return {
        key: {name: _tidied(item, currency) for name, item in value.items()}
        if key == "properties"
        else _tidied(value, currency)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def _refers(node: Any, target: str) -> bool:
    if isinstance(node, dict):
        return node.get("$ref") == target or any(_refers(value, target) for value in node.values())
    return isinstance(node, list) and any(_refers(item, target) for item in node)


def asyncapi() -> Json:
    """The AsyncAPI 3.0 document: every public topic, its messages, their headers and examples. Self-contained."""
    refs, definitions = models_json_schema(
        [(model, "validation") for model in MODELS.values()], ref_template="#/components/schemas/{model}"
    )
    currency = "#/components/schemas/Currency"
    schemas = {name: _tidied(schema, currency) for name, schema in definitions["$defs"].items()}
    schemas["Currency"] = currency_schema()
    payloads = {name: refs[(model, "validation")] for name, model in MODELS.items()}
    public = {name: topic for name, topic in TOPICS.items() if not topic.private}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "bellwether",
            "version": VERSION,
            "description": (
                "Event-driven credit monitoring. Facts about customer accounts go in; alerts, limit proposals, "
                "account statuses and snapshots come out. Values are JSON; money is a decimal string with its ISO 4217 "
                "code; dates are YYYY-MM-DD; instants are RFC 3339 with an offset. Topics are prefixed by the "
                "namespace when one is set. Read the output topics with isolation.level=read_committed (Java's default "
                "is not), take each ce_id once, and ignore fields that you do not know. Inputs are closed: an "
                "unknown field is refused, except under extra."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, topic) for name, topic in public.items()},
        "operations": {
            f"{'receive' if name in _RECEIVED else 'send'}-{name}": _operation(name, topic)
            for name, topic in public.items()
        },
        "components": {
            "messages": {
                **{name: _message(name, payloads[name]) for name in MODELS},
                "refused": {
                    "title": "refused",
                    "summary": "The input as it came: raw key, value and headers.",
                    "payload": {"description": "Any bytes, valid JSON or not."},
                    "headers": {"$ref": "#/components/schemas/OriginHeaders"},
                },
            },
            "schemas": dict(sorted({**schemas, **_HEADERS}.items())),
        },
    }


_RECEIVED: Final = frozenset((*TOPIC_OF.values(), "history"))
"""The topics that bellwether reads from others; it sends the rest."""


def _messages(name: str) -> list[str]:
    """The messages that may be on a topic; none on those that are reserved."""
    if name == "history":
        return [kind for kind in MODEL_OF if kind in HISTORY_TYPES]
    if name == "journal":
        return [kind for kind in MODEL_OF if kind != "book.reported"]  # the one event that is not journalled
    if name in ("late", "dead-letters"):
        return ["refused"]
    if name in OUTPUT_NAMES:
        return [OUTPUT_NAMES[name]]
    return [kind for kind, topic in TOPIC_OF.items() if topic == name]


def _channel(name: str, topic: Topic) -> Json:
    said = [topic.purpose, f"Written by: {topic.writer}. Read by: {topic.readers}. Key: {topic.key}."]
    if name not in _RECEIVED:
        said.append("Read it with isolation.level=read_committed.")
    config = topic.config()
    settings: Json = {"cleanup.policy": [config["cleanup.policy"]]}
    if "retention.ms" in config:
        settings["retention.ms"] = int(config["retention.ms"])
    binding: Json = {"bindingVersion": "0.5.0", "topic": topic.name, "topicConfiguration": settings}
    if topic.partitions is not None:
        binding["partitions"] = topic.partitions
    return {
        "address": topic.name,
        "description": " ".join(said),
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in _messages(name)},
        "bindings": {"kafka": binding},
    }


def _operation(name: str, topic: Topic) -> Json:
    return {
        "action": "receive" if name in _RECEIVED else "send",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": topic.purpose,
        "messages": [{"$ref": f"#/channels/{name}/messages/{kind}"} for kind in _messages(name)],
    }


def _message(name: str, payload: Json) -> Json:
    output = name not in MODEL_OF
    summary = (MODELS[name].__doc__ or "").strip().split("\n")[0]
    headers = "CloudEventsHeaders" if output else "InputHeaders"
    return {
        "name": name,
        "title": name,
        **({"summary": summary} if summary else {}),
        "contentType": "application/json",
        "headers": {"$ref": f"#/components/schemas/{headers}"},
        "payload": payload,
        "examples": [{"name": name, "payload": example(name)}],
    }


def _headers(description: str, required: list[str], **fields: str) -> Json:
    return {
        "type": "object",
        "description": description,
        "properties": {
            name.replace("_dash_", "-"): {"type": "string", "description": words}
            for name, words in fields.items()
        },
        "required": required,
    }


_TRACE: Final = "W3C trace context; carried through when it comes with the input."
_HEADERS: Final[Json] = {
    "InputHeaders": _headers(
        "Headers of inputs; all optional. In the journal: where the record was accepted from.",
        [],
        traceparent=_TRACE,
        origin_dash_topic="Journal only: the topic that the record came from.",
        origin_dash_partition="Journal only: its partition.",
        origin_dash_offset="Journal only: its offset.",
        origin_dash_timestamp="Journal only: when it was sent, its Kafka timestamp, in milliseconds.",
    ),
    "CloudEventsHeaders": _headers(
        "CloudEvents 1.0, Kafka binding, binary mode.",
        ["ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion", "content-type"],
        ce_id="UUIDv5, a different one for each record: take each once.",
        ce_type="credit.<thing>.<what became of it>, such as credit.alert.opened.",
        ce_source="Who emitted it.",
        ce_time="RFC 3339 instant of what caused it.",
        ce_specversion="1.0",
        content_dash_type="Of the value: application/json.",
        traceparent=_TRACE,
    ),
    "OriginHeaders": {
        "type": "object",
        "description": "Kafka Connect's names, beside the headers that the input came with.",
        "properties": {
            f"__connect.errors.{name}": {"type": "string", "description": words}
            for name, words in (
                ("topic", "The topic that the input came from."),
                ("partition", "Its partition."),
                ("offset", "Its offset."),
                (
                    "exception.class.name",
                    "The kind of reason: refused (the input), failed (a step of ours), late (what it is about is closed).",
                ),
                ("exception.message", "Why it was refused: the field, what was given, what is wanted."),
            )
        },
        "required": [
            "__connect.errors.topic",
            "__connect.errors.partition",
            "__connect.errors.offset",
            "__connect.errors.exception.class.name",
            "__connect.errors.exception.message",
        ],
    },
}

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_RESERVED: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, ensure_ascii=False)  # a JSON scalar is a YAML scalar


def _yaml(node: Any, indent: str = "") -> Iterator[str]:
    """JSON data as block YAML. No anchors, no folding: the text depends on the data alone."""
    items = (
        [(f"{_scalar(k)}:", v) for k, v in node.items()]
        if isinstance(node, dict)
        else [("-", v) for v in node]
    )
    for head, value in items:
        if isinstance(value, dict | list) and value:
            if head == "-":
                first, *rest = _yaml(value, indent + "  ")
                yield f"{indent}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{indent}{head}"
                yield from _yaml(value, indent + "  ")
        else:
            yield f"{indent}{head} {_scalar(value)}"


def generated() -> dict[str, str]:
    """Path below schemas/ -> text, of every generated file."""
    files = {
        f"json/{name}.json": json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"
        for name in MODELS
    }
    notice = "# Made by `bellwether schemas` from schemas/*.py; edit those.\n"
    files["asyncapi.yaml"] = notice + "\n".join(_yaml(asyncapi())) + "\n"
    return files


def differences(directory: Path | None = None) -> list[str]:
    """The generated files that are missing, changed or left over in `directory` (here), by path below it."""
    directory = directory or HERE
    wanted = generated()
    found = {f"json/{path.name}" for path in (directory / "json").glob("*.json")}
    wrong = {
        path
        for path, text in wanted.items()
        if not (directory / path).is_file() or (directory / path).read_text(encoding="utf-8") != text
    }
    return sorted(wrong | (found - wanted.keys()))


def write(directory: Path | None = None) -> list[str]:
    """Makes `directory` (here) hold exactly the generated files; returns what was written or removed.

    Raises OSError.
    """
    directory = directory or HERE
    wanted = generated()
    changed = differences(directory)
    (directory / "json").mkdir(parents=True, exist_ok=True)
    for path in changed:
        if path in wanted:
            (directory / path).write_text(wanted[path], encoding="utf-8")
        else:
            (directory / path).unlink()
    return changed

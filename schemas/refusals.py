"""Why an input is no event, in one sentence for a person: the field, what was given, what is wanted.

Only words are made here, on the slow path; what is refused is decided by the models in events.py.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.fields import CURRENCY, INSTANT, WANTED
from schemas.money import EXPONENTS

BETWEEN_FIELDS: Final = "between_fields"
"""The error type of fields that do not agree; its sentence is complete."""

_MAX_SHOWN: Final = 60
_NEAR: Final = 0.7  # difflib's ratio: a letter or two apart
# An instant as others write it: Java leaves seconds away that are 0, and names the zone behind the offset.
_NEARLY_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\d(?P<time>[Tt ]\d\d:\d\d(?P<seconds>:\d\d([.,]\d+)?)?)?(?P<offset>[Zz]|[+-]\d\d:?\d\d)?(?P<zone>\[.*\])?"
)
_CONTAINERS: Final = {
    "tuple_type": "a list",
    "too_short": "a list of at least one",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
"""What is wanted where the error is about a list or an object as a whole, by pydantic's error type."""


def shown(value: Any) -> str:
    """What was given, as JSON, short, and safe to print on a terminal or in a header."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if value is None:
        return "null"
    if isinstance(value, str):
        if len(value) > _MAX_SHOWN:  # the length is often what is wrong
            return f"{_quoted(value[: _MAX_SHOWN - 1] + '…')} ({len(value):,} characters)"
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of more than 60 digits"
    if isinstance(value, int | float):
        return f"the number {value!r}"
    return f"a {type(value).__name__}"


def _quoted(text: str) -> str:
    """As JSON; letters stay as they are, and what a terminal would not show, or be steered by, is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)


def nearest(word: str, known: Iterable[str]) -> str:
    """ " (did you mean x?)" when a known word is near, else nothing."""
    near = difflib.get_close_matches(word[:200], list(known), n=1, cutoff=_NEAR)
    return f" (did you mean {near[0]}?)" if near else ""


def _path(place: tuple[int | str, ...]) -> str:
    """The path of a field, as applications[0].amount."""
    out = ""
    for part in place:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{field_name(part)}" if out else field_name(part)
    return out


def field_name(name: str) -> str:
    """The name of a field as a sentence has it; one from outside that is no usual name is made short and printable."""
    return name if name.isidentifier() and len(name) <= _MAX_SHOWN else shown(name)


def reason(raw: bytes | str | None, error: ValidationError, models: Mapping[str, type[BaseModel]]) -> str:
    """The sentence for one refused input; `models` are the known types. Raises nothing."""
    details = error.errors(include_url=False)
    first = details[0]
    if first["type"] == "json_invalid":
        return _not_json(raw, str(first["ctx"]["error"]))
    if first["type"] == "union_tag_not_found":
        return "type: missing; wanted one of the known types, such as payment.received"
    if first["type"] == "union_tag_invalid":
        kind = first["input"]["type"]
        hint = nearest(kind, models) if isinstance(kind, str) else ""
        return f"type: {shown(kind)} is no known type{hint}; wanted one of the contract's {len(models)} types"
    if not first["loc"]:
        given = first["input"]
        twice = isinstance(given, str) and given.lstrip().startswith("{")
        hint = " (JSON inside of a JSON string: it was encoded twice)" if twice else ""
        return f"the value: {shown(given)} given{hint}; wanted a JSON object"
    kind = str(first["loc"][0])
    missing = [str(item["loc"][-1]) for item in details if item["type"] == "missing"]
    # a misspelt field explains the one that is missing, so what is unknown comes first
    details.sort(key=lambda item: item["type"] != "extra_forbidden")
    told = details[0]
    if told["type"] == "extra_forbidden":
        meant = difflib.get_close_matches(str(told["loc"][-1]), missing, n=1, cutoff=_NEAR)
        details = [item for item in details if item["type"] != "missing" or item["loc"][-1] not in meant]
    others = [_path(item["loc"][1:]) for item in details[1:] if len(item["loc"]) > 1]
    also = f" (also wrong: {', '.join(others[:3])}{' …' if len(others) > 3 else ''})" if others else ""
    return f"{_sentence(told, models[kind], missing)}{also}"


def _sentence(item: ErrorDetails, model: type[BaseModel], missing: list[str]) -> str:
    kind, given, context = item["type"], item["input"], item.get("ctx", {})
    if kind == BETWEEN_FIELDS:
        return str(context["sentence"])
    place = item["loc"][1:]
    if place[-1] == "[key]":  # the key of an object is what is wrong, not its value
        given, place = place[-2], place[:-1]
    field = _path(place)
    if kind == "missing":
        return f"{field}: missing; wanted in every {item['loc'][0] if len(place) == 1 else _path(place[:1])}"
    if kind == "extra_forbidden":
        name = str(place[-1])
        known = missing if nearest(name, missing) else _siblings(model, place)
        return f"{field}: unknown field{nearest(name, known)}; anything of your own goes under extra"
    if kind == "literal_error":
        options = re.findall(r"'([^']*)'", str(context["expected"]))
        hint = nearest(given, options) if isinstance(given, str) else ""
        return f"{field}: {shown(given)} given{hint}; wanted {'one of ' * (len(options) > 1)}{', '.join(options)}"
    if kind == WANTED:
        wanted = item["msg"]
        hint = _hint(given, wanted) if isinstance(given, str) else ""
        if field == "extra" and isinstance(given, dict):  # nothing else can be wrong inside
            return f"extra: NaN or Infinity inside; wanted {wanted}"
        return f"{field}: {shown(given)} given{hint}; wanted {wanted}"
    return f"{field}: {shown(given)} given; wanted {_CONTAINERS.get(kind, item['msg'])}"


def _hint(given: str, wanted: str) -> str:
    """What is likely meant, or lacks: of a currency the nearest code, of an instant what Java leaves out or adds."""
    if wanted == CURRENCY:
        return nearest(given.strip().upper(), EXPONENTS)
    if wanted != INSTANT:
        return ""
    match = _NEARLY_INSTANT.fullmatch(given)
    if match is None:
        return ""
    if not match["time"]:
        return " (it lacks a time)"
    lacks = [
        what for what, there in (("seconds", match["seconds"]), ("an offset", match["offset"])) if not there
    ]
    if lacks:
        return f" (it lacks {' and '.join(lacks)})"
    return " (leave the zone's name away)" if match["zone"] else ""


def _siblings(model: type[BaseModel], place: tuple[int | str, ...]) -> Iterable[str]:
    """The fields that are known where an unknown one stands: those of the event, or of a model inside it."""
    if len(place) == 1:
        return model.model_fields
    annotations = [model.model_fields[str(place[0])].annotation]
    while annotations:
        annotation = annotations.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return annotation.model_fields
        annotations.extend(get_args(annotation))
    return ()


def _not_json(raw: bytes | str | None, detail: str) -> str:
    wanted = "wanted one JSON object in UTF-8"
    if not raw:
        return f"the value: empty; {wanted}"
    if isinstance(raw, bytes):
        if raw[0] == 0 and raw[1:2] != b"{" and len(raw) > 5:
            return (
                f"the value: starts with a zero byte and the schema id {int.from_bytes(raw[1:5], 'big')}, as the serializer "
                f"of a schema registry writes it; {wanted}, without them"
            )
        if raw[:2] in (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{"):
            return f"the value: UTF-16; {wanted}"
        try:
            raw = raw.decode()
        except UnicodeDecodeError as error:
            return f"the value: not UTF-8 at byte {error.start}; {wanted}"
    if raw.startswith("\ufeff"):
        return f"the value: starts with a byte order mark; {wanted}, without one"
    return f"the value: not JSON, {detail}; {wanted}"


def repeated_key(raw: bytes | str) -> str | None:
    """The first key that one object of this JSON text holds twice, or None. Slow: walks the whole text in Python."""
    found: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in items:
            if key in seen:
                found.append(key)
            seen.add(key)

    json.loads(raw, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return found[0] if found else None

"""From the policy's text to the policy: read, refused with the line of the mistake, overrides merged, hashed.

What the policy may say is policy.py and its sections. Nothing is opened here: the text is handed in.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import ValidationError

from agents.policy import Policy
from agents.policy_parts import Contradiction
from schemas.outputs import Tier


class PolicyError(ValueError):
    """A policy that is refused: `key` is the dotted path, `line` the line in the text (0: the file as a whole)."""

    def __init__(self, key: str, line: int, reason: str) -> None:
        where = ", ".join(("policy", *((f"line {line}",) if line else ()), *((key,) if key else ())))
        super().__init__(f"{where}: {reason}")
        self.key = key
        self.line = line
        self.reason = reason


_KEY: Final = re.compile(r"""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")
_DOTTED: Final = rf"((?:{_KEY.pattern})(?:\s*\.\s*(?:{_KEY.pattern}))*)"
_HEADER: Final = re.compile(rf"^\s*\[{{1,2}}\s*{_DOTTED}\s*\]{{1,2}}\s*(?:#.*)?$")
_ASSIGNMENT: Final = re.compile(rf"^\s*{_DOTTED}\s*=")


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    """The line of every table and key that stands on a line of its own (tomllib tells no lines)."""
    lines: dict[tuple[str, ...], int] = {}
    for number, path in _stated(text):
        lines.setdefault(path, number)
    return lines


def _stated(text: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The line and path of each table and key that stands on a line of its own, also of those that stand twice."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        assignment = None if header else _ASSIGNMENT.match(line)
        if header:
            table = _keys(header[1])
            yield number, table
        elif assignment:
            yield number, table + _keys(assignment[1])


def _keys(dotted: str) -> tuple[str, ...]:
    return tuple(key.strip("\"'") for key in _KEY.findall(dotted))


_UNKNOWN: Final = "unknown key"


def _line(lines: Mapping[tuple[str, ...], int], path: tuple[str, ...]) -> int:
    while path:
        if path in lines:
            return lines[path]
        below = [line for key, line in lines.items() if key[: len(path)] == path]
        if below:
            return min(below)
        path = path[:-1]
    return 0


def _error(error: ValidationError, text: str) -> PolicyError:
    """The first thing wrong, in the order of the lines; a misspelt key before the one that is missing for it."""
    lines = key_lines(text)
    found: list[PolicyError] = []
    items = error.errors(include_url=False)
    missing = {tuple(str(part) for part in item["loc"]) for item in items if item["type"] == "missing"}
    for item in items:
        path = tuple(str(part) for part in item["loc"] if part != "[key]")
        cause: Any = item.get("ctx", {}).get("error")
        if item["type"] == "missing":
            reason = "missing; the policy states every number"
        elif item["type"] == "extra_forbidden":
            meant = get_close_matches(
                path[-1], [other[-1] for other in missing if other[:-1] == path[:-1]], 1
            )
            reason = _UNKNOWN + (f"; is {meant[0]} meant?" if meant else "")
        elif isinstance(cause, Contradiction):
            path += cause.path
            reason = cause.reason
        elif cause is not None:
            reason = str(cause)
        else:
            reason = _told(item)
        found.append(PolicyError(".".join(path), _line(lines, path), reason))
    return min(
        found, key=lambda refused: (not refused.reason.startswith(_UNKNOWN), refused.line, refused.key)
    )


_WANTED: Final = {
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number",
    "int_parsing_size": "write a whole number",
    "float_type": "write a number",
    "float_parsing": "write a number",
    "finite_number": "write a number",
    "string_type": "write it in quotation marks",
    "tuple_type": "write a list in brackets",
    "dict_type": "write it as a table",
    "model_type": "write it as a table",
    "literal_error": "write one of {expected}",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must not be below {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must not be above {le:g}",
    "too_long": "it takes {max_length} of them",
    "too_short": "it takes {min_length} of them at least",
    "string_pattern_mismatch": "write the country as two capital letters, such as DE",
}
"""pydantic's kinds of mistakes in a policy -> what to do about them; its own words are a programmer's."""


def _told(item: Any) -> str:
    wanted = _WANTED.get(item["type"], f"{item['msg'][0].lower()}{item['msg'][1:]}")
    return f"{wanted.format(**item.get('ctx', {}))}, not {as_written(item['input'])}"


def as_written(value: Any, most: int = 60) -> str:
    """A value as it stands in a policy file, on one line; cut after `most` characters."""
    text = _written(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_written(of)}" for key, of in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def load_policy(text: str) -> Policy:
    """The policy that `text` (TOML) states. Raises PolicyError (key, line, reason) for the first mistake."""
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(error, text) from None
    overrides = content.pop("overrides", {})
    try:
        policy = Policy.model_validate(content)
    except ValidationError as error:
        raise _error(error, text) from None
    policy.variants.update(_variants(content, overrides, text))
    return policy


def _no_toml(error: tomllib.TOMLDecodeError, text: str) -> PolicyError:
    at = re.search(r"at line (\d+)", str(error))
    line = int(at[1]) if at else len(text.splitlines())
    stated = list(_stated(text))
    path = next((path for number, path in stated if number == line), ())
    before = [number for number, other in stated if number < line and path and other == path]
    if before and re.match(r"Cannot (overwrite|declare)", str(error)):
        return PolicyError(".".join(path), line, f"stands twice, first in line {before[0]}; keep one")
    return PolicyError(".".join(path), line, f"no valid TOML: {str(error).partition(' (at ')[0]}")


OVERRIDABLE: Final = ("triggers", "alerts", "limits", "approval", "status")
"""What may differ by tier and segment: how figures are judged. What the figures are is the same for every account."""


def _variants(
    content: dict[str, Any], overrides: Any, text: str
) -> dict[tuple[str | None, str | None], Policy]:
    """The policy of every tier and segment that has numbers of its own, and of the two together; each valid as a whole.

    Raises PolicyError.
    """
    lines = key_lines(text)
    by_tier, by_segment = _overridden(overrides, lines)
    made: dict[tuple[str | None, str | None], Policy] = {}
    for tier in (None, *by_tier):
        for segment in (None, *by_segment):
            if tier is None and segment is None:
                continue
            changed: dict[str, Any] = content
            path: tuple[str, ...] = ("overrides",)
            if segment is not None:
                changed, path = _merged(changed, by_segment[segment]), ("overrides", "segment", segment)
            if tier is not None:
                changed, path = _merged(changed, by_tier[tier]), ("overrides", "tier", tier)
            try:
                made[tier, segment] = Policy.model_validate(changed)
            except ValidationError as error:
                wrong = _error(error, "")
                where = (*path, *wrong.key.split("."))
                both = f"for segment {segment} and tier {tier} together: " if tier and segment else ""
                raise PolicyError(".".join(where), _line(lines, where), both + wrong.reason) from None
    return {(t, None if s is None else s.casefold()): policy for (t, s), policy in made.items()}


def _overridden(
    overrides: Any, lines: Mapping[tuple[str, ...], int]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The overrides by tier and by segment; refuses what is none."""

    def refuse(reason: str, *path: str) -> PolicyError:
        return PolicyError(".".join(("overrides", *path)), _line(lines, ("overrides", *path)), reason)

    if not isinstance(overrides, dict):
        raise refuse("write it as tables: [overrides.tier.high.triggers.utilization_high]")
    for kind, names in overrides.items():
        if kind not in ("tier", "segment"):
            raise refuse("unknown; there are overrides.tier and overrides.segment", kind)
        for name, parts in names.items() if isinstance(names, dict) else ():
            if kind == "tier" and name not in get_args(Tier):
                raise refuse(f"no tier; there are {', '.join(get_args(Tier))}", kind, name)
            for part in parts if isinstance(parts, dict) else ():
                if part not in OVERRIDABLE:
                    raise refuse(
                        f"can not differ by {kind}; what may: {', '.join(OVERRIDABLE)}", kind, name, part
                    )
            if not isinstance(parts, dict):
                raise refuse("write it as a table", kind, name)
        if not isinstance(names, dict):
            raise refuse("write it as a table", kind)
    segments = overrides.get("segment", {})
    if len({name.casefold() for name in segments}) < len(segments):
        raise refuse("two segments differ by capital letters only", "segment")
    return overrides.get("tier", {}), segments


def _merged(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`content` with the numbers of `changes` in place of its own, table by table."""
    out = dict(content)
    for key, value in changes.items():
        known = out.get(key)
        out[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return out


def policy_hash(text: str) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the content: comments, order and layout do not count.

    Raises PolicyError when the text is no TOML.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(error, text) from None
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=_canonical)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _canonical(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise PolicyError("", 0, f"{value!r} has no place in a policy")

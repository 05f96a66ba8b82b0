"""Cursors of pages: the sort values of a page's last row, as text that a URL carries. They hold no secret and no right."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from aiohttp import web


def written(values: Sequence[Any]) -> str:
    """The cursor of a row; dates as ISO text, since the store reads them so."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def read(cursor: str, *kinds: type) -> list[Any] | None:
    """Its values, each of the kind asked for; None for no cursor. Raises 400 for one that was not made here."""
    if not cursor:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if len(values) != len(kinds):
            raise ValueError
        out = []
        for value, kind in zip(values, kinds, strict=True):
            if kind is float and isinstance(value, int) and not isinstance(value, bool):
                value = float(value)
            if type(value) is not kind or (isinstance(value, int) and not -(2**63) <= value < 2**63):
                raise ValueError
            out.append(value)
    except (ValueError, TypeError, binascii.Error):
        raise _no_place() from None
    return out


def day(text: str) -> None:
    """Raises 400 when a cursor's day is none."""
    try:
        date.fromisoformat(text)
    except ValueError:
        raise _no_place() from None


def _no_place() -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text="after: no place in this list; begin at its first page.")

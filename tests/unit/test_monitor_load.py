"""States that another version wrote: the monitor ends with a sentence that says whose, why and what to do."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from streams.errors import Fatal
from streams.monitor import load

UNREADABLE = [
    (
        "",
        {"policy": [2, "hash", "[limits]\nno_such_number = 1\n", None]},
        "^the book, .*limits.no_such_number: unknown key",
    ),
    ("", {"book": [99, 0, None, "0", 0, None, None, None, []]}, "^the book, .*: book of version 99"),
    ("C1", {"pulse": [99]}, "^the state of account C1 .*: pulse of version 99"),
]


@pytest.mark.parametrize(("account_id", "pieces", "said"), UNREADABLE)
def test_a_state_of_another_version_is_said_in_a_sentence(account_id: str, pieces: Any, said: str) -> None:
    kept = {name: orjson.dumps(piece) for name, piece in pieces.items()}
    with pytest.raises(Fatal, match=said) as told:
        load(account_id, kept)
    assert "bellwether rebuild" in str(told.value)

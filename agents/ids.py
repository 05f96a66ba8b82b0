"""Derived ids: UUIDv5 of the deployment's namespace and what a thing is. Same journal, same ids.

No random id and no counter of a process is made here or anywhere in agents/.
"""

from __future__ import annotations

from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

_SEPARATOR = "\x1f"  # in no id that we accept, so that ("a", "bc") and ("ab", "c") differ
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))  # the two top bits of a digit become 10


def namespace_id(namespace: str) -> UUID:
    """The UUID namespace of one deployment; the empty namespace has one as well."""
    return uuid5(NAMESPACE_URL, f"bellwether:{namespace}")


def derived(namespace: UUID, *parts: str | int) -> str:
    """The id of what `parts` name, in order: derived(ns, "alert", account, trigger, episode)."""
    # uuid.uuid5() of the same, without the object: every snapshot has such an id (RFC 9562, section 5.5).
    digest = sha1(namespace.bytes + _SEPARATOR.join(map(str, parts)).encode(), usedforsecurity=False)
    h = digest.hexdigest()
    return f"{h[:8]}-{h[8:12]}-5{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:32]}"

"""Derived ids: UUIDv5 of the deployment's namespace and what a thing is. Same journal, same ids.

No random id and no counter of a process is made here or anywhere in agents/.
"""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

_SEPARATOR = "\x1f"  # in no id that we accept, so that ("a", "bc") and ("ab", "c") differ


def namespace_id(namespace: str) -> UUID:
    """The UUID namespace of one deployment; the empty namespace has one as well."""
    return uuid5(NAMESPACE_URL, f"bellwether:{namespace}")


def derived(namespace: UUID, *parts: str | int) -> str:
    """The id of what `parts` name, in order: derived(ns, "alert", account, trigger, episode)."""
    return str(uuid5(namespace, _SEPARATOR.join(map(str, parts))))

"""Where the page of `demo` and `dev` is, and how the person who started it signs in. Opens nothing."""

from __future__ import annotations

import secrets
import socket

from pydantic import SecretStr

from streams.settings import Settings, loopback
from streams.web.security import Access

ME = "me:controller"  # who decides in a demo: whoever started it


def url(host: str, port: int) -> str:
    """The address of the page for a person on this machine."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def at_hand(settings: Settings) -> Settings:
    """The settings with which `demo` and `dev` start the page, so that it can be used without ceremony.

    On loopback: where no tokens are set, one is made, for this start alone; where the port is taken, another one is
    chosen. Elsewhere they stay as they are. Raises Refused when others could reach the page without a token.
    """
    changed: dict[str, object] = {}
    if loopback(settings.bind):
        if not settings.tokens:
            changed["tokens"] = {ME: SecretStr(secrets.token_urlsafe(24))}
        if not _free(settings.bind, settings.web_port):
            changed["web_port"] = _free_port(settings.bind)
    chosen = settings.model_copy(update=changed)
    Access(chosen)
    return chosen


def sign_in_link(settings: Settings) -> str:
    """The address for the terminal: with a token of our own making behind the #, which browsers send to nobody."""
    at = url(settings.bind.strip("[]"), settings.web_port)
    made = settings.tokens.get(ME)
    return at if made is None else f"{at}login#{made.get_secret_value()}"


def _free(host: str, port: int) -> bool:
    if not port:
        return False  # the link must be known before the page runs
    with _socket(host) as probe:
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return False
    return True


def _free_port(host: str) -> int:
    with _socket(host) as probe:
        probe.bind((host.strip("[]"), 0))
        port: int = probe.getsockname()[1]
        return port


def _socket(host: str) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made

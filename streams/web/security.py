"""Who may see and do what on the page: tokens, sessions, CSRF, hosts, headers. Nothing here knows what a page shows.

On loopback whoever is on this machine may read; writing always takes a token. Beyond loopback everything takes one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from agents.limits import APPROVERS
from streams.errors import Refused
from streams.settings import Settings, loopback

ROLES: Final = ("viewer", *APPROVERS[1:])
"""What a token may be for, each able to do what those before it are: viewer reads, analyst and above decide."""

COOKIE: Final = "bellwether_session"
LOGIN_COOKIE: Final = "bellwether_login"
LASTS: Final = 12 * 3600.0  # seconds of a session
MOST_SESSIONS: Final = 1000
MOST_FAILURES: Final = 20  # wrong tokens a minute, from one address
MOST_GUESSERS: Final = 10_000  # addresses whose wrong tokens are remembered; those that tried last
BODY: Final = 64 << 10  # bytes that a request may bring
LOCAL: Final = frozenset(("127.0.0.1", "localhost", "::1"))
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")  # by proxies

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, browsers send forms with the origin null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""On every answer."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Person:
    """Who a token stands for. `name` and `role` go into each decision; nobody can choose them."""

    name: str
    role: str

    def may(self, role: str) -> bool:
        """Whether this role stands at or above `role`; "auto" and unknown roles ask for the highest."""
        needed = ROLES.index(role) if role in ROLES else len(ROLES) - 1
        return ROLES.index(self.role) >= needed


@dataclass(slots=True)
class Session:
    """One login. `csrf` stands in each form that it is shown."""

    person: Person
    ends: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(32))


def same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def people(settings: Settings) -> dict[Person, str]:
    """Person -> token. Raises Refused for a role that there is none of, and for two people with one token."""
    out: dict[Person, str] = {}
    for key, token in settings.tokens.items():
        name, _, role = key.rpartition(":")
        if role not in ROLES:
            raise Refused(f"BELLWETHER_TOKENS: {name} has the role {role}; choose from {', '.join(ROLES)}")
        secret = token.get_secret_value()
        if secret in out.values():
            raise Refused(f"BELLWETHER_TOKENS: {name} has the token of somebody else; give each person one")
        out[Person(name, role)] = secret
    return out


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def asks(peer: str | None, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """The address that a request came from, as wrong tokens are counted: of IPv6 the /64, which one person has whole.

    It is the connection's own, unless that is one of `proxies`: then the one that this proxy says it saw, the last of
    `forwarded` (X-Forwarded-For). What stands before that, anybody may have written. "" for what is no address.
    """
    at = _address(peer or "")
    for hop in reversed(forwarded):
        if at is None or not any(at in network for network in proxies):
            break
        before = _address(hop)
        if before is None:
            break
        at = before
    if isinstance(at, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(at), 64), strict=False))
    return "" if at is None else str(at)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]  # some proxies add the port
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return found if found.version == 4 else found.ipv4_mapped or found


class Access:
    """Tokens and the sessions opened with them. Kept in memory: a restart asks people to sign in again."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._proxies = [ipaddress.ip_network(proxy, strict=False) for proxy in settings.proxies]
        self.local = loopback(settings.bind) and not self._proxies
        self._people = people(settings)
        if not self.local and not self._people:
            where = f"BELLWETHER_BIND is {settings.bind}"
            if loopback(settings.bind):
                where = f"BELLWETHER_PROXIES is {','.join(settings.proxies)}"
            raise Refused(
                f"{where}, which others can reach: set BELLWETHER_TOKENS to "
                "name:role:token,… (roles: viewer, analyst, manager, controller), or leave the page on 127.0.0.1"
            )
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._guesses: OrderedDict[str, tuple[float, int]] = OrderedDict()  # address -> first, how many

    @property
    def can_sign_in(self) -> bool:
        """Whether there is any token."""
        return bool(self._people)

    def address(self, request: web.Request) -> str:
        """Whom the request's wrong tokens count against."""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        return asks(request.remote, forwarded, self._proxies)

    def bearer(self, token: str, address: str) -> Person | None:
        """Whose token that is. All are compared, so that the time tells nothing.

        Raises 429 after many wrong ones from that address; others go on meanwhile.
        """
        now = self._clock()
        first, wrong = self._guesses.get(address, (now, 0))
        if now - first >= 60:
            first, wrong = now, 0
        if wrong >= MOST_FAILURES:
            raise web.HTTPTooManyRequests(text="Too many wrong tokens from your address; wait a minute.")
        found = None
        for person, own in self._people.items():
            if same(own, token):
                found = person
        if found is None:
            self._guesses[address] = first, wrong + 1
            self._guesses.move_to_end(address)
            if len(self._guesses) > MOST_GUESSERS:
                self._guesses.popitem(last=False)
        return found

    def open(self, person: Person) -> tuple[str, Session]:
        """A new session and the value of its cookie. Only a digest of the cookie is kept."""
        cookie = secrets.token_urlsafe(32)
        session = Session(person, self._clock() + LASTS)
        self._sessions[_digest(cookie)] = session
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return cookie, session

    def session(self, request: web.Request) -> Session | None:
        """The session of the request's cookie, while it lasts."""
        cookie = request.cookies.get(COOKIE)
        if not cookie:
            return None
        key = _digest(cookie)
        session = self._sessions.get(key)
        if session is not None and session.ends < self._clock():
            del self._sessions[key]
            return None
        return session

    def close(self, request: web.Request) -> None:
        """End the session of the request's cookie."""
        if cookie := request.cookies.get(COOKIE):
            self._sessions.pop(_digest(cookie), None)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


ACCESS: Final = web.AppKey("access", Access)
PERSON: Final = web.RequestKey[Person | None]("person")  # who sends this request
SESSION: Final = web.RequestKey[Session | None]("session")  # of a browser; None for programs


def secure(request: web.Request) -> bool:
    """Whether cookies go over https alone: wherever the page is asked for by another name than this machine's own.

    Beyond this machine only a proxy with TLS stands before the page. A proxy that hides the name its users asked for
    changes nothing: then nobody can sign in through it, as the form's Origin is not the Host.
    """
    return request.secure or _host(request.host) not in LOCAL


def set_cookie(response: web.StreamResponse, name: str, value: str, seconds: float, secure: bool) -> None:
    """A cookie that no script reads and that no other site's request carries."""
    response.set_cookie(
        name, value, max_age=int(seconds), path="/", httponly=True, samesite="Strict", secure=secure
    )


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put HEADERS on an answer, before it is sent; what shows figures is kept by no browser and no proxy."""
    response.headers["Server"] = "bellwether"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Cache-Control"] = "no-cache" if request.path.startswith("/static/") else "no-store"


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Hosts, origins, and that somebody is signed in where that is asked for. The person stands in request[PERSON]."""
    access = request.app[ACCESS]
    host = _host(request.host)
    if access.local and host not in LOCAL:
        # A name that was made to point here (DNS rebinding) would make this machine's pages the attacker's.
        raise web.HTTPMisdirectedRequest(text="This page answers only as localhost or 127.0.0.1.")
    if access.local and any(name in request.headers for name in FORWARDED):
        # Whoever stands behind it is not on this machine, and reading takes no token here.
        raise web.HTTPMisdirectedRequest(
            text="This came through a proxy, and the page is for this machine alone: name the proxy in "
            "BELLWETHER_PROXIES and give people tokens."
        )
    if request.method not in ("GET", "HEAD"):
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            raise web.HTTPForbidden(
                text=f"That came from another site, or a proxy before the page does not pass Host on as it came: the page "
                f"was asked for as {request.host[:100]}."
            )
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise web.HTTPForbidden(text="That came from another site.")
    request[SESSION] = request[PERSON] = None
    given = request.headers.get("Authorization", "")
    if given:
        kind, _, token = given.partition(" ")
        person = access.bearer(token.strip(), access.address(request)) if kind.lower() == "bearer" else None
        if person is None:
            raise web.HTTPUnauthorized(
                text="That token is not known here.", headers={"WWW-Authenticate": "Bearer"}
            )
        request[PERSON] = person
    elif (session := access.session(request)) is not None:
        request[SESSION], request[PERSON] = session, session.person
    if not access.local and request[PERSON] is None and not _open_to_all(request.path):
        if request.path.startswith("/api/") or request.method != "GET":
            raise web.HTTPUnauthorized(
                text="Send a token: Authorization: Bearer …"
                if request.path.startswith("/api/")
                else "You are not signed in any more, and nothing was decided: sign in and repeat it.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        raise web.HTTPSeeOther("/login")
    return await handler(request)


def _host(given: str) -> str:
    try:
        return (urlsplit(f"//{given}").hostname or "").lower()
    except ValueError:
        return ""


def _open_to_all(path: str) -> bool:
    return path == "/login" or path.startswith("/static/")


def deciding(request: web.Request, csrf: str | None) -> Person:
    """The person who decides. A cookie alone is not enough: its session's CSRF token must come with the request.

    Raises 401 without a token, 403 without the CSRF token or with a role that only reads.
    """
    person = request[PERSON]
    if person is None:
        raise web.HTTPUnauthorized(
            text="Sign in with a token: a decision carries a name and a role.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    session = request[SESSION]
    if session is not None and not same(session.csrf, csrf or ""):
        raise web.HTTPForbidden(text="The form is out of date: load the page again and repeat.")
    if not person.may("analyst"):
        raise web.HTTPForbidden(text="The role viewer reads only.")
    return person

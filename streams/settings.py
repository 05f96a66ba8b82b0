"""The settings of every command: BELLWETHER_* variables, a .env file, or flags. Reads no topic and opens nothing."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import orjson
from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.topics import SOURCES
from streams.errors import Refused
from streams.whole import text_of


class Settings(BaseSettings):
    """One deployment: one seller, one namespace."""

    model_config = SettingsConfigDict(
        env_prefix="BELLWETHER_",
        env_file=".env",
        env_file_encoding="utf-8-sig",  # Windows begins a file with a mark
        extra="ignore",
        frozen=True,
    )

    broker: str = "dev"  # "dev" or kafka://host:port[,host:port]
    store: str = "dev"  # "dev" or clickhouse://user:password@host:port/database
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,30}$|^$")] = ""
    policy: Path | None = None  # none: deploy/policy.toml as shipped
    data_dir: Path = Path(".bellwether")
    slot: str = ""  # unique per process; none: made from host and process
    bind: str = "127.0.0.1"
    metrics_port: Annotated[int, Field(ge=0, le=65532)] = 0  # and the three above it; 0: none is served
    web_port: Annotated[int, Field(ge=0, le=65535)] = 8470  # 0: a free one
    tokens: Annotated[dict[str, SecretStr], NoDecode] = {}  # "name:role:token,…"
    proxies: Annotated[tuple[str, ...], NoDecode] = ()  # before the page: addresses or networks, with commas
    # librdkafka settings passed through, "key=value,…"
    kafka_config: Annotated[dict[str, str], NoDecode] = {}
    # Days that views of the store keep, "snapshots=800,…"
    store_days: Annotated[dict[str, int], NoDecode] = {}
    feed_days: Annotated[dict[str, int], NoDecode] = {
        "invoices": 4,  # a long weekend
        "payments": 4,
        "bureau": 9,  # weekly reports
        "news": 9,  # a quiet week
    }
    log_format: Literal["console", "json"] = "console"
    # 0: 12, and 4 with the dev broker. As many partitions, as many workers at most, and four topics have so many.
    journal_partitions: Annotated[int, Field(ge=0, le=1000)] = 0
    memory_mb: Annotated[int, Field(ge=0)] = 0  # of a monitor worker, for states; 0: half of what there is

    @field_validator("policy", "data_dir", "bind", mode="before")
    @classmethod
    def _unset(cls, value: object, info: ValidationInfo) -> object:
        # A compose file hands on an empty variable for one that is not set; as they are these would mean the working
        # directory, and every address of the machine.
        return cls.model_fields[str(info.field_name)].default if value == "" else value

    @field_validator("proxies", mode="before")
    @classmethod
    def _proxies(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        given = [item.strip() for item in value.split(",") if item.strip()]
        for item in given:
            try:
                ipaddress.ip_network(item, strict=False)
            except ValueError:
                raise ValueError(
                    f"{item} is no address; write it as address,address, for example 10.0.0.5,10.1.0.0/16"
                ) from None
        return tuple(given)

    @field_validator("kafka_config", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("{"):  # for values with commas in them
            try:
                given = orjson.loads(value)
            except orjson.JSONDecodeError as error:
                raise ValueError(f"write it as key=value,key=value or as one JSON object: {error}") from None
            for key, text in given.items():
                if not isinstance(text, str):
                    raise ValueError(f'{key}: write its value as a text, for example {{"linger.ms": "5"}}')
            return given
        pairs = [item.partition("=") for item in value.split(",") if item.strip()]
        if any(not sep for _, sep, _ in pairs):
            raise ValueError("write it as key=value,key=value, for example sasl.username=app,sasl.password=…")
        return {key.strip(): val.strip() for key, _, val in pairs}

    @field_validator("store_days", mode="before")
    @classmethod
    def _days(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [item.partition("=") for item in value.split(",") if item.strip()]
        if any(not days.strip().isdecimal() for _, _, days in pairs):
            raise ValueError("write it as view=days,view=days, for example snapshots=800,late=90")
        return _once((view.strip(), int(days)) for view, _, days in pairs)

    @field_validator("feed_days", mode="before")
    @classmethod
    def _feed_days(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if not value.strip():  # not set, as for a path: that no feed is watched would be noticed too late
            return cls.model_fields["feed_days"].default
        out: list[tuple[str, int]] = []
        for item in filter(None, map(str.strip, value.split(","))):
            feed, _, days = (part.strip() for part in item.partition("="))
            if feed not in SOURCES or not days.isdecimal() or not int(days):
                raise ValueError(
                    f"{item}: write it as feed=days,feed=days, with the feeds {', '.join(SOURCES)}"
                )
            out.append((feed, int(days)))
        return _once(out)

    @field_validator("tokens", mode="before")
    @classmethod
    def _tokens(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        roles: list[tuple[str, str]] = []
        out: dict[str, str] = {}
        for item in value.split(","):
            if not item.strip():
                continue
            name, _, rest = item.strip().partition(":")
            role, _, token = rest.partition(":")
            if not (name and role and token):
                raise ValueError("write it as name:role:token,name:role:token")
            roles.append((name, role))
            out[f"{name}:{role}"] = token
        _once(roles)  # a decision bears the name, and whoever reads it must know in which role it was made
        return out

    @field_validator("broker")
    @classmethod
    def _broker(cls, value: str) -> str:
        if value != "dev" and not value.startswith("kafka://"):
            raise ValueError("write it as dev or kafka://host:9092")
        return value

    @field_validator("store")
    @classmethod
    def _store(cls, value: str) -> str:
        if value != "dev" and not value.startswith(("clickhouse://", "clickhouses://")):
            raise ValueError("write it as dev or clickhouse://user:password@host:8123/database")
        return value

    @property
    def partitions(self) -> int:
        """Journal partitions of a new deployment."""
        return self.journal_partitions or (4 if self.broker == "dev" else 12)

    def prefixed(self, name: str) -> str:
        """A topic, group or transactional id with the namespace before it, when one is set."""
        return f"{self.namespace}.{name}" if self.namespace else name


T = TypeVar("T")


def _once(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """The pairs by their names. Raises ValueError for a name that is there twice: which one counts, nobody could see."""
    out: dict[str, T] = {}
    for name, value in pairs:
        if name in out:
            raise ValueError(f"{name} is there twice; name it once")
        out[name] = value
    return out


DEV_PORTS = ("BELLWETHER_DEV_KAFKA_PORT", "BELLWETHER_DEV_CLICKHOUSE_PORT")
"""Read by the dev services alone (streams/dev/processes.py)."""


_OF_A_CLUSTER = re.compile(r"(^|_)SERVICE_(HOST|PORT)|^PORT$|(^|_)PORT_\d+_(TCP|UDP)")


def unknown(names: Iterable[str]) -> str | None:
    """A sentence about the first of the variables that is nearly the name of a setting; None where none is.

    Others are let be: a cluster hands every process the addresses of a service that is called bellwether, and people keep
    variables of their own.
    """
    prefix = "BELLWETHER_"
    known = [name.upper() for name in Settings.model_fields]
    for name in names:
        own = name.upper().removeprefix(prefix)
        if own == name.upper() or own in known or name.upper() in DEV_PORTS or _OF_A_CLUSTER.search(own):
            continue
        near = difflib.get_close_matches(own, known, n=1)
        if near:
            return f"{name} is no setting; did you mean {prefix}{near[0]}?"
    return None


def deploy_dir() -> Path:
    """The folder deploy/ of the checkout, or of the installed package."""
    return Path(__file__).resolve().parents[1] / "deploy"


def policy_text(settings: Settings) -> str:
    """The policy file's text. Raises Refused when it can not be read."""
    try:
        return text_of(settings.policy or deploy_dir() / "policy.toml")
    except Refused as refused:
        raise Refused(f"{refused}; BELLWETHER_POLICY or a flag names the policy's file") from refused


def loopback(host: str) -> bool:
    """Whether an address is this machine's own: nobody else reaches what is bound there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


# Without the folder in which one stands, where a `streams` may be somebody else's.
OWN_COMMAND: Final = (sys.executable, "-P", "-m", "streams")
"""The command `bellwether`, for a child."""


def environment(config: Settings) -> dict[str, str]:
    """The variables by which a child has the same settings as we have, flags included."""
    return {
        f"BELLWETHER_{name.upper()}": _written(name, value) for name, value in config if value is not None
    }


def _written(name: str, value: Any) -> str:
    """The value of a setting as its variable says it."""
    if name == "kafka_config":
        return orjson.dumps(value).decode()  # values may have commas in them
    if name == "tokens":
        return ",".join(f"{who}:{token.get_secret_value()}" for who, token in value.items())
    if isinstance(value, dict):
        return ",".join(f"{key}={days}" for key, days in value.items())
    return ",".join(value) if isinstance(value, tuple) else str(value)


def slot_name(settings: Settings, app: str) -> str:
    """The transactional id of this process's `app`: the slot of the settings, else one that no other process has.

    A fixed slot lets a restarted worker end at once what its dead predecessor left open; two living processes must
    never share one.
    """
    return settings.prefixed(f"{app}-{settings.slot or f'{socket.gethostname()}-{os.getpid()}'}")

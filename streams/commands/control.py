"""`bellwether tick` and `bellwether policy`: what people write to the control topic, and what they check before."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from textwrap import fill
from typing import Any, Final
from zoneinfo import ZoneInfo

import click

from agents.monitor import ENGINE
from agents.policy import Policy
from agents.policy_text import as_written, policy_hash
from schemas.topics import TOPICS
from streams.blocks import Kafka
from streams.commands.options import settings
from streams.commands.policies import policy_in, policy_of
from streams.control import clock_ticked, policy_adopted, read_control, send_control
from streams.dev.processes import kafka_servers
from streams.errors import Refused
from streams.whole import text_of


def _sound(path: Path) -> str:
    text = text_of(path)
    policy_in(text, path)
    return text


@click.command()
@click.option("--as-of", metavar="DAY", help="The day that has ended, YYYY-MM-DD. Default: yesterday.")
def tick(as_of: str | None) -> None:
    """End a day by hand. Days between the last tick and this one are stepped one by one; a day already ended does nothing."""
    day = None
    if as_of is not None:
        try:
            day = date.fromisoformat(as_of)
        except ValueError:
            raise Refused(f"--as-of {as_of}: write the day as YYYY-MM-DD") from None
    config = settings()
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    control = read_control(kafka, config)
    if control.policy is None:
        raise Refused("no policy is in force yet: start a worker, or run `bellwether policy adopt FILE`")
    zone = ZoneInfo(control.policy.time_zone)
    now = datetime.now(UTC)
    if day is None:
        day = now.astimezone(zone).date() - timedelta(days=1)
    if day > now.date() + timedelta(days=2):
        raise Refused(
            f"--as-of {day}: more than 2 days ahead; a tick ends a day, and days after it could not be ended again"
        )
    if control.last_tick is not None and day <= control.last_tick:
        click.echo(f"{day} has ended already (last tick: {control.last_tick}); nothing was written")
        return
    journal = config.prefixed(TOPICS["journal"].name)
    partitions = kafka.partitions([journal])[journal]
    send_control(kafka, config, clock_ticked(day, now, control.book(partitions)))
    click.echo(f"{day} is ended")
    if day >= now.astimezone(zone).date():
        click.echo(
            f"bellwether: {day} is not over in {zone.key}; the clock goes on with the day after it, for good",
            err=True,
        )


@click.group()
def policy() -> None:
    """The policy file: checked, compared, put in force."""


@policy.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Validate FILE as a whole; the first mistake is named with its line."""
    text = _sound(file)
    click.echo(f"{file} is sound; its hash is {policy_hash(text)}")


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {
            k: v
            for name, part in value.items()
            for k, v in _flat(part, f"{prefix}.{name}" if prefix else str(name)).items()
        }
    return {prefix: value}


_ABSENT: Final = object()
_WIDTH: Final = 80


def _changed(key: str, before: Any, after: Any) -> Iterator[str]:
    """A line for a number; of long lists what each of the two has and the other has not, or the new order."""
    one, two = ("absent" if of is _ABSENT else as_written(of, sys.maxsize) for of in (before, after))
    line = f"{key}: {one} -> {two}"
    if len(line) <= _WIDTH or not (isinstance(before, list) or isinstance(after, list)):
        yield line
        return
    yield f"{key}:"
    was, now = (list(map(as_written, of)) if isinstance(of, list) else [] for of in (before, after))
    without, with_ = [of for of in was if of not in now], [of for of in now if of not in was]
    for sign, items in (("-", without), ("+", with_)) if without or with_ else (("in another order:", now),):
        if items:
            yield fill(", ".join(items), _WIDTH, initial_indent=f"  {sign} ", subsequent_indent="    ")


@policy.command("diff")
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def diff(before: Path, after: Path) -> None:
    """The numbers that differ between two policy files. Exit code 1 when any does."""
    # As they are written, so that days are dates and overrides are numbers like the others.
    texts = [_sound(path) for path in (before, after)]
    old, new = (_flat(tomllib.loads(text)) for text in texts)
    changed = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
    for key in changed:
        click.echo("\n".join(_changed(key, old.get(key, _ABSENT), new.get(key, _ABSENT))))
    if changed:
        sys.exit(1)
    same = policy_hash(texts[0]) == policy_hash(texts[1])
    click.echo(
        "no number differs"
        + ("" if same else ", but some are written otherwise (30 and 30.0): the hashes differ")
    )


@policy.command("adopt")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def adopt(file: Path | None) -> None:
    """Put FILE (default: the policy of the settings) in force from the next record on; outputs carry its hash."""
    config = settings(policy=file)
    wanted_policy, text = policy_of(config)
    kafka = Kafka(kafka_servers(config), config.kafka_config)
    control = read_control(kafka, config)
    wanted = policy_hash(text)
    if (control.policy_hash, control.live_from) == (wanted, None):
        click.echo(f"policy {wanted} is in force already; nothing was written")
        return
    send_control(kafka, config, policy_adopted(text, wanted, ENGINE, datetime.now(UTC)))
    click.echo(f"policy {wanted} is adopted")
    if control.policy is not None and control.policy.base_currency != wanted_policy.base_currency:
        click.echo(rates_wanted(control.policy.base_currency, wanted_policy))


def rates_wanted(before: str, policy: Policy) -> str:
    """What a change of the base currency asks for: rates stated in the new one, by the policy or by ticks."""
    base = policy.base_currency
    return (
        f"the base currency was {before} and is {base}: rates are {base} for one unit of another from now on, in ticks and "
        f"in the policy's [rates]{'' if policy.rates else ', which has none'}; what has no rate counts as 0 in the book's "
        "totals"
    )

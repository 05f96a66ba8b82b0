"""Two policies over the same events: which alerts come and go, and what the proposed limits would be. Pure.

It knows the contract's records. How good either policy is, is quality.py's to say.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

Record = Mapping[str, Any]
_NEVER: Final = dt.date.max


@dataclass(frozen=True, slots=True)
class Told:
    """One alert as the comparison names it. Severity: the greatest that it reached."""

    alert_id: str
    account_id: str
    account_name: str
    trigger: str
    severity: int
    opened: str
    cleared: str | None


@dataclass(frozen=True, slots=True)
class Limits:
    """An account whose limit the two policies would move differently: the last proposal of each, None without one.

    `policy` and `against`: direction, proposed_limit, grade and as_of of that proposal, as the record has them.
    """

    account_id: str
    account_name: str | None
    current_limit: str | None
    currency: str | None
    policy: dict[str, Any] | None
    against: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `against` changes. Alerts of one account and trigger are the same when the times for which they stood overlap.

    `days_later`: median over the kept of the day it opened under `against` minus the day under the policy; negative is
    earlier. `severity_changed`: of the kept, those whose greatest severity differs. `proposals`: new ones, by direction,
    (policy, against).
    """

    gained: list[Told]
    lost: list[Told]
    kept: int
    days_later: float | None
    severity_changed: int
    by_trigger: dict[str, dict[str, int]]
    proposals: dict[str, tuple[int, int]]
    limits: list[Limits]


def compare(
    alerts: Iterable[Record],
    proposals: Iterable[Record],
    other_alerts: Iterable[Record],
    other_proposals: Iterable[Record],
) -> Comparison:
    """Hold the records of a second policy (`other_…`) against those of the first; each in the order of emission."""
    mine, theirs = _stories(alerts), _stories(other_alerts)
    gained: list[Told] = []
    lost: list[Told] = []
    shifts: list[int] = []
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    moved = 0
    for key in sorted(mine.keys() | theirs.keys()):
        for one, two in _pairs(mine.get(key, []), theirs.get(key, [])):
            told = one or two
            assert told is not None
            if two is None:
                lost.append(told)
            elif one is None:
                gained.append(told)
            else:
                shifts.append((dt.date.fromisoformat(two.opened) - dt.date.fromisoformat(one.opened)).days)
                moved += one.severity != two.severity
            fate = "kept" if one and two else "gained" if two else "lost"
            counts[told.trigger][fate] += 1
    fates = ("gained", "lost", "kept")
    first, second = list(proposals), list(other_proposals)
    return Comparison(
        gained=gained,
        lost=lost,
        kept=len(shifts),
        days_later=float(median(shifts)) if shifts else None,
        severity_changed=moved,
        by_trigger={
            trigger: {fate: found[fate] for fate in fates} for trigger, found in sorted(counts.items())
        },
        proposals=_directions(first, second),
        limits=_limits(first, second),
    )


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """For JSON: alert ids and accounts gained and lost on top, all else beside them."""
    gained, lost = comparison.gained, comparison.lost
    with_gained, with_lost = ({told.account_id for told in some} for some in (gained, lost))
    return {
        "alerts_gained": [told.alert_id for told in gained],
        "alerts_lost": [told.alert_id for told in lost],
        "alerts_kept": comparison.kept,
        "accounts_gained": sorted(with_gained),
        "accounts_lost": sorted(with_lost),
        "gained": gained,
        "lost": lost,
        "days_later": comparison.days_later,
        "severity_changed": comparison.severity_changed,
        "by_trigger": comparison.by_trigger,
        "proposals": comparison.proposals,
        "limits": comparison.limits,
    }


def table(comparison: Comparison, names: tuple[str, str], most: int) -> RenderableType:
    """For a terminal of 80 columns: by trigger, then at most `most` accounts of each kind by name, then the limits."""
    triggers = _table(f"Alerts, {names[0]} against {names[1]}", ("trigger", "gained", "lost", "kept"))
    for trigger, counts in comparison.by_trigger.items():
        triggers.add_row(trigger, *(f"{counts[fate]:,}" for fate in ("gained", "lost", "kept")))
    shift = "-" if comparison.days_later is None else f"{comparison.days_later:+.0f}"
    words = (
        f"{len(comparison.gained):,} gained, {len(comparison.lost):,} lost, {comparison.kept:,} kept; the kept open "
        f"{shift} days later (median), {comparison.severity_changed:,} of them at another severity."
    )
    parts: list[RenderableType] = [triggers, Text(words), Text()]
    for title, some in (("gained", comparison.gained), ("lost", comparison.lost)):
        parts += _named(f"Alerts {title}, gravest first", some, most)
    ways = _table("New proposals", ("direction", *names))
    for direction, (one, two) in comparison.proposals.items():
        ways.add_row(direction, f"{one:,}", f"{two:,}")
    parts.append(ways)
    if comparison.limits:
        limits = _table("Limits that would be others", ("account", "name", "now", *names))
        for change in comparison.limits[:most]:
            limits.add_row(
                change.account_id,
                change.account_name or "",
                change.current_limit or "-",
                _proposal(change.policy),
                _proposal(change.against),
            )
        parts.append(limits)
    if len(comparison.limits) > most:
        parts.append(Text(f"… and {len(comparison.limits) - most:,} more accounts; --json names them all"))
    return Group(*parts)


def _stories(records: Iterable[Record]) -> dict[tuple[str, str], list[Told]]:
    """(account, trigger) -> its alerts in the order in which they opened."""
    opened: dict[str, Record] = {}
    severity: dict[str, int] = {}
    cleared: dict[str, str] = {}
    for record in records:
        name = record["alert_id"]
        if record["status"] == "opened":
            opened.setdefault(name, record)
        elif record["status"] == "cleared":
            cleared[name] = record["as_of"]
        severity[name] = max(severity.get(name, 0), record["severity"])
    stories: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for name, record in opened.items():
        stories[record["account_id"], record["trigger"]].append(
            Told(
                alert_id=name,
                account_id=record["account_id"],
                account_name=record.get("account_name") or "",
                trigger=record["trigger"],
                severity=severity[name],
                opened=record["as_of"],
                cleared=cleared.get(name),
            )
        )
    return stories


def _pairs(mine: list[Told], theirs: list[Told]) -> Iterator[tuple[Told | None, Told | None]]:
    """Each alert with the first of the other side that stood at the same time and is not taken yet."""
    left = list(theirs)
    for one in mine:
        two = next((told for told in left if _overlap(one, told)), None)
        if two is not None:
            left.remove(two)
        yield one, two
    for two in left:
        yield None, two


def _overlap(one: Told, two: Told) -> bool:
    # A day on which one has cleared is not a day on which it stood, but for one that cleared as it opened.
    ends = [max(_end(told), told.opened) for told in (one, two)]
    return one.opened <= ends[1] and two.opened <= ends[0]


def _end(told: Told) -> str:
    return told.cleared or _NEVER.isoformat()


def _news(records: list[Record]) -> dict[str, Record]:
    """The first record of each proposal."""
    first: dict[str, Record] = {}
    for record in records:
        first.setdefault(record["proposal_id"], record)
    return first


def _directions(first: list[Record], second: list[Record]) -> dict[str, tuple[int, int]]:
    counts = [Counter(record["direction"] for record in _news(some).values()) for some in (first, second)]
    return {
        direction: (counts[0][direction], counts[1][direction])
        for direction in ("open", "raise", "cut", "hold")
    }


def _limits(first: list[Record], second: list[Record]) -> list[Limits]:
    last = [{record["account_id"]: record for record in _news(some).values()} for some in (first, second)]
    changes = []
    for account in sorted(last[0].keys() | last[1].keys()):
        one, two = last[0].get(account), last[1].get(account)
        if (_asked(one) if one else None) == (_asked(two) if two else None):
            continue
        record = one or two
        assert record is not None
        changes.append(
            Limits(
                account_id=account,
                account_name=record.get("account_name"),
                current_limit=record.get("current_limit"),
                currency=record.get("currency"),
                policy=_short(one),
                against=_short(two),
            )
        )
    return changes


def _asked(record: Record) -> tuple[Any, Any]:
    return record["direction"], record["proposed_limit"]


def _short(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {name: record.get(name) for name in ("direction", "proposed_limit", "grade", "as_of")}


def _proposal(short: dict[str, Any] | None) -> str:
    if short is None:
        return "-"
    amount = str(short["proposed_limit"]).partition(".")[0]
    return f"{short['direction']} {amount}"


def _named(title: str, some: list[Told], most: int) -> list[RenderableType]:
    if not some:
        return []
    shown = _table(title, ("account", "name", "trigger", "sev.", "opened"))
    for told in sorted(some, key=lambda told: (-told.severity, told.opened, told.account_id))[:most]:
        shown.add_row(told.account_id, told.account_name, told.trigger, str(told.severity), told.opened)
    if len(some) <= most:
        return [shown]
    return [shown, Text(f"… and {len(some) - most:,} more; --json names them all"), Text()]


def _table(title: str, columns: tuple[str, ...]) -> Table:
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    words = ("trigger", "account", "name", "direction", "opened")
    for name in columns:
        made.add_column(name, justify="left" if name in words else "right", overflow="fold")
    return made


__all__ = ["Comparison", "Limits", "Told", "as_dict", "compare", "table"]

"""`bellwether explain`: an alert or a proposal taken apart, or why an account does not alert, for a person at 80 columns.

What is said is streams/explain.py's; here it is only laid out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console, Group, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.explain import Row
from agents.wording import grouped
from streams.blocks import Kafka
from streams.commands.options import progress_bar, settings
from streams.commands.policies import policy_of
from streams.dev.processes import clickhouse_dsn, kafka_servers
from streams.errors import Refused
from streams.explain import (
    SIGNS,
    File,
    Journal,
    account_of,
    checked_id,
    explanation,
    inputs_in_words,
    need_in_words,
    quiet,
    stored_accounts,
)
from streams.settings import Settings

WIDTH = 80
LINES = 40  # of a usual alert, at most


@click.command()
@click.argument("ident", metavar="[ALERT_ID|PROPOSAL_ID]", required=False)
@click.option(
    "--why-not",
    nargs=2,
    type=str,
    default=None,
    metavar="ACCOUNT TRIGGER",
    help="Why the account has no such alert.",
)
@click.option(
    "--events",
    type=click.Path(path_type=Path),
    help="A file of events instead of the journal, as backtest reads it.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, with everything.")
def explain(ident: str | None, why_not: tuple[str, str] | None, events: Path | None, as_json: bool) -> None:
    """Take an alert or a proposal apart: figures, formulas, events, levels, and what would clear it.

    Recomputed from the journal alone. The beginning of an id is enough where it is unique, eight characters at least.
    """
    if (ident is None) == (why_not is None):
        raise click.UsageError("give the id of an alert or a proposal, or --why-not ACCOUNT TRIGGER")
    if ident is not None:
        ident = checked_id(ident)
    config = settings()
    source = _source(config, events)
    with progress_bar(transient=True) as bar:
        bar.add_task("reading the journal" if events is None else "reading the file", total=None)
        if why_not is not None:
            row = quiet(source, config.namespace, *why_not)
        else:
            assert ident is not None
            known = [] if events is not None else _stored(config, ident)
            row = explanation(source, config.namespace, *account_of(source, config.namespace, ident, known))
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(row) + b"\n")
        return
    Console(width=WIDTH, highlight=False).print(laid_out(row))


def _source(config: Settings, events: Path | None) -> Journal | File:
    if events is not None:
        return File(events, policy_of(config)[1])
    journal = Journal(Kafka(kafka_servers(config), config.kafka_config), config)
    if journal.empty():
        raise Refused(
            f"{journal.name} is empty: nothing has been journalled there. Send events and run a worker, give --events FILE, "
            "or set BELLWETHER_NAMESPACE"
        )
    return journal


def _stored(config: Settings, ident: str) -> list[str]:
    """The store only says where to look first; it may be away."""
    try:
        dsn = clickhouse_dsn(config)
    except Refused:
        return []
    return stored_accounts(config, dsn, ident)


def laid_out(row: Row) -> Group:
    """An explanation for people, at WIDTH columns."""
    return {"alert": _alert, "proposal": _proposal, "why-not": _quiet}[row["kind"]](row)


# --- Alerts ----------------------------------------------------------------------------------------------------


def _alert(row: Row) -> Group:
    told = [t for t in row["transitions"] if t["status"] in ("opened", "escalated")]
    then, now = told[-1], row["now"]
    state = f"open since {row['opened_at'][:10]}" if now else f"cleared {row['as_of']}"
    parts: list[Any] = [
        _head(row["title"], f"severity {row['severity']}"),
        _head(f"{row['trigger']} · {_account(row)}", state),
        "",
        _conditions(then, now if now and now["as_of"] != then["as_of"] else None),
        "",
    ]
    if now:
        parts += [_bold(f"To clear it at the tick of {now['clears_on']}, all else as it is"), *_choices(now)]
    elif row["status"] == "cleared":
        parts += [_bold(f"It cleared on {row['as_of']}"), _indented(row["transitions"][-1]["why"])]
    head = Group(*parts)
    tail: list[Any] = ["", _bold("What happened"), _history(row["transitions"])]
    tail += ["", _bold("What to do"), _indented(row["action"])]
    tail.append(_foot(row, [*then["conditions"], *then["levels"]]))
    left = LINES - _height(head) - _height(Group(*tail)) - 4
    figures = _figures(then, row["currency"], short=False)
    if _height(figures) > left - 3:
        figures = _figures(then, row["currency"], short=True)
    room = max(2, left - _height(figures))
    parts += ["", _bold(f"Figures as of {then['as_of']}"), figures]
    parts += ["", _bold("Events behind it"), _events(row, then["event_ids"], room)]
    return Group(*parts, *tail)


def _choices(now: Row) -> list[Any]:
    clears: list[Row] = now["clears"]
    if now["by_itself"]:
        return [_indented("nothing need be done: by time alone it clears")]
    if not clears and now["waits_for_rate"]:
        return [
            _indented(
                "a rate first: part of what is owed is in a currency that none converts, and stands in no figure"
            )
        ]
    if not clears:
        return [
            _indented("no single change does; it would take more than one of the conditions, or a correction")
        ]
    return [_indented(f"{'or ' if place else ''}{change['words']}") for place, change in enumerate(clears)]


def _conditions(then: Row, now: Row | None) -> Table:
    table = _table(
        ("Fires when", "left"), ("was", "right"), *((("is now", "right"),) if now else ()), ("", "left")
    )
    later = [None] * len(then["conditions"]) if now is None else now["conditions"]
    for condition, after in zip(then["conditions"], later, strict=True):
        values = [_value(condition)] + ([] if after is None else [_value(after)])
        state = after or condition
        table.add_row(_asked(state), *values, "met" if state["met"] else "not met")
    return table


def _asked(condition: Row) -> str:
    sign = SIGNS.get(condition["relation"], condition["relation"])
    either = "either " if condition["either"] else ""
    valued = condition["level"] is not None or condition["missing"] is None
    level = condition["shown_level"] if valued else "a level not known"
    return " ".join(f"{either}{condition['label']} {sign} {level}".split())


def _value(condition: Row) -> str:
    return str(condition["missing"] or condition["shown"])


def _figures(then: Row, currency: str | None, *, short: bool) -> Group:
    """Each figure with its formula; `short`: in one line each, what is too long cut off."""
    rows = [
        (
            f"  {figure['label']}",
            _plain(figure, currency),
            "" if figure["unit"] in ("flag", "text") else figure["formula"],
        )
        for figure in then["figures"]
    ]
    if short:
        return Group(*(_cut(f"{name:<28}{value:>13}  {formula}") for name, value, formula in rows))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=30)
    table.add_column(justify="right", no_wrap=True, overflow="ellipsis", max_width=24)
    table.add_column(style="dim", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Group(table)


def _plain(figure: Row, currency: str | None) -> str:
    """A figure of the record for people: 0.342 as 34.2 %, lists in short."""
    value, unit = figure["value"], figure["unit"]
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if unit in ("money", "base") and isinstance(value, str):
        return grouped(value)
    if unit == "share" and isinstance(value, int | float):
        return f"{value:.1%}"
    if isinstance(value, list):
        if value and all(isinstance(item, bool) for item in value):
            return "".join("y" if item else "n" for item in value)
        if any(isinstance(item, dict) for item in value):
            return f"{len(value)} of them"
        return " ".join("–" if item is None else str(item) for item in value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _events(row: Row, named: list[str], room: int) -> Group:
    known = [event for event in row["events"] if event["event_id"] in set(named)]
    if not named:
        return Group(_indented("none: the figures above say what is missing"))
    shown = known if len(known) <= room else known[-(room - 1) :]
    lines = []
    for event in shown:
        amount = (
            "" if event["amount"] is None else f"{grouped(event['amount'])} {event['currency'] or ''}".strip()
        )
        about = "" if event["about"] in (None, event["event_id"]) else f"  {event['about']}"
        due = f"  due {event['due_date']}" if event["due_date"] else ""
        lines.append(
            _cut(f"  {event['date']}  {event['type']:<17} {amount:>15}  {event['event_id']}{due}{about}")
        )
    if len(known) > len(shown):
        lines.append(Text(f"  and {len(known) - len(shown)} earlier ones: --json has them all"))
    return Group(*lines)


def _history(transitions: list[Row]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    shown = transitions if len(transitions) <= 4 else [transitions[0], *transitions[-3:]]
    for place, transition in enumerate(shown):
        if place == 1 and len(shown) < len(transitions):
            table.add_row("  …", f"{len(transitions) - 4} more", "(--json: all)")
        words = transition["why"]
        if transition.get("decided_by") not in (None, "policy"):
            words += f" ({transition['decided_by']})"
        table.add_row(f"  {transition['as_of']}", transition["status"], words)
    return table


# --- Proposals -------------------------------------------------------------------------------------------------


def _proposal(row: Row) -> Group:
    made, record = row["transitions"][0], row["record"]
    currency = row["currency"] or ""
    current = "none" if record["current_limit"] is None else grouped(record["current_limit"])
    hold = record["direction"] == "hold"
    limit = (
        f"{current} {currency} stays"
        if hold
        else f"{current} → {grouped(record['proposed_limit'])} {currency}"
    )
    parts: list[Any] = [
        _head(f"{record['direction'].capitalize()}: limit {limit}", row["status"]),
        _head(_account(row), f"as of {made['as_of']}"),
        "",
        _bold("Why this direction"),
        *[_indented(why) for why in made["direction"]["why"]],
    ]
    if record["direction"] == "raise":
        parts.append(_earned(made["raise_conditions"]))
    parts += ["", _bold(f"Score {made['score']:g}, grade {made['grade']}"), *_score(made["categories"])]
    parts += [_indented(cap) for cap in made["caps"]]
    if not hold:
        parts += ["", _bold("The limit is the least of"), *_terms(made["terms"], currency)]
        parts.append(_indented("; ".join(filter(None, (made["rounding"], need_in_words(made["terms"]))))))
    parts += ["", Text(f"Approver: {made['approver']}", style="bold") + Text(f", {made['approver_why']}", "")]
    if made["reasons"]:
        parts.append(
            Text("Reasons: ", style="bold") + Text("; ".join(r["words"] for r in made["reasons"]), "")
        )
    parts += [_bold("What happened"), _history(row["transitions"]), _foot(row, [])]
    return Group(*parts)


def _earned(conditions: list[Row]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(overflow="fold")
    table.add_column(justify="right")
    table.add_column()
    for condition in conditions:
        asked = _asked({**condition, "either": None})
        table.add_row(f"  {asked}", _value(condition), "met" if condition["met"] else "not met")
    return table


def _score(categories: list[Row]) -> list[Any]:
    table = _table(("  category", "left"), ("weight", "right"), ("points", "right"), ("from", "left"))
    for category in categories:
        if category["points"] is not None:
            points = f"{category['points'] + 0.0:.1f}"  # no minus before a nothing
            given = inputs_in_words(category["inputs"])
            table.add_row(f"  {category['label']}", f"{category['weight']:g}", points, given)
    return [table, *_left_out(categories)]


def _terms(terms: list[Row], currency: str) -> list[Any]:
    table = _table(("  term", "left"), ("amount", "right"), ("", "left"), ("how", "left"))
    for term in terms:
        if term["amount"] is not None:
            amount = f"{grouped(term['amount'])} {currency}"
            table.add_row(f"  {term['label']}", amount, "binds" if term["binds"] else "", term["formula"])
    return [table, *_left_out(terms)]


def _left_out(parts: list[Row]) -> list[Any]:
    """What has nothing behind it, in one line."""
    missing = list(dict.fromkeys(part["missing"] for part in parts if part["missing"]))
    return [_indented(f"left out: {'; '.join(missing)}")] if missing else []


# --- Why not ---------------------------------------------------------------------------------------------------


def _quiet(row: Row) -> Group:
    count = len(row["conditions"])
    parts: list[Any] = [
        _head(row["title"], f"severity {row['severity']}"),
        _head(f"{row['trigger']} · {_account(row)}", f"as of {row['as_of']}"),
        "",
    ]
    if row["open_alert"]:
        parts += [
            _bold("It has fired"),
            _indented(f"alert {row['open_alert']}, open since {row['opened_at'][:10]}"),
            _indented(f"what would clear it: bellwether explain {row['open_alert'][:8]}"),
            "",
        ]
    table = _table(("Fires when", "left"), ("is", "right"), ("", "left"))
    for condition in row["conditions"]:
        table.add_row(_asked(condition), _value(condition), "met" if condition["met"] else "not met")
    parts.append(table)
    parts += ["", _bold(f"{row['met']} of {count} conditions met")]
    if row["missing"]:
        parts += [
            _indented(f"missing: {missing}; no data never fires, and never clears")
            for missing in row["missing"]
        ]
    ticks = row["ticks"]
    if row["holds"] and not row["open_alert"]:
        parts.append(
            _indented(f"it holds: at {ticks['in_a_row']} of {ticks['needed']} ticks in a row that it takes")
        )
    elif ticks["needed"] > 1 and not row["open_alert"]:
        parts.append(_indented(f"it must hold at {ticks['needed']} ticks in a row; at none so far"))
    if row["cooldown_until"]:
        parts.append(_indented(f"it rests after its last alert until {row['cooldown_until']}"))
    if row["superseded_by"]:
        parts.append(_indented(f"an open alert {row['superseded_by']} takes its place"))
    if row["history_until"]:
        parts.append(
            _indented(f"alerts before {row['history_until']} are history: the policy goes live that day")
        )
    if not row["holds"] and not row["open_alert"]:
        when = f", from the tick of {row['fires_on']} on" if ticks["needed"] > 1 else ""
        parts += ["", _bold(f"The smallest change that would make it fire{when}"), *_needed(row)]
    parts.append(_foot(row, row["conditions"]))
    return Group(*parts)


def _needed(row: Row) -> list[Any]:
    changes: list[Row] = row["would_fire"]
    if row["by_itself"]:
        return [_indented(f"none: by time alone it holds on {row['fires_on']}")]
    if not changes:
        why = (
            "what is missing above must come first" if row["missing"] else "more than one would have to move"
        )
        return [_indented(f"no figure alone can: {why}")]
    lines: list[Any] = [_indented("all of these together:")] if len(changes) > 1 else []
    return lines + [_indented(change["words"], 4) for change in changes]


# --- Parts -----------------------------------------------------------------------------------------------------


def _account(row: Row) -> str:
    return f"{row['account_id']} {row['account_name'] or ''}".strip()


def _head(left: str, right: str) -> Table:
    table = Table.grid(expand=True)
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    table.add_row(_bold(left), right)
    return table


def _bold(words: str) -> Text:
    return Text(words, style="bold")


def _cut(words: str) -> Text:
    return Text(words, no_wrap=True, overflow="ellipsis")


def _indented(words: str, by: int = 2) -> Padding:
    return Padding(Text(words), (0, 0, 0, by), expand=False)


def _table(*columns: tuple[str, JustifyMethod]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, justify in columns:
        table.add_column(name, justify=justify, overflow="fold")
    return table


def _foot(row: Row, conditions: list[Row]) -> Group:
    levels: dict[str, dict[str, Any]] = {}
    for condition in conditions:
        for source in condition["policy"]:
            part, _, name = source["key"].rpartition(".")
            levels.setdefault(part, {})[name] = source["value"]
    policy = row["policy"]
    adopted = f"adopted {policy['adopted_at'][:10]}" if "adopted_at" in policy else "as given with the file"
    lines = [
        f"[{part}] {', '.join(f'{name} {value}' for name, value in named.items())}"
        for part, named in levels.items()
    ]
    lines.append(f"policy {policy['hash']}, {adopted}; engine {row['engine']}")
    return Group("", *(Text(line, style="dim") for line in lines))


def _height(part: Group) -> int:
    """Lines that it takes at our width."""
    return len(Console(width=WIDTH).render_lines(part))

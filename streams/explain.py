"""Explaining from the journal alone: refolds an account, catches the moment of each decision and puts it into words.

No stored output is read: the store is asked at most which account an id belongs to. What a figure is stands in agents/;
`explanation` and `quiet` are what others call, the page among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from agents.account import Account, InMemory
from agents.book import Book
from agents.desk import ProposalChange
from agents.explain import Row, alert_now, alert_transition, proposal_transition, why_not
from agents.ids import derived, namespace_id
from agents.monitor import ENGINE, Fold
from agents.policy_text import load_policy, policy_hash
from agents.records import Output
from agents.triggers import BY_ID, TRIGGERS
from agents.view import View
from agents.wakes import Wakes
from agents.watch import AlertChange
from agents.wording import grouped
from schemas.events import (
    BureauFiled,
    BureauReported,
    ClockTicked,
    Event,
    Invalid,
    NewsPublished,
    PolicyAdopted,
    parse,
)
from schemas.outputs import CASE_ID
from schemas.topics import TOPICS
from streams.backtest import Lines
from streams.blocks import Kafka
from streams.control import policy_adopted
from streams.errors import Refused
from streams.murmur2 import partition_of
from streams.passing import Failed, RuleRaised, passing_over
from streams.reading import bounds, origin, read_topic
from streams.settings import Settings
from streams.store import queries
from streams.store.client import connect, database_name
from streams.ticks import day_of, has_ticks, with_ticks
from streams.topics_admin import refuse_grown

SHORTEST: Final = 8  # characters of an id that are enough where they are unique
_ID: Final = re.compile(r"[0-9a-f][0-9a-f-]*", re.IGNORECASE)
SIGNS: Final = {">=": "≥", "<=": "≤", "is": ""}
"""Relation of a condition -> how it is put before its level."""
_EPISODES: Final = 12  # of each trigger, and proposals, that are tried before everything is refolded
_GIVEN: Final = datetime(1970, 1, 1, tzinfo=UTC)  # when a policy was adopted that a command gives to a file

Told = Callable[[Account, View, list[AlertChange], list[ProposalChange]], None]


Came = tuple[Event, bool]  # … and whether it came live: by another way than history


class Source(Protocol):
    """Where the events come from, in the order in which the monitor folds them."""

    name: str  # for people

    def parts(self) -> int:
        """How many folds there are: the journal's partitions, one of a file."""
        ...

    def part_of(self, account_id: str) -> int:
        """The part in which this account is."""
        ...

    def events(self, part: int, account_id: str | None = None) -> Iterator[Came]:
        """A part's events from its start; those of one account and of control, where one is named."""
        ...

    def accounts(self, part: int) -> Iterator[str]:
        """The account of each event of a part, in order, repeats included."""
        ...


class Journal:
    """The journal of a deployment. Raises Refused where there is none, or it was given more partitions."""

    def __init__(self, kafka: Kafka, settings: Settings) -> None:
        refuse_grown(kafka, settings)
        self.topic = settings.prefixed(TOPICS["journal"].name)
        self.name = f"the journal {self.topic}"
        self._kafka, self._history = kafka, settings.prefixed(TOPICS["history"].name).encode()
        self._count = kafka.partitions([self.topic])[self.topic]

    def parts(self) -> int:
        return self._count

    def part_of(self, account_id: str) -> int:
        return partition_of(account_id.encode(), self._count)

    def events(self, part: int, account_id: str | None = None) -> Iterator[Came]:
        key = None if account_id is None else account_id.encode()
        for record in read_topic(self._kafka, self.topic, part, whole=True):
            if key is None or not record.key() or record.key() == key:
                try:
                    yield parse(record.value()), origin(record) != self._history
                except Invalid:  # the monitor made it a dead letter
                    continue

    def accounts(self, part: int) -> Iterator[str]:
        for record in read_topic(self._kafka, self.topic, part):
            if record.key():
                yield record.key().decode(errors="replace")

    def empty(self) -> bool:
        """Whether nothing has been journalled yet."""
        return all(low == high for low, high in bounds(self._kafka, self.topic, range(self._count)))


class File:
    """A file of events, read as a backtest reads it, under a policy."""

    def __init__(self, path: Path, policy_text: str) -> None:
        self.name = str(path)
        self._path, self._text = path, policy_text
        self._zone = ZoneInfo(load_policy(policy_text).time_zone)
        self._ticks = has_ticks([path])

    def parts(self) -> int:
        return 1

    def part_of(self, account_id: str) -> int:
        return 0

    def events(self, part: int, account_id: str | None = None) -> Iterator[Came]:
        adopted = policy_adopted(self._text, policy_hash(self._text), ENGINE, _GIVEN)
        yield PolicyAdopted.model_validate(adopted), False
        for _, event in with_ticks(self._lines(), self._zone, self._ticks):
            if account_id is None or isinstance(event, ClockTicked) or _account_of(event) == account_id:
                yield event, False

    def accounts(self, part: int) -> Iterator[str]:
        for _, event in self._lines():
            account_id = _account_of(event)
            if account_id is not None:
                yield account_id

    def _lines(self) -> Iterator[tuple[bytes, Event]]:
        """The valid lines; the others are dead letters. Raises Refused where there is none: it is another file."""
        first: list[str] = []

        def refuse(number: int, reason: str) -> None:
            if not first:
                first.append(f"; line {number}: {reason}")

        empty = True
        for line in Lines(self._path, refuse, None):
            empty = False
            yield line
        if empty:
            raise Refused(f"{self._path} holds no event{''.join(first)}")


def _account_of(event: Event) -> str | None:
    return getattr(event, "account_id", None)


# --- The refold -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Case:
    """One alert or proposal: its transitions, taken apart, and its records as the refold emits them, in their order."""

    kind: str  # alert proposal
    id: str
    account_id: str
    trigger: str  # of an alert, else ""
    transitions: list[Row] = field(default_factory=list)
    records: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Refolded:
    """What a refold leaves behind: the wanted cases, and where every account stands at the end."""

    cases: dict[str, Case]
    accounts: InMemory
    fold: Fold
    events: dict[str, Row]  # event id -> type, date, amount
    adopted: dict[str, Row]  # policy hash -> the event that put it in force
    touched: dict[str, int]  # account -> the day of what came after the last tick, where something did
    days: int  # ticks folded
    tick: str | None  # the id of the last one

    def view(self, account_id: str) -> View:
        """The account as of the last tick, or as of the day that has begun since, where something has come."""
        day = self.fold.book.day
        if day is None or account_id in self.touched:
            day = self.touched[account_id]
        return self.fold.view(self.accounts[account_id], day)

    def ahead(self, account_id: str) -> View:
        """The account as of the tick to come, if nothing happens until then."""
        now = self.view(account_id)
        return now if account_id in self.touched else self.fold.view(self.accounts[account_id], now.today + 1)


def refold(
    read: Callable[[], Iterator[Came]],
    namespace: str,
    wanted: Callable[[str], bool],
    *,
    explain: bool = True,
) -> Refolded:
    """Fold what `read` yields from its start; the alerts and proposals whose id is `wanted` are taken apart as they are told.

    `explain=False`: they are found and not taken apart. An event on which a rule raises is passed over, as a worker does
    after its rollback. Takes the memory of the accounts that `read` yields.
    """
    return passing_over(lambda failed: _refold(read(), namespace, wanted, explain, failed))


def _refold(
    events: Iterable[Came],
    namespace: str,
    wanted: Callable[[str], bool],
    explain: bool,
    failed: Failed,
) -> Refolded:
    accounts = InMemory()
    fold = Fold(accounts, Wakes(), Book(), 0, namespace_id(namespace))
    found = Refolded({}, accounts, fold, {}, {}, {}, 0, None)
    broken: list[Exception] = []
    fold.observer = _teller(fold, found, wanted, explain, broken)
    for number, (event, live) in enumerate(events):
        account_id = _account_of(event)
        day = fold.book.day
        if account_id is not None:
            if failed.reason(number) is not None:
                continue
            zone = ZoneInfo(fold.book.policy.time_zone) if fold.book.policy is not None else UTC
            found.touched[account_id] = day_of(event, zone) if day is None else day + 1
            if explain:
                found.events[event.event_id] = event_row(event)
        elif isinstance(event, ClockTicked) and event.as_of.toordinal() > (day or 0):
            found.tick = event.event_id
            if explain and fold.book.policy is not None and (event.book_exposure is not None or event.rates):
                base = None if event.book_exposure is None else fold.book.policy.base_currency
                found.events[event.event_id] = event_row(event) | {"currency": base}
        try:
            outputs = failed.take(fold, number, event, live)
        except RuleRaised:
            if broken:
                raise broken[0] from None
            raise
        if fold.book.day != day:  # the tick of a day that is over, as an import brings them, ends nothing
            found.touched.clear()
            found.days += 1
        elif isinstance(event, PolicyAdopted) and event.occurred_at != _GIVEN:
            found.adopted[event.hash] = {
                "event_id": event.event_id,
                "adopted_at": event.occurred_at.isoformat(),
            }
        for output in outputs:
            if isinstance(output, Output) and output.topic in CASE_ID:
                case = found.cases.get(output.body[CASE_ID[output.topic]])
                if case is not None:
                    case.records.append(output.body)
    return found


_DECIDED: Final = ("acknowledged", "assigned", "snoozed")


def _teller(
    fold: Fold, found: Refolded, wanted: Callable[[str], bool], explain: bool, broken: list[Exception]
) -> Told:
    """What the fold tells, taken apart; what goes wrong here is no rule's fault and is kept in `broken`."""

    def case_of(kind: str, ident: str, account_id: str, trigger: str) -> Case:
        if ident not in found.cases:
            found.cases[ident] = Case(kind, ident, account_id, trigger)
        return found.cases[ident]

    def told(
        account: Account, view: View, alerts: list[AlertChange], proposals: list[ProposalChange]
    ) -> None:
        try:
            for alert in alerts:
                if wanted(alert.alert_id):
                    case = case_of("alert", alert.alert_id, account.account_id, alert.trigger)
                    seen = view
                    if explain and alert.status in _DECIDED:  # told as at a tick, whatever came with it
                        seen = fold.view(account, view.today)
                        seen.event_id = view.event_id
                    case.transitions.append(alert_transition(alert, seen, found.tick) if explain else {})
            for proposal in proposals:
                if wanted(proposal.proposal_id):
                    case = case_of("proposal", proposal.proposal_id, account.account_id, "")
                    taken = proposal_transition(proposal, view, account.watch) if explain else {}
                    case.transitions.append(taken)
        except Exception as error:
            broken.append(error)
            raise

    return told


_DATES: Final = (
    "invoice_date", "paid_on", "reversed_on", "due_on", "scheduled_on", "reported_on", "filed_on", "period_end", "as_of",
)  # fmt: skip
_AMOUNTS: Final = (
    "amount", "credit_limit", "limit", "recommended_limit", "claim", "high_credit", "book_exposure",
)  # fmt: skip
_NAMES: Final = (
    "invoice_id", "payment_id", "memo_id", "order_id", "promise_id", "security_id", "agency", "filing_id", "headline",
    "match_id", "statement_id", "reference_id", "related_account_id", "proposal_id", "alert_id",
)  # fmt: skip


def event_row(event: Event) -> Row:
    """An event in short: what came, which day it counts on, and how much it says."""
    day = next((value for name in _DATES if (value := getattr(event, name, None)) is not None), None)
    return {
        "event_id": event.event_id,
        "type": event.type,
        "date": (event.occurred_at.date() if day is None else day).isoformat(),
        "amount": next((v for n in _AMOUNTS if (v := getattr(event, n, None)) is not None), None),
        "currency": getattr(event, "currency", None),
        "about": _about(event),
        "due_date": None if (due := getattr(event, "due_date", None)) is None else due.isoformat(),
        "source": event.source,
    }


def _about(event: Event) -> str | None:
    """What it is about, in words that tell a judgment from a release of it, and who printed a headline."""
    name = next((name for name in _NAMES if getattr(event, name, None) is not None), None)
    about = None if name is None else str(getattr(event, name))
    match event:
        case BureauFiled():
            return f"{event.kind.replace('_', ' ')} {event.status}, {about}"
        case BureauReported():
            score = (
                None if event.score is None else f"{event.score:g} of {event.scale_min:g}-{event.scale_max:g}"
            )
            said = [score, None if event.rating_class is None else f"class {event.rating_class}"]
            return ", ".join([str(about), *(text for text in said if text is not None)])
        case NewsPublished():
            return f"{event.domain}: {about}"
        case _:
            return about


# --- Which account an id belongs to ----------------------------------------------------------------------------


def checked_id(text: str) -> str:
    """An id or the beginning of one, in lower case. Raises Refused for what can be none."""
    ident = text.strip().lower()
    if not _ID.fullmatch(ident) or len(ident) > 36:
        raise Refused(
            f"{text!r} is no id of an alert or a proposal: those look like 3f2b8c1e-…; to ask why an account did not alert, "
            "write `bellwether explain --why-not ACCOUNT TRIGGER`"
        )
    if len(ident) < SHORTEST:
        raise Refused(f"{text!r} is too short: give at least {SHORTEST} characters of the id")
    return ident


def account_of(source: Source, namespace: str, ident: str, known: Collection[str] = ()) -> tuple[str, str]:
    """(id, account) of the one alert or proposal that begins so. Raises Refused for none, or for several.

    `known`: accounts it may belong to, asked first. Else every account's ids are derived, and only where that finds
    nothing is everything refolded.
    """
    for accounts in (known, _derived(source, namespace, ident)):
        found: dict[str, str] = {}
        for account_id in sorted(set(accounts)):
            part = source.part_of(account_id)
            cases = refold(
                _of(source, part, account_id), namespace, lambda i: i.startswith(ident), explain=False
            ).cases
            found |= {case.id: case.account_id for case in cases.values()}
        if found:
            return _only(found, ident)
    found = {}
    seen = 0
    for part in range(source.parts()):
        told = refold(_of(source, part, None), namespace, lambda i: i.startswith(ident), explain=False)
        found |= {case.id: case.account_id for case in told.cases.values()}
        seen += len(told.accounts)
    if not found:
        where = f"namespace {namespace}" if namespace else "no namespace"
        raise Refused(
            f"no alert or proposal begins with {ident} in {source.name} ({seen:,} accounts refolded, {where}): an id of "
            "another namespace, engine or policy is not found here; set BELLWETHER_NAMESPACE to its own"
        )
    return _only(found, ident)


def _only(found: dict[str, str], ident: str) -> tuple[str, str]:
    if len(found) > 1:
        some = ", ".join(f"{name} (account {account})" for name, account in sorted(found.items())[:5])
        raise Refused(f"{ident} is the beginning of {len(found)} ids: {some}; give more of it")
    return next(iter(found.items()))


def _of(source: Source, part: int, account_id: str | None) -> Callable[[], Iterator[Came]]:
    return lambda: source.events(part, account_id)


def _derived(source: Source, namespace: str, ident: str) -> Iterator[str]:
    """Accounts one of whose first ids begins so: ids are derived from account, kind and number, so no fold is needed."""
    ids = namespace_id(namespace)
    accounts = {account for part in range(source.parts()) for account in source.accounts(part)}
    for account_id in sorted(accounts):
        for number in range(1, _EPISODES + 1):
            if derived(ids, "proposal", account_id, number).startswith(ident) or any(
                derived(ids, "alert", account_id, trigger.id, number).startswith(ident)
                for trigger in TRIGGERS
            ):
                yield account_id
                break


def stored_accounts(settings: Settings, dsn: str, ident: str) -> list[str]:
    """The accounts whose alerts or proposals begin so, as the store has them; none where it does not answer."""
    try:
        client = connect(dsn, database_name(dsn, settings.namespace), timeout=10)
        return [row["account_id"] for row in queries.ask(client, "accounts_of_id", {"prefix": ident})]
    except Refused:
        return []


# --- Explanations -----------------------------------------------------------------------------------------------


def explanation(source: Source, namespace: str, ident: str, account_id: str) -> Row:
    """One alert or proposal taken apart, as a JSON object; its figures are those of the refold, nothing is looked up.

    `ident` is the whole id, `account_id` the account it belongs to (account_of() finds both). Reads that account's part
    of the journal from its start (a second for some 100,000 records), so a page calls it in a thread, for one alert at a
    time. Raises Refused when this engine and this journal do not tell of it.
    """
    told = refold(_of(source, source.part_of(account_id), account_id), namespace, lambda i: i == ident)
    if ident not in told.cases:
        raise Refused(
            f"{source.name} does not tell of {ident} on account {account_id} with engine {ENGINE}: it is of another engine, "
            "or of another namespace; `bellwether rebuild` shows what differs"
        )
    return explained(told, told.cases[ident])


def explained(told: Refolded, case: Case) -> Row:
    """The JSON object of one case; see explanation()."""
    record = case.records[-1]
    row: Row = {
        "kind": case.kind,
        "id": case.id,
        "account_id": case.account_id,
        "account_name": record["account_name"],
        "status": record["status"],
        "as_of": record["as_of"],
        "currency": record["currency"],
        "policy": {"hash": record["policy"], **told.adopted.get(record["policy"], {})},
        "engine": record["engine"],
        "record": record,
        "transitions": [
            {**transition, "why": _why(case, place), "record": case.records[place]}
            for place, transition in enumerate(case.transitions)
        ],
    }
    if case.kind == "alert":
        row |= {
            "trigger": case.trigger,
            "title": record["title"],
            "action": record["action"],
            "severity": record["severity"],
            "opened_at": record["opened_at"],
            "now": _now(told, case),
        }
    named = {
        event_id
        for transition in (*row["transitions"], row.get("now") or {})
        for part in (
            transition,
            *(row for name in ("figures", "categories", "terms") for row in transition.get(name, ())),
        )
        for event_id in part.get("event_ids", ())
    } | {transition["event_id"] for transition in case.transitions if transition["event_id"] is not None}
    row["events"] = sorted(
        (told.events[event_id] for event_id in named if event_id in told.events),
        key=lambda event: (event["date"], event["event_id"]),
    )
    return row


def _now(told: Refolded, case: Case) -> Row | None:
    """Where an open alert stands at the end of the journal; None for one that has cleared."""
    account = told.accounts[case.account_id]
    episode = account.watch.episode(BY_ID[case.trigger])
    if not episode.open or episode.alert_id != case.id:
        return None
    return alert_now(
        case.trigger, episode, told.view(case.account_id), told.ahead(case.account_id), told.tick
    )


def _why(case: Case, place: int) -> str:
    """Why this transition came, in words."""
    transition = case.transitions[place]
    if case.kind == "proposal":
        return str(transition["why"])
    cause = transition["event_id"]
    came = f"with event {cause}" if cause is not None else "at the day's tick"
    status = transition["status"]
    if status == "opened":
        if place and case.transitions[place - 1]["status"] != "cleared":
            return "told again: the policy is live from this day"
        if BY_ID[case.trigger].immediate:
            return f"a fact, {came}"
        needed = transition["ticks_needed"]
        return f"true at {needed} ticks in a row" if needed > 1 else "true at the day's tick"
    if status == "escalated":
        before = [t for t in case.transitions[:place] if t["status"] in ("opened", "escalated")]
        if before and transition["severity"] > before[-1]["severity"]:
            return f"graver, {came}: severity {before[-1]['severity']} → {transition['severity']}"
        if before and before[-1]["distance"] and transition["distance"] is not None:
            times = transition["distance"] / before[-1]["distance"]
            return f"{times:.1f} × as far past its clear level, {came}"
        return f"further past its clear level, {came}"
    if status == "cleared":
        return f"superseded by {_superseding(case.trigger)}" if transition["reason"] else f"it clears, {came}"
    return f"a person's decision, {came}"


def _superseding(trigger_id: str) -> str:
    return next((trigger.id for trigger in TRIGGERS if trigger.supersedes == trigger_id), "a graver alert")


def inputs_in_words(inputs: Row) -> str:
    """What a category of the score was made of, in a line."""
    parts = []
    for name, value in inputs.items():
        if name == "ratios":
            parts += [
                f"{ratio.replace('_', ' ')} {part['value']:.2f}"
                if isinstance(part["value"], float)
                else f"{ratio.replace('_', ' ')} none"
                for ratio, part in value.items()
            ]
        elif name == "reports":
            parts += [
                f"{r['agency']} {r['as_reported'] or r['rating_class']}{' (stale)' if r['stale'] else ''}"
                for r in value
                if r["as_reported"] or r["rating_class"]
            ]
        elif value is not None and not isinstance(value, list) and not name.endswith("_id"):
            shown = f"{value:.1f}" if isinstance(value, float) else str(value)
            parts.append(f"{name.replace('_', ' ')} {shown}")
    return ", ".join(parts)


def need_in_words(terms: list[Row]) -> str:
    """How the need among a limit's terms comes about; empty where it is not known."""
    need: Row = next((term["inputs"] for term in terms if term["term"] == "need"), {})
    if need.get("need") is None:
        return ""
    return (
        f"need {grouped(need['need'])} = {grouped(need['monthly_purchases'])} a month × {need['billing_cycles']} billing "
        f"cycles, × {need['grade_multiplier']:g} for the grade"
    )


def quiet(source: Source, namespace: str, account_id: str, trigger_id: str) -> Row:
    """Why this account has no such alert, as a JSON object: agents.explain.why_not() at the end of the journal.

    Raises Refused for an account or a trigger that is not there.
    """
    if trigger_id not in BY_ID:
        raise Refused(f"there is no trigger {trigger_id}; the triggers are {', '.join(sorted(BY_ID))}")
    told = refold(_of(source, source.part_of(account_id), account_id), namespace, lambda i: False)
    if account_id not in told.accounts:
        raise Refused(
            f"{source.name} has no event of account {account_id!r}: ids are exact, capitals included"
        )
    return quiet_at(told, account_id, trigger_id)


def quiet_at(told: Refolded, account_id: str, trigger_id: str) -> Row:
    """The same, of an account that has been refolded already."""
    view = told.view(account_id)
    account = told.accounts[account_id]
    hash_, day = told.fold.book.policy_hash, told.fold.book.day
    return {
        "kind": "why-not",
        "account_id": account_id,
        "account_name": view.account_name,
        "ticks_folded": told.days,
        "policy": {"hash": hash_, **told.adopted.get(hash_, {})},
        "engine": ENGINE,
        **why_not(
            trigger_id,
            view,
            told.ahead(account_id),
            account.watch.episode(BY_ID[trigger_id]),
            view.today if day is None else day,
        ),
    }

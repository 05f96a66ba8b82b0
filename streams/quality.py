"""How good the alerts were: alerts held against the truth about the accounts. Pure, but for `read_truths`.

It knows the contract's records and nothing of policies, triggers or the simulator; any file of truths will do.
The tables and the picture of a judgement are quality_table.py and quality_picture.py.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson

from streams.errors import Refused

SEVERITY: Final = 3
"""Alerts below it are not judged: they inform, nobody is asked to act."""
EARLY_DAYS: Final = 30
"""How long before the onset an alert may be told and still count as a catch: agencies and newspapers can be first.
Longer would credit chance: an alert half a year before anything changed saw something else."""
UNKNOWN_ONSET_DAYS: Final = 365
"""Where a truth has no onset, the window in which an alert is a catch opens so many days before the event."""

Record = Mapping[str, Any]
Money = dict[str, str]  # currency -> decimal string; amounts in different currencies are never added up


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of all triggers together, or of one. None: nothing stands behind it; never 0 instead.

    An *alert* here is one `alert_id`, from the day on which it first had the severity judged (opened with it, or
    escalated to it). It is *told* on that day and on every later day on which it escalates. The *window* of a bad
    account is onset - EARLY_DAYS to event_date, both included. An alert *catches* the account when it is told in the
    window: one that was told before and merely still stands catches nothing, nor does one told after the event.

    alerts                   how many there were, over all accounts and all days, also after the events
    alerts_per_week_per_500  alerts / (days on which accounts were observed / 7) x 500
    alerted                  accounts with an alert; of bad ones only alerts raised by event_date count
    caught                   bad accounts caught
    recall                   caught / bad accounts
    recall_ahead             the same, but caught at least one day before the event
    recall_by_chance         what alerts that fall at random would catch if they were as frequent in the windows as on
                             sound accounts: mean over the bad accounts of 1 - exp(-alerts a sound day x days of the
                             window). A recall that is no better tells nothing
    precision                caught / alerted: the share of alerted accounts that turn bad, not of alerts
    precision_turning        the same with accounts that deteriorated and recovered without turning bad counted as right
    alert_precision          the share of the alerts raised by event_date that are told in the window of a bad account
    median_lead_days         over the caught: event_date - the day of the first catch; an account caught on the day
                             itself has lead 0
    sound_alerts_per_20_account_years  alerts on sound accounts (neither bad nor ever turning) / their years x 20
    exposed_at_first_alert   over the caught, by currency: exposure (of the alert record) at the first catch
    exposed_at_event         over the same accounts, by currency: open balance at the event (of the truth). Exposure is
                             net of securities and holds open orders, so the two differ by more than time
    """

    alerts: int
    alerts_per_week_per_500: float | None
    alerted: int
    caught: int
    recall: float | None
    recall_ahead: float | None
    recall_by_chance: float | None
    precision: float | None
    precision_turning: float | None
    alert_precision: float | None
    median_lead_days: float | None
    sound_alerts_per_20_account_years: float | None
    exposed_at_first_alert: Money
    exposed_at_event: Money


@dataclass(frozen=True, slots=True)
class Regime:
    """One regime of the truth: how many accounts, alerted, bad, caught, the median lead of those caught, its alerts
    for 20 years of an account, and how many of its accounts had a cut or a hold proposed (None without proposals; of
    bad ones, and of those that turned, at any time)."""

    accounts: int
    alerted: int
    bad: int
    caught: int
    median_lead_days: float | None
    alerts_per_20_account_years: float | None
    cut: int | None
    held: int | None


@dataclass(frozen=True, slots=True)
class Quality:
    """The judgement of a book.

    `sound_cuts` and `sound_holds`: proposals of that direction on sound accounts, `sound_accounts_cut` and
    `sound_accounts_held` the accounts that had any; None without proposals to look at. `exposed_missed`: open balances
    at the event of the bad accounts that nothing caught, `missed` names them. `leads`: the days of lead of those
    caught, by account. `weeks`: [Monday, alerts] of each week in which accounts were observed; None where a truth
    does not say when that was. `unjudged`: alerts on accounts that the truth does not know; they count nowhere else.
    """

    accounts: int
    bad: int
    sound: int
    severity: int
    early_days: int
    overall: Scores
    by_trigger: dict[str, Scores]
    by_regime: dict[str, Regime]
    exposed_missed: Money
    missed: list[str]
    leads: dict[str, int]
    weeks: list[tuple[str, int]] | None
    sound_alerts_per_20_account_years: float | None
    sound_cuts: int | None
    sound_holds: int | None
    sound_accounts_cut: int | None
    sound_accounts_held: int | None
    unjudged: int


@dataclass(frozen=True, slots=True)
class _Truth:
    regime: str
    bad: bool
    turning: bool
    first: dt.date  # of the window; of a sound account later than any day
    event: dt.date  # last day of the window; of an account that is not bad later than any day
    exposure: Decimal
    currency: str
    observed: tuple[dt.date, dt.date] | None  # first and last day in the book

    @property
    def sound(self) -> bool:
        return not self.bad and not self.turning

    @property
    def days(self) -> int | None:
        return None if self.observed is None else (self.observed[1] - self.observed[0]).days + 1


@dataclass(frozen=True, slots=True)
class _Alert:
    account_id: str
    trigger: str
    told: list[tuple[dt.date, Decimal]]  # day and exposure of each record that told it, oldest first
    currency: str

    @property
    def raised(self) -> dt.date:
        return self.told[0][0]

    def catch(self, truth: _Truth) -> tuple[dt.date, Decimal] | None:
        """The first day on which it is told in the window, and the exposure then; None when it never is."""
        return next((record for record in self.told if truth.first <= record[0] <= truth.event), None)


def judge(
    truths: Iterable[Record],
    alerts: Iterable[Record],
    proposals: Iterable[Record] | None = None,
) -> Quality:
    """Hold alert records (the contract's, all transitions, in the order of their emission) against truths.

    Truths are lines as `bellwether simulate` writes them; `onset`, `exposure_at_event`, `currency`, `observed_from`
    and `observed_to` may be missing or null: then what needs them is null (exposure: not counted). A truth
    without a currency takes that of the account's alerts.
    """
    known = {str(truth["account_id"]): _truth(truth) for truth in truths}
    raised = _episodes(alerts)
    judged = [alert for alert in raised if alert.account_id in known]
    bad = {account: truth for account, truth in known.items() if truth.bad}
    by_trigger: dict[str, list[_Alert]] = defaultdict(list)
    for alert in judged:
        by_trigger[alert.trigger].append(alert)
    first = _first_catches(known, judged)
    overall = _scores(known, judged)
    directions: dict[str, tuple[str, str]] | None = None  # proposal -> account, direction
    if proposals is not None:
        directions = {p["proposal_id"]: (p["account_id"], p["direction"]) for p in proposals}
    sound = {account for account, truth in known.items() if truth.sound}
    return Quality(
        accounts=len(known),
        bad=len(bad),
        sound=len(sound),
        severity=SEVERITY,
        early_days=EARLY_DAYS,
        overall=overall,
        by_trigger={trigger: _scores(known, mine) for trigger, mine in sorted(by_trigger.items())},
        by_regime=_by_regime(known, judged, first, directions),
        exposed_missed=_sum((t.currency, t.exposure) for account, t in bad.items() if account not in first),
        missed=sorted(bad.keys() - first.keys()),
        leads={account: (known[account].event - day).days for account, (day, *_) in sorted(first.items())},
        weeks=_weeks(known, judged),
        sound_alerts_per_20_account_years=overall.sound_alerts_per_20_account_years,
        sound_cuts=_proposed(directions, "cut", sound),
        sound_holds=_proposed(directions, "hold", sound),
        sound_accounts_cut=_accounts(directions, "cut", sound),
        sound_accounts_held=_accounts(directions, "hold", sound),
        unjudged=len(raised) - len(judged),
    )


_NEVER: Final = dt.date.max
_EARLIEST_YEAR: Final = 1900
_YEARS_20: Final = 20 * 365.25


def _truth(record: Record) -> _Truth:
    """Raises ValueError with what to mend, and KeyError where something is missing."""
    if not isinstance(record, Mapping):
        raise ValueError("no object")
    bad = record["bad"]
    if not isinstance(bad, bool):
        raise ValueError(f"bad: write true or false, not {bad!r}")
    onset, event = _day(record, "onset"), _NEVER
    if bad:
        stated = _day(record, "event_date")
        if stated is None:
            raise KeyError("event_date")
        event = stated
    if onset is not None and onset > event:
        raise ValueError("its onset is after its event_date")
    first = _NEVER
    if onset is not None:
        first = onset - dt.timedelta(days=EARLY_DAYS)
    elif bad:
        first = event - dt.timedelta(days=UNKNOWN_ONSET_DAYS)
    start, end = _day(record, "observed_from"), _day(record, "observed_to")
    if start and end and end < start:
        raise ValueError("its observed_to is before its observed_from")
    return _Truth(
        regime=str(record.get("regime") or "unknown"),
        bad=bad,
        turning=onset is not None,
        first=first,
        event=event,
        exposure=_amount(record.get("exposure_at_event")),
        currency=str(record.get("currency") or ""),
        observed=(start, end) if start and end else None,
    )


def _day(record: Record, name: str) -> dt.date | None:
    value = record.get(name)
    try:
        day = None if value is None else dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        day = dt.date.min
    if day is not None and day.year < _EARLIEST_YEAR:
        raise ValueError(f"{name}: write the day as YYYY-MM-DD, not {value!r}")
    return day


def _amount(value: Any) -> Decimal:
    try:
        amount = Decimal(str(value or 0))
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0:
        raise ValueError(f'exposure_at_event: write an amount such as "1250.00", not {value!r}')
    return amount


def _episodes(records: Iterable[Record]) -> list[_Alert]:
    """One for each alert_id that reached the severity, in the order in which they did."""
    reached: dict[str, _Alert] = {}
    for record in records:
        if record["status"] not in ("opened", "escalated") or record["severity"] < SEVERITY:
            continue
        alert = reached.get(record["alert_id"])
        if alert is None:
            alert = reached[record["alert_id"]] = _Alert(
                record["account_id"], record["trigger"], [], str(record.get("currency") or "")
            )
        alert.told.append((dt.date.fromisoformat(record["as_of"]), Decimal(record.get("exposure") or 0)))
    return list(reached.values())


def _first_catches(
    known: Mapping[str, _Truth], alerts: Sequence[_Alert]
) -> dict[str, tuple[dt.date, Decimal, str]]:
    """Bad account -> the day of its first catch, and the exposure then."""
    first: dict[str, tuple[dt.date, Decimal, str]] = {}
    for alert in alerts:
        truth = known[alert.account_id]
        found = alert.catch(truth) if truth.bad else None
        if found is not None and (alert.account_id not in first or found[0] < first[alert.account_id][0]):
            first[alert.account_id] = *found, truth.currency or alert.currency
    return first


def _observed(truths: Iterable[_Truth]) -> int | None:
    """Days of all of them together; None when one does not say."""
    days = [truth.days for truth in truths]
    return None if None in days else sum(day for day in days if day is not None)


def _scores(known: Mapping[str, _Truth], alerts: Sequence[_Alert]) -> Scores:
    bad = [truth for truth in known.values() if truth.bad]
    days = _observed(known.values())
    sound_days = _observed(truth for truth in known.values() if truth.sound)
    before = [alert for alert in alerts if alert.raised <= known[alert.account_id].event]
    alerted = {alert.account_id for alert in before}
    first = _first_catches(known, alerts)
    leads = [(known[account].event - day).days for account, (day, *_) in first.items()]
    turning = {a.account_id for a in before if known[a.account_id].turning and a.catch(known[a.account_id])}
    right = sum(known[a.account_id].bad and a.catch(known[a.account_id]) is not None for a in before)
    on_sound = sum(known[alert.account_id].sound for alert in alerts)
    chance = None
    if bad and sound_days:
        rate = on_sound / sound_days
        chance = sum(1 - math.exp(-rate * ((truth.event - truth.first).days + 1)) for truth in bad) / len(bad)
    return Scores(
        alerts=len(alerts),
        alerts_per_week_per_500=len(alerts) / (days / 7) * 500 if days else None,
        alerted=len(alerted),
        caught=len(first),
        recall=len(first) / len(bad) if bad else None,
        recall_ahead=sum(lead >= 1 for lead in leads) / len(bad) if bad else None,
        recall_by_chance=chance,
        precision=len(first) / len(alerted) if alerted else None,
        precision_turning=len(turning | first.keys()) / len(alerted) if alerted else None,
        alert_precision=right / len(before) if before else None,
        median_lead_days=float(median(leads)) if leads else None,
        sound_alerts_per_20_account_years=on_sound * _YEARS_20 / sound_days if sound_days else None,
        exposed_at_first_alert=_sum((currency, exposure) for _, exposure, currency in first.values()),
        exposed_at_event=_sum(
            (currency, known[account].exposure) for account, (_, _, currency) in first.items()
        ),
    )


def _by_regime(
    known: Mapping[str, _Truth],
    alerts: Sequence[_Alert],
    first: Mapping[str, tuple[dt.date, Decimal, str]],
    directions: Mapping[str, tuple[str, str]] | None,
) -> dict[str, Regime]:
    members: dict[str, set[str]] = defaultdict(set)
    for account, truth in known.items():
        members[truth.regime].add(account)
    alerted = {alert.account_id for alert in alerts if alert.raised <= known[alert.account_id].event}
    raised = Counter(alert.account_id for alert in alerts)
    regimes = {}
    for regime, accounts in sorted(members.items()):
        leads = [(known[account].event - first[account][0]).days for account in accounts if account in first]
        days = _observed(known[account] for account in accounts)
        regimes[regime] = Regime(
            accounts=len(accounts),
            alerted=len(accounts & alerted),
            bad=sum(known[account].bad for account in accounts),
            caught=len(leads),
            median_lead_days=float(median(leads)) if leads else None,
            alerts_per_20_account_years=(
                sum(raised[account] for account in accounts) * _YEARS_20 / days if days else None
            ),
            cut=_accounts(directions, "cut", accounts),
            held=_accounts(directions, "hold", accounts),
        )
    return regimes


def _proposed(
    directions: Mapping[str, tuple[str, str]] | None, direction: str, accounts: set[str]
) -> int | None:
    if directions is None:
        return None
    return sum(account in accounts and way == direction for account, way in directions.values())


def _accounts(
    directions: Mapping[str, tuple[str, str]] | None, direction: str, accounts: set[str]
) -> int | None:
    if directions is None:
        return None
    return len({account for account, way in directions.values() if way == direction} & accounts)


def _weeks(known: Mapping[str, _Truth], alerts: Sequence[_Alert]) -> list[tuple[str, int]] | None:
    spans = [truth.observed for truth in known.values() if truth.observed is not None]
    if len(spans) < len(known) or not spans:
        return None
    counts = Counter(_monday(alert.raised) for alert in alerts)
    week, last = _monday(min(first for first, _ in spans)), max(end for _, end in spans)
    weeks = []
    while week <= last:
        weeks.append((week.isoformat(), counts[week]))
        week += dt.timedelta(days=7)
    return weeks


def _monday(day: dt.date) -> dt.date:
    return day - dt.timedelta(days=day.weekday())


def _sum(amounts: Iterable[tuple[str, Decimal]]) -> Money:
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in amounts:
        totals[currency] += amount
    return {currency: f"{total:f}" for currency, total in sorted(totals.items())}


def as_dict(quality: Quality) -> dict[str, Any]:
    """The contract's `quality`: the overall figures on top, and all the rest beside them."""
    whole = asdict(quality)
    overall = whole.pop("overall")
    return {**overall, **whole}


def _lacking(error: Exception) -> str:
    return f"it has no {error.args[0]}" if isinstance(error, KeyError) else str(error)


def read_truths(path: Path) -> list[dict[str, Any]]:
    """The truths of a file, one JSON object a line. Refused, with the line number, when a line is none."""
    truths: list[dict[str, Any]] = []
    seen: set[str] = set()
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise Refused(f"--truth {path}: cannot be read ({error.strerror})") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            truth = orjson.loads(line)
            _truth(truth)
            account = str(truth["account_id"])
        except (ValueError, KeyError) as error:
            raise Refused(
                f"{path} line {number}: not a truth ({_lacking(error)}); wanted an object with "
                "account_id, bad, and for a bad account its event_date"
            ) from error
        if account in seen:
            raise Refused(f"{path} line {number}: account {account} is there twice; keep one line an account")
        seen.add(account)
        truths.append(truth)
    if not truths:
        raise Refused(f"--truth {path}: it holds no truth, one JSON object a line and account")
    return truths

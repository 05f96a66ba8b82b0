"""How good the alerts were: alerts held against the truth about the accounts. Pure, but for `read_truths`.

It knows the contract's records and nothing of policies, triggers or the simulator; any file of truths will do.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, Final

import orjson
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.errors import Refused

SEVERITY: Final = 3
"""Alerts below it are not judged: they inform, nobody is asked to act."""
EARLY_DAYS: Final = 30
"""How long before the onset an alert may stand and still count as a catch: agencies and newspapers can be first.
Longer would credit chance: an alert half a year before anything changed saw something else."""
UNKNOWN_ONSET_DAYS: Final = 365
"""Where a truth has no onset, the window in which an alert is a catch opens so many days before the event."""

Record = Mapping[str, Any]
Money = dict[str, str]  # currency -> decimal string; amounts in different currencies are never added up


@dataclass(frozen=True, slots=True)
class Scores:
    """The figures of all triggers together, or of one. None: nothing stands behind it; never 0 instead.

    An *alert* here is one `alert_id`, from the day on which it first had the severity judged (opened with it, or
    escalated to it) until it is cleared. The *window* of a bad account is onset - EARLY_DAYS to event_date, both
    included. An alert *catches* the account when it stands in the window, also when it was raised before
    and is not cleared yet; alerts raised after the event catch nothing.

    alerts                   how many were raised, over all accounts and all days, also after the events
    alerts_per_week_per_500  alerts / (days on which accounts were observed / 7) x 500
    alerted                  accounts with an alert; of bad ones only alerts raised by event_date count
    caught                   bad accounts caught
    recall                   caught / bad accounts
    recall_ahead             the same, but caught at least one day before the event
    precision                caught / alerted: the share of alerted accounts that turn bad, not of alerts
    precision_turning        the same with accounts that deteriorated and recovered without turning bad counted as right
    alert_precision          the share of the alerts raised by event_date that stand in the window of a bad account
    median_lead_days         over the caught: event_date - the day of the first catch, which is the first day of the
                             window for alerts that stood before it; an account caught on the day itself has lead 0
    exposed_at_first_alert   over the caught, by currency: exposure (of the alert record) when the first catch was
                             raised
    exposed_at_event         over the same accounts, by currency: open balance at the event (of the truth). Exposure is
                             net of securities and holds open orders, so the two differ by more than time
    """

    alerts: int
    alerts_per_week_per_500: float | None
    alerted: int
    caught: int
    recall: float | None
    recall_ahead: float | None
    precision: float | None
    precision_turning: float | None
    alert_precision: float | None
    median_lead_days: float | None
    exposed_at_first_alert: Money
    exposed_at_event: Money


@dataclass(frozen=True, slots=True)
class Regime:
    """One regime of the truth: how many accounts, alerted, bad, caught, and the median lead of those caught."""

    accounts: int
    alerted: int
    bad: int
    caught: int
    median_lead_days: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """The judgement of a book.

    `sound_alerts_per_20_account_years`: alerts raised on sound accounts (neither bad nor ever turning) / their years
    observed x 20. `sound_cuts` and `sound_holds`: proposals of that direction on sound accounts; None without
    proposals to look at. `exposed_missed`: open balances at the event of the bad accounts that nothing caught.
    `unjudged`: alerts on accounts that the truth does not know; they count nowhere else.
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
    sound_alerts_per_20_account_years: float | None
    sound_cuts: int | None
    sound_holds: int | None
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
    days: int | None  # observed


@dataclass(frozen=True, slots=True)
class _Alert:
    account_id: str
    trigger: str
    raised: dt.date
    cleared: dt.date  # later than any day while it stands
    exposure: Decimal
    currency: str

    def catch(self, truth: _Truth) -> dt.date | None:
        """The first day on which it stands in the window; None when it never does."""
        if self.raised > truth.event or self.cleared < truth.first:
            return None
        return max(self.raised, truth.first)


def judge(
    truths: Iterable[Record],
    alerts: Iterable[Record],
    proposals: Iterable[Record] | None = None,
    *,
    severity: int = SEVERITY,
    early_days: int = EARLY_DAYS,
) -> Quality:
    """Hold alert records (the contract's, all transitions, in the order of their emission) against truths.

    Truths are lines as `bellwether simulate` writes them; `onset`, `exposure_at_event`, `currency`, `observed_from`
    and `observed_to` may be missing or null: then what needs them is null (exposure: not counted). A truth
    without a currency takes that of the account's alerts.
    """
    known = {str(truth["account_id"]): _truth(truth, early_days) for truth in truths}
    raised = _episodes(alerts, severity)
    judged = [alert for alert in raised if alert.account_id in known]
    bad = {account: truth for account, truth in known.items() if truth.bad}
    sound = {account for account, truth in known.items() if not truth.bad and not truth.turning}
    spans = [truth.days for truth in known.values()]
    days = None if None in spans else sum(span for span in spans if span is not None)
    sound_spans = [known[account].days for account in sound]
    sound_days = None if None in sound_spans else sum(span for span in sound_spans if span is not None)

    by_trigger: dict[str, list[_Alert]] = defaultdict(list)
    for alert in judged:
        by_trigger[alert.trigger].append(alert)
    first = _first_catches(known, judged)
    sound_alerts = sum(alert.account_id in sound for alert in judged)
    directions = None
    if proposals is not None:
        directions = list(
            {p["proposal_id"]: p["direction"] for p in proposals if p["account_id"] in sound}.values()
        )
    return Quality(
        accounts=len(known),
        bad=len(bad),
        sound=len(sound),
        severity=severity,
        early_days=early_days,
        overall=_scores(known, judged, days),
        by_trigger={trigger: _scores(known, mine, days) for trigger, mine in sorted(by_trigger.items())},
        by_regime=_by_regime(known, judged, first),
        exposed_missed=_sum((t.currency, t.exposure) for account, t in bad.items() if account not in first),
        sound_alerts_per_20_account_years=sound_alerts * 20 * 365.25 / sound_days if sound_days else None,
        sound_cuts=None if directions is None else directions.count("cut"),
        sound_holds=None if directions is None else directions.count("hold"),
        unjudged=len(raised) - len(judged),
    )


_NEW: Final = (
    "proposed",
    "approved",
)  # a proposal's first record has one of these; a decision repeats the second
_NEVER: Final = dt.date.max


def _truth(record: Record, early_days: int) -> _Truth:
    bad = bool(record["bad"])
    onset = record.get("onset")
    event = dt.date.fromisoformat(record["event_date"]) if bad else _NEVER
    first = _NEVER
    if onset is not None:
        first = dt.date.fromisoformat(onset) - dt.timedelta(days=early_days)
    elif bad:
        first = event - dt.timedelta(days=UNKNOWN_ONSET_DAYS)
    start, end = record.get("observed_from"), record.get("observed_to")
    days = (dt.date.fromisoformat(end) - dt.date.fromisoformat(start)).days + 1 if start and end else None
    return _Truth(
        regime=str(record.get("regime") or "unknown"),
        bad=bad,
        turning=onset is not None,
        first=first,
        event=event,
        exposure=Decimal(record.get("exposure_at_event") or 0),
        currency=str(record.get("currency") or ""),
        days=days,
    )


def _episodes(records: Iterable[Record], severity: int) -> list[_Alert]:
    """One for each alert_id that reached the severity, in the order in which they did."""
    reached: dict[str, Record] = {}
    cleared: dict[str, dt.date] = {}
    for record in records:
        name, status = record["alert_id"], record["status"]
        if status in ("opened", "escalated") and record["severity"] >= severity:
            reached.setdefault(name, record)
        elif status == "cleared":
            cleared[name] = dt.date.fromisoformat(record["as_of"])
    return [
        _Alert(
            account_id=record["account_id"],
            trigger=record["trigger"],
            raised=dt.date.fromisoformat(record["as_of"]),
            cleared=cleared.get(name, _NEVER),
            exposure=Decimal(record.get("exposure") or 0),
            currency=str(record.get("currency") or ""),
        )
        for name, record in reached.items()
    ]


def _first_catches(
    known: Mapping[str, _Truth], alerts: Sequence[_Alert]
) -> dict[str, tuple[dt.date, _Alert]]:
    """Bad account -> the day of its first catch, and the alert."""
    first: dict[str, tuple[dt.date, _Alert]] = {}
    for alert in alerts:
        truth = known[alert.account_id]
        day = alert.catch(truth) if truth.bad else None
        if day is not None and (alert.account_id not in first or day < first[alert.account_id][0]):
            first[alert.account_id] = day, alert
    return first


def _scores(known: Mapping[str, _Truth], alerts: Sequence[_Alert], days: int | None) -> Scores:
    bad = sum(truth.bad for truth in known.values())
    before = [alert for alert in alerts if alert.raised <= known[alert.account_id].event]
    alerted = {alert.account_id for alert in before}
    first = _first_catches(known, alerts)
    leads = [(known[account].event - day).days for account, (day, _) in first.items()]
    turning = {a.account_id for a in before if known[a.account_id].turning and a.catch(known[a.account_id])}
    right = sum(known[a.account_id].bad and a.catch(known[a.account_id]) is not None for a in before)
    return Scores(
        alerts=len(alerts),
        alerts_per_week_per_500=len(alerts) / (days / 7) * 500 if days else None,
        alerted=len(alerted),
        caught=len(first),
        recall=len(first) / bad if bad else None,
        recall_ahead=sum(lead >= 1 for lead in leads) / bad if bad else None,
        precision=len(first) / len(alerted) if alerted else None,
        precision_turning=len(turning | first.keys()) / len(alerted) if alerted else None,
        alert_precision=right / len(before) if before else None,
        median_lead_days=float(median(leads)) if leads else None,
        exposed_at_first_alert=_sum((alert.currency, alert.exposure) for _, alert in first.values()),
        exposed_at_event=_sum(
            (known[account].currency or alert.currency, known[account].exposure)
            for account, (_, alert) in first.items()
        ),
    )


def _by_regime(
    known: Mapping[str, _Truth], alerts: Sequence[_Alert], first: Mapping[str, tuple[dt.date, _Alert]]
) -> dict[str, Regime]:
    members: dict[str, list[str]] = defaultdict(list)
    for account, truth in known.items():
        members[truth.regime].append(account)
    alerted = {alert.account_id for alert in alerts if alert.raised <= known[alert.account_id].event}
    regimes = {}
    for regime, accounts in sorted(members.items()):
        leads = [(known[account].event - first[account][0]).days for account in accounts if account in first]
        regimes[regime] = Regime(
            accounts=len(accounts),
            alerted=sum(account in alerted for account in accounts),
            bad=sum(known[account].bad for account in accounts),
            caught=len(leads),
            median_lead_days=float(median(leads)) if leads else None,
        )
    return regimes


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
            _truth(truth, EARLY_DAYS)
            account = truth["account_id"]
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise Refused(
                f"{path} line {number}: not a truth ({type(error).__name__}: {error}); wanted an object with "
                "account_id, bad, and for a bad account its event_date"
            ) from error
        if account in seen:
            raise Refused(f"{path} line {number}: account {account} is there twice; keep one line an account")
        seen.add(account)
        truths.append(truth)
    return truths


def table(quality: Quality) -> RenderableType:
    """The judgement for a terminal: one row for all alerts, one a trigger, then the regimes."""
    scores = Table(
        title=f"Alerts of severity {quality.severity} and more, against the truth", title_justify="left"
    )
    for name in (
        "trigger",
        "alerts",
        "a week per 500",
        "accounts",
        "caught",
        "recall",
        "precision",
        "lead, days",
    ):
        scores.add_column(name, justify="left" if name == "trigger" else "right")
    scores.add_column("exposed at first alert", justify="right")
    scores.add_column("at the event", justify="right")
    rows = [("all", quality.overall), *quality.by_trigger.items()]
    for place, (name, row) in enumerate(rows):
        scores.add_row(
            name,
            f"{row.alerts:,}",
            _shown(row.alerts_per_week_per_500, "{:.2f}"),
            f"{row.alerted:,}",
            f"{row.caught:,}",
            _shown(row.recall, "{:.0%}"),
            _shown(row.precision, "{:.0%}"),
            _shown(row.median_lead_days, "{:.0f}"),
            _money(row.exposed_at_first_alert),
            _money(row.exposed_at_event),
            end_section=place == 0,
        )
    regimes = Table(title="By what became of them", title_justify="left")
    for name in ("regime", "accounts", "alerted", "bad", "caught", "lead, days"):
        regimes.add_column(name, justify="left" if name == "regime" else "right")
    for name, regime in quality.by_regime.items():
        regimes.add_row(
            name,
            f"{regime.accounts:,}",
            f"{regime.alerted:,}",
            f"{regime.bad:,}",
            f"{regime.caught:,}",
            _shown(regime.median_lead_days, "{:.0f}"),
        )
    overall = quality.overall
    words = (
        f"{quality.bad:,} of {quality.accounts:,} accounts turned bad. Caught at least a day ahead: "
        f"{_shown(overall.recall_ahead, '{:.0%}')}. Alerts that concerned them: "
        f"{_shown(overall.alert_precision, '{:.0%}')}. Alerts per 20 years of a sound account: "
        f"{_shown(quality.sound_alerts_per_20_account_years, '{:.2f}')}. Never caught, open at the event: "
        f"{_money(quality.exposed_missed)}."
    )
    return Group(scores, regimes, Text(words))


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)


def _money(amounts: Money) -> str:
    return (
        ", ".join(f"{Decimal(amount):,.0f} {currency}".strip() for currency, amount in amounts.items()) or "-"
    )

"""A judgement, or two beside one another, as tables of 80 columns for a terminal.

What the figures mean is quality.py.
"""

from __future__ import annotations

from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.quality import Money, Quality

TARGETS = (
    "What is aimed at: recall 95 % or more, precision 60 % or more, median lead 45 days or more, at most 10 alerts a "
    "week per 500 accounts; sound accounts at most 1 alert in 20 years, no cut, no hold."
)


def table(quality: Quality) -> RenderableType:
    """One row for all alerts and one a trigger, the money, the regimes, and what is to be said of sound accounts."""
    rows = [("all", quality.overall), *quality.by_trigger.items()]
    scores = _table(
        f"Alerts of severity {quality.severity} and more, against the truth",
        ("trigger", "alerts", "week", "accts", "caught", "recall", "chance", "prec.", "lead"),
    )
    money = _table("Exposed, of the accounts caught", ("trigger", "at the first alert", "at the event"))
    for place, (name, row) in enumerate(rows):
        scores.add_row(
            name,
            f"{row.alerts:,}",
            shown(row.alerts_per_week_per_500, "{:.2f}"),
            f"{row.alerted:,}",
            f"{row.caught:,}",
            shown(row.recall, "{:.0%}"),
            shown(row.recall_by_chance, "{:.0%}"),
            shown(row.precision, "{:.0%}"),
            shown(row.median_lead_days, "{:.0f}"),
            end_section=place == 0,
        )
        if row.caught:
            money.add_row(
                name, _money(row.exposed_at_first_alert), _money(row.exposed_at_event), end_section=place == 0
            )
    regimes = _table(
        "By what became of them",
        ("regime", "accts", "alerted", "bad", "caught", "lead", "in 20 years", "cut", "held"),
    )
    for name, regime in quality.by_regime.items():
        regimes.add_row(
            name,
            f"{regime.accounts:,}",
            f"{regime.alerted:,}",
            f"{regime.bad:,}",
            f"{regime.caught:,}",
            shown(regime.median_lead_days, "{:.0f}"),
            shown(regime.alerts_per_20_account_years, "{:.1f}"),
            shown(regime.cut, "{:,}"),
            shown(regime.held, "{:,}"),
        )
    legend = (
        "week: alerts a week per 500 accounts. accts: accounts alerted. chance: the recall of alerts at random, as "
        "frequent as on sound accounts. prec.: accounts caught / accounts alerted. lead: median days from the first alert "
        "to the event. in 20 years: alerts in 20 years of an account. cut, held: accounts for which that was proposed."
    )
    overall = quality.overall
    words = (
        f"{quality.bad:,} of {quality.accounts:,} accounts turned bad. Caught at least a day ahead: "
        f"{shown(overall.recall_ahead, '{:.0%}')}. Of the alerts, those that concerned them: "
        f"{shown(overall.alert_precision, '{:.0%}')}. Never caught, open at the event: "
        f"{_money(quality.exposed_missed, ', ')}. {quality.sound:,} accounts stayed sound: "
        f"{shown(quality.sound_alerts_per_20_account_years, '{:.2f}')} alerts in 20 years of one, "
        f"{shown(quality.sound_cuts, '{:,}')} cuts proposed for {shown(quality.sound_accounts_cut, '{:,}')} of them, "
        f"{shown(quality.sound_holds, '{:,}')} holds for {shown(quality.sound_accounts_held, '{:,}')}."
    )
    if quality.unjudged:
        words += (
            f" {quality.unjudged:,} more alerts are on accounts that the truth does not name: not judged."
        )
    return Group(scores, Text(legend), Text(), money, regimes, Text(words), Text(TARGETS))


def beside(first: Quality, second: Quality, names: tuple[str, str]) -> RenderableType:
    """The figures of two policies over the same book."""
    shown_ = _table("Against the truth", ("figure", *names))
    one, two = first.overall, second.overall
    for name, form, a, b in (
        ("recall", "{:.0%}", one.recall, two.recall),
        ("recall by chance", "{:.0%}", one.recall_by_chance, two.recall_by_chance),
        ("precision", "{:.0%}", one.precision, two.precision),
        ("median lead, days", "{:.0f}", one.median_lead_days, two.median_lead_days),
        ("alerts a week per 500", "{:.2f}", one.alerts_per_week_per_500, two.alerts_per_week_per_500),
        (
            "in 20 years of a sound account",
            "{:.2f}",
            first.sound_alerts_per_20_account_years,
            second.sound_alerts_per_20_account_years,
        ),
        ("cuts on sound accounts", "{:,}", first.sound_cuts, second.sound_cuts),
        ("holds on sound accounts", "{:,}", first.sound_holds, second.sound_holds),
    ):
        shown_.add_row(name, shown(a, form), shown(b, form))
    return shown_


def _table(title: str, columns: tuple[str, ...]) -> Table:
    made = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 0, 0, 0))
    for place, name in enumerate(columns):
        made.add_column(name, justify="right" if place else "left", no_wrap=not place)
    return made


def shown(value: float | None, form: str) -> str:
    """A figure as text; nothing behind it: a dash."""
    return "-" if value is None else form.format(value)


def _money(amounts: Money, between: str = "\n") -> str:
    return (
        between.join(f"{Decimal(amount):,.0f} {currency}".strip() for currency, amount in amounts.items())
        or "-"
    )

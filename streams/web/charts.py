"""Rows of the store as charts: the numbers that the browser draws, and the sentences that say the same without a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from streams.web import words
from streams.web.queries import Row

Chart = dict[str, Any]
"""What static/page.js draws: x in seconds, one list of numbers or nulls a series, marks along the bottom."""

BUCKETS: Final = (
    ("current", "Not due yet"),
    ("d1_30", "1 to 30 days"),
    ("d31_60", "31 to 60 days"),
    ("d61_90", "61 to 90 days"),
    ("d91", "91 days and more"),
)
"""Ageing bucket -> how long past due, as people say it."""


ROWS_SHOWN: Final = 60
"""Rows of the table beside a chart, at most."""


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _number(value: Any) -> float | None:
    return None if value is None else round(float(value), 4)


def chart(rows: Sequence[Row], x: str, series: Iterable[tuple[str, str, str]], unit: str) -> Chart:
    """A chart of columns of `rows` over the day in column `x`; a series is (column, label, style)."""
    return {
        "x": [_seconds(row[x]) for row in rows],
        "unit": unit,
        "series": [
            {"label": label, "style": style, "values": [_number(row[column]) for row in rows]}
            for column, label, style in series
        ],
        "marks": [],
    }


def trend(rows: Sequence[Row], currency: str | None) -> tuple[Chart, Chart]:
    """The book by week: amounts, and weighted days to pay."""
    amounts = chart(
        rows, "week", (("exposure", "Exposure", "main"), ("past_due", "Past due", "bad")), currency or ""
    )
    return amounts, chart(rows, "week", (("dtp", "Days to pay", "main"),), "days")


def account(rows: Sequence[Row], markers: Sequence[Row], currency: str | None) -> tuple[Chart, Chart]:
    """One account by day: balance against limit, and days to pay, both with the same marks beneath."""
    balance = chart(
        rows,
        "as_of",
        (
            ("exposure", "Exposure", "main"),
            ("open_balance", "Open balance", "thin"),
            ("credit_limit", "Limit", "limit"),
        ),
        currency or "",
    )
    days = chart(
        rows,
        "as_of",
        (
            ("dtp_90d", "Days to pay", "main"),
            ("dtp_baseline", "Usual", "limit"),
            ("dbt_90d", "Days beyond terms", "bad"),
        ),
        "days",
    )
    marks = [
        {
            "x": _seconds(row["day"]),
            "lane": lane(row["kind"]),
            "severity": row["severity"],
            "text": f"{words.day(row['day'])}: {_told(row)}",
        }
        for row in markers
    ]
    balance["marks"] = days["marks"] = marks
    return balance, days


LANES: Final = ("alerts", "outside", "payments", "invoices", "other")
"""The rows of marks beneath an account's charts."""


def lane(kind: str) -> int:
    """The row in which a kind of event is marked."""
    if kind == "alert":
        return 0
    family = kind.partition(".")[0]
    return {"bureau": 1, "news": 1, "screening": 1, "payment": 2, "invoice": 3, "dispute": 3}.get(family, 4)


def _told(row: Mapping[str, Any]) -> str:
    if row["kind"] == "alert":
        return f"alert of severity {row['severity']}: {'; '.join(row['names'])}"
    return f"{row['number']} × {words.words(row['kind'])}"


def says_trend(rows: Sequence[Row], currency: str | None) -> str:
    """The weekly charts in a sentence: from where to where."""
    known = [row for row in rows if row["exposure"]]
    if len(known) < 2:
        return "There are too few weeks for a trend yet."
    first, last = known[0], known[-1]
    text = (
        f"From the week of {words.day(first['week'])} to that of {words.day(last['week'])} exposure went from "
        f"{words.short(first['exposure'], currency)} to {words.short(last['exposure'], currency)}, past due from "
        f"{words.short(first['past_due'], currency)} to {words.short(last['past_due'], currency)}"
    )
    paid = [row for row in known if row["dtp"] is not None]
    if len(paid) > 1:
        text += f", days to pay from {words.number(paid[0]['dtp'])} to {words.number(paid[-1]['dtp'])}"
    return f"{text}."


def says_account(rows: Sequence[Row], currency: str | None) -> str:
    """An account's charts in a sentence."""
    if len(rows) < 2:
        return "There are too few days of figures for a chart yet."
    first, last = rows[0], rows[-1]
    text = (
        f"From {words.day(first['as_of'])} to {words.day(last['as_of'])} exposure went from "
        f"{words.whole(first['exposure'], currency)} to {words.whole(last['exposure'], currency)}"
    )
    limit = last["credit_limit"]
    text += (
        f" against a limit of {words.whole(limit, currency)}" if limit is not None else ", without a limit"
    )
    paid = [row for row in rows if row["dtp_90d"] is not None]
    if len(paid) > 1:
        text += (
            f"; days to pay from {words.number(paid[0]['dtp_90d'])} to {words.number(paid[-1]['dtp_90d'])}"
        )
    return f"{text}."


def bars(values: Sequence[tuple[str, Any]]) -> list[Row]:
    """(label, amount) as bars: their width in percent of the greatest, and their share of the sum."""
    amounts = [max(0.0, float(value or 0)) for _, value in values]
    most, total = max(amounts, default=0) or 1, sum(amounts) or 1
    return [
        {"label": label, "value": value, "width": round(100 * amount / most, 1), "share": amount / total}
        for (label, value), amount in zip(values, amounts, strict=True)
    ]


def ageing(row: Mapping[str, Any], suffix: str = "") -> list[Row]:
    """The ageing table of a row as bars."""
    return bars([(label, row[f"ageing_{name}{suffix}"]) for name, label in BUCKETS])


def thinned(rows: Sequence[Row]) -> list[Row]:
    """At most ROWS_SHOWN of the rows, evenly chosen, the last one among them: for the table beside a chart."""
    step = max(1, -(-len(rows) // ROWS_SHOWN))
    return list(rows[::-1][::step])[::-1]

"""The judgement of alerts, on tables small enough to count by hand."""

from __future__ import annotations

import datetime as dt
import io
import math
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from streams.errors import Refused
from streams.quality import as_dict, judge, read_truths
from streams.quality_table import table

Record = dict[str, Any]


def truth(
    account: str,
    event: str | None = None,
    onset: str | None = None,
    exposure: str | None = None,
    regime: str = "prompt",
    **more: object,
) -> Record:
    line: Record = {"account_id": account, "regime": regime, "bad": event is not None, "onset": onset}
    line |= {"event_date": event, "exposure_at_event": exposure, "currency": "USD"}
    return line | {"observed_from": "2024-01-01", "observed_to": "2024-12-29"} | more  # 52 weeks


def alert(
    account: str,
    as_of: str,
    severity: int = 3,
    trigger: str = "payment_drift",
    status: str = "opened",
    exposure: str = "100.00",
    number: int = 1,
    currency: str = "USD",
) -> Record:
    record: Record = {"alert_id": f"{account}/{trigger}/{number}", "account_id": account, "trigger": trigger}
    record |= {"severity": severity, "status": status, "as_of": as_of, "exposure": exposure}
    return record | {"currency": currency}


BAD = truth("A", event="2024-08-01", onset="2024-03-01", exposure="900.00", regime="drift")
WORSE = truth("B", event="2024-09-01", onset="2024-08-20", exposure="50.50", regime="fail")
SOUND = truth("C")
WOBBLED = truth("D", onset="2024-05-01", regime="recover")
BOOK = [BAD, WORSE, SOUND, WOBBLED]


def test_every_figure_of_a_small_book() -> None:
    quality = judge(
        BOOK,
        [
            alert("A", "2024-06-01", exposure="500.00"),  # 61 days ahead
            alert("A", "2024-06-11", trigger="over_limit", severity=4),
            alert("C", "2024-06-11"),
            alert("D", "2024-06-11"),
            alert("B", "2024-10-01"),  # a month too late
        ],
    )
    all_ = quality.overall
    assert (quality.accounts, quality.bad, quality.sound) == (4, 2, 1)
    assert (all_.alerts, all_.alerted, all_.caught) == (5, 3, 1)
    assert all_.recall == 1 / 2
    assert all_.recall_ahead == 1 / 2
    assert all_.precision == 1 / 3
    assert all_.precision_turning == 2 / 3
    assert all_.alert_precision == 2 / 4
    assert all_.median_lead_days == 61.0
    assert all_.alerts_per_week_per_500 == pytest.approx(5 / (4 * 52) * 500)
    assert all_.exposed_at_first_alert == {"USD": "500.00"}
    assert all_.exposed_at_event == {"USD": "900.00"}
    assert quality.exposed_missed == {"USD": "50.50"}
    assert quality.sound_alerts_per_20_account_years == pytest.approx(20 * 365.25 / 364)
    assert list(quality.by_trigger) == ["over_limit", "payment_drift"]
    assert quality.by_trigger["over_limit"].recall == 1 / 2
    assert quality.by_trigger["over_limit"].precision == 1.0
    assert quality.by_trigger["over_limit"].median_lead_days == 51.0
    assert quality.by_trigger["payment_drift"].precision == 1 / 3
    drift, recover = quality.by_regime["drift"], quality.by_regime["recover"]
    assert (drift.accounts, drift.alerted, drift.bad, drift.caught) == (1, 1, 1, 1)
    assert (recover.accounts, recover.alerted, recover.bad, recover.caught) == (1, 1, 0, 0)
    assert quality.by_regime["fail"].median_lead_days is None


def test_without_alerts_what_has_nothing_behind_it_is_null_and_recall_is_nought() -> None:
    quality = judge(BOOK, [])
    all_ = quality.overall
    assert (all_.recall, all_.recall_ahead, all_.alerts_per_week_per_500) == (0.0, 0.0, 0.0)
    assert all_.precision is None
    assert all_.alert_precision is None
    assert all_.median_lead_days is None
    assert quality.by_trigger == {}
    assert quality.exposed_missed == {"USD": "950.50"}


def test_without_a_bad_account_recall_is_null_and_precision_is_nought() -> None:
    all_ = judge([SOUND], [alert("C", "2024-06-01")]).overall
    assert all_.recall is None
    assert all_.recall_ahead is None
    assert all_.precision == 0.0
    assert all_.median_lead_days is None


def test_an_empty_book_has_no_figures() -> None:
    all_ = judge([], []).overall
    assert (all_.recall, all_.precision, all_.alerts_per_week_per_500) == (None, None, None)


@pytest.mark.parametrize(
    ("as_of", "caught", "ahead", "alerted"),
    [
        ("2024-01-30", 0, 0, 1),  # the day before the window: a false alarm
        ("2024-01-31", 1, 1, 1),  # 30 days before the onset
        ("2024-07-31", 1, 1, 1),
        ("2024-08-01", 1, 0, 1),  # the day itself: caught, not ahead
        ("2024-08-02", 0, 0, 0),  # after it: nothing
    ],
)
def test_the_window_is_from_30_days_before_the_onset_to_the_event(
    as_of: str, caught: int, ahead: int, alerted: int
) -> None:
    all_ = judge([BAD], [alert("A", as_of)]).overall
    assert (all_.caught, all_.recall_ahead, all_.alerted) == (caught, ahead, alerted)


def test_an_alert_that_was_told_before_the_window_and_merely_stands_catches_nothing() -> None:
    standing = [alert("A", "2024-01-05")]
    all_ = judge([BAD], standing).overall
    assert (all_.alerted, all_.caught, all_.precision) == (1, 0, 0.0)
    again = alert("A", "2024-02-10", status="escalated", exposure="320.00")
    all_ = judge([BAD], [*standing, again]).overall
    assert (all_.alerts, all_.caught) == (1, 1)
    assert all_.median_lead_days == (dt.date(2024, 8, 1) - dt.date(2024, 2, 10)).days
    assert all_.exposed_at_first_alert == {"USD": "320.00"}


def test_chance_is_what_alerts_as_frequent_as_on_sound_accounts_would_catch() -> None:
    noise = [alert("C", f"2024-{month:02}-01", number=month) for month in range(1, 8)]
    quality = judge(BOOK, noise)
    rate = 7 / 364
    windows = [(dt.date(2024, 8, 1) - dt.date(2024, 1, 31)).days + 1, 30 + 12 + 1]
    expected = sum(1 - math.exp(-rate * days) for days in windows) / 2
    assert quality.overall.recall == 0.0
    assert quality.overall.recall_by_chance == pytest.approx(expected)
    assert judge([BAD, WORSE], noise).overall.recall_by_chance is None  # nothing sound to tell the rate by


def test_who_was_caught_how_early_and_who_was_missed_is_named() -> None:
    quality = judge(BOOK, [alert("A", "2024-06-01"), alert("C", "2024-06-03")])
    assert quality.leads == {"A": 61}
    assert quality.missed == ["B"]


def test_the_load_is_counted_by_week_from_monday() -> None:
    quality = judge(BOOK, [alert("A", "2024-06-02"), alert("C", "2024-06-03"), alert("D", "2024-06-09")])
    assert quality.weeks is not None
    weeks = dict(quality.weeks)
    assert (weeks["2024-05-27"], weeks["2024-06-03"], weeks["2024-06-10"]) == (1, 2, 0)
    assert (len(weeks), min(weeks), max(weeks)) == (52, "2024-01-01", "2024-12-23")
    assert sum(weeks.values()) == quality.overall.alerts
    assert judge([{**SOUND, "observed_to": None}], []).weeks is None
    longer = judge([SOUND, {**BAD, "observed_from": "2023-12-31", "observed_to": "2025-01-06"}], []).weeks
    assert longer is not None
    assert (longer[0], longer[-1]) == (("2023-12-25", 0), ("2025-01-06", 0))


def test_an_alert_counts_from_the_record_that_reaches_the_severity() -> None:
    records = [
        alert("A", "2024-06-01", severity=2),
        alert("A", "2024-07-02", severity=4, status="escalated", exposure="700.00"),
        alert("A", "2024-07-12", severity=5, status="escalated"),
    ]
    all_ = judge([BAD], records).overall
    assert (all_.alerts, all_.median_lead_days) == (1, 30.0)
    assert all_.exposed_at_first_alert == {"USD": "700.00"}
    assert judge([BAD], records[:1]).overall.alerts == 0


def test_one_alert_counts_once_whatever_people_do_with_it() -> None:
    records = [
        alert("A", "2024-06-01"),
        alert("A", "2024-06-02", status="acknowledged"),
        alert("A", "2024-06-03", status="opened"),  # emitted again when the policy went live
        alert("A", "2024-06-04", status="cleared"),
        alert("A", "2024-07-04", number=2),
    ]
    assert judge([BAD], records).overall.alerts == 2


def test_a_bad_account_of_unknown_onset_has_a_window_of_a_year() -> None:
    unknown = {**BAD, "onset": None}
    assert (
        judge([unknown], [alert("A", "2023-08-02"), alert("A", "2023-08-03", number=2)]).overall.caught == 1
    )
    early = [alert("A", "2023-08-01")]
    assert judge([unknown], early).overall.caught == 0


def test_money_of_different_currencies_is_not_added_up() -> None:
    euro = truth("E", event="2024-08-01", onset="2024-03-01", exposure="10.00", currency="EUR")
    records = [alert("A", "2024-06-01"), alert("E", "2024-06-01", exposure="7.50", currency="EUR")]
    all_ = judge([BAD, euro], records).overall
    assert all_.exposed_at_first_alert == {"EUR": "7.50", "USD": "100.00"}
    assert all_.exposed_at_event == {"EUR": "10.00", "USD": "900.00"}


def test_a_truth_without_a_currency_takes_that_of_its_alerts() -> None:
    unknown = {name: value for name, value in BAD.items() if name != "currency"}
    all_ = judge([unknown], [alert("A", "2024-06-01", currency="EUR")]).overall
    assert (all_.exposed_at_first_alert, all_.exposed_at_event) == ({"EUR": "100.00"}, {"EUR": "900.00"})


def test_truths_that_do_not_say_how_long_they_were_observed_give_no_load() -> None:
    short = {name: value for name, value in BAD.items() if not name.startswith("observed")}
    quality = judge([short, SOUND], [alert("A", "2024-06-01")])
    assert quality.overall.alerts_per_week_per_500 is None
    assert quality.overall.recall == 1.0
    assert quality.sound_alerts_per_20_account_years == 0.0


def test_alerts_on_accounts_that_the_truth_does_not_know_are_counted_apart() -> None:
    quality = judge([BAD], [alert("Z", "2024-06-01")])
    assert (quality.unjudged, quality.overall.alerts) == (1, 0)


def test_cuts_and_holds_of_sound_accounts_are_counted_once_each() -> None:
    def proposal(account: str, direction: str, status: str = "proposed", number: int = 1) -> Record:
        name = f"{account}/{direction}/{number}"
        return {"proposal_id": name, "account_id": account, "direction": direction, "status": status}

    records = [
        proposal("C", "cut"),
        proposal("C", "cut", "approved"),
        proposal("C", "hold", number=2),
        proposal("C", "raise"),
        proposal("A", "cut"),
        proposal("B", "cut"),
        proposal("B", "hold"),
        proposal("D", "hold"),  # it did turn
    ]
    quality = judge(BOOK, [], records)
    assert (quality.sound_cuts, quality.sound_holds) == (1, 1)
    assert (quality.sound_accounts_cut, quality.sound_accounts_held) == (1, 1)
    assert (quality.by_regime["drift"].cut, quality.by_regime["recover"].held) == (1, 1)
    assert judge(BOOK, []).sound_cuts is None


def test_the_answer_is_json_with_the_contracts_names_on_top() -> None:
    answer = orjson.loads(orjson.dumps(as_dict(judge(BOOK, [alert("A", "2024-06-01")]))))
    for name in ("recall", "precision", "median_lead_days", "alerts_per_week_per_500"):
        assert name in answer
        assert name in answer["by_trigger"]["payment_drift"]


def test_the_table_shows_nulls_as_a_dash_and_every_trigger_in_80_columns() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    records = [
        alert("A", "2024-06-01", exposure="1234567890.00"),
        alert("C", "2024-06-01", trigger="exposure_without_limit"),
    ]
    console.print(table(judge(BOOK, records)))
    lines = console.export_text().splitlines()
    assert max(len(line) for line in lines) <= 80
    row = next(line for line in lines if line.strip().startswith("exposure_without_limit"))
    assert row.split() == ["exposure_without_limit", "1", "2.40", "1", "0", "0%", "25%", "0%", "-"]
    assert any("1,234,567,890 USD" in line for line in lines)
    assert any("2 of 4 accounts turned bad" in line for line in lines)


def test_truths_are_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "book.truth.jsonl"
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in BOOK))
    assert read_truths(path) == BOOK


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1"),
        ("[1]", "line 1"),
        ('{"account_id": "A"}', "bad"),
        ('{"account_id": "A", "bad": true, "event_date": null}', "event_date"),
        (
            '{"account_id": "A", "bad": true, "event_date": "1/2/2024"}',
            "event_date: write the day as YYYY-MM-DD",
        ),
        ('{"account_id": "A", "bad": true, "event_date": "0001-02-03"}', "event_date: write the day as"),
        ('{"account_id": "A", "bad": "false"}', "bad: write true or false, not 'false'"),
        (
            '{"account_id": "A", "bad": true, "event_date": "2024-02-01", "onset": "2024-02-02"}',
            "onset is after",
        ),
        (
            '{"account_id": "A", "bad": false, "exposure_at_event": "12,50"}',
            "exposure_at_event: write an amount",
        ),
        (
            '{"account_id": "A", "bad": false, "exposure_at_event": "NaN"}',
            "exposure_at_event: write an amount",
        ),
        (
            '{"account_id": "A", "bad": false, "observed_from": "2024-02-02", "observed_to": "2024-02-01"}',
            "observed_to is before",
        ),
        ('{"account_id": 7, "bad": false}\n{"account_id": "7", "bad": false}', "account 7 is there twice"),
        ("\n", "it holds no truth"),
        ('{"account_id": "A", "bad": false}\n{"account_id": "A", "bad": false}', "line 2"),
    ],
)
def test_a_line_that_is_no_truth_is_refused_with_its_number(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "book.truth.jsonl"
    path.write_text(text)
    with pytest.raises(Refused, match=says):
        read_truths(path)


def test_a_missing_file_of_truths_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="--truth"):
        read_truths(tmp_path / "none.jsonl")

"""The four Grafana dashboards: what each panel asks and shows. `python deploy/grafana/build.py` writes dashboards/*.json.

Nothing is laid out by hand: panels flow from left to right in rows. Edit here, never the JSON; a test compares the two.
"""

# ruff: noqa: S608 - the statements are put together from constants; what a viewer chooses is quoted by Grafana

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

FOLDER: Final = Path(__file__).resolve().parent / "dashboards"
STORE: Final = {"type": "grafana-clickhouse-datasource", "uid": "bellwether-clickhouse"}
METRICS: Final = {"type": "prometheus", "uid": "bellwether-prometheus"}
WIDTH: Final = 24  # columns of Grafana's grid

Kind = Literal["stat", "timeseries", "bars", "table", "barchart"]


@dataclass(frozen=True)
class Panel:
    """One panel. `sql` asks the store, `promql` (legend -> expression) Prometheus: one of the two.

    `unit` is Grafana's; a table's `units` are of its columns. `width` and `height` are in grid units.
    """

    title: str
    kind: Kind
    description: str
    sql: str = ""
    promql: dict[str, str] = field(default_factory=dict)
    unit: str = "short"
    units: dict[str, str] = field(default_factory=dict)
    width: int = 12
    height: int = 8
    stacked: bool = False


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; the panels in the order of reading. `variable`: name and the query of its values."""

    uid: str
    title: str
    description: str
    since: str
    refresh: str
    panels: tuple[Panel, ...]
    variable: tuple[str, str] | None = None


NEWEST_WEEK = "week = (SELECT max(week) FROM portfolio_weekly)"
ACCOUNT = "account_id = ${account:sqlstring}"

PORTFOLIO = Dashboard(
    "bellwether-portfolio",
    "Portfolio",
    "The whole book in base currency: exposure, ageing, days to pay, concentration, and the accounts to look at first.",
    "now-1y",
    "1m",
    (
        Panel(
            "Exposure", "stat", "Of the whole book, in base currency, as of the newest week.",
            f"SELECT toFloat64(sum(exposure)) AS exposure FROM portfolio_weekly WHERE {NEWEST_WEEK}",
            width=6, height=4,
        ),
        Panel(
            "Past due", "stat", "Share of the open amounts that is past its due date, less what is disputed.",
            f"SELECT toFloat64(sum(past_due)) / nullIf(toFloat64(sum(ageing_current) + sum(past_due)), 0) AS share "
            f"FROM portfolio_weekly WHERE {NEWEST_WEEK}",
            unit="percentunit", width=6, height=4,
        ),
        Panel(
            "Days to pay", "stat", "Of the last 90 days, weighted by what was paid.",
            f"SELECT sum(days_to_pay * toFloat64(paid)) / nullIf(toFloat64(sumIf(paid, days_to_pay IS NOT NULL)), 0) AS days "
            f"FROM portfolio_weekly WHERE {NEWEST_WEEK}",
            unit="d", width=6, height=4,
        ),
        Panel(
            "Without an exchange rate", "stat", "Accounts that are in none of the sums because their currency has no rate.",
            f"SELECT sum(without_rate) AS accounts FROM portfolio_weekly WHERE {NEWEST_WEEK}",
            width=6, height=4,
        ),
        Panel(
            "Exposure by tier", "timeseries", "Each account counts with its newest figures until it has newer ones.",
            "SELECT toDateTime(week) AS time, tier, toFloat64(sum(exposure)) AS exposure FROM portfolio_weekly "
            "WHERE $__dateFilter(week) GROUP BY time, tier ORDER BY time, tier",
            stacked=True,
        ),
        Panel(
            "Ageing", "timeseries", "Open amounts by days past due, less what is disputed; the due day itself is current.",
            "SELECT toDateTime(week) AS time, toFloat64(sum(ageing_current)) AS current, "
            "toFloat64(sum(ageing_d1_30)) AS \"1 to 30\", toFloat64(sum(ageing_d31_60)) AS \"31 to 60\", "
            "toFloat64(sum(ageing_d61_90)) AS \"61 to 90\", toFloat64(sum(ageing_d91)) AS \"91 and more\" "
            "FROM portfolio_weekly WHERE $__dateFilter(week) GROUP BY time ORDER BY time",
            stacked=True,
        ),
        Panel(
            "Days to pay by tier", "timeseries", "Of the 90 days before, weighted by what was paid in them.",
            "SELECT toDateTime(week) AS time, tier, "
            "sum(days_to_pay * toFloat64(paid)) / nullIf(toFloat64(sumIf(paid, days_to_pay IS NOT NULL)), 0) AS days "
            "FROM portfolio_weekly WHERE $__dateFilter(week) GROUP BY time, tier ORDER BY time, tier",
            unit="d",
        ),
        Panel(
            "Accounts by tier", "timeseries", "none: not scored yet.",
            "SELECT toDateTime(week) AS time, tier, sum(accounts) AS accounts FROM portfolio_weekly "
            "WHERE $__dateFilter(week) GROUP BY time, tier ORDER BY time, tier",
            stacked=True,
        ),
        Panel(
            "The 50 worst accounts now", "table", "By the gravest open alert, then by what is more than 90 days past due.",
            "SELECT account_id, account_name, status, tier, grade, worst_severity, worst_title, open_alerts, exposure_base, "
            "past_due, past_due_91, utilization, dtp_90d, dtp_baseline, as_of FROM accounts "
            "ORDER BY worst_severity DESC, past_due_91 DESC NULLS LAST, exposure_base DESC NULLS LAST LIMIT 50",
            units={"utilization": "percentunit", "dtp_90d": "d", "dtp_baseline": "d"}, width=24, height=12,
        ),
        Panel(
            "Concentration", "table", "The ten largest accounts, each one's share of the book and the share up to there.",
            "SELECT place, account_id, account_name, tier, exposure_base, share, share_up_to_here FROM concentration "
            "WHERE place <= 10 ORDER BY place",
            units={"share": "percentunit", "share_up_to_here": "percentunit"}, width=24, height=9,
        ),
    ),
)  # fmt: skip

ONE_ACCOUNT = Dashboard(
    "bellwether-account",
    "Account",
    "One customer account: its balance against its limit, how it pays, its alerts, proposals, decisions and events.",
    "now-1y",
    "1m",
    (
        Panel(
            "Now", "table", "The newest figures and the status that sales see.",
            "SELECT account_name, status, tier, grade, score, open_alerts, worst_title, currency, exposure, credit_limit, "
            f"headroom, utilization, as_of FROM accounts WHERE {ACCOUNT}",
            units={"utilization": "percentunit"}, width=24, height=4,
        ),
        Panel(
            "Exposure against the limit", "timeseries", "In the account's currency, as of each day on which figures moved.",
            "SELECT toDateTime(as_of) AS time, toFloat64(exposure) AS exposure, toFloat64(credit_limit) AS \"credit limit\", "
            f"toFloat64(past_due) AS \"past due\" FROM snapshots WHERE {ACCOUNT} AND $__dateFilter(as_of) "
            "ORDER BY time, offset",
        ),
        Panel(
            "Days to pay", "timeseries", "Weighted by amount, over 30 and 90 days, and the baseline they are held against.",
            "SELECT toDateTime(as_of) AS time, dtp_30d AS \"30 days\", dtp_90d AS \"90 days\", dtp_baseline AS baseline, "
            f"dbt_90d AS \"beyond terms\" FROM snapshots WHERE {ACCOUNT} AND $__dateFilter(as_of) ORDER BY time, offset",
            unit="d",
        ),
        Panel(
            "Ageing", "timeseries", "Open amounts by days past due, less what is disputed.",
            "SELECT toDateTime(as_of) AS time, toFloat64(ageing_current) AS current, toFloat64(ageing_d1_30) AS \"1 to 30\", "
            "toFloat64(ageing_d31_60) AS \"31 to 60\", toFloat64(ageing_d61_90) AS \"61 to 90\", "
            "toFloat64(ageing_d91) AS \"91 and more\" "
            f"FROM snapshots WHERE {ACCOUNT} AND $__dateFilter(as_of) ORDER BY time, offset",
            stacked=True,
        ),
        Panel(
            "Utilization", "timeseries", "Exposure as a share of the limit.",
            f"SELECT toDateTime(as_of) AS time, utilization FROM snapshots WHERE {ACCOUNT} AND $__dateFilter(as_of) "
            "ORDER BY time, offset",
            unit="percentunit",
        ),
        Panel(
            "Alerts", "table", "Every transition, the newest first; the reasons stand in evidence.",
            "SELECT as_of, status, severity, trigger, title, action, owner, evidence FROM alerts "
            f"WHERE {ACCOUNT} ORDER BY as_of DESC, offset DESC LIMIT 200",
            width=24,
        ),
        Panel(
            "Proposals", "table", "Every transition of a limit proposal, with the term that set the limit and who decides.",
            "SELECT as_of, status, direction, current_limit, proposed_limit, effective_limit, currency, grade, binding, "
            f"approver, decided_by, reasons FROM proposals WHERE {ACCOUNT} ORDER BY as_of DESC, offset DESC LIMIT 200",
            width=24,
        ),
        Panel(
            "Decisions", "table", "What people decided on this account's proposals and alerts.",
            "SELECT occurred_at, type, actor, role, decided_limit, currency, owner, note, refused, subject_id FROM decisions "
            f"WHERE {ACCOUNT} ORDER BY occurred_at DESC LIMIT 200",
            width=24, height=6,
        ),
        Panel(
            "Events", "table", "The newest events of the account in the journal.",
            f"SELECT occurred_at, type, amount, currency, source, value FROM journal WHERE {ACCOUNT} "
            "AND $__timeFilter(occurred_at) ORDER BY occurred_at DESC LIMIT 200",
            width=24, height=10,
        ),
    ),
    (
        "account",
        "SELECT account_id AS __value, concat(account_id, ' ', ifNull(account_name, '')) AS __text FROM accounts "
        "ORDER BY worst_severity DESC, past_due_91 DESC NULLS LAST, account_id LIMIT 5000",
    ),
)  # fmt: skip

DESK = Dashboard(
    "bellwether-alerts",
    "Alerts and proposals",
    "What was opened, what is open, what waits for a person, and what people decided.",
    "now-90d",
    "30s",
    (
        Panel(
            "Open alerts by severity", "barchart", "5: act now. Alerts found in a backfill are left out.",
            "SELECT concat('severity ', toString(severity)) AS severity, count() AS alerts FROM alerts_open AS a "
            "WHERE NOT history GROUP BY a.severity ORDER BY a.severity DESC",
            width=8,
        ),
        Panel(
            "Open alerts by trigger", "barchart", "How many accounts each trigger stands open on.",
            "SELECT trigger, uniqExact(account_id) AS accounts FROM alerts_open "
            "WHERE NOT history GROUP BY trigger ORDER BY accounts DESC LIMIT 15",
            width=8,
        ),
        Panel(
            "Proposals by status", "barchart", "Each proposal by its newest transition.",
            "SELECT status, count() AS proposals FROM proposals_current GROUP BY status ORDER BY proposals DESC",
            width=8,
        ),
        Panel(
            "Alerts opened a day, by trigger", "bars", "Each alert once, on the day as of which it was opened.",
            "SELECT toDateTime(day) AS time, trigger, sum(alerts) AS alerts FROM alerts_opened_daily "
            "WHERE $__dateFilter(day) AND NOT history GROUP BY time, trigger ORDER BY time, trigger",
            width=24, height=9, stacked=True,
        ),
        Panel(
            "Alerts for somebody", "table", "Open, of severity 3 or more, the gravest first.",
            "SELECT severity, account_id, account_name, trigger, title, action, owner, status, as_of, exposure, currency "
            "FROM alerts_open WHERE NOT history AND severity >= 3 "
            "ORDER BY severity DESC, exposure DESC NULLS LAST LIMIT 200",
            width=24, height=10,
        ),
        Panel(
            "Proposals that wait", "table", "Undecided; after a while one goes one approver up, then it expires.",
            "SELECT as_of, approver, account_id, account_name, direction, current_limit, proposed_limit, currency, grade, "
            "binding, reasons, expires_at FROM proposals_current WHERE status IN ('proposed', 'escalated') "
            "ORDER BY as_of LIMIT 200",
            width=24, height=10,
        ),
        Panel(
            "Decisions a day", "bars", "By type; those that were refused left out.",
            "SELECT toStartOfDay(occurred_at) AS time, type, count() AS decisions FROM decisions "
            "WHERE $__timeFilter(occurred_at) AND refused = '' GROUP BY time, type ORDER BY time, type",
            stacked=True,
        ),
        Panel(
            "Decisions", "table", "The newest ones: who, in which role, and why.",
            "SELECT occurred_at, type, actor, role, account_id, decided_limit, currency, owner, note, refused FROM decisions "
            "WHERE $__timeFilter(occurred_at) ORDER BY occurred_at DESC LIMIT 200",
        ),
    ),
)  # fmt: skip

HEALTH = Dashboard(
    "bellwether-pipeline",
    "Pipeline health",
    "What on-call staff look at first: is it alive, is it behind, how fast does it decide, what is refused.",
    "now-1h",
    "15s",
    (
        Panel(
            "Live workers", "stat", "What /livez says: fewer than there are workers means that one makes no progress.",
            promql={"{{app}}": "sum by (app) (bellwether_worker_live)"}, width=6, height=4,
        ),
        Panel(
            "Ready workers", "stat", "Workers whose partitions are assigned and restored.",
            promql={"{{app}}": "sum by (app) (bellwether_worker_ready)"}, width=6, height=4,
        ),
        Panel(
            "Records behind", "stat", "Records of owned partitions that are not committed yet.",
            promql={"{{app}}": "sum by (app) (bellwether_consumer_lag_records)"}, width=6, height=4,
        ),
        Panel(
            "Since the last tick", "stat", "Since the end of the last day ticked; beyond two days the clock stands.",
            promql={"age": "time() - min(bellwether_last_tick_timestamp_seconds)"}, unit="s", width=6, height=4,
        ),
        Panel(
            "Records a second", "timeseries", "By app and what became of them, counted when committed.",
            promql={"{{app}} {{outcome}}": "sum by (app, outcome) (rate(bellwether_events_total[$__rate_interval]))"},
            unit="ops",
        ),
        Panel(
            "Records behind, by app", "timeseries", "Falls while a backlog is worked off; flat and above 0: stuck.",
            promql={"{{app}}": "sum by (app) (bellwether_consumer_lag_records)"},
        ),
        Panel(
            "From event to decision", "timeseries", "From an event's time in the journal to the commit of its decision.",
            promql={
                "p50 {{lane}}": "histogram_quantile(0.5, sum by (le, lane) "
                "(rate(bellwether_decision_latency_seconds_bucket[$__rate_interval])))",
                "p99 {{lane}}": "histogram_quantile(0.99, sum by (le, lane) "
                "(rate(bellwether_decision_latency_seconds_bucket[$__rate_interval])))",
            },
            unit="s",
        ),
        Panel(
            "From produce to commit", "timeseries", "99 of 100 took no longer; in the store, from an output to its row.",
            promql={
                "p99 {{app}} {{lane}}": "histogram_quantile(0.99, sum by (le, app, lane) "
                "(rate(bellwether_end_to_end_latency_seconds_bucket[$__rate_interval])))",
            },
            unit="s",
        ),
        Panel(
            "Commits a second", "timeseries", "Transactions, or rounds of the store; undone ones are done again.",
            promql={
                "{{app}}": "sum by (app) (rate(bellwether_commits_total[$__rate_interval]))",
                "{{app}} undone": "sum by (app) (rate(bellwether_commits_undone_total[$__rate_interval]))",
            },
            unit="ops",
        ),
        Panel(
            "The store", "timeseries", "Rows accepted a second, and inserts that had to be tried again.",
            promql={
                "rows": "sum(rate(bellwether_store_rows_total[$__rate_interval]))",
                "errors": "sum(rate(bellwether_store_insert_errors_total[$__rate_interval]))",
            },
            unit="ops",
        ),
        Panel(
            "Age of the newest event, by feed", "timeseries", "A feed that grows old is silent, which is not: no risk.",
            promql={"{{topic}}": "time() - max by (topic) (bellwether_feed_newest_event_timestamp_seconds)"}, unit="s",
        ),
        Panel(
            "States held", "timeseries",
            "Accounts that the monitors hold, at hand or as bytes for want of memory, and their bytes on the topic.",
            promql={
                "accounts": "sum(bellwether_states)",
                "at hand": "sum(bellwether_states_at_hand)",
                "bytes": "sum(bellwether_state_bytes)",
            },
        ),
        Panel(
            "Outputs a second", "timeseries", "Records emitted, by topic.",
            promql={"{{topic}}": "sum by (topic) (rate(bellwether_outputs_total[$__rate_interval]))"}, unit="ops",
        ),
        Panel(
            "Policy in force", "table", "Partitions by policy and engine; two rows for long: a worker was left behind.",
            promql={"{{hash}}": "sum by (hash, engine) (bellwether_policy_info)"},
        ),
        Panel(
            "Events journalled", "bars", "By type, as the store has them.",
            "SELECT $__timeInterval(written_at) AS time, type, count() AS events FROM journal "
            "WHERE $__timeFilter(written_at) AND account_id != '' GROUP BY time, type ORDER BY time, type",
            stacked=True,
        ),
        Panel(
            "How far the store has come", "table", "Per topic: records stored, and when that was last written.",
            "SELECT topic, sum(next) AS records, max(at) AS updated_at FROM ("
            "SELECT topic, partition, max(next_offset) AS next, max(updated_at) AS at "
            "FROM ingested GROUP BY topic, partition) GROUP BY topic ORDER BY topic",
        ),
        Panel(
            "Dead letters by reason", "table", "Refused or failed input in this time, the most frequent reason first.",
            "SELECT origin_topic, kind, reason, count() AS letters, max(written_at) AS newest FROM dead_letters "
            "WHERE $__timeFilter(written_at) GROUP BY origin_topic, kind, reason ORDER BY letters DESC LIMIT 100",
        ),
        Panel(
            "Late facts", "table", "About invoices that closed too long ago: counted, not applied.",
            "SELECT origin_topic, reason, count() AS facts, max(written_at) AS newest FROM late "
            "WHERE $__timeFilter(written_at) GROUP BY origin_topic, reason ORDER BY facts DESC LIMIT 100",
        ),
    ),
)  # fmt: skip

DASHBOARDS: Final = {
    "portfolio": PORTFOLIO, "account": ONE_ACCOUNT, "alerts-and-proposals": DESK, "pipeline-health": HEALTH,
}  # fmt: skip


def _target(panel: Panel, number: int, legend: str, expression: str) -> dict[str, Any]:
    ref = chr(ord("A") + number)
    if panel.promql:
        instant = panel.kind in ("stat", "table")
        return {
            "refId": ref, "datasource": METRICS, "expr": expression, "legendFormat": legend, "editorMode": "code",
            "instant": instant, "range": not instant, "format": "table" if panel.kind == "table" else "time_series",
        }  # fmt: skip
    series = panel.kind in ("timeseries", "bars")
    return {
        "refId": ref, "datasource": STORE, "editorType": "sql", "rawSql": expression,
        "queryType": "timeseries" if series else "table", "format": 0 if series else 1,
    }  # fmt: skip


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    custom: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if panel.kind in ("timeseries", "bars"):
        custom = {
            "drawStyle": "bars" if panel.kind == "bars" else "line",
            "fillOpacity": 60 if panel.stacked else 0,
            "spanNulls": True,
            "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        }
        options = {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    elif panel.kind == "table":
        custom = {"filterable": True}
        options = {"showHeader": True}
    elif panel.kind == "stat":
        options = {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "graphMode": "none",
        }
    queries = panel.promql or {"": panel.sql}
    return {
        "id": number,
        "type": "timeseries" if panel.kind == "bars" else panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": METRICS if panel.promql else STORE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "custom": custom},
            "overrides": [
                {"matcher": {"id": "byName", "options": name}, "properties": [{"id": "unit", "value": unit}]}
                for name, unit in panel.units.items()
            ],
        },
        "options": options,
        "targets": [_target(panel, n, *query) for n, query in enumerate(queries.items())],
    }


def dashboard(of: Dashboard) -> dict[str, Any]:
    """The dashboard as Grafana reads it."""
    panels, x, y, tallest = [], 0, 0, 0
    for number, panel in enumerate(of.panels, start=1):
        if x + panel.width > WIDTH:
            x, y, tallest = 0, y + tallest, 0
        panels.append(_panel(panel, number, x, y))
        x, tallest = x + panel.width, max(tallest, panel.height)
    variables = []
    if of.variable is not None:
        name, query = of.variable
        variables.append(
            {
                "name": name, "label": name, "type": "query", "datasource": STORE, "query": query, "definition": query,
                "refresh": 2, "sort": 0, "multi": False, "includeAll": False, "options": [], "current": {},
            }
        )  # fmt: skip
    return {
        "uid": of.uid,
        "title": of.title,
        "description": of.description,
        "tags": ["bellwether"],
        "timezone": "utc",
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": of.refresh,
        "time": {"from": of.since, "to": "now"},
        "templating": {"list": variables},
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "title": "bellwether",
                "tags": ["bellwether"],
                "asDropdown": True,
                "keepTime": False,
            }
        ],
        "panels": panels,
    }


def texts() -> dict[str, str]:
    """File name -> its text."""
    return {
        f"{name}.json": json.dumps(dashboard(of), indent=1, ensure_ascii=False) + "\n"
        for name, of in DASHBOARDS.items()
    }


if __name__ == "__main__":
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")

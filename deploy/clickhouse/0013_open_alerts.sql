-- What is open now: the newest transition of each trigger of each account. Read the view alerts_open.
-- An account has one alert of a trigger at a time, and the next one opens after the last has cleared: so the greatest offset of
-- a trigger says whether its alert is open, whichever order rows come in and however often. alerts_newest_rows has a row for
-- each alert there ever was, nine in ten of them cleared; this has at most as many rows an account as there are triggers,
-- however old the book is. Not by is_deleted: a cleared row that was cleaned away could not answer an opened one that is repeated.
-- Order: by what there is one row of. Codecs: those of the source. Not partitioned: rows of one trigger lie in many years.
-- No TTL: one row each.
CREATE TABLE IF NOT EXISTS alerts_by_trigger_rows AS alerts_rows
ENGINE = ReplacingMergeTree(offset)
PARTITION BY tuple()
ORDER BY (account_id, trigger)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS alerts_by_trigger_feed TO alerts_by_trigger_rows AS
SELECT * FROM alerts_rows ORDER BY offset DESC LIMIT 1 BY account_id, trigger;

-- What was stored before this view was there; a second run replaces the same rows.
INSERT INTO alerts_by_trigger_rows SELECT * FROM alerts_newest_rows;

CREATE VIEW IF NOT EXISTS alerts_open AS SELECT * FROM alerts_by_trigger_rows FINAL WHERE status != 'cleared';

-- The accounts on which an alert is open, and the worst of them: the gravest, of several the one that was told last.
-- One number says both: offsets of an account rise, and a number is found faster than the greatest of tuples.
CREATE VIEW IF NOT EXISTS accounts_alerted AS
SELECT
    account_id,
    count() AS open_alerts,
    max(alerts_open.severity) AS worst_severity,
    argMax(alerts_open.trigger, bitShiftLeft(alerts_open.severity, 56) + offset) AS worst_trigger,
    argMax(alerts_open.title, bitShiftLeft(alerts_open.severity, 56) + offset) AS worst_title,
    groupUniqArray(alerts_open.trigger) AS triggers,
    min(as_of) AS since
FROM alerts_open
WHERE NOT history
GROUP BY account_id;

-- Merged as it is read by one thread a table: cut up for several, an account's rows cost a fifth more, and there are few of them.
CREATE OR REPLACE VIEW accounts AS
SELECT
    figures.account_id AS account_id, figures.account_name AS account_name, figures.as_of AS as_of,
    status.status AS status, figures.tier AS tier, figures.grade AS grade, figures.score AS score,
    alerted.open_alerts AS open_alerts, alerted.worst_severity AS worst_severity, alerted.worst_trigger AS worst_trigger,
    alerted.worst_title AS worst_title,
    figures.currency AS currency, figures.open_balance AS open_balance, figures.past_due AS past_due,
    figures.past_due_61 AS past_due_61, figures.past_due_91 AS past_due_91, figures.exposure AS exposure,
    figures.credit_limit AS credit_limit, figures.utilization AS utilization, status.headroom AS headroom,
    figures.dtp_90d AS dtp_90d, figures.dtp_baseline AS dtp_baseline, figures.dbt_90d AS dbt_90d,
    figures.pay_index AS pay_index, figures.exposure_base AS exposure_base, figures.base_currency AS base_currency
FROM snapshots_latest AS figures
LEFT JOIN account_status_current AS status ON status.account_id = figures.account_id
LEFT JOIN accounts_alerted AS alerted ON alerted.account_id = figures.account_id
SETTINGS split_intersecting_parts_ranges_into_layers_final = 0;

-- How many alerts were opened on each day, by trigger and severity. Read the view alerts_opened_daily.
-- A view that counts what is inserted would count a repeated block twice; a set does not: uniqExactState holds which
-- alerts were opened (16 bytes each), and merging the same one again changes nothing.
-- Order: charts ask for a range of days. Not partitioned: a few thousand rows a year. Codecs: the server's; states are hashes,
-- which no codec shrinks. No TTL.
CREATE TABLE IF NOT EXISTS alerts_opened_rows (
    day Date,
    trigger LowCardinality(String),
    severity Int64,
    history Bool COMMENT 'true: found in a backfill, before the policy went live',
    opened AggregateFunction(uniqExact, String),
    accounts AggregateFunction(uniqExact, String)
)
ENGINE = AggregatingMergeTree
ORDER BY (day, trigger, severity, history);

CREATE MATERIALIZED VIEW IF NOT EXISTS alerts_opened_feed TO alerts_opened_rows AS
SELECT
    as_of AS day, trigger, severity, history,
    uniqExactState(alert_id) AS opened, uniqExactState(account_id) AS accounts
FROM alerts_rows
WHERE status = 'opened'
GROUP BY day, trigger, severity, history;

-- What was stored before this view was there; a second run adds nothing to the sets.
INSERT INTO alerts_opened_rows SELECT
    as_of AS day, trigger, severity, history,
    uniqExactState(alert_id) AS opened, uniqExactState(account_id) AS accounts
FROM alerts_rows
WHERE status = 'opened'
GROUP BY day, trigger, severity, history;

CREATE VIEW IF NOT EXISTS alerts_opened_daily AS
SELECT
    day, trigger, severity, history,
    uniqExactMerge(opened) AS alerts, uniqExactMerge(accounts) AS accounts
FROM alerts_opened_rows
GROUP BY day, trigger, severity, history;

-- The portfolio by week and tier in base currency (exposure, ageing, weighted days to pay), and each account's weeks.
-- Snapshots come when figures move: an account counts with its newest figures until it has newer ones, so a week of the
-- book is not the sum of the rows written in it. And a view that sums what is inserted would count a repeated block twice.
-- Hence two steps: account_weeks_rows keeps the newest row of an account and week (the greatest offset wins, in whatever
-- order and however often rows come), and the portfolio is made anew from it, then exchanged as a whole.

-- Columns: as in snapshots_rows, unconverted, so that nothing here can fail and hold up the store.
-- Order: an account's weeks are one range, and the newest row of a week replaces the others. Not partitioned: a row must find
-- the account's next one, and 52 narrow rows an account and year stay small. Codecs: as snapshots_rows. No TTL, for the same reason.
CREATE TABLE IF NOT EXISTS account_weeks_rows (
    account_id String CODEC(ZSTD(1)),
    week Date COMMENT 'its Monday' CODEC(Delta, ZSTD(1)),
    as_of Date COMMENT 'the day of the newest figures in this week' CODEC(ZSTD(1)),
    tier LowCardinality(Nullable(String)),
    currency LowCardinality(Nullable(String)),
    base_currency LowCardinality(Nullable(String)),
    fx_rate Nullable(Decimal(38, 18)) CODEC(ZSTD(1)),
    exposure_base Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    past_due Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_current Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d1_30 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d31_60 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d61_90 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d91 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    paid_90d Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    dtp_90d Nullable(Float64) CODEC(ZSTD(1)),
    offset Int64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(offset)
ORDER BY (account_id, week)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS account_weeks_feed TO account_weeks_rows AS
SELECT
    account_id, toMonday(as_of) AS week, as_of, tier, currency, base_currency, fx_rate, exposure_base, past_due,
    ageing_current, ageing_d1_30, ageing_d31_60, ageing_d61_90, ageing_d91, paid_90d, dtp_90d, offset
FROM snapshots_rows
ORDER BY offset DESC
LIMIT 1 BY account_id, week;

-- What was stored before this view was there; a second run replaces the same rows.
INSERT INTO account_weeks_rows SELECT
    account_id, toMonday(as_of) AS week, as_of, tier, currency, base_currency, fx_rate, exposure_base, past_due,
    ageing_current, ageing_d1_30, ageing_d31_60, ageing_d61_90, ageing_d91, paid_90d, dtp_90d, offset
FROM snapshots_rows;

CREATE VIEW IF NOT EXISTS account_weeks AS SELECT * FROM account_weeks_rows FINAL;

-- Weeks x tiers: a few hundred rows. Order: as charts ask.
CREATE TABLE IF NOT EXISTS portfolio_weekly_rows (
    week Date COMMENT 'its Monday; the figures are as of its end',
    tier LowCardinality(String) COMMENT 'low medium high; none: not scored yet',
    base_currency LowCardinality(String),
    accounts UInt64,
    without_rate UInt64 COMMENT 'accounts without an exchange rate: no amount of theirs is in the sums',
    exposure Nullable(Decimal(38, 2)),
    past_due Nullable(Decimal(38, 2)),
    ageing_current Nullable(Decimal(38, 2)),
    ageing_d1_30 Nullable(Decimal(38, 2)),
    ageing_d31_60 Nullable(Decimal(38, 2)),
    ageing_d61_90 Nullable(Decimal(38, 2)),
    ageing_d91 Nullable(Decimal(38, 2)),
    days_to_pay Nullable(Float64) COMMENT 'dtp_90d, weighted by what was paid in those 90 days; null: nothing was',
    paid Nullable(Decimal(38, 2)) COMMENT 'that weight: add tiers up by it'
)
ENGINE = MergeTree
ORDER BY (week, tier, base_currency);

-- Each row stands from its week to the account's next one. Sums are made in Float64 and rounded to cents.
-- AFTER: the next one begins half a minute after the last has ended, so it never piles up, however large the book is.
CREATE MATERIALIZED VIEW IF NOT EXISTS portfolio_weekly_refresh REFRESH AFTER 30 SECOND TO portfolio_weekly_rows AS
SELECT
    week,
    tier,
    base_currency,
    count() AS accounts,
    countIf(NOT valued) AS without_rate,
    accurateCastOrNull(round(sum(exposure), 2), 'Decimal(38, 2)') AS exposure,
    accurateCastOrNull(round(sum(parts[1]), 2), 'Decimal(38, 2)') AS past_due,
    accurateCastOrNull(round(sum(parts[2]), 2), 'Decimal(38, 2)') AS ageing_current,
    accurateCastOrNull(round(sum(parts[3]), 2), 'Decimal(38, 2)') AS ageing_d1_30,
    accurateCastOrNull(round(sum(parts[4]), 2), 'Decimal(38, 2)') AS ageing_d31_60,
    accurateCastOrNull(round(sum(parts[5]), 2), 'Decimal(38, 2)') AS ageing_d61_90,
    accurateCastOrNull(round(sum(parts[6]), 2), 'Decimal(38, 2)') AS ageing_d91,
    if(sum(weight) = 0, NULL, sum(weight * days) / sum(weight)) AS days_to_pay,
    accurateCastOrNull(round(sum(weight), 2), 'Decimal(38, 2)') AS paid
FROM (
    SELECT
        arrayJoin(range(toUInt32(since), toUInt32(least(until, last_week + 7)), 7))::UInt16::Date AS week,
        ifNull(row.tier, 'none') AS tier,
        ifNull(row.base_currency, '') AS base_currency,
        row.exposure_base IS NOT NULL AND row.fx_rate IS NOT NULL AS valued,
        toFloat64(ifNull(row.fx_rate, 0)) AS rate,
        toFloat64(ifNull(row.exposure_base, 0)) AS exposure,
        arrayMap(amount -> toFloat64(ifNull(amount, 0)) * rate, [
            row.past_due, row.ageing_current, row.ageing_d1_30, row.ageing_d31_60, row.ageing_d61_90, row.ageing_d91
        ]) AS parts,
        ifNull(row.dtp_90d, 0) AS days,
        if(row.dtp_90d IS NULL, 0, toFloat64(ifNull(row.paid_90d, 0)) * rate) AS weight
    FROM (
        SELECT
            *,
            week AS since,
            leadInFrame(week, 1, toDate('2149-01-01')) OVER (
                PARTITION BY account_id ORDER BY week ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
            ) AS until
        FROM account_weeks_rows FINAL
    ) AS row
    CROSS JOIN (SELECT max(week) AS last_week FROM account_weeks_rows) AS newest
)
GROUP BY week, tier, base_currency;

CREATE VIEW IF NOT EXISTS portfolio_weekly AS SELECT * FROM portfolio_weekly_rows;

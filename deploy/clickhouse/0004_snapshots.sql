-- The figures of an account as of a day: one row each time they moved, and beside each alert and proposal.
-- Money is Decimal in the account's currency, shares are ratios, days are days; null means that nothing stands behind a figure.
-- Order: one account's months are one range, by day; of several rows on one day the greatest offset is the newest.
-- Partitions: by year of as_of, as the journal's. Columns of one kind of figure compress well alone: ZSTD on each.
CREATE TABLE IF NOT EXISTS snapshots_rows (
    account_id String CODEC(ZSTD(1)),
    account_name Nullable(String) CODEC(ZSTD(1)),
    as_of Date COMMENT 'the figures are as of the end of this day' CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)),
    tier LowCardinality(Nullable(String)) COMMENT 'low medium high',
    grade LowCardinality(Nullable(String)) COMMENT 'A to E',
    score Nullable(Float64) COMMENT '0 to 100' CODEC(ZSTD(1)),
    open_balance Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    past_due Nullable(Decimal(38, 4)) COMMENT 'less the disputed part, as are the ageing columns' CODEC(ZSTD(1)),
    past_due_over_10 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    past_due_61 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    past_due_91 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    max_days_past_due Nullable(Int64) CODEC(ZSTD(1)),
    ageing_current Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d1_30 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d31_60 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d61_90 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_d91 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_disputed_current Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_disputed_d1_30 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_disputed_d31_60 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_disputed_d61_90 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    ageing_disputed_d91 Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    unapplied Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    disputed Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    unvalued Nullable(Int64) COMMENT 'money facts that wait for a rate' CODEC(ZSTD(1)),
    open_orders Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    security Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    gross_exposure Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    exposure Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    credit_limit Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    utilization Nullable(Float64) COMMENT 'exposure / limit' CODEC(ZSTD(1)),
    utilization_28d_ago Nullable(Float64) CODEC(ZSTD(1)),
    rising Nullable(Bool),
    high_credit Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    prior_high_credit Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    peak_utilization_90d Nullable(Float64) CODEC(ZSTD(1)),
    exposure_base Nullable(Decimal(38, 4)) COMMENT 'in base_currency' CODEC(ZSTD(1)),
    base_currency LowCardinality(Nullable(String)),
    fx_rate Nullable(Decimal(38, 18)) COMMENT 'base units of one unit of currency' CODEC(ZSTD(1)),
    fx_as_of Nullable(Date) CODEC(ZSTD(1)),
    fx_driven Nullable(Bool),
    dtp_30d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_90d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_365d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_baseline Nullable(Float64) CODEC(ZSTD(1)),
    dtp_mean_30d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_mean_90d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_mean_365d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_p90_30d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_p90_90d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_p90_365d Nullable(Float64) CODEC(ZSTD(1)),
    dtp_months Array(Nullable(Float64)) COMMENT 'the last four full months, oldest first' CODEC(ZSTD(1)),
    dbt_30d Nullable(Float64) CODEC(ZSTD(1)),
    dbt_90d Nullable(Float64) CODEC(ZSTD(1)),
    dbt_365d Nullable(Float64) CODEC(ZSTD(1)),
    dbt_baseline Nullable(Float64) CODEC(ZSTD(1)),
    dbt_disputed_90d Nullable(Float64) CODEC(ZSTD(1)),
    dbt_p90_90d Nullable(Float64) CODEC(ZSTD(1)),
    paid_30d Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    paid_90d Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    paid_365d Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    payment_runs Nullable(Int64) CODEC(ZSTD(1)),
    payment_runs_365d Nullable(Int64) CODEC(ZSTD(1)),
    drift_test LowCardinality(Nullable(String)),
    drift_agrees Nullable(Bool),
    drift_statistic Nullable(Float64) CODEC(ZSTD(1)),
    drift_limit Nullable(Float64) CODEC(ZSTD(1)),
    dso Nullable(Float64) CODEC(ZSTD(1)),
    dso_best_possible Nullable(Float64) CODEC(ZSTD(1)),
    dso_countback Nullable(Float64) CODEC(ZSTD(1)),
    average_days_delinquent Nullable(Float64) CODEC(ZSTD(1)),
    collection_effectiveness Nullable(Float64) CODEC(ZSTD(1)),
    pay_index Nullable(Float64) CODEC(ZSTD(1)),
    kaplan_meier_median Nullable(Float64) CODEC(ZSTD(1)),
    kaplan_meier_restricted_mean Nullable(Float64) CODEC(ZSTD(1)),
    overdue_surprise Nullable(Float64) CODEC(ZSTD(1)),
    overdue_surprise_n Nullable(Int64) CODEC(ZSTD(1)),
    overdue_surprise_days Nullable(Int64) CODEC(ZSTD(1)),
    first_invoice_on Nullable(Date) CODEC(ZSTD(1)),
    monthly_purchases Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    purchases_30d Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    purchases_prior_90d Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    invoices_prior_90d Nullable(Int64) CODEC(ZSTD(1)),
    reversals_90d Nullable(Int64) CODEC(ZSTD(1)),
    promises_broken_60d Nullable(Int64) CODEC(ZSTD(1)),
    promises_broken Nullable(Int64) CODEC(ZSTD(1)),
    partial_of_last_5 Nullable(Int64) CODEC(ZSTD(1)),
    discounts_taken Array(Bool) COMMENT 'the last eight offered and decided, oldest first' CODEC(ZSTD(1)),
    disputed_share_baseline Nullable(Float64) CODEC(ZSTD(1)),
    last_payment_on Nullable(Date) CODEC(ZSTD(1)),
    first_due_on Nullable(Date) CODEC(ZSTD(1)),
    late_share_182d Nullable(Float64) CODEC(ZSTD(1)),
    worst_dbt_182d Nullable(Int64) CODEC(ZSTD(1)),
    provisional Nullable(Int64) COMMENT 'direct debits that may still come back' CODEC(ZSTD(1)),
    history Nullable(Bool),
    policy LowCardinality(Nullable(String)),
    engine LowCardinality(Nullable(String)),
    ce_id Nullable(String) CODEC(ZSTD(1)),
    other String COMMENT 'JSON: fields that this table has no column for; empty when there is none' CODEC(ZSTD(3)),
    topic LowCardinality(String),
    partition Int32 CODEC(ZSTD(1)),
    offset Int64 CODEC(Delta, ZSTD(1)),
    written_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(as_of)
ORDER BY (account_id, as_of, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS snapshots AS
SELECT * FROM snapshots_rows FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- One row an account, its newest figures: what lists, rankings and totals of today read, whatever the age of the book.
CREATE TABLE IF NOT EXISTS snapshots_latest_rows AS snapshots_rows
ENGINE = ReplacingMergeTree(offset)
ORDER BY account_id
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS snapshots_latest_feed TO snapshots_latest_rows AS SELECT * FROM snapshots_rows;

CREATE VIEW IF NOT EXISTS snapshots_latest AS SELECT * FROM snapshots_latest_rows FINAL;

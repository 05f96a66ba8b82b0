-- Every transition of every alert. Read the view alerts; alerts_current shows the newest transition of each.
-- Order: an account's alerts together, each alert's transitions in the order in which they were decided.
-- Partitions: by year of as_of, the same for every repeat. Kept as long as the topic keeps them: 400 days at least, here for ever.
CREATE TABLE IF NOT EXISTS alerts_rows (
    alert_id String CODEC(ZSTD(1)),
    account_id String CODEC(ZSTD(1)),
    account_name Nullable(String) CODEC(ZSTD(1)),
    trigger LowCardinality(String),
    severity Int64 COMMENT '1 (note) to 5 (act now)' CODEC(ZSTD(1)),
    status LowCardinality(String) COMMENT 'opened escalated cleared acknowledged assigned snoozed',
    number Nullable(Int64) COMMENT 'of this transition in the life of the alert' CODEC(ZSTD(1)),
    title Nullable(String) CODEC(ZSTD(1)),
    action Nullable(String) CODEC(ZSTD(1)),
    as_of Date,
    opened_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    owner Nullable(String) CODEC(ZSTD(1)),
    acknowledged_by Nullable(String) CODEC(ZSTD(1)),
    snoozed_until Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    tier LowCardinality(Nullable(String)),
    exposure Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)),
    evidence Nullable(String) COMMENT 'JSON: metrics, thresholds, event_ids' CODEC(ZSTD(3)),
    reason Nullable(String) COMMENT 'why it changed, where there is more to say than the status' CODEC(ZSTD(1)),
    event_ids Array(String) COMMENT 'of the evidence' CODEC(ZSTD(1)),
    history Bool COMMENT 'true: found in a backfill, before the policy went live',
    url Nullable(String) CODEC(ZSTD(1)),
    policy LowCardinality(Nullable(String)),
    engine LowCardinality(Nullable(String)),
    ce_id Nullable(String) CODEC(ZSTD(1)),
    value String COMMENT 'the record, byte for byte' CODEC(ZSTD(3)),
    topic LowCardinality(String),
    partition Int32 CODEC(ZSTD(1)),
    offset Int64 CODEC(Delta, ZSTD(1)),
    written_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(as_of)
ORDER BY (account_id, alert_id, as_of, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS alerts AS
SELECT * FROM alerts_rows FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- One row an alert: an account is in one partition, so the greatest offset is its newest transition; a repeat changes nothing.
-- Not partitioned: transitions of one alert may lie in two years, and only rows of one partition replace each other.
CREATE TABLE IF NOT EXISTS alerts_current_rows AS alerts_rows
ENGINE = ReplacingMergeTree(offset)
ORDER BY (account_id, alert_id)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS alerts_current_feed TO alerts_current_rows AS SELECT * FROM alerts_rows;

CREATE VIEW IF NOT EXISTS alerts_current AS SELECT * FROM alerts_current_rows FINAL;

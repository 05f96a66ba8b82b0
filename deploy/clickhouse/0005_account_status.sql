-- What sales see of an account: every change, and account_status_current with the newest. The topic is compacted, so
-- changes that Kafka had already dropped before they were read are not here.
-- Order: one account's changes are one range, by day. Partitions: by year of as_of.
CREATE TABLE IF NOT EXISTS account_status_rows (
    account_id String CODEC(ZSTD(1)),
    account_name Nullable(String) CODEC(ZSTD(1)),
    as_of Date CODEC(ZSTD(1)),
    status LowCardinality(Nullable(String)) COMMENT 'good watch hold prepay',
    tier LowCardinality(Nullable(String)) COMMENT 'low medium high',
    credit_limit Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    headroom Nullable(Decimal(38, 4)) COMMENT 'limit less exposure' CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)),
    open_alerts Nullable(Int64) CODEC(ZSTD(1)),
    next_review Nullable(Date) CODEC(ZSTD(1)),
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

CREATE VIEW IF NOT EXISTS account_status AS
SELECT * FROM account_status_rows FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

CREATE TABLE IF NOT EXISTS account_status_current_rows AS account_status_rows
ENGINE = ReplacingMergeTree(offset)
ORDER BY account_id
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS account_status_current_feed TO account_status_current_rows AS
SELECT * FROM account_status_rows;

CREATE VIEW IF NOT EXISTS account_status_current AS SELECT * FROM account_status_current_rows FINAL;

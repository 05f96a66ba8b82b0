-- Every event as it was accepted. The rows stand in journal_rows; read the view journal, which shows each event once.
-- Order: one account's story is one range of it, by time; topic, partition and offset make a repeated block replace itself.
-- Partitions: by year, because a backfill of ten years in one insert must not open 120 parts, and FINAL stays inside one.
-- Kept for ever, as the topic is.
CREATE TABLE IF NOT EXISTS journal_rows (
    account_id String COMMENT 'empty for control events (clock, policy), which stand in every partition' CODEC(ZSTD(1)),
    type LowCardinality(String),
    event_id String CODEC(ZSTD(1)),
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    source LowCardinality(Nullable(String)),
    amount Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)),
    value String COMMENT 'the event, byte for byte' CODEC(ZSTD(3)),
    origin_topic LowCardinality(Nullable(String)) COMMENT 'the topic that intake read it from',
    origin_partition Nullable(Int32) CODEC(ZSTD(1)),
    origin_offset Nullable(Int64) CODEC(ZSTD(1)),
    topic LowCardinality(String),
    partition Int32 CODEC(ZSTD(1)),
    offset Int64 CODEC(Delta, ZSTD(1)),
    written_at DateTime64(3, 'UTC') COMMENT 'when Kafka took it' CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(occurred_at)
ORDER BY (account_id, occurred_at, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS journal AS
SELECT * FROM journal_rows FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

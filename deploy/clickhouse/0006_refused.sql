-- What was refused, and what came too late: key and value byte for byte, origin and reason. Bytes need not be text.
-- Order: by month and origin, as people look: what did that feed send lately? Partitions: by month of Kafka's timestamp,
-- which a repeat does not change. TTL: 400 days, as the topics.
CREATE TABLE IF NOT EXISTS dead_letters_rows (
    origin_topic LowCardinality(String),
    origin_partition Nullable(Int32) CODEC(ZSTD(1)),
    origin_offset Nullable(Int64) CODEC(ZSTD(1)),
    kind LowCardinality(String) COMMENT 'refused (input), failed (a step that raised), unstorable (no row could be made of it)',
    reason String CODEC(ZSTD(3)),
    key Nullable(String) CODEC(ZSTD(1)),
    value Nullable(String) CODEC(ZSTD(3)),
    headers Array(Tuple(name String, value Nullable(String))) CODEC(ZSTD(3)),
    topic LowCardinality(String),
    partition Int32 CODEC(ZSTD(1)),
    offset Int64 CODEC(Delta, ZSTD(1)),
    written_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(written_at)
ORDER BY (origin_topic, toStartOfHour(written_at), topic, partition, offset)
TTL toDateTime(written_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS dead_letters AS SELECT * FROM dead_letters_rows FINAL;

CREATE TABLE IF NOT EXISTS late_rows AS dead_letters_rows
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(written_at)
ORDER BY (origin_topic, toStartOfHour(written_at), topic, partition, offset)
TTL toDateTime(written_at) + INTERVAL 400 DAY
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS late AS SELECT * FROM late_rows FINAL;

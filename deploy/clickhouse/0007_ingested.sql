-- Up to where the tables hold each topic and partition: the only place that the store resumes from, written after the rows.
-- Read it by max(next_offset): a worker that lost its partition may add a smaller one later, and the greatest is right,
-- because each was written only when every row below it stood in the tables.
CREATE TABLE IF NOT EXISTS ingested (
    consumer_group LowCardinality(String),
    topic LowCardinality(String),
    partition Int32,
    next_offset Int64,
    updated_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (consumer_group, topic, partition)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

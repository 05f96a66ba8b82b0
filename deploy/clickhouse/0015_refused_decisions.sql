-- Which decisions did not count, and why: a role too low, a proposal that was decided already, an alert that had cleared. The journal
-- has them all, and the monitor sets those aside as dead letters. Read the view decisions: refused is empty where one counted.
-- A decision and its letter have the same origin; one that is sent again has another, and is judged anew.
ALTER TABLE decisions_rows ADD COLUMN IF NOT EXISTS origin_topic LowCardinality(Nullable(String)) COMMENT 'the topic that intake read it from' AFTER source;
ALTER TABLE decisions_rows ADD COLUMN IF NOT EXISTS origin_partition Nullable(Int32) CODEC(ZSTD(1)) AFTER origin_topic;
ALTER TABLE decisions_rows ADD COLUMN IF NOT EXISTS origin_offset Nullable(Int64) CODEC(ZSTD(1)) AFTER origin_partition;

ALTER TABLE decisions_feed MODIFY QUERY
SELECT
    JSONExtractString(value, if(startsWith(type, 'alert.'), 'alert_id', 'proposal_id')) AS subject_id,
    account_id, type, occurred_at,
    JSONExtractString(value, 'actor') AS actor,
    JSONExtractString(value, 'role') AS role,
    toDecimal128OrNull(JSONExtractString(value, 'limit'), 4) AS decided_limit,
    JSONExtractString(value, 'currency') AS currency,
    JSONExtractString(value, 'owner') AS owner,
    JSONExtractString(value, 'until') AS until,
    JSONExtractString(value, 'note') AS note,
    event_id, source, origin_topic, origin_partition, origin_offset, topic, partition, offset, written_at
FROM journal_rows
WHERE type IN ('proposal.approved', 'proposal.rejected', 'alert.acknowledged', 'alert.assigned', 'alert.snoozed');

-- Order: by origin, one row each. Not partitioned: few. No TTL: a refused decision must not look like one that counted when its letter
-- is gone after 400 days.
CREATE TABLE IF NOT EXISTS refused_decisions_rows (
    origin_topic LowCardinality(String),
    origin_partition Int32 CODEC(ZSTD(1)),
    origin_offset Int64 CODEC(ZSTD(1)),
    reason String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (origin_topic, origin_partition, origin_offset)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS refused_decisions_feed TO refused_decisions_rows AS
SELECT origin_topic, assumeNotNull(origin_partition) AS origin_partition, assumeNotNull(origin_offset) AS origin_offset, reason
FROM dead_letters_rows
WHERE origin_partition IS NOT NULL AND origin_offset IS NOT NULL AND JSONExtractString(coalesce(value, ''), 'type') IN
    ('proposal.approved', 'proposal.rejected', 'alert.acknowledged', 'alert.assigned', 'alert.snoozed');

-- What was stored before these were there; a second run replaces the same rows.
INSERT INTO refused_decisions_rows SELECT
    origin_topic, assumeNotNull(origin_partition) AS origin_partition, assumeNotNull(origin_offset) AS origin_offset, reason
FROM dead_letters_rows
WHERE origin_partition IS NOT NULL AND origin_offset IS NOT NULL AND JSONExtractString(coalesce(value, ''), 'type') IN
    ('proposal.approved', 'proposal.rejected', 'alert.acknowledged', 'alert.assigned', 'alert.snoozed');

INSERT INTO decisions_rows SELECT
    JSONExtractString(value, if(startsWith(type, 'alert.'), 'alert_id', 'proposal_id')) AS subject_id,
    account_id, type, occurred_at,
    JSONExtractString(value, 'actor') AS actor,
    JSONExtractString(value, 'role') AS role,
    toDecimal128OrNull(JSONExtractString(value, 'limit'), 4) AS decided_limit,
    JSONExtractString(value, 'currency') AS currency,
    JSONExtractString(value, 'owner') AS owner,
    JSONExtractString(value, 'until') AS until,
    JSONExtractString(value, 'note') AS note,
    event_id, source, origin_topic, origin_partition, origin_offset, topic, partition, offset, written_at
FROM journal_rows
WHERE type IN ('proposal.approved', 'proposal.rejected', 'alert.acknowledged', 'alert.assigned', 'alert.snoozed');

CREATE OR REPLACE VIEW decisions AS
SELECT told.*, letters.reason AS refused
FROM (SELECT * FROM decisions_rows FINAL) AS told
LEFT JOIN (SELECT * FROM refused_decisions_rows FINAL) AS letters
    ON letters.origin_topic = told.origin_topic AND letters.origin_partition = told.origin_partition
    AND letters.origin_offset = told.origin_offset
SETTINGS do_not_merge_across_partitions_select_final = 1;

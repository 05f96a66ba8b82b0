-- What people decided on proposals and alerts: who, in which role, when, and why. Read the view decisions.
-- They stand in the journal too, but there they are a few rows among millions, in no order that finds them.
-- Order: the decisions on one proposal or alert are one range, by time; topic, partition, offset: a repeat replaces itself.
-- Partitions: by year of occurred_at, as the journal's. Codecs: ZSTD on text, Delta on the ramps. Kept for ever: who refused a raise may
-- be asked a year later.
CREATE TABLE IF NOT EXISTS decisions_rows (
    subject_id String COMMENT 'the proposal_id or alert_id' CODEC(ZSTD(1)),
    account_id String CODEC(ZSTD(1)),
    type LowCardinality(String) COMMENT 'proposal.approved proposal.rejected alert.acknowledged alert.assigned alert.snoozed',
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    actor String CODEC(ZSTD(1)),
    role LowCardinality(String) COMMENT 'empty where the type has none',
    decided_limit Nullable(Decimal(38, 4)) COMMENT 'as approved' CODEC(ZSTD(1)),
    currency LowCardinality(String),
    owner String COMMENT 'of an alert, as assigned' CODEC(ZSTD(1)),
    until String COMMENT 'up to when an alert sleeps, as sent' CODEC(ZSTD(1)),
    note String CODEC(ZSTD(1)),
    event_id String CODEC(ZSTD(1)),
    source LowCardinality(Nullable(String)),
    topic LowCardinality(String),
    partition Int32 CODEC(ZSTD(1)),
    offset Int64 CODEC(Delta, ZSTD(1)),
    written_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYear(occurred_at)
ORDER BY (subject_id, occurred_at, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS decisions_feed TO decisions_rows AS
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
    event_id, source, topic, partition, offset, written_at
FROM journal_rows
WHERE type IN ('proposal.approved', 'proposal.rejected', 'alert.acknowledged', 'alert.assigned', 'alert.snoozed');

-- What was stored before this view was there; a second run replaces the same rows.
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
    event_id, source, topic, partition, offset, written_at
FROM journal_rows
WHERE type IN ('proposal.approved', 'proposal.rejected', 'alert.acknowledged', 'alert.assigned', 'alert.snoozed');

CREATE VIEW IF NOT EXISTS decisions AS
SELECT * FROM decisions_rows FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

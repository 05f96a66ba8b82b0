-- Every transition of every limit proposal. Read the view proposals; proposals_current shows the newest transition of each.
-- Order: an account's proposals together, each one's transitions in order: what was proposed, by which score, who decided.
-- Partitions: by year of as_of. Kept for ever: a refused raise may be asked about a year later.
CREATE TABLE IF NOT EXISTS proposals_rows (
    proposal_id String CODEC(ZSTD(1)),
    account_id String CODEC(ZSTD(1)),
    account_name Nullable(String) CODEC(ZSTD(1)),
    as_of Date,
    status LowCardinality(String) COMMENT 'proposed escalated approved rejected expired superseded',
    number Nullable(Int64) COMMENT 'of this transition in the life of the proposal' CODEC(ZSTD(1)),
    direction LowCardinality(Nullable(String)) COMMENT 'open raise cut hold',
    current_limit Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    proposed_limit Nullable(Decimal(38, 4)) CODEC(ZSTD(1)),
    effective_limit Nullable(Decimal(38, 4)) COMMENT 'as decided' CODEC(ZSTD(1)),
    currency LowCardinality(Nullable(String)),
    score Nullable(Float64) COMMENT '0 to 100' CODEC(ZSTD(1)),
    grade LowCardinality(Nullable(String)),
    binding LowCardinality(Nullable(String)) COMMENT 'the term or trigger that set the limit',
    approver LowCardinality(Nullable(String)) COMMENT 'auto analyst manager controller',
    decided_by Nullable(String) CODEC(ZSTD(1)),
    expires_at Nullable(DateTime64(6, 'UTC')) CODEC(ZSTD(1)),
    reasons Array(String) CODEC(ZSTD(1)),
    categories Nullable(String) COMMENT 'JSON: the scoring matrix' CODEC(ZSTD(3)),
    terms Nullable(String) COMMENT 'JSON: every term of the limit' CODEC(ZSTD(3)),
    evidence Nullable(String) COMMENT 'JSON' CODEC(ZSTD(3)),
    history Bool,
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
ORDER BY (account_id, proposal_id, as_of, topic, partition, offset)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE VIEW IF NOT EXISTS proposals AS
SELECT * FROM proposals_rows FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1;

-- One row a proposal, its newest transition: as alerts_current.
CREATE TABLE IF NOT EXISTS proposals_current_rows AS proposals_rows
ENGINE = ReplacingMergeTree(offset)
ORDER BY (account_id, proposal_id)
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS proposals_current_feed TO proposals_current_rows AS SELECT * FROM proposals_rows;

CREATE VIEW IF NOT EXISTS proposals_current AS SELECT * FROM proposals_current_rows FINAL;

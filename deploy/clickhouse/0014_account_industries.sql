-- The industry of each account, as account.opened or account.updated told it last. Read the view account_industries.
-- They stand in the journal too, but there they are a few rows among millions. What was told last: the greatest (occurred_at,
-- event_id), as for the monitor, whichever order rows come in; the greatest of repeated facts is the same one. A later fact that
-- names no industry takes it away: such a row stays, with an empty one.
-- Order: by account, one row each, however often its profile was told; merges leave the greatest. Codecs: ZSTD on text.
-- Not partitioned: facts of one account lie in many years. No TTL: one row each.
CREATE TABLE IF NOT EXISTS account_industries_rows (
    account_id String CODEC(ZSTD(1)),
    newest SimpleAggregateFunction(max, Tuple(occurred_at DateTime64(6, 'UTC'), event_id String, industry String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY account_id
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS account_industries_feed TO account_industries_rows AS
SELECT account_id, max(tuple(occurred_at, event_id, JSONExtractString(value, 'industry'))) AS newest
FROM journal_rows
WHERE type IN ('account.opened', 'account.updated')
GROUP BY account_id;

-- What was stored before this view was there; a second run changes no greatest one.
INSERT INTO account_industries_rows SELECT
    account_id, max(tuple(occurred_at, event_id, JSONExtractString(value, 'industry'))) AS newest
FROM journal_rows
WHERE type IN ('account.opened', 'account.updated')
GROUP BY account_id;

-- materialize(): the part of a tuple is not to be read as a column of its own, for FINAL would then take the greatest of the parts.
CREATE VIEW IF NOT EXISTS account_industries AS
SELECT account_id, tupleElement(materialize(newest), 'industry') AS industry
FROM account_industries_rows FINAL
WHERE industry != '';

-- The industry of each account, anew: an account.opened without one says nothing of it, as for the monitor, and no longer takes away what
-- an older fact told. An account.updated is whole: such a row without one still does. Read the view account_industries.
-- Order and codecs: as before. Not partitioned, no TTL: one row each.
-- The old feed goes. The old table stays, unread and no longer fed: a migrator beside this one may still ask it.
CREATE TABLE IF NOT EXISTS account_industries_named_rows (
    account_id String CODEC(ZSTD(1)),
    newest SimpleAggregateFunction(max, Tuple(occurred_at DateTime64(6, 'UTC'), event_id String, industry String)) CODEC(ZSTD(1))
)
ENGINE = AggregatingMergeTree
ORDER BY account_id
SETTINGS non_replicated_deduplication_window = 100, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS account_industries_named_feed TO account_industries_named_rows AS
SELECT account_id, max(tuple(occurred_at, event_id, JSONExtractString(value, 'industry'))) AS newest
FROM journal_rows
WHERE type = 'account.updated' OR (type = 'account.opened' AND JSONExtractString(value, 'industry') != '')
GROUP BY account_id;

-- What was stored before this view was there; a second run changes no greatest one. The old table still has what the journal may have
-- dropped by its TTL; of its rows without an industry nobody knows what told them.
INSERT INTO account_industries_named_rows SELECT account_id, newest
FROM account_industries_rows FINAL
WHERE tupleElement(materialize(newest), 'industry') != '';

INSERT INTO account_industries_named_rows SELECT
    account_id, max(tuple(occurred_at, event_id, JSONExtractString(value, 'industry'))) AS newest
FROM journal_rows
WHERE type = 'account.updated' OR (type = 'account.opened' AND JSONExtractString(value, 'industry') != '')
GROUP BY account_id;

-- materialize(): see 0014.
CREATE OR REPLACE VIEW account_industries AS
SELECT account_id, tupleElement(materialize(newest), 'industry') AS industry
FROM account_industries_named_rows FINAL
WHERE industry != '';

ALTER TABLE account_industries
    MODIFY COMMENT 'The industry of each account that has one: the newest fact that names it, unless an account.updated without one is newer.';

DROP VIEW IF EXISTS account_industries_feed;

-- What the views say of themselves and of their columns, for people and tools that list them: readers are told to read the views, and
-- the words stood at the tables alone. A later file that makes a view anew says them again.

ALTER TABLE journal
    MODIFY COMMENT 'Every accepted event, in one order per account. One row an event.',
    COMMENT COLUMN IF EXISTS account_id 'empty for control events (clock, policy), which stand in every partition',
    COMMENT COLUMN IF EXISTS amount 'in currency; null where the type has none',
    COMMENT COLUMN IF EXISTS value 'the event, byte for byte',
    COMMENT COLUMN IF EXISTS origin_topic 'the topic that intake read it from',
    COMMENT COLUMN IF EXISTS written_at 'when Kafka took it';

ALTER TABLE alerts
    MODIFY COMMENT 'Every transition of every alert. One row a transition.',
    COMMENT COLUMN IF EXISTS severity '1 (note) to 5 (act now)',
    COMMENT COLUMN IF EXISTS status 'opened escalated cleared acknowledged assigned snoozed',
    COMMENT COLUMN IF EXISTS number 'of this transition in the life of the alert',
    COMMENT COLUMN IF EXISTS action 'what to do',
    COMMENT COLUMN IF EXISTS as_of 'the day that it is judged as of',
    COMMENT COLUMN IF EXISTS exposure 'in currency',
    COMMENT COLUMN IF EXISTS evidence 'JSON: metrics, thresholds, event_ids',
    COMMENT COLUMN IF EXISTS reason 'why it changed, where there is more to say than the status',
    COMMENT COLUMN IF EXISTS event_ids 'of the evidence',
    COMMENT COLUMN IF EXISTS history 'true: found in a backfill, before the policy went live',
    COMMENT COLUMN IF EXISTS value 'the record, byte for byte';

ALTER TABLE alerts_current
    MODIFY COMMENT 'The newest transition of each alert. One row an alert.',
    COMMENT COLUMN IF EXISTS severity '1 (note) to 5 (act now)',
    COMMENT COLUMN IF EXISTS status 'opened escalated cleared acknowledged assigned snoozed',
    COMMENT COLUMN IF EXISTS number 'of this transition in the life of the alert',
    COMMENT COLUMN IF EXISTS action 'what to do',
    COMMENT COLUMN IF EXISTS as_of 'the day that it is judged as of',
    COMMENT COLUMN IF EXISTS exposure 'in currency',
    COMMENT COLUMN IF EXISTS evidence 'JSON: metrics, thresholds, event_ids',
    COMMENT COLUMN IF EXISTS reason 'why it changed, where there is more to say than the status',
    COMMENT COLUMN IF EXISTS event_ids 'of the evidence',
    COMMENT COLUMN IF EXISTS history 'true: found in a backfill, before the policy went live',
    COMMENT COLUMN IF EXISTS value 'the record, byte for byte';

ALTER TABLE alerts_open
    MODIFY COMMENT 'The newest transition of each alert that has not cleared. One row an alert.',
    COMMENT COLUMN IF EXISTS severity '1 (note) to 5 (act now)',
    COMMENT COLUMN IF EXISTS status 'opened escalated cleared acknowledged assigned snoozed',
    COMMENT COLUMN IF EXISTS number 'of this transition in the life of the alert',
    COMMENT COLUMN IF EXISTS action 'what to do',
    COMMENT COLUMN IF EXISTS as_of 'the day that it is judged as of',
    COMMENT COLUMN IF EXISTS exposure 'in currency',
    COMMENT COLUMN IF EXISTS evidence 'JSON: metrics, thresholds, event_ids',
    COMMENT COLUMN IF EXISTS reason 'why it changed, where there is more to say than the status',
    COMMENT COLUMN IF EXISTS event_ids 'of the evidence',
    COMMENT COLUMN IF EXISTS history 'true: found in a backfill, before the policy went live',
    COMMENT COLUMN IF EXISTS value 'the record, byte for byte';

ALTER TABLE proposals
    MODIFY COMMENT 'Every transition of every limit proposal. One row a transition.',
    COMMENT COLUMN IF EXISTS as_of 'the day that it is judged as of',
    COMMENT COLUMN IF EXISTS status 'proposed escalated approved rejected expired superseded',
    COMMENT COLUMN IF EXISTS number 'of this transition in the life of the proposal',
    COMMENT COLUMN IF EXISTS direction 'open raise cut hold',
    COMMENT COLUMN IF EXISTS current_limit 'in currency, as the other limits; null: none',
    COMMENT COLUMN IF EXISTS effective_limit 'as decided; of a hold the limit that stands',
    COMMENT COLUMN IF EXISTS score '0 to 100',
    COMMENT COLUMN IF EXISTS binding 'the term or trigger that set the limit',
    COMMENT COLUMN IF EXISTS approver 'auto analyst manager controller',
    COMMENT COLUMN IF EXISTS categories 'JSON: the scoring matrix',
    COMMENT COLUMN IF EXISTS terms 'JSON: every term of the limit',
    COMMENT COLUMN IF EXISTS evidence 'JSON',
    COMMENT COLUMN IF EXISTS value 'the record, byte for byte';

ALTER TABLE proposals_current
    MODIFY COMMENT 'The newest transition of each limit proposal. One row a proposal.',
    COMMENT COLUMN IF EXISTS as_of 'the day that it is judged as of',
    COMMENT COLUMN IF EXISTS status 'proposed escalated approved rejected expired superseded',
    COMMENT COLUMN IF EXISTS number 'of this transition in the life of the proposal',
    COMMENT COLUMN IF EXISTS direction 'open raise cut hold',
    COMMENT COLUMN IF EXISTS current_limit 'in currency, as the other limits; null: none',
    COMMENT COLUMN IF EXISTS effective_limit 'as decided; of a hold the limit that stands',
    COMMENT COLUMN IF EXISTS score '0 to 100',
    COMMENT COLUMN IF EXISTS binding 'the term or trigger that set the limit',
    COMMENT COLUMN IF EXISTS approver 'auto analyst manager controller',
    COMMENT COLUMN IF EXISTS categories 'JSON: the scoring matrix',
    COMMENT COLUMN IF EXISTS terms 'JSON: every term of the limit',
    COMMENT COLUMN IF EXISTS evidence 'JSON',
    COMMENT COLUMN IF EXISTS value 'the record, byte for byte';

ALTER TABLE snapshots
    MODIFY COMMENT 'The figures of an account as of a day, and beside each alert and proposal: several rows a day may be.',
    COMMENT COLUMN IF EXISTS as_of 'the figures are as of the end of this day',
    COMMENT COLUMN IF EXISTS tier 'low medium high',
    COMMENT COLUMN IF EXISTS grade 'A to E',
    COMMENT COLUMN IF EXISTS score '0 to 100',
    COMMENT COLUMN IF EXISTS open_balance 'in currency, as all amounts without another note',
    COMMENT COLUMN IF EXISTS past_due 'less the disputed part, as are the ageing columns',
    COMMENT COLUMN IF EXISTS unvalued 'money facts that wait for a rate',
    COMMENT COLUMN IF EXISTS exposure 'balance and open orders, less unapplied cash and security; at least 0',
    COMMENT COLUMN IF EXISTS utilization 'exposure / limit',
    COMMENT COLUMN IF EXISTS exposure_base 'in base_currency',
    COMMENT COLUMN IF EXISTS fx_rate 'base units of one unit of currency',
    COMMENT COLUMN IF EXISTS dtp_90d 'days from invoice to payment, of the last 90 days, weighted by amount',
    COMMENT COLUMN IF EXISTS dtp_baseline 'the same over the year before those 90 days',
    COMMENT COLUMN IF EXISTS dtp_months 'the last four full months, oldest first',
    COMMENT COLUMN IF EXISTS dbt_90d 'days beyond terms, what is open and past due included, weighted by amount',
    COMMENT COLUMN IF EXISTS discounts_taken 'the last eight offered and decided, oldest first',
    COMMENT COLUMN IF EXISTS provisional 'direct debits that may still come back',
    COMMENT COLUMN IF EXISTS other 'JSON: fields that this table has no column for; empty when there is none';

ALTER TABLE snapshots_latest
    MODIFY COMMENT 'The newest figures of each account. One row an account.',
    COMMENT COLUMN IF EXISTS as_of 'the figures are as of the end of this day',
    COMMENT COLUMN IF EXISTS tier 'low medium high',
    COMMENT COLUMN IF EXISTS grade 'A to E',
    COMMENT COLUMN IF EXISTS score '0 to 100',
    COMMENT COLUMN IF EXISTS open_balance 'in currency, as all amounts without another note',
    COMMENT COLUMN IF EXISTS past_due 'less the disputed part, as are the ageing columns',
    COMMENT COLUMN IF EXISTS unvalued 'money facts that wait for a rate',
    COMMENT COLUMN IF EXISTS exposure 'balance and open orders, less unapplied cash and security; at least 0',
    COMMENT COLUMN IF EXISTS utilization 'exposure / limit',
    COMMENT COLUMN IF EXISTS exposure_base 'in base_currency',
    COMMENT COLUMN IF EXISTS fx_rate 'base units of one unit of currency',
    COMMENT COLUMN IF EXISTS dtp_90d 'days from invoice to payment, of the last 90 days, weighted by amount',
    COMMENT COLUMN IF EXISTS dtp_baseline 'the same over the year before those 90 days',
    COMMENT COLUMN IF EXISTS dtp_months 'the last four full months, oldest first',
    COMMENT COLUMN IF EXISTS dbt_90d 'days beyond terms, what is open and past due included, weighted by amount',
    COMMENT COLUMN IF EXISTS discounts_taken 'the last eight offered and decided, oldest first',
    COMMENT COLUMN IF EXISTS provisional 'direct debits that may still come back',
    COMMENT COLUMN IF EXISTS other 'JSON: fields that this table has no column for; empty when there is none';

ALTER TABLE account_status
    MODIFY COMMENT 'Every status of every account.',
    COMMENT COLUMN IF EXISTS status 'good watch hold prepay',
    COMMENT COLUMN IF EXISTS tier 'low medium high',
    COMMENT COLUMN IF EXISTS headroom 'limit less exposure',
    COMMENT COLUMN IF EXISTS other 'JSON: fields that this table has no column for; empty when there is none';

ALTER TABLE account_status_current
    MODIFY COMMENT 'The newest status of each account. One row an account.',
    COMMENT COLUMN IF EXISTS status 'good watch hold prepay',
    COMMENT COLUMN IF EXISTS tier 'low medium high',
    COMMENT COLUMN IF EXISTS headroom 'limit less exposure',
    COMMENT COLUMN IF EXISTS other 'JSON: fields that this table has no column for; empty when there is none';

ALTER TABLE decisions
    MODIFY COMMENT 'What people decided on proposals and alerts, and why what did not count was refused. One row a decision.',
    COMMENT COLUMN IF EXISTS subject_id 'the proposal_id or alert_id',
    COMMENT COLUMN IF EXISTS type 'proposal.approved proposal.rejected alert.acknowledged alert.assigned alert.snoozed',
    COMMENT COLUMN IF EXISTS role 'empty where the type has none',
    COMMENT COLUMN IF EXISTS decided_limit 'as approved',
    COMMENT COLUMN IF EXISTS owner 'of an alert, as assigned',
    COMMENT COLUMN IF EXISTS until 'up to when an alert sleeps, as sent',
    COMMENT COLUMN IF EXISTS origin_topic 'the topic that intake read it from',
    COMMENT COLUMN IF EXISTS refused 'why it did not count; empty where it did';

ALTER TABLE dead_letters
    MODIFY COMMENT 'What was refused, as it came, with origin and reason.',
    COMMENT COLUMN IF EXISTS kind 'refused (input), failed (a step that raised), unstorable (no row could be made of it)';

ALTER TABLE late
    MODIFY COMMENT 'Facts about what closed more than 400 days before: counted, not applied.',
    COMMENT COLUMN IF EXISTS kind 'late',
    COMMENT COLUMN IF EXISTS reason 'why it counts nowhere';

ALTER TABLE accounts
    MODIFY COMMENT 'Each account with its newest figures and status and its worst open alert. One row an account.',
    COMMENT COLUMN IF EXISTS open_balance 'in currency, as all amounts without another note',
    COMMENT COLUMN IF EXISTS utilization 'exposure / limit',
    COMMENT COLUMN IF EXISTS exposure_base 'in base_currency';

ALTER TABLE account_industries
    MODIFY COMMENT 'The industry of each account that has one, as its seller told it last.';

ALTER TABLE concentration
    MODIFY COMMENT 'The accounts by exposure, greatest first, each with its share of the book.',
    COMMENT COLUMN IF EXISTS place '1: the greatest exposure',
    COMMENT COLUMN IF EXISTS share 'of the book, 0 to 1',
    COMMENT COLUMN IF EXISTS share_up_to_here 'of this account and all before it';

ALTER TABLE alerts_opened_daily
    MODIFY COMMENT 'How many alerts opened, by day, trigger and severity.',
    COMMENT COLUMN IF EXISTS history 'true: found in a backfill, before the policy went live';

ALTER TABLE portfolio_weekly
    MODIFY COMMENT 'The book by week and tier, in base_currency; up to 30 s old.',
    COMMENT COLUMN IF EXISTS week 'its Monday; the figures are as of its end',
    COMMENT COLUMN IF EXISTS tier 'low medium high; none: not scored yet',
    COMMENT COLUMN IF EXISTS without_rate 'accounts without an exchange rate: no amount of theirs is in the sums',
    COMMENT COLUMN IF EXISTS days_to_pay 'dtp_90d, weighted by what was paid in those 90 days; null: nothing was',
    COMMENT COLUMN IF EXISTS paid 'that weight: add tiers up by it';

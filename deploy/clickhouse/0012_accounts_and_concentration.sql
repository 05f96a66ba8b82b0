-- Two views for lists and rankings of today: each account in one row, and how much of the book each account is.
-- They read the …_latest and …_current tables, which keep one row an account or alert, however old the book is.
CREATE VIEW IF NOT EXISTS accounts AS
SELECT
    figures.account_id AS account_id, figures.account_name AS account_name, figures.as_of AS as_of,
    status.status AS status, figures.tier AS tier, figures.grade AS grade, figures.score AS score,
    open.alerts AS open_alerts, open.severity AS worst_severity, open.trigger AS worst_trigger, open.title AS worst_title,
    figures.currency AS currency, figures.open_balance AS open_balance, figures.past_due AS past_due,
    figures.past_due_61 AS past_due_61, figures.past_due_91 AS past_due_91, figures.exposure AS exposure,
    figures.credit_limit AS credit_limit, figures.utilization AS utilization, status.headroom AS headroom,
    figures.dtp_90d AS dtp_90d, figures.dtp_baseline AS dtp_baseline, figures.dbt_90d AS dbt_90d,
    figures.pay_index AS pay_index, figures.exposure_base AS exposure_base, figures.base_currency AS base_currency
FROM snapshots_latest AS figures
LEFT JOIN account_status_current AS status ON status.account_id = figures.account_id
LEFT JOIN (
    SELECT
        account_id, count() AS alerts, max(alerts_current.severity) AS severity,
        argMax(alerts_current.trigger, (alerts_current.severity, alerts_current.as_of, alert_id)) AS trigger,
        argMax(alerts_current.title, (alerts_current.severity, alerts_current.as_of, alert_id)) AS title
    FROM alerts_current
    WHERE alerts_current.status != 'cleared' AND NOT history
    GROUP BY account_id
) AS open ON open.account_id = figures.account_id;

-- share: of the book's exposure in base currency. Accounts without an exchange rate or without exposure are not in it.
CREATE VIEW IF NOT EXISTS concentration AS
SELECT
    place, account_id, account_name, tier, exposure_base, base_currency,
    toFloat64(exposure_base) / book AS share,
    sum(toFloat64(exposure_base)) OVER (ORDER BY place ROWS UNBOUNDED PRECEDING) / book AS share_up_to_here
FROM (
    SELECT
        account_id, account_name, tier, exposure_base, base_currency,
        row_number() OVER (ORDER BY exposure_base DESC, account_id) AS place,
        sum(toFloat64(exposure_base)) OVER () AS book
    FROM snapshots_latest
    WHERE exposure_base > 0
);

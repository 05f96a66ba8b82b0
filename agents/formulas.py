"""FORMULAS: what each figure is, in one table: how it is computed, its unit and the section of domain.md that defines it.

Words only, for people; what computes the figures is agents/measure.py, agents/limits.py and the rules of agents/triggers.py.
A test holds this table against every figure that a record shows.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from agents.policy import Policy

Unit = Literal["days", "money", "base", "share", "ratio", "count", "points", "date", "flag", "text", "rows"]
"""money: the account's currency; base: the base currency; share: 0.8 is 80 %; points: 0–100; rows: a list of facts."""


class Formula(NamedTuple):
    """`text` names numbers of the policy in braces, `{p.figures.dso_days}`; stated() puts those in force in."""

    text: str
    unit: Unit
    section: str

    def stated(self, policy: Policy) -> str:
        return self.text.format(p=policy)


_BALANCE: Final = "1, Balance and exposure"
_DTP: Final = "1, Days to pay"
_LATE: Final = "1, A customer that stops paying must look worse at once"
_AGEING: Final = "1, Ageing"
_DSO: Final = "1, DSO"
_MONEY: Final = "1, Money"
_REVERSAL: Final = "1, Reversal"
_DRIFT: Final = "3, Drift with few observations"
_TRIGGERS: Final = "4, Triggers"
_LIMITS: Final = "5, Limits"
_STATEMENTS: Final = "6, Statements"
_NEWS: Final = "7, News"

FORMULAS: Final[dict[str, Formula]] = {
    # --- of agents.figures.Figures, in its order ---
    "as_of": Formula("D, the day at whose end the figures are taken", "date", "1, Days and windows"),
    "currency": Formula("of account.opened; until then of the earliest money fact", "text", _MONEY),
    "open_balance": Formula(
        "invoiced − cash applied − discounts granted with it − credit memos − write-offs + reversals", "money", _BALANCE
    ),
    "past_due": Formula("Σ clean open amounts with D > due date; disputed parts left out", "money", _AGEING),
    "past_due_over_10": Formula("Σ clean open amounts with D − due date > 10", "money", _AGEING),
    "past_due_61": Formula("Σ clean open amounts with D − due date ≥ 61", "money", _AGEING),
    "past_due_91": Formula("Σ clean open amounts with D − due date ≥ 91", "money", _AGEING),
    "max_days_past_due": Formula("the greatest D − due date of the clean open invoices", "days", _AGEING),
    "unapplied": Formula("cash received and not yet applied to an invoice", "money", _BALANCE),
    "disputed": Formula("Σ open disputes, each at most what is open on its invoice", "money", _AGEING),
    "unvalued": Formula("money facts in a currency that no rate converts", "count", _MONEY),
    "open_orders": Formula("Σ orders booked, less what was invoiced on them or closed", "money", _BALANCE),
    "security": Formula("Σ unexpired letters of credit, deposits and insurance", "money", _BALANCE),
    "gross_exposure": Formula("open balance + open orders", "money", _BALANCE),
    "exposure": Formula(
        "open balance + open orders − unapplied cash − unexpired security, at least 0", "money", _BALANCE
    ),
    "credit_limit": Formula("the latest limit set or approved, by (occurred_at, event_id)", "money", "2"),
    "utilization": Formula("exposure / credit limit", "share", _BALANCE),
    "utilization_28d_ago": Formula("exposure / credit limit at D − {p.figures.rising_days}", "share", _BALANCE),
    "rising": Formula("utilization > that of D − {p.figures.rising_days} (none then: 0)", "flag", _BALANCE),
    "ageing": Formula("clean open amounts by D − due date: ≤ 0, 1–30, 31–60, 61–90, 91+", "rows", _AGEING),
    "ageing_disputed": Formula("disputed open amounts by D − due date", "rows", _AGEING),
    "high_credit": Formula("peak end-of-day balance in {p.figures.high_credit_days} days", "money", _BALANCE),
    "prior_high_credit": Formula(
        "peak end-of-day balance in the {p.figures.high_credit_days} days before D", "money", _BALANCE
    ),
    "peak_utilization_90d": Formula(
        "the greatest end-of-day utilization in {p.figures.peak_utilization_days} days", "share", _BALANCE
    ),
    "exposure_base": Formula("exposure × rate of D", "base", _MONEY),
    "fx_rate": Formula("base units of one unit of the account's currency, newest rate ≤ D", "text", _MONEY),
    "fx_as_of": Formula("the day of that rate", "date", _MONEY),
    "fx_driven": Formula("exposure, or the limit in its currency, differs from the day before by rates alone", "flag", _MONEY),
    "dtp_30d": Formula("Σ amount·(paid − invoiced) / Σ amount, {p.figures.short_days} d", "days", _DTP),
    "dtp_90d": Formula("Σ amount·(paid − invoiced) / Σ amount, {p.figures.mid_days} d", "days", _DTP),
    "dtp_365d": Formula("Σ amount·(paid − invoiced) / Σ amount, {p.figures.long_days} d", "days", _DTP),
    "dtp_baseline": Formula(
        "the same over (D−{p.figures.baseline_from_days}, D−{p.figures.baseline_to_days}], "
        "≥ {p.figures.runs_for_baseline} runs", "days", _DTP
    ),
    "dtp_mean_30d": Formula("simple mean of paid on − invoice date, {p.figures.short_days} days", "days", _DTP),
    "dtp_mean_90d": Formula("simple mean of paid on − invoice date, {p.figures.mid_days} days", "days", _DTP),
    "dtp_mean_365d": Formula("simple mean of paid on − invoice date, {p.figures.long_days} days", "days", _DTP),
    "dtp_p90_30d": Formula("90th percentile of paid on − invoice date, {p.figures.short_days} days", "days", _DTP),
    "dtp_p90_90d": Formula("90th percentile of paid on − invoice date, {p.figures.mid_days} days", "days", _DTP),
    "dtp_p90_365d": Formula("90th percentile of paid on − invoice date, {p.figures.long_days} days", "days", _DTP),
    "dbt_30d": Formula("as dbt_90d, for what fell due in {p.figures.short_days} days", "days", _LATE),
    "dbt_90d": Formula(
        "Σ amount·(paid, else D, − due) / Σ amount; due in {p.figures.mid_days} days, and all open past due", "days",
        _LATE,
    ),
    "dbt_365d": Formula("as dbt_90d, for what fell due in {p.figures.long_days} days", "days", _LATE),
    "dbt_baseline": Formula(
        "the same, due in (D−{p.figures.baseline_from_days}, D−{p.figures.baseline_to_days}]", "days", _DTP
    ),
    "dbt_disputed_90d": Formula("Σ amount·(D − due date) / Σ amount over disputed parts past due", "days", _LATE),
    "paid_30d": Formula("Σ cash applied to invoices, paid in {p.figures.short_days} days", "money", _DTP),
    "paid_90d": Formula("Σ cash applied to invoices, paid in {p.figures.mid_days} days", "money", _DTP),
    "paid_365d": Formula("Σ cash applied to invoices, paid in {p.figures.long_days} days", "money", _DTP),
    "payment_runs": Formula("days with payments in (D−{p.figures.baseline_from_days}, D]", "count", _DRIFT),
    "payment_runs_365d": Formula("days with payments in {p.figures.long_days} days", "count", _DRIFT),
    "drift_test": Formula("the test that the number of payment runs asks for", "text", _DRIFT),
    "drift_agrees": Formula(
        "the test's statistic exceeds its limit (below {p.drift.theil_sen_from_runs} runs: no test)", "flag", _DRIFT
    ),
    "drift_statistic": Formula("lower slope, EWMA or CUSUM of the runs", "days", _DRIFT),
    "drift_limit": Formula("what the statistic is held against, from the baseline's runs", "days", _DRIFT),
    "dtp_months": Formula("dtp of the last four full calendar months, oldest first", "rows", _DTP),
    "dso": Formula("open balance / sales net of memos and voids × {p.figures.dso_days}", "days", _DSO),
    "dso_best_possible": Formula("current bucket / sales × {p.figures.dso_days}", "days", _DSO),
    "dso_countback": Formula("newest months' sales subtracted until the balance is used up", "days", _DSO),
    "average_days_delinquent": Formula("DSO − best possible DSO", "days", _DSO),
    "collection_effectiveness": Formula(
        "(begin AR + sales − end AR) / (begin AR + sales − end current AR) × 100", "points", _DSO
    ),
    "pay_index": Formula(
        "the policy's points by days beyond terms, from {p.figures.pay_index[0][1]:g} at {p.figures.pay_index[0][0]:g}; "
        "weighted by amount, {p.figures.long_days} days", "points",
        "1, DSO (pay index)",
    ),
    "kaplan_meier_median": Formula("days by which half of what was invoiced is paid; may not exist", "days", _LATE),
    "kaplan_meier_restricted_mean": Formula("∫ S from 0 to {p.figures.kaplan_meier_tau_days} days", "days", _LATE),
    "overdue_surprise": Formula(
        "p = (unpaid + ½) / (n + 1), of the n invoices that reached this age; the least, of one that alerts where any does",
        "share", _LATE,
    ),
    "overdue_surprise_n": Formula("n: the account's invoices that reached this age", "count", _LATE),
    "overdue_surprise_days": Formula("D − due date of the invoice behind p", "days", _LATE),
    "first_invoice_on": Formula("the first invoice's date", "date", _LIMITS),
    "monthly_purchases": Formula(
        "invoiced net of memos and voids over {p.figures.monthly_purchases_days} days / days since the first invoice × 30",
        "money", _LIMITS,
    ),
    "purchases_30d": Formula("invoiced net of memos and voids in {p.figures.purchases_days} days", "money", _TRIGGERS),
    "purchases_prior_90d": Formula("the same of the {p.figures.purchases_prior_days} days before", "money", _TRIGGERS),
    "invoices_prior_90d": Formula("invoices of those {p.figures.purchases_prior_days} days", "count", _TRIGGERS),
    "reversals_90d": Formula("payments returned in {p.figures.reversals_days} days", "count", _REVERSAL),
    "promises_broken_60d": Formula(
        "promises broken in {p.figures.promises_recent_days} days: less than {p.figures.promise_kept_share:g} of it paid by "
        "the day + {p.figures.promise_grace_business_days} business days", "count", _REVERSAL,
    ),
    "promises_broken": Formula("promises broken in {p.figures.long_days} days", "count", _REVERSAL),
    "partial_of_last_5": Formula("of the last five paid invoices, those paid in parts", "count", _TRIGGERS),
    "discounts_taken": Formula("the last eight discounts offered, taken or not, oldest first", "rows", _TRIGGERS),
    "disputed_share_baseline": Formula(
        "disputed / invoiced over (D−{p.figures.baseline_from_days}, D−{p.figures.baseline_to_days}]", "share", _TRIGGERS
    ),
    "last_payment_on": Formula("the newest payment's date", "date", _LIMITS),
    "first_due_on": Formula("the first due date", "date", _LIMITS),
    "late_share_182d": Formula("share of what fell due in {p.figures.first_payments_days} days that was late", "share", _LATE),
    "worst_dbt_182d": Formula(
        "the greatest clean DBT of what fell due in {p.figures.first_payments_days} days, open ones at D − due", "days",
        _LIMITS,
    ),
    "provisional": Formula("direct debits of {p.figures.provisional_days} days, still reversible", "count", _REVERSAL),
    # --- that triggers make of them ---
    "rise_days": Formula("last month's days to pay − those three months before", "days", _TRIGGERS),
    "rises_in_a_row": Formula("months in a row in which days to pay rose", "count", _TRIGGERS),
    "invoices_observed": Formula("n: the account's invoices that reached this age", "count", _LATE),
    "days_past_due": Formula("D − due date of the invoice behind p", "days", _LATE),
    "past_due_share": Formula(
        "(clean open amounts > 10 days past due − unapplied cash) / open balance", "share", _TRIGGERS
    ),
    "past_due_61_net": Formula("clean open amounts ≥ 61 days past due − unapplied cash", "money", _TRIGGERS),
    "past_due_91_net": Formula("clean open amounts ≥ 91 days past due − unapplied cash", "money", _TRIGGERS),
    "disputed_share": Formula("disputed / open balance", "share", _TRIGGERS),
    "missed_in_a_row": Formula("newest discounts in a row that were not taken", "count", _TRIGGERS),
    "taken_before": Formula(
        "taken among the {p.triggers.discounts_abandoned.of_before} discounts before those", "count", _TRIGGERS
    ),
    "growth": Formula(
        "purchases of {p.figures.purchases_days} days / those of as many days, on average of the "
        "{p.figures.purchases_prior_days} days before, − 1", "share",
        _TRIGGERS,
    ),
    "dbt_over_baseline": Formula("dbt_90d − dbt_baseline", "days", _TRIGGERS),
    "history_days": Formula("D − the first invoice's date", "days", _TRIGGERS),
    "share_of_book": Formula("exposure / the whole book's at the previous tick, in base currency", "share", _TRIGGERS),
    "book_exposure": Formula("Σ exposure of all accounts at the previous tick", "base", _TRIGGERS),
    "book_accounts": Formula("accounts with an exposure at the previous tick", "count", _TRIGGERS),
    "book_as_of": Formula("the day of that tick", "date", _TRIGGERS),
    # --- of what others say ---
    "agency": Formula("the agency whose newest report fell furthest", "text", _TRIGGERS),
    "bureau_downgrade.score": Formula("its newest score, 0–100, 100 the best", "points", _TRIGGERS),
    "best_score": Formula("its best of {p.bureau.best_days} days", "points", _TRIGGERS),
    "score_reported": Formula("as the agency states it, on its own scale", "text", _TRIGGERS),
    "rating_class": Formula("its newest rating class", "text", _TRIGGERS),
    "fall_points": Formula("best score of {p.bureau.best_days} days − newest", "points", _TRIGGERS),
    "fall_classes": Formula("classes between the best of {p.bureau.best_days} days and the newest", "count", _TRIGGERS),
    "report_age_days": Formula("D − the report's date", "days", _TRIGGERS),
    "recommended_limit": Formula("the agency's newest recommended limit", "text", _TRIGGERS),
    "best_recommended_limit": Formula("its greatest of {p.bureau.best_days} days", "text", _TRIGGERS),
    "cut": Formula("1 − newest recommended limit / greatest of {p.bureau.best_days} days", "share", _TRIGGERS),
    "filings": Formula("liens, judgments and suits on file, not released or satisfied", "rows", _TRIGGERS),
    "amount_base": Formula(
        "the claim in base currency; at least {p.triggers.legal_filing.base_amount:,}, or the share of tangible net worth",
        "base", _TRIGGERS,
    ),
    "charges": Formula("secured charges registered and not satisfied", "count", _TRIGGERS),
    "filing_ids": Formula("their ids", "rows", _TRIGGERS),
    "filed_on": Formula("their dates", "rows", _TRIGGERS),
    "news_score": Formula("severity × match confidence × source trust × 2^(−age / half-life)", "points", _NEWS),
    "category": Formula("given with the article, else told from the headline", "text", _NEWS),
    "headline": Formula("of the first copy", "text", _NEWS),
    "category_severity": Formula("the category's severity in the policy; litigation by claim / equity", "count", _NEWS),
    "confidence": Formula("that the article is about this account, the best of the copies", "share", _NEWS),
    "trust": Formula("of the domain, the best of the copies", "share", _NEWS),
    "age_days": Formula("D − the first copy's date", "days", _NEWS),
    "corroborated": Formula("a registry or court source, or two independent domains", "flag", _NEWS),
    "copies": Formula("articles that are this one story", "count", _NEWS),
    "domains": Formula("where they stand, the first five", "rows", _NEWS),
    "events": Formula("registry or court events of insolvency, not discharged", "count", _TRIGGERS),
    "matches": Formula("screening matches that no person has cleared", "rows", _TRIGGERS),
    "statement_id": Formula("the newest statement that passes its checks", "text", _STATEMENTS),
    "period_end": Formula("the end of its period", "date", _STATEMENTS),
    "stale_after": Formula("period end + {p.statements.stale_months} months", "date", _STATEMENTS),
    "tier": Formula("of the tick before: by grade and the worst condition that holds", "text", _LIMITS),
    "related": Formula("open alerts of the parent or a sibling, severity ≥ {p.triggers.related_party_distress.their_severity}",
                       "rows", _TRIGGERS),
    "related_severity": Formula("the greatest severity of the related accounts' open alerts", "count", _TRIGGERS),
    "related_party_distress.severity": Formula("of a related account's open alert", "count", _TRIGGERS),
    "stale_months": Formula("months after which a statement is stale", "count", _STATEMENTS),
    "uncorroborated_cap": Formula("the score of a story without official or second source, at most", "points", _NEWS),
    # --- of the score and the proposal ---
    "score": Formula("Σ weight × points / Σ weight over the categories that are known", "points", _LIMITS),
    "grade": Formula(
        "A from {p.limits.grades.A.from_score:g}, B {p.limits.grades.B.from_score:g}, C {p.limits.grades.C.from_score:g}, "
        "D {p.limits.grades.D.from_score:g}, else E; capped where a category is missing", "text", _LIMITS
    ),
    "own_payments": Formula(
        "pay index, {p.limits.score.own_payments.worst:g} → 0 and {p.limits.score.own_payments.best:g} → 100, from "
        "{p.limits.score.own_payments.runs} runs", "points", _LIMITS
    ),
    "financials": Formula("mean of the ratios' points, bad → 0 and good → 100", "points", _LIMITS),
    "bureau": Formula("mean of the agencies' newest, ≤ {p.bureau.score_days} days old", "points", _LIMITS),
    "references": Formula(
        "median days beyond terms, {p.limits.score.references.worst:g} → 0 and {p.limits.score.references.best:g} → 100",
        "points", _LIMITS,
    ),
    "tenure": Formula(
        "0 → {p.limits.score.tenure.best_years:g} years; missing under {p.limits.score.tenure.from_years:g}", "points", _LIMITS
    ),
    "events_points": Formula(
        "100 − {p.limits.score.events.points_per_severity:g} × the worst fact on file", "points", _LIMITS
    ),
    "first_due_days": Formula("D − the first due date", "days", _LIMITS),
    "last_payment_days": Formula("D − the newest payment's date", "days", _LIMITS),
    "stale_bureau": Formula("the newest report is older than {p.bureau.stale_days} days", "flag", _LIMITS),
    "stale_statement": Formula("the newest statement is older than {p.statements.stale_months} months", "flag", _LIMITS),
    "terms_days": Formula("the account's terms; {p.figures.default_terms_days} where it states none", "days", _LIMITS),
    "need": Formula("monthly purchases × (⌈terms days / {p.limits.cycle_days}⌉ + 1)", "money", _LIMITS),
    "grade_multiplier": Formula("of the grade", "ratio", _LIMITS),
    "worst_fact": Formula("the greatest severity among the facts that hold", "count", _LIMITS),
    "grade_caps": Formula("what held the grade down", "rows", _LIMITS),
    "term.need": Formula("need × the grade's multiplier", "money", _LIMITS),
    "term.net_worth": Formula("{p.limits.net_worth_share:.0%} of tangible net worth", "money", _LIMITS),
    "term.references": Formula("median high credit of the references", "money", _LIMITS),
    "term.agency": Formula("newest agency limit × its multiplier", "money", _LIMITS),
    "term.raise_cap": Formula("current limit × {p.limits.raise_.times_current:g}", "money", _LIMITS),
    "term.grade": Formula("0: the grade's multiplier is 0", "money", _LIMITS),
    "proposed_limit": Formula(
        "the least term, rounded down to {p.limits.significant_digits} significant digits", "money", _LIMITS
    ),
}  # fmt: skip
"""Figure -> its formula. `trigger.name` stands before `name` where a trigger means something of its own by it."""


def formula_of(name: str, trigger: str = "") -> Formula:
    """The formula of a figure as this trigger shows it; a level named `clear_…` or `…_repeated` is the figure's own."""
    for key in (f"{trigger}.{name}", name, name.removeprefix("clear_"), name.removesuffix("_repeated")):
        if key in FORMULAS:
            return FORMULAS[key]
    raise KeyError(f"{name} (of {trigger or 'no trigger'}) has no formula: add it to agents/formulas.py")

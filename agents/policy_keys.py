"""Where in the policy a level comes from: the dotted keys behind what an alert shows, and the value at a key.

For explaining only. What the policy may say, and what is refused, is agents/policy.py and its sections.
"""

from __future__ import annotations

from typing import Any, Final

from agents.policy import Policy

_ALIASES: Final = {"raise": "raise_", "from": "from_score"}  # keys that are no names in Python


def policy_value(policy: Policy, key: str) -> Any:
    """The value at a dotted key of the policy file."""
    value: Any = policy
    for part in key.split("."):
        name = _ALIASES.get(part, part)
        value = value[name] if isinstance(value, dict) else getattr(value, name)
    return value


_DRIFT_KEYS: Final = ("days_over_baseline", "times_baseline")


def threshold_keys(trigger_id: str, name: str) -> tuple[str, ...]:
    """Where in the policy a level of this trigger's evidence comes from, as dotted keys; none: the rule itself says it."""
    keys = _THRESHOLDS.get((trigger_id, name))
    if keys is None:
        raise KeyError(f"{trigger_id} shows a level {name} without a source: add it to agents/policy_keys.py")
    return tuple(key if "." in key else f"triggers.{trigger_id}.{key}" for key in keys)


def _drift_thresholds(trigger_id: str) -> dict[tuple[str, str], tuple[str, ...]]:
    return {
        (trigger_id, "dtp_90d"): _DRIFT_KEYS,
        (trigger_id, "dbt_90d"): ("dbt_over_baseline",),
        (trigger_id, "clear_dtp_90d"): ("clear_days_over_baseline",),
        (trigger_id, "drift_statistic"): ("drift.ewma_limit", "drift.cusum_h", "drift.sigma_floor_days"),
    }


_THRESHOLDS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    **_drift_thresholds("payment_drift"),
    **_drift_thresholds("payment_drift_severe"),
    ("slipping_each_month", "rise_days"): ("days_in_all",),
    ("slipping_each_month", "rises_in_a_row"): (),
    ("overdue_surprise", "overdue_surprise"): ("p_below",),
    ("overdue_surprise", "invoices_observed"): ("invoices_at_least",),
    ("overdue_surprise", "days_past_due"): ("days_past_due",),
    ("past_due_share", "past_due_share"): ("share_over",),
    ("past_due_share", "clear_past_due_share"): ("clear_share",),
    ("seriously_past_due", "past_due_61"): ("base_amount",),
    ("seriously_past_due", "clear_past_due_61"): (),
    ("delinquent", "past_due_91"): ("base_amount", "share_of_balance"),
    ("delinquent", "clear_past_due_91"): (),
    ("utilization_high", "utilization"): ("utilization",),
    ("utilization_high", "rising"): ("figures.rising_days",),
    ("utilization_high", "clear_utilization"): ("clear_utilization",),
    ("over_limit", "utilization"): ("utilization",),
    ("over_limit", "clear_utilization"): ("clear_utilization",),
    ("exposure_without_limit", "exposure"): (),
    ("exposure_without_limit", "credit_limit"): (),
    ("order_surge", "growth"): ("growth",),
    ("order_surge", "invoices_prior_90d"): ("invoices_before",),
    ("order_surge", "dbt_90d"): ("dbt_over_baseline",),
    ("purchases_collapse", "growth"): ("fall",),
    ("purchases_collapse", "invoices_prior_90d"): ("invoices_before",),
    ("purchases_collapse", "clear_growth"): ("clear_fall",),
    ("new_high_credit", "open_balance"): ("times_peak",),
    ("new_high_credit", "utilization"): ("utilization",),
    ("new_high_credit", "history_days"): ("history_days",),
    ("payment_reversed", "reversals_90d"): (),
    ("payment_reversed", "reversals_90d_repeated"): ("repeated",),
    ("promise_broken", "promises_broken_60d"): (),
    ("promise_broken", "promises_broken_60d_repeated"): ("repeated",),
    ("partial_payments", "partial_of_last_5"): ("of_last_five",),
    ("partial_payments", "clear_partial_of_last_5"): ("clear_of_last_five",),
    ("dispute_spike", "disputed"): ("base_amount",),
    ("dispute_spike", "disputed_share"): ("share_over", "times_base_rate", "base_rate_floor"),
    ("dispute_spike", "clear_disputed_share"): ("clear_share", "times_base_rate", "base_rate_floor"),
    ("discounts_abandoned", "missed_in_a_row"): ("missed_in_a_row",),
    ("discounts_abandoned", "taken_before"): ("taken_before", "of_before"),
    ("bureau_downgrade", "fall_points"): ("points",),
    ("bureau_downgrade", "fall_classes"): ("classes",),
    ("bureau_downgrade", "clear_fall_points"): ("clear_points",),
    ("agency_limit_cut", "cut"): ("cut",),
    ("agency_limit_cut", "clear_cut"): (),
    ("legal_filing", "amount_base"): ("base_amount", "share_of_net_worth"),
    ("new_charge", "charges"): (),
    ("adverse_news", "news_score"): ("score",),
    ("adverse_news", "clear_news_score"): ("clear_score",),
    ("adverse_news", "uncorroborated_cap"): ("news.uncorroborated_cap",),
    ("insolvency", "events"): (),
    ("sanctions_match", "matches"): (),
    ("statements_stale", "stale_months"): ("statements.stale_months",),
    ("statements_stale", "stale_after"): ("statements.stale_months",),
    ("related_party_distress", "severity"): ("their_severity",),
    ("concentration", "share_of_book"): ("share_over",),
    ("concentration", "clear_share_of_book"): ("clear_share",),
    ("concentration", "book_accounts"): ("book_accounts",),
}
"""(trigger, level) -> the policy's keys; without a dot they are the trigger's own."""

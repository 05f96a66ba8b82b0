"""The policy file: whole as shipped, refused with key, line and reason when it is not, and its hash."""

from __future__ import annotations

import re

import pytest

from agents.calendar import months_after
from agents.policy import Policy
from agents.policy_text import PolicyError, load_policy, policy_hash
from tests.rules import POLICY, POLICY_TEXT, TODAY


def line_of(start: str) -> int:
    return next(n for n, line in enumerate(POLICY_TEXT.splitlines(), 1) if line.startswith(start))


HIGH_TIER = POLICY_TEXT[POLICY_TEXT.index("[tiers.high]") : POLICY_TEXT.index("[status]")]

REFUSED: dict[str, tuple[str, str, str, str | None, str]] = {
    "a clear level above the fire level": (
        "clear_utilization = 0.70",
        "clear_utilization = 0.90",
        "triggers.utilization_high.clear_utilization",
        "clear_utilization = 0.70",
        "must be below utilization",
    ),
    "a clear level that is the fire level": (
        "clear_share = 0.12",
        "clear_share = 0.20",
        "triggers.past_due_share.clear_share",
        "clear_share = 0.12",
        "must be below share_over",
    ),
    "an unknown key": (
        "share_over = 0.20",
        "share_ower = 0.20",
        "triggers.past_due_share.share_ower",
        "share_over = 0.20",
        "unknown key",
    ),
    "an unknown table": ("[tiers.low]", "[tears.low]", "tears", "[tiers.low]", "unknown key"),
    "a missing tier": (HIGH_TIER, "", "tiers.high", "[tiers.low]", "missing"),
    "a missing number": ("rising_days = 28", "# rising_days", "figures.rising_days", "[figures]", "missing"),
    "approver bands out of order": (
        "analyst_up_to = 25_000",
        "analyst_up_to = 250_000",
        "approval.analyst_up_to",
        "analyst_up_to = 25_000",
        "must not be above manager_up_to",
    ),
    "grades out of order": (
        "C = { from = 50",
        "C = { from = 70",
        "limits.grades.C.from",
        "C = { from = 50",
        "must be below that of B",
    ),
    "a worse grade with a greater limit": (
        "multiplier = 0.6",
        "multiplier = 1.1",
        "limits.grades.C.multiplier",
        "C = { from = 50",
        "must not be above that of B",
    ),
    "a severity of 6": (
        "severity = 5\nbase_amount = 500",
        "severity = 6\nbase_amount = 500",
        "triggers.delinquent.severity",
        None,
        "must not be above 5, not 6",
    ),
    "a grade in two tiers": (
        'grades = ["D", "E"] # or',
        'grades = ["B", "E"] # or',
        "tiers.high.grades",
        None,
        "low.grades",
    ),
    "tiers that overlap by severity": (
        "severity_at_most = 2",
        "severity_at_most = 4",
        "tiers.low.severity_at_most",
        "severity_at_most",
        "severity_from",
    ),
    "severe drift below drift": (
        "days_over_baseline = 7.0",
        "days_over_baseline = 16.0",
        "triggers.payment_drift_severe.days_over_baseline",
        None,
        "supersedes",
    ),
    "a category that is no category": (
        "layoffs = {",
        "layofs = {",
        "news.categories.layofs",
        "layoffs = {",
        "taxonomy",
    ),
    "a category left out": (
        "layoffs = { severity = 3, half_life_days = 120 }\n",
        "",
        "news.categories",
        "[news.categories]",
        "layoffs is missing",
    ),
    "a baseline window upside down": (
        "baseline_to_days = 90",
        "baseline_to_days = 500",
        "figures.baseline_to_days",
        "baseline_to_days",
        "empty",
    ),
    "a currency that is none": (
        'base_currency = "USD"',
        'base_currency = "USX"',
        "base_currency",
        "base_currency",
        "no ISO 4217 code",
    ),
    "a time zone that is none": (
        'time_zone = "UTC"',
        'time_zone = "Mars"',
        "time_zone",
        "time_zone",
        "no time zone",
    ),
    "a date that is none": (
        "# live_from = 2026-01-01",
        'live_from = "soon"',
        "live_from",
        "# live_from",
        "2026-01-01",
    ),
    "a rate that is a float": (
        '# "2026-01-01" = { EUR = "1.0842" }',
        '"2026-01-01" = { EUR = 1.0842 }',
        "rates.2026-01-01",
        '# "2026-01-01"',
        "decimal string",
    ),
    "a rate of nothing": (
        '# "2026-01-01" = { EUR = "1.0842" }',
        '"2026-01-01" = { EUR = "0" }',
        "rates.2026-01-01",
        '# "2026-01-01"',
        "above 0",
    ),
    "a holiday that is no date": (
        "DE = [\n    2018-01-01",
        'DE = [\n    "x"',
        "holidays.DE",
        "DE = [",
        "list of dates",
    ),
    "NaN": ("stale_weight = 0.5", "stale_weight = nan", "bureau.stale_weight", "stale_weight", "nan"),
    "true for a count": (
        "ticks_in_a_row = 2",
        "ticks_in_a_row = true",
        "alerts.ticks_in_a_row",
        "ticks_in_a_row",
        "write a number, not true",
    ),
    "a number in quotation marks": (
        "ticks_in_a_row = 2",
        'ticks_in_a_row = "2"',
        "alerts.ticks_in_a_row",
        "ticks_in_a_row",
        'write a number, not "2"',
    ),
    "true for a share": (
        "share_over = 0.20",
        "share_over = true",
        "triggers.past_due_share.share_over",
        "share_over = 0.20",
        "write a number, not true",
    ),
    "true in a scale": (
        "[0, 80]",
        "[true, 80]",
        "figures.pay_index.2.0",
        "pay_index",
        "write a number, not true",
    ),
    "a number for yes": (
        "demands_statements = true",
        "demands_statements = 1",
        "tiers.high.demands_statements",
        None,
        "write true or false",
    ),
    "a pay index that rises with lateness": (
        "[0, 80]",
        "[0, 95]",
        "figures.pay_index",
        "pay_index",
        "must fall",
    ),
    "a pay index over thousands of years": (
        "[150, 0]",
        "[1e7, 0]",
        "figures.pay_index.9.0",
        "pay_index",
        "must not be above 3650",
    ),
    "a window longer than balances are kept": (
        "high_credit_days = 365",
        "high_credit_days = 730",
        "figures.high_credit_days",
        "high_credit_days",
        "balances are kept for so many days",
    ),
    "a window longer than invoices are kept": (
        "first_payments_days = 182",
        "first_payments_days = 500",
        "figures.first_payments_days",
        "first_payments_days",
        "must not be above 455: closed invoices are kept",
    ),
    "two windows in a row that are longer": (
        "purchases_prior_days = 90",
        "purchases_prior_days = 430",
        "figures.purchases_prior_days",
        "purchases_prior_days",
        "with purchases_days",
    ),
    "recent promises of longer than a year": (
        "promises_recent_days = 60",
        "promises_recent_days = 400",
        "figures.promises_recent_days",
        "promises_recent_days",
        "must not be above long_days",
    ),
    "a slope of a single run": (
        "theil_sen_from_runs = 4",
        "theil_sen_from_runs = 1",
        "drift.theil_sen_from_runs",
        "theil_sen_from_runs",
        "must not be below 2",
    ),
    "an infinite weight": (
        "weight = 25",
        "weight = inf",
        "limits.score.financials.weight",
        None,
        "must not be above 1000, not inf",
    ),
    "a level that nothing reaches": (
        "utilization = 1.00",
        "utilization = 1e300",
        "triggers.over_limit.utilization",
        None,
        "must not be above 1000",
    ),
    "an alert that never clears": (
        "clear_share = 0.12",
        "clear_share = 0",
        "triggers.past_due_share.clear_share",
        "clear_share = 0.12",
        "must be above 0",
    ),
    "a pay index that scores the late payer best": (
        "worst = 40.0",
        "worst = 90.0",
        "limits.score.own_payments.worst",
        "worst = 40.0",
        "must be below best",
    ),
    "references that score the late payer best": (
        "worst = 30.0",
        "worst = -5",
        "limits.score.references.worst",
        "worst = 30.0",
        "must be above best",
    ),
    "a ratio that scores the weak balance sheet best": (
        "current_ratio = [1.0, 1.5]",
        "current_ratio = [1.5, 1.0]",
        "limits.score.financials.current_ratio",
        "current_ratio",
        "more is better",
    ),
    "debts that score the indebted best": (
        "liabilities_to_net_worth = [4.0, 2.0]",
        "liabilities_to_net_worth = [2.0, 4.0]",
        "limits.score.financials.liabilities_to_net_worth",
        "liabilities_to_net_worth",
        "more is worse",
    ),
    "a grade left out of the low tier": (
        'grades = ["A", "B"] # and',
        'grades = ["B"] # and',
        "tiers.low.grades",
        'grades = ["A", "B"]',
        "A is better and left out",
    ),
    "prepayment for the second worst alone": (
        'prepay_grades = ["E"]',
        'prepay_grades = ["D"]',
        "status.prepay_grades",
        "prepay_grades",
        "E is worse and left out",
    ),
    "cuts for the best": (
        'grades = ["D", "E"]\nseverity = 4',
        'grades = ["A"]\nseverity = 4',
        "limits.cut.grades",
        None,
        "E is worse and left out",
    ),
    "nothing known of an account makes a better grade than a gap": (
        'no_substance_caps_grade = "D"',
        'no_substance_caps_grade = "A"',
        "limits.no_substance_caps_grade",
        "no_substance_caps_grade",
        "must not be better",
    ),
    "a cut to zero that is less than a cut": (
        "severity_zero = 5",
        "severity_zero = 2",
        "triggers.agency_limit_cut.severity",
        None,
        "must not be above severity_zero",
    ),
    "a possible match that is graver than a confirmed one": (
        "severity = 5\nseverity_possible = 3",
        "severity = 2\nseverity_possible = 3",
        "triggers.sanctions_match.severity_possible",
        "severity_possible",
        "must not be above severity",
    ),
    "a rate of the base currency": (
        '# "2026-01-01" = { EUR = "1.0842" }',
        '"2026-01-01" = { USD = "0.9223" }',
        "rates.2026-01-01",
        '# "2026-01-01"',
        "USD is the base currency",
    ),
    "a domain that is never looked up": (
        '"ft.com"',
        '"www.FT.com"',
        "news.trust.www.FT.com",
        '"ft.com"',
        "small letters",
    ),
    "a domain without quotation marks": (
        '"ft.com"',
        "ft.com",
        "news.trust.ft",
        '"ft.com"',
        "quotation marks",
    ),
    "a half-life of a million years": (
        "half_life_days = 270 } # or an",
        "half_life_days = 4e8 } # or an",
        "news.categories.fraud.half_life_days",
        "fraud",
        "or inf",
    ),
    "less than a year of purchases asks for more history than there is": (
        "monthly_purchases_min_days = 90",
        "monthly_purchases_min_days = 365",
        "figures.monthly_purchases_min_days",
        "monthly_purchases_min_days",
        "must be below monthly_purchases_days: it is the least history of the two",
    ),
    "a pay index of one point": (
        POLICY_TEXT[POLICY_TEXT.index("pay_index = [[") : POLICY_TEXT.index("[drift]")],
        "pay_index = [[0, 80]]\n\n",
        "figures.pay_index",
        "pay_index",
        "days must rise and the index must fall",
    ),
    "a domain without its end": (
        '"x.com" = 0.2',
        '"x" = 0.2',
        "news.trust.x",
        '"x.com" = 0.2',
        "no bare domain",
    ),
    "a dated rate that is none": (
        "[rates]",
        '[rates]\n"2026-01-01" = 1.0842',
        "rates.2026-01-01",
        None,
        'write it as { EUR = "1.0842" }',
    ),
    "a second reversal that is less grave": (
        "severity_repeated = 5",
        "severity_repeated = 3",
        "triggers.payment_reversed.severity",
        None,
        "must not be above severity_repeated: a second one is the graver",
    ),
    "news that clears where it fires": (
        "clear_score = 0.5",
        "clear_score = 0.6",
        "triggers.adverse_news.clear_score",
        "clear_score = 0.5",
        "must not be above score",
    ),
    "over the limit before the limit is nearly used": (
        "utilization = 1.00\nclear_utilization = 0.95",
        "utilization = 0.79\nclear_utilization = 0.75",
        "triggers.over_limit.utilization",
        "utilization = 1.00",
        "must not be below utilization_high's",
    ),
    "an EWMA from as few runs as a slope": (
        "ewma_from_runs = 8",
        "ewma_from_runs = 4",
        "drift.theil_sen_from_runs",
        None,
        "must be below ewma_from_runs: the tests follow each other",
    ),
    "a CUSUM from as few runs as an EWMA": (
        "cusum_from_runs = 12",
        "cusum_from_runs = 8",
        "drift.ewma_from_runs",
        None,
        "must be below cusum_from_runs: the tests follow each other",
    ),
    "a statement that is used no more before it is stale": (
        "usable_months = 24",
        "usable_months = 14",
        "statements.stale_months",
        None,
        "must not be above usable_months: a stale statement is still used for a while",
    ),
    "two grades from one score": (
        "C = { from = 50",
        "C = { from = 65",
        "limits.grades.C.from",
        "C = { from = 50",
        "must be below that of B",
    ),
    "more discounts than are kept": (
        "of_before = 5",
        "of_before = 6",
        "triggers.discounts_abandoned.of_before",
        None,
        "with missed_in_a_row it must not be above 8",
    ),
    "more discounts taken than are looked at": (
        "taken_before = 3",
        "taken_before = 6",
        "triggers.discounts_abandoned.taken_before",
        None,
        "must not be above of_before",
    ),
    "a key that stands twice": (
        "rising_days = 28",
        "rising_days = 28\nrising_days = 29",
        "figures.rising_days",
        "high_credit_days",
        f"stands twice, first in line {line_of('rising_days')}; keep one",
    ),
    "a word for a number": (
        "rising_days = 28",
        "rising_days = 2026-01-01",
        "figures.rising_days",
        "rising_days",
        "write a whole number, not 2026-01-01",
    ),
    "a country in words": (
        "DE = [",
        "Germany = [",
        "holidays.Germany",
        "DE = [",
        "two capital letters",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_refuses(name: str) -> None:
    old, new, key, start, reason = REFUSED[name]
    assert old in POLICY_TEXT
    with pytest.raises(PolicyError) as refused:
        load_policy(POLICY_TEXT.replace(old, new, 1))
    assert reason in refused.value.reason
    assert refused.value.key == key
    if start is not None:
        assert refused.value.line == line_of(start)
    assert str(refused.value).startswith("policy, line ")


CROSSED = [  # section, key, a value that another key of the section contradicts, the key at which it is told
    ("figures", "mid_days", "30", "short_days"),
    ("figures", "long_days", "90", "mid_days"),
    ("figures", "reach_days", "364", "long_days"),
    ("figures", "promises_recent_days", "366", "promises_recent_days"),
    ("figures", "baseline_to_days", "455", "baseline_to_days"),
    ("triggers.payment_drift", "clear_days_over_baseline", "7.0", "clear_days_over_baseline"),
    ("triggers.payment_drift_severe", "severity", "2", "severity"),
    ("triggers.purchases_collapse", "clear_fall", "0.50", "clear_fall"),
    ("triggers.promise_broken", "severity_repeated", "2", "severity"),
    ("triggers.partial_payments", "clear_of_last_five", "3", "clear_of_last_five"),
    ("triggers.dispute_spike", "clear_share", "0.10", "clear_share"),
    ("triggers.bureau_downgrade", "clear_points", "10.0", "clear_points"),
    ("triggers.concentration", "clear_share", "0.10", "clear_share"),
    ("bureau", "best_days", "456", "best_days"),
    ("bureau", "score_days", "456", "score_days"),
    ("bureau", "score_days", "89", "stale_days"),
    ("bureau.agencies.dnb", "classes", '["1", "2", "1"]', "classes"),
    ("statements", "min_months", "18", "min_months"),
    ("news", "litigation_mid_share", "0.9", "litigation_mid_share"),
    ("limits.score.financials", "current_ratio", "[1.5, 1.5]", "current_ratio"),
    ("limits.score.financials", "liabilities_to_net_worth", "[2.0, 2.0]", "liabilities_to_net_worth"),
    ("approval", "auto_up_to", "100_001", "auto_up_to"),
    ("status", "hold_severity", "2", "watch_severity"),
]


def stated(section: str, key: str, value: str) -> str:
    """The policy with another value of one key."""
    start = POLICY_TEXT.index(f"[{section}]")
    end = POLICY_TEXT.index("\n[", start)
    part, found = re.subn(rf"(?m)^{key} = [^#\n]*", f"{key} = {value} ", POLICY_TEXT[start:end], count=1)
    assert found, (section, key)
    return POLICY_TEXT[:start] + part + POLICY_TEXT[end:]


@pytest.mark.parametrize(("section", "key", "value", "told"), CROSSED)
def test_keys_that_contradict_each_other_are_refused_at_one_of_them(
    section: str, key: str, value: str, told: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        load_policy(stated(section, key, value))
    assert refused.value.key == f"{section}.{told}"


@pytest.mark.parametrize(
    ("text", "key", "reason"),
    [
        (POLICY_TEXT.replace("[rates]", '[rates]\n"2026-13-01" = { EUR = "1.1" }'), "rates", "is no date"),
        (
            POLICY_TEXT.replace("[rates]", '[rates]\n"2026-01-01" = { EURO = "1.1" }'),
            "rates.2026-01-01",
            "ISO 4217",
        ),
        (POLICY_TEXT.replace("[rates]", "[[rates]]"), "rates", "write it as "),
        (
            POLICY_TEXT.replace("E = { from = 0", "E = { from = 5"),
            "limits.grades.E.from",
            "every score has a grade",
        ),
        ("overrides = 1\n" + POLICY_TEXT, "overrides", "write it as tables"),
        (POLICY_TEXT + "\n[overrides.tier]\nhigh = 1\n", "overrides.tier.high", "write it as a table"),
    ],
)
def test_what_has_another_form_is_refused_with_the_form_that_is_wanted(
    text: str, key: str, reason: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        load_policy(text)
    assert refused.value.key == key
    assert reason in refused.value.reason


def test_a_misspelt_key_is_told_with_the_one_that_was_meant() -> None:
    with pytest.raises(PolicyError, match="unknown key; is share_over meant\\?"):
        load_policy(POLICY_TEXT.replace("share_over = 0.20", "share_ower = 0.20", 1))


def test_a_list_of_tables_is_refused_by_its_line_and_in_one_line() -> None:
    with pytest.raises(PolicyError) as refused:
        load_policy(POLICY_TEXT.replace("[holidays]", "[[holidays]]"))
    assert refused.value.line == line_of("[holidays]")
    assert refused.value.reason.startswith("write it as a table, not [{ DE = [2018-01-01, ")
    assert len(refused.value.reason) < 90


def test_a_list_written_over_several_lines_moves_no_line() -> None:
    """`[150, 0]` on a line of its own is no table."""
    text = POLICY_TEXT.replace("[120, 20], [150, 0]]", "[120, 20],\n    [150, 0]\n]")
    with pytest.raises(PolicyError) as refused:
        load_policy(text.replace("ewma_limit = 2.7", "ewma_limit = -2.7"))
    assert (refused.value.key, refused.value.line) == ("drift.ewma_limit", line_of("ewma_limit") + 2)


OTHER_SELLERS = {
    "a firm without managers": ("analyst_up_to = 25_000", "analyst_up_to = 100_000"),
    "nobody is low": ('grades = ["A", "B"] # and', "grades = [] # and"),
    "three grades pay ahead": ('prepay_grades = ["E"]', 'prepay_grades = ["C", "D", "E"]'),
    "a stale statement is used no more": ("usable_months = 24", "usable_months = 15"),
    "a stale report scores no more": ("score_days = 365", "score_days = 90"),
    "a hold and no watch by severity": ("watch_severity = 3", "watch_severity = 5"),
    "a longer memory and longer windows": (
        "long_days = 365\n",
        "long_days = 730\n",
        "reach_days = 400",
        "reach_days = 730",
        "kaplan_meier_days = 365",
        "kaplan_meier_days = 730",
    ),
    "weights of another sum": ("weight = 30", "weight = 45"),
    "accounts in yen": ('base_currency = "USD"', 'base_currency = "JPY"'),
    "a domain that counts nothing": ('"x.com" = 0.2', '"x.com" = 0'),
    "nothing is too little for a dispute": ("base_amount = 2_500", "base_amount = 0"),
    "a peak of as many days as balances are kept": ("high_credit_days = 365", "high_credit_days = 400"),
    "nothing of substance is no worse than a category missing": (
        'no_substance_caps_grade = "D"',
        'no_substance_caps_grade = "B"',
    ),
    "a pay index of one line": (
        POLICY_TEXT[POLICY_TEXT.index("pay_index = [[") : POLICY_TEXT.index("[drift]")],
        "pay_index = [[0, 80], [120, 0]]\n\n",
    ),
    "two grades with one multiplier": ("multiplier = 0.6", "multiplier = 1.0"),
    "all discounts before were taken": ("taken_before = 3", "taken_before = 5"),
    "a best of as many days as reports are kept": ("best_days = 365", "best_days = 455"),
    "a severe drift that is no graver": (
        "severity = 4\ndays_over_baseline = 15",
        "severity = 3\ndays_over_baseline = 15",
    ),
}


@pytest.mark.parametrize("name", OTHER_SELLERS)
def test_it_takes_the_policy_of_another_seller(name: str) -> None:
    text = POLICY_TEXT
    changes = OTHER_SELLERS[name]
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new, 1)
    assert load_policy(text) != POLICY


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(PolicyError) as refused:
        load_policy(POLICY_TEXT.replace("[alerts]", "[alerts"))
    assert refused.value.line == line_of("[alerts]")
    with pytest.raises(PolicyError):
        policy_hash("[")


def test_the_shipped_policy_is_whole_and_every_number_has_its_words() -> None:
    assert isinstance(POLICY, Policy)
    assert POLICY.live_from is None
    assert POLICY.figures.reach_days == 400
    assert POLICY.base_unit == 100
    assert "US" in POLICY.holidays
    sections = re.findall(r"^\[(.*)\]", POLICY_TEXT, re.M)
    assert len(sections) == len(set(sections))


def test_a_policy_can_not_be_changed() -> None:
    with pytest.raises(Exception, match="frozen"):
        POLICY.alerts.ticks_in_a_row = 3  # type: ignore[misc]


def test_the_hash_is_of_the_content_not_of_its_looks() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", policy_hash(POLICY_TEXT))
    bare = "\n".join(line.split(" #")[0] for line in POLICY_TEXT.splitlines() if not line.startswith("#"))
    assert policy_hash(bare) == policy_hash(POLICY_TEXT)
    assert load_policy(bare) == POLICY
    changed = POLICY_TEXT.replace("days_in_all = 10.0", "days_in_all = 11.0")
    assert policy_hash(changed) != policy_hash(POLICY_TEXT)


def test_dated_rates_and_the_day_of_going_live_are_days() -> None:
    text = POLICY_TEXT.replace('# "2026-01-01" = {', '"2026-06-30" = {').replace(
        "# live_from = 2026-01-01", "live_from = 2026-06-30"
    )
    policy = load_policy(text)
    assert policy.rates == {TODAY: {"EUR": "1.0842"}}
    assert policy.live_from == TODAY


def test_months_end_where_the_month_does() -> None:
    from datetime import date

    def after(day: str, months: int) -> str:
        return date.fromordinal(months_after(date.fromisoformat(day).toordinal(), months)).isoformat()

    assert after("2024-11-30", 3) == "2025-02-28"
    assert after("2023-11-30", 3) == "2024-02-29"
    assert after("2025-01-31", 1) == "2025-02-28"
    assert after("2025-03-30", 15) == "2026-06-30"
    assert after("2025-05-31", 1) == "2025-06-30"
    assert after("2025-10-31", 2) == "2025-12-31"

"""Explaining: conditions that agree with the triggers, the smallest changes, formulas, and every alert of a book anew."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agents import account as accounts
from agents import bookkeeping
from agents import conditions as told_conditions
from agents.account import Account, InMemory
from agents.balances import past_due
from agents.book import Book
from agents.changes import Change, clearing, firing
from agents.conditions import all_met, conditions
from agents.explain import Row, Unexplained, alert_transition, label
from agents.facts import APPLIED
from agents.figures import NOT_EMITTED, Figures
from agents.formulas import FORMULAS, formula_of
from agents.ids import namespace_id
from agents.limits import REASONS
from agents.monitor import ENGINE, Fold
from agents.policy_keys import policy_value, threshold_keys
from agents.policy_text import policy_hash
from agents.triggers import BY_ID, TRIGGERS, Trigger
from agents.view import BookTotals, View
from agents.wakes import Wakes
from agents.watch import AlertChange
from agents.wording import told_apart
from schemas.events import BookReported, ClockTicked, PolicyAdopted, parse
from streams.backtest import Result, run
from streams.commands.explain import laid_out
from streams.control import policy_adopted
from streams.errors import Refused
from streams.explain import (
    Came,
    File,
    account_of,
    checked_id,
    explanation,
    inputs_in_words,
    quiet,
    quiet_at,
    refold,
)
from streams.simulate import generate
from tests.explaining import explanations
from tests.rules import POLICY, POLICY_TEXT, TODAY, figures, view
from tests.unit.test_triggers_table import TABLE

VIEWS = [
    (trigger_id, place, make)
    for trigger_id, cases in TABLE.items()
    for place, make in enumerate(
        [
            *(make for make, _ in cases.fires),
            *cases.quiet,
            *cases.clears,
            *(make for make, _ in cases.boundary),
            *cases.still_open,
        ]
    )
]


# --- Conditions and triggers ------------------------------------------------------------------------------------


def disagreements(seen: View) -> list[str]:
    """The triggers of which the conditions say one thing and the rule another."""
    return [t.id for t in TRIGGERS if all_met(conditions(t.id, seen)) != (t.fires(seen) is not None)]


@pytest.mark.parametrize(("trigger_id", "place", "make"), VIEWS)
def test_all_conditions_are_met_exactly_where_a_trigger_fires(trigger_id: str, place: int, make: Any) -> None:
    assert disagreements(make()) == []


def test_a_condition_that_drifts_from_its_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {**told_conditions._CONDITIONS, "over_limit": lambda seen: []}
    monkeypatch.setattr(told_conditions, "_CONDITIONS", planted)
    assert disagreements(view(figures(utilization=0.5, credit_limit=100_00, exposure=50_00))) == [
        "over_limit"
    ]


MONEY = st.integers(0, 30_000_00)
DAYS = st.one_of(st.none(), st.floats(-30, 150, allow_nan=False))
SHARE = st.one_of(st.none(), st.floats(0, 2, allow_nan=False))
COUNT = st.integers(0, 20)
FIGURES = st.builds(
    figures,
    open_balance=MONEY, past_due=MONEY, past_due_over_10=MONEY, past_due_61=MONEY, past_due_91=MONEY, unapplied=MONEY,
    disputed=MONEY, exposure=MONEY, exposure_base=MONEY, credit_limit=st.one_of(st.none(), MONEY), utilization=SHARE,
    utilization_28d_ago=SHARE, rising=st.booleans(), prior_high_credit=st.one_of(st.none(), MONEY),
    max_days_past_due=st.one_of(st.none(), st.integers(1, 120)),
    dtp_90d=DAYS, dtp_baseline=DAYS, dbt_90d=DAYS, dbt_baseline=DAYS, drift_agrees=st.one_of(st.none(), st.booleans()),
    dtp_months=st.tuples(DAYS, DAYS, DAYS, DAYS), overdue_surprise=SHARE, overdue_surprise_n=COUNT,
    overdue_surprise_days=st.one_of(st.none(), st.integers(1, 120)), first_invoice_on=st.integers(TODAY - 400, TODAY),
    purchases_30d=MONEY, purchases_prior_90d=MONEY, invoices_prior_90d=COUNT, reversals_90d=st.integers(0, 3),
    promises_broken_60d=st.integers(0, 3), partial_of_last_5=st.one_of(st.none(), st.integers(0, 5)),
    discounts_taken=st.lists(st.booleans(), max_size=8).map(tuple), disputed_share_baseline=SHARE,
)  # fmt: skip


@given(FIGURES)
@settings(max_examples=300, deadline=None)
def test_conditions_agree_with_the_rules_on_any_figures(known: Figures) -> None:
    assert disagreements(view(known, book=BookTotals(20_000_00, 20))) == []


# --- The smallest change --------------------------------------------------------------------------------------


def would_clear(trigger: Trigger, supposed: View) -> bool:
    return trigger.clears(supposed) and trigger.fires(supposed) is None


def assert_smallest(trigger: Trigger, change: Change) -> None:
    assert would_clear(trigger, change.view), change.words
    assert change.short is None or not would_clear(trigger, change.short), change.words
    assert change.words


@given(FIGURES)
@settings(max_examples=200, deadline=None)
def test_the_change_clears_the_alert_and_a_step_less_does_not(known: Figures) -> None:
    seen = view(known, book=BookTotals(20_000_00, 20))
    for trigger in TRIGGERS:
        if trigger.fires(seen) is not None:
            for change in clearing(trigger, seen):
                assert_smallest(trigger, change)


@given(FIGURES)
@settings(max_examples=200, deadline=None)
def test_the_changes_make_a_quiet_trigger_fire_and_each_of_them_is_needed(known: Figures) -> None:
    seen = view(known, book=BookTotals(20_000_00, 20))
    for trigger in TRIGGERS:
        changes = firing(trigger, seen) if trigger.fires(seen) is None else []
        if changes:
            assert trigger.fires(changes[-1].view) is not None, trigger.id
            last = changes[-1]
            assert last.short is None or trigger.fires(last.short) is None, (trigger.id, last.words)


@pytest.mark.parametrize("trigger_id", sorted(TABLE))
def test_what_fires_can_be_cleared_and_the_change_is_the_smallest(trigger_id: str) -> None:
    trigger = BY_ID[trigger_id]
    for make, _ in TABLE[trigger_id].fires:
        changes = clearing(trigger, make())
        assert changes
        for change in changes:
            assert_smallest(trigger, change)


def test_what_would_clear_already_needs_no_change() -> None:
    assert (
        clearing(BY_ID["over_limit"], view(figures(utilization=0.2, credit_limit=100_00, exposure=20_00)))
        == []
    )


@pytest.mark.parametrize(
    ("trigger_id", "known", "words"),
    [
        (
            "payment_drift",
            {
                "dtp_90d": 41.2,
                "dtp_baseline": 31.9,
                "dbt_90d": 9.0,
                "dbt_baseline": 0.0,
                "drift_agrees": True,
            },
            "days to pay 41.20 → 34.90",
        ),
        (
            "seriously_past_due",
            {"past_due": 14_200_00, "past_due_61": 14_200_00, "open_balance": 20_000_00},
            "14,200.00 USD paid on the invoices 61 or more days past due (14,200.00 USD in all)",
        ),
        (
            "over_limit",
            {"exposure": 110_00, "credit_limit": 100_00, "utilization": 1.1},
            "15.01 USD paid, credited or secured (exposure 110.00 USD)",
        ),
    ],
)
def test_changes_are_said_in_the_terms_of_the_trade(
    trigger_id: str, known: dict[str, Any], words: str
) -> None:
    assert clearing(BY_ID[trigger_id], view(figures(**known)))[0].words == words


# --- Formulas and sources -------------------------------------------------------------------------------------


def test_every_figure_has_a_formula() -> None:
    assert [name for name in Figures._fields if name not in (*FORMULAS, *NOT_EMITTED)] == []
    for name, formula in FORMULAS.items():
        assert formula.stated(POLICY).strip(), name
        assert "{" not in formula.stated(POLICY), name
        assert formula.section[0] in "1234567", name


@pytest.mark.parametrize(
    ("name", "part", "update", "stated"),
    [
        ("drift_agrees", "drift", {"theil_sen_from_runs": 5}, "below 5 runs"),
        ("promises_broken_60d", "figures", {"promise_kept_share": 0.8}, "less than 0.8 of it"),
        ("pay_index", "figures", {"pay_index": ((-10.0, 70.0), (90.0, 0.0))}, "from 70 at -10"),
    ],
)
def test_a_formula_states_the_numbers_in_force(
    name: str, part: str, update: dict[str, Any], stated: str
) -> None:
    other = POLICY.model_copy(update={part: getattr(POLICY, part).model_copy(update=update)})
    assert stated in FORMULAS[name].stated(other)


@pytest.mark.parametrize("trigger_id", sorted(BY_ID))
def test_every_figure_and_level_of_an_alert_has_its_formula_and_its_key_in_the_policy(
    trigger_id: str,
) -> None:
    seen = [make() for make, _ in TABLE[trigger_id].fires]
    for at in seen:
        evidence = BY_ID[trigger_id].evidence(at)
        assert evidence.metrics
        for name in evidence.metrics:
            assert formula_of(name, trigger_id).stated(POLICY)
            assert label(name)
        for name in evidence.thresholds:
            assert formula_of(name, trigger_id)
            for key in threshold_keys(trigger_id, name):
                policy_value(POLICY, key)
        for condition in conditions(trigger_id, at):
            assert formula_of(condition.figure, trigger_id)
            for key in condition.keys:
                policy_value(POLICY, key)


def test_a_figure_without_a_formula_and_a_level_without_a_source_are_found() -> None:
    with pytest.raises(KeyError, match=r"dtp_7d .* has no formula"):
        formula_of("dtp_7d", "payment_drift")
    with pytest.raises(KeyError, match="shows a level dtp_7d without a source"):
        threshold_keys("payment_drift", "dtp_7d")


def test_a_baseline_that_is_missing_is_named_with_what_it_takes() -> None:
    found = conditions("payment_drift", view(figures(dtp_90d=40.0, dbt_90d=5.0)))
    assert found[0].missing == "no baseline: 0 payment runs 90–455 days ago, 3 needed"
    assert not any(condition.met for condition in found)


# --- Every alert and proposal of a book, from its events alone -------------------------------------------------


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "book.jsonl"
    with path.open("wb") as file:
        for event in generate(70, 12, 41):
            file.write(orjson.dumps(event) + b"\n")
    return path


@pytest.fixture(scope="module")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "small.jsonl"
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in generate(11, 12, 43)))
    return path


@pytest.fixture(scope="module")
def emitted(book: Path) -> Result:
    return run(book, POLICY_TEXT)


@pytest.fixture(scope="module")
def explained(book: Path) -> list[Row]:
    return list(explanations(File(book, POLICY_TEXT), ""))


def emptied(record: dict[str, Any]) -> dict[str, Any]:
    """A record as a store that has lost its evidence would hold it."""
    return {**record, "evidence": {"metrics": {}, "thresholds": {}, "event_ids": []}}


def test_what_is_recomputed_is_what_was_emitted_bit_for_bit_though_the_stored_evidence_is_empty(
    emitted: Result, explained: list[Row]
) -> None:
    stored = [emptied(record) for record in (*emitted.alerts, *emitted.proposals)]
    ids = {record.get("alert_id") or record["proposal_id"] for record in stored}
    assert {row["id"] for row in explained} == ids
    anew = sorted(orjson.dumps(t["record"]) for row in explained for t in row["transitions"])
    assert anew == sorted(orjson.dumps(record) for record in (*emitted.alerts, *emitted.proposals))
    assert len(anew) > 1000
    assert anew != sorted(map(orjson.dumps, stored)), "the stored evidence is not what was compared"
    for row in explained:
        for transition in row["transitions"]:
            if row["kind"] == "alert":
                evidence = transition["record"]["evidence"]
                assert {f["figure"]: f["value"] for f in transition["figures"]} == evidence["metrics"]
                assert {f["level"]: f["value"] for f in transition["levels"]} == evidence["thresholds"]
    made = [row["transitions"][0] for row in explained if row["kind"] == "proposal"]
    assert made
    for transition in made:
        record = transition["record"]
        assert {c["category"]: c["points"] for c in transition["categories"]} == record["categories"]
        assert {t["term"]: t["amount"] for t in transition["terms"] if t["amount"] is not None} | record[
            "terms"
        ] == {t["term"]: t["amount"] for t in transition["terms"] if t["amount"] is not None}
        assert sum(term["binds"] for term in transition["terms"]) == (record["direction"] != "hold")
        assert all(reason["words"] == REASONS[reason["code"]] for reason in transition["reasons"])


def test_another_journal_gives_other_figures(book: Path, tmp_path: Path, emitted: Result) -> None:
    """What is explained follows from the events: with one payment in twenty lost it is no longer what was emitted."""
    lines = book.read_bytes().splitlines(keepends=True)
    account = b'"account_id":"C000001"'
    kept = [
        line
        for place, line in enumerate(lines)
        if b"clock.ticked" in line
        or (account in line and not (b"payment.received" in line and place % 20 == 0))
    ]
    short = tmp_path / "short.jsonl"
    short.write_bytes(b"".join(kept))
    anew = {
        orjson.dumps(t["record"])
        for row in explanations(File(short, POLICY_TEXT), "")
        for t in row["transitions"]
    }
    theirs = {orjson.dumps(r) for r in (*emitted.alerts, *emitted.proposals) if r["account_id"] == "C000001"}
    assert anew != theirs


def test_one_account_alone_gives_what_the_whole_book_gives(book: Path, explained: list[Row]) -> None:
    source = File(book, POLICY_TEXT)
    for row in explained[::200]:
        assert account_of(source, "", row["id"][:13]) == (row["id"], row["account_id"])
        alone = explanation(source, "", row["id"], row["account_id"])
        assert orjson.dumps(alone) == orjson.dumps(row)


def test_every_condition_of_what_was_opened_was_met_and_every_event_is_in_the_journal(
    explained: list[Row],
) -> None:
    for row in explained:
        known = {event["event_id"] for event in row["events"]}
        for transition in row["transitions"]:
            if row["kind"] == "alert" and transition["status"] in ("opened", "escalated"):
                met = [c["met"] for c in transition["conditions"] if c["either"] is None]
                assert all(met), (row["id"], transition["conditions"])
            assert set(transition.get("event_ids", ())) <= known
            for figure in transition.get("figures", ()):
                assert set(figure["event_ids"]) <= known


def without_events(rows: list[Row]) -> list[str]:
    """The figures that tell something and name no event."""
    return [
        figure["figure"]
        for row in rows
        for transition in row["transitions"]
        for figure in transition.get("figures", ())
        if figure["value"] not in (None, 0, False, "0.00", []) and not figure["event_ids"]
    ]


def test_every_figure_that_is_not_nothing_names_the_events_behind_it(explained: list[Row]) -> None:
    assert without_events(explained) == []
    told = {
        figure["figure"]
        for row in explained
        for transition in row["transitions"]
        for figure in transition.get("figures", ())
        if figure["event_ids"]
    }
    assert {"utilization_28d_ago", "invoices_observed", "disputed_share_baseline", "unapplied"} <= told


def test_every_category_and_term_of_a_proposal_names_the_events_behind_it(explained: list[Row]) -> None:
    made = [row for row in explained if row["kind"] == "proposal"]
    named: Counter[str] = Counter()
    for row in made:
        known = {event["event_id"]: event["type"] for event in row["events"]}
        first = row["transitions"][0]
        parts = {c["category"]: (c["points"], c["event_ids"]) for c in first["categories"]}
        parts |= {t["term"]: (t["amount"], t["event_ids"]) for t in first["terms"]}
        for name, (value, event_ids) in parts.items():
            assert set(event_ids) <= set(known), (row["id"], name)
            if value is not None and name != "grade" and (name, value) != ("events", 100.0):
                assert event_ids, (row["id"], name, value)
                named[name] += 1
        assert {known[event_id] for event_id in parts["own_payments"][1]} <= {"payment.received"}
        assert {known[event_id] for event_id in parts["bureau"][1]} <= {"bureau.reported"}
    assert {"own_payments", "financials", "bureau", "references", "tenure", "events", "need"} <= set(named)


def test_a_figure_without_events_is_found() -> None:
    figure = {"figure": "past_due_61", "value": "14.00", "event_ids": []}
    assert without_events([{"transitions": [{"figures": [figure]}]}]) == ["past_due_61"]


def test_a_usual_alert_takes_forty_lines_of_eighty_columns(explained: list[Row]) -> None:
    heights = []
    for row in explained[::7]:
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(laid_out(row))
        lines = console.export_text().splitlines()
        assert max(map(len, lines)) <= 80
        if row["kind"] == "alert":
            heights.append(len(lines))
    assert sum(height <= 40 for height in heights) >= 0.95 * len(heights) > 50


def printed(row: Row) -> list[str]:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(laid_out(row))
    return console.export_text().splitlines()


def test_a_proposal_takes_44_lines_at_most_and_a_hold_names_no_term_that_would_bound_it(
    explained: list[Row],
) -> None:
    directions = Counter[str]()
    for row in explained:
        if row["kind"] != "proposal":
            continue
        direction = row["record"]["direction"]
        directions[direction] += 1
        if directions[direction] > 12:
            continue
        lines = printed(row)
        assert len(lines) <= (32 if direction == "hold" else 44), "\n".join(lines)
        assert any("The limit is the least of" in line for line in lines) is (direction != "hold")
        assert ("stays" in lines[0]) is (direction == "hold")
        text = " ".join(" ".join(lines).split())
        made = row["transitions"][0]
        for part in (*made["categories"], *(() if direction == "hold" else made["terms"])):
            assert (part["missing"] or part["label"]) in text
        for reason in made["reasons"]:
            assert reason["words"] in text
    assert {"open", "cut", "hold"} <= set(directions)


def test_every_alert_of_the_book_says_what_would_clear_it(explained: list[Row]) -> None:
    alerts = [row for row in explained if row["kind"] == "alert"]
    silent = Counter(
        row["trigger"]
        for row in alerts
        for transition in row["transitions"]
        if transition["status"] in ("opened", "escalated") and not transition["clears"]
    )
    assert silent == Counter()
    still_open = [row for row in alerts if row["now"] is not None]
    assert len(still_open) > 50
    unsaid = [row["trigger"] for row in still_open if not (row["now"]["clears"] or row["now"]["by_itself"])]
    assert unsaid == []


def test_why_not_says_what_is_missing(tmp_path: Path) -> None:
    euros, us = {"currency": "EUR"}, {"source": "erp", "account_id": "007"}
    facts = [
        {"type": "account.opened", "name": "Seven", "opened_on": "2025-01-01", **euros},
        {"type": "invoice.issued", "invoice_id": "i1", "amount": "1000.00", "invoice_date": "2026-01-02",
         "due_date": "2026-02-02", **euros},
        {"type": "payment.received", "payment_id": "p1", "amount": "1385.00", "paid_on": "2026-01-20", **euros},
        {"type": "account.closed"},
    ]  # fmt: skip
    days = ("2026-01-01", "2026-01-02", "2026-01-20", "2026-05-20")
    book = tmp_path / "book.jsonl"
    book.write_bytes(
        b"\n".join(
            orjson.dumps({"event_id": str(n), "occurred_at": f"{day}T09:00:00Z", **us, **fact})
            for n, (day, fact) in enumerate(zip(days, facts, strict=True))
        )
    )
    said = on_screen(quiet(File(book, POLICY_TEXT), "", "007", "seriously_past_due"))
    assert "> a level not known" in said
    assert "what is missing above must come first" in said


@pytest.mark.parametrize("repeated", [(), ("2026-03-02",), ("2026-03-01", "2025-01-01")])
def test_where_an_alert_stands_now_takes_in_what_came_today_also_after_ticks_of_days_that_are_over(
    tmp_path: Path, repeated: tuple[str, ...]
) -> None:
    us, euros = {"source": "erp", "account_id": "007"}, {"currency": "EUR"}
    ticks = [{"type": "clock.ticked", "source": "clock", "as_of": day} for day in ("2026-03-02", *repeated)]
    facts = [
        {"type": "account.limit_set", "credit_limit": "1000.00", **us, **euros},
        {"type": "invoice.issued", "invoice_id": "i1", "amount": "900.00", "invoice_date": "2026-03-01",
         "due_date": "2026-04-01", **us, **euros},
        ticks[0],
        {"type": "account.limit_set", "credit_limit": "500.00", **us, **euros},
        *ticks[1:],
    ]  # fmt: skip
    book = tmp_path / "book.jsonl"
    days = ("2026-03-01", "2026-03-01", "2026-03-02", "2026-03-03", *repeated)
    book.write_bytes(
        b"\n".join(
            orjson.dumps({"event_id": str(n), "occurred_at": f"{day}T09:00:00Z", **fact})
            for n, (day, fact) in enumerate(zip(days, facts, strict=True))
        )
    )
    (now,) = (
        row["now"] for row in explanations(File(book, POLICY_TEXT), "") if row.get("trigger") == "over_limit"
    )
    assert (now["as_of"], now["conditions"][0]["met"]) == ("2026-03-03", True)
    assert quiet(File(book, POLICY_TEXT), "", "007", "over_limit")["ticks_folded"] == 1


def on_screen(row: Row) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(laid_out(row))
    return console.export_text()


def test_why_not_says_where_one_figure_is_not_enough(tmp_path: Path) -> None:
    """Two others reached the age of the invoice that is past due: ten are asked for, and time brings none."""
    book = written(
        tmp_path,
        *(issued(n, "2025-01-02", "2025-02-01") for n in (1, 2, 3)),
        received(1, "2025-01-30", 1),
        received(2, "2025-01-31", 2),
        issued(4, "2025-02-20", "2025-03-20"),
    )
    said = on_screen(quiet(File(book, POLICY_TEXT), "", "C1", "overdue_surprise"))
    assert "more than one would have to move" in said
    assert "missing" not in said


OVERRIDDEN = """
[overrides.tier.high.triggers.past_due_share]
share_over = 0.35
clear_share = 0.30
[overrides.tier.low.triggers.utilization_high]
utilization = 0.55
clear_utilization = 0.50
[overrides.tier.medium.triggers.payment_drift]
days_over_baseline = 4.0
[overrides.segment.{industry}.triggers.over_limit]
utilization = 1.30
clear_utilization = 1.20
[overrides.segment.{industry}.triggers.bureau_downgrade]
points = 4.0
clear_points = 2.0
"""


def test_where_tiers_and_segments_have_numbers_of_their_own_those_explain_it(small_book: Path) -> None:
    opened = [event for event in map(orjson.loads, small_book.open()) if event["type"] == "account.opened"]
    industry, _ = Counter(event["industry"] for event in opened).most_common(1)[0]
    policy = POLICY_TEXT + OVERRIDDEN.format(industry=f'"{industry}"')
    emitted = run(small_book, policy)
    explained = list(explanations(File(small_book, policy), ""))
    anew = sorted(orjson.dumps(t["record"]) for row in explained for t in row["transitions"])
    assert anew == sorted(orjson.dumps(record) for record in (*emitted.alerts, *emitted.proposals))
    levels: dict[str, set[Any]] = {}
    for row in explained:
        for transition in row["transitions"] if row["kind"] == "alert" else ():
            evidence = transition["record"]["evidence"]
            assert {level["level"]: level["value"] for level in transition["levels"]} == evidence[
                "thresholds"
            ]
            for name, value in evidence["thresholds"].items():
                levels.setdefault(f"{row['trigger']}.{name}", set()).add(value)
            if transition["status"] == "opened":
                met = [c["met"] for c in transition["conditions"] if c["either"] is None]
                assert all(met), (row["id"], transition["conditions"])
    assert levels["past_due_share.past_due_share"] == {0.20, 0.35}
    assert levels["utilization_high.utilization"] == {0.80, 0.55}
    assert levels["bureau_downgrade.fall_points"] == {10.0, 4.0}
    by_tier = {snapshot["tier"]: account_id for account_id, snapshot in emitted.accounts.items()}
    for tier, level in (("low", 0.55), ("medium", 0.80)):
        why = quiet(File(small_book, policy), "", by_tier[tier], "utilization_high")
        assert level in {condition["level"] for condition in why["conditions"]}, tier


def test_what_came_live_and_late_is_explained_as_it_was_judged_at_once() -> None:
    """A backfill's fact of a day that has ended waits for the tick: the very same journal says another thing of it."""

    def came(live: bool) -> Iterator[Came]:
        yield (
            PolicyAdopted.model_validate(
                policy_adopted(POLICY_TEXT, "p", ENGINE, datetime(2026, 3, 1, tzinfo=UTC))
            ),
            True,
        )
        head = {"account_id": "C1", "source": "erp", "currency": "USD"}
        for event in (
            {"event_id": "1", "type": "account.limit_set", "occurred_at": "2026-03-05T09:00:00Z", "credit_limit": "100.00"},
            {"event_id": "2", "type": "clock.ticked", "occurred_at": "2026-03-05T23:59:59Z", "as_of": "2026-03-05"},
            {"event_id": "3", "type": "invoice.issued", "occurred_at": "2026-03-02T09:00:00Z", "invoice_id": "I1",
             "amount": "170.00", "invoice_date": "2026-03-02", "due_date": "2026-04-02"},
        ):  # fmt: skip
            control = event["type"] == "clock.ticked"
            yield (
                parse(orjson.dumps({"source": "clock", **event} if control else head | event)),
                live or control,
            )

    found = {live: refold(lambda live=live: came(live), "", lambda i: True).cases for live in (False, True)}  # type: ignore[misc]
    assert "over_limit" not in {case.trigger for case in found[False].values()}
    assert "over_limit" in {case.trigger for case in found[True].values()}


def test_the_tick_that_ended_the_day_is_named_and_nothing_else_that_control_says() -> None:
    def adopted(name: str, hour: int) -> PolicyAdopted:
        return PolicyAdopted.model_validate(
            policy_adopted(POLICY_TEXT, name, ENGINE, datetime(2026, 3, 1, hour, tzinfo=UTC))
        )

    def tick(name: str, day: str) -> Any:
        body = {"event_id": name, "type": "clock.ticked", "source": "clock", "as_of": day}
        return parse(orjson.dumps(body | {"occurred_at": f"{day}T23:59:59Z", "book_exposure": "5.00"}))

    said = [
        adopted("p", 1),
        tick("first", "2026-03-05"),
        tick("again", "2026-03-05"),
        tick("late", "2026-03-04"),
    ]
    found = refold(lambda: ((event, True) for event in [*said, adopted("q", 2)]), "", lambda i: True)
    assert found.tick == "first"
    assert "again" not in found.events
    assert found.adopted == {
        name: {
            "event_id": f"policy-{name}-20260301T0{hour}0000",
            "adopted_at": f"2026-03-01T0{hour}:00:00+00:00",
        }
        for name, hour in (("p", 1), ("q", 2))
    }


# --- At every tick of a book -----------------------------------------------------------------------------------


class Watched(InMemory):
    """Accounts that are looked at each time the fold has done with one."""

    def __init__(self) -> None:
        super().__init__()
        self.fold: Fold
        self.day = 0
        self.judged: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()
        self.disagreed: list[tuple[str, int, str]] = []

    def put(self, account_id: str, account: Account) -> None:
        super().put(account_id, account)
        if not self.day:
            return
        seen = self.fold.view(account, self.day)
        for trigger in TRIGGERS:
            seen.kept = account.watch.episode(trigger).kept
            fires = trigger.fires(seen) is not None
            self.judged[trigger.id] += 1
            self.fired[trigger.id] += fires
            if all_met(conditions(trigger.id, seen)) != fires:
                self.disagreed.append((account_id, self.day, trigger.id))
            seen.kept = {}


def judged(events: Iterator[Came]) -> Watched:
    watched = Watched()
    book = Book()
    book.adopt(POLICY_TEXT, policy_hash(POLICY_TEXT))
    watched.fold = fold = Fold(watched, Wakes(), book, 0, namespace_id(""))
    for event, _ in events:
        if isinstance(event, ClockTicked):
            watched.day = event.as_of.toordinal()
            fold.tick(event, False, 1 << 62)
            watched.day = 0
        elif not isinstance(event, PolicyAdopted | BookReported):
            fold.event(event)
    return watched


def test_at_every_tick_of_a_book_all_conditions_are_met_exactly_where_a_trigger_fires(
    small_book: Path,
) -> None:
    watched = judged(File(small_book, POLICY_TEXT).events(0))
    assert watched.disagreed == []
    assert min(watched.judged.values()) > 2000
    assert sum(fired > 0 for fired in watched.fired.values()) >= 14, watched.fired


# --- The change, made ------------------------------------------------------------------------------------------


PAID = ("past_due_share", "seriously_past_due", "delinquent")


def paid(told: Any, account: Account, minor: int, days: int) -> View:
    """The account after so much more cash on its invoices more than so many days past due, the oldest first."""
    day, ledger = told.fold.book.day, account.ledger
    parts, left = [], minor
    for _, invoice_id, _, owed in past_due(ledger, day, days):
        part = min(left, owed)
        if part:
            parts.append({"invoice_id": invoice_id, "amount": money(part)})
            left -= part
    assert left == 0
    event = parse_payment(account.account_id, day, minor, ledger.currency or "", parts)
    assert bookkeeping.apply(ledger, event, day, told.fold.book.policy, told.fold.book.rates) == APPLIED
    return told.fold.view(account, day)  # type: ignore[no-any-return]


def money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"


def parse_payment(account_id: str, day: int, minor: int, currency: str, parts: list[dict[str, str]]) -> Any:
    from schemas.events import parse

    on = date.fromordinal(day).isoformat()
    body = {
        "event_id": "supposed", "type": "payment.received", "account_id": account_id, "source": "test",
        "occurred_at": f"{on}T12:00:00Z", "payment_id": "supposed", "amount": money(minor), "currency": currency,
        "paid_on": on, "applications": parts,
    }  # fmt: skip
    return parse(json.dumps(body))


def test_paying_what_the_explanation_says_clears_the_alert_and_a_cent_less_does_not(small_book: Path) -> None:
    """The change is made with a real payment on the real ledger, and every figure is measured anew."""
    source = File(small_book, POLICY_TEXT)
    told = refold(lambda: source.events(0), "", lambda i: False, explain=False)
    tried = 0
    for account_id, account in list(told.accounts.items()):
        if account_id in told.touched:
            continue
        for trigger_id in PAID:
            trigger = BY_ID[trigger_id]
            seen = told.view(account_id)
            if not account.watch.episode(trigger).open or trigger.fires(seen) is None:
                continue
            changes = clearing(trigger, seen)
            if not changes or seen.figures.unapplied:
                continue
            pieces = {k: v for k, v in accounts.dump(account).items() if v is not None}
            days = {"past_due_share": 10, "seriously_past_due": 60, "delinquent": 90}[trigger_id]
            amount = int(changes[0].then)
            enough = paid(told, accounts.load(account_id, pieces), amount, days)
            assert would_clear(trigger, enough), (account_id, trigger_id, changes[0].words)
            if amount > 1:
                short = paid(told, accounts.load(account_id, pieces), amount - 1, days)
                assert not would_clear(trigger, short), (account_id, trigger_id, changes[0].words)
            tried += 1
            break  # its pieces are written once: one trigger an account
    assert tried >= 2


# --- A quiet trigger ---------------------------------------------------------------------------------------------


def test_every_trigger_of_an_account_says_why_it_is_quiet(small_book: Path) -> None:
    source = File(small_book, POLICY_TEXT)
    told = refold(lambda: source.events(0, "C000003"), "", lambda i: False)
    for trigger in TRIGGERS:
        row = quiet_at(told, "C000003", trigger.id)
        assert row["conditions"]
        assert row["holds"] or row["would_fire"] or row["missing"] or row["met"] < len(row["conditions"])
        assert json.loads(orjson.dumps(row))["trigger"] == trigger.id


def test_a_customer_with_two_payments_is_told_that_three_are_needed(tmp_path: Path) -> None:
    row = quiet(File(two_payments(tmp_path), POLICY_TEXT), "", "C1", "payment_drift")
    assert "no baseline: 2 payment runs 90–455 days ago, 3 needed" in row["missing"]
    assert row["would_fire"] == []


def test_the_first_of_two_ticks_is_told_as_such(tmp_path: Path) -> None:
    row = quiet(File(overdue(tmp_path, 11), POLICY_TEXT), "", "C1", "past_due_share")
    assert row["holds"]
    assert row["ticks"] == {"in_a_row": 1, "needed": 2}
    assert row["open_alert"] is None


def test_an_alert_that_is_open_is_named(tmp_path: Path) -> None:
    row = quiet(File(overdue(tmp_path, 12), POLICY_TEXT), "", "C1", "past_due_share")
    assert row["open_alert"] is not None


def issued(number: int, day: str, due: str, amount: str = "1000.00") -> dict[str, Any]:
    return {
        "event_id": f"i{number}", "type": "invoice.issued", "account_id": "C1", "occurred_at": f"{day}T10:00:00Z",
        "source": "test", "invoice_id": f"I{number}", "amount": amount, "currency": "USD", "invoice_date": day,
        "due_date": due,
    }  # fmt: skip


def received(number: int, day: str, invoice: int, amount: str = "1000.00") -> dict[str, Any]:
    return {
        "event_id": f"p{number}", "type": "payment.received", "account_id": "C1", "occurred_at": f"{day}T10:00:00Z",
        "source": "test", "payment_id": f"P{number}", "amount": amount, "currency": "USD", "paid_on": day,
        "applications": [{"invoice_id": f"I{invoice}", "amount": amount}],
    }  # fmt: skip


def written(tmp_path: Path, *events: dict[str, Any]) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    return path


def two_payments(tmp_path: Path) -> Path:
    return written(
        tmp_path,
        issued(1, "2025-01-02", "2025-02-01"),
        issued(2, "2025-01-03", "2025-02-02"),
        received(1, "2025-01-30", 1),
        received(2, "2025-01-31", 2),
        issued(3, "2025-07-01", "2025-07-31"),
        received(3, "2025-08-20", 3),
    )


def overdue(tmp_path: Path, days: int) -> Path:
    """One invoice, and another event on the day when it is so many days past due, so that the file ends there."""
    due = date(2025, 2, 1)
    last = date.fromordinal(due.toordinal() + days).isoformat()
    return written(
        tmp_path, issued(1, "2025-01-02", due.isoformat()), issued(2, last, "2025-12-31", amount="10.00")
    )


# --- What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1234567", "too short"),
        ("invoice-33", "no id of an alert"),
        ("payment_drift", "no id of an alert"),
        ("a" * 37, "no id"),
    ],
)
def test_what_can_be_no_id_is_refused(text: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        checked_id(text)


def test_what_a_category_was_made_of_is_said_in_a_line() -> None:
    reports = [
        {"agency": "x", "as_reported": "70", "rating_class": None, "stale": True},
        {"agency": "y", "as_reported": None, "rating_class": "A", "stale": False},
        {"agency": "z", "as_reported": None, "rating_class": None, "stale": False},
    ]
    ratios = {"net_margin": {"value": 0.031}, "quick": {"value": None}}
    inputs = {
        "ratios": ratios,
        "reports": reports,
        "pay_index": 71.26,
        "runs": 8,
        "none": None,
        "event_id": "e",
    }
    assert inputs_in_words(inputs) == "net margin 0.03, quick none, x 70 (stale), y A, pay index 71.3, runs 8"


def test_an_id_is_taken_in_capitals_and_with_blanks_around() -> None:
    assert checked_id(" 3F2B8C1E\n") == "3f2b8c1e"


def test_a_trigger_and_an_account_that_are_not_there_are_refused(tmp_path: Path) -> None:
    small = File(overdue(tmp_path, 14), POLICY_TEXT)
    with pytest.raises(
        Refused, match=r"there is no trigger late; the triggers are adverse_news, .*utilization_high"
    ):
        quiet(small, "", "C1", "late")
    with pytest.raises(Refused, match="has no event of account 'c1': ids are exact, capitals included"):
        quiet(small, "", "c1", "delinquent")


def test_a_file_without_events_is_refused_with_the_first_line_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text("Customer,Amount\nC1,5\n")
    with pytest.raises(Refused, match=r"book\.csv holds no event; line 1: the value: not JSON"):
        quiet(File(tmp_path / "book.csv", POLICY_TEXT), "", "C1", "delinquent")


def test_an_unknown_id_and_one_of_another_namespace_are_refused_in_one_sentence(
    tmp_path: Path, book: Path, explained: list[Row]
) -> None:
    small = File(overdue(tmp_path, 14), POLICY_TEXT)
    [row] = [row for row in explanations(small, "") if row.get("trigger") == "past_due_share"]
    assert account_of(small, "", row["id"])[1] == "C1"
    with pytest.raises(
        Refused, match=r"no alert or proposal begins with .* namespace acme\).*BELLWETHER_NAMESPACE"
    ):
        account_of(small, "acme", row["id"])
    with pytest.raises(Refused, match="no alert or proposal begins with ffffffff"):
        account_of(small, "", "ffffffff")


def test_an_id_whose_number_is_beyond_the_first_ones_is_found_by_refolding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import streams.explain

    monkeypatch.setattr(streams.explain, "_EPISODES", 0)
    small = File(overdue(tmp_path, 14), POLICY_TEXT)
    rows = list(explanations(small, ""))
    assert account_of(small, "", rows[0]["id"][:8]) == (rows[0]["id"], "C1")


def test_a_beginning_that_several_ids_share_is_refused(tmp_path: Path) -> None:
    small = File(overdue(tmp_path, 14), POLICY_TEXT)
    assert len(list(explanations(small, ""))) > 1
    with pytest.raises(Refused, match=r"is the beginning of \d+ ids: .*give more of it"):
        account_of(small, "", "")


def test_evidence_that_is_not_the_views_is_a_fault_that_is_told() -> None:
    seen = view(figures(utilization=1.2, credit_limit=100_00, exposure=120_00))
    evidence = BY_ID["over_limit"].evidence(seen)
    change = AlertChange(
        "a", "over_limit", 1, "opened", 4, "t", "a", TODAY, "", None, None, None, False,
        {**evidence.metrics, "utilization": 1.21}, evidence.thresholds, [],
    )  # fmt: skip
    with pytest.raises(Unexplained):
        alert_transition(change, seen)
    assert alert_transition(change._replace(metrics=evidence.metrics), seen)["figures"]


@pytest.mark.parametrize(
    ("value", "level", "unit", "told"),
    [
        (0.825, 0.8, "share", ("82.5%", "80.0%")),
        (0.8004, 0.8, "share", ("80.04%", "80.00%")),
        (1.00001, 1.0, "share", ("100.001%", "100.000%")),
        (0.8, 0.8, "share", ("80.0%", "80.0%")),
        (0.1 + 0.2, 0.3, "share", ("30.0%", "30.0%")),  # what differs by the last bit is told as the same
        (41.96, 42.04, "days", ("41.96 days", "42.04 days")),
        (None, 0.8, "share", ("none", "80.0%")),
        (3, 3, "count", ("3", "3")),
    ],
)
def test_a_figure_and_its_level_are_told_apart(
    value: float | None, level: float, unit: str, told: tuple[str, str]
) -> None:
    assert told_apart(value, level, unit, "EUR", "USD") == told


def test_why_not_tells_a_limit_that_no_rate_converts_from_none(tmp_path: Path) -> None:
    us = {"source": "erp", "account_id": "007", "occurred_at": "2026-01-02T09:00:00Z", "currency": "USD"}
    facts = [
        {"type": "account.opened", "name": "Seven", "opened_on": "2025-01-01"},
        {"type": "account.limit_set", "credit_limit": "1000", "currency": "GBP"},
        {"type": "invoice.issued", "invoice_id": "i1", "amount": "100.00", "invoice_date": "2026-01-02",
         "due_date": "2026-02-02"},
    ]  # fmt: skip
    book = tmp_path / "book.jsonl"
    book.write_bytes(b"\n".join(orjson.dumps({"event_id": str(n), **us, **f}) for n, f in enumerate(facts)))
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(laid_out(quiet(File(book, POLICY_TEXT), "", "007", "exposure_without_limit")))
    assert "no rate for the limit's currency  not met" in console.export_text()

"""The fold of one partition: ticks that repeat, jump and slice, the book's totals, the policy, and ids that never repeat."""

from __future__ import annotations

from collections import Counter
from datetime import date
from fractions import Fraction
from typing import Any

import orjson
import pytest

from agents import limits
from agents.account import Account, dump, load
from agents.book import Book
from agents.ids import namespace_id
from agents.monitor import Fold, StepFailed
from agents.policy_text import policy_hash
from agents.records import Output, Refusal
from agents.view import View
from agents.wakes import Wakes
from schemas.events import ClockTicked, PolicyAdopted, parse
from streams.settings import Settings, policy_text

POLICY = policy_text(Settings(_env_file=None))


class Accounts(dict[str, Account]):
    def put(self, account_id: str, account: Account) -> None:
        self[account_id] = account


def fold() -> Fold:
    book = Book()
    book.adopt(POLICY, policy_hash(POLICY))
    return Fold(Accounts(), Wakes(), book, 3, namespace_id(""))


def event(kind: str, account: str, day: str, /, **fields: Any) -> Any:
    body = {
        "event_id": f"{account}-{kind}-{day}-{fields.get('invoice_id', '')}-{fields.get('credit_limit', '')}",
        "type": kind,
        "account_id": account,
        "occurred_at": f"{day}T09:00:00Z",
        "source": "erp",
    }
    return parse(orjson.dumps({**body, **fields}))


def invoice(account: str, day: str, amount: str, due: str = "2026-03-31", number: str = "1") -> Any:
    return event(
        "invoice.issued", account, day, invoice_id=f"{account}-{number}", amount=amount, currency="USD",
        invoice_date=day, due_date=due,
    )  # fmt: skip


def limit(account: str, day: str, amount: str) -> Any:
    return event("account.limit_set", account, day, credit_limit=amount, currency="USD")


def tick(day: str, **fields: Any) -> ClockTicked:
    body = {
        "event_id": f"t{day}",
        "type": "clock.ticked",
        "occurred_at": f"{day}T23:59:59Z",
        "source": "clock",
        "as_of": day,
    }
    parsed = parse(orjson.dumps({**body, **fields}))
    assert isinstance(parsed, ClockTicked)
    return parsed


def ended(f: Fold, *ticks: ClockTicked, live: bool = False) -> list[Output]:
    out: list[Output] = []
    for one in ticks:
        outputs, _, done = f.tick(one, live, 1 << 60)
        assert done
        out += [o for o in outputs if isinstance(o, Output)]
    return out


def opened(outputs: list[Output], trigger: str) -> list[Output]:
    return [
        o
        for o in outputs
        if o.topic == "alerts" and o.body["trigger"] == trigger and o.body["status"] == "opened"
    ]


def test_a_tick_that_repeats_does_nothing() -> None:
    f = fold()
    f.event(invoice("C1", "2026-03-01", "100.00"))
    assert ended(f, tick("2026-03-02"))
    assert ended(f, tick("2026-03-02"), tick("2026-03-01")) == []


def test_a_gap_between_ticks_is_stepped_day_by_day() -> None:
    daily, jump = fold(), fold()
    for f in (daily, jump):
        f.event(limit("C1", "2026-03-01", "10000.00"))
        f.event(invoice("C1", "2026-03-01", "9000.00", due="2026-03-05"))
        ended(f, tick("2026-03-01"))
    every = ended(daily, *(tick(f"2026-03-{day:02d}") for day in range(2, 31)))
    at_once = ended(jump, tick("2026-03-30"))
    assert [o.ce_id for o in every] == [o.ce_id for o in at_once]
    assert [o.body["as_of"] for o in every] == [o.body["as_of"] for o in at_once]


@pytest.mark.parametrize("budget", [1, 2, 3, 7])
def test_a_tick_in_slices_says_what_it_says_at_once(budget: int) -> None:
    whole, sliced = fold(), fold()
    for f in (whole, sliced):
        for n in range(7):
            f.event(invoice(f"C{n}", "2026-03-01", "900.00", due="2026-03-02"))
    expected = ended(whole, tick("2026-03-09"), tick("2026-03-20"))
    got: list[Output] = []
    for one in (tick("2026-03-09"), tick("2026-03-20")):
        done = False
        while not done:
            outputs, woken, done = sliced.tick(one, False, budget)
            assert woken <= budget
            got += [o for o in outputs if isinstance(o, Output)]
    assert [(o.ce_id, o.body) for o in got] == [(o.ce_id, o.body) for o in expected]


def test_concentration_is_judged_by_the_totals_that_the_tick_itself_carries() -> None:
    f = fold()
    f.event(limit("C1", "2026-03-01", "900000.00"))
    f.event(invoice("C1", "2026-03-01", "20000.00"))
    small = {"book_exposure": "100000.00", "book_accounts": 25}
    large = {"book_exposure": "900000.00", "book_accounts": 25}
    assert not opened(ended(f, tick("2026-03-01", **large), tick("2026-03-02", **small)), "concentration")
    f.event(invoice("C1", "2026-03-02", "10.00", number="2"))
    alerts = opened(ended(f, tick("2026-03-03", **small)), "concentration")
    assert [a.body["as_of"] for a in alerts] == ["2026-03-03"], "the second of two ticks in a row"
    assert alerts[0].body["evidence"]["metrics"]["book_as_of"] == "2026-03-02", "one day old, and it says so"


def test_an_account_of_which_nothing_is_told_fires_and_clears_as_the_book_around_it_moves() -> None:
    f = fold()
    f.event(limit("C1", "2026-03-01", "900000.00"))
    f.event(invoice("C1", "2026-03-01", "20000.00"))
    ended(f, *(tick(f"2026-03-{n:02}") for n in range(1, 9)))
    assert not f.wakes.due(tick("2026-03-15").as_of.toordinal()), "it sleeps"
    book = {
        9: "900000.00",
        10: "900000.00",
        11: "190000.00",
        12: "190000.00",
        13: "250000.00",
        14: "250000.01",
    }
    told = ended(f, *(tick(f"2026-03-{n:02}", book_exposure=e, book_accounts=25) for n, e in book.items()))
    moves = [(o.body["status"], o.body["as_of"]) for o in told if o.body.get("trigger") == "concentration"]
    assert moves == [("opened", "2026-03-12"), ("cleared", "2026-03-14")]


def test_who_slept_before_the_first_totals_is_looked_at_when_they_come() -> None:
    f = fold()
    f.event(limit("C1", "2026-03-01", "900000.00"))
    f.event(invoice("C1", "2026-03-01", "20000.00"))
    ended(f, *(tick(f"2026-03-{n:02}") for n in range(1, 9)))
    small = {"book_exposure": "100000.00", "book_accounts": 25}
    alerts = opened(ended(f, tick("2026-03-09", **small), tick("2026-03-10", **small)), "concentration")
    assert [a.body["as_of"] for a in alerts] == ["2026-03-10"]


def test_without_totals_on_the_tick_concentration_never_fires() -> None:
    f = fold()
    f.event(limit("C1", "2026-03-01", "900000.00"))
    f.event(invoice("C1", "2026-03-01", "20000.00"))
    assert not opened(ended(f, *(tick(f"2026-03-0{n}") for n in range(1, 6))), "concentration")


def test_a_live_tick_reports_the_partitions_part_of_the_book_and_history_does_not() -> None:
    f = fold()
    f.event(invoice("C1", "2026-03-01", "100.00"))
    f.event(invoice("C2", "2026-03-01", "50.50"))
    assert not [o for o in ended(f, tick("2026-03-01")) if o.topic == "control"]
    (report,) = [o for o in ended(f, tick("2026-03-02"), live=True) if o.topic == "control"]
    assert (report.body["exposure"], report.body["accounts"], report.body["partition"]) == ("150.50", 2, 3)
    parse(orjson.dumps(report.body))


@pytest.mark.parametrize("said", [{"type": "acknowledged"}, {"type": "snoozed", "until": "2026-12-24"}])
def test_what_people_say_of_an_alert_takes_none_of_its_figures_away(said: dict[str, str]) -> None:
    f = fold()
    day = date(2025, 1, 1).toordinal()
    for n in range(14):
        issued, paid = (date.fromordinal(day + 20 * n + k).isoformat() for k in (0, 30))
        f.event(invoice("A", issued, "100.00", due=paid, number=str(n)), lambda: True)
        if n < 13:
            f.event(
                event(
                    "payment.received", "A", paid, payment_id=f"P{n}", amount="100.00", currency="USD", paid_on=paid,
                    applications=[{"invoice_id": f"A-{n}", "amount": "100.00"}],
                ),
                lambda: True,
            )  # fmt: skip
    last = day + 20 * 13 + 30
    told = ended(f, *(tick(date.fromordinal(last + k).isoformat()) for k in range(14)))
    (alert,) = opened(told, "overdue_surprise")
    kind, rest = f"alert.{said['type']}", {k: v for k, v in said.items() if k != "type"}
    answer = f.event(
        event(
            kind,
            "A",
            date.fromordinal(last + 14).isoformat(),
            alert_id=alert.body["alert_id"],
            actor="Ms Ito",
            **rest,
        ),
        lambda: True,
    )
    record, beside = (
        next(o for o in answer if isinstance(o, Output) and o.topic == t) for t in ("alerts", "snapshots")
    )
    metrics = record.body["evidence"]["metrics"]
    assert (record.body["status"], metrics["days_past_due"]) == (said["type"], 14)
    assert metrics["overdue_surprise"] < 0.05
    assert metrics["invoices_observed"] == alert.body["evidence"]["metrics"]["invoices_observed"]
    assert beside.body["overdue_surprise"] is None, "figures are measured whole at ticks only"


def test_a_text_that_is_no_policy_is_refused_and_the_old_one_stands() -> None:
    f = fold()
    before = f.book.policy_hash
    body = {"event_id": "p", "type": "policy.adopted", "occurred_at": "2026-03-01T00:00:00Z", "source": "x", "hash": "h",
            "text": "nonsense = 1", "engine": "1"}  # fmt: skip
    refused = f.adopt(parse(orjson.dumps(body)))  # type: ignore[arg-type]
    assert [r.kind for r in refused] == ["refused"]
    assert f.book.policy_hash == before


def adoption(**fields: str) -> PolicyAdopted:
    body = {"event_id": "p", "type": "policy.adopted", "occurred_at": "2026-03-01T00:00:00Z", "source": "x",
            "hash": policy_hash(POLICY), "text": POLICY, "engine": "1", **fields}  # fmt: skip
    adopted = parse(orjson.dumps(body))
    assert isinstance(adopted, PolicyAdopted)
    return adopted


def test_a_live_from_that_comes_with_the_adoption_goes_before_the_policys_own() -> None:
    f = fold()
    assert f.adopt(adoption(live_from="2026-04-01")) == []
    policy = f.book.policy
    assert policy is not None
    assert policy.live_from == date(2026, 4, 1).toordinal()
    assert policy.of("high", None).live_from == policy.live_from
    again = Book.load(f.book.dump())
    assert again.policy is not None
    assert again.policy.live_from == policy.live_from, "it is kept with the states"
    f.adopt(adoption())
    assert f.book.policy is not None
    assert f.book.policy.live_from is None


def test_a_policy_that_was_kept_without_a_live_from_is_still_read() -> None:
    kept = orjson.dumps([1, "h", POLICY])
    assert Book.load({"policy": kept}).policy is not None
    with pytest.raises(ValueError, match="version 3"):
        Book.load({"policy": orjson.dumps([3, "h", POLICY, None])})


def test_a_report_of_the_book_is_not_for_the_journal_and_moves_nothing() -> None:
    f = fold()
    f.book.dump()
    report = parse(
        b'{"event_id": "b1", "type": "book.reported", "occurred_at": "2026-03-02T00:00:00Z", "source": "bellwether",'
        b' "partition": 0, "as_of": "2026-03-01", "exposure": "5.00", "accounts": 1}'
    )
    (refusal,), woken, done = f.take(report)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, woken, done, f.book.changed) == ("refused", 0, True, False)


def test_a_rule_that_raises_costs_a_tick_one_account_and_any_other_record_the_whole_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    f = fold()
    for account in ("C1", "C2"):
        f.take(limit(account, "2026-03-01", "10000.00"))
    rule = limits.score

    def broken(view: View) -> limits.Scoring:
        if view.account_id == "C1":
            raise ZeroDivisionError
        return rule(view)

    monkeypatch.setattr(limits, "score", broken)
    with pytest.raises(StepFailed) as of_event:
        f.take(limit("C1", "2026-03-01", "20000.00"))
    with pytest.raises(StepFailed) as of_tick:
        f.take(tick("2026-03-01"))
    assert (of_event.value.account_id, of_event.value.part) == ("C1", "")
    assert (of_tick.value.account_id, of_tick.value.part) == ("C1", "C1")
    outputs, woken, done = f.take(tick("2026-03-01"), failed={"C1": "it raised"}.get)
    assert (woken, done) == (2, True)
    assert [o.account_id for o in outputs if isinstance(o, Refusal)] == ["C1"]
    assert {o.account_id for o in outputs if isinstance(o, Output)} == {"C2"}


def test_no_two_records_have_one_id_even_where_days_go_back_before_the_first_tick() -> None:
    f = fold()
    out: list[Any] = []
    for day in ("2026-03-05", "2026-03-01", "2026-03-05", "2026-03-02", "2026-03-05"):
        out += f.event(limit("C1", day, f"{1000 + len(out)}.00"))
    out += ended(f, tick("2026-03-04"), tick("2026-03-05"))
    ids = Counter(o.ce_id for o in out if isinstance(o, Output))
    assert len(ids) >= 4
    assert max(ids.values()) == 1


def test_a_book_and_an_account_are_the_same_after_their_pieces() -> None:
    f = fold()
    f.event(invoice("C1", "2026-03-01", "100.00"))
    ended(f, tick("2026-03-01", book_exposure="100.00", book_accounts=1, rates={"EUR": "1.1"}))
    account = f.accounts.get("C1")
    assert account is not None
    pieces = {name: raw for name, raw in dump(account).items() if raw is not None}
    again = load("C1", pieces)
    for part in (again.pulse, again.watch, again.desk):
        part.changed = True
    assert again.pulse.dump() == pieces["pulse"]
    book = Book.load(f.book.dump())
    book.changed = book.adopted = True
    assert (book.day, book.totals, book.policy_hash) == (f.book.day, f.book.totals, f.book.policy_hash)


@pytest.mark.parametrize("restored", [False, True])
def test_a_policy_that_is_taken_back_finds_the_rates_of_before(*, restored: bool) -> None:
    book = fold().book
    book.add_rates(100, {"EUR": "1.10", "GBP": "1.25"})
    kept = book.dump()
    for base in ("JPY", "EUR", "USD"):  # nobody gave a rate of the yen
        book.adopt(POLICY.replace('base_currency = "USD"', f'base_currency = "{base}"'), f"in {base}")
        assert (book.rates.rate("EUR", 100) is None) == (base == "JPY")
        if restored:
            kept |= book.dump()
            book = Book.load(kept)
    assert (book.rates.rate("EUR", 100), book.rates.rate("GBP", 100)) == (Fraction("1.10"), Fraction("1.25"))


def test_totals_of_another_base_currency_are_no_totals() -> None:
    """A policy in yen came after ticks in dollars: their cents raised with each event until the totals were in yen."""
    f = fold()
    ended(f, tick("2026-03-01", book_exposure="900000.00", book_accounts=25))
    yen = POLICY.replace('base_currency = "USD"', 'base_currency = "JPY"')
    f.book.adopt(yen, policy_hash(yen))
    assert f.book.totals is None
    f.event(invoice("C1", "2026-03-02", "200000.00"))
    ended(f, tick("2026-03-02", book_exposure="900000.00", book_accounts=25))  # reported before the policy
    assert f.book.totals is None
    f.event(invoice("C1", "2026-03-03", "100000.00", number="2"))
    ended(f, tick("2026-03-03", book_exposure="130000000", book_accounts=25))
    assert f.book.totals is not None
    assert f.book.totals.exposure == 130_000_000


def test_totals_in_the_money_of_an_earlier_policy_are_forgotten_with_it() -> None:
    f = fold()
    ended(f, tick("2026-03-01", book_exposure="900000.00", book_accounts=25))
    f.book.adopt(POLICY.replace("ticks_in_a_row = 2", "ticks_in_a_row = 3"), "another")
    assert f.book.totals is not None
    f.book.adopt(POLICY.replace('base_currency = "USD"', 'base_currency = "EUR"'), "in euros")
    assert f.book.totals is None


def screened(account: str, day: str, match: str = "M1", status: str = "confirmed") -> Any:
    return event(
        "screening.reported", account, day, match_id=match, list="EU consolidated", status=status
    )  # fmt: skip


def told(outputs: list[Any]) -> list[tuple[str, str, str]]:
    return [
        (o.body["trigger"], o.body["status"], o.body["as_of"])
        for o in outputs
        if isinstance(o, Output) and o.topic == "alerts"
    ]


def test_a_backfill_after_the_first_live_events_clears_nothing_that_they_opened() -> None:
    """Each day of the backfill was judged as if the match of after it were not there, and its alert cleared."""
    f = fold()
    assert told(f.event(screened("C1", "2026-03-05"))) == [("sanctions_match", "opened", "2026-03-05")]
    assert told(f.event(limit("C1", "2026-03-05", "100.00"))) == []
    out: list[Any] = ended(f, tick("2026-01-01"))
    out += f.event(invoice("C1", "2026-01-02", "70.00", due="2026-01-03"))
    out += ended(f, *(tick(f"2026-01-{day:02}") for day in range(2, 31)), tick("2026-03-04"))
    assert [o for o in told(out) if o[0] == "sanctions_match"] == []
    assert min([o.body["as_of"] for o in out], default="2026-03-05") >= "2026-03-05"
    at_last = ended(f, tick("2026-03-05"), tick("2026-03-06"))
    assert ("past_due_share", "opened", "2026-03-06") in told(at_last)
    assert not any(status == "cleared" for _, status, _ in told(at_last))


def test_no_future_invoice_counts_on_the_days_of_a_backfill() -> None:
    f = fold()
    f.event(invoice("C1", "2026-03-05", "900.00"))
    f.event(invoice("C2", "2026-01-01", "50.00"))
    out = ended(f, tick("2026-01-01"), tick("2026-01-02"))
    assert {(o.account_id, o.body.get("open_balance")) for o in out if o.topic == "snapshots"} == {
        ("C2", "50.00")
    }


def test_an_event_that_comes_late_before_the_first_tick_takes_no_newer_day_back() -> None:
    f = fold()
    assert told(f.event(screened("C1", "2026-03-05"))) == [("sanctions_match", "opened", "2026-03-05")]
    assert told(f.event(screened("C1", "2026-02-01", "M2", "cleared"))) == []


def test_a_new_policy_in_a_backfill_looks_at_nobody_before_the_day_of_the_first_live_event() -> None:
    f = fold()
    f.event(screened("C1", "2026-03-05"))
    f.event(invoice("C2", "2026-01-01", "50.00"))
    ended(f, tick("2026-01-01"))
    f.book.sweep = ""
    outputs, _, done = f.tick(tick("2026-01-02"), False, 1)
    while not done:
        more, _, done = f.tick(tick("2026-01-02"), False, 1)
        outputs += more
    assert {o.account_id for o in outputs if isinstance(o, Output)} == {"C2"}
    ended(f, tick("2026-03-05"))
    account = f.accounts.get("C1")
    assert account is not None
    assert account.pulse.not_before is None


def paid(account: str, day: str, amount: str) -> Any:
    return event("payment.received", account, day, payment_id="P", amount=amount, currency="USD", paid_on=day)


def over_for_a_while(live: bool) -> tuple[Fold, list[Any]]:
    """After the day's end comes what was true on days before it: 170 owed under a limit of 100, and paid."""
    f = fold()
    f.event(limit("C1", "2026-03-05", "100.00"))
    ended(f, tick("2026-03-05"))
    out = f.event(invoice("C1", "2026-03-02", "170.00"), lambda: live)
    return f, out + f.event(paid("C1", "2026-03-04", "170.00"), lambda: live)


def test_a_backfill_of_days_that_have_ended_waits_for_the_tick_and_tells_what_it_comes_to() -> None:
    f, out = over_for_a_while(live=False)
    assert out == [], "it was over its limit once: no news, and no alert of today"
    after = ended(f, tick("2026-03-06"))
    assert "over_limit" not in {trigger for trigger, _, _ in told(after)}
    assert f.event(invoice("C1", "2026-03-03", "300.00", number="2")) == []
    assert ("over_limit", "opened", "2026-03-07") in told(ended(f, tick("2026-03-07")))


def test_a_filing_of_a_backfill_waits_for_the_tick_as_an_invoice_does() -> None:
    f = fold()
    f.event(limit("C1", "2026-03-05", "100.00"))
    ended(f, tick("2026-03-05"))
    filed = event("bureau.filed", "C1", "2026-03-04", filing_id="F1", kind="insolvency", status="filed",
                  filed_on="2026-03-04")  # fmt: skip
    assert f.event(filed) == []
    assert ("insolvency", "opened", "2026-03-06") in told(ended(f, tick("2026-03-06")))


def test_a_live_fact_that_comes_late_is_judged_at_once() -> None:
    _, out = over_for_a_while(live=True)
    assert [alert for alert in told(out) if alert[0] == "over_limit"] == [
        ("over_limit", "opened", "2026-03-06"),
        ("over_limit", "cleared", "2026-03-06"),
    ]


def test_a_backfill_of_the_day_that_goes_on_is_judged_at_once() -> None:
    f = fold()
    f.event(limit("C1", "2026-03-05", "100.00"))
    ended(f, tick("2026-03-05"))
    out = f.event(invoice("C1", "2026-03-06", "170.00"))
    assert ("over_limit", "opened", "2026-03-06") in told(out)

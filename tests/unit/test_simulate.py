"""The simulated book: valid, in order, the same for the same seed, and true to the truth beside it."""

from __future__ import annotations

import datetime as dt
import itertools
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from schemas.events import EVENT, ClockTicked, parse
from streams.commands.simulate import simulate
from streams.errors import Refused
from streams.simulate import END, generate, live_events, span, truth_path, truths, write_book
from streams.simulation.outside import ORDINARY, TROUBLE
from streams.simulation.plan import REGIMES, TURNING, draw
from tests.simulated import Books

ACCOUNTS, MONTHS, SEED = 240, 18, 11
Event = dict[str, Any]


@cache
def book() -> list[Event]:
    return list(generate(ACCOUNTS, MONTHS, SEED))


@cache
def truth() -> list[dict[str, Any]]:
    return list(truths(ACCOUNTS, MONTHS, SEED))


def test_every_event_is_valid() -> None:
    for event in book():
        parse(orjson.dumps(event))


def test_events_come_in_time_order_within_the_book() -> None:
    times = [event["occurred_at"] for event in book()]
    assert times == sorted(times)
    first, last = span(MONTHS)
    assert (times[0][:10], times[-1][:10]) == (first.isoformat(), last.isoformat())


def test_event_ids_are_unique_with_their_source() -> None:
    ids = Counter((event["source"], event["event_id"]) for event in book())
    assert ids.most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("invoice.issued", "invoice_id"),
        ("payment.received", "payment_id"),
        ("invoice.credited", "memo_id"),
        ("invoice.disputed", "dispute_id"),
        ("order.booked", "order_id"),
        ("payment.promised", "promise_id"),
        ("news.published", "article_id"),
    ],
)
def test_natural_ids_are_unique(kind: str, name: str) -> None:
    ids = [event[name] for event in book() if event["type"] == kind]
    assert ids
    assert len(ids) == len(set(ids))


def test_each_day_ends_with_its_tick_and_the_rates_of_the_currencies() -> None:
    ticks = [event for event in book() if event["type"] == "clock.ticked"]
    first, last = span(MONTHS)
    assert [tick["as_of"] for tick in ticks] == [
        dt.date.fromordinal(day).isoformat() for day in range(first.toordinal(), last.toordinal() + 1)
    ]
    for tick in ticks:
        parsed = parse(orjson.dumps(tick))
        assert isinstance(parsed, ClockTicked)
        assert set(tick["rates"]) == {"USD", "EUR", "GBP"}
    for before, after in itertools.pairwise(book()):
        if before["type"] == "clock.ticked":
            assert after["occurred_at"][:10] > before["as_of"]


def test_an_account_opens_before_anything_else_happens_to_it() -> None:
    seen: set[str] = set()
    for event in book():
        account = event.get("account_id")
        if account is not None and account not in seen:
            assert event["type"] == "account.opened"
            seen.add(account)
    assert len(seen) == ACCOUNTS


def test_the_same_seed_makes_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.jsonl", tmp_path / "theirs.jsonl"
    write_book(mine, 20, 4, 5)
    script = "import sys, pathlib, streams.simulate as s; s.write_book(pathlib.Path(sys.argv[1]), 20, 4, 5)"
    subprocess.run([sys.executable, "-c", script, str(theirs)], check=True, cwd=Path(__file__).parents[2])
    assert mine.read_bytes() == theirs.read_bytes()
    assert truth_path(mine).read_bytes() == truth_path(theirs).read_bytes()
    write_book(theirs, 20, 4, 6)
    assert mine.read_bytes() != theirs.read_bytes()


def test_an_account_is_the_same_in_a_larger_book() -> None:
    small = [event for event in generate(5, 6, 3) if "account_id" in event]
    accounts = {event["account_id"] for event in small}
    large = [event for event in generate(40, 6, 3) if event.get("account_id") in accounts]
    assert small == large


def test_truth_and_events_agree() -> None:
    books = Books(book())
    assert {line["account_id"] for line in truth()} == set(books.papers)
    turned = 0
    for line in truth():
        turned += line["bad"]
        day = books.turned_bad(line["account_id"])
        assert (day and day.isoformat()) == line["event_date"], line
        if day is not None:
            assert books.open_balance(line["account_id"], day) == Decimal(line["exposure_at_event"]), line
    assert turned >= 10


def test_the_check_of_the_truth_fails_when_one_payment_of_a_sound_account_is_lost() -> None:
    sound = {line["account_id"] for line in truth() if not line["bad"]}
    lost = next(
        event for event in book() if event["type"] == "payment.received" and event["account_id"] in sound
    )
    books = Books(
        event for event in book() if event is not lost and event.get("payment_id") != lost["payment_id"]
    )
    assert books.turned_bad(lost["account_id"]) is not None


def test_the_check_of_the_truth_fails_when_the_late_invoice_of_a_bad_account_is_lost() -> None:
    line = next(line for line in truth() if line["regime"] == "stop")
    due = (dt.date.fromisoformat(line["event_date"]) - dt.timedelta(days=61)).isoformat()
    late = {
        event["invoice_id"]
        for event in book()
        if event.get("account_id") == line["account_id"] and event.get("due_date") == due
    }
    assert late
    books = Books(
        event
        for event in book()
        if event.get("invoice_id") not in late
        and not late & {part["invoice_id"] for part in event.get("applications", ())}
    )
    day = books.turned_bad(line["account_id"])
    assert day is None or day.isoformat() > line["event_date"]


def test_truth_lines_are_whole() -> None:
    for line in truth():
        assert line["regime"] in REGIMES
        assert line["bad"] == (line["event_date"] is not None) == (line["exposure_at_event"] is not None)
        assert (line["onset"] is not None) == (line["regime"] in TURNING)
        if line["bad"]:
            assert line["observed_from"] <= line["onset"] <= line["event_date"] <= line["observed_to"]
        if line["regime"] in TURNING and line["regime"] != "recover":
            assert line["bad"]


def test_no_invoice_is_paid_beyond_its_amount() -> None:
    books = Books(book())
    for papers in books.papers.values():
        for paper in papers.values():
            for paid_on, _, _ in paper.moves:
                assert paper.open_at_end_of(paid_on) >= 0


def test_a_payment_is_applied_in_full_but_for_the_rare_overpayment() -> None:
    books = Books(book())
    over = 0
    for payment, received in books.received.items():
        applied = sum((cash for _, cash, _ in books.applied[payment]), Decimal(0))
        if books.applied[payment]:
            assert received >= applied
            over += received > applied
    assert 0 < over < len(books.received) / 100


def test_regimes_come_in_their_stated_shares() -> None:
    first, last = (day.toordinal() for day in span(24))
    drawn = Counter(draw(index, 1234, first, last).regime for index in range(6000))
    assert sum(REGIMES.values()) == pytest.approx(1.0)
    for regime, share in REGIMES.items():
        sigma = (share * (1 - share) * 6000) ** 0.5
        assert abs(drawn[regime] - share * 6000) < 4.5 * sigma, regime


def test_about_one_account_in_nine_turns_bad() -> None:
    first, last = (day.toordinal() for day in span(24))
    bad = sum(draw(index, 99, first, last).bad for index in range(6000))
    assert 0.095 < bad / 6000 < 0.13


def test_event_days_are_spread_over_the_book() -> None:
    first, last = (day.toordinal() for day in span(24))
    events = [plan.event for index in range(6000) if (plan := draw(index, 7, first, last)).event is not None]
    half = (first + last) // 2
    assert min(events) >= first + 110
    assert max(events) <= last
    assert 0.25 < sum(day <= half for day in events) / len(events) < 0.55


def test_a_book_too_short_to_turn_in_has_sound_accounts_instead() -> None:
    assert all(not line["bad"] or line["regime"] == "fail" for line in truths(400, 2, 1))
    assert all(line["onset"] is None for line in truths(400, 2, 1) if line["regime"] not in TURNING)


def test_the_volume_is_what_the_readme_may_say() -> None:
    months = ACCOUNTS * MONTHS
    assert 10 < sum("account_id" in event for event in book()) / months < 20


def test_the_book_has_all_that_happens_to_receivables() -> None:
    kinds = Counter(event["type"] for event in book())
    for kind in (
        *("account.opened", "account.limit_set", "order.booked", "order.closed", "invoice.issued"),
        *(
            "invoice.credited",
            "invoice.disputed",
            "dispute.resolved",
            "invoice.written_off",
            "invoice.voided",
        ),
        *("payment.received", "payment.applied", "payment.reversed", "payment.promised", "payment.scheduled"),
        *("bureau.reported", "bureau.filed", "news.published", "security.recorded", "statement.filed"),
        *("reference.given",),
    ):
        assert kinds[kind], kind
    news = [event for event in book() if event["type"] == "news.published"]
    assert any("category" not in event for event in news)
    assert Counter(event.get("story_id") for event in news if "story_id" in event).most_common(1)[0][1] > 1
    assert {event["currency"] for event in book() if event["type"] == "account.opened"} >= {"USD", "EUR"}


def test_an_agency_reports_on_an_account_again_and_again_until_it_fails() -> None:
    reported: dict[tuple[str, str], list[int]] = {}
    for event in book():
        if event["type"] == "bureau.reported":
            day = dt.date.fromisoformat(event["reported_on"]).toordinal()
            reported.setdefault((event["account_id"], event["agency"]), []).append(day)
    last = max(max(days) for days in reported.values())
    ended = {t["account_id"] for t in truth() if t["bad"]}
    for (account, _), days in reported.items():
        gaps = [later - earlier for earlier, later in itertools.pairwise(days)]
        assert max(gaps) - min(gaps) <= 2, "each agency has its own rhythm"
        assert account in ended or last - days[-1] <= max(gaps)


def test_the_news_tells_of_trouble_where_an_account_turns_and_seldom_of_others() -> None:
    turned = {t["account_id"]: t for t in truth() if t["onset"] is not None}
    told = {True: set[str](), False: set[str]()}
    for event in book():
        grave = event.get("category") in TROUBLE.keys() - ORDINARY.keys()
        if event["type"] == "news.published" and grave and event["confidence"] >= 0.5:
            told[event["account_id"] in turned].add(event["account_id"])
            turns = turned.get(event["account_id"])
            assert turns is None or event["published_at"][:10] >= turns["onset"]
    assert len(told[True]) > len(turned) / 5
    assert told[False] == set()


def test_a_copy_of_a_story_follows_its_first_print_in_another_paper() -> None:
    articles = {e["article_id"]: e for e in book() if e["type"] == "news.published"}
    copies = [article for article in articles if article.count("-") > 2]
    assert 20 < len(copies) < len(articles)
    for article in copies:
        first, copy = articles[article.rpartition("-")[0]], articles[article]
        assert first["occurred_at"] < copy["occurred_at"]
        assert first["domain"] != copy["domain"]
        assert first["headline"] == copy["headline"]
    namesakes = [event for event in articles.values() if event["confidence"] < 0.5]
    assert 0 < len(namesakes) < len(articles) / 5


def test_a_failed_account_files_on_its_event_day_and_pays_no_more() -> None:
    failed = {line["account_id"]: line["event_date"] for line in truth() if line["regime"] == "fail"}
    filings = {
        event["account_id"]: event["filed_on"]
        for event in book()
        if event["type"] == "bureau.filed" and event["kind"] == "insolvency"
    }
    assert failed
    assert failed.items() <= filings.items()
    for event in book():
        if event["type"] == "payment.received" and event["account_id"] in failed:
            assert event["paid_on"] < failed[event["account_id"]]


def test_the_live_continuation_is_valid_and_dated_now() -> None:
    now = dt.datetime(2026, 3, 31, 17, 5, tzinfo=dt.UTC)
    live = list(itertools.islice(live_events(30, 3, 4, lambda: now), 400))
    known = {event["invoice_id"] for event in generate(30, 3, 4) if event["type"] == "invoice.issued"}
    settled = set()
    for event in live:
        parsed = EVENT.validate_json(orjson.dumps(event))
        assert parsed.occurred_at == now
        assert event["type"] != "clock.ticked"
        if event["type"] == "payment.received":
            assert "2026-03-24" <= event["paid_on"] <= "2026-03-31"
            settled |= {part["invoice_id"] for part in event.get("applications", ())}
        if event["type"] == "invoice.issued":
            assert event["invoice_date"] == "2026-03-31"
    assert settled & known  # invoices of the book are paid after it


def test_a_book_can_end_on_any_day() -> None:
    assert span(12) == (dt.date(2025, 1, 1), END)
    assert span(1, dt.date(2026, 3, 30)) == (dt.date(2026, 2, 28), dt.date(2026, 3, 30))
    end = dt.date(2026, 11, 20)
    assert list(generate(3, 2, 1, end))[-1]["as_of"] == "2026-11-20"


def test_the_command_writes_the_book_and_the_truth(tmp_path: Path) -> None:
    to = tmp_path / "book.jsonl"
    answer = CliRunner().invoke(
        simulate, ["--accounts", "15", "--months", "3", "--seed", "2", "--to", str(to)]
    )
    assert answer.exit_code == 0, answer.output
    assert [orjson.loads(line) for line in to.open()] == list(generate(15, 3, 2))
    written = [orjson.loads(line) for line in (tmp_path / "book.truth.jsonl").open()]
    assert written == list(truths(15, 3, 2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.jsonl", "book.truth.jsonl"]
    assert "events of 15 accounts" in answer.stdout


@pytest.mark.parametrize("name", ["book.csv", "book", "book.truth.jsonl"])
def test_a_name_that_is_not_jsonl_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match=r"\.jsonl"):
        write_book(tmp_path / name, 1, 1, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        write_book(tmp_path / "nowhere" / "book.jsonl", 1, 1, 1)

"""The page's questions before the real engine: every one is understood, lists are complete and in order page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from streams.store.client import Client, database_name
from streams.store.queries import ask
from streams.web import (
    cursor,
    queries,
    queries_accounts,
    queries_alerts,
    queries_feeds,
    queries_portfolio,
    queries_proposals,
)
from streams.web.queries import Question
from streams.web.queries_accounts import AccountsQuery, TimelineQuery
from streams.web.queries_alerts import AlertsQuery, InboxQuery
from streams.web.queries_feeds import LettersQuery
from streams.web.queries_proposals import ProposalsQuery
from streams.web.store import Store
from tests.integration.store_kit import made

DAY = date(2026, 3, 1)
ACCOUNTS = 1500
HOSTILE = "'; DROP TABLE alerts_rows; -- {x:String} %(y)s \\ \" `"


class Filled:
    """A store with ACCOUNTS accounts, a third of them with alerts; every tenth has no limit, every seventh no figure."""

    def __init__(self, dsn: str, namespace: str) -> None:
        self.client: Client = made(dsn, namespace)
        self.store = Store(lambda: dsn, namespace)
        assert self.client.database == database_name(dsn, namespace)
        at = "'t', number % 4, number, now64(3)"
        for statement in (
            f"""INSERT INTO snapshots_rows (account_id, account_name, as_of, currency, exposure, exposure_base, fx_rate,
                base_currency, open_balance, past_due, credit_limit, dtp_90d, dtp_baseline, score, paid_90d, tier,
                topic, partition, offset, written_at)
            SELECT concat('C-', leftPad(toString(number), 5, '0')),
                if(number % 50 = 0, NULL, concat('Ärger ', toString(number % 97))),
                toDate('2026-03-01') - number % 3, 'EUR', number % 11 * 1000.5, if(number % 7 = 0, NULL, number % 11 * 1000.5),
                1, 'EUR', 100, number % 5, if(number % 10 = 0, NULL, 5000), if(number % 7 = 0, NULL, 30 + number % 9), 30,
                if(number % 7 = 0, NULL, number % 100), 10, ['low', 'medium', 'high'][number % 3 + 1], {at}
            FROM numbers({ACCOUNTS})""",
            f"""INSERT INTO account_status_rows (account_id, as_of, status, tier, credit_limit, currency, topic, partition,
                offset, written_at)
            SELECT concat('C-', leftPad(toString(number), 5, '0')), toDate('2026-03-01'), 'watch', 'high',
                if(number % 10 = 0, NULL, 4000), 'EUR', {at} FROM numbers({ACCOUNTS}) WHERE number % 2 = 0""",
            f"""INSERT INTO alerts_rows (alert_id, account_id, trigger, severity, status, title, as_of, history, value, topic,
                partition, offset, written_at)
            SELECT concat('a', toString(number)), concat('C-', leftPad(toString(number % 500 * 3), 5, '0')),
                ['over_limit', 'delinquent', 'promise_broken'][intDiv(number, 500) + 1], number % 5 + 1,
                if(number % 4 = 0, 'cleared', 'opened'), 'Exposure exceeds the credit limit',
                toDate('2026-02-01') + number % 28, number % 9 = 0, '{{"account_id": "x"}}', {at} FROM numbers(1200)""",
            f"""INSERT INTO proposals_rows (proposal_id, account_id, as_of, status, direction, value, topic, partition, offset,
                written_at)
            SELECT concat('p', toString(number)), concat('C-', leftPad(toString(number), 5, '0')),
                toDate('2026-02-01') + number % 3, 'proposed', 'cut', '{{}}', {at} FROM numbers(130)""",
            """INSERT INTO dead_letters_rows (origin_topic, kind, reason, value, topic, partition, offset, written_at)
            SELECT 'feed', 'refused', 'amount', unhex('FF00'), 't', number % 4, number, now64(3) - number FROM numbers(120)""",
            f"""INSERT INTO journal_rows (account_id, type, event_id, occurred_at, value, topic, partition, offset, written_at)
            SELECT 'C-00003', 'invoice.issued', concat('e', toString(number)),
                toDateTime64('2026-01-01', 6) + number % 40, '{{}}',
                {at} FROM numbers(160)""",
        ):
            self.client.command(statement)

    def ask(self, question: Question) -> list[dict[str, Any]]:
        return asyncio.run(self.store.ask(question))


@pytest.fixture(scope="module")
def filled(clickhouse: str) -> Iterator[Filled]:
    made_ = Filled(clickhouse, "tpage")
    yield made_
    made_.store.close()


def questions(text: str) -> list[Question]:
    """Each question, whatever a person may write being `text`."""
    return [
        *(queries_accounts.accounts(AccountsQuery(sort=sort), None) for sort in queries_accounts.SORTS),
        queries_accounts.accounts(AccountsQuery(q=text, trigger=text, tier="low", status="hold", severity=2), (1.5, text)),
        queries_accounts.accounts(AccountsQuery(sort="name"), (text, text)),
        queries_accounts.accounts_found(AccountsQuery(q=text)),
        queries_accounts.account(text),
        queries_accounts.figures(text),
        queries_accounts.industry(text),
        queries_accounts.days_to_pay_of_others(text),
        queries.policy_in_force(),
        queries_accounts.series(text, DAY),
        queries_accounts.timeline(text, TimelineQuery(), (1, text, text, text)),
        queries_accounts.markers(text, DAY),
        queries_alerts.inbox(
            InboxQuery(q=text, trigger=text, owner=text, tier="low", severity=2), DAY, (1, "2026-01-01", text)
        ),
        *(queries_alerts.inbox(InboxQuery(state=state), DAY, None) for state in queries_alerts.STATES),
        queries_alerts.open_counts(DAY),
        queries_alerts.cleared_counts(),
        queries_alerts.owners(),
        queries_alerts.turned(DAY),
        queries_alerts.turned_count(DAY),
        queries_alerts.alert(text),
        queries_alerts.alert_life(text, text),
        queries_alerts.alerts_of(text),
        queries_accounts.events(text, [text, "e1"]),
        queries_alerts.alerts(
            AlertsQuery(account_id=text, status="opened", trigger=text, open=True, severity=1, history=False), (text, text)
        ),
        queries_proposals.proposals(
            ProposalsQuery(state="approved", direction="cut", approver="auto", account_id=text), ("2026-01-01", text)
        ),
        queries_proposals.proposal_counts(),
        queries_proposals.proposal(text),
        queries_proposals.proposal_life(text, text),
        queries_proposals.decided(text),
        queries_proposals.decision(text, text),
        queries_proposals.decision_sent(text, text, text),
        queries_portfolio.totals(),
        queries_portfolio.tiers(),
        queries_portfolio.statuses(),
        queries_portfolio.trend(DAY),
        queries_feeds.letters(LettersQuery(topic=text), (1, 2, 3)),
        queries_feeds.letters(LettersQuery(which="late"), None),
        queries_feeds.letter("dead", 1, 1),
        queries_feeds.letter_topics(),
        queries_feeds.feeds(),
        queries.moved(),
        queries.as_of(),
        queries.ready(),
    ]  # fmt: skip


def test_the_engine_understands_every_question_whatever_a_person_writes(filled: Filled) -> None:
    for question in questions(HOSTILE):
        filled.ask(question)
    assert filled.ask(queries_alerts.turned_count(DAY))[0]["accounts"] > 0, "the tables are still there"


def test_what_a_person_writes_never_stands_in_a_statement() -> None:
    plain = {(n, q.name, q.statement) for n, q in enumerate(questions("x"))}
    assert plain == {(n, q.name, q.statement) for n, q in enumerate(questions(HOSTILE))}


def test_every_question_of_the_page_is_among_them() -> None:
    asked = {question.name for question in questions("x")}
    rooms = [path.stem for path in Path(queries.__file__).parent.glob("queries*.py")]
    there = {
        name
        for room in rooms
        for name, value in vars(import_module(f"streams.web.{room}")).items()
        if callable(value) and getattr(value, "__annotations__", {}).get("return") == "Question"
    }
    assert asked == there


def walked(filled: Filled, query: AccountsQuery) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after: Sequence[Any] | None = None
    while True:
        page = filled.ask(queries_accounts.accounts(query, after))
        rows += page[: query.limit]
        if len(page) <= query.limit:
            return rows
        last = page[query.limit - 1]
        kinds = (str, str) if query.sort in ("name", "account") else (float, str)
        after = cursor.read(cursor.written((last["place"], last["account_id"])), *kinds)


@pytest.mark.parametrize("sort", queries_accounts.SORTS)
def test_pages_hold_every_account_once_and_in_order(filled: Filled, sort: Any) -> None:
    rows = walked(filled, AccountsQuery(sort=sort, limit=200))
    assert len({row["account_id"] for row in rows}) == len(rows) == ACCOUNTS
    falling = sort not in ("name", "account", "score")
    places = [(row["place"], row["account_id"]) for row in rows]
    assert places == sorted(places, key=lambda p: p[1]) if sort == "account" else True
    assert [p for p, _ in places] == sorted((p for p, _ in places), reverse=falling)
    assert filled.ask(queries_accounts.accounts_found(AccountsQuery(sort=sort)))[0]["found"] == ACCOUNTS


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (AccountsQuery(q="c-00012"), lambda n: n == 12),
        (AccountsQuery(q="ärger 5"), lambda n: n % 50 and str(n % 97).startswith("5")),
        (AccountsQuery(tier="high"), lambda n: n % 2 == 0 or n % 3 == 2),
        (AccountsQuery(status="watch"), lambda n: n % 2 == 0),
        (AccountsQuery(status="hold"), lambda n: False),
    ],
)
def test_filters_leave_what_they_say(filled: Filled, query: AccountsQuery, wanted: Any) -> None:
    rows = walked(filled, query.model_copy(update={"limit": 200}))
    assert {row["account_id"] for row in rows} == {f"C-{n:05}" for n in range(ACCOUNTS) if wanted(n)}
    assert filled.ask(queries_accounts.accounts_found(query))[0]["found"] == len(rows)


def test_a_limit_that_was_decided_counts_before_the_figures_follow(filled: Filled) -> None:
    assert (
        filled.ask(queries_accounts.account("C-00002"))[0]["credit_limit"] == 4000
    )  # of the status; the figures say 5000
    assert filled.ask(queries_accounts.account("C-00003"))[0]["credit_limit"] == 5000  # no status yet
    assert filled.ask(queries_accounts.account("C-00020"))[0]["credit_limit"] is None
    assert filled.ask(queries_accounts.account("nobody")) == []


def test_the_inbox_shows_each_account_once_with_its_whole_story(filled: Filled) -> None:
    seen: dict[str, int] = {}
    after: Sequence[Any] | None = None
    while True:
        page = filled.ask(queries_alerts.inbox(InboxQuery(severity=2), DAY, after))
        for row in page[: queries_alerts.INBOX_PAGE]:
            assert row["account_id"] not in seen
            seen[row["account_id"]] = len(row["story"])
            assert row["worst"] == max(
                alert[queries_alerts.STORY.index("severity")] for alert in row["story"]
            )
        if len(page) <= queries_alerts.INBOX_PAGE:
            break
        last = page[queries_alerts.INBOX_PAGE - 1]
        after = (last["worst"], last["newest"].isoformat(), last["account_id"])
    wanted: dict[str, int] = {}
    for n in range(1200):
        if n % 4 and n % 9 and n % 5 >= 1:
            account = f"C-{n % 500 * 3:05}"
            wanted[account] = wanted.get(account, 0) + 1
    assert seen == wanted


def says_what_was_told_last(client: Client, store: Store) -> None:
    """Of an account whose alerts were told under other names and currencies: the inbox, the portfolio's stories, the demo."""
    for offset, trigger, severity, day, name, tier, exposure, currency in (
        (14, "over_limit", 3, 1, "'New'", "'high'", "20", "'USD'"),
        (13, "delinquent", 5, 1, "'Older'", "'low'", "30", "'GBP'"),
        (15, "promise_broken", 4, 0, "'Oldest'", "'low'", "10", "'EUR'"),
        (16, "payment_reversed", 4, 1, "NULL", "NULL", "NULL", "'CHF'"),
    ):
        client.command(
            "INSERT INTO alerts_rows (alert_id, account_id, account_name, trigger, severity, status, as_of, tier, exposure, "
            "currency, history, value, topic, partition, offset, written_at) VALUES "
            f"('b{offset}', 'C-2', {name}, '{trigger}', {severity}, 'opened', '{DAY + timedelta(days=day)}', {tier}, "
            f"{exposure}, {currency}, false, '{{}}', 't', 1, {offset}, now64(3))"
        )
    for offset, day, direction, status in (
        (23, 1, "hold", "proposed"),
        (22, 1, "cut", "rejected"),
        (24, 0, "raise", "proposed"),
        (25, 2, "open", "superseded"),
    ):
        client.command(
            "INSERT INTO proposals_rows (proposal_id, account_id, as_of, status, direction, value, topic, partition, offset, "
            f"written_at) VALUES ('p{offset}', 'C-2', '{DAY + timedelta(days=day)}', '{status}', '{direction}', '{{}}', 't', "
            f"1, {offset}, now64(3))"
        )
    for question in (queries_alerts.inbox(InboxQuery(), DAY, None), queries_alerts.turned(DAY)):
        (row,) = (row for row in asyncio.run(store.ask(question)) if row["account_id"] == "C-2")
        told = [row[name] for name in ("name", "tier_", "exposure_", "currency_", "number", "worst")]
        assert told == ["New", "high", 20, "USD", 4, 5]
    assert (row["proposal_id"], row["direction"], row["proposal_status"]) == ("p23", "hold", "proposed")
    (row,) = (row for row in ask(client, "turned", {"severity": 4, "limit": 9}) if row["account_id"] == "C-2")
    told = [
        row[name] for name in ("worst", "open_alerts", "trigger", "since", "direction", "proposal_status")
    ]
    assert told == [5, 3, "delinquent", DAY, "hold", "proposed"]


def test_a_snoozed_alert_that_grew_graver_is_open_again_and_sleeps_on_once_somebody_took_it(
    clickhouse: str,
) -> None:
    client, store = made(clickhouse, "tsnooze"), Store(lambda: clickhouse, "tsnooze")

    def now_is(offset: int, status: str) -> dict[str, int]:
        client.command(
            "INSERT INTO alerts_rows (alert_id, account_id, trigger, severity, status, as_of, snoozed_until, history, "
            f"value, topic, partition, offset, written_at) VALUES ('a', 'C-1', 'payment_reversed', 5, '{status}', "
            f"'{DAY}', '{DAY + timedelta(days=9)}', false, '{{}}', 't', 1, {offset}, now64(3))"
        )
        listed = {
            state: len(asyncio.run(store.ask(queries_alerts.inbox(InboxQuery(state=state), DAY, None))))
            for state in ("open", "unassigned", "snoozed")
        }
        (counted,) = asyncio.run(store.ask(queries_alerts.open_counts(DAY)))
        assert listed == {state: counted[state] for state in listed}
        (row,) = asyncio.run(store.ask(queries_alerts.alert("a")))
        assert (row["sleeps_until"] is not None) is bool(listed["snoozed"]), (
            "the alert's own page says the same"
        )
        state = "snoozed" if listed["snoozed"] else "open"
        (found,) = asyncio.run(store.ask(queries_alerts.inbox(InboxQuery(state=state), DAY, None)))
        until = found["story"][0][queries_alerts.STORY.index("sleeps_until")]
        assert until == (str(DAY + timedelta(days=9)) if listed["snoozed"] else ""), "and the inbox too"
        return listed

    try:
        assert now_is(1, "snoozed") == {"open": 0, "unassigned": 0, "snoozed": 1}
        assert now_is(2, "escalated") == {"open": 1, "unassigned": 1, "snoozed": 0}
        assert now_is(3, "acknowledged") == {"open": 0, "unassigned": 0, "snoozed": 1}
        says_what_was_told_last(client, store)
    finally:
        store.close()
        client.command(f"DROP DATABASE `{client.database}`")
        client.close()


def test_what_turned_is_the_gravest_with_all_that_is_open_on_them(filled: Filled) -> None:
    since = date(2026, 2, 20)
    stories: dict[str, list[tuple[int, date]]] = {}
    for n in range(1200):
        if n % 4 and n % 9:
            day = date(2026, 2, 1) + timedelta(days=n % 28)
            stories.setdefault(f"C-{n % 500 * 3:05}", []).append((n % 5 + 1, day))
    wanted = [
        (
            -max(severity for severity, _ in story),
            -max(day for _, day in story).toordinal(),
            account,
            len(story),
        )
        for account, story in stories.items()
        if any(severity >= 3 and day >= since for severity, day in story)
    ]
    assert len(wanted) > 50
    found = [
        (-row["worst"], -row["newest"].toordinal(), row["account_id"], len(row["story"]))
        for row in filled.ask(queries_alerts.turned(since))
    ]
    assert found == sorted(wanted)[:12]


def test_history_is_kept_apart_from_today(filled: Filled) -> None:
    counts = {bool(row["history"]): row["open"] for row in filled.ask(queries_alerts.open_counts(DAY))}
    assert counts == {
        True: sum(1 for n in range(1200) if n % 4 and n % 9 == 0),
        False: sum(1 for n in range(1200) if n % 4 and n % 9),
    }
    cleared = {bool(row["history"]): row["cleared"] for row in filled.ask(queries_alerts.cleared_counts())}
    assert cleared == {
        True: sum(1 for n in range(1200) if n % 4 == 0 and n % 9 == 0),
        False: sum(1 for n in range(1200) if n % 4 == 0 and n % 9),
    }


def pages(filled: Filled, ask: Any, size: int, place: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = None
    while True:
        page = filled.ask(ask(after))
        rows += page[:size]
        if len(page) <= size:
            return rows
        after = place(page[size - 1])


def test_every_other_list_is_whole_too(filled: Filled) -> None:
    alerts = pages(
        filled,
        lambda after: queries_alerts.alerts(AlertsQuery(limit=200), after),
        200,
        lambda r: (r["account_id"], r["alert_id"]),
    )
    assert len({row["alert_id"] for row in alerts}) == len(alerts) == 1200
    proposals = pages(
        filled,
        lambda after: queries_proposals.proposals(ProposalsQuery(limit=50), after),
        50,
        lambda r: (r["as_of"].isoformat(), r["proposal_id"]),
    )
    assert len({row["proposal_id"] for row in proposals}) == len(proposals) == 130
    letters = pages(
        filled,
        lambda after: queries_feeds.letters(LettersQuery(), after),
        queries.PAGE,
        lambda r: (r["written"], r["partition"], r["offset"]),
    )
    assert len({(row["partition"], row["offset"]) for row in letters}) == len(letters) == 120
    timeline = pages(
        filled,
        lambda after: queries_accounts.timeline("C-00003", TimelineQuery(), after),
        queries.PAGE,
        lambda r: (r["place"], r["kind"], r["id"], r["what"]),
    )
    events = [row["id"] for row in timeline if row["kind"] == "event"]
    assert len(set(events)) == len(events) == 160
    assert {row["kind"] for row in timeline} == {"event", "alert", "proposal"}
    assert [row["place"] for row in timeline] == sorted((row["place"] for row in timeline), reverse=True)


def test_a_timeline_is_of_its_account_alone_and_of_what_is_asked_for(filled: Filled) -> None:
    def kinds(account_id: str, what: Any) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in filled.ask(queries_accounts.timeline(account_id, TimelineQuery(what=what), None)):
            found.setdefault(row["kind"], set()).add(row["id"])
        return found

    decided = {"alert": {"a2", "a502", "a1002"}, "proposal": {"p6"}}
    assert kinds("C-00006", "") == kinds("C-00006", "decisions") == decided
    assert kinds("C-00006", "events") == {}
    assert kinds("C-00003", "events").keys() == {"event"}
    assert kinds("C-00003", "decisions") == {"alert": {"a1", "a501", "a1001"}, "proposal": {"p3"}}


def test_a_feed_tells_its_newest_event_and_letters_their_newest(filled: Filled) -> None:
    (feed,) = filled.ask(queries_feeds.feeds())
    assert (feed["type"], feed["source"], feed["number"]) == ("invoice.issued", "", 160)
    assert feed["newest"].isoformat().startswith("2026-01-01T00:00:39")
    filled.client.command(
        """INSERT INTO late_rows (origin_topic, kind, reason, topic, partition, offset, written_at)
        SELECT 'feed', 'late', 'closed', 'l', 0, number, now64(3) - number FROM numbers(3)"""
    )
    dead, late = filled.ask(queries_feeds.letter_topics())
    assert [dead[name] for name in ("which", "origin_topic", "number")] == ["dead", "feed", 120]
    assert [late[name] for name in ("which", "origin_topic", "number")] == ["late", "feed", 3]
    for topics, which in ((dead, "dead"), (late, "late")):
        newest = filled.ask(queries_feeds.letters(LettersQuery(which=which), None))[0]
        assert topics["newest"] == newest["written_at"]


def test_an_account_s_charts_mark_its_events_and_the_alerts_that_opened(filled: Filled) -> None:
    def marked(account_id: str, since: date) -> list[tuple[Any, ...]]:
        rows = filled.ask(queries_accounts.markers(account_id, since))
        return [(row["day"], row["kind"], row["number"], row["severity"]) for row in rows]

    alerts = [(date(2026, 2, 1 + n % 28), "alert", 1, 2) for n in (1, 1001, 501)]
    events = (date(2026, 1, 1), "invoice.issued", 160, 0)
    assert marked("C-00003", date(2026, 1, 1)) == [events, *alerts]
    assert marked("C-00003", alerts[1][0]) == alerts[1:]
    assert marked("C-00012", date(2026, 1, 1)) == [], "its alerts have cleared"


def test_a_dead_letter_keeps_its_bytes(filled: Filled) -> None:
    letter = filled.ask(queries_feeds.letter("dead", 1, 1))[0]
    assert (letter["value_text"], letter["bytes"], letter["no_key"]) == ("/wA=", 2, 1)


def test_the_book_is_summed_in_the_base_currency(filled: Filled) -> None:
    total = filled.ask(queries_portfolio.totals())[0]
    known = [n for n in range(ACCOUNTS) if n % 7]
    assert total["accounts"] == ACCOUNTS
    assert float(total["exposure"]) == pytest.approx(sum(n % 11 * 1000.5 for n in known))
    assert total["unvalued"] == ACCOUNTS - len(known)
    assert total["dtp"] == pytest.approx(sum(30 + n % 9 for n in known) / len(known))
    assert sum(row["accounts"] for row in filled.ask(queries_portfolio.tiers())) == ACCOUNTS


def test_figures_are_as_new_as_the_newest_of_statuses_and_snapshots(clickhouse: str) -> None:
    """In a quiet book no status moves for weeks, while what is past due grows older every day."""
    client = made(clickhouse, "tquiet")
    store = Store(lambda: clickhouse, "tquiet")
    assert asyncio.run(store.ask(queries.as_of()))[0]["day"].year == 1970, "nothing yet"
    client.command(
        "INSERT INTO account_status_rows (account_id, as_of, topic, partition, offset, written_at) "
        "VALUES ('C-1', '2026-03-01', 't', 0, 1, now64(3))"
    )
    assert asyncio.run(store.ask(queries.as_of()))[0]["day"] == date(2026, 3, 1)
    client.command(
        "INSERT INTO snapshots_rows (account_id, as_of, topic, partition, offset, written_at) "
        "VALUES ('C-1', '2026-03-14', 't', 0, 1, now64(3)), ('C-1', '2026-03-13', 't', 0, 0, now64(3))"
    )
    assert asyncio.run(store.ask(queries.as_of()))[0]["day"] == date(2026, 3, 14)
    store.close()
    client.command(f"DROP DATABASE `{client.database}`")
    client.close()


def test_a_decision_of_ours_is_found_by_its_whole_id_and_no_other_sources(filled: Filled) -> None:
    filled.client.command(
        """INSERT INTO journal_rows
            (account_id, type, event_id, source, occurred_at, value, topic, partition, offset, written_at)
        SELECT 'C-sent', 'proposal.approved', 'api-once', if(number = 0, 'erp', 'ours'), now64(6), toString(number),
            't', 0, 1000 + number, now64(3) FROM numbers(2)"""
    )
    assert filled.ask(queries_proposals.decision_sent("api-once", "C-sent", "ours")) == [{"value": "1"}]
    for asked in (
        ("api-on", "C-sent", "ours"),
        ("api-once", "C-other", "ours"),
        ("api-once", "C-sent", "mine"),
    ):
        assert filled.ask(queries_proposals.decision_sent(*asked)) == []


def test_a_decision_of_today_that_was_refused_is_found_by_its_id(filled: Filled) -> None:
    assert filled.ask(queries_proposals.decision("e5", "C-00003"))[0]["outcome"] == "journalled"
    assert filled.ask(queries_proposals.decision("page-unknown", "C-00003")) == []
    assert filled.ask(queries_accounts.series("C-00003", DAY - timedelta(days=5)))[0]["exposure"] is not None


def test_an_alert_is_found_by_its_id_alone_as_its_newest_transition_has_it(clickhouse: str) -> None:
    """Transitions in parts of their own: no condition may take an older one for the newest."""
    client, store = made(clickhouse, "tids"), Store(lambda: clickhouse, "tids")
    for number, (status, severity) in enumerate((("opened", 3), ("escalated", 4), ("cleared", 4))):
        client.command(
            "INSERT INTO alerts_rows (alert_id, account_id, trigger, severity, status, as_of, history, value, topic, "
            "partition, offset, written_at) SELECT concat('a', toString(number)), concat('C-', toString(number % 3)), "
            f"concat('t', toString(number)), {severity}, '{status}', toDate('2026-02-01') + {number}, false, '{{}}', 't', 1, "
            f"number + 100 * {number}, now64(3) FROM numbers(12) WHERE {number} < 2 OR number % 2 = 0"
        )
        client.command(
            "INSERT INTO proposals_rows (proposal_id, account_id, as_of, status, value, topic, partition, offset, written_at) "
            f"SELECT concat('p', toString(number)), concat('C-', toString(number % 3)), '2026-02-01', '{number}', '{{}}', "
            f"'t', 1, number + 100 * {number}, now64(3) FROM numbers(12)"
        )

    def ask(question: Question) -> list[dict[str, Any]]:
        return asyncio.run(store.ask(question))

    try:
        for n in range(12):
            newest = ("C-" + str(n % 3), "escalated" if n % 2 else "cleared", 4)
            assert [
                (row["account_id"], row["status"], row["severity"])
                for row in ask(queries_alerts.alert(f"a{n}"))
            ] == [newest]
            assert [row["status"] for row in ask(queries_proposals.proposal(f"p{n}"))] == ["2"]
        assert ask(queries_alerts.alert("a")) == ask(queries_proposals.proposal("a0")) == []
        known = {
            status: ask(queries_alerts.alerts(AlertsQuery(status=status), None))
            for status in ("opened", "escalated", "cleared")
        }
        assert [len(rows) for rows in known.values()] == [0, 6, 6]
        assert ask(queries_alerts.alerts(AlertsQuery(account_id="C-0", status="opened"), None)) == []
        assert (
            ask(queries_alerts.open_counts(DAY))[0]["open"]
            == ask(queries_alerts.cleared_counts())[0]["cleared"]
            == 6
        )
    finally:
        store.close()


def test_the_days_to_pay_of_others_are_summed_by_industry_from_newest_figures_alone(clickhouse: str) -> None:
    client, store = made(clickhouse, "tsegments"), Store(lambda: clickhouse, "tsegments")
    for offset, day, days in ((0, "2026-01-01", "999"), (100, "2026-02-01", "number * 1.5")):
        client.command(
            "INSERT INTO snapshots_rows (account_id, as_of, dtp_365d, topic, partition, offset, written_at) "
            f"SELECT concat('C-', toString(number)), '{day}', if(number % 5 = 0, NULL, {days}), 't', 1, number + {offset}, "
            "now64(3) FROM numbers(20)"
        )
    client.command(
        "INSERT INTO journal_rows (account_id, type, event_id, occurred_at, value, topic, partition, offset, written_at) "
        "SELECT concat('C-', toString(number)), 'account.opened', 'e', '2026-01-01', "
        "concat('{\"industry\": \"', ['Steel', 'steel'][1 + number % 2], '\"}'), 't', 1, number, now64(3) "
        "FROM numbers(40) WHERE number % 4"
    )
    client.command(
        "INSERT INTO journal_rows (account_id, type, event_id, occurred_at, value, topic, partition, offset, written_at) "
        "SELECT '', 'policy.adopted', toString(number), '2026-01-01', "
        "concat('{\"text\": \"policy ', toString(number), '\"}'), 't', number % 3, number, now64(3) FROM numbers(9)"
    )
    try:
        paid = [n for n in range(20) if n % 5 and n != 7]
        wanted = [
            {"industry": name, "accounts": len(own), "days": sum(n * 1.5 for n in own)}
            for name, own in (
                ("", [n for n in paid if n % 4 == 0]),
                ("Steel", [n for n in paid if n % 4 == 2]),
                ("steel", [n for n in paid if n % 2]),
            )
        ]
        assert asyncio.run(store.ask(queries_accounts.days_to_pay_of_others("C-7"))) == wanted
        assert asyncio.run(store.ask(queries_accounts.industry("C-7"))) == [{"industry": "steel"}]
        assert asyncio.run(store.ask(queries_accounts.industry("C-8"))) == []
        assert asyncio.run(store.ask(queries.policy_in_force())) == [{"text": "policy 6"}]
    finally:
        store.close()

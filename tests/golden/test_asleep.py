"""What comes true while nothing of the account itself moves: its day's tick finds it, to the day.

Each account here is quiet: one invoice that falls due far ahead, so that nothing but what is told wakes it.
"""

from __future__ import annotations

from tests.golden.stories import (
    Event,
    account,
    date,
    filing,
    invoice,
    moves,
    news,
    play,
    shipped_policy,
    statement,
    steady,
    tick,
)

QUIET: list[Event] = [account(), invoice("I", "10000.00", 0, 900)]


def book(day: int, exposure: str, accounts: int) -> Event:
    return tick(day) | {"book_exposure": exposure, "book_accounts": accounts}


def test_the_twentieth_account_of_a_book_makes_a_large_share_of_it_a_concentration() -> None:
    ticks = [book(n, "50000.00", 19 if n < 20 else 20) for n in range(31)]
    assert moves(play(QUIET, until=30, ticks=ticks), "concentration") == [("opened", 21, 3)]


def test_a_filing_counts_from_the_first_rate_of_its_currency_and_by_every_later_one() -> None:
    # 15,000 EUR: held until day 33, 16,500 USD then; 9,000 on day 63
    ticks = [
        tick(n, **({"EUR": "1.10"} if n == 33 else {"EUR": "0.60"} if n == 63 else {})) for n in range(71)
    ]
    suit = filing("F1", "suit", 10, amount="15000.00", currency="EUR")
    told = moves(play(QUIET, suit, until=70, ticks=ticks), "legal_filing")
    assert told == [("opened", 33, 4), ("cleared", 63, 4)]


def test_statements_are_demanded_from_the_tick_after_the_one_that_made_the_tier_high() -> None:
    # The period's end was 15 months old on day 39. Dated a day ahead the filing counts with the tick of day 51: high
    # from there, true at 52 and 53.
    old = statement(0) | {"period_end": date(-418)}
    told = moves(play(QUIET, old, filing("F1", "insolvency", 51, at=50), until=60), "statements_stale")
    assert told == [("opened", 53, 2)]


def test_a_statement_half_as_old_again_escalates_on_its_day() -> None:
    # opened at 471 days; 1.5 times are 706.5
    old = statement(0) | {"period_end": date(-418)}
    told = moves(play(QUIET, old, filing("F1", "insolvency", 51, at=50), until=295), "statements_stale")
    assert told == [("opened", 53, 2), ("escalated", 707 - 418, 2)]


def test_an_insolvency_that_was_released_and_not_discharged_stays_whatever_is_filed_years_later() -> None:
    story = [
        filing("F1", "insolvency", 10),
        filing("F1", "insolvency", 20, "released"),
        filing("F2", "charge", 460),
    ]
    assert moves(play(QUIET, story, until=470), "insolvency") == [("opened", 10, 5)]


def test_what_a_discharge_has_ended_does_not_come_back_when_it_is_old() -> None:
    story = [
        news("N1", 5, "bankruptcy", source_kind="court"),
        filing("F1", "insolvency", 10),
        filing("F1", "insolvency", 20, "discharged"),
        filing("F2", "charge", 460),
    ]
    result = play(QUIET, story, until=470)
    assert moves(result, "insolvency") == [("opened", 5, 5), ("cleared", 20, 5)]
    assert [one[0] for one in moves(result, "adverse_news")] == ["opened", "cleared"]


def test_who_stops_buying_has_not_paid() -> None:
    # Ten invoices paid, the last open and 11 days past due on day 241: p = 0.5 / 11. From day 455 on fewer than ten of
    # those are left to compare with, and the open one is as late as ever.
    story = [account(), *steady("S", 0, 180, 20, 28), invoice("OPEN", "1000.00", 200)]
    told = moves(play(story, until=500), "overdue_surprise")
    assert told[0] == ("opened", 241, 3)
    assert "cleared" not in [one[0] for one in told]


def test_a_clear_score_under_the_lowest_severity_holds_the_alert_until_then() -> None:
    # 0.95 x 2^(-age / 14): under 0.5 after 13 days already, under 0.3 after 24
    lower = shipped_policy().replace("clear_score = 0.5", "clear_score = 0.3")
    told = play(QUIET, news("N1", 5, "rumour", domain="reuters.com"), until=40, policy=lower)
    assert moves(told, "adverse_news") == [("opened", 5, 1), ("cleared", 29, 1)]

"""Lives of customers as a credit manager knows them, each worked out by hand from the domain's definitions: every
alert, day by day.

One rule at a time is tests/golden/test_triggers.py and test_limits.py; facts in odd orders are test_corner_stories.py.
"""

from __future__ import annotations

import datetime as dt

import pytest

from streams.backtest import Result
from tests.golden.stories import (
    START,
    Event,
    account,
    bureau,
    date,
    dispute,
    event,
    filing,
    invoice,
    limit,
    memo,
    moves,
    news,
    offers,
    order,
    order_closed,
    payment,
    play,
    promise,
    resolved,
    reversal,
    security,
    steady,
    tick,
    written_off,
)

Told = list[tuple[str, str, int, int]]
MONTHS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # the first days of 2025's


def told(result: Result) -> Told:
    """(trigger, status, day, severity) of every alert's record, in order of emission."""
    return [
        (one["trigger"], one["status"], (dt.date.fromisoformat(one["as_of"]) - START).days, one["severity"])
        for one in result.alerts
    ]


def screened(on: int, status: str, actor: str | None = None) -> Event:
    return event("screening.reported", f"m{on}", on, match_id="m", list="ofac", status=status, actor=actor)


def paid_after(days: int, on: int) -> list[Event]:
    name = f"I{on}"
    return [
        invoice(name, "1000.00", on - days, on - days + 60),
        payment(f"P{on}", "1000.00", on, {name: "1000.00"}),
    ]


def offered(number: int, *, taken: bool) -> list[Event]:
    """An invoice every ten days, 2 % off within ten days."""
    on, name = 10 * number, f"I{number}"
    paid = (
        payment(f"P{number}", "980.00", on + 5, {name: ("980.00", "20.00")})
        if taken
        else payment(f"P{number}", "1000.00", on + 30, {name: "1000.00"})
    )
    return [invoice(name, "1000.00", on, discount_percent=2, discount_date=date(on + 10)), paid]


def test_who_pays_once_a_year_is_told_of_step_by_step_and_cleared_by_the_lump() -> None:
    """1,000 a month, net 30, all of it paid on the last day but one of the year."""
    names = [f"I{n}" for n in range(12)]
    owed = [invoice(name, "1000.00", on) for name, on in zip(names, MONTHS, strict=True)]
    lump = payment("P", "12000.00", 364, dict.fromkeys(names, "1000.00"))
    result = play(account(), limit("20000.00"), owed, lump, until=380)
    # A half is more than 10 days past due on day 41. From 12 %: .38 then, three quarters on day 100: .63
    assert moves(result, "past_due_share") == [("opened", 42, 3), ("escalated", 100, 3), ("cleared", 364, 3)]
    # The sixth is 61 days past due on day 151 + 91, the ninth on 243 + 91: 9,000 is 1.5 x 6,000
    assert moves(result, "seriously_past_due") == [
        ("opened", 243, 4),
        ("escalated", 334, 4),
        ("cleared", 364, 4),
    ]
    # 91 days: the first on day 121, the 2nd, 3rd, 5th (3,000 x 1.5 = 4,500) and 8th (7,500) 121 after they were issued
    assert moves(result, "delinquent") == [
        ("opened", 122, 5), *[("escalated", day, 5) for day in (152, 180, 241, 333)], ("cleared", 364, 5),
    ]  # fmt: skip
    # A hold as long as nobody decides and the alert is open
    assert [(way, day) for way, day, _, status in offers(result) if status == "proposed"] == [
        ("hold", day) for day in range(122, 364, 28)
    ]


@pytest.mark.parametrize(
    ("what", "story", "until", "wanted"),
    [
        ("a huge dispute that is rejected after four months is 100 days past due at once",
         [invoice("I1", "100000.00", 0), dispute("D", "I1", "100000.00", 20), resolved("D", "I1", "rejected", 130)], 135,
         [("dispute_spike", "opened", 21, 2), ("dispute_spike", "cleared", 130, 2), ("past_due_share", "opened", 131, 3),
          ("seriously_past_due", "opened", 131, 4), ("delinquent", "opened", 131, 5)]),
        ("credit memos alone are no risk", [memo("M1", "500.00", 5), memo("M2", "300.00", 10)], 40, []),
        ("a memo above its invoice leaves nothing past due", [invoice("I", "1000.00", 0), memo("M", "1500.00", 5, "I")],
         60, []),
        ("an insured customer fails: 4,000 are at risk until the cover ends on day 40, then 160,000 of 200,000",
         [invoice("I", "160000.00", 0, 90), security("S", "insurance", "156000.00", 1, 40), filing("F", "insolvency", 20)],
         45, [("insolvency", "opened", 20, 5), ("utilization_high", "opened", 42, 2)]),
        ("dormant for a year, then an order of 180 % of the limit that is closed again",
         [*steady("I", 0, 30, 30, 28), order("O", "360000.00", 400), order_closed("O", 405)], 410,
         [("over_limit", "opened", 400, 4), ("utilization_high", "opened", 401, 2), ("over_limit", "cleared", 405, 4),
          ("utilization_high", "cleared", 405, 2)]),
        # Weekly from day 151 to 242. On day 258 2 of 30 days against 12 / 3; on day 265 1 against 13 / 3: -.77
        ("a season ends", steady("I", 151, 242, 7, 28), 300,
         [("purchases_collapse", "opened", 259, 2), ("purchases_collapse", "escalated", 265, 2)]),
        # The second return within 90 days; 90 days clean on day 110 + 90
        ("direct debits that come back after seven weeks",
         [invoice("I1", "1000.00", 0), payment("P1", "1000.00", 30, {"I1": "1000.00"}, method="sepa_direct_debit"),
          invoice("I2", "1000.00", 31), payment("P2", "1000.00", 61, {"I2": "1000.00"}, method="sepa_direct_debit"),
          reversal("P1", 79), reversal("P2", 110), payment("P3", "2000.00", 111, {"I1": "1000.00", "I2": "1000.00"})], 205,
         [("payment_reversed", "opened", 79, 4), ("past_due_share", "opened", 80, 3),
          ("payment_reversed", "escalated", 110, 5), ("past_due_share", "cleared", 111, 3),
          ("payment_reversed", "cleared", 200, 5)]),
        ("a return that is made good within days is remembered for 90",
         [invoice("I", "1000.00", 0), payment("P1", "1000.00", 30, {"I": "1000.00"}), reversal("P1", 35),
          payment("P2", "1000.00", 40, {"I": "1000.00"})], 126,
         [("payment_reversed", "opened", 35, 4), ("payment_reversed", "cleared", 125, 4)]),
        ("a scheme of arrangement that is released is not discharged yet",
         [filing("F", "insolvency", 20), filing("F", "insolvency", 20, "released", at=100),
          filing("F", "insolvency", 20, "discharged", at=150)], 155,
         [("insolvency", "opened", 20, 5), ("insolvency", "cleared", 150, 5)]),
        # October 20, November 24, December 28, January 32: three rises, 12 days in all, seen at January's end and once more
        ("slower each month across the year's end",
         [*paid_after(20, 280), *paid_after(24, 310), *paid_after(28, 340), *paid_after(32, 370)], 400,
         [("slipping_each_month", "opened", 396, 3)]),
        ("a write-off ends what was past due", [invoice("I", "1000.00", 0), written_off("I", 130)], 140,
         [("past_due_share", "opened", 42, 3), ("delinquent", "opened", 122, 5), ("past_due_share", "cleared", 130, 3),
          ("delinquent", "cleared", 130, 5)]),
        ("an agency's limit: a quarter less, nothing, all of it again",
         [bureau("dnb", on, recommended_limit=amount, currency="USD")
          for on, amount in ((5, "100000.00"), (10, "75000.00"), (20, "0.00"), (30, "100000.00"))], 35,
         [("agency_limit_cut", "opened", 10, 3), ("agency_limit_cut", "escalated", 20, 5),
          ("agency_limit_cut", "cleared", 30, 5)]),
        ("an older report that comes late says how good it was",
         [bureau("creditsafe", 10, 80), bureau("creditsafe", 5, 95, at=12, event_id="late")], 14,
         [("bureau_downgrade", "opened", 12, 3)]),
        # The date of the last discount left passes on day 81; the next one is taken on day 85
        ("discounts that were always taken are left",
         [fact for n in range(9) for fact in offered(n, taken=n not in (5, 6, 7))], 100,
         [("discounts_abandoned", "opened", 82, 2), ("discounts_abandoned", "cleared", 85, 2)]),
        ("two liens of 6,000 are none of 10,000",
         [filing(name, "lien", 5, amount="6000.00", currency="USD") for name in ("F", "G")], 12, []),
        ("a judgment of unknown amount turns out to be small",
         [filing("F", "judgment", 5), filing("F", "judgment", 5, amount="100.00", currency="USD", at=9, event_id="known")], 12,
         [("legal_filing", "opened", 5, 4), ("legal_filing", "cleared", 9, 4)]),
        ("a match is possible, then certain, and only a person clears it",
         [screened(5, "possible"), screened(7, "confirmed"), screened(9, "cleared"), screened(11, "cleared", "ann")], 15,
         [("sanctions_match", "opened", 5, 3), ("sanctions_match", "escalated", 7, 5), ("sanctions_match", "cleared", 11, 5)]),
        # .95 x 2^(-12 / 14) is .52, a day later .499
        ("a rumour fades", [news("n", 5, "rumour", "reuters.com")], 25,
         [("adverse_news", "opened", 5, 1), ("adverse_news", "cleared", 18, 1)]),
        ("cash on account for all that is past due leaves nothing to be told",
         [invoice("I", "9000.00", 0), payment("P", "9000.00", 35)], 150, []),
        ("a deposit ends, and nobody sends an event",
         [security("S", "deposit", "20000.00", 1, 50), invoice("I", "210000.00", 2, 200)], 54,
         [("utilization_high", "opened", 3, 2), ("over_limit", "opened", 51, 4)]),
        # Good Friday and Easter Monday 2025 are the 18th and 21st of April: due on the 17th, kept until the 23rd, day 112
        ("a promise over Easter is kept on the second business day",
         [invoice("I", "1000.00", 60, 200), promise("R", "1000.00", 100, 106, ["I"]),
          payment("P", "1000.00", 112, {"I": "1000.00"})], 180, []),
        ("and broken the day after",
         [invoice("I", "1000.00", 60, 200), promise("R", "1000.00", 100, 106, ["I"]),
          payment("P", "1000.00", 113, {"I": "1000.00"})], 180,
         [("promise_broken", "opened", 114, 3), ("promise_broken", "cleared", 173, 3)]),
    ],
)  # fmt: skip
def test_a_life(what: str, story: list[Event], until: int, wanted: Told) -> None:
    opened = [account(country="DE"), limit("200000.00")]
    assert told(play(opened, story, until=until)) == wanted, what


def test_a_closed_account_is_watched_on_and_nothing_but_a_hold_is_proposed() -> None:
    closed = event("account.closed", "closed", 20)
    result = play(account(), limit("50000.00"), invoice("I", "1000.00", 0), closed, until=125)
    assert told(result) == [("past_due_share", "opened", 42, 3), ("delinquent", "opened", 122, 5)]
    assert offers(result) == [("hold", 122, "50000.00", "proposed")]


def test_an_invoice_due_on_the_leap_day_is_31_days_late_at_the_end_of_march() -> None:
    def day(text: str) -> int:
        return (dt.date.fromisoformat(text) - START).days

    issued, due, paid = day("2024-01-30"), day("2024-02-29"), day("2024-03-31")
    story = [
        account(opened=issued),
        invoice("I", "1000.00", issued, due),
        payment("P", "1000.00", paid, {"I": "1000.00"}),
    ]
    ticks = [tick(n) for n in range(issued, paid + 2)]
    result = play(story, limit("5000.00", on=issued), until=0, ticks=ticks)
    assert told(result) == [
        ("past_due_share", "opened", day("2024-03-12"), 3),
        ("past_due_share", "cleared", paid, 3),
    ]
    snapshot = result.accounts["A"]
    assert (snapshot["dtp_90d"], snapshot["dbt_90d"]) == (61.0, 31.0)
    assert snapshot["pay_index"] == pytest.approx(50 - 10 / 30)

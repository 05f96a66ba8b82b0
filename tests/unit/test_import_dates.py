"""The dates of ledgers: the order told from all of them, what each text means, what is refused."""

from __future__ import annotations

import pytest

from streams.feeds.dates import DateReader, Evidence, Told, plus_days
from streams.feeds.terms import days


def told(*texts: str) -> Told:
    evidence = Evidence()
    evidence.add(texts)
    return evidence.told()


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["1/2/2024", "1/31/2024"], "'1/31/2024' can be read in no other way"),
        (["01-02-24", "12-31-24"], "'12-31-24' can be read in no other way"),
        (["1/13/2024", "1/14/2024", "1/15/2024", "13/1/2024"],
         "'1/13/2024' can be read in no other way; 1 date contradicts it: '13/1/2024'"),
        ([f"{1 + n % 12}/{13 + n % 15}/2024" for n in range(20)] + ["13/1/2024", "14/1/2024"],
         "'1/13/2024' can be read in no other way; 2 dates contradict it, such as '13/1/2024'"),
        (["24/01/13", "99/12/31"], "'99/12/31' can be read in no other way"),
        (["13/05/11", "05/11/31"], "no other order fits them all"),
        ([f"{day:02d}/01/{24 + day % 2}" for day in range(13, 21)], "by what repeats"),
        ([f"24/01/{day:02d}" for day in range(1, 29)], "by what repeats"),
    ],
)  # fmt: skip
def test_what_told_the_order_is_said(texts: list[str], why: str) -> None:
    assert told(*texts).why == why


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("01/02/24", True),
        ("2 Jan 24", True),
        ("Jan 2, 24", True),
        ("01/02/2024", False),
        ("2 Jan 2024", False),
    ],
)
def test_years_of_two_digits_are_noticed(text: str, short: bool) -> None:
    evidence = Evidence()
    evidence.add([text])
    assert (evidence.two_digits, evidence.serials) == (short, False)
    evidence.add(["45321"])
    assert (evidence.two_digits, evidence.serials) == (short, True)


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["1/2/2024", "1/31/2024"], "mdy"),
        (["1/2/2024", "31/1/2024"], "dmy"),
        (["01.02.2024", "31.01.2024"], "dmy"),
        (["01-02-24", "12-31-24"], "mdy"),
        (["24/01/02", "99/12/31"], "ymd"),
        (["2024-01-02", "2024-01-31"], "ymd"),
        (["20240102", "20240131.0"], "ymd"),
        (["2 Jan 2024", "Jan 3, 2024"], "ymd"),
        (["45321"], "ymd"),
        (["1/2/2024", "2024-01-31", "13/01/2024"], "dmy"),
        (["1/2/2024 00:00:00", "1/31/2024 12:00 PM"], "mdy"),
        (["", "-", "n/a"], "ymd"),
        ([f"{day:02d}/01/24" for day in range(1, 29)], "dmy"),
        ([f"24/01/{day:02d}" for day in range(1, 29)], "ymd"),
        ([f"{day:02d}/01/{24 + day % 2}" for day in range(13, 21)], "dmy"),
        ([f"{24 + day % 2}/01/{day:02d}" for day in range(13, 21)], "ymd"),
        (["1/13/2024", "1/14/2024", "1/15/2024", "13/1/2024"], "mdy"),
    ],
)
def test_the_order_is_told_from_all_dates_together(texts: list[str], order: str) -> None:
    assert told(*texts).order == order


@pytest.mark.parametrize(
    "texts",
    [
        ["1/2/2024"],
        ["1/2/2024", "3/4/2024", "2024-01-31"],
        ["01.02.2024", "03.04.2024"],
        ["1/31/2024", "31/1/2024"],
        ["1/13/2024", "1/14/2024", "13/1/2024", "14/1/2024"],
        ["25/01/24"],  # the 25th of 2024, or the 24th of 2025
        [f"{day:02d}/01/24" for day in range(13, 20)],  # seven days of one year, or years of one day
        [f"24/01/{day:02d}" for day in range(13, 20)],
        [f"01/02/{year}" for year in range(90, 98)],  # many years, and no day of a month
        [f"{day:02d}/01/{24 + day % 3}" for day in range(13, 21)],  # eight and three
        [f"{24 + day % 3}/01/{day:02d}" for day in range(13, 21)],
    ],
)
def test_an_order_that_can_not_be_told_is_not_guessed(texts: list[str]) -> None:
    verdict = told(*texts)
    assert verdict.order is None
    assert "'" in verdict.why  # names a date


def test_dates_that_contradict_each_other_are_both_named() -> None:
    even = told("13/04/2025", "03/04/2025", "06/28/2025")
    assert even == (None, "'06/28/2025' can only be month first and '13/04/2025' only day first")


@pytest.mark.parametrize(
    ("text", "order", "iso"),
    [
        ("2024-02-01 00:00:00+00", "dmy", "2024-02-01"),
        ("1/2/2024", "mdy", "2024-01-02"),
        ("1/2/2024", "dmy", "2024-02-01"),
        ("01.02.2024", "dmy", "2024-02-01"),
        ("1. 2. 2024", "dmy", "2024-02-01"),
        ("01-02-24", "dmy", "2024-02-01"),
        ("01/02/70", "dmy", "1970-02-01"),
        ("01/02/69", "dmy", "2069-02-01"),
        ("24/01/02", "ymd", "2024-01-02"),
        ("2024-01-02", "mdy", "2024-01-02"),
        ("2024/1/2", "dmy", "2024-01-02"),
        ("20240102", "dmy", "2024-01-02"),
        ("20240102.0", "dmy", "2024-01-02"),
        ("2024-01-02T10:11:12Z", "dmy", "2024-01-02"),
        ("2024-01-02 00:00:00", "dmy", "2024-01-02"),
        ("2024-01-02 00:00:00.000+01:00", "dmy", "2024-01-02"),
        ("1/2/2024 3:04 PM", "mdy", "2024-01-02"),
        ("2-Jan-2024", "mdy", "2024-01-02"),
        ("2-JAN-24", "mdy", "2024-01-02"),
        ("2 January 2024", "mdy", "2024-01-02"),
        ("January 2, 2024", "mdy", "2024-01-02"),
        ("Jan 2nd, 2024", "mdy", "2024-01-02"),
        ("Tue, 2 Jan 2024", "mdy", "2024-01-02"),
        ("2. März 2024", "mdy", "2024-03-02"),
        ("2-janv-24", "mdy", "2024-01-02"),
        ("2 févr. 2024", "mdy", "2024-02-02"),
        ("2024年1月2日", "mdy", "2024-01-02"),
        ("45293", "mdy", "2024-01-02"),
        ("45293.0", "mdy", "2024-01-02"),
        (" 2024-01-02 ", "mdy", "2024-01-02"),
        ("", "mdy", ""),
        ("00.00.0000", "mdy", ""),
        ("00000000", "mdy", ""),
        ("0000-00-00 00:00:00", "mdy", ""),
        ("31.12.9999", "mdy", ""),
        ("1900-01-01T00:00:00Z", "mdy", ""),
        ("01/01/1900 12:00 AM", "mdy", ""),
        ("1/0/1900", "mdy", ""),
        ("0001-01-01", "mdy", ""),
        ("01-Jan-1753", "mdy", ""),
        ("31-DEC-4712", "mdy", ""),
        ("NaT", "mdy", ""),
        ("\\N", "mdy", ""),
        ("<NA>", "mdy", ""),
        ("Unpaid", "mdy", ""),
    ],
)
def test_each_form_is_read(text: str, order: str, iso: str) -> None:
    assert DateReader(order).iso(text) == iso  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("13/1/2024", "contradicts the order"),
        ("30/2/2024", "no date"),
        ("1/2/1969", "no date"),
        ("1900-01-02", "no date"),
        ("1/2/2101", "no date"),
        ("2024-13-01", "no date"),
        ("soon", "no date"),
        ("12345", "no date"),
        ("Foo 2, 2024", "no date"),
    ],
)
def test_what_is_no_date_of_the_file_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        DateReader("mdy").iso(text)


def test_a_form_of_the_layout_goes_before_all() -> None:
    reader = DateReader("ymd", "%d|%m|%y")
    assert reader.iso("02|01|24") == "2024-01-02"
    with pytest.raises(ValueError, match="layout"):
        reader.iso("2024-01-02")


def test_days_are_added_over_months() -> None:
    assert plus_days("2024-02-15", 30) == "2024-03-16"


@pytest.mark.parametrize(
    ("text", "net"),
    [
        ("NET30", 30),
        ("net 45", 45),
        ("N/60", 60),
        ("NT15", 15),
        ("Z030", 30),
        ("30 days", 30),
        ("30 Days net", 30),
        ("30", 30),
        ("30.0", 30),
        ("14 Tage netto", 14),
        ("2/10 net 30", 30),
        ("2% 10, n/30", 30),
        ("Due on receipt", 0),
        ("COD", 0),
        ("NAA8", None),
        ("NAH4", None),
        ("", None),
        ("end of month", None),
        ("999 days", None),
    ],
)
def test_terms_name_their_net_days_or_none(text: str, net: int | None) -> None:
    assert days(text) == net


def test_dates_that_a_spreadsheet_turned_are_told() -> None:
    def told(*more: str) -> Told:
        evidence = Evidence()
        evidence.add([f"{day}/01/2024" for day in range(13, 18)] + [f"2024-0{day}-01" for day in range(1, 4)])
        evidence.add(more)
        return evidence.told()

    assert told().order is None
    assert "had turned day and month wherever it could" in told().why
    assert told("45292").order is None  # the 1st of January, as spreadsheets count
    assert (told("05/01/2024").order, told("2024-01-30").order, told("45320").order) == ("dmy",) * 3

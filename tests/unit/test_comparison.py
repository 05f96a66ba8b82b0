"""Two policies beside one another: what is the same alert, what is gained, lost, moved, and who would get which limit."""

from __future__ import annotations

import io
from typing import Any

import orjson
from rich.console import Console

from streams.comparison import Comparison, as_dict, compare, table

Record = dict[str, Any]


def alert(
    account: str,
    opened: str,
    cleared: str | None = None,
    trigger: str = "payment_drift",
    severity: int = 3,
    episode: int = 1,
) -> list[Record]:
    record: Record = {"alert_id": f"{account}/{trigger}/{episode}", "account_id": account, "trigger": trigger}
    record |= {"severity": severity, "account_name": f"{account} Ltd"}
    records = [record | {"status": "opened", "as_of": opened}]
    return records + ([record | {"status": "cleared", "as_of": cleared}] if cleared else [])


def proposal(account: str, direction: str, limit: str, number: int = 1) -> Record:
    return {
        "proposal_id": f"{account}/{number}",
        "account_id": account,
        "account_name": f"{account} Ltd",
        "direction": direction,
        "status": "proposed",
        "current_limit": "9000.00",
        "proposed_limit": limit,
        "currency": "USD",
        "grade": "D",
        "as_of": "2025-03-01",
    }


def test_alerts_that_stood_at_the_same_time_are_the_same_whatever_their_ids() -> None:
    # The second policy has an episode more before, so that the ids of the same story differ.
    first = alert("A", "2025-03-10", "2025-05-01", episode=1)
    second = alert("A", "2025-01-01", "2025-01-20", episode=1) + alert(
        "A", "2025-03-02", "2025-05-01", episode=2
    )
    found = compare(first, [], second, [])
    assert (found.kept, found.days_later) == (1, -8.0)
    assert [(told.account_id, told.opened) for told in found.gained] == [("A", "2025-01-01")]
    assert found.lost == []


def test_the_same_id_at_another_time_is_another_alert() -> None:
    found = compare(alert("A", "2025-01-01", "2025-01-20"), [], alert("A", "2025-03-01", "2025-03-20"), [])
    assert (found.kept, len(found.gained), len(found.lost)) == (0, 1, 1)


def test_an_alert_is_matched_once() -> None:
    long = alert("A", "2025-01-01", None)
    twice = alert("A", "2025-01-05", "2025-02-01") + alert("A", "2025-03-01", episode=2)
    found = compare(long, [], twice, [])
    assert (found.kept, len(found.gained), len(found.lost)) == (1, 1, 0)


def test_other_triggers_and_accounts_are_other_alerts_and_counted_by_trigger() -> None:
    first = alert("A", "2025-01-01") + alert("B", "2025-01-01", trigger="over_limit")
    second = alert("A", "2025-01-01", trigger="over_limit") + alert(
        "B", "2025-01-01", trigger="over_limit", severity=5
    )
    found = compare(first, [], second, [])
    assert found.by_trigger == {
        "over_limit": {"gained": 1, "lost": 0, "kept": 1},
        "payment_drift": {"gained": 0, "lost": 1, "kept": 0},
    }
    assert found.severity_changed == 1


def test_a_policy_against_itself_changes_nothing() -> None:
    records = alert("A", "2025-01-01", "2025-01-01") + alert("A", "2025-02-01", episode=2)
    proposals = [proposal("A", "cut", "100.00")]
    found = compare(records, proposals, records, proposals)
    assert (found.gained, found.lost, found.limits, found.kept, found.days_later) == ([], [], [], 2, 0.0)


def test_limits_that_would_be_others_are_named_with_both_proposals() -> None:
    first = [proposal("A", "cut", "100.00"), proposal("B", "raise", "20000.00"), proposal("D", "cut", "1.00")]
    second = [
        proposal("A", "cut", "100.00") | {"as_of": "2025-04-01"},  # the same, a month later
        proposal("B", "raise", "15000.00"),
        proposal("C", "hold", "9000.00"),
        proposal("C", "hold", "9000.00") | {"status": "escalated"},
    ]
    found = compare([], first, [], second)
    assert [change.account_id for change in found.limits] == ["B", "C", "D"]
    assert found.limits[0].policy is not None
    assert found.limits[0].policy["proposed_limit"] == "20000.00"
    assert (found.limits[0].current_limit, found.limits[0].currency) == ("9000.00", "USD")
    assert found.limits[0].policy == {
        "direction": "raise", "proposed_limit": "20000.00", "grade": "D", "as_of": "2025-03-01",
    }  # fmt: skip
    assert found.limits[1].policy is None
    assert found.limits[2].against is None
    assert found.proposals == {"open": (0, 0), "raise": (1, 1), "cut": (2, 1), "hold": (0, 1)}


def test_the_answer_is_json_and_names_the_accounts() -> None:
    found = compare(alert("A", "2025-01-01"), [], alert("B", "2025-01-01"), [proposal("B", "cut", "1.00")])
    answer = orjson.loads(orjson.dumps(as_dict(found)))
    assert (answer["accounts_gained"], answer["accounts_lost"]) == (["B"], ["A"])
    assert answer["alerts_gained"] == ["B/payment_drift/1"]
    assert answer["gained"][0]["account_name"] == "B Ltd"
    assert answer["limits"][0]["against"]["direction"] == "cut"
    assert answer.keys() == {
        "alerts_gained", "alerts_lost", "alerts_kept", "accounts_gained", "accounts_lost", "gained", "lost",
        "days_later", "severity_changed", "by_trigger", "proposals", "limits",
    }  # fmt: skip


def shown(found: Comparison) -> list[list[str]]:
    """The words of each line that the table has on 80 columns."""
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(table(found, ("policy.toml", "policy-quiet.toml"), 20))
    lines = console.export_text().splitlines()
    assert max(len(line) for line in lines) <= 80
    return [line.split() for line in lines if line.strip()]


def test_the_table_fits_80_columns_and_says_what_it_leaves_out() -> None:
    second = [record for n in range(30) for record in alert(f"C{n:06}", "2025-01-01", severity=3 + n // 29)]
    limits = [proposal(f"C{n:06}", "cut", "1234567.00") for n in range(30)]
    lines = shown(compare([], [], second, limits))
    assert ["payment_drift", "30", "0", "0"] in lines
    assert ["cut", "0", "30"] in lines
    assert ["…", "and", "10", "more;", "--json", "names", "them", "all"] in lines
    assert ["…", "and", "10", "more", "accounts;", "--json", "names", "them", "all"] in lines
    gained = lines.index(["Alerts", "gained,", "gravest", "first"])
    named = [line for line in lines[gained:] if "2025-01-01" in line]
    assert named[0] == ["C000029", "C000029", "Ltd", "payment_drift", "4", "2025-01-01"]
    assert (len(named), named[1][0]) == (20, "C000000")
    asked = [line for line in lines if line[-2:] == ["cut", "1234567"]]
    assert len(asked) == 20
    assert asked[0] == ["C000000", "C000000", "Ltd", "9000.00", "-", "cut", "1234567"]


def test_the_table_of_few_names_them_all() -> None:
    first, second = alert("A", "2025-01-01"), alert("B", "2025-01-01") + alert("A", "2025-01-03", severity=4)
    lines = shown(compare(first, [], second, [proposal("B", "cut", "1.00")]))
    assert not any("more" in line or "more;" in line for line in lines)
    said = " ".join(word for line in lines for word in line)
    assert (
        "1 gained, 0 lost, 1 kept; the kept open +2 days later (median), 1 of them at another severity."
        in said
    )
    assert "Alerts lost" not in said
    bare = " ".join(word for line in shown(compare([], [], [], [])) for word in line)
    assert "the kept open - days later" in bare
    assert "Limits" not in bare

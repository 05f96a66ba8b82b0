"""`bellwether import`: the summary, the bad rows, exit codes; a dry run sends nothing, --to writes whole files only."""

from __future__ import annotations

import datetime as dt
import errno
import os
import re
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from schemas.events import parse
from streams.commands.importer import import_
from streams.control import Control
from streams.errors import Refused
from streams.feeds.history import Nowhere
from tests.import_builders import written

LEDGER = """Customer,Invoice,Invoice Date,Due Date,Amount,Paid Date,Region
C1,I1,1/13/2024,2/12/2024,"1,000.50",1/31/2024,N
C2,I2,1/14/2024,2/13/2024,(20.00),,N
C2,I3,1/15/2024,2/14/2024,nothing,,S
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No .env file and no running dev services of a developer reach in, and no feed has sent anything."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("streams.commands.importer._live_events_came", lambda *_: False)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(import_, [str(argument) for argument in arguments], catch_exceptions=True)


def refused(result: Result) -> str:
    assert isinstance(result.exception, Refused), result.output
    return str(result.exception)


def test_a_dry_run_says_everything_and_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_kafka(*_: object) -> None:
        raise AssertionError("a dry run opened a producer")

    monkeypatch.setattr("streams.blocks.ck.Producer", no_kafka)
    to = tmp_path / "out.jsonl"
    result = run(written(tmp_path, "ar.csv", LEDGER), "--dry-run", "--to", to)
    assert result.exit_code == 0, result.output
    for words in (
        "invoices; UTF-8, comma; header in line 1",
        "customer = Customer",
        "not used: Region",
        "month first: '1/13/2024'",
        "point: as in '1,000.50'",
        "3, 1 of them refused",
        "1 no amount",
        "2024-01-13 to 2024-01-31",
        "invoiced     USD 1000.50",
        "credited     USD 20.00",
        "paid         USD 1000.50",
        "a dry run",
        '"type":"account.opened"',
    ):
        assert words in result.stdout
    assert "ar.csv:4: Amount: 'nothing' is no amount" in result.stderr
    assert not to.exists()


def test_into_a_file_every_line_is_an_event_and_importing_it_again_is_the_same(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert run(written(tmp_path, "ar.csv", LEDGER), "--to", first).exit_code == 0
    for line in first.read_bytes().splitlines():
        parse(line)
    result = run(first, "--to", second)
    assert result.exit_code == 0
    assert "clock.ticked 19" in result.stdout
    assert second.read_bytes() == first.read_bytes()


def test_the_summary_says_how_types_and_currencies_were_taken(tmp_path: Path) -> None:
    ledger = (
        "Customer Name,Invoice,Type,Invoice Date,Due Date,Amount\n"
        "Amy,1,Sales invoice,2024-01-02,2024-02-01,100\nAmy,2,Credit note,2024-01-03,,5\n"
    )
    said = run(written(tmp_path, "ar.csv", ledger), "--dry-run").stdout
    for words in (
        "customers    told by their names",
        "types        Sales invoice = invoice, or credit note where negative; Credit note = credit note",
        "currency     USD, the policy's base currency, where a row names none",
    ):
        assert words in said
    assert "base currency" not in run(tmp_path / "ar.csv", "--dry-run", "--currency", "EUR").stdout


def test_a_ledger_that_tells_of_no_payment_is_said_to(tmp_path: Path) -> None:
    header, row = LEDGER.splitlines()[:2]
    result = run(written(tmp_path, "open.csv", f"{header}\n{row.replace('1/31/2024', '')}\n"), "--dry-run")
    assert "paid         nothing: the files tell of no payment" in result.stdout
    assert "nothing" not in run(written(tmp_path, "ar.csv", f"{header}\n{row}\n"), "--dry-run").stdout


OPEN = "Customer,Invoice,Invoice Date,Due Date,Open Amount\nC1,I1,2024-01-02,2024-02-01,100\nC1,I2,2024-01-03,2024-02-01,5\n"


def test_what_is_gone_since_the_former_list_is_said_and_the_next_step(tmp_path: Path) -> None:
    former = written(tmp_path, "former.csv", OPEN)
    new = written(tmp_path, "new.csv", OPEN.replace("C1,I1,2024-01-02,2024-02-01,100\n", ""))
    alone = run(new, "--dry-run").stdout
    assert "or that list is imported with --former and this one" in alone
    said = run(new, "--former", former, "--as-of", "2024-01-08", "--dry-run").stdout
    assert f"former       {former}: 2 open items, of which 1 are gone: settled on 2024-01-08" in said
    assert "paid         USD 100.00" in said
    assert "period       2024-01-03 to 2024-01-08" in said
    assert "import the next list with --former and this one" in said
    assert '"payment_id":"I1/gone"' in said


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--former", "former.csv"), "--former FILE and --as-of DAY go together"),
        (("--as-of", "2024-01-08"), "--former FILE and --as-of DAY go together"),
        (("--former", "new.csv", "--as-of", "2024-01-08"), "a file is named twice"),
        (("--former", "nowhere.csv", "--as-of", "2024-01-08"), "nowhere.csv: no such file"),
        (("--former", "former.csv", "--as-of", "2999-01-08"), "--as-of 2999-01-08: is in the future"),
        (("--former", "former.jsonl", "--as-of", "2024-01-08"), "can not be imported together"),
    ],
)
def test_a_former_list_that_can_not_be_one_is_refused(
    tmp_path: Path, options: tuple[str, ...], reason: str
) -> None:
    for name in ("new.csv", "former.csv", "former.jsonl"):
        written(tmp_path, name, OPEN)
    assert reason in refused(run("new.csv", *options, "--dry-run"))


def test_where_stderr_is_no_terminal_nothing_is_drawn_on_it(tmp_path: Path) -> None:
    good = "\n".join(LEDGER.splitlines()[:3])
    assert run(written(tmp_path, "ar.csv", good), "--dry-run").stderr == ""


def test_nothing_good_exits_1_and_leaves_no_file(tmp_path: Path) -> None:
    to = tmp_path / "out.jsonl"
    only_bad = "Customer,Invoice,Invoice Date,Due Date,Amount\nC1,I1,2024-01-02,2024-02-01,0\n"
    result = run(written(tmp_path, "ar.csv", only_bad), "--to", to)
    assert "none of the 1 rows" in refused(result)
    assert "ar.csv:2: Amount: is zero" in result.stderr
    result = run(written(tmp_path, "x.jsonl", "{}\n"), "--to", to)
    assert "none of the 1 rows" in refused(result)
    assert [path.name for path in tmp_path.glob("out*")] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ar.csv", "ar.csv"], "named twice"),
        (["ar.csv", "e.jsonl"], "can not be imported together"),
        (["e.jsonl", "--terms", "30"], "are for ledgers"),
        (["ar.csv", "--currency", "XYZ"], "--currency XYZ"),
        (["ar.csv", "--to", "ar.csv"], "one of the files"),
        (["none.csv"], "none.csv: no such file"),
        ([os.devnull], "is no regular file; a ledger is read twice"),
        (["none.jsonl", "--dry-run"], "none.jsonl"),
        (["ar.csv", "--to", os.devnull], "is no file"),
        (["ar.csv", "--to", "no/such/folder/out.jsonl"], "cannot write"),
        (["ar.csv"], "no dev services run"),
        (["ar.csv", "--layout", "none.toml"], "none.toml"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    written(tmp_path, "ar.csv", LEDGER)
    written(tmp_path, "e.jsonl", "{}\n")
    said = refused(run(*arguments))
    assert words in said
    assert "\n" not in said


def test_a_broker_that_does_not_answer_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLWETHER_BROKER", "kafka://127.0.0.1:1")
    monkeypatch.setattr("streams.blocks.ANSWER_SECONDS", 1.0)
    said = refused(run(written(tmp_path, "ar.csv", LEDGER)))
    assert said.startswith("no Kafka answers at 127.0.0.1:1")


def test_a_full_disk_is_one_sentence_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("streams.feeds.sorting.tempfile.TemporaryFile", full)
    monkeypatch.setattr("streams.feeds.sorting.Sorter.__init__.__defaults__", (10,))
    said = refused(run(written(tmp_path, "ar.csv", LEDGER), "--to", tmp_path / "out.jsonl"))
    assert "No space left on device" in said
    assert "TMPDIR" in said
    assert list(tmp_path.glob("out*")) == []


def test_the_flags_reach_the_reading(tmp_path: Path) -> None:
    ledger = "Customer,Invoice,Invoice Date,Amount\nC1,I1,1/2/2024,10\n"
    to = tmp_path / "out.jsonl"
    path = written(tmp_path, "ar.csv", ledger)
    result = run(path, "--dates", "dmy", "--terms", 14, "--currency", "eur", "--to", to)
    assert result.exit_code == 0, result.output
    issued = [orjson.loads(line) for line in to.read_bytes().splitlines() if b"invoice.issued" in line]
    assert [(e["invoice_date"], e["due_date"], e["currency"]) for e in issued] == [
        ("2024-02-01", "2024-02-15", "EUR")
    ]


def in_euros_in_kolkata() -> str:
    shipped = (Path(__file__).parents[2] / "deploy" / "policy.toml").read_text()
    policy = shipped.replace('base_currency = "USD"', 'base_currency = "EUR"').replace(
        'time_zone = "UTC"', 'time_zone = "Asia/Kolkata"'
    )
    assert policy != shipped
    return policy


@pytest.mark.parametrize(
    ("in_force", "invoiced"), [(in_euros_in_kolkata(), "EUR 1000.50"), (None, "USD 1000.50")]
)
def test_what_is_sent_is_read_by_the_policy_in_force_and_not_by_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_force: str | None, invoiced: str
) -> None:
    class Kept(Nowhere):
        topic = "credit.history.v1"

    control = Control(policy_hash=in_force and "abc", policy_text=in_force, last_tick=dt.date(2024, 1, 1))
    monkeypatch.setattr("streams.topics_admin.refuse_grown", lambda *_: None)
    monkeypatch.setattr("streams.control.read_control", lambda *_: control)
    monkeypatch.setattr("streams.dev.processes.kafka_servers", lambda _: "127.0.0.1:1")
    monkeypatch.setattr("streams.commands.importer.ToHistory", lambda *_: Kept())
    result = run(written(tmp_path, "ar.csv", LEDGER))
    assert result.exit_code == 0, result.output
    assert f"invoiced     {invoiced}" in result.stdout
    told = "policy abc is in force: base currency EUR, time zone Asia/Kolkata."
    assert (told in result.stderr) == (in_force is not None)


@pytest.mark.parametrize(
    ("ended", "day", "told"), [(None, "1/31/2024", True), (None, "today", False), ("any", "1/31/2024", False)]
)
def test_an_import_of_an_older_ledger_says_from_when_on_live_events_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: str | None, day: str, told: bool
) -> None:
    control = Control(last_tick=dt.date(2024, 1, 1) if ended else None)
    monkeypatch.setattr("streams.topics_admin.refuse_grown", lambda *_: None)
    monkeypatch.setattr("streams.control.read_control", lambda *_: control)
    monkeypatch.setattr("streams.dev.processes.kafka_servers", lambda _: "127.0.0.1:1")
    monkeypatch.setattr("streams.commands.importer.ToHistory", lambda *_: Nowhere())
    paid = dt.datetime.now(dt.UTC).strftime("%m/%d/%Y") if day == "today" else day
    result = run(written(tmp_path, "ar.csv", LEDGER.replace("1/31/2024", paid)))
    assert result.exit_code == 0, result.output
    assert ("bellwether tick" in result.stdout) == told
    assert ("until a later day than 2024-01-31 has ended" in result.stdout) == told


@pytest.mark.parametrize("came", [False, True])
@pytest.mark.parametrize("ended", [None, dt.date(2024, 1, 1)])
def test_a_ledger_beside_feeds_says_that_what_both_tell_counts_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, came: bool, ended: dt.date | None
) -> None:
    monkeypatch.setattr("streams.topics_admin.refuse_grown", lambda *_: None)
    monkeypatch.setattr("streams.control.read_control", lambda *_: Control(last_tick=ended))
    monkeypatch.setattr("streams.commands.importer._live_events_came", lambda *_: came)
    monkeypatch.setattr("streams.dev.processes.kafka_servers", lambda _: "127.0.0.1:1")
    monkeypatch.setattr("streams.commands.importer.ToHistory", lambda *_: Nowhere())
    twice = "a payment or a credit note that both tell counts twice"
    assert (twice in run(written(tmp_path, "ar.csv", LEDGER)).stderr) == came
    run(written(tmp_path, "ar.csv", LEDGER), "--to", tmp_path / "ar.jsonl")
    # Events have the numbers that they have
    assert twice not in run(tmp_path / "ar.jsonl").stderr


def test_an_import_that_is_stopped_half_way_says_how_far_it_came_and_what_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(Nowhere):
        def event(self, account: str, raw: bytes) -> None:
            if self.sent >= 2:
                raise KeyboardInterrupt
            super().event(account, raw)

    monkeypatch.setattr("streams.topics_admin.refuse_grown", lambda *_: None)
    monkeypatch.setattr("streams.control.read_control", lambda *_: Control(last_tick=dt.date(2024, 1, 1)))
    monkeypatch.setattr("streams.dev.processes.kafka_servers", lambda _: "127.0.0.1:1")
    monkeypatch.setattr("streams.commands.importer.ToHistory", lambda *_: Stopped())
    result = run(written(tmp_path, "ar.csv", LEDGER))
    assert result.exit_code != 0
    assert re.search(r"stopped after \d+ records", result.stderr)
    assert "the same command again completes the backfill" in result.stderr


def test_the_policy_names_currency_and_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_POLICY", str(written(tmp_path, "policy.toml", in_euros_in_kolkata())))
    result = run(written(tmp_path, "ar.csv", LEDGER), "--dry-run")
    assert "invoiced     EUR 1000.50" in result.stdout
    assert "+05:30" in result.stdout


def test_of_very_many_bad_rows_the_first_are_printed_and_all_counted(tmp_path: Path) -> None:
    rows = "".join(f"C1,J{i},1/15/2024,2/14/2024,x,,S\n" for i in range(1_500))
    result = run(written(tmp_path, "ar.csv", LEDGER + rows), "--dry-run")
    assert result.exit_code == 0
    assert "1,501 no amount" in result.stdout
    assert "and 1,401 more rows" in result.stderr


def test_a_list_of_open_items_says_that_one_that_vanishes_stays_open(tmp_path: Path) -> None:
    header = "Customer,Invoice,Invoice Date,Due Date"
    open_items = f"{header},Open Amount\nC1,I1,2024-01-02,2024-02-01,100\n"
    whole = f"{header},Amount,Paid Date\nC1,I1,2024-01-02,2024-02-01,100,2024-01-20\n"
    vanished = "an invoice that is missing in the next list stays open until its payment is imported or sent"
    assert vanished in run(written(tmp_path, "open.csv", open_items), "--dry-run").stdout
    said = run(written(tmp_path, "whole.csv", whole), "--dry-run").stdout
    assert vanished not in said
    assert "what it leaves out stands as it is" in said


def test_cash_on_account_without_a_number_is_said_to_count_twice_once_it_is_applied(tmp_path: Path) -> None:
    invoices = written(
        tmp_path, "i.csv", "Customer,Invoice,Invoice Date,Due Date,Amount\nC1,I1,2024-01-02,2024-02-01,9\n"
    )
    header = "Customer,Invoice,Payment Date,Payment Amount"
    bare = written(tmp_path, "p.csv", f"{header}\nC1,,2024-01-20,5\n")
    numbered = written(tmp_path, "n.csv", f"{header},Payment No\nC1,,2024-01-20,5,P1\n")
    twice = "one that a later export applies counts twice"
    assert twice in run(invoices, bare, "--dry-run").stdout
    assert twice not in run(invoices, numbered, "--dry-run").stdout

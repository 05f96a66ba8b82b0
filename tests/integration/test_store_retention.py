"""How long rows are kept: as the settings say, changed by migrate, told by --check; what is newest stays."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from streams.commands.migrate import migrate as command
from streams.errors import Refused
from streams.settings import Settings
from streams.store.client import Client
from streams.store.derived import derived
from streams.store.retention import KEPT, wanted, whole_since
from streams.store.sink import Sink
from tests.integration.store_kit import Record, alert, count, made, snapshot


@pytest.fixture
def store(clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("BELLWETHER_STORE", clickhouse)
    monkeypatch.setenv("BELLWETHER_BROKER", "kafka://unused:9092")
    monkeypatch.setenv("BELLWETHER_NAMESPACE", namespace)
    client = made(clickhouse, namespace)
    yield client
    client.command(f"DROP DATABASE IF EXISTS `{client.database}`")
    client.close()


def migrate(*options: str) -> Result:
    return CliRunner().invoke(command, list(options))


def test_the_defaults_are_those_of_the_files(store: Client) -> None:
    assert migrate("--check").exit_code == 0
    assert "kept" not in migrate().output


def test_migrate_gives_the_tables_the_days_of_the_settings_and_takes_them_back(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BELLWETHER_STORE_DAYS", "snapshots=800, late=90")
    said = migrate("--check")
    assert said.exit_code == 1
    assert said.output.splitlines() == [
        "snapshots: rows are kept for ever, the settings say 800 days",
        "late: rows are kept 400 days, the settings say 90 days",
    ]
    assert "snapshots: rows are kept 800 days from now on" in migrate().output
    assert migrate("--check").exit_code == 0
    monkeypatch.setenv("BELLWETHER_STORE_DAYS", "")
    assert migrate("--check").exit_code == 1
    assert "snapshots: rows are kept for ever from now on" in migrate().output
    assert migrate("--check").exit_code == 0


def test_rows_that_went_while_they_were_kept_for_less_long_are_asked_of_nobody(
    store: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = (dt.date.today() - dt.date(1970, 1, 1)).days

    def kept(days: str) -> str:
        monkeypatch.setenv("BELLWETHER_STORE_DAYS", days)
        return migrate().output

    assert whole_since(store, "snapshots") == 0
    assert "gone" not in kept("snapshots=800")
    assert "gone" not in kept("snapshots=90")
    since = dt.date.today() - dt.timedelta(days=89)
    assert f"those of days before {since} are gone" in kept("snapshots=500")
    assert whole_since(store, "snapshots") == today - 89
    assert f"those of days before {since} are gone" in kept("")
    assert whole_since(store, "snapshots") == today - 89
    assert "gone" not in kept("snapshots=30")
    assert whole_since(store, "snapshots") == today - 29
    assert migrate("--check").exit_code == 0


def test_counts_of_alerts_that_went_by_age_are_asked_of_nobody(
    store: Client, clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merges drop the rows of a day part by part."""
    day = (dt.date.today() - dt.timedelta(days=90)).isoformat()
    sink = Sink(clickhouse, namespace, "store")
    sink.write({"alerts": [Record(alert(n, as_of=day, severity=3), n) for n in range(2)]}, {})
    sink.close()
    for kept in ("alerts=100", ""):
        monkeypatch.setenv("BELLWETHER_STORE_DAYS", kept)
        migrate()
    store.command("DELETE FROM alerts_rows WHERE offset = 1")
    assert not any(derived(store).values())


def test_every_view_takes_a_time_to_keep(store: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_STORE_DAYS", ",".join(f"{view}=500" for view in KEPT))
    assert len([line for line in migrate().output.splitlines() if "500 days" in line]) == len(KEPT)
    assert migrate("--check").exit_code == 0


def test_old_rows_go_and_what_is_newest_of_an_account_stays(
    store: Client, clickhouse: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = dt.date.today()
    days = [today - dt.timedelta(days=back) for back in (2000, 1500, 10)]
    rows = [Record(snapshot(n, account_id="moves", as_of=day.isoformat()), n) for n, day in enumerate(days)]
    rows.append(Record(snapshot(9, account_id="rests", as_of=days[0].isoformat()), 9))
    sink = Sink(clickhouse, namespace, "store")
    sink.write({"snapshots": rows}, {})
    sink.close()
    monkeypatch.setenv("BELLWETHER_STORE_DAYS", "snapshots=800")
    migrate()
    store.command("OPTIMIZE TABLE snapshots_rows FINAL")
    assert store.query("SELECT account_id, as_of FROM snapshots").result_rows == [("moves", days[2])]
    assert store.query("SELECT account_id, as_of FROM snapshots_latest ORDER BY 1").result_rows == [
        ("moves", days[2]),
        ("rests", days[0]),
    ]
    assert count(store, "account_weeks") == 4


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ({"snapshot": 5}, "there is no view snapshot"),
        ({"proposals": 90}, "proposals are kept 400 days at least"),
        ({"decisions": 399}, "decisions are kept 400 days at least"),
        ({"late": 99999}, "more than a century"),
    ],
)
def test_days_that_cannot_be_are_refused(days: dict[str, int], said: str) -> None:
    with pytest.raises(Refused, match=said):
        wanted(days)


def test_days_that_are_no_number_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("snapshots", "snapshots=long", "snapshots=-3"):
        monkeypatch.setenv("BELLWETHER_STORE_DAYS", text)
        with pytest.raises(ValueError, match="view=days"):
            Settings(_env_file=None)

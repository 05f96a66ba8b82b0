"""Explaining from a real journal, and rebuilding it into another namespace, with the workers as they run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined, unused-ignore]

from schemas.topics import TOPICS
from streams.audit import audit
from streams.blocks import Kafka
from streams.commands.explain import explain as explain_command
from streams.commands.importer import import_ as import_command
from streams.commands.restore_offsets import restore_offsets as restore_command
from streams.commands.worker import start_all
from streams.control import clock_ticked, read_control, send_control
from streams.dev.processes import Crew
from streams.errors import Refused
from streams.explain import Journal, account_of, explanation, quiet
from streams.lag import Lag
from streams.passed_over import passed_over
from streams.reading import read_partitions
from streams.rebuild import Rebuilt, rebuild, switch
from streams.settings import Settings
from streams.simulate import generate
from streams.topics_admin import check
from tests.explaining import explanations
from tests.faults.kit import grow
from tests.integration.pipeline import backfill, emitted, prepare, workers

UNREACHABLE = "clickhouse://nobody@127.0.0.1:1/none"
IDS = {"alerts": "alert_id", "limit-proposals": "proposal_id"}


@dataclass
class Deployed:
    """A namespace whose journal has been folded, and in which a person has approved a proposal."""

    kafka: str
    settings: Settings
    approved: str  # the proposal

    @property
    def client(self) -> Kafka:
        return Kafka(self.kafka)


def without_store(settings: Settings) -> Settings:
    """So that preparing makes no tables: nothing here may read a store."""
    return settings.model_copy(update={"store": "dev"})


def finished(settings: Settings, kafka: str, crew: Crew, seconds: float = 240) -> None:
    """Until intake and monitor have nothing left to read; no store runs here."""
    lag = Lag(Kafka(kafka), settings)
    deadline = time.monotonic() + seconds
    try:
        while not (lag.idle("intake") and lag.idle("monitor")):
            crew.check()
            assert time.monotonic() < deadline, "the workers are behind"
            time.sleep(0.2)
    finally:
        lag.close()


def send(kafka: str, topic: str, *events: dict[str, Any]) -> None:
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    for event in events:
        producer.produce(topic, orjson.dumps(event), event["account_id"])
    assert producer.flush(30) == 0


def refused_as_control(settings: Settings, kafka: str) -> None:
    """What intake makes dead letters of."""
    producer = Producer({"bootstrap.servers": kafka})
    years_ahead = clock_ticked(date(2090, 1, 1), datetime.now(UTC))
    for value in (b"no JSON", b"[]", None, orjson.dumps(years_ahead)):
        producer.produce(settings.prefixed(TOPICS["control"].name), value, partition=0)
    assert producer.flush(30) == 0


def decision(proposal: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": "decided-1", "type": "proposal.approved", "account_id": proposal["account_id"],
        "occurred_at": datetime.now(UTC).isoformat(), "source": "page", "proposal_id": proposal["proposal_id"],
        "actor": "chris", "role": "controller", "limit": proposal["proposed_limit"], "currency": proposal["currency"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def deployed(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    settings = Settings(
        _env_file=None,
        broker=f"kafka://{kafka}",
        store=UNREACHABLE,
        namespace="told",
        data_dir=tmp_path_factory.mktemp("told"),
        journal_partitions=3,
    )
    prepare(without_store(settings), kafka)
    refused_as_control(settings, kafka)
    backfill(settings, kafka, generate(6, 5, 35))
    with workers(settings, "intake", "monitor") as crew:
        finished(settings, kafka, crew)
        newest = {body["proposal_id"]: body for _, body in emitted(settings, kafka, "limit-proposals")}
        waiting = next(
            body
            for body in newest.values()
            if body["status"] in ("proposed", "escalated") and body["direction"] != "hold"
        )
        send(kafka, settings.prefixed(TOPICS["decisions"].name), decision(waiting))
        finished(settings, kafka, crew)
    return Deployed(kafka, settings, waiting["proposal_id"])


def records(deployed: Deployed, settings: Settings) -> list[dict[str, Any]]:
    return [body for name in IDS for _, body in emitted(settings, deployed.kafka, name)]


@pytest.mark.timeout(900)
def test_all_that_was_emitted_is_explained_from_the_journal_without_the_store(deployed: Deployed) -> None:
    rows = list(explanations(Journal(deployed.client, deployed.settings), "told"))
    anew = sorted(orjson.dumps(t["record"]) for row in rows for t in row["transitions"])
    assert anew == sorted(orjson.dumps(body) for body in records(deployed, deployed.settings))
    assert len(anew) > 20
    assert all("adopted_at" in row["policy"] for row in rows)


@pytest.mark.timeout(900)
def test_one_id_is_found_by_its_beginning_and_explained_from_its_account_alone(deployed: Deployed) -> None:
    journal = Journal(deployed.client, deployed.settings)
    ident, account = account_of(journal, "told", deployed.approved[:13])
    row = explanation(journal, "told", ident, account)
    assert ident == deployed.approved
    assert row["status"] == "approved"
    assert row["transitions"][-1]["decided_by"] == "chris"
    assert {"event_id": "decided-1"}.items() <= row["events"][-1].items()
    assert quiet(journal, "told", account, "insolvency")["would_fire"]
    with pytest.raises(Refused, match="another namespace"):
        account_of(journal, "other", ident)


@pytest.mark.timeout(900)
def test_the_command_explains_and_says_what_it_cannot_find(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELLWETHER_BROKER", deployed.settings.broker)
    monkeypatch.setenv("BELLWETHER_STORE", UNREACHABLE)
    monkeypatch.setenv("BELLWETHER_NAMESPACE", "told")
    alert = next(
        body for _, body in emitted(deployed.settings, deployed.kafka, "alerts") if body["status"] == "opened"
    )
    told = CliRunner().invoke(explain_command, [alert["alert_id"][:10]])
    assert told.exit_code == 0, told.output
    assert alert["title"] in told.output
    assert max(map(len, told.output.splitlines())) <= 80
    said = CliRunner().invoke(
        explain_command, ["--why-not", alert["account_id"], "sanctions_match", "--json"]
    )
    assert orjson.loads(said.stdout)["would_fire"][0]["words"] == "a possible or confirmed match on any list"
    monkeypatch.setenv("BELLWETHER_NAMESPACE", "nowhere")
    missing = CliRunner().invoke(explain_command, [alert["alert_id"]])
    assert isinstance(missing.exception, Refused)
    assert "nowhere.credit.journal.v1" in str(missing.exception)


def rebuilt(
    deployed: Deployed, into: str, *meanwhile: dict[str, Any], partitions: int | None = None
) -> Rebuilt:
    """Alerts that are told `meanwhile` come between the copy and the comparison."""

    def start(other: Settings) -> Crew:
        send(deployed.kafka, deployed.settings.prefixed(TOPICS["alerts"].name), *meanwhile)
        return Crew(start_all(("monitor",), other, quiet=True))

    return rebuild(
        deployed.client, deployed.settings, into, start, lambda stage, done, total: None, partitions
    )


@pytest.mark.timeout(900)
def test_a_rebuild_says_what_was_said_and_the_switch_goes_on_from_there(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kafka, settings = deployed.kafka, deployed.settings
    found = rebuilt(deployed, "mended")
    other = settings.model_copy(update={"namespace": "mended"})
    assert found.copied > 600
    assert {name: difference.none() for name, difference in found.differences.items()} == dict.fromkeys(
        IDS, True
    )
    assert found.differences["alerts"].after == found.differences["alerts"].before > 5
    theirs = records(deployed, other)
    assert not {r.get("alert_id") for r in theirs} & {
        r.get("alert_id") for r in records(deployed, settings)
    } - {None}
    assert [r["decided_by"] for r in theirs if r["status"] == "approved" and r["decided_by"] != "policy"] == [
        "chris"
    ]

    again = rebuilt(deployed, "mended")
    assert (again.copied, again.already) == (0, found.copied)

    monkeypatch.delenv("BELLWETHER_NAMESPACE", raising=False)
    env_file = tmp_path / ".env"
    env_file.write_text("BELLWETHER_BROKER=dev\nBELLWETHER_NAMESPACE=told\n")
    with workers(settings, "monitor") as crew:
        crew.check()
        with pytest.raises(Refused, match="workers of this namespace run"):
            until_refused(deployed, env_file)
    until_members(deployed, there=False)
    said = switch(deployed.client, settings, "mended", env_file)
    assert env_file.read_text() == (
        "BELLWETHER_BROKER=dev\n# BELLWETHER_NAMESPACE=told\nBELLWETHER_NAMESPACE=mended\n"
    )
    assert any("nothing was deleted" in line for line in said)
    assert read_control(Kafka(kafka), other).last_tick == read_control(Kafka(kafka), settings).last_tick
    assert read_control(Kafka(kafka), other).policy_hash == read_control(Kafka(kafka), settings).policy_hash

    with workers(other, "intake", "monitor") as crew:
        send(kafka, other.prefixed(TOPICS["accounts"].name), limit_set(theirs[0]))
        finished(other, kafka, crew)
    assert audit(Kafka(kafka), other).differences == []
    assert passed_over(Kafka(kafka), other) == []
    statuses = [
        body for _, body in emitted(other, kafka, "account-status") if body["credit_limit"] == "1234567.00"
    ]
    assert statuses


@pytest.mark.timeout(900)
def test_a_journal_is_dealt_out_over_more_partitions_and_mended_where_kafka_was_told_to_add_some(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kafka, settings = deployed.kafka, deployed.settings
    monkeypatch.setenv("BELLWETHER_NAMESPACE", "told")
    assert says_the_same(rebuilt(deployed, "wider", partitions=5))
    assert check(Kafka(kafka), settings.model_copy(update={"namespace": "wider"})) == 5
    with pytest.raises(Refused, match="is there with 5 partitions: leave out --partitions"):
        rebuilt(deployed, "wider", partitions=4)
    until_members(deployed, there=False)
    switch(deployed.client, settings, "wider", tmp_path / ".env")
    wider = settings.model_copy(update={"namespace": "wider"})
    with workers(wider, "intake", "monitor") as crew:
        send(kafka, wider.prefixed(TOPICS["accounts"].name), limit_set(records(deployed, wider)[0]))
        finished(wider, kafka, crew)
    assert audit(Kafka(kafka), wider).differences == []

    grow(kafka, "wider.credit.journal.v1", 7)
    with pytest.raises(Refused, match="rebuild --into NEW --switch"):
        check(Kafka(kafka), wider)
    for ask in (audit, Journal):
        with pytest.raises(Refused, match="rebuild --into NEW --switch"):
            ask(Kafka(kafka), wider)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BELLWETHER_BROKER", wider.broker)
    monkeypatch.setenv("BELLWETHER_NAMESPACE", "wider")
    (tmp_path / "facts.jsonl").write_bytes(orjson.dumps(limit_set(records(deployed, wider)[0], 9)))
    for command, arguments in ((restore_command, []), (import_command, ["facts.jsonl"])):
        answer = CliRunner().invoke(command, arguments)
        assert isinstance(answer.exception, Refused), answer.output
        assert "rebuild --into NEW --switch" in str(answer.exception)
    unread = [limit_set(records(deployed, wider)[0], number) for number in (2, 3)]
    send(kafka, wider.prefixed(TOPICS["accounts"].name), *unread)
    adopted = read_control(Kafka(kafka), wider)
    send_control(Kafka(kafka), wider, clock_ticked(date(2026, 1, 1), datetime.now(UTC)))
    grown = Deployed(kafka, wider, "")
    assert says_the_same(rebuilt(grown, "narrow", partitions=2))
    until_members(grown, there=False)
    for carried in (2, 0):
        said = switch(grown.client, wider, "narrow", tmp_path / ".env")
        assert any(line.startswith(f"{carried} events that intake had not read") for line in said) == bool(
            carried
        )
        assert not any("is the way back" in line for line in said), "no worker can go on there"
    narrow = wider.model_copy(update={"namespace": "narrow"})
    assert check(Kafka(kafka), narrow) == 2
    assert read_control(Kafka(kafka), narrow).policy_hash == adopted.policy_hash
    with workers(narrow, "intake", "monitor") as crew:
        finished(narrow, kafka, crew)
    assert audit(Kafka(kafka), narrow).differences == []
    assert passed_over(Kafka(kafka), narrow) == []
    journalled = read_partitions(Kafka(kafka), narrow.prefixed(TOPICS["journal"].name))
    told = [orjson.loads(record.value()) for record in journalled]
    assert sum(each["event_id"] in ("limit-after-2", "limit-after-3") for each in told) == 2
    assert sum(each.get("as_of") == "2026-01-01" for each in told) == 2, "the tick, in both partitions"


def says_the_same(found: Rebuilt) -> bool:
    compared = found.differences.values()
    return all(difference.none() and difference.after > 3 for difference in compared)


def until_members(deployed: Deployed, *, there: bool) -> None:
    """A worker that was stopped on a busy machine stays in its group until its session ends."""
    deadline = time.monotonic() + 90
    admin = AdminClient({"bootstrap.servers": deployed.kafka})
    group = deployed.settings.prefixed("monitor")
    while bool(admin.describe_consumer_groups([group])[group].result(30).members) != there:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def until_refused(deployed: Deployed, env_file: Path) -> None:
    """Tries until the worker has joined its group; it must be refused then, and write nothing before."""
    before = env_file.read_text()
    until_members(deployed, there=True)
    try:
        switch(deployed.client, deployed.settings, "mended", env_file)
    finally:
        assert env_file.read_text() == before


def limit_set(record: dict[str, Any], number: int = 1) -> dict[str, Any]:
    return {
        "event_id": f"limit-after-{number}", "type": "account.limit_set", "account_id": record["account_id"], "source": "erp",
        "occurred_at": "2025-12-31T23:00:00Z", "credit_limit": "1234567.00", "currency": record["currency"],
    }  # fmt: skip


@pytest.mark.timeout(900)
def test_what_the_old_outputs_had_beyond_the_journal_is_told_as_lost_and_changed(deployed: Deployed) -> None:
    """The comparison can fail: two records that no fold made are planted among the old outputs."""
    settings = deployed.settings
    _, alert = next(
        pair for pair in emitted(settings, deployed.kafka, "alerts") if pair[1]["status"] == "opened"
    )
    planted = {**alert, "alert_id": "planted", "account_id": "PLANTED"}
    more = {**alert, "status": "escalated", "number": 99}
    meanwhile = rebuilt(deployed, "planted", planted, more).differences["alerts"]
    assert meanwhile.none(), "the old workers may go on: what they tell of newer events is no difference"
    found = rebuilt(deployed, "planted").differences["alerts"]
    assert found.lost == [f"PLANTED {alert['trigger']} {alert['as_of']}"]
    assert found.changed == [f"{alert['account_id']} {alert['trigger']} {alert['as_of']}"]
    assert found.gained == []


@pytest.mark.timeout(900)
def test_a_namespace_with_a_life_of_its_own_is_not_rebuilt_into(deployed: Deployed, namespace: str) -> None:
    own = deployed.settings.model_copy(
        update={"namespace": namespace, "data_dir": deployed.settings.data_dir / "own"}
    )
    prepare(without_store(own), deployed.kafka)
    with workers(own, "intake") as crew:
        finished_intake(own, deployed, crew)
    with pytest.raises(Refused, match="in use"):
        rebuilt(deployed, namespace)
    with pytest.raises(Refused, match="that is the namespace of this deployment"):
        rebuilt(deployed, "told")
    with pytest.raises(Refused, match="is no namespace"):
        rebuilt(deployed, "Not A Name")


def finished_intake(own: Settings, deployed: Deployed, crew: Crew) -> None:
    """Until the policy stands in its journal."""
    client = Kafka(deployed.kafka)
    deadline = time.monotonic() + 60
    while Journal(client, own).empty():
        crew.check()
        assert time.monotonic() < deadline
        time.sleep(0.1)

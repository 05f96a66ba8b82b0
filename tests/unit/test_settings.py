"""Settings as users give them: a typo is named and does not pass in silence, a mistake says what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.policy_text import policy_hash
from streams.blocks import Kafka
from streams.commands.control import policy
from streams.commands.options import settings
from streams.commands.worker import worker
from streams.control import read_control
from streams.errors import Refused
from streams.settings import Settings, deploy_dir, environment, policy_text


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused() -> str:
    with pytest.raises(Refused) as refusal:
        settings()
    return str(refusal.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("BELLWETHER_BROKERS", "BELLWETHER_BROKERS is no setting; did you mean BELLWETHER_BROKER?"),
        ("BELLWETHER_NAMESPCE", "did you mean BELLWETHER_NAMESPACE?"),
        ("BELLWETHER_METRIC_PORT", "did you mean BELLWETHER_METRICS_PORT?"),
    ],
)
def test_a_variable_that_is_nearly_a_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    monkeypatch.setenv(name, "x")
    assert says in refused()


def test_what_a_cluster_says_of_a_service_of_our_name_and_other_peoples_variables_are_let_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "BELLWETHER_SERVICE_HOST": "10.0.0.7",
        "BELLWETHER_SERVICE_PORT_HTTP": "80",
        "BELLWETHER_PORT": "tcp://10.0.0.7:80",
        "BELLWETHER_PORT_80_TCP_ADDR": "10.0.0.7",
        "BELLWETHER_QQQ": "x",
    }.items():
        monkeypatch.setenv(name, value)
    assert settings().broker == "dev"


def test_so_is_a_line_of_the_env_file_and_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("CLICKHOUSE_PASSWORD=x\nBELLWETHER_NAMESPACE=ours\n", encoding="utf-8")
    assert settings().namespace == "ours"
    env.write_text("BELLWETHER_NAME_SPACE=ours\n", encoding="utf-8")
    assert "BELLWETHER_NAME_SPACE is no setting; did you mean BELLWETHER_NAMESPACE?" in refused()


def test_the_ports_of_the_dev_services_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_DEV_KAFKA_PORT", "9092")
    monkeypatch.setenv("BELLWETHER_DEV_CLICKHOUSE_PORT", "8123")
    assert settings().broker == "dev"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BELLWETHER_NAMESPACE", "My Shop", "lower-case letters"),
        ("BELLWETHER_BROKER", "localhost:9092", "kafka://host:9092"),
        ("BELLWETHER_METRICS_PORT", "70000", "METRICS_PORT: wanted less than or equal to 65532"),
        ("BELLWETHER_METRICS_PORT", "nine", "METRICS_PORT: write it as a whole number"),
        ("BELLWETHER_MEMORY_MB", "0.5", "MEMORY_MB: write it as a whole number"),
        ("BELLWETHER_LOG_FORMAT", "xml", "LOG_FORMAT: wanted 'console' or 'json'"),
        ("BELLWETHER_JOURNAL_PARTITIONS", "-1", "JOURNAL_PARTITIONS: wanted greater than or equal to 0"),
        ("BELLWETHER_JOURNAL_PARTITIONS", "90000", "JOURNAL_PARTITIONS: wanted less than or equal to 1000"),
        ("BELLWETHER_TOKENS", "ann:viewer:a,ann:manager:b", "TOKENS: ann is there twice; name it once"),
        ("BELLWETHER_TOKENS", "ann:viewer:a, ann:viewer:b", "TOKENS: ann is there twice; name it once"),
        ("BELLWETHER_FEED_DAYS", "news=3,news=9", "FEED_DAYS: news is there twice; name it once"),
        ("BELLWETHER_STORE_DAYS", "late=90, late =90", "STORE_DAYS: late is there twice; name it once"),
    ],
)
def test_a_mistake_names_the_variable_and_what_to_write(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    assert says in refused()


@pytest.mark.parametrize("name", ["policy", "data_dir", "bind", "feed_days"])
@pytest.mark.parametrize("env_file", [False, True])
def test_an_empty_path_address_or_list_of_feeds_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, name: str, env_file: bool
) -> None:
    """The page and the metrics were served on every address of the machine, the policy was looked for in `.`, and no feed
    was watched."""
    by_default = getattr(settings(), name)
    variable = f"BELLWETHER_{name.upper()}"
    if env_file:
        Path(".env").write_text(f"{variable}=\n", encoding="utf-8")
    else:
        monkeypatch.setenv(variable, "")
    assert getattr(settings(), name) == by_default


@pytest.mark.parametrize(
    "given",
    ["sasl.username=app, sasl.password=it=s", '{"sasl.username": "app", "sasl.password": "it=s"}'],
)
def test_settings_of_kafka_are_pairs_or_one_json_object(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_KAFKA_CONFIG", given)
    assert Settings(_env_file=None).kafka_config == {"sasl.username": "app", "sasl.password": "it=s"}


def test_a_worker_is_given_the_settings_of_kafka_whole() -> None:
    config = {"sasl.password": 'a,b="c"'}
    told = environment(Settings(_env_file=None, kafka_config=config))["BELLWETHER_KAFKA_CONFIG"]
    assert Settings(_env_file=None, kafka_config=told).kafka_config == config


def test_a_child_has_every_setting_of_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = Settings(
        _env_file=None,
        broker="kafka://k:9092",
        store="clickhouse://c:8123",
        namespace="acme",
        policy=Path("mine.toml"),
        data_dir=Path("elsewhere"),
        slot="one",
        bind="127.0.0.2",
        metrics_port=9000,
        web_port=9001,
        tokens="ann:analyst:secret,bob:viewer:other",
        proxies="10.0.0.5,10.1.0.0/16",
        kafka_config='{"sasl.username": "a,b=c"}',
        store_days="snapshots=800,late=90",
        feed_days="invoices=2",
        log_format="json",
        journal_partitions=6,
        memory_mb=512,
    )
    by_default = Settings(_env_file=None)
    assert [name for name, value in parent if value == getattr(by_default, name)] == []
    for name, value in environment(parent).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == parent


@pytest.mark.parametrize("given", ['{"sasl.password": ', "{sasl.password=x}"])
def test_a_torn_json_object_is_said(given: str) -> None:
    with pytest.raises(ValueError, match="one JSON object"):
        Settings(_env_file=None, kafka_config=given)


def test_a_value_in_it_that_is_no_text_is_named_with_what_to_write() -> None:
    with pytest.raises(
        ValueError, match=r'linger.ms: write its value as a text, for example {"linger.ms": "5"}'
    ):
        Settings(_env_file=None, kafka_config='{"linger.ms": 5}')


@pytest.mark.parametrize(("content", "says"), [(None, "No such file"), (b"\xff\xfe", "it is not UTF-8 text")])
def test_a_policy_that_can_not_be_read_is_named_once(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Refused) as refusal:
        policy_text(settings(policy=path))
    assert says in str(refusal.value)
    assert str(refusal.value).count("mine.toml") == 1


@pytest.mark.parametrize(
    ("content", "namespace"),
    [(b"BELLWETHER_NAMESPACE=acme\n", "acme"), (b"\xef\xbb\xbfBELLWETHER_NAMESPACE=acme\r\n", "acme")],
)
def test_an_env_file_counts_also_where_windows_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, namespace: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(content)
    assert settings().namespace == namespace


def test_an_env_file_that_is_no_utf8_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes("BELLWETHER_NAMESPACE=acme".encode("utf-16"))
    with pytest.raises(Refused, match=r"cannot read \.env: it is not UTF-8 text"):
        settings()


def test_a_policy_that_windows_wrote_is_read_without_its_mark(tmp_path: Path) -> None:
    text = (deploy_dir() / "policy.toml").read_text(encoding="utf-8")
    file = tmp_path / "policy.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert policy_hash(policy_text(Settings(policy=file))) == policy_hash(text)
    result = CliRunner().invoke(policy, ["check", str(file)])
    assert (result.exit_code, policy_hash(text) in result.output) == (0, True)


def test_where_nobody_listens_no_topic_is_to_be_created() -> None:
    with pytest.raises(Refused) as refusal:
        read_control(Kafka("127.0.0.1:1"), settings())
    assert "no Kafka answers at 127.0.0.1:1" in str(refusal.value)
    assert "topics --create" not in str(refusal.value)


def test_workers_without_services_say_so_once_and_start_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_child(*_: object, **__: object) -> None:
        raise AssertionError("a child was started")

    monkeypatch.setattr("streams.commands.worker.start", no_child)
    with pytest.raises(Refused, match="no dev services run"):
        worker.main(args=[], standalone_mode=False)


@pytest.mark.parametrize(
    ("only", "says"),
    [("", "--only names no worker"), (" ,", "--only names no worker"), ("intake,pages", "--only pages")],
)
def test_only_names_workers_that_there_are(only: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        worker.main(args=["--only", only], standalone_mode=False)


@pytest.mark.parametrize("only", ["intake,", ", intake ", "intake,intake"])
def test_one_worker_that_is_named_twice_or_beside_nothing_is_one(
    only: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone: list[str] = []

    def run_here(name: str, _: Settings) -> None:
        alone.append(name)
        raise SystemExit

    monkeypatch.setattr("streams.commands.worker.run_here", run_here)
    with pytest.raises(SystemExit):
        worker.main(args=["--only", only], standalone_mode=False)
    assert alone == ["intake"]

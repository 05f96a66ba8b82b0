"""A cluster that speaks TLS, wants a password and grants only what the README asks for: the whole product on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined, unused-ignore]
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from cryptography.hazmat.primitives import serialization

from streams.settings import Settings
from streams.store.client import connect, database_name
from tests.integration.pipeline import deployment, emitted, finished, workers
from tests.nodes import Nodes
from tests.ports import free_port

PASSWORD = 'it,s "secret"=\\'


@dataclass(frozen=True)
class Secured:
    """`plain`: where a test looks on; `servers` and `config`: what the product is given."""

    plain: str
    servers: str
    config: dict[str, str]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    directory, port = tmp_path_factory.mktemp("secured"), free_port()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    ours = authority.issue_cert("127.0.0.1")
    key = serialization.load_pem_private_key(ours.private_key_pem.bytes(), None).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "server.pem").write_bytes(key + b"".join(blob.bytes() for blob in ours.cert_chain_pems))
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"').replace("\\", "\\\\")  # JAAS, then properties
    listeners = f"PLAINTEXT://127.0.0.1:{{port}},SECURED://127.0.0.1:{port}"
    nodes = Nodes(
        directory,
        1,
        {
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{{controller_port}}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_SSL",
            "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secured.plain.sasl.jaas.config": (
                "org.apache.kafka.common.security.plain.PlainLoginModule required "
                f'user_bellwether="{quoted}";'
            ),
            "listener.name.secured.ssl.keystore.type": "PEM",
            "listener.name.secured.ssl.keystore.location": str(directory / "server.pem"),
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
    )
    try:
        yield Secured(
            nodes.servers,
            f"127.0.0.1:{port}",
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanisms": "PLAIN",
                "sasl.username": "bellwether",
                "sasl.password": PASSWORD,
                "ssl.ca.location": str(directory / "ca.pem"),
            },
        )
    finally:
        nodes.stop()


def grant(secured: Secured, namespace: str) -> None:
    """What the README says that a deployment needs, and nothing else."""
    allowed = [
        (kind, f"{namespace}.", operation)
        for kind, operations in {
            ResourceType.TOPIC: "CREATE DESCRIBE DESCRIBE_CONFIGS READ WRITE",
            ResourceType.GROUP: "DESCRIBE READ",
            ResourceType.TRANSACTIONAL_ID: "DESCRIBE WRITE",
        }.items()
        for operation in operations.split()
    ]
    acls = [
        AclBinding(
            kind, prefix, ResourcePatternType.PREFIXED, "User:bellwether", "*",
            AclOperation[operation], AclPermissionType.ALLOW,
        )
        for kind, prefix, operation in allowed
    ]  # fmt: skip
    admin = AdminClient({"bootstrap.servers": secured.plain})
    for future in admin.create_acls(acls).values():
        future.result(30)


def bellwether(settings: Settings, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "BELLWETHER_BROKER": settings.broker,
        "BELLWETHER_STORE": settings.store,
        "BELLWETHER_NAMESPACE": settings.namespace,
        "BELLWETHER_DATA_DIR": str(settings.data_dir),
        "BELLWETHER_JOURNAL_PARTITIONS": "4",
        "BELLWETHER_KAFKA_CONFIG": orjson.dumps(settings.kafka_config).decode(),
        **changed,
    }
    return subprocess.run(
        [sys.executable, "-m", "streams", *arguments],
        env=env, cwd=settings.data_dir, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.timeout(400)
def test_the_whole_product_works_with_tls_a_password_and_no_more_rights_than_it_needs(
    secured: Secured, clickhouse: str, namespace: str, tmp_path: Path
) -> None:
    grant(secured, namespace)
    settings = deployment(secured.servers, clickhouse, namespace, tmp_path).model_copy(
        update={"kafka_config": secured.config}
    )

    def does(*arguments: str) -> str:
        done = bellwether(settings, *arguments)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout

    does("topics", "--create")
    does("topics")
    does("migrate")
    (tmp_path / "ledger.jsonl").write_bytes(b"".join(events()))
    with workers(settings, "intake", "monitor", "store") as crew:
        does("import", "ledger.jsonl")
        finished(settings, secured.plain, crew)
        alerts = [body for _, body in emitted(settings, secured.plain, "alerts")]
        assert [alert["trigger"] for alert in alerts] == ["over_limit"]
        store = connect(clickhouse, database_name(clickhouse, namespace))
        assert store.query("SELECT count() FROM alerts").result_rows == [(1,)]
        assert "over_limit" in does("explain", alerts[0]["alert_id"][:8])
        assert "bureau" in does("status")
        does("dead-letters", "list")
        does("audit")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"sasl.password": "wrong"}, "uthentication"),
        ({"ssl.ca.location": ""}, "ertificate"),
        ({"security.protocol": "PLAINTEXT"}, "BELLWETHER_KAFKA_CONFIG where it asks for TLS"),
        ({"sasl.mechanisms": "SCRAM-SHA-999"}, "BELLWETHER_KAFKA_CONFIG"),
    ],
)
def test_a_wrong_way_in_is_said_in_one_sentence(
    secured: Secured, namespace: str, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    config = {key: value for key, value in {**secured.config, **changed}.items() if value}
    settings = Settings(
        _env_file=None, broker=f"kafka://{secured.servers}", namespace=namespace, data_dir=tmp_path,
        kafka_config=config,
    )  # fmt: skip
    done = bellwether(settings, "topics")
    assert done.returncode == 1
    assert said in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("bellwether: ")]) == 1
    assert "Traceback" not in done.stderr


def test_a_right_that_is_missing_is_named(secured: Secured, namespace: str, tmp_path: Path) -> None:
    settings = Settings(
        _env_file=None, broker=f"kafka://{secured.servers}", namespace=namespace, data_dir=tmp_path,
        kafka_config=secured.config,
    )  # fmt: skip
    done = bellwether(settings, "topics", "--create")
    assert done.returncode == 1
    assert "uthorization" in done.stderr
    assert "Traceback" not in done.stderr


def events() -> Iterator[bytes]:
    common: dict[str, Any] = {"account_id": "C1", "source": "erp", "currency": "USD"}
    facts = [
        {"type": "account.limit_set", "credit_limit": "100.00"},
        {"type": "invoice.issued", "invoice_id": "I1", "amount": "150.00",
         "invoice_date": "2026-01-05", "due_date": "2026-02-04"},
    ]  # fmt: skip
    for number, fact in enumerate(facts):
        at = f"2026-01-0{number + 5}T09:00:00Z"
        yield orjson.dumps({**common, "event_id": f"e{number}", "occurred_at": at, **fact}) + b"\n"

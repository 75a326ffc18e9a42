"""A database's CA is replaced while a session is open: nobody is dropped, and no client trusts too little."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from keyward_api.names import (
    AGENTS_NAMESPACE,
    ANNOTATION_ROTATE_CA,
    CA_KEY,
    EXTERNAL_CQL_PORT,
    Condition,
    client_ca_name,
    client_service_name,
    dotted_child_name,
)
from tests.e2e import manifests
from tests.e2e.forwarding import forwarded
from tests.e2e.pods import ClientPod, Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

ITEMS = "SELECT name FROM e2e_shop.items WHERE id = 1"

FOLLOW_SECONDS = 240.0
"""The overlap of the local platform is 20 s, and a kubelet brings a changed Secret to its pods within 90 s or so."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    return tenant.database(iam_roles=[tenant.iam_role("reader")])


@pytest.fixture(scope="module")
def pod(tenant: Tenant, database: Database) -> ClientPod:
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    return tenant.client("web")


@pytest.fixture
def driver(tenant: Tenant, pod: ClientPod) -> Iterator[Driver]:
    with pod.driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


def bundle(tenant: Tenant, database: Database) -> str:
    """What clients are told to trust."""
    return str(tenant.kube.get("configmap", client_ca_name(database.name), tenant.namespace)["data"][CA_KEY])


def certificates(bundle: str) -> list[str]:
    end = "-----END CERTIFICATE-----\n"
    return [f"{part}{end}" for part in bundle.split(end) if part.strip()]


def trusts(tenant: Tenant, database: Database, authority: str) -> bool:
    """Whether a client that trusts nothing but `authority` gets through to the agent by its name."""
    context = ssl.create_default_context(cadata=authority)
    name = f"{client_service_name(database.name)}.{tenant.namespace}.svc"
    target = f"pod/{agents(tenant, database)[0][0]}"
    with (
        forwarded(tenant.kube, target, AGENTS_NAMESPACE, EXTERNAL_CQL_PORT) as port,
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
    ):
        try:
            with context.wrap_socket(connection, server_hostname=name):
                return True
        except ssl.SSLCertVerificationError:
            return False


def agents(tenant: Tenant, database: Database) -> list[tuple[str, int]]:
    """Names of the agents' pods, and how often they were started again."""
    return [
        (pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]) for pod in database.agents()
    ]


def test_a_ca_is_replaced_under_an_open_session(tenant: Tenant, database: Database, driver: Driver) -> None:
    old = bundle(tenant, database)
    before = agents(tenant, database)
    assert certificates(old) == [old]
    assert trusts(tenant, database, old)
    request = f"{ANNOTATION_ROTATE_CA}=first"
    tenant.kube.run("annotate", "keyspacesdatabase", database.name, request, f"--namespace={tenant.namespace}")

    def both() -> list[str]:
        found = certificates(bundle(tenant, database))
        if len(found) < 2:
            raise NotYet("clients are told of one CA")
        return found

    new = next(found for found in wait_for("both CAs in the bundle", both, seconds=60) if found != old)
    live = tenant.kube.get("keyspacesdatabase", database.name, tenant.namespace)
    assert live["status"]["caBundle"] == bundle(tenant, database)
    assert database.condition(Condition.CERTIFICATE_AUTHORITY_READY)["reason"] == "Rotating"
    assert trusts(tenant, database, old), "the old one signs while clients learn of the new one"
    assert not trusts(tenant, database, new)

    def signed_by_the_new_one() -> bool:
        rows = driver.do("execute", name="live", cql=ITEMS)["rows"]
        assert rows == [["anvil"]], "the session goes on"
        return trusts(tenant, database, new)

    assert wait_for("a leaf of the new CA", signed_by_the_new_one, seconds=FOLLOW_SECONDS)
    assert sorted(certificates(bundle(tenant, database))) == sorted([old, new]), "old leaves may still be valid"
    assert bundle(tenant, database).startswith(new)
    assert driver.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
    assert agents(tenant, database) == before, "no agent was made anew or started again"
    secret = tenant.kube.get(
        "secret", dotted_child_name(namespace=tenant.namespace, name=database.name), AGENTS_NAMESPACE
    )
    assert set(secret["data"]) == {"tls.crt", "tls.key", "previous.crt"}, "the old key is gone"

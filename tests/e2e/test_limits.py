"""What databases and roles limit, from the manifest to the client; and the way in for who cannot reach the agents."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.e2e import frames, manifests
from tests.e2e.forwarding import forwarded_cluster
from tests.e2e.pods import Answer, Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

MAXIMUM_FRAME_BYTES = 65536
IDLE_SECONDS = 10


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Small frames; one connection at a time for `one`, and none that idles for `busy`."""
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    patch = {"spec": {"limits": {"maxFrameBytes": MAXIMUM_FRAME_BYTES}}}
    arguments = ("patch", "keyspacesdatabase", database.name, f"--namespace={tenant.namespace}", "--type=merge")
    tenant.kube.run(*arguments, f"--patch={json.dumps(patch)}")
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("one", "one", rule, maxConnections=1)
    tenant.grant("busy", "busy", rule, idleTimeoutSeconds=IDLE_SECONDS, allowTracing=False)
    return database


def logged_in(driver: Driver, name: str, user: str) -> Answer:
    """A bare connection, as soon as the grant has reached the agent."""

    def log_in() -> Answer:
        answer = driver.do("wire_login", name=name, user=user)
        if not answer["in"]:
            driver.do("wire_close", name=name)
            raise NotYet(str(answer))
        return answer

    return wait_for("a login", log_in, seconds=15)


@pytest.fixture
def one(tenant: Tenant, database: Database) -> Iterator[Driver]:
    with tenant.client("one").driver() as driver:
        yield driver


@pytest.fixture(scope="module")
def busy(tenant: Tenant, database: Database) -> Iterator[Driver]:
    with tenant.client("busy").driver() as driver:
        yield driver


def test_a_role_limits_the_connections_of_an_identity(tenant: Tenant, one: Driver) -> None:
    user = tenant.iam_role("reader")
    logged_in(one, "first", user)
    refused = one.do("wire_login", name="second", user=user)["frames"][-1]
    assert refused["code"] == frames.OVERLOADED
    assert "as many as its limits allow" in refused["message"]
    one.do("wire_close", name="first")
    logged_in(one, "third", user)


def test_a_database_limits_the_length_of_a_request(tenant: Tenant, busy: Driver) -> None:
    def refused() -> Answer:
        logged_in(busy, "long", tenant.iam_role("reader"))
        busy.do("wire_send", name="long", data=frames.header(frames.QUERY, MAXIMUM_FRAME_BYTES + 1, stream=1))
        answer = busy.do("wire_read", name="long", frames=1, seconds=2.0)
        busy.do("wire_close", name="long")
        if not answer["frames"]:
            raise NotYet("the agent waits for the rest")
        found: Answer = answer["frames"][0]
        return found

    found = wait_for("the limit to reach the agent", refused, seconds=30)
    assert found["code"] == frames.PROTOCOL_ERROR
    assert str(MAXIMUM_FRAME_BYTES) in found["message"]


def test_a_role_ends_a_connection_that_idles_whatever_its_heartbeats(tenant: Tenant, busy: Driver) -> None:
    logged_in(busy, "idle", tenant.iam_role("reader"))
    busy.do("wire_send", name="idle", data=frames.query("SELECT id FROM e2e_shop.items", stream=1))
    asked = busy.do("wire_read", name="idle", frames=1, seconds=5.0)
    assert asked["frames"][0]["opcode"] == frames.RESULT
    began = time.monotonic()
    while time.monotonic() - began < 3 * IDLE_SECONDS:
        busy.do("wire_send", name="idle", data=frames.frame(frames.OPTIONS, stream=2))
        if busy.do("wire_read", name="idle", frames=1, seconds=1.0)["ended"] is not None:
            break
        time.sleep(0.5)
    assert IDLE_SECONDS - 2 < time.monotonic() - began < IDLE_SECONDS + 10


def test_tracing_is_refused_in_cqlsh_in_words(tenant: Tenant, busy: Driver) -> None:
    done = tenant.client("busy", name="client-tracing").cqlsh(
        "TRACING ON; SELECT id FROM e2e_shop.items", "-u", tenant.iam_role("reader")
    )
    assert done.status != 0
    assert "tracing is not allowed by your roles" in done.output
    assert "cqlsh: TRACING OFF" in done.output


def test_through_a_forwarded_port_the_agents_are_one_node(tenant: Tenant, database: Database, busy: Driver) -> None:
    user = tenant.iam_role("reader")
    logged_in(busy, "granted", user)
    with forwarded_cluster(database, account="busy", user=user) as cluster:
        session = cluster.connect()
        assert session.execute("SELECT name FROM e2e_shop.items WHERE id = 2").one().name == "bellows"
        cluster.refresh_nodes()
        assert [str(known.endpoint) for known in cluster.metadata.all_hosts()] == [f"127.0.0.1:{cluster.port}"]

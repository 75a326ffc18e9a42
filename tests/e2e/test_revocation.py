"""A change of who may do what reaches sessions that are open, within 5 s."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e import frames, manifests
from tests.e2e.audit import record_of
from tests.e2e.operator import operator_stopped
from tests.e2e.pods import ClientPod, Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

ITEMS = "SELECT name FROM e2e_shop.items WHERE id = 1"
SECRETS = "SELECT name FROM e2e_shop.secrets WHERE id = 1"

REACH_SECONDS = 5.0
"""Within which a change must have reached every session."""

RECONNECT_SECONDS = 2.0
"""How long a driver with one host may pause after its session was closed."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    return tenant.database(iam_roles=[tenant.iam_role("reader")])


@pytest.fixture(scope="module")
def pod(tenant: Tenant, database: Database) -> ClientPod:
    tenant.account("web")
    return tenant.client("web")


@pytest.fixture
def granted(tenant: Tenant, database: Database) -> None:
    """`web` may read the items, and nothing else."""
    allow_tables(tenant, "items")


@pytest.fixture
def driver(tenant: Tenant, granted: None, pod: ClientPod) -> Iterator[Driver]:
    """A driver with a session named `live`."""
    with pod.driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


def allow_tables(tenant: Tenant, *tables: str) -> None:
    """The grant of `web`, as a whole."""
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=tables)
    tenant.grant("reader", "web", rule)


def test_when_a_user_is_deleted_its_live_session_is_told_why_and_its_login_is_refused(
    tenant: Tenant, database: Database, driver: Driver, record_property: Callable[[str, object], None]
) -> None:
    assert driver.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
    driver.begin("until", name="live", cql=ITEMS, succeeds=False, seconds=REACH_SECONDS + 10)
    begin = time.time()
    tenant.kube.delete("keyspacesuser", "reader", tenant.namespace)
    told = driver.finish()
    record_property("seconds from `kubectl delete keyspacesuser` to the refusal", round(told["at"] - begin, 2))
    assert told["reached"], told
    assert told["at"] - begin < REACH_SECONDS
    assert told["refused"]["code"] == frames.UNAUTHORIZED
    assert "your access ended" in told["refused"]["message"]
    refusal = driver.refusal("connect", name="again", user=tenant.iam_role("reader"))
    assert refusal["code"] == frames.BAD_CREDENTIALS
    assert "has no grant on database" in refusal["message"]
    end = record_of(
        database.kube, database.namespace, database.name, "the session's end", lambda r: r.get("reason") == "GrantEnded"
    )
    assert end["event"] == "session.end"


def test_when_a_user_is_deleted_an_idle_connection_is_closed(
    tenant: Tenant, driver: Driver, record_property: Callable[[str, object], None]
) -> None:
    assert driver.do("wire_login", name="idle", user=tenant.iam_role("reader"))["in"]
    driver.begin("wire_read", name="idle", frames=None, seconds=REACH_SECONDS + 10)
    begin = time.time()
    tenant.kube.delete("keyspacesuser", "reader", tenant.namespace)
    end = driver.finish()["ended"]
    assert end is not None, "the connection is still open"
    record_property("seconds from `kubectl delete keyspacesuser` to the end", round(end - begin, 2))
    assert end - begin < REACH_SECONDS


def test_what_was_deleted_while_the_operator_was_down_is_revoked_when_it_is_back(
    tenant: Tenant, driver: Driver
) -> None:
    with operator_stopped(tenant.kube):
        tenant.kube.delete("keyspacesuser", "reader", tenant.namespace)
        still = driver.do("execute", name="live", cql=ITEMS)
        assert still["rows"] == [["anvil"]], "agents go on with the policy that they have"
        driver.begin("until", name="live", cql=ITEMS, succeeds=False, seconds=90)
    back = time.time()
    told = driver.finish(seconds=100)
    assert told["reached"], told
    assert told["at"] - back < REACH_SECONDS, "counted from the operator's readiness"
    assert told["refused"]["code"] == frames.UNAUTHORIZED
    refusal = driver.refusal("connect", name="again", user=tenant.iam_role("reader"))
    assert "has no grant on database" in refusal["message"]


def test_an_access_ends_at_its_time_with_its_live_session_whether_the_operator_runs_or_not(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    ends = int(time.time()) + 25
    tenant.kube.apply(
        manifests.user(
            "reader",
            tenant.namespace,
            subjects=[tenant.account("web")],
            roles=["reader"],
            expireTime=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends)),
        )
    )

    def published() -> bool:
        (policy,) = database.children("keyspacespolicies")
        if not any("notAfter" in grant for grant in policy["spec"]["grants"]):
            raise NotYet(str(policy["spec"]["grants"]))
        return True

    wait_for("the end to be in the policy", published, seconds=15)
    with operator_stopped(tenant.kube):
        assert driver.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
        told = driver.do("until", name="live", cql=ITEMS, succeeds=False, seconds=60)
        assert told["reached"], told
        assert ends <= told["at"] < ends + 3
        assert told["refused"]["code"] == frames.UNAUTHORIZED
        assert (
            "has no grant on database" in driver.refusal("connect", name="b", user=tenant.iam_role("reader"))["message"]
        )


def test_a_role_that_is_widened_gives_more_to_a_client_that_is_connected(tenant: Tenant, driver: Driver) -> None:
    assert driver.refusal("execute", name="live", cql=SECRETS)["code"] == frames.UNAUTHORIZED
    begin = time.time()
    allow_tables(tenant, "items", "secrets")
    allowed = driver.do("until", name="live", cql=SECRETS, succeeds=True, seconds=REACH_SECONDS + RECONNECT_SECONDS)
    assert allowed["reached"], allowed
    assert allowed["rows"] == [["combination of the safe"]]
    assert allowed["at"] - begin < REACH_SECONDS + RECONNECT_SECONDS


def test_a_role_that_is_narrowed_takes_from_a_client_that_is_connected(tenant: Tenant, driver: Driver) -> None:
    allow_tables(tenant, "items", "secrets")
    widened = driver.do("until", name="live", cql=SECRETS, succeeds=True, seconds=REACH_SECONDS + RECONNECT_SECONDS)
    assert widened["reached"], widened
    begin = time.time()
    allow_tables(tenant, "items")
    narrowed = driver.do("until", name="live", cql=SECRETS, succeeds=False, seconds=REACH_SECONDS + RECONNECT_SECONDS)
    assert narrowed["reached"], narrowed
    assert narrowed["refused"]["code"] in (frames.UNAUTHORIZED, frames.OVERLOADED)
    assert narrowed["at"] - begin < REACH_SECONDS + RECONNECT_SECONDS
    left = driver.do("until", name="live", cql=ITEMS, succeeds=True, seconds=RECONNECT_SECONDS)
    assert left["reached"], left
    assert driver.refusal("execute", name="live", cql=SECRETS)["code"] == frames.UNAUTHORIZED

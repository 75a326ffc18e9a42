"""Agents whose operator is away know how old their policy is, and do what their database asks for then."""

import json
import time
from collections.abc import Iterator

import pytest

from keyward_api.names import AGENTS_NAMESPACE
from tests.e2e import frames, manifests
from tests.e2e.operator import operator_stopped
from tests.e2e.pods import Answer, ClientPod, Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

ITEMS = "SELECT name FROM e2e_shop.items WHERE id = 1"

MAXIMUM_STALENESS_SECONDS = 30
NOTICED_SECONDS = MAXIMUM_STALENESS_SECONDS + 15.0
"""Until a stale agent knows: its last proof may be that old, and it looks at the Lease every 12 s at most."""

BACK_SECONDS = 45.0
"""Until an agent has seen the Lease of the operator that is back."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    tenant.grant("reader", "web", manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"]))
    return database


@pytest.fixture(scope="module")
def pod(tenant: Tenant, database: Database) -> ClientPod:
    return tenant.client("web")


@pytest.fixture
def driver(tenant: Tenant, database: Database, pod: ClientPod) -> Iterator[Driver]:
    """A driver that has no session yet."""
    with pod.driver() as driver:
        yield driver


def when_stale(database: Database, what: str) -> None:
    """Set what the agents do, and wait until they know."""
    staleness = {"maxStalenessSeconds": MAXIMUM_STALENESS_SECONDS, "onStale": what}
    database.kube.patch("keyspacesdatabase", database.name, database.namespace, {"spec": {"policy": staleness}})
    revision = ""

    def compiled() -> bool:
        nonlocal revision
        (policy,) = database.children("keyspacespolicies")
        revision = policy["spec"]["revision"]
        if policy["spec"]["database"]["staleness"] != staleness:
            raise NotYet(str(policy["spec"]["database"]))
        observed = [report["observedRevision"] for report in policy["status"]["agents"]]
        if observed != [revision]:
            raise NotYet(f"the policy is {revision}, agents have {observed}")
        return True

    wait_for("the agent to have the policy", compiled, seconds=30)


def refused_as_stale(tenant: Tenant, driver: Driver) -> Answer:
    """How a login is refused, once it is."""

    def refusal() -> Answer:
        answer = driver.attempt("connect", name="new", user=tenant.iam_role("reader"))
        if "failure" not in answer:
            driver.do("close", name="new")
            raise NotYet("the login succeeded")
        found: Answer = answer["failure"]
        if found["code"] is None:
            # The agent may find out between two connections that one session of the driver makes.
            raise NotYet(str(found))
        return found

    return wait_for("a login to be refused", refusal, seconds=NOTICED_SECONDS)


def metric(database: Database, name: str) -> float:
    """Of the only agent."""
    (agent,) = database.agents()
    text = database.kube.metrics(agent["metadata"]["name"], AGENTS_NAMESPACE)
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


def test_new_logins_are_refused_and_live_sessions_go_on_until_the_operator_is_back(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    when_stale(database, "RefuseNew")
    driver.connect_once_granted("live", tenant.iam_role("reader"))
    with operator_stopped(tenant.kube):
        refusal = refused_as_stale(tenant, driver)
        assert refusal["code"] == frames.BAD_CREDENTIALS
        assert "has heard nothing from Keyward's operator for more than 30 s" in refusal["message"]
        assert driver.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
        assert metric(database, "keyward_policy_stale") == 1
        assert metric(database, "keyward_policy_age_seconds") > MAXIMUM_STALENESS_SECONDS
        (agent,) = database.agents()
        ready = [c["status"] for c in agent["status"]["conditions"] if c["type"] == "Ready"]
        assert ready == ["True"], "clients must find somebody who tells them why"
    driver.connect_once_granted("back", tenant.iam_role("reader"), seconds=BACK_SECONDS)
    assert driver.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
    assert metric(database, "keyward_policy_stale") == 0


def test_live_sessions_are_closed_where_the_database_asks_for_it(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    when_stale(database, "CloseAll")
    driver.connect_once_granted("live", tenant.iam_role("reader"))
    with operator_stopped(tenant.kube):
        told = driver.do("until", name="live", cql=ITEMS, succeeds=False, seconds=NOTICED_SECONDS)
        assert told["reached"], told
        assert told["refused"]["code"] == frames.UNAUTHORIZED
        assert "has heard nothing from Keyward's operator" in told["refused"]["message"]
        refused_as_stale(tenant, driver)
    driver.connect_once_granted("back", tenant.iam_role("reader"), seconds=BACK_SECONDS)
    assert driver.do("execute", name="back", cql=ITEMS)["rows"] == [["anvil"]]


def test_an_agent_that_starts_while_the_operator_is_away_is_not_taken_in(
    tenant: Tenant, database: Database, driver: Driver
) -> None:
    """It believes what the Lease says of its age, so a restart wins no time."""
    when_stale(database, "RefuseNew")
    with operator_stopped(tenant.kube):
        stopped = time.monotonic()
        refused_as_stale(tenant, driver)
        (agent,) = database.agents()
        tenant.kube.delete("pod", agent["metadata"]["name"], AGENTS_NAMESPACE)

        def another() -> bool:
            found = [pod["metadata"]["name"] for pod in database.agents()]
            ready = [
                c["status"]
                for pod in database.agents()
                for c in pod["status"].get("conditions", ())
                if c["type"] == "Ready"
            ]
            if found == [agent["metadata"]["name"]] or ready != ["True"]:
                raise NotYet(json.dumps([found, ready]))
            return True

        wait_for("another agent to be ready", another, seconds=120)
        assert time.monotonic() - stopped > MAXIMUM_STALENESS_SECONDS
        refusal = driver.refusal("connect", name="other", user=tenant.iam_role("reader"))
        assert "has heard nothing from Keyward's operator" in refusal["message"]
    driver.connect_once_granted("back", tenant.iam_role("reader"), seconds=BACK_SECONDS)

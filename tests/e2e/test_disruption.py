"""Agents that die, or are evicted, under clients that go on; test_rollouts.py has those that are replaced."""

import json
from collections.abc import Iterator

import pytest

from keyward_api.names import AGENTS_NAMESPACE
from tests.e2e.kube import Finished, Object, condition
from tests.e2e.pods import Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents, as by default."""
    return tenant.two_agents()


@pytest.fixture(scope="module")
def driver(tenant: Tenant, database: Database) -> Iterator[Driver]:
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


def test_a_client_comes_back_after_its_agent_was_killed(database: Database, driver: Driver) -> None:
    database.wait_until_rolled_out()
    driver.do("start_reading", name="live", cql=SELECT, patience=30.0)
    killed = [pod["metadata"]["name"] for pod in database.agents()]
    for name in killed:
        database.kube.run("delete", "pod", name, f"--namespace={AGENTS_NAMESPACE}", "--grace-period=0", "--force")
    database.wait_until_rolled_out()
    answer = driver.do("until", name="live", cql=SELECT, succeeds=True, seconds=30)
    assert answer["rows"] == [["anvil"]]
    report = driver.do("stop_reading", name="live")
    assert report["lost"] == 0, report
    assert not set(killed) & {pod["metadata"]["name"] for pod in database.agents()}


def evict(database: Database, pod: str) -> Finished:
    """As `kubectl drain` asks for it."""
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": AGENTS_NAMESPACE},
    }
    path = f"/api/v1/namespaces/{AGENTS_NAMESPACE}/pods/{pod}/eviction"
    return database.kube.attempt("create", "--raw", path, "--filename=-", stdin=json.dumps(eviction))


def test_nodes_are_drained_of_one_agent_at_a_time_and_no_read_is_lost(database: Database, driver: Driver) -> None:
    database.wait_until_rolled_out()
    evicted, other = database.agents()
    first, second = evicted["metadata"]["name"], other["metadata"]["name"]
    driver.do("start_reading", name="live", cql=SELECT, patience=5.0)
    assert evict(database, first).status == 0

    def refused() -> bool:
        replaced = {pod["metadata"]["name"] for pod in database.agents() if is_ready(pod)} - {first, second}
        answer = evict(database, second)
        if answer.status == 0:
            assert replaced, "both agents were evicted at once"
        elif "violate the pod's disruption budget" not in answer.output:
            raise NotYet(answer.output)
        return True

    wait_for("the eviction of the second to be refused", refused, seconds=10)

    database.wait_until_gone({evicted["metadata"]["uid"]}, seconds=90)
    database.wait_until_rolled_out()
    report = driver.do("stop_reading", name="live")
    assert report["reads"] > 100, report
    assert report["lost"] == 0, report


def is_ready(pod: Object) -> bool:
    return (condition(pod, "Ready") or {}).get("status") == "True"


def test_agents_that_are_gone_leave_no_entry_in_the_policys_status(database: Database) -> None:
    database.wait_until_rolled_out()

    def entries() -> bool:
        (policy,) = database.children("keyspacespolicies")
        reported = {agent["pod"] for agent in policy.get("status", {}).get("agents", [])}
        running = {pod["metadata"]["name"] for pod in database.agents()}
        if reported != running:
            raise NotYet(f"{reported} report, {running} run")
        return True

    wait_for("an entry for each running agent, and no other", entries, seconds=30)

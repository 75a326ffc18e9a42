"""Agents that die, and agents that are replaced, under clients that go on."""

from collections.abc import Callable, Iterator

import pytest

from keyward_api.names import AGENTS_NAMESPACE
from tests.e2e import manifests
from tests.e2e.pods import Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents, as by default."""
    database = tenant.database(iam_roles=[tenant.iam_role("reader")], replicas=2)
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    return database


@pytest.fixture(scope="module")
def driver(tenant: Tenant, database: Database) -> Iterator[Driver]:
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


def wait_until_all_are_ready(database: Database) -> None:
    """Both agents, and no other pod of theirs."""
    (deployment,) = database.children("deployments")
    name = deployment["metadata"]["name"]
    status = ("rollout", "status", f"deployment/{name}", f"--namespace={AGENTS_NAMESPACE}", "--timeout=120s")
    database.kube.run(*status, seconds=130)


def test_a_rolling_update_loses_no_read(
    database: Database, driver: Driver, record_property: Callable[[str, object], None]
) -> None:
    wait_until_all_are_ready(database)
    before = {pod["metadata"]["uid"] for pod in database.agents()}
    driver.do("start_reading", name="live", cql=SELECT, patience=3.0)
    (deployment,) = database.children("deployments")
    name = deployment["metadata"]["name"]
    database.kube.run("rollout", "restart", f"deployment/{name}", f"--namespace={AGENTS_NAMESPACE}")
    wait_until_all_are_ready(database)

    def replaced() -> bool:
        pods = database.kube.items("pods", AGENTS_NAMESPACE)
        left = before & {pod["metadata"]["uid"] for pod in pods}
        if left:
            raise NotYet(f"{len(left)} of the old agents are still there")
        return True

    wait_for("the old agents to be gone", replaced, seconds=60)
    report = driver.do("stop_reading", name="live")
    record_property("longest gap in seconds", round(report["longest_gap"], 2))
    record_property("reads", report["reads"])
    assert report["reads"] > 100, report
    assert report["lost"] == 0, report
    assert report["longest_gap"] < 2.0, report


def test_a_client_comes_back_after_its_agent_was_killed(database: Database, driver: Driver) -> None:
    wait_until_all_are_ready(database)
    driver.do("start_reading", name="live", cql=SELECT, patience=30.0)
    killed = [pod["metadata"]["name"] for pod in database.agents()]
    for name in killed:
        database.kube.run("delete", "pod", name, f"--namespace={AGENTS_NAMESPACE}", "--grace-period=0", "--force")
    wait_until_all_are_ready(database)
    answer = driver.do("until", name="live", cql=SELECT, succeeds=True, seconds=30)
    assert answer["rows"] == [["anvil"]]
    report = driver.do("stop_reading", name="live")
    assert report["lost"] == 0, report
    assert not set(killed) & {pod["metadata"]["name"] for pod in database.agents()}


def test_agents_that_are_gone_leave_no_entry_in_the_policys_status(database: Database) -> None:
    wait_until_all_are_ready(database)

    def entries() -> bool:
        (policy,) = database.children("keyspacespolicies")
        reported = {agent["pod"] for agent in policy.get("status", {}).get("agents", [])}
        running = {pod["metadata"]["name"] for pod in database.agents()}
        if reported != running:
            raise NotYet(f"{reported} report, {running} run")
        return True

    wait_for("an entry for each running agent, and no other", entries, seconds=30)

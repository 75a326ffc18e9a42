"""A lock shuts out at once whom it is on, whatever they are granted, and nobody else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e import frames, manifests
from tests.e2e.audit import record_of
from tests.e2e.operator import operator_stopped
from tests.e2e.pods import Answer, ClientPod, Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

ITEMS = "SELECT name FROM e2e_shop.items WHERE id = 1"
MESSAGE = "an incident: call 112"

REACH_SECONDS = 5.0
"""Within which a lock must have reached every session."""

RECONNECT_SECONDS = 15.0
"""Until a login works again: the lock's deletion has to reach the agents."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"])
    tenant.grant("reader", "web", rule)
    tenant.grant("other", "job", rule)
    return database


@pytest.fixture(scope="module")
def pods(tenant: Tenant, database: Database) -> tuple[ClientPod, ClientPod]:
    """Of `web`, which is locked out, and of `job`, which is not."""
    return tenant.client("web"), tenant.client("job")


@pytest.fixture
def web(tenant: Tenant, pods: tuple[ClientPod, ClientPod]) -> Iterator[Driver]:
    """A driver with a session named `live`."""
    with pods[0].driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


@pytest.fixture
def job(tenant: Tenant, pods: tuple[ClientPod, ClientPod]) -> Iterator[Driver]:
    """The same for somebody else."""
    with pods[1].driver() as driver:
        driver.connect_once_granted("live", tenant.iam_role("reader"))
        yield driver


@contextmanager
def locked(tenant: Tenant, target: dict[str, Any], **spec: object) -> Iterator[float]:
    """A lock as long as the block lasts; when it was applied."""
    begin = time.time()
    tenant.kube.apply(manifests.lock("incident", tenant.namespace, target=target, message=MESSAGE, **spec))
    try:
        yield begin
    finally:
        tenant.kube.delete("keyspaceslock", "incident", tenant.namespace)


def targets(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """What `web`'s session is, in every way to say it."""
    return {
        "ServiceAccount": {"subject": manifests.service_account_subject("web", tenant.namespace)},
        "Group": {"subject": {"kind": "Group", "name": f"system:serviceaccounts:{tenant.namespace}"}},
        "user": {"user": "reader"},
        "role": {"role": "reader"},
        "dbUser": {"dbUser": tenant.iam_role("reader")},
        "database": {"database": "orders"},
    }


def refused_until_told(driver: Driver, begin: float) -> Answer:
    """How a live session learned of the lock."""
    told = driver.do("until", name="live", cql=ITEMS, succeeds=False, seconds=REACH_SECONDS + 10)
    assert told["reached"], told
    assert told["at"] - begin < REACH_SECONDS
    return told


@pytest.mark.parametrize("target", ["ServiceAccount", "Group", "user", "role", "dbUser", "database"])
def test_a_live_session_is_told_and_closed_and_its_login_refused_until_the_lock_goes(
    tenant: Tenant,
    database: Database,
    web: Driver,
    target: str,
    record_property: Callable[[str, object], None],
) -> None:
    with locked(tenant, targets(tenant)[target]) as begin:
        told = refused_until_told(web, begin)
        record_property(
            f"seconds from `kubectl apply` of a lock on {target} to the refusal", round(told["at"] - begin, 2)
        )
        assert told["refused"]["code"] == frames.UNAUTHORIZED
        assert f"by KeyspacesLock incident: {MESSAGE}" in told["refused"]["message"]
        refusal = web.refusal("connect", name="again", user=tenant.iam_role("reader"))
        assert refusal["code"] == frames.BAD_CREDENTIALS
        assert "is locked out of" in refusal["message"]
        end = record_of(
            database.kube, database.namespace, database.name, "the end", lambda r: r.get("reason") == "Locked"
        )
        assert end["event"] in ("session.end", "session.denied")
    web.connect_once_granted("unlocked", tenant.iam_role("reader"), seconds=RECONNECT_SECONDS)
    assert web.do("execute", name="unlocked", cql=ITEMS)["rows"] == [["anvil"]]


def test_whom_a_lock_is_not_on_goes_on(tenant: Tenant, web: Driver, job: Driver) -> None:
    with locked(tenant, targets(tenant)["user"]) as begin:
        refused_until_told(web, begin)
        assert job.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
        assert job.do("connect", name="again", user=tenant.iam_role("reader"))


def test_one_session_is_closed_by_its_id_and_its_client_may_come_back(
    tenant: Tenant, database: Database, web: Driver
) -> None:
    assert web.do("execute", name="live", cql=ITEMS)["rows"] == [["anvil"]]
    identity = f"system:serviceaccount:{tenant.namespace}:web"
    statement = record_of(
        database.kube,
        database.namespace,
        database.name,
        "the statement",
        lambda r: r["event"] == "statement" and r.get("identity") == identity and "items" in r.get("statement", ""),
    )
    with locked(tenant, {"session": statement["session"]}) as begin:
        told = refused_until_told(web, begin)
        assert f"session {statement['session']} on database" in told["refused"]["message"]
        assert web.do("connect", name="again", user=tenant.iam_role("reader"))


def test_an_agent_that_is_locked_serves_nobody_and_says_why(tenant: Tenant, database: Database, web: Driver) -> None:
    (agent,) = database.agents()
    with locked(tenant, {"agent": agent["metadata"]["name"]}) as begin:
        told = refused_until_told(web, begin)
        assert f"agent {agent['metadata']['name']} of database" in told["refused"]["message"]
        unavailable = database.wait_for_condition("AgentAvailable", "False", seconds=30)
        assert "Locked: KeyspacesLock incident is on this agent" in unavailable["message"]
    database.wait_until_ready()


def test_a_lock_ends_at_its_time_whether_the_operator_runs_or_not(
    tenant: Tenant, database: Database, web: Driver
) -> None:
    ends = int(time.time()) + 25
    expire = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    with locked(tenant, targets(tenant)["user"], expireTime=expire) as begin:
        refused_until_told(web, begin)

        def in_again() -> bool:
            answer = web.attempt("connect", name="again", user=tenant.iam_role("reader"))
            if "failure" in answer:
                raise NotYet(str(answer["failure"]))
            return True

        with operator_stopped(tenant.kube):
            assert "is locked out" in web.refusal("connect", name="b", user=tenant.iam_role("reader"))["message"]
            wait_for("a login after the end of the lock", in_again, seconds=60)
            assert ends <= time.time() < ends + 10

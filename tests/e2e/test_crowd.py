"""A thousand live sessions, shut out by one lock: timed from `kubectl apply` to the end of each connection."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e import audit, manifests
from tests.e2e.pods import Driver
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

pytestmark = pytest.mark.timeout(600)

SESSIONS = 1000
REACH_SECONDS = 5.0
"""Within which 99 of 100 sessions have ended."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    """Two agents, as by default."""
    return tenant.two_agents()


@pytest.fixture
def crowd(tenant: Tenant, database: Database) -> Iterator[Driver]:
    """A pod with all these sessions."""
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("first", tenant.iam_role("reader"))
        answer = driver.do("crowd", user=tenant.iam_role("reader"), count=SESSIONS, deadline=200)
        assert answer["in"] == SESSIONS
        yield driver


def test_a_lock_ends_a_thousand_sessions_in_time(
    tenant: Tenant, database: Database, crowd: Driver, record_property: Callable[[str, object], None]
) -> None:
    crowd.begin("wires_end", seconds=60)
    applied = time.time()
    tenant.kube.apply(manifests.lock("incident", tenant.namespace, target={"user": "reader"}))
    ends = sorted(end - applied for end in crowd.finish(seconds=90)["ends"])
    assert len(ends) == SESSIONS
    p99 = ends[SESSIONS * 99 // 100 - 1]
    record_property(f"seconds from `kubectl apply` until 99 % of {SESSIONS} sessions had ended", round(p99, 2))
    record_property(f"seconds until all {SESSIONS} had", round(ends[-1], 2))
    assert ends[0] > 0
    assert p99 < REACH_SECONDS

    def recorded() -> bool:
        records = audit.records(database.kube, database.namespace, database.name)
        locked = {each["session"] for each in records if each.get("reason") == "Locked"}
        if len(locked) < SESSIONS:
            raise NotYet(f"{len(locked)} sessions have a record of their end")
        return True

    wait_for("a record of each session's end", recorded, seconds=60)

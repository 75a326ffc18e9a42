"""What agents tell of Keyspaces and of themselves becomes conditions of their database."""

import pytest

from keyward_api.names import Condition, Reason
from local.install import ACCOUNT
from tests.e2e import manifests
from tests.e2e.tenants import Database, Tenant

NOWHERE = "nowhere.keyward-local.svc"


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    return tenant.database()


@pytest.fixture(scope="module")
def lost(tenant: Tenant) -> Database:
    """A database at whose endpoint nobody is."""
    tenant.kube.apply(
        manifests.database(
            "lost",
            tenant.namespace,
            endpoint={**manifests.custom_endpoint(tenant.surroundings.authority), "address": NOWHERE},
            role_arn=manifests.agent_role_arn(f"{tenant.namespace}-lost"),
        )
    )
    database = Database(tenant=tenant, name="lost", agent_role=f"keyward-agent-{tenant.namespace}-lost")
    database.trust()
    return database


def test_agents_reach_keyspaces_and_are_who_they_should_be(database: Database) -> None:
    assert database.condition(Condition.ENDPOINT_REACHABLE)["status"] == "True"
    identity = database.condition(Condition.IDENTITY_VERIFIED)
    assert identity["status"] == "True"
    assert f"arn:aws:iam::{ACCOUNT}:role/{database.agent_role}" in identity["message"]


def test_an_endpoint_that_nobody_answers_at_is_told_with_pod_and_reason(lost: Database) -> None:
    found = lost.wait_for_condition(Condition.ENDPOINT_REACHABLE, "False", reason=Reason.UNREACHABLE)
    assert f"cannot connect to {NOWHERE}:9142" in found["message"]
    assert any(agent["metadata"]["name"] in found["message"] for agent in lost.agents())
    assert lost.wait_for_condition(Condition.IDENTITY_VERIFIED, "True", reason=Reason.VERIFIED)
    ready = lost.wait_for_condition(Condition.READY, "False", reason=Reason.UNREACHABLE)
    assert NOWHERE in ready["message"]

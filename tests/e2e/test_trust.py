"""What is said where IAM does not let the agents assume a role, and that it mends itself once IAM does."""

import json
from collections.abc import Iterator

import pytest

from keyward_api.names import Condition, Reason
from local.iam_setup import keyspaces_statement
from local.install import ACCOUNT, REGION
from tests.e2e import frames, manifests
from tests.e2e.audit import record_of
from tests.e2e.pods import Driver
from tests.e2e.tenants import KEYSPACES_RIGHTS, Database, Tenant

RETRY_SECONDS = 60.0
"""Agents try a refused role again every 20 s and report at most every 10 s."""


@pytest.fixture(scope="module")
def role(tenant: Tenant) -> str:
    return tenant.iam_role("reader")


@pytest.fixture(scope="module")
def database(tenant: Tenant, role: str) -> Database:
    database = tenant.database(iam_roles=[role])
    set_trust(database, role, STRANGERS)
    tenant.grant("reader", "web", manifests.rule(db_users=[role], keyspaces=["e2e_shop"], tables=["items"]))
    return database


@pytest.fixture(scope="module")
def driver(tenant: Tenant, database: Database) -> Iterator[Driver]:
    with tenant.client("web").driver() as driver:
        yield driver


STRANGERS = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole"}
        ],
    }
)
"""A trust policy that names another account, and not the agent."""


def set_trust(database: Database, role: str, trust_policy: str) -> None:
    """Change whom an IAM role trusts."""
    rights = keyspaces_statement("Select", account=ACCOUNT, region=REGION, tables=KEYSPACES_RIGHTS)
    administrator = database.tenant.surroundings.administrator()
    administrator.database_role(role, trust_policy=trust_policy, statements=[rights])


def test_a_role_that_does_not_trust_the_agent_is_told_of_and_its_repair_is_seen(
    tenant: Tenant, database: Database, driver: Driver, role: str
) -> None:
    told = database.wait_for_condition(
        Condition.ROLES_ASSUMABLE, "False", reason=Reason.ACCESS_DENIED, seconds=RETRY_SECONDS
    )
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    assert role in told["message"]
    assert "status.identity.trustPolicy" in told["message"]
    assert database.condition(Condition.READY)["status"] == "False"

    refusal = driver.refusal("connect", name="refused", user=role)
    assert refusal["code"] == frames.BAD_CREDENTIALS
    assert f"AWS does not let the agent assume {arn}" in refusal["message"]
    assert "trust policy must allow sts:AssumeRole" in refusal["message"]
    assert database.identity()["externalID"] in refusal["message"]
    denied = record_of(
        database.kube,
        database.namespace,
        database.name,
        "the refused login",
        lambda record: record["event"] == "session.denied" and record["reason"] == "AccessDenied",
    )
    assert denied["identity"] == f"system:serviceaccount:{tenant.namespace}:web"

    set_trust(database, role, database.identity()["trustPolicy"])
    driver.connect_once_granted("mended", role, seconds=30)
    row = driver.do("execute", name="mended", cql="SELECT name FROM e2e_shop.items WHERE id = 1")["rows"]
    assert row == [["anvil"]]
    database.wait_for_condition(Condition.ROLES_ASSUMABLE, "True", reason=Reason.ASSUMABLE, seconds=RETRY_SECONDS)
    database.wait_for_condition(Condition.READY, "True", seconds=10)


@pytest.mark.parametrize("left_out", ["sts:SetSourceIdentity", "sts:TagSession"])
def test_a_trust_policy_that_allows_no_attribution_refuses_the_login(
    tenant: Tenant, database: Database, driver: Driver, role: str, left_out: str
) -> None:
    """Sessions that AWS could not tell apart are not opened."""
    complete = json.loads(database.identity()["trustPolicy"])
    for statement in complete["Statement"]:
        actions = statement["Action"]
        if isinstance(actions, list):
            statement["Action"] = [action for action in actions if action != left_out]
    # Another IAM role: credentials of the one that was mended may still be in the agent's cache.
    other = tenant.iam_role(f"without-{left_out.removeprefix('sts:').lower()}")
    database.trust(role, other)
    set_trust(database, other, json.dumps(complete))
    tenant.grant(
        left_out.removeprefix("sts:").lower(),
        "web",
        manifests.rule(db_users=[other], keyspaces=["e2e_shop"], tables=["items"]),
    )
    refusal = driver.refused_once_granted("unattributed", other)
    assert left_out in refusal["message"]

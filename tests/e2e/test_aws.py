"""What AWS gets to see of a caller: every session in the caller's own name, tagged, and no wider than its grant."""

import json
from typing import Any

import pytest

from local.install import ACCOUNT
from tests.e2e import manifests
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    deny = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["secrets"])
    tenant.grant("reader", "web", rule, deny=[deny])
    return database


@pytest.fixture(scope="module")
def assumed(tenant: Tenant, database: Database, surroundings: Surroundings) -> dict[str, Any]:
    """The AssumeRole for a session of the ServiceAccount `web`."""
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("s", tenant.iam_role("reader"))
        assert driver.do("execute", name="s", cql="SELECT name FROM e2e_shop.items WHERE id = 1")["rows"] == [["anvil"]]
    name = f"{tenant.namespace}@web"
    calls = [
        call
        for call in surroundings.aws_calls()
        if call["action"] == "sts:AssumeRole"
        and call["parameters"].get("RoleSessionName") == name
        and not call["error"]
    ]
    assert calls, f"no AssumeRole for {name}"
    return calls[-1]


def test_the_session_bears_the_service_accounts_name(tenant: Tenant, assumed: dict[str, Any]) -> None:
    assert assumed["parameters"]["SourceIdentity"] == f"{tenant.namespace}@web"
    assert assumed["parameters"]["RoleSessionName"] == f"{tenant.namespace}@web"
    assert assumed["parameters"]["RoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/{tenant.iam_role('reader')}"


def test_the_session_is_tagged_with_namespace_database_and_caller(tenant: Tenant, assumed: dict[str, Any]) -> None:
    tags = {tag["Key"]: tag["Value"] for tag in assumed["parameters"]["Tags"]}
    assert tags["keyward:namespace"] == tenant.namespace
    assert tags["keyward:database"] == "orders"
    assert tags["keyward:user"] == f"system:serviceaccount:{tenant.namespace}:web"


def test_the_external_id_is_that_of_the_database(tenant: Tenant, database: Database, assumed: dict[str, Any]) -> None:
    cluster = database.kube.get("namespace", "kube-system")["metadata"]["uid"]
    assert assumed["parameters"]["ExternalId"] == f"{cluster}/{tenant.namespace}/orders"
    assert assumed["parameters"]["ExternalId"] == database.identity()["externalID"]


def test_the_session_policy_is_the_grant_and_the_schema(assumed: dict[str, Any]) -> None:
    policy = json.loads(assumed["parameters"]["Policy"])
    prefix = f"arn:aws:cassandra:us-east-1:{ACCOUNT}:/keyspace/"
    allowed = {
        (action, resource)
        for part in policy["Statement"]
        if part["Effect"] == "Allow"
        for action in _many(part["Action"])
        for resource in _many(part["Resource"])
    }
    assert allowed == {
        ("cassandra:Select", f"{prefix}system*"),
        ("cassandra:Select", f"{prefix}e2e_shop/table/items"),
        ("cassandra:SelectMultiRegionResource", f"{prefix}e2e_shop/table/items"),
    }
    denied = [part for part in policy["Statement"] if part["Effect"] == "Deny"]
    assert [part["Resource"] for part in denied] == [f"{prefix}e2e_shop/table/secrets"]


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_the_session_ends_within_the_hour_of_role_chaining(assumed: dict[str, Any]) -> None:
    assert 900 <= assumed["parameters"]["DurationSeconds"] <= 3600


def test_the_caller_is_the_agents_own_web_identity(
    tenant: Tenant, database: Database, assumed: dict[str, Any], surroundings: Surroundings
) -> None:
    assert f":assumed-role/{database.agent_role}/" in assumed["principal"]
    own = [call for call in surroundings.aws_calls() if call["action"] == "sts:AssumeRoleWithWebIdentity"]
    role = f"arn:aws:iam::{ACCOUNT}:role/{database.agent_role}"
    subjects = {call["principal"] for call in own if call["parameters"].get("RoleArn") == role and not call["error"]}
    account = database.identity()["serviceAccount"]
    assert subjects == {f"system:serviceaccount:{account.replace('/', ':')}"}

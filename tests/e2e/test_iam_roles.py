"""From nothing to a SELECT by roles that the operator made: for the agents, and for what grants name.

The operator's own role has exactly the policy that `keyward-operator print-iam` prints in its pod.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from keyward_api import names
from keyward_api.iam import agent_trust_policy
from keyward_api.names import SYSTEM_NAMESPACE, Condition
from local.aws.client import BotoClient, Credentials
from local.cluster import jwks
from local.install import ACCOUNT, BOUNDARY, CLUSTER_NAME, OPERATOR_ROLE, install, values, values_with_iam
from tests.e2e import frames, manifests, operator
from tests.e2e.kube import Kubectl, Object, condition
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

IAM_SECONDS = 60.0
"""Until a change is in IAM: roles wait for one another, and what waits is looked at again after 30 s."""

LOGIN_SECONDS = 90.0
"""Until a login works: agents try a role that they could not assume again after 20 s."""

TOKEN_FILE = "AWS_WEB_IDENTITY_TOKEN_FILE"
BOUNDED = ("cassandra:*", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")
READ = {"keyspaces": ["e2e_shop"], "tables": ["items"], "permissions": ["Select"]}
SELECT = "SELECT name FROM e2e_shop.items WHERE id = 1"


@pytest.fixture(scope="module")
def iam(surroundings: Surroundings) -> BotoClient:
    return surroundings.aws_client("iam", Credentials.of_root(surroundings.state))


@pytest.fixture(scope="module")
def operator_in_iam(surroundings: Surroundings, platform: Kubectl) -> Iterator[None]:
    """The operator with an IAM role of its own (IRSA), as docs/iam-roles.md sets it up."""
    helm, kubeconfig, bundle = surroundings.programs / "helm", surroundings.kubeconfig, surroundings.authority
    install(helm=helm, kubeconfig=kubeconfig, chart_values=values_with_iam(ca_bundle=bundle))
    with_identity(platform)
    administrator = surroundings.administrator()
    rights = {"Effect": "Allow", "Action": list(BOUNDED), "Resource": "*"}
    administrator.boundary(BOUNDARY, statements=[rights])
    trust = agent_trust_policy(
        issuer=jwks.ISSUER,
        agent_role_arn=f"arn:aws:iam::{ACCOUNT}:role/{OPERATOR_ROLE}",
        namespace=SYSTEM_NAMESPACE,
        service_account=operator.NAME,
    )
    administrator.operator_role(OPERATOR_ROLE, trust_policy=trust, policy=printed(platform))
    yield
    administrator.delete_role(OPERATOR_ROLE)
    install(helm=helm, kubeconfig=kubeconfig, chart_values=values(ca_bundle=bundle))


def with_identity(kube: Kubectl) -> None:
    """The webhook passes over a pod whose ServiceAccount was annotated a moment ago: such pods are made anew."""
    here = [pod for pod in operator.pods(kube) if "deletionTimestamp" not in pod["metadata"]]
    if not all(map(has_identity, here)):
        kube.run("rollout", "restart", f"deployment/{operator.NAME}", f"--namespace={SYSTEM_NAMESPACE}")
        operator.wait_until_ready(kube)
    wait_for("the operator's web identity", lambda: all(map(has_identity, operator.pods(kube))), seconds=60)


def has_identity(pod: Object) -> bool:
    (container,) = pod["spec"]["containers"]
    return TOKEN_FILE in {variable["name"] for variable in container["env"]}


def printed(kube: Kubectl) -> dict[str, Any]:
    """What the operator itself says that it needs."""
    command = ("exec", f"deployment/{operator.NAME}", f"--namespace={SYSTEM_NAMESPACE}", "--", "keyward-operator")
    policy: dict[str, Any] = json.loads(kube.run(*command, "print-iam", "--account-id", ACCOUNT))
    return policy


@pytest.fixture(scope="module")
def role_name(tenant: Tenant) -> str:
    return tenant.iam_role("reader")


@pytest.fixture(scope="module")
def database(operator_in_iam: None, tenant: Tenant, iam: BotoClient, role_name: str) -> Iterator[Database]:
    """A database, a role and a user; nobody but the operator makes anything in IAM."""
    endpoint = manifests.custom_endpoint(tenant.surroundings.authority)
    tenant.kube.apply(
        manifests.managed_database("orders", tenant.namespace, endpoint=endpoint),
        manifests.iam_role(
            "reader",
            tenant.namespace,
            role_name=role_name,
            management="Manage",
            permissions=[READ],
            deletionPolicy="Delete",
        ),
    )
    tenant.grant("reader", "web", manifests.rule(db_users=["*"], keyspaces=["e2e_shop"], tables=["items"]))
    yield Database(tenant=tenant, name="orders", agent_role=agent_role(tenant))
    in_namespace = f"--namespace={tenant.namespace}"
    tenant.kube.run("delete", "keyspacesdatabases,keyspacesiamroles", "--all", in_namespace, seconds=120)


def agent_role(tenant: Tenant) -> str:
    return names.agent_role_name(cluster=CLUSTER_NAME, namespace=tenant.namespace, database="orders")


def may_assume(iam: BotoClient, name: str) -> list[str]:
    """ARNs of the roles that an agents' role may assume."""
    try:
        found = iam.get_role_policy(RoleName=name, PolicyName=names.INLINE_POLICY)["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return []
    (statement,) = found["Statement"]
    resources: str | list[str] = statement["Resource"]
    return [resources] if isinstance(resources, str) else resources


def exists(iam: BotoClient, name: str) -> bool:
    try:
        iam.get_role(RoleName=name)
    except iam.exceptions.NoSuchEntityException:
        return False
    return True


def test_a_database_serves_by_roles_that_the_operator_made(
    tenant: Tenant, database: Database, iam: BotoClient, role_name: str
) -> None:
    database.wait_for_condition(Condition.AGENT_ROLE_READY, "True", seconds=IAM_SECONDS)
    path = f"/keyward/{CLUSTER_NAME}/{tenant.namespace}/"
    arns = {name: iam.get_role(RoleName=name)["Role"]["Arn"] for name in (role_name, database.agent_role)}
    assert arns == {name: f"arn:aws:iam::{ACCOUNT}:role{path}{name}" for name in arns}
    assert database.identity()["roleARN"] == arns[database.agent_role]
    with tenant.client("web").driver() as driver:
        driver.connect_once_granted("s", role_name, seconds=LOGIN_SECONDS)
        assert driver.do("execute", name="s", cql=SELECT)["rows"] == [["anvil"]]
        # By the session policy, by the agent, and by the role's own policy.
        denied = driver.refusal("execute", name="s", cql="INSERT INTO e2e_shop.items (id, name) VALUES (9, 'x')")
        assert denied["code"] == frames.UNAUTHORIZED
    database.wait_until_ready()
    assert may_assume(iam, database.agent_role) == [arns[role_name]]
    told = tenant.kube.get("keyspacesiamrole", "reader", tenant.namespace)
    assert (condition(told, Condition.READY) or {})["status"] == "True"
    assert told["status"]["databases"] == ["orders"]


def test_a_grant_that_is_revoked_takes_the_right_from_the_agents_role(
    tenant: Tenant, database: Database, iam: BotoClient, role_name: str
) -> None:
    database.wait_for_condition(Condition.AGENT_ROLE_READY, "True", seconds=IAM_SECONDS)
    wait_for("agents may assume the role", lambda: may_assume(iam, database.agent_role), seconds=IAM_SECONDS)
    tenant.kube.delete("keyspacesuser", "reader", tenant.namespace)
    wait_for("agents may assume no role", lambda: not may_assume(iam, database.agent_role), seconds=IAM_SECONDS)

    def nobody_is_trusted() -> bool:
        document = iam.get_role(RoleName=role_name)["Role"]["AssumeRolePolicyDocument"]
        if database.agent_role in json.dumps(document):
            raise NotYet(json.dumps(document))
        return True

    wait_for("the role to trust nobody", nobody_is_trusted, seconds=IAM_SECONDS)
    tenant.grant("reader", "web", manifests.rule(db_users=["*"], keyspaces=["e2e_shop"], tables=["items"]))
    wait_for("agents may assume the role", lambda: may_assume(iam, database.agent_role), seconds=IAM_SECONDS)


def test_roles_go_with_what_they_were_made_for(
    tenant: Tenant, database: Database, iam: BotoClient, role_name: str
) -> None:
    database.wait_for_condition(Condition.AGENT_ROLE_READY, "True", seconds=IAM_SECONDS)
    tenant.kube.delete("keyspacesdatabase", "orders", tenant.namespace)
    assert not exists(iam, database.agent_role)
    tenant.kube.delete("keyspacesiamrole", "reader", tenant.namespace)
    assert not exists(iam, role_name)

"""What a tenant with every right in its own namespace cannot reach: the agent, its credentials, the platform's word."""

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from keyward_api.names import AGENTS_NAMESPACE, LEASE_NAME, SYSTEM_NAMESPACE, Condition, Reason
from local.install import ACCOUNT
from tests.e2e import manifests, tokens
from tests.e2e.administrators import administrator_of, forbidden
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl, Object
from tests.e2e.surroundings import Surroundings
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    return tenant.database(iam_roles=[tenant.iam_role("reader")])


@pytest.fixture(scope="module")
def admin(tenant: Tenant, database: Database) -> Kubectl:
    """A ServiceAccount with Kubernetes' role `admin` in the tenant's namespace."""
    return administrator_of(tenant.kube, tenant.namespace)


@pytest.fixture(scope="module")
def agent(database: Database) -> Object:
    return database.agents()[0]


def test_the_admin_manages_databases_roles_users_and_locks_of_its_own_namespace(tenant: Tenant, admin: Kubectl) -> None:
    own = f"--namespace={tenant.namespace}"
    for kind in ("keyspacesdatabases", "keyspacesroles", "keyspacesusers", "keyspaceslocks"):
        for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
            assert admin.may(verb, f"{kind}.keyward.dev", own), f"{verb} {kind}"


def test_the_admin_reaches_no_agent_pod(admin: Kubectl, agent: Object) -> None:
    name, there = agent["metadata"]["name"], f"--namespace={AGENTS_NAMESPACE}"
    forbidden(admin, "get", "pods", there)
    forbidden(admin, "get", "pod", name, there)
    forbidden(admin, "logs", name, there)
    forbidden(admin, "exec", name, there, "--", "id")
    forbidden(admin, "port-forward", f"pod/{name}", "0:8080", there)
    forbidden(admin, "delete", "pod", name, there)
    forbidden(admin, "debug", name, there, f"--image={manifests.CQLSH_IMAGE}", "--", "id")


def test_the_admin_gets_no_token_of_the_agent(tenant: Tenant, admin: Kubectl, agent: Object) -> None:
    account, there = agent["spec"]["serviceAccountName"], f"--namespace={AGENTS_NAMESPACE}"
    forbidden(admin, "create", "token", account, there)
    forbidden(admin, "create", "token", account, there, "--audience=sts.amazonaws.com")
    pod = manifests.client_pod("thief", AGENTS_NAMESPACE, account=account, database="orders")
    answer = admin.try_apply(pod)
    assert answer.status != 0
    assert "forbidden" in answer.stderr.lower()
    assert not admin.may("impersonate", "serviceaccounts", there)


def test_the_admin_reads_no_secret_and_no_policy_of_the_agents(admin: Kubectl, database: Database) -> None:
    there = f"--namespace={AGENTS_NAMESPACE}"
    for kind in ("secrets", "keyspacespolicies", "serviceaccounts", "deployments", "roles", "rolebindings"):
        (child, *_) = database.children(kind)
        forbidden(admin, "get", kind, there)
        forbidden(admin, "get", kind, child["metadata"]["name"], there)
        forbidden(admin, "delete", kind, child["metadata"]["name"], there)


def test_the_admin_changes_no_policy_and_no_status(tenant: Tenant, admin: Kubectl, database: Database) -> None:
    (policy,) = database.children("keyspacespolicies")
    name = policy["metadata"]["name"]
    there, own = f"--namespace={AGENTS_NAMESPACE}", f"--namespace={tenant.namespace}"
    widen = '{"spec": {"revision": "mine"}}'
    forbidden(admin, "patch", "keyspacespolicy", name, there, "--type=merge", f"--patch={widen}")
    status = '{"status": {"address": "rogue.example.com:9142"}}'
    forbidden(
        admin, "patch", "keyspacesdatabase", "orders", own, "--subresource=status", "--type=merge", f"--patch={status}"
    )
    for verb in ("create", "update", "patch", "delete"):
        assert not admin.may(verb, "keyspacespolicies.keyward.dev", own), "nor a policy in its own namespace"


def test_the_admin_changes_neither_the_platforms_settings_nor_its_own_namespaces_labels(
    tenant: Tenant, admin: Kubectl
) -> None:
    there = f"--namespace={SYSTEM_NAMESPACE}"
    forbidden(admin, "get", "configmap", "keyward-operator", there)
    forbidden(admin, "patch", "configmap", "keyward-operator", there, "--type=merge", '--patch={"data": {}}')
    forbidden(admin, "label", "namespace", tenant.namespace, "keyward.dev/local=true", "--overwrite")
    forbidden(admin, "get", "secrets", EVERY_NAMESPACE)


def test_a_service_account_of_the_tenant_with_the_agents_annotation_gets_no_credentials(
    tenant: Tenant, admin: Kubectl, database: Database, surroundings: Surroundings
) -> None:
    """EKS' webhook gives the role's name to any pod that asks; the role's trust policy names the agent alone."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{database.agent_role}"
    account = manifests.service_account("thief", tenant.namespace)
    account["metadata"]["annotations"] = {"eks.amazonaws.com/role-arn": arn}
    admin.apply(account)
    token = tokens.minted(admin, "thief", tenant.namespace, audience="sts.amazonaws.com")
    sts = surroundings.aws_client("sts", None)
    with pytest.raises(ClientError) as refused:
        sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="thief", WebIdentityToken=token)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


@pytest.fixture
def wanted(tenant: Tenant, admin: Kubectl) -> Iterator[Database]:
    """A database `wanted`, to be asked for by the admin."""
    yield Database(tenant=tenant, name="wanted", agent_role="")
    tenant.kube.delete("keyspacesdatabase", "wanted", tenant.namespace)


NO_AGENT = ("deployments", "serviceaccounts", "keyspacespolicies")


def test_a_role_arn_that_the_platform_does_not_permit_makes_no_agent(
    tenant: Tenant, admin: Kubectl, wanted: Database, surroundings: Surroundings
) -> None:
    endpoint = manifests.custom_endpoint(surroundings.authority)
    for arn in (f"arn:aws:iam::{ACCOUNT}:role/Administrator", f"arn:aws:iam::{ACCOUNT}:role/x/keyward-agent-orders"):
        admin.apply(manifests.database("wanted", tenant.namespace, endpoint=endpoint, role_arn=arn))

        def told(arn: str = arn) -> Object:
            found = wanted.condition(Condition.PERMITTED)
            if found.get("status") != "False" or arn not in found["message"]:
                raise NotYet(str(found))
            return found

        condition = wait_for(f"the platform to refuse {arn}", told, seconds=30)
        assert condition["reason"] == Reason.NOT_PERMITTED
        assert "`tenants[].agentRoleARNs`" in condition["message"]
        assert wanted.condition(Condition.READY)["reason"] == Reason.NOT_PERMITTED
        assert wanted.children(*NO_AGENT) == []


def test_a_database_that_loses_its_permission_loses_its_agents(
    tenant: Tenant, admin: Kubectl, wanted: Database, surroundings: Surroundings
) -> None:
    endpoint = manifests.custom_endpoint(surroundings.authority)
    permitted = manifests.agent_role_arn(f"{tenant.namespace}-wanted")
    admin.apply(manifests.database("wanted", tenant.namespace, endpoint=endpoint, role_arn=permitted))
    wanted.wait_for_condition(Condition.PERMITTED, "True", seconds=30)
    wait_for("its Deployment", lambda: wanted.children("deployments"), seconds=30)
    beyond = f"arn:aws:iam::{ACCOUNT}:role/Administrator"
    admin.apply(manifests.database("wanted", tenant.namespace, endpoint=endpoint, role_arn=beyond))
    wanted.wait_for_condition(Condition.PERMITTED, "False", reason=Reason.NOT_PERMITTED, seconds=30)
    wait_for("its Deployment to be gone", lambda: not wanted.children("deployments"), seconds=30)


@pytest.fixture
def plain_namespace(platform: Kubectl, tenant: Tenant) -> Iterator[str]:
    """A namespace for which the platform has said nothing in particular."""
    name = f"{tenant.namespace}-plain"
    platform.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    platform.run("delete", "keyspacesdatabases", "--all", f"--namespace={name}", seconds=120)
    platform.delete("namespace", name)


def test_a_custom_endpoint_needs_the_platforms_consent(
    platform: Kubectl, tenant: Tenant, plain_namespace: str, surroundings: Surroundings
) -> None:
    admin = administrator_of(platform, plain_namespace)
    endpoint = manifests.custom_endpoint(surroundings.authority)
    role_arn = manifests.agent_role_arn("plain")
    admin.apply(manifests.database("wanted", plain_namespace, endpoint=endpoint, role_arn=role_arn))
    wanted = Database(
        tenant=Tenant(surroundings=surroundings, kube=platform, namespace=plain_namespace), name="wanted", agent_role=""
    )
    told = wanted.wait_for_condition(Condition.READY, "False", reason=Reason.NOT_PERMITTED, seconds=30)
    permitted = wanted.condition(Condition.PERMITTED)
    assert "'Custom' is not among the platform's `tenants[].endpointTypes`" in permitted["message"]
    assert told["observedGeneration"] == 1
    assert wanted.children(*NO_AGENT) == []
    assert admin.find("service", "keyward-wanted", plain_namespace) is None


def test_users_of_one_namespace_open_no_database_of_another(
    platform: Kubectl, tenant: Tenant, database: Database, plain_namespace: str
) -> None:
    """A tenant names its own ServiceAccount and the other's database: the grant stays in its own namespace."""
    admin = administrator_of(platform, plain_namespace)
    role = tenant.iam_role("reader")
    subject = manifests.service_account_subject("thief", tenant.namespace)
    admin.apply(
        manifests.role("thief", plain_namespace, allow=[manifests.rule(db_users=[role], databases=["*"])]),
        manifests.user("thief", plain_namespace, subjects=[subject], roles=["thief"]),
    )
    tenant.account("thief")
    tenant.account("honest")
    # A grant made afterwards in the right namespace is in force: the one before has had its chance.
    tenant.grant("honest", "honest", manifests.rule(db_users=[role], keyspaces=["e2e_shop"]))
    with tenant.client("honest").driver() as driver:
        driver.connect_once_granted("honest", role)
        stolen = tokens.minted(platform, "thief", tenant.namespace, audience=database.audience)
        refusal = driver.refusal("connect", name="thief", user=role, password=stolen)
    assert "has no grant on database" in refusal["message"]


def test_agents_have_no_rights_but_their_own_policy_token_reviews_and_the_operator_s_lease(
    platform: Kubectl, agent: Object
) -> None:
    there = f"--namespace={AGENTS_NAMESPACE}"
    itself = platform.acting_as(f"system:serviceaccount:{AGENTS_NAMESPACE}:{agent['spec']['serviceAccountName']}")
    assert itself.may("create", "tokenreviews.authentication.k8s.io")
    home, lease = f"--namespace={SYSTEM_NAMESPACE}", f"leases.coordination.k8s.io/{LEASE_NAME}"
    assert itself.may("get", lease, home)
    for verb, resource, options in (
        ("update", lease, (home,)),
        ("get", "leases.coordination.k8s.io", (home,)),
        ("get", "secrets", (there,)),
        ("list", "keyspacespolicies.keyward.dev", (there,)),
        ("get", "keyspacespolicies.keyward.dev", (there,)),
        ("get", "keyspacesdatabases.keyward.dev", (EVERY_NAMESPACE,)),
        ("create", "serviceaccounts", ("--subresource=token", there)),
        ("get", "pods", (there,)),
        ("create", "pods", (there,)),
    ):
        assert not itself.may(verb, resource, *options), f"{verb} {resource}"

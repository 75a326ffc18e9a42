"""The operator keeps the world as it should be, writes nothing that is so already, and takes nothing of others."""

from collections.abc import Iterator

import pytest

from keyward_api.names import AGENTS_NAMESPACE, Condition, Reason
from tests.e2e import manifests, operator
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl, KubectlError, Object
from tests.e2e.tenants import Database, Tenant
from tests.e2e.waiting import NotYet, wait_for

CHILDREN = (
    "serviceaccounts",
    "secrets",
    "deployments",
    "services",
    "roles",
    "rolebindings",
    "keyspacespolicies",
)
"""What a database has in the agents' namespace."""


@pytest.fixture(scope="module")
def database(tenant: Tenant) -> Database:
    database = tenant.database(iam_roles=[tenant.iam_role("reader")])
    rule = manifests.rule(db_users=[tenant.iam_role("reader")], keyspaces=["e2e_shop"], tables=["items"])
    tenant.grant("reader", "web", rule)
    database.wait_for_condition(Condition.ROLES_ASSUMABLE, "True", reason=Reason.ASSUMABLE, seconds=60)
    return database


def versions(database: Database) -> dict[str, str]:
    """The resourceVersion of every object around a database."""
    kinds = "keyspacesdatabases,keyspacesroles,keyspacesusers,services,configmaps,events"
    objects = database.kube.items(kinds, database.namespace) + database.children(*CHILDREN)
    return {f"{o['kind']}/{o['metadata']['name']}": o["metadata"]["resourceVersion"] for o in objects}


def test_a_database_has_its_children_where_tenants_have_no_rights(database: Database) -> None:
    kinds = {child["kind"] for child in database.children(*CHILDREN)}
    assert kinds == {
        "ServiceAccount",
        "Secret",
        "Deployment",
        "Service",
        "Role",
        "RoleBinding",
        "KeyspacesPolicy",
    }
    service = database.kube.get("service", "keyward-orders", database.namespace)
    assert service["spec"]["type"] == "ExternalName"
    authority = database.kube.get("configmap", "keyward-orders-ca", database.namespace)
    assert authority["data"]["ca.crt"] == database.resource()["status"]["caBundle"]


def test_the_status_says_how_to_reach_the_database(database: Database) -> None:
    status = database.resource()["status"]
    assert status["address"] == f"keyward-orders.{database.namespace}.svc:9142"
    assert status["grants"] == 1
    assert status["users"] == 1
    assert status["readyReplicas"] == 1


def test_a_grant_that_sts_would_not_take_is_told_of_and_holds_up_nobody_else(
    database: Database, tenant: Tenant
) -> None:
    tables = [f"table_with_a_long_name_{number}" for number in range(60)]
    rule = manifests.rule(db_users=[tenant.iam_role("huge")], keyspaces=["e2e_shop"], tables=tables)
    tenant.grant("huge", "hoarder", rule)
    told = database.wait_for_condition(Condition.POLICY_COMPILED, "False", reason=Reason.GRANT_TOO_LARGE)
    assert "STS takes 2048" in told["message"]
    assert database.condition(Condition.ROLES_ASSUMABLE)["reason"] == Reason.ASSUMABLE
    database.kube.delete("keyspacesuser", "huge", tenant.namespace)
    database.wait_for_condition(Condition.POLICY_COMPILED, "True")
    database.wait_until_ready()


def test_an_operator_that_was_killed_and_is_back_writes_nothing_where_nothing_changed(database: Database) -> None:
    database.wait_until_ready()
    before = versions(database)
    new = operator.kill(database.kube)

    def reconciled() -> bool:
        try:
            done = operator.metric(database.kube, new, "keyward_operator_reconciles_total")
        except KubectlError as error:
            raise NotYet(f"the pod's address is not known yet: {error}") from None
        if not done:
            raise NotYet("it has reconciled nothing yet")
        return True

    wait_for("the new operator to have looked at every database", reconciled, seconds=60)
    assert versions(database) == before


@pytest.mark.parametrize("kind", ["service", "rolebinding", "deployment", "keyspacespolicy", "serviceaccount"])
def test_a_child_that_somebody_deleted_is_made_again(database: Database, kind: str) -> None:
    gone = {child["metadata"]["name"]: child["metadata"]["uid"] for child in database.children(kind)}
    assert gone
    for name in gone:
        database.kube.delete(kind, name, AGENTS_NAMESPACE)

    def back() -> bool:
        found = {child["metadata"]["name"]: child["metadata"]["uid"] for child in database.children(kind)}
        return found.keys() == gone.keys() and not set(found.values()) & set(gone.values())

    wait_for(f"each {kind} of {', '.join(gone)} to be made again", back, seconds=20)
    database.wait_until_ready()


def test_a_child_that_somebody_changed_is_as_it_was_again(database: Database) -> None:
    (deployment,) = database.children("deployments")
    name = deployment["metadata"]["name"]
    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    change = {"spec": {"template": {"spec": {"serviceAccountName": "default", "serviceAccount": "default"}}}}
    database.kube.patch("deployment", name, AGENTS_NAMESPACE, change)

    def restored() -> bool:
        found = database.kube.get("deployment", name, AGENTS_NAMESPACE)
        seen = found["spec"]["template"]["spec"]["serviceAccountName"]
        if seen != account:
            raise NotYet(f"its pods would run as {seen}")
        return True

    wait_for("the Deployment to have its ServiceAccount again", restored, seconds=20)
    database.wait_until_ready()


@pytest.fixture
def unserved(tenant: Tenant) -> Iterator[Database]:
    """A database without agents, whose name `ledger` a test may have taken before."""
    yield Database(tenant=tenant, name="ledger", agent_role=f"keyward-agent-{tenant.namespace}-ledger")
    tenant.kube.delete("keyspacesdatabase", "ledger", tenant.namespace)


@pytest.mark.parametrize(
    "foreign",
    [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "keyward-ledger"},
            "spec": {"type": "ExternalName", "externalName": "somewhere.example.com"},
        },
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "keyward-ledger-ca"}, "data": {"mine": "1"}},
    ],
    ids=["Service", "ConfigMap"],
)
def test_a_foreign_object_of_a_childs_name_is_left_alone_and_told_of(
    tenant: Tenant, unserved: Database, foreign: Object
) -> None:
    kube, kind, name = tenant.kube, foreign["kind"], foreign["metadata"]["name"]
    kube.apply({**foreign, "metadata": {"name": name, "namespace": tenant.namespace}})
    before = kube.get(kind, name, tenant.namespace)["metadata"]["resourceVersion"]
    tenant.unready_database("ledger", replicas=0)
    told = unserved.wait_for_condition(Condition.READY, "False", reason=Reason.NAME_TAKEN, seconds=30)
    assert f"{tenant.namespace}/{name}" in told["message"]
    assert "rename or delete it" in told["message"]
    assert kube.get(kind, name, tenant.namespace)["metadata"]["resourceVersion"] == before

    kube.delete(kind, name, tenant.namespace)
    unserved.wait_for_condition(Condition.READY, "False", reason=Reason.SCALED_TO_ZERO, seconds=30)
    ours = kube.get(kind, name, tenant.namespace)
    assert ours["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "keyward-operator"


def test_deleting_a_database_removes_all_that_was_made_for_it(tenant: Tenant, unserved: Database) -> None:
    tenant.unready_database("ledger", replicas=0)
    unserved.wait_for_condition(Condition.READY, "False", reason=Reason.SCALED_TO_ZERO, seconds=30)
    assert unserved.children(*CHILDREN)
    tenant.kube.delete("keyspacesdatabase", "ledger", tenant.namespace)
    assert unserved.children(*CHILDREN) == []
    for kind, name in (("service", "keyward-ledger"), ("configmap", "keyward-ledger-ca")):
        assert tenant.kube.find(kind, name, tenant.namespace) is None


def test_transitions_are_told_as_events(database: Database) -> None:
    events = database.kube.items("events", database.namespace)
    mine = [event for event in events if event["involvedObject"]["kind"] == "KeyspacesDatabase"]
    assert {event["type"] for event in mine} >= {"Normal"}, [event["message"] for event in mine]


def test_the_operator_has_no_rights_that_it_does_not_need(platform: Kubectl) -> None:
    account = platform.acting_as("system:serviceaccount:keyward-system:keyward-operator")
    for verb, resource, options in (
        ("get", "secrets", (EVERY_NAMESPACE,)),
        ("get", "secrets", ("--namespace=kube-system",)),
        ("create", "serviceaccounts", ("--subresource=token", "--namespace=keyward-agents")),
        ("impersonate", "users", ()),
        ("escalate", "roles.rbac.authorization.k8s.io", ("--namespace=keyward-agents",)),
        ("bind", "roles.rbac.authorization.k8s.io", ("--namespace=keyward-agents",)),
        ("create", "pods", ("--subresource=exec", "--namespace=keyward-agents")),
        ("update", "keyspacesusers.keyward.dev", (EVERY_NAMESPACE,)),
        ("*", "*", (EVERY_NAMESPACE,)),
    ):
        assert not account.may(verb, resource, *options), f"{verb} {resource} {options}"

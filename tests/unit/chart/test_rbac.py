"""What the chart lets whom do. A right that is added must be added here, where a reviewer sees it, with its reason."""

import pytest

from keyward_api import crds, names
from keyward_api.resources.policy import KeyspacesPolicy

from .conftest import Render, values
from .objects import Manifest, all_of, one
from .rights import APPLY, READ, WRITE, Right, allowed, said

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

RBAC = "rbac.authorization.k8s.io"
LEASES = ("coordination.k8s.io", "leases")

OPERATOR_WITH_TENANTS = [
    Right(names.GROUP, "keyspacesdatabases", READ | {"patch"}, "what agents are made for; patch: its finalizer"),
    Right(names.GROUP, "keyspacesdatabases/status", {"get", "patch"}, "says what became of a database"),
    Right(names.GROUP, "keyspacesiamroles", READ | {"patch"}, "what roles in IAM are looked at for; patch: finalizer"),
    Right(
        names.GROUP, "keyspacesiamroles/status", {"get", "patch"}, "says what IAM tells of a role, and what it lacks"
    ),
    *(
        right
        for kind in ("keyspacesroles", "keyspacesusers", "keyspaceslocks")
        for right in (
            Right(names.GROUP, kind, READ, "compiled into policies"),
            Right(names.GROUP, f"{kind}/status", {"get", "patch"}, "says where it counts, and what it misses"),
        )
    ),
    Right("", "services", APPLY, "a database's name for its clients, in its own namespace"),
    Right("", "configmaps", APPLY, "a database's CA for its clients, in its own namespace"),
    Right("events.k8s.io", "events", {"create"}, "tells of transitions where the database is"),
]
OPERATOR_IN_CLUSTER = [
    *OPERATOR_WITH_TENANTS,
    Right("", "namespaces", READ, "labels that tenants[].namespaceSelector selects by; the cluster's uid"),
]
OPERATOR_AMONG_AGENTS = [
    Right("", "serviceaccounts", APPLY, "the agents of each database have their own, for IRSA"),
    Right("", "secrets", APPLY, "each database's CA"),
    Right("apps", "deployments", APPLY, "the agents"),
    Right("policy", "poddisruptionbudgets", APPLY, "of the agents of each database"),
    Right("networking.k8s.io", "networkpolicies", APPLY, "of the agents of each database"),
    Right("autoscaling", "horizontalpodautoscalers", APPLY, "of the agents of databases that ask for it"),
    Right(RBAC, "roles", APPLY, "each agent reads its own policy; bounded by the operator's own rights"),
    Right(RBAC, "rolebindings", APPLY, "the same; without the verb bind"),
    Right(names.GROUP, "keyspacespolicies", APPLY, "what was compiled"),
    Right(names.GROUP, "keyspacespolicies/status", {"get", "patch"}, "granted to agents; reports of dead ones go"),
    Right("", "pods", READ | {"delete"}, "a pod that the identity webhook missed is replaced"),
]
OPERATOR_AMONG_AGENTS_IF_NAMESPACED = [
    *OPERATOR_AMONG_AGENTS,
    Right("", "services", APPLY, "the agents' addresses; otherwise a right in the whole cluster"),
    Right("", "configmaps", APPLY, "roots for AWS' APIs; otherwise a right in the whole cluster"),
]
OPERATOR_AMONG_AGENTS_WITH_AN_ISSUER = [
    *OPERATOR_AMONG_AGENTS,
    Right(
        *("cert-manager.io", "certificaterequests", {"get", "create", "delete"}),
        "an issuer is asked for databases' CAs; without approve or sign, and no watch that its absence would hang",
    ),
]
OPERATOR_AT_HOME = [
    Right(*LEASES, {"create"}, "an object that is made has no name yet that a rule could name"),
    Right(*LEASES, {"get", "watch", "update", "patch"}, "who of the operators works", name=names.LEASE_NAME),
]
AGENTS = [Right("authentication.k8s.io", "tokenreviews", {"create"}, "asks whose a client's token is")]
VIEWERS = [
    Right(names.GROUP, "keyspacesdatabases", READ, "how to connect"),
    Right(names.GROUP, "keyspacesroles", READ, "what there is to ask for"),
]
ADMINS = [
    Right(names.GROUP, "keyspacesdatabases", WRITE, "the namespace's own, as far as tenants[] permits"),
    Right(
        names.GROUP, "keyspacesdatabases/scale", {"get", "update", "patch"}, "`kubectl scale`; the spec's bounds hold"
    ),
    Right(names.GROUP, "keyspacesroles", WRITE, "the namespace's own"),
    Right(names.GROUP, "keyspacesusers", WRITE, "who has access is for the namespace's owners to say"),
    Right(names.GROUP, "keyspaceslocks", WRITE, "and who has none"),
    Right(names.GROUP, "keyspacesiamroles", WRITE, "the namespace's own, as far as tenants[].iam permits"),
]


WATCHED = ("payments", "billing")
"""The namespaces of values/namespaced.yaml."""


@pytest.fixture(scope="module")
def manifests(render: Render) -> list[Manifest]:
    return render()


@pytest.fixture(scope="module", params=["defaults", "namespaced"])
def either(render: Render, request: pytest.FixtureRequest) -> list[Manifest]:
    """For all namespaces, and for some."""
    return render(values(request.param))


def test_the_operators_rights_are_these(manifests: list[Manifest]) -> None:
    assert said(one(manifests, "ClusterRole", "keyward-operator")) == allowed(OPERATOR_IN_CLUSTER)
    among_agents = one(manifests, "Role", "keyward-operator", names.AGENTS_NAMESPACE)
    assert said(among_agents) == allowed(OPERATOR_AMONG_AGENTS)


def test_the_rights_of_an_operator_for_some_namespaces_are_these(render: Render) -> None:
    manifests = render(values("namespaced"))
    read = [
        Right("", "namespaces", {"get"}, "as for the whole cluster", name=name) for name in ("kube-system", *WATCHED)
    ]
    assert said(one(manifests, "ClusterRole", "keyward-operator")) == allowed(read)
    among_agents = one(manifests, "Role", "keyward-operator", names.AGENTS_NAMESPACE)
    assert said(among_agents) == allowed(OPERATOR_AMONG_AGENTS_IF_NAMESPACED)
    for namespace in WATCHED:
        role = one(manifests, "Role", "keyward-operator-databases", namespace)
        assert said(role) == allowed(OPERATOR_WITH_TENANTS)


def test_a_right_to_ask_an_issuer_comes_with_the_issuer(render: Render) -> None:
    manifests = render({"certificateAuthorities": {"issuerRef": {"name": "corporate"}}})
    among_agents = one(manifests, "Role", "keyward-operator", names.AGENTS_NAMESPACE)
    assert said(among_agents) == allowed(OPERATOR_AMONG_AGENTS_WITH_AN_ISSUER)


def test_the_operators_rights_at_home_are_these(either: list[Manifest]) -> None:
    at_home = one(either, "Role", "keyward-operator", names.SYSTEM_NAMESPACE)
    assert said(at_home) == allowed(OPERATOR_AT_HOME)


def test_every_agents_rights_are_these(manifests: list[Manifest]) -> None:
    assert said(one(manifests, "ClusterRole", "keyward-agent")) == allowed(AGENTS)
    lease = one(manifests, "Role", "keyward-agent-lease", names.SYSTEM_NAMESPACE)
    assert said(lease) == allowed([Right(*LEASES, {"get"}, "tells how old the policy is", name=names.LEASE_NAME)])
    named = [m for m in manifests if m["kind"] in ("Role", "RoleBinding") and m["metadata"]["name"] == "keyward-agent"]
    assert named == []


def test_agents_are_bound_by_the_group_of_their_namespace(manifests: list[Manifest]) -> None:
    accounts = f"system:serviceaccounts:{names.AGENTS_NAMESPACE}"
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": accounts}
    assert one(manifests, "ClusterRoleBinding", "keyward-agent")["subjects"] == [group]
    assert one(manifests, "RoleBinding", "keyward-agent-lease", names.SYSTEM_NAMESPACE)["subjects"] == [group]


def test_tenants_rights_are_these(manifests: list[Manifest]) -> None:
    view, admin = (one(manifests, "ClusterRole", f"keyward-{role}") for role in ("view", "admin"))
    assert said(view) == allowed(VIEWERS)
    assert said(admin) == allowed(ADMINS)
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for role, target in ((view, "view"), (admin, "admin")):
        labels = role["metadata"]["labels"]
        assert {key.removeprefix(prefix) for key in labels if key.startswith(prefix)} == {target}


def test_admins_write_every_kind_but_the_compiled_one(manifests: list[Manifest]) -> None:
    declared = {kind.plural for kind in crds.KINDS if kind.model is not KeyspacesPolicy}
    admin = one(manifests, "ClusterRole", "keyward-admin")
    assert {resource for _, resource, _, _ in said(admin)} == {*declared, "keyspacesdatabases/scale"}


def test_status_is_written_by_the_operator_alone(manifests: list[Manifest]) -> None:
    for role in all_of(manifests, "ClusterRole", "Role"):
        if any(resource.endswith("/status") for _, resource, _, _ in said(role)):
            assert role["metadata"]["name"] == "keyward-operator"


def test_tenants_roles_can_be_left_out(render: Render) -> None:
    without = render({"rbac": {"aggregateClusterRoles": False}})
    assert {role["metadata"]["name"] for role in all_of(without, "ClusterRole")} == {
        "keyward-operator",
        "keyward-agent",
    }


def test_no_role_holds_a_wildcard_or_a_way_round_rbac(either: list[Manifest]) -> None:
    for role in all_of(either, "ClusterRole", "Role"):
        for rule in role["rules"]:
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"], *rule.get("resourceNames", ())}
            assert not any("*" in word for word in words), role["metadata"]["name"]
            assert not words & {"escalate", "bind", "impersonate", "serviceaccounts/token", "pods/exec"}
            assert "nonResourceURLs" not in rule


def test_secrets_and_roles_are_touched_among_agents_only(either: list[Manifest]) -> None:
    confined = {"secrets", "roles", "rolebindings", "serviceaccounts", "pods", "deployments", "keyspacespolicies"}
    for role in all_of(either, "ClusterRole"):
        assert not confined & {resource for rule in role["rules"] for resource in rule["resources"]}
    for role in all_of(either, "Role"):
        if role["metadata"]["namespace"] != names.AGENTS_NAMESPACE:
            assert not confined & {resource for rule in role["rules"] for resource in rule["resources"]}


def test_every_role_is_bound_once(either: list[Manifest]) -> None:
    bound = [
        (binding["roleRef"]["kind"], binding["metadata"].get("namespace"), binding["roleRef"]["name"])
        for binding in all_of(either, "RoleBinding", "ClusterRoleBinding")
    ]
    roles = [
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"])
        for role in all_of(either, "Role", "ClusterRole")
        if role["metadata"]["name"] not in ("keyward-view", "keyward-admin")  # bound by aggregation
    ]
    assert sorted(bound, key=str) == sorted(roles, key=str)

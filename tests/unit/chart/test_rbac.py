"""What the chart lets whom do. A right that is added must be added here, where a reviewer sees it."""

from typing import Any

import pytest

from keyward_api import names

from .conftest import Render
from .objects import all_of, one

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine may have to compile helm

READ = {"get", "list", "watch"}
APPLY = READ | {"create", "patch", "delete"}

OPERATOR_IN_CLUSTER = {
    ("keyward.dev", "keyspacesdatabases"): READ | {"patch"},
    ("keyward.dev", "keyspacesdatabases/status"): {"get", "patch"},
    ("keyward.dev", "keyspacesroles/status"): {"get", "patch"},
    ("keyward.dev", "keyspacesusers/status"): {"get", "patch"},
    ("keyward.dev", "keyspaceslocks/status"): {"get", "patch"},
    ("keyward.dev", "keyspacesroles"): READ,
    ("keyward.dev", "keyspacesusers"): READ,
    ("keyward.dev", "keyspaceslocks"): READ,
    ("", "namespaces"): READ,
    ("", "services"): APPLY,
    ("", "configmaps"): APPLY,
    ("events.k8s.io", "events"): {"create"},
}
OPERATOR_AMONG_AGENTS = {
    ("", "serviceaccounts"): APPLY,
    ("", "secrets"): APPLY,
    ("apps", "deployments"): APPLY,
    ("policy", "poddisruptionbudgets"): APPLY,
    ("networking.k8s.io", "networkpolicies"): APPLY,
    ("autoscaling", "horizontalpodautoscalers"): APPLY,
    ("rbac.authorization.k8s.io", "roles"): APPLY,
    ("rbac.authorization.k8s.io", "rolebindings"): APPLY,
    ("keyward.dev", "keyspacespolicies"): APPLY,
    ("keyward.dev", "keyspacespolicies/status"): {"get", "patch"},
    ("", "pods"): READ | {"delete"},
}
LEASES = ("coordination.k8s.io", "leases")
VIEWERS = {("keyward.dev", "keyspacesdatabases"): READ, ("keyward.dev", "keyspacesroles"): READ}
WRITE = READ | {"create", "update", "patch", "delete", "deletecollection"}
ADMINS = {
    ("keyward.dev", kind): WRITE
    for kind in ("keyspacesdatabases", "keyspacesroles", "keyspacesusers", "keyspaceslocks")
}

Rights = dict[tuple[str, str], set[str]]


def rights(role: dict[str, Any]) -> Rights:
    """Verbs by group and resource, of rules without resource names."""
    granted: Rights = {}
    for rule in role["rules"]:
        if "resourceNames" in rule:
            continue
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                granted.setdefault((group, resource), set()).update(rule["verbs"])
    return granted


def named_rights(role: dict[str, Any]) -> dict[tuple[str, str, str], set[str]]:
    """Verbs by group, resource and object."""
    return {
        (group, resource, name): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", ())
    }


@pytest.fixture(scope="module")
def manifests(render: Render) -> list[dict[str, Any]]:
    return render()


def test_the_operators_rights_are_these(manifests: list[dict[str, Any]]) -> None:
    assert rights(one(manifests, "ClusterRole", "keyward-operator")) == OPERATOR_IN_CLUSTER
    among_agents = one(manifests, "Role", "keyward-operator", names.AGENTS_NAMESPACE)
    assert rights(among_agents) == OPERATOR_AMONG_AGENTS
    at_home = one(manifests, "Role", "keyward-operator", names.SYSTEM_NAMESPACE)
    assert rights(at_home) == {LEASES: {"create"}}
    assert named_rights(at_home) == {(*LEASES, names.LEASE_NAME): {"get", "watch", "update", "patch"}}


def test_every_agents_rights_are_these(manifests: list[dict[str, Any]]) -> None:
    everywhere = one(manifests, "ClusterRole", "keyward-agent")
    assert rights(everywhere) == {("authentication.k8s.io", "tokenreviews"): {"create"}}
    named = [m for m in manifests if m["kind"] in ("Role", "RoleBinding") and m["metadata"]["name"] == "keyward-agent"]
    assert named == []


def test_agents_are_bound_by_the_group_of_their_namespace(manifests: list[dict[str, Any]]) -> None:
    accounts = f"system:serviceaccounts:{names.AGENTS_NAMESPACE}"
    group = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": accounts}
    assert one(manifests, "ClusterRoleBinding", "keyward-agent")["subjects"] == [group]


def test_tenants_rights_are_these(manifests: list[dict[str, Any]]) -> None:
    view, admin = (one(manifests, "ClusterRole", f"keyward-{role}") for role in ("view", "admin"))
    assert rights(view) == VIEWERS
    assert rights(admin) == ADMINS
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for role, target in ((view, "view"), (admin, "admin")):
        labels = role["metadata"]["labels"]
        assert {key.removeprefix(prefix) for key in labels if key.startswith(prefix)} == {target}


def test_tenants_roles_can_be_left_out(render: Render) -> None:
    without = render({"rbac": {"aggregateClusterRoles": False}})
    assert {role["metadata"]["name"] for role in all_of(without, "ClusterRole")} == {
        "keyward-operator",
        "keyward-agent",
    }


def test_no_role_holds_a_wildcard_or_a_way_round_rbac(manifests: list[dict[str, Any]]) -> None:
    for role in all_of(manifests, "ClusterRole", "Role"):
        for rule in role["rules"]:
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"], *rule.get("resourceNames", ())}
            assert not any("*" in word for word in words), role["metadata"]["name"]
            assert not words & {"escalate", "bind", "impersonate", "serviceaccounts/token", "pods/exec"}
            assert "nonResourceURLs" not in rule


def test_secrets_and_roles_are_touched_among_agents_only(manifests: list[dict[str, Any]]) -> None:
    confined = {"secrets", "roles", "rolebindings", "serviceaccounts", "pods", "deployments", "keyspacespolicies"}
    for role in all_of(manifests, "ClusterRole"):
        assert not confined & {resource for rule in role["rules"] for resource in rule["resources"]}
    assert {role["metadata"]["namespace"] for role in all_of(manifests, "Role")} == {
        names.AGENTS_NAMESPACE,
        names.SYSTEM_NAMESPACE,
    }


def test_every_role_is_bound_once(manifests: list[dict[str, Any]]) -> None:
    bound = [
        (binding["roleRef"]["kind"], binding["metadata"].get("namespace"), binding["roleRef"]["name"])
        for binding in all_of(manifests, "RoleBinding", "ClusterRoleBinding")
    ]
    roles = [
        (role["kind"], role["metadata"].get("namespace"), role["metadata"]["name"])
        for role in all_of(manifests, "Role", "ClusterRole")
        if role["metadata"]["name"] not in ("keyward-view", "keyward-admin")  # bound by aggregation
    ]
    assert sorted(bound, key=str) == sorted(roles, key=str)

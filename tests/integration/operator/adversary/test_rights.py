"""What the API server refuses to a tenant with `admin` in its namespace, by the chart's RBAC and admission policies."""

import json
from typing import Any

import pytest

from keyward_api import crds, names
from keyward_api.resources.policy import KeyspacesPolicy
from tests.integration.operator.adversary.tenant import Tenant
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane
from tests.integration.operator.resources import database

AGENTS, SYSTEM = names.AGENTS_NAMESPACE, names.SYSTEM_NAMESPACE
OWN_KINDS = sorted(kind.plural for kind in crds.KINDS if kind.model is not KeyspacesPolicy)
POLICIES = "keyspacespolicies.keyward.dev"


@pytest.mark.parametrize("plural", OWN_KINDS)
def test_a_tenant_writes_every_kind_in_its_namespace_and_the_status_of_none(mallory: Tenant, plural: str) -> None:
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete"):
        assert mallory.may(verb, f"{plural}.keyward.dev"), verb
    for verb in ("create", "update", "patch"):
        assert not mallory.may(verb, f"{plural}.keyward.dev", "--subresource=status"), verb


def test_a_status_in_the_name_of_the_operator_is_refused(mallory: Tenant) -> None:
    mallory.apply(database(mallory.namespace, "told"))
    forged = json.dumps({"status": {"address": "rogue.example:9142"}})
    place = ("patch", "keyspacesdatabase", "told", "--subresource=status", "--type=merge", f"--patch={forged}")
    mallory.forbidden(*place)
    mallory.forbidden(*place, "--field-manager=keyward-database")


def test_a_status_that_comes_with_a_new_object_is_dropped(mallory: Tenant, objects: Objects) -> None:
    document = database(mallory.namespace, "invented") | {"status": {"address": "rogue.example:9142"}}
    mallory.apply(document)
    assert "rogue" not in json.dumps(objects.wait("keyspacesdatabase", "invented", mallory.namespace).get("status", {}))


@pytest.mark.parametrize("where", ["its own namespace", AGENTS])
def test_a_tenant_neither_reads_nor_writes_policies(mallory: Tenant, where: str) -> None:
    namespace = AGENTS if where == AGENTS else mallory.namespace
    for verb in ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"):
        assert not mallory.may(verb, POLICIES, namespace=namespace), verb
    assert not mallory.may("patch", POLICIES, "--subresource=status", namespace=namespace)
    mallory.forbidden("get", "keyspacespolicies", namespace=namespace)


@pytest.mark.parametrize("where", [AGENTS, SYSTEM, "default", "kube-system"])
def test_a_tenant_has_no_right_elsewhere_that_a_stranger_lacks(
    mallory: Tenant, installed: ControlPlane, where: str
) -> None:
    """Secrets, exec, tokens, role bindings, pods, settings and Leases included: nothing at all."""
    listing = ("auth", "can-i", "--list", "--no-headers")
    stranger = ("--as=stranger", "--as-group=system:authenticated", f"--namespace={where}")
    elsewhere = mallory.attempt(*listing, namespace=where)
    assert sorted(elsewhere.splitlines()) == sorted(installed.kubectl(*stranger, *listing).splitlines())
    assert "keyward.dev" not in elsewhere
    assert "keyspacesdatabases.keyward.dev" in mallory.attempt(*listing), "the listing shows what there is at home"


def pod(**spec: Any) -> str:
    container = {"name": "thief", "image": "thief:1"}
    metadata = {"name": "thief", "namespace": AGENTS}
    return json.dumps(
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **spec}}
    )


BINDING = json.dumps(
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "thief", "namespace": AGENTS},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
        "subjects": [{"kind": "User", "name": "thief", "apiGroup": "rbac.authorization.k8s.io"}],
    }
)


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(("get", "secrets"), None, id="list the CAs' keys"),
        pytest.param(("create", "token", "any", "--audience=sts.amazonaws.com"), None, id="mint an agent's identity"),
        pytest.param(("create", "-f", "-"), pod(serviceAccountName="any"), id="run as an agent"),
        pytest.param(
            ("create", "-f", "-"),
            pod(volumes=[{"name": "ca", "secret": {"secretName": "any"}}]),
            id="mount a CA's key",
        ),
        pytest.param(("create", "-f", "-"), BINDING, id="become admin among the agents"),
        pytest.param(("delete", "pods", "--all"), None, id="end agents"),
        pytest.param(("get", "--raw", f"/api/v1/namespaces/{AGENTS}/pods/any/log"), None, id="read an audit trail"),
        pytest.param(
            ("create", "--raw", f"/api/v1/namespaces/{AGENTS}/pods/any/exec?command=id", "-f", "-"),
            "{}",
            id="run a program in an agent",
        ),
        pytest.param(
            ("create", "--raw", f"/api/v1/namespaces/{AGENTS}/pods/any/portforward", "-f", "-"),
            "{}",
            id="reach an agent's ports",
        ),
        pytest.param(
            ("replace", "--raw", f"/api/v1/namespaces/{AGENTS}/pods/any/ephemeralcontainers", "-f", "-"),
            pod(),
            id="add a container to an agent",
        ),
        pytest.param(("get", "--raw", f"/api/v1/namespaces/{AGENTS}/pods/any:8080/proxy/metrics"), None, id="proxy"),
    ],
)
def test_among_the_agents_a_tenant_may_not(mallory: Tenant, arguments: tuple[str, ...], stdin: str | None) -> None:
    mallory.forbidden(*arguments, stdin=stdin, namespace=AGENTS)


def test_a_tenant_reads_neither_kinds_nor_children_of_another(mallory: Tenant, victim: Tenant) -> None:
    for what in (*OWN_KINDS, "services", "configmaps", "events", "secrets", "serviceaccounts"):
        mallory.forbidden("get", what, namespace=victim.namespace)
    mallory.forbidden("create", "token", "app", namespace=victim.namespace)


@pytest.mark.parametrize("cluster_role", ["keyward-operator", "keyward-agent", "cluster-admin"])
def test_a_tenant_binds_no_role_of_keyward_s_programs_to_itself(mallory: Tenant, cluster_role: str) -> None:
    subject = f"--user={mallory.username}"
    mallory.forbidden("create", "rolebinding", f"own-{cluster_role}", f"--clusterrole={cluster_role}", subject)


@pytest.mark.parametrize(
    "resource",
    [f"{plural}.keyward.dev/status" for plural in OWN_KINDS] + [POLICIES, f"{POLICIES}/status", "tokenreviews"],
)
def test_a_tenant_makes_no_role_with_rights_that_it_lacks(mallory: Tenant, resource: str) -> None:
    mallory.forbidden("create", "role", "wider", "--verb=patch", f"--resource={resource}")


def test_a_tenant_changes_neither_its_namespace_nor_the_platform(mallory: Tenant) -> None:
    """Labels of the namespace are what `tenants[].namespaceSelector` goes by."""
    mallory.forbidden("label", "namespace", mallory.namespace, "custom=yes")
    mallory.forbidden(
        "patch", "configmap", "keyward-operator", "--type=merge", '--patch={"data": {}}', namespace=SYSTEM
    )
    for what in ("validatingadmissionpolicies", "customresourcedefinitions", "clusterroles", "clusterrolebindings"):
        mallory.forbidden("delete", what, "--all")


def test_a_tenant_scales_its_own_databases_and_not_beyond_the_bounds_of_the_spec(
    mallory: Tenant, victim: Tenant, objects: Objects
) -> None:
    mallory.apply(database(mallory.namespace, "scaled"))
    scale = ["scale", "keyspacesdatabase"]
    mallory.run(*scale, "scaled", "--replicas=5")
    assert objects.wait("keyspacesdatabase", "scaled", mallory.namespace)["spec"]["agent"]["replicas"] == 5
    for replicas in ("101", "1000000"):
        said = mallory.attempt(*scale, "scaled", f"--replicas={replicas}")
        assert "should be less than or equal to 100" in said
    mallory.forbidden(*scale, "orders", "--replicas=5", namespace=victim.namespace)
    beyond = '{"spec": {"agent": {"autoscaling": {"maxReplicas": 101}}}}'
    said = mallory.attempt("patch", "keyspacesdatabase", "scaled", "--type=merge", f"--patch={beyond}")
    assert "should be less than or equal to 100" in said

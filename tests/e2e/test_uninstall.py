"""Taking Keyward away as docs/operations.md says: databases first, then the release, the kinds, the namespace."""

from collections.abc import Callable

from keyward_api import crds
from keyward_api.names import (
    AGENTS_NAMESPACE,
    GROUP,
    LABEL_MANAGED_BY,
    LABEL_OWNER_NAMESPACE,
    MANAGED_BY,
    SYSTEM_NAMESPACE,
)
from local.cluster import kind, services
from local.install import uninstall
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl, Object
from tests.e2e.surroundings import Surroundings
from tests.e2e.waiting import NotYet, wait_for

KINDS = (
    *("namespaces", "pods", "deployments", "services", "configmaps", "secrets", "serviceaccounts", "leases"),
    *("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    *("customresourcedefinitions", "validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
    *("validatingadmissionpolicies", "validatingadmissionpolicybindings", "poddisruptionbudgets", "networkpolicies"),
    "horizontalpodautoscalers",
)
CHILDREN = (
    "pods,deployments,poddisruptionbudgets,networkpolicies,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "keyspacespolicies,horizontalpodautoscalers"
)

SURROUNDINGS = (services.NAMESPACE, kind.NODE)
"""Named alike, but of the machine: the namespace of local AWS, and the node with its Lease."""


def test_uninstalling_leaves_nothing_behind(platform: Kubectl, surroundings: Surroundings) -> None:
    platform.run("delete", "keyspacesdatabases,keyspacesiamroles", "--all", EVERY_NAMESPACE, seconds=150)
    wait_until_none("a child of a database", lambda: platform.items(CHILDREN, AGENTS_NAMESPACE), is_child)
    uninstall(helm=surroundings.programs / "helm", kubeconfig=surroundings.kubeconfig)
    names = [crd["metadata"]["name"] for crd in platform.items("customresourcedefinitions")]
    kinds = [name for name in names if name.endswith(f".{GROUP}")]
    assert len(kinds) == len(crds.KINDS), "the release keeps the kinds, so that an accident deletes no declaration"
    platform.run("delete", "customresourcedefinitions", *kinds, seconds=120)
    platform.delete("namespace", SYSTEM_NAMESPACE)
    wait_until_none("anything of Keyward's", lambda: everything(platform), is_ours)


def wait_until_none(what: str, look: Callable[[], list[Object]], matches: Callable[[Object], bool]) -> None:
    """Until nothing that `look` finds matches."""

    def none() -> bool:
        found = [
            f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            for item in look()
            if matches(item)
        ]
        if found:
            raise NotYet(", ".join(found))
        return True

    wait_for(f"{what} to be gone", none, seconds=60)


def everything(kube: Kubectl) -> list[Object]:
    """All objects of the kinds that an installation may leave."""
    return kube.items(",".join(KINDS), EVERY_NAMESPACE)


def is_child(item: Object) -> bool:
    """Whether the operator made it for a database."""
    return LABEL_OWNER_NAMESPACE in item["metadata"].get("labels", {})


def is_ours(item: Object) -> bool:
    """Whether the chart or the operator made it: by its name, its namespace or its manager."""
    name, namespace = item["metadata"]["name"], item["metadata"].get("namespace", "")
    if name in SURROUNDINGS or namespace in SURROUNDINGS:
        return False
    managed = item["metadata"].get("labels", {}).get(LABEL_MANAGED_BY) == MANAGED_BY
    return bool(
        managed or name.startswith("keyward-") or name.endswith(f".{GROUP}") or namespace.startswith("keyward-")
    )

"""Taking Keyward away as the README says: databases first, then the release, then the kinds."""

import json

from keyward_api.names import AGENTS_NAMESPACE, GROUP
from local.install import uninstall
from tests.e2e.kube import EVERY_NAMESPACE, Kubectl
from tests.e2e.surroundings import Surroundings
from tests.e2e.waiting import NotYet, wait_for

KINDS = (
    *("namespaces", "deployments", "services", "configmaps", "secrets", "serviceaccounts", "leases"),
    *("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
    *("customresourcedefinitions", "validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
)


def test_uninstalling_leaves_nothing_behind(platform: Kubectl, surroundings: Surroundings) -> None:
    platform.run("delete", "keyspacesdatabases", "--all", EVERY_NAMESPACE, seconds=150)
    children = platform.items("all,secrets,roles,rolebindings,keyspacespolicies", AGENTS_NAMESPACE)
    left = [f"{child['kind']}/{child['metadata']['name']}" for child in children if is_ours(child)]
    assert left == []
    uninstall(helm=surroundings.programs / "helm", kubeconfig=surroundings.kubeconfig)
    names = [crd["metadata"]["name"] for crd in platform.items("customresourcedefinitions")]
    kinds = [name for name in names if name.endswith(f".{GROUP}")]
    platform.run("delete", "customresourcedefinitions", *kinds, seconds=120)

    def nothing() -> bool:
        found = [
            f"{kind}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
            for kind in KINDS
            for item in platform.items(kind, EVERY_NAMESPACE)
            if is_ours(item)
        ]
        if found:
            raise NotYet(", ".join(found))
        return True

    wait_for("nothing of Keyward's to be left", nothing, seconds=60)


def is_ours(item: dict[str, object]) -> bool:
    """Whether an object is Keyward's, by its name or labels; the tests' own namespaces and local AWS are not."""
    metadata = json.dumps({key: item["metadata"].get(key) for key in ("name", "namespace", "labels")})  # type: ignore[attr-defined]
    return ("keyward" in metadata) and "keyward-local" not in metadata and "e2e-" not in metadata

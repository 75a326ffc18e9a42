"""Whoever has Kubernetes' role `admin` in a namespace, and what the API server refuses to them."""

from tests.e2e import manifests
from tests.e2e.kube import Kubectl
from tests.e2e.waiting import wait_for

ADMIN = "tenant-admin"


def administrator_of(kube: Kubectl, namespace: str) -> Kubectl:
    """A ServiceAccount with `admin` in a namespace, once that right is in force."""
    kube.apply(
        manifests.service_account(ADMIN, namespace),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": ADMIN, "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
            "subjects": [{"kind": "ServiceAccount", "name": ADMIN, "namespace": namespace}],
        },
    )
    admin = kube.acting_as(f"system:serviceaccount:{namespace}:{ADMIN}")
    create = ("create", "keyspacesusers.keyward.dev", f"--namespace={namespace}")
    wait_for("the admin's rights to be in force", lambda: admin.may(*create), seconds=20)
    return admin


def forbidden(admin: Kubectl, *arguments: str, stdin: str | None = None) -> None:
    """A real attempt, refused by the API server."""
    answer = admin.attempt(*arguments, stdin=stdin)
    assert answer.status != 0, f"kubectl {' '.join(arguments)} was allowed: {answer.stdout}"
    assert "forbidden" in answer.stderr.lower(), answer.stderr

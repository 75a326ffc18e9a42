"""A tenant: a user with Kubernetes' role `admin` in one namespace, and with no other right."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from keyward_api import names
from tests.integration.operator.conftest import Objects
from tests.integration.operator.control_plane import ControlPlane, eventually
from tests.integration.operator.resources import condition, database, role, user

Json = dict[str, Any]

_CHILDREN = (
    *("keyspacespolicies", "deployments", "services", "secrets", "serviceaccounts", "roles", "rolebindings"),
    "configmaps",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """A namespace, and whoever has `admin` in it."""

    plane: ControlPlane
    namespace: str

    @classmethod
    def create(cls, plane: ControlPlane, namespace: str) -> "Tenant":
        """Make the namespace; returns once the rights of `admin` are in force there, Keyward's kinds among them."""
        tenant = cls(plane=plane, namespace=namespace)
        plane.kubectl("create", "namespace", namespace)
        plane.kubectl(
            "create", "rolebinding", "admin", "--clusterrole=admin", f"--user={tenant.username}", "-n", namespace
        )
        eventually(lambda: tenant.may("create", "keyspacesusers.keyward.dev"), what="the tenant's rights are in force")
        return tenant

    @property
    def username(self) -> str:
        """Whom the API server sees."""
        return f"admin-of-{self.namespace}"

    def attempt(self, *arguments: str, stdin: str | None = None, namespace: str = "") -> str:
        """What kubectl says to this tenant, on both streams, in its own namespace unless another is named."""
        return self.plane.kubectl(*self._as(namespace), *arguments, stdin=stdin, check=False)

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """What this tenant may do in its namespace."""
        return self.plane.kubectl(*self._as(""), *arguments, stdin=stdin)

    def forbidden(self, *arguments: str, stdin: str | None = None, namespace: str = "") -> None:
        """A real attempt, refused by the API server for want of a right."""
        said = self.attempt(*arguments, stdin=stdin, namespace=namespace)
        assert "forbidden" in said.lower(), f"kubectl {' '.join(arguments)}: {said}"

    def may(self, verb: str, resource: str, *options: str, namespace: str = "") -> bool:
        """Whether the API server says that this tenant may do that."""
        return self.attempt("auth", "can-i", verb, resource, *options, namespace=namespace).strip() == "yes"

    def apply(self, *documents: Json) -> None:
        """Apply as this tenant."""
        self.run("apply", "-f", "-", stdin=_stream(documents))

    def submit(self, *documents: Json) -> None:
        """Make new objects as this tenant: also what is too large for the annotation that `kubectl apply` keeps."""
        self.run("create", "-f", "-", stdin=_stream(documents))

    def settle(self, objects: Objects, name: str = "orders", **spec: Any) -> Json:
        """A database of this tenant with a role and a user, and all that follows; returns the database."""
        self.apply(role(self.namespace), user(self.namespace), database(self.namespace, name, **spec))
        return objects.wait("keyspacesdatabase", name, self.namespace, until=_is_settled)

    def policy(self, objects: Objects, name: str = "orders") -> Json:
        """What was compiled for a database of this tenant."""
        found: Json = objects.wait("keyspacespolicy", self.child(name), names.AGENTS_NAMESPACE)["spec"]
        return found

    def child(self, name: str = "orders") -> str:
        """The dotted name of a database's children."""
        return names.dotted_child_name(namespace=self.namespace, name=name)

    def children(self, name: str = "orders") -> dict[str, str]:
        """Everything that is labelled as a child of this database among the agents, with its resource version."""
        owner = f"{names.LABEL_OWNER_NAMESPACE}={self.namespace},{names.LABEL_OWNER_NAME}={name}"
        lists = (self.plane.reader.items(kind, names.AGENTS_NAMESPACE, labels=owner) for kind in _CHILDREN)
        return {f"{x['kind']} {x['metadata']['name']}": x["metadata"]["uid"] for items in lists for x in items}

    def remove(self) -> None:
        """Let its databases go, whether an operator runs or not."""
        self.plane.kubectl("delete", "keyspacesdatabases", "--all", "-n", self.namespace, "--wait=false")
        for found in self.plane.kubectl("get", "keyspacesdatabases", "-n", self.namespace, "-o", "name").split():
            released = '{"metadata": {"finalizers": null}}'
            self.plane.kubectl("patch", found, "-n", self.namespace, "--type=merge", "-p", released, check=False)
        self.plane.kubectl("delete", "namespace", self.namespace, "--wait=false")

    def _as(self, namespace: str) -> list[str]:
        # The group that the API server gives to everybody who is authenticated, but not to whom --as-group names.
        who = [f"--as={self.username}", "--as-group=system:authenticated"]
        return [*who, f"--namespace={namespace or self.namespace}"]


def labels_of(owner: Json, **changes: str) -> dict[str, str]:
    """The labels by which the operator knows the children of this database."""
    metadata = owner["metadata"]
    return {
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
        names.LABEL_OWNER_NAMESPACE: metadata["namespace"],
        names.LABEL_OWNER_NAME: metadata["name"],
        names.LABEL_OWNER_UID: metadata["uid"],
        **changes,
    }


def _is_settled(found: Json) -> bool:
    """Told once there are a policy and a Deployment."""
    return "policyRevision" in found.get("status", {}) and condition(found, "AgentAvailable")["reason"] == "Unavailable"


def _stream(documents: Sequence[Json]) -> str:
    return "\n---\n".join(json.dumps(document) for document in documents)

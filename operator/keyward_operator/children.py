"""The objects that one database is made into: what they are called and where they live."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.keys import DatabaseKey
from keyward_operator.kinds import Kind, Reference


@dataclass(frozen=True, kw_only=True, slots=True)
class Owner:
    """The KeyspacesDatabase that children belong to."""

    namespace: str
    name: str
    uid: str

    @property
    def labels(self) -> dict[str, str]:
        """Labels by which children are found, and told from other people's objects."""
        return {
            names.LABEL_MANAGED_BY: names.MANAGED_BY,
            names.LABEL_OWNER_NAMESPACE: self.namespace,
            names.LABEL_OWNER_NAME: self.name,
            names.LABEL_OWNER_UID: self.uid,
        }


def named_owner(metadata: Mapping[str, Any], *, agents_namespace: str) -> DatabaseKey | None:
    """The database whose child an object says it is; None where it names none, or could not be its child.

    Whoever may write a Service or a ConfigMap may put any labels on it: in a third namespace they mean nothing.
    """
    labels = metadata.get("labels") or {}
    namespace, name = labels.get(names.LABEL_OWNER_NAMESPACE), labels.get(names.LABEL_OWNER_NAME)
    if not (namespace and name) or metadata.get("namespace") not in (agents_namespace, namespace):
        return None
    return DatabaseKey(namespace, name)


class Child(StrEnum):
    """What a child is for. The order is the order of deletion: what grants access goes first."""

    POLICY = "policy"
    DEPLOYMENT = "deployment"
    AUTOSCALER = "autoscaler"
    EXTERNAL_SERVICE = "external-service"
    DISRUPTION_BUDGET = "disruption-budget"
    NETWORK_POLICY = "network-policy"
    SERVICE = "service"
    REPLICAS_SERVICE = "replicas-service"
    CLIENT_SERVICE = "client-service"
    CLIENT_CA = "client-ca"
    AWS_ROOTS = "aws-roots"
    CA_SECRET = "ca-secret"  # noqa: S105 - a kind of child
    SERVICE_ACCOUNT = "service-account"
    ROLE_BINDING = "role-binding"
    ROLE = "role"


REPLACEABLE = (Child.DISRUPTION_BUDGET, Child.CLIENT_SERVICE, Child.CLIENT_CA, Child.AWS_ROOTS)
"""Children with which nothing is lost, and no session. Some changes to them the API server does not let us undo: an
immutable ConfigMap, or a budget that would have both of two fields of which one may be. They are made anew then."""

KINDS: dict[Child, Kind] = {
    Child.POLICY: kinds.KEYSPACES_POLICY,
    Child.EXTERNAL_SERVICE: kinds.SERVICE,
    Child.DEPLOYMENT: kinds.DEPLOYMENT,
    Child.AUTOSCALER: kinds.HORIZONTAL_POD_AUTOSCALER,
    Child.DISRUPTION_BUDGET: kinds.POD_DISRUPTION_BUDGET,
    Child.NETWORK_POLICY: kinds.NETWORK_POLICY,
    Child.SERVICE: kinds.SERVICE,
    Child.REPLICAS_SERVICE: kinds.SERVICE,
    Child.CLIENT_SERVICE: kinds.SERVICE,
    Child.CLIENT_CA: kinds.CONFIG_MAP,
    Child.AWS_ROOTS: kinds.CONFIG_MAP,
    Child.CA_SECRET: kinds.SECRET,
    Child.SERVICE_ACCOUNT: kinds.SERVICE_ACCOUNT,
    Child.ROLE_BINDING: kinds.ROLE_BINDING,
    Child.ROLE: kinds.ROLE,
}


def certificate_request(*, namespace: str, name: str, agents_namespace: str) -> Reference:
    """Where the database `<namespace>/<name>` asks an issuer for a CA.

    No child among the others: its kind need not exist, and it is there only until it is answered.
    """
    return Reference(
        kind=kinds.CERTIFICATE_REQUEST,
        namespace=agents_namespace,
        name=names.dotted_child_name(namespace=namespace, name=name),
    )


def references(*, namespace: str, name: str, agents_namespace: str) -> dict[Child, Reference]:
    """Where each child of the database `<namespace>/<name>` is."""
    dotted = names.dotted_child_name(namespace=namespace, name=name)
    short = names.child_name(namespace=namespace, name=name)
    in_own_namespace = {
        Child.CLIENT_SERVICE: names.client_service_name(name),
        Child.CLIENT_CA: names.client_ca_name(name),
    }
    in_agents_namespace = {
        Child.DEPLOYMENT: short,
        Child.SERVICE: short,
        Child.REPLICAS_SERVICE: names.replicas_service_name(namespace=namespace, name=name),
        Child.EXTERNAL_SERVICE: names.external_service_name(namespace=namespace, name=name),
    }
    special = in_own_namespace | in_agents_namespace
    return {
        child: Reference(
            kind=KINDS[child],
            namespace=namespace if child in in_own_namespace else agents_namespace,
            name=special.get(child, dotted),
        )
        for child in Child
    }

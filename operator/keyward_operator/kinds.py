"""The kinds that the operator reads or writes, and how to name one object of them.

They are known here instead of being discovered: discovery costs a request for each API group and a cache that ages.
"""

from dataclasses import dataclass
from typing import Any

from keyward_api import names


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of the API."""

    group: str
    """Empty for the core group."""

    version: str
    kind: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`<group>/<version>`, or `v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """One object of a kind."""

    kind: Kind
    namespace: str
    """Empty where the kind has no namespace."""

    name: str

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.kind} {where}{self.name}"


def _core(kind: str, plural: str, *, namespaced: bool = True) -> Kind:
    return Kind(group="", version="v1", kind=kind, plural=plural, namespaced=namespaced)


def _own(kind: str, plural: str) -> Kind:
    return Kind(group=names.GROUP, version=names.VERSION, kind=kind, plural=plural)


def _rbac(kind: str, plural: str) -> Kind:
    return Kind(group="rbac.authorization.k8s.io", version="v1", kind=kind, plural=plural)


KEYSPACES_DATABASE = _own("KeyspacesDatabase", "keyspacesdatabases")
KEYSPACES_ROLE = _own("KeyspacesRole", "keyspacesroles")
KEYSPACES_USER = _own("KeyspacesUser", "keyspacesusers")
KEYSPACES_LOCK = _own("KeyspacesLock", "keyspaceslocks")
KEYSPACES_IAM_ROLE = _own("KeyspacesIAMRole", "keyspacesiamroles")
KEYSPACES_POLICY = _own("KeyspacesPolicy", "keyspacespolicies")

INPUTS = (KEYSPACES_DATABASE, KEYSPACES_ROLE, KEYSPACES_USER, KEYSPACES_LOCK, KEYSPACES_IAM_ROLE)
"""What people write."""

NAMESPACE = _core("Namespace", "namespaces", namespaced=False)
CONFIG_MAP = _core("ConfigMap", "configmaps")
POD = _core("Pod", "pods")
SECRET = _core("Secret", "secrets")
SERVICE = _core("Service", "services")
SERVICE_ACCOUNT = _core("ServiceAccount", "serviceaccounts")
IN_BOTH_NAMESPACES = (SERVICE, CONFIG_MAP)
"""Kinds of which some children are in the database's namespace, and some with the agents."""

DEPLOYMENT = Kind(group="apps", version="v1", kind="Deployment", plural="deployments")
ROLE = _rbac("Role", "roles")
ROLE_BINDING = _rbac("RoleBinding", "rolebindings")
POD_DISRUPTION_BUDGET = Kind(group="policy", version="v1", kind="PodDisruptionBudget", plural="poddisruptionbudgets")
NETWORK_POLICY = Kind(group="networking.k8s.io", version="v1", kind="NetworkPolicy", plural="networkpolicies")
HORIZONTAL_POD_AUTOSCALER = Kind(
    group="autoscaling", version="v2", kind="HorizontalPodAutoscaler", plural="horizontalpodautoscalers"
)
CERTIFICATE_REQUEST = Kind(
    group="cert-manager.io", version="v1", kind="CertificateRequest", plural="certificaterequests"
)
"""cert-manager's: read and written only where the platform names an issuer, for elsewhere it need not exist."""

LEASE = Kind(group="coordination.k8s.io", version="v1", kind="Lease", plural="leases")
EVENT = Kind(group="events.k8s.io", version="v1", kind="Event", plural="events")

_BY_TYPE = {
    (kind.api_version, kind.kind): kind
    for kind in (
        *(KEYSPACES_POLICY, CONFIG_MAP, SECRET, SERVICE, SERVICE_ACCOUNT),
        *(DEPLOYMENT, POD_DISRUPTION_BUDGET, NETWORK_POLICY, HORIZONTAL_POD_AUTOSCALER, ROLE, ROLE_BINDING),
        CERTIFICATE_REQUEST,
    )
}


def reference_to(manifest: dict[str, Any]) -> Reference:
    """The object that a manifest describes; KeyError for a kind that is never made for a database."""
    metadata = manifest["metadata"]
    return Reference(
        kind=_BY_TYPE[manifest["apiVersion"], manifest["kind"]],
        namespace=metadata["namespace"],
        name=metadata["name"],
    )

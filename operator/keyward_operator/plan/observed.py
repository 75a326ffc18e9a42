"""What was seen of one database and everything that its plan depends on."""

from collections.abc import Mapping
from dataclasses import dataclass

from keyward_api.tenants import PlatformSettings
from keyward_operator.children import Child, Owner
from keyward_operator.json_types import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Facts about the cluster that do not change while it lives."""

    uid: str
    """uid of the namespace kube-system."""

    issuer: str
    """Issuer of ServiceAccount tokens; empty where the API server does not tell."""

    def name(self, settings: PlatformSettings) -> str:
        """What it is called in the paths and tags of IAM roles."""
        return settings.cluster_name or self.uid


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One database's world. Lists are complete: what is not in them does not exist."""

    database: Json
    cluster: Cluster
    namespace_labels: Mapping[str, str]
    roles: tuple[Json, ...]
    """All KeyspacesRoles of the namespace."""

    users: tuple[Json, ...]
    """All KeyspacesUsers of the namespace."""

    locks: tuple[Json, ...]
    """All KeyspacesLocks of the namespace."""

    iam_roles: tuple[Json, ...]
    """All KeyspacesIAMRoles of the namespace."""

    children: Mapping[Child, Json]
    """What exists under the children's names, whoever made it."""

    pods: tuple[Json, ...]
    """The agents' pods, read after the policy: who reported there and is not here is gone."""

    certificate_request: Json | None = None
    """What exists under the name of the request to an issuer, whoever made it; None too where nobody looked."""

    issuer_problem: str = ""
    """Why the API server could not tell of it; empty where it could."""

    replacement_due: bool
    """Whether a pod that lacks its identity may be replaced now: replacements are spaced out."""

    @property
    def owner(self) -> Owner:
        """The database as the owner of its children."""
        metadata = self.database["metadata"]
        return Owner(namespace=metadata["namespace"], name=metadata["name"], uid=metadata["uid"])

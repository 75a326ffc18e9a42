"""What was seen of a database, and of the IAM role that its agents run as."""

from collections.abc import Mapping
from dataclasses import dataclass

from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_operator.iam.calls import Trouble
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.json_types import Json
from keyward_operator.plan.observed import Cluster


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One database's world, as far as its agents' own role depends on it."""

    database: Json
    cluster: Cluster
    namespace_labels: Mapping[str, str]
    agents_namespace: str
    service_account: str
    """Of the agents, in `agents_namespace`."""

    policy: KeyspacesPolicySpec | None
    """What agents have now; None where there is none or it cannot be read."""

    account: Account | None = None
    """The operator's own; None where IAM was not asked, or did not tell."""

    role: RoleState | None = None
    """Whatever role has the name, whoever made it; None where there is none, or IAM was not asked."""

    provider_exists: bool = False
    """Whether the cluster's OIDC provider is registered."""

    unreadable: Trouble | None = None
    """Why IAM did not tell of the role; None where it did, or was not asked."""

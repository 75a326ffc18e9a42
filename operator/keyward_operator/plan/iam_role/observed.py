"""What was seen of one KeyspacesIAMRole and everything that its plan depends on."""

from collections.abc import Mapping
from dataclasses import dataclass

from keyward_api.iam_roles.permissions import Place
from keyward_api.resources.policy import PolicyRule
from keyward_operator.iam.calls import Trouble
from keyward_operator.iam.ownership import Ownership
from keyward_operator.iam.role_state import Account, RoleState
from keyward_operator.json_types import Json


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseUse:
    """A KeyspacesDatabase of the namespace, in the role's account, whose grants name the role."""

    name: str
    place: Place
    agent_role_arn: str
    external_id: str
    rules: tuple[PolicyRule, ...]
    """What its grants allow as this role."""

    agent_role_exists: bool = True
    """False where IAM was asked for the agents' own role and has none with that ARN: no trust policy can name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One role's world. Where IAM was not asked, `account` is None and nothing is known of the role."""

    document: Json
    """The KeyspacesIAMRole."""

    cluster: str
    """The cluster's name in paths and tags."""

    namespace_labels: Mapping[str, str]
    databases: tuple[DatabaseUse, ...]
    account: Account | None
    role: RoleState | None
    """Whatever role has the name, whoever made it."""

    unreadable: Trouble | None = None
    """Why IAM did not tell of the role; None where it did, or was not asked."""

    @property
    def ownership(self) -> Ownership:
        """The object as the owner of its role."""
        metadata = self.document["metadata"]
        return Ownership(
            cluster=self.cluster,
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
        )

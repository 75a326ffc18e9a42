"""Whose is an IAM role? Its tags tell: only a role with exactly its owner's is the operator's to change."""

from dataclasses import dataclass
from enum import Enum

from keyward_api import names
from keyward_operator.iam.role_state import RoleState


@dataclass(frozen=True, kw_only=True, slots=True)
class Ownership:
    """The object that a role was made for."""

    cluster: str
    """The cluster's name in paths and tags."""

    namespace: str
    name: str
    uid: str

    @property
    def tags(self) -> dict[str, str]:
        """The tags that say so."""
        return {
            names.TAG_CLUSTER: self.cluster,
            names.TAG_NAMESPACE: self.namespace,
            names.TAG_NAME: self.name,
            names.TAG_UID: self.uid,
        }


class Holding(Enum):
    """How a role relates to the object that names it."""

    ABSENT = "absent"
    OURS = "ours"
    LOST = "lost"
    """It lies where ours does, and does not say whose it is: tags were changed or taken away."""

    FOREIGN = "foreign"
    """Somebody else's."""


def holding(role: RoleState | None, ownership: Ownership, *, path: str) -> Holding:
    """Judge a role; `path` is where one of this owner would be."""
    if role is None:
        return Holding.ABSENT
    found = {key: role.tags[key] for key in ownership.tags if key in role.tags}
    if found == ownership.tags:
        return Holding.OURS
    of_another = len(found) == len(ownership.tags)
    return Holding.LOST if role.path == path and not of_another else Holding.FOREIGN

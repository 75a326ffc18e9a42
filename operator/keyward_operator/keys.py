"""What the work queue holds: names, never objects, for an object in a queue is old when its turn comes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


@dataclass(frozen=True, order=True, slots=True)
class DatabaseKey:
    """One KeyspacesDatabase, whether it exists or not."""

    RECONCILER: ClassVar[str] = "database"

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"KeyspacesDatabase {self.namespace}/{self.name}"


@dataclass(frozen=True, order=True, slots=True)
class NamespaceKey:
    """A namespace: whether everything in it is as it shall be."""

    RECONCILER: ClassVar[str] = "namespace"

    namespace: str

    def __str__(self) -> str:
        return f"namespace {self.namespace}"


@dataclass(frozen=True, order=True, slots=True)
class AccessKey:
    """What the roles, users and locks of a namespace come to: the policies of its databases, and their own status."""

    RECONCILER: ClassVar[str] = "access"

    namespace: str

    def __str__(self) -> str:
        return f"access in namespace {self.namespace}"


@dataclass(frozen=True, order=True, slots=True)
class TellingKey:
    """What a look at the access of a namespace left to be told, in statuses and events."""

    RECONCILER: ClassVar[str] = "telling"

    namespace: str

    def __str__(self) -> str:
        return f"statuses in namespace {self.namespace}"


@dataclass(frozen=True, order=True, slots=True)
class IAMRoleKey:
    """One KeyspacesIAMRole, whether it exists or not."""

    RECONCILER: ClassVar[str] = "iam-role"

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"KeyspacesIAMRole {self.namespace}/{self.name}"


@dataclass(frozen=True, order=True, slots=True)
class AgentRoleKey:
    """The agents' own IAM role of one KeyspacesDatabase, whether either exists or not."""

    RECONCILER: ClassVar[str] = "agent-role"

    namespace: str
    name: str
    """Of the database."""

    def __str__(self) -> str:
        return f"agents' role of KeyspacesDatabase {self.namespace}/{self.name}"


@dataclass(frozen=True, order=True, slots=True)
class IAMRolesKey:
    """All KeyspacesIAMRoles and agents' own roles of a namespace: what they depend on may have changed for all."""

    RECONCILER: ClassVar[str] = "iam-roles"

    namespace: str

    def __str__(self) -> str:
        return f"IAM roles of namespace {self.namespace}"


@dataclass(frozen=True, order=True, slots=True)
class StrayRolesKey:
    """The IAM roles below the platform's paths: whether there are some whose objects are gone."""

    RECONCILER: ClassVar[str] = "stray-roles"

    def __str__(self) -> str:
        return "IAM roles whose objects are gone"


Key = DatabaseKey | NamespaceKey | AccessKey | TellingKey | IAMRoleKey | AgentRoleKey | IAMRolesKey | StrayRolesKey


class Lane(StrEnum):
    """Which workers work on a key."""

    ACCESS = "access"
    """What people wait for: nothing else keeps it waiting."""

    TELLING = "telling"
    """What people read: it keeps nothing that they wait for waiting."""

    NAMESPACES = "namespaces"
    """What takes the most memory at once: it has few workers."""

    OBJECTS = "objects"
    IAM = "iam"
    """What is mostly waiting for IAM: it keeps nothing else waiting."""


def lane_of(key: Key) -> Lane:
    """The lane of a key."""
    if isinstance(key, AccessKey):
        return Lane.ACCESS
    if isinstance(key, TellingKey):
        return Lane.TELLING
    if isinstance(key, NamespaceKey):
        return Lane.NAMESPACES
    return Lane.IAM if isinstance(key, IAMRoleKey | AgentRoleKey | StrayRolesKey) else Lane.OBJECTS

"""What the work queue holds: names, never objects, for an object in a queue is old when its turn comes."""

from dataclasses import dataclass
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
    """A namespace: whether its databases are as they shall be, and what its roles, users and locks come to."""

    RECONCILER: ClassVar[str] = "namespace"

    namespace: str

    def __str__(self) -> str:
        return f"namespace {self.namespace}"


Key = DatabaseKey | NamespaceKey

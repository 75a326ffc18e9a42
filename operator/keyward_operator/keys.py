"""What the work queue holds: names, never objects, for an object in a queue is old when its turn comes."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True, slots=True)
class DatabaseKey:
    """One KeyspacesDatabase, whether it exists or not."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"KeyspacesDatabase {self.namespace}/{self.name}"


@dataclass(frozen=True, order=True, slots=True)
class NamespaceKey:
    """Every KeyspacesDatabase of a namespace: a role, a user or the namespace's labels changed."""

    namespace: str

    @property
    def name(self) -> str:
        """Empty: it is no single object."""
        return ""

    def __str__(self) -> str:
        return f"namespace {self.namespace}"


Key = DatabaseKey | NamespaceKey

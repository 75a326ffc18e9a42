"""Where this operator works: in all namespaces, or in those that the platform names."""

from collections.abc import Collection
from dataclasses import dataclass

from keyward_operator import kinds
from keyward_operator.kinds import Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """The namespaces that the operator has rights in."""

    operator_namespace: str
    """Where its Lease is."""

    agents_namespace: str
    namespaces: tuple[str, ...] = ()
    """Namespaces of tenants; empty means all."""

    def where(self, kind: Kind) -> Collection[str | None]:
        """The namespaces to list a kind in; None stands for all at once."""
        if kind not in (*kinds.INPUTS, *kinds.IN_BOTH_NAMESPACES):
            return (self.agents_namespace,)
        if not self.namespaces:
            return (None,)
        both = (self.agents_namespace,) if kind in kinds.IN_BOTH_NAMESPACES else ()
        return dict.fromkeys((*self.namespaces, *both))

    def holds(self, namespace: str) -> bool:
        """Whether a tenant's namespace is within."""
        return not self.namespaces or namespace in self.namespaces

"""Where this operator works: in all namespaces, or in those that the platform names."""

from collections.abc import Collection
from dataclasses import dataclass

from keyward_operator import kinds
from keyward_operator.kinds import Kind

_IN_BOTH = (kinds.SERVICE, kinds.CONFIG_MAP)
"""Kinds of which children are in the databases' namespaces and with the agents."""


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
        if kind not in (*kinds.INPUTS, *_IN_BOTH):
            return (self.agents_namespace,)
        if not self.namespaces:
            return (None,)
        return dict.fromkeys((*self.namespaces, *((self.agents_namespace,) if kind in _IN_BOTH else ())))

    def holds(self, namespace: str) -> bool:
        """Whether a tenant's namespace is within."""
        return not self.namespaces or namespace in self.namespaces

"""What a role that the operator makes shall be."""

from collections.abc import Mapping
from dataclasses import dataclass

from keyward_operator.iam.ownership import Ownership


@dataclass(frozen=True, kw_only=True, slots=True)
class DesiredRole:
    """One role."""

    name: str
    path: str
    """Where it is made; a role never moves."""

    ownership: Ownership
    description: str
    max_session_seconds: int
    boundary: str
    """ARN of the policy that bounds it."""

    trust: str
    """JSON."""

    inline: str | None
    """The operator's inline policy (JSON); None for no policy."""

    attached: frozenset[str]
    """ARNs of the managed policies that it has."""

    attachable: frozenset[str]
    """ARNs that the operator may attach and detach; others are somebody else's."""

    tags: Mapping[str, str]
    """Beside those of the ownership."""

"""Which users' allows are worth compiling: a namespace may ask for far more than a policy can hold.

Whoever may write KeyspacesUsers and KeyspacesRoles multiplies rules by IAM roles and by holders at will, and whoever
compiles them serves others too. So what cannot fit for certain is left out before it is made, by the fewest bytes that
it would take; what may fit is measured exactly when the policy is sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

RULE_BYTES = 64
"""A rule in a policy takes more: `{"keyspaces":["k"],"permissions":["Drop"],"source":"r/deny/0","tables":["t"]}`."""

HOLDER_BYTES = 19
"""An id of a grant takes so much in each identity that holds it: 16 characters, quotes and a comma."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a user takes in a policy at least, in bytes."""

    allows: int
    denies: int


def cost(*, allows: Sequence[int], denies: Sequence[int], subjects: int) -> Cost:
    """The cost of a user with so many subjects; of each of its rules is given about how many IAM roles it is.

    Each IAM role is a grant, which each subject holds. Rules about the same ones share it, so the widest rule counts.
    """
    granted, denied = max(allows, default=0), max(denies, default=0)
    return Cost(
        allows=sum(allows) * RULE_BYTES + max(granted - denied, 0) * subjects * HOLDER_BYTES,
        denies=sum(denies) * RULE_BYTES + denied * subjects * HOLDER_BYTES,
    )


def affordable(costs: Mapping[str, Cost], *, limit: int) -> frozenset[str] | None:
    """The users whose allows may fit into `limit` bytes, the most expensive left out first.

    None where the denies alone cannot fit: then nobody has a grant, for none may lose a deny.
    """
    total = sum(each.denies for each in costs.values())
    if total > limit:
        return None
    kept = []
    for name in sorted(costs, key=lambda name: (costs[name].allows, name)):
        total += costs[name].allows
        if total > limit:
            break
        kept.append(name)
    return frozenset(kept)

"""A namespace as the checks of its roles and users see it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyward_api.compiler import Problem
from keyward_api.resources.policy import Grant
from keyward_operator.json_types import Json
from keyward_operator.plan.view import View

Grants = Mapping[str, Sequence[Grant]]
"""Grants by the name of the database in whose policy they are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessWorld:
    """A namespace. Its lists are complete: what is not in them does not exist."""

    roles: Sequence[Json]
    users: Sequence[Json]
    databases: Mapping[str, View]
    """By name."""

    grants: Mapping[str, Grants]
    """By the KeyspacesUser."""

    user_problems: Mapping[str, Sequence[Problem]]
    """What was left out of some policy, by the KeyspacesUser that misses it; each once."""

    role_problems: Mapping[str, Sequence[Problem]]
    """The same by the KeyspacesRole."""

    now: datetime

    @property
    def served(self) -> list[str]:
        """Databases that have a policy."""
        return sorted(name for name, view in self.databases.items() if view.compilation)


def access_world(
    *, roles: Sequence[Json], users: Sequence[Json], databases: Mapping[str, View], now: datetime
) -> AccessWorld:
    """Sort what is in the policies of `databases` by users and roles."""
    grants: dict[str, dict[str, list[Grant]]] = defaultdict(lambda: defaultdict(list))
    of_users: dict[str, set[Problem]] = defaultdict(set)
    of_roles: dict[str, set[Problem]] = defaultdict(set)
    for name, view in databases.items():
        if view.compilation is None:
            continue
        for grant in view.compilation.spec.grants:
            grants[grant.user][name].append(grant)
        for problem in view.compilation.problems:
            for user in problem.users:
                of_users[user].add(problem)
            for role in problem.roles:
                of_roles[role].add(problem)
    return AccessWorld(
        roles=roles,
        users=users,
        databases=databases,
        grants=grants,
        user_problems={user: _sorted(found) for user, found in of_users.items()},
        role_problems={role: _sorted(found) for role, found in of_roles.items()},
        now=now,
    )


def _sorted(problems: set[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.reason, problem.message))

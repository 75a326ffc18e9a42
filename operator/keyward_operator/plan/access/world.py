"""A namespace as the checks of its roles and users see it."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyward_api.problems import Problem
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
    locks: Sequence[Json]
    databases: Mapping[str, View]
    """By name."""

    grants: Mapping[str, Grants]
    """By the KeyspacesUser."""

    user_problems: Mapping[str, Sequence[Problem]]
    """What was left out of some policy, by the KeyspacesUser that misses it; each once."""

    role_problems: Mapping[str, Sequence[Problem]]
    """The same by the KeyspacesRole."""

    lock_problems: Mapping[str, Sequence[Problem]]
    """What a lock does that it does not say, by the KeyspacesLock."""

    now: datetime

    @property
    def served(self) -> list[str]:
        """Databases that have a policy."""
        return sorted(name for name, view in self.databases.items() if view.compilation)


def access_world(
    *,
    roles: Sequence[Json],
    users: Sequence[Json],
    locks: Sequence[Json],
    databases: Mapping[str, View],
    now: datetime,
) -> AccessWorld:
    """Sort what is in the policies of `databases` by users, roles and locks."""
    grants: dict[str, dict[str, list[Grant]]] = defaultdict(lambda: defaultdict(list))
    for name, view in databases.items():
        for grant in view.compilation.spec.grants if view.compilation else ():
            grants[grant.user][name].append(grant)
    problems = {problem for view in databases.values() if view.compilation for problem in view.compilation.problems}
    return AccessWorld(
        roles=roles,
        users=users,
        locks=locks,
        databases=databases,
        grants=grants,
        user_problems=_by_name(problems, lambda problem: problem.users),
        role_problems=_by_name(problems, lambda problem: problem.roles),
        lock_problems=_by_name(problems, lambda problem: problem.locks),
        now=now,
    )


def _by_name(problems: Collection[Problem], names: Callable[[Problem], Sequence[str]]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = defaultdict(list)
    for problem in sorted(problems, key=lambda problem: (problem.reason, problem.message)):
        for name in names(problem):
            found[name].append(problem)
    return found

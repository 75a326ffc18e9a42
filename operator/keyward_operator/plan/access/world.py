"""A namespace as the checks of its roles and users see it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from keyward_api.problems import Problem
from keyward_api.resources.policy import KeyspacesPolicySpec
from keyward_operator.children import Child
from keyward_operator.json_types import Json
from keyward_operator.plan.view import View, published_policy

Grants = Mapping[str, int]
"""How many grants are in the policies of databases, by their names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseAccess:
    """What the policy of a database says of users and locks: small, for a namespace may have many large policies."""

    labels: dict[str, str]
    is_served: bool
    """Whether it has a policy."""

    grants: Mapping[str, int]
    """How many agents have of each KeyspacesUser."""

    locks: frozenset[str]
    """The KeyspacesLocks that agents have."""

    problems: Sequence[Problem]
    waiting_users: frozenset[str] = frozenset()
    """KeyspacesUsers of which agents have something else than they shall, for the policy is not written yet."""

    waiting_locks: frozenset[str] = frozenset()
    next_end: datetime | None
    """When the next grant or lock ends."""

    @classmethod
    def of(cls, view: View, *, is_published: bool) -> Self:
        """`is_published`: whether agents can read the policy as it shall be."""
        locks, grants = _contents(view.compilation.spec if view.compilation else None)
        access = cls(
            labels=view.observed.database["metadata"].get("labels") or {},
            is_served=view.compilation is not None,
            grants=grants,
            locks=locks,
            problems=view.compilation.problems if view.compilation else (),
            next_end=view.compilation.spec.next_end(view.now) if view.compilation else None,
        )
        return access if is_published else access._waiting(published_policy(view.own(Child.POLICY)))

    def _waiting(self, published: KeyspacesPolicySpec | None) -> Self:
        locks, grants = _contents(published)
        return replace(
            self,
            grants=grants,
            locks=locks,
            waiting_users=frozenset(self.grants.keys() | grants.keys()),
            waiting_locks=self.locks | locks,
        )


def _contents(spec: KeyspacesPolicySpec | None) -> tuple[frozenset[str], Counter[str]]:
    """Names of the locks, and how many grants there are of each user."""
    if spec is None:
        return frozenset(), Counter()
    return frozenset(lock.name for lock in spec.locks), Counter(grant.user for grant in spec.grants)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessWorld:
    """A namespace. Its lists are complete: what is not in them does not exist."""

    roles: Sequence[Json]
    users: Sequence[Json]
    locks: Sequence[Json]
    databases: Mapping[str, DatabaseAccess]
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
        return sorted(name for name, database in self.databases.items() if database.is_served)

    def waiting(self, concerns: Callable[[DatabaseAccess], bool]) -> list[str]:
        """Databases whose policies are not written yet, as far as they concern somebody."""
        return sorted(name for name, database in self.databases.items() if concerns(database))


def access_world(
    *,
    roles: Sequence[Json],
    users: Sequence[Json],
    locks: Sequence[Json],
    databases: Mapping[str, DatabaseAccess],
    now: datetime,
) -> AccessWorld:
    """Sort what is in the policies of `databases` by users, roles and locks."""
    grants: dict[str, dict[str, int]] = defaultdict(dict)
    for name, database in databases.items():
        for user, number in database.grants.items():
            grants[user][name] = number
    problems = {problem for database in databases.values() for problem in database.problems}
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


def names_of(documents: Sequence[Json]) -> set[str]:
    """The names of objects."""
    return {document["metadata"]["name"] for document in documents}


def _by_name(problems: Collection[Problem], names: Callable[[Problem], Sequence[str]]) -> dict[str, list[Problem]]:
    found: dict[str, list[Problem]] = defaultdict(list)
    for problem in sorted(problems, key=lambda problem: (problem.reason, problem.message)):
        for name in names(problem):
            found[name].append(problem)
    return found

"""Which roles, users, locks and IAM roles of a namespace a database's policy is made from.

A change of any other one changes nothing for it. On doubt something concerns every database: a rule that selects by
labels, a user that names a role which does not exist, whatever concerns no database at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from keyward_operator.json_types import Json

_Names = frozenset[str]

Concern = int
"""A hash over the versions of all that concerns a database, itself included."""


class Concerns:
    """Of one namespace, as it was read."""

    def __init__(self, databases: Mapping[str, Json], labels: Mapping[str, str]) -> None:
        """Nothing concerns a database yet but itself and its namespace's labels."""
        self._names = frozenset(databases)
        own = frozenset(labels.items())
        self._found: dict[str, list[object]] = {name: [_version(document), own] for name, document in databases.items()}

    @classmethod
    def of(
        cls,
        databases: Mapping[str, Json],
        labels: Mapping[str, str],
        *,
        roles: Sequence[Json],
        users: Sequence[Json],
        others: Sequence[Json],
    ) -> Self:
        """Sort what was read; `others` concern all databases."""
        concerns = cls(databases, labels)
        by_role = {}
        for role in roles:
            by_role[role["metadata"]["name"]] = concerns._add("role", role, frozenset(_databases_named(role)))
        for user in users:
            held = [by_role.get(name, concerns._names) for name in _roles_named(user)]
            concerns._add("user", user, frozenset().union(*held))
        for other in others:
            concerns._add("other", other, concerns._names)
        return concerns

    def __getitem__(self, database: str) -> Concern:
        """The hash for a database, good within this process."""
        return hash(tuple(self._found[database]))

    def _add(self, what: str, document: Json, named: _Names) -> _Names:
        concerned = self._names if "*" in named else named & self._names
        concerned = concerned or self._names
        for database in concerned:
            self._found[database].append((what, _version(document)))
        return concerned


def _databases_named(role: Json) -> Iterator[str]:
    """What the rules of a role name; `*` where one of them says it otherwise."""
    spec = role.get("spec") or {}
    for rule in (*(spec.get("allow") or ()), *(spec.get("deny") or ())):
        yield from rule.get("databases", {}).get("names") or ("*",)


def _roles_named(user: Json) -> Sequence[str]:
    return (user.get("spec") or {}).get("roles") or ()


def _version(document: Json) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return metadata["name"], metadata["uid"], metadata["resourceVersion"]

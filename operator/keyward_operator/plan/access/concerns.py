"""Which roles, users, locks and IAM roles of a namespace a database's policy is made from.

A change of any other one changes nothing for its policy, nor for what is told of it. On doubt something concerns every
database: what cannot be read, a rule that selects by labels, a user that names a role which does not exist, whatever
concerns no database at all.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from keyward_api.reading import read
from keyward_api.resources.role import KeyspacesRole
from keyward_api.resources.user import KeyspacesUser
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
        for document in roles:
            role, _ = read(KeyspacesRole, document)
            named = frozenset(_databases_named(role)) if role else concerns._names
            by_role[document["metadata"]["name"]] = concerns._add("role", document, named)
        for document in users:
            user, _ = read(KeyspacesUser, document)
            held = user.spec.roles if user else ()
            named = frozenset().union(*(by_role.get(name, concerns._names) for name in held))
            concerns._add("user", document, named, missing=frozenset(held).difference(by_role))
        for document in others:
            concerns._add("other", document, concerns._names)
        return concerns

    def __getitem__(self, database: str) -> Concern:
        """The hash for a database, good within this process."""
        return hash(tuple(self._found[database]))

    def _add(self, what: str, document: Json, named: _Names, *, missing: _Names = frozenset()) -> _Names:
        concerned = self._names if "*" in named else named & self._names
        concerned = concerned or self._names
        for database in concerned:
            self._found[database].append((what, _version(document), missing))
        return concerned


def _databases_named(role: KeyspacesRole) -> Iterator[str]:
    """What the rules of a role name; `*` where one of them says it otherwise."""
    for rule in (*role.spec.allow, *role.spec.deny):
        yield from rule.databases.names or ("*",)


def _version(document: Json) -> tuple[str, str, str]:
    metadata = document["metadata"]
    return metadata["name"], metadata["uid"], metadata["resourceVersion"]

"""Databases, roles and users over many namespaces, as many of each, and what is changed about them.

In each namespace role N is about database N, and user N holds role N and the next one: a policy has two grants.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.kinds import Kind, Reference
from tests.integration.operator import resources

WRITERS = 16
"""Requests at once."""

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """How much there is."""

    databases: int
    """As many roles, and as many users."""

    namespaces: int

    def where(self) -> Iterator[tuple[str, int]]:
        """Namespace and number of each database."""
        for index in range(self.databases):
            yield f"team-{index % self.namespaces}", index // self.namespaces

    def size(self, namespace: str) -> int:
        """How many databases are in a namespace."""
        return sum(each == namespace for each, _ in self.where())

    async def make(self, api: KubernetesApi) -> None:
        """Make everything."""
        namespaces = [f"team-{index}" for index in range(self.namespaces)]
        await at_once([_creation(api, kinds.NAMESPACE, _namespace(name)) for name in namespaces])
        await at_once([_creation(api, kind, manifest) for kind, manifest in self._manifests()])

    def _manifests(self) -> Iterator[tuple[Kind, Json]]:
        for namespace, number in self.where():
            yield kinds.KEYSPACES_ROLE, self.role(namespace, number)
            yield kinds.KEYSPACES_USER, self.user(namespace, number)
            yield kinds.KEYSPACES_DATABASE, resources.database(namespace, f"db-{number}")

    def role(self, namespace: str, number: int, keyspace: str = "orders") -> Json:
        """A role, about a keyspace."""
        role = resources.role(namespace, f"role-{number}", (keyspace,))
        role["spec"]["allow"][0]["databases"] = {"names": [f"db-{number}"]}
        return role

    def user(self, namespace: str, number: int, account: str = "app") -> Json:
        """A user, who is a ServiceAccount."""
        roles = (f"role-{number}", f"role-{(number + 1) % self.size(namespace)}")
        user = resources.user(namespace, f"user-{number}", tuple(dict.fromkeys(roles)))
        user["spec"]["subjects"][0]["name"] = account
        return user


@dataclass(frozen=True, kw_only=True)
class Change:
    """An edit of a role or a user that brings a word into policies."""

    reference: Reference
    spec: Json
    word: str
    policies: tuple[str, ...]
    """Names of those that have the word then."""

    async def make(self, api: KubernetesApi) -> None:
        """Make it."""
        await api.merge_patch(self.reference, {"spec": self.spec})


def change_of_role(fleet: Fleet, namespace: str, number: int, word: str) -> Change:
    """A role that is about another keyspace."""
    role = fleet.role(namespace, number, word)
    return Change(
        reference=Reference(kind=kinds.KEYSPACES_ROLE, namespace=namespace, name=role["metadata"]["name"]),
        spec=role["spec"],
        word=word,
        policies=(policy_name(namespace, number),),
    )


def change_of_user(fleet: Fleet, namespace: str, number: int, word: str) -> Change:
    """A user that is another ServiceAccount."""
    user = fleet.user(namespace, number, word)
    about = {number, (number + 1) % fleet.size(namespace)}
    return Change(
        reference=Reference(kind=kinds.KEYSPACES_USER, namespace=namespace, name=user["metadata"]["name"]),
        spec=user["spec"],
        word=word,
        policies=tuple(policy_name(namespace, each) for each in sorted(about)),
    )


def policy_name(namespace: str, number: int) -> str:
    """The name of a database's policy."""
    return names.dotted_child_name(namespace=namespace, name=f"db-{number}")


async def at_once(calls: Sequence[Callable[[], Coroutine[Any, Any, object]]], *, limit: int = WRITERS) -> None:
    """Do all calls, `limit` at a time."""
    left = iter(calls)

    async def work() -> None:
        for call in left:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(limit):
            group.create_task(work())


def _creation(api: KubernetesApi, kind: Kind, manifest: Json) -> Callable[[], Coroutine[Any, Any, object]]:
    return lambda: api.create(manifest, kind=kind)


def _namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}

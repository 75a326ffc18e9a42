"""Reads a whole namespace by lists: for a resync everything, for a change of access what policies are made from.

Children are found by their labels, not by their names, so one that lost its labels, or a stranger in its place, is not
seen here: the database then seems to miss it, and is looked at by itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import KINDS, Child, references
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey
from keyward_operator.kinds import Kind, Reference
from keyward_operator.plan.observed import Cluster, Observed
from keyward_operator.reconcile.observe import namespace_labels, namespace_selector
from keyward_operator.scope import Scope
from keyward_operator.tasks import first_error


@dataclass(frozen=True, slots=True)
class Inputs:
    """What people wrote beside databases, in the order of `kinds.INPUTS`."""

    roles: tuple[Json, ...]
    users: tuple[Json, ...]
    locks: tuple[Json, ...]
    iam_roles: tuple[Json, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NamespaceWorld:
    """A namespace. Its lists are complete: what is not in them does not exist."""

    databases: dict[str, Observed]
    """By name."""

    inputs: Inputs


class Surveyor:
    """Reads namespaces."""

    def __init__(
        self,
        api: KubernetesApi,
        scope: Scope,
        *,
        cluster: Cluster,
        replacement_due: Callable[[DatabaseKey], bool],
    ) -> None:
        self._api = api
        self._cluster = cluster
        self._agents_namespace = scope.agents_namespace
        self._replacement_due = replacement_due

    async def survey(self, namespace: str) -> NamespaceWorld:
        """What is in `namespace` now, and what was made for it elsewhere."""
        databases, inputs = await self._inputs(namespace)
        if not databases:
            return NamespaceWorld(databases={}, inputs=inputs)
        labels = await namespace_labels(self._api, namespace)
        children = await self._everything(namespace)
        # After the children: a report in the policy whose pod is not in this list is of a pod that is gone.
        pods = await self._pods(namespace)
        return NamespaceWorld(databases=self._observed(databases, inputs, labels, children, pods), inputs=inputs)

    async def survey_access(self, namespace: str) -> NamespaceWorld:
        """As `survey`, but of the children only policies, read before what they are made from, and no pods."""
        policies = await self._children(namespace, [(kinds.KEYSPACES_POLICY, self._agents_namespace)])
        databases, inputs = await self._inputs(namespace)
        labels = await namespace_labels(self._api, namespace) if databases else {}
        return NamespaceWorld(databases=self._observed(databases, inputs, labels, policies, {}), inputs=inputs)

    async def _inputs(self, namespace: str) -> tuple[list[Json], Inputs]:
        databases, *lists = await self._lists(*((kind, namespace, None) for kind in kinds.INPUTS))
        return databases, Inputs(*map(tuple, lists))

    async def _everything(self, namespace: str) -> dict[Reference, Json]:
        questions = [(kind, self._agents_namespace) for kind in dict.fromkeys(KINDS.values())]
        return await self._children(namespace, questions + [(kind, namespace) for kind in kinds.IN_BOTH_NAMESPACES])

    def _observed(
        self,
        databases: Sequence[Json],
        inputs: Inputs,
        labels: Mapping[str, str],
        found: Mapping[Reference, Json],
        pods: Mapping[str, Sequence[Json]],
    ) -> dict[str, Observed]:
        keys = [DatabaseKey(database["metadata"]["namespace"], database["metadata"]["name"]) for database in databases]
        return {
            key.name: Observed(
                database=database,
                cluster=self._cluster,
                namespace_labels=labels,
                roles=inputs.roles,
                users=inputs.users,
                locks=inputs.locks,
                iam_roles=inputs.iam_roles,
                children=self._own(key, found),
                pods=tuple(pods.get(key.name, ())),
                replacement_due=self._replacement_due(key),
            )
            for key, database in zip(keys, databases, strict=True)
        }

    def _own(self, key: DatabaseKey, found: Mapping[Reference, Json]) -> dict[Child, Json]:
        wanted = references(namespace=key.namespace, name=key.name, agents_namespace=self._agents_namespace)
        return {child: found[reference] for child, reference in wanted.items() if reference in found}

    async def _children(self, namespace: str, kinds_and_places: list[tuple[Kind, str]]) -> dict[Reference, Json]:
        selector = namespace_selector(namespace)
        questions = [(kind, where, selector) for kind, where in kinds_and_places]
        found: dict[Reference, Json] = {}
        for (kind, where, _), items in zip(questions, await self._lists(*questions), strict=True):
            for item in items:
                found[Reference(kind=kind, namespace=where, name=item["metadata"]["name"])] = item
        return found

    async def _pods(self, namespace: str) -> dict[str, list[Json]]:
        pods: dict[str, list[Json]] = defaultdict(list)
        for pod in await self._api.list_all(
            kinds.POD, namespace=self._agents_namespace, label_selector=namespace_selector(namespace)
        ):
            pods[pod["metadata"]["labels"].get(names.LABEL_OWNER_NAME, "")].append(pod)
        return pods

    async def _lists(self, *questions: tuple[Kind, str, str | None]) -> list[list[Json]]:
        with first_error():
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._api.list_all(kind, namespace=namespace, label_selector=selector))
                    for kind, namespace, selector in questions
                ]
        return [task.result() for task in tasks]

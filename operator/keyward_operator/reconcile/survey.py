"""Reads a whole namespace by lists: for a resync everything, for a change of access what policies are made from.

Policies, which may be large and many, are read by themselves, and by their names: to find by labels a namespace's few
among those of all, the API server reads all. Of all others nothing is held but what is small.
Children are found by their labels, not by their names, so one that lost its labels, or a stranger in its place, is not
seen here: the database then seems to miss it, and is looked at by itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from keyward_api import names
from keyward_operator import kinds
from keyward_operator.children import KINDS, Child, references
from keyward_operator.clients.kubernetes_api import KubernetesApi
from keyward_operator.json_types import Json
from keyward_operator.keys import DatabaseKey
from keyward_operator.kinds import Kind, Reference
from keyward_operator.plan.access.concerns import Concerns
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

    namespace: str
    databases: dict[str, Json]
    """By name."""

    labels: Mapping[str, str]
    """Of the namespace itself."""

    inputs: Inputs
    children: Mapping[Reference, Json]
    """All but policies, or none where they were not asked for."""

    pods: Mapping[str, Sequence[Json]]
    """By the name of the database."""

    def concerns(self) -> Concerns:
        """What the policies of its databases are made from."""
        inputs = self.inputs
        others = inputs.locks + inputs.iam_roles
        return Concerns.of(self.databases, self.labels, roles=inputs.roles, users=inputs.users, others=others)


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
        world = await self.survey_access(namespace)
        if not world.databases:
            return world
        return replace(world, children=await self._everything(namespace), pods=await self._pods(namespace))

    async def survey_access(self, namespace: str) -> NamespaceWorld:
        """As `survey`, but without children and pods."""
        with first_error():
            async with asyncio.TaskGroup() as group:
                inputs = group.create_task(self._lists(*((kind, namespace, None) for kind in kinds.INPUTS)))
                labels = group.create_task(namespace_labels(self._api, namespace))
        databases, *lists = inputs.result()
        return NamespaceWorld(
            namespace=namespace,
            databases={database["metadata"]["name"]: database for database in databases},
            labels=labels.result(),
            inputs=Inputs(*map(tuple, lists)),
            children={},
            pods={},
        )

    async def database(self, world: NamespaceWorld, name: str) -> Observed:
        """A database of a namespace, with its policy as it is now."""
        return self._observed(world, name, await self._api.get(self._places(world, name)[Child.POLICY]))

    def _observed(self, world: NamespaceWorld, name: str, policy: Json | None) -> Observed:
        inputs = world.inputs
        places = self._places(world, name)
        children = {child: world.children[place] for child, place in places.items() if place in world.children}
        return Observed(
            database=world.databases[name],
            cluster=self._cluster,
            namespace_labels=world.labels,
            roles=inputs.roles,
            users=inputs.users,
            locks=inputs.locks,
            iam_roles=inputs.iam_roles,
            children=children | ({Child.POLICY: policy} if policy else {}),
            # Read before the policies: a pod that reports there and is not here may just be new, so nobody is forgotten
            # by this; who looks at the database itself reads them the other way round.
            pods=tuple(world.pods.get(name, ())),
            replacement_due=self._replacement_due(DatabaseKey(world.namespace, name)),
        )

    def _places(self, world: NamespaceWorld, name: str) -> dict[Child, Reference]:
        return references(namespace=world.namespace, name=name, agents_namespace=self._agents_namespace)

    async def _everything(self, namespace: str) -> dict[Reference, Json]:
        others = (kind for kind in dict.fromkeys(KINDS.values()) if kind is not kinds.KEYSPACES_POLICY)
        questions = [(kind, self._agents_namespace) for kind in others]
        return await self._children(namespace, questions + [(kind, namespace) for kind in kinds.IN_BOTH_NAMESPACES])

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
